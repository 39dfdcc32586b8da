package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

const selectCustomFields = `SELECT id, name, label, type, choices, state, created_at, created_by FROM custom_fields
	WHERE org_id = ? AND kind = ? ORDER BY id`

func customFieldReader(kind record.Kind) func(scan) (crm.CustomField, error) {
	return func(scan scan) (crm.CustomField, error) {
		f := crm.CustomField{Kind: kind}
		var typ, choices string
		var created int64
		err := scan(&f.ID, &f.Name, &f.Label, &typ, &choices, &f.State, &created, &f.CreatedBy)
		if err != nil {
			return f, err
		}
		f.CreatedAt = moment(created)
		var known bool
		if f.Type, known = crm.CustomTypeNamed(typ); !known {
			return f, fault.New(fault.Broken, "", "store: field %d is of type %q", f.ID, typ)
		}
		if choices != "" {
			err = json.Unmarshal([]byte(choices), &f.Values)
		}
		return f, err
	}
}

// CustomFields lists the fields that an organization made for a kind.
func (s *Records) CustomFields(ctx context.Context, org record.ID, kind record.Kind) (_ []crm.CustomField, err error) {
	defer fault.Wrap(&err, "store: custom fields of %s", kind)
	return customFields(ctx, s.reader(), org, kind)
}

func customFields(ctx context.Context, q querier, org record.ID, kind record.Kind) ([]crm.CustomField, error) {
	return list(ctx, q, customFieldReader(kind), selectCustomFields, int64(org), string(kind))
}

// schemaOf is the fields that an organization's records of a kind have.
func schemaOf(ctx context.Context, q querier, org record.ID, kind record.Kind) (*record.Schema, error) {
	if kind != record.Contacts {
		return record.Standard(kind), nil
	}
	fields, err := customFields(ctx, q, org, kind)
	return crm.SchemaOf(kind, fields, crm.FieldInUse), err
}

// inSchema gives the mappings of an organization's links the fields that they are about.
func inSchema(ctx context.Context, q querier, org record.ID, links ...*reconcile.Link) error {
	var contacts *record.Schema
	for _, l := range links {
		schema := record.Standard(l.Kind)
		if l.Kind == record.Contacts {
			if contacts == nil {
				var err error
				if contacts, err = schemaOf(ctx, q, org, l.Kind); err != nil {
					return err
				}
			}
			schema = contacts
		}
		l.Mapping = l.Mapping.In(schema)
	}
	return nil
}

// listLinks lists links of one organization.
func listLinks(ctx context.Context, q querier, org record.ID, where string, args ...any) ([]reconcile.Link, error) {
	links, err := list(ctx, q, readLink, `SELECT `+linkColumns+` FROM links l JOIN link_settings s ON s.link_id = l.id
		WHERE l.org_id = ? AND `+where, append([]any{int64(org)}, args...)...)
	if err != nil {
		return nil, err
	}
	each := make([]*reconcile.Link, len(links))
	for i := range links {
		each[i] = &links[i]
	}
	return links, inSchema(ctx, q, org, each...)
}

var _ crm.FieldStore = (*Records)(nil)

// valueText is a part of the JSON of every record that has a value in a field, and of no other: quotes within a value stand
// behind a backslash. An empty box has the value false.
func valueText(f crm.CustomField) string {
	if f.Type == record.Bool {
		return `"` + string(f.Name) + `":"true"`
	}
	return `"` + string(f.Name) + `":"`
}

// CountValues counts the records that have a value in a field.
func (s *Records) CountValues(ctx context.Context, org record.ID, f crm.CustomField) (_ int, err error) {
	defer fault.Wrap(&err, "store: count values of field %s", f.Name)
	n, _, err := first(ctx, s.reader(), column[int64], `SELECT COUNT(*) FROM `+tableOf(f.Kind)+` WHERE org_id = ? AND fields LIKE ? ESCAPE '\'`,
		int64(org), "%"+likeWords.Replace(valueText(f))+"%")
	return int(n), err
}

// fieldDeeds are what the audit trail calls what is done with a field.
var fieldDeeds = map[crm.FieldDeed]account.Action{
	crm.FieldMade: account.FieldMade, crm.FieldChanged: account.FieldChanged, crm.FieldRetired: account.FieldRetired,
	crm.FieldRevived: account.FieldRevived, crm.FieldRazed: account.FieldDestroyed,
}

