// Package sidetest is the conformance suite of sides: whatever fits reconcile.Side passes it, and the suite is the
// specification of what a new neighbour has to do. It knows no fields; samples and field names come from the Config.
package sidetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A Fixture is one fresh neighbour with nothing in it, and the hands of a person who works there.
type Fixture struct {
	// Open gives the side; each call may give a new value, as each run does.
	Open func() reconcile.Side

	Put    func(t *testing.T, fields record.Fields) record.Ref // a person makes an item
	Edit   func(t *testing.T, ref record.Ref, f record.Fields) // changes it
	Remove func(t *testing.T, ref record.Ref)                  // deletes it
	Move   func(t *testing.T, ref record.Ref)                  // takes it out of what the link takes part in; nil: cannot
}

// Config says how to test a side.
type Config struct {
	// New makes a fixture for one test.
	New func(t *testing.T) Fixture
	// Sample gives the i-th of any number of items that differ from each other, with every field filled in that the
	// side can hold.
	Sample func(i int) record.Fields
	// Edits are values for some fields that no sample has; Clears are fields that may be emptied.
	Edits  record.Fields
	Clears []record.Field
	// Same reports whether two values of a field are the same to the side's normal form; nil: the same string.
	Same func(field record.Field, a, b record.Value) bool
	// Bad is what the side refuses of a single record.
	Bad record.Fields
	// Stranger is a well-formed ref that names nothing.
	Stranger func(t *testing.T, f Fixture) record.Ref
	// Meta goes with creates.
	Meta record.Meta
	// TakesTokenOnce says that creating twice with one token makes one item; otherwise Find must be asked first.
	TakesTokenOnce bool
	// Many is a number of items that takes several pages.
	Many int
}

// Run runs the suite.
func Run(t *testing.T, c Config) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"nothing", (*suite).nothing},
		{"create", (*suite).create},
		{"create many in order", (*suite).createMany},
		{"create once by token", (*suite).createOnce},
		{"find", (*suite).find},
		{"update", (*suite).update},
		{"the stamp of the last write", (*suite).stamp},
		{"update at an old version", (*suite).updateStale},
		{"update what is so already", (*suite).updateSame},
		{"clear", (*suite).clear},
		{"every field by itself", (*suite).fieldByField},
		{"delete", (*suite).delete},
		{"delete at an old version", (*suite).deleteStale},
		{"write what is gone", (*suite).writeGone},
		{"one bad write among others", (*suite).mixed},
		{"a person's work", (*suite).person},
		{"moved out", (*suite).movedOut},
		{"pages", (*suite).pages},
		{"cut off between pages", (*suite).resume},
		{"strange refs", (*suite).strangers},
		{"strange cursors", (*suite).cursors},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &suite{T: t, Config: c, f: c.New(t), versions: map[record.Ref]record.Version{}}
			s.side = s.f.Open()
			test.run(s)
		})
	}
}

// A suite is one test on its way. Like a ledger it remembers the versions that it knows, and how far it has read.
type suite struct {
	*testing.T
	Config
	f        Fixture
	side     reconcile.Side
	versions map[record.Ref]record.Version
	cursor   record.Cursor
	tokens   int
}

func (s *suite) ctx() context.Context { return s.Context() }

func (s *suite) token() string {
	s.tokens++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", s.tokens)
}

// pull reads all pages after the cursor with a new value of the side, and looks at what a listing leaves out or what
// is Missing, as a runner does.
func (s *suite) pull() map[record.Ref]record.Change {
	s.Helper()
	s.side = s.f.Open()
	got := map[record.Ref]record.Change{}
	for range 1000 {
		page, err := s.side.Changes(s.ctx(), s.cursor, len(s.versions))
		if err != nil {
			s.Fatalf("changes after %q: %v", s.cursor, err)
		}
		var look []record.Ref
		for _, c := range page.Changes {
			if c.State == record.Missing {
				look = append(look, c.Ref)
			} else {
				s.note(got, c)
			}
		}
		if page.Listing != nil {
			for ref := range s.versions {
				if _, there := page.Listing[ref]; !there {
					look = append(look, ref)
				}
			}
			for ref, version := range page.Listing {
				if s.versions[ref] != version {
					look = append(look, ref)
				}
			}
		}
		for _, c := range s.read(look...) {
			s.note(got, c)
		}
		s.cursor = page.Next
		if !page.More {
			return got
		}
	}
	s.Fatal("the pages have no end")
	return nil
}

func (s *suite) note(got map[record.Ref]record.Change, c record.Change) {
	got[c.Ref] = c
	if c.State == record.Present {
		s.versions[c.Ref] = c.Version
	} else {
		delete(s.versions, c.Ref)
	}
}

func (s *suite) read(refs ...record.Ref) []record.Change {
	s.Helper()
	if len(refs) == 0 {
		return nil
	}
	got, err := s.side.Read(s.ctx(), refs)
	if err != nil {
		s.Fatalf("read: %v", err)
	}
	if len(got) != len(refs) {
		s.Fatalf("read %d refs, got %d changes", len(refs), len(got))
	}
	for i, c := range got {
		if c.Ref != refs[i] {
			s.Fatalf("read: change %d is of %q, want %q", i, c.Ref, refs[i])
		}
	}
	return got
}

func (s *suite) apply(writes ...record.Write) []record.Outcome {
	s.Helper()
	out, err := s.side.Apply(s.ctx(), writes)
	if err != nil {
		s.Fatalf("apply: %v", err)
	}
	if len(out) != len(writes) {
		s.Fatalf("%d writes, %d outcomes", len(writes), len(out))
	}
	for i, o := range out {
		if o.Err == nil && writes[i].Op != record.Delete {
			s.versions[o.Ref] = o.Version
		}
	}
	return out
}

// made creates the i-th sample.
func (s *suite) made(i int) record.Outcome {
	s.Helper()
	return s.good(s.apply(s.creation(i)))[0]
}

func (s *suite) creation(i int) record.Write {
	return record.Write{Op: record.Create, Fields: s.Sample(i), Token: s.token(), Meta: s.Meta}
}

func (s *suite) good(out []record.Outcome) []record.Outcome {
	s.Helper()
	for i, o := range out {
		if o.Err != nil {
			s.Fatalf("write %d: %v", i, o.Err)
		}
		if o.Ref == "" {
			s.Fatalf("write %d has no ref", i)
		}
	}
	return out
}

// holds checks that an item has the fields given.
func (s *suite) holds(where string, got, want record.Fields) {
	s.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		v, told := got[name]
		if !told && want[name] != "" || !s.same(name, v, want[name]) {
			s.Errorf("%s: %s = %q, want %q", where, name, v, want[name])
		}
	}
}

func (s *suite) same(name record.Field, a, b record.Value) bool {
	return a == b || s.Same != nil && s.Same(name, a, b)
}

func (s *suite) present(ref record.Ref) record.Change {
	s.Helper()
	c := s.read(ref)[0]
	if c.State != record.Present {
		s.Fatalf("%s is in state %d, want present", ref, c.State)
	}
	return c
}

func (s *suite) refused(err error, kinds ...fault.Kind) {
	s.Helper()
	if err == nil || !slices.Contains(kinds, fault.KindOf(err)) {
		s.Errorf("fault %v, want one of kind %v", err, kinds)
	}
}
