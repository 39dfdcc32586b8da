package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// admit lets imported records of the contacts into sync, or no longer.
func (w *world) admit(contacts bool) {
	w.t.Helper()
	w.within(w.ours, func(tx account.Tx) error {
		o, err := tx.Organization()
		if err != nil {
			return err
		}
		o.AdmitContacts = contacts
		if err := tx.UpdateOrganization(o); err != nil {
			return err
		}
		return tx.WakeLinks(record.Contacts)
	})
}

// The organization decides, every link of the kind takes it in by its next run, and a change of the link's own settings leaves
// it as it is.
func testAdmitImported(t *testing.T, w *world) {
	ctx := t.Context()
	id, other := w.link(w.ana, record.Contacts).ID, w.link(w.ana, record.Calendar).ID
	l := w.run(id)
	if l.Policy.AdmitImported {
		t.Fatal("imported records take part unasked")
	}
	l.CRM, l.Settled, l.FirstTotal, l.FirstDone = "seq:7", true, 3, 3
	ok(t, w.Ledger().Advance(ctx, l))
	w.served(l)
	w.served(w.run(other))
	w.waker.take(t)

	w.admit(true)
	if got := w.waker.take(t); !slices.Equal(got, []reconcile.LinkID{id}) {
		t.Errorf("woken are %v", got)
	}
	// Whoever changes the mapping at the same time knows of the old policy.
	ok(t, w.Links().ChangeSettings(ctx, w.ours, id, reconcile.Policy{Winner: reconcile.CRMWins}, &mapping.Table{Kind: record.Contacts}))
	if got := w.reload(l); !got.Policy.AdmitImported || got.Policy.Winner != reconcile.CRMWins || !got.Settled {
		t.Errorf("before a run: %+v", got)
	}
	listing := record.Cursor(fmt.Sprintf("first:7:7:%d:0", w.clock.Now().Unix()))
	l = w.run(id)
	if got := w.reload(l); l.CRM != listing || l.Settled || l.FirstTotal+l.FirstDone != 0 || got.CRM != listing || got.Settled || !got.Policy.AdmitImported {
		t.Errorf("the CRM is to be listed again and then followed from 7: %+v, stored %+v", l, got)
	}
	l.CRM = record.Cursor(fmt.Sprintf("first:7:9:%d:200", w.clock.Now().Unix()))
	ok(t, w.Ledger().Advance(ctx, l))
	w.served(l)
	if l = w.run(id); l.CRM == listing {
		t.Error("the listing began anew without a cause")
	}
	w.served(l)

	// Taken back in the midst of the listing, which has other records now; and then once it is through.
	w.admit(false)
	if l = w.run(id); l.Policy.AdmitImported || l.CRM != listing {
		t.Errorf("taken back in the midst: %+v", l)
	}
	w.served(l)
	w.admit(true)
	l = w.run(id)
	l.CRM, l.Settled = "seq:9", true
	ok(t, w.Ledger().Advance(ctx, l))
	w.served(l)
	w.admit(false)
	if l = w.run(id); l.Policy.AdmitImported || l.CRM != "seq:9" || !l.Settled {
		t.Errorf("taken back: %+v", l)
	}
	w.served(l)
	// A link that is yet to begin begins by what holds.
	w.admit(true)
	if l = w.run(w.link(w.bob, record.Contacts).ID); !l.Policy.AdmitImported || l.CRM != "" {
		t.Errorf("a new link: %+v", l)
	}
	if l = w.run(w.link(w.eve, record.Contacts).ID); l.Policy.AdmitImported {
		t.Error("another organization's link lets imported records in")
	}
}

// What a link makes once it is settled, and what it deletes, is counted for a day, in the row itself: a crash forgets none.
func testRecent(t *testing.T, w *world) {
	ctx := t.Context()
	id := w.link(w.ana, record.Contacts).ID
	lines := func(action reconcile.Action, n int) reconcile.Entry {
		return reconcile.Entry{Drop: true, History: slices.Repeat([]reconcile.HistoryLine{{At: w.clock.Now(), Action: action, Side: reconcile.InCRM}}, n)}
	}
	lately := func() (made, deleted int) {
		for _, h := range w.reload(&reconcile.Link{Org: w.ours, ID: id}).Recent {
			made, deleted = made+h.Made, deleted+h.Deleted
		}
		return made, deleted
	}
	l := w.run(id)
	w.settle(l, lines(reconcile.Created, 5), lines(reconcile.Updated, 2))
	if made, deleted := lately(); made+deleted != 0 {
		t.Errorf("the first sync counts: %d made, %d deleted", made, deleted)
	}
	l.Settled = true
	ok(t, w.Ledger().Advance(ctx, l))
	w.settle(l, lines(reconcile.Created, 3), lines(reconcile.Deleted, 2))
	w.settle(l, lines(reconcile.Created, 1), lines(reconcile.Failed, 2))
	if made, deleted := lately(); made != 4 || deleted != 2 || len(l.Recent) != 1 {
		t.Errorf("%d made, %d deleted, in the run %v", made, deleted, l.Recent)
	}
	w.served(l)
	w.clock.pass(12 * time.Hour)
	l = w.run(id)
	w.settle(l, lines(reconcile.Created, 1))
	w.served(l)
	if made, deleted := lately(); made != 5 || deleted != 2 {
		t.Errorf("half a day later: %d made, %d deleted", made, deleted)
	}
	w.clock.pass(12 * time.Hour)
	l = w.run(id)
	w.settle(l, lines(reconcile.Deleted, 1))
	if made, deleted := lately(); made != 1 || deleted != 1 {
		t.Errorf("a day later: %d made, %d deleted", made, deleted)
	}
	until := w.clock.Now().Add(time.Hour)
	if err := w.Links().AllowGrowth(ctx, w.ours, id, until); !fault.Is(err, fault.Conflict) {
		t.Errorf("a link that runs may grow: %v", err)
	}
	l.State, l.Reason = reconcile.Paused, fault.TooManyCreates
	w.served(l)
	if err := w.Links().AllowGrowth(ctx, w.theirs, id, until); !fault.Is(err, fault.NotFound) {
		t.Errorf("another organization's word: %v", err)
	}
	ok(t, w.Links().AllowGrowth(ctx, w.ours, id, until))
	if got := w.reload(l); got.State != reconcile.On || got.Reason != "" || !got.GrowthUntil.Equal(until) || got.Wanted <= got.Done {
		t.Errorf("allowed: %+v", got)
	}
}
