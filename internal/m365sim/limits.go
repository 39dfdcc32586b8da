package m365sim

import (
	"net/http"
	"sync"
	"time"
)

// Limits of Outlook's part of Graph (fact sheet §5).
const (
	concurrency   = 4 // requests of an app at work in one mailbox
	requestWindow = 10 * time.Minute
)

// places hands out the places in which an app's requests run, and counts them by time.
type places struct {
	mu     sync.Mutex
	slots  map[string]chan struct{} // by app
	counts map[string]*requestCount // by app
}

type requestCount struct {
	from time.Time
	n    int
}

func (p *places) slotsFor(app string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	slots := p.slots[app]
	if slots == nil {
		if p.slots == nil {
			p.slots = map[string]chan struct{}{}
		}
		slots = make(chan struct{}, concurrency)
		p.slots[app] = slots
	}
	return slots
}

// admit counts one request against a limit of requests in ten minutes; 0 is no limit.
func (p *places) admit(app string, limit int, now func() time.Time) *graphError {
	if limit == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now()
	c := p.counts[app]
	if c == nil || at.Sub(c.from) >= requestWindow {
		if p.counts == nil {
			p.counts = map[string]*requestCount{}
		}
		c = &requestCount{from: at}
		p.counts[app] = c
	}
	if c.n >= limit {
		wait := c.from.Add(requestWindow).Sub(at)
		return &graphError{status: http.StatusTooManyRequests, code: "ApplicationThrottled",
			message: "Application is over its RequestCount limit.", retryAfter: int(wait/time.Second) + 1}
	}
	c.n++
	return nil
}

// claim takes a place in the mailbox for the call. When all are taken the request waits, or is refused where
// Warts.RejectOverConcurrency says so.
func (c *call) claim() (release func(), err *graphError) {
	if c.byHand || c.box == nil {
		return func() {}, nil
	}
	w := c.s.warts.Load()
	if err := c.box.places.admit(c.grant.appID, w.RequestLimit, c.s.now); err != nil {
		return nil, err
	}
	slots := c.box.places.slotsFor(c.grant.appID)
	if w.ConcurrencyOverApp {
		slots = c.s.places.slotsFor(c.grant.appID)
	}
	if w.RejectOverConcurrency {
		select {
		case slots <- struct{}{}:
		default:
			return nil, errMailboxConcurrency
		}
		return func() { <-slots }, nil
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-c.ctx.Done():
		return nil, errServiceBusy
	}
}
