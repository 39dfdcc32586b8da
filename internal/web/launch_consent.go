package web

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// consentPath is where an administrator allows Tandem for everybody in the tenant.
const consentPath = "/setup/consent"

// consentStep is how far a consent for everybody has come.
type consentStep int

const (
	consentAsked   consentStep = 1 // on the way to the administrator's page
	consentToProve consentStep = 2 // on the way to a token that shows it
)

// outcomes are the ways in which a consent for everybody may not have come about, with the words consent.was.<outcome>.
var outcomes = []string{"declined", "other_tenant", "other_person", "not_admin", "not_yet", "away", "general"}

// consentPage asks for consent for everybody, or shows that it was given.
type consentPage struct {
	Frame  frame
	Org    string
	First  bool   // right after the installation
	Tied   bool   // the person came from the organization's tenant
	Given  string // when it was last proved; "" never
	Lacks  bool   // since then, Tandem has come to need more
	Was    string // what came of the last try
	Code   string // Microsoft's number for it
	Asked  []string
	Button string
}

func (s *Site) consentPage(v *visit) error {
	query := v.r.URL.Query()
	page := consentPage{
		Org: v.org.Name, First: query.Get("first") != "", Tied: v.tied(),
		Asked: []string{v.words.T("consent.asks.profile"), v.words.T("consent.asks.calendar"), v.words.T("consent.asks.contacts"), v.words.T("consent.asks.settings"), v.words.T("consent.asks.directory")},
		Frame: s.frame(v, "setup", v.words.T("consent.title", "Org", v.org.Name)), Button: v.words.T("consent.allow"),
	}
	if !v.org.Consented.IsZero() {
		page.Given = v.words.Moment(v.org.Consented.In(v.zone))
		page.Lacks = !covered(everybodyScopes, v.org.Scopes)
		page.Button = v.words.T("consent.renew")
	}
	if was := query.Get("was"); slices.Contains(outcomes, was) {
		page.Was = v.words.T("consent.was."+was, "Org", v.org.Name)
		if aadsts.FindString(query.Get("code")) == query.Get("code") {
			page.Code = query.Get("code")
		}
	}
	return s.render(v, http.StatusOK, "launch_consent", page)
}

// tied reports whether who is signed in is a Microsoft person of the organization's own tenant.
func (v *visit) tied() bool {
	return !v.user.Identity.IsZero() && v.user.Identity.TenantID == v.org.TenantID
}

// consentStart sends an administrator to Microsoft's page. What comes back from there is believed only after a token shows
// it, because anybody can make up such an answer.
func (s *Site) consentStart(v *visit) error {
	if !v.tied() {
		return v.to(consentPath)
	}
	if !s.atHome(v.r) {
		return v.to(s.Settings.URL + consentPath)
	}
	state := rand.Text()
	f := flow{Everybody: consentAsked, Connect: &ticket{Org: v.user.Org, User: v.user.ID}, Next: consentPath}
	return s.depart(v, f, state, s.consentURL(v.org.TenantID, state, v.user.Email))
}

// globalEveryScope stands for all permissions of the app registration at Graph in Microsoft's global cloud.
const globalEveryScope = "https://graph.microsoft.com/.default"

// consentURL is where an administrator of a tenant consents for everybody in it.
func (s *Site) consentURL(tenant, state, hint string) string {
	query := url.Values{
		"client_id": {s.Settings.ClientID}, "scope": {cmp.Or(s.Settings.EveryScope, globalEveryScope)},
		"redirect_uri": {s.Settings.URL + callbackPath},
	}
	if state != "" {
		query.Set("state", state)
	}
	if hint != "" {
		query.Set("login_hint", hint)
	}
	return s.Settings.Authority + "/" + url.PathEscape(tenant) + "/v2.0/adminconsent?" + query.Encode()
}

