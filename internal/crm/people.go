package crm

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Participant is somebody who takes part in an event.
type Participant struct {
	Type  string    `json:"type"`                // one of the constants below
	ID    record.ID `json:"id,string,omitempty"` // of a contact or user
	Email string    `json:"email,omitempty"`     // of the type e-mail
	Name  string    `json:"name,omitempty"`      // of the type e-mail
}

// The types of participant.
const (
	ContactTakesPart = "contact"
	UserTakesPart    = "user"
	EmailTakesPart   = "email"
)

// PeopleValue is the canonical text of participants.
func PeopleValue(people []Participant) record.Value { return asJSON(people) }

// Participants reads PeopleValue.
func Participants(v record.Value) (people []Participant) {
	_ = json.Unmarshal([]byte(v), &people) // "" is nobody
	return people
}

// Reminder is a time before the start of an event.
type Reminder struct {
	Unit   int    `json:"unit"`
	Period string `json:"period"`         // minutes, hours, days or weeks
	Time   string `json:"time,omitempty"` // time of the day, "10.30", with days and weeks
}

// RemindersValue is the canonical text of reminders, in the order given.
func RemindersValue(reminders []Reminder) record.Value { return asJSON(reminders) }

// ReminderList reads RemindersValue.
func ReminderList(v record.Value) (reminders []Reminder) {
	_ = json.Unmarshal([]byte(v), &reminders) // "" is none
	return reminders
}

func asJSON[T any](list []T) record.Value {
	if len(list) == 0 {
		return ""
	}
	text, _ := json.Marshal(list) // strings and numbers
	return record.Value(text)
}

func asReference(_ record.Def, text string) (record.Value, bool) {
	id, ok := record.ParseID(text)
	return record.Value(id.String()), ok
}

// asPeople takes everybody once.
func asPeople(_ record.Def, text string) (record.Value, bool) {
	var people, out []Participant
	if json.Unmarshal([]byte(text), &people) != nil {
		return "", false
	}
	for _, p := range people {
		p.Name, p.Email = clean(p.Name, false), clean(p.Email, false)
		switch p.Type {
		case ContactTakesPart, UserTakesPart:
			p.Name, p.Email = "", ""
			if p.ID <= 0 {
				return "", false
			}
		case EmailTakesPart:
			p.ID = 0
			if _, ok := asEmail(record.Def{}, p.Email); !ok || len(p.Email) > 320 || len(p.Name) > 1000 {
				return "", false
			}
		default:
			return "", false
		}
		if !slices.ContainsFunc(out, func(o Participant) bool {
			return o.Type == p.Type && o.ID == p.ID && strings.EqualFold(o.Email, p.Email)
		}) {
			out = append(out, p)
		}
	}
	return PeopleValue(out), true
}

// asAttending takes what sync brings.
func asAttending(_ record.Def, text string) (record.Value, bool) {
	var a record.Attendance
	if json.Unmarshal([]byte(text), &a) != nil {
		return "", false
	}
	return a.Value(), true
}

// maxReminders is the most reminders of one event.
const maxReminders = 50

// minutesOf says how many minutes a period has.
var minutesOf = map[string]int{"minutes": 1, "hours": 60, "days": 24 * 60, "weeks": 7 * 24 * 60}

func asReminders(_ record.Def, text string) (record.Value, bool) {
	var list []Reminder
	if json.Unmarshal([]byte(text), &list) != nil || len(list) > maxReminders {
		return "", false
	}
	for _, r := range list {
		each, ok := minutesOf[r.Period]
		if !ok || r.Unit < 0 || r.Unit > maxMinutes/each {
			return "", false
		}
		if _, err := time.Parse("15.04", r.Time); r.Time != "" && (err != nil || each < 24*60) {
			return "", false
		}
	}
	return RemindersValue(list), true
}

// references finds out which contacts the drafts may refer to, in one question, and gives a check of what a record
// refers to: contacts that the actor sees, users who are active. What the record refers to already is not asked again.
func (c *CRM) references(ctx context.Context, a Actor, schema *record.Schema, drafts []Draft) (func(self record.ID, before, after record.Fields) (Problems, error), error) {
	var ids []record.ID
	for _, d := range drafts {
		for field, value := range d.Fields {
			def, _ := schema.Def(field)
			switch def.Type {
			case record.Reference:
				if id, ok := record.ParseID(strings.TrimSpace(string(value))); ok {
					ids = append(ids, id)
				}
			case record.People:
				for _, p := range Participants(value) {
					if p.Type == ContactTakesPart {
						ids = append(ids, p.ID)
					}
				}
			}
		}
	}
	contacts := map[record.ID]Record{}
	if len(ids) > 0 {
		slices.Sort(ids)
		var err error
		if contacts, err = c.store.ByID(ctx, a.Org, record.Contacts, slices.Compact(ids)); err != nil {
			return nil, err
		}
	}
	there := func(id record.ID) bool {
		r, ok := contacts[id]
		return ok && a.sees(r) && !r.Deleted()
	}
	users := c.owners(ctx, a.Org)
	return func(self record.ID, before, after record.Fields) (problems Problems, _ error) {
		for _, d := range schema.AllDefs() {
			value := after[d.Name]
			if value == "" || value == before[d.Name] {
				continue
			}
			switch d.Type {
			case record.Reference:
				id, _ := record.ParseID(string(value))
				if !there(id) {
					problems.add(fault.BadValue, d.Name, "there is no such contact")
				} else if schema.Kind() == record.Contacts && id == self {
					problems.add(fault.BadValue, d.Name, "is the contact itself")
				}
			case record.People:
				old := Participants(before[d.Name])
				for _, p := range Participants(value) {
					if slices.Contains(old, p) {
						continue
					}
					if p.Type == ContactTakesPart && !there(p.ID) {
						problems.add(fault.BadValue, d.Name, "there is no contact "+p.ID.String())
					}
					if p.Type == UserTakesPart {
						wrong, err := users(p.ID)
						if err != nil {
							return nil, err
						}
						if wrong != nil {
							problems.add(fault.BadValue, d.Name, "there is no active user "+p.ID.String())
						}
					}
				}
			}
		}
		return problems, nil
	}, nil
}
