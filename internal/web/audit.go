package web

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// auditPath is Setup › Users and Control › Audit trail.
const auditPath = "/setup/audit"

// auditPage is who did what to whom, the latest first.
type auditPage struct {
	Frame   frame
	Rows    []auditRow
	Person  *auditPerson // only what concerns this one
	Action  account.Action
	Actions []option
	Older   string // the address of what was before; "": nothing was
	Newest  string // the address of the beginning, on a later page
	Looked  bool   // a filter was given up before the end of the trail
}

type auditPerson struct{ ID, Name, Without string }

type auditRow struct {
	ID, When, Moment string // Moment: to the second, with the zone
	Actor, ActorPath string
	Action           string
	Whom, WhomPath   string
	Detail           []string
}

const (
	// auditScan is how many entries a filter looks through for one page before it lets the person go on.
	auditScan  = 5000
	auditChunk = 500
	// auditExport is how many entries an export reads at a time.
	auditExport = 1000
)

func (s *Site) audit(v *visit) error {
	q := v.r.URL.Query()
	page := auditPage{Action: account.Action(q.Get("action"))}
	names := s.nameBook(v)
	if !slices.Contains(account.Actions, page.Action) {
		page.Action = ""
	}
	var person record.ID
	if id, ok := record.ParseID(q.Get("person")); ok {
		u, err := s.Accounts.User(v.ctx(), v.user.Org, id)
		if err != nil {
			return err
		}
		person, page.Person = id, &auditPerson{id.String(), u.Name(), auditAddress(page.Action, 0, 0)}
	}
	before, _ := record.ParseID(q.Get("before"))
	entries, last, whole, err := s.auditEntries(v.ctx(), v.user.Org, before, pageSize, func(e account.Entry) bool {
		return (page.Action == "" || e.Action == page.Action) && (person == 0 || e.Actor == person || e.Subject == person)
	})
	if err != nil {
		return err
	}
	for _, e := range entries {
		row := auditRow{
			ID: e.ID.String(), When: v.words.Moment(e.At.In(v.zone)), Moment: e.At.In(v.zone).Format(time.RFC3339),
			Action: v.words.T("audit.action." + string(e.Action)), Detail: v.auditDetail(e.Detail),
		}
		if row.Actor, err = names.of(e.Actor, v.words.T("audit.nobody")); err != nil {
			return err
		}
		if row.Whom, err = names.of(e.Subject, ""); err != nil {
			return err
		}
		row.ActorPath, row.WhomPath = personTrail(e.Actor), personTrail(e.Subject)
		page.Rows = append(page.Rows, row)
	}
	if !whole {
		page.Older = auditAddress(page.Action, person, last)
		page.Looked = len(entries) < pageSize
	}
	if before != 0 {
		page.Newest = auditAddress(page.Action, person, 0)
	}
	page.Actions = []option{{"", v.words.T("audit.all_actions"), page.Action == ""}}
	for _, a := range account.Actions {
		page.Actions = append(page.Actions, option{string(a), v.words.T("audit.action." + string(a)), a == page.Action})
	}
	page.Frame = s.frame(v, "setup", v.words.T("audit.title"))
	return s.render(v, http.StatusOK, "audit", page)
}

// personTrail is the address of what the trail says of one person.
func personTrail(id record.ID) string {
	if id == 0 {
		return ""
	}
	return auditAddress("", id, 0)
}

func auditAddress(action account.Action, person, before record.ID) string {
	q := url.Values{}
	if action != "" {
		q.Set("action", string(action))
	}
	if person != 0 {
		q.Set("person", person.String())
	}
	if before != 0 {
		q.Set("before", before.String())
	}
	if len(q) == 0 {
		return auditPath
	}
	return auditPath + "?" + q.Encode()
}

// auditEntries gathers a page of entries that fit. last is where the next page goes on; whole: there is none.
func (s *Site) auditEntries(ctx context.Context, org, before record.ID, most int, fits func(account.Entry) bool) (out []account.Entry, last record.ID, whole bool, err error) {
	for looked := 0; looked < auditScan; looked += auditChunk {
		entries, err := s.Accounts.Audit(ctx, org, before, auditChunk)
		if err != nil {
			return nil, 0, false, err
		}
		for i, e := range entries {
			if before = e.ID; fits(e) {
				out = append(out, e)
			}
			if len(out) == most {
				return out, before, i == len(entries)-1 && len(entries) < auditChunk, nil
			}
		}
		if len(entries) < auditChunk {
			return out, before, true, nil
		}
	}
	return out, before, false, nil
}

