package crm

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Exchange mails the attendees of a meeting whenever its organizer's event is written or deleted. So sync writes to such an
// event only with the word of the person whose calendar it is, and the word is stored with the change that it is about.

// Mailing is what an event's record knows of its mails, as far as one link is concerned.
type Mailing struct {
	Link int64 `json:"link,omitempty"` // whose calendar this is about; the rest says nothing of another one
	// Invited: the participants are invited in Outlook; otherwise they stand in the event's text.
	Invited bool              `json:"invited,omitempty"`
	Agreed  *record.Agreement `json:"agreed,omitempty"`
}

// Consent is a person's word that a change of an event may mail people, as they were shown.
type Consent struct {
	Link   int64    // the calendar in which it is given
	People []string // as record.Addresses gives them
	Invite bool     // the participants are to be invited
}

// A Calendar is the link by which a user's calendar is synced.
type Calendar struct {
	Link    int64 // 0: it is not
	Invites bool  // the user wants participants to be invited, where they agree to it
	Begun   bool  // the first sync is complete; before, nobody is invited
}

// KnowCalendars gives the CRM the links by which users' calendars are synced. It is called once, before the CRM is used;
// without it nobody's is.
func (c *CRM) KnowCalendars(calendars func(ctx context.Context, org, user record.ID) (Calendar, error)) {
	c.calendars = calendars
}

func (c *CRM) calendar(ctx context.Context, org, user record.ID) (Calendar, error) {
	if c.calendars == nil {
		return Calendar{}, nil
	}
	return c.calendars(ctx, org, user)
}

// Attendance is what Outlook says of those who are invited, in the calendar of a link; nobody if the record was told by
// another one.
func (r Record) Attendance(link int64) record.Attendance {
	if link == 0 || r.Mailing.Link != link {
		return record.Attendance{}
	}
	return record.AttendanceOf(r.Fields[record.Attendees])
}

// A Mail is what a change of an event would mail, once sync writes it.
type Mail struct {
	Calendar
	People  []string // whom, as record.Addresses gives them; none: nobody
	Invites bool     // they include participants who are to be invited by this
	Own     bool     // the actor is the one in whose name they would be mailed; nobody else can agree to it
}

// A Deed is what somebody is about to do to an event.
type Deed string

// The deeds.
const (
	Writes  Deed = "write"       // what the draft says, all of it
	Revises Deed = "occurrences" // a series is changed by one of its occurrences: what the draft says, if anything, is of those
	Removes Deed = "remove"      // deletes it
	Sends   Deed = "send"        // lets it go to Outlook as it stands: see Agree
)

// WouldMail tells whom a deed would mail once sync writes it. before is the event as it stands; ID 0: it is yet to be made.
func (c *CRM) WouldMail(ctx context.Context, a Actor, before Record, deed Deed, d Draft) (m Mail, err error) {
	defer fault.Wrap(&err, "crm: whom would a change of event %s mail", before.ID)
	owner := before.Owner
	if before.ID == 0 {
		owner = cmp.Or(d.Owner, a.User)
	}
	if m.Calendar, err = c.calendar(ctx, a.Org, owner); err != nil || m.Link == 0 {
		return m, err
	}
	m.Own = owner == a.User
	invited, attendees := before.Invited(m.Link), before.Attendance(m.Link)
	switch {
	case before.ID == 0:
	case attendees.Organizer != "":
		return m, nil
	case deed == Removes, d.Owner != 0 && d.Owner != owner: // it leaves the calendar
		m.People = attendees.Mailed()
		return m, nil
	}
	schema, err := c.Schema(ctx, a.Org, record.Calendar)
	if err != nil {
		return m, err
	}
	stands := whole(schema, before.Fields)
	after := stands
	if deed == Writes {
		given := d.Fields
		if before.ID == 0 {
			stands = nil
		}
		if after, err = check(schema, stands, given, a.Zone, true); err != nil {
			err = nil // what is wrong is said by whoever makes the change
		}
	} else if v, said := d.Fields[record.Participants]; said {
		after = stands.With(record.Fields{record.Participants: v})
	}
	people := stands[record.Participants] != after[record.Participants]
	if before.ID == 0 || deed != Writes || people || travels(stands, after) {
		m.People = attendees.Mailed()
	}
	invites := (invited || m.Calendar.Invites && m.Begun) && m.Own
	if invites && (before.ID == 0 || people || deed == Sends) {
		lines, err := c.lines(ctx, a.Org, owner, after[record.Participants])
		if err != nil {
			return m, err
		}
		if new := record.AddressesIn(lines); len(new) > 0 {
			m.Invites, m.People = true, record.Addresses(slices.Concat(m.People, new))
		}
	}
	return m, nil
}

