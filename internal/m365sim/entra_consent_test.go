package m365sim

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func TestConsent_IsAskedOnceForEachPermission(t *testing.T) {
	t.Parallel()
	v := visit(t)
	c := v.config("organizations", basic...)
	page := v.submit(v.get(c.AuthCodeURL("st", oauth2.SetAuthURLParam("login_hint", "adele@contoso.example"))), "signin", nil)
	page.wants("Sign you in and read your profile").wants("Adele Vance")
	v.submit(page, "consent", url.Values{"consent": {"accept"}}).sent()

	// One more permission: only that one is shown.
	c = v.config("organizations", append(basic, "Contacts.ReadWrite")...)
	page = v.get(c.AuthCodeURL("st")).wants("Read and change your contacts")
	if strings.Contains(page.body, "Sign you in and read your profile") {
		t.Error("what was allowed before is asked again")
	}
	answer := v.submit(page, "consent", url.Values{"consent": {"cancel"}}).sent()
	if answer.Get("error") != "access_denied" || !strings.HasPrefix(answer.Get("error_description"), "AADSTS65004") || answer.Get("state") != "st" {
		t.Errorf("cancelled: %v", answer)
	}
	answer = v.get(c.AuthCodeURL("st", oauth2.SetAuthURLParam("prompt", "none"))).sent()
	if answer.Get("error") != "interaction_required" || !strings.HasPrefix(answer.Get("error_description"), "AADSTS65001") {
		t.Errorf("silently: %v", answer)
	}
	// What was allowed before is still to be had.
	c = v.config("organizations", basic...)
	if v.get(c.AuthCodeURL("st")).sent().Get("code") == "" {
		t.Error("the permissions of before are gone")
	}
	// prompt=consent shows everything again.
	v.get(c.AuthCodeURL("st", oauth2.SetAuthURLParam("prompt", "consent"))).wants("Sign you in and read your profile")
}

func TestConsent_SomeNeedAnAdministrator(t *testing.T) {
	t.Parallel()
	v := visit(t)
	wide := v.config("organizations", append(basic, "User.Read.All")...)
	page := v.submit(v.get(wide.AuthCodeURL("st")), "signin", url.Values{"username": {"megan@contoso.example"}})
	page.wants("AADSTS90094")
	answer := v.submit(page, "consent", url.Values{"consent": {"return"}}).sent()
	if answer.Get("error") != "access_denied" || !strings.HasPrefix(answer.Get("error_description"), "AADSTS90094") {
		t.Errorf("answer %v", answer)
	}
	// Accepting in spite of the page changes nothing.
	v.submit(page, "consent", url.Values{"consent": {"accept"}}).wants("AADSTS90094")

	// The administrator allows it for everybody, and Megan is let through.
	page = v.submit(v.get(wide.AuthCodeURL("st", oauth2.SetAuthURLParam("prompt", "login"))), "signin", url.Values{"username": {"admin@contoso.example"}})
	v.submit(page, "consent", url.Values{"consent": {"accept"}, "for_organization": {"true"}}).sent()
	if v.get(wide.AuthCodeURL("st", oauth2.SetAuthURLParam("login_hint", "megan@contoso.example"))).sent().Get("code") == "" {
		t.Error("Megan is still held up")
	}
	v.sim.Tenant("fabrikam.example")
	page = v.submit(v.get(wide.AuthCodeURL("st", oauth2.SetAuthURLParam("prompt", "login"))), "signin", url.Values{"username": {"patti@fabrikam.example"}})
	page.wants("AADSTS90094")
}

func TestConsent_SwitchedOffForPeople(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.sim.SetUserConsent("contoso.example", false)
	c := v.config("organizations", basic...)
	v.submit(v.get(c.AuthCodeURL("st")), "signin", url.Values{"username": {"lee@contoso.example"}}).wants("AADSTS90094")
	v.sim.SetUserConsent("contoso.example", true)
	v.get(c.AuthCodeURL("st")).wants(`value="accept"`)
}

