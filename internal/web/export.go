package web

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/exportfile"
	"tandem/internal/fault"
	"tandem/internal/record"
)

const exportPath = "/export"

func (s *Site) exportRoutes() []route {
	return []route{
		{"GET " + exportPath, member, s.exportShow},
		{"POST " + exportPath, member, s.exportFile},
	}
}

// An exportFormat is how a file is written, as forms say it.
type exportFormat struct {
	name, media, end string
}

// exportFormats are those of each kind, the one that most people want first.
var exportFormats = map[record.Kind][]exportFormat{
	record.Contacts: {{"csv", "text/csv", "csv"}, {"vcard3", "text/vcard", "vcf"}, {"vcard4", "text/vcard", "vcf"}},
	record.Calendar: {{"ics", "text/calendar", "ics"}, {"csv", "text/csv", "csv"}},
}

// exports reports whether a person may take records of a kind away as a file.
func (v *visit) exports(kind record.Kind) bool { return v.may().Export && v.sees(kind) }

func (v *visit) needsExport(kind record.Kind) error {
	if !v.may().Export {
		return fault.New(fault.Denied, fault.NotAllowed, "web: the profile %q does not allow exports", v.user.Profile)
	}
	return v.needs(kind, viewing)
}

// exportAsk is which records are meant, as the address of their list says it.
type exportAsk struct {
	listAsk
	picks
	kind record.Kind
}

func (a exportAsk) values() url.Values {
	a.Path = exportPath
	q := a.query(a.Sort, a.Desc, 1)
	if a.picked {
		q = a.picks.values()
	}
	q.Set("kind", string(a.kind))
	return q
}

// exportAddress is where all that a list shows is exported; "": this person may not.
func (v *visit) exportAddress(kind record.Kind, ask listAsk) string {
	if !v.exports(kind) {
		return ""
	}
	return exportPath + "?" + exportAsk{listAsk: ask, kind: kind}.values().Encode()
}

// readExportAsk reads which records are meant. whole: every condition says something.
func (v *visit) readExportAsk(q url.Values) (ask exportAsk, form filtering, query crm.Query, whole bool, err error) {
	if ask.kind, err = kindOf(cmp.Or(q.Get("kind"), string(record.Contacts))); err != nil {
		return
	}
	if err = v.needsExport(ask.kind); err != nil {
		return
	}
	owner := usualOwner(ask.kind)
	ask.listAsk, ask.picks = v.readListAsk(exportPath, ask.kind, q, owner), readPicks(q)
	if ask.picked {
		return ask, form, crm.Query{IDs: ask.records}, true, nil
	}
	form, query, whole = v.allListed(ask.kind, &ask.listAsk, owner)
	return ask, form, query, whole, nil
}

// exportPage asks which records, and for which file.
type exportPage struct {
	Frame      frame
	Path       string
	Kind       string
	Kinds      []viewLink
	Q          string
	Owners     []option
	Span       *listSpan // of events
	Picked     bool      // what was ticked in a list
	List       string    // where others are chosen
	Sort, Dir  string
	Filtering  filtering
	Whole      bool
	Query      string
	Total      int
	Formats    []option
	Columns    []option
	Separators []option
	Alert      string
}

func (s *Site) exportShow(v *visit) error {
	return s.exportForm(v, http.StatusOK, v.r.URL.Query(), nil, "")
}

