package recur

import (
	"time"

	"github.com/teambition/rrule-go"
)

var units = map[Freq]rrule.Frequency{Daily: rrule.DAILY, Weekly: rrule.WEEKLY, Monthly: rrule.MONTHLY, Yearly: rrule.YEARLY}

// Between lists the starts of a resolved rule's occurrences in [from, to), at most limit, in ascending order. start is
// the first occurrence, in the event's own zone (all-day: midnight UTC), whose wall time every occurrence keeps.
// Occurrences on one of the excluded days ("2006-01-02", local) are left out.
func (r Rule) Between(start, from, to time.Time, excluded map[string]bool, limit int) []time.Time {
	var out []time.Time
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
		if at.Before(from) || excluded[wall.Format(dateLayout)] {
			continue
		}
		out = append(out, at)
	}
	return out
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