func TestAdminConsent(t *testing.T) {
	t.Parallel()
	v := visit(t)
	contoso := v.sim.Tenant("contoso.example").ID
	address := func(tenant string) string {
		return "/" + tenant + "/v2.0/adminconsent?" + url.Values{"client_id": {DemoClientID}, "redirect_uri": {testRedirect},
			"state": {"st"}, "scope": {"https://graph.microsoft.com/.default"}}.Encode()
	}
	app := clientcredentials.Config{ClientID: DemoClientID, ClientSecret: DemoClientSecret,
		TokenURL: v.base + "/" + contoso + "/oauth2/v2.0/token", Scopes: []string{"https://graph.microsoft.com/.default"}, AuthStyle: oauth2.AuthStyleInParams}
	_, err := app.Token(context.Background())
	refused(t, err, "unauthorized_client", 7000229)

	page := v.submit(v.get(address("organizations")), "signin", url.Values{"username": {"alex@contoso.example"}}).wants("AADSTS90094")
	answer := v.submit(page, "consent", url.Values{"consent": {"return"}}).sent()
	if answer.Get("error") != "access_denied" || answer.Get("admin_consent") != "True" || answer.Get("state") != "st" {
		t.Errorf("without a role: %v", answer)
	}
	v.get("/organizations/oauth2/v2.0/logout").wants("You signed out")

	// An Application Administrator may not grant application permissions.
	v.sim.EditPerson("grady@contoso.example", func(p *Person) { p.Roles = []string{RoleApplicationAdministrator} })
	v.submit(v.get(address("organizations")), "signin", url.Values{"username": {"grady@contoso.example"}}).wants("AADSTS90094")
	v.get("/organizations/oauth2/v2.0/logout")

	page = v.submit(v.get(address(contoso)), "signin", url.Values{"username": {"admin@contoso.example"}})
	page.wants("for everybody in Contoso").wants("On its own")
	answer = v.submit(page, "consent", url.Values{"consent": {"cancel"}}).sent()
	if answer.Get("error") != "access_denied" || !strings.HasPrefix(answer.Get("error_description"), "AADSTS65004") || answer.Get("admin_consent") != "True" {
		t.Errorf("cancelled: %v", answer)
	}
	answer = v.submit(v.get(address("contoso.example")), "consent", url.Values{"consent": {"accept"}}).sent()
	if answer.Get("admin_consent") != "True" || answer.Get("tenant") != contoso || answer.Get("state") != "st" || answer.Get("error") != "" ||
		!strings.Contains(answer.Get("scope"), "https://graph.microsoft.com/Calendars.ReadWrite") {
		t.Errorf("accepted: %v", answer)
	}

	token, err := app.Token(context.Background())
	if err != nil || token.RefreshToken != "" {
		t.Fatalf("app token: %+v, %v", token, err)
	}
	// Nobody in the tenant is asked any more.
	c := v.config("organizations", append(basic, "User.Read.All", "Contacts.ReadWrite")...)
	answer = v.submit(v.get(c.AuthCodeURL("st", oauth2.SetAuthURLParam("prompt", "login"))), "signin", url.Values{"username": {"isaiah@contoso.example"}}).sent()
	if answer.Get("code") == "" {
		t.Errorf("answer %v, want a code", answer)
	}
	if page := v.get(address("common")); page.status != http.StatusBadRequest {
		t.Errorf("common: status %d, want 400", page.status)
	}
}

func TestSignInPage_FindsPeopleAndPreselects(t *testing.T) {
	t.Parallel()
	v := visit(t)
	c := v.config("organizations", basic...)
	page := v.get(c.AuthCodeURL("st"))
	page.wants("Adele Vance").wants("Global Administrator").wants("patti@fabrikam.example").wants("No password is asked")
	page = v.get(c.AuthCodeURL("st") + "&q=quit%C3%A9ria+teixeira")
	page.wants("Quitéria Teixeira")
	if strings.Contains(page.body, "Adele Vance") {
		t.Error("the search found too many")
	}
	v.get(c.AuthCodeURL("st", oauth2.SetAuthURLParam("login_hint", "ADELE@contoso.example"))).wants(`value="adele@contoso.example"`)

	req, err := http.NewRequest(http.MethodGet, c.AuthCodeURL("st"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Language", "pt-PT,pt;q=0.9")
	v.do(req).wants(`<html lang="pt-BR">`).wants("Entrar")

	// Two people signed in, and no hint which: the page asks.
	for _, upn := range []string{"adele@contoso.example", "alex@contoso.example"} {
		v.code(c, upn, oauth2.SetAuthURLParam("prompt", "login"))
	}
	v.get(c.AuthCodeURL("st")).wants("Signed in")
	if v.get(c.AuthCodeURL("st", oauth2.SetAuthURLParam("login_hint", "adele@contoso.example"))).sent().Get("code") == "" {
		t.Error("the hint did not decide")
	}
	v.get(c.AuthCodeURL("st", oauth2.SetAuthURLParam("prompt", "select_account"), oauth2.SetAuthURLParam("login_hint", "adele@contoso.example"))).wants(`id="signin"`)
}

func TestSignIn_FormPost(t *testing.T) {
	t.Parallel()
	v := visit(t)
	c := v.config("organizations", "openid")
	page := v.submit(v.get(c.AuthCodeURL(`s"t`, oauth2.SetAuthURLParam("response_mode", "form_post"))), "signin", url.Values{"username": {"lee@contoso.example"}})
	page = v.submit(page, "consent", url.Values{"consent": {"accept"}})
	page.wants(`action="` + testRedirect + `"`).wants(`name="code"`).wants(`value="s&#34;t"`)
}

func TestLogout_SendsOnlyToKnownHosts(t *testing.T) {
	t.Parallel()
	v := visit(t)
	back := v.get("/organizations/oauth2/v2.0/logout?post_logout_redirect_uri=" + url.QueryEscape("http://127.0.0.1:4711/signin"))
	if back.to == nil || back.to.String() != "http://127.0.0.1:4711/signin" {
		t.Errorf("sent to %v", back.to)
	}
	v.get("/organizations/oauth2/v2.0/logout?post_logout_redirect_uri=" + url.QueryEscape("http://evil.example/")).wants("You signed out")
}

func TestRedirect_PortsOnlyOfLoopback(t *testing.T) {
	t.Parallel()
	app := App{RedirectURIs: []string{"http://localhost/cb", "https://crm.example/cb", "http://127.0.0.1:*/x"}}
	for uri, want := range map[string]bool{
		"http://localhost/cb": true, "http://localhost:99/cb": true, "http://127.0.0.1:1/x": true, "http://127.0.0.1/x": true,
		"https://crm.example/cb": true, "https://crm.example:444/cb": false, "https://crm.example/cb/": false,
		"https://crm.example/cb?x=1": false, "https://localhost:1/cb": false, "http://[::1]:1/x": false, "http://localhost:1/cb#f": false,
	} {
		if got := app.allowsRedirect(uri); got != want {
			t.Errorf("allowsRedirect(%q) = %v, want %v", uri, got, want)
		}
	}
}
