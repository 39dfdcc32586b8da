package store

import (
	"context"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// Password finds the hash of a user's password.
func (s *Accounts) Password(ctx context.Context, org, user record.ID) (_ string, err error) {
	defer fault.Wrap(&err, "store: password")
	return password(ctx, s.reader(), org, user)
}

func password(ctx context.Context, q querier, org, user record.ID) (string, error) {
	hash, ok, err := first(ctx, q, column[string], `SELECT hash FROM passwords WHERE org_id = ? AND user_id = ?`, int64(org), int64(user))
	if err == nil && !ok {
		err = notFound("password of user", user)
	}
	return hash, err
}

func (a accountTx) Password(user record.ID) (string, error) {
	return password(a.tx.ctx, a.tx, a.org, user)
}

func (a accountTx) SetPassword(user record.ID, hash string) error {
	if _, err := a.tx.user(a.org, user); err != nil {
		return err
	}
	if hash == "" {
		_, err := a.tx.change(`DELETE FROM passwords WHERE org_id = ? AND user_id = ?`, int64(a.org), int64(user))
		return err
	}
	_, err := a.tx.change(`INSERT INTO passwords (user_id, org_id, hash) VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash`,
		int64(user), int64(a.org), hash)
	return err
}

const passkeyColumns = `id, org_id, user_id, name, created, last_used, data`

func readPasskey(scan scan) (k account.Passkey, err error) {
	var created, used int64
	err = scan(&k.ID, &k.Org, &k.User, &k.Name, &created, &used, &k.Data)
	k.Created, k.LastUsed = moment(created), moment(used)
	return k, err
}

func passkeys(ctx context.Context, q querier, org, user record.ID) ([]account.Passkey, error) {
	return list(ctx, q, readPasskey, `SELECT `+passkeyColumns+` FROM passkeys WHERE org_id = ? AND user_id = ? ORDER BY created, id`, int64(org), int64(user))
}

// Passkeys lists a user's passkeys, the oldest first.
func (s *Accounts) Passkeys(ctx context.Context, org, user record.ID) (_ []account.Passkey, err error) {
	defer fault.Wrap(&err, "store: passkeys of user %d", user)
	return passkeys(ctx, s.reader(), org, user)
}

// PasskeyByID finds a passkey. All organizations: who signs in with it is known by it alone.
func (s *Accounts) PasskeyByID(ctx context.Context, id string) (_ account.Passkey, err error) {
	defer fault.Wrap(&err, "store: passkey")
	k, ok, err := first(ctx, s.reader(), readPasskey, `SELECT `+passkeyColumns+` FROM passkeys WHERE id = ?`, id)
	if err == nil && !ok {
		err = notFound("passkey", "of that id")
	}
	return k, err
}

// UsedPasskey notes that a passkey was used, with what is to be known of it from then on.
func (s *Accounts) UsedPasskey(ctx context.Context, k account.Passkey) (err error) {
	defer fault.Wrap(&err, "store: use of a passkey of user %d", k.User)
	return s.write(ctx, func(tx *Tx) error {
		return accountTx{tx, k.Org}.one("passkey", "of that id", `UPDATE passkeys SET last_used = ?, data = ? WHERE org_id = ? AND user_id = ? AND id = ?`,
			micros(k.LastUsed), k.Data, int64(k.Org), int64(k.User), k.ID)
	})
}

func (a accountTx) Passkeys(user record.ID) ([]account.Passkey, error) {
	return passkeys(a.tx.ctx, a.tx, a.org, user)
}

func (a accountTx) AddPasskey(k account.Passkey) error {
	if _, err := a.tx.user(a.org, k.User); err != nil {
		return err
	}
	_, err := a.tx.change(`INSERT INTO passkeys (`+passkeyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`, k.ID, int64(a.org), int64(k.User), clean(k.Name),
		micros(k.Created), micros(k.LastUsed), k.Data)
	return err
}

func (a accountTx) RemovePasskey(user record.ID, id string) error {
	return a.one("passkey", "of that id", `DELETE FROM passkeys WHERE org_id = ? AND user_id = ? AND id = ?`, int64(a.org), int64(user), id)
}

// What is kept of a browser's own words and address at most, in bytes.
const (
	maxAgent   = 800 // 200 letters of any script
	maxAddress = 64
)

// OpenSession stores that a user is signed in in a browser.
func (s *Accounts) OpenSession(ctx context.Context, n account.Session) (err error) {
	defer fault.Wrap(&err, "store: open session of user %d", n.User)
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.user(n.Org, n.User); err != nil {
			return err
		}
		_, err := tx.change(`INSERT INTO signins (id, org_id, user_id, created, seen, agent, address) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			n.ID, int64(n.Org), int64(n.User), micros(n.Created), micros(n.Seen), bounded(n.Agent, maxAgent), bounded(n.Address, maxAddress))
		return err
	})
}

// SessionUser finds the active user of a session, and notes that it was seen unless seen is zero. All organizations.
func (s *Accounts) SessionUser(ctx context.Context, id string, seen time.Time) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user of a session")
	u, ok, err := first(ctx, s.reader(), readUser, `SELECT `+userColumns+` FROM signins n JOIN users u ON u.org_id = n.org_id AND u.id = n.user_id`+
		joinProfile+` WHERE n.id = ? AND u.state = 'active'`, id)
	if err == nil && !ok {
		err = fault.New(fault.Denied, "", "no active user is signed in with this session")
	}
	if err != nil || seen.IsZero() {
		return u, err
	}
	return u, s.write(ctx, func(tx *Tx) error {
		_, err := tx.change(`UPDATE signins SET seen = ? WHERE id = ? AND seen < ?`, micros(seen), id, micros(seen))
		return err
	})
}

// Sessions lists where a user is signed in, the latest seen first.
func (s *Accounts) Sessions(ctx context.Context, org, user record.ID) (_ []account.Session, err error) {
	defer fault.Wrap(&err, "store: sessions of user %d", user)
	return list(ctx, s.reader(), func(scan scan) (n account.Session, err error) {
		var created, seen int64
		err = scan(&n.ID, &n.Org, &n.User, &created, &seen, &n.Agent, &n.Address)
		n.Created, n.Seen = moment(created), moment(seen)
		return n, err
	}, `SELECT id, org_id, user_id, created, seen, agent, address FROM signins WHERE org_id = ? AND user_id = ? ORDER BY seen DESC, id`,
		int64(org), int64(user))
}

// EndSession ends a session of a user. It is no fault if there is none.
func (s *Accounts) EndSession(ctx context.Context, org, user record.ID, id string) (err error) {
	defer fault.Wrap(&err, "store: end session of user %d", user)
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.change(`DELETE FROM signins WHERE org_id = ? AND user_id = ? AND id = ?`, int64(org), int64(user), id)
		return err
	})
}

func (a accountTx) EndAccess(user record.ID, except string, tokens bool) error {
	_, err := a.tx.change(`DELETE FROM signins WHERE org_id = ? AND user_id = ? AND id <> ?`, int64(a.org), int64(user), except)
	if err == nil && tokens {
		_, err = a.tx.change(`DELETE FROM tokens WHERE org_id = ? AND user_id = ?`, int64(a.org), int64(user))
	}
	return err
}

func (a accountTx) DropGrant(user record.ID) error {
	_, err := a.tx.change(`DELETE FROM grants WHERE org_id = ? AND user_id = ?`, int64(a.org), int64(user))
	return err
}
