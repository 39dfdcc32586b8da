package importfile

import (
	"strings"

	"github.com/emersion/go-ical"

	"tandem/internal/record"
)

// OwnField is the property in which our own cards and calendars say a value that has no place of its own in them: the name
// of the field and the value, separated by a semicolon. As a parameter it names the field that a property is of.
const OwnField = "X-TANDEM-FIELD"

// OwnProduct is the PRODID of our own calendars.
const OwnProduct = "-//Tandem//Tandem//EN"

// tells reports whether a series of one of our own calendars tells the changed occurrence of a day itself.
func (e *event) tells(day string) bool {
	if !e.zones.ours {
		return false
	}
	if e.days == nil {
		e.days = map[string]bool{}
		for _, o := range record.Occurrences(record.Value(str(e.plan.Fields[string(record.Changed)]))) {
			e.days[o.Day] = true
		}
	}
	return e.days[day]
}

// ownValue reads such a property.
func ownValue(raw string) (field, value string, ok bool) {
	parts := split(raw, ';')
	if len(parts) != 2 || unescape(parts[0]) == "" {
		return "", "", false
	}
	return unescape(parts[0]), unescape(parts[1]), true
}

// own takes what our own cards say of fields that cards do not have.
func (c *card) own() {
	for _, p := range c.all(OwnField) {
		field, value, ok := ownValue(p.raw)
		if !ok || c.fields[field] != nil {
			c.note(OwnField, p.raw, "", Unreadable)
			continue
		}
		c.fields[field] = value
		c.note(OwnField, p.raw, field, "")
	}
}

// ownAddress takes an address as it was written, with all lines of its street.
func (c *card) ownAddress(p property) {
	prefix := strings.TrimSuffix(p.own, "Street")
	parts := split(p.raw, ';')
	for i, part := range []string{"Street", "City", "State", "Zip", "Country"} {
		if i+2 < len(parts) && c.fields[prefix+part] == nil {
			if value := unescape(parts[i+2]); value != "" {
				c.fields[prefix+part] = value
			}
		}
	}
	c.note("ADR", p.raw, p.own, "")
}

// own takes what our own calendars say of fields that events do not have there.
func (e *event) own(props []ical.Prop) {
	for _, p := range props {
		field, value, ok := ownValue(p.Value)
		if !ok {
			e.note(OwnField, p.Value, "", Unreadable)
			continue
		}
		switch atOnce := e.end.at.Equal(e.start.at); {
		case field != string(record.Start):
			e.plan.Fields[field] = value
		case !e.start.meant(value):
			e.note(OwnField, p.Value, "", BadTime)
			continue
		case atOnce:
			e.end = e.start
		}
		e.note(OwnField, p.Value, field, "")
	}
}
