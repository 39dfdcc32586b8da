package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/record"
)

const (
	northwindAdmin = "admin@northwind.example"
	longPassword   = "copper lantern drifts past nine harbours"
)

var launchKey = regexp.MustCompile(`\b(?:launch|associate|consent|terms|refusal|problem)\.[a-z_.]+\b`)

// come opens the accounts page as a Microsoft person.
func (b *browser) come(upn string) answer {
	b.w.t.Helper()
	return b.atMicrosoft(b.get(launchPath), upn, "accept")
}

// atDoor reports where a page of the accounts page stands.
func (a answer) atDoor(door account.Door) bool {
	return strings.Contains(a.body, `id="launch" data-door="`+string(door)+`"`)
}

// people are how many organizations and users there are, whatever their state.
func (w *world) people() (organizations, users int) {
	w.t.Helper()
	all, err := w.store.Accounts().Organizations(context.Background())
	w.must(err)
	for _, o := range all {
		counts, err := w.store.Accounts().CountPeople(context.Background(), o.ID)
		w.must(err)
		for _, n := range counts {
			users += n
		}
	}
	return len(all), users
}

// unchanged returns a check that nobody was made since.
func (w *world) unchanged() func(what string) {
	w.t.Helper()
	organizations, users := w.people()
	return func(what string) {
		w.t.Helper()
		if o, u := w.people(); o != organizations || u != users {
			w.t.Errorf("%s: %d organizations and %d users, expected %d and %d", what, o, u, organizations, users)
		}
	}
}

// byMicrosoft finds the user who is a Microsoft person.
func (w *world) byMicrosoft(upn string) (account.User, bool) {
	w.t.Helper()
	p := w.sim.Person(upn)
	u, err := w.store.Accounts().UserByIdentity(context.Background(), account.Identity{TenantID: p.TenantID, ObjectID: p.ID})
	if fault.Is(err, fault.NotFound) {
		return u, false
	}
	w.must(err)
	return u, true
}

// letters are those on their way, the oldest first.
func (w *world) letters() (all []account.Letter) {
	w.t.Helper()
	ids, err := w.store.Letters().Unsent(context.Background(), w.now().Add(time.Hour), 1000)
	w.must(err)
	slices.Sort(ids)
	for _, id := range ids {
		l, err := w.store.Letters().Letter(context.Background(), id)
		w.must(err)
		all = append(all, l)
	}
	return all
}

func (w *world) invitee(upn string) account.Invitee {
	p := w.sim.Person(upn)
	return account.Invitee{Identity: account.Identity{TenantID: p.TenantID, ObjectID: p.ID}, Email: p.UPN, FirstName: p.GivenName, LastName: p.Surname}
}

// elsewhere makes an account that a password opens, without a Microsoft person.
func (w *world) elsewhere(org account.Organization, email string) account.User {
	w.t.Helper()
	ctx := context.Background()
	u, err := w.store.Accounts().CreateUser(ctx, account.User{
		Org: org.ID, Email: email, FirstName: "Beto", LastName: "Ramos", Profile: account.Standard, State: account.Active, Created: w.now(),
	})
	w.must(err)
	w.must(w.site.Registry.SetPassword(ctx, u, "", longPassword, "", ""))
	return u
}

// mark is what forms of the accounts page bring back for a Microsoft person, for whoever would make them up.
func (w *world) mark(upn string, pass record.ID) string {
	p := w.sim.Person(upn)
	c := caller{Pass: pass}
	c.TenantID, c.ObjectID = p.TenantID, p.ID
	return c.mark()
}

// openLink goes to Microsoft by the link of an invitation's letter, as its page does.
func (b *browser) openLink(invited account.User, upn string) answer {
	b.w.t.Helper()
	link := b.w.letterLink(invited)
	if page := b.get(link); page.status != http.StatusOK || !strings.Contains(page.body, `action="`+link+`/microsoft"`) {
		b.w.t.Fatalf("the invitation's page: %d\n%s", page.status, page.text())
	}
	return b.atMicrosoft(b.post(link+"/microsoft"), upn, "accept")
}

func TestS1_TheTileLeadsToTheAccountsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	first := b.stay().get(launchPath + "?login_hint=" + url.QueryEscape(northwindAdmin))
	to, err := url.Parse(first.header.Get("Location"))
	if err != nil || first.status != http.StatusFound {
		t.Fatalf("%d to %q", first.status, first.header.Get("Location"))
	}
	if q := to.Query(); q.Get("prompt") != "" || q.Get("login_hint") != northwindAdmin {
		t.Errorf("set out with prompt %q and hint %q", q.Get("prompt"), q.Get("login_hint"))
	}
	got := b.come(northwindAdmin)
	if got.path != launchPath || !got.atDoor(account.MayInstall) {
		t.Fatalf("came to %s with %d\n%s", got.path, got.status, got.text())
	}
	for _, want := range []string{northwindAdmin, "Northwind Traders", "Super Admin"} {
		if !strings.Contains(got.text(), want) {
			t.Errorf("the page does not say %q:\n%s", want, got.text())
		}
	}
	// Whoever is signed in at Microsoft, and allowed this before, passes through without a page.
	again := &browser{w, &http.Client{Jar: b.client.Jar, Timeout: b.client.Timeout}, "en", new(sync.Map)}
	again.post("/signout")
	if got := again.get(launchPath); got.path != launchPath || !got.atDoor(account.MayInstall) {
		t.Errorf("a second time: %s\n%s", got.path, got.text())
	}
}

func TestS2_S5_NothingBeforeTheTermsThenAnAccountWithTheSameAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	unchanged := w.unchanged()
	b.come(northwindAdmin)
	unchanged("at the accounts page")
	for name, pairs := range map[string][]string{
		"no terms":     {"door", "may_install"},
		"terms unread": {"terms", "no"},
	} {
		got := b.post(launchPath, pairs...)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `data-field-error="terms"`) {
			t.Errorf("%s: %d\n%s", name, got.status, got.text())
		}
		unchanged(name)
	}
	if got := w.browser().post(launchPath, "terms", "yes"); !strings.Contains(got.url.String(), "/authorize?") {
		t.Errorf("somebody whom Microsoft does not know came to %s", got.path)
	}
	unchanged("without a caller")

	got := b.post(launchPath, "terms", "yes")
	if got.path != consentPath+"?first=yes" || got.status != 200 {
		t.Fatalf("after installing: %s with %d\n%s", got.path, got.status, got.text())
	}
	u, ok := w.byMicrosoft(northwindAdmin)
	if !ok || u.Email != northwindAdmin || u.Profile != account.SuperAdmin || u.State != account.Active || u.Terms.IsZero() {
		t.Fatalf("the user is %+v", u)
	}
	o, err := w.store.Accounts().Organization(t.Context(), u.Org)
	w.must(err)
	if o.Name != "Northwind Traders" || o.TenantID != w.sim.Tenant("northwind.example").ID || o.Edition != account.Enterprise {
		t.Errorf("the organization is %+v", o)
	}
	if g, err := w.store.Accounts().Grant(t.Context(), u.Org, u.ID); err != nil || g.Refresh == "" {
		t.Errorf("what Microsoft gave was not kept: %v", err)
	}
	if got := b.get("/setup/users"); got.status == http.StatusForbidden {
		t.Error("the Super Admin does not manage users")
	}
}

func TestS3_WhoeverHasAnAccountWithThatAddressGoesStraightIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	if got := w.browser().come("adele@contoso.example"); got.path != "/" || got.status != 200 {
		t.Errorf("somebody known came to %s with %d", got.path, got.status)
	}
	before, err := w.store.Accounts().CreateUser(ctx, account.User{Org: w.org.ID, Email: "Diego@contoso.example", Profile: account.Standard,
		State: account.Active, Created: w.now()})
	w.must(err)
	unchanged := w.unchanged()
	if got := w.browser().come("diego@contoso.example"); got.path != "/" || got.status != 200 {
		t.Errorf("with an account of this address one came to %s with %d\n%s", got.path, got.status, got.text())
	}
	unchanged("going in")
	if u, ok := w.byMicrosoft("diego@contoso.example"); !ok || u.ID != before.ID {
		t.Errorf("the account that was opened is %d, expected %d", u.ID, before.ID)
	}
	// The same address in another organization proves nothing.
	_, err = w.store.Accounts().CreateUser(ctx, account.User{Org: w.other.ID, Email: "grady@contoso.example", Profile: account.Standard,
		State: account.Active, Created: w.now()})
	w.must(err)
	if got := w.browser().come("grady@contoso.example"); !got.atDoor(account.MayAsk) {
		t.Errorf("an address of another organization opened %s\n%s", got.path, got.text())
	}
}

