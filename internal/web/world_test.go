package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/credential"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// A world is Tandem's pages on a real database, in front of the real simulator, without sync running behind.
type world struct {
	t       testing.TB
	late    atomic.Int64 // by how many nanoseconds the pages' clock is ahead
	stopped atomic.Pointer[time.Time]
	sim     *m365sim.Sim
	store   *store.Store
	crm     *crm.CRM
	site    *Site
	live    *fakeLive
	url     string
	org     account.Organization // contoso
	other   account.Organization // fabrikam
	users   map[string]account.User
}

const testSecret = "a secret that is long enough for tests"

func newWorld(t testing.TB, change ...func(*Deps)) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{t: t, live: newFakeLive(), users: map[string]account.User{}}

	w.sim = m365sim.New(m365sim.Options{Seed: 3})
	simServer := httptest.NewServer(w.sim)
	t.Cleanup(func() {
		if mails := w.sim.Mails(); len(mails) > 0 {
			t.Errorf("Exchange would have sent %d mails: %+v", len(mails), mails)
		}
		simServer.Close()
		w.sim.Close()
	})

	var err error
	if w.store, err = store.Open(ctx, "sqlite::memory:", store.Options{SecretKey: testSecret, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	if err := w.store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	w.org, w.other = w.tenant("contoso.example"), w.tenant("fabrikam.example")
	for _, name := range []string{"admin", "adele", "alex"} {
		w.user(w.org, name+"@contoso.example", account.Standard)
	}
	w.user(w.other, "admin@fabrikam.example", account.SuperAdmin)
	admin := w.users["admin@contoso.example"]
	admin.Profile = account.SuperAdmin
	w.must(w.store.Accounts().UpdateUser(ctx, admin))
	w.users[admin.Email] = admin

	accounts := w.store.Accounts()
	w.crm = crm.New(w.store.Records(), func(ctx context.Context, org, id record.ID) (bool, error) {
		u, err := accounts.User(ctx, org, id)
		return err == nil && u.State == account.Active, nil
	}, w.now).WithPictures(w.store.Pictures())

	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	board := &reconcile.Switchboard{Links: w.store.Links(), Choices: w.store.Links(), Now: w.now, Allowed: w.allowed}
	deps := Deps{
		Accounts: accounts, Registry: registryOf(accounts, w.now), Describe: w.describe(simServer.URL), Directory: simDirectory{w}, Elsewhere: &fakeElsewhere{}, Records: w.crm, Edits: w.store.Records(), Tastes: accounts, Fields: crm.NewCustomizer(w.store.Records(), w.now), Links: w.store.Links(), Choices: w.store.Links(), Switch: &fakeSwitch{board}, Previews: fakePreviews{w}, Undo: worldUndo{w}, Imports: w.imports(), Mass: w.mass(), Grants: accounts,
		Live: w.live, LinksIn: w.store.Links().LinksIn, Sessions: w.store.Sessions(),
		Settings: Settings{
			URL: w.url, Authority: simServer.URL, Tenant: "organizations", ClientID: m365sim.DemoClientID,
			Credential: credential.Secret(m365sim.DemoClientSecret), SecretKey: testSecret, SimURL: simServer.URL,
			Edition: account.Enterprise, Mail: true,
		},
		Now: w.now,
	}
	for _, c := range change {
		c(&deps)
	}
	if w.site, err = New(deps); err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = w.site
	server.Start()
	t.Cleanup(server.Close)
	return w
}

// registryOf is the registry as app builds it.
func registryOf(accounts account.Store, now func() time.Time) *account.Registry {
	r := account.NewRegistry(accounts, now)
	if !loadAssets().missing() {
		r.Common = Common
	}
	return r
}

func (w *world) now() time.Time {
	now := time.Now()
	if at := w.stopped.Load(); at != nil {
		now = *at
	}
	return now.Add(time.Duration(w.late.Load()))
}

// stop lets no time go by for the pages but what a test passes: limits let somebody in again as time goes by.
func (w *world) stop() {
	now := time.Now()
	w.stopped.Store(&now)
}

// pass lets time go by for the pages.
func (w *world) pass(d time.Duration) { w.late.Add(int64(d)) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tenant(domain string) account.Organization {
	w.t.Helper()
	tenant := w.sim.Tenant(domain)
	o, err := w.store.Accounts().CreateOrganization(context.Background(), account.Organization{
		Name: tenant.Name, TenantID: tenant.ID, Edition: "enterprise", Zone: "America/Sao_Paulo", Locale: "pt-BR", Created: w.now(),
	})
	w.must(err)
	return o
}

func (w *world) user(org account.Organization, upn string, profile account.Profile) {
	w.t.Helper()
	p := w.sim.Person(upn)
	u, err := w.store.Accounts().CreateUser(context.Background(), account.User{
		Org: org.ID, Email: p.UPN, FirstName: p.GivenName, LastName: p.Surname, Profile: profile, State: account.Active,
		Zone: "America/Sao_Paulo", Created: w.now(), Identity: account.Identity{TenantID: p.TenantID, ObjectID: p.ID},
	})
	w.must(err)
	w.users[upn] = u
}

// describe asks the simulator's Graph with the person's own token, as app does through package outlook.
func (w *world) describe(base string) func(context.Context, account.Secret, account.Arrival) (account.Arrival, error) {
	return func(ctx context.Context, access account.Secret, a account.Arrival) (account.Arrival, error) {
		get := func(path string, into any) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1.0"+path, nil)
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", "Bearer "+access.Reveal())
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return fault.New(fault.Unavailable, "", "describe: %w", err)
			}
			defer res.Body.Close()
			if res.StatusCode >= 500 {
				return fault.New(fault.Unavailable, "", "describe: %s", res.Status)
			}
			return json.NewDecoder(res.Body).Decode(into)
		}
		var me struct{ Mail, GivenName, Surname, UserPrincipalName, UserType, PreferredLanguage string }
		var roles struct {
			Value []struct{ RoleTemplateID string }
		}
		var tenants struct {
			Value []struct{ DisplayName string }
		}
		if err := errors.Join(get("/me?$select=mail,givenName,surname,userPrincipalName,userType,preferredLanguage", &me),
			get("/me/transitiveMemberOf/microsoft.graph.directoryRole", &roles), get("/organization", &tenants)); err != nil {
			return a, err
		}
		a.Email, a.FirstName, a.LastName, a.Username = me.Mail, me.GivenName, me.Surname, me.UserPrincipalName
		a.Guest = me.UserType == "Guest"
		if strings.HasPrefix(me.PreferredLanguage, "pt") {
			a.Locale = "pt-BR"
		}
		for _, r := range roles.Value {
			a.Roles = append(a.Roles, r.RoleTemplateID)
		}
		for _, t := range tenants.Value {
			a.Tenant = t.DisplayName
		}
		return a, nil
	}
}

