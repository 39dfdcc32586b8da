package crm

import (
	"context"
	"slices"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// MassDo is what many records get done at once.
type MassDo string

// What many records get done. Only MassSet counts as a mass update where imported records are concerned (S21, S33): whoever hands
// records over, sorts them by tags or deletes them has not said that they are to be in Outlook.
const (
	MassSet    MassDo = "set"    // one field gets one value
	MassOwner  MassDo = "owner"  // they go to another user
	MassTag    MassDo = "tag"    // tags are added to those they have
	MassUntag  MassDo = "untag"  // tags are taken off
	MassDelete MassDo = "delete" // they go to the recycle bin
)

// MassDos are all of them, in the order in which people are offered them.
var MassDos = []MassDo{MassSet, MassOwner, MassTag, MassUntag, MassDelete}

// A MassDeed is one of them, with what it takes.
type MassDeed struct {
	Do    MassDo
	Field record.Field // of MassSet; of MassTag and MassUntag Tag
	Value record.Value // canonical. MassSet: "" empties the field; MassOwner: the user's id; MassTag, MassUntag: the tags
}

// MassSets is the deed that gives a field a value.
func MassSets(field record.Field, value record.Value) MassDeed {
	return MassDeed{Do: MassSet, Field: field, Value: value}
}

// Owner is the user to whom MassOwner hands records; 0 of other deeds.
func (d MassDeed) Owner() record.ID {
	if d.Do != MassOwner {
		return 0
	}
	id, _ := record.ParseID(string(d.Value))
	return id
}

// May reports whether the actor may do this to a record.
func (d MassDeed) May(a Actor, r Record) bool {
	if d.Do == MassDelete {
		return a.Deletes(r)
	}
	return a.Edits(r)
}

// MassCheck is a deed with its value in canonical form. Denied: the actor may not; Invalid: the field is none for this, or its value
// is wrong.
func (c *CRM) MassCheck(ctx context.Context, a Actor, kind record.Kind, d MassDeed) (MassDeed, error) {
	_, d, err := c.massDeed(ctx, a, kind, d)
	return d, err
}

// massDeed is what a deed makes of each record; false: there is nothing to change.
func (c *CRM) massDeed(ctx context.Context, a Actor, kind record.Kind, d MassDeed) (func(Draft, *Record) (bool, error), MassDeed, error) {
	if !a.MassUpdate {
		return nil, d, fault.New(fault.Denied, fault.NotAllowed, "crm: the profile does not allow mass updates")
	}
	switch d.Do {
	case MassSet:
		rule, value, err := c.massRule(ctx, a, kind, d.Field, d.Value)
		d.Value = value
		return rule, d, err
	case MassOwner:
		owner := d.Owner()
		problems, err := c.owners(ctx, a.Org)(owner)
		if err == nil {
			err = problems.err()
		}
		d.Field, d.Value = "", record.Value(owner.String())
		return c.leaving(ctx, a, kind, func(r *Record) bool {
			was := r.Owner
			r.Owner = owner
			return was != owner
		}), d, err
	case MassTag, MassUntag:
		return c.tagging(ctx, a, kind, d)
	case MassDelete:
		d.Field, d.Value = "", ""
		return c.leaving(ctx, a, kind, func(r *Record) bool {
			r.DeletedAt, r.DeletedBy = c.now().UTC(), a.User
			return true
		}), d, nil
	}
	return nil, d, fault.Wrong(fault.BadValue, "do", "crm: nobody does %q to many records", d.Do)
}

// leaving is a deed that takes records out of their owner's Outlook. Where people are invited there they would be told that it is off:
// such an event stays as it is, unless its owner is the actor and has said yes to these very people.
func (c *CRM) leaving(ctx context.Context, a Actor, kind record.Kind, do func(r *Record) bool) func(Draft, *Record) (bool, error) {
	mails := c.callsOff(ctx, a.Org)
	return func(d Draft, r *Record) (bool, error) {
		if r.Deleted() {
			return false, missing(kind, r.ID)
		}
		was := *r
		if !do(r) {
			return false, nil
		}
		off, err := mails(was)
		switch {
		case err != nil:
			return false, err
		case len(off.People) == 0:
		case d.Mail == nil || was.Owner != a.User || !off.covered(*d.Mail):
			return false, Problems{{Kind: fault.Invalid, Reason: fault.WouldMail, Message: "people are invited, who would be mailed"}}
		default:
			r.agreed(&Consent{Link: off.Link, People: off.People}, true, c.now().UTC())
		}
		return true, nil
	}
}

// Cancellation is an event that people are invited to, and that would be called off by leaving its owner's calendar.
type Cancellation struct {
	Event  record.ID
	Own    bool     // in the actor's own calendar: nobody else can agree to the mails
	Link   int64    // that calendar
	People []string // who would be told, as record.Addresses gives them
}

// covered reports whether a consent is to all who would be told.
func (c Cancellation) covered(by Consent) bool {
	return c.Link == by.Link && !slices.ContainsFunc(c.People, func(p string) bool { return !slices.Contains(by.People, p) })
}

// callsOff tells of events who would be mailed if they left their owner's calendar, asking once for each owner.
func (c *CRM) callsOff(ctx context.Context, org record.ID) func(Record) (Cancellation, error) {
	known := map[record.ID]Calendar{}
	return func(r Record) (Cancellation, error) {
		if r.Kind != record.Calendar || r.Fields[record.Attendees] == "" {
			return Cancellation{}, nil
		}
		calendar, ok := known[r.Owner]
		if !ok {
			var err error
			if calendar, err = c.calendar(ctx, org, r.Owner); err != nil {
				return Cancellation{}, err
			}
			known[r.Owner] = calendar
		}
		return Cancellation{Event: r.ID, Link: calendar.Link, People: r.Attendance(calendar.Link).Mailed()}, nil
	}
}

// CallsOff finds of events those that people are invited to, and that no mass deed takes out of their owner's calendar without their
// owner's word; in the order of the ids.
func (c *CRM) CallsOff(ctx context.Context, a Actor, d MassDeed, ids []record.ID) (out []Cancellation, err error) {
	defer fault.Wrap(&err, "crm: whom would %d events leaving mail", len(ids))
	stored, err := c.store.ByID(ctx, a.Org, record.Calendar, ids)
	if err != nil {
		return nil, err
	}
	mails := c.callsOff(ctx, a.Org)
	for _, id := range ids {
		r, ok := stored[id]
		if !ok || !a.sees(r) || r.Deleted() || !d.May(a, r) || d.Do == MassOwner && d.Owner() == r.Owner {
			continue
		}
		off, err := mails(r)
		if err != nil {
			return nil, err
		}
		if off.Own = r.Owner == a.User; len(off.People) > 0 {
			out = append(out, off)
		}
	}
	return out, nil
}

func (c *CRM) tagging(ctx context.Context, a Actor, kind record.Kind, d MassDeed) (func(Draft, *Record) (bool, error), MassDeed, error) {
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, d, err
	}
	d.Field = record.Tag
	def, _ := schema.Def(record.Tag)
	value, wrong := canon(def, d.Value, true)
	switch {
	case wrong != nil:
		return nil, d, Problems{wrong}
	case value == "":
		return nil, d, fault.Wrong(fault.Mandatory, string(record.Tag), "crm: no tags")
	}
	d.Value = value
	given := strings.Split(string(value), "\n")
	return func(_ Draft, r *Record) (bool, error) {
		if r.Deleted() {
			return false, missing(kind, r.ID)
		}
		before := whole(schema, r.Fields)
		tags, wrong := canon(def, retagged(before[record.Tag], given, d.Do == MassTag), true)
		if wrong != nil {
			return false, Problems{wrong}
		}
		r.Fields = before.With(record.Fields{record.Tag: tags})
		return tags != before[record.Tag], nil
	}, d, nil
}

