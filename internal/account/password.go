package account

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// What a password must be (OWASP ASVS 5, 6.2): long enough, of any letters, not easily guessed. There are no rules about
// which letters, and none about changing it now and then.
const (
	MinPassword = 10
	MaxPassword = 200
)

// hashing is Argon2id as OWASP's password storage cheat sheet has it at the least: 19 MiB, two passes, one lane.
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hashesAtOnce bounds the memory and processors that passwords take.
const hashesAtOnce = 2

// newHash checks a new password and hashes it. Invalid: ShortPassword, LongPassword or WeakPassword. own are words that
// belong to the person and so are easily guessed, as is the organization's name.
func (r *Registry) newHash(ctx context.Context, org record.ID, password string, own ...string) (string, error) {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return "", refuse(fault.Invalid, ShortPassword, "a password has at least %d letters", MinPassword)
	case n > MaxPassword:
		return "", refuse(fault.Invalid, LongPassword, "a password has at most %d letters", MaxPassword)
	}
	o, err := r.Store.Organization(ctx, org)
	if err != nil {
		return "", err
	}
	if guessed, err := r.guessed(password, append(own, o.Name)); err != nil {
		return "", err
	} else if guessed {
		return "", refuse(fault.Invalid, WeakPassword, "the password is easily guessed")
	}
	return r.hash(ctx, func() (string, error) { return argon2id.CreateHash(password, hashing) })
}

