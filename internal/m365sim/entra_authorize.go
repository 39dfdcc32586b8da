package m365sim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An authorizeRequest is what an app asks of the authorize endpoint, once it makes sense.
type authorizeRequest struct {
	app       App
	audience  audience
	redirect  string
	mode      string // "query" or "form_post"
	state     string
	nonce     string
	scope     askedScopes
	scopes    []string // scope, with .default replaced
	challenge string   // S256 of the PKCE verifier; empty: none
	prompt    string   // "", "none", "login", "consent" or "select_account"
	loginHint string
	params    url.Values // as they came, to be carried along from page to page
}

// authorizeParams are the parameters that travel from page to page of a sign-in.
var authorizeParams = []string{
	"client_id", "response_type", "redirect_uri", "response_mode", "scope", "state", "nonce", "prompt",
	"login_hint", "domain_hint", "code_challenge", "code_challenge_method", "lang",
}

// An authCode is a code that was handed out, and what it may be exchanged for.
type authCode struct {
	oid       string
	clientID  string
	redirect  string
	challenge string
	nonce     string
	scopes    []string
	long      bool
	expires   time.Time
	redeemed  bool
}

// authorize is the whole of the browser's part: who are you, do you allow this, back to the app.
// Each page is a form that posts to this same address with the app's parameters in it.
func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	req, refusal := s.readAuthorize(r)
	if refusal != nil {
		s.refuseAuthorize(w, r, req, refusal)
		return
	}
	p, done := s.whoSignsIn(w, r, req)
	if done {
		return
	}
	if s.askConsent(w, r, req, p) {
		return
	}
	s.finish(w, r, req, url.Values{"code": {s.newCode(req, p)}})
}

// readAuthorize checks the app's request. Until the redirect address is known to be the app's own, a
// refusal may only be shown, never sent there.
func (s *Sim) readAuthorize(r *http.Request) (authorizeRequest, *oauthError) {
	var req authorizeRequest
	if err := r.ParseForm(); err != nil {
		return req, onPage(refuse(errMalformed, "not a form"))
	}
	req.params = url.Values{}
	for _, name := range authorizeParams {
		if r.Form.Has(name) {
			req.params.Set(name, r.Form.Get(name))
		}
	}
	get := req.params.Get

	var ok bool
	if req.audience, ok = s.audienceOf(r); !ok {
		return req, refuse(errTenantUnknown, r.PathValue("tenant"))
	}
	if get("client_id") == "" {
		return req, onPage(refuse(errMissingParameter, "client_id"))
	}
	if req.app, ok = s.app(get("client_id")); !ok {
		return req, refuse(errAppUnknown, get("client_id"), req.audience.word)
	}
	if get("redirect_uri") == "" {
		return req, onPage(refuse(errMissingParameter, "redirect_uri"))
	}
	if !req.app.allowsRedirect(get("redirect_uri")) {
		return req, refuse(errRedirectMismatch, get("redirect_uri"), req.app.ClientID)
	}
	req.redirect, req.state, req.nonce = get("redirect_uri"), get("state"), get("nonce")

	req.mode = "query"
	switch get("response_mode") {
	case "", "query":
	case "form_post":
		req.mode = "form_post"
	default:
		return req, refuse(errMalformed, "response_mode is query or form_post")
	}
	if get("response_type") != "code" {
		return req, refuse(errResponseType, get("response_type"))
	}
	if get("scope") == "" {
		return req, refuse(errMissingParameter, "scope")
	}
	if req.scope = parseScopes(get("scope")); req.scope.unknown != "" {
		return req, refuse(errScopeUnknown, req.app.Name, req.scope.unknown)
	}
	req.scopes = req.scope.resolve(req.app)

	// Entra itself still takes a plain challenge, and takes it for plain when the method is left out.
	// Nobody needs that any more, and a client that does it by mistake should hear of it here.
	req.challenge = get("code_challenge")
	if req.challenge != "" && get("code_challenge_method") != "S256" {
		return req, refuse(errMalformed, "code_challenge_method is S256")
	}
	if req.challenge != "" && len(req.challenge) != 43 {
		return req, refuse(errMalformed, "code_challenge is not 43 characters long")
	}
	req.prompt, req.loginHint = get("prompt"), get("login_hint")
	if !slices.Contains([]string{"", "none", "login", "consent", "select_account"}, req.prompt) {
		return req, refuse(errMalformed, "prompt is none, login, consent or select_account")
	}
	return req, nil
}

