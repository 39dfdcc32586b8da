package web

import (
	"net/http"
	"slices"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// accountPage is a person's own account: the ways to sign in, and where one is signed in.
type accountPage struct {
	Frame     frame
	Email     string
	Spare     bool // more than one way to sign in, so that each can be removed
	Microsoft bool
	Tenant    string // of Microsoft: the organization's name; "": another organization's, whose name is not known here
	Password  bool
	Current   field
	New       field
	Passkeys  []ownPasskey
	KeyName   field
	Add       passkeyButton
	Sessions  []ownSession
	Others    bool // signed in elsewhere too
}

type ownPasskey struct{ ID, Name, Created, Used string }

type ownSession struct {
	ID, Browser, Place, Since, Seen string
	Here                            bool
}

func (s *Site) ownAccount(v *visit) error { return s.accountForm(v, http.StatusOK, "", "") }

// accountForm shows the account; wrong sentences stand by the present and the new password.
func (s *Site) accountForm(v *visit, status int, wrongCurrent, wrongNew string) error {
	page := accountPage{
		Email: v.user.Email, Microsoft: !v.user.Identity.IsZero(),
		Current: v.secret("current", v.words.T("own.current_password"), "current-password", "", wrongCurrent), New: v.newSecret(wrongNew),
		KeyName: field{Name: "name", Label: v.words.T("own.passkey_name"), Hint: v.words.T("own.passkey_name_hint"), Input: "text"},
		Add: s.passkeyButton(v, passkeyButton{
			Label: v.words.T("own.passkey_add"), Options: accountPath + "/passkeys/options", Finish: accountPath + "/passkeys", Form: "passkey-form", Create: true,
		}),
	}
	if v.user.Identity.TenantID == v.org.TenantID {
		page.Tenant = v.org.Name
	}
	_, err := s.Accounts.Password(v.ctx(), v.user.Org, v.user.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	page.Password = err == nil
	keys, err := s.Accounts.Passkeys(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		page.Passkeys = append(page.Passkeys, ownPasskey{k.ID, k.Name, v.words.Day(k.Created.In(v.zone)), v.words.Ago(k.LastUsed, v.now, v.zone)})
	}
	page.Spare = len(slices.DeleteFunc([]bool{page.Microsoft, page.Password}, func(has bool) bool { return !has }))+len(keys) > 1
	if err := s.fillSessions(v, &page); err != nil {
		return err
	}
	page.Frame = s.frame(v, "setup", v.words.T("own.title"))
	page.Frame.Path = accountPath
	return s.render(v, status, "account", page)
}

func (s *Site) fillSessions(v *visit, page *accountPage) error {
	all, err := s.Accounts.Sessions(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return err
	}
	here := s.sessions.GetString(v.ctx(), keySession)
	for _, n := range all {
		if n.ID != here && (v.now.Sub(n.Seen) > sessionIdle+seenEvery || v.now.Sub(n.Created) > sessionLife) {
			continue // its cookie opens nothing any more
		}
		page.Sessions = append(page.Sessions, ownSession{
			ID: n.ID, Browser: v.words.browser(n.Agent), Place: n.Address, Here: n.ID == here,
			Since: v.words.Moment(n.Created.In(v.zone)), Seen: v.words.Ago(n.Seen, v.now, v.zone),
		})
		page.Others = page.Others || n.ID != here
	}
	slices.SortStableFunc(page.Sessions, func(a, b ownSession) int {
		switch {
		case a.Here == b.Here:
			return 0
		case a.Here:
			return -1
		}
		return 1
	})
	return nil
}

// settled goes back to the account, which says what was done, or why it was refused.
func (s *Site) settled(v *visit, done string, err error) error {
	f := flash{Key: done}
	if err != nil {
		key, ok := refusalKey(fault.ReasonOf(err))
		if !ok {
			return err
		}
		f = flash{Key: key, Bad: true}
	}
	s.putFlash(v.ctx(), f)
	return v.to(accountPath)
}

// fresh is how long after signing in somebody may change by what they sign in, and end other sessions: whoever finds a browser open,
// or steals its session, is not to make a door of their own, nor to throw out whoever it belongs to.
const fresh = 15 * time.Minute

// reasonSignInAgain is told whoever signed in longer ago than that.
const reasonSignInAgain fault.Reason = "sign_in_again"

func (s *Site) signedInJustNow(v *visit) error {
	if began := time.Unix(s.sessions.GetInt64(v.ctx(), keyBegan), 0); v.now.Sub(began) > fresh {
		return fault.New(fault.Denied, reasonSignInAgain, "web: signed in %s ago", v.now.Sub(began).Round(time.Minute))
	}
	return nil
}

// untie takes the Microsoft person off the account: the undo of associating (S6).
func (s *Site) untie(v *visit) error {
	if err := s.signedInJustNow(v); err != nil {
		return s.settled(v, "", err)
	}
	return s.settled(v, "own.flash.untied", s.Registry.Dissociate(v.ctx(), v.user))
}

func (s *Site) changePassword(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	// Whoever has a password proves to know it; the first one is a new door.
	if _, err := s.Accounts.Password(v.ctx(), v.user.Org, v.user.ID); fault.Is(err, fault.NotFound) {
		if err := s.signedInJustNow(v); err != nil {
			return s.settled(v, "", err)
		}
	} else if err != nil {
		return err
	}
	here := s.sessions.GetString(v.ctx(), keySession)
	err = s.Registry.SetPassword(v.ctx(), v.user, form.Get("current"), form.Get("password"), here, s.place(v.r))
	if err == nil {
		// Other browsers are out by now; the key of this one changes too, lest somebody has it.
		if err := s.sessions.RenewToken(v.ctx()); err != nil {
			return err
		}
		return s.settled(v, "own.flash.password", nil)
	}
	text, status, ok := v.refused(err)
	switch reason := fault.ReasonOf(err); {
	case !ok:
		return err
	case reason == account.WrongPassword:
		return s.accountForm(v, status, v.words.T("own.wrong_current"), "")
	case slices.Contains(aboutPassword, reason):
		return s.accountForm(v, status, "", text)
	}
	return s.accountForm(v, status, text, "")
}

func (s *Site) removePassword(v *visit) error {
	if err := s.signedInJustNow(v); err != nil {
		return s.settled(v, "", err)
	}
	return s.settled(v, "own.flash.password_removed", s.Registry.RemovePassword(v.ctx(), v.user))
}

func (s *Site) newPasskeyOptions(v *visit) (any, error) {
	if err := s.signedInJustNow(v); err != nil {
		return nil, err
	}
	keys, err := s.Accounts.Passkeys(v.ctx(), v.user.Org, v.user.ID)
	if err != nil {
		return nil, err
	}
	return s.beginPasskey(v, toAdd, v.user, keys)
}

func (s *Site) newPasskey(v *visit) (any, error) {
	data, err := s.takeChallenge(v, toAdd)
	if err != nil {
		return nil, err
	}
	var sent answered
	if err := v.said(&sent); err != nil {
		return nil, err
	}
	k, err := s.finishPasskey(v, data, sent.Credential, sent.Fields["name"])
	if err != nil {
		return nil, err
	}
	if err := s.Registry.AddPasskey(v.ctx(), v.user, k); err != nil {
		return nil, passkeyTaken(err)
	}
	s.putFlash(v.ctx(), flash{Key: "own.flash.passkey", Name: k.Name})
	return onward{accountPath + "#passkeys"}, nil
}

func (s *Site) removePasskey(v *visit) error {
	if err := s.signedInJustNow(v); err != nil {
		return s.settled(v, "", err)
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	return s.settled(v, "own.flash.passkey_removed", s.Registry.RemovePasskey(v.ctx(), v.user, form.Get("passkey")))
}

func (s *Site) endOneSession(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id := form.Get("session")
	if id == s.sessions.GetString(v.ctx(), keySession) {
		return s.signOut(v)
	}
	if err := s.signedInJustNow(v); err != nil {
		return s.settled(v, "", err)
	}
	return s.settled(v, "own.flash.session", s.Accounts.EndSession(v.ctx(), v.user.Org, v.user.ID, id))
}

func (s *Site) endOtherSessions(v *visit) error {
	if err := s.signedInJustNow(v); err != nil {
		return s.settled(v, "", err)
	}
	here := s.sessions.GetString(v.ctx(), keySession)
	return s.settled(v, "own.flash.others", s.Registry.EndSessions(v.ctx(), v.user, here))
}

func (s *Site) endAllSessions(v *visit) error {
	if err := s.signedInJustNow(v); err != nil {
		return s.settled(v, "", err)
	}
	if err := s.Registry.EndSessions(v.ctx(), v.user, ""); err != nil {
		return err
	}
	return s.signOut(v)
}
