package mapping

import "tandem/internal/record"

// MicrosoftField is a field that Graph offers of a contact or an event.
type MicrosoftField struct {
	Name  record.Field // the property's path, members of lists by position
	Type  record.Type
	Group Group
}

// Group is what a field of Microsoft's is about, for pages that list many.
type Group string

// The groups, in the order of the tables.
const (
	NameGroup            Group = "name"
	WorkGroup            Group = "work"
	EmailGroup           Group = "email"
	PhoneGroup           Group = "phone"
	WebGroup             Group = "web"
	BusinessAddressGroup Group = "business_address"
	HomeAddressGroup     Group = "home_address"
	OtherAddressGroup    Group = "other_address"
	PersonGroup          Group = "person"
	NotesGroup           Group = "notes"
	EventGroup           Group = "event"
	WhenGroup            Group = "when"
	ShownGroup           Group = "shown"
)

// microsoft is the table of the fields that Graph offers (contact and event resources). Lists hold as many as Exchange
// takes: 3 addresses, 2 phones of each kind; of children, who may be more, the first 3.
var microsoft = map[record.Kind][]MicrosoftField{
	record.Contacts: {
		{"title", record.Text, NameGroup},
		{"givenName", record.Text, NameGroup},
		{"middleName", record.Text, NameGroup},
		{"surname", record.Text, NameGroup},
		{"generation", record.Text, NameGroup},
		{"nickName", record.Text, NameGroup},
		{"initials", record.Text, NameGroup},
		{"fileAs", record.Text, NameGroup},
		{"yomiGivenName", record.Text, NameGroup},
		{"yomiSurname", record.Text, NameGroup},
		{"companyName", record.Text, WorkGroup},
		{"yomiCompanyName", record.Text, WorkGroup},
		{"department", record.Text, WorkGroup},
		{"jobTitle", record.Text, WorkGroup},
		{"profession", record.Text, WorkGroup},
		{"officeLocation", record.Text, WorkGroup},
		{"manager", record.Text, WorkGroup},
		{"assistantName", record.Text, WorkGroup},
		{"emailAddresses[0]", record.Email, EmailGroup},
		{"emailAddresses[1]", record.Email, EmailGroup},
		{"emailAddresses[2]", record.Email, EmailGroup},
		{"businessPhones[0]", record.Phone, PhoneGroup},
		{"businessPhones[1]", record.Phone, PhoneGroup},
		{"homePhones[0]", record.Phone, PhoneGroup},
		{"homePhones[1]", record.Phone, PhoneGroup},
		{"mobilePhone", record.Phone, PhoneGroup},
		{"imAddresses[0]", record.Text, WebGroup},
		{"imAddresses[1]", record.Text, WebGroup},
		{"imAddresses[2]", record.Text, WebGroup},
		{"businessHomePage", record.URL, WebGroup},
		{"businessAddress.street", record.LongText, BusinessAddressGroup},
		{"businessAddress.city", record.Text, BusinessAddressGroup},
		{"businessAddress.state", record.Text, BusinessAddressGroup},
		{"businessAddress.postalCode", record.Text, BusinessAddressGroup},
		{"businessAddress.countryOrRegion", record.Text, BusinessAddressGroup},
		{"homeAddress.street", record.LongText, HomeAddressGroup},
		{"homeAddress.city", record.Text, HomeAddressGroup},
		{"homeAddress.state", record.Text, HomeAddressGroup},
		{"homeAddress.postalCode", record.Text, HomeAddressGroup},
		{"homeAddress.countryOrRegion", record.Text, HomeAddressGroup},
		{"otherAddress.street", record.LongText, OtherAddressGroup},
		{"otherAddress.city", record.Text, OtherAddressGroup},
		{"otherAddress.state", record.Text, OtherAddressGroup},
		{"otherAddress.postalCode", record.Text, OtherAddressGroup},
		{"otherAddress.countryOrRegion", record.Text, OtherAddressGroup},
		{"birthday", record.Date, PersonGroup},
		{"spouseName", record.Text, PersonGroup},
		{"photo", record.Image, PersonGroup},
		{"children[0]", record.Text, PersonGroup},
		{"children[1]", record.Text, PersonGroup},
		{"children[2]", record.Text, PersonGroup},
		{"personalNotes", record.LongText, NotesGroup},
		{"categories", record.Tags, NotesGroup},
	},
	record.Calendar: {
		{"subject", record.Text, EventGroup},
		{"location", record.Text, EventGroup},
		{"body", record.LongText, EventGroup},
		{"participants", record.People, EventGroup},
		{"attendees", record.Attending, EventGroup},
		{"categories", record.Tags, EventGroup},
		{"start", record.Moment, WhenGroup},
		{"end", record.Moment, WhenGroup},
		{"isAllDay", record.Bool, WhenGroup},
		{"timeZone", record.Zone, WhenGroup},
		{"endTimeZone", record.Zone, WhenGroup},
		{"recurrence", record.Recurrence, WhenGroup},
		{"exdates", record.ExDates, WhenGroup},
		{"exceptions", record.Exceptions, WhenGroup},
		{"reminder", record.Minutes, ShownGroup},
		{"showAs", record.Picklist, ShownGroup},
		{"sensitivity", record.Picklist, ShownGroup},
		{"importance", record.Picklist, ShownGroup},
	},
}

// filedUnder is the field of a contact that Exchange fills by itself, and anew when the name changes, while nobody says it.
const filedUnder record.Field = "fileAs"

// Derived is the CRM field, if there is one, that is mapped to what Exchange makes of other fields by itself.
func (t *Table) Derived() (record.Field, bool) {
	for _, row := range t.Rows {
		if t.Kind == record.Contacts && row.Microsoft == filedUnder {
			return row.CRM, true
		}
	}
	return "", false
}

// MicrosoftFields lists the fields that Graph offers of a kind, those of a group together. The list is not to be changed.
func MicrosoftFields(kind record.Kind) []MicrosoftField { return microsoft[kind] }

func microsoftType(kind record.Kind, field record.Field) (record.Type, bool) {
	for _, f := range microsoft[kind] {
		if f.Name == field {
			return f.Type, true
		}
	}
	return 0, false
}

// Meets reports whether a field of Microsoft's may be mapped to a CRM field: their types fit, and the family name, which the CRM
// demands, is in no address, where Exchange keeps nothing that isn't one.
func Meets(microsoft record.Type, crm record.Def) bool {
	return Fits(microsoft, crm.Type) && !(crm.Name == record.LastName && microsoft == record.Email)
}

// Fits says which types may be mapped to each other (S26): like to like, anything that is a line of text to text, and what
// can be told in a line of text from text.
func Fits(microsoft, crm record.Type) bool {
	line := func(t record.Type) bool {
		return t == record.Text || t == record.Email || t == record.Phone || t == record.URL || t == record.Lookup || t == record.LongText
	}
	switch {
	case microsoft == crm:
		return true
	case crm == record.Picklist:
		return microsoft == record.Text
	case crm == record.Text || crm == record.Lookup:
		return line(microsoft) && microsoft != record.LongText
	case crm == record.LongText:
		return line(microsoft)
	case crm == record.Number || crm == record.Bool: // as text: see values.go
		return microsoft == record.Text
	}
	return false
}
