// Package memledger keeps the ledger of sync in memory: an honest twin of package store for tests of the heart, held to
// the contract of reconcile.Ledger, leases and fences included.
package memledger

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Ledger fits reconcile.Ledger. Call New.
type Ledger struct {
	// Kept, if set, hears of the records whose items stay in a calendar of their owner's own, at the versions that are in step, when
	// a link in it is forgotten: see store.(*Ledger).Forget. Set it before the first use.
	Kept func(owner record.ID, calendar record.Ref, stays map[record.Ref]record.Version)

	mu      sync.Mutex
	links   map[reconcile.LinkID]*entry
	nextID  int64
	history []reconcile.HistoryLine
	writes  int // pair rows written
}

type entry struct {
	link    reconcile.Link
	opened  time.Time           // the lease
	until   time.Time           // and its end
	state   reconcile.LinkState // as it was when the lease was taken
	okay    bool                // DeletesOK, as it was then
	resub   bool                // another subscription is asked for, whatever the run under way has
	pairs   map[int64]reconcile.Pair
	intents map[int64][]reconcile.Intent
	relist  bool           // the CRM is to be listed afresh, as nothing was brought from it so far
	before  *mapping.Table // that the bases were made with, until the next run takes in a change of settings
}

// New makes an empty ledger.
func New() *Ledger { return &Ledger{links: map[reconcile.LinkID]*entry{}} }

// Add puts a link in.
func (l *Ledger) Add(link reconcile.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.links {
		if before := &e.link; before.Org == link.Org && before.User == link.User && before.Kind == link.Kind && before.Removing.After(link.Removing) {
			link.Removing = before.Removing
		}
	}
	l.links[link.ID] = &entry{link: link, pairs: map[int64]reconcile.Pair{}, intents: map[int64][]reconcile.Intent{}}
}

// Link is a link as it stands.
func (l *Ledger) Link(id reconcile.LinkID) reconcile.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	link := l.links[id].link
	link.Changed = l.links[id].before != nil
	return link
}

// Fenced refuses a run whose lease another one has taken, as a store does when it writes records.
func (l *Ledger) Fenced(id reconcile.LinkID, fence int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.links[id]; e == nil || e.link.Fence != fence {
		return fault.New(fault.Conflict, fault.StaleLease, "memledger: link %d is another worker's by now", id)
	}
	return nil
}

// Change changes a link as people do.
func (l *Ledger) Change(id reconcile.LinkID, change func(*reconcile.Link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.links[id].link)
}

// All lists the pairs of a link.
func (l *Ledger) All(id reconcile.LinkID) []reconcile.Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	return sorted(l.links[id].pairs)
}

// Asks lists the pairs about which a person has something to decide.
func (l *Ledger) Asks(_ context.Context, _ record.ID, id reconcile.LinkID, offset, limit int) ([]reconcile.Question, error) {
	var out []reconcile.Question
	for _, p := range l.All(id) {
		if p.Ask.Open() {
			out = append(out, reconcile.Question{CRM: p.CRM, Microsoft: p.Microsoft, Name: p.Name, Ask: *p.Ask})
		}
	}
	out = out[min(offset, len(out)):]
	return out[:min(limit, len(out))], nil
}

// Decide stores what a person said about a pair. The pair is due from the last run on.
func (l *Ledger) Decide(_ context.Context, _ record.ID, id reconcile.LinkID, item record.Ref, answer reconcile.Ask) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.links[id]
	for pid, p := range e.pairs {
		if p.Microsoft == item && p.Ask.Open() && p.Answer(&answer, e.opened) {
			e.pairs[pid] = p
			e.recount()
			e.link.Wanted++
			return nil
		}
	}
	return fault.New(fault.NotFound, "", "no question about %s", item)
}

// TakeBack asks again about an item that was left out.
func (l *Ledger) TakeBack(_ context.Context, _ record.ID, id reconcile.LinkID, item record.Ref) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.links[id]
	for pid, p := range e.pairs {
		if p.Microsoft == item && p.TakeBack(e.opened) {
			e.pairs[pid] = p
			e.recount()
			e.link.Wanted++
			return nil
		}
	}
	return fault.New(fault.NotFound, "", "%s was not left out", item)
}

