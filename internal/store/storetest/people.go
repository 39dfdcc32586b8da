package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

func testPermissions(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	hash := sha256.Sum256([]byte("token"))
	ok(t, s.CreateToken(ctx, w.ours, w.ana, hash[:], w.clock.Now()))
	ok(t, s.OpenSession(ctx, account.Session{ID: "session", Org: w.ours, User: w.ana, Seen: w.clock.Now()}))
	check := func(what string, want account.Permissions) {
		t.Helper()
		got := map[string]account.User{
			"User":           must(s.User(ctx, w.ours, w.ana))(t),
			"UserByEmail":    must(s.UserByEmail(ctx, w.ours, "ana@x.example"))(t),
			"UserByIdentity": must(s.UserByIdentity(ctx, account.Identity{TenantID: w.ours.String(), ObjectID: "ana"}))(t),
			"UsersByEmail":   must(s.UsersByEmail(ctx, "ana@x.example"))(t)[0],
			"Users":          must(s.Users(ctx, w.ours))(t)[0],
			"People":         must(s.People(ctx, w.ours, account.PeopleQuery{}))(t)[0],
			"UserByToken":    must(s.UserByToken(ctx, hash[:]))(t),
			"SessionUser":    must(s.SessionUser(ctx, "session", time.Time{}))(t),
		}
		w.within(w.ours, func(tx account.Tx) error {
			var errs [5]error
			got["tx.User"], errs[0] = tx.User(w.ana)
			got["tx.UserByEmail"], errs[1] = tx.UserByEmail("ana@x.example")
			got["tx.UserByIdentity"], errs[2] = tx.UserByIdentity(account.Identity{TenantID: w.ours.String(), ObjectID: "ana"})
			active, err := tx.Active()
			errs[3] = err
			of, err := tx.UsersOf(got["tx.User"].Profile)
			errs[4] = err
			got["tx.Active"], got["tx.UsersOf"] = active[0], of[0]
			return errors.Join(errs[:]...)
		})
		for from, u := range got {
			if u.ID != w.ana || u.May != want {
				t.Errorf("%s: %s tells %s may %+v", what, from, u.Email, u.May)
			}
		}
	}
	check("built in", account.Standard.Permissions())
	less := account.Permissions{Contacts: record.Access{View: record.Own}}
	w.within(w.ours, func(tx account.Tx) error { return tx.SaveProfile(account.Standard, less) })
	check("changed", less)
	if eve := must(s.User(ctx, w.theirs, w.eve))(t); eve.May != account.Standard.Permissions() {
		t.Errorf("another organization's may %+v", eve.May)
	}
	if u := must(s.CreateUser(ctx, account.User{Org: w.ours, Email: "zed@x.example", Profile: account.Standard, State: account.Invited}))(t); u.May != less {
		t.Errorf("made with %+v", u.May)
	}
	w.within(w.ours, func(tx account.Tx) error { return tx.SaveProfile("Sales", account.Permissions{ManageUsers: true}) })
	w.change(w.ana, func(u *account.User) { u.Profile = "Sales" })
	check("an own one", account.Permissions{ManageUsers: true})
	w.within(w.ours, func(tx account.Tx) error {
		for _, to := range []account.Profile{account.SuperAdmin} {
			if err := tx.RenameProfile("Sales", to); !fault.Is(err, fault.Conflict) {
				t.Errorf("renamed to %s: %v", to, err)
			}
		}
		if _, err := tx.Profile("Vendas"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a profile that is not there: %v", err)
		}
		return tx.RenameProfile("Sales", "Vendas")
	})
	check("renamed", account.Permissions{ManageUsers: true})
	w.within(w.ours, func(tx account.Tx) error { return tx.SaveProfile("Árvore", account.Permissions{}) })
	want := []account.NamedProfile{
		{Name: account.SuperAdmin, May: account.SuperAdmin.Permissions(), BuiltIn: true},
		{Name: account.Administrator, May: account.Administrator.Permissions(), BuiltIn: true},
		{Name: account.Standard, May: less, BuiltIn: true, Users: 2},
		{Name: "Árvore"},
		{Name: "Vendas", May: account.Permissions{ManageUsers: true}, Users: 1},
	}
	if got := must(s.Profiles(ctx, w.ours))(t); !slices.Equal(got, want) {
		t.Errorf("profiles are %+v", got)
	}
	w.within(w.ours, func(tx account.Tx) error {
		if p, err := tx.Profile("Vendas"); err != nil || p != want[4] {
			t.Errorf("found %+v, %v", p, err)
		}
		return errors.Join(tx.DeleteProfile("Vendas"), tx.DeleteProfile(account.Standard))
	})
	check("deleted: nothing is allowed", account.Permissions{})
	w.change(w.ana, func(u *account.User) { u.Profile = account.Standard })
	check("built in again", account.Standard.Permissions())
}