func onPage(e *oauthError) *oauthError {
	e.page = true
	return e
}

// refuseAuthorize shows a refusal, or sends it to the app where that is safe.
func (s *Sim) refuseAuthorize(w http.ResponseWriter, r *http.Request, req authorizeRequest, e *oauthError) {
	if e.page || req.redirect == "" {
		s.entraErrorPage(w, r, req, e)
		return
	}
	s.finish(w, r, req, e.params(""))
}

// finish sends the browser back to the app.
func (s *Sim) finish(w http.ResponseWriter, r *http.Request, req authorizeRequest, answer url.Values) {
	if req.state != "" {
		answer.Set("state", req.state)
	}
	if req.mode == "form_post" {
		s.formPostPage(w, r, req, answer)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, withQuery(req.redirect, answer), http.StatusFound)
}

func withQuery(address string, more url.Values) string {
	mark := "?"
	if strings.Contains(address, "?") {
		mark = "&"
	}
	return address + mark + more.Encode()
}

// newCode hands out a code, and drops those that are long dead.
func (s *Sim) newCode(req authorizeRequest, p *Person) string {
	code := "1.AcD." + newGrantID() + newGrantID()
	now := s.now()
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	for old, c := range s.entra.codes {
		if now.After(c.expires.Add(codeLife)) {
			delete(s.entra.codes, old)
		}
	}
	delete(s.entra.interaction, p.ID) // whoever demanded a fresh sign-in has had it
	s.entra.codes[code] = &authCode{
		oid: p.ID, clientID: req.app.ClientID, redirect: req.redirect, challenge: req.challenge, nonce: req.nonce,
		scopes: req.scopes, long: req.scope.long, expires: now.Add(codeLife),
	}
	return code
}

// An openConsent says who stood before a consent page, and for which request. It travels in the form.
type openConsent struct {
	OID     string `json:"o"`
	Request string `json:"r"`
	Expires int64  `json:"x"`
}

// askConsent shows the consent page where one is due and reports whether it answered the request.
func (s *Sim) askConsent(w http.ResponseWriter, r *http.Request, req authorizeRequest, p *Person) (answered bool) {
	lacking := missing(req.scopes, s.allowed(p, req.app))
	answer := r.PostForm.Get("consent")
	if answer == "cancel" {
		s.finish(w, r, req, refuse(errConsentDeclined).params(""))
		return true
	}
	if len(lacking) == 0 && (req.prompt != "consent" || answer == "accept") {
		return false
	}
	if s.mustAskAdmin(p, lacking) {
		switch {
		case req.prompt == "none":
			s.finish(w, r, req, refuse(errConsentNeeded, req.app.ClientID, req.app.Name).params(""))
		case answer == "return":
			s.finish(w, r, req, refuse(errAdminNeeded).params(""))
		default:
			s.adminNeededPage(w, r, req, p, lacking)
		}
		return true
	}
	switch {
	case req.prompt == "none":
		s.finish(w, r, req, refuse(errConsentNeeded, req.app.ClientID, req.app.Name).params(""))
		return true
	case answer == "accept":
		s.consent(p, req.app, req.scopes)
		if r.PostForm.Get("for_organization") != "" && grantsDelegated(p) {
			s.GrantAdminConsent(p.TenantID, req.app.ClientID, req.scopes, nil)
		}
		return false
	}
	if len(lacking) == 0 {
		lacking = req.scopes // prompt=consent: show all of it again
	}
	s.consentPage(w, r, req, p, lacking)
	return true
}

// mustAskAdmin reports whether a person may not allow these scopes alone.
func (s *Sim) mustAskAdmin(p *Person, scopes []string) bool {
	if len(scopes) == 0 || grantsDelegated(p) {
		return false
	}
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	return needsAdmin(scopes) || s.entra.userConsentOff[p.TenantID]
}

// grantsDelegated reports whether a person may allow delegated permissions for the whole organization.
func grantsDelegated(p *Person) bool { return grantsAll(p) || p.HasRole(RoleApplicationAdministrator) }

// grantsAll reports whether a person may allow application permissions too: an Application Administrator
// may not (fact sheet §10.5).
func grantsAll(p *Person) bool {
	return p.HasRole(RoleGlobalAdministrator) || p.HasRole(RolePrivilegedRoleAdministrator)
}
