package crm

import (
	"context"
	"strconv"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Apply carries out the writes: what is new in one transaction, what changes in another. A create whose token is known
// is not repeated; everything else happens only at the version planned on, else it is a Conflict. Deleting what is gone
// already is no fault; changing or restoring it is Gone.
func (s *Side) Apply(ctx context.Context, writes []record.Write) (_ []record.Outcome, err error) {
	defer fault.Wrap(&err, "crm: apply %d writes to %s", len(writes), s.link.Kind)
	out := make([]record.Outcome, len(writes))
	var refs []record.Ref
	for _, w := range writes {
		if w.Op != record.Create {
			refs = append(refs, w.Ref)
		}
	}
	stored, err := s.byRef(ctx, refs)
	if err == nil {
		err = s.whole(ctx)
	}
	if err != nil {
		return out, err
	}
	var fresh, changes []Record
	var freshAt, changesAt []int
	for i, w := range writes { // what is yet to be stored has no outcome until it is: the caller takes one with a Ref for done
		if w.Op == record.Create {
			r, err := s.create(w)
			if err != nil {
				out[i].Err = err
				continue
			}
			fresh, freshAt = append(fresh, r), append(freshAt, i)
			continue
		}
		r, known := stored[w.Ref]
		different, err := s.change(w, &r, known)
		switch {
		case err != nil:
			out[i] = record.Outcome{Ref: w.Ref, Err: err}
		case !different && known:
			out[i] = s.outcome(r)
		case !different:
			out[i] = record.Outcome{Ref: w.Ref, Version: w.Version}
		default:
			changes, changesAt = append(changes, r), append(changesAt, i)
		}
	}
	if len(fresh) > 0 {
		made, err := s.crm.store.Insert(ctx, s.author(), fresh)
		if err != nil {
			return out, err
		}
		for n, r := range made {
			out[freshAt[n]] = s.outcome(r)
		}
	}
	if len(changes) > 0 {
		if err := s.crm.restored(ctx, s.link.Org, stored, changes); err != nil {
			return out, err
		}
		after, faults, err := s.crm.store.Update(ctx, s.author(), changes)
		if err != nil {
			return out, err
		}
		for n, i := range changesAt {
			if faults[n] != nil {
				out[i] = record.Outcome{Ref: writes[i].Ref, Err: faults[n]}
				continue
			}
			out[i] = s.outcome(after[n])
		}
	}
	return out, nil
}

func (s *Side) outcome(r Record) record.Outcome {
	return record.Outcome{Ref: r.ID.Ref(), Version: version(r), Fields: s.told(r)}
}

// create makes the new record of a write; it belongs to the link's user, or the heir, and came from Microsoft, unless said otherwise.
func (s *Side) create(w record.Write) (Record, error) {
	fields, err := check(s.link.Schema, nil, w.Fields, s.link.Zone, false)
	if err != nil {
		return Record{}, err
	}
	now := s.crm.now().UTC()
	r := Record{
		Org: s.link.Org, Kind: s.link.Kind, Owner: s.link.User, Fields: fields, Token: w.Token,
		Source:    record.FromExchange,
		CreatedAt: now, CreatedBy: s.link.User, ModifiedAt: now, ModifiedBy: s.link.User,
	}
	if s.link.Heir != 0 {
		r.Owner = s.link.Heir
	}
	s.attended(w, &r)
	if w.Meta.Source != "" {
		r.Source = w.Meta.Source
	}
	return r, nil
}

// change makes the change of a write to the stored record; false: it is as wished already.
func (s *Side) change(w record.Write, r *Record, known bool) (bool, error) {
	gone := !known || r.Deleted()
	switch {
	case w.Op == record.Delete && gone:
		return false, nil
	case !known, gone && w.Op == record.Update:
		return false, fault.New(fault.Gone, "", "crm: record %s is deleted", w.Ref)
	case version(*r) != w.Version || !s.link.owns(*r):
		at, _ := strconv.ParseInt(string(w.Version), 10, 64)
		return false, changed(*r, at)
	}
	now := s.crm.now().UTC()
	before := whole(s.link.Schema, r.Fields)
	if w.Op == record.Delete {
		r.DeletedAt, r.DeletedBy = now, s.link.User
	} else {
		fields, err := check(s.link.Schema, before, s.link.writes(w.Fields, before), s.link.Zone, false)
		if err != nil {
			return false, err
		}
		r.Fields = fields
	}
	told := s.attended(w, r)
	if w.Meta.MassUpdated && r.Mark == NoMark {
		r.Mark, told = OutlookMark, true
	}
	if w.Op == record.Restore {
		if !gone && !told && !differ(s.link.Schema, before, r.Fields) {
			return false, nil
		}
		r.DeletedAt, r.DeletedBy = time.Time{}, 0
	} else if w.Op == record.Update && !told && !differ(s.link.Schema, before, r.Fields) {
		return false, nil
	}
	r.ModifiedAt, r.ModifiedBy = now, s.link.User
	if w.Stamp != "" {
		r.Stamp = w.Stamp
	}
	return true, nil
}

// attended notes that it is this link's calendar whose attendees a write tells; true: it was another one's.
func (s *Side) attended(w record.Write, r *Record) bool {
	if _, told := w.Fields[record.Attendees]; !told || r.Mailing.Link == s.link.Link {
		return false
	}
	r.Mailing = Mailing{Link: s.link.Link}
	return true
}
