package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// ownKeys are the keys of messages that the pages of one's own account put together from parts.
func ownKeys() (out []string) {
	for _, r := range ownReasons {
		out = append(out, "own.refusal."+string(r))
	}
	for _, state := range linkStates {
		for _, format := range []string{"own.link.%s", "own.reset.%s", "own.invitation.%s"} {
			out = append(out, fmt.Sprintf(format, state))
		}
	}
	return append(out, "own.flash.untied", "own.flash.password", "own.flash.password_removed", "own.flash.passkey_removed", "own.flash.session", "own.flash.others")
}

// ownOpen are the ways in that are for whoever comes.
var ownOpen = []string{
	"POST /signin/password", "POST /signin/passkey/options", "POST /signin/passkey",
	"GET /password/forgot", "POST /password/forgot", "GET /password/{token}", "POST /password/{token}",
	"GET /invitation/{token}", "POST /invitation/{token}/microsoft", "POST /invitation/{token}/password",
	"POST /invitation/{token}/passkey/options", "POST /invitation/{token}/passkey",
}

// invite lets the administrator of contoso invite somebody, by address or as a Microsoft person.
func (w *world) invite(who account.Invitee) account.User {
	w.t.Helper()
	admin, err := w.store.Accounts().User(context.Background(), w.org.ID, w.users["admin@contoso.example"].ID)
	w.must(err)
	out, err := w.site.Registry.Invite(context.Background(), admin, []account.Invitee{who}, account.Standard)
	w.must(err)
	w.must(out[0].Err)
	return out[0].User
}

// letter is the latest one about a user.
func (w *world) letter(u account.User) account.Letter {
	w.t.Helper()
	letters, err := w.store.Accounts().Letters(context.Background(), u.Org, []record.ID{u.ID})
	w.must(err)
	return letters[u.ID]
}

// letterLink is the address in the latest letter about a user, as a path.
func (w *world) letterLink(u account.User) string {
	w.t.Helper()
	l := w.letter(u)
	p, err := w.store.Accounts().Pass(context.Background(), l.Pass)
	w.must(err)
	address := w.site.tickets.InvitationURL(p)
	if l.Kind == account.LetterReset {
		address = w.site.tickets.ResetURL(p)
	}
	return strings.TrimPrefix(address, w.site.Settings.URL)
}

// reread is a user as the store has it now.
func (w *world) reread(u account.User) account.User {
	w.t.Helper()
	u, err := w.store.Accounts().User(context.Background(), u.Org, u.ID)
	w.must(err)
	return u
}

const (
	goodPassword  = "plume gravel otter nine"
	otherPassword = "quartz bicycle 71 lemon"
)

// local is a user without Microsoft, who has joined with goodPassword.
func (w *world) local(email string) account.User {
	w.t.Helper()
	u := w.invite(account.Invitee{Email: email, FirstName: "Lia", LastName: "Rocha"})
	got := w.browser().post(w.letterLink(u)+"/password", "first_name", "Lia", "last_name", "Rocha", "password", goodPassword, "terms", "yes")
	if got.path != "/" || got.status != 200 {
		w.t.Fatalf("joining ended at %s with %d\n%s", got.path, got.status, got.text())
	}
	return w.reread(u)
}

// enter is a browser signed in with a password.
func (w *world) enter(email, password string) *browser {
	w.t.Helper()
	b := w.browser()
	if got := b.post("/signin/password", "email", email, "password", password); got.status != 200 || got.path != "/" {
		w.t.Fatalf("signing in as %s ended at %s with %d\n%s", email, got.path, got.status, got.text())
	}
	return b
}

// inside reports whether a browser is signed in.
func (b *browser) inside() bool {
	b.w.t.Helper()
	return b.get("/setup/preferences").path == "/setup/preferences"
}

