package reconcile_test

import (
	"context"
	"fmt"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// I4: what sync itself has deleted, and has not noted when it died or when the answer was lost, is nobody's deletion: the other side, which
// has come back meanwhile, is not deleted after it.
func TestI4_SyncsOwnUnsettledDeletionIsNobodys(t *testing.T) {
	t.Parallel()
	takeBack := func(w *world, id record.ID) {
		if w.deleted(id) {
			if _, err := w.crm.Restore(context.Background(), w.actor(), w.kind, []record.ID{id}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name            string
		leaves, returns func(w *world, id record.ID, ref record.Ref)
	}{
		{"given away and back",
			func(w *world, id record.ID, _ record.Ref) { w.give(id, alex) },
			func(w *world, id record.ID, _ record.Ref) { w.give(id, adele) }},
		{"deleted in the CRM and taken out of the recycle bin",
			func(w *world, id record.ID, _ record.Ref) { w.bin(id) },
			func(w *world, id record.ID, _ record.Ref) { takeBack(w, id) }},
		{"deleted in Outlook and moved back",
			func(w *world, _ record.ID, ref record.Ref) { w.folder.Delete(ref) },
			func(w *world, _ record.ID, ref record.Ref) { w.folder.Undelete(ref) }},
		{"deleted in Outlook and taken out of the recycle bin",
			func(w *world, _ record.ID, ref record.Ref) { w.folder.Delete(ref) },
			func(w *world, id record.ID, ref record.Ref) {
				if w.deleted(id) {
					takeBack(w, id)
				} else {
					w.folder.Undelete(ref)
				}
			}},
	} {
		try := func(name string, fails func(w *world)) {
			t.Run(c.name+", "+name, func(t *testing.T) {
				w := newWorld(t)
				id := w.insert("a", nil)
				w.insert("b", nil)
				w.settle()
				c.leaves(w, id, w.ref("a"))
				ref := record.Ref("")
				for _, p := range w.ledger.All(1) {
					if p.CRM == id.Ref() {
						ref = p.Microsoft
					}
				}
				fails(w)
				_ = w.run()
				w.plug, w.fails = -1, nil
				c.returns(w, id, ref)
				w.settle()
				w.alike()
				if len(w.mine()) != 2 || len(w.live()["a"]) != 1 || w.live()["a"][0].ID != id || len(w.folder.Items()) != 2 {
					t.Errorf("in the end the CRM has %d records, %v, and the folder %d items", len(w.mine()), w.live(), len(w.folder.Items()))
				}
			})
		}
		for plug := range 16 {
			try(fmt.Sprint("killed at ", plug), func(w *world) { w.plug = plug })
		}
		try("the answer is lost", func(w *world) {
			w.fails = func(point string) error {
				if point == "after write" {
					return fault.New(fault.Unavailable, fault.OutcomeUnknown, "lost")
				}
				return nil
			}
		})
	}
}

func (w *world) deleted(id record.ID) bool {
	for _, r := range w.store.All() {
		if r.ID == id {
			return r.Deleted()
		}
	}
	return true
}
