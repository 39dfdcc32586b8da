package reconcile

import (
	"context"
	"sync"
)

// line lets a bounded number of jobs run side by side while what follows each is done in the order of starting, and
// only if all before it went well.
type line struct {
	places chan struct{}
	last   chan struct{} // closed when the latest job and all before it are finished
	turn   chan struct{} // closed when the latest job has passed its turn on
	mu     sync.Mutex
	failed error
}

func newLine(width int) *line {
	last := make(chan struct{})
	close(last)
	return &line{places: make(chan struct{}, width), last: last, turn: last}
}

// A turn is when a job may do what must be done in the order of the jobs; nil: at any time.
type turn struct {
	come <-chan struct{} // closed when the job before has had its turn
	pass func()
}

// wait waits for the turn, or until its context ends.
func (t *turn) wait(ctx context.Context) {
	if t != nil {
		select {
		case <-t.come:
		case <-ctx.Done():
		}
	}
}

// next passes the turn on; it may be called more than once.
func (t *turn) next() {
	if t != nil {
		t.pass()
	}
}

// start waits for a free place, then runs job, and after it and all earlier ones, then. A line with one place runs one job
// after another: it returns when they are done.
func (l *line) start(job func(*turn) error, then func() error) {
	l.places <- struct{}{}
	before, done := l.last, make(chan struct{})
	l.last = done
	passed := make(chan struct{})
	t := &turn{l.turn, sync.OnceFunc(func() { close(passed) })}
	l.turn = passed
	go func() {
		defer func() { close(done); <-l.places }()
		err := l.err()
		if err == nil {
			err = job(t)
		}
		t.next()
		<-before
		if err == nil && l.err() == nil {
			err = then()
		}
		if err != nil {
			l.fail(err)
		}
	}()
	if cap(l.places) == 1 {
		<-done
	}
}

func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
}

// err is the first failure so far.
func (l *line) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// wait waits for all that was started and tells the first failure.
func (l *line) wait() error {
	<-l.last
	return l.err()
}
