package importfile

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-ical"

	"tandem/internal/record"
)

// A Guest is somebody who takes part in an event, as the API takes it: a name and an address, whoever that is in the CRM. Nobody is
// invited by being one.
type Guest struct {
	Type  string `json:"type"` // email
	Email string `json:"Email"`
	Name  string `json:"name,omitempty"`
}

// What an event has room for.
const (
	maxGuests    = 50
	maxGuestName = 1000
	maxAddress   = 320
)

// plainAddress is an address that the CRM and Exchange take beyond doubt; others stay readable in the description.
var plainAddress = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z]{2,}$")

// guests takes the people of a property into the event: ATTENDEE, or CONTACT in one of our own files. Of whom there is no address, or no
// room for, the description tells; but for our own files, where that is a contact whom the person of the export did not see.
func (e *event) guests(name string) {
	var rest []string
	for _, p := range e.component.Props[name] {
		who := person(p)
		if name == ical.PropContact {
			who = textOf(p)
		}
		if strings.TrimSpace(p.Value) == "" {
			e.note(name, p.Value, "", Empty)
			continue
		}
		field, reason := string(record.Participants), Reason("")
		if !e.guest(who) {
			if field, reason = "Description", InDescription; name == ical.PropContact {
				field, reason = "", NoField
			} else {
				rest = append(rest, who)
			}
		}
		e.note(name, p.Value, field, reason)
	}
	if len(rest) > 0 { // as sync's own block of participants: readable, and nobody is invited
		e.details.add("Participants", strings.Join(rest, "; "))
	}
}

// guest takes "Ana Souza <ana@fabrica.example>" into the event; false: it stays where it is.
func (e *event) guest(who string) bool {
	g := Guest{Type: "email", Email: strings.TrimSpace(who)}
	if at := strings.LastIndexByte(who, '<'); at >= 0 && strings.HasSuffix(strings.TrimSpace(who), ">") {
		g.Name = strings.Join(strings.Fields(who[:at]), " ")
		g.Email = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(who[at+1:]), ">"))
	}
	all, _ := e.plan.Fields[string(record.Participants)].([]Guest)
	switch {
	case len(g.Email) > maxAddress, utf8.RuneCountInString(g.Name) > maxGuestName, !plainAddress.MatchString(g.Email):
		return false
	case slices.ContainsFunc(all, func(o Guest) bool { return strings.EqualFold(o.Email, g.Email) }):
		return true
	case len(all) == maxGuests:
		return false
	}
	e.plan.Fields[string(record.Participants)] = append(all, g)
	return true
}

// guestsValue are guests in the CRM's own text.
func guestsValue(guests []Guest) record.Value {
	type participant struct {
		Type  string `json:"type"`
		Email string `json:"email"`
		Name  string `json:"name,omitempty"`
	}
	list := make([]participant, len(guests))
	for i, g := range guests {
		list[i] = participant(g)
	}
	text, _ := json.Marshal(list) // strings
	return record.Value(text)
}
