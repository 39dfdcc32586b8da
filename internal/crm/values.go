package crm

import (
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// forms says for each type of field how a value is brought into its canonical form, and what happens when it has none:
// people and programs are told (BadValue), but what sync brings from Microsoft is kept as it is where kept says so,
// because a telephone number with a slash is no reason to lose a contact. A value that is too long is refused from
// everybody: cutting it would lose its end. The types that say when an event takes place depend on each other and are
// settled together in when.go.
var forms = map[record.Type]struct {
	canon func(d record.Def, text string) (record.Value, bool)
	kept  bool
	want  string
}{
	record.Text:     {canon: asText, want: "text"},
	record.LongText: {canon: asText, want: "text"},
	record.Lookup:   {canon: asText, want: "text"},
	record.URL:      {canon: asURL, want: "a web address"},
	record.Email:    {canon: asEmail, kept: true, want: "an e-mail address"},
	record.Phone:    {canon: asPhone, kept: true, want: "a telephone number"},
	record.Picklist: {canon: asChoice, kept: true, want: "one of the listed values"},
	record.Bool:     {canon: asBool, want: "true or false"},
	record.Date:     {canon: asDate, want: "a date as 2006-01-02"},
	record.Minutes:  {canon: asMinutes, want: "a number of minutes"},
	record.Tags:     {canon: asTags, want: "names"},
	record.Number:   {canon: asNumber, want: "a number of at most 15 digits"},

	record.Reference: {canon: asReference, want: "the id of a contact"},
	record.Related:   {canon: asText, want: "the name of a record"},
	record.People:    {canon: asPeople, want: "contacts, users or e-mail addresses"},
	record.Reminders: {canon: asReminders, want: "times before the start"},
	record.Image:     {canon: asImage, want: "a kept picture"},
	record.Attending: {canon: asAttending, want: "people as Outlook tells of them"},
}

// canon brings a value into the canonical form of its field. strict is for people and programs, not for sync.
func canon(d record.Def, raw record.Value, strict bool) (record.Value, *fault.Fault) {
	form := forms[d.Type]
	text := clean(string(raw), d.Type == record.LongText || d.Type == record.Tags || d.Type == record.Related)
	if text == "" && d.Type != record.Bool {
		return d.Standard, nil
	}
	value, ok := form.canon(d, text)
	if ok && value == "" {
		value = d.Standard
	}
	if !ok {
		if strict || !form.kept {
			return "", &fault.Fault{Kind: fault.Invalid, Reason: fault.BadValue, Field: string(d.Name),
				Message: string(d.Name) + ": must be " + form.want}
		}
		value = record.Value(text)
	}
	if d.Type == record.People {
		if len(Participants(value)) > d.Max {
			return "", &fault.Fault{Kind: fault.Invalid, Reason: fault.TooLong, Field: string(d.Name),
				Message: string(d.Name) + ": more than " + strconv.Itoa(d.Max) + " people"}
		}
		return value, nil
	}
	if d.Max > 0 && utf8.RuneCountInString(string(value)) > d.Max {
		return "", &fault.Fault{Kind: fault.Invalid, Reason: fault.TooLong, Field: string(d.Name),
			Message: string(d.Name) + ": longer than " + strconv.Itoa(d.Max) + " characters"}
	}
	return value, nil
}

// clean takes out of a text what no field holds: broken UTF-8, control characters, white space at both ends; line ends
// become \n, or a space where there is only one line.
func clean(s string, lines bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\u2028' || r == '\u2029' || r == '\v' || r == '\f' || r == '\u0085':
			if lines {
				return '\n'
			}
			return ' '
		case r == '\t':
			if lines {
				return r
			}
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

func asText(_ record.Def, text string) (record.Value, bool) { return record.Value(text), true }

func asURL(_ record.Def, text string) (record.Value, bool) {
	return record.Value(text), record.IsAddress(text)
}

// mailEnd is the end that an address must have: a dotted domain whose last part has 2 to 22 letters (zoho-crm.md §3).
var mailEnd = regexp.MustCompile(`@[^@\s]+\.(\pL{2,22}|xn--[0-9A-Za-z-]{1,59})$`)

func asEmail(_ record.Def, text string) (record.Value, bool) {
	a, err := mail.ParseAddress(text)
	ok := err == nil && a.Name == "" && !strings.ContainsAny(text, "<>()") && mailEnd.MatchString(text)
	return record.Value(text), ok
}

// phoneForm is the pattern that Zoho CRM asks of telephone numbers (zoho-crm.md §3). Letters belong to it.
var phoneForm = regexp.MustCompile(`^\+?[0-9A-Za-z .()#;,-]*[0-9A-Za-z][0-9A-Za-z .()#;,-]*$`)

func asPhone(_ record.Def, text string) (record.Value, bool) {
	return record.Value(text), phoneForm.MatchString(text)
}

func asChoice(d record.Def, text string) (record.Value, bool) {
	if text == "-None-" { // how Zoho CRM writes that nothing is chosen
		return "", true
	}
	if d.Open {
		for _, value := range d.Values {
			if strings.EqualFold(value, text) {
				return record.Value(value), true
			}
		}
		return record.Value(text), true
	}
	return record.Value(text), len(d.Values) == 0 || slices.Contains(d.Values, text)
}

// A bool has two values: what was never set is false.
func asBool(_ record.Def, text string) (record.Value, bool) {
	switch text {
	case "true":
		return "true", true
	case "false", "":
		return "false", true
	}
	return "", false
}

func asDate(_ record.Def, text string) (record.Value, bool) {
	day, err := time.Parse(time.DateOnly, text)
	return record.Value(text), err == nil && day.Year() > 0
}

func asNumber(_ record.Def, text string) (record.Value, bool) { return record.Decimal(text) }

// maxMinutes is sixty weeks, the farthest reminder that Zoho CRM takes (zoho-crm.md §4).
const maxMinutes = 60 * 7 * 24 * 60

func asMinutes(_ record.Def, text string) (record.Value, bool) {
	n, err := strconv.Atoi(text)
	return record.Value(strconv.Itoa(n)), err == nil && n >= 0 && n <= maxMinutes
}

func asTags(_ record.Def, text string) (record.Value, bool) {
	var names []string
	for line := range strings.SplitSeq(text, "\n") {
		if name := strings.TrimSpace(line); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return record.Value(strings.Join(slices.Compact(names), "\n")), true
}
