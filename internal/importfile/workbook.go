package importfile

import (
	"archive/zip"
	"compress/flate"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
)

// workbook is an XLSX file (ECMA-376): a ZIP archive of XML parts. Only the first sheet is read, cell after cell; the texts that cells
// share lie packed in memory.
type workbook struct {
	parts map[string]*zip.File
	room  int64 // what may still be unpacked
	piece int64 // what the token that is read may still have
	told  int64 // what cells may still say: one shared text may stand in all of them
	texts packed
	dates []bool // by cell format: whether numbers in it are times
	since bool   // days are counted from 1904
}

// packed is many texts in one piece of memory.
type packed struct {
	bytes []byte
	ends  []uint32
}

func (p *packed) add(s string) {
	p.bytes = append(p.bytes, s...)
	p.ends = append(p.ends, uint32(len(p.bytes)))
}

func (p *packed) at(i int) string {
	if i < 0 || i >= len(p.ends) {
		return ""
	}
	from := uint32(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	return string(p.bytes[from:p.ends[i]])
}

// errUnpacked ends the reading of a part that is more than it says or than there is room for.
var errUnpacked = errors.New("importfile: too much unpacked")

type metered struct {
	in          io.Reader
	room, piece *int64
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	if *m.room, *m.piece = *m.room-int64(n), *m.piece-int64(n); *m.room < 0 || *m.piece < 0 {
		return 0, errUnpacked
	}
	return n, err
}

// xmlPart is a part that is read token by token. A token lies whole in memory, so it is bounded too: nothing but a tag or a text
// comes between two of them, however well many equal letters pack. So are the elements that have begun and not ended, which the decoder
// remembers.
type xmlPart struct {
	*xml.Decoder
	piece *int64
	depth int
}

// maxDepth is plenty for what stands inside of what, in a workbook and in a calendar.
const maxDepth = 100

func (x *xmlPart) Token() (xml.Token, error) {
	*x.piece = maxPiece
	t, err := x.Decoder.Token()
	switch t.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > maxDepth {
			return nil, errUnpacked
		}
	case xml.EndElement:
		x.depth--
	}
	return t, err
}

// within tells a place outside of the file, of which a broken archive may speak, from a file that cannot be read. It bounds what is
// read of the archive's directory, which lies whole in memory.
type within struct {
	Source
	directory *int64 // bytes that may be read still
}

// maxDirectory is plenty for maxParts.
const (
	maxParts     = 10_000
	maxDirectory = 4 << 20
)

func (w within) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at > w.Size() {
		return 0, zip.ErrFormat
	}
	if *w.directory -= int64(len(p)); *w.directory < 0 {
		return 0, errUnpacked
	}
	return w.Source.ReadAt(p, at)
}

// open begins to read a part; nil where there is none.
func (w *workbook) open(name string) (*xmlPart, io.Closer, error) {
	f := w.parts[strings.ToLower(strings.TrimPrefix(name, "/"))]
	if f == nil {
		return nil, nil, nil
	}
	in, err := f.Open()
	if err != nil {
		return nil, nil, broken(err)
	}
	d := xml.NewDecoder(metered{in, &w.room, &w.piece})
	d.Strict = true
	return &xmlPart{Decoder: d, piece: &w.piece}, in, nil
}

// broken is why a workbook cannot be read any further. What failed outside of it stays what it is.
func broken(err error) error {
	var syntax *xml.SyntaxError
	var unpacking flate.CorruptInputError
	switch {
	case errors.Is(err, errUnpacked):
		return refuse(FileUnpacked, "more than %d bytes unpacked, %d in one piece, %d in cells, or %d elements inside each other", maxInside, maxPiece, maxTold, maxDepth)
	case errors.As(err, &syntax), errors.As(err, &unpacking), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm),
		errors.Is(err, zip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return refuse(FileBroken, "%v", err)
	}
	return err
}

