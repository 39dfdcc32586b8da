package web

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tandem/internal/credential"
	"tandem/internal/fault"
)

const (
	tenantA = "11111111-1111-4111-8111-111111111111"
	tenantB = "22222222-2222-4222-8222-222222222222"
	objectA = "33333333-3333-4333-8333-333333333333"
)

// A liar is a sign-in service whose token endpoint answers with whatever a test wants.
type liar struct {
	*httptest.Server
	key     *rsa.PrivateKey
	issuer  string // as the discovery document says it
	idToken string
	status  int
	body    string // in place of tokens
	noKeys  bool   // the keys cannot be had
	keyFor  string // for which issuer the key is, as the keys say; "": they do not
	fetched int    // how often the keys were
	asked   url.Values
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{key: key, status: 200}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, value any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value)
	}
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{
			"issuer": l.issuer, "authorization_endpoint": l.URL + "/authorize", "token_endpoint": l.URL + "/token",
			"jwks_uri": l.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		if l.fetched++; l.noKeys {
			answer(w, 503, map[string]any{})
			return
		}
		jwk, _ := jose.JSONWebKey{Key: key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}.MarshalJSON()
		one := map[string]any{}
		_ = json.Unmarshal(jwk, &one)
		if l.keyFor != "" {
			one["issuer"] = l.keyFor
		}
		answer(w, 200, map[string]any{"keys": []any{one}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		l.asked = r.PostForm
		if l.body != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(l.status)
			_, _ = w.Write([]byte(l.body))
			return
		}
		answer(w, 200, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r",
			"scope": "openid profile User.Read", "id_token": l.idToken})
	})
	l.Server = httptest.NewServer(mux)
	l.issuer = l.URL + "/{tenantid}/v2.0"
	t.Cleanup(l.Close)
	return l
}

