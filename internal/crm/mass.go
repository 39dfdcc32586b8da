package crm

import (
	"context"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// MassValue is a value as a mass update gives it to a field. Denied and Invalid: as of MassUpdate.
func (c *CRM) MassValue(ctx context.Context, a Actor, kind record.Kind, field record.Field, value record.Value) (record.Value, error) {
	rule, err := c.massRule(ctx, a, kind, field, value)
	if err != nil {
		return "", err
	}
	var r Record
	_, err = rule(Draft{}, &r)
	return r.Fields[field], err
}

// MassAdmitted is what a mass update would make of a record, not stored yet.
type MassAdmitted struct {
	Admitted
	// Admits: the record came by import or migration and no mass update had touched it, so that sync takes it from now on.
	Admits bool
}

// AdmitMass applies the rules of MassUpdate to different records and stores nothing: for whoever stores records together with
// something of its own.
func (c *CRM) AdmitMass(ctx context.Context, a Actor, kind record.Kind, ids []record.ID, field record.Field, value record.Value) (_ []MassAdmitted, err error) {
	defer fault.Wrap(&err, "crm: admit a mass update of %d %s", len(ids), kind)
	rule, err := c.massRule(ctx, a, kind, field, value)
	if err != nil {
		return nil, err
	}
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	stored, err := c.store.ByID(ctx, a.Org, kind, ids)
	if err != nil {
		return nil, err
	}
	out := make([]MassAdmitted, len(ids))
	for i, id := range ids {
		now := &out[i]
		r, ok := stored[id]
		switch {
		case !ok || !a.sees(r) || r.Deleted():
			now.Err = missing(kind, id)
			continue
		case !a.Edits(r):
			now.Err = forbidden("change", kind)
			continue
		}
		now.Before = whole(schema, r.Fields)
		now.Admits = !r.MassUpdated && (r.Source == record.Import || r.Source == record.Migration)
		r.Fields = r.Fields.Clone()
		different, err := rule(Draft{}, &r)
		switch {
		case fault.Is(err, fault.Invalid):
			now.Err = err
			continue
		case err != nil:
			return nil, err
		}
		if now.Same = !different; different {
			r.agreed(nil, false, c.now().UTC())
			r.ModifiedAt, r.ModifiedBy = c.now().UTC(), a.User
		}
		now.Record = r
	}
	return out, nil
}

// Reverted says of a record which values it is to have again, and which it must have for that.
type Reverted struct {
	ID            record.ID
	Before, After record.Fields
}

// AdmitBack gives different records former values where they still have later ones, and stores nothing. Conflict: one has not.
func (c *CRM) AdmitBack(ctx context.Context, a Actor, kind record.Kind, back []Reverted) (_ []Admitted, err error) {
	defer fault.Wrap(&err, "crm: admit %d %s as they were", len(back), kind)
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	ids := make([]record.ID, len(back))
	for i, b := range back {
		ids[i] = b.ID
	}
	stored, err := c.store.ByID(ctx, a.Org, kind, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Admitted, len(back))
	for i, b := range back {
		now := &out[i]
		r, ok := stored[b.ID]
		switch {
		case !ok || !a.sees(r) || r.Deleted():
			now.Err = missing(kind, b.ID)
			continue
		case !a.Edits(r):
			now.Err = forbidden("change", kind)
			continue
		}
		now.Before = whole(schema, r.Fields)
		r.Fields = now.Before.Clone()
		now.Same = true
		for name, after := range b.After {
			if now.Before[name] != after {
				now.Err = changed(r, r.Version)
			}
			now.Same = now.Same && b.Before[name] == after
			r.Fields[name] = b.Before[name]
		}
		if now.Err != nil {
			continue
		}
		was := r
		was.Fields = now.Before
		not, err := c.notOrganizers(ctx, a, was, r)
		if err != nil {
			return nil, err
		}
		now.Err = not.err()
		r.agreed(nil, false, c.now().UTC())
		r.ModifiedAt, r.ModifiedBy = c.now().UTC(), a.User
		now.Record = r
	}
	return out, nil
}
