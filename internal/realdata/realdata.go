// Package realdata carries calendars and cards that real programs wrote through Tandem and accounts for every property
// of them: it reads the files, turns each event and card into a CRM record, inserts it over the REST API, waits until
// sync has brought it to Outlook, and compares. What arrives changed, elsewhere or not at all has a named reason;
// nothing is dropped silently, and no file stops the others. RunFromOutlook carries cards the other way.
//
// It knows the API and Microsoft Graph only from outside, by HTTP, and shares no code with either side of a link.
package realdata

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

// Reason names why something is not simply where it was.
type Reason string

// The reasons. kept: the content is still there for a person to read.
const (
	Unreadable     Reason = "unreadable"
	NotAnEvent     Reason = "not_an_event"
	FileWide       Reason = "file_wide"
	ZoneRules      Reason = "zone_rules"
	Bookkeeping    Reason = "bookkeeping"
	Custom         Reason = "custom"
	NoField        Reason = "no_field"
	InDescription  Reason = "in_description"
	SecondValue    Reason = "second_value"
	TooLong        Reason = "too_long"
	BadForm        Reason = "bad_form"
	Binary         Reason = "binary"
	Empty          Reason = "empty"
	Implied        Reason = "implied"
	NoStart        Reason = "no_start"
	BadTime        Reason = "bad_time"
	EndFirst       Reason = "end_before_start"
	Floating       Reason = "floating_time"
	UnknownZone    Reason = "unknown_zone"
	GuessedZone    Reason = "guessed_zone"
	ClockGap       Reason = "clock_gap"
	BadRule        Reason = "rule_not_expressible"
	EmptySeries    Reason = "series_without_occurrences"
	OffRule        Reason = "start_off_rule"
	ExtraDate      Reason = "rdate_single"
	OtherTime      Reason = "exdate_other_time"
	Override       Reason = "override_single"
	OverrideAlone  Reason = "override_alone"
	OneReminder    Reason = "one_reminder"
	AlarmAbsolute  Reason = "alarm_absolute"
	AlarmOfEnd     Reason = "alarm_of_end"
	AlarmLate      Reason = "alarm_after_start"
	AlarmDetails   Reason = "alarm_details"
	Joined         Reason = "joined"
	NoName         Reason = "no_name"
	NotInListing   Reason = "not_a_listed_choice"
	IncompleteDate Reason = "incomplete_date"
)

// reasons explains each, in the order of the report.
var reasons = []struct {
	Reason Reason
	Kept   bool
	Text   string
}{
	{InDescription, true, "no field of its own: stands in readable form at the end of the description"},
	{SecondValue, true, "the CRM has one such field: further values stand at the end of the description"},
	{Joined, true, "stands in a field together with others (further given names, parts of a street)"},
	{Implied, true, "says nothing that other fields do not say"},
	{Bookkeeping, false, "bookkeeping of the program that wrote the file; the CRM keeps its own"},
	{FileWide, false, "says something about the whole file"},
	{ZoneRules, true, "rules of a time zone: the zone is known by its name"},
	{NotAnEvent, false, "a task, journal entry or busy time: not part of calendar sync"},
	{Custom, false, "a private property of the program that wrote the file"},
	{NoField, false, "neither the CRM nor its sync has such a field"},
	{Binary, false, "pictures and keys are not synced"},
	{Empty, false, "it has no content"},
	{Unreadable, false, "the line is no property"},
	{BadForm, true, "its form is none that the field takes: stands at the end of the description"},
	{TooLong, true, "longer than the field: the whole stands at the end of the description"},
	{NotInListing, true, "not one of the choices of the field: stands at the end of the description"},
	{IncompleteDate, true, "a date without a year: stands at the end of the description"},
	{NoName, true, "there is no family name: what stands in is another name, the company or the address"},
	{NoStart, false, "an event without a start cannot be in a calendar"},
	{BadTime, false, "the time cannot be read"},
	{EndFirst, false, "it ends before it starts: kept with no length"},
	{Floating, true, "a time without a zone: taken as the user's"},
	{GuessedZone, true, "the zone's name is private: recognised by its location or its rules"},
	{UnknownZone, false, "the zone is not known: taken as the user's"},
	{ClockGap, true, "a wall time that the clocks skip: moved as RFC 5545 says"},
	{BadRule, false, "the rule cannot be said to Outlook: the first occurrence is kept"},
	{EmptySeries, false, "the rule ends before the event: the first occurrence is kept"},
	{OffRule, true, "the event starts on a day that its own rule does not have"},
	{ExtraDate, true, "Outlook's series have no extra dates: they are events of their own"},
	{OtherTime, false, "leaves out a time at which the series does not take place: no effect"},
	{Override, true, "a changed occurrence: its day is left out of the series and it is an event of its own"},
	{OverrideAlone, true, "a changed occurrence whose series is not in the file: an event of its own"},
	{OneReminder, false, "an event has one reminder: the first is kept"},
	{AlarmAbsolute, true, "an alarm at a fixed time: reckoned as minutes before the start"},
	{AlarmOfEnd, true, "an alarm relative to the end: reckoned as minutes before the start"},
	{AlarmLate, false, "an alarm after the start has no form in Outlook"},
	{AlarmDetails, false, "how the alarm shows itself: Outlook decides that"},
}

// Explain is a reason in words.
func Explain(r Reason) string {
	for _, row := range reasons {
		if row.Reason == r {
			return row.Text
		}
	}
	return string(r)
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
	if room := max(0, maxDescription-utf8.RuneCountInString(end)-2); utf8.RuneCountInString(body) > room {
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