func (l *liar) sign(t *testing.T, claims map[string]any, alg jose.SignatureAlgorithm, key any) string {
	t.Helper()
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestIDTokensAreProved(t *testing.T) {
	t.Parallel()
	l := newLiar(t)
	f := flow{Nonce: "n-0", Verifier: "verifier-verifier-verifier-verifier-verifier", Scopes: signInScopes}
	fresh := func() *identity {
		return newIdentity(Deps{Now: time.Now, HTTP: http.DefaultClient, Settings: Settings{
			URL: "https://crm.example", Authority: l.URL, Tenant: "organizations", ClientID: "client-1", Credential: credential.Secret("s")}})
	}
	good := func() map[string]any {
		return map[string]any{
			"iss": l.URL + "/" + tenantA + "/v2.0", "aud": "client-1", "exp": time.Now().Add(time.Hour).Unix(),
			"iat": time.Now().Unix(), "nonce": "n-0", "tid": tenantA, "oid": objectA, "preferred_username": "ana@a.example",
		}
	}
	l.idToken = l.sign(t, good(), jose.RS256, l.key)
	p, err := fresh().identify(t.Context(), f, "code")
	if err != nil || p.TenantID != tenantA || p.ObjectID != objectA || p.Email != "ana@a.example" {
		t.Fatalf("a good token: %+v, %v", p.Identity, err)
	}
	if l.asked.Get("code_verifier") != f.Verifier {
		t.Errorf("the verifier sent was %q", l.asked.Get("code_verifier"))
	}

	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(map[string]any)) map[string]any {
		claims := good()
		change(claims)
		return claims
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"k1"}`)) + "." +
		strings.Split(l.idToken, ".")[1] + "."
	for name, token := range map[string]string{
		"issued for another tenant": l.sign(t, with(func(c map[string]any) { c["tid"] = tenantB }), jose.RS256, l.key),
		"issued by somebody else":   l.sign(t, with(func(c map[string]any) { c["iss"] = "https://evil.example/" + tenantA + "/v2.0" }), jose.RS256, l.key),
		"the template as issuer":    l.sign(t, with(func(c map[string]any) { c["iss"] = l.issuer }), jose.RS256, l.key),
		"tid that is a path":        l.sign(t, with(func(c map[string]any) { c["tid"] = "x/../" + tenantA; c["iss"] = l.URL + "/x/../" + tenantA + "/v2.0" }), jose.RS256, l.key),
		"for another app":           l.sign(t, with(func(c map[string]any) { c["aud"] = "client-2" }), jose.RS256, l.key),
		"expired":                   l.sign(t, with(func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }), jose.RS256, l.key),
		"another nonce":             l.sign(t, with(func(c map[string]any) { c["nonce"] = "n-1" }), jose.RS256, l.key),
		"no nonce":                  l.sign(t, with(func(c map[string]any) { delete(c, "nonce") }), jose.RS256, l.key),
		"no oid":                    l.sign(t, with(func(c map[string]any) { delete(c, "oid") }), jose.RS256, l.key),
		"personal account":          l.sign(t, with(func(c map[string]any) { c["tid"] = personalTenant; c["iss"] = l.URL + "/" + personalTenant + "/v2.0" }), jose.RS256, l.key),
		"signed by a stranger":      l.sign(t, good(), jose.RS256, stranger),
		"signed with the secret":    l.sign(t, good(), jose.HS256, []byte("a secret of at least 32 bytes ...")),
		"not signed":                none,
		"no token at all":           "",
	} {
		l.idToken = token
		if p, err := fresh().identify(t.Context(), f, "code"); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: came in as %+v, %v", name, p.Identity, err)
		}
	}
}

// While the sign-in service hangs, it is asked once for all who wait, who so wait no longer than one does; whoever gives up waits for nobody.
func TestAHangingSignInServiceIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	asked, hang := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-hang
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	i := newIdentity(Deps{Now: time.Now, HTTP: http.DefaultClient, Settings: Settings{
		URL: "https://crm.example", Authority: server.URL, Tenant: "organizations", ClientID: "client-1"}})
	ask := func(ctx context.Context) <-chan error {
		answer := make(chan error, 1)
		go func() {
			_, err := i.authorizeURL(ctx, flow{Verifier: "v", Nonce: "n"}, "state")
			answer <- err
		}()
		return answer
	}
	away := func(who string, answer <-chan error) {
		t.Helper()
		select {
		case err := <-answer:
			if err == nil || problemOf(err).key != "away" {
				t.Errorf("%s: %v", who, err)
			}
		case <-time.After(patience):
			t.Errorf("%s still waits", who)
		}
	}
	impatient, leave := context.WithCancel(t.Context())
	first := ask(impatient)
	<-asked
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	away("whoever gave up", ask(gone))
	patient := ask(t.Context())
	leave()
	away("the first, who left", first)
	close(hang)
	away("whoever stayed", patient)
	if n := len(asked); n > 1 { // one more, if whoever stayed came after the answer
		t.Errorf("the service was asked %d times more", n)
	}
}

// A service whose document says that it is another one is not believed (ASVS 10.5.3).
func TestAnotherIssuerInTheMetadataIsRefused(t *testing.T) {
	t.Parallel()
	l := newLiar(t)
	for _, row := range []struct {
		tenant, issuer string
		ok             bool
	}{
		{"organizations", l.URL + "/{tenantid}/v2.0", true},
		{"organizations", "https://evil.example/{tenantid}/v2.0", false},
		{"organizations", l.URL + ".evil.example/{tenantid}/v2.0", false},
		{"organizations", l.URL + "/" + tenantA + "/v2.0", false},
		{"organizations", l.URL + "/{tenantid}/", false},
		{tenantA, l.URL + "/" + tenantA + "/v2.0", true},
		{tenantA, l.URL + "/" + tenantB + "/v2.0", false},
		{tenantA, l.URL + "/{tenantid}/v2.0", false},
		{"contoso.example", l.URL + "/" + tenantA + "/v2.0", true},
		{"contoso.example", l.URL + "/{tenantid}/v2.0", false},
		{"contoso.example", l.URL + "/" + tenantA + "/x/v2.0", false},
	} {
		l.issuer = row.issuer
		i := newIdentity(Deps{Now: time.Now, HTTP: http.DefaultClient, Settings: Settings{
			URL: "https://crm.example", Authority: l.URL, Tenant: row.tenant, ClientID: "client-1", Credential: credential.Secret("s")}})
		if _, err := i.discover(t.Context()); (err == nil) != row.ok || err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s asked, %s answers: %v", row.tenant, row.issuer, err)
		}
	}
}

// A key is good for the issuer that it is published for: one that signs for personal accounts, or for one tenant, proves nobody of another.
func TestAKeySignsForItsIssuerOnly(t *testing.T) {
	t.Parallel()
	f := flow{Nonce: "n-0", Verifier: "verifier-verifier-verifier-verifier-verifier"}
	for name, row := range map[string]struct {
		tenant, issuer, key string // what is asked, what its document says, and what the keys say
		kid                 string
		tid                 string
		in                  bool
	}{
		"for everybody":                       {"organizations", "/{tenantid}/v2.0", "/{tenantid}/v2.0", "k1", tenantA, true},
		"for this tenant":                     {"organizations", "/{tenantid}/v2.0", "/" + tenantA + "/v2.0", "k1", tenantA, true},
		"not said":                            {"organizations", "/{tenantid}/v2.0", "", "k1", tenantA, true},
		"for another tenant":                  {"organizations", "/{tenantid}/v2.0", "/" + tenantB + "/v2.0", "k1", tenantA, false},
		"for personal accounts":               {"organizations", "/{tenantid}/v2.0", "/" + personalTenant + "/v2.0", "k1", tenantA, false},
		"for personal accounts, without name": {"organizations", "/{tenantid}/v2.0", "/" + personalTenant + "/v2.0", "", tenantA, false},
		"one tenant":                          {tenantA, "/" + tenantA + "/v2.0", "/{tenantid}/v2.0", "k1", tenantA, true},
		"one tenant, and a tid of another":    {tenantA, "/" + tenantA + "/v2.0", "/" + tenantA + "/v2.0", "k1", tenantB, false},
	} {
		l := newLiar(t)
		l.issuer = l.URL + row.issuer
		if row.key != "" {
			l.keyFor = l.URL + row.key
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: l.key, KeyID: row.kid}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(map[string]any{"iss": l.URL + "/" + tenantA + "/v2.0", "aud": "client-1", "exp": time.Now().Add(time.Hour).Unix(),
			"nonce": "n-0", "tid": row.tid, "oid": objectA})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(raw)
		if err != nil {
			t.Fatal(err)
		}
		if l.idToken, err = signed.CompactSerialize(); err != nil {
			t.Fatal(err)
		}
		i := newIdentity(Deps{Now: time.Now, HTTP: http.DefaultClient, Settings: Settings{
			URL: "https://crm.example", Authority: l.URL, Tenant: row.tenant, ClientID: "client-1", Credential: credential.Secret("s")}})
		if p, err := i.identify(t.Context(), f, "code"); (err == nil) != row.in || err != nil && !fault.Is(err, fault.Denied) {
			t.Errorf("%s: came in as %+v, %v", name, p.Identity, err)
		}
	}
}

// Where the keys cannot be had, nobody is told that the sign-in was wrong; once they are known they are not asked for again.
func TestKeysAreFetchedOnceAndTheirAbsenceIsNobodysFault(t *testing.T) {
	t.Parallel()
	l := newLiar(t)
	i := newIdentity(Deps{Now: time.Now, HTTP: http.DefaultClient, Settings: Settings{
		URL: "https://crm.example", Authority: l.URL, Tenant: "organizations", ClientID: "client-1", Credential: credential.Secret("s")}})
	f := flow{Nonce: "n-0", Verifier: "verifier-verifier-verifier-verifier-verifier"}
	l.idToken = l.sign(t, map[string]any{
		"iss": l.URL + "/" + tenantA + "/v2.0", "aud": "client-1", "exp": time.Now().Add(time.Hour).Unix(), "nonce": "n-0", "tid": tenantA, "oid": objectA,
	}, jose.RS256, l.key)
	l.noKeys = true
	if _, err := i.identify(t.Context(), f, "code"); !fault.Is(err, fault.Unavailable) || problemOf(err).key != "away" {
		t.Errorf("without keys: %v", err)
	}
	l.noKeys = false
	for range 3 {
		if p, err := i.identify(t.Context(), f, "code"); err != nil || p.ObjectID != objectA {
			t.Errorf("with keys: %+v, %v", p.Identity, err)
		}
	}
	if l.fetched != 2 {
		t.Errorf("the keys were asked for %d times", l.fetched)
	}
}

func TestRefusedCodesTellWhoseProblemItIs(t *testing.T) {
	t.Parallel()
	l := newLiar(t)
	for _, row := range []struct {
		status int
		body   string
		kind   fault.Kind
		want   string
	}{
		{401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}`, fault.Unavailable, "app"},
		{400, `{"error":"invalid_grant","error_description":"AADSTS54005: code already redeemed"}`, fault.Denied, "general"},
		{400, `{"error":"interaction_required","error_description":"AADSTS53003: blocked"}`, fault.Denied, "conditional"},
		{503, `{"error":"temporarily_unavailable"}`, fault.Unavailable, "away"},
	} {
		l.status, l.body = row.status, row.body
		i := newIdentity(Deps{Now: time.Now, HTTP: http.DefaultClient, Settings: Settings{
			Authority: l.URL, Tenant: "organizations", ClientID: "c", Credential: credential.Secret("s")}})
		_, err := i.identify(t.Context(), flow{Verifier: "v"}, "code")
		if fault.KindOf(err) != row.kind || problemOf(err).key != row.want {
			t.Errorf("%s: %v as %s, expected %v as %s", row.body, fault.KindOf(err), problemOf(err).key, row.kind, row.want)
		}
	}
}

func TestPagesComeWhileTheSignInServiceIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *Deps) { d.Settings.Authority = "http://127.0.0.1:1" })
	b := w.browser()
	if got := b.get("/signin"); got.status != 200 {
		t.Errorf("/signin: %d", got.status)
	}
	if got := b.get("/signin/microsoft"); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("/signin/microsoft: %d\n%s", got.status, got.text())
	}
}
