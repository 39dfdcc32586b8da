package reconcile

import (
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// A container stays when its link ends if Microsoft lets nobody in at that moment, or if it holds something that the CRM has not. What
// its person deletes in the CRM from then on nobody hears of, and the next link meets an item whose record lies in the recycle bin. That
// may as well be one that somebody has worked on. Which it is, the record tells: what it held when it was deleted was agreed on, as far
// as anybody knows, so an item that holds the same is to go too. When it was modified says nothing: Exchange does that by itself.

// whileOff gives the items of a link's first sync that no pair knows, and whose records are in the recycle bin, the base that these tell.
// In a calendar that was there before, an item is the person's own: there the record comes back. In a link to Outlook only that has lost its
// pairs, it may be there because its person said no to the deletion, which was forgotten with them: it stays.
func (r *run) whileOff(items []Item) {
	if !r.first || r.link.existing() || r.rules.Way == mapping.ToMicrosoft && !r.link.LastRun.IsZero() {
		return
	}
	for _, i := range items {
		if i.Pair.ID != 0 || i.Theirs.State != record.Present || i.Ours == nil || i.Ours.State != record.Gone || i.Ours.Fields == nil {
			continue
		}
		ours := r.rules.normal(only(everyField(i.Ours.Fields, r.rules.Fields), r.rules.Fields))
		theirs := r.rules.normal(only(i.Theirs.Fields, r.rules.Fields))
		base := make(record.Fields, len(ours))
		for f, v := range ours {
			if unit := []record.Field{f}; r.rules.alike(unit, ours, theirs) {
				agreeApart(base, unit, ours, theirs)
			} else {
				base[f] = v
			}
		}
		i.Pair.Base = base
	}
}
