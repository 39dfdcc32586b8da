package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// importDraftPage asks what is what and shows what would become of the first rows.
type importDraftPage struct {
	Frame      frame
	Path       string
	File, Kind string
	Rows       int
	Table      bool
	CSV        bool
	Error      string // about all columns
	Columns    []importColumn
	Encodings  []option
	Separators []option
	Header     bool
	Days       []option // how 3/4/2026 is meant
	Decimals   []option
	Ways       []option // what becomes of duplicates
	Admitted   bool     // imported records are synced
	Company    bool     // the person may decide that
	Mass       string   // where imported records are updated together; "": they may not be
	Preview    []importSeen
	Unread     string // why the file can no longer be read
}

type importColumn struct {
	Name, Sample string
	Number       int // from 1, for people
	Field        field
}

type importSeen struct {
	Row    int
	Fate   string
	Values []previewValue
	Whys   []string
}

// importValues is how many values of a row a preview shows.
const importValues = 8

func (s *Site) importDraft(v *visit, status int, i intake.Import, wrong error) error {
	schema := v.schema(i.Kind)
	set := i.Settings
	page := importDraftPage{
		Path: importPath + "/" + url.PathEscape(i.ID), File: i.File, Kind: string(i.Kind), Rows: i.Rows, Table: set.Format.Table(),
		CSV: set.Format == importfile.CSV, Header: set.Header, Company: v.may().ManageUsers, Admitted: v.org.Admits(i.Kind),
		Mass: v.massImported(i.Kind),
	}
	for _, name := range importfile.Encodings {
		page.Encodings = append(page.Encodings, option{name, strings.ToUpper(name), name == set.Encoding})
	}
	for _, each := range []struct{ value, key string }{{",", "comma"}, {";", "semicolon"}, {"\t", "tab"}, {"|", "bar"}} {
		page.Separators = append(page.Separators, option{each.value, v.words.T("import.separator." + each.key), each.value == set.Separator})
	}
	for _, order := range []importfile.DayOrder{importfile.DayFirst, importfile.MonthFirst} {
		page.Days = append(page.Days, option{string(order), v.words.T("import.days." + string(order)), order == set.Days})
	}
	page.Decimals = []option{{"false", v.words.T("import.decimals.point"), !set.Comma}, {"true", v.words.T("import.decimals.comma"), set.Comma}}
	for _, way := range []intake.Duplicates{intake.Skip, intake.Update, intake.Create} {
		page.Ways = append(page.Ways, option{string(way), v.words.T("import.duplicates." + string(way)), way == set.Duplicates})
	}
	f := fault.As(wrong)
	if f != nil && f.Field == "columns" {
		page.Error = v.words.T("import.columns_lack." + string(i.Kind))
	}
	targets := intake.Targets(schema)
	for n, c := range set.Columns {
		column := importColumn{Name: c.Name, Sample: c.Sample, Number: n + 1, Field: field{Name: importColumnName(n), Input: "select", Label: c.Name}}
		if c.Name == "" {
			column.Field.Label = v.words.T("import.column", "N", n+1)
		}
		column.Field.Options = append(column.Field.Options, option{"", v.words.T("import.target.nothing"), c.Target == intake.Nothing})
		for _, t := range targets {
			column.Field.Options = append(column.Field.Options, option{string(t), v.targetLabel(i.Kind, t), t == c.Target})
		}
		if f != nil && f.Field == column.Field.Name {
			column.Field.Error = v.words.T("import.column_taken")
		}
		page.Columns = append(page.Columns, column)
	}
	seen, err := s.Imports.Preview(v.ctx(), i, v.actor(), importsPreview)
	switch {
	case fault.Is(err, fault.Invalid):
		page.Unread = v.fileWords(fault.ReasonOf(err))
	case err != nil:
		return err
	}
	for _, row := range seen {
		page.Preview = append(page.Preview, v.importSeen(i.Kind, schema, row))
	}
	page.Frame = s.frame(v, importSection(i.Kind), v.words.T("import.draft_title", "File", i.File))
	return s.render(v, status, "import-draft", page)
}

// importSection is the place of the navigation that an import belongs to.
func importSection(kind record.Kind) string { return string(kind) }

func importColumnName(n int) string { return intake.ColumnField(n) }

// targetLabel is what people call a target.
func (v *visit) targetLabel(kind record.Kind, t intake.Target) string {
	if name, ok := strings.CutPrefix(string(t), "-"); ok {
		return v.words.T("import.target." + name)
	}
	return v.label(kind, record.Field(t))
}

func (v *visit) importSeen(kind record.Kind, schema *record.Schema, row intake.Seen) importSeen {
	out := importSeen{Row: row.Row.Number, Fate: string(row.Fate)}
	for _, d := range schema.Defs() {
		value := row.Fields[d.Name]
		if value == "" || value == d.Standard || d.Type == record.Bool && value == "false" || len(out.Values) == importValues {
			continue
		}
		text := v.shown(kind, d.Name, value)
		if d.Type == record.Moment && text == "" {
			text = string(value) // as it was read
		}
		if runes := []rune(text); len(runes) > 120 {
			text = string(runes[:120]) + "…"
		}
		out.Values = append(out.Values, previewValue{Label: v.label(kind, d.Name), Value: text})
	}
	for _, why := range row.Whys {
		out.Whys = append(out.Whys, v.importWhy(kind, why))
	}
	return out
}

// importSave takes what a person said of a draft: do=look looks at the file anew, do=save shows the preview, do=start begins.
func (s *Site) importSave(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	i, err := s.ownImport(v)
	if err != nil {
		return err
	}
	path := importPath + "/" + url.PathEscape(i.ID)
	if i.State != intake.Draft {
		return v.to(path) // it has begun: in another tab, or by a second click
	}
	if form.Get("do") == "look" {
		asked := importfile.Options{Encoding: form.Get("encoding"), Separator: form.Get("separator")}
		_, err := s.Imports.Reread(v.ctx(), i, asked, last(form["header"]) == "true", v.daysFirst(), v.fieldLabel(i.Kind))
		if fault.Is(err, fault.Invalid) {
			s.putFlash(v.ctx(), flash{Key: "import.flash.unread", Bad: true})
			return v.to(path)
		}
		if err != nil {
			return err
		}
		return v.to(path)
	}
	for n := range i.Settings.Columns {
		if target, ok := form[importColumnName(n)]; ok {
			i.Settings.Columns[n].Target = intake.Target(last(target))
		}
	}
	if way := intake.Duplicates(form.Get("duplicates")); way != "" {
		i.Settings.Duplicates = way
	}
	if days := importfile.DayOrder(form.Get("days")); slices.Contains([]importfile.DayOrder{importfile.DayFirst, importfile.MonthFirst}, days) {
		i.Settings.Days = days
	}
	if comma := form.Get("comma"); comma != "" {
		i.Settings.Comma = comma == "true"
	}
	err = s.Imports.Choose(v.ctx(), i)
	if fault.Is(err, fault.Invalid) {
		return s.importDraft(v, http.StatusUnprocessableEntity, i, err)
	}
	if err == nil && form.Get("do") == "start" {
		err = s.Imports.Begin(v.ctx(), i)
	} else {
		path += "#import-preview"
	}
	if err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return v.to(path)
}

// last is the value of a field sent several times that counts: a checkbox follows a hidden "false".
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}
