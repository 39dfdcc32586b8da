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

// reminder reads Remind_At: [{"unit":15,"period":"minutes"},{"unit":1,"period":"days","time":"10.30"}]. The first is the
// one that Outlook gets, in minutes before the start; a "time" of the day of it is reckoned against the start in the same
// request. The others go into a field of their own as they are.
func (d *decoder) reminder(raw json.RawMessage) (record.Value, bool) {
	list, ok := readReminders(raw)
	if !ok {
		return "", false
	}
	d.draft.Fields[record.FurtherReminders] = ""
	if d.stored != nil && d.stored.Fields[record.RemindAt] == "" && len(list) > 0 &&
		crm.RemindersValue(list) == d.stored.Fields[record.FurtherReminders] {
		// Outlook has taken the first away since: what was told of the others is no new first.
		d.draft.Fields[record.FurtherReminders] = d.stored.Fields[record.FurtherReminders]
		return "", true
	}
	if len(list) == 0 {
		return "", true
	}
	d.draft.Fields[record.FurtherReminders] = crm.RemindersValue(list[1:])
	first := list[0]
	for _, p := range periods {
		if p.name != first.Period {
			continue
		}
		minutes := first.Unit * p.minutes
		if first.Time == "" {
			return record.Value(strconv.Itoa(minutes)), true
		}
		early, ok := d.beforeStart(first.Time)
		minutes += early
		return record.Value(strconv.Itoa(minutes)), ok && minutes >= 0
	}
	return "", false
}

// readReminders reads a list of reminders; "time" goes with days and weeks only.
func readReminders(raw json.RawMessage) ([]crm.Reminder, bool) {
	var list []struct {
		Unit   *int
		Period string
		Time   *string
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	out := make([]crm.Reminder, len(list))
	for i, r := range list {
		if r.Unit == nil || *r.Unit < 0 || *r.Unit > maxUnits && r.Period != "minutes" {
			return nil, false
		}
		out[i] = crm.Reminder{Unit: *r.Unit, Period: r.Period}
		if r.Time != nil {
			if _, err := time.Parse("15.04", *r.Time); err != nil || r.Period != "days" && r.Period != "weeks" {
				return nil, false
			}
			out[i].Time = *r.Time
		}
	}
	return out, true
}

func reminders(_ *decoder, raw json.RawMessage) (record.Value, bool) {
	list, ok := readReminders(raw)
	return crm.RemindersValue(list), ok
}

func asReminders(_ *call, _ crm.Record, v record.Value) any {
	if v == "" {
		return nil
	}
	return crm.ReminderList(v)
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

// asReminder tells the first reminder in the largest unit that divides its minutes, but an hour or less in minutes; then
// the others.
func asReminder(_ *call, r crm.Record, v record.Value) any {
	further := crm.ReminderList(r.Fields[record.FurtherReminders])
	minutes, err := strconv.Atoi(string(v))
	if err != nil {
		if len(further) == 0 {
			return nil
		}
		return further
	}
	first := crm.Reminder{Unit: minutes, Period: "minutes"}
	for _, p := range periods {
		if minutes > maxUnits && minutes%p.minutes == 0 && minutes/p.minutes <= maxUnits {
			first.Unit, first.Period = minutes/p.minutes, p.name
			break
		}
	}
	return append([]crm.Reminder{first}, further...)
}
