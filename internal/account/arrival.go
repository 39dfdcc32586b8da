package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// An Arrival is a Microsoft person at the door, as a validated ID token and Graph's answer to that person's own token
// prove it. Nothing in it comes from the browser.
type Arrival struct {
	Identity
	Username  string // user principal name
	Email     string // the directory's mail address; "" where there is none
	FirstName string
	LastName  string
	Tenant    string // the tenant's name, as far as it is known
	Locale    string // "pt-BR", "en" or ""
	Zone      string // IANA name or ""
	Guest     bool
	// Untold says that Graph would not tell who this is: it may be a guest, and the names are those of the ID token.
	Untold bool
	Roles  []string // template ids of active directory roles
	// RolesUnread says that Graph would not tell the roles: those of the ID token are all there is.
	RolesUnread bool
}

// The directory roles that may install Tandem (S4): template ids, the same in every tenant.
const (
	GlobalAdministrator         = "62e90394-69f5-4237-9190-012177145e10"
	PrivilegedRoleAdministrator = "e8611ab8-c189-46e8-94e1-60213ab1f814"
)

// Installer reports whether this person may switch Tandem on for the tenant.
func (a Arrival) Installer() bool {
	return !a.Guest && slices.ContainsFunc(a.Roles, func(role string) bool {
		return strings.EqualFold(role, GlobalAdministrator) || strings.EqualFold(role, PrivilegedRoleAdministrator)
	})
}

// Address is where the person gets mail.
func (a Arrival) Address() string {
	if a.Email != "" {
		return a.Email
	}
	return a.Username
}

// addresses are those by which the tenant's directory knows the person. A guest's are the home organization's business, and
// so are those of somebody who may be one.
func (a Arrival) addresses() []string {
	if a.Guest || a.Untold {
		return nil
	}
	return slices.DeleteFunc([]string{a.Email, a.Username}, func(s string) bool { return s == "" })
}

// dress fills in what an account does not know yet of its person.
func (a Arrival) dress(u *User) {
	u.Identity = a.Identity
	if u.FirstName == "" && u.LastName == "" {
		u.FirstName, u.LastName = cleanName(a.FirstName), cleanName(a.LastName)
	}
	if u.Zone == "" {
		u.Zone = a.Zone
	}
	if u.Locale == "" {
		u.Locale = a.Locale
	}
}

// Standing is where a Microsoft person stands, and so what the accounts page offers.
type Standing struct {
	Door    Door
	Org     Organization // of Known to MayAsk: the one concerned
	User    User         // of Known to Waiting
	Inviter User         // of Welcome; zero: unknown
	Request Request      // of Waiting, and of MayAsk after a refusal
}

// Door is what a Microsoft person finds at the accounts page.
type Door string

// The doors.
const (
	Known      Door = "known"       // an active account: go in
	SameMail   Door = "same_mail"   // an active account of the tenant's organization with this address and no Microsoft person yet: go in (S3)
	Inactive   Door = "inactive"    // a deactivated account
	Welcome    Door = "welcome"     // invited: accept the terms and go in (S10)
	Waiting    Door = "waiting"     // asked to join; nobody has answered (S12)
	MayAsk     Door = "may_ask"     // the tenant's organization is here, this person is not
	MayInstall Door = "may_install" // no organization yet, and an administrator (S4)
	NobodyYet  Door = "nobody_yet"  // no organization yet, and no administrator
)

// Standing finds out where a Microsoft person stands. It changes nothing.
//
// An address opens a door only inside the tenant's own organization: there the directory that gives addresses out and
// the organization have the same masters. Anywhere else an address proves nothing (docs/adr).
func (r *Registry) Standing(ctx context.Context, a Arrival) (s Standing, err error) {
	defer fault.Wrap(&err, "account: find the standing of an arrival")
	u, err := r.Store.UserByIdentity(ctx, a.Identity)
	switch {
	case err == nil:
		return r.standingOf(ctx, u)
	case !fault.Is(err, fault.NotFound):
		return s, err
	}
	if s.Org, err = r.Store.OrganizationByTenant(ctx, a.TenantID); fault.Is(err, fault.NotFound) {
		if a.Installer() {
			return Standing{Door: MayInstall}, nil
		}
		return Standing{Door: NobodyYet}, nil
	} else if err != nil {
		return s, err
	}
	for _, address := range a.addresses() {
		u, err := r.Store.UserByEmail(ctx, s.Org.ID, address)
		if err == nil && u.Identity.IsZero() {
			return r.standingOf(ctx, u)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return s, err
		}
	}
	s.Door = MayAsk
	if s.Request, err = r.Store.Request(ctx, s.Org.ID, a.Identity); fault.Is(err, fault.NotFound) {
		err = nil
	}
	return s, err
}

