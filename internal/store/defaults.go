package store

import (
	"context"
	"encoding/json"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var _ reconcile.Choices = (*Links)(nil)

// Chosen is what a user has chosen for a kind of sync, or (user 0) what the organization has; nil: nothing.
func (s *Links) Chosen(ctx context.Context, org, user record.ID, kind record.Kind) (_ *reconcile.Settings, err error) {
	defer fault.Wrap(&err, "store: what user %d chose for %s", user, kind)
	text, ok, err := first(ctx, s.reader(), column[string], `SELECT settings FROM sync_choices WHERE org_id = ? AND user_id = ? AND kind = ?`,
		int64(org), int64(user), string(kind))
	if err != nil || !ok {
		return nil, err
	}
	out := new(reconcile.Settings)
	if err := json.Unmarshal([]byte(text), out); err != nil {
		return nil, err
	}
	schema, err := schemaOf(ctx, s.reader(), org, kind)
	if err != nil {
		return nil, err
	}
	out.Mapping = out.Mapping.In(schema)
	return out, nil
}

// Choose remembers what a user chose; nil takes it back. NotFound: no such user.
func (s *Links) Choose(ctx context.Context, org, user record.ID, kind record.Kind, chosen *reconcile.Settings) (err error) {
	defer fault.Wrap(&err, "store: user %d chooses for %s", user, kind)
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.user(org, user); err != nil {
			return err
		}
		return tx.choose(org, user, kind, chosen)
	})
}

// ChooseForAll remembers the organization's choice, and who made it in the audit trail. Denied: by does not manage users.
func (s *Links) ChooseForAll(ctx context.Context, org, by record.ID, kind record.Kind, chosen *reconcile.Settings) (err error) {
	defer fault.Wrap(&err, "store: organization %d chooses for %s", org, kind)
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.manages(org, by); err != nil {
			return err
		}
		if err := tx.choose(org, 0, kind, chosen); err != nil {
			return err
		}
		return tx.note(account.Entry{Org: org, Actor: by, Action: account.SyncDefaultSet, Detail: map[string]string{"kind": string(kind)}})
	})
}

func (tx *Tx) choose(org, user record.ID, kind record.Kind, chosen *reconcile.Settings) error {
	if chosen == nil {
		_, err := tx.change(`DELETE FROM sync_choices WHERE org_id = ? AND user_id = ? AND kind = ?`, int64(org), int64(user), string(kind))
		return err
	}
	text, err := json.Marshal(chosen)
	if err != nil {
		return err
	}
	_, err = tx.change(`INSERT INTO sync_choices (org_id, user_id, kind, settings) VALUES (?, ?, ?, ?)
		ON CONFLICT (org_id, user_id, kind) DO UPDATE SET settings = excluded.settings`, int64(org), int64(user), string(kind), string(text))
	return err
}
