package m365sim

import (
	"crypto/sha1" //nolint:gosec // the older of the two names that a certificate goes by
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionType is RFC 7523's word for a JWT that an app signs to prove who it is.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionSkew is how far clocks may differ.
const assertionSkew = 5 * time.Minute

// checkAssertion holds a signed proof against the certificates of an app, as Microsoft's page on certificate credentials
// describes it.
func (s *Sim) checkAssertion(r *http.Request, app App) *oauthError {
	if r.PostForm.Get("client_assertion_type") != assertionType {
		return refuse(errMissingParameter, "client_assertion_type")
	}
	if len(app.Certificates) == 0 {
		return refuse(errNoKeys)
	}
	token, err := jwt.ParseSigned(r.PostForm.Get("client_assertion"), []jose.SignatureAlgorithm{jose.PS256, jose.RS256})
	if err != nil {
		return refuse(errAssertionMalformed, "it is no JWT signed with PS256 or RS256")
	}
	thumb256, _ := token.Headers[0].ExtraHeaders["x5t#S256"].(string)
	thumb1, _ := token.Headers[0].ExtraHeaders["x5t"].(string)
	if thumb256 == "" && thumb1 == "" {
		return refuse(errAssertionMalformed, "No certificate thumbprint specified in token header")
	}
	certificate, shown := app.certificate(thumb256, thumb1)
	if certificate == nil {
		return refuse(errAssertionKey, "The key was not found", shown, app.ClientID)
	}
	claims := struct {
		Audience string           `json:"aud"`
		Issuer   string           `json:"iss"`
		Subject  string           `json:"sub"`
		ID       string           `json:"jti"`
		From     *jwt.NumericDate `json:"nbf"`
		Until    *jwt.NumericDate `json:"exp"`
	}{}
	if err := token.Claims(certificate.PublicKey, &claims); err != nil {
		return refuse(errAssertionKey, "The provided signature value did not match the expected signature value", shown, app.ClientID)
	}
	now := s.now()
	if now.After(certificate.NotAfter) || now.Before(certificate.NotBefore) {
		return refuse(errAssertionKey, "The key used is expired", shown, app.ClientID)
	}
	switch {
	case !strings.EqualFold(claims.Issuer, app.ClientID) || !strings.EqualFold(claims.Subject, app.ClientID):
		return refuse(errAssertionClient)
	case claims.Audience != s.baseFor(r)+r.URL.Path:
		return refuse(errAssertionAudience, claims.Audience)
	case claims.ID == "":
		return refuse(errAssertionMalformed, "it has no jti")
	case claims.Until == nil || claims.From == nil,
		now.Add(-assertionSkew).After(claims.Until.Time()), now.Add(assertionSkew).Before(claims.From.Time()):
		return refuse(errAssertionTime, now.Format(time.RFC3339))
	}
	return nil
}

// certificate finds a registered certificate by what the header calls it, and how people read that name.
func (a App) certificate(thumb256, thumb1 string) (found *x509.Certificate, shown string) {
	shown = fmt.Sprintf("x5t#S256 %s, x5t %s", thumb256, thumb1)
	for _, der := range a.Certificates {
		sum256, sum1 := sha256.Sum256(der), sha1.Sum(der) //nolint:gosec // as above
		if b64(sum256[:]) != thumb256 && b64(sum1[:]) != thumb1 {
			continue
		}
		if certificate, err := x509.ParseCertificate(der); err == nil {
			return certificate, fmt.Sprintf("%X", sum1)
		}
	}
	return nil, shown
}
