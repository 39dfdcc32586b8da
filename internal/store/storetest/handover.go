package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func testHandOver(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	const many = 3000
	contacts := make([]crm.Record, many)
	for i := range contacts {
		contacts[i] = w.contact(w.ana, fmt.Sprint("Silva ", i))
	}
	contacts[7].DeletedAt = w.clock.Now()
	stored := w.insert(w.ana, contacts...)
	event := w.insert(w.ana, w.event(w.ana, "call", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z"))[0]
	bobs := w.insert(w.bob, w.contact(w.bob, "Bob's"), w.contact(w.bob, "once Bob's"))
	// Bob had one of them, and Ana had one that is Bob's.
	back := w.update(w.by(w.bob), bobs[1], func(r *crm.Record) { r.Owner = w.ana })
	given := w.update(w.by(w.ana), stored[9], func(r *crm.Record) { r.Owner = w.bob })
	anas, his := w.link(w.ana, record.Contacts), w.link(w.bob, record.Contacts)
	w.served(w.run(anas.ID))
	w.served(w.run(his.ID))
	calendar := w.link(w.ana, record.Calendar)
	w.served(w.run(calendar.ID))
	w.waker.take(t)
	start := must(w.Records().Seq(ctx, w.ours))(t)
	w.clock.pass(time.Minute)
	if n := must(s.Owned(ctx, w.ours, w.ana))(t); n != many+1 {
		t.Errorf("Ana has %d records", n)
	}
	w.within(w.ours, func(tx account.Tx) error {
		n, err := tx.HandOver(w.ana, w.bob, w.eve)
		if n != many+1 {
			t.Errorf("%d records were handed over", n)
		}
		return err
	})
	if a, b := must(s.Owned(ctx, w.ours, w.ana))(t), must(s.Owned(ctx, w.ours, w.bob))(t); a != 0 || b != many+3 {
		t.Errorf("Ana has %d, Bob %d", a, b)
	}
	if got, want := w.waker.take(t), []reconcile.LinkID{anas.ID, his.ID, calendar.ID}; !slices.Equal(got, want) {
		t.Errorf("woken are %v, not %v", got, want)
	}
	// Ana's link sees each of them leave and Bob's sees each arrive, under the same numbers.
	seqs := func(owner record.ID) (ids []record.ID, seqs []int64) {
		for after := start; ; {
			page := must(w.Records().Touched(ctx, w.ours, record.Contacts, owner, after, 1000))(t)
			for _, r := range page {
				if r.Owner != w.bob || r.Seq <= after {
					t.Fatalf("touched is %+v after %d", r, after)
				}
				ids, seqs, after = append(ids, r.ID), append(seqs, r.Seq), r.Seq
			}
			if len(page) == 0 {
				return ids, seqs
			}
		}
	}
	left, leftAt := seqs(w.ana)
	arrived, arrivedAt := seqs(w.bob)
	if len(left) != many || !slices.Equal(left, arrived) || !slices.Equal(leftAt, arrivedAt) || slices.Contains(left, given.ID) || !slices.Contains(left, back.ID) {
		t.Errorf("%d left, %d arrived", len(left), len(arrived))
	}
	if rows := w.waker.raw(t, fmt.Sprintf(`SELECT id FROM departures WHERE owner_id = %d`, w.bob)); len(rows) != 0 {
		t.Errorf("%d records count as gone from Bob, who has them", len(rows))
	}
	found := must(w.Records().ByID(ctx, w.ours, record.Contacts, []record.ID{stored[0].ID, stored[7].ID, back.ID, given.ID, bobs[0].ID}))(t)
	for what, check := range map[string]bool{
		"a record":         found[stored[0].ID].Version == 2 && found[stored[0].ID].ModifiedBy == w.eve && found[stored[0].ID].ModifiedAt.Equal(w.clock.Now()),
		"one in the bin":   found[stored[7].ID].Owner == w.bob && found[stored[7].ID].Deleted(),
		"one that is back": found[back.ID].Version == back.Version+1,
		"one he had":       found[given.ID].Version == given.Version && found[bobs[0].ID].Version == 1,
	} {
		if !check {
			t.Errorf("%s is wrong among %+v", what, found)
		}
	}
	if got := must(w.Records().ByID(ctx, w.ours, record.Calendar, []record.ID{event.ID}))(t)[event.ID]; got.Owner != w.bob || got.Version != 2 {
		t.Errorf("the event is %+v", got)
	}
	if got := must(w.Records().Records(ctx, w.ours, record.Contacts, crm.Query{Search: "silva 1234", Owner: w.bob}))(t); len(got) != 1 {
		t.Errorf("a search finds %+v", got)
	}
	// What was handed over is written like anything else.
	w.update(w.by(w.bob), found[back.ID], func(r *crm.Record) { r.Fields[record.LastName] = "new" })
	w.within(w.ours, func(tx account.Tx) error {
		if n, err := tx.HandOver(w.ana, w.bob, w.bob); n != 0 || err != nil {
			t.Errorf("nothing to hand over: %d, %v", n, err)
		}
		return nil
	})
	if err := s.Within(ctx, w.ours, func(tx account.Tx) error { return second(tx.HandOver(w.bob, w.bob, w.bob)) }); !fault.Is(err, fault.Invalid) {
		t.Errorf("handed over to oneself: %v", err)
	}
}

func testWithheld(t *testing.T, w *world) {
	l, other := w.link(w.ana, record.Contacts), w.link(w.ana, record.Calendar)
	w.served(w.run(l.ID))
	w.served(w.run(other.ID))
	w.waker.take(t)
	withhold := func(withheld bool) *reconcile.Link {
		w.within(w.ours, func(tx account.Tx) error { return tx.WithholdLinks(w.ana, record.Contacts, withheld) })
		return w.reload(l)
	}
	is := func(what string, got *reconcile.Link, state reconcile.LinkState, reason fault.Reason, woken bool) {
		t.Helper()
		if jobs := w.waker.take(t); got.State != state || got.Reason != reason || (len(jobs) > 0) != woken {
			t.Errorf("%s: %s %q, woken %v", what, got.State, got.Reason, jobs)
		}
	}
	is("withheld", withhold(true), reconcile.Paused, fault.SyncWithheld, false)
	is("the other kind", w.reload(other), reconcile.On, "", false)
	is("given back", withhold(false), reconcile.On, "", true)
	w.served(w.run(l.ID))
	// A run that has begun does not bring it back.
	r := w.run(l.ID)
	withhold(true)
	w.served(r)
	is("withheld during a run", w.reload(l), reconcile.Paused, fault.SyncWithheld, false)
	withhold(false)
	w.served(w.run(l.ID))
	w.waker.take(t)
	// Deletions that wait for a person's yes wait for it still, even where so few of by now so many would need none.
	r = w.run(l.ID)
	for i := range 12 {
		p := pair(record.Ref(fmt.Sprint("c", i)), record.Ref(fmt.Sprint("m", i)))
		p.State, p.MissingSide = reconcile.Waiting, reconcile.InMicrosoft
		w.settle(r, reconcile.Entry{Pair: p})
	}
	r.State, r.Reason = reconcile.Held, fault.TooManyDeletes
	w.served(r)
	is("held and withheld", withhold(true), reconcile.Paused, fault.SyncWithheld, false)
	is("held still", withhold(false), reconcile.Held, fault.TooManyDeletes, true)
	ok(t, w.Links().AllowDeletes(t.Context(), w.ours, l.ID, true))
	is("withheld after the yes", withhold(true), reconcile.Paused, fault.SyncWithheld, false)
	withhold(false)
	if got := w.reload(l); got.State != reconcile.Held || !got.DeletesOK {
		t.Errorf("the yes is lost: %+v", got)
	}
	r = w.run(l.ID)
	for _, p := range must(w.Ledger().Pairs(t.Context(), r, 0, 100))(t) {
		w.settle(r, reconcile.Entry{Pair: p, Drop: true})
	}
	r.State, r.Reason, r.DeletesOK = reconcile.On, "", false
	w.served(r)
	w.waker.take(t)
	// What is paused for another reason stays so.
	ok(t, w.Links().ChangeState(t.Context(), w.ours, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Paused, fault.ReconnectNeeded))
	withhold(true)
	is("paused already", withhold(false), reconcile.Paused, fault.ReconnectNeeded, false)
	if trail := w.actions(w.ours); len(trail) != 2 {
		t.Errorf("the trail is %v", trail)
	}
}

func testSyncsEnterTheTrail(t *testing.T, w *world) {
	ctx := t.Context()
	l := w.link(w.ana, record.Contacts)
	ok(t, w.Links().ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Paused, fault.ReconnectNeeded))
	ok(t, w.Links().ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.Paused}, reconcile.On, ""))
	ok(t, w.Links().ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Switching, ""))
	r := w.run(l.ID)
	r.State, r.Reason = reconcile.Off, fault.KeptInOutlook
	w.served(r)
	if err := w.Links().ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Switching, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("off already: %v", err)
	}
	posted, _, _, _ := w.posts()
	r = w.run(w.link(w.bob, record.Calendar).ID)
	r.State, r.Reason = reconcile.Off, fault.ContainerDeleted
	w.served(r)
	if n := posted(); n != 1 {
		t.Errorf("%d letters say that the calendar was deleted", n)
	}
	hash := []byte{1, 2, 3}
	ok(t, w.Accounts().CreateToken(ctx, w.ours, w.bob, hash, w.clock.Now()))
	if _, err := w.Links().CreateLink(ctx, reconcile.Link{Org: w.ours, User: 77, Kind: record.Contacts, State: reconcile.On}); err == nil {
		t.Error("nobody's link was made")
	}
	want := []string{"ana sync_on ana contacts", "ana sync_off ana contacts", "bob sync_on bob calendar",
		"- sync_off bob calendar container_deleted", "- token_created bob"}
	if got := w.actions(w.ours); !slices.Equal(got, want) {
		t.Errorf("the trail is %q", got)
	}
}

