package importfile

import (
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/emersion/go-vcard"
	"golang.org/x/text/encoding/htmlindex"
)

// Cards reads the cards of a file. vCard 2.1 is put into the form of 3.0 first: quoted-printable values decoded from
// their charset, lines of base64 joined, types given their name; that is what the library reads.
func Cards(text string) []*Entry {
	var entries []*Entry
	for _, lines := range cardLines(text) {
		var good, broken []string
		for _, line := range lines {
			if line, ok := modern(line); ok {
				good = append(good, line)
			} else {
				broken = append(broken, line)
			}
		}
		card, err := vcard.NewDecoder(strings.NewReader("BEGIN:VCARD\n" + strings.Join(good, "\n") + "\nEND:VCARD\n")).Decode()
		if err != nil && !errors.Is(err, io.EOF) {
			card, broken = vcard.Card{}, lines
		}
		entries = append(entries, newCard(card, broken).convert())
	}
	return entries
}

// cardLines gives the content lines of each card, without BEGIN and END.
func cardLines(text string) (cards [][]string) {
	var now []string
	inside := false
	for _, line := range joinLines(text) {
		switch upper := strings.ToUpper(strings.TrimSpace(line)); {
		case upper == "BEGIN:VCARD":
			if inside { // the one before was never ended
				cards = append(cards, now)
			}
			inside, now = true, nil
		case upper == "END:VCARD":
			if inside {
				cards = append(cards, now)
			}
			inside, now = false, nil
		case inside:
			now = append(now, line)
		}
	}
	if inside {
		cards = append(cards, now)
	}
	return cards
}

// joinLines joins what belongs to one content line: folded lines, soft line breaks of quoted-printable (kept as such,
// they are decoded later), base64 without indentation up to an empty line.
func joinLines(text string) []string {
	var out []string
	var now strings.Builder // the line that is being joined
	begun, soft, data := false, false, false
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case soft:
			now.WriteString("\n" + line)
			soft = strings.HasSuffix(line, "=")
			continue
		case line == "":
			data = false
			continue
		case (line[0] == ' ' || line[0] == '\t') && begun:
			now.WriteString(line[1:])
		case data && !strings.ContainsAny(line, ":;"):
			now.WriteString(line)
			continue
		default:
			if begun {
				out = append(out, now.String())
				now.Reset()
			}
			now.WriteString(line)
			begun = true
		}
		head, _, _ := strings.Cut(strings.ToUpper(line), ":")
		soft = strings.Contains(head, "QUOTED-PRINTABLE") && strings.HasSuffix(line, "=")
		data = strings.Contains(head, "BASE64")
	}
	if begun {
		out = append(out, now.String())
	}
	return out
}

// modern puts one content line into the form of vCard 3.0; false: it is no property.
func modern(line string) (string, bool) {
	head, value, ok := cutHead(line)
	if !ok {
		return line, false
	}
	parts := strings.Split(head, ";")
	name, params := parts[0], []string{}
	charset, quoted := "", false
	for _, p := range parts[1:] {
		key, v, named := strings.Cut(p, "=")
		upper := strings.ToUpper(p)
		switch {
		case strings.EqualFold(key, "CHARSET"):
			charset = v
		case upper == "QUOTED-PRINTABLE", strings.EqualFold(key, "ENCODING") && strings.EqualFold(v, "QUOTED-PRINTABLE"):
			quoted = true
		case upper == "BASE64":
			params = append(params, "ENCODING=b")
		case !named && p != "":
			params = append(params, "TYPE="+p)
		case p != "":
			params = append(params, p)
		}
	}
	if quoted {
		raw, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value)))
		if err != nil && len(raw) == 0 {
			return line, false
		}
		value = escapeLines(inCharset(string(raw), charset))
	}
	if strings.TrimSpace(name) == "" {
		return line, false
	}
	value = strings.ReplaceAll(value, `\`, `\\`) // the library takes one layer of backslashes off; values here keep theirs
	return strings.Join(append([]string{name}, params...), ";") + ":" + value, true
}

// cutHead cuts a line at the colon that ends its name and parameters, which may have quoted colons.
func cutHead(line string) (head, value string, ok bool) {
	quoted := false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ':' && !quoted:
			return line[:i], line[i+1:], i > 0
		}
	}
	return "", "", false
}

// inCharset decodes bytes from a charset; what is unknown is taken as UTF-8.
func inCharset(raw, charset string) string {
	if charset == "" {
		return Decode([]byte(raw))
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return Decode([]byte(raw))
	}
	text, err := enc.NewDecoder().String(raw)
	if err != nil {
		return Decode([]byte(raw))
	}
	return text
}

// escapeLines keeps line ends of a decoded value from ending the content line.
func escapeLines(s string) string {
	return strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(s)
}
