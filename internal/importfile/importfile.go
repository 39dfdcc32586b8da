// Package importfile reads files that people bring from other programs: tables (CSV in any common encoding, the first sheet of an
// XLSX workbook), cards (vCard 2.1 to 4.0) and calendars (iCalendar). It goes through a file of any length without keeping it, makes
// of each row, card and event what the CRM can hold, and says of each property what became of it; nothing is dropped silently.
//
// It knows the names of the CRM's fields and what they take at most. What becomes of the rows, which column is which field, and
// what is a duplicate is left to package intake.
package importfile

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Item is one property of the input and what became of it.
type Item struct {
	Property string `json:"property"` // SUMMARY, VALARM.TRIGGER, TEL
	Value    string `json:"value"`    // its beginning
	Field    string `json:"field,omitempty"`
	Reason   Reason `json:"reason,omitempty"` // "": it went to Field as it is
	Detail   string `json:"detail,omitempty"`
}

// Entry is one component of a file: an event, a card, or something that is neither.
type Entry struct {
	Kind  string // VEVENT, VCARD; VCALENDAR, VTIMEZONE, VTODO ...
	Name  string
	Items []Item
	Plans []*Plan // what to make of it: mostly one
	// Why there is nothing to make; "" where there is.
	Why Reason
	// Within says that another entry's record has all of it: a changed occurrence in one of our own files.
	Within bool
}

// Plan is one record to be made.
type Plan struct {
	Fields map[string]any // as the API takes them
	// UID tells the event from all others, wherever it is read again; "" where the file does not. Extra dates and changed
	// occurrences have one of their own, which begins with that of their series.
	UID string
}

// note accounts for a property.
func (e *Entry) note(property, value, field string, reason Reason, detail ...string) {
	e.Items = append(e.Items, Item{
		Property: property, Value: clip(value, 80), Field: field, Reason: reason, Detail: strings.Join(detail, "; "),
	})
}

func clip(s string, runes int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes]) + "…"
}

// details are lines for the end of a description.
type details struct {
	body  string
	lines []string
}

func (d *details) add(label, text string) {
	d.lines = append(d.lines, label+": "+strings.TrimSpace(text))
}

// maxDescription is how long a description may be.
const maxDescription = 32000

// text is the description with the details behind it; cut: not all of the body had room.
func (d *details) text() (text string, cut bool) {
	end := strings.Join(d.lines, "\n")
	body := strings.TrimSpace(d.body)
	if utf8.RuneCountInString(end) > maxDescription {
		return string([]rune(end)[:maxDescription]), true
	}
	room := maxDescription
	if end != "" {
		room = max(0, maxDescription-utf8.RuneCountInString(end)-2)
	}
	if utf8.RuneCountInString(body) > room {
		body, cut = string([]rune(body)[:room]), true
	}
	switch {
	case end == "":
		return body, cut
	case body == "":
		return end, cut
	}
	return body + "\n\n" + end, cut
}

// sortItems puts an entry's items into one order, whatever the order in which maps gave them.
func (e *Entry) sortItems() {
	slices.SortStableFunc(e.Items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Property, b.Property), cmp.Compare(a.Value, b.Value))
	})
}
