package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

func testLinks(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	w.within(w.ours, func(tx account.Tx) error {
		o := must(tx.Organization())(t)
		o.Region, o.AdmitContacts = "PT", true
		return tx.UpdateOrganization(o)
	})
	table := &mapping.Table{Kind: record.Contacts, Rows: []mapping.Row{{Microsoft: "givenName", CRM: record.FirstName}}}
	l := must(s.CreateLink(ctx, reconcile.Link{Org: w.ours, User: w.ana, Kind: record.Contacts, State: reconcile.On, Since: w.clock.Now(),
		Policy: reconcile.Policy{Winner: reconcile.CRMWins}, Mapping: table}))(t)
	if l.ID == 0 || l.Wanted != 1 || l.Policy.Winner != reconcile.CRMWins || !l.Policy.AdmitImported || l.Region != "PT" || len(l.Mapping.Rows) != 1 ||
		l.Mapping.Rows[0].Microsoft != "givenName" || !l.Since.Equal(w.clock.Now()) || !l.LastRun.IsZero() {
		t.Errorf("created %+v", l)
	}
	if got := w.waker.take(t); !slices.Equal(got, []reconcile.LinkID{l.ID}) {
		t.Errorf("woken are %v", got)
	}
	if _, err := s.CreateLink(ctx, reconcile.Link{Org: w.ours, User: w.ana, Kind: record.Contacts, State: reconcile.On}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second link of a kind: %v", err)
	}
	w.link(w.ana, record.Calendar)
	w.link(w.bob, record.Contacts)
	kinds := func(links []reconcile.Link) (out []string) {
		for _, l := range links {
			out = append(out, fmt.Sprintf("%d %s", l.User-w.ana, l.Kind))
		}
		return out
	}
	bob := w.bob - w.ana
	if got := kinds(must(s.LinksOf(ctx, w.ours, w.ana))(t)); !slices.Equal(got, []string{"0 calendar", "0 contacts"}) {
		t.Errorf("LinksOf: %v", got)
	}
	if got := kinds(must(s.LinksIn(ctx, w.ours))(t)); !slices.Equal(got, []string{"0 calendar", "0 contacts", fmt.Sprintf("%d contacts", bob)}) {
		t.Errorf("LinksIn: %v", got)
	}
	if got := must(s.CalendarsOf(ctx, w.ours, w.ana, w.bob, w.eve))(t); len(got) != 1 || got[w.ana] != reconcile.On {
		t.Errorf("CalendarsOf: %v", got)
	}
	w.waker.take(t)
	if err := s.ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.Paused, reconcile.Held}, reconcile.On, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("from a state it is not in: %v", err)
	}
	ok(t, s.ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Paused, fault.ConsentRequired))
	if got := w.reload(l); got.State != reconcile.Paused || got.Reason != fault.ConsentRequired || got.Wanted != 1 || len(w.waker.take(t)) != 0 {
		t.Errorf("paused as %+v", got)
	}
	w.served(w.run(l.ID))
	ok(t, s.ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.Paused}, reconcile.On, ""))
	if got := w.reload(l); got.State != reconcile.On || got.Wanted != 2 || len(w.waker.take(t)) != 1 {
		t.Errorf("on again as %+v", got)
	}
	ok(t, s.ChangeSettings(ctx, w.ours, l.ID, reconcile.Policy{Winner: reconcile.LaterWins}, nil))
	if got := w.reload(l); got.Policy.Winner != reconcile.LaterWins || got.Mapping != nil || got.Wanted != 3 {
		t.Errorf("changed to %+v", got)
	}
	ok(t, s.ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Off, fault.ContainerDeleted))
	if got := kinds(must(s.LinksOf(ctx, w.ours, w.ana))(t)); !slices.Equal(got, []string{"0 calendar"}) {
		t.Errorf("LinksOf shows %v", got)
	}
	if again := w.link(w.ana, record.Contacts); again.ID == l.ID {
		t.Error("a link that is off was used again")
	}
	if _, err := s.CreateLink(ctx, reconcile.Link{Org: w.ours, User: 77, Kind: record.Contacts, State: reconcile.On}); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody's link: %v", err)
	}
}

