package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// profilesPath is Setup › Users and Control › Profiles. A profile is named by the query, because its name may hold anything.
const profilesPath = "/setup/profiles"

type profilesPage struct {
	Frame frame
	Rows  []profileRow
}

type profileRow struct {
	Name, Path, Built string // Built: that every organization has it
	Users             int
	Allows            []string
}

func (s *Site) profileList(v *visit) error {
	profiles, err := s.Accounts.Profiles(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	page := profilesPage{}
	for _, p := range profiles {
		row := profileRow{Name: v.words.profile(p.Name), Path: profilePath(p.Name), Users: p.Users, Allows: v.words.allows(p.May)}
		if p.BuiltIn {
			row.Built = v.words.T("profiles.built_in")
		}
		page.Rows = append(page.Rows, row)
	}
	page.Frame = s.frame(v, "setup", v.words.T("profiles.title"))
	return s.render(v, http.StatusOK, "profiles", page)
}

func profilePath(name account.Profile) string {
	return profilesPath + "/edit?" + url.Values{"name": {string(name)}}.Encode()
}

// switches are the permissions that are yes or no, in the order of the page.
var switches = []struct {
	name string
	at   func(*account.Permissions) *bool
}{
	{"manage_users", func(p *account.Permissions) *bool { return &p.ManageUsers }},
	{"import", func(p *account.Permissions) *bool { return &p.Import }},
	{"export", func(p *account.Permissions) *bool { return &p.Export }},
	{"mass_update", func(p *account.Permissions) *bool { return &p.MassUpdate }},
	{"sync_calendar", func(p *account.Permissions) *bool { return &p.SyncCalendar }},
	{"sync_contacts", func(p *account.Permissions) *bool { return &p.SyncContacts }},
}

// accesses are the permissions on the records of each kind, in the order of the page.
var accesses = []struct {
	name string
	at   func(*account.Permissions) *record.Access
}{
	{"contacts", func(p *account.Permissions) *record.Access { return &p.Contacts }},
	{"events", func(p *account.Permissions) *record.Access { return &p.Events }},
}

// reaches are the deeds that go as far as nobody's, one's own, or everybody's records.
var reaches = []struct {
	name string
	at   func(*record.Access) *record.Reach
}{
	{"view", func(a *record.Access) *record.Reach { return &a.View }},
	{"edit", func(a *record.Access) *record.Reach { return &a.Edit }},
	{"delete", func(a *record.Access) *record.Reach { return &a.Delete }},
}

// reachKey is the last part of a reach's message.
func reachKey(r record.Reach) string {
	if r == record.Nobodys {
		return "none"
	}
	return string(r)
}

// allows puts into a few words what permissions allow.
func (w *words) allows(p account.Permissions) (out []string) {
	for _, a := range accesses {
		out = append(out, w.T("profiles.sees_"+a.name+"."+reachKey(a.at(&p).View)))
	}
	for _, sw := range switches {
		if *sw.at(&p) {
			out = append(out, w.T("profiles.short."+sw.name))
		}
	}
	return out
}

// profilePage is the editor of a profile.
type profilePage struct {
	Frame   frame
	Was     account.Profile // "": a new one
	Heading string
	Name    field
	// NameFixed is for those that every organization has.
	NameFixed bool
	Records   []profileRecords
	Switches  []field
	Users     int
	Alert     string
	Fixed     string // why it cannot be changed by whoever looks; "": it can
	Deletes   bool
	Question  *profileQuestion // before what others may do changes
}

// profileRecords are the permissions on the records of one kind.
type profileRecords struct {
	Kind   string
	Error  string
	Fields []field
}

// profileQuestion says whom a change concerns. Answer is sent along with a yes and names the very change that was shown.
type profileQuestion struct {
	Users   int
	Pausing int
	Going   int // syncs that were withheld and may run again
	Answer  string
}

func (s *Site) profileNew(v *visit) error {
	may := account.Standard.Permissions()
	return s.profileForm(v, http.StatusOK, profileDraft{may: may}, "", nil, nil)
}

// profileDraft is a profile as somebody wants it.
type profileDraft struct {
	was, name account.Profile
	may       account.Permissions
}

// answer names a draft, so that a yes counts for what was shown and for nothing else.
func (d profileDraft) answer() string {
	raw, err := json.Marshal([]any{d.was, d.name, d.may})
	if err != nil {
		panic(err) // strings and booleans only
	}
	return string(raw)
}

// profileNamed finds a profile of the organization.
func (s *Site) profileNamed(v *visit, name account.Profile) (account.NamedProfile, error) {
	profiles, err := s.Accounts.Profiles(v.ctx(), v.user.Org)
	if err != nil {
		return account.NamedProfile{}, err
	}
	for _, p := range profiles {
		if p.Name == name {
			return p, nil
		}
	}
	return account.NamedProfile{}, fault.New(fault.NotFound, "", "web: no profile is called %q", name)
}

func (s *Site) profileEdit(v *visit) error {
	p, err := s.profileNamed(v, account.Profile(v.r.URL.Query().Get("name")))
	if err != nil {
		return err
	}
	return s.profileForm(v, http.StatusOK, profileDraft{p.Name, p.Name, p.May}, "", nil, nil)
}

func (s *Site) profileForm(v *visit, status int, d profileDraft, alert string, errs fieldErrors, ask *profileQuestion) error {
	page := profilePage{Was: d.was, Heading: v.words.T("profiles.new"), Alert: alert, Question: ask}
	reading, nameFixed := false, false
	if d.was != "" {
		p, err := s.profileNamed(v, d.was)
		if err != nil {
			return err
		}
		page.Heading, page.Users = v.words.profile(p.Name), p.Users
		switch {
		case p.Name == account.SuperAdmin:
			page.Fixed = v.words.T("profiles.super_admin_fixed")
		case p.Name == v.user.Profile:
			page.Fixed = v.words.T("profiles.own_fixed")
		case !v.user.MayGive(p.Name, p.May):
			page.Fixed = v.words.T("refusal." + string(account.BeyondOwn))
		}
		reading, nameFixed = page.Fixed != "", p.BuiltIn
		page.Deletes = !reading && !p.BuiltIn && p.Users == 0
	}
	page.Name = field{
		Name: "name", Label: v.words.T("profiles.name"), Value: string(d.name), Input: "text", Required: true, Max: 50,
		Reading: reading, Error: errs["name"],
	}
	page.NameFixed = nameFixed
	for _, a := range accesses {
		records := profileRecords{Kind: a.name, Error: errs[a.name]}
		access := a.at(&d.may)
		for _, r := range reaches {
			records.Fields = append(records.Fields, v.reachField(a.name, r.name, *r.at(access), reading))
		}
		create := field{Name: a.name + "_create", Label: v.words.T("profiles.create_" + a.name), Input: "checkbox", Reading: reading}
		if access.Create {
			create.Value = "true"
		}
		records.Fields = append(records.Fields, create)
		page.Records = append(page.Records, records)
	}
	for _, sw := range switches {
		f := field{
			Name: sw.name, Label: v.words.T("profiles." + sw.name), Hint: v.words.T("profiles." + sw.name + "_hint"), Input: "checkbox",
			Reading: reading, Error: errs[sw.name],
		}
		if *sw.at(&d.may) {
			f.Value = "true"
		}
		page.Switches = append(page.Switches, f)
	}
	page.Frame = s.frame(v, "setup", page.Heading)
	return s.render(v, status, "profile", page)
}

func (v *visit) reachField(kind, deed string, reach record.Reach, reading bool) field {
	f := field{Name: kind + "_" + deed, Label: v.words.T("profiles." + deed), Input: "select", Reading: reading}
	for _, r := range []record.Reach{record.Nobodys, record.Own, record.Anyones} {
		f.Options = append(f.Options, option{string(r), v.words.T("profiles.reach." + reachKey(r)), r == reach})
	}
	return f
}

// readProfile reads the editor. What was never a choice of it, Check refuses.
func readProfile(form url.Values) (d profileDraft) {
	last := func(name string) string { // a checkbox follows a hidden "false"
		values := form[name]
		if len(values) == 0 {
			return ""
		}
		return values[len(values)-1]
	}
	d.was, d.name = account.Profile(form.Get("was")), account.Profile(strings.TrimSpace(form.Get("name")))
	for _, a := range accesses {
		access := a.at(&d.may)
		for _, r := range reaches {
			*r.at(access) = record.Reach(last(a.name + "_" + r.name))
		}
		access.Create = last(a.name+"_create") == "true"
	}
	for _, sw := range switches {
		*sw.at(&d.may) = last(sw.name) == "true"
	}
	return d
}

func (s *Site) profileSave(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	d := readProfile(form)
	if err := d.may.Check(); err != nil {
		return s.profileWrong(v, d, err)
	}
	if d.was != "" && form.Get("answer") != d.answer() {
		ask, err := s.profileQuestion(v, d)
		if err != nil {
			return err
		}
		if ask != nil {
			return s.profileForm(v, http.StatusOK, d, "", nil, ask)
		}
	}
	if s.pages.namesBuiltIn(d) {
		return s.profileWrong(v, d, fault.New(fault.Conflict, account.ProfileTaken, "web: %q is what a built-in profile is called", d.name))
	}
	if err := s.Registry.SaveProfile(v.ctx(), v.user, d.was, d.name, d.may); err != nil {
		return s.profileWrong(v, d, err)
	}
	s.putFlash(v.ctx(), flash{Key: "flash.profile_saved", Name: v.words.profile(d.name)})
	return v.to(profilesPath)
}

// namesBuiltIn reports whether a draft would be called as a built-in profile is in one of our languages: there, two would look the
// same.
func (p *pages) namesBuiltIn(d profileDraft) bool {
	if d.was == d.name {
		return false
	}
	for _, words := range p.words {
		for _, built := range account.BuiltIn {
			if strings.EqualFold(words.profile(built), string(d.name)) {
				return true
			}
		}
	}
	return false
}

// profileWrong shows the editor again, with what is wrong by the field that it concerns.
func (s *Site) profileWrong(v *visit, d profileDraft, err error) error {
	if text, status, ok := v.refused(err); ok {
		if fault.ReasonOf(err) == account.ProfileTaken {
			return s.profileForm(v, status, d, "", fieldErrors{"name": text}, nil)
		}
		return s.profileForm(v, status, d, text, nil, nil)
	}
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid {
		return err
	}
	errs := fieldErrors{}
	switch f.Field {
	case "contacts", "events":
		errs[f.Field] = v.words.T("profiles.more_than_seen")
	case "sync_contacts", "sync_events":
		errs[map[string]string{"sync_contacts": "sync_contacts", "sync_events": "sync_calendar"}[f.Field]] = v.words.T("profiles.sync_needs")
	default:
		errs["name"] = v.words.T("profiles.name_wrong")
	}
	return s.profileForm(v, http.StatusUnprocessableEntity, d, "", errs, nil)
}

// profileQuestion finds whom a change of a profile concerns; nil: nobody.
func (s *Site) profileQuestion(v *visit, d profileDraft) (*profileQuestion, error) {
	old, err := s.profileNamed(v, d.was)
	if err != nil || old.Users == 0 || old.May == d.may {
		return nil, err
	}
	people, err := s.Accounts.People(v.ctx(), v.user.Org, account.PeopleQuery{})
	if err != nil {
		return nil, err
	}
	var ids []record.ID
	for _, u := range people {
		if u.Profile == d.was && u.State != account.Requested {
			ids = append(ids, u.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	ask := &profileQuestion{Users: len(ids), Answer: d.answer()}
	ask.Pausing, ask.Going, err = s.syncsMoved(v.ctx(), v.user.Org, ids, old.May, d.may)
	return ask, err
}

// syncsMoved counts the syncs of users that pause, or may run again, when their permissions change.
func (s *Site) syncsMoved(ctx context.Context, org record.ID, ids []record.ID, old, may account.Permissions) (pausing, going int, err error) {
	syncs, err := s.Accounts.Syncs(ctx, org, ids)
	for _, of := range syncs {
		for kind, state := range of {
			switch {
			case old.Sync(kind) && !may.Sync(kind) && (state == "on" || state == "held"):
				pausing++
			case !old.Sync(kind) && may.Sync(kind) && state == "paused":
				going++
			}
		}
	}
	return pausing, going, err
}

func (s *Site) profileDelete(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p, err := s.profileNamed(v, account.Profile(form.Get("name")))
	if err != nil {
		return err
	}
	if err := s.Registry.DeleteProfile(v.ctx(), v.user, p.Name); err != nil {
		return s.profileWrong(v, profileDraft{p.Name, p.Name, p.May}, err)
	}
	s.putFlash(v.ctx(), flash{Key: "flash.profile_deleted", Name: string(p.Name)})
	return v.to(profilesPath)
}
