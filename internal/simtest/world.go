package simtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"tandem/internal/crm"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/mapping"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Config says which world is to be seen.
type Config struct {
	Seed uint64
	// Keep are the moves of the seed's program that are made, by their number; nil: all.
	Keep []int
	// Stored says that the books are kept in SQLite, as those of one seed in twenty are.
	Stored bool
	// Defect names the broken engine that takes the place of the real one; "": none.
	Defect string
	// Trace hears of every effect and every deed, a line each; nil: only their sum is kept.
	Trace io.Writer
	// Observe hears of every exchange with Graph; nil: nobody does.
	Observe func(graph.Exchange)
}

// Failure is an invariant that does not hold.
type Failure struct {
	Check   string // its id in SYNC-INVARIANTS, such as I1
	Message string
}

func (f *Failure) Error() string { return f.Check + ": " + f.Message }

// Result is what became of one seed.
type Result struct {
	Failure *Failure // nil: every check held
	Sum     string   // of the trace
	Story   []string // the moves that were made, in words
	Moves   int      // in the program of the seed
	Stats   Stats
}

// Addresses of the simulated neighbour: nothing is ever sent to them.
const (
	base      = "https://m365.test"
	graphBase = base + "/v1.0"
	hookURL   = "https://tandem.test/hooks/graph"
)

// world is everything of one seed.
type world struct {
	config Config
	rng    *rand.Rand // of what is nobody's deed: how long things take
	clock  time.Time
	skew   time.Duration // by which Microsoft's clock is ahead of ours

	queue   events
	seq     int64
	steps   int
	tasks   []*task
	turnOf  *task // who has the baton; nil: nobody's run
	parking time.Duration

	interjections []*interjection
	amidst        *amidst // nil: nobody interjects anything just now

	sim       *m365sim.Sim
	books     books
	crm       *crm.CRM
	grants    *grants
	seal      *outlook.Seal
	hook      *outlook.Hook
	processes []*process
	defect    *defect

	people   []*person
	links    map[reconcile.LinkID]*linkState
	order    []*linkState
	entities map[string]*entity
	leftOut  map[leaving]bool
	keys     []string // of entities, in the order in which they came
	typed    []*typed
	marks    []*mark
	cuts     []cut
	ids      int
	values   int

	faults  faultBook
	calm    bool // no more faults, and no more deeds
	failure *Failure
	stats   Stats
	looked  int               // writes of sync's in the CRM at the last look
	doubts  map[string]string // see inDoubt
	kinds   map[record.Kind]editable
	traits
	forms   map[[sha256.Size]byte]record.Value // of photos, as they lie at Microsoft
	foreign map[*person]string                 // what is outside the containers
	renamed map[string]string                  // stems of ids that have changed: see renamed
	sum     hash.Hash
	story   []string
}

// start is when every world begins: a Monday morning.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// A person is a user with a mailbox.
type person struct {
	org, id record.ID
	upn     string
	oid     string
	wants   map[record.Kind]bool // which kinds are to be on in the end
	way     mapping.Direction    // of all that this person syncs; such links stay on: see oneway.go
}

// linkState is what the world knows of a link beside the ledger.
type linkState struct {
	id      reconcile.LinkID
	of      *person
	kind    record.Kind
	running int       // runs under way
	queued  bool      // a job is on its way
	sleeps  int       // failures in a row
	failed  bool      // its last run
	away    time.Time // until then its person does not let it go on
	// remapped says that what meets what has been changed since it was switched on.
	remapped bool
	agreed   int   // deletions that waited when the brake was last answered with yes
	belated  int64 // see (*world).belated: the fence of then; 0: nothing is
	written  bool  // by sync, since the last look at what it has at Microsoft
}

// process is one process of Tandem: what it remembers goes with it.
type process struct {
	w      *world
	n      int
	dead   bool
	client *graph.Client
	tokens *graph.Tokens
	runner *reconcile.Runner
	held   map[string]time.Time // by mailbox: until when Graph has asked this process to leave it alone
	flying map[string]int       // requests in flight, by mailbox
}

