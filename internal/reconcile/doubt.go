package reconcile

import (
	"context"
	"encoding/json"
	"maps"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// A write that nobody answered has happened or not, and people go on meanwhile. What sync itself sent must not pass for their
// edit: it would win over what they typed since, or bring back what they deleted. So before a chunk is written, what it sends
// is on disk (Intent), and each write leaves a stamp with its record that tells afterwards whether it happened. If the answer
// stays away, the base of the pair carries the doubt until the pair is planned again; then both sides are read, and what a
// stamped write has brought was agreed on when it was made.

// A doubt is what was sent to the sides, each in normal form as the two would have agreed on it; nil: nothing was. Or it is that a
// record was to be deleted: what sync itself has deleted must not pass for a person's deletion when the reason for it is gone by
// then, such as when the record was taken out of the recycle bin, or given back.
type doubt struct {
	Stamp     string        `json:"stamp"`
	CRM       record.Fields `json:"crm,omitempty"`
	Microsoft record.Fields `json:"microsoft,omitempty"`
	Apart     record.Fields `json:"apart,omitempty"`
	Deletes   Where         `json:"deletes,omitempty"` // where the record was to be deleted; "": nowhere
}

// doubted is the key of a base that is no field but a doubt, as JSON.
const doubted record.Field = "-sent"

// doubtOf is the doubt of an intent to change or to delete a record.
func doubtOf(i Intent) doubt {
	if i.Deletes {
		return doubt{Stamp: i.Stamp, Deletes: i.Side}
	}
	return doubt{Stamp: i.Stamp, CRM: i.ToCRM, Microsoft: i.ToMicrosoft, Apart: i.Apart}
}

// withDoubt is a base that carries a doubt.
func withDoubt(base record.Fields, d doubt) (record.Fields, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fault.New(fault.Broken, "", "reconcile: %w", err)
	}
	return base.With(record.Fields{doubted: record.Value(text)}), nil
}

// withoutDoubt is a base and the doubt that it carried; nil: none.
func withoutDoubt(base record.Fields) (record.Fields, *doubt, error) {
	text, carried := base[doubted]
	if !carried {
		return base, nil, nil
	}
	d := new(doubt)
	if err := json.Unmarshal([]byte(text), d); err != nil {
		return nil, nil, fault.New(fault.Broken, "", "reconcile: what was sent cannot be read: %w", err)
	}
	out := base.Clone()
	delete(out, doubted)
	return out, d, nil
}

// forget takes fields out of what was sent.
func (d *doubt) forget(fields []record.Field) {
	d.CRM, d.Microsoft, d.Apart = forgotten(d.CRM, fields), forgotten(d.Microsoft, fields), forgotten(d.Apart, fields)
}

func forgotten(sent record.Fields, fields []record.Field) record.Fields {
	out := sent.Clone()
	for _, f := range fields {
		delete(out, f)
		delete(out, keyInCRM(f))
	}
	return out
}

// doubtful is what is put on disk before a job changes records; false: it changes none. What a write brings by further
// requests, of which its stamp tells nothing, is left out: pictures, and what is done to the occurrences of a series, at
// Microsoft. There a series that gets other times forgets its occurrences, which is only understood beside its former times.
func (r *run) doubtful(j *job) (Intent, bool) {
	if j.pair.ID == 0 || j.Verb == CreateCRM || j.Verb == CreateMicrosoft {
		return Intent{}, false
	}
	i := Intent{From: j.pair.CRM, Pair: j.pair.ID, Apart: j.Apart}
	if j.cleared { // the ledger does not have it yet, and the stamp that told of it is about to be replaced
		i.Base = j.Pair.Base
	}
	for _, where := range []Where{InCRM, InMicrosoft} {
		w, writes := r.writeOf(j, where)
		if !writes {
			continue
		}
		sent := j.writtenBy(r.agreedBy(j, where, w), where, w.Op)
		if where == InCRM {
			i.Side, i.ToCRM = where, sent
		} else {
			i.Side, i.ToMicrosoft = where, sent
		}
	}
	unsure := r.unsure(i, j.pair.Base)
	i.ToCRM, i.Apart = forgotten(i.ToCRM, unsure), forgotten(i.Apart, unsure)
	i.ToMicrosoft = forgotten(i.ToMicrosoft, unsure)
	for _, f := range r.rules.Fields {
		if r.rules.picture(f) {
			delete(i.ToMicrosoft, f)
		}
	}
	return i, i.Side != ""
}

