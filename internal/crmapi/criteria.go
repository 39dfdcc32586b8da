package crmapi

import (
	"slices"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// criteria reads "((Field:op:value)and(Field:op:value))"; op is equals, not_equal, starts_with or in. Values are
// compared without letter case, and equals means the whole value, where Zoho finds parts of it too. The characters
// ( ) , and \ inside a value stand behind a \.
func (c *call) criteria(text string) (func(crm.Record) bool, error) {
	p := criteriaParser{call: c, rest: strings.TrimSpace(text)}
	fits, ok := p.expression()
	if !ok || p.rest != "" || p.count > maxCriteria {
		return nil, problem{status: 400, code: "INVALID_QUERY", message: "the criteria cannot be read",
			details: object{"param_name": "criteria"}}
	}
	return fits, nil
}

// maxCriteria is the most conditions of one search (zoho-crm.md §2).
const maxCriteria = 10

type criteriaParser struct {
	*call
	rest  string
	count int
	depth int
}

// expression is a bracketed condition, or several joined by and / or; and binds tighter.
func (p *criteriaParser) expression() (func(crm.Record) bool, bool) {
	either, ok := p.conjunction()
	for ok && p.word("or") {
		var more func(crm.Record) bool
		if more, ok = p.conjunction(); ok {
			one := either
			either = func(r crm.Record) bool { return one(r) || more(r) }
		}
	}
	return either, ok
}

func (p *criteriaParser) conjunction() (func(crm.Record) bool, bool) {
	all, ok := p.factor()
	for ok && p.word("and") {
		var more func(crm.Record) bool
		if more, ok = p.factor(); ok {
			one := all
			all = func(r crm.Record) bool { return one(r) && more(r) }
		}
	}
	return all, ok
}

func (p *criteriaParser) word(w string) bool {
	rest := strings.TrimSpace(p.rest)
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	p.rest = strings.TrimSpace(rest[len(w):])
	return true
}

func (p *criteriaParser) factor() (fits func(crm.Record) bool, ok bool) {
	if p.depth++; p.depth > 2*maxCriteria || !strings.HasPrefix(p.rest, "(") {
		return nil, false
	}
	p.rest = strings.TrimSpace(p.rest[1:])
	if strings.HasPrefix(p.rest, "(") {
		fits, ok = p.expression()
	} else {
		fits, ok = p.condition()
	}
	p.depth--
	p.rest = strings.TrimSpace(p.rest)
	if !ok || !strings.HasPrefix(p.rest, ")") {
		return nil, false
	}
	p.rest = strings.TrimSpace(p.rest[1:])
	return fits, true
}

// condition is Field:op:value up to the closing bracket.
func (p *criteriaParser) condition() (func(crm.Record) bool, bool) {
	p.count++
	field, rest, ok1 := strings.Cut(p.rest, ":")
	op, rest, ok2 := strings.Cut(rest, ":")
	if !ok1 || !ok2 {
		return nil, false
	}
	var values []string
	values, p.rest = splitValues(rest)
	read, ok := p.reader(strings.TrimSpace(field))
	if !ok {
		return nil, false
	}
	if def, ok := p.module.schema.Def(record.Field(strings.TrimSpace(field))); ok && def.Type == record.Number {
		for i, v := range values { // 42.0 is 42
			if n, ok := record.Decimal(v); ok {
				values[i] = string(n)
			}
		}
	}
	whole := strings.Join(values, ",")
	switch strings.TrimSpace(op) {
	case "equals":
		return func(r crm.Record) bool { return strings.EqualFold(read(r), whole) }, true
	case "not_equal":
		return func(r crm.Record) bool { return !strings.EqualFold(read(r), whole) }, true
	case "starts_with":
		return func(r crm.Record) bool {
			return strings.HasPrefix(strings.ToLower(read(r)), strings.ToLower(whole))
		}, true
	case "in":
		return func(r crm.Record) bool {
			return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(read(r), v) })
		}, true
	}
	return nil, false
}

// splitValues reads a value up to the closing bracket, split at commas that do not stand behind a \.
func splitValues(s string) (values []string, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == ')':
			return append(values, strings.TrimSpace(b.String())), s[i:]
		case s[i] == ',':
			values = append(values, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(values, b.String()), ""
}

// reader gives the text by which a field is searched.
func (p *criteriaParser) reader(name string) (func(crm.Record) string, bool) {
	switch name {
	case "id":
		return func(r crm.Record) string { return r.ID.String() }, true
	case "Owner":
		return func(r crm.Record) string { return r.Owner.String() }, true
	case "Full_Name":
		return display, p.module.kind == record.Contacts
	case "Data_Source":
		return func(r crm.Record) string { return string(r.Source) }, true
	}
	def, ok := p.module.schema.Def(record.Field(name))
	if !ok || inside(def) || def.Type == record.People || def.Type == record.Reminders || def.Type == record.Related || def.Type == record.Attending {
		return nil, false
	}
	return func(r crm.Record) string { return string(r.Fields[def.Name]) }, true
}