// newWorld makes a world before anybody does anything.
func newWorld(c Config) (*world, error) {
	w := &world{
		config: c, rng: rand.New(rand.NewPCG(c.Seed, 1)), clock: start, links: map[reconcile.LinkID]*linkState{},
		kinds:    kinds,
		entities: map[string]*entity{}, leftOut: map[leaving]bool{}, sum: sha256.New(), stats: newStats(), grants: newGrants(),
	}
	if c.Defect != "" {
		if w.defect = defectNamed(c.Defect); w.defect == nil {
			return nil, fmt.Errorf("simtest: there is no broken engine %q", c.Defect)
		}
	}
	now := func() time.Time { return w.clock }
	w.sim = m365sim.New(m365sim.Options{
		Now: func() time.Time { return w.clock.Add(w.skew) }, Seed: c.Seed, BaseURL: base,
		NotifyClient: &http.Client{Transport: answering{w}}, Post: w.noticed,
	})
	var err error
	if w.books, err = openBooks(w); err != nil {
		return nil, err
	}
	w.seal = outlook.NewSeal([]byte("the secret of the simulation"))
	w.hook = &outlook.Hook{Seal: w.seal, Wake: w.wakeFromHook, Resubscribe: w.books.resubscribe, Patience: time.Hour} // a machine that is busy changes no run
	w.crm = crm.New(w.books.records(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, now).WithPictures(w.books.pictures())
	return w, nil
}

func (w *world) close() {
	for _, p := range w.processes {
		p.dead = true
	}
	for len(w.tasks) > 0 && w.step(w.clock.AddDate(10, 0, 0)) {
	}
	w.sim.Close()
	w.books.close()
}

// newProcess starts a process.
func (w *world) newProcess() *process {
	p := &process{w: w, n: len(w.processes), held: map[string]time.Time{}, flying: map[string]int{}}
	w.processes = append(w.processes, p)
	now := func() time.Time { return w.clock }
	var way http.RoundTripper = wire{p}
	if w.defect != nil && w.defect.wire != nil {
		way = w.defect.wire(w, way)
	}
	wire := &http.Client{Transport: way}
	p.tokens = graph.NewTokens(graph.TokenOptions{
		Authority: base, ClientID: m365sim.DemoClientID, Credential: appSecret(m365sim.DemoClientSecret), HTTP: wire, Now: now, Sleep: w.sleep,
	}, w.grants)
	p.client = graph.New(graph.Options{
		BaseURL: graphBase, HTTP: wire, Now: now, Sleep: w.sleep, Spread: w.spread, Limits: graph.Limits{InFlight: 1}, Observe: w.config.Observe,
		Admit: reconcile.Leased,
	})
	p.runner = &reconcile.Runner{
		Ledger: w.ledger(), Sides: sides{p}, Containers: p.containers(), Now: now, Every: w.every, NewID: w.newID,
		Log: slog.New(slog.DiscardHandler), Name: "Tandem", Width: 1,
	}
	return p
}

func (w *world) ledger() reconcile.Ledger {
	inner := w.books.ledger()
	if w.defect != nil && w.defect.books != nil {
		inner = w.defect.books(w, inner)
	}
	var l reconcile.Ledger = effectLedger{inner, w}
	if w.defect != nil && w.defect.ledger != nil {
		l = w.defect.ledger(w, l)
	}
	return l
}

func (w *world) newID() string { w.ids++; return fmt.Sprintf("id%06d", w.ids) }

func (w *world) spread(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

// sleep lets time pass for a run.
func (w *world) sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return taskOf(ctx).park(max(d, 0))
}

// note writes a line of the trace.
func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf("%s %s\n", w.clock.Format("02 15:04:05.000"), fmt.Sprintf(format, args...))
	_, _ = io.WriteString(w.sum, line) // a hash takes everything
	if w.config.Trace != nil {
		_, _ = io.WriteString(w.config.Trace, line) // what is read by a person, and nothing depends on
	}
}

// fail remembers the first invariant that does not hold.
func (w *world) fail(check, format string, args ...any) {
	if w.failure == nil {
		w.failure = &Failure{check, fmt.Sprintf(format, args...)}
		w.note("BROKEN %s", w.failure)
	}
}

func (w *world) actor(p *person) crm.Actor {
	return crm.Actor{
		Author: crm.Author{Org: p.org, User: p.id}, Zone: "UTC", Contacts: record.Full, Events: record.Full, MassUpdate: true,
	}
}

func (w *world) outlook(p *person) *m365sim.Actor {
	return w.sim.As(p.upn).Prefer(`IdType="ImmutableId"`)
}
