package importfile

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// sheetReader goes through the rows of a sheet.
type sheetReader struct {
	*workbook
	in     *xmlPart
	number int
}

func (s *sheetReader) next() (Row, error) {
	for {
		t, err := s.in.Token()
		if errors.Is(err, io.EOF) {
			return Row{}, io.EOF
		}
		if err != nil {
			return Row{}, broken(err)
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "row" {
			continue
		}
		s.number++
		if n, err := strconv.Atoi(attr(e, "r")); err == nil && n > 0 {
			s.number = n
		}
		cells, err := s.row()
		if err != nil {
			return Row{}, broken(err)
		}
		if !blank(cells) {
			return Row{Number: s.number, Cells: cells}, nil
		}
	}
}

// row reads the cells of a row that has begun.
func (s *sheetReader) row() (cells []string, err error) {
	total := 0
	for {
		t, err := s.in.Token()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return cells, nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			at := columnOf(attr(t, "r"), len(cells))
			text, err := s.cell(t)
			if err != nil {
				return nil, err
			}
			if text == "" {
				continue
			}
			if at >= maxColumns {
				return nil, refuse(FileColumns, "row %d has column %d", s.number, at+1)
			}
			if total += len(text); total > maxPiece {
				return nil, refuse(FileRowLong, "row %d is longer than %d bytes", s.number, maxPiece)
			}
			for len(cells) <= at {
				cells = append(cells, "")
			}
			cells[at] = text
		}
	}
}

// columnOf is the place of a cell by its reference ("C7" is 2), or the next where it has none.
func columnOf(reference string, next int) int {
	n := 0
	for _, c := range reference {
		if c < 'A' || c > 'Z' || n > 1<<20 {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	if n == 0 {
		return next
	}
	return n - 1
}

// cell is the text of a cell that has begun: of a number with the format of a date, the date.
func (s *sheetReader) cell(c xml.StartElement) (string, error) {
	var value strings.Builder
	inside, depth := false, 1
	inline := ""
	for depth > 0 {
		t, err := s.in.Token()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "is" {
				if inline, err = textIn(s.in); err != nil {
					return "", err
				}
				continue
			}
			depth++
			inside = t.Name.Local == "v"
		case xml.EndElement:
			depth--
			inside = false
		case xml.CharData:
			if inside && value.Len() < maxPiece {
				value.Write(t)
			}
		}
	}
	text := value.String()
	switch attr(c, "t") {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return "", nil
		}
		shared := s.texts.at(i)
		if s.told -= int64(len(shared)); s.told < 0 {
			return "", errUnpacked
		}
		return strings.TrimSpace(shared), nil
	case "inlineStr":
		return strings.TrimSpace(inline), nil
	case "b":
		return strconv.FormatBool(strings.TrimSpace(text) == "1"), nil
	case "e": // #N/A and the like hold nothing
		return "", nil
	case "", "n":
		return s.numeral(strings.TrimSpace(text), attr(c, "s")), nil
	}
	return strings.TrimSpace(text), nil
}

// numeral is a number as a person would write it: without an exponent, or as the time that its format makes of it.
func (s *sheetReader) numeral(text, style string) string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return text
	}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.dates) && s.dates[i] && f >= 0 && f < 2_958_466 {
		return s.moment(f)
	}
	if math.Abs(f) >= 1e21 {
		return text
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// moment is the day and time that a number of days means. Excel believes in a 29 February 1900, day 60.
func (s *sheetReader) moment(days float64) string {
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case s.since:
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days < 60:
		base = base.AddDate(0, 0, 1)
	}
	whole, part := math.Modf(days)
	seconds := int(math.Round(part * 86400))
	at := base.AddDate(0, 0, int(whole)).Add(time.Duration(seconds) * time.Second)
	switch {
	case whole == 0 && !s.since:
		return at.Format(time.TimeOnly)
	case seconds == 0:
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateTime)
}
