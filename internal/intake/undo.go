package intake

import (
	"context"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// undo takes back what an import did, latest rows first: what it made goes to the recycle bin, of what it changed each field gets its
// former value. Whatever somebody has changed since stays as it is.
func (d *Desk) undo(ctx context.Context, i Import, actor crm.Actor) error {
	for {
		lines, err := d.Store.Lines(ctx, i.Org, i.ID, i.At, stepRows)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			i.State, i.Touched = Undone, d.Now()
			return d.stale(d.Store.Save(ctx, i, Undoing, i.At))
		}
		if i, err = d.undoStep(ctx, i, actor, lines); err != nil {
			return err
		}
	}
}

func (d *Desk) undoStep(ctx context.Context, i Import, actor crm.Actor, lines []Line) (Import, error) {
	for try := 1; ; try++ {
		s, err := d.undoing(ctx, i, actor, lines)
		if err != nil {
			return i, err
		}
		if err = d.Store.Take(ctx, actor.Author, s); err == nil {
			return s.Import, nil
		}
		if !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) == fault.StaleLease || try == maxTries {
			return i, err
		}
	}
}

// undoing works out a step back. A record of several lines is left to as many steps: the latest line first.
func (d *Desk) undoing(ctx context.Context, i Import, actor crm.Actor, lines []Line) (Step, error) {
	s := Step{From: i.At}
	ids := make([]record.ID, len(lines))
	for n, l := range lines {
		ids[n] = l.Record
	}
	now, err := d.Records.Stored(ctx, actor, i.Kind, ids...)
	if err != nil {
		return s, err
	}
	schema, err := d.Records.Schema(ctx, i.Org, i.Kind)
	if err != nil {
		return s, err
	}
	seen := map[record.ID]bool{}
	for _, l := range lines {
		if seen[l.Record] {
			break
		}
		seen[l.Record] = true
		i.At = l.N
		r, there := now[l.Record]
		switch {
		case !there || r.Deleted():
			i.Counts.Kept++ // gone already, or not this person's to see any more
		case l.Did == Created && (r.Version != l.Version || !actor.Deletes(r)):
			i.Counts.Kept++
		case l.Did == Created:
			r.Mailing.Agreed = nil // it was about the event as it stood
			r.DeletedAt, r.DeletedBy = d.Now().UTC(), actor.User
			r.ModifiedAt, r.ModifiedBy = r.DeletedAt, actor.User
			s.Changed = append(s.Changed, r)
			i.Counts.Removed++
		case !actor.Edits(r):
			i.Counts.Kept++
		default:
			fields, kept := back(schema, r.Fields, l)
			if kept {
				i.Counts.Kept++
			} else {
				i.Counts.Restored++
			}
			if fields != nil {
				if !kept && r.Version == l.Version {
					s.Rebase = append(s.Rebase, r.ID)
				}
				r.Fields, r.Mailing.Agreed = fields, nil
				r.ModifiedAt, r.ModifiedBy = d.Now().UTC(), actor.User
				s.Changed = append(s.Changed, r)
			}
		}
	}
	i.Touched = d.Now()
	s.Import = i
	return s, nil
}

// back gives a record the former values of the fields that still are as the import left them; fields that belong together go back
// together or not at all. kept: not all could; nil: none.
func back(schema *record.Schema, stored record.Fields, l Line) (fields record.Fields, kept bool) {
	now := crm.Complete(schema, stored)
	group := func(name record.Field) string {
		if def, ok := schema.Def(name); ok && (def.Group == record.GroupWhen || def.Group == record.GroupSeries) {
			return record.GroupWhen
		}
		return string(name)
	}
	changed := map[string]bool{}
	for name, after := range l.After {
		if _, known := schema.Def(name); !known || now[name] != after {
			changed[group(name)] = true
		}
	}
	for name, before := range l.Before {
		if changed[group(name)] {
			kept = true
			continue
		}
		if fields == nil {
			fields = stored.Clone()
		}
		fields[name] = before
	}
	return fields, kept
}
