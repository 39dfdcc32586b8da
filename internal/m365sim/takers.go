package m365sim

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Takers.

func wrongType(name string) *graphError {
	return badRequest("RequestBodyRead", "Cannot convert the value of property '"+name+"' to the type that it has.")
}

// takeText takes a string. An empty one reads as null afterwards, as the store keeps no empty properties [K].
func takeText(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	switch v.Type {
	case gjson.Null:
		return append(b, "null"...), nil
	case gjson.String:
		if v.Str == "" {
			return append(b, "null"...), nil
		}
		return append(b, v.Raw...), nil
	}
	return b, wrongType(name)
}

func takeBool(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	switch v.Type {
	case gjson.Null, gjson.True, gjson.False:
		return append(b, v.Raw...), nil
	}
	return b, wrongType(name)
}

func takeInt(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	if v.Type != gjson.Number || v.Num != float64(int32(v.Num)) {
		return b, wrongType(name)
	}
	return strconv.AppendInt(b, int64(v.Num), 10), nil
}

// takeWord takes one of the members of an enumeration, in any case, and stores it as documented.
func takeWord(words ...string) taker {
	return func(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
		if v.Type == gjson.Null {
			return append(b, "null"...), nil
		}
		if v.Type == gjson.String {
			for _, w := range words {
				if strings.EqualFold(w, v.Str) {
					return appendString(b, w), nil
				}
			}
		}
		return b, badRequest("RequestBodyRead", "Requested value '"+v.String()+"' was not found for property '"+name+"'.")
	}
}

// takeTexts takes a list of strings; most bounds it where Graph does (fact sheet §1.1, §7).
func takeTexts(most int) taker {
	return func(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
		if v.Type == gjson.Null {
			return append(b, "null"...), nil
		}
		if !v.IsArray() {
			return b, wrongType(name)
		}
		n, ok := 0, true
		b = append(b, '[')
		v.ForEach(func(_, one gjson.Result) bool {
			if ok = one.Type == gjson.String; !ok {
				return false
			}
			if n > 0 {
				b = append(b, ',')
			}
			b = append(b, one.Raw...)
			n++
			return true
		})
		if !ok {
			return b, wrongType(name)
		}
		if most > 0 && n > most {
			return b, tooMany(name, n, most)
		}
		return append(b, ']'), nil
	}
}

// tooMany is the refusal of a list that does not fit, in the words that users report (fact sheet §1.1).
func tooMany(name string, n, most int) *graphError {
	return badRequest("ErrorInvalidArgument", "The multi value property "+strings.ToUpper(name[:1])+name[1:]+" has "+strconv.Itoa(n)+
		" entries, that exceeds the max allowed value of "+strconv.Itoa(most)+".")
}
