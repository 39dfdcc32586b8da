package m365sim

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenAnswer is the success of the token endpoint.
type tokenAnswer struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int64  `json:"expires_in"`
	ExtExpiresIn int64  `json:"ext_expires_in"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// token is the token endpoint. Every refusal of it is JSON.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	answer, refusal := s.tokenGrant(r)
	if refusal != nil {
		correlation := r.Header.Get("client-request-id")
		if correlation == "" {
			correlation = s.requestID()
		}
		refusal.write(w, s.now(), s.requestID(), correlation)
		return
	}
	writeEntraJSON(w, http.StatusOK, answer)
}

func (s *Sim) tokenGrant(r *http.Request) (*tokenAnswer, *oauthError) {
	aud, ok := s.audienceOf(r)
	if !ok {
		return nil, refuse(errTenantUnknown, r.PathValue("tenant"))
	}
	if err := r.ParseForm(); err != nil {
		return nil, refuse(errMalformed, "not a form")
	}
	if r.PostForm.Get("grant_type") == "" {
		return nil, refuse(errMissingParameter, "grant_type")
	}
	app, refusal := s.clientOf(r, aud)
	if refusal != nil {
		return nil, refusal
	}
	switch grantType := r.PostForm.Get("grant_type"); grantType {
	case "authorization_code":
		return s.redeemCode(r, app)
	case "refresh_token":
		return s.refresh(r, aud, app)
	case "client_credentials":
		return s.appToken(r, aud, app)
	default:
		return nil, refuse(errGrantType, grantType)
	}
}

// clientOf finds the app and checks its secret, in the body or in the header, or what it signed.
func (s *Sim) clientOf(r *http.Request, aud audience) (App, *oauthError) {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		// RFC 6749 §2.3.1: both are form-encoded before they become user and password.
		var err1, err2 error
		id, err1 = url.QueryUnescape(user)
		secret, err2 = url.QueryUnescape(pass)
		if err1 != nil || err2 != nil {
			return App{}, refuse(errMalformed, "client id or secret in the header")
		}
	}
	if id == "" {
		return App{}, refuse(errMissingParameter, "client_id")
	}
	app, ok := s.app(id)
	switch {
	case !ok:
		return App{}, refuse(errAppUnknown, id, aud.word)
	case app.isPublic():
		return app, nil
	case secret != "" && r.PostForm.Has("client_assertion"):
		return App{}, refuse(errMalformed, "both a client_secret and a client_assertion")
	case r.PostForm.Has("client_assertion"):
		if refusal := s.checkAssertion(r, app); refusal != nil {
			return App{}, refusal
		}
		return app, nil
	case secret == "":
		return App{}, refuse(errSecretMissing)
	case app.Secret == "", subtle.ConstantTimeCompare([]byte(secret), []byte(app.Secret)) != 1:
		return App{}, refuse(errSecretWrong, app.ClientID)
	case app.SecretExpired:
		return App{}, refuse(errSecretExpired, app.ClientID)
	}
	return app, nil
}

// redeemCode exchanges a code, once.
func (s *Sim) redeemCode(r *http.Request, app App) (*tokenAnswer, *oauthError) {
	form := r.PostForm
	for _, name := range []string{"code", "redirect_uri"} {
		if form.Get(name) == "" {
			return nil, refuse(errMissingParameter, name)
		}
	}
	code, refusal := s.takeCode(form, app)
	if refusal != nil {
		return nil, refusal
	}
	p := s.Person(code.oid)
	if p == nil || !p.AccountEnabled {
		return nil, refuse(errGrantDisabled)
	}
	return s.answerFor(r, p, app, code.scopes, code.long, code.nonce)
}

// takeCode checks everything that a code is bound to. A code that was shown by the wrong caller is
// spoilt for the right one too.
func (s *Sim) takeCode(form url.Values, app App) (authCode, *oauthError) {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	code := s.entra.codes[form.Get("code")]
	switch {
	case code == nil:
		return authCode{}, refuse(errGrantMalformed, "the code was not given here")
	case !strings.EqualFold(code.clientID, app.ClientID):
		return authCode{}, refuse(errWrongClient, code.clientID)
	case code.redeemed:
		return authCode{}, refuse(errCodeRedeemed)
	case s.now().After(code.expires):
		return authCode{}, refuse(errCodeExpired)
	}
	code.redeemed = true
	switch {
	case form.Get("redirect_uri") != code.redirect:
		return authCode{}, refuse(errCodeRedirect, form.Get("redirect_uri"))
	case code.challenge != "" && form.Get("code_verifier") == "":
		return authCode{}, refuse(errMissingParameter, "code_verifier")
	case code.challenge != s256(form.Get("code_verifier")):
		return authCode{}, refuse(errVerifier)
	}
	return *code, nil
}

// s256 is the challenge of a PKCE verifier; of none, none.
func s256(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return b64(sum[:])
}

// refresh exchanges a refresh token. The old one stays good unless SetRotateStrictly says otherwise.
func (s *Sim) refresh(r *http.Request, aud audience, app App) (*tokenAnswer, *oauthError) {
	raw := r.PostForm.Get("refresh_token")
	if raw == "" {
		return nil, refuse(errMissingParameter, "refresh_token")
	}
	var g sealedGrant
	if s.entra.sealer.open(refreshPrefix, raw, &g) != nil {
		return nil, refuse(errGrantMalformed, "the refresh token was not given here")
	}
	p := s.Person(g.OID)
	switch {
	case !strings.EqualFold(g.ClientID, app.ClientID):
		return nil, refuse(errWrongClient, g.ClientID)
	case s.now().Unix() >= g.Expires:
		return nil, refuse(errRefreshExpired, time.Unix(g.Issued, 0).UTC().Format(time.RFC3339))
	case p == nil || !p.AccountEnabled:
		return nil, refuse(errGrantDisabled)
	case aud.tenant != nil && aud.tenant.ID != p.TenantID:
		return nil, refuse(errGrantForeign, p.UPN, aud.tenant.Domain)
	}
	if refusal := s.mayRefresh(&g); refusal != nil {
		return nil, refusal
	}
	s.consent(p, app, g.Scopes) // of a process before this one
	scopes, long := g.Scopes, g.Long
	if asked := r.PostForm.Get("scope"); asked != "" {
		parsed := parseScopes(asked)
		if parsed.unknown != "" {
			return nil, refuse(errScopeUnknown, app.Name, parsed.unknown)
		}
		if len(missing(parsed.names, s.allowed(p, app))) > 0 {
			return nil, refuse(errGrantConsent, app.ClientID, app.Name)
		}
		scopes = union(scopes, parsed.names)
		long = parsed.long
	}
	if refusal := s.spend(&g); refusal != nil { // last: a refused request leaves the token as it was
		return nil, refusal
	}
	return s.answerFor(r, p, app, scopes, long, "")
}

// mayRefresh checks what may have happened to a grant since it was given.
func (s *Sim) mayRefresh(g *sealedGrant) *oauthError {
	e := &s.entra
	e.mu.Lock()
	defer e.mu.Unlock()
	if refusal := e.voided(g); refusal != nil {
		return refusal
	}
	if e.interaction[g.OID] {
		return refuse(errInteraction)
	}
	return nil
}

// spend marks a refresh token as used, where one counts once only.
func (s *Sim) spend(g *sealedGrant) *oauthError {
	e := &s.entra
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.rotateStrictly {
		return nil
	}
	if e.spent[g.ID] {
		return refuse(errCodeExpired)
	}
	e.spent[g.ID] = true
	return nil
}

// answerFor makes the tokens of a person. As at Entra, the access token holds every Graph permission
// that the person ever allowed this app, not only those asked for now.
func (s *Sim) answerFor(r *http.Request, p *Person, app App, scopes []string, long bool, nonce string) (*tokenAnswer, *oauthError) {
	granted := union(scopes, onlyGraph(s.allowed(p, app)))
	life := s.accessLife()
	answer := &tokenAnswer{
		TokenType: "Bearer", Scope: spellScopes(granted, long),
		ExpiresIn: int64(life.Seconds()), ExtExpiresIn: int64(life.Seconds()),
		AccessToken: s.entra.sealer.seal(accessPrefix, s.newGrant(p.ID, p.TenantID, app.ClientID, granted, life)),
	}
	if slices.Contains(scopes, "offline_access") && !app.WithholdRefresh {
		g := s.newGrant(p.ID, p.TenantID, app.ClientID, scopes, refreshLife)
		g.Long = long
		answer.RefreshToken = s.entra.sealer.seal(refreshPrefix, g)
	}
	if slices.Contains(scopes, "openid") {
		token, err := s.entra.sign(s.idClaims(r, p, app, scopes, nonce))
		if err != nil {
			return nil, refuse(errMalformed, err.Error())
		}
		answer.IDToken = token
	}
	return answer, nil
}

// idClaims are those of fact sheet §10.5: oid and the names need the scope profile, email its own.
func (s *Sim) idClaims(r *http.Request, p *Person, app App, scopes []string, nonce string) map[string]any {
	now := s.now()
	claims := map[string]any{
		"iss": s.issuer(r, audience{tenant: &Tenant{ID: p.TenantID}}),
		"aud": app.ClientID,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(idTokenLife).Unix(),
		"tid": p.TenantID,
		"sub": pairwise(p.ID, app.ClientID),
		"ver": "2.0",
		"uti": newGrantID(),
	}
	if slices.Contains(scopes, "profile") {
		claims["oid"], claims["name"], claims["preferred_username"] = p.ID, p.DisplayName, p.UPN
	}
	if slices.Contains(scopes, "email") && p.Mail != "" {
		claims["email"] = p.Mail
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if app.EmitsRoles && len(p.Roles) > 0 {
		claims["wids"] = p.Roles
	}
	return claims
}

// pairwise is a subject that two apps cannot compare.
func pairwise(oid, clientID string) string {
	sum := sha256.Sum256([]byte(oid + "|" + strings.ToLower(clientID)))
	return b64(sum[:])
}

// appToken is for an app on its own, in a tenant whose administrator allowed it.
func (s *Sim) appToken(r *http.Request, aud audience, app App) (*tokenAnswer, *oauthError) {
	if aud.tenant == nil {
		return nil, refuse(errCommonNotAllowed, aud.word)
	}
	if app.isPublic() {
		return nil, refuse(errSecretMissing)
	}
	asked := r.PostForm.Get("scope")
	if asked == "" {
		return nil, refuse(errMissingParameter, "scope")
	}
	if parsed := parseScopes(asked); !parsed.isDefault || len(parsed.names) > 0 || parsed.unknown != "" {
		return nil, refuse(errAppScope, asked)
	}
	roles := s.adminGranted(aud.tenant.ID, app).roles
	if len(roles) == 0 {
		return nil, refuse(errNoServicePrincipal, app.ClientID, aud.tenant.ID)
	}
	life := s.accessLife()
	return &tokenAnswer{
		TokenType: "Bearer", ExpiresIn: int64(life.Seconds()), ExtExpiresIn: int64(life.Seconds()),
		AccessToken: s.entra.sealer.seal(accessPrefix, s.newGrant("", aud.tenant.ID, app.ClientID, roles, life)),
	}, nil
}

// userinfo tells an access token's person, by the claims of its scopes.
func (s *Sim) userinfo(w http.ResponseWriter, r *http.Request) {
	g, refusal := s.authenticate(r)
	if refusal != nil {
		refusal.write(s, w, r)
		return
	}
	p := s.Person(g.oid)
	if p == nil {
		newGraphError(http.StatusForbidden, "Authorization_RequestDenied", "The token is of an app, not of a person.").write(s, w, r)
		return
	}
	claims := map[string]any{"sub": pairwise(p.ID, g.appID)}
	if g.has("profile") {
		claims["name"], claims["given_name"], claims["family_name"] = p.DisplayName, p.GivenName, p.Surname
	}
	if g.has("email") && p.Mail != "" {
		claims["email"] = p.Mail
	}
	writeEntraJSON(w, http.StatusOK, claims)
}
