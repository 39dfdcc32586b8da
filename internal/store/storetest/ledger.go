package storetest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func testFence(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	id := w.link(w.ana, record.Contacts).ID
	if _, err := s.Open(ctx, 99, w.clock.Now(), time.Minute); !fault.Is(err, fault.NotFound) {
		t.Errorf("no link: %v", err)
	}
	old := w.run(id)
	if old.Fence != 1 || old.Org != w.ours || old.User != w.ana || old.State != reconcile.On || old.Wanted != 1 || old.Mapping.Kind != record.Contacts {
		t.Errorf("opened %+v", old)
	}
	if _, err := s.Open(ctx, id, w.clock.Now().Add(59*time.Second), time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second worker: %v", err)
	}
	ok(t, s.Renew(ctx, old, w.clock.Now().Add(2*time.Minute)))
	if _, err := s.Open(ctx, id, w.clock.Now().Add(time.Minute), time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("after Renew: %v", err)
	}
	pairs := w.settle(old, reconcile.Entry{Pair: pair("c1", "m1")})
	w.clock.pass(2 * time.Minute)

	// The worker has slept through its lease; of many others one takes over.
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			l, err := s.Open(ctx, id, w.clock.Now(), time.Minute)
			if err == nil && l.Fence == 2 {
				won.Add(1)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d of 8 workers opened the link", won.Load())
	}
	old.CRM, old.State, old.Done = "stale", reconcile.Off, 7
	for what, err := range map[string]error{
		"Renew":        s.Renew(ctx, old, w.clock.Now().Add(time.Hour)),
		"PairsByRef":   second(s.PairsByRef(ctx, old, reconcile.InCRM, []record.Ref{"c1"})),
		"PairsInState": second(s.PairsInState(ctx, old, reconcile.Synced, time.Time{}, 0, 9)),
		"Pairs":        second(s.Pairs(ctx, old, 0, 9)),
		"Intend":       second(s.Intend(ctx, old, []reconcile.Intent{{Token: "t"}})),
		"OpenIntents":  second(s.OpenIntents(ctx, old)),
		"Settle":       s.Settle(ctx, old, 0, []reconcile.Entry{{Pair: pairs[0], Drop: true}, {Pair: pair("c2", "m2")}}),
		"Advance":      s.Advance(ctx, old),
		"Close":        s.Close(ctx, old),
		"End":          s.End(ctx, old, false),
		"Forget":       s.Forget(ctx, old),
	} {
		if !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) != fault.StaleLease {
			t.Errorf("%s with an old fence answers %v", what, err)
		}
	}
	if l := w.reload(old); l.CRM != "" || l.State != reconcile.On || l.Done != 0 || l.Synced != 1 || l.Fence != 2 {
		t.Errorf("the stale worker left %+v", l)
	}
	if old.Synced != 1 {
		t.Errorf("a refused Settle counted: %+v", old)
	}
}

// testStaleRecords: a run whose worker was frozen beyond its lease wakes up between reading and writing. Nothing of it is stored in
// the CRM, and nobody is woken by it; the run that took over writes.
func testStaleRecords(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Records()
	id := w.link(w.ana, record.Contacts).ID
	known := w.insert(w.ana, w.contact(w.ana, "Known"))[0]
	old := w.run(id)
	w.clock.pass(2 * time.Minute)
	taken := w.run(id)
	by := func(l *reconcile.Link) crm.Author {
		return crm.Author{Org: w.ours, User: w.ana, Link: int64(l.ID), Fence: l.Fence}
	}
	change := func() crm.Record {
		r := known
		r.Fields = record.Fields{record.LastName: "Stale"}
		return r
	}
	for what, err := range map[string]error{
		"Insert":                      second(s.Insert(ctx, by(old), []crm.Record{w.contact(w.ana, "Stale")})),
		"Update":                      third(s.Update(ctx, by(old), []crm.Record{change()})),
		"Rewrite":                     third(s.Rewrite(ctx, by(old), []crm.Record{change()}, []crm.Record{w.contact(w.ana, "Stale")})),
		"Insert for a link of others": second(s.Insert(ctx, crm.Author{Org: w.theirs, User: w.eve, Link: int64(id), Fence: taken.Fence}, []crm.Record{w.contact(w.eve, "Stale")})),
	} {
		if !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) != fault.StaleLease {
			t.Errorf("%s with an old fence answers %v", what, err)
		}
	}
	if all := w.contactsOf(w.ana, false); len(all) != 1 || all["Known"].Version != 1 {
		t.Errorf("the stale run left %v", all)
	}
	if _, err := s.Insert(ctx, by(taken), []crm.Record{w.contact(w.ana, "Fresh")}); err != nil {
		t.Error(err)
	}
}

