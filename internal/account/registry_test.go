package account_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/testkit/pgtest"
)

// A world is a registry on a real database, with a clock of its own.
type world struct {
	*account.Registry
	t     *testing.T
	store *store.Store
	mu    sync.Mutex
	at    time.Time
	sent  []record.ID // letters, in the order of their transactions
}

func TestMain(m *testing.M) { pgtest.Main(m) }

// both runs a test on each of the databases: what happens at once differs between them.
func both(t *testing.T, test func(*testing.T, *world)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("Postgres", func(t *testing.T) { test(t, newWorldAt(t, pgtest.URL(t))) })
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldAt(t, "sqlite::memory:")
}

func newWorldAt(t *testing.T, database string) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	s, err := store.Open(t.Context(), database, store.Options{Now: w.now, SecretKey: strings.Repeat("k", 32), Log: slog.New(slog.DiscardHandler)})
	w.ok(err)
	t.Cleanup(func() { _ = s.Close() })
	w.ok(s.Migrate(t.Context()))
	w.store = s
	s.SetPostman(func(_ context.Context, _ *store.Tx, letters []record.ID) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent = append(w.sent, letters...)
		return nil
	}, func() {})
	w.Registry = account.NewRegistry(s.Accounts(), w.now)
	w.Common = func(words ...string) (bool, error) { return slices.Contains(words, "password"), nil }
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused expects a fault of a kind with a reason.
func (w *world) refused(err error, kind fault.Kind, reason fault.Reason) {
	w.t.Helper()
	if !fault.Is(err, kind) || fault.ReasonOf(err) != reason {
		w.t.Fatalf("expected %s %q, came %v (%s %q)", kind, reason, err, fault.KindOf(err), fault.ReasonOf(err))
	}
}

func (w *world) user(u account.User) account.User {
	w.t.Helper()
	u, err := w.store.Accounts().User(w.t.Context(), u.Org, u.ID)
	w.ok(err)
	return u
}

// proof is what somebody has who signs in to an account now.
func (w *world) proof(u account.User) account.Proof {
	w.t.Helper()
	p, err := w.Prove(w.t.Context(), u)
	w.ok(err)
	return p
}

// letters are the kinds of letters sent since the last call, each with its reader's address.
func (w *world) letters() (out []string) {
	w.t.Helper()
	w.mu.Lock()
	ids := slices.Clone(w.sent)
	w.sent = nil
	w.mu.Unlock()
	for _, id := range ids {
		l, err := w.store.Letters().Letter(w.t.Context(), id)
		w.ok(err)
		u, err := w.store.Accounts().User(w.t.Context(), l.Org, l.To)
		w.ok(err)
		out = append(out, string(l.Kind)+" "+u.Email)
	}
	slices.Sort(out)
	return out
}

// lastPass is the pass of the latest letter about a user.
func (w *world) lastPass(u account.User) record.ID {
	w.t.Helper()
	all, err := w.store.Accounts().Letters(w.t.Context(), u.Org, []record.ID{u.ID})
	w.ok(err)
	if all[u.ID].Pass == 0 {
		w.t.Fatalf("the last letter about %s has no pass: %+v", u.Email, all[u.ID])
	}
	return all[u.ID].Pass
}

const tenant = "11111111-1111-1111-1111-111111111111"

// person is a Microsoft person of a tenant, made of a name.
func person(name string, roles ...string) account.Arrival {
	oid := fmt.Sprintf("00000000-0000-0000-0000-%012x", []byte(name)[:min(6, len(name))])
	return account.Arrival{
		Identity: account.Identity{TenantID: tenant, ObjectID: oid}, Username: name + "@contoso.example", Email: name + "@contoso.example",
		FirstName: strings.ToUpper(name[:1]) + name[1:], LastName: "Silva", Tenant: "Contoso", Roles: roles,
	}
}

func abroad(a account.Arrival) account.Arrival {
	a.TenantID = "22222222-2222-2222-2222-222222222222"
	return a
}

var contoso = account.Organization{Name: "Contoso", Edition: account.Enterprise, Zone: "America/Sao_Paulo", Locale: "pt-BR"}

// installed is an organization with its Super Admin.
func (w *world) installed(change ...func(*account.Organization)) account.User {
	w.t.Helper()
	o := contoso
	for _, c := range change {
		c(&o)
	}
	u, err := w.Install(w.t.Context(), person("admin", account.GlobalAdministrator), o)
	w.ok(err)
	return u
}

// member invites and accepts.
func (w *world) member(by account.User, name string, p account.Profile) account.User {
	w.t.Helper()
	a := person(name)
	w.invite(by, account.Invitee{Identity: a.Identity, Email: a.Email}, p)
	u, err := w.Accept(w.t.Context(), a, 0)
	w.ok(err)
	w.letters()
	return w.user(u)
}

func (w *world) invite(by account.User, i account.Invitee, p account.Profile) account.User {
	w.t.Helper()
	out, err := w.Invite(w.t.Context(), by, []account.Invitee{i}, p)
	w.ok(err)
	w.ok(out[0].Err)
	return out[0].User
}

const goodPassword = "correct horse battery staple"

