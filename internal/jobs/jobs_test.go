package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/jobs"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is a store with one user whose contacts are synced by runner.
type world struct {
	t      testing.TB
	store  *store.Store
	runner *runner
	org    record.ID
	user   record.ID
	link   reconcile.LinkID
}

// both runs a test on each of the databases.
func both(t *testing.T, test func(t *testing.T, w *world)) {
	for name, url := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "tandem.db") },
		"Postgres": pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, url(t))) })
	}
}

func newWorld(t testing.TB, url string) *world {
	w := &world{t: t}
	var err error
	w.store, err = store.Open(t.Context(), url, store.Options{Log: silent})
	ok(t, err)
	t.Cleanup(func() { ok(t, w.store.Close()) })
	ok(t, w.store.Migrate(t.Context()))
	w.runner = newRunner(w.store)
	o, err := w.store.Accounts().CreateOrganization(t.Context(), account.Organization{})
	ok(t, err)
	u, err := w.store.Accounts().CreateUser(t.Context(), account.User{Org: o.ID})
	ok(t, err)
	w.org, w.user = o.ID, u.ID
	return w
}

var silent = slog.New(slog.DiscardHandler)

// start starts a queue and switches the user's contacts on.
func (w *world) start(o jobs.Options) *jobs.Queue {
	w.t.Helper()
	o.Runner, o.Log = w.runner, silent
	if o.Grace == 0 {
		o.Grace = 50 * time.Millisecond
	}
	q, err := jobs.New(w.store, o)
	ok(w.t, err)
	ok(w.t, q.Start(w.t.Context()))
	w.t.Cleanup(func() { ok(w.t, q.Stop(context.Background())) })
	if w.link == 0 {
		l, err := w.store.Links().CreateLink(w.t.Context(), reconcile.Link{Org: w.org, User: w.user, Kind: record.Contacts, State: reconcile.On})
		ok(w.t, err)
		w.link = l.ID
	}
	return q
}

func (w *world) wake() {
	w.t.Helper()
	ok(w.t, w.store.Links().Wake(w.t.Context(), w.link))
}

// runner opens and closes links as reconcile.Runner does, and in between does what the test says.
type runner struct {
	store *store.Store
	lease time.Duration
	mu    sync.Mutex
	do    func(ctx context.Context, n int, l *reconcile.Link) error
	began chan time.Time // one for each run that opened its link
	runs  int
}

func newRunner(s *store.Store) *runner {
	return &runner{store: s, lease: time.Minute, began: make(chan time.Time, 10000)}
}

var errDies = errors.New("the process died")

func (r *runner) Run(ctx context.Context, id reconcile.LinkID) error {
	l, err := r.store.Ledger().Open(ctx, id, time.Now(), r.lease)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.runs++
	do, n := r.do, r.runs
	r.mu.Unlock()
	r.began <- time.Now()
	if do != nil {
		err = do(ctx, n, l)
	}
	if errors.Is(err, errDies) {
		return nil // without a word: the link stays leased
	}
	if err == nil {
		l.Done, l.LastRun = l.Wanted, time.Now()
	}
	return errors.Join(err, r.store.Ledger().Close(context.WithoutCancel(ctx), l))
}

func (r *runner) will(do func(ctx context.Context, n int, l *reconcile.Link) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.do = do
}

// patience is how long a test waits for what must happen.
const patience = time.Minute

// ran waits for the next run to begin.
func (w *world) ran() time.Time {
	w.t.Helper()
	select {
	case at := <-w.runner.began:
		return at
	case <-time.After(patience):
		w.t.Fatal("no run began")
		return time.Time{}
	}
}

// settled waits until all wakes of the link are served.
func (w *world) settled() *reconcile.Link {
	w.t.Helper()
	var l *reconcile.Link
	w.until("all wakes are served", func() bool {
		var err error
		l, err = w.store.Links().Link(w.t.Context(), w.org, w.link)
		ok(w.t, err)
		return l.Done == l.Wanted
	})
	return l
}

