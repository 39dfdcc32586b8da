package crm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/testkit/memcrm"
)

func (w *world) side(who record.ID, kind record.Kind, limit int, admit bool) *crm.Side {
	return w.Side(crm.LinkSide{Org: contoso, User: who, Kind: kind, Link: 7, Cap: limit, AdmitImported: admit})
}

// follow reads all pages after a cursor.
func follow(t *testing.T, s *crm.Side, after record.Cursor) (all []record.Change, next record.Cursor) {
	t.Helper()
	for range 1000 {
		page, err := s.Changes(t.Context(), after, 0)
		if err != nil {
			t.Fatal(err)
		}
		all, after = append(all, page.Changes...), page.Next
		if !page.More {
			return all, after
		}
	}
	t.Fatal("the pages do not end")
	return nil, ""
}

func TestS18_S31_FirstListingKeepsItsCap(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range 450 {
		w.now = w.now.Add(time.Second)
		w.insert(t, adele, record.Contacts, contact(fmt.Sprint("C", i)))
	}
	w.insert(t, alex, record.Contacts, contact("His"))
	all, next := follow(t, w.side(adele, record.Contacts, 420, false), "")
	if len(all) != 420 {
		t.Fatalf("%d changes, want the 420 of the cap", len(all))
	}
	if first, last := all[0].Fields[record.LastName], all[419].Fields[record.LastName]; first != "C449" || last != "C30" {
		t.Errorf("from %s to %s, want C449 to C30", first, last)
	}
	if again, _ := follow(t, w.side(adele, record.Contacts, 420, false), next); len(again) != 0 {
		t.Errorf("a quiet run tells %d changes", len(again))
	}
}

func TestS20_S32_FirstListingLeavesImportedOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.insertFrom(t, adele, record.Contacts, record.Import, contact("Imported"))
	w.insertFrom(t, adele, record.Contacts, record.Migration, contact("Migrated"))
	touched := w.insertFrom(t, adele, record.Contacts, record.Import, contact("Touched"))
	if _, err := w.MassUpdate(t.Context(), person(adele), record.Contacts, []record.ID{touched.ID}, record.Title, "x"); err != nil {
		t.Fatal(err)
	}
	w.insert(t, adele, record.Contacts, contact("Manual"))
	for admit, want := range map[bool]int{false: 2, true: 4} {
		if all, _ := follow(t, w.side(adele, record.Contacts, 100, admit), ""); len(all) != want {
			t.Errorf("admitted %v: %d records, want %d", admit, len(all), want)
		}
	}
}

func TestS19_FirstListingOrder(t *testing.T) {
	t.Parallel()
	w := newWorld() // it is 2026-03-10 12:00 UTC
	for _, m := range [][3]string{
		{"last week", "2026-03-03T10:00:00Z", "2026-03-03T11:00:00Z"},
		{"next week", "2026-03-17T10:00:00Z", "2026-03-17T11:00:00Z"},
		{"yesterday", "2026-03-09T10:00:00Z", "2026-03-09T11:00:00Z"},
		{"tomorrow", "2026-03-11T10:00:00Z", "2026-03-11T11:00:00Z"},
	} {
		w.insert(t, adele, record.Calendar, meeting(m[0], m[1], m[2]))
	}
	all, _ := follow(t, w.side(adele, record.Calendar, 100, false), "")
	var got []record.Value
	for _, c := range all {
		got = append(got, c.Fields[record.EventTitle])
	}
	if fmt.Sprint(got) != "[tomorrow next week yesterday last week]" {
		t.Errorf("order %v", got)
	}
}