// allowed is what app asks: whether the stored grant covers the kind.
func (w *world) allowed(ctx context.Context, org, user record.ID, kind record.Kind) error {
	g, err := w.store.Accounts().Grant(ctx, org, user)
	if fault.Is(err, fault.NotFound) || err == nil && !subset(kindScopes[kind], g.Scopes) {
		return fault.New(fault.Denied, fault.ConsentRequired, "not allowed yet")
	}
	if err == nil && g.Broken {
		return fault.New(fault.Denied, fault.ReconnectNeeded, "broken")
	}
	return err
}

// actor is a user as the CRM knows one.
func (w *world) actor(upn string) crm.Actor {
	u, err := w.store.Accounts().User(context.Background(), w.users[upn].Org, w.users[upn].ID)
	w.must(err)
	return crm.Actor{Author: crm.Author{Org: u.Org, User: u.ID}, Zone: u.Zone, Contacts: u.May.Contacts, Events: u.May.Events, MassUpdate: u.May.MassUpdate}
}

// working finds for whom a job works, and asks again whether the person may.
func (w *world) working(may func(account.Permissions) bool) func(ctx context.Context, org, user record.ID) (crm.Actor, error) {
	return func(ctx context.Context, org, user record.ID) (crm.Actor, error) {
		u, err := w.store.Accounts().User(ctx, org, user)
		if err == nil && !may(u.May) {
			err = fault.New(fault.Denied, fault.NotAllowed, "no")
		}
		return crm.Actor{Author: crm.Author{Org: org, User: user}, Zone: "America/Sao_Paulo", Contacts: u.May.Contacts, Events: u.May.Events, MassUpdate: u.May.MassUpdate}, err
	}
}