// ChangeSettings stores policy and mapping; the next Open takes them in.
func (l *Ledger) ChangeSettings(_ context.Context, _ record.ID, id reconcile.LinkID, policy reconcile.Policy, table *mapping.Table) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.links[id]
	if e.before == nil {
		e.before = e.link.Mapping
	}
	e.relist = e.relist || e.link.Policy.Direction == mapping.ToCRM && policy.Direction != mapping.ToCRM
	e.link.Policy, e.link.Mapping = policy, table
	e.link.Wanted++
	return nil
}

// ChangeState moves a link from one of some states to another. ok is false if it is in none of them.
func (l *Ledger) ChangeState(id reconcile.LinkID, from []reconcile.LinkState, to reconcile.LinkState) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.links[id]
	was := e.link.State
	if !slices.Contains(from, was) {
		return false
	}
	e.link.State, e.link.Reason = to, ""
	if was == reconcile.Paused {
		e.resubscribe()
		if to == reconcile.On && e.link.Waiting > 1 {
			e.link.State, e.link.Reason = reconcile.Held, fault.TooManyDeletes
		}
	}
	return true
}

// AllowDeletes answers the brake, now. ok is false if it does not ask.
func (l *Ledger) AllowDeletes(id reconcile.LinkID, yes bool, now time.Time) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.links[id]
	if e.link.State != reconcile.Held {
		return false
	}
	e.link.DeletesOK, e.okay = yes, !yes
	for pid, p := range e.pairs {
		if p.State != reconcile.Waiting {
			continue
		}
		if p.RetryAt = now; !yes {
			p.State, p.Base, p.MissingSide, p.Attempts = reconcile.Parked, nil, "", 0
		}
		e.pairs[pid] = p
	}
	e.recount()
	return true
}

// Retry makes what fails due at once.
func (l *Ledger) Retry(id reconcile.LinkID, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.links[id]
	for pid, p := range e.pairs {
		if p.State == reconcile.Parked {
			p.Attempts, p.RetryAt = 0, now
			e.pairs[pid] = p
		}
	}
}

// Resubscribe has the next run ask for another subscription.
func (l *Ledger) Resubscribe(id reconcile.LinkID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.links[id].resubscribe()
}

func (e *entry) resubscribe() { e.link.SubscriptionEnds, e.resub = time.Time{}, true }

// Past is the ledger as a rehearsal reads it, without a lease. It fits reconcile.Past.
type Past struct{ ledger *Ledger }

// Past is the ledger as a rehearsal reads it.
func (l *Ledger) Past() Past { return Past{l} }

// read reads of a link as it stands, whoever runs it or has paused it, if it is there.
func (p Past) read(link *reconcile.Link, read func(*entry)) {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	if e := p.ledger.links[link.ID]; e != nil {
		read(e)
	}
}

// PairsByRef finds pairs.
func (p Past) PairsByRef(_ context.Context, link *reconcile.Link, side reconcile.Where, refs []record.Ref) (out map[record.Ref]reconcile.Pair, err error) {
	p.read(link, func(e *entry) { out = e.byRef(side, refs) })
	return out, nil
}

// PairsInState pages through pairs of a state.
func (p Past) PairsInState(_ context.Context, link *reconcile.Link, state reconcile.PairState, dueBy time.Time, after int64, limit int) (out []reconcile.Pair, err error) {
	p.read(link, func(e *entry) { out = e.page(after, limit, inState(state, dueBy)) })
	return out, nil
}

// Pairs pages through all pairs.
func (p Past) Pairs(_ context.Context, link *reconcile.Link, after int64, limit int) (out []reconcile.Pair, err error) {
	p.read(link, func(e *entry) { out = e.page(after, limit, all) })
	return out, nil
}

// OpenIntents lists the batches that were never settled.
func (p Past) OpenIntents(_ context.Context, link *reconcile.Link) (open map[int64][]reconcile.Intent, err error) {
	p.read(link, func(e *entry) {
		open = make(map[int64][]reconcile.Intent, len(e.intents))
		for batch, intents := range e.intents {
			open[batch] = slices.Clone(intents)
		}
	})
	return open, nil
}

// Marked tells which items marks belong to.
func (p Past) Marked(_ context.Context, _ *reconcile.Link, records []record.Ref) (map[string]record.Ref, error) {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	return p.ledger.marked(records), nil
}

