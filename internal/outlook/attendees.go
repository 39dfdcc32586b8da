package outlook

import (
	"encoding/json"
	"slices"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// Attendees are told to the CRM as they are at Microsoft. Written they are only where a person has agreed to the mails that
// this brings: then the participants of an event who have an address are attendees instead of lines in its text, and an
// extended property of ours remembers the lines, and which agreement was used up by the write that carried it (guard.go).

// peopleMark is the property; see space.
const peopleMark = "String " + space + " Name TandemPeople"

// invitation is what peopleMark holds.
type invitation struct {
	Lines  string `json:"lines,omitempty"`  // the participants who are invited, a line a person; "": they stand in the text
	Agreed string `json:"agreed,omitempty"` // the agreement that was used last
}

func invitationOf(e *graph.Event) (in invitation) {
	if e == nil {
		return in
	}
	if text := markOf(e.Extended, peopleMark); text != "" {
		_ = json.Unmarshal([]byte(text), &in) // what is not ours says nothing
	}
	return in
}

func (in invitation) property() graph.Object {
	text, _ := json.Marshal(in) // strings
	return property(peopleMark, string(text))
}

// remembered is what the property is to hold after a write; needed: it is something else than before.
func remembered(before *graph.Event, w *record.Write) (in invitation, needed bool) {
	was := invitationOf(before)
	in = was
	if v, said := w.Fields["participants"]; said {
		in.Lines = ""
		if lines, invited := record.Lines(v); invited {
			in.Lines = string(lines)
		}
	}
	needed = in.Lines != was.Lines
	if w.Agreed != nil {
		in.Agreed = w.Agreed.ID
	}
	return in, needed
}

// attendance tells who is invited.
func attendance(e *graph.Event) record.Value {
	var a record.Attendance
	if !organized(e) {
		if a.Organizer = "?"; e.Organizer != nil {
			a.Organizer = lineOf(e.Organizer.EmailAddress)
		}
		a.Response = answered(e.ResponseStatus)
	}
	for _, one := range e.Attendees {
		if e.Organizer != nil && strings.EqualFold(one.EmailAddress.Address, e.Organizer.EmailAddress.Address) {
			continue
		}
		p := record.Attendee{Name: oneLine(one.EmailAddress.Name), Address: oneLine(one.EmailAddress.Address), Response: answered(one.Status)}
		if one.Type == "optional" || one.Type == "resource" {
			p.Type = one.Type
		}
		if strings.EqualFold(p.Name, p.Address) {
			p.Name = ""
		}
		a.People = append(a.People, p)
	}
	return a.Value()
}

// answered is an answer in Graph's words; "": there is none yet.
func answered(r graph.Response) string {
	switch r.Response {
	case "accepted", "tentativelyAccepted", "declined":
		return r.Response
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(tidy(record.Value(s))), " ") }

func lineOf(a graph.EmailAddress) string {
	name, address := oneLine(a.Name), oneLine(a.Address)
	if name == "" || strings.EqualFold(name, address) {
		return address
	}
	return name + " <" + address + ">"
}

// organized reports whether an event is the mailbox owner's own: all are but the copies of other people's meetings.
func organized(e *graph.Event) bool {
	if e.IsOrganizer == nil || *e.IsOrganizer {
		return true
	}
	r := e.ResponseStatus.Response
	return len(e.Attendees) == 0 && (r == "" || r == "none" || r == "organizer")
}

// attendeesWith are the attendees that an event is to have when its participants become others: those that people added in Outlook
// stay, those who took part by our word and no longer do are out, and who is in stays with their answer.
func attendeesWith(before *graph.Event, lines record.Value) (all []graph.Attendee, differs bool) {
	want := record.AddressesIn(lines)
	had := record.AddressesIn(record.Value(invitationOf(before).Lines))
	var have []string
	if before != nil {
		for _, a := range before.Attendees {
			address := strings.ToLower(a.EmailAddress.Address)
			if slices.Contains(had, address) && !slices.Contains(want, address) {
				differs = true
				continue
			}
			all, have = append(all, a), append(have, address)
		}
	}
	for line := range strings.SplitSeq(string(lines), "\n") {
		address := record.AddressOf(line)
		if address == "" || slices.Contains(have, strings.ToLower(address)) {
			continue
		}
		name, _, _ := strings.Cut(line, "<")
		if name = oneLine(name); strings.EqualFold(name, address) {
			name = ""
		}
		all, have = append(all, graph.Attendee{Type: "required", EmailAddress: graph.EmailAddress{Name: name, Address: address}}), append(have, strings.ToLower(address))
		differs = true
	}
	return all, differs
}

// invite writes participants who are to be invited; lines without an address stay in the text, and are given back for that.
func invite(o *graph.Object, before *graph.Event, lines record.Value) (rest record.Value) {
	if all, differs := attendeesWith(before, lines); differs {
		list := make([]graph.Object, len(all))
		for i, a := range all {
			var address graph.Object
			if a.EmailAddress.Name != "" {
				address.String("name", a.EmailAddress.Name)
			}
			address.String("address", a.EmailAddress.Address)
			list[i].String("type", a.Type)
			if a.Status.Response != "" && a.Status.Time != "" { // an answer is not to be lost by naming its giver again
				var status graph.Object
				status.String("response", a.Status.Response)
				status.String("time", a.Status.Time)
				list[i].Object("status", status)
			}
			list[i].Object("emailAddress", address)
		}
		o.Objects("attendees", list)
	}
	var without []string
	for line := range strings.SplitSeq(string(lines), "\n") {
		if record.AddressOf(line) == "" {
			without = append(without, line)
		}
	}
	return record.Value(strings.Join(without, "\n"))
}

// ofAttendee refuses what only the organizer of a meeting may change.
func ofAttendee(before *graph.Event, fields record.Fields) error {
	if organized(before) {
		return nil
	}
	own := []record.Field{"reminder", "showAs", "sensitivity", "importance", "categories"}
	now := eventFields(before)
	for name, v := range fields {
		if !slices.Contains(own, name) && v != now[name] {
			return fault.Wrong(fault.NotOrganizer, string(name), "outlook: only the organizer changes %s of a meeting", name)
		}
	}
	return nil
}
