package store

import (
	"context"
	"time"

	"tandem/internal/fault"
)

// Take takes one from a limit, by the generic cell rate algorithm: a limit is one moment, at which it will be untouched
// again. Each taking moves it on by one interval, and it may lie at most burst intervals ahead. One statement looks and
// takes, so of several at once each gets its own. All organizations; the key is stored as a hash, for it may name people.
func (s *Accounts) Take(ctx context.Context, key string, now time.Time, burst int, per time.Duration) (wait time.Duration, err error) {
	defer fault.Wrap(&err, "store: take from a limit")
	burst = max(burst, 1)
	interval := max(per.Microseconds()/int64(burst), 1)
	name, at, ahead := hashed(key), micros(now), interval*int64(burst)
	err = s.write(ctx, func(tx *Tx) error {
		wait = 0
		taken, err := tx.change(`INSERT INTO limits (name, arrival) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET arrival = CASE WHEN limits.arrival > ? THEN limits.arrival + ? ELSE ? END
			WHERE limits.arrival + ? <= ?`, name, at+interval, at, interval, at+interval, interval, at+ahead)
		if err != nil || taken > 0 {
			return err
		}
		arrival, _, err := first(tx.ctx, tx, column[int64], `SELECT arrival FROM limits WHERE name = ?`, name)
		wait = time.Duration(arrival+interval-ahead-at) * time.Microsecond
		return err
	})
	return wait, err
}
