package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/massupdate"
	"tandem/internal/record"
)

// MassUpdates do one thing to many records. They are carried out in the background.
type MassUpdates interface {
	// Prepare names the records that a query finds; nothing is changed. Denied and Invalid: as of crm.MassCheck; Invalid for "ids":
	// there are none, or more than massupdate.Max.
	Prepare(ctx context.Context, a crm.Actor, kind record.Kind, q crm.Query, deed crm.MassDeed) (massupdate.Update, error)
	// CallsOff finds the events that stay as they are because people are invited to them.
	CallsOff(ctx context.Context, a crm.Actor, u massupdate.Update) (massupdate.CallsOff, error)
	Groups(ctx context.Context, org record.ID, id string) ([]massupdate.Group, error)
	Go(ctx context.Context, u massupdate.Update) error
	// GoMailing is Go with the person's word that the people of these events may be told that they are off.
	GoMailing(ctx context.Context, u massupdate.Update, events []crm.Cancellation) error
	Stop(ctx context.Context, u massupdate.Update) error
	// TakeBack undoes one that has ended. Conflict: it has not, or it is being undone.
	TakeBack(ctx context.Context, u massupdate.Update) error

	Update(ctx context.Context, org record.ID, id string) (massupdate.Update, error)
	MassUpdatesOf(ctx context.Context, org, user record.ID, limit int) ([]massupdate.Update, error)
	// MassUpdatesTo lists those that changed a record, the latest first.
	MassUpdatesTo(ctx context.Context, org, id record.ID, limit int) ([]massupdate.Update, error)
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
		{"GET /mass-update/{id}/failed.csv", member, s.massFailedCSV},
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

// massAsk is which records a mass update is for, as its address says it: those that a list shows, or those chosen in it.
type massAsk struct {
	listAsk
	kind     record.Kind
	imported bool // only those that wait outside the sync
	picks
}

func (a massAsk) values() url.Values {
	q := a.picks.values()
	if !a.picked {
		a.Path = massPath
		sort, desc := a.usual()
		q = a.query(sort, desc, 1)
	}
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
	if ask.picks = readPicks(q); ask.picked {
		return ask, form, crm.Query{IDs: ask.records}, true, nil
	}
	ask.listAsk = v.readListAsk(massPath, ask.kind, q, "mine")
	ask.imported = q.Get("imported") == "true"
	form, query, whole = v.allListed(ask.kind, &ask.listAsk, "mine")
	query.Imported = ask.imported
	return ask, form, query, whole, nil
}

// massNewPage asks which records, and what is to be done to them.
type massNewPage struct {
	Frame     frame
	Path      string
	Kind      string
	Kinds     []viewLink
	Q         string
	Owners    []option
	Imported  bool
	Filtering filtering
	Span      *listSpan // of events
	Picked    bool      // what was ticked in a list
	Names     []string  // of the first of them
	List      string    // where others are chosen
	Whole     bool
	Query     string
	Given     []option // what the address says, to be said again
	Total     int
	Deeds     []option
	Do        string
	Fields    []option // of crm.MassSet
	Field     string
	Value     field // Name "": it takes none, or the field is not chosen yet
	Ready     bool  // all is said but the value
	Alert     string
	Past      []massRow
}

type massRow struct{ Path, What, When, State string }

// massNames is how many names of ticked records are told.
const massNames = 10

func (s *Site) massNew(v *visit) error {
	return s.massForm(v, http.StatusOK, v.r.URL.Query(), "", nil)
}

// massDos are the deeds that a person may do to records of a kind.
func (v *visit) massDos(kind record.Kind) (out []crm.MassDo) {
	for _, do := range crm.MassDos {
		if do != crm.MassDelete || deleting(v.may().Records(kind)) {
			out = append(out, do)
		}
	}
	return out
}

// massForm shows the form for an address; given is what was typed, errs what is wrong with it.
func (s *Site) massForm(v *visit, status int, q url.Values, given record.Value, errs fieldErrors) error {
	ask, filtering, query, whole, err := v.readMassAsk(q)
	if err != nil {
		return err
	}
	page := massNewPage{
		Path: massPath, Kind: string(ask.kind), Q: ask.Q, Imported: ask.imported, Filtering: filtering, Whole: whole, Picked: ask.picked,
		Query: ask.values().Encode(), Alert: errs["ids"], Field: q.Get("field"), List: listOf(ask.kind),
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
	slices.SortStableFunc(page.Given, func(a, b option) int { return cmp.Compare(a.Value, b.Value) })
	if page.Total, err = s.Records.Count(v.ctx(), v.actor(), ask.kind, query); err != nil {
		return err
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	if ask.picked && page.Total > 0 {
		query.Limit, query.Sort = massNames, crm.ByName
		found, err := s.Records.List(v.ctx(), v.actor(), ask.kind, query)
		if err != nil {
			return err
		}
		for _, r := range found {
			page.Names = append(page.Names, recordName(v.words, r))
		}
	}
	page.Owners = v.ownerChoices(users, ask.kind, ask.Owner)
	if ask.events && !ask.picked {
		if page.Span, err = s.listSpan(v, ask.listAsk); err != nil {
			return err
		}
	}
	v.massWhat(&page, ask.kind, q, users, given, errs)
	past, err := s.Mass.MassUpdatesOf(v.ctx(), v.user.Org, v.user.ID, massPast)
	if err != nil {
		return err
	}
	for _, u := range past {
		if v.sees(u.Kind) {
			page.Past = append(page.Past, massRow{massPath + "/" + url.PathEscape(u.ID), v.massWords(u, users), v.words.Ago(u.Begun, v.now, v.zone), string(u.State)})
		}
	}
	page.Frame = s.frame(v, importSection(ask.kind), v.words.T("mass.title"))
	return s.render(v, status, "mass-new", page)
}

// massWhat is the part of the form that asks what is to be done.
func (v *visit) massWhat(page *massNewPage, kind record.Kind, q url.Values, users []account.User, given record.Value, errs fieldErrors) {
	dos := v.massDos(kind)
	do := crm.MassDo(q.Get("do"))
	if !slices.Contains(dos, do) {
		if do = ""; page.Field != "" {
			do = crm.MassSet
		}
	}
	page.Do = string(do)
	for _, each := range dos {
		page.Deeds = append(page.Deeds, option{string(each), v.words.T("mass.do." + string(each)), each == do})
	}
	switch do {
	case crm.MassSet:
		for _, def := range v.schema(kind).Defs() {
			if crm.MassUpdatable(def) {
				chosen := string(def.Name) == page.Field
				page.Fields = append(page.Fields, option{string(def.Name), v.label(kind, def.Name), chosen})
				if chosen {
					page.Value = v.massControl(kind, def, given, errs)
				}
			}
		}
	case crm.MassOwner:
		owner, _ := record.ParseID(string(given))
		page.Value = v.ownerField(users, kind, owner, errs)
		page.Value.Required = true
		page.Value.Options = slices.Insert(page.Value.Options, 0, option{Label: v.words.T("mass.choose_owner"), Selected: owner == 0})
		page.Value.Hint = v.words.T("mass.owner_hint." + string(kind))
		if v.may().Records(kind).View != record.Anyones {
			page.Value.Hint += " " + v.words.T("mass.owner_loses")
		}
	case crm.MassTag, crm.MassUntag:
		page.Value = v.control(kind, record.Tag, record.Fields{record.Tag: given}, errs)
		page.Value.Hint, page.Value.Required = v.words.T("mass.tag_hint."+string(do)), true
	}
	if page.Value.Name == "" || do != crm.MassSet {
		page.Field = ""
	}
	page.Ready = do == crm.MassDelete || page.Value.Name != ""
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
	deed := crm.MassDeed{Do: crm.MassDo(cmp.Or(form.Get("do"), string(crm.MassSet))), Field: record.Field(form.Get("field"))}
	q.Set("do", string(deed.Do))
	q.Set("field", string(deed.Field))
	ask, _, query, whole, err := v.readMassAsk(q)
	if err != nil {
		return err
	}
	given := true
	switch deed.Do {
	case crm.MassOwner:
		deed.Value = record.Value(form.Get("Owner"))
	case crm.MassTag, crm.MassUntag:
		deed.Field = record.Tag
		fallthrough
	case crm.MassSet:
		deed.Value, given = v.posted(ask.kind, form)[deed.Field]
	case crm.MassDelete:
		given = deleting(v.may().Records(ask.kind))
	}
	value := deed.Value
	if !whole || !given {
		return s.massForm(v, http.StatusUnprocessableEntity, q, value, nil)
	}
	u, err := s.Mass.Prepare(v.ctx(), v.actor(), ask.kind, query, deed)
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
func (v *visit) massWords(u massupdate.Update, users []account.User) string {
	switch u.Deed.Do {
	case crm.MassOwner:
		return v.words.T("mass.hands", "Name", ownerName(users, u.Deed.Owner()))
	case crm.MassTag, crm.MassUntag:
		return v.words.T("mass.words."+string(u.Deed.Do), "Tags", strings.ReplaceAll(string(u.Deed.Value), "\n", ", "))
	case crm.MassDelete:
		return v.words.T("mass.words.delete." + string(u.Kind))
	}
	label := v.label(u.Kind, u.Deed.Field)
	if u.Deed.Value == "" {
		return v.words.T("mass.clears", "Field", label)
	}
	return v.words.T("mass.sets", "Field", label, "Value", v.massValue(u))
}

func (v *visit) massValue(u massupdate.Update) string {
	def, _ := v.schema(u.Kind).Def(u.Deed.Field)
	switch {
	case u.Deed.Field == record.RemindAt:
		options := v.reminderOptions(string(u.Deed.Value))
		if i := slices.IndexFunc(options, func(o option) bool { return o.Selected }); i >= 0 {
			return options[i].Label
		}
	case def.Type == record.Bool && u.Deed.Value != "true":
		return v.words.T("list.no")
	}
	return v.brief(def, u.Deed.Value)
}
