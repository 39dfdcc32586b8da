package intake

import (
	"context"
	"errors"
	"io"
	"slices"

	"tandem/internal/crm"
	"tandem/internal/exportfile"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

const (
	// stepRows is how many rows one step takes: one short transaction.
	stepRows = 250
	// maxTries is how often a step is worked out anew because a record changed meanwhile.
	maxTries = 8
)

// Work goes on with an import, or with taking one back, from where it is to its end. What stops all rows ends the import with the
// reason; an error says that it is to be tried again. Conflict with reason StaleLease: another worker has it.
func (d *Desk) Work(ctx context.Context, org record.ID, id string) (err error) {
	defer fault.Wrap(&err, "intake: work on import %s", id)
	i, err := d.Store.Import(ctx, org, id)
	if err != nil {
		return err
	}
	actor, err := d.Actor(ctx, i.Org, i.User)
	switch {
	case i.State != Running && i.State != Undoing:
		return nil
	case fault.Is(err, fault.Denied), fault.Is(err, fault.NotFound):
		return d.fail(ctx, i, fault.NotAllowed)
	case err != nil:
		return err
	}
	if i.State == Undoing {
		return d.undo(ctx, i, actor)
	}
	err = d.take(ctx, i, actor)
	if fault.Is(err, fault.Invalid) {
		return d.fail(ctx, i, fault.ReasonOf(err))
	}
	return err
}

// fail ends an import as it stands.
func (d *Desk) fail(ctx context.Context, i Import, reason fault.Reason) error {
	i, err := d.Store.Import(ctx, i.Org, i.ID)
	if err != nil {
		return err
	}
	before := i.State
	i.State, i.Reason, i.Touched = Failed, reason, d.Now()
	if before == Undoing {
		i.State = Undone
	}
	return d.Store.Save(ctx, i, before, i.At)
}

// take reads the file from the row where the import is and takes the rest, step by step.
func (d *Desk) take(ctx context.Context, i Import, actor crm.Actor) error {
	src, err := d.Store.File(ctx, i.Org, i.ID)
	if err != nil {
		return err
	}
	rows, err := newRows(src, i.Settings)
	if err != nil {
		return err
	}
	schema, err := d.Records.Schema(ctx, i.Org, i.Kind)
	if err != nil {
		return err
	}
	for range i.At {
		if _, err := rows.next(); err != nil {
			return err
		}
	}
	t := &taker{Desk: d, actor: actor, convert: &converter{schema, i.Settings}}
	var waiting []importfile.Row
	for {
		ended := false
		for len(waiting) < stepRows && !ended {
			row, err := rows.next()
			switch {
			case errors.Is(err, io.EOF):
				ended = true
			case err != nil:
				return err
			default:
				waiting = append(waiting, row)
			}
		}
		if len(waiting) == 0 {
			i.State, i.Touched = Done, d.Now()
			return d.stale(d.Store.Save(ctx, i, Running, i.At))
		}
		n, next, err := t.step(ctx, i, waiting)
		if err != nil {
			return err
		}
		i, waiting = next, slices.Delete(waiting, 0, n)
	}
}

// stale tells that an import is no longer in the state in which it was begun.
func (d *Desk) stale(err error) error {
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, fault.StaleLease, "intake: somebody else has ended it: %w", err)
	}
	return err
}

// rows are those of a file without the names of columns.
type rows struct {
	in     *importfile.Reader
	header bool
}

func newRows(src importfile.Source, s Settings) (*rows, error) {
	in, err := importfile.Open(src, s.Options)
	return &rows{in, s.Format.Table() && s.Header}, err
}

func (r *rows) next() (importfile.Row, error) {
	if r.header {
		r.header = false
		if _, err := r.in.Next(); err != nil {
			return importfile.Row{}, err
		}
	}
	return r.in.Next()
}

// taker works out steps.
type taker struct {
	*Desk
	actor   crm.Actor
	convert *converter
}

// fate is what is to become of a row.
type fate struct {
	row   importfile.Row
	taken taken
	match record.ID // the record that is there already; 0: none
	draft crm.Draft
	plan  crm.Admitted
}

