package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// The scopes that Tandem asks for: who you are at sign-in, the rest when a person wants what needs it.
var (
	openIDScopes = []string{"openid", "profile", "email", "offline_access"}
	signInScopes = append(slices.Clone(openIDScopes), "User.Read")
	kindScopes   = map[record.Kind][]string{
		record.Calendar: {"MailboxSettings.Read", "Calendars.ReadWrite"},
		record.Contacts: {"MailboxSettings.Read", "Contacts.ReadWrite"},
	}
	directoryScopes = []string{"User.ReadBasic.All"}
	// everybodyScopes are all of them: what an administrator allows for a whole tenant.
	everybodyScopes = union(signInScopes, kindScopes[record.Calendar], kindScopes[record.Contacts], directoryScopes)
)

// A flow is one way to Microsoft and back. It is sealed into a cookie of the browser that set out, named after its
// state, and removed when the browser returns: so a state counts once, and only there.
type flow struct {
	Verifier  string      `json:"v"` // PKCE
	Nonce     string      `json:"n"`
	Scopes    []string    `json:"s"`
	Next      string      `json:"x,omitempty"` // where to go afterwards, a path of ours
	Hint      string      `json:"h,omitempty"`
	Prompt    string      `json:"p,omitempty"`
	Connect   *ticket     `json:"c,omitempty"` // of a consent: for whom and what
	Pass      record.ID   `json:"i,omitempty"` // of an invitation that is to be accepted
	Launch    bool        `json:"l,omitempty"` // from the app's tile: the accounts page is where it ends
	Tie       bool        `json:"t,omitempty"` // whoever is signed in wants to associate the account
	Everybody consentStep `json:"e,omitempty"` // of a consent for a whole tenant
}

// flowLife is how long a person may take at Microsoft's pages.
const flowLife = 15 * time.Minute

func (s *Site) flowCookie(state, value string, age time.Duration) *http.Cookie {
	sum := sha256.Sum256([]byte(state))
	return s.Settings.cookie(flowCookies+hex.EncodeToString(sum[:8]), value, age)
}

// flowCookies is what the names of flows' cookies begin with.
const flowCookies = "tandem_flow_"

// flowsAtOnce is how many flows a browser keeps: so many tabs may be on their way to Microsoft. A proxy refuses requests whose
// cookies come to more than a few thousand bytes.
const flowsAtOnce = 4

// makeRoom lets a browser forget the flows that it began first, so that there is room for one more.
func (s *Site) makeRoom(v *visit) {
	var names []string // the oldest first (RFC 6265, 5.4)
	for _, c := range v.r.Cookies() {
		if strings.HasPrefix(c.Name, s.Settings.cookieName(flowCookies)) {
			names = append(names, c.Name)
		}
	}
	for _, name := range names[:max(0, len(names)-flowsAtOnce+1)] {
		gone := s.Settings.cookie("", "", 0)
		gone.Name, gone.MaxAge = name, -1
		http.SetCookie(v.w, gone)
	}
}

// What of an address goes along to Microsoft, so that the flow's cookie stays below the 4096 bytes that browsers keep.
const (
	longestNext = 1500
	longestHint = 320 // a user principal name has 113 letters at most, a mail address 254
)

// atHome reports whether the browser calls us by the host of our public address. If not, and both are names of this
// very machine, what it sets out with would be lost on the way back, as cookies know 127.0.0.1 and localhost apart.
func (s *Site) atHome(r *http.Request) bool {
	home, err := url.Parse(s.Settings.URL)
	if err != nil || home.Host == r.Host {
		return true
	}
	here := url.URL{Host: r.Host}
	loopback := []string{"localhost", "127.0.0.1", "::1"}
	return !slices.Contains(loopback, home.Hostname()) || !slices.Contains(loopback, here.Hostname())
}

// setOut sends the browser to Microsoft.
func (s *Site) setOut(v *visit, f flow) error {
	if !s.atHome(v.r) {
		return v.to(s.Settings.URL + v.r.URL.RequestURI())
	}
	if len(f.Next) > longestNext {
		f.Next = "/"
	}
	if len(f.Hint) > longestHint {
		f.Hint = ""
	}
	f.Verifier, f.Nonce = oauth2.GenerateVerifier(), rand.Text()
	state := rand.Text()
	address, err := s.identity.authorizeURL(v.ctx(), f, state)
	if err != nil {
		return s.signInFailed(v, f, problemOf(err), err)
	}
	return s.depart(v, f, state, address)
}

// depart seals the flow into the browser and sends it on its way.
func (s *Site) depart(v *visit, f flow, state, address string) error {
	s.makeRoom(v)
	http.SetCookie(v.w, s.flowCookie(state, s.sealer.seal(f, v.now.Add(flowLife)), flowLife))
	v.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(v.w, v.r, address, http.StatusFound)
	return nil
}

