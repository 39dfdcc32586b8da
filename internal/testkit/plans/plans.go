// Package plans are the series that people of tests and simulations plan: rules with days on which they may begin, and what becomes of
// a rule that Outlook moves.
package plans

import (
	"time"

	"tandem/internal/recur"
)

// Zone is the time zone that all are planned in.
const Zone = "America/Sao_Paulo"

// A Plan is a rule with a day that it has; of a single event there is no rule.
type Plan struct{ Rule, Start string }

// All are plans, the last of which is of a single event.
var All = []Plan{
	{"FREQ=DAILY;COUNT=8", "2026-12-01"},
	{"FREQ=DAILY;INTERVAL=3;COUNT=5", "2026-12-02"},
	{"FREQ=WEEKLY;BYDAY=TU", "2026-12-01"},
	{"FREQ=WEEKLY;BYDAY=TU,TH;COUNT=8", "2026-12-03"},
	{"FREQ=WEEKLY;INTERVAL=2;BYDAY=WE;UNTIL=20270310", "2026-12-02"},
	{"FREQ=MONTHLY;BYDAY=2TU", "2026-12-08"},
	{"FREQ=MONTHLY;BYMONTHDAY=10;COUNT=6", "2026-12-10"},
	{"", "2026-12-05"},
}

// Hour is a time of an hour on a day that no other number has, in UTC; wherever Zone is, it is that day.
func Hour(n int, day string) (from, to time.Time) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic("plans: " + err.Error())
	}
	from = at.Add(12*time.Hour + time.Duration(n)*7*time.Second)
	return from, from.Add(time.Hour)
}

// Shifted is the day of a moment, moved.
func Shifted(at time.Time, days int) string {
	return at.UTC().AddDate(0, 0, days).Format(time.DateOnly)
}

// ShiftedRule is the rule of a series that Outlook moves to another start; false: it cannot be moved so.
func ShiftedRule(rule string, from, to time.Time) (string, bool) {
	loc, err := time.LoadLocation(Zone)
	if err != nil {
		return "", false
	}
	r, err := recur.Parse(rule)
	if err != nil {
		return "", false
	}
	out, ok := r.Resolve(from.In(loc)).Shift(from.In(loc), to.In(loc))
	return out.String(), ok
}
