package exportfile

import (
	"encoding/csv"
	"io"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// Column is one column of a table.
type Column struct {
	Name string
	Text func(crm.Record) string
}

// Table writes CSV (RFC 4180). It begins with the mark of UTF-8, because Excel, in which people open it, takes the file for
// one of its own old code page else.
type Table struct {
	out     *csv.Writer
	columns []Column
	cells   []string
}

// NewTable writes the names of the columns. separator is a comma or, as Excel expects in countries whose decimals have a
// comma, a semicolon.
func NewTable(w io.Writer, separator rune, columns []Column) (*Table, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	t := &Table{csv.NewWriter(w), columns, make([]string, len(columns))}
	t.out.Comma, t.out.UseCRLF = separator, true
	for i, c := range columns {
		t.cells[i] = Defused(c.Name)
	}
	return t, t.out.Write(t.cells)
}

// Write writes one row.
func (t *Table) Write(r crm.Record) error {
	for i, c := range t.columns {
		t.cells[i] = c.Text(r)
	}
	return t.out.Write(t.cells)
}

// Close writes what is left.
func (t *Table) Close() error {
	t.out.Flush()
	return t.out.Error()
}

// Text is how a field of a record stands in a table: values as the CRM stores them, so that they mean the same in every
// language and can be brought back. Days are 2006-01-02, without a year --01-02, times the wall clock of the event's own zone, tags are separated by
// commas, and the end of an all-day event is its last day. comma: decimals have one.
func Text(d record.Def, r crm.Record, comma bool) string {
	value := string(r.Fields[d.Name])
	switch {
	case value == "" && d.Type == record.Bool:
		return "false"
	case value == "":
		return ""
	case d.Type == record.Number:
		return number(value, comma)
	case d.Type == record.Date:
		if day, ok := record.Yearless(r.Fields[d.Name]); ok {
			return Defused(day.Format("--01-02"))
		}
		return value
	case d.Type == record.Minutes, d.Type == record.Bool:
		return value
	case d.Type == record.Moment:
		return moment(d.Name, r.Fields)
	case d.Type == record.Tags:
		return Defused(tags(value))
	}
	return Defused(value)
}

// number is a number with its decimal mark. A fraction of three digits gets a zero: with them nobody can tell a decimal mark
// from one between thousands.
func number(value string, comma bool) string {
	whole, fraction, broken := strings.Cut(value, ".")
	if !broken {
		return value
	}
	if len(fraction) == 3 {
		fraction += "0"
	}
	if comma {
		return whole + "," + fraction
	}
	return whole + "." + fraction
}

// tags are names with commas between them; a name that has a separator of tags, or a quotation mark, in it stands in such marks.
func tags(value string) string {
	names := strings.Split(value, "\n")
	for i, name := range names {
		if strings.ContainsAny(name, `,;"`) {
			names[i] = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
	}
	return strings.Join(names, ", ")
}

// moment is a start or an end as people read it. An hour that the clocks show twice is told with its offset.
func moment(name record.Field, f record.Fields) string {
	value := string(f[name])
	if f[record.AllDay] == "true" {
		day, err := time.Parse(time.DateOnly, value)
		if err != nil {
			return Defused(value)
		}
		if name == record.End {
			day = day.AddDate(0, 0, -1)
		}
		return day.Format(time.DateOnly)
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return Defused(value)
	}
	at = at.In(zoneOf(name, f))
	wall := wallOf(at)
	if !recur.Attach(wall, at.Location()).Equal(at) {
		return at.Format(time.RFC3339)
	}
	if at.Second() != 0 {
		return wall.Format(time.DateTime)
	}
	return wall.Format("2006-01-02 15:04")
}

// zoneOf is the zone in which an event's start or end was planned.
func zoneOf(name record.Field, f record.Fields) *time.Location {
	for _, of := range []record.Field{record.EndTimeZone, record.TimeZone} {
		if of == record.EndTimeZone && name != record.End {
			continue
		}
		if loc, ok := zone.Load(string(f[of])); ok && f[of] != "" {
			return loc
		}
	}
	return time.UTC
}

// wallOf is the clock of a moment, told as UTC.
func wallOf(at time.Time) time.Time {
	y, m, d := at.Date()
	return time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
}
