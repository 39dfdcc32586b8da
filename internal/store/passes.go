package store

import (
	"context"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

const passColumns = `id, org_id, user_id, purpose, by_id, created, expires, state`

func readPass(scan scan) (p account.Pass, err error) {
	var created, expires int64
	err = scan(&p.ID, &p.Org, &p.User, &p.Purpose, &p.By, &created, &expires, &p.State)
	p.Created, p.Expires = moment(created), moment(expires)
	return p, err
}

func onePass(ctx context.Context, q querier, id record.ID, where string, args ...any) (account.Pass, error) {
	p, ok, err := first(ctx, q, readPass, `SELECT `+passColumns+` FROM passes WHERE `+where, args...)
	if err == nil && !ok {
		err = notFound("pass", id)
	}
	return p, err
}

// Pass finds a pass. All organizations: whoever comes with its link has no account yet.
func (s *Accounts) Pass(ctx context.Context, id record.ID) (_ account.Pass, err error) {
	defer fault.Wrap(&err, "store: pass")
	return onePass(ctx, s.reader(), id, `id = ?`, int64(id))
}

func (a accountTx) Pass(id record.ID) (account.Pass, error) {
	return onePass(a.tx.ctx, a.tx, id, `id = ? AND org_id = ?`, int64(id), int64(a.org))
}

// CreatePass stores a pass. Its number is one of the organization's, which LeapNumbers keeps from being given twice: the
// link in somebody's mail must not open another's pass after a backup was restored.
func (a accountTx) CreatePass(p account.Pass) (account.Pass, error) {
	p.Org = a.org
	if p.State == "" {
		p.State = account.PassOpen
	}
	if _, err := a.tx.user(p.Org, p.User); err != nil {
		return p, err
	}
	if _, err := a.tx.change(`UPDATE passes SET state = 'replaced' WHERE user_id = ? AND purpose = ? AND state = 'open'`,
		int64(p.User), string(p.Purpose)); err != nil {
		return p, err
	}
	seq, err := a.tx.takeSeq(p.Org, 1)
	if err != nil {
		return p, err
	}
	p.ID = record.ID(int64(p.Org)*idsPerOrg + seq + 1)
	_, err = a.tx.change(`INSERT INTO passes (`+passColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, int64(p.ID), int64(p.Org), int64(p.User),
		string(p.Purpose), int64(p.By), micros(p.Created), micros(p.Expires), string(p.State))
	return p, err
}

func (a accountTx) ChangePass(id record.ID, s account.PassState) error {
	return a.one("pass", id, `UPDATE passes SET state = ? WHERE id = ? AND org_id = ?`, string(s), int64(id), int64(a.org))
}

// EndPasses withdraws a user's open passes, wherever the user is: whoever goes elsewhere leaves an invitation behind.
func (a accountTx) EndPasses(user record.ID) error {
	_, err := a.tx.change(`UPDATE passes SET state = 'withdrawn' WHERE user_id = ? AND state = 'open'`, int64(user))
	return err
}

const requestColumns = `org_id, tenant_id, object_id, user_id, asked, told, state, by_id, decided, word`

func oneRequest(ctx context.Context, q querier, who any, where string, args ...any) (account.Request, error) {
	r, ok, err := first(ctx, q, func(scan scan) (r account.Request, err error) {
		var asked, told, decided int64
		err = scan(&r.Org, &r.Identity.TenantID, &r.Identity.ObjectID, &r.User, &asked, &told, &r.State, &r.By, &decided, &r.Word)
		r.Asked, r.Told, r.Decided = moment(asked), moment(told), moment(decided)
		return r, err
	}, `SELECT `+requestColumns+` FROM requests WHERE `+where, args...)
	if err == nil && !ok {
		err = notFound("request of", who)
	}
	return r, err
}

const requestByIdentity = `org_id = ? AND tenant_id = ? AND object_id = ?`

// Request finds what a Microsoft person asked of an organization.
func (s *Accounts) Request(ctx context.Context, org record.ID, i account.Identity) (_ account.Request, err error) {
	defer fault.Wrap(&err, "store: request")
	return oneRequest(ctx, s.reader(), i.ObjectID, requestByIdentity, append([]any{int64(org)}, identityArgs(i)...)...)
}

func (a accountTx) Request(i account.Identity) (account.Request, error) {
	return oneRequest(a.tx.ctx, a.tx, i.ObjectID, requestByIdentity, append([]any{int64(a.org)}, identityArgs(i)...)...)
}

const requestByUser = `org_id = ? AND user_id = ? ORDER BY asked DESC LIMIT 1`

// RequestOf finds what a user asked, who may be gone by now.
func (s *Accounts) RequestOf(ctx context.Context, org, user record.ID) (_ account.Request, err error) {
	defer fault.Wrap(&err, "store: request of user %d", user)
	return oneRequest(ctx, s.reader(), user, requestByUser, int64(org), int64(user))
}

func (a accountTx) RequestOf(user record.ID) (account.Request, error) {
	return oneRequest(a.tx.ctx, a.tx, user, requestByUser, int64(a.org), int64(user))
}

func (a accountTx) SaveRequest(r account.Request) error {
	r.Org = a.at(r.Org)
	if _, err := a.tx.user(r.Org, r.User); err != nil {
		return err
	}
	who := identityArgs(r.Identity)
	_, err := a.tx.change(`INSERT INTO requests (`+requestColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (org_id, tenant_id, object_id) DO UPDATE SET user_id = excluded.user_id, asked = excluded.asked, told = excluded.told,
			state = excluded.state, by_id = excluded.by_id, decided = excluded.decided, word = excluded.word`,
		int64(r.Org), who[0], who[1], int64(r.User), micros(r.Asked), micros(r.Told), string(r.State), int64(r.By), micros(r.Decided), clean(r.Word))
	return err
}