func testAllowDeletes(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	if err := s.AllowDeletes(ctx, w.ours, id, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("an answer nobody asked for: %v", err)
	}
	hold := func() *reconcile.Link {
		l := w.run(id)
		l.State, l.Reason, l.DeletesOK = reconcile.Held, fault.TooManyDeletes, false
		w.served(l)
		w.waker.take(t)
		return l
	}
	l := w.run(id)
	p := pair("c1", "m1")
	p.State, p.Reason, p.MissingSide = reconcile.Waiting, fault.HeldDelete, reconcile.InCRM
	w.settle(l, reconcile.Entry{Pair: p}, reconcile.Entry{Pair: pair("c2", "m2")})
	w.served(l)
	hold()
	ok(t, s.AllowDeletes(ctx, w.ours, id, true))
	if got := w.reload(l); !got.DeletesOK || got.State != reconcile.Held || len(w.waker.take(t)) != 1 {
		t.Errorf("yes made it %+v", got)
	}
	// The yes is for what waits now, and is no try of its own.
	agreed := func() (out []record.Ref) {
		l := w.run(id)
		for _, p := range must(w.Ledger().PairsInState(ctx, l, reconcile.Waiting, time.Time{}, 0, 9))(t) {
			if !p.RetryAt.IsZero() {
				out = append(out, p.CRM)
			}
		}
		l.DeletesOK = false
		w.served(l)
		return out
	}
	if got := agreed(); !slices.Equal(got, []record.Ref{"c1"}) {
		t.Errorf("yes was said to %v", got)
	}
	for _, r := range must(s.Records(ctx, w.ours, id, "waiting", 0, 9))(t) {
		if !r.RetryAt.IsZero() {
			t.Errorf("%s is tried again at %v", r.CRM, r.RetryAt)
		}
	}
	// An answer during a run is not overwritten by it.
	hold()
	l = w.run(id)
	ok(t, s.AllowDeletes(ctx, w.ours, id, true))
	w.served(l)
	if got := w.reload(l); !got.DeletesOK {
		t.Errorf("the run forgot the answer: %+v", got)
	}
	l = w.run(id)
	l.DeletesOK = false
	w.served(l)
	ok(t, s.AllowDeletes(ctx, w.ours, id, false))
	if got := w.reload(l); got.DeletesOK || got.Waiting != 0 || got.Failing != 1 || got.Synced != 1 {
		t.Errorf("no made it %+v", got)
	}
	l = w.run(id)
	due := must(w.Ledger().PairsInState(ctx, l, reconcile.Parked, w.clock.Now(), 0, 9))(t)
	if len(due) != 1 || due[0].CRM != "c1" || due[0].Microsoft != "m1" || len(due[0].Base) != 0 || due[0].MissingSide != "" {
		t.Errorf("no left %+v", due)
	}
}

func testRetry(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	l := w.run(id)
	parked := func(crm, microsoft record.Ref) reconcile.Entry {
		p := pair(crm, microsoft)
		p.State, p.Attempts = reconcile.Parked, 8
		return reconcile.Entry{Pair: p}
	}
	w.settle(l, parked("c1", "m1"), parked("c2", "m2"), parked("c3", ""), reconcile.Entry{Pair: pair("c4", "m4")})
	w.served(l)
	w.waker.take(t)
	due := func() (refs []record.Ref) {
		l := w.run(id)
		for _, p := range must(w.Ledger().PairsInState(ctx, l, reconcile.Parked, w.clock.Now(), 0, 9))(t) {
			refs = append(refs, p.CRM)
			if p.Attempts != 0 {
				t.Errorf("%s has %d attempts", p.CRM, p.Attempts)
			}
		}
		w.served(l)
		return refs
	}
	ok(t, s.Retry(ctx, w.ours, id, "c1", "m2", "c4"))
	if len(w.waker.take(t)) != 1 {
		t.Error("the link was not woken")
	}
	if got := due(); !slices.Equal(got, []record.Ref{"c1", "c2"}) {
		t.Errorf("due are %v", got)
	}
	ok(t, s.Retry(ctx, w.ours, id))
	if got := due(); len(got) != 3 {
		t.Errorf("due are %v", got)
	}
}

