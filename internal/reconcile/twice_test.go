package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// stutter tells the CRM's records in two pages that share one, as a listing does that is shifted while it is read.
type stutter struct {
	reconcile.Side
	page *record.Page
}

func (s stutter) Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error) {
	if after != "" && s.page.Changes != nil {
		return *s.page, nil
	}
	whole, err := s.Side.Changes(ctx, after, known)
	if err != nil || len(whole.Changes) < 3 {
		return whole, err
	}
	*s.page = whole
	part := whole
	part.Changes, part.Next, part.More = whole.Changes[:2], "more", true
	s.page.Changes = slices.Clone(whole.Changes[1:])
	s.page.Changes[0].Fields = s.page.Changes[0].Fields.Clone() // each page is its reader's own
	return part, nil
}

type stuttering struct {
	*world
	side stutter
}

func (s stuttering) CRM(ctx context.Context, l *reconcile.Link) (reconcile.Side, error) {
	return s.side, nil
}

func TestI3_ARecordToldTwiceIsCreatedOnce(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.insert(fmt.Sprint(i), nil)
	}
	side, err := w.CRM(t.Context(), new(reconcile.Link))
	if err != nil {
		t.Fatal(err)
	}
	w.runner.Sides, w.runner.Width = stuttering{w, stutter{side, &record.Page{}}}, 3
	// A write waits a moment for another one to be under way beside it.
	var mu sync.Mutex
	calls, another := 0, make(chan struct{})
	w.folder.Fail = func(point string) error {
		if point != "before write" {
			return nil
		}
		mu.Lock()
		if calls++; calls == 2 {
			close(another)
		}
		mu.Unlock()
		select {
		case <-another:
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	}
	if err := w.runner.Run(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if n := len(w.folder.Items()); n != 3 {
		t.Errorf("3 contacts became %d items", n)
	}
}
