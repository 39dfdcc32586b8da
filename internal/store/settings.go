package store

import (
	"encoding/json"

	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// takeIn begins a run by settings that have been changed since the last one. What the two sides agreed on is forgotten of
// fields that have another partner now: it would be taken for what the new partner held, and a value for an edit. All of
// Microsoft's side is read once more, so that every pair is compared; the CRM's cursor stays, for a fresh listing of the
// CRM ends at the cap of the first sync, and what changed beyond it would be missed. Only a link that has brought nothing
// from the CRM so far begins with such a listing. Open questions are asked anew.
//
// It is part of Open, where no other worker has the link: one with the old settings in its hands would store bases and
// cursors over what is said here.
func (tx *Tx) takeIn(link *reconcile.Link) error {
	if err := tx.grow(link); err != nil {
		return err
	}
	type change struct {
		changed, admitted int64
		before            string
	}
	c, ok, err := first(tx.ctx, tx, func(scan scan) (c change, err error) {
		err = scan(&c.changed, &c.before, &c.admitted)
		return c, err
	}, `SELECT changed, before, admitted FROM link_settings WHERE org_id = ? AND link_id = ?`, int64(link.Org), int64(link.ID))
	if err != nil || !ok {
		return err
	}
	if now := flag(link.Policy.AdmitImported); c.admitted != now {
		if err := tx.admit(link, now); err != nil {
			return err
		}
	}
	if c.changed == 0 {
		return nil
	}
	var before *mapping.Table
	if c.before != "" {
		before = new(mapping.Table)
		if err := json.Unmarshal([]byte(c.before), before); err != nil {
			return err
		}
	}
	own := link.Mapping != nil && len(link.Mapping.Schema().Own()) > 0
	if moved := mapping.Moved(before, link.Mapping); len(moved) > 0 || own {
		if err := tx.forgetFields(link, moved); err != nil {
			return err
		}
	}
	asked, err := list(tx.ctx, tx, readPair, `SELECT `+pairColumns+` FROM pairs WHERE org_id = ? AND link_id = ? AND ask <> '' ORDER BY id`,
		int64(link.Org), int64(link.ID))
	if err != nil {
		return err
	}
	for _, state := range []reconcile.PairState{reconcile.Synced, reconcile.Parked} {
		var pairs []reconcile.Pair
		for _, p := range asked {
			if p.State == state {
				p.Due(tx.store.now())
				pairs = append(pairs, p)
			}
		}
		if err := tx.storeDue(link.Org, link.ID, pairs, state); err != nil {
			return err
		}
		if state == reconcile.Synced {
			link.Synced -= len(pairs)
			link.Failing += len(pairs)
		}
	}
	if _, err := tx.exec(tx.ctx, `UPDATE link_settings SET changed = 0, before = '' WHERE org_id = ? AND link_id = ?`,
		int64(link.Org), int64(link.ID)); err != nil {
		return err
	}
	link.Microsoft, link.Changed = "", false
	if c.changed < listAll {
		return tx.guarded(link, `microsoft_cursor = ''`)
	}
	link.CRM, link.Settled, link.FirstTotal, link.FirstDone = "", false, 0, 0
	return tx.guarded(link, `microsoft_cursor = '', crm_cursor = '', settled = 0, first_total = 0, first_done = 0`)
}

// admit begins a run before which the organization let imported records in, or no longer does. Those that are in step stay in
// it. When they are let in, the CRM is listed once more, as at the first sync and to its cap, and then followed from where the
// link was: nothing that was written meanwhile is passed over. A listing that was under way begins anew, for others are in it.
func (tx *Tx) admit(link *reconcile.Link, admitted int64) error {
	if _, err := tx.exec(tx.ctx, `UPDATE link_settings SET admitted = ? WHERE org_id = ? AND link_id = ?`,
		admitted, int64(link.Org), int64(link.ID)); err != nil {
		return err
	}
	if link.Settled && admitted == 0 || link.CRM == "" {
		return nil
	}
	link.CRM = crm.Relist(link.CRM, tx.store.now())
	link.Settled, link.FirstTotal, link.FirstDone = false, 0, 0
	return tx.guarded(link, `crm_cursor = ?, settled = 0, first_total = 0, first_done = 0`, string(link.CRM))
}

// grow gives a link that an earlier version stored the fields that links have by now, as if somebody had changed its settings.
func (tx *Tx) grow(link *reconcile.Link) error {
	table, more := mapping.Grown(link.Mapping)
	if mapping.Photoless(link.Mapping) {
		chosen, err := tx.chosen(link)
		if err != nil {
			return err
		}
		table, more = mapping.Default(link.Kind).In(link.Mapping.Schema()), !chosen
	}
	if !more {
		return nil
	}
	text, err := json.Marshal(table)
	if err != nil {
		return err
	}
	link.Mapping = table
	_, err = tx.exec(tx.ctx, `UPDATE link_settings SET before = CASE WHEN changed = 0 THEN mapping ELSE before END, changed = CASE WHEN changed = 0 THEN 1 ELSE changed END, mapping = ?
		WHERE org_id = ? AND link_id = ?`, string(text), int64(link.Org), int64(link.ID))
	return err
}

// chosen reports whether the fields of a link are what its person, or the organization, has chosen.
func (tx *Tx) chosen(link *reconcile.Link) (bool, error) {
	texts, err := list(tx.ctx, tx, column[string], `SELECT settings FROM sync_choices WHERE org_id = ? AND user_id IN (0, ?) AND kind = ?`,
		int64(link.Org), int64(link.User), string(link.Kind))
	if err != nil {
		return false, err
	}
	for _, text := range texts {
		var s reconcile.Settings
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return false, err
		}
		if s.Mapping != nil {
			return true, nil
		}
	}
	return false, nil
}

