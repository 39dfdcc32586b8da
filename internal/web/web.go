// Package web shows Tandem to people: pages rendered on the server, made live by a little script, in Portuguese and
// English. It parses what a person sends, asks the heart one question, fills a page's struct and renders it.
//
// Rules stay in crm, account and reconcile; who may enter which page stands in one table (routes.go); the dance with
// Microsoft's sign-in is oidc.go, signin.go and connect.go. Health, metrics, the REST APIs and the webhook are left to
// others, who share the mux.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-webauthn/webauthn/webauthn"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// Deps is what the pages need of the world. All of it must be given, but for Ended, HTTP, Now and Logger.
type Deps struct {
	Accounts  account.Store
	Registry  *account.Registry // the rules about accounts
	Directory Directory
	Elsewhere Elsewhere // nil: there are no other calendars
	Records   Records
	Edits     Edits
	Tastes    Tastes
	Fields    Fields
	Links     Links
	Choices   reconcile.Choices
	Switch    Switch
	Previews  Previews
	Undo      Undo
	Imports   Imports
	Mass      MassUpdates
	Grants    Grants
	Live      Live
	Sessions  scs.Store // a CtxStore is used as one
	Settings  Settings

	// Describe completes what an ID token tells of a person by what Graph answers to the person's own access token:
	// names, addresses, whether a guest, the tenant's name, the directory roles. What Graph will not tell stays as it is.
	Describe func(ctx context.Context, access account.Secret, a account.Arrival) (account.Arrival, error)

	// Expressible says why Microsoft 365 has no words for a rule in an event that starts at a wall time (Invalid); nil: it has.
	// Left out, pages do not ask.
	Expressible func(rule recur.Rule, start time.Time) error

	// LinksIn lists the organization's links that are not Off.
	LinksIn func(ctx context.Context, org record.ID) ([]reconcile.Link, error)

	// Ended lists a user's links that are Off, the latest of each kind, so that a card can say why one ended by itself.
	// nil: cards don't say it.
	Ended func(ctx context.Context, org, user record.ID) ([]reconcile.Link, error)

	Pace *account.Pace // bounds what one person asks for; nil: a sensible one

	HTTP   *http.Client // for the sign-in service; nil: a client with a cut-off of 15 s
	Now    func() time.Time
	Logger *slog.Logger
}

// Settings are the operator's, checked before they come here.
type Settings struct {
	URL        string // public address of Tandem, without a slash at the end
	Authority  string // https://login.microsoftonline.com
	Tenant     string // "organizations", or the one tenant's id or domain
	ClientID   string
	Credential Credential
	EveryScope string         // stands for all permissions at Graph, whose address differs between clouds; "": the global one's
	SecretKey  account.Secret // seals what is left with the browser; 16 bytes or more

	Edition        account.Edition // of new organizations
	TrustedProxies []netip.Prefix  // whose X-Forwarded-For is believed
	Mail           bool            // letters can be sent

	// CredentialEnds is when Entra stops taking what Tandem proves itself with; zero: not known.
	CredentialEnds time.Time

	Demo   bool   // against the simulator: says so on every page
	SimURL string // of Demo: where people find the simulator
}

// A Credential proves to the sign-in service that we are the registered app: it adds the proof to a form that goes to a
// token endpoint.
type Credential interface {
	Authenticate(form url.Values, tokenEndpoint string) error
}

// secure reports whether browsers reach Tandem by https.
func (s Settings) secure() bool { return strings.HasPrefix(s.URL, "https://") }

