package storetest

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A "no" to held deletions brings their items back among those that the link knows.
func testKnownAfterNo(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	l := w.run(id)
	var entries []reconcile.Entry
	for i := range 20 {
		p := pair(record.Ref(fmt.Sprint("c", i)), record.Ref(fmt.Sprint("m", i)))
		p.State, p.Reason, p.MissingSide = reconcile.Waiting, fault.HeldDelete, reconcile.InMicrosoft
		entries = append(entries, reconcile.Entry{Pair: p})
	}
	w.settle(l, entries...)
	l.State, l.Reason = reconcile.Held, fault.TooManyDeletes
	w.served(l)
	ok(t, s.AllowDeletes(ctx, w.ours, id, false))
	l = w.run(id)
	pairs := must(w.Ledger().Pairs(ctx, l, 0, 100))(t)
	entries = nil
	for i, p := range pairs { // the run makes them anew
		p.State, p.Reason, p.Microsoft = reconcile.Synced, "", record.Ref(fmt.Sprint("new", i))
		entries = append(entries, reconcile.Entry{Pair: p})
	}
	w.settle(l, entries...)
	w.served(l)
	if got := w.reload(l); got.Known != 20 {
		t.Errorf("20 items are in the container, the ledger knows of %d", got.Known)
	}
}

// Links that fail again and again do not keep the others from being polled.
func testDueIsFair(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	sick := []reconcile.LinkID{w.link(w.ana, record.Contacts).ID, w.link(w.ana, record.Calendar).ID}
	healthy := w.link(w.bob, record.Contacts).ID
	w.served(w.run(healthy))
	for range 5 {
		w.clock.pass(10 * time.Minute)
		due := must(s.Due(ctx, w.clock.Now(), 2))(t)
		for _, id := range due {
			if id == healthy {
				return
			}
		}
		ok(t, s.Wake(ctx, due...))
		for _, id := range sick { // their runs fail: LastRun stays, the job sleeps
			ok(t, w.Ledger().Close(ctx, w.run(id)))
		}
	}
	t.Error("a link in good health was never polled")
}
