package recur

import (
	"testing"
	"time"
)

func at(t *testing.T, zone, local string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	v, err := time.ParseInLocation("2006-01-02 15:04", local, loc)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestResolveGivesOneTextToOneSeries(t *testing.T) {
	t.Parallel()
	start := at(t, "America/Sao_Paulo", "2026-11-24 09:00") // a Tuesday
	for _, row := range []struct{ in, want string }{
		{"FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=TU"},
		{"RRULE:freq=weekly;wkst=SU;interval=1;byday=we,mo", "FREQ=WEEKLY;BYDAY=MO,WE"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU"},
		{"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
		{"FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=24"},
		{"FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", "FREQ=MONTHLY;BYDAY=2TU"},
		{"FREQ=MONTHLY;BYDAY=+2TU", "FREQ=MONTHLY;BYDAY=2TU"},
		{"FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=24"},
		{"FREQ=YEARLY;BYMONTH=11;BYDAY=-1TU", "FREQ=YEARLY;BYMONTH=11;BYDAY=-1TU"},
		{"FREQ=DAILY;UNTIL=20261231T120000Z", "FREQ=DAILY;UNTIL=20261231"},
		{"FREQ=DAILY;UNTIL=20261231T115959Z", "FREQ=DAILY;UNTIL=20261230"}, // 08:59:59 in São Paulo: before 09:00
		{"FREQ=DAILY;DTSTART=2023-05-20;UNTIL=2026-12-28", "FREQ=DAILY;UNTIL=20261228"},
		{"FREQ=DAILY;COUNT=3;", "FREQ=DAILY;COUNT=3"},
	} {
		rule, err := Parse(row.in)
		if err != nil {
			t.Errorf("%s: %v", row.in, err)
			continue
		}
		got := rule.Resolve(start).String()
		if got != row.want {
			t.Errorf("%s: got %s, want %s", row.in, got, row.want)
		}
		again, err := Parse(got)
		if err != nil || again.Resolve(start).String() != got {
			t.Errorf("%s: its text %s does not read back as itself (%v)", row.in, got, err)
		}
	}
}

func TestParseRefusesWhatIsNoRule(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "FREQ", "FREQ=HOURLY", "INTERVAL=2", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=1;UNTIL=20260101",
		"FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;UNTIL=tomorrow", "FREQ=DAILY;BYHOUR=9", "FREQ=MONTHLY;BYSETPOS=1",
	} {
		if rule, err := Parse(in); err == nil {
			t.Errorf("%q: read as %v", in, rule)
		}
	}
}

// The dates are counted out by hand from the calendar, not taken from the library.
func TestBetweenKeepsTheWallClock(t *testing.T) {
	t.Parallel()
	start := at(t, "Europe/Lisbon", "2026-03-27 01:30") // the clocks skip 01:00-02:00 on the 29th
	rule, _ := Parse("FREQ=DAILY;COUNT=4")
	var got []string
	for _, o := range rule.Between(start, start, start.AddDate(1, 0, 0), map[string]bool{"2026-03-28": true}, 10) {
		got = append(got, o.UTC().Format("02T15:04"))
	}
	want := []string{"27T01:30", "29T01:30", "30T00:30"} // the 29th with the offset before the gap
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	start := at(t, "America/Sao_Paulo", "2026-11-24 09:00")
	for _, row := range []struct{ rule, want string }{
		{"FREQ=DAILY;COUNT=10", "2026-12-03 09:00"},
		{"FREQ=WEEKLY;BYDAY=TU;UNTIL=20261209", "2026-12-08 09:00"},
		{"FREQ=DAILY", ""},
	} {
		rule, _ := Parse(row.rule)
		last, endless := rule.Last(start)
		if endless != (row.want == "") || !endless && last.Format("2006-01-02 15:04") != row.want {
			t.Errorf("%s: got %v endless %v, want %q", row.rule, last, endless, row.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,-1SU;UNTIL=20261231T000000Z;WKST=SU")
	start := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		rule, err := Parse(s)
		if err != nil {
			return
		}
		text := rule.Resolve(start).String()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%q gives %q, which is refused: %v", s, text, err)
		}
		if second := again.Resolve(start).String(); second != text {
			t.Fatalf("%q gives %q, then %q", s, text, second)
		}
	})
}
