package crm

import (
	"fmt"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// maxExcluded is the most days that one series leaves out: ten years of a daily one.
const maxExcluded = 3660

const momentLayout = "2006-01-02T15:04:05Z"

// settleWhen brings the fields that say when an event takes place into canonical form, together, because each depends
// on the others. merged holds the stored values overlaid with the given ones, and gets the settled ones; given are the
// ones the caller wrote. home is the zone for times without an offset when the event has no zone of its own.
//
//   - all-day: start and end are dates; the end is the day after the last, and one day is meant when it is missing or
//     equals the start. Of a moment the date counts that its author wrote, whatever the offset; an end after midnight
//     takes its day in. A day is a day in every zone, so there is none.
//   - otherwise: moments in UTC, the end not before the start. A date means its midnight. An end without an offset counts
//     in its own zone where that is another one than the start's.
//   - a rule without its implied parts gets them from the start; days left out, and changed occurrences, without a rule mean
//     nothing and go; for those with one see settleOccurrences.
//
// strict is for people and programs: they are told of years, rules and first days that cannot be meant or kept.
func settleWhen(merged, stored, given record.Fields, home string, strict bool) (problems Problems) {
	fail := func(field record.Field, message string) { problems.add(fault.BadValue, field, message) }

	allDay, ok := asBool(record.Def{}, strings.TrimSpace(string(merged[record.AllDay])))
	if !ok {
		fail(record.AllDay, "must be true or false")
		return problems
	}
	merged[record.AllDay] = allDay
	local, ok := settleZone(merged, given, home)
	if !ok {
		fail(record.TimeZone, "is not a time zone")
		return problems
	}
	zones := [2]*time.Location{local, local} // of the start and the end
	if zones[1], ok = settleEndZone(merged, local); !ok {
		fail(record.EndTimeZone, "is not a time zone")
		return problems
	}

	var ends [2]instant
	for i, field := range [...]record.Field{record.Start, record.End} {
		text := strings.TrimSpace(string(merged[field]))
		_, written := given[field]
		switch {
		case text == "" && (field == record.Start || allDay != "true"):
			problems.add(fault.Mandatory, field, "is mandatory")
		case text == "":
		default:
			ends[i], ok = readInstant(text, zones[i], written)
			switch {
			case !ok:
				fail(field, "must be a date and time")
			case strict && written && merged[field] != stored[field] && !ends[i].inYears(allDay == "true"):
				fail(field, fmt.Sprintf("must lie in the years %d to %d", firstYear, lastYear))
			}
		}
	}
	if len(problems) > 0 {
		return problems
	}
	var first time.Time // of the series, in the event's zone or, all-day, at midnight UTC
	if allDay == "true" {
		first = ends[0].day
		last := ends[1].dayAfter()
		switch {
		case ends[1].at.IsZero() || last.Equal(first):
			last = first.AddDate(0, 0, 1)
		case last.Before(first):
			fail(record.End, "is before the start")
			return problems
		}
		merged[record.Start], merged[record.End] = dateValue(first), dateValue(last)
		merged[record.TimeZone], merged[record.EndTimeZone] = "", ""
	} else {
		first = ends[0].at.In(local)
		if ends[1].at.Before(ends[0].at) {
			fail(record.End, "is before the start")
			return problems
		}
		merged[record.Start], merged[record.End] = momentValue(ends[0].at), momentValue(ends[1].at)
	}
	said := strings.TrimSpace(string(given[record.Recurring]))
	settleSeries(merged, first, fail)
	if len(problems) == 0 && merged[record.Recurring] != "" {
		problems = settleOccurrences(merged, stored, first, strict)
	}
	if len(problems) > 0 || !strict || merged[record.Recurring] == "" {
		return problems
	}
	if wrong := startsElsewhere(said, ends[0], first); wrong != "" {
		fail(record.Recurring, wrong)
	} else if merged[record.Recurring] != stored[record.Recurring] || merged[record.Start] != stored[record.Start] {
		if wrong := tooLong(merged[record.Recurring], first); wrong != "" {
			problems.add(fault.NotExpressible, record.Recurring, wrong)
		}
	}
	return problems
}

// settleZone names the event's zone and finds its rules.
func settleZone(merged, given record.Fields, home string) (*time.Location, bool) {
	name := strings.TrimSpace(string(merged[record.TimeZone]))
	if name == "" {
		if _, cleared := given[record.TimeZone]; !cleared {
			name = home
		}
	}
	if name == "" {
		return time.UTC, true
	}
	iana, ok := zone.IANA(name)
	if !ok {
		return nil, false
	}
	local, ok := zone.Load(iana)
	merged[record.TimeZone] = record.Value(iana)
	return local, ok
}

// settleEndZone names the zone of the end where it is another one than the start's, and finds its rules.
func settleEndZone(merged record.Fields, start *time.Location) (*time.Location, bool) {
	name := strings.TrimSpace(string(merged[record.EndTimeZone]))
	if merged[record.EndTimeZone] = ""; name == "" {
		return start, true
	}
	iana, ok := zone.IANA(name)
	if !ok {
		return nil, false
	}
	local, ok := zone.Load(iana)
	if own := string(merged[record.TimeZone]); own == "" || !zone.Same(iana, own) {
		merged[record.EndTimeZone] = record.Value(iana)
	}
	return local, ok
}

// settleSeries brings the rule into canonical form.
func settleSeries(merged record.Fields, first time.Time, fail func(record.Field, string)) {
	text := strings.TrimSpace(string(merged[record.Recurring]))
	if text == "" {
		merged[record.Recurring], merged[record.Excluded], merged[record.Changed] = "", "", ""
		return
	}
	rule, err := recur.Parse(text)
	if err != nil {
		fail(record.Recurring, err.Error())
		return
	}
	rule = rule.Resolve(first)
	if rule.Until != "" && rule.Until < first.Format(time.DateOnly) {
		fail(record.Recurring, "the series ends before it starts")
		return
	}
	merged[record.Recurring] = record.Value(rule.String())
}

// The most that Exchange takes of a series (people would otherwise find it parked).
const (
	maxCount = 999
	maxYears = 100
)

// tooLong says why a rule in canonical form goes on for too long; "" if it does not.
func tooLong(value record.Value, first time.Time) string {
	rule, err := recur.Parse(string(value))
	switch {
	case err != nil:
		return ""
	case rule.Count > maxCount:
		return fmt.Sprintf("a series has at most %d occurrences (COUNT)", maxCount)
	case rule.Until > first.AddDate(maxYears, 0, 0).Format(time.DateOnly):
		return fmt.Sprintf("a series ends at most %d years after its start (UNTIL)", maxYears)
	}
	return ""
}

// startsElsewhere says why the DTSTART that a rule names is not the day on which its event starts; "" if it is, or if
// none is named. Right is the day in the event's zone and the day that stands in the event's own text.
func startsElsewhere(rule string, start instant, first time.Time) string {
	for part := range strings.SplitSeq(rule, ";") {
		name, text, _ := strings.Cut(strings.TrimPrefix(strings.ToUpper(part), "RRULE:"), "=")
		if text = strings.TrimSpace(text); strings.TrimSpace(name) != "DTSTART" {
			continue
		}
		named, ok := dayNamed(text, first.Location())
		if !ok {
			return "DTSTART must be a date"
		}
		if day := first.Format(time.DateOnly); named != day && named != start.day.Format(time.DateOnly) {
			return "DTSTART is " + named + ", but the event starts on " + day
		}
	}
	return ""
}

// dayNamed reads the day of a DTSTART, with or without hyphens, alone or with a time of the day.
func dayNamed(text string, local *time.Location) (string, bool) {
	for _, layout := range [...]string{"20060102T150405Z", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.In(local).Format(time.DateOnly), true
		}
	}
	for _, layout := range [...]string{time.DateOnly, "20060102", "20060102T150405", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.DateOnly), true
		}
	}
	return "", false
}

