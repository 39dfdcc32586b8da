package record

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// An Attendance is what Microsoft says of the people who are invited to an event. Its text is JSON, as Value writes it; ""
// is an event to which nobody is invited.
type Attendance struct {
	// Organizer is whose meeting it is, if it is not the calendar owner's own: "Adele Vance <adele@contoso.example>", or the
	// address alone.
	Organizer string     `json:"organizer,omitempty"`
	Response  string     `json:"response,omitempty"` // the owner's own answer to somebody else's meeting, in Graph's words
	People    []Attendee `json:"people,omitempty"`   // without the organizer
}

// An Attendee is one person, or room, that is invited.
type Attendee struct {
	Name     string `json:"name,omitempty"`
	Address  string `json:"address"`
	Type     string `json:"type,omitempty"`     // optional or resource; "" is required
	Response string `json:"response,omitempty"` // accepted, tentativelyAccepted or declined; "" is no answer yet
}

// Value is the canonical text.
func (a Attendance) Value() Value {
	if a.Organizer == "" && len(a.People) == 0 {
		return ""
	}
	text, _ := json.Marshal(a) // strings
	return Value(text)
}

// AttendanceOf reads Value; what cannot be read is nobody.
func AttendanceOf(v Value) (a Attendance) {
	if v != "" {
		_ = json.Unmarshal([]byte(v), &a)
	}
	return a
}

// Mailed are those whom Exchange writes to when the event is changed or deleted, in order: nobody, if it is somebody else's.
func (a Attendance) Mailed() []string {
	if a.Organizer != "" {
		return nil
	}
	var out []string
	for _, p := range a.People {
		out = append(out, p.Address)
	}
	return Addresses(out)
}

// OfAttendee are the fields that are an attendee's own in somebody else's meeting; everything else in it is the organizer's.
var OfAttendee = []Field{RemindAt, ShowAs, Sensitivity, Importance, Tag, FurtherReminders}

// Addresses are e-mail addresses in small letters, each once and in order.
func Addresses(all []string) []string {
	out := make([]string, 0, len(all))
	for _, a := range all {
		if a = strings.ToLower(strings.TrimSpace(a)); a != "" {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// An Agreement is a person's word that what they have just done to a record may be mailed. It holds for that very change: the
// record's next change by anybody takes it back, and it is used up by the first write that mails.
type Agreement struct {
	ID      string    `json:"id"`
	People  []string  `json:"people"` // whom the person was shown, as Addresses gives them: nobody else may be mailed
	Removes bool      `json:"removes,omitempty"`
	At      time.Time `json:"at"`
}

// AgreementLife is how long an agreement holds. What could not be sent by then is asked about again.
const AgreementLife = 3 * 24 * time.Hour

// Covers reports whether the agreement is to a write that mails these people; removes: a deletion.
func (a *Agreement) Covers(people []string, removes bool, now time.Time) bool {
	if a == nil || a.ID == "" || a.Removes != removes || now.After(a.At.Add(AgreementLife)) {
		return false
	}
	return !slices.ContainsFunc(Addresses(people), func(one string) bool { return !slices.Contains(a.People, one) })
}

// invitedLine begins participants, as sync takes them along, that are to be invited; without it they stand in the text.
const invitedLine = "✉"

// Invited gives participants, a line a person, as people who are invited.
func Invited(lines Value) Value {
	if lines == "" {
		return ""
	}
	return invitedLine + "\n" + lines
}

// Lines are participants a line a person, and whether they are invited.
func Lines(participants Value) (lines Value, invited bool) {
	if rest, ok := strings.CutPrefix(string(participants), invitedLine+"\n"); ok {
		return Value(rest), true
	}
	return participants, false
}

// AddressOf is the e-mail address in a participant's line; "": there is none.
func AddressOf(line string) string {
	address := strings.TrimSpace(line)
	if from, to := strings.LastIndexByte(address, '<'), strings.LastIndexByte(address, '>'); from >= 0 && to > from {
		address = strings.TrimSpace(address[from+1 : to])
	}
	if at := strings.IndexByte(address, '@'); at <= 0 || at == len(address)-1 || strings.ContainsAny(address, " \t<>,;") {
		return ""
	}
	return address
}

// AddressesIn are the addresses of participants, a line a person.
func AddressesIn(lines Value) []string {
	var out []string
	for line := range strings.SplitSeq(string(lines), "\n") {
		out = append(out, AddressOf(line))
	}
	return Addresses(out)
}
