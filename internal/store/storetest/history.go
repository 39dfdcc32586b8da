package storetest

import (
	"maps"
	"slices"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// lines of history, each of a run of its own.
func (w *world) tell(l *reconcile.Link, lines ...reconcile.HistoryLine) {
	w.t.Helper()
	for i := range lines {
		lines[i].At = w.clock.Now()
	}
	w.settle(l, reconcile.Entry{Drop: true, History: lines})
}

func reasons(lines []reconcile.HistoryEntry) (out []string) {
	for _, h := range lines {
		out = append(out, h.Reason)
	}
	return out
}

func testMarked(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Ledger()
	mark := func(mark string, crm, item record.Ref) reconcile.HistoryLine {
		return reconcile.HistoryLine{CRM: crm, Microsoft: item, Mark: mark, Side: reconcile.InMicrosoft, Action: reconcile.Updated}
	}
	first := w.run(w.link(w.ana, record.Contacts).ID)
	w.tell(first, mark("1-a", "1", "m1"), mark("1-b", "1", "m2"), mark("2-a", "2", "m3"), mark("", "3", "m4"))
	w.served(first)
	ok(t, w.Links().ChangeState(ctx, w.ours, first.ID, []reconcile.LinkState{reconcile.On}, reconcile.Off, ""))
	w.clock.pass(time.Hour)
	l := w.run(w.link(w.ana, record.Contacts).ID) // switched on again
	w.tell(l, mark("1-b", "1", "m5"))
	w.tell(w.run(w.link(w.eve, record.Contacts).ID), mark("1-a", "1", "another organization's"))
	for _, row := range []struct {
		records []record.Ref
		want    map[string]record.Ref
	}{
		{[]record.Ref{"1", "3", "4"}, map[string]record.Ref{"1-a": "m1", "1-b": "m5"}},
		{[]record.Ref{"2"}, map[string]record.Ref{"2-a": "m3"}},
		{nil, nil},
	} {
		if got := must(s.Marked(ctx, l, row.records))(t); !maps.Equal(got, row.want) {
			t.Errorf("marks of %v: %v, not %v", row.records, got, row.want)
		}
		if got := must(w.Past().Marked(ctx, l, row.records))(t); !maps.Equal(got, row.want) {
			t.Errorf("marks of %v in a rehearsal: %v, not %v", row.records, got, row.want)
		}
	}
	stale := *l
	stale.Fence--
	if _, err := s.Marked(ctx, &stale, []record.Ref{"1"}); fault.ReasonOf(err) != fault.StaleLease {
		t.Errorf("a stale worker: %v", err)
	}
}

func testLines(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	first := w.link(w.ana, record.Contacts)
	l := w.run(first.ID)
	began := w.clock.Now()
	w.tell(l, reconcile.HistoryLine{Reason: "a", CRM: "1", Side: reconcile.InCRM, Action: reconcile.Updated,
		Fields: record.Fields{record.LastName: "Silva"}, Before: record.Fields{record.LastName: "Souza"}})
	runA := l.Fence
	w.served(l)
	ok(t, s.ChangeState(ctx, w.ours, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Off, ""))
	w.clock.pass(time.Hour)
	l = w.run(w.link(w.ana, record.Contacts).ID) // switched on again
	w.tell(l, reconcile.HistoryLine{Reason: "b", CRM: "1", Side: reconcile.InMicrosoft, Action: reconcile.Created},
		reconcile.HistoryLine{Reason: "c", CRM: "2", Side: reconcile.InCRM, Action: reconcile.Failed})
	other := w.run(w.link(w.bob, record.Contacts).ID)
	w.tell(other, reconcile.HistoryLine{Reason: "bob's", CRM: "1", Side: reconcile.InCRM, Action: reconcile.Updated})
	events := w.run(w.link(w.ana, record.Calendar).ID)
	w.tell(events, reconcile.HistoryLine{Reason: "event", CRM: "1", Side: reconcile.InCRM, Action: reconcile.Updated})

	all := must(s.LinksEver(ctx, w.ours, w.ana, record.Contacts))(t)
	if !slices.Equal(all, []reconcile.LinkID{l.ID, first.ID}) {
		t.Fatalf("links that Ana ever had: %v", all)
	}
	find := func(q reconcile.HistoryQuery) []reconcile.HistoryEntry { return must(s.Lines(ctx, w.ours, q))(t) }
	for _, row := range []struct {
		name string
		q    reconcile.HistoryQuery
		want []string
	}{
		{"all", reconcile.HistoryQuery{Links: all}, []string{"c", "b", "a"}},
		{"a side", reconcile.HistoryQuery{Links: all, Side: reconcile.InCRM}, []string{"c", "a"}},
		{"an action", reconcile.HistoryQuery{Links: all, Action: reconcile.Failed}, []string{"c"}},
		{"a run", reconcile.HistoryQuery{Links: []reconcile.LinkID{first.ID}, Run: runA}, []string{"a"}},
		{"another run", reconcile.HistoryQuery{Links: []reconcile.LinkID{first.ID}, Run: runA + 1}, nil},
		{"since then", reconcile.HistoryQuery{Links: all, From: began.Add(time.Minute)}, []string{"c", "b"}},
		{"until then", reconcile.HistoryQuery{Links: all, To: began.Add(time.Minute)}, []string{"a"}},
		{"a record", reconcile.HistoryQuery{Record: "1", Kind: record.Contacts}, []string{"bob's", "b", "a"}},
		{"a record of the other kind", reconcile.HistoryQuery{Record: "1", Kind: record.Calendar}, []string{"event"}},
		{"no links", reconcile.HistoryQuery{}, nil},
	} {
		if got := reasons(find(row.q)); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, not %v", row.name, got, row.want)
		}
	}
	for _, q := range []reconcile.HistoryQuery{{Links: all, Limit: 1}, {Record: "1", Kind: record.Contacts, Limit: 1}} {
		var got []string
		for {
			page := find(q)
			if len(page) == 0 {
				break
			}
			got, q.Before = append(got, reasons(page)...), page[len(page)-1].ID
		}
		if len(got) != 3 {
			t.Errorf("by one line at a time: %v", got)
		}
	}
	a := find(reconcile.HistoryQuery{Links: all})[2]
	if a.Before[record.LastName] != "Souza" || a.Fields[record.LastName] != "Silva" || a.Run != runA || a.Link != first.ID {
		t.Errorf("the first line is %+v", a)
	}
	if got := must(s.RunWork(ctx, w.ours, first.ID, runA))(t); got != (reconcile.RunWork{From: a.At, To: a.At, Lines: 1, Updates: 1}) {
		t.Errorf("the first run did %+v", got)
	}
	if _, err := s.RunWork(ctx, w.theirs, first.ID, runA); !fault.Is(err, fault.NotFound) {
		t.Errorf("another organization looks at the run: %v", err)
	}
	if got := must(s.Lines(ctx, w.theirs, reconcile.HistoryQuery{Links: all}))(t); len(got) != 0 {
		t.Errorf("another organization reads %v", got)
	}
	if got := must(s.Lines(ctx, w.theirs, reconcile.HistoryQuery{Record: "1", Kind: record.Contacts}))(t); len(got) != 0 {
		t.Errorf("another organization reads %v", got)
	}
	if got := must(s.LinksEver(ctx, w.theirs, w.ana, record.Contacts))(t); len(got) != 0 {
		t.Errorf("another organization knows of %v", got)
	}
}

