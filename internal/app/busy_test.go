package app

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/web"
)

// What was read of other calendars counts for a minute, and no more of it is remembered than there is room for; what is oldest
// makes room.
func TestBusy_IsRememberedForAMinute(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	e := &elsewhere{neighbour: &neighbour{now: func() time.Time { return now }}}
	times := []web.BusyTime{{From: now, To: now.Add(time.Hour), ShowAs: "busy"}}
	if _, ok := e.remembered("a"); ok {
		t.Error("something was remembered from the start")
	}
	e.remember("a", times)
	now = now.Add(busyFor - time.Second)
	if got, ok := e.remembered("a"); !ok || len(got) != 1 || got[0] != times[0] {
		t.Errorf("within the minute: %v, %t", got, ok)
	}
	if _, ok := e.remembered("b"); ok {
		t.Error("another question has the same answer")
	}
	now = now.Add(time.Second)
	if _, ok := e.remembered("a"); ok {
		t.Error("it counts for longer than a minute")
	}
	for i := range 3 * busyMax {
		e.remember(fmt.Sprint(i), times)
	}
	if n := len(e.read); n > busyMax {
		t.Errorf("%d readings are remembered", n)
	}
	if _, ok := e.remembered(fmt.Sprint(3*busyMax - 1)); !ok {
		t.Error("the latest one is not")
	}
	e.remember("c", nil)
	if got, ok := e.remembered("c"); !ok || len(got) != 0 {
		t.Errorf("that there is nothing is not remembered: %v, %t", got, ok)
	}
}