func testPeople(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	add := func(email, first, last string, state account.State) record.ID {
		return must(s.CreateUser(ctx, account.User{Org: w.ours, Email: email, FirstName: first, LastName: last, State: state, Profile: account.Standard,
			Identity: account.Identity{TenantID: "t", ObjectID: email}, Terms: w.clock.Now()}))(t).ID
	}
	add("z@x.example", "Álvaro", "100%_Conceição", account.Invited)
	add("ask@y.example", "", "", account.Requested)
	add("off@x.example", "Dora", "Off", account.Deactivated)
	gone := add("Gone@x.example", "Gil", "Gone", account.Active)
	w.change(gone, func(u *account.User) { u.State = account.Deleted })
	list := func(q account.PeopleQuery) string {
		t.Helper()
		var names []string
		for _, u := range must(s.People(ctx, w.ours, q))(t) {
			names = append(names, u.Name())
		}
		return strings.Join(names, ", ")
	}
	for q, want := range map[account.PeopleQuery]string{
		{}:                              "Álvaro 100%_Conceição, ana, ask@y.example, bob, Dora Off",
		{State: account.Active}:         "ana, bob",
		{State: account.Requested}:      "ask@y.example",
		{State: account.Deleted}:        "",
		{Search: "conceicao ALVARO"}:    "Álvaro 100%_Conceição",
		{Search: "y.EXAMPLE"}:           "ask@y.example",
		{Search: "100%_"}:               "Álvaro 100%_Conceição",
		{Search: "1_0"}:                 "",
		{Search: "gil"}:                 "",
		{Limit: 2}:                      "Álvaro 100%_Conceição, ana",
		{Limit: 2, Offset: 3}:           "bob, Dora Off",
		{Offset: 4}:                     "Dora Off",
		{Search: "o", State: "invited"}: "Álvaro 100%_Conceição",
	} {
		if got := list(q); got != want {
			t.Errorf("%+v finds %q", q, got)
		}
	}
	if got := must(s.CountPeople(ctx, w.ours))(t); fmt.Sprint(got) != "map[active:2 deactivated:1 invited:1 requested:1]" {
		t.Errorf("counted %v", got)
	}
	var owners []string
	for _, u := range must(s.Users(ctx, w.ours))(t) {
		owners = append(owners, u.Name())
	}
	if !slices.Equal(owners, []string{"ana", "bob", "Dora Off"}) {
		t.Errorf("owners may be %v", owners)
	}

	if u := must(s.User(ctx, w.ours, gone))(t); u.Name() != "Gil Gone" || u.State != account.Deleted || !u.Identity.IsZero() {
		t.Errorf("a deleted user is %+v", u)
	}
	for what, err := range map[string]error{
		"address":  second(s.UserByEmail(ctx, w.ours, "gone@x.example")),
		"identity": second(s.UserByIdentity(ctx, account.Identity{TenantID: "t", ObjectID: "gone@x.example"})),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("a deleted user is found by %s: %v", what, err)
		}
	}
	if all := must(s.UsersByEmail(ctx, "gone@x.example"))(t); len(all) != 0 {
		t.Errorf("found %+v", all)
	}
	// Who of a directory's people is a user: Eve of the other organization by her identity alone.
	ours, theirs := w.ours.String(), w.theirs.String()
	known := must(s.Recognize(ctx, w.ours, []account.Invitee{
		{Identity: account.Identity{TenantID: strings.ToUpper(ours), ObjectID: "BOB"}, Email: "other@x.example"},
		{Identity: account.Identity{TenantID: ours, ObjectID: "nobody"}, Email: " Ana@X.example"},
		{Identity: account.Identity{TenantID: theirs, ObjectID: "eve"}, Email: "nobody@x.example"},
		{Identity: account.Identity{TenantID: "t", ObjectID: "gone@x.example"}, Email: "gone@x.example"},
		{Email: "eve@y.example"}, {Email: "ana@x.example"},
	}))(t)
	var who []record.ID
	for _, u := range known {
		who = append(who, u.ID)
	}
	if want := []record.ID{w.bob, w.ana, w.eve, 0, 0, w.ana}; !slices.Equal(who, want) || known[0].May != account.Standard.Permissions() {
		t.Errorf("recognized %v, want %v: %+v", who, want, known[0])
	}
	if none := must(s.Recognize(ctx, w.ours, nil))(t); len(none) != 0 {
		t.Errorf("of nobody %+v", none)
	}
	again := add("gone@x.example", "Gil", "Again", account.Active)
	if u := must(s.UserByEmail(ctx, w.ours, "gone@x.example"))(t); u.ID != again || !u.Terms.Equal(w.clock.Now()) {
		t.Errorf("found %+v", u)
	}
	err := s.Within(ctx, w.ours, func(tx account.Tx) error {
		u, err := tx.User(gone)
		u.State = account.Active
		return errors.Join(err, tx.UpdateUser(u))
	})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("back at an address that is taken: %v", err)
	}
	w.change(again, func(u *account.User) { u.State = account.Deleted }) // two of one address
}

