package app

import (
	"log/slog"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/m365sim"
	"tandem/internal/store"
)

// TestFF6_TheEndOfTheSecretIsWarnedOf: those who manage users get one letter 60, 30, 7 and 1 days before, however often it is asked,
// and others none; what was not running at that time is made up for once.
func TestFF6_TheEndOfTheSecretIsWarnedOf(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	db, err := store.Open(ctx, "sqlite::memory:", store.Options{
		SecretKey: "a key for tests, of forty characters or so", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	sim := m365sim.New(m365sim.Options{})
	t.Cleanup(sim.Close)
	if err := Seed(ctx, db.Accounts(), sim, now); err != nil {
		t.Fatal(err)
	}
	orgs, err := db.Accounts().Organizations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	managers := 0
	for _, org := range orgs {
		users, err := db.Accounts().Users(ctx, org.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			if u.State == account.Active && u.May.ManageUsers {
				managers++
			}
		}
	}
	if managers == 0 {
		t.Fatal("nobody manages users")
	}
	ends := Config{MicrosoftClientSecretEnds: "2027-02-01"}.credentialEnds()
	w := &credentialWarner{accounts: db.Accounts(), ends: ends, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	for _, row := range []struct {
		day  string
		want int // letters to each so far
	}{
		{"2026-11-22", 0}, {"2026-12-02", 0}, {"2026-12-03", 1}, {"2026-12-20", 1}, {"2027-01-05", 2}, {"2027-01-24", 2}, {"2027-01-25", 3}, {"2027-01-31", 4}, {"2027-02-03", 4},
	} {
		if now, err = time.Parse(time.DateOnly, row.day); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		for range 2 {
			if err := w.Warn(ctx); err != nil {
				t.Fatal(err)
			}
		}
		letters, err := db.Letters().Unsent(ctx, now.Add(time.Hour), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(letters) != row.want*managers {
			t.Errorf("on %s there are %d letters to %d people, not %d to each", row.day, len(letters), managers, row.want)
		}
	}
	if (Config{}).credentialEnds() != (time.Time{}) {
		t.Error("an end that nobody told")
	}
}
