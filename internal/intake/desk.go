package intake

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/record"
)

// Receive keeps a file, looks at it and makes an import of it that waits for a person. locale decides what the file leaves open: how
// dates and decimals are meant. label is what a field is called on pages. Invalid: the file is refused, with a reason of importfile.
func (d *Desk) Receive(ctx context.Context, org, user record.ID, kind record.Kind, name, zone string, daysFirst bool, file io.Reader, label func(record.Field) string) (i Import, err error) {
	defer fault.Wrap(&err, "intake: receive a file of %s", kind)
	i = Import{ID: d.NewID(), Org: org, User: user, Kind: kind, File: name, State: Loading, Begun: d.Now(), Touched: d.Now()}
	i.Settings = Settings{Options: importfile.Options{Zone: zone}, Duplicates: Skip}
	if err := d.Store.Begin(ctx, i); err != nil {
		return i, err
	}
	if err = d.fill(ctx, &i, file); err == nil {
		if i, err = d.look(ctx, i, i.Settings.Options, nil, daysFirst, label); err == nil {
			i.State = Draft
			err = d.Store.Save(ctx, i, Loading, 0)
		}
	}
	if err != nil {
		return i, errors.Join(err, d.Store.Drop(context.WithoutCancel(ctx), org, i.ID))
	}
	return i, nil
}

// fill keeps the file in pieces.
func (d *Desk) fill(ctx context.Context, i *Import, file io.Reader) error {
	piece := make([]byte, PieceSize)
	for n := 0; ; n++ {
		size, err := io.ReadFull(file, piece)
		if size > 0 {
			if i.Size += int64(size); i.Size > importfile.MaxBytes {
				return fault.Wrong(importfile.FileTooLong, "file", "intake: more than %d bytes", importfile.MaxBytes)
			}
			if err := d.Store.Fill(ctx, i.Org, i.ID, n, slices.Clone(piece[:size])); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return d.Store.Save(ctx, *i, Loading, 0) // its size: a file is read by it
		case err != nil:
			return fault.New(fault.Invalid, "", "intake: the file did not arrive whole: %w", err)
		}
	}
}

// look looks at the file with options that a person chose, and guesses the rest.
func (d *Desk) look(ctx context.Context, i Import, asked importfile.Options, header *bool, daysFirst bool, label func(record.Field) string) (Import, error) {
	src, err := d.Store.File(ctx, i.Org, i.ID)
	if err != nil {
		return i, err
	}
	l, err := importfile.LookAt(src, i.File, i.Kind, asked, header)
	if err != nil {
		return i, err
	}
	i.Rows = l.Rows
	i.Settings.Options = l.Options
	if !l.Format.Table() {
		return i, nil
	}
	i.Settings.Comma = l.Comma
	if i.Settings.Days = l.Days; l.Days == importfile.UnknownOrder {
		i.Settings.Days = importfile.MonthFirst
		if daysFirst {
			i.Settings.Days = importfile.DayFirst
		}
	}
	schema, err := d.Records.Schema(ctx, i.Org, i.Kind)
	if err != nil {
		return i, err
	}
	keys := make([]string, len(l.Columns))
	for n, c := range l.Columns {
		keys[n] = Key(c.Name)
	}
	remembered, err := d.Store.Remembered(ctx, i.Org, i.User, i.Kind, keys)
	if err != nil {
		return i, err
	}
	i.Settings.Columns = Guess(l.Columns, schema, remembered, label)
	return i, nil
}

// Reread looks at the file of a draft anew, with another encoding, separator or first row.
func (d *Desk) Reread(ctx context.Context, i Import, asked importfile.Options, header bool, daysFirst bool, label func(record.Field) string) (_ Import, err error) {
	defer fault.Wrap(&err, "intake: look at import %s anew", i.ID)
	asked.Format, asked.Zone = i.Settings.Format, i.Settings.Zone
	duplicates := i.Settings.Duplicates
	if i, err = d.look(ctx, i, asked, &header, daysFirst, label); err != nil {
		return i, err
	}
	i.Settings.Duplicates, i.Touched = duplicates, d.Now()
	return i, d.Store.Save(ctx, i, Draft, 0)
}