func TestS4S5_OnlyAnAdministratorInstallsAndBecomesSuperAdmin(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		who  account.Arrival
		want fault.Reason
	}{
		"nobody special":            {person("adele"), account.NotInstaller},
		"user administrator":        {person("adele", "fe930be7-5e62-47db-91af-98c3a49a38b1"), account.NotInstaller},
		"application administrator": {person("adele", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"), account.NotInstaller},
		"guest with the role":       {func() account.Arrival { a := person("adele", account.GlobalAdministrator); a.Guest = true; return a }(), account.GuestAccount},
		"privileged role admin":     {person("adele", account.PrivilegedRoleAdministrator), ""},
		"global admin":              {person("adele", strings.ToUpper(account.GlobalAdministrator)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u, err := w.Install(t.Context(), row.who, contoso)
			if row.want != "" {
				w.refused(err, fault.Denied, row.want)
				orgs, err := w.store.Accounts().Organizations(t.Context())
				w.ok(err)
				if len(orgs) != 0 {
					t.Errorf("made %d organizations", len(orgs))
				}
				return
			}
			w.ok(err)
			if u.Profile != account.SuperAdmin || !u.May.ManageUsers || u.Terms.IsZero() || u.Email != row.who.Email {
				t.Errorf("the installer is %+v", u)
			}
		})
	}
}

func TestS4_TheSameInstallTwiceAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		var made, late int
		var mu sync.Mutex
		for i := range 8 {
			name := []string{"admin", "second"}[i%2] // two administrators, four tabs each
			all.Go(func() {
				_, err := w.Install(t.Context(), person(name, account.GlobalAdministrator), contoso)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case fault.Is(err, fault.Conflict) && (fault.ReasonOf(err) == account.AlreadyInstalled || fault.ReasonOf(err) == account.IdentityTaken):
					late++
				default:
					t.Errorf("an install ended with %v", err)
				}
			})
		}
		all.Wait()
		orgs, err := w.store.Accounts().Organizations(t.Context())
		w.ok(err)
		if len(orgs) != 1 || made != 1 || late != 7 {
			t.Errorf("%d organizations of %d installs", len(orgs), made)
		}
		people, err := w.store.Accounts().People(t.Context(), orgs[0].ID, account.PeopleQuery{})
		w.ok(err)
		if len(people) != 1 {
			t.Errorf("%d users", len(people))
		}
	})
}

func TestS3_AnAddressOpensOnlyInsideTheTenantsOwnOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	bob := w.invite(admin, account.Invitee{Email: "Bob@contoso.example"}, account.Standard)
	_, err := w.AcceptWithPassword(t.Context(), w.lastPass(bob), account.Newcomer{FirstName: "Bob"}, goodPassword)
	w.ok(err)

	stranger := abroad(person("bob"))
	s, err := w.Standing(t.Context(), stranger)
	w.ok(err)
	if s.Door != account.NobodyYet {
		t.Errorf("another tenant's person with the same address finds %s", s.Door)
	}
	if _, err := w.Enter(t.Context(), stranger); err == nil {
		t.Error("another tenant's person went in by address")
	}
	guest := person("bob")
	guest.Guest = true
	if s, err := w.Standing(t.Context(), guest); err != nil || s.Door != account.MayAsk {
		t.Errorf("a guest with the same address finds %s, %v", s.Door, err)
	}

	if s, err := w.Standing(t.Context(), person("bob")); err != nil || s.Door != account.SameMail {
		t.Errorf("the tenant's own person finds %s, %v", s.Door, err)
	}
	in, err := w.Enter(t.Context(), person("bob"))
	w.ok(err)
	if in.ID != bob.ID {
		t.Errorf("came into account %d, not %d", in.ID, bob.ID)
	}
	other := person("robert")
	other.Email = "bob@contoso.example"
	if s, err := w.Standing(t.Context(), other); err != nil || s.Door != account.MayAsk {
		t.Errorf("once tied, another person with the address finds %s, %v", s.Door, err)
	}
}

func TestS7_InvitingNeedsManageUsersAndAPaidEdition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	adele := w.member(admin, "adele", account.Standard)
	someone := []account.Invitee{{Email: "ana@example.com"}}
	_, err := w.Invite(t.Context(), adele, someone, account.Standard)
	w.refused(err, fault.Denied, "")

	// What the caller believes of itself does not count.
	adele.May, adele.Profile = account.SuperAdmin.Permissions(), account.SuperAdmin
	_, err = w.Invite(t.Context(), adele, someone, account.Standard)
	w.refused(err, fault.Denied, "")

	free := newWorld(t)
	boss := free.installed(func(o *account.Organization) { o.Edition = account.Free })
	_, err = free.Invite(t.Context(), boss, someone, account.Standard)
	free.refused(err, fault.Denied, account.PaidOnly)
	if sent := free.letters(); len(sent) != 0 {
		t.Errorf("letters went out: %v", sent)
	}
}

func TestS7_TheFreeEditionHasThreeUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed(func(o *account.Organization) { o.Edition = account.Free })
	for i, name := range []string{"adele", "alex", "diego"} {
		req, err := w.AskToJoin(t.Context(), person(name))
		w.ok(err)
		err = w.Approve(t.Context(), admin, req.User, account.Standard)
		if i < 2 {
			w.ok(err)
		} else {
			w.refused(err, fault.Denied, account.SeatsTaken)
		}
	}
}

