package reconcile_test

import (
	"testing"

	"tandem/internal/record"
)

// The record of an item that was moved out of the folder belongs to that item alone: it takes it back when it
// is moved in again, also edited meanwhile or by another id, and a copy with its mark is a record of its own.
func TestI1_ARecordWhoseItemWasMovedOut(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (w *world, id record.ID, ref record.Ref) {
		w = newWorld(t)
		id = w.insert("a", nil)
		w.insert("b", nil)
		w.settle()
		return w, id, w.ref("a")
	}
	end := func(t *testing.T, w *world, id record.ID, records, items int) {
		t.Helper()
		w.settle()
		must(t, len(w.mine()), records, "records in all")
		must(t, len(w.folder.Items()), items, "items in all")
		for _, r := range w.mine() {
			if r.ID == id {
				must(t, r.Fields[record.Title], "a", "what the record is")
				return
			}
		}
		t.Error("the record is gone")
	}
	another := record.Fields{"jobTitle": "c", "surname": "Souza"}

	t.Run("a copy that became somebody else", func(t *testing.T) {
		w, id, ref := begin(t)
		w.folder.Put(w.folder.Copy(ref), another)
		w.folder.MoveOut(ref)
		end(t, w, id, 3, 2)
	})
	t.Run("made from it after it was moved out", func(t *testing.T) {
		w, id, ref := begin(t)
		w.folder.MoveOut(ref)
		w.settle()
		w.folder.Put(w.folder.Copy(ref), another)
		end(t, w, id, 3, 2)
	})
	t.Run("and is moved in again, edited", func(t *testing.T) {
		w, id, ref := begin(t)
		w.folder.MoveOut(ref)
		w.settle()
		w.folder.Put(ref, record.Fields{"department": "sales"})
		w.folder.MoveIn(ref)
		end(t, w, id, 2, 2)
		w.alike()
		must(t, w.live()["a"][0].Fields[record.Department], "sales", "what was typed in Outlook")
	})
	t.Run("and is moved in again after its copy", func(t *testing.T) {
		w, id, ref := begin(t)
		w.folder.Put(w.folder.Copy(ref), another)
		w.folder.MoveOut(ref)
		w.settle()
		w.folder.MoveIn(ref)
		end(t, w, id, 3, 3)
		w.alike()
	})
	t.Run("and comes back by another id", func(t *testing.T) {
		w, id, ref := begin(t)
		w.folder.MoveOut(ref)
		w.settle()
		w.folder.Copy(ref)
		end(t, w, id, 2, 2)
		w.alike()
	})
}
