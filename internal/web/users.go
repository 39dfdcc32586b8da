package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// usersPath is Setup › Users and Control › Users.
const usersPath = "/setup/users"

// userRoutes are those of Setup › Users and Control. What may be done there is decided by account.Registry.
func (s *Site) userRoutes() []route {
	return []route{
		{"GET /setup/users", manager, s.userList},
		{"GET /setup/users/new", manager, s.userNew},
		{"POST /setup/users/new", manager, s.userInvite},
		{"GET /setup/users/directory", manager, s.directory},
		{"POST /setup/users/directory", manager, s.directoryInvite},
		{"GET /setup/users/{id}", manager, s.userShow},
		{"POST /setup/users/{id}/approve", manager, s.userApprove},
		{"POST /setup/users/{id}/decline", manager, s.userDecline},
		{"POST /setup/users/{id}/resend", manager, s.userResend},
		{"POST /setup/users/{id}/withdraw", manager, s.userWithdraw},
		{"POST /setup/users/{id}/profile", manager, s.userProfile},
		{"POST /setup/users/{id}/signout", manager, s.signUserOut},
		{"GET /setup/users/{id}/deactivate", manager, s.deactivatePage},
		{"POST /setup/users/{id}/deactivate", manager, s.deactivate},
		{"POST /setup/users/{id}/reactivate", manager, s.reactivate},
		{"GET /setup/users/{id}/delete", manager, s.deletePage},
		{"POST /setup/users/{id}/delete", manager, s.deleteUser},

		{"GET /setup/profiles", manager, s.profileList},
		{"GET /setup/profiles/new", manager, s.profileNew},
		{"GET /setup/profiles/edit", manager, s.profileEdit},
		{"POST /setup/profiles", manager, s.profileSave},
		{"POST /setup/profiles/delete", manager, s.profileDelete},

		{"GET /setup/audit", manager, s.audit},
		{"GET /setup/audit.csv", manager, s.auditCSV},
	}
}

// usersPage is the list of users.
type usersPage struct {
	Frame     frame
	Q         string
	State     account.State // "": all
	Tabs      []viewLink
	Asking    []userRow // who asked to join: they stand first
	Rows      []userRow
	Profiles  []option // that may be given
	Here      string
	Before    string
	After     string
	Outcome   *invited // of the invitation just sent
	NoInvites string   // why nobody can be invited; "": they can
	NoMail    bool     // no letters go out
	Microsoft bool     // the person who looks comes from Microsoft, and so can open the directory
}

// A userRow is a user as lists show one.
type userRow struct {
	ID, Name, Initials, Email string
	State                     account.State
	Profile                   string
	LastSignIn                string
	Syncs                     []syncState
	Letter                    *letterState
	Asked                     string // when a request to join was made
}

// A syncState is how one kind of a user's sync stands.
type syncState struct{ Kind, State string }

// A letterState is how far the latest letter about a user has come.
type letterState struct {
	Kind  account.LetterKind
	State account.LetterState
	When  string
	What  string // of Failed: why, in our words; "": Said has the server's
	Said  string
}

// userStates are the states that the list can be limited to, in the order of its tabs.
var userStates = []account.State{"", account.Active, account.Invited, account.Requested, account.Deactivated}

// stateKey is the last part of a state's message.
func stateKey(s account.State) string {
	if s == "" {
		return "all"
	}
	return string(s)
}

// maxAsking is how many of those who asked to join the list shows first.
const maxAsking = 20

