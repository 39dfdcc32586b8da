// Package memcrm keeps the CRM's records in memory: an honest twin of package store for tests of the heart, held to the
// same contract (crm.Store). It forgets everything with the process and wakes nobody; Wrote tells a test what was written.
package memcrm

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

var _ crm.Store = (*Store)(nil)

// Store fits crm.Store. The zero value is not ready: call New.
type Store struct {
	// Wrote, if set, is called with each record as it was stored (deleted ones too), after the write and outside the
	// lock. Set it before the first use.
	Wrote func(by crm.Author, r crm.Record)
	// Fenced, if set, refuses a run of sync that has lost its lease. Set it before the first use.
	Fenced func(by crm.Author) error

	mu      sync.Mutex
	nextID  record.ID
	seq     map[record.ID]int64 // by organization
	records map[record.ID]crm.Record
	tokens  map[token]record.ID
	past    map[record.ID][]departure // by the owner who had the record
	graves  []grave
	fields  map[record.ID][]crm.CustomField // by organization
	apart   map[crm.Pair]crm.Apart
	uids    map[record.ID]string // of events that were imported
	writes  int
}

// token is the intent that created a record.
type token struct {
	org  record.ID
	kind record.Kind
	text string
}

// departure remembers that an owner no longer has a record.
type departure struct {
	id   record.ID
	org  record.ID
	kind record.Kind
	seq  int64 // of the write that took it away; while the record lives, its own Seq counts
}

// grave remembers a record destroyed for good.
type grave struct {
	org   record.ID
	kind  record.Kind
	seq   int64
	stone crm.Tombstone
}

// New makes an empty store.
func New() *Store {
	return &Store{
		nextID: 1000, seq: map[record.ID]int64{}, records: map[record.ID]crm.Record{}, uids: map[record.ID]string{},
		tokens: map[token]record.ID{}, past: map[record.ID][]departure{}, fields: map[record.ID][]crm.CustomField{},
	}
}

// CustomFields lists the fields that an organization made for a kind.
func (s *Store) CustomFields(_ context.Context, org record.ID, kind record.Kind) ([]crm.CustomField, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []crm.CustomField
	for _, f := range s.fields[org] {
		if f.Kind == kind {
			out = append(out, f)
		}
	}
	return out, nil
}

// CountValues counts the records that have a value in a field.
func (s *Store) CountValues(_ context.Context, org record.ID, f crm.CustomField) (n int, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if v := r.Fields[f.Name]; r.Org == org && r.Kind == f.Kind && v != "" && (f.Type != record.Bool || v == "true") {
			n++
		}
	}
	return n, nil
}

// ChangeField changes a field. Everybody may: this store knows no people.
func (s *Store) ChangeField(_ context.Context, by crm.Author, kind record.Kind, plan func([]crm.CustomField) (crm.FieldChange, error)) (crm.CustomField, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fields := s.fields[by.Org]
	change, err := plan(slices.Clone(fields))
	if err != nil {
		return crm.CustomField{}, err
	}
	f := change.Field
	if f.ID == 0 {
		s.nextID++
		f.ID = s.nextID
		s.fields[by.Org] = append(fields, f)
		return f, nil
	}
	fields[slices.IndexFunc(fields, func(o crm.CustomField) bool { return o.ID == f.ID })] = f
	if f.State == crm.FieldDestroyed {
		for id, r := range s.records {
			if _, has := r.Fields[f.Name]; has && r.Org == by.Org && r.Kind == kind {
				r = clone(r)
				delete(r.Fields, f.Name)
				r.Version++
				s.records[id] = r
			}
		}
	}
	return f, nil
}

