package exportfile

import (
	"io"
	"strconv"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/importfile"
	"tandem/internal/record"
)

// The versions of cards. Version 3.0 is what Outlook, Google and telephones read; some of them refuse 4.0.
const (
	VCard3 = "3.0" // RFC 2426
	VCard4 = "4.0" // RFC 6350
)

// Cards writes contacts as vCards. The library that reads them is of no use here: it does not fold, and it escapes the commas
// between the members of a list.
type Cards struct {
	out     *folder
	version string
	origin  string
	fields  []record.Def
}

// NewCards writes cards of a version. origin is the host of this Tandem, by which its cards are known from all others.
func NewCards(w io.Writer, version, origin string, schema *record.Schema) *Cards {
	return &Cards{&folder{out: w}, version, origin, Told(schema)}
}

// Close does nothing: the last card ends itself.
func (*Cards) Close() error { return nil }

// card is a card as it is written.
type card struct {
	fields record.Fields
	lines  []string
	said   map[record.Field]bool
}

func (c *card) line(property, value string) { c.lines = append(c.lines, property+":"+value) }

// has is the value of a field that is from now on said.
func (c *card) has(name record.Field) string {
	c.said[name] = true
	return string(c.fields[name])
}

// oneLine reports whether a text survives as one line in which white space counts as one space.
func oneLine(v record.Value) bool { return strings.Join(strings.Fields(string(v)), " ") == string(v) }

// Write writes one card.
func (w *Cards) Write(r crm.Record) error {
	c := &card{fields: r.Fields, said: map[record.Field]bool{}}
	c.line("BEGIN", "VCARD")
	c.line("VERSION", w.version)
	c.line(map[string]string{VCard3: "UID", VCard4: "UID;VALUE=text"}[w.version], UID(r.Kind, r.ID, w.origin))
	c.line("REV", r.ModifiedAt.UTC().Format("20060102T150405Z"))
	c.name()
	c.company()
	c.reach(map[string]string{VCard3: "EMAIL;TYPE=INTERNET;TYPE=PREF", VCard4: "EMAIL;PREF=1"}[w.version], map[string]string{VCard3: "EMAIL;TYPE=INTERNET", VCard4: "EMAIL"}[w.version])
	c.address("ADR;TYPE=WORK", record.MailingStreet, record.MailingCity, record.MailingState, record.MailingZip, record.MailingCountry)
	c.address("ADR;TYPE=HOME", record.OtherStreet, record.OtherCity, record.OtherState, record.OtherZip, record.OtherCountry)
	if day, err := time.Parse(time.DateOnly, string(r.Fields[record.DateOfBirth])); err == nil {
		c.said[record.DateOfBirth] = true
		switch _, yearless := record.Yearless(r.Fields[record.DateOfBirth]); {
		case w.version == VCard4 && yearless:
			c.line("BDAY", day.Format("--0102"))
		case w.version == VCard4:
			c.line("BDAY", day.Format("20060102"))
		case yearless: // which vCard 3.0 has no form for
			c.line("BDAY;X-APPLE-OMIT-YEAR="+strconv.Itoa(record.NoYear), day.Format(time.DateOnly))
		default:
			c.line("BDAY", day.Format(time.DateOnly))
		}
	}
	if c.fields[record.Description] != "" {
		c.line("NOTE", escaped(c.has(record.Description)))
	}
	c.tags()
	for _, each := range []struct {
		property string
		field    record.Field
	}{{"X-MS-ASSISTANT", record.Assistant}, {"X-SKYPE", record.SkypeID}} {
		if v := c.fields[each.field]; v != "" && oneLine(v) {
			c.line(each.property, escaped(c.has(each.field)))
		}
	}
	for _, d := range w.fields {
		v := c.fields[d.Name]
		if v == "" || c.said[d.Name] || d.Type == record.Bool && v == "false" {
			continue
		}
		c.line(importfile.OwnField, escaped(string(d.Name))+";"+escaped(string(v)))
	}
	c.line("END", "VCARD")
	_, err := io.WriteString(w.out, strings.Join(c.lines, "\n")+"\n")
	return err
}

// name writes N (family; given; further; before; after) and FN.
func (c *card) name() {
	parts := make([]string, 5)
	for i, field := range []record.Field{record.LastName, record.FirstName, "", record.Salutation} {
		if v := c.fields[field]; v != "" && oneLine(v) {
			parts[i] = escaped(c.has(field))
		}
	}
	c.line("N", strings.Join(parts, ";"))
	shown := strings.Join(strings.Fields(string(c.fields[record.FirstName]+" "+c.fields[record.LastName])), " ")
	c.line("FN", escaped(shown))
}

func (c *card) company() {
	company, department := c.fields[record.AccountName], c.fields[record.Department]
	if company+department != "" && oneLine(company) && oneLine(department) {
		value := escaped(c.has(record.AccountName))
		if department != "" {
			value += ";" + escaped(c.has(record.Department))
		}
		c.line("ORG", value)
	}
	if v := c.fields[record.Title]; v != "" && oneLine(v) {
		c.line("TITLE", escaped(c.has(record.Title)))
	}
}

// reach writes addresses and telephone numbers. first and second are how the two addresses are told in the version. Where the
// kind of one does not say which field it comes from, a parameter does.
func (c *card) reach(first, second string) {
	of := func(name record.Field) string { return ";" + importfile.OwnField + "=" + string(name) }
	if c.fields[record.EmailField] != "" {
		c.line(first, escaped(c.has(record.EmailField)))
	}
	if c.fields[record.SecondaryEmail] != "" {
		c.line(second+of(record.SecondaryEmail), escaped(c.has(record.SecondaryEmail)))
	}
	for _, each := range []struct {
		property string
		field    record.Field
	}{
		{"TEL;TYPE=WORK;TYPE=VOICE", record.PhoneField}, {"TEL;TYPE=CELL;TYPE=VOICE", record.Mobile}, {"TEL;TYPE=HOME;TYPE=VOICE", record.HomePhone},
		{"TEL;TYPE=VOICE" + of(record.OtherPhone), record.OtherPhone}, {"TEL;TYPE=WORK;TYPE=FAX", record.Fax},
		{"item1.TEL;TYPE=VOICE" + of(record.AsstPhone), record.AsstPhone},
	} {
		if c.fields[each.field] == "" {
			continue
		}
		c.line(each.property, escaped(c.has(each.field)))
		if each.field == record.AsstPhone {
			c.line("item1.X-ABLABEL", "AssistantPhone")
		}
	}
}

// address writes ADR (box; further; street; city; state; code; country). The street may have several lines.
func (c *card) address(property string, fields ...record.Field) {
	parts := []string{"", ""}
	there := false
	for i, name := range fields {
		v := c.fields[name]
		there = there || v != ""
		if i > 0 && !oneLine(v) {
			parts = append(parts, "")
			continue
		}
		parts = append(parts, escaped(c.has(name)))
	}
	if there {
		c.line(property+";"+importfile.OwnField+"="+string(fields[0]), strings.Join(parts, ";"))
	}
}

func (c *card) tags() {
	if c.fields[record.Tag] == "" {
		return
	}
	names := strings.Split(string(c.fields[record.Tag]), "\n")
	for i, name := range names {
		if !oneLine(record.Value(name)) {
			return
		}
		names[i] = escaped(name)
	}
	c.said[record.Tag] = true
	c.line("CATEGORIES", strings.Join(names, ","))
}
