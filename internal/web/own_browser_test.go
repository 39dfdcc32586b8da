package web

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"tandem/internal/account"
)

// authenticator gives the browser a virtual one, which verifies its person or does not.
func (b *tab) authenticator() (verify func(yes bool)) {
	b.t.Helper()
	id, err := chromedp.Run(b.ctx, func(ctx context.Context, target *chromedp.Target) (webauthn.AuthenticatorID, error) {
		if _, err := cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return "", err
		}
		made, err := cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		return made.AuthenticatorID, err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return func(yes bool) {
		b.t.Helper()
		if _, err := chromedp.Run(b.ctx, func(ctx context.Context, target *chromedp.Target) (cdp.Empty, error) {
			return cdp.Call(ctx, target, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: id, IsUserVerified: yes})
		}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// quiet reports what the browser complained of, but for refusals that the page itself shows.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		if !strings.Contains(c, "status of 4") {
			b.t.Errorf("the browser complains: %q", c)
		}
	}
}

const passkeyError = `document.querySelector('[data-passkey] .error:not([hidden])')?.textContent`

// In a real browser, in Portuguese: an invitation is accepted with a passkey, which then signs in again.
func TestS9_APasskeyFromTheInvitationToTheNextMorning(t *testing.T) {
	w := named(t)
	u := w.invite(account.Invitee{Email: "lia@elsewhere.example", FirstName: "Lia"})
	b := chrome(t)
	verify := b.authenticator()

	b.do(chromedp.Navigate(w.url+w.letterLink(u)), chromedp.Click(`button[value="pt-BR"]`))
	b.until("the same invitation in Portuguese", `document.querySelector('h1').textContent === 'Entrar em `+w.org.Name+`' && location.pathname.startsWith('/invitation/')`)
	b.do(chromedp.SendKeys("#f-last_name", "Rocha"), chromedp.Click("[data-passkey] button"))
	b.until("the terms come first", passkeyError+`?.startsWith('Aceite os termos')`)
	b.do(chromedp.Click("#f-terms"), chromedp.Click("[data-passkey] button"))
	b.until("inside", `document.querySelector('#toast')?.textContent.includes('Boas-vindas, Lia Rocha!')`)
	zone, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("Intl.DateTimeFormat().resolvedOptions().timeZone"))
	if err != nil {
		t.Fatal(err)
	}
	if now := w.reread(u); now.State != account.Active || now.Locale != "pt-BR" || now.Zone != zone {
		t.Errorf("joined as %+v, in a browser in %s", now, zone)
	}

	b.do(chromedp.Click("#user-menu summary"), chromedp.Click("#signout button"))
	b.until("outside", `location.pathname === '/signin' && !document.querySelector('[data-passkey]').hidden`)
	verify(false)
	b.do(chromedp.Click("[data-passkey] button"))
	b.until("whoever is not verified stays outside", passkeyError+`?.startsWith('Não deu certo')`)
	verify(true)
	b.do(chromedp.Navigate(w.url+"/contacts"), chromedp.Click("[data-passkey] button"))
	b.until("where one wanted to go", `location.pathname === '/contacts' && document.querySelector('#user-menu')`)

	b.do(chromedp.Navigate(w.url+accountPath), chromedp.Click("[data-passkey] button"))
	b.until("one passkey a device is enough", passkeyError+`?.startsWith('Este aparelho já tem')`)
	b.quiet()
}

// In a real browser: a password can be looked at while it is set, and another passkey has the name that one gives it.
func TestPasswordsAndPasskeysInABrowser(t *testing.T) {
	w := named(t)
	u := w.invite(account.Invitee{Email: "lia@elsewhere.example"})
	b := chrome(t)
	b.authenticator()
	b.do(chromedp.Navigate(w.url+w.letterLink(u)), chromedp.SendKeys("#f-password", goodPassword), chromedp.Click("[data-show=f-password]"))
	b.until("the password shows", `document.querySelector('#f-password').type === 'text'`)
	b.do(chromedp.Click("#f-terms"), chromedp.Click("button[name=join]"))
	b.until("inside", `document.querySelector('#user-menu')`)

	b.do(chromedp.Navigate(w.url+accountPath), chromedp.SendKeys("#f-name", "My blue key"), chromedp.Click("[data-passkey] button"))
	b.until("the new passkey is in the list", `document.querySelector('#passkeys .rows')?.textContent.includes('My blue key') && document.querySelector('#toast')`)
	b.do(chromedp.Click("#end-all button"))
	b.until("outside", `location.pathname === '/signin'`)
	b.do(chromedp.SendKeys("#f-email", u.Email), chromedp.SendKeys("#f-password", goodPassword), chromedp.Click("button[name=signin]"))
	b.until("inside again", `document.querySelector('#user-menu')`)
	b.quiet()
}

// In a real browser, in Portuguese: the link of an invitation leads to Microsoft and back, and the terms open the door. The
// undo of what that tied comes later, when there is a password.
func TestS10S6_TheLinkLeadsThroughMicrosoftAndCanBeUndone(t *testing.T) {
	w := newWorld(t)
	u := w.invite(account.Invitee{Email: "megan@contoso.example"})
	b := chrome(t)
	b.do(chromedp.Navigate(w.url+w.letterLink(u)), chromedp.Click(`button[value="pt-BR"]`))
	b.until("in Portuguese", `document.documentElement.lang === 'pt-BR' && document.querySelector('#invitation')`)
	b.do(chromedp.Click("#join-microsoft button"))
	b.until("the simulator asks", `document.querySelector('#pick')`)
	b.do(chromedp.Click(`button[value="megan@contoso.example"]`))
	b.until("consent or the accounts page", `document.querySelector('#consent') || document.querySelector('#launch')`)
	if asked, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!document.querySelector('#consent')`)); asked {
		b.do(chromedp.Click(`button[value="accept"]`))
	}
	b.until("the accounts page", `document.querySelector('#launch [name=go]')`)
	if now := w.reread(u); now.State != account.Invited {
		t.Fatalf("before the terms the user is %s", now.State)
	}
	b.do(chromedp.Click("#f-terms"), chromedp.Click("#launch [name=go]"))
	b.until("inside", `document.querySelector('#user-menu')`)
	if now := w.reread(u); now.State != account.Active || now.Identity.IsZero() {
		t.Fatalf("joined as %+v", now)
	}

	b.do(chromedp.Navigate(w.url + accountPath))
	b.until("the only way in stays", `document.querySelector('#microsoft .only-way') && !document.querySelector('.untie')`)
	b.do(chromedp.Click("#password summary"), chromedp.SendKeys("#f-password", goodPassword), chromedp.Click("#password-form button[name=save]"))
	b.until("two ways in", `document.querySelector('#toast')?.textContent.includes('Sua senha está definida.') && document.querySelector('.untie')`)
	b.do(chromedp.Click("#microsoft summary"), chromedp.Click(".untie button"))
	b.until("untied", `document.querySelector('#toast')?.textContent.includes('foi desfeita')`)
	if now := w.reread(u); !now.Identity.IsZero() {
		t.Errorf("still tied to %v", now.Identity)
	}
	b.quiet()
}