func testInterrupted(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	for _, to := range []reconcile.LinkState{reconcile.Held, reconcile.Paused, reconcile.Switching} {
		link := w.link(w.user(w.ours, string(to)), record.Contacts)
		run := w.run(link.ID)
		w.settle(run, reconcile.Entry{Pair: pair("c1", "m1")})
		ok(t, w.Links().ChangeState(ctx, w.ours, link.ID, []reconcile.LinkState{reconcile.On}, to, fault.SyncWithheld))
		for what, err := range map[string]error{
			"PairsByRef":   second(s.PairsByRef(ctx, run, reconcile.InCRM, []record.Ref{"c1"})),
			"PairsInState": second(s.PairsInState(ctx, run, reconcile.Synced, time.Time{}, 0, 9)),
			"Pairs":        second(s.Pairs(ctx, run, 0, 9)),
		} {
			if interrupted := fault.ReasonOf(err) == fault.Interrupted; interrupted != (to != reconcile.Held) {
				t.Errorf("%s of a run whose link became %s answers %v", what, to, err)
			}
		}
		ok(t, s.Settle(ctx, run, 0, []reconcile.Entry{{Pair: pair("c2", "m2")}})) // what was done is remembered
		ok(t, s.Close(ctx, run))
		if l := w.reload(link); l.State != to || l.Synced != 2 {
			t.Errorf("the run left %+v", l)
		}
		if again := w.run(link.ID); again.State != to { // and the next run is in that state from the beginning
			t.Errorf("opened %+v", again)
		} else if _, err := s.Pairs(ctx, again, 0, 9); err != nil {
			t.Errorf("the run that was opened as %s: %v", to, err)
		}
	}
}

func testCounts(t *testing.T, w *world) {
	l := w.run(w.link(w.ana, record.Contacts).ID)
	with := func(p reconcile.Pair, bend func(*reconcile.Pair)) reconcile.Entry {
		bend(&p)
		return reconcile.Entry{Pair: p}
	}
	check := func(what string, known, synced, waiting, failing, excluded int) {
		t.Helper()
		want := fmt.Sprint(known, synced, waiting, failing, excluded)
		stored := w.reload(l)
		for where, l := range map[string]*reconcile.Link{"link": l, "row": stored} {
			if got := fmt.Sprint(l.Known, l.Synced, l.Waiting, l.Failing, l.ExcludedSum); got != want {
				t.Errorf("%s: the %s counts %s, want %s", what, where, got, want)
			}
		}
	}
	pairs := w.settle(l,
		reconcile.Entry{Pair: pair("c1", "m1")}, reconcile.Entry{Pair: pair("c2", "m2")}, reconcile.Entry{Pair: pair("c3", "m3")},
		with(pair("c4", ""), func(p *reconcile.Pair) { p.State = reconcile.Parked }),
		with(pair("c5", ""), func(p *reconcile.Pair) { p.State = reconcile.Intended }))
	check("new pairs", 3, 3, 0, 1, 0)
	if len(pairs) != 5 || pairs[0].ID == 0 || pairs[0].CRM != "c1" || pairs[3].State != reconcile.Parked || pairs[0].Base[record.LastName] != "Silva" {
		t.Errorf("stored %+v", pairs)
	}
	pairs = w.settle(l,
		with(pairs[0], func(p *reconcile.Pair) { p.CRMVersion = "2" }),
		with(pairs[1], func(p *reconcile.Pair) { p.State, p.MissingSide = reconcile.Waiting, reconcile.InMicrosoft }),
		with(pairs[2], func(p *reconcile.Pair) { p.State, p.MissingSide = reconcile.Waiting, reconcile.InCRM }),
		with(pairs[3], func(p *reconcile.Pair) { p.State, p.Microsoft = reconcile.Synced, "m4" }))
	check("changed pairs", 3, 2, 2, 0, 0)
	pairs = w.settle(l,
		reconcile.Entry{Pair: pairs[1], Drop: true},
		with(pairs[2], func(p *reconcile.Pair) {
			p.State, p.Reason, p.Microsoft, p.MissingSide = reconcile.Excluded, fault.MovedOut, "", ""
		}),
		reconcile.Entry{Pair: pair("c2", "m2")}) // the dropped one's refs are free again
	check("dropped and new", 3, 3, 0, 0, 1)
	if len(pairs) != 5 {
		t.Errorf("left are %+v", pairs)
	}
	lost := pairs[0]
	w.settle(l, reconcile.Entry{Pair: pairs[0], Drop: true})
	w.settle(l, reconcile.Entry{Pair: lost}, reconcile.Entry{Pair: reconcile.Pair{ID: 12345}, Drop: true})
	check("a lost row is stored anew, a dropped one stays away", 3, 3, 0, 0, 1)
}