// Choose stores what a person says of a draft. Invalid: two columns are the same field, one is none, or what must be there is not.
func (d *Desk) Choose(ctx context.Context, i Import) (err error) {
	defer fault.Wrap(&err, "intake: choose for import %s", i.ID)
	schema, err := d.Records.Schema(ctx, i.Org, i.Kind)
	if err != nil {
		return err
	}
	if err := Check(schema, i.Settings); err != nil {
		return err
	}
	i.Touched = d.Now()
	return d.Store.Save(ctx, i, Draft, 0)
}

// Check reports what is wrong with settings: an Invalid fault whose field is "column-N", "columns" or "duplicates".
func Check(schema *record.Schema, s Settings) error {
	if !slices.Contains([]Duplicates{Skip, Update, Create}, s.Duplicates) {
		return fault.Wrong(fault.BadValue, "duplicates", "intake: %q is no way with duplicates", s.Duplicates)
	}
	if !s.Format.Table() {
		return nil
	}
	possible := Targets(schema)
	seen := map[Target]bool{}
	for n, c := range s.Columns {
		switch {
		case c.Target == Nothing:
		case !slices.Contains(possible, c.Target):
			return fault.Wrong(fault.UnknownField, ColumnField(n), "intake: %q is no target", c.Target)
		case c.Target.Once() && seen[c.Target]:
			return fault.Wrong(fault.Duplicate, ColumnField(n), "intake: two columns are %s", c.Target)
		}
		seen[c.Target] = true
	}
	if schema.Kind() == record.Contacts {
		if !seen[FullName] && !seen[Target(record.LastName)] && !seen[Target(record.FirstName)] && !seen[Target(record.AccountName)] && !seen[Target(record.EmailField)] {
			return fault.Wrong(fault.Mandatory, "columns", "intake: no column names the contact")
		}
		return nil
	}
	if !seen[Target(record.Start)] {
		return fault.Wrong(fault.Mandatory, "columns", "intake: no column says when the event begins")
	}
	return nil
}

// Start lets the rows of a draft be taken and remembers what its columns are. Whoever calls it sees that Work is called.
func (d *Desk) Start(ctx context.Context, i Import) (err error) {
	defer fault.Wrap(&err, "intake: start import %s", i.ID)
	targets := map[string]Target{}
	for _, c := range i.Settings.Columns {
		if key := Key(c.Name); key != "" {
			targets[key] = c.Target
		}
	}
	if err := d.Store.Remember(ctx, i.Org, i.User, i.Kind, targets); err != nil {
		return err
	}
	i.State, i.Touched = Running, d.Now()
	return d.Store.Save(ctx, i, Draft, 0)
}

// Stop ends an import before its end. What was taken stays, and can be taken back.
func (d *Desk) Stop(ctx context.Context, i Import) error {
	return d.end(ctx, i, Stopped, Running)
}

// Undo lets an import be taken back. Whoever calls it sees that Work is called.
func (d *Desk) Undo(ctx context.Context, i Import) error {
	return d.end(ctx, i, Undoing, Done, Stopped, Failed)
}

func (d *Desk) end(ctx context.Context, i Import, to State, from ...State) (err error) {
	defer fault.Wrap(&err, "intake: import %s is to be %s", i.ID, to)
	for try := 1; ; try++ {
		now, err := d.Store.Import(ctx, i.Org, i.ID)
		if err != nil {
			return err
		}
		was, at := now.State, now.At
		if to == Undoing {
			now.At = 0
		}
		if !slices.Contains(from, was) {
			return fault.New(fault.Conflict, "", "intake: the import is %s", was)
		}
		now.State, now.Touched = to, d.Now()
		if err = d.Store.Save(ctx, now, was, at); !fault.Is(err, fault.Conflict) || try == maxTries {
			return err
		}
	}
}

// ColumnField is what faults call a column, and forms.
func ColumnField(n int) string { return "column-" + strconv.Itoa(n) }
