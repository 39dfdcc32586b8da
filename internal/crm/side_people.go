package crm

import (
	"context"
	"slices"
	"strings"

	"tandem/internal/record"
)

// Person is a user as others read of one.
type Person struct{ Name, Email string }

// KnowUsers gives the CRM the users of an organization, by whose names sync tells who takes part in an event. It is called
// once, before the CRM is used; without it users who take part are not told.
func (c *CRM) KnowUsers(users func(ctx context.Context, org record.ID) (map[record.ID]Person, error)) {
	c.users = users
}

// tellPeople tells who takes part in events, a line a person: name and address, as sync takes them along. Whoever is no
// longer there is left out. records are those that the changes tell of, in the same order.
func (s *Side) tellPeople(ctx context.Context, records []Record, changes []record.Change) error {
	if s.link.Kind != record.Calendar {
		return nil
	}
	var contacts []record.ID
	users := false
	of := make([][]Participant, len(records))
	for i, r := range records {
		if changes[i].Fields == nil {
			continue
		}
		changes[i].Fields[record.Participants] = ""
		of[i] = Participants(r.Fields[record.Participants])
		if r.Invited(s.link.Link) {
			of[i] = guests(of[i], r.Owner)
		}
		for _, p := range of[i] {
			switch p.Type {
			case ContactTakesPart:
				contacts = append(contacts, p.ID)
			case UserTakesPart:
				users = true
			}
		}
	}
	known, err := s.crm.people(ctx, s.link.Org, contacts, users)
	if err != nil {
		return err
	}
	for i, people := range of {
		if len(people) > 0 {
			lines := linesOf(people, known)
			if records[i].Invited(s.link.Link) {
				lines = record.Invited(lines)
			}
			changes[i].Fields[record.Participants] = lines
		}
	}
	return nil
}

// people finds the contacts, and all users if asked for, by what participants are: see who.
func (c *CRM) people(ctx context.Context, org record.ID, contacts []record.ID, users bool) (map[Participant]Person, error) {
	out := map[Participant]Person{}
	if len(contacts) > 0 {
		slices.Sort(contacts)
		found, err := c.store.ByID(ctx, org, record.Contacts, slices.Compact(contacts))
		if err != nil {
			return nil, err
		}
		for id, r := range found {
			if !r.Deleted() {
				name := strings.TrimSpace(string(r.Fields[record.FirstName] + " " + r.Fields[record.LastName]))
				out[Participant{Type: ContactTakesPart, ID: id}] = Person{name, string(r.Fields[record.EmailField])}
			}
		}
	}
	if users && c.users != nil {
		all, err := c.users(ctx, org)
		if err != nil {
			return nil, err
		}
		for id, u := range all {
			out[Participant{Type: UserTakesPart, ID: id}] = u
		}
	}
	return out, nil
}

// linesOf are participants as sync takes them along: "Ana Silva <ana@contoso.example>", or what there is of it.
func linesOf(people []Participant, known map[Participant]Person) record.Value {
	var lines []string
	for _, p := range people {
		who := Person{p.Name, p.Email}
		if p.Type != EmailTakesPart {
			who = known[Participant{Type: p.Type, ID: p.ID}]
		}
		line := strings.Join(strings.Fields(who.Name), " ")
		switch {
		case line == "" || strings.EqualFold(line, who.Email):
			line = who.Email
		case who.Email != "":
			line += " <" + who.Email + ">"
		}
		if line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return record.Value(strings.Join(lines, "\n"))
}