var baseUpdate = newShape("pairs", "id", "base", "microsoft_version")

// forgetFields takes fields out of the bases of a link's pairs, and of creates that are on their way; and has what
// Microsoft holds and what has become a choice of the CRM's looked at again.
func (tx *Tx) forgetFields(link *reconcile.Link, fields []record.Field) error {
	for after := int64(0); ; {
		pairs, err := list(tx.ctx, tx, readPair, `SELECT `+pairColumns+` FROM pairs WHERE org_id = ? AND id > ? AND id < ? ORDER BY id LIMIT 1000`,
			append([]any{int64(link.Org)}, between(link, after)...)...)
		if err != nil {
			return err
		}
		if len(pairs) == 0 {
			break
		}
		after = pairs[len(pairs)-1].ID
		changed := newBatch(baseUpdate, len(pairs))
		for _, p := range pairs {
			if len(p.Base) == 0 {
				continue
			}
			was, err := textOf(p.Base)
			if err != nil {
				return err
			}
			if link.Mapping != nil {
				var edited bool
				if p.Base, edited = reconcile.Listed(p.Base, link.Mapping); edited {
					p.MicrosoftVersion = "" // or it would be known, and not be looked at
				}
			}
			base, err := textOf(reconcile.Forget(p.Base, fields))
			if err != nil {
				return err
			}
			if base != was {
				changed.add(p.ID, base, string(p.MicrosoftVersion))
			}
		}
		if err := tx.update(tx.ctx, changed); err != nil {
			return err
		}
		tx.items += int64(changed.rows())
	}
	open, err := list(tx.ctx, tx, readIntents, selectIntents, append([]any{int64(link.Org)}, between(link, 0)...)...)
	if err != nil {
		return err
	}
	for _, b := range open {
		for i := range b.intents {
			b.intents[i].Forget(fields)
		}
		body, err := json.Marshal(b.intents)
		if err != nil {
			return err
		}
		if _, err := tx.exec(tx.ctx, `UPDATE intents SET body = ? WHERE org_id = ? AND id = ?`, string(body), int64(link.Org), b.id); err != nil {
			return err
		}
		tx.items++
	}
	return nil
}
