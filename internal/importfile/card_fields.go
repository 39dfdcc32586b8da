package importfile

import (
	"cmp"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tandem/internal/record"
)

var dottedDomain = regexp.MustCompile(`@[^@\s]+\.(\pL{2,22}|xn--[0-9A-Za-z-]{1,59})$`)

func (c *card) emails() {
	for _, p := range c.all("EMAIL") {
		address := strings.TrimSpace(p.value)
		parsed, err := mail.ParseAddress(address)
		switch {
		case address == "":
			c.note("EMAIL", p.raw, "", Empty)
		case err != nil || parsed.Address != address || !dottedDomain.MatchString(address) || utf8.RuneCountInString(address) > 100:
			c.details.add(c.label(p, "E-mail"), address)
			c.note("EMAIL", p.raw, "Description", BadForm)
		case p.own != "Secondary_Email" && c.fields["Email"] == nil:
			c.fields["Email"] = address
			c.note("EMAIL", p.raw, "Email", "")
		case c.fields["Secondary_Email"] == nil:
			c.fields["Secondary_Email"] = address
			c.note("EMAIL", p.raw, "Secondary_Email", "")
		default:
			c.details.add(c.label(p, "E-mail"), address)
			c.note("EMAIL", p.raw, "Description", SecondValue)
		}
	}
}

var phonePattern = regexp.MustCompile(`^\+?[0-9A-Za-z .()#;,-]*[0-9A-Za-z][0-9A-Za-z .()#;,-]*$`)

// phones puts each number into the field of its kind.
func (c *card) phones() {
	for _, p := range c.all("TEL") {
		number := strings.TrimPrefix(strings.TrimSpace(p.value), "tel:")
		number = strings.Replace(number, ";ext=", " ext ", 1)
		field, most := "Phone", 50
		switch {
		case p.own == "Other_Phone" || p.own == "Asst_Phone":
			field, most = p.own, 30
		case p.is("fax"):
			field, most = "Fax", 30
		case p.is("pager"):
			field = ""
		case strings.EqualFold(c.labels[p.group], "AssistantPhone"):
			field, most = "Asst_Phone", 30
		case p.is("cell"):
			field, most = "Mobile", 30
		case p.is("home"):
			field, most = "Home_Phone", 30
		case !p.is("work") && !p.is("main") && c.fields["Phone"] != nil:
			field, most = "Other_Phone", 30
		}
		bad := field != "Fax" && !phonePattern.MatchString(number) || utf8.RuneCountInString(number) > most
		switch {
		case number == "":
			c.note("TEL", p.raw, "", Empty)
		case bad:
			c.details.add(c.label(p, "Telephone"), number)
			c.note("TEL", p.raw, "Description", BadForm)
		case field == "" || c.fields[field] != nil:
			c.details.add(c.label(p, "Telephone"), number)
			c.note("TEL", p.raw, "Description", SecondValue)
		default:
			c.fields[field] = number
			c.note("TEL", p.raw, field, "")
		}
	}
}

// addresses puts the work address into Mailing_, another into Other_.
func (c *card) addresses() {
	all := c.all("ADR")
	slices.SortStableFunc(all, func(a, b property) int { return cmp.Compare(btoi(b.is("work")), btoi(a.is("work"))) })
	for _, p := range all {
		if p.own == "Mailing_Street" || p.own == "Other_Street" {
			c.ownAddress(p)
			continue
		}
		parts := make([]string, 7)
		for i, part := range split(p.raw, ';') {
			lines := strings.FieldsFunc(unescape(part), func(r rune) bool { return r == '\n' || r == '\r' })
			for j := range lines {
				lines[j] = strings.TrimRight(strings.TrimSpace(lines[j]), ",")
			}
			parts[min(i, 6)] = strings.Join(lines, ", ")
		}
		reason := Reason("")
		if parts[0] != "" || parts[1] != "" {
			reason = Joined
		}
		street := strings.Join(slices.DeleteFunc([]string{parts[0], parts[1], parts[2]}, func(s string) bool { return s == "" }), ", ")
		values := []string{street, parts[3], parts[4], parts[5], parts[6]}
		whole := strings.Join(slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }), ", ")
		prefix := "Mailing_"
		if c.has("Mailing_") || p.is("home") {
			prefix = "Other_"
		}
		switch {
		case whole == "":
			c.note("ADR", p.raw, "", Empty)
			continue
		case c.has(prefix):
			c.details.add(c.label(p, "Address"), whole)
			c.note("ADR", p.raw, "Description", SecondValue)
			continue
		}
		for i, part := range []string{"Street", "City", "State", "Zip", "Country"} {
			most := 255
			if part == "State" || part == "Country" {
				most = 100
			}
			if put := c.put(p, prefix+part, "Address "+strings.ToLower(part), values[i], most); put == TooLong {
				reason = put
			}
		}
		c.note("ADR", p.raw, prefix+"Street", reason)
	}
}

