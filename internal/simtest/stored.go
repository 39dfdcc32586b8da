package simtest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// storedEvery is how often a world keeps its books in SQLite: SYNC-INVARIANTS asks for one seed in twenty.
const storedEvery = 20

// stored are books in a database of their own, as `tandem serve` keeps them. Jobs are the world's: of the wakes that the store raises it only
// enqueues those that a person's deed or a write of records is behind, as the twins do.
type stored struct {
	w      *world
	store  *store.Store
	folder string
	book   *store.Ledger
	links  *store.Links
	writes toldRecords
	orgs   map[reconcile.LinkID]record.ID
	owners map[record.ID]record.ID // of records, as last seen

	// What was read since the last write: people look at everything before each deed.
	linkNow  map[reconcile.LinkID]reconcile.Link
	pairsNow map[reconcile.LinkID][]reconcile.Pair
	lostNow  map[record.Value]bool
	fences   map[reconcile.LinkID]int64
}

// A template is a database with all tables, and the people of every world in it.
type template struct {
	raw    []byte
	people map[string][2]record.ID // organization and user by user principal name
}

// newTemplate makes one: migrating takes longer than most worlds live.
var newTemplate = sync.OnceValues(func() (t template, err error) {
	folder, err := os.MkdirTemp("", "tandem-sim-*")
	if err != nil {
		return t, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "tandem.db")
	s, err := store.Open(context.Background(), "sqlite:"+path, store.Options{Now: func() time.Time { return start }})
	if err != nil {
		return t, err
	}
	t.people = map[string][2]record.ID{}
	err = s.Migrate(context.Background())
	for i := 0; err == nil && i < len(upns); i++ {
		err = t.enroll(s, upns[i])
	}
	if closed := s.Close(); err == nil {
		err = closed
	}
	if err == nil {
		t.raw, err = os.ReadFile(path)
	}
	return t, err
})

// enroll makes a person, and the organization if it is the first one there.
func (t *template) enroll(s *store.Store, upn string) error {
	ctx, tenant := context.Background(), tenantOf(upn)
	var org record.ID
	for other, ids := range t.people {
		if tenantOf(other) == tenant {
			org = ids[0]
		}
	}
	if org == 0 {
		o, err := s.Accounts().CreateOrganization(ctx, account.Organization{Name: tenant, TenantID: tenant, Created: start})
		if err != nil {
			return err
		}
		org = o.ID
	}
	u, err := s.Accounts().CreateUser(ctx, account.User{
		Org: org, Email: upn, FirstName: upn, State: account.Active, Profile: account.Standard,
		Identity: account.Identity{TenantID: tenant, ObjectID: upn}, Created: start,
	})
	t.people[upn] = [2]record.ID{org, u.ID}
	return err
}

func tenantOf(upn string) string { return upn[strings.IndexByte(upn, '@')+1:] }

func openStored(w *world) (_ books, err error) {
	t, err := newTemplate()
	if err != nil {
		return nil, err
	}
	b := &stored{w: w, orgs: map[reconcile.LinkID]record.ID{}, fences: map[reconcile.LinkID]int64{}, owners: map[record.ID]record.ID{}}
	if b.folder, err = os.MkdirTemp("", "tandem-sim-*"); err != nil {
		return nil, err
	}
	path := filepath.Join(b.folder, "tandem.db")
	if err = os.WriteFile(path, t.raw, 0o600); err == nil {
		b.store, err = store.Open(context.Background(), "sqlite:"+path, store.Options{Now: func() time.Time { return w.clock }, MaxConns: 1})
	}
	if err != nil {
		os.RemoveAll(b.folder)
		return nil, err
	}
	b.book, b.links = b.store.Ledger(), b.store.Links()
	b.writes = toldRecords{b.store.Records(), b}
	b.changed()
	return b, nil
}

func (b *stored) close() {
	if err := b.store.Close(); err != nil {
		b.w.fail("store", "close: %v", err)
	}
	os.RemoveAll(b.folder)
}

func (b *stored) enroll(p *person) error {
	t, err := newTemplate()
	p.org, p.id = t.people[p.upn][0], t.people[p.upn][1]
	return err
}

