package simtest

import (
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// Run lives through one seed. The error is for what keeps the world from being made.
func Run(c Config) (_ Result, err error) {
	c.Stored = c.Stored || c.Seed%storedEvery == 0
	w, err := newWorld(c)
	if err != nil {
		return Result{}, err
	}
	defer w.close()
	w.draws()
	w.populate()
	moves := w.more(program(c.Seed))
	end := w.plan(moves, c.Keep)
	w.in(pollEvery, w.poll)
	for w.failure == nil && w.step(end) {
	}
	if w.failure == nil {
		for w.step(w.clock.Add(time.Minute)) && w.failure == nil && w.clock.Before(end.Add(5*time.Minute)) {
		}
	}
	w.judge()
	w.stats.Seeds = 1
	return Result{Failure: w.failure, Sum: hex.EncodeToString(w.sum.Sum(nil)[:8]), Story: w.story, Moves: len(moves), Stats: w.stats}, nil
}

// judge lets all be quiet and looks at what has become of everything.
func (w *world) judge() {
	rng := rand.New(rand.NewPCG(w.config.Seed, 5))
	for _, step := range []func(){
		w.calmDown,
		func() { w.settleAll(rng) },
		func() { w.listens(rng) },
		w.look,
		func() { w.alike("L1") },
		w.kept,
		w.quiet,
		w.audits,
		func() { w.drifts(rng) },
		func() { w.poisons(rng) },
		func() { w.echo(rng) },
		func() { w.forgets(rng) },
		w.look,
		w.kept,
	} {
		if w.failure != nil {
			return
		}
		step()
	}
}
