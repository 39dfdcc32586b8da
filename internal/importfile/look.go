package importfile

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Look is what a first look at a whole file finds.
type Look struct {
	Options // complete
	Rows    int
	Columns []Column // of a table
	Sample  []Row    // the first rows, without the names of columns
	Days    DayOrder // how dates like 3/4/2026 are meant, as far as the file betrays it
	Comma   bool     // decimals are written with a comma
}

// Column is one column of a table.
type Column struct {
	Name string // from the first row; "" without one
	// Sample is the first value that is not empty.
	Sample string
}

// DayOrder is the order of day and month in dates of digits and slashes.
type DayOrder string

// The orders.
const (
	UnknownOrder DayOrder = ""
	DayFirst     DayOrder = "dmy"
	MonthFirst   DayOrder = "mdy"
)

// sampleRows is how many rows a Look keeps.
const sampleRows = 20

// LookAt goes through a file once: it guesses the options that are empty, counts the rows and refuses what cannot be read.
// asked are those that a person chose; header nil is a guess.
func LookAt(src Source, name string, kind record.Kind, asked Options, header *bool) (l Look, err error) {
	defer fault.Wrap(&err, "importfile: look at a file of %d bytes", src.Size())
	l.Options = asked
	if src.Size() > MaxBytes {
		return l, refuse(FileTooLong, "%d bytes", src.Size())
	}
	if l.Format == "" {
		if l.Format, err = Of(src, name, kind); err != nil {
			return l, err
		}
	}
	if l.Format != XLSX && l.Encoding == "" {
		if l.Encoding, err = guessEncoding(src); err != nil {
			return l, err
		}
	}
	if l.Format == CSV && l.Separator == "" {
		in, err := decoded(src, l.Encoding)
		if err != nil {
			return l, err
		}
		sample := make([]byte, 64<<10)
		n, err := io.ReadFull(in, sample)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return l, err
		}
		l.Separator = guessSeparator(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(sample[:n])))
	}
	rows, err := Open(src, l.Options)
	if err != nil {
		return l, err
	}
	var dates dateHabits
	first := true
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return l, err
		}
		if first && l.Format.Table() {
			first = false
			l.Header = looksLikeHeader(row.Cells)
			if header != nil {
				l.Header = *header
			}
			l.Columns = make([]Column, len(row.Cells))
			if l.Header {
				for i, c := range row.Cells {
					l.Columns[i].Name = strings.Join(strings.Fields(c), " ")
				}
				continue
			}
		}
		if l.Rows++; l.Rows > MaxRows {
			return l, refuse(FileRows, "more than %d rows", MaxRows)
		}
		for i, c := range row.Cells {
			if i >= len(l.Columns) {
				l.Columns = append(l.Columns, Column{})
			}
			if l.Columns[i].Sample == "" {
				l.Columns[i].Sample = strings.Clone(clip(c, 80))
			}
			dates.see(c)
		}
		if len(l.Sample) < sampleRows {
			l.Sample = append(l.Sample, row)
		}
	}
	if l.Rows == 0 {
		return l, refuse(FileEmpty, "no rows")
	}
	l.Days = dates.order()
	l.Comma = dates.comma > dates.point || dates.comma == dates.point && l.Separator == ";"
	return l, nil
}

// looksLikeHeader reports whether a row names columns: whether none of its cells is a number, a date or an address.
func looksLikeHeader(cells []string) bool {
	for _, c := range cells {
		c = strings.TrimSpace(c)
		if strings.Contains(c, "@") || slashed.MatchString(c) || len(c) > 0 && strings.Trim(c, "0123456789 .,()+-/:") == "" {
			return false
		}
	}
	return true
}

// dateHabits counts how the dates and decimals of a file are written.
type dateHabits struct {
	first, second int // dates whose first, or second, number is above 12
	comma, point  int
}

var (
	slashed = regexp.MustCompile(`^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:\D|$)`)
	decimal = regexp.MustCompile(`^-?\d+([.,])\d{1,2}$`)
)

func (d *dateHabits) see(cell string) {
	if len(cell) == 0 || len(cell) > 40 || (cell[0] < '0' || cell[0] > '9') && cell[0] != '-' {
		return
	}
	if m := slashed.FindStringSubmatch(cell); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 12 {
			d.first++
		}
		if n, err := strconv.Atoi(m[2]); err == nil && n > 12 {
			d.second++
		}
		return
	}
	if m := decimal.FindStringSubmatch(cell); m != nil {
		if m[1] == "," {
			d.comma++
		} else {
			d.point++
		}
	}
}

func (d *dateHabits) order() DayOrder {
	switch {
	case d.first > d.second:
		return DayFirst
	case d.second > d.first:
		return MonthFirst
	}
	return UnknownOrder
}
