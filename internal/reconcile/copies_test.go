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

// A copy that Microsoft does not let us mark is a record all the same.
func TestFF122_ACopyThatCannotBeMarkedIsARecord(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		fault.New(fault.Invalid, fault.Refused, "400"), fault.New(fault.Unavailable, "", "503"), fault.New(fault.Conflict, "", "412"),
	} {
		w, _ := copied(t)
		w.fails = func(at string) error {
			if at == "before write" {
				return err
			}
			return nil
		}
		for range 5 {
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			w.clock = w.clock.AddDate(0, 0, 1)
		}
		must(t, len(w.live()["b"]), 1, "records of the copy")
		must(t, w.ledger.Link(1).Failing, 0, "failing")
		w.fails = nil
		w.settle()
		w.alike()
	}
}

// The items of a lost ledger find their records again, a copy with its own mark by that.
func TestL5_ACopyWithItsOwnMarkIsFoundAgain(t *testing.T) {
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
