package m365sim

import (
	"net/http"
	"strings"
	"sync"
)

// Requests is what GET /sim/requests tells.
type Requests struct {
	RoundTrips int                       `json:"roundTrips"` // HTTP requests to Graph; a batch is one
	Parts      int                       `json:"parts"`      // requests inside batches
	Tokens     int                       `json:"tokens"`     // requests to the token endpoint
	Unknown    int                       `json:"unknown"`    // requests that the simulator does not model
	Faults     map[string]int            `json:"faults"`     // requests that a fault answered, by what it did
	Routes     map[string]int            `json:"routes"`     // requests and parts, by route
	Mailboxes  map[string]map[string]int `json:"mailboxes"`  // the same, by UPN and route
	Deliveries DeliveryCount             `json:"notifications"`
}

type counter struct {
	mu     sync.Mutex
	totals Requests
	people map[string]map[string]int // by oid
}

func (n *counter) roundTrip() { n.mu.Lock(); n.totals.RoundTrips++; n.mu.Unlock() }
func (n *counter) token()     { n.mu.Lock(); n.totals.Tokens++; n.mu.Unlock() }
func (n *counter) unknown()   { n.mu.Lock(); n.totals.Unknown++; n.mu.Unlock() }

func (n *counter) struck(r *http.Request, what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/v1.0/") {
		n.totals.RoundTrips++
	}
	if n.totals.Faults == nil {
		n.totals.Faults = map[string]int{}
	}
	n.totals.Faults[what]++
}

// add counts one request of a person, whole or part of a batch.
func (n *counter) add(oid, route string, part bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if part {
		n.totals.Parts++
	}
	routes := n.people[oid]
	if routes == nil {
		routes = map[string]int{}
		if n.people == nil {
			n.people = map[string]map[string]int{}
		}
		n.people[oid] = routes
	}
	routes[route]++
}

func (n *counter) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.totals, n.people = Requests{}, nil
}

// Requests tells what was asked of Graph since the start or the last reset. What people do in Outlook is not in it.
func (s *Sim) Requests() Requests {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	r := s.counts.totals
	r.Faults, r.Routes, r.Mailboxes = map[string]int{}, map[string]int{}, map[string]map[string]int{}
	for what, n := range s.counts.totals.Faults {
		r.Faults[what] = n
	}
	for oid, routes := range s.counts.people {
		name := "app"
		if p := s.Person(oid); p != nil {
			name = p.UPN
		}
		own := map[string]int{}
		for route, n := range routes {
			own[route] = n
			r.Routes[route] += n
		}
		r.Mailboxes[name] = own
	}
	r.Deliveries = s.Deliveries()
	return r
}
