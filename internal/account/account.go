// Package account holds organizations, users, their profiles and permissions, the ways they sign in, and the grants
// that let Tandem act for them at Microsoft. Who may do what is decided here.
//
// It has no HTTP, no SQL and no clock of its own; storing is left to whoever fits Store.
package account

import (
	"context"
	"time"

	"tandem/internal/record"
)

// Organization is a customer, tied to one Entra tenant.
type Organization struct {
	ID       record.ID
	Name     string
	TenantID string // Entra's tid; "" while it has none
	Edition  string
	Zone     string // IANA name
	Locale   string // BCP 47: "pt-BR" or "en"
	Created  time.Time
}

// State is where a user stands.
type State string

// The states of a user.
const (
	Active      State = "active"
	Deactivated State = "deactivated"
)

// Profile is a named set of permissions.
type Profile string

// The profiles that every organization has.
const (
	SuperAdmin    Profile = "Super Admin"
	Administrator Profile = "Administrator"
	Standard      Profile = "Standard"
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
	Identity   Identity
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

// IsZero reports whether there is no Microsoft identity.
func (i Identity) IsZero() bool { return i == Identity{} }

// Permissions are what a profile allows.
type Permissions struct {
	ManageUsers bool // see, invite, approve and change users
	AllRecords  bool // see and change everybody's records, not only own ones
	MassUpdate  bool
	Sync        bool
}

// Permissions of the profile.
func (p Profile) Permissions() Permissions { return profiles[p] }

var profiles = map[Profile]Permissions{
	SuperAdmin:    {ManageUsers: true, AllRecords: true, MassUpdate: true, Sync: true},
	Administrator: {ManageUsers: true, AllRecords: true, MassUpdate: true, Sync: true},
	Standard:      {MassUpdate: true, Sync: true},
}

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

// Store keeps accounts. All lookups of one organization's things name the organization.
type Store interface {
	Organization(ctx context.Context, id record.ID) (Organization, error)
	OrganizationByTenant(ctx context.Context, tenantID string) (Organization, error) // NotFound: none installed
	CreateOrganization(ctx context.Context, o Organization) (Organization, error)    // Conflict: the tenant has one

	User(ctx context.Context, org, id record.ID) (User, error)
	UserByIdentity(ctx context.Context, i Identity) (User, error)
	UserByEmail(ctx context.Context, org record.ID, email string) (User, error) // without letter case
	// UsersByEmail finds the users of all organizations with an address: only for the operator's commands.
	UsersByEmail(ctx context.Context, email string) ([]User, error)
	Users(ctx context.Context, org record.ID) ([]User, error) // by name
	CreateUser(ctx context.Context, u User) (User, error)     // Conflict: address or identity is taken
	UpdateUser(ctx context.Context, u User) error
	SignedIn(ctx context.Context, org, id record.ID, at time.Time) error

	// CreateToken stores the hash (SHA-256) of an API token for a user.
	CreateToken(ctx context.Context, org, user record.ID, hash []byte, at time.Time) error
	// UserByToken finds the active user of a token's hash; Denied: unknown, or the user is not active.
	UserByToken(ctx context.Context, hash []byte) (User, error)

	Grant(ctx context.Context, org, user record.ID) (Grant, error) // NotFound: never connected; Broken with reason CannotUnseal
	SaveGrant(ctx context.Context, g Grant) error                  // replaces; ends the claim to refresh
	// ClaimRefresh takes the right to refresh a user's grant until the given time; false: another worker has it.
	ClaimRefresh(ctx context.Context, org, user record.ID, now, until time.Time) (bool, error)
}
