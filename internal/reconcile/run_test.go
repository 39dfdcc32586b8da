package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memside"
)

func TestS29_BothDirections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("a", record.Fields{record.Mobile: "+55 11 91234-5678"})
	w.folder.Put("", record.Fields{"jobTitle": "b", "surname": "Bowen", "givenName": "Megan"})
	w.settle()
	w.alike()
	must(t, len(w.items()), 2, "records at Microsoft")

	w.edit(id, record.Fields{record.Department: "Sales"})
	w.folder.Put(w.ref("b"), record.Fields{"department": "Legal"})
	w.settle()
	w.alike()
	must(t, w.live()["b"][0].Fields[record.Department], "Legal", "edit made in Outlook")
	must(t, w.items()["a"][0][record.Department], "Sales", "edit made in the CRM")

	w.bin(id)
	w.settle()
	must(t, len(w.items()), 1, "items after a delete in the CRM")
	w.folder.Delete(w.ref("b"))
	w.settle()
	must(t, len(w.live()), 0, "records after a delete in Outlook")
}

func TestL2L3_OneWriteAChangeAndThenQuiet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("a", nil)
	w.settle()
	folder, store := w.folder.Writes, w.store.Writes()
	w.edit(id, record.Fields{record.Mobile: "1"})
	w.settle()
	must(t, w.folder.Writes-folder, 1, "writes at Microsoft for one change")
	must(t, w.store.Writes()-store, 1, "writes in the CRM (the person's own)")

	before, rows := w.writes(), w.ledger.Writes()
	for range 3 {
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
	}
	must(t, w.writes()-before+w.ledger.Writes()-rows, 0, "writes of quiet runs")
}

func TestI1_DifferentFieldsOfOneRecordMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("a", nil)
	w.settle()
	w.edit(id, record.Fields{record.Mobile: "ours"})
	w.folder.Put(w.ref("a"), record.Fields{"department": "theirs"})
	w.settle()
	w.alike()
	got := w.live()["a"][0].Fields
	must(t, got[record.Mobile], "ours", "field changed in the CRM")
	must(t, got[record.Department], "theirs", "field changed in Outlook")
	must(t, len(w.lost()), 0, "values lost")
}

func TestI1_TheLaterChangeWinsAndTheLoserIsKept(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		policy       reconcile.Winner
		outlookFirst bool
		want, lost   record.Value
	}{
		{"later, CRM last", reconcile.LaterWins, true, "ours", "theirs"},
		{"later, Outlook last", reconcile.LaterWins, false, "theirs", "ours"},
		{"Microsoft wins", reconcile.MicrosoftWins, true, "theirs", "ours"},
		{"CRM wins", reconcile.CRMWins, false, "ours", "theirs"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ledger.Change(1, func(l *reconcile.Link) { l.Policy.Winner = row.policy })
			id := w.insert("a", nil)
			w.settle()
			edits := []func(){
				func() { w.folder.Put(w.ref("a"), record.Fields{"department": "theirs"}) },
				func() { w.edit(id, record.Fields{record.Department: "ours"}) },
			}
			if !row.outlookFirst {
				edits[0], edits[1] = edits[1], edits[0]
			}
			for _, edit := range edits {
				w.clock = w.clock.Add(time.Second)
				edit()
			}
			w.settle()
			w.alike()
			must(t, w.live()["a"][0].Fields[record.Department], row.want, "the value that won")
			if !w.lost()[row.lost] {
				t.Errorf("%q is not in the history", row.lost)
			}
		})
	}
}

func TestS30_ANewOwnerTakesTheContactAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("a", nil)
	w.insert("b", nil)
	w.insert("c", nil)
	w.settle()
	w.give(id, alex)
	w.settle()
	must(t, len(w.items()["a"]), 0, "the former owner's item")
	for _, r := range w.store.All() {
		if r.ID == id && r.Deleted() {
			t.Error("the record was deleted in the CRM")
		}
	}
	w.give(id, adele)
	w.settle()
	w.alike()
	must(t, len(w.items()["a"]), 1, "the item, back with its owner")
}

func TestI4_AnEditBeatsADelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.insert("a", nil), w.insert("c", nil)
	b := w.insert("b", nil)
	w.settle()
	w.bin(a)
	w.folder.Put(w.ref("a"), record.Fields{"department": "edited in Outlook"})
	w.folder.Delete(w.ref("b"))
	w.edit(b, record.Fields{record.Department: "edited in the CRM"})
	w.settle()
	w.alike()
	must(t, w.live()["a"][0].Fields[record.Department], "edited in Outlook", "deleted in the CRM, edited in Outlook")
	must(t, w.live()["a"][0].ID, a, "the same record, restored")
	must(t, w.items()["b"][0][record.Department], "edited in the CRM", "deleted in Outlook, edited in the CRM")
}

func TestI5_TheBrakeHoldsManyDeletesAndLetsTheRestGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := map[int]record.ID{}
	for i := range 40 {
		ids[i] = w.insert(fmt.Sprint("k", i), nil)
	}
	w.settle()
	for i := range 11 {
		w.folder.Delete(w.ref(fmt.Sprint("k", i)))
	}
	w.edit(ids[20], record.Fields{record.Mobile: "meanwhile"})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	link := w.ledger.Link(1)
	must(t, link.State, reconcile.Held, "state")
	must(t, link.Waiting, 11, "deletions waiting")
	must(t, len(w.live()), 40, "records in the CRM")
	must(t, w.items()["k20"][0][record.Mobile], "meanwhile", "an ordinary change while held")
	must(t, link.Reason, fault.TooManyDeletes, "reason")

	w.edit(ids[3], record.Fields{record.Mobile: "needed"}) // an edit beats its deletion
	w.settle()
	w.alike()
	must(t, len(w.live()), 30, "records after a yes")
	must(t, w.ledger.Link(1).State, reconcile.On, "state after a yes")
}

func TestI5_OneSideEmptiedIsAQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.insert("a", nil)
	b := w.insert("b", nil)
	w.settle()
	w.bin(a)
	w.bin(b)
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.ledger.Link(1).State, reconcile.Held, "state")
	must(t, len(w.items()), 2, "items at Microsoft")
}

func TestI7_AnExpiredCursorLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 20 {
		w.insert(fmt.Sprint("k", i), nil)
	}
	w.settle()
	w.folder.Delete(w.ref("k3"))
	w.folder.Put(w.ref("k4"), record.Fields{"department": "new"})
	w.folder.Put("", record.Fields{"jobTitle": "fresh", "surname": "Fresh"})
	w.folder.Expire()
	w.settle()
	w.alike()
	must(t, len(w.live()), 20, "records")
	must(t, w.live()["k4"][0].Fields[record.Department], "new", "edit before the cursor expired")
	must(t, len(w.live()["k3"]), 0, "item deleted before the cursor expired")
}

func TestL5_LostPairsAreFoundAgainByTheMark(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 9 {
		w.insert(fmt.Sprint("ours", i), nil)
		w.folder.Put("", record.Fields{"jobTitle": record.Value(fmt.Sprint("theirs", i)), "surname": "T"})
	}
	w.settle()
	creates := w.folder.Creates
	w.ledger.DropPairs(1)
	w.ledger.Change(1, func(l *reconcile.Link) { l.Microsoft, l.CRM = "", "" })
	w.settle()
	w.alike()
	must(t, len(w.live()), 18, "records")
	must(t, w.folder.Creates-creates, 0, "items created anew")
}

func TestFieldFailure122_ACopyWithOurMarkIsARecordOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.settle()
	twin := w.folder.Copy(w.ref("a"))
	w.folder.Put(twin, record.Fields{"jobTitle": "copy"})
	w.settle()
	w.alike()
	must(t, len(w.live()), 2, "records")
}

func TestD9_ABadRecordStopsNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := make([]byte, 90)
	for i := range long {
		long[i] = 'x'
	}
	w.folder.Put("", record.Fields{"jobTitle": "bad", "surname": record.Value(long)}) // the CRM takes 80
	w.folder.Put("", record.Fields{"jobTitle": "good", "surname": "Good"})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, len(w.live()["good"]), 1, "the good record")
	pairs := w.ledger.All(1)
	link := w.ledger.Link(1)
	must(t, link.Failing, 0, "failing records")
	must(t, string(w.live()["bad"][0].Fields[record.LastName]), strings.Repeat("x", 80), "the name in the CRM, which demands one")
	told := 0
	for _, p := range pairs {
		if p.Reason == fault.TooLong && p.Detail == string(record.LastName) && p.State == reconcile.Synced {
			told++
		}
	}
	must(t, told, 1, "records that say what does not fit")
	w.folder.Put(w.ref("bad"), record.Fields{"surname": "Short"})
	w.settle()
	w.alike()
}

func TestDenied_PausesTheLinkAndKeepsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.settle()
	w.fails = func(string) error { return fault.New(fault.Denied, fault.ReconnectNeeded, "invalid_grant") }
	if err := w.run(); !fault.Is(err, fault.Denied) {
		t.Fatalf("got %v", err)
	}
	link := w.ledger.Link(1)
	must(t, link.State, reconcile.Paused, "state")
	must(t, link.Reason, fault.ReconnectNeeded, "reason")
	must(t, len(w.live()), 1, "records")

	w.fails = func(string) error { return fault.New(fault.Denied, fault.AppMisconfigured, "invalid_client") }
	w.ledger.Change(1, func(l *reconcile.Link) { l.State, l.Reason = reconcile.On, "" })
	if err := w.run(); err == nil {
		t.Fatal("no error")
	}
	must(t, w.ledger.Link(1).State, reconcile.On, "the operator's mistake disconnects nobody")
}

// What an administrator withholds, or a closed account: whatever opens the link says so before anything is read.
func TestDenied_WithheldSyncPausesAndGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, reason := range []fault.Reason{fault.SyncWithheld, fault.AccountDisabled} {
		w := newWorld(t)
		kept := w.insert("a", nil)
		w.settle()
		w.closed = fault.New(fault.Denied, reason, "the profile does not allow it")
		w.edit(kept, record.Fields{record.Department: "typed meanwhile"})
		before := w.folder.Writes + w.store.Writes()
		if err := w.run(); !fault.Is(err, fault.Denied) {
			t.Fatalf("got %v", err)
		}
		link := w.ledger.Link(1)
		must(t, link.State, reconcile.Paused, "state")
		must(t, link.Reason, reason, "reason")
		must(t, link.Container, "folder", "the container stays")
		must(t, len(w.items()["a"]), 1, "items in it")
		must(t, w.folder.Writes+w.store.Writes(), before, "records and items written")

		w.closed = nil
		w.ledger.Change(1, func(l *reconcile.Link) { l.State, l.Reason = reconcile.On, "" })
		w.settle()
		w.alike()
		must(t, w.items()["a"][0][record.Department], "typed meanwhile", "what was typed while it was withheld")
	}
}

// Somebody who has left cannot be asked any more: the link ends even if Microsoft lets nobody in, and the CRM stays whole.
func TestSwitchingOffEndsWhereMicrosoftDenies(t *testing.T) {
	t.Parallel()
	for _, reason := range []fault.Reason{fault.AccountDisabled, fault.ReconnectNeeded, fault.ConsentRequired, fault.MailboxUnavailable} {
		w := newWorld(t)
		w.insert("a", nil)
		w.settle()
		w.closed = fault.New(fault.Denied, reason, "denied")
		w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
		if err := w.run(); err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		must(t, w.ledger.Link(1).State, reconcile.Off, "state")
		must(t, w.ledger.Link(1).Reason, reason, "what is left behind is said")
		must(t, len(w.live()), 1, "records")
	}
}

func TestS36_ASyncThatWaitsForTheRemovalOfTheOneBeforeSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.closed = fault.New(fault.Unavailable, fault.StillRemoving, "it may still go")
	if err := w.run(); fault.ReasonOf(err) != fault.StillRemoving {
		t.Fatal(err)
	}
	must(t, w.ledger.Link(1).State, reconcile.On, "state")
	must(t, w.ledger.Link(1).Reason, fault.StillRemoving, "what is said")
	w.closed = nil
	w.settle()
	must(t, w.ledger.Link(1).Reason, "", "what is said afterwards")
	must(t, len(w.items()["a"]), 1, "items")
}

