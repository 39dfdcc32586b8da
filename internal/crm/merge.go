package crm

import (
	"context"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// MergeMax is how many contacts are merged in one go.
const MergeMax = 5

// mergeEvents is how many events about the contacts that go are brought along.
const mergeEvents = 1000

// A Merge is what somebody wants of contacts that are one.
type Merge struct {
	Keep Draft   // the contact that stays, at its Version; its Fields and Owner do not count
	Gone []Draft // those that go to the recycle bin, at their Versions
	// Take says from which of the contacts a field's value comes. What is not named stays as the kept contact has it, where
	// that is empty as the first of the others has it that is not. Tags are joined.
	Take map[record.Field]record.ID
}

// Merge makes one contact of several, all of it or nothing: the kept one takes the values, events about the others are about
// it, the others go to the recycle bin by the ordinary way, where they keep what they had. They belong to one owner: those of two
// people are in two Outlooks. If one of them takes part in sync, the kept one does. NotFound, Denied, Conflict: one of them is
// not there, may not be changed or deleted, or is no longer at its Version. Invalid: they cannot be merged.
func (c *CRM) Merge(ctx context.Context, a Actor, m Merge) (_ Record, err error) {
	defer fault.Wrap(&err, "crm: merge %d contacts into %s", len(m.Gone), m.Keep.ID)
	schema, err := c.Schema(ctx, a.Org, record.Contacts)
	if err != nil {
		return Record{}, err
	}
	all, err := c.toMerge(ctx, a, append([]Draft{m.Keep}, m.Gone...))
	if err != nil {
		return Record{}, err
	}
	kept, problems := merged(schema, all, m.Take)
	if problems != nil {
		return Record{}, problems
	}
	now := c.now().UTC()
	kept.ModifiedAt, kept.ModifiedBy = now, a.User
	changed := []Record{kept}
	for _, r := range all[1:] {
		r.DeletedAt, r.DeletedBy, r.ModifiedAt, r.ModifiedBy = now, a.User, now, a.User
		changed = append(changed, r)
		about, err := c.store.Records(ctx, a.Org, record.Calendar, Query{Who: r.ID, Limit: mergeEvents})
		if err != nil {
			return Record{}, err
		}
		for _, e := range about {
			if a.Edits(e) {
				e.Fields = e.Fields.With(record.Fields{record.WhoID: record.Value(kept.ID.String())})
				e.ModifiedAt, e.ModifiedBy = now, a.User
				changed = append(changed, e)
			}
		}
	}
	by := a.Author
	by.Merging = kept.ID
	after, _, err := c.store.Rewrite(ctx, by, changed, nil)
	if err != nil {
		return Record{}, err
	}
	return after[0], nil
}

// toMerge reads the contacts, the one that stays first.
func (c *CRM) toMerge(ctx context.Context, a Actor, drafts []Draft) ([]Record, error) {
	if len(drafts) < 2 || len(drafts) > MergeMax {
		return nil, fault.Wrong(fault.BadValue, "id", "crm: %d contacts cannot be merged", len(drafts))
	}
	ids := make([]record.ID, len(drafts))
	for i, d := range drafts {
		if slices.Contains(ids[:i], d.ID) {
			return nil, fault.Wrong(fault.Duplicate, "id", "crm: contact %s is named twice", d.ID)
		}
		ids[i] = d.ID
	}
	stored, err := c.store.ByID(ctx, a.Org, record.Contacts, ids)
	if err != nil {
		return nil, err
	}
	all := make([]Record, len(drafts))
	for i, d := range drafts {
		r, ok := stored[d.ID]
		switch {
		case !ok || !a.sees(r) || r.Deleted():
			return nil, missing(record.Contacts, d.ID)
		case !a.Edits(r) || i > 0 && !a.Deletes(r):
			return nil, forbidden("merge", record.Contacts)
		case d.Version != r.Version:
			return nil, changed(r, d.Version)
		case i > 0 && r.Owner != all[0].Owner:
			return nil, fault.Wrong(fault.BadValue, "Owner", "crm: contacts of two owners are not merged")
		}
		all[i] = r
	}
	return all, nil
}

// merged is the contact that stays, the first one, as the merge makes it.
func merged(schema *record.Schema, all []Record, take map[record.Field]record.ID) (Record, error) {
	kept := all[0]
	kept.Fields = whole(schema, kept.Fields)
	for _, def := range schema.AllDefs() {
		if def.Type == record.Tags {
			kept.Fields[def.Name] = JoinTags(all)
			continue
		}
		from := slices.IndexFunc(all, func(r Record) bool { return r.ID == take[def.Name] })
		if from < 0 {
			from = max(0, slices.IndexFunc(all, func(r Record) bool { return filled(def, r.Fields[def.Name]) }))
		}
		kept.Fields[def.Name] = all[from].Fields[def.Name]
		if def.Mandatory && kept.Fields[def.Name] == "" {
			return Record{}, fault.Wrong(fault.Mandatory, string(def.Name), "crm: %s must not be empty", def.Name)
		}
	}
	for _, r := range all[1:] {
		takesPart := r.Mark != NoMark || r.Source != record.Import && r.Source != record.Migration
		if takesPart && kept.Mark == NoMark && (kept.Source == record.Import || kept.Source == record.Migration) {
			kept.Mark = MergedInMark
		}
	}
	return kept, nil
}

// filled reports whether there is something in a field: an empty box says nothing.
func filled(def record.Def, v record.Value) bool {
	return v != "" && (def.Type != record.Bool || v == "true")
}

// JoinTags are the tags of all the records, each once.
func JoinTags(all []Record) record.Value {
	var names []string
	for _, r := range all {
		if v := string(r.Fields[record.Tag]); v != "" {
			names = append(names, strings.Split(v, "\n")...)
		}
	}
	slices.Sort(names)
	return record.Value(strings.Join(slices.Compact(names), "\n"))
}

// DuplicateBy is what contacts have in common that may be one.
type DuplicateBy string

// What contacts may have in common.
const (
	SameKey  DuplicateBy = "key"  // an address, or the name and a number: ContactKeys
	SameName DuplicateBy = "name" // nothing but the name
)

// Likeness is contacts of one owner that have something in common.
type Likeness struct {
	Common string      // the key, or the name as lists are ordered by it
	IDs    []record.ID // ascending; at least two
}

// Duplicates lists contacts of an owner that may be one, in the order of what they have in common, from behind the one given. An
// owner whose contacts the actor does not see has none.
func (c *CRM) Duplicates(ctx context.Context, a Actor, owner record.ID, by DuplicateBy, after string, limit int) (_ []Likeness, err error) {
	defer fault.Wrap(&err, "crm: duplicates of user %s", owner)
	q := Query{Owner: owner}
	if !a.narrow(record.Contacts, &q) || q.Owner == 0 {
		return nil, nil
	}
	return c.store.Duplicates(ctx, a.Org, q.Owner, by, after, limit)
}

// Pair is two contacts, the lesser id first.
type Pair struct{ A, B record.ID }

// PairOf is the pair of two contacts.
func PairOf(a, b record.ID) Pair { return Pair{min(a, b), max(a, b)} }

// Pairs are all pairs of some contacts.
func Pairs(ids []record.ID) (out []Pair) {
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			if a != b {
				out = append(out, PairOf(a, b))
			}
		}
	}
	return out
}

