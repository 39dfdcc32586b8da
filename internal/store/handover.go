package store

import (
	"context"
	"slices"

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
// written under a number of its own, and gone from the former owner under the same (see updateRecords). What a sync that is
// being switched off still brings from Outlook is the new owner's, too.
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
	a.tx.store.linkWrites.Add(1)
	_, err = a.tx.exec(a.tx.ctx, `UPDATE links SET heir = ? WHERE org_id = ? AND state = 'switching' AND (user_id = ? OR heir = ?)`,
		int64(to), int64(a.org), int64(from), int64(from))
	return sum, err
}

// handedOver is what changes of a record that somebody else gets.
var handedOver = map[record.Kind]*shape{
	record.Contacts: newShape("contacts", "id", "version", "seq", "owner_id", "modified_at", "modified_by"),
	record.Calendar: newShape("events", "id", "version", "seq", "owner_id", "modified_at", "modified_by"),
}

// atOnce is how many records one statement hands over. A list of them is looked up by id, whereas a statement that joined
// the tables themselves would depend on what PostgreSQL has counted in them lately.
const atOnce = 5000

func (a accountTx) handOver(kind record.Kind, from, to, by record.ID) (int, error) {
	tx := a.tx
	type stored struct{ id, version int64 }
	all, err := list(tx.ctx, tx, func(scan scan) (r stored, err error) {
		err = scan(&r.id, &r.version)
		return r, err
	}, `SELECT id, version FROM `+tableOf(kind)+` WHERE org_id = ? AND owner_id = ? ORDER BY id`, int64(a.org), int64(from))
	if err != nil || len(all) == 0 {
		return 0, err
	}
	seq, err := tx.takeSeq(a.org, len(all)) // nobody else writes records of the organization meanwhile: see lock
	if err != nil {
		return 0, err
	}
	now := micros(tx.store.now())
	ids := make(ints, 0, len(all))
	for records := range slices.Chunk(all, atOnce) {
		rows, departures := newBatch(handedOver[kind], len(records)), newBatch(departureInsert, len(records))
		for _, r := range records {
			seq++
			ids = append(ids, r.id)
			rows.add(r.id, r.version+1, seq, int64(to), now, int64(by))
			departures.add(int64(a.org), string(kind), int64(from), r.id, seq)
		}
		if err := tx.update(tx.ctx, rows); err != nil {
			return 0, classify(err)
		}
		if err := tx.depart(a.org, kind, departures, nil); err != nil {
			return 0, classify(err)
		}
		tx.items += int64(len(records))
	}
	if err := tx.depart(a.org, kind, newBatch(departureInsert, 0), map[record.ID]ints{to: ids}); err != nil {
		return 0, classify(err)
	}
	if err := tx.rekeyOwner(a.org, kind, from, to); err != nil {
		return 0, err
	}
	return len(all), tx.wakeOwners(crm.Author{Org: a.org, User: by}, kind, []record.ID{from, to})
}
