package app

import (
	"log/slog"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// warned is a database with the demo's organizations, a clock, and the warner of an end.
type warned struct {
	*credentialWarner
	t        *testing.T
	db       *store.Store
	clock    time.Time
	managers int
}

func newWarned(t *testing.T, ends string) *warned {
	t.Helper()
	ctx := t.Context()
	w := &warned{t: t, clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	now, log := func() time.Time { return w.clock }, slog.New(slog.DiscardHandler)
	var err error
	w.db, err = store.Open(ctx, "sqlite::memory:", store.Options{SecretKey: "a key for tests, of forty characters or so", Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	if err := w.db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	sim := m365sim.New(m365sim.Options{})
	t.Cleanup(sim.Close)
	if err := Seed(ctx, w.db.Accounts(), sim, w.clock); err != nil {
		t.Fatal(err)
	}
	w.credentialWarner = &credentialWarner{
		accounts: w.db.Accounts(), links: w.db.Links(), ends: Config{MicrosoftClientSecretEnds: ends}.credentialEnds(), now: now, log: log,
	}
	w.eachUser(func(u account.User) {
		if u.State == account.Active && u.May.ManageUsers {
			w.managers++
		}
	})
	if w.managers == 0 {
		t.Fatal("nobody manages users")
	}
	return w
}

func (w *warned) eachUser(do func(account.User)) {
	w.t.Helper()
	orgs, err := w.db.Accounts().Organizations(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, org := range orgs {
		users, err := w.db.Accounts().Users(w.t.Context(), org.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, u := range users {
			do(u)
		}
	}
}

// letters asks for warnings twice and lists the letters of a kind so far.
func (w *warned) letters(kind account.LetterKind) (all []account.Letter) {
	w.t.Helper()
	ctx := w.t.Context()
	for range 2 {
		if err := w.Warn(ctx); err != nil {
			w.t.Fatal(err)
		}
	}
	ids, err := w.db.Letters().Unsent(ctx, w.clock.Add(time.Hour), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, id := range ids {
		l, err := w.db.Letters().Letter(ctx, id)
		if err != nil {
			w.t.Fatal(err)
		}
		if l.Kind == kind {
			all = append(all, l)
		}
	}
	return all
}

// TestFF6_TheEndOfTheSecretIsWarnedOf: those who manage users get one letter 60, 30, 7 and 1 days before and one when it is over, however
// often it is asked, and others none; what was not running at that time is made up for once.
func TestFF6_TheEndOfTheSecretIsWarnedOf(t *testing.T) {
	t.Parallel()
	w := newWarned(t, "2027-02-01")
	for _, row := range []struct {
		day         string
		want, ended int // letters to each so far
	}{
		{"2026-11-22", 0, 0}, {"2026-12-02", 0, 0}, {"2026-12-03", 1, 0}, {"2026-12-20", 1, 0}, {"2027-01-05", 2, 0}, {"2027-01-24", 2, 0},
		{"2027-01-25", 3, 0}, {"2027-01-31", 4, 0}, {"2027-02-01", 4, 1}, {"2027-02-03", 4, 1}, {"2027-04-20", 4, 1},
	} {
		day, err := time.Parse(time.DateOnly, row.day)
		if err != nil {
			t.Fatal(err)
		}
		w.clock = day.Add(time.Hour)
		if n := len(w.letters(account.LetterCredential)); n != row.want*w.managers {
			t.Errorf("on %s there are %d letters to %d people, not %d to each", row.day, n, w.managers, row.want)
		}
		ended := w.letters(account.LetterCredentialEnded)
		if len(ended) != row.ended*w.managers {
			t.Errorf("on %s there are %d letters of the end to %d people, not %d to each", row.day, len(ended), w.managers, row.ended)
		}
		for _, l := range ended {
			if l.Word != "2027-02-01" {
				t.Errorf("a letter of the end names the day %q", l.Word)
			}
		}
	}
	if (Config{}).credentialEnds() != (time.Time{}) {
		t.Error("an end that nobody told")
	}
}

// TestFF6_WhoeverMicrosoftRefusesIsTold: nobody said when the secret ends. Once Microsoft has refused it for an hour, those who manage
// users get one letter, and another one only after sync has worked in between.
func TestFF6_WhoeverMicrosoftRefusesIsTold(t *testing.T) {
	t.Parallel()
	w := newWarned(t, "")
	ctx := t.Context()
	var org record.ID
	var id reconcile.LinkID
	managers := 0
	w.eachUser(func(u account.User) {
		if org == 0 {
			org = u.Org
			l, err := w.db.Links().CreateLink(ctx, reconcile.Link{
				Org: org, User: u.ID, Kind: record.Contacts, State: reconcile.On, Since: w.clock, Mapping: mapping.Default(record.Contacts),
			})
			if err != nil {
				t.Fatal(err)
			}
			id = l.ID
		}
		if u.Org == org && u.State == account.Active && u.May.ManageUsers {
			managers++
		}
	})
	run := func(reason fault.Reason) {
		t.Helper()
		l, err := w.db.Ledger().Open(ctx, id, w.clock, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if l.Reason = reason; reason == "" {
			l.LastRun = w.clock
		}
		if err := w.db.Ledger().Close(ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, each int) {
		t.Helper()
		all := w.letters(account.LetterCredentialEnded)
		if len(all) != each*managers {
			t.Errorf("%s there are %d letters to %d people, not %d to each", when, len(all), managers, each)
		}
		for _, l := range all {
			if l.Word != "" || l.Org != org {
				t.Errorf("%s a letter to organization %d names the day %q", when, l.Org, l.Word)
			}
		}
	}
	run("")
	expect("while sync works", 0)
	run(fault.AppMisconfigured)
	w.clock = w.clock.Add(30 * time.Minute)
	expect("after half an hour", 0)
	w.clock = w.clock.Add(31 * time.Minute)
	run(fault.AppMisconfigured)
	expect("after an hour", 1)
	w.clock = w.clock.Add(5 * 24 * time.Hour)
	expect("days later", 1)
	run("")
	expect("when sync works again", 1)
	w.clock = w.clock.Add(time.Minute)
	run(fault.AppMisconfigured)
	w.clock = w.clock.Add(2 * time.Hour)
	expect("when it is refused once more", 2)
}
