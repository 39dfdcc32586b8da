package web

import (
	"context"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	if got := b.get("/contacts?q=x"); got.path != "/signin?next=%2Fcontacts%3Fq%3Dx" {
		t.Fatalf("a stranger came to %s", got.path)
	}
	if got := b.signIn("/contacts?q=x", "adele@contoso.example"); got.path != "/contacts?q=x" || got.status != 200 {
		t.Fatalf("signing in led to %s with %d", got.path, got.status)
	}
	u, err := w.store.Accounts().User(context.Background(), w.org.ID, w.users["adele@contoso.example"].ID)
	if err != nil || u.LastSignIn.IsZero() {
		t.Errorf("the sign-in was not noted: %v %v", u.LastSignIn, err)
	}
	if _, err := w.store.Accounts().Grant(context.Background(), w.org.ID, u.ID); err != nil {
		t.Errorf("the first sign-in left no grant: %v", err)
	}
	if got := b.post("/signout"); got.path != "/signin" {
		t.Errorf("signing out led to %s", got.path)
	}
	if got := b.get("/contacts"); !strings.HasPrefix(got.path, "/signin") {
		t.Errorf("after signing out one still sees %s", got.path)
	}
}

func TestSignInNeverLeadsElsewhere(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"":                         "/",
		"/contacts?q=a":            "/contacts?q=a",
		"//evil.example/x":         "/",
		"https://evil.example/":    "/",
		`/\evil.example`:           "/",
		"javascript:alert(1)":      "/",
		"contacts":                 "/",
		"/%2Fevil.example/":        "/",
		"/contacts#top":            "/contacts",
		"/a\r\nSet-Cookie: x=y":    "/",
		"https:/evil.example":      "/",
		"///evil.example":          "/",
		"/calendar?date=2026-11-2": "/calendar?date=2026-11-2",
	} {
		if got := ownPath(next); got != want {
			t.Errorf("ownPath(%q) = %q, expected %q", next, got, want)
		}
	}
}

// A browser drops a cookie of more than 4096 bytes, and with it the way back. Whoever comes from a very long address is led home instead.
func TestALongAddressKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("a", 6000)
	for _, at := range []string{"/signin/microsoft?next=" + url.QueryEscape("/contacts?q="+long), launchPath + "?login_hint=" + long} {
		got := w.browser().stay().get(at)
		for _, cookie := range got.header.Values("Set-Cookie") {
			if pair, _, _ := strings.Cut(cookie, ";"); len(pair) > 4096 {
				t.Errorf("%.30s: a cookie of %d bytes", at, len(pair))
			}
		}
	}
	if got := w.browser().signIn("/contacts?q="+long, "adele@contoso.example"); got.path != "/" {
		t.Errorf("led to %.60s with %d", got.path, got.status)
	}
	if got := w.browser().signIn("/contacts?q="+long[:1000], "adele@contoso.example"); got.path != "/contacts?q="+long[:1000] {
		t.Errorf("led to %.60s with %d", got.path, got.status)
	}
}

func TestDeactivatedUsersStayOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("alex@contoso.example")
	u := w.users["alex@contoso.example"]
	u.State = account.Deactivated
	w.must(w.store.Accounts().UpdateUser(context.Background(), u))
	if got := b.get("/contacts"); !strings.HasPrefix(got.path, "/signin") {
		t.Errorf("a session outlived its user: %s", got.path)
	}
	if got := w.browser().signIn("/", "alex@contoso.example"); got.status != 403 || !strings.Contains(got.text(), "deactivated") {
		t.Errorf("a deactivated user came to %s with %d", got.path, got.status)
	}
}

