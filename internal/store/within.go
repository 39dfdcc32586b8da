package store

import (
	"context"
	"slices"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

var _ account.Tx = accountTx{}

// accountTx is a transaction on the accounts of one organization: an account.Tx. What it does for passes, profiles and
// the like stands with their tables. On PostgreSQL the first fault of a statement ends the transaction.
//
// A Microsoft person may move from one organization to another, and takes their invitation there along: a User, an Entry,
// a Request and a Letter that name another organization are stored in that one.
type accountTx struct {
	tx  *Tx
	org record.ID
}

// Within runs do in one transaction. The organization's row stays locked meanwhile, so that changes of one organization's
// accounts follow one another: what do has read stands until it has written.
func (s *Accounts) Within(ctx context.Context, org record.ID, do func(tx account.Tx) error) (err error) {
	defer fault.Wrap(&err, "store: change accounts of organization %d", org)
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.lock(org); err != nil {
			return err
		}
		tx.news(org)
		return do(accountTx{tx, org})
	})
}

// Found makes an organization and runs do in the same transaction.
func (s *Accounts) Found(ctx context.Context, o account.Organization, do func(tx account.Tx, o account.Organization) error) (err error) {
	defer fault.Wrap(&err, "store: found organization")
	return s.write(ctx, func(tx *Tx) error {
		made, err := tx.createOrganization(o)
		if err != nil {
			return err
		}
		tx.locked = append(tx.locked, made.ID)
		tx.news(made.ID)
		return do(accountTx{tx, made.ID}, made)
	})
}

// lock keeps an organization's row to this transaction. SQLite has one writer anyway.
func (tx *Tx) lock(org record.ID) error {
	_, ok, err := first(tx.ctx, tx, column[int64], `SELECT id FROM organizations WHERE id = ? FOR UPDATE`, int64(org))
	if err == nil && !ok {
		err = notFound("organization", org)
	}
	tx.locked = append(tx.locked, org)
	return err
}

// news has pages told that accounts of an organization changed.
func (tx *Tx) news(org record.ID) {
	if !slices.ContainsFunc(tx.commits, func(c Commit) bool { return c.Accounts && c.Org == org }) {
		tx.commits = append(tx.commits, Commit{Org: org, Accounts: true})
	}
}

// at is the organization that something names, or else the transaction's.
func (a accountTx) at(org record.ID) record.ID {
	if org == 0 {
		return a.org
	}
	if org != a.org {
		a.tx.news(org)
	}
	return org
}

// one runs a statement that must find its one row.
func (a accountTx) one(what string, id any, text string, args ...any) error {
	n, err := a.tx.change(text, args...)
	if err == nil && n == 0 {
		err = notFound(what, id)
	}
	return err
}

func (a accountTx) Organization() (account.Organization, error) {
	return organization(a.tx.ctx, a.tx, a.org)
}

func (a accountTx) UpdateOrganization(o account.Organization) error {
	return a.one("organization", a.org, `UPDATE organizations SET name = ?, tenant_id = ?, edition = ?, zone = ?, locale = ?, consented = ?, scopes = ?,
		region = ?, admit_contacts = ?, admit_events = ?
		WHERE id = ?`, append(organizationValues(&o), int64(a.org))...)
}

func (a accountTx) User(id record.ID) (account.User, error) {
	return a.tx.user(a.org, id)
}

// UserByIdentity finds a user of any organization, and keeps the user's own to this transaction too: as with this one's,
// what was read stands until it is written.
func (a accountTx) UserByIdentity(i account.Identity) (account.User, error) {
	for {
		u, err := oneUser(a.tx.ctx, a.tx, i.ObjectID, userByIdentity, identityArgs(i)...)
		if err != nil || slices.Contains(a.tx.locked, u.Org) {
			return u, err
		}
		if err := a.tx.lock(u.Org); err != nil {
			return u, err
		}
	}
}

func (a accountTx) UserByEmail(email string) (account.User, error) {
	return oneUser(a.tx.ctx, a.tx, "address", userByEmail, int64(a.org), emailKey(email))
}

func (a accountTx) CreateUser(u account.User) (account.User, error) {
	u.Org = a.at(u.Org)
	return a.tx.createUser(u)
}

func (a accountTx) UpdateUser(u account.User) error {
	u.Org = a.at(u.Org)
	return a.tx.updateUser(u)
}

func (a accountTx) Active() ([]account.User, error) {
	return list(a.tx.ctx, a.tx, readUser, selectUsers+`u.org_id = ? AND u.state = 'active' ORDER BY u.name_key, u.id`, int64(a.org))
}
