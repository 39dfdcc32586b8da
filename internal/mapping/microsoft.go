package mapping

import "tandem/internal/record"

// microsoft is the table of the fields that Graph offers (contact and event resources), named by their property paths,
// list members by position. Lists hold as many as Exchange takes: 3 addresses, 2 phones of each kind.
var microsoft = map[record.Kind]map[record.Field]record.Type{
	record.Contacts: {
		"title": record.Text, "givenName": record.Text, "middleName": record.Text, "surname": record.Text,
		"nickName": record.Text, "generation": record.Text, "initials": record.Text,
		"companyName": record.Text, "department": record.Text, "jobTitle": record.Text, "profession": record.Text,
		"officeLocation": record.Text, "manager": record.Text, "assistantName": record.Text, "spouseName": record.Text,
		"emailAddresses[0]": record.Email, "emailAddresses[1]": record.Email, "emailAddresses[2]": record.Email,
		"businessPhones[0]": record.Phone, "businessPhones[1]": record.Phone,
		"homePhones[0]": record.Phone, "homePhones[1]": record.Phone, "mobilePhone": record.Phone,
		"imAddresses[0]": record.Text, "businessHomePage": record.URL,
		"businessAddress.street": record.LongText, "businessAddress.city": record.Text, "businessAddress.state": record.Text,
		"businessAddress.postalCode": record.Text, "businessAddress.countryOrRegion": record.Text,
		"homeAddress.street": record.LongText, "homeAddress.city": record.Text, "homeAddress.state": record.Text,
		"homeAddress.postalCode": record.Text, "homeAddress.countryOrRegion": record.Text,
		"otherAddress.street": record.LongText, "otherAddress.city": record.Text, "otherAddress.state": record.Text,
		"otherAddress.postalCode": record.Text, "otherAddress.countryOrRegion": record.Text,
		"birthday": record.Date, "personalNotes": record.LongText, "categories": record.Tags,
	},
	record.Calendar: {
		"subject": record.Text, "body": record.LongText, "start": record.Moment, "end": record.Moment,
		"isAllDay": record.Bool, "timeZone": record.Zone, "recurrence": record.Recurrence, "exdates": record.ExDates,
		"location": record.Text, "reminder": record.Minutes, "categories": record.Tags,
		"showAs": record.Picklist, "sensitivity": record.Picklist, "importance": record.Picklist,
	},
}

func microsoftType(kind record.Kind, field record.Field) (record.Type, bool) {
	t, ok := microsoft[kind][field]
	return t, ok
}

// meets says which types may be mapped to each other: like to like, and anything that is a line of text to text.
func meets(theirs, ours record.Type) bool {
	line := func(t record.Type) bool {
		return t == record.Text || t == record.Email || t == record.Phone || t == record.URL || t == record.Lookup || t == record.LongText
	}
	switch {
	case theirs == ours:
		return true
	case ours == record.Picklist:
		return theirs == record.Text
	case ours == record.Text || ours == record.Lookup:
		return line(theirs) && theirs != record.LongText
	case ours == record.LongText:
		return line(theirs)
	}
	return false
}
