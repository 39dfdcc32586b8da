package account_test

import (
	"fmt"
	"sync"
	"testing"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// withPassword is somebody who was invited by address and has set goodPassword.
func (w *world) withPassword(by account.User, email string) account.User {
	w.t.Helper()
	invited := w.invite(by, account.Invitee{Email: email}, account.Standard)
	u, err := w.AcceptWithPassword(w.t.Context(), w.lastPass(invited), account.Newcomer{}, goodPassword)
	w.ok(err)
	w.letters()
	return w.user(u)
}

// Whoever tries from a place that is locked out already must not lock other people out of their accounts by that.
func TestLimits_APlaceThatIsLockedOutLocksNobodyElseOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withPassword(w.installed(), "ana@example.com")
	for i := range 50 {
		_, err := w.SignIn(t.Context(), fmt.Sprintf("nobody%d@example.com", i), "wrong", "192.0.2.1")
		w.refused(err, fault.Denied, account.WrongPassword)
	}
	for range 20 {
		_, err := w.SignIn(t.Context(), "ana@example.com", "wrong", "192.0.2.1")
		w.refused(err, fault.Throttled, account.TooOften)
	}
	if _, err := w.SignIn(t.Context(), "ana@example.com", goodPassword, "192.0.2.2"); err != nil {
		t.Errorf("the owner at another place: %v", err)
	}
}

// A provider gives each customer a whole network of IPv6 addresses.
func TestLimits_ANetworkOfIPv6IsOnePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	try := func(i int, place string) error {
		_, err := w.SignIn(t.Context(), fmt.Sprintf("nobody%d@example.com", i), "wrong", place)
		return err
	}
	for i := range 50 {
		w.refused(try(i, fmt.Sprintf("2001:db8:1:2::%x", i+1)), fault.Denied, account.WrongPassword)
	}
	w.refused(try(50, "2001:db8:1:2:ffff::1"), fault.Throttled, account.TooOften)
	w.refused(try(51, "2001:db8:1:3::1"), fault.Denied, account.WrongPassword)
	w.refused(try(52, "192.0.2.1"), fault.Denied, account.WrongPassword)
}

// Anybody who manages users can invite any address: that must not stand before the accounts that the address has.
func TestPasswords_InvitationsElsewhereHideNoAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 6 {
		boss := person(fmt.Sprintf("b%d", i), account.GlobalAdministrator)
		boss.TenantID = fmt.Sprintf("33333333-3333-3333-3333-%012d", i)
		by, err := w.Install(t.Context(), boss, contoso)
		w.ok(err)
		w.invite(by, account.Invitee{Email: "ana@example.com"}, account.Standard)
	}
	ana := w.withPassword(w.installed(), "ana@example.com")
	if u, err := w.SignIn(t.Context(), "ana@example.com", goodPassword, ""); err != nil || u.ID != ana.ID {
		t.Errorf("signing in: user %d, %v", u.ID, err)
	}
	w.ok(w.ForgotPassword(t.Context(), "ana@example.com", ""))
	if got := w.letters(); len(got) != 1 || got[0] != "password_reset ana@example.com" {
		t.Errorf("letters after the password was forgotten: %v", got)
	}
}

// Whoever changes a password because somebody reads their mail must not be undone by a link in that mail.
func TestPasswords_ANewOneEndsTheLinkOfAForgottenOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.withPassword(w.installed(), "ana@example.com")
	w.ok(w.ForgotPassword(t.Context(), ana.Email, ""))
	link := w.lastPass(ana)
	w.ok(w.SetPassword(t.Context(), ana, goodPassword, "another horse battery entirely", "", ""))
	_, err := w.ResetPassword(t.Context(), link, "a third horse battery entirely")
	w.refused(err, fault.Gone, account.PassTakenBack)
}

// Nor may a link that lies in a mailbox open a door that its owner has closed: where Microsoft alone opens the account.
func TestPasswords_ALinkOpensNoDoorBesideMicrosofts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	w.ok(w.SetPassword(t.Context(), admin, "", goodPassword, "", ""))
	w.ok(w.ForgotPassword(t.Context(), admin.Email, ""))
	link := w.lastPass(admin)
	w.ok(w.RemovePassword(t.Context(), admin))
	_, err := w.ResetPassword(t.Context(), link, "another horse battery entirely")
	w.refused(err, fault.Gone, account.PassTakenBack)

	invited := w.invite(admin, account.Invitee{Email: "ana@example.com"}, account.Standard)
	ana, err := w.AcceptWithPasskey(t.Context(), w.lastPass(invited), account.Newcomer{}, account.Passkey{ID: "k", Name: "k", Data: []byte("{}")})
	w.ok(err)
	w.ok(w.ForgotPassword(t.Context(), ana.Email, ""))
	link = w.lastPass(ana)
	_, err = w.Associate(t.Context(), person("ana"), ana.Org, ana.ID, w.proof(ana))
	w.ok(err)
	_, err = w.ResetPassword(t.Context(), link, goodPassword)
	w.refused(err, fault.Gone, account.PassTakenBack)
	w.letters()
	w.ok(w.ForgotPassword(t.Context(), ana.Email, ""))
	for _, l := range w.letters() {
		if l == "password_reset ana@example.com" {
			t.Error("a letter for a password beside Microsoft")
		}
	}
}

