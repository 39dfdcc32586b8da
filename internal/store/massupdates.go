package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/massupdate"
	"tandem/internal/record"
)

var _ massupdate.Store = (*MassUpdates)(nil)

// MassUpdates are updates of many records at once: a massupdate.Store.
type MassUpdates struct{ *core }

// MassUpdates is the face for mass updates.
func (s *Store) MassUpdates() *MassUpdates { return &MassUpdates{s.core} }

const massColumns = `id, org_id, user_id, kind, deed, field, value, state, reason, total, at_id, seen, counts, begun, touched`

func readMass(scan scan) (u massupdate.Update, err error) {
	var counts string
	var begun, touched int64
	if err := scan(&u.ID, &u.Org, &u.User, &u.Kind, &u.Deed.Do, &u.Deed.Field, &u.Deed.Value, &u.State, &u.Reason, &u.Total, &u.At, &u.Seen, &counts, &begun, &touched); err != nil {
		return u, err
	}
	u.Begun, u.Touched = moment(begun), moment(touched)
	return u, json.Unmarshal([]byte(counts), &u.Counts)
}

// Update finds one.
func (s *MassUpdates) Update(ctx context.Context, org record.ID, id string) (_ massupdate.Update, err error) {
	defer fault.Wrap(&err, "store: mass update")
	u, ok, err := first(ctx, s.reader(), readMass, `SELECT `+massColumns+` FROM mass_updates WHERE id = ? AND org_id = ?`, clean(id), int64(org))
	if err == nil && !ok {
		err = notFound("mass update", id)
	}
	return u, err
}

// MassUpdatesOf lists those of a user (0: of everybody), the latest first.
func (s *MassUpdates) MassUpdatesOf(ctx context.Context, org, user record.ID, limit int) (_ []massupdate.Update, err error) {
	defer fault.Wrap(&err, "store: mass updates of user %d", user)
	where, args := `org_id = ?`, []any{int64(org)}
	if user != 0 {
		where, args = where+` AND user_id = ?`, append(args, int64(user))
	}
	return list(ctx, s.reader(), readMass, `SELECT `+massColumns+` FROM mass_updates WHERE `+where+` ORDER BY begun DESC, id LIMIT ?`, append(args, int64(pageLimit(limit)))...)
}

// MassUpdatesTo lists those that changed a record and were not taken back, the latest first.
func (s *MassUpdates) MassUpdatesTo(ctx context.Context, org, id record.ID, limit int) (_ []massupdate.Update, err error) {
	defer fault.Wrap(&err, "store: mass updates that changed record %s", id)
	return list(ctx, s.reader(), readMass, `SELECT `+massColumns+` FROM mass_updates WHERE org_id = ?
		AND id IN (SELECT update_id FROM mass_lines WHERE record_id = ? AND did = 'changed') ORDER BY touched DESC, id LIMIT ?`, int64(org), int64(id), int64(pageLimit(limit)))
}

// Begin stores a new one and names the records that a query finds, in one transaction.
func (s *MassUpdates) Begin(ctx context.Context, u massupdate.Update, q crm.Query) (_ massupdate.Update, err error) {
	defer fault.Wrap(&err, "store: begin mass update")
	records := &Records{s.core}
	if q, err = records.candidates(ctx, u.Org, u.Kind, q, manyForCount); err != nil {
		return u, err
	}
	q.Sort = crm.ByID
	where, args := conditions(u.Org, u.Kind, q)
	counts, err := json.Marshal(u.Counts)
	if err != nil {
		return u, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		named, err := tx.change(fmt.Sprintf(`INSERT INTO mass_lines (update_id, record_id, did, version, body)
			SELECT CAST(? AS VARCHAR), id, 'waiting', 0, '{}' FROM %s WHERE %s LIMIT ?`, tableOf(u.Kind), where),
			slices.Concat([]any{u.ID}, args, []any{int64(massupdate.Max + 1)})...)
		if err != nil {
			return err
		}
		if u.Total = int(named); u.Total > massupdate.Max {
			return fault.Wrong(fault.TooLong, "ids", "store: more than %d records", massupdate.Max)
		}
		_, err = tx.change(`INSERT INTO mass_updates (`+massColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			u.ID, int64(u.Org), int64(u.User), string(u.Kind), string(u.Deed.Do), string(u.Deed.Field), clean(string(u.Deed.Value)), string(u.State), string(u.Reason), int64(u.Total),
			int64(u.At), int64(u.Seen), string(counts), micros(u.Begun), micros(u.Touched))
		return err
	})
	return u, err
}

