package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"tandem/internal/record"
)

// Graph has no create of a contact that is carried out once. A process that was asleep inside the request, or a request that
// took its time on the way, may make a contact after another process has made it anew. Both carry the mark of one record; but
// each carries the stamp of the chunk that made it, while a copy that a person makes has that of its original. So what is
// doubled by sync is told from what a person copied, and taken away again as long as nobody has touched it: see ADR 36.

// untouchedFor is how long after its making an item may be changed by nobody but Exchange.
const untouchedFor = 10 * time.Second

// madeAgain finds among items that claim the records of their marks those that sync made a second time. It takes them away, or
// has them take the place of an item that was deleted. What it cannot decide, or that somebody has worked on, stays what it was:
// a record of its own.
func (r *run) madeAgain(ctx context.Context, claimed []*newcomer, owners []record.Ref, taken map[record.Ref]Pair) (items []Item, err error) {
	var open []*newcomer
	var of []Pair
	for i, n := range claimed {
		pair, paired := taken[owners[i]]
		if paired && n.byMark && n.Attempt != "" && n.Token == pair.Token && pair.Microsoft != "" {
			open, of = append(open, n), append(of, pair)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	refs := make([]record.Ref, len(of))
	for i, pair := range of {
		refs[i] = pair.Microsoft
	}
	first, err := r.microsoft.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	var twice []Step
	var which []*newcomer
	placed := map[int64]bool{}
	for i, n := range open {
		pair := of[i]
		switch {
		case first[i].Attempt == "" || first[i].Attempt == n.Attempt: // a copy, or nobody can tell
		case first[i].State == record.Gone && !placed[pair.ID]: // its person has kept this one
			placed[pair.ID] = true
			pair.Microsoft, pair.MicrosoftVersion = n.Ref, ""
			n.done = true
			items = append(items, Item{Pair: &pair, Theirs: &n.Change})
		case first[i].State == record.Present && !n.Created.IsZero() && n.Modified.Sub(n.Created) <= untouchedFor:
			alone := Pair{CRM: pair.CRM, Microsoft: n.Ref, MicrosoftVersion: n.Version, Token: n.Token}
			twice = append(twice, Step{Item: Item{Pair: &alone, Theirs: &n.Change}, Verb: DeleteMicrosoft, Why: MadeTwice})
			which = append(which, n)
		}
	}
	if err := r.watch(twice...); err != nil {
		return nil, err
	}
	entries, err := r.removeAt(ctx, InMicrosoft, twice)
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return !e.Drop })
	for _, n := range which {
		n.done = slices.ContainsFunc(entries, func(e Entry) bool { return e.Pair.Microsoft == n.Ref })
	}
	items, wrong := r.besideOurs(ctx, items)
	return items, errors.Join(err, r.settle(ctx, entries), wrong)
}

// madeAndDeleted finds among items that are gone, and that no pair knows, those that sync made and whose making it has not heard
// of: their person has deleted them first.
func (r *run) madeAndDeleted(ctx context.Context, gone []record.Change) (items []Item, err error) {
	var owners []record.Ref
	for _, c := range gone {
		if ref, ok := refOfToken(c.Token); ok {
			owners = append(owners, ref)
		}
	}
	if len(owners) == 0 {
		return nil, nil
	}
	pairs, err := r.Ledger.PairsByRef(ctx, r.link, InCRM, owners)
	for _, c := range gone {
		ref, _ := refOfToken(c.Token)
		if pair, ok := pairs[ref]; ok && pair.Microsoft == "" && pair.Token == c.Token {
			pair.Microsoft = c.Ref
			items = append(items, Item{Pair: &pair, Theirs: &c})
			delete(pairs, ref)
		}
	}
	return items, err
}
