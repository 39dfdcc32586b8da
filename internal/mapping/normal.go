package mapping

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// Normal gives fields in normal form: two records are alike in a field if their normal forms are the same string.
// Normal forms are for comparing and for the base; what is written to a side is the value itself.
func Normal(schema *record.Schema, fields record.Fields) record.Fields {
	out := make(record.Fields, len(fields))
	for name, value := range fields {
		if def, ok := schema.Def(name); ok {
			if out[name] = normal(def.Type, value); def.Standard != "" && out[name] == def.Standard {
				out[name] = ""
			}
		}
	}
	if schema.Kind() == record.Calendar {
		normalWhen(out, fields)
	}
	return out
}

func normal(t record.Type, v record.Value) record.Value {
	if v == "" {
		if t == record.Bool {
			return "false"
		}
		return ""
	}
	s := string(v)
	if t == record.Exceptions {
		return normalOccurrences(v)
	}
	if tidy(s) && t != record.Zone && t != record.Tags && t != record.Email {
		return v
	}
	s = norm.NFC.String(strings.Map(printed, strings.ToValidUTF8(s, "\uFFFD")))
	switch t {
	case record.LongText, record.People: // of sync: a line a person
		return record.Value(normalLines(s))
	case record.Email:
		s = strings.TrimSpace(s)
		if local, domain, ok := strings.Cut(s, "@"); ok {
			s = local + "@" + strings.ToLower(domain)
		}
	case record.Zone:
		s = zone.Norm(s)
	case record.Tags:
		tags := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
		for i, tag := range tags {
			tags[i] = strings.TrimSpace(tag)
		}
		tags = slices.DeleteFunc(tags, func(tag string) bool { return tag == "" })
		slices.Sort(tags)
		s = strings.Join(slices.Compact(tags), "\n")
	case record.Bool:
		if s == "" {
			s = "false"
		}
	case record.Moment, record.Date, record.Minutes, record.ExDates, record.Recurrence, record.Exceptions, record.Attending:
	default:
		s = strings.Join(strings.Fields(s), " ")
	}
	return record.Value(s)
}

// printed leaves out what neither side keeps: control characters. Those that end lines become line ends.
func printed(r rune) rune {
	switch {
	case r == '\u2028' || r == '\u2029' || r == '\v' || r == '\f' || r == '\u0085':
		return '\n'
	case r == '\n' || r == '\r' || r == '\t':
		return r
	case unicode.IsControl(r) || r == '\ufffe' || r == '\uffff':
		return -1
	}
	return r
}

// tidy reports whether a value is plain ASCII in which no blank stands at an end or beside another: then it is in normal
// form already, as most are.
func tidy(s string) bool {
	blank := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' && blank, c < ' ', c > '~':
			return false
		default:
			blank = c == ' '
		}
	}
	return !blank
}

// normalLines evens out what HTML and different systems do to white space: line ends, blanks in a row, blank lines at
// the ends and in a row.
func normalLines(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	lines := strings.Split(s, "\n")
	out := lines[:0]
	for _, line := range lines {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// normalWhen settles what the fields of time imply about each other: a day has no zone, a rule is told in its
// canonical text.
func normalWhen(out, fields record.Fields) {
	allDay := out[record.AllDay] == "true"
	if _, known := out[record.TimeZone]; known && allDay {
		out[record.TimeZone] = ""
	}
	if end, known := out[record.EndTimeZone]; known && (allDay || end == out[record.TimeZone]) {
		out[record.EndTimeZone] = ""
	}
	if rule := out[record.Recurring]; rule != "" {
		if start, ok := StartOf(fields); ok {
			if parsed, err := recur.Parse(string(rule)); err == nil {
				parsed = parsed.Resolve(start)
				out[record.Recurring] = record.Value(parsed.String())
				normalSeries(out, start, parsed)
			}
		}
	} else if told(out, record.Recurring) {
		for _, f := range []record.Field{record.Excluded, record.Changed} {
			if told(out, f) {
				out[f] = ""
			}
		}
	}
}

func told(fields record.Fields, f record.Field) bool { _, ok := fields[f]; return ok }

// StartOf is the start of an event in its own zone; of an all-day event, midnight UTC. ok is false if it has none.
func StartOf(fields record.Fields) (start time.Time, ok bool) {
	if day, err := time.Parse(time.DateOnly, string(fields[record.Start])); err == nil {
		return day, true
	}
	at, err := time.Parse(time.RFC3339, string(fields[record.Start]))
	if err != nil {
		return time.Time{}, false
	}
	name, ok := zone.IANA(string(fields[record.TimeZone]))
	if !ok {
		return at.UTC(), true
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return at.In(loc), true
	}
	return at.UTC(), true
}
