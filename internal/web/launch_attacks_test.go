package web

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tandem/internal/account"
	"tandem/internal/m365sim"
)

// A forger is a sign-in service over HTTP that does what the real one does (a code counts once, and only with the verifier
// of whoever asked for it), but signs whatever a test wants.
type forger struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey
	who map[string]any // claims of whoever is signed in there

	mu    sync.Mutex
	codes map[string]url.Values // what each open code was asked for with
	forge func(claims map[string]any) string
}

// newForger makes the service and pages that rely on it. Its own person is Adele, and an administrator at that.
func newForger(t *testing.T) (*forger, *world) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{t: t, key: key, codes: map[string]url.Values{}}
	answer := func(w http.ResponseWriter, status int, value any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /organizations/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{
			"issuer": f.URL + "/{tenantid}/v2.0", "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token",
			"jwks_uri": f.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		code := rand.Text()
		f.mu.Lock()
		f.codes[code] = r.URL.Query()
		f.mu.Unlock()
		back := url.Values{"code": {code}, "state": {r.URL.Query().Get("state")}}
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		asked, open := f.codes[r.PostFormValue("code")]
		delete(f.codes, r.PostFormValue("code"))
		f.mu.Unlock()
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !open || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			answer(w, 400, map[string]any{"error": "invalid_grant", "error_description": "AADSTS54005: the code was redeemed, or is not yours"})
			return
		}
		answer(w, 200, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r",
			"scope": "openid profile User.Read", "id_token": f.forge(f.claims(asked.Get("nonce")))})
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	f.forge = f.honest

	w := newWorld(t, func(d *Deps) {
		d.Settings.Authority = f.URL
		d.Describe = func(_ context.Context, _ account.Secret, a account.Arrival) (account.Arrival, error) { return a, nil }
	})
	adele := w.users["adele@contoso.example"]
	f.who = map[string]any{"tid": adele.Identity.TenantID, "oid": adele.Identity.ObjectID, "preferred_username": adele.Email,
		"wids": []string{account.GlobalAdministrator}}
	return f, w
}

// claims are those of a token as it should be.
func (f *forger) claims(nonce string) map[string]any {
	claims := maps.Clone(f.who)
	maps.Copy(claims, map[string]any{
		"iss": f.URL + "/" + claims["tid"].(string) + "/v2.0", "aud": m365sim.DemoClientID, "nonce": nonce,
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nbf": time.Now().Unix(),
	})
	return claims
}

func (f *forger) honest(claims map[string]any) string { return f.signed(claims, jose.RS256, f.key) }

