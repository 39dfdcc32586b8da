package app_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/record"
)

// counted is an occurrence found by plain counting.
type counted struct {
	start, end   time.Time
	title, venue string
}

// countedOf expands an event by walking over every day of its rule by itself: it shares nothing with the program but the
// fields. Rules are those of RFC 5545 §3.3.10 as far as the CRM keeps them.
func countedOf(t testing.TB, f record.Fields) (out []counted) {
	t.Helper()
	must := func(v record.Value) time.Time {
		at, err := time.Parse(time.RFC3339, string(v))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	loc, err := time.LoadLocation(string(f[record.TimeZone]))
	if err != nil {
		t.Fatal(err)
	}
	start, lasts := must(f[record.Start]).In(loc), must(f[record.End]).Sub(must(f[record.Start]))
	if f[record.Recurring] == "" {
		return []counted{{start, start.Add(lasts), string(f[record.EventTitle]), string(f[record.Venue])}}
	}
	own := map[string]record.Fields{}
	for _, o := range record.Occurrences(f[record.Changed]) {
		own[o.Day] = o.Fields
	}
	for _, day := range countedDays(t, string(f[record.Recurring]), start) {
		text := day.Format(time.DateOnly)
		if strings.Contains(string(f[record.Excluded]), text) {
			continue
		}
		at := onTheClock(day, start, loc)
		o := counted{at, at.Add(lasts), string(f[record.EventTitle]), string(f[record.Venue])}
		if v, ok := own[text][record.Start]; ok {
			o.start, o.end = must(v), must(own[text][record.End])
		}
		if v, ok := own[text][record.EventTitle]; ok {
			o.title = string(v)
		}
		if v, ok := own[text][record.Venue]; ok {
			o.venue = string(v)
		}
		if o.start.Before(lookTo) && o.end.After(lookFrom) {
			out = append(out, o)
		}
	}
	return out
}

// onTheClock is when the clocks of a zone show the hour of start on a day: of two such moments the first, of none the one by the
// clock before they are put forward (RFC 5545 §3.3.5).
func onTheClock(day, start time.Time, loc *time.Location) (first time.Time) {
	wall := time.Date(day.Year(), day.Month(), day.Day(), start.Hour(), start.Minute(), start.Second(), 0, time.UTC)
	for i, near := range []int{-1, 1} {
		_, offset := wall.AddDate(0, 0, near).In(loc).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if at.Format(time.DateTime) == wall.Format(time.DateTime) {
			return at
		}
		if i == 0 {
			first = at
		}
	}
	return first
}

var countedWeekdays = map[string]time.Weekday{"SU": 0, "MO": 1, "TU": 2, "WE": 3, "TH": 4, "FR": 5, "SA": 6}

// countedDays are the days of a rule, from the day of start to the end of what is looked at.
func countedDays(t testing.TB, rule string, start time.Time) (out []time.Time) {
	parts := map[string]string{"INTERVAL": "1", "WKST": "MO"}
	for p := range strings.SplitSeq(rule, ";") {
		name, value, _ := strings.Cut(p, "=")
		parts[name] = value
	}
	numbers := func(name string) (all []int) {
		for v := range strings.SplitSeq(parts[name], ",") {
			if n, err := strconv.Atoi(v); err == nil {
				all = append(all, n)
			}
		}
		return all
	}
	interval := numbers("INTERVAL")[0]
	first := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC)
	week := func(d time.Time) time.Time {
		return d.AddDate(0, 0, -int((d.Weekday()-countedWeekdays[parts["WKST"]]+7)%7))
	}
	lengthOf := func(d time.Time) int { return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() }

	// fits says whether a day is among those of its period, its place in the period aside.
	fits := func(d time.Time) bool {
		if months := numbers("BYMONTH"); months != nil && !slices.Contains(months, int(d.Month())) {
			return false
		}
		if days := numbers("BYMONTHDAY"); days != nil && !slices.Contains(days, d.Day()) && !slices.Contains(days, d.Day()-lengthOf(d)-1) {
			return false
		}
		if parts["BYDAY"] == "" {
			return true
		}
		for v := range strings.SplitSeq(parts["BYDAY"], ",") {
			n, _ := strconv.Atoi(v[:len(v)-2])
			fromStart, fromEnd := (d.Day()-1)/7+1, -((lengthOf(d)-d.Day())/7 + 1)
			if countedWeekdays[v[len(v)-2:]] == d.Weekday() && (n == 0 || n == fromStart || n == fromEnd) {
				return true
			}
		}
		return false
	}
	// placed says whether it is the one of its month that BYSETPOS wants.
	placed := func(d time.Time) bool {
		want := numbers("BYSETPOS")
		if want == nil {
			return true
		}
		var all []int
		for n := 1; n <= lengthOf(d); n++ {
			if fits(d.AddDate(0, 0, n-d.Day())) {
				all = append(all, n)
			}
		}
		at := slices.Index(all, d.Day())
		return slices.Contains(want, at+1) || slices.Contains(want, at-len(all))
	}
	count := 1 << 30
	if n := numbers("COUNT"); n != nil {
		count = n[0]
	}
	for d := first; d.Before(lookTo.AddDate(1, 0, 0)) && len(out) < count; d = d.AddDate(0, 0, 1) {
		if until := parts["UNTIL"]; until != "" && d.Format("20060102") > until {
			break
		}
		step := 0
		switch months := (d.Year()-first.Year())*12 + int(d.Month()-first.Month()); parts["FREQ"] {
		case "DAILY":
			step = int(d.Sub(first).Hours() / 24)
		case "WEEKLY":
			step = int(week(d).Sub(week(first)).Hours() / 24 / 7)
		case "MONTHLY":
			step = months
		case "YEARLY":
			step = d.Year() - first.Year()
		default:
			t.Fatalf("no frequency in %s", rule)
		}
		if step%interval == 0 && fits(d) && placed(d) {
			out = append(out, d)
		}
	}
	return out
}
