package reconcile_test

import (
	"context"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// undos remember in memory what was undone. The id of a line is its place in the ledger's history.
type undos struct {
	w     *world
	run   reconcile.UndoRun
	lines map[int64]reconcile.UndoneLine
	after int // how many notes are taken until the process dies; negative: never
}

func (u *undos) BeginUndo(_ context.Context, r reconcile.UndoRun) (reconcile.UndoRun, error) {
	u.run = r
	return r, nil
}

func (u *undos) TheUndo(context.Context, string) (reconcile.UndoRun, error) {
	out := u.run
	out.Came = map[reconcile.Undoing]int{}
	for _, l := range u.lines {
		out.Came[l.What]++
	}
	return out, nil
}

func (u *undos) ToUndo(_ context.Context, _ record.ID, _ reconcile.LinkID, run, below int64, limit int) (out []reconcile.HistoryEntry, _ map[int64]reconcile.UndoneLine, _ error) {
	all := u.w.ledger.History()
	for i := len(all) - 1; i >= 0 && len(out) < limit; i-- {
		if id := int64(i + 1); all[i].Run == run && (below == 0 || id < below) {
			out = append(out, reconcile.HistoryEntry{ID: id, Link: 1, HistoryLine: all[i]})
		}
	}
	return out, u.lines, nil
}

func (u *undos) KeepUndo(_ context.Context, r reconcile.UndoRun, outcomes []reconcile.UndoneLine) error {
	if u.after == 0 {
		return errDead
	}
	u.after--
	for _, o := range outcomes {
		u.lines[o.Line] = o
	}
	if r.ID != "" {
		u.run = r
	}
	return nil
}

func (u *undos) IdleUndos(context.Context, time.Time) ([]string, error) {
	return []string{u.run.ID}, nil
}

// undoer is Adele's hand on a world's history.
func (w *world) undoer() (*reconcile.Undoer, *undos) {
	kept := &undos{w: w, lines: map[int64]reconcile.UndoneLine{}, after: -1}
	return &reconcile.Undoer{
		Undos: kept, Now: func() time.Time { return w.clock },
		Link: func(context.Context, record.ID, reconcile.LinkID) (*reconcile.Link, error) {
			link := w.ledger.Link(1)
			return &link, nil
		},
		Hand: func(context.Context, record.ID, record.ID, record.Kind) (reconcile.Hand, error) {
			return w.crm.Hand(w.actor(), record.Contacts), nil
		},
	}, kept
}

// last is the latest line that something was done with.
func (w *world) last(action reconcile.Action) reconcile.HistoryEntry {
	w.t.Helper()
	all := w.ledger.History()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Action == action {
			return reconcile.HistoryEntry{ID: int64(i + 1), Link: 1, HistoryLine: all[i]}
		}
	}
	w.t.Fatalf("nothing was %s: %+v", action, all)
	return reconcile.HistoryEntry{}
}

func (w *world) undo(line reconcile.HistoryEntry) reconcile.Undoing {
	w.t.Helper()
	u, _ := w.undoer()
	link := w.ledger.Link(1)
	w.clock = w.clock.Add(time.Second)
	what, err := u.Line(context.Background(), org, adele, &link, line)
	if err != nil {
		w.t.Fatalf("undo: %v", err)
	}
	return what
}

// Every change that sync makes says what was there before and after, on the side that it wrote; what one run did has one number.
func TestHistorySaysWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("k", record.Fields{record.Department: "one"})
	w.settle()

	w.edit(id, record.Fields{record.Department: "two"})
	w.settle()
	line := w.last(reconcile.Updated)
	must(t, line.Side, reconcile.InMicrosoft, "the side")
	must(t, line.Before[record.Department]+" "+line.Fields[record.Department], "one two", "what Outlook held before and after")
	first := line.Run

	w.folder.Put(w.ref("k"), record.Fields{"department": "three"})
	w.settle()
	line = w.last(reconcile.Updated)
	must(t, line.Side, reconcile.InCRM, "the side")
	must(t, line.Before[record.Department]+" "+line.Fields[record.Department], "two three", "what the CRM held before and after")
	if line.Run <= first || first == 0 {
		t.Errorf("runs %d and %d", first, line.Run)
	}

	w.folder.Delete(w.ref("k"))
	w.settle()
	must(t, w.last(reconcile.Deleted).Before[record.Department], "three", "what the CRM held when it was deleted")
}

