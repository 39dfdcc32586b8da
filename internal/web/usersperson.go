package web

import (
	"net/http"
	"slices"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// userPage is one user, and what can be done about this user now. The letter of a request to join leads here (S13).
type userPage struct {
	Frame frame
	userRow
	Alert    string // why what was asked for was not done
	NoMail   bool   // no letters go out
	Created  string
	SignIn   string // how the person signs in, as far as it shows from here; "": nobody does
	Request  *requestView
	Profiles []option
	Word     field  // of a refusal
	Link     string // of the invitation, for passing on where no letters go out
	Until    string // when that link ends, or has ended
	Over     bool
	Sessions int // in how many browsers the person is signed in
	Can      userDeeds
	Why      []string // why some of it cannot be done
}

// Declined reports whether the person has only ever asked, and was refused.
func (p userPage) Declined() bool {
	return p.Request != nil && p.Request.State == account.RequestDeclined
}

// requestView is a request to join and what became of it.
type requestView struct {
	State    account.RequestState
	Asked    string
	Decided  string
	By, Word string
}

// userDeeds are what can be done about a user. Each is a courtesy: the registry decides.
type userDeeds struct{ Answer, Invitation, Profile, SignOut, Deactivate, Restore bool }

// userPath is the address of a user's page.
func userPath(id record.ID) string { return usersPath + "/" + id.String() }

// userAt finds the user whom the path names.
func (s *Site) userAt(v *visit) (account.User, error) {
	id, err := v.id()
	if err != nil {
		return account.User{}, err
	}
	return s.Accounts.User(v.ctx(), v.user.Org, id)
}

func (s *Site) userShow(v *visit) error {
	u, err := s.userAt(v)
	if err != nil {
		return err
	}
	return s.showUser(v, u, http.StatusOK, "")
}

func (s *Site) showUser(v *visit, u account.User, status int, alert string) error {
	rows, err := s.userRows(v, []account.User{u})
	if err != nil {
		return err
	}
	page := userPage{
		userRow: rows[0], Alert: alert, NoMail: !s.Settings.Mail, Created: v.words.Ago(u.Created, v.now, v.zone),
		SignIn: signsIn(u), Word: s.wordField(v),
	}
	if page.Request, err = s.requestOf(v, u); err != nil {
		return err
	}
	if page.Can, page.Why, err = s.userDeeds(v, u); err != nil {
		return err
	}
	if page.Can.Answer || page.Can.Profile {
		chosen := u.Profile
		if page.Can.Answer {
			chosen = account.Standard
		}
		if page.Profiles, err = s.profileOptions(v, chosen); err != nil {
			return err
		}
	}
	if page.Can.SignOut {
		sessions, err := s.Accounts.Sessions(v.ctx(), u.Org, u.ID)
		if err != nil {
			return err
		}
		page.Sessions = len(sessions)
	}
	if page.Can.Invitation {
		if err := s.invitationOf(v, u, &page); err != nil {
			return err
		}
	}
	if v.wants("user") {
		return s.part(v, "usersperson", "user", page)
	}
	page.Frame = s.frame(v, "setup", u.Name())
	return s.render(v, status, "usersperson", page)
}

// signsIn is how somebody signs in: of users with an account of their own, and of those who were invited by address, it is theirs
// to say.
func signsIn(u account.User) string {
	switch {
	case u.State == account.Deleted:
		return ""
	case !u.Identity.IsZero():
		return "microsoft"
	case u.State == account.Invited:
		return "open"
	}
	return "own"
}

// invitationOf tells of the link that the letter about somebody invited told: until when it opens Tandem, and itself where no letters go out.
func (s *Site) invitationOf(v *visit, u account.User, page *userPage) error {
	letters, err := s.Accounts.Letters(v.ctx(), u.Org, userIDs(u))
	if err != nil || letters[u.ID].Pass == 0 {
		return err
	}
	pass, _, err := s.Registry.PassOf(v.ctx(), letters[u.ID].Pass, account.Invitation)
	page.Over = fault.ReasonOf(err) == account.PassExpired
	switch {
	case page.Over:
	case fault.Is(err, fault.Gone) || fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	case !s.Settings.Mail:
		page.Link = s.tickets.InvitationURL(pass)
	}
	page.Until = v.words.Moment(pass.Expires.In(v.zone))
	return nil
}

func (s *Site) wordField(v *visit) field {
	hint := "users.word_hint"
	if !s.Settings.Mail {
		hint = "users.word_hint_by_hand"
	}
	return field{Name: "word", Label: v.words.T("users.word"), Hint: v.words.T(hint), Input: "textarea", Max: account.MaxWord}
}

// requestOf finds what a user asked. Of a user who is gone the identity is too, so the request is found by the user then.
func (s *Site) requestOf(v *visit, u account.User) (*requestView, error) {
	var r account.Request
	var err error
	switch {
	case !u.Identity.IsZero():
		r, err = s.Accounts.Request(v.ctx(), u.Org, u.Identity)
	case u.State == account.Deleted:
		r, err = s.Accounts.RequestOf(v.ctx(), u.Org, u.ID)
	default:
		return nil, nil
	}
	if fault.Is(err, fault.NotFound) || err == nil && r.User != u.ID {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	view := &requestView{State: r.State, Asked: v.words.Ago(r.Asked, v.now, v.zone), Word: r.Word}
	if r.By != 0 {
		by, err := s.Accounts.User(v.ctx(), u.Org, r.By)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		view.By, view.Decided = by.Name(), v.words.Ago(r.Decided, v.now, v.zone)
	}
	return view, nil
}

// userDeeds are what whoever looks can do about a user, and why not more.
func (s *Site) userDeeds(v *visit, u account.User) (can userDeeds, why []string, err error) {
	touches := v.user.MayGive(u.Profile, u.May)
	refusal := func(r fault.Reason) { why = append(why, v.words.T("refusal."+string(r))) }
	switch u.State {
	case account.Requested:
		can.Answer = true
	case account.Invited:
		can.Invitation, can.Profile = touches, touches
	case account.Deactivated:
		can.Restore = touches
	case account.Active:
		last, err := s.lastSuperAdmin(v, u)
		if err != nil {
			return can, nil, err
		}
		can.Profile, can.Deactivate = touches && !last, touches && !last && u.ID != v.user.ID
		can.SignOut = touches && u.ID != v.user.ID
		switch {
		case last:
			refusal(account.LastSuperAdmin)
		case touches && u.ID == v.user.ID:
			why = append(why, v.words.T("users.own_account"))
		}
	}
	if !touches && u.State != account.Requested && u.State != account.Deleted {
		refusal(account.BeyondOwn)
	}
	return can, why, nil
}

func (s *Site) lastSuperAdmin(v *visit, u account.User) (bool, error) {
	if u.Profile != account.SuperAdmin {
		return false, nil
	}
	active, err := s.Accounts.People(v.ctx(), v.user.Org, account.PeopleQuery{State: account.Active})
	return !slices.ContainsFunc(active, func(other account.User) bool {
		return other.Profile == account.SuperAdmin && other.ID != u.ID
	}), err
}

// userDone ends a deed about a user: with a note on the page to, or, refused, on the user's page as things stand now.
func (s *Site) userDone(v *visit, u account.User, err error, done, to string) error {
	if err == nil {
		s.putFlash(v.ctx(), flash{Key: done, Name: u.Name()})
		return v.to(to)
	}
	text, status, ok := v.refused(err)
	if !ok {
		if !fault.Is(err, fault.Conflict) { // a conflict without a reason: the state changed meanwhile
			return err
		}
		text, status = v.words.T("users.changed_meanwhile"), http.StatusConflict
	}
	now, err := s.Accounts.User(v.ctx(), v.user.Org, u.ID)
	if err != nil {
		return err
	}
	return s.showUser(v, now, status, text)
}

func (s *Site) userApprove(v *visit) error {
	u, form, err := s.userPosted(v)
	if err != nil {
		return err
	}
	err = s.Registry.Approve(v.ctx(), v.user, u.ID, account.Profile(form.Get("profile")))
	return s.userDone(v, u, err, "flash.user_approved", userPath(u.ID))
}

func (s *Site) userDecline(v *visit) error {
	u, form, err := s.userPosted(v)
	if err != nil {
		return err
	}
	err = s.Registry.Decline(v.ctx(), v.user, u.ID, form.Get("word"))
	if words, ok := v.fieldWords(err); ok {
		return s.showUser(v, u, http.StatusUnprocessableEntity, words["word"])
	}
	return s.userDone(v, u, err, "flash.user_declined", usersPath)
}

func (s *Site) userResend(v *visit) error {
	u, err := s.userAt(v)
	if err != nil {
		return err
	}
	if err = s.mayWrite(v, u.Email); err == nil {
		err = s.Registry.Resend(v.ctx(), v.user, u.ID)
	}
	done := "flash.user_resent"
	if !s.Settings.Mail {
		done = "flash.user_resent_by_hand"
	}
	return s.userDone(v, u, err, done, userPath(u.ID))
}

func (s *Site) userWithdraw(v *visit) error {
	u, err := s.userAt(v)
	if err != nil {
		return err
	}
	return s.userDone(v, u, s.Registry.Withdraw(v.ctx(), v.user, u.ID), "flash.user_withdrawn", usersPath)
}

func (s *Site) userProfile(v *visit) error {
	u, form, err := s.userPosted(v)
	if err != nil {
		return err
	}
	err = s.Registry.ChangeProfile(v.ctx(), v.user, u.ID, account.Profile(form.Get("profile")))
	to := userPath(u.ID)
	if u.ID == v.user.ID {
		to = "/setup" // what may be entered has changed
	}
	return s.userDone(v, u, err, "flash.user_profile", to)
}

func (s *Site) signUserOut(v *visit) error {
	u, err := s.userAt(v)
	if err != nil {
		return err
	}
	return s.userDone(v, u, s.Registry.SignOut(v.ctx(), v.user, u.ID), "flash.user_signed_out", userPath(u.ID))
}

func (s *Site) reactivate(v *visit) error {
	u, err := s.userAt(v)
	if err != nil {
		return err
	}
	return s.userDone(v, u, s.Registry.Reactivate(v.ctx(), v.user, u.ID), "flash.user_reactivated", userPath(u.ID))
}
