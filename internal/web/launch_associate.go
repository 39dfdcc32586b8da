package web

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// associatePath is where a Microsoft person is tied to an account that exists already (S6).
const associatePath = launchPath + "/associate"

// tiePath is where somebody who is signed in begins to associate the account with a Microsoft person.
const tiePath = launchPath + "?tie=yes"

// provenLife is how long shown credentials count for tying an account: the time to read one page.
const provenLife = 10 * time.Minute

// associateForm asks for the credentials of the account, and then whether all is as meant.
type associateForm struct {
	Frame    frame
	Username string // at Microsoft
	Warning  string
	Email    field
	Password field
	Passkey  passkeyButton
	Confirm  string   // what will be from now on; "" as long as nothing is proven
	As       string   // whom and what that says; the form brings it back
	Notes    []string // what else changes
}

// associatePage asks for the credentials, or, once they were shown, whether to go on (S11: it says so before).
func (s *Site) associatePage(v *visit) error {
	c, ok := s.caller(v)
	if !ok {
		return v.to(launchPath)
	}
	d, err := s.doorway(v, c)
	if err != nil {
		return err
	}
	if d.open() {
		return v.to(launchPath) // and in
	}
	if v.r.URL.Query().Get("again") == "" && c.proved(v.now) {
		return s.associateConfirm(v, c, d, http.StatusOK, "")
	}
	return s.associateAsk(v, c, http.StatusOK, "", "")
}

func (s *Site) associateAsk(v *visit, c caller, status int, email, warning string) error {
	page := associateForm{
		Username: c.Username, Warning: warning,
		Email:    field{Name: "email", Label: v.words.T("associate.email"), Value: email, Input: "email", Auto: "username", Required: true},
		Password: field{Name: "password", Label: v.words.T("associate.password"), Input: "password", Auto: "current-password", Required: true},
	}
	page.Passkey = s.passkeyButton(v, passkeyButton{
		Label: v.words.T("own.passkey_associate"), Options: "/signin/passkey/options", Finish: associatePath + "/passkey", Form: "associate-form",
	})
	page.Frame = s.frame(v, "", v.words.T("associate.title"))
	page.Frame.Path = associatePath
	return s.render(v, status, "launch_associate", page)
}

// proved reports whether the credentials of an account were shown just now.
func (c caller) proved(now time.Time) bool {
	return c.Proven != (accountRef{}) && now.Before(c.ProvenUntil)
}

// associateConfirm says what is going to be.
func (s *Site) associateConfirm(v *visit, c caller, d doorway, status int, warning string) error {
	u, err := s.Accounts.User(v.ctx(), c.Proven.Org, c.Proven.User)
	if err != nil {
		return err
	}
	org, err := s.Accounts.Organization(v.ctx(), u.Org)
	if err != nil {
		return err
	}
	page := associateForm{Username: c.Username, Warning: warning, As: c.mark(c.Proven), Confirm: v.words.T("associate.confirm", "Username", c.Username, "Email", u.Email, "Org", org.Name)}
	switch {
	case d.Door == account.Welcome && d.User.Identity == c.Identity:
		page.Notes = append(page.Notes, v.words.T("associate.lapses", "Org", d.Org.Name))
	case d.Door == account.Welcome:
		page.Notes = append(page.Notes, v.words.T("associate.unused", "Org", d.Org.Name))
	case d.Door == account.Waiting:
		page.Notes = append(page.Notes, v.words.T("associate.request_lapses", "Org", d.Org.Name))
	}
	page.Notes = append(page.Notes, v.words.T("associate.undo"))
	page.Frame = s.frame(v, "", v.words.T("associate.title"))
	page.Frame.Path = associatePath
	return s.render(v, status, "launch_associate", page)
}

// associateProve takes the credentials of the account.
func (s *Site) associateProve(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c, ok := s.caller(v)
	if !ok {
		return v.to(launchPath)
	}
	email := strings.TrimSpace(form.Get("email"))
	u, err := s.Registry.SignIn(v.ctx(), email, form.Get("password"), s.place(v.r))
	if err != nil {
		return s.associateFailed(v, c, email, err)
	}
	return s.proven(v, c, u)
}

// proven goes on with associating after whoever is at the accounts page has shown an account's own credentials, by a
// password or otherwise.
func (s *Site) proven(v *visit, c caller, u account.User) error {
	if err := s.prove(v, c, u); err != nil {
		return s.associateFailed(v, c, u.Email, err)
	}
	return v.to(associatePath)
}

// prove notes that an account's credentials were shown. Conflict with HasIdentity: they do not help.
func (s *Site) prove(v *visit, c caller, u account.User) error {
	if !u.Identity.IsZero() && u.Identity != c.Identity {
		return fault.New(fault.Conflict, account.HasIdentity, "web: user %d is tied to another Microsoft person", u.ID)
	}
	proof, err := s.Registry.Prove(v.ctx(), u)
	if err != nil {
		return err
	}
	c.Proven, c.ProvenUntil, c.Proof = accountRef{u.Org, u.ID}, v.now.Add(provenLife), proof
	s.receive(v, c)
	return nil
}

// associateByPasskey is associateProve with a passkey.
func (s *Site) associateByPasskey(v *visit) (any, error) {
	c, ok := s.caller(v)
	if !ok {
		return onward{launchPath}, nil
	}
	u, _, err := s.passkeyUser(v)
	if err == nil {
		err = s.prove(v, c, u)
	}
	if err != nil {
		return nil, err
	}
	return onward{associatePath}, nil
}

// associateFailed asks again, with the reason.
func (s *Site) associateFailed(v *visit, c caller, email string, err error) error {
	text, status, known := v.refused(err)
	if !known {
		return err
	}
	if fault.ReasonOf(err) == account.WrongPassword {
		status = http.StatusUnprocessableEntity
	}
	s.Logger.Info("web: not associated", "reason", fault.ReasonOf(err), "err", err)
	return s.associateAsk(v, c, status, email, text)
}

// associate ties the Microsoft person to the account whose credentials were shown, and opens it.
func (s *Site) associate(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c, ok := s.caller(v)
	if !ok {
		return v.to(launchPath)
	}
	if !c.proved(v.now) {
		return v.to(associatePath)
	}
	if form.Get("as") != c.mark(c.Proven) { // another tab has shown other credentials, or brought somebody else
		d, err := s.doorway(v, c)
		if err != nil {
			return err
		}
		if d.open() {
			return v.to(launchPath)
		}
		return s.associateConfirm(v, c, d, http.StatusConflict, v.words.T("launch.changed"))
	}
	u, err := s.Registry.Associate(v.ctx(), c.Arrival, c.Proven.Org, c.Proven.User, c.Proof)
	if err != nil {
		c.Proven, c.ProvenUntil, c.Proof = accountRef{}, time.Time{}, ""
		s.receive(v, c)
		if fault.ReasonOf(err) == account.IdentityTaken {
			return v.to(launchPath) // the account that it opens is there
		}
		return s.associateFailed(v, c, "", err)
	}
	if err := s.admit(v, u, c); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "flash.associated"})
	return v.to(c.Next)
}