// Writes counts the records written so far: what a quiet run must not raise.
func (s *Store) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// All is every record, deleted ones too, by ascending ID.
func (s *Store) All() []crm.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []crm.Record
	for _, r := range s.records {
		out = append(out, clone(r))
	}
	slices.SortFunc(out, func(a, b crm.Record) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Keep has an owner's records that are at the versions given remember the calendar in which they stay, and no others of it.
func (s *Store) Keep(owner record.ID, calendar record.Ref, stays map[record.Ref]record.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.records {
		if r.Owner != owner {
			continue
		}
		if r.KeptIn == calendar {
			r.KeptIn = ""
		}
		if version, stays := stays[id.Ref()]; stays && string(version) == strconv.FormatInt(r.Version, 10) {
			r.KeptIn = calendar
		}
		s.records[id] = r
	}
}

func clone(r crm.Record) crm.Record {
	r.Fields = r.Fields.Clone()
	return r
}

// step takes the organization's next sequence number.
func (s *Store) step(org record.ID) int64 {
	s.seq[org]++
	s.writes++
	return s.seq[org]
}

func (s *Store) fenced(by crm.Author) error {
	if s.Fenced == nil || by.Fence == 0 {
		return nil
	}
	return s.Fenced(by)
}

// told passes writes on to Wrote.
func (s *Store) told(by crm.Author, written []crm.Record) {
	if s.Wrote == nil {
		return
	}
	for _, r := range written {
		s.Wrote(by, clone(r))
	}
}

// Insert stores new records; one whose token is known is not stored again.
func (s *Store) Insert(_ context.Context, by crm.Author, records []crm.Record) ([]crm.Record, error) {
	if err := s.fenced(by); err != nil {
		return nil, err
	}
	s.mu.Lock()
	out, written, err := s.insert(by, records)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s.told(by, written)
	return out, nil
}

// insert is Insert under the lock; written are those that were not known yet.
func (s *Store) insert(by crm.Author, records []crm.Record) (out, written []crm.Record, err error) {
	out = make([]crm.Record, len(records))
	for i, r := range records {
		if r.Org != by.Org {
			return nil, nil, fault.New(fault.Broken, "", "memcrm: a record of organization %s written for %s", r.Org, by.Org)
		}
		if old, ok := s.byToken(r.Org, r.Kind, r.Token); ok {
			out[i] = clone(old)
			continue
		}
		s.nextID++
		r = clone(r)
		r.ID, r.Version, r.Seq = s.nextID, 1, s.step(r.Org)
		s.records[r.ID] = r
		if r.Token != "" {
			s.tokens[token{r.Org, r.Kind, r.Token}] = r.ID
		}
		out[i], written = clone(r), append(written, r)
	}
	return out, written, nil
}

// Update stores records that still are at their version.
func (s *Store) Update(_ context.Context, by crm.Author, records []crm.Record) ([]crm.Record, []error, error) {
	if err := s.fenced(by); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	out, faults, written := s.update(by, records)
	s.mu.Unlock()
	s.told(by, written)
	return out, faults, nil
}

// update is Update under the lock; written are those that were at their version.
func (s *Store) update(by crm.Author, records []crm.Record) (out []crm.Record, faults []error, written []crm.Record) {
	out, faults = make([]crm.Record, len(records)), make([]error, len(records))
	for i, r := range records {
		old, ok := s.records[r.ID]
		switch {
		case !ok || old.Org != by.Org || old.Kind != r.Kind:
			faults[i] = fault.New(fault.NotFound, "", "memcrm: no record %s", r.ID)
			continue
		case old.Version != r.Version:
			faults[i] = fault.New(fault.Conflict, "", "memcrm: record %s is at version %d", r.ID, old.Version)
			continue
		}
		r = clone(r)
		r.Org, r.Token = old.Org, old.Token
		r.Version, r.Seq, r.KeptIn = old.Version+1, s.step(by.Org), ""
		if r.Owner != old.Owner {
			s.past[old.Owner] = append(s.past[old.Owner], departure{id: r.ID, org: r.Org, kind: r.Kind, seq: r.Seq})
		}
		s.records[r.ID] = r
		out[i], written = clone(r), append(written, r)
	}
	return out, faults, written
}

// Rewrite stores changed records and fresh ones together, or none of them.
func (s *Store) Rewrite(_ context.Context, by crm.Author, changed, fresh []crm.Record) (_, _ []crm.Record, err error) {
	s.mu.Lock()
	for _, r := range changed {
		switch old, ok := s.records[r.ID]; {
		case !ok || old.Org != by.Org || old.Kind != r.Kind:
			err = fault.New(fault.NotFound, "", "memcrm: no record %s", r.ID)
		case old.Version != r.Version:
			err = fault.New(fault.Conflict, "", "memcrm: record %s is at version %d", r.ID, old.Version)
		}
	}
	var after, added, written, more []crm.Record
	if err == nil {
		if added, more, err = s.insert(by, fresh); err == nil {
			after, _, written = s.update(by, changed)
		}
	}
	s.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	s.told(by, append(written, more...))
	return after, added, nil
}

// Destroy removes records from the recycle bin for good; those that are not in it stay.
func (s *Store) Destroy(_ context.Context, by crm.Author, kind record.Kind, ids []record.ID, at time.Time) error {
	s.mu.Lock()
	var written []crm.Record
	for _, id := range ids {
		r, ok := s.records[id]
		if !ok || r.Org != by.Org || r.Kind != kind || !r.Deleted() {
			continue
		}
		delete(s.records, id)
		delete(s.tokens, token{r.Org, r.Kind, r.Token})
		seq := s.step(r.Org)
		s.past[r.Owner] = append(s.past[r.Owner], departure{id: id, org: r.Org, kind: kind, seq: seq})
		s.graves = append(s.graves, grave{org: r.Org, kind: kind, seq: seq, stone: crm.Tombstone{
			ID: id, Name: graveName(r), Permanent: true, DeletedAt: at, DeletedBy: by.User, CreatedBy: r.CreatedBy, Owner: r.Owner,
		}})
		written = append(written, crm.Record{ID: id, Org: r.Org, Kind: kind, Owner: r.Owner, Seq: seq, DeletedAt: at})
	}
	s.mu.Unlock()
	s.told(by, written)
	return nil
}

// graveName is what a record is called once it is destroyed.
func graveName(r crm.Record) string {
	if private(r) {
		return ""
	}
	return Name(r)
}

// Name is what lists call a record.
func Name(r crm.Record) string {
	if r.Kind == record.Calendar {
		return string(r.Fields[record.EventTitle])
	}
	return strings.TrimSpace(string(r.Fields[record.FirstName] + " " + r.Fields[record.LastName]))
}