// The years in which people and programs may place an event.
const (
	firstYear = 1900
	lastYear  = 9998
)

// instant is a moment and the day on which it counts as all-day.
type instant struct {
	at       time.Time
	day      time.Time // midnight UTC
	midnight bool      // at begins the day
}

// inYears reports whether i lies in the years of events: by its day if only that counts, else in UTC, as it is kept.
func (i instant) inYears(dayOnly bool) bool {
	year := i.at.UTC().Year()
	if dayOnly {
		year = i.day.Year()
	}
	return year >= firstYear && year <= lastYear
}

// dayAfter is the day before which an all-day event ends that is said to end at i.
func (i instant) dayAfter() time.Time {
	if i.at.IsZero() || i.midnight {
		return i.day
	}
	return i.day.AddDate(0, 0, 1)
}

// readInstant reads a moment with an offset, a local one, or a date. written: the day is the one in the text; otherwise
// (a stored moment, in UTC) the one in the local zone.
func readInstant(text string, local *time.Location, written bool) (instant, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		if !written {
			t = t.In(local)
		}
		return newInstant(t)
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			i, ok := newInstant(t)
			i.at = recur.Attach(t, local)
			return i, ok
		}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return instant{}, false
	}
	i, ok := newInstant(t)
	i.at = recur.Attach(t, local)
	return i, ok
}

// newInstant takes a moment and its day as the clock of its zone shows them.
func newInstant(t time.Time) (instant, bool) {
	y, m, d := t.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	clock := t.Hour() + t.Minute() + t.Second() + t.Nanosecond()
	return instant{at: t, day: day, midnight: clock == 0}, y >= 1 && y <= 9998
}

func momentValue(t time.Time) record.Value { return record.Value(t.UTC().Format(momentLayout)) }
func dateValue(t time.Time) record.Value   { return record.Value(t.Format(time.DateOnly)) }
