package account

import (
	"time"

	"tandem/internal/record"
)

// A Pass lets one person in once: an invitation, or the way back for whoever forgot a password. Its link holds the
// sealed ID, so the database alone opens nothing.
type Pass struct {
	ID      record.ID
	Org     record.ID
	User    record.ID
	Purpose Purpose
	By      record.ID // who invited; 0 for a reset
	Created time.Time
	Expires time.Time
	State   PassState
}

// Purpose is what a Pass is for.
type Purpose string

// The purposes.
const (
	Invitation    Purpose = "invitation"
	PasswordReset Purpose = "password_reset"
)

// PassState is what became of a Pass. That its time is over shows in Expires.
type PassState string

// The states of a pass.
const (
	PassOpen      PassState = "open"
	PassUsed      PassState = "used"
	PassWithdrawn PassState = "withdrawn"
	PassReplaced  PassState = "replaced" // by a newer one
)

// How long passes are good for.
const (
	InvitationLife = 7 * 24 * time.Hour
	ResetLife      = time.Hour
)

// A Request is a Microsoft person's wish to join the organization of their tenant (S12). It outlives its answer, so that
// asking again is known to be that.
type Request struct {
	Org      record.ID
	User     record.ID // the user in state Requested; after a refusal: the deleted one
	Identity Identity
	Asked    time.Time // last
	Told     time.Time // when letters last went out to those who manage users
	State    RequestState
	By       record.ID // who decided
	Decided  time.Time
	Word     string // of whoever declined; may be empty
}

// RequestState is what became of a Request.
type RequestState string

// The states of a request.
const (
	RequestOpen     RequestState = "open"
	RequestApproved RequestState = "approved"
	RequestDeclined RequestState = "declined"
)

// tellAgainAfter is how long asking again sends no second wave of letters (S12).
const tellAgainAfter = 24 * time.Hour

// A Session is one browser in which a user is signed in. What a browser holds is the cookie of package web, whose data
// names the ID.
type Session struct {
	ID      string // 128 random bits or more
	Org     record.ID
	User    record.ID
	Created time.Time
	Seen    time.Time
	Agent   string // the browser's own words, at most 200 letters
	Address string // IP address at the sign-in
}

// A Passkey is a WebAuthn credential of a user (W3C Web Authentication Level 3).
type Passkey struct {
	ID       string // credential id, base64url
	Org      record.ID
	User     record.ID
	Name     string // as its owner calls it
	Created  time.Time
	LastUsed time.Time
	Data     []byte // the credential record as package web stores it: public key, counter, flags
}

// A Letter is a mail that Tandem owes somebody. It is stored in the transaction of its cause.
type Letter struct {
	ID     record.ID
	Org    record.ID
	Kind   LetterKind
	To     record.ID // the user it goes to, at the address and in the language that this user has when it is sent
	About  record.ID // the user on whose row its fate is shown
	By     record.ID // who caused it; 0: nobody in particular
	Pass   record.ID // of invitations and resets: the pass whose link it carries
	Word   string    // of a refusal, or the name of what was deleted
	State  LetterState
	Reason string // why it failed: the server's words, or "no_server"
	Tries  int
	Made   time.Time
	Sent   time.Time
}

// LetterKind says which letter it is.
type LetterKind string

// The letters.
const (
	LetterInvitation      LetterKind = "invitation"
	LetterReset           LetterKind = "password_reset"
	LetterRequest         LetterKind = "request" // to those who manage users: About asks to join
	LetterApproved        LetterKind = "approved"
	LetterDeclined        LetterKind = "declined"
	LetterPasswordChanged LetterKind = "password_changed"
	LetterAssociated      LetterKind = "associated"
	LetterContactsEnded   LetterKind = "contacts_ended"   // the folder, Word, was deleted in Outlook, so sync is off
	LetterCalendarEnded   LetterKind = "calendar_ended"   // the calendar, Word, was
	LetterCredential      LetterKind = "credential"       // to those who manage users: what Tandem proves itself with to Microsoft ends on the day Word (2006-01-02)
	LetterCredentialEnded LetterKind = "credential_ended" // to the same: it ended on the day Word, or Microsoft refuses it; then Word is ""
)

// LetterState is how far a letter has come.
type LetterState string

// The states of a letter.
const (
	LetterQueued LetterState = "queued"
	LetterSent   LetterState = "sent"
	LetterFailed LetterState = "failed" // for good
)

// An Entry of the audit trail says who did what to whom.
type Entry struct {
	ID      record.ID
	Org     record.ID
	At      time.Time
	Actor   record.ID // 0: Tandem itself, or somebody who has no account
	Action  Action
	Subject record.ID         // the user concerned; 0: none
	Detail  map[string]string // such as "profile", "from", "to", "kind", "email"
}

// Action is what an Entry tells of. Pages have words for each.
type Action string

// The actions.
const (
	Installed           Action = "installed"
	ConsentRecorded     Action = "consent_recorded"
	UserInvited         Action = "invited"
	InvitationResent    Action = "invitation_resent"
	InvitationWithdrawn Action = "invitation_withdrawn"
	UserJoined          Action = "joined" // accepted the terms
	AskedToJoin         Action = "asked_to_join"
	RequestGranted      Action = "approved"
	RequestRefused      Action = "declined"
	ProfileChanged      Action = "profile_changed" // of a user: from, to
	ProfileSaved        Action = "profile_saved"
	ProfileDeleted      Action = "profile_deleted"
	Associated          Action = "associated"
	Dissociated         Action = "dissociated"
	UserDeactivated     Action = "deactivated"
	UserReactivated     Action = "reactivated"
	UserDeleted         Action = "deleted"
	RecordsHandedOver   Action = "handed_over" // count, to
	PasswordSet         Action = "password_set"
	PasskeyAdded        Action = "passkey_added"
	PasskeyRemoved      Action = "passkey_removed"
	TokenCreated        Action = "token_created"
	SessionsEnded       Action = "sessions_ended"
	SyncOn              Action = "sync_on"       // kind
	SyncOff             Action = "sync_off"      // kind; reason, if it ended by itself
	SyncDefaultSet      Action = "sync_default"  // kind
	CompanySaved        Action = "company_saved" // what changed: region, admit_contacts, admit_calendar
	RecordsExported     Action = "exported"      // kind, count, name: the file
	FieldMade           Action = "field_made"    // name: its label
	FieldChanged        Action = "field_changed"
	FieldRetired        Action = "field_retired" // taken out of use
	FieldRevived        Action = "field_revived"
	FieldDestroyed      Action = "field_destroyed"
)

// Actions are all of them.
var Actions = []Action{
	Installed, ConsentRecorded, UserInvited, InvitationResent, InvitationWithdrawn, UserJoined, AskedToJoin, RequestGranted, RequestRefused, ProfileChanged, ProfileSaved, ProfileDeleted, Associated, Dissociated, UserDeactivated, UserReactivated, UserDeleted, RecordsHandedOver, PasswordSet, PasskeyAdded, PasskeyRemoved, TokenCreated, SessionsEnded, SyncOn, SyncOff, SyncDefaultSet, CompanySaved,
	RecordsExported, FieldMade, FieldChanged, FieldRetired, FieldRevived, FieldDestroyed,
}
