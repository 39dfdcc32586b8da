package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
)

// S19: two calls in a row, the second begun as soon as the first is under way. The slowest batch of all holds back those that
// stand span places behind it and no others, and in the end everything was carried out.
func TestS19_BatchesInARowKeepTheirOrder(t *testing.T) {
	t.Parallel()
	const calls, each, slow = 2, 10, 3
	var mu sync.Mutex
	begun := map[int]bool{}
	hold := make(chan struct{})
	f := newFake(t, func(w http.ResponseWriter, r request) {
		var asked struct {
			Requests []wirePart `json:"requests"`
		}
		if err := json.Unmarshal(r.body, &asked); err != nil {
			t.Error(err)
		}
		var batch int
		if _, err := fmt.Sscanf(asked.Requests[0].URL, "/b%d", &batch); err != nil {
			t.Error(err)
		}
		mu.Lock()
		begun[batch] = true
		all := true
		for before := range slow + rowSpan*4 {
			all = all && begun[before]
		}
		if all && batch != slow {
			select {
			case <-hold:
			default:
				close(hold)
			}
		}
		mu.Unlock()
		if batch == slow {
			<-hold // until all that need not wait for it have begun
			mu.Lock()
			for n := range begun {
				if n >= slow+rowSpan*4 {
					t.Errorf("batch %d has begun before number %d had ended", n, slow)
				}
			}
			mu.Unlock()
		}
		batchOf(t, w, r, func(wirePart) (int, string, map[string]string) { return 201, `{}`, nil })
	})
	row := f.box().Row()
	var wait sync.WaitGroup
	come := make(chan struct{})
	close(come)
	for call := range calls {
		var parts []Part
		for n := range each * BatchSize {
			parts = append(parts, Part{Method: http.MethodPost, Path: fmt.Sprintf("/b%d", call*each+n/BatchSize), Body: []byte(`{}`)})
		}
		mine, next := come, make(chan struct{})
		come = next
		wait.Go(func() {
			<-mine
			results, err := row.Batch(t.Context(), parts, func() { close(next) })
			if err != nil {
				t.Error(err)
			}
			for i, r := range results {
				if r.Status != 201 {
					t.Errorf("part %d: %d %v", i, r.Status, r.Err)
				}
			}
		})
	}
	wait.Wait()
	if len(begun) != calls*each {
		t.Errorf("%d batches were carried out", len(begun))
	}
}

// A row whose first place is never left lets nobody wait for ever: whoever gives up is told so.
func TestARowIsLeftWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &Row{span: 2, ended: map[int]bool{}, moved: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		for want := range 2 {
			if place, err := r.enter(ctx); err != nil || place != want {
				t.Fatal(place, err)
			}
		}
		ended := make(chan error, 1)
		go func() {
			_, err := r.enter(ctx)
			ended <- err
		}()
		synctest.Wait()
		r.leave(1) // not the first: nobody may go on
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("it went on: %v", err)
		default:
		}
		stop()
		if err := <-ended; err == nil {
			t.Error("it was let through")
		}
		r.leave(0)
		if place, err := r.enter(t.Context()); err != nil || place != 2 {
			t.Error(place, err)
		}
	})
}