func (f *forger) signed(claims map[string]any, alg jose.SignatureAlgorithm, key any) string {
	f.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		f.t.Fatal(err)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		f.t.Fatal(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// outside expects that nobody was signed in, nobody stands at the accounts page, and nobody can go on from it.
func (f *forger) outside(b *browser, what string) {
	f.t.Helper()
	if got := b.get("/contacts"); !strings.HasPrefix(got.path, "/signin") {
		f.t.Errorf("%s: signed in at %s", what, got.path)
	}
	for _, door := range []string{"may_install", "welcome"} {
		b.stay().post(launchPath, "door", door, "terms", "yes")
	}
	if got := b.stay().get(launchPath); got.status != http.StatusFound || !strings.HasPrefix(got.header.Get("Location"), f.URL) {
		f.t.Errorf("%s: somebody stands at the accounts page: %d\n%s", what, got.status, got.text())
	}
}

func TestForgedTokensOpenNothing(t *testing.T) {
	t.Parallel()
	f, w := newForger(t)
	if got := w.browser().get(launchPath); got.path != "/" || got.status != 200 {
		t.Fatalf("an honest token led to %s with %d\n%s", got.path, got.status, got.text())
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	w.must(err)
	public, err := x509.MarshalPKIXPublicKey(f.key.Public())
	w.must(err)
	jwk, err := jose.JSONWebKey{Key: f.key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}.MarshalJSON()
	w.must(err)
	with := func(pairs ...any) func(map[string]any) string {
		return func(claims map[string]any) string {
			for i := 0; i < len(pairs); i += 2 {
				if name := pairs[i].(string); pairs[i+1] == nil {
					delete(claims, name)
				} else {
					claims[name] = pairs[i+1]
				}
			}
			return f.honest(claims)
		}
	}
	hmac := func(key []byte) func(map[string]any) string {
		return func(claims map[string]any) string { return f.signed(claims, jose.HS256, key) }
	}
	unsigned := func(alg, signature string) func(map[string]any) string {
		return func(claims map[string]any) string {
			body := strings.Split(f.honest(claims), ".")[1]
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`","kid":"k1","typ":"JWT"}`)) + "." + body + "." + signature
		}
	}
	unchanged := w.unchanged()
	for what, forge := range map[string]func(map[string]any) string{
		"another audience":                 with("aud", "11111111-2222-4333-8444-555555555555"),
		"no audience":                      with("aud", nil),
		"another tenant with a forged tid": with("iss", f.URL+"/"+tenantA+"/v2.0"),
		"another issuer":                   with("iss", "https://login.evil.example/"+w.org.TenantID+"/v2.0"),
		"no tenant":                        with("tid", nil),
		"no person":                        with("oid", nil),
		"expired":                          with("exp", time.Now().Add(-time.Hour).Unix()),
		"not valid yet":                    with("nbf", time.Now().Add(time.Hour).Unix()),
		"another nonce":                    with("nonce", "made-up"),
		"no nonce":                         with("nonce", nil),
		"a personal account":               with("tid", personalTenant, "iss", f.URL+"/"+personalTenant+"/v2.0"),
		"alg none":                         unsigned("none", ""),
		"alg None":                         unsigned("None", ""),
		"alg none with a signature":        unsigned("none", "c2lnbmF0dXJl"),
		"signature of another token":       unsigned("RS256", strings.Split(f.honest(f.claims("x")), ".")[2]),
		"HS256 with the public key":        hmac(public),
		"HS256 with the key as PEM":        hmac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"HS256 with the key as JWK":        hmac(jwk),
		"HS256 with the app's secret":      hmac([]byte(m365sim.DemoClientSecret)),
		"a stranger's key":                 func(claims map[string]any) string { return f.signed(claims, jose.RS256, stranger) },
		"no token":                         func(map[string]any) string { return "" },
		"no token at all":                  func(map[string]any) string { return "a.b.c" },
	} {
		f.forge = forge
		b := w.browser()
		for _, from := range []string{launchPath, "/signin/microsoft"} {
			if got := b.get(from); got.status < 400 || !strings.Contains(got.body, "data-problem=") {
				t.Errorf("%s from %s: %d at %s\n%s", what, from, got.status, got.path, got.text())
			}
		}
		f.outside(b, what)
		unchanged(what)
	}
}

// The roles of a person whose tenant has no organization come from a proved token too, or nothing is founded.
func TestForgedTokensFoundNothing(t *testing.T) {
	t.Parallel()
	f, w := newForger(t)
	p := w.sim.Person(northwindAdmin)
	f.who = map[string]any{"tid": p.TenantID, "oid": p.ID, "preferred_username": p.UPN, "wids": []string{account.GlobalAdministrator}}
	f.forge = func(claims map[string]any) string { // a token of the attacker's own tenant, which says another
		claims["iss"] = f.URL + "/" + tenantA + "/v2.0"
		return f.honest(claims)
	}
	unchanged := w.unchanged()
	b := w.browser()
	b.get(launchPath)
	f.outside(b, "another tenant's administrator")
	unchanged("another tenant's administrator")
	f.forge = f.honest
	if got := b.get(launchPath); !got.atDoor(account.MayInstall) {
		t.Errorf("the honest token stands at\n%s", got.text())
	}
	unchanged("before the terms")
}

// answerOf is what the service sends a browser back with, before the browser goes there.
func (f *forger) answerOf(b *browser) url.Values {
	f.t.Helper()
	at := b.stay().get(b.stay().get("/signin/microsoft").header.Get("Location"))
	back, err := url.Parse(at.header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		f.t.Fatalf("the service sent nobody back: %v", err)
	}
	return back.Query()
}

func TestMixedUpAnswersOpenNothing(t *testing.T) {
	t.Parallel()
	callback := func(code, state string) string {
		return "/auth/microsoft/callback?" + url.Values{"code": {code}, "state": {state}}.Encode()
	}
	f, w := newForger(t)
	unchanged := w.unchanged()

	b := w.browser()
	first, second := f.answerOf(b), f.answerOf(b)
	for what, address := range map[string]string{
		"the code of one flow with the state of the other": callback(first.Get("code"), second.Get("state")),
		"and the other way round":                          callback(second.Get("code"), first.Get("state")),
	} {
		if got := b.get(address); got.status < 400 {
			t.Errorf("%s: %d at %s", what, got.status, got.path)
		}
		f.outside(b, what)
	}

	thief, victim := w.browser(), w.browser()
	stolen := f.answerOf(victim)
	if got := thief.get(callback(stolen.Get("code"), stolen.Get("state"))); got.status != 400 {
		t.Errorf("the state of another browser: %d at %s", got.status, got.path)
	}
	f.outside(thief, "the state of another browser")
	own := f.answerOf(thief)
	if got := thief.get(callback(stolen.Get("code"), own.Get("state"))); got.status < 400 {
		t.Errorf("another's code with an own state: %d at %s", got.status, got.path)
	}
	f.outside(thief, "another's code with an own state")

	b = w.browser()
	answer := f.answerOf(b)
	if got := b.get(callback(answer.Get("code"), answer.Get("state"))); got.path != "/" {
		t.Fatalf("an honest answer led to %s with %d", got.path, got.status)
	}
	if got := b.get(callback(answer.Get("code"), answer.Get("state"))); got.status != 400 {
		t.Errorf("the same answer again: %d", got.status)
	}
	other := w.browser()
	late := f.answerOf(other)
	if got := other.get(callback(answer.Get("code"), late.Get("state"))); got.status < 400 {
		t.Errorf("a code that was redeemed: %d at %s", got.status, got.path)
	}
	f.outside(other, "a code that was redeemed")
	unchanged("mixed-up answers")
}
