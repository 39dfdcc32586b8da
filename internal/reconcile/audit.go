package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// The audit compares everything that a link knows with what both sides hold, whatever they say has changed: it finds what
// got lost on the way, such as a change that nobody told of, or a pair that does not say what was agreed on (SYNC-INVARIANTS
// L6). What differs is brought in step by the ordinary plan, with its evidence and its brake.
//
// It first lets an ordinary run take in what has changed, so that what differs after it is drift and no edit. At Microsoft it
// reads a list of ids and versions; what has another version than the ledger knows is read, and so is what the CRM holds
// otherwise than was agreed on.

// Proof is what the last audit of a link came to.
type Proof struct {
	At       time.Time // when it ended; zero: there was none
	Compared int       // records
	Drift    int       // that differed without anybody having changed them meanwhile
	Left     int       // of those, that are not in step after it
	// Kinds count the drift; only the audit itself tells them.
	Kinds map[DriftKind]int
}

// DriftKind says how a record had drifted.
type DriftKind string

// The kinds of drift.
const (
	ValuesDiffer       DriftKind = "values"               // both sides have it, with different values
	LedgerDiffers      DriftKind = "ledger"               // the sides agree, and the ledger said otherwise or nothing
	MissingInCRM       DriftKind = "missing_in_crm"       // an item without a record, or whose record is gone
	MissingInMicrosoft DriftKind = "missing_in_microsoft" // a record whose item is gone
)

// DriftKinds lists the kinds.
func DriftKinds() []DriftKind {
	return []DriftKind{ValuesDiffer, LedgerDiffers, MissingInCRM, MissingInMicrosoft}
}

// A Lister is a side that can list all its items with their versions. outlook.Contacts and outlook.Events are.
type Lister interface {
	List(ctx context.Context) (map[record.Ref]record.Version, error)
}

// Audit compares everything under a link, closely also where nothing hints at a difference if whole is set, and repairs what
// has drifted. A link that is not on, or still in its first sync, is only run; then the proof is the one before.
func (r *Runner) Audit(ctx context.Context, id LinkID, whole bool) (_ Proof, err error) {
	defer fault.Wrap(&err, "reconcile: audit link %d", id)
	run, err := r.open(ctx, id)
	if err != nil {
		return Proof{}, err
	}
	run.road = func(ctx context.Context) error { return run.audit(ctx, whole) }
	err = run.whole(ctx)
	return run.link.Proof, err
}

// auditor counts the drift that the steps of a run come to.
type auditor struct {
	began time.Time // what was changed later is an edit
	seen  map[record.Ref]bool
	pairs map[Where][]record.Ref // of which it is to be known how they stand in the end
	proof Proof
}

// audit is the road of an audit.
func (r *run) audit(ctx context.Context, whole bool) error {
	a := &auditor{began: r.Now(), seen: map[record.Ref]bool{}, pairs: map[Where][]record.Ref{}, proof: Proof{Kinds: map[DriftKind]int{}}}
	if err := r.work(ctx); err != nil {
		return err
	}
	if r.link.State != On && r.link.State != Held || !r.link.Settled || r.link.Container == "" {
		return nil
	}
	r.witness = a.hear
	if err := r.compareAll(ctx, a, whole); err != nil {
		return err
	}
	if err := r.deletions(ctx); err != nil {
		return err
	}
	left, err := r.astray(ctx, a)
	if err != nil {
		return err
	}
	a.proof.At, a.proof.Left = r.Now(), left
	r.link.Proof = a.proof
	if a.proof.Drift > 0 {
		r.Log.WarnContext(ctx, "the audit found records that had drifted apart", "link", r.link.ID, "org", r.link.Org, "kind", r.link.Kind,
			"compared", a.proof.Compared, "drift", a.proof.Drift, "left", left, "kinds", a.proof.Kinds)
	} else {
		r.Log.InfoContext(ctx, "the audit found both sides alike", "link", r.link.ID, "org", r.link.Org, "kind", r.link.Kind, "compared", a.proof.Compared)
	}
	return nil
}

