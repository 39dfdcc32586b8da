package crm

import (
	"context"
	"maps"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// List lists a page of the records that the actor sees, with all fields. Limit 0 is 200.
func (c *CRM) List(ctx context.Context, a Actor, kind record.Kind, q Query) (_ []Record, err error) {
	defer fault.Wrap(&err, "crm: list %s", kind)
	if !a.narrow(kind, &q) {
		return nil, nil
	}
	if q.Limit <= 0 {
		q.Limit = sidePage
	}
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	page, err := c.store.Records(ctx, a.Org, kind, q)
	for i := range page {
		page[i] = a.show(schema, page[i])
	}
	return page, err
}

// Count counts the records that List would list without a limit.
func (c *CRM) Count(ctx context.Context, a Actor, kind record.Kind, q Query) (_ int, err error) {
	defer fault.Wrap(&err, "crm: count %s", kind)
	if !a.narrow(kind, &q) {
		return 0, nil
	}
	q.Limit, q.Offset = 0, 0
	return c.store.Count(ctx, a.Org, kind, q)
}

// IDs lists the ids of the records that List would list without a limit, in its order and as they are at one moment: for whoever
// then reads many of them, a few at a time.
func (c *CRM) IDs(ctx context.Context, a Actor, kind record.Kind, q Query) (_ []record.ID, err error) {
	defer fault.Wrap(&err, "crm: list ids of %s", kind)
	if !a.narrow(kind, &q) {
		return nil, nil
	}
	return c.store.IDs(ctx, a.Org, kind, q)
}

// Get reads one record with all fields. NotFound: there is none for this actor, or it lies in the recycle bin.
func (c *CRM) Get(ctx context.Context, a Actor, kind record.Kind, id record.ID) (Record, error) {
	found, err := c.ByID(ctx, a, kind, id)
	if err != nil {
		return Record{}, err
	}
	r, ok := found[id]
	if !ok || r.Deleted() {
		return Record{}, missing(kind, id)
	}
	return r, nil
}

// Stored reads records as they are kept, with values of fields that are out of use: for whoever writes them back, not for pages. Ids
// that do not exist for this actor are absent.
func (c *CRM) Stored(ctx context.Context, a Actor, kind record.Kind, ids ...record.ID) (_ map[record.ID]Record, err error) {
	defer fault.Wrap(&err, "crm: read %d stored %s", len(ids), kind)
	found, err := c.store.ByID(ctx, a.Org, kind, ids)
	maps.DeleteFunc(found, func(_ record.ID, r Record) bool { return !a.sees(r) })
	return found, err
}

// ByID reads records with all fields, also those in the recycle bin; ids that do not exist for this actor are absent.
func (c *CRM) ByID(ctx context.Context, a Actor, kind record.Kind, ids ...record.ID) (_ map[record.ID]Record, err error) {
	defer fault.Wrap(&err, "crm: read %d %s", len(ids), kind)
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	found, err := c.store.ByID(ctx, a.Org, kind, ids)
	if err != nil {
		return nil, err
	}
	for id, r := range found {
		if !a.sees(r) {
			delete(found, id)
			continue
		}
		found[id] = a.show(schema, r)
	}
	return found, nil
}
