package importfile

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"tandem/internal/fault"
	"tandem/internal/record"
)

func look(t testing.TB, name, text string) Look {
	t.Helper()
	l, err := LookAt(strings.NewReader(text), name, record.Contacts, Options{Zone: "America/Sao_Paulo"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func rowsOf(t testing.TB, src Source, o Options) (rows []Row) {
	t.Helper()
	in, err := Open(src, o)
	for err == nil {
		var row Row
		if row, err = in.Next(); err == nil {
			rows = append(rows, row)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return rows
}

func cellsOf(rows []Row) string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprint(r.Number)+":"+strings.Join(r.Cells, "|"))
	}
	return strings.Join(out, "\n")
}

func encoded(t *testing.T, name, text string) string {
	t.Helper()
	var out string
	var err error
	switch name {
	case "utf-8 with a mark":
		return "\ufeff" + text
	case "utf-16le":
		out, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	case "utf-16be without a mark":
		out, err = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(text)
	case "windows-1252":
		out, err = charmap.Windows1252.NewEncoder().String(text)
	case "iso-8859-1":
		out, err = charmap.ISO8859_1.NewEncoder().String(text)
	case "windows-1251":
		out, err = charmap.Windows1251.NewEncoder().String(text)
	default:
		return text
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTablesInAnyCommonEncodingAndSeparator(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"utf-8", "utf-8 with a mark", "utf-16le", "utf-16be without a mark", "windows-1252", "iso-8859-1"} {
		for _, sep := range Separators {
			for _, end := range []string{"\n", "\r\n", "\r"} {
				text := strings.ReplaceAll("Nome;Cidade;Observação"+end+"João;São Paulo;\"uma; duas"+end+"linhas\""+end+end+"Ana;Niterói;"+end, ";", sep)
				file := encoded(t, encoding, text)
				l := look(t, "pessoas.csv", file)
				got := cellsOf(rowsOf(t, strings.NewReader(file), l.Options))
				want := "1:Nome|Cidade|Observação\n2:João|São Paulo|uma; duas\nlinhas\n"
				if want = strings.ReplaceAll(want, "; ", sep+" "); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, ":Ana|Niterói|") {
					t.Errorf("%s %q %q (%s %q): %q", encoding, sep, end, l.Encoding, l.Separator, got)
				}
				if l.Rows != 2 || !l.Header || len(l.Columns) != 3 || l.Columns[1] != (Column{"Cidade", "São Paulo"}) {
					t.Errorf("%s %q: %+v", encoding, sep, l)
				}
			}
		}
	}
}

// A letter that is no UTF-8 after many that are ASCII alone still decides; and a person's choice beats the guess.
func TestEncodingIsGuessedFromTheWholeFile(t *testing.T) {
	t.Parallel()
	late := "a,b\n" + strings.Repeat("x,y\n", 200_00) + "z,\xe3\n"
	if l := look(t, "a.csv", late); l.Encoding != "windows-1252" {
		t.Errorf("taken for %s", l.Encoding)
	}
	cut := "a,b\n" + strings.Repeat("x", 65536-5) + "ã,y\n" // the letter lies across two reads
	if l := look(t, "a.csv", cut); l.Encoding != "utf-8" {
		t.Errorf("taken for %s", l.Encoding)
	}
	russian := encoded(t, "windows-1251", "Имя,Город\nАнна,Москва\n")
	l, err := LookAt(strings.NewReader(russian), "a.csv", record.Contacts, Options{Encoding: "windows-1251"}, nil)
	if err != nil || l.Columns[1].Sample != "Москва" {
		t.Errorf("%+v, %v", l.Columns, err)
	}
	for _, name := range Encodings {
		if _, err := encodingNamed(name); err != nil {
			t.Errorf("%s is offered: %v", name, err)
		}
	}
	if _, err := encodingNamed("utf-7"); fault.ReasonOf(err) != FileEncoding {
		t.Errorf("what is not offered: %v", err)
	}
}

func TestExcelsOwnSeparatorLine(t *testing.T) {
	t.Parallel()
	l := look(t, "a.csv", "sep=;\r\nNome;E-mail\r\nAna;ana@example.com\r\n")
	if l.Separator != ";" || l.Rows != 1 || l.Columns[1].Name != "E-mail" {
		t.Errorf("%+v", l)
	}
}

func TestHowDatesAndDecimalsAreWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cell  string
		days  DayOrder
		comma bool
	}{
		{"31/12/1990", DayFirst, false}, {"12/31/1990", MonthFirst, false}, {"1.2.2020", UnknownOrder, false}, {"\"3,25\"", UnknownOrder, true},
		{"2020-12-31", UnknownOrder, false}, {"3.25", UnknownOrder, false}, {"25/1/20 10:00", DayFirst, false},
	} {
		if l := look(t, "a.csv", "Nome,X\nAna,"+c.cell+"\n"); l.Days != c.days || l.Comma != c.comma {
			t.Errorf("%s: %q %t", c.cell, l.Days, l.Comma)
		}
	}
}