func testHistory(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	l, other := w.run(w.link(w.ana, record.Contacts).ID), w.run(w.link(w.bob, record.Contacts).ID)
	for i := range 5 {
		line := reconcile.HistoryLine{At: w.clock.Now(), CRM: "c", Microsoft: "m", Side: reconcile.InCRM, Action: reconcile.Updated, Reason: fmt.Sprint(i),
			Fields: record.Fields{record.LastName: "Silva"}, Lost: []reconcile.Loss{{Field: record.LastName, Side: reconcile.InCRM, Value: "Souza"}}}
		w.settle(l, reconcile.Entry{Pair: pair(record.Ref(fmt.Sprint(i)), ""), History: []reconcile.HistoryLine{line}})
		w.settle(other, reconcile.Entry{Pair: pair(record.Ref(fmt.Sprint(i)), ""), History: []reconcile.HistoryLine{line, line}})
	}
	var all string
	for before := int64(0); ; {
		page := must(s.History(ctx, w.ours, l.ID, before, 2))(t)
		for _, h := range page {
			all, before = all+h.Reason, h.ID
			if h.Fields[record.LastName] != "Silva" || len(h.Lost) != 1 || h.Lost[0].Value != "Souza" || h.Side != reconcile.InCRM ||
				h.Action != reconcile.Updated || !h.At.Equal(w.clock.Now()) || h.CRM != "c" || h.Microsoft != "m" {
				t.Errorf("line %+v", h)
			}
		}
		if len(page) < 2 {
			break
		}
	}
	if all != "43210" {
		t.Errorf("lines in the order %q", all)
	}
}