// hash waits for its turn, so that many who come at once do not take all memory.
func (r *Registry) hash(ctx context.Context, do func() (string, error)) (string, error) {
	select {
	case r.hashing <- struct{}{}:
		defer func() { <-r.hashing }()
		return do()
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (r *Registry) matches(ctx context.Context, password, hash string) (yes bool, err error) {
	_, err = r.hash(ctx, func() (string, error) {
		yes, err = argon2id.ComparePasswordAndHash(password, hash)
		return "", err
	})
	return yes, err
}

// nobodysHash is compared with where there is no account, so that this takes as long as where there is one.
var nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// candidates is how many accounts of one address are looked at: one in each of so many organizations. Invitations and
// requests are none, or anybody who invites an address often enough would keep its owner out.
const candidates = 5

// SignIn finds the account that an address and a password open. from is the IP address of who tries. Denied with reason
// WrongPassword, or AccountInactive if all is right but that; Throttled with TooOften.
func (r *Registry) SignIn(ctx context.Context, email, password, from string) (u User, err error) {
	defer fault.Wrap(&err, "account: sign in with a password")
	email = strings.ToLower(strings.TrimSpace(email))
	if err := r.Limit(ctx, PasswordTries, email, from); err != nil {
		return u, err
	}
	if len(password) > 4*MaxPassword || len(email) > maxAddress {
		return u, refuse(fault.Denied, WrongPassword, "too long to be right")
	}
	users, err := r.Store.UsersByEmail(ctx, email)
	if err != nil {
		return u, err
	}
	users = slices.DeleteFunc(users, func(u User) bool { return u.State != Active && u.State != Deactivated })
	// Where one address opens accounts of several organizations with the same password, the last used one is meant.
	slices.SortStableFunc(users, func(a, b User) int { return b.LastSignIn.Compare(a.LastSignIn) })
	compared := false
	var inactive bool
	for _, c := range users[:min(len(users), candidates)] {
		hash, err := r.Store.Password(ctx, c.Org, c.ID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return u, err
		}
		compared = true
		yes, err := r.matches(ctx, password, hash)
		if err != nil {
			return u, err
		}
		if yes && c.State == Active {
			return c, nil
		}
		inactive = inactive || yes && c.State == Deactivated
	}
	if !compared {
		if _, err := r.matches(ctx, password, nobodysHash); err != nil {
			return u, err
		}
	}
	if inactive {
		return u, refuse(fault.Denied, AccountInactive, "the account is deactivated")
	}
	return u, refuse(fault.Denied, WrongPassword, "address and password do not belong together")
}

// SetPassword sets a user's own password. Whoever has one proves to know it. The user's other sessions end, and so does an open link for a forgotten password. session is the
// one that stays; from is the IP address. Denied with WrongPassword; Invalid: see newHash.
func (r *Registry) SetPassword(ctx context.Context, user User, current, password, session, from string) (err error) {
	defer fault.Wrap(&err, "account: set a password")
	old, err := r.Store.Password(ctx, user.Org, user.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil {
		if err := r.Limit(ctx, PasswordTries, strings.ToLower(user.Email), from); err != nil {
			return err
		}
		if yes, err := r.matches(ctx, current, old); err != nil {
			return err
		} else if !yes {
			return refuse(fault.Denied, WrongPassword, "the present password is another one")
		}
	}
	hash, err := r.newHash(ctx, user.Org, password, user.Email, user.FirstName, user.LastName)
	if err != nil {
		return err
	}
	return r.Store.Within(ctx, user.Org, func(tx Tx) error { return r.putPassword(tx, user.ID, hash, session) })
}

func (r *Registry) putPassword(tx Tx, id record.ID, hash, session string) error {
	u, err := tx.User(id)
	if err != nil {
		return err
	}
	if u.State != Active {
		return refuse(fault.Denied, AccountInactive, "user %d is %s", id, u.State)
	}
	if err := tx.SetPassword(id, hash); err != nil {
		return err
	}
	if err := tx.EndAccess(id, session, false); err != nil {
		return err
	}
	if err := tx.EndPasses(id); err != nil { // a link for a forgotten password would undo this one
		return err
	}
	if err := tx.Note(Entry{At: r.Now(), Actor: id, Action: PasswordSet, Subject: id}); err != nil {
		return err
	}
	return tx.Send(Letter{Kind: LetterPasswordChanged, To: id, About: id})
}

// ForgotPassword sends a link for a new password to an address whose account has one, or no other way in. Nobody learns
// whether there is such an account. Throttled with TooOften: too many from one place.
func (r *Registry) ForgotPassword(ctx context.Context, email, from string) (err error) {
	defer fault.Wrap(&err, "account: forgotten password")
	email = strings.ToLower(strings.TrimSpace(email))
	if err := r.Limit(ctx, ResetsFrom, "", from); err != nil {
		return err
	}
	if err := r.Limit(ctx, ResetsFor, email, ""); fault.Is(err, fault.Throttled) {
		return nil // a letter is on its way already
	} else if err != nil {
		return err
	}
	users, err := r.Store.UsersByEmail(ctx, email)
	if err != nil {
		return err
	}
	users = slices.DeleteFunc(users, func(u User) bool { return u.State != Active })
	for _, u := range users[:min(len(users), candidates)] {
		err := r.Store.Within(ctx, u.Org, func(tx Tx) error {
			_, err := tx.Password(u.ID)
			if fault.Is(err, fault.NotFound) && !u.Identity.IsZero() {
				return nil // signs in with Microsoft, and a letter must not open a second door
			}
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			now := r.Now()
			p, err := tx.CreatePass(Pass{Org: u.Org, User: u.ID, Purpose: PasswordReset, Created: now, Expires: now.Add(ResetLife), State: PassOpen})
			if err != nil {
				return err
			}
			return tx.Send(Letter{Kind: LetterReset, To: u.ID, About: u.ID, Pass: p.ID})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ResetPassword sets a new password by the pass of a letter. All sessions end. Gone: see PassOf; Invalid: see newHash.
func (r *Registry) ResetPassword(ctx context.Context, pass record.ID, password string) (u User, err error) {
	defer fault.Wrap(&err, "account: reset a password")
	_, u, err = r.PassOf(ctx, pass, PasswordReset)
	if err != nil {
		return u, err
	}
	hash, err := r.newHash(ctx, u.Org, password, u.Email, u.FirstName, u.LastName)
	if err != nil {
		return u, err
	}
	err = r.Store.Within(ctx, u.Org, func(tx Tx) error {
		p, err := tx.Pass(pass)
		if err != nil {
			return err
		}
		if err := r.open(p, u); err != nil {
			return err
		}
		if err := tx.ChangePass(pass, PassUsed); err != nil {
			return err
		}
		return r.putPassword(tx, u.ID, hash, "")
	})
	return u, err
}

// RemovePassword removes a user's own password, as long as another way in remains.
func (r *Registry) RemovePassword(ctx context.Context, user User) (err error) {
	defer fault.Wrap(&err, "account: remove a password")
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		if err := otherWay(tx, user.ID); err != nil {
			return err
		}
		if err := tx.SetPassword(user.ID, ""); err != nil {
			return err
		}
		if err := tx.EndPasses(user.ID); err != nil { // a link for a forgotten one would bring it back
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: user.ID, Action: PasswordSet, Subject: user.ID, Detail: map[string]string{"removed": "yes"}})
	})
}

// AddPasskey stores a passkey of a user.
func (r *Registry) AddPasskey(ctx context.Context, user User, k Passkey) (err error) {
	defer fault.Wrap(&err, "account: add a passkey")
	k.Org, k.User, k.Created = user.Org, user.ID, r.Now()
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		if err := tx.AddPasskey(k); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: user.ID, Action: PasskeyAdded, Subject: user.ID, Detail: map[string]string{"name": k.Name}})
	})
}

// RemovePasskey removes a passkey of a user, as long as another way in remains.
func (r *Registry) RemovePasskey(ctx context.Context, user User, id string) (err error) {
	defer fault.Wrap(&err, "account: remove a passkey")
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		if err := otherWay(tx, user.ID); err != nil {
			return err
		}
		if err := tx.RemovePasskey(user.ID, id); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: user.ID, Action: PasskeyRemoved, Subject: user.ID})
	})
}

// otherWay reports with a fault whether a user has only one way in.
func otherWay(tx Tx, id record.ID) error {
	u, err := tx.User(id)
	if err != nil {
		return err
	}
	ways, err := waysIn(tx, u)
	if err == nil && ways < 2 {
		err = refuse(fault.Conflict, OnlyWayIn, "user %d has no other way to sign in", id)
	}
	return err
}

// EndSessions ends a user's own sessions but for the one named, "" for all.
func (r *Registry) EndSessions(ctx context.Context, user User, except string) (err error) {
	defer fault.Wrap(&err, "account: end sessions")
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		if err := tx.EndAccess(user.ID, except, false); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: user.ID, Action: SessionsEnded, Subject: user.ID})
	})
}
