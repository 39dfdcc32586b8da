package account

import (
	"context"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Exporting enters into the audit trail that a user takes records away as a file, before the first of them leaves. Denied: the
// profile does not allow it (any more).
func (r *Registry) Exporting(ctx context.Context, user User, kind record.Kind, file string, count int) (err error) {
	defer fault.Wrap(&err, "account: export %d %s", count, kind)
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		u, err := tx.User(user.ID)
		if err != nil {
			return err
		}
		if u.State != Active || !u.May.Export {
			return fault.New(fault.Denied, fault.NotAllowed, "account: the profile %q does not allow exports", u.Profile)
		}
		return tx.Note(Entry{At: r.Now(), Actor: u.ID, Action: RecordsExported,
			Detail: map[string]string{"kind": string(kind), "count": strconv.Itoa(count), "name": file}})
	})
}
