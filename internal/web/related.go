package web

import (
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