func TestS8_SeveralAreInvitedEachWithALetter(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		var people []account.Invitee
		for _, name := range []string{"adele", "alex", "admin"} {
			a := person(name)
			people = append(people, account.Invitee{Identity: a.Identity, Email: a.Email, FirstName: a.FirstName})
		}
		people = append(people, account.Invitee{Email: "not an address"}, account.Invitee{Email: "ana@example.com"})
		out, err := w.Invite(t.Context(), admin, people, account.Administrator)
		w.ok(err)
		for i, want := range []fault.Reason{"", "", account.AlreadyUser, account.BadAddress, ""} {
			if fault.ReasonOf(out[i].Err) != want {
				t.Errorf("%s: %v, expected %q", people[i].Email, out[i].Err, want)
			}
		}
		if got := w.letters(); !slices.Equal(got, []string{"invitation adele@contoso.example", "invitation alex@contoso.example", "invitation ana@example.com"}) {
			t.Errorf("letters: %v", got)
		}
	})
}

func TestS10_AnInvitationIsGoodOnceAndForSevenDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	ana := w.invite(admin, account.Invitee{Email: "ana@example.com"}, account.Standard)
	first := w.lastPass(ana)
	w.ok(w.Resend(t.Context(), admin, ana.ID))
	_, err := w.AcceptWithPassword(t.Context(), first, account.Newcomer{}, goodPassword)
	w.refused(err, fault.Gone, account.PassSuperseded)
	second := w.lastPass(ana)
	w.pass(account.InvitationLife)
	_, err = w.AcceptWithPassword(t.Context(), second, account.Newcomer{}, goodPassword)
	w.refused(err, fault.Gone, account.PassExpired)
	w.ok(w.Resend(t.Context(), admin, ana.ID))
	w.pass(account.InvitationLife - time.Second)
	third := w.lastPass(ana)
	for password, want := range map[string]fault.Reason{
		"short": account.ShortPassword, "password123": account.WeakPassword, "ana@example.com": account.WeakPassword,
		strings.Repeat("x", 201): account.LongPassword,
	} {
		_, err := w.AcceptWithPassword(t.Context(), third, account.Newcomer{}, password)
		w.refused(err, fault.Invalid, want)
	}
	in, err := w.AcceptWithPassword(t.Context(), third, account.Newcomer{FirstName: "Ana"}, goodPassword)
	w.ok(err)
	if in = w.user(in); in.State != account.Active || in.Terms.IsZero() || in.FirstName != "Ana" {
		t.Errorf("after accepting: %+v", in)
	}
	_, err = w.AcceptWithPassword(t.Context(), third, account.Newcomer{}, goodPassword)
	w.refused(err, fault.Gone, account.PassSpent)

	bea := w.invite(admin, account.Invitee{Email: "bea@example.com"}, account.Standard)
	its := w.lastPass(bea)
	w.ok(w.Withdraw(t.Context(), admin, bea.ID))
	_, err = w.AcceptWithPassword(t.Context(), its, account.Newcomer{}, goodPassword)
	w.refused(err, fault.Gone, account.PassTakenBack)
	_, err = w.Accept(t.Context(), person("bea"), its)
	w.refused(err, fault.Gone, account.PassTakenBack)
	w.invite(admin, account.Invitee{Email: "bea@example.com"}, account.Standard) // the address is free again
}

func TestS10_TheSameInvitationTwiceAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		ana := w.invite(admin, account.Invitee{Email: "ana@contoso.example"}, account.Standard)
		pass := w.lastPass(ana)
		var all sync.WaitGroup
		var mu sync.Mutex
		in := map[string]int{}
		for i := range 6 {
			who := person([]string{"ana", "eve"}[i%2]) // the link was passed on
			all.Go(func() {
				_, err := w.Accept(t.Context(), who, pass)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					in[who.Username]++
				} else if !fault.Is(err, fault.Gone) {
					t.Errorf("%s: %v", who.Username, err)
				}
			})
		}
		all.Wait()
		if len(in) != 1 {
			t.Errorf("came in: %v", in)
		}
	})
}

func TestS10_AnInvitationIsForThePersonItNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	a := person("adele")
	adele := w.invite(admin, account.Invitee{Identity: a.Identity, Email: a.Email}, account.Standard)
	pass := w.lastPass(adele)
	_, err := w.Accept(t.Context(), person("eve"), pass)
	w.refused(err, fault.Denied, account.OtherPerson)
	_, err = w.AcceptWithPassword(t.Context(), pass, account.Newcomer{}, goodPassword)
	w.refused(err, fault.Denied, account.OtherPerson)
	if got := w.user(adele); got.State != account.Invited {
		t.Errorf("the invitation is %s", got.State)
	}
	w.letters()
	// Whoever opens an account already keeps it, and the invitation waits.
	bob := w.invite(admin, account.Invitee{Email: "bob@example.com"}, account.Standard)
	_, err = w.Accept(t.Context(), person("admin"), w.lastPass(bob))
	w.refused(err, fault.Conflict, account.IdentityTaken)
	// The app's tile does as well as the link (S10).
	in, err := w.Accept(t.Context(), a, 0)
	w.ok(err)
	if in.ID != adele.ID {
		t.Error("came into another account")
	}
}

