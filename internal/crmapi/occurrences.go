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

func (d *decoder) occurrences(raw json.RawMessage) (record.Value, bool) {
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return "", false
	}
	var out []record.Occurrence
	for _, given := range list {
		var day string
		if json.Unmarshal(given[dayOfOccurrence], &day) != nil {
			return "", false
		}
		if at, err := time.Parse(time.RFC3339, day); err == nil { // a moment, as of its start: its date counts
			day = at.Format(time.DateOnly)
		}
		if _, err := time.Parse(time.DateOnly, day); err != nil || slices.ContainsFunc(out, func(o record.Occurrence) bool { return o.Day == day }) {
			return "", false
		}
		own, ok := d.ownFields(given)
		if !ok {
			return "", false
		}
		out = append(out, record.Occurrence{Day: day, Fields: own})
	}
	return record.OccurrencesValue(out), true
}

// ownFields reads the fields of one occurrence, as those of the event are read. What it may not have is left for package crm
// to refuse by name.
func (d *decoder) ownFields(given map[string]json.RawMessage) (record.Fields, bool) {
	inner := *d
	inner.given, inner.stored, inner.draft = given, nil, crm.Draft{Fields: record.Fields{}}
	own := record.Fields{}
	for name, value := range given {
		field := record.Field(name)
		def, known := record.DefOf(d.module.kind, field)
		switch {
		case name == dayOfOccurrence:
		case !known || !record.InOccurrence(field), absent(value):
			own[field] = ""
		default:
			inner.def = def
			v, ok := types[def.Type].decode(&inner, value)
			if !ok {
				return nil, false
			}
			own[field] = v
		}
	}
	return own, true
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
