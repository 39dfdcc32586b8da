package crm_test

import (
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// outcome names what came of a call about one record.
func outcome(results []crm.Result, err error) string {
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	switch {
	case err == nil:
		return "done"
	case fault.Is(err, fault.Denied) && fault.ReasonOf(err) == fault.NotAllowed:
		return "denied"
	case fault.Is(err, fault.NotFound):
		return "not there"
	}
	return err.Error()
}

// acts are everything that a person may want of a record: its own, or one that somebody else has.
var acts = []struct {
	name string
	do   func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string
}{
	{"see", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		r, err := w.Get(t.Context(), a, kind, id)
		return outcome([]crm.Result{{Record: r}}, err)
	}},
	{"list", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		return listed(t, w, a, kind, id, crm.Query{})
	}},
	{"search", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		return listed(t, w, a, kind, id, crm.Query{Search: "thing"})
	}},
	{"edit", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		return outcome(w.Update(t.Context(), a, kind, []crm.Draft{{ID: id, Fields: record.Fields{record.Description: "changed"}}}))
	}},
	{"edit nothing", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		return outcome(w.Update(t.Context(), a, kind, []crm.Draft{{ID: id}}))
	}},
	{"mass update", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		return outcome(w.MassUpdate(t.Context(), a, kind, []record.ID{id}, record.Tag, "touched"))
	}},
	{"give", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		return outcome(w.ChangeOwner(t.Context(), a, kind, []record.ID{id}, boss))
	}},
	{"delete", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		return outcome(w.Delete(t.Context(), a, kind, []crm.Draft{{ID: id}}))
	}},
	{"restore", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		w.bin(t, kind, id)
		return outcome(w.Restore(t.Context(), a, kind, []record.ID{id}))
	}},
	{"see in the bin", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		w.bin(t, kind, id)
		return listed(t, w, a, kind, id, crm.Query{Deleted: true})
	}},
	{"see deleted", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		w.bin(t, kind, id)
		stones, err := w.Deleted(t.Context(), a, kind, time.Time{}, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stones {
			if s.ID == id {
				return "done"
			}
		}
		return "not there"
	}},
	{"destroy", func(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID) string {
		w.bin(t, kind, id)
		return outcome(w.Destroy(t.Context(), a, kind, []record.ID{id}))
	}},
}

// listed looks for a record in a list, and whether the list is counted alike.
func listed(t *testing.T, w *world, a crm.Actor, kind record.Kind, id record.ID, q crm.Query) string {
	t.Helper()
	found, err := w.List(t.Context(), a, kind, q)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Count(t.Context(), a, kind, q); err != nil || n != len(found) {
		t.Errorf("listed %d, counted %d, %v", len(found), n, err)
	}
	for _, r := range found {
		if r.ID == id {
			return "done"
		}
	}
	return "not there"
}

func (w *world) bin(t *testing.T, kind record.Kind, id record.ID) {
	t.Helper()
	if got := outcome(w.Delete(t.Context(), person(boss), kind, []crm.Draft{{ID: id}})); got != "done" {
		t.Fatalf("delete: %s", got)
	}
}

