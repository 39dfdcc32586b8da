package simtest

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
)

// The queue of jobs, as package jobs has it: a wake enqueues a job unless there is one, a fault lets it sleep, polling makes
// up for lost notifications.

const (
	pollEvery = 30 * time.Minute
	firstNap  = time.Second
	longNap   = 10 * time.Minute
)

func (w *world) enqueue(id reconcile.LinkID) {
	w.enqueueIn(id, 20*time.Millisecond+w.spread(200*time.Millisecond))
}

func (w *world) enqueueIn(id reconcile.LinkID, d time.Duration) {
	l := w.links[id]
	if l.queued || w.calm {
		return
	}
	l.queued = true
	w.in(d, func() {
		l.queued = false
		if !w.calm {
			w.run(l, w.worker(l), false)
		}
	})
}

// worker is a process that lives and has nothing under way for the link's person: runs for one mailbox would wait for each
// other in the client, and only events may say who goes on. Processes share nothing but the database, so this one is as
// good as any; one that died has a successor.
func (w *world) worker(l *linkState) *process {
	for _, p := range w.processes {
		if !p.dead && !slices.ContainsFunc(w.tasks, func(t *task) bool { return t.process == p && t.link.of == l.of }) {
			return p
		}
	}
	return w.newProcess()
}

// run has a process run a link once, beside whatever else goes on.
func (w *world) run(l *linkState, p *process, audit bool) {
	l.running++
	w.stats.Runs++
	w.note("p%d l%d run", p.n, l.id)
	w.begin(p, l, func(ctx context.Context) error {
		if audit {
			_, err := p.runner.Audit(ctx, l.id, false)
			return err
		}
		return p.runner.Run(ctx, l.id)
	}, func(err error) {
		l.running--
		w.note("p%d l%d ran: %s", p.n, l.id, kindOf(err))
		w.ran(l, err)
		w.look()
	})
}

// ran has the link run again when it is time to.
func (w *world) ran(l *linkState, err error) {
	link := w.books.link(l.id)
	l.failed = err != nil
	switch {
	case err == nil:
		l.sleeps = 0
		if link.Wanted > link.Done && runs(link.State) {
			w.enqueue(l.id)
		}
	case fault.Is(err, fault.Denied) && fault.ReasonOf(err) != fault.AppMisconfigured:
	default:
		nap := firstNap
		for range l.sleeps {
			nap = min(3*nap, longNap)
		}
		l.sleeps++
		w.enqueueIn(l.id, max(nap, min(fault.RetryAfter(err), time.Hour)))
	}
}

func runs(s reconcile.LinkState) bool {
	return s == reconcile.On || s == reconcile.Held || s == reconcile.Switching
}

// poll wakes every link every so often.
func (w *world) poll() {
	if w.calm {
		return
	}
	for _, l := range w.order {
		if runs(w.books.link(l.id).State) {
			w.enqueue(l.id)
		}
	}
	w.in(pollEvery, w.poll)
}

// noticed takes a notification from Microsoft; the fault book decides about its way.
func (w *world) noticed(_ string, body []byte) {
	if w.calm {
		return
	}
	for _, d := range w.faults.notice(w) {
		w.in(d, func() { w.notify(body, 0) })
	}
}

// notify delivers to the real webhook, and again as Graph does if it was not taken.
func (w *world) notify(body []byte, tries int) {
	if w.calm {
		return
	}
	req := httptest.NewRequest(http.MethodPost, hookURL, bytes.NewReader(body))
	rec := httptest.NewRecorder()
	w.hook.ServeHTTP(rec, req)
	w.note("webhook %d", rec.Code)
	if rec.Code/100 != 2 && rec.Code != http.StatusBadRequest && tries < 5 {
		w.in(time.Second<<tries, func() { w.notify(body, tries+1) })
	}
}

func (w *world) wakeFromHook(ctx context.Context, ids ...reconcile.LinkID) error {
	if w.faults.take(w, "webhook store busy") {
		return fault.New(fault.Unavailable, "", "the database is busy")
	}
	slices.Sort(ids)
	return w.books.wake(ctx, ids...)
}

// answering is the way from Microsoft to us: the validation of a subscription.
type answering struct{ w *world }

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	a.w.hook.ServeHTTP(rec, req)
	return rec.Result(), nil
}
