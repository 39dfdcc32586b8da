package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// took is a person's answer: whose value to take of each field.
func took(side reconcile.Where, fields ...record.Field) reconcile.Ask {
	ask := reconcile.Ask{Taken: map[record.Field]reconcile.Where{}}
	for _, f := range fields {
		ask.Taken[f] = side
	}
	return ask
}

func testAsks(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	r := w.insert(w.ana, w.contact(w.ana, "Ana"))[0]
	l := w.run(id)
	conflict := pair(r.ID.Ref(), "m1")
	conflict.Ask = &reconcile.Ask{Conflicts: []record.Field{record.Mobile, record.Title}, Theirs: record.Fields{record.Mobile: "2"}}
	unknown := reconcile.Pair{Microsoft: "m2", State: reconcile.Parked, Reason: fault.Ambiguous, Name: "Somebody",
		Ask: &reconcile.Ask{Matches: []record.Ref{"7", "8"}}}
	w.settle(l, reconcile.Entry{Pair: conflict}, reconcile.Entry{Pair: pair("c3", "m3")}, reconcile.Entry{Pair: unknown})
	w.served(l)
	w.waker.take(t)
	since := w.clock.Now()
	w.clock.pass(time.Hour)

	asked := must(s.Asks(ctx, w.ours, id, 0, 9))(t)
	if len(asked) != 2 || asked[0].CRM != r.ID.Ref() || asked[0].Microsoft != "m1" || asked[0].Name == "" || !asked[0].Since.Equal(since) ||
		asked[0].Ask.Theirs[record.Mobile] != "2" || asked[1].Name != "Somebody" || len(asked[1].Ask.Matches) != 2 {
		t.Fatalf("asked %+v", asked)
	}
	if page := must(s.Asks(ctx, w.ours, id, 1, 1))(t); len(page) != 1 || page[0].Microsoft != "m2" {
		t.Errorf("the second page: %+v", page)
	}
	for what, err := range map[string]error{
		"no such item":            s.Decide(ctx, w.ours, id, "m9", took(reconcile.InCRM, record.Mobile)),
		"nothing asked":           s.Decide(ctx, w.ours, id, "m3", took(reconcile.InCRM, record.Mobile)),
		"another field":           s.Decide(ctx, w.ours, id, "m1", took(reconcile.InCRM, record.Fax)),
		"a side that is none":     s.Decide(ctx, w.ours, id, "m1", took("heaven", record.Mobile)),
		"a record not asked of":   s.Decide(ctx, w.ours, id, "m2", reconcile.Ask{Match: "9"}),
		"an answer to the other":  s.Decide(ctx, w.ours, id, "m2", took(reconcile.InCRM, record.Mobile)),
		"another one's question":  s.Decide(ctx, w.ours, id+1, "m1", took(reconcile.InCRM, record.Mobile)),
		"another organization's ": s.Decide(ctx, w.theirs, id, "m1", took(reconcile.InCRM, record.Mobile)),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := w.waker.take(t); len(got) != 0 {
		t.Errorf("woken are %v", got)
	}

	before := w.reload(l)
	ok(t, s.Decide(ctx, w.ours, id, "m1", took(reconcile.InMicrosoft, record.Mobile, record.Fax)))
	asked = must(s.Asks(ctx, w.ours, id, 0, 9))(t)
	if len(asked) != 2 || fmt.Sprint(asked[0].Ask.Taken) != "map[Mobile:microsoft]" || !asked[0].Since.Equal(since) {
		t.Errorf("half decided: %+v", asked)
	}
	after := w.reload(l)
	if after.Synced != before.Synced-1 || after.Failing != before.Failing+1 || after.Wanted != before.Wanted+1 || len(w.waker.take(t)) != 1 {
		t.Errorf("half decided: from %+v to %+v", before, after)
	}
	ok(t, s.Decide(ctx, w.ours, id, "m1", took(reconcile.InCRM, record.Mobile, record.Title)))
	ok(t, s.Decide(ctx, w.ours, id, "m2", reconcile.Ask{Match: "8", New: true}))
	if asked := must(s.Asks(ctx, w.ours, id, 0, 9))(t); len(asked) != 0 {
		t.Errorf("still asked: %+v", asked)
	}
	if err := s.Decide(ctx, w.ours, id, "m2", reconcile.Ask{New: true}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a decision that came too late: %v", err)
	}
	l = w.run(id)
	due := must(w.Ledger().PairsInState(ctx, l, reconcile.Parked, w.clock.Now(), 0, 9))(t)
	if len(due) != 2 || fmt.Sprint(due[0].Ask.Taken) != "map[Mobile:microsoft Title:crm]" || due[1].Ask.Match != "8" || due[1].Ask.New {
		t.Errorf("due are %+v", due)
	}
	due[0].State, due[0].Ask, due[0].RetryAt = reconcile.Synced, nil, time.Time{}
	w.settle(l, reconcile.Entry{Pair: due[0]})
	if after := w.reload(l); after.Synced != before.Synced || after.Failing != before.Failing {
		t.Errorf("carried out: %+v, before %+v", after, before)
	}
}

func testAnswerDuringRun(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	l := w.run(id)
	asked := pair("c1", "m1")
	asked.Ask = &reconcile.Ask{Conflicts: []record.Field{record.Mobile, record.Title}}
	read := w.settle(l, reconcile.Entry{Pair: asked})[0]
	ok(t, s.Decide(ctx, w.ours, id, "m1", took(reconcile.InCRM, record.Mobile, record.Title)))
	w.clock.pass(time.Second)

	read.CRMVersion = "2" // the run knows nothing of the answer, and finds that one of the fields is no question any more
	read.Ask = &reconcile.Ask{Conflicts: []record.Field{record.Mobile}}
	now := w.settle(l, reconcile.Entry{Pair: read})[0]
	if now.State != reconcile.Parked || now.CRMVersion != "2" || fmt.Sprint(now.Ask.Taken) != "map[Mobile:crm]" || !now.RetryAt.Equal(w.clock.Now()) {
		t.Errorf("after the settle: %+v, %+v", now, now.Ask)
	}
	if after := w.reload(l); after.Synced != 0 || after.Failing != 1 {
		t.Errorf("counted %+v", after)
	}
	now.State, now.Ask = reconcile.Synced, nil // carried out
	if now = w.settle(l, reconcile.Entry{Pair: now})[0]; now.State != reconcile.Synced || now.Ask != nil {
		t.Errorf("an answer that was carried out came back: %+v", now)
	}
}

func testTakeIn(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	table := func(rows ...mapping.Row) *mapping.Table { return &mapping.Table{Kind: record.Contacts, Rows: rows} }
	last, mobile := mapping.Row{Microsoft: "surname", CRM: record.LastName}, mapping.Row{Microsoft: "mobilePhone", CRM: record.Mobile}
	home := mapping.Row{Microsoft: "homePhones[0]", CRM: record.Mobile}
	created := must(s.CreateLink(ctx, reconcile.Link{Org: w.ours, User: w.ana, Kind: record.Contacts, State: reconcile.On, Mapping: table(last, mobile)}))(t)
	id := created.ID
	other := w.run(w.link(w.bob, record.Contacts).ID)
	w.settle(other, reconcile.Entry{Pair: reconcile.Pair{CRM: "b", Microsoft: "mb", State: reconcile.Synced, Base: record.Fields{record.Mobile: "9"}}})

	l := w.run(id)
	both, only, open, said := pair("c1", "m1"), pair("c2", "m2"), pair("c3", "m3"), pair("c4", "m4")
	both.Base = record.Fields{record.LastName: "Silva", record.Mobile: "1"}
	only.Base = record.Fields{record.Mobile: "1"}
	open.Ask = &reconcile.Ask{Conflicts: []record.Field{record.LastName}}
	said.State, said.Base = reconcile.Parked, nil // a person said no to its deletion
	w.settle(l, reconcile.Entry{Pair: both}, reconcile.Entry{Pair: only}, reconcile.Entry{Pair: open}, reconcile.Entry{Pair: said})
	must(w.Ledger().Intend(ctx, l, []reconcile.Intent{{Token: "t", Side: reconcile.InMicrosoft, From: "c5", Base: both.Base}, {
		Side: reconcile.InCRM, From: "c7", Pair: 7, Stamp: "s", ToCRM: both.Base, ToMicrosoft: both.Base, Apart: record.Fields{"crm:" + record.Mobile: "2"},
	}}))(t)
	ok(t, s.ChangeSettings(ctx, w.ours, id, reconcile.Policy{}, table(last)))
	ok(t, s.ChangeSettings(ctx, w.ours, id, reconcile.Policy{Winner: reconcile.CRMWins}, table(last, home)))
	l.Microsoft, l.CRM, l.Settled = "m-cursor", "c-cursor", true
	ok(t, w.Ledger().Advance(ctx, l)) // the run that is under way ends by the old settings
	if got := w.settle(l, reconcile.Entry{Pair: reconcile.Pair{CRM: "c6", Microsoft: "m6", State: reconcile.Synced, Base: both.Base}}); len(got) != 5 {
		t.Fatalf("%d pairs", len(got))
	}
	w.served(l)
	if !w.reload(l).Changed {
		t.Error("nobody sees that the settings were changed")
	}

	w.clock.pass(time.Minute)
	l = w.run(id)
	if l.Microsoft != "" || l.CRM != "c-cursor" || !l.Settled || l.Known != 5 || l.Policy.Winner != reconcile.CRMWins || l.Changed ||
		l.Mapping.Rows[1] != home || l.Synced != 3 || l.Failing != 2 {
		t.Errorf("opened %+v", l)
	}
	pairs := map[record.Ref]reconcile.Pair{}
	for _, p := range must(w.Ledger().Pairs(ctx, l, 0, 9))(t) {
		pairs[p.CRM] = p
	}
	for ref, want := range map[record.Ref]string{"c1": "1 false synced", "c2": "1 false synced", "c3": "1 false parked", "c4": "0 false parked", "c6": "1 false synced"} {
		p := pairs[ref]
		_, known := p.Base[record.Mobile]
		if got := fmt.Sprint(len(p.Base), known, " ", p.State); got != want {
			t.Errorf("%s: base %v, %s; want %s", ref, p.Base, p.State, want)
		}
	}
	if !pairs["c3"].RetryAt.Equal(w.clock.Now()) || pairs["c3"].Ask == nil {
		t.Errorf("an open question is not looked at again: %+v", pairs["c3"])
	}
	for _, intents := range must(w.Ledger().OpenIntents(ctx, l))(t) {
		if len(intents) == 2 && len(intents[1].ToCRM)+len(intents[1].ToMicrosoft) == 2 && len(intents[1].Apart) == 0 {
			intents = intents[:1]
		}
		if len(intents) != 1 || len(intents[0].Base) != 1 || intents[0].Base[record.LastName] != "Silva" {
			t.Errorf("intents are %+v", intents)
		}
	}
	if p := must(w.Ledger().Pairs(ctx, other, 0, 9))(t); p[0].Base[record.Mobile] != "9" {
		t.Errorf("another person's pair has lost its base: %+v", p)
	}
	l.Microsoft = "m-cursor"
	ok(t, w.Ledger().Advance(ctx, l))
	w.served(l)
	ok(t, s.ChangeSettings(ctx, w.ours, id, l.Policy, l.Mapping)) // nothing is changed by it
	w.clock.pass(time.Minute)
	again := w.run(id)
	if again.Changed || again.Microsoft != "m-cursor" {
		t.Errorf("taken in twice: %+v", again)
	}

	// What the CRM has was not sent while the link went the other way: it is listed afresh when that ends, even if the
	// settings are changed once more before a run takes that in.
	way := func(d mapping.Direction) {
		ok(t, s.ChangeSettings(ctx, w.ours, id, reconcile.Policy{Options: reconcile.Options{Direction: d}}, l.Mapping))
	}
	way(mapping.ToCRM)
	w.served(again)
	w.clock.pass(time.Minute)
	if l = w.run(id); l.Microsoft != "" || l.CRM != "c-cursor" || !l.Settled {
		t.Errorf("turned to the CRM it is %+v", l)
	}
	way(mapping.BothWays)
	way(mapping.ToMicrosoft)
	w.served(l)
	w.clock.pass(time.Minute)
	if l = w.run(id); l.CRM != "" || l.Settled || l.Policy.Direction != mapping.ToMicrosoft {
		t.Errorf("turned back it is %+v", l)
	}
}

// A calendar link that an earlier version stored wins the fields that links have by now when a run opens it, and reads
// Microsoft's side once more; what was agreed on stays. A link of contacts has what its person chose.
func testGrow(t *testing.T, w *world) {
	ctx := t.Context()
	old := &mapping.Table{Kind: record.Calendar, Rows: []mapping.Row{
		{Microsoft: "subject", CRM: record.EventTitle}, {Microsoft: "start", CRM: record.Start, Direction: mapping.ToCRM},
	}}
	chosen := &mapping.Table{Kind: record.Contacts, Rows: []mapping.Row{{Microsoft: "surname", CRM: record.LastName}}}
	created := must(w.Links().CreateLink(ctx, reconcile.Link{Org: w.ours, User: w.ana, Kind: record.Calendar, State: reconcile.On, Mapping: old}))(t)
	contacts := must(w.Links().CreateLink(ctx, reconcile.Link{Org: w.ours, User: w.ana, Kind: record.Contacts, State: reconcile.On, Mapping: chosen}))(t)
	l := w.run(created.ID)
	whole := mapping.Default(record.Calendar)
	if len(l.Mapping.Rows) != len(whole.Rows) || l.Changed || l.Microsoft != "" {
		t.Fatalf("opened with %d rows of %d: %+v", len(l.Mapping.Rows), len(whole.Rows), l)
	}
	for _, row := range l.Mapping.Rows[2:] {
		want := mapping.ToCRM // the way of the time
		if i := slices.IndexFunc(whole.Rows, func(r mapping.Row) bool { return r.CRM == row.CRM }); whole.Rows[i].Direction != mapping.BothWays {
			want = whole.Rows[i].Direction
		}
		if row.Direction != want {
			t.Errorf("%s goes %q, not %q", row.CRM, row.Direction, want)
		}
	}
	p := pair("c1", "m1")
	p.Base = record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-23T10:00:00Z"}
	w.settle(l, reconcile.Entry{Pair: p})
	l.Microsoft = "m-cursor"
	ok(t, w.Ledger().Advance(ctx, l))
	w.served(l)
	w.clock.pass(time.Minute)
	if again := w.run(created.ID); again.Microsoft != "m-cursor" || len(again.Mapping.Rows) != len(whole.Rows) {
		t.Errorf("grown twice: %+v", again)
	} else if pairs := must(w.Ledger().Pairs(ctx, again, 0, 9))(t); len(pairs[0].Base) != 2 {
		t.Errorf("the base is %v", pairs[0].Base)
	}
	if l := w.run(contacts.ID); len(l.Mapping.Rows) != 1 {
		t.Errorf("contacts were given fields that nobody chose: %+v", l.Mapping)
	}
	// A link of contacts from before they had photos gets the row, unless somebody chose to go without.
	photos := mapping.Default(record.Contacts).Rows
	without := &mapping.Table{Kind: record.Contacts, Rows: slices.DeleteFunc(slices.Clone(photos), func(r mapping.Row) bool { return r.CRM == record.RecordImage })}
	rows := func(user, org record.ID) int {
		created := must(w.Links().CreateLink(ctx, reconcile.Link{Org: org, User: user, Kind: record.Contacts, State: reconcile.On, Mapping: without}))(t)
		l := w.run(created.ID)
		w.served(l)
		w.clock.pass(time.Minute)
		if again := w.run(created.ID); !slices.Equal(again.Mapping.Rows, l.Mapping.Rows) {
			t.Errorf("user %d: grown twice", user)
		}
		return len(l.Mapping.Rows)
	}
	ok(t, w.Links().Choose(ctx, w.theirs, w.eve, record.Contacts, &reconcile.Settings{Options: reconcile.Options{Direction: mapping.ToCRM}})) // not of fields
	if n := rows(w.eve, w.theirs); n != len(photos) {
		t.Errorf("who chose no fields has %d rows of %d", n, len(photos))
	}
	ok(t, w.Links().Choose(ctx, w.ours, w.bob, record.Contacts, &reconcile.Settings{Mapping: without}))
	if n := rows(w.bob, w.ours); n != len(photos)-1 {
		t.Errorf("who chose to go without photos has %d rows of %d", n, len(photos))
	}
}