func testUndos(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	l := w.run(w.link(w.ana, record.Contacts).ID)
	for _, why := range []string{"a", "b", "c"} {
		w.tell(l, reconcile.HistoryLine{Reason: why, CRM: record.Ref(why), Side: reconcile.InCRM, Action: reconcile.Updated})
	}
	lines := must(s.History(ctx, w.ours, l.ID, 0, 10))(t)
	asked := reconcile.UndoRun{ID: "u1", Org: w.ours, User: w.ana, Link: l.ID, Kind: record.Contacts, Run: l.Fence, Asked: w.clock.Now(), Touched: w.clock.Now()}
	u := must(s.BeginUndo(ctx, asked))(t)
	asked.ID = "u2"
	if again := must(s.BeginUndo(ctx, asked))(t); u.ID != "u1" || again.ID != "u1" {
		t.Errorf("the undo of a run that is being undone is %q, then %q", u.ID, again.ID)
	}
	if _, err := s.BeginUndo(ctx, reconcile.UndoRun{ID: "u3", Org: w.theirs, Link: l.ID, Run: l.Fence}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another organization begins: %v", err)
	}
	page, done, err := s.ToUndo(ctx, w.ours, l.ID, l.Fence, 0, 2)
	if ok(t, err); !slices.Equal(reasons(page), []string{"c", "b"}) || len(done) != 0 {
		t.Errorf("to be undone: %v, %v", reasons(page), done)
	}
	mark := func(i int, what reconcile.Undoing) reconcile.UndoneLine {
		return reconcile.UndoneLine{Line: lines[i].ID, What: what, By: w.ana, At: w.clock.Now()}
	}
	u.Next, u.Touched = page[1].ID, w.clock.Now()
	ok(t, s.KeepUndo(ctx, u, []reconcile.UndoneLine{mark(0, reconcile.Undone), mark(1, reconcile.ChangedSince)}))
	if idle := must(s.IdleUndos(ctx, w.clock.Now()))(t); len(idle) != 0 {
		t.Errorf("idle already: %v", idle)
	}
	w.clock.pass(time.Minute)
	if idle := must(s.IdleUndos(ctx, w.clock.Now()))(t); !slices.Equal(idle, []string{"u1"}) {
		t.Errorf("idle: %v", idle)
	}
	page, done, err = s.ToUndo(ctx, w.ours, l.ID, l.Fence, u.Next, 2)
	if ok(t, err); !slices.Equal(reasons(page), []string{"a"}) || len(done) != 0 {
		t.Errorf("still to be undone: %v, %v", reasons(page), done)
	}
	late := u
	late.Next = 0 // one that is behind takes nothing back
	ok(t, s.KeepUndo(ctx, late, []reconcile.UndoneLine{mark(0, reconcile.ChangedSince)}))
	u.Ended, u.Touched = w.clock.Now(), w.clock.Now()
	ok(t, s.KeepUndo(ctx, u, []reconcile.UndoneLine{mark(2, reconcile.Undone)}))
	u = must(s.TheUndo(ctx, "u1"))(t)
	if !maps.Equal(u.Came, map[reconcile.Undoing]int{reconcile.Undone: 2, reconcile.ChangedSince: 1}) || !u.Ended.Equal(w.clock.Now()) || u.Kind != record.Contacts {
		t.Errorf("it came to %+v", u)
	}
	if got := must(s.UndoneOf(ctx, w.ours, []int64{lines[0].ID, lines[1].ID}))(t); got[lines[0].ID].What != reconcile.Undone || got[lines[1].ID].What != reconcile.ChangedSince {
		t.Errorf("undone: %+v", got)
	}
	if got := must(s.UndoneOf(ctx, w.theirs, []int64{lines[0].ID}))(t); len(got) != 0 {
		t.Errorf("another organization knows of %v", got)
	}
	if again := must(s.BeginUndo(ctx, asked))(t); again.ID != "u2" {
		t.Errorf("what is undone once cannot be undone again: %q", again.ID)
	}
	if _, err := s.TheUndo(ctx, "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an undo that is not there: %v", err)
	}
}

