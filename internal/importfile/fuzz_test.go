package importfile

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// FuzzFile looks at any bytes as a file of either kind: it is refused with a reason, or read to its end, twice alike.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"Nome;E-mail\nAna;ana@example.com\n", "sep=,\na,\"b\nc\"\n", "\xff\xfea\x00,\x00b\x00\n\x00", "a\tb\r\xe3\t\xe7\r",
		"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=81;a=\n b\nTEL;CELL:1\nEND:VCARD\nBEGIN:VCARD\nFN:x",
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260310T120000Z\nRRULE:FREQ=DAILY;COUNT=3\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\n" +
			"BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260311T120000Z\nDTSTART:20260311T130000Z\nEND:VEVENT\nEND:VCALENDAR\n",
		aWorkbook(f, `<row r="1"><c r="A1" t="s"><v>1</v></c><c r="B1" s="1"><v>33238.5</v></c></row><row><c t="inlineStr"><is><t>x</t></is></c></row>`),
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, file []byte, contacts bool) {
		kind := record.Calendar
		if contacts {
			kind = record.Contacts
		}
		l, err := LookAt(bytes.NewReader(file), "file", kind, Options{Zone: "America/Sao_Paulo"}, nil)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || fault.ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		in, err := Open(bytes.NewReader(file), l.Options)
		if err != nil {
			t.Fatal(err)
		}
		n, last := 0, 0
		for {
			row, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("row %d: %v", n, err)
			}
			if l.Format != XLSX && row.Number <= last {
				t.Fatalf("row %d after row %d", row.Number, last)
			}
			last = row.Number
			n++
			if l.Format.Table() == (row.Cells == nil) {
				t.Fatalf("%s: %+v", l.Format, row)
			}
			for _, c := range row.Cells {
				if l.Format == CSV && !utf8.ValidString(c) {
					t.Fatalf("%q is no UTF-8", c)
				}
			}
		}
		if l.Header {
			n--
		}
		if n != l.Rows {
			t.Fatalf("%d rows, looked at %d", n, l.Rows)
		}
	})
}