// retagged are the tags of a record with others added, or taken off: alike without letter case.
func retagged(has record.Value, given []string, add bool) record.Value {
	var tags []string
	if has != "" {
		tags = strings.Split(string(has), "\n")
	}
	for _, tag := range given {
		same := func(other string) bool { return strings.EqualFold(other, tag) }
		switch {
		case !add:
			tags = slices.DeleteFunc(tags, same)
		case !slices.ContainsFunc(tags, same):
			tags = append(tags, tag)
		}
	}
	return record.Value(strings.Join(tags, "\n"))
}

// MassAdmitted is what a mass deed would make of a record, not stored yet.
type MassAdmitted struct {
	Admitted
	Owner record.ID // before
	// Admits: the record came by import or migration and no mass update had touched it, so that sync takes it from now on.
	Admits bool
}

// AdmitMass applies the rules of a mass deed to different records and stores nothing: for whoever stores records together with
// something of its own. An event that people are invited to does not leave its owner's calendar: its Err has reason WouldMail. Of those
// in the actor's own calendar mails may hold the actor's word, by the event.
func (c *CRM) AdmitMass(ctx context.Context, a Actor, kind record.Kind, ids []record.ID, d MassDeed, mails map[record.ID]*Consent) (_ []MassAdmitted, err error) {
	defer fault.Wrap(&err, "crm: admit a mass update of %d %s", len(ids), kind)
	rule, d, err := c.massDeed(ctx, a, kind, d)
	if err != nil {
		return nil, err
	}
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	stored, err := c.store.ByID(ctx, a.Org, kind, ids)
	if err != nil {
		return nil, err
	}
	out := make([]MassAdmitted, len(ids))
	for i, id := range ids {
		now := &out[i]
		r, ok := stored[id]
		switch {
		case !ok || !a.sees(r) || r.Deleted():
			now.Err = missing(kind, id)
			continue
		case !d.May(a, r):
			now.Err = forbidden("change", kind)
			continue
		}
		now.Before, now.Owner = whole(schema, r.Fields), r.Owner
		now.Admits = d.Do == MassSet && r.Mark == NoMark && (r.Source == record.Import || r.Source == record.Migration)
		r.Fields = r.Fields.Clone()
		r.agreed(nil, false, c.now().UTC())
		different, err := rule(Draft{Mail: mails[id]}, &r)
		switch {
		case fault.Is(err, fault.Invalid):
			now.Err = err
			continue
		case err != nil:
			return nil, err
		}
		if now.Same = !different; different {
			r.ModifiedAt, r.ModifiedBy = c.now().UTC(), a.User
		}
		now.Record = r
	}
	var coming []*Record
	for i := range out {
		if r := &out[i].Record; comes(stored[r.ID], *r) {
			coming = append(coming, r)
		}
	}
	return out, c.back(ctx, a.Org, coming)
}

