package importfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// lines reads physical lines of cards and calendars, ended by \r\n, \n or \r, without their ends.
type lines struct {
	in     *bufio.Scanner
	number int
}

// newLines reads a file in its own bytes, so that each piece may be put into UTF-8 by itself, unless a person named its encoding or
// it has two bytes a letter.
func newLines(src Source, encoding string) (*lines, error) {
	var in io.Reader = io.NewSectionReader(src, 0, src.Size())
	if encoding != "utf-8" && encoding != "windows-1252" {
		var err error
		if in, err = decoded(src, encoding); err != nil {
			return nil, err
		}
	}
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, 64<<10), maxPiece)
	s.Split(cutLine)
	return &lines{in: s}, nil
}

func cutLine(data []byte, atEOF bool) (int, []byte, error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case i < 0:
		return 0, nil, nil
	case data[i] == '\n':
		return i + 1, data[:i], nil
	case i+1 < len(data) && data[i+1] == '\n':
		return i + 2, data[:i], nil
	case i+1 < len(data) || atEOF:
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

// next is the next line; io.EOF after the last.
func (l *lines) next() ([]byte, error) {
	if !l.in.Scan() {
		if errors.Is(l.in.Err(), bufio.ErrTooLong) {
			return nil, refuse(FileRowLong, "line %d is longer than %d bytes", l.number+1, maxPiece)
		}
		if err := l.in.Err(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	line := l.in.Bytes()
	if l.number == 0 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	l.number++
	return line, nil
}

// piece collects the lines of one component.
type piece struct{ bytes.Buffer }

func (p *piece) add(line []byte) error {
	if p.Len()+len(line) > maxPiece {
		return refuse(FileRowLong, "a component is longer than %d bytes", maxPiece)
	}
	p.Write(line)
	p.WriteByte('\n')
	return nil
}

// openCards reads card after card.
func openCards(src Source, o Options) (*Reader, error) {
	in, err := newLines(src, o.Encoding)
	if err != nil {
		return nil, err
	}
	var card piece
	inside, number, ended := false, 0, false
	take := func() (Row, error) {
		number++
		entries := Cards(Decode(card.Bytes()))
		card.Reset()
		row := Row{Number: number, Why: Unreadable}
		if len(entries) == 1 {
			row = rowOf(entries[0], 0)
			row.Number = number
		}
		return row, nil
	}
	return &Reader{next: func() (Row, error) {
		for !ended {
			line, err := in.next()
			if errors.Is(err, io.EOF) {
				ended = true
				if inside {
					return take()
				}
				break
			}
			if err != nil {
				return Row{}, err
			}
			marker := strings.ToUpper(string(bytes.TrimSpace(line[:min(len(line), 20)])))
			if inside && len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
				marker = "" // it goes on with the line before
			}
			switch {
			case marker == "BEGIN:VCARD":
				begun := inside
				var row Row
				if begun { // the one before was never ended
					row, err = take()
				}
				inside = true
				if err := card.add(line); err != nil {
					return Row{}, err
				}
				if begun {
					return row, err
				}
			case marker == "END:VCARD" && inside:
				inside = false
				if err := card.add(line); err != nil {
					return Row{}, err
				}
				return take()
			case inside:
				if err := card.add(line); err != nil {
					return Row{}, err
				}
			}
		}
		return Row{}, io.EOF
	}}, nil
}

// rowOf is one of the records that a card or an event becomes.
func rowOf(e *Entry, n int) Row {
	r := Row{Name: e.Name, Why: e.Why, Items: e.Items}
	if e.Why == "" && n < len(e.Plans) {
		r.Fields, r.UID = e.Plans[n].record(), e.Plans[n].UID
	}
	return r
}
