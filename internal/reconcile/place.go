package reconcile

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tandem/internal/mapping"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// The day by which an occurrence is known is one of its series' rule. Where the two sides, or one and the base, have other
// rules or starts, the same occurrence has another day there: before what is done to occurrences is merged, all of it is told
// in the days of the series as it is going to be.

// A course is how a series runs: from when, in its own zone, by which rule.
type course struct {
	start time.Time
	rule  recur.Rule
	known bool // it is a series
}

func courseOf(fields record.Fields) (c course) {
	rule, err := recur.Parse(string(fields[record.Recurring]))
	start, ok := mapping.StartOf(fields)
	if fields[record.Recurring] == "" || err != nil || !ok {
		return c
	}
	return course{start: start, rule: rule.Resolve(start), known: true}
}

// same reports whether two courses have the same occurrences.
func (c course) same(to course) bool {
	return c.known == to.known && (!c.known || c.start.Equal(to.start) && c.rule.String() == to.rule.String())
}

// places finds the days of another course for days of this one: shifted as a whole, or only longer or shorter, the
// occurrence of the same number; else that of the same date. What is not in it has no place.
func (c course) places(to course, days []string) map[string]string {
	out := make(map[string]string, len(days))
	if len(days) == 0 || c.known && !to.known {
		return out
	}
	if !c.known || c.same(to) {
		for _, day := range days {
			out[day] = day
		}
		return out
	}
	last := slices.Max(days)
	from := c.rule.Days(c.start, last)
	if shifted, ok := c.rule.Shift(c.start, to.start); !ok || !samePattern(shifted, to.rule) {
		from = to.rule.Days(to.start, last)
		for _, day := range days {
			if slices.Contains(from, day) {
				out[day] = day
			}
		}
		return out
	}
	slots := to.rule.Slots(to.start, to.start, to.start.AddDate(200, 0, 0), nil, len(from))
	for _, day := range days {
		if n, ok := slices.BinarySearch(from, day); ok && n < len(slots) {
			out[day] = slots[n].Day
		}
	}
	return out
}

// samePattern compares rules but for their ends.
func samePattern(a, b recur.Rule) bool {
	a.Count, a.Until, b.Count, b.Until = 0, "", 0, ""
	return a.String() == b.String()
}

// told are doings in the days of another course; stray are those that have no place in it.
func (d doings) told(from, to course) (in, stray doings) {
	in, stray = doings{}, doings{}
	places := from.places(to, d.days())
	for day, is := range d {
		if place, ok := places[day]; ok {
			in[place] = is
		} else {
			stray[day] = is
		}
	}
	return in, stray
}

func (d doings) days() []string { return slices.Collect(maps.Keys(d)) }

// fill adds to what a side does what the base has of days that the side's course has no place for: with its times gone, it
// has not taken that back. All is told in the days of at.
func (d doings) fill(from course, base doings, baseAt, at course) {
	here, there := baseAt.places(from, base.days()), baseAt.places(at, base.days())
	for day, is := range base {
		place, ok := there[day]
		if _, has := here[day]; has || !ok {
			continue
		}
		if _, said := d[place]; !said {
			d[place] = is
		}
	}
}

// edited are the edits among doings that somebody has made since the base, which is told in the days of another course.
func (d doings) edited(at course, base doings, baseAt course) doings {
	base, _ = base.told(baseAt, at)
	out := doings{}
	for day, is := range d {
		if own := edits(base[day], is); len(own) > 0 {
			out[day] = doing{own: own}
		}
	}
	return out
}

// order takes the times of their own from occurrences that would not lie between their neighbours any more, as Exchange wants them: of those
// that were brought to other days, which are loose, and of those that a side has moved while the other did something to a neighbour. What
// loses other conflicts goes first.
func (m *merger) order(at course, loose map[string]Where) {
	for day, is := range m.merged {
		key := is.own[record.Start]
		if _, known := loose[day]; known || len(key) == 0 || equal(key, m.base[day].own[record.Start]) {
			continue
		}
		if loose[day] = InMicrosoft; equal(key, m.ours[day].own[record.Start]) {
			loose[day] = InCRM
		}
	}
	loser := InMicrosoft
	if len(loose) > 0 && m.wins() == InMicrosoft {
		loser = InCRM
	}
	first := maps.Clone(loose)
	maps.DeleteFunc(first, func(_ string, where Where) bool { return where != loser })
	m.straighten(at, first)
	m.straighten(at, loose)
}

// straighten does so as far as loose days are concerned.
func (m *merger) straighten(at course, loose map[string]Where) {
	last := ""
	for day, is := range m.merged {
		if len(is.own[record.Start]) > 0 {
			last = max(last, day, m.shown(at, day)) // as far as it has neighbours
		}
	}
	if !at.known || len(loose) == 0 || last == "" {
		return
	}
	days := slices.DeleteFunc(at.rule.Days(at.start, last), func(day string) bool { return m.merged[day].out })
	for again := true; again; {
		again = false
		for i, day := range days {
			where, may := loose[day]
			own := m.merged[day].own[record.Start]
			if !may || len(own) == 0 {
				continue
			}
			shown := m.shown(at, day)
			if i > 0 && shown <= m.shown(at, days[i-1]) || i+1 < len(days) && shown >= m.shown(at, days[i+1]) {
				m.lose(where, day, map[record.Field]record.Fields{record.Start: own})
				delete(m.merged[day].own, record.Start)
				again = true
			}
		}
	}
}

// shown is the day on which the occurrence of a day takes place.
func (m *merger) shown(at course, day string) string {
	text := string(m.merged[day].own[record.Start][record.Start])
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.In(at.start.Location()).Format(time.DateOnly)
	}
	if text = strings.TrimSpace(text); text != "" { // a whole day
		return text
	}
	return day
}
