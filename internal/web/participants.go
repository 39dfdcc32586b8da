package web

import (
	"net/url"
	"slices"
	"strings"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// peopleForm is who takes part in an event, as a form shows it: those who do, each to be left out, and a place to name more.
type peopleForm struct {
	Rows    []participantRow
	New     string // typed, and not understood yet
	Error   string
	Reading bool
	Invites bool // they may be invited in Outlook
}

type participantRow struct {
	Value  string // what the form sends to keep it
	Name   string
	Detail string
	Path   string
	// Calendar says of a colleague how the sync of their calendar stands: on, stopped or none; "": it is no colleague.
	Calendar string
}

// names are those who take part, in a line.
func (f peopleForm) names() string {
	var names []string
	for _, r := range f.Rows {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// keyOf names a participant in a form.
func keyOf(p crm.Participant) string {
	if p.Type == crm.EmailTakesPart {
		return p.Type + ":" + p.Email + ":" + p.Name
	}
	return p.Type + ":" + p.ID.String()
}

// readParticipant reads keyOf.
func readParticipant(key string) (p crm.Participant, ok bool) {
	kind, rest, _ := strings.Cut(key, ":")
	p.Type = kind
	if kind == crm.EmailTakesPart {
		p.Email, p.Name, _ = strings.Cut(rest, ":")
		return p, p.Email != ""
	}
	p.ID, ok = record.ParseID(rest)
	return p, ok && (kind == crm.ContactTakesPart || kind == crm.UserTakesPart)
}

// peopleInput is what a form says of participants. Said is false where the form has no place for them.
type peopleInput struct {
	Said  bool
	Value record.Value
	New   string
	Error string
}

// readPeople reads who is to take part: those who are kept, and names and addresses of more, which it looks up among users and
// contacts. An address that nobody has takes part as it is; a name that nobody has, or several have, is asked about.
func (s *Site) readPeople(v *visit, form url.Values) (in peopleInput, err error) {
	if in.Said = form.Has("participants"); !in.Said {
		return in, nil
	}
	var people []crm.Participant
	for _, key := range form["participant"] {
		if p, ok := readParticipant(key); ok {
			people = append(people, p)
		}
	}
	in.New = strings.TrimSpace(strings.ReplaceAll(form.Get("participants_new"), "\r\n", "\n"))
	var users []account.User
	var unclear []string
	for _, said := range strings.FieldsFunc(in.New, func(r rune) bool { return r == '\n' || r == ',' || r == ';' }) {
		if said = strings.Join(strings.Fields(said), " "); said == "" {
			continue
		}
		if users == nil {
			if users, err = s.Accounts.Users(v.ctx(), v.user.Org); err != nil {
				return in, err
			}
		}
		p, why, err := s.whoIs(v, said, users)
		if err != nil {
			return in, err
		}
		if why != "" {
			unclear, in.Error = append(unclear, said), joinNonEmpty(" ", in.Error, why)
			continue
		}
		people = append(people, p)
	}
	in.New, in.Value = strings.Join(unclear, "\n"), crm.PeopleValue(people)
	return in, nil
}

// whoIs finds the user or contact that somebody means by a name or an address; why says what is unclear.
func (s *Site) whoIs(v *visit, said string, users []account.User) (p crm.Participant, why string, err error) {
	name, address := said, said
	if before, after, ok := strings.Cut(said, "<"); ok {
		name, address = strings.TrimSpace(before), strings.Trim(after, "<> ")
	}
	mail := strings.Contains(address, "@")
	for _, u := range users {
		if u.State == account.Active && (mail && strings.EqualFold(u.Email, address) || !mail && strings.EqualFold(u.Name(), name)) {
			return crm.Participant{Type: crm.UserTakesPart, ID: u.ID}, "", nil
		}
	}
	var found []crm.Record
	if v.sees(record.Contacts) {
		search := name
		if mail {
			search = address
		}
		if found, err = s.Records.List(v.ctx(), v.actor(), record.Contacts, crm.Query{Search: search, Limit: 50}); err != nil {
			return p, "", err
		}
	}
	alike := slices.DeleteFunc(slices.Clone(found), func(r crm.Record) bool {
		if mail {
			return !strings.EqualFold(string(r.Fields[record.EmailField]), address) && !strings.EqualFold(string(r.Fields[record.SecondaryEmail]), address)
		}
		return !strings.EqualFold(contactName(v.words, r), name)
	})
	switch {
	case len(alike) == 1:
		return crm.Participant{Type: crm.ContactTakesPart, ID: alike[0].ID}, "", nil
	case mail:
		if name == said {
			name = ""
		}
		return crm.Participant{Type: crm.EmailTakesPart, Email: address, Name: name}, "", nil
	case len(alike) > 1:
		return p, v.words.T("people.several", "Name", said), nil
	case len(found) == 1:
		return crm.Participant{Type: crm.ContactTakesPart, ID: found[0].ID}, "", nil
	case len(found) > 1:
		return p, v.words.T("people.several", "Name", said), nil
	}
	return p, v.words.T("people.nobody", "Name", said), nil
}

// peopleForm shows who takes part. Of a contact that the reader does not see there is no name.
func (s *Site) peopleForm(v *visit, in peopleInput, users []account.User, errs fieldErrors) (peopleForm, error) {
	out := peopleForm{New: in.New, Error: errs[string(record.Participants)]}
	people := crm.Participants(in.Value)
	var ids, colleagues []record.ID
	for _, p := range people {
		switch p.Type {
		case crm.ContactTakesPart:
			ids = append(ids, p.ID)
		case crm.UserTakesPart:
			colleagues = append(colleagues, p.ID)
		}
	}
	var calendars map[record.ID]reconcile.LinkState
	if len(colleagues) > 0 {
		var err error
		if calendars, err = s.Links.CalendarsOf(v.ctx(), v.user.Org, colleagues...); err != nil {
			return out, err
		}
	}
	contacts := map[record.ID]crm.Record{}
	if len(ids) > 0 && v.sees(record.Contacts) {
		var err error
		if contacts, err = s.Records.ByID(v.ctx(), v.actor(), record.Contacts, ids...); err != nil {
			return out, err
		}
	}
	for _, p := range people {
		row := participantRow{Value: keyOf(p), Name: p.Name, Detail: p.Email}
		switch p.Type {
		case crm.ContactTakesPart:
			row.Name = v.words.T("people.hidden")
			if r, ok := contacts[p.ID]; ok {
				row.Name, row.Detail, row.Path = contactName(v.words, r), string(r.Fields[record.EmailField]), "/contacts/"+p.ID.String()
			}
		case crm.UserTakesPart:
			row.Name, row.Calendar = ownerName(users, p.ID), calendarWord(calendars[p.ID])
			for _, u := range users {
				if u.ID == p.ID {
					row.Detail = u.Email
				}
			}
		}
		if row.Name == "" {
			row.Name, row.Detail = row.Detail, ""
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// calendarWords are what may be said of a colleague's calendar: people.calendar.<word>.
var calendarWords = []string{"on", "stopped", "none"}

func calendarWord(state reconcile.LinkState) string {
	switch state {
	case reconcile.On, reconcile.Held:
		return "on"
	case reconcile.Paused:
		return "stopped"
	}
	return "none"
}