// step takes rows from the front, as many as one step can: a row that is the duplicate of one before it waits for the next step,
// in which that one is there. It returns how many it took, and the import as it is then.
func (t *taker) step(ctx context.Context, i Import, waiting []importfile.Row) (int, Import, error) {
	for try := 1; ; try++ {
		fates, err := t.look(ctx, i, waiting)
		if err != nil {
			return 0, i, err
		}
		s := t.tell(i, fates)
		err = t.Store.Take(ctx, t.actor.Author, s)
		if err == nil {
			return len(fates), s.Import, nil
		}
		if !fault.Is(err, fault.Conflict) || fault.ReasonOf(err) == fault.StaleLease || try == maxTries {
			return 0, i, err
		}
	}
}

// look finds out what becomes of rows.
func (t *taker) look(ctx context.Context, i Import, waiting []importfile.Row) ([]fate, error) {
	fates := make([]fate, len(waiting))
	for n, row := range waiting {
		fates[n] = fate{row: row, taken: t.convert.row(row)}
	}
	fates, err := t.match(ctx, i, fates)
	if err != nil {
		return nil, err
	}
	var drafts []crm.Draft
	var place []int
	for n := range fates {
		f := &fates[n]
		if len(f.taken.whys) > 0 || f.match != 0 && i.Settings.Duplicates == Skip {
			continue
		}
		f.draft = crm.Draft{Fields: f.taken.fields, Source: record.Import, Brought: f.match == 0}
		if f.match != 0 {
			f.draft.ID = f.match
			f.draft.Fields = filled(f.taken.fields)
			delete(f.draft.Fields, record.Participants) // people may be invited by now, and they may be contacts
		}
		drafts, place = append(drafts, f.draft), append(place, n)
	}
	admitted, err := t.Records.Admit(ctx, t.actor, i.Kind, drafts)
	if err != nil {
		return nil, err
	}
	for n, a := range admitted {
		f := &fates[place[n]]
		f.plan = a
		f.taken.whys = append(f.taken.whys, whysOf(a.Err, f.taken.fields)...)
	}
	return fates, nil
}

// filled are the values that are not empty: an update takes nothing away.
func filled(fields record.Fields) record.Fields {
	out := record.Fields{}
	for name, v := range fields {
		if v != "" {
			out[name] = v
		}
	}
	return out
}

// whysOf are the reasons behind an error of one record.
func whysOf(err error, fields record.Fields) (out []Why) {
	if err == nil {
		return nil
	}
	var all crm.Problems
	if !errors.As(err, &all) {
		reason := fault.ReasonOf(err)
		if reason == "" {
			reason = fault.NotAllowed
		}
		return []Why{{Reason: string(reason)}}
	}
	for _, f := range all {
		out = append(out, Why{Reason: string(f.Reason), Field: record.Field(f.Field), Value: short(string(fields[record.Field(f.Field)]))})
	}
	return out
}

// match finds the records that are there already, and cuts the rows off before the first that means the same as one before it.
func (t *taker) match(ctx context.Context, i Import, fates []fate) ([]fate, error) {
	if i.Settings.Duplicates == Create {
		return fates, nil
	}
	ownID := func(f *fate) record.ID {
		id, _ := exportfile.Own(i.Kind, f.taken.uid, t.Origin)
		return id
	}
	keysOf := func(f *fate) []string {
		switch {
		case len(f.taken.whys) > 0:
			return nil
		case i.Kind == record.Contacts && ownID(f) != 0:
			return append([]string{f.taken.uid}, crm.AddressKeys(f.taken.fields)...)
		case i.Kind == record.Contacts:
			return crm.AddressKeys(f.taken.fields)
		case f.taken.uid != "":
			return []string{f.taken.uid}
		}
		return nil
	}
	var keys []string
	for n := range fates {
		keys = append(keys, keysOf(&fates[n])...)
	}
	if len(keys) == 0 {
		return fates, nil
	}
	var known map[string]record.ID
	var err error
	if i.Kind == record.Contacts {
		known, err = t.Records.ByKey(ctx, t.actor, keys)
	} else {
		owner := record.ID(0)
		if t.actor.Events.View != record.Anyones {
			owner = t.actor.User
		}
		known, err = t.Store.ByUID(ctx, i.Org, owner, keys)
	}
	if err != nil {
		return nil, err
	}
	if err := t.own(ctx, i.Kind, fates, ownID, known); err != nil {
		return nil, err
	}
	fresh, touched := map[string]bool{}, map[record.ID]bool{}
	for n := range fates {
		f := &fates[n]
		mine := keysOf(f)
		for _, key := range mine {
			if f.match == 0 {
				f.match = known[key]
			}
		}
		again := touched[f.match] && f.match != 0
		for _, key := range mine {
			again = again || fresh[key]
		}
		if again {
			return fates[:n], nil
		}
		switch {
		case f.match == 0:
			for _, key := range mine {
				fresh[key] = true
			}
		case i.Settings.Duplicates == Update:
			touched[f.match] = true
		}
	}
	return fates, nil
}

