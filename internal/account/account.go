// Package account holds organizations, users, their profiles and permissions, the ways they sign in, and the grants
// that let Tandem act for them at Microsoft. Who may do what is decided here: Registry applies the rules to what people
// do, from installing an organization to deleting a user.
//
// It has no HTTP, no SQL and no clock of its own; storing is left to whoever fits Store, sending letters to package mail.
package account

import (
	"strings"
	"time"

	"tandem/internal/record"
)

// Organization is a customer, tied to one Entra tenant.
type Organization struct {
	ID       record.ID
	Name     string
	TenantID string // Entra's tid; "" while it has none
	Edition  Edition
	Zone     string // IANA name
	Locale   string // BCP 47: "pt-BR" or "en"
	Created  time.Time
	// Consented is when an administrator of the tenant was last proved to have allowed the app for everybody; zero: never.
	Consented time.Time
	Scopes    []string // that were allowed then
	// Region is whose telephone numbers are written without their country: ISO 3166-1. "" is Brazil.
	Region string
	// AdmitContacts and AdmitEvents let records into sync that came by import or migration (S20, S32).
	AdmitContacts, AdmitEvents bool
}

// Admits reports whether imported records of a kind are synced.
func (o Organization) Admits(kind record.Kind) bool {
	if kind == record.Contacts {
		return o.AdmitContacts
	}
	return o.AdmitEvents
}

// State is where a user stands.
type State string

// The states of a user. Only an Active one can sign in. A Deleted one is remembered for the names in histories, and
// is in no list.
const (
	Active      State = "active"
	Invited     State = "invited"   // has not accepted yet
	Requested   State = "requested" // asked to join, nobody has answered yet
	Deactivated State = "deactivated"
	Deleted     State = "deleted"
)

// User is a person of an organization.
type User struct {
	ID         record.ID
	Org        record.ID
	Email      string // for show and for letters, never for identity
	FirstName  string
	LastName   string
	Profile    Profile
	State      State
	Zone       string // IANA name
	Locale     string // "pt-BR" or "en"; "" follows the browser
	Created    time.Time
	LastSignIn time.Time // zero: never
	Terms      time.Time // when this person accepted the terms; zero: not yet
	Identity   Identity

	// May is what the profile allows. The store fills it in and never writes it.
	May Permissions
}

// Name is the user's full name, or the address where there is none.
func (u User) Name() string {
	switch {
	case u.FirstName == "" && u.LastName == "":
		return u.Email
	case u.FirstName == "":
		return u.LastName
	case u.LastName == "":
		return u.FirstName
	}
	return u.FirstName + " " + u.LastName
}

// Identity is a Microsoft person: tenant and object id and nothing else (reference: Entra, claims validation).
type Identity struct {
	TenantID string
	ObjectID string
}

// Mailbox names the mailbox of a Microsoft person; "" where there is no identity.
func (i Identity) Mailbox() string {
	if i.IsZero() {
		return ""
	}
	return strings.ToLower(i.TenantID + "/" + i.ObjectID)
}

// IsZero reports whether there is no Microsoft identity.
func (i Identity) IsZero() bool { return i == Identity{} }

// Grant is what Entra gave us to act for a user: held open in memory only for the length of a call, sealed at rest.
type Grant struct {
	User    record.ID
	Org     record.ID
	Scopes  []string // as the token endpoint answered
	Access  Secret
	Expires time.Time // of the access token
	Refresh Secret
	// Broken says that Entra no longer takes the grant (invalid_grant); a person must reconnect.
	Broken bool
}

// Secret is a string that never shows itself in a log or a message.
type Secret string

func (Secret) String() string   { return "[sealed]" }
func (Secret) GoString() string { return "[sealed]" }

// MarshalText keeps the secret out of JSON and text logs.
func (Secret) MarshalText() ([]byte, error) { return []byte("[sealed]"), nil }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }
