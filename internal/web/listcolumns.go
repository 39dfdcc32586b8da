package web

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// A column of a list, beside the name.
type column struct {
	Name  string // a field, or one of the columns below
	Label string
	Sort  string // by what a click on its head sorts; "": it does not
	Kind  string // how its cells look: reach, when, badge, mail, phone, link, text, quiet
	def   record.Def
}

// The columns that are no fields.
const (
	columnReach    = "reach" // address and telephone number
	columnOwner    = "Owner"
	columnOutlook  = "outlook"
	columnCreated  = string(crm.CreatedTime)
	columnModified = string(crm.ModifiedTime)
)

// usualColumns are those of contacts for a person who has chosen none.
var usualColumns = []string{columnReach, columnOwner, columnOutlook, columnModified}

// indexed are the orders of contacts that are fields and cost nothing.
var indexed = []string{string(record.AccountName), string(record.EmailField)}

// columnsMost is how many columns a list has beside the name: more are not read but scrolled.
const columnsMost = 8

// cellMost is how much of a long text a list shows, in code points.
const cellMost = 120

// A cell is what a row shows in a column.
type cell struct {
	column
	Text  string
	More  string // a second line: the telephone number, or how an event repeats
	Path  string // where the text leads
	Badge badge
}

// listed reports whether a field can be a column: what tells one record from another by a line of text.
func listed(def record.Def) bool {
	return len(crm.Ops(def)) > 0 && def.Name != record.FirstName && def.Name != record.LastName && def.Name != record.EventTitle
}

// allColumns are those to choose from, in the order in which lists show them.
func (v *visit) allColumns(kind record.Kind) []column {
	out := []column{{Name: columnReach, Label: v.words.T("contacts.reach"), Sort: string(record.EmailField), Kind: "reach"}}
	if kind == record.Calendar {
		out = []column{
			{Name: columnWhen, Label: v.words.T("events.when"), Sort: "start", Kind: "when"},
			{Name: columnWho, Label: v.label(kind, record.WhoID), Kind: "link"},
		}
	}
	for _, def := range v.schema(kind).Defs() {
		if !listed(def) {
			continue
		}
		c := column{Name: string(def.Name), Label: v.label(kind, def.Name), Sort: string(def.Name), Kind: "text", def: def}
		switch def.Type {
		case record.Email:
			c.Kind = "mail"
		case record.Phone:
			c.Kind = "phone"
		case record.Date, record.Number, record.Bool:
			c.Kind = "quiet"
		}
		out = append(out, c)
	}
	return append(out,
		column{Name: columnOwner, Label: v.words.T("field.Owner"), Kind: "quiet"},
		column{Name: columnOutlook, Label: v.words.T("contacts.outlook"), Kind: "badge"},
		column{Name: columnCreated, Label: v.words.T("contacts.made"), Sort: "created", Kind: "quiet"},
		column{Name: columnModified, Label: v.words.T("contacts.changed"), Sort: "modified", Kind: "quiet"},
	)
}

// columns are those that a person has chosen, and all of them to choose from. Where there are many records only some sort.
func (v *visit) columns(kind record.Kind, tastes map[string]string, owners bool, total int) (shown []column, choices []option) {
	chosen := usualColumns
	if kind == record.Calendar {
		chosen = usualEventColumns
	}
	if text, ok := tastes[string(kind)+".columns"]; ok {
		chosen = strings.Split(text, ",")
	}
	for _, c := range v.allColumns(kind) {
		if c.Name == columnOwner && !owners {
			continue
		}
		on := slices.Contains(chosen, c.Name)
		choices = append(choices, option{c.Name, c.Label, on})
		if !on || len(shown) == columnsMost {
			continue
		}
		if _, always := orders[c.Sort]; total > sortMost && !always && !slices.Contains(indexed, c.Sort) {
			c.Sort = ""
		}
		shown = append(shown, c)
	}
	return shown, choices
}

// cell is what a record shows in a column. from is since when a list of events shows them, about the names of related contacts.
func (v *visit) cell(c column, r crm.Record, users []account.User, mark badge, from time.Time, about map[string]string) cell {
	out := cell{column: c}
	switch c.Name {
	case columnReach:
		out.Text, out.More = string(r.Fields[record.EmailField]), firstPhone(r.Fields)
	case columnWhen, columnWho:
		v.eventCell(&out, r, from, about)
	case columnOwner:
		out.Text = ownerName(users, r.Owner)
	case columnOutlook:
		out.Badge = mark
	case columnCreated:
		out.Text = v.words.Ago(r.CreatedAt, v.now, v.zone)
	case columnModified:
		out.Text = v.words.Ago(r.ModifiedAt, v.now, v.zone)
	default:
		out.Text = v.brief(c.def, r.Fields[c.def.Name])
	}
	return out
}

// brief is the value of a field as a line of text.
func (v *visit) brief(def record.Def, value record.Value) string {
	switch def.Type {
	case record.Picklist:
		if value == "" {
			value = def.Standard
		}
		if value == "" || !slices.Contains(def.Values, string(value)) {
			return string(value)
		}
		return v.choice(def, string(value))
	case record.Bool:
		if value == "true" {
			return v.words.T("list.yes")
		}
		return ""
	case record.Tags:
		return strings.ReplaceAll(string(value), "\n", ", ")
	case record.Date:
		if text, ok := v.words.Date(value); ok {
			return text
		}
	}
	text := strings.Join(strings.Fields(v.words.typed(def, value)), " ")
	if long := []rune(text); len(long) > cellMost {
		text = strings.TrimSpace(string(long[:cellMost])) + "…"
	}
	return text
}

// columnsSave keeps the columns that a person has chosen for the lists of a kind.
func (s *Site) columnsSave(kind record.Kind) func(*visit) error {
	return func(v *visit) error {
		form, err := v.form()
		if err != nil {
			return err
		}
		if err := v.needs(kind, viewing); err != nil {
			return err
		}
		var chosen []string
		for _, c := range v.allColumns(kind) {
			if slices.Contains(form["column"], c.Name) {
				chosen = append(chosen, c.Name)
			}
		}
		value := strings.Join(chosen, ",")
		switch {
		case form.Get("usual") != "":
			value = ""
		case len(chosen) == 0:
			return fault.Wrong(fault.Mandatory, "column", "web: no column was chosen")
		}
		if err := s.Tastes.SetTaste(v.ctx(), v.user.Org, v.user.ID, string(kind)+".columns", value); err != nil {
			return err
		}
		f := flash{Key: "flash.columns"}
		if len(chosen) > columnsMost {
			f.More = "flash.columns_more"
		}
		s.putFlash(v.ctx(), f)
		return v.to(listPath(kind, form.Get("next")))
	}
}

// listPath is the list of a kind to go back to.
func listPath(kind record.Kind, next string) string {
	list := listOf(kind)
	if path := ownPath(next); path == list || strings.HasPrefix(path, list+"?") {
		return path
	}
	return list
}

// listOf is where the records of a kind are listed.
func listOf(kind record.Kind) string {
	if kind == record.Calendar {
		return eventsPath
	}
	return "/contacts"
}
