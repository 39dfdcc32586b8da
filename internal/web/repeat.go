package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/recur"
)

// repeatInput is a rule as the form says it.
type repeatInput struct {
	Freq     string // "", daily, weekly, monthly, yearly; keep: Rule stays as it is
	Interval string
	Days     []string // of weekly: MO, TU …
	By       string   // of monthly and yearly: date (on the 25th) or weekday (on the fourth Wednesday)
	Ends     string   // never, until or count
	Until    string   // last day
	Count    string
	Rule     string // of keep: what the form has no words for
}

// repeatForm is the part of the event's form about repeating.
type repeatForm struct {
	Freq, By, Ends []option
	Interval       string
	Days           []option
	Until, Count   string
	Rule           string
	Error          string
	Said           string // the whole of it in a sentence; "": it does not repeat
	Odd            bool   // Microsoft 365 has no words for it
	Near, NearSaid string // of Odd: the nearest form, as the form sends it and as people say it
}

// freqs are the frequencies in the order of the form.
var freqs = []struct {
	name string
	freq recur.Freq
}{{"daily", recur.Daily}, {"weekly", recur.Weekly}, {"monthly", recur.Monthly}, {"yearly", recur.Yearly}}

// weekDays are the days in the order of the form, as rules call them.
var weekDays = []struct {
	name string
	day  time.Weekday
}{{"MO", 1}, {"TU", 2}, {"WE", 3}, {"TH", 4}, {"FR", 5}, {"SA", 6}, {"SU", 0}}

func readRepeat(form url.Values) repeatInput {
	return repeatInput{
		Freq: form.Get("repeat"), Interval: strings.TrimSpace(form.Get("repeat_interval")), Days: form["repeat_days"],
		By: form.Get("repeat_by"), Ends: form.Get("repeat_end"), Until: form.Get("repeat_until"),
		Count: strings.TrimSpace(form.Get("repeat_count")), Rule: form.Get("Recurring_Activity"),
	}
}

// problem is the key of the sentence for what is wrong, or "".
func (in repeatInput) problem() string {
	if in.Freq == "" || in.Freq == "keep" {
		return ""
	}
	if n, err := strconv.Atoi(in.interval()); err != nil || n < 1 || n > 999 {
		return "repeat_interval"
	}
	switch in.Ends {
	case "until":
		if _, err := time.Parse(dayLayout, in.Until); err != nil {
			return "repeat_until"
		}
	case "count":
		if n, err := strconv.Atoi(in.Count); err != nil || n < 1 || n > 999 {
			return "repeat_count"
		}
	}
	return ""
}

func (in repeatInput) interval() string {
	if in.Interval == "" {
		return "1"
	}
	return in.Interval
}

// rule is the input as a recurrence rule for an event that starts at the wall time; "" is none.
func (in repeatInput) rule(start time.Time) string {
	if in.Freq == "keep" {
		return in.Rule
	}
	r := recur.Rule{Interval: 1, WeekStart: time.Monday}
	for _, f := range freqs {
		if f.name == in.Freq {
			r.Freq = f.freq
		}
	}
	if r.Freq == "" {
		return ""
	}
	if n, err := strconv.Atoi(in.interval()); err == nil {
		r.Interval = n
	}
	switch {
	case r.Freq == recur.Weekly:
		for _, d := range weekDays {
			if slices.Contains(in.Days, d.name) {
				r.ByDay = append(r.ByDay, recur.Day{Day: d.day})
			}
		}
	case (r.Freq == recur.Monthly || r.Freq == recur.Yearly) && in.By == "weekday":
		r.ByDay = []recur.Day{recur.NthWeekday(start)}
		if r.Freq == recur.Yearly {
			r.ByMonth = []int{int(start.Month())}
		}
	case r.Freq == recur.Monthly:
		r.ByMonthDay, r.BySetPos = recur.LateDay(start.Day())
	case r.Freq == recur.Yearly && start.Month() == time.February && start.Day() == 29:
		r.ByMonth, r.ByMonthDay = []int{2}, []int{-1}
	}
	switch in.Ends {
	case "until":
		r.Until = in.Until
	case "count":
		r.Count, _ = strconv.Atoi(in.Count)
	}
	return r.String()
}

