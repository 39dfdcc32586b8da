package credential

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the thumbprint that Entra shows; nothing rests on it
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// assertionLife is how long a signed proof counts. Microsoft advises 5 to 10 minutes: less than that a clock that is
	// a little wrong can spoil.
	assertionLife = 10 * time.Minute
	// minBits is the shortest key that Entra takes.
	minBits = 2048
	// assertionType is RFC 7523's name for a signed proof of who the client is.
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// A Certificate signs a proof for each request with a key that never chain Tandem; Entra has been given the certificate.
type Certificate struct {
	clientID string
	leaf     *x509.Certificate
	signer   jose.Signer
	now      func() time.Time
}

// Parse reads the key and the certificate from PEM, in any order; further certificates of a chain may be there. The
// error tells all complaints, a line each.
func Parse(text []byte, clientID string, now func() time.Time) (*Certificate, error) {
	key, certificates, err := read(text)
	if err != nil {
		return nil, err
	}
	c := &Certificate{clientID: clientID, now: now}
	for _, each := range certificates {
		if key.PublicKey.Equal(each.PublicKey) {
			c.leaf = each
			break
		}
	}
	if c.leaf == nil {
		return nil, errors.New("the private key does not belong to the certificate")
	}
	var wrong []error
	if bits := key.N.BitLen(); bits < minBits {
		wrong = append(wrong, fmt.Errorf("the key has %d bits, and Entra takes no fewer than %d", bits, minBits))
	}
	switch {
	case now().Before(c.leaf.NotBefore):
		wrong = append(wrong, fmt.Errorf("the certificate is not valid before %s; is this machine's clock right?", day(c.leaf.NotBefore)))
	case !now().Before(c.leaf.NotAfter):
		wrong = append(wrong, fmt.Errorf("the certificate has expired on %s", day(c.leaf.NotAfter)))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	sum := sha256.Sum256(c.leaf.Raw)
	c.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.PS256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(sum[:])))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// read takes a PEM file apart.
func read(text []byte) (key *rsa.PrivateKey, certificates []*x509.Certificate, err error) {
	var wrong []error
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	keys, chain := 0, 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			chain++
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				complain("a certificate in it cannot be read: %w", err)
				continue
			}
			certificates = append(certificates, certificate)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			keys++
			if key, err = readKey(block); err != nil {
				complain("%w", err)
			}
		}
	}
	switch {
	case keys == 0:
		complain("it holds no private key (-----BEGIN PRIVATE KEY-----)")
	case keys > 1:
		complain("it holds %d private keys, and should hold one", keys)
	}
	if chain == 0 {
		complain("it holds no certificate (-----BEGIN CERTIFICATE-----)")
	}
	return key, certificates, errors.Join(wrong...)
}

func readKey(block *pem.Block) (*rsa.PrivateKey, error) {
	var (
		key any
		err error
	)
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, errors.New("the private key is locked with a password, which Tandem cannot ask for (try: openssl pkey -in FILE)")
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not of the kind that Entra takes: RSA")
	}
	return private, nil
}

// Authenticate signs that this is the app, for one token endpoint and for some minutes.
func (c *Certificate) Authenticate(form url.Values, tokenEndpoint string) error {
	now := c.now()
	proof, err := jwt.Signed(c.signer).Claims(map[string]any{
		"aud": tokenEndpoint, "iss": c.clientID, "sub": c.clientID, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	}).Serialize()
	if err != nil {
		return fmt.Errorf("sign with the client certificate: %w", err)
	}
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", proof)
	return nil
}

// Expires is when Entra stops taking the certificate.
func (c *Certificate) Expires() time.Time { return c.leaf.NotAfter.UTC() }

// Thumbprint is the certificate's name as Entra shows it: SHA-1, in upper-case hexadecimal.
func (c *Certificate) Thumbprint() string {
	return fmt.Sprintf("%X", sha1.Sum(c.leaf.Raw)) //nolint:gosec // as above
}

// String keeps the key out of logs.
func (c *Certificate) String() string { return "certificate " + c.Thumbprint() }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
