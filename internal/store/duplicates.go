package store

import (
	"context"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// Duplicates lists an owner's contacts that have something in common. It walks an index in its order, and stops at the limit.
func (s *Records) Duplicates(ctx context.Context, org, owner record.ID, by crm.DuplicateBy, after string, limit int) (_ []crm.Likeness, err error) {
	defer fault.Wrap(&err, "store: duplicates of user %d", owner)
	table, common := "contact_keys", "key"
	if by == crm.SameName {
		table, common = "contacts", "name"
	}
	where := `org_id = ? AND owner_id = ? AND ` + common + ` <> ''`
	if by == crm.SameName {
		where += ` AND deleted_at = 0`
	}
	alike, err := list(ctx, s.reader(), column[string], `SELECT `+common+` FROM `+table+` WHERE `+where+` AND `+common+` > ?
		GROUP BY `+common+` HAVING COUNT(*) > 1 ORDER BY `+common+` LIMIT ?`, int64(org), int64(owner), after, int64(pageLimit(limit)))
	if err != nil || len(alike) == 0 {
		return nil, err
	}
	type one struct {
		common string
		id     record.ID
	}
	found, err := list(ctx, s.reader(), func(scan scan) (o one, err error) {
		err = scan(&o.common, &o.id)
		return o, err
	}, `SELECT `+common+`, id FROM `+table+` WHERE `+where+` AND `+common+` IN (?*) ORDER BY `+common+`, id`, int64(org), int64(owner), texts(alike))
	var out []crm.Likeness
	for _, o := range found {
		if last := len(out) - 1; last >= 0 && out[last].Common == o.common {
			out[last].IDs = append(out[last].IDs, o.id)
			continue
		}
		out = append(out, crm.Likeness{Common: o.common, IDs: []record.ID{o.id}})
	}
	return out, err
}
