// Package crmapi is the REST API: records, users and metadata at /crm/v8 in the conventions of Zoho CRM API v8, so that
// whoever writes against the one can use the other, and sync at /api/v1/links.
//
// It reads requests and writes answers. What a record may hold and who may see it is left to package crm, accounts to
// account, links to reconcile. Where it departs from Zoho CRM its reasons stand at the place and in docs/adr.
package crmapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// Accounts is what the API asks about people; account.Store fits it.
type Accounts interface {
	UserByToken(ctx context.Context, hash []byte) (account.User, error)
	Organization(ctx context.Context, id record.ID) (account.Organization, error)
	User(ctx context.Context, org, id record.ID) (account.User, error)
	People(ctx context.Context, org record.ID, q account.PeopleQuery) ([]account.User, error)
}

// API answers requests below /crm/v8/ and /api/v1/. All fields are needed but the numbers.
type API struct {
	CRM      *crm.CRM
	Accounts Accounts
	Links    Links
	Switch   Switch
	// ConsentURL is where a person goes to let Tandem use a kind at Microsoft.
	ConsentURL func(ctx context.Context, user account.User, kind record.Kind) string
	// Paid reports whether the organization has a paid edition.
	Paid func(account.Organization) bool
	// Expressible says why Microsoft 365 has no words for a rule in an event that starts at a wall time (Invalid); nil: it has.
	Expressible func(rule recur.Rule, start time.Time) error
	Now         func() time.Time
	Log         *slog.Logger
	// Pace bounds what one person's programs ask.
	Pace account.Pace
}

// maxBody is the most bytes that a request may have: a hundred records with a full description each, escaped.
const maxBody = 16 << 20

// call is one request by a person known by token.
type call struct {
	*API
	w      http.ResponseWriter
	r      *http.Request
	user   account.User
	actor  crm.Actor
	zone   *time.Location
	module *module           // of routes that name one
	args   map[string]string // wildcards of the route
	people map[record.ID]account.User

	contactFields *record.Schema // of contacts in this person's organization

	contacts map[record.ID]crm.Record // that records refer to; zero: not seen
	names    map[string]record.Value  // of accounts and vendors, by id

	calendars map[record.ID]*reconcile.Link // of owners whose events were asked about; nil: no sync
}

// ServeHTTP finds out who asks, then what.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	c := &call{API: a, w: w, r: r}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	user, err := a.whoever(r)
	if err != nil {
		c.fail(err)
		return
	}
	if wait := a.Pace.Take(user.ID, a.Now()); wait > 0 {
		c.limited(wait)
		return
	}
	c.user = user
	c.actor = crm.Actor{
		Author: crm.Author{Org: user.Org, User: user.ID}, Zone: user.Zone,
		Contacts: user.May.Contacts, Events: user.May.Events, MassUpdate: user.May.MassUpdate,
	}
	var ok bool
	if c.zone, ok = zone.Load(user.Zone); !ok {
		c.zone, c.actor.Zone = time.UTC, "UTC"
	}
	if r.ContentLength > maxBody { // also where no body is read
		c.fail(errTooLarge)
		return
	}
	if c.contactFields, err = a.CRM.Schema(r.Context(), user.Org, record.Contacts); err != nil {
		c.fail(err)
		return
	}
	handle, err := c.route()
	if err != nil {
		c.fail(err)
		return
	}
	if err := handle(c); err != nil {
		c.fail(err)
	}
}

// whoever finds the user whose token the request carries, as "Zoho-oauthtoken T" or "Bearer T".
func (a *API) whoever(r *http.Request) (account.User, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if token == "" || !strings.EqualFold(scheme, "Zoho-oauthtoken") && !strings.EqualFold(scheme, "Bearer") {
		return account.User{}, problem{status: 401, code: "INVALID_TOKEN", message: "invalid oauth token"}
	}
	hash := sha256.Sum256([]byte(token))
	user, err := a.Accounts.UserByToken(r.Context(), hash[:])
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		return account.User{}, problem{status: 401, code: "INVALID_TOKEN", message: "invalid oauth token"}
	}
	return user, err
}