// nameBook finds names of users by id, each once.
type nameBook struct {
	s     *Site
	v     *visit
	known map[record.ID]account.User
}

func (s *Site) nameBook(v *visit) *nameBook { return &nameBook{s, v, map[record.ID]account.User{}} }

func (n *nameBook) user(id record.ID) (account.User, error) {
	if u, ok := n.known[id]; ok || id == 0 {
		return u, nil
	}
	u, err := n.s.Accounts.User(n.v.ctx(), n.v.user.Org, id)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	if err == nil {
		n.known[id] = u
	}
	return u, err
}

func (n *nameBook) of(id record.ID, nobody string) (string, error) {
	if id == 0 {
		return nobody, nil
	}
	u, err := n.user(id)
	return u.Name(), err
}

// auditDetails are the details that have words, in the order in which they are told.
var auditDetails = []string{"email", "username", "profile", "from", "to", "count", "kind", "name", "why", "reason", "removed", "permissions", "region", "admit_contacts", "admit_calendar"}

func (v *visit) auditDetail(detail map[string]string) (out []string) {
	for _, key := range auditDetails {
		value, ok := detail[key]
		if !ok {
			continue
		}
		switch key {
		case "profile", "from":
			value = v.words.profile(account.Profile(value))
		case "to":
			if detail["from"] == "" {
				out = append(out, v.words.T("audit.detail.heir", "Value", value))
				continue
			}
			value = v.words.profile(account.Profile(value))
		case "kind":
			if _, err := kindOf(value); err == nil {
				value = v.words.T("kind." + value)
			}
		case "reason":
			value = v.words.T(reasonKey("reason", fault.Reason(value), reasons) + ".what")
		case "why", "removed", "admit_contacts", "admit_calendar":
			if slices.Contains(auditValues[key], value) {
				out = append(out, v.words.T("audit."+key+"."+value))
				continue
			}
		case "permissions":
			var may account.Permissions
			if json.Unmarshal([]byte(value), &may) == nil {
				value = strings.Join(v.words.allows(may), ", ")
			}
		}
		out = append(out, v.words.T("audit.detail."+key, "Value", value))
	}
	return out
}

// auditValues are the values that a detail has, where they have words of their own.
var auditValues = map[string][]string{"why": {"associated_elsewhere"}, "removed": {"yes"},
	"admit_contacts": {"true", "false"}, "admit_calendar": {"true", "false"},
}

// auditCSV streams the whole trail. Times are UTC, and "action" is a word that stays the same in every language.
func (s *Site) auditCSV(v *visit) error {
	entries, err := s.Accounts.Audit(v.ctx(), v.user.Org, 0, auditExport)
	if err != nil {
		return err
	}
	out := v.csvFile("tandem-audit-"+v.now.UTC().Format(time.DateOnly), "time", "actor", "actor_email", "action", "what", "subject", "subject_email", "detail")
	names := s.nameBook(v)
	for len(entries) > 0 {
		for _, e := range entries {
			line, err := v.auditLine(names, e)
			if err != nil {
				s.cutOff(v, err)
			}
			_ = out.Write(line)
		}
		if out.Flush(); out.Error() != nil {
			return nil // the reader went away
		}
		if entries, err = s.Accounts.Audit(v.ctx(), v.user.Org, entries[len(entries)-1].ID, auditExport); err != nil {
			s.cutOff(v, err)
		}
	}
	out.Flush()
	return nil
}

// cutOff breaks the connection, so that half a file is not taken for a whole one.
func (s *Site) cutOff(v *visit, err error) {
	s.Logger.Error("web: an export broke", "path", v.r.Pattern, "org", v.user.Org, "err", err)
	panic(http.ErrAbortHandler)
}

func (v *visit) auditLine(names *nameBook, e account.Entry) ([]string, error) {
	actor, err := names.user(e.Actor)
	if err != nil {
		return nil, err
	}
	subject, err := names.user(e.Subject)
	if err != nil {
		return nil, err
	}
	var detail []string
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		detail = append(detail, key+"="+e.Detail[key])
	}
	line := []string{
		e.At.UTC().Format(time.RFC3339), actor.Name(), actor.Email, string(e.Action), v.words.T("audit.action." + string(e.Action)),
		subject.Name(), subject.Email, strings.Join(detail, "; "),
	}
	for i, cell := range line {
		line[i] = defused(cell)
	}
	return line, nil
}

// defused keeps a spreadsheet from taking a cell for a formula (OWASP, CSV injection): people choose their own names.
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