func (c *card) has(prefix string) bool {
	for field := range c.fields {
		if strings.HasPrefix(field, prefix) && !strings.HasSuffix(field, "Phone") {
			return true
		}
	}
	return false
}

// company reads ORG: the company, the department, and what is below it.
func (c *card) company(all []property) {
	for _, p := range all {
		parts := split(p.raw, ';')
		for i := range parts {
			parts[i] = unescape(parts[i])
		}
		if c.fields["Account_Name"] != nil {
			c.details.add("Company", strings.Join(parts, ", "))
			c.note("ORG", p.raw, "Description", SecondValue)
			continue
		}
		reason := c.put(p, "Account_Name", "Company", parts[0], 200)
		if len(parts) > 1 {
			reason = cmp.Or(reason, c.put(p, "Department", "Department", parts[1], 50))
		}
		if len(parts) > 2 {
			c.details.add("Department", strings.Join(parts[1:], ", "))
			reason = SecondValue
		}
		if reason == Empty && c.fields["Account_Name"] != nil {
			reason = ""
		}
		c.note("ORG", p.raw, "Account_Name", reason)
	}
}

func (c *card) notes(all []property) {
	for i, p := range all {
		if i == 0 {
			c.details.body = p.value
			c.note("NOTE", p.raw, "Description", "")
			continue
		}
		c.details.add("Note", p.value)
		c.note("NOTE", p.raw, "Description", SecondValue)
	}
}

func (c *card) tags(all []property) {
	var tags []map[string]string
	for _, p := range all {
		for _, name := range split(p.raw, ',') {
			if name = strings.Join(strings.Fields(unescape(name)), " "); name != "" {
				tags = append(tags, map[string]string{"name": name})
			}
		}
		c.note("CATEGORIES", p.raw, "Tag", "")
	}
	if len(tags) > 0 {
		c.fields["Tag"] = tags
	}
}

func (c *card) birthday(all []property) {
	for _, p := range all {
		text, _, _ := strings.Cut(strings.TrimSpace(p.value), "T")
		text = strings.ReplaceAll(text, "-", "")
		if monthAndDay, ok := strings.CutPrefix(text, p.omits); strings.HasPrefix(p.value, "--") || p.omits != "" && ok {
			text = strconv.Itoa(record.NoYear) + monthAndDay
		}
		day, err := time.Parse("20060102", text)
		switch {
		case err == nil && c.fields["Date_of_Birth"] == nil:
			c.fields["Date_of_Birth"] = day.Format(time.DateOnly)
			c.note("BDAY", p.raw, "Date_of_Birth", "")
		default:
			c.details.add("Birthday", p.value)
			c.note("BDAY", p.raw, "Description", IncompleteDate)
		}
	}
}

// other accounts for properties without a field.
func (c *card) other(p property) {
	fate, ok := cardFates[p.name]
	switch {
	case !ok:
		c.note(p.name, p.raw, "", Custom)
	case p.data:
		c.note(p.name, p.raw, "", Binary)
	case fate.reason != InDescription:
		c.note(p.name, p.raw, "", fate.reason)
	case strings.TrimSpace(p.value) == "":
		c.note(p.name, p.raw, "", Empty)
	default:
		c.details.add(c.label(p, fate.label), p.value)
		c.note(p.name, p.raw, "Description", InDescription)
	}
}
