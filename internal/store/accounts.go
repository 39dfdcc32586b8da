package store

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

var _ account.Store = (*Accounts)(nil)

const organizationColumns = `id, name, tenant_id, edition, zone, locale, created`

func readOrganization(scan scan) (o account.Organization, err error) {
	var created int64
	err = scan(&o.ID, &o.Name, &o.TenantID, &o.Edition, &o.Zone, &o.Locale, &created)
	o.Created = moment(created)
	return o, err
}

// Organization finds an organization.
func (s *Accounts) Organization(ctx context.Context, id record.ID) (_ account.Organization, err error) {
	defer fault.Wrap(&err, "store: organization %d", id)
	o, ok, err := first(ctx, s.reader(), readOrganization, `SELECT `+organizationColumns+` FROM organizations WHERE id = ?`, int64(id))
	if err == nil && !ok {
		err = notFound("organization", id)
	}
	return o, err
}

// OrganizationByTenant finds the organization that is tied to an Entra tenant.
func (s *Accounts) OrganizationByTenant(ctx context.Context, tenantID string) (_ account.Organization, err error) {
	defer fault.Wrap(&err, "store: organization of tenant %s", tenantID)
	o, ok, err := first(ctx, s.reader(), readOrganization, `SELECT `+organizationColumns+` FROM organizations
		WHERE tenant_id = ? AND tenant_id <> ''`, strings.ToLower(tenantID))
	if err == nil && !ok {
		err = notFound("organization of tenant", tenantID)
	}
	return o, err
}

// Organizations lists all organizations: for the scheduler and the operator.
func (s *Accounts) Organizations(ctx context.Context) (_ []account.Organization, err error) {
	defer fault.Wrap(&err, "store: organizations")
	return list(ctx, s.reader(), readOrganization, `SELECT `+organizationColumns+` FROM organizations ORDER BY id`)
}

// count takes the next number of a counter.
func (tx *Tx) count(name string) (int64, error) {
	n, ok, err := first(tx.ctx, tx, column[int64], `UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value`, name)
	if err == nil && !ok {
		err = notFound("counter", name)
	}
	return n, err
}

// CreateOrganization stores a new organization and gives it its id.
func (s *Accounts) CreateOrganization(ctx context.Context, o account.Organization) (_ account.Organization, err error) {
	defer fault.Wrap(&err, "store: create organization")
	o.TenantID = strings.ToLower(o.TenantID)
	err = s.write(ctx, func(tx *Tx) error {
		id, err := tx.count("organization")
		if err != nil {
			return err
		}
		o.ID = record.ID(id)
		_, err = tx.exec(tx.ctx, `INSERT INTO organizations (`+organizationColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			id, clean(o.Name), o.TenantID, o.Edition, o.Zone, o.Locale, micros(o.Created))
		return err
	})
	return o, err
}

const userColumns = `id, org_id, email, first_name, last_name, profile, state, zone, locale, created, last_sign_in, tenant_id, object_id`

func readUser(scan scan) (u account.User, err error) {
	var created, signedIn int64
	err = scan(&u.ID, &u.Org, &u.Email, &u.FirstName, &u.LastName, &u.Profile, &u.State, &u.Zone, &u.Locale, &created, &signedIn,
		&u.Identity.TenantID, &u.Identity.ObjectID)
	u.Created, u.LastSignIn = moment(created), moment(signedIn)
	return u, err
}

func (s *Accounts) oneUser(ctx context.Context, who any, where string, args ...any) (account.User, error) {
	u, ok, err := first(ctx, s.reader(), readUser, `SELECT `+userColumns+` FROM users WHERE `+where, args...)
	if err == nil && !ok {
		err = notFound("user", who)
	}
	return u, err
}

// User finds a user.
func (s *Accounts) User(ctx context.Context, org, id record.ID) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user")
	return s.oneUser(ctx, id, `org_id = ? AND id = ?`, int64(org), int64(id))
}

// user finds a user inside a transaction.
func (tx *Tx) user(org, id record.ID) (account.User, error) {
	u, ok, err := first(tx.ctx, tx, readUser, `SELECT `+userColumns+` FROM users WHERE org_id = ? AND id = ?`, int64(org), int64(id))
	if err == nil && !ok {
		err = notFound("user", id)
	}
	return u, err
}

