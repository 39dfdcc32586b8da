package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// fieldsPath is Setup › Customization › Fields of contacts.
const fieldsPath = "/setup/fields"

func (s *Site) fieldRoutes() []route {
	return []route{
		{"GET " + fieldsPath, manager, s.fieldList},
		{"POST " + fieldsPath, manager, s.fieldMake},
		{"GET " + fieldsPath + "/new", manager, s.fieldNew},
		{"GET " + fieldsPath + "/{id}", manager, s.fieldShow},
		{"POST " + fieldsPath + "/{id}", manager, s.fieldChange},
		{"GET " + fieldsPath + "/{id}/retire", manager, s.fieldRetireAsk},
		{"POST " + fieldsPath + "/{id}/retire", manager, s.fieldRetire},
		{"POST " + fieldsPath + "/{id}/use", manager, s.fieldUse},
		{"GET " + fieldsPath + "/{id}/destroy", manager, s.fieldDestroyAsk},
		{"POST " + fieldsPath + "/{id}/destroy", manager, s.fieldDestroy},
	}
}

type fieldsPage struct {
	Frame  frame
	Used   []fieldRow
	Unused []fieldRow
	Full   bool // there are as many as may be
	Most   int
}

type fieldRow struct {
	Path, Label, Name, Type string
	Values                  string
}

func (v *visit) fieldRow(f crm.CustomField) fieldRow {
	return fieldRow{
		Path: fieldsPath + "/" + f.ID.String(), Label: f.Label, Name: string(f.Name), Type: v.words.T("fields.type." + f.TypeName()),
		Values: strings.Join(f.Values, ", "),
	}
}

func (s *Site) fieldList(v *visit) error {
	fields, err := s.Fields.All(v.ctx(), v.user.Org, record.Contacts)
	if err != nil {
		return err
	}
	page := fieldsPage{Full: len(fields) >= crm.CustomFieldsMax, Most: crm.CustomFieldsMax}
	for _, f := range fields {
		if f.State == crm.FieldInUse {
			page.Used = append(page.Used, v.fieldRow(f))
		} else {
			page.Unused = append(page.Unused, v.fieldRow(f))
		}
	}
	page.Frame = s.frame(v, "setup", v.words.T("fields.title"))
	return s.render(v, http.StatusOK, "fields", page)
}

// fieldPage is one field, to be made or changed.
type fieldPage struct {
	Frame  frame
	Path   string // where the form is sent to
	New    bool
	Unused bool
	Alert  string
	Row    fieldRow // of one that is there
	Label  field
	Type   field // of a new one
	Values field
	List   bool // it is a picklist, or may be one
}

func (s *Site) fieldNew(v *visit) error {
	return s.fieldForm(v, http.StatusOK, crm.CustomField{}, crm.FieldDraft{Type: crm.CustomTypes[0].Name}, nil)
}

// fieldForm shows a field with what somebody wants of it, which may be wrong.
func (s *Site) fieldForm(v *visit, status int, f crm.CustomField, d crm.FieldDraft, errs fieldErrors) error {
	page := fieldPage{Path: fieldsPath, New: f.ID == 0, Alert: errs[""], List: f.ID == 0 || f.Type == record.Picklist}
	page.Label = field{
		Name: "label", Label: v.words.T("fields.label"), Hint: v.words.T("fields.label_hint"), Value: d.Label, Input: "text",
		Required: true, Error: errs["label"],
	}
	page.Values = field{
		Name: "values", Label: v.words.T("fields.values"), Hint: v.words.T("fields.values_hint"), Value: strings.Join(d.Values, "\n"),
		Input: "textarea", Error: errs["values"],
	}
	title := v.words.T("fields.new")
	if page.New {
		page.Type = field{Name: "type", Label: v.words.T("fields.type"), Hint: v.words.T("fields.type_hint"), Input: "select", Error: errs["type"]}
		for _, t := range crm.CustomTypes {
			page.Type.Options = append(page.Type.Options, option{t.Name, v.words.T("fields.type." + t.Name), t.Name == d.Type})
		}
		page.Values.Hint = v.words.T("fields.values_new_hint")
	} else {
		page.Row, page.Unused, title = v.fieldRow(f), f.State != crm.FieldInUse, f.Label
		page.Path = page.Row.Path
	}
	if page.Alert == "" && len(errs) > 0 {
		page.Alert = v.words.T("form.failed")
	}
	page.Frame = s.frame(v, "setup", title)
	return s.render(v, status, "field", page)
}

// standardLabels are what the standard fields of a kind are called, in every language.
func (s *Site) standardLabels(kind record.Kind) (out []string) {
	for _, w := range s.pages.words {
		for _, def := range record.Standard(kind).Defs() {
			out = append(out, w.T("field."+string(def.Name)))
		}
	}
	return out
}

func (s *Site) readField(form url.Values) crm.FieldDraft {
	return crm.FieldDraft{
		Label: form.Get("label"), Type: form.Get("type"), Values: strings.Split(form.Get("values"), "\n"), Taken: s.standardLabels(record.Contacts),
	}
}