// Invited reports whether the participants of an event are invited in Outlook, in the calendar of a link.
func (r Record) Invited(link int64) bool { return r.Mailing.Invited && r.Mailing.Link == link }

// travels reports whether something changes that sync takes along.
func travels(before, after record.Fields) bool {
	return slices.ContainsFunc(record.Defs(record.Calendar), func(d record.Def) bool { return before[d.Name] != after[d.Name] })
}

// lines are participants of an owner's event as they are invited: the owner is not.
func (c *CRM) lines(ctx context.Context, org, owner record.ID, v record.Value) (record.Value, error) {
	people := Participants(v)
	var contacts []record.ID
	users := false
	for _, p := range people {
		users = users || p.Type == UserTakesPart
		if p.Type == ContactTakesPart {
			contacts = append(contacts, p.ID)
		}
	}
	known, err := c.people(ctx, org, contacts, users)
	if err != nil {
		return "", err
	}
	return linesOf(guests(people, owner), known), nil
}

// guests are those who take part besides the owner.
func guests(people []Participant, owner record.ID) []Participant {
	return slices.DeleteFunc(slices.Clone(people), func(p Participant) bool { return p.Type == UserTakesPart && p.ID == owner })
}

// agreed puts a consent, or that there is none, on a record that is about to be written. removes: out of the calendar.
func (r *Record) agreed(consent *Consent, removes bool, now time.Time) {
	if r.Kind != record.Calendar {
		return
	}
	r.Mailing.Agreed = nil
	if consent == nil {
		return
	}
	if r.Mailing.Link != consent.Link {
		r.Mailing = Mailing{Link: consent.Link}
	}
	if len(consent.People) == 0 {
		return
	}
	r.Mailing.Invited = (r.Mailing.Invited || consent.Invite) && !removes
	r.Mailing.Agreed = &record.Agreement{
		ID: r.ID.String() + "." + strconv.FormatInt(r.Version+1, 10), People: record.Addresses(consent.People), Removes: removes, At: now,
	}
}

// Agree lets a record go to Outlook as it stands, with the mails that this brings: it was held back for them, or its
// participants are to be invited. The record must be at the version given. Denied: the actor is not its owner.
func (c *CRM) Agree(ctx context.Context, a Actor, id record.ID, version int64, consent Consent) (_ Record, err error) {
	defer fault.Wrap(&err, "crm: agree to mails of event %s", id)
	r, err := c.own(ctx, a, id, version)
	switch {
	case err != nil:
		return r, err
	case r.Owner != a.User:
		return r, forbidden("mail people in another's name about", record.Calendar)
	}
	r.agreed(&consent, false, c.now().UTC())
	after, faults, err := c.store.Update(ctx, a.Author, []Record{r})
	if err != nil {
		return r, err
	}
	return after[0], faults[0]
}

// notOrganizers refuses what only the organizer may change, in somebody else's meeting.
func (c *CRM) notOrganizers(ctx context.Context, a Actor, before, after Record) (problems Problems, err error) {
	if before.Kind != record.Calendar || before.Fields[record.Attendees] == "" {
		return nil, nil
	}
	calendar, err := c.calendar(ctx, a.Org, before.Owner)
	if err != nil || before.Attendance(calendar.Link).Organizer == "" {
		return nil, err
	}
	for _, d := range record.Defs(record.Calendar) {
		if !slices.Contains(record.OfAttendee, d.Name) && before.Fields[d.Name] != after.Fields[d.Name] {
			problems.add(fault.NotOrganizer, d.Name, "only the organizer of the meeting changes it")
		}
	}
	if before.Fields[record.Participants] != after.Fields[record.Participants] {
		problems.add(fault.NotOrganizer, record.Participants, "only the organizer of the meeting changes it")
	}
	return problems, nil
}
