package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func testPreviews(t *testing.T, w *world) {
	ctx, links := t.Context(), w.Links()
	preview := func(id string, user record.ID) reconcile.Preview {
		return reconcile.Preview{
			ID: id, Org: w.ours, User: user, Kind: record.Contacts, Occasion: reconcile.Changing, Begun: w.clock.Now(), Touched: w.clock.Now(),
			State: reconcile.Rehearsing, Settings: reconcile.Settings{Winner: reconcile.CRMWins, Mapping: mapping.Default(record.Contacts)},
		}
	}
	lines := func(from, to int) (out []reconcile.Line) {
		for i := from; i <= to; i++ {
			group := reconcile.ToCreate
			if i%3 == 0 {
				group = reconcile.ToUpdate
			}
			out = append(out, reconcile.Line{Verb: reconcile.Merge, Group: group, Name: fmt.Sprint("line ", i), ToCRM: record.Fields{record.Mobile: "1"}})
		}
		return out
	}
	ana, bob := preview("ana's", w.ana), preview("bob's", w.bob)
	ok(t, links.BeginPreview(ctx, ana))
	ok(t, links.BeginPreview(ctx, bob))
	ok(t, links.KeepPreview(ctx, ana, ana.Touched, 1, lines(1, 5)))
	ok(t, links.KeepPreview(ctx, ana, ana.Touched, 6, lines(6, 9)))
	ok(t, links.KeepPreview(ctx, bob, bob.Touched, 1, lines(1, 2)))
	ana.State, ana.Summary = reconcile.Rehearsed, reconcile.Summary{Counts: map[reconcile.Group]int{reconcile.ToCreate: 6}, Compared: 9}
	ok(t, links.KeepPreview(ctx, ana, ana.Touched, 10, nil))
	if got := must(links.Preview(ctx, w.ours, w.ana, "ana's"))(t); !reflect.DeepEqual(got, ana) {
		t.Errorf("kept %+v\nas   %+v", ana, got)
	}
	read := func(org, user record.ID, group reconcile.Group, page int) (out []string) {
		for after := 0; ; {
			part, last, err := links.PreviewLines(ctx, org, user, "ana's", group, after, page)
			ok(t, err)
			if len(part) == 0 {
				return out
			}
			for _, l := range part {
				out = append(out, l.Name)
			}
			after = last
		}
	}
	if got := read(w.ours, w.ana, "", 2); len(got) != 9 || got[8] != "line 9" {
		t.Errorf("all lines: %v", got)
	}
	if got := fmt.Sprint(read(w.ours, w.ana, reconcile.ToUpdate, 2)); got != "[line 3 line 6 line 9]" {
		t.Errorf("those of one group: %v", got)
	}
	// It is its user's alone.
	for _, who := range []struct{ org, user record.ID }{{w.ours, w.bob}, {w.theirs, w.eve}, {w.theirs, w.ana}} {
		if _, err := links.Preview(ctx, who.org, who.user, "ana's"); !fault.Is(err, fault.NotFound) {
			t.Errorf("user %d of %d finds it: %v", who.user, who.org, err)
		}
		if got := read(who.org, who.user, "", 9); len(got) > 0 {
			t.Errorf("user %d of %d reads %v", who.user, who.org, got)
		}
	}
	// Made anew, what was told before gives way; asked for anew, all of it does.
	ok(t, links.KeepPreview(ctx, ana, ana.Touched, 1, lines(7, 7)))
	if got := fmt.Sprint(read(w.ours, w.ana, "", 9)); got != "[line 7]" {
		t.Errorf("made anew: %v", got)
	}
	// Whoever does not know that it is made by somebody else by now is refused, and the lines stay.
	since := ana
	since.Touched = ana.Touched.Add(time.Microsecond)
	ok(t, links.KeepPreview(ctx, since, ana.Touched, 2, lines(8, 9)))
	for _, from := range []int{1, 4} {
		if err := links.KeepPreview(ctx, ana, ana.Touched, from, lines(1, 1)); !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) != fault.StaleLease {
			t.Errorf("it is made by somebody else, and yet: %v", err)
		}
	}
	if got := fmt.Sprint(read(w.ours, w.ana, "", 9)); got != "[line 7 line 8 line 9]" {
		t.Errorf("after somebody else was refused: %v", got)
	}
	again := preview("ana's next", w.ana)
	ok(t, links.BeginPreview(ctx, again))
	if err := links.KeepPreview(ctx, ana, ana.Touched, 2, lines(8, 9)); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody waits for it, and yet: %v", err)
	}
	w.clock.pass(2 * time.Hour)
	ok(t, links.PrunePreviews(ctx, w.clock.Now().Add(-reconcile.PreviewsKept)))
	for _, id := range []string{"ana's", "ana's next", "bob's"} {
		if _, err := links.ThePreview(ctx, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s after two hours: %v", id, err)
		}
	}
	if n := must(w.Store.PreviewRows(ctx))(t); n != 0 {
		t.Errorf("%d lines are left", n)
	}
}

