package outlook

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/recur"
)

// There and back for every kind of pattern; start is on a day of each rule.
func TestRecurrenceRoundTrip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, start, pattern string }{
		{"FREQ=DAILY", "2026-03-02", `"type":"daily","interval":1`},
		{"FREQ=DAILY;INTERVAL=3;COUNT=10", "2026-03-02", `"type":"daily","interval":3`},
		{"FREQ=WEEKLY;BYDAY=MO", "2026-03-02", `"type":"weekly","daysOfWeek":["monday"],"firstDayOfWeek":"monday","interval":1`},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,SU;WKST=SU", "2026-03-02", `"type":"weekly","daysOfWeek":["monday","wednesday","sunday"],"firstDayOfWeek":"sunday","interval":2`},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,SU", "2026-03-02", `"type":"weekly","daysOfWeek":["monday","wednesday","sunday"],"firstDayOfWeek":"monday","interval":2`},
		{"FREQ=MONTHLY;BYMONTHDAY=15;UNTIL=20271231", "2026-03-15", `"type":"absoluteMonthly","dayOfMonth":15,"interval":1`},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", "2026-03-31", `"type":"absoluteMonthly","dayOfMonth":31,"interval":1`},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "2026-03-30", `"type":"absoluteMonthly","dayOfMonth":30,"interval":1`},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1", "2026-03-29", `"type":"absoluteMonthly","dayOfMonth":29,"interval":1`},
		{"FREQ=MONTHLY;BYDAY=2TU", "2026-03-10", `"type":"relativeMonthly","daysOfWeek":["tuesday"],"index":"second","interval":1`},
		{"FREQ=MONTHLY;BYDAY=-1FR", "2026-03-27", `"type":"relativeMonthly","daysOfWeek":["friday"],"index":"last","interval":1`},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-03-31", `"type":"relativeMonthly","daysOfWeek":["monday","tuesday","wednesday","thursday","friday"],"index":"last","interval":1`},
		{"FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=2", "2026-03-02", `"type":"absoluteYearly","dayOfMonth":2,"interval":1,"month":3`},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "2026-02-28", `"type":"absoluteYearly","dayOfMonth":29,"interval":1,"month":2`},
		{"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "2026-11-26", `"type":"relativeYearly","daysOfWeek":["thursday"],"index":"fourth","interval":1,"month":11`},
		{"FREQ=YEARLY;BYMONTH=3;BYDAY=SA,SU;BYSETPOS=1", "2026-03-01", `"type":"relativeYearly","daysOfWeek":["saturday","sunday"],"index":"first","interval":1,"month":3`},
	} {
		start, _ := time.Parse(time.DateOnly, c.start)
		rule, err := recur.Parse(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := patternOf(rule, start, "UTC")
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		var back graph.Recurrence
		if err := json.Unmarshal(sent.JSON(), &back); err != nil {
			t.Fatal(err)
		}
		if want := `{"pattern":{` + c.pattern + `},`; len(sent.JSON()) < len(want) || string(sent.JSON()[:len(want)]) != want {
			t.Errorf("%s:\n got %s\nwant %s", c.rule, sent.JSON(), want)
		}
		if got := recurrenceValue(&back, start); string(got) != c.rule {
			t.Errorf("%s came back as %s", c.rule, got)
		}
	}
}

func TestInexpressibleRules(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 31, 9, 0, 0, 0, time.UTC) // a Tuesday
	for _, text := range []string{
		"FREQ=MONTHLY;BYMONTHDAY=31",             // passes over short months, where Exchange would not
		"FREQ=MONTHLY;BYMONTHDAY=1,15",           // two days
		"FREQ=MONTHLY;BYMONTHDAY=-2",             // from the end
		"FREQ=MONTHLY;BYDAY=1TU,3TU",             // two weeks
		"FREQ=MONTHLY;BYDAY=5TU",                 // the fifth
		"FREQ=MONTHLY;BYDAY=TU",                  // every
		"FREQ=MONTHLY;BYDAY=TU;BYMONTHDAY=13",    // Tuesday the 13th
		"FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,-1", // two positions
		"FREQ=YEARLY;BYMONTH=1,3;BYMONTHDAY=31",  // two months
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",    // leap years only
		"FREQ=YEARLY;BYDAY=20MO",                 // of the year
		"FREQ=DAILY;BYMONTH=3",                   // in March
		"FREQ=DAILY;INTERVAL=2;BYDAY=MO",         // some days
		"FREQ=WEEKLY;BYDAY=MO",                   // does not begin on a Monday
		"FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1",     // a position in the week
		"FREQ=MONTHLY;BYMONTH=3;BYDAY=-1TU",      // monthly in March
	} {
		rule, err := recur.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err = patternOf(rule, start, "UTC")
		if fault.ReasonOf(err) != fault.NotExpressible || !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want not expressible", text, err)
		}
	}
}

func drawPattern(t *rapid.T) graph.Recurrence {
	kinds := []string{"daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"}
	p := graph.RecurrencePattern{
		Type: rapid.SampledFrom(kinds).Draw(t, "type"), Interval: rapid.IntRange(1, 12).Draw(t, "interval"),
		Month: rapid.IntRange(1, 12).Draw(t, "month"), DayOfMonth: rapid.IntRange(1, 31).Draw(t, "day"),
		FirstDayOfWeek: rapid.SampledFrom(dayWords).Draw(t, "first"),
		Index:          rapid.SampledFrom([]string{"first", "second", "third", "fourth", "last"}).Draw(t, "index"),
		DaysOfWeek:     rapid.SliceOfNDistinct(rapid.SampledFrom(dayWords), 1, 7, rapid.ID).Draw(t, "days"),
	}
	if p.Type == "absoluteYearly" {
		p.DayOfMonth = min(p.DayOfMonth, lengthOf(p.Month))
	}
	r := graph.Recurrence{Pattern: p}
	switch rapid.IntRange(0, 2).Draw(t, "range") {
	case 0:
		r.Range.Type = "noEnd"
	case 1:
		r.Range.Type, r.Range.NumberOfOccurrences = "numbered", rapid.IntRange(1, 50).Draw(t, "count")
	case 2:
		r.Range.Type, r.Range.EndDate = "endDate", fmt.Sprintf("20%02d-06-30", rapid.IntRange(35, 40).Draw(t, "end"))
	}
	return r
}