// unsure are the fields of a series of which a stamp tells nothing.
func (r *run) unsure(i Intent, base record.Fields) []record.Field {
	unit := seriesUnit(r.rules)
	if len(unit) == 0 {
		return nil
	}
	said := func(fields record.Fields, names []record.Field) bool { return !empty(names, fields) }
	if !said(base, unit) && !said(i.ToCRM, unit) && !said(i.ToMicrosoft, unit) {
		for _, f := range unit {
			delete(i.ToMicrosoft, f)
		}
		return nil
	}
	for _, f := range r.rules.Fields {
		if def, _ := r.rules.table().Schema().Def(f); def.Group == record.GroupWhen {
			unit = append(unit, f)
		}
	}
	return unit
}

// doubts reads both sides of the items whose pairs carry a doubt, and settles it.
func (r *run) doubts(ctx context.Context, items []Item) ([]Item, error) {
	var pairs []Pair
	var at []int
	for i, item := range items {
		if item.Pair != nil && item.Pair.Base[doubted] != "" {
			pairs, at = append(pairs, *item.Pair), append(at, i)
		}
	}
	if len(pairs) == 0 {
		return items, nil
	}
	read, err := r.reread(ctx, pairs)
	if err != nil {
		return nil, err
	}
	for n, i := range at {
		if err := r.clearUp(&read[n]); err != nil {
			return nil, err
		}
		items[i] = read[n]
	}
	return items, nil
}

// clearUp settles the doubt of an item that was read on both sides. If a side cannot be told, it stays.
func (r *run) clearUp(item *Item) error {
	base, d, err := withoutDoubt(item.Pair.Base)
	if err != nil || d == nil || item.theirs() == record.Missing || item.Ours != nil && item.Ours.State == record.Missing {
		return err
	}
	if d.Deletes != "" {
		item.Pair.Base, item.cleared = base, true
		r.deleted(item, d)
		return nil
	}
	inCRM, inMicrosoft := d.CRM != nil && d.left(item.Ours), d.Microsoft != nil && d.left(item.Theirs)
	if inCRM {
		base = agreedOn(base, d.CRM, d.Apart)
	}
	if inMicrosoft {
		base = agreedOn(base, d.Microsoft, d.Apart)
	}
	item.Pair.Base, item.cleared = base, true
	if inCRM && r.untouched(item.Ours, heldInCRM(base)) {
		item.Pair.CRMVersion = item.Ours.Version
	}
	if inMicrosoft && r.untouched(item.Theirs, base) {
		item.Pair.MicrosoftVersion = item.Theirs.Version
	}
	return nil
}

// deleted looks whether sync has deleted one side of an item, and the other has come back since: then the former is to be made anew, as
// if its deletion had been settled before. Microsoft keeps no stamp of a deletion; what is gone there counts as sync's.
func (r *run) deleted(item *Item, d *doubt) {
	ours, theirs := item.ours(r.rules), item.theirs()
	done := theirs == record.Gone
	if d.Deletes == InCRM {
		done = d.left(item.Ours)
	}
	switch {
	case !done:
	case ours == record.Present && theirs == record.Gone:
		item.Pair.Microsoft, item.Pair.MicrosoftVersion, item.Pair.Token, item.Pair.Base, item.Theirs = "", "", "", nil, nil
	case ours == record.Gone && theirs == record.Present:
		item.Pair.Base = nil
	}
}

// left reports whether the last stamped write of a record was this one.
func (d *doubt) left(c *record.Change) bool { return c != nil && c.Stamp == d.Stamp }

// untouched reports whether a record is as sync has left it, so that its version is sync's own.
func (r *run) untouched(c *record.Change, base record.Fields) bool {
	if c.State != record.Present {
		return false
	}
	now := r.rules.normal(only(c.Fields, r.rules.Fields))
	return maps.Equal(now, only(base, r.rules.Fields))
}