// The state of a sign-in counts once, and only in the browser that set out.
func TestStateCountsOnceAndHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	var back string
	watching := *b.client
	watching.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/auth/microsoft/callback" {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	held := &browser{w, &watching, "en", new(sync.Map)}
	at := held.submit(held.get("/signin/microsoft"), "pick", "username", "adele@contoso.example")
	if back == "" { // the consent page lies between
		held.submit(at, "consent", "consent", "accept")
	}
	if back == "" {
		t.Fatal("the simulator sent nobody back")
	}
	if got := w.browser().get(back); got.status != 400 {
		t.Errorf("another browser came in with %d", got.status)
	}
	if got := b.get(back); got.status != 200 || got.path != "/" {
		t.Fatalf("the browser that set out: %d at %s\n%s", got.status, got.path, got.text())
	}
	if got := b.get(back); got.status != 400 {
		t.Errorf("the same answer counted twice: %d", got.status)
	}
	if got := b.get("/auth/microsoft/callback?state=invented&code=x"); got.status != 400 {
		t.Errorf("an invented state: %d", got.status)
	}
}

func TestErrorsFromMicrosoftHaveWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, row := range []struct {
		code, description, want string
		status                  int
	}{
		{"access_denied", "AADSTS65004: User declined", "declined", 403},
		{"consent_required", "AADSTS90094: admin", "admin_consent", 403},
		{"invalid_grant", "AADSTS65001: nobody consented", "admin_consent", 403},
		{"access_denied", "AADSTS50105: not assigned", "not_assigned", 403},
		{"invalid_request", "AADSTS50020: other tenant", "other_tenant", 403},
		{"server_error", "", "away", 503},
		{"unauthorized_client", "AADSTS700016: unknown app", "app", 503},
		{"something_new", "AADSTS999999: who knows", "general", 403},
	} {
		b := w.browser()
		at := b.get("/signin/microsoft")
		state := at.url.Query().Get("state")
		got := b.get("/auth/microsoft/callback?" + url.Values{
			"error": {row.code}, "error_description": {row.description}, "state": {state},
		}.Encode())
		if got.status != row.status || !strings.Contains(got.body, `data-problem="`+row.want+`"`) {
			t.Errorf("%s %s: %d, expected %s with %d\n%s", row.code, row.description, got.status, row.want, row.status, got.text())
		}
		if number, _, _ := strings.Cut(row.description, ":"); !strings.Contains(got.body, number) {
			t.Errorf("%s: the page does not show %s", row.code, number)
		}
	}
}

// Cookies know localhost and 127.0.0.1 apart: a sign-in begun at the one must not come back at the other.
func TestSignInBeginsAtHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(w.url, "http://"), ":")
	got := w.browser().stay().get("http://localhost:" + port + "/signin/microsoft?next=%2Fcontacts")
	if got.header.Get("Location") != w.url+"/signin/microsoft?next=%2Fcontacts" {
		t.Errorf("from localhost: %d to %q", got.status, got.header.Get("Location"))
	}
	for host, home := range map[string]bool{"crm.example": true, "inside:8080": true, "localhost": true} {
		s := &Site{Deps: Deps{Settings: Settings{URL: "https://crm.example"}}}
		if got := s.atHome(&http.Request{Host: host}); got != home {
			t.Errorf("%s: %v; behind a proxy a redirect would go round for ever", host, got)
		}
	}
}

func TestAdministratorsAreThanked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.browser().get("/auth/microsoft/callback?admin_consent=True&tenant=" + tenantA); got.status != 200 || !strings.Contains(got.text(), "Thank you") {
		t.Errorf("%d\n%s", got.status, got.text())
	}
	got := w.browser().get("/auth/microsoft/callback?admin_consent=True&error=access_denied&error_description=AADSTS65004")
	if got.status != 403 || !strings.Contains(got.body, `data-problem="declined"`) {
		t.Errorf("%d\n%s", got.status, got.text())
	}
}