func (r *Registry) standingOf(ctx context.Context, u User) (s Standing, err error) {
	s.User = u
	if s.Org, err = r.Store.Organization(ctx, u.Org); err != nil {
		return s, err
	}
	switch u.State {
	case Active:
		if s.Door = Known; u.Identity.IsZero() {
			s.Door = SameMail
		}
	case Invited:
		s.Door = Welcome
	case Requested:
		s.Door = Waiting
		s.Request, err = r.Store.Request(ctx, u.Org, u.Identity)
	default:
		s.Door = Inactive
	}
	return s, err
}

// Enter opens the account of a person who needs no question: Known, or SameMail, which ties the person to the account
// (S3). Any other standing is a Conflict, for a page to look again.
func (r *Registry) Enter(ctx context.Context, a Arrival) (u User, err error) {
	defer fault.Wrap(&err, "account: enter")
	s, err := r.Standing(ctx, a)
	switch {
	case err != nil:
		return u, err
	case s.Door == Known:
		return s.User, nil
	case s.Door != SameMail:
		return u, refuse(fault.Conflict, "", "the door is %s", s.Door)
	}
	err = r.Store.Within(ctx, s.Org.ID, func(tx Tx) error {
		if u, err = tx.User(s.User.ID); err != nil {
			return err
		}
		if u.State != Active || !u.Identity.IsZero() && u.Identity != a.Identity {
			return refuse(fault.Conflict, "", "user %d changed meanwhile", u.ID)
		}
		if u.Identity == a.Identity {
			return nil
		}
		return tie(tx, r, a, &u)
	})
	return u, err
}

// tie makes a Microsoft person open an account from now on. If it was another one before, what synced with that one's mailbox
// ends here: what this person's mailbox lacks must never count as deleted.
func tie(tx Tx, r *Registry, a Arrival, u *User) error {
	a.dress(u)
	if err := tx.UpdateUser(*u); err != nil {
		return taken(err)
	}
	if err := tx.EndLinks(u.ID, a.Identity); err != nil {
		return err
	}
	if _, err := tx.Password(u.ID); fault.Is(err, fault.NotFound) {
		if err := tx.EndPasses(u.ID); err != nil { // a link for a forgotten password would open a second door
			return err
		}
	} else if err != nil {
		return err
	}
	if err := tx.Note(Entry{At: r.Now(), Actor: u.ID, Action: Associated, Subject: u.ID, Detail: map[string]string{"username": a.Username}}); err != nil {
		return err
	}
	return tx.Send(Letter{Kind: LetterAssociated, To: u.ID, About: u.ID})
}

// taken says what a Conflict means where an identity is written: it belongs to somebody, who came between.
func taken(err error) error {
	if fault.Is(err, fault.Conflict) {
		return refuse(fault.Conflict, IdentityTaken, "the Microsoft person has an account: %w", err)
	}
	return err
}

// Install makes the organization of a person's tenant, with this person as its Super Admin (S2, S4, S5). The
// organization's Name, Edition, Zone and Locale are the caller's. Conflict with reason AlreadyInstalled: somebody was faster.
func (r *Registry) Install(ctx context.Context, a Arrival, o Organization) (u User, err error) {
	defer fault.Wrap(&err, "account: install")
	switch {
	case a.Guest:
		return u, refuse(fault.Denied, GuestAccount, "a guest installs nothing")
	case !a.Installer():
		return u, refuse(fault.Denied, NotInstaller, "not an administrator of the tenant")
	}
	if _, err := r.Store.UserByIdentity(ctx, a.Identity); err == nil {
		return u, refuse(fault.Conflict, IdentityTaken, "the person has an account")
	} else if !fault.Is(err, fault.NotFound) {
		return u, err
	}
	if _, err := r.Store.OrganizationByTenant(ctx, a.TenantID); err == nil {
		return u, refuse(fault.Conflict, AlreadyInstalled, "the tenant has an organization")
	} else if !fault.Is(err, fault.NotFound) {
		return u, err
	}
	now := r.Now()
	o.Name, o.TenantID, o.Created = cleanName(o.Name), a.TenantID, now
	err = r.Store.Found(ctx, o, func(tx Tx, made Organization) error {
		u = User{Org: made.ID, Email: a.Address(), Profile: SuperAdmin, State: Active, Created: now, Terms: now}
		a.dress(&u)
		if u.Zone == "" {
			u.Zone = made.Zone
		}
		if u, err = tx.CreateUser(u); err != nil {
			return taken(err)
		}
		return tx.Note(Entry{At: now, Actor: u.ID, Action: Installed, Subject: u.ID})
	})
	if fault.Is(err, fault.Conflict) && fault.ReasonOf(err) != IdentityTaken {
		err = refuse(fault.Conflict, AlreadyInstalled, "the tenant has an organization: %w", err)
	}
	if err == nil {
		u, err = r.Store.User(ctx, u.Org, u.ID)
	}
	return u, err
}

