package record

import (
	"slices"
	"strings"
)

// Field is the name of a CRM field: the API name that Zoho CRM gives it.
type Field string

// Type says what a field holds and which canonical text its values have.
type Type uint8

// The types of field, with the canonical form of their values.
const (
	Text       Type = iota // one line
	LongText               // lines separated by \n
	Email                  // as typed; compared by Norm without letter case in the domain
	Phone                  // as typed
	URL                    // as typed: see IsAddress
	Picklist               // one of Def.Values, or any text where Values is empty
	Bool                   // "true" or "false"
	Date                   // 2006-01-02
	Moment                 // 2006-01-02T15:04:05Z, or 2006-01-02 in an all-day event (end: the day after the last)
	Zone                   // IANA name, "America/Sao_Paulo"
	Recurrence             // an RFC 5545 recur rule without DTSTART in the canonical form of package recur; "" is none
	ExDates                // dates 2006-01-02 joined by ",", ascending: days on which the series does not take place
	Exceptions             // changed occurrences of a series: JSON as OccurrencesValue writes it
	Minutes                // whole minutes before the start, "15"; "" is no reminder
	Tags                   // names joined by \n, in ascending order
	Lookup                 // the name of another record
	Reference              // the id of a contact
	Related                // what an event is about: the module and the name, joined by \n
	People                 // JSON as crm.PeopleValue writes it; Def.Max is the most people
	Attending              // JSON as Attendance.Value writes it; only sync writes it
	Reminders              // JSON as crm.RemindersValue writes it
	Image                  // "sha256:" and the hash of a kept picture in hex; at Microsoft also "other:" and that of bytes that are no picture to us
	Number                 // a decimal number in plain digits as Decimal writes it, "-12.5"
)

// Def describes one CRM field. Lengths are in Unicode code points; 0 is no limit.
type Def struct {
	Name      Field
	Type      Type
	Max       int
	Mandatory bool
	Values    []string // of Picklist
	Open      bool     // Values are those that are offered; others are taken, too
	// Standard is the value that is meant where none was chosen. In normal form it is empty: nobody has said anything.
	Standard Value
	// Group names fields that only make sense together: a merge takes all of them from one side.
	Group string
	// Own marks a field that Zoho CRM does not have, an extension of the built-in CRM.
	Own bool
	// Custom marks a field that the organization made; Label is what its people call it.
	Custom bool
	Label  string
}

// The fields of contacts.
const (
	Salutation     Field = "Salutation"
	FirstName      Field = "First_Name"
	LastName       Field = "Last_Name"
	EmailField     Field = "Email"
	SecondaryEmail Field = "Secondary_Email"
	AccountName    Field = "Account_Name"
	Title          Field = "Title"
	Department     Field = "Department"
	PhoneField     Field = "Phone"
	HomePhone      Field = "Home_Phone"
	OtherPhone     Field = "Other_Phone"
	Mobile         Field = "Mobile"
	Fax            Field = "Fax"
	Assistant      Field = "Assistant"
	AsstPhone      Field = "Asst_Phone"
	DateOfBirth    Field = "Date_of_Birth"
	LeadSource     Field = "Lead_Source"
	MailingStreet  Field = "Mailing_Street"
	MailingCity    Field = "Mailing_City"
	MailingState   Field = "Mailing_State"
	MailingZip     Field = "Mailing_Zip"
	MailingCountry Field = "Mailing_Country"
	OtherStreet    Field = "Other_Street"
	OtherCity      Field = "Other_City"
	OtherState     Field = "Other_State"
	OtherZip       Field = "Other_Zip"
	OtherCountry   Field = "Other_Country"
	Description    Field = "Description"
	SkypeID        Field = "Skype_ID"
	Twitter        Field = "Twitter"
	EmailOptOut    Field = "Email_Opt_Out"
	Tag            Field = "Tag"
	ReportingTo    Field = "Reporting_To"
	VendorName     Field = "Vendor_Name"
	RecordImage    Field = "Record_Image"
)

// FurtherAddresses is no field: of an item at Microsoft it holds the e-mail addresses that the mapping leaves there, joined
// by \n, so that the person is recognized by them.
const FurtherAddresses Field = "-addresses"

