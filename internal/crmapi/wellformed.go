package crmapi

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

var errMalformed = problem{status: 400, code: "UNABLE_TO_PARSE_DATA_TYPE", message: "the request body is not well-formed JSON"}

// wellFormed refuses JSON text that would have to be guessed at: bytes that are no UTF-8, half of a surrogate pair, a
// key that stands twice in one object.
func wellFormed(text []byte) error {
	if !utf8.Valid(text) || !json.Valid(text) || loneSurrogate(text) {
		return errMalformed
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if name, twice := repeated(d); twice {
		p := errMalformed
		p.message, p.details = "a key stands twice in one object", object{"api_name": name}
		return p
	}
	return nil
}

// repeated looks for a key that stands twice in one object, in valid JSON.
func repeated(d *json.Decoder) (string, bool) {
	var open []map[string]bool // keys seen, of each object or list (nil) around
	key := false               // a key comes next
	for {
		token, err := d.Token()
		if err != nil {
			return "", false
		}
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
			key = len(open) > 0 && open[len(open)-1] != nil
			continue
		case string:
			if key {
				seen := open[len(open)-1]
				if seen[v] {
					return v, true
				}
				seen[v], key = true, false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// loneSurrogate looks in valid JSON for \u escapes that are half of a pair.
func loneSurrogate(text []byte) bool {
	high := false // the escape before was the first half
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			if high {
				return true
			}
			continue
		}
		i++
		if text[i] != 'u' {
			if high {
				return true
			}
			continue
		}
		n, _ := strconv.ParseUint(string(text[i+1:i+5]), 16, 32)
		i += 4
		switch r := rune(n); {
		case high && r >= 0xDC00 && r <= 0xDFFF:
			high = false
		case high || r >= 0xDC00 && r <= 0xDFFF:
			return true
		default:
			high = utf16.IsSurrogate(r)
		}
	}
	return false
}

// control reports whether a text in the value has a control character other than those that end lines or indent.
func control(raw json.RawMessage) bool {
	if bytes.IndexByte(raw, '\\') < 0 && bytes.IndexByte(raw, 0x7F) < 0 && bytes.IndexByte(raw, 0xC2) < 0 {
		return false // they cannot stand in JSON any other way; 0xC2 begins U+0080 to U+009F
	}
	var v any
	return json.Unmarshal(raw, &v) == nil && hasControl(v)
}

func hasControl(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsFunc(v, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
		})
	case []any:
		for _, item := range v {
			if hasControl(item) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if hasControl(item) {
				return true
			}
		}
	}
	return false
}
