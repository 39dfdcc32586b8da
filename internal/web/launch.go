package web

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/zone"
)

// launchPath is the accounts page, between Microsoft 365 and Tandem.
const launchPath = "/launch/microsoft365"

// launchRoutes are the ways in from Microsoft 365: the accounts page, and what an administrator allows for everybody.
func (s *Site) launchRoutes() []route {
	return []route{
		{"GET " + launchPath, anyone, s.launch},
		{"POST " + launchPath, anyone, s.launchContinue},
		{"GET " + tabPath, anyone, s.tab},
		{"POST " + launchPath + "/request", anyone, s.launchAsk},
		{"POST " + launchPath + "/alone", anyone, s.launchAlone},
		{"POST " + launchPath + "/other", anyone, s.launchOther},
		{"GET " + associatePath, anyone, s.associatePage},
		{"POST " + associatePath, anyone, s.associateProve},
		{"POST " + associatePath + "/passkey", anyone, s.scriptly(s.associateByPasskey)},
		{"POST " + associatePath + "/confirm", anyone, s.associate},
		{"GET /terms", anyone, s.terms},
		{"GET " + consentPath, manager, s.consentPage},
		{"POST " + consentPath, manager, s.consentStart},
	}
}

// The doors of an invitation's link, beside those of account.Door.
const (
	doorOtherPerson account.Door = "other_person" // it is made out to another Microsoft person
	doorTaken       account.Door = "taken"        // this Microsoft person opens another account
	doorOver        account.Door = "over"         // the link opens nothing any more
)

// doorway is what somebody at the accounts page stands before.
type doorway struct {
	account.Standing
	Why fault.Reason // of doorOver
	// Invitee is who was invited by the link that brought the person here.
	Invitee account.User
	// Lapses is what the person asked for, or was offered, elsewhere, and what ends with taking up the invitation.
	Lapses account.Standing
}

// mark is the door as forms bring it back: with the one who is invited, as there may be another invitation by then.
func (d doorway) mark() string {
	if d.Door == account.Welcome {
		return string(d.Door) + " " + d.User.ID.String()
	}
	return string(d.Door)
}

// open reports whether the person goes in without a question.
func (d doorway) open() bool { return d.Door == account.Known || d.Door == account.SameMail }

// doorway finds out where the caller stands. An invitation's link comes before what would be without it.
func (s *Site) doorway(v *visit, c caller) (d doorway, err error) {
	if d.Standing, err = s.Registry.Standing(v.ctx(), c.Arrival); err != nil {
		return d, err
	}
	if c.Pass == 0 {
		if d.Door == account.Welcome {
			d.Inviter = s.inviterOf(v, d.User)
		}
		return d, nil
	}
	pass, invited, err := s.Registry.PassOf(v.ctx(), c.Pass, account.Invitation)
	d.Invitee = invited
	switch {
	case invited.ID != 0 && invited.ID == d.User.ID && d.open():
		return d, nil // accepted in another tab
	case fault.Is(err, fault.Gone):
		d.Door, d.Why = doorOver, fault.ReasonOf(err)
		return d, nil
	case fault.Is(err, fault.NotFound):
		d.Door, d.Why = doorOver, account.PassTakenBack
		return d, nil
	case err != nil:
		return d, err
	case !invited.Identity.IsZero() && invited.Identity != c.Identity:
		d.Door = doorOtherPerson
		return d, nil
	case d.User.Identity == c.Identity && (d.Door == account.Known || d.Door == account.Inactive),
		d.Door == account.SameMail && d.Org.ID == pass.Org:
		d.Door = doorTaken
		return d, nil
	}
	org, err := s.Accounts.Organization(v.ctx(), pass.Org)
	if err != nil {
		return d, err
	}
	if d.User.ID != invited.ID && d.User.Identity == c.Identity {
		d.Lapses = d.Standing
	}
	d.Standing = account.Standing{Door: account.Welcome, Org: org, User: invited, Inviter: s.userOrNobody(v, pass.Org, pass.By)}
	return d, nil
}

// launch is the accounts page. Who comes first goes to Microsoft and back, silently where somebody is signed in there.
func (s *Site) launch(v *visit) error {
	if v.signedIn() && v.r.URL.RequestURI() == tiePath {
		return s.toMicrosoft(v, flow{Prompt: "select_account", Tie: true, Next: accountPath})
	}
	hint := strings.TrimSpace(v.r.URL.Query().Get("login_hint"))
	c, ok := s.caller(v)
	if !ok || hint != "" && !strings.EqualFold(hint, c.Username) && !strings.EqualFold(hint, c.Email) {
		return s.toMicrosoft(v, flow{Hint: hint})
	}
	return s.showLaunch(v, c, http.StatusOK, "", "")
}

// toMicrosoft sends somebody to Microsoft who will come back to the accounts page.
func (s *Site) toMicrosoft(v *visit, f flow) error {
	if err := s.Registry.Limit(v.ctx(), account.MicrosoftSignIns, "", s.place(v.r)); err != nil {
		return err
	}
	f.Launch, f.Scopes, f.Next = true, signInScopes, ownPath(f.Next)
	return s.setOut(v, f)
}