// A bad day of Graph's keeps nobody out who is known; who is not known is told to wait.
func TestS3_GraphAwayKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.Next("GET /me", m365sim.Fail(503).Repeat(-1))
	if got := w.browser().come("adele@contoso.example"); got.path != "/" {
		t.Errorf("somebody known came to %s with %d\n%s", got.path, got.status, got.text())
	}
	unchanged := w.unchanged()
	if got := w.browser().come(northwindAdmin); got.status != 503 || !strings.Contains(got.body, `data-problem="away"`) {
		t.Errorf("%d\n%s", got.status, got.text())
	}
	unchanged("while Graph is away")
}

func TestS3_ANewKeyOfMicrosoftsKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.as("adele@contoso.example")
	w.sim.RotateKeys()
	w.as("adele@contoso.example")
}

func TestS4_OnlyAdministratorsInstall(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		upn     string
		edit    func(*m365sim.Person)
		wids    bool
		install bool
	}{
		{northwindAdmin, nil, true, true},
		{northwindAdmin, nil, false, true}, // Graph says it
		{"marta@northwind.example", nil, true, false},
		{"enrico@northwind.example", nil, true, false}, // Application Administrator
		{"lidia@northwind.example", nil, true, false},  // User Administrator
		{"marta@northwind.example", func(p *m365sim.Person) { p.Roles = []string{m365sim.RolePrivilegedRoleAdministrator} }, false, true},
		{northwindAdmin, func(p *m365sim.Person) { p.Roles = nil }, true, false},
	} {
		w := newWorld(t)
		if row.edit != nil {
			w.sim.EditPerson(row.upn, row.edit)
		}
		w.sim.EditApp(m365sim.DemoClientID, func(a *m365sim.App) { a.EmitsRoles = row.wids })
		unchanged := w.unchanged()
		b := w.browser()
		got := b.come(row.upn)
		if got.atDoor(account.MayInstall) != row.install || got.atDoor(account.NobodyYet) == row.install {
			t.Errorf("%s stands at\n%s", row.upn, got.text())
		}
		if row.install {
			continue
		}
		if !strings.Contains(got.body, ">\n"+w.url+launchPath+"</textarea>") || !strings.Contains(got.text(), "Global Administrator") {
			t.Errorf("%s is not told who must act, with a link to send:\n%s", row.upn, got.text())
		}
		if got := b.post(launchPath, "door", "may_install", "as", w.mark(row.upn, 0), "terms", "yes"); got.path != launchPath || got.status != 200 {
			t.Errorf("%s pretended and came to %s", row.upn, got.path)
		}
		unchanged(row.upn)
	}
}

func TestS4_ASecondAdministratorFoundsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.EditPerson("rosa@northwind.example", func(p *m365sim.Person) { p.Roles = []string{m365sim.RoleGlobalAdministrator} })
	first, second := w.browser(), w.browser()
	first.come(northwindAdmin)
	second.come("rosa@northwind.example")
	first.post(launchPath, "terms", "yes")
	unchanged := w.unchanged()
	if got := second.post(launchPath, "terms", "yes"); !got.atDoor(account.MayAsk) {
		t.Errorf("the second administrator came to %s\n%s", got.path, got.text())
	}
	unchanged("the second administrator")
}

// Two tabs, a double click, two browsers: it is made once, and each ends inside.
func TestS2_TheSameInstallTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.browser(), w.browser()
	one.come(northwindAdmin)
	two.come(northwindAdmin)
	organizations, users := w.people()
	answers := w.atOnce(
		func() answer { return one.post(launchPath, "terms", "yes") },
		func() answer { return two.post(launchPath, "terms", "yes") },
		func() answer { return two.post(launchPath, "terms", "yes") },
	)
	for i, got := range answers {
		if got.status != 200 || got.path != "/" && got.path != consentPath+"?first=yes" {
			t.Errorf("%d came to %s with %d\n%s", i, got.path, got.status, got.text())
		}
	}
	if o, u := w.people(); o != organizations+1 || u != users+1 {
		t.Errorf("%d organizations and %d users, expected one more than %d and %d", o, u, organizations, users)
	}
	// A reload of what was sent is harmless too.
	if got := one.post(launchPath, "terms", "yes"); got.path != "/" {
		t.Errorf("sent again: %s", got.path)
	}
	if o, u := w.people(); o != organizations+1 || u != users+1 {
		t.Errorf("sent again: %d organizations, %d users", o, u)
	}
}

// atOnce does several things at the same time.
func (w *world) atOnce(all ...func() answer) []answer {
	out := make([]answer, len(all))
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i, do := range all {
		done.Go(func() {
			ready.Wait()
			out[i] = do()
		})
	}
	ready.Done()
	done.Wait()
	return out
}