// Whatever is written between two pages, the first listing and the feed behind it tell every record.
func TestFirstListingMissesNothingWhilePeopleWork(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var ids []record.ID
	for i := range 700 {
		w.now = w.now.Add(time.Second)
		ids = append(ids, w.insert(t, adele, record.Contacts, contact(fmt.Sprint("C", i))).ID)
	}
	side := w.side(adele, record.Contacts, 10000, false)
	state := map[record.Ref]record.Change{}
	var after record.Cursor
	for page := 0; ; page++ {
		got, err := side.Changes(t.Context(), after, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range got.Changes {
			state[c.Ref] = c
		}
		after = got.Next
		if !got.More {
			break
		}
		if page < 5 { // deletions pull the rest of the list forward, updates push it back
			w.now = w.now.Add(time.Second)
			if _, err := w.Delete(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: ids[699-page]}, {ID: ids[690-page*7]}}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: ids[page], Fields: contact("New")}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, r := range w.store.All() {
		c, told := state[r.ID.Ref()]
		switch {
		case !told && !r.Deleted():
			t.Errorf("record %s was never told", r.ID)
		case told && (c.State == record.Gone) != r.Deleted():
			t.Errorf("record %s: told %v, deleted %v", r.ID, c.State, r.Deleted())
		case told && !r.Deleted() && c.Fields[record.LastName] != r.Fields[record.LastName]:
			t.Errorf("record %s was told as %s, is %s", r.ID, c.Fields[record.LastName], r.Fields[record.LastName])
		}
	}
}

func TestS17_FeedTellsOfDepartures(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Contacts, contact("Moves"))
	d := w.insert(t, adele, record.Contacts, contact("Dies"))
	_, cursor := follow(t, w.side(adele, record.Contacts, 100, false), "")
	_, his := follow(t, w.side(alex, record.Contacts, 100, false), "")
	ctx := t.Context()
	if _, err := w.ChangeOwner(ctx, person(adele), record.Contacts, []record.ID{r.ID}, alex); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Delete(ctx, person(adele), record.Contacts, []crm.Draft{{ID: d.ID}}); err != nil {
		t.Fatal(err)
	}
	all, cursor := follow(t, w.side(adele, record.Contacts, 100, false), cursor)
	if len(all) != 2 || all[0].State != record.Left || all[0].Meta.Owner != alex || all[1].State != record.Gone {
		t.Errorf("Adele's feed: %+v", all)
	}
	if all, _ := follow(t, w.side(alex, record.Contacts, 100, false), his); len(all) != 1 || all[0].State != record.Present {
		t.Errorf("Alex's feed: %+v", all)
	}
	if _, err := w.Destroy(ctx, person(adele), record.Contacts, []record.ID{d.ID}); err != nil {
		t.Fatal(err)
	}
	if all, _ := follow(t, w.side(adele, record.Contacts, 100, false), cursor); len(all) != 1 || all[0].State != record.Gone || all[0].Ref != d.ID.Ref() {
		t.Errorf("after the bin was emptied: %+v", all)
	}
}