// contact makes one, owned by the user.
func (w *world) contact(upn string, fields record.Fields) crm.Record {
	w.t.Helper()
	r, err := one(w.crm.Insert(context.Background(), w.actor(upn), record.Contacts, []crm.Draft{{Fields: fields}}))
	w.must(err)
	return r
}

func (w *world) event(upn string, fields record.Fields) crm.Record {
	w.t.Helper()
	r, err := one(w.crm.Insert(context.Background(), w.actor(upn), record.Calendar, []crm.Draft{{Fields: fields}}))
	w.must(err)
	return r
}

// A browser is a client with cookies.
type browser struct {
	w      *world
	client *http.Client
	lang   string
	hidden *sync.Map // url.Values by action: what forms of the accounts page that were shown last bring back by themselves
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &browser{w, &http.Client{Jar: jar, Timeout: patience}, "en", new(sync.Map)}
}

// as is a browser in which the user has signed in, all the way through the simulator.
func (w *world) as(upn string) *browser {
	w.t.Helper()
	b := w.browser()
	got := b.signIn("/", upn)
	if got.path != "/" || got.status != http.StatusOK {
		w.t.Fatalf("signing in as %s ended at %s with %d:\n%s", upn, got.path, got.status, got.text())
	}
	return b
}

// An answer is what a browser came to.
type answer struct {
	status int
	path   string // with the query
	url    *url.URL
	header http.Header
	body   string
}

var tags = regexp.MustCompile(`(?s)<(script|style)[^>]*>.*?</(script|style)>|<[^>]+>`)

// text is what can be read of a page.
func (a answer) text() string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(a.body, " ")), " ")
}

func (b *browser) do(req *http.Request) answer {
	b.w.t.Helper()
	if req.Header.Get("Accept-Language") == "" {
		req.Header.Set("Accept-Language", b.lang)
	}
	res, err := b.client.Do(req)
	b.w.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.w.must(err)
	for _, form := range doorForms.FindAllStringSubmatch(string(body), -1) {
		hidden := url.Values{}
		for _, m := range hiddenOnes.FindAllStringSubmatch(form[2], -1) {
			hidden.Set(m[1], html.UnescapeString(m[2]))
		}
		b.hidden.Store(form[1], hidden)
	}
	return answer{res.StatusCode, res.Request.URL.RequestURI(), res.Request.URL, res.Header, string(body)}
}

func (b *browser) get(path string, header ...string) answer {
	b.w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.address(path), nil)
	b.w.must(err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.do(req)
}