// each calls do with every element that begins in a part, until it says that it has seen enough.
func (w *workbook) each(part string, do func(d *xmlPart, e xml.StartElement) (enough bool, err error)) error {
	d, closer, err := w.open(part)
	if err != nil || d == nil {
		return err
	}
	defer closer.Close()
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		if e, ok := t.(xml.StartElement); ok {
			enough, err := do(d, e)
			if err != nil {
				return broken(err)
			}
			if enough {
				return nil
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// openWorkbook opens the first sheet.
func openWorkbook(src Source) (*Reader, error) {
	directory := int64(maxDirectory)
	archive, err := zip.NewReader(within{src, &directory}, src.Size())
	if err != nil {
		return nil, broken(err)
	}
	directory = math.MaxInt64 // from here on it is the parts that are read
	w := &workbook{parts: map[string]*zip.File{}, room: maxInside, told: maxTold}
	if len(archive.File) > maxParts {
		return nil, refuse(FileUnpacked, "%d parts", len(archive.File))
	}
	for _, f := range archive.File {
		w.parts[strings.ToLower(f.Name)] = f
		if name := strings.ToLower(f.Name); strings.HasSuffix(name, ".xml") && f.UncompressedSize64 > maxInside {
			return nil, refuse(FileUnpacked, "%s has %d bytes unpacked", name, f.UncompressedSize64)
		}
	}
	sheet, err := w.firstSheet()
	if err != nil {
		return nil, err
	}
	if err := w.styles(); err != nil {
		return nil, err
	}
	if err := w.shared(); err != nil {
		return nil, err
	}
	d, _, err := w.open(sheet) // the archive is the caller's: there is nothing to close
	if err == nil && d == nil {
		err = refuse(FileUnknown, "an archive without a sheet")
	}
	if err != nil {
		return nil, err
	}
	s := &sheetReader{workbook: w, in: d}
	return &Reader{next: s.next}, nil
}

// firstSheet is the part with the first sheet, by the order of the workbook.
func (w *workbook) firstSheet() (string, error) {
	var id, sheet string
	err := w.each("xl/workbook.xml", func(_ *xmlPart, e xml.StartElement) (bool, error) {
		switch e.Name.Local {
		case "workbookPr":
			w.since = attr(e, "date1904") == "1" || attr(e, "date1904") == "true"
		case "sheet":
			if id == "" && attr(e, "state") != "hidden" && attr(e, "state") != "veryHidden" {
				for _, a := range e.Attr {
					if a.Name.Local == "id" && a.Name.Space != "" {
						id = a.Value
					}
				}
			}
		}
		return false, nil
	})
	if err != nil {
		return "", err
	}
	err = w.each("xl/_rels/workbook.xml.rels", func(_ *xmlPart, e xml.StartElement) (bool, error) {
		if e.Name.Local == "Relationship" && attr(e, "Id") == id && id != "" {
			sheet = attr(e, "Target")
			if !strings.HasPrefix(sheet, "/") {
				sheet = path.Join("xl", sheet)
			}
		}
		return sheet != "", nil
	})
	if sheet == "" {
		sheet = "xl/worksheets/sheet1.xml"
	}
	return sheet, err
}

// maxFormats is more than Excel itself takes of formats of cells (65,490).
const maxFormats = 100_000

// styles reads which cell formats show times.
func (w *workbook) styles() error {
	own := map[string]bool{} // formats of the workbook's own that do
	inside := false
	return w.each("xl/styles.xml", func(_ *xmlPart, e xml.StartElement) (bool, error) {
		switch e.Name.Local {
		case "numFmt":
			if len(own) == maxFormats {
				return false, refuse(FileUnpacked, "more than %d formats", maxFormats)
			}
			own[attr(e, "numFmtId")] = showsTime(attr(e, "formatCode"))
		case "cellXfs":
			inside = true
		case "cellStyles", "dxfs", "tableStyles":
			inside = false
		case "xf":
			if inside && len(w.dates) == maxFormats {
				return false, refuse(FileUnpacked, "more than %d cell formats", maxFormats)
			}
			if inside {
				id := attr(e, "numFmtId")
				time, known := own[id]
				if !known {
					n, _ := strconv.Atoi(id) // without a number it is 0: no time
					time = n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58
				}
				w.dates = append(w.dates, time)
			}
		}
		return false, nil
	})
}

// showsTime reports whether a format code shows a date or a time: whether it has a letter for one outside of what is quoted.
func showsTime(code string) bool {
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return false
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return false
			}
			if strings.Trim(strings.ToLower(code[i+1:i+end]), "hms") == "" {
				return true
			}
			i += end
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			return true
		case 'G', 'g':
			return false // General
		}
	}
	return false
}

// shared reads the texts that cells share.
func (w *workbook) shared() error {
	return w.each("xl/sharedStrings.xml", func(d *xmlPart, e xml.StartElement) (bool, error) {
		if e.Name.Local != "si" {
			return false, nil
		}
		text, err := textIn(d)
		if err != nil {
			return false, err
		}
		if len(w.texts.bytes)+len(text) > maxStrings || len(w.texts.ends) > 4_000_000 {
			return false, refuse(FileUnpacked, "more than %d bytes of shared texts", maxStrings)
		}
		w.texts.add(text)
		return false, nil
	})
}

// textIn is the text inside an element that has begun, up to its end, without how it is pronounced.
func textIn(d *xmlPart) (string, error) {
	var b strings.Builder
	depth, spoken, text := 1, 0, false
	for depth > 0 {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			if t.Name.Local == "rPh" {
				spoken = depth
			}
			text = t.Name.Local == "t" && spoken == 0
		case xml.EndElement:
			if depth == spoken {
				spoken = 0
			}
			depth--
			text = false
		case xml.CharData:
			if text && b.Len() < maxPiece {
				b.Write(t)
			}
		}
	}
	return b.String(), nil
}