// UID is no field: of an event at Microsoft it holds what calendar files call it (Change.UID), so that it is recognized by that.
const UID Field = "-uid"

// The fields of events (called meetings on pages). Description and Tag are shared with contacts.
const (
	EventTitle Field = "Event_Title"
	Start      Field = "Start_DateTime"
	End        Field = "End_DateTime"
	AllDay     Field = "All_day"
	TimeZone   Field = "Time_Zone" // own: the zone in which the event was planned
	Recurring  Field = "Recurring_Activity"
	Excluded   Field = "Excluded_Dates"      // own in storage: the EXDATE of Recurring_Activity
	Changed    Field = "Changed_Occurrences" // own: what single occurrences of the series have otherwise
	Venue      Field = "Venue"
	RemindAt   Field = "Remind_At"

	EndTimeZone Field = "End_Time_Zone" // own: the zone in which the end was planned, where it is not that of the start
	ShowAs      Field = "Show_As"       // own: what the owner's colleagues see of the time
	Sensitivity Field = "Sensitivity"   // own: see Private
	Importance  Field = "Importance"    // own

	Participants       Field = "Participants"
	Attendees          Field = "Attendees" // own: who is invited in Outlook, and what they answered
	WhoID              Field = "Who_Id"
	WhatID             Field = "What_Id"
	MeetingVenue       Field = "Meeting_Venue__s"
	RemindParticipants Field = "Remind_Participants"
	FurtherReminders   Field = "Further_Reminders" // own in storage: the entries of Remind_At after the first
)

// The groups of fields.
const (
	GroupName   = "name"   // a contact's given name and family name
	GroupWhen   = "when"   // when an event takes place
	GroupSeries = "series" // what becomes of single occurrences of a series: merged by day, not as a whole
)

// Lengths are Zoho CRM's for an organization made recently (zoho-crm.md, Contacts).
var contactDefs = []Def{
	{Name: Salutation, Type: Picklist, Max: 25, Values: []string{"Mr.", "Mrs.", "Ms.", "Dr.", "Prof."}},
	{Name: FirstName, Type: Text, Max: 40, Group: GroupName},
	{Name: LastName, Type: Text, Max: 80, Mandatory: true, Group: GroupName},
	{Name: EmailField, Type: Email, Max: 100},
	{Name: SecondaryEmail, Type: Email, Max: 100},
	{Name: AccountName, Type: Lookup, Max: 200},
	{Name: Title, Type: Text, Max: 100},
	{Name: Department, Type: Text, Max: 50},
	{Name: PhoneField, Type: Phone, Max: 50},
	{Name: HomePhone, Type: Phone, Max: 30},
	{Name: OtherPhone, Type: Phone, Max: 30},
	{Name: Mobile, Type: Phone, Max: 30},
	{Name: Fax, Type: Text, Max: 30},
	{Name: Assistant, Type: Text, Max: 50},
	{Name: AsstPhone, Type: Phone, Max: 30},
	{Name: DateOfBirth, Type: Date},
	{Name: LeadSource, Type: Picklist, Max: 120, Values: []string{
		"Advertisement", "Cold Call", "Employee Referral", "External Referral", "Online Store", "Partner", "X (Twitter)",
		"Facebook", "Public Relations", "Sales Email Alias", "Seminar Partner", "Internal Seminar", "Trade Show",
		"Web Download", "Web Research", "Web Cases", "Web Mail", "Chat",
	}},
	{Name: MailingStreet, Type: LongText, Max: 255},
	{Name: MailingCity, Type: Text, Max: 255},
	{Name: MailingState, Type: Text, Max: 100},
	{Name: MailingZip, Type: Text, Max: 255},
	{Name: MailingCountry, Type: Text, Max: 100},
	{Name: OtherStreet, Type: LongText, Max: 255},
	{Name: OtherCity, Type: Text, Max: 255},
	{Name: OtherState, Type: Text, Max: 100},
	{Name: OtherZip, Type: Text, Max: 255},
	{Name: OtherCountry, Type: Text, Max: 100},
	{Name: Description, Type: LongText, Max: 32000},
	{Name: SkypeID, Type: Text, Max: 50},
	{Name: Twitter, Type: Text, Max: 50},
	{Name: EmailOptOut, Type: Bool},
	{Name: Tag, Type: Tags, Max: 2000},
	{Name: RecordImage, Type: Image},
}