func TestTableWithoutNamesOfColumns(t *testing.T) {
	t.Parallel()
	l := look(t, "a.csv", "Ana,ana@example.com\nBia,bia@example.com\n")
	if l.Header || l.Rows != 2 || l.Columns[0] != (Column{"", "Ana"}) {
		t.Errorf("%+v", l)
	}
	yes := true
	if l, err := LookAt(strings.NewReader("Ana,a@b.co\nBia,b@b.co\n"), "a.csv", record.Contacts, Options{}, &yes); err != nil || !l.Header || l.Rows != 1 {
		t.Errorf("%+v %v", l, err)
	}
}

// part is a file inside a workbook.
type part struct{ name, text string }

func workbookOf(t testing.TB, parts ...part) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		w, err := z.Create(p.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(p.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const spreadsheet = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`

func aWorkbook(t testing.TB, sheet string) string {
	return workbookOf(t,
		part{"xl/workbook.xml", `<workbook ` + spreadsheet + ` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>` +
			`<sheet name="H" state="hidden" sheetId="1" r:id="rId1"/><sheet name="P" sheetId="2" r:id="rId2"/></sheets></workbook>`},
		part{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Target="/xl/worksheets/people.xml"/></Relationships>`},
		part{"xl/styles.xml", `<styleSheet ` + spreadsheet + `><numFmts><numFmt numFmtId="170" formatCode="00000\-000"/><numFmt numFmtId="171" formatCode="dd&quot; de &quot;mmmm"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs></styleSheet>`},
		part{"xl/sharedStrings.xml", `<sst ` + spreadsheet + `><si><t>Nome</t></si><si><r><t xml:space="preserve">João </t></r><r><t>Ávila</t></r><rPh><t>x</t></rPh></si></sst>`},
		part{"xl/worksheets/sheet1.xml", `<worksheet ` + spreadsheet + `><sheetData><row r="1"><c t="inlineStr"><is><t>hidden</t></is></c></row></sheetData></worksheet>`},
		part{"xl/worksheets/people.xml", `<worksheet ` + spreadsheet + `><sheetData>` + sheet + `</sheetData></worksheet>`})
}

