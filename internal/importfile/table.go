package importfile

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Separators are those that are guessed and that a person may choose.
var Separators = []string{",", ";", "\t", "|"}

// guard ends the reading of a row that is too long: else a quotation mark that nobody closes takes the rest of the file in.
type guard struct {
	io.Reader
	since int
}

var errRowTooLong = errors.New("importfile: a row without an end")

func (g *guard) Read(p []byte) (int, error) {
	if g.since > maxPiece {
		return 0, errRowTooLong
	}
	n, err := g.Reader.Read(p)
	g.since += n
	return n, err
}

func openCSV(src Source, o Options) (*Reader, error) {
	in, err := decoded(src, o.Encoding)
	if err != nil {
		return nil, err
	}
	separator, size := utf8.DecodeRuneInString(o.Separator)
	if size == 0 || size != len(o.Separator) || separator == utf8.RuneError || strings.ContainsAny(o.Separator, "\"\r\n") {
		return nil, refuse(FileUnknown, "%q is no separator", o.Separator)
	}
	g := &guard{Reader: &lineEnds{in: in}}
	lines := csv.NewReader(g)
	lines.Comma, lines.LazyQuotes, lines.FieldsPerRecord, lines.ReuseRecord = separator, true, -1, true
	first := true
	number := 0
	return &Reader{next: func() (Row, error) {
		for {
			cells, err := lines.Read()
			g.since = 0
			number++
			switch {
			case errors.Is(err, io.EOF):
				return Row{}, io.EOF
			case errors.Is(err, errRowTooLong):
				return Row{}, refuse(FileRowLong, "row %d is longer than %d bytes", number, maxPiece)
			case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrFieldCount), errors.Is(err, csv.ErrBareQuote):
				return Row{}, refuse(FileBroken, "row %d: %v", number, err)
			case err != nil:
				return Row{}, err
			case len(cells) > maxColumns:
				return Row{}, refuse(FileColumns, "row %d has %d columns", number, len(cells))
			}
			if first {
				first = false
				if len(cells) == 1 && strings.HasPrefix(strings.ToLower(cells[0]), "sep=") || len(cells) == 2 && strings.EqualFold(cells[0], "sep=") {
					continue // Excel's way of naming the separator
				}
			}
			if blank(cells) {
				continue
			}
			out := make([]string, len(cells)) // what csv gives is used again
			for i, c := range cells {
				out[i] = strings.Clone(strings.ReplaceAll(c, "\x00", ""))
			}
			return Row{Number: number, Cells: out}, nil
		}
	}}, nil
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// lineEnds makes \n of a \r that no \n follows, as old Macintosh programs write.
type lineEnds struct {
	in   io.Reader
	held bool // a \r at the end of what was read before
}

func (l *lineEnds) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return l.in.Read(p)
	}
	at := 0
	if l.held {
		p[0], at, l.held = '\r', 1, false
	}
	n, err := l.in.Read(p[at:])
	n += at
	for i := range n {
		switch {
		case p[i] != '\r':
		case i+1 < n && p[i+1] != '\n':
			p[i] = '\n'
		case i+1 == n && err == nil && n > 1:
			l.held = true
			return n - 1, nil
		case i+1 == n && err != nil:
			p[i] = '\n'
		}
	}
	return n, err
}

// guessSeparator is the separator that cuts the first lines into the same number of columns, more than one if any does.
func guessSeparator(sample string) string {
	if line, _, _ := strings.Cut(sample, "\n"); len(line) >= 5 && strings.EqualFold(line[:4], "sep=") && slices.Contains(Separators, line[4:5]) {
		return line[4:5]
	}
	best, bestScore := Separators[0], -1
	for _, sep := range Separators {
		comma, _ := utf8.DecodeRuneInString(sep)
		in := csv.NewReader(strings.NewReader(sample))
		in.Comma, in.LazyQuotes, in.FieldsPerRecord = comma, true, -1
		var widths []int
		for len(widths) < 20 {
			cells, err := in.Read()
			if err != nil {
				break
			}
			widths = append(widths, len(cells))
		}
		if len(widths) == 0 || widths[0] < 2 {
			continue
		}
		same := 0
		for _, w := range widths {
			if w == widths[0] {
				same++
			}
		}
		if score := same*1000/len(widths) + min(widths[0], 100); score > bestScore {
			best, bestScore = sep, score
		}
	}
	return best
}
