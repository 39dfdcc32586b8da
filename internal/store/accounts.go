package store

import (
	"cmp"
	"context"
	"encoding/hex"
	"math"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/phone"
	"tandem/internal/record"
)

var _ account.Store = (*Accounts)(nil)

const organizationColumns = `id, name, tenant_id, edition, zone, locale, created, consented, scopes, region, admit_contacts, admit_events`

func readOrganization(scan scan) (o account.Organization, err error) {
	var created, consented, contacts, events int64
	var scopes string
	err = scan(&o.ID, &o.Name, &o.TenantID, &o.Edition, &o.Zone, &o.Locale, &created, &consented, &scopes, &o.Region, &contacts, &events)
	o.AdmitContacts, o.AdmitEvents = contacts != 0, events != 0
	o.Created, o.Consented, o.Scopes = moment(created), moment(consented), strings.Fields(scopes)
	return o, err
}

func organization(ctx context.Context, q querier, id record.ID) (account.Organization, error) {
	o, ok, err := first(ctx, q, readOrganization, `SELECT `+organizationColumns+` FROM organizations WHERE id = ?`, int64(id))
	if err == nil && !ok {
		err = notFound("organization", id)
	}
	return o, err
}

// Organization finds an organization.
func (s *Accounts) Organization(ctx context.Context, id record.ID) (_ account.Organization, err error) {
	defer fault.Wrap(&err, "store: organization %d", id)
	return organization(ctx, s.reader(), id)
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
	var made account.Organization
	err = s.write(ctx, func(tx *Tx) error {
		made, err = tx.createOrganization(o)
		return err
	})
	return made, err
}