// comeBack finds the flow of a state and ends it.
func (s *Site) comeBack(v *visit, state string) (flow, error) {
	var f flow
	gone := s.flowCookie(state, "", 0)
	c, err := v.r.Cookie(gone.Name)
	if err != nil || state == "" {
		return f, fault.New(fault.Denied, reasonState, "web: this browser began no such sign-in")
	}
	gone.MaxAge = -1
	http.SetCookie(v.w, gone)
	if err := s.sealer.open(c.Value, v.now, &f); err != nil {
		return f, fault.New(fault.Denied, reasonState, "web: the sign-in took too long: %w", err)
	}
	return f, nil
}

func (s *Site) startSignIn(v *visit) error {
	if err := s.Registry.Limit(v.ctx(), account.MicrosoftSignIns, "", s.place(v.r)); err != nil {
		return err
	}
	return s.setOut(v, flow{Scopes: signInScopes, Next: ownPath(v.r.URL.Query().Get("next")), Prompt: "select_account"})
}

// callback is where Microsoft sends the browser back to, with a code or with an error.
func (s *Site) callback(v *visit) error {
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.Header().Set("Referrer-Policy", "no-referrer") // the address holds a code
	answer := v.r.URL.Query()
	f, err := s.comeBack(v, answer.Get("state"))
	if err != nil && answer.Get("admin_consent") != "" {
		return s.consentedForAll(v, answer)
	}
	if err != nil {
		return s.signInFailed(v, f, problemOf(err), err)
	}
	switch f.Everybody {
	case consentAsked:
		return s.consentAnswered(v, f, answer)
	case consentToProve:
		return s.consentProved(v, f, answer)
	}
	if answer.Get("error") != "" {
		return s.signInFailed(v, f, problemSaid(answer.Get("error"), answer.Get("error_description")), nil)
	}
	p, err := s.identity.identify(v.ctx(), f, answer.Get("code"))
	if err != nil {
		return s.signInFailed(v, f, problemOf(err), err)
	}
	if f.Connect != nil {
		return s.connected(v, f, p)
	}
	return s.arrive(v, f, p)
}

// consentedForAll thanks an administrator who followed the link of the page "an administrator must allow this first".
// Nothing is concluded from it: anybody can type such an address.
func (s *Site) consentedForAll(v *visit, answer url.Values) error {
	p := problemConsented
	if answer.Get("error") != "" {
		p = problemSaid(answer.Get("error"), answer.Get("error_description"))
	}
	s.showProblem(v, p, "")
	return nil
}

// keepFirstGrant stores what a sign-in brought if there is nothing yet. A later sign-in asks for less than a consent
// did and must not take its place.
func (s *Site) keepFirstGrant(v *visit, u account.User, p person) error {
	if p.token.RefreshToken == "" {
		return nil
	}
	_, err := s.Grants.Grant(v.ctx(), u.Org, u.ID)
	if !fault.Is(err, fault.NotFound) {
		return nil // there is one, or whoever needs it will say what is wrong with it
	}
	return s.saveGrant(v, u, p)
}

func (s *Site) saveGrant(v *visit, u account.User, p person) error {
	return s.Grants.SaveGrant(v.ctx(), account.Grant{
		User: u.ID, Org: u.Org, Scopes: p.scopes(), Expires: p.token.Expiry,
		Access: account.Secret(p.token.AccessToken), Refresh: account.Secret(p.token.RefreshToken),
	})
}

func (s *Site) signOut(v *visit) error {
	if err := s.endSession(v.ctx()); err != nil {
		return err
	}
	if err := s.sessions.Destroy(v.ctx()); err != nil {
		return err
	}
	v.w.Header().Set("Clear-Site-Data", clearSiteData)
	s.Logger.Info("web: signed out", "org", v.user.Org, "user", v.user.ID)
	return v.to("/signin")
}

// clearSiteData has a browser forget the photos that it kept of contacts. The language stays chosen, in a cookie.
const clearSiteData = `"cache", "storage"`

// beginAgain is where a flow is begun again; "" where that will not help.
func (s *Site) beginAgain(v *visit, f flow, p problem) string {
	switch {
	case p.final:
		return ""
	case f.Connect != nil && !v.signedIn():
		return "/signin"
	case f.Connect != nil:
		return s.tickets.pathOf(*f.Connect)
	case f.Pass != 0:
		if pass, _, err := s.Registry.PassOf(v.ctx(), f.Pass, account.Invitation); err == nil {
			return s.tickets.InvitationURL(pass)
		}
	case f.Tie && v.signedIn():
		return tiePath
	case f.Launch:
		return launchPath
	}
	return "/signin/microsoft?next=" + queryEscape(ownPath(f.Next))
}

// signInFailed tells why nobody was signed in and logs what the operator may want to know.
func (s *Site) signInFailed(v *visit, f flow, p problem, err error) error {
	if err != nil {
		s.Logger.Warn("web: sign-in failed", "problem", p.key, "err", err)
	}
	s.showProblem(v, p, s.beginAgain(v, f, p), "Email", strings.TrimSpace(f.Hint))
	return nil
}
