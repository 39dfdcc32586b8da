// Package credential is how Tandem proves to Entra that it is the registered app: by a client secret, or by something
// that it signs with the key of a certificate.
//
// Each value fits the one-method interface that its callers declare for themselves: it adds its proof to the form that
// is about to be sent to a token endpoint. Sending is theirs.
package credential

import (
	"net/url"

	"tandem/internal/account"
)

// A Secret is a client secret's value.
type Secret account.Secret

// Authenticate adds the secret.
func (s Secret) Authenticate(form url.Values, _ string) error {
	form.Set("client_secret", account.Secret(s).Reveal())
	return nil
}

func (Secret) String() string   { return "[sealed]" }
func (Secret) GoString() string { return "[sealed]" }

// MarshalText keeps the secret out of JSON and text logs.
func (Secret) MarshalText() ([]byte, error) { return []byte("[sealed]"), nil }