func testHours(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Links()
	l := w.run(w.link(w.ana, record.Contacts).ID)
	began := w.clock.Now()
	w.tell(l, reconcile.HistoryLine{Side: reconcile.InCRM, Action: reconcile.Updated, Delay: 3 * time.Second},
		reconcile.HistoryLine{Side: reconcile.InMicrosoft, Action: reconcile.Created}, reconcile.HistoryLine{Action: reconcile.Asked})
	w.tell(l, reconcile.HistoryLine{Side: reconcile.InCRM, Action: reconcile.Deleted, Delay: 40 * time.Second}, reconcile.HistoryLine{Action: reconcile.Failed})
	w.clock.pass(time.Hour)
	w.tell(l, reconcile.HistoryLine{Side: reconcile.InMicrosoft, Action: reconcile.Restored})
	hours := must(s.Hours(ctx, w.ours, []reconcile.LinkID{l.ID}, began))(t)
	if len(hours) != 2 || hours[0].CRM != 2 || hours[0].Microsoft != 1 || hours[0].Failed != 1 || hours[1].Microsoft != 1 || hours[1].CRM != 0 {
		t.Fatalf("hours: %+v", hours)
	}
	d := hours[0].Delays
	if d.Total() != 2 || d.Slowest != 40*time.Second || d.Within(0.5) != 5*time.Second || d.Within(1) != 40*time.Second {
		t.Errorf("delays: %+v", d)
	}
	if !hours[0].At.Equal(began.Truncate(time.Hour)) || hours[0].Link != l.ID {
		t.Errorf("of %v, link %d", hours[0].At, hours[0].Link)
	}
	if got := must(s.Hours(ctx, w.theirs, []reconcile.LinkID{l.ID}, began))(t); len(got) != 0 {
		t.Errorf("another organization reads %v", got)
	}
	ok(t, s.PruneHours(ctx, w.clock.Now()))
	if hours := must(s.Hours(ctx, w.ours, []reconcile.LinkID{l.ID}, began))(t); len(hours) != 1 {
		t.Errorf("after forgetting: %+v", hours)
	}
}
