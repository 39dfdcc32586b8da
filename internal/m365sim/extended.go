package m365sim

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/gjson"
)

// Extended properties (fact sheet §3.7).

type extended struct{ id, value string }

// exactText is compared with case; extendedID too, but for the GUID in it.
type (
	exactText  string
	extendedID string
)

func (e extended) lookup(path string) any {
	switch path {
	case "id":
		return extendedID(e.id)
	case "value":
		return exactText(e.value)
	}
	return nil
}

var extendedForm = regexp.MustCompile(`^(String|Integer|Short|Long|Boolean|Double|Float|Currency|SystemTime|Binary|CLSID|ApplicationTime) (\{[0-9A-Fa-f-]{36}\} (Name .+|Id 0x[0-9A-Fa-f]+)|0x[0-9A-Fa-f]+)$`)

// knownIDs keeps one copy of each id: thousands of items carry the same few.
var knownIDs sync.Map

// normalID writes the GUID of an id in small letters, so that ids can be compared.
func normalID(id string) (string, bool) {
	if known, ok := knownIDs.Load(id); ok {
		return known.(string), true
	}
	if !extendedForm.MatchString(id) {
		return id, false
	}
	normal := id
	if from, to := strings.IndexByte(id, '{'), strings.IndexByte(id, '}'); from >= 0 && to > from {
		normal = id[:from] + strings.ToLower(id[from:to]) + id[to:]
	}
	knownIDs.Store(strings.Clone(id), strings.Clone(normal))
	return normal, true
}

func readExtended(v gjson.Result) (list []extended, err *graphError) {
	if v.Type == gjson.Null {
		return nil, nil
	}
	if !v.IsArray() {
		return nil, wrongType("singleValueExtendedProperties")
	}
	v.ForEach(func(_, one gjson.Result) bool {
		id, ok := normalID(one.Get("id").Str)
		if !ok {
			err = badRequest("ErrorInvalidArgument", "The extended property id '"+id+"' is not valid.")
			return false
		}
		value := one.Get("value")
		if value.Type != gjson.String && value.Type != gjson.Null {
			err = wrongType("singleValueExtendedProperties/value")
			return false
		}
		list = append(list, extended{id, strings.Clone(value.Str)})
		return true
	})
	return list, err
}

// mergeExtended puts change over have. An empty value takes the property away.
func mergeExtended(have, change []extended) []extended {
	if len(change) == 0 {
		return have
	}
	out := slices.Clone(have)
	for _, c := range change {
		out = slices.DeleteFunc(out, func(e extended) bool { return e.id == c.id })
		if c.value != "" {
			out = append(out, c)
		}
	}
	return out
}

// appendExtended shows those that $expand named; without $expand none, as they are a navigation.
func appendExtended(b []byte, have []extended, wanted []string) []byte {
	if len(wanted) == 0 || len(have) == 0 {
		return b
	}
	first := true
	for _, e := range have {
		if !slices.ContainsFunc(wanted, func(id string) bool { n, _ := normalID(id); return n == e.id }) {
			continue
		}
		if first {
			b = append(appendKey(b, "singleValueExtendedProperties"), '[')
		} else {
			b = append(b, ',')
		}
		first = false
		b = append(b, '{')
		b = appendTextMember(b, "id", e.id)
		b = appendTextMember(b, "value", e.value)
		b = append(b, '}')
	}
	if !first {
		b = append(b, ']')
	}
	return b
}
