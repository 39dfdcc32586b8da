package m365sim

import (
	"net/http"
	"net/url"
)

// adminConsent is where an app sends an administrator to allow it for everybody (fact sheet §10.6). It is
// the same road as authorize: who are you, do you allow this, back to the app.
func (s *Sim) adminConsent(w http.ResponseWriter, r *http.Request) {
	req, refusal := s.readAdminConsent(r)
	if refusal != nil {
		s.entraErrorPage(w, r, req, refusal)
		return
	}
	p, done := s.whoSignsIn(w, r, req)
	if done {
		return
	}
	switch answer := r.PostForm.Get("consent"); {
	case answer == "cancel":
		s.finish(w, r, req, adminAnswer(refuse(errConsentDeclined).params("")))
	case !grantsAll(p) && answer == "return":
		s.finish(w, r, req, adminAnswer(refuse(errAdminNeeded).params("")))
	case !grantsAll(p):
		s.adminNeededPage(w, r, req, p, req.scopes)
	case answer == "accept":
		var roles []string
		if req.scope.isDefault {
			roles = req.app.AppPermissions
		}
		s.GrantAdminConsent(p.TenantID, req.app.ClientID, req.scopes, roles)
		s.finish(w, r, req, adminAnswer(url.Values{
			"tenant": {p.TenantID},
			"scope":  {spellScopes(union(onlyGraph(req.scopes), roles), true)},
		}))
	default:
		s.adminConsentPage(w, r, req, p)
	}
}

// adminAnswer adds what both outcomes carry.
func adminAnswer(v url.Values) url.Values {
	v.Set("admin_consent", "True")
	return v
}

// readAdminConsent reads the request of an app as an authorizeRequest, so that the pages are the same.
func (s *Sim) readAdminConsent(r *http.Request) (authorizeRequest, *oauthError) {
	req := authorizeRequest{mode: "query", params: url.Values{}}
	if err := r.ParseForm(); err != nil {
		return req, refuse(errMalformed, "not a form")
	}
	for _, name := range []string{"client_id", "redirect_uri", "state", "scope", "login_hint", "prompt", "lang"} {
		if r.Form.Has(name) {
			req.params.Set(name, r.Form.Get(name))
		}
	}
	get := req.params.Get
	var ok bool
	if req.audience, ok = s.audienceOf(r); !ok {
		return req, refuse(errTenantUnknown, r.PathValue("tenant"))
	}
	if req.audience.word == "common" {
		return req, refuse(errCommonNotAllowed, req.audience.word)
	}
	if req.app, ok = s.app(get("client_id")); !ok {
		return req, refuse(errAppUnknown, get("client_id"), req.audience.word)
	}
	if !req.app.allowsRedirect(get("redirect_uri")) {
		return req, refuse(errRedirectMismatch, get("redirect_uri"), req.app.ClientID)
	}
	req.redirect, req.state, req.loginHint = get("redirect_uri"), get("state"), get("login_hint")
	if get("prompt") == "select_account" { // not Entra's: our own page's way to another account
		req.prompt = "select_account"
	}
	scope := get("scope")
	if scope == "" {
		scope = graphResource + defaultScope // the older address has no scope: all that is registered
	}
	if req.scope = parseScopes(scope); req.scope.unknown != "" {
		return req, refuse(errScopeUnknown, req.app.Name, req.scope.unknown)
	}
	req.scopes = req.scope.resolve(req.app)
	return req, nil
}
