package reconcile

import (
	"time"

	"tandem/internal/record"
)

// heldAt is what a side held in the fields that are written, as far as that is known.
func (s Step) heldAt(where Where, fields record.Fields) record.Fields {
	held := s.held(where)
	out := make(record.Fields, len(fields))
	for f := range fields {
		if v, known := held[f]; known {
			out[f] = v
		}
	}
	return out
}

// held is what a side holds: as it was read, or was agreed on.
func (s Step) held(where Where) record.Fields {
	at := s.Ours
	if where == InMicrosoft {
		at = s.Theirs
	}
	switch {
	case at != nil && at.Fields != nil:
		return at.Fields
	case s.Pair == nil:
		return nil
	case where == InCRM:
		return heldInCRM(s.Pair.Base)
	}
	return s.Pair.Base
}

// clocks is how far apart the clocks of the two sides may be, and how long a change may take to be told of, for it to count as
// made since the last run.
const clocks = 5 * time.Minute

// delay is how long ago the change was made that a side is written for. What has been there since before the last run was
// held up by something else than sync: a person's answer, a setting, a fault of the record.
func (r *run) delay(s Step, where Where) time.Duration {
	other := s.Theirs
	if where == InMicrosoft {
		other = s.Ours
	}
	at := modified(other)
	if r.first || at.IsZero() || r.link.LastRun.IsZero() || at.Before(r.link.LastRun.Add(-clocks)) {
		return 0
	}
	return max(r.Now().Sub(at), time.Millisecond)
}