// compareAll looks at every pair that is said to be in step, and at every item that no pair knows.
func (r *run) compareAll(ctx context.Context, a *auditor, whole bool) error {
	listing, err := r.list(ctx)
	if err != nil {
		return err
	}
	rest := make(map[record.Ref]bool, len(listing))
	for ref := range listing {
		rest[ref] = true
	}
	err = r.eachPair(ctx, func(pairs []Pair) error {
		var items []Item
		for i := range pairs {
			delete(rest, pairs[i].Microsoft)
			if pairs[i].State == Synced {
				items = append(items, Item{Pair: &pairs[i]})
			}
		}
		a.proof.Compared += len(items)
		items, err := r.besideOurs(ctx, items)
		if err != nil {
			return err
		}
		var look, alike []Item
		for _, i := range items {
			version, there := listing[i.Pair.Microsoft]
			if whole || !there || version != i.Pair.MicrosoftVersion || r.drifted(i) {
				look = append(look, i)
			} else {
				alike = append(alike, i)
			}
		}
		other, err := r.otherPictures(ctx, alike)
		if err != nil {
			return err
		}
		look = append(look, other...)
		for len(look) > 0 {
			part := look[:min(chunk, len(look))]
			look = look[len(part):]
			if part, err = r.besideTheirs(ctx, part); err != nil {
				return err
			}
			if err := r.apply(ctx, part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.lookAtStrangers(ctx, slices.Sorted(maps.Keys(rest)))
}

// lookAtStrangers looks at items that no pair knows. Should it be cut off after a record was made from one and before that was
// noted, the next run must meet the item before it meets the record, or it would send that to Microsoft a second time: so
// until it is done, that run begins with a reading of everything.
func (r *run) lookAtStrangers(ctx context.Context, unknown []record.Ref) error {
	if len(unknown) == 0 {
		return nil
	}
	cursor := r.link.Microsoft
	if err := r.advance(ctx, func(l *Link) { l.Microsoft = "" }); err != nil {
		return err
	}
	for len(unknown) > 0 {
		n := min(chunk, len(unknown))
		if err := r.look(ctx, unknown[:n]); err != nil {
			return err
		}
		unknown = unknown[n:]
	}
	return r.advance(ctx, func(l *Link) { l.Microsoft = r.recounted(cursor) })
}

func (r *run) lister() (l Lister, ok bool) {
	if m, is := r.microsoft.(mapped); is {
		l, ok = m.Side.(Lister)
	}
	return l, ok
}

// list lists the container. A side that cannot is asked for all changes, whose cursor is not kept.
func (r *run) list(ctx context.Context) (map[record.Ref]record.Version, error) {
	if l, ok := r.lister(); ok {
		return l.List(ctx)
	}
	all := map[record.Ref]record.Version{}
	for cursor := record.Cursor(""); ; {
		page, err := r.microsoft.Changes(ctx, cursor, r.link.Known)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Changes {
			if delete(all, c.Ref); c.State == record.Present {
				all[c.Ref] = c.Version
			}
		}
		if cursor = page.Next; !page.More {
			return all, nil
		}
	}
}

// drifted reports whether the CRM holds something else than was agreed on, or the record is gone.
func (r *run) drifted(i Item) bool {
	if i.Ours == nil || i.ours(r.rules) != record.Present || i.Ours.Version != i.Pair.CRMVersion {
		return true
	}
	held, now := heldInCRM(i.Pair.Base), r.rules.normal(only(i.Ours.Fields, r.rules.Fields))
	for _, f := range r.rules.Fields {
		if agreed, known := held[f]; known && agreed != now[f] {
			return true
		}
	}
	return false
}

// hear counts the steps that bring drift in step.
func (a *auditor) hear(steps []Step) error {
	for _, s := range steps {
		kind, drift := driftOf(s)
		fresh := a.editedSince(s, InMicrosoft) || a.editedSince(s, InCRM)
		var key record.Ref
		if s.Theirs != nil {
			key = s.Theirs.Ref
		} else if s.Ours != nil {
			key = s.Ours.Ref
		}
		if !drift || fresh || a.seen[key] {
			continue
		}
		a.seen[key] = true
		a.proof.Drift++
		a.proof.Kinds[kind]++
		if s.Ours != nil {
			a.pairs[InCRM] = append(a.pairs[InCRM], s.Ours.Ref)
		} else if s.Theirs != nil {
			a.pairs[InMicrosoft] = append(a.pairs[InMicrosoft], s.Theirs.Ref)
		}
	}
	return nil
}

// editedSince reports whether a side was changed after the audit began. One that is at the version that the ledger names was not,
// whatever its clock says: that may have been set back, or be ahead of ours.
func (a *auditor) editedSince(s Step, side Where) bool {
	now, version := s.Theirs, record.Version("")
	if side == InCRM {
		now = s.Ours
	}
	if s.Pair != nil && side == InCRM {
		version = s.Pair.CRMVersion
	} else if s.Pair != nil {
		version = s.Pair.MicrosoftVersion
	}
	return now != nil && (now.Version == "" || now.Version != version) && now.Modified.After(a.began)
}

// driftOf tells how the records of a step had drifted; false: they had not.
func driftOf(s Step) (DriftKind, bool) {
	switch s.Verb {
	case Merge:
		return ValuesDiffer, true
	case Adopt:
		return LedgerDiffers, s.Pair != nil && (s.Pair.ID == 0 || s.Pair.State == Synced && !maps.Equal(unmarked(s.Base), unmarked(s.Pair.Base)))
	case CreateCRM, RestoreCRM, DeleteMicrosoft:
		return MissingInCRM, true
	case CreateMicrosoft, DeleteCRM, Unlink:
		return MissingInMicrosoft, true
	case AskFirst:
		return MissingInCRM, s.Theirs != nil
	}
	return "", false
}

// astray counts the records that had drifted and are still not in step.
func (r *run) astray(ctx context.Context, a *auditor) (left int, err error) {
	for _, where := range []Where{InCRM, InMicrosoft} {
		for refs := a.pairs[where]; len(refs) > 0; {
			n := min(pairsPage, len(refs))
			pairs, err := r.Ledger.PairsByRef(ctx, r.link, where, refs[:n])
			if err != nil {
				return 0, err
			}
			for _, p := range pairs {
				if p.State != Synced && p.State != Excluded || p.Ask.Open() {
					left++
				}
			}
			refs = refs[n:]
		}
	}
	return left, nil
}