// Apart is a pair of which somebody has said that it is two people.
type Apart struct {
	Pair
	By record.ID
	At time.Time
}

// Unlike are those of some contacts that may be one: without whoever was told apart from all others. Fewer than two: nobody may be.
func Unlike(ids []record.ID, apart map[Pair]bool) (out []record.ID) {
	for _, a := range ids {
		if slices.ContainsFunc(ids, func(b record.ID) bool { return a != b && !apart[PairOf(a, b)] }) {
			out = append(out, a)
		}
	}
	return out
}

// TellApart remembers that no two of the contacts are one person: they are offered for merging no more, whatever they have in common,
// until somebody takes it back or one of them is destroyed. NotFound, Denied: one of them is not there, or may not be changed.
func (c *CRM) TellApart(ctx context.Context, a Actor, ids []record.ID) (err error) {
	defer fault.Wrap(&err, "crm: tell %d contacts apart", len(ids))
	if err := c.toTell(ctx, a, ids); err != nil {
		return err
	}
	return c.store.TellApart(ctx, a.Author, Pairs(ids), c.now().UTC())
}

// NotApart takes that back.
func (c *CRM) NotApart(ctx context.Context, a Actor, ids []record.ID) (err error) {
	defer fault.Wrap(&err, "crm: tell %d contacts apart no more", len(ids))
	if err := c.toTell(ctx, a, ids); err != nil {
		return err
	}
	return c.store.NotApart(ctx, a.Author, Pairs(ids))
}

func (c *CRM) toTell(ctx context.Context, a Actor, ids []record.ID) error {
	if len(ids) < 2 || len(ids) > MergeMax {
		return fault.Wrong(fault.BadValue, "id", "crm: %d contacts cannot be told apart", len(ids))
	}
	stored, err := c.store.ByID(ctx, a.Org, record.Contacts, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, ok := stored[id]
		switch {
		case !ok || !a.sees(r) || r.Deleted():
			return missing(record.Contacts, id)
		case !a.Edits(r):
			return forbidden("tell apart", record.Contacts)
		}
	}
	return nil
}

// ToldApart lists what was said of an owner's contacts, the latest first. An owner whose contacts the actor does not see has none.
func (c *CRM) ToldApart(ctx context.Context, a Actor, owner record.ID, limit, offset int) (_ []Apart, err error) {
	defer fault.Wrap(&err, "crm: contacts of user %s that were told apart", owner)
	q := Query{Owner: owner}
	if !a.narrow(record.Contacts, &q) || q.Owner == 0 {
		return nil, nil
	}
	return c.store.ToldApart(ctx, a.Org, q.Owner, limit, offset)
}