func TestCookiesAreCareful(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	res := b.stay().get("/signin/microsoft")
	flow := res.header.Get("Set-Cookie")
	for _, want := range []string{"tandem_flow_", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="} {
		if !strings.Contains(flow, want) {
			t.Errorf("the flow's cookie lacks %s: %s", want, flow)
		}
	}
	secure := newSessions(Deps{Sessions: w.store.Sessions(), Settings: Settings{URL: "https://crm.example"}})
	if !secure.Cookie.Secure || secure.Cookie.Name != "__Host-tandem_session" || !secure.Cookie.HttpOnly || !secure.HashTokenInStore {
		t.Errorf("over https the session's cookie is %+v", secure.Cookie)
	}
	for _, name := range []string{flowCookies + "1", langCookie} {
		c := Settings{URL: "https://crm.example"}.cookie(name, "x", time.Minute)
		if c.Name != "__Host-"+name || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("over https a cookie is %+v", c)
		}
	}
}

// TestAFewSignInsAtATime: cookies of sign-ins that nobody came back from do not heap up until a proxy refuses the browser.
func TestAFewSignInsAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for range flowsAtOnce + 3 {
		b.stay().get("/signin/microsoft")
	}
	kept := 0
	for _, c := range b.client.Jar.Cookies(mustURL(t, w.url)) {
		if strings.HasPrefix(c.Name, flowCookies) {
			kept++
		}
	}
	if kept != flowsAtOnce {
		t.Errorf("the browser keeps %d flows", kept)
	}
	if got := b.signIn("/", "adele@contoso.example"); got.status != 200 || got.path != "/" {
		t.Errorf("the last one leads to %d %s", got.status, got.path)
	}
}

// TestSigningOutLeavesNothingBehind: what the browser keeps of contacts goes with the session.
func TestSigningOutLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.as("adele@contoso.example").stay().post("/signout")
	if said := got.header.Get("Clear-Site-Data"); !strings.Contains(said, `"cache"`) || !strings.Contains(said, `"storage"`) || strings.Contains(said, "cookies") {
		t.Errorf("%d, Clear-Site-Data: %s", got.status, said)
	}
}

// TestWhatProvesTandemTravelsToNobodyElse: the sign-in service leads nowhere, neither with its addresses nor with a code.
func TestWhatProvesTandemTravelsToNobodyElse(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(elsewhere.Close)
	authority := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(authority.Close)
	w := newWorld(t, func(d *Deps) { d.Settings.Authority = authority.URL })
	if got := w.browser().get("/signin/microsoft"); got.status != 503 || reached.Load() != 0 {
		t.Errorf("%d, and the other host was asked %d times\n%s", got.status, reached.Load(), got.text())
	}
}

func TestSessionTokenIsNewAfterSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	before := sessionToken(t, b)
	b.signIn("/", "alex@contoso.example")
	if after := sessionToken(t, b); after == before || after == "" {
		t.Errorf("the token stayed %q", after)
	}
	jar, _ := cookiejar.New(nil)
	jar.SetCookies(mustURL(t, w.url), []*http.Cookie{{Name: "tandem_session", Value: before}})
	old := &browser{w, &http.Client{Jar: jar}, "en", new(sync.Map)}
	if got := old.get("/contacts"); !strings.HasPrefix(got.path, "/signin") {
		t.Error("the old token still opens the door")
	}
}

func sessionToken(t *testing.T, b *browser) string {
	t.Helper()
	for _, c := range b.client.Jar.Cookies(mustURL(t, b.w.url)) {
		if c.Name == "tandem_session" {
			return c.Value
		}
	}
	return ""
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSessionsEndByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	w.pass(sessionIdle - time.Hour)
	if got := b.get("/contacts"); got.path != "/contacts" {
		t.Errorf("before its time the session ended at %s", got.path)
	}
	w.pass(sessionIdle - time.Hour)
	if got := b.get("/contacts", "HX-Request", "true", "HX-Target", "section#contact-list"); got.status != 200 {
		t.Errorf("an open page was refused with %d", got.status)
	}
	w.pass(2 * time.Hour) // the page above asked by itself: nobody was there
	if got := b.get("/contacts"); !strings.HasPrefix(got.path, "/signin") {
		t.Errorf("an idle session still led to %s", got.path)
	}
}

func TestSessionsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	w.must(w.store.Close())
	got := b.get("/contacts")
	if got.status < 500 || !strings.Contains(got.body, `id="error-title"`) || strings.Contains(got.body, "sql") {
		t.Errorf("%d\n%s", got.status, got.text())
	}
}

func TestConnectSwitchesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	at := b.post("/setup/marketplace/microsoft/calendar/enable")
	got := b.atMicrosoft(at, "adele@contoso.example", "accept")
	if got.path != marketplacePath || got.status != 200 {
		t.Fatalf("came to %s with %d\n%s", got.path, got.status, got.text())
	}
	if !strings.Contains(got.body, `id="card-calendar" data-state="first"`) {
		t.Errorf("the calendar's card is not on:\n%s", got.body)
	}
	g, err := w.store.Accounts().Grant(context.Background(), w.org.ID, w.users["adele@contoso.example"].ID)
	if err != nil || !subset(kindScopes[record.Calendar], g.Scopes) || g.Refresh == "" {
		t.Fatalf("the grant is %v, %v", g.Scopes, err)
	}

	// The second kind keeps what the first one got.
	b.atMicrosoft(b.post("/setup/marketplace/microsoft/contacts/enable"), "adele@contoso.example", "accept")
	g, err = w.store.Accounts().Grant(context.Background(), w.org.ID, g.User)
	if err != nil || !subset(kindScopes[record.Calendar], g.Scopes) || !subset(kindScopes[record.Contacts], g.Scopes) {
		t.Errorf("after both the grant is %v, %v", g.Scopes, err)
	}
}

// Whoever has allowed Tandem before passes Microsoft without a word. So an address that anybody can have them follow switches nothing on.
func TestALinkSwitchesNothingOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	for _, kind := range kinds { // allowed, and not switched on
		b.atMicrosoft(b.get("/connect/microsoft?kind="+string(kind)+"&choose=yes"), "adele@contoso.example", "accept")
	}
	adele := w.users["adele@contoso.example"]
	for _, address := range []string{
		"/connect/microsoft?kind=calendar", "/connect/microsoft?kind=contacts", "/connect/microsoft?kind=contacts&preview=yes", "/connect/microsoft?for=directory",
	} {
		got := b.get(address, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
		links, err := w.store.Links().LinksOf(t.Context(), w.org.ID, adele.ID)
		if w.must(err); len(links) != 0 {
			t.Errorf("%s switched on %s, and led to %s", address, links[0].Kind, got.path)
		}
	}
	// The page's own button does, also after a detour.
	got := b.post(marketplacePath + "/contacts/enable")
	if got.path != marketplacePath || !strings.Contains(got.body, `id="card-contacts" data-state="first"`) {
		t.Errorf("the button led to %s\n%s", got.path, got.text())
	}
	alex := w.as("alex@contoso.example")
	declined := alex.atMicrosoft(alex.post(marketplacePath+"/contacts/enable"), "alex@contoso.example", "cancel")
	again := regexp.MustCompile(`href="(/connect/microsoft[^"]*)"`).FindStringSubmatch(declined.body)
	if again == nil {
		t.Fatalf("after declining:\n%s", declined.body)
	}
	got = alex.atMicrosoft(alex.get(html.UnescapeString(again[1])), "alex@contoso.example", "accept")
	if got.path != marketplacePath || !strings.Contains(got.body, `id="card-contacts" data-state="first"`) {
		t.Errorf("trying again led to %s\n%s", got.path, got.text())
	}
}

