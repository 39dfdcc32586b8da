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
	// A link stops that would make more than growItems records in the CRM within a day, or more items at Microsoft than a first
	// sync would, and more than a quarter of what it had. What people type or load into the CRM comes by thousands; what comes
	// out of Outlook by thousands was not typed there.
	growItems = 1000
	growShare = 4
)

// Recent counts what sync made and deleted lately, on both sides, by hour, the oldest first. What the first sync makes is not
// counted: it has a limit of its own, and so has the one that lets imported records in. Only what it brings into the CRM out
// of a calendar that was there before is, and however little there was: a person's own calendar may hold anything.
type Recent []Hour

// Hour is one hour of Recent.
type Hour struct {
	Hour    int64 `json:"hour"`           // since 1970
	Made    int   `json:"made,omitempty"` // records in the CRM
	Sent    int   `json:"sent,omitempty"` // items at Microsoft
	Deleted int   `json:"deleted,omitempty"`
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// with adds to the hour of a time, and forgets what is no longer recent.
func (r Recent) with(now time.Time, more Hour) Recent {
	out := slices.DeleteFunc(slices.Clone(r), func(h Hour) bool { return h.Hour <= hourOf(now.Add(-recently)) })
	if last := len(out) - 1; last >= 0 && out[last].Hour == hourOf(now) {
		out[last].add(more)
		return out
	}
	more.Hour = hourOf(now)
	return append(out, more)
}

func (h *Hour) add(more Hour) {
	h.Made, h.Sent, h.Deleted = h.Made+more.Made, h.Sent+more.Sent, h.Deleted+more.Deleted
}

// sum is what was made and deleted within a day before a time.
func (r Recent) sum(now time.Time) (day Hour) {
	for _, h := range r {
		if h.Hour > hourOf(now.Add(-recently)) {
			day.add(h)
		}
	}
	return day
}

// withoutDeletions forgets deletions that a person has said yes to.
func (r Recent) withoutDeletions() Recent {
	var out Recent
	for _, h := range r {
		if h.Deleted = 0; h.Made+h.Sent > 0 {
			out = append(out, h)
		}
	}
	return out
}

// Lately is what the link made and deleted lately once entries are settled; changed is false if they say nothing of that.
func (l *Link) Lately(entries []Entry, now time.Time) (_ Recent, changed bool) {
	var more Hour
	for i := range entries {
		for _, line := range entries[i].History {
			switch {
			case line.Action == Created && (l.Settled || l.existing()) && line.Side == InCRM:
				more.Made++
			case line.Action == Created && l.Settled:
				more.Sent++
			case line.Action == Deleted && line.Reason != MadeTwice:
				more.Deleted++
			}
		}
	}
	if more == (Hour{}) {
		return l.Recent, false
	}
	return l.Recent.with(now, more), true
}

// plausible refuses to make records of which there would be too many within a day. Nothing is lost by it: the run ends before
// its cursors move.
func (r *run) plausible(jobs []*job) error {
	var fresh Hour
	for _, j := range jobs {
		switch j.Verb {
		case CreateCRM:
			fresh.Made++
		case CreateMicrosoft:
			fresh.Sent++
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Now()
	if fresh == (Hour{}) || !r.link.Settled && !r.link.existing() || now.Before(r.link.GrowthUntil) {
		return nil
	}
	day := r.link.Recent.sum(now)
	if !r.link.Settled { // the first sync of a calendar that was there before: what the CRM sends has a limit of its own
		if day.Made+fresh.Made > growItems {
			return fault.New(fault.Denied, fault.TooManyCreates, "%d records made in the CRM by the first sync of a person's own calendar, %d more to make", day.Made, fresh.Made)
		}
		return nil
	}
	before := max(0, r.link.Known-day.Made-day.Sent)
	tooMany := func(lately, more, most int) bool {
		return more > 0 && lately+more > most && (lately+more)*growShare > before
	}
	if tooMany(day.Made, fresh.Made, growItems) || tooMany(day.Sent, fresh.Sent, FirstSyncCap(r.link.Kind)) {
		return fault.New(fault.Denied, fault.TooManyCreates, "%d and %d records made in the CRM and at Microsoft within a day, %d and %d more to make, where there were %d",
			day.Made, day.Sent, fresh.Made, fresh.Sent, before)
	}
	return nil
}
