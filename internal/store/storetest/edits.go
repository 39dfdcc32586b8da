package storetest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// What people change in a contact is told with who and when, in the transaction of the change; what sync does is not, nor what came to
// nothing. It goes with the contact, and after its time.
func testEdits(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Records()
	edits := func(id record.ID) []crm.Edit {
		t.Helper()
		return must(s.Edits(ctx, w.ours, id, time.Time{}, 10))(t)
	}
	one := w.insert(w.ana, w.contact(w.ana, "Silva", func(r *crm.Record) { r.Fields[record.Title] = "CEO" }))[0]
	event := w.insert(w.ana, w.event(w.ana, "Visit", "2026-11-24T09:00:00-03:00", "2026-11-24T10:00:00-03:00"))[0]
	if got := edits(one.ID); len(got) != 0 {
		t.Errorf("a new one: %+v", got)
	}
	sync := w.by(w.ana)
	sync.Link = 7
	one = w.update(sync, one, func(r *crm.Record) { r.Fields[record.Department] = "from Outlook" })
	w.update(w.by(w.ana), event, func(r *crm.Record) { r.Fields[record.Venue] = "Room 9" })
	stale := one
	begun := w.clock.Now()
	by := func(user record.ID, change func(*crm.Record)) {
		t.Helper()
		w.clock.pass(time.Minute)
		one = w.update(w.by(user), one, func(r *crm.Record) {
			r.ModifiedAt, r.ModifiedBy = w.clock.Now(), user
			change(r)
		})
	}
	by(w.bob, func(r *crm.Record) {
		r.Fields[record.Title], r.Fields[record.Description] = "CTO", record.Value(strings.Repeat("é", 1000))
		delete(r.Fields, record.Department)
	})
	by(w.bob, func(*crm.Record) {})
	by(w.ana, func(r *crm.Record) { r.Owner = w.bob })
	by(w.bob, func(r *crm.Record) { r.DeletedAt, r.DeletedBy = w.clock.Now(), w.bob })
	by(w.bob, func(r *crm.Record) { r.DeletedAt, r.DeletedBy = time.Time{}, 0 })
	if _, faults, err := s.Update(ctx, w.by(w.bob), []crm.Record{stale}); err != nil || faults[0] == nil {
		t.Fatalf("%v %v", faults, err)
	}
	got := edits(one.ID)
	did := func(edits []crm.Edit) (out []crm.EditDid) {
		for _, e := range edits {
			out = append(out, e.Did)
		}
		return out
	}
	if want := []crm.EditDid{crm.Unbinned, crm.Binned, crm.Edited, crm.Edited}; !slices.Equal(did(got), want) {
		t.Fatalf("%v, and should be %v", did(got), want)
	}
	first, handed := got[3], got[2]
	if want := (record.Fields{record.Title: "CEO", record.Description: "", record.Department: "from Outlook"}); !maps.Equal(first.Before, want) {
		t.Errorf("before: %v", first.Before)
	}
	if first.By != w.bob || !first.At.Equal(begun.Add(time.Minute)) || first.After[record.Title] != "CTO" || len([]rune(first.After[record.Description])) != crm.EditedMax || len(first.After) != 3 {
		t.Errorf("%+v", first)
	}
	if handed.By != w.ana || handed.OwnerBefore != w.ana || handed.Owner != w.bob || len(handed.After) != 0 {
		t.Errorf("%+v", handed)
	}
	if page := must(s.Edits(ctx, w.ours, one.ID, got[1].At, 1))(t); len(page) != 1 || !page[0].At.Equal(handed.At) {
		t.Errorf("the page before: %+v", page)
	}
	if other := must(s.Edits(ctx, w.theirs, one.ID, time.Time{}, 10))(t); len(other) != 0 {
		t.Errorf("another organization is told %+v", other)
	}

	// A merge is told on both, in one transaction with it.
	two := w.insert(w.bob, w.contact(w.bob, "Silva Souza"))[0]
	merging := w.by(w.bob)
	merging.Merging = one.ID
	w.clock.pass(time.Minute)
	kept, gone := one, two
	kept.Fields = one.Fields.With(record.Fields{record.Mobile: "+55 11 91234-5678"})
	kept.ModifiedAt, gone.ModifiedAt, gone.DeletedAt, gone.DeletedBy = w.clock.Now(), w.clock.Now(), w.clock.Now(), w.bob
	_, _, err := s.Rewrite(ctx, merging, []crm.Record{kept, gone}, nil)
	ok(t, err)
	if e := edits(one.ID)[0]; e.Did != crm.Merged || !slices.Equal(e.Others, []string{"Silva Souza"}) || e.After[record.Mobile] == "" {
		t.Errorf("the kept one: %+v", e)
	}
	if e := edits(two.ID)[0]; e.Did != crm.MergedInto || !slices.Equal(e.Others, []string{"Silva"}) {
		t.Errorf("the other one: %+v", e)
	}

	ok(t, s.Destroy(ctx, w.by(w.bob), record.Contacts, []record.ID{two.ID}, w.clock.Now()))
	if got := edits(two.ID); len(got) != 0 {
		t.Errorf("of one that is no more: %+v", got)
	}
	ok(t, s.PruneEdits(ctx, got[0].At))
	if got := edits(one.ID); len(got) != 2 || got[1].Did != crm.Unbinned {
		t.Errorf("after their time: %+v", got)
	}
}
