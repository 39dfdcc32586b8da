package m365sim

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options says how a simulated Microsoft 365 is to be. The zero value is usable.
type Options struct {
	// Now is the clock of the whole simulator; time.Now when nil.
	Now func() time.Time
	// Logger hears of every request that the simulator does not know, at WARN.
	Logger *slog.Logger
	// Seed decides whatever is left to chance, such as the order of the answers of a batch.
	Seed uint64
	// BaseURL is the simulator's own public address, such as http://127.0.0.1:8365. Links in answers and
	// the issuer of tokens begin with it. Empty: the host of the request that is being answered.
	BaseURL string
	// NotifyClient carries change notifications; a client with a cut-off of 10 s when nil.
	NotifyClient *http.Client
	// NotifyDelay is how long a change waits before its notification leaves, so that several of one
	// subscription travel together; 5 ms when zero.
	NotifyDelay time.Duration
	// NotifyRetry is the first pause after a delivery that was not answered 2xx; it doubles each time.
	// One second when zero.
	NotifyRetry time.Duration
	// Post, if set, takes each request to a notification address as soon as the change is made, in place of the goroutines
	// that carry them: for whoever orders time and deliveries himself. It must not come back to the simulator before it has
	// returned.
	Post func(address string, body []byte)
	// Warts are the behaviours on which sources differ.
	Warts Warts
}

// Sim is a Microsoft 365 in memory: an Entra ID, a Graph, and a small Outlook.
type Sim struct {
	nowFunc  func() time.Time
	log      *slog.Logger
	base     atomic.Value // string
	mux      *http.ServeMux
	notifier *notifier
	faults   faultBook
	counts   counter
	mails    mailLog
	outbox   outbox
	warts    atomic.Pointer[Warts]
	warts0   Warts        // as given, for a reset
	places   places       // of apps over all mailboxes, where that is how they are counted
	latency  atomic.Int64 // nanoseconds, for each request and each part of a batch
	requests atomic.Uint64
	born     atomic.Int64 // when the present data began

	entra entraState // sign-in, consent, tokens: see entra.go

	mu      sync.RWMutex // guards what follows; a mailbox has a lock of its own
	tenants []*Tenant
	byOID   map[string]*Person
	byName  map[string]*Person  // lower-case UPN and mail address
	boxes   map[string]*mailbox // by OID, of those who were looked for

	randMu sync.Mutex
	rand   *rand.Rand
	seed   uint64 // as given, for whoever derives keys from it

	closing   chan struct{}
	closeOnce sync.Once
}

// New builds a simulator with its three tenants, every mailbox empty. Close it after use.
func New(o Options) *Sim {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Sim{
		nowFunc: o.Now,
		log:     o.Logger,
		mux:     http.NewServeMux(),
		rand:    rand.New(rand.NewPCG(o.Seed, 365)),
		seed:    o.Seed,
		closing: make(chan struct{}),
	}
	s.SetBaseURL(o.BaseURL)
	s.warts0 = o.Warts
	s.SetWarts(o.Warts)
	s.notifier = newNotifier(s, o)
	s.populate()
	s.entraInit()

	s.graphRoutes(s.mux)
	s.controlRoutes(s.mux)
	s.entraRoutes(s.mux)
	s.outlookRoutes(s.mux)
	return s
}

// ServeHTTP answers for login.microsoftonline.com, graph.microsoft.com, Outlook and the controls, by path. Faults
// strike everything but the controls.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/sim/") {
		if strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") {
			s.counts.token()
		}
		if k := s.faults.pick(r.Method, r.URL.Path, false); k != nil {
			s.serveFaulty(k, w, r)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

// Close stops deliveries and lets go of every request that a fault holds. It waits for both.
func (s *Sim) Close() {
	s.closeOnce.Do(func() { close(s.closing) })
	s.notifier.stop()
}

// SetBaseURL tells the simulator under which address it can be reached.
func (s *Sim) SetBaseURL(url string) { s.base.Store(strings.TrimRight(url, "/")) }

// BaseURL is the simulator's public address, without a slash at the end; empty when it was never told.
func (s *Sim) BaseURL() string { return s.base.Load().(string) }

// baseFor is the address that links in the answer to r begin with.
func (s *Sim) baseFor(r *http.Request) string {
	if base := s.BaseURL(); base != "" || r == nil {
		return base
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *Sim) now() time.Time { return s.nowFunc().UTC() }

// shuffle puts n things in an order that the seed decides.
func (s *Sim) shuffle(n int, swap func(i, j int)) {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	s.rand.Shuffle(n, swap)
}
