package reconcile

import (
	"context"
	"slices"

	"tandem/internal/record"
)

// A copy that a person makes of an item carries the mark of its original, and so does a copy's copy. As long as the original's record has its
// item, the copy is somebody else. Once that item is gone, the copy would pass for it: so the history, which outlives pairs, tells which item
// each mark belongs to.

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
