package storetest

import (
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func testLeftOut(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	l := w.run(id)
	item := reconcile.Pair{Microsoft: "m1", State: reconcile.Parked, Reason: fault.Ambiguous, Name: "Somebody",
		Ask: &reconcile.Ask{Matches: []record.Ref{"7", "8"}, Theirs: record.Fields{record.LastName: "Somebody"}}}
	kept := reconcile.Pair{CRM: "7", State: reconcile.Excluded, Reason: fault.LeftOut}
	moved := reconcile.Pair{CRM: "9", State: reconcile.Excluded, Reason: fault.MovedOut}
	item = w.settle(l, reconcile.Entry{Pair: item}, reconcile.Entry{Pair: kept}, reconcile.Entry{Pair: moved})[0]
	w.served(l)
	if err := s.TakeBack(ctx, w.ours, id, "m1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an item that is asked about: %v", err)
	}
	ok(t, s.Decide(ctx, w.ours, id, "m1", reconcile.Ask{Out: true}))
	if asked, left := must(s.Asks(ctx, w.ours, id, 0, 9))(t), must(s.LeftOut(ctx, w.ours, id, 0, 9))(t); len(asked)+len(left) != 0 {
		t.Errorf("decided and not carried out: asked %v, left out %v", asked, left)
	}
	w.clock.pass(time.Hour)
	l = w.run(id)
	item.State, item.Reason, item.Ask = reconcile.Excluded, fault.LeftOut, &reconcile.Ask{Matches: item.Ask.Matches, Theirs: item.Ask.Theirs, Out: true}
	w.settle(l, reconcile.Entry{Pair: item})
	w.served(l)
	w.waker.take(t)

	left := must(s.LeftOut(ctx, w.ours, id, 0, 9))(t)
	if len(left) != 1 || left[0].Microsoft != "m1" || left[0].Name != "Somebody" || !left[0].Since.Equal(w.clock.Now()) || !left[0].Ask.Out {
		t.Fatalf("left out: %+v", left)
	}
	if page := must(s.LeftOut(ctx, w.ours, id, 1, 9))(t); len(page) != 0 {
		t.Errorf("the second page: %+v", page)
	}
	for what, err := range map[string]error{
		"another organization": s.TakeBack(ctx, w.theirs, id, "m1"), "no item": s.TakeBack(ctx, w.ours, id, ""), "another item": s.TakeBack(ctx, w.ours, id, "m2"),
		"another organization's list": second(s.LeftOut(ctx, w.theirs, id, 0, 9)),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	before := w.reload(l)
	ok(t, s.TakeBack(ctx, w.ours, id, "m1"))
	after := w.reload(l)
	if after.ExcludedSum != before.ExcludedSum-1 || after.Failing != before.Failing+1 || after.Known != before.Known || len(w.waker.take(t)) != 1 {
		t.Errorf("taken back: from %+v to %+v", before, after)
	}
	l = w.run(id)
	due := must(w.Ledger().PairsInState(ctx, l, reconcile.Parked, w.clock.Now(), 0, 9))(t)
	if len(due) != 1 || due[0].Ask.Out || due[0].Reason != fault.Ambiguous {
		t.Errorf("due is %+v", due)
	}
	w.served(l)
	if err := s.TakeBack(ctx, w.ours, id, "m1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken back twice: %v", err)
	}

	// What is taken back while a run is at it, which knows it as left out, is taken back.
	ok(t, s.Decide(ctx, w.ours, id, "m1", reconcile.Ask{Out: true}))
	l = w.run(id)
	w.settle(l, reconcile.Entry{Pair: item})
	ok(t, s.TakeBack(ctx, w.ours, id, "m1"))
	w.settle(l, reconcile.Entry{Pair: item})
	w.served(l)
	if asked, left := must(s.Asks(ctx, w.ours, id, 0, 9))(t), must(s.LeftOut(ctx, w.ours, id, 0, 9))(t); len(asked) != 1 || len(left) != 0 {
		t.Errorf("taken back during a run: asked %v, left out %v", asked, left)
	}
}
