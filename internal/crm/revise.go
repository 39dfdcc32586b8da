package crm

import (
	"cmp"
	"context"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// A SeriesDraft is what somebody wants of a series, told at one of its occurrences. Fields and Owner of Draft are those of
// the occurrences concerned; Version makes it conditional.
type SeriesDraft struct {
	Draft
	Day    string // of the occurrence, in the rule; "" with Whole: the draft tells of the series itself
	Scope  Scope
	Remove bool // takes the occurrences away; Fields do not count
	Lose   bool // whoever asks knows what changed occurrences lose
}

// A SeriesOutcome is what became of a SeriesDraft.
type SeriesOutcome struct {
	Record Record // as it now stands, perhaps in the recycle bin
	Fresh  Record // the record of the later occurrences; zero: there is none
	Undo   Undo
}

// LossError says that a change was not made because occurrences would lose what they have of their own, and nobody has
// agreed to that.
type LossError struct{ Lost []record.Occurrence }

func (e *LossError) Error() string { return "crm: changed occurrences would be lost" }

// Undo takes a change back: it says what was before, and at which versions the records must still be.
type Undo struct {
	ID      record.ID     `json:"i"`
	Version int64         `json:"v"`
	Owner   record.ID     `json:"o"`
	Before  record.Fields `json:"b,omitempty"` // those that changed
	Deleted bool          `json:"d,omitempty"` // the change moved the record to the recycle bin
	Fresh   record.ID     `json:"f,omitempty"` // the record that the change made
}

// UndoOf is how the change between two states of a record is taken back, in the fields that before has.
func UndoOf(before, after Record) Undo {
	u := Undo{ID: after.ID, Version: after.Version, Owner: before.Owner, Before: record.Fields{}, Deleted: after.Deleted() && !before.Deleted()}
	for field, value := range before.Fields { // what before does not know, it does not clear
		if value != after.Fields[field] {
			u.Before[field] = value
		}
	}
	return u
}

// Revise changes a series as a person means it: one occurrence, it and the following, or all. Dividing a series writes both
// records or none. The error is a *LossError where Lose is needed, Invalid (Problems, or a fault that names the field),
// NotFound, Denied or Conflict.
func (c *CRM) Revise(ctx context.Context, a Actor, d SeriesDraft) (out SeriesOutcome, err error) {
	defer fault.Wrap(&err, "crm: revise series %s", d.ID)
	const kind = record.Calendar
	r, err := c.own(ctx, a, d.ID, d.Version)
	if err != nil {
		return out, err
	}
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return out, err
	}
	before := r
	before.Fields = whole(schema, r.Fields)
	var rev Revision
	if d.Remove {
		rev, err = Cancel(before.Fields, d.Day, d.Scope)
	} else {
		rev, err = Revise(schema, before.Fields, d.Day, d.Scope, d.Fields, a.Zone)
	}
	switch {
	case err != nil:
		return out, err
	case len(rev.Lost) > 0 && !d.Lose:
		return out, &LossError{rev.Lost}
	case rev.Fields == nil && !a.Deletes(r):
		return out, forbidden("delete", kind)
	case rev.Fresh != nil && !a.May(kind).Create:
		return out, forbidden("create", kind)
	}
	now := c.now().UTC()
	r.ModifiedAt, r.ModifiedBy = now, a.User
	if rev.Fields == nil {
		r.DeletedAt, r.DeletedBy = now, a.User
	} else if r.Fields, err = c.settled(ctx, a, schema, r.ID, before.Fields, rev.Fields); err != nil {
		return out, err
	}
	var fresh []Record
	if rev.Fresh != nil {
		// What decides whether it takes part in sync is as it was: to Outlook it is still the same meeting.
		next := Record{
			Org: r.Org, Kind: kind, Owner: r.Owner, Source: r.Source, Mark: r.Mark,
			CreatedAt: now, CreatedBy: a.User, ModifiedAt: now, ModifiedBy: a.User,
		}
		if next.Fields, err = c.settled(ctx, a, schema, 0, before.Fields, rev.Fresh); err != nil {
			return out, err
		}
		fresh = append(fresh, next)
	}
	if d.Owner != 0 && d.Owner != r.Owner && d.Scope != OnlyThis && !d.Remove {
		wrong, err := c.owners(ctx, a.Org)(d.Owner)
		switch {
		case err != nil:
			return out, err
		case len(wrong) > 0:
			return out, wrong
		case fresh != nil:
			fresh[0].Owner = d.Owner
		default:
			r.Owner = d.Owner
		}
	}
	consent := d.Mail
	if before.Owner != a.User {
		consent = nil
	}
	if not, err := c.notOrganizers(ctx, a, before, r); err != nil || len(not) > 0 && !r.Deleted() {
		return out, cmp.Or(err, not.err())
	}
	r.agreed(consent, r.Deleted() || r.Owner != before.Owner, now)
	for i := range fresh {
		fresh[i].Fields[record.Attendees] = "" // nobody is invited to this one yet
		fresh[i].Mailing = Mailing{Link: before.Mailing.Link, Invited: before.Mailing.Invited}
		if fresh[i].Owner == before.Owner {
			fresh[i].agreed(consent, false, now)
		}
	}
	if fresh == nil && !r.Deleted() && r.Owner == before.Owner && !differ(schema, before.Fields, r.Fields) {
		return SeriesOutcome{Record: before, Undo: UndoOf(before, before)}, nil
	}
	writes := []Record{r}
	if err := c.backOf(ctx, a.Org, map[record.ID]Record{r.ID: before}, writes); err != nil {
		return out, err
	}
	changed, added, err := c.store.Rewrite(ctx, a.Author, writes, fresh)
	if err != nil {
		return out, err
	}
	out.Record, out.Undo = changed[0], UndoOf(before, changed[0])
	if len(added) > 0 {
		out.Fresh, out.Undo.Fresh = added[0], added[0].ID
	}
	return out, nil
}

