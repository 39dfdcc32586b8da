package jobs

import (
	"context"
	"sync"
	"time"

	"tandem/internal/reconcile"
)

// gatherTimeout bounds one storing of what was gathered.
const gatherTimeout = 10 * time.Second

// Gather makes of a function that stores something for links one that stores for all its callers at once: those that come
// while a transaction is under way share the next one. It returns nil once store has returned nil for a call that began
// after it was called; or, when ctx ends before that, the error of ctx, and what was asked for may be stored all the same.
func Gather(store func(ctx context.Context, ids ...reconcile.LinkID) error) func(ctx context.Context, ids ...reconcile.LinkID) error {
	g := &gatherer{store: store}
	return g.add
}

type gatherer struct {
	store func(ctx context.Context, ids ...reconcile.LinkID) error

	mu      sync.Mutex
	next    *batch // nil: nobody waits for a turn
	storing bool
}

type batch struct {
	ids  map[reconcile.LinkID]bool
	done chan struct{} // closed once err is set
	err  error
}

func (g *gatherer) add(ctx context.Context, ids ...reconcile.LinkID) error {
	g.mu.Lock()
	if g.next == nil {
		g.next = &batch{ids: map[reconcile.LinkID]bool{}, done: make(chan struct{})}
	}
	mine := g.next
	for _, id := range ids {
		mine.ids[id] = true
	}
	if !g.storing {
		g.storing = true
		go g.work(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()

	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work stores batches until none is left.
func (g *gatherer) work(ctx context.Context) {
	for {
		g.mu.Lock()
		b := g.next
		g.next = nil
		g.storing = b != nil
		g.mu.Unlock()
		if b == nil {
			return
		}
		ids := make([]reconcile.LinkID, 0, len(b.ids))
		for id := range b.ids {
			ids = append(ids, id)
		}
		limited, cancel := context.WithTimeout(ctx, gatherTimeout)
		b.err = g.store(limited, ids...)
		cancel()
		close(b.done)
	}
}
