package intake

import (
	"context"
	"errors"
	"io"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/record"
)

// Fate is what will become of a row.
type Fate string

// The fates.
const (
	WillCreate Fate = "create"
	WillUpdate Fate = "update"
	WillSkip   Fate = "skip" // it is there already
	WillBeSame Fate = "same"
	WillFollow Fate = "again" // it means the same as a row before it
	WillFail   Fate = "fail"
)

// Seen is a row of a preview.
type Seen struct {
	Row    importfile.Row
	Fields record.Fields // as they would stand in the CRM; of WillFail and WillFollow, as they were read
	Fate   Fate
	Match  record.ID
	Whys   []Why
}

// Preview works out what would become of the first rows, and changes nothing.
func (d *Desk) Preview(ctx context.Context, i Import, actor crm.Actor, limit int) (_ []Seen, err error) {
	defer fault.Wrap(&err, "intake: preview of import %s", i.ID)
	src, err := d.Store.File(ctx, i.Org, i.ID)
	if err != nil {
		return nil, err
	}
	in, err := newRows(src, i.Settings)
	if err != nil {
		return nil, err
	}
	schema, err := d.Records.Schema(ctx, i.Org, i.Kind)
	if err != nil {
		return nil, err
	}
	t := &taker{Desk: d, actor: actor, convert: &converter{schema, i.Settings}}
	var waiting []importfile.Row
	for len(waiting) < limit {
		row, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		waiting = append(waiting, row)
	}
	fates, err := t.look(ctx, i, waiting)
	if err != nil {
		return nil, err
	}
	var out []Seen
	for n, row := range waiting {
		if n >= len(fates) {
			read := t.convert.row(row)
			s := Seen{Row: row, Fields: read.fields, Fate: WillFollow, Whys: read.whys}
			if len(read.whys) > 0 {
				s.Fate = WillFail
			} else if n > len(fates) {
				s.Fate = "" // what comes after depends on the rows before it
			}
			out = append(out, s)
			continue
		}
		f := fates[n]
		s := Seen{Row: row, Fields: f.plan.Record.Fields, Match: f.match, Whys: f.taken.whys}
		switch {
		case len(s.Whys) > 0:
			s.Fate, s.Fields = WillFail, f.taken.fields
		case f.match != 0 && i.Settings.Duplicates == Skip:
			s.Fate, s.Fields = WillSkip, f.taken.fields
		case f.plan.Same:
			s.Fate = WillBeSame
		case f.match != 0:
			s.Fate = WillUpdate
		default:
			s.Fate = WillCreate
		}
		out = append(out, s)
	}
	return out, nil
}
