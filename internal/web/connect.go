package web

import (
	"slices"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// marketplacePath is where sync is switched on and off.
const marketplacePath = "/setup/marketplace/microsoft"

// connect sends a person to Microsoft to allow what a kind of sync needs. It is entered from a page, or without a
// session by a ticket from the API; either way it is settled at Microsoft who comes back.
func (s *Site) connect(v *visit) error {
	query := v.r.URL.Query()
	var tk ticket
	switch {
	case query.Get("ticket") != "":
		var err error
		if tk, err = s.tickets.open(query.Get("ticket")); err != nil {
			s.showProblem(v, problemTicket, "")
			return nil
		}
	case v.signedIn() && query.Get("for") == "directory":
		if !v.user.May.ManageUsers {
			return fault.New(fault.Denied, "", "web: the profile does not manage users")
		}
		tk = ticket{Org: v.user.Org, User: v.user.ID, Directory: true}
	case v.signedIn():
		kind, err := kindOf(query.Get("kind"))
		if err != nil {
			return err
		}
		tk = ticket{Org: v.user.Org, User: v.user.ID, Kind: kind, Preview: query.Get("preview") != "", Choose: query.Get("choose") != ""}
		tk.Reconnect = !tk.Preview && !tk.Choose // anybody can have somebody follow such an address
	default:
		s.leadToSignIn(v, member)
		return nil
	}
	u, err := s.Accounts.User(v.ctx(), tk.Org, tk.User)
	if err != nil {
		return err
	}
	scopes := union(signInScopes, tk.scopes())
	// A new grant takes the old one's place, so it asks again for what the old one had.
	if g, err := s.Grants.Grant(v.ctx(), u.Org, u.ID); err == nil {
		for _, had := range [][]string{kindScopes[record.Calendar], kindScopes[record.Contacts], directoryScopes} {
			if subset(had, g.Scopes) {
				scopes = union(scopes, had)
			}
		}
	}
	return s.setOut(v, flow{Scopes: scopes, Hint: u.Email, Connect: &tk})
}

// scopes are what a ticket is for.
func (tk ticket) scopes() []string {
	if tk.Directory {
		return directoryScopes
	}
	return kindScopes[tk.Kind]
}

// pathOf is where a ticket's consent begins again for whoever is signed in.
func (t Tickets) pathOf(tk ticket) string {
	path := "/connect/microsoft?kind=" + string(tk.Kind)
	switch {
	case tk.Directory:
		return "/connect/microsoft?for=directory"
	case tk.Preview:
		return path + "&preview=yes"
	case tk.Choose:
		return path + "&choose=yes"
	case tk.Reconnect:
		return path
	}
	return t.connectPath(tk.Org, tk.User, tk.Kind)
}

// connected ends a consent: whoever came back must be the user it was for, or a link that somebody else passed on
// would tie the wrong mailbox to an account.
func (s *Site) connected(v *visit, f flow, p person) error {
	tk := *f.Connect
	u, err := s.Accounts.User(v.ctx(), tk.Org, tk.User)
	if err != nil {
		return err
	}
	switch {
	case u.Identity.IsZero():
		return s.signInFailed(v, f, problemNotTied, nil)
	case u.Identity != p.Identity:
		s.Logger.Warn("web: somebody else came back from a consent", "org", u.Org, "user", u.ID)
		return s.signInFailed(v, f, problemOtherPerson, nil)
	case u.State != account.Active:
		return s.signInFailed(v, f, problemDeactivated, nil)
	case !p.allows(tk.scopes()) || p.token.RefreshToken == "":
		return s.signInFailed(v, f, problemPartly, nil)
	}
	if err := s.saveGrant(v, u, p); err != nil {
		return err
	}
	if err := s.signIn(v, u); err != nil {
		return err
	}
	if tk.Directory {
		if err := s.resume(v, u, p); err != nil {
			return err
		}
		return v.to(directoryPath)
	}
	if tk.Choose {
		if err := s.resume(v, u, p); err != nil {
			return err
		}
		return v.to(marketplacePath + "/" + string(tk.Kind) + "/options")
	}
	if tk.Reconnect {
		if err := s.resume(v, u, p); err != nil {
			return err
		}
		return v.to(marketplacePath)
	}
	inOwn, err := s.beginsInOwn(v, u, tk.Kind)
	if err != nil {
		return err
	}
	if tk.Preview || inOwn {
		if err := s.resume(v, u, p); err != nil {
			return err
		}
		return s.showFirst(v, u, tk.Kind)
	}
	if err := s.resume(v, u, p, tk.Kind); err != nil {
		return err
	}
	return v.to(marketplacePath)
}

// beginsInOwn reports whether a sync that is not on yet would live in a calendar that the person has already. What that would
// do is always shown before it is switched on.
func (s *Site) beginsInOwn(v *visit, u account.User, kind record.Kind) (bool, error) {
	if kind != record.Calendar {
		return false, nil
	}
	links, err := s.Links.LinksOf(v.ctx(), u.Org, u.ID)
	if err != nil || slices.ContainsFunc(links, func(l reconcile.Link) bool { return l.Kind == kind }) {
		return false, err
	}
	begin, _, err := reconcile.SettingsFor(v.ctx(), s.Choices, u.Org, u.ID, kind)
	return begin.Calendar != "", err
}

// showFirst leads to what would happen if a kind were switched on, once Microsoft lets us look.
func (s *Site) showFirst(v *visit, u account.User, kind record.Kind) error {
	links, err := s.Links.LinksOf(v.ctx(), u.Org, u.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(links, func(l reconcile.Link) bool { return l.Kind == kind }) {
		return v.to(marketplacePath) // it is on, or goes on
	}
	if err := s.Switch.Allowed(v.ctx(), u, kind); fault.Is(err, fault.Denied) && needsMicrosoft(fault.ReasonOf(err)) {
		return v.to("/connect/microsoft?kind=" + string(kind) + "&preview=yes")
	} else if fault.Is(err, fault.Denied) && fault.ReasonOf(err) != "" {
		s.putFlash(v.ctx(), refusal(fault.ReasonOf(err)))
		return v.to(marketplacePath)
	} else if err != nil {
		return err
	}
	id, err := s.Previews.Begin(v.ctx(), u, kind, nil, reconcile.Beginning, reconcile.Settings{})
	if err != nil {
		return err
	}
	return v.to(previewPath(kind, id))
}

// directoryPath is where people of the directory are invited.
const directoryPath = "/setup/users/directory"

// resume switches on what the person asked for, and lets go on what had paused for want of this very grant.
func (s *Site) resume(v *visit, u account.User, p person, wanted ...record.Kind) error {
	links, err := s.Links.LinksOf(v.ctx(), u.Org, u.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		grantless := l.Reason == fault.ReconnectNeeded || l.Reason == fault.ConsentRequired || l.Reason == fault.CannotUnseal
		if !slices.Contains(wanted, l.Kind) && l.State == reconcile.Paused && grantless && p.allows(kindScopes[l.Kind]) {
			wanted = append(wanted, l.Kind)
		}
	}
	for _, k := range wanted {
		_, err := s.Switch.On(v.ctx(), u, k)
		switch {
		case fault.Is(err, fault.Conflict): // it is on already
		case fault.Is(err, fault.Denied), fault.Is(err, fault.Unavailable), fault.Is(err, fault.Throttled):
			s.Logger.Warn("web: connected, but not switched on", "org", u.Org, "user", u.ID, "kind", k, "err", err)
			f := flash{Key: "flash.not_enabled", Bad: true}
			if reason := fault.ReasonOf(err); reason != "" {
				f = refusal(reason)
			}
			s.putFlash(v.ctx(), f)
		case err != nil:
			return err
		default:
			s.putFlash(v.ctx(), flash{Key: "flash.enabled_" + string(k)})
		}
	}
	return nil
}

// kindOf reads the name of a kind of sync.
func kindOf(text string) (record.Kind, error) {
	kind := record.Kind(text)
	if _, ok := kindScopes[kind]; !ok {
		return "", fault.New(fault.NotFound, "", "web: no kind of sync is called %q", text)
	}
	return kind, nil
}

// union is all of several lists, each once and where it first stood.
func union(lists ...[]string) (all []string) {
	for _, one := range slices.Concat(lists...) {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}