var eventDefs = []Def{
	{Name: EventTitle, Type: Text, Max: 255},
	{Name: Start, Type: Moment, Mandatory: true, Group: GroupWhen},
	{Name: End, Type: Moment, Mandatory: true, Group: GroupWhen},
	{Name: AllDay, Type: Bool, Group: GroupWhen},
	{Name: TimeZone, Type: Zone, Group: GroupWhen, Own: true},
	{Name: EndTimeZone, Type: Zone, Group: GroupWhen, Own: true},
	{Name: Recurring, Type: Recurrence, Group: GroupWhen},
	{Name: Excluded, Type: ExDates, Group: GroupSeries, Own: true},
	{Name: Changed, Type: Exceptions, Group: GroupSeries, Own: true},
	{Name: Venue, Type: Text, Max: 255},
	{Name: Description, Type: LongText, Max: 32000},
	{Name: RemindAt, Type: Minutes},
	{Name: ShowAs, Type: Picklist, Values: []string{"free", "tentative", "busy", "oof", "workingElsewhere"}, Standard: "busy", Own: true},
	{Name: Sensitivity, Type: Picklist, Values: []string{"normal", "personal", "private", "confidential"}, Standard: "normal", Own: true},
	{Name: Importance, Type: Picklist, Values: []string{"low", "normal", "high"}, Standard: "normal", Own: true},
	{Name: Tag, Type: Tags, Max: 2000},
}

// Private reports whether an event is its owner's own business: of such a one, others see when it is and nothing else.
func Private(f Fields) bool { return f[Sensitivity] == "private" || f[Sensitivity] == "confidential" }

// HasPrivate reports whether an event is private, or a single occurrence of it.
func HasPrivate(f Fields) bool {
	return Private(f) || strings.Contains(string(f[Changed]), string(Sensitivity)) &&
		slices.ContainsFunc(Occurrences(f[Changed]), func(o Occurrence) bool { return Private(o.Fields) })
}

// moreContactDefs and moreEventDefs are what only the API shows; no page has them and no mapping.
var moreContactDefs = []Def{
	{Name: ReportingTo, Type: Reference},
	{Name: VendorName, Type: Lookup, Max: 200},
}

var moreEventDefs = []Def{
	{Name: Participants, Type: People, Max: 50},
	{Name: Attendees, Type: Attending, Own: true},
	{Name: WhoID, Type: Reference},
	{Name: WhatID, Type: Related, Max: 220},
	{Name: MeetingVenue, Type: Picklist, Max: 120, Values: []string{"In-office", "Client location", "Online"}, Open: true},
	{Name: RemindParticipants, Type: Reminders},
	{Name: FurtherReminders, Type: Reminders, Own: true},
}

var allContactDefs, allEventDefs = slices.Concat(contactDefs, moreContactDefs), slices.Concat(eventDefs, moreEventDefs)

// AllDefs are the standard fields of a kind with those that only the API shows. The slice is shared: do not change it.
func AllDefs(kind Kind) []Def {
	if kind == Contacts {
		return allContactDefs
	}
	return allEventDefs
}

// Defs are the standard fields of a kind, in the order in which pages show them. The slice is shared: do not change it.
func Defs(kind Kind) []Def {
	if kind == Contacts {
		return contactDefs
	}
	return eventDefs
}

// DefOf finds the definition of a standard field of a kind, be it one that only the API shows.
func DefOf(kind Kind, name Field) (Def, bool) {
	byName := eventDefsByName
	if kind == Contacts {
		byName = contactDefsByName
	}
	d, ok := byName[name]
	return d, ok
}

var contactDefsByName, eventDefsByName = indexed(allContactDefs), indexed(allEventDefs)

func indexed(defs []Def) map[Field]Def {
	out := make(map[Field]Def, len(defs))
	for _, d := range defs {
		out[d.Name] = d
	}
	return out
}
