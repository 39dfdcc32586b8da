package reconcile

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// rehearsedLedger is the ledger as it would be after what it was only told of.
type rehearsedLedger struct {
	past  Past
	now   func() time.Time
	link  *Link
	moved []record.Field // whose partner is to change: nothing is agreed on of them

	mu      sync.Mutex
	pairs   map[int64]kept // as they would be, over those of the past
	dropped map[int64]bool
	byRef   map[Where]map[record.Ref]int64
	stood   map[int64]standing // of pairs that were read of the past
	settled map[int64]bool     // batches of intents
	nextID  int64
}

// kept is a pair. Of one that would be in step on all fields, what was agreed on is not kept: in the rest of a run
// nobody asks for it, and ten thousand contacts would fill the memory.
type kept struct {
	Pair
	whole bool
}

// standing is what the counts of a link go by.
type standing struct {
	state PairState
	there bool
}

// newPairs is where the ids of new pairs begin: above all others.
const newPairs = 1 << 62

func standsAs(p Pair) standing { return standing{p.State, p.Microsoft != ""} }

func (l *rehearsedLedger) lean(p Pair) kept {
	apart := false
	for f := range p.Base {
		apart = apart || f == doubted || f == restoredOn || strings.HasPrefix(string(f), inCRM)
	}
	if p.State == Synced && p.Ask == nil && !apart && complete(p.Base, l.fields()) {
		p.Base = nil
		return kept{p, true}
	}
	return kept{p, false}
}

func (l *rehearsedLedger) tell(k kept) Pair {
	if k.whole {
		k.Base = everyField(nil, l.fields())
	}
	return k.Pair
}

// fields are those that take part.
func (l *rehearsedLedger) fields() []record.Field {
	return l.link.Mapping.Going(l.link.Policy.Direction).Fields()
}

// held is what a side had of a record when its pair was last in step.
func (l *rehearsedLedger) held(where Where, ref record.Ref) record.Fields {
	l.mu.Lock()
	defer l.mu.Unlock()
	base := l.tell(l.pairs[l.byRef[where][ref]]).Base
	if where == InCRM {
		base = heldInCRM(base)
	}
	return everyField(base, l.fields()).With(nil)
}

// takeIn has a rehearsal begin by other settings: see Ledger.Open.
func (l *rehearsedLedger) takeIn(ctx context.Context, before *mapping.Table, afresh bool, now time.Time) error {
	l.moved = mapping.Moved(before, l.link.Mapping)
	l.link.Microsoft, l.link.Changed = "", false
	if afresh {
		l.link.CRM, l.link.Settled, l.link.FirstTotal, l.link.FirstDone = "", false, 0, 0
	}
	for after := int64(0); ; {
		pairs, err := l.Pairs(ctx, l.link, after, pairsPage)
		if err != nil || len(pairs) == 0 {
			return err
		}
		after = pairs[len(pairs)-1].ID
		var due []Entry
		for _, p := range pairs {
			if p.Ask != nil {
				p.Due(now)
				due = append(due, Entry{Pair: p})
			}
		}
		if err := l.Settle(ctx, l.link, 0, due); err != nil {
			return err
		}
	}
}

// of the past: as it is read now, without those that are told otherwise here.
func (l *rehearsedLedger) ofPast(pairs []Pair) (out []Pair) {
	if l.stood == nil {
		l.stood = map[int64]standing{}
	}
	for _, p := range pairs {
		if _, changed := l.pairs[p.ID]; changed || l.dropped[p.ID] {
			continue
		}
		l.stood[p.ID] = standsAs(p)
		p.Base = Forget(p.Base, l.moved)
		out = append(out, p)
	}
	return out
}

func (l *rehearsedLedger) PairsByRef(ctx context.Context, _ *Link, side Where, refs []record.Ref) (map[record.Ref]Pair, error) {
	past, err := l.past.PairsByRef(ctx, l.link, side, refs)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[record.Ref]Pair, len(refs))
	for ref, p := range past {
		if own := l.ofPast([]Pair{p}); len(own) > 0 {
			out[ref] = own[0]
		}
	}
	for _, ref := range refs {
		if id, ok := l.byRef[side][ref]; ok {
			out[ref] = l.tell(l.pairs[id])
		}
	}
	return out, nil
}

func (l *rehearsedLedger) Marked(ctx context.Context, _ *Link, records []record.Ref) (map[string]record.Ref, error) {
	return l.past.Marked(ctx, l.link, records)
}

func (l *rehearsedLedger) PairsInState(ctx context.Context, _ *Link, state PairState, dueBy time.Time, after int64, limit int) ([]Pair, error) {
	return l.page(after, limit, func(p Pair) bool {
		return p.State == state && (dueBy.IsZero() || !p.RetryAt.IsZero() && !p.RetryAt.After(dueBy))
	}, func(after int64) ([]Pair, error) {
		return l.past.PairsInState(ctx, l.link, state, dueBy, after, limit)
	})
}

