package reconcile_test

import (
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
)

// FIELD-FAILURES 129: a record that the other side always refuses is tried ever more rarely and then no more, until it changes; the
// rest of the link never notices.
func TestFF129_ARecordThatIsAlwaysRefusedIsLeftForAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("good", nil)
	w.quiet()
	tries, refuse := 0, true
	w.fails = func(point string) error {
		if point == "before write" && refuse {
			tries++
			return fault.New(fault.Invalid, fault.Refused, "the item cannot be saved")
		}
		return nil
	}
	bad := w.insert("bad", nil)
	var last time.Time
	for began := w.clock; w.clock.Before(began.AddDate(0, 1, 0)); w.clock = w.clock.Add(29 * time.Minute) {
		before := tries
		if err := w.run(); err != nil {
			t.Fatalf("the run failed: %v", err)
		}
		if tries > before {
			last = w.clock
		}
	}
	if tries < 3 || tries > 10 {
		t.Errorf("it was tried %d times in a month", tries)
	}
	if w.clock.Sub(last) < 20*24*time.Hour {
		t.Errorf("it was tried last %v ago", w.clock.Sub(last))
	}
	var pair reconcile.Pair
	for _, p := range w.ledger.All(1) {
		if p.CRM == bad.Ref() {
			pair = p
		}
	}
	if pair.State != reconcile.Parked || pair.Reason != fault.Refused || pair.Detail == "" || !pair.RetryAt.IsZero() {
		t.Errorf("it stands as %+v", pair)
	}
	must(t, w.ledger.Link(1).Synced, 1, "records in step")

	// Changed, it has its chance again.
	refuse = false
	w.edit(bad, nil)
	w.edit(bad, mail("bad@x.example"))
	w.settle()
	w.alike()
	must(t, len(w.items()["bad"]), 1, "items of it")
}
