package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/record"
)

// pageSize is how many records a page of a list shows.
const pageSize = 50

// listPage is the list of contacts, or of events.
type listPage struct {
	Frame frame
	listAsk
	Kind      string
	Words     string     // its messages begin with: contacts, events
	Name      string     // its elements are called: contact, event
	Records   string     // the address of its records
	Views     []viewLink // of events: the calendar
	Span      *listSpan  // of events
	Filtering filtering
	Saved     []savedList
	Columns   []column // shown, without the name
	Choices   []option // of columns
	Rows      []listRow
	Total     int
	More      bool // there are more than Total
	Empty     bool // there is no record at all, whatever is searched for
	Owners    []option
	New       bool   // may be made
	Import    bool   // from files
	Export    string // where what the list shows becomes a file; "": it may not
	Mass      string // where all that the list shows are updated together; "": they may not be
	Pick      *picking
	NotSorted string // the column by which so many records are not sorted
	Open      bool   // what is others' private business is left out, as the order would tell of it
}

type listRow struct {
	ID       string
	Name     string
	Initials string // of contacts
	Photo    string
	Detail   string
	Cells    []cell
}

// listAsk is what a list was asked for, as its address says it.
type listAsk struct {
	Path  string
	Q     string
	Owner string // all, mine, or a user's id
	Sort  string // name, modified, created, of events start, or a field
	Desc  bool
	Page  int // from 1
	Count int
	Conds []condition
	spanAsk
}

// orders are the columns that a list can be sorted by, and whether they begin with the largest.
var orders = map[string]struct {
	sort crm.Sort
	desc bool
}{
	"name":     {crm.ByName, false},
	"modified": {crm.ByModified, true},
	"created":  {crm.ByCreated, true},
	"start":    {crm.ByStart, false},
}

// usual is the order of a list that nobody has ordered: events by time, the past backwards.
func (a listAsk) usual() (sort string, desc bool) {
	if a.events {
		return "start", a.When == whenPast
	}
	return "name", false
}