// Groups counts the records that are named by what decides whether they are synced.
func (s *MassUpdates) Groups(ctx context.Context, org record.ID, id string) (_ []massupdate.Group, err error) {
	defer fault.Wrap(&err, "store: groups of a mass update")
	u, err := s.Update(ctx, org, id)
	if err != nil {
		return nil, err
	}
	private, synced, pairs := "r.private", "0 * r.mass_updated", ""
	var args []any
	if u.Kind == record.Contacts {
		private = "0 * r.mass_updated"
	}
	if u.Deed.Do == crm.MassOwner || u.Deed.Do == crm.MassDelete {
		synced = "CASE WHEN p.id IS NULL THEN 0 ELSE 1 END"
		pairs = ` LEFT JOIN links k ON k.org_id = r.org_id AND k.user_id = r.owner_id AND k.kind = ? AND k.state <> 'off'
			LEFT JOIN pairs p ON p.link_id = k.id AND p.crm_ref = CAST(r.id AS VARCHAR) AND p.crm_ref <> '' AND p.microsoft_ref <> ''`
		args = append(args, string(u.Kind))
	}
	return list(ctx, s.reader(), func(scan scan) (g massupdate.Group, err error) {
		var touched, private, synced int64
		err = scan(&g.Owner, &g.Source, &touched, &private, &synced, &g.Count)
		g.MassUpdated, g.Private, g.Synced = touched != 0, private != 0, synced != 0
		return g, err
	}, fmt.Sprintf(`SELECT owner_id, source, mass_updated, private, synced, COUNT(*) FROM (
			SELECT r.owner_id, r.source, r.mass_updated, %[1]s AS private, %[2]s AS synced
			FROM mass_lines l JOIN %[3]s r ON r.id = l.record_id AND r.org_id = ?%[4]s WHERE l.update_id = ? AND r.deleted_at = 0) AS named
		GROUP BY owner_id, source, mass_updated, private, synced ORDER BY 1, 2, 3, 4, 5`, private, synced, tableOf(u.Kind), pairs),
		slices.Concat([]any{int64(org)}, args, []any{u.ID})...)
}

// Invited lists the named events that say whom Outlook has invited.
func (s *MassUpdates) Invited(ctx context.Context, org record.ID, id string, after record.ID, limit int) (_ []record.ID, err error) {
	defer fault.Wrap(&err, "store: events of a mass update that people are invited to")
	return list(ctx, s.reader(), column[record.ID], `SELECT r.id FROM mass_lines l JOIN events r ON r.id = l.record_id AND r.org_id = ?
		WHERE l.update_id = ? AND l.record_id > ? AND r.deleted_at = 0 AND FIELD(?) IS NOT NULL ORDER BY l.record_id LIMIT ?`,
		int64(org), id, int64(after), string(record.Attendees), int64(limit))
}

// Save stores how one stands if its state and place are those given.
func (s *MassUpdates) Save(ctx context.Context, u massupdate.Update, from intake.State, at record.ID) (err error) {
	defer fault.Wrap(&err, "store: mass update is %s", u.State)
	return s.write(ctx, func(tx *Tx) error { return tx.saveMass(&u, from, at) })
}

// Agree stores that a draft begins, and which of its records may mail whom, in one transaction.
func (s *MassUpdates) Agree(ctx context.Context, u massupdate.Update, mails []massupdate.Line) (err error) {
	defer fault.Wrap(&err, "store: mass update may mail")
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.saveMass(&u, intake.Draft, 0); err != nil {
			return err
		}
		return tx.keepMassLines(u.ID, mails)
	})
}

func (tx *Tx) keepMassLines(update string, lines []massupdate.Line) error {
	if len(lines) == 0 {
		return nil
	}
	b := newBatch(massLines, len(lines))
	for _, l := range lines {
		body, err := json.Marshal(l)
		if err != nil {
			return err
		}
		b.add(update, int64(l.Record), string(l.Did), l.Version, string(body))
	}
	return tx.insert(tx.ctx, b)
}