func TestS9_WhoeverIsInvitedByAddressJoinsWithAPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.invite(account.Invitee{Email: "lia@elsewhere.example", FirstName: "Lia"})
	link := w.letterLink(u)
	b := w.browser()

	page := b.get(link)
	for _, want := range []string{"Join " + w.org.Name, w.users["admin@contoso.example"].Name(), "lia@elsewhere.example", "Standard", "Continue with Microsoft", "(America/Sao Paulo)"} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("the invitation does not say %q:\n%s", want, page.text())
		}
	}
	if page.header.Get("Referrer-Policy") != "no-referrer" || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the link may leak: %v", page.header)
	}
	head, err := http.NewRequest(http.MethodHead, w.url+link, nil)
	w.must(err)
	if got := b.do(head); got.status != 200 || w.reread(u).State != account.Invited {
		t.Errorf("HEAD answers %d and leaves the user %s", got.status, w.reread(u).State)
	}

	for name, row := range map[string]struct {
		form  []string
		field string
	}{
		"without the terms": {[]string{"password", goodPassword}, "terms"},
		"a short password":  {[]string{"password", "short", "terms", "yes"}, "password"},
		"a common password": {[]string{"password", "password1234", "terms", "yes"}, "password"},
		"the own address":   {[]string{"password", "lia@elsewhere.example", "terms", "yes"}, "password"},
		"none":              {[]string{"terms", "yes"}, "password"},
	} {
		got := b.post(link+"/password", append(row.form, "first_name", "Lia", "last_name", "Rocha")...)
		if got.status != 422 || !strings.Contains(got.body, `data-field-error="`+row.field+`"`) || !strings.Contains(got.body, `value="Rocha"`) {
			t.Errorf("%s: %d\n%s", name, got.status, got.text())
		}
		if _, err := w.store.Accounts().Password(context.Background(), u.Org, u.ID); w.reread(u).State != account.Invited || !fault.Is(err, fault.NotFound) {
			t.Fatalf("%s: something was made (%s, %v)", name, w.reread(u).State, err)
		}
	}

	got := b.post(link+"/password", "first_name", "Lia", "last_name", "Rocha", "password", goodPassword, "terms", "yes", "zone", "Europe/Lisbon")
	if got.path != "/" || !strings.Contains(got.text(), "Welcome, Lia Rocha!") {
		t.Fatalf("joining led to %s with %d\n%s", got.path, got.status, got.text())
	}
	if now := w.reread(u); now.State != account.Active || now.Name() != "Lia Rocha" || now.Terms.IsZero() || now.Zone != "Europe/Lisbon" || now.Locale != "en" || now.LastSignIn.IsZero() {
		t.Errorf("joined as %+v", now)
	}
	if got := w.browser().get(link); got.status != 410 || !strings.Contains(got.body, `data-state="used"`) {
		t.Errorf("the link afterwards: %d\n%s", got.status, got.text())
	}

	b.post("/signout")
	if got := b.post("/signin/password", "email", " Lia@Elsewhere.example", "password", goodPassword, "next", "/contacts?q=x"); got.path != "/contacts?q=x" {
		t.Errorf("signing in with the password led to %s with %d\n%s", got.path, got.status, got.text())
	}
}

