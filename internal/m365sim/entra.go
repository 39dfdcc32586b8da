package m365sim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The app registration that is there from the start, for `tandem demo` and for tests. The secret is no
// secret: it opens nothing but this simulator.
const (
	DemoClientID     = "7a8d0e7e-3c1b-4b1e-9a53-1a4de7a0365d"
	DemoClientSecret = "tandem~demo~secret~for~the~simulator"
)

// An App is an app registration of Entra ID, known in all tenants.
type App struct {
	ClientID string // a GUID
	Secret   string // empty, and no certificate: a public client, which proves nothing but PKCE
	Name     string // what the sign-in and consent pages call it

	// Certificates, in DER, that the app may sign proofs with in place of the secret.
	Certificates [][]byte

	// RedirectURIs are compared exactly, but for the port of a loopback address: http://localhost/x and
	// http://127.0.0.1:*/x admit any.
	RedirectURIs []string

	Permissions    []string // delegated ones that .default stands for
	AppPermissions []string // application ones that an administrator grants with .default

	EmitsRoles      bool // ID tokens carry wids (groupMembershipClaims "DirectoryRole" in the manifest)
	SecretExpired   bool // the token endpoint answers AADSTS7000222
	WithholdRefresh bool // no refresh tokens, whatever was asked
}

// What is not modelled: implicit and hybrid flows, device codes, federated credentials, passwords and
// second factors (RequireInteraction gives their effect), who is assigned to an app, personal accounts, and the
// time that a consent takes to reach every service.

// entraState is what the sign-in side remembers. Tokens are not in it: they carry what they stand for
// (entra_grant.go), so that they outlive the process.
type entraState struct {
	sealer sealer

	mu             sync.Mutex
	apps           map[string]App            // by lower-case client id
	keys           []signingKey              // the first one signs, all are published
	codes          map[string]*authCode      // those given in the last minutes, redeemed ones too
	consents       map[consentKey][]string   // what a person allowed an app
	adminConsents  map[consentKey]adminGrant // what an administrator allowed an app, by tenant
	userConsentOff map[string]bool           // by tenant
	interaction    map[string]bool           // by oid: a refresh is answered interaction_required
	epochs         map[string]int            // by oid, by oid + client id, and of everybody: grants of an older one are void
	rotateStrictly bool
	spent          map[string]bool // refresh tokens used since rotateStrictly
	open           map[string]*openGrant
	appURL         string // where Tandem's tile in the list of apps leads
}

// consentKey is a person or a tenant, and an app.
type consentKey struct{ who, clientID string }

// adminGrant is a consent for a whole tenant.
type adminGrant struct{ scopes, roles []string }

func (s *Sim) entraInit() {
	e := &s.entra
	e.sealer = newSealer(strconv.FormatUint(s.seed, 10))
	e.apps = map[string]App{}
	e.forget()
	s.RegisterApp(App{
		ClientID: DemoClientID, Secret: DemoClientSecret, Name: "Tandem",
		RedirectURIs: []string{
			"http://127.0.0.1:*/auth/microsoft/callback",
			"http://localhost:*/auth/microsoft/callback",
		},
		Permissions: []string{
			"openid", "profile", "email", "offline_access", "User.Read", "User.ReadBasic.All", "User.Read.All",
			"Calendars.ReadWrite", "Contacts.ReadWrite", "MailboxSettings.Read",
		},
		AppPermissions: []string{"User.Read.All", "Calendars.ReadWrite", "Contacts.ReadWrite", "MailboxSettings.Read"},
		EmitsRoles:     true,
	})
}

// forget empties everything that happened since the start, but not the app registrations.
// The caller holds e.mu or is alone.
func (e *entraState) forget() {
	e.codes = map[string]*authCode{}
	e.consents = map[consentKey][]string{}
	e.adminConsents = map[consentKey]adminGrant{}
	e.userConsentOff = map[string]bool{}
	e.interaction = map[string]bool{}
	if e.epochs == nil {
		e.epochs = map[string]int{}
	}
	e.rotateStrictly = false
	e.spent = map[string]bool{}
	e.open = map[string]*openGrant{}
}

// entraRoutes registers the OIDC sign-in. It has a mux of its own, because its paths begin with a wildcard
// where those of Graph begin with a version.
func (s *Sim) entraRoutes(outer *http.ServeMux) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.openidConfiguration)
	mux.HandleFunc("GET /{tenant}/discovery/v2.0/keys", s.jsonWebKeys)
	mux.HandleFunc("GET /{tenant}/oauth2/v2.0/authorize", s.authorize)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/authorize", s.authorize)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.token)
	mux.HandleFunc("GET /{tenant}/oauth2/v2.0/logout", s.logout)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/logout", s.logout)
	for _, path := range []string{"/{tenant}/v2.0/adminconsent", "/{tenant}/adminconsent"} {
		mux.HandleFunc("GET "+path, s.adminConsent)
		mux.HandleFunc("POST "+path, s.adminConsent)
	}
	mux.HandleFunc("GET /oidc/userinfo", s.userinfo)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.log.Warn("m365sim: no such address", "method", r.Method, "path", r.URL.Path)
		http.Error(w, "m365sim: nothing answers "+r.Method+" "+r.URL.Path, http.StatusNotFound)
	})
	outer.Handle("/{tenant}/", mux)
}

