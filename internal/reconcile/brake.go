package reconcile

import (
	"context"
	"errors"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// The brake (DESIGN D3, SYNC-INVARIANTS I5): a run deletes nothing and asks a person if it would delete more than
// brakeItems records and more than a twentieth of all, or if nothing would be left of more than one. Deletions of the last day
// are counted with those of the run, up to the last yes: what is deleted at once often comes in one by one.
const (
	brakeItems = 10
	brakeShare = 20 // a twentieth: 5 %
)

func brakes(deletions, all int) bool {
	return tooMany(deletions, all) || deletions > 1 && deletions >= all
}

func tooMany(deletions, all int) bool {
	return deletions > brakeItems && deletions*brakeShare > all
}

// deletions carries out what the run noted as deleted on one side, or holds it for a person's yes. Until then the notes
// are pairs in the ledger, so a run that is cut off forgets none. An audit does so twice in its run, and both count as one.
func (r *run) deletions(ctx context.Context) error {
	if r.link.Waiting == 0 {
		if r.link.State == Held {
			r.link.State, r.link.Reason = On, ""
		}
		r.link.DeletesOK = false
		return nil
	}
	all, unasked, agreed := r.link.Synced+r.link.Waiting+r.link.Failing, r.link.Waiting, 0
	if r.link.DeletesOK {
		var err error
		if agreed, err = r.agreedTo(ctx); err != nil {
			return err
		}
		unasked -= agreed
	}
	lately := r.link.Recent.sum(r.Now()).Deleted // carried out, in as many runs as they came in
	if brakes(unasked+r.unasked, all+r.removals) || tooMany(unasked+lately, all+lately) && !r.link.DeletesOK || r.link.State == Held && !r.link.DeletesOK {
		r.link.State, r.link.Reason, r.link.DeletesOK = Held, fault.TooManyDeletes, false
		return nil
	}
	before := r.removals
	err := r.eachInState(ctx, Waiting, time.Time{}, func(pairs []Pair) error { return r.delete(ctx, pairs) })
	r.unasked += max(0, r.removals-before-agreed)
	if err == nil {
		if r.link.DeletesOK {
			r.link.Recent = r.link.Recent.withoutDeletions()
		}
		r.link.DeletesOK = false
		if r.link.State == Held {
			r.link.State, r.link.Reason = On, ""
		}
	}
	return err
}

// agreedTo counts the deletions that a person has said yes to: a yes is for what waited when it was given, whatever a run that was under
// way, or that failed since, has added.
func (r *run) agreedTo(ctx context.Context) (n int, err error) {
	err = r.eachInState(ctx, Waiting, time.Time{}, func(pairs []Pair) error {
		for _, p := range pairs {
			if !p.RetryAt.IsZero() {
				n++
			}
		}
		return nil
	})
	return n, err
}

// waits notes that a pair's record was deleted on a side. A yes that was given to that stands.
func (p *Pair) waits(missing Where) {
	if p.State != Waiting || p.MissingSide != missing {
		p.RetryAt = time.Time{}
	}
	p.State, p.Reason, p.MissingSide = Waiting, fault.HeldDelete, missing
}

// delete looks at both sides of each pair once more: the evidence. What is still to be deleted is; where the look says
// otherwise (edited meanwhile, back again), that is done instead.
func (r *run) delete(ctx context.Context, pairs []Pair) error {
	items, err := r.rereadWhole(ctx, pairs) // another picture is an edit, too
	if err != nil {
		return err
	}
	var others []Item
	var steps []Step
	for _, s := range Plan(r.rules, items) {
		if s.Verb == DeleteCRM || s.Verb == DeleteMicrosoft {
			steps = append(steps, s)
		} else {
			others = append(others, s.Item)
		}
	}
	if err := r.watch(steps...); err != nil {
		return err
	}
	if err := r.remember(ctx, steps); err != nil {
		return err
	}
	if err := r.remove(ctx, steps); err != nil {
		return err
	}
	return r.apply(ctx, others)
}

// remove deletes on the side where the record still is, if it is still as it was just read.
func (r *run) remove(ctx context.Context, steps []Step) error {
	batch, stamp, err := r.intendRemoval(ctx, steps)
	if err != nil {
		return err
	}
	var entries []Entry
	for _, where := range []Where{InCRM, InMicrosoft} {
		done, err := r.removeAt(ctx, where, steps, stamp)
		entries = append(entries, done...)
		if err != nil { // the batch stays open: the next run finds out what is deleted
			return errors.Join(err, r.settle(ctx, 0, entries))
		}
	}
	return r.settle(ctx, batch, entries)
}

// intendRemoval puts on disk which pairs are about to lose a side: see doubt.go.
func (r *run) intendRemoval(ctx context.Context, steps []Step) (batch int64, stamp string, err error) {
	var intents []Intent
	for _, s := range steps {
		i := Intent{Side: InCRM, From: s.Pair.CRM, Pair: s.Pair.ID, Deletes: true}
		if s.Verb == DeleteMicrosoft {
			i.Side = InMicrosoft
		}
		if s.cleared {
			i.Base = s.Pair.Base
		}
		if stamp == "" {
			stamp = r.NewID()
		}
		i.Stamp = stamp
		intents = append(intents, i)
	}
	if len(intents) == 0 {
		return 0, "", nil
	}
	batch, err = r.Ledger.Intend(ctx, r.link, intents)
	return batch, stamp, err
}

// removeAt carries out the steps that delete on a side; the entries are those of which it is known what became of them.
func (r *run) removeAt(ctx context.Context, where Where, steps []Step, stamp string) (entries []Entry, err error) {
	side, verb := r.crm, DeleteCRM
	if where == InMicrosoft {
		side, verb = r.microsoft, DeleteMicrosoft
	}
	var writes []record.Write
	var of []Step
	for _, s := range steps {
		if s.Verb != verb {
			continue
		}
		at := s.Ours
		if where == InMicrosoft {
			at = s.Theirs
		}
		w := record.Write{Op: record.Delete, Ref: at.Ref, Version: at.Version, Stamp: stamp}
		if where == InMicrosoft {
			w.Agreed = r.agreement(s)
		}
		writes, of = append(writes, w), append(of, s)
	}
	if len(writes) == 0 {
		return nil, nil
	}
	if err := r.leased(); err != nil {
		return nil, err
	}
	outcomes, err := side.Apply(ctx, writes)
	for i, s := range of {
		if i < len(outcomes) && (outcomes[i].Ref != "" || outcomes[i].Err != nil) {
			if outcomes[i].Err == nil {
				r.removals++
			}
			e, err := r.removed(s, where, stamp, outcomes[i].Err)
			if err != nil {
				return entries, err
			}
			entries = append(entries, e)
		}
	}
	return entries, err
}

// removed is what a deletion's outcome means for the pair: ended, or still waiting because the item changed at the last
// moment (the next run sees why), or parked.
func (r *run) removed(s Step, where Where, stamp string, err error) (Entry, error) {
	pair := *s.Pair
	switch kind := fault.KindOf(err); {
	case err == nil || kind == fault.NotFound || kind == fault.Gone:
		line := HistoryLine{At: r.Now(), CRM: pair.CRM, Microsoft: pair.Microsoft, Mark: pair.mark(), Side: where, Action: Deleted, Reason: s.Why, Before: filled(only(s.held(where), r.rules.Fields))}
		return Entry{Pair: pair, Drop: true, History: []HistoryLine{line}}, nil
	case kind == fault.Conflict:
		pair.State, pair.Reason, pair.RetryAt = Parked, fault.ChangesTooFast, r.Now()
	default:
		r.park(&pair, err)
		if pair.Reason == fault.WouldMail && where == InMicrosoft {
			pair.Ask = r.heldRemoval(s)
		}
	}
	if fault.ReasonOf(err) == fault.OutcomeUnknown && pair.ID != 0 {
		base, err := withDoubt(pair.Base, doubt{Stamp: stamp, Deletes: where})
		if err != nil {
			return Entry{}, err
		}
		pair.Base = base
	}
	return Entry{Pair: pair}, nil
}

// settle stores entries, and that nothing is open any more of a batch of intents; 0: there is none.
func (r *run) settle(ctx context.Context, batch int64, entries []Entry) error {
	if len(entries) == 0 && batch == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	r.settles = r.settles || len(entries) > 0
	if cursor := r.recounted(r.link.Microsoft); cursor != r.link.Microsoft {
		r.link.Microsoft = cursor
		if err := r.Ledger.Advance(ctx, r.link); err != nil {
			return err
		}
	}
	return r.Ledger.Settle(ctx, r.link, batch, entries)
}
