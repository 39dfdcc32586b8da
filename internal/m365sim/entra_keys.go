package m365sim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// keyBits is the length of Entra's own signing keys.
const keyBits = 2048

// A signingKey signs ID tokens. A new process makes a new one: clients fetch the keys again for an
// unknown key id, and no ID token is meant to be kept.
type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// signingKeys returns the published keys, the one that signs first. The first key is made on first use,
// since most tests never sign in.
func (e *entraState) signingKeys() []signingKey {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.keys) == 0 {
		e.keys = []signingKey{newSigningKey()}
	}
	return e.keys
}

// RotateKeys makes a new signing key. ID tokens signed before stay valid, because the old key is still published.
func (s *Sim) RotateKeys() {
	key := newSigningKey()
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	s.entra.keys = append([]signingKey{key}, s.entra.keys...)
}

func newSigningKey() signingKey {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic("m365sim: make a signing key: " + err.Error()) // only when the system has no randomness
	}
	jwk := jose.JSONWebKey{Key: private.Public()}
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		panic("m365sim: name a signing key: " + err.Error()) // only for a kind of key that jose does not know
	}
	return signingKey{id: b64(thumb[:20]), private: private}
}

// sign makes a compact RS256 token of claims.
func (e *entraState) sign(claims map[string]any) (string, error) {
	key := e.signingKeys()[0]
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key.private, KeyID: key.id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// jsonWebKeys publishes the keys. Like Entra's, each names the issuer that it is for.
func (s *Sim) jsonWebKeys(w http.ResponseWriter, r *http.Request) {
	aud, ok := s.audienceOf(r)
	if !ok {
		s.entraRefusal(w, refuse(errTenantUnknown, r.PathValue("tenant")))
		return
	}
	set := struct {
		Keys []map[string]any `json:"keys"`
	}{}
	for _, key := range s.entra.signingKeys() {
		raw, err := jose.JSONWebKey{Key: key.private.Public(), KeyID: key.id, Use: "sig"}.MarshalJSON()
		fields := map[string]any{}
		if err == nil {
			err = json.Unmarshal(raw, &fields)
		}
		if err != nil {
			http.Error(w, "m365sim: keys: "+err.Error(), http.StatusInternalServerError)
			return
		}
		fields["issuer"] = s.issuer(r, aud)
		set.Keys = append(set.Keys, fields)
	}
	writeEntraJSON(w, http.StatusOK, set)
}

// issuer is who ID tokens of an audience come from. For several organizations it is a pattern, with
// {tenantid} literally in it, which no token carries.
func (s *Sim) issuer(r *http.Request, a audience) string {
	if a.tenant == nil {
		return s.baseFor(r) + "/{tenantid}/v2.0"
	}
	return s.baseFor(r) + "/" + a.tenant.ID + "/v2.0"
}

func (s *Sim) openidConfiguration(w http.ResponseWriter, r *http.Request) {
	aud, ok := s.audienceOf(r)
	if !ok {
		s.entraRefusal(w, refuse(errTenantUnknown, r.PathValue("tenant")))
		return
	}
	root := s.baseFor(r) + "/" + aud.word
	writeEntraJSON(w, http.StatusOK, map[string]any{
		"issuer":                                s.issuer(r, aud),
		"authorization_endpoint":                root + "/oauth2/v2.0/authorize",
		"token_endpoint":                        root + "/oauth2/v2.0/token",
		"end_session_endpoint":                  root + "/oauth2/v2.0/logout",
		"jwks_uri":                              root + "/discovery/v2.0/keys",
		"userinfo_endpoint":                     s.baseFor(r) + "/oidc/userinfo",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_modes_supported":              []string{"query", "form_post"},
		"response_types_supported":              []string{"code"},
		"code_challenge_methods_supported":      []string{"S256"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "name", "preferred_username", "email", "oid", "tid", "ver", "wids"},
		"request_uri_parameter_supported":       false,
		"msgraph_host":                          "graph.microsoft.com",
		"tenant_region_scope":                   nil,
	})
}

// entraRefusal answers a call that no browser makes.
func (s *Sim) entraRefusal(w http.ResponseWriter, e *oauthError) {
	e.write(w, s.now(), s.requestID(), s.requestID())
}

func writeEntraJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that hung up is not told
}