func testStopLinks(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	on, paused := w.link(w.ana, record.Contacts), w.link(w.ana, record.Calendar)
	w.served(w.run(on.ID))
	w.served(w.run(paused.ID))
	ok(t, w.Links().ChangeState(ctx, w.ours, paused.ID, []reconcile.LinkState{reconcile.On}, reconcile.Paused, fault.SyncWithheld))
	bobs := w.link(w.bob, record.Contacts)
	w.waker.take(t)
	under := w.run(on.ID)
	want := map[record.ID]string{w.ana: "map[calendar:paused contacts:on]", w.bob: "map[contacts:on]", w.eve: "map[]"}
	check := func() {
		t.Helper()
		syncs := must(s.Syncs(ctx, w.ours, []record.ID{w.ana, w.bob, w.eve}))(t)
		for user, want := range want {
			if got := fmt.Sprint(syncs[user]); got != want {
				t.Errorf("syncs are %s, not %s", got, want)
			}
		}
	}
	check()
	for range 2 { // the second time there is nothing left to do
		w.within(w.ours, func(tx account.Tx) error {
			err := tx.StopLinks(w.ana)
			if n, _ := tx.RunningLinks(w.ana); n != 2 {
				t.Errorf("%d links are not off", n)
			}
			return err
		})
	}
	want[w.ana] = "map[calendar:switching contacts:switching]"
	check()
	if err := w.Ledger().Close(ctx, under); fault.ReasonOf(err) != fault.StaleLease {
		t.Errorf("a run that was under way goes on: %v", err)
	}
	// What the last reading brings goes to whoever gets the records.
	w.within(w.ours, func(tx account.Tx) error { return second(tx.HandOver(w.ana, w.bob, w.bob)) })
	if got := []record.ID{w.reload(on).Heir, w.reload(paused).Heir, w.reload(bobs).Heir}; !slices.Equal(got, []record.ID{w.bob, w.bob, 0}) {
		t.Errorf("heirs are %v", got)
	}
	if got := w.waker.take(t); !slices.Equal(got, []reconcile.LinkID{on.ID, paused.ID}) || w.reload(bobs).State != reconcile.On {
		t.Errorf("woken are %v", got)
	}
	for _, l := range []*reconcile.Link{on, paused} {
		r := w.run(l.ID)
		r.State = reconcile.Off
		w.served(r)
	}
	want[w.ana] = "map[]"
	check()
	if got := w.actions(w.ours)[3:]; !slices.Equal(got, []string{"- sync_off ana contacts account_disabled", "- sync_off ana calendar account_disabled"}) {
		t.Errorf("the trail goes on with %q", got)
	}
}

