package crmapi

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// Changed_Occurrences is a list with one object for each occurrence that differs from its series: the Day on which the rule
// has it, in the series' own zone, and the fields in which it differs, each as in the event itself:
//
//	[{"Day": "2026-03-04", "Venue": "Room 2", "Start_DateTime": "2026-03-04T15:00:00-03:00"}]
//
// The list that is written takes the place of the one before. null, or an empty list, is none.
const dayOfOccurrence = "Day"

// occurrences reads the list; wrong says what is not as it should be.
func (d *decoder) occurrences(raw json.RawMessage) (_ record.Value, wrong string) {
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return "", "must be a list of objects"
	}
	var out []record.Occurrence
	for _, given := range list {
		day, ok := dayNamed(given[dayOfOccurrence])
		switch {
		case !ok:
			return "", "every occurrence needs its Day, such as 2026-03-16"
		case slices.ContainsFunc(out, func(o record.Occurrence) bool { return o.Day == day }):
			return "", day + " is named twice"
		}
		own, bad := d.ownFields(given)
		if bad != "" {
			return "", day + ": " + bad + ": wrong type"
		}
		out = append(out, record.Occurrence{Day: day, Fields: own})
	}
	return record.OccurrencesValue(out), ""
}

// dayNamed reads a date, or of a moment, as of an occurrence's start, the date.
func dayNamed(raw json.RawMessage) (day string, ok bool) {
	if json.Unmarshal(raw, &day) != nil {
		return "", false
	}
	if at, err := time.Parse(time.RFC3339, day); err == nil {
		day = at.Format(time.DateOnly)
	}
	_, err := time.Parse(time.DateOnly, day)
	return day, err == nil
}

// ownFields reads the fields of one occurrence, as those of the event are read; bad names one that cannot be. What it may not
// have is left for package crm to refuse by name.
func (d *decoder) ownFields(given map[string]json.RawMessage) (own record.Fields, bad string) {
	inner := *d
	inner.given, inner.stored, inner.draft = given, nil, crm.Draft{Fields: record.Fields{}}
	own = record.Fields{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		field, value := record.Field(name), given[name]
		def, known := record.DefOf(d.module.kind, field)
		switch {
		case name == dayOfOccurrence:
		case !known || !record.InOccurrence(field), absent(value):
			own[field] = ""
		default:
			inner.def = def
			v, ok := types[def.Type].decode(&inner, value)
			if !ok {
				return nil, name
			}
			own[field] = v
		}
	}
	return own, ""
}

func asOccurrences(c *call, r crm.Record, v record.Value) any {
	list := []object{}
	for _, o := range record.Occurrences(v) {
		told := object{dayOfOccurrence: o.Day}
		// A reminder of its own stands alone: the event's further ones are not repeated with it.
		one := r
		one.Fields = r.Fields.With(o.Fields).With(record.Fields{record.FurtherReminders: ""})
		for _, name := range slices.Sorted(maps.Keys(o.Fields)) {
			if def, ok := record.DefOf(r.Kind, name); ok && types[def.Type].encode != nil {
				told[string(name)] = types[def.Type].encode(c, one, o.Fields[name])
			}
		}
		list = append(list, told)
	}
	return list
}
