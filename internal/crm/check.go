package crm

import (
	"tandem/internal/fault"
	"tandem/internal/record"
)

// system are the fields that only the CRM itself writes.
var system = map[record.Field]bool{
	"id": true, "Full_Name": true, "Created_By": true, "Created_Time": true, "Modified_By": true, "Modified_Time": true,
	"Data_Source": true, "Last_Activity_Time": true, "Record_Status__s": true,
}

// check settles the given fields against the stored ones (nil: a new record) and returns all fields of the record as
// they are to be, in canonical form. What stands already is not asked again. strict is for people and programs; sync
// writes more leniently (see forms).
func check(schema *record.Schema, stored, given record.Fields, home string, strict bool) (record.Fields, error) {
	var problems Problems
	merged := whole(schema, stored)
	for field, raw := range given {
		def, ok := schema.Def(field)
		switch {
		case !ok && system[field]:
			problems.add(fault.ReadOnlyField, field, "only the CRM itself writes this field")
			continue
		case !ok:
			problems.add(fault.UnknownField, field, "there is no such field")
			continue
		case isWhen(def):
			merged[field] = raw // settled below
			continue
		case stored != nil && raw == merged[field]:
			continue
		case strict && def.Type == record.Image && raw != merged[field]:
			problems.add(fault.ReadOnlyField, field, "a picture is set by itself, not by its name")
			continue
		case strict && def.Type == record.Attending && raw != merged[field]:
			problems.add(fault.ReadOnlyField, field, "who is invited is said in Outlook")
			continue
		}
		value, wrong := canon(def, raw, strict)
		if wrong != nil {
			problems = append(problems, wrong)
			continue
		}
		merged[field] = value
	}
	if schema.Kind() == record.Calendar {
		if stored == nil || asksWhen(given) || merged[record.Changed] != "" { // they differ from the series by what it has now
			problems = append(problems, settleWhen(merged, stored, given, home, strict)...)
		}
		if _, said := given[record.EventTitle]; strict && stored == nil && !said {
			problems.add(fault.Mandatory, record.EventTitle, "is mandatory, though it may be empty")
		}
	}
	for _, d := range schema.AllDefs() {
		if d.Mandatory && merged[d.Name] == "" && !concerns(problems, d.Name) {
			problems.add(fault.Mandatory, d.Name, "is mandatory")
		}
	}
	sortProblems(schema, problems)
	return merged, problems.err()
}

// checkDraft is check of what a person, a program or a file wants a record to be.
func checkDraft(schema *record.Schema, stored record.Fields, d Draft, home string) (record.Fields, error) {
	if !d.Brought {
		return check(schema, stored, d.Fields, home, true)
	}
	given, odd := record.Fields{}, record.Fields{}
	for field, raw := range d.Fields {
		given[field] = raw
		if def, ok := schema.Def(field); ok && (def.Type == record.Email || def.Type == record.Phone) {
			if _, wrong := canon(def, raw, true); wrong == nil {
				continue
			}
			if kept, wrong := canon(def, raw, false); wrong == nil {
				odd[field] = kept
				delete(given, field)
			}
		}
	}
	fields, err := check(schema, stored, given, home, true)
	for field, kept := range odd {
		fields[field] = kept
	}
	return fields, err
}

// Complete gives the record's fields of the schema, what was never set as empty.
func Complete(schema *record.Schema, f record.Fields) record.Fields {
	return complete(make(record.Fields, len(schema.AllDefs())), schema.AllDefs(), f)
}

// whole is Complete for what is to be stored: values of fields that are out of use stay with their record.
func whole(schema *record.Schema, f record.Fields) record.Fields {
	return complete(f.With(nil), schema.AllDefs(), f)
}

// synced are the fields that sync may know, with those never set as empty.
func synced(schema *record.Schema, f record.Fields) record.Fields {
	return complete(make(record.Fields, len(schema.Defs())), schema.Defs(), f)
}

func complete(out record.Fields, defs []record.Def, f record.Fields) record.Fields {
	for _, d := range defs {
		out[d.Name] = f[d.Name]
		if out[d.Name] == "" {
			out[d.Name] = d.Standard
			if d.Type == record.Bool {
				out[d.Name] = "false"
			}
		}
	}
	return out
}

// asksWhen reports whether a field is given that says when an event takes place.
func asksWhen(given record.Fields) bool {
	for field := range given {
		if def, ok := record.DefOf(record.Calendar, field); ok && isWhen(def) {
			return true
		}
	}
	return false
}

// isWhen reports whether a field is one of those that are settled together: see settleWhen.
func isWhen(def record.Def) bool {
	return def.Group == record.GroupWhen || def.Group == record.GroupSeries
}

func concerns(problems Problems, field record.Field) bool {
	for _, p := range problems {
		if p.Field == string(field) {
			return true
		}
	}
	return false
}

// differ reports whether two complete sets of fields are different.
func differ(schema *record.Schema, a, b record.Fields) bool {
	for _, d := range schema.AllDefs() {
		if a[d.Name] != b[d.Name] {
			return true
		}
	}
	return false
}
