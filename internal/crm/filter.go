package crm

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// An Op is how a filter compares.
type Op string

// The ways to compare. Text is alike without letter case and accents, numbers by their digits alone.
const (
	Has    Op = "has"    // the value stands somewhere in it
	Is     Op = "is"     // of tags: it is one of them
	IsNot  Op = "is_not" // also what is empty is not
	Begins Op = "begins"
	Below  Op = "below" // less, before
	Above  Op = "above" // more, after
	Empty  Op = "empty"
	Filled Op = "filled"
)

// The moments of a record, which filters and lists take for dates of it.
const (
	CreatedTime  record.Field = "Created_Time"
	ModifiedTime record.Field = "Modified_Time"
)

// FiltersMax is how many conditions a query may have.
const FiltersMax = 8

// filterValueMax is how many code points the value of a filter may have.
const filterValueMax = 255

var opsOf = map[record.Type][]Op{
	record.Text:     {Has, Is, IsNot, Begins, Empty, Filled},
	record.Lookup:   {Has, Is, IsNot, Begins, Empty, Filled},
	record.Email:    {Has, Is, IsNot, Begins, Empty, Filled},
	record.URL:      {Has, Is, IsNot, Begins, Empty, Filled},
	record.Phone:    {Has, Is, IsNot, Begins, Empty, Filled},
	record.LongText: {Has, Empty, Filled},
	record.Picklist: {Is, IsNot, Empty, Filled},
	record.Bool:     {Is},
	record.Date:     {Is, Below, Above, Empty, Filled},
	record.Number:   {Is, Below, Above, Empty, Filled},
	record.Tags:     {Is, IsNot, Empty, Filled},
}

// Ops are the ways in which a field can be filtered; none: not at all.
func Ops(def record.Def) []Op {
	switch {
	case def.Name == CreatedTime || def.Name == ModifiedTime:
		return []Op{Is, Below, Above}
	case def.Group == record.GroupWhen || def.Group == record.GroupSeries:
		return nil
	case def.Standard != "":
		return []Op{Is, IsNot}
	}
	return opsOf[def.Type]
}

// Valued reports whether an Op compares with a value.
func (o Op) Valued() bool { return o != Empty && o != Filled }

// A Filter is one condition of a query, made by FilterOn.
type Filter struct {
	Def   record.Def
	Op    Op
	Value record.Value // canonical; of text as it was typed
	// From and To are the day that is meant where the field is CreatedTime or ModifiedTime.
	From, To time.Time
}

// FilterDef describes a field that can be filtered: one of the schema's, or a moment of the record.
func FilterDef(schema *record.Schema, name record.Field) (record.Def, bool) {
	if name == CreatedTime || name == ModifiedTime {
		return record.Def{Name: name, Type: record.Date}, true
	}
	def, ok := schema.Def(name)
	return def, ok && len(Ops(def)) > 0
}

// FilterOn makes a filter; days are those of the zone. Invalid names the field: it cannot be filtered, not so, or the value is
// none for it.
func FilterOn(schema *record.Schema, name record.Field, op Op, value string, zone *time.Location) (Filter, error) {
	def, ok := FilterDef(schema, name)
	switch {
	case !ok:
		return Filter{}, fault.Wrong(fault.UnknownField, string(name), "crm: %q is no field to filter by", name)
	case !slices.Contains(Ops(def), op):
		return Filter{}, fault.Wrong(fault.BadValue, string(name), "crm: %s cannot be filtered by %q", name, op)
	}
	f := Filter{Def: def, Op: op}
	if !op.Valued() {
		return f, nil
	}
	value = strings.TrimSpace(value)
	bad := fault.Wrong(fault.BadValue, string(name), "crm: %s is not compared with such a value", name)
	switch def.Type {
	case record.Date:
		day, err := time.ParseInLocation(time.DateOnly, value, zone)
		if err != nil {
			return Filter{}, bad
		}
		f.From, f.To = day, day.AddDate(0, 0, 1)
	case record.Number:
		n, ok := record.Decimal(value)
		if !ok {
			return Filter{}, bad
		}
		value = string(n)
	case record.Bool:
		if value != "true" && value != "false" {
			return Filter{}, bad
		}
	default:
		switch {
		case value == "":
			return Filter{}, fault.Wrong(fault.Mandatory, string(name), "crm: nothing to compare %s with", name)
		case utf8.RuneCountInString(value) > filterValueMax:
			return Filter{}, fault.Wrong(fault.TooLong, string(name), "crm: the value for %s is too long", name)
		}
	}
	f.Value = record.Value(value)
	return f, nil
}
