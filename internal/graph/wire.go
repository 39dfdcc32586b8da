package graph

import "time"

// The types here are what Graph sends, in its own spelling; of every resource only what somebody reads. A member that
// Graph leaves out or sends as null has its zero value. What is sent to Graph is made of Objects instead, which tell
// "leave it" from "clear it".

// Item is what contacts and events have in common.
type Item struct {
	ID        string             `json:"id"`
	ETag      string             `json:"@odata.etag"`
	ChangeKey string             `json:"changeKey"`
	Created   time.Time          `json:"createdDateTime"`
	Modified  time.Time          `json:"lastModifiedDateTime"`
	Extended  []ExtendedProperty `json:"singleValueExtendedProperties"`
	Removed   *Removed           `json:"@removed"` // in a delta: no longer there
}

// Version is the item's etag, as If-Match wants it.
func (i *Item) Version() string {
	if i.ETag == "" && i.ChangeKey != "" {
		return `W/"` + i.ChangeKey + `"`
	}
	return i.ETag
}

// ExtendedProperty is a single-valued MAPI property.
type ExtendedProperty struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// Removed marks a tombstone in a delta.
type Removed struct {
	Reason string `json:"reason"`
}

// Contact is a contact resource.
type Contact struct {
	Item
	ParentFolderID   string         `json:"parentFolderId"`
	DisplayName      string         `json:"displayName"`
	Title            string         `json:"title"`
	GivenName        string         `json:"givenName"`
	MiddleName       string         `json:"middleName"`
	Surname          string         `json:"surname"`
	NickName         string         `json:"nickName"`
	Generation       string         `json:"generation"`
	Initials         string         `json:"initials"`
	FileAs           string         `json:"fileAs"`
	YomiGivenName    string         `json:"yomiGivenName"`
	YomiSurname      string         `json:"yomiSurname"`
	YomiCompanyName  string         `json:"yomiCompanyName"`
	CompanyName      string         `json:"companyName"`
	Department       string         `json:"department"`
	JobTitle         string         `json:"jobTitle"`
	Profession       string         `json:"profession"`
	OfficeLocation   string         `json:"officeLocation"`
	Manager          string         `json:"manager"`
	AssistantName    string         `json:"assistantName"`
	SpouseName       string         `json:"spouseName"`
	Children         []string       `json:"children"`
	EmailAddresses   []EmailAddress `json:"emailAddresses"`
	BusinessPhones   []string       `json:"businessPhones"`
	HomePhones       []string       `json:"homePhones"`
	MobilePhone      string         `json:"mobilePhone"`
	IMAddresses      []string       `json:"imAddresses"`
	BusinessHomePage string         `json:"businessHomePage"`
	BusinessAddress  Address        `json:"businessAddress"`
	HomeAddress      Address        `json:"homeAddress"`
	OtherAddress     Address        `json:"otherAddress"`
	Birthday         string         `json:"birthday"`
	PersonalNotes    string         `json:"personalNotes"`
	Categories       []string       `json:"categories"`
}

// EmailAddress is an address with the name shown for it.
type EmailAddress struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// Address is a postal address.
type Address struct {
	Street          string `json:"street"`
	City            string `json:"city"`
	State           string `json:"state"`
	PostalCode      string `json:"postalCode"`
	CountryOrRegion string `json:"countryOrRegion"`
}

// Event is an event resource.
type Event struct {
	Item
	Type                  string      `json:"type"` // singleInstance, occurrence, exception, seriesMaster
	Subject               string      `json:"subject"`
	Body                  Body        `json:"body"`
	Start                 *DateTime   `json:"start"`
	End                   *DateTime   `json:"end"`
	IsAllDay              bool        `json:"isAllDay"`
	OriginalStartTimeZone string      `json:"originalStartTimeZone"`
	OriginalEndTimeZone   string      `json:"originalEndTimeZone"`
	OriginalStart         string      `json:"originalStart"`
	Recurrence            *Recurrence `json:"recurrence"`
	CancelledOccurrences  []string    `json:"cancelledOccurrences"` // only if asked for by $select on a single master
	ExceptionOccurrences  []Event     `json:"exceptionOccurrences"` // only if asked for by $expand
	MoreExceptions        string      `json:"exceptionOccurrences@odata.nextLink"`
	Location              Location    `json:"location"`
	IsReminderOn          bool        `json:"isReminderOn"`
	ReminderMinutes       int         `json:"reminderMinutesBeforeStart"`
	Categories            []string    `json:"categories"`
	ShowAs                string      `json:"showAs"`
	Sensitivity           string      `json:"sensitivity"`
	Importance            string      `json:"importance"`
	Attendees             []Attendee  `json:"attendees"`
	Organizer             *Recipient  `json:"organizer"`
	IsOrganizer           *bool       `json:"isOrganizer"`
	IsOnlineMeeting       bool        `json:"isOnlineMeeting"`
	TransactionID         string      `json:"transactionId"`
	ICalUID               string      `json:"iCalUId"`
	ResponseStatus        Response    `json:"responseStatus"`
}

