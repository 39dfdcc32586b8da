package recur

import (
	"slices"
	"time"
)

// LateDay is a day of the month that some months lack, as Exchange means it: in those months their last. A rule that
// says the bare day passes them over. nil: every month has the day.
func LateDay(day int) (byMonthDay, bySetPos []int) {
	switch day {
	case 29:
		return []int{28, 29}, []int{-1}
	case 30:
		return []int{28, 29, 30}, []int{-1}
	case 31:
		return []int{-1}, nil
	}
	return nil, nil
}

// NthWeekday is a day as the n-th of its weekday in the month; the fifth is told as the last, which every month has.
func NthWeekday(day time.Time) Day {
	n := (day.Day()-1)/7 + 1
	if n == 5 {
		n = -1
	}
	return Day{N: n, Day: day.Weekday()}
}

// Shift is the rule of a series whose first occurrence moves from one day to another, with all others after it: those
// of a daily or weekly rule by the same number of days, the others to the same place in their months. Both are wall
// times of a first occurrence; r is resolved against from. False: the rule cannot be moved so, somebody has to say a new
// one.
func (r Rule) Shift(from, to time.Time) (Rule, bool) {
	from, to = float(from).Truncate(24*time.Hour), float(to).Truncate(24*time.Hour)
	days := int(to.Sub(from) / (24 * time.Hour))
	if days == 0 {
		return r, true
	}
	if until, err := time.Parse(dateLayout, r.Until); err == nil {
		r.Until = until.AddDate(0, 0, days).Format(dateLayout)
	}
	ok := false
	switch r.Freq {
	case Daily, Weekly:
		turn := func(d time.Weekday) time.Weekday { return time.Weekday(((int(d)+days)%7 + 7) % 7) }
		r.ByDay = slices.Clone(r.ByDay)
		for i := range r.ByDay {
			r.ByDay[i].Day = turn(r.ByDay[i].Day)
		}
		r.WeekStart = turn(r.WeekStart)
		ok = len(r.ByMonth)+len(r.ByMonthDay) == 0
	case Monthly:
		ok = len(r.ByMonth) == 0 && r.place(from, to)
	case Yearly:
		ok = len(r.ByMonth) == 1 && r.place(from, to)
		r.ByMonth = []int{int(to.Month())}
	}
	r = r.Resolve(to)
	first := r.Between(to, to, to.Add(time.Second), nil, 1)
	return r, ok && len(first) == 1
}

// place gives the rule of a month's one day that of another; false: it has no such one day.
func (r *Rule) place(from, to time.Time) bool {
	switch late, positions := LateDay(from.Day()); {
	case len(r.ByDay) == 1 && len(r.ByMonthDay)+len(r.BySetPos) == 0 && r.ByDay[0].N != 0:
		day := NthWeekday(to)
		if r.ByDay[0].N == -1 && to.AddDate(0, 0, 7).Month() != to.Month() {
			day.N = -1
		}
		r.ByDay = []Day{day}
		return true
	case len(r.ByDay) > 0:
		return false
	case slices.Equal(r.ByMonthDay, []int{from.Day()}) && len(r.BySetPos) == 0,
		slices.Equal(r.ByMonthDay, []int{-1}) && len(r.BySetPos) == 0,
		late != nil && slices.Equal(r.ByMonthDay, late) && slices.Equal(r.BySetPos, positions),
		slices.Equal(r.BySetPos, []int{-1}) && len(r.ByMonthDay) > 1 && r.ByMonthDay[0] == 28:
		r.ByMonthDay, r.BySetPos = dayEveryMonth(to, r.Freq)
		return true
	}
	return false
}

// dayEveryMonth is a day of the month, or of the year, that never fails to come.
func dayEveryMonth(day time.Time, freq Freq) (byMonthDay, bySetPos []int) {
	if freq == Yearly {
		if day.Month() == time.February && day.Day() == 29 {
			return []int{-1}, nil
		}
		return []int{day.Day()}, nil
	}
	if late, positions := LateDay(day.Day()); late != nil {
		return late, positions
	}
	return []int{day.Day()}, nil
}
