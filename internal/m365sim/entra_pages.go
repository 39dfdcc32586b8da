package m365sim

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// signInShown is how many accounts the picker lists; the search finds the others.
const signInShown = 25

// entraPage is what all pages of the sign-in side share.
type entraPage struct {
	layout
	App    string
	Action string // where the page's form goes: the same request again
	Params []param
}

// param is a hidden field that carries the app's request along.
type param struct{ Name, Value string }

type signInPage struct {
	entraPage
	Username string // of login_hint
	Problem  string
	Query    string
	Accounts []accountRow
	More     int
}

type accountRow struct {
	UPN, Name, Initials, JobTitle, Role string
	SignedIn, Guest, Disabled           bool
}

type consentRow struct {
	Name, Words string
	Admin       bool
}

type consentPage struct {
	entraPage
	Account         accountRow
	Tenant          string
	Who             string // sealed
	Rows, AppRows   []consentRow
	MayForAll       bool // a box to allow it for everybody
	ForOrganization bool // the page is about everybody anyway
	Back            string
}

type entraErrorPage struct {
	entraPage
	Code, Text string
	Back       string // sign in with another account; empty: no way on
}

type formPostPage struct {
	entraPage
	Fields []param
}

func (s *Sim) entraPage(r *http.Request, req authorizeRequest, title string) entraPage {
	p := entraPage{layout: newLayout(r, title), App: req.app.Name, Action: r.URL.Path}
	p.Narrow = true
	if len(req.params) > 0 {
		p.Action += "?" + req.params.Encode()
		for _, name := range authorizeParams {
			if req.params.Has(name) {
				p.Params = append(p.Params, param{name, req.params.Get(name)})
			}
		}
		again := maps.Clone(req.params)
		again.Set("lang", string(otherLocale(p.Lang)))
		p.Other = r.URL.Path + "?" + again.Encode()
	}
	return p
}

