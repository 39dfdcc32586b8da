// Package realdata carries calendars and cards that real programs wrote through Tandem and accounts for every property
// of them: it has package importfile read the files, inserts each event and card over the REST API, waits until
// sync has brought it to Outlook, and compares. What arrives changed, elsewhere or not at all has a named reason;
// nothing is dropped silently, and no file stops the others. RunFromOutlook carries cards the other way.
//
// It knows the API and Microsoft Graph only from outside, by HTTP, and shares no code with either side of a link.
package realdata

import (
	"strings"
	"unicode/utf8"

	"tandem/internal/importfile"
)

// Item is one property of the input and what became of it.
type Item = importfile.Item

// Reason names why something is not simply where it was.
type Reason = importfile.Reason

// Entry is one component of a file: an event, a card, or something that is neither.
type Entry struct {
	File  string  `json:"file"`
	Kind  string  `json:"kind"` // VEVENT, VCARD; VCALENDAR, VTIMEZONE, VTODO ...
	Place int     `json:"place"`
	Name  string  `json:"name,omitempty"`
	Items []Item  `json:"items"`
	Plans []*Plan `json:"records"` // what to insert: mostly one
	// Why there is nothing to insert; "" where there is.
	Why Reason `json:"why,omitempty"`
}

// Plan is one record to be inserted, and later what became of it.
type Plan struct {
	Module string         `json:"module"` // Contacts or Events
	Fields map[string]any `json:"fields"` // as the API takes them

	ID        string       `json:"id,omitempty"`      // in the CRM
	Refused   string       `json:"refused,omitempty"` // why the API refused it
	Microsoft string       `json:"microsoft_id,omitempty"`
	State     string       `json:"state,omitempty"`  // where it stands in the link
	Reason    string       `json:"reason,omitempty"` // why, if it is not in step
	Diffs     []Difference `json:"differences,omitempty"`

	stored map[string]any // as the CRM answers it
}

// Difference is a field that is not the same in two places.
type Difference struct {
	Field string `json:"field"`
	From  string `json:"from"` // input or crm
	To    string `json:"to"`   // crm or outlook
	Was   string `json:"was"`
	Is    string `json:"is"`
}

func clip(s string, runes int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes]) + "…"
}

func str(v any) string {
	s, _ := v.(string)
	return s
}
