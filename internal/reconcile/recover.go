package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// recover finds out what became of writes whose outcome nobody noted: those of a run that was cut off between sending
// and settling, and creates whose answer was lost. Nothing is sent again before this.
func (r *run) recover(ctx context.Context) error {
	if r.link.Container == "" {
		return nil
	}
	open, err := r.Ledger.OpenIntents(ctx, r.link)
	if err != nil {
		return err
	}
	for _, batch := range slices.Sorted(maps.Keys(open)) {
		if err := r.resolveIntents(ctx, batch, open[batch]); err != nil {
			return err
		}
	}
	return r.eachInState(ctx, Intended, r.Now(), func(pairs []Pair) error { return r.resolve(ctx, 0, pairs) })
}

// resolveIntents turns intents into the pairs that they were to become, or already belong to, and resolves these.
func (r *run) resolveIntents(ctx context.Context, batch int64, intents []Intent) error {
	var from []record.Ref
	var inCRM []Intent
	for _, intent := range intents {
		if intent.madeInCRM() {
			inCRM = append(inCRM, intent)
		} else {
			from = append(from, intent.From)
		}
	}
	known, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, from)
	if err != nil {
		return err
	}
	entries, err := r.resolveInCRM(ctx, inCRM)
	if err != nil {
		return err
	}
	var pairs []Pair
	for _, intent := range intents {
		pair, there := known[intent.From]
		switch {
		case intent.madeInCRM():
		case intent.Token == "" && there && pair.ID == intent.Pair:
			if len(intent.Base) > 0 {
				pair.Base = intent.Base
			}
			if pair.Base, err = withDoubt(pair.Base, doubtOf(intent)); err != nil {
				return err
			}
			entries = append(entries, Entry{Pair: pair})
		case intent.Token != "":
			pair.CRM, pair.Token, pair.Base = intent.From, intent.Token, intent.Base
			pair.Microsoft, pair.MicrosoftVersion = "", "" // it is about to get another item
			pairs = append(pairs, pair)
		}
	}
	return r.resolve(ctx, batch, pairs, entries...)
}

func (i Intent) madeInCRM() bool { return i.Token != "" && i.Side == InCRM }

// resolveInCRM pairs the records that were made in the CRM with the items that they were made from, also if one of the two has
// been deleted since. Of what was not made, nothing is known: its item is found again as it was found before.
func (r *run) resolveInCRM(ctx context.Context, intents []Intent) (entries []Entry, err error) {
	if len(intents) == 0 {
		return nil, nil
	}
	tokens, items := make([]string, len(intents)), make([]record.Ref, len(intents))
	for i, intent := range intents {
		tokens[i], items[i] = intent.Token, intent.From
	}
	found, err := r.crm.Find(ctx, tokens)
	if err != nil {
		return nil, err
	}
	var made []record.Ref
	for _, c := range found {
		made = append(made, c.Ref)
	}
	ofRecords, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, made)
	if err != nil {
		return nil, err
	}
	ofItems, err := r.Ledger.PairsByRef(ctx, r.link, InMicrosoft, items)
	if err != nil {
		return nil, err
	}
	for _, intent := range intents {
		c, there := found[intent.Token]
		pair, known := ofItems[intent.From]
		if _, paired := ofRecords[c.Ref]; !there || paired || known && pair.ID != intent.Pair {
			continue
		}
		pair.CRM, pair.CRMVersion, pair.Microsoft, pair.MicrosoftVersion = c.Ref, "", intent.From, ""
		pair.Token, pair.Base, pair.Ask = intent.Token, intent.Base, nil
		if r.untouched(&c, heldInCRM(pair.Base)) {
			pair.CRMVersion = c.Version
		}
		pair.State, pair.Reason, pair.RetryAt = Parked, fault.OutcomeUnknown, r.Now()
		entries = append(entries, Entry{Pair: pair})
	}
	return entries, nil
}

// resolve looks for the items that carry the pairs' tokens. One that is there is paired, and compared at once with its
// record. One that is not is to be created, with the same token as before, should the first request still arrive.
func (r *run) resolve(ctx context.Context, batch int64, pairs []Pair, entries ...Entry) error {
	found, err := r.findMade(ctx, pairs)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if item, ok := found[p.Token]; ok {
			p.Microsoft, p.MicrosoftVersion = item.Ref, ""
			if r.untouched(&item, p.Base) {
				p.MicrosoftVersion = item.Version
			}
		}
		p.State, p.Reason, p.RetryAt = Parked, fault.OutcomeUnknown, r.Now()
		entries = append(entries, Entry{Pair: p})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Ledger.Settle(ctx, r.link, batch, entries)
}

func (r *run) findMade(ctx context.Context, pairs []Pair) (map[string]record.Change, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	tokens := make([]string, len(pairs))
	for i, p := range pairs {
		tokens[i] = p.Token
	}
	return r.microsoft.Find(ctx, tokens)
}

// retry tries parked records again whose time has come, with both sides read afresh.
func (r *run) retry(ctx context.Context) error {
	for again := true; again; again = r.released { // answers release what they held back
		r.released = false
		err := r.eachInState(ctx, Parked, r.Now(), func(pairs []Pair) error {
			items, err := r.reread(ctx, pairs)
			if err != nil {
				return err
			}
			return r.applyNew(ctx, items)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachInState pages through the pairs of a state that are due.
func (r *run) eachInState(ctx context.Context, state PairState, dueBy time.Time, do func([]Pair) error) error {
	for after := int64(0); ; {
		pairs, err := r.Ledger.PairsInState(ctx, r.link, state, dueBy, after, chunk)
		if err != nil || len(pairs) == 0 {
			return err
		}
		after = pairs[len(pairs)-1].ID
		if err := do(pairs); err != nil {
			return err
		}
	}
}
