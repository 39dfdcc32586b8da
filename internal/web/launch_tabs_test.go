package web

import (
	"net/http"
	"strings"
	"testing"

	"tandem/internal/account"
)

// nothingDone expects that a form of the accounts page was not carried out, because the page has another one before it by now.
func (a answer) nothingDone(t *testing.T, what string) {
	t.Helper()
	if a.status != http.StatusConflict || !strings.Contains(a.text(), "nothing was done") {
		t.Errorf("%s: %d at %s\n%s", what, a.status, a.path, a.text())
	}
}

// Two tabs share a browser's session. Whoever presses a button is who its page named, or nothing is done.
func TestS2_S10_ATabDoesNothingForWhoeverCameInAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(w.invitee("megan@contoso.example"))
	b := w.browser()
	megans := b.come("megan@contoso.example")
	northwinds := b.atMicrosoft(b.post(launchPath+"/other"), northwindAdmin, "accept")
	if !megans.atDoor(account.Welcome) || !northwinds.atDoor(account.MayInstall) {
		t.Fatalf("the two tabs stand at\n%s\n%s", megans.text(), northwinds.text())
	}
	unchanged := w.unchanged()
	got := b.submit(megans, "launch-form", "terms", "yes")
	got.nothingDone(t, "an invitation's tab")
	if !got.atDoor(account.MayInstall) || !strings.Contains(got.text(), northwindAdmin) {
		t.Errorf("the tab does not say who stands there now:\n%s", got.text())
	}
	unchanged("the tab of an invitation")

	w.invite(w.invitee("lee@contoso.example"))
	unchanged = w.unchanged()
	lees := b.atMicrosoft(b.post(launchPath+"/other"), "lee@contoso.example", "accept")
	b.atMicrosoft(b.post(launchPath+"/other"), "megan@contoso.example", "accept")
	b.submit(lees, "launch-form", "terms", "yes").nothingDone(t, "another's invitation")
	for _, upn := range []string{"megan@contoso.example", "lee@contoso.example"} {
		if u, _ := w.byMicrosoft(upn); u.State != account.Invited {
			t.Errorf("%s is %s", upn, u.State)
		}
	}
	unchanged("both invitations")
	if got := b.submit(b.get(launchPath), "launch-form", "terms", "yes"); got.path != "/" || !strings.Contains(got.body, "megan@contoso.example") {
		t.Errorf("the page as it is now led to %s\n%s", got.path, got.text())
	}
}

// Two invitations by link for one person: each tab is for its own.
func TestS10_ATabTakesUpItsOwnInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.invite(account.Invitee{Email: "one@example.com"}), w.invite(account.Invitee{Email: "two@example.com"})
	b := w.browser()
	ofFirst := b.openLink(first, "megan@contoso.example")
	ofSecond := b.openLink(second, "megan@contoso.example")
	b.submit(ofFirst, "launch-form", "terms", "yes").nothingDone(t, "the first link's tab")
	if a, z := w.reread(first), w.reread(second); a.State != account.Invited || z.State != account.Invited {
		t.Errorf("the invitations are %s and %s", a.State, z.State)
	}
	if got := b.submit(ofSecond, "launch-form", "terms", "yes"); got.path != "/" || w.reread(second).State != account.Active {
		t.Errorf("the second one's tab led to %s, %s", got.path, w.reread(second).State)
	}
}

// An invitation that was withdrawn while its page was open, and another that came, are two.
func TestS10_AnotherOrganizationsInvitationIsNotTakenUpUnseen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(w.invitee("megan@contoso.example"))
	b := w.browser()
	page := b.come("megan@contoso.example")
	w.must(w.site.Registry.Withdraw(t.Context(), w.users["admin@contoso.example"], invited.ID))
	admin := w.reread(w.users["admin@fabrikam.example"])
	out, err := w.site.Registry.Invite(t.Context(), admin, []account.Invitee{w.invitee("megan@contoso.example")}, account.Standard)
	w.must(err)
	w.must(out[0].Err)
	got := b.submit(page, "launch-form", "terms", "yes")
	if !got.atDoor(account.Welcome) || !strings.Contains(got.text(), "invites you to "+w.other.Name) || w.reread(out[0].User).State != account.Invited {
		t.Errorf("%d at %s, and the invitation is %s\n%s", got.status, got.path, w.reread(out[0].User).State, got.text())
	}
}

func TestS12_ATabAsksForWhomItNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	megans := b.come("megan@contoso.example")
	b.atMicrosoft(b.post(launchPath+"/other"), "lee@contoso.example", "accept")
	unchanged := w.unchanged()
	b.submit(megans, "launch-form", "terms", "yes").nothingDone(t, "the first one's request")
	unchanged("a request from a page of somebody else")
	if len(w.letters()) != 0 {
		t.Error("letters went out")
	}
}

// What is confirmed is what the page said: this Microsoft person, and that account.
func TestS6_ATabAssociatesWhatItSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	beto, caio := w.elsewhere(w.other, "beto@example.com"), w.elsewhere(w.other, "caio@example.com")
	b := w.browser()
	b.come("megan@contoso.example")
	toBeto := b.post(associatePath, "email", beto.Email, "password", longPassword)
	b.post(associatePath, "email", caio.Email, "password", longPassword)
	got := b.submit(toBeto, "associate-confirm", "x", "")
	got.nothingDone(t, "another account was proved")
	if !strings.Contains(got.text(), "opens the account caio@example.com") {
		t.Errorf("the page does not say what would be now:\n%s", got.text())
	}

	b.atMicrosoft(b.post(launchPath+"/other"), "lee@contoso.example", "accept")
	b.post(associatePath, "email", beto.Email, "password", longPassword)
	b.submit(toBeto, "associate-confirm", "x", "").nothingDone(t, "another person came")
	for _, u := range []account.User{beto, caio} {
		if !w.reread(u).Identity.IsZero() {
			t.Errorf("%s is tied", u.Email)
		}
	}
}
