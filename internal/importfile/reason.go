package importfile

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
	KeptForm       Reason = "kept_form"
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

// Reasons explains each, in the order of a report. It is shared: do not change it.
var Reasons = []struct {
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
	{KeptForm, true, "its form is none that Microsoft 365 takes: stands in its field as it is"},
	{TooLong, true, "longer than the field: the whole stands at the end of the description"},
	{NotInListing, true, "not one of the choices of the field: stands at the end of the description"},
	{IncompleteDate, true, "a date that is not whole: stands at the end of the description"},
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
	for _, row := range Reasons {
		if row.Reason == r {
			return row.Text
		}
	}
	return string(r)
}