func TestS11_AssociatingLeavesTheInvitationBehind(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		a := person("adele")
		invited := w.invite(admin, account.Invitee{Identity: a.Identity, Email: a.Email}, account.Standard)
		// The account that exists already, in another organization.
		far, err := w.Install(t.Context(), abroad(person("admin", account.GlobalAdministrator)), account.Organization{Name: "Fabrikam", Edition: account.Enterprise})
		w.ok(err)
		old := w.invite(far, account.Invitee{Email: "adele@home.example"}, account.Standard)
		_, err = w.AcceptWithPassword(t.Context(), w.lastPass(old), account.Newcomer{}, goodPassword)
		w.ok(err)

		u, err := w.SignIn(t.Context(), "Adele@Home.example ", goodPassword, "")
		w.ok(err)
		_, err = w.Associate(t.Context(), a, u.Org, u.ID, w.proof(u))
		w.ok(err)
		if s, err := w.Standing(t.Context(), a); err != nil || s.Door != account.Known || s.User.ID != old.ID || s.Org.Name != "Fabrikam" {
			t.Errorf("the Microsoft person finds %s at %s, %v", s.Door, s.Org.Name, err)
		}
		if got := w.user(invited); got.State != account.Deleted {
			t.Errorf("the invitation is %s", got.State)
		}
		// Again is calm; another Microsoft person is not let on top; what opens an account is not tied to a second one.
		_, err = w.Associate(t.Context(), a, u.Org, u.ID, w.proof(u))
		w.ok(err)
		_, err = w.Associate(t.Context(), person("eve"), u.Org, u.ID, w.proof(u))
		w.refused(err, fault.Conflict, account.HasIdentity)
		second := w.invite(far, account.Invitee{Email: "second@home.example"}, account.Standard)
		_, err = w.AcceptWithPassword(t.Context(), w.lastPass(second), account.Newcomer{}, goodPassword)
		w.ok(err)
		_, err = w.Associate(t.Context(), a, second.Org, second.ID, w.proof(second))
		w.refused(err, fault.Conflict, account.IdentityTaken)
	})
}

// Whoever has seen a password, and stands at the last question when its owner changes it, ties nobody to the account.
func TestS6_AProofEndsWithTheCredentialsItIsOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	ana := w.invite(admin, account.Invitee{Email: "ana@example.com"}, account.Standard)
	_, err := w.AcceptWithPassword(t.Context(), w.lastPass(ana), account.Newcomer{}, goodPassword)
	w.ok(err)
	stolen := w.proof(ana)
	w.ok(w.SetPassword(t.Context(), ana, goodPassword, "another horse battery entirely", "", ""))
	_, err = w.Associate(t.Context(), person("eve"), ana.Org, ana.ID, stolen)
	w.refused(err, fault.Denied, account.WrongPassword)
	stolen = w.proof(ana)
	w.ok(w.AddPasskey(t.Context(), ana, account.Passkey{ID: "key", Data: []byte("{}")}))
	_, err = w.Associate(t.Context(), person("eve"), ana.Org, ana.ID, stolen)
	w.refused(err, fault.Denied, account.WrongPassword)
	_, err = w.Associate(t.Context(), person("ana"), ana.Org, ana.ID, w.proof(ana))
	w.ok(err)
}

func TestS6_UntyingNeedsAnotherWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	adele := w.member(admin, "adele", account.Standard)
	w.refused(w.Dissociate(t.Context(), adele), fault.Conflict, account.OnlyWayIn)
	w.ok(w.SetPassword(t.Context(), adele, "", goodPassword, "", ""))
	w.ok(w.Dissociate(t.Context(), adele))
	w.refused(w.RemovePassword(t.Context(), adele), fault.Conflict, account.OnlyWayIn)
	if s, err := w.Standing(t.Context(), abroad(person("adele"))); err != nil || s.Door == account.Known {
		t.Errorf("an untied person finds %s, %v", s.Door, err)
	}
	w.ok(w.AddPasskey(t.Context(), adele, account.Passkey{ID: "key", Name: "Phone", Data: []byte("{}")}))
	w.ok(w.RemovePassword(t.Context(), adele))
	w.refused(w.RemovePasskey(t.Context(), adele, "key"), fault.Conflict, account.OnlyWayIn)
}

func TestS12_AskingTellsThoseWhoManageUsersOnceADay(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		w.member(admin, "adele", account.Standard)
		w.member(admin, "megan", account.Administrator)
		leaver := w.member(admin, "grady", account.Administrator)
		w.ok(w.Deactivate(t.Context(), admin, leaver.ID, 0))
		w.letters()

		eve := person("eve")
		req, err := w.AskToJoin(t.Context(), eve)
		w.ok(err)
		want := []string{"request admin@contoso.example", "request megan@contoso.example"}
		if got := w.letters(); !slices.Equal(got, want) {
			t.Errorf("letters: %v", got)
		}
		if _, err := w.AskToJoin(t.Context(), eve); err != nil {
			t.Error(err)
		}
		w.ok(w.Decline(t.Context(), admin, req.User, "  not now "))
		if got := w.letters(); !slices.Equal(got, []string{"declined eve@contoso.example"}) {
			t.Errorf("letters after a refusal: %v", got)
		}
		s, err := w.Standing(t.Context(), eve)
		w.ok(err)
		if s.Door != account.MayAsk || s.Request.Word != "not now" {
			t.Errorf("after a refusal: %+v", s)
		}
		w.pass(24*time.Hour - time.Second)
		again, err := w.AskToJoin(t.Context(), eve)
		w.ok(err)
		if got := w.letters(); len(got) != 0 {
			t.Errorf("a second wave within a day: %v", got)
		}
		w.pass(time.Second)
		_, err = w.AskToJoin(t.Context(), eve)
		w.ok(err)
		if got := w.letters(); !slices.Equal(got, want) {
			t.Errorf("a day later: %v", got)
		}
		w.ok(w.Approve(t.Context(), admin, again.User, account.Standard))
		w.refused(w.Approve(t.Context(), admin, again.User, account.Standard), fault.Conflict, account.AnsweredAlready)
		w.refused(w.Decline(t.Context(), admin, again.User, ""), fault.Conflict, account.AnsweredAlready)
		if got := w.letters(); !slices.Equal(got, []string{"approved eve@contoso.example"}) {
			t.Errorf("letters: %v", got)
		}
	})
}

