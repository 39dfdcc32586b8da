package graph

import (
	"net/http/httptest"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/credential"
	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/testkit/certtest"
)

const adele = "adele@contoso.example"

// The tokens of a simulated Entra: each refresh gives a new pair, and the old one is worth nothing.
func TestTokensOfEntra(t *testing.T) {
	t.Parallel()
	sim := m365sim.New(m365sim.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	sim.SetBaseURL(server.URL)
	sim.SetRotateStrictly(true)
	app := m365sim.App{ClientID: "0f7e11d5-2a41-4f0a-8d1e-7f0f3b0c9a01", Secret: "s3cret", Name: "Tandem", RedirectURIs: []string{"http://localhost/x"}}
	sim.RegisterApp(app)
	scopes := []string{"openid", "offline_access", "Contacts.ReadWrite"}
	v := &vault{grant: account.Grant{
		User: 5, Org: 1, Scopes: scopes, Access: "old", Expires: time.Now().Add(-time.Hour),
		Refresh: account.Secret(sim.IssueRefreshToken(adele, app.ClientID, scopes...)),
	}}
	tokens := func(secret account.Secret) *Tokens {
		return NewTokens(TokenOptions{Authority: server.URL, ClientID: app.ClientID, Credential: credential.Secret(secret)}, v)
	}
	box := func(secret account.Secret) *Mailbox {
		person := sim.Person(adele)
		return New(Options{BaseURL: server.URL + "/v1.0"}).For(tokens(secret).For(1, 5, person.TenantID), person.ID)
	}
	ask := func(secret account.Secret) error {
		b := box(secret)
		_, err := b.Do(t.Context(), Get(b.Path("contactFolders"), ""))
		return err
	}
	for range 3 {
		if err := ask("s3cret"); err != nil {
			t.Fatal(err)
		}
		v.grant.Expires = time.Now() // the next round refreshes with the pair just stored
	}
	if err := ask("wrong"); fault.ReasonOf(err) != fault.AppMisconfigured || v.grant.Broken {
		t.Errorf("FIELD-FAILURES 6: a wrong secret: %v, broken %v", err, v.grant.Broken)
	}
	if err := ask("s3cret"); err != nil {
		t.Errorf("after the secret was put right: %v", err)
	}
	sim.Revoke(adele)
	if err := ask("s3cret"); fault.ReasonOf(err) != fault.ReconnectNeeded || !v.grant.Broken {
		t.Errorf("FIELD-FAILURES 14: revoked: %v, broken %v", err, v.grant.Broken)
	}
}

// TestS1_ACertificateRenewsTokens where the app has no secret at all.
func TestS1_ACertificateRenewsTokens(t *testing.T) {
	t.Parallel()
	sim := m365sim.New(m365sim.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	sim.SetRotateStrictly(true)
	pair := certtest.New(t)
	app := m365sim.App{ClientID: "0f7e11d5-2a41-4f0a-8d1e-7f0f3b0c9a02", Name: "Tandem", Certificates: [][]byte{pair.DER}}
	sim.RegisterApp(app)
	scopes := []string{"openid", "offline_access", "Contacts.ReadWrite"}
	v := &vault{grant: account.Grant{
		User: 5, Org: 1, Scopes: scopes, Access: "old", Expires: time.Now().Add(-time.Hour),
		Refresh: account.Secret(sim.IssueRefreshToken(adele, app.ClientID, scopes...)),
	}}
	renew := func(tenant string, pair certtest.Pair, clock func() time.Time) error {
		v.grant.Expires = time.Now().Add(-time.Hour)
		c, err := credential.Parse(pair.PEM(t), app.ClientID, clock)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewTokens(TokenOptions{Authority: server.URL, ClientID: app.ClientID, Credential: c}, v).For(1, 5, tenant).Token(t.Context(), "")
		return err
	}
	for _, tenant := range []string{"", sim.Person(adele).TenantID} {
		before := v.grant.Refresh
		if err := renew(tenant, pair, time.Now); err != nil || v.grant.Refresh == before {
			t.Errorf("at %q: %v", tenant, err)
		}
	}
	early := func() time.Time { return time.Now().Add(-time.Hour) }
	for name, err := range map[string]error{
		"a certificate that Entra does not know": renew("", certtest.New(t), time.Now),
		"a clock an hour slow":                   renew("", pair, early),
	} {
		if fault.ReasonOf(err) != fault.AppMisconfigured || v.grant.Broken {
			t.Errorf("%s: %v, broken %v", name, err, v.grant.Broken)
		}
	}
	if err := renew("", pair, time.Now); err != nil {
		t.Errorf("after it was put right: %v", err)
	}
}
