package web

import (
	"net/url"
	"slices"
	"strconv"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// A condition is what a person asks of one field, as addresses have it: f, o and v, once for each condition.
type condition struct{ Field, Op, Value string }

func (c condition) add(q url.Values) {
	q.Add("f", c.Field)
	q.Add("o", c.Op)
	q.Add("v", c.Value)
}

// readConditions reads the conditions of an address. "add" adds one of a field, "drop" takes one away by its place.
func readConditions(q url.Values) (out []condition) {
	drop := -1
	if n, err := strconv.Atoi(q.Get("drop")); err == nil {
		drop = n
	}
	for i, name := range q["f"] {
		if i >= crm.FiltersMax || i >= len(q["o"]) || i >= len(q["v"]) {
			break
		}
		if i != drop && name != "" {
			out = append(out, condition{name, q["o"][i], q["v"][i]})
		}
	}
	if name := q.Get("add"); name != "" && len(out) < crm.FiltersMax {
		out = append(out, condition{Field: name})
	}
	return out
}

// filtering is the form of a list's conditions.
type filtering struct {
	Rows   []filterRow
	Fields []option // to add a condition of; none: there are enough
	Open   bool
	Count  int // of conditions that hold
}

type filterRow struct {
	ID     int
	Field  string
	Label  string
	Ops    []option
	Valued bool
	Value  field
	Error  string
}

// filtering is the form for what a list was asked, and the filters that can be made of it. What cannot is said by its row, and
// does not count.
func (v *visit) filtering(kind record.Kind, ask *listAsk) (form filtering, filters []crm.Filter) {
	var kept []condition
	for _, c := range ask.Conds {
		def, ok := crm.FilterDef(v.schema(kind), record.Field(c.Field))
		if !ok {
			continue // a field that is no longer in use
		}
		ops := crm.Ops(def)
		fresh := c.Op == ""
		op := crm.Op(c.Op)
		if !slices.Contains(ops, op) {
			op = ops[0]
		}
		c.Op = string(op)
		row := filterRow{ID: len(form.Rows), Field: c.Field, Label: v.filterLabel(kind, def), Valued: op.Valued()}
		for _, o := range ops {
			row.Ops = append(row.Ops, option{string(o), v.words.T(opKey(def, o)), o == op})
		}
		value := c.Value
		if def.Type == record.Number {
			value = v.words.readNumber(value)
		}
		f, err := crm.FilterOn(v.schema(kind), def.Name, op, value, v.zone)
		switch {
		case err == nil:
			filters = append(filters, f)
		case !fresh && c.Value != "":
			row.Error = v.words.T("filter.wrong")
		}
		row.Value = v.filterValue(def, c.Value, row)
		form.Open = form.Open || err != nil
		form.Rows, kept = append(form.Rows, row), append(kept, c)
	}
	ask.Conds = kept
	form.Count = len(filters)
	if len(form.Rows) < crm.FiltersMax {
		form.Fields = v.filterFields(kind)
	}
	return form, filters
}

// filterFields are the fields that a list can be filtered by.
func (v *visit) filterFields(kind record.Kind) (out []option) {
	for _, def := range v.schema(kind).Defs() {
		if len(crm.Ops(def)) > 0 {
			out = append(out, option{Value: string(def.Name), Label: v.filterLabel(kind, def)})
		}
	}
	for _, name := range []record.Field{crm.CreatedTime, crm.ModifiedTime} {
		def, _ := crm.FilterDef(v.schema(kind), name)
		out = append(out, option{Value: string(name), Label: v.filterLabel(kind, def)})
	}
	return out
}

func (v *visit) filterLabel(kind record.Kind, def record.Def) string {
	switch def.Name {
	case crm.CreatedTime:
		return v.words.T("contacts.made")
	case crm.ModifiedTime:
		return v.words.T("contacts.changed")
	}
	return v.label(kind, def.Name)
}

// opKey is the message for a way to compare: numbers are more, days are after.
func opKey(def record.Def, op crm.Op) string {
	switch {
	case op != crm.Below && op != crm.Above:
	case def.Type == record.Date:
		return "filter.op." + string(op) + "_day"
	}
	return "filter.op." + string(op)
}

// filterValue is the control for what a field is compared with.
func (v *visit) filterValue(def record.Def, value string, row filterRow) field {
	f := field{Name: "v", Label: v.words.T("filter.value", "Field", row.Label), Value: value, Input: "text", Error: row.Error}
	switch def.Type {
	case record.Date:
		f.Input = "date"
	case record.Number:
		f.Mode = "decimal"
	case record.Picklist:
		f.Input = "select"
		for _, each := range def.Values {
			f.Options = append(f.Options, option{each, v.choice(def, each), each == value})
		}
	case record.Bool:
		f.Input = "select"
		f.Options = []option{{"true", v.words.T("list.yes"), value == "true"}, {"false", v.words.T("list.no"), value == "false"}}
	}
	return f
}
