package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/store"
)

// within changes the accounts of an organization.
func (w *world) within(org record.ID, do func(tx account.Tx) error) {
	w.t.Helper()
	ok(w.t, w.Accounts().Within(w.t.Context(), org, do))
}

// change changes one user.
func (w *world) change(id record.ID, change func(*account.User)) {
	w.t.Helper()
	w.within(w.by(id).Org, func(tx account.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		change(&u)
		return tx.UpdateUser(u)
	})
}

// actions are those of the organization's audit trail, the earliest first, with who did them to whom.
func (w *world) actions(org record.ID) (out []string) {
	w.t.Helper()
	names := map[record.ID]string{0: "-", w.ana: "ana", w.bob: "bob", w.eve: "eve"}
	for _, e := range must(w.Accounts().Audit(w.t.Context(), org, 0, 100))(w.t) {
		line := fmt.Sprintf("%s %s %s", names[e.Actor], e.Action, names[e.Subject])
		for _, key := range []string{"kind", "reason", "name"} {
			if v := e.Detail[key]; v != "" {
				line += " " + v
			}
		}
		out = append(out, line)
	}
	slices.Reverse(out)
	return out
}

func testFound(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	var made, refused atomic.Int32
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			err := s.Found(ctx, account.Organization{Name: "New", TenantID: "NEW", Edition: account.Enterprise, Created: w.clock.Now()},
				func(tx account.Tx, o account.Organization) error {
					u, err := tx.CreateUser(account.User{Email: fmt.Sprintf("admin%d@new.example", i), Profile: account.SuperAdmin, State: account.Active,
						Identity: account.Identity{TenantID: "new", ObjectID: "admin"}, Created: w.clock.Now(), Terms: w.clock.Now()})
					if err != nil {
						return err
					}
					if u.Org != o.ID || !u.May.ManageUsers {
						t.Errorf("made %+v in %d", u, o.ID)
					}
					return tx.Note(account.Entry{Action: account.Installed, Actor: u.ID})
				})
			switch {
			case err == nil:
				made.Add(1)
			case fault.Is(err, fault.Conflict):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if made.Load() != 1 || refused.Load() != 5 {
		t.Errorf("%d organizations were made, %d refused", made.Load(), refused.Load())
	}
	o := must(s.OrganizationByTenant(ctx, "new"))(t)
	if users := must(s.Users(ctx, o.ID))(t); len(users) != 1 || !users[0].Terms.Equal(w.clock.Now()) {
		t.Errorf("its users are %+v", users)
	}
	if trail := w.actions(o.ID); len(trail) != 1 {
		t.Errorf("its audit trail is %v", trail)
	}
	if all := must(s.Organizations(ctx))(t); len(all) != 3 {
		t.Errorf("%d organizations", len(all))
	}
	w.within(o.ID, func(tx account.Tx) error {
		o, err := tx.Organization()
		o.Name, o.Edition, o.Consented, o.Scopes = "Newer", account.Free, w.clock.Now(), []string{"User.Read", "Calendars.ReadWrite"}
		return errors.Join(err, tx.UpdateOrganization(o))
	})
	if o := must(s.Organization(ctx, o.ID))(t); o.Name != "Newer" || o.Edition != account.Free || !o.Consented.Equal(w.clock.Now()) ||
		!slices.Equal(o.Scopes, []string{"User.Read", "Calendars.ReadWrite"}) || o.TenantID != "new" {
		t.Errorf("the organization is %+v", o)
	}
	if err := s.Found(ctx, account.Organization{TenantID: "other"}, func(account.Tx, account.Organization) error { return errors.New("no") }); err == nil {
		t.Error("a fault was lost")
	}
	if _, err := s.OrganizationByTenant(ctx, "other"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an organization whose founding failed: %v", err)
	}
}

// Each of several Super Admins steps back if another one stays: one stays.
func testWithinIsSerial(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	const rounds, admins = 8, 6
	var ids []record.ID
	for i := range admins {
		ids = append(ids, w.user(w.ours, fmt.Sprint("admin", i)))
	}
	for range rounds {
		for _, id := range ids {
			w.change(id, func(u *account.User) { u.Profile = account.SuperAdmin })
		}
		var wait sync.WaitGroup
		for _, id := range ids {
			wait.Go(func() {
				if err := s.Within(ctx, w.ours, func(tx account.Tx) error {
					all, err := tx.UsersOf(account.SuperAdmin)
					if err != nil || len(all) < 2 {
						return err
					}
					u, err := tx.User(id)
					if err != nil {
						return err
					}
					u.Profile = account.Standard
					return tx.UpdateUser(u)
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		w.within(w.ours, func(tx account.Tx) error {
			left, err := tx.UsersOf(account.SuperAdmin)
			if len(left) != 1 {
				t.Errorf("%d Super Admins are left", len(left))
			}
			return err
		})
	}
}

// A person is changed from both organizations at once, and no change is lost.
func testAcrossOrganizations(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	who := account.Identity{TenantID: w.ours.String(), ObjectID: "ana"}
	const rounds = 15
	var wait sync.WaitGroup
	for org, find := range map[record.ID]func(account.Tx) (account.User, error){
		w.ours:   func(tx account.Tx) (account.User, error) { return tx.User(w.ana) },
		w.theirs: func(tx account.Tx) (account.User, error) { return tx.UserByIdentity(who) },
	} {
		for range rounds {
			wait.Go(func() {
				if err := s.Within(ctx, org, func(tx account.Tx) error {
					u, err := find(tx)
					if err != nil {
						return err
					}
					u.LastName += "x"
					return tx.UpdateUser(u)
				}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
	if u := must(s.User(ctx, w.ours, w.ana))(t); len(u.LastName) != 2*rounds {
		t.Errorf("%d of %d changes are there", len(u.LastName), 2*rounds)
	}

	// Ana goes over to theirs: her place here ends, and the trail here says so.
	w.within(w.ours, func(tx account.Tx) error {
		_, err := tx.CreatePass(account.Pass{User: w.ana, Purpose: account.Invitation, Expires: w.clock.Now()})
		return err
	})
	var told []record.ID
	cancel := w.OnCommit(func(c store.Commit) {
		if c.Accounts {
			told = append(told, c.Org)
		}
	})
	w.within(w.theirs, func(tx account.Tx) error {
		u, err := tx.UserByIdentity(who)
		if err != nil {
			return err
		}
		u.State = account.Deleted
		eve, err := tx.User(w.eve)
		eve.Identity = who
		return errors.Join(err, tx.EndPasses(u.ID), tx.UpdateUser(u), tx.UpdateUser(eve),
			tx.Note(account.Entry{Org: u.Org, Action: account.InvitationWithdrawn, Subject: u.ID}),
			tx.Note(account.Entry{Action: account.Associated, Subject: w.eve}))
	})
	cancel()
	if u := must(s.UserByIdentity(ctx, who))(t); u.ID != w.eve {
		t.Errorf("the Microsoft person is %+v", u)
	}
	if a, b := w.actions(w.ours), w.actions(w.theirs); !slices.Equal(a, []string{"- invitation_withdrawn ana"}) || !slices.Equal(b, []string{"- associated eve"}) {
		t.Errorf("the trails are %v and %v", a, b)
	}
	if len(told) != 2 || !slices.Contains(told, w.ours) || !slices.Contains(told, w.theirs) {
		t.Errorf("told were %v", told)
	}
	if rows := w.waker.raw(t, `SELECT id FROM passes WHERE state = 'withdrawn'`); len(rows) != 1 {
		t.Errorf("%d passes were withdrawn", len(rows))
	}
}

// posts makes a postman whose jobs are rows, and returns how many there are.
func (w *world) posts() (count func() int, calls, told *atomic.Int32, fail *error) {
	w.waker.raw(w.t, `CREATE TABLE test_letters (letter BIGINT)`)
	calls, told, fail = new(atomic.Int32), new(atomic.Int32), new(error)
	w.SetPostman(func(ctx context.Context, tx *store.Tx, letters []record.ID) error {
		calls.Add(1)
		for _, id := range letters {
			text := fmt.Sprintf(`INSERT INTO test_letters VALUES (%d)`, id)
			var err error
			if tx.SQL != nil {
				_, err = tx.SQL.ExecContext(ctx, text)
			} else {
				_, err = tx.PGX.Exec(ctx, text)
			}
			if err != nil {
				return err
			}
		}
		return *fail
	}, func() { told.Add(1) })
	return func() int { return len(w.waker.raw(w.t, `SELECT letter FROM test_letters`)) }, calls, told, fail
}

func testWithinRollsBack(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	posted, calls, told, fail := w.posts()
	id := w.link(w.bob, record.Contacts).ID
	w.served(w.run(id))
	w.insert(w.bob, w.contact(w.bob, "x"))
	w.waker.take(t)
	all := func(tx account.Tx) error {
		u, err := tx.CreateUser(account.User{Email: "new@x.example", State: account.Invited})
		if err != nil {
			return err
		}
		p, err := tx.CreatePass(account.Pass{User: u.ID, Purpose: account.Invitation})
		_, handed := tx.HandOver(w.bob, w.ana, w.ana)
		return errors.Join(err, handed, tx.SaveProfile("Sales", account.Permissions{}), tx.SaveRequest(account.Request{User: u.ID, Identity: account.Identity{TenantID: "t", ObjectID: "o"}}),
			tx.SetPassword(u.ID, "hash"), tx.AddPasskey(account.Passkey{ID: "key", User: u.ID, Data: []byte{1}}), tx.StopLinks(w.bob),
			tx.Send(account.Letter{Kind: account.LetterInvitation, To: u.ID, About: u.ID, Pass: p.ID}), tx.Send(account.Letter{To: w.ana, About: w.ana}),
			tx.Note(account.Entry{Action: account.UserInvited, Subject: u.ID}))
	}
	var commits int
	cancel := w.OnCommit(func(store.Commit) { commits++ })
	nothing := func(what string) {
		t.Helper()
		for _, table := range []string{"passes", "profiles", "requests", "passwords", "passkeys", "letters", "departures"} {
			if rows := w.waker.raw(t, `SELECT org_id FROM `+table); len(rows) != 0 {
				t.Errorf("%s: %d rows are left in %s", what, len(rows), table)
			}
		}
		if trail := w.actions(w.ours); !slices.Equal(trail, []string{"bob sync_on bob contacts"}) {
			t.Errorf("%s: the trail is %v", what, trail)
		}
		if n := len(must(s.People(ctx, w.ours, account.PeopleQuery{}))(t)); n != 2 {
			t.Errorf("%s: %d people", what, n)
		}
		if n := must(s.Owned(ctx, w.ours, w.bob))(t); n != 1 {
			t.Errorf("%s: Bob has %d records", what, n)
		}
		if posted() != 0 || told.Load() != 0 || commits != 0 || len(w.waker.take(t)) != 0 {
			t.Errorf("%s: %d letters posted, told %d times, %d commits", what, posted(), told.Load(), commits)
		}
	}
	if err := s.Within(ctx, w.ours, func(tx account.Tx) error { return errors.Join(all(tx), errors.New("no")) }); err == nil {
		t.Error("a fault was lost")
	}
	nothing("do failed")
	*fail = errors.New("the queue is full")
	if err := s.Within(ctx, w.ours, all); !errors.Is(err, *fail) {
		t.Errorf("a postman that fails: %v", err)
	}
	nothing("the postman failed")
	cancel()
	*fail = nil
	calls.Store(0)
	w.within(w.ours, all)
	if posted() != 2 || calls.Load() != 1 || told.Load() != 1 {
		t.Errorf("%d letters posted by %d calls, told %d times", posted(), calls.Load(), told.Load())
	}
	w.within(w.ours, func(account.Tx) error { return nil })
	if calls.Load() != 1 || told.Load() != 1 {
		t.Error("the postman is called for no letter")
	}
}

func testForeignAccounts(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	var pass account.Pass
	who := account.Identity{TenantID: w.ours.String(), ObjectID: "ana"}
	w.within(w.ours, func(tx account.Tx) (err error) {
		pass, err = tx.CreatePass(account.Pass{User: w.ana, Purpose: account.Invitation})
		return errors.Join(err, tx.SetPassword(w.ana, "hash"), tx.AddPasskey(account.Passkey{ID: "key", User: w.ana, Data: []byte{1}}),
			tx.SaveProfile("Sales", account.Permissions{ManageUsers: true}), tx.SaveRequest(account.Request{User: w.ana, Identity: who, State: account.RequestOpen}),
			tx.Send(account.Letter{To: w.ana, About: w.ana}))
	})
	ok(t, s.OpenSession(ctx, account.Session{ID: "session", Org: w.ours, User: w.ana, Seen: w.clock.Now()}))
	ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
	w.link(w.ana, record.Contacts)
	w.insert(w.ana, w.contact(w.ana, "x"))
	in := func(do func(tx account.Tx) error) error { return s.Within(ctx, w.theirs, do) }
	for what, err := range map[string]error{
		"User":          in(func(tx account.Tx) error { return second(tx.User(w.ana)) }),
		"UserByEmail":   in(func(tx account.Tx) error { return second(tx.UserByEmail("ana@x.example")) }),
		"Profile":       in(func(tx account.Tx) error { return second(tx.Profile("Sales")) }),
		"DeleteProfile": in(func(tx account.Tx) error { return tx.DeleteProfile("Sales") }),
		"RenameProfile": in(func(tx account.Tx) error { return tx.RenameProfile("Sales", "Vendas") }),
		"CreatePass":    in(func(tx account.Tx) error { return second(tx.CreatePass(account.Pass{User: w.ana})) }),
		"Pass":          in(func(tx account.Tx) error { return second(tx.Pass(pass.ID)) }),
		"ChangePass":    in(func(tx account.Tx) error { return tx.ChangePass(pass.ID, account.PassUsed) }),
		"Request":       in(func(tx account.Tx) error { return second(tx.Request(who)) }),
		"RequestOf":     in(func(tx account.Tx) error { return second(tx.RequestOf(w.ana)) }),
		"SaveRequest":   in(func(tx account.Tx) error { return tx.SaveRequest(account.Request{User: w.ana, Identity: who}) }),
		"Password":      in(func(tx account.Tx) error { return second(tx.Password(w.ana)) }),
		"SetPassword":   in(func(tx account.Tx) error { return tx.SetPassword(w.ana, "other") }),
		"AddPasskey": in(func(tx account.Tx) error {
			return tx.AddPasskey(account.Passkey{ID: "k2", User: w.ana, Data: []byte{1}})
		}),
		"RemovePasskey":  in(func(tx account.Tx) error { return tx.RemovePasskey(w.ana, "key") }),
		"HandOver":       in(func(tx account.Tx) error { return second(tx.HandOver(w.ana, w.eve, w.eve)) }),
		"HandOver to":    in(func(tx account.Tx) error { return second(tx.HandOver(w.eve, w.ana, w.eve)) }),
		"Store.Password": second(s.Password(ctx, w.theirs, w.ana)),
		"Store.Request":  second(s.Request(ctx, w.theirs, who)),
		"UsedPasskey":    s.UsedPasskey(ctx, account.Passkey{ID: "key", Org: w.theirs, User: w.ana}),
		"OpenSession":    s.OpenSession(ctx, account.Session{ID: "s2", Org: w.theirs, User: w.ana}),
		"no org":         s.Within(ctx, 5, func(account.Tx) error { return nil }),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s with another organization answers %v", what, err)
		}
	}
	w.within(w.theirs, func(tx account.Tx) error {
		if n, err := tx.Owned(w.ana); n != 0 || err != nil {
			t.Errorf("Owned: %d, %v", n, err)
		}
		if n, err := tx.RunningLinks(w.ana); n != 0 || err != nil {
			t.Errorf("RunningLinks: %d, %v", n, err)
		}
		if keys, err := tx.Passkeys(w.ana); len(keys) != 0 || err != nil {
			t.Errorf("Passkeys: %v, %v", keys, err)
		}
		return errors.Join(tx.EndAccess(w.ana, "", true), tx.DropGrant(w.ana), tx.StopLinks(w.ana), tx.EndLinks(w.ana, account.Identity{TenantID: "t", ObjectID: "o"}), tx.WithholdLinks(w.ana, record.Contacts, true))
	})
	ok(t, s.EndSession(ctx, w.theirs, w.ana, "session"))
	if u := must(s.SessionUser(ctx, "session", w.clock.Now()))(t); u.ID != w.ana {
		t.Errorf("signed in is %+v", u)
	}
	must(s.Grant(ctx, w.ours, w.ana))(t)
	if syncs := must(s.Syncs(ctx, w.ours, []record.ID{w.ana}))(t); syncs[w.ana][record.Contacts] != "on" {
		t.Errorf("syncs are %v", syncs)
	}
	if n := len(must(s.Syncs(ctx, w.theirs, []record.ID{w.ana}))(t)) + len(must(s.Letters(ctx, w.theirs, []record.ID{w.ana}))(t)) +
		len(must(s.Sessions(ctx, w.theirs, w.ana))(t)) + len(must(s.Passkeys(ctx, w.theirs, w.ana))(t)) + must(s.Owned(ctx, w.theirs, w.ana))(t) +
		len(must(s.Audit(ctx, w.theirs, 0, 9))(t)); n != 0 {
		t.Errorf("%d things of another organization are told", n)
	}
	if all := must(s.Profiles(ctx, w.theirs))(t); len(all) != len(account.BuiltIn) {
		t.Errorf("profiles are %+v", all)
	}
}