func (w *world) until(what string, come func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		if time.Now().After(deadline) {
			w.t.Fatalf("never came: %s", what)
		}
		<-tick.C
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAWakeRunsTheLinkAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.start(jobs.Options{Poll: time.Hour}) // so that whatever waits for a poll never comes
		w.ran()
		w.settled()
		const rounds = 50
		var waits []time.Duration
		for range rounds {
			before := time.Now()
			w.wake()
			waits = append(waits, w.ran().Sub(before))
			w.settled()
		}
		slices.Sort(waits)
		t.Logf("from wake to run: median %v, p90 %v, most %v", waits[rounds/2], waits[rounds*9/10], waits[rounds-1])
		before := time.Now()
		author := crm.Author{Org: w.org, User: w.user}
		_, err := w.store.Records().Insert(t.Context(), author, []crm.Record{{Kind: record.Contacts, Owner: w.user}})
		ok(t, err)
		t.Logf("from write to run: %v", w.ran().Sub(before))
	})
}

func TestAWakeDuringARunLeadsToAnother(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		running, goOn := make(chan struct{}), make(chan struct{})
		w.runner.will(func(_ context.Context, n int, _ *reconcile.Link) error {
			if n == 1 {
				close(running)
				<-goOn
			}
			return nil
		})
		w.start(jobs.Options{})
		<-running
		for range 5 {
			w.wake()
		}
		close(goOn)
		if l := w.settled(); l.Done != 6 {
			t.Errorf("served are %d", l.Done)
		}
		if n := len(w.runner.began); n != 2 {
			t.Errorf("%d runs for a burst of wakes during a run", n)
		}
	})
}

// However wakes fall between the ends of runs, the last one is served without waiting for a poll.
func TestNoWakeIsLostAtTheEndOfARun(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		var wakers sync.WaitGroup
		for range 4 {
			wakers.Go(func() {
				for range 50 {
					if err := w.store.Links().Wake(t.Context(), w.link); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wakers.Wait()
		if l := w.settled(); l.Done != 201 {
			t.Errorf("served are %d", l.Done)
		}
	})
}

func TestFaultsSayWhenToReturn(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		var answer error
		var mu sync.Mutex
		w.runner.will(func(context.Context, int, *reconcile.Link) error {
			mu.Lock()
			defer mu.Unlock()
			err := answer
			answer = nil
			return err
		})
		w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		w.settled()
		fail := func(err error) time.Duration {
			mu.Lock()
			answer = err
			mu.Unlock()
			w.wake()
			first := w.ran()
			w.wake() // must not bring the link back before its time
			return w.ran().Sub(first)
		}
		if pause := fail(fault.Wait(1500*time.Millisecond, "slowly")); pause < 1500*time.Millisecond {
			t.Errorf("throttled, it came back after %v", pause)
		}
		w.settled()
		if pause := fail(fault.New(fault.Unavailable, "", "away")); pause < time.Second {
			t.Errorf("unavailable, it came back after %v", pause)
		}
		if n := len(w.runner.began); n != 0 {
			t.Errorf("%d runs too many", n)
		}
	})
}

func TestALinkOfADeadProcessComesBack(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.runner.lease = 10 * time.Millisecond
		w.runner.will(func(context.Context, int, *reconcile.Link) error { return errDies })
		q := w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		ok(t, q.Stop(t.Context()))
		w.runner.will(nil)
		w.until("the lease ends", func() bool {
			ids, err := w.store.Links().Stranded(t.Context(), 9)
			ok(t, err)
			return len(ids) == 1
		})
		w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		w.settled()
	})
}