// A ticket opens the way without a session, but only for the person it names.
func TestTicketsAreForOnePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	adele := w.users["adele@contoso.example"]
	tickets, err := NewTickets(w.url, testSecret, w.now)
	w.must(err)
	address := tickets.ConnectURL(adele.Org, adele.ID, record.Contacts)

	other := w.browser()
	got := other.atMicrosoft(other.get(address), "alex@contoso.example", "accept")
	if got.status != 403 || !strings.Contains(got.body, `data-problem="other_person"`) {
		t.Errorf("somebody else got %d at %s\n%s", got.status, got.path, got.text())
	}
	if _, err := w.store.Accounts().Grant(context.Background(), w.org.ID, adele.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("somebody else's grant was stored: %v", err)
	}
	if got := other.get("/contacts"); !strings.HasPrefix(got.path, "/signin") {
		t.Errorf("somebody else was signed in at %s", got.path)
	}

	b := w.browser()
	got = b.atMicrosoft(b.get(address), "adele@contoso.example", "accept")
	if got.path != marketplacePath || !strings.Contains(got.body, `id="card-contacts" data-state="first"`) {
		t.Errorf("the right person came to %s with %d\n%s", got.path, got.status, got.text())
	}

	past, _ := NewTickets(w.url, testSecret, func() time.Time { return time.Now().Add(-ticketLife - time.Minute) })
	strange, _ := NewTickets(w.url, "quite another secret key", w.now)
	for name, address := range map[string]string{
		"expired": past.ConnectURL(adele.Org, adele.ID, record.Contacts),
		"forged":  strange.ConnectURL(adele.Org, adele.ID, record.Contacts),
		"garbled": w.url + "/connect/microsoft?kind=contacts&ticket=x",
	} {
		if got := w.browser().get(address); got.status != 403 || !strings.Contains(got.body, `data-problem="ticket"`) {
			t.Errorf("%s: %d", name, got.status)
		}
	}
}

func TestFF1_DecliningChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	got := b.atMicrosoft(b.post(marketplacePath+"/calendar/enable"), "adele@contoso.example", "cancel")
	if got.status != 403 || !strings.Contains(got.body, `data-problem="declined"`) || !strings.Contains(got.body, "/connect/microsoft?kind=calendar") {
		t.Errorf("declined: %d\n%s", got.status, got.text())
	}
	links, err := w.store.Links().LinksOf(context.Background(), w.org.ID, w.users["adele@contoso.example"].ID)
	if err != nil || len(links) != 0 {
		t.Errorf("links %v, %v", links, err)
	}

	w.sim.SetUserConsent("contoso.example", false)
	got = b.atMicrosoft(b.get("/connect/microsoft?kind=contacts"), "adele@contoso.example", "accept")
	link := regexp.MustCompile(`(?s)<textarea id="f-link"[^>]*>\n([^<]*)</textarea>`).FindStringSubmatch(got.body) // to be copied
	if !strings.Contains(got.body, `data-problem="admin_consent"`) || link == nil || !strings.HasPrefix(link[1], w.site.Settings.Authority+"/organizations/v2.0/adminconsent?") {
		t.Errorf("where only administrators consent: %d\n%s", got.status, got.text())
	}
}

func TestReconnectingResumesBothKinds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	for _, kind := range kinds {
		b.atMicrosoft(b.post(marketplacePath+"/"+string(kind)+"/enable"), "adele@contoso.example", "accept")
	}
	links, err := w.store.Links().LinksOf(ctx, w.org.ID, w.users["adele@contoso.example"].ID)
	w.must(err)
	if len(links) != 2 {
		t.Fatalf("%d links are on", len(links))
	}
	for _, l := range links {
		w.must(w.store.Links().ChangeState(ctx, w.org.ID, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Paused, fault.ReconnectNeeded))
	}
	page := b.get(marketplacePath)
	if strings.Count(page.body, `data-state="paused"`) != 2 || !strings.Contains(page.body, `href="/connect/microsoft?kind=calendar"`) {
		t.Errorf("paused cards:\n%s", page.text())
	}
	got := b.atMicrosoft(b.get("/connect/microsoft?kind=calendar"), "adele@contoso.example", "accept")
	if strings.Contains(got.body, `data-state="paused"`) {
		t.Errorf("something stayed paused:\n%s", got.text())
	}
}
