package jobs_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/jobs"
	"tandem/internal/record"
	"tandem/internal/store"
)

// postman notes what it is given and answers as the test says.
type postman struct {
	store *store.Store
	mu    sync.Mutex
	do    func(ctx context.Context, n int, l account.Letter) error
	tries map[record.ID]int
}

func newPostman(s *store.Store, do func(ctx context.Context, n int, l account.Letter) error) *postman {
	return &postman{store: s, do: do, tries: map[record.ID]int{}}
}

func (p *postman) Deliver(ctx context.Context, id record.ID) error {
	l, err := p.store.Letters().Letter(ctx, id)
	if err != nil || l.State != account.LetterQueued {
		return err
	}
	p.mu.Lock()
	p.tries[id]++
	n := p.tries[id]
	p.mu.Unlock()
	if p.do != nil {
		if err := p.do(ctx, n, l); err != nil {
			return err
		}
	}
	return p.store.Letters().SettleLetter(ctx, id, account.LetterSent, "", time.Now(), n)
}

func (p *postman) tried(id record.ID) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries[id]
}

// letter stores one in a transaction that then ends with fail.
func (w *world) letter(fail error) record.ID {
	w.t.Helper()
	err := w.store.Accounts().Within(w.t.Context(), w.org, func(tx account.Tx) error {
		return errors.Join(tx.Send(account.Letter{Kind: account.LetterApproved, To: w.user, About: w.user}), fail)
	})
	if !errors.Is(err, fail) {
		w.t.Fatal(err)
	}
	l, err := w.store.Accounts().Letters(w.t.Context(), w.org, []record.ID{w.user})
	ok(w.t, err)
	return l[w.user].ID
}

func (w *world) letterIs(id record.ID, state account.LetterState) {
	w.t.Helper()
	w.until("the letter is "+string(state), func() bool {
		l, err := w.store.Letters().Letter(w.t.Context(), id)
		ok(w.t, err)
		return l.State == state
	})
}

func TestS8_ALetterLeavesAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		p := newPostman(w.store, nil)
		w.start(jobs.Options{Postman: p, Poll: time.Hour})
		w.letterIs(w.letter(nil), account.LetterSent) // the first also waits for the workers to be up
		id := w.letter(nil)
		w.letterIs(id, account.LetterSent) // long before a poll
		if n := p.tried(id); n != 1 {
			t.Errorf("it was sent %d times", n)
		}
	})
}

// What did not happen is told to nobody.
func TestALetterOfAnUndoneChangeIsNotSent(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		p := newPostman(w.store, nil)
		q, err := jobs.New(w.store, jobs.Options{Runner: w.runner, Postman: p, Log: silent})
		ok(t, err)
		if id := w.letter(errors.New("undone")); id != 0 {
			t.Errorf("letter %d is stored", id)
		}
		if n := letterJobs(t, q); n != 0 {
			t.Errorf("%d jobs are enqueued", n)
		}
		id := w.letter(nil)
		if n := letterJobs(t, q); n != 1 {
			t.Errorf("for a letter there are %d jobs", n)
		}
		w.start(jobs.Options{Postman: p, Poll: time.Hour})
		w.letterIs(id, account.LetterSent)
	})
}

// letterJobs counts the jobs that send letters.
func letterJobs(t *testing.T, q *jobs.Queue) int {
	t.Helper()
	list := river.NewJobListParams().Kinds(jobs.SendLetter{}.Kind())
	switch client := q.River().(type) {
	case interface {
		JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
	}:
		found, err := client.JobList(t.Context(), list)
		ok(t, err)
		return len(found.Jobs)
	default:
		t.Fatalf("River's client is a %T", client)
		return 0
	}
}

func TestALetterThatFailedIsTriedAgainAndThenSentOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		p := newPostman(w.store, func(_ context.Context, n int, _ account.Letter) error {
			if n == 1 {
				return fault.Wait(1200*time.Millisecond, "slowly")
			}
			return nil
		})
		w.start(jobs.Options{Postman: p, Poll: time.Hour})
		id := w.letter(nil)
		w.letterIs(id, account.LetterSent)
		if n := p.tried(id); n != 2 {
			t.Errorf("it was tried %d times", n)
		}
	})
}

// Letters that were made where nobody sends them are found by a process that does; those that only sleep are left alone.
func TestLettersWithoutAJobAreFound(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		orphan := w.letter(nil) // no queue, no job
		asleep := make(chan struct{})
		p := newPostman(w.store, func(_ context.Context, n int, l account.Letter) error {
			if l.ID == orphan {
				return nil
			}
			if n == 1 {
				close(asleep)
			}
			return fault.Wait(time.Hour, "much later")
		})
		q := w.start(jobs.Options{Postman: p, Poll: time.Hour})
		sleeper := w.letter(nil)
		<-asleep
		w.until("it sleeps", func() bool { return sleeping(t, q) == 1 })
		ok(t, q.Stop(t.Context()))

		later := func() time.Time { return time.Now().Add(10 * time.Minute) }
		w.start(jobs.Options{Postman: p, Poll: time.Hour, Now: later})
		w.letterIs(orphan, account.LetterSent)
		if n := p.tried(sleeper); n != 1 {
			t.Errorf("the letter that sleeps was tried %d times", n)
		}
	})
}

func sleeping(t *testing.T, q *jobs.Queue) int {
	t.Helper()
	found, err := q.River().(interface {
		JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
	}).JobList(t.Context(), river.NewJobListParams().Kinds(jobs.SendLetter{}.Kind()).States("scheduled"))
	ok(t, err)
	return len(found.Jobs)
}

// A letter whose process died while it sent it is sent again by the next one, long before River counts the job as stuck.
func TestALetterOfADeadProcessIsSentAgain(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		p := newPostman(w.store, nil)
		_, err := jobs.New(w.store, jobs.Options{Runner: w.runner, Postman: p, Log: silent})
		ok(t, err)
		id := w.letter(nil)
		// What the death of a process leaves behind: a job that runs for ever.
		const died = `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP WHERE kind = 'send_letter'`
		if pool := w.store.Postgres(); pool != nil {
			_, err = pool.Exec(t.Context(), died)
		} else {
			_, err = w.store.SQLite().ExecContext(t.Context(), died)
		}
		ok(t, err)
		w.start(jobs.Options{Postman: p, Poll: time.Hour, Now: func() time.Time { return time.Now().Add(10 * time.Minute) }})
		w.letterIs(id, account.LetterSent)
		if n := p.tried(id); n != 1 {
			t.Errorf("it was tried %d times", n)
		}
	})
}

func TestWithoutAPostmanLettersWait(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		q := w.start(jobs.Options{Poll: time.Hour})
		id := w.letter(nil)
		if n := letterJobs(t, q); n != 0 {
			t.Errorf("%d jobs", n)
		}
		if l, err := w.store.Letters().Letter(t.Context(), id); err != nil || l.State != account.LetterQueued {
			t.Errorf("%+v, %v", l, err)
		}
	})
}
