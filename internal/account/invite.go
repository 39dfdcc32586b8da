package account

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Invitee is somebody who is to be invited: a Microsoft person as the directory tells of one, or an address.
type Invitee struct {
	Identity  Identity // zero: by address
	Email     string
	FirstName string
	LastName  string
	Locale    string
}

// InviteResult is what became of one invitee. Err: Invalid with BadAddress, Conflict with AlreadyUser or AddressTaken.
type InviteResult struct {
	Invitee
	User User
	Err  error
}

// DirectoryPerson is somebody of the tenant's directory.
type DirectoryPerson struct {
	Invitee
	JobTitle string
}

// MaxInvitees is how many people one invitation names at most.
const MaxInvitees = 50

// Invite invites people with a profile; each gets a letter (S7–S9). Somebody who asked to join is let in instead. What
// concerns one invitee only is in their result. Denied: the actor does not manage users, the edition has no invitations
// (PaidOnly), the profile goes beyond the actor's own (BeyondOwn).
func (r *Registry) Invite(ctx context.Context, actor User, invitees []Invitee, p Profile) (out []InviteResult, err error) {
	defer fault.Wrap(&err, "account: invite")
	if len(invitees) > MaxInvitees {
		return nil, fault.Wrong(fault.TooLong, "people", "account: more than %d people at once", MaxInvitees)
	}
	err = r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		out = nil
		by, err := manager(tx, actor.ID)
		if err != nil {
			return err
		}
		o, err := tx.Organization()
		if err != nil {
			return err
		}
		if !o.Edition.Paid() {
			return refuse(fault.Denied, PaidOnly, "the edition %q has no invitations", o.Edition)
		}
		if _, err := toGive(tx, by, p); err != nil {
			return err
		}
		for _, i := range invitees {
			u, err := r.invite(tx, by, i, p)
			if err != nil && !slices.Contains(Refusals, fault.ReasonOf(err)) {
				return err // not this invitee's alone
			}
			out = append(out, InviteResult{i, u, err})
		}
		return nil
	})
	return out, err
}

func (r *Registry) invite(tx Tx, by User, i Invitee, p Profile) (u User, err error) {
	if i.Email, err = Address(i.Email); err != nil {
		return u, err
	}
	if !i.Identity.IsZero() {
		u, err = tx.UserByIdentity(i.Identity)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return u, err
		case u.State == Requested && u.Org == by.Org:
			return u, r.admit(tx, by, u, p)
		default:
			return u, refuse(fault.Conflict, AlreadyUser, "user %d is %s", u.ID, u.State)
		}
	}
	u, err = tx.UserByEmail(i.Email)
	switch {
	case err == nil && u.State == Requested && i.Identity.IsZero():
		return u, r.admit(tx, by, u, p)
	case err == nil:
		return u, refuse(fault.Conflict, AlreadyUser, "user %d has the address", u.ID)
	case !fault.Is(err, fault.NotFound):
		return u, err
	}
	u, err = tx.CreateUser(User{
		Org: by.Org, Email: i.Email, FirstName: cleanName(i.FirstName), LastName: cleanName(i.LastName), Profile: p, State: Invited,
		Locale: i.Locale, Created: r.Now(), Identity: i.Identity,
	})
	if err != nil {
		return u, err
	}
	if err := tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: UserInvited, Subject: u.ID,
		Detail: map[string]string{"email": u.Email, "profile": string(p)}}); err != nil {
		return u, err
	}
	return u, r.sendInvitation(tx, by, u)
}

func (r *Registry) sendInvitation(tx Tx, by, u User) error {
	now := r.Now()
	pass, err := tx.CreatePass(Pass{Org: u.Org, User: u.ID, Purpose: Invitation, By: by.ID, Created: now, Expires: now.Add(InvitationLife), State: PassOpen})
	if err != nil {
		return err
	}
	return tx.Send(Letter{Kind: LetterInvitation, To: u.ID, About: u.ID, By: by.ID, Pass: pass.ID})
}

// invited finds who acts and who is invited.
func (r *Registry) invited(tx Tx, actor, id record.ID) (by, u User, err error) {
	if by, err = manager(tx, actor); err != nil {
		return by, u, err
	}
	if u, err = tx.User(id); err != nil {
		return by, u, err
	}
	if u.State != Invited {
		return by, u, refuse(fault.Conflict, AnsweredAlready, "user %d is %s", u.ID, u.State)
	}
	return by, u, mayTouch(by, u)
}

// Resend sends the invitation again, with a new link; the old one opens nothing any more.
func (r *Registry) Resend(ctx context.Context, actor User, id record.ID) (err error) {
	defer fault.Wrap(&err, "account: invite user %d again", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := r.invited(tx, actor.ID, id)
		if err != nil {
			return err
		}
		if err := tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: InvitationResent, Subject: u.ID}); err != nil {
			return err
		}
		return r.sendInvitation(tx, by, u)
	})
}

// Withdraw takes an invitation back.
func (r *Registry) Withdraw(ctx context.Context, actor User, id record.ID) (err error) {
	defer fault.Wrap(&err, "account: withdraw the invitation of user %d", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := r.invited(tx, actor.ID, id)
		if err != nil {
			return err
		}
		if err := tx.EndPasses(u.ID); err != nil {
			return err
		}
		if err := tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: InvitationWithdrawn, Subject: u.ID, Detail: map[string]string{"email": u.Email}}); err != nil {
			return err
		}
		u.State, u.Identity = Deleted, Identity{}
		return tx.UpdateUser(u)
	})
}

// maxAddress is the longest mail address (RFC 5321, section 4.5.3.1).
const maxAddress = 254

// Address puts a typed mail address into the form in which it is kept. Invalid with reason BadAddress: it is none.
func Address(typed string) (string, error) {
	a, err := mail.ParseAddress(strings.TrimSpace(typed))
	bad := func(err error) (string, error) {
		return "", refuse(fault.Invalid, BadAddress, "not a mail address: %w", err)
	}
	if err != nil {
		return bad(err)
	}
	local, domain, _ := strings.Cut(a.Address, "@")
	if a.Name != "" || len(a.Address) > maxAddress || strings.ContainsAny(local, " \"\\") {
		return bad(errors.New("more than an address"))
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return bad(err)
	}
	// net/mail takes a@b; a domain that mail reaches has a dot in it, and no empty part.
	if parts := strings.Split(ascii, "."); len(parts) < 2 || slices.Contains(parts, "") {
		return bad(errors.New("the domain has no dot"))
	}
	return local + "@" + strings.ToLower(domain), nil
}
