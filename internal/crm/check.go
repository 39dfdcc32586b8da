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
func check(kind record.Kind, stored, given record.Fields, home string, strict bool) (record.Fields, error) {
	var problems Problems
	merged := Complete(kind, stored)
	for field, raw := range given {
		def, ok := record.DefOf(kind, field)
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
		}
		value, wrong := canon(def, raw, strict)
		if wrong != nil {
			problems = append(problems, wrong)
			continue
		}
		merged[field] = value
	}
	if kind == record.Calendar {
		if stored == nil || asksWhen(given) || merged[record.Changed] != "" { // they differ from the series by what it has now
			problems = append(problems, settleWhen(merged, stored, given, home, strict)...)
		}
		if _, said := given[record.EventTitle]; strict && stored == nil && !said {
			problems.add(fault.Mandatory, record.EventTitle, "is mandatory, though it may be empty")
		}
	}
	for _, d := range record.AllDefs(kind) {
		if d.Mandatory && merged[d.Name] == "" && !concerns(problems, d.Name) {
			problems.add(fault.Mandatory, d.Name, "is mandatory")
		}
	}
	sortProblems(kind, problems)
	return merged, problems.err()
}

// Complete gives the record's fields with every field of the kind present, what was never set as empty.
func Complete(kind record.Kind, f record.Fields) record.Fields {
	return complete(record.AllDefs(kind), f)
}

// synced are the fields that sync may know, with those never set as empty.
func synced(kind record.Kind, f record.Fields) record.Fields { return complete(record.Defs(kind), f) }

func complete(defs []record.Def, f record.Fields) record.Fields {
	out := make(record.Fields, len(defs))
	for _, d := range defs {
		out[d.Name] = f[d.Name]
		if d.Type == record.Bool && out[d.Name] == "" {
			out[d.Name] = "false"
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

// differ reports whether two complete sets of fields of a kind are different.
func differ(kind record.Kind, a, b record.Fields) bool {
	for _, d := range record.AllDefs(kind) {
		if a[d.Name] != b[d.Name] {
			return true
		}
	}
	return false
}
