// Package memside is a Microsoft side in memory for tests of the heart: a contact folder or calendar that speaks
// Microsoft's field names, counts every version, and can be told to fail. It fits reconcile.Side.
package memside

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Side is the folder. The zero value is not ready: call New.
type Side struct {
	Now func() time.Time
	// Fail, if set, is asked before and after every effect and request; an error from it is what the caller gets, and
	// after an effect it is an answer that was lost.
	Fail func(point string) error
	// Fatal, if set, is asked before every write; an error from it is that of this record and ends the whole Apply.
	Fatal func(point string) error
	// PageSize is how many changes a page holds.
	PageSize int
	// Series makes it a calendar that keeps series as Exchange does: see series.go.
	Series bool

	mu      sync.Mutex
	items   map[record.Ref]*item
	log     []record.Ref // one entry a change, oldest first
	next    int
	version int
	epoch   int // rises when cursors expire
	Writes  int // writes made through Apply
	Creates int
}

type item struct {
	version  record.Version
	fields   record.Fields
	token    string
	attempt  string
	stamp    string
	created  time.Time
	modified time.Time
	gone     bool
	away     bool // in another folder
}

// New makes an empty folder.
func New(now func() time.Time) *Side {
	return &Side{Now: now, PageSize: 7, items: map[record.Ref]*item{}}
}

func (s *Side) fail(point string) error {
	if s.Fail == nil {
		return nil
	}
	return s.Fail(point)
}

// Put creates or changes an item as the person does in Outlook; without a ref it gets a new one.
func (s *Side) Put(ref record.Ref, fields record.Fields) record.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ref == "" {
		ref = s.fresh()
	}
	if s.items[ref] == nil {
		s.items[ref] = &item{fields: record.Fields{}}
	}
	s.touch(ref, fields)
	return ref
}

// Copy copies an item with its mark, as dragging with Ctrl does.
func (s *Side) Copy(ref record.Ref) record.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	twin := s.fresh()
	s.items[twin] = &item{fields: s.items[ref].fields.Clone(), token: s.items[ref].token, attempt: s.items[ref].attempt, stamp: s.items[ref].stamp}
	s.touch(twin, nil)
	return twin
}

// Delete removes an item as the person does.
func (s *Side) Delete(ref record.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[ref].gone = true
	s.touch(ref, nil)
}

// MoveOut drags an item into another folder.
func (s *Side) MoveOut(ref record.Ref) { s.move(ref, true) }

// MoveIn drags it back.
func (s *Side) MoveIn(ref record.Ref) { s.move(ref, false) }

func (s *Side) move(ref record.Ref, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[ref].away = away
	s.touch(ref, nil)
}

// Expire makes all cursors given out so far invalid.
func (s *Side) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
}

// Items are the fields of the items that are there.
func (s *Side) Items() map[record.Ref]record.Fields {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[record.Ref]record.Fields{}
	for ref, it := range s.items {
		if !it.gone && !it.away {
			out[ref] = it.fields.Clone()
		}
	}
	return out
}

func (s *Side) fresh() record.Ref {
	s.next++
	return record.Ref(fmt.Sprintf("AAk%d", s.next))
}

func (s *Side) touch(ref record.Ref, fields record.Fields) {
	it := s.items[ref]
	it.fields = it.fields.With(fields)
	s.version++
	it.version = record.Version(`W/"` + strconv.Itoa(s.version) + `"`)
	it.modified = s.Now()
	if it.created.IsZero() {
		it.created = it.modified
	}
	s.log = append(s.log, ref)
}

// Changes follows the log.
func (s *Side) Changes(_ context.Context, after record.Cursor, _ int) (record.Page, error) {
	if err := s.fail("changes"); err != nil {
		return record.Page{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := 0
	if after != "" {
		epoch, place, _ := strings.Cut(string(after), ":")
		if epoch != strconv.Itoa(s.epoch) {
			return record.Page{}, fault.New(fault.Gone, fault.CursorExpired, "sync state not found")
		}
		at, _ = strconv.Atoi(place)
	}
	end := min(at+s.PageSize, len(s.log))
	page := record.Page{Next: record.Cursor(fmt.Sprintf("%d:%d", s.epoch, end)), More: end < len(s.log)}
	told := map[record.Ref]bool{}
	for _, ref := range s.log[at:end] {
		if told[ref] || after == "" && (s.items[ref].gone || s.items[ref].away) {
			continue
		}
		told[ref] = true
		c := s.tell(ref)
		if c.State == record.Gone || c.State == record.Left {
			c = record.Change{Ref: ref, State: record.Missing} // a delta never proves
		}
		c.Token, c.Stamp, c.Attempt = "", "", "" // nor does it carry marks
		page.Changes = append(page.Changes, c)
	}
	return page, nil
}

func (s *Side) tell(ref record.Ref) record.Change {
	it := s.items[ref]
	if it == nil {
		return record.Change{Ref: ref, State: record.Gone}
	}
	if it.gone { // it lies in Deleted Items
		return record.Change{Ref: ref, State: record.Gone, Token: it.token, Stamp: it.stamp, Attempt: it.attempt}
	}
	if it.away {
		return record.Change{Ref: ref, State: record.Left, Token: it.token, Stamp: it.stamp, Attempt: it.attempt}
	}
	return record.Change{
		Ref: ref, Version: it.version, Fields: it.fields.Clone(), Token: it.token, Stamp: it.stamp, Attempt: it.attempt,
		Created: it.created, Modified: it.modified,
	}
}

// Read looks at single items.
func (s *Side) Read(_ context.Context, refs []record.Ref) ([]record.Change, error) {
	if err := s.fail("read"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]record.Change, len(refs))
	for i, ref := range refs {
		out[i] = s.tell(ref)
		out[i].TokenRead = true
	}
	return out, nil
}

// Find looks for tokens. Of several items with one it tells the eldest, as outlook does.
func (s *Side) Find(_ context.Context, tokens []string) (map[string]record.Change, error) {
	if err := s.fail("find"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]record.Change{}
	eldest := slices.SortedFunc(maps.Keys(s.items), func(a, b record.Ref) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) })
	for _, ref := range eldest {
		if it := s.items[ref]; !it.gone && !it.away && it.token != "" && slices.Contains(tokens, it.token) {
			if _, twice := out[it.token]; !twice {
				out[it.token] = s.tell(ref)
			}
		}
	}
	return out, nil
}