// A wake-up whose job is lost, as when the database breaks away while it is fetched, is served soon all the same; one whose job
// only waits gets no second one.
func TestL7_ALostJobIsReplaced(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		l, err := w.store.Links().CreateLink(t.Context(), reconcile.Link{Org: w.org, User: w.user, Kind: record.Contacts, State: reconcile.On})
		ok(t, err) // nobody enqueues yet
		w.link = l.ID
		overdue, err := w.store.Links().Overdue(t.Context(), time.Now().Add(time.Minute), 9)
		ok(t, err)
		if len(overdue) != 1 || overdue[w.link] == 0 {
			t.Fatalf("overdue: %v", overdue)
		}
		late := func() time.Time { return time.Now().Add(time.Minute) }
		q := w.start(jobs.Options{Poll: 24 * time.Hour, Now: late})
		w.ran()
		w.settled()
		ok(t, q.Stop(t.Context()))

		w.wake() // its job waits for a process
		w.start(jobs.Options{Poll: 24 * time.Hour, Now: late})
		w.ran()
		w.settled()
		ok(t, w.store.Links().Enqueue(t.Context(), overdue)) // it has begun since
		if l := w.settled(); l.Wanted != 3 || len(w.runner.began) != 0 {
			t.Errorf("wanted is %d, %d runs too many", l.Wanted, len(w.runner.began))
		}
	})
}

func TestLinksAreRunThatNothingWakes(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		q := w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		w.settled()
		ok(t, q.Stop(t.Context()))
		w.start(jobs.Options{Poll: time.Microsecond})
		w.ran()
		if l := w.settled(); l.Wanted < 2 {
			t.Errorf("wanted is %d", l.Wanted)
		}
	})
}

// FIELD-FAILURES 125: many mailboxes take their turns beside each other. One that does not come to an end holds up no other.
func TestFF125_AMailboxThatIsSlowHoldsUpNoOther(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		const people = 40
		var done sync.Map
		var slow atomic.Bool // it is still under way
		released := make(chan struct{})
		w.runner.will(func(ctx context.Context, n int, l *reconcile.Link) error {
			if n == 1 {
				slow.Store(true)
				defer slow.Store(false)
				select {
				case <-released:
				case <-ctx.Done():
				}
			}
			done.Store(l.ID, true)
			return nil
		})
		w.start(jobs.Options{Poll: time.Hour})
		w.ran() // the slow one has begun
		ids := make([]reconcile.LinkID, people)
		for i := range ids {
			u, err := w.store.Accounts().CreateUser(t.Context(), account.User{Org: w.org, Email: fmt.Sprintf("u%d@example.com", i)})
			ok(t, err)
			l, err := w.store.Links().CreateLink(t.Context(), reconcile.Link{Org: w.org, User: u.ID, Kind: record.Contacts, State: reconcile.On})
			ok(t, err)
			ids[i] = l.ID
		}
		ok(t, w.store.Links().Wake(t.Context(), ids...))
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			missing := slices.DeleteFunc(slices.Clone(ids), func(id reconcile.LinkID) bool { _, ran := done.Load(id); return ran })
			if len(missing) == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d mailboxes wait for the slow one", len(missing), people)
			}
		}
		if !slow.Load() {
			t.Error("the slow one was not slow")
		}
		close(released)
		w.settled()
	})
}

func TestStopCutsOffAndTheNextProcessGoesOn(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.runner.will(func(ctx context.Context, n int, _ *reconcile.Link) error {
			if n > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		q := w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		ok(t, q.Stop(t.Context()))
		if l, err := w.store.Links().Link(t.Context(), w.org, w.link); err != nil || l.Done != 0 {
			t.Fatalf("stopped with %+v, %v", l, err)
		}
		w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		w.settled()
	})
}

func TestNothingIsLeftRunning(t *testing.T) {
	for name, url := range map[string]string{"SQLite": "sqlite::memory:", "Postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			s, err := store.Open(t.Context(), url, store.Options{Log: silent})
			ok(t, err)
			ok(t, s.Migrate(t.Context()))
			q, err := jobs.New(s, jobs.Options{Runner: newRunner(s), Log: silent})
			ok(t, err)
			ok(t, q.Start(t.Context()))
			ok(t, q.Stop(t.Context()))
			ok(t, s.Close())
			goleak.VerifyNone(t, before)
		})
	}
}
