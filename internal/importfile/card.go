package importfile

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-vcard"
)

// card turns one vCard into what is to be inserted.
type card struct {
	*Entry
	props   []property
	details details
	fields  map[string]any
	labels  map[string]string // of groups, by X-ABLABEL
}

// property is one line of a card, decoded.
type property struct {
	name  string
	types []string // in lower case
	pref  bool
	group string
	value string // unescaped where it is not made of parts
	raw   string // with its backslashes
	bad   bool   // no property
	data  bool   // base64
	own   string // the field that one of our own files says it is of
	omits string // the year that stands for none: X-APPLE-OMIT-YEAR
}

// newCard reads a card that the library has taken apart, with the lines that it could not.
func newCard(fields vcard.Card, broken []string) *card {
	c := &card{Entry: &Entry{Kind: "VCARD"}, fields: map[string]any{}, labels: map[string]string{}}
	for name, list := range fields {
		for _, f := range list {
			c.props = append(c.props, newProperty(name, f))
		}
	}
	for _, line := range broken {
		c.props = append(c.props, property{name: brokenLine, value: line, raw: line, bad: true})
	}
	slices.SortStableFunc(c.props, func(a, b property) int { return strings.Compare(a.name, b.name) })
	for _, p := range c.props {
		if p.name == "X-ABLABEL" && p.group != "" {
			c.labels[p.group] = strings.Trim(p.value, "_$!<>")
		}
	}
	return c
}

func newProperty(name string, f *vcard.Field) property {
	p := property{name: name, group: f.Group, raw: f.Value, value: unescape(f.Value)}
	for _, t := range f.Params["TYPE"] {
		for one := range strings.SplitSeq(strings.ToLower(t), ",") {
			if one == "pref" {
				p.pref = true
				continue
			}
			p.types = append(p.types, one)
		}
	}
	p.own, p.omits = f.Params.Get(OwnField), f.Params.Get("X-APPLE-OMIT-YEAR")
	p.pref = p.pref || f.Params.Get("PREF") == "1"
	switch strings.ToLower(f.Params.Get("ENCODING")) {
	case "b", "base64":
		p.data = true
	}
	return p
}

func (p property) is(kind string) bool { return slices.Contains(p.types, kind) }

// label is what a property calls itself, for the end of a description.
func (c *card) label(p property, otherwise string) string {
	if custom := c.labels[p.group]; p.group != "" && custom != "" {
		return otherwise + " (" + custom + ")"
	}
	var kinds []string
	for _, t := range p.types {
		if t != "internet" && t != "voice" {
			kinds = append(kinds, t)
		}
	}
	if len(kinds) > 0 {
		return otherwise + " (" + strings.Join(kinds, ", ") + ")"
	}
	return otherwise
}

// cardFates says what becomes of the properties of cards without a handler; label is what they are called in the
// description. The rest is Custom.
var cardFates = map[string]struct {
	reason Reason
	label  string
}{
	"VERSION": {Bookkeeping, ""}, "UID": {Bookkeeping, ""}, "REV": {Bookkeeping, ""}, "PRODID": {Bookkeeping, ""},
	"X-ABUID": {Bookkeeping, ""}, "CLIENTPIDMAP": {Bookkeeping, ""}, "SOURCE": {Bookkeeping, ""}, "KIND": {Bookkeeping, ""},
	"LABEL": {Implied, ""}, "X-ABLABEL": {Implied, ""}, "X-ABADR": {Implied, ""}, "X-EVOLUTION-FILE-AS": {Implied, ""}, "SORT-STRING": {Implied, ""},
	"PHOTO": {Binary, ""}, "LOGO": {Binary, ""}, "KEY": {Binary, ""}, "SOUND": {Binary, ""},
	"NICKNAME": {InDescription, "Nickname"}, "URL": {InDescription, "Web page"}, "ROLE": {InDescription, "Role"},
	"ANNIVERSARY": {InDescription, "Anniversary"}, "X-ANNIVERSARY": {InDescription, "Anniversary"}, "X-EVOLUTION-ANNIVERSARY": {InDescription, "Anniversary"},
	"X-MS-ANNIVERSARY": {InDescription, "Anniversary"}, "X-ABDATE": {InDescription, "Date"}, "X-ABRELATEDNAMES": {InDescription, "Relation"},
	"X-EVOLUTION-SPOUSE": {InDescription, "Spouse"}, "X-EVOLUTION-MANAGER": {InDescription, "Manager"}, "X-MS-MANAGER": {InDescription, "Manager"},
	"X-MS-IMADDRESS": {InDescription, "Chat"}, "IMPP": {InDescription, "Chat"}, "X-AIM": {InDescription, "AIM"}, "X-GTALK": {InDescription, "Google Talk"},
	"X-YAHOO": {InDescription, "Yahoo"}, "X-QQ": {InDescription, "QQ"}, "X-MSN": {InDescription, "MSN"}, "X-ICQ": {InDescription, "ICQ"},
	"X-JABBER": {InDescription, "Jabber"}, "X-PHONETIC-FIRST-NAME": {InDescription, "Given name sounds"},
	"X-PHONETIC-LAST-NAME": {InDescription, "Family name sounds"}, "GENDER": {InDescription, "Gender"}, "LANG": {InDescription, "Language"},
	"GEO": {InDescription, "Position"}, "TZ": {InDescription, "Time zone"}, "FBURL": {InDescription, "Free/busy page"},
	"CALURI": {InDescription, "Calendar page"}, "RELATED": {InDescription, "Relation"}, "MAILER": {NoField, ""}, "CLASS": {NoField, ""},
	brokenLine: {Unreadable, ""},
}

