package m365sim

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var basic = []string{"openid", "profile", "email", "offline_access", "User.Read"}

func TestSignIn_WholeRoadWithAnIndependentClient(t *testing.T) {
	t.Parallel()
	v := visit(t)
	ctx := context.Background()

	// Metadata of several organizations name a pattern, not an issuer.
	ctxMulti := oidc.InsecureIssuerURLContext(ctx, v.base+"/{tenantid}/v2.0")
	provider, err := oidc.NewProvider(ctxMulti, v.base+"/organizations/v2.0")
	if err != nil {
		t.Fatal(err)
	}
	c := v.config("organizations", append(basic, "https://graph.microsoft.com/Calendars.ReadWrite")...)
	c.Endpoint = provider.Endpoint()
	verifier := oauth2.GenerateVerifier()
	code := v.code(c, "adele@contoso.example", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-1"))
	token, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if life := time.Until(token.Expiry); life < 59*time.Minute || life > 91*time.Minute {
		t.Errorf("access token lives %v, want 60 to 90 min", life)
	}
	if scope := token.Extra("scope").(string); !strings.Contains(scope, "https://graph.microsoft.com/Calendars.ReadWrite") || strings.Contains(scope, "offline_access") {
		t.Errorf("scope = %q", scope)
	}

	contoso := v.sim.Tenant("contoso.example")
	adele := v.sim.Person("adele@contoso.example")
	strict, err := oidc.NewProvider(ctx, v.base+"/"+contoso.ID+"/v2.0")
	if err != nil {
		t.Fatal(err)
	}
	id, err := strict.Verifier(&oidc.Config{ClientID: DemoClientID}).Verify(ctx, token.Extra("id_token").(string))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		OID, TID, Ver, Name, Email string
		Preferred                  string `json:"preferred_username"`
		Wids                       []string
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if id.Nonce != "n-1" || claims.OID != adele.ID || claims.TID != contoso.ID || claims.Ver != "2.0" ||
		claims.Name != "Adele Vance" || claims.Email != adele.Mail || claims.Preferred != adele.UPN || claims.Wids != nil || id.Subject == adele.ID {
		t.Errorf("claims %+v, nonce %q, sub %q", claims, id.Nonce, id.Subject)
	}

	// A refresh gives a new pair, and the old refresh token stays good.
	again, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	if again.RefreshToken == token.RefreshToken || again.AccessToken == token.AccessToken {
		t.Error("a refresh brought nothing new")
	}
	if _, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); err != nil {
		t.Errorf("the refresh token before: %v", err)
	}
	info, err := strict.UserInfo(ctx, oauth2.StaticTokenSource(again))
	if err != nil || info.Subject != id.Subject {
		t.Errorf("userinfo: %+v, %v; want sub %q", info, err, id.Subject)
	}

	// A second sign-in asks nothing: the session and the consent are remembered.
	v.get(c.AuthCodeURL("x", oauth2.SetAuthURLParam("prompt", "none"))).sent()

	// Keys change; tokens signed before are still accepted by a client that fetches keys again.
	v.sim.RotateKeys()
	fresh, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: again.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []any{token.Extra("id_token"), fresh.Extra("id_token")} {
		if _, err := strict.Verifier(&oidc.Config{ClientID: DemoClientID}).Verify(ctx, raw.(string)); err != nil {
			t.Errorf("after a change of keys: %v", err)
		}
	}
}

func TestSignIn_AdministratorsCarryTheirRole(t *testing.T) {
	t.Parallel()
	v := visit(t)
	c := v.config("contoso.example", basic...)
	token, err := c.Exchange(context.Background(), v.code(c, "admin@contoso.example"))
	if err != nil {
		t.Fatal(err)
	}
	strict, err := oidc.NewProvider(context.Background(), v.base+"/"+v.sim.Tenant("contoso.example").ID+"/v2.0")
	if err != nil {
		t.Fatal(err)
	}
	id, err := strict.Verifier(&oidc.Config{ClientID: DemoClientID}).Verify(context.Background(), token.Extra("id_token").(string))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Wids []string }
	if err := id.Claims(&claims); err != nil || len(claims.Wids) != 1 || claims.Wids[0] != RoleGlobalAdministrator {
		t.Errorf("wids = %v, %v", claims.Wids, err)
	}
}