func testPast(t *testing.T, w *world) {
	ctx, past := t.Context(), w.Store.Past()
	id := w.link(w.ana, record.Contacts).ID
	l := w.run(id)
	pairs := w.settle(l, reconcile.Entry{Pair: pair("1", "a")}, reconcile.Entry{Pair: pair("2", "b")})
	w.clock.pass(time.Hour)
	w.run(id) // another worker has it
	got := must(past.Pairs(ctx, l, 0, 10))(t)
	if len(got) != len(pairs) {
		t.Errorf("it reads %v", got)
	}
	byRef := must(past.PairsByRef(ctx, l, reconcile.InCRM, []record.Ref{"2"}))(t)
	if byRef["2"].Microsoft != "b" {
		t.Errorf("by ref: %v", byRef)
	}
	if none := must(past.Pairs(ctx, &reconcile.Link{Org: w.ours, User: w.ana, Kind: record.Contacts}, 0, 10))(t); len(none) > 0 {
		t.Errorf("of a link that is not there yet: %v", none)
	}
	ok(t, w.Links().ChangeState(ctx, w.ours, id, []reconcile.LinkState{reconcile.On}, reconcile.Paused, ""))
	if got := must(past.Pairs(ctx, l, 0, 10))(t); len(got) != len(pairs) {
		t.Errorf("of a paused link it reads %v", got)
	}
	if byRef := must(past.PairsByRef(ctx, l, reconcile.InMicrosoft, []record.Ref{"a"}))(t); byRef["a"].CRM != "1" {
		t.Errorf("by ref, of a paused link: %v", byRef)
	}
	ok(t, w.Links().ChangeState(ctx, w.ours, id, []reconcile.LinkState{reconcile.Paused}, reconcile.On, ""))
	foreign := *l
	foreign.Org = w.theirs
	if _, err := past.Pairs(ctx, &foreign, 0, 10); !fault.Is(err, fault.NotFound) {
		t.Errorf("of another organization's link: %v", err)
	}

	if before, afresh, err := past.Before(ctx, l); before != l.Mapping || afresh || err != nil {
		t.Errorf("nothing was changed, and yet before was %+v, afresh %v, %v", before, afresh, err)
	}
	table := &mapping.Table{Kind: record.Contacts, Rows: []mapping.Row{{Microsoft: "surname", CRM: record.LastName}}}
	ok(t, w.Links().ChangeSettings(ctx, w.ours, id, reconcile.Policy{}, table))
	changed := w.reload(l)
	if before, afresh, err := past.Before(ctx, changed); !changed.Changed || err != nil || afresh || len(before.Rows) != len(l.Mapping.Rows) {
		t.Errorf("before the change: %+v, afresh %v, %v", before, afresh, err)
	}
	for _, way := range []mapping.Direction{mapping.ToCRM, mapping.BothWays} {
		ok(t, w.Links().ChangeSettings(ctx, w.ours, id, reconcile.Policy{Options: reconcile.Options{Direction: way}}, table))
	}
	if _, afresh, err := past.Before(ctx, w.reload(l)); !afresh || err != nil {
		t.Errorf("after it went to the CRM only, afresh %v, %v", afresh, err)
	}

	imported := func(r *crm.Record) { r.Source = record.Import }
	w.insert(w.ana, w.contact(w.ana, "one"), w.contact(w.ana, "imported", imported), w.contact(w.bob, "bobs"), w.contact(w.bob, "bobs import", imported),
		w.contact(w.ana, "touched", imported, func(r *crm.Record) { r.Mark = crm.MassMark }))
	if left := must(past.LeftOut(ctx, l))(t); !reflect.DeepEqual(left, map[fault.Reason]int{fault.Imported: 1, fault.NotOwn: 2}) {
		t.Errorf("left out: %v", left)
	}
}
