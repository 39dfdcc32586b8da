package store

import (
	"context"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// tastesMax bounds what one user may keep: saved lists are the most of it.
const tastesMax = 200

// Tastes are what a user wants pages to be like, by name.
func (s *Accounts) Tastes(ctx context.Context, org, user record.ID) (_ map[string]string, err error) {
	defer fault.Wrap(&err, "store: tastes of user %d", user)
	type taste struct{ name, value string }
	found, err := list(ctx, s.reader(), func(scan scan) (t taste, err error) {
		err = scan(&t.name, &t.value)
		return t, err
	}, `SELECT name, value FROM tastes WHERE org_id = ? AND user_id = ?`, int64(org), int64(user))
	out := make(map[string]string, len(found))
	for _, t := range found {
		out[t.name] = t.value
	}
	return out, err
}

// SetTaste keeps a choice of a user of the organization; "" forgets it. Invalid: there are too many.
func (s *Accounts) SetTaste(ctx context.Context, org, user record.ID, name, value string) (err error) {
	defer fault.Wrap(&err, "store: a taste of user %d", user)
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.user(org, user); err != nil {
			return err
		}
		if _, err := tx.change(`DELETE FROM tastes WHERE org_id = ? AND user_id = ? AND name = ?`, int64(org), int64(user), name); err != nil || value == "" {
			return err
		}
		n, _, err := first(tx.ctx, tx, column[int64], `SELECT COUNT(*) FROM tastes WHERE org_id = ? AND user_id = ?`, int64(org), int64(user))
		if err != nil {
			return err
		}
		if n >= tastesMax {
			return fault.Wrong(fault.TooLong, "name", "store: user %d has %d choices already", user, n)
		}
		_, err = tx.change(`INSERT INTO tastes (org_id, user_id, name, value) VALUES (?, ?, ?, ?)`, int64(org), int64(user), name, value)
		return err
	})
}
