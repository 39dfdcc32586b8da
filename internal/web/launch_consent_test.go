package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/m365sim"
)

// installed is a browser in which Northwind's administrator has just installed Tandem.
func (w *world) installed() *browser {
	w.t.Helper()
	b := w.browser()
	b.post("/language", "lang", "en")
	b.come(northwindAdmin)
	if got := b.post(launchPath, "terms", "yes"); got.path != consentPath+"?first=yes" {
		w.t.Fatalf("installing ended at %s\n%s", got.path, got.text())
	}
	return b
}

// northwind is the organization of Northwind as it stands.
func (w *world) northwind() account.Organization {
	w.t.Helper()
	o, err := w.store.Accounts().OrganizationByTenant(w.t.Context(), w.sim.Tenant("northwind.example").ID)
	w.must(err)
	return o
}

// callbackOf goes to the simulator's page of a consent for everybody and catches what it sends the browser back with.
func (b *browser) callbackOf(at answer, choice string) string {
	b.w.t.Helper()
	back := ""
	held := *b.client
	held.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/auth/microsoft/callback" {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	(&browser{b.w, &held, b.lang, b.hidden}).submit(at, "consent", "consent", choice)
	if back == "" {
		b.w.t.Fatal("the simulator sent nobody back")
	}
	return back
}

func TestConsentForEverybodyIsProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.installed()
	if got := b.get(consentPath); got.status != 200 || !strings.Contains(got.body, `data-given="no"`) || !w.northwind().Consented.IsZero() {
		t.Fatalf("before: %d\n%s", got.status, got.text())
	}
	at := b.post(consentPath)
	if want := "/" + w.sim.Tenant("northwind.example").ID + "/v2.0/adminconsent"; at.url.Path != want || at.url.Query().Get("scope") != "https://graph.microsoft.com/.default" {
		t.Fatalf("set out to %s", at.url)
	}
	got := b.submit(at, "consent", "consent", "accept")
	if got.path != consentPath || !strings.Contains(got.body, `data-given="yes"`) || !strings.Contains(got.text(), "allowed for everybody") {
		t.Fatalf("%s\n%s", got.path, got.text())
	}
	if o := w.northwind(); o.Consented.IsZero() || !covered(everybodyScopes, o.Scopes) {
		t.Errorf("recorded %v, %v", o.Consented, o.Scopes)
	}
	u, _ := w.byMicrosoft(northwindAdmin)
	if g, err := w.store.Accounts().Grant(t.Context(), u.Org, u.ID); err != nil || !covered(everybodyScopes, g.Scopes) || g.Refresh == "" {
		t.Errorf("the grant is %v, %v", g.Scopes, err)
	}
	// From now on a colleague is asked nothing by Microsoft.
	marta := w.browser()
	asked := marta.get(launchPath)
	if got := marta.submit(asked, "pick", "username", "marta@northwind.example"); got.path != launchPath || !got.atDoor(account.MayAsk) {
		t.Errorf("a colleague came to %s\n%s", got.path, got.text())
	}
}

// What an address says is no proof: without the state, of another tenant, or where no token shows it.
func TestFF4_ConsentForEverybodyIsNotBelievedWithoutProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.installed()
	tenant := w.sim.Tenant("northwind.example").ID
	nothing := func(what string) {
		t.Helper()
		if !w.northwind().Consented.IsZero() {
			t.Fatalf("%s was believed", what)
		}
	}
	callback := func(pairs ...string) string {
		q := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return "/auth/microsoft/callback?" + q.Encode()
	}
	if got := b.get(callback("admin_consent", "True", "tenant", tenant)); got.status != 200 {
		t.Errorf("without a state: %d", got.status)
	}
	nothing("an answer without a state")

	// A state of ours, the rest made up: Microsoft's own answer to the silent question decides.
	w.sim.SetUserConsent("northwind.example", false)
	state := b.post(consentPath).url.Query().Get("state")
	got := b.get(callback("admin_consent", "True", "tenant", tenant, "state", state))
	if got.path == consentPath || !strings.Contains(got.path, "was=not_yet") {
		t.Errorf("made up: %s\n%s", got.path, got.text())
	}
	nothing("a made-up answer")

	state = b.post(consentPath).url.Query().Get("state")
	if got := b.get(callback("admin_consent", "True", "tenant", w.org.TenantID, "state", state)); !strings.Contains(got.path, "was=other_tenant") {
		t.Errorf("another tenant: %s", got.path)
	}
	nothing("another tenant's consent")

	if got := b.get(b.callbackOf(b.post(consentPath), "cancel")); !strings.Contains(got.path, "was=declined") || !strings.Contains(got.text(), "nothing has changed") {
		t.Errorf("declined: %s\n%s", got.path, got.text())
	}
	nothing("a refusal")

	// Another browser, signed in as somebody else, has not this state.
	back := b.callbackOf(b.post(consentPath), "accept")
	other := w.as("admin@contoso.example")
	other.get(back)
	nothing("another browser's answer")
	if o, err := w.store.Accounts().Organization(t.Context(), w.org.ID); err != nil || !o.Consented.IsZero() {
		t.Errorf("it was recorded for the other's organization: %v %v", o.Consented, err)
	}
	if got := b.get(back); got.path != consentPath || w.northwind().Consented.IsZero() {
		t.Errorf("the browser that set out: %s\n%s", got.path, got.text())
	}
}

func TestConsentForEverybodyNeedsTheRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.installed()
	back := b.callbackOf(b.post(consentPath), "accept")
	w.sim.EditPerson(northwindAdmin, func(p *m365sim.Person) { p.Roles = nil })
	if got := b.get(back); !strings.Contains(got.path, "was=not_admin") || !strings.Contains(got.text(), "Only a Global Administrator") {
		t.Errorf("%s\n%s", got.path, got.text())
	}
	if !w.northwind().Consented.IsZero() {
		t.Error("recorded without the role")
	}
	// Whoever does not manage users does not get as far as the page.
	adele := w.as("adele@contoso.example")
	if got := adele.get(consentPath); got.status != 403 {
		t.Errorf("Adele sees the page: %d", got.status)
	}
	if got := adele.post(consentPath); got.status != 403 {
		t.Errorf("Adele set out: %d", got.status)
	}
}

func TestConnectForTheDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("admin@contoso.example")
	admin := w.users["admin@contoso.example"]
	b.atMicrosoft(b.post(marketplacePath+"/calendar/enable"), "admin@contoso.example", "accept")
	got := b.atMicrosoft(b.get("/connect/microsoft?for=directory"), "admin@contoso.example", "accept")
	if !strings.HasPrefix(got.path, directoryPath) {
		t.Errorf("came to %s", got.path)
	}
	g, err := w.store.Accounts().Grant(t.Context(), admin.Org, admin.ID)
	if err != nil || !covered(directoryScopes, g.Scopes) || !covered(kindScopes["calendar"], g.Scopes) {
		t.Errorf("the grant is %v, %v", g.Scopes, err)
	}
	if got := w.as("adele@contoso.example").get("/connect/microsoft?for=directory"); got.status != 403 {
		t.Errorf("without managing users: %d", got.status)
	}
}
