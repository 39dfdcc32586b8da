package outlook

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var kinds = []record.Kind{record.Contacts, record.Calendar}

// side gives the side of a link.
func (r *rig) side(link *reconcile.Link) reconcile.Side {
	if link.Kind == record.Contacts {
		return NewContacts(r.box, r.options(link), nil)
	}
	return NewEvents(r.box, r.options(link), nil)
}

func (r *rig) sample(kind record.Kind, i int) record.Fields {
	if kind == record.Contacts {
		return contactSample(i)
	}
	return eventSample(i)
}

// fill creates n items through the side.
func (r *rig) fill(link *reconcile.Link, n int) []record.Outcome {
	r.Helper()
	var writes []record.Write
	for i := range n {
		writes = append(writes, record.Write{Op: record.Create, Fields: r.sample(link.Kind, i), Token: fmt.Sprintf("1-%s-%d", link.Kind, i)})
	}
	out, err := r.side(link).Apply(r.Context(), writes)
	if err != nil {
		r.Fatal(err)
	}
	for _, o := range out {
		if o.Err != nil {
			r.Fatal(o.Err)
		}
	}
	return out
}

// round reads a whole round and returns its changes and the cursor.
func (r *rig) round(link *reconcile.Link, at record.Cursor, known int) ([]record.Change, record.Cursor) {
	r.Helper()
	var all []record.Change
	for {
		page, err := r.side(link).Changes(r.Context(), at, known)
		if err != nil {
			r.Fatal(err)
		}
		all, at = append(all, page.Changes...), page.Next
		if !page.More {
			return all, at
		}
	}
}

func (r *rig) containerPath(link *reconcile.Link) string {
	if link.Kind == record.Contacts {
		return "/me/contactFolders/" + string(link.Container)
	}
	return "/me/calendars/" + string(link.Container)
}

// FIELD-FAILURES 125: a run in which nothing changed is one request long, however much the mailbox holds, and the echo of our own writes a
// handful.
func TestFF125_QuietRunIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			link := r.container(kind)
			_, at := r.round(link, "", 0)
			creating := r.counted(func() { r.fill(link, 1000) })
			if creating != 50 {
				t.Errorf("1,000 creates took %d requests", creating)
			}
			var changes []record.Change
			if n := r.counted(func() { changes, at = r.round(link, at, 1000) }); n > 4 || len(changes) != 1000 {
				t.Errorf("the echo of 1,000 writes: %d changes in %d requests", len(changes), n)
			}
			for range 2 {
				if n := r.counted(func() { changes, at = r.round(link, at, 1000) }); n != 1 || len(changes) != 0 {
					t.Errorf("a quiet run: %d changes in %d requests", len(changes), n)
				}
			}
		})
	}
}

// FIELD-FAILURES 52, 53: nothing that keeps us from reading is a deletion, and no listing comes out of it.
func TestFF53_FailedReadsDeleteNothing(t *testing.T) {
	t.Parallel()
	items := map[record.Kind]string{record.Contacts: "/me/contactFolders/*/contacts/delta", record.Calendar: "/me/calendars/*/events"}
	lists := map[record.Kind]string{record.Contacts: "/me/contactFolders", record.Calendar: "/me/calendars"}
	for _, kind := range kinds {
		for _, c := range []struct {
			name  string
			match string
			fault m365sim.Fault
			kind  fault.Kind
		}{
			{"no permission", "part GET " + items[kind], m365sim.Fail(403), fault.Denied},
			{"no mailbox", "part GET " + items[kind], m365sim.Fail(404).As("MailboxNotEnabledForRESTAPI"), fault.Denied},
			{"a passing 404 of the items", "part GET " + items[kind], m365sim.Fail(404), fault.Unavailable},
			{"no permission for the list", "part GET " + lists[kind], m365sim.Fail(403), fault.Denied},
			{"no mailbox for the list", "part GET " + lists[kind], m365sim.Fail(404).As("ResourceNotFound"), fault.Denied},
			{"a 404 of the list", "part GET " + lists[kind], m365sim.Fail(404), fault.Unavailable},
			{"a part away", "part GET " + items[kind], m365sim.Fail(503), fault.Unavailable},
			{"an HTML part", "part GET " + items[kind], m365sim.HTML(200), fault.Unavailable},
			{"away", "POST /v1.0/$batch", m365sim.Fail(503), fault.Unavailable},
			{"HTML", "POST /v1.0/$batch", m365sim.HTML(200), fault.Unavailable},
			{"cut", "POST /v1.0/$batch", m365sim.Cut(), fault.Unavailable},
			{"throttled", "POST /v1.0/$batch", m365sim.Throttle(time.Hour), fault.Throttled},
		} {
			t.Run(string(kind)+" "+c.name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.unasked.Store(true)
				link := r.container(kind)
				r.fill(link, 3)
				_, at := r.round(link, "", 3)
				r.sim.Next(c.match, c.fault.Repeat(-1))
				page, err := r.side(link).Changes(t.Context(), at, 3)
				if !fault.Is(err, c.kind) || len(page.Changes) > 0 || page.Listing != nil {
					t.Errorf("%v, %d changes, listing %v; want %v and nothing", err, len(page.Changes), page.Listing, c.kind)
				}
				if fault.ReasonOf(err) == fault.ContainerDeleted {
					t.Errorf("%v", err)
				}
				r.sim.ClearFaults()
			})
		}
	}
}