// RegisterApp adds an app registration, or replaces the one with the same client id.
func (s *Sim) RegisterApp(app App) {
	app.RedirectURIs, app.Certificates = slices.Clone(app.RedirectURIs), slices.Clone(app.Certificates)
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	s.entra.apps[strings.ToLower(app.ClientID)] = app
}

// EditApp changes an app registration: a new secret, one that has expired. It reports whether there is one.
func (s *Sim) EditApp(clientID string, edit func(*App)) bool {
	app, ok := s.app(clientID)
	if ok {
		edit(&app)
		app.ClientID = clientID
		s.RegisterApp(app)
	}
	return ok
}

func (s *Sim) app(clientID string) (App, bool) {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	app, ok := s.entra.apps[strings.ToLower(clientID)]
	return app, ok
}

// isPublic reports whether the app has nothing to prove itself by.
func (a App) isPublic() bool { return a.Secret == "" && len(a.Certificates) == 0 }

// allowsRedirect compares a redirect address with the registered ones.
func (a App) allowsRedirect(uri string) bool {
	return slices.ContainsFunc(a.RedirectURIs, func(registered string) bool { return redirectMatches(registered, uri, true) })
}

// allowsReturn is for addresses after signing out: any page of a registered host.
func (a App) allowsReturn(uri string) bool {
	return slices.ContainsFunc(a.RedirectURIs, func(registered string) bool { return redirectMatches(registered, uri, false) })
}

func redirectMatches(registered, uri string, wholePath bool) bool {
	if registered == uri {
		return true
	}
	anyPort := strings.Contains(registered, ":*")
	want, err := url.Parse(strings.Replace(registered, ":*", "", 1))
	if err != nil {
		return false
	}
	got, err := url.Parse(uri)
	if err != nil || got.User != nil || got.Fragment != "" || got.Scheme != want.Scheme || got.Hostname() != want.Hostname() {
		return false
	}
	loopback := want.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, want.Hostname())
	if got.Port() != want.Port() && !(loopback && (anyPort || want.Port() == "")) {
		return false
	}
	return !wholePath || got.EscapedPath() == want.EscapedPath() && got.RawQuery == want.RawQuery
}

// An audience is what the first segment of a path says about who may sign in there.
type audience struct {
	tenant *Tenant // nil: people of any organization
	word   string  // as written: "organizations", "common", or the tenant's id
}

// audienceOf reads the first segment. Personal accounts have no home here, so "consumers" is unknown.
func (s *Sim) audienceOf(r *http.Request) (audience, bool) {
	word := r.PathValue("tenant")
	if word == "organizations" || word == "common" {
		return audience{word: word}, true
	}
	t := s.Tenant(word)
	if t == nil {
		return audience{}, false
	}
	return audience{tenant: t, word: t.ID}, true
}

// admits says whether a person may sign in there, else why not.
func (a audience) admits(p *Person) *oauthError {
	switch {
	case a.tenant != nil && p.TenantID != a.tenant.ID:
		return refuse(errForeignAccount, p.UPN, a.tenant.Name)
	case a.tenant == nil && p.UserType == "Guest":
		// A guest's own organization is elsewhere: only the path with the inviting tenant's id reaches
		// the guest's account here.
		return refuse(errForeignAccount, p.UPN, "any organization here")
	case !p.AccountEnabled:
		return refuse(errAccountDisabled)
	}
	return nil
}

// audiencePeople lists who may be picked at the sign-in page, the well-known ones first: the crowd of a large tenant would
// hide the next tenant's people.
func (s *Sim) audiencePeople(a audience) []*Person {
	if a.tenant != nil {
		return s.Tenant(a.tenant.ID).People()
	}
	var known, crowd []*Person
	for _, t := range s.Tenants() {
		for _, p := range t.People() {
			switch {
			case p.UserType == "Guest":
			case crowdKey(p) == "1":
				known = append(known, p)
			default:
				crowd = append(crowd, p)
			}
		}
	}
	return append(known, crowd...)
}

func crowdKey(p *Person) string {
	if strings.HasPrefix(p.UPN, "person") {
		return "2"
	}
	return "1"
}

// SetUserConsent says whether people of a tenant may let apps read their own data without an administrator.
func (s *Sim) SetUserConsent(tenant string, allowed bool) {
	if t := s.Tenant(tenant); t != nil {
		s.entra.mu.Lock()
		defer s.entra.mu.Unlock()
		s.entra.userConsentOff[t.ID] = !allowed
	}
}

// SetRotateStrictly makes a refresh token good for one use only. Entra itself leaves the old one valid.
func (s *Sim) SetRotateStrictly(strict bool) {
	s.entra.mu.Lock()
	defer s.entra.mu.Unlock()
	s.entra.rotateStrictly = strict
	clear(s.entra.spent)
}

// RequireInteraction makes each refresh of a person's tokens answer interaction_required, as conditional
// access would, until that person signs in at the page again.
func (s *Sim) RequireInteraction(upn string) {
	if p := s.Person(upn); p != nil {
		s.entra.mu.Lock()
		defer s.entra.mu.Unlock()
		s.entra.interaction[p.ID] = true
	}
}

// lifetimes of what the sign-in side hands out (fact sheet §10.2, §10.3).
const (
	codeLife    = 10 * time.Minute
	refreshLife = 90 * 24 * time.Hour
	idTokenLife = time.Hour
	consentLife = 15 * time.Minute // how long the consent page may lie open
)
