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

// madeAgain finds among items that claim the records of their marks those that take the place of an item that is gone: it goes by
// another id since Outlook moved it by copying and deleting, or since the mailbox was moved; or sync made two, and its person kept
// this one. Those that sync made a second time beside an item that is there it takes away. What it cannot decide, or that somebody
// has worked on, stays what it was: a record of its own.
func (r *run) madeAgain(ctx context.Context, claimed []*newcomer, owners []record.Ref, taken map[record.Ref]Pair) (items []Item, err error) {
	var open []*newcomer
	var of []Pair
	for i, n := range claimed {
		pair, paired := taken[owners[i]]
		if paired && n.byMark && n.Token == pair.Token && pair.Microsoft != "" {
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
		twin := n.Attempt != "" && first[i].Attempt != "" && first[i].Attempt != n.Attempt // both were made by sync
		switch {
		case first[i].State == record.Gone && !placed[pair.ID] && (twin || r.asAgreed(&n.Change, &pair)):
			placed[pair.ID] = true
			pair.Microsoft, pair.MicrosoftVersion = n.Ref, ""
			n.done = true
			items = append(items, Item{Pair: &pair, Theirs: &n.Change})
		case twin && first[i].State == record.Present && !n.Created.IsZero() && n.Modified.Sub(n.Created) <= untouchedFor:
			alone := Pair{CRM: pair.CRM, Microsoft: n.Ref, MicrosoftVersion: n.Version, Token: n.Token}
			twice = append(twice, Step{Item: Item{Pair: &alone, Theirs: &n.Change}, Verb: DeleteMicrosoft, Why: MadeTwice})
			which = append(which, n)
		}
	}
	if err := r.watch(twice...); err != nil {
		return nil, err
	}
	entries, err := r.removeAt(ctx, InMicrosoft, twice, "")
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return !e.Drop })
	for _, n := range which {
		n.done = slices.ContainsFunc(entries, func(e Entry) bool { return e.Pair.Microsoft == n.Ref })
	}
	items, wrong := r.besideOurs(ctx, items)
	return items, errors.Join(err, r.settle(ctx, 0, entries), wrong)
}

// elsewhere looks, before an item that is gone is made anew, for one that has its mark: it may go by another id, and be told of
// as new only later. What is found is planned in the place of what is gone.
func (r *run) elsewhere(ctx context.Context, steps []Step) ([]Step, error) {
	var tokens []string
	for _, s := range steps {
		if s.madeAnew() {
			tokens = append(tokens, s.Pair.Token)
		}
	}
	if len(tokens) == 0 {
		return steps, nil
	}
	found, err := r.microsoft.Find(ctx, tokens)
	if err != nil {
		return nil, err
	}
	var there []record.Ref
	var own []string
	for _, c := range found {
		there, own = append(there, c.Ref), append(own, (&newcomer{Change: c}).tokens(r.link)...)
	}
	taken, err := r.Ledger.PairsByRef(ctx, r.link, InMicrosoft, there)
	if err != nil {
		return nil, err
	}
	others, err := r.crm.Find(ctx, own) // records that were made from the items: those are copies
	if err != nil {
		return nil, err
	}
	for i, s := range steps {
		c, ok := found[s.token()]
		if _, paired := taken[c.Ref]; !ok || paired || !s.madeAnew() || !r.asAgreed(&c, s.Pair) {
			continue
		}
		isCopy := slices.ContainsFunc((&newcomer{Change: c}).tokens(r.link), func(token string) bool { return others[token].Ref != "" })
		if isCopy {
			continue
		}
		pair, item := *s.Pair, s.Item
		pair.Microsoft, pair.MicrosoftVersion = c.Ref, ""
		item.Pair, item.Theirs = &pair, &c
		steps[i] = r.plan([]Item{item})[0]
	}
	return steps, nil
}

// asAgreed reports whether an item is there and still what both sides last agreed on, as far as it tells: then it is that item by
// another id. One that somebody has worked on may be a copy, made to become something else.
func (r *run) asAgreed(c *record.Change, pair *Pair) bool {
	if c.State != record.Present {
		return false
	}
	for f, now := range r.rules.normal(only(c.Fields, r.rules.Fields)) {
		if was := pair.Base[f]; now != was && !r.rules.picture(f) {
			return false
		}
	}
	return true
}

// madeAnew reports whether a step makes an item in the place of one that is gone.
func (s *Step) madeAnew() bool {
	return s.Verb == CreateMicrosoft && s.token() != "" && s.Pair.Microsoft != "" && s.theirs() == record.Gone
}

func (s *Step) token() string {
	if s.Pair == nil {
		return ""
	}
	return s.Pair.Token
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