// convert reads all properties and makes the record to insert.
func (c *card) convert() *Entry {
	c.own()
	c.name()
	c.emails()
	c.phones()
	c.addresses()
	handled := map[string]bool{"N": true, "FN": true, OwnField: true, "EMAIL": true, "TEL": true, "ADR": true}
	for name, take := range map[string]func([]property){
		"ORG": c.company, "NOTE": c.notes, "CATEGORIES": c.tags, "BDAY": c.birthday,
		"TITLE":                 func(all []property) { c.first(all, "Title", 100) },
		"X-EVOLUTION-ASSISTANT": func(all []property) { c.first(all, "Assistant", 50) },
		"X-MS-ASSISTANT":        func(all []property) { c.first(all, "Assistant", 50) },
		"X-SKYPE":               func(all []property) { c.first(all, "Skype_ID", 50) },
	} {
		handled[name] = true
		take(c.all(name))
	}
	for _, p := range c.props {
		if !handled[p.name] {
			c.other(p)
		}
	}
	c.lastName()
	if text, cut := c.details.text(); text != "" {
		c.fields["Description"] = text
		if cut {
			c.note("NOTE", text, "Description", TooLong)
		}
	}
	c.Plans = []*Plan{{Fields: c.fields}}
	if uids := c.all("UID"); len(uids) > 0 {
		c.Plans[0].UID = uids[0].value
	}
	c.Name = clip(strings.TrimSpace(str(c.fields["First_Name"])+" "+str(c.fields["Last_Name"])), 60)
	c.sortItems()
	return c.Entry
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// all are the properties of a name, preferred ones first.
func (c *card) all(name string) []property {
	var out []property
	for _, p := range c.props {
		if p.name == name {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b property) int {
		if a.pref != b.pref {
			return cmp.Compare(btoi(b.pref), btoi(a.pref))
		}
		return 0
	})
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// put writes a field of one line if it is free and the value fits; else the value stands in the description.
func (c *card) put(p property, field, label, value string, most int) Reason {
	value = strings.Join(strings.Fields(value), " ")
	if value == "" {
		return Empty
	}
	reason := Reason("")
	switch {
	case c.fields[field] != nil:
		reason = SecondValue
	case utf8.RuneCountInString(value) > most:
		c.fields[field] = string([]rune(value)[:most])
		reason = TooLong
	default:
		c.fields[field] = value
		return ""
	}
	c.details.add(c.label(p, label), value)
	return reason
}

// first takes the first of the properties into a field.
func (c *card) first(all []property, field string, most int) {
	for _, p := range all {
		c.note(p.name, p.raw, field, c.put(p, field, strings.ReplaceAll(field, "_", " "), p.value, most))
	}
}

// name reads N (family; given; further; before; after) and FN.
func (c *card) name() {
	for i, p := range c.all("N") {
		parts := make([]string, 5)
		for j, part := range split(p.raw, ';') {
			if j < len(parts) {
				parts[j] = strings.Join(strings.Fields(unescape(part)), " ")
			}
		}
		if i > 0 {
			c.details.add("Name", strings.Join(parts, " "))
			c.note("N", p.raw, "Description", SecondValue)
			continue
		}
		reason := Reason("")
		given := parts[1]
		if parts[2] != "" {
			given, reason = strings.TrimSpace(given+" "+parts[2]), Joined
		}
		for _, put := range []Reason{
			c.put(p, "Last_Name", "Family name", parts[0], 80), c.put(p, "First_Name", "Given names", given, 40),
		} {
			if put != "" && put != Empty {
				reason = put
			}
		}
		if title := parts[3]; title != "" {
			if slices.Contains([]string{"Mr.", "Mrs.", "Ms.", "Dr.", "Prof."}, title) {
				c.fields["Salutation"] = title
			} else {
				c.details.add("Form of address", title)
				reason = NotInListing
			}
		}
		if parts[4] != "" {
			c.details.add("Name suffix", parts[4])
			reason = cmp.Or(reason, InDescription)
		}
		c.note("N", p.raw, "Last_Name", reason)
	}
}

// lastName finds a family name where there is none.
func (c *card) lastName() {
	names := c.all("FN")
	if c.fields["Last_Name"] == nil {
		stand := ""
		for _, p := range names {
			stand = cmp.Or(stand, strings.Join(strings.Fields(p.value), " "))
		}
		if stand == "" && c.fields["First_Name"] != nil {
			stand = str(c.fields["First_Name"])
			delete(c.fields, "First_Name")
		}
		stand = cmp.Or(stand, str(c.fields["Account_Name"]), str(c.fields["Email"]), str(c.fields["Phone"]), str(c.fields["Mobile"]), "?")
		c.fields["Last_Name"] = string([]rune(stand)[:min(80, utf8.RuneCountInString(stand))])
		if len(names) == 0 {
			c.note("N", "", "Last_Name", NoName, stand)
			c.Items[len(c.Items)-1].Property = "(no name)"
		}
		for _, p := range names {
			c.note("FN", p.raw, "Last_Name", NoName)
		}
		return
	}
	for _, p := range names {
		shown := strings.Join(strings.Fields(p.value), " ")
		if shown == strings.Join(strings.Fields(str(c.fields["First_Name"])+" "+str(c.fields["Last_Name"])), " ") {
			c.note("FN", p.raw, "Full_Name", Implied)
			continue
		}
		c.details.add("Name as shown", shown)
		c.note("FN", p.raw, "Description", InDescription)
	}
}