func TestS10_TheLinkSaysPlainlyWhyItIsOver(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	admin := w.users["admin@contoso.example"]
	admin.May = account.SuperAdmin.Permissions()
	for i, row := range []struct {
		state string
		end   func(account.User)
	}{
		{"withdrawn", func(u account.User) { w.must(w.site.Registry.Withdraw(ctx, admin, u.ID)) }},
		{"replaced", func(u account.User) { w.must(w.site.Registry.Resend(ctx, admin, u.ID)) }},
		{"used", func(u account.User) {
			_, err := w.site.Registry.AcceptWithPassword(ctx, w.letter(u).Pass, account.Newcomer{}, goodPassword)
			w.must(err)
		}},
		{"expired", func(account.User) { w.pass(account.InvitationLife) }},
	} {
		u := w.invite(account.Invitee{Email: fmt.Sprintf("p%d@elsewhere.example", i)})
		link := w.letterLink(u)
		row.end(u)
		before := w.reread(u)
		for name, got := range map[string]answer{
			"looking":   w.browser().get(link),
			"joining":   w.browser().post(link+"/password", "password", otherPassword, "terms", "yes"),
			"Microsoft": w.browser().post(link + "/microsoft"),
		} {
			if got.status != 410 || !strings.Contains(got.body, `data-state="`+row.state+`"`) || !strings.Contains(got.text(), w.org.Name) {
				t.Errorf("%s, %s: %d\n%s", row.state, name, got.status, got.text())
			}
			if strings.Contains(got.body, "@elsewhere.example") {
				t.Errorf("%s, %s: the page tells the address", row.state, name)
			}
		}
		if now := w.reread(u); now.State != before.State || now.Terms != before.Terms {
			t.Errorf("%s: the user changed from %s to %s", row.state, before.State, now.State)
		}
	}
}

func TestS10_LinksThatAreNotOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")
	w.browser().post("/password/forgot", "email", u.Email)
	reset := w.letterLink(u)
	strange, err := NewTickets(w.url, "quite another secret key", w.now)
	w.must(err)
	forged := strange.InvitationURL(account.Pass{ID: w.letter(u).Pass, Purpose: account.Invitation, Expires: w.now().Add(time.Hour)})
	for name, path := range map[string]string{
		"garbled": "/invitation/x", "forged": strings.TrimPrefix(forged, w.url),
		"of a password": strings.Replace(reset, "/password/", "/invitation/", 1), "garbled reset": "/password/x",
		"reset by an invitation's": strings.Replace(w.letterLink(w.invite(account.Invitee{Email: "b@elsewhere.example"})), "/invitation/", "/password/", 1),
	} {
		if got := w.browser().get(path); got.status != 404 || got.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d", name, got.status)
		}
		if got := w.browser().post(path, "password", otherPassword); got.status == 200 {
			t.Errorf("%s takes a password", name)
		}
	}
}

func TestS10_AcceptingTwiceAtOnceJoinsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.invite(account.Invitee{Email: "lia@elsewhere.example"})
	link := w.letterLink(u)
	var all sync.WaitGroup
	answers := make([]answer, 4)
	passwords := []string{goodPassword, otherPassword, "harbour 12 violet spoon", "candle moss tractor 5"}
	for i := range answers {
		all.Go(func() { answers[i] = w.browser().post(link+"/password", "password", passwords[i], "terms", "yes") })
	}
	all.Wait()
	in := -1
	for i, got := range answers {
		switch {
		case got.status == 200 && got.path == "/" && in < 0:
			in = i
		case got.status != 410 || !strings.Contains(got.body, `data-state="used"`):
			t.Errorf("%d at %s\n%s", got.status, got.path, got.text())
		}
	}
	if in < 0 {
		t.Fatal("nobody joined")
	}
	for i, password := range passwords {
		got := w.browser().post("/signin/password", "email", u.Email, "password", password)
		if (got.status == 200) != (i == in) {
			t.Errorf("the password of try %d answers %d; %d was first", i, got.status, in)
		}
	}
}

func TestS10_AnInvitationOfAMicrosoftPersonIsForThatPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.sim.Person("megan@contoso.example")
	u := w.invite(account.Invitee{Email: p.UPN, Identity: account.Identity{TenantID: p.TenantID, ObjectID: p.ID}})
	link := w.letterLink(u)
	page := w.browser().get(link)
	if strings.Contains(page.body, "join-form") || !strings.Contains(page.body, `id="microsoft-only"`) {
		t.Errorf("a password is offered:\n%s", page.text())
	}
	got := w.browser().post(link+"/password", "password", goodPassword, "terms", "yes")
	if got.status != 403 || !strings.Contains(got.text(), "for another person at Microsoft") || w.reread(u).State != account.Invited {
		t.Errorf("a password was taken: %d, %s\n%s", got.status, w.reread(u).State, got.text())
	}

	b := w.browser()
	at := b.post(link + "/microsoft")
	if at.url.Query().Get("login_hint") != p.UPN || at.url.Query().Get("prompt") != "select_account" {
		t.Errorf("Microsoft was asked with %s", at.url.RawQuery)
	}
	if got := b.atMicrosoft(at, p.UPN, "accept"); got.url.Path != launchPath || w.reread(u).State != account.Invited {
		t.Errorf("back from Microsoft at %s, %s before the terms", got.path, w.reread(u).State)
	}
}

