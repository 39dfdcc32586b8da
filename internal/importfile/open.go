package importfile

import (
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// The limits of a file. A file that goes beyond one is refused as a whole, with a fault of kind Invalid whose reason is one of the
// reasons of files.
const (
	MaxBytes   = 64 << 20  // of the file
	MaxRows    = 100_000   // rows, cards or events
	maxColumns = 500       // of a table
	maxPiece   = 4 << 20   // one row, card or event
	maxInside  = 256 << 20 // what the parts of a workbook may come to, unpacked
	maxStrings = 96 << 20  // what the shared texts of a workbook may come to
	maxTold    = 512 << 20 // what they may come to in its cells
)

// The reasons for which a file is refused.
const (
	FileEmpty    fault.Reason = "file_empty"         // there is no row, card or event in it
	FileTooLong  fault.Reason = "file_too_long"      // more than MaxBytes
	FileRows     fault.Reason = "file_too_many_rows" // more than MaxRows
	FileUnknown  fault.Reason = "file_unknown"       // none of the formats, or not one of records of this kind
	FileBroken   fault.Reason = "file_broken"        // begins like its format and cannot be read to its end
	FileUnpacked fault.Reason = "file_unpacked"      // a workbook that would take too much room unpacked
	FileRowLong  fault.Reason = "file_row_too_long"  // a row longer than maxPiece: mostly a quotation mark that is not closed
	FileLocked   fault.Reason = "file_locked"        // a workbook with a password, or of Excel before 2007
	FileEncoding fault.Reason = "file_encoding"      // no such encoding
	FileColumns  fault.Reason = "file_columns"       // more than maxColumns
)

func refuse(reason fault.Reason, format string, args ...any) error {
	return fault.Wrong(reason, "file", "importfile: "+format, args...)
}

// Format is how a file is written.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	XLSX      Format = "xlsx"
	VCard     Format = "vcard"
	ICalendar Format = "icalendar"
)

// Table reports whether the file consists of rows and columns.
func (f Format) Table() bool { return f == CSV || f == XLSX }

// Source is a file: read at any place, as often as it takes.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Options say how a file is to be read. Those left empty are guessed, by Look for good.
type Options struct {
	Format    Format `json:"format"`
	Encoding  string `json:"encoding,omitempty"`  // of everything but workbooks: a name of Encodings
	Separator string `json:"separator,omitempty"` // of CSV: one character
	Header    bool   `json:"header,omitempty"`    // the first row of a table names its columns
	Zone      string `json:"zone"`                // IANA name, for times without one
}

// Row is one row, card or event.
type Row struct {
	Number int      // from 1; of a table, as a spreadsheet numbers it
	Cells  []string // of a table
	// Fields of a card or event, as people write them (crm.Draft).
	Fields record.Fields
	UID    string // of an event
	Name   string // of a card or event, for people
	Why    Reason // why there is nothing to make of it; "" where there is
	Items  []Item // what became of each property of a card or event
}

// Reader goes through a file, row by row.
type Reader struct {
	next func() (Row, error)
}

// Next is the next row; io.EOF after the last one. A refusal says that the file cannot be read any further.
func (r *Reader) Next() (Row, error) { return r.next() }

// Open begins to read a file. Options must be complete (see Look).
func Open(src Source, o Options) (*Reader, error) {
	switch o.Format {
	case CSV:
		return openCSV(src, o)
	case XLSX:
		return openWorkbook(src)
	case VCard:
		return openCards(src, o)
	case ICalendar:
		return openCalendar(src, o)
	}
	return nil, refuse(FileUnknown, "there is no format %q", o.Format)
}

// Of is the format of a file for records of a kind, by what it begins with, or else by the end of its name.
func Of(src Source, name string, kind record.Kind) (Format, error) {
	if src.Size() == 0 {
		return "", refuse(FileEmpty, "the file is empty")
	}
	head := make([]byte, 4096)
	n, err := src.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	head = head[:n]
	text := strings.ToUpper(strings.TrimLeft(plain(head), "\ufeff \t\r\n"))
	format := Format("")
	switch end := strings.ToLower(path.Ext(name)); {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		format = XLSX
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")): // OLE: Excel 97, or encrypted
		return "", refuse(FileLocked, "an OLE file")
	case strings.HasPrefix(text, "BEGIN:VCARD"):
		format = VCard
	case strings.HasPrefix(text, "BEGIN:VCALENDAR"):
		format = ICalendar
	case end == ".vcf" || end != ".csv" && strings.Contains(text, "\nBEGIN:VCARD"):
		format = VCard
	case end == ".ics" || end != ".csv" && (strings.Contains(text, "\nBEGIN:VCALENDAR") || strings.Contains(text, "BEGIN:VEVENT")):
		format = ICalendar
	case bytes.HasPrefix(head, []byte("%PDF")), bytes.HasPrefix(head, []byte("\x89PNG")), bytes.HasPrefix(head, []byte("\xff\xd8\xff")), bytes.HasPrefix(head, []byte("Rar!")), bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("7z\xbc\xaf")):
		return "", refuse(FileUnknown, "not a table, cards or a calendar")
	case strings.ContainsRune(strings.ReplaceAll(text, "\ufeff", ""), 0):
		return "", refuse(FileUnknown, "binary")
	default:
		format = CSV
	}
	if format == VCard && kind != record.Contacts || format == ICalendar && kind == record.Contacts {
		return "", refuse(FileUnknown, "%s holds no %s", format, kind)
	}
	return format, nil
}

// plain is the beginning of a text whatever its encoding, as far as letters of ASCII go.
func plain(head []byte) string {
	if name := wide(head); name != "" {
		if enc, err := encodingNamed(name); err == nil {
			if out, err := enc.NewDecoder().Bytes(head[:len(head)&^1]); err == nil {
				return string(out)
			}
		}
	}
	return string(head)
}