func TestAuthorize_RefusalsOnThePage(t *testing.T) {
	t.Parallel()
	v := visit(t)
	ok := url.Values{"client_id": {DemoClientID}, "response_type": {"code"}, "redirect_uri": {testRedirect}, "scope": {"openid profile"}, "state": {"st"}}
	for _, row := range []struct{ name, tenant, param, value, want string }{
		{"unknown tenant", "nowhere.example", "", "", "AADSTS90002"},
		{"personal accounts", "consumers", "", "", "AADSTS90002"},
		{"unknown app", "organizations", "client_id", guid("x"), "AADSTS700016"},
		{"other path", "organizations", "redirect_uri", "http://127.0.0.1:4711/elsewhere", "AADSTS50011"},
		{"other host", "organizations", "redirect_uri", "http://evil.example/auth/microsoft/callback", "AADSTS50011"},
		{"host that begins alike", "organizations", "redirect_uri", "http://127.0.0.1.evil.example/auth/microsoft/callback", "AADSTS50011"},
		{"user in the address", "organizations", "redirect_uri", "http://a@127.0.0.1:1/auth/microsoft/callback", "AADSTS50011"},
		{"no redirect", "organizations", "redirect_uri", "", "AADSTS900144"},
	} {
		t.Run(row.name, func(t *testing.T) {
			q := url.Values{}
			for name, value := range ok {
				q[name] = value
			}
			if row.param != "" {
				q.Set(row.param, row.value)
			}
			page := v.get("/" + row.tenant + "/oauth2/v2.0/authorize?" + q.Encode())
			if page.status != http.StatusBadRequest || !strings.Contains(page.body, row.want) {
				t.Errorf("status %d, want 400 with %s:\n%s", page.status, row.want, page.body)
			}
		})
	}
}

func TestAuthorize_RefusalsAtTheApp(t *testing.T) {
	t.Parallel()
	v := visit(t)
	c := v.config("organizations", "openid", "profile")
	for _, row := range []struct {
		name       string
		params     map[string]string
		word, text string
	}{
		{"not a code", map[string]string{"response_type": "id_token"}, "unsupported_response_type", "AADSTS700054"},
		{"no scope", map[string]string{"scope": ""}, "invalid_request", "AADSTS900144"},
		{"no such scope", map[string]string{"scope": "openid Mail.Nonsense"}, "invalid_client", "AADSTS650053"},
		{"plain challenge", map[string]string{"code_challenge": s256("x"), "code_challenge_method": "plain"}, "invalid_request", "AADSTS9002313"},
		{"challenge without method", map[string]string{"code_challenge": s256("x")}, "invalid_request", "AADSTS9002313"},
		{"silent, nobody there", map[string]string{"prompt": "none"}, "login_required", "AADSTS50058"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var options []oauth2.AuthCodeOption
			for name, value := range row.params {
				options = append(options, oauth2.SetAuthURLParam(name, value))
			}
			answer := v.get(c.AuthCodeURL("st", options...)).sent()
			if answer.Get("error") != row.word || !strings.HasPrefix(answer.Get("error_description"), row.text) || answer.Get("state") != "st" {
				t.Errorf("answer %v, want %s %s with the state", answer, row.word, row.text)
			}
		})
	}
}

func TestSignIn_WhoMayNot(t *testing.T) {
	t.Parallel()
	v := visit(t)
	for _, row := range []struct{ name, tenant, upn, want string }{
		{"disabled", "organizations", "disabled@contoso.example", "AADSTS50057"},
		{"of another tenant", "contoso.example", "admin@fabrikam.example", "AADSTS50020"},
		{"guest without the tenant's id", "organizations", "gerda@partner.example", "AADSTS50020"},
		{"nobody", "organizations", "nobody@contoso.example", "AADSTS50034"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := v.config(row.tenant, "openid")
			page := v.submit(v.get(c.AuthCodeURL("st")), "signin", url.Values{"username": {row.upn}})
			page.wants(row.want)
			if page.to != nil {
				t.Error("sent to the app all the same")
			}
		})
	}
	c := v.config("contoso.example", "openid")
	v.code(c, "gerda@partner.example") // a guest comes in by the inviting tenant's door
}

