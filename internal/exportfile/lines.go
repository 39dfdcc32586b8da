package exportfile

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// escaped is a text as the lines of cards and calendars hold it (RFC 6350 §3.4, RFC 5545 §3.3.11).
func escaped(s string) string { return escapes.Replace(s) }

var escapes = strings.NewReplacer(`\`, `\\`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`, ",", `\,`, ";", `\;`)

// lineMost is how many octets a line has at most, its end not counted (RFC 5545 §3.1).
const lineMost = 75

// folder writes lines ended by \r\n and folds those that are too long, never within a letter.
type folder struct {
	out  io.Writer
	rest bytes.Buffer // of a line whose end was not written yet
}

func (f *folder) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, after, ended := bytes.Cut(p, []byte("\n"))
		f.rest.Write(line)
		if !ended {
			return n, nil
		}
		if err := f.line(bytes.TrimSuffix(f.rest.Bytes(), []byte("\r"))); err != nil {
			return 0, err
		}
		f.rest.Reset()
		p = after
	}
}

func (f *folder) line(line []byte) error {
	var out bytes.Buffer
	for room := lineMost; len(line) > room; room = lineMost - 1 {
		at := room
		for at > room-utf8.UTFMax && !utf8.RuneStart(line[at]) {
			at--
		}
		out.Write(line[:at])
		out.WriteString("\r\n ")
		line = line[at:]
	}
	out.Write(line)
	out.WriteString("\r\n")
	_, err := f.out.Write(out.Bytes())
	return err
}