func testStanding(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	imported := func(r *crm.Record) { r.Source = record.Import }
	rs := w.insert(w.ana, w.contact(w.ana, "synced"), w.contact(w.ana, "failing"), w.contact(w.ana, "intended"), w.contact(w.ana, "held"),
		w.contact(w.ana, "moved"), w.contact(w.ana, "imported", imported), w.contact(w.ana, "beyond"), w.contact(w.bob, "bobs"),
		w.contact(w.ana, "binned", func(r *crm.Record) { r.DeletedAt = w.clock.Now() }))
	l := w.run(id)
	entry := func(i int, state reconcile.PairState, reason fault.Reason) reconcile.Entry {
		p := pair(rs[i].ID.Ref(), record.Ref(fmt.Sprint("m", i)))
		p.State, p.Reason = state, reason
		return reconcile.Entry{Pair: p}
	}
	w.settle(l, entry(0, reconcile.Synced, ""), entry(1, reconcile.Parked, fault.TooLong), entry(2, reconcile.Intended, fault.OutcomeUnknown),
		entry(3, reconcile.Waiting, fault.HeldDelete), entry(4, reconcile.Excluded, fault.MovedOut))

	names := func(state string, page int) (out []string) {
		for {
			part := must(s.Records(ctx, w.ours, id, state, len(out), page))(t)
			for _, r := range part {
				if state != "" && r.State != state {
					t.Errorf("%q is listed as %s", r.Name, state)
				}
				out = append(out, fmt.Sprint(r.Name, " ", r.Reason))
			}
			if len(part) < page {
				return out
			}
		}
	}
	check := func(when string, counts string, why map[fault.Reason]int, lists map[string][]string) {
		t.Helper()
		st := must(s.Standing(ctx, w.ours, id))(t)
		if got := fmt.Sprint(st.Synced, st.Waiting, st.Failing, st.Excluded); got != counts || fmt.Sprint(st.Why) != fmt.Sprint(why) {
			t.Errorf("%s: standing is %s %v, want %s %v", when, got, st.Why, counts, why)
		}
		for state, want := range lists {
			for page := 1; page <= 4; page++ {
				if got := names(state, page); !slices.Equal(got, want) {
					t.Errorf("%s: %s in pages of %d are %q, want %q", when, state, page, got, want)
				}
			}
		}
		if all := names("", 3); len(all) != st.Synced+st.Waiting+st.Failing+st.Excluded {
			t.Errorf("%s: all are %q", when, all)
		}
	}
	check("during the first sync", "1 3 1 2", map[fault.Reason]int{fault.TooLong: 1, fault.MovedOut: 1, fault.Imported: 1}, map[string][]string{
		"synced": {"synced "}, "failing": {"failing too_long"}, "excluded": {"moved moved_out", "imported imported"},
		"waiting": {"intended outcome_unknown", "held held_delete", "beyond "},
	})
	l.Settled = true
	ok(t, w.Ledger().Advance(ctx, l))
	w.clock.pass(time.Minute)
	w.served(l)
	fresh := w.insert(w.bob, w.contact(w.ana, "fresh"))[0]
	check("afterwards", "1 3 1 3", map[fault.Reason]int{fault.TooLong: 1, fault.MovedOut: 1, fault.Imported: 1, fault.BeyondFirstSync: 1}, map[string][]string{
		"excluded": {"moved moved_out", "imported imported", "beyond beyond_first_sync"},
		"waiting":  {"intended outcome_unknown", "held held_delete", "fresh "},
	})
	ok(t, s.ChangeSettings(ctx, w.ours, id, reconcile.Policy{Options: reconcile.Options{Direction: mapping.ToCRM}}, nil))
	check("to the CRM only", "1 2 1 4", map[fault.Reason]int{fault.TooLong: 1, fault.MovedOut: 1, fault.OneWay: 3}, map[string][]string{
		"excluded": {"moved moved_out", "imported one_way", "beyond one_way", "fresh one_way"},
		"waiting":  {"intended outcome_unknown", "held held_delete"},
	})
	ok(t, s.ChangeSettings(ctx, w.ours, id, reconcile.Policy{}, nil))
	w.within(w.ours, func(tx account.Tx) error {
		o := must(tx.Organization())(t)
		o.AdmitContacts = true
		return tx.UpdateOrganization(o)
	})
	check("with imports admitted", "1 3 1 3", map[fault.Reason]int{fault.TooLong: 1, fault.MovedOut: 1, fault.BeyondFirstSync: 2}, nil)

	w.update(w.by(w.ana), rs[0], func(r *crm.Record) { r.Fields[record.FirstName] = "now" })
	of := must(s.RecordsOf(ctx, w.ours, record.Contacts, []record.Ref{rs[0].ID.Ref(), rs[1].ID.Ref(), rs[7].ID.Ref(), fresh.ID.Ref(), "strange", "77"}))(t)
	if len(of) != 3 || of[rs[0].ID.Ref()].State != "synced" || of[rs[0].ID.Ref()].Name != "now synced" || of[rs[1].ID.Ref()].Reason != fault.TooLong ||
		of[fresh.ID.Ref()].State != "waiting" || of[rs[0].ID.Ref()].Link != id || of[rs[0].ID.Ref()].Microsoft != "m0" {
		t.Errorf("RecordsOf tells %+v", of)
	}
}

