package simtest

import (
	"context"
	"time"

	"tandem/internal/account"
	"tandem/internal/credential"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memcrm"
	"tandem/internal/testkit/memledger"
)

// books are where everything is kept, and what people and the scheduler do there.
type books interface {
	// enroll gives a person the ids that these books know.
	enroll(*person) error
	ledger() reconcile.Ledger
	records() crm.Store
	pictures() crm.Pictures
	album(org, user record.ID) outlook.Album
	close()

	link(reconcile.LinkID) reconcile.Link
	// fence is that of whoever took a link's lease last.
	fence(reconcile.LinkID) int64
	create(reconcile.Link) (reconcile.LinkID, error)
	// move moves a link from one of some states to another; false: it is in none of them.
	move(id reconcile.LinkID, from []reconcile.LinkState, to reconcile.LinkState) bool
	wake(ctx context.Context, ids ...reconcile.LinkID) error
	resubscribe(ctx context.Context, ids ...reconcile.LinkID) error
	answer(id reconcile.LinkID, yes bool) bool
	settings(id reconcile.LinkID, policy reconcile.Policy, table *mapping.Table) error
	asks(id reconcile.LinkID) []reconcile.Question
	decide(id reconcile.LinkID, item record.Ref, answer reconcile.Ask) error
	pairs(id reconcile.LinkID) []reconcile.Pair
	// retry makes what fails due at once.
	retry(id reconcile.LinkID)
	// lost are all values that lost a conflict.
	lost() map[record.Value]bool
	// rows counts the rows of records, pairs and history written so far.
	rows() int64
	// forget loses what is known of a link's pairs, as a restored backup does.
	forget(id reconcile.LinkID)
}

// openBooks opens those of a seed: most are the twins in memory, which are quick, and held to the same contract as the store by its tests.
func openBooks(w *world) (books, error) {
	if w.config.Stored {
		return openStored(w)
	}
	m := &memory{w: w, book: memledger.New(), crm: memcrm.New(), owners: map[record.ID]record.ID{}}
	m.crm.Wrote, m.crm.Fenced, m.book.Kept = m.wrote, m.fenced, m.crm.Keep
	return m, nil
}

// upns are the people of every world, and twinIDs their organizations and users in the twins.
var (
	upns    = []string{"adele@contoso.example", "alex@contoso.example", "patti@fabrikam.example"}
	twinIDs = map[string][2]record.ID{upns[0]: {1, 11}, upns[1]: {1, 12}, upns[2]: {2, 21}}
)

// memory is the twins in memory. They wake nobody; this does, as the store does.
type memory struct {
	w      *world
	book   *memledger.Ledger
	crm    *memcrm.Store
	photos memcrm.Pictures
	owners map[record.ID]record.ID // of records, as last seen
	next   reconcile.LinkID
}

func (m *memory) enroll(p *person) error {
	ids := twinIDs[p.upn]
	p.org, p.id = ids[0], ids[1]
	return nil
}

func (m *memory) ledger() reconcile.Ledger { return m.book }
func (m *memory) records() crm.Store       { return effectRecords{m.crm, m.w} }
func (m *memory) pictures() crm.Pictures   { return &m.photos }
func (m *memory) close()                   {}

func (m *memory) album(org, user record.ID) outlook.Album { return m.photos.Album(org, user) }

func (m *memory) link(id reconcile.LinkID) reconcile.Link { return m.book.Link(id) }

func (m *memory) fence(id reconcile.LinkID) int64 { return m.book.Link(id).Fence }

func (m *memory) create(link reconcile.Link) (reconcile.LinkID, error) {
	m.next++
	link.ID = m.next
	m.book.Add(link)
	return link.ID, nil
}

func (m *memory) fenced(by crm.Author) error {
	return m.book.Fenced(reconcile.LinkID(by.Link), by.Fence)
}

func (m *memory) wrote(by crm.Author, r crm.Record) {
	m.w.wrote(by, r)
	m.w.wakeOwners(by, r, m.owners, m.wakeOne)
}

// wakeOwners wakes the links of a record's owner, and of whoever was it before, but for the link that wrote. owners are those of records, as
// last seen.
func (w *world) wakeOwners(by crm.Author, r crm.Record, owners map[record.ID]record.ID, wake func(reconcile.LinkID)) {
	for _, owner := range []record.ID{r.Owner, owners[r.ID]} {
		for _, l := range w.order {
			if l.of.id == owner && l.kind == r.Kind && int64(l.id) != by.Link {
				wake(l.id)
			}
		}
	}
	owners[r.ID] = r.Owner
}

