package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/zone"
)

// invitationPage is what the link of an invitation leads to. Looking at it changes nothing: those who look first are often
// machines that examine mail.
type invitationPage struct {
	Frame   frame
	State   string // of the link
	Path    string // of this page
	Org     string
	Inviter string // "" where it is not known
	Email   string // whom it is for
	Profile string
	Until   string
	As      string // who is signed in here now
	Local   bool   // may be accepted without Microsoft
	Error   string // of the form as a whole
	First   field
	Last    field
	Secret  field
	Terms   bool
	NoTerms string // the sentence by the terms
	Passkey passkeyButton
}

// A joiner is what somebody enters who accepts an invitation without Microsoft.
type joiner struct {
	first, last, password, zone string
	terms                       bool
}

// joinerOf reads the form, however it was sent.
func joinerOf(get func(name string) string) joiner {
	name, _ := zone.IANA(get("zone"))
	return joiner{
		first: clipped(get("first_name"), maxGivenName), last: clipped(get("last_name"), maxGivenName),
		password: get("password"), zone: name, terms: get("terms") == "yes",
	}
}

const maxGivenName = 100 // letters

func (v *visit) newcomer(j joiner) account.Newcomer {
	return account.Newcomer{FirstName: j.first, LastName: j.last, Zone: j.zone, Locale: v.words.lang}
}

var errNoTerms = fault.New(fault.Invalid, account.TermsMissing, "web: the terms were not accepted")

func (s *Site) invitation(v *visit) error {
	if !s.atHome(v.r) {
		return v.to(s.Settings.URL + v.r.URL.RequestURI())
	}
	f, err := s.follow(v, account.Invitation)
	if err != nil {
		return err
	}
	return s.invitationForm(v, f, joiner{first: f.user.FirstName, last: f.user.LastName}, nil)
}

// invitationForm shows the invitation, after a refusal with what was entered.
func (s *Site) invitationForm(v *visit, f followed, j joiner, wrong error) error {
	page := invitationPage{State: f.state, Path: "/invitation/" + v.r.PathValue("token")}
	org, err := s.Accounts.Organization(v.ctx(), f.Org)
	if err != nil {
		return err
	}
	page.Org = org.Name
	if inviter, err := s.Accounts.User(v.ctx(), f.Org, f.By); err == nil {
		page.Inviter = inviter.Name()
	} else if !fault.Is(err, fault.NotFound) {
		return err
	}
	if v.signedIn() {
		page.As = v.user.Email
	}
	status := http.StatusGone
	if f.state == linkOpen {
		status = http.StatusOK
		if wrong != nil {
			if status, err = page.say(v, wrong); err != nil {
				return err
			}
		}
		page.fill(v, f, org, j)
		page.Passkey = s.passkeyButton(v, passkeyButton{
			Label: v.words.T("own.passkey_join"), Options: page.Path + "/passkey/options", Finish: page.Path + "/passkey", Form: "join-form", Create: true,
		})
	}
	page.Frame = s.frame(v, "", v.words.T("own.invitation_title", "Org", org.Name))
	page.Frame.Path = page.Path
	return s.render(v, status, "invitation", page)
}

// say puts a refusal where it belongs in the form; what is none comes back.
func (p *invitationPage) say(v *visit, wrong error) (status int, err error) {
	text, status, ok := v.refused(wrong)
	switch reason := fault.ReasonOf(wrong); {
	case !ok:
		return 0, wrong
	case reason == account.TermsMissing:
		p.NoTerms = text
	case slices.Contains(aboutPassword, reason):
		p.Secret.Error = text
	default:
		p.Error = text
	}
	return status, nil
}

func (p *invitationPage) fill(v *visit, f followed, org account.Organization, j joiner) {
	p.Email, p.Profile, p.Local, p.Terms = f.user.Email, v.words.profile(f.user.Profile), f.user.Identity.IsZero(), j.terms
	where, ok := zone.Load(org.Zone)
	if !ok {
		where = time.UTC
	}
	p.Until = v.words.Moment(f.Expires.In(where)) + " (" + strings.ReplaceAll(where.String(), "_", " ") + ")"
	p.First = field{Name: "first_name", Label: v.words.T("own.first_name"), Value: j.first, Input: "text", Auto: "given-name"}
	p.Last = field{Name: "last_name", Label: v.words.T("own.last_name"), Value: j.last, Input: "text", Auto: "family-name"}
	p.Secret = v.newSecret(p.Secret.Error)
}

