package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// A caller is a Microsoft person whom the accounts page asks something before an account is opened or made. It lies sealed in
// the browser's session until the person has answered: nothing is made before.
type caller struct {
	account.Arrival
	Scopes  []string  `json:"scopes"`
	Access  string    `json:"access"`
	Refresh string    `json:"refresh"`
	Expires time.Time `json:"expires"` // of the access token
	Next    string    `json:"next"`
	Pass    record.ID `json:"pass,omitempty"` // of the invitation that brought the person here
	Until   time.Time `json:"until"`
	// Proven is the account whose credentials the person has just shown, to associate it.
	Proven      accountRef    `json:"proven,omitzero"`
	ProvenUntil time.Time     `json:"proven_until,omitzero"`
	Proof       account.Proof `json:"proof,omitempty"`
}

// mark tells apart who comes with which invitation, and what else a page is about. Forms bring it back, because all tabs of a
// browser share one caller: what a page asks of one must not be done for the next.
func (c caller) mark(about ...any) string {
	sum := sha256.Sum256(fmt.Append(nil, c.TenantID, " ", c.ObjectID, " ", c.Pass, about))
	return hex.EncodeToString(sum[:8])
}

// accountRef names an account.
type accountRef struct {
	Org  record.ID `json:"org"`
	User record.ID `json:"user"`
}

// arrivalLife is how long somebody may stand at the accounts page: what it relies on, such as a directory role, was true
// at its beginning.
const arrivalLife = 20 * time.Minute

// arrive opens the account of whoever came back from Microsoft, or leads to the accounts page. Whoever is known by tenant and
// object id goes in without a word from Graph, so that a bad day of Graph's keeps nobody out.
func (s *Site) arrive(v *visit, f flow, p person) error {
	a := account.Arrival{Identity: p.Identity, Username: p.Username, FirstName: p.First, LastName: p.Last, Roles: p.Roles, Locale: v.words.lang}
	f.Tie = f.Tie && v.signedIn()
	standing, err := s.Registry.Standing(v.ctx(), a)
	switch {
	case err != nil:
		return err
	case f.Tie && opensAnother(standing, v.user):
		return s.settled(v, "", errOpensAnother)
	case f.Pass == 0 && standing.Door == account.Known:
		return s.enter(v, standing.User, p, f.Next)
	}
	if a, err = s.Describe(v.ctx(), account.Secret(p.token.AccessToken), a); err != nil {
		return s.signInFailed(v, f, problemOf(err), err)
	}
	if standing, err = s.Registry.Standing(v.ctx(), a); err != nil {
		return err
	}
	if f.Tie && opensAnother(standing, v.user) {
		return s.settled(v, "", errOpensAnother)
	}
	if f.Pass == 0 {
		switch standing.Door {
		case account.Known, account.SameMail:
			u, err := s.Registry.Enter(v.ctx(), a)
			if err != nil {
				return err
			}
			return s.enter(v, u, p, f.Next)
		case account.Inactive:
			return s.signInFailed(v, f, problemDeactivated, nil)
		}
	}
	if err := s.sessions.RenewToken(v.ctx()); err != nil {
		return err
	}
	s.receive(v, caller{
		Arrival: a, Scopes: p.scopes(), Access: p.token.AccessToken, Refresh: p.token.RefreshToken, Expires: p.token.Expiry,
		Next: ownPath(f.Next), Pass: f.Pass, Until: v.now.Add(arrivalLife),
	})
	if f.Tie {
		return v.to(associatePath)
	}
	return v.to(launchPath)
}

var errOpensAnother = fault.New(fault.Conflict, account.IdentityTaken, "web: whoever came from Microsoft opens another account")

// opensAnother reports whether a Microsoft person opens, or would open without a question, another account than this one.
func opensAnother(standing account.Standing, than account.User) bool {
	switch standing.Door {
	case account.Known, account.SameMail, account.Inactive:
		return standing.User.ID != than.ID
	}
	return false
}

// receive remembers who stands at the accounts page.
func (s *Site) receive(v *visit, c caller) {
	s.sessions.Put(v.ctx(), keyArrival, s.arrivals.seal(c, c.Until))
}

// enter opens an account to a Microsoft person.
func (s *Site) enter(v *visit, u account.User, p person, next string) error {
	if err := s.keepFirstGrant(v, u, p); err != nil {
		return err
	}
	if err := s.signIn(v, u); err != nil {
		return err
	}
	return v.to(ownPath(next))
}

// caller finds who stands at the accounts page; false: nobody, or for too long.
func (s *Site) caller(v *visit) (c caller, ok bool) {
	err := s.arrivals.open(s.sessions.GetString(v.ctx(), keyArrival), v.now, &c)
	if chosen := chosenLanguage(v.r); s.pages.words[chosen] != nil {
		c.Locale = chosen // what somebody chose here counts for more than what the directory says
	}
	return c, err == nil
}

// forget sends whoever stands at the accounts page away.
func (s *Site) forget(v *visit) { s.sessions.Remove(v.ctx(), keyArrival) }

// admit opens an account that was just made, tied or joined to whoever stands at the accounts page.
func (s *Site) admit(v *visit, u account.User, c caller) error {
	if c.Refresh != "" {
		if _, err := s.Grants.Grant(v.ctx(), u.Org, u.ID); fault.Is(err, fault.NotFound) {
			err := s.Grants.SaveGrant(v.ctx(), account.Grant{
				User: u.ID, Org: u.Org, Scopes: c.Scopes, Expires: c.Expires, Access: account.Secret(c.Access), Refresh: account.Secret(c.Refresh),
			})
			if err != nil {
				return err
			}
		}
	}
	return s.signIn(v, u) // clears the session, and with it the arrival
}