// authorityOrigin is scheme and host of the sign-in service.
func (s Settings) authorityOrigin() string {
	u, err := url.Parse(s.Authority)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Elsewhere are a person's other calendars at Microsoft, as the person's own grant shows them.
type Elsewhere interface {
	// Calendars lists them, but for the dedicated ones. Denied with reason ConsentRequired or ReconnectNeeded: the person
	// must go to Microsoft first.
	Calendars(ctx context.Context, user account.User) ([]OtherCalendar, error)
	// Busy tells when the person is busy by some of them. It may be a minute old.
	Busy(ctx context.Context, user account.User, calendars []record.Ref, from, to time.Time) ([]BusyTime, error)
}

// OtherCalendar is a calendar that does not take part in sync.
type OtherCalendar struct {
	ID   record.Ref
	Name string
	// Fit says that it may take the place of the dedicated one: it is the person's own and can be written to.
	Fit     bool
	Default bool // the one that new events land in
}

// BusyTime is a time that is taken, by whatever it may be. Of an all-day one only the days count, the last not included.
type BusyTime struct {
	From, To time.Time // UTC
	AllDay   bool
	ShowAs   string // a value of the field Show_As
}

// Directory is the tenant's directory, as the grant of a signed-in user shows it.
type Directory interface {
	// Search lists people whose name or address begins with the text, a page at a time: after is "" or what came with
	// the page before; more is "" on the last one. Denied with reason ConsentRequired or ReconnectNeeded: the user must
	// go to Microsoft first.
	Search(ctx context.Context, user account.User, begins, after string) (people []account.DirectoryPerson, more string, err error)
	// Lookup finds people by object id, at most account.MaxInvitees; those who are not there are left out.
	Lookup(ctx context.Context, user account.User, ids []string) ([]account.DirectoryPerson, error)
}

// Records are contacts and events. *crm.CRM fits it; what an actor may not see does not exist for the actor.
type Records interface {
	Schema(ctx context.Context, org record.ID, kind record.Kind) (*record.Schema, error)
	List(ctx context.Context, a crm.Actor, kind record.Kind, q crm.Query) ([]crm.Record, error)
	Count(ctx context.Context, a crm.Actor, kind record.Kind, q crm.Query) (int, error)
	IDs(ctx context.Context, a crm.Actor, kind record.Kind, q crm.Query) ([]record.ID, error)
	Get(ctx context.Context, a crm.Actor, kind record.Kind, id record.ID) (crm.Record, error)
	ByID(ctx context.Context, a crm.Actor, kind record.Kind, ids ...record.ID) (map[record.ID]crm.Record, error)
	Insert(ctx context.Context, a crm.Actor, kind record.Kind, drafts []crm.Draft) ([]crm.Result, error)
	Update(ctx context.Context, a crm.Actor, kind record.Kind, drafts []crm.Draft) ([]crm.Result, error)
	Delete(ctx context.Context, a crm.Actor, kind record.Kind, drafts []crm.Draft) ([]crm.Result, error)
	Restore(ctx context.Context, a crm.Actor, kind record.Kind, ids []record.ID) ([]crm.Result, error)
	Destroy(ctx context.Context, a crm.Actor, kind record.Kind, ids []record.ID) ([]crm.Result, error)
	TellApart(ctx context.Context, a crm.Actor, ids []record.ID) error
	NotApart(ctx context.Context, a crm.Actor, ids []record.ID) error
	ToldApart(ctx context.Context, a crm.Actor, owner record.ID, limit, offset int) ([]crm.Apart, error)
	Duplicates(ctx context.Context, a crm.Actor, owner record.ID, by crm.DuplicateBy, after string, limit int) ([]crm.Likeness, error)
	Merge(ctx context.Context, a crm.Actor, m crm.Merge) (crm.Record, error)
	Revise(ctx context.Context, a crm.Actor, d crm.SeriesDraft) (crm.SeriesOutcome, error)
	TakeBack(ctx context.Context, a crm.Actor, u crm.Undo) (crm.Record, error)
	WouldMail(ctx context.Context, a crm.Actor, before crm.Record, deed crm.Deed, d crm.Draft) (crm.Mail, error)
	Agree(ctx context.Context, a crm.Actor, id record.ID, version int64, consent crm.Consent) (crm.Record, error)

	Picture(ctx context.Context, a crm.Actor, id record.ID) (image []byte, name record.Value, err error)
	SetPicture(ctx context.Context, a crm.Actor, id record.ID, raw []byte) (crm.Record, error)
	TakePicture(ctx context.Context, a crm.Actor, id record.ID, name record.Value) (crm.Record, error)
	RemovePicture(ctx context.Context, a crm.Actor, id record.ID) (crm.Record, error)
}

// Edits tell what people changed in contacts one by one. store.Records fits it.
type Edits interface {
	// Edits lists what became of a contact before a moment (zero: all of it), the latest first.
	Edits(ctx context.Context, org, id record.ID, before time.Time, limit int) ([]crm.Edit, error)
}

// Tastes keep what people want pages to be like. store.Accounts fits it.
type Tastes interface {
	// Tastes are a user's, by name.
	Tastes(ctx context.Context, org, user record.ID) (map[string]string, error)
	// SetTaste keeps one; "" forgets it. Invalid: there are too many.
	SetTaste(ctx context.Context, org, user record.ID, name, value string) error
}

// Fields makes and changes the organization's own fields. *crm.Customizer fits it.
type Fields interface {
	All(ctx context.Context, org record.ID, kind record.Kind) ([]crm.CustomField, error)
	One(ctx context.Context, org record.ID, kind record.Kind, id record.ID) (f crm.CustomField, values int, err error)
	Make(ctx context.Context, by crm.Author, kind record.Kind, d crm.FieldDraft) (crm.CustomField, error)
	Change(ctx context.Context, by crm.Author, kind record.Kind, id record.ID, d crm.FieldDraft) (crm.CustomField, error)
	Retire(ctx context.Context, by crm.Author, kind record.Kind, id record.ID) (crm.CustomField, error)
	Revive(ctx context.Context, by crm.Author, kind record.Kind, id record.ID) (crm.CustomField, error)
	Destroy(ctx context.Context, by crm.Author, kind record.Kind, id record.ID) (crm.CustomField, error)
}

// Grants keep what Microsoft gave us to act for a person. account.Store fits it.
type Grants interface {
	Grant(ctx context.Context, org, user record.ID) (account.Grant, error)
	SaveGrant(ctx context.Context, g account.Grant) error
}

// Links tell how sync stands. reconcile.Links fits it.
type Links interface {
	Link(ctx context.Context, org record.ID, id reconcile.LinkID) (*reconcile.Link, error)
	LinksOf(ctx context.Context, org, user record.ID) ([]reconcile.Link, error)
	CalendarsOf(ctx context.Context, org record.ID, users ...record.ID) (map[record.ID]reconcile.LinkState, error)
	ChangeSettings(ctx context.Context, org record.ID, id reconcile.LinkID, policy reconcile.Policy, table *mapping.Table) error
	Retry(ctx context.Context, org record.ID, id reconcile.LinkID, refs ...record.Ref) error
	History(ctx context.Context, org record.ID, id reconcile.LinkID, before int64, limit int) ([]reconcile.HistoryEntry, error)
	Lines(ctx context.Context, org record.ID, q reconcile.HistoryQuery) ([]reconcile.HistoryEntry, error)
	LinksEver(ctx context.Context, org, user record.ID, kind record.Kind) ([]reconcile.LinkID, error)
	RunWork(ctx context.Context, org record.ID, id reconcile.LinkID, run int64) (reconcile.RunWork, error)
	UndoneOf(ctx context.Context, org record.ID, lines []int64) (map[int64]reconcile.UndoneLine, error)
	TheUndo(ctx context.Context, id string) (reconcile.UndoRun, error)
	Hours(ctx context.Context, org record.ID, ids []reconcile.LinkID, since time.Time) ([]reconcile.HourWork, error)
	Records(ctx context.Context, org record.ID, id reconcile.LinkID, state string, offset, limit int) ([]reconcile.RecordState, error)
	Standing(ctx context.Context, org record.ID, id reconcile.LinkID) (reconcile.Standing, error)
	RecordsOf(ctx context.Context, org record.ID, kind record.Kind, refs []record.Ref) (map[record.Ref]reconcile.RecordState, error)
	Asks(ctx context.Context, org record.ID, id reconcile.LinkID, offset, limit int) ([]reconcile.Question, error)
	LeftOut(ctx context.Context, org record.ID, id reconcile.LinkID, offset, limit int) ([]reconcile.Question, error)
	TakeBack(ctx context.Context, org record.ID, id reconcile.LinkID, item record.Ref) error
	Decide(ctx context.Context, org record.ID, id reconcile.LinkID, item record.Ref, answer reconcile.Ask) error
}

// Undo takes back what sync did.
type Undo interface {
	// Line undoes one line of a link of the user's, and says what came of it.
	Line(ctx context.Context, user account.User, link *reconcile.Link, line reconcile.HistoryEntry) (reconcile.Undoing, error)
	// Begin asks for the undo of a run and returns its id; that of the one under way, if there is one.
	Begin(ctx context.Context, user account.User, link *reconcile.Link, run int64) (string, error)
}

// Switch turns a person's sync on and off.
type Switch interface {
	// Allowed reports with a fault why a kind cannot be switched on now: see On.
	Allowed(ctx context.Context, user account.User, kind record.Kind) error
	// On switches a kind on, or lets a Paused link run again. Denied with reason ConsentRequired or ReconnectNeeded:
	// the person must go to Microsoft first. Conflict: it is on already.
	On(ctx context.Context, user account.User, kind record.Kind) (*reconcile.Link, error)
	// Set changes what the person wants of a kind, of the link that there is and of those to come. Invalid: the mapped
	// fields do not go together with it. Conflict: it is being switched off.
	Set(ctx context.Context, user account.User, kind record.Kind, change func(*reconcile.Wish)) error
	// Off starts switching off: a last read, then the container is removed.
	Off(ctx context.Context, user account.User, link reconcile.LinkID) error
	// Run asks for a run now.
	Run(ctx context.Context, user account.User, link reconcile.LinkID) error
	// Answer is the person's yes or no to the deletions that a Held link waits with.
	Answer(ctx context.Context, user account.User, link reconcile.LinkID, yes bool) error
}

// Live tells what changes in an organization.
type Live interface {
	// Subscribe begins a stream of events, which drops what a slow reader cannot take and is closed when Tandem shuts
	// down. cancel ends it and may be called more than once.
	Subscribe(org record.ID) (events <-chan Event, cancel func())
}

// Event says that something of a topic changed; what, pages find out by looking.
type Event struct {
	Topic Topic
	User  record.ID // whose it is; 0: it may concern everybody of the organization
}

// Topic is what an Event is about.
type Topic string

// The topics.
const (
	ContactsChanged Topic = "contacts"
	CalendarChanged Topic = "calendar"
	LinksChanged    Topic = "links" // state, counts or progress
	UsersChanged    Topic = "users" // of those who manage them
)

// Site is the pages as an http.Handler.
type Site struct {
	Deps
	handler  http.Handler
	pages    *pages
	assets   assets
	sessions *scs.SessionManager
	sealer   sealer
	tickets  Tickets
	arrivals sealer
	identity *identity
	passkeys *webauthn.WebAuthn // nil at an IP address
	streams  streams
}

// New builds the pages. The error tells of an unusable SecretKey.
func New(d Deps) (*Site, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Pace == nil {
		d.Pace = &account.Pace{}
	}
	if d.HTTP == nil {
		d.HTTP = &http.Client{Timeout: signInTimeout, CheckRedirect: stay}
	}
	d.Settings.URL = strings.TrimRight(d.Settings.URL, "/")
	d.Settings.Authority = strings.TrimRight(d.Settings.Authority, "/")

	s := &Site{Deps: d}
	var err error
	defer fault.Wrap(&err, "web: build the pages")
	if s.sealer, err = newSealer(d.Settings.SecretKey, "browser"); err != nil {
		return nil, err
	}
	if s.arrivals, err = newSealer(d.Settings.SecretKey, "arrival"); err != nil {
		return nil, err
	}
	if s.tickets, err = NewTickets(d.Settings.URL, d.Settings.SecretKey, d.Now); err != nil {
		return nil, err
	}
	if s.passkeys, err = newPasskeys(d.Settings); err != nil {
		return nil, err
	}
	s.assets = loadAssets()
	s.pages = parsePages(s.assets)
	s.sessions = newSessions(d)
	s.sessions.ErrorFunc = s.sessionsAway
	s.identity = newIdentity(d)
	s.handler = s.build()
	return s, nil
}

// ServeHTTP answers for every page, and with 404 for what is none.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
