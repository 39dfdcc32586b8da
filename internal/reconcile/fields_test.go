package reconcile_test

import (
	"testing"

	"tandem/internal/record"
)

// Both sides edit the same contact between two runs, each another field: both edits stand, whichever fields and sides.
func TestFF65_EditsOfDifferentFieldsBothStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type pair struct{ ours, theirs int }
	var all []pair
	for i := range edited {
		for j := range edited {
			if i != j {
				all = append(all, pair{i, j})
				w.insert(string(edited[i].ours)+string(edited[j].ours), record.Fields{edited[i].ours: "old", edited[j].ours: "old"})
			}
		}
	}
	w.settle()
	for _, p := range all {
		key := string(edited[p.ours].ours) + string(edited[p.theirs].ours)
		w.edit(w.live()[key][0].ID, record.Fields{edited[p.ours].ours: "by the CRM"})
		w.folder.Put(w.ref(key), record.Fields{edited[p.theirs].theirs: "by Outlook"})
	}
	w.settle()
	w.alike()
	for _, p := range all {
		key := string(edited[p.ours].ours) + string(edited[p.theirs].ours)
		f := w.live()[key][0].Fields
		if f[edited[p.ours].ours] != "by the CRM" || f[edited[p.theirs].ours] != "by Outlook" {
			t.Errorf("%s: %s and %s", key, f[edited[p.ours].ours], f[edited[p.theirs].ours])
		}
	}
	if lost := w.lost(); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
}

// A side that never held a text does not empty the other's; one whose person emptied it does.
func TestFF64_OnlyWhoeverClearsATextClearsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("ours", record.Fields{record.EmailField: "ours@x.example", record.Description: "ours"})
	w.insert("theirs", record.Fields{record.EmailField: "theirs@x.example"})
	w.folder.Put("", contact("ours", "ours@x.example"))
	w.folder.Put("", contact("theirs", "theirs@x.example").With(record.Fields{"personalNotes": "theirs"}))
	w.settle()
	w.alike()
	for _, key := range []string{"ours", "theirs"} { // blank here, not blank there: the same person was known to both
		must(t, len(w.live()[key]), 1, "records of "+key)
		must(t, string(w.live()[key][0].Fields[record.Description]), key, "the description")
		must(t, string(w.items()[key][0][record.Description]), key, "the notes")
	}
	w.edit(w.live()["ours"][0].ID, record.Fields{record.Description: ""})
	w.folder.Put(w.ref("theirs"), record.Fields{"personalNotes": ""})
	w.settle()
	w.alike()
	for _, key := range []string{"ours", "theirs"} {
		must(t, string(w.live()[key][0].Fields[record.Description]), "", "the description after it was cleared")
		must(t, string(w.items()[key][0][record.Description]), "", "the notes after they were cleared")
	}
	must(t, len(w.live()), 2, "records")
}