// exportForm shows the form for an address; given is what was chosen of the file.
func (s *Site) exportForm(v *visit, status int, q, given url.Values, alert string) error {
	ask, filtering, query, whole, err := v.readExportAsk(q)
	if err != nil {
		return err
	}
	page := exportPage{
		Path: exportPath, Kind: string(ask.kind), Q: ask.Q, Picked: ask.picked, List: listOf(ask.kind), Sort: ask.Sort, Dir: ask.Dir(), Filtering: filtering, Whole: whole,
		Query: ask.values().Encode(), Alert: alert,
	}
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		if v.exports(kind) {
			page.Kinds = append(page.Kinds, viewLink{string(kind), v.words.T("kind." + string(kind)), exportPath + "?kind=" + string(kind), kind == ask.kind})
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
	if ask.events {
		if page.Span, err = s.listSpan(v, ask.listAsk); err != nil {
			return err
		}
	}
	choose := func(name string, values ...string) (out []option) {
		for i, value := range values {
			out = append(out, option{value, v.words.T("export." + name + "." + value), value == given.Get(name) || given.Get(name) == "" && i == 0})
		}
		return out
	}
	var formats []string
	for _, f := range exportFormats[ask.kind] {
		formats = append(formats, f.name)
	}
	page.Formats = choose("format", formats...)
	page.Columns = choose("columns", "all", "list")
	separators := []string{"comma", "semicolon"}
	if v.words.lang != "en" { // Excel splits a file by what the language writes beside decimals with a comma
		slices.Reverse(separators)
	}
	page.Separators = choose("separator", separators...)
	page.Frame = s.frame(v, importSection(ask.kind), v.words.T("export.title"))
	return s.render(v, status, "export", page)
}

// exportFile streams the file. Which records are in it, and their order, is settled at one moment; each is told as it is when its
// turn comes, and left out if it was deleted meanwhile.
func (s *Site) exportFile(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	q, err := url.ParseQuery(form.Get("query"))
	if err != nil {
		return fault.Wrong(fault.BadValue, "query", "web: the records cannot be read: %s", err)
	}
	ask, _, query, whole, err := v.readExportAsk(q)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(exportFormats[ask.kind], func(f exportFormat) bool { return f.name == form.Get("format") })
	if at < 0 || !whole {
		return s.exportForm(v, http.StatusUnprocessableEntity, q, form, "")
	}
	format := exportFormats[ask.kind][at]
	if query.Sort = crm.ByStart; ask.kind == record.Contacts {
		counted := query
		counted.Most = sortMost + 1
		total, err := s.Records.Count(v.ctx(), v.actor(), ask.kind, counted)
		if err != nil {
			return err
		}
		query.Sort, query.SortOn, _ = v.order(ask.kind, &ask.listAsk, total)
		query.Descending = ask.Desc
	}
	ids, err := s.Records.IDs(v.ctx(), v.actor(), ask.kind, query)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return s.exportForm(v, http.StatusUnprocessableEntity, q, form, v.words.T("export.nothing"))
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	name := "tandem-" + string(ask.kind) + "-" + v.now.In(v.zone).Format(time.DateOnly) + "." + format.end
	if err := s.Registry.Exporting(v.ctx(), v.user, ask.kind, name, len(ids)); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", format.media+"; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	reader := &onTheWay{Writer: v.w}
	out := bufio.NewWriterSize(reader, 64<<10)
	e := &exporting{Site: s, v: v, kind: ask.kind, users: users, host: exportfile.Origin(s.Settings.URL)}
	file, err := e.file(out, format.name, form)
	if err != nil {
		s.cutOff(v, err)
	}
	for chunk := range slices.Chunk(ids, exportfile.Chunk) {
		found, err := e.read(chunk)
		if err != nil {
			s.cutOff(v, err)
		}
		for _, r := range found {
			if err := file.Write(r); err != nil && reader.gone == nil {
				s.cutOff(v, err)
			}
		}
		if reader.gone != nil {
			return nil
		}
	}
	if err := errors.Join(file.Close(), out.Flush()); err != nil && reader.gone == nil {
		s.cutOff(v, err)
	}
	return nil
}

// onTheWay remembers why an answer does not arrive: who went away needs no more of it.
type onTheWay struct {
	io.Writer
	gone error
}

func (w *onTheWay) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.gone = err
	}
	return n, err
}

// exporting is a file on its way: what its rows need to know of other records is read once for each chunk.
type exporting struct {
	*Site
	v        *visit
	kind     record.Kind
	users    []account.User
	contacts map[record.ID]crm.Record // whom the events of the chunk are about, and who takes part in them
	badges   map[record.ID]badge      // nil: nobody asks
	badged   bool
	host     string // of this Tandem
}

// read reads a chunk in the order of its ids. What was deleted, or may no longer be seen, is left out.
func (e *exporting) read(ids []record.ID) (out []crm.Record, err error) {
	found, err := e.Records.ByID(e.v.ctx(), e.v.actor(), e.kind, ids...)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if r, ok := found[id]; ok && !r.Deleted() {
			out = append(out, r)
		}
	}
	if e.badged {
		if e.badges, err = e.Site.badges(e.v, e.kind, out); err != nil {
			return nil, err
		}
	}
	e.contacts = nil
	if e.kind != record.Calendar || !e.v.sees(record.Contacts) {
		return out, nil
	}
	var who []record.ID
	for _, r := range out {
		if id, ok := record.ParseID(string(r.Fields[record.WhoID])); ok {
			who = append(who, id)
		}
		for _, p := range crm.Participants(r.Fields[record.Participants]) {
			if p.Type == crm.ContactTakesPart {
				who = append(who, p.ID)
			}
		}
	}
	slices.Sort(who)
	for chunk := range slices.Chunk(slices.Compact(who), exportfile.Chunk) {
		more, err := e.Records.ByID(e.v.ctx(), e.v.actor(), record.Contacts, chunk...)
		if err != nil {
			return nil, err
		}
		if e.contacts == nil {
			e.contacts = more
			continue
		}
		for id, r := range more {
			e.contacts[id] = r
		}
	}
	return out, nil
}

// file begins a file of a format.
func (e *exporting) file(out *bufio.Writer, format string, form url.Values) (exportfile.Writer, error) {
	schema := e.v.schema(e.kind)
	switch format {
	case "vcard3":
		return exportfile.NewCards(out, exportfile.VCard3, e.host, schema), nil
	case "vcard4":
		return exportfile.NewCards(out, exportfile.VCard4, e.host, schema), nil
	case "ics":
		return exportfile.NewCalendar(out, exportfile.CalendarOptions{Origin: e.host, Now: e.v.now, Name: e.title, People: e.people}, schema), nil
	}
	separator, columns := ',', e.allColumns
	if form.Get("separator") == "semicolon" {
		separator = ';'
	}
	if form.Get("columns") == "list" {
		columns = e.listColumns
	}
	return exportfile.NewTable(out, separator, columns(separator == ';'))
}