func TestWorkbooks(t *testing.T) {
	t.Parallel()
	file := aWorkbook(t, `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>Nascido</t></is></c></row>`+
		`<row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3" s="1"><v>33238</v></c><c r="C3" s="2"><v>33238.75</v></c><c r="D3" s="3"><v>1310100</v></c><c r="E3" s="4"><v>45000</v></c></row>`+
		`<row r="4"></row>`+
		`<row r="5"><c r="A5"><v>5.511999998888E12</v></c><c r="B5" t="b"><v>1</v></c><c r="C5" t="e"><v>#N/A</v></c><c r="D5" t="str"><f>A1</f><v>formula</v></c><c r="E5" s="2"><v>0.5</v></c><c r="F5"><v>0.1</v></c></row>`)
	l, err := LookAt(strings.NewReader(file), "x", record.Contacts, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "1:Nome||Nascido\n3:João Ávila|1990-12-31|1990-12-31 18:00:00|1310100|2023-03-15\n5:5511999998888|true||formula|12:00:00|0.1"
	if got := cellsOf(rowsOf(t, strings.NewReader(file), l.Options)); got != want || l.Format != XLSX || l.Rows != 2 {
		t.Errorf("%+v\n got %s\nwant %s", l.Options, got, want)
	}
}

func TestWhatCannotBeReadIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	bomb := workbookOf(t, part{"xl/worksheets/sheet1.xml", `<worksheet><sheetData><row><c t="inlineStr"><is><t>` + strings.Repeat(" ", maxInside+1)})
	strings_ := workbookOf(t, part{"xl/sharedStrings.xml", `<sst>` + strings.Repeat("<si><t>"+strings.Repeat("x", 1<<20)+"</t></si>", maxStrings>>20+1) + `</sst>`},
		part{"xl/worksheets/sheet1.xml", `<worksheet/>`})
	if len(bomb) > 1<<20 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	for _, c := range []struct {
		name, file string
		reason     fault.Reason
	}{
		{"nothing.csv", "", FileEmpty},
		{"names alone.csv", "Nome,E-mail\n", FileEmpty},
		{"rows.csv", "Nome\n" + strings.Repeat("a\n", MaxRows+1), FileRows},
		{"open quote.csv", "Nome,Nota\nAna,\"aberta\n" + strings.Repeat("uma linha qualquer\n", 300_000), FileRowLong},
		{"columns.csv", "a" + strings.Repeat(",", maxColumns) + "\nb\n", FileColumns},
		{"picture.png", "\x89PNG\r\n\x1a\n...", FileUnknown},
		{"binary.csv", "\x00\x01\x02\x00abc", FileUnknown},
		{"excel 97.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", FileLocked},
		{"a calendar.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n", FileUnknown},
		{"bomb.xlsx", bomb, FileUnpacked},
		{"texts.xlsx", strings_, FileUnpacked},
		{"no sheet.xlsx", workbookOf(t, part{"word/document.xml", "<x/>"}), FileUnknown},
		{"cut.xlsx", aWorkbook(t, "")[:700], FileBroken},
		{"bad xml.xlsx", aWorkbook(t, `<row><c></row>`), FileBroken},
		{"deep.xlsx", workbookOf(t, part{"xl/worksheets/sheet1.xml", strings.Repeat("<a>", 1_000_000)}), FileUnpacked},
		{"one text in all cells.xlsx", workbookOf(t, part{"xl/sharedStrings.xml", "<sst><si><t>" + strings.Repeat("a", 1<<20) + "</t></si></sst>"},
			part{"xl/worksheets/sheet1.xml", "<worksheet><sheetData>" + strings.Repeat(`<row><c t="s"><v>0</v></c></row>`, 1000) + "</sheetData></worksheet>"}), FileUnpacked},
		{"no cards.vcf", "nothing\n", FileEmpty},
	} {
		_, err := LookAt(strings.NewReader(c.file), c.name, record.Contacts, Options{}, nil)
		if !fault.Is(err, fault.Invalid) || fault.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v (%s), want %s", c.name, err, fault.ReasonOf(err), c.reason)
		}
	}
	deep := "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + strings.Repeat("BEGIN:X\n", maxDepth) + "END:VEVENT\nEND:VCALENDAR\n"
	if _, err := LookAt(strings.NewReader(deep), "deep.ics", record.Calendar, Options{}, nil); fault.ReasonOf(err) != FileBroken {
		t.Errorf("a deep calendar: %v", err)
	}
	if _, err := LookAt(endless{}, "a.csv", record.Contacts, Options{}, nil); fault.ReasonOf(err) != FileTooLong {
		t.Errorf("a long file: %v", err)
	}
}

// An archive that says less than it holds is stopped where the room ends.
func TestABombThatLiesIsStopped(t *testing.T) {
	t.Parallel()
	archive, err := zip.NewReader(strings.NewReader(aWorkbook(t, strings.Repeat("<row/>", 1000))), int64(len(aWorkbook(t, strings.Repeat("<row/>", 1000)))))
	if err != nil {
		t.Fatal(err)
	}
	w := &workbook{parts: map[string]*zip.File{"people": archive.File[5]}, room: 1000}
	if err := w.each("people", func(*xmlPart, xml.StartElement) (bool, error) { return false, nil }); fault.ReasonOf(err) != FileUnpacked {
		t.Error(err)
	}
}