func testLinkIsolation(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	r := w.insert(w.ana, w.contact(w.ana, "x"))[0]
	l := w.run(id)
	p := pair(r.ID.Ref(), "m1")
	p.State, p.Ask = reconcile.Parked, &reconcile.Ask{Conflicts: []record.Field{record.Mobile}}
	w.settle(l, reconcile.Entry{Pair: p, History: []reconcile.HistoryLine{{At: w.clock.Now(), Action: reconcile.Failed}}})
	l.State = reconcile.Held
	w.served(l)
	before := w.reload(l)
	for what, err := range map[string]error{
		"Link":           second(s.Link(ctx, w.theirs, id)),
		"ChangeState":    s.ChangeState(ctx, w.theirs, id, []reconcile.LinkState{reconcile.Held}, reconcile.Off, ""),
		"ChangeSettings": s.ChangeSettings(ctx, w.theirs, id, reconcile.Policy{}, nil),
		"AllowDeletes":   s.AllowDeletes(ctx, w.theirs, id, true),
		"Records":        second(s.Records(ctx, w.theirs, id, "", 0, 9)),
		"Standing":       second(s.Standing(ctx, w.theirs, id)),
		"Retry":          s.Retry(ctx, w.theirs, id),
		"Asks":           second(s.Asks(ctx, w.theirs, id, 0, 9)),
		"Decide":         s.Decide(ctx, w.theirs, id, "m1", reconcile.Ask{Taken: map[record.Field]reconcile.Where{record.Mobile: reconcile.InCRM}}),
		"CreateLink":     second(s.CreateLink(ctx, reconcile.Link{Org: w.theirs, User: w.ana, Kind: record.Calendar, State: reconcile.On})),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s with another organization answers %v", what, err)
		}
	}
	if n := len(must(s.LinksOf(ctx, w.theirs, w.ana))(t)) + len(must(s.LinksIn(ctx, w.theirs))(t)) + len(must(s.History(ctx, w.theirs, id, 0, 9))(t)) +
		len(must(s.CalendarsOf(ctx, w.theirs, w.ana))(t)) + len(must(s.RecordsOf(ctx, w.theirs, record.Contacts, []record.Ref{r.ID.Ref()}))(t)); n != 0 {
		t.Error("another organization's link shows")
	}
	// A worker whose link is not what its row says is refused too.
	forged := w.run(id)
	forged.Org = w.theirs
	if err := w.Ledger().Settle(ctx, forged, 0, []reconcile.Entry{{Pair: pair("9", "9")}}); !fault.Is(err, fault.Conflict) {
		t.Errorf("Settle with another organization answers %v", err)
	}
	if after := w.reload(l); after.State != before.State || after.Wanted != before.Wanted || after.DeletesOK {
		t.Errorf("changed from %+v to %+v", before, after)
	}
}

func testWakeOnWrite(t *testing.T, w *world) {
	ana, bob, calendar := w.link(w.ana, record.Contacts), w.link(w.bob, record.Contacts), w.link(w.ana, record.Calendar)
	quiet := func() {
		for _, l := range []*reconcile.Link{ana, bob, calendar} {
			w.served(w.run(l.ID))
		}
		w.waker.take(t)
	}
	check := func(what string, want ...reconcile.LinkID) {
		t.Helper()
		if got := w.waker.take(t); !slices.Equal(got, want) {
			t.Errorf("%s woke %v, want %v", what, got, want)
		}
		quiet()
	}
	quiet()
	r := w.insert(w.bob, w.contact(w.ana, "x"))[0]
	check("creating", ana.ID)
	r = w.update(crm.Author{Org: w.ours, User: w.ana, Link: int64(ana.ID)}, r, func(r *crm.Record) {})
	check("the link's own write")
	r = w.update(crm.Author{Org: w.ours, User: w.ana, Link: int64(ana.ID)}, r, func(r *crm.Record) { r.Owner = w.bob })
	check("the link's own write to another owner", bob.ID)
	r = w.update(w.by(w.ana), r, func(r *crm.Record) { r.Owner = w.ana })
	check("a new owner", ana.ID, bob.ID)
	r = w.update(w.by(w.ana), r, func(r *crm.Record) { r.DeletedAt = w.clock.Now() })
	check("the bin", ana.ID)
	ok(t, w.Records().Destroy(t.Context(), w.by(w.bob), record.Contacts, []record.ID{r.ID}, w.clock.Now()))
	check("destroying", ana.ID)
	w.insert(w.bob, w.event(w.ana, "e", "2026-11-23", "2026-11-24"))
	check("an event", calendar.ID)
	_, faults, err := w.Records().Update(t.Context(), w.by(w.ana), []crm.Record{r})
	ok(t, err)
	if faults[0] == nil {
		t.Error("a destroyed record was updated")
	}
	check("a write that was refused")
	ok(t, w.Links().ChangeState(t.Context(), w.ours, ana.ID, []reconcile.LinkState{reconcile.On}, reconcile.Paused, ""))
	w.insert(w.bob, w.contact(w.ana, "y"))
	check("a paused link")
}

