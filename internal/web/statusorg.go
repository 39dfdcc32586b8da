package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// orgStatusPath is where those who manage users see how everybody's sync stands.
const orgStatusPath = "/status/organization"

func (s *Site) orgStatusRoutes() []route {
	return []route{
		{"GET /status/organization", manager, s.orgStatus},
		{"GET /status/organization/{link}", manager, s.orgLink},
		{"POST /status/organization/{link}/retry", manager, s.orgRetry},
	}
}

// orgStatusPage is how everybody's sync stands.
type orgStatusPage struct {
	Frame      frame
	Here       string
	Credential *healthLine
	Rows       []orgRow
	Sums       orgSums
	Activity   activity
}

// orgSums count all links.
type orgSums struct{ Links, Synced, Waiting, Excluded, Failing, Stopped int }

// orgRow is one link of somebody's.
type orgRow struct {
	Path, Person, PersonPath string
	Kind, State, Label       string
	Warn                     bool
	Reason                   string // why it stands still
	Synced, Waiting, Failing int
	Excluded                 int
	Delay, Run               string
}

func orgLinkPath(id reconcile.LinkID) string {
	return orgStatusPath + "/" + strconv.FormatInt(int64(id), 10)
}

func (s *Site) orgStatus(v *visit) error {
	links, err := s.LinksIn(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	ids := make([]reconcile.LinkID, len(links))
	for i, l := range links {
		ids[i] = l.ID
	}
	hours, err := s.Links.Hours(v.ctx(), v.user.Org, ids, v.activitySince())
	if err != nil {
		return err
	}
	delays := v.delaysOf(hours)
	page := orgStatusPage{Here: v.r.URL.RequestURI(), Credential: s.credentialLine(v), Activity: v.activityOf(hours)}
	for i := range links {
		l := &links[i]
		row := v.orgRow(l, delays[l.ID])
		if u := slices.IndexFunc(users, func(u account.User) bool { return u.ID == l.User }); u >= 0 {
			row.Person, row.PersonPath = users[u].Name(), usersPath+"/"+l.User.String()
		}
		page.Rows = append(page.Rows, row)
		page.Sums.Links++
		page.Sums.Synced += row.Synced
		page.Sums.Waiting += row.Waiting
		page.Sums.Excluded += row.Excluded
		page.Sums.Failing += row.Failing
		if row.State == "paused" || row.State == "held" {
			page.Sums.Stopped++
		}
	}
	order := collate.New(language.Make(v.words.lang))
	slices.SortStableFunc(page.Rows, func(a, b orgRow) int {
		if a.Warn != b.Warn {
			return map[bool]int{true: -1, false: 1}[a.Warn]
		}
		return order.CompareString(a.Person, b.Person)
	})
	if v.wants("org-status") {
		return s.part(v, "statusorg", "org-status", page)
	}
	page.Frame = s.frame(v, "status", v.words.T("org.title"))
	return s.render(v, http.StatusOK, "statusorg", page)
}

func (v *visit) orgRow(l *reconcile.Link, day reconcile.Delays) orgRow {
	row := orgRow{
		Path: orgLinkPath(l.ID), Kind: string(l.Kind), State: stateOf(l), Synced: l.Synced, Waiting: l.Waiting, Failing: l.Failing, Excluded: l.ExcludedSum,
		Run: v.words.Ago(l.LastRun, v.now, v.zone),
	}
	row.Label = v.words.T("state." + row.State)
	if row.State == "on" && l.Failing > 0 {
		row.Label = v.words.T("state.attention", "Count", l.Failing)
	}
	row.Warn = l.State == reconcile.Paused || l.State == reconcile.Held || l.Failing > 0 || l.Reason != ""
	if l.Reason != "" {
		row.Reason = v.words.T(reasonKey("reason", l.Reason, reasons) + ".what")
	}
	if day.Total() > 0 {
		row.Delay = v.words.Span(day.Within(0.95))
	}
	return row
}

// orgLinkPage is one link of somebody's: what is not in step and why.
type orgLinkPage struct {
	Frame    frame
	Person   string
	Row      orgRow
	Do       string // what helps, where the link stands still
	Health   []healthLine
	Path     string
	Tabs     []viewLink
	State    string
	Why      []orgWhy
	Records  []recordLine
	Before   string
	After    string
	Activity activity
	History  string // the address of its history
}

// orgWhy counts records by the reason why they are not in step, with what helps.
type orgWhy struct {
	What, Do string
	Count    int
}

// theLink is a link of the organization that is not off.
func (s *Site) theLink(v *visit) (*reconcile.Link, error) {
	id, ok := record.ParseID(v.r.PathValue("link"))
	if !ok {
		return nil, fault.New(fault.NotFound, "", "web: %q is no link", v.r.PathValue("link"))
	}
	l, err := s.Links.Link(v.ctx(), v.user.Org, reconcile.LinkID(id))
	if err == nil && l.State == reconcile.Off {
		err = fault.New(fault.NotFound, "", "web: link %d is off", id)
	}
	return l, err
}

func (s *Site) orgLink(v *visit) error {
	l, err := s.theLink(v)
	if err != nil {
		return err
	}
	u, err := s.Accounts.User(v.ctx(), v.user.Org, l.User)
	if err != nil {
		return err
	}
	standing, err := s.Links.Standing(v.ctx(), l.Org, l.ID)
	if err != nil {
		return err
	}
	hours, err := s.Links.Hours(v.ctx(), l.Org, []reconcile.LinkID{l.ID}, v.activitySince())
	if err != nil {
		return err
	}
	broken, err := s.brokenGrant(v, l.User)
	if err != nil {
		return err
	}
	day := v.delaysOf(hours)[l.ID]
	page := orgLinkPage{Person: u.Name(), Row: v.orgRow(l, day), Health: v.health(l, broken, day), Path: orgLinkPath(l.ID), Activity: v.activityOf(hours)}
	page.Row.Synced, page.Row.Waiting, page.Row.Failing, page.Row.Excluded = standing.Synced, standing.Waiting, standing.Failing, standing.Excluded
	if l.Reason != "" {
		page.Do = v.words.T(reasonKey("reason", l.Reason, reasons) + ".do")
	}
	for _, reason := range reasons {
		if n := standing.Why[reason]; n > 0 {
			key := reasonKey("reason", reason, reasons)
			page.Why = append(page.Why, orgWhy{v.words.T(key + ".what"), v.words.T(key + ".do"), n})
		}
	}
	if v.readsOf(l.Kind, l.User) {
		page.History = historyPath + "?kind=" + string(l.Kind) + "&user=" + l.User.String()
	}
	q := v.r.URL.Query()
	if page.State = q.Get("state"); !slices.Contains(recordStates, page.State) {
		page.State = "failing"
	}
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 || n >= 1e6 {
		n = 1
	}
	path := func(state string, n int) string { return page.Path + "?state=" + state + "&page=" + strconv.Itoa(n) }
	if page.Records, err = s.recordLines(v.ctx(), v, l, page.State, (n-1)*pageSize, pageSize+1); err != nil {
		return err
	}
	if len(page.Records) > pageSize {
		page.Records, page.After = page.Records[:pageSize], path(page.State, n+1)
	}
	if n > 1 {
		page.Before = path(page.State, n-1)
	}
	if err := s.withhold(v, l, page.Records); err != nil {
		return err
	}
	counts := map[string]int{"failing": standing.Failing, "waiting": standing.Waiting, "excluded": standing.Excluded, "synced": standing.Synced}
	for _, state := range recordStates {
		page.Tabs = append(page.Tabs, viewLink{state, v.words.T("org.tab", "State", v.words.T("badge."+state), "N", counts[state]), path(state, 1), state == page.State})
	}
	page.Frame = s.frame(v, "status", v.words.T("org.link", "Name", u.Name()))
	return s.render(v, http.StatusOK, "statuslink", page)
}

// withhold takes out of a list of somebody else's records whatever this person may not see: what is in Outlook alone, and what
// the CRM would not show.
func (s *Site) withhold(v *visit, l *reconcile.Link, lines []recordLine) error {
	if l.User == v.user.ID {
		return nil
	}
	var ids []record.ID
	for _, line := range lines {
		if id, ok := record.ParseID(line.ID); ok {
			ids = append(ids, id)
		}
	}
	there := map[record.ID]crm.Record{}
	if len(ids) > 0 && v.sees(l.Kind) {
		var err error
		if there, err = s.Records.ByID(v.ctx(), v.actor(), l.Kind, ids...); err != nil {
			return err
		}
	}
	for i := range lines {
		id, _ := record.ParseID(lines[i].ID)
		lines[i].Ask, lines[i].Detail = "", ""
		if r, ok := there[id]; ok && !r.Deleted() && !r.Veiled {
			lines[i].Name = recordName(v.words, r)
			continue
		}
		lines[i].Name, lines[i].Path, lines[i].Fields = v.words.T("org.withheld"), "", ""
	}
	return nil
}

// orgRetry lets somebody's parked records be tried at once.
func (s *Site) orgRetry(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	l, err := s.theLink(v)
	if err != nil {
		return err
	}
	var refs []record.Ref
	for _, ref := range form["ref"] {
		refs = append(refs, record.Ref(ref))
	}
	if err := s.Links.Retry(v.ctx(), l.Org, l.ID, refs...); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.retry"})
	back := form.Get("back")
	if !strings.HasPrefix(back, orgStatusPath) {
		back = orgLinkPath(l.ID)
	}
	return v.to(ownPath(back))
}