// signInPage asks who it is. A login_hint fills the address in; the list below holds the well-known people
// and, with a search, everybody.
func (s *Sim) signInPage(w http.ResponseWriter, r *http.Request, req authorizeRequest, problem string) {
	p := signInPage{entraPage: s.entraPage(r, req, "Sign in"), Problem: problem, Query: strings.TrimSpace(r.Form.Get("q"))}
	p.Username = req.loginHint
	if who := s.Person(req.loginHint); who != nil {
		p.Username = who.UPN
	}
	if problem != "" && r.PostForm.Get("username") != "" {
		p.Username = r.PostForm.Get("username")
	}
	signedIn := s.sessionOf(r)
	var people []*Person
	if p.Query == "" {
		for _, one := range signedIn {
			if req.audience.admits(one) == nil {
				people = append(people, one)
			}
		}
	}
	people, p.More = s.toPickFrom(req.audience, p.Query, people)
	for _, one := range people {
		row := rowOf(one)
		row.SignedIn = contains(signedIn, one)
		p.Accounts = append(p.Accounts, row)
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	render(w, r, status, "signin", p)
}

// toPickFrom lists people to choose from: those in front first, then whom a search finds, as many as a page shows. more is
// how many it leaves out.
func (s *Sim) toPickFrom(a audience, query string, front []*Person) (shown []*Person, more int) {
	shown = slices.Clone(front)
	for _, p := range s.audiencePeople(a) {
		if !matches(p, query) || contains(front, p) {
			continue
		}
		if len(shown) < signInShown {
			shown = append(shown, p)
		} else {
			more++
		}
	}
	if extra := len(shown) - signInShown; extra > 0 { // more are signed in than a page shows
		shown, more = shown[:signInShown], more+extra
	}
	return shown, more
}

func contains(people []*Person, p *Person) bool {
	for _, one := range people {
		if one.ID == p.ID {
			return true
		}
	}
	return false
}

// matches finds each word of a query in a person's name and addresses.
func matches(p *Person, query string) bool {
	text := strings.ToLower(p.DisplayName + " " + p.UPN + " " + p.Mail)
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func rowOf(p *Person) accountRow {
	row := accountRow{UPN: p.UPN, Name: p.DisplayName, Initials: initials(p.DisplayName), JobTitle: p.JobTitle,
		Guest: p.UserType == "Guest", Disabled: !p.AccountEnabled}
	if len(p.Roles) > 0 {
		row.Role = roleNames[p.Roles[0]]
	}
	return row
}

// consentPage asks one person about what the app lacks.
func (s *Sim) consentPage(w http.ResponseWriter, r *http.Request, req authorizeRequest, p *Person, lacking []string) {
	c := s.consentFor(r, req, p, "Permissions requested")
	c.Rows = consentRows(c.Lang, lacking)
	c.MayForAll = grantsDelegated(p)
	render(w, r, http.StatusOK, "consent", c)
}

// adminConsentPage asks an administrator about the app for everybody.
func (s *Sim) adminConsentPage(w http.ResponseWriter, r *http.Request, req authorizeRequest, p *Person) {
	c := s.consentFor(r, req, p, "Permissions for your organization")
	c.Rows = consentRows(c.Lang, req.scopes)
	if req.scope.isDefault {
		c.AppRows = consentRows(c.Lang, req.app.AppPermissions)
	}
	c.ForOrganization = true
	render(w, r, http.StatusOK, "consent", c)
}

// adminNeededPage tells a person that only an administrator can go on.
func (s *Sim) adminNeededPage(w http.ResponseWriter, r *http.Request, req authorizeRequest, p *Person, lacking []string) {
	c := s.consentFor(r, req, p, "Need admin approval")
	c.Rows = consentRows(c.Lang, lacking)
	c.Back = otherAccount(r, req)
	render(w, r, http.StatusForbidden, "adminneeded", c)
}

func (s *Sim) consentFor(r *http.Request, req authorizeRequest, p *Person, title string) consentPage {
	c := consentPage{entraPage: s.entraPage(r, req, title), Account: rowOf(p), Who: s.openConsentFor(req, p)}
	if t := s.Tenant(p.TenantID); t != nil {
		c.Tenant = t.Name
	}
	return c
}

// consentRows says permissions in words.
func consentRows(l locale, names []string) []consentRow {
	var rows []consentRow
	for _, name := range names {
		p, ok := findPermission(name)
		if !ok {
			continue
		}
		words := p.en
		if l == portuguese {
			words = p.pt
		}
		rows = append(rows, consentRow{p.name, words, p.adminOnly})
	}
	return rows
}

// entraErrorPage shows a refusal that may not travel to the app, with its number.
func (s *Sim) entraErrorPage(w http.ResponseWriter, r *http.Request, req authorizeRequest, e *oauthError) {
	p := entraErrorPage{entraPage: s.entraPage(r, req, "Sorry, we cannot sign you in"), Code: "AADSTS" + itoa(e.aadsts), Text: e.text}
	if req.redirect != "" {
		p.Back = otherAccount(r, req)
	}
	render(w, r, e.status, "entraerror", p)
}

// otherAccount is the same request, for somebody else.
func otherAccount(r *http.Request, req authorizeRequest) string {
	again := maps.Clone(req.params)
	again.Set("prompt", "select_account")
	again.Del("login_hint")
	return r.URL.Path + "?" + again.Encode()
}

// formPostPage is response_mode=form_post: a form that sends itself, or waits for a click where there is no script.
func (s *Sim) formPostPage(w http.ResponseWriter, r *http.Request, req authorizeRequest, answer url.Values) {
	p := formPostPage{entraPage: s.entraPage(r, req, "Back to the app")}
	p.Action = req.redirect
	for name := range answer {
		p.Fields = append(p.Fields, param{name, answer.Get(name)})
	}
	render(w, r, http.StatusOK, "formpost", p)
}

func (s *Sim) signedOutPage(w http.ResponseWriter, r *http.Request) {
	p := entraPage{layout: newLayout(r, "You signed out")}
	p.Narrow = true
	render(w, r, http.StatusOK, "signedout", p)
}
