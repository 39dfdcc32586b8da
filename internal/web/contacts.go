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

// contactsPage is the list of contacts.
type contactsPage struct {
	Frame frame
	listAsk
	Rows   []contactRow
	Total  int
	Empty  bool // there is no contact at all, whatever is searched for
	Owners []option
	New    bool // may be made
	Import bool // from files
}

type contactRow struct {
	ID       string
	Name     string
	Initials string
	Photo    string
	Company  string
	Title    string
	Email    string
	Phone    string
	Owner    string
	Badge    badge
	Changed  string
}

// listAsk is what a list was asked for, as its address says it.
type listAsk struct {
	Path  string
	Q     string
	Owner string // all, mine, or a user's id
	Sort  string // name, modified or created
	Desc  bool
	Page  int // from 1
	Count int
}

// orders are the columns that a list can be sorted by, and whether they begin with the largest.
var orders = map[string]struct {
	sort crm.Sort
	desc bool
}{
	"name":     {crm.ByName, false},
	"modified": {crm.ByModified, true},
	"created":  {crm.ByCreated, true},
}

func readListAsk(path string, q url.Values, owner string) listAsk {
	ask := listAsk{Path: path, Q: strings.TrimSpace(q.Get("q")), Owner: owner, Sort: "name", Page: 1}
	if o, ok := orders[q.Get("sort")]; ok {
		ask.Sort, ask.Desc = q.Get("sort"), o.desc
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
	q := url.Values{}
	if a.Q != "" {
		q.Set("q", a.Q)
	}
	if a.Owner != "" {
		q.Set("owner", a.Owner)
	}
	if sort != "name" || desc {
		q.Set("sort", sort)
		q.Set("dir", map[bool]string{false: "asc", true: "desc"}[desc])
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return a.Path
	}
	return a.Path + "?" + q.Encode()
}

// Here is the address of this very list.
func (a listAsk) Here() string { return a.with(a.Sort, a.Desc, a.Page) }

// SortBy is the address of the list sorted by a column, the other way round if it is already.
func (a listAsk) SortBy(column string) string {
	if a.Sort == column {
		return a.with(column, !a.Desc, 1)
	}
	return a.with(column, orders[column].desc, 1)
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

func (s *Site) contactList(v *visit) error {
	if err := v.needs(record.Contacts, viewing); err != nil {
		return err
	}
	ask := readListAsk("/contacts", v.r.URL.Query(), "all")
	q := crm.Query{
		Owner: v.listOwner(ask.Owner), Search: ask.Q, Sort: orders[ask.Sort].sort, Descending: ask.Desc, Limit: pageSize,
	}
	total, err := s.Records.Count(v.ctx(), v.actor(), record.Contacts, q)
	if err != nil {
		return err
	}
	ask.Count = total
	ask.Page = min(ask.Page, ask.Pages())
	q.Offset = (ask.Page - 1) * pageSize
	found, err := s.Records.List(v.ctx(), v.actor(), record.Contacts, q)
	if err != nil {
		return err
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	marks, err := s.badges(v, record.Contacts, found)
	if err != nil {
		return err
	}
	page := contactsPage{
		listAsk: ask, Total: total, Empty: total == 0 && ask.Q == "" && q.Owner == 0, Owners: v.ownerChoices(users, record.Contacts, ask.Owner),
		New: v.creates(record.Contacts), Import: v.imports(record.Contacts),
	}
	for _, r := range found {
		page.Rows = append(page.Rows, contactRow{
			ID: r.ID.String(), Name: contactName(v.words, r), Initials: initials(contactName(v.words, r)), Photo: photoURL(r, "small"),
			Company: string(r.Fields[record.AccountName]), Title: string(r.Fields[record.Title]),
			Email: string(r.Fields[record.EmailField]), Phone: firstPhone(r.Fields),
			Owner: ownerName(users, r.Owner), Badge: marks[r.ID], Changed: v.words.Ago(r.ModifiedAt, v.now, v.zone),
		})
	}
	if v.wants("contact-list") {
		return s.part(v, "contacts", "list", page)
	}
	page.Frame = s.frame(v, "contacts", v.words.T("contacts.title"))
	return s.render(v, http.StatusOK, "contacts", page)
}

// contactName is how a contact is called on pages.
func contactName(w *words, r crm.Record) string {
	name := strings.TrimSpace(string(r.Fields[record.FirstName]) + " " + string(r.Fields[record.LastName]))
	if name == "" {
		name = string(r.Fields[record.EmailField])
	}
	if name == "" {
		name = w.T("record.nameless")
	}
	return name
}

// firstPhone is the number to call first.
func firstPhone(f record.Fields) string {
	for _, name := range []record.Field{record.Mobile, record.PhoneField, record.HomePhone, record.OtherPhone} {
		if f[name] != "" {
			return string(f[name])
		}
	}
	return ""
}
