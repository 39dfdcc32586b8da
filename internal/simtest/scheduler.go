package simtest

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// errDead is what everything answers to a process that was killed.
var errDead = errors.New("simtest: the process is dead")

// event is something that happens at a time.
type event struct {
	at  time.Time
	seq int64 // breaks ties: first come, first served
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

// in has something happen after d.
func (w *world) in(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, event{at: w.clock.Add(max(d, 0)), seq: w.seq, do: do})
}

// step lets the next event happen; false: there is none before the time given.
func (w *world) step(before time.Time) bool {
	if len(w.queue) == 0 || w.queue[0].at.After(before) {
		return false
	}
	next := heap.Pop(&w.queue).(event)
	if next.at.After(w.clock) {
		w.clock = next.at
	}
	w.steps++
	next.do()
	return true
}

// A task is a run, on a goroutine of its own. It holds the baton from when it is resumed until it parks at an effect or
// ends; so one goroutine runs at any time, and which one only the events say.
type task struct {
	w       *world
	process *process
	link    *linkState
	resume  chan struct{}
	yielded chan struct{}
	ended   bool
	frozen  time.Time // until then nothing of it moves, not even its pulse

	ticks   chan time.Time // the pulse by which the lease is kept
	pulsing context.Context
	renewed chan error
	probing bool
	deletes runDeletes
	fence   int64                   // under which it has opened its link
	about   map[record.Ref]bool     // see amidst
	photos  map[string]record.Value // of items, as it has seen them
}

type taskKey struct{}

// taskOf is the run that a call belongs to; nil: a person's call.
func taskOf(ctx context.Context) *task {
	t, _ := ctx.Value(taskKey{}).(*task)
	return t
}

// begin starts a run of do in a process; then is called when it has ended.
func (w *world) begin(p *process, l *linkState, do func(ctx context.Context) error, then func(error)) *task {
	t := &task{w: w, process: p, link: l, resume: make(chan struct{}), yielded: make(chan struct{}), renewed: make(chan error, 1)}
	w.tasks = append(w.tasks, t)
	var err error
	go func() {
		<-t.resume
		err = do(context.WithValue(context.Background(), taskKey{}, t))
		t.ended = true
		t.yielded <- struct{}{}
	}()
	t.turn(func() { then(err) })
	return t
}

// turn gives the baton to the task until it parks or ends.
func (t *task) turn(then func()) {
	t.w.turnOf = t
	t.resume <- struct{}{}
	<-t.yielded
	t.w.turnOf = nil
	if t.ended {
		t.w.tasks = slices.DeleteFunc(t.w.tasks, func(other *task) bool { return other == t })
		then()
		return
	}
	t.w.parked(t, then)
}

// park lets d pass. The error is that of a process that is dead by then.
func (t *task) park(d time.Duration) error {
	if t.process.dead {
		return errDead
	}
	if w := t.w; !t.frozen.After(w.clock) && (len(w.queue) == 0 || w.queue[0].at.After(w.clock.Add(d))) {
		w.clock = w.clock.Add(d) // nothing else happens before: the baton need not go round
		return nil
	}
	t.w.parking = d
	t.yielded <- struct{}{}
	<-t.resume
	if t.process.dead {
		return errDead
	}
	return nil
}

// parked has a task that has just parked go on when its time has come.
func (w *world) parked(t *task, then func()) {
	var wake func()
	wake = func() {
		if t.frozen.After(w.clock) {
			w.in(t.frozen.Sub(w.clock), wake)
			return
		}
		t.turn(then)
	}
	w.in(w.parking, wake)
}

// every gives the pulse of a run's lease. Its ticks are events; what each does is done before anything else happens: the
// next tick, which renews nothing, is only received once the one before it was dealt with.
func (w *world) every(ctx context.Context, d time.Duration) <-chan time.Time {
	t := taskOf(ctx)
	t.ticks, t.pulsing = make(chan time.Time), ctx
	var beat func()
	beat = func() {
		if t.ended || t.process.dead {
			return
		}
		if !t.frozen.After(w.clock) {
			if !t.tick() {
				return
			}
			if err := <-t.renewed; fault.Is(err, fault.Conflict) {
				<-ctx.Done()
				return
			}
			t.probing = true
			if t.tick() {
				<-t.renewed
			}
			t.probing = false
		}
		w.in(d, beat)
	}
	w.in(d, beat)
	return t.ticks
}

func (t *task) tick() bool {
	select {
	case t.ticks <- t.w.clock:
		return true
	case <-t.pulsing.Done():
		return false
	}
}
