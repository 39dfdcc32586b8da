package app

import (
	"sync"

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

// committed hears of everything that the store has written.
func (l *live) committed(c store.Commit) {
	event := web.Event{Topic: web.ContactsChanged}
	switch {
	case c.Link != 0:
		event.Topic = web.LinksChanged
	case c.Kind == record.Calendar:
		event.Topic = web.CalendarChanged
	}
	if c.Link != 0 && len(c.Owners) == 1 {
		event.User = c.Owners[0]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for events := range l.open[c.Org] {
		select {
		case events <- event:
		default:
		}
	}
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
