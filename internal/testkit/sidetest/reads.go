package sidetest

import (
	"fmt"

	"tandem/internal/fault"
	"tandem/internal/record"
)

func (s *suite) nothing() {
	if got := s.pull(); len(got) != 0 {
		s.Errorf("%d changes of nothing", len(got))
	}
	if got := s.pull(); len(got) != 0 {
		s.Errorf("%d changes of nothing, the second time", len(got))
	}
	if out := s.apply(); len(out) != 0 {
		s.Errorf("%d outcomes of no writes", len(out))
	}
	if found, err := s.side.Find(s.ctx(), nil); err != nil || len(found) != 0 {
		s.Errorf("found %v by no token (%v)", found, err)
	}
}

// person follows a person who makes, edits and deletes, run by run.
func (s *suite) person() {
	own := s.made(1)
	s.pull()
	ref := s.f.Put(s.T, s.Sample(2))
	got := s.pull()
	if got[ref].State != record.Present || len(got) != 1 {
		s.Fatalf("after a person made %s: %s", ref, told(got))
	}
	s.holds("made by a person", got[ref].Fields, s.Sample(2))

	s.f.Edit(s.T, own.Ref, s.Edits)
	got = s.pull()
	if got[own.Ref].State != record.Present || len(got) != 1 {
		s.Fatalf("after a person edited %s: %s", own.Ref, told(got))
	}
	s.holds("edited by a person", got[own.Ref].Fields, s.Sample(1).With(s.Edits))

	s.f.Remove(s.T, ref)
	got = s.pull()
	if c, ok := got[ref]; !ok || c.State != record.Gone {
		s.Fatalf("after a person deleted %s: %s", ref, told(got))
	}
	s.f.Remove(s.T, own.Ref)
	another := s.f.Put(s.T, s.Sample(3))
	got = s.pull()
	if c, ok := got[own.Ref]; !ok || c.State != record.Gone || got[another].State != record.Present {
		s.Fatalf("after a person deleted %s and made %s: %s", own.Ref, another, told(got))
	}
	if got := s.pull(); len(got) != 0 {
		for ref, c := range got { // a last look may follow; it tells nothing new
			if c.State != record.Present || c.Version != s.versions[ref] {
				s.Errorf("a quiet reading told of %s", ref)
			}
		}
	}
}

func told(got map[record.Ref]record.Change) string {
	text := fmt.Sprintf("%d changes", len(got))
	for ref, c := range got {
		text += fmt.Sprintf("; %s in state %d", ref, c.State)
	}
	return text
}

func (s *suite) movedOut() {
	if s.f.Move == nil {
		s.Skip("nothing can be moved here")
	}
	o := s.made(1)
	s.pull()
	s.f.Move(s.T, o.Ref)
	got := s.pull()
	if c, ok := got[o.Ref]; !ok || c.State != record.Left {
		s.Errorf("after it was moved out: %s", told(got))
	}
	if c := s.read(o.Ref)[0]; c.State != record.Left {
		s.Errorf("read in state %d, want left", c.State)
	}
	for _, op := range []record.Op{record.Update, record.Delete} {
		out := s.apply(record.Write{Op: op, Ref: o.Ref, Version: o.Version, Fields: s.Edits})
		s.refused(out[0].Err, fault.Conflict, fault.Gone, fault.NotFound)
	}
	if c := s.read(o.Ref)[0]; c.State != record.Left {
		s.Errorf("after writes to it in state %d, want left", c.State)
	}
}

// fill makes many items, past the side.
func (s *suite) fill() map[record.Ref]bool {
	s.Helper()
	refs := map[record.Ref]bool{}
	for i := range s.Many {
		refs[s.f.Put(s.T, s.Sample(i))] = true
	}
	return refs
}

func (s *suite) pages() {
	refs := s.fill()
	got := s.pull()
	for ref := range refs {
		if got[ref].State != record.Present {
			s.Fatalf("%s is not among %d changes", ref, len(got))
		}
	}
	if len(got) != len(refs) {
		s.Errorf("%d changes, want %d", len(got), len(refs))
	}
}

// resume begins anew from every cursor that a round gives, each time with a new value of the side: what is left to
// come from there must come.
func (s *suite) resume() {
	refs := s.fill()
	var pages []record.Page
	at := record.Cursor("")
	for {
		page, err := s.f.Open().Changes(s.ctx(), at, 0)
		if err != nil {
			s.Fatal(err)
		}
		pages = append(pages, page)
		if at = page.Next; !page.More {
			break
		}
	}
	if len(pages) < 2 {
		s.Fatalf("%d items came on one page; make Many larger", len(refs))
	}
	for cut := range len(pages) - 1 {
		seen := map[record.Ref]bool{}
		for _, p := range pages[:cut+1] {
			for _, c := range p.Changes {
				seen[c.Ref] = true
			}
		}
		s.cursor, s.versions = pages[cut].Next, map[record.Ref]record.Version{}
		for ref := range seen {
			s.versions[ref] = ""
		}
		for ref := range s.pull() {
			seen[ref] = true
		}
		for ref := range refs {
			if !seen[ref] {
				s.Fatalf("cut after page %d, %s never came", cut+1, ref)
			}
		}
	}
}

func (s *suite) strangers() {
	o := s.made(1)
	stranger := s.Stranger(s.T, s.f)
	got := s.read(stranger, o.Ref)
	if got[0].State != record.Gone && got[0].State != record.Missing {
		s.Errorf("a strange ref is in state %d", got[0].State)
	}
	if got[1].State != record.Present {
		s.Errorf("beside it, %s is in state %d", o.Ref, got[1].State)
	}
	out := s.apply(record.Write{Op: record.Update, Ref: stranger, Version: o.Version, Fields: s.Edits})
	if out[0].Err == nil {
		s.Error("a strange ref was updated")
	}
}

func (s *suite) cursors() {
	s.made(1)
	for _, c := range []record.Cursor{"nonsense", `{"v":99}`, "{}"} {
		_, err := s.side.Changes(s.ctx(), c, 1)
		if !fault.Is(err, fault.Gone) || fault.ReasonOf(err) != fault.CursorExpired {
			s.Errorf("cursor %q: %v, want gone (cursor_expired)", c, err)
		}
	}
}
