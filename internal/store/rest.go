package store

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
)

const (
	// inARow is how soon after the last run's end a run begins that counts as following it.
	inARow = 30 * time.Second
	// restless is how many runs in a row may settle nothing before a link rests: Microsoft tells of one change several times, and of
	// each of our own writes.
	restless = 3
	// leastRest doubles with each further run, up to mostRest.
	leastRest = time.Second
	mostRest  = 4 * time.Second
)

// restAfter is how long a link rests after so many runs in a row that settled nothing.
func restAfter(idle int64) time.Duration {
	if idle <= restless {
		return 0
	}
	return min(leastRest<<min(idle-restless-1, 8), mostRest)
}

// Rest tells the job of a link until when it is to sleep, and has that stand with the link; zero: it is to run now. idle says that
// there is nothing left for it to do: somebody ended the rest, and another job came of that. All organizations.
func (s *Links) Rest(ctx context.Context, id reconcile.LinkID) (until time.Time, idle bool, err error) {
	defer fault.Wrap(&err, "store: rest link %d", id)
	err = s.write(ctx, func(tx *Tx) error {
		type standing struct{ rest, wanted, done int64 }
		l, ok, err := first(tx.ctx, tx, func(scan scan) (l standing, err error) {
			err = scan(&l.rest, &l.wanted, &l.done)
			return l, err
		}, `SELECT rest_until, wanted, done FROM links WHERE id = ? FOR UPDATE`, int64(id))
		if err != nil {
			return err
		}
		until, idle = time.Time{}, !ok || l.wanted <= l.done
		if idle || l.rest <= micros(s.now()) {
			return nil
		}
		until = moment(l.rest)
		s.linkWrites.Add(1)
		_, err = tx.exec(tx.ctx, `UPDATE links SET queued_at = rest_until WHERE id = ? AND queued_at > 0`, int64(id))
		return err
	})
	return until, idle, err
}
