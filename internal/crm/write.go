package crm

import (
	"cmp"
	"context"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Insert makes new records. One bad draft does not stop the others; the error is for what stops all of them.
func (c *CRM) Insert(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) (_ []Result, err error) {
	defer fault.Wrap(&err, "crm: insert %d %s", len(drafts), kind)
	results := make([]Result, len(drafts))
	if !a.May(kind).Create {
		for i := range results {
			results[i].Err = forbidden("create", kind)
		}
		return results, nil
	}
	var fresh []Record
	var place []int
	draft, err := c.maker(ctx, a, kind, drafts)
	if err != nil {
		return nil, err
	}
	for i, d := range drafts {
		r, wrong, err := draft(d)
		if err != nil {
			return nil, err
		}
		if wrong != nil {
			results[i].Err = wrong
			continue
		}
		fresh, place = append(fresh, r), append(place, i)
	}
	if len(fresh) == 0 {
		return results, nil
	}
	stored, err := c.store.Insert(ctx, a.Author, fresh)
	if err != nil {
		return nil, err
	}
	for i, r := range stored {
		results[place[i]].Record = r
	}
	return results, nil
}

// maker makes new records of drafts; wrong says why one is none.
func (c *CRM) maker(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) (_ func(d Draft) (r Record, wrong, err error), err error) {
	owners := c.owners(ctx, a.Org)
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	refer, err := c.references(ctx, a, schema, drafts)
	if err != nil {
		return nil, err
	}
	return func(d Draft) (r Record, wrong, err error) {
		r = Record{
			Org: a.Org, Kind: kind, Owner: a.User, Source: record.Manual,
			CreatedAt: c.now().UTC(), CreatedBy: a.User, ModifiedAt: c.now().UTC(), ModifiedBy: a.User,
		}
		if d.Source != "" {
			r.Source = d.Source
		}
		var problems Problems
		if d.Owner != 0 && d.Owner != a.User {
			r.Owner = d.Owner
			if problems, err = owners(d.Owner); err != nil {
				return r, nil, err
			}
		}
		fields, invalid := checkDraft(schema, nil, d, a.Zone)
		nobody, err := refer(0, nil, fields)
		if err != nil {
			return r, nil, err
		}
		problems = append(problems[:len(problems):len(problems)], nobody...)
		if all := with(problems, invalid); all != nil {
			return r, all, nil
		}
		r.Fields = fields
		if r.Owner == a.User {
			r.agreed(d.Mail, false, r.CreatedAt)
		}
		unsaid, err := inexpressible(ctx, d, nil, r)
		return r, unsaid.err(), err
	}, nil
}

// Update changes records: of each the fields that its draft names, and the owner if the draft names one. A draft that
// changes nothing succeeds and writes nothing.
func (c *CRM) Update(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) (_ []Result, err error) {
	defer fault.Wrap(&err, "crm: update %d %s", len(drafts), kind)
	change, err := c.changer(ctx, a, kind, drafts)
	if err != nil {
		return nil, err
	}
	return c.change(ctx, a, kind, drafts, Actor.Edits, change)
}

// changer changes copies of stored records as drafts want it; false: there is nothing to change.
func (c *CRM) changer(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) (_ func(d Draft, r *Record) (bool, error), err error) {
	owners := c.owners(ctx, a.Org)
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	refer, err := c.references(ctx, a, schema, drafts)
	if err != nil {
		return nil, err
	}
	return func(d Draft, r *Record) (bool, error) {
		if r.Deleted() {
			return false, missing(kind, r.ID)
		}
		var problems Problems
		before, owner := whole(schema, r.Fields), r.Owner
		if d.Owner != 0 && d.Owner != r.Owner {
			r.Owner = d.Owner
			var err error
			if problems, err = owners(d.Owner); err != nil {
				return false, err
			}
		}
		fields, wrong := checkDraft(schema, before, d, a.Zone)
		nobody, err := refer(r.ID, before, fields)
		if err != nil {
			return false, err
		}
		problems = append(problems[:len(problems):len(problems)], nobody...)
		if all := with(problems, wrong); all != nil {
			return false, all
		}
		was := *r
		was.Fields, r.Fields = before, fields
		if unsaid, err := inexpressible(ctx, d, before, *r); err != nil {
			return false, err
		} else if len(unsaid) > 0 {
			return false, unsaid
		}
		was.Owner = owner
		if not, err := c.notOrganizers(ctx, a, was, *r); err != nil || len(not) > 0 {
			return false, cmp.Or(err, not.err())
		}
		return r.Owner != owner || differ(schema, before, fields), nil
	}, nil
}

// ChangeOwner hands records to another user.
func (c *CRM) ChangeOwner(ctx context.Context, a Actor, kind record.Kind, ids []record.ID, owner record.ID) ([]Result, error) {
	drafts := drafts(ids)
	for i := range drafts {
		drafts[i].Owner = owner
	}
	return c.Update(ctx, a, kind, drafts)
}

// MassUpdatable reports whether a mass update may write the field: not what tells one record from another, nor long
// text, nor when an event takes place.
func MassUpdatable(d record.Def) bool {
	switch d.Type {
	case record.Email, record.Lookup, record.LongText, record.Reference, record.Related, record.People, record.Reminders, record.Image, record.Attending:
		return false
	}
	return d.Group == ""
}

// MassUpdate gives one field of many records the same value and marks them as touched by a mass update, which lets
// imported ones take part in sync (S21, S33). Denied: the actor may not; Invalid: the field is none for this, its value
// is wrong, or there are more than MassUpdateMax ids.
func (c *CRM) MassUpdate(ctx context.Context, a Actor, kind record.Kind, ids []record.ID, field record.Field, value record.Value) (_ []Result, err error) {
	defer fault.Wrap(&err, "crm: mass update of %d %s", len(ids), kind)
	if len(ids) > MassUpdateMax {
		return nil, fault.Wrong(fault.TooLong, "ids", "crm: more than %d records", MassUpdateMax)
	}
	rule, _, err := c.massRule(ctx, a, kind, field, value)
	if err != nil {
		return nil, err
	}
	return c.change(ctx, a, kind, drafts(ids), Actor.Edits, rule)
}

// massRule is what a mass update of a field makes of each record, with the value in canonical form; false: there is nothing to change.
func (c *CRM) massRule(ctx context.Context, a Actor, kind record.Kind, field record.Field, value record.Value) (func(Draft, *Record) (bool, error), record.Value, error) {
	if !a.MassUpdate {
		return nil, "", fault.New(fault.Denied, fault.NotAllowed, "crm: the profile does not allow mass updates")
	}
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, "", err
	}
	def, ok := schema.Def(field)
	switch {
	case !ok:
		return nil, "", fault.Wrong(fault.UnknownField, string(field), "crm: there is no field %q", field)
	case !MassUpdatable(def):
		return nil, "", fault.Wrong(fault.ReadOnlyField, string(field), "crm: %s cannot be changed by a mass update", field)
	}
	value, wrong := canon(def, value, true)
	if wrong != nil {
		return nil, "", Problems{wrong}
	}
	return func(_ Draft, r *Record) (bool, error) {
		if r.Deleted() {
			return false, missing(kind, r.ID)
		}
		was := *r
		was.Fields = whole(schema, r.Fields)
		r.Fields = was.Fields.Clone()
		different := r.Fields[field] != value || r.Mark == NoMark
		if field == record.RemindAt { // it is the event's only one now
			different = different || r.Fields[record.FurtherReminders] != ""
			r.Fields[record.FurtherReminders] = ""
		}
		r.Fields[field] = value
		if different {
			r.Mark = MassMark
		}
		if not, err := c.notOrganizers(ctx, a, was, *r); err != nil || len(not) > 0 {
			return false, cmp.Or(err, not.err())
		}
		return different, nil
	}, value, nil
}

