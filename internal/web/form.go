package web

import (
	"net/url"
	"slices"
	"strings"

	"tandem/internal/account"
	"tandem/internal/record"
)

// A field is one control of a form, ready to be shown.
type field struct {
	Name     string
	Label    string
	Value    string
	Error    string // the sentence by the field
	Hint     string
	Input    string // text, email, tel, date, datetime-local, number, textarea, select, checkbox
	Options  []option
	Max      int
	Required bool
	Auto     string // autocomplete
	Mode     string // inputmode
	Wide     bool   // takes the whole row
	Reading  bool   // shown, not to be changed
	Yearless *yearless
}

// read leaves the field to be looked at.
func (f *field) read() { f.Reading, f.Required, f.Hint = true, false, "" }

// ID is the element's id, for labels and messages to point to.
func (f field) ID() string { return "f-" + f.Name }

// DescribedBy are the ids of what explains the field.
func (f field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID()+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.ID()+"-error")
	}
	return strings.Join(ids, " ")
}

type option struct {
	Value, Label string
	Selected     bool
}

// A group is fields that belong together under a heading.
type group struct {
	Key    string
	Legend string
	Fields []field
	Fold   bool // can be closed
	Open   bool // of Fold
}

// inputs are the controls for the types of field.
var inputs = map[record.Type]string{
	record.Text: "text", record.LongText: "textarea", record.Email: "email", record.Phone: "tel", record.URL: "url",
	record.Picklist: "select", record.Bool: "checkbox", record.Date: "date", record.Tags: "text", record.Lookup: "text",
	record.Number: "text", // a number control would keep back what is none, and nobody would be told
}

// control makes the control of a CRM field.
func (v *visit) control(kind record.Kind, name record.Field, values record.Fields, errs fieldErrors) field {
	def, _ := v.schema(kind).Def(name)
	f := field{
		Name: string(name), Label: v.label(kind, name), Value: v.words.typed(def, values[name]),
		Error: errs[string(name)], Input: inputs[def.Type], Max: def.Max, Required: def.Mandatory,
	}
	switch def.Type {
	case record.Picklist:
		f.Options = v.choices(def, f.Value)
	case record.Tags:
		f.Value = strings.ReplaceAll(f.Value, "\n", ", ")
		f.Hint = v.words.T("form.tags_hint")
	case record.LongText:
		f.Wide = true
	case record.Number:
		f.Mode = "decimal"
	}
	return f
}

// choices are the options of a picklist. A value that is none of them came by sync and stays choosable.
func (v *visit) choices(def record.Def, chosen string) []option {
	var out []option
	if def.Standard == "" {
		out = append(out, option{Value: "", Label: v.words.T("form.none"), Selected: chosen == ""})
	} else if chosen == "" {
		chosen = string(def.Standard)
	}
	known := chosen == ""
	for _, value := range def.Values {
		known = known || value == chosen
		out = append(out, option{value, v.choice(def, value), value == chosen})
	}
	if !known {
		out = append(out, option{chosen, chosen, true})
	}
	return out
}

// choice is what people call a value of a picklist: one that the organization made is called what it is.
func (v *visit) choice(def record.Def, value string) string {
	if def.Custom {
		return value
	}
	return v.words.T(choiceKey(def.Name, value))
}

// choiceKey is the message for a value of a picklist.
func choiceKey(name record.Field, value string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == ' ':
			return '_'
		}
		return -1
	}, value)
	return "choice." + string(name) + "." + slug
}

// posted reads the CRM fields that a form sent; those it did not send stay out. Of a field sent twice the last counts:
// a checkbox follows a hidden "false".
func (v *visit) posted(kind record.Kind, form url.Values) record.Fields {
	out := record.Fields{}
	for _, def := range v.schema(kind).Defs() {
		values, ok := form[string(def.Name)]
		if !ok || def.Type == record.Image { // a picture is set by itself: photo.go
			continue
		}
		value := strings.ReplaceAll(values[len(values)-1], "\r\n", "\n")
		if def.Type == record.Tags {
			value = strings.Join(tagNames(value), "\n")
		}
		switch def.Type {
		case record.Number:
			value = v.words.readNumber(value)
		case record.Date:
			value = postedDay(form, string(def.Name), value)
		}
		out[def.Name] = record.Value(value)
	}
	return out
}

// tagNames reads what a person typed as tags: names between commas.
func tagNames(text string) []string {
	var names []string
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ownerField lets a person choose whose the record is.
func (v *visit) ownerField(users []account.User, kind record.Kind, owner record.ID, errs fieldErrors) field {
	f := field{Name: "Owner", Label: v.words.T("field.Owner"), Value: owner.String(), Input: "select", Error: errs["Owner"]}
	if v.may().Records(kind).View != record.Anyones {
		f.Hint = v.words.T("form.owner_hint")
	}
	for _, u := range users {
		if u.State == account.Active || u.ID == owner {
			f.Options = append(f.Options, option{u.ID.String(), u.Name(), u.ID == owner})
		}
	}
	return f
}

// ownerName finds a user's name among users.
func ownerName(users []account.User, id record.ID) string {
	for _, u := range users {
		if u.ID == id {
			return u.Name()
		}
	}
	return ""
}
