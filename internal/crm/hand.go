package crm

import (
	"context"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Hand is what an actor may do with records of one kind, in the words that travel between sides. It fits reconcile.Hand.
type Hand struct {
	crm   *CRM
	actor Actor
	kind  record.Kind
}

// Hand is an actor's.
func (c *CRM) Hand(a Actor, kind record.Kind) *Hand { return &Hand{c, a, kind} }

// Read looks at records, in the order asked for: Present with all fields; Gone with the version and the time of deletion if it
// lies in the recycle bin, and without if the actor may not see it or it is not there. Of somebody else's private event there
// is nothing to see.
func (h *Hand) Read(ctx context.Context, refs []record.Ref) (_ []record.Change, err error) {
	defer fault.Wrap(&err, "crm: a look at %d %s", len(refs), h.kind)
	var ids []record.ID
	for _, ref := range refs {
		if id, ok := record.ParseID(string(ref)); ok {
			ids = append(ids, id)
		}
	}
	found, err := h.crm.ByID(ctx, h.actor, h.kind, ids...)
	if err != nil {
		return nil, err
	}
	out := make([]record.Change, len(refs))
	for i, ref := range refs {
		out[i] = record.Change{Ref: ref, State: record.Gone}
		id, _ := record.ParseID(string(ref))
		r, there := found[id]
		if !there || h.actor.withheld(r) || r.Veiled {
			continue
		}
		out[i].Version, out[i].Modified, out[i].Meta = record.Version(strconv.FormatInt(r.Version, 10)), r.ModifiedAt, r.Meta()
		if !r.Deleted() {
			out[i].State, out[i].Fields = record.Present, r.Fields
		}
	}
	return out, nil
}

// Apply makes writes to different records as the actor: Update, Delete and Restore, the latter without fields. It tells of each
// why it was not made: see Result.
func (h *Hand) Apply(ctx context.Context, writes []record.Write) (_ []error, err error) {
	defer fault.Wrap(&err, "crm: %d writes to %s by hand", len(writes), h.kind)
	out := make([]error, len(writes))
	for _, op := range []struct {
		op record.Op
		do func(context.Context, Actor, record.Kind, []Draft) ([]Result, error)
	}{{record.Update, h.update}, {record.Delete, h.crm.Delete}, {record.Restore, h.crm.restoreAt}} {
		var drafts []Draft
		var of []int
		for i, w := range writes {
			if w.Op != op.op {
				continue
			}
			id, ok := record.ParseID(string(w.Ref))
			version, wrong := strconv.ParseInt(string(w.Version), 10, 64)
			if !ok || wrong != nil {
				out[i] = missing(h.kind, id)
				continue
			}
			drafts, of = append(drafts, Draft{ID: id, Version: version, Fields: w.Fields}), append(of, i)
		}
		if len(drafts) == 0 {
			continue
		}
		results, err := op.do(ctx, h.actor, h.kind, drafts)
		if err != nil {
			return nil, err
		}
		for n, i := range of {
			out[i] = results[n].Err
		}
	}
	return out, nil
}

// Mails tells in the same order which writes would have people mailed, once sync brings them to Microsoft: see WouldMail.
func (h *Hand) Mails(ctx context.Context, writes []record.Write) (_ []bool, err error) {
	defer fault.Wrap(&err, "crm: whom %d writes would mail", len(writes))
	out := make([]bool, len(writes))
	if h.kind != record.Calendar {
		return out, nil
	}
	var ids []record.ID
	for _, w := range writes {
		if id, ok := record.ParseID(string(w.Ref)); ok {
			ids = append(ids, id)
		}
	}
	found, err := h.crm.store.ByID(ctx, h.actor.Org, h.kind, ids)
	if err != nil {
		return nil, err
	}
	for i, w := range writes {
		id, _ := record.ParseID(string(w.Ref))
		r := found[id]
		if r.Fields[record.Attendees] == "" && r.Fields[record.Participants] == "" && w.Fields[record.Participants] == "" {
			continue // nobody takes part
		}
		deed := map[record.Op]Deed{record.Update: Writes, record.Delete: Removes, record.Restore: Sends}[w.Op]
		mail, err := h.crm.WouldMail(ctx, h.actor, r, deed, Draft{ID: id, Fields: w.Fields})
		if err != nil {
			return nil, err
		}
		out[i] = len(mail.People) > 0
	}
	return out, nil
}

// update writes fields, and the picture that a contact had.
func (h *Hand) update(ctx context.Context, a Actor, kind record.Kind, drafts []Draft) ([]Result, error) {
	pictures := map[int]record.Value{}
	for i, d := range drafts {
		name, given := d.Fields[record.RecordImage]
		if !given || kind != record.Contacts {
			continue
		}
		pictures[i] = name
		rest := d.Fields.Clone()
		delete(rest, record.RecordImage)
		drafts[i].Fields = rest
	}
	results, err := h.crm.Update(ctx, a, kind, drafts)
	if err != nil {
		return nil, err
	}
	for i, name := range pictures {
		if results[i].Err != nil {
			continue
		}
		r, err := h.crm.TakePicture(ctx, a, drafts[i].ID, name)
		if err != nil && fault.KindOf(err).Repeatable() {
			return nil, err
		}
		results[i] = Result{Record: r, Err: err}
	}
	return results, nil
}