// change is how every change to stored records happens: read, ask whether the actor may, let plan change the copy (false:
// nothing to do), write on condition that it still is at the version read. Where the caller named no version, a record
// that changed meanwhile is asked about and planned again. The same id twice is changed twice, in order.
func (c *CRM) change(ctx context.Context, a Actor, kind record.Kind, drafts []Draft, may func(Actor, Record) bool, plan func(Draft, *Record) (bool, error)) ([]Result, error) {
	results := make([]Result, len(drafts))
	tries := make([]int, len(drafts))
	pending := make([]int, len(drafts))
	for i := range pending {
		pending[i] = i
	}
	for len(pending) > 0 {
		now, later := firstOfEach(drafts, pending)
		stored, err := c.store.ByID(ctx, a.Org, kind, idsOf(drafts, now))
		if err != nil {
			return nil, err
		}
		var writes []Record
		var place []int
		for _, i := range now {
			d := drafts[i]
			r, ok := stored[d.ID]
			if !ok || !a.sees(r) {
				results[i].Err = missing(kind, d.ID)
				continue
			}
			if !may(a, r) {
				results[i].Err = forbidden("change", kind)
				continue
			}
			if d.Version != 0 && d.Version != r.Version {
				results[i].Err = changed(r, d.Version)
				continue
			}
			r.Fields = r.Fields.Clone()
			different, err := plan(d, &r)
			switch {
			case err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.NotFound:
				return nil, err
			case err != nil:
				results[i].Err = err
			case !different:
				results[i].Record = r
			default:
				consent := d.Mail
				if stored[d.ID].Owner != a.User { // nobody mails in another's name
					consent = nil
				}
				r.agreed(consent, r.Deleted() || r.Owner != stored[d.ID].Owner, c.now().UTC())
				r.ModifiedAt, r.ModifiedBy = c.now().UTC(), a.User
				writes, place = append(writes, r), append(place, i)
			}
		}
		if len(writes) > 0 {
			if err := c.backOf(ctx, a.Org, stored, writes); err != nil {
				return nil, err
			}
			after, faults, err := c.store.Update(ctx, a.Author, writes)
			if err != nil {
				return nil, err
			}
			for n, i := range place {
				tries[i]++
				switch {
				case faults[n] == nil:
					results[i] = Result{Record: after[n]}
				case fault.Is(faults[n], fault.Conflict) && drafts[i].Version == 0 && tries[i] < maxTries:
					later = append(later, i)
				default:
					results[i] = Result{Err: faults[n]}
				}
			}
		}
		pending = later
	}
	return results, nil
}