func testRefs(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	l := w.run(w.link(w.ana, record.Contacts).ID)
	other := w.run(w.link(w.bob, record.Contacts).ID)
	w.settle(l, reconcile.Entry{Pair: pair("1", "AAMkA=")}, reconcile.Entry{Pair: pair("2", "AAMka=")}, reconcile.Entry{Pair: pair("3", "AAMkÄ=")},
		reconcile.Entry{Pair: pair("4", "")}, reconcile.Entry{Pair: pair("5", "")}, reconcile.Entry{Pair: pair("", "only")})
	w.settle(other, reconcile.Entry{Pair: pair("1", "AAMkA=")}) // another link has refs of its own
	got := must(s.PairsByRef(ctx, l, reconcile.InMicrosoft, []record.Ref{"AAMka=", "AAMkA=", "aamka=", ""}))(t)
	if len(got) != 2 || got["AAMka="].CRM != "2" || got["AAMkA="].CRM != "1" {
		t.Errorf("found %+v", got)
	}
	got = must(s.PairsByRef(ctx, l, reconcile.InCRM, []record.Ref{"4", "9", ""}))(t)
	if len(got) != 1 || got["4"].Microsoft != "" || got["4"].ID == 0 {
		t.Errorf("found %+v", got)
	}
	for _, twice := range []reconcile.Pair{pair("9", "AAMkA="), pair("1", "new")} {
		if err := s.Settle(ctx, l, 0, []reconcile.Entry{{Pair: twice}}); !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) != fault.Duplicate {
			t.Errorf("a second pair of a ref: %v", err)
		}
	}
}

func testPages(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	l := w.run(w.link(w.ana, record.Contacts).ID)
	var entries []reconcile.Entry
	for i := range 50 {
		p := pair(record.Ref(fmt.Sprint(i)), record.Ref(fmt.Sprint("m", i)))
		if i%5 == 0 {
			p.State, p.Reason, p.Attempts, p.Detail = reconcile.Parked, fault.TooLong, i, "no \x00 said"
			if i%10 == 0 {
				p.RetryAt = w.clock.Now().Add(time.Duration(i) * time.Minute)
			}
		}
		entries = append(entries, reconcile.Entry{Pair: p})
	}
	w.settle(l, entries...)
	pages := func(limit int, next func(after int64) ([]reconcile.Pair, error)) (refs []record.Ref) {
		for after := int64(0); ; {
			page := must(next(after))(t)
			for _, p := range page {
				if p.ID <= after {
					t.Errorf("id %d comes after %d", p.ID, after)
				}
				refs, after = append(refs, p.CRM), p.ID
			}
			if len(page) < limit {
				return refs
			}
		}
	}
	if got := pages(7, func(after int64) ([]reconcile.Pair, error) { return s.Pairs(ctx, l, after, 7) }); len(got) != 50 {
		t.Errorf("Pairs tells %v", got)
	}
	for state, want := range map[reconcile.PairState]int{reconcile.Synced: 40, reconcile.Parked: 10, reconcile.Waiting: 0} {
		got := pages(3, func(after int64) ([]reconcile.Pair, error) {
			return s.PairsInState(ctx, l, state, time.Time{}, after, 3)
		})
		if len(got) != want {
			t.Errorf("%s are %v", state, got)
		}
	}
	due := must(s.PairsInState(ctx, l, reconcile.Parked, w.clock.Now().Add(20*time.Minute), 0, 9))(t)
	if len(due) != 3 || due[2].CRM != "20" || due[2].Reason != fault.TooLong || due[2].Attempts != 20 || due[2].Detail != "no  said" ||
		!due[2].RetryAt.Equal(w.clock.Now().Add(20*time.Minute)) {
		t.Errorf("due are %+v", due)
	}
}

