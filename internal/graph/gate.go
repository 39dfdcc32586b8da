package graph

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/fault"
)

// A gate keeps one mailbox within its limits: so many requests at once, so many in a window of time, and nothing before
// a Retry-After has passed. All kinds and links of the process pass through the same gate.
type gate struct {
	slots  chan struct{}
	serial atomic.Bool // the mailbox refuses parallel parts of a batch: chain them

	mu     sync.Mutex
	until  time.Time // nothing is sent before
	window window
}

// maxGates bounds how many mailboxes are remembered; beyond it those at rest are forgotten.
const maxGates = 20_000

func (c *Client) gateOf(mailbox string) *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.gates[mailbox]
	if g == nil {
		if len(c.gates) >= maxGates {
			c.forgetIdle()
		}
		g = &gate{slots: make(chan struct{}, c.limits.InFlight), window: newWindow(c.limits.Requests, c.limits.Window)}
		c.gates[mailbox] = g
	}
	return g
}

// forgetIdle drops the gates that hold nothing back. A Mailbox value that still has such a gate keeps counting on it.
func (c *Client) forgetIdle() {
	now := c.now()
	for mailbox, g := range c.gates {
		g.mu.Lock()
		idle := len(g.slots) == 0 && !g.until.After(now) && g.window.used(now) == 0
		g.mu.Unlock()
		if idle {
			delete(c.gates, mailbox)
		}
	}
}

// enter waits until one exchange of n requests may be sent to the mailbox; leave must follow. Whoever would have to
// wait longer than the patience gets Throttled at once.
func (m *Mailbox) enter(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return err // or a free slot might be taken all the same
	}
	select {
	case m.gate.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		wait := m.gate.admit(m.c.now(), n)
		if wait <= 0 {
			break
		}
		var err error
		if wait > m.c.limits.Patience {
			err = fault.Wait(wait, "graph: the mailbox must be left alone for %s", wait.Round(time.Second))
		} else {
			err = m.c.sleep(ctx, wait)
		}
		if err != nil {
			<-m.gate.slots
			return err
		}
	}
	if err := m.c.app.enter(ctx); err != nil {
		<-m.gate.slots
		return err
	}
	return nil
}

func (m *Mailbox) leave() {
	m.c.app.leave()
	<-m.gate.slots
}

// admit counts n requests and returns 0 if they may be sent now, else how long to wait before asking again.
func (g *gate) admit(now time.Time, n int) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := g.until.Sub(now); wait > 0 {
		return wait
	}
	return g.window.take(now, n)
}

// hold lets nothing pass for d.
func (g *gate) hold(now time.Time, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := now.Add(d); until.After(g.until) {
		g.until = until
	}
}

// A window counts requests so that no stretch of its span ever has more than max. It counts in slices of time and is
// strict by up to one slice.
type window struct {
	max    int
	slice  time.Duration
	counts []slice // oldest first
	sum    int
}

type slice struct {
	begins time.Time
	n      int
}

// windowSlices is into how many a window is cut.
const windowSlices = 60

func newWindow(max int, span time.Duration) window {
	return window{max: max, slice: span / windowSlices}
}

func (w *window) used(now time.Time) int {
	span := w.slice * (windowSlices + 1) // a slice counts until its last moment is out of reach
	gone := 0
	for gone < len(w.counts) && now.Sub(w.counts[gone].begins) >= span {
		w.sum -= w.counts[gone].n
		gone++
	}
	w.counts = w.counts[gone:]
	return w.sum
}

// take counts n requests and returns 0, or how long to wait until there is room for them.
func (w *window) take(now time.Time, n int) time.Duration {
	n = min(n, w.max)
	if over := w.used(now) + n - w.max; over > 0 {
		for _, s := range w.counts {
			if over -= s.n; over <= 0 {
				return max(s.begins.Add(w.slice*(windowSlices+1)).Sub(now), time.Millisecond)
			}
		}
	}
	w.sum += n
	if last := len(w.counts) - 1; last >= 0 && now.Sub(w.counts[last].begins) < w.slice {
		w.counts[last].n += n
	} else {
		w.counts = append(w.counts, slice{now, n})
	}
	return 0
}

// A throttle bounds the requests of the whole app. Graph's limit for an app over all mailboxes is not the same in all
// of its texts (reference §5), so the bound learns: a 429 takes a quarter of it, every round of good answers gives one
// back.
type throttle struct {
	mu      sync.Mutex
	max     int
	limit   int
	busy    int
	good    int
	waiting []chan struct{}
}

func newThrottle(max int) *throttle { return &throttle{max: max, limit: max} }

func (t *throttle) enter(ctx context.Context) error {
	t.mu.Lock()
	if t.busy < t.limit {
		t.busy++
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	t.waiting = append(t.waiting, turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range t.waiting {
		if w == turn {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	t.release() // the turn came at the same moment; pass it on
	return ctx.Err()
}

func (t *throttle) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
}

func (t *throttle) release() {
	t.busy--
	for t.busy < t.limit && len(t.waiting) > 0 {
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
		t.busy++
	}
}

// learn takes note of how an exchange ended.
func (t *throttle) learn(refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if refused {
		t.limit, t.good = max(4, t.limit*3/4), 0
		return
	}
	if t.good++; t.limit < t.max && t.good >= t.limit {
		t.limit, t.good = t.limit+1, 0
	}
}
