package importfile

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Decode makes UTF-8 of a file, without a byte order mark. Where a fold cuts a letter in two the lines are unfolded
// first; a line that even so is not UTF-8 is read as Windows-1252.
func Decode(raw []byte) string {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(raw))
	if utf8.ValidString(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		for !utf8.ValidString(lines[i]) && i+1 < len(lines) && strings.HasPrefix(lines[i+1], " ") {
			lines[i] += lines[i+1][1:]
			lines = slices.Delete(lines, i+1, i+2)
		}
		if !utf8.ValidString(lines[i]) {
			if line, err := charmap.Windows1252.NewDecoder().String(lines[i]); err == nil {
				lines[i] = line
			}
		}
	}
	return strings.Join(lines, "\n")
}

// unfold gives the content lines of a file: lines that begin with white space continue the one before. Empty lines are
// nobody's.
func unfold(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "":
		case (line[0] == ' ' || line[0] == '\t') && len(out) > 0:
			out[len(out)-1] += line[1:]
		default:
			out = append(out, line)
		}
	}
	return out
}

// unescape takes the backslashes out of a text value.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		case '\\', ',', ';', ':', '"':
			b.WriteByte(s[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// split cuts a value at separators that no backslash protects.
func split(s string, separator byte) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[min(start, len(s)):])
}