// UserByIdentity finds the user who is a Microsoft person. All organizations: the tenant is part of the identity.
func (s *Accounts) UserByIdentity(ctx context.Context, i account.Identity) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user by identity")
	return s.oneUser(ctx, i.ObjectID, `tenant_id = ? AND object_id = ? AND object_id <> ''`, strings.ToLower(i.TenantID), strings.ToLower(i.ObjectID))
}

// UserByEmail finds the user with an address, without letter case.
func (s *Accounts) UserByEmail(ctx context.Context, org record.ID, email string) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user by address")
	return s.oneUser(ctx, "address", `org_id = ? AND email_key = ?`, int64(org), emailKey(email))
}

// UsersByEmail finds the users of all organizations with an address: for the operator's commands.
func (s *Accounts) UsersByEmail(ctx context.Context, email string) (_ []account.User, err error) {
	defer fault.Wrap(&err, "store: users by address")
	return list(ctx, s.reader(), readUser, `SELECT `+userColumns+` FROM users WHERE email_key = ? ORDER BY id`, emailKey(email))
}

// Users lists an organization's users by name.
func (s *Accounts) Users(ctx context.Context, org record.ID) (_ []account.User, err error) {
	defer fault.Wrap(&err, "store: users")
	return list(ctx, s.reader(), readUser, `SELECT `+userColumns+` FROM users WHERE org_id = ? ORDER BY name_key, id`, int64(org))
}

func emailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// userName is what a person is called.
func userName(firstName, lastName, email string) string {
	return account.User{FirstName: firstName, LastName: lastName, Email: email}.Name()
}

// userValues are what changes of a user, in the order of userColumns from the address on, with the two keys at the end.
func userValues(u *account.User) []any {
	u.Identity.TenantID, u.Identity.ObjectID = strings.ToLower(u.Identity.TenantID), strings.ToLower(u.Identity.ObjectID)
	u.Email, u.FirstName, u.LastName = clean(u.Email), clean(u.FirstName), clean(u.LastName)
	return []any{u.Email, u.FirstName, u.LastName, string(u.Profile), string(u.State), u.Zone, u.Locale, micros(u.Created), micros(u.LastSignIn),
		u.Identity.TenantID, u.Identity.ObjectID, emailKey(u.Email), fold(userName(u.FirstName, u.LastName, u.Email))}
}

