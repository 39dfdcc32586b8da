package simtest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"tandem/internal/m365sim"
	"tandem/internal/record"
)

// A Scenario is a story that is written down: people whose two sides are in step, a few deeds of theirs, and what goes wrong
// meanwhile. Seeds look for what nobody thought of; scenarios see to it that what was thought of is looked at, at each of
// its effects.
type Scenario struct {
	Name string
	// calendar says that the person syncs the calendar; contacts else.
	calendar bool
	// wrong is what goes wrong while the deeds are done.
	wrong []mishap
	// deeds are names of deeds, in their order; nil: usualDay.
	deeds []string
	// warts are behaviours of Microsoft 365 throughout.
	warts m365sim.Warts
	// drifts says that Microsoft leaves something unsaid: an audit finds it, and mends it.
	drifts bool
}

// A mishap is a fault that strikes what a scenario says.
type mishap struct {
	fault string             // its name in the menu, or among the occasions
	hits  func(s *sent) bool // the requests, or parts of them, that it is for; nil: whatever it can strike
	skip  int                // so many that it could strike pass
	times int                // 0: once
}

// usualDay is one deed of each kind on each side.
var usualDay = []string{
	"new in the CRM", "new in Outlook", "edit in the CRM", "edit in Outlook", "delete in the CRM", "delete in Outlook",
}

const (
	// scenarioSpace is between two deeds: less than a run takes, so that deeds fall into runs.
	scenarioSpace = 150 * time.Millisecond
	// scenarioPoll is when polling makes up for what no notification told.
	scenarioPoll = 40 * time.Minute
	// scenarioEnd is the most that a scenario takes; what is left to do then is done in calm.
	scenarioEnd = 6 * time.Hour
)

// ScenarioResult is what became of one way through a scenario.
type ScenarioResult struct {
	Failure *Failure
	// Points are the crash points passed since the deeds began.
	Points int
	// Struck is how many of the mishaps struck.
	Struck int
	// Drift is what the audit found of what Microsoft left unsaid.
	Drift int
	Stats Stats
	Story []string
}

// seed tells the worlds of scenarios apart.
func (s *Scenario) seed() uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s.Name) // a hash takes everything
	return h.Sum64()
}

// Run lives through the scenario once. The process is killed at the crash point of each number given, counted from the deeds'
// beginning, and each further one from the kill before it. The seed of c is the scenario's own.
func (s *Scenario) Run(kills []int, c Config) (r ScenarioResult, err error) {
	c.Seed = s.seed()
	w, err := newWorld(c)
	if err != nil {
		return r, err
	}
	defer w.close()
	rng := rand.New(rand.NewPCG(s.seed(), 6))
	s.populate(w, rng)
	before, points := w.stats.FaultSum(), w.stats.Points
	at := 0
	for _, k := range kills {
		at += k
		w.faults.armed = append(w.faults.armed, &armed{kind: death, skip: at, times: 1, rng: rng})
	}
	if err := s.arm(w, rng); err != nil {
		return r, err
	}
	if err := s.live(w, rng); err != nil {
		return r, err
	}
	r.Points = w.stats.Points - points
	r.Struck = w.stats.FaultSum() - before - w.stats.Kills
	if s.drifts {
		w.calmDown()
		r.Drift = w.audit(w.order[0]).Drift
	}
	for _, step := range []func(){w.calmDown, func() { w.settleAll(rng) }, w.look, w.audits, func() { w.alike("L1") }, w.kept, w.quiet} {
		if w.failure == nil {
			step()
		}
	}
	r.Failure, r.Stats, r.Story = w.failure, w.stats, w.story
	return r, nil
}

// populate makes a person whose sides are in step.
func (s *Scenario) populate(w *world, rng *rand.Rand) {
	p := w.enter(upns[0])
	w.sim.SetWarts(s.warts)
	kind := record.Contacts
	if s.calendar {
		kind = record.Calendar
	}
	w.newProcess()
	w.switchOn(p, kind)
	for range 3 {
		w.newInCRM(rng, "")
	}
	w.drain(time.Hour)
	for range 2 {
		w.newInOutlook(rng)
	}
	w.drain(time.Hour)
}

// drain lets happen what is to happen within a time.
func (w *world) drain(d time.Duration) {
	for end := w.clock.Add(d); w.failure == nil && w.step(end); {
	}
}

// arm orders what is to go wrong.
func (s *Scenario) arm(w *world, rng *rand.Rand) error {
	for _, m := range s.wrong {
		at := slices.IndexFunc(menu, func(k *faultKind) bool { return k.name == m.fault })
		kinds := menu
		if at < 0 {
			at, kinds = slices.IndexFunc(occasions, func(k *faultKind) bool { return k.name == m.fault }), occasions
		}
		if at < 0 {
			return fmt.Errorf("simtest: scenario %q: nobody knows of the fault %q", s.Name, m.fault)
		}
		kind := *kinds[at]
		if kind.now != nil {
			w.in(scenarioSpace*time.Duration(1+m.skip), func() { w.stats.fault(&kind); kind.now(w, rng) })
			continue
		}
		if on := kind.on; on != nil {
			kind.on = func(req *http.Request, parts []*sent) bool {
				return on(req, parts) && (m.hits == nil || slices.ContainsFunc(parts, m.hits))
			}
		}
		w.faults.armed = append(w.faults.armed, &armed{kind: &kind, skip: m.skip, times: max(m.times, 1), rng: rng, hits: m.hits})
	}
	return nil
}