// What syncs with one person's mailbox ends when another person is tied to the account, also under the hands of a run.
func testEndLinks(t *testing.T, w *world) {
	former, next := account.Identity{TenantID: "Tenant", ObjectID: "Former"}, account.Identity{TenantID: "tenant", ObjectID: "next"}
	w.change(w.ana, func(u *account.User) { u.Identity = former })
	contacts, calendar, bobs := w.link(w.ana, record.Contacts), w.link(w.ana, record.Calendar), w.link(w.bob, record.Contacts)
	run := w.run(contacts.ID)
	w.settle(run, reconcile.Entry{Pair: pair("1", "one")}, reconcile.Entry{Pair: pair("2", "two")})
	must(w.Ledger().Intend(t.Context(), run, []reconcile.Intent{{Token: "3-x", From: "3"}}))(t)
	ok(t, w.Links().ChangeState(t.Context(), w.ours, calendar.ID, []reconcile.LinkState{reconcile.On}, reconcile.Switching, ""))
	w.within(w.ours, func(tx account.Tx) error { return tx.EndLinks(w.ana, former) })
	if w.reload(contacts).State != reconcile.On || w.reload(calendar).State != reconcile.Switching {
		t.Error("the same person's syncs ended")
	}

	w.within(w.ours, func(tx account.Tx) error { return tx.EndLinks(w.ana, next) })
	run.State = reconcile.On
	if err := w.Ledger().Close(t.Context(), run); fault.ReasonOf(err) != fault.StaleLease {
		t.Errorf("the run goes on: %v", err)
	}
	for _, l := range []*reconcile.Link{contacts, calendar} {
		if l = w.reload(l); l.State != reconcile.Off || l.Reason != fault.OtherMailbox || l.Known+l.Synced != 0 || l.Microsoft+l.CRM != "" || l.Wanted > l.Done {
			t.Errorf("the former link is %+v", l)
		}
	}
	again := w.run(contacts.ID)
	if pairs := must(w.Ledger().Pairs(t.Context(), again, 0, 10))(t); len(pairs) != 0 {
		t.Errorf("it knows %+v", pairs)
	}
	if open := must(w.Ledger().OpenIntents(t.Context(), again))(t); len(open) != 0 {
		t.Errorf("it means to make %+v", open)
	}
	w.served(again)
	if w.reload(bobs).State != reconcile.On {
		t.Error("Bob's sync ended")
	}
	w.change(w.ana, func(u *account.User) { u.Identity = next })
	if l := w.link(w.ana, record.Contacts); l.Mailbox != "tenant/next" {
		t.Errorf("the new link is with %q", l.Mailbox)
	}
	want := []string{"ana sync_on ana contacts", "ana sync_on ana calendar", "bob sync_on bob contacts", "ana sync_off ana calendar",
		"- sync_off ana contacts other_mailbox", "ana sync_on ana contacts"}
	if got := w.actions(w.ours); !slices.Equal(got, want) {
		t.Errorf("the trail is %q", got)
	}
}
