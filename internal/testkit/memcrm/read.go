package memcrm

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// ByID finds records, deleted ones too.
func (s *Store) ByID(_ context.Context, org record.ID, kind record.Kind, ids []record.ID) (map[record.ID]crm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[record.ID]crm.Record{}
	for _, id := range ids {
		if r, ok := s.records[id]; ok && r.Org == org && r.Kind == kind {
			out[id] = clone(r)
		}
	}
	return out, nil
}

// ByToken finds records by the intent that created them.
func (s *Store) ByToken(_ context.Context, org record.ID, kind record.Kind, tokens []string) (map[string]crm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]crm.Record{}
	for _, text := range tokens {
		if r, ok := s.byToken(org, kind, text); ok {
			out[text] = clone(r)
		}
	}
	return out, nil
}

func (s *Store) byToken(org record.ID, kind record.Kind, text string) (crm.Record, bool) {
	r, ok := s.records[s.tokens[token{org, kind, text}]]
	return r, ok && text != ""
}

// ContactsByKey finds the owner's contacts by what they are recognized by.
func (s *Store) ContactsByKey(_ context.Context, org, owner record.ID, keys []string) (map[string][]record.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]record.ID{}
	for id, r := range s.records {
		if r.Org != org || r.Kind != record.Contacts || owner != 0 && r.Owner != owner || r.Deleted() {
			continue
		}
		for _, key := range crm.ContactKeys(r.Fields) {
			if slices.Contains(keys, key) {
				out[key] = append(out[key], id)
			}
		}
	}
	for _, ids := range out {
		slices.Sort(ids)
	}
	return out, nil
}

// EventsAt finds the owner's events by when they start.
func (s *Store) EventsAt(_ context.Context, org, owner record.ID, starts []time.Time) (out []record.ID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.records {
		from, _, ok := crm.Span(r.Fields)
		if ok && r.Org == org && r.Kind == record.Calendar && r.Owner == owner && !r.Deleted() &&
			slices.ContainsFunc(starts, from.Equal) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out, nil
}

// EventsByUID finds the owner's events by what ImportedAs says of them.
func (s *Store) EventsByUID(_ context.Context, org, owner record.ID, uids []string) (map[string][]record.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]record.ID{}
	for id, r := range s.records {
		uid := s.uids[id]
		if uid != "" && r.Org == org && r.Kind == record.Calendar && r.Owner == owner && !r.Deleted() && slices.Contains(uids, uid) {
			out[uid] = append(out[uid], id)
			slices.Sort(out[uid])
		}
	}
	return out, nil
}

// ImportedAs says under which UID an event was imported.
func (s *Store) ImportedAs(id record.ID, uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uids[id] = uid
}

// Records lists a page.
func (s *Store) Records(_ context.Context, org record.ID, kind record.Kind, q crm.Query) ([]crm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return page(s.matching(org, kind, q), q.Offset, q.Limit), nil
}

// Count counts what Records lists without a limit.
func (s *Store) Count(_ context.Context, org record.ID, kind record.Kind, q crm.Query) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.matching(org, kind, q)), nil
}

// IDs lists the ids of what Records lists without a limit.
func (s *Store) IDs(_ context.Context, org record.ID, kind record.Kind, q crm.Query) (out []record.ID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.matching(org, kind, q) {
		out = append(out, r.ID)
	}
	return out, nil
}

func (s *Store) matching(org record.ID, kind record.Kind, q crm.Query) []crm.Record {
	var out []crm.Record
	for _, r := range s.records {
		if r.Org == org && r.Kind == kind && matches(r, q) {
			out = append(out, clone(r))
		}
	}
	slices.SortFunc(out, func(a, b crm.Record) int {
		order := cmp.Or(compare(a, b, q.Sort), cmp.Compare(a.ID, b.ID))
		if q.Descending {
			return -order
		}
		return order
	})
	return out
}

