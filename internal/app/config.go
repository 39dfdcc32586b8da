package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/credential"
	"tandem/internal/graph"
	"tandem/internal/mail"
	"tandem/internal/store"
)

// Config is everything an operator can set, read once. Check it before use.
type Config struct {
	Listen      string // host:port of the pages, APIs and the webhook
	URL         string // public address, without a slash at the end
	DatabaseURL string // sqlite:PATH or postgres://…
	SecretKey   account.Secret

	MicrosoftClientID     string
	MicrosoftClientSecret account.Secret
	// MicrosoftClientCertificate is a PEM file with a private key and its certificate. It wins over a secret.
	MicrosoftClientCertificate string
	certificate                *credential.Certificate // as Check has read it
	// MicrosoftClientSecretEnds is the last day of the secret (2006-01-02), so that people are warned; "": nobody is.
	MicrosoftClientSecretEnds string

	MicrosoftTenant    string // "organizations", or one tenant's id or domain
	MicrosoftAuthority string
	GraphURL           string

	SMTPURL string
	Edition string

	// TrustedProxies are addresses and networks between commas, of proxies whose X-Forwarded-For is believed.
	TrustedProxies string
	proxies        []netip.Prefix // as Check has read them

	Demo      bool   // against the simulator, with Contoso's organization ready
	SimListen string // host:port of the simulator

	// For measuring: limits other than Graph's, and who hears of every exchange with it.
	GraphLimits graph.Limits
	Observe     func(graph.Exchange)
}

// The defaults of settings that have one (DESIGN §4).
const (
	DefaultListen    = "127.0.0.1:8080"
	DefaultSimListen = "127.0.0.1:8365"
	DefaultAuthority = "https://login.microsoftonline.com"
	DefaultGraphURL  = "https://graph.microsoft.com/v1.0"
	DefaultTenant    = "organizations"

	// Nobody who runs Tandem should have to buy an invitation.
	DefaultEdition = string(account.Enterprise)
)

// DefaultTrustedProxies are those on the same machine.
const DefaultTrustedProxies = "127.0.0.0/8,::1/128"

// readProxies reads addresses and networks between commas.
func readProxies(text string) (out []netip.Prefix, err error) {
	for each := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(each)
		if err != nil {
			at, atErr := netip.ParseAddr(each)
			if atErr != nil {
				return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", each)
			}
			p = netip.PrefixFrom(at, at.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// minSecret is the least length of the secret key: 32 characters of anything decently random hold 128 bits or more.
const minSecret = 32

// Check fills in what follows from other settings and tells all complaints at once, each naming its setting.
func (c *Config) Check() error {
	var wrong []error
	complain := func(setting, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("TANDEM_"+setting+": "+format, args...))
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		complain("LISTEN", "%q is not host:port", c.Listen)
	} else if c.URL == "" {
		c.URL = "http://" + c.Listen
	}
	c.URL = strings.TrimRight(c.URL, "/")
	if u, err := url.Parse(c.URL); err == nil && u.Host != "" && u.Path != "" {
		complain("URL", "%q has a path; Tandem answers at the top of a host of its own, such as https://crm.example.com", c.URL)
	}
	for _, address := range []struct{ setting, value string }{
		{"URL", c.URL}, {"MICROSOFT_AUTHORITY", c.MicrosoftAuthority}, {"GRAPH_URL", c.GraphURL},
	} {
		if problem := checkURL(address.value); problem != "" {
			complain(address.setting, "%q %s", address.value, problem)
		}
	}
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		complain("DATABASE_URL", "must be sqlite:PATH or postgres://…")
	} else if err := store.CheckAddress(c.DatabaseURL); err != nil {
		complain("DATABASE_URL", "%w", err)
	}
	var err error
	if c.proxies, err = readProxies(cmp.Or(c.TrustedProxies, DefaultTrustedProxies)); err != nil {
		complain("TRUSTED_PROXIES", "%w", err)
	}
	if c.Edition = cmp.Or(c.Edition, DefaultEdition); !slices.Contains(account.Editions, account.Edition(c.Edition)) {
		complain("EDITION", "%q is none of %v", c.Edition, account.Editions)
	}
	if len(c.SecretKey) < minSecret {
		complain("SECRET_KEY", "must be at least %d random characters; it seals the stored Microsoft tokens (try: openssl rand -hex 32)", minSecret)
	}
	if c.MicrosoftClientID == "" {
		complain("MICROSOFT_CLIENT_ID", "is missing: the Application (client) ID of the app registration in Entra")
	}
	if c.MicrosoftClientSecret == "" && c.MicrosoftClientCertificate == "" {
		complain("MICROSOFT_CLIENT_SECRET", "is missing: a client secret's value (not its ID) of the app registration in Entra; or else TANDEM_MICROSOFT_CLIENT_CERTIFICATE")
	}
	if _, err := time.Parse(time.DateOnly, c.MicrosoftClientSecretEnds); err != nil && c.MicrosoftClientSecretEnds != "" {
		complain("MICROSOFT_CLIENT_SECRET_ENDS", "%q is not a day such as 2027-01-31", c.MicrosoftClientSecretEnds)
	}
	if err := c.readCertificate(); err != nil {
		complain("MICROSOFT_CLIENT_CERTIFICATE", "%s: %s", c.MicrosoftClientCertificate, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if c.SMTPURL != "" {
		if _, err := mail.Parse(c.SMTPURL); err != nil {
			complain("SMTP_URL", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if c.Demo {
		if _, _, err := net.SplitHostPort(c.SimListen); err != nil {
			complain("SIM_LISTEN", "%q is not host:port", c.SimListen)
		}
	}
	return errors.Join(wrong...)
}

// readCertificate reads the client certificate, if one is set.
func (c *Config) readCertificate() error {
	c.certificate = nil
	if c.MicrosoftClientCertificate == "" {
		return nil
	}
	text, err := os.ReadFile(c.MicrosoftClientCertificate)
	if reason := new(fs.PathError); errors.As(err, &reason) {
		return reason.Err // the path is in the complaint already
	}
	if err == nil {
		c.certificate, err = credential.Parse(text, c.MicrosoftClientID, time.Now)
	}
	return err
}

// credential is how Tandem proves itself to Entra: by its certificate if there is one, so that a secret may still be set
// while one changes over.
func (c Config) credential() graph.Credential {
	if c.certificate != nil {
		return c.certificate
	}
	return credential.Secret(c.MicrosoftClientSecret)
}

// checkURL says what is wrong with an address. Tokens travel to these, so plain HTTP is for the own machine only.
func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return "is not an address such as https://crm.example.com"
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "has more than scheme, host and path"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return ""
	}
	return "must begin with https:// (http:// is only for 127.0.0.1 and localhost)"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
