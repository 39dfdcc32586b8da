package m365sim

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// entraState is what the sign-in side remembers.
type entraState struct {
	mu     sync.Mutex
	tokens map[string]*grant
	serial int
}

func (s *Sim) entraInit() { s.entra.tokens = map[string]*grant{} }

// entraRoutes registers the OIDC sign-in.
func (s *Sim) entraRoutes(*http.ServeMux) {}

// authenticate reads the bearer token of a Graph request.
func (s *Sim) authenticate(r *http.Request) (*grant, *graphError) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return nil, newGraphError(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty.")
	}
	s.entra.mu.Lock()
	g := s.entra.tokens[token]
	s.entra.mu.Unlock()
	if g == nil {
		return nil, newGraphError(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
	}
	return g, nil
}

// IssueToken gives a valid access token without the browser's part of the sign-in. No scopes: all that Graph knows here.
func (s *Sim) IssueToken(upn string, scopes ...string) string {
	p := s.Person(upn)
	if p == nil {
		return ""
	}
	if len(scopes) == 0 {
		scopes = allScopes
	}
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	s.entra.serial++
	token := "sim-" + strconv.Itoa(s.entra.serial)
	s.entra.tokens[token] = &grant{oid: p.ID, tenantID: p.TenantID, appID: guid("app", "test"), scopes: scopes}
	return token
}

// revokeTokens ends every grant of a person: access tokens at once, refresh tokens with invalid_grant.
func (s *Sim) revokeTokens(p *Person) {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	for token, g := range s.entra.tokens {
		if g.oid == p.ID {
			delete(s.entra.tokens, token)
		}
	}
}

// resetTokens forgets every token and consent.
func (s *Sim) resetTokens() {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	clear(s.entra.tokens)
}
