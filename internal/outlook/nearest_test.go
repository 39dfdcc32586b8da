package outlook_test

import (
	"testing"
	"time"

	"tandem/internal/outlook"
	"tandem/internal/recur"
)

// FIELD-FAILURES 22: for every rule that Graph has no words for there is a nearest one that it has.
func TestFF22_EveryRuleHasANearestForm(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ rule, start, want, begins string }{
		{"FREQ=WEEKLY;BYDAY=MO,WE", "2026-11-24", "FREQ=WEEKLY;BYDAY=MO,WE", "2026-11-25"},
		{"FREQ=MONTHLY;BYMONTHDAY=10,20", "2026-11-20", "FREQ=MONTHLY;BYMONTHDAY=20", "2026-11-20"},
		{"FREQ=MONTHLY;BYMONTHDAY=31", "2026-12-31", "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-12-31"},
		{"FREQ=MONTHLY;BYMONTHDAY=30;COUNT=5", "2026-11-30", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1;COUNT=5", "2026-11-30"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1", "2026-11-30", "FREQ=MONTHLY;BYDAY=-1MO", "2026-11-30"},
		{"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2026-11-13", "FREQ=MONTHLY;BYDAY=2FR", "2026-11-13"},
		{"FREQ=MONTHLY;BYDAY=5MO", "2026-11-30", "FREQ=MONTHLY;BYDAY=-1MO", "2026-11-30"},
		{"FREQ=MONTHLY;BYMONTHDAY=-2", "2026-11-29", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1", "2026-11-29"},
		{"FREQ=YEARLY;BYMONTH=3,11;BYMONTHDAY=24", "2026-11-24", "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=24", "2026-11-24"},
		{"FREQ=DAILY;BYMONTH=11", "2026-11-24", "FREQ=DAILY", "2026-11-24"},
		{"FREQ=DAILY;COUNT=2000", "2026-11-24", "FREQ=DAILY;COUNT=999", "2026-11-24"},
		{"FREQ=YEARLY;BYDAY=20MO", "2026-05-18", "FREQ=YEARLY;BYMONTH=5;BYDAY=3MO", "2026-05-18"},
	} {
		rule, err := recur.Parse(row.rule)
		if err != nil {
			t.Fatal(err)
		}
		start, _ := time.Parse(time.DateOnly, row.start)
		if outlook.Expressible(rule, start) == nil {
			t.Errorf("%s needs no other form", row.rule)
		}
		rules, starts := rule.Nearest(start)
		found := false
		for i, near := range rules {
			if outlook.Expressible(near, starts[i]) == nil {
				found = true
				if got := near.String(); got != row.want || starts[i].Format(time.DateOnly) != row.begins {
					t.Errorf("%s: the nearest is %s from %s, expected %s from %s", row.rule, got, starts[i].Format(time.DateOnly), row.want, row.begins)
				}
				break
			}
		}
		if !found {
			t.Errorf("%s: none of %v is expressible", row.rule, rules)
		}
	}
}