func TestS10_TheSameInvitationTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(w.invitee("megan@contoso.example"))
	one, two := w.browser(), w.browser()
	one.come("megan@contoso.example")
	two.come("megan@contoso.example")
	unchanged := w.unchanged()
	for i, got := range w.atOnce(
		func() answer { return one.post(launchPath, "terms", "yes") },
		func() answer { return two.post(launchPath, "terms", "yes") },
	) {
		if got.status != 200 || got.path != "/" {
			t.Errorf("%d came to %s with %d\n%s", i, got.path, got.status, got.text())
		}
	}
	unchanged("both")
	if u, ok := w.byMicrosoft("megan@contoso.example"); !ok || u.ID != invited.ID || u.State != account.Active {
		t.Errorf("the user is %+v", u)
	}
}

func TestS10_OpeningTheAppTakesUpTheInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(w.invitee("megan@contoso.example"))
	b := w.browser()
	got := b.come("megan@contoso.example")
	if !got.atDoor(account.Welcome) || !strings.Contains(got.text(), w.users["admin@contoso.example"].Name()+" invites you to "+w.org.Name) {
		t.Fatalf("\n%s", got.text())
	}
	if got := b.post(launchPath); got.status != 422 {
		t.Errorf("without the terms: %d", got.status)
	}
	if u, _ := w.byMicrosoft("megan@contoso.example"); u.State != account.Invited {
		t.Errorf("without the terms the user is %s", u.State)
	}
	if got := b.post(launchPath, "terms", "yes"); got.path != "/" || !strings.Contains(got.text(), "Welcome to "+w.org.Name) {
		t.Errorf("came to %s\n%s", got.path, got.text())
	}
	if u, _ := w.byMicrosoft("megan@contoso.example"); u.ID != invited.ID || u.State != account.Active || u.Terms.IsZero() {
		t.Errorf("the user is %+v", u)
	}
	if p, err := w.store.Accounts().Pass(t.Context(), w.letter(invited).Pass); err != nil || p.State == account.PassOpen {
		t.Errorf("the link of the letter is still open: %v %v", p.State, err)
	}
}

// An invitation to an address is taken up by a Microsoft person of another address, who is told so before.
func TestS10_ByTheLinkAsAMicrosoftPersonOfAnotherAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(account.Invitee{Email: "megan.private@example.com"})
	b := w.browser()
	got := b.openLink(invited, "megan@contoso.example")
	if !got.atDoor(account.Welcome) || !strings.Contains(got.text(), "The invitation was sent to megan.private@example.com") {
		t.Fatalf("%s\n%s", got.path, got.text())
	}
	if got := b.post(launchPath, "terms", "yes"); got.path != "/" {
		t.Errorf("came to %s\n%s", got.path, got.text())
	}
	if u, ok := w.byMicrosoft("megan@contoso.example"); !ok || u.ID != invited.ID || u.State != account.Active {
		t.Errorf("the user is %+v", u)
	}
	// The link is used: whoever opens it again, as somebody else, comes in nowhere.
	if got := w.browser().get(w.letterLink(invited)); strings.Contains(got.body, "/microsoft\"") {
		t.Errorf("the link still offers a way in:\n%s", got.text())
	}
}

func TestS10_AnInvitationForSomebodyElseChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(w.invitee("megan@contoso.example"))
	unchanged := w.unchanged()
	b := w.browser()
	got := b.openLink(invited, "lee@contoso.example")
	if !got.atDoor(doorOtherPerson) || got.status != 403 || !strings.Contains(got.text(), "megan@contoso.example") {
		t.Fatalf("%d\n%s", got.status, got.text())
	}
	if got := b.post(launchPath, "door", "welcome "+invited.ID.String(), "as", w.mark("lee@contoso.example", w.letter(invited).Pass), "terms", "yes"); got.path != launchPath || got.status != 403 || !got.atDoor(doorOtherPerson) {
		t.Errorf("pretending led to %s", got.path)
	}
	unchanged("somebody else")
	if _, ok := w.byMicrosoft("lee@contoso.example"); ok {
		t.Error("somebody else has an account now")
	}
	if u, _ := w.byMicrosoft("megan@contoso.example"); u.State != account.Invited {
		t.Errorf("the invited one is %s", u.State)
	}
	// With another account the same invitation is taken up.
	at := b.post(launchPath + "/other")
	if !strings.Contains(at.url.RawQuery, "prompt=select_account") {
		t.Errorf("another account: %s", at.url)
	}
	if got := b.atMicrosoft(at, "megan@contoso.example", "accept"); !got.atDoor(account.Welcome) {
		t.Errorf("the right person stands at\n%s", got.text())
	}
}

func TestS10_WhoeverHasAnAccountKeepsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(account.Invitee{Email: "somebody@example.com"})
	b := w.browser()
	got := b.openLink(invited, "adele@contoso.example")
	if !got.atDoor(doorTaken) || got.status != 409 || !strings.Contains(got.text(), "opens adele@contoso.example") {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	if u, err := w.store.Accounts().User(t.Context(), w.org.ID, invited.ID); err != nil || u.State != account.Invited || !u.Identity.IsZero() {
		t.Errorf("the invitation is %+v, %v", u, err)
	}
	if got := b.post(launchPath + "/alone"); got.path != "/" || !strings.Contains(got.body, "adele@contoso.example") {
		t.Errorf("going into the account led to %s", got.path)
	}
}

// Whoever asked to join and then comes by an invitation's link reads what becomes of the request.
func TestS10_TakingUpAnInvitationEndsTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.come("megan@contoso.example")
	b.post(launchPath+"/request", "terms", "yes")
	asking, _ := w.byMicrosoft("megan@contoso.example")
	invited := w.invite(account.Invitee{Email: "megan.private@example.com"})
	got := b.openLink(invited, "megan@contoso.example")
	if !got.atDoor(account.Welcome) || !strings.Contains(got.text(), "Your request to join "+w.org.Name+" lapses") {
		t.Fatalf("\n%s", got.text())
	}
	if got := b.post(launchPath, "terms", "yes"); got.path != "/" {
		t.Errorf("came to %s\n%s", got.path, got.text())
	}
	if u, _ := w.byMicrosoft("megan@contoso.example"); u.ID != invited.ID || w.reread(asking).State != account.Deleted {
		t.Errorf("the Microsoft person opens %+v, and the request's user is %s", u, w.reread(asking).State)
	}
}

func TestS10_AWithdrawnInvitationIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invited := w.invite(account.Invitee{Email: "somebody@example.com"})
	b := w.browser()
	b.openLink(invited, "megan@contoso.example")
	w.must(w.site.Registry.Withdraw(t.Context(), w.users["admin@contoso.example"], invited.ID))
	got := b.post(launchPath, "terms", "yes")
	if !got.atDoor(doorOver) || got.status != 410 || !strings.Contains(got.text(), "withdrawn") {
		t.Fatalf("%d\n%s", got.status, got.text())
	}
	if got := b.post(launchPath + "/alone"); !got.atDoor(account.MayAsk) {
		t.Errorf("without the invitation:\n%s", got.text())
	}
}

func TestS6_AssociatingAnAccountOfAnotherAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	beto := w.elsewhere(w.other, "beto@example.com")
	b := w.browser()
	b.come("megan@contoso.example")
	unchanged := w.unchanged()

	if got := b.get(associatePath); got.status != 200 || !strings.Contains(got.body, `id="associate-form"`) {
		t.Fatalf("%d\n%s", got.status, got.text())
	}
	got := b.post(associatePath, "email", "beto@example.com", "password", "not this one")
	if got.status != 422 || !strings.Contains(got.text(), "do not belong together") || !strings.Contains(got.body, `value="beto@example.com"`) {
		t.Errorf("a wrong password: %d\n%s", got.status, got.text())
	}
	if got := b.post(associatePath + "/confirm"); got.path != associatePath || !strings.Contains(got.body, `id="associate-form"`) {
		t.Errorf("confirmed without proof: %s", got.path)
	}
	got = b.post(associatePath, "email", "Beto@example.com", "password", longPassword)
	if !strings.Contains(got.text(), "From now on megan@contoso.example opens the account beto@example.com of "+w.other.Name) {
		t.Fatalf("%s\n%s", got.path, got.text())
	}
	if _, ok := w.byMicrosoft("megan@contoso.example"); ok {
		t.Error("tied before it was confirmed")
	}
	if got := b.post(associatePath + "/confirm"); got.path != "/" || !strings.Contains(got.body, w.other.Name) {
		t.Errorf("came to %s\n%s", got.path, got.text())
	}
	unchanged("associating")
	if u, ok := w.byMicrosoft("megan@contoso.example"); !ok || u.ID != beto.ID || u.Email != "beto@example.com" {
		t.Errorf("the Microsoft person opens %+v", u)
	}
	// From now on without a question.
	if got := w.browser().come("megan@contoso.example"); got.path != "/" || !strings.Contains(got.body, "beto@example.com") {
		t.Errorf("the next time: %s", got.path)
	}
	// The same account is nobody else's.
	other := w.browser()
	other.come("lee@contoso.example")
	if got := other.post(associatePath, "email", "beto@example.com", "password", longPassword); got.status != 409 || !strings.Contains(got.text(), "already associated") {
		t.Errorf("a tied account: %d\n%s", got.status, got.text())
	}
}

func TestS6_AssociatingIsRefusedWithReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	gone := w.elsewhere(w.other, "gone@example.com")
	gone.State = account.Deactivated
	w.must(w.store.Accounts().UpdateUser(ctx, gone))
	b := w.browser()
	b.come("megan@contoso.example")
	if got := b.post(associatePath, "email", "gone@example.com", "password", longPassword); got.status != 403 || !strings.Contains(got.text(), "deactivated") {
		t.Errorf("a deactivated account: %d\n%s", got.status, got.text())
	}

	// Between proof and confirmation the account is deactivated, or the Microsoft person is tied elsewhere.
	late := w.elsewhere(w.other, "late@example.com")
	b.post(associatePath, "email", "late@example.com", "password", longPassword)
	late.State = account.Deactivated
	w.must(w.store.Accounts().UpdateUser(ctx, late))
	if got := b.post(associatePath + "/confirm"); got.status != 403 || !strings.Contains(got.text(), "deactivated") {
		t.Errorf("deactivated meanwhile: %d\n%s", got.status, got.text())
	}
	slow := w.elsewhere(w.other, "slow@example.com")
	b.post(associatePath, "email", "slow@example.com", "password", longPassword)
	w.pass(provenLife + time.Second)
	if got := b.post(associatePath + "/confirm"); got.path != associatePath || !strings.Contains(got.body, `id="associate-form"`) {
		t.Errorf("an old proof led to %s", got.path)
	}
	b.post(associatePath, "email", "slow@example.com", "password", longPassword)
	w.user(w.org, "megan@contoso.example", account.Standard)
	if got := b.post(associatePath + "/confirm"); got.path != "/" || !strings.Contains(got.body, "megan@contoso.example") {
		t.Errorf("tied elsewhere meanwhile: %s\n%s", got.path, got.text())
	}
	if u, err := w.store.Accounts().User(ctx, w.other.ID, slow.ID); err != nil || !u.Identity.IsZero() {
		t.Errorf("the account is tied all the same: %v %v", u.Identity, err)
	}

	w.stop()
	guess := w.browser()
	guess.come("lee@contoso.example")
	var last answer
	for range 12 {
		last = guess.post(associatePath, "email", "slow@example.com", "password", "guess after guess")
	}
	if last.status != 429 || last.header.Get("Retry-After") == "" || !strings.Contains(last.text(), "Too many attempts") {
		t.Errorf("the twelfth guess: %d\n%s", last.status, last.text())
	}
}

// S11: whoever is invited may go into an account that exists already, and reads before confirming where that leads.
func TestS11_AnInvitedUserAssociatesAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	beto := w.elsewhere(w.other, "beto@example.com")
	invited := w.invite(w.invitee("megan@contoso.example"))
	b := w.browser()
	if got := b.come("megan@contoso.example"); !got.atDoor(account.Welcome) || !strings.Contains(got.body, associatePath) {
		t.Fatalf("\n%s", got.text())
	}
	got := b.post(associatePath, "email", "beto@example.com", "password", longPassword)
	for _, want := range []string{"of " + w.other.Name, "The invitation of " + w.org.Name + " lapses"} {
		if !strings.Contains(got.text(), want) {
			t.Errorf("before confirming the page does not say %q:\n%s", want, got.text())
		}
	}
	if got := b.post(associatePath + "/confirm"); got.path != "/" || !strings.Contains(got.body, w.other.Name) {
		t.Errorf("came to %s", got.path)
	}
	if u, _ := w.byMicrosoft("megan@contoso.example"); u.ID != beto.ID || u.Org != w.other.ID {
		t.Errorf("the Microsoft person opens %+v", u)
	}
	if u, err := w.store.Accounts().User(t.Context(), w.org.ID, invited.ID); err != nil || u.State != account.Deleted {
		t.Errorf("the invitation is %s, %v", u.State, err)
	}
}

func TestS12_WhoeverWasNotInvitedCanAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	got := b.come("megan@contoso.example")
	if !got.atDoor(account.MayAsk) || !strings.Contains(got.text(), w.org.Name+" has an account already") {
		t.Fatalf("\n%s", got.text())
	}
	unchanged := w.unchanged()
	if got := b.post(launchPath + "/request"); got.status != 422 {
		t.Errorf("without the terms: %d", got.status)
	}
	unchanged("without the terms")
	if got := b.post(launchPath+"/request", "terms", "yes"); got.path != launchPath || !got.atDoor(account.Waiting) {
		t.Fatalf("%s\n%s", got.path, got.text())
	}
	asking, _ := w.byMicrosoft("megan@contoso.example")
	if asking.State != account.Requested {
		t.Errorf("the user is %s", asking.State)
	}
	if got := b.get("/contacts"); !strings.HasPrefix(got.path, "/signin") {
		t.Errorf("who asked is inside at %s", got.path)
	}
}

func TestS12_EveryManagerIsToldAndNobodyElseAndOnlyOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alex := w.users["alex@contoso.example"]
	alex.Profile = account.Administrator
	w.must(w.store.Accounts().UpdateUser(t.Context(), alex))
	b := w.browser()
	b.come("megan@contoso.example")
	b.post(launchPath+"/request", "terms", "yes")
	told := func() (to []record.ID) {
		for _, l := range w.letters() {
			if l.Kind == account.LetterRequest {
				to = append(to, l.To)
			}
		}
		slices.Sort(to)
		return to
	}
	want := []record.ID{w.users["admin@contoso.example"].ID, alex.ID}
	slices.Sort(want)
	if got := told(); !slices.Equal(got, want) {
		t.Errorf("letters to %v, expected %v", got, want)
	}
	if got := b.post(launchPath + "/request"); !got.atDoor(account.Waiting) {
		t.Errorf("asking again:\n%s", got.text())
	}
	w.browser().come("megan@contoso.example")
	if got := told(); !slices.Equal(got, want) {
		t.Errorf("asking twice sent letters to %v", got)
	}
	w.pass(25 * time.Hour)
	asking, _ := w.byMicrosoft("megan@contoso.example") // the simulator's tokens are of today, so no browser asks
	_, err := w.site.Registry.AskToJoin(t.Context(), account.Arrival{Identity: asking.Identity})
	w.must(err)
	if got := told(); len(got) != 4 {
		t.Errorf("the next day %d letters in all, expected 4", len(got))
	}
}

func TestS12_ADeclinedRequestIsToldWithItsWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.come("megan@contoso.example")
	b.post(launchPath+"/request", "terms", "yes")
	asking, _ := w.byMicrosoft("megan@contoso.example")
	w.must(w.site.Registry.Decline(t.Context(), w.users["admin@contoso.example"], asking.ID, "Talk to <Ana> first"))
	got := b.get(launchPath)
	if !got.atDoor(account.MayAsk) || !strings.Contains(got.body, "Talk to &lt;Ana&gt; first") || !strings.Contains(got.text(), "declined") {
		t.Fatalf("\n%s", got.body)
	}
	b.post(launchPath+"/request", "terms", "yes")
	asking, _ = w.byMicrosoft("megan@contoso.example")
	w.must(w.site.Registry.Approve(t.Context(), w.users["admin@contoso.example"], asking.ID, account.Standard))
	if got := b.get(launchPath); got.path != "/" || got.status != 200 {
		t.Errorf("after the approval one stands at %s with %d\n%s", got.path, got.status, got.text())
	}
}

func TestS2_TheFreeEditionSaysWhenItIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(w.invitee("megan@contoso.example"))
	w.must(w.store.Accounts().Within(t.Context(), w.org.ID, func(tx account.Tx) error {
		o, err := tx.Organization()
		if err != nil {
			return err
		}
		o.Edition = account.Free
		return tx.UpdateOrganization(o)
	}))
	b := w.browser()
	b.come("megan@contoso.example")
	got := b.post(launchPath, "terms", "yes")
	if got.status != 403 || !strings.Contains(got.text(), "The free edition has 3 users") {
		t.Errorf("%d\n%s", got.status, got.text())
	}
	if u, _ := w.byMicrosoft("megan@contoso.example"); u.State != account.Invited {
		t.Errorf("the user is %s", u.State)
	}
}

func TestTheAccountsPageSaysWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	got := b.atMicrosoft(b.get("/signin/microsoft"), northwindAdmin, "accept")
	if got.path == "/" { // /signin/microsoft sets out whoever is signed in
		t.Fatalf("came to %s", got.path)
	}
	if !got.atDoor(account.MayInstall) || !strings.Contains(got.text(), w.users["adele@contoso.example"].Name()+" ("+w.org.Name+") is signed in") {
		t.Errorf("\n%s", got.text())
	}
	if got := b.get("/contacts"); got.path != "/contacts" {
		t.Errorf("standing at the accounts page ended the session: %s", got.path)
	}
}

func TestTheAccountsPageForgetsAfterAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.come(northwindAdmin)
	w.pass(arrivalLife)
	unchanged := w.unchanged()
	b.stay().post(launchPath, "terms", "yes")
	unchanged("after its time")
	// A role that was taken away meanwhile installs nothing at the next try.
	w.sim.EditPerson(northwindAdmin, func(p *m365sim.Person) { p.Roles = nil })
	if got := b.get(launchPath); !got.atDoor(account.NobodyYet) {
		t.Errorf("without the role:\n%s", got.text())
	}
}

func TestTheAccountsPageSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invite(w.invitee("megan@contoso.example"))
	for _, lang := range languages {
		for _, upn := range []string{northwindAdmin, "marta@northwind.example", "megan@contoso.example", "lee@contoso.example"} {
			b := w.browser()
			b.lang = lang
			for _, got := range []answer{b.come(upn), b.get(associatePath), b.get("/terms")} {
				if got.status != 200 || !strings.Contains(got.body, `<html lang="`+lang+`"`) {
					t.Errorf("%s for %s in %s: %d", got.path, upn, lang, got.status)
				}
				if found := launchKey.FindString(got.text()); found != "" {
					t.Errorf("%s for %s in %s shows the key %q", got.path, upn, lang, found)
				}
				if found := noValue.FindString(got.body); found != "" {
					t.Errorf("%s for %s in %s shows %q", got.path, upn, lang, found)
				}
			}
		}
	}
}

// Associating begins at one's own account, too. A Microsoft person who opens another account is refused there, with the reason, and
// nobody finds themselves in somebody else's account.
func TestS6_AssociatingFromOnesOwnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	beto := w.elsewhere(w.other, "beto@example.com")
	b := w.enter(beto.Email, longPassword)
	begin := regexp.MustCompile(`id="tie" class="[^"]*" href="([^"]*)"`).FindStringSubmatch(b.get(accountPath).body)
	if begin == nil {
		t.Fatal("the account offers no association")
	}
	w.user(w.org, "lee@contoso.example", account.Standard)
	gone := w.users["lee@contoso.example"]
	gone.State = account.Deactivated
	w.must(w.store.Accounts().UpdateUser(t.Context(), gone))
	for _, upn := range []string{"adele@contoso.example", gone.Email} {
		at := b.get(begin[1])
		if at.url.Query().Get("prompt") != "select_account" {
			t.Errorf("Microsoft was asked with %s", at.url.RawQuery)
		}
		got := b.atMicrosoft(at, upn, "accept")
		if got.path != accountPath || !strings.Contains(got.text(), "opens another Tandem account") || !strings.Contains(got.body, beto.Email) {
			t.Errorf("%s led to %s with %d\n%s", upn, got.path, got.status, got.text())
		}
	}
	if !w.reread(beto).Identity.IsZero() {
		t.Error("tied to somebody who opens another account")
	}
	got := b.atMicrosoft(b.get(begin[1]), "megan@contoso.example", "accept")
	if got.path != associatePath || !strings.Contains(got.body, `id="associate-form"`) {
		t.Fatalf("somebody without an account came to %s\n%s", got.path, got.text())
	}
	b.post(associatePath, "email", beto.Email, "password", longPassword)
	if got := b.post(associatePath + "/confirm"); got.path != accountPath || !strings.Contains(got.text(), "opens this account") {
		t.Errorf("associated, and led to %s\n%s", got.path, got.text())
	}
	if u, ok := w.byMicrosoft("megan@contoso.example"); !ok || u.ID != beto.ID {
		t.Errorf("the Microsoft person opens %+v", u)
	}
	// Without a session it is the way in that it is for everybody.
	if got := w.browser().get(begin[1]); got.url.Query().Get("prompt") != "" {
		t.Errorf("without a session: %s", got.url.RawQuery)
	}
}
