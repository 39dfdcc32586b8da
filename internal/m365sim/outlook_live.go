package m365sim

import (
	"fmt"
	"net/http"
	"time"
)

// livePause is the shortest time between two events on the wire: a sync writes hundreds of items a
// second, and a page need not follow each.
const livePause = 400 * time.Millisecond

// liveBeat keeps a quiet connection from being taken for a dead one.
const liveBeat = 25 * time.Second

// live tells a page, by server-sent events, that its mailbox has changed. It says no more than that; the
// page then fetches itself again.
func (d *desk) live() {
	d.s.stream(d.w, d.r, func() (<-chan struct{}, func()) { return d.s.Watch(d.person.UPN) })
}

// stream turns ticks into server-sent events until the page or the simulator goes away.
func (s *Sim) stream(w http.ResponseWriter, r *http.Request, watch func() (ticks <-chan struct{}, cancel func())) {
	changed, stop := watch()
	defer stop()
	flush := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	send := func(text string) bool {
		if _, err := fmt.Fprint(w, text); err != nil {
			return false
		}
		return flush.Flush() == nil
	}
	if !send("retry: 1000\n\n") {
		return
	}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		case <-beat.C:
			if !send(": still here\n\n") {
				return
			}
		case <-changed:
			if !send("event: changed\ndata: {}\n\n") {
				return
			}
			s.wait(r.Context(), livePause)
		}
	}
}
