package m365sim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends text as a JSON string.
func appendString(b []byte, text string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, text[from:i]...)
				b = append(b, `\ufffd`...)
				i++
				from = i
				continue
			}
			i += size
			continue
		}
		b = append(b, text[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	b = append(b, text[from:]...)
	return append(b, '"')
}

// appendKey appends a member name and its colon, with a comma unless it is the first of its object.
func appendKey(b []byte, name string) []byte {
	if last := b[len(b)-1]; last != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendTextMember(b []byte, name, value string) []byte {
	return appendString(appendKey(b, name), value)
}

func appendBoolMember(b []byte, name string, value bool) []byte {
	return strconv.AppendBool(appendKey(b, name), value)
}

func appendRawMember(b []byte, name, raw string) []byte {
	return append(appendKey(b, name), raw...)
}

// quoted is text as a JSON string.
func quoted(text string) string { return string(appendString(nil, text)) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// appendBase64 appends bytes as base64, for what is no JSON inside a batch.
func appendBase64(b, raw []byte) []byte { return base64.StdEncoding.AppendEncode(b, raw) }

// appendInstant appends a time with seven digits after the second, as events have it.
func appendInstant(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(append(b, '"'), `2006-01-02T15:04:05.0000000Z"`)
}

// appendSeconds appends a time in whole seconds, as contacts have it.
func appendSeconds(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(append(b, '"'), `2006-01-02T15:04:05Z"`)
}
