package store

import (
	"context"
	"maps"
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

// EventsByUID finds the owner's events that are not deleted by the UID that they were imported with.
func (s *Records) EventsByUID(ctx context.Context, org, owner record.ID, uids []string) (_ map[string][]record.ID, err error) {
	defer fault.Wrap(&err, "store: events by %d UIDs", len(uids))
	asked := make(map[string][]string, len(uids))
	for _, uid := range slices.Compact(slices.Sorted(slices.Values(uids))) {
		asked[uidKey(uid)] = append(asked[uidKey(uid)], uid)
	}
	type row struct {
		key string
		id  record.ID
	}
	found, err := list(ctx, s.reader(), func(scan scan) (r row, err error) {
		err = scan(&r.key, &r.id)
		return r, err
	}, `SELECT u.uid, u.record_id FROM event_uids u JOIN events e ON e.id = u.record_id AND e.org_id = u.org_id
		WHERE u.org_id = ? AND u.uid IN (?*) AND e.owner_id = ? AND e.deleted_at = 0 ORDER BY u.record_id`,
		int64(org), texts(slices.Sorted(maps.Keys(asked))), int64(owner))
	out := make(map[string][]record.ID, len(found))
	for _, r := range found {
		for _, uid := range asked[r.key] {
			out[uid] = append(out[uid], r.id)
		}
	}
	return out, err
}