// What became of a create that was not answered cannot be found out any more: that keeps no link from ending.
func TestTheFolderIsGoneWhileACreateIsNotAnswered(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		state reconcile.LinkState
		err   error
		want  fault.Reason
	}{
		"deleted in Outlook":           {reconcile.On, fault.New(fault.Gone, fault.ContainerDeleted, "gone"), fault.ContainerDeleted},
		"removed by switching off":     {reconcile.Switching, fault.New(fault.Gone, fault.ContainerDeleted, "gone"), ""},
		"denied while it switches off": {reconcile.Switching, fault.New(fault.Denied, fault.ConsentRequired, "denied"), fault.ConsentRequired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.insert("a", nil)
			w.fails = func(point string) error {
				if point == "after write" {
					return fault.New(fault.Unavailable, fault.OutcomeUnknown, "the answer is lost")
				}
				return nil
			}
			_ = w.run()
			if len(w.ledger.All(1)) != 1 || w.ledger.All(1)[0].State != reconcile.Intended {
				t.Fatalf("the create is not open: %+v", w.ledger.All(1))
			}
			w.fails = func(string) error { return row.err }
			w.clock = w.clock.Add(time.Hour)
			w.ledger.Change(1, func(l *reconcile.Link) { l.State = row.state })
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			link := w.ledger.Link(1)
			must(t, link.State, reconcile.Off, "state")
			must(t, link.Reason, row.want, "reason")
			must(t, len(w.live()), 1, "records")
		})
	}
}

func TestS36_SwitchingOffReadsALastTimeAndKeepsTheCRM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.settle()
	w.folder.Put(w.ref("a"), record.Fields{"department": "typed a second ago"})
	w.folder.Put("", record.Fields{"jobTitle": "b", "surname": "new a second ago"})
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.ledger.Link(1).State, reconcile.Off, "state")
	must(t, len(w.ledger.All(1)), 0, "pairs")
	must(t, w.live()["a"][0].Fields[record.Department], "typed a second ago", "the last edit")
	must(t, len(w.live()["b"]), 1, "the last new contact")
}

func TestD8_AnotherWorkerIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.fails = func(point string) error {
		if point == "before write" { // the worker sleeps through its lease here, and another takes over
			w.fails = nil
			w.clock = w.clock.Add(time.Hour)
			if err := w.runner.Run(t.Context(), 1); err != nil {
				t.Errorf("the successor: %v", err)
			}
		}
		return nil
	}
	if err := w.run(); fault.ReasonOf(err) != fault.StaleLease {
		t.Fatalf("got %v", err)
	}
}

func TestThrottled_EndsTheRunAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.fails = throttled
	if err := w.run(); !fault.Is(err, fault.Throttled) {
		t.Fatalf("got %v", err)
	}
	w.fails = nil
	w.settle()
	w.alike()
}

// TestD9_ThrottlingIsNobodysFault: when the whole link is asked to wait, no record counts as failing.
func TestD9_ThrottlingIsNobodysFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.insert(fmt.Sprint("k", i), nil)
	}
	writes := 0
	w.folder.Fatal = func(point string) error {
		if writes++; point == "before write" && writes > 2 {
			return fault.Wait(time.Minute, "throttled")
		}
		return nil
	}
	if err := w.run(); !fault.Is(err, fault.Throttled) {
		t.Fatalf("got %v", err)
	}
	must(t, w.ledger.Link(1).Failing, 0, "failing records")
	w.folder.Fatal = nil
	w.settle()
	w.alike()
	must(t, w.folder.Creates, 5, "creates")
}

func TestS36_WhatNeverReachedTheCRMStaysInOutlook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := record.Value(strings.Repeat("x", 90)) // the CRM takes 80
	w.insert("a", nil)
	w.folder.Put("", record.Fields{"jobTitle": "b", "surname": long})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.ledger.Link(1).State, reconcile.Off, "state")
	must(t, w.ledger.Link(1).Reason, fault.KeptInOutlook, "reason")
	must(t, w.removed, 0, "folders removed")

	// An edit that the CRM refuses is such a thing too; once it fits, the folder goes.
	w = newWorld(t)
	w.insert("a", nil)
	w.settle()
	w.folder.Put(w.ref("a"), record.Fields{"surname": long})
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.removed, 0, "folders removed with an edit in them")
	w.ledger.Change(1, func(l *reconcile.Link) { l.State, l.Reason = reconcile.On, "" })
	w.clock = w.clock.Add(time.Minute)
	w.folder.Put(w.ref("a"), record.Fields{"surname": "Short"})
	w.settle()
	w.alike()
	w.ledger.Change(1, func(l *reconcile.Link) { l.State = reconcile.Switching })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	must(t, w.removed, 1, "folders removed")
	must(t, w.live()["a"][0].Fields[record.LastName], "Short", "the edit")
}

