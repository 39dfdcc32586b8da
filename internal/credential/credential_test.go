package credential_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/credential"
	"tandem/internal/testkit/certtest"
)

const (
	clientID = "7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365d"
	endpoint = "https://login.example/organizations/oauth2/v2.0/token"
)

// TestS1_TheProofIsAsMicrosoftDescribesIt takes a proof apart with nothing but the standard library.
func TestS1_TheProofIsAsMicrosoftDescribesIt(t *testing.T) {
	t.Parallel()
	pair, now := certtest.New(t), time.Now()
	c, err := credential.Parse(pair.PEM(t), clientID, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	ids := map[any]bool{}
	for range 3 {
		form := url.Values{"grant_type": {"refresh_token"}}
		if err := c.Authenticate(form, endpoint); err != nil {
			t.Fatal(err)
		}
		if got := form.Get("client_assertion_type"); got != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || len(form) != 3 {
			t.Errorf("the form is %v", form)
		}
		parts := strings.Split(form.Get("client_assertion"), ".")
		if len(parts) != 3 {
			t.Fatalf("the proof is %q", form.Get("client_assertion"))
		}
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		digest, thumb := sha256.Sum256([]byte(parts[0]+"."+parts[1])), sha256.Sum256(pair.DER)
		if err := rsa.VerifyPSS(&pair.Key.PublicKey, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: 32}); err != nil {
			t.Errorf("the signature is not PS256's: %v", err)
		}
		header, claims := object(t, parts[0]), object(t, parts[1])
		if header["alg"] != "PS256" || header["typ"] != "JWT" || header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(thumb[:]) || len(header) != 3 {
			t.Errorf("the header is %v", header)
		}
		if claims["aud"] != endpoint || claims["iss"] != clientID || claims["sub"] != clientID {
			t.Errorf("the claims are %v", claims)
		}
		from, until := claims["nbf"].(float64), claims["exp"].(float64)
		if int64(from) != now.Unix() || until-from < 300 || until-from > 600 {
			t.Errorf("it counts from %v until %v, 5 to 10 minutes from now are wanted", from, until)
		}
		ids[claims["jti"]] = true
	}
	if len(ids) != 3 {
		t.Errorf("three proofs have the ids %v", ids)
	}
}

func object(t *testing.T, part string) (out map[string]any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestParseSaysAllThatIsWrong reads files as operators make them.
func TestParseSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	pair, other := certtest.New(t), certtest.New(t)
	weakKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curveDER, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	key, certificate := pair.KeyPEM(t), pair.CertificatePEM()
	for name, row := range map[string]struct {
		text string
		says []string // none: it is good
	}{
		"key and certificate":     {text: key + certificate},
		"certificate and key":     {text: certificate + key},
		"PKCS #1":                 {text: certtest.Block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(pair.Key)) + certificate},
		"a chain":                 {text: key + certificate + other.CertificatePEM()},
		"a chain from the root":   {text: other.CertificatePEM() + certificate + key},
		"words and Windows lines": {text: strings.ReplaceAll("Bag Attributes\n    friendlyName: Tandem\n"+key+"\n"+certificate, "\n", "\r\n")},
		"nothing":                 {"", []string{"no private key", "no certificate"}},
		"no PEM":                  {string(pair.DER), []string{"no private key", "no certificate"}},
		"no key":                  {certificate, []string{"no private key"}},
		"no certificate":          {key, []string{"no certificate"}},
		"another's key":           {other.KeyPEM(t) + certificate, []string{"does not belong"}},
		"two keys":                {key + other.KeyPEM(t) + certificate, []string{"2 private keys"}},
		"a locked key":            {certtest.Block("ENCRYPTED PRIVATE KEY", []byte("sealed")) + certificate, []string{"locked with a password"}},
		"a broken key":            {certtest.Block("PRIVATE KEY", []byte("nonsense")), []string{"key cannot be read", "no certificate"}},
		"a broken certificate":    {key + certtest.Block("CERTIFICATE", []byte("nonsense")), []string{"certificate in it cannot be read"}},
		"an elliptic key":         {certtest.Block("PRIVATE KEY", curveDER) + certificate, []string{"RSA"}},
		"an elliptic key, old":    {certtest.Block("EC PRIVATE KEY", sec1) + certificate, []string{"RSA"}},
		"a weak key":              {string(certtest.Of(t, weakKey).PEM(t)), []string{"1024 bits, and Entra takes no fewer than 2048"}},
		"a weak and expired one": {
			string(certtest.Of(t, weakKey, certtest.Until(time.Now().Add(-time.Hour))).PEM(t)), []string{"1024 bits", "has expired on"},
		},
		"expired": {string(certtest.New(t, certtest.Until(time.Now().Add(-time.Minute))).PEM(t)), []string{"has expired on"}},
		"not yet": {
			string(certtest.New(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }).PEM(t)), []string{"not valid before"},
		},
	} {
		c, err := credential.Parse([]byte(row.text), clientID, time.Now)
		if len(row.says) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if err := c.Authenticate(url.Values{}, endpoint); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s is taken for good", name)
			continue
		}
		for _, want := range row.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not said: %v", name, want, err)
			}
		}
		if lines := strings.Split(err.Error(), "\n"); len(lines) != len(row.says) {
			t.Errorf("%s: %d complaints, %d expected: %v", name, len(lines), len(row.says), err)
		}
	}
}

// TestTheThumbprintIsTheOneThatPeopleSee makes a certificate as docs/entra.md says, and asks openssl for its name.
func TestTheThumbprintIsTheOneThatPeopleSee(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed, so the lines of docs/entra.md cannot be tried")
	}
	docs, err := os.ReadFile("../../docs/entra.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(docs), "```\nopenssl req")
	script, _, found := strings.Cut("openssl req"+script, "```")
	if !found {
		t.Fatal("docs/entra.md no longer says how to make a certificate")
	}
	dir := t.TempDir()
	shell := func(line string) string {
		t.Helper()
		cmd := exec.Command("sh", "-ec", line) //nolint:gosec // our own words
		cmd.Dir = dir
		said, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return string(said)
	}
	shell(script)
	text, err := os.ReadFile(filepath.Join(dir, "tandem-entra.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := credential.Parse(text, clientID, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(strings.TrimSpace(shell("openssl x509 -in tandem-entra.crt -noout -fingerprint -sha1")), "=")
	if want = strings.ReplaceAll(want, ":", ""); c.Thumbprint() != want {
		t.Errorf("%s, want %s", c.Thumbprint(), want)
	}
	if info, err := os.Stat(filepath.Join(dir, "tandem-entra.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the key: %v, %v", info.Mode(), err)
	}
}

func TestNothingTellsASecret(t *testing.T) {
	t.Parallel()
	secret := credential.Secret("s3cret")
	raw, err := json.Marshal(map[string]any{"credential": secret})
	if err != nil {
		t.Fatal(err)
	}
	c, err := credential.Parse(certtest.New(t).PEM(t), clientID, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	said := string(raw) + fmt.Sprintf("%v %+v %#v %s", secret, secret, secret, struct{ C any }{secret})
	if strings.Contains(said, "s3cret") {
		t.Error(said)
	}
	if said := fmt.Sprintf("%v %+v", c, c); said != "certificate "+c.Thumbprint()+" certificate "+c.Thumbprint() {
		t.Error(said)
	}
	form := url.Values{}
	if err := secret.Authenticate(form, endpoint); err != nil || form.Get("client_secret") != "s3cret" || len(form) != 1 {
		t.Errorf("the form is %v, %v", form, err)
	}
}