// Before is the mapping that the bases were made with.
func (p Past) Before(_ context.Context, link *reconcile.Link) (*mapping.Table, bool, error) {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	e := p.ledger.links[link.ID]
	if e == nil || e.before == nil {
		return link.Mapping, e != nil && e.relist, nil
	}
	return e.before, e.relist, nil
}

// LeftOut counts nothing: it knows no records.
func (p Past) LeftOut(context.Context, *reconcile.Link) (map[fault.Reason]int, error) {
	return map[fault.Reason]int{}, nil
}

// takeIn begins a run by new settings: see store.(*Ledger).Open.
func (e *entry) takeIn(now time.Time) {
	if table, more := mapping.Grown(e.link.Mapping); more {
		if e.before == nil {
			e.before = e.link.Mapping
		}
		e.link.Mapping = table
	}
	if e.before == nil {
		return
	}
	moved := mapping.Moved(e.before, e.link.Mapping)
	for id, p := range e.pairs {
		p.Base = reconcile.Forget(p.Base, moved)
		if p.Ask != nil {
			p.Due(now)
		}
		e.pairs[id] = p
	}
	for batch, intents := range e.intents {
		intents = slices.Clone(intents)
		for i := range intents {
			intents[i].Forget(moved)
		}
		e.intents[batch] = intents
	}
	e.before, e.link.Microsoft = nil, ""
	if e.relist {
		e.relist, e.link.CRM, e.link.Settled = false, "", false
	}
	e.recount()
}

// DropPairs loses the pairs of a link, as a restored backup might.
func (l *Ledger) DropPairs(id reconcile.LinkID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.links[id].pairs)
	l.links[id].recount()
}

// History lists what was done, oldest first.
func (l *Ledger) History() []reconcile.HistoryLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.history)
}

// Writes counts the pair rows written so far.
func (l *Ledger) Writes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes
}

// Open takes the lease.
func (l *Ledger) Open(_ context.Context, id reconcile.LinkID, now time.Time, lease time.Duration) (*reconcile.Link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.links[id]
	switch {
	case !ok:
		return nil, fault.New(fault.NotFound, "", "no link %d", id)
	case e.until.After(now):
		return nil, fault.New(fault.Conflict, "", "link %d is leased", id)
	}
	e.link.Fence++
	e.until, e.opened, e.state, e.okay, e.resub = now.Add(lease), now, e.link.State, e.link.DeletesOK, false
	e.takeIn(now)
	link := e.link
	return &link, nil
}

// held finds the entry of a link whose lease the caller still has.
func (l *Ledger) held(link *reconcile.Link) (*entry, error) {
	e := l.links[link.ID]
	if e == nil || e.link.Fence != link.Fence {
		return nil, fault.New(fault.Conflict, fault.StaleLease, "link %d has another worker", link.ID)
	}
	return e, nil
}

// readable is held, unless somebody has paused the link or is switching it off.
func (l *Ledger) readable(link *reconcile.Link) (*entry, error) {
	e, err := l.held(link)
	if err == nil && e.link.State != e.state && slices.Contains([]reconcile.LinkState{reconcile.Paused, reconcile.Switching, reconcile.Off}, e.link.State) {
		err = fault.New(fault.Conflict, fault.Interrupted, "link %d was paused or switched off", link.ID)
	}
	return e, err
}

// Renew extends the lease.
func (l *Ledger) Renew(_ context.Context, link *reconcile.Link, until time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err == nil {
		e.until = until
	}
	return err
}

// PairsByRef finds pairs.
func (l *Ledger) PairsByRef(_ context.Context, link *reconcile.Link, side reconcile.Where, refs []record.Ref) (map[record.Ref]reconcile.Pair, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.readable(link)
	if err != nil {
		return nil, err
	}
	return e.byRef(side, refs), nil
}

func (e *entry) byRef(side reconcile.Where, refs []record.Ref) map[record.Ref]reconcile.Pair {
	out := map[record.Ref]reconcile.Pair{}
	for _, p := range e.pairs {
		ref := p.CRM
		if side == reconcile.InMicrosoft {
			ref = p.Microsoft
		}
		if ref != "" && slices.Contains(refs, ref) {
			out[ref] = p
		}
	}
	return out
}

// PairsInState pages through pairs of a state.
func (l *Ledger) PairsInState(_ context.Context, link *reconcile.Link, state reconcile.PairState, dueBy time.Time, after int64, limit int) ([]reconcile.Pair, error) {
	return l.page(link, after, limit, inState(state, dueBy))
}

