package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// shelf keeps one preview. A word of how far it is takes as long as it takes others to store lines meanwhile, if they can.
type shelf struct {
	link reconcile.Link

	mu     sync.Mutex
	kept   reconcile.Preview
	lines  map[int]reconcile.Line
	stored chan struct{} // closed when lines are stored
	words  int

	meanwhile func() // happens before the first lines are stored
}

func (s *shelf) BeginPreview(context.Context, reconcile.Preview) error { return nil }

func (s *shelf) ThePreview(context.Context, string) (reconcile.Preview, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept, nil
}

func (s *shelf) Prospect(context.Context, record.ID, record.ID, record.Kind) (reconcile.Link, error) {
	return s.link, nil
}

func (s *shelf) KeepPreview(_ context.Context, p reconcile.Preview, last time.Time, from int, lines []reconcile.Line) error {
	if s.meanwhile != nil && len(lines) > 0 {
		between := s.meanwhile
		s.meanwhile = nil
		between()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !last.Equal(s.kept.Touched) {
		return fault.New(fault.Conflict, fault.StaleLease, "somebody else makes it")
	}
	if len(lines) == 0 && p.State == reconcile.Rehearsing {
		s.words++
		stored := s.stored
		s.mu.Unlock()
		select {
		case <-stored:
		case <-time.After(20 * time.Millisecond):
		}
		s.mu.Lock()
	}
	s.kept = p
	maps.DeleteFunc(s.lines, func(n int, _ reconcile.Line) bool { return n >= from })
	for i, l := range lines {
		s.lines[from+i] = l
	}
	if len(lines) > 0 {
		close(s.stored)
		s.stored = make(chan struct{})
	}
	return nil
}

// paged tells the CRM's records in pages of a hundred, the next while the one before is being planned.
type paged struct {
	reconcile.Side
	all *[]record.Change
}

func (s paged) Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error) {
	if after == "" {
		for more := true; more; {
			page, err := s.Side.Changes(ctx, after, known)
			if err != nil {
				return page, err
			}
			*s.all = append(*s.all, page.Changes...)
			more, after = page.More, page.Next
		}
	}
	n := min(100, len(*s.all))
	page := record.Page{Changes: (*s.all)[:n], First: true, More: n < len(*s.all), Next: record.Cursor(fmt.Sprint("left ", len(*s.all)-n))}
	*s.all = (*s.all)[n:]
	return page, nil
}

type byPages struct {
	*world
	crm paged
}

func (s byPages) CRM(context.Context, *reconcile.Link) (reconcile.Side, error) { return s.crm, nil }

// TestS18_NoLineOfAPreviewIsLostBesideAWordOfHowFarItIs: pages are read, and told of, while those before are planned.
func TestS18_NoLineOfAPreviewIsLostBesideAWordOfHowFarItIs(t *testing.T) {
	t.Parallel()
	const many = 2000
	s, stage := staged(t, many)
	if err := stage.Rehearse(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if s.kept.State != reconcile.Rehearsed || s.kept.Summary.Counts[reconcile.ToCreate] != many || s.words < 3 {
		t.Fatalf("the preview came to %+v, with %d words of how far it was", s.kept, s.words)
	}
	if len(s.lines) != many {
		t.Errorf("%d lines are kept of %d", len(s.lines), many)
	}
	told := map[record.Ref]bool{}
	for _, l := range s.lines {
		told[l.CRM] = true
	}
	if len(told) != many {
		t.Errorf("they tell of %d records", len(told))
	}
}

// staged is a stage on which a first sync of so many contacts is rehearsed, and where it is kept.
func staged(t *testing.T, many int) (*shelf, *reconcile.Stage) {
	t.Helper()
	w := newWorld(t)
	for i := range many {
		w.insert(fmt.Sprint("c", i), mail(fmt.Sprintf("p%d@fabrikam.example", i)))
	}
	crm, err := w.CRM(t.Context(), new(reconcile.Link))
	if err != nil {
		t.Fatal(err)
	}
	var ticks atomic.Int64 // each look at the clock is a second later: every word is due
	s := &shelf{
		link:  reconcile.Link{Org: org, User: adele, Kind: record.Contacts, State: reconcile.On, Mapping: mapping.Default(record.Contacts)},
		kept:  reconcile.Preview{Org: org, User: adele, Kind: record.Contacts, Occasion: reconcile.Beginning, State: reconcile.Rehearsing},
		lines: map[int]reconcile.Line{}, stored: make(chan struct{}),
	}
	stage := &reconcile.Stage{Previews: s, Previewer: &reconcile.Previewer{
		Past: w.ledger.Past(), Sides: byPages{w, paged{crm, new([]record.Change)}}, Runner: reconcile.Runner{Log: w.runner.Log, Name: "Tandem"},
		Now:      func() time.Time { return w.clock.Add(time.Duration(ticks.Add(1)) * time.Second) },
		Existing: func(context.Context, *reconcile.Link) (record.Ref, string, error) { return "folder", "Tandem", nil },
	}}
	return s, stage
}

// Two jobs make one preview, as when the first seems to be lost and is not: the lines are those of the second, all of them.
func TestS18_TwoJobsOnOnePreview(t *testing.T) {
	t.Parallel()
	const many = 450
	s, first := staged(t, many)
	_, second := staged(t, many)
	second.Previews = s
	s.meanwhile = func() {
		if err := second.Rehearse(t.Context(), ""); err != nil {
			t.Error(err)
		}
	}
	if err := first.Rehearse(t.Context(), ""); err != nil {
		t.Errorf("the first job: %v", err)
	}
	if s.kept.State != reconcile.Rehearsed || s.kept.Summary.Counts[reconcile.ToCreate] != many {
		t.Errorf("the preview came to %+v", s.kept)
	}
	if len(s.lines) != many {
		t.Errorf("%d lines are kept of %d", len(s.lines), many)
	}
}
