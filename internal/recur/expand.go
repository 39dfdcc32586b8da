package recur

import (
	"time"

	"github.com/teambition/rrule-go"
)

var units = map[Freq]rrule.Frequency{Daily: rrule.DAILY, Weekly: rrule.WEEKLY, Monthly: rrule.MONTHLY, Yearly: rrule.YEARLY}

// A Slot is the place of an occurrence in its series: the day on which the rule has it, "2006-01-02" on the wall of the
// event's own zone, and when it starts there.
type Slot struct {
	Day   string
	Start time.Time
}

// Slots lists the occurrences of a resolved rule that start in [from, to), at most limit, in ascending order. start is the
// first occurrence, in the event's own zone (all-day: midnight UTC), whose wall time every occurrence keeps. Days for which
// without says true are left out; it may be nil.
func (r Rule) Slots(start, from, to time.Time, without func(day string) bool, limit int) []Slot {
	var out []Slot
	next := r.iterate(start, to)
	for len(out) < limit {
		wall, ok := next()
		if !ok {
			break
		}
		at := Attach(wall, start.Location())
		if !at.Before(to) {
			break
		}
		if at.Before(from) {
			continue
		}
		if day := wall.Format(dateLayout); without == nil || !without(day) {
			out = append(out, Slot{day, at})
		}
	}
	return out
}

// Between lists only the starts of Slots; occurrences on one of the excluded days are left out.
func (r Rule) Between(start, from, to time.Time, excluded map[string]bool, limit int) []time.Time {
	var out []time.Time
	for _, slot := range r.Slots(start, from, to, func(day string) bool { return excluded[day] }, limit) {
		out = append(out, slot.Start)
	}
	return out
}

// Days are the days of a resolved rule's occurrences, in ascending order, from its start to the first one after last (a day
// "2006-01-02").
func (r Rule) Days(start time.Time, last string) []string {
	bound, err := time.Parse(dateLayout, last)
	if err != nil {
		return nil
	}
	var out []string
	// An interval may be long, so the walk is bounded by the day found, not by the day asked for.
	next := r.iterate(start, bound.AddDate(horizon, 0, 0))
	for wall, ok := next(); ok; wall, ok = next() {
		day := wall.Format(dateLayout)
		if out = append(out, day); day > last {
			break
		}
	}
	return out
}

// OnDay is when the occurrence of a day starts in a series that starts at start; false: day is no date.
func OnDay(start time.Time, day string) (time.Time, bool) {
	d, err := time.Parse(dateLayout, day)
	if err != nil {
		return time.Time{}, false
	}
	wall := float(start)
	return Attach(d.Add(wall.Sub(wall.Truncate(24*time.Hour))), start.Location()), true
}

// horizon bounds every expansion: a rule is followed this far beyond its start and no farther.
const horizon = 100 // years

// Last is the start of the last occurrence; endless is true if there is none within a hundred years.
func (r Rule) Last(start time.Time) (last time.Time, endless bool) {
	if r.Count == 0 && r.Until == "" {
		return time.Time{}, true
	}
	limit := start.AddDate(horizon, 0, 0)
	next := r.iterate(start, limit)
	last = start
	for wall, ok := next(); ok; wall, ok = next() {
		last = Attach(wall, start.Location())
		if !last.Before(limit) {
			return time.Time{}, true
		}
	}
	return last, false
}

// iterate walks the occurrences in floating time (wall clocks told as UTC), because a rule speaks of wall clocks and
// the zone is attached afterwards. It ends at the latest a day after to.
func (r Rule) iterate(start, to time.Time) func() (time.Time, bool) {
	floating := float(start)
	end := float(to.In(start.Location())).AddDate(0, 0, 1)
	if bound := floating.AddDate(horizon, 0, 0); end.After(bound) {
		end = bound
	}
	if r.Until != "" {
		if day, err := time.Parse(dateLayout, r.Until); err == nil {
			if last := day.AddDate(0, 0, 1).Add(-time.Second); last.Before(end) {
				end = last
			}
		}
	}
	rule, err := rrule.NewRRule(rrule.ROption{
		Freq: units[r.Freq], Dtstart: floating, Interval: r.Interval, Count: r.Count, Until: end,
		Bysetpos: r.BySetPos, Bymonth: r.ByMonth, Bymonthday: r.ByMonthDay,
		Byweekday: weekdays(r.ByDay), Wkst: *weekday(Day{Day: r.WeekStart}),
	})
	if err != nil {
		return func() (time.Time, bool) { return time.Time{}, false }
	}
	return rule.Iterator()
}

// Attach gives a wall time (told as UTC) its instant in a zone. A time that the clocks skip counts with the offset
// before the gap; one that they show twice is the first (RFC 5545 §3.3.5).
func Attach(wall time.Time, zone *time.Location) time.Time {
	_, before := wall.AddDate(0, 0, -1).In(zone).Zone()
	_, after := wall.AddDate(0, 0, 1).In(zone).Zone()
	first := wall.Add(-time.Duration(before) * time.Second).In(zone)
	if second := wall.Add(-time.Duration(after) * time.Second).In(zone); !float(first).Equal(wall) && float(second).Equal(wall) {
		return second
	}
	return first
}

// float tells a time's wall clock as UTC.
func float(t time.Time) time.Time {
	y, m, d := t.Date()
	h, min, s := t.Clock()
	return time.Date(y, m, d, h, min, s, 0, time.UTC)
}

func weekdays(days []Day) []rrule.Weekday {
	out := make([]rrule.Weekday, len(days))
	for i, d := range days {
		out[i] = *weekday(d)
	}
	return out
}

func weekday(d Day) *rrule.Weekday {
	w := [...]rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}[d.Day]
	if d.N != 0 {
		w = w.Nth(d.N)
	}
	return &w
}