// A Proof says with which credentials somebody has just signed in to an account. It is void once these are no longer those
// of the account: whoever knew a password that has been changed since ties nobody to it.
type Proof string

// Prove is the proof of an account's present credentials. Ask for it only when they were just shown.
func (r *Registry) Prove(ctx context.Context, u User) (_ Proof, err error) {
	defer fault.Wrap(&err, "account: prove user %d", u.ID)
	hash, err := r.Store.Password(ctx, u.Org, u.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	keys, err := r.Store.Passkeys(ctx, u.Org, u.ID)
	return proofOf(hash, keys), err
}

func proofOf(hash string, keys []Passkey) Proof {
	sum := sha256.New()
	sum.Write([]byte(hash))
	for _, k := range keys {
		sum.Write([]byte("\x00" + k.ID))
	}
	return Proof(hex.EncodeToString(sum.Sum(nil)))
}

// proved reports with a fault whether a proof still is that of a user's credentials.
func proved(tx Tx, id record.ID, p Proof) error {
	hash, err := tx.Password(id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	keys, err := tx.Passkeys(id)
	if err == nil && proofOf(hash, keys) != p {
		err = refuse(fault.Denied, WrongPassword, "the credentials of user %d have changed since they were shown", id)
	}
	return err
}

// Associate ties a Microsoft person to an existing account of another address (S6, S11), after whoever is at the door has
// signed in to it. What was asked or offered elsewhere for this person lapses. Denied with WrongPassword: the proof is void.
func (r *Registry) Associate(ctx context.Context, a Arrival, org, id record.ID, proof Proof) (u User, err error) {
	defer fault.Wrap(&err, "account: associate")
	err = r.Store.Within(ctx, org, func(tx Tx) error {
		if u, err = tx.User(id); err != nil {
			return err
		}
		switch {
		case u.State != Active:
			return refuse(fault.Denied, AccountInactive, "user %d is %s", id, u.State)
		case u.Identity == a.Identity:
			return nil
		case !u.Identity.IsZero():
			return refuse(fault.Conflict, HasIdentity, "user %d is tied to another Microsoft person", id)
		}
		if err := proved(tx, id, proof); err != nil {
			return err
		}
		other, err := tx.UserByIdentity(a.Identity)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return err
		case other.State == Invited || other.State == Requested:
			if err := lapse(tx, r, other); err != nil {
				return err
			}
		default:
			return refuse(fault.Conflict, IdentityTaken, "the Microsoft person opens account %d", other.ID)
		}
		return tie(tx, r, a, &u)
	})
	return u, err
}

// lapse ends an invitation or a request of somebody who went elsewhere.
func lapse(tx Tx, r *Registry, u User) error {
	if err := tx.EndPasses(u.ID); err != nil {
		return err
	}
	u.State, u.Identity = Deleted, Identity{}
	if err := tx.UpdateUser(u); err != nil {
		return err
	}
	return tx.Note(Entry{Org: u.Org, At: r.Now(), Action: InvitationWithdrawn, Subject: u.ID, Detail: map[string]string{"why": "associated_elsewhere"}})
}

// Dissociate unties a user from the Microsoft person, as long as there is another way to sign in. What syncs pauses, because
// the grant goes too; it goes on if the same person is tied to the account again, and ends with any other (see tie).
func (r *Registry) Dissociate(ctx context.Context, user User) (err error) {
	defer fault.Wrap(&err, "account: dissociate")
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		u, err := tx.User(user.ID)
		if err != nil || u.Identity.IsZero() {
			return err
		}
		ways, err := waysIn(tx, u)
		if err != nil {
			return err
		}
		if ways < 2 {
			return refuse(fault.Conflict, OnlyWayIn, "user %d has no other way to sign in", u.ID)
		}
		u.Identity = Identity{}
		if err := tx.UpdateUser(u); err != nil {
			return err
		}
		if err := tx.DropGrant(u.ID); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: u.ID, Action: Dissociated, Subject: u.ID})
	})
}

// waysIn counts the ways in which a user can sign in.
func waysIn(tx Tx, u User) (n int, err error) {
	if !u.Identity.IsZero() {
		n++
	}
	if _, err := tx.Password(u.ID); err == nil {
		n++
	} else if !fault.Is(err, fault.NotFound) {
		return n, err
	}
	keys, err := tx.Passkeys(u.ID)
	return n + len(keys), err
}