// Reverted says of a record what it is to have again, and what it must have for that.
type Reverted struct {
	ID            record.ID
	Before, After record.Fields
	// OwnerBefore gets it back from OwnerAfter; 0: the owner was not changed.
	OwnerBefore, OwnerAfter record.ID
	// Deleted: it was deleted, and is to be restored if it still lies in the recycle bin at this version.
	Deleted bool
	Version int64
}

// AdmitBack gives different records what they had where they still have what came later, and stores nothing. Conflict: one has not.
func (c *CRM) AdmitBack(ctx context.Context, a Actor, kind record.Kind, back []Reverted) (_ []Admitted, err error) {
	defer fault.Wrap(&err, "crm: admit %d %s as they were", len(back), kind)
	schema, err := c.Schema(ctx, a.Org, kind)
	if err != nil {
		return nil, err
	}
	ids := make([]record.ID, len(back))
	for i, b := range back {
		ids[i] = b.ID
	}
	stored, err := c.store.ByID(ctx, a.Org, kind, ids)
	if err != nil {
		return nil, err
	}
	owners, mails := c.owners(ctx, a.Org), c.callsOff(ctx, a.Org)
	out := make([]Admitted, len(back))
	for i, b := range back {
		now := &out[i]
		r, ok := stored[b.ID]
		switch {
		case !ok || !a.sees(r) || r.Deleted() != b.Deleted:
			now.Err = missing(kind, b.ID)
			continue
		case b.Deleted && r.Version != b.Version:
			now.Err = changed(r, b.Version)
			continue
		case b.Deleted && !a.Deletes(r) || !b.Deleted && !a.Edits(r):
			now.Err = forbidden("change", kind)
			continue
		}
		now.Before = whole(schema, r.Fields)
		was := r
		was.Fields = now.Before
		r.Fields = now.Before.Clone()
		now.Same = !b.Deleted && b.OwnerBefore == b.OwnerAfter
		for name, after := range b.After {
			if now.Before[name] != after {
				now.Err = changed(r, r.Version)
			}
			now.Same = now.Same && b.Before[name] == after
			r.Fields[name] = b.Before[name]
		}
		if r.Owner != b.OwnerAfter && b.OwnerAfter != 0 {
			now.Err = changed(r, r.Version)
		}
		if now.Err != nil {
			continue
		}
		switch {
		case b.Deleted:
			r.takeBack(c.now().UTC())
		case b.OwnerBefore != 0:
			r.Owner = b.OwnerBefore
			problems, err := owners(r.Owner)
			if err != nil {
				return nil, err
			}
			off, err := mails(was)
			if err != nil {
				return nil, err
			}
			if now.Err = problems.err(); len(off.People) > 0 {
				now.Err = changed(r, r.Version)
			}
		default:
			not, err := c.notOrganizers(ctx, a, was, r)
			if err != nil {
				return nil, err
			}
			now.Err = not.err()
		}
		r.agreed(nil, false, c.now().UTC())
		r.ModifiedAt, r.ModifiedBy = c.now().UTC(), a.User
		now.Record = r
	}
	var coming []*Record
	for i := range out {
		if r := &out[i].Record; comes(stored[r.ID], *r) {
			coming = append(coming, r)
		}
	}
	return out, c.back(ctx, a.Org, coming)
}
