package m365sim

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// A schema is the table of an entity's properties. Reading what a client sends, checking it, storing it,
// choosing by $select and writing it out all walk the same rows.
type schema struct {
	name  string // such as microsoft.graph.contact
	rows  []property
	index map[string]int
	shown selection // without $select
	sorts []string  // what $orderby and $filter may name
}

// A property is one row. What is stored is the property's JSON, checked; what is not stored reads as empty.
type property struct {
	name   string
	empty  string                                   // JSON of the value that was never set
	take   taker                                    // checks a value that was sent; nil: the service's own
	show   func(b []byte, it *item, v *view) []byte // computes the value instead of storing it
	hidden bool                                     // shown only when $select names it
}

// A taker appends a checked value to b.
type taker func(b []byte, v gjson.Result, name string) ([]byte, *graphError)

// A selection is a set of rows.
type selection uint64

func newSchema(name string, sorts []string, rows []property) *schema {
	sch := &schema{name: name, rows: rows, index: make(map[string]int, len(rows)), sorts: sorts}
	for i, row := range rows {
		if row.name == "" {
			panic("m365sim: a row of " + name + " was left out")
		}
		sch.index[row.name] = i
		if !row.hidden {
			sch.shown |= 1 << i
		}
		if row.empty == "" {
			rows[i].empty = "null"
		}
	}
	if len(rows) > bits.UintSize {
		panic("m365sim: " + name + " has more properties than a selection holds")
	}
	return sch
}

// selection reads $select. The id always comes along.
func (sch *schema) selection(text string) (selection, *graphError) {
	var chosen selection
	if i, ok := sch.index["id"]; ok {
		chosen = 1 << i
	}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "*" {
			chosen |= sch.shown
			continue
		}
		i, ok := sch.index[name]
		if !ok {
			i = slices.IndexFunc(sch.rows, func(p property) bool { return strings.EqualFold(p.name, name) })
			if i < 0 && slices.Contains([]string{"singleValueExtendedProperties", "exceptionOccurrences"}, name) {
				continue // navigation: shown by $expand
			}
		}
		if i < 0 || !ok && i < 0 {
			return 0, badRequest("RequestBroker--ParseUri", "Could not find a property named '"+name+"' on type '"+sch.name+"'.")
		}
		chosen |= 1 << i
	}
	return chosen, nil
}

func (sch *schema) sortable(path string) bool { return slices.Contains(sch.sorts, path) }

func (sch *schema) filterable(path string) bool {
	return slices.Contains(sch.sorts, path) || path == "singleValueExtendedProperties"
}

// A doc holds the stored properties of an item, in the order of the rows.
type doc []stored

type stored struct {
	at  uint8
	raw string
}

// get returns the stored JSON of a row, empty when there is none.
func (d doc) get(at int) string {
	for _, s := range d {
		if int(s.at) == at {
			return s.raw
		}
	}
	return ""
}

// text returns a stored string, unescaped.
func (d doc) text(at int) string {
	raw := d.get(at)
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if inner := raw[1 : len(raw)-1]; strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return gjson.Parse(raw).Str
}

// set returns the doc with one property changed; raw "" or "null" takes it away. The receiver stays as it is.
func (d doc) set(at int, raw string) doc {
	out := make(doc, 0, len(d)+1)
	placed := raw == "" || raw == "null"
	for _, s := range d {
		if !placed && int(s.at) > at {
			out = append(out, stored{uint8(at), raw})
			placed = true
		}
		if int(s.at) != at {
			out = append(out, s)
		}
	}
	if !placed {
		out = append(out, stored{uint8(at), raw})
	}
	return out
}

// merge returns d with the properties of change in place of its own. A stored "null" in change clears.
func (d doc) merge(change doc) doc {
	out := make(doc, 0, len(d)+len(change))
	i, j := 0, 0
	for i < len(d) || j < len(change) {
		switch {
		case j == len(change) || i < len(d) && d[i].at < change[j].at:
			out = append(out, d[i])
			i++
		case i < len(d) && d[i].at == change[j].at:
			i++
		default:
			if change[j].raw != "null" {
				out = append(out, change[j])
			}
			j++
		}
	}
	return out
}

// received is a document that a client sent: checked, in the schema's words.
type received struct {
	doc      doc // "null" stands for a property that is to be cleared
	extended []extended
}

func (r received) has(at int) bool { return r.doc.get(at) != "" }

// read checks a JSON object against the rows (fact sheet §3.2: unknown plain properties are refused).
func (sch *schema) read(body string) (received, *graphError) {
	var r received
	if body == "" {
		return r, badRequest("RequestBodyRead", "The request body is empty.")
	}
	if !gjson.Valid(body) {
		return r, badRequest("BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	parsed := gjson.Parse(body)
	if !parsed.IsObject() {
		return r, badRequest("RequestBodyRead", "The request body must be a JSON object.")
	}
	var (
		refused *graphError
		buf     [1024]byte
		arena   = buf[:0]
		spans   [bits.UintSize]struct{ from, to int }
	)
	parsed.ForEach(func(key, value gjson.Result) bool {
		at, ok := sch.index[key.Str]
		if !ok {
			refused = sch.readOther(&r, key.Str, value)
			return refused == nil
		}
		row := &sch.rows[at]
		if row.take == nil {
			refused = badRequest("ErrorInvalidPropertySet", "The property '"+row.name+"' is read-only and cannot be set.")
			return false
		}
		from := len(arena)
		if arena, refused = row.take(arena, value, row.name); refused != nil {
			return false
		}
		spans[at].from, spans[at].to = from, len(arena)
		return true
	})
	if refused != nil {
		return received{}, refused
	}
	all, n := string(arena), 0
	for _, s := range spans {
		if s.to > 0 {
			n++
		}
	}
	r.doc = make(doc, 0, n)
	for at, s := range spans {
		if s.to > 0 {
			r.doc = append(r.doc, stored{uint8(at), all[s.from:s.to]})
		}
	}
	return r, nil
}

func (sch *schema) readOther(r *received, name string, value gjson.Result) (err *graphError) {
	switch {
	case name == "singleValueExtendedProperties":
		r.extended, err = readExtended(value)
		return err
	case strings.Contains(name, "@"): // an annotation, such as @odata.type
		return nil
	case name == "extensions" || name == "multiValueExtendedProperties" || name == "attachments":
		return newGraphError(501, "NotImplemented", "The simulator does not model "+name+".")
	}
	return badRequest("RequestBodyRead", "The property '"+name+"' does not exist on type '"+sch.name+
		"'. Make sure to only use property names that are defined by the type.")
}

// withoutNulls drops the clearing marks, for a document that creates something.
func (d doc) withoutNulls() doc {
	return slices.DeleteFunc(d, func(s stored) bool { return s.raw == "null" })
}

// write appends the members of the chosen rows.
func (sch *schema) write(b []byte, it *item, v *view) []byte {
	chosen := v.chosen
	if chosen == 0 {
		chosen = sch.shown
	}
	rest := it.props
	for i := range sch.rows {
		for len(rest) > 0 && int(rest[0].at) < i {
			rest = rest[1:]
		}
		if chosen&(1<<i) == 0 {
			continue
		}
		row := &sch.rows[i]
		if row.show != nil {
			b = row.show(b, it, v)
			continue
		}
		raw := row.empty
		if len(rest) > 0 && int(rest[0].at) == i {
			raw = rest[0].raw
		}
		b = appendRawMember(b, row.name, raw)
	}
	return appendExtended(b, it.extended, v.extended)
}
