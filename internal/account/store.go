package account

import (
	"context"
	"time"

	"tandem/internal/record"
)

// Store keeps accounts. All lookups of one organization's things name the organization. Users come with May filled in.
type Store interface {
	Organization(ctx context.Context, id record.ID) (Organization, error)
	OrganizationByTenant(ctx context.Context, tenantID string) (Organization, error) // NotFound: none installed
	CreateOrganization(ctx context.Context, o Organization) (Organization, error)    // Conflict: the tenant has one

	User(ctx context.Context, org, id record.ID) (User, error) // deleted ones too
	UserByIdentity(ctx context.Context, i Identity) (User, error)
	UserByEmail(ctx context.Context, org record.ID, email string) (User, error) // without letter case
	// Recognize tells, of each of some people, which user they are: by their Microsoft identity, in whatever organization, else by
	// an address of this one. Whoever is none is a User with ID 0.
	Recognize(ctx context.Context, org record.ID, people []Invitee) ([]User, error)
	// UsersByEmail finds the users of all organizations with an address: for signing in and the operator's commands.
	UsersByEmail(ctx context.Context, email string) ([]User, error)
	// Users are the active and the deactivated ones by name: those who can own records.
	Users(ctx context.Context, org record.ID) ([]User, error)
	// People is a page of all but deleted users by name, for the list of users.
	People(ctx context.Context, org record.ID, q PeopleQuery) ([]User, error)
	// CountPeople counts them by state.
	CountPeople(ctx context.Context, org record.ID) (map[State]int, error)
	CreateUser(ctx context.Context, u User) (User, error) // Conflict: address or identity is taken
	SignedIn(ctx context.Context, org, id record.ID, at time.Time) error

	// CreateToken stores the hash (SHA-256) of an API token for a user.
	CreateToken(ctx context.Context, org, user record.ID, hash []byte, at time.Time) error
	// UserByToken finds the active user of a token's hash; Denied: unknown, or the user is not active.
	UserByToken(ctx context.Context, hash []byte) (User, error)

	Grant(ctx context.Context, org, user record.ID) (Grant, error) // NotFound: never connected; Broken with reason CannotUnseal
	SaveGrant(ctx context.Context, g Grant) error                  // what a person has just given: replaces; ends all claims to refresh
	// ClaimRefresh takes the right to refresh a user's grant until the given time; false: another worker has it.
	ClaimRefresh(ctx context.Context, org, user record.ID, now, until time.Time) (bool, error)
	// RefreshGrant stores what came of a refresh, and ends the claim to it; false, and nothing is stored: the claim until that
	// time has ended, because the grant was dropped, or the person has given another.
	RefreshGrant(ctx context.Context, g Grant, until time.Time) (bool, error)

	// Pass finds a pass by what its link says. All organizations: whoever comes with the link has no account yet.
	Pass(ctx context.Context, id record.ID) (Pass, error)
	// Request finds what a Microsoft person asked of an organization.
	Request(ctx context.Context, org record.ID, i Identity) (Request, error)
	// RequestOf finds what a user asked, who may be gone by now.
	RequestOf(ctx context.Context, org, user record.ID) (Request, error)
	// Password is the hash of a user's password; NotFound: there is none.
	Password(ctx context.Context, org, user record.ID) (hash string, err error)
	Passkeys(ctx context.Context, org, user record.ID) ([]Passkey, error) // the oldest first
	// PasskeyByID finds a passkey by its credential id. All organizations.
	PasskeyByID(ctx context.Context, id string) (Passkey, error)
	// UsedPasskey notes that a passkey was used and stores its new data.
	UsedPasskey(ctx context.Context, k Passkey) error

	OpenSession(ctx context.Context, s Session) error
	// SessionUser finds the active user of a session and notes that it was seen, if seen is not zero. Denied: it was
	// ended, or its user is not active.
	SessionUser(ctx context.Context, id string, seen time.Time) (User, error)
	Sessions(ctx context.Context, org, user record.ID) ([]Session, error) // the latest seen first
	EndSession(ctx context.Context, org, user record.ID, id string) error // no fault if it is none

	// Profiles are the built-in ones and the organization's own, by power and then by name.
	Profiles(ctx context.Context, org record.ID) ([]NamedProfile, error)
	// Letters are the latest letter about each of the users.
	Letters(ctx context.Context, org record.ID, about []record.ID) (map[record.ID]Letter, error)
	// Audit is a page of the audit trail, the latest first. before is the ID of the last entry seen, 0 at first.
	Audit(ctx context.Context, org record.ID, before record.ID, limit int) ([]Entry, error)
	// Owned is how many records a user owns, those in the recycle bin too.
	Owned(ctx context.Context, org, user record.ID) (int, error)
	// Syncs are the kinds that run for each of the users, with the state of their link.
	Syncs(ctx context.Context, org record.ID, users []record.ID) (map[record.ID]map[record.Kind]string, error)

	// Within runs do in one transaction, during which nobody else changes the organization's accounts: all of it happens,
	// or nothing. It must touch nothing but tx, because it may be repeated.
	Within(ctx context.Context, org record.ID, do func(tx Tx) error) error
	// Found makes an organization and runs do in the same transaction. Conflict: the tenant has one already.
	Found(ctx context.Context, o Organization, do func(tx Tx, o Organization) error) error

	// Take takes one from a limit: at most burst at once, refilled evenly over per. wait is 0 if it was granted, else how
	// long until the next one is.
	Take(ctx context.Context, key string, now time.Time, burst int, per time.Duration) (wait time.Duration, err error)
}