func TestPermissionsByAction(t *testing.T) {
	t.Parallel()
	const (
		own, all = record.Own, record.Anyones
		done     = "done"
		denied   = "denied"
		absent   = "not there"
	)
	sights := []string{"see", "list", "search", "see in the bin", "see deleted"}
	edits := []string{"edit", "edit nothing", "mass update", "give"}
	deletes := []string{"delete", "restore", "destroy"}
	for _, c := range []struct {
		name   string
		access record.Access
		// what becomes of the sights, edits and deletes of an own record, then of somebody else's
		mine, others [3]string
	}{
		{"nothing", record.Access{}, [3]string{absent, absent, absent}, [3]string{absent, absent, absent}},
		{"see own", record.Access{View: own}, [3]string{done, denied, denied}, [3]string{absent, absent, absent}},
		{"see all", record.Access{View: all}, [3]string{done, denied, denied}, [3]string{done, denied, denied}},
		{"own only", record.OwnOnly, [3]string{done, done, done}, [3]string{absent, absent, absent}},
		{"see all, change own", record.Access{View: all, Create: true, Edit: own, Delete: own}, [3]string{done, done, done}, [3]string{done, denied, denied}},
		{"change all, delete own", record.Access{View: all, Edit: all, Delete: own}, [3]string{done, done, done}, [3]string{done, done, denied}},
		{"change all, delete none", record.Access{View: all, Edit: all}, [3]string{done, done, denied}, [3]string{done, done, denied}},
		{"change none, delete all", record.Access{View: all, Delete: all}, [3]string{done, denied, done}, [3]string{done, denied, done}},
		{"full", record.Full, [3]string{done, done, done}, [3]string{done, done, done}},
		{"more to change than to see", record.Access{View: own, Edit: all, Delete: all}, [3]string{done, done, done}, [3]string{absent, absent, absent}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
				a := person(adele)
				a.Contacts, a.Events = record.Full, record.Full // of the other kind, which must make no difference
				fields := contact("thing")
				if kind == record.Contacts {
					a.Contacts = c.access
				} else {
					a.Events, fields = c.access, meeting("thing", "2026-03-10T09:00", "2026-03-10T10:00")
				}
				for _, act := range acts {
					for owner, want := range map[record.ID][3]string{adele: c.mine, alex: c.others} {
						w := newWorld()
						before := w.insert(t, owner, kind, fields)
						expected := ""
						for i, names := range [][]string{sights, edits, deletes} {
							for _, name := range names {
								if name == act.name {
									expected = want[i]
								}
							}
						}
						if got := act.do(t, w, a, kind, before.ID); got != expected {
							t.Errorf("%s of %s's %s: %s, want %s", act.name, owner, kind, got, expected)
						}
						if expected != done && len(w.store.All()) != 1 {
							t.Errorf("%s of %s's %s: the record is gone", act.name, owner, kind)
						}
					}
				}
			}
		})
	}
}

func TestDeniedChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	mine, theirs := w.insert(t, adele, record.Contacts, contact("Mine")), w.insert(t, alex, record.Contacts, contact("Theirs"))
	a := person(adele)
	a.Contacts = record.Access{View: record.Anyones, Edit: record.Own}
	got, err := w.Update(t.Context(), a, record.Contacts, []crm.Draft{
		{ID: theirs.ID, Fields: contact("Taken")}, {ID: mine.ID, Fields: contact("Changed")}, {ID: theirs.ID, Owner: adele},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"denied", "done", "denied"} {
		if o := outcome(got[i:i+1], nil); o != want {
			t.Errorf("draft %d: %s, want %s", i, o, want)
		}
	}
	stored, err := w.Get(t.Context(), person(boss), record.Contacts, theirs.ID)
	if err != nil || stored.Fields[record.LastName] != "Theirs" || stored.Owner != alex || stored.Version != theirs.Version {
		t.Errorf("the other's contact is %+v, %v", stored, err)
	}
}

func TestCreatingNeedsItsPermission(t *testing.T) {
	t.Parallel()
	w := newWorld()
	a := person(adele)
	a.Contacts = record.Access{View: record.Anyones, Edit: record.Anyones, Delete: record.Anyones}
	got, err := w.Insert(t.Context(), a, record.Contacts, []crm.Draft{{Fields: contact("One")}, {Fields: contact("Two")}})
	if err != nil || len(got) != 2 || outcome(got[:1], nil) != "denied" || outcome(got[1:], nil) != "denied" {
		t.Errorf("creating: %+v, %v", got, err)
	}
	if n := len(w.store.All()); n != 0 {
		t.Errorf("%d records were made", n)
	}
	if o := outcome(w.Insert(t.Context(), a, record.Calendar, []crm.Draft{{Fields: meeting("m", "2026-03-10T09:00", "2026-03-10T10:00")}})); o != "done" {
		t.Errorf("an event, which may be made: %s", o)
	}
}

func TestWhoMayNotSeeContactsCannotReferToThem(t *testing.T) {
	t.Parallel()
	w := newWorld()
	mine := w.insert(t, adele, record.Contacts, contact("Mine"))
	about := meeting("m", "2026-03-10T09:00", "2026-03-10T10:00").With(record.Fields{record.WhoID: record.Value(mine.ID.String())})
	for _, c := range []struct {
		name   string
		access record.Access
		wrong  bool
	}{{"seen", record.Access{View: record.Own}, false}, {"not seen", record.Access{}, true}} {
		a := person(adele)
		a.Contacts = c.access
		got, err := w.Insert(t.Context(), a, record.Calendar, []crm.Draft{{Fields: about}})
		if err != nil || fault.Is(got[0].Err, fault.Invalid) != c.wrong {
			t.Errorf("%s: %v, %v", c.name, got[0].Err, err)
		}
	}
}
