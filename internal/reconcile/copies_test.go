package reconcile_test

import (
	"context"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func (w *world) takeOut(id record.ID) {
	w.t.Helper()
	results, err := w.crm.Restore(context.Background(), w.actor(), w.kind, []record.ID{id})
	if err != nil || results[0].Err != nil {
		w.t.Fatalf("restore %d: %v %v", id, err, results)
	}
}

// copied is a contact that sync sent to Outlook and its copy there, in step.
func copied(t *testing.T) (w *world, id record.ID) {
	w = newWorld(t)
	id = w.insert("a", nil)
	w.insert("z", nil)
	w.settle()
	w.folder.Put(w.folder.Copy(w.ref("a")), record.Fields{"jobTitle": "b"})
	return w, id
}

// TestI4_ACopyOfACopyIsNotTheOriginal: whether the original's record lies in the recycle bin, or was just taken out of it, a copy of its
// copy becomes a record of its own, and the original's stays what it is. The first copy is taken in with all that may go wrong.
func TestI4_ACopyOfACopyIsNotTheOriginal(t *testing.T) {
	t.Parallel()
	story := func(takenIn func(w *world)) {
		for _, restored := range []bool{false, true} {
			w, id := copied(t)
			takenIn(w)
			w.settle()
			w.bin(id)
			w.settle()
			w.folder.Put(w.folder.Copy(w.ref("b")), record.Fields{"jobTitle": "c"})
			if restored {
				w.takeOut(id)
			}
			w.settle()
			w.alike()
			must(t, len(w.live()["b"])*10+len(w.live()["c"]), 11, "records of the copies")
			if restored {
				must(t, len(w.live()["a"]), 1, "records of the original")
				must(t, w.live()["a"][0].ID, id, "its record")
			} else {
				must(t, len(w.live()["a"]), 0, "records of the original, which was deleted")
			}
			must(t, w.live()["c"][0].ID != id, true, "the copy's record is another")
		}
	}
	story(func(*world) {})
	effects := 0
	story(func(w *world) {
		before := w.effects
		_ = w.run()
		effects = w.effects - before
	})
	if effects < 5 {
		t.Fatalf("a copy is taken in with %d effects", effects)
	}
	for plug := range effects {
		story(func(w *world) {
			w.plug = plug
			_ = w.run()
			w.plug, w.dead = -1, false
		})
	}
	for _, err := range []error{
		fault.New(fault.Conflict, "", "412"), fault.New(fault.Unavailable, "", "503"), fault.New(fault.Throttled, "", "429"),
	} {
		for _, point := range []string{"before write", "after write"} {
			story(func(w *world) {
				times := 1
				w.fails = func(at string) error {
					if at != point || times == 0 {
						return nil
					}
					times--
					return err
				}
				if err := w.run(); err != nil {
					t.Fatal(err)
				}
				w.fails = nil
			})
		}
	}
}

// The items of a lost ledger find their records again, a copy and its copy each its own.
func TestL5_CopiesAreFoundAgain(t *testing.T) {
	t.Parallel()
	w, id := copied(t)
	w.settle()
	twin := w.live()["b"][0].ID
	w.folder.Put(w.folder.Copy(w.ref("b")), record.Fields{"jobTitle": "c"})
	w.ledger.DropPairs(1)
	w.ledger.Change(1, func(l *reconcile.Link) { l.Microsoft, l.CRM = "", "" })
	w.settle()
	w.alike()
	must(t, len(w.live()), 4, "records")
	must(t, w.live()["a"][0].ID, id, "the record of the original")
	must(t, w.live()["b"][0].ID, twin, "the record of the copy")
}

// A copy that nobody has read yet is not its original's item, also once that one is gone: the history knows whose the mark is.
func TestI1_ACopyThatNobodyReadYetLeavesItsOriginalsRecord(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(w *world, id record.ID){
		"the record was deleted and taken out of the recycle bin": func(w *world, id record.ID) {
			w.bin(id)
			w.settle()
			w.takeOut(id)
		},
		"it was given away and given back": func(w *world, id record.ID) {
			w.give(id, adele+1)
			w.settle()
			w.give(id, adele)
		},
		"the pairs were lost, and the item deleted": func(w *world, _ record.ID) {
			w.ledger.DropPairs(1)
			w.ledger.Change(1, func(l *reconcile.Link) { l.Microsoft, l.CRM = "", "" })
			w.folder.Delete(w.ref("a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.insert("a", record.Fields{record.Department: "of a"})
			w.insert("z", nil)
			w.settle()
			twin := w.folder.Copy(w.ref("a"))
			w.folder.Put(twin, record.Fields{"jobTitle": "b", "department": "of b"})
			w.folder.Hide(twin)
			gone(w, id)
			w.folder.Put(twin, record.Fields{"mobilePhone": "+55 11 90000-0001"})
			w.settle()
			w.alike()
			must(t, len(w.mine()), 3, "records")
			must(t, w.live()["a"][0].ID, id, "the record of the original")
			must(t, w.live()["a"][0].Fields[record.Department], "of a", "what it holds")
			must(t, w.live()["b"][0].Fields[record.Department], "of b", "what the copy's holds")
		})
	}
}

// An item that goes by another id keeps its record if the pairs are lost as well: where it goes by that already, whatever was edited
// since, and else if it holds what its record holds.
func TestFF120_AnItemByAnotherIDIsFoundAgain(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w *world, drop func()){
		"first the pairs": func(w *world, drop func()) {
			drop()
			w.renamed(w.ref("a"))
		},
		"first its id": func(w *world, drop func()) {
			w.renamed(w.ref("a"))
			w.settle()
			drop()
			w.folder.Put(w.ref("a"), record.Fields{"department": "new"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.insert("a", nil)
			w.insert("z", nil)
			w.settle()
			lose(w, func() {
				w.ledger.DropPairs(1)
				w.ledger.Change(1, func(l *reconcile.Link) { l.Microsoft, l.CRM = "", "" })
			})
			w.settle()
			w.alike()
			must(t, len(w.mine()), 2, "records")
			must(t, w.live()["a"][0].ID, id, "the record")
		})
	}
}
