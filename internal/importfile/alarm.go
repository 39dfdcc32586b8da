package importfile

import (
	"strings"
	"time"

	"github.com/emersion/go-ical"
)

// maxReminder is the earliest reminder: sixty weeks before the start.
const maxReminder = 60 * 7 * 24 * time.Hour

// alarms takes the first alarm that Outlook can have as the reminder, and accounts for all components inside the event.
func (e *event) alarms() {
	for _, child := range e.component.Children {
		if child.Name != ical.CompAlarm {
			e.inside(child, NoField)
			continue
		}
		for name, props := range child.Props {
			for i, p := range props {
				switch {
				case name == "TRIGGER" && i == 0:
					e.trigger(p)
				case name == brokenLine:
					e.note("VALARM."+name, p.Value, "", Unreadable)
				default:
					e.note("VALARM."+name, p.Value, "", AlarmDetails)
				}
			}
		}
		for _, inner := range child.Children {
			e.inside(inner, AlarmDetails)
		}
	}
}

// inside accounts for the properties of a component that is not looked at.
func (e *event) inside(c *ical.Component, reason Reason) {
	for name, props := range c.Props {
		for _, p := range props {
			e.note(c.Name+"."+name, p.Value, "", reason)
		}
	}
	for _, inner := range c.Children {
		e.inside(inner, reason)
	}
}

// trigger reads when an alarm goes off.
func (e *event) trigger(p ical.Prop) {
	before, reason, ok := e.beforeStart(p)
	_, taken := e.plan.Fields["Remind_At"]
	switch {
	case e.Why != "":
		e.note("VALARM.TRIGGER", p.Value, "", e.Why)
	case !ok:
		e.note("VALARM.TRIGGER", p.Value, "", BadTime)
	case taken:
		e.note("VALARM.TRIGGER", p.Value, "", OneReminder)
	case before < 0 || before > maxReminder || before%time.Minute != 0:
		e.note("VALARM.TRIGGER", p.Value, "", AlarmLate)
	default:
		e.plan.Fields["Remind_At"] = []map[string]any{{"unit": int(before / time.Minute), "period": "minutes"}}
		e.note("VALARM.TRIGGER", p.Value, "Remind_At", reason)
	}
}

// beforeStart is how long before the start an alarm goes off.
func (e *event) beforeStart(p ical.Prop) (time.Duration, Reason, bool) {
	if l, ok := readLength(p.Value); ok {
		from, reason := e.start, Reason("")
		if strings.EqualFold(p.Params.Get("RELATED"), "END") {
			from, reason = e.end, AlarmOfEnd
		}
		at := from.at.AddDate(0, 0, l.days).Add(l.time)
		return e.start.at.Sub(at), reason, true
	}
	at, _, err := e.zones.readMoment(p.Value, tzid(p))
	return e.start.at.Sub(at.at), AlarmAbsolute, err == nil && !at.day
}