func testPasses(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	create := func(user record.ID, purpose account.Purpose) (p account.Pass) {
		w.within(w.ours, func(tx account.Tx) (err error) {
			p, err = tx.CreatePass(account.Pass{User: user, Purpose: purpose, By: w.bob, Created: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour)})
			return err
		})
		return p
	}
	state := func(p account.Pass) account.PassState {
		t.Helper()
		return must(s.Pass(ctx, p.ID))(t).State
	}
	first := create(w.ana, account.Invitation)
	if got := must(s.Pass(ctx, first.ID))(t); got != first || got.Org != w.ours || got.By != w.bob || got.State != account.PassOpen {
		t.Errorf("stored is %+v, told was %+v", got, first)
	}
	reset, bobs := create(w.ana, account.PasswordReset), create(w.bob, account.Invitation)
	second := create(w.ana, account.Invitation)
	w.within(w.ours, func(tx account.Tx) error { return tx.ChangePass(second.ID, account.PassUsed) })
	third := create(w.ana, account.Invitation)
	if a, b, c, d, e := state(first), state(second), state(third), state(reset), state(bobs); a != account.PassReplaced || b != account.PassUsed ||
		c != account.PassOpen || d != account.PassOpen || e != account.PassOpen {
		t.Errorf("passes are %s %s %s %s %s", a, b, c, d, e)
	}
	w.within(w.ours, func(tx account.Tx) error { return tx.EndPasses(w.ana) })
	if a, b, c, d, e := state(first), state(second), state(third), state(reset), state(bobs); a != account.PassReplaced || b != account.PassUsed ||
		c != account.PassWithdrawn || d != account.PassWithdrawn || e != account.PassOpen {
		t.Errorf("passes are %s %s %s %s %s", a, b, c, d, e)
	}
	if _, err := s.Pass(ctx, 77); !fault.Is(err, fault.NotFound) {
		t.Errorf("no pass: %v", err)
	}
	// After a backup was restored the numbers in letters that are out must not come again.
	ok(t, s.LeapNumbers(ctx, 1000))
	if p := create(w.ana, account.Invitation); p.ID < third.ID+1000 {
		t.Errorf("pass %d follows %d", p.ID, third.ID)
	}
}

