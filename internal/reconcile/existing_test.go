package reconcile_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memside"
)

// What was over when the link began stays out of a person's own calendar until it is changed: of series the last occurrence
// counts, of days the zone farthest west.
func TestS15_WhatWasOverStaysOut(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	before, after := since.Add(-time.Hour), since.Add(time.Second)
	for _, row := range []struct {
		name             string
		start, end, rule string
		modified         time.Time
		colleagues, out  bool
	}{
		{"over", "2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z", "", before, false, true},
		{"over this very moment", "2026-11-22T07:00:00Z", "2026-11-22T09:00:00Z", "", before, false, true},
		{"over, and changed since", "2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z", "", after, false, false},
		{"going on", "2026-11-22T07:00:00Z", "2026-11-22T09:30:00Z", "", before, false, false},
		{"to come", "2027-11-22T07:00:00Z", "2027-11-22T09:30:00Z", "", before, false, false},
		{"a day that is over", "2026-11-21", "2026-11-21", "", before, false, true},
		{"a day that still goes on in the west", "2026-11-21", "2026-11-22", "", before, false, false},
		{"a series that is over", "2020-01-06T07:00:00Z", "2020-01-06T08:00:00Z", "FREQ=WEEKLY;BYDAY=MO;COUNT=10", before, false, true},
		{"a series that is over this week", "2026-11-02T07:00:00Z", "2026-11-02T08:00:00Z", "FREQ=WEEKLY;BYDAY=MO;COUNT=4", before, false, false},
		{"a series until later", "2020-01-06T07:00:00Z", "2020-01-06T08:00:00Z", "FREQ=WEEKLY;BYDAY=MO;UNTIL=2027-01-01", before, false, false},
		{"an endless series", "2000-05-06", "2000-05-07", "FREQ=YEARLY", before, false, false},
		{"a series that nobody understands", "2020-01-06T07:00:00Z", "2020-01-06T08:00:00Z", "FREQ=SOMETIMES", before, false, false},
		{"without a time", "", "", "", before, false, false},
		{"a colleague's, to come", "2027-11-22T07:00:00Z", "2027-11-22T09:30:00Z", "", after, true, true},
	} {
		item := reconcile.Item{Pair: &reconcile.Pair{Microsoft: "A"}, Theirs: &record.Change{Ref: "A", State: record.Present, Modified: row.modified, Colleagues: row.colleagues, Fields: record.Fields{
			record.EventTitle: "x", record.Start: record.Value(row.start), record.End: record.Value(row.end), record.Recurring: record.Value(row.rule),
		}}}
		rules := reconcile.Rules{User: adele, Kind: record.Calendar, Fields: mapping.Default(record.Calendar).Fields(), Since: since}
		if got := reconcile.Plan(rules, []reconcile.Item{item})[0]; got.Verb != reconcile.CreateCRM {
			t.Errorf("%s, in a dedicated calendar: %s", row.name, got.Verb)
		}
		rules.Policy.Calendar = "own"
		want := map[bool]reconcile.Verb{true: reconcile.Leave, false: reconcile.CreateCRM}[row.out]
		if got := reconcile.Plan(rules, []reconcile.Item{item})[0]; got.Verb != want {
			t.Errorf("%s: %s, want %s", row.name, got.Verb, want)
		}
	}
}

// TestFF118_APrivateCalendarDoesNotFloodTheCRM: the first sync of a calendar that was there before stops and asks before it makes
// a thousand records, and a preview says so; with a yes it goes on where it stopped.
func TestFF118_APrivateCalendarDoesNotFloodTheCRM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Calendar = "own" })
	for i := range 1300 {
		name := record.Value(fmt.Sprint("n", i))
		w.folder.Put("", record.Fields{"surname": name, "jobTitle": name})
	}
	if err := w.run(); fault.ReasonOf(err) != fault.TooManyCreates {
		t.Fatalf("the first sync: %v", err)
	}
	link := w.ledger.Link(1)
	if n := len(w.live()); n > 1000 || link.State != reconcile.Paused || link.Reason != fault.TooManyCreates {
		t.Fatalf("%d records, %s for %s", n, link.State, link.Reason)
	}
	w.ledger.Change(1, func(l *reconcile.Link) {
		l.State, l.Reason, l.GrowthUntil = reconcile.On, "", w.clock.Add(24*time.Hour)
	})
	w.settle()
	must(t, len(w.live()), 1300, "records after the yes")
	w.alike()
}

// S24, in a calendar that was there before: wherever the process dies while the link is switched off, in the end all that Tandem
// made is gone from Outlook, all that the person made is there, and the CRM has everything once.
func TestS24_SwitchingOffTakesOnlyWhatTandemMade(t *testing.T) {
	t.Parallel()
	for plug := 0; ; plug++ {
		w := newWorld(t)
		w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Calendar = "own" })
		w.insert("ours", nil)
		w.insert("ours too", nil)
		w.insert("both", record.Fields{record.EmailField: "both@contoso.example"})
		w.folder.Put("", contact("both", "both@contoso.example"))
		w.folder.Put("", contact("theirs", "theirs@contoso.example"))
		w.settle()
		must(t, len(w.items()), 4, "items while it is on")
		w.folder.Put(w.ref("ours"), record.Fields{"department": "typed a second ago"})
		w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
		w.plug = plug
		died := w.run() != nil
		w.plug = -1
		for range 3 {
			if w.ledger.Link(1).State == reconcile.Switching {
				if err := w.run(); err != nil {
					t.Fatal(err)
				}
			}
		}
		must(t, w.ledger.Link(1).State, reconcile.Off, "state")
		must(t, w.ledger.Link(1).Reason, fault.OwnKept, "reason")
		must(t, w.removed, 0, "containers that were removed")
		items := w.items()
		if len(items) != 2 || len(items["both"]) != 1 || len(items["theirs"]) != 1 {
			t.Fatalf("cut off after %d effects, Outlook has %v", plug, items)
		}
		live := w.live()
		if len(live) != 4 || live["ours"][0].Fields[record.Department] != "typed a second ago" {
			t.Fatalf("cut off after %d effects, the CRM has %v", plug, live)
		}
		if !died {
			return
		}
	}
}

