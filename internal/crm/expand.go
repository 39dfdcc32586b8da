package crm

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// An Occurrence is one time at which an event takes place.
type Occurrence struct {
	Day        string // of a series: the day on which its rule has the occurrence, in the series' own zone
	Start, End time.Time
	// AllDay: Start and End are days, told as midnights UTC; the end is the day after the last.
	AllDay bool
	Own    record.Fields // of a changed occurrence: what it has otherwise
}

// Over are the fields of the occurrence: those of its event with its own over them.
func (o Occurrence) Over(event record.Fields) record.Fields {
	layout, allDay := momentLayout, record.Value("false")
	if o.AllDay {
		layout, allDay = time.DateOnly, "true"
	}
	return event.With(o.Own).With(record.Fields{
		record.Start: record.Value(o.Start.UTC().Format(layout)), record.End: record.Value(o.End.UTC().Format(layout)), record.AllDay: allDay,
	})
}

// A Series is the time of an event as its fields tell it, ready to be expanded; of an event that does not repeat, the only
// occurrence.
type Series struct {
	start, end time.Time // of the first; in the event's own zone, all-day at midnight UTC
	allDay     bool
	rule       *recur.Rule // nil: it does not repeat
	excluded   map[string]bool
	changed    []record.Occurrence // by day
}

// SeriesOf reads the fields that say when an event takes place, in their canonical form; false: they say no time. A rule
// that cannot be read counts as none.
func SeriesOf(f record.Fields) (s Series, ok bool) {
	s.allDay = f[record.AllDay] == "true"
	own, known := zone.Load(string(f[record.TimeZone]))
	if !known || s.allDay {
		own = time.UTC
	}
	start, ok1 := readInstant(string(f[record.Start]), own, false)
	end, ok2 := readInstant(string(f[record.End]), own, false)
	if !ok1 || !ok2 {
		return s, false
	}
	s.start, s.end = start.at.In(own), end.at.In(own)
	if f[record.Recurring] == "" {
		return s, true
	}
	rule, err := recur.Parse(string(f[record.Recurring]))
	if err != nil {
		return s, true
	}
	rule = rule.Resolve(s.start)
	s.rule, s.excluded = &rule, map[string]bool{}
	for day := range strings.SplitSeq(string(f[record.Excluded]), ",") {
		if day != "" {
			s.excluded[day] = true
		}
	}
	s.changed = record.Occurrences(f[record.Changed])
	return s, true
}

// Repeats reports whether the event is a series.
func (s Series) Repeats() bool { return s.rule != nil }

// First is the first occurrence as the rule has it, or the only one.
func (s Series) First() Occurrence {
	day := ""
	if s.rule != nil {
		day = s.start.Format(time.DateOnly)
	}
	return s.regular(day, s.start)
}

// Has reports whether the rule of a series has an occurrence on a day, be it left out or not.
func (s Series) Has(day string) bool {
	if s.rule == nil {
		return false
	}
	days := s.rule.Days(s.start, day)
	_, ok := slices.BinarySearch(days, day)
	return ok
}

// On is the occurrence that a series has on a day of its rule, changed or as the rule has it. false: it has been left out,
// or day is no date. Whether the rule has one on that day is not looked at.
func (s Series) On(day string) (o Occurrence, ok bool) {
	at, ok := recur.OnDay(s.start, day)
	if !ok || s.excluded[day] {
		return o, false
	}
	i, changed := slices.BinarySearchFunc(s.changed, day, func(o record.Occurrence, day string) int { return strings.Compare(o.Day, day) })
	o = s.regular(day, at)
	if changed {
		o = s.own(o, s.changed[i].Fields)
	}
	return o, true
}

// regular is the occurrence that starts at a time, as the rule has it.
func (s Series) regular(day string, at time.Time) Occurrence {
	return Occurrence{Day: day, Start: at, End: at.Add(s.end.Sub(s.start)), AllDay: s.allDay}
}

// own is an occurrence with its own fields.
func (s Series) own(o Occurrence, own record.Fields) Occurrence {
	o.Own = own
	if v, said := own[record.AllDay]; said {
		o.AllDay = v == "true"
	}
	start, ok1 := readInstant(string(own[record.Start]), time.UTC, false)
	end, ok2 := readInstant(string(own[record.End]), time.UTC, false)
	if ok1 && ok2 {
		zone := s.start.Location()
		if o.AllDay {
			zone = time.UTC
		}
		o.Start, o.End = start.at.In(zone), end.at.In(zone)
	}
	return o
}

// Between lists the occurrences that take place at least partly in [from, to), at most limit, in order of their starts;
// changed ones where they have been moved to. Whole days are compared as midnights UTC: a caller who shows them on another
// clock asks for a day more to each side.
func (s Series) Between(from, to time.Time, limit int) []Occurrence {
	if s.rule == nil {
		o := s.regular("", s.start)
		if o.touches(from, to) {
			return []Occurrence{o}
		}
		return nil
	}
	var out []Occurrence
	own := make(map[string]bool, len(s.changed))
	for _, c := range s.changed {
		own[c.Day] = true
		if o, ok := s.On(c.Day); ok && o.touches(from, to) {
			out = append(out, o)
		}
	}
	lasts := s.end.Sub(s.start)
	for _, slot := range s.rule.Slots(s.start, from.Add(-lasts), to, func(day string) bool { return s.excluded[day] || own[day] }, limit) {
		if o := s.regular(slot.Day, slot.Start); o.touches(from, to) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b Occurrence) int { return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.Day, b.Day)) })
	return out[:min(len(out), limit)]
}

// touches reports whether an occurrence takes place in [from, to); one without length counts where it starts.
func (o Occurrence) touches(from, to time.Time) bool {
	return o.Start.Before(to) && (o.End.After(from) || o.Start.Equal(o.End) && !o.Start.Before(from))
}

// endless is when a series without an end ends, for comparing.
var endless = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// span is the time from the start of the first occurrence to the end of the last one.
func (s Series) span() (from, to time.Time) {
	from, to = s.start.UTC(), s.end.UTC()
	if s.rule == nil {
		return from, to
	}
	if last, forever := s.rule.Last(s.start); forever {
		to = endless
	} else {
		to = last.UTC().Add(s.end.Sub(s.start))
	}
	for _, c := range s.changed {
		if o, ok := s.On(c.Day); ok {
			if o.Start.Before(from) {
				from = o.Start.UTC()
			}
			if o.End.After(to) {
				to = o.End.UTC()
			}
		}
	}
	return from, to
}

// Span is the time that an event takes up, from its start to its end; of a series, to the end of its last occurrence,
// or the year 9999. Days of all-day events are told as UTC. False: the fields say no time.
func Span(f record.Fields) (from, to time.Time, ok bool) {
	s, ok := SeriesOf(f)
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	from, to = s.span()
	return from, to, true
}
