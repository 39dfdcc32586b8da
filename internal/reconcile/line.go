package reconcile

import "sync"

// line lets a bounded number of jobs run side by side while what follows each is done in the order of starting, and
// only if all before it went well.
type line struct {
	places chan struct{}
	last   chan struct{} // closed when the latest job and all before it are finished
	mu     sync.Mutex
	failed error
}

func newLine(width int) *line {
	last := make(chan struct{})
	close(last)
	return &line{places: make(chan struct{}, width), last: last}
}

// start waits for a free place, then runs job, and after it and all earlier ones, then. A line with one place runs one job
// after another: it returns when they are done.
func (l *line) start(job, then func() error) {
	l.places <- struct{}{}
	before, done := l.last, make(chan struct{})
	l.last = done
	go func() {
		defer func() { close(done); <-l.places }()
		err := l.err()
		if err == nil {
			err = job()
		}
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