func TestS12_TwoWhoManageUsersAnswerAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		megan := w.member(admin, "megan", account.Administrator)
		req, err := w.AskToJoin(t.Context(), person("eve"))
		w.ok(err)
		w.letters()
		var all sync.WaitGroup
		for i := range 8 {
			by := []account.User{admin, megan}[i%2]
			all.Go(func() {
				var err error
				if i%4 < 2 {
					err = w.Approve(t.Context(), by, req.User, account.Standard)
				} else {
					err = w.Decline(t.Context(), by, req.User, "")
				}
				if err != nil && fault.ReasonOf(err) != account.AnsweredAlready {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := w.letters(); len(got) != 1 {
			t.Errorf("letters: %v", got)
		}
	})
}

func TestS13_OnlyWhoManagesUsersApproves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	adele := w.member(admin, "adele", account.Standard)
	far, err := w.Install(t.Context(), abroad(person("admin", account.GlobalAdministrator)), account.Organization{Edition: account.Enterprise})
	w.ok(err)
	req, err := w.AskToJoin(t.Context(), person("eve"))
	w.ok(err)
	w.refused(w.Approve(t.Context(), adele, req.User, account.Standard), fault.Denied, "")
	w.refused(w.Approve(t.Context(), far, req.User, account.Standard), fault.NotFound, "")
	w.refused(w.Approve(t.Context(), account.User{Org: admin.Org, ID: req.User}, req.User, account.Standard), fault.Denied, "")
}

func TestUsers_TheLastSuperAdminStays(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		megan := w.member(admin, "megan", account.Administrator)
		w.refused(w.ChangeProfile(t.Context(), admin, admin.ID, account.Standard), fault.Conflict, account.LastSuperAdmin)
		w.refused(w.Deactivate(t.Context(), admin, admin.ID, 0), fault.Denied, account.OwnAccount)
		w.refused(w.Deactivate(t.Context(), megan, admin.ID, 0), fault.Denied, account.BeyondOwn)
		w.refused(w.ChangeProfile(t.Context(), megan, megan.ID, account.SuperAdmin), fault.Denied, account.BeyondOwn)
		w.refused(w.ChangeProfile(t.Context(), megan, admin.ID, account.Standard), fault.Denied, account.BeyondOwn)

		second := w.member(admin, "second", account.SuperAdmin)
		// Each takes the other away at the same time: one of them stays.
		var all sync.WaitGroup
		all.Go(func() { _ = w.Deactivate(t.Context(), admin, second.ID, 0) })
		all.Go(func() { _ = w.ChangeProfile(t.Context(), second, admin.ID, account.Standard) })
		all.Go(func() { _ = w.ChangeProfile(t.Context(), admin, admin.ID, account.Standard) })
		all.Wait()
		left := 0
		for _, u := range []account.User{w.user(admin), w.user(second)} {
			if u.State == account.Active && u.Profile == account.SuperAdmin {
				left++
			}
		}
		if left == 0 {
			t.Error("no Super Admin is left")
		}
	})
}

// Two Super Admins who deactivate each other at once, again and again: one of them always stays.
func TestUsers_SuperAdminsWhoDeactivateEachOtherAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		second := w.member(admin, "second", account.SuperAdmin)
		for range 10 {
			var all sync.WaitGroup
			var errs [2]error
			all.Go(func() { errs[0] = w.Deactivate(t.Context(), admin, second.ID, 0) })
			all.Go(func() { errs[1] = w.Deactivate(t.Context(), second, admin.ID, 0) })
			all.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("one succeeds: %v, %v", errs[0], errs[1])
			}
			stays, gone := admin, second
			if errs[1] == nil {
				stays, gone = second, admin
			}
			if now := w.user(stays); now.State != account.Active || now.Profile != account.SuperAdmin {
				t.Fatalf("who stays is %+v", now)
			}
			w.refused(w.Deactivate(t.Context(), gone, stays.ID, 0), fault.Denied, "")
			w.refused(w.ChangeProfile(t.Context(), stays, stays.ID, account.Standard), fault.Conflict, account.LastSuperAdmin)
			w.ok(w.Reactivate(t.Context(), stays, gone.ID))
		}
	})
}

