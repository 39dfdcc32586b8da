package reconcile_test

import (
	"context"
	"fmt"
	"testing"

	"tandem/internal/mapping"
	"tandem/internal/record"
)

// unbin takes a record out of the recycle bin.
func (w *world) unbin(id record.ID) {
	w.t.Helper()
	results, err := w.crm.Restore(context.Background(), w.actor(), w.kind, []record.ID{id})
	if err != nil || results[0].Err != nil {
		w.t.Fatalf("restore %d: %v %v", id, err, results)
	}
}

// I4: whoever takes a record out of the recycle bin wants it, as one who edits it does, and a deletion in Outlook that no run has heard of yet is
// no reason to delete it once more.
func TestI4_WhatIsTakenOutOfTheRecycleBinIsWanted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		deeds func(w *world, id record.ID, ref record.Ref)
		gone  bool
	}{
		{name: "deleted in the CRM first", deeds: func(w *world, id record.ID, ref record.Ref) {
			w.bin(id)
			w.folder.Delete(ref)
			w.unbin(id)
		}},
		{name: "deleted in Outlook first", deeds: func(w *world, id record.ID, ref record.Ref) {
			w.folder.Delete(ref)
			w.bin(id)
			w.unbin(id)
		}},
		{name: "edited since in what does not go to Outlook", deeds: func(w *world, id record.ID, ref record.Ref) {
			w.bin(id)
			w.folder.Delete(ref)
			w.unbin(id)
			w.edit(id, record.Fields{record.SkypeID: "since"})
		}},
		{name: "while its deletion waited", deeds: func(w *world, id record.ID, ref record.Ref) {
			w.bin(id)
			for _, other := range w.live() {
				w.bin(other[0].ID)
			}
			_ = w.run()
			w.folder.Delete(ref)
			w.unbin(id)
		}},
		{name: "Outlook tells of its deletion late", deeds: func(w *world, id record.ID, ref record.Ref) {
			w.bin(id)
			w.folder.Vanish(ref)
			w.unbin(id)
		}},
		{name: "a sync that goes to the CRM only", gone: true, deeds: func(w *world, id record.ID, ref record.Ref) {
			w.goes(mapping.ToCRM)
			w.settle()
			w.bin(id)
			w.folder.Delete(ref)
			w.unbin(id)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.insert("a", nil)
			w.insert("b", nil)
			w.settle()
			c.deeds(w, id, w.ref("a"))
			w.settle()
			w.alike()
			if w.deleted(id) != c.gone {
				t.Errorf("deleted: %v, want %v", w.deleted(id), c.gone)
			}
		})
	}
}

// I4: that counts until the two sides agree, however often the process dies before: who deletes it in Outlook after that has it deleted.
func TestI4_WhatWasTakenOutOfTheRecycleBinCanBeDeletedInOutlook(t *testing.T) {
	t.Parallel()
	for _, inStep := range []bool{true, false} { // when it is taken out, its item is there, or it is to be made anew
		for plug, died := 0, true; died; plug++ {
			w := newWorld(t)
			id := w.insert("a", nil)
			w.insert("b", nil)
			w.settle()
			if w.bin(id); !inStep {
				w.settle()
			}
			w.unbin(id)
			w.plug = plug
			died = w.run() != nil
			w.plug = -1
			w.settle()
			w.alike()
			w.folder.Delete(w.ref("a"))
			w.settle()
			w.alike()
			if !w.deleted(id) || len(w.folder.Items()) != 1 {
				t.Errorf("in step %v, killed at %d: it is back, and Outlook has %d", inStep, plug, len(w.folder.Items()))
			}
		}
	}
}

// L2: that somebody took a record out of the recycle bin is noted once.
func TestL2_ARecordThatWasTakenOutOfTheRecycleBinIsQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("a", nil)
	w.settle()
	w.bin(id)
	w.unbin(id)
	w.settle()
	for _, whole := range []bool{false, true} {
		before := w.writes()
		if proof, err := w.runner.Audit(context.Background(), 1, whole); err != nil || proof.Drift != 0 || w.writes() != before {
			t.Errorf("the audit found %+v, %v, and made %d writes", fmt.Sprint(proof), err, w.writes()-before)
		}
	}
}
