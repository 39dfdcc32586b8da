package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/massupdate"
	"tandem/internal/record"
)

// MassUpdates give one field of many records the same value. They are carried out in the background.
type MassUpdates interface {
	// Prepare names the records that a query finds; nothing is changed. Denied and Invalid: as of crm.MassUpdate; Invalid for "ids":
	// there are none, or more than massupdate.Max.
	Prepare(ctx context.Context, a crm.Actor, kind record.Kind, q crm.Query, field record.Field, value record.Value) (massupdate.Update, error)
	Groups(ctx context.Context, org record.ID, id string) ([]massupdate.Group, error)
	Go(ctx context.Context, u massupdate.Update) error
	Stop(ctx context.Context, u massupdate.Update) error
	// TakeBack undoes one that has ended. Conflict: it has not, or it is being undone.
	TakeBack(ctx context.Context, u massupdate.Update) error

	Update(ctx context.Context, org record.ID, id string) (massupdate.Update, error)
	MassUpdatesOf(ctx context.Context, org, user record.ID, limit int) ([]massupdate.Update, error)
	Lines(ctx context.Context, org record.ID, id string, did massupdate.Did, after record.ID, limit int) ([]massupdate.Line, error)
	Drop(ctx context.Context, org record.ID, id string) error
}

const massPath = "/mass-update"

func (s *Site) massRoutes() []route {
	return []route{
		{"GET /mass-update", member, s.massNew},
		{"POST /mass-update", member, s.massPrepare},
		{"GET /mass-update/{id}", member, s.massShow},
		{"POST /mass-update/{id}", member, s.massGo},
		{"GET /mass-update/{id}/part", script, s.massPart},
		{"POST /mass-update/{id}/stop", member, s.massStop},
		{"POST /mass-update/{id}/undo", member, s.massUndo},
		{"POST /mass-update/{id}/drop", member, s.massDrop},
	}
}

// massPast is how many former mass updates are listed, massFailed how many records that stayed as they were.
const massPast, massFailed = 20, 20

func editing(a record.Access) bool { return viewing(a) && a.Edit != record.Nobodys }

// massUpdates reports whether a person may update many records of a kind in one go.
func (v *visit) massUpdates(kind record.Kind) bool {
	return v.may().MassUpdate && editing(v.may().Records(kind))
}

func (v *visit) needsMass(kind record.Kind) error {
	if !v.may().MassUpdate {
		return fault.New(fault.Denied, fault.NotAllowed, "web: the profile %q does not allow mass updates", v.user.Profile)
	}
	return v.needs(kind, editing)
}

// massAsk is which records a mass update is for, as its address says it.
type massAsk struct {
	listAsk
	kind     record.Kind
	imported bool // only those that wait outside the sync
}

func (a massAsk) values() url.Values {
	q := a.query("name", false, 1)
	q.Set("kind", string(a.kind))
	if a.imported {
		q.Set("imported", "true")
	}
	return q
}

// massAddress is where all records that a list shows are updated.
func massAddress(kind record.Kind, ask listAsk) string {
	return massPath + "?" + massAsk{listAsk: ask, kind: kind}.values().Encode()
}

// massImported is where one's own imported records are updated; "": this person may not.
func (v *visit) massImported(kind record.Kind) string {
	if !v.massUpdates(kind) {
		return ""
	}
	return massPath + "?" + massAsk{listAsk: listAsk{Owner: "mine"}, kind: kind, imported: true}.values().Encode()
}

// readMassAsk reads which records are meant. whole: every condition says something. One that does not would let in more records than
// the person sees named, so that nothing may be prepared.
func (v *visit) readMassAsk(q url.Values) (ask massAsk, form filtering, query crm.Query, whole bool, err error) {
	if ask.kind, err = kindOf(cmp.Or(q.Get("kind"), string(record.Contacts))); err != nil {
		return
	}
	if err = v.needsMass(ask.kind); err != nil {
		return
	}
	ask.listAsk = v.readListAsk(massPath, ask.kind, q, "mine")
	if ask.Owner != "all" && v.listOwner(ask.Owner) == 0 {
		ask.Owner = "mine"
	}
	ask.imported = q.Get("imported") == "true"
	asked := len(ask.Conds)
	form, filters := v.filtering(ask.kind, &ask.listAsk)
	query = crm.Query{Owner: v.listOwner(ask.Owner), Search: ask.Q, Filters: filters, Imported: ask.imported}
	return ask, form, query, len(filters) == asked, nil
}

// massNewPage asks which records, which field and which value.
type massNewPage struct {
	Frame     frame
	Path      string
	Kind      string
	Kinds     []viewLink
	Q         string
	Owners    []option
	Imported  bool
	Filtering filtering
	Whole     bool
	Query     string
	Given     []option // what the address says, to be said again
	Total     int
	Fields    []option
	Field     string
	Value     field
	Alert     string
	Past      []massRow
}

type massRow struct{ Path, What, When, State string }

func (s *Site) massNew(v *visit) error {
	return s.massForm(v, http.StatusOK, v.r.URL.Query(), "", nil)
}