// A container is deleted if it is twice neither listed nor found. While it still answers by id, it is in Deleted Items.
func TestContainerDeleted(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			link := r.container(kind)
			refs := []record.Ref{r.fill(link, 3)[0].Ref}
			_, at := r.round(link, "", 3)
			if kind == record.Calendar {
				r.sim.SetWarts(m365sim.Warts{DeletedCalendarAnswers: time.Hour})
			}
			r.must(r.actor().Delete(r.containerPath(link)))
			if kind == record.Calendar {
				_, err := r.side(link).Changes(t.Context(), at, 3)
				if !fault.Is(err, fault.Denied) || fault.ReasonOf(err) != fault.ContainerDeleted {
					t.Errorf("in Deleted Items: %v", err)
				}
				if err := r.sim.Mailbox(adele).RestoreFolder(string(link.Container)); err != nil {
					t.Fatal(err)
				}
				if changes, _ := r.round(link, at, 3); len(changes) != 0 {
					t.Errorf("%d changes after it was taken out again", len(changes))
				}
				r.sim.SetWarts(m365sim.Warts{})
				r.must(r.actor().Delete(r.containerPath(link)))
			}
			_, err := r.side(link).Changes(t.Context(), at, 3)
			if !fault.Is(err, fault.Gone) || fault.ReasonOf(err) != fault.ContainerDeleted {
				t.Errorf("changes: %v", err)
			}
			if _, err = r.side(link).Read(t.Context(), refs); fault.ReasonOf(err) != fault.ContainerDeleted {
				t.Errorf("a look at an item: %v, want no verdict on the item", err)
			}
			if found, err := r.side(link).Find(t.Context(), []string{"4711"}); !fault.Is(err, fault.Gone) || fault.ReasonOf(err) != fault.ContainerDeleted {
				t.Errorf("a look for a mark: %v, %v", found, err)
			}
			if err := r.containers().Remove(t.Context(), link); err != nil {
				t.Errorf("removing what is gone: %v", err)
			}
		})
	}
}

func TestMailboxAway(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link := r.container(kind)
		out := r.fill(link, 2)
		_, at := r.round(link, "", 2)
		r.sim.EditPerson(adele, func(p *m365sim.Person) { p.AccountEnabled = false })
		if _, err := r.side(link).Changes(t.Context(), at, 2); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: changes: %v", kind, err)
		}
		if _, err := r.side(link).Read(t.Context(), []record.Ref{out[0].Ref}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: read: %v", kind, err)
		}
		if _, err := r.side(link).Apply(t.Context(), []record.Write{{Op: record.Delete, Ref: out[0].Ref, Version: out[0].Version}}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: delete: %v", kind, err)
		}
	}
}

func TestContainerRenamed(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link := r.container(kind)
		_, at := r.round(link, "", 0)
		r.must(r.actor().Patch(r.containerPath(link), map[string]any{map[record.Kind]string{record.Contacts: "displayName", record.Calendar: "name"}[kind]: "Mine"}))
		if changes, _ := r.round(link, at, 0); len(changes) != 0 {
			t.Errorf("%s: %d changes", kind, len(changes))
		}
	}
}

// FIELD-FAILURES 88: a delta token may die at any time, in the middle of a round too.
func TestFF88_ExpiredDelta(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link := r.container(record.Contacts)
	r.fill(link, 600)
	page, err := r.side(link).Changes(t.Context(), "", 0)
	if err != nil || !page.More {
		t.Fatal(err, page.More)
	}
	_, end := r.round(link, "", 0)
	r.sim.ForgetSyncStates(adele)
	for name, at := range map[string]record.Cursor{"in the middle": page.Next, "at the end": end} {
		if _, err := r.side(link).Changes(t.Context(), at, 0); fault.ReasonOf(err) != fault.CursorExpired || !fault.Is(err, fault.Gone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FIELD-FAILURES 120, 122: a copy carries our mark too; the item that was made first is the one.
func TestFF122_CopyKeepsTheMark(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link := r.container(kind)
		first := r.fill(link, 1)[0]
		time.Sleep(1100 * time.Millisecond) // contacts tell their age in whole seconds
		if _, err := r.sim.Mailbox(adele).Copy(string(first.Ref)); err != nil {
			t.Fatal(err)
		}
		token := fmt.Sprintf("1-%s-0", kind)
		found, err := r.side(link).Find(t.Context(), []string{token})
		if err != nil || found[token].Ref != first.Ref {
			t.Errorf("%s: %v, %v, want %s", kind, err, found[token].Ref, first.Ref)
		}
	}
}

// An item in Deleted Items is gone; one that is taken out again is back.
func TestDeletedAndUndeleted(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link := r.container(kind)
		out := r.fill(link, 3)
		_, at := r.round(link, "", 3)
		path := map[record.Kind]string{record.Contacts: "/me/contacts/", record.Calendar: "/me/events/"}[kind]
		r.must(r.actor().Delete(path + string(out[1].Ref)))
		seen, err := r.side(link).Read(t.Context(), []record.Ref{out[0].Ref, out[1].Ref})
		if err != nil || seen[0].State != record.Present || seen[1].State != record.Gone {
			t.Fatalf("%s: %v, %+v", kind, err, seen)
		}
		if _, err := r.sim.Mailbox(adele).Undelete(string(out[1].Ref), string(link.Container)); err != nil {
			t.Fatal(err)
		}
		changes, _ := r.round(link, at, 3)
		if len(changes) != 1 || changes[0].Ref != out[1].Ref || changes[0].State != record.Present {
			t.Errorf("%s: taken out of Deleted Items: %+v", kind, changes)
		}
	}
}
