package intake

import (
	"slices"
	"strings"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"tandem/internal/importfile"
	"tandem/internal/record"
)

// Target is what a column is: the name of a field of the CRM, or one of the following.
type Target string

// Targets that are no field.
const (
	Nothing   Target = ""        // the column is left out
	FullName  Target = "-name"   // given and family names in one
	StartTime Target = "-start"  // the clock of the start, beside a column with its day
	EndTime   Target = "-end"    // the clock of the end
	UID       Target = "-uid"    // tells an event from all others
	Reminder  Target = "-remind" // the moment of the reminder; with a number, the minutes before the start
	Notes     Target = "-notes"  // goes to the end of the description, with the name of the column; any number of columns may
)

// Targets are what the columns of a table may be, in the order of pages.
func Targets(schema *record.Schema) []Target {
	var out []Target
	if schema.Kind() == record.Contacts {
		out = append(out, FullName)
	}
	for _, d := range schema.Defs() {
		switch d.Type {
		case record.Image, record.Reference, record.Related, record.People, record.Reminders, record.Minutes:
			continue
		}
		out = append(out, Target(d.Name))
		switch d.Name {
		case record.Start:
			out = append(out, StartTime)
		case record.End:
			out = append(out, EndTime)
		}
	}
	if schema.Kind() != record.Contacts {
		out = append(out, Reminder)
	}
	return append(out, UID, Notes)
}

// Once reports whether only one column may be the target.
func (t Target) Once() bool { return t != Nothing && t != Notes }

// Key is the name of a column as it is compared: its letters and digits, in lower case and without accents.
func Key(name string) string {
	plain, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(accents)), norm.NFC), strings.ToValidUTF8(name, ""))
	if err != nil {
		plain = name
	}
	return strings.Join(strings.FieldsFunc(strings.ToLower(plain), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r < 0x80
	}), " ")
}

// Guess says what the columns are: by what was chosen before, by the names that Outlook, Google, Zoho and people give them in English
// and Portuguese, and by the labels and names of the organization's own fields. label is what a field is called on pages.
func Guess(columns []importfile.Column, schema *record.Schema, remembered map[string]Target, label func(record.Field) string) []Column {
	out := make([]Column, len(columns))
	possible := Targets(schema)
	words := guesses(schema, label)
	keys := make([]string, len(columns))
	for i, c := range columns {
		out[i] = Column{Name: c.Name, Sample: c.Sample}
		keys[i] = Key(c.Name)
	}
	taken := map[Target]bool{}
	set := func(i int, t Target) bool {
		if !slices.Contains(possible, t) || t.Once() && taken[t] {
			return false
		}
		out[i].Target, taken[t] = t, true
		return true
	}
	done := make([]bool, len(columns))
	for i, key := range keys {
		if t, ok := remembered[key]; ok && key != "" {
			done[i] = t == Nothing || set(i, t)
		}
	}
	jobTitle := slices.Contains(keys, "job title") || slices.Contains(keys, "cargo") // then "title" is the form of address, as in Outlook's files
	for i, key := range keys {
		if done[i] || key == "" {
			continue
		}
		if t, ok := ourName(key, keys, words, schema, label); ok && set(i, t) {
			continue
		}
		if (key == "title" || key == "titulo") && schema.Kind() == record.Contacts && jobTitle {
			set(i, Target(record.Salutation))
			continue
		}
		if (key == "name" || key == "nome") && schema.Kind() == record.Contacts {
			if slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(words[k], Target(record.LastName)) }) {
				set(i, Target(record.FirstName))
			} else {
				set(i, FullName)
			}
			continue
		}
		for _, t := range append(labelled(keys, columns, i), words[key]...) {
			if set(i, t) {
				break
			}
		}
	}
	if len(columns) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return k != "" }) {
		byValue(out, set)
	}
	return out
}

// ourName is the field that pages call by the name, where another program would call another field so and that one is there under
// the name that it has on pages: "Title" beside "Position", as in our own files.
func ourName(key string, keys []string, words map[string][]Target, schema *record.Schema, label func(record.Field) string) (Target, bool) {
	if label == nil || len(words[key]) == 0 {
		return "", false
	}
	ours, other := Target(""), words[key][0]
	for _, d := range schema.Defs() {
		switch name := Key(label(d.Name)); {
		case name == key:
			ours = Target(d.Name)
		case Target(d.Name) == other && !slices.Contains(keys, name):
			return "", false
		}
	}
	return ours, ours != "" && ours != other
}

// labelled reads Google's pairs of columns, such as "Phone 1 - Label" (or "Type") beside "Phone 1 - Value": the first label says what
// the column is.
func labelled(keys []string, columns []importfile.Column, i int) []Target {
	base, ok := strings.CutSuffix(keys[i], " value")
	if !ok || !strings.HasPrefix(base, "phone") && !strings.HasPrefix(base, "telefone") {
		return nil
	}
	for j, key := range keys {
		if key != base+" label" && key != base+" type" {
			continue
		}
		switch label := Key(columns[j].Sample); {
		case strings.Contains(label, "mobile"), strings.Contains(label, "celular"), strings.Contains(label, "cell"):
			return []Target{Target(record.Mobile)}
		case strings.Contains(label, "fax"):
			return []Target{Target(record.Fax)}
		case strings.Contains(label, "home"), strings.Contains(label, "casa"), strings.Contains(label, "residencial"):
			return []Target{Target(record.HomePhone)}
		case strings.Contains(label, "work"), strings.Contains(label, "main"), strings.Contains(label, "trabalho"), strings.Contains(label, "comercial"):
			return []Target{Target(record.PhoneField)}
		}
	}
	return nil
}

// byValue guesses columns without names by their first value.
func byValue(columns []Column, set func(int, Target) bool) {
	for i, c := range columns {
		switch value := strings.TrimSpace(c.Sample); {
		case strings.Contains(value, "@") && !strings.Contains(value, " "):
			_ = set(i, Target(record.EmailField)) || set(i, Target(record.SecondaryEmail))
		case len(value) >= 8 && strings.Trim(value, "+0123456789 ().-") == "":
			_ = set(i, Target(record.PhoneField)) || set(i, Target(record.Mobile))
		case i == 0 && value != "":
			set(i, FullName)
		}
	}
}
