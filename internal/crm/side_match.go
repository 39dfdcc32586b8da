package crm

import (
	"context"
	"maps"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// mostMatches bounds how many contacts one item may be, such as those of a firm that all have its one address.
const mostMatches = 200

// Match tells for each item which of the user's contacts it may be: those that have one of its addresses; if there are
// none, those of its name that have one of its numbers. Both are compared normalized. Items and contacts are in the CRM's
// fields; deleted contacts are nobody's match. Events match that were imported under the item's UID, else those that have its title and take
// place at the same time.
func (s *Side) Match(ctx context.Context, items []record.Fields) (_ [][]record.Change, err error) {
	defer fault.Wrap(&err, "crm: match %d %s", len(items), s.link.Kind)
	out := make([][]record.Change, len(items))
	if s.link.Kind == record.Calendar {
		return s.matchEvents(ctx, items)
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

// matchEvents finds for each item the user's events that were imported under its UID; if there are none, those that look like
// it to a person who reads both calendars.
func (s *Side) matchEvents(ctx context.Context, items []record.Fields) ([][]record.Change, error) {
	var starts []time.Time
	var uids []string
	for _, fields := range items {
		if from, _, ok := Span(fields); ok {
			starts = append(starts, from)
		}
		uids = append(uids, spellings(string(fields[record.UID]))...)
	}
	var named map[string][]record.ID
	var ids []record.ID
	var err error
	if len(uids) > 0 {
		if named, err = s.crm.store.EventsByUID(ctx, s.link.Org, s.link.User, uids); err != nil {
			return nil, err
		}
	}
	if len(starts) > 0 {
		if ids, err = s.crm.store.EventsAt(ctx, s.link.Org, s.link.User, starts); err != nil {
			return nil, err
		}
	}
	all := slices.Concat(append(slices.Collect(maps.Values(named)), ids)...)
	out := make([][]record.Change, len(items))
	if len(all) == 0 {
		return out, nil
	}
	slices.Sort(all)
	found, err := s.crm.store.ByID(ctx, s.link.Org, s.link.Kind, slices.Compact(all))
	if err != nil {
		return nil, err
	}
	byTime := map[time.Time][]Record{}
	for _, id := range ids {
		r, ok := found[id]
		if from, _, timed := Span(r.Fields); ok && timed && s.lives(r) {
			byTime[from] = append(byTime[from], r)
		}
	}
	for i, fields := range items {
		var like []Record
		for _, uid := range spellings(string(fields[record.UID])) {
			for _, id := range named[uid] {
				r, ok := found[id]
				known := slices.ContainsFunc(like, func(l Record) bool { return l.ID == id })
				if ok && !known && len(like) < mostMatches && s.lives(r) && repeats(fields) == repeats(r.Fields) {
					like = append(like, r)
				}
			}
		}
		if from, _, ok := Span(fields); ok && len(like) == 0 {
			for _, r := range byTime[from] {
				if len(like) < mostMatches && SameEvent(fields, r.Fields) {
					like = append(like, r)
				}
			}
		}
		if out[i], err = s.tellAll(ctx, like); err != nil {
			return nil, err
		}
	}
	return out, s.whole(ctx)
}

// lives reports whether a record is the user's and not deleted.
func (s *Side) lives(r Record) bool { return !r.Deleted() && r.Owner == s.link.User }

func repeats(f record.Fields) bool { return f[record.Recurring] != "" }

// SameEvent reports whether two events look like one to people: the title, letter case, accents and punctuation aside, and
// when they take place; of series also when the last one ends.
func SameEvent(a, b record.Fields) bool {
	fromA, toA, okA := Span(a)
	fromB, toB, okB := Span(b)
	return okA && okB && fromA.Equal(fromB) && toA.Equal(toB) && (a[record.AllDay] == "true") == (b[record.AllDay] == "true") &&
		repeats(a) == repeats(b) && folded(string(a[record.EventTitle])) == folded(string(b[record.EventTitle]))
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

// NamesMeet reports whether two that are alike may be one person by their names, too.
func (s *Side) NamesMeet(a, b record.Fields) bool {
	return s.link.Kind != record.Contacts || NamesMeet(a, b)
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
