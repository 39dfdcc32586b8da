package m365sim

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// sessionCookie holds who is signed in at the simulator in this browser. Cookies know no ports, so the
// name tells it from those of the app on the same host.
const sessionCookie = "m365sim_session"

// A session is the single sign-on of one browser.
type session struct {
	Accounts []sessionAccount `json:"a"` // the latest first
}

type sessionAccount struct {
	OID   string `json:"o"`
	Epoch int    `json:"e"` // of the person, at the sign-in
}

// sessionOf reads who is signed in, the latest first, without those revoked or disabled since.
func (s *Sim) sessionOf(r *http.Request) []*Person {
	var open session
	if s.entra.sealer.open(sessionPrefix, cookieValue(r, sessionCookie), &open) != nil {
		return nil
	}
	var people []*Person
	for _, a := range open.Accounts {
		p := s.Person(a.OID)
		s.entra.mu.Lock()
		epoch := s.entra.epoch(a.OID)
		s.entra.mu.Unlock()
		if p != nil && p.AccountEnabled && a.Epoch >= epoch {
			people = append(people, p)
		}
	}
	return people
}

// signIn adds a person to the browser's session, in front.
func (s *Sim) signIn(w http.ResponseWriter, r *http.Request, p *Person) {
	people := slices.DeleteFunc(s.sessionOf(r), func(other *Person) bool { return other.ID == p.ID })
	var open session
	for _, one := range append([]*Person{p}, people...) {
		s.entra.mu.Lock()
		epoch := s.entra.epoch(one.ID)
		s.entra.mu.Unlock()
		open.Accounts = append(open.Accounts, sessionAccount{one.ID, epoch})
	}
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: s.entra.sealer.seal(sessionPrefix, open),
		Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func signOut(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// whoSignsIn finds the person of a sign-in: from the form just posted, or from the session. Where nobody
// is sure yet it answers with the sign-in page, or with the refusal that prompt=none wants, and says so.
func (s *Sim) whoSignsIn(w http.ResponseWriter, r *http.Request, req authorizeRequest) (p *Person, answered bool) {
	if r.PostForm.Has("username") {
		return s.signInByName(w, r, req, strings.TrimSpace(r.PostForm.Get("username")))
	}
	if p := s.consenting(r, req); p != nil {
		return p, false
	}
	p = s.silently(r, req)
	switch {
	case p != nil && req.prompt != "login" && req.prompt != "select_account":
		return p, false
	case req.prompt == "none":
		s.finish(w, r, req, refuse(errLoginRequired).params(""))
		return nil, true
	}
	s.signInPage(w, r, req, "")
	return nil, true
}

// signInByName is the answer to the sign-in form. There is no password: whoever is at this machine may be anybody.
func (s *Sim) signInByName(w http.ResponseWriter, r *http.Request, req authorizeRequest, name string) (*Person, bool) {
	if name == "" {
		s.signInPage(w, r, req, localeOf(r).say("Enter an address, or pick an account below."))
		return nil, true
	}
	p := s.Person(name)
	if p == nil {
		s.signInPage(w, r, req, refuse(errAccountUnknown, name).description())
		return nil, true
	}
	if e := req.audience.admits(p); e != nil {
		s.entraErrorPage(w, r, req, e)
		return nil, true
	}
	s.signIn(w, r, p)
	return p, false
}

// silently finds the one signed-in person that this request can mean. Several, and no hint which: nobody.
func (s *Sim) silently(r *http.Request, req authorizeRequest) *Person {
	var fit []*Person
	for _, p := range s.sessionOf(r) {
		if req.audience.admits(p) != nil {
			continue
		}
		if req.loginHint == "" || strings.EqualFold(req.loginHint, p.UPN) || strings.EqualFold(req.loginHint, p.Mail) || req.loginHint == p.ID {
			fit = append(fit, p)
		}
	}
	if len(fit) == 0 || len(fit) > 1 && req.prompt != "none" {
		return nil
	}
	return fit[0]
}

// consenting finds the person who stands before the consent page of this very request.
func (s *Sim) consenting(r *http.Request, req authorizeRequest) *Person {
	var open openConsent
	if s.entra.sealer.open(consentPrefix, r.PostForm.Get("who"), &open) != nil {
		return nil
	}
	if open.Expires < s.now().Unix() || open.Request != requestDigest(req) {
		return nil
	}
	p := s.Person(open.OID)
	if p == nil || req.audience.admits(p) != nil {
		return nil
	}
	return p
}

// openConsentFor is the hidden field of a consent page.
func (s *Sim) openConsentFor(req authorizeRequest, p *Person) string {
	return s.entra.sealer.seal(consentPrefix, openConsent{OID: p.ID, Request: requestDigest(req), Expires: s.now().Add(consentLife).Unix()})
}

// requestDigest ties a consent to one request, whatever language its pages are shown in.
func requestDigest(req authorizeRequest) string {
	params := req.params.Encode()
	if req.params.Has("lang") {
		without := maps.Clone(req.params)
		without.Del("lang")
		params = without.Encode()
	}
	sum := sha256.Sum256([]byte(req.audience.word + "?" + params))
	return b64(sum[:])
}

// logout ends the browser's session. No token is revoked by it (fact sheet §10.5).
func (s *Sim) logout(w http.ResponseWriter, r *http.Request) {
	signOut(w)
	back := r.FormValue("post_logout_redirect_uri")
	if back != "" && s.anyAppAllowsReturn(back) {
		if state := r.FormValue("state"); state != "" {
			back = withQuery(back, map[string][]string{"state": {state}})
		}
		http.Redirect(w, r, back, http.StatusFound)
		return
	}
	s.signedOutPage(w, r)
}

func (s *Sim) anyAppAllowsReturn(uri string) bool {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	for _, app := range s.entra.apps {
		if app.allowsReturn(uri) {
			return true
		}
	}
	return false
}
