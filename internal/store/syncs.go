package store

import (
	"context"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// noteSync adds to the audit trail that a user's sync of a kind was switched on or off: by the person, or, with a reason, by
// Tandem.
func (tx *Tx) noteSync(action account.Action, org, user record.ID, kind record.Kind, reason fault.Reason) error {
	e := account.Entry{Org: org, Actor: user, Action: action, Subject: user, Detail: map[string]string{"kind": string(kind)}}
	if reason != "" {
		e.Actor, e.Detail["reason"] = 0, string(reason)
	}
	return tx.note(e)
}

// Syncs finds the state of the links of users, by kind.
func (s *Accounts) Syncs(ctx context.Context, org record.ID, users []record.ID) (_ map[record.ID]map[record.Kind]string, err error) {
	defer fault.Wrap(&err, "store: syncs of %d users", len(users))
	out := make(map[record.ID]map[record.Kind]string, len(users))
	if len(users) == 0 {
		return out, nil
	}
	type link struct {
		user  record.ID
		kind  record.Kind
		state string
	}
	links, err := list(ctx, s.reader(), func(scan scan) (l link, err error) {
		err = scan(&l.user, &l.kind, &l.state)
		return l, err
	}, `SELECT user_id, kind, state FROM links WHERE org_id = ? AND user_id IN (?*) AND state <> 'off'`, int64(org), intsOf(users))
	for _, l := range links {
		if out[l.user] == nil {
			out[l.user] = map[record.Kind]string{}
		}
		out[l.user][l.kind] = l.state
	}
	return out, err
}

func (a accountTx) RunningLinks(user record.ID) (int, error) {
	n, _, err := first(a.tx.ctx, a.tx, column[int64], `SELECT COUNT(*) FROM links WHERE org_id = ? AND user_id = ? AND state <> 'off'`,
		int64(a.org), int64(user))
	return int(n), err
}

func (a accountTx) StopLinks(user record.ID) error {
	links, err := a.links(user, `l.state IN ('on', 'held', 'paused')`)
	if err != nil {
		return err
	}
	for _, l := range links {
		if err := a.tx.noteSync(account.SyncOff, a.org, user, l.Kind, fault.AccountDisabled); err != nil {
			return err
		}
		if err := a.tx.fence(l); err != nil {
			return err
		}
		if err := a.tx.moveLink(l, reconcile.Switching, ""); err != nil {
			return err
		}
	}
	return nil
}

// fence takes a link from whoever runs it, so that what is done to it now holds at once.
func (tx *Tx) fence(l reconcile.Link) error {
	tx.store.linkWrites.Add(1)
	_, err := tx.exec(tx.ctx, `UPDATE links SET fence = fence + 1, lease_until = 0, queued_at = 0 WHERE org_id = ? AND id = ?`, int64(l.Org), int64(l.ID))
	return err
}

func (a accountTx) EndLinks(user record.ID, but account.Identity) error {
	links, err := a.links(user, `l.state <> 'off' AND l.mailbox <> ?`, but.Mailbox())
	if err != nil {
		return err
	}
	for _, l := range links {
		if err := a.tx.fence(l); err != nil {
			return err
		}
		if _, err := a.tx.exec(a.tx.ctx, `UPDATE links SET state = 'off', reason = ?, done = wanted, deletes_ok = 0, subscription = '', subscription_ends = 0, `+nothingKnown+` WHERE org_id = ? AND id = ?`,
			string(fault.OtherMailbox), int64(a.org), int64(l.ID)); err != nil {
			return err
		}
		if err := a.tx.forget(&l); err != nil {
			return err
		}
		if l.State == reconcile.Switching { // the trail has it already
			continue
		}
		if err := a.tx.noteSync(account.SyncOff, a.org, user, l.Kind, fault.OtherMailbox); err != nil {
			return err
		}
	}
	return nil
}

func (a accountTx) WithholdLinks(user record.ID, kind record.Kind, withheld bool) error {
	from, to, reason := `l.state IN ('on', 'held')`, reconcile.Paused, fault.SyncWithheld
	if !withheld {
		from, to, reason = `l.state = 'paused' AND l.reason = '`+string(fault.SyncWithheld)+`'`, reconcile.On, ""
	}
	links, err := a.links(user, from)
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.Kind != kind {
			continue
		}
		if err := a.tx.moveLink(l, to, reason); err != nil {
			return err
		}
	}
	return nil
}

func (a accountTx) WakeLinks(kind record.Kind) error {
	return a.tx.wake(`l.org_id = ? AND l.kind = ?`, int64(a.org), string(kind))
}

// links finds and locks a user's links.
func (a accountTx) links(user record.ID, where string, args ...any) ([]reconcile.Link, error) {
	return list(a.tx.ctx, a.tx, func(scan scan) (l reconcile.Link, err error) {
		err = scan(&l.ID, &l.Org, &l.User, &l.Kind, &l.State)
		return l, err
	}, `SELECT l.id, l.org_id, l.user_id, l.kind, l.state FROM links l WHERE l.org_id = ? AND l.user_id = ? AND `+where+` ORDER BY l.id FOR UPDATE`,
		append([]any{int64(a.org), int64(user)}, args...)...)
}

// moveLink moves a link to another state as its person's hand does, and has pages told.
func (tx *Tx) moveLink(l reconcile.Link, to reconcile.LinkState, reason fault.Reason) error {
	if _, err := tx.changeState(l.Org, l.ID, []reconcile.LinkState{l.State}, to, reason); err != nil {
		return err
	}
	tx.tell(&l)
	return nil
}
