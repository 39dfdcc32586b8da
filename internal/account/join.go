package account

import (
	"context"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// PassOf finds a pass with its user and reports with a fault why it opens nothing: NotFound, or Gone with one of the reasons
// PassExpired, PassSpent, PassTakenBack, PassSuperseded; pass and user are told even then.
func (r *Registry) PassOf(ctx context.Context, id record.ID, purpose Purpose) (p Pass, u User, err error) {
	defer fault.Wrap(&err, "account: pass %d", id)
	if p, err = r.Store.Pass(ctx, id); err != nil {
		return p, u, err
	}
	if p.Purpose != purpose {
		return p, u, refuse(fault.NotFound, "", "not a pass for that")
	}
	if u, err = r.Store.User(ctx, p.Org, p.User); err != nil {
		return p, u, err
	}
	return p, u, r.open(p, u)
}

// open reports with a fault whether a pass still opens.
func (r *Registry) open(p Pass, u User) error {
	wanted := Invited
	if p.Purpose == PasswordReset {
		wanted = Active
	}
	switch {
	case p.State == PassUsed || p.Purpose == Invitation && u.State == Active:
		return refuse(fault.Gone, PassSpent, "pass %d was used", p.ID)
	case p.State == PassReplaced:
		return refuse(fault.Gone, PassSuperseded, "pass %d was replaced", p.ID)
	case p.State != PassOpen || u.State != wanted:
		return refuse(fault.Gone, PassTakenBack, "pass %d was withdrawn", p.ID)
	case !r.Now().Before(p.Expires):
		return refuse(fault.Gone, PassExpired, "pass %d ended at %s", p.ID, p.Expires)
	}
	return nil
}

// Accept takes up an invitation as a Microsoft person (S10): by the pass of a letter's link, or, where pass is 0, the one
// that waits for this very person. The terms have been accepted. Denied with reason OtherPerson: the invitation is for
// another Microsoft person; Gone: see PassOf; Conflict with IdentityTaken: this person opens another account.
func (r *Registry) Accept(ctx context.Context, a Arrival, pass record.ID) (u User, err error) {
	defer fault.Wrap(&err, "account: accept")
	org, id := record.ID(0), record.ID(0)
	if pass != 0 {
		p, err := r.Store.Pass(ctx, pass)
		if err != nil {
			return u, err
		}
		org, id = p.Org, p.User
	} else {
		s, err := r.Standing(ctx, a)
		if err != nil {
			return u, err
		}
		if s.Door != Welcome {
			return u, refuse(fault.Conflict, "", "the door is %s", s.Door)
		}
		org, id = s.Org.ID, s.User.ID
	}
	err = r.Store.Within(ctx, org, func(tx Tx) error {
		if u, err = tx.User(id); err != nil {
			return err
		}
		if u.State == Active && u.Identity == a.Identity {
			return nil // the other tab was faster
		}
		if pass != 0 {
			p, err := tx.Pass(pass)
			if err != nil {
				return err
			}
			if err := r.open(p, u); err != nil {
				return err
			}
		}
		switch {
		case u.State != Invited:
			return refuse(fault.Gone, PassTakenBack, "user %d is %s", u.ID, u.State)
		case !u.Identity.IsZero() && u.Identity != a.Identity:
			return refuse(fault.Denied, OtherPerson, "user %d is another Microsoft person", u.ID)
		}
		if other, err := tx.UserByIdentity(a.Identity); err == nil && other.ID != u.ID {
			if other.State != Requested && other.State != Invited {
				return refuse(fault.Conflict, IdentityTaken, "the Microsoft person opens account %d", other.ID)
			}
			if err := lapse(tx, r, other); err != nil {
				return err
			}
		} else if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		a.dress(&u)
		return join(tx, r, &u, pass)
	})
	return u, err
}

// join makes an invited user an active one. The terms were accepted just now.
func join(tx Tx, r *Registry, u *User, pass record.ID) error {
	if err := seat(tx); err != nil {
		return err
	}
	u.State, u.Terms = Active, r.Now()
	if err := tx.UpdateUser(*u); err != nil {
		return taken(err)
	}
	if pass != 0 {
		if err := tx.ChangePass(pass, PassUsed); err != nil {
			return err
		}
	}
	if err := tx.EndPasses(u.ID); err != nil {
		return err
	}
	return tx.Note(Entry{At: r.Now(), Actor: u.ID, Action: UserJoined, Subject: u.ID})
}

// Newcomer is what somebody says of themselves who joins without Microsoft.
type Newcomer struct {
	FirstName, LastName string
	Locale, Zone        string
}

// AcceptWithPassword takes up an invitation without Microsoft (S9): the account is opened by its address and this password.
// Gone: see PassOf; Invalid with a reason: the password will not do; Denied with OtherPerson: the invitation was made out
// to a Microsoft person.
func (r *Registry) AcceptWithPassword(ctx context.Context, pass record.ID, n Newcomer, password string) (u User, err error) {
	defer fault.Wrap(&err, "account: accept with a password")
	p, u, err := r.PassOf(ctx, pass, Invitation)
	if err != nil {
		return u, err
	}
	hash, err := r.newHash(ctx, u.Org, password, u.Email, n.FirstName, n.LastName)
	if err != nil {
		return u, err
	}
	return r.acceptLocally(ctx, p, n, func(tx Tx, u User) error { return tx.SetPassword(u.ID, hash) })
}

// AcceptWithPasskey is AcceptWithPassword with a passkey, whose User and Org need not be filled in.
func (r *Registry) AcceptWithPasskey(ctx context.Context, pass record.ID, n Newcomer, k Passkey) (u User, err error) {
	defer fault.Wrap(&err, "account: accept with a passkey")
	p, _, err := r.PassOf(ctx, pass, Invitation)
	if err != nil {
		return u, err
	}
	return r.acceptLocally(ctx, p, n, func(tx Tx, u User) error {
		k.Org, k.User, k.Created = u.Org, u.ID, r.Now()
		return tx.AddPasskey(k)
	})
}

func (r *Registry) acceptLocally(ctx context.Context, p Pass, n Newcomer, equip func(Tx, User) error) (u User, err error) {
	err = r.Store.Within(ctx, p.Org, func(tx Tx) error {
		if u, err = tx.User(p.User); err != nil {
			return err
		}
		if p, err = tx.Pass(p.ID); err != nil {
			return err
		}
		if err := r.open(p, u); err != nil {
			return err
		}
		if !u.Identity.IsZero() {
			return refuse(fault.Denied, OtherPerson, "user %d is a Microsoft person", u.ID)
		}
		if first, last := cleanName(n.FirstName), cleanName(n.LastName); first != "" || last != "" {
			u.FirstName, u.LastName = first, last
		}
		if u.Zone == "" {
			u.Zone = n.Zone
		}
		if u.Locale == "" {
			u.Locale = n.Locale
		}
		if err := join(tx, r, &u, p.ID); err != nil {
			return err
		}
		return equip(tx, u)
	})
	return u, err
}

// AskToJoin asks those who manage users of the organization of the person's tenant to let the person in (S12), who has
// accepted the terms. Asking again within a day sends no letters. Conflict: the person need not ask; look again.
func (r *Registry) AskToJoin(ctx context.Context, a Arrival) (req Request, err error) {
	defer fault.Wrap(&err, "account: ask to join")
	s, err := r.Standing(ctx, a)
	if err != nil {
		return req, err
	}
	if s.Door != MayAsk && s.Door != Waiting {
		return req, refuse(fault.Conflict, "", "the door is %s", s.Door)
	}
	err = r.Store.Within(ctx, s.Org.ID, func(tx Tx) error {
		now := r.Now()
		req, err = tx.Request(a.Identity)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		u, err := tx.UserByIdentity(a.Identity)
		switch {
		case fault.Is(err, fault.NotFound):
			u = User{Org: s.Org.ID, Email: a.Address(), Profile: Standard, State: Requested, Created: now, Terms: now}
			a.dress(&u)
			if u, err = r.createAsking(tx, u, a.Username); err != nil {
				return err
			}
			if err := tx.Note(Entry{At: now, Actor: u.ID, Action: AskedToJoin, Subject: u.ID}); err != nil {
				return err
			}
		case err != nil:
			return err
		case u.State != Requested:
			return refuse(fault.Conflict, "", "user %d is %s", u.ID, u.State)
		}
		req.Org, req.User, req.Identity, req.Asked, req.State = s.Org.ID, u.ID, a.Identity, now, RequestOpen
		req.By, req.Word = 0, ""
		if now.Sub(req.Told) >= tellAgainAfter {
			req.Told = now
			if err := tellManagers(tx, u); err != nil {
				return err
			}
		}
		return tx.SaveRequest(req)
	})
	return req, err
}

// createAsking stores somebody who asks. The mail address may be somebody else's of the organization; the user name cannot
// be but by an old account that has it as its address.
func (r *Registry) createAsking(tx Tx, u User, username string) (User, error) {
	for _, address := range []string{u.Email, username} {
		if _, err := tx.UserByEmail(address); fault.Is(err, fault.NotFound) {
			u.Email = address
			return tx.CreateUser(u)
		} else if err != nil {
			return u, err
		}
	}
	return u, refuse(fault.Conflict, AddressTaken, "somebody of the organization has the address")
}

// tellManagers sends a letter to everybody who manages users, and to no one else.
func tellManagers(tx Tx, asking User) error {
	all, err := tx.Active()
	if err != nil {
		return err
	}
	for _, u := range all {
		if !u.May.ManageUsers {
			continue
		}
		if err := tx.Send(Letter{Kind: LetterRequest, To: u.ID, About: asking.ID}); err != nil {
			return err
		}
	}
	return nil
}

// Approve lets somebody in who asked, with a profile (S13). Conflict with reason AnsweredAlready: another manager was faster.
func (r *Registry) Approve(ctx context.Context, actor User, id record.ID, p Profile) (err error) {
	defer fault.Wrap(&err, "account: approve user %d", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := r.asking(tx, actor.ID, id)
		if err != nil {
			return err
		}
		return r.admit(tx, by, u, p)
	})
}

