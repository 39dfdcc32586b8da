package crm

import (
	"context"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Admitted is what a draft would make, not stored yet.
type Admitted struct {
	Record Record        // as it is to be stored
	Before record.Fields // all fields that the record has now; nil: it is a new one
	Same   bool          // there is nothing to store
	Err    error         // why nothing can be made of the draft: as in a Result
}

// Admit applies the rules of Insert to the drafts without an ID and those of Update to the others, and stores nothing: for
// whoever stores records together with something of its own. No two drafts may name the same record.
func (c *CRM) Admit(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) (_ []Admitted, err error) {
	defer fault.Wrap(&err, "crm: admit %d %s", len(drafts), kind)
	out := make([]Admitted, len(drafts))
	draft, err := c.maker(ctx, a, kind, drafts)
	if err != nil {
		return nil, err
	}
	change, err := c.changer(ctx, a, kind, drafts)
	if err != nil {
		return nil, err
	}
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	var known []int
	for i, d := range drafts {
		if d.ID != 0 {
			known = append(known, i)
		}
	}
	stored, err := c.store.ByID(ctx, a.Org, kind, idsOf(drafts, known))
	if err != nil {
		return nil, err
	}
	for i, d := range drafts {
		now := &out[i]
		if d.ID == 0 {
			if !a.May(kind).Create {
				now.Err = forbidden("create", kind)
				continue
			}
			if now.Record, now.Err, err = draft(d); err != nil {
				return nil, err
			}
			continue
		}
		r, ok := stored[d.ID]
		switch {
		case !ok || !a.sees(r):
			now.Err = missing(kind, d.ID)
			continue
		case !a.Edits(r):
			now.Err = forbidden("change", kind)
			continue
		}
		now.Before = whole(schema, r.Fields)
		r.Fields = r.Fields.Clone()
		different, err := change(d, &r)
		if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
		now.Err, now.Same = err, !different
		if err == nil && different {
			r.ModifiedAt, r.ModifiedBy = c.now().UTC(), a.User
			r.agreed(nil, false, r.ModifiedAt)
		}
		now.Record = r
	}
	return out, nil
}

// AddressKeys are those of ContactKeys that stand for e-mail addresses.
func AddressKeys(fields record.Fields) []string { return addressKeys(fields) }

// ByKey finds contacts that are not deleted and that the actor sees, by their ContactKeys: of several with a key the oldest.
func (c *CRM) ByKey(ctx context.Context, a Actor, keys []string) (_ map[string]record.ID, err error) {
	defer fault.Wrap(&err, "crm: contacts by %d keys", len(keys))
	owner := record.ID(0)
	switch a.Contacts.View {
	case record.Anyones:
	case record.Own:
		owner = a.User
	default:
		return nil, nil
	}
	found, err := c.store.ContactsByKey(ctx, a.Org, owner, keys)
	out := make(map[string]record.ID, len(found))
	for key, ids := range found {
		out[key] = slices.Min(ids)
	}
	return out, err
}
