package crmapi

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// decoder turns one record's JSON object into a draft.
type decoder struct {
	call   *call
	module *module
	def    record.Def // of the field that is read
	given  map[string]json.RawMessage
	stored *crm.Record // the record that is to change, where it is known
	draft  crm.Draft
}

func absent(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}

// decode reads a record's object. What is not of its field's type is a problem of that field; fields that do not exist
// are left for package crm to refuse, keys that begin with $ are passed over.
func (c *call) decode(raw json.RawMessage, stored *crm.Record) (crm.Draft, error) {
	m := c.module
	d := &decoder{call: c, module: m, stored: stored, draft: crm.Draft{Fields: record.Fields{}, Source: record.API, Expressible: c.expressible}}
	if json.Unmarshal(raw, &d.given) != nil || d.given == nil {
		return d.draft, problem{status: 400, code: "INVALID_DATA", message: "invalid data",
			details: object{"expected_data_type": "jsonobject"}}
	}
	var problems crm.Problems
	bad := func(name string) {
		problems = append(problems, &fault.Fault{Kind: fault.Invalid, Reason: fault.BadValue, Field: name, Message: name + ": wrong type"})
	}
	for name, value := range d.given {
		field := record.Field(name)
		def, ok := m.schema.Def(field)
		switch {
		case strings.HasPrefix(name, "$"):
		case control(value):
			problems = append(problems, &fault.Fault{Kind: fault.Invalid, Reason: fault.BadValue, Field: name,
				Message: name + ": has a control character"})
		case name == "id":
			if d.draft.ID, ok = readID(value); !ok {
				bad(name)
			}
		case name == "Owner":
			if d.draft.Owner, ok = readID(value); !ok {
				bad(name)
			}
		case ok && inside(def): // it has no name of its own here
			problems = append(problems, &fault.Fault{Kind: fault.Invalid, Reason: fault.UnknownField, Field: name})
		case !ok:
			d.draft.Fields[field] = ""
		case absent(value):
			d.draft.Fields[field] = ""
			if def.Type == record.Recurrence {
				d.draft.Fields[record.Excluded] = ""
			}
			if field == record.RemindAt {
				d.draft.Fields[record.FurtherReminders] = ""
			}
		default:
			if wrong := d.unnamedModule(field); wrong != nil {
				problems = append(problems, wrong)
				continue
			}
			d.def = def
			if def.Type == record.Exceptions {
				v, why := d.occurrences(value)
				if why != "" {
					problems = append(problems, fault.Wrong(fault.BadValue, name, "%s: %s", name, why).(*fault.Fault))
				}
				d.draft.Fields[field] = v
				continue
			}
			v, ok := types[def.Type].decode(d, value)
			if !ok {
				bad(name)
				continue
			}
			d.draft.Fields[field] = v
		}
	}
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b *fault.Fault) int { return strings.Compare(a.Field, b.Field) })
		return d.draft, problems
	}
	return d.draft, nil
}

// inside reports whether a field travels inside another one's value.
func inside(d record.Def) bool {
	return d.Type == record.ExDates || d.Name == record.FurtherReminders
}

// readID reads an id: a string, or an object with one.
func readID(raw json.RawMessage) (record.ID, bool) {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		var ref struct{ ID string }
		if json.Unmarshal(raw, &ref) != nil {
			return 0, false
		}
		s = ref.ID
	}
	return record.ParseID(s)
}
