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

// invitedMost is how many events CallsOff looks at.
const invitedMost = 2000

// CallsOff counts the events that people are invited to, and that therefore stay in their owner's calendar. more: there may be
// further ones.
func (d *Desk) CallsOff(ctx context.Context, a crm.Actor, u Update) (n int, more bool, err error) {
	defer fault.Wrap(&err, "massupdate: whom would %s mail", u.ID)
	if u.Kind != record.Calendar || u.Deed.Do != crm.MassOwner && u.Deed.Do != crm.MassDelete {
		return 0, false, nil
	}
	after := record.ID(0)
	for seen := 0; seen < invitedMost; seen += stepRecords {
		ids, err := d.Store.Invited(ctx, u.Org, u.ID, after, stepRecords)
		if err != nil || len(ids) == 0 {
			return n, false, err
		}
		called, err := d.Records.CallsOff(ctx, a, ids)
		if err != nil {
			return n, false, err
		}
		if n += called; len(ids) < stepRecords {
			return n, false, nil
		}
		after = ids[len(ids)-1]
	}
	return n, true, nil
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
