package graph

import (
	"strconv"
	"unicode/utf8"
)

// An Object is a JSON object under construction, for bodies of which only some members are meant: what is not added is
// left alone by Graph, what is added as null is cleared. Names must be plain ASCII. The zero value is an empty object.
type Object struct {
	buf []byte
}

// Sized makes an empty object with room for a text of n bytes.
func Sized(n int) Object { return Object{make([]byte, 0, n)} }

func (o *Object) key(name string) {
	if len(o.buf) == 0 {
		o.buf = append(o.buf, '{')
	} else {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, name...)
	o.buf = append(o.buf, '"', ':')
}

// Empty reports whether nothing was added.
func (o *Object) Empty() bool { return len(o.buf) == 0 }

// Null adds a member that clears.
func (o *Object) Null(name string) {
	o.key(name)
	o.buf = append(o.buf, "null"...)
}

// String adds a string.
func (o *Object) String(name, value string) {
	o.key(name)
	o.buf = appendString(o.buf, value)
}

// Bool adds a truth value.
func (o *Object) Bool(name string, value bool) {
	o.key(name)
	o.buf = strconv.AppendBool(o.buf, value)
}

// Int adds a number.
func (o *Object) Int(name string, value int) {
	o.key(name)
	o.buf = strconv.AppendInt(o.buf, int64(value), 10)
}

// Strings adds a list of strings; nil is the empty list.
func (o *Object) Strings(name string, values []string) {
	o.key(name)
	o.buf = append(o.buf, '[')
	for i, v := range values {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = appendString(o.buf, v)
	}
	o.buf = append(o.buf, ']')
}

// Object adds an object.
func (o *Object) Object(name string, value Object) {
	o.key(name)
	o.buf = append(o.buf, value.JSON()...)
}

// Objects adds a list of objects.
func (o *Object) Objects(name string, values []Object) {
	o.key(name)
	o.buf = append(o.buf, '[')
	for i, v := range values {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = append(o.buf, v.JSON()...)
	}
	o.buf = append(o.buf, ']')
}

// JSON is the object's text. Nothing may be added to the object after it.
func (o *Object) JSON() []byte {
	if len(o.buf) == 0 {
		return []byte("{}")
	}
	return append(o.buf, '}')
}

// appendString appends s as JSON. Bytes that are not UTF-8 become U+FFFD, as JSON has no form for them.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			b = append(append(b, s[from:i]...), `\ufffd`...)
			i, from = i+1, i+1
			continue
		}
		b = append(b, s[from:i]...)
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
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i, from = i+1, i+1
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