// fieldErrorsOf says by the form's controls why a field is refused.
func (v *visit) fieldErrorsOf(err error) (fieldErrors, bool) {
	errs, ok := v.fieldWords(err)
	for _, f := range faults(err) {
		if f.Field == "label" && f.Reason == fault.Duplicate {
			errs["label"] = v.words.T("fields.label_taken")
		}
	}
	if _, full := errs[""]; full {
		errs[""] = v.words.T("fields.full", "Count", crm.CustomFieldsMax)
	}
	return errs, ok
}

func (s *Site) fieldMake(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	d := s.readField(form)
	f, err := s.Fields.Make(v.ctx(), v.actor().Author, record.Contacts, d)
	if errs, ok := v.fieldErrorsOf(err); ok {
		return s.fieldForm(v, http.StatusUnprocessableEntity, crm.CustomField{}, d, errs)
	}
	return s.fieldDone(v, "flash.field_made", f, err)
}

// fieldDone leads back to the list after a deed.
func (s *Site) fieldDone(v *visit, key string, f crm.CustomField, err error) error {
	if err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: key, Name: f.Label})
	return v.to(fieldsPath)
}

// fieldOf finds the field of the path, with the number of contacts that have a value in it.
func (s *Site) fieldOf(v *visit) (crm.CustomField, int, error) {
	id, err := v.id()
	if err != nil {
		return crm.CustomField{}, 0, err
	}
	return s.Fields.One(v.ctx(), v.user.Org, record.Contacts, id)
}

func (s *Site) fieldShow(v *visit) error {
	f, _, err := s.fieldOf(v)
	if err != nil {
		return err
	}
	return s.fieldForm(v, http.StatusOK, f, crm.FieldDraft{Label: f.Label, Values: f.Values}, nil)
}

func (s *Site) fieldChange(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f, _, err := s.fieldOf(v)
	if err != nil {
		return err
	}
	d := s.readField(form)
	after, err := s.Fields.Change(v.ctx(), v.actor().Author, record.Contacts, f.ID, d)
	if errs, ok := v.fieldErrorsOf(err); ok {
		return s.fieldForm(v, http.StatusUnprocessableEntity, f, d, errs)
	}
	return s.fieldDone(v, "flash.field_changed", after, err)
}

// fieldQuestion asks before a field goes out of use, or is destroyed.
type fieldQuestion struct {
	Frame   frame
	Row     fieldRow
	Values  int // contacts that have a value
	Destroy bool
	Other   bool // the number has changed since the question was asked
}

func (s *Site) fieldRetireAsk(v *visit) error { return s.fieldAsk(v, crm.FieldInUse, false) }

func (s *Site) fieldDestroyAsk(v *visit) error { return s.fieldAsk(v, crm.FieldUnused, false) }

func (s *Site) fieldAsk(v *visit, state crm.FieldState, other bool) error {
	f, values, err := s.fieldOf(v)
	if err != nil {
		return err
	}
	if f.State != state { // it was meanwhile: its own page shows what can be done
		return v.to(fieldsPath + "/" + f.ID.String())
	}
	page := fieldQuestion{Row: v.fieldRow(f), Values: values, Destroy: state == crm.FieldUnused, Other: other}
	key := "fields.retire.title"
	if page.Destroy {
		key = "fields.destroy.title"
	}
	page.Frame = s.frame(v, "setup", v.words.T(key, "Name", f.Label))
	return s.render(v, http.StatusOK, "field-question", page)
}

func (s *Site) fieldRetire(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	f, err := s.Fields.Retire(v.ctx(), v.actor().Author, record.Contacts, id)
	return s.fieldDone(v, "flash.field_retired", f, err)
}

func (s *Site) fieldUse(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	f, err := s.Fields.Revive(v.ctx(), v.actor().Author, record.Contacts, id)
	return s.fieldDone(v, "flash.field_revived", f, err)
}

// fieldDestroy destroys what the question named: if it is more values by now, it is asked again.
func (s *Site) fieldDestroy(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f, values, err := s.fieldOf(v)
	if err != nil {
		return err
	}
	if form.Get("values") != strconv.Itoa(values) {
		return s.fieldAsk(v, crm.FieldUnused, true)
	}
	f, err = s.Fields.Destroy(v.ctx(), v.actor().Author, record.Contacts, f.ID)
	return s.fieldDone(v, "flash.field_destroyed", f, err)
}

// customKeys are the keys that pages about fields put together from parts.
func customKeys() (out []string) {
	for _, t := range crm.CustomTypes {
		out = append(out, "fields.type."+t.Name)
	}
	for _, deed := range []string{"made", "changed", "retired", "revived", "destroyed"} {
		out = append(out, "flash.field_"+deed)
	}
	return append(out, "group.custom", "fields.retire.title", "fields.destroy.title")
}