// theirs reports whether a consent for everybody is that of who is signed in.
func (f flow) theirs(v *visit) bool {
	return v.signedIn() && f.Connect != nil && f.Connect.Org == v.user.Org && f.Connect.User == v.user.ID && v.user.May.ManageUsers
}

// consentAnswered takes what Microsoft's page sent the administrator back with, and sets out for the proof.
func (s *Site) consentAnswered(v *visit, f flow, answer url.Values) error {
	switch {
	case !f.theirs(v):
		return v.to(consentPath)
	case answer.Get("error") != "":
		return s.consentWas(v, problemSaid(answer.Get("error"), answer.Get("error_description")))
	case !strings.EqualFold(answer.Get("tenant"), v.org.TenantID):
		return s.consentWas(v, problem{key: "other_tenant"})
	}
	return s.setOut(v, flow{
		Everybody: consentToProve, Connect: f.Connect, Scopes: everybodyScopes, Hint: v.user.Email, Prompt: "none", Next: consentPath,
	})
}

// mustAsk are the errors with which a silent sign-in says that it cannot be one.
var mustAsk = []string{"login_required", "interaction_required", "account_selection_required"}

// consentProved ends a consent for everybody: the token of an administrator of this very tenant holds all that was asked.
func (s *Site) consentProved(v *visit, f flow, answer url.Values) error {
	if !f.theirs(v) {
		return v.to(consentPath)
	}
	if code := answer.Get("error"); code != "" {
		p := problemSaid(code, answer.Get("error_description"))
		if p.key != "admin_consent" && f.Prompt != "" && slices.Contains(mustAsk, code) {
			f.Prompt = ""
			return s.setOut(v, f)
		}
		if p.key == "admin_consent" {
			p.key = "not_yet"
		}
		return s.consentWas(v, p)
	}
	p, err := s.identity.identify(v.ctx(), f, answer.Get("code"))
	if err != nil {
		s.Logger.Warn("web: a consent for everybody was not proved", "org", v.org.ID, "err", err)
		return s.consentWas(v, problemOf(err))
	}
	if p.Identity != v.user.Identity {
		return s.consentWas(v, problem{key: "other_person"})
	}
	a, err := s.Describe(v.ctx(), account.Secret(p.token.AccessToken), account.Arrival{Identity: p.Identity, Username: p.Username, Roles: p.Roles})
	if err != nil {
		s.Logger.Warn("web: the roles of an administrator cannot be read", "org", v.org.ID, "err", err)
		return s.consentWas(v, problemOf(err))
	}
	switch {
	case !a.Installer():
		return s.consentWas(v, problem{key: "not_admin"})
	case !p.allows(everybodyScopes):
		return s.consentWas(v, problem{key: "not_yet"})
	}
	if err := s.Registry.Consented(v.ctx(), a, v.user, p.scopes()); err != nil {
		if fault.ReasonOf(err) == account.NotInstaller {
			return s.consentWas(v, problem{key: "not_admin"})
		}
		return err
	}
	if p.token.RefreshToken != "" {
		if err := s.saveGrant(v, v.user, p); err != nil {
			return err
		}
		if err := s.resume(v, v.user, p); err != nil {
			return err
		}
	}
	s.putFlash(v.ctx(), flash{Key: "flash.consented", Name: v.org.Name})
	return v.to(consentPath)
}

// consentWas leads to the page that says what came of it and what to do.
func (s *Site) consentWas(v *visit, p problem) error {
	query := url.Values{"was": {"general"}}
	if slices.Contains(outcomes, p.key) {
		query.Set("was", p.key)
	} else if p.key == "admin_consent" {
		query.Set("was", "not_admin")
	}
	if p.code != "" {
		query.Set("code", p.code)
	}
	return v.to(consentPath + "?" + query.Encode())
}

// covered reports whether scopes hold all that is needed; those of OpenID itself are not always told.
func covered(need, have []string) bool {
	return !slices.ContainsFunc(need, func(s string) bool {
		return !slices.Contains(openIDScopes, s) && !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, s) })
	})
}