func (e *exporting) title(r crm.Record) string { return eventName(e.v.words, r) }

// field is the column of a field. comma: decimals have one.
func (e *exporting) field(d record.Def, comma bool) exportfile.Column {
	text := func(r crm.Record) string { return exportfile.Text(d, r, comma) }
	if d.Name == record.EventTitle {
		text = func(r crm.Record) string {
			if r.Veiled {
				return exportfile.Defused(e.title(r))
			}
			return exportfile.Text(d, r, comma)
		}
	}
	return exportfile.Column{Name: e.v.label(e.kind, d.Name), Text: text}
}

// allColumns are all fields, and what the CRM knows besides.
func (e *exporting) allColumns(comma bool) (out []exportfile.Column) {
	for _, d := range exportfile.Told(e.v.schema(e.kind)) {
		out = append(out, e.field(d, comma))
	}
	if e.kind == record.Calendar {
		out = append(out,
			e.beside(columnWho),
			exportfile.Column{Name: e.v.words.T("export.people"), Text: func(r crm.Record) string { return exportfile.Defused(joinNonEmpty("; ", e.people(r)...)) }})
	}
	for _, name := range []string{columnOwner, columnCreated, columnModified} {
		out = append(out, e.beside(name))
	}
	return append(out, exportfile.Column{Name: "UID", Text: func(r crm.Record) string { return exportfile.UID(e.kind, r.ID, e.host) }})
}

// beside is a column that is no field.
func (e *exporting) beside(name string) exportfile.Column {
	when := func(at time.Time) string { return at.In(e.v.zone).Format("2006-01-02 15:04") }
	switch name {
	case columnOwner:
		return exportfile.Column{Name: e.v.words.T("field.Owner"), Text: func(r crm.Record) string { return exportfile.Defused(ownerName(e.users, r.Owner)) }}
	case columnOutlook:
		e.badged = true
		return exportfile.Column{Name: e.v.words.T("contacts.outlook"), Text: func(r crm.Record) string {
			b := e.badges[r.ID]
			return exportfile.Defused(joinNonEmpty(": ", b.Label, b.Why))
		}}
	case columnWho:
		return exportfile.Column{Name: e.v.words.T("field.Who_Id"), Text: func(r crm.Record) string { return exportfile.Defused(e.about(r)) }}
	case columnCreated:
		return exportfile.Column{Name: e.v.words.T("contacts.made"), Text: func(r crm.Record) string { return when(r.CreatedAt) }}
	}
	return exportfile.Column{Name: e.v.words.T("contacts.changed"), Text: func(r crm.Record) string { return when(r.ModifiedAt) }}
}

// listColumns are the name and the columns that the person's list has.
func (e *exporting) listColumns(comma bool) (out []exportfile.Column) {
	schema := e.v.schema(e.kind)
	add := func(names ...record.Field) {
		for _, name := range names {
			if d, ok := schema.Def(name); ok {
				out = append(out, e.field(d, comma))
			}
		}
	}
	if e.kind == record.Contacts {
		add(record.FirstName, record.LastName)
	} else {
		add(record.EventTitle)
	}
	shown, _ := e.v.columns(e.kind, e.v.tastes, e.v.may().Records(e.kind).View == record.Anyones, 0)
	for _, c := range shown {
		switch c.Name {
		case columnReach:
			add(record.EmailField)
			out = append(out, exportfile.Column{Name: e.v.label(e.kind, record.PhoneField), Text: func(r crm.Record) string { return exportfile.Defused(firstPhone(r.Fields)) }})
		case columnWhen:
			add(record.Start, record.End, record.AllDay, record.TimeZone)
		case columnWho, columnOwner, columnOutlook, columnCreated, columnModified:
			out = append(out, e.beside(c.Name))
		default:
			add(c.def.Name)
		}
	}
	return out
}

// about names the contact that an event is about, as far as the person sees it.
func (e *exporting) about(r crm.Record) string {
	id, _ := record.ParseID(string(r.Fields[record.WhoID]))
	if who, ok := e.contacts[id]; ok {
		return contactName(e.v.words, who)
	}
	return ""
}

// people tells who takes part in an event, as its page does.
func (e *exporting) people(r crm.Record) (out []string) {
	for _, p := range crm.Participants(r.Fields[record.Participants]) {
		name, address := p.Name, p.Email
		switch p.Type {
		case crm.ContactTakesPart:
			name, address = e.v.words.T("people.hidden"), ""
			if who, ok := e.contacts[p.ID]; ok {
				name, address = contactName(e.v.words, who), string(who.Fields[record.EmailField])
			}
		case crm.UserTakesPart:
			name = ownerName(e.users, p.ID)
			if i := slices.IndexFunc(e.users, func(u account.User) bool { return u.ID == p.ID }); i >= 0 {
				address = e.users[i].Email
			}
		}
		if address != "" && name != "" {
			address = "<" + address + ">"
		}
		out = append(out, joinNonEmpty(" ", name, address))
	}
	return out
}
