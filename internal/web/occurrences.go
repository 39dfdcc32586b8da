package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// An occurrence is one time at which an event takes place, as its reader's clock and calendar show it: days of all-day
// events are midnights in the reader's zone, because they are days everywhere.
type occurrence struct {
	Record     crm.Record
	Start, End time.Time // in the reader's zone
	AllDay     bool
	Series     bool
	Day        string // of a series: the day in the event's own zone, by which it can be left out
}

// The bounds of an expansion.
const (
	occurrencesOfOne = 400 // a year of a daily series, and some
	eventsInWindow   = 2000
)

// momentLayout and dayLayout are the canonical forms of record.Moment.
const (
	momentLayout = "2006-01-02T15:04:05Z"
	dayLayout    = time.DateOnly
)

// occurrences are those that take place at least partly in [from, to), in order.
func occurrences(events []crm.Record, from, to time.Time, reader *time.Location) []occurrence {
	var out []occurrence
	for _, r := range events {
		first, ok := first(r, reader)
		if !ok {
			continue
		}
		if !first.Series {
			if first.Start.Before(to) && (first.End.After(from) || first.Start.Equal(first.End) && !first.Start.Before(from)) {
				out = append(out, first)
			}
			continue
		}
		out = append(out, expand(r, first, from, to, reader)...)
	}
	slices.SortStableFunc(out, func(a, b occurrence) int {
		return cmp.Or(a.Start.Compare(b.Start), -cmp.Compare(btoi(a.AllDay), btoi(b.AllDay)), cmp.Compare(a.Record.ID, b.Record.ID))
	})
	return out
}

// first is the only or first occurrence of an event; false: its fields say no time.
func first(r crm.Record, reader *time.Location) (occurrence, bool) {
	f := r.Fields
	o := occurrence{Record: r, AllDay: f[record.AllDay] == "true", Series: f[record.Recurring] != ""}
	start, ok1 := readTime(f[record.Start], o.AllDay)
	end, ok2 := readTime(f[record.End], o.AllDay)
	if !ok1 || !ok2 {
		return o, false
	}
	o.Start, o.End = o.shown(start, reader), o.shown(end, reader)
	return o, true
}

// readTime reads a canonical moment; days come as midnight UTC.
func readTime(value record.Value, allDay bool) (time.Time, bool) {
	layout := momentLayout
	if allDay {
		layout = dayLayout
	}
	t, err := time.Parse(layout, string(value))
	return t, err == nil
}

// shown puts a moment, or a day told as midnight UTC, onto the reader's calendar.
func (o occurrence) shown(t time.Time, reader *time.Location) time.Time {
	if o.AllDay {
		return recur.Attach(t, reader)
	}
	return t.In(reader)
}

func expand(r crm.Record, first occurrence, from, to time.Time, reader *time.Location) []occurrence {
	rule, err := recur.Parse(string(r.Fields[record.Recurring]))
	if err != nil {
		return []occurrence{first}
	}
	start, _ := readTime(r.Fields[record.Start], first.AllDay)
	end, _ := readTime(r.Fields[record.End], first.AllDay)
	lasts := end.Sub(start)
	if first.AllDay {
		// The rule speaks of days as midnights in UTC; a day to each side makes up for the reader's zone.
		from, to = from.Add(-24*time.Hour), to.Add(24*time.Hour)
	} else if own, ok := zone.Load(string(r.Fields[record.TimeZone])); ok {
		start = start.In(own)
	}
	out := make([]occurrence, 0, 8)
	for _, at := range rule.Resolve(start).Between(start, from.Add(-lasts), to, excludedDays(r), occurrencesOfOne) {
		o := first
		o.Day = at.Format(dayLayout)
		o.Start, o.End = o.shown(at, reader), o.shown(at.Add(lasts), reader)
		out = append(out, o)
	}
	return out
}

func excludedDays(r crm.Record) map[string]bool {
	days := map[string]bool{}
	for day := range strings.SplitSeq(string(r.Fields[record.Excluded]), ",") {
		if day != "" {
			days[day] = true
		}
	}
	return days
}

// eventName is how an event is called on pages.
func eventName(w *words, r crm.Record) string {
	if title := string(r.Fields[record.EventTitle]); title != "" {
		return title
	}
	return w.T("record.untitled")
}

// hours are the clock times of an occurrence, for a list under its day.
func (v *visit) hours(o occurrence, day time.Time) string {
	switch {
	case o.AllDay:
		return v.words.T("event.all_day")
	case o.Start.Before(day) && o.End.After(day.AddDate(0, 0, 1)):
		return v.words.T("event.goes_on")
	case o.Start.Before(day):
		return v.words.T("event.until", "Time", v.words.Clock(o.End))
	case o.Start.Equal(o.End):
		return v.words.Clock(o.Start)
	}
	return v.words.Clock(o.Start) + " – " + v.words.Clock(o.End)
}

// whenWords tell when an occurrence takes place.
func (v *visit) whenWords(o occurrence) string {
	last := o.End
	if o.AllDay {
		last = o.End.AddDate(0, 0, -1)
	}
	sameDay := o.Start.Format(dayLayout) == last.Format(dayLayout)
	switch {
	case o.AllDay && sameDay:
		return v.words.Day(o.Start)
	case o.AllDay:
		return v.words.Day(o.Start) + " – " + v.words.Day(last)
	case sameDay:
		return v.words.Day(o.Start) + ", " + v.words.Clock(o.Start) + " – " + v.words.Clock(o.End)
	}
	return v.words.Moment(o.Start) + " – " + v.words.Moment(o.End)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
