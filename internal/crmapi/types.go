package crmapi

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/zone"
)

// types says for each type of field how Zoho calls it and how its values travel in JSON. decode gets a value other than
// null; false: it is not of the type. The form of the text inside is left to package crm. An empty value is null.
var types = map[record.Type]struct {
	name, json string
	decode     func(*decoder, json.RawMessage) (record.Value, bool)
	encode     func(*call, crm.Record, record.Value) any
}{
	record.Text:       {"text", "string", text, asText},
	record.LongText:   {"textarea", "string", text, asText},
	record.Email:      {"email", "string", text, asText},
	record.Phone:      {"phone", "string", text, asText},
	record.URL:        {"website", "string", text, asText},
	record.Picklist:   {"picklist", "string", text, asText},
	record.Date:       {"date", "string", text, asText},
	record.Zone:       {"text", "string", text, asText},
	record.Moment:     {"datetime", "string", text, asMoment},
	record.Bool:       {"boolean", "boolean", boolean, asBoolean},
	record.Number:     {"double", "double", decimal, asNumber},
	record.Recurrence: {"rrule", "jsonobject", (*decoder).recurrence, asRecurrence},
	record.Exceptions: {"jsonarray", "jsonarray", nil, nil}, // in occurrences.go, which stands on this table
	record.Minutes:    {"multireminder", "jsonarray", (*decoder).reminder, asReminder},
	record.Tags:       {"text", "jsonarray", tags, asTags},
	record.Lookup:     {"lookup", "jsonobject", (*decoder).lookup, nil}, // told by asNamed
	record.Reference:  {"lookup", "jsonobject", reference, asReference},
	record.Related:    {"lookup", "jsonobject", (*decoder).related, asRelated},
	record.People:     {"bigint", "jsonarray", participants, asParticipants},
	record.Attending:  {"jsonobject", "jsonobject", text, asAttending},
	record.Image:      {"profileimage", "string", text, asText},
	record.Reminders:  {"multireminder", "jsonarray", reminders, asReminders},
}

func text(_ *decoder, raw json.RawMessage) (record.Value, bool) {
	var s string
	ok := json.Unmarshal(raw, &s) == nil
	return record.Value(s), ok
}

// asAttending tells who is invited in Outlook, as an object; null: nobody is.
func asAttending(_ *call, _ crm.Record, v record.Value) any {
	if v == "" {
		return nil
	}
	return record.AttendanceOf(v)
}

func asText(_ *call, _ crm.Record, v record.Value) any { return orNull(string(v)) }

// decimal reads a JSON number; that it has too many digits is left for package crm to say.
func decimal(_ *decoder, raw json.RawMessage) (record.Value, bool) {
	var n json.Number
	s := string(bytes.TrimSpace(raw))
	if strings.HasPrefix(s, `"`) || json.Unmarshal(raw, &n) != nil {
		return "", false
	}
	return record.Value(s), true
}

func asNumber(_ *call, _ crm.Record, v record.Value) any {
	n, ok := record.Decimal(string(v))
	if !ok {
		return nil
	}
	return json.Number(n)
}

func boolean(_ *decoder, raw json.RawMessage) (record.Value, bool) {
	s := string(bytes.TrimSpace(raw))
	return record.Value(s), s == "true" || s == "false"
}

func asBoolean(_ *call, _ crm.Record, v record.Value) any { return v == "true" }

// asMoment tells a moment in the zone of whoever asks; a day of an all-day event is the midnight there.
func asMoment(c *call, _ crm.Record, v record.Value) any {
	if t, err := time.Parse(time.RFC3339, string(v)); err == nil {
		return c.time(t)
	}
	day, err := time.ParseInLocation(time.DateOnly, string(v), c.zone)
	if err != nil {
		return nil
	}
	// A midnight that the clocks skip is told with the day's offset, so that the date can be read back.
	return string(v) + "T00:00:00" + sayable(day.Add(12*time.Hour)).Format("-07:00")
}

// time tells a moment in the zone of whoever asks.
func (c *call) time(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return sayable(t.In(c.zone)).Format("2006-01-02T15:04:05-07:00")
}

// sayable gives a moment whose offset has seconds, as of zones long ago, in UTC: no offset with minutes alone says it.
func sayable(t time.Time) time.Time {
	if _, offset := t.Zone(); offset%60 != 0 {
		return t.UTC()
	}
	return t
}

func tags(_ *decoder, raw json.RawMessage) (record.Value, bool) {
	var list []struct{ Name string }
	if json.Unmarshal(raw, &list) != nil {
		return "", false
	}
	names := make([]string, len(list))
	for i, tag := range list {
		if tag.Name == "" || strings.ContainsAny(tag.Name, "\r\n") {
			return "", false
		}
		names[i] = tag.Name
	}
	return record.Value(strings.Join(names, "\n")), true
}

func asTags(_ *call, r crm.Record, v record.Value) any {
	list := []object{}
	for name := range strings.SplitSeq(string(v), "\n") {
		if name != "" {
			list = append(list, object{"name": name, "id": derived("tag", r.Org.String(), name)})
		}
	}
	return list
}

// local is the zone in which the event was planned; days of all-day events are told as UTC.
func local(f record.Fields) *time.Location {
	if loc, ok := zone.Load(string(f[record.TimeZone])); ok && f[record.AllDay] != "true" {
		return loc
	}
	return time.UTC
}
