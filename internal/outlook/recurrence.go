package outlook

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// Graph's patterns and RFC 5545 rules, each in the other's words (reference §3.5). A day of the month that a month does
// not have is its last day to Exchange, while a rule passes the month over; so Exchange's 31 is BYMONTHDAY=-1, and its
// 29 and 30 are "the last of those that exist".

var (
	dayWords   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	indexWords = []struct {
		n    int
		word string
	}{{1, "first"}, {2, "second"}, {3, "third"}, {4, "fourth"}, {-1, "last"}}
)

// ruleOf is the rule of a pattern, in canonical form. start is the first occurrence, in the event's zone (all-day:
// midnight UTC). The fault says what cannot be understood.
func ruleOf(r *graph.Recurrence, start time.Time) (rule recur.Rule, err error) {
	p := &r.Pattern
	rule = recur.Rule{Interval: max(p.Interval, 1), WeekStart: time.Monday}
	days := make([]recur.Day, 0, len(p.DaysOfWeek))
	for _, word := range p.DaysOfWeek {
		n := slices.Index(dayWords, strings.ToLower(word))
		if n < 0 {
			return rule, notUnderstood("the weekday %q", word)
		}
		days = append(days, recur.Day{Day: time.Weekday(n)})
	}
	switch kind := strings.ToLower(p.Type); kind {
	case "daily":
		rule.Freq = recur.Daily
	case "weekly":
		rule.Freq, rule.ByDay, rule.WeekStart = recur.Weekly, days, time.Sunday
		if n := slices.Index(dayWords, strings.ToLower(p.FirstDayOfWeek)); n >= 0 {
			rule.WeekStart = time.Weekday(n)
		}
	case "absolutemonthly", "absoluteyearly":
		rule.Freq = recur.Monthly
		month := 0
		if kind == "absoluteyearly" {
			if month = p.Month; month < 1 || month > 12 {
				return rule, notUnderstood("the month %d", month)
			}
			rule.Freq, rule.ByMonth = recur.Yearly, []int{month}
		}
		if p.DayOfMonth < 1 || p.DayOfMonth > 31 {
			return rule, notUnderstood("the day of the month %d", p.DayOfMonth)
		}
		rule.ByMonthDay, rule.BySetPos = daysOfMonth(p.DayOfMonth, month)
	case "relativemonthly", "relativeyearly":
		rule.Freq = recur.Monthly
		if kind == "relativeyearly" {
			if p.Month < 1 || p.Month > 12 {
				return rule, notUnderstood("the month %d", p.Month)
			}
			rule.Freq, rule.ByMonth = recur.Yearly, []int{p.Month}
		}
		n, ok := 1, p.Index == ""
		for _, row := range indexWords {
			if strings.EqualFold(row.word, p.Index) {
				n, ok = row.n, true
			}
		}
		if !ok || len(days) == 0 {
			return rule, notUnderstood("the pattern")
		}
		if rule.ByDay = days; len(days) == 1 {
			rule.ByDay[0].N = n
		} else {
			rule.BySetPos = []int{n} // of several days the first that fits, or the last
		}
	default:
		return rule, notUnderstood("a pattern of type %q", p.Type)
	}
	switch strings.ToLower(r.Range.Type) {
	case "numbered":
		rule.Count = r.Range.NumberOfOccurrences
	case "enddate":
		if _, err := time.Parse(time.DateOnly, r.Range.EndDate); err != nil {
			return rule, notUnderstood("the end %q", r.Range.EndDate)
		}
		rule.Until = r.Range.EndDate
	}
	return rule.Resolve(start), nil
}

func notUnderstood(what string, args ...any) error {
	return fault.New(fault.Invalid, fault.NotExpressible, "outlook: in a recurrence, "+what+" is not understood", args...)
}

// daysOfMonth is what Exchange means by a day of the month; month 0 is every month.
func daysOfMonth(day, month int) (byMonthDay, bySetPos []int) {
	shortest := 28
	if month > 0 && month != 2 {
		shortest = lengthOf(month)
	}
	switch {
	case day <= shortest:
		return []int{day}, nil
	case day == 31 || month > 0: // the last day of every month there is
		return []int{-1}, nil
	}
	for d := 28; d <= day; d++ {
		byMonthDay = append(byMonthDay, d)
	}
	return byMonthDay, []int{-1}
}

