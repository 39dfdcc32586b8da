package massupdate

import (
	"context"
	"slices"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// Prepare makes a draft that names the records which a query finds for the actor: nothing is changed. Denied and Invalid: as of
// crm.MassCheck; Invalid for the field "ids": there are none, or too many.
func (d *Desk) Prepare(ctx context.Context, a crm.Actor, kind record.Kind, q crm.Query, deed crm.MassDeed) (u Update, err error) {
	defer fault.Wrap(&err, "massupdate: prepare one of %s", kind)
	if deed, err = d.Records.MassCheck(ctx, a, kind, deed); err != nil {
		return u, err
	}
	q, seen := a.Narrow(kind, q)
	if !seen {
		return u, fault.New(fault.Denied, fault.NotAllowed, "massupdate: %s are not this person's to see", kind)
	}
	u = Update{ID: d.NewID(), Org: a.Org, User: a.User, Kind: kind, Deed: deed, State: intake.Draft, Begun: d.Now(), Touched: d.Now()}
	if u, err = d.Store.Begin(ctx, u, q); err != nil {
		return u, err
	}
	if u.Total == 0 {
		return u, fault.Wrong(fault.Mandatory, "ids", "massupdate: no records")
	}
	return u, nil
}

// Barred counts of the groups those to which the actor may not do this.
func Barred(a crm.Actor, kind record.Kind, deed crm.MassDeed, groups []Group) (n int) {
	for _, g := range groups {
		r := crm.Record{Org: a.Org, Kind: kind, Owner: g.Owner}
		if !deed.May(a, r) || g.Private && g.Owner != a.User {
			n += g.Count
		}
	}
	return n
}

// invitedMost is how many events CallsOff looks at, mailedMost how many people a person may be asked about: more than that nobody reads.
const invitedMost, mailedMost = 2000, 100

// CallsOff says whom a mass update would tell that their meetings are off.
type CallsOff struct {
	Events []crm.Cancellation // that people are invited to: they stay in their owner's calendar
	More   bool               // there may be further ones
	Own    int                // of Events those in the person's own calendar
	People []string           // who would be told of these, as record.Addresses gives them; nobody where they are too many to be asked about
}

// CallsOff looks for the events that people are invited to.
func (d *Desk) CallsOff(ctx context.Context, a crm.Actor, u Update) (off CallsOff, err error) {
	defer fault.Wrap(&err, "massupdate: whom would %s mail", u.ID)
	if u.Kind != record.Calendar || u.Deed.Do != crm.MassOwner && u.Deed.Do != crm.MassDelete {
		return off, nil
	}
	off.More = true
	after := record.ID(0)
	for seen := 0; seen < invitedMost && off.More; seen += stepRecords {
		ids, err := d.Store.Invited(ctx, u.Org, u.ID, after, stepRecords)
		if err != nil {
			return off, err
		}
		called, err := d.Records.CallsOff(ctx, a, u.Deed, ids)
		if err != nil {
			return off, err
		}
		off.Events = append(off.Events, called...)
		if off.More = len(ids) == stepRecords; off.More {
			after = ids[len(ids)-1]
		}
	}
	var people []string
	for _, e := range off.Events {
		if e.Own {
			off.Own++
			people = append(people, e.People...)
		}
	}
	if people = record.Addresses(people); len(people) <= mailedMost && !off.More {
		off.People = people
	}
	return off, nil
}

// Agree is Start with the person's word that the people of these events may be told that they are off. Whoever calls it sees that Work
// is called. Only what is in the person's own calendar is agreed to, and only as long as the same people are invited.
func (d *Desk) Agree(ctx context.Context, u Update, events []crm.Cancellation) (err error) {
	defer fault.Wrap(&err, "massupdate: %s may mail", u.ID)
	var lines []Line
	for _, e := range events {
		if e.Own {
			lines = append(lines, Line{Record: e.Event, Did: Waiting, Mail: &crm.Consent{Link: e.Link, People: e.People}})
		}
	}
	u.State, u.Touched = intake.Running, d.Now()
	return d.Store.Agree(ctx, u, lines)
}

// Start lets the records of a draft be changed. Whoever calls it sees that Work is called.
func (d *Desk) Start(ctx context.Context, u Update) error {
	return d.turn(ctx, u, intake.Running, intake.Draft)
}

// Stop ends one before its end. What was changed stays, and can be taken back.
func (d *Desk) Stop(ctx context.Context, u Update) error {
	return d.turn(ctx, u, intake.Stopped, intake.Running)
}

// Undo lets one be taken back. Whoever calls it sees that Work is called.
func (d *Desk) Undo(ctx context.Context, u Update) error {
	return d.turn(ctx, u, intake.Undoing, intake.Done, intake.Stopped, intake.Failed)
}

// maxTries is how often something is worked out anew because it changed meanwhile.
const maxTries = 8

func (d *Desk) turn(ctx context.Context, u Update, to intake.State, from ...intake.State) (err error) {
	defer fault.Wrap(&err, "massupdate: %s is to be %s", u.ID, to)
	for try := 1; ; try++ {
		now, err := d.Store.Update(ctx, u.Org, u.ID)
		if err != nil {
			return err
		}
		was, at := now.State, now.At
		if !slices.Contains(from, was) {
			return fault.New(fault.Conflict, "", "massupdate: it is %s", was)
		}
		if to == intake.Undoing {
			now.At, now.Seen = 0, 0
		}
		now.State, now.Touched = to, d.Now()
		if err = d.Store.Save(ctx, now, was, at); !fault.Is(err, fault.Conflict) || try == maxTries {
			return err
		}
	}
}