func testIntents(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	link := w.link(w.ana, record.Contacts)
	l, other := w.run(link.ID), w.run(w.link(w.bob, record.Contacts).ID)
	want := []reconcile.Intent{{Token: "t1", Side: reconcile.InMicrosoft, From: "c1"}, {Token: "t2", Side: reconcile.InMicrosoft, From: "c2", Pair: 5}}
	first := must(s.Intend(ctx, l, want))(t)
	again := []reconcile.Intent{{Token: "t3", Side: reconcile.InMicrosoft, From: "c3"}, {
		Side: reconcile.InCRM, From: "c6", Pair: 7, Stamp: "s1", ToCRM: record.Fields{record.Mobile: "1"}, ToMicrosoft: record.Fields{record.Title: ""},
		Apart: record.Fields{record.Department: "d"},
	}, {Token: "m-1", Side: reconcile.InCRM, From: "AAk=", Base: record.Fields{record.LastName: "Silva"}}}
	second := must(s.Intend(ctx, l, again))(t)
	must(s.Intend(ctx, other, want[:1]))(t)
	refused := func(what string, intents ...reconcile.Intent) {
		t.Helper()
		if _, err := s.Intend(ctx, l, intents); !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) != fault.Duplicate {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("a record on its way", reconcile.Intent{Token: "t4", From: "c4"}, reconcile.Intent{Token: "t9", From: "c2"})
	refused("a record whose change is on its way", reconcile.Intent{Side: reconcile.InCRM, From: "c6", Pair: 7, Stamp: "s2"})
	refused("an item whose record is on its way", reconcile.Intent{Token: "m-2", Side: reconcile.InCRM, From: "AAk="})
	w.clock.pass(time.Hour) // the worker dies here
	l = w.run(link.ID)
	open := must(s.OpenIntents(ctx, l))(t)
	if len(open) != 2 || fmt.Sprint(open[first]) != fmt.Sprint(want) || fmt.Sprint(open[second]) != fmt.Sprint(again) {
		t.Fatalf("open are %+v", open)
	}
	ok(t, s.Settle(ctx, l, first, []reconcile.Entry{{Pair: pair("c1", "m1")}, {Pair: pair("c2", "m2")}}))
	if open := must(s.OpenIntents(ctx, l))(t); !slices.Equal(slices.Collect(maps.Keys(open)), []int64{second}) {
		t.Errorf("open are %+v", open)
	}
	pairs := must(s.Pairs(ctx, l, 0, 9))(t)
	refused("a record with a pair", reconcile.Intent{Token: "t9", From: "c2"})
	third := must(s.Intend(ctx, l, []reconcile.Intent{{Token: "t9", From: "c2", Pair: pairs[1].ID}, {Token: "t4", From: "c4"}}))(t)
	ok(t, s.Settle(ctx, l, third, nil))
	ok(t, s.Settle(ctx, l, second, nil))
	if open := must(s.OpenIntents(ctx, l))(t); len(open) != 0 {
		t.Errorf("open are %+v", open)
	}
}

func testSettleRollback(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	l := w.run(w.link(w.ana, record.Contacts).ID)
	pairs := w.settle(l, reconcile.Entry{Pair: pair("c1", "m1")}, reconcile.Entry{Pair: pair("c2", "m2")})
	batch := must(s.Intend(ctx, l, []reconcile.Intent{{Token: "t"}}))(t)
	changed := pairs[0]
	changed.CRMVersion = "9"
	line := []reconcile.HistoryLine{{At: w.clock.Now(), Action: reconcile.Created}}
	before := *l
	err := s.Settle(ctx, l, batch, []reconcile.Entry{{Pair: changed, History: line}, {Pair: pairs[1], Drop: true}, {Pair: pair("c3", "m1")}})
	if !fault.Is(err, fault.Conflict) {
		t.Fatalf("a Settle that cannot be: %v", err)
	}
	left := must(s.Pairs(ctx, l, 0, 9))(t)
	if len(left) != 2 || left[0].CRMVersion != "1" {
		t.Errorf("pairs are %+v", left)
	}
	if len(must(s.OpenIntents(ctx, l))(t)) != 1 {
		t.Error("the intents are forgotten")
	}
	if h := must(w.Links().History(ctx, w.ours, l.ID, 0, 9))(t); len(h) != 0 {
		t.Errorf("history has %+v", h)
	}
	if l.Synced != before.Synced || w.reload(l).Synced != 2 {
		t.Errorf("counted %d", l.Synced)
	}
}

func testLastProofs(t *testing.T, w *world) {
	ctx := t.Context()
	if sum := must(w.Links().LastProofs(ctx))(t); sum.Compared+sum.Drift+sum.Left != 0 {
		t.Errorf("of no link: %+v", sum)
	}
	audited := func(kind record.Kind, n int) *reconcile.Link {
		l := w.run(w.link(w.ana, kind).ID)
		l.Proof = reconcile.Proof{At: w.clock.Now(), Compared: 100 * n, Drift: 10 * n, Left: n}
		ok(t, w.Ledger().Close(ctx, l))
		return l
	}
	audited(record.Contacts, 1)
	calendar := audited(record.Calendar, 2)
	if sum := must(w.Links().LastProofs(ctx))(t); sum.Compared != 300 || sum.Drift != 30 || sum.Left != 3 {
		t.Errorf("of two links: %+v", sum)
	}
	l := w.run(calendar.ID)
	l.State = reconcile.Off
	ok(t, w.Ledger().End(ctx, l, false))
	if sum := must(w.Links().LastProofs(ctx))(t); sum.Compared != 100 || sum.Drift != 10 || sum.Left != 1 {
		t.Errorf("of one that is on: %+v", sum)
	}
}

func testRemoving(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	l := w.run(w.link(w.ana, record.Contacts).ID)
	if !l.Removing.IsZero() {
		t.Errorf("the first one says %s", l.Removing)
	}
	l.Removing = w.clock.Now()
	ok(t, s.Advance(ctx, l))
	if got := w.reload(l).Removing; !got.Equal(l.Removing) {
		t.Errorf("stored is %s, want %s", got, l.Removing)
	}
	l.State = reconcile.Off
	ok(t, s.End(ctx, l, false))
	if got := w.link(w.ana, record.Contacts).Removing; !got.Equal(l.Removing) {
		t.Errorf("the next one says %s, want %s", got, l.Removing)
	}
	if other := w.link(w.ana, record.Calendar); !other.Removing.IsZero() {
		t.Errorf("one of the other kind says %s", other.Removing)
	}
}

func testForget(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	l, other := w.run(w.link(w.ana, record.Contacts).ID), w.run(w.link(w.ana, record.Calendar).ID)
	for _, l := range []*reconcile.Link{l, other} {
		w.settle(l, reconcile.Entry{Pair: pair("c1", "m1"), History: []reconcile.HistoryLine{{At: w.clock.Now(), Action: reconcile.Created}}})
		must(s.Intend(ctx, l, []reconcile.Intent{{Token: "t"}}))(t)
		l.CRM, l.Microsoft, l.Settled, l.FirstTotal, l.FirstDone = "c", "m", true, 5, 5
		ok(t, s.Advance(ctx, l))
	}
	ok(t, s.Forget(ctx, l))
	for _, l := range []*reconcile.Link{l, w.reload(l)} {
		if l.CRM != "" || l.Microsoft != "" || l.Settled || l.Known+l.Synced+l.FirstDone+l.FirstTotal != 0 {
			t.Errorf("forgotten to %+v", l)
		}
	}
	if len(must(s.Pairs(ctx, l, 0, 9))(t))+len(must(s.OpenIntents(ctx, l))(t)) != 0 {
		t.Error("pairs or intents are left")
	}
	if len(must(w.Links().History(ctx, w.ours, l.ID, 0, 9))(t)) != 1 {
		t.Error("the history is gone")
	}
	if len(must(s.Pairs(ctx, other, 0, 9))(t))+len(must(s.OpenIntents(ctx, other))(t)) != 2 || w.reload(other).Known != 1 {
		t.Error("another link forgot too")
	}
	w.settle(l, reconcile.Entry{Pair: pair("c1", "m1")}) // from the start again
}

func testEnd(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	l := w.run(w.link(w.ana, record.Contacts).ID)
	w.settle(l, reconcile.Entry{Pair: pair("c1", "m1"), History: []reconcile.HistoryLine{{At: w.clock.Now(), Action: reconcile.Created}}})
	must(s.Intend(ctx, l, []reconcile.Intent{{Token: "t"}}))(t)
	l.CRM, l.Microsoft, l.Settled = "c", "m", true
	ok(t, s.Advance(ctx, l))
	l.State, l.Reason, l.Done = reconcile.Off, fault.KeptInOutlook, l.Wanted
	ok(t, s.End(ctx, l, false))
	for _, l := range []*reconcile.Link{l, w.reload(l)} {
		if l.State != reconcile.Off || l.Reason != fault.KeptInOutlook || l.CRM != "" || l.Microsoft != "" || l.Settled || l.Known+l.Synced != 0 {
			t.Errorf("ended as %+v", l)
		}
	}
	l = w.run(l.ID) // the lease is free
	if len(must(s.Pairs(ctx, l, 0, 9))(t))+len(must(s.OpenIntents(ctx, l))(t)) != 0 {
		t.Error("pairs or intents are left")
	}
	if len(must(w.Links().History(ctx, w.ours, l.ID, 0, 9))(t)) != 1 {
		t.Error("the history is gone")
	}
}

func testClose(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	id := w.link(w.ana, record.Contacts).ID
	l := w.run(id)
	l.CRM, l.Microsoft, l.FirstTotal, l.FirstDone, l.Container = "c", "m", 10, 4, "folder"
	ok(t, s.Advance(ctx, l))
	if got := w.reload(l); got.CRM != "c" || got.Microsoft != "m" || got.FirstTotal != 10 || got.FirstDone != 4 || got.Container != "folder" || got.Settled {
		t.Errorf("advanced to %+v", got)
	}
	l.State, l.Reason, l.LastError = reconcile.Paused, fault.ReconnectNeeded, "denied\x00"
	l.Container, l.ContainerName, l.Subscription, l.SubscriptionEnds = "f", "Tandem", "s", w.clock.Now().Add(time.Hour)
	w.served(l)
	got := w.reload(l)
	if got.State != reconcile.Paused || got.Reason != fault.ReconnectNeeded || got.LastError != "denied" || got.ContainerName != "Tandem" ||
		got.Subscription != "s" || !got.SubscriptionEnds.Equal(w.clock.Now().Add(time.Hour)) || got.Done != 1 || !got.LastRun.Equal(w.clock.Now()) {
		t.Errorf("closed as %+v", got)
	}

	// So does it that Microsoft wants another subscription: the run's own may be the one that has ended.
	ok(t, w.Links().ChangeState(ctx, w.ours, id, []reconcile.LinkState{reconcile.Paused}, reconcile.On, ""))
	for _, during := range []bool{true, false} {
		l = w.run(id)
		if during {
			ok(t, w.Links().Resubscribe(ctx, id))
		}
		l.Subscription, l.SubscriptionEnds = "s", w.clock.Now().Add(time.Hour)
		w.served(l)
		if got := w.reload(l); got.SubscriptionEnds.IsZero() != during || got.Subscription != "s" {
			t.Errorf("closed with subscription %q until %v", got.Subscription, got.SubscriptionEnds)
		}
	}
	ok(t, w.Links().ChangeState(ctx, w.ours, id, []reconcile.LinkState{reconcile.On}, reconcile.Paused, ""))

	// What a person changes during the run stands, whatever the run thinks of it.
	ok(t, w.Links().ChangeState(ctx, w.ours, id, []reconcile.LinkState{reconcile.Paused}, reconcile.On, ""))
	l = w.run(id)
	ok(t, w.Links().ChangeState(ctx, w.ours, id, []reconcile.LinkState{reconcile.On}, reconcile.Switching, ""))
	l.State, l.Reason = reconcile.Held, fault.TooManyDeletes
	w.served(l)
	if got := w.reload(l); got.State != reconcile.Switching || got.Reason != "" || got.Wanted <= got.Done {
		t.Errorf("closed as %+v", got)
	}
	l = w.run(id)
	l.State, l.Reason = reconcile.Off, ""
	w.served(l)
	if got := w.reload(l); got.State != reconcile.Off {
		t.Errorf("closed as %+v", got)
	}
	if _, err := s.Open(ctx, id, w.clock.Now(), time.Minute); err != nil {
		t.Errorf("the lease did not end: %v", err)
	}
}

func testQuietRun(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	id := w.link(w.ana, record.Contacts).ID
	l := w.run(id)
	w.settle(l, reconcile.Entry{Pair: pair("c1", "m1")})
	w.served(l)
	before := w.Counts()
	l = w.run(id)
	must(s.OpenIntents(ctx, l))(t)
	must(s.PairsInState(ctx, l, reconcile.Intended, w.clock.Now(), 0, 100))(t)
	must(s.PairsInState(ctx, l, reconcile.Parked, w.clock.Now(), 0, 100))(t)
	w.served(l)
	after := w.Counts()
	if after.ItemWrites != before.ItemWrites || after.LinkWrites != before.LinkWrites+2 {
		t.Errorf("a quiet run wrote: before %+v, after %+v", before, after)
	}
}