// The delay of a change is counted from when it was made; what waited for something else than sync has none.
func TestDelayIsThatOfFreshChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.insert("k", record.Fields{record.Department: "one"})
	w.settle()
	must(t, w.last(reconcile.Created).Delay, time.Duration(0), "of the first sync")
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(10 * time.Second)
	w.edit(id, record.Fields{record.Department: "two"})
	w.clock = w.clock.Add(30 * time.Second)
	if err := w.run(); err != nil { // a minute later
		t.Fatal(err)
	}
	must(t, w.last(reconcile.Updated).Delay, 90*time.Second, "of an edit")
}

func TestUndoOfOneChange(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		do   func(w *world, id record.ID) reconcile.HistoryEntry
		what reconcile.Undoing
		want string // the department on both sides in the end; "": neither has the contact
	}{
		{"an edit in the CRM goes back on both sides", func(w *world, id record.ID) reconcile.HistoryEntry {
			w.edit(id, record.Fields{record.Department: "two"})
			w.settle()
			return w.last(reconcile.Updated)
		}, reconcile.Undone, "one one"},
		{"an edit in Outlook goes back on both sides", func(w *world, _ record.ID) reconcile.HistoryEntry {
			w.folder.Put(w.ref("k"), record.Fields{"department": "two"})
			w.settle()
			return w.last(reconcile.Updated)
		}, reconcile.Undone, "one one"},
		{"what a person changed since stays", func(w *world, id record.ID) reconcile.HistoryEntry {
			w.folder.Put(w.ref("k"), record.Fields{"department": "two"})
			w.settle()
			line := w.last(reconcile.Updated)
			w.edit(id, record.Fields{record.Department: "three"})
			w.settle()
			return line
		}, reconcile.ChangedSince, "three three"},
		{"of two fields the one that nobody changed goes back", func(w *world, id record.ID) reconcile.HistoryEntry {
			w.folder.Put(w.ref("k"), record.Fields{"department": "two", "companyName": "Contoso"})
			w.settle()
			line := w.last(reconcile.Updated)
			w.edit(id, record.Fields{record.AccountName: "Fabrikam"})
			w.settle()
			return line
		}, reconcile.UndonePartly, "one one"},
		{"what is as before already", func(w *world, id record.ID) reconcile.HistoryEntry {
			w.folder.Put(w.ref("k"), record.Fields{"department": "two"})
			w.settle()
			line := w.last(reconcile.Updated)
			w.edit(id, record.Fields{record.Department: "one"})
			w.settle()
			return line
		}, reconcile.UndoneBefore, "one one"},
		{"a delete in Outlook is taken back", func(w *world, _ record.ID) reconcile.HistoryEntry {
			w.folder.Delete(w.ref("k"))
			w.settle()
			return w.last(reconcile.Deleted)
		}, reconcile.Undone, "one one"},
		{"a delete in the CRM is taken back", func(w *world, id record.ID) reconcile.HistoryEntry {
			w.bin(id)
			w.settle()
			return w.last(reconcile.Deleted)
		}, reconcile.Undone, "one one"},
		{"the record is gone for good", func(w *world, id record.ID) reconcile.HistoryEntry {
			w.bin(id)
			w.settle()
			if _, err := w.crm.Destroy(context.Background(), w.actor(), record.Contacts, []record.ID{id}); err != nil {
				t.Fatal(err)
			}
			return w.last(reconcile.Deleted)
		}, reconcile.NothingThere, ""},
	} {
		w := newWorld(t)
		id := w.insert("k", record.Fields{record.Department: "one"})
		w.insert("another", nil)
		w.settle()
		line := row.do(w, id)
		must(t, line.Undoable(), true, row.name+": undoable")
		must(t, w.undo(line), row.what, row.name)
		w.settle()
		if row.want == "" {
			must(t, len(w.live()["k"])+len(w.items()["k"]), 0, row.name+": there")
			continue
		}
		must(t, w.departments(), row.want, row.name)
		w.alike()
	}
}

// A contact that came from Outlook is taken back: into the recycle bin here, and out of Outlook's folder; unless somebody has
// changed it since. One that sync made in Outlook is no change of sync's to take back: its record is a person's own.
func TestUndoOfACreatedRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"a", "b", "c"} {
		w.insert(key, nil)
	}
	w.settle()
	if line := w.last(reconcile.Created); line.Undoable() {
		t.Errorf("%+v is said to be undoable", line)
	}
	w.folder.Put("", record.Fields{"jobTitle": "new", "surname": "New"})
	w.settle()
	line := w.last(reconcile.Created)
	must(t, w.undo(line), reconcile.Undone, "undone")
	w.settle()
	must(t, len(w.live()["new"])+len(w.items()["new"]), 0, "left")
	must(t, w.undo(line), reconcile.UndoneBefore, "undone twice")

	w.folder.Put("", record.Fields{"jobTitle": "newer", "surname": "New"})
	w.settle()
	line = w.last(reconcile.Created)
	w.clock = w.clock.Add(time.Minute)
	w.edit(w.live()["newer"][0].ID, record.Fields{record.Department: "mine"})
	must(t, w.undo(line), reconcile.ChangedSince, "after an edit")
	must(t, len(w.live()["newer"]), 1, "left")
}

