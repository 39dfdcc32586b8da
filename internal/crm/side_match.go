package crm

import (
	"context"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// mostMatches bounds how many contacts one item may be, such as those of a firm that all have its one address.
const mostMatches = 200

// Match tells for each item which of the user's contacts it may be: those that have one of its addresses; if there are
// none, those of its name that have one of its numbers. Both are compared normalized. Items and contacts are in the CRM's
// fields; deleted contacts are nobody's match. Of other kinds nothing matches.
func (s *Side) Match(ctx context.Context, items []record.Fields) (_ [][]record.Change, err error) {
	defer fault.Wrap(&err, "crm: match %d %s", len(items), s.link.Kind)
	out := make([][]record.Change, len(items))
	if s.link.Kind != record.Contacts {
		return out, nil
	}
	var keys []string
	for _, fields := range items {
		keys = append(keys, ContactKeys(fields)...)
	}
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) == 0 {
		return out, nil
	}
	ids, err := s.crm.store.ContactsByKey(ctx, s.link.Org, s.link.User, keys)
	if err != nil || len(ids) == 0 {
		return out, err
	}
	var all []record.ID
	for key := range ids {
		slices.Sort(ids[key])
		ids[key] = ids[key][:min(len(ids[key]), mostMatches)]
		all = append(all, ids[key]...)
	}
	slices.Sort(all)
	found, err := s.crm.store.ByID(ctx, s.link.Org, s.link.Kind, slices.Compact(all))
	if err != nil {
		return nil, err
	}
	for i, fields := range items {
		if out[i] = s.having(addressKeys(fields), ids, found, anybody); len(out[i]) == 0 {
			out[i] = s.having(numberKeys(fields), ids, found, func(r Record) bool {
				return sameNumber(fields, r.Fields, s.link.region())
			})
		}
	}
	return out, s.whole(ctx)
}

// Keys are what contacts are looked up by that may be one person.
func (s *Side) Keys(fields record.Fields) []string {
	if s.link.Kind != record.Contacts {
		return nil
	}
	return ContactKeys(fields)
}

// Alike reports whether an item, or a record, and a record may be one person.
func (s *Side) Alike(a, b record.Fields) bool {
	return s.link.Kind == record.Contacts && Alike(a, b, s.link.region())
}

func anybody(Record) bool { return true }

// having are the user's contacts that have one of the keys and that are meant, each once.
func (s *Side) having(keys []string, ids map[string][]record.ID, found map[record.ID]Record, meant func(Record) bool) (out []record.Change) {
	var told []record.ID
	for _, key := range keys {
		for _, id := range ids[key] {
			r, ok := found[id]
			if !ok || r.Deleted() || r.Owner != s.link.User || slices.Contains(told, id) || !meant(r) {
				continue // it has changed between the two questions, or is none
			}
			told, out = append(told, id), append(out, s.tell(r))
		}
	}
	return out[:min(len(out), mostMatches)]
}
