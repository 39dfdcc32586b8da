package m365sim

import (
	"strconv"
	"strings"
)

const (
	defaultTop = 10  // of Outlook collections (fact sheet §1)
	maxTop     = 999 // what more is asked for is cut to this
)

// options are the query options of one request, read and checked.
type options struct {
	chosen     selection
	top        int
	topGiven   bool
	skip       int
	count      bool
	order      []ordering
	filter     *condition
	search     string
	extended   []string  // ids of extended properties to show
	exceptions bool      // $expand=exceptionOccurrences
	ofThose    selection // what to show of them
	skipToken  string
	deltaToken string
}

type ordering struct {
	path string
	down bool
}

// options reads the query with the words of one schema. Options that the schema cannot serve are refused;
// parameters without a dollar sign that nobody knows are passed over, as the service adds such itself.
func (c *call) options(sch *schema) (o options, err *graphError) {
	o.top = defaultTop
	for _, p := range c.query {
		switch strings.ToLower(p.name) {
		case "$select":
			o.chosen, err = sch.selection(p.value)
		case "$top":
			o.top, err = wholeNumber(p)
			o.top, o.topGiven = min(o.top, maxTop), true
		case "$skip":
			o.skip, err = wholeNumber(p)
		case "$count":
			o.count = strings.EqualFold(p.value, "true")
		case "$orderby":
			o.order, err = parseOrder(p.value, sch.sortable)
		case "$filter":
			o.filter, err = parseFilter(p.value, sch.filterable)
		case "$search":
			o.search = p.value
		case "$expand":
			err = o.expand(p.value, sch)
		case "$skiptoken":
			o.skipToken = p.value
		case "$deltatoken":
			o.deltaToken = p.value
		case "$format":
		default:
			if strings.HasPrefix(p.name, "$") {
				err = badRequest("BadRequest", "The query parameter '"+p.name+"' is not supported.")
			}
		}
		if err != nil {
			return o, err
		}
	}
	if c.prefer.pageSize > 0 && !o.topGiven {
		o.top = c.prefer.pageSize
	}
	if most := c.s.warts.Load().MaxPage; most > 0 {
		o.top = min(o.top, most)
	}
	return o, nil
}

func wholeNumber(p pair) (int, *graphError) {
	n, err := strconv.Atoi(p.value)
	if err != nil || n < 0 {
		return 0, badRequest("BadRequest", "The query specified in the URI is not valid. Invalid value '"+p.value+"' for "+p.name+" query option found.")
	}
	return n, nil
}

func parseOrder(text string, known func(string) bool) ([]ordering, *graphError) {
	var order []ordering
	for part := range strings.SplitSeq(text, ",") {
		path, direction, _ := strings.Cut(strings.TrimSpace(part), " ")
		if !known(path) {
			return nil, badRequest("BadRequest", "Could not find a property named '"+path+"' to order by.")
		}
		order = append(order, ordering{path, strings.EqualFold(strings.TrimSpace(direction), "desc")})
	}
	return order, nil
}

// expand reads $expand: extended properties chosen by id (fact sheet §3.7), and exceptionOccurrences.
func (o *options) expand(text string, sch *schema) *graphError {
	for _, part := range splitOutsideBrackets(text) {
		part = strings.TrimSpace(part)
		name, inner, bracketed := strings.Cut(part, "(")
		switch {
		case strings.EqualFold(name, "singleValueExtendedProperties"):
			filter, ok := strings.CutPrefix(strings.TrimSuffix(strings.TrimSpace(inner), ")"), "$filter=")
			if !bracketed || !ok {
				return badRequest("ErrorInvalidParameter", "singleValueExtendedProperties is expanded with a filter on the id only.")
			}
			cond, err := parseFilter(filter, func(path string) bool { return path == "id" })
			if err != nil {
				return err
			}
			if !collectIDs(cond, &o.extended) {
				return badRequest("ErrorInvalidParameter", "singleValueExtendedProperties is expanded with a filter on the id only.")
			}
		case strings.EqualFold(name, "exceptionOccurrences") && sch == eventSchema:
			o.exceptions = true
			if !bracketed {
				continue
			}
			names, ok := strings.CutPrefix(strings.TrimSuffix(strings.TrimSpace(inner), ")"), "$select=")
			if !ok || strings.Contains(names, ";") {
				return newGraphError(501, "NotImplemented", "The simulator does not model $expand="+part+".")
			}
			var err *graphError
			if o.ofThose, err = sch.selection(names); err != nil {
				return err
			}
		default:
			return newGraphError(501, "NotImplemented", "The simulator does not model $expand="+part+".")
		}
	}
	return nil
}

func collectIDs(c *condition, into *[]string) bool {
	switch c.op {
	case "or":
		return collectIDs(c.kids[0], into) && collectIDs(c.kids[1], into)
	case "eq":
		id, ok := c.value.(string)
		*into = append(*into, id)
		return ok
	}
	return false
}

func splitOutsideBrackets(text string) []string {
	var parts []string
	from, depth, quoted := 0, 0, false
	for i := range len(text) {
		switch text[i] {
		case '\'':
			quoted = !quoted
		case '(':
			if !quoted {
				depth++
			}
		case ')':
			if !quoted {
				depth--
			}
		case ',':
			if !quoted && depth == 0 {
				parts = append(parts, text[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, text[from:])
}