// changed forgets what was read.
func (b *stored) changed() {
	b.linkNow, b.pairsNow, b.lostNow = map[reconcile.LinkID]reconcile.Link{}, map[reconcile.LinkID][]reconcile.Pair{}, nil
}

// wroteLink forgets what was read of a link and its pairs.
func (b *stored) wroteLink(id reconcile.LinkID) {
	delete(b.linkNow, id)
	delete(b.pairsNow, id)
	b.lostNow = nil
}

func (b *stored) fence(id reconcile.LinkID) int64 { return b.fences[id] }

func (b *stored) ledger() reconcile.Ledger { return toldLedger{b.book, b} }
func (b *stored) records() crm.Store       { return effectRecords{b.writes, b.w} }
func (b *stored) pictures() crm.Pictures   { return b.store.Pictures() }

func (b *stored) album(org, user record.ID) outlook.Album { return b.store.Pictures().Album(org, user) }

func (b *stored) link(id reconcile.LinkID) reconcile.Link {
	if l, known := b.linkNow[id]; known {
		return l
	}
	l, err := b.links.Link(context.Background(), b.orgs[id], id)
	if err != nil {
		b.w.fail("store", "link %d: %v", id, err)
		return reconcile.Link{}
	}
	b.linkNow[id] = *l
	return *l
}

func (b *stored) create(link reconcile.Link) (reconcile.LinkID, error) {
	defer b.changed()
	l, err := b.links.CreateLink(context.Background(), link)
	if err != nil {
		return 0, err
	}
	b.orgs[l.ID] = l.Org
	return l.ID, nil
}

// wakeOne enqueues the job of a link that is to run; that it wants to is stored already.
func (b *stored) wakeOne(id reconcile.LinkID) {
	if runs(b.link(id).State) {
		b.w.enqueue(id)
	}
}

func (b *stored) wake(ctx context.Context, ids ...reconcile.LinkID) error {
	return b.woken(ids, b.links.Notified(ctx, ids...))
}

func (b *stored) resubscribe(ctx context.Context, ids ...reconcile.LinkID) error {
	return b.woken(ids, b.links.Resubscribe(ctx, ids...))
}

func (b *stored) woken(ids []reconcile.LinkID, err error) error {
	b.changed()
	for _, id := range ids {
		if err == nil && b.w.links[id] != nil {
			b.wakeOne(id)
		}
	}
	return err
}

// said is what came of a deed that concerns a link: done, it wakes the link.
func (b *stored) said(id reconcile.LinkID, err error) error {
	return b.woken([]reconcile.LinkID{id}, err)
}

func (b *stored) move(id reconcile.LinkID, from []reconcile.LinkState, to reconcile.LinkState) bool {
	return b.said(id, b.links.ChangeState(context.Background(), b.orgs[id], id, from, to, "")) == nil
}

func (b *stored) answer(id reconcile.LinkID, yes bool) bool {
	return b.said(id, b.links.AllowDeletes(context.Background(), b.orgs[id], id, yes)) == nil
}

func (b *stored) settings(id reconcile.LinkID, policy reconcile.Policy, table *mapping.Table) error {
	return b.said(id, b.links.ChangeSettings(context.Background(), b.orgs[id], id, policy, table))
}

func (b *stored) asks(id reconcile.LinkID) (out []reconcile.Question) {
	for {
		page, err := b.links.Asks(context.Background(), b.orgs[id], id, len(out), everything)
		if err != nil {
			b.w.fail("store", "questions of link %d: %v", id, err)
		}
		if out = append(out, page...); err != nil || len(page) == 0 {
			return out
		}
	}
}

func (b *stored) decide(id reconcile.LinkID, item record.Ref, answer reconcile.Ask) error {
	return b.said(id, b.links.Decide(context.Background(), b.orgs[id], id, item, answer))
}

func (b *stored) pairs(id reconcile.LinkID) []reconcile.Pair {
	if out, known := b.pairsNow[id]; known {
		return out
	}
	link, out := b.link(id), []reconcile.Pair(nil)
	for after := int64(0); ; after = out[len(out)-1].ID {
		page, err := b.store.Past().Pairs(context.Background(), &link, after, everything)
		if err != nil {
			b.w.fail("store", "pairs of link %d: %v", id, err)
		}
		if out = append(out, page...); err != nil || len(page) == 0 {
			b.pairsNow[id] = out
			return out
		}
	}
}

