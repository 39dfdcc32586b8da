package reconcile

import (
	"context"

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

// isCopy reports whether a step makes a record from an item that carries another record's mark.
func (r *run) isCopy(s Step) bool {
	if s.Verb != CreateCRM || r.rules.Way == mapping.ToCRM || s.Theirs == nil || s.Pair == nil || s.Pair.CRM != "" {
		return false
	}
	_, marked := refOfToken(s.Theirs.Token)
	return marked && s.Pair.Token == tokenFromItem(r.link, s.Theirs.Ref, "")
}
