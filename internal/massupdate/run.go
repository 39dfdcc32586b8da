package massupdate

import (
	"context"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// stepRecords is how many records one step looks at: one short transaction.
const stepRecords = 250

// Work goes on with a mass update, or with taking one back, from where it is to its end. What stops all records ends it with the
// reason; an error says that it is to be tried again. Conflict with reason StaleLease: another worker has it, or somebody stopped it.
func (d *Desk) Work(ctx context.Context, org record.ID, id string) (err error) {
	defer fault.Wrap(&err, "massupdate: work on %s", id)
	u, err := d.Store.Update(ctx, org, id)
	if err != nil {
		return err
	}
	if u.State != intake.Running && u.State != intake.Undoing {
		return nil
	}
	actor, err := d.Actor(ctx, u.Org, u.User)
	if err == nil {
		err = d.steps(ctx, u, actor)
	}
	switch fault.KindOf(err) {
	case fault.Denied, fault.Invalid: // the person, or the field, is no longer what it was
		return d.fail(ctx, org, id, err)
	}
	return err
}

// fail ends one as it stands. One that could not be taken back can be again.
func (d *Desk) fail(ctx context.Context, org record.ID, id string, why error) error {
	u, err := d.Store.Update(ctx, org, id)
	if err != nil {
		return err
	}
	was := u.State
	if u.Reason = fault.ReasonOf(why); u.Reason == "" {
		u.Reason = fault.NotAllowed
	}
	u.State, u.Touched = intake.Failed, d.Now()
	return d.Store.Save(ctx, u, was, u.At)
}

func (d *Desk) steps(ctx context.Context, u Update, actor crm.Actor) error {
	state, want, ended, step := u.State, Waiting, intake.Done, d.forth
	if state == intake.Undoing {
		want, ended, step = Changed, intake.Undone, d.back
	}
	for {
		lines, err := d.Store.Lines(ctx, u.Org, u.ID, want, u.At, stepRecords)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			u.State, u.Touched = ended, d.Now()
			return d.Store.Save(ctx, u, state, u.At)
		}
		for try := 1; ; try++ {
			s, err := step(ctx, u, actor, lines)
			if err != nil {
				return err
			}
			if err = d.Store.Take(ctx, actor.Author, s); err == nil {
				u = s.Update
				break
			}
			if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) || fault.ReasonOf(err) == fault.StaleLease || try == maxTries {
				return err
			}
		}
	}
}

// forth works out what becomes of records.
func (d *Desk) forth(ctx context.Context, u Update, actor crm.Actor, lines []Line) (Step, error) {
	s := Step{From: u.At}
	mails := map[record.ID]*crm.Consent{}
	for _, l := range lines {
		if l.Mail != nil {
			mails[l.Record] = l.Mail
		}
	}
	admitted, err := d.Records.AdmitMass(ctx, actor, u.Kind, idsOf(lines), u.Deed, mails)
	if err != nil {
		return s, err
	}
	for i, l := range lines {
		a := admitted[i]
		switch {
		case a.Err != nil:
			l.Did, l.Reason = Failed, fault.ReasonOf(a.Err)
			u.Counts.Failed++
		case a.Same:
			l.Did = Same
			u.Counts.Same++
		default:
			l.changed(u.Deed, a)
			u.Counts.Changed++
			s.Changed, s.Of = append(s.Changed, a.Record), append(s.Of, len(s.Lines))
			if a.Admits {
				u.Counts.Admitted++
			}
		}
		s.Lines = append(s.Lines, l)
	}
	return d.done(s, u), nil
}

// changed notes what a record had and has.
func (l *Line) changed(deed crm.MassDeed, a crm.MassAdmitted) {
	l.Did = Changed
	if a.Owner != a.Record.Owner {
		l.Owner = a.Owner
	}
	if deed.Field == "" {
		return
	}
	l.Before, l.After = record.Fields{}, record.Fields{}
	for _, name := range []record.Field{deed.Field, record.FurtherReminders} {
		if now, ok := a.Record.Fields[name]; ok && (name == deed.Field || a.Before[name] != now) {
			l.Before[name], l.After[name] = a.Before[name], now
		}
	}
}

// back works out which records get back what they had: those that nobody has changed since. That a mass update has touched them is
// not taken back, for by now they may be in Outlook.
func (d *Desk) back(ctx context.Context, u Update, actor crm.Actor, lines []Line) (Step, error) {
	s := Step{From: u.At}
	back := make([]crm.Reverted, len(lines))
	for i, l := range lines {
		back[i] = crm.Reverted{ID: l.Record, Before: l.Before, After: l.After, Deleted: u.Deed.Do == crm.MassDelete, Version: l.Version}
		if l.Owner != 0 {
			back[i].OwnerBefore, back[i].OwnerAfter = l.Owner, u.Deed.Owner()
		}
	}
	admitted, err := d.Records.AdmitBack(ctx, actor, u.Kind, back)
	if err != nil {
		return s, err
	}
	for i, l := range lines {
		if a := admitted[i]; a.Err != nil {
			l.Did = Kept
			u.Counts.Kept++
		} else {
			l.Did = Restored
			u.Counts.Restored++
			if !a.Same {
				s.Changed, s.Of = append(s.Changed, a.Record), append(s.Of, len(s.Lines))
			}
		}
		s.Lines = append(s.Lines, l)
	}
	return d.done(s, u), nil
}

func (d *Desk) done(s Step, u Update) Step {
	u.At, u.Seen, u.Touched = s.Lines[len(s.Lines)-1].Record, u.Seen+len(s.Lines), d.Now()
	s.Update = u
	return s
}

func idsOf(lines []Line) []record.ID {
	ids := make([]record.ID, len(lines))
	for i, l := range lines {
		ids[i] = l.Record
	}
	return ids
}
