package jobs_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/crm"
	"tandem/internal/jobs"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Ten thousand notifications for one link that has nothing to do cost a handful of runs and of transactions. The last of them is
// served, and a person's edit amid them at once.
func TestS6_FF84_AFloodOfNotificationsCostsAHandfulOfRuns(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.start(jobs.Options{Poll: time.Hour})
		w.ran()
		w.settled()
		ran, began := func() int { w.runner.mu.Lock(); defer w.runner.mu.Unlock(); return w.runner.runs }, time.Now()
		before, writes := ran(), w.store.Counts().LinkWrites
		var stored atomic.Int64
		tell := jobs.Gather(func(ctx context.Context, ids ...reconcile.LinkID) error {
			stored.Add(1)
			return w.store.Links().Notified(ctx, ids...)
		})
		const callers, each = 50, 200
		var hooks sync.WaitGroup
		for range callers {
			hooks.Go(func() {
				for range each {
					if err := tell(t.Context(), w.link); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		hooks.Wait()
		flooded := time.Since(began)
		runs := ran() - before
		most := 5 + int(flooded/time.Second)
		t.Logf("%d notifications in %v: %d runs, %d transactions that stored them, %d statements on links", callers*each, flooded, runs, stored.Load(), w.store.Counts().LinkWrites-writes)
		if runs > most {
			t.Errorf("%d runs, want at most %d", runs, most)
		}

		for len(w.runner.began) > 0 {
			<-w.runner.began
		}
		_, err := w.store.Records().Insert(t.Context(), crm.Author{Org: w.org, User: w.user}, []crm.Record{{Kind: record.Contacts, Owner: w.user}})
		ok(t, err)
		w.ran()
		w.settled()
	})
}

// Who comes while a transaction is under way shares the next one, and hears what became of that one.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls [][]reconcile.LinkID
		answer := make(chan error)
		gather := jobs.Gather(func(_ context.Context, ids ...reconcile.LinkID) error {
			slices.Sort(ids)
			calls = append(calls, ids)
			return <-answer
		})
		heard := make([]error, 8)
		call := func(ctx context.Context, i int, ids ...reconcile.LinkID) {
			heard[i] = errors.New("nothing yet")
			go func() { heard[i] = gather(ctx, ids...) }()
			synctest.Wait()
		}
		full := errors.New("the disk is full")
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		call(t.Context(), 0, 1)
		call(t.Context(), 1, 2)
		call(t.Context(), 2, 2, 3)
		call(impatient, 3, 4)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !errors.Is(heard[3], context.DeadlineExceeded) {
			t.Errorf("who waited too long heard %v", heard[3])
		}
		if len(calls) != 1 || heard[0] == nil {
			t.Fatalf("before the first is stored: %v, %v", calls, heard[0])
		}
		answer <- nil
		synctest.Wait()
		if heard[0] != nil || heard[1] == nil || heard[2] == nil {
			t.Fatalf("heard are %v", heard[:3])
		}
		answer <- full
		synctest.Wait()
		if !errors.Is(heard[1], full) || !errors.Is(heard[2], full) {
			t.Errorf("heard are %v", heard[:3])
		}
		if len(calls) != 2 || !slices.Equal(calls[1], []reconcile.LinkID{2, 3, 4}) {
			t.Errorf("stored were %v", calls)
		}
		call(t.Context(), 4, 9)
		answer <- nil
		synctest.Wait()
		if heard[4] != nil || len(calls) != 3 {
			t.Errorf("after an error: %v, %v", heard[4], calls)
		}
	})
}