func (s *Site) userList(v *visit) error {
	q := v.r.URL.Query()
	page := usersPage{Q: strings.TrimSpace(q.Get("q")), NoInvites: v.noInvites(), NoMail: !s.Settings.Mail, Microsoft: !v.user.Identity.IsZero()}
	for _, state := range userStates {
		if string(state) == q.Get("state") {
			page.State = state
		}
	}
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 || n > 1e6 {
		n = 1
	}
	page.Here = usersAddress(page.State, page.Q, n)
	people, err := s.Accounts.People(v.ctx(), v.user.Org, account.PeopleQuery{
		State: page.State, Search: page.Q, Limit: pageSize + 1, Offset: (n - 1) * pageSize,
	})
	if err != nil {
		return err
	}
	if n > 1 {
		page.Before = usersAddress(page.State, page.Q, n-1)
	}
	if len(people) > pageSize {
		people, page.After = people[:pageSize], usersAddress(page.State, page.Q, n+1)
	}
	var asking []account.User
	if apart := page.Q == "" && page.State != account.Invited; apart && n == 1 {
		asking, err = s.Accounts.People(v.ctx(), v.user.Org, account.PeopleQuery{State: account.Requested, Limit: maxAsking})
		if err != nil {
			return err
		}
	}
	if page.Asking, err = s.userRows(v, asking); err != nil {
		return err
	}
	if page.Rows, err = s.userRows(v, without(people, asking)); err != nil {
		return err
	}
	if page.Tabs, err = s.userTabs(v, page.State, page.Q); err != nil {
		return err
	}
	if len(page.Asking) > 0 {
		if page.Profiles, err = s.profileOptions(v, account.Standard); err != nil {
			return err
		}
	}
	if v.wants("user-list") {
		return s.part(v, "users", "list", page)
	}
	page.Outcome = s.popInvited(v)
	page.Frame = s.frame(v, "setup", v.words.T("users.title"))
	return s.render(v, http.StatusOK, "users", page)
}

// without are people less those who are shown already.
func without(people, shown []account.User) []account.User {
	seen := map[record.ID]bool{}
	for _, u := range shown {
		seen[u.ID] = true
	}
	var out []account.User
	for _, u := range people {
		if !seen[u.ID] {
			out = append(out, u)
		}
	}
	return out
}

func usersAddress(state account.State, search string, page int) string {
	q := url.Values{}
	if state != "" {
		q.Set("state", string(state))
	}
	if search != "" {
		q.Set("q", search)
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return usersPath
	}
	return usersPath + "?" + q.Encode()
}

func (s *Site) userTabs(v *visit, open account.State, search string) (tabs []viewLink, err error) {
	counts, err := s.Accounts.CountPeople(v.ctx(), v.user.Org)
	if err != nil {
		return nil, err
	}
	all := 0
	for _, state := range userStates {
		all += counts[state]
	}
	counts[""] = all
	for _, state := range userStates {
		label := v.words.T("users.tab."+stateKey(state), "Number", v.words.Number(counts[state]))
		tabs = append(tabs, viewLink{stateKey(state), label, usersAddress(state, search, 1), state == open})
	}
	return tabs, nil
}

// noInvites says why the organization cannot invite anybody, "" if it can. The registry refuses anyway.
func (v *visit) noInvites() string {
	if v.org.Edition.Paid() {
		return ""
	}
	return v.words.T("refusal." + string(account.PaidOnly))
}

// userRows makes rows of users, with what lies in other tables fetched for all at once.
func (s *Site) userRows(v *visit, people []account.User) ([]userRow, error) {
	ids := make([]record.ID, len(people))
	for i, u := range people {
		ids[i] = u.ID
	}
	letters, err := s.Accounts.Letters(v.ctx(), v.user.Org, ids)
	if err != nil {
		return nil, err
	}
	syncs, err := s.Accounts.Syncs(v.ctx(), v.user.Org, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]userRow, len(people))
	for i, u := range people {
		rows[i] = userRow{
			ID: u.ID.String(), Name: u.Name(), Initials: initials(u.Name()), Email: u.Email, State: u.State,
			LastSignIn: v.words.Ago(u.LastSignIn, v.now, v.zone),
			Syncs:      syncStates(u, syncs[u.ID]), Asked: v.words.Ago(u.Created, v.now, v.zone),
		}
		if u.State != account.Requested && u.State != account.Deleted { // whoever asks is given one with the answer
			rows[i].Profile = v.words.profile(u.Profile)
		}
		if l, ok := letters[u.ID]; ok && worthShowing(u, l) {
			rows[i].Letter = v.letter(l)
		}
	}
	return rows, nil
}

