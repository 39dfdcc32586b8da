package reconcile

import (
	"context"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// What sync did can be taken back, a line of history or a whole run. An undo is an ordinary write to the CRM in the name of the
// person who asks for it, and sync brings it to the other side like any other: so both sides hold again what the line says was
// there before. It is done only where nobody has changed since what the line wrote, and never where somebody would be mailed.

// Undoing is what became of the undo of one line.
type Undoing string

// The outcomes. All but the first two leave the record as it is.
const (
	Undone       Undoing = "undone"        // the record is as it was before
	UndonePartly Undoing = "partly"        // but for fields that were changed since
	ChangedSince Undoing = "changed_since" // somebody, or sync, has changed since what the line wrote
	UndoneBefore Undoing = "as_before"     // the record was so already
	NothingThere Undoing = "nothing_there" // the record is gone for good, or not this person's to see
	NotAllowed   Undoing = "not_allowed"   // the person's profile does not allow it
	CannotUndo   Undoing = "cannot"        // the CRM refuses what was there before
	WouldBeMail  Undoing = "would_mail"    // people would be mailed
)

// Undoings lists the outcomes.
func Undoings() []Undoing {
	return []Undoing{Undone, UndonePartly, ChangedSince, UndoneBefore, NothingThere, NotAllowed, CannotUndo, WouldBeMail}
}

// Done reports whether there is nothing left to undo.
func (u Undoing) Done() bool { return u == Undone || u == UndonePartly || u == UndoneBefore }

// Undoable reports whether a line tells of something that a write to the CRM takes back. What was made at Microsoft is not: its
// record is a person's own, and would have to go.
func (h HistoryLine) Undoable() bool {
	if h.CRM == "" {
		return false
	}
	switch h.Action {
	case Updated:
		return len(h.Before) > 0
	case Created:
		return h.Side == InCRM
	case Deleted:
		return h.Side == InCRM || h.Reason == DeletedCRM
	}
	return false
}

// Undo decides how a line is undone now that the CRM's record stands so: by a write, or not at all and why. now is Present; or
// Gone, with a version if it lies in the recycle bin and without if it is not there for the person.
func (h HistoryLine) Undo(kind record.Kind, now record.Change) (record.Write, Undoing) {
	w := record.Write{Ref: now.Ref, Version: now.Version}
	switch {
	case now.Version == "":
		return w, NothingThere
	case h.Action == Created:
		w.Op = record.Delete
		if now.State != record.Present {
			return w, UndoneBefore
		}
		if now.Modified.After(h.At) {
			return w, ChangedSince
		}
		return w, Undone
	case h.Action == Deleted:
		w.Op = record.Restore
		if now.State == record.Present {
			return w, UndoneBefore
		}
		if now.Modified.After(h.At) { // it was back meanwhile, and somebody deleted it again
			return w, ChangedSince
		}
		return w, Undone
	case now.State != record.Present:
		return w, ChangedSince
	}
	w.Op, w.Fields = record.Update, record.Fields{}
	changed := map[string]bool{} // units of which somebody has changed a part since
	for f, written := range h.Fields {
		before, known := h.Before[f]
		if is := now.Fields[f]; is != written && !(known && is == before) && !theirsAlone(kind, f) {
			changed[unitOf(kind, f)] = true
		}
	}
	for f, before := range h.Before {
		if now.Fields[f] != before && !theirsAlone(kind, f) && !changed[unitOf(kind, f)] {
			w.Fields[f] = before
		}
	}
	switch {
	case len(w.Fields) == 0 && len(changed) > 0:
		return w, ChangedSince
	case len(w.Fields) == 0:
		return w, UndoneBefore
	case len(changed) > 0:
		return w, UndonePartly
	}
	return w, Undone
}

// theirsAlone reports whether a field is Microsoft's to say: nobody writes it by hand.
func theirsAlone(kind record.Kind, f record.Field) bool {
	def, _ := record.Standard(kind).Def(f)
	return def.Type == record.Attending
}

// unitOf names what a field goes together with; a field by itself is its own.
func unitOf(kind record.Kind, f record.Field) string {
	if def, _ := record.Standard(kind).Def(f); def.Group != "" {
		return "group " + def.Group
	}
	return string(f)
}

// Hand is what a person may do with the CRM's records of one kind. crm.Hand fits it.
type Hand interface {
	// Read looks at records as HistoryLine.Undo wants to see them, in the order asked for.
	Read(ctx context.Context, refs []record.Ref) ([]record.Change, error)
	// Apply makes the writes, each only if its record is still at its version, and says in the same order why one was not made:
	// Conflict, Denied, NotFound or Invalid.
	Apply(ctx context.Context, writes []record.Write) ([]error, error)
	// Mails tells in the same order which writes would have people mailed, once sync brings them to Microsoft.
	Mails(ctx context.Context, writes []record.Write) ([]bool, error)
}

// UndoRun is the undo of a run that somebody asked for.
type UndoRun struct {
	ID      string // random
	Org     record.ID
	User    record.ID // who asked
	Link    LinkID
	Kind    record.Kind
	Run     int64
	Asked   time.Time
	Touched time.Time // when somebody last worked at it
	Ended   time.Time // zero: it goes on
	Next    int64     // lines below this id are still to be undone
	Came    map[Undoing]int
}

// UndoneLine is what became of the undo of a line.
type UndoneLine struct {
	Line int64
	What Undoing
	By   record.ID
	At   time.Time
}

// Undos remember what was undone.
type Undos interface {
	// BeginUndo stores the undo of a run, and returns the one that is under way, if there is one.
	BeginUndo(ctx context.Context, u UndoRun) (UndoRun, error)
	// TheUndo finds one, with what came of it so far.
	TheUndo(ctx context.Context, id string) (UndoRun, error)
	// ToUndo lists lines of a run that changed something, latest first, those below an id, at most limit; and which of them
	// are undone.
	ToUndo(ctx context.Context, org record.ID, link LinkID, run, below int64, limit int) ([]HistoryEntry, map[int64]UndoneLine, error)
	// KeepUndo stores outcomes and how far the undo is; u.ID "": of a line alone.
	KeepUndo(ctx context.Context, u UndoRun, outcomes []UndoneLine) error
	// IdleUndos lists undos that have not ended and that nobody has worked at since a time. All organizations.
	IdleUndos(ctx context.Context, since time.Time) ([]string, error)
}

// Undoer takes back what sync did.
type Undoer struct {
	Undos Undos
	Link  func(ctx context.Context, org record.ID, id LinkID) (*Link, error)
	// Hand is the hand of a user. Denied: the user is no longer active.
	Hand func(ctx context.Context, org, user record.ID, kind record.Kind) (Hand, error)
	Now  func() time.Time
}

const (
	// undoChunk is how many lines are undone and noted together.
	undoChunk = 100
	// undoTries is how often a record is looked at anew that changed between reading and writing.
	undoTries = 3
)

// Line undoes one line of a link's history for a user.
func (u *Undoer) Line(ctx context.Context, org, user record.ID, link *Link, line HistoryEntry) (_ Undoing, err error) {
	defer fault.Wrap(&err, "reconcile: undo line %d", line.ID)
	came, err := u.undo(ctx, user, link, []HistoryEntry{line})
	if err != nil {
		return "", err
	}
	return came[0].What, u.Undos.KeepUndo(ctx, UndoRun{Org: org}, came)
}

// Work undoes a run that was asked for, from where it was left. It may be called twice at once: what one has undone is as before
// to the other.
func (u *Undoer) Work(ctx context.Context, id string) (err error) {
	defer fault.Wrap(&err, "reconcile: undo a run")
	undo, err := u.Undos.TheUndo(ctx, id)
	if err != nil || !undo.Ended.IsZero() {
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	}
	link, err := u.Link(ctx, undo.Org, undo.Link)
	if err != nil {
		return err
	}
	for undo.Ended.IsZero() {
		lines, done, err := u.Undos.ToUndo(ctx, undo.Org, undo.Link, undo.Run, undo.Next, undoChunk)
		if err != nil {
			return err
		}
		undo.Touched = u.Now()
		if len(lines) < undoChunk {
			undo.Ended = undo.Touched
		}
		if len(lines) > 0 {
			undo.Next = lines[len(lines)-1].ID
		}
		lines = slices.DeleteFunc(lines, func(h HistoryEntry) bool { return done[h.ID].What.Done() || !h.Undoable() })
		came, err := u.undo(ctx, undo.User, link, lines)
		if err != nil {
			return err
		}
		if err := u.Undos.KeepUndo(ctx, undo, came); err != nil {
			return err
		}
	}
	return nil
}

// Resume goes on with undos that nobody works at any more.
func (u *Undoer) Resume(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "reconcile: resume undos")
	ids, err := u.Undos.IdleUndos(ctx, u.Now().Add(-abandoned))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := u.Work(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// undo undoes lines in their order. Of two about one record the second is undone after the first.
func (u *Undoer) undo(ctx context.Context, user record.ID, link *Link, lines []HistoryEntry) ([]UndoneLine, error) {
	out := make([]UndoneLine, len(lines))
	for i, h := range lines {
		out[i] = UndoneLine{Line: h.ID, By: user, What: CannotUndo}
	}
	hand, err := u.Hand(ctx, link.Org, user, link.Kind)
	denied := fault.Is(err, fault.Denied)
	if err != nil && !denied {
		return nil, err
	}
	pending, tries := make([]int, len(lines)), make([]int, len(lines))
	for i := range pending {
		pending[i] = i
	}
	for len(pending) > 0 {
		now, later := firstOfEachRecord(lines, pending)
		if denied {
			for _, i := range now {
				out[i].What, out[i].At = NotAllowed, u.Now()
			}
			pending = later
			continue
		}
		again, err := u.undoOnce(ctx, hand, link, lines, now, out)
		if err != nil {
			return nil, err
		}
		for _, i := range again {
			if tries[i]++; tries[i] < undoTries {
				later = append(later, i)
			} else {
				out[i].What = ChangedSince
			}
		}
		slices.Sort(later)
		pending = later
	}
	return out, nil
}

// undoOnce undoes lines about different records, and returns those whose record moved on meanwhile.
func (u *Undoer) undoOnce(ctx context.Context, hand Hand, link *Link, lines []HistoryEntry, which []int, out []UndoneLine) (again []int, err error) {
	refs := make([]record.Ref, len(which))
	for n, i := range which {
		refs[n] = lines[i].CRM
	}
	found, err := hand.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	var planned []record.Write
	var places []int
	for n, i := range which {
		w, what := lines[i].Undo(link.Kind, found[n])
		out[i].What, out[i].At = what, u.Now()
		if what == Undone || what == UndonePartly {
			planned, places = append(planned, w), append(places, i)
		}
	}
	if len(planned) == 0 {
		return nil, nil
	}
	mails, err := hand.Mails(ctx, planned)
	if err != nil {
		return nil, err
	}
	var writes []record.Write
	var of []int
	for n, i := range places {
		if mails[n] {
			out[i].What = WouldBeMail
		} else {
			writes, of = append(writes, planned[n]), append(of, i)
		}
	}
	if len(writes) == 0 {
		return nil, nil
	}
	faults, err := hand.Apply(ctx, writes)
	if err != nil {
		return nil, err
	}
	for n, i := range of {
		switch err := faults[n]; {
		case err == nil:
		case fault.Is(err, fault.Conflict):
			again = append(again, i)
		case fault.Is(err, fault.Denied):
			out[i].What = NotAllowed
		case fault.Is(err, fault.NotFound):
			out[i].What = NothingThere
		default:
			out[i].What = CannotUndo
		}
	}
	return again, nil
}

// firstOfEachRecord splits pending lines into the first about each record and the rest, in order.
func firstOfEachRecord(lines []HistoryEntry, pending []int) (first, rest []int) {
	seen := map[record.Ref]bool{}
	for _, i := range pending {
		if ref := lines[i].CRM; seen[ref] {
			rest = append(rest, i)
		} else {
			seen[ref] = true
			first = append(first, i)
		}
	}
	return first, rest
}
