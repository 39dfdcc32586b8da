package m365sim

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	crand "crypto/rand"
)

// A sealedGrant is what a token carries inside: who let which app do what, until when. Nothing about it
// is stored, so a token is as good after a restart as before.
type sealedGrant struct {
	ID       string   `json:"i"`
	OID      string   `json:"o,omitempty"` // empty: the app itself
	TenantID string   `json:"t"`
	ClientID string   `json:"a"`
	Scopes   []string `json:"s"` // of an app-only token: its roles
	Long     bool     `json:"l,omitempty"`
	Issued   int64    `json:"n"` // Unix seconds
	Expires  int64    `json:"x"`
	Epochs   [2]int   `json:"e"` // of the person, and of the person with this app, when it was given
}

// What a token begins with says which kind it is.
const (
	accessPrefix  = "EwAt."
	refreshPrefix = "1.ARt."
	sessionPrefix = "ESt."
	consentPrefix = "ECo."
)

// An openGrant is an access token once read.
type openGrant struct {
	sealedGrant
	grant grant
}

// openCacheSize bounds how many access tokens are kept opened, so that a busy Graph client costs no
// decryption for each request. When it is full it starts afresh.
const openCacheSize = 4096

// everybody is the key of revocations that spare no one.
const everybody = "*"

// testAppID is the client that tokens of IssueToken belong to.
var testAppID = guid("app", "test")

func newGrantID() string {
	var b [12]byte
	crand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// epochsOf is where the counts of revocations stand. The caller holds e.mu.
func (e *entraState) epochsOf(oid, clientID string) [2]int {
	return [2]int{e.epoch(oid), e.epochs[oid+" "+strings.ToLower(clientID)]}
}

// epoch counts how often everything that a person had was revoked, alone or with everybody else.
// The caller holds e.mu.
func (e *entraState) epoch(oid string) int { return e.epochs[oid] + e.epochs[everybody] }

// voided reports whether the grant was revoked since it was given. Counts of an earlier process may be
// higher than ours; only a lower one is old.
func (e *entraState) voided(g *sealedGrant) *oauthError {
	now := e.epochsOf(g.OID, g.ClientID)
	switch {
	case g.Epochs[0] < now[0]:
		return refuse(errGrantRevoked)
	case g.Epochs[1] < now[1]:
		return refuse(errGrantConsent, g.ClientID, e.apps[strings.ToLower(g.ClientID)].Name)
	}
	return nil
}

// authenticate reads the bearer token of a Graph request.
func (s *Sim) authenticate(r *http.Request) (*grant, *graphError) {
	token, ok := bearer(r)
	if !ok {
		return nil, newGraphError(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty.")
	}
	e := &s.entra
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.open[token]
	if g == nil {
		g = new(openGrant)
		if e.sealer.open(accessPrefix, token, &g.sealedGrant) != nil {
			return nil, newGraphError(http.StatusUnauthorized, "InvalidAuthenticationToken", "CompactToken parsing failed with error code: 80049217")
		}
		if len(e.open) >= openCacheSize {
			clear(e.open)
		}
		g.grant = grant{oid: g.OID, tenantID: g.TenantID, appID: g.ClientID, scopes: g.Scopes}
		e.open[token] = g
	}
	switch {
	case s.now().Unix() >= g.Expires:
		return nil, newGraphError(http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	case e.voided(&g.sealedGrant) != nil:
		return nil, newGraphError(http.StatusUnauthorized, "InvalidAuthenticationToken", "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp")
	}
	return &g.grant, nil
}

func bearer(r *http.Request) (string, bool) {
	kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(kind, "Bearer") && token != ""
}

// accessLife is between 60 and 90 minutes, so that tokens of many people do not expire together.
func (s *Sim) accessLife() time.Duration {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	return time.Hour + time.Duration(s.rand.IntN(30*60))*time.Second
}

// newGrant is a grant that begins now.
func (s *Sim) newGrant(oid, tenantID, clientID string, scopes []string, life time.Duration) sealedGrant {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	now := s.now()
	return sealedGrant{
		ID: newGrantID(), OID: oid, TenantID: tenantID, ClientID: clientID, Scopes: scopes,
		Issued: now.Unix(), Expires: now.Add(life).Unix(), Epochs: s.entra.epochsOf(oid, clientID),
	}
}

// IssueToken gives a valid access token without the browser's part of the sign-in. No scopes: all that
// Graph knows here. Empty when there is no such person.
func (s *Sim) IssueToken(upn string, scopes ...string) string {
	p := s.Person(upn)
	if p == nil {
		return ""
	}
	if len(scopes) == 0 {
		scopes = allScopes
	}
	return s.entra.sealer.seal(accessPrefix, s.newGrant(p.ID, p.TenantID, testAppID, onlyGraph(scopes), s.accessLife()))
}

// IssueRefreshToken gives a refresh token for an app without the browser's part, as if the person had
// signed in and allowed those scopes. Empty when there is no such person or app.
func (s *Sim) IssueRefreshToken(upn, clientID string, scopes ...string) string {
	p := s.Person(upn)
	app, ok := s.app(clientID)
	if p == nil || !ok {
		return ""
	}
	s.consent(p, app, scopes)
	return s.entra.sealer.seal(refreshPrefix, s.newGrant(p.ID, p.TenantID, app.ClientID, scopes, refreshLife))
}

// revokeTokens ends every grant of a person: access tokens at once, refresh tokens with invalid_grant.
func (s *Sim) revokeTokens(p *Person) {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	s.entra.epochs[p.ID]++
}

// RevokeConsent takes back what a person allowed an app. Its refresh tokens then answer AADSTS65001.
func (s *Sim) RevokeConsent(upn, clientID string) {
	p := s.Person(upn)
	if p == nil {
		return
	}
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	delete(s.entra.consents, consentKey{p.ID, strings.ToLower(clientID)})
	s.entra.epochs[p.ID+" "+strings.ToLower(clientID)]++
}

// resetTokens forgets every consent and makes every token and session void.
func (s *Sim) resetTokens() {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	s.entra.forget()
	s.entra.epochs[everybody]++
}

// consent remembers what a person allowed an app.
func (s *Sim) consent(p *Person, app App, scopes []string) {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	key := consentKey{p.ID, strings.ToLower(app.ClientID)}
	s.entra.consents[key] = union(s.entra.consents[key], scopes)
}

// GrantAdminConsent remembers what an administrator allowed an app for everybody in a tenant: delegated
// scopes, and roles of the app's own.
func (s *Sim) GrantAdminConsent(tenant, clientID string, scopes, roles []string) {
	t := s.Tenant(tenant)
	if t == nil {
		return
	}
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	key := consentKey{t.ID, strings.ToLower(clientID)}
	old := s.entra.adminConsents[key]
	s.entra.adminConsents[key] = adminGrant{union(old.scopes, scopes), union(old.roles, roles)}
}

// allowed lists what an app may do for a person: by that person's word and by the administrator's.
func (s *Sim) allowed(p *Person, app App) []string {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	id := strings.ToLower(app.ClientID)
	return union(slices.Clone(s.entra.consents[consentKey{p.ID, id}]), s.entra.adminConsents[consentKey{p.TenantID, id}].scopes)
}

// adminGranted is what an administrator allowed an app in a tenant.
func (s *Sim) adminGranted(tenantID string, app App) adminGrant {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	return s.entra.adminConsents[consentKey{tenantID, strings.ToLower(app.ClientID)}]
}
