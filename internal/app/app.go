// Package app is the roof: Build makes every value once, in reading order, from the ground up; Run starts what runs and
// stops it again. It is the only place where the rooms of one band meet. The demo and the tests call the same Build with
// the simulator's address.
package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/crmapi"
	"tandem/internal/exportfile"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/intake"
	"tandem/internal/jobs"
	"tandem/internal/m365sim"
	"tandem/internal/massupdate"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/web"
)

// ProductName is what dedicated calendars and folders are called in people's mailboxes.
const ProductName = "Tandem"

// App is a built Tandem. Its exported parts are for tests and measurements; a person's way in is Handler.
type App struct {
	Store   *store.Store
	Runner  *reconcile.Runner
	Jobs    *jobs.Queue
	Imports web.Imports
	Mass    web.MassUpdates
	Handler http.Handler
	Sim     *m365sim.Sim // of the demo, else nil

	config      Config
	log         *slog.Logger
	live        *live
	audits      *audits
	mail        *mailCatcher // of the demo, else nil
	listener    net.Listener
	simListener net.Listener
}

// Build makes everything. Close what it returns if it is not run.
func Build(ctx context.Context, config Config, log *slog.Logger) (_ *App, err error) {
	defer fault.Wrap(&err, "app: build")
	a := &App{config: config, log: log, live: newLive()}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	now := time.Now
	for _, note := range certificateNotes(config) {
		log.WarnContext(ctx, note)
	}

	// What we keep.
	a.Store, err = store.Open(ctx, config.DatabaseURL, store.Options{SecretKey: config.SecretKey.Reveal(), Now: now, Log: log})
	if err != nil {
		return nil, err
	}
	if err = a.Store.Migrate(ctx); err != nil {
		return nil, err
	}
	a.Store.OnCommit(a.live.committed)
	accounts, links := a.Store.Accounts(), a.Store.Links()

	// The simulated neighbour, in the demo.
	if config.Demo {
		config.GraphLimits.Requests = demoRequests
		if err = a.simulate(ctx, accounts); err != nil {
			return nil, err
		}
		if config.SMTPURL == "" {
			if a.mail, err = catchMail(a.Sim.AddOutbox, log); err != nil {
				return nil, err
			}
			config.SMTPURL = a.mail.url()
		}
	}

	// The neighbour.
	tokens := graph.NewTokens(graph.TokenOptions{
		Authority: config.MicrosoftAuthority, Tenant: config.MicrosoftTenant,
		ClientID: config.MicrosoftClientID, Credential: config.credential(), Now: now, Logger: log,
	}, accounts)
	client := graph.New(graph.Options{
		BaseURL: config.GraphURL, Now: now, Logger: log, Limits: config.GraphLimits, Observe: config.Observe,
		Admit: reconcile.Leased,
	})
	neighbour := &neighbour{accounts: accounts, tokens: tokens, client: client, ledger: a.Store.Ledger(), pictures: a.Store.Pictures(), now: now}

	// The heart.
	people := crm.New(a.Store.Records(), isActive(accounts), now).WithPictures(a.Store.Pictures())
	people.KnowUsers(namesOf(accounts))
	people.KnowCalendars(calendarsOf(links))
	people.KnowInvitations(links.Invitations)
	neighbour.crm = people
	seal := outlook.NewSeal([]byte(config.SecretKey.Reveal()))
	containers := &outlook.Containers{Mailbox: neighbour.mailboxOf, HookURL: notificationURL(config), Seal: seal, Now: now}
	a.Runner = &reconcile.Runner{
		Ledger: a.Store.Ledger(), Sides: neighbour, Containers: containers,
		Now: now, Every: pulse, NewID: rand.Text, Log: log, Name: ProductName,
	}
	stage := &reconcile.Stage{
		Previewer: &reconcile.Previewer{
			Past: a.Store.Past(), Sides: neighbour.rehearsing(a.Store.Past()), Existing: containers.Existing, Now: now,
			Runner: reconcile.Runner{Log: log, Name: ProductName},
		},
		Previews: links, Links: links, Choices: links,
	}
	desk := &intake.Desk{Origin: exportfile.Origin(config.URL), Store: a.Store.Imports(), Records: people, Actor: actorOf(accounts, func(may account.Permissions) bool { return may.Import }), NewID: rand.Text, Now: now}
	updater := &massupdate.Desk{Store: a.Store.MassUpdates(), Records: people, Actor: actorOf(accounts, func(may account.Permissions) bool { return may.MassUpdate }), NewID: rand.Text, Now: now}
	a.audits = &audits{runner: a.Runner}
	undoer := &reconcile.Undoer{Undos: links, Link: links.Link, Hand: handOf(accounts, people), Now: now}
	switchboard := &reconcile.Switchboard{Links: links, Allowed: neighbour.allowed, Choices: links, Now: now}

	// What happens later.
	tickets, err := web.NewTickets(config.URL, config.SecretKey, now)
	if err != nil {
		return nil, err
	}
	postman, err := newPostman(a.Store.Letters(), accounts, tickets, config, now, log)
	if err != nil {
		return nil, err
	}
	a.Jobs, err = jobs.New(a.Store, jobs.Options{
		Runner: a.Runner, Auditor: a.audits, Stage: stage, Undoer: undoer, Warner: &credentialWarner{accounts: accounts, links: links, ends: config.credentialEnds(), now: now, log: log}, Importer: desk, Updater: updater, Bin: people, Postman: postman, Webhooks: containers.HookURL != "", Now: now, Log: log,
	})
	if err != nil {
		return nil, err
	}

	if config.Demo {
		if err = beginAnew(ctx, a.Store, now()); err != nil {
			return nil, err
		}
	}

	a.Imports = imports{desk, a.Store.Imports(), a.Jobs}
	a.Mass = massUpdates{updater, a.Store.MassUpdates(), a.Jobs}

	// What we show.
	registry := account.NewRegistry(accounts, now)
	registry.Common = web.Common
	api := &crmapi.API{
		CRM: people, Accounts: accounts, Links: links, Switch: switchboard, Now: now, Log: log,
		ConsentURL: func(_ context.Context, user account.User, kind record.Kind) string {
			return tickets.ConnectURL(user.Org, user.ID, kind)
		},
		Paid: func(o account.Organization) bool { return o.Edition.Paid() }, Expressible: outlook.Expressible,
	}
	site, err := web.New(web.Deps{
		Accounts: accounts, Registry: registry, Directory: neighbour, Describe: neighbour.Describe,
		Elsewhere: &elsewhere{neighbour: neighbour, links: links},
		Records:   people, Edits: a.Store.Records(), Tastes: accounts, Fields: crm.NewCustomizer(a.Store.Records(), now), Links: links, Switch: personal{switchboard}, Previews: previews{links, a.Jobs, now}, Undo: undos{undoer, a.Jobs, now}, Grants: accounts,
		Imports: a.Imports, Mass: a.Mass,
		Choices: links, Ended: links.EndedOf, Expressible: outlook.Expressible,
		Live: a.live, LinksIn: links.LinksIn, Sessions: a.Store.Sessions(), Settings: webSettings(config), Now: now, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	a.Handler = a.routes(site, api, &outlook.Hook{Seal: seal, Wake: jobs.Gather(links.Notified), Resubscribe: jobs.Gather(links.Resubscribe), Logger: log})
	return a, nil
}

// Run serves until ctx ends and then lets go of everything.
func (a *App) Run(ctx context.Context, ready func(address string)) error {
	defer a.Close()
	return a.Serve(ctx, ready)
}

// Serve listens, works and shows until ctx ends, then stops everything in reverse. ready is told the address.
func (a *App) Serve(ctx context.Context, ready func(address string)) (err error) {
	defer fault.Wrap(&err, "app: serve")
	if a.listener, err = net.Listen("tcp", a.config.Listen); err != nil {
		return err
	}
	// What runs ends by our hand and in order, not all at once with ctx: runs need the neighbour to finish what they sent.
	serving, endServing := context.WithCancel(context.WithoutCancel(ctx))
	defer endServing()
	if err := a.Jobs.Start(serving); err != nil {
		return err
	}
	group, running := errgroup.WithContext(serving)
	if a.Sim != nil {
		group.Go(func() error { return serveUntil(running, a.simListener, a.Sim) })
	}
	if a.mail != nil {
		group.Go(func() error { return a.mail.serve(running) })
	}
	group.Go(func() error { return serveUntil(running, a.listener, a.Handler) })
	if a.Store.Postgres() != nil { // others may write to the same database
		group.Go(func() error { a.live.follow(running, a.marks, a.log); return nil })
	}
	group.Go(func() error {
		select {
		case <-ctx.Done():
		case <-running.Done(): // a server failed
		}
		a.live.close() // or open pages would keep the server from ending
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err := a.Jobs.Stop(stopping)
		endServing()
		return err
	})
	ready(a.listener.Addr().String())
	return group.Wait()
}

// marks tells how far the writes of an organization have come.
func (a *App) marks(ctx context.Context, org record.ID) (map[web.Topic]int64, error) {
	seq, err := a.Store.Records().Seq(ctx, org)
	if err != nil {
		return nil, err
	}
	links, err := a.Store.Links().LinksIn(ctx, org)
	var runs int64
	for _, l := range links {
		runs += l.Fence + l.Wanted + int64(l.FirstDone) + int64(len(l.State))
	}
	if err != nil {
		return nil, err
	}
	deeds, err := a.Store.Accounts().Audit(ctx, org, 0, 1)
	var last int64
	for _, deed := range deeds {
		last = int64(deed.ID)
	}
	return map[web.Topic]int64{web.ContactsChanged: seq, web.CalendarChanged: seq, web.LinksChanged: runs, web.UsersChanged: last}, err
}

// stopTimeout is how long runs have to come to an end: longer than jobs lets them go on before it cuts them off.
const stopTimeout = 15 * time.Second

// Close lets go of the database and the simulator.
func (a *App) Close() {
	if a.Sim != nil {
		a.Sim.Close()
	}
	if a.mail != nil {
		a.mail.close()
	}
	for _, l := range []net.Listener{a.listener, a.simListener} {
		if l != nil {
			_ = l.Close() // closed by its server already, unless that never ran
		}
	}
	if a.Store != nil {
		if err := a.Store.Close(); err != nil {
			a.log.Warn("app: close the database", "error", err)
		}
	}
}

// demoRequests is how many requests the demo makes to a mailbox in ten minutes at most. Microsoft allows 10,000, so that
// the last contacts of a full first sync wait for the next ten minutes; the simulator has no such limit unless told.
const demoRequests = 1_000_000

// simulate makes the demo's Microsoft 365 and the organizations of its tenants.
func (a *App) simulate(ctx context.Context, accounts account.Store) (err error) {
	if a.simListener, err = net.Listen("tcp", a.config.SimListen); err != nil {
		return err
	}
	a.Sim = newSimulator(a.simListener, a.config.URL, a.log)
	return Seed(ctx, accounts, a.Sim, time.Now())
}

func webSettings(c Config) web.Settings {
	s := web.Settings{
		URL: c.URL, Authority: c.MicrosoftAuthority, Tenant: c.MicrosoftTenant, ClientID: c.MicrosoftClientID,
		Credential: c.credential(), CredentialEnds: c.credentialEnds(), SecretKey: c.SecretKey, Demo: c.Demo,
		Edition: account.Edition(c.Edition), TrustedProxies: c.proxies, EveryScope: everyScope(c), Mail: c.SMTPURL != "" || c.Demo,
	}
	if c.Demo {
		s.SimURL = "http://" + c.SimListen
	}
	return s
}

// gcPercent keeps the heap of a first sync within what DESIGN §5 allows, for a tenth more processor time.
const gcPercent = 60

// TuneMemory sets how eagerly this process collects garbage, unless the operator has (GOGC).
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// pulse ticks for as long as ctx lasts.
func pulse(ctx context.Context, d time.Duration) <-chan time.Time {
	ticker := time.NewTicker(d)
	context.AfterFunc(ctx, ticker.Stop)
	return ticker.C
}