// A workbook whose single text, or whose formats, would fill the memory is stopped before it does.
func TestOnePieceOfAWorkbookIsBounded(t *testing.T) {
	t.Parallel()
	cell := `<worksheet><sheetData><row><c t="inlineStr"><is><t>` + strings.Repeat("a", maxPiece+1<<20) + `</t></is></c></row></sheetData></worksheet>`
	many, long := make([]part, maxParts+1), make([]part, 100)
	for i := range many {
		many[i].name = fmt.Sprint(i)
	}
	for i := range long {
		long[i].name = fmt.Sprint(strings.Repeat("n", 50_000), i)
	}
	for name, file := range map[string]string{
		"parts":       workbookOf(t, many...),
		"a directory": workbookOf(t, long...),
		"a text":      workbookOf(t, part{"xl/worksheets/sheet1.xml", cell}),
		"a tag":       workbookOf(t, part{"xl/worksheets/sheet1.xml", `<worksheet><sheetData><row x="` + strings.Repeat("a", maxPiece+1<<20) + `"/></sheetData></worksheet>`}),
		"formats":     workbookOf(t, part{"xl/styles.xml", `<styleSheet><cellXfs>` + strings.Repeat(`<xf numFmtId="1"/>`, maxFormats+1) + `</cellXfs></styleSheet>`}, part{"xl/worksheets/sheet1.xml", "<worksheet/>"}),
		"own formats": workbookOf(t, part{"xl/styles.xml", `<styleSheet><numFmts>` + numbered(`<numFmt numFmtId="%d" formatCode=""/>`, maxFormats+1) + `</numFmts></styleSheet>`},
			part{"xl/worksheets/sheet1.xml", "<worksheet/>"}),
	} {
		if _, err := LookAt(strings.NewReader(file), "x.xlsx", record.Contacts, Options{}, nil); fault.ReasonOf(err) != FileUnpacked {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

type endless struct{}

func (endless) Size() int64                           { return MaxBytes + 1 }
func (endless) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }

// Reading piece by piece gives what reading a file as a whole gives.
func TestReadingPieceByPieceGivesTheSameAsReadingTheWhole(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		dir, end string
		kind     record.Kind
		whole    func(text string) []*Entry
	}{
		{"calendars", ".ics", record.Calendar, func(text string) []*Entry { return Events(text, "America/Sao_Paulo") }},
		{"contacts", ".vcf", record.Contacts, Cards},
	} {
		files, err := filepath.Glob(filepath.Join(folder(t, kind.dir), "*"+kind.end))
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		rows := 0
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{}
			for _, e := range kind.whole(Decode(raw)) {
				switch e.Kind {
				case "VEVENT", "VCARD":
					for n := range max(1, len(e.Plans)) {
						want[told(rowOf(e, n))]++
					}
				}
			}
			l, err := LookAt(bytes.NewReader(raw), file, kind.kind, Options{Zone: "America/Sao_Paulo"}, nil)
			if err != nil {
				if fault.ReasonOf(err) != FileEmpty || len(want) > 0 {
					t.Errorf("%s: %v", filepath.Base(file), err)
				}
				continue
			}
			got := map[string]int{}
			for _, row := range rowsOf(t, bytes.NewReader(raw), l.Options) {
				if row.Why != NotAnEvent {
					got[told(row)]++
					rows++
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %d different rows, want %d", filepath.Base(file), len(got), len(want))
				for k := range want {
					if got[k] != want[k] {
						t.Logf("want %d, got %d: %.300s", want[k], got[k], k)
					}
				}
				for k := range got {
					if want[k] == 0 {
						t.Logf("got: %.300s", k)
					}
				}
			}
		}
		t.Logf("%s: %d rows", kind.dir, rows)
	}
}

func told(r Row) string { return fmt.Sprint(r.UID, r.Why, r.Fields, r.Items) }

// A hundred thousand rows never lie in memory together.
func TestALongFileTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the file of 100,000 rows, which takes seconds: `make test` runs it")
	}
	var b strings.Builder
	b.WriteString("Nome,E-mail,Telefone,Empresa,Cidade\n")
	for i := range MaxRows {
		fmt.Fprintf(&b, "Pessoa %d,pessoa%d@example.com,+55 11 9%08d,Empresa %d,São Paulo\n", i, i, i, i%977)
	}
	var cards, events strings.Builder
	for i := range MaxRows / 4 {
		fmt.Fprintf(&cards, "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Silva;Ana %d\r\nEMAIL:ana%d@example.com\r\nEND:VCARD\r\n", i, i)
		fmt.Fprintf(&events, "BEGIN:VEVENT\r\nUID:%d@x\r\nDTSTART:20260310T120000Z\r\nSUMMARY:Event %d\r\nEND:VEVENT\r\n", i, i)
	}
	for _, c := range []struct {
		name, file string
		kind       record.Kind
		rows       int
	}{
		{"a.csv", b.String(), record.Contacts, MaxRows}, {"a.vcf", cards.String(), record.Contacts, MaxRows / 4},
		{"a.ics", "BEGIN:VCALENDAR\r\n" + events.String() + "END:VCALENDAR\r\n", record.Calendar, MaxRows / 4},
	} {
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		l, err := LookAt(strings.NewReader(c.file), c.name, c.kind, Options{Zone: "UTC"}, nil)
		if err != nil || l.Rows != c.rows {
			t.Fatalf("%s: %d rows, %v", c.name, l.Rows, err)
		}
		in, err := Open(strings.NewReader(c.file), l.Options)
		if err != nil {
			t.Fatal(err)
		}
		n, most := 0, uint64(0)
		for {
			if _, err := in.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if n++; n%5000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
			}
		}
		t.Logf("%s: %d rows of %d bytes, at most %d kB of them at a time", c.name, n, len(c.file), most>>10)
		if n < c.rows || most > 24<<20 {
			t.Errorf("%s: %d rows, %d bytes of memory", c.name, n, most)
		}
	}
}