func (tx *Tx) saveMass(u *massupdate.Update, from intake.State, at record.ID) error {
	counts, err := json.Marshal(u.Counts)
	if err != nil {
		return err
	}
	n, err := tx.change(`UPDATE mass_updates SET state = ?, reason = ?, at_id = ?, seen = ?, counts = ?, touched = ?
		WHERE id = ? AND org_id = ? AND state = ? AND at_id = ?`, string(u.State), string(u.Reason), int64(u.At), int64(u.Seen), string(counts),
		micros(u.Touched), u.ID, int64(u.Org), string(from), int64(at))
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, fault.StaleLease, "store: the mass update is no longer %s at %d", from, at)
	}
	if err != nil {
		return err
	}
	tx.commits = append(tx.commits, Commit{Org: u.Org, Kind: u.Kind, Owners: []record.ID{u.User}, Import: true})
	return nil
}

var massLines = &shape{table: "mass_lines", columns: []string{"update_id", "record_id", "did", "version", "body"},
	clash: " ON CONFLICT (update_id, record_id) DO UPDATE SET did = excluded.did, version = excluded.version, body = excluded.body"}

// Take stores a step: the records, what became of them and how far the mass update is, in one transaction.
func (s *MassUpdates) Take(ctx context.Context, by crm.Author, step massupdate.Step) (err error) {
	defer fault.Wrap(&err, "store: a step of a mass update")
	return s.write(ctx, func(tx *Tx) error {
		u := step.Update
		seq, err := tx.takeSeq(by.Org, len(step.Changed))
		if err != nil {
			return err
		}
		if err := tx.saveMass(&u, u.State, step.From); err != nil {
			return err
		}
		lines := slices.Clone(step.Lines)
		if len(step.Changed) > 0 {
			changed, faults := slices.Clone(step.Changed), make([]error, len(step.Changed))
			if err := tx.updateRecords(by, u.Kind, changed, faults, seq); err != nil {
				return err
			}
			for n, wrong := range faults {
				if wrong != nil {
					return wrong // takes everything back
				}
				lines[step.Of[n]].Version = changed[n].Version
			}
		}
		return tx.keepMassLines(u.ID, lines)
	})
}

// Lines lists lines of which something became.
func (s *MassUpdates) Lines(ctx context.Context, org record.ID, id string, did massupdate.Did, after record.ID, limit int) (_ []massupdate.Line, err error) {
	defer fault.Wrap(&err, "store: lines of a mass update")
	return list(ctx, s.reader(), func(scan scan) (l massupdate.Line, err error) {
		var n, version int64
		var body string
		if err := scan(&n, &version, &body); err != nil {
			return l, err
		}
		err = json.Unmarshal([]byte(body), &l)
		l.Record, l.Did, l.Version = record.ID(n), did, version
		return l, err
	}, `SELECT record_id, version, body FROM mass_lines
		WHERE update_id = (SELECT id FROM mass_updates WHERE id = ? AND org_id = ?) AND did = ? AND record_id > ? ORDER BY record_id LIMIT ?`,
		id, int64(org), string(did), int64(after), int64(limit))
}

// Drop forgets a draft.
func (s *MassUpdates) Drop(ctx context.Context, org record.ID, id string) (err error) {
	defer fault.Wrap(&err, "store: drop mass update")
	return s.write(ctx, func(tx *Tx) error { return tx.dropMass(`id = ? AND org_id = ? AND state = 'draft'`, id, int64(org)) })
}

func (tx *Tx) dropMass(where string, args ...any) error {
	if _, err := tx.change(`DELETE FROM mass_lines WHERE update_id IN (SELECT id FROM mass_updates WHERE `+where+`)`, args...); err != nil {
		return err
	}
	_, err := tx.change(`DELETE FROM mass_updates WHERE `+where, args...)
	return err
}

// Stranded lists those that nobody has worked on since a time though there is work, of all organizations.
func (s *MassUpdates) Stranded(ctx context.Context, since time.Time, limit int) (_ []massupdate.Update, err error) {
	defer fault.Wrap(&err, "store: stranded mass updates")
	return list(ctx, s.reader(), readMass, `SELECT `+massColumns+` FROM mass_updates WHERE state IN ('running', 'undoing') AND touched < ? ORDER BY touched LIMIT ?`,
		micros(since), int64(limit))
}

// PruneMassUpdates forgets drafts that were not touched since drafts, and all others not touched since ended.
func (s *MassUpdates) PruneMassUpdates(ctx context.Context, drafts, ended time.Time) (err error) {
	defer fault.Wrap(&err, "store: prune mass updates")
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.dropMass(`state = 'draft' AND touched < ?`, micros(drafts)); err != nil {
			return err
		}
		return tx.dropMass(`state NOT IN ('draft', 'running', 'undoing') AND touched < ?`, micros(ended))
	})
}