// The free edition keeps its three users however many are let in at once, and by whichever way.
func TestS7_TheFreeEditionKeepsItsLimitAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		left := w.member(admin, "left", account.Standard)
		w.ok(w.Deactivate(t.Context(), admin, left.ID, 0))
		guest := w.invite(admin, account.Invitee{Email: "guest@example.com"}, account.Standard)
		pass := w.lastPass(guest)
		w.ok(w.Store.Within(t.Context(), admin.Org, func(tx account.Tx) error { // it was a paid one until now
			o, err := tx.Organization()
			if err != nil {
				return err
			}
			o.Edition = account.Free
			return tx.UpdateOrganization(o)
		}))
		ways := []func() error{
			func() error { return w.Reactivate(t.Context(), admin, left.ID) },
			func() error { _, err := w.Accept(t.Context(), person("guest"), pass); return err },
		}
		for _, name := range []string{"adele", "alex", "diego", "eve"} {
			req, err := w.AskToJoin(t.Context(), person(name))
			w.ok(err)
			ways = append(ways, func() error { return w.Approve(t.Context(), admin, req.User, account.Standard) })
		}
		errs := make([]error, len(ways))
		var all sync.WaitGroup
		for i, way := range ways {
			all.Go(func() { errs[i] = way() })
		}
		all.Wait()
		in := 0
		for _, err := range errs {
			if err == nil {
				in++
				continue
			}
			w.refused(err, fault.Denied, account.SeatsTaken)
		}
		counts, err := w.Store.CountPeople(t.Context(), admin.Org)
		w.ok(err)
		if in != 2 || counts[account.Active] != 3 {
			t.Errorf("%d came in, there are %v", in, counts)
		}
	})
}

// Whoever is deactivated comes in by no door there is, not even by a link that was sent before; activated again, the own password
// opens the account, and what had ended stays ended.
func TestUsers_WhoIsDeactivatedFindsEveryDoorClosed(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx, s := t.Context(), w.store.Accounts()
		admin := w.installed()
		adele := w.member(admin, "adele", account.Administrator)
		w.ok(w.SetPassword(ctx, adele, "", goodPassword, "", ""))
		w.ok(w.ForgotPassword(ctx, adele.Email, "192.0.2.1"))
		reset, hash := w.lastPass(adele), make([]byte, 32)
		w.ok(s.CreateToken(ctx, admin.Org, adele.ID, hash, w.now()))
		w.ok(s.OpenSession(ctx, account.Session{ID: "browser", Org: admin.Org, User: adele.ID, Created: w.now(), Seen: w.now()}))
		guest := w.invite(adele, account.Invitee{Email: "guest@example.com"}, account.Standard)
		proof := w.proof(adele)
		w.letters()

		w.ok(w.Deactivate(ctx, admin, adele.ID, 0))
		closed := func(when string) {
			t.Helper()
			_, token := s.UserByToken(ctx, hash)
			_, session := s.SessionUser(ctx, "browser", time.Time{})
			_, link := w.ResetPassword(ctx, reset, "another horse battery entirely")
			for door, err := range map[string]error{"API token": token, "session": session, "link of a letter": link} {
				if err == nil {
					t.Errorf("%s: the %s still opens", when, door)
				}
			}
		}
		closed("deactivated")
		_, err := w.SignIn(ctx, adele.Email, goodPassword, "")
		w.refused(err, fault.Denied, account.AccountInactive)
		standing, err := w.Standing(ctx, person("adele"))
		w.ok(err)
		if standing.Door != account.Inactive {
			t.Errorf("at the accounts page the door is %s", standing.Door)
		}
		_, err = w.Enter(ctx, person("adele"))
		w.refused(err, fault.Conflict, "")
		_, err = w.AskToJoin(ctx, person("adele"))
		w.refused(err, fault.Conflict, "")
		_, err = w.Associate(ctx, person("eve"), adele.Org, adele.ID, proof)
		w.refused(err, fault.Denied, account.AccountInactive)
		_, err = w.Invite(ctx, adele, []account.Invitee{{Email: "other@example.com"}}, account.Standard) // a page that is open still
		w.refused(err, fault.Denied, "")
		w.ok(w.ForgotPassword(ctx, adele.Email, "192.0.2.1"))
		if got := w.letters(); len(got) != 0 {
			t.Errorf("letters: %v", got)
		}
		_, err = w.AcceptWithPassword(ctx, w.lastPass(guest), account.Newcomer{}, goodPassword) // the organization's invitation, not Adele's
		w.ok(err)

		w.ok(w.Reactivate(ctx, admin, adele.ID))
		closed("activated again")
		if _, err := w.SignIn(ctx, adele.Email, goodPassword, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestUsers_WhoOwnsRecordsIsNotDeletedWithoutAnHeir(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		adele := w.member(admin, "adele", account.Standard)
		w.refused(w.Delete(t.Context(), admin, adele.ID, 0), fault.Conflict, "")
		w.ok(w.Deactivate(t.Context(), admin, adele.ID, 0))
		w.refused(w.Deactivate(t.Context(), admin, adele.ID, 0), fault.Conflict, account.AnsweredAlready)
		w.ok(w.Reactivate(t.Context(), admin, adele.ID))
		w.ok(w.Deactivate(t.Context(), admin, adele.ID, 0))
		w.refused(w.Delete(t.Context(), admin, adele.ID, adele.ID), fault.Invalid, fault.BadValue)
		w.ok(w.Delete(t.Context(), admin, adele.ID, admin.ID))
		if s, err := w.Standing(t.Context(), person("adele")); err != nil || s.Door != account.MayAsk {
			t.Errorf("a deleted person finds %s, %v", s.Door, err)
		}
		w.member(admin, "adele", account.Standard) // and may come back
	})
}

