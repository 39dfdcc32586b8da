package web

import (
	"net/http"
	"net/url"
	"slices"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// mappingPath is Setup › Marketplace › Microsoft › Contacts › Fields (S26).
const mappingPath = marketplacePath + "/contacts/mapping"

func (s *Site) mappingRoutes() []route {
	return []route{
		{"GET " + mappingPath, member, s.mappingForm},
		{"POST " + mappingPath, member, s.mappingSave},
		{"POST " + mappingPath + "/example", script, s.mappingExamplePart},
		{"POST " + mappingPath + "/default", manager, s.mappingForAll},
	}
}

// mappingPage is the dialog in which a person says which field of Outlook meets which of the CRM.
type mappingPage struct {
	Frame   frame
	Alert   string
	Origin  reconcile.Origin
	Unsaved bool // it is a draft that differs from what stands
	Running bool // there is a link, so that a change is asked about first
	Common  bool // the organization has a choice of its own, besides the product's
	Manages bool
	Winners []option
	Hints   map[string]string // of the winners
	Groups  []mappingGroup
	Example *mappingExample // nil: there is nothing that could be shown
}

type mappingGroup struct {
	Key  string
	Rows []mappingRow
}

// A mappingRow is a field that Microsoft offers, with all that it may meet in the CRM.
type mappingRow struct {
	Name  string // at Graph
	Label string
	CRM   []option // those whose type fits
	Ways  []option
	Off   bool
	Error string
}

// ID is the end of the ids of the row's controls.
func (r mappingRow) ID() string { return idOf(r.Name) }

// mappingWays are the directions of a row. The last one is that the fields do not meet at all.
var mappingWays = []mapping.Direction{mapping.BothWays, mapping.ToMicrosoft, mapping.ToCRM, off}

const off mapping.Direction = "off"

// wayKey is the last part of a direction's message.
func wayKey(d mapping.Direction) string {
	if d == mapping.BothWays {
		return "both"
	}
	return string(d)
}

// winners are the ways to decide a conflict, in the order of the page.
var winners = []reconcile.Winner{reconcile.LaterWins, reconcile.MicrosoftWins, reconcile.CRMWins, reconcile.AskPerson}

// winnerOf names the way that is meant where nothing is said.
func winnerOf(w reconcile.Winner) reconcile.Winner {
	if w == "" {
		return reconcile.LaterWins
	}
	return w
}

// meeting is what stands when a person opens the page: of the link where there is one, else what a link would begin with.
type meeting struct {
	link     *reconcile.Link
	settings reconcile.Settings
	origin   reconcile.Origin
	common   bool // the organization has a choice of its own
}

// ofLink is the origin of settings that a link began with, while others would begin with something else by now.
const ofLink reconcile.Origin = "link"

func (s *Site) meeting(v *visit) (m meeting, err error) {
	links, err := s.links(v)
	if err != nil {
		return m, err
	}
	m.link = links[record.Contacts]
	if m.link != nil && (m.link.State == reconcile.Off || m.link.State == reconcile.Switching) {
		m.link = nil
	}
	if m.link == nil && !v.may().Sync(record.Contacts) {
		return m, fault.New(fault.Denied, fault.SyncWithheld, "web: the profile does not allow sync of contacts")
	}
	if m.settings, m.origin, err = reconcile.SettingsFor(v.ctx(), s.Choices, v.user.Org, v.user.ID, record.Contacts); err != nil {
		return m, err
	}
	if m.link != nil && m.link.Mapping != nil {
		begin := m.settings
		m.settings = reconcile.Settings{Winner: m.link.Policy.Winner, Mapping: m.link.Mapping, Options: m.link.Policy.Options}
		if !(change{old: begin, new: m.settings}).none() {
			m.origin = ofLink
		}
	}
	common, err := s.Choices.Chosen(v.ctx(), v.user.Org, 0, record.Contacts)
	m.common = common != nil
	return m, err
}

func (s *Site) mappingForm(v *visit) error {
	m, err := s.meeting(v)
	if err != nil {
		return err
	}
	return s.showMapping(v, http.StatusOK, m, m.settings, nil)
}

// showMapping renders the dialog with a draft, which may be wrong, and what is wrong about it.
func (s *Site) showMapping(v *visit, status int, m meeting, draft reconcile.Settings, errs fieldErrors) error {
	origin, err := s.originOf(v, m, draft)
	if err != nil {
		return err
	}
	page := mappingPage{Origin: origin, Unsaved: !m.changeTo(draft).none(), Running: m.link != nil, Common: m.common, Manages: v.may().ManageUsers, Alert: errs[""]}
	if page.Alert == "" && len(errs) > 0 {
		page.Alert = v.words.T("mapping.wrong")
	}
	page.Hints = map[string]string{}
	for _, w := range winners {
		page.Winners = append(page.Winners, option{string(w), v.words.T("mapping.winner." + string(w)), w == winnerOf(draft.Winner)})
		page.Hints[string(w)] = v.words.T("mapping.winner." + string(w) + "_hint")
	}
	for _, g := range outlookGroups() {
		group := mappingGroup{Key: string(g.key)}
		for _, f := range g.fields {
			group.Rows = append(group.Rows, v.mappingRow(f, draft.Mapping, errs))
		}
		page.Groups = append(page.Groups, group)
	}
	if page.Example, err = s.mappingExample(v, m, draft.Mapping); err != nil {
		return err
	}
	page.Frame = s.frame(v, "setup", v.words.T("mapping.title"))
	return s.render(v, status, "mapping", page)
}

// originOf says whose choice a draft is that may differ from what stands.
func (s *Site) originOf(v *visit, m meeting, draft reconcile.Settings) (reconcile.Origin, error) {
	if m.changeTo(draft).none() {
		return m.origin, nil
	}
	begin, origin, err := reconcile.SettingsFor(v.ctx(), s.Choices, v.user.Org, 0, record.Contacts)
	switch {
	case err != nil:
		return "", err
	case (change{old: begin, new: draft}).none():
		return origin, nil
	case (change{old: reconcile.Settings{Mapping: mapping.Default(record.Contacts)}, new: draft}).none():
		return reconcile.ProductChoice, nil
	}
	return reconcile.OwnChoice, nil
}

func (v *visit) mappingRow(f mapping.MicrosoftField, table *mapping.Table, errs fieldErrors) mappingRow {
	row := mappingRow{Name: string(f.Name), Label: v.words.outlook(f.Name), Off: true, Error: errs[string(f.Name)]}
	now, _ := rowFor(table, f.Name)
	row.CRM = []option{{"", v.words.T("mapping.nothing"), now.CRM == ""}}
	for _, def := range v.schema(table.Kind).Defs() {
		if !mapping.Meets(f.Type, def) {
			continue
		}
		o := option{string(def.Name), v.label(table.Kind, def.Name), def.Name == now.CRM}
		if def.Mandatory {
			o.Label += " *"
		}
		row.CRM, row.Off = append(row.CRM, o), row.Off && !o.Selected
	}
	for _, d := range mappingWays {
		row.Ways = append(row.Ways, option{string(d), v.words.T("mapping.way." + wayKey(d)), d == now.Direction})
	}
	return row
}

// rowFor finds the row of a field of Microsoft's.
func rowFor(t *mapping.Table, microsoft record.Field) (mapping.Row, bool) {
	i := slices.IndexFunc(t.Rows, func(r mapping.Row) bool { return r.Microsoft == microsoft })
	if i < 0 {
		return mapping.Row{Microsoft: microsoft}, false
	}
	return t.Rows[i], true
}

// readMapping reads the dialog and says by each row what is wrong about it. Rows that were not sent stay as they are.
func (v *visit) readMapping(form url.Values, now reconcile.Settings) (reconcile.Settings, fieldErrors, error) {
	draft := reconcile.Settings{Winner: reconcile.Winner(form.Get("winner")), Mapping: (&mapping.Table{Kind: now.Mapping.Kind}).In(v.schema(now.Mapping.Kind)), Options: now.Options}
	if !slices.Contains(winners, draft.Winner) {
		return draft, nil, fault.New(fault.Invalid, "", "web: %q decides no conflict", draft.Winner)
	}
	if draft.Winner == reconcile.LaterWins {
		draft.Winner = now.Winner
		if winnerOf(now.Winner) != reconcile.LaterWins {
			draft.Winner = ""
		}
	}
	errs := fieldErrors{}
	meets := map[record.Field]record.Field{} // the CRM's fields, by what they meet already
	for _, of := range mapping.MicrosoftFields(draft.Mapping.Kind) {
		f := string(of.Name)
		row, met := rowFor(now.Mapping, of.Name)
		if form.Has("crm." + f) {
			row.CRM, row.Direction = record.Field(form.Get("crm."+f)), mapping.Direction(form.Get("way."+f))
			met = row.CRM != "" && row.Direction != off
		}
		if !met {
			continue
		}
		draft.Mapping.Rows = append(draft.Mapping.Rows, row)
		def, known := v.schema(draft.Mapping.Kind).Def(row.CRM)
		other, taken := meets[row.CRM]
		switch {
		case !known || !slices.Contains(mappingWays, row.Direction):
			errs[f] = v.words.T("field_error.unknown_field")
		case !mapping.Meets(of.Type, def):
			errs[f] = v.words.T("mapping.misfit", "Outlook", v.words.outlook(of.Name), "CRM", v.label(record.Contacts, row.CRM))
		case taken:
			errs[f] = v.words.T("mapping.twice", "CRM", v.label(record.Contacts, row.CRM), "Outlook", v.words.outlook(other))
		}
		meets[row.CRM] = of.Name
	}
	v.needLastName(draft.Mapping, errs)
	if len(errs) == 0 {
		v.checkTable(draft.Mapping, errs)
	}
	return draft, errs, nil
}

// needLastName refuses a table by which contacts would come to the CRM while nothing gives the one field that it demands.
func (v *visit) needLastName(t *mapping.Table, errs fieldErrors) {
	comes := false
	for _, row := range t.Rows {
		if row.CRM == record.LastName {
			return
		}
		comes = comes || row.Direction != mapping.ToMicrosoft
	}
	if comes && errs["surname"] == "" {
		errs["surname"] = v.words.T("mapping.mandatory", "CRM", v.words.T("field."+string(record.LastName)))
	}
}

// checkTable lets the heart have the last word on a table.
func (v *visit) checkTable(t *mapping.Table, errs fieldErrors) {
	f := fault.As(t.Check())
	if f == nil {
		return
	}
	sentence := v.words.T("mapping.refused")
	if f.Reason == fault.NotExpressible {
		sentence = v.words.T("mapping.together")
	}
	for _, row := range t.Rows {
		if f.Field == string(row.CRM) || f.Field == string(row.Microsoft) {
			errs[string(row.Microsoft)] = sentence
			return
		}
	}
	errs[""] = sentence
}

// mappingSave takes what a person wants: to see other rows first (do is "reset", "product" or "edit"), or to have them.
func (s *Site) mappingSave(v *visit) error {
	form, m, err := s.mappingPosted(v)
	if err != nil {
		return err
	}
	switch form.Get("do") {
	case "reset":
		begin, _, err := reconcile.SettingsFor(v.ctx(), s.Choices, v.user.Org, 0, record.Contacts)
		if err != nil {
			return err
		}
		return s.showMapping(v, http.StatusOK, m, begin, nil)
	case "product":
		return s.showMapping(v, http.StatusOK, m, reconcile.Settings{Mapping: mapping.Default(record.Contacts)}, nil)
	}
	draft, errs, err := v.readMapping(form, m.settings)
	switch {
	case err != nil:
		return err
	case len(errs) > 0:
		return s.showMapping(v, http.StatusUnprocessableEntity, m, draft, errs)
	case form.Get("do") == "edit" || form.Get("do") == "example":
		return s.showMapping(v, http.StatusOK, m, draft, nil)
	}
	change := m.changeTo(draft)
	if m.link != nil && !change.none() && form.Get("answer") != change.answer() {
		return s.askMapping(v, change)
	}
	if err := s.keepChoice(v, draft); err != nil {
		return err
	}
	if m.link == nil {
		s.putFlash(v.ctx(), flash{Key: "flash.mapping_kept"})
		return v.to(marketplacePath)
	}
	if change.none() {
		s.putFlash(v.ctx(), flash{Key: "flash.mapping_same"})
		return v.to(marketplacePath)
	}
	policy := m.link.Policy
	policy.Winner = draft.Winner
	if err := s.Links.ChangeSettings(v.ctx(), v.user.Org, m.link.ID, policy, draft.Mapping); err != nil {
		return err
	}
	if len(change.rows()) == 0 {
		s.putFlash(v.ctx(), flash{Key: "flash.mapping_winner"})
		return v.to(marketplacePath)
	}
	s.putFlash(v.ctx(), flash{Key: "flash.mapping_changed"})
	return v.to(marketplacePath)
}

func (s *Site) mappingPosted(v *visit) (url.Values, meeting, error) {
	form, err := v.form()
	if err != nil {
		return nil, meeting{}, err
	}
	m, err := s.meeting(v)
	return form, m, err
}

// keepChoice remembers what a person wants beyond the life of a link. Whoever wants what links begin with anyway has no
// choice of their own, and follows the organization's when it changes.
func (s *Site) keepChoice(v *visit, draft reconcile.Settings) error {
	begin, _, err := reconcile.SettingsFor(v.ctx(), s.Choices, v.user.Org, 0, record.Contacts)
	if err != nil {
		return err
	}
	own := &draft
	if (change{old: begin, new: draft}).none() {
		if own = nil; draft.Options != (reconcile.Options{}) {
			own = &reconcile.Settings{Options: draft.Options}
		}
	}
	return s.Choices.Choose(v.ctx(), v.user.Org, v.user.ID, record.Contacts, own)
}

// mappingForAll makes the draft what links of the organization begin with from now on. Nobody's link changes by it, not
// even that of whoever says so: what is not saved yet stays on the page.
func (s *Site) mappingForAll(v *visit) error {
	form, m, err := s.mappingPosted(v)
	if err != nil {
		return err
	}
	draft, errs, err := v.readMapping(form, m.settings)
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		return s.showMapping(v, http.StatusUnprocessableEntity, m, draft, errs)
	}
	forAll := draft
	forAll.Options = reconcile.Options{} // which everybody says for themselves
	if err := s.Choices.ChooseForAll(v.ctx(), v.user.Org, v.user.ID, record.Contacts, &forAll); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.mapping_for_all"})
	if m, err = s.meeting(v); err != nil {
		return err
	}
	if m.changeTo(draft).none() {
		return v.to(mappingPath)
	}
	return s.showMapping(v, http.StatusOK, m, draft, nil)
}
