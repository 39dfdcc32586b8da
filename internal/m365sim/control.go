package m365sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// controlRoutes registers the handles of the test bench. They ask nobody who they are.
func (s *Sim) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /sim/requests", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.Requests()) })
	mux.HandleFunc("GET /sim/mails", func(w http.ResponseWriter, _ *http.Request) { tell(w, list(s.Mails())) })
	mux.HandleFunc("GET /sim/outbox", func(w http.ResponseWriter, _ *http.Request) { tell(w, list(s.Outbox())) })
	mux.HandleFunc("POST /sim/outbox", control(func(m OutboxMail) (any, error) { s.AddOutbox(m); return m, nil }))
	mux.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) { tell(w, list(s.Faults())) })
	mux.HandleFunc("POST /sim/faults", control(func(f Fault) (any, error) {
		if err := s.AddFault(f); err != nil {
			return nil, err
		}
		return list(s.Faults()), nil
	}))
	mux.HandleFunc("DELETE /sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	type latency struct {
		MS int `json:"ms"`
	}
	mux.HandleFunc("GET /sim/latency", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, latency{int(time.Duration(s.latency.Load()) / time.Millisecond)})
	})
	mux.HandleFunc("POST /sim/latency", control(func(l latency) (any, error) {
		s.Latency(time.Duration(l.MS) * time.Millisecond)
		return l, nil
	}))
	mux.HandleFunc("GET /sim/warts", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.Warts()) })
	mux.HandleFunc("POST /sim/warts", control(func(change json.RawMessage) (any, error) {
		warts := s.Warts() // what is not named stays
		if err := json.Unmarshal(change, &warts); err != nil {
			return nil, err
		}
		s.SetWarts(warts)
		return warts, nil
	}))
	mux.HandleFunc("POST /sim/lifecycle", control(func(l struct{ User, Event string }) (any, error) {
		return map[string]int{"subscriptions": s.Lifecycle(l.User, l.Event)}, nil
	}))
	mux.HandleFunc("POST /sim/forget", control(func(f struct{ User string }) (any, error) {
		return map[string]bool{"found": s.ForgetSyncStates(f.User)}, nil
	}))
	mux.HandleFunc("POST /sim/crowd", control(func(c struct {
		Tenant string
		People int
	}) (any, error) {
		if c.People < 1 || c.People > maxCrowd || s.Tenant(c.Tenant) == nil {
			return nil, fmt.Errorf("m365sim: a crowd is a tenant and 1 to %d people", maxCrowd)
		}
		return map[string]int{"people": s.Crowd(c.Tenant, c.People)}, nil
	}))
	mux.HandleFunc("POST /sim/reset", control(func(r struct{ Tokens bool }) (any, error) {
		s.Reset(r.Tokens)
		return map[string]bool{"reset": true}, nil
	}))
}

// maxCrowd is more people than any simulated company needs, and fewer than a machine has memory for.
const maxCrowd = 200_000

// control makes a handler of a function that takes a JSON document, which may be absent, and gives one back.
func control[T any](do func(T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in); err != nil && err != io.EOF {
			w.WriteHeader(http.StatusBadRequest)
			tell(w, map[string]string{"error": err.Error()})
			return
		}
		out, err := do(in)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			tell(w, map[string]string{"error": err.Error()})
			return
		}
		tell(w, out)
	}
}

func tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// list makes sure that nothing is written as [] rather than null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// Reset goes back to the data of the first day: the same people with the same ids, empty mailboxes, no faults, no
// latency, no subscriptions, no counts, the warts of the start. Tokens stay valid unless tokens says to forget them too.
func (s *Sim) Reset(tokens bool) {
	s.ClearFaults()
	s.Latency(0)
	s.SetWarts(s.warts0)
	s.notifier.clear()
	if tokens {
		s.resetTokens()
	}
	s.mu.RLock()
	old := s.boxes
	s.mu.RUnlock()
	s.populate()
	for oid, box := range old { // who looked at a mailbox looks at its successor
		if next := s.mailboxOf(oid); next != nil {
			next.inherit(box)
		}
	}
	s.mails.mu.Lock()
	s.mails.sent = nil
	s.mails.mu.Unlock()
	s.outbox.empty()
	s.counts.reset()
}

func (box *mailbox) inherit(old *mailbox) {
	old.watchMu.Lock()
	watchers := old.watchers
	old.watchers = map[chan struct{}]struct{}{}
	old.watchMu.Unlock()
	box.watchMu.Lock()
	for ch := range watchers {
		box.watchers[ch] = struct{}{}
	}
	box.watchMu.Unlock()
	box.changed()
}

// ForgetSyncStates makes every delta token of a mailbox answer 410 from now on (fact sheet §4: Outlook's have no
// fixed age).
func (s *Sim) ForgetSyncStates(upn string) bool {
	p := s.Person(upn)
	if p == nil {
		return false
	}
	box := s.mailboxOf(p.ID)
	if box != nil {
		box.forgotten.Add(1)
	}
	return box != nil
}
