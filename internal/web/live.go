package web

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// The bounds of streams. A browser's tabs share one (src/live.js), so a person with a few browsers needs a few.
const (
	streamsPerUser = 12
	streamLife     = 30 * time.Minute // then the browser comes again, and shows that it is still signed in
	heartbeat      = 20 * time.Second // below the idle cut-off of common proxies
	gather         = 150 * time.Millisecond
)

// streams counts who listens.
type streams struct {
	mu     sync.Mutex
	byUser map[record.ID]int
}

func (s *streams) enter(user record.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byUser == nil {
		s.byUser = map[record.ID]int{}
	}
	if s.byUser[user] >= streamsPerUser {
		return false
	}
	s.byUser[user]++
	return true
}

func (s *streams) leave(user record.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byUser[user]--; s.byUser[user] == 0 {
		delete(s.byUser, user)
	}
}

// live tells a page which topics changed, as server-sent events without content: the page asks again for what it
// shows. It ends with the request's context, or when Live closes the channel.
func (s *Site) live(v *visit) error {
	if !s.streams.enter(v.user.ID) {
		return fault.Wait(heartbeat, "web: user %s listens %d times", v.user.ID, streamsPerUser)
	}
	defer s.streams.leave(v.user.ID)
	events, cancel := s.Live.Subscribe(v.user.Org)
	defer cancel()

	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies are not to collect it
	out := http.NewResponseController(v.w)
	if err := out.SetWriteDeadline(time.Time{}); err != nil {
		s.Logger.Debug("web: a stream keeps the server's write deadline", "err", err)
	}
	say := func(text string) bool {
		_, err := fmt.Fprint(v.w, text)
		return err == nil && out.Flush() == nil
	}
	if !say("retry: 3000\nevent: hello\ndata: hello\n\n") {
		return nil
	}

	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	var news []Topic // gathered, not told yet
	var tell <-chan time.Time
	for {
		select {
		case <-v.ctx().Done():
			return nil
		case <-end.C:
			return nil
		case e, open := <-events:
			if !open {
				return nil
			}
			if !v.concerns(e) {
				continue
			}
			news = append(news, e.Topic)
			if tell == nil {
				tell = time.After(gather)
			}
		case <-tell:
			if slices.Contains(news, UsersChanged) && !s.listens(v) {
				return nil
			}
			told := map[Topic]bool{}
			for _, topic := range news {
				if !told[topic] && !say("event: change\ndata: "+string(topic)+"\n\n") {
					return nil
				}
				told[topic] = true
			}
			news, tell = news[:0], nil
		case <-beat.C:
			if !say(": still here\n\n") {
				return nil
			}
		}
	}
}

// listens reports whether the person is signed in still, and learns what the profile allows by now.
func (s *Site) listens(v *visit) bool {
	u, err := s.Accounts.SessionUser(v.ctx(), s.sessions.GetString(v.ctx(), keySession), time.Time{})
	if err != nil {
		return !fault.Is(err, fault.Denied) // a hiccup ends nothing
	}
	v.user = u
	return true
}

// concerns reports whether an event may be something that the person sees.
func (v *visit) concerns(e Event) bool {
	if e.User == 0 || e.User == v.user.ID {
		return true
	}
	switch e.Topic {
	case ContactsChanged:
		return v.may().Contacts.View == record.Anyones
	case CalendarChanged:
		return v.may().Events.View == record.Anyones
	}
	return false
}