func matches(r crm.Record, q crm.Query) bool {
	switch {
	case r.Deleted() != q.Deleted,
		q.Owner != 0 && r.Owner != q.Owner,
		q.IDs != nil && !slices.Contains(q.IDs, r.ID),
		!q.ModifiedSince.IsZero() && r.ModifiedAt.Before(q.ModifiedSince),
		q.Imported && (r.Mark != crm.NoMark || r.Source != record.Import && r.Source != record.Migration):
		return false
	}
	if !q.From.IsZero() || !q.To.IsZero() {
		from, to, ok := crm.Span(r.Fields)
		if !ok || !q.To.IsZero() && !from.Before(q.To) || !q.From.IsZero() && to.Before(q.From) {
			return false
		}
	}
	if q.Who != 0 && (r.Kind != record.Calendar || string(r.Fields[record.WhoID]) != q.Who.String()) {
		return false
	}
	if (q.Search != "" || q.Who != 0) && q.Reader != 0 && r.Owner != q.Reader && private(r) {
		return false
	}
	if q.Search == "" {
		return true
	}
	text := strings.ToLower(haystack(r))
	for _, word := range strings.Fields(strings.ToLower(q.Search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func private(r crm.Record) bool { return r.Kind == record.Calendar && record.HasPrivate(r.Fields) }

// searched are the fields in which a search looks.
var searched = []record.Field{
	record.FirstName, record.LastName, record.EmailField, record.SecondaryEmail, record.PhoneField, record.Mobile,
	record.HomePhone, record.OtherPhone, record.AccountName, record.EventTitle, record.Venue,
}

func haystack(r crm.Record) string {
	var b strings.Builder
	for _, o := range record.Occurrences(r.Fields[record.Changed]) {
		b.WriteString(string(o.Fields[record.EventTitle] + "\n" + o.Fields[record.Venue] + "\n"))
	}
	for _, f := range searched {
		b.WriteString(string(r.Fields[f]))
		b.WriteByte('\n')
	}
	return b.String()
}

func compare(a, b crm.Record, by crm.Sort) int {
	switch by {
	case crm.ByCreated:
		return a.CreatedAt.Compare(b.CreatedAt)
	case crm.ByModified:
		return a.ModifiedAt.Compare(b.ModifiedAt)
	case crm.ByName:
		return strings.Compare(strings.ToLower(sortName(a)), strings.ToLower(sortName(b)))
	case crm.ByStart:
		return strings.Compare(string(a.Fields[record.Start]), string(b.Fields[record.Start]))
	}
	return 0
}

func sortName(r crm.Record) string {
	if r.Kind == record.Calendar {
		return string(r.Fields[record.EventTitle])
	}
	return string(r.Fields[record.LastName]) + "\n" + string(r.Fields[record.FirstName])
}

func page[T any](all []T, offset, limit int) []T {
	all = all[min(offset, len(all)):]
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all
}

// Tombstones lists what lies in the recycle bin and what was destroyed, latest first.
func (s *Store) Tombstones(_ context.Context, org record.ID, kind record.Kind, owner record.ID, since time.Time, limit, offset int) ([]crm.Tombstone, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []crm.Tombstone
	for _, g := range s.graves {
		if g.org == org && g.kind == kind && (owner == 0 || g.stone.Owner == owner) && !g.stone.DeletedAt.Before(since) {
			out = append(out, g.stone)
		}
	}
	for _, r := range s.records {
		if r.Org == org && r.Kind == kind && (owner == 0 || r.Owner == owner) && r.Deleted() && !r.DeletedAt.Before(since) {
			out = append(out, crm.Tombstone{
				ID: r.ID, Name: Name(r), Private: private(r), DeletedAt: r.DeletedAt, DeletedBy: r.DeletedBy, CreatedBy: r.CreatedBy, Owner: r.Owner,
			})
		}
	}
	slices.SortFunc(out, func(a, b crm.Tombstone) int {
		return cmp.Or(b.DeletedAt.Compare(a.DeletedAt), cmp.Compare(b.ID, a.ID))
	})
	return page(out, offset, limit), nil
}

// Seq is the organization's latest sequence number.
func (s *Store) Seq(_ context.Context, org record.ID) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq[org], nil
}

// Touched lists, by ascending Seq, what was written after the number among the records that owner has or had.
func (s *Store) Touched(_ context.Context, org record.ID, kind record.Kind, owner record.ID, after int64, limit int) ([]crm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[record.ID]crm.Record{}
	for id, r := range s.records {
		if r.Org == org && r.Kind == kind && r.Owner == owner && r.Seq > after {
			found[id] = clone(r)
		}
	}
	for _, d := range s.past[owner] {
		if d.org != org || d.kind != kind {
			continue
		}
		if r, ok := s.records[d.id]; ok && r.Seq > after {
			found[d.id] = clone(r)
		}
	}
	for _, g := range s.graves {
		had := slices.ContainsFunc(s.past[owner], func(d departure) bool { return d.id == g.stone.ID })
		if had && g.org == org && g.kind == kind && g.seq > after {
			found[g.stone.ID] = crm.Record{ID: g.stone.ID, Org: org, Kind: kind, Seq: g.seq, DeletedAt: g.stone.DeletedAt}
		}
	}
	out := make([]crm.Record, 0, len(found))
	for _, r := range found {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b crm.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return page(out, 0, limit), nil
}

// FirstSync lists the owner's records in the order of the first sync: events yet to come by start, then past ones
// latest first; contacts most recently modified first.
func (s *Store) FirstSync(_ context.Context, org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref, now time.Time, offset, limit int) ([]crm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.candidates(org, kind, owner, admitImported, calendar)
	spans := map[record.ID]span{}
	if kind == record.Calendar {
		for _, r := range all {
			from, to, _ := crm.Span(r.Fields)
			spans[r.ID] = span{from, to}
		}
	}
	slices.SortFunc(all, func(a, b crm.Record) int {
		if kind == record.Contacts {
			return cmp.Or(b.ModifiedAt.Compare(a.ModifiedAt), cmp.Compare(a.ID, b.ID))
		}
		return cmp.Or(byDate(spans[a.ID], spans[b.ID], now), cmp.Compare(a.ID, b.ID))
	})
	return page(all, offset, limit), nil
}

// FirstSyncCount counts what FirstSync lists.
func (s *Store) FirstSyncCount(_ context.Context, org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.candidates(org, kind, owner, admitImported, calendar)), nil
}

func (s *Store) candidates(org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref) []crm.Record {
	return slices.DeleteFunc(s.matching(org, kind, crm.Query{Owner: owner}), func(r crm.Record) bool {
		imported := r.Source == record.Import || r.Source == record.Migration
		return imported && r.Mark == crm.NoMark && !admitImported || r.KeptIn != "" && r.KeptIn != calendar
	})
}

// span is the time that an event takes up.
type span struct{ from, to time.Time }

func byDate(a, b span, now time.Time) int {
	aComes, bComes := a.to.After(now), b.to.After(now)
	switch {
	case aComes && bComes:
		return a.from.Compare(b.from)
	case aComes:
		return -1
	case bComes:
		return 1
	}
	return b.to.Compare(a.to)
}

// TellApart remembers pairs. An id is one of one organization's.
func (s *Store) TellApart(_ context.Context, by crm.Author, pairs []crm.Pair, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apart == nil {
		s.apart = map[crm.Pair]crm.Apart{}
	}
	for _, p := range pairs {
		if _, known := s.apart[p]; !known {
			s.apart[p] = crm.Apart{Pair: p, By: by.User, At: at}
		}
	}
	return nil
}

// NotApart forgets pairs.
func (s *Store) NotApart(_ context.Context, _ crm.Author, pairs []crm.Pair) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pairs {
		delete(s.apart, p)
	}
	return nil
}

// ToldApart lists the pairs among an owner's contacts, the latest first.
func (s *Store) ToldApart(_ context.Context, org, owner record.ID, limit, offset int) ([]crm.Apart, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[record.ID]bool{}
	for _, r := range s.matching(org, record.Contacts, crm.Query{Owner: owner}) {
		there[r.ID] = true
	}
	var out []crm.Apart
	for p, a := range s.apart {
		if there[p.A] && there[p.B] {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b crm.Apart) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	out = out[min(offset, len(out)):]
	if limit > 0 {
		out = out[:min(limit, len(out))]
	}
	return out, nil
}

// unlike are those that may be one. The lock is held.
func (s *Store) unlike(ids []record.ID) []record.ID {
	apart := map[crm.Pair]bool{}
	for p := range s.apart {
		apart[p] = true
	}
	return crm.Unlike(ids, apart)
}

// Duplicates lists an owner's contacts that have something in common and were not told apart.
func (s *Store) Duplicates(_ context.Context, org, owner record.ID, by crm.DuplicateBy, after string, limit int) ([]crm.Likeness, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := map[string][]record.ID{}
	for _, r := range s.matching(org, record.Contacts, crm.Query{Owner: owner}) {
		common := crm.ContactKeys(r.Fields)
		if by == crm.SameName {
			common = []string{strings.ToLower(sortName(r))}
		}
		for _, each := range common {
			if each > after {
				groups[each] = append(groups[each], r.ID)
			}
		}
	}
	var out []crm.Likeness
	for _, common := range slices.Sorted(maps.Keys(groups)) {
		if ids := s.unlike(groups[common]); len(ids) > 1 {
			out = append(out, crm.Likeness{Common: common, IDs: ids})
		}
	}
	return page(out, 0, limit), nil
}
