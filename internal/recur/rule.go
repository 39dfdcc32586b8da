// Package recur reads, writes and expands the rules by which events repeat (RFC 5545 §3.3.10, RRULE), as far as a day is
// the smallest step. What Microsoft Graph can say of a rule is left to outlook.
//
// A rule has one canonical text, so that two rules mean the same series if their texts are equal: Parse what came in,
// Resolve it against the event's start, take String.
package recur

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Freq is how often a rule steps.
type Freq string

// The frequencies; those below a day are refused.
const (
	Daily   Freq = "DAILY"
	Weekly  Freq = "WEEKLY"
	Monthly Freq = "MONTHLY"
	Yearly  Freq = "YEARLY"
)

// Day is a weekday, or with N the N-th one of its month or year (negative: from the end).
type Day struct {
	N   int
	Day time.Weekday
}

func (d Day) String() string {
	if d.N == 0 {
		return dayNames[d.Day]
	}
	return strconv.Itoa(d.N) + dayNames[d.Day]
}

// Rule is a recurrence rule without its start.
type Rule struct {
	Freq       Freq
	Interval   int // 1 or more
	ByMonth    []int
	ByMonthDay []int
	ByDay      []Day
	BySetPos   []int
	Count      int // 0: no count
	// Until is the last day that may have an occurrence, "2006-01-02", in the event's own zone; before Resolve it may
	// also be an instant, "2006-01-02T15:04:05Z", or a local time without the Z. "" is no end.
	Until     string
	WeekStart time.Weekday
}

var (
	dayNames  = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}
	dayByName = map[string]time.Weekday{"SU": 0, "MO": 1, "TU": 2, "WE": 3, "TH": 4, "FR": 5, "SA": 6}
)

const (
	dateLayout    = "2006-01-02"
	instantLayout = "2006-01-02T15:04:05Z"
	localLayout   = "2006-01-02T15:04:05"
)

// maxInterval is the largest step taken; Exchange refuses more than 999 of any unit.
const maxInterval = 999

// Parse reads a rule: the value of an RRULE, with or without that name before it. Parts may come in any order and case.
// DTSTART, which Zoho CRM puts among the parts, is passed over. The error says which part is wrong.
func Parse(s string) (Rule, error) {
	s = strings.TrimSpace(s)
	if len(s) > 6 && strings.EqualFold(s[:6], "RRULE:") {
		s = s[6:]
	}
	r := Rule{Interval: 1, WeekStart: time.Monday}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.TrimRight(s, ";"), ";") {
		name, value, ok := strings.Cut(part, "=")
		name, value = strings.ToUpper(strings.TrimSpace(name)), strings.ToUpper(strings.TrimSpace(value))
		if !ok || value == "" {
			return Rule{}, fmt.Errorf("recur: %q is not NAME=VALUE", part)
		}
		if seen[name] {
			return Rule{}, fmt.Errorf("recur: %s stands twice", name)
		}
		seen[name] = true
		if err := r.set(name, value); err != nil {
			return Rule{}, fmt.Errorf("recur: %s=%s: %w", name, value, err)
		}
	}
	return r, r.check()
}

func (r *Rule) set(name, value string) (err error) {
	switch name {
	case "DTSTART":
	case "FREQ":
		r.Freq = Freq(value)
		if _, ok := units[r.Freq]; !ok {
			return fmt.Errorf("must be DAILY, WEEKLY, MONTHLY or YEARLY")
		}
	case "INTERVAL":
		r.Interval, err = number(value, 1, maxInterval)
	case "COUNT":
		r.Count, err = number(value, 1, 1<<31-1)
	case "UNTIL":
		r.Until, err = until(value)
	case "WKST":
		day, ok := dayByName[value]
		if !ok {
			return fmt.Errorf("no such weekday")
		}
		r.WeekStart = day
	case "BYDAY":
		r.ByDay, err = list(value, parseDay)
	case "BYMONTHDAY":
		r.ByMonthDay, err = list(value, signed(31))
	case "BYMONTH":
		r.ByMonth, err = list(value, func(s string) (int, error) { return number(s, 1, 12) })
	case "BYSETPOS":
		r.BySetPos, err = list(value, signed(366))
	default:
		return fmt.Errorf("not supported")
	}
	return err
}

// check refuses what contradicts itself or can never happen.
func (r Rule) check() error {
	switch {
	case r.Freq == "":
		return fmt.Errorf("recur: FREQ is missing")
	case r.Count > 0 && r.Until != "":
		return fmt.Errorf("recur: COUNT and UNTIL exclude each other")
	case len(r.BySetPos) > 0 && len(r.ByDay) == 0 && len(r.ByMonthDay) == 0 && len(r.ByMonth) == 0:
		return fmt.Errorf("recur: BYSETPOS needs another BY part")
	case len(r.ByMonthDay) > 0 && r.Freq == Weekly:
		return fmt.Errorf("recur: BYMONTHDAY does not go with WEEKLY")
	}
	for _, d := range r.ByDay {
		if d.N != 0 && (r.Freq == Daily || r.Freq == Weekly) {
			return fmt.Errorf("recur: BYDAY=%s does not go with %s", d, r.Freq)
		}
	}
	if len(r.ByMonth) > 0 && len(r.ByMonthDay) > 0 && !slices.ContainsFunc(r.ByMonth, func(m int) bool {
		return slices.ContainsFunc(r.ByMonthDay, func(d int) bool { return max(d, -d) <= monthDays[m] })
	}) {
		return fmt.Errorf("recur: there is no such day in these months")
	}
	return nil
}