func TestS10_AcceptingSignsOutWhoeverElseWasHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("alex@contoso.example")
	before := sessionToken(t, b)
	u := w.invite(account.Invitee{Email: "lia@elsewhere.example"})
	if page := b.get(w.letterLink(u)); !strings.Contains(page.text(), "signed in here as alex@contoso.example") {
		t.Errorf("the page does not say as whom:\n%s", page.text())
	}
	if got := b.get("/setup/preferences"); !strings.Contains(got.body, "alex@contoso.example") {
		t.Error("looking at the invitation signed somebody out")
	}
	got := b.post(w.letterLink(u)+"/password", "password", goodPassword, "terms", "yes")
	if !strings.Contains(got.body, "lia@elsewhere.example") || strings.Contains(got.body, "alex@contoso.example") {
		t.Errorf("after accepting one is somebody else:\n%s", got.text())
	}
	if old := w.holding(before); old.inside() {
		t.Error("the former session still opens")
	}
	if all, err := w.store.Accounts().Sessions(context.Background(), w.org.ID, w.users["alex@contoso.example"].ID); err != nil || len(all) != 0 {
		t.Errorf("the former session has a row: %v, %v", all, err)
	}
}

// holding is a browser that has got hold of a session's cookie.
func (w *world) holding(token string) *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	u, err := url.Parse(w.url)
	w.must(err)
	jar.SetCookies(u, []*http.Cookie{{Name: "tandem_session", Value: token}})
	return &browser{w, &http.Client{Jar: jar}, "en", new(sync.Map)}
}

func TestPasswordsThatAreNotRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")
	wrong := w.browser().post("/signin/password", "email", u.Email, "password", otherPassword, "next", "/contacts")
	for _, want := range []string{`value="lia@elsewhere.example"`, `name="next" value="/contacts"`, `/signin/microsoft?next=%2Fcontacts`} {
		if !strings.Contains(wrong.body, want) {
			t.Errorf("after a wrong password the page lacks %s", want)
		}
	}
	if wrong.status != 422 || strings.Contains(wrong.body, otherPassword) {
		t.Errorf("a wrong password: %d", wrong.status)
	}
	nobody := w.browser().post("/signin/password", "email", "nobody@elsewhere.example", "password", otherPassword)
	if note := regexp.MustCompile(`(?s)id="form-error".*?</div>`); note.FindString(wrong.body) != note.FindString(nobody.body) || nobody.status != wrong.status {
		t.Errorf("one learns who has an account:\n%s\n%s", wrong.text(), nobody.text())
	}
	if got := w.browser().post("/signin/password", "email", u.Email, "password", goodPassword, "next", "https://evil.example/"); got.path != "/" {
		t.Errorf("a foreign next led to %s", got.path)
	}

	u.State = account.Deactivated
	w.must(w.store.Accounts().UpdateUser(context.Background(), u))
	if got := w.browser().post("/signin/password", "email", u.Email, "password", goodPassword); got.status != 403 || !strings.Contains(got.text(), "deactivated") {
		t.Errorf("deactivated, with the right password: %d\n%s", got.status, got.text())
	}
	if got := w.browser().post("/signin/password", "email", u.Email, "password", otherPassword); got.status != 422 || strings.Contains(got.text(), "deactivated") {
		t.Errorf("deactivated, with a wrong password: %d\n%s", got.status, got.text())
	}
}

func TestPasswordsCannotBeTriedForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stop()
	u := w.local("lia@elsewhere.example")
	tries := 0
	var last answer
	for last.status != 429 && tries < 30 {
		last = w.browser().post("/signin/password", "email", u.Email, "password", otherPassword)
		tries++
	}
	if last.status != 429 || tries != 11 {
		t.Fatalf("after %d tries: %d", tries, last.status)
	}
	if after, err := strconv.Atoi(last.header.Get("Retry-After")); err != nil || after < 1 || after > 900 {
		t.Errorf("Retry-After is %q", last.header.Get("Retry-After"))
	}
	if !regexp.MustCompile(`You can try again in (a minute|\d+ minutes)\.`).MatchString(last.text()) {
		t.Errorf("the page does not say when:\n%s", last.text())
	}
	if got := w.browser().post("/signin/password", "email", u.Email, "password", goodPassword); got.status != 429 {
		t.Errorf("the right password now: %d", got.status)
	}
	w.pass(2 * time.Minute)
	if got := w.browser().post("/signin/password", "email", u.Email, "password", goodPassword); got.status != 200 {
		t.Errorf("after waiting: %d\n%s", got.status, got.text())
	}
}

func TestLinksOfLettersCannotBeTriedForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stop()
	b := w.browser()
	for range 300 {
		b.get("/invitation/x")
	}
	if got := b.get("/invitation/x"); got.status != 429 || got.header.Get("Retry-After") == "" || !strings.Contains(got.text(), "You can try again") {
		t.Errorf("%d, Retry-After %q\n%s", got.status, got.header.Get("Retry-After"), got.text())
	}
}

func TestForgottenPasswordsTellNobodyWhoIsHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")
	inside := w.enter(u.Email, goodPassword)
	adele := w.users["adele@contoso.example"] // signs in with Microsoft
	var first answer
	for i, email := range []string{u.Email, "nobody@elsewhere.example", adele.Email, "not an address"} {
		got := w.browser().post("/password/forgot", "email", email)
		if i == 0 {
			first = got
		}
		if got.status != 200 || got.path != first.path || got.text() != first.text() || !strings.Contains(got.body, `id="letter-sent"`) {
			t.Errorf("%s: %d at %s\n%s", email, got.status, got.path, got.text())
		}
	}
	if w.letter(adele).Kind != "" {
		t.Error("a letter would open a second door to a Microsoft person's account")
	}
	if w.letter(u).Kind != account.LetterReset {
		t.Fatalf("the letter is %q", w.letter(u).Kind)
	}
	link := w.letterLink(u)

	b := w.browser()
	page := b.get(link)
	if page.status != 200 || page.header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(page.text(), u.Email) {
		t.Errorf("the link: %d\n%s", page.status, page.text())
	}
	if got := b.post(link, "password", "password12"); got.status != 422 || !strings.Contains(got.body, `data-field-error="password"`) {
		t.Errorf("a common password: %d\n%s", got.status, got.text())
	}
	if !inside.inside() {
		t.Error("a refused password ended a session")
	}
	got := b.post(link, "password", otherPassword)
	if got.path != "/signin?password=changed" || !strings.Contains(got.body, `id="password-changed"`) {
		t.Errorf("led to %s\n%s", got.path, got.text())
	}
	if inside.inside() {
		t.Error("a session outlived the password")
	}
	if got := b.post(link, "password", goodPassword); got.status != 410 || !strings.Contains(got.body, `data-state="used"`) {
		t.Errorf("the link counts twice: %d", got.status)
	}
	if got := b.post("/signin/password", "email", u.Email, "password", goodPassword); got.status != 422 {
		t.Errorf("the old password: %d", got.status)
	}
	w.enter(u.Email, otherPassword)

	w.browser().post("/password/forgot", "email", u.Email)
	old := w.letterLink(u)
	w.browser().post("/password/forgot", "email", u.Email)
	if got := w.browser().get(old); got.status != 410 || !strings.Contains(got.body, `data-state="replaced"`) {
		t.Errorf("an older letter: %d\n%s", got.status, got.text())
	}
	w.pass(account.ResetLife)
	if got := w.browser().get(w.letterLink(u)); got.status != 410 || !strings.Contains(got.body, `data-state="expired"`) {
		t.Errorf("after an hour: %d\n%s", got.status, got.text())
	}
}