func (v *visit) readListAsk(path string, kind record.Kind, q url.Values, owner string) listAsk {
	ask := listAsk{Path: path, Q: strings.TrimSpace(q.Get("q")), Owner: owner, Page: 1, Conds: readConditions(q), spanAsk: readSpan(path, kind, q)}
	ask.Sort, ask.Desc = ask.usual()
	if o, ok := orders[q.Get("sort")]; ok && (ask.events || o.sort != crm.ByStart) {
		ask.Sort, ask.Desc = q.Get("sort"), o.desc
	} else if def, ok := v.schema(kind).Def(record.Field(q.Get("sort"))); ok && listed(def) {
		ask.Sort, ask.Desc = string(def.Name), false
	}
	switch q.Get("dir") {
	case "asc":
		ask.Desc = false
	case "desc":
		ask.Desc = true
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 && n < 1e6 {
		ask.Page = n
	}
	if o := q.Get("owner"); o != "" {
		ask.Owner = o
	}
	return ask
}

// with is the address of the list with other answers.
func (a listAsk) with(sort string, desc bool, page int) string {
	q := a.query(sort, desc, page)
	if len(q) == 0 {
		return a.Path
	}
	return a.Path + "?" + q.Encode()
}

func (a listAsk) query(sort string, desc bool, page int) url.Values {
	q := a.spanAsk.query(a.Path)
	if a.Q != "" {
		q.Set("q", a.Q)
	}
	if a.Owner != "" {
		q.Set("owner", a.Owner)
	}
	if usual, down := a.usual(); sort != usual || desc != down {
		q.Set("sort", sort)
		q.Set("dir", map[bool]string{false: "asc", true: "desc"}[desc])
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	for _, c := range a.Conds {
		c.add(q)
	}
	return q
}

// Here is the address of this very list.
func (a listAsk) Here() string { return a.with(a.Sort, a.Desc, a.Page) }

// SortBy is the address of the list sorted by a column, the other way round if it is already.
func (a listAsk) SortBy(column string) string {
	if a.Sort == column {
		return a.with(column, !a.Desc, 1)
	}
	return a.with(column, orders[column].desc, 1) // fields begin with the first letter
}

// AriaSort is how a column is sorted, as aria-sort says it.
func (a listAsk) AriaSort(column string) string {
	switch {
	case a.Sort != column:
		return "none"
	case a.Desc:
		return "descending"
	}
	return "ascending"
}

// Dir is the direction as the address says it.
func (a listAsk) Dir() string { return map[bool]string{false: "asc", true: "desc"}[a.Desc] }

// Pages is how many pages there are.
func (a listAsk) Pages() int { return max(1, (a.Count+pageSize-1)/pageSize) }

// Before and After are the neighbouring pages, "" at the ends.
func (a listAsk) Before() string {
	if a.Page <= 1 {
		return ""
	}
	return a.with(a.Sort, a.Desc, a.Page-1)
}

func (a listAsk) After() string {
	if a.Page >= a.Pages() {
		return ""
	}
	return a.with(a.Sort, a.Desc, a.Page+1)
}

// allListed asks for all that a list shows. An owner whom nobody knows gives way to the usual one. whole: every condition says something.
func (v *visit) allListed(kind record.Kind, ask *listAsk, usual string) (form filtering, query crm.Query, whole bool) {
	if ask.Owner != "all" && v.listOwner(ask.Owner) == 0 {
		ask.Owner = usual
	}
	asked := len(ask.Conds)
	form, filters := v.filtering(kind, ask)
	query = crm.Query{Owner: v.listOwner(ask.Owner), Search: ask.Q, Filters: filters}
	v.spanQuery(ask.spanAsk, &query)
	return form, query, len(filters) == asked
}

// owner is the owner that the list is limited to, as a query has it.
func (v *visit) listOwner(owner string) record.ID {
	switch owner {
	case "mine":
		return v.user.ID
	case "all", "":
		return 0
	}
	id, _ := record.ParseID(owner)
	return id
}

// ownerChoices are the owners that a list can be limited to; none where a person sees only own records.
func (v *visit) ownerChoices(users []account.User, kind record.Kind, chosen string) []option {
	if v.may().Records(kind).View != record.Anyones {
		return nil
	}
	out := []option{
		{"all", v.words.T("list.owner_all"), chosen == "all"},
		{"mine", v.words.T("list.owner_mine"), chosen == "mine"},
	}
	for _, u := range users {
		if u.ID != v.user.ID {
			out = append(out, option{u.ID.String(), u.Name(), chosen == u.ID.String()})
		}
	}
	return out
}

// sortMost is the most records that are sorted by a column that has no index: they are all looked at. Lists with conditions
// are counted up to here.
const sortMost = 2000

// order says in which order a query lists what the list was asked for: by the name where there is too much for it, which
// the list then says.
func (v *visit) order(kind record.Kind, ask *listAsk, total int) (sort crm.Sort, on record.Def, instead bool) {
	if o, ok := orders[ask.Sort]; ok {
		return o.sort, record.Def{}, false
	}
	switch name := record.Field(ask.Sort); {
	case kind == record.Contacts && name == record.AccountName:
		return crm.ByCompany, record.Def{}, false
	case kind == record.Contacts && name == record.EmailField:
		return crm.ByEmail, record.Def{}, false
	case total <= sortMost:
		def, _ := v.schema(kind).Def(name)
		return crm.ByField, def, false
	}
	ask.Sort, ask.Desc = ask.usual()
	return orders[ask.Sort].sort, record.Def{}, true
}

func (s *Site) contactList(v *visit) error {
	return s.list(v, record.Contacts, listPage{Words: "contacts", Name: "contact", Records: "/contacts", listAsk: listAsk{Path: "/contacts", Owner: "all"}})
}

// list shows records of a kind; page says what it is called and where.
func (s *Site) list(v *visit, kind record.Kind, page listPage) error {
	if err := v.needs(kind, viewing); err != nil {
		return err
	}
	ask := v.readListAsk(page.Path, kind, v.r.URL.Query(), page.Owner)
	var filters []crm.Filter
	page.Filtering, filters = v.filtering(kind, &ask)
	q := crm.Query{Owner: v.listOwner(ask.Owner), Search: ask.Q, Filters: filters, Sort: crm.ByName}
	if ask.events {
		q.Sort = crm.ByStart
	}
	if len(filters) > 0 || ask.Outlook != "" || ask.When == whenBetween {
		q.Most = sortMost + 1
	}
	v.spanQuery(ask.spanAsk, &q)
	if ask.events && ask.Sort != "start" && orders[ask.Sort].sort != crm.ByModified && orders[ask.Sort].sort != crm.ByCreated {
		q.Unveiled, page.Open = true, q.Owner != v.user.ID && v.may().Records(kind).View == record.Anyones
	}
	total, err := s.Records.Count(v.ctx(), v.actor(), kind, q)
	if err != nil {
		return err
	}
	page.Kind, page.More = string(kind), q.Most > 0 && total > sortMost
	page.New, page.Import = v.creates(kind), v.imports(kind)
	asked := ask.Sort
	var instead bool
	if q.Sort, q.SortOn, instead = v.order(kind, &ask, total); instead {
		page.NotSorted = v.label(kind, record.Field(asked))
	}
	if page.More {
		total = sortMost
	}
	ask.Count, page.Total = total, total
	ask.Page = min(ask.Page, ask.Pages())
	q.Descending, q.Limit, q.Offset = ask.Desc, pageSize, (ask.Page-1)*pageSize
	found, err := s.Records.List(v.ctx(), v.actor(), kind, q)
	if err != nil {
		return err
	}
	if v.massUpdates(kind) && total > 0 {
		page.Mass = massAddress(kind, ask)
	}
	page.Pick = v.picking(kind, ask, total, page.More)
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	marks, err := s.badges(v, kind, found)
	if err != nil {
		return err
	}
	page.listAsk = ask
	if total == 0 {
		all, err := s.Records.Count(v.ctx(), v.actor(), kind, crm.Query{Most: 1})
		if err != nil {
			return err
		}
		page.Empty = all == 0
	}
	page.Owners = v.ownerChoices(users, kind, ask.Owner)
	page.Saved = savedLists(kind, v.tastes, ask)
	page.Columns, page.Choices = v.columns(kind, v.tastes, len(page.Owners) > 0, total)
	about, err := s.relatedOf(v, page.Columns, found)
	if err != nil {
		return err
	}
	if total > 0 {
		page.Export = v.exportAddress(kind, ask)
	}
	for _, r := range found {
		name := recordName(v.words, r)
		row := listRow{ID: r.ID.String(), Name: name}
		if kind == record.Contacts {
			row.Initials, row.Photo = initials(name), photoURL(r, "small")
			row.Detail = joinNonEmpty(" · ", string(r.Fields[record.Title]), string(r.Fields[record.AccountName]))
		}
		for _, c := range page.Columns {
			row.Cells = append(row.Cells, v.cell(c, r, users, marks[r.ID], q.From, about))
		}
		page.Rows = append(page.Rows, row)
	}
	if ask.events {
		if page.Span, err = s.listSpan(v, ask); err != nil {
			return err
		}
		page.Views = calendarTabs(v, "list", ask.Owner, v.now.In(v.zone))
	}
	if v.wants(page.Name + "-list") {
		return s.part(v, "list", "list", page)
	}
	page.Frame = s.frame(v, page.Kind, v.words.T(page.Words+".title"))
	return s.render(v, http.StatusOK, "list", page)
}