// Always: a pattern of Graph becomes a rule, that rule becomes a pattern, and that pattern the same rule again (I11);
// and the rule means the days that Exchange means by the pattern.
func TestI11_EveryPatternIsARule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawPattern(t)
		day := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 800).Draw(t, "start"))
		start, ok := firstOf(&r.Pattern, day)
		if !ok {
			t.Skip("no day within reach fits this pattern: another one is drawn")
		}
		rule, err := ruleOf(&r, start)
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		sent, err := patternOf(rule, start, "UTC")
		if err != nil {
			t.Fatalf("%+v is %s, and: %v", r, rule, err)
		}
		var back graph.Recurrence
		if err := json.Unmarshal(sent.JSON(), &back); err != nil {
			t.Fatal(err)
		}
		again, err := ruleOf(&back, start)
		if err != nil || again.String() != rule.String() {
			t.Fatalf("%s came back as %s (%v)", rule, again, err)
		}
		if rule.Count > 0 || rule.Until != "" {
			return
		}
		got := rule.Between(start, start, start.AddDate(5, 0, 0), nil, 40)
		want := daysOf(&r.Pattern, start, len(got))
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%+v from %s, as %s:\n got %v\nwant %v", r.Pattern, start, rule, got, want)
		}
	})
}

// firstOf finds the first day from a day on that Exchange would take for the pattern.
func firstOf(p *graph.RecurrencePattern, from time.Time) (time.Time, bool) {
	for n := range 366 * 2 {
		if day := from.AddDate(0, 0, n); fits(p, day) {
			return day, true
		}
	}
	return from, false
}

// daysOf is what Exchange makes of a pattern, by plain counting.
func daysOf(p *graph.RecurrencePattern, start time.Time, n int) []time.Time {
	first := time.Weekday(slices.Index(dayWords, p.FirstDayOfWeek))
	weekStart := func(t time.Time) time.Time { return t.AddDate(0, 0, -int((t.Weekday()-first+7)%7)) }
	var out []time.Time
	for day := start; len(out) < n; day = day.AddDate(0, 0, 1) {
		months := (day.Year()-start.Year())*12 + int(day.Month()) - int(start.Month())
		var step int
		switch p.Type {
		case "daily":
			step = int(day.Sub(start).Hours() / 24)
		case "weekly":
			step = int(weekStart(day).Sub(weekStart(start)).Hours() / 24 / 7)
		case "absoluteMonthly", "relativeMonthly":
			step = months
		default:
			step = months / 12
		}
		if step%p.Interval == 0 && fits(p, day) {
			out = append(out, day)
		}
	}
	return out
}

// fits reports whether a day is one of the pattern's, leaving the interval aside.
func fits(p *graph.RecurrencePattern, day time.Time) bool {
	last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	switch p.Type {
	case "daily":
		return true
	case "weekly":
		return slices.Contains(p.DaysOfWeek, dayWords[day.Weekday()])
	case "absoluteYearly", "relativeYearly":
		if int(day.Month()) != p.Month {
			return false
		}
	}
	if p.Type == "absoluteMonthly" || p.Type == "absoluteYearly" {
		return day.Day() == min(p.DayOfMonth, last)
	}
	var of []int
	for d := 1; d <= last; d++ {
		if slices.Contains(p.DaysOfWeek, dayWords[time.Date(day.Year(), day.Month(), d, 0, 0, 0, 0, time.UTC).Weekday()]) {
			of = append(of, d)
		}
	}
	n := slices.IndexFunc(indexWords, func(row struct {
		n    int
		word string
	}) bool {
		return row.word == p.Index
	})
	if p.Index == "last" {
		return day.Day() == of[len(of)-1]
	}
	return n < len(of) && day.Day() == of[n]
}

func FuzzRecurrence(f *testing.F) {
	f.Add([]byte(`{"pattern":{"type":"weekly","interval":1,"daysOfWeek":["monday"],"firstDayOfWeek":"sunday"},"range":{"type":"noEnd","startDate":"2026-03-02"}}`))
	f.Add([]byte(`{"pattern":{"type":"relativeYearly","interval":0,"month":13,"daysOfWeek":[],"index":"fifth"},"range":{"type":"endDate","endDate":"0001-01-01"}}`))
	f.Add([]byte(`{"pattern":{"type":"absoluteMonthly","interval":-5,"dayOfMonth":30},"range":{"type":"numbered","numberOfOccurrences":-1}}`))
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r graph.Recurrence
		if json.Unmarshal(raw, &r) != nil {
			return
		}
		value := recurrenceValue(&r, start)
		if value == "" {
			return
		}
		rule, err := recur.Parse(string(value))
		if err != nil {
			t.Fatalf("%s tells %q, which is no rule: %v", raw, value, err)
		}
		if again := rule.Resolve(start).String(); again != string(value) {
			t.Fatalf("%q is not canonical: %q", value, again)
		}
	})
}
