package crmapi

import (
	"encoding/json"
	"strconv"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// periods are the units of reminders, largest first.
var periods = []struct {
	name    string
	minutes int
}{{"weeks", 7 * 24 * 60}, {"days", 24 * 60}, {"hours", 60}, {"minutes", 1}}

// maxUnits is the largest unit that Zoho takes; minutes may be more here, because Outlook has reminders such as an hour
// and a quarter.
const maxUnits = 60

// reminder reads [{"unit":15,"period":"minutes"}]. A meeting has one reminder at most; Zoho's meetings may have several,
// which is refused rather than forgotten. A "time" of the day ("10.30", with days and weeks) is reckoned against the
// start in the same request.
func (d *decoder) reminder(raw json.RawMessage) (record.Value, bool) {
	var list []struct {
		Unit   *int
		Period string
		Time   *string
	}
	if json.Unmarshal(raw, &list) != nil || len(list) > 1 {
		return "", false
	}
	if len(list) == 0 {
		return "", true
	}
	r := list[0]
	if r.Unit == nil || *r.Unit < 0 || *r.Unit > maxUnits && r.Period != "minutes" {
		return "", false
	}
	for _, p := range periods {
		if p.name != r.Period {
			continue
		}
		minutes := *r.Unit * p.minutes
		if r.Time == nil {
			return record.Value(strconv.Itoa(minutes)), true
		}
		if p.minutes < 24*60 {
			return "", false
		}
		early, ok := d.beforeStart(*r.Time)
		minutes += early
		return record.Value(strconv.Itoa(minutes)), ok && minutes >= 0
	}
	return "", false
}

// beforeStart is how many minutes a time of the day lies before the start's.
func (d *decoder) beforeStart(clock string) (int, bool) {
	var text string
	if json.Unmarshal(d.given["Start_DateTime"], &text) != nil {
		return 0, false
	}
	start, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, false
	}
	at, err := time.Parse("15.04", clock)
	if err != nil {
		return 0, false
	}
	return start.Hour()*60 + start.Minute() - at.Hour()*60 - at.Minute(), true
}

// asReminder tells minutes in the largest unit that divides them, but an hour or less in minutes.
func asReminder(_ *call, _ crm.Record, v record.Value) any {
	minutes, err := strconv.Atoi(string(v))
	if err != nil {
		return nil
	}
	unit, period := minutes, "minutes"
	for _, p := range periods {
		if minutes > maxUnits && minutes%p.minutes == 0 {
			unit, period = minutes/p.minutes, p.name
			break
		}
	}
	return []object{{"unit": unit, "period": period}}
}
