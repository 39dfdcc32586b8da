package storetest

import (
	"reflect"
	"strconv"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// What stays in a calendar of somebody's own when its sync ends is left out of a first sync into another one, until it is changed.
func testKeptEvents(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	const own, day = record.Ref("own"), "2026-12-01T10:00:00Z"
	all := w.insert(w.ana, w.event(w.ana, "kept", day, day), w.event(w.ana, "changed since", day, day), w.event(w.ana, "only here", day, day),
		w.event(w.ana, "waits", day, day), w.event(w.bob, "given away", day, day))
	id := w.link(w.ana, record.Calendar).ID
	ok(t, w.Links().ChangeSettings(ctx, w.ours, id, reconcile.Policy{Options: reconcile.Options{Calendar: own}}, nil))
	fill := func() *reconcile.Link {
		t.Helper()
		l := w.run(id)
		var entries []reconcile.Entry
		for i, r := range all {
			p := pair(r.ID.Ref(), record.Ref("m"+strconv.Itoa(i)))
			switch p.CRMVersion = "1"; i {
			case 2:
				p.Microsoft = ""
			case 3:
				p.State, p.MissingSide = reconcile.Waiting, reconcile.InMicrosoft
			}
			entries = append(entries, reconcile.Entry{Pair: p})
		}
		w.settle(l, entries...)
		return l
	}
	listed := func(calendar record.Ref) string {
		t.Helper()
		found := must(w.Records().FirstSync(ctx, w.ours, record.Calendar, w.ana, false, calendar, w.clock.Now(), 0, 9))(t)
		if n := must(w.Records().FirstSyncCount(ctx, w.ours, record.Calendar, w.ana, false, calendar))(t); n != len(found) {
			t.Errorf("counted %d of %d", n, len(found))
		}
		return titles(found)
	}
	check := func(what, dedicated string) {
		t.Helper()
		const everything = "kept changed since only here waits"
		if got := listed(""); got != dedicated {
			t.Errorf("%s, a dedicated calendar gets %q, want %q", what, got, dedicated)
		}
		if got := listed(own); got != everything {
			t.Errorf("%s, the same calendar gets %q", what, got)
		}
	}
	w.update(w.by(w.ana), all[1], func(r *crm.Record) { r.Fields[record.Venue] = "there" })
	l := fill()
	ok(t, s.End(ctx, l, true))
	check("left", "changed since only here waits")
	stored := must(w.Records().ByID(ctx, w.ours, record.Calendar, []record.ID{all[0].ID, all[4].ID}))(t)
	if r := stored[all[0].ID]; r.KeptIn != own || r.Version != 1 || r.Meta().KeptIn != own || stored[all[4].ID].KeptIn != "" {
		t.Errorf("it remembers %+v", stored)
	}

	// Standing and previews say why.
	l.Policy.Calendar, l.Settled = "", true
	ok(t, w.Links().ChangeSettings(ctx, w.ours, id, l.Policy, nil))
	l = w.run(id)
	w.served(l)
	if got := must(w.Links().Standing(ctx, w.ours, id))(t); got.Why[fault.OwnCalendar] != 1 {
		t.Errorf("it stands %+v", got)
	}
	out := must(w.Links().Records(ctx, w.ours, id, "excluded", 0, 9))(t)
	if len(out) != 1 || out[0].CRM != all[0].ID.Ref() || out[0].Reason != fault.OwnCalendar {
		t.Errorf("left out are %+v", out)
	}
	past := w.Store.Past()
	if left := must(past.LeftOut(ctx, l))(t); !reflect.DeepEqual(left, map[fault.Reason]int{fault.OwnCalendar: 1, fault.NotOwn: 1}) {
		t.Errorf("a preview leaves out %v", left)
	}
	if of := must(w.Links().RecordsOf(ctx, w.ours, record.Calendar, []record.Ref{all[0].ID.Ref()}))(t)[all[0].ID.Ref()]; of.Reason != fault.OwnCalendar {
		t.Errorf("its badge says %+v", of)
	}

	// Back in that calendar, which is then deleted: nothing stays in it.
	l.Policy.Calendar = own
	ok(t, w.Links().ChangeSettings(ctx, w.ours, id, l.Policy, nil))
	l = w.run(id)
	ok(t, s.End(ctx, l, false))
	check("deleted", "kept changed since only here waits")

	ok(t, s.End(ctx, fill(), true))
	check("left again", "changed since only here waits")
	w.update(w.by(w.ana), must(w.Records().ByID(ctx, w.ours, record.Calendar, []record.ID{all[0].ID}))(t)[all[0].ID], func(r *crm.Record) {})
	check("changed", "kept changed since only here waits")
}
