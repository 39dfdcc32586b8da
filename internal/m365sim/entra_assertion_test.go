package m365sim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the older of the two names that a certificate goes by
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"maps"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// A proof is a client assertion before it is signed.
type proof struct {
	alg    jose.SignatureAlgorithm
	key    any
	header map[string]string
	claims map[string]any
	form   url.Values // of the request, beside the proof
}

func certificateOf(t *testing.T, key *rsa.PrivateKey, until time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(until.Unix()), Subject: pkix.Name{CommonName: "an app"}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestToken_ClientAssertion bends one thing at a time of a proof that Entra would take.
func TestToken_ClientAssertion(t *testing.T) {
	t.Parallel()
	newKey := func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	key, stranger := newKey(), newKey()
	der, ended := certificateOf(t, key, time.Now().AddDate(1, 0, 0)), certificateOf(t, key, time.Now().Add(-time.Hour))
	thumb := func(der []byte) string { sum := sha256.Sum256(der); return b64(sum[:]) }
	oldThumb := sha1.Sum(der) //nolint:gosec // as above

	v := visit(t)
	v.sim.EditApp(DemoClientID, func(a *App) { a.Secret, a.Certificates = "", [][]byte{ended, der} })
	bare := App{ClientID: guid("app", "with a secret only"), Secret: "s", Name: "Bare"}
	v.sim.RegisterApp(bare)
	const path = "/organizations/oauth2/v2.0/token"
	seconds := func(d time.Duration) int64 { return v.clock.Now().Add(d).Unix() }
	for name, row := range map[string]struct {
		bend   func(*proof)
		number string // of the refusal; "" where there is none
	}{
		"as it should be":         {bend: func(*proof) {}},
		"RS256 with the old name": {bend: func(p *proof) { p.alg, p.header = jose.RS256, map[string]string{"x5t": b64(oldThumb[:])} }},
		"a clock that is slow":    {bend: func(p *proof) { p.claims["exp"] = seconds(-4 * time.Minute) }},
		"signed by a stranger":    {func(p *proof) { p.key = stranger }, "700027"},
		"a certificate not registered": {func(p *proof) {
			p.key, p.header["x5t#S256"] = stranger, thumb(certificateOf(t, stranger, time.Now().AddDate(1, 0, 0)))
		}, "700027"},
		"an ended certificate":      {func(p *proof) { p.header["x5t#S256"] = thumb(ended) }, "700027"},
		"no thumbprint":             {func(p *proof) { delete(p.header, "x5t#S256") }, "50027"},
		"HS256 with the public one": {func(p *proof) { p.alg, p.key = jose.HS256, der }, "50027"},
		"expired":                   {func(p *proof) { p.claims["exp"] = seconds(-6 * time.Minute) }, "700024"},
		"not valid yet":             {func(p *proof) { p.claims["nbf"] = seconds(6 * time.Minute) }, "700024"},
		"for ever":                  {func(p *proof) { delete(p.claims, "exp") }, "700024"},
		"for another tenant":        {func(p *proof) { p.claims["aud"] = v.base + "/contoso.example/oauth2/v2.0/token" }, "700023"},
		"for somebody else":         {func(p *proof) { p.claims["aud"] = "https://login.example" + path }, "700023"},
		"another app's":             {func(p *proof) { p.claims["iss"] = bare.ClientID }, "700021"},
		"of another subject":        {func(p *proof) { p.claims["sub"] = bare.ClientID }, "700021"},
		"without an id":             {func(p *proof) { delete(p.claims, "jti") }, "50027"},
		"a secret beside it":        {func(p *proof) { p.form.Set("client_secret", DemoClientSecret) }, "9002313"},
		"no type":                   {func(p *proof) { p.form.Del("client_assertion_type") }, "900144"},
		"an app with a secret": {func(p *proof) {
			p.form.Set("client_id", bare.ClientID)
			p.claims["iss"], p.claims["sub"] = bare.ClientID, bare.ClientID
		}, "700026"},
	} {
		p := &proof{
			alg: jose.PS256, key: key, header: map[string]string{"x5t#S256": thumb(der)},
			claims: map[string]any{
				"aud": v.base + path, "iss": DemoClientID, "sub": DemoClientID, "jti": "1", "nbf": seconds(0), "exp": seconds(10 * time.Minute),
			},
			form: url.Values{
				"grant_type": {"refresh_token"}, "client_id": {DemoClientID}, "scope": {"openid"}, "client_assertion_type": {assertionType},
				"refresh_token": {v.sim.IssueRefreshToken("alex@contoso.example", DemoClientID, basic...)},
			},
		}
		row.bend(p)
		options := (&jose.SignerOptions{}).WithType("JWT")
		for name, value := range p.header {
			options = options.WithHeader(jose.HeaderKey(name), value)
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.key}, options)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := jwt.Signed(signer).Claims(maps.Clone(p.claims)).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		p.form.Set("client_assertion", signed)
		got := v.post(path, p.form)
		if row.number == "" && !strings.Contains(got.body, `"access_token"`) || row.number != "" && !strings.Contains(got.body, `"error_codes":[`+row.number+`]`) {
			t.Errorf("%s: want %q, got %d %s", name, row.number, got.status, got.body)
		}
	}
	// Whoever has a certificate only is no public client, and no secret opens the door.
	for secret, number := range map[string]string{"": "7000218", "made up": "7000215"} {
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {DemoClientID}, "refresh_token": {"x"}}
		if secret != "" {
			form.Set("client_secret", secret)
		}
		v.post(path, form).wants(`"error_codes":[` + number + `]`)
	}
}
