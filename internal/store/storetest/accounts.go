package storetest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/store"
)

func testAccounts(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	if w.ours != 1_000_001 || w.theirs != 1_000_002 {
		t.Errorf("organizations are %d and %d", w.ours, w.theirs)
	}
	if _, err := s.CreateOrganization(ctx, account.Organization{TenantID: "TENANT-1"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second organization of a tenant: %v", err)
	}
	for range 2 { // without a tenant there may be several
		must(s.CreateOrganization(ctx, account.Organization{Name: "no tenant"}))(t)
	}
	if o := must(s.OrganizationByTenant(ctx, "Tenant-1"))(t); o.ID != w.ours || !o.Created.Equal(w.clock.Now()) {
		t.Errorf("found %+v", o)
	}
	for _, tenant := range []string{"nobody", ""} {
		if _, err := s.OrganizationByTenant(ctx, tenant); !fault.Is(err, fault.NotFound) {
			t.Errorf("tenant %q: %v", tenant, err)
		}
	}
	if all := must(s.Organizations(ctx))(t); len(all) != 4 {
		t.Errorf("organizations are %+v", all)
	}

	for what, u := range map[string]account.User{
		"address":  {Org: w.ours, Email: "ANA@x.example"},
		"identity": {Org: w.theirs, Email: "new@x.example", Identity: account.Identity{TenantID: w.ours.String(), ObjectID: "Ana"}},
	} {
		if _, err := s.CreateUser(ctx, u); !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) != fault.Duplicate {
			t.Errorf("a second user with one %s: %v", what, err)
		}
	}
	if _, err := s.CreateUser(ctx, account.User{Org: 5, Email: "a@b.example"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a user of no organization: %v", err)
	}
	must(s.CreateUser(ctx, account.User{Org: w.theirs, Email: "Ana@x.example"}))(t)
	must(s.CreateUser(ctx, account.User{Org: w.ours, Email: "zoe@x.example", FirstName: "Álvaro", State: account.Deactivated}))(t) // no identity either
	if u := must(s.UserByEmail(ctx, w.ours, " Ana@X.example"))(t); u.ID != w.ana || u.Profile != account.Standard {
		t.Errorf("found %+v", u)
	}
	if all := must(s.UsersByEmail(ctx, "ana@x.example"))(t); len(all) != 2 || all[0].ID != w.ana {
		t.Errorf("found %+v", all)
	}
	if u := must(s.UserByIdentity(ctx, account.Identity{TenantID: w.ours.String(), ObjectID: "bob"}))(t); u.ID != w.bob {
		t.Errorf("found %+v", u)
	}
	if _, err := s.UserByIdentity(ctx, account.Identity{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("no identity: %v", err)
	}
	var names string
	for _, u := range must(s.Users(ctx, w.ours))(t) {
		names += u.FirstName + " "
	}
	if names != "Álvaro ana bob " {
		t.Errorf("users are %q", names)
	}
	bob := must(s.User(ctx, w.ours, w.bob))(t)
	ok(t, s.SignedIn(ctx, w.ours, w.bob, w.clock.Now()))
	bob.LastName, bob.Profile, bob.State = "Baker", account.Administrator, account.Deactivated
	ok(t, s.UpdateUser(ctx, bob)) // read before the sign-in, which must stand
	if got := must(s.User(ctx, w.ours, w.bob))(t); got.Name() != "bob Baker" || got.Profile != account.Administrator ||
		got.State != account.Deactivated || !got.LastSignIn.Equal(w.clock.Now()) || got.Identity.ObjectID != "bob" {
		t.Errorf("updated to %+v", got)
	}
	bob.Email = "ana@X.example"
	if err := s.UpdateUser(ctx, bob); !fault.Is(err, fault.Conflict) {
		t.Errorf("another user's address: %v", err)
	}
}

func testTokens(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	hash := sha256.Sum256([]byte("token"))
	ok(t, s.CreateToken(ctx, w.ours, w.ana, hash[:], w.clock.Now()))
	if u := must(s.UserByToken(ctx, hash[:]))(t); u.ID != w.ana {
		t.Errorf("found %+v", u)
	}
	other := sha256.Sum256([]byte("other"))
	if _, err := s.UserByToken(ctx, other[:]); !fault.Is(err, fault.Denied) {
		t.Errorf("an unknown token: %v", err)
	}
	u := must(s.User(ctx, w.ours, w.ana))(t)
	u.State = account.Deactivated
	ok(t, s.UpdateUser(ctx, u))
	if _, err := s.UserByToken(ctx, hash[:]); !fault.Is(err, fault.Denied) {
		t.Errorf("a deactivated user's token: %v", err)
	}
}

func (w *world) grant(user record.ID) account.Grant {
	return account.Grant{Org: w.by(user).Org, User: user, Scopes: []string{"Calendars.ReadWrite", "offline_access"}, Access: "access-secret",
		Refresh: "refresh-secret", Expires: w.clock.Now().Add(time.Hour)}
}

func testGrants(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	if _, err := s.Grant(ctx, w.ours, w.ana); !fault.Is(err, fault.NotFound) {
		t.Errorf("never connected: %v", err)
	}
	ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
	ok(t, s.SaveGrant(ctx, w.grant(w.bob)))
	g := must(s.Grant(ctx, w.ours, w.ana))(t)
	if g.Access.Reveal() != "access-secret" || g.Refresh.Reveal() != "refresh-secret" || len(g.Scopes) != 2 || g.Broken ||
		!g.Expires.Equal(w.clock.Now().Add(time.Hour)) {
		t.Errorf("came back as %+v", g)
	}
	for _, row := range w.waker.raw(t, `SELECT access, refresh FROM grants`) {
		for _, v := range row {
			if bytes.Contains(v.([]byte), []byte("secret")) {
				t.Error("a token is stored unsealed")
			}
		}
	}
	g.Broken, g.Access = true, ""
	ok(t, s.SaveGrant(ctx, g))
	if g := must(s.Grant(ctx, w.ours, w.ana))(t); !g.Broken || g.Access != "" {
		t.Errorf("came back as %+v", g)
	}
	if fmt.Sprint(g) == "" || bytes.Contains(fmt.Append(nil, g), []byte("refresh-secret")) {
		t.Error("a secret shows in a log")
	}

	for what, damage := range map[string]string{
		"copied to another user":   `UPDATE grants SET refresh = (SELECT refresh FROM grants WHERE user_id = %[1]d) WHERE user_id = %[2]d`,
		"copied to another column": `UPDATE grants SET access = refresh WHERE user_id = %[2]d`,
	} {
		ok(t, s.SaveGrant(ctx, w.grant(w.bob)))
		w.waker.raw(t, fmt.Sprintf(damage, w.ana, w.bob))
		if _, err := s.Grant(ctx, w.ours, w.bob); !fault.Is(err, fault.Broken) || fault.ReasonOf(err) != fault.CannotUnseal {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func testClaimRefresh(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
	now := w.clock.Now()
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if ours, err := s.ClaimRefresh(ctx, w.ours, w.ana, now, now.Add(time.Minute)); err != nil {
				t.Error(err)
			} else if ours {
				won.Add(1)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 8 have the claim", won.Load())
	}
	claim := func(now time.Time) bool {
		return must(s.ClaimRefresh(ctx, w.ours, w.ana, now, now.Add(time.Minute)))(t)
	}
	if !claim(now.Add(time.Minute)) {
		t.Error("a claim outlives its time")
	}
	ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
	if !claim(now.Add(time.Minute)) {
		t.Error("saving the grant does not end the claim")
	}
	until := now.Add(2 * time.Minute)
	refreshed := w.grant(w.ana)
	refreshed.Refresh, refreshed.Broken = "next", true
	for what, end := range map[string]func(){
		"another claim's":  func() {},
		"that of a former": func() { ok(t, s.SaveGrant(ctx, w.grant(w.ana))) },
		"one that is gone": func() { w.within(w.ours, func(tx account.Tx) error { return tx.DropGrant(w.ana) }) },
	} {
		ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
		if what != "another claim's" && !must(s.ClaimRefresh(ctx, w.ours, w.ana, now, until))(t) {
			t.Error("no claim")
		}
		end()
		before, _ := s.Grant(ctx, w.ours, w.ana)
		stored := must(s.RefreshGrant(ctx, refreshed, until))(t)
		if after, _ := s.Grant(ctx, w.ours, w.ana); stored || after.Refresh != before.Refresh || after.Broken {
			t.Errorf("a refresh came into the place of %s grant: %+v", what, after)
		}
	}
	ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
	must(s.ClaimRefresh(ctx, w.ours, w.ana, now, until))(t)
	stored := must(s.RefreshGrant(ctx, refreshed, until))(t)
	if g := must(s.Grant(ctx, w.ours, w.ana))(t); !stored || g.Refresh.Reveal() != "next" || !g.Broken {
		t.Errorf("the refreshed grant is %+v", g)
	}
	if !claim(now) {
		t.Error("a refresh does not end its claim")
	}
}

func testAccountIsolation(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	ok(t, s.SaveGrant(ctx, w.grant(w.ana)))
	stranger := w.grant(w.ana)
	stranger.Org = w.theirs
	hash := sha256.Sum256([]byte("token"))
	ana := must(s.User(ctx, w.ours, w.ana))(t)
	ana.Org = w.theirs
	for what, err := range map[string]error{
		"User":        second(s.User(ctx, w.theirs, w.ana)),
		"UserByEmail": second(s.UserByEmail(ctx, w.theirs, "ana@x.example")),
		"UpdateUser":  s.UpdateUser(ctx, ana),
		"SignedIn":    s.SignedIn(ctx, w.theirs, w.ana, w.clock.Now()),
		"CreateToken": s.CreateToken(ctx, w.theirs, w.ana, hash[:], w.clock.Now()),
		"Grant":       second(s.Grant(ctx, w.theirs, w.ana)),
		"SaveGrant":   s.SaveGrant(ctx, stranger),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s with another organization answers %v", what, err)
		}
	}
	if ours := must(s.ClaimRefresh(ctx, w.theirs, w.ana, w.clock.Now(), w.clock.Now().Add(time.Hour)))(t); ours {
		t.Error("ClaimRefresh with another organization succeeds")
	}
	if users := must(s.Users(ctx, w.theirs))(t); len(users) != 1 || users[0].ID != w.eve {
		t.Errorf("Users shows %+v", users)
	}
	if g := must(s.Grant(ctx, w.ours, w.ana))(t); g.Refresh.Reveal() != "refresh-secret" {
		t.Errorf("the grant is %+v", g)
	}
}

// second is the error of a call with a result.
func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }

func testSessions(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Sessions()
	ends := w.clock.Now().Add(time.Hour)
	ok(t, s.CommitCtx(ctx, "token-1", []byte("a\x00b"), ends))
	ok(t, s.CommitCtx(ctx, "token-2", []byte("old"), w.clock.Now().Add(time.Minute)))
	ok(t, s.Commit("token-2", []byte("new"), w.clock.Now().Add(2*time.Minute)))
	find := func(token string) string {
		data, found, err := s.FindCtx(ctx, token)
		ok(t, err)
		if !found {
			return "none"
		}
		return string(data)
	}
	if a, b, c := find("token-1"), find("token-2"), find("token-3"); a != "a\x00b" || b != "new" || c != "none" {
		t.Errorf("found %q %q %q", a, b, c)
	}
	if rows := w.waker.raw(t, `SELECT token FROM sessions WHERE token LIKE '%token%'`); len(rows) != 0 {
		t.Error("session tokens are stored as they are")
	}
	w.clock.pass(3 * time.Minute)
	if got := find("token-2"); got != "none" {
		t.Errorf("an ended session holds %q", got)
	}
	ok(t, s.EndSessions(ctx))
	if rows := w.waker.raw(t, `SELECT token FROM sessions`); len(rows) != 1 {
		t.Errorf("%d sessions are left", len(rows))
	}
	ok(t, s.DeleteCtx(ctx, "token-1"))
	ok(t, s.Delete("token-1"))
	if got := find("token-1"); got != "none" {
		t.Errorf("a deleted session holds %q", got)
	}
}

func testMigrate(t *testing.T, w *world) {
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			if err := w.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	ok(t, w.Ping(t.Context()))
	if _, err := store.Open(t.Context(), "mysql://x", store.Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a strange URL: %v", err)
	}
	if _, err := store.Open(t.Context(), "sqlite::memory:", store.Options{SecretKey: "short"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a short key: %v", err)
	}
}