func (b *stored) retry(id reconcile.LinkID) {
	if err := b.said(id, b.links.Retry(context.Background(), b.orgs[id], id)); err != nil {
		b.w.fail("store", "retry: %v", err)
	}
}

func (b *stored) lost() map[record.Value]bool {
	if b.lostNow != nil {
		return b.lostNow
	}
	b.lostNow = map[record.Value]bool{}
	for id, org := range b.orgs {
		for before := int64(0); ; {
			page, err := b.links.History(context.Background(), org, id, before, everything)
			if err != nil {
				b.w.fail("store", "history of link %d: %v", id, err)
			}
			if err != nil || len(page) == 0 {
				break
			}
			before = page[len(page)-1].ID
			for _, h := range page {
				for _, l := range h.Lost {
					b.lostNow[l.Value] = true
				}
			}
		}
	}
	return b.lostNow
}

func (b *stored) rows() int64 { return b.store.Counts().ItemWrites }

func (b *stored) forget(id reconcile.LinkID) {
	link := b.link(id)
	if err := b.book.Forget(context.Background(), &link); err != nil {
		b.w.fail("store", "forget: %v", err)
	}
	b.changed()
}

func (b *stored) wrote(by crm.Author, records []crm.Record) {
	b.changed()
	for _, r := range records {
		b.w.wrote(by, r)
		b.w.wakeOwners(by, r, b.owners, b.wakeOne)
	}
}

// toldRecords tell of what is written.
type toldRecords struct {
	crm.Store
	b *stored
}

func (t toldRecords) Insert(ctx context.Context, by crm.Author, records []crm.Record) ([]crm.Record, error) {
	out, err := t.Store.Insert(ctx, by, records)
	if err == nil {
		t.b.wrote(by, slices.DeleteFunc(slices.Clone(out), func(r crm.Record) bool { return t.b.owners[r.ID] != 0 })) // which were there already
	}
	return out, err
}

func (t toldRecords) Update(ctx context.Context, by crm.Author, records []crm.Record) ([]crm.Record, []error, error) {
	out, faults, err := t.Store.Update(ctx, by, records)
	if err == nil {
		var written []crm.Record
		for i, r := range out {
			if faults[i] == nil {
				written = append(written, r)
			}
		}
		t.b.wrote(by, written)
	}
	return out, faults, err
}

func (t toldRecords) Rewrite(ctx context.Context, by crm.Author, changed, fresh []crm.Record) ([]crm.Record, []crm.Record, error) {
	after, added, err := t.Store.Rewrite(ctx, by, changed, fresh)
	if err == nil {
		t.b.wrote(by, slices.Concat(after, added))
	}
	return after, added, err
}

// toldLedger tells that something was written.
type toldLedger struct {
	reconcile.Ledger
	b *stored
}

func (t toldLedger) Open(ctx context.Context, id reconcile.LinkID, now time.Time, lease time.Duration) (*reconcile.Link, error) {
	defer t.b.wroteLink(id)
	link, err := t.Ledger.Open(ctx, id, now, lease)
	if err == nil {
		t.b.fences[id] = link.Fence
	}
	return link, err
}

func (t toldLedger) Settle(ctx context.Context, link *reconcile.Link, batch int64, entries []reconcile.Entry) error {
	defer t.b.wroteLink(link.ID)
	return t.Ledger.Settle(ctx, link, batch, entries)
}

func (t toldLedger) Advance(ctx context.Context, link *reconcile.Link) error {
	defer t.b.wroteLink(link.ID)
	return t.Ledger.Advance(ctx, link)
}

func (t toldLedger) Close(ctx context.Context, link *reconcile.Link) error {
	defer t.b.wroteLink(link.ID)
	return t.Ledger.Close(ctx, link)
}

func (t toldLedger) End(ctx context.Context, link *reconcile.Link, stays bool) error {
	defer t.b.wroteLink(link.ID)
	return t.Ledger.End(ctx, link, stays)
}
