package store

import (
	"context"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// Duplicates lists an owner's contacts that have something in common and were not told apart. It walks an index in its order, and
// stops at the limit.
func (s *Records) Duplicates(ctx context.Context, org, owner record.ID, by crm.DuplicateBy, after string, limit int) (out []crm.Likeness, err error) {
	limit = pageLimit(limit)
	for len(out) < limit {
		page, err := s.alike(ctx, org, owner, by, after, limit)
		if err != nil || len(page) == 0 {
			return out, err
		}
		after = page[len(page)-1].Common
		var ids []record.ID
		for _, l := range page {
			ids = append(ids, l.IDs...)
		}
		apart, err := s.apart(ctx, org, ids)
		if err != nil {
			return nil, err
		}
		for _, l := range page {
			if l.IDs = crm.Unlike(l.IDs, apart); len(l.IDs) > 1 && len(out) < limit {
				out = append(out, l)
			}
		}
		if len(page) < limit {
			break
		}
	}
	return out, nil
}

// apart are the pairs among some contacts that were told apart.
func (s *Records) apart(ctx context.Context, org record.ID, ids []record.ID) (map[crm.Pair]bool, error) {
	pairs, err := list(ctx, s.reader(), func(scan scan) (p crm.Pair, err error) {
		err = scan(&p.A, &p.B)
		return p, err
	}, `SELECT a_id, b_id FROM told_apart WHERE org_id = ? AND a_id IN (?*)`, int64(org), intsOf(ids))
	out := make(map[crm.Pair]bool, len(pairs))
	for _, p := range pairs {
		out[p] = true
	}
	return out, err
}

var toldApart = &shape{table: "told_apart", columns: []string{"org_id", "a_id", "b_id", "user_id", "at"}, clash: " ON CONFLICT (org_id, a_id, b_id) DO NOTHING"}

// TellApart remembers pairs of contacts that are two people.
func (s *Records) TellApart(ctx context.Context, by crm.Author, pairs []crm.Pair, at time.Time) (err error) {
	defer fault.Wrap(&err, "store: tell %d pairs apart", len(pairs))
	b := newBatch(toldApart, len(pairs))
	for _, p := range pairs {
		b.add(int64(by.Org), int64(p.A), int64(p.B), int64(by.User), micros(at))
	}
	return s.write(ctx, func(tx *Tx) error { return tx.insert(tx.ctx, b) })
}

// NotApart forgets pairs.
func (s *Records) NotApart(ctx context.Context, by crm.Author, pairs []crm.Pair) (err error) {
	defer fault.Wrap(&err, "store: tell %d pairs apart no more", len(pairs))
	return s.write(ctx, func(tx *Tx) error {
		for _, p := range pairs {
			if _, err := tx.change(`DELETE FROM told_apart WHERE org_id = ? AND a_id = ? AND b_id = ?`, int64(by.Org), int64(p.A), int64(p.B)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ToldApart lists the pairs among an owner's contacts, the latest first.
func (s *Records) ToldApart(ctx context.Context, org, owner record.ID, limit, offset int) (_ []crm.Apart, err error) {
	defer fault.Wrap(&err, "store: what was told apart of user %d", owner)
	return list(ctx, s.reader(), func(scan scan) (a crm.Apart, err error) {
		var at int64
		err = scan(&a.A, &a.B, &a.By, &at)
		a.At = moment(at)
		return a, err
	}, `SELECT t.a_id, t.b_id, t.user_id, t.at FROM told_apart t JOIN contacts a ON a.id = t.a_id JOIN contacts b ON b.id = t.b_id
		WHERE t.org_id = ? AND a.owner_id = ? AND b.owner_id = ? AND a.deleted_at = 0 AND b.deleted_at = 0 ORDER BY t.at DESC, t.a_id, t.b_id LIMIT ? OFFSET ?`,
		int64(org), int64(owner), int64(owner), int64(pageLimit(limit)), int64(offset))
}

// forgetApart drops what was said of contacts that are no more.
func (tx *Tx) forgetApart(org record.ID, ids ints) error {
	_, err := tx.change(`DELETE FROM told_apart WHERE org_id = ? AND (a_id IN (?*) OR b_id IN (?*))`, int64(org), ids, ids)
	return err
}

// alike lists an owner's contacts that have something in common.
func (s *Records) alike(ctx context.Context, org, owner record.ID, by crm.DuplicateBy, after string, limit int) (_ []crm.Likeness, err error) {
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