// PeopleQuery asks for a page of users.
type PeopleQuery struct {
	State  State  // "": all but deleted ones
	Search string // words that a name or the address contains
	Limit  int    // 0: all
	Offset int
}

// NamedProfile is a profile of an organization.
type NamedProfile struct {
	Name    Profile
	May     Permissions
	BuiltIn bool
	Users   int // how many have it; deleted ones, and those who only ask to join, left out
}

// Tx is a transaction on the accounts of one organization.
type Tx interface {
	Organization() (Organization, error)
	UpdateOrganization(o Organization) error

	User(id record.ID) (User, error)
	UserByIdentity(i Identity) (User, error) // of any organization; deleted users have none
	UserByEmail(email string) (User, error)  // deleted users have none
	CreateUser(u User) (User, error)         // Conflict: address or identity is taken
	UpdateUser(u User) error                 // the same; to Deleted: address and identity are free for others
	// Active are all active users.
	Active() ([]User, error)

	Profile(name Profile) (NamedProfile, error) // NotFound
	Profiles() ([]NamedProfile, error)
	SaveProfile(name Profile, p Permissions) error
	DeleteProfile(name Profile) error
	// RenameProfile gives a profile, and those who have it, another name.
	RenameProfile(from, to Profile) error
	// UsersOf are all users with a profile, deleted ones left out.
	UsersOf(p Profile) ([]User, error)

	// CreatePass stores a new pass and makes those before it, of the same user and purpose, Replaced.
	CreatePass(p Pass) (Pass, error)
	Pass(id record.ID) (Pass, error)
	ChangePass(id record.ID, s PassState) error
	// EndPasses makes the open passes of a user Withdrawn.
	EndPasses(user record.ID) error

	Request(i Identity) (Request, error) // NotFound
	RequestOf(user record.ID) (Request, error)
	SaveRequest(r Request) error

	Password(user record.ID) (hash string, err error) // NotFound
	SetPassword(user record.ID, hash string) error    // "": removes it
	Passkeys(user record.ID) ([]Passkey, error)
	AddPasskey(k Passkey) error // Conflict: it is known already
	RemovePasskey(user record.ID, id string) error

	// EndAccess ends the sessions of a user, but for the one named, and, if tokens says so, the API tokens.
	EndAccess(user record.ID, except string, tokens bool) error
	DropGrant(user record.ID) error
	// EndLinks ends at once whatever a user syncs with another mailbox than that of a Microsoft person, and forgets what lies
	// there: reason OtherMailbox.
	EndLinks(user record.ID, but Identity) error
	// StopLinks begins to switch off whatever a user syncs.
	StopLinks(user record.ID) error
	// RunningLinks is how many of a user's links are not Off.
	RunningLinks(user record.ID) (int, error)
	// WithholdLinks pauses a user's link of a kind with reason SyncWithheld, or lets one go on that was paused for it.
	WithholdLinks(user record.ID, kind record.Kind, withheld bool) error
	// WakeLinks has the organization's running links of a kind run.
	WakeLinks(kind record.Kind) error
	// HandOver makes another user the owner of all records of a user, those in the recycle bin too, and returns how many
	// there were. Sync of both gets to know.
	HandOver(from, to record.ID, by record.ID) (int, error)
	Owned(user record.ID) (int, error)

	// Send stores a letter and enqueues its sending.
	Send(l Letter) error
	// Note adds to the audit trail.
	Note(e Entry) error
}
