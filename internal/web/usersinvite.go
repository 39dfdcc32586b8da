package web

import (
	"net/http"
	"slices"
	"strings"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// newUserPage is *New user*: anybody with a mail address is invited (S9).
type newUserPage struct {
	Frame     frame
	Alert     string
	NoInvites string
	NoMail    bool // no letters go out
	Fields    []field
}

// newcomer is what the form of *New user* says.
type newcomer struct {
	First, Last, Email, Lang string
	Profile                  account.Profile
}

func (s *Site) userNew(v *visit) error {
	return s.newUserForm(v, http.StatusOK, newcomer{Lang: v.org.Locale, Profile: account.Standard}, "", nil)
}

func (s *Site) newUserForm(v *visit, status int, n newcomer, alert string, errs fieldErrors) error {
	page := newUserPage{Alert: alert, NoInvites: v.noInvites(), NoMail: !s.Settings.Mail}
	profiles, err := s.profileOptions(v, n.Profile)
	if err != nil {
		return err
	}
	label := func(name string) string { return v.words.T("users.new." + name) }
	lang := field{Name: "lang", Label: label("lang"), Hint: label("lang_hint"), Input: "select"}
	for _, l := range languages {
		lang.Options = append(lang.Options, option{l, v.words.T("language." + l), l == n.Lang})
	}
	page.Fields = []field{
		{Name: "first", Label: label("first"), Value: n.First, Input: "text", Max: maxName},
		{Name: "last", Label: label("last"), Value: n.Last, Input: "text", Max: maxName, Error: errs["last"]},
		{Name: "email", Label: label("email"), Value: n.Email, Input: "email", Required: true, Wide: true, Error: errs["email"]},
		lang,
		{Name: "profile", Label: v.words.T("users.profile"), Input: "select", Options: profiles, Error: errs["profile"]},
	}
	page.Frame = s.frame(v, "setup", v.words.T("users.new.title"))
	return s.render(v, status, "usersnew", page)
}

// maxName is how long a first or last name may be.
const maxName = 100

func (s *Site) userInvite(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	text := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	n := newcomer{text("first"), text("last"), text("email"), text("lang"), account.Profile(form.Get("profile"))}
	if _, ok := s.pages.words[n.Lang]; !ok {
		n.Lang = ""
	}
	if len([]rune(n.First)) > maxName || len([]rune(n.Last)) > maxName {
		return s.newUserForm(v, http.StatusUnprocessableEntity, n, "", fieldErrors{"last": v.words.T("field_error.too_long")})
	}
	results, err := s.invite(v, []account.Invitee{{Email: n.Email, FirstName: n.First, LastName: n.Last, Locale: n.Lang}}, n.Profile)
	if err != nil {
		if text, status, ok := v.refused(err); ok {
			return s.newUserForm(v, status, n, text, nil)
		}
		return err
	}
	if text, status, ok := v.refused(results[0].Err); ok {
		return s.newUserForm(v, status, n, "", fieldErrors{"email": text})
	}
	s.putInvited(v, results, 0)
	return v.to(usersPath)
}

// invite invites, as often as one person may in a day, and nobody more often than letters may go to one address.
func (s *Site) invite(v *visit, invitees []account.Invitee, p account.Profile) ([]account.InviteResult, error) {
	if !v.org.Edition.Paid() { // or a limit would be used up for nothing
		return nil, fault.New(fault.Denied, account.PaidOnly, "web: the edition has no invitations")
	}
	var now []account.Invitee
	var later []account.InviteResult
	for _, i := range invitees {
		if err := s.Registry.Limit(v.ctx(), account.Invitations, v.user.ID.String(), ""); err != nil {
			return nil, err
		}
		err := s.mayWrite(v, i.Email)
		switch {
		case fault.Is(err, fault.Throttled):
			later = append(later, account.InviteResult{Invitee: i, Err: err})
		case err != nil:
			return nil, err
		default:
			now = append(now, i)
		}
	}
	if len(now) == 0 {
		return later, nil
	}
	results, err := s.Registry.Invite(v.ctx(), v.user, now, p)
	return append(results, later...), err
}

// mayWrite takes one of the letters that an organization may send to an address that invites it. By the address, because
// whoever is withdrawn and invited again is another user each time.
func (s *Site) mayWrite(v *visit, address string) error {
	return s.Registry.Limit(v.ctx(), account.Resends, v.user.Org.String()+"/"+strings.ToLower(strings.TrimSpace(address)), "")
}

// directoryPage is *Microsoft 365 user*: the tenant's directory, to pick those who are to be invited (S8).
type directoryPage struct {
	Frame     frame
	Q         string
	People    []directoryRow
	More      string // the address of what follows; "": nothing does
	Profiles  []option
	Alert     string
	NoInvites string
	NoMail    bool   // no letters go out
	Trouble   string // why the directory cannot be shown
	Help      string // and what can be done about it
	Connect   bool   // what can be done is to go to Microsoft
	Boxed     bool   // in a dialog over the list, whose page has a heading already
}

// Most is how many people can be picked at once.
func (directoryPage) Most() int { return account.MaxInvitees }

type directoryRow struct {
	ID, Name, Initials, Email, JobTitle string
	Mark                                string // why the person cannot be picked, or what picking means
	In                                  bool   // cannot be picked
	Picked                              bool
}

// sealedPage is how the place in a directory travels through a browser: for this person and what was typed, and nowhere
// else.
type sealedPage struct {
	User int64  `json:"u"`
	Q    string `json:"q"`
	At   string `json:"a"`
}

// directorySealer has a key of its own; who opens what it sealed is Graph, at our Graph's address.
func (s *Site) directorySealer() (sealer, error) { return newSealer(s.Settings.SecretKey, "directory") }

func (s *Site) directory(v *visit) error {
	return s.directoryForm(v, http.StatusOK, "", nil, account.Standard)
}

func (s *Site) directoryForm(v *visit, status int, alert string, picked []string, chosen account.Profile) error {
	q := v.r.URL.Query()
	page := directoryPage{Q: strings.TrimSpace(q.Get("q")), Alert: alert, NoInvites: v.noInvites(), NoMail: !s.Settings.Mail}
	if page.NoInvites == "" {
		if err := s.fillDirectory(v, &page, q.Get("after"), picked); err != nil {
			return err
		}
	}
	switch {
	case v.wants("directory-more"):
		return s.part(v, "usersdirectory", "rows", page)
	case v.wants("directory-people"):
		return s.part(v, "usersdirectory", "people", page)
	}
	var err error
	if page.Profiles, err = s.profileOptions(v, chosen); err != nil {
		return err
	}
	if page.Boxed = v.wants("directory-box"); page.Boxed {
		return s.part(v, "usersdirectory", "directory", page)
	}
	page.Frame = s.frame(v, "setup", v.words.T("directory.title"))
	return s.render(v, status, "usersdirectory", page)
}

// fillDirectory asks the directory for a page. That it cannot be asked is something to explain, not a fault of this page.
func (s *Site) fillDirectory(v *visit, page *directoryPage, after string, picked []string) error {
	seals, err := s.directorySealer()
	if err != nil {
		return err
	}
	var at sealedPage
	if after != "" {
		if err := seals.open(after, v.now, &at); err != nil || at.User != int64(v.user.ID) {
			return fault.New(fault.NotFound, "", "web: no page of the directory begins there")
		}
		page.Q = at.Q
	}
	if err := v.ownDirectory(); err != nil {
		return s.directoryTrouble(v, page, err)
	}
	people, more, err := s.Directory.Search(v.ctx(), v.user, page.Q, at.At)
	if err != nil {
		return s.directoryTrouble(v, page, err)
	}
	invitees := make([]account.Invitee, len(people))
	for i, p := range people {
		invitees[i] = p.Invitee
	}
	users, err := s.Accounts.Recognize(v.ctx(), v.user.Org, invitees)
	if err != nil {
		return err
	}
	for i, p := range people {
		row := directoryRow{
			ID: p.Identity.ObjectID, Name: inviteeName(p.Invitee), Email: p.Email, JobTitle: p.JobTitle,
			Picked: slices.Contains(picked, p.Identity.ObjectID),
		}
		row.Initials = initials(row.Name)
		row.Mark, row.In = v.directoryMark(users[i])
		page.People = append(page.People, row)
	}
	if more != "" {
		sealed := seals.seal(sealedPage{int64(v.user.ID), page.Q, more}, v.now.Add(sessionLife))
		page.More = directoryPath + "?after=" + queryEscape(sealed)
	}
	return nil
}

// ownDirectory refuses whoever opens no directory, or that of another tenant than the organization's.
func (v *visit) ownDirectory() error {
	if tenant := v.user.Identity.TenantID; tenant == "" || v.org.TenantID != "" && tenant != v.org.TenantID {
		return fault.New(fault.Denied, reasonOwnDirectory, "web: user %d is of another tenant than the organization, or of none", v.user.ID)
	}
	return nil
}

// reasonOwnDirectory is a refusal that only these pages know.
const reasonOwnDirectory fault.Reason = "own_directory"

func (s *Site) directoryTrouble(v *visit, page *directoryPage, err error) error {
	reason := fault.ReasonOf(err)
	switch {
	case reason == reasonOwnDirectory:
		page.Trouble, page.Help = v.words.T("directory.own_account"), v.words.T("directory.own_account_do")
	case fault.Is(err, fault.Denied) && reason == fault.ConsentRequired:
		page.Trouble, page.Help, page.Connect = v.words.T("directory.consent"), v.words.T("directory.consent_do"), true
	case fault.Is(err, fault.Denied) && needsMicrosoft(reason):
		page.Trouble, page.Help, page.Connect = v.words.T("directory.reconnect"), v.words.T("directory.reconnect_do"), true
	case fault.Is(err, fault.Unavailable), fault.Is(err, fault.Throttled):
		s.Logger.Warn("web: the directory does not answer", "org", v.user.Org, "err", err)
		page.Trouble, page.Help = v.words.T("directory.away"), v.words.T("directory.away_do")
	default:
		return err
	}
	return nil
}

// directoryMark says of somebody in the directory whether they are in already, as the user u.
func (v *visit) directoryMark(u account.User) (mark string, in bool) {
	switch {
	case u.ID == 0:
		return "", false
	case u.Org != v.user.Org:
		return v.words.T("directory.in.elsewhere"), true
	}
	return v.words.T("directory.in." + string(u.State)), u.State != account.Requested
}

// directoryInvite invites those who were picked. The browser names them by object id only; who they are is read from the
// directory again.
func (s *Site) directoryInvite(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	ids := slices.DeleteFunc(slices.Clone(form["person"]), func(id string) bool { return id == "" })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	profile := account.Profile(form.Get("profile"))
	again := func(status int, alert string) error { return s.directoryForm(v, status, alert, ids, profile) }
	switch {
	case v.noInvites() != "":
		return again(http.StatusForbidden, "")
	case len(ids) == 0:
		return again(http.StatusUnprocessableEntity, v.words.T("directory.nobody_picked"))
	case len(ids) > account.MaxInvitees:
		return again(http.StatusUnprocessableEntity, v.words.T("directory.too_many", "Count", account.MaxInvitees))
	}
	if err := v.ownDirectory(); err != nil {
		return again(http.StatusForbidden, "")
	}
	people, err := s.Directory.Lookup(v.ctx(), v.user, ids)
	if err != nil {
		if fault.Is(err, fault.Denied) || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Throttled) {
			return again(fault.KindOf(err).Status(), v.words.T("directory.lookup_failed"))
		}
		return err
	}
	if len(people) == 0 {
		return again(http.StatusUnprocessableEntity, v.words.T("directory.not_there"))
	}
	invitees := make([]account.Invitee, len(people))
	for i, p := range people {
		invitees[i] = p.Invitee
	}
	results, err := s.invite(v, invitees, profile)
	if err != nil {
		if text, status, ok := v.refused(err); ok {
			return again(status, text)
		}
		return err
	}
	s.putInvited(v, results, len(ids)-len(people))
	return v.to(usersPath)
}
