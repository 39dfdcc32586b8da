package reconcile

import (
	"slices"
	"time"

	"tandem/internal/fault"
)

// Two questions are asked of more than one run. A link that makes far more records within a day than there is reason for has
// most likely begun to multiply them (FIELD-FAILURES 118): it stops before it does, and goes on when its person says so. And
// deletions that come one by one, a run for each, are as many as if they had come at once: see brake.go.

const (
	// recently is how far back it is counted.
	recently = 24 * time.Hour
	// A link stops that would make more than growItems records within a day, and more than a quarter of what it had.
	growItems = 1000
	growShare = 4
)

// Recent counts what sync made and deleted lately, on both sides, by hour, the oldest first. What the first sync makes is not
// counted: it has a limit of its own, and so has the one that lets imported records in.
type Recent []Hour

// Hour is one hour of Recent.
type Hour struct {
	Hour    int64 `json:"hour"` // since 1970
	Made    int   `json:"made,omitempty"`
	Deleted int   `json:"deleted,omitempty"`
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// with adds to the hour of a time, and forgets what is no longer recent.
func (r Recent) with(now time.Time, made, deleted int) Recent {
	out := slices.DeleteFunc(slices.Clone(r), func(h Hour) bool { return h.Hour <= hourOf(now.Add(-recently)) })
	if last := len(out) - 1; last >= 0 && out[last].Hour == hourOf(now) {
		out[last].Made, out[last].Deleted = out[last].Made+made, out[last].Deleted+deleted
		return out
	}
	return append(out, Hour{hourOf(now), made, deleted})
}

// sum is what was made and deleted within a day before a time.
func (r Recent) sum(now time.Time) (made, deleted int) {
	for _, h := range r {
		if h.Hour > hourOf(now.Add(-recently)) {
			made, deleted = made+h.Made, deleted+h.Deleted
		}
	}
	return made, deleted
}

// withoutDeletions forgets deletions that a person has said yes to.
func (r Recent) withoutDeletions() Recent {
	var out Recent
	for _, h := range r {
		if h.Deleted = 0; h.Made > 0 {
			out = append(out, h)
		}
	}
	return out
}

// Lately is what the link made and deleted lately once entries are settled; changed is false if they say nothing of that.
func (l *Link) Lately(entries []Entry, now time.Time) (_ Recent, changed bool) {
	made, deleted := 0, 0
	for i := range entries {
		for _, line := range entries[i].History {
			switch {
			case line.Action == Created && l.Settled:
				made++
			case line.Action == Deleted:
				deleted++
			}
		}
	}
	if made+deleted == 0 {
		return l.Recent, false
	}
	return l.Recent.with(now, made, deleted), true
}

// plausible refuses to make records of which there would be too many within a day. Nothing is lost by it: the run ends before
// its cursors move.
func (r *run) plausible(jobs []*job) error {
	fresh := 0
	for _, j := range jobs {
		if j.Verb == CreateCRM || j.Verb == CreateMicrosoft {
			fresh++
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.Now(); fresh > 0 && r.link.Settled && !now.Before(r.link.GrowthUntil) {
		made, _ := r.link.Recent.sum(now)
		if before := max(0, r.link.Known-made); made+fresh > growItems && (made+fresh)*growShare > before {
			return fault.New(fault.Denied, fault.TooManyCreates,
				"%d records made within a day and %d more to make, where there were %d", made, fresh, before)
		}
	}
	return nil
}