// acceptWithMicrosoft sets out to Microsoft; the terms are asked for at the accounts page, where the person comes back.
func (s *Site) acceptWithMicrosoft(v *visit) error {
	f, err := s.follow(v, account.Invitation)
	if err != nil {
		return err
	}
	if f.state != linkOpen {
		return s.invitationForm(v, f, joiner{}, nil)
	}
	if err := s.Registry.Limit(v.ctx(), account.MicrosoftSignIns, "", s.place(v.r)); err != nil {
		return err
	}
	return s.setOut(v, flow{Scopes: signInScopes, Next: "/", Hint: f.user.Email, Pass: f.ID, Prompt: "select_account"})
}

func (s *Site) acceptWithPassword(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f, err := s.follow(v, account.Invitation)
	if err != nil {
		return err
	}
	j := joinerOf(form.Get)
	if f.state != linkOpen {
		return s.invitationForm(v, f, j, nil)
	}
	if !j.terms {
		return s.invitationForm(v, f, j, errNoTerms)
	}
	u, err := s.Registry.AcceptWithPassword(v.ctx(), f.ID, v.newcomer(j), j.password)
	if fault.Is(err, fault.Gone) { // somebody was faster, or the other tab
		if f, err = s.follow(v, account.Invitation); err != nil {
			return err
		}
		return s.invitationForm(v, f, j, nil)
	}
	if err != nil {
		return s.invitationForm(v, f, j, err)
	}
	return s.joined(v, u)
}

// joined signs in whoever has accepted an invitation. Somebody else who was signed in here is so no more.
func (s *Site) joined(v *visit, u account.User) error {
	if err := s.signIn(v, u); err != nil {
		return err
	}
	s.putFlash(v.ctx(), flash{Key: "own.flash.joined", Name: u.Name()})
	return v.to("/")
}

// invited finds the open invitation that script accepts.
func (s *Site) invited(v *visit) (followed, error) {
	f, err := s.follow(v, account.Invitation)
	if err == nil && f.state != linkOpen {
		_, _, err = s.Registry.PassOf(v.ctx(), f.ID, account.Invitation)
	}
	if err == nil && !f.user.Identity.IsZero() {
		err = fault.New(fault.Denied, account.OtherPerson, "web: user %d is a Microsoft person", f.user.ID)
	}
	return f, err
}

func (s *Site) acceptPasskeyOptions(v *visit) (any, error) {
	f, err := s.invited(v)
	if err != nil {
		return nil, err
	}
	var sent answered
	if err := v.said(&sent); err != nil {
		return nil, err
	}
	j := joinerOf(func(name string) string { return sent.Fields[name] })
	if !j.terms {
		return nil, errNoTerms // before the browser asks anything
	}
	u := f.user
	u.FirstName, u.LastName = j.first, j.last
	return s.beginPasskey(v, toAccept+f.ID.String(), u, nil)
}

func (s *Site) acceptWithPasskey(v *visit) (any, error) {
	f, err := s.invited(v)
	if err != nil {
		return nil, err
	}
	data, err := s.takeChallenge(v, toAccept+f.ID.String())
	if err != nil {
		return nil, err
	}
	var sent answered
	if err := v.said(&sent); err != nil {
		return nil, err
	}
	j := joinerOf(func(name string) string { return sent.Fields[name] })
	if !j.terms {
		return nil, errNoTerms
	}
	k, err := s.finishPasskey(v, data, sent.Credential, "")
	if err != nil {
		return nil, err
	}
	k.LastUsed = v.now
	u, err := s.Registry.AcceptWithPasskey(v.ctx(), f.ID, v.newcomer(j), k)
	if err != nil {
		return nil, passkeyTaken(err)
	}
	if err := s.signIn(v, u); err != nil {
		return nil, err
	}
	s.putFlash(v.ctx(), flash{Key: "own.flash.joined", Name: u.Name()})
	return onward{"/"}, nil
}