func inState(state reconcile.PairState, dueBy time.Time) func(reconcile.Pair) bool {
	return func(p reconcile.Pair) bool {
		return p.State == state && (dueBy.IsZero() || !p.RetryAt.IsZero() && !p.RetryAt.After(dueBy))
	}
}

// Pairs pages through all pairs.
func (l *Ledger) Pairs(_ context.Context, link *reconcile.Link, after int64, limit int) ([]reconcile.Pair, error) {
	return l.page(link, after, limit, all)
}

func all(reconcile.Pair) bool { return true }

func (l *Ledger) page(link *reconcile.Link, after int64, limit int, want func(reconcile.Pair) bool) ([]reconcile.Pair, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.readable(link)
	if err != nil {
		return nil, err
	}
	return e.page(after, limit, want), nil
}

func (e *entry) page(after int64, limit int, want func(reconcile.Pair) bool) (out []reconcile.Pair) {
	for _, p := range sorted(e.pairs) {
		if p.ID > after && want(p) && len(out) < limit {
			out = append(out, p)
		}
	}
	return out
}

// Marked tells which items marks belong to.
func (l *Ledger) Marked(_ context.Context, link *reconcile.Link, records []record.Ref) (map[string]record.Ref, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.readable(link); err != nil {
		return nil, err
	}
	return l.marked(records), nil
}

func (l *Ledger) marked(records []record.Ref) map[string]record.Ref {
	out := map[string]record.Ref{}
	for _, h := range l.history {
		if h.Mark != "" && slices.Contains(records, h.CRM) {
			out[h.Mark] = h.Microsoft
		}
	}
	return out
}

// Intend stores a batch of intents.
func (l *Ledger) Intend(_ context.Context, link *reconcile.Link, intents []reconcile.Intent) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err != nil {
		return 0, err
	}
	for _, intent := range intents {
		if e.knows(intent) {
			return 0, fault.New(fault.Conflict, fault.Duplicate, "%s is there or on its way", intent.From)
		}
	}
	l.nextID++
	e.intents[l.nextID] = slices.Clone(intents)
	return l.nextID, nil
}

// knows reports whether a record is on its way already, or has a pair that its intent does not name.
func (e *entry) knows(intent reconcile.Intent) bool {
	for _, batch := range e.intents {
		if slices.ContainsFunc(batch, func(i reconcile.Intent) bool { return i.From == intent.From }) {
			return true
		}
	}
	for _, p := range e.pairs {
		if intent.Pair == 0 && p.CRM == intent.From {
			return true
		}
	}
	return false
}

// OpenIntents lists the batches that were never settled.
func (l *Ledger) OpenIntents(_ context.Context, link *reconcile.Link) (map[int64][]reconcile.Intent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err != nil {
		return nil, err
	}
	return maps.Clone(e.intents), nil
}

// Settle stores entries; a pair that would share a Ref with another is refused, and with it the whole settle.
func (l *Ledger) Settle(_ context.Context, link *reconcile.Link, batch int64, entries []reconcile.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err != nil {
		return err
	}
	pairs, now := maps.Clone(e.pairs), e.opened
	var history []reconcile.HistoryLine
	for _, entry := range entries {
		p := entry.Pair
		if entry.Drop {
			delete(pairs, p.ID)
		} else {
			if p.ID == 0 {
				l.nextID++
				p.ID = l.nextID
			}
			p.Base = p.Base.Clone()
			p.Heed(pairs[p.ID].Ask, now)
			pairs[p.ID] = p
		}
		for _, line := range entry.History {
			line.Run = link.Fence
			history = append(history, line)
		}
	}
	if ref, twice := shared(pairs); twice {
		return fault.New(fault.Conflict, fault.Duplicate, "two pairs share %s", ref)
	}
	was := e.link
	e.pairs = pairs
	link.Recent, _ = link.Lately(entries, now)
	e.link.Recent = link.Recent
	delete(e.intents, batch)
	l.history = append(l.history, history...)
	l.writes += len(entries)
	e.recount()
	// What people did to pairs meanwhile the run does not know.
	link.Known += e.link.Known - was.Known
	link.Synced += e.link.Synced - was.Synced
	link.Waiting += e.link.Waiting - was.Waiting
	link.Failing += e.link.Failing - was.Failing
	return nil
}