// The undo of associating (S6): as long as another way in remains.
func TestS6_UntyingNeedsAnotherWayIn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	adele := w.users["adele@contoso.example"]
	b := w.as(adele.Email)
	page := b.get(accountPath)
	if strings.Contains(page.body, `class="untie"`) || !strings.Contains(page.text(), "only way to sign in") || !strings.Contains(page.text(), "Microsoft account of "+w.org.Name) {
		t.Errorf("with one way in:\n%s", page.text())
	}
	if got := b.post(accountPath + "/microsoft/untie"); !strings.Contains(got.text(), "This is the only way to sign in") || w.reread(adele).Identity.IsZero() {
		t.Fatalf("the only way in was taken:\n%s", got.text())
	}
	if got := b.post(accountPath+"/password", "password", goodPassword); !strings.Contains(got.text(), "Your password is set.") {
		t.Fatalf("a first password: %d\n%s", got.status, got.text())
	}
	if page := b.get(accountPath); !strings.Contains(page.body, `class="untie"`) {
		t.Errorf("with two ways in:\n%s", page.text())
	}
	if got := b.post(accountPath + "/microsoft/untie"); !strings.Contains(got.text(), "Your Microsoft account is no longer associated.") {
		t.Errorf("untying: %d\n%s", got.status, got.text())
	}
	if _, err := w.store.Accounts().Grant(ctx, adele.Org, adele.ID); !w.reread(adele).Identity.IsZero() || !fault.Is(err, fault.NotFound) {
		t.Errorf("afterwards the identity is %v, the grant %v", w.reread(adele).Identity, err)
	}
	if got := b.post(accountPath + "/password/remove"); !strings.Contains(got.text(), "This is the only way to sign in") {
		t.Errorf("the last password went:\n%s", got.text())
	}
	w.enter(adele.Email, goodPassword)
}

func TestChangingThePasswordAsksForThePresentOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")
	b, other := w.enter(u.Email, goodPassword), w.enter(u.Email, goodPassword)
	token := sessionToken(t, b)
	for name, row := range map[string]struct{ current, password, field string }{
		"wrong": {otherPassword, otherPassword, "current"}, "none": {"", otherPassword, "current"},
		"weak": {goodPassword, "qwertyuiop", "password"},
	} {
		got := b.post(accountPath+"/password", "current", row.current, "password", row.password)
		if got.status != 422 || !strings.Contains(got.body, `data-field-error="`+row.field+`"`) {
			t.Errorf("%s: %d\n%s", name, got.status, got.text())
		}
	}
	if got := b.post(accountPath+"/password", "current", goodPassword, "password", otherPassword); got.path != accountPath || !strings.Contains(got.text(), "Your password is set.") {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	if !b.inside() || other.inside() {
		t.Error("this browser stays and the other goes")
	}
	if w.holding(token).inside() {
		t.Error("the session's key stayed the same")
	}
	if w.letter(u).Kind != account.LetterPasswordChanged {
		t.Errorf("the letter is %q", w.letter(u).Kind)
	}
}