func TestCode_IsBoundAndForOneUse(t *testing.T) {
	t.Parallel()
	v := visit(t)
	ctx := context.Background()
	c := v.config("organizations", basic...)
	verifier := oauth2.GenerateVerifier()
	code := func() string { return v.code(c, "alex@contoso.example", oauth2.S256ChallengeOption(verifier)) }
	other := App{ClientID: guid("other"), Secret: "s", Name: "Other", RedirectURIs: []string{testRedirect}}
	v.sim.RegisterApp(other)

	t.Run("replayed", func(t *testing.T) {
		once := code()
		if _, err := c.Exchange(ctx, once, oauth2.VerifierOption(verifier)); err != nil {
			t.Fatal(err)
		}
		_, err := c.Exchange(ctx, once, oauth2.VerifierOption(verifier))
		refused(t, err, "invalid_grant", 54005)
	})
	t.Run("wrong verifier", func(t *testing.T) {
		_, err := c.Exchange(ctx, code(), oauth2.VerifierOption(oauth2.GenerateVerifier()))
		refused(t, err, "invalid_grant", 501481)
	})
	t.Run("no verifier", func(t *testing.T) {
		_, err := c.Exchange(ctx, code())
		refused(t, err, "invalid_request", 900144)
	})
	t.Run("too late", func(t *testing.T) {
		late := code()
		v.clock.pass(11 * time.Minute)
		_, err := c.Exchange(ctx, late, oauth2.VerifierOption(verifier))
		refused(t, err, "invalid_grant", 70008)
	})
	t.Run("other redirect", func(t *testing.T) {
		elsewhere := *c
		elsewhere.RedirectURL = "http://127.0.0.1:4712/auth/microsoft/callback"
		_, err := elsewhere.Exchange(ctx, code(), oauth2.VerifierOption(verifier))
		refused(t, err, "invalid_grant", 500112)
	})
	t.Run("other app", func(t *testing.T) {
		thief := *c
		thief.ClientID, thief.ClientSecret = other.ClientID, other.Secret
		_, err := thief.Exchange(ctx, code(), oauth2.VerifierOption(verifier))
		refused(t, err, "invalid_grant", 700005)
	})
	t.Run("made up", func(t *testing.T) {
		_, err := c.Exchange(ctx, "1.AcD.madeup", oauth2.VerifierOption(verifier))
		refused(t, err, "invalid_grant", 9002313)
	})
}

func TestToken_ClientProof(t *testing.T) {
	t.Parallel()
	v := visit(t)
	refresh := v.sim.IssueRefreshToken("alex@contoso.example", DemoClientID, basic...)
	try := func(edit func(*oauth2.Config)) error {
		c := v.config("organizations", basic...)
		edit(c)
		_, err := c.TokenSource(context.Background(), &oauth2.Token{RefreshToken: refresh}).Token()
		return err
	}
	if err := try(func(c *oauth2.Config) { c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader }); err != nil {
		t.Errorf("secret in the header: %v", err)
	}
	if err := try(func(c *oauth2.Config) { c.Endpoint.AuthStyle = oauth2.AuthStyleInParams }); err != nil {
		t.Errorf("secret in the body: %v", err)
	}
	inBody := func(edit func(*oauth2.Config)) error {
		return try(func(c *oauth2.Config) { c.Endpoint.AuthStyle = oauth2.AuthStyleInParams; edit(c) })
	}
	refused(t, inBody(func(c *oauth2.Config) { c.ClientSecret = "wrong" }), "invalid_client", 7000215)
	refused(t, inBody(func(c *oauth2.Config) { c.ClientSecret = "" }), "invalid_client", 7000218)
	refused(t, inBody(func(c *oauth2.Config) { c.ClientID = guid("x") }), "unauthorized_client", 700016)
	v.sim.EditApp(DemoClientID, func(a *App) { a.SecretExpired = true })
	refused(t, inBody(func(*oauth2.Config) {}), "invalid_client", 7000222)
	v.sim.EditApp(DemoClientID, func(a *App) { a.SecretExpired, a.Secret = false, "next" })
	if err := inBody(func(c *oauth2.Config) { c.ClientSecret = "next" }); err != nil {
		t.Errorf("after a new secret: %v", err)
	}
}

