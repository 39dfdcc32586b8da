package reconcile

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// A link may live in a calendar that its person had before (Options.Calendar). What is in it is the person's own life, and was
// there first:
//
//   - Events are matched with the CRM's before any is made on either side, as everywhere: see match.go.
//   - What was over when the link began stays out of the CRM until somebody changes it. The ledger remembers it as left out.
//   - A copy of a meeting that a colleague organizes stays out: in the CRM it is the colleague's event.
//   - The link stops and asks before its first sync makes more than growItems records.
//   - When the link ends, only those items go that Tandem made; the calendar itself is never removed.

// existing reports whether the link lives in a calendar that was there before it.
func (l *Link) existing() bool { return l.Policy.Calendar != "" }

// staysOut is why an item without a record stays at Microsoft alone, in a calendar that was there before; "": it does not.
func (r Rules) staysOut(theirs *record.Change) string {
	switch {
	case r.Policy.Calendar == "":
	case theirs.Colleagues:
		return ColleaguesOwn
	case !theirs.Modified.After(r.Since) && endsBy(theirs.Fields, r.Since):
		return BeforeSync
	}
	return ""
}

// endsBy reports whether an event, with all that repeats of it, is over at a time wherever its person is. One whose time
// cannot be told is not.
func endsBy(fields record.Fields, at time.Time) bool {
	start, okStart := instantOf(fields[record.Start])
	end, okEnd := instantOf(fields[record.End])
	if !okStart || !okEnd {
		return false
	}
	if len(fields[record.End]) == len(time.DateOnly) { // a day lasts longest far in the west
		end = end.Add(12 * time.Hour)
	}
	if rule := fields[record.Recurring]; rule != "" {
		r, err := recur.Parse(string(rule))
		if err != nil {
			return false
		}
		last, endless := r.Resolve(start).Last(start)
		if endless {
			return false
		}
		end = end.Add(last.Sub(start) + 24*time.Hour) // as if in UTC: the zone moves it by less than a day
	}
	return !end.After(at)
}

func instantOf(v record.Value) (time.Time, bool) {
	layout := time.RFC3339
	if len(v) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, string(v))
	return t, err == nil
}

// madeHere reports whether Tandem made the pair's item at Microsoft: such a pair has the token that the item was marked with.
func (p Pair) madeHere() bool { return p.Token != "" && !isTokenFromItem(p.Token) }

// takes reports whether the item of a pair goes when the link ends and its container stays.
func (r *run) takes(p *Pair) bool {
	return !r.link.existing() || p.madeHere() && len(r.rules.onlyInOutlook(p.Base)) == 0
}

// leaveExisting ends a link whose container stays, after its last reading.
func (r *run) leaveExisting(ctx context.Context) error {
	if err := r.keepAsked(ctx); err != nil {
		return err
	}
	if err := r.takeBack(ctx); err != nil {
		return r.endWithout(ctx, err)
	}
	r.end(fault.OwnKept)
	return nil
}