// The link of a forgotten password sets one password, whoever presses first, and none for somebody who was deactivated since.
func TestPasswords_AResetCountsOnceAtOnceAndForNobodyDeactivated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	ana := w.withPassword(admin, "ana@example.com")
	w.ok(w.ForgotPassword(t.Context(), ana.Email, ""))
	link := w.lastPass(ana)
	passwords := []string{"another horse battery entirely", "a third horse battery entirely", "a fourth horse battery entirely"}
	errs := make([]error, len(passwords))
	var all sync.WaitGroup
	for i := range passwords {
		all.Go(func() { _, errs[i] = w.ResetPassword(t.Context(), link, passwords[i]) })
	}
	all.Wait()
	set := 0
	for i, err := range errs {
		if _, in := w.SignIn(t.Context(), ana.Email, passwords[i], ""); (in == nil) != (err == nil) {
			t.Errorf("reset %d: %v, and signing in with it: %v", i, err, in)
		}
		if err == nil {
			set++
			continue
		}
		w.refused(err, fault.Gone, account.PassSpent)
	}
	if set != 1 {
		t.Errorf("%d resets by one link", set)
	}

	w.ok(w.ForgotPassword(t.Context(), ana.Email, ""))
	link = w.lastPass(ana)
	w.ok(w.Deactivate(t.Context(), admin, ana.ID, 0))
	_, err := w.ResetPassword(t.Context(), link, "a fifth horse battery entirely")
	w.refused(err, fault.Gone, account.PassTakenBack)
	w.letters()
	w.ok(w.ForgotPassword(t.Context(), ana.Email, ""))
	if got := w.letters(); len(got) != 0 {
		t.Errorf("letters to somebody deactivated: %v", got)
	}
	w.ok(w.Reactivate(t.Context(), admin, ana.ID))
	_, err = w.ResetPassword(t.Context(), link, "a fifth horse battery entirely")
	w.refused(err, fault.Gone, account.PassTakenBack)
}

// What the directory does not tell is not taken for the answer that suits: an address of somebody who may be a guest is
// their home organization's business.
func TestS3_WhoeverMayBeAGuestOpensNothingByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	w.withPassword(admin, "ana@contoso.example")
	w.invite(admin, account.Invitee{Email: "bob@contoso.example"}, account.Standard)
	for _, name := range []string{"ana", "bob"} {
		a := person(name)
		a.Email, a.Untold = "", true // all that is known is what the ID token says
		s, err := w.Standing(t.Context(), a)
		w.ok(err)
		if s.Door != account.MayAsk || s.User.ID != 0 {
			t.Errorf("%s stands at %s", name, s.Door)
		}
		if _, err := w.Enter(t.Context(), a); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s enters: %v", name, err)
		}
	}
}

// A trail in which a profile vanishes and another appears does not tell what was done.
func TestProfiles_TheTrailTellsOfANewName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.installed()
	may := account.Standard.Permissions()
	w.ok(w.SaveProfile(t.Context(), admin, "", "Sales", may))
	w.ok(w.SaveProfile(t.Context(), admin, "Sales", "Sellers", may))
	trail, err := w.store.Accounts().Audit(t.Context(), admin.Org, 0, 1)
	w.ok(err)
	if e := trail[0]; e.Action != account.ProfileSaved || e.Detail["from"] != "Sales" || e.Detail["to"] != "Sellers" {
		t.Errorf("the trail says %s %v", e.Action, e.Detail)
	}
}

// What strangers type is no address, but it is no fault of ours either. PostgreSQL takes neither NUL nor broken UTF-8.
func TestPasswords_WhatIsNoTextIsNoAddress(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.installed()
		for _, typed := range []string{"a\x00@example.com", "a\xff@example.com", "\x00"} {
			_, err := w.SignIn(t.Context(), typed, goodPassword, "192.0.2.1")
			w.refused(err, fault.Denied, account.WrongPassword)
			w.ok(w.ForgotPassword(t.Context(), typed, "192.0.2.1"))
		}
	})
}

// A person who is invited here and associates an account elsewhere at the same moment ends up in one place, and nothing is
// left half done in the other, although each of the two changes accounts of both organizations.
func TestS11_AcceptingAndAssociatingAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		admin := w.installed()
		chief, err := w.Install(t.Context(), abroad(person("chief", account.GlobalAdministrator)), contoso)
		w.ok(err)
		for i := range 6 {
			a := person(fmt.Sprintf("p%d", i))
			invited := w.invite(admin, account.Invitee{Identity: a.Identity, Email: a.Email}, account.Standard)
			elsewhere := w.withPassword(chief, a.Email)
			errs := make([]error, 3)
			var all sync.WaitGroup
			all.Go(func() { _, errs[0] = w.Accept(t.Context(), a, 0) })
			all.Go(func() { _, errs[1] = w.Associate(t.Context(), a, elsewhere.Org, elsewhere.ID, w.proof(elsewhere)) })
			all.Go(func() { errs[2] = w.Resend(t.Context(), admin, invited.ID) })
			all.Wait()
			for _, err := range errs {
				if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Gone) {
					t.Errorf("neither done nor refused: %v", err)
				}
			}
			u, err := w.store.Accounts().UserByIdentity(t.Context(), a.Identity)
			w.ok(err)
			here, there := w.user(invited), w.user(elsewhere)
			if accepted := errs[0] == nil; accepted == (errs[1] == nil) || (u.ID == here.ID) != accepted {
				t.Errorf("accepted: %v, associated: %v, and user %d opens", errs[0], errs[1], u.ID)
			}
			if u.ID == here.ID && (here.State != account.Active || !there.Identity.IsZero()) || u.ID == there.ID && here.State != account.Deleted {
				t.Errorf("here %s, there %+v", here.State, there.Identity)
			}
			if p, err := w.store.Accounts().Pass(t.Context(), w.lastPass(invited)); err != nil || p.State == account.PassOpen {
				t.Errorf("an invitation is open still: %+v, %v", p, err)
			}
		}
	})
}
