package m365sim

import (
	"net/url"
	"strings"
)

// A query is the part after the question mark. Names are compared without case, as the service does.
type query []pair

type pair struct{ name, value string }

func parseQuery(raw string) query {
	if raw == "" {
		return nil
	}
	q := make(query, 0, 4)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		q = append(q, pair{unescape(name), unescape(value)})
	}
	return q
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

func (q query) get(name string) string {
	for _, p := range q {
		if strings.EqualFold(p.name, name) {
			return p.value
		}
	}
	return ""
}

// with returns the query without the names given, and with one more pair.
func (q query) with(name, value string, without ...string) query {
	out := make(query, 0, len(q)+1)
next:
	for _, p := range q {
		for _, w := range without {
			if strings.EqualFold(p.name, w) {
				continue next
			}
		}
		out = append(out, p)
	}
	return append(out, pair{name, value})
}

func (q query) encode() string {
	var b strings.Builder
	for i, p := range q {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(strings.ReplaceAll(url.QueryEscape(p.name), "%24", "$"))
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(p.value), "+", "%20"))
	}
	return b.String()
}
