package recur

import (
	"slices"
	"time"
)

// Nearest are the forms that other calendars are likely to have of a rule, and the first occurrence of each, the closest
// first: what is particular about the rule is left out step by step, and it begins on the first of its own days. start is
// the event's own first time.
func (r Rule) Nearest(start time.Time) (rules []Rule, starts []time.Time) {
	r = r.Resolve(start)
	offer := func(rule Rule) {
		at := start
		rule = rule.Resolve(start)
		if slots := rule.Slots(start, start, start.AddDate(horizon, 0, 0), nil, 1); len(slots) > 0 {
			at = slots[0].Start
		}
		rule = rule.Resolve(at)
		if text := rule.String(); slices.ContainsFunc(rules, func(known Rule) bool { return known.String() == text }) {
			return
		}
		rules, starts = append(rules, rule), append(starts, at)
	}
	r.Count = min(r.Count, 999)
	offer(r)
	if len(r.ByMonth) > 1 || r.Freq != Yearly {
		r.ByMonth = slices.DeleteFunc(slices.Clone(r.ByMonth), func(m int) bool { return m != int(start.Month()) })
		if r.Freq != Yearly {
			r.ByMonth = nil
		}
		offer(r)
	}
	// A day that months may lack, and one of several.
	if (r.Freq == Monthly || r.Freq == Yearly) && len(r.ByMonthDay) > 0 && len(r.ByDay) == 0 {
		one := r
		day := start.Day()
		if !slices.Contains(r.ByMonthDay, day) && r.ByMonthDay[len(r.ByMonthDay)-1] > 0 {
			day = r.ByMonthDay[len(r.ByMonthDay)-1]
		}
		one.ByMonthDay, one.BySetPos = []int{day}, nil
		offer(one)
		if late, positions := LateDay(day); late != nil {
			one.ByMonthDay, one.BySetPos = late, positions
			offer(one)
		}
	}
	// One of several weeks, or of several weekdays.
	if (r.Freq == Monthly || r.Freq == Yearly) && len(r.ByDay) > 0 {
		one := r
		one.ByMonthDay, one.BySetPos = nil, nil
		one.ByDay = []Day{NthWeekday(start)}
		if r.Freq == Yearly && len(r.ByMonth) == 0 {
			one.ByMonth = []int{int(start.Month())}
		}
		offer(one)
	}
	if r.Freq == Weekly || r.Freq == Daily && len(r.ByDay) > 0 {
		offer(Rule{Freq: Weekly, Interval: r.Interval, ByDay: r.ByDay, Count: r.Count, Until: r.Until, WeekStart: r.WeekStart})
	}
	plain := Rule{Freq: r.Freq, Interval: r.Interval, Count: r.Count, Until: r.Until, WeekStart: r.WeekStart}
	if r.Freq == Monthly || r.Freq == Yearly {
		plain.ByMonthDay, plain.BySetPos = dayEveryMonth(start, r.Freq)
	}
	offer(plain)
	return rules, starts
}