// firstOfEach splits the pending drafts into the first for each record and the rest, in order.
func firstOfEach(drafts []Draft, pending []int) (first, rest []int) {
	seen := map[record.ID]bool{}
	for _, i := range pending {
		if seen[drafts[i].ID] {
			rest = append(rest, i)
			continue
		}
		seen[drafts[i].ID] = true
		first = append(first, i)
	}
	return first, rest
}

func idsOf(drafts []Draft, which []int) []record.ID {
	ids := make([]record.ID, len(which))
	for n, i := range which {
		ids[n] = drafts[i].ID
	}
	return ids
}

// drafts names records without wishes.
func drafts(ids []record.ID) []Draft {
	out := make([]Draft, len(ids))
	for i, id := range ids {
		out[i].ID = id
	}
	return out
}

// owners tells of owners whether they may be ones, asking once for each.
func (c *CRM) owners(ctx context.Context, org record.ID) func(record.ID) (Problems, error) {
	known := map[record.ID]Problems{}
	return func(id record.ID) (Problems, error) {
		if p, ok := known[id]; ok {
			return p, nil
		}
		ok, err := c.active(ctx, org, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		known[id] = nil
		if !ok || err != nil {
			known[id] = Problems{{Kind: fault.Invalid, Reason: fault.BadValue, Field: "Owner",
				Message: "Owner: must be an active user"}}
		}
		return known[id], nil
	}
}

// with joins problems with those of a check; nil when there are none.
func with(problems Problems, wrong error) error {
	if more, ok := wrong.(Problems); ok {
		problems = append(problems[:len(problems):len(problems)], more...)
	}
	return problems.err()
}