// A folded line goes on with the one before, whatever it says.
func TestAFoldedLineBeginsNoCard(t *testing.T) {
	t.Parallel()
	text := "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Souza;Ana;;;\r\nNOTE:she wrote \r\n BEGIN:VCARD\r\n END:VCARD\r\nEND:VCARD\r\n"
	rows := rowsOf(t, strings.NewReader(text), Options{Format: VCard, Encoding: "utf-8"})
	if len(rows) != 1 || rows[0].Fields[record.Description] != "she wrote BEGIN:VCARDEND:VCARD" {
		t.Errorf("%+v", rows)
	}
}

// What a card says in a file of ours of a field that people cannot write here is no field: a file invites nobody.
func TestOwnFieldsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + OwnProduct + "\r\nBEGIN:VEVENT\r\nUID:event-1@x\r\nDTSTART:20261124T120000Z\r\nDTEND:20261124T130000Z\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nSUMMARY:a b\r\n" +
		"X-TANDEM-FIELD:Event_Title;a  b\r\nX-TANDEM-FIELD:Changed_Occurrences;{\"2026-12-01\":{\"Venue\":\"9\"}}\r\nEND:VEVENT\r\n" +
		"BEGIN:VEVENT\r\nUID:event-1@x\r\nRECURRENCE-ID:20261201T120000Z\r\nDTSTART:20261201T120000Z\r\nDTEND:20261201T130000Z\r\nLOCATION:9\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	for ours, want := range map[bool]int{true: 1, false: 2} {
		file := text
		if !ours {
			file = strings.Replace(text, OwnProduct, "-//Another//EN", 1)
		}
		rows := rowsOf(t, strings.NewReader(file), Options{Format: ICalendar, Encoding: "utf-8", Zone: "UTC"})
		if len(rows) != want || rows[0].Fields[record.EventTitle] != "a  b" || (rows[0].Fields[record.Excluded] == "") != ours {
			t.Errorf("ours %v: %+v", ours, rows)
		}
	}
}