func (l *rehearsedLedger) Pairs(ctx context.Context, _ *Link, after int64, limit int) ([]Pair, error) {
	return l.page(after, limit, func(Pair) bool { return true }, func(after int64) ([]Pair, error) {
		return l.past.Pairs(ctx, l.link, after, limit)
	})
}

// page merges the pairs of the past with those that are told here, by id.
func (l *rehearsedLedger) page(after int64, limit int, want func(Pair) bool, read func(after int64) ([]Pair, error)) ([]Pair, error) {
	var out []Pair
	end := after // up to where the past was read; -1: to its end
	for len(out) == 0 && end >= 0 {
		past, err := read(end)
		if err != nil {
			return nil, err
		}
		if end = -1; len(past) > 0 {
			end = past[len(past)-1].ID
		}
		l.mu.Lock()
		out = l.ofPast(past)
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, k := range l.pairs {
		if id > after && (end < 0 || id <= end) && want(k.Pair) {
			out = append(out, l.tell(k))
		}
	}
	slices.SortFunc(out, func(a, b Pair) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(limit, len(out))], nil
}

func (l *rehearsedLedger) OpenIntents(ctx context.Context, _ *Link) (map[int64][]Intent, error) {
	open, err := l.past.OpenIntents(ctx, l.link)
	for batch, intents := range open {
		if l.settled[batch] {
			delete(open, batch)
			continue
		}
		for i := range intents {
			intents[i].Forget(l.moved)
		}
	}
	return open, err
}

func (l *rehearsedLedger) Settle(_ context.Context, link *Link, batch int64, entries []Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pairs == nil {
		l.pairs, l.dropped, l.settled = map[int64]kept{}, map[int64]bool{}, map[int64]bool{}
		l.byRef = map[Where]map[record.Ref]int64{InCRM: {}, InMicrosoft: {}}
		l.nextID = newPairs
	}
	l.settled[batch] = true
	link.Recent, _ = link.Lately(entries, l.now())
	for _, e := range entries {
		p := e.Pair
		if e.Drop && p.ID == 0 {
			continue
		}
		l.leave(link, p.ID)
		if e.Drop {
			l.dropped[p.ID] = true
			continue
		}
		if p.ID == 0 {
			l.nextID++
			p.ID = l.nextID
		}
		l.pairs[p.ID] = l.lean(p)
		for where, ref := range map[Where]record.Ref{InCRM: p.CRM, InMicrosoft: p.Microsoft} {
			if ref != "" {
				l.byRef[where][ref] = p.ID
			}
		}
		l.count(link, standsAs(p), +1)
	}
	return nil
}

// leave takes a pair out of what is counted and found.
func (l *rehearsedLedger) leave(link *Link, id int64) {
	if old, ok := l.pairs[id]; ok {
		l.count(link, standsAs(old.Pair), -1)
		for where, ref := range map[Where]record.Ref{InCRM: old.CRM, InMicrosoft: old.Microsoft} {
			if ref != "" && l.byRef[where][ref] == id {
				delete(l.byRef[where], ref)
			}
		}
		delete(l.pairs, id)
		return
	}
	if was, ok := l.stood[id]; ok && !l.dropped[id] {
		l.count(link, was, -1)
		delete(l.stood, id)
	}
}

func (l *rehearsedLedger) count(link *Link, s standing, n int) {
	if s.there {
		link.Known += n
	}
	switch s.state {
	case Synced:
		link.Synced += n
	case Waiting:
		link.Waiting += n
	case Parked, Intended:
		link.Failing += n
	}
}

// Intend has nothing to remember: a rehearsal is not cut off in the middle of a write.
func (l *rehearsedLedger) Intend(context.Context, *Link, []Intent) (int64, error) { return 0, nil }

// Advance has nothing to store.
func (l *rehearsedLedger) Advance(context.Context, *Link) error { return nil }

// Open, Renew, Close, End and Forget are for leases, of which a rehearsal needs none, and for what comes after a run.
func (l *rehearsedLedger) Open(context.Context, LinkID, time.Time, time.Duration) (*Link, error) {
	return nil, fault.New(fault.Broken, "", "reconcile: a rehearsal has its link")
}
func (l *rehearsedLedger) Renew(context.Context, *Link, time.Time) error { return nil }
func (l *rehearsedLedger) Close(context.Context, *Link) error            { return nil }
func (l *rehearsedLedger) End(context.Context, *Link, bool) error        { return nil }
func (l *rehearsedLedger) Forget(context.Context, *Link) error           { return nil }
