package web

import (
	"slices"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// relatedTo is the contact that an event is about.
type relatedTo struct{ ID, Name string }

// relatedTo finds the contact with an id; nil: there is none for the reader.
func (s *Site) relatedTo(v *visit, id string) (*relatedTo, error) {
	who, ok := record.ParseID(id)
	if !ok || !v.sees(record.Contacts) {
		return nil, nil
	}
	r, err := s.Records.Get(v.ctx(), v.actor(), record.Contacts, who)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &relatedTo{r.ID.String(), contactName(v.words, r)}, nil
}

// whoPick is the part of an event's form that says which contact it is about.
type whoPick struct {
	Now     *relatedTo
	Find    string
	Found   []foundRow // what was looked for, without script
	Nothing bool       // it was, and there is nothing
	Choose  bool       // it may be chosen
}

// whosMost is how many contacts are offered at once.
const whosMost = 8

// whoPick fills the part for what a form says.
func (s *Site) whoPick(v *visit, in eventInput, choose bool) (p whoPick, err error) {
	if p.Now, err = s.relatedTo(v, in.Who); err != nil {
		return p, err
	}
	p.Choose = choose && v.sees(record.Contacts)
	if !p.Choose || !in.WhoLook || in.WhoFind == "" {
		return p, nil
	}
	p.Find = in.WhoFind
	p.Found, err = s.findContacts(v, in.WhoFind)
	p.Nothing = len(p.Found) == 0
	if p.Now != nil {
		p.Found = slices.DeleteFunc(p.Found, func(f foundRow) bool { return f.ID == p.Now.ID })
	}
	return p, err
}

// findContacts are the first contacts that words find.
func (s *Site) findContacts(v *visit, words string) (out []foundRow, err error) {
	found, err := s.Records.List(v.ctx(), v.actor(), record.Contacts, crm.Query{Search: words, Sort: crm.ByName, Limit: whosMost})
	for _, r := range found {
		out = append(out, foundRow{ID: r.ID.String(), Name: contactName(v.words, r), Detail: v.detail(r), Path: "/contacts/" + r.ID.String()})
	}
	return out, err
}

// whoOptions answers the form's script: contacts to choose from, as the options of a listbox.
type whoOptions struct {
	Rows []foundRow
	Said string // how many there are
}

func (s *Site) contactPick(v *visit) error {
	if err := v.needs(record.Contacts, viewing); err != nil {
		return err
	}
	var page whoOptions
	if q := strings.TrimSpace(v.r.URL.Query().Get("q")); q != "" {
		var err error
		if page.Rows, err = s.findContacts(v, q); err != nil {
			return err
		}
		if page.Said = v.words.T("who.found", "Count", len(page.Rows)); len(page.Rows) == 0 {
			page.Said = v.words.T("who.none")
		}
	}
	return s.part(v, "event", "who-options", page)
}

// A meetingLine is an event on the page of the contact that it is about.
type meetingLine struct{ Name, Path, When string }

// meetingsShown is how many events the page of a contact lists: the latest ones, and those to come.
const meetingsShown = 10

// meetingsAbout lists the events about a contact that the reader sees, the last one first.
func (s *Site) meetingsAbout(v *visit, contact record.ID) ([]meetingLine, error) {
	if !v.sees(record.Calendar) {
		return nil, nil
	}
	found, err := s.Records.List(v.ctx(), v.actor(), record.Calendar, crm.Query{Who: contact, Sort: crm.ByStart, Descending: true, Limit: meetingsShown})
	if err != nil {
		return nil, err
	}
	var out []meetingLine
	for _, r := range found {
		line := meetingLine{Name: eventName(v.words, r), Path: "/calendar/" + r.ID.String()}
		if o, ok := first(r, v.zone); ok {
			line.When = v.whenWords(o)
		}
		out = append(out, line)
	}
	return out, nil
}
