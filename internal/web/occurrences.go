package web

import (
	"cmp"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// An occurrence is one time at which an event takes place, as its reader's clock and calendar show it: days of all-day
// events are midnights in the reader's zone, because they are days everywhere.
type occurrence struct {
	Record     crm.Record
	Start, End time.Time // in the reader's zone
	AllDay     bool
	Series     bool
	Day        string // of a series: the day in the event's own zone, by which it can be left out or changed
	Changed    bool   // it differs from its series
}

// The bounds of an expansion.
const (
	occurrencesOfOne = 400 // a year of a daily series, and some
	eventsInWindow   = 10000
)

// momentLayout and dayLayout are the canonical forms of record.Moment.
const (
	momentLayout = "2006-01-02T15:04:05Z"
	dayLayout    = time.DateOnly
)

// occurrences are those that take place at least partly in [from, to), in order. Those that differ from their series have a
// record of their own fields over the series'.
func occurrences(events []crm.Record, from, to time.Time, reader *time.Location) []occurrence {
	const day = 24 * time.Hour // days are told as UTC: one to each side makes up for the reader's zone
	var out []occurrence
	for _, r := range events {
		series, ok := crm.SeriesOf(r.Fields)
		if !ok {
			continue
		}
		for _, each := range series.Between(from.Add(-day), to.Add(day), occurrencesOfOne) {
			if o := shown(r, each, reader); o.Start.Before(to) && (o.End.After(from) || o.Start.Equal(o.End) && !o.Start.Before(from)) {
				out = append(out, o)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b occurrence) int {
		return cmp.Or(a.Start.Compare(b.Start), -cmp.Compare(btoi(a.AllDay), btoi(b.AllDay)), cmp.Compare(a.Record.ID, b.Record.ID))
	})
	return out
}

// shown is an occurrence of an event on the reader's clock and calendar.
func shown(r crm.Record, each crm.Occurrence, reader *time.Location) occurrence {
	o := occurrence{Record: r, AllDay: each.AllDay, Series: r.Fields[record.Recurring] != "", Day: each.Day, Changed: each.Own != nil}
	if o.Changed {
		o.Record.Fields = each.Over(r.Fields)
	}
	o.Start, o.End = each.Start.In(reader), each.End.In(reader)
	if o.AllDay {
		o.Start, o.End = recur.Attach(each.Start, reader), recur.Attach(each.End, reader)
	}
	return o
}

// first is the only or first occurrence of an event, as its rule has it; false: its fields say no time.
func first(r crm.Record, reader *time.Location) (occurrence, bool) {
	series, ok := crm.SeriesOf(r.Fields)
	return shown(r, series.First(), reader), ok
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

// eventName is how an event is called on pages.
func eventName(w *words, r crm.Record) string {
	if title := string(r.Fields[record.EventTitle]); title != "" {
		return title
	}
	if r.Veiled {
		return w.T("event.veiled")
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
