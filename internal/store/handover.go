package store

import (
	"context"
	"fmt"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// kinds are those of records.
var kinds = []record.Kind{record.Contacts, record.Calendar}

// Owned counts a user's records, those in the recycle bin too.
func (s *Accounts) Owned(ctx context.Context, org, user record.ID) (_ int, err error) {
	defer fault.Wrap(&err, "store: count records of user %d", user)
	return owned(ctx, s.reader(), org, user, kinds...)
}

func owned(ctx context.Context, q querier, org, user record.ID, of ...record.Kind) (sum int, err error) {
	for _, kind := range of {
		n, _, err := first(ctx, q, column[int64], `SELECT COUNT(*) FROM `+tableOf(kind)+` WHERE org_id = ? AND owner_id = ?`, int64(org), int64(user))
		if err != nil {
			return 0, err
		}
		sum += int(n)
	}
	return sum, nil
}

func (a accountTx) Owned(user record.ID) (int, error) {
	return owned(a.tx.ctx, a.tx, a.org, user, kinds...)
}

// HandOver gives all records of a user to another one. To both syncs each of them is what a change of owner by hand is:
// written under a number of its own, and gone from the former owner under the same (see updateRecords).
func (a accountTx) HandOver(from, to, by record.ID) (sum int, err error) {
	if from == to {
		return 0, fault.Wrong(fault.BadValue, "to", "store: records of user %d are theirs already", from)
	}
	for _, user := range []record.ID{from, to} {
		if _, err := a.tx.user(a.org, user); err != nil {
			return 0, err
		}
	}
	for _, kind := range kinds {
		n, err := a.handOver(kind, from, to, by)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (a accountTx) handOver(kind record.Kind, from, to, by record.ID) (int, error) {
	tx, table := a.tx, tableOf(kind)
	n, err := owned(tx.ctx, tx, a.org, from, kind)
	if err != nil || n == 0 {
		return 0, err
	}
	seq, err := tx.takeSeq(a.org, n)
	if err != nil {
		return 0, err
	}
	if _, err := tx.change(fmt.Sprintf(`DELETE FROM departures WHERE org_id = ? AND kind = ? AND owner_id = ?
		AND id IN (SELECT id FROM %s WHERE org_id = ? AND owner_id = ?)`, table),
		int64(a.org), string(kind), int64(to), int64(a.org), int64(from)); err != nil {
		return 0, err
	}
	if _, err := tx.change(fmt.Sprintf(`INSERT INTO departures (org_id, kind, owner_id, id, seq)
		SELECT org_id, CAST(? AS TEXT), owner_id, id, CAST(? AS BIGINT) + row_number() OVER (ORDER BY id) FROM %s WHERE org_id = ? AND owner_id = ?`, table)+
		departureInsert.clash, string(kind), seq, int64(a.org), int64(from)); err != nil {
		return 0, err
	}
	written, err := tx.change(fmt.Sprintf(`UPDATE %[1]s SET owner_id = ?, version = version + 1, modified_at = ?, modified_by = ?, seq = (
			SELECT d.seq FROM departures d WHERE d.org_id = %[1]s.org_id AND d.kind = ? AND d.owner_id = %[1]s.owner_id AND d.id = %[1]s.id)
		WHERE org_id = ? AND owner_id = ?`, table),
		int64(to), micros(tx.store.now()), int64(by), string(kind), int64(a.org), int64(from))
	if err != nil {
		return 0, err
	}
	tx.items += 2 * written
	return n, tx.wakeOwners(crm.Author{Org: a.org, User: by}, kind, []record.ID{from, to})
}
