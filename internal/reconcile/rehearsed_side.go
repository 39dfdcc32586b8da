package reconcile

import (
	"context"
	"fmt"
	"sync"

	"tandem/internal/record"
)

// rehearsedSide is a side as it would be after writes that it was only told of.
type rehearsedSide struct {
	Side
	rehearsal *rehearsal
	where     Where

	mu      sync.Mutex
	written map[record.Ref]pretended
	n       int
}

// pretended is what would have become of an item.
type pretended struct {
	version record.Version
	fields  record.Fields // what was written over what is there; of an item that would be new, the ledger has it
	made    bool          // there was none
	gone    bool
	back    bool // taken out of the recycle bin
}

func (s *rehearsedSide) Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error) {
	page, err := s.Side.Changes(ctx, after, known)
	s.overlay(page.Changes)
	s.rehearsal.compared(len(page.Changes))
	return page, err
}

func (s *rehearsedSide) Read(ctx context.Context, refs []record.Ref) ([]record.Change, error) {
	out := make([]record.Change, len(refs))
	var ask []record.Ref
	var of []int
	for i, ref := range refs {
		if p, ok := s.pretends(ref); ok && p.made {
			out[i] = record.Change{
				Ref: ref, Version: p.version, Fields: s.rehearsal.ledger.held(s.where, ref), TokenRead: true, Meta: s.meta(),
			}
		} else {
			ask, of = append(ask, ref), append(of, i)
		}
	}
	if len(ask) == 0 {
		return out, nil
	}
	read, err := s.Side.Read(ctx, ask)
	if err != nil {
		return nil, err
	}
	s.overlay(read)
	s.rehearsal.compared(len(read))
	for n, i := range of {
		out[i] = read[n]
	}
	return out, nil
}

func (s *rehearsedSide) Find(ctx context.Context, tokens []string) (map[string]record.Change, error) {
	found, err := s.Side.Find(ctx, tokens)
	for token, c := range found {
		one := []record.Change{c}
		s.overlay(one)
		found[token] = one[0]
	}
	return found, err
}

// Match asks the side, if it recognizes records. One that was made in the rehearsal has its item, and is nobody's match.
func (s *rehearsedSide) Match(ctx context.Context, items []record.Fields) ([][]record.Change, error) {
	m, ok := s.Side.(Matcher)
	if !ok {
		return make([][]record.Change, len(items)), nil
	}
	found, err := m.Match(ctx, items)
	for i, candidates := range found {
		s.overlay(candidates)
		kept := candidates[:0]
		for _, c := range candidates {
			if c.State == record.Present {
				kept = append(kept, c)
			}
		}
		found[i] = kept
	}
	return found, err
}

// Apply writes nothing, and says that all went well.
func (s *rehearsedSide) Apply(_ context.Context, writes []record.Write) ([]record.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]record.Outcome, len(writes))
	for i, w := range writes {
		s.n++
		ref, p := w.Ref, s.written[w.Ref]
		p.version = record.Version(fmt.Sprintf("%s%d", unreal, s.n))
		switch w.Op {
		case record.Create:
			ref, p.made = unrealRef(s.where, s.n), true
		case record.Update:
			p.fields = p.fields.With(w.Fields)
		case record.Restore:
			p.fields, p.gone, p.back = p.fields.With(w.Fields), false, true
		case record.Delete:
			p.fields, p.gone = nil, true
		}
		s.written[ref] = p
		out[i] = record.Outcome{Ref: ref, Version: p.version}
	}
	return out, nil
}

func (s *rehearsedSide) pretends(ref record.Ref) (pretended, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.written[ref]
	return p, ok
}

// meta is of a record that the rehearsal has made.
func (s *rehearsedSide) meta() record.Meta {
	return record.Meta{Owner: s.rehearsal.ledger.link.User, Source: record.FromExchange}
}

// overlay tells items as they would be.
func (s *rehearsedSide) overlay(changes []record.Change) {
	for i := range changes {
		c := &changes[i]
		p, ok := s.pretends(c.Ref)
		switch {
		case !ok:
		case p.gone:
			*c = record.Change{Ref: c.Ref, State: record.Gone}
		case p.back: // with what was agreed on when it was deleted
			c.State, c.Version = record.Present, p.version
			c.Fields, c.Meta = s.rehearsal.ledger.held(s.where, c.Ref).With(p.fields), s.meta()
		case c.State == record.Present:
			c.Fields, c.Version = c.Fields.With(p.fields), p.version
		}
	}
}