// TestWaysInChangeOnlySoonAfterSigningIn: a session that somebody left open, or lost, makes and takes no way in.
func TestWaysInChangeOnlySoonAfterSigningIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	adele := w.users["adele@contoso.example"]
	const password = "a pond full of violet herons"
	hasPassword := func() bool {
		_, err := w.store.Accounts().Password(t.Context(), adele.Org, adele.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	other := w.as("adele@contoso.example")
	w.pass(fresh + time.Minute)
	for _, path := range []string{"/password", "/password/remove", "/passkeys/remove", "/microsoft/untie", "/sessions/end", "/sessions/others", "/sessions/all"} {
		if got := b.post(accountPath+path, "password", password, "passkey", "x", "session", "y"); !strings.Contains(got.text(), "signed in within the last 15 minutes") {
			t.Errorf("%s: %d %s", path, got.status, got.text())
		}
	}
	if got := b.post(accountPath + "/passkeys/options"); got.status != http.StatusForbidden || !strings.Contains(got.body, "signed in within the last 15 minutes") {
		t.Errorf("a passkey: %d %s", got.status, got.body)
	}
	if hasPassword() {
		t.Error("an old session made a password")
	}
	if !other.inside() || !b.inside() {
		t.Error("an old session ended others")
	}
	if u, err := w.store.Accounts().User(t.Context(), adele.Org, adele.ID); err != nil || u.Identity.IsZero() {
		t.Errorf("an old session untied the account: %v %v", u.Identity, err)
	}
	b = w.as("adele@contoso.example")
	if got := b.post(accountPath+"/password", "password", password); got.status != 200 || !hasPassword() {
		t.Errorf("after signing in: %d %s", got.status, got.text())
	}
	w.pass(fresh + time.Minute)
	if got := b.post(accountPath+"/password", "current", password, "password", "another pond full of herons"); got.status != 200 || strings.Contains(got.text(), "15 minutes") {
		t.Errorf("whoever knows the present password: %d %s", got.status, got.text())
	}
}

func TestOwnSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")
	w.must(w.site.Registry.EndSessions(ctx, u, ""))
	here := w.enter(u.Email, goodPassword)
	phone, desk := w.enter(u.Email, goodPassword), w.enter(u.Email, goodPassword)
	_ = w.as("adele@contoso.example")

	page := here.get(accountPath)
	ids := regexp.MustCompile(`name="session" value="([^"]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(ids) != 2 || strings.Count(page.body, "This browser") != 1 || !strings.Contains(page.text(), "127.0.0.1") {
		t.Fatalf("%d others:\n%s", len(ids), page.text())
	}
	// Somebody else's session cannot be ended by its number.
	stranger := w.as("alex@contoso.example")
	stranger.post(accountPath+"/sessions/end", "session", ids[0][1])
	if !phone.inside() || !desk.inside() {
		t.Fatal("a stranger signed somebody out")
	}
	here.post(accountPath+"/sessions/end", "session", ids[0][1])
	if phone.inside() == desk.inside() {
		t.Errorf("ending one left phone %v and desk %v", phone.inside(), desk.inside())
	}
	third := w.enter(u.Email, goodPassword)
	if got := here.post(accountPath + "/sessions/others"); !strings.Contains(got.text(), "All other browsers were signed out.") {
		t.Errorf("others: %s", got.text())
	}
	if phone.inside() || desk.inside() || third.inside() || !here.inside() {
		t.Error("everywhere else is not everywhere else")
	}
	again, token := w.enter(u.Email, goodPassword), sessionToken(t, here)
	if got := here.post(accountPath + "/sessions/all"); got.path != "/signin" {
		t.Errorf("everywhere led to %s", got.path)
	}
	if here.inside() || again.inside() || w.holding(token).inside() {
		t.Error("everywhere left somebody in")
	}
	if !stranger.inside() {
		t.Error("everywhere reached somebody else")
	}
}

func TestOldCookiesOpenNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")

	// Fixation: a session from before signing in, which somebody planted, is worthless after.
	planted := w.browser()
	planted.post("/signin/passkey/options")
	planted.get(w.letterLink(u))
	before := sessionToken(t, planted)
	planted.post("/signin/password", "email", u.Email, "password", goodPassword)
	if !planted.inside() || before == sessionToken(t, planted) || before != "" && w.holding(before).inside() {
		t.Error("the session from before signing in opens the account")
	}

	token := sessionToken(t, planted)
	planted.post("/signout")
	if w.holding(token).inside() {
		t.Error("a cookie outlived signing out")
	}
	if all, err := w.store.Accounts().Sessions(context.Background(), u.Org, u.ID); err != nil || len(all) != 1 { // that of local()
		t.Errorf("sessions %v, %v", all, err)
	}

	b := w.enter(u.Email, goodPassword)
	admin := w.reread(w.users["admin@contoso.example"])
	w.must(w.site.Registry.Deactivate(context.Background(), admin, u.ID, 0))
	if b.inside() {
		t.Error("a session outlived its user")
	}
	w.must(w.site.Registry.Reactivate(context.Background(), admin, u.ID))
	if b.inside() {
		t.Error("a session came back with its user")
	}
}

// A session's key changes now and then, which must not make it live longer: its owner's list shows none that is too old.
func TestSessionsEndAfterTwoWeeksWhateverIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.local("lia@elsewhere.example")
	b := w.enter(u.Email, goodPassword)
	before := goodPassword
	for day := 2; day <= 12; day += 2 {
		w.pass(48 * time.Hour)
		if !b.inside() {
			t.Fatalf("out on day %d, although there was a click every other day", day)
		}
		after := fmt.Sprint("another horse battery number ", day)
		if got := b.post(accountPath+"/password", "current", before, "password", after); got.status != 200 {
			t.Fatalf("changing the password on day %d: %d", day, got.status)
		}
		before = after
	}
	w.pass(48 * time.Hour)
	if b.inside() {
		t.Error("still inside after two weeks")
	}
}

func TestSessionCookies(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		url  string
		want []string
	}{
		"http":  {"", []string{"tandem_session=", "HttpOnly", "SameSite=Lax", "Path=/"}},
		"https": {"https://crm.example", []string{"__Host-tandem_session=", "HttpOnly", "SameSite=Lax", "Path=/", "Secure"}},
	} {
		w := newWorld(t, func(d *Deps) {
			if row.url != "" {
				d.Settings.URL = row.url
			}
		})
		u := w.invite(account.Invitee{Email: "lia@elsewhere.example"})
		got := w.browser().stay().post(w.letterLink(u)+"/password", "password", goodPassword, "terms", "yes")
		cookie := got.header.Get("Set-Cookie")
		for _, want := range row.want {
			if !strings.Contains(cookie, want) {
				t.Errorf("%s: the cookie lacks %s: %s", name, want, cookie)
			}
		}
		if row.url == "" && strings.Contains(cookie, "Secure") || strings.Contains(cookie, "Domain") {
			t.Errorf("%s: %s", name, cookie)
		}
	}
}

func TestBrowsersHaveNames(t *testing.T) {
	t.Parallel()
	all := loadWords()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":              "Edge em Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                           "Firefox em Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15":                      "Safari em macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1": "Chrome em iPhone",
		"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": "Samsung Internet em Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                             "Chrome em ChromeOS",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                     "Firefox em Linux",
		"curl/8.5.0": "Navegador desconhecido",
		"":           "Navegador desconhecido",
	} {
		if got := all["pt-BR"].browser(agent); got != want {
			t.Errorf("%s is called %q, expected %q", agent, got, want)
		}
	}
}

// Where no letter can be sent, nobody is told that one is on its way.
func TestForgottenPasswordsWithoutAMailServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *Deps) { d.Settings.Mail = false })
	for _, got := range []answer{w.browser().get("/password/forgot"), w.browser().post("/password/forgot", "email", "lia@elsewhere.example")} {
		if !strings.Contains(got.body, `id="no-mail"`) || strings.Contains(got.body, `id="letter-sent"`) || strings.Contains(got.body, "forgot-form") {
			t.Errorf("%d\n%s", got.status, got.text())
		}
	}
}