// live has the deeds done, and all that follows from them.
func (s *Scenario) live(w *world, rng *rand.Rand) error {
	names := s.deeds
	if names == nil {
		names = usualDay
	}
	for i, name := range names {
		at := slices.IndexFunc(deeds, func(d deed) bool { return d.name == name })
		if at < 0 {
			return fmt.Errorf("simtest: scenario %q: nobody does %q", s.Name, name)
		}
		w.in(scenarioSpace*time.Duration(i), func() { deeds[at].do(w, rand.New(rand.NewPCG(s.seed(), uint64(100+i)))) })
	}
	for n := range 3 {
		w.in(scenarioPoll*time.Duration(n+1), func() {
			for _, l := range w.order {
				if runs(w.books.link(l.id).State) {
					w.enqueue(l.id)
				}
			}
		})
	}
	w.drain(scenarioEnd)
	return nil
}

// Coverage is what scenarios came to.
type Coverage struct {
	Scenarios int `json:"scenarios"`
	// Points are the crash points at which a scenario was stopped and resumed.
	Points int `json:"points"`
	// Again are the ways in which the process died a second time, during the recovery.
	Again int `json:"again"`
	// Ways are all the ways that were gone.
	Ways   int            `json:"ways"`
	Faults map[string]int `json:"faults"`
	Failed int            `json:"failed"`
}

// Stride says how many of the ways through scenarios are gone.
type Stride struct {
	First int // deaths at one of so many crash points; 1: at each
	Again int // second deaths at one of so many crash points of a recovery; 0: none
}

// Cover goes the ways through the scenarios: without a death, with one at crash points, and with a second one at crash points of the
// recovery. failed is told of each way that fails and says whether to go on.
func Cover(all []Scenario, stride Stride, workers int, failed func(s Scenario, kills []int, f *Failure) bool) (Coverage, error) {
	sum := Coverage{Scenarios: len(all), Faults: map[string]int{}}
	stopped := errors.New("stopped")
	err := sideBySide(len(all), workers, func(i int, locked func(func())) error {
		s := all[i]
		way := func(kills ...int) (r ScenarioResult, err error) {
			if r, err = s.Run(kills, Config{}); err != nil {
				return r, err
			}
			locked(func() {
				sum.Ways++
				for name, n := range r.Stats.Faults {
					sum.Faults[name] += n
				}
				if r.Failure != nil {
					if sum.Failed++; !failed(s, kills, r.Failure) {
						err = stopped
					}
				}
			})
			return r, err
		}
		calm, err := way()
		if err != nil {
			return err
		}
		if calm.Struck < len(s.wrong) {
			return fmt.Errorf("simtest: scenario %q: of %d things that were to go wrong, %d did", s.Name, len(s.wrong), calm.Struck)
		}
		if s.drifts != (calm.Drift > 0) {
			return fmt.Errorf("simtest: scenario %q: the audit found %d", s.Name, calm.Drift)
		}
		for k := i % stride.First; k < calm.Points; k += stride.First {
			locked(func() { sum.Points++ })
			once, err := way(k)
			if err != nil {
				return err
			}
			if stride.Again == 0 {
				continue
			}
			for again := k % stride.Again; again < once.Points-k-1; again += stride.Again {
				locked(func() { sum.Again++ })
				if _, err := way(k, again); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, stopped) {
		err = nil
	}
	return sum, err
}

// Which requests a mishap strikes.

func creating(s *sent) bool  { return isCreate(s) }
func editing(s *sent) bool   { return s.method == http.MethodPatch && s.item() != "" }
func deleting(s *sent) bool  { return s.method == http.MethodDelete && s.item() != "" }
func writing(s *sent) bool   { return creating(s) || editing(s) || deleting(s) }
func listening(s *sent) bool { return s.delta() }

// sideBySide does something for each of n, several at a time; the first error ends it. locked guards what they share.
func sideBySide(n, workers int, do func(i int, locked func(func())) error) error {
	var mu sync.Mutex
	var first error
	next := 0
	locked := func(f func()) { mu.Lock(); defer mu.Unlock(); f() }
	var all sync.WaitGroup
	for range max(workers, 1) {
		all.Go(func() {
			for {
				i, ended := 0, false
				locked(func() { i, ended = next, next >= n || first != nil; next++ })
				if ended {
					return
				}
				if err := do(i, locked); err != nil {
					locked(func() { first = errors.Join(first, err) })
				}
			}
		})
	}
	all.Wait()
	return first
}
