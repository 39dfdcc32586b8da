package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// many makes contacts in the CRM in one go.
func (w *world) many(prefix string, n int) {
	w.t.Helper()
	var drafts []crm.Draft
	for i := range n {
		name := record.Value(fmt.Sprint(prefix, i))
		drafts = append(drafts, crm.Draft{Fields: record.Fields{record.LastName: name, record.Title: name}})
	}
	if _, err := w.crm.Insert(w.t.(*testing.T).Context(), w.actor(), record.Contacts, drafts); err != nil {
		w.t.Fatalf("insert %d: %v", n, err)
	}
}

// A link that would make far more within a day than there is reason for stops before it does, whatever the cause, in one run
// or in many, and goes on when its person says so. The first sync is no cause.
func TestFF118_ALinkThatMultipliesStopsAndAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.many("first", 1500)
	w.settle()
	must(t, len(w.items()), 1500, "items after the first sync")
	w.clock = w.clock.Add(25 * time.Hour)

	// Something copies the folder's contacts, a few hundred at a time, and no run has too many of them.
	for round := range 3 {
		for i := range 300 {
			name := record.Value(fmt.Sprintf("copy%d-%d", round, i))
			w.folder.Put("", record.Fields{"surname": name, "jobTitle": name})
		}
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
	}
	must(t, len(w.live()), 2400, "records before the alarm")
	w.many("typed", 150) // what people put into the CRM is no reason
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, len(w.items()), 2550, "items before the alarm")
	for i := range 150 {
		name := record.Value(fmt.Sprint("copy", i))
		w.folder.Put("", record.Fields{"surname": name, "jobTitle": name})
	}
	err := w.run()
	link := w.ledger.Link(1)
	if !fault.Is(err, fault.Denied) || link.State != reconcile.Paused || link.Reason != fault.TooManyCreates {
		t.Fatalf("%v, %s %s", err, link.State, link.Reason)
	}
	n := len(w.live())
	if n > 1500+1000+150 {
		t.Errorf("%d records after the alarm", n)
	}
	if err := w.run(); err != nil || len(w.live()) != n {
		t.Errorf("a paused link runs: %v, %d records", err, len(w.live()))
	}
	// Made to run without a yes, it stops again.
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.On })
	if err := w.run(); !fault.Is(err, fault.Denied) || len(w.live()) != n {
		t.Errorf("without a yes: %v, %d records", err, len(w.live()))
	}
	// With one nothing has been lost.
	w.ledger.Change(1, func(l *reconcile.Link) {
		l.State, l.Reason, l.GrowthUntil = reconcile.On, "", w.clock.Add(24*time.Hour)
	})
	w.settle()
	must(t, len(w.live()), 2700, "records after the yes")
	w.alike()
}

// Whoever loads thousands of records into the CRM while the sync is on is not asked, up to as many as a first sync sends.
func TestFF118_ALoadedCRMIsAskedAboutBeyondTheCap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.many("first", 20)
	w.settle()
	w.many("load", 1200)
	w.settle()
	must(t, len(w.items()), 1220, "items")
	w.ledger.Change(1, func(l *reconcile.Link) {
		l.Recent = reconcile.Recent{{Hour: w.clock.Unix() / 3600, Sent: reconcile.FirstSyncContacts - 10}}
	})
	w.many("more", 11)
	if err := w.run(); fault.ReasonOf(err) != fault.TooManyCreates {
		t.Errorf("beyond the cap: %v", err)
	}
	must(t, len(w.items()), 1220, "items beyond the cap")
}

// Switching off never fills the CRM either: what is unread stays in Outlook.
func TestFF118_SwitchingOffLeavesTheCopiesInOutlook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.many("first", 20)
	w.settle()
	for i := range 1200 {
		name := record.Value(fmt.Sprint("copy", i))
		w.folder.Put("", record.Fields{"surname": name, "jobTitle": name})
	}
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	link := w.ledger.Link(1)
	if link.State != reconcile.Off || link.Reason != fault.KeptInOutlook || w.removed != 0 {
		t.Errorf("%s %s, %d containers removed", link.State, link.Reason, w.removed)
	}
	if n := len(w.live()); n > 1020 {
		t.Errorf("%d records in the CRM", n)
	}
}

// A bulk deletion that comes in as many small runs is asked about like one that comes at once; after a yes the count begins anew.
func TestI5_DeletionsOfADayAreCountedTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.many("c", 100)
	w.settle()
	gone := 0
	drop := func(n int) {
		t.Helper()
		for range n {
			w.folder.Delete(w.ref(fmt.Sprint("c", gone)))
			gone++
		}
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		drop(2)
	}
	must(t, w.ledger.Link(1).State, reconcile.On, "after ten")
	drop(1)
	link := w.ledger.Link(1)
	if link.State != reconcile.Held || link.Reason != fault.TooManyDeletes || link.Waiting != 1 || len(w.live()) != 90 {
		t.Fatalf("after eleven: %s %s, %d wait, %d records", link.State, link.Reason, link.Waiting, len(w.live()))
	}
	w.answer(true)
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, len(w.live()), 89, "records after the yes")
	drop(4)
	must(t, w.ledger.Link(1).State, reconcile.On, "after a yes and four more")
	w.clock = w.clock.Add(25 * time.Hour)
	drop(4)
	must(t, w.ledger.Link(1).State, reconcile.On, "on the next day")
	must(t, len(w.live()), 81, "records at last")
}

// Graph's ids differ by the case of letters alone: two that do are two contacts, through every change.
func TestFF48_IdsThatDifferByLetterCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lower := w.folder.Put("AAMkAGab=", record.Fields{"surname": "Lower", "jobTitle": "lower"})
	upper := w.folder.Put("AAMkAGAb=", record.Fields{"surname": "Upper", "jobTitle": "upper"})
	own := w.insert("own", nil)
	w.settle()
	w.alike()
	w.folder.Put(lower, record.Fields{"department": "small"})
	w.edit(own, record.Fields{record.Department: "ours"})
	w.settle()
	w.alike()
	if got := w.live()["upper"][0].Fields[record.Department]; got != "" {
		t.Errorf("the other one has %q", got)
	}
	w.folder.Delete(upper)
	w.settle()
	w.alike()
	must(t, len(w.live()), 2, "records")
}