func TestProfiles_NobodyGivesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	clerk := account.Permissions{ManageUsers: true, Contacts: record.OwnOnly, Events: record.OwnOnly}
	w.ok(w.SaveProfile(t.Context(), admin, "", "Clerk", clerk))
	carl := w.member(admin, "carl", "Clerk")
	more := clerk
	more.Contacts = record.Full
	w.refused(w.SaveProfile(t.Context(), carl, "", "Boss", more), fault.Denied, account.BeyondOwn)
	w.refused(w.SaveProfile(t.Context(), carl, "Clerk", "Clerk", clerk), fault.Denied, account.OwnAccount)
	w.refused(w.SaveProfile(t.Context(), carl, account.Standard, account.Standard, clerk), fault.Denied, account.BeyondOwn)
	_, err := w.Invite(t.Context(), carl, []account.Invitee{{Email: "x@example.com"}}, account.Administrator)
	w.refused(err, fault.Denied, account.BeyondOwn)
	w.refused(w.SaveProfile(t.Context(), admin, account.SuperAdmin, account.SuperAdmin, clerk), fault.Denied, account.ProfileFixed)
	w.refused(w.SaveProfile(t.Context(), admin, account.Standard, "Other", clerk), fault.Denied, account.ProfileFixed)
	w.refused(w.SaveProfile(t.Context(), admin, "", "standard", clerk), fault.Conflict, account.ProfileTaken)
	w.refused(w.SaveProfile(t.Context(), admin, "", "Clerk", clerk), fault.Conflict, account.ProfileTaken)
	w.refused(w.SaveProfile(t.Context(), admin, "", "CLERK", clerk), fault.Conflict, account.ProfileTaken)
	w.refused(w.SaveProfile(t.Context(), admin, "", "\u200b", clerk), fault.Invalid, fault.BadValue)
	w.refused(w.SaveProfile(t.Context(), admin, "", "Cle\u200brk", clerk), fault.Conflict, account.ProfileTaken)
	w.refused(w.DeleteProfile(t.Context(), admin, "Clerk"), fault.Conflict, account.ProfileInUse)
	w.refused(w.DeleteProfile(t.Context(), admin, account.Standard), fault.Denied, account.ProfileFixed)
	w.ok(w.SaveProfile(t.Context(), admin, "Clerk", "Desk", clerk))
	if got := w.user(carl); got.Profile != "Desk" || got.May != clerk {
		t.Errorf("after renaming Carl has %q: %+v", got.Profile, got.May)
	}
	less := clerk
	less.ManageUsers = false
	w.ok(w.SaveProfile(t.Context(), admin, "Desk", "Desk", less))
	w.refused(w.Resend(t.Context(), carl, carl.ID), fault.Denied, "")
}

func TestPermissions_WhatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		p    account.Permissions
		want string
	}{
		"standard":          {account.Standard.Permissions(), ""},
		"nothing":           {account.Permissions{}, ""},
		"edit unseen":       {account.Permissions{Contacts: record.Access{View: record.Own, Edit: record.Anyones}}, "contacts"},
		"create unseen":     {account.Permissions{Events: record.Access{Create: true}}, "events"},
		"sync without edit": {account.Permissions{Contacts: record.Access{View: record.Anyones, Create: true}, SyncContacts: true}, "sync_contacts"},
		"unknown reach":     {account.Permissions{Events: record.Access{View: "some"}}, "events"},
	} {
		err := row.p.Check()
		if field := ""; err != nil {
			field = fault.As(err).Field
			if field != row.want {
				t.Errorf("%s: %v", name, err)
			}
		} else if row.want != "" {
			t.Errorf("%s: let pass", name)
		}
	}
}

func TestPasswords_TheFirstGuessesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	ana := w.invite(admin, account.Invitee{Email: "ana.lima@example.com"}, account.Standard)
	pass := w.lastPass(ana)
	for _, weak := range []string{
		"password12", "P4ssw0rd!!", "123password123", "aaaaaaaaaa", "1212121212", "abcabcabcabc", "1234567890", "zyxwvutsrq", "ana.lima.2026", "AnaLima2026",
		"tandemtandem1", "Contoso2026!!", "contoso-contoso-1",
	} {
		_, err := w.AcceptWithPassword(t.Context(), pass, account.Newcomer{FirstName: "Ana", LastName: "Lima"}, weak)
		w.refused(err, fault.Invalid, account.WeakPassword)
	}
	for _, good := range []string{"meu gato dorme", "kX8#vq2L!z", "não-sei-bem-porquê", "日本語のパスワード長い"} {
		if err := w.SetPassword(t.Context(), admin, "", good, "", ""); err != nil {
			t.Errorf("%q: %v", good, err)
		}
		w.ok(w.RemovePassword(t.Context(), admin))
	}
	w.Common = func(...string) (bool, error) { return false, fault.New(fault.Unavailable, "", "no list") }
	if err := w.SetPassword(t.Context(), admin, "", goodPassword, "", ""); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without the list: %v", err)
	}
}