// lengthOf is how many days a month has, in a leap year.
func lengthOf(month int) int {
	return time.Date(2024, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// maxOccurrences is the most that Exchange takes of a series with a number.
const maxOccurrences = 999

// patternOf is a rule in Graph's words. start is the first occurrence in its zone, zone that zone's name for Graph.
// Invalid with reason NotExpressible names what Graph has no words for.
func patternOf(rule recur.Rule, start time.Time, zone string) (graph.Object, error) {
	var all graph.Object
	rule = rule.Resolve(start)
	p, err := pattern(rule)
	if err != nil {
		return all, err
	}
	if first := rule.Between(start, start, start.Add(time.Second), nil, 1); len(first) == 0 {
		return all, inexpressible("it begins on a day that is not one of its own")
	}
	var span graph.Object
	switch {
	case rule.Count > maxOccurrences:
		return all, inexpressible("it has more than 999 occurrences")
	case rule.Count > 0:
		span.String("type", "numbered")
		span.Int("numberOfOccurrences", rule.Count)
	case rule.Until != "":
		span.String("type", "endDate")
		span.String("endDate", rule.Until)
	default:
		span.String("type", "noEnd")
	}
	span.String("startDate", start.Format(time.DateOnly))
	span.String("recurrenceTimeZone", zone)
	all.Object("pattern", p)
	all.Object("range", span)
	return all, nil
}

// Expressible is nil for a rule that Graph has words for, in a series that starts at the wall time start. Else it is Invalid
// with reason NotExpressible and says what Graph lacks.
func Expressible(rule recur.Rule, start time.Time) error {
	_, err := patternOf(rule, start, "UTC")
	return err
}

func inexpressible(why string) error {
	return &fault.Fault{
		Kind: fault.Invalid, Reason: fault.NotExpressible, Field: "recurrence",
		Message: "outlook: Microsoft 365 has no such repetition: " + why,
	}
}

func pattern(r recur.Rule) (p graph.Object, err error) {
	switch {
	case len(r.ByMonth) > 1:
		return p, inexpressible("it names several months")
	case len(r.ByMonth) == 1 && r.Freq != recur.Yearly:
		return p, inexpressible("it is confined to a month")
	case len(r.ByMonth) == 0 && r.Freq == recur.Yearly:
		return p, inexpressible("it counts days of the year")
	case len(r.ByDay) > 0 && len(r.ByMonthDay) > 0:
		return p, inexpressible("it names weekdays and days of the month together")
	}
	month := 0
	if r.Freq == recur.Yearly {
		month = r.ByMonth[0]
	}
	switch {
	case r.Freq == recur.Daily:
		if len(r.ByDay)+len(r.ByMonthDay)+len(r.BySetPos) > 0 {
			return p, inexpressible("it leaves out some of its days")
		}
		p.String("type", "daily")
	case r.Freq == recur.Weekly:
		if len(r.BySetPos) > 0 {
			return p, inexpressible("it picks some of a week's days by position")
		}
		p.String("type", "weekly")
		p.Strings("daysOfWeek", words(r.ByDay))
		p.String("firstDayOfWeek", dayWords[r.WeekStart])
	case len(r.ByMonthDay) > 0:
		day, err := dayOfMonth(r.ByMonthDay, r.BySetPos, month)
		if err != nil {
			return p, err
		}
		p.String("type", frequency("absolute", month))
		p.Int("dayOfMonth", day)
	default:
		index, err := indexOf(r.ByDay, r.BySetPos)
		if err != nil {
			return p, err
		}
		p.String("type", frequency("relative", month))
		p.Strings("daysOfWeek", words(r.ByDay))
		p.String("index", index)
	}
	p.Int("interval", r.Interval)
	if month > 0 {
		p.Int("month", month)
	}
	return p, nil
}

func frequency(kind string, month int) string {
	if month > 0 {
		return kind + "Yearly"
	}
	return kind + "Monthly"
}

func words(days []recur.Day) []string {
	out := make([]string, len(days))
	for i, d := range days {
		out[i] = dayWords[d.Day]
	}
	return out
}

// dayOfMonth is the inverse of daysOfMonth.
func dayOfMonth(days, positions []int, month int) (int, error) {
	if len(days) == 1 && len(positions) == 0 && days[0] == -1 {
		if month > 0 {
			return lengthOf(month), nil
		}
		return 31, nil
	}
	for day := range 31 {
		a, b := daysOfMonth(day+1, month)
		if slices.Equal(a, days) && slices.Equal(b, positions) {
			return day + 1, nil
		}
	}
	if slices.Equal(days, []int{28, 29, 30, 31}) && slices.Equal(positions, []int{-1}) && month == 0 {
		return 31, nil
	}
	if len(days) == 1 && days[0] > 28 && len(positions) == 0 {
		return 0, inexpressible("it passes over months without such a day, where Exchange takes the last one they have")
	}
	return 0, inexpressible("it names several days of the month, or counts them from its end")
}

func indexOf(days []recur.Day, positions []int) (string, error) {
	n := 0
	switch {
	case len(days) == 1 && len(positions) == 0 && days[0].N != 0:
		n = days[0].N
	case len(days) > 0 && len(positions) == 1 && !slices.ContainsFunc(days, func(d recur.Day) bool { return d.N != 0 }):
		n = positions[0]
	default:
		return "", inexpressible("it names several weeks of the month, or all of them")
	}
	for _, row := range indexWords {
		if row.n == n {
			return row.word, nil
		}
	}
	return "", inexpressible("it counts weekdays beyond the fourth, or from the end beyond the last")
}

// recurrenceValue is a recurrence as the value of a field. One that we have no words for is told as none; Graph keeps
// it, as it is only written when it changes.
func recurrenceValue(r *graph.Recurrence, start time.Time) record.Value {
	if r == nil || r.Pattern.Type == "" {
		return ""
	}
	rule, err := ruleOf(r, start)
	if err != nil {
		return ""
	}
	return record.Value(rule.String())
}
