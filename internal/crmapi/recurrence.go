package crmapi

import (
	"encoding/json"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// recurrence reads {"RRULE": "FREQ=DAILY;INTERVAL=1;DTSTART=2023-05-20;UNTIL=2023-05-28", "EXDATE": "2023-05-22"}.
// Zoho writes dates with hyphens and puts DTSTART among the parts; RFC 5545's way is taken too. EXDATE may be a list.
// The days left out go into a field of their own.
//
// One record is the whole series. Zoho makes a record of each occurrence; a series in Outlook is one thing, and it is
// told so here (docs/adr).
func (d *decoder) recurrence(raw json.RawMessage) (record.Value, bool) {
	var series struct {
		RRULE  *string
		EXDATE json.RawMessage
	}
	if json.Unmarshal(raw, &series) != nil || series.RRULE == nil || *series.RRULE == "" {
		return "", false
	}
	days, ok := exdates(series.EXDATE)
	d.draft.Fields[record.Excluded] = days
	return record.Value(*series.RRULE), ok
}

// exdates reads dates, in one string or in a list, and joins them as package record wants them.
func exdates(raw json.RawMessage) (record.Value, bool) {
	if absent(raw) {
		return "", true
	}
	var list []string
	var one string
	if json.Unmarshal(raw, &one) == nil {
		list = strings.Split(one, ",")
	} else if json.Unmarshal(raw, &list) != nil {
		return "", false
	}
	for i, day := range list {
		for _, layout := range [...]string{"20060102", "20060102T150405", "20060102T150405Z"} {
			if t, err := time.Parse(layout, strings.TrimSpace(day)); err == nil {
				list[i] = t.Format(time.DateOnly)
			}
		}
	}
	return record.Value(strings.Join(list, ",")), true
}

// asRecurrence tells a series the way Zoho does.
func asRecurrence(_ *call, r crm.Record, v record.Value) any {
	rule, err := recur.Parse(string(v))
	if v == "" || err != nil {
		return nil
	}
	rest, end := rule, ""
	rest.Count, rest.Until = 0, ""
	if _, counted, ok := strings.Cut(rule.String(), ";COUNT="); ok {
		counted, _, _ = strings.Cut(counted, ";")
		end += ";COUNT=" + counted
	}
	if rule.Until != "" {
		end += ";UNTIL=" + rule.Until
	}
	text := rest.String()
	if rule.Interval == 1 {
		freq, parts, more := strings.Cut(text, ";")
		text = freq + ";INTERVAL=1"
		if more {
			text += ";" + parts
		}
	}
	if from, _, ok := crm.Span(r.Fields); ok {
		text += ";DTSTART=" + from.In(local(r.Fields)).Format(time.DateOnly)
	}
	series := object{"RRULE": text + end}
	if days := r.Fields[record.Excluded]; days != "" {
		series["EXDATE"] = string(days)
	}
	return series
}
