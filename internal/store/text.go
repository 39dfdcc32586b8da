package store

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// fold makes text alike that people take for alike when they search or sort: lower case, without accents.
func fold(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == 0 {
			return foldWide(s)
		}
	}
	return strings.ToLower(s)
}

func foldWide(s string) string {
	out, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), clean(s))
	if err != nil {
		out = clean(s)
	}
	return strings.ToLower(out)
}

// searched are the fields in which a search looks.
var searched = map[record.Kind][]record.Field{
	record.Contacts: {
		record.FirstName, record.LastName, record.EmailField, record.SecondaryEmail, record.AccountName, record.Title, record.Department,
		record.PhoneField, record.Mobile, record.HomePhone, record.OtherPhone, record.MailingCity, record.OtherCity,
		record.MailingState, record.MailingCountry, record.Tag,
	},
	record.Calendar: {record.EventTitle, record.Venue},
}

var phones = map[record.Field]bool{record.PhoneField: true, record.Mobile: true, record.HomePhone: true, record.OtherPhone: true}

// searchText is what a search looks through: each field on a line, phone numbers also as bare digits. Own are the fields of
// the organization's own that are in use.
func searchText(kind record.Kind, fields record.Fields, own []record.Def) string {
	var b strings.Builder
	line := func(v record.Value, phone bool) {
		if v == "" {
			return
		}
		b.WriteString(string(v))
		b.WriteByte('\n')
		if digits := onlyDigits(string(v)); phone && digits != string(v) {
			b.WriteString(digits)
			b.WriteByte('\n')
		}
	}
	for _, o := range record.Occurrences(fields[record.Changed]) { // only series have any
		for _, f := range searched[kind] {
			b.WriteString(string(o.Fields[f]))
			b.WriteByte('\n')
		}
	}
	for _, f := range searched[kind] {
		line(fields[f], phones[f])
	}
	for _, def := range own {
		switch def.Type {
		case record.Bool, record.Date: // nobody looks for what they are stored as
		default:
			line(fields[def.Name], def.Type == record.Phone)
		}
	}
	return fold(b.String())
}

// findable are the organization's own fields in use that a search of the records looks into; none if no record has anything but
// standard fields, which spares most writes a question.
func (tx *Tx) findable(org record.ID, kind record.Kind, records []crm.Record) ([]record.Def, error) {
	standard := record.Standard(kind)
	for i := range records {
		if records[i].Kind != kind {
			continue
		}
		for f, v := range records[i].Fields {
			if _, known := standard.Def(f); !known && v != "" {
				schema, err := schemaOf(tx.ctx, tx, org, kind)
				if err != nil {
					return nil, err
				}
				return schema.Own(), nil
			}
		}
	}
	return nil, nil
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// sortName is what lists by name are ordered by.
func sortName(kind record.Kind, fields record.Fields) string {
	if kind == record.Contacts {
		return fold(string(fields[record.LastName] + " " + fields[record.FirstName]))
	}
	if record.HasPrivate(fields) { // the order of a list tells others nothing
		return ""
	}
	return fold(string(fields[record.EventTitle]))
}

// lastOfAll stands where a list is ordered by a value that is empty: it sorts behind all letters.
const lastOfAll = "\U0010FFFD"

// sortKey is what lists by a field are ordered by.
func sortKey(v record.Value) string {
	if v == "" {
		return lastOfAll
	}
	return fold(string(v))
}

// graveName is what a record is called in lists once it is destroyed, when nothing tells any more that it was private.
func graveName(kind record.Kind, fields record.Fields) string {
	if kind == record.Calendar && record.HasPrivate(fields) {
		return ""
	}
	return displayName(kind, fields)
}

// displayName is what a record is called in lists.
func displayName(kind record.Kind, fields record.Fields) string {
	if kind == record.Contacts {
		return clean(strings.TrimSpace(string(fields[record.FirstName] + " " + fields[record.LastName])))
	}
	return clean(string(fields[record.EventTitle]))
}

// endless is the end of a series that has none: the year 9999.
const endless = 253402300799_000000

// span is from the start of an event to its end, of a series to the end of its last occurrence. An all-day event counts
// as if it were in UTC: whoever asks for a day of another zone asks for a day more at both ends.
func span(fields record.Fields) (start, end int64) {
	from, ok := instant(fields[record.Start])
	if !ok {
		return 0, 0
	}
	to, ok := instant(fields[record.End])
	if !ok || to.Before(from) {
		to = from
	}
	text := string(fields[record.Recurring])
	if text == "" {
		return micros(from), micros(to)
	}
	rule, err := recur.Parse(text)
	if err != nil {
		return micros(from), endless
	}
	local := time.UTC
	if fields[record.AllDay] != "true" {
		if l, ok := zone.Load(string(fields[record.TimeZone])); ok {
			local = l
		}
	}
	last, open := rule.Resolve(from.In(local)).Last(from.In(local))
	if open {
		return micros(from), endless
	}
	return micros(from), micros(last.Add(to.Sub(from)))
}

// instant reads a Moment.
func instant(v record.Value) (time.Time, bool) {
	layout := "2006-01-02T15:04:05Z"
	if len(v) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, string(v))
	return t, err == nil
}
