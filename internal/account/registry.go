package account

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Registry applies the rules to what people do with accounts. Whoever acts is looked up again inside the transaction: what
// a page knew of them may be old. Another organization's users are NotFound.
type Registry struct {
	Store Store
	Now   func() time.Time
	// Common reports whether one of the words is a common password. nil: there is no list, as in most tests.
	Common func(words ...string) (bool, error)

	hashing chan struct{} // see password.go
}

// NewRegistry makes a registry on a store.
func NewRegistry(store Store, now func() time.Time) *Registry {
	return &Registry{Store: store, Now: now, hashing: make(chan struct{}, hashesAtOnce)}
}

// Reasons why something is refused. Pages have words for each: refusal.<reason>.
const (
	NotInstaller     fault.Reason = "not_installer"    // no active directory role that may install
	GuestAccount     fault.Reason = "guest_account"    // a guest of the tenant belongs to another organization
	AlreadyInstalled fault.Reason = "installed"        // the tenant has an organization already
	IdentityTaken    fault.Reason = "identity_taken"   // this Microsoft person opens another account
	HasIdentity      fault.Reason = "has_identity"     // the account is tied to another Microsoft person
	AddressTaken     fault.Reason = "address_taken"    // somebody else of the organization has the address
	AccountInactive  fault.Reason = "account_inactive" // the account is deactivated
	WrongPassword    fault.Reason = "wrong_password"   // address and password do not belong together
	WeakPassword     fault.Reason = "weak_password"    // too easily guessed, or in the lists of common ones
	ShortPassword    fault.Reason = "short_password"   // fewer than MinPassword letters
	LongPassword     fault.Reason = "long_password"    // more than MaxPassword letters
	OnlyWayIn        fault.Reason = "only_way_in"      // without it nobody could sign in to the account
	LastSuperAdmin   fault.Reason = "last_super_admin" // an organization has at least one
	OwnAccount       fault.Reason = "own_account"      // nobody does that to themselves
	BeyondOwn        fault.Reason = "beyond_own"       // nobody gives or takes more than they have
	PaidOnly         fault.Reason = "paid_only"        // the edition has no invitations
	SeatsTaken       fault.Reason = "seats_taken"      // the edition has no more users
	AlreadyUser      fault.Reason = "already_user"     // whoever is invited is in
	AnsweredAlready  fault.Reason = "answered_already" // somebody else was faster
	PassExpired      fault.Reason = "pass_expired"
	PassSpent        fault.Reason = "pass_used"
	PassTakenBack    fault.Reason = "pass_withdrawn"
	PassSuperseded   fault.Reason = "pass_replaced"
	OtherPerson      fault.Reason = "other_person"     // the invitation is for another Microsoft person
	TermsMissing     fault.Reason = "terms_missing"    // nothing is made before they are accepted
	HandOverNeeded   fault.Reason = "hand_over_needed" // who owns records cannot be deleted
	SyncEnding       fault.Reason = "sync_ending"      // the mailbox is still being cleared
	ProfileInUse     fault.Reason = "profile_in_use"
	ProfileFixed     fault.Reason = "profile_fixed" // Super Admin is what it is; built-in ones stay
	ProfileTaken     fault.Reason = "profile_taken" // another profile has the name
	ProfileGone      fault.Reason = "profile_gone"  // somebody has deleted it meanwhile
	BadAddress       fault.Reason = "bad_address"
	TooOften         fault.Reason = "too_often" // a limit; RetryAfter says when
)

// Refusals are all of them.
var Refusals = []fault.Reason{
	NotInstaller, GuestAccount, AlreadyInstalled, IdentityTaken, HasIdentity, AddressTaken, AccountInactive, WrongPassword, WeakPassword, ShortPassword, LongPassword, OnlyWayIn, LastSuperAdmin, OwnAccount, BeyondOwn, PaidOnly, SeatsTaken, AlreadyUser, AnsweredAlready, PassExpired, PassSpent, PassTakenBack, PassSuperseded, OtherPerson, TermsMissing, HandOverNeeded, SyncEnding, ProfileInUse, ProfileFixed, ProfileTaken, ProfileGone, BadAddress, TooOften,
}

// refuse is a fault of a kind for a reason.
func refuse(kind fault.Kind, reason fault.Reason, format string, args ...any) error {
	return fault.New(kind, reason, "account: "+format, args...)
}

// manager finds whoever acts, who must be active and manage users.
func manager(tx Tx, id record.ID) (User, error) {
	u, err := tx.User(id)
	if err != nil {
		return u, err
	}
	if u.State != Active || !u.May.ManageUsers {
		return u, refuse(fault.Denied, "", "user %d does not manage users", id)
	}
	return u, nil
}

// mayGive reports with a fault whether the actor may give a profile to somebody, or take it: nobody hands out more than
// they have, and only a Super Admin makes another.
func mayGive(actor User, p Profile, may Permissions) error {
	if actor.Profile == SuperAdmin {
		return nil
	}
	if p == SuperAdmin || !may.Within(actor.May) {
		return refuse(fault.Denied, BeyondOwn, "profile %q goes beyond that of user %d", p, actor.ID)
	}
	return nil
}

// toGive finds a profile that somebody is to have. Conflict with ProfileGone; the refusals of mayGive.
func toGive(tx Tx, actor User, p Profile) (NamedProfile, error) {
	profile, err := tx.Profile(p)
	if fault.Is(err, fault.NotFound) {
		return profile, refuse(fault.Conflict, ProfileGone, "there is no profile %q", p)
	}
	if err != nil {
		return profile, err
	}
	return profile, mayGive(actor, p, profile.May)
}

// MayGive reports whether a user may give a profile to somebody, or take it: for pages that offer only what is taken.
func (u User) MayGive(p Profile, may Permissions) bool { return mayGive(u, p, may) == nil }

// mayTouch is mayGive for somebody who has a profile.
func mayTouch(actor, u User) error { return mayGive(actor, u.Profile, u.May) }

// anotherSuperAdmin reports with a fault whether somebody else would still be an active Super Admin without this user.
func anotherSuperAdmin(tx Tx, without User) error {
	if without.Profile != SuperAdmin || without.State != Active {
		return nil
	}
	all, err := tx.UsersOf(SuperAdmin)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.ID != without.ID && u.State == Active {
			return nil
		}
	}
	return refuse(fault.Conflict, LastSuperAdmin, "user %d is the last Super Admin", without.ID)
}

// seat reports with a fault whether the organization's edition has room for another user.
func seat(tx Tx) error {
	o, err := tx.Organization()
	if err != nil {
		return err
	}
	most := o.Edition.Users()
	if most == 0 {
		return nil
	}
	active, err := tx.Active()
	if err != nil {
		return err
	}
	if len(active) >= most {
		return refuse(fault.Denied, SeatsTaken, "the edition %q has %d users", o.Edition, most)
	}
	return nil
}

// Consented records that an administrator of the tenant was proved to have allowed the app for everybody there: by a token
// of that person, who holds the role, with the scopes. Denied: the arrival does not prove it.
func (r *Registry) Consented(ctx context.Context, a Arrival, user User, scopes []string) (err error) {
	defer fault.Wrap(&err, "account: record consent")
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		o, err := tx.Organization()
		if err != nil {
			return err
		}
		if !a.Installer() || a.Identity != user.Identity || a.Identity.TenantID != o.TenantID {
			return refuse(fault.Denied, NotInstaller, "no administrator of the organization's tenant")
		}
		o.Consented, o.Scopes = r.Now(), scopes
		if err := tx.UpdateOrganization(o); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: user.ID, Action: ConsentRecorded})
	})
}