// ChangeField changes one custom field of an organization.
func (s *Records) ChangeField(ctx context.Context, by crm.Author, kind record.Kind, plan func(fields []crm.CustomField) (crm.FieldChange, error)) (_ crm.CustomField, err error) {
	defer fault.Wrap(&err, "store: change a field of %s", kind)
	var f crm.CustomField
	err = s.write(ctx, func(tx *Tx) error {
		if err := tx.manages(by.Org, by.User); err != nil {
			return err
		}
		fields, err := customFields(tx.ctx, tx, by.Org, kind)
		if err != nil {
			return err
		}
		change, err := plan(fields)
		if err != nil {
			return err
		}
		f = change.Field
		if err := tx.storeField(by.Org, &f); err != nil {
			return err
		}
		if change.Deed != crm.FieldMade { // nobody maps it yet
			if err := tx.tellLinks(by.Org, f); err != nil {
				return err
			}
		}
		switch change.Deed {
		case crm.FieldRazed:
			err = tx.strip(by.Org, f)
		case crm.FieldRetired, crm.FieldRevived:
			err = tx.refind(by.Org, f)
		}
		if err != nil {
			return err
		}
		return tx.note(account.Entry{Org: by.Org, Actor: by.User, Action: fieldDeeds[change.Deed], Detail: map[string]string{"name": f.Label}})
	})
	return f, err
}

// manages keeps an organization to this transaction, for somebody who manages it.
func (tx *Tx) manages(org, by record.ID) error {
	if err := tx.lock(org); err != nil {
		return err
	}
	u, err := tx.user(org, by)
	if err == nil && (u.State != account.Active || !u.May.ManageUsers) {
		err = fault.New(fault.Denied, fault.NotAllowed, "store: user %d does not manage the organization", by)
	}
	return err
}

func (tx *Tx) storeField(org record.ID, f *crm.CustomField) error {
	choices := ""
	if len(f.Values) > 0 {
		text, err := json.Marshal(f.Values)
		if err != nil {
			return err
		}
		choices = string(text)
	}
	if f.ID != 0 {
		_, err := tx.change(`UPDATE custom_fields SET label = ?, choices = ?, state = ? WHERE org_id = ? AND id = ?`,
			f.Label, choices, string(f.State), int64(org), int64(f.ID))
		return err
	}
	id, err := tx.count("field")
	if err != nil {
		return err
	}
	f.ID = record.ID(id)
	_, err = tx.change(`INSERT INTO custom_fields (id, org_id, kind, name, label, type, choices, state, created_at, created_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, int64(org), string(f.Kind), string(f.Name), f.Label, f.TypeName(), choices,
		string(f.State), micros(f.CreatedAt), int64(f.CreatedBy))
	return err
}

// tellLinks has the links that map a field take in with their next run that it has changed (see takeIn), and wakes them. A
// run that is under way goes on with the fields as they were when it began. Links are locked before their settings, as runs do.
func (tx *Tx) tellLinks(org record.ID, f crm.CustomField) error {
	type mapped struct {
		id    int64
		table string
	}
	links, err := list(tx.ctx, tx, func(scan scan) (m mapped, err error) {
		err = scan(&m.id, &m.table)
		return m, err
	}, `SELECT l.id, s.mapping FROM links l JOIN link_settings s ON s.link_id = l.id
		WHERE l.org_id = ? AND l.kind = ? AND l.state <> 'off' ORDER BY l.id`, int64(org), string(f.Kind))
	if err != nil {
		return err
	}
	for _, l := range links {
		if !strings.Contains(l.table, `"crm":"`+string(f.Name)+`"`) {
			continue
		}
		if err := tx.there(org, reconcile.LinkID(l.id)); err != nil {
			return err
		}
		if _, err := tx.exec(tx.ctx, `UPDATE link_settings SET before = CASE WHEN changed = 0 THEN mapping ELSE before END, changed = 1
			WHERE org_id = ? AND link_id = ?`, int64(org), l.id); err != nil {
			return err
		}
		if err := tx.urge(org, reconcile.LinkID(l.id)); err != nil {
			return err
		}
	}
	return nil
}

var recordRefind = newShape("contacts", "id", "search")

// refind writes anew by what the records are found that have a value in a field: it has come into use, or gone out of it. Nobody
// else writes records of the organization meanwhile: see strip.
func (tx *Tx) refind(org record.ID, f crm.CustomField) error {
	schema, err := schemaOf(tx.ctx, tx, org, f.Kind)
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		page, err := list(tx.ctx, tx, func(scan scan) (r crm.Record, err error) {
			var fields string
			if err = scan(&r.ID, &r.Version, &fields); err == nil {
				r.Fields, err = fieldsOf(fields)
			}
			return r, err
		}, `SELECT id, version, fields FROM contacts WHERE org_id = ? AND id > ? AND fields LIKE ? ESCAPE '\' ORDER BY id LIMIT 1000`,
			int64(org), after, "%"+likeWords.Replace(valueText(f))+"%")
		if err != nil || len(page) == 0 {
			return err
		}
		changed, written := newBatch(recordRefind, len(page)), make([]*crm.Record, len(page))
		var known ints
		for i := range page {
			r := &page[i]
			changed.add(int64(r.ID), searchText(f.Kind, r.Fields, schema.Own()))
			written[i], known, after = r, append(known, int64(r.ID)), int64(r.ID)
		}
		if err := tx.update(tx.ctx, changed); err != nil {
			return err
		}
		if err := tx.reindex(f.Kind, written, schema.Own(), known); err != nil {
			return err
		}
	}
}