// own finds the records that come back in one of our own files, among those that the person sees.
func (t *taker) own(ctx context.Context, kind record.Kind, fates []fate, ownID func(*fate) record.ID, known map[string]record.ID) error {
	var ids []record.ID
	for n := range fates {
		if id := ownID(&fates[n]); id != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := t.Records.ByID(ctx, t.actor, kind, ids...)
	if err != nil {
		return err
	}
	for n := range fates {
		if r, ok := found[ownID(&fates[n])]; ok && !r.Deleted() {
			known[fates[n].taken.uid] = r.ID
		}
	}
	return nil
}

// odd are the e-mail addresses of a row that are kept though they are none.
func (t *taker) odd(f fate) (out []importfile.Item) {
	for _, def := range t.convert.schema.Defs() {
		if v := f.taken.fields[def.Name]; def.Type == record.Email && v != "" && !mapping.IsAddress(string(v)) {
			out = append(out, importfile.Item{Property: string(def.Name), Value: string(v), Field: string(def.Name), Reason: importfile.KeptForm})
		}
	}
	return out
}

// tell makes the step of what becomes of rows.
func (t *taker) tell(i Import, fates []fate) Step {
	s := Step{From: i.At}
	notes := map[importfile.Reason]int{}
	for reason, n := range i.Counts.Notes {
		notes[reason] = n
	}
	i.Counts.Notes = notes
	for n, f := range fates {
		place := i.At + n + 1
		switch {
		case len(f.taken.whys) > 0:
			i.Counts.Failed++
			s.Lines = append(s.Lines, Line{N: place, Row: f.row.Number, Did: RowFailed, Whys: f.taken.whys, Cells: f.row.Cells, Name: f.row.Name})
			continue
		case f.match != 0 && i.Settings.Duplicates == Skip:
			i.Counts.Skipped++
			continue
		case f.plan.Same:
			i.Counts.Same++
		case f.match == 0:
			i.Counts.Created++
			s.FreshLines = append(s.FreshLines, len(s.Lines))
			s.Lines = append(s.Lines, Line{N: place, Row: f.row.Number, Did: Created})
			uid := f.taken.uid
			if i.Kind == record.Contacts {
				uid = "" // it told no more than which of our own it is
			}
			s.Fresh, s.UIDs = append(s.Fresh, f.plan.Record), append(s.UIDs, uid)
		default:
			i.Counts.Updated++
			line := Line{N: place, Row: f.row.Number, Did: Updated, Record: f.match, Before: record.Fields{}, After: record.Fields{}}
			for name, now := range f.plan.Record.Fields {
				if was := f.plan.Before[name]; was != now {
					line.Before[name], line.After[name] = was, now
				}
			}
			s.ChangedLines = append(s.ChangedLines, len(s.Lines))
			s.Lines = append(s.Lines, line)
			s.Changed = append(s.Changed, f.plan.Record)
		}
		i.Counts.note(f.row.Items)
		if f.match == 0 {
			i.Counts.note(t.odd(f))
		}
	}
	i.At += len(fates)
	i.Touched = t.Now()
	s.Import = i
	return s
}
