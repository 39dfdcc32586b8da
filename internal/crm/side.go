package crm

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/phone"
	"tandem/internal/record"
)

// sidePage is how many records one page of a side or a list holds.
const sidePage = 200

// Side is the CRM as one side of a link: the records of one kind that one user owns. It fits reconcile.Side.
//
// Its first listing is the order of the first sync, not beyond the cap; after that it is the feed of what was written.
// Whether a record takes part is not decided here: Meta is told, and reconcile asks its policy.
//
// Writes come from Microsoft and are taken more leniently than people's (see forms); a value that even so breaks a rule
// is the fault of its record alone.
type Side struct {
	crm  *CRM
	link LinkSide
}

// LinkSide says whose side it is.
type LinkSide struct {
	Org  record.ID
	User record.ID
	Kind record.Kind
	Link int64 // its own writes need not wake it
	// Fence is the number of the run's lease: a run that has lost it writes nothing. 0: it is not checked.
	Fence int64
	Zone  string
	// Cap is the most records that the first listing tells.
	Cap int
	// AdmitImported lets imported records into the first listing.
	AdmitImported bool
	// Calendar is the calendar of the owner's own in which the link lives; "": it has one that is dedicated to it. What stayed in
	// another one is not in the first listing.
	Calendar record.Ref
	// Fields are those that take part; nil: all. What single occurrences of a series have of others is not told, and stays.
	Fields []record.Field
	// Region is whose telephone numbers are written without their country (ISO 3166-1); "": Brazil's.
	Region string
	// Schema is the fields that the link knows of; nil: the standard ones. They stay the same for a run, so that a field which
	// is taken out of use meanwhile does not look as if it had been emptied everywhere.
	Schema *record.Schema
	// Heir is who got the user's records: they are this side's still, and what is new is the heir's. 0: nobody.
	Heir record.ID
}

func (l LinkSide) region() string { return cmp.Or(l.Region, phone.Brazil) }

// owns reports whether a record is this side's.
func (l LinkSide) owns(r Record) bool {
	return r.Owner == l.User || l.Heir != 0 && r.Owner == l.Heir
}

// Side gives the CRM side of a link.
func (c *CRM) Side(link LinkSide) *Side {
	if link.Schema == nil {
		link.Schema = record.Standard(link.Kind)
	}
	return &Side{crm: c, link: link}
}

// whole refuses with a Conflict if a field that the side knows of has been destroyed: then a value that is not there was not
// cleared by anybody. It follows each reading.
func (s *Side) whole(ctx context.Context) error {
	if len(s.link.Schema.Own()) == 0 {
		return nil
	}
	fields, err := s.crm.store.CustomFields(ctx, s.link.Org, s.link.Kind)
	if err != nil {
		return err
	}
	there := SchemaOf(s.link.Kind, fields, FieldInUse, FieldUnused)
	for _, d := range s.link.Schema.Own() {
		if _, ok := there.Def(d.Name); !ok {
			return fault.New(fault.Conflict, "", "crm: field %s was destroyed during the run", d.Name)
		}
	}
	return nil
}

func (s *Side) author() Author {
	return Author{Org: s.link.Org, User: s.link.User, Link: s.link.Link, Fence: s.link.Fence}
}

// Read looks at single records: Present with fields, Gone when deleted or never there, Left when somebody else's. One that lies in the
// recycle bin has the fields that it had, and counts as changed when it was deleted.
func (s *Side) Read(ctx context.Context, refs []record.Ref) (_ []record.Change, err error) {
	defer fault.Wrap(&err, "crm: look at %d %s", len(refs), s.link.Kind)
	found, err := s.byRef(ctx, refs)
	if err != nil {
		return nil, err
	}
	out, records := make([]record.Change, len(refs)), make([]Record, len(refs))
	for i, ref := range refs {
		if r, ok := found[ref]; ok {
			out[i], records[i] = s.tell(r), r
		} else {
			out[i] = record.Change{Ref: ref, State: record.Gone}
		}
	}
	if err := s.tellPeople(ctx, records, out); err != nil {
		return nil, err
	}
	return out, s.whole(ctx)
}