func TestRefresh_WhenItEnds(t *testing.T) {
	t.Parallel()
	const alex = "alex@contoso.example"
	for _, row := range []struct {
		name   string
		happen func(v *visitor)
		word   string
		number int
	}{
		{"revoked", func(v *visitor) { v.sim.Revoke(alex) }, "invalid_grant", 50173},
		{"90 days", func(v *visitor) { v.clock.pass(91 * 24 * time.Hour) }, "invalid_grant", 700082},
		{"disabled", func(v *visitor) { v.sim.EditPerson(alex, func(p *Person) { p.AccountEnabled = false }) }, "invalid_grant", 50057},
		{"consent withdrawn", func(v *visitor) { v.sim.RevokeConsent(alex, DemoClientID) }, "invalid_grant", 65001},
		{"policy", func(v *visitor) { v.sim.RequireInteraction(alex) }, "interaction_required", 50076},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := visit(t)
			c := v.config("organizations", basic...)
			token := v.sim.IssueRefreshToken(alex, DemoClientID, basic...)
			row.happen(v)
			_, err := c.TokenSource(context.Background(), &oauth2.Token{RefreshToken: token}).Token()
			refused(t, err, row.word, row.number)
		})
	}
	t.Run("a scope more", func(t *testing.T) {
		v := visit(t)
		token := v.sim.IssueRefreshToken(alex, DemoClientID, basic...)
		answer := v.post("/organizations/oauth2/v2.0/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {DemoClientID},
			"client_secret": {DemoClientSecret}, "refresh_token": {token}, "scope": {"User.Read Contacts.ReadWrite"}})
		answer.wants(`"suberror":"consent_required"`).wants(`"error":"invalid_grant"`)
	})
	t.Run("used twice under strict rotation", func(t *testing.T) {
		v := visit(t)
		v.sim.SetRotateStrictly(true)
		c := v.config("organizations", basic...)
		first := v.sim.IssueRefreshToken(alex, DemoClientID, basic...)
		next, err := c.TokenSource(context.Background(), &oauth2.Token{RefreshToken: first}).Token()
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.TokenSource(context.Background(), &oauth2.Token{RefreshToken: first}).Token()
		refused(t, err, "invalid_grant", 70008)
		if _, err := c.TokenSource(context.Background(), &oauth2.Token{RefreshToken: next.RefreshToken}).Token(); err != nil {
			t.Errorf("the newer one: %v", err)
		}
	})
	t.Run("after a restart with the same seed", func(t *testing.T) {
		token := visit(t).sim.IssueRefreshToken(alex, DemoClientID, basic...)
		after := visit(t)
		c := after.config("organizations", basic...)
		if _, err := c.TokenSource(context.Background(), &oauth2.Token{RefreshToken: token}).Token(); err != nil {
			t.Errorf("same seed: %v", err)
		}
		other := visitSim(t, New(Options{Seed: 8}), nil)
		c = other.config("organizations", basic...)
		_, err := c.TokenSource(context.Background(), &oauth2.Token{RefreshToken: token}).Token()
		refused(t, err, "invalid_grant", 9002313)
	})
	t.Run("withheld", func(t *testing.T) {
		v := visit(t)
		for _, scopes := range [][]string{{"openid", "User.Read"}, basic} {
			c := v.config("organizations", scopes...)
			token, err := c.Exchange(context.Background(), v.code(c, alex))
			if err != nil || token.RefreshToken != "" {
				t.Errorf("scopes %v: refresh token %q, %v; want none", scopes, token.RefreshToken, err)
			}
			v.sim.EditApp(DemoClientID, func(a *App) { a.WithholdRefresh = true })
		}
	})
}

func TestRevoke_EndsAccessTokensAndSessions(t *testing.T) {
	t.Parallel()
	v := visit(t)
	c := v.config("organizations", basic...)
	v.code(c, "alex@contoso.example")
	token := v.sim.IssueToken("alex@contoso.example", "User.Read")
	ask := func() int {
		req := httptest.NewRequest("GET", "/v1.0/me", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		if _, refusal := v.sim.authenticate(req); refusal != nil {
			return refusal.status
		}
		return http.StatusOK
	}
	if got := ask(); got != http.StatusOK {
		t.Fatalf("before: %d", got)
	}
	v.sim.Revoke("alex@contoso.example")
	if got := ask(); got != http.StatusUnauthorized {
		t.Errorf("after: %d, want 401", got)
	}
	v.get(c.AuthCodeURL("st")).wants(`id="signin"`)
	token = v.sim.IssueToken("alex@contoso.example", "User.Read")
	if got := ask(); got != http.StatusOK {
		t.Errorf("a token given later: %d", got)
	}
	v.sim.Reset(false)
	if got := ask(); got != http.StatusOK {
		t.Errorf("after a reset that leaves tokens alone: %d", got)
	}
	v.clock.pass(91 * time.Minute)
	if got := ask(); got != http.StatusUnauthorized {
		t.Errorf("after 91 minutes: %d, want 401", got)
	}
	token = v.sim.IssueToken("alex@contoso.example", "User.Read")
	v.sim.Reset(true)
	if got := ask(); got != http.StatusUnauthorized {
		t.Errorf("after a reset of tokens too: %d, want 401", got)
	}
}