func (m *memory) wakeOne(id reconcile.LinkID) {
	switch link := m.book.Link(id); link.State {
	case reconcile.On, reconcile.Held, reconcile.Switching:
		m.book.Change(id, func(l *reconcile.Link) { l.Wanted++ })
		m.w.enqueue(id)
	}
}

func (m *memory) wake(_ context.Context, ids ...reconcile.LinkID) error {
	for _, id := range ids {
		if m.w.links[id] != nil {
			m.wakeOne(id)
		}
	}
	return nil
}

func (m *memory) resubscribe(ctx context.Context, ids ...reconcile.LinkID) error {
	for _, id := range ids {
		if m.w.links[id] != nil {
			m.book.Resubscribe(id)
		}
	}
	return m.wake(ctx, ids...)
}

func (m *memory) move(id reconcile.LinkID, from []reconcile.LinkState, to reconcile.LinkState) bool {
	moved := m.book.ChangeState(id, from, to)
	if moved {
		m.wakeOne(id)
	}
	return moved
}

func (m *memory) answer(id reconcile.LinkID, yes bool) bool {
	taken := m.book.AllowDeletes(id, yes, m.w.clock)
	if taken {
		m.wakeOne(id)
	}
	return taken
}

func (m *memory) settings(id reconcile.LinkID, policy reconcile.Policy, table *mapping.Table) error {
	err := m.book.ChangeSettings(context.Background(), m.book.Link(id).Org, id, policy, table)
	m.wakeOne(id)
	return err
}

func (m *memory) asks(id reconcile.LinkID) []reconcile.Question {
	out, err := m.book.Asks(context.Background(), m.book.Link(id).Org, id, 0, everything)
	if err != nil {
		m.w.fail("store", "questions of link %d: %v", id, err)
	}
	return out
}

func (m *memory) decide(id reconcile.LinkID, item record.Ref, answer reconcile.Ask) error {
	err := m.book.Decide(context.Background(), m.book.Link(id).Org, id, item, answer)
	m.wakeOne(id)
	return err
}

func (m *memory) pairs(id reconcile.LinkID) []reconcile.Pair { return m.book.All(id) }

func (m *memory) retry(id reconcile.LinkID) {
	m.book.Retry(id, m.w.clock)
	m.wakeOne(id)
}

func (m *memory) lost() map[record.Value]bool {
	out := map[record.Value]bool{}
	for _, h := range m.book.History() {
		for _, l := range h.Lost {
			out[l.Value] = true
		}
	}
	return out
}

func (m *memory) rows() int64 { return int64(m.book.Writes() + m.crm.Writes()) }

func (m *memory) forget(id reconcile.LinkID) {
	link := m.book.Link(id)
	if err := m.book.Forget(context.Background(), &link); err != nil {
		m.w.fail("store", "forget: %v", err)
	}
}

// everything is more than any world has of anything.
const everything = 10_000

type appSecret = credential.Secret

// grants keep what Entra gave, in memory. They fit graph.Grants.
type grants struct {
	of      map[record.ID]account.Grant // by user
	claimed map[record.ID]time.Time
}

func newGrants() *grants {
	return &grants{of: map[record.ID]account.Grant{}, claimed: map[record.ID]time.Time{}}
}

func (g *grants) Grant(_ context.Context, _, user record.ID) (account.Grant, error) {
	grant, ok := g.of[user]
	if !ok {
		return grant, fault.New(fault.NotFound, "", "no grant of user %d", user)
	}
	return grant, nil
}

func (g *grants) ClaimRefresh(_ context.Context, _, user record.ID, now, until time.Time) (bool, error) {
	if g.claimed[user].After(now) {
		return false, nil
	}
	g.claimed[user] = until
	return true, nil
}

func (g *grants) RefreshGrant(_ context.Context, grant account.Grant, until time.Time) (bool, error) {
	if !g.claimed[grant.User].Equal(until) {
		return false, nil
	}
	delete(g.claimed, grant.User)
	g.of[grant.User] = grant
	return true, nil
}
