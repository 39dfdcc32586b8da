package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// recover finds out what became of creates whose outcome nobody noted: those of a run that was cut off between sending
// and settling, and those whose answer was lost. Nothing is sent again before this.
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
	from := make([]record.Ref, len(intents))
	for i, intent := range intents {
		from[i] = intent.From
	}
	known, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, from)
	if err != nil {
		return err
	}
	pairs := make([]Pair, len(intents))
	for i, intent := range intents {
		pairs[i] = known[intent.From]
		pairs[i].CRM, pairs[i].Token, pairs[i].Base = intent.From, intent.Token, intent.Base
		pairs[i].Microsoft, pairs[i].MicrosoftVersion = "", "" // it is about to get another item
	}
	return r.resolve(ctx, batch, pairs)
}

// resolve looks for the items that carry the pairs' tokens. One that is there is paired, and compared at once with its
// record. One that is not is to be created, with the same token as before, should the first request still arrive.
func (r *run) resolve(ctx context.Context, batch int64, pairs []Pair) error {
	tokens := make([]string, len(pairs))
	for i, p := range pairs {
		tokens[i] = p.Token
	}
	found, err := r.microsoft.Find(ctx, tokens)
	if err != nil {
		return err
	}
	entries := make([]Entry, len(pairs))
	for i, p := range pairs {
		if item, ok := found[p.Token]; ok {
			p.Microsoft, p.MicrosoftVersion = item.Ref, ""
		}
		p.State, p.Reason, p.RetryAt = Parked, fault.OutcomeUnknown, r.Now()
		entries[i] = Entry{Pair: p}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Ledger.Settle(ctx, r.link, batch, entries)
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
