package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keyIssuers hears for which issuer each of the sign-in service's keys is published: its keys document says it, beside what the
// standard knows (RFC 7517 lets it), and the library that verifies signatures passes over it.
type keyIssuers struct {
	http.RoundTripper

	mu sync.Mutex
	of map[string]string // by key id; with {tenantid} in it, where the key is for any tenant
}

// maxKeys bounds the keys document: Entra's has some ten keys of 2 KB.
const maxKeys = 1 << 20

// RoundTrip fetches the keys document.
func (k *keyIssuers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := k.RoundTripper.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxKeys))
	if closed := res.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	var set struct {
		Keys []struct {
			ID     string `json:"kid"`
			Issuer string `json:"issuer"`
		} `json:"keys"`
	}
	if json.Unmarshal(raw, &set) != nil {
		return res, nil // the library says so
	}
	of := map[string]string{}
	for _, key := range set.Keys {
		if key.Issuer != "" {
			of[key.ID] = key.Issuer
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of = of
	return res, nil
}

// allow reports whether the key that has signed a verified token may speak for its issuer and tenant. Where the service does not
// say for whom its keys are, every key may.
func (k *keyIssuers) allow(token, issuer, tenant string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.of) == 0 {
		return true
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(signed.Signatures) != 1 {
		return false
	}
	id := signed.Signatures[0].Header.KeyID
	meant, told := k.of[id]
	return id != "" && (!told || strings.EqualFold(strings.ReplaceAll(meant, "{tenantid}", tenant), issuer))
}