func TestNames_ShowWhatTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	for typed, want := range map[string]string{
		"a\r\nBcc: x": "a Bcc: x", "\u202eevil": "evil", " Ana   Lúcia ": "Ana Lúcia", "خالد": "خالد", "👩‍💻 Bia": "👩‍💻 Bia", "x\x00y": "xy", "\u2066a\u2069": "a",
		"\u200b": "", "\u200d\u200c ": "", "\u3164": "", "Ana\u200b\ufeff": "Ana", "می\u200cخواهم": "می\u200cخواهم",
	} {
		u := w.invite(admin, account.Invitee{Email: fmt.Sprintf("p%x@example.com", typed), FirstName: typed}, account.Standard)
		if u.FirstName != want {
			t.Errorf("%q is kept as %q, expected %q", typed, u.FirstName, want)
		}
	}
}

func TestPasswords_WrongOnesAreLimitedByPersonAndPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	ana := w.invite(admin, account.Invitee{Email: "ana@example.com"}, account.Standard)
	_, err := w.AcceptWithPassword(t.Context(), w.lastPass(ana), account.Newcomer{}, goodPassword)
	w.ok(err)
	_, err = w.SignIn(t.Context(), "nobody@example.com", goodPassword, "192.0.2.9")
	w.refused(err, fault.Denied, account.WrongPassword)
	for range 10 {
		_, err = w.SignIn(t.Context(), "ana@example.com", "wrong", "192.0.2.1")
		w.refused(err, fault.Denied, account.WrongPassword)
	}
	_, err = w.SignIn(t.Context(), "ANA@example.com", goodPassword, "192.0.2.2")
	w.refused(err, fault.Throttled, account.TooOften)
	if wait := fault.RetryAfter(err); wait <= 0 || wait > 15*time.Minute {
		t.Errorf("is to wait %v", wait)
	}
	w.pass(15 * time.Minute)
	if _, err = w.SignIn(t.Context(), "ana@example.com", goodPassword, "192.0.2.1"); err != nil {
		t.Error(err)
	}
	w.ok(w.Deactivate(t.Context(), admin, ana.ID, 0))
	_, err = w.SignIn(t.Context(), "ana@example.com", goodPassword, "")
	w.refused(err, fault.Denied, account.AccountInactive)
	_, err = w.SignIn(t.Context(), "ana@example.com", "wrong one here", "")
	w.refused(err, fault.Denied, account.WrongPassword)
}

func TestPasswords_AForgottenOneIsReplacedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	ana := w.invite(admin, account.Invitee{Email: "ana@example.com"}, account.Standard)
	_, err := w.AcceptWithPassword(t.Context(), w.lastPass(ana), account.Newcomer{}, goodPassword)
	w.ok(err)
	w.letters()
	for _, address := range []string{"nobody@example.com", "admin@contoso.example", "ana@example.com"} {
		w.ok(w.ForgotPassword(t.Context(), address, "192.0.2.1"))
	}
	if got := w.letters(); !slices.Equal(got, []string{"password_reset ana@example.com"}) {
		t.Fatalf("letters: %v", got)
	}
	session := account.Session{ID: "browser", Org: ana.Org, User: ana.ID, Created: w.now(), Seen: w.now()}
	w.ok(w.store.Accounts().OpenSession(t.Context(), session))
	pass := w.lastPass(ana)
	if _, err := w.AcceptWithPassword(t.Context(), pass, account.Newcomer{}, goodPassword); !fault.Is(err, fault.NotFound) {
		t.Errorf("a reset opened an invitation: %v", err)
	}
	const next = "another horse battery entirely"
	_, err = w.ResetPassword(t.Context(), pass, next)
	w.ok(err)
	_, err = w.ResetPassword(t.Context(), pass, next)
	w.refused(err, fault.Gone, account.PassSpent)
	if _, err := w.store.Accounts().SessionUser(t.Context(), "browser", time.Time{}); err == nil {
		t.Error("a session outlived the reset")
	}
	_, err = w.SignIn(t.Context(), "ana@example.com", goodPassword, "")
	w.refused(err, fault.Denied, account.WrongPassword)
	_, err = w.SignIn(t.Context(), "ana@example.com", next, "")
	w.ok(err)
	w.ok(w.ForgotPassword(t.Context(), "ana@example.com", "192.0.2.1"))
	late := w.lastPass(ana)
	w.pass(account.ResetLife)
	_, err = w.ResetPassword(t.Context(), late, goodPassword)
	w.refused(err, fault.Gone, account.PassExpired)
}

func TestAddress_IsOneThatMailReaches(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		" Ana@Example.COM ": "Ana@example.com", "josé@exemplo.com.br": "josé@exemplo.com.br", "a@b": "", "": "", "a b@example.com": "",
		"Ana <ana@example.com>": "", "a@example.com\r\nBcc: x@y.z": "", "a@-bad-.example": "", "a@" + strings.Repeat("x", 250) + ".com": "",
		"x@münchen.example": "x@münchen.example",
	} {
		got, err := account.Address(typed)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Address(%q) = %q, %v; expected %q", typed, got, err, want)
		}
	}
}
