package store

import (
	"context"
	"encoding/json"

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