// Body is the text of an event; ContentType is text or html.
type Body struct {
	ContentType string `json:"contentType"`
	Content     string `json:"content"`
}

// DateTime is a wall time without an offset, and the zone that it is told in.
type DateTime struct {
	DateTime string `json:"dateTime"`
	TimeZone string `json:"timeZone"`
}

// Location is where an event takes place.
type Location struct {
	DisplayName string `json:"displayName"`
}

// Attendee is a person, or a room, invited to an event.
type Attendee struct {
	Type         string       `json:"type"` // required, optional, resource
	Status       Response     `json:"status"`
	EmailAddress EmailAddress `json:"emailAddress"`
}

// Response is somebody's answer to an invitation: none, organizer, tentativelyAccepted, accepted, declined or notResponded.
type Response struct {
	Response string `json:"response"`
	Time     string `json:"time"`
}

// Recipient is somebody with an address.
type Recipient struct {
	EmailAddress EmailAddress `json:"emailAddress"`
}

// Recurrence is a patternedRecurrence.
type Recurrence struct {
	Pattern RecurrencePattern `json:"pattern"`
	Range   RecurrenceRange   `json:"range"`
}

// RecurrencePattern says on which days an event repeats. Members that Type does not use carry no meaning.
type RecurrencePattern struct {
	Type           string   `json:"type"`
	Interval       int      `json:"interval"`
	Month          int      `json:"month"`
	DayOfMonth     int      `json:"dayOfMonth"`
	DaysOfWeek     []string `json:"daysOfWeek"`
	FirstDayOfWeek string   `json:"firstDayOfWeek"`
	Index          string   `json:"index"`
}

// RecurrenceRange says from when to when an event repeats.
type RecurrenceRange struct {
	Type                string `json:"type"`
	StartDate           string `json:"startDate"`
	EndDate             string `json:"endDate"`
	RecurrenceTimeZone  string `json:"recurrenceTimeZone"`
	NumberOfOccurrences int    `json:"numberOfOccurrences"`
}

// Folder is a calendar or a contact folder.
type Folder struct {
	ID             string             `json:"id"`
	Name           string             `json:"name"`        // of a calendar
	DisplayName    string             `json:"displayName"` // of a contact folder
	ParentFolderID string             `json:"parentFolderId"`
	IsDefault      bool               `json:"isDefaultCalendar"`
	CanEdit        bool               `json:"canEdit"`
	Owner          EmailAddress       `json:"owner"` // of a calendar, also of one that somebody else shares
	Extended       []ExtendedProperty `json:"singleValueExtendedProperties"`
}

// Subscription is a subscription to change notifications.
type Subscription struct {
	ID                 string    `json:"id"`
	Resource           string    `json:"resource"`
	ExpirationDateTime time.Time `json:"expirationDateTime"`
}

// User is a person of the directory.
type User struct {
	ID                string `json:"id"`
	DisplayName       string `json:"displayName"`
	GivenName         string `json:"givenName"`
	Surname           string `json:"surname"`
	Mail              string `json:"mail"`
	UserPrincipalName string `json:"userPrincipalName"`
	JobTitle          string `json:"jobTitle"`
	PreferredLanguage string `json:"preferredLanguage"`
	AccountEnabled    *bool  `json:"accountEnabled"`
	UserType          string `json:"userType"`
}

// MailboxSettings are a person's own settings.
type MailboxSettings struct {
	TimeZone string `json:"timeZone"`
}

// Organization is an Entra tenant.
type Organization struct {
	ID                string `json:"id"`
	DisplayName       string `json:"displayName"`
	PreferredLanguage string `json:"preferredLanguage"`
}

// DirectoryRole is an active role of the directory.
type DirectoryRole struct {
	RoleTemplateID string `json:"roleTemplateId"`
	DisplayName    string `json:"displayName"`
}
