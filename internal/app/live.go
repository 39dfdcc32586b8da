package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/web"
)

// live passes on to open pages what was committed in their organization. It fits web.Live.
type live struct {
	mu     sync.Mutex
	open   map[record.ID]map[chan web.Event]bool
	closed bool
}

// liveBuffer is how many events a slow page may lag behind before some are dropped: pages look for themselves, so one
// event too few costs a moment, not truth.
const liveBuffer = 16

func newLive() *live { return &live{open: map[record.ID]map[chan web.Event]bool{}} }

// Subscribe begins a stream of events of an organization.
func (l *live) Subscribe(org record.ID) (<-chan web.Event, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := make(chan web.Event, liveBuffer)
	if l.closed {
		close(events)
		return events, func() {}
	}
	if l.open[org] == nil {
		l.open[org] = map[chan web.Event]bool{}
	}
	l.open[org][events] = true
	return events, func() { l.cancel(org, events) }
}

func (l *live) cancel(org record.ID, events chan web.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[org][events] {
		delete(l.open[org], events)
		if len(l.open[org]) == 0 {
			delete(l.open, org)
		}
		close(events)
	}
}

// committed hears of everything that the store of this process has written.
func (l *live) committed(c store.Commit) {
	event := web.Event{Topic: web.ContactsChanged}
	switch {
	case c.Accounts:
		event.Topic = web.UsersChanged
	case c.Link != 0 || c.Preview || c.Import:
		event.Topic = web.LinksChanged
	case c.Kind == record.Calendar:
		event.Topic = web.CalendarChanged
	}
	if (c.Link != 0 || c.Preview || c.Import) && len(c.Owners) == 1 {
		event.User = c.Owners[0]
	}
	l.tell(c.Org, event)
}

func (l *live) tell(org record.ID, event web.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for events := range l.open[org] {
		select {
		case events <- event:
		default:
		}
	}
}

// followEvery is how soon an open page learns of what another process wrote.
const followEvery = 500 * time.Millisecond

// follow looks for what other processes on the same database have written, for the organizations that have pages open,
// until ctx ends. mark gives a number that rises with every write of a topic.
func (l *live) follow(ctx context.Context, mark func(ctx context.Context, org record.ID) (map[web.Topic]int64, error), log *slog.Logger) {
	seen := map[record.ID]map[web.Topic]int64{}
	tick := pulse(ctx, followEvery)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		for _, org := range l.watched() {
			now, err := mark(ctx, org)
			if err != nil {
				log.DebugContext(ctx, "app: look for other processes' writes", "org", org, "error", err)
				continue
			}
			for topic, n := range now {
				if before, known := seen[org][topic]; known && before != n {
					l.tell(org, web.Event{Topic: topic})
				}
			}
			seen[org] = now
		}
	}
}

func (l *live) watched() []record.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.open))
}

// close ends all streams.
func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for org, streams := range l.open {
		for events := range streams {
			close(events)
		}
		delete(l.open, org)
	}
}