// settled are the fields of a record as they are to be, held against the rules in the light of what stood.
func (c *CRM) settled(ctx context.Context, a Actor, schema *record.Schema, id record.ID, before, wanted record.Fields) (record.Fields, error) {
	given := record.Fields{}
	for field, value := range wanted {
		if value != before[field] {
			given[field] = value
		}
	}
	fields, wrong := check(schema, before, given, a.Zone, true)
	refer, err := c.references(ctx, a, schema, []Draft{{ID: id, Fields: given}})
	if err != nil {
		return nil, err
	}
	nobody, err := refer(id, before, fields)
	if err != nil {
		return nil, err
	}
	return fields, with(nobody, wrong)
}

// own reads an event that the actor may change and that is at a version (0: any).
func (c *CRM) own(ctx context.Context, a Actor, id record.ID, version int64) (Record, error) {
	stored, err := c.store.ByID(ctx, a.Org, record.Calendar, []record.ID{id})
	if err != nil {
		return Record{}, err
	}
	r, ok := stored[id]
	switch {
	case !ok || !a.sees(r) || r.Deleted():
		return r, missing(record.Calendar, id)
	case !a.Edits(r):
		return r, forbidden("change", record.Calendar)
	case version != 0 && version != r.Version:
		return r, changed(r, version)
	}
	return r, nil
}

// TakeBack undoes a change of an event, if none of its records was changed since. A record that the change made goes to the
// recycle bin. The error is NotFound, Denied or Conflict.
func (c *CRM) TakeBack(ctx context.Context, a Actor, u Undo) (_ Record, err error) {
	defer fault.Wrap(&err, "crm: take back a change of event %s", u.ID)
	ids := []record.ID{u.ID}
	if u.Fresh != 0 {
		ids = append(ids, u.Fresh)
	}
	stored, err := c.store.ByID(ctx, a.Org, record.Calendar, ids)
	if err != nil {
		return Record{}, err
	}
	var writes []Record
	now := c.now().UTC()
	for i, id := range ids {
		r, ok := stored[id]
		r.ModifiedAt, r.ModifiedBy = now, a.User
		version := int64(1) // of a record that was just made
		if i == 0 {
			version = u.Version
		}
		switch {
		case !ok || !a.sees(r):
			return Record{}, missing(record.Calendar, id)
		case !a.Edits(r):
			return Record{}, forbidden("change", record.Calendar)
		case r.Version != version || r.Deleted() != (i == 0 && u.Deleted):
			return Record{}, changed(r, version)
		case i == 0:
			r.Fields, r.Owner = r.Fields.With(u.Before), u.Owner
			r.takeBack(now)
		default:
			r.DeletedAt, r.DeletedBy = now, a.User
		}
		r.agreed(nil, false, now)
		writes = append(writes, r)
	}
	if err := c.backOf(ctx, a.Org, stored, writes); err != nil {
		return Record{}, err
	}
	after, _, err := c.store.Rewrite(ctx, a.Author, writes, nil)
	if err != nil {
		return Record{}, err
	}
	return after[0], nil
}