// S15, from a calendar that was there before to a dedicated one, and back: wherever the process dies, in the end each record is in
// Outlook once. What Tandem made has moved to the dedicated calendar; what was the person's own stays where it is, until it is
// changed in the CRM.
func TestS15_FromACalendarOfOnesOwnToADedicatedOne(t *testing.T) {
	t.Parallel()
	for plug := 0; ; plug++ {
		w := newWorld(t)
		w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Calendar = "own" })
		w.insert("ours", nil)
		both := w.insert("both", record.Fields{record.EmailField: "both@contoso.example"})
		edited := w.insert("edited", record.Fields{record.EmailField: "edited@contoso.example"})
		own, dedicated := w.folder, w.newFolder()
		for _, name := range []string{"both", "edited", "theirs"} {
			own.Put("", contact(name, name+"@contoso.example"))
		}
		w.settle()
		must(t, len(w.items()), 4, "items while it lives in the own calendar")
		left := w.plug
		w.plug = plug
		died := false
		// until runs to a state, in which the link is given another calendar.
		until := func(state reconcile.LinkState, change func(*reconcile.Link)) {
			t.Helper()
			w.ledger.Change(1, change)
			for range 4 {
				if err := w.run(); errors.Is(err, errDead) {
					died = true
				} else if err != nil {
					t.Fatal(err)
				} else if state == reconcile.On || w.ledger.Link(1).State == state {
					return
				}
			}
			t.Fatalf("cut off after %d effects, it is %s", plug, w.ledger.Link(1).State)
		}
		off := func(l *reconcile.Link) { l.State = reconcile.Switching }
		on := func(folder *memside.Side, calendar record.Ref) func(*reconcile.Link) {
			return func(l *reconcile.Link) {
				l.State, l.Reason, l.Container, l.Policy.Calendar, l.Settled, l.CRM, l.Microsoft = reconcile.On, "", "", calendar, false, "", ""
				w.folder = folder
			}
		}
		until(reconcile.Off, off)
		w.folder = dedicated
		until(reconcile.On, on(dedicated, ""))
		w.plug = left
		w.edit(edited, record.Fields{record.Department: "changed in the CRM"})
		w.settle()
		if items := w.items(); len(items) != 2 || len(items["ours"]) != 1 || len(items["edited"]) != 1 {
			t.Fatalf("cut off after %d effects, the dedicated calendar has %v", plug, items)
		}
		if n := len(own.Items()); n != 3 || len(w.live()) != 4 {
			t.Fatalf("cut off after %d effects, the own calendar has %d items and the CRM %v", plug, n, w.live())
		}
		w.edit(both, record.Fields{record.Department: "later"})
		w.settle()
		must(t, len(w.items()), 3, "items once another one was changed")

		// Back: what is there is known again, and nothing is doubled.
		until(reconcile.Off, off)
		for ref := range dedicated.Items() { // with the container
			dedicated.Delete(ref)
		}
		until(reconcile.On, on(own, "own"))
		w.settle()
		w.alike()
		must(t, len(w.live()), 4, "records in the end")
		if !died {
			return
		}
	}
}

// S15: an event in Outlook is the CRM's if it has the title and takes place at the same time.
func TestS15_EventsAreRecognized(t *testing.T) {
	t.Parallel()
	base := record.Fields{
		record.EventTitle: "Visita à Fábrica", record.Start: "2031-05-05T12:00:00Z", record.End: "2031-05-05T13:00:00Z", record.TimeZone: "America/Sao_Paulo",
	}
	weekly := base.With(record.Fields{record.Recurring: "FREQ=WEEKLY;BYDAY=MO;COUNT=3"})
	for name, row := range map[string]struct {
		a, b record.Fields
		same bool
	}{
		"the same":            {base, base, true},
		"other letters":       {base, base.With(record.Fields{record.EventTitle: "visita a fabrica!"}), true},
		"another zone's name": {base, base.With(record.Fields{record.TimeZone: "America/Fortaleza"}), true},
		"another place":       {base, base.With(record.Fields{record.Venue: "Sala 2"}), true},
		"another title":       {base, base.With(record.Fields{record.EventTitle: "Visita"}), false},
		"a minute later":      {base, base.With(record.Fields{record.Start: "2031-05-05T12:01:00Z"}), false},
		"longer":              {base, base.With(record.Fields{record.End: "2031-05-05T14:00:00Z"}), false},
		"a series":            {base, weekly, false},
		"the same series":     {weekly, weekly, true},
		"a longer series":     {weekly, base.With(record.Fields{record.Recurring: "FREQ=WEEKLY;BYDAY=MO;COUNT=4"}), false},
		"without a time":      {base, record.Fields{record.EventTitle: "Visita à Fábrica"}, false},
	} {
		if crm.SameEvent(row.a, row.b) != row.same || crm.SameEvent(row.b, row.a) != row.same {
			t.Errorf("%s: want %t", name, row.same)
		}
	}
}
