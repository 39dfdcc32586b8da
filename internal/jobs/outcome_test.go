package jobs

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/store"

	"tandem/internal/account"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		err         error
		again       bool
		least, most time.Duration // of the first pause
		longest     time.Duration // of the tenth
	}{
		{"invalid", fault.Wrong("", "f", "no"), false, 0, 0, 0},
		{"not found", fault.New(fault.NotFound, "", "no"), false, 0, 0, 0},
		{"denied", fault.New(fault.Denied, fault.ReconnectNeeded, "no"), false, 0, 0, 0},
		{"another worker's", fault.New(fault.Conflict, fault.StaleLease, "no"), false, 0, 0, 0},
		{"the operator's problem", fault.New(fault.Denied, fault.AppMisconfigured, "no"), true, time.Second, 2 * time.Second, 6 * time.Minute},
		{"conflict", fault.New(fault.Conflict, fault.Duplicate, "no"), true, time.Second, 2 * time.Second, 72 * time.Second},
		{"throttled", fault.Wait(3*time.Second, "no"), true, 3 * time.Second, 4 * time.Second, 4 * time.Second},
		{"throttled for long", fault.Wait(99*time.Hour, "no"), true, time.Hour, time.Hour + time.Second, time.Hour + time.Second},
		{"throttled without saying", fault.Wait(0, "no"), true, 10 * time.Second, 12 * time.Second, 12 * time.Minute},
		{"unavailable", fault.New(fault.Unavailable, "", "no"), true, time.Second, 2 * time.Second, 72 * time.Second},
		{"broken", errors.New("no"), true, 5 * time.Second, 6 * time.Second, 18 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			var slept time.Duration
			work := func(metadata string) error {
				slept = 0
				return settle(t.Context(), slog.New(slog.DiscardHandler), []byte(metadata), row.err, outcomeOf, func(d time.Duration) { slept = d })
			}
			var snooze *river.JobSnoozeError
			err := work(`{}`)
			if again := errors.As(err, &snooze); again != row.again || !again && err != nil {
				t.Fatalf("settled as %v, want again %t", err, row.again)
			}
			if !row.again {
				return
			}
			if slept < row.least || slept > row.most || snooze.Duration != slept {
				t.Errorf("slept %v, want %v to %v", slept, row.least, row.most)
			}
			work(`{"snoozes": 9}`)
			if slept < row.longest*3/4 || slept > row.longest {
				t.Errorf("slept %v at the tenth time, want about %v", slept, row.longest)
			}
		})
	}
	stopping, stop := context.WithCancel(t.Context())
	stop()
	err := settle(stopping, slog.New(slog.DiscardHandler), nil, errors.New("cut off"), outcomeOf, func(time.Duration) { t.Error("slept while stopping") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopping settles as %v", err)
	}
}

type bin map[record.ID]int

func (b bin) Empty(_ context.Context, org record.ID, _ record.Kind) (int, error) {
	b[org]++
	if b[org] == 1 {
		return 0, errors.New("one kind fails")
	}
	return 1, nil
}

func TestTheBinsOfAllOrganizationsAreEmptied(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), "sqlite::memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Accounts().CreateOrganization(t.Context(), account.Organization{}); err != nil {
			t.Fatal(err)
		}
	}
	b := bin{}
	h := &house{Options: Options{Bin: b, Log: slog.New(slog.DiscardHandler)}, store: s}
	if err := h.empty(t.Context()); err == nil {
		t.Error("a failure is not told")
	}
	if len(b) != 2 || b[1_000_001] != 2 || b[1_000_002] != 2 {
		t.Errorf("emptied are %v", b)
	}
}