func shared(pairs map[int64]reconcile.Pair) (record.Ref, bool) {
	crm, microsoft := map[record.Ref]bool{}, map[record.Ref]bool{}
	for _, p := range pairs {
		switch {
		case p.CRM != "" && crm[p.CRM]:
			return p.CRM, true
		case p.Microsoft != "" && microsoft[p.Microsoft]:
			return p.Microsoft, true
		}
		crm[p.CRM], microsoft[p.Microsoft] = true, true
	}
	return "", false
}

func (e *entry) recount() {
	e.link.Known, e.link.Synced, e.link.Waiting, e.link.Failing, e.link.ExcludedSum = 0, 0, 0, 0, 0
	for _, p := range e.pairs {
		if p.InContainer() {
			e.link.Known++
		}
		switch p.State {
		case reconcile.Synced:
			e.link.Synced++
		case reconcile.Waiting:
			e.link.Waiting++
		case reconcile.Parked:
			e.link.Failing++
		case reconcile.Excluded:
			e.link.ExcludedSum++
		}
	}
}

// Advance stores cursors and progress.
func (l *Ledger) Advance(_ context.Context, link *reconcile.Link) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err == nil {
		e.keep(link)
	}
	return err
}

// keep takes over everything but what people change and what Settle counts.
func (e *entry) keep(link *reconcile.Link) {
	was := e.link
	e.link = *link
	e.link.Wanted, e.link.DeletesOK, e.link.GrowthUntil = was.Wanted, was.DeletesOK, was.GrowthUntil
	e.link.Policy, e.link.Mapping = was.Policy, was.Mapping
	e.link.State, e.link.Reason = was.State, was.Reason
	if e.resub {
		e.link.SubscriptionEnds = time.Time{}
	}
	e.recount()
}

// Close ends the lease. What somebody made of the state meanwhile wins over what the run thought of it.
func (l *Ledger) Close(_ context.Context, link *reconcile.Link) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err == nil {
		e.close(link)
	}
	return err
}

func (e *entry) close(link *reconcile.Link) {
	e.keep(link)
	if e.link.DeletesOK == e.okay {
		e.link.DeletesOK = link.DeletesOK
	}
	if e.link.State == e.state {
		e.link.State, e.link.Reason = link.State, link.Reason
	}
	e.until = time.Time{}
}

// End is Close, and Forget.
func (l *Ledger) End(_ context.Context, link *reconcile.Link, stays bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err != nil {
		return err
	}
	e.close(link)
	l.forget(e, link, stays)
	return nil
}

// Forget removes all pairs and intents of the link.
func (l *Ledger) Forget(_ context.Context, link *reconcile.Link) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := l.held(link)
	if err == nil {
		l.forget(e, link, false)
	}
	return err
}

func (l *Ledger) forget(e *entry, link *reconcile.Link, stays bool) {
	if l.Kept != nil && link.Policy.Calendar != "" {
		kept := map[record.Ref]record.Version{}
		for _, p := range e.pairs {
			if stays && p.CRM != "" && p.Microsoft != "" && p.State != reconcile.Waiting {
				kept[p.CRM] = p.CRMVersion
			}
		}
		l.Kept(link.User, link.Policy.Calendar, kept)
	}
	clear(e.pairs)
	clear(e.intents)
	e.recount()
	for _, of := range []*reconcile.Link{link, &e.link} {
		of.Microsoft, of.CRM, of.Settled = "", "", false
		of.FirstTotal, of.FirstDone, of.Known, of.Synced, of.Waiting, of.Failing, of.ExcludedSum = 0, 0, 0, 0, 0, 0, 0
	}
}

func sorted(pairs map[int64]reconcile.Pair) []reconcile.Pair {
	return slices.SortedFunc(maps.Values(pairs), func(a, b reconcile.Pair) int { return cmp.Compare(a.ID, b.ID) })
}

// Tamper changes the pair of a CRM record behind everybody's back.
func (l *Ledger) Tamper(id reconcile.LinkID, crm record.Ref, change func(*reconcile.Pair)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for pid, p := range l.links[id].pairs {
		if p.CRM == crm {
			change(&p)
			l.links[id].pairs[pid] = p
		}
	}
}
