package jobs_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/jobs"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memside"
)

// office is the real runner on a real store, with a mailbox in memory.
type office struct {
	*world
	crm    *crm.CRM
	folder *memside.Side
}

func (o *office) Microsoft(context.Context, *reconcile.Link) (reconcile.Side, error) {
	return o.folder, nil
}

func (o *office) CRM(_ context.Context, l *reconcile.Link) (reconcile.Side, error) {
	return o.crm.Side(crm.LinkSide{Org: l.Org, User: l.User, Kind: l.Kind, Link: int64(l.ID), Zone: "UTC", Cap: reconcile.FirstSyncCap(l.Kind)}), nil
}

func (o *office) Create(context.Context, *reconcile.Link, string) (record.Ref, string, error) {
	return "folder", "Tandem", nil
}
func (o *office) Remove(context.Context, *reconcile.Link) error { return nil }
func (o *office) Subscribe(context.Context, *reconcile.Link) (string, time.Time, error) {
	return "s", time.Now().AddDate(0, 0, 3), nil
}
func (o *office) Unsubscribe(context.Context, *reconcile.Link) error { return nil }

// The whole road but Microsoft: people write, jobs wake, runs settle, on the databases that are used.
func TestTheRoadOnARealStore(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		o := &office{world: w, crm: crm.New(w.store.Records(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, time.Now),
			folder: memside.New(time.Now)}
		actor := crm.Actor{Author: crm.Author{Org: w.org, User: w.user}, Zone: "UTC", Contacts: record.Full}
		const people = 450
		drafts := make([]crm.Draft, people)
		for i := range drafts {
			drafts[i].Fields = record.Fields{record.LastName: record.Value(fmt.Sprint("Silva ", i))}
		}
		created, err := o.crm.Insert(t.Context(), actor, record.Contacts, drafts)
		ok(t, err)

		var ids atomic.Int64
		q, err := jobs.New(w.store, jobs.Options{Poll: time.Hour, Log: silent, Runner: &reconcile.Runner{
			Ledger: w.store.Ledger(), Sides: o, Containers: o, Now: time.Now, Name: "Tandem", Log: silent,
			NewID: func() string { return fmt.Sprint("id", ids.Add(1)) },
		}})
		ok(t, err)
		ok(t, q.Start(t.Context()))
		t.Cleanup(func() { ok(t, q.Stop(context.Background())) })
		l, err := w.store.Links().CreateLink(t.Context(), reconcile.Link{Org: w.org, User: w.user, Kind: record.Contacts,
			State: reconcile.On, Mapping: mapping.Default(record.Contacts)})
		ok(t, err)
		w.link = l.ID
		l = w.settled()
		if n := len(o.folder.Items()); n != people || l.Synced != people || l.Known != people || !l.Settled || l.LastError != "" {
			t.Fatalf("%d items; the link is %+v", n, l)
		}

		before := w.store.Counts()
		w.wake()
		w.settled()
		if after := w.store.Counts(); after.ItemWrites != before.ItemWrites {
			t.Errorf("a quiet run wrote %d item rows", after.ItemWrites-before.ItemWrites)
		}

		// One change on each side.
		changed, err := o.crm.Update(t.Context(), actor, record.Contacts, []crm.Draft{{ID: created[0].Record.ID, Fields: record.Fields{record.FirstName: "Ana"}}})
		ok(t, err)
		ok(t, changed[0].Err)
		w.settled()
		if with(o.folder.Items(), "givenName", "Ana") == "" {
			t.Error("the CRM's change did not arrive")
		}
		second := with(o.folder.Items(), "surname", "Silva 1")
		o.folder.Put(second, record.Fields{"mobilePhone": "+55 11 98765-4321"})
		o.folder.Put("", record.Fields{"surname": "Nova"})
		o.folder.Delete(with(o.folder.Items(), "surname", "Silva 2"))
		w.wake()
		l = w.settled()
		records, err := o.crm.List(t.Context(), actor, record.Contacts, crm.Query{Search: "11987654321"})
		ok(t, err)
		if len(records) != 1 || records[0].ID != created[1].Record.ID {
			t.Errorf("Microsoft's change did not arrive: %+v", records)
		}
		if n, err := o.crm.Count(t.Context(), actor, record.Contacts, crm.Query{}); err != nil || n != people {
			t.Errorf("the CRM has %d contacts, %v", n, err)
		}
		if l.Synced != people || l.Failing+l.Waiting != 0 || l.LastError != "" {
			t.Errorf("the link is %+v", l)
		}
		st, err := w.store.Links().Standing(t.Context(), w.org, w.link)
		ok(t, err)
		if st.Synced != people || st.Waiting+st.Failing+st.Excluded != 0 {
			t.Errorf("standing is %+v", st)
		}
	})
}

// with finds the item that has a value.
func with(items map[record.Ref]record.Fields, field record.Field, value record.Value) (ref record.Ref) {
	for r, f := range items {
		if f[field] == value {
			ref = r
		}
	}
	return ref
}
