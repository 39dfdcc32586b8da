package simtest

import (
	"context"
	"math/rand/v2"

	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// People do not wait for a run to end. An interjection is what somebody does between two steps of a run: before or after a request,
// a write, or a reading of the books. What it is about is, more often than not, what the run has in its hands.
type interjection struct {
	after int // so many steps of runs still pass
	do    func()
}

// amidst is the run that somebody interjects something into.
type amidst struct {
	link  *linkState
	about map[record.Ref]bool // the records and items that the run last looked up or began to write
}

// amid has something done in the midst of a run, after some more steps of whatever runs there are.
func (w *world) amid(after int, do func()) {
	w.interjections = append(w.interjections, &interjection{after, do})
}

// interject lets happen what is to happen at this step of a run.
func (t *task) interject() (happens bool) {
	w := t.w
	rest := w.interjections[:0]
	for _, i := range w.interjections {
		if i.after--; i.after >= 0 {
			rest = append(rest, i)
			continue
		}
		happens = true
		about := t.about
		w.in(0, func() {
			if w.calm || w.failure != nil {
				return
			}
			w.amidst = &amidst{t.link, about}
			w.note("amid p%d l%d", t.process.n, t.link.id)
			i.do()
			w.amidst = nil
		})
	}
	clear(w.interjections[len(rest):])
	w.interjections = rest
	return happens
}

// moment is a step of a run at which nothing but somebody else does anything.
func (w *world) moment(ctx context.Context) error {
	if t := taskOf(ctx); t != nil && t.interject() {
		return t.park(0)
	}
	return nil
}

// looked is a reading that somebody may be quicker than, or change something right after.
func looked[T any](w *world, ctx context.Context, read func() (T, error)) (out T, err error) {
	if err = w.moment(ctx); err != nil {
		return out, err
	}
	if out, err = read(); err != nil {
		return out, err
	}
	return out, w.moment(ctx)
}

// steps is how far into runs a deed falls: mostly soon, for most runs are short.
func steps(rng *rand.Rand) int {
	if rng.IntN(3) == 0 {
		return rng.IntN(120)
	}
	return rng.IntN(25)
}

// handled prefers, of what a deed may be about, what the run has in its hands.
func handled[T any](w *world, rng *rand.Rand, all []T, ref func(T) record.Ref) []T {
	if w.amidst == nil || rng.IntN(3) == 0 {
		return all
	}
	var some []T
	for _, one := range all {
		if w.amidst.about[ref(one)] {
			some = append(some, one)
		}
	}
	if len(some) == 0 {
		return all
	}
	return some
}

// handles notes what a run has in its hands.
func (t *task) handles(refs []record.Ref) {
	t.about = make(map[record.Ref]bool, len(refs))
	for _, ref := range refs {
		t.about[ref] = true
	}
}

// namedIn are the records and items of pairs.
func namedIn(pairs []reconcile.Pair) (out []record.Ref) {
	for _, p := range pairs {
		out = append(out, p.CRM, p.Microsoft)
	}
	return out
}
