package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// offAndOn ends the link with its container left behind, as when Microsoft lets nobody in, and begins another one in it after what
// happens meanwhile.
func (w *world) offAndOn(meanwhile func()) {
	w.t.Helper()
	w.ledger.DropPairs(1)
	w.clock = w.clock.Add(time.Hour)
	meanwhile()
	w.clock = w.clock.Add(time.Hour)
	w.ledger.Change(1, func(l *reconcile.Link) {
		*l = reconcile.Link{ID: 1, Org: org, User: adele, Kind: w.kind, State: reconcile.On, Mapping: mapping.Default(w.kind), Fence: l.Fence}
	})
	w.settle()
	w.alike()
}

// A deletion in the CRM stands that nobody heard of because the sync was off and its folder stayed.
func TestI4_WhatWasDeletedWhileTheSyncWasOffStaysDeleted(t *testing.T) {
	t.Parallel()
	for name, born := range map[string]func(w *world){
		"in the CRM": func(w *world) { w.insert("x", record.Fields{record.Mobile: "+55 11 90000-0001"}) },
		"in Outlook": func(w *world) { w.folder.Put("", record.Fields{"jobTitle": "x", "surname": "X"}) },
		"in two ways": func(w *world) {
			w.folder.Put("", record.Fields{"jobTitle": "x", "surname": "X", "mobilePhone": "11 90000 0001"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.insert("keep", nil)
			born(w)
			w.settle()
			w.offAndOn(func() {
				w.bin(w.live()["x"][0].ID)
				w.clock = w.clock.Add(time.Hour)
				w.folder.Put(w.ref("x"), nil) // Exchange touches items by itself
			})
			must(t, len(w.live()["x"])+len(w.items()["x"]), 0, "x on both sides")
			must(t, len(w.live()["keep"])+len(w.items()["keep"]), 2, "what was not deleted, on both sides")
		})
	}
}

// What somebody has worked on in Outlook comes back: an edit beats a deletion.
func TestI4_WhatWasWorkedOnWhileTheSyncWasOffComesBack(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(w *world, x record.Ref, id record.ID){
		"edited before the deletion": func(w *world, x record.Ref, id record.ID) {
			w.folder.Put(x, record.Fields{"department": "new"})
			w.clock = w.clock.Add(time.Hour)
			w.bin(id)
		},
		"edited after it": func(w *world, x record.Ref, id record.ID) {
			w.bin(id)
			w.clock = w.clock.Add(time.Minute)
			w.folder.Put(x, record.Fields{"department": "new"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.insert("keep", nil)
			x := w.folder.Put("", record.Fields{"jobTitle": "x", "surname": "X"})
			w.settle()
			w.offAndOn(func() { do(w, x, w.live()["x"][0].ID) })
			must(t, len(w.live()["x"]), 1, "records")
			must(t, len(w.items()["x"]), 1, "items")
		})
	}
}

// An item that is taken out of Deleted Items under a link that goes on comes back at once, whoever had it deleted.
func TestI4_AnUndeletedItemComesBack(t *testing.T) {
	t.Parallel()
	for name, del := range map[string]func(w *world, x record.Ref){
		"deleted in the CRM": func(w *world, _ record.Ref) { w.bin(w.live()["x"][0].ID) },
		"deleted in Outlook": func(w *world, x record.Ref) { w.folder.Delete(x) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.insert("keep", nil)
			x := w.folder.Put("", record.Fields{"jobTitle": "x", "surname": "X"})
			w.settle()
			del(w, x)
			w.settle()
			must(t, len(w.live()["x"])+len(w.items()["x"]), 0, "x on both sides")
			w.folder.Undelete(x)
			w.settle()
			w.alike()
			must(t, len(w.live()["x"]), 1, "records")
		})
	}
}

// A process that dies while it ends a link has ended it or not: a link that goes on knows its pairs, and what was deleted stays deleted.
func TestC1_ALinkThatEndsForgetsAndEndsAtOnce(t *testing.T) {
	t.Parallel()
	for plug := range 8 {
		w := newWorld(t)
		w.insert("keep", nil)
		x := w.insert("x", nil)
		w.settle()
		w.bin(x)
		w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
		w.closed, w.plug = fault.New(fault.Denied, fault.ConsentRequired, "nobody is let in"), plug
		_ = w.run() // what came of it is what is true afterwards
		w.closed = nil
		for range 3 {
			_ = w.run()
		}
		must(t, w.ledger.Link(1).State, reconcile.Off, fmt.Sprint("state, killed at ", plug))
		must(t, len(w.live()["x"]), 0, fmt.Sprint("records of x, killed at ", plug))
		must(t, len(w.ledger.All(1)), 0, fmt.Sprint("pairs, killed at ", plug))
	}
}

// I3, I4: an item that only a listing told of is made a record once, and its deletion stands, wherever the process dies in between.
func TestC1_AnItemOfAListingThatIsDeletedBeforeItWasNoted(t *testing.T) {
	t.Parallel()
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		for plug := range 24 {
			w := newWorldOf(t, kind)
			x := record.Fields{"jobTitle": "x", "surname": "X"}
			if kind == record.Calendar {
				x = record.Fields{"subject": "x", "start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z", "isAllDay": "false", "timeZone": "UTC"}
			}
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			w.settle()
			ref := w.folder.Smuggle(x)
			w.plug = plug
			_, _ = w.runner.Audit(context.Background(), 1, false) // what came of it is what is true afterwards
			if w.dead {
				w.dead, w.clock = false, w.clock.Add(time.Hour)
			}
			w.plug = -1
			w.folder.Delete(ref)
			w.settle()
			if _, err := w.runner.Audit(context.Background(), 1, false); err != nil {
				t.Fatal(err)
			}
			w.settle()
			what := fmt.Sprintf("%s, killed at %d", kind, plug)
			must(t, len(w.live()["x"]), 0, "records: "+what)
			must(t, len(w.items()["x"]), 0, "items: "+what)
			must(t, w.folder.Creates, 0, "creates at Microsoft: "+what)
		}
	}
}

// A record is deleted in the CRM, and right then its sync is switched off; the folder stays, for the sake of a question. The record's item,
// which was there before the sync and has no mark, goes first, as it would have gone a moment later, and is no new record to the next link.
// What the brake would hold stays.
func TestI4_WhatWasDeletedBeforeSwitchingOffGoesFromAFolderThatStays(t *testing.T) {
	t.Parallel()
	for _, heard := range []bool{false, true} {
		for _, n := range []int{1, 12} {
			w := newWorld(t)
			w.insert("a", mail("kim@x.example"))
			w.insert("b", mail("kim@x.example"))
			w.insert("keep", nil)
			w.folder.Put("", contact("kim", "kim@x.example"))
			for i := range n {
				w.insert(fmt.Sprint("x", i), mail(fmt.Sprint("x", i, "@x.example")))
				w.folder.Put("", contact(fmt.Sprint("x", i), fmt.Sprint("x", i, "@x.example")))
			}
			w.quiet()
			must(t, len(w.asks()), 1, "questions")
			must(t, len(w.folder.Items()), n+2, "items")
			for i := range n {
				w.bin(w.live()[fmt.Sprint("x", i)][0].ID)
			}
			off := func() { w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching }) }
			if heard {
				w.settled = off // the run that hears of it notes it, and no more
				_ = w.run()
				w.settled = nil
			} else {
				off()
			}
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			must(t, w.ledger.Link(1).Reason, fault.KeptInOutlook, "why the folder stays")
			must(t, len(w.folder.Items()), map[int]int{1: 2, 12: 14}[n], "items that stay")
		}
	}
}