// launchContinue makes the organization, or takes up the invitation, that the page offered (S2, S5, S10). Where the page is
// no longer true, it is shown again as it is now.
func (s *Site) launchContinue(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c, ok := s.caller(v)
	if !ok {
		return v.to(launchPath)
	}
	d, err := s.doorway(v, c)
	switch {
	case err != nil:
		return err
	case form.Get("as") != c.mark():
		return s.launchChanged(v, c)
	case form.Get("door") != d.mark() || d.Door != account.MayInstall && d.Door != account.Welcome:
		return v.to(launchPath)
	}
	if form.Get("terms") != "yes" {
		return s.showLaunch(v, c, http.StatusUnprocessableEntity, account.TermsMissing, "")
	}
	var u account.User
	next := c.Next
	said := flash{Key: "flash.joined", Name: d.Org.Name}
	if d.Door == account.MayInstall {
		o := s.newOrganization(v, c)
		u, err = s.Registry.Install(v.ctx(), c.Arrival, o)
		next, said = consentPath+"?first=yes", flash{Key: "flash.installed", Name: o.Name}
	} else {
		u, err = s.Registry.Accept(v.ctx(), c.Arrival, c.Pass)
	}
	if err != nil {
		return s.launchFailed(v, c, err)
	}
	if err := s.admit(v, u, c); err != nil {
		return err
	}
	s.putFlash(v.ctx(), said)
	return v.to(next)
}

// launchChanged shows what is there now to whoever pressed a button on a page of before: in another tab somebody else has come
// from Microsoft meanwhile, or the same person with another invitation.
func (s *Site) launchChanged(v *visit, c caller) error {
	return s.showLaunch(v, c, http.StatusConflict, "", v.words.T("launch.changed"))
}

// launchFailed looks again where somebody was faster, and says why where something is refused.
func (s *Site) launchFailed(v *visit, c caller, err error) error {
	reason := fault.ReasonOf(err)
	switch {
	case fault.Is(err, fault.Gone), fault.Is(err, fault.Conflict) && reason != account.AddressTaken:
		s.Logger.Info("web: the accounts page was no longer true", "err", err)
		return v.to(launchPath)
	case reason == "":
		return err
	}
	s.Logger.Info("web: refused at the accounts page", "err", err)
	text, status, known := v.refused(err)
	if !known {
		return err
	}
	return s.showLaunch(v, c, status, "", text)
}

// newOrganization is what an installation makes of what is known of the tenant.
func (s *Site) newOrganization(v *visit, c caller) account.Organization {
	o := account.Organization{Name: c.tenant(), Edition: s.Settings.Edition, Zone: c.Zone, Locale: c.Locale}
	if o.Edition == "" {
		o.Edition = account.Free
	}
	if o.Zone == "" {
		o.Zone = "UTC"
	}
	if o.Locale == "" {
		o.Locale = v.words.lang
	}
	return o
}

// launchAsk asks those who manage users of the tenant's organization to let the caller in (S12).
func (s *Site) launchAsk(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c, ok := s.caller(v)
	if !ok {
		return v.to(launchPath)
	}
	d, err := s.doorway(v, c)
	switch {
	case err != nil:
		return err
	case form.Get("as") != c.mark():
		return s.launchChanged(v, c)
	case d.Door == account.MayAsk && form.Get("terms") != "yes":
		return s.showLaunch(v, c, http.StatusUnprocessableEntity, account.TermsMissing, "")
	case d.Door == account.MayAsk || d.Door == account.Waiting:
		err = s.Registry.Limit(v.ctx(), account.Requests, c.TenantID+"/"+c.ObjectID, s.place(v.r))
		if err == nil {
			_, err = s.Registry.AskToJoin(v.ctx(), c.Arrival)
		}
	}
	if err != nil {
		return s.launchFailed(v, c, err)
	}
	return v.to(launchPath)
}

// launchAlone goes on as if the person had not come by an invitation's link.
func (s *Site) launchAlone(v *visit) error {
	if c, ok := s.caller(v); ok {
		c.Pass = 0
		s.receive(v, c)
	}
	return v.to(launchPath)
}

// launchOther lets the person choose another Microsoft account.
func (s *Site) launchOther(v *visit) error {
	c, _ := s.caller(v)
	s.forget(v)
	return s.toMicrosoft(v, flow{Prompt: "select_account", Next: c.Next, Pass: c.Pass})
}

// termsPage is what one agrees to.
type termsPage struct{ Frame frame }

func (s *Site) terms(v *visit) error {
	return s.render(v, http.StatusOK, "terms", termsPage{s.frame(v, "", v.words.T("terms.title"))})
}

// tenant is the name of the caller's tenant: the one it goes by, or else the domain of the user name.
func (c caller) tenant() string {
	if c.Tenant != "" {
		return c.Tenant
	}
	if _, domain, ok := strings.Cut(c.Username, "@"); ok && domain != "" {
		return domain
	}
	return c.TenantID
}

// name is what the caller is called.
func (c caller) name() string {
	return account.User{FirstName: c.FirstName, LastName: c.LastName, Email: c.Username}.Name()
}

// has reports whether an address is one of the caller's.
func (c caller) has(address string) bool {
	return strings.EqualFold(address, c.Email) || strings.EqualFold(address, c.Username)
}

// inviterOf is who invited somebody last; nobody, where that is not known.
func (s *Site) inviterOf(v *visit, invited account.User) account.User {
	letters, err := s.Accounts.Letters(v.ctx(), invited.Org, userIDs(invited))
	if err != nil {
		s.Logger.Warn("web: the inviter cannot be named", "org", invited.Org, "user", invited.ID, "err", err)
	}
	return s.userOrNobody(v, invited.Org, letters[invited.ID].By)
}

// zoneOf is the first of the time zones that is one.
func zoneOf(names ...string) *time.Location {
	for _, name := range names {
		if loc, ok := zone.Load(name); ok {
			return loc
		}
	}
	return time.UTC
}