func (b *browser) post(path string, pairs ...string) answer {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	if shown, ok := b.hidden.Load(path); ok {
		for name, values := range shown.(url.Values) {
			if !form.Has(name) {
				form[name] = values
			}
		}
	}
	req, err := http.NewRequest(http.MethodPost, b.address(path), strings.NewReader(form.Encode()))
	b.w.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

func (b *browser) address(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return b.w.url + path
}

// stay keeps the browser from following redirects.
func (b *browser) stay() *browser {
	held := *b.client
	held.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{b.w, &held, b.lang, b.hidden}
}

// signIn goes the way of a person: Tandem, the simulator's sign-in page, its consent page if it comes, and back.
func (b *browser) signIn(next, upn string) answer {
	b.w.t.Helper()
	return b.atMicrosoft(b.get("/signin/microsoft?next="+url.QueryEscape(next)), upn, "accept")
}

// atMicrosoft fills in the simulator's pages until the browser is back.
func (b *browser) atMicrosoft(at answer, upn, consent string) answer {
	b.w.t.Helper()
	for range 4 {
		if strings.HasPrefix(b.w.url, "http://"+at.url.Host) {
			return at
		}
		switch {
		case strings.Contains(at.body, `id="consent"`):
			value := consent
			if strings.Contains(at.body, `value="return"`) {
				value = "return"
			}
			at = b.submit(at, "consent", "consent", value)
		case strings.Contains(at.body, `id="pick"`):
			at = b.submit(at, "pick", "username", upn)
		default:
			b.w.t.Fatalf("the simulator shows something else (%d):\n%s", at.status, at.text())
		}
	}
	b.w.t.Fatalf("the simulator does not let go:\n%s", at.text())
	return at
}

var (
	formAction = `<form id="%s"[^>]*action="([^"]*)"`
	doorForms  = regexp.MustCompile(`(?s)<form id="(?:launch-form|associate-confirm)"[^>]*action="([^"]*)"(.*?)</form>`)
	hiddenOnes = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// submit sends a form of a page of the simulator with one more value.
func (b *browser) submit(at answer, id, name, value string) answer {
	b.w.t.Helper()
	found := regexp.MustCompile(strings.Replace(formAction, "%s", id, 1)).FindStringSubmatchIndex(at.body)
	if found == nil {
		b.w.t.Fatalf("no form %q in:\n%s", id, at.body)
	}
	target, err := at.url.Parse(html.UnescapeString(at.body[found[2]:found[3]]))
	b.w.must(err)
	form := url.Values{name: {value}}
	rest, _, _ := strings.Cut(at.body[found[0]:], "</form>")
	for _, m := range hiddenOnes.FindAllStringSubmatch(rest, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	req, err := http.NewRequest(http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	b.w.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

// fakeSwitch is reconcile's switchboard, as app hands it over.
type fakeSwitch struct{ *reconcile.Switchboard }

func (f *fakeSwitch) Allowed(ctx context.Context, u account.User, kind record.Kind) error {
	return f.Switchboard.Allowed(ctx, u.Org, u.ID, kind)
}
func (f *fakeSwitch) On(ctx context.Context, u account.User, kind record.Kind) (*reconcile.Link, error) {
	return f.Switchboard.On(ctx, u.Org, u.ID, kind)
}
func (f *fakeSwitch) Set(ctx context.Context, u account.User, kind record.Kind, change func(*reconcile.Wish)) error {
	return f.Switchboard.Set(ctx, u.Org, u.ID, kind, change)
}
func (f *fakeSwitch) Off(ctx context.Context, u account.User, id reconcile.LinkID) error {
	return f.Switchboard.Off(ctx, u.Org, u.ID, id)
}
func (f *fakeSwitch) Run(ctx context.Context, u account.User, id reconcile.LinkID) error {
	return f.Switchboard.Run(ctx, u.Org, u.ID, id)
}
func (f *fakeSwitch) Answer(ctx context.Context, u account.User, id reconcile.LinkID, yes bool) error {
	return f.Switchboard.Answer(ctx, u.Org, u.ID, id, yes)
}

// worldUndo undoes as app does, and runs at once.
type worldUndo struct{ w *world }

func (u worldUndo) undoer() *reconcile.Undoer {
	return &reconcile.Undoer{
		Undos: u.w.store.Links(), Link: u.w.store.Links().Link, Now: u.w.now,
		Hand: func(ctx context.Context, org, user record.ID, kind record.Kind) (reconcile.Hand, error) {
			who, err := u.w.store.Accounts().User(ctx, org, user)
			return u.w.crm.Hand(crm.Actor{Author: crm.Author{Org: org, User: user}, Zone: who.Zone, Contacts: who.May.Contacts, Events: who.May.Events}, kind), err
		},
	}
}

func (u worldUndo) Line(ctx context.Context, user account.User, link *reconcile.Link, line reconcile.HistoryEntry) (reconcile.Undoing, error) {
	return u.undoer().Line(ctx, user.Org, user.ID, link, line)
}

func (u worldUndo) Begin(ctx context.Context, user account.User, link *reconcile.Link, run int64) (string, error) {
	undo, err := u.w.store.Links().BeginUndo(ctx, reconcile.UndoRun{
		ID: fmt.Sprintf("undo-%d-%d", link.ID, run), Org: user.Org, User: user.ID, Link: link.ID, Kind: link.Kind, Run: run, Asked: u.w.now(), Touched: u.w.now(),
	})
	if err != nil {
		return "", err
	}
	return undo.ID, u.undoer().Work(ctx, undo.ID)
}

// fakeLive passes on what a test says.
type fakeLive struct {
	mu   sync.Mutex
	open map[record.ID][]chan Event
}

func newFakeLive() *fakeLive { return &fakeLive{open: map[record.ID][]chan Event{}} }

func (l *fakeLive) Subscribe(org record.ID) (<-chan Event, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := make(chan Event, 64)
	l.open[org] = append(l.open[org], events)
	return events, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.open[org] = slices.DeleteFunc(l.open[org], func(c chan Event) bool { return c == events })
	}
}

// say passes on events, all at once.
func (l *fakeLive) say(org record.ID, events ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open[org] {
		for _, e := range events {
			select {
			case c <- e:
			default: // a slow reader misses some, as Live says
			}
		}
	}
}

func (l *fakeLive) listeners(org record.ID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open[org])
}

// fakePreviews make previews at once: of nothing but what a test says.
type fakePreviews struct{ w *world }

func (f fakePreviews) Begin(ctx context.Context, u account.User, kind record.Kind, link *reconcile.Link, occasion reconcile.Occasion, settings reconcile.Settings) (string, error) {
	p := reconcile.Preview{
		ID: fmt.Sprintf("preview-of-%s-%s-%d", kind, occasion, u.ID), Org: u.Org, User: u.ID, Kind: kind, Occasion: occasion, Settings: settings,
		Begun: f.w.now(), Touched: f.w.now(), State: reconcile.Rehearsing,
	}
	if link != nil {
		p.Link = link.ID
	}
	return p.ID, f.w.store.Links().BeginPreview(ctx, p)
}

func (f fakePreviews) Preview(ctx context.Context, org, user record.ID, id string) (reconcile.Preview, error) {
	return f.w.store.Links().Preview(ctx, org, user, id)
}

func (f fakePreviews) PreviewLines(ctx context.Context, org, user record.ID, id string, group reconcile.Group, after, limit int) ([]reconcile.Line, int, error) {
	return f.w.store.Links().PreviewLines(ctx, org, user, id, group, after, limit)
}

// preview is one of a user's that is complete.
func (w *world) preview(upn string, kind record.Kind, occasion reconcile.Occasion, lines ...reconcile.Line) string {
	w.t.Helper()
	ctx, u := context.Background(), w.users[upn]
	id, err := fakePreviews{w}.Begin(ctx, u, kind, nil, occasion, reconcile.Settings{})
	w.must(err)
	w.finish(u, id, lines...)
	return id
}

// finish completes a preview.
func (w *world) finish(u account.User, id string, lines ...reconcile.Line) {
	w.t.Helper()
	ctx := context.Background()
	p, err := w.store.Links().Preview(ctx, u.Org, u.ID, id)
	w.must(err)
	p.State, p.Summary = reconcile.Rehearsed, reconcile.Summary{Counts: map[reconcile.Group]int{}, Compared: len(lines)}
	for _, l := range lines {
		p.Summary.Counts[l.Group]++
	}
	w.must(w.store.Links().KeepPreview(ctx, p, p.Touched, 1, lines))
}
