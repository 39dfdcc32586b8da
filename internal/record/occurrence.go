package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Occurrence is one occurrence of a series that differs from what the series says: an exception in the words of Graph, in
// those of iCalendar a component with a RECURRENCE-ID (RFC 5545 §3.8.4.4).
type Occurrence struct {
	// Day is the day on which the rule has the occurrence, "2006-01-02", in the series' own zone: it is known by that
	// wherever it may have been moved. A rule has at most one occurrence a day.
	Day string
	// Fields are those in which it differs from the series, with its own values. A moved one has both Start and End.
	Fields Fields
}

// InOccurrence reports whether single occurrences of a series may have a field of events otherwise: not the rule and what
// belongs to it, nor what no page and no mapping knows.
func InOccurrence(name Field) bool {
	switch name {
	case Start, End, AllDay:
		return true
	}
	return slices.ContainsFunc(eventDefs, func(d Def) bool { return d.Name == name && d.Group == "" })
}

// Occurrences reads OccurrencesValue; nil for a value that is none.
func Occurrences(v Value) []Occurrence {
	if v == "" {
		return nil
	}
	var days map[string]Fields
	if json.Unmarshal([]byte(v), &days) != nil {
		return nil
	}
	out := make([]Occurrence, 0, len(days))
	for day, fields := range days {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return nil
		}
		out = append(out, Occurrence{Day: day, Fields: fields})
	}
	slices.SortFunc(out, func(a, b Occurrence) int { return strings.Compare(a.Day, b.Day) })
	return out
}

// OccurrencesValue is the canonical text of changed occurrences: a JSON object by day, {"2026-03-04":{"Venue":"Room 2"}},
// days and fields in ascending order. Those that differ in nothing are left out; of two of one day the later counts.
func OccurrencesValue(list []Occurrence) Value {
	days := make(map[string]Fields, len(list))
	for _, o := range list {
		if len(o.Fields) == 0 {
			delete(days, o.Day)
			continue
		}
		days[o.Day] = o.Fields
	}
	if len(days) == 0 {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(days); err != nil { // maps of strings always encode
		panic(err)
	}
	return Value(strings.TrimSuffix(b.String(), "\n"))
}
