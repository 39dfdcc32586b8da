package recur

import (
	"testing"
	"time"
)

func TestShiftKeepsThePattern(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ rule, from, to, want string }{ // "" is none
		{"FREQ=DAILY;INTERVAL=2;UNTIL=20261231", "2026-11-24", "2026-11-27", "FREQ=DAILY;INTERVAL=2;UNTIL=20270103"},
		{"FREQ=WEEKLY;BYDAY=TU", "2026-11-24", "2026-11-25", "FREQ=WEEKLY;BYDAY=WE"},
		{"FREQ=WEEKLY;BYDAY=MO,SU", "2026-11-29", "2026-11-28", "FREQ=WEEKLY;BYDAY=SA,SU"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "2026-11-23", "2026-11-24", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;WKST=TU"},
		{"FREQ=MONTHLY;BYMONTHDAY=24", "2026-11-24", "2026-11-30", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", "2026-12-31", "2026-12-15", "FREQ=MONTHLY;BYMONTHDAY=15"},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "2026-11-30", "2026-12-31", "FREQ=MONTHLY;BYMONTHDAY=-1"},
		{"FREQ=MONTHLY;BYDAY=2TU", "2026-11-10", "2026-11-18", "FREQ=MONTHLY;BYDAY=3WE"},
		{"FREQ=MONTHLY;BYDAY=-1TU", "2026-11-24", "2026-11-25", "FREQ=MONTHLY;BYDAY=-1WE"},
		{"FREQ=MONTHLY;BYDAY=-1TU", "2026-11-24", "2026-11-23", "FREQ=MONTHLY;BYDAY=4MO"},
		{"FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=24", "2026-11-24", "2027-01-02", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=2"},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28", "2028-02-28", "2028-02-29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"},
		{"FREQ=MONTHLY;BYDAY=TU,WE;BYSETPOS=1", "2026-11-03", "2026-11-04", ""},
		{"FREQ=MONTHLY;BYMONTHDAY=10,20", "2026-11-10", "2026-11-11", ""},
		{"FREQ=DAILY;BYMONTH=11", "2026-11-10", "2026-11-11", ""},
		{"FREQ=YEARLY;BYMONTH=3,11;BYMONTHDAY=10", "2026-11-10", "2026-11-11", ""},
		{"FREQ=MONTHLY;BYMONTHDAY=10,20", "2026-11-10", "2026-11-10", "FREQ=MONTHLY;BYMONTHDAY=10,20"}, // stays as it is
	} {
		from, _ := time.Parse(time.DateOnly, row.from)
		to, _ := time.Parse(time.DateOnly, row.to)
		rule, err := Parse(row.rule)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := rule.Resolve(from).Shift(from, to)
		if ok != (row.want != "") || ok && got.String() != row.want {
			t.Errorf("%s from %s to %s: %s, %v; expected %q", row.rule, row.from, row.to, got, ok, row.want)
		}
	}
}
