package sidetest

import (
	"tandem/internal/fault"
	"tandem/internal/record"
)

func (s *suite) create() {
	s.pull()
	w := s.creation(1)
	o := s.good(s.apply(w))[0]
	if o.Version == "" {
		s.Error("the outcome has no version")
	}
	if o.Fields != nil {
		s.holds("outcome", o.Fields, w.Fields)
	}
	c := s.present(o.Ref)
	s.holds("read", c.Fields, w.Fields)
	if c.Version != o.Version {
		s.Errorf("read version %q, the outcome said %q", c.Version, o.Version)
	}
	if c.TokenRead && c.Token != w.Token {
		s.Errorf("token %q, want %q", c.Token, w.Token)
	}
	if seen, ok := s.pull()[o.Ref]; ok { // our own write may come round: at the version that we know
		if seen.State != record.Present || seen.Version != o.Version {
			s.Errorf("came round as %d at version %q, want present at %q", seen.State, seen.Version, o.Version)
		}
	}
	if again := s.pull(); len(again) != 0 {
		s.Errorf("a quiet reading told %d changes", len(again))
	}
}

func (s *suite) createMany() {
	var writes []record.Write
	for i := range 45 {
		writes = append(writes, s.creation(i))
	}
	seen := map[record.Ref]bool{}
	for i, o := range s.good(s.apply(writes...)) {
		if seen[o.Ref] {
			s.Fatalf("ref %s comes twice", o.Ref)
		}
		seen[o.Ref] = true
		if i%9 == 0 {
			s.holds("in order", s.present(o.Ref).Fields, writes[i].Fields)
		}
	}
}

func (s *suite) createOnce() {
	w := s.creation(1)
	first := s.good(s.apply(w))[0]
	if s.TakesTokenOnce {
		again := s.good(s.apply(w))[0]
		if again.Ref != first.Ref {
			s.Errorf("the second create made %s, the first %s", again.Ref, first.Ref)
		}
	}
	found, err := s.side.Find(s.ctx(), []string{w.Token})
	if err != nil {
		s.Fatal(err)
	}
	if found[w.Token].Ref != first.Ref {
		s.Errorf("found %q by the token, want %q", found[w.Token].Ref, first.Ref)
	}
	present := 0
	for _, c := range s.pull() {
		if c.State == record.Present {
			present++
		}
	}
	if present > 1 {
		s.Errorf("%d items, want one", present)
	}
}

func (s *suite) find() {
	var writes []record.Write
	for i := range 23 {
		writes = append(writes, s.creation(i))
	}
	out := s.good(s.apply(writes...))
	tokens := []string{"00000000-0000-4000-8000-ffffffffffff"}
	for _, w := range writes {
		tokens = append(tokens, w.Token)
	}
	found, err := s.side.Find(s.ctx(), tokens)
	if err != nil {
		s.Fatal(err)
	}
	if len(found) != len(writes) {
		s.Errorf("found %d, want %d", len(found), len(writes))
	}
	for i, w := range writes {
		c := found[w.Token]
		if c.Ref != out[i].Ref || c.State != record.Present || c.Version != out[i].Version {
			s.Errorf("token %d: found %q at %q, want %q at %q", i, c.Ref, c.Version, out[i].Ref, out[i].Version)
			continue
		}
		s.holds("found", c.Fields, w.Fields)
	}
}

func (s *suite) update() {
	o := s.made(1)
	before := s.present(o.Ref)
	u := s.good(s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: s.Edits}))[0]
	if u.Ref != o.Ref || u.Version == o.Version || u.Version == "" {
		s.Errorf("outcome %s at %q, want %s at a version other than %q", u.Ref, u.Version, o.Ref, o.Version)
	}
	after := s.present(o.Ref)
	s.holds("updated", after.Fields, s.Edits)
	s.holds("left alone", after.Fields, before.Fields.With(s.Edits))
	if after.Version != u.Version {
		s.Errorf("read version %q, the outcome said %q", after.Version, u.Version)
	}
}

func (s *suite) updateStale() {
	o := s.made(1)
	s.f.Edit(s.T, o.Ref, s.Edits)
	out := s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: s.Sample(2)})
	s.refused(out[0].Err, fault.Conflict)
	s.holds("a person's edit", s.present(o.Ref).Fields, s.Edits)
}

func (s *suite) updateSame() {
	w := s.creation(1)
	o := s.good(s.apply(w))[0]
	s.pull()
	u := s.good(s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: w.Fields}))[0]
	if c := s.present(o.Ref); c.Version != u.Version {
		s.Errorf("read version %q, the outcome said %q", c.Version, u.Version)
	}
}