// Apply carries out writes one by one; each may fail before it happens or after.
func (s *Side) Apply(_ context.Context, writes []record.Write) ([]record.Outcome, error) {
	out := make([]record.Outcome, len(writes))
	for i, w := range writes {
		if s.Fatal != nil {
			if err := s.Fatal("before write"); err != nil {
				for j := i; j < len(writes); j++ {
					out[j].Err = err
				}
				return out, err
			}
		}
		if err := s.fail("before write"); err != nil {
			out[i].Err = err
			if fault.Is(err, fault.Broken) {
				return out[:i], err // the process or the connection died
			}
			continue
		}
		var wanted record.Fields
		if out[i], wanted = s.applyOne(w); wanted != nil {
			if err := s.fail("within write"); fault.Is(err, fault.Broken) {
				return out[:i], err
			} else if err != nil {
				out[i].Fields = s.Items()[out[i].Ref]
				out[i].Err = fault.New(fault.Unavailable, fault.OutcomeUnknown, "single occurrences: %w", err)
				continue
			}
			out[i] = s.finish(out[i], wanted)
		}
		if err := s.fail("after write"); err != nil {
			if fault.Is(err, fault.Broken) {
				return out[:i], err
			}
			out[i] = record.Outcome{Err: fault.New(fault.Unavailable, fault.OutcomeUnknown, "answer lost")}
		}
	}
	return out, nil
}

// applyOne makes a write, of a series its first part; wanted is what then is to become of single occurrences.
func (s *Side) applyOne(w record.Write) (out record.Outcome, wanted record.Fields) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, fields := w.Ref, w.Fields
	it := s.items[ref]
	switch {
	case w.Op == record.Create:
		ref, it = s.fresh(), &item{fields: record.Fields{}, token: w.Token, attempt: w.Stamp}
	case it == nil || it.gone:
		if w.Op == record.Delete {
			return record.Outcome{Ref: ref}, nil
		}
		return record.Outcome{Ref: ref, Err: fault.New(fault.NotFound, "", "not found")}, nil
	case it.away:
		return record.Outcome{Ref: ref, Err: fault.New(fault.Conflict, "", "it is elsewhere")}, nil
	case it.version != w.Version:
		return record.Outcome{Ref: ref, Err: fault.New(fault.Conflict, "", "etag is %s, not %s", it.version, w.Version)}, nil
	}
	if s.Series && w.Op != record.Delete {
		var err error
		if fields, wanted, err = begin(it.fields, w); err != nil {
			return record.Outcome{Ref: ref, Err: err}, nil
		}
	}
	switch w.Op {
	case record.Create:
		s.items[ref] = it
		s.Creates++
	case record.Delete:
		it.gone = true
	}
	s.Writes++
	it.stamp = w.Stamp
	s.touch(ref, fields)
	return record.Outcome{Ref: ref, Version: it.version}, wanted
}

// Deleted lists the items in Deleted Items that a person put there.
func (s *Side) Deleted() []record.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []record.Ref
	for _, ref := range slices.Sorted(maps.Keys(s.items)) {
		if s.items[ref].gone {
			out = append(out, ref)
		}
	}
	return out
}

// Title is the job title of an item, deleted or not.
func (s *Side) Title(ref record.Ref) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.items[ref].fields["jobTitle"])
}

// Undelete takes an item out of Deleted Items: the same immutable id, the same mark.
func (s *Side) Undelete(ref record.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[ref].gone = false
	s.touch(ref, nil)
}

// Drift changes an item without a word in the log, and without touching when it was modified.
func (s *Side) Drift(ref record.Ref, fields record.Fields) {
	s.mu.Lock()
	defer s.mu.Unlock()
	modified, log := s.items[ref].modified, s.log
	s.touch(ref, fields)
	s.items[ref].modified, s.log = modified, log
}

// Vanish removes an item without a word in the log.
func (s *Side) Vanish(ref record.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[ref].gone = true
}

// Smuggle makes an item of which only a reading of everything tells.
func (s *Side) Smuggle(fields record.Fields) record.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, log := s.fresh(), s.log
	s.items[ref] = &item{fields: record.Fields{}}
	s.touch(ref, fields)
	s.log = append([]record.Ref{ref}, log...)
	return ref
}

// Hide keeps the changes from telling of an item until it is changed again, as those that lag behind do. Cursors given out before lose
// their places.
func (s *Side) Hide(ref record.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = slices.DeleteFunc(s.log, func(told record.Ref) bool { return told == ref })
}

// List lists all items with their versions.
func (s *Side) List(context.Context) (map[record.Ref]record.Version, error) {
	if err := s.fail("list"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[record.Ref]record.Version{}
	for ref, it := range s.items {
		if !it.gone && !it.away {
			out[ref] = it.version
		}
	}
	return out, nil
}
