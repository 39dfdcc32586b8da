package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// ContactsByKey finds the owner's (0: anybody's) contacts that are not deleted and have one of the keys.
func (s *Records) ContactsByKey(ctx context.Context, org, owner record.ID, keys []string) (_ map[string][]record.ID, err error) {
	defer fault.Wrap(&err, "store: contacts by %d keys", len(keys))
	where, args := `org_id = ? AND key IN (?*)`, []any{int64(org), texts(keys)}
	if owner != 0 {
		where, args = where+` AND owner_id = ?`, append(args, int64(owner))
	}
	found, err := list(ctx, s.reader(), readKey, `SELECT id, owner_id, key FROM contact_keys WHERE `+where, args...)
	out := make(map[string][]record.ID, len(found))
	for _, k := range found {
		out[k.key] = append(out[k.key], k.id)
	}
	return out, err
}

// contactKey is one row of contact_keys.
type contactKey struct {
	id, owner record.ID
	key       string
}

func readKey(scan scan) (k contactKey, err error) {
	err = scan(&k.id, &k.owner, &k.key)
	return k, err
}

var keyInsert = newShape("contact_keys", "id", "org_id", "owner_id", "key")

// rekey keeps the keys in step with contacts that were written. Most writes change none: then nothing is.
func (tx *Tx) rekey(org record.ID, kind record.Kind, written []*crm.Record) error {
	if kind != record.Contacts || len(written) == 0 {
		return nil
	}
	last := make(map[record.ID]*crm.Record, len(written)) // a call may name a record twice
	var known ints
	for _, r := range written {
		if last[r.ID] == nil && r.Version > 1 {
			known = append(known, int64(r.ID))
		}
		last[r.ID] = r
	}
	before := map[record.ID][]contactKey{}
	if len(known) > 0 {
		found, err := list(tx.ctx, tx, readKey, `SELECT id, owner_id, key FROM contact_keys WHERE +org_id = ? AND id IN (?*)`, int64(org), known)
		if err != nil {
			return err
		}
		for _, k := range found {
			before[k.id] = append(before[k.id], k)
		}
	}
	rows := newBatch(keyInsert, 4*len(last))
	var gone ints
	for _, r := range written {
		if last[r.ID] != r {
			continue
		}
		was, is := before[r.ID], keysOf(r)
		if slices.Equal(sortedKeys(was), sortedKeys(is)) {
			continue
		}
		if len(was) > 0 {
			gone = append(gone, int64(r.ID))
		}
		for _, k := range is {
			rows.add(int64(k.id), int64(org), int64(k.owner), k.key)
		}
	}
	if len(gone) > 0 {
		if _, err := tx.exec(tx.ctx, `DELETE FROM contact_keys WHERE +org_id = ? AND id IN (?*)`, int64(org), gone); err != nil {
			return err
		}
	}
	return tx.insert(tx.ctx, rows)
}

func keysOf(r *crm.Record) []contactKey {
	if r.Deleted() {
		return nil
	}
	var out []contactKey
	for _, key := range crm.ContactKeys(r.Fields) {
		out = append(out, contactKey{r.ID, r.Owner, key})
	}
	return out
}

func sortedKeys(keys []contactKey) []contactKey {
	return slices.SortedFunc(slices.Values(keys), func(a, b contactKey) int { return strings.Compare(a.key, b.key) })
}

// rekeyOwner gives the keys of all contacts of a user to another one.
func (tx *Tx) rekeyOwner(org record.ID, kind record.Kind, from, to record.ID) error {
	if kind != record.Contacts {
		return nil
	}
	_, err := tx.change(`UPDATE contact_keys SET owner_id = ? WHERE org_id = ? AND owner_id = ?`, int64(to), int64(org), int64(from))
	return err
}

// contactsAtOnce is how many contacts the migration reads before it writes their keys.
const contactsAtOnce = 1000

// makeContactKeys is the second half of migrations 5 and 10: the keys of the contacts that are there.
func makeContactKeys(ctx context.Context, tx *sql.Tx, dialect func(text string) string) error {
	for after := int64(0); ; {
		page, next, err := contactsAfter(ctx, tx, dialect, after)
		if err != nil || len(page) == 0 {
			return err
		}
		after = next
		var rows []contactKey
		var org []int64
		for i := range page {
			for _, k := range keysOf(&page[i]) {
				rows, org = append(rows, k), append(org, int64(page[i].Org))
			}
		}
		for i, k := range rows {
			if _, err := tx.ExecContext(ctx, dialect(`INSERT INTO contact_keys (id, org_id, owner_id, key) VALUES (?, ?, ?, ?)`),
				int64(k.id), org[i], int64(k.owner), k.key); err != nil {
				return err
			}
		}
	}
}

func contactsAfter(ctx context.Context, tx *sql.Tx, dialect func(text string) string, after int64) (page []crm.Record, last int64, err error) {
	rows, err := tx.QueryContext(ctx, dialect(
		`SELECT id, org_id, owner_id, fields FROM contacts WHERE id > ? AND deleted_at = 0 ORDER BY id LIMIT ?`), after, int64(contactsAtOnce))
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		r := crm.Record{Kind: record.Contacts}
		var fields string
		if err := rows.Scan(&last, &r.Org, &r.Owner, &fields); err != nil {
			return nil, 0, err
		}
		r.ID = record.ID(last)
		if r.Fields, err = fieldsOf(fields); err != nil {
			return nil, 0, err
		}
		page = append(page, r)
	}
	return page, last, rows.Err()
}
