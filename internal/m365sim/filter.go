package m365sim

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// A condition is a parsed $filter: the part of OData that the modelled routes document. Its leaves compare a
// property with a literal; any() looks into the extended properties (fact sheet §3.7).
type condition struct {
	op    string // and or not any; eq ne ge gt le lt; startswith endswith contains
	path  string // of a leaf, and the collection of any
	value any    // of a leaf: string, bool, float64, time.Time or nil
	kids  []*condition
}

// A lookup gives the value of a property: string, bool, float64, time.Time, []extended or nil.
type lookup func(path string) any

// parseFilter reads a $filter. known says which properties may stand in it.
func parseFilter(text string, known func(path string) bool) (*condition, *graphError) {
	p := filterParser{rest: text, known: known}
	cond := p.or("")
	p.space()
	if p.err == nil && p.rest != "" {
		p.refuse("Syntax error at '" + p.rest + "'")
	}
	return cond, p.err
}

type filterParser struct {
	rest  string
	known func(string) bool
	err   *graphError
}

func (p *filterParser) refuse(why string) {
	if p.err == nil {
		p.err = badRequest("BadRequest", "Invalid filter clause: "+why+".")
	}
}

func (p *filterParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// word takes an identifier with slashes and dots, such as start/dateTime.
func (p *filterParser) word() string {
	p.space()
	n := 0
	for n < len(p.rest) {
		c := p.rest[n]
		if c == '/' || c == '_' || c == '.' || c == '-' || c == '+' || c == ':' && n > 0 && c1digit(p.rest[:n]) ||
			c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			n++
			continue
		}
		break
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

// c1digit tells a date, in which colons may stand, from the variable of any(ep: …).
func c1digit(text string) bool { return text[0] >= '0' && text[0] <= '9' }

func (p *filterParser) take(token string) bool {
	p.space()
	if !strings.HasPrefix(p.rest, token) {
		return false
	}
	p.rest = p.rest[len(token):]
	return true
}

// keyword takes a word such as "and" when it stands next.
func (p *filterParser) keyword(word string) bool {
	save := p.rest
	if strings.EqualFold(p.word(), word) {
		return true
	}
	p.rest = save
	return false
}

func (p *filterParser) or(variable string) *condition {
	left := p.and(variable)
	for p.err == nil && p.keyword("or") {
		left = &condition{op: "or", kids: []*condition{left, p.and(variable)}}
	}
	return left
}

func (p *filterParser) and(variable string) *condition {
	left := p.term(variable)
	for p.err == nil && p.keyword("and") {
		left = &condition{op: "and", kids: []*condition{left, p.term(variable)}}
	}
	return left
}

func (p *filterParser) term(variable string) *condition {
	if p.err != nil {
		return nil
	}
	if p.keyword("not") {
		return &condition{op: "not", kids: []*condition{p.term(variable)}}
	}
	if p.take("(") {
		inner := p.or(variable)
		if !p.take(")") {
			p.refuse("a bracket is not closed")
		}
		return inner
	}
	name := p.word()
	if name == "" {
		p.refuse("Syntax error at '" + p.rest + "'")
		return nil
	}
	switch lower := strings.ToLower(name); {
	case lower == "startswith" || lower == "endswith" || lower == "contains":
		return p.function(lower, variable)
	case strings.HasSuffix(lower, "/any"):
		return p.any(name[:len(name)-len("/any")])
	}
	path := p.path(name, variable)
	op := strings.ToLower(p.word())
	switch op {
	case "eq", "ne", "ge", "gt", "le", "lt":
	default:
		p.refuse("'" + op + "' is no operator")
		return nil
	}
	return &condition{op: op, path: path, value: p.literal()}
}

func (p *filterParser) function(op, variable string) *condition {
	if !p.take("(") {
		p.refuse("a bracket is missing after " + op)
		return nil
	}
	path := p.path(p.word(), variable)
	if !p.take(",") {
		p.refuse(op + " takes two arguments")
		return nil
	}
	value := p.literal()
	if !p.take(")") {
		p.refuse("a bracket is not closed")
	}
	return &condition{op: op, path: path, value: value}
}

func (p *filterParser) any(collection string) *condition {
	if !p.known(collection) {
		p.refuse("Could not find a property named '" + collection + "'")
		return nil
	}
	if !p.take("(") {
		p.refuse("a bracket is missing after any")
		return nil
	}
	variable := p.word()
	if !p.take(":") {
		p.refuse("any needs a variable")
		return nil
	}
	inner := p.or(variable)
	if !p.take(")") {
		p.refuse("a bracket is not closed")
	}
	return &condition{op: "any", path: collection, kids: []*condition{inner}}
}

// path checks a property's name; inside any() it belongs to the variable.
func (p *filterParser) path(name, variable string) string {
	if variable != "" {
		rest, ok := strings.CutPrefix(name, variable+"/")
		if !ok {
			p.refuse("'" + name + "' does not belong to " + variable)
		}
		return rest
	}
	if !p.known(name) {
		p.refuse("Could not find a property named '" + name + "'")
	}
	return name
}

func (p *filterParser) literal() any {
	p.space()
	if strings.HasPrefix(p.rest, "'") {
		var b strings.Builder
		for i := 1; i < len(p.rest); i++ {
			if p.rest[i] != '\'' {
				b.WriteByte(p.rest[i])
				continue
			}
			if i+1 < len(p.rest) && p.rest[i+1] == '\'' { // a doubled quote stands for one
				b.WriteByte('\'')
				i++
				continue
			}
			p.rest = p.rest[i+1:]
			return b.String()
		}
		p.refuse("a text is not closed")
		return nil
	}
	w := p.word()
	switch w {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if t, err := time.Parse(time.RFC3339Nano, w); err == nil {
		return t
	}
	if f, err := strconv.ParseFloat(w, 64); err == nil {
		return f
	}
	p.refuse("'" + w + "' is no value")
	return nil
}

// holds evaluates the condition on one entity.
func (c *condition) holds(get lookup) bool {
	switch c.op {
	case "and":
		return c.kids[0].holds(get) && c.kids[1].holds(get)
	case "or":
		return c.kids[0].holds(get) || c.kids[1].holds(get)
	case "not":
		return !c.kids[0].holds(get)
	case "any":
		all, _ := get(c.path).([]extended)
		for _, e := range all {
			if c.kids[0].holds(e.lookup) {
				return true
			}
		}
		return false
	case "startswith", "endswith", "contains":
		part, _ := c.value.(string)
		switch text := get(c.path).(type) {
		case string:
			return textTest(c.op, strings.ToLower(text), strings.ToLower(part))
		case exactText:
			return textTest(c.op, string(text), part)
		}
		return false
	}
	return c.compares(get(c.path))
}

func textTest(op, text, part string) bool {
	switch op {
	case "startswith":
		return strings.HasPrefix(text, part)
	case "endswith":
		return strings.HasSuffix(text, part)
	}
	return strings.Contains(text, part)
}

func (c *condition) compares(have any) bool {
	order, ok := compareValues(have, c.value)
	if !ok {
		return c.op == "ne"
	}
	switch c.op {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "ge":
		return order >= 0
	case "gt":
		return order > 0
	case "le":
		return order <= 0
	}
	return order < 0
}

func compareValues(have, want any) (int, bool) {
	if have == nil || want == nil {
		return 0, have == nil && want == nil
	}
	switch h := have.(type) {
	case exactText:
		w, ok := want.(string)
		return strings.Compare(string(h), w), ok
	case extendedID:
		w, _ := want.(string)
		normal, ok := normalID(w)
		return strings.Compare(string(h), normal), ok
	case string:
		w, ok := want.(string)
		return strings.Compare(strings.ToLower(h), strings.ToLower(w)), ok
	case bool:
		w, ok := want.(bool)
		if h == w {
			return 0, ok
		}
		return 1, ok
	case float64:
		w, ok := want.(float64)
		return cmp.Compare(h, w), ok
	case time.Time:
		switch w := want.(type) {
		case time.Time:
			return h.Compare(w), true
		case string: // start/dateTime is compared with a quoted time (fact sheet §1)
			t, err := parseMoment(w)
			return h.Compare(t), err == nil
		}
	}
	return 0, false
}

// since returns the earliest value that a property can have where the condition holds, from comparisons that
// must be true in any case. ok is false when there is no such bound.
func (c *condition) since(path string) (from time.Time, ok bool) {
	if c == nil {
		return time.Time{}, false
	}
	switch c.op {
	case "and":
		a, okA := c.kids[0].since(path)
		b, okB := c.kids[1].since(path)
		if okA && okB && b.After(a) || !okA {
			return b, okB
		}
		return a, okA
	case "ge", "gt", "eq":
		t, isTime := c.value.(time.Time)
		return t, isTime && c.path == path
	}
	return time.Time{}, false
}
