package crm

import (
	"context"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// KnowInvitations gives the CRM what sync knows of a calendar: which of the events named are in it with their participants as its
// people who are invited. It is called once, before the CRM is used; without it none is.
func (c *CRM) KnowInvitations(invited func(ctx context.Context, org record.ID, link int64, events []record.ID) (map[record.ID]bool, error)) {
	c.invitations = invited
}

// back settles of events that come back, out of the recycle bin or to an owner who had them, whether their participants are invited:
// a meeting that never left its owner's calendar is as it was, of any other people have been told that it is off.
func (c *CRM) back(ctx context.Context, org record.ID, records []*Record) (err error) {
	if len(records) == 0 {
		return nil
	}
	defer fault.Wrap(&err, "crm: %d events come back", len(records))
	of := map[record.ID][]record.ID{}
	for _, r := range records {
		of[r.Owner] = append(of[r.Owner], r.ID)
	}
	links, invited := map[record.ID]int64{}, map[record.ID]bool{}
	for owner, ids := range of {
		calendar, err := c.calendar(ctx, org, owner)
		if err != nil {
			return err
		}
		if links[owner] = calendar.Link; calendar.Link == 0 || c.invitations == nil {
			continue
		}
		there, err := c.invitations(ctx, org, calendar.Link, ids)
		if err != nil {
			return err
		}
		for id, is := range there {
			invited[id] = is
		}
	}
	for _, r := range records {
		if r.Mailing.Invited = false; invited[r.ID] {
			r.Mailing = Mailing{Link: links[r.Owner], Invited: true}
		}
	}
	return nil
}

// comes reports whether a change brings an event back: see back. What its owner agreed to with the change itself stays.
func comes(before, after Record) bool {
	return after.Kind == record.Calendar && after.Mailing.Agreed == nil && !after.Deleted() && (before.Deleted() || before.Owner != after.Owner)
}

// restored is back of those records that sync itself takes out of the recycle bin: what was agreed to with their deletion is moot.
func (c *CRM) restored(ctx context.Context, org record.ID, stored map[record.Ref]Record, changes []Record) error {
	var all []*Record
	for i := range changes {
		if r := &changes[i]; r.Kind == record.Calendar && !r.Deleted() && stored[r.ID.Ref()].Deleted() {
			r.Mailing.Agreed = nil
			all = append(all, r)
		}
	}
	return c.back(ctx, org, all)
}

// backOf is back of those records, about to be written, that come back by it.
func (c *CRM) backOf(ctx context.Context, org record.ID, stored map[record.ID]Record, writes []Record) error {
	var all []*Record
	for i := range writes {
		if comes(stored[writes[i].ID], writes[i]) {
			all = append(all, &writes[i])
		}
	}
	return c.back(ctx, org, all)
}