func (tx *Tx) createOrganization(o account.Organization) (account.Organization, error) {
	id, err := tx.count("organization")
	if err != nil {
		return o, err
	}
	o.ID = record.ID(id)
	_, err = tx.change(`INSERT INTO organizations (id, name, tenant_id, edition, zone, locale, consented, scopes, region, admit_contacts, admit_events, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(append([]any{id}, organizationValues(&o)...), micros(o.Created))...)
	return o, err
}

// organizationValues are what changes of an organization.
func organizationValues(o *account.Organization) []any {
	o.TenantID = strings.ToLower(o.TenantID)
	return []any{clean(o.Name), o.TenantID, string(o.Edition), o.Zone, o.Locale, micros(o.Consented), strings.Join(o.Scopes, " "),
		cmp.Or(o.Region, phone.Brazil), flag(o.AdmitContacts), flag(o.AdmitEvents)}
}

// Users are read together with what their profile allows.
const (
	userColumns = `u.id, u.org_id, u.email, u.first_name, u.last_name, u.profile, u.state, u.zone, u.locale, u.created, u.last_sign_in,
	u.tenant_id, u.object_id, u.terms, COALESCE(p.permissions, '')`
	joinProfile = ` LEFT JOIN profiles p ON p.org_id = u.org_id AND p.name = u.profile`
	selectUsers = `SELECT ` + userColumns + ` FROM users u` + joinProfile + ` WHERE `
)

func readUser(scan scan) (u account.User, err error) {
	var created, signedIn, terms int64
	var permissions string
	err = scan(&u.ID, &u.Org, &u.Email, &u.FirstName, &u.LastName, &u.Profile, &u.State, &u.Zone, &u.Locale, &created, &signedIn,
		&u.Identity.TenantID, &u.Identity.ObjectID, &terms, &permissions)
	if err != nil {
		return u, err
	}
	u.Created, u.LastSignIn, u.Terms = moment(created), moment(signedIn), moment(terms)
	u.May, err = permissionsOf(u.Profile, permissions)
	return u, err
}

// oneUser finds one user; who is for the message.
func oneUser(ctx context.Context, q querier, who any, where string, args ...any) (account.User, error) {
	u, ok, err := first(ctx, q, readUser, selectUsers+where, args...)
	if err == nil && !ok {
		err = notFound("user", who)
	}
	return u, err
}

// The conditions by which a user is found. Deleted ones are found by id alone.
const (
	userByID       = `u.org_id = ? AND u.id = ?`
	userByIdentity = `u.tenant_id = ? AND u.object_id = ? AND u.object_id <> '' AND u.state <> 'deleted'`
	userByEmail    = `u.org_id = ? AND u.email_key = ? AND u.state <> 'deleted'`
)

func identityArgs(i account.Identity) []any {
	return []any{strings.ToLower(i.TenantID), strings.ToLower(i.ObjectID)}
}

// User finds a user, a deleted one too.
func (s *Accounts) User(ctx context.Context, org, id record.ID) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user")
	return oneUser(ctx, s.reader(), id, userByID, int64(org), int64(id))
}

// user finds a user inside a transaction.
func (tx *Tx) user(org, id record.ID) (account.User, error) {
	return oneUser(tx.ctx, tx, id, userByID, int64(org), int64(id))
}

// UserByIdentity finds the user who is a Microsoft person. All organizations: the tenant is part of the identity.
func (s *Accounts) UserByIdentity(ctx context.Context, i account.Identity) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user by identity")
	return oneUser(ctx, s.reader(), i.ObjectID, userByIdentity, identityArgs(i)...)
}

// UserByEmail finds the user with an address, without letter case.
func (s *Accounts) UserByEmail(ctx context.Context, org record.ID, email string) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: user by address")
	return oneUser(ctx, s.reader(), "address", userByEmail, int64(org), emailKey(email))
}

// Recognize tells of each of some people which user they are; ID 0: none.
func (s *Accounts) Recognize(ctx context.Context, org record.ID, people []account.Invitee) (_ []account.User, err error) {
	defer fault.Wrap(&err, "store: recognize %d people", len(people))
	objects, addresses := map[string]texts{}, texts{} // object ids by tenant
	for _, p := range people {
		addresses = append(addresses, emailKey(p.Email))
		if !p.Identity.IsZero() {
			tenant := strings.ToLower(p.Identity.TenantID)
			objects[tenant] = append(objects[tenant], strings.ToLower(p.Identity.ObjectID))
		}
	}
	byIdentity, byAddress := map[string]account.User{}, map[string]account.User{}
	for tenant, ids := range objects {
		users, err := list(ctx, s.reader(), readUser, selectUsers+`u.tenant_id = ? AND u.object_id IN (?*) AND u.object_id <> '' AND u.state <> 'deleted'`, tenant, ids)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			byIdentity[u.Identity.Mailbox()] = u
		}
	}
	users, err := list(ctx, s.reader(), readUser, selectUsers+`u.org_id = ? AND u.email_key IN (?*) AND u.state <> 'deleted'`, int64(org), addresses)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		byAddress[emailKey(u.Email)] = u
	}
	found := make([]account.User, len(people))
	for i, p := range people {
		u, ok := byIdentity[p.Identity.Mailbox()]
		if !ok {
			u = byAddress[emailKey(p.Email)]
		}
		found[i] = u
	}
	return found, nil
}

// UsersByEmail finds the users of all organizations with an address: for signing in and the operator's commands.
func (s *Accounts) UsersByEmail(ctx context.Context, email string) (_ []account.User, err error) {
	defer fault.Wrap(&err, "store: users by address")
	return list(ctx, s.reader(), readUser, selectUsers+`u.email_key = ? AND u.state <> 'deleted' ORDER BY u.id`, emailKey(email))
}

// Users lists an organization's active and deactivated users by name.
func (s *Accounts) Users(ctx context.Context, org record.ID) (_ []account.User, err error) {
	defer fault.Wrap(&err, "store: users")
	return list(ctx, s.reader(), readUser, selectUsers+`u.org_id = ? AND u.state IN ('active', 'deactivated') ORDER BY u.name_key, u.id`, int64(org))
}

// People lists a page of an organization's users by name, all but the deleted ones.
func (s *Accounts) People(ctx context.Context, org record.ID, q account.PeopleQuery) (_ []account.User, err error) {
	defer fault.Wrap(&err, "store: people")
	where, args := `u.org_id = ? AND u.state <> 'deleted'`, []any{int64(org)}
	if q.State != "" {
		where, args = where+` AND u.state = ?`, append(args, string(q.State))
	}
	for _, word := range wordsOf(q.Search) {
		like := "%" + likeWords.Replace(word) + "%"
		where, args = where+` AND (u.name_key LIKE ? ESCAPE '\' OR u.email_key LIKE ? ESCAPE '\')`, append(args, like, like)
	}
	limit := int64(q.Limit)
	if limit <= 0 {
		limit = math.MaxInt64
	}
	return list(ctx, s.reader(), readUser, selectUsers+where+` ORDER BY u.name_key, u.id LIMIT ? OFFSET ?`, append(args, limit, int64(q.Offset))...)
}

// CountPeople counts an organization's users by state, deleted ones left out.
func (s *Accounts) CountPeople(ctx context.Context, org record.ID) (_ map[account.State]int, err error) {
	defer fault.Wrap(&err, "store: count people")
	type group struct {
		state account.State
		n     int
	}
	groups, err := list(ctx, s.reader(), func(scan scan) (g group, err error) {
		err = scan(&g.state, &g.n)
		return g, err
	}, `SELECT state, COUNT(*) FROM users WHERE org_id = ? AND state <> 'deleted' GROUP BY state`, int64(org))
	out := make(map[account.State]int, len(groups))
	for _, g := range groups {
		out[g.state] = g.n
	}
	return out, err
}

func emailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// userName is what a person is called.
func userName(firstName, lastName, email string) string {
	return account.User{FirstName: firstName, LastName: lastName, Email: email}.Name()
}

// userValues are what changes of a user. A deleted user is nobody's Microsoft account any more.
func userValues(u *account.User) []any {
	if u.State == account.Deleted {
		u.Identity = account.Identity{}
	}
	u.Identity.TenantID, u.Identity.ObjectID = strings.ToLower(u.Identity.TenantID), strings.ToLower(u.Identity.ObjectID)
	u.Email, u.FirstName, u.LastName = clean(u.Email), clean(u.FirstName), clean(u.LastName)
	return []any{u.Email, u.FirstName, u.LastName, string(u.Profile), string(u.State), u.Zone, u.Locale, micros(u.Created),
		u.Identity.TenantID, u.Identity.ObjectID, micros(u.Terms), emailKey(u.Email), fold(userName(u.FirstName, u.LastName, u.Email)), micros(u.LastSignIn)}
}

// CreateUser stores a new user and gives it its id.
func (s *Accounts) CreateUser(ctx context.Context, u account.User) (_ account.User, err error) {
	defer fault.Wrap(&err, "store: create user")
	var made account.User
	err = s.write(ctx, func(tx *Tx) error {
		tx.news(u.Org)
		made, err = tx.createUser(u)
		return err
	})
	return made, err
}

func (tx *Tx) createUser(u account.User) (account.User, error) {
	seq, err := tx.takeSeq(u.Org, 1)
	if err != nil {
		return u, err
	}
	u.ID = record.ID(int64(u.Org)*idsPerOrg + seq + 1)
	if _, err := tx.change(`INSERT INTO users (id, org_id, email, first_name, last_name, profile, state, zone, locale, created,
			tenant_id, object_id, terms, email_key, name_key, last_sign_in) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append([]any{int64(u.ID), int64(u.Org)}, userValues(&u)...)...); err != nil {
		return u, err
	}
	return tx.user(u.Org, u.ID)
}

// UpdateUser stores what is known of a user, but for when they last signed in. What was read some time ago may undo what
// somebody changed meanwhile: whoever decides something reads and writes inside Within.
func (s *Accounts) UpdateUser(ctx context.Context, u account.User) (err error) {
	defer fault.Wrap(&err, "store: update user %d", u.ID)
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.lock(u.Org); err != nil {
			return err
		}
		tx.news(u.Org)
		return tx.updateUser(u)
	})
}

func (tx *Tx) updateUser(u account.User) error {
	values := userValues(&u)
	return tx.changeUser(u.Org, u.ID, `email = ?, first_name = ?, last_name = ?, profile = ?, state = ?, zone = ?, locale = ?, created = ?,
		tenant_id = ?, object_id = ?, terms = ?, email_key = ?, name_key = ?, last_sign_in = CASE WHEN last_sign_in > ? THEN last_sign_in ELSE ? END`,
		append(values, values[len(values)-1])...)
}

// SignedIn notes when a user signed in.
func (s *Accounts) SignedIn(ctx context.Context, org, id record.ID, at time.Time) (err error) {
	defer fault.Wrap(&err, "store: sign-in of user %d", id)
	return s.write(ctx, func(tx *Tx) error { return tx.changeUser(org, id, `last_sign_in = ?`, micros(at)) })
}

func (tx *Tx) changeUser(org, id record.ID, set string, args ...any) error {
	n, err := tx.change(`UPDATE users SET `+set+` WHERE org_id = ? AND id = ?`, append(args, int64(org), int64(id))...)
	if err == nil && n == 0 {
		err = notFound("user", id)
	}
	return err
}

// CreateToken stores the hash of an API token for a user.
func (s *Accounts) CreateToken(ctx context.Context, org, user record.ID, hash []byte, at time.Time) (err error) {
	defer fault.Wrap(&err, "store: create token for user %d", user)
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.user(org, user); err != nil {
			return err
		}
		if err := tx.note(account.Entry{Org: org, At: at, Action: account.TokenCreated, Subject: user}); err != nil {
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
	u, err := oneUser(ctx, s.reader(), "token", `u.id = (SELECT user_id FROM tokens WHERE hash = ?) AND u.state = 'active'`, hex.EncodeToString(hash))
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
	access, refresh, err := s.sealed(g)
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

func (s *Accounts) sealed(g account.Grant) (access, refresh []byte, err error) {
	if access, err = s.seal.seal(g.Access, g.Org, g.User, "access"); err != nil {
		return nil, nil, err
	}
	refresh, err = s.seal.seal(g.Refresh, g.Org, g.User, "refresh")
	return access, refresh, err
}

// RefreshGrant stores what came of a refresh, if the claim to it still stands: a grant that was dropped meanwhile does not
// come back, and what a person gave meanwhile stays.
func (s *Accounts) RefreshGrant(ctx context.Context, g account.Grant, until time.Time) (ours bool, err error) {
	defer fault.Wrap(&err, "store: store refreshed grant of user %d", g.User)
	access, refresh, err := s.sealed(g)
	if err != nil {
		return false, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(tx.ctx, `UPDATE grants SET scopes = ?, access = ?, expires = ?, refresh = ?, broken = ?, claimed_until = 0
			WHERE org_id = ? AND user_id = ? AND claimed_until = ?`,
			strings.Join(g.Scopes, " "), access, micros(g.Expires), refresh, flag(g.Broken), int64(g.Org), int64(g.User), micros(until))
		ours = n == 1
		return err
	})
	return ours, err
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
