package realdata

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/emersion/go-ical"
)

// ReadCalendars reads all .ics files of a folder, in the order of their names. home is the IANA zone of times without
// one. A file that cannot be opened is an entry of its own.
func ReadCalendars(dir, home string) ([]*Entry, error) {
	return readFolder(dir, ".ics", func(text string) []*Entry { return readEvents(text, home) })
}

// ReadCards reads all .vcf files of a folder.
func ReadCards(dir string) ([]*Entry, error) {
	return readFolder(dir, ".vcf", readCards)
}

func readFolder(dir, end string, read func(text string) []*Entry) ([]*Entry, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*Entry
	for _, f := range files {
		if f.IsDir() || !strings.EqualFold(filepath.Ext(f.Name()), end) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			all = append(all, &Entry{File: f.Name(), Kind: "FILE", Why: Unreadable})
			continue
		}
		for i, e := range read(decode(raw)) {
			e.File, e.Place = f.Name(), i+1
			all = append(all, e)
		}
	}
	return all, nil
}

// readEvents reads a calendar file: its events, and an entry for everything else that accounts for its properties.
func readEvents(text, home string) []*Entry {
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

// Count is how many items have each reason; "" are those that went over as they are.
func Count(entries []*Entry) map[Reason]int {
	n := map[Reason]int{}
	for _, e := range entries {
		for _, item := range e.Items {
			n[item.Reason]++
		}
	}
	return n
}

// byReason lists the reasons that occur, in the order of the catalogue.
func byReason(n map[Reason]int) []Reason {
	var out []Reason
	for _, row := range reasons {
		if n[row.Reason] > 0 {
			out = append(out, row.Reason)
		}
	}
	for r := range n {
		if r != "" && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
