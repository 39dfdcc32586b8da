package storetest

import (
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Runs that follow each other and settle nothing are followed by rests of rising length. Whoever else wants the link has it
// at once, and what is found to do ends them.
func testRest(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	w.served(w.run(id))
	w.waker.take(t)
	run := func(settle bool) time.Duration {
		t.Helper()
		l := w.run(id)
		ok(t, s.Notified(ctx, id)) // during the run
		if n := len(w.waker.take(t)); n != 0 {
			t.Errorf("%d jobs beside a run", n)
		}
		if settle {
			w.settle(l, reconcile.Entry{Pair: pair(record.Ref(time.Now().String()), record.Ref(time.Now().String()))})
		}
		w.served(l)
		if n := len(w.waker.take(t)); n != 1 {
			t.Fatalf("%d jobs for a wake during a run", n)
		}
		until, idle, err := s.Rest(ctx, id)
		ok(t, err)
		if idle {
			t.Fatal("a wake is not served, and the job has nothing to do")
		}
		if until.IsZero() {
			return 0
		}
		rest := until.Sub(w.clock.Now())
		ok(t, s.Notified(ctx, id))
		if n := len(w.waker.take(t)); n != 0 {
			t.Errorf("%d jobs beside one that rests", n)
		}
		w.clock.pass(rest)
		if until, _, err := s.Rest(ctx, id); err != nil || !until.IsZero() {
			t.Errorf("after its rest it rests until %v, %v", until, err)
		}
		return rest.Round(time.Millisecond)
	}
	rests := func(settle bool, want ...time.Duration) {
		t.Helper()
		for i, w := range want {
			if got := run(settle); got != w {
				t.Errorf("after run %d a rest of %v, want %v", i+1, got, w)
			}
		}
	}
	rests(false, 0, 0, time.Second, 2*time.Second, 4*time.Second, 4*time.Second) // the first one above was empty, too
	rests(true, 0)
	rests(false, 0, 0, 0, time.Second, 2*time.Second)

	// A person's edit does not wait for it, and then the job that slept has nothing left to do.
	l := w.run(id)
	ok(t, s.Notified(ctx, id))
	w.served(l)
	w.waker.take(t)
	if until, _, err := s.Rest(ctx, id); err != nil || until.IsZero() {
		t.Fatal("no rest", err)
	}
	if _, err := w.Records().Insert(ctx, w.by(w.ana), []crm.Record{w.contact(w.ana, "x")}); err != nil {
		t.Fatal(err)
	}
	if n := len(w.waker.take(t)); n != 1 {
		t.Errorf("%d jobs for an edit during a rest", n)
	}
	if until, idle, err := s.Rest(ctx, id); err != nil || idle || !until.IsZero() {
		t.Errorf("after an edit it rests until %v, %v, %v", until, idle, err)
	}
	w.served(w.run(id))
	if _, idle, err := s.Rest(ctx, id); err != nil || !idle {
		t.Error("a job without a wake runs", err)
	}

	// Nor does it wait if the job had not been looked at yet.
	for range 4 {
		w.served(w.run(id))
	}
	ok(t, s.Notified(ctx, id))
	ok(t, s.Wake(ctx, id))
	if until, idle, err := s.Rest(ctx, id); err != nil || idle || !until.IsZero() {
		t.Errorf("woken, it rests until %v, %v, %v", until, idle, err)
	}

	// Runs far from each other are not in a row.
	for range 9 {
		w.clock.pass(time.Minute)
		w.served(w.run(id))
	}
	w.waker.take(t)
	ok(t, s.Notified(ctx, id))
	if until, _, err := s.Rest(ctx, id); err != nil || !until.IsZero() {
		t.Errorf("a quiet link rests until %v, %v", until, err)
	}

	// A job that sleeps after a fault goes on sleeping.
	l = w.run(id)
	l.LastError = "throttled"
	l.Wanted++
	ok(t, w.Ledger().Close(ctx, l))
	ok(t, s.Postpone(ctx, id, w.clock.Now().Add(time.Minute)))
	w.waker.take(t)
	ok(t, s.Wake(ctx, id))
	if n := len(w.waker.take(t)); n != 0 {
		t.Errorf("%d jobs for a link that is throttled", n)
	}
}