// CreateUser stores a new user and gives it its id.
func (s *Accounts) CreateUser(ctx context.Context, u account.User) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: create user")
	values := userValues(&u)
	err = s.write(ctx, func(tx *Tx) error {
		seq, err := tx.takeSeq(u.Org, 1)
		if err != nil {
			return err
		}
		u.ID = record.ID(int64(u.Org)*idsPerOrg + seq + 1)
		_, err = tx.exec(tx.ctx, `INSERT INTO users (`+userColumns+`, email_key, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			append([]any{int64(u.ID), int64(u.Org)}, values...)...)
		return err
	})
	return u, err
}

// UpdateUser stores what is known of a user, but for when they last signed in.
func (s *Accounts) UpdateUser(ctx context.Context, u account.User) (err error) {
	defer fault.Wrap(&err, "store: update user %d", u.ID)
	return s.changeUser(ctx, u.Org, u.ID, `email = ?, first_name = ?, last_name = ?, profile = ?, state = ?, zone = ?, locale = ?, created = ?,
		last_sign_in = CASE WHEN last_sign_in > ? THEN last_sign_in ELSE ? END, tenant_id = ?, object_id = ?, email_key = ?, name_key = ?`,
		twice(userValues(&u), 8)...)
}

// twice repeats the value at a place.
func twice(values []any, at int) []any {
	return append(append([]any{}, values[:at+1]...), values[at:]...)
}

// SignedIn notes when a user signed in.
func (s *Accounts) SignedIn(ctx context.Context, org, id record.ID, at time.Time) (err error) {
	defer fault.Wrap(&err, "store: sign-in of user %d", id)
	return s.changeUser(ctx, org, id, `last_sign_in = ?`, micros(at))
}

func (s *Accounts) changeUser(ctx context.Context, org, id record.ID, set string, args ...any) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(tx.ctx, `UPDATE users SET `+set+` WHERE org_id = ? AND id = ?`, append(args, int64(org), int64(id))...)
		if err == nil && n == 0 {
			err = notFound("user", id)
		}
		return err
	})
}

// CreateToken stores the hash of an API token for a user.
func (s *Accounts) CreateToken(ctx context.Context, org, user record.ID, hash []byte, at time.Time) (err error) {
	defer fault.Wrap(&err, "store: create token for user %d", user)
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.user(org, user); err != nil {
			return err
		}
		_, err := tx.exec(tx.ctx, `INSERT INTO tokens (hash, org_id, user_id, created) VALUES (?, ?, ?, ?)`,
			hex.EncodeToString(hash), int64(org), int64(user), micros(at))
		return err
	})
}

// UserByToken finds the active user of a token's hash.
func (s *Accounts) UserByToken(ctx context.Context, hash []byte) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user by token")
	u, err := s.oneUser(ctx, "token", `id = (SELECT user_id FROM tokens WHERE hash = ?) AND state = ?`, hex.EncodeToString(hash), string(account.Active))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Denied, "", "no active user has this token")
	}
	return u, err
}

// Grant finds what Entra gave us to act for a user.
func (s *Accounts) Grant(ctx context.Context, org, user record.ID) (g account.Grant, err error) {
	defer fault.Wrap(&err, "store: grant of user %d", user)
	type row struct {
		scopes          string
		access, refresh []byte
		expires, broken int64
	}
	r, ok, err := first(ctx, s.reader(), func(scan scan) (r row, err error) {
		err = scan(&r.scopes, &r.access, &r.expires, &r.refresh, &r.broken)
		return r, err
	}, `SELECT scopes, access, expires, refresh, broken FROM grants WHERE org_id = ? AND user_id = ?`, int64(org), int64(user))
	if err == nil && !ok {
		err = notFound("grant of user", user)
	}
	if err != nil {
		return g, err
	}
	g = account.Grant{User: user, Org: org, Scopes: strings.Fields(r.scopes), Expires: moment(r.expires), Broken: r.broken != 0}
	if g.Access, err = s.seal.unseal(r.access, org, user, "access"); err != nil {
		return g, err
	}
	g.Refresh, err = s.seal.unseal(r.refresh, org, user, "refresh")
	return g, err
}

// SaveGrant stores a grant in place of the user's former one, and ends the claim to refresh it.
func (s *Accounts) SaveGrant(ctx context.Context, g account.Grant) (err error) {
	defer fault.Wrap(&err, "store: save grant of user %d", g.User)
	access, err := s.seal.seal(g.Access, g.Org, g.User, "access")
	if err != nil {
		return err
	}
	refresh, err := s.seal.seal(g.Refresh, g.Org, g.User, "refresh")
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.user(g.Org, g.User); err != nil {
			return err
		}
		_, err := tx.exec(tx.ctx, `INSERT INTO grants (user_id, org_id, scopes, access, expires, refresh, broken, claimed_until)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0)
			ON CONFLICT (user_id) DO UPDATE SET scopes = excluded.scopes, access = excluded.access, expires = excluded.expires,
				refresh = excluded.refresh, broken = excluded.broken, claimed_until = 0`,
			int64(g.User), int64(g.Org), strings.Join(g.Scopes, " "), access, micros(g.Expires), refresh, flag(g.Broken))
		return err
	})
}

// ClaimRefresh takes the right to refresh a user's grant until a time.
func (s *Accounts) ClaimRefresh(ctx context.Context, org, user record.ID, now, until time.Time) (ours bool, err error) {
	defer fault.Wrap(&err, "store: claim refresh of user %d", user)
	err = s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(tx.ctx, `UPDATE grants SET claimed_until = ? WHERE org_id = ? AND user_id = ? AND claimed_until <= ?`,
			micros(until), int64(org), int64(user), micros(now))
		ours = n == 1
		return err
	})
	return ours, err
}

// LeapNumbers passes over the next n sequence numbers of every organization. After a backup was restored, records that were
// made since have numbers of which this database knows nothing, while items at Microsoft name them: they must not be
// given to other records. All organizations.
func (s *Accounts) LeapNumbers(ctx context.Context, n int64) (err error) {
	defer fault.Wrap(&err, "store: leap %d numbers", n)
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.exec(tx.ctx, `UPDATE organizations SET seq = seq + ?`, n)
		return err
	})
}
