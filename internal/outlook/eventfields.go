package outlook

import (
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// eventWords are the fields of an event that are one of a few words. Cleared, they go back to Exchange's own choice.
var eventWords = []struct {
	name     record.Field
	standard string
	at       func(*graph.Event) string
}{
	{"showAs", "busy", func(e *graph.Event) string { return e.ShowAs }},
	{"sensitivity", "normal", func(e *graph.Event) string { return e.Sensitivity }},
	{"importance", "normal", func(e *graph.Event) string { return e.Importance }},
}

// maxSubject is as long as Exchange lets a subject be, in code points.
const maxSubject = 255

var eventNames = func() map[record.Field]bool {
	out := map[record.Field]bool{}
	for name := range eventFields(&graph.Event{}) {
		out[name] = true
	}
	return out
}()

// eventFields tells an event in Microsoft's field names, empty ones included. What was done to single occurrences of a
// series is only known from a look at the event itself (occurrences.go).
func eventFields(e *graph.Event) record.Fields {
	f := ownFields(e)
	f["exdates"], f["exceptions"] = "", ""
	f["attendees"] = attendance(e)
	if lines := invitationOf(e).Lines; lines != "" {
		f["participants"] = record.Invited(record.Value(lines))
	}
	if len(e.CancelledOccurrences)+len(e.ExceptionOccurrences) > 0 {
		if l, ok := layoutOf(e); ok {
			l.tell(f)
		}
	}
	whenOf(e).tell(f)
	return f
}

// ownFields are the fields of an event that any occurrence of a series may have for itself, but for its time.
func ownFields(e *graph.Event) record.Fields {
	f := make(record.Fields, 16)
	f["subject"] = plain(e.Subject)
	f["body"], f["participants"] = peopleApart(readText(&e.Body))
	f["location"] = plain(e.Location.DisplayName)
	f["categories"] = tags(e.Categories)
	f["reminder"] = reminder(e)
	for _, row := range eventWords {
		f[row.name] = record.Value(row.at(e))
	}
	return f
}

func reminder(e *graph.Event) record.Value {
	if !e.IsReminderOn {
		return ""
	}
	return record.Value(strconv.Itoa(e.ReminderMinutes))
}

// eventBody is what to send so that an event has the fields given. before is the event as it is, nil for a new one.
func eventBody(before *graph.Event, fields record.Fields) (graph.Object, error) {
	return labelledBody(before, fields, "")
}

// labelledBody is eventBody with a word of the person's language for the participants.
func labelledBody(before *graph.Event, fields record.Fields, label string) (graph.Object, error) {
	o := graph.Sized(1024)
	for name := range fields {
		if !eventNames[name] {
			return o, unknownField(name)
		}
	}
	made := before == nil
	if made {
		before = &graph.Event{}
	}
	if v, said := fields["attendees"]; said && v != attendance(before) { // they come of participants, and of people in Outlook
		return o, fault.Wrong(fault.ReadOnlyField, "attendees", "outlook: attendees are not written as such")
	}
	if v, ok := fields["subject"]; ok && v != plain(before.Subject) {
		subject := tidy(v)
		if len([]rune(subject)) > maxSubject {
			return o, fault.Wrong(fault.TooLong, "subject", "outlook: a subject has at most %d characters", maxSubject)
		}
		o.String("subject", subject)
	}
	if v, said := fields["participants"]; said {
		if lines, invites := record.Lines(v); invites {
			fields = fields.With(record.Fields{"participants": invite(&o, before, lines)})
		} else if had := invitationOf(before).Lines; had != "" { // no longer invited
			invite(&o, before, "")
		}
	}
	if body, needed := bodyFor(&before.Body, fields, label); needed {
		o.Object("body", body)
	}
	if v, ok := fields["location"]; ok && v != plain(before.Location.DisplayName) {
		var place graph.Object
		place.String("displayName", tidy(v))
		o.Object("location", place)
	}
	if v, ok := fields["categories"]; ok && v != tags(before.Categories) {
		o.Strings("categories", untag(v))
	}
	if err := remind(&o, before, fields, made); err != nil {
		return o, err
	}
	for _, row := range eventWords {
		if v, ok := fields[row.name]; ok && string(v) != row.at(before) {
			if v == "" && (made || row.at(before) == row.standard) {
				continue
			}
			if v == "" {
				v = record.Value(row.standard)
			}
			o.String(string(row.name), string(v))
		}
	}
	return o, writeWhen(&o, before, fields, made)
}

// remind always says both things about the reminder, or Exchange would fill in fifteen minutes.
func remind(o *graph.Object, before *graph.Event, fields record.Fields, made bool) error {
	v, ok := fields["reminder"]
	if !made && (!ok || v == reminder(before)) {
		return nil
	}
	minutes := 0
	if v != "" {
		var err error
		if minutes, err = strconv.Atoi(string(v)); err != nil || minutes < 0 {
			return fault.Wrong(fault.BadValue, "reminder", "outlook: %q is no number of minutes", v)
		}
	}
	o.Bool("isReminderOn", v != "")
	o.Int("reminderMinutesBeforeStart", minutes)
	return nil
}

// writeWhen sends the whole time of an event if any part of it changes.
func writeWhen(o *graph.Object, before *graph.Event, fields record.Fields, made bool) error {
	var was when
	if !made {
		if was = whenOf(before); !was.differs(fields) {
			return nil
		}
	}
	now, err := was.with(fields)
	if err != nil {
		return err
	}
	v, said := fields["recurrence"]
	return now.write(o, !made && said && v != was.rule)
}
