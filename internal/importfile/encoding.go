package importfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encodings are those that a person may choose, in the names of the WHATWG (encoding.spec.whatwg.org). What is no UTF-8 is taken for
// windows-1252, which includes Latin-1: that is what Excel writes in Brazil and Western Europe.
var Encodings = []string{
	"utf-8", "windows-1252", "utf-16le", "utf-16be", "iso-8859-15", "iso-8859-2", "windows-1250", "windows-1251", "koi8-r", "windows-1253",
	"windows-1254", "windows-1255", "windows-1256", "macintosh", "shift_jis", "euc-jp", "gb18030", "big5", "euc-kr",
}

func encodingNamed(name string) (encoding.Encoding, error) {
	switch name {
	case "utf-8":
		return unicode.UTF8BOM, nil
	case "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), nil
	}
	if !slices.Contains(Encodings, name) {
		return nil, refuse(FileEncoding, "there is no encoding %q", name)
	}
	return htmlindex.Get(name)
}

// decoded is the file as UTF-8.
func decoded(src Source, name string) (io.Reader, error) {
	enc, err := encodingNamed(name)
	if err != nil {
		return nil, err
	}
	return transform.NewReader(io.NewSectionReader(src, 0, src.Size()), enc.NewDecoder()), nil
}

// wide is the name of an encoding with two bytes a character, by a mark or by the zeros between letters of ASCII.
func wide(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16be"
	}
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch half := len(head) / 2; {
	case half < 2:
	case zeros[1] > half*2/3 && zeros[0] < half/8:
		return "utf-16le"
	case zeros[0] > half*2/3 && zeros[1] < half/8:
		return "utf-16be"
	}
	return ""
}

// guessEncoding looks at the whole file: one letter that is no UTF-8, however late, decides.
func guessEncoding(src Source) (string, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(src, 0, src.Size()), 64<<10)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if name := wide(head); name != "" {
		return name, nil
	}
	var rest []byte
	buffer := make([]byte, 64<<10)
	for {
		n, err := in.Read(buffer)
		part := append(rest, buffer[:n]...)
		for len(part) > 0 {
			r, size := utf8.DecodeRune(part)
			if r == utf8.RuneError && size == 1 {
				if !utf8.FullRune(part) && !errors.Is(err, io.EOF) {
					break
				}
				return "windows-1252", nil
			}
			part = part[size:]
		}
		rest = slices.Clone(part)
		if errors.Is(err, io.EOF) {
			if len(rest) > 0 {
				return "windows-1252", nil
			}
			return "utf-8", nil
		}
		if err != nil {
			return "", err
		}
	}
}