// Find looks for records by the intent that created them.
func (s *Side) Find(ctx context.Context, tokens []string) (_ map[string]record.Change, err error) {
	defer fault.Wrap(&err, "crm: find %d %s by token", len(tokens), s.link.Kind)
	found, err := s.crm.store.ByToken(ctx, s.link.Org, s.link.Kind, tokens)
	if err != nil {
		return nil, err
	}
	known, records := slices.Sorted(maps.Keys(found)), make([]Record, len(found))
	for i, token := range known {
		records[i] = found[token]
	}
	told, err := s.tellAll(ctx, records)
	if err != nil {
		return nil, err
	}
	out := make(map[string]record.Change, len(found))
	for i, token := range known {
		out[token] = told[i]
	}
	return out, s.whole(ctx)
}

// tellAll says what this side knows about records.
func (s *Side) tellAll(ctx context.Context, records []Record) ([]record.Change, error) {
	out := make([]record.Change, len(records))
	for i, r := range records {
		out[i] = s.tell(r)
	}
	return out, s.tellPeople(ctx, records, out)
}

// tell says what this side knows about a record, but for who takes part: see tellPeople.
func (s *Side) tell(r Record) record.Change {
	c := record.Change{
		Ref: r.ID.Ref(), Version: version(r), Token: r.Token, TokenRead: true, Stamp: r.Stamp, Modified: r.ModifiedAt, Restored: r.RestoredAt,
		Meta: r.Meta(),
	}
	if r.Mailing.Link != s.link.Link { // a word about another calendar
		c.Meta.Agreed = nil
	}
	switch {
	case r.Owner != 0 && !s.link.owns(r): // of one that was destroyed nobody knows whose it was
		c.State = record.Left
	case r.Deleted():
		c.State, c.Modified = record.Gone, r.DeletedAt
		if r.Owner != 0 { // of one that was destroyed nothing is known
			c.Fields = s.told(r)
		}
	default:
		c.Fields = s.told(r)
	}
	return c
}

// told are the fields of a record as this side tells them.
func (s *Side) told(r Record) record.Fields {
	fields := synced(s.link.Schema, r.Fields)
	if s.link.Kind == record.Calendar {
		if fields[record.Attendees] = ""; r.Mailing.Link == s.link.Link {
			fields[record.Attendees] = r.Fields[record.Attendees]
		}
	}
	if fields[record.Changed] != "" {
		fields[record.Changed] = s.link.ofOccurrences(fields[record.Changed], true)
	}
	return fields
}

// ofOccurrences keeps of changed occurrences the fields that take part, or the others.
func (l LinkSide) ofOccurrences(v record.Value, taking bool) record.Value {
	list := record.Occurrences(v)
	for i, o := range list {
		kept := record.Fields{}
		for name, value := range o.Fields {
			if (l.Fields == nil || slices.Contains(l.Fields, name)) == taking {
				kept[name] = value
			}
		}
		list[i].Fields = kept
	}
	return record.OccurrencesValue(list)
}

// writes are the fields of a write as they are stored: changed occurrences keep what does not take part.
func (l LinkSide) writes(given, stored record.Fields) record.Fields {
	value, said := given[record.Changed]
	kept := l.ofOccurrences(stored[record.Changed], false)
	if !said || kept == "" {
		return given
	}
	days := map[string]record.Fields{}
	for _, o := range slices.Concat(record.Occurrences(kept), record.Occurrences(value)) {
		days[o.Day] = days[o.Day].With(o.Fields)
	}
	var all []record.Occurrence
	for day, fields := range days {
		all = append(all, record.Occurrence{Day: day, Fields: fields})
	}
	return given.With(record.Fields{record.Changed: record.OccurrencesValue(all)})
}

// byRef finds records by their refs; refs that name none are absent.
func (s *Side) byRef(ctx context.Context, refs []record.Ref) (map[record.Ref]Record, error) {
	var ids []record.ID
	for _, ref := range refs {
		if id, ok := record.ParseID(string(ref)); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := s.crm.store.ByID(ctx, s.link.Org, s.link.Kind, ids)
	out := make(map[record.Ref]Record, len(found))
	for id, r := range found {
		out[id.Ref()] = r
	}
	return out, err
}

func version(r Record) record.Version { return record.Version(strconv.FormatInt(r.Version, 10)) }
