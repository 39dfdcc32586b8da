package store

import (
	"context"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// EventsAt finds the owner's events that are not deleted and start at one of some moments.
func (s *Records) EventsAt(ctx context.Context, org, owner record.ID, starts []time.Time) (_ []record.ID, err error) {
	defer fault.Wrap(&err, "store: events at %d moments", len(starts))
	at := make(ints, len(starts))
	for i, t := range starts {
		at[i] = micros(t)
	}
	slices.Sort(at)
	found, err := list(ctx, s.reader(), column[int64],
		`SELECT id FROM events WHERE org_id = ? AND owner_id = ? AND start_at IN (?*) AND deleted_at = 0 ORDER BY id`,
		int64(org), int64(owner), slices.Compact(at))
	out := make([]record.ID, len(found))
	for i, id := range found {
		out[i] = record.ID(id)
	}
	return out, err
}