// lateDayOf is the inverse: the day of a resolved monthly rule, 31 where it is the last of every month, 0 for any other.
func lateDayOf(r recur.Rule) int {
	if len(r.ByDay) > 0 {
		return 0
	}
	for day := 29; day <= 31; day++ {
		days, positions := recur.LateDay(day)
		if slices.Equal(r.ByMonthDay, days) && slices.Equal(r.BySetPos, positions) {
			return day
		}
	}
	if slices.Equal(r.ByMonthDay, []int{28, 29, 30, 31}) && slices.Equal(r.BySetPos, []int{-1}) {
		return 31
	}
	return 0
}

// repeatOf says a stored rule as the form does, for an event that starts at the wall time.
func repeatOf(text string, start time.Time) repeatInput {
	in := repeatInput{Interval: "1", By: "date", Ends: "never", Count: "10"}
	for _, d := range weekDays {
		if d.day == start.Weekday() {
			in.Days = []string{d.name}
		}
	}
	if text == "" {
		return in
	}
	rule, err := recur.Parse(text)
	if err != nil {
		in.Freq, in.Rule = "keep", text
		return in
	}
	for _, f := range freqs {
		if f.freq == rule.Freq {
			in.Freq = f.name
		}
	}
	in.Interval = strconv.Itoa(rule.Interval)
	switch {
	case rule.Count > 0:
		in.Ends, in.Count = "count", strconv.Itoa(rule.Count)
	case rule.Until != "":
		in.Ends, in.Until = "until", rule.Until
	}
	if rule.Freq == recur.Weekly && len(rule.ByDay) > 0 {
		in.Days = nil
		for _, d := range weekDays {
			if slices.Contains(rule.ByDay, recur.Day{Day: d.day}) {
				in.Days = append(in.Days, d.name)
			}
		}
	}
	if (rule.Freq == recur.Monthly || rule.Freq == recur.Yearly) && len(rule.ByDay) > 0 {
		in.By = "weekday"
	}
	// Whether the form has words for the rule shows when it is said back: nothing may be lost by saving.
	if back, err := recur.Parse(in.rule(start)); err != nil || back.Resolve(start).String() != rule.Resolve(start).String() {
		in.Freq, in.Rule = "keep", text
	}
	return in
}

func (s *Site) repeatForm(v *visit, event eventInput, errs fieldErrors) repeatForm {
	in := event.Repeat
	f := repeatForm{Interval: in.interval(), Until: in.Until, Count: in.Count, Rule: in.Rule, Error: errs["repeat"]}
	if f.Error == "" {
		f.Error = errs["Recurring_Activity"]
	}
	f.Freq = append(f.Freq, option{"", v.words.T("repeat.none"), in.Freq == ""})
	for _, each := range freqs {
		f.Freq = append(f.Freq, option{each.name, v.words.T("repeat." + each.name), in.Freq == each.name})
	}
	if in.Freq == "keep" {
		label := v.words.T("repeat.custom")
		if rule, err := recur.Parse(in.Rule); err == nil {
			label = v.describe(rule)
		}
		f.Freq = append(f.Freq, option{"keep", label, true})
	}
	for _, d := range weekDays {
		f.Days = append(f.Days, option{d.name, v.words.T("weekday_short." + strconv.Itoa(int(d.day))), slices.Contains(in.Days, d.name)})
	}
	for _, by := range []string{"date", "weekday"} {
		f.By = append(f.By, option{by, v.words.T("repeat.by_" + by), in.By == by || in.By == "" && by == "date"})
	}
	s.sayRepeat(v, event, &f)
	for _, end := range []string{"never", "until", "count"} {
		f.Ends = append(f.Ends, option{end, v.words.T("repeat.end_" + end), in.Ends == end || in.Ends == "" && end == "never"})
	}
	return f
}

// sayRepeat puts the rule into words, and offers the nearest form of one that Microsoft 365 does not have.
func (s *Site) sayRepeat(v *visit, event eventInput, f *repeatForm) {
	rule, start, ok := event.resolved()
	if !ok || event.Repeat.problem() != "" {
		return
	}
	f.Said = v.describe(rule)
	near, from, fits := s.nearest(rule, start)
	if fits || near.Freq == "" {
		f.Odd = !fits
		return
	}
	f.Odd, f.Near, f.NearSaid = true, near.String()+"|"+from.Format(dayLayout), v.describe(near)
	if day := from.Format(dayLayout); day != start.Format(dayLayout) {
		f.NearSaid = v.words.T("repeat.from_day", "Rule", f.NearSaid, "Day", v.words.LongDay(from))
	}
}

