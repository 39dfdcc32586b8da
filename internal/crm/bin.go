package crm

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Delete moves records to the recycle bin. One that lies there already is NotFound.
func (c *CRM) Delete(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) (_ []Result, err error) {
	defer fault.Wrap(&err, "crm: delete %d %s", len(drafts), kind)
	return c.change(ctx, a, kind, drafts, Actor.Deletes, func(_ Draft, r *Record) (bool, error) {
		if r.Deleted() {
			return false, missing(kind, r.ID)
		}
		r.DeletedAt, r.DeletedBy = c.now().UTC(), a.User
		return true, nil
	})
}

// Restore takes records out of the recycle bin. One that is not in it stays as it is.
func (c *CRM) Restore(ctx context.Context, a Actor, kind record.Kind, ids []record.ID) (_ []Result, err error) {
	defer fault.Wrap(&err, "crm: restore %d %s", len(ids), kind)
	return c.restoreAt(ctx, a, kind, drafts(ids))
}

// restoreAt is Restore of records that are at the version given, if one is.
func (c *CRM) restoreAt(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) ([]Result, error) {
	return c.change(ctx, a, kind, drafts, Actor.Deletes, func(_ Draft, r *Record) (bool, error) {
		was := r.Deleted()
		r.takeBack(c.now().UTC())
		return was, nil
	})
}

// Destroy removes records from the recycle bin for good. One that is not in it is NotFound.
func (c *CRM) Destroy(ctx context.Context, a Actor, kind record.Kind, ids []record.ID) (_ []Result, err error) {
	defer fault.Wrap(&err, "crm: destroy %d %s", len(ids), kind)
	stored, err := c.store.ByID(ctx, a.Org, kind, ids)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(ids))
	var doomed []record.ID
	for i, id := range ids {
		r, ok := stored[id]
		if !ok || !a.sees(r) || !r.Deleted() {
			results[i].Err = missing(kind, id)
			continue
		}
		if !a.Deletes(r) {
			results[i].Err = forbidden("destroy", kind)
			continue
		}
		results[i].Record = r
		doomed = append(doomed, id)
	}
	if len(doomed) == 0 {
		return results, nil
	}
	return results, c.store.Destroy(ctx, a.Author, kind, doomed, c.now().UTC())
}

// Deleted lists what was deleted at or after since, in the recycle bin or destroyed, latest first.
func (c *CRM) Deleted(ctx context.Context, a Actor, kind record.Kind, since time.Time, limit, offset int) ([]Tombstone, error) {
	var q Query
	if !a.narrow(kind, &q) {
		return nil, nil
	}
	stones, err := c.store.Tombstones(ctx, a.Org, kind, q.Owner, since, limit, offset)
	for i, t := range stones {
		if t.Private && t.Owner != a.User {
			stones[i].Name = ""
		}
	}
	return stones, err
}

// binPage is how many records Empty destroys in one transaction.
const binPage = 200

// Empty destroys what has been in an organization's recycle bin for longer than BinAge, and returns how many records
// that were.
func (c *CRM) Empty(ctx context.Context, org record.ID, kind record.Kind) (n int, err error) {
	defer fault.Wrap(&err, "crm: empty the recycle bin of organization %s", org)
	begins := c.now().Add(-BinAge)
	for {
		page, err := c.store.Records(ctx, org, kind, Query{Deleted: true, Sort: ByModified, Limit: binPage})
		if err != nil {
			return n, err
		}
		var old []record.ID
		for _, r := range page {
			if r.DeletedAt.Before(begins) {
				old = append(old, r.ID)
			}
		}
		if len(old) == 0 {
			return n, nil
		}
		if err := c.store.Destroy(ctx, Author{Org: org}, kind, old, c.now().UTC()); err != nil {
			return n, err
		}
		n += len(old)
	}
}