// admit makes a user who asked an active one.
func (r *Registry) admit(tx Tx, by, u User, p Profile) error {
	if _, err := toGive(tx, by, p); err != nil {
		return err
	}
	if err := seat(tx); err != nil {
		return err
	}
	u.State, u.Profile = Active, p
	if err := tx.UpdateUser(u); err != nil {
		return err
	}
	if err := r.answer(tx, u, by, RequestApproved, ""); err != nil {
		return err
	}
	if err := tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: RequestGranted, Subject: u.ID, Detail: map[string]string{"profile": string(p)}}); err != nil {
		return err
	}
	return tx.Send(Letter{Kind: LetterApproved, To: u.ID, About: u.ID, By: by.ID})
}

// asking finds who acts and who asked.
func (r *Registry) asking(tx Tx, actor, id record.ID) (by, u User, err error) {
	if by, err = manager(tx, actor); err != nil {
		return by, u, err
	}
	if u, err = tx.User(id); err != nil {
		return by, u, err
	}
	if u.State != Requested {
		return by, u, refuse(fault.Conflict, AnsweredAlready, "user %d is %s", u.ID, u.State)
	}
	return by, u, nil
}

func (r *Registry) answer(tx Tx, u, by User, s RequestState, word string) error {
	req, err := tx.RequestOf(u.ID)
	if err != nil {
		return err
	}
	req.State, req.By, req.Decided, req.Word = s, by.ID, r.Now(), word
	return tx.SaveRequest(req)
}

// MaxWord is how long the word may be that goes with a refusal.
const MaxWord = 1000

// Decline refuses somebody who asked, with a word or without. Conflict with AnsweredAlready: another manager was faster.
func (r *Registry) Decline(ctx context.Context, actor User, id record.ID, word string) (err error) {
	defer fault.Wrap(&err, "account: decline user %d", id)
	if word = cleanWord(word); len([]rune(word)) > MaxWord {
		return fault.Wrong(fault.TooLong, "word", "account: the word has more than %d letters", MaxWord)
	}
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := r.asking(tx, actor.ID, id)
		if err != nil {
			return err
		}
		if err := r.answer(tx, u, by, RequestDeclined, word); err != nil {
			return err
		}
		if err := tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: RequestRefused, Subject: u.ID}); err != nil {
			return err
		}
		if err := tx.Send(Letter{Kind: LetterDeclined, To: u.ID, About: u.ID, By: by.ID, Word: word}); err != nil {
			return err
		}
		u.State, u.Identity = Deleted, Identity{}
		return tx.UpdateUser(u)
	})
}
