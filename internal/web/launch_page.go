package web

import (
	"net/http"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// launchPage is the accounts page: who came, what they stand before, and what they can do about it.
type launchPage struct {
	Frame   frame
	Door    account.Door
	Mark    string // of the door, and
	As      string // of the person: forms bring both back
	Text    string
	Notes   []string // what else is worth knowing before going on
	Warning string   // why nothing was done
	Terms   field    // the box to tick; without a name where nothing is to be accepted

	Name, Username, Tenant, Initials string

	Action  string // where the main button leads; "" where there is none
	Button  string
	Link    string // to send to whoever must act
	Alone   string // the words of the button that goes on without the invitation
	Asked   bool   // a request is open
	Joining bool   // Associate is offered
}

// showLaunch shows the accounts page, or lets in whom it has nothing to ask. missed is what the form lacked, warning says why
// what it asked for was not done.
func (s *Site) showLaunch(v *visit, c caller, status int, missed fault.Reason, warning string) error {
	d, err := s.doorway(v, c)
	if err != nil {
		return err
	}
	if d.open() {
		u, err := s.Registry.Enter(v.ctx(), c.Arrival)
		if err != nil {
			return err
		}
		if err := s.admit(v, u, c); err != nil {
			return err
		}
		return v.to(c.Next)
	}
	page := s.launchPage(v, c, d)
	if missed != "" {
		page.Terms.Error = v.words.T("refusal." + string(missed))
	}
	page.Warning = warning
	if status == http.StatusOK {
		status = launchStatus[d.Door]
	}
	return s.render(v, status, "launch", page)
}

// launchStatus is how a door is answered for.
var launchStatus = map[account.Door]int{
	account.Welcome: http.StatusOK, account.Waiting: http.StatusOK, account.MayAsk: http.StatusOK, account.MayInstall: http.StatusOK,
	account.NobodyYet: http.StatusOK, account.Inactive: http.StatusForbidden,
	doorOtherPerson: http.StatusForbidden, doorTaken: http.StatusConflict, doorOver: http.StatusGone,
}

func (s *Site) launchPage(v *visit, c caller, d doorway) launchPage {
	page := launchPage{Door: d.Door, Mark: d.mark(), As: c.mark(), Name: c.name(), Username: c.Username, Tenant: c.tenant(), Initials: initials(c.name()), Joining: true}
	org := d.Org.Name
	if d.Org.ID == 0 {
		org = page.Tenant
	}
	title, text := "launch."+string(d.Door)+".title", "launch."+string(d.Door)+".text"
	at := zoneOf(c.Zone, d.Org.Zone)
	switch d.Door {
	case account.MayInstall:
		page.Text = v.words.T(text, "Org", org)
		page.Action, page.Button = launchPath, v.words.T("launch.continue")
	case account.Welcome:
		if page.Text = v.words.T(text, "Org", org, "Profile", v.words.profile(d.User.Profile)); d.Inviter.ID != 0 {
			page.Text = v.words.T("launch.welcome.by", "Org", org, "Profile", v.words.profile(d.User.Profile), "Name", d.Inviter.Name())
		}
		if !c.has(d.User.Email) {
			page.Notes = append(page.Notes, v.words.T("launch.welcome.differs", "Email", d.User.Email, "Username", c.Username))
		}
		switch d.Lapses.Door {
		case account.Waiting:
			page.Notes = append(page.Notes, v.words.T("associate.request_lapses", "Org", d.Lapses.Org.Name))
		case account.Welcome:
			page.Notes = append(page.Notes, v.words.T("associate.lapses", "Org", d.Lapses.Org.Name))
		}
		page.Action, page.Button = launchPath, v.words.T("launch.continue")
	case account.MayAsk:
		page.Text = v.words.T(text, "Org", org)
		if d.Request.State == account.RequestDeclined {
			page.Notes = append(page.Notes, v.words.T("launch.declined", "Day", v.words.Day(d.Request.Decided.In(at))))
			if d.Request.Word != "" {
				page.Notes = append(page.Notes, v.words.T("launch.declined_word", "Word", d.Request.Word))
			}
		}
		page.Action, page.Button = launchPath+"/request", v.words.T("launch.request")
	case account.Waiting:
		if !s.Settings.Mail {
			text = "launch.waiting.no_mail"
		}
		page.Text = v.words.T(text, "Org", org, "Asked", v.words.Moment(d.Request.Asked.In(at)), "Told", v.words.Moment(d.Request.Told.In(at)))
		page.Asked = true
		page.Action, page.Button = launchPath+"/request", v.words.T("launch.request_again")
	case account.NobodyYet:
		page.Link = s.Settings.URL + launchPath
		switch {
		case c.Guest:
			text = "launch.nobody_yet.guest"
		case c.RolesUnread:
			page.Notes = append(page.Notes, v.words.T("launch.nobody_yet.unread"))
		}
		page.Text = v.words.T(text, "Org", org)
	case account.Inactive:
		title, page.Text, page.Joining = "problem.deactivated.title", v.words.T("problem.deactivated.text"), false
	case doorOtherPerson:
		page.Text, page.Joining = v.words.T(text, "Email", d.Invitee.Email, "Username", c.Username), false
		page.Alone = v.words.T("launch.alone")
	case doorTaken:
		page.Text, page.Joining = v.words.T(text, "Email", d.User.Email, "Org", org), false
		page.Alone = v.words.T("launch.enter", "Org", org)
	case doorOver:
		page.Text, page.Joining = v.words.T("refusal."+string(d.Why)), false
		page.Alone = v.words.T("launch.alone")
	}
	if d.Door == account.MayInstall || d.Door == account.Welcome || d.Door == account.MayAsk {
		page.Terms = field{Name: "terms", Label: v.words.T("launch.terms"), Required: true}
	}
	if v.signedIn() && v.user.Identity != c.Identity {
		page.Notes = append(page.Notes, v.words.T("launch.signed_in", "Name", v.user.Name(), "Org", v.org.Name))
	}
	page.Frame = s.frame(v, "", v.words.T(title, "Org", org))
	page.Frame.Path = launchPath
	return page
}

// userOrNobody finds a user; nobody, where there is none.
func (s *Site) userOrNobody(v *visit, org, id record.ID) account.User {
	if id == 0 {
		return account.User{}
	}
	u, err := s.Accounts.User(v.ctx(), org, id)
	if err != nil {
		s.Logger.Warn("web: a user cannot be named", "org", org, "user", id, "err", err)
		return account.User{}
	}
	return u
}

func userIDs(users ...account.User) (ids []record.ID) {
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	return ids
}