// describe tells a resolved rule in a sentence.
func (v *visit) describe(r recur.Rule) string {
	w := v.words
	text := ""
	for _, f := range freqs {
		if f.freq == r.Freq {
			text = w.T("repeat.every_"+f.name, "Count", max(1, r.Interval))
		}
	}
	plain := len(r.BySetPos) == 0
	late := lateDayOf(r)
	switch {
	case r.Freq == recur.Weekly && plain && len(r.ByDay) == 1:
		text = v.onWeekday("repeat.weekly", r, r.ByDay[0])
	case r.Freq == recur.Weekly && plain && len(r.ByDay) > 0:
		names := make([]string, len(r.ByDay))
		for i, d := range r.ByDay {
			names[i] = w.T("weekday_short." + strconv.Itoa(int(d.Day)))
		}
		text += " " + w.T("repeat.on_days", "Days", strings.Join(names, ", "))
	case r.Freq == recur.Monthly && late == 31 && len(r.ByMonth) == 0:
		text += " " + w.T("repeat.on_last_day")
	case r.Freq == recur.Monthly && late > 0 && len(r.ByMonth) == 0:
		text += " " + w.T("repeat.on_late_date", "Day", strconv.Itoa(late))
	case r.Freq == recur.Yearly && late > 0 && len(r.ByMonth) == 1 && (late == 31 || late == 29 && r.ByMonth[0] == 2):
		text += " " + w.T("repeat.on_last_day_of", "Month", w.T("month."+strconv.Itoa(r.ByMonth[0])))
	case r.Freq == recur.Monthly && plain && len(r.ByMonthDay) == 1 && len(r.ByDay) == 0 && len(r.ByMonth) == 0 && r.ByMonthDay[0] > 28:
		text += " " + w.T("repeat.on_date_where_there", "Day", strconv.Itoa(r.ByMonthDay[0]))
	case r.Freq == recur.Monthly && plain && len(r.ByMonthDay) == 1 && len(r.ByDay) == 0 && len(r.ByMonth) == 0 && r.ByMonthDay[0] > 0:
		text += " " + w.T("repeat.on_date", "Day", strconv.Itoa(r.ByMonthDay[0]))
	case r.Freq == recur.Monthly && plain && len(r.ByDay) == 1 && known(r.ByDay[0]) && len(r.ByMonthDay) == 0 && len(r.ByMonth) == 0:
		text = v.onWeekday("repeat.monthly", r, r.ByDay[0])
	case r.Freq == recur.Yearly && plain && len(r.ByMonth) == 1 && len(r.ByMonthDay) == 1 && len(r.ByDay) == 0 && r.ByMonthDay[0] > 0:
		text += " " + w.T("repeat.on_day_of_year", "Day", strconv.Itoa(r.ByMonthDay[0]), "Month", w.T("month."+strconv.Itoa(r.ByMonth[0])))
	case r.Freq == recur.Yearly && plain && len(r.ByMonth) == 1 && len(r.ByDay) == 1 && known(r.ByDay[0]):
		text = v.onWeekday("repeat.yearly", r, r.ByDay[0])
	case r.Freq == recur.Daily && plain && len(r.ByDay)+len(r.ByMonthDay)+len(r.ByMonth) == 0:
	default:
		text += " " + w.T("repeat.in_a_pattern")
	}
	switch until, err := time.Parse(dayLayout, r.Until); {
	case r.Count > 0:
		text += ", " + w.T("repeat.times", "Count", r.Count)
	case err == nil:
		text += ", " + w.T("repeat.until_day", "Day", w.Day(until))
	}
	return text
}

// known reports whether there are words for which of a month's weekdays is meant.
func known(d recur.Day) bool { return d.N == -1 || d.N >= 1 && d.N <= 5 }

// onWeekday tells a rule of one weekday; languages have weekdays of two genders.
func (v *visit) onWeekday(key string, r recur.Rule, d recur.Day) string {
	gender := "f"
	if d.Day == time.Saturday || d.Day == time.Sunday {
		gender = "m"
	}
	month := ""
	if len(r.ByMonth) > 0 {
		month = v.words.T("month." + strconv.Itoa(r.ByMonth[0]))
	}
	return v.words.T(key+"_"+gender, "Count", max(1, r.Interval), "Weekday", v.words.T("weekday."+strconv.Itoa(int(d.Day))), "Month", month,
		"Nth", v.words.T("nth."+strings.ReplaceAll(strconv.Itoa(d.N), "-", "last")+"_"+gender))
}