func testWake(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	id := w.link(w.ana, record.Contacts).ID
	enqueued := func(what string, want int) {
		t.Helper()
		if got := w.waker.take(t); len(got) != want {
			t.Errorf("%s: jobs for %v, want %d", what, got, want)
		}
	}
	enqueued("switched on", 1)
	for range 3 {
		ok(t, s.Wake(ctx, id, id, 99))
	}
	enqueued("the job is on its way", 0)
	l := w.run(id)
	if l.Wanted != 4 {
		t.Errorf("wanted is %d", l.Wanted)
	}
	ok(t, s.Wake(ctx, id))
	ok(t, s.Wake(ctx, id))
	enqueued("while it runs", 0)
	w.served(l)
	enqueued("when it has run", 1)
	l = w.run(id)
	if l.Wanted != 6 || l.Done != 4 {
		t.Errorf("wanted %d, done %d", l.Wanted, l.Done)
	}
	w.served(l)
	enqueued("nothing came", 0)
	ok(t, s.Wake(ctx, id))
	enqueued("at rest", 1)

	// A run that fails leaves its job to come back: no other one may come beside it.
	l = w.run(id)
	ok(t, s.Wake(ctx, id))
	ok(t, w.Ledger().Close(ctx, l))
	ok(t, s.Wake(ctx, id))
	enqueued("failed", 0)
	ok(t, s.Postpone(ctx, id, w.clock.Now().Add(time.Hour)))
	w.clock.pass(time.Hour)
	ok(t, s.Wake(ctx, id))
	if stranded := must(s.Stranded(ctx, 9))(t); len(stranded) != 0 {
		t.Errorf("stranded are %v", stranded)
	}
	enqueued("it sleeps", 0)
	w.clock.pass(11 * time.Minute)
	if stranded := must(s.Stranded(ctx, 9))(t); !slices.Equal(stranded, []reconcile.LinkID{id}) {
		t.Errorf("its job was lost, but stranded are %v", stranded)
	}
	ok(t, s.Wake(ctx, id))
	enqueued("its job was lost", 1)

	// A run that pauses the link leaves no job: who lets it run again gets one at once.
	l = w.run(id)
	l.State, l.Reason = reconcile.Paused, fault.ReconnectNeeded
	ok(t, w.Ledger().Close(ctx, l))
	ok(t, s.Wake(ctx, id))
	enqueued("paused", 0)
	ok(t, s.ChangeState(ctx, w.ours, id, []reconcile.LinkState{reconcile.Paused}, reconcile.On, ""))
	enqueued("reconnected", 1)

	// A worker dies: after its lease the link is stranded.
	l = w.run(id)
	ok(t, s.Wake(ctx, id))
	if stranded := must(s.Stranded(ctx, 9))(t); len(stranded) != 0 {
		t.Errorf("stranded are %v", stranded)
	}
	w.clock.pass(time.Minute)
	if stranded := must(s.Stranded(ctx, 9))(t); !slices.Equal(stranded, []reconcile.LinkID{id}) {
		t.Errorf("its worker died, but stranded are %v", stranded)
	}
	ok(t, s.Wake(ctx, id))
	enqueued("its worker died", 1)
	if l.Done != 6 {
		t.Errorf("done is %d", l.Done)
	}

	// Wakes from all sides while runs come and go: at the end all are served, and no job is missing.
	w.served(w.run(id))
	w.waker.take(t)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 20 {
				if err := s.Wake(ctx, id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	for last := false; ; {
		jobs := len(w.waker.take(t))
		for range jobs {
			l, err := w.Ledger().Open(ctx, id, w.clock.Now(), time.Minute)
			if err != nil {
				t.Errorf("a second job for a link that runs: %v", err)
				continue
			}
			w.served(l)
		}
		if last && jobs == 0 {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	if l := w.reload(l); l.Wanted != l.Done {
		t.Errorf("of %d wakes %d were served", l.Wanted, l.Done)
	}
}

func testWakerFails(t *testing.T, w *world) {
	ctx := t.Context()
	l := w.link(w.ana, record.Contacts)
	w.served(w.run(l.ID))
	w.waker.take(t)
	w.waker.err = errors.New("the queue is broken")
	if _, err := w.Records().Insert(ctx, w.by(w.ana), []crm.Record{w.contact(w.ana, "x")}); err == nil {
		t.Error("a record was stored without a wake")
	}
	if err := w.Links().Wake(ctx, l.ID); err == nil {
		t.Error("a wake without a job")
	}
	w.waker.err = nil
	if got := w.list(record.Contacts, crm.Query{}); got != "" {
		t.Errorf("stored are %q", got)
	}
	if got := w.reload(l); got.Wanted != 1 || len(w.waker.take(t)) != 0 {
		t.Errorf("left is %+v", got)
	}
}

func testScheduler(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	a, b, c := w.link(w.ana, record.Contacts), w.link(w.eve, record.Contacts), w.link(w.bob, record.Contacts)
	for _, l := range []*reconcile.Link{b, a, c} {
		w.clock.pass(time.Minute)
		l = w.run(l.ID)
		l.Subscription, l.SubscriptionEnds = "s", w.clock.Now().Add(time.Hour)
		w.served(l)
	}
	ok(t, s.ChangeState(ctx, w.ours, c.ID, []reconcile.LinkState{reconcile.On}, reconcile.Paused, ""))
	if got := must(s.Due(ctx, w.clock.Now(), 9))(t); !slices.Equal(got, []reconcile.LinkID{b.ID, a.ID}) {
		t.Errorf("due are %v", got)
	}
	if got := must(s.Due(ctx, w.clock.Now().Add(-time.Minute), 9))(t); !slices.Equal(got, []reconcile.LinkID{b.ID}) {
		t.Errorf("due are %v", got)
	}
	if got := must(s.Due(ctx, w.clock.Now(), 1))(t); len(got) != 1 {
		t.Errorf("due are %v", got)
	}
	d := w.link(w.ana, record.Calendar)
	if got := must(s.Subscriptions(ctx, w.clock.Now().Add(59*time.Minute), 9))(t); !slices.Equal(got, []reconcile.LinkID{d.ID, b.ID}) {
		t.Errorf("subscriptions are %v", got)
	}
	if got := must(s.Running(ctx))(t); !slices.Equal(got, []reconcile.LinkID{a.ID, b.ID, d.ID}) {
		t.Errorf("running are %v", got)
	}
}

func testOnCommit(t *testing.T, w *world) {
	l := w.link(w.ana, record.Contacts)
	var mu sync.Mutex
	var told []store.Commit
	cancel := w.OnCommit(func(c store.Commit) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, c)
	})
	take := func() []store.Commit {
		mu.Lock()
		defer mu.Unlock()
		out := told
		told = nil
		return out
	}
	r := w.insert(w.bob, w.contact(w.ana, "x"))[0]
	if got := take(); len(got) != 1 || got[0].Org != w.ours || got[0].Kind != record.Contacts || !slices.Equal(got[0].Owners, []record.ID{w.ana}) {
		t.Errorf("told %+v", got)
	}
	_, _, err := w.Records().Update(t.Context(), w.by(w.bob), []crm.Record{{Kind: record.Contacts, ID: r.ID, Version: 7}})
	ok(t, err)
	if got := take(); len(got) != 0 {
		t.Errorf("told of a refused write: %+v", got)
	}
	l = w.run(l.ID)
	w.settle(l, reconcile.Entry{Pair: pair("c", "m")})
	if got := take(); len(got) != 1 || got[0].Link != l.ID || got[0].Org != w.ours || got[0].Owners[0] != w.ana {
		t.Errorf("told %+v", got)
	}
	w.served(l)
	cancel()
	take()
	w.insert(w.bob, w.contact(w.ana, "y"))
	if got := take(); len(got) != 0 {
		t.Errorf("told after cancel: %+v", got)
	}
	// A context that has ended writes nothing.
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := w.Records().Insert(ended, w.by(w.ana), []crm.Record{w.contact(w.ana, "z")}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("an ended context: %v", err)
	}
}