// syncStates are how the kinds of a user's sync stand; none for whoever never got so far.
func syncStates(u account.User, running map[record.Kind]string) (states []syncState) {
	if u.State != account.Active && len(running) == 0 {
		return nil
	}
	for _, kind := range kinds {
		state := running[kind]
		switch {
		case u.State == account.Active && !u.May.Sync(kind):
			state = "withheld"
		case state == "":
			state = "none"
		}
		states = append(states, syncState{string(kind), state})
	}
	return states
}

// worthShowing leaves out what is over: letters that arrived at people who are in, those that got them there, and those that went
// nowhere without anybody being to blame.
func worthShowing(u account.User, l account.Letter) bool {
	switch {
	case u.State == account.Invited:
		return true
	case l.State == account.LetterSent, l.Reason == letterNoServer, l.Reason == letterNotNeeded:
		return false
	}
	return l.Kind != account.LetterInvitation && (l.Kind != account.LetterRequest || u.State == account.Requested)
}

// The reasons of letters that never left: there is nowhere to send them, what they say was no longer true, or the mail server
// cannot name whom they go to.
const (
	letterNoServer  = "no_server"
	letterNotNeeded = "no_longer_needed"
	letterOdd       = "odd_address"
)

func (v *visit) letter(l account.Letter) *letterState {
	out := &letterState{Kind: l.Kind, State: l.State}
	switch {
	case l.State == account.LetterSent:
		out.When = v.words.Ago(l.Sent, v.now, v.zone)
	case l.State == account.LetterFailed && l.Reason == letterNoServer:
		out.What = v.words.T("users.letter.no_server")
	case l.State == account.LetterFailed && l.Reason == letterNotNeeded:
		out.What = v.words.T("users.letter.no_longer_needed")
	case l.State == account.LetterFailed && l.Reason == letterOdd:
		out.What = v.words.T("users.letter.odd_address")
	case l.State == account.LetterFailed, l.Reason != "":
		out.Said = l.Reason // of one that is tried again: why it has not left yet
	}
	return out
}

// profileOptions are the profiles that whoever looks may give.
func (s *Site) profileOptions(v *visit, chosen account.Profile) (out []option, err error) {
	profiles, err := s.Accounts.Profiles(v.ctx(), v.user.Org)
	for _, p := range profiles {
		if v.user.MayGive(p.Name, p.May) {
			out = append(out, option{string(p.Name), v.words.profile(p.Name), p.Name == chosen})
		}
	}
	return out, err
}

// profile is what a profile is called: those that every organization has have a name in each language.
func (w *words) profile(p account.Profile) string {
	if key, ok := profileKeys[p]; ok {
		return w.T(key)
	}
	return string(p)
}

var profileKeys = map[account.Profile]string{
	account.SuperAdmin: "profile.super_admin", account.Administrator: "profile.administrator", account.Standard: "profile.standard",
}

// invited is what became of an invitation, told once by the list of users.
type invited struct {
	Invited  int          `json:"i,omitempty"`
	Approved int          `json:"a,omitempty"` // had asked to join and are in now
	Not      []notInvited `json:"n,omitempty"`
	Gone     int          `json:"g,omitempty"` // were picked, and are in the directory no more
}

type notInvited struct {
	Name   string       `json:"n"`
	Reason fault.Reason `json:"r"`
}

const keyInvited = "invited"

func (s *Site) putInvited(v *visit, results []account.InviteResult, gone int) {
	out := invited{Gone: gone}
	for _, r := range results {
		switch {
		case r.Err != nil:
			out.Not = append(out.Not, notInvited{inviteeName(r.Invitee), fault.ReasonOf(r.Err)})
		case r.User.State == account.Requested:
			out.Approved++
		default:
			out.Invited++
		}
	}
	if raw, err := json.Marshal(out); err == nil {
		s.sessions.Put(v.ctx(), keyInvited, string(raw))
	}
}

func (s *Site) popInvited(v *visit) *invited {
	var out invited
	raw := s.sessions.PopString(v.ctx(), keyInvited)
	if raw == "" || json.Unmarshal([]byte(raw), &out) != nil {
		return nil
	}
	return &out
}

func inviteeName(i account.Invitee) string {
	return account.User{Email: i.Email, FirstName: i.FirstName, LastName: i.LastName}.Name()
}