// massForm shows the form for an address; given is what was typed, errs what is wrong with it.
func (s *Site) massForm(v *visit, status int, q url.Values, given record.Value, errs fieldErrors) error {
	ask, filtering, query, whole, err := v.readMassAsk(q)
	if err != nil {
		return err
	}
	page := massNewPage{
		Path: massPath, Kind: string(ask.kind), Q: ask.Q, Imported: ask.imported, Filtering: filtering, Whole: whole,
		Query: ask.values().Encode(), Alert: errs["ids"], Field: q.Get("field"),
	}
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		if v.massUpdates(kind) {
			page.Kinds = append(page.Kinds, viewLink{string(kind), v.words.T("kind." + string(kind)), massPath + "?kind=" + string(kind), kind == ask.kind})
		}
	}
	for name, values := range ask.values() {
		for _, value := range values {
			page.Given = append(page.Given, option{Value: name, Label: value})
		}
	}
	if page.Total, err = s.Records.Count(v.ctx(), v.actor(), ask.kind, query); err != nil {
		return err
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	page.Owners = v.ownerChoices(users, ask.kind, ask.Owner)
	for _, def := range v.schema(ask.kind).Defs() {
		if crm.MassUpdatable(def) {
			chosen := string(def.Name) == page.Field
			page.Fields = append(page.Fields, option{string(def.Name), v.label(ask.kind, def.Name), chosen})
			if chosen {
				page.Value = v.massControl(ask.kind, def, given, errs)
			}
		}
	}
	if page.Value.Name == "" {
		page.Field = ""
	}
	past, err := s.Mass.MassUpdatesOf(v.ctx(), v.user.Org, v.user.ID, massPast)
	if err != nil {
		return err
	}
	for _, u := range past {
		if v.sees(u.Kind) {
			page.Past = append(page.Past, massRow{massPath + "/" + url.PathEscape(u.ID), v.massWords(u), v.words.Ago(u.Begun, v.now, v.zone), string(u.State)})
		}
	}
	page.Frame = s.frame(v, importSection(ask.kind), v.words.T("mass.title"))
	return s.render(v, status, "mass-new", page)
}

// massControl is the control for the value that all are to have.
func (v *visit) massControl(kind record.Kind, def record.Def, given record.Value, errs fieldErrors) field {
	f := v.control(kind, def.Name, record.Fields{def.Name: given}, errs)
	if def.Name == record.RemindAt {
		f.Input, f.Options = "select", v.reminderOptions(string(given))
	}
	switch {
	case def.Type == record.Tags:
		f.Hint = v.words.T("mass.tags_hint")
	case f.Input != "checkbox" && !f.Required && (f.Input != "select" || f.Options[0].Value == ""):
		f.Hint = v.words.T("mass.empty_hint")
	}
	return f
}

// massPrepare names the records. The value comes by the name of its field.
func (s *Site) massPrepare(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	q, err := url.ParseQuery(form.Get("query"))
	if err != nil {
		return fault.Wrong(fault.BadValue, "query", "web: the records cannot be read: %s", err)
	}
	name := record.Field(form.Get("field"))
	q.Set("field", string(name))
	ask, _, query, whole, err := v.readMassAsk(q)
	if err != nil {
		return err
	}
	value, given := v.posted(ask.kind, form)[name]
	if !whole || !given {
		return s.massForm(v, http.StatusUnprocessableEntity, q, value, nil)
	}
	u, err := s.Mass.Prepare(v.ctx(), v.actor(), ask.kind, query, name, value)
	if errs, ok := v.fieldWords(err); ok {
		if errs["ids"] != "" {
			errs["ids"] = v.words.T("mass.ids."+string(idsReason(err)), "Count", massupdate.Max)
		}
		return s.massForm(v, http.StatusUnprocessableEntity, q, value, errs)
	}
	if err != nil {
		return err
	}
	return v.to(massPath + "/" + url.PathEscape(u.ID))
}

// idsReason is why the records themselves are refused: there are too many, or none.
func idsReason(err error) fault.Reason {
	if fault.ReasonOf(err) == fault.TooLong {
		return fault.TooLong
	}
	return fault.Mandatory
}

// massWords says what one does.
func (v *visit) massWords(u massupdate.Update) string {
	label := v.label(u.Kind, u.Field)
	if u.Value == "" {
		return v.words.T("mass.clears", "Field", label)
	}
	return v.words.T("mass.sets", "Field", label, "Value", v.massValue(u))
}

func (v *visit) massValue(u massupdate.Update) string {
	def, _ := v.schema(u.Kind).Def(u.Field)
	switch {
	case u.Field == record.RemindAt:
		options := v.reminderOptions(string(u.Value))
		if i := slices.IndexFunc(options, func(o option) bool { return o.Selected }); i >= 0 {
			return options[i].Label
		}
	case def.Type == record.Bool && u.Value != "true":
		return v.words.T("list.no")
	}
	return v.brief(def, u.Value)
}
