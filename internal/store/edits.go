package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

var editInsert = newShape("contact_edits", "record_id", "seq", "org_id", "user_id", "at", "body")

// toldEdits are the contacts among records as they stand before a change of which their timelines are to tell. What sync does has its
// history.
func (tx *Tx) toldEdits(by crm.Author, records []crm.Record) (map[record.ID]crm.Record, error) {
	var ids ints
	for _, r := range records {
		if r.Kind == record.Contacts && by.Link == 0 {
			ids = append(ids, int64(r.ID))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := list(tx.ctx, tx, recordReader(by.Org, record.Contacts), fmt.Sprintf(
		`SELECT %s FROM contacts WHERE +org_id = ? AND id IN (?*)`, recordColumns(record.Contacts)), int64(by.Org), ids)
	before := make(map[record.ID]crm.Record, len(found))
	for _, r := range found {
		before[r.ID] = r
	}
	return before, err
}

// tellEdits remembers what became of contacts, in the transaction that changes them.
func (tx *Tx) tellEdits(by crm.Author, before map[record.ID]crm.Record, after []crm.Record, faults []error) error {
	if len(before) == 0 {
		return nil
	}
	rows := newBatch(editInsert, len(before))
	for i, r := range after {
		was, told := before[r.ID]
		if !told || r.Kind != record.Contacts || faults[i] != nil {
			continue
		}
		e, worth := crm.EditOf(was, r)
		switch {
		case by.Merging == 0:
		case r.ID == by.Merging:
			e.Did, worth = crm.Merged, true
			for _, other := range after {
				if other.Kind == record.Contacts && other.ID != r.ID {
					e.Others = append(e.Others, displayName(record.Contacts, other.Fields))
				}
			}
		default:
			e.Did = crm.MergedInto
			for _, other := range after {
				if other.Kind == record.Contacts && other.ID == by.Merging {
					e.Others = []string{displayName(record.Contacts, other.Fields)}
				}
			}
		}
		if before[r.ID] = r; !worth { // should the call name it twice
			continue
		}
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		rows.add(int64(r.ID), r.Seq, int64(by.Org), int64(e.By), micros(e.At), string(body))
	}
	return tx.insert(tx.ctx, rows)
}

// Edits lists what became of a contact before a moment (zero: all of it), the latest first.
func (s *Records) Edits(ctx context.Context, org, id record.ID, before time.Time, limit int) (_ []crm.Edit, err error) {
	defer fault.Wrap(&err, "store: edits of contact %s", id)
	where, args := `record_id = ? AND org_id = ?`, []any{int64(id), int64(org)}
	if !before.IsZero() {
		where, args = where+` AND at < ?`, append(args, micros(before))
	}
	return list(ctx, s.reader(), func(scan scan) (e crm.Edit, err error) {
		var at int64
		var body string
		if err := scan(&e.By, &at, &body); err != nil {
			return e, err
		}
		err = json.Unmarshal([]byte(body), &e)
		e.At = moment(at)
		return e, err
	}, `SELECT user_id, at, body FROM contact_edits WHERE `+where+` ORDER BY seq DESC LIMIT ?`, append(args, int64(pageLimit(limit)))...)
}

// PruneEdits forgets edits made before a moment.
func (s *Records) PruneEdits(ctx context.Context, before time.Time) (err error) {
	defer fault.Wrap(&err, "store: prune edits")
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.change(`DELETE FROM contact_edits WHERE at < ?`, micros(before))
		return err
	})
}

// forgetEdits drops those of contacts that are no more.
func (tx *Tx) forgetEdits(org record.ID, ids ints) error {
	_, err := tx.change(`DELETE FROM contact_edits WHERE org_id = ? AND record_id IN (?*)`, int64(org), ids)
	return err
}