// A run is undone as a whole, latest change first, though the process dies in the middle; what people changed since stays, and
// what would have people mailed is not touched.
func TestUndoOfARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := map[string]record.ID{}
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		ids[key] = w.insert(key, record.Fields{record.Department: "one"})
	}
	w.settle()
	for _, key := range []string{"a", "b", "c", "d"} {
		w.folder.Put(w.ref(key), record.Fields{"department": "two"})
	}
	w.edit(ids["e"], record.Fields{record.Department: "two"})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	run := w.last(reconcile.Updated).Run
	w.settle()
	w.edit(ids["b"], record.Fields{record.Department: "three"})
	w.settle()

	u, kept := w.undoer()
	u.Hand = func(context.Context, record.ID, record.ID, record.Kind) (reconcile.Hand, error) {
		return mailing{w.crm.Hand(w.actor(), record.Contacts), ids["c"].Ref()}, nil
	}
	kept.run = reconcile.UndoRun{ID: "u", Org: org, User: adele, Link: 1, Kind: record.Contacts, Run: run}
	kept.after = 0
	if err := u.Work(context.Background(), "u"); err == nil {
		t.Fatal("the process did not die")
	}
	kept.after = -1
	if err := u.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.settle()
	for key, want := range map[string]record.Value{"a": "one", "b": "three", "c": "two", "d": "one", "e": "one"} {
		must(t, w.live()[key][0].Fields[record.Department], want, "in the CRM: "+key)
		must(t, w.items()[key][0][record.Department], want, "in Outlook: "+key)
	}
	got, _ := kept.TheUndo(context.Background(), "u")
	if got.Ended.IsZero() || got.Came[reconcile.ChangedSince] != 1 || got.Came[reconcile.WouldBeMail] != 1 || got.Came[reconcile.UndoneBefore] != 3 {
		t.Errorf("it came to %+v", got)
	}
	w.alike()
}

// mailing is a hand whose writes to one record would have people mailed.
type mailing struct {
	reconcile.Hand
	ref record.Ref
}

func (m mailing) Mails(_ context.Context, writes []record.Write) ([]bool, error) {
	out := make([]bool, len(writes))
	for i, w := range writes {
		out[i] = w.Ref == m.ref
	}
	return out, nil
}

// Who may not change records undoes nothing.
func TestUndoAsksWhetherThePersonMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert("k", record.Fields{record.Department: "one"})
	w.settle()
	w.folder.Put(w.ref("k"), record.Fields{"department": "two"})
	w.settle()
	line := w.last(reconcile.Updated)
	u, _ := w.undoer()
	link := w.ledger.Link(1)
	for _, row := range []struct {
		hand func(context.Context, record.ID, record.ID, record.Kind) (reconcile.Hand, error)
		want reconcile.Undoing
	}{
		{func(context.Context, record.ID, record.ID, record.Kind) (reconcile.Hand, error) {
			return nil, fault.New(fault.Denied, "", "deactivated")
		}, reconcile.NotAllowed},
		{func(context.Context, record.ID, record.ID, record.Kind) (reconcile.Hand, error) {
			reader := w.actor()
			reader.Contacts = record.Access{View: record.Anyones}
			return w.crm.Hand(reader, record.Contacts), nil
		}, reconcile.NotAllowed},
		{func(context.Context, record.ID, record.ID, record.Kind) (reconcile.Hand, error) {
			stranger := crm.Actor{Author: crm.Author{Org: 8, User: 9}, Contacts: record.Full}
			return w.crm.Hand(stranger, record.Contacts), nil
		}, reconcile.NothingThere},
	} {
		u.Hand = row.hand
		what, err := u.Line(context.Background(), org, adele, &link, line)
		if err != nil {
			t.Fatal(err)
		}
		must(t, what, row.want, "outcome")
	}
	must(t, w.live()["k"][0].Fields[record.Department], "two", "the record")
}
