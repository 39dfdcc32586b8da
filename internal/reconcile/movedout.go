package reconcile

import (
	"maps"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// An item that its person moves out of the folder leaves the sync; its record stays in the CRM, with a pair that is excluded. The item
// may be moved in again, and then takes its record back. A copy of it has the same mark but is somebody else, so the pair remembers
// which item it was.

// movedAs is the key of a base that is no field but the item that was moved out.
const movedAs record.Field = "-moved"

// movedOut is what becomes of a pair whose item was moved out.
func (p Pair) movedOut() Pair {
	base := maps.Clone(p.Base)
	delete(base, doubted)
	return Pair{
		ID: p.ID, CRM: p.CRM, CRMVersion: p.CRMVersion, Token: p.Token, State: Excluded, Reason: fault.MovedOut,
		Base: base.With(record.Fields{movedAs: record.Value(p.Microsoft)}),
	}
}

func (p *Pair) isMovedOut() bool { return p.State == Excluded && p.Reason == fault.MovedOut }

// movedIn reports whether an item with the mark of a pair's is the one that was moved out: by its id or, as Outlook on the desktop moves by
// copying and deleting, by all that it holds. Of pairs that remember none, any is.
func (r *run) movedIn(c *record.Change, pair *Pair) bool {
	was, known := pair.Base[movedAs]
	return !known || record.Ref(was) == c.Ref || r.asAgreed(c, pair)
}