func (s *suite) clear() {
	o := s.made(1)
	empty := record.Fields{}
	for _, name := range s.Clears {
		empty[name] = ""
	}
	s.good(s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: empty}))
	got := s.present(o.Ref)
	s.holds("cleared", got.Fields, s.Sample(1).With(empty))
}

// fieldByField changes one field after another and looks that no other moves.
func (s *suite) fieldByField() {
	o := s.made(1)
	want := s.present(o.Ref).Fields
	for name, value := range s.Edits {
		one := record.Fields{name: value}
		u := s.good(s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: one}))[0]
		o.Version = u.Version
		want = want.With(one)
		s.holds("after a change of "+string(name), s.present(o.Ref).Fields, want)
	}
}

func (s *suite) delete() {
	o := s.made(1)
	s.pull()
	w := record.Write{Op: record.Delete, Ref: o.Ref, Version: o.Version}
	if d := s.good(s.apply(w))[0]; d.Ref != o.Ref {
		s.Errorf("deleted %s, want %s", d.Ref, o.Ref)
	}
	if c := s.read(o.Ref)[0]; c.State != record.Gone {
		s.Errorf("state %d after the deletion, want gone", c.State)
	}
	s.good(s.apply(w))
}

func (s *suite) deleteStale() {
	o := s.made(1)
	s.f.Edit(s.T, o.Ref, s.Edits)
	out := s.apply(record.Write{Op: record.Delete, Ref: o.Ref, Version: o.Version})
	s.refused(out[0].Err, fault.Conflict)
	s.present(o.Ref)
}

func (s *suite) writeGone() {
	o := s.made(1)
	s.f.Remove(s.T, o.Ref)
	out := s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: s.Edits})
	s.refused(out[0].Err, fault.Conflict, fault.Gone, fault.NotFound)
	s.good(s.apply(record.Write{Op: record.Delete, Ref: o.Ref, Version: o.Version}))
}

func (s *suite) mixed() {
	a, b, c := s.made(1), s.made(2), s.made(3)
	s.f.Edit(s.T, c.Ref, s.Edits)
	bad := s.creation(4)
	bad.Fields = bad.Fields.With(s.Bad)
	out := s.apply(
		s.creation(5),
		bad,
		record.Write{Op: record.Update, Ref: a.Ref, Version: a.Version, Fields: s.Edits},
		record.Write{Op: record.Delete, Ref: b.Ref, Version: b.Version},
		record.Write{Op: record.Update, Ref: c.Ref, Version: c.Version, Fields: s.Sample(6)},
		s.creation(7),
	)
	for _, i := range []int{0, 2, 3, 5} {
		if out[i].Err != nil || out[i].Ref == "" {
			s.Errorf("write %d: ref %q, %v", i, out[i].Ref, out[i].Err)
		}
	}
	s.refused(out[1].Err, fault.Invalid)
	s.refused(out[4].Err, fault.Conflict)
	s.holds("the first", s.present(out[0].Ref).Fields, s.Sample(5))
	s.holds("the last", s.present(out[5].Ref).Fields, s.Sample(7))
}

// stamp: a write leaves its stamp, which stays whatever people do to the record, until another write leaves its own.
func (s *suite) stamp() {
	w := s.creation(1)
	w.Stamp = "first"
	o := s.good(s.apply(w))[0]
	attempt := s.present(o.Ref).Attempt
	version := o.Version
	for _, stamp := range []string{"second", "third"} {
		fields := s.Edits
		if stamp == "third" {
			fields = s.Sample(2)
		}
		u := s.good(s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: version, Fields: fields, Stamp: stamp}))[0]
		if c := s.present(o.Ref); c.Stamp != stamp || c.Attempt != attempt {
			s.Errorf("the stamp is %q and the attempt %q, want %q and %q", c.Stamp, c.Attempt, stamp, attempt)
		}
		refused := s.apply(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: fields, Stamp: "refused"})
		s.refused(refused[0].Err, fault.Conflict)
		s.f.Edit(s.T, o.Ref, s.Edits)
		c := s.present(o.Ref)
		if c.Stamp != stamp || c.Attempt != attempt {
			s.Errorf("after a person's edit the stamp is %q and the attempt %q, want %q and %q", c.Stamp, c.Attempt, stamp, attempt)
		}
		if version = c.Version; version == u.Version && stamp == "third" {
			s.Error("the person's edit changed nothing")
		}
	}
}