func TestChangesRefusesForeignCursors(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, c := range []record.Cursor{"seq:99", "seq:-1", "seq:1x", "first:9:9:9:9", "first:0:0:0:-1", "delta", "seq:"} {
		if _, err := w.side(adele, record.Contacts, 10, false).Changes(t.Context(), c, 0); fault.ReasonOf(err) != fault.CursorExpired {
			t.Errorf("%q: %v, want an expired cursor", c, err)
		}
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ctx, side := t.Context(), w.side(adele, record.Contacts, 100, false)
	one := func(wr record.Write) record.Outcome {
		t.Helper()
		out, err := side.Apply(ctx, []record.Write{wr})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	made := one(record.Write{Op: record.Create, Token: "t1", Fields: contact("Made")})
	if again := one(record.Write{Op: record.Create, Token: "t1", Fields: contact("Made")}); again.Ref != made.Ref {
		t.Errorf("a repeated create made %s besides %s", again.Ref, made.Ref)
	}
	if found, err := side.Find(ctx, []string{"t1", "t2"}); err != nil || len(found) != 1 || found["t1"].Ref != made.Ref || found["t1"].Meta.Source != record.FromExchange {
		t.Errorf("find: %+v, %v", found, err)
	}
	if out := one(record.Write{Op: record.Update, Ref: made.Ref, Version: "0", Fields: contact("x")}); !fault.Is(out.Err, fault.Conflict) {
		t.Errorf("update at an old version: %v", out.Err)
	}
	same := one(record.Write{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: contact("Made")})
	if same.Err != nil || same.Version != made.Version {
		t.Errorf("an update that changes nothing: %+v", same)
	}
	long := contact("x").With(record.Fields{record.Title: record.Value(fmt.Sprintf("%0101d", 1))})
	if out := one(record.Write{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: long}); fault.ReasonOf(out.Err) != fault.TooLong {
		t.Errorf("a value that is too long: %v", out.Err)
	}
	dead := one(record.Write{Op: record.Delete, Ref: made.Ref, Version: made.Version})
	if dead.Err != nil {
		t.Fatal(dead.Err)
	}
	if out := one(record.Write{Op: record.Delete, Ref: made.Ref, Version: made.Version}); out.Err != nil {
		t.Errorf("deleting twice: %v", out.Err)
	}
	if out := one(record.Write{Op: record.Update, Ref: made.Ref, Version: dead.Version, Fields: contact("x")}); !fault.Is(out.Err, fault.Gone) {
		t.Errorf("updating what is deleted: %v", out.Err)
	}
	if seen, err := side.Read(ctx, []record.Ref{made.Ref, "999", "no ref"}); err != nil || seen[0].State != record.Gone || seen[1].State != record.Gone || seen[2].State != record.Gone {
		t.Errorf("read: %+v, %v", seen, err)
	}
	back := one(record.Write{Op: record.Restore, Ref: made.Ref, Version: dead.Version, Fields: contact("Back")})
	if back.Err != nil || back.Fields[record.LastName] != "Back" {
		t.Errorf("restore: %+v", back)
	}
	for _, want := range []time.Time{{}, w.now} { // when a person does it, and not sync
		if seen, err := side.Read(ctx, []record.Ref{made.Ref}); err != nil || !seen[0].Restored.Equal(want) {
			t.Errorf("read: %+v, %v; want restored %v", seen, err, want)
		}
		id, _ := record.ParseID(string(made.Ref))
		for _, results := range [][]crm.Result{
			must(w.Delete(ctx, person(adele), record.Contacts, []crm.Draft{{ID: id}})),
			must(w.Restore(ctx, person(adele), record.Contacts, []record.ID{id})),
		} {
			if results[0].Err != nil {
				t.Fatal(results[0].Err)
			}
		}
	}
	his := w.insert(t, alex, record.Contacts, contact("His"))
	if out := one(record.Write{Op: record.Update, Ref: his.ID.Ref(), Version: "1", Fields: contact("x")}); !fault.Is(out.Err, fault.Conflict) {
		t.Errorf("updating somebody else's record: %v", out.Err)
	}
	if seen, _ := side.Read(ctx, []record.Ref{his.ID.Ref()}); seen[0].State != record.Left {
		t.Errorf("somebody else's record: %+v", seen)
	}
}

// busyStore refuses to write.
type busyStore struct{ *memcrm.Store }

func (busyStore) Insert(context.Context, crm.Author, []crm.Record) ([]crm.Record, error) {
	return nil, fault.New(fault.Unavailable, "", "the database is busy")
}

func (busyStore) Update(context.Context, crm.Author, []crm.Record) ([]crm.Record, []error, error) {
	return nil, nil, fault.New(fault.Unavailable, "", "the database is busy")
}

// TestI1_WhatTheDatabaseRefusesIsNotTakenForDone: a run takes an outcome with a Ref for a write that was made.
func TestI1_WhatTheDatabaseRefusesIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	kept := w.insert(t, adele, record.Contacts, contact("Kept"))
	busy := crm.New(busyStore{w.store}, func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, func() time.Time { return w.now })
	side := busy.Side(crm.LinkSide{Org: contoso, User: adele, Kind: record.Contacts, Link: 7})
	version := record.Version(fmt.Sprint(kept.Version))
	for name, writes := range map[string][]record.Write{
		"an edit":    {{Op: record.Update, Ref: kept.ID.Ref(), Version: version, Fields: record.Fields{record.Mobile: "+55 11 91234-5678"}}},
		"a deletion": {{Op: record.Delete, Ref: kept.ID.Ref(), Version: version}},
		"a new one":  {{Op: record.Create, Token: "m-1", Fields: contact("New")}},
		"both": {
			{Op: record.Create, Token: "m-2", Fields: contact("New")},
			{Op: record.Update, Ref: kept.ID.Ref(), Version: version, Fields: record.Fields{record.Mobile: "+55 11 91234-5678"}},
		},
	} {
		outcomes, err := side.Apply(t.Context(), writes)
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: got error %v", name, err)
		}
		for i, o := range outcomes {
			if o.Ref != "" || o.Version != "" {
				t.Errorf("%s: write %d, which the database refused, is told as done: %+v", name, i, o)
			}
		}
	}
}

// TestS17_ARecordThatSomebodyElseDeletedHasLeft: of one that was given away and then deleted by its new owner, the former
// owner's sync only knows that it is somebody else's.
func TestS17_ARecordThatSomebodyElseDeletedHasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld()
	given := w.insert(t, adele, record.Contacts, contact("Given"))
	for _, results := range [][]crm.Result{
		must(w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: given.ID, Owner: alex}})),
		must(w.Delete(t.Context(), person(alex), record.Contacts, []crm.Draft{{ID: given.ID}})),
	} {
		if results[0].Err != nil {
			t.Fatal(results[0].Err)
		}
	}
	for who, want := range map[record.ID]record.State{adele: record.Left, alex: record.Gone} {
		read, err := w.side(who, record.Contacts, 100, false).Read(t.Context(), []record.Ref{given.ID.Ref()})
		if err != nil || read[0].State != want {
			t.Errorf("user %d is told %v %v, want %v", who, read, err, want)
		}
	}
}

func must(results []crm.Result, err error) []crm.Result {
	if err != nil {
		return []crm.Result{{Err: err}}
	}
	return results
}
