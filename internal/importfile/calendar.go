package importfile

import (
	"strings"

	"github.com/emersion/go-ical"
)

// Events reads a calendar file: its events, and an entry for everything else that accounts for its properties.
func Events(text, home string) []*Entry {
	calendars := readCalendar(text)
	z := zonesOf(calendars, home)
	var components []*ical.Component
	var rest []*Entry
	var walk func(c *ical.Component)
	walk = func(c *ical.Component) {
		for _, child := range c.Children {
			switch {
			case child.Name == ical.CompEvent:
				components = append(components, child)
			case child.Name == "VCALENDAR": // a calendar inside another that was not ended
				rest = append(rest, whole(child))
				walk(child)
			default:
				rest = append(rest, other(child))
			}
		}
	}
	for _, c := range calendars {
		if c.Name == ical.CompEvent {
			components = append(components, c)
			continue
		}
		rest = append(rest, whole(c))
		walk(c)
	}
	return append(z.events(components), rest...)
}

// whole accounts for what a calendar says about itself.
func whole(c *ical.Component) *Entry {
	e := &Entry{Kind: c.Name, Why: FileWide}
	for name, props := range c.Props {
		for _, p := range props {
			reason := FileWide
			if name == brokenLine {
				reason = Unreadable
			}
			e.note(name, p.Value, "", reason)
		}
	}
	e.sortItems()
	return e
}

// other accounts for a component that is no event.
func other(c *ical.Component) *Entry {
	reason := NotAnEvent
	if c.Name == ical.CompTimezone {
		reason = ZoneRules
	}
	e := &event{Entry: &Entry{Kind: c.Name, Why: reason}}
	e.inside(c, reason)
	for i := range e.Items {
		e.Items[i].Property = strings.TrimPrefix(e.Items[i].Property, c.Name+".")
	}
	e.sortItems()
	return e.Entry
}
