package store

import (
	"context"
	"encoding/json"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// note adds to the audit trail. It takes one of the organization's numbers, so the entries of an organization appear in
// ascending order; and it locks the organization's row, so it comes before any lock on a link.
func (tx *Tx) note(e account.Entry) error {
	if e.At.IsZero() {
		e.At = tx.store.now()
	}
	detail := ""
	if len(e.Detail) > 0 {
		text, err := json.Marshal(e.Detail)
		if err != nil {
			return err
		}
		detail = string(text)
	}
	seq, err := tx.takeSeq(e.Org, 1)
	if err != nil {
		return err
	}
	_, err = tx.change(`INSERT INTO audit (id, org_id, at, actor_id, action, subject_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		int64(e.Org)*idsPerOrg+seq+1, int64(e.Org), micros(e.At), int64(e.Actor), string(e.Action), int64(e.Subject), clean(detail))
	return err
}

func (a accountTx) Note(e account.Entry) error {
	e.Org = a.at(e.Org)
	return a.tx.note(e)
}

// Audit lists a page of the audit trail, the latest first.
func (s *Accounts) Audit(ctx context.Context, org record.ID, before record.ID, limit int) (_ []account.Entry, err error) {
	defer fault.Wrap(&err, "store: audit trail")
	if last := record.ID((int64(org) + 1) * idsPerOrg); before <= 0 || before > last {
		before = last
	}
	return list(ctx, s.reader(), func(scan scan) (e account.Entry, err error) {
		var at int64
		var detail string
		if err = scan(&e.ID, &e.Org, &at, &e.Actor, &e.Action, &e.Subject, &detail); err != nil {
			return e, err
		}
		if e.At = moment(at); detail != "" {
			err = json.Unmarshal([]byte(detail), &e.Detail)
		}
		return e, err
	}, `SELECT id, org_id, at, actor_id, action, subject_id, detail FROM audit WHERE org_id = ? AND id > ? AND id < ? ORDER BY id DESC LIMIT ?`,
		int64(org), int64(org)*idsPerOrg, int64(before), int64(pageLimit(limit)))
}
