package simtest

import (
	"math/rand/v2"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// What is planted when all is quiet: for these checks the faults of a world may leave nothing to see.

// both is one record on both sides.
type both struct {
	ours   crm.Record
	theirs item
}

// onBoth are the records of a link that are on both sides and take part.
func (w *world) onBoth(l *linkState) (out []both) {
	link := w.books.link(l.id)
	if link.State != reconcile.On || l.remapped || w.failure != nil {
		return nil
	}
	items := map[string]item{}
	for _, it := range w.itemsOf(l) {
		items[it.key] = it
	}
	for _, r := range w.records(l.of.org, l.kind, false) {
		key := keyOf(r)
		eligible, _ := reconcile.Eligible(l.of.id, link.Policy, r.Meta())
		if it, there := items[key]; there && eligible && w.entities[key] != nil && !w.entities[key].out[l.id] {
			out = append(out, both{r, it})
		}
	}
	return out
}

// poisons has Microsoft refuse one item for good, while another is edited too (L4).
func (w *world) poisons(rng *rand.Rand) {
	for _, l := range w.order {
		of := w.onBoth(l)
		if len(of) < 2 {
			continue
		}
		field := rng.IntN(len(kinds[l.kind].fields))
		bad, good := of[0], of[1]
		for _, b := range []both{bad, good} {
			w.editRecord(l.of, b.ours, field)
		}
		path := strings.TrimPrefix(itemPath(l.kind, bad.theirs.id), "/me")
		for _, what := range []string{"PATCH *", "part PATCH *"} {
			if err := w.sim.AddFault(m365sim.Fault{Match: what + path, Times: -1, Do: "400"}); err != nil {
				w.fail("simulation", "%v", err)
			}
		}
		w.runOnce(l)
		w.sim.ClearFaults()
		for _, it := range w.itemsOf(l) {
			switch now := it.values[field]; {
			case it.key == bad.theirs.key && now != bad.theirs.values[field]:
				w.fail("simulation", "%s could be written", it.key)
			case it.key == good.theirs.key && now == good.theirs.values[field]:
				w.fail("L4", "%s waits for %s, which cannot be written", it.key, bad.theirs.key)
			}
		}
		w.books.retry(l.id)
		w.clock = w.clock.Add(25 * time.Hour) // so that it is due
		w.runOnce(l)
		w.alike("L4")
		return
	}
}

// drifts has a contact differ without a word from Microsoft (L6).
func (w *world) drifts(rng *rand.Rand) {
	for _, l := range w.order {
		of := w.onBoth(l)
		if l.kind != record.Contacts || len(of) == 0 {
			continue
		}
		it := of[rng.IntN(len(of))].theirs
		w.behaves(m365sim.Warts{DeltaLag: 1000 * time.Hour})
		w.editItem(l, it, rng.IntN(len(it.values)))
		proof := w.audit(l)
		w.behaves(m365sim.Warts{})
		if proof.Drift == 0 && w.skew <= 0 && w.failure == nil { // by a clock that is ahead it was an edit meanwhile
			w.fail("L6", "the audit of link %d has not found that %s differs", l.id, it.key)
		}
		w.alike("L6")
		return
	}
}
