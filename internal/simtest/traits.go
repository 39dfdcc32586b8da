package simtest

import (
	"math/rand/v2"
	"slices"
	"time"

	"tandem/internal/m365sim"
	"tandem/internal/record"
)

// Some worlds have more than others. What they have is drawn apart, so that the others are what they are.

// traits are what a world has for good.
type traits struct {
	photos bool // contacts have them
	unsaid bool // Microsoft does not tell of another photo
	recode bool // Microsoft encodes photos anew
	series bool // meetings repeat
	shares bool // exceptions have the version of their series
	hides  bool // exceptions do not tell in lists where they come from
}

// extras are the deeds that only some worlds know, with how often.
var extras = []struct {
	has func(*traits) bool
	deed
}{
	{func(t *traits) bool { return t.photos }, deed{1, "photo", (*world).somePhoto}},
	{func(t *traits) bool { return t.series }, deed{1, "series", (*world).someSeries}},
}

// draws gives a world its traits.
func (w *world) draws() {
	rng := rand.New(rand.NewPCG(w.config.Seed, 85))
	if w.photos = rng.IntN(4) == 0; w.photos {
		w.unsaid, w.recode = rng.IntN(3) == 0, rng.IntN(2) == 0
		contacts := kinds[record.Contacts]
		w.kinds = map[record.Kind]editable{
			record.Contacts: {contacts.key, append(slices.Clone(contacts.fields), photo)}, record.Calendar: kinds[record.Calendar],
		}
	}
	rng = rand.New(rand.NewPCG(w.config.Seed, 349))
	if w.series = rng.IntN(5) == 0; w.series {
		w.shares, w.hides = rng.IntN(4) == 0, rng.IntN(4) == 0
	}
	w.behaves(m365sim.Warts{})
}

// behaves has Microsoft behave in some ways, besides those of this world.
func (w *world) behaves(in m365sim.Warts) {
	in.RecodePhotos, in.PhotoIsChange = in.RecodePhotos || w.recode, in.PhotoIsChange || w.photos && !w.unsaid
	in.ExceptionsShareVersion, in.ExceptionsHideOrigin = in.ExceptionsShareVersion || w.shares, in.ExceptionsHideOrigin || w.hides
	w.sim.SetWarts(in)
}

// more are the moves of a program, and among them what only a world of such traits knows.
func (w *world) more(moves []move) []move {
	rng := rand.New(rand.NewPCG(w.config.Seed, 86))
	n := len(moves)
	for _, x := range extras {
		if !x.has(&w.traits) {
			continue
		}
		for range (5 + rng.IntN(n/2)) * x.weight {
			m := move{at: moves[rng.IntN(n)].at + time.Duration(rng.Int64N(int64(10*time.Second))), name: x.name, seed: rng.Uint64(), make: x.do}
			if rng.IntN(3) == 0 {
				after := steps(rng)
				m.name, m.make = x.name+" amid a run", func(w *world, rng *rand.Rand) { w.amid(after, func() { x.do(w, rng) }) }
			}
			moves = append(moves, m)
		}
	}
	slices.SortStableFunc(moves, func(a, b move) int { return int(a.at - b.at) })
	return moves
}

// listens has the audit look at what Microsoft does not tell of.
func (w *world) listens(rng *rand.Rand) {
	if !w.unsaid {
		return
	}
	for _, l := range w.order {
		if runs(w.books.link(l.id).State) && w.failure == nil {
			w.audit(l)
		}
	}
	w.settleAll(rng)
}