// makeOwnSearch is the second half of migration 24: contacts are found by what is in an organization's own fields.
func makeOwnSearch(ctx context.Context, tx *sql.Tx, dialect func(text string) string) error {
	own, err := ownFields(ctx, tx, dialect)
	if err != nil || len(own) == 0 {
		return err
	}
	trigrams := dialect(" FOR UPDATE") == "" // SQLite's
	for after := int64(0); ; {
		page, next, err := contactsAfter(ctx, tx, dialect, after)
		if err != nil || len(page) == 0 {
			return err
		}
		after = next
		for _, r := range page {
			search := searchText(record.Contacts, r.Fields, own[r.Org])
			if search == searchText(record.Contacts, r.Fields, nil) {
				continue
			}
			if _, err := tx.ExecContext(ctx, dialect(`UPDATE contacts SET search = ? WHERE id = ?`), search, int64(r.ID)); err != nil {
				return err
			}
			if !trigrams {
				continue
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM contacts_search WHERE rowid = ?`, int64(r.ID)); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO contacts_search (rowid, search) VALUES (?, ?)`, int64(r.ID), search); err != nil {
				return err
			}
		}
	}
}

// ownFields are the fields of contacts in use that organizations have made.
func ownFields(ctx context.Context, tx *sql.Tx, dialect func(text string) string) (_ map[record.ID][]record.Def, err error) {
	rows, err := tx.QueryContext(ctx, dialect(`SELECT org_id, name, type FROM custom_fields WHERE kind = ? AND state = ? ORDER BY id`),
		string(record.Contacts), string(crm.FieldInUse))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[record.ID][]record.Def{}
	for rows.Next() {
		var org record.ID
		var f crm.CustomField
		var typ string
		if err := rows.Scan(&org, &f.Name, &typ); err != nil {
			return nil, err
		}
		f.Type, _ = crm.CustomTypeNamed(typ)
		out[org] = append(out[org], f.Def())
	}
	return out, rows.Err()
}

var recordStrip = newShape("contacts", "id", "version", "fields")

// strip takes the values of a field out of all records. Nobody else writes records of the organization before this
// transaction ends (see takeSeq), and whoever has read one before it finds it at another version: so none comes back. The
// records keep their place in the order of writes, for nothing has changed that a link knows of.
func (tx *Tx) strip(org record.ID, f crm.CustomField) error {
	type row struct {
		id, version int64
		fields      string
	}
	for after := int64(0); ; {
		rows, err := list(tx.ctx, tx, func(scan scan) (r row, err error) {
			err = scan(&r.id, &r.version, &r.fields)
			return r, err
		}, `SELECT id, version, fields FROM contacts WHERE org_id = ? AND id > ? AND fields LIKE ? ESCAPE '\' ORDER BY id LIMIT 1000`,
			int64(org), after, `%"`+likeWords.Replace(string(f.Name))+`":%`)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			_, err := tx.change(`DELETE FROM contact_edits WHERE org_id = ? AND body LIKE ? ESCAPE '\'`, int64(org), `%"`+likeWords.Replace(string(f.Name))+`":%`)
			return err
		}
		changed := newBatch(recordStrip, len(rows))
		for _, r := range rows {
			fields, err := fieldsOf(r.fields)
			if err != nil {
				return err
			}
			delete(fields, f.Name)
			text, err := json.Marshal(fields)
			if err != nil {
				return err
			}
			changed.add(r.id, r.version+1, string(text))
			after = r.id
		}
		if err := tx.update(tx.ctx, changed); err != nil {
			return err
		}
	}
}
