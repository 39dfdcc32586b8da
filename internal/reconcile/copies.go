package reconcile

import (
	"context"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// A copy that a person makes of an item carries the mark of its original. It becomes a record of its own; but as long as it keeps that
// mark, so does each copy of it, and once the original's record has no item (it was deleted, or taken out of the recycle bin a moment ago)
// such a copy of a copy would pass for the original's item. So before a record is made from it, a copy gets a mark of its own: the token
// that its record gets.

// ownMarks gives copies marks of their own. It returns the steps that are to be carried out, and the pairs that are to be planned anew, as
// their items have changed. With last set, those become records with the mark that they have, and so do items that cannot be written.
func (r *run) ownMarks(ctx context.Context, steps []Step, last bool) (rest []Step, again []Pair, err error) {
	var writes []record.Write
	var of []int
	for i, s := range steps {
		if r.isCopy(s) {
			writes = append(writes, record.Write{Op: record.Update, Ref: s.Theirs.Ref, Version: s.Theirs.Version, Token: s.Pair.Token})
			of = append(of, i)
		}
	}
	if len(writes) == 0 {
		return steps, nil, nil
	}
	if err := r.leased(); err != nil {
		return nil, nil, err
	}
	outcomes, err := r.microsoft.Apply(ctx, writes)
	if err != nil {
		return nil, nil, err
	}
	var parked []Entry
	out := map[int]bool{}
	for n, i := range of {
		s := &steps[i]
		switch err := outcomes[n].Err; {
		case err == nil:
			theirs := *s.Theirs
			theirs.Version, theirs.Token = outcomes[n].Version, s.Pair.Token
			s.Theirs = &theirs
		case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound), fault.Is(err, fault.Gone):
			if !last {
				again, out[i] = append(again, *s.Pair), true
			}
		case fault.KindOf(err).Repeatable() && s.Pair.Attempts < replans:
			pair := *s.Pair
			pair.MicrosoftVersion, pair.Name = s.Theirs.Version, nameOf(s.Theirs.Fields)
			r.park(&pair, err)
			parked, out[i] = append(parked, Entry{Pair: pair}), true
		}
	}
	for i, s := range steps {
		if !out[i] {
			rest = append(rest, s)
		}
	}
	return rest, again, r.settle(ctx, 0, parked)
}

// copies finds among items that claim the records of their marks, and whose records have no item, those that are copies all the same: the
// history names another item by that mark. If that one is gone, and this one holds what its record holds, it is that item by another id.
func (r *run) copies(ctx context.Context, claimed []*newcomer, owners []record.Ref, taken map[record.Ref]Pair) (map[*newcomer]bool, error) {
	var open []*newcomer
	var records []record.Ref
	for i, n := range claimed {
		if pair, paired := taken[owners[i]]; n.byMark && !n.done && (!paired || pair.Microsoft == "" && pair.Token == "") {
			open, records = append(open, n), append(records, owners[i])
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	marked, err := r.Ledger.Marked(ctx, r.link, records)
	if err != nil {
		return nil, err
	}
	var others, of []record.Ref
	var doubtful []*newcomer
	for i, n := range open {
		if other := marked[n.Token]; other != "" && other != n.Ref {
			others, of, doubtful = append(others, other), append(of, records[i]), append(doubtful, n)
		}
	}
	if len(doubtful) == 0 {
		return nil, nil
	}
	first, err := r.microsoft.Read(ctx, others)
	if err != nil {
		return nil, err
	}
	ours, err := r.crm.Read(ctx, of)
	if err != nil {
		return nil, err
	}
	out := map[*newcomer]bool{}
	for i, n := range doubtful {
		out[n] = first[i].State != record.Gone || !r.holdsTheSame(&n.Change, &ours[i])
	}
	return out, nil
}

// holdsTheSame reports whether an item holds what a record holds, or held when it was deleted, but for its picture.
func (r *run) holdsTheSame(theirs, ours *record.Change) bool {
	if ours.Fields == nil {
		return false
	}
	held, now := r.rules.normal(everyField(ours.Fields, r.rules.Fields)), r.rules.normal(only(theirs.Fields, r.rules.Fields))
	return !slices.ContainsFunc(r.rules.Fields, func(f record.Field) bool {
		return !r.rules.picture(f) && !r.rules.alike([]record.Field{f}, held, now)
	})
}

// mark is the mark by which the pair's item names its record; "": there is none.
func (p *Pair) mark() string {
	if _, named := refOfToken(p.Token); !named || p.Microsoft == "" {
		return ""
	}
	return p.Token
}

// isCopy reports whether a step makes a record from an item that carries another record's mark.
func (r *run) isCopy(s Step) bool {
	if s.Verb != CreateCRM || r.rules.Way == mapping.ToCRM || s.Theirs == nil || s.Pair == nil || s.Pair.CRM != "" {
		return false
	}
	_, marked := refOfToken(s.Theirs.Token)
	return marked && s.Pair.Token == tokenFromItem(r.link, s.Theirs.Ref, "")
}
