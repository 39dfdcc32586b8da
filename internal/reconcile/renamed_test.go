package reconcile_test

import (
	"testing"

	"tandem/internal/record"
)

// renamed gives an item another id, as Outlook on the desktop does when it moves one away and back: it copies and deletes.
func (w *world) renamed(ref record.Ref) record.Ref {
	twin := w.folder.Copy(ref)
	w.folder.Delete(ref)
	return twin
}

// FF120: an item that goes by another id, with our mark on it, is the item that it was: its record stays, with all that only the
// CRM has of it.
func TestFF120_AnItemByAnotherIDKeepsItsRecord(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (w *world, id record.ID) {
		w = newWorld(t)
		id = w.insert("a", nil)
		w.insert("b", nil)
		w.insert("c", nil)
		w.settle()
		return w, id
	}
	same := func(t *testing.T, w *world, id record.ID, n int) {
		t.Helper()
		w.settle()
		w.alike()
		must(t, len(w.live()["a"]), 1, "records")
		must(t, w.live()["a"][0].ID, id, "the record")
		must(t, len(w.mine()), n, "records in all")
		must(t, len(w.folder.Items()), n, "items in all")
	}
	t.Run("one", func(t *testing.T) {
		w, id := begin(t)
		w.renamed(w.ref("a"))
		same(t, w, id, 3)
	})
	t.Run("one that somebody edits in the CRM", func(t *testing.T) {
		w, id := begin(t)
		w.renamed(w.ref("a"))
		w.edit(id, record.Fields{record.Department: "sales"})
		same(t, w, id, 3)
		must(t, w.live()["a"][0].Fields[record.Department], "sales", "what was typed in the CRM")
	})
	t.Run("a copy that became somebody else", func(t *testing.T) {
		w, id := begin(t)
		twin := w.renamed(w.ref("a"))
		w.folder.Put(twin, record.Fields{"jobTitle": "d", "surname": "Souza"})
		w.settle()
		w.alike()
		must(t, len(w.mine()), 3, "records in all")
		must(t, w.live()["d"][0].ID != id, true, "it is another record")
	})
	t.Run("all of them, and the cursor has expired", func(t *testing.T) {
		w, id := begin(t)
		for ref := range w.folder.Items() {
			w.renamed(ref)
		}
		w.folder.Expire()
		same(t, w, id, 3)
	})
	t.Run("on pages of their own", func(t *testing.T) {
		w, id := begin(t)
		w.folder.PageSize = 1
		w.renamed(w.ref("a"))
		w.edit(id, record.Fields{record.Department: "sales"})
		same(t, w, id, 3)
		must(t, w.live()["a"][0].Fields[record.Department], "sales", "what was typed in the CRM")
	})
	t.Run("one of two copies", func(t *testing.T) {
		w, id := begin(t)
		first := w.ref("a")
		w.folder.Put(w.folder.Copy(first), record.Fields{"jobTitle": "other"})
		w.renamed(first)
		w.settle()
		w.alike()
		must(t, len(w.mine()), 4, "records in all")
		kept := false
		for _, r := range w.mine() {
			kept = kept || r.ID == id
		}
		must(t, kept, true, "the record is there")
	})
	t.Run("wherever the process dies", func(t *testing.T) {
		for plug := range 30 {
			w, id := begin(t)
			for ref := range w.folder.Items() {
				w.renamed(ref)
			}
			w.folder.Expire()
			w.plug = plug
			_ = w.run()
			w.plug = -1
			same(t, w, id, 3)
		}
	})
}
