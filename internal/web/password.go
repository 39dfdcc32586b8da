package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// signInPage is where people without a session arrive.
type signInPage struct {
	Frame    frame
	Start    string // the way to Microsoft
	Next     string
	Email    field
	Password field
	Error    string
	Changed  bool // a new password was set just now
	Passkey  passkeyButton
}

func (s *Site) signInPage(v *visit) error {
	next := ownPath(v.r.URL.Query().Get("next"))
	if v.signedIn() {
		return v.to(next)
	}
	return s.signInForm(v, http.StatusOK, next, "", "")
}

// signInForm shows the sign-in page, after a refusal with the address that was typed.
func (s *Site) signInForm(v *visit, status int, next, email, wrong string) error {
	page := signInPage{
		Frame: s.frame(v, "", v.words.T("signin.title")), Start: "/signin/microsoft", Next: next, Error: wrong,
		Email:    field{Name: "email", Label: v.words.T("own.email"), Value: email, Input: "email", Required: true, Auto: "username"},
		Password: v.secret("password", v.words.T("own.password"), "current-password", "", ""),
		Changed:  v.r.URL.Query().Get("password") == "changed",
		Passkey:  s.passkeyButton(v, passkeyButton{Label: v.words.T("own.passkey_signin"), Options: "/signin/passkey/options", Finish: "/signin/passkey", Form: "signin-form"}),
	}
	page.Frame.Path = "/signin"
	if next != "/" {
		page.Start += "?next=" + queryEscape(next)
		page.Frame.Path += "?next=" + queryEscape(next)
	}
	return s.render(v, status, "signin", page)
}

// passwordSignIn opens an account to whoever knows its address and password (S9).
func (s *Site) passwordSignIn(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	next := ownPath(form.Get("next"))
	u, err := s.Registry.SignIn(v.ctx(), form.Get("email"), form.Get("password"), s.place(v.r))
	if err != nil {
		text, status, ok := v.refused(err)
		if !ok {
			return err
		}
		s.Logger.Info("web: not signed in with a password", "reason", fault.ReasonOf(err))
		return s.signInForm(v, status, next, form.Get("email"), text)
	}
	if err := s.signIn(v, u); err != nil {
		return err
	}
	return v.to(next)
}

// forgotPage asks for the address whose password was forgotten, and says that a letter is on its way.
type forgotPage struct {
	Frame frame
	Sent  bool
	Mail  bool // letters can be sent
	Email field
	Error string
}

func (s *Site) forgotPage(v *visit) error {
	return s.forgotForm(v, http.StatusOK, v.r.URL.Query().Get("sent") != "", "", "")
}

func (s *Site) forgotForm(v *visit, status int, sent bool, email, wrong string) error {
	page := forgotPage{
		Frame: s.frame(v, "", v.words.T("own.forgot_title")), Sent: sent, Mail: s.Settings.Mail, Error: wrong,
		Email: field{Name: "email", Label: v.words.T("own.email"), Value: email, Input: "email", Required: true, Auto: "username"},
	}
	page.Frame.Path = "/password/forgot"
	return s.render(v, status, "password-forgot", page)
}

// forgetTakes is how long an answer about a forgotten password takes, whether there is such an account or not.
const forgetTakes = 400 * time.Millisecond

func (s *Site) forgot(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	email := strings.TrimSpace(form.Get("email"))
	if !s.Settings.Mail {
		return s.forgotForm(v, http.StatusServiceUnavailable, false, "", "") // which says so
	}
	if email == "" {
		return s.forgotForm(v, http.StatusUnprocessableEntity, false, "", v.words.T("refusal.bad_address"))
	}
	steady := time.NewTimer(forgetTakes)
	defer steady.Stop()
	if err := s.Registry.ForgotPassword(v.ctx(), email, s.place(v.r)); err != nil {
		text, status, ok := v.refused(err)
		if !ok {
			return err
		}
		return s.forgotForm(v, status, false, email, text)
	}
	select {
	case <-steady.C:
	case <-v.ctx().Done():
	}
	return v.to("/password/forgot?sent=1")
}

// resetPage takes a new password from whoever followed the link of a letter.
type resetPage struct {
	Frame    frame
	Path     string
	State    string // of the link
	Email    string // of an open one
	Password field
}

func (s *Site) resetPage(v *visit) error { return s.resetForm(v, http.StatusOK, "") }

func (s *Site) resetForm(v *visit, status int, wrong string) error {
	f, err := s.follow(v, account.PasswordReset)
	if err != nil {
		return err
	}
	page := resetPage{
		Frame: s.frame(v, "", v.words.T("own.reset_title")), Path: "/password/" + v.r.PathValue("token"), State: f.state, Password: v.newSecret(wrong),
	}
	page.Frame.Path = page.Path
	if f.state == linkOpen {
		page.Email = f.user.Email
	} else {
		status = http.StatusGone
	}
	return s.render(v, status, "password-reset", page)
}

func (s *Site) reset(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f, err := s.follow(v, account.PasswordReset)
	if err != nil {
		return err
	}
	_, err = s.Registry.ResetPassword(v.ctx(), f.ID, form.Get("password"))
	switch {
	case slices.Contains(aboutPassword, fault.ReasonOf(err)):
		text, status, _ := v.refused(err)
		return s.resetForm(v, status, text)
	case fault.Is(err, fault.Gone), fault.ReasonOf(err) == account.AccountInactive:
		return s.resetForm(v, http.StatusGone, "") // somebody was faster
	case err != nil:
		return err
	}
	// Whoever was signed in is so no more. The new password is asked for once, so that the one who holds the letter and no
	// password manager still knows it tomorrow.
	if err := s.sessions.Destroy(v.ctx()); err != nil {
		return err
	}
	return v.to("/signin?password=changed")
}

// What became of the link of a letter, with the words own.link.<state>.
const (
	linkOpen      = "open"
	linkExpired   = "expired"
	linkUsed      = "used"
	linkWithdrawn = "withdrawn"
	linkReplaced  = "replaced"
)

var linkStates = map[fault.Reason]string{
	account.PassExpired: linkExpired, account.PassSpent: linkUsed, account.PassTakenBack: linkWithdrawn, account.PassSuperseded: linkReplaced,
}

// A followed link has brought somebody here: the pass that it holds, whose it is, and what became of it.
type followed struct {
	account.Pass
	user  account.User
	state string
}

// follow finds the pass behind a link. NotFound: none of ours. Such an address opens something, so it is kept from other sites.
func (s *Site) follow(v *visit, purpose account.Purpose) (f followed, err error) {
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	if err := s.Registry.Limit(v.ctx(), account.PassVisits, "", s.place(v.r)); err != nil {
		return f, err
	}
	id, err := s.tickets.openPass(v.r.PathValue("token"), purpose)
	if err != nil {
		return f, fault.New(fault.NotFound, reasonLink, "web: follow a link: %w", err)
	}
	f.state = linkOpen
	if f.Pass, f.user, err = s.Registry.PassOf(v.ctx(), id, purpose); err != nil {
		state, known := linkStates[fault.ReasonOf(err)]
		if !known {
			return f, err
		}
		f.state = state
	}
	return f, nil
}