func TestRun_AFailingLinkSaysSo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  error
		want fault.Reason
	}{
		{fault.Wait(0, "throttled"), fault.MicrosoftAway},
		{fault.New(fault.Unavailable, "", "503"), fault.MicrosoftAway},
		{errors.New("anything"), fault.Trouble},
	} {
		w := newWorld(t)
		w.fails = func(string) error { return row.err }
		if err := w.run(); err == nil {
			t.Fatal("no error")
		}
		must(t, w.ledger.Link(1).Reason, row.want, "reason")
		must(t, w.ledger.Link(1).State, reconcile.On, "state")
		w.fails = nil
		w.settle()
		must(t, w.ledger.Link(1).Reason, fault.Reason(""), "reason after a good run")
	}
}

// TestI7_ACursorThatAlwaysExpiresEndsTheRun: a lying neighbour must not keep a run going for ever.
func TestI7_ACursorThatAlwaysExpiresEndsTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 20 { // several pages
		w.folder.Put("", record.Fields{"jobTitle": record.Value(fmt.Sprint("k", i)), "surname": "S"})
	}
	w.fails = func(point string) error {
		if point == "changes" {
			w.folder.Expire()
		}
		return nil
	}
	if err := w.run(); !fault.Is(err, fault.Gone) {
		t.Fatalf("got %v", err)
	}
	w.fails = nil
	w.settle()
	w.alike()
}

// Paused or switched off during a run: what people do from then on goes nowhere, and what was done before is remembered.
func TestI1_APauseStopsTheRunThatIsUnderWay(t *testing.T) {
	for _, to := range []reconcile.LinkState{reconcile.Paused, reconcile.Switching} {
		w := newWorld(t)
		first := w.insert("one", nil)
		w.settle()
		w.edit(first, record.Fields{record.LastName: "Before"})
		w.fails = func(point string) error {
			if point == "changes" { // Microsoft is read, the CRM is not yet
				w.ledger.Change(1, func(l *reconcile.Link) { l.State, l.Reason = to, fault.SyncWithheld; l.Wanted++ })
				w.edit(first, record.Fields{record.LastName: "After"})
			}
			return nil
		}
		writes := w.folder.Writes
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
		w.fails = nil
		if l := w.ledger.Link(1); w.folder.Writes != writes || l.State != to || l.LastError != "" || l.Done >= l.Wanted {
			t.Errorf("%s: %d writes; the link is %+v", to, w.folder.Writes-writes, l)
		}
		if to == reconcile.Paused {
			w.ledger.Change(1, func(l *reconcile.Link) { l.State, l.Reason = reconcile.On, "" })
			w.settle()
			w.alike()
		}
	}
}

// elsewhere is a folder that Microsoft has given another id.
type elsewhere struct {
	*memside.Side
	id record.Ref
}

func (e elsewhere) Container() record.Ref { return e.id }

type elsewhereSides struct {
	*world
	id record.Ref
}

func (s elsewhereSides) Microsoft(context.Context, *reconcile.Link) (reconcile.Side, error) {
	return elsewhere{s.folder, s.id}, nil
}

// FIELD-FAILURES 121: a link takes over its container's new id, and asks for notifications of that.
func TestFF121_ALinkTakesOverTheNewIDOfItsContainer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("a", nil)
	w.settle()
	subscribed := w.subscribed
	w.runner.Sides = elsewhereSides{w, "another"}
	w.settle()
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	w.alike()
	link := w.ledger.Link(1)
	must(t, link.Container, "another", "container")
	must(t, w.subscribed, subscribed+1, "subscriptions")
}