var monthDays = [...]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// Resolve gives the rule in the form that says everything and nothing twice, for a series whose first occurrence begins
// at the local time start: parts that the start implies are filled in, UNTIL becomes a day, synonyms are settled.
// start is in the event's own zone; of an all-day event it is midnight in UTC.
func (r Rule) Resolve(start time.Time) Rule {
	r.Until = r.untilDay(start)
	if r.Freq == Daily && r.Interval == 1 && len(r.ByDay) > 0 && len(r.ByMonth) == 0 && len(r.ByMonthDay) == 0 {
		r.Freq = Weekly
	}
	if r.Freq == Yearly && len(r.ByMonth) == 0 && (len(r.ByDay) == 0 || len(r.ByMonthDay) > 0) && len(r.ByMonthDay) <= 1 {
		r.ByMonth = []int{int(start.Month())}
	}
	if len(r.ByDay) == 0 && len(r.ByMonthDay) == 0 {
		switch r.Freq {
		case Weekly:
			r.ByDay = []Day{{Day: start.Weekday()}}
		case Monthly, Yearly:
			r.ByMonthDay = []int{start.Day()}
		}
	}
	if len(r.BySetPos) == 1 && len(r.ByDay) == 1 && r.ByDay[0].N == 0 && len(r.ByMonthDay) == 0 &&
		(r.Freq == Monthly || r.Freq == Yearly && len(r.ByMonth) == 1) {
		r.ByDay, r.BySetPos = []Day{{N: r.BySetPos[0], Day: r.ByDay[0].Day}}, nil
	}
	if r.Freq != Weekly || r.Interval == 1 || len(r.ByDay) < 2 {
		r.WeekStart = time.Monday // has no bearing on the series
	}
	r.ByMonth, r.ByMonthDay, r.BySetPos = sorted(r.ByMonth), sorted(r.ByMonthDay), sorted(r.BySetPos)
	r.ByDay = slices.Clone(r.ByDay)
	slices.SortFunc(r.ByDay, func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare((a.Day+6)%7, (b.Day+6)%7))
	})
	r.ByDay = slices.Compact(r.ByDay)
	return r
}

// untilDay turns UNTIL into the last day on which an occurrence may begin, in the zone of start.
func (r Rule) untilDay(start time.Time) string {
	var last time.Time
	if t, err := time.Parse(instantLayout, r.Until); err == nil {
		last = t.In(start.Location())
	} else if t, err := time.ParseInLocation(localLayout, r.Until, start.Location()); err == nil {
		last = t
	} else {
		return r.Until
	}
	h, m, s := start.Clock()
	lh, lm, ls := last.Clock()
	if lh*3600+lm*60+ls < h*3600+m*60+s {
		last = last.AddDate(0, 0, -1)
	}
	return last.Format(dateLayout)
}

// String is the rule as RFC 5545 writes it; of a resolved rule, its canonical text.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString("FREQ=" + string(r.Freq))
	if r.Interval > 1 {
		fmt.Fprintf(&b, ";INTERVAL=%d", r.Interval)
	}
	if len(r.ByMonth) > 0 {
		b.WriteString(";BYMONTH=" + joined(r.ByMonth))
	}
	if len(r.ByMonthDay) > 0 {
		b.WriteString(";BYMONTHDAY=" + joined(r.ByMonthDay))
	}
	if len(r.ByDay) > 0 {
		b.WriteString(";BYDAY=" + joined(r.ByDay))
	}
	if len(r.BySetPos) > 0 {
		b.WriteString(";BYSETPOS=" + joined(r.BySetPos))
	}
	if r.Count > 0 {
		fmt.Fprintf(&b, ";COUNT=%d", r.Count)
	}
	if r.Until != "" {
		b.WriteString(";UNTIL=" + strings.NewReplacer("-", "", ":", "").Replace(r.Until))
	}
	if r.WeekStart != time.Monday {
		b.WriteString(";WKST=" + dayNames[r.WeekStart])
	}
	return b.String()
}

func until(s string) (string, error) {
	for layout, canonical := range map[string]string{
		"20060102": dateLayout, dateLayout: dateLayout,
		"20060102T150405Z": instantLayout, instantLayout: instantLayout,
		"20060102T150405": localLayout, localLayout: localLayout,
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(canonical), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format(instantLayout), nil
	}
	return "", fmt.Errorf("neither a date nor a time")
}

func parseDay(s string) (Day, error) {
	if len(s) < 2 {
		return Day{}, fmt.Errorf("no such weekday")
	}
	day, ok := dayByName[s[len(s)-2:]]
	if !ok {
		return Day{}, fmt.Errorf("no such weekday")
	}
	if s = s[:len(s)-2]; s == "" {
		return Day{Day: day}, nil
	}
	n, err := signed(53)(s)
	return Day{N: n, Day: day}, err
}

func signed(limit int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(strings.TrimPrefix(s, "+"))
		if err != nil || n == 0 || max(n, -n) > limit {
			return 0, fmt.Errorf("must be from 1 to %d or from -%d to -1", limit, limit)
		}
		return n, nil
	}
}

func number(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("must be a number from %d to %d", low, high)
	}
	return n, nil
}

func list[T any](s string, item func(string) (T, error)) ([]T, error) {
	var out []T
	for part := range strings.SplitSeq(s, ",") {
		v, err := item(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func joined[T any](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return strings.Join(out, ",")
}

func sorted(list []int) []int {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
