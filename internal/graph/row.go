package graph

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"tandem/internal/fault"
)

// A Row keeps the batches of several calls in their order, as far as that goes while some travel at once: they are let through to
// the mailbox one after another, and none before all that stand span or more places before it have ended. So one that is slow
// is not left behind by any number of others.
type Row struct {
	m     *Mailbox
	span  int
	mu    sync.Mutex
	next  int           // the place that is given away next
	first int           // the first that has not ended
	ended map[int]bool  // those behind it that have
	moved chan struct{} // closed when first moves on
}

// rowSpan is how many batches of a row may be on their way, for each that the mailbox takes at once. With more than one, the
// others go on for a while beside one that is slow.
const rowSpan = 2

// Row makes a row in which nothing stands yet.
func (m *Mailbox) Row() *Row {
	return &Row{m: m, span: rowSpan * m.c.limits.InFlight, ended: map[int]bool{}, moved: make(chan struct{})}
}

// Batch is [Mailbox.Batch] of parts whose batches stand in the row in the parts' order. underWay is called once the last of them has been
// let through, or will not be any more: what is put into the row after that stands behind them.
func (r *Row) Batch(ctx context.Context, parts []Part, underWay func()) ([]Result, error) {
	out := make([]Result, len(parts))
	all, groupCtx := errgroup.WithContext(ctx)
	all.SetLimit(r.span) // one more than the mailbox takes at once is ready when there is room
	var ended error
	for from, to := 0, 0; from < len(parts) && ended == nil; from = to {
		to = from + fitting(parts[from:])
		place, err := r.enter(groupCtx)
		if err != nil {
			ended = fault.New(fault.Unavailable, "", "graph: %w", err)
			break
		}
		through := make(chan struct{})
		let := sync.OnceFunc(func() { close(through) })
		all.Go(func() error {
			defer r.leave(place)
			defer let()
			if groupCtx.Err() != nil { // another batch met what stops all
				return nil
			}
			// In flight already is carried to its end, so that its outcome is known.
			return r.m.batch(ctx, parts[from:to], out[from:to], false, let)
		})
		<-through
	}
	underWay()
	err := all.Wait()
	if err == nil {
		err = ended
	}
	if err != nil {
		for i := range out {
			if out[i].Status == 0 && out[i].Err == nil {
				out[i].Err = notSent(err)
			}
		}
	}
	return out, err
}

// enter gives away the next place once it may be taken; leave must follow.
func (r *Row) enter(ctx context.Context) (place int, err error) {
	for {
		r.mu.Lock()
		if r.next-r.first < r.span {
			place = r.next
			r.next++
			r.mu.Unlock()
			return place, nil
		}
		moved := r.moved
		r.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (r *Row) leave(place int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended[place] = true
	if !r.ended[r.first] {
		return
	}
	for r.ended[r.first] {
		delete(r.ended, r.first)
		r.first++
	}
	close(r.moved)
	r.moved = make(chan struct{})
}