func testRequests(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	who := account.Identity{TenantID: "Tenant", ObjectID: "Object"}
	r := account.Request{Org: w.ours, User: w.ana, Identity: who, Asked: w.clock.Now(), Told: w.clock.Now(), State: account.RequestOpen}
	w.within(w.ours, func(tx account.Tx) error { return tx.SaveRequest(r) })
	r.State, r.By, r.Decided, r.Word = account.RequestDeclined, w.bob, w.clock.Now().Add(time.Hour), "not now"
	w.within(w.ours, func(tx account.Tx) error { return tx.SaveRequest(r) })
	r.Identity = account.Identity{TenantID: "tenant", ObjectID: "object"}
	if got := must(s.Request(ctx, w.ours, who))(t); got != r {
		t.Errorf("stored is %+v", got)
	}
	w.within(w.ours, func(tx account.Tx) error {
		a, err := tx.Request(who)
		b, err2 := tx.RequestOf(w.ana)
		if a != r || b != r {
			t.Errorf("found %+v and %+v", a, b)
		}
		return errors.Join(err, err2)
	})
	if got := must(s.RequestOf(ctx, w.ours, w.ana))(t); got != r {
		t.Errorf("by the user: %+v, expected %+v", got, r)
	}
	if _, err := s.RequestOf(ctx, w.theirs, w.ana); !fault.Is(err, fault.NotFound) {
		t.Errorf("another organization's: %v", err)
	}
	if _, err := s.Request(ctx, w.ours, account.Identity{TenantID: "tenant", ObjectID: "other"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody's request: %v", err)
	}
}

func testWaysIn(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	if _, err := s.Password(ctx, w.ours, w.ana); !fault.Is(err, fault.NotFound) {
		t.Errorf("no password: %v", err)
	}
	for _, hash := range []string{"one", "two"} {
		w.within(w.ours, func(tx account.Tx) error { return tx.SetPassword(w.ana, hash) })
	}
	if got := must(s.Password(ctx, w.ours, w.ana))(t); got != "two" {
		t.Errorf("the password is %q", got)
	}
	w.within(w.ours, func(tx account.Tx) error { return tx.SetPassword(w.ana, "") })
	if _, err := s.Password(ctx, w.ours, w.ana); !fault.Is(err, fault.NotFound) {
		t.Errorf("a removed password: %v", err)
	}

	key := account.Passkey{ID: "Abc-_", Org: w.ours, User: w.ana, Name: "phone", Created: w.clock.Now(), Data: []byte{0, 1, 255}}
	later := key
	later.ID, later.Created = "abc-_", w.clock.Now().Add(time.Minute)
	w.within(w.ours, func(tx account.Tx) error { return errors.Join(tx.AddPasskey(later), tx.AddPasskey(key)) })
	if err := s.Within(ctx, w.theirs, func(tx account.Tx) error {
		return tx.AddPasskey(account.Passkey{ID: key.ID, User: w.eve, Data: []byte{1}})
	}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a passkey that is known: %v", err)
	}
	key.LastUsed, key.Data = w.clock.Now().Add(time.Hour), []byte{0, 2}
	ok(t, s.UsedPasskey(ctx, key))
	if got := must(s.PasskeyByID(ctx, key.ID))(t); fmt.Sprint(got) != fmt.Sprint(key) {
		t.Errorf("found %+v", got)
	}
	if all := must(s.Passkeys(ctx, w.ours, w.ana))(t); len(all) != 2 || all[0].ID != key.ID || all[1].ID != later.ID {
		t.Errorf("passkeys are %+v", all)
	}
	w.within(w.ours, func(tx account.Tx) error { return tx.RemovePasskey(w.ana, key.ID) })
	if _, err := s.PasskeyByID(ctx, key.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("a removed passkey: %v", err)
	}
	w.within(w.ours, func(tx account.Tx) error {
		if all, err := tx.Passkeys(w.ana); err != nil || len(all) != 1 {
			t.Errorf("passkeys are %+v, %v", all, err)
		}
		return nil
	})
}

func testSignIns(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	hash := sha256.Sum256([]byte("token"))
	ok(t, s.CreateToken(ctx, w.ours, w.ana, hash[:], w.clock.Now()))
	open := func(id string, user record.ID) account.Session {
		n := account.Session{ID: id, Org: w.by(user).Org, User: user, Created: w.clock.Now(), Seen: w.clock.Now(), Agent: "Browser\x00", Address: "::1"}
		ok(t, s.OpenSession(ctx, n))
		n.Agent = "Browser"
		return n
	}
	one := open("one", w.ana)
	w.clock.pass(time.Minute)
	open("two", w.ana)
	open("bobs", w.bob)
	w.clock.pass(time.Minute)
	if u := must(s.SessionUser(ctx, "one", w.clock.Now()))(t); u.ID != w.ana {
		t.Errorf("signed in is %+v", u)
	}
	one.Seen = w.clock.Now()
	must(s.SessionUser(ctx, "two", time.Time{}))(t)
	must(s.SessionUser(ctx, "one", w.clock.Now().Add(-time.Hour)))(t)
	if all := must(s.Sessions(ctx, w.ours, w.ana))(t); len(all) != 2 || all[0] != one || all[1].ID != "two" || all[1].Seen.Equal(w.clock.Now()) {
		t.Errorf("sessions are %+v", all)
	}
	alive := func() (out []string) {
		for _, id := range []string{"one", "two", "bobs"} {
			if _, err := s.SessionUser(ctx, id, time.Time{}); err == nil {
				out = append(out, id)
			} else if !fault.Is(err, fault.Denied) {
				t.Error(err)
			}
		}
		if _, err := s.UserByToken(ctx, hash[:]); err == nil {
			out = append(out, "token")
		}
		return out
	}
	check := func(what string, want ...string) {
		t.Helper()
		if got := alive(); !slices.Equal(got, want) {
			t.Errorf("%s: signed in are %v", what, got)
		}
	}
	w.within(w.ours, func(tx account.Tx) error { return tx.EndAccess(w.ana, "two", false) })
	check("all others ended", "two", "bobs", "token")
	ok(t, s.EndSession(ctx, w.ours, w.ana, "bobs"))
	ok(t, s.EndSession(ctx, w.ours, w.ana, "never was"))
	check("not her own", "two", "bobs", "token")
	w.change(w.bob, func(u *account.User) { u.State = account.Deactivated })
	check("Bob is deactivated", "two", "token")
	w.within(w.ours, func(tx account.Tx) error { return tx.EndAccess(w.ana, "", true) })
	check("all ended")
	w.change(w.bob, func(u *account.User) { u.State = account.Active })
	check("Bob is back", "bobs")

	must(s.Take(ctx, "key", w.clock.Now(), 1, time.Minute))(t)
	w.clock.pass(14 * 24 * time.Hour)
	must(s.Take(ctx, "other", w.clock.Now(), 1, time.Minute))(t)
	ok(t, w.Sessions().EndSessions(ctx))
	check("after two weeks", "bobs")
	if rows := w.waker.raw(t, `SELECT name FROM limits`); len(rows) != 1 {
		t.Errorf("%d limits are left", len(rows))
	}
	w.clock.pass(2 * 24 * time.Hour)
	ok(t, w.Sessions().EndSessions(ctx))
	check("after more")
	if all := must(s.Sessions(ctx, w.ours, w.bob))(t); len(all) != 0 {
		t.Errorf("sessions are %+v", all)
	}

	w.within(w.ours, func(tx account.Tx) error { return tx.DropGrant(w.ana) }) // without one
	ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
	w.within(w.ours, func(tx account.Tx) error { return tx.DropGrant(w.ana) })
	if _, err := s.Grant(ctx, w.ours, w.ana); !fault.Is(err, fault.NotFound) {
		t.Errorf("a dropped grant: %v", err)
	}
}

func testLetters(t *testing.T, w *world) {
	ctx, s, letters := t.Context(), w.Accounts(), w.Letters()
	w.within(w.ours, func(tx account.Tx) error {
		return errors.Join(tx.Send(account.Letter{Kind: account.LetterRequest, To: w.bob, About: w.ana}),
			tx.Send(account.Letter{Kind: account.LetterDeclined, To: w.ana, About: w.ana, By: w.bob, Pass: 7, Word: "não\x00"}),
			tx.Send(account.Letter{Kind: account.LetterReset, To: w.bob, About: w.bob}))
	})
	latest := func(user record.ID) account.Letter {
		t.Helper()
		return must(s.Letters(ctx, w.ours, []record.ID{user, w.eve}))(t)[user]
	}
	l := latest(w.ana)
	want := account.Letter{ID: l.ID, Org: w.ours, Kind: account.LetterDeclined, To: w.ana, About: w.ana, By: w.bob, Pass: 7, Word: "não",
		State: account.LetterQueued, Made: w.clock.Now()}
	if l.ID == 0 || l != want || must(letters.Letter(ctx, l.ID))(t) != want {
		t.Errorf("stored is %+v", l)
	}
	unsent := func() int {
		t.Helper()
		return len(must(letters.Unsent(ctx, w.clock.Now(), 10))(t))
	}
	if n := unsent(); n != 0 {
		t.Errorf("%d letters count as lost at once", n)
	}
	w.clock.pass(time.Minute)
	if n, first := unsent(), must(letters.Unsent(ctx, w.clock.Now(), 1))(t); n != 3 || len(first) != 1 {
		t.Errorf("%d letters are unsent, first %v", n, first)
	}
	ok(t, letters.SettleLetter(ctx, l.ID, account.LetterQueued, "451 later", time.Time{}, 1))
	if got := latest(w.ana); got.State != account.LetterQueued || got.Reason != "451 later" || got.Tries != 1 || unsent() != 2 {
		t.Errorf("after a try: %+v", got)
	}
	ok(t, letters.SettleLetter(ctx, l.ID, account.LetterFailed, strings.Repeat("ñ", 2000), time.Time{}, 2))
	ok(t, letters.SettleLetter(ctx, latest(w.bob).ID, account.LetterSent, "", w.clock.Now(), 1))
	w.clock.pass(time.Minute)
	if got := latest(w.ana); got.State != account.LetterFailed || len(got.Reason) > 1000 || !strings.HasPrefix(got.Reason, "ñ") || unsent() != 1 {
		t.Errorf("after it failed: %+v", got)
	}
	if got := latest(w.bob); got.State != account.LetterSent || got.Sent.IsZero() {
		t.Errorf("after it was sent: %+v", got)
	}
	if err := letters.SettleLetter(ctx, 77, account.LetterSent, "", w.clock.Now(), 1); !fault.Is(err, fault.NotFound) {
		t.Errorf("no letter: %v", err)
	}
	ok(t, letters.PruneLetters(ctx, w.clock.Now()))
	if got := latest(w.bob); got.ID != 0 || latest(w.ana).ID != l.ID || unsent() != 1 {
		t.Errorf("after pruning: %+v", got)
	}
}

func testAudit(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	for i := range 5 {
		w.within(w.ours, func(tx account.Tx) error {
			return tx.Note(account.Entry{At: w.clock.Now(), Actor: w.bob, Action: account.ProfileChanged, Subject: w.ana,
				Detail: map[string]string{"from": fmt.Sprint(i), "to": "Ação \"\x00"}})
		})
	}
	var seen string
	for before := record.ID(0); ; {
		page := must(s.Audit(ctx, w.ours, before, 2))(t)
		for _, e := range page {
			seen, before = seen+e.Detail["from"], e.ID
			if e.Org != w.ours || e.Actor != w.bob || e.Subject != w.ana || e.Action != account.ProfileChanged || !e.At.Equal(w.clock.Now()) || !strings.HasPrefix(e.Detail["to"], `Ação "`) {
				t.Errorf("entry %+v", e)
			}
		}
		if len(page) < 2 {
			break
		}
	}
	if seen != "43210" {
		t.Errorf("entries in the order %s", seen)
	}
}

func testLimits(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	now := w.clock.Now()
	take := func(key string, at time.Time) time.Duration {
		t.Helper()
		return must(s.Take(ctx, key, at, 3, time.Minute))(t)
	}
	for i, step := range []struct {
		after, wait time.Duration
	}{
		{0, 0}, {0, 0}, {0, 0}, // the burst
		{0, 20 * time.Second}, {5 * time.Second, 15 * time.Second}, // asking in vain costs nothing
		{20 * time.Second, 0}, {20 * time.Second, 20 * time.Second},
		{65 * time.Second, 0}, {65 * time.Second, 0}, {65 * time.Second, 15 * time.Second},
		{time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, 20 * time.Second}, // no more than the burst is saved up
	} {
		if got := take("ana", now.Add(step.after)); got != step.wait {
			t.Errorf("taking %d after %s waits %s, not %s", i, step.after, got, step.wait)
		}
	}
	if got := take("bob", now); got != 0 {
		t.Errorf("another key waits %s", got)
	}
	if rows := w.waker.raw(t, `SELECT name FROM limits WHERE name LIKE '%ana%' OR name LIKE '%bob%'`); len(rows) != 0 {
		t.Error("a limit names somebody")
	}
	var granted atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if after, err := s.Take(ctx, "all at once", now, 5, time.Hour); err != nil {
				t.Error(err)
			} else if after == 0 {
				granted.Add(1)
			}
		})
	}
	wait.Wait()
	if granted.Load() != 5 {
		t.Errorf("%d of 20 were granted, not 5", granted.Load())
	}
}
