package importfile

import (
	"bytes"
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
	var out []string
	for i := 0; i < len(lines); i++ {
		line := []byte(lines[i])
		good := textTo(line, 0)
		for good < len(line) && i+1 < len(lines) && strings.HasPrefix(lines[i+1], " ") {
			i++
			line = append(line, lines[i][1:]...)
			good = textTo(line, good)
		}
		if good < len(line) {
			if latin, err := charmap.Windows1252.NewDecoder().Bytes(line); err == nil {
				line = latin
			}
		}
		out = append(out, string(line))
	}
	return strings.Join(out, "\n")
}

// textTo is up to where a line is UTF-8, of which that is known up to a place.
func textTo(line []byte, known int) int {
	for known < len(line) {
		r, size := utf8.DecodeRune(line[known:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		known += size
	}
	return known
}

// unfold gives the content lines of a file: lines that begin with white space continue the one before. Empty lines are
// nobody's.
func unfold(text string) []string {
	var out []string
	var now strings.Builder // the line that is being joined
	begun := false
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "":
		case (line[0] == ' ' || line[0] == '\t') && begun:
			now.WriteString(line[1:])
		default:
			if begun {
				out = append(out, now.String())
				now.Reset()
			}
			now.WriteString(line)
			begun = true
		}
	}
	if begun {
		out = append(out, now.String())
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
