package web

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tandem/internal/account"
)

// without switches script off in the tab, as some people do.
func (b *tab) without() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// atMicrosoft answers the simulator's pages until Tandem shows what is waited for.
func (b *tab) atMicrosoft(upn, wanted string) {
	b.t.Helper()
	for range 3 {
		b.until("Microsoft or "+wanted, `document.querySelector('#pick, #consent, `+wanted+`')`)
		at, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('`+wanted+`') ? "here" : document.querySelector('#pick') ? "pick" : "consent"`))
		switch {
		case err != nil:
			b.t.Fatal(err)
		case at == "here":
			return
		case at == "pick":
			b.do(chromedp.Click(chromedp.CSS(`button[value="` + upn + `"]`)))
			b.until("past the choice of a person", `!document.querySelector('#pick')`)
		default:
			b.do(chromedp.Click(chromedp.CSS(`button[value="accept"]`)))
			b.until("past the consent", `!document.querySelector('#consent')`)
		}
	}
	b.until(wanted, `document.querySelector('`+wanted+`')`)
}

// In a real browser without script: Tandem is installed, people are invited from the directory and by address, a request
// is approved and a profile is changed.
func TestS4_S8_S13_TheBeginningNeedsNoScript(t *testing.T) {
	w := newWorld(t)
	b := chrome(t)
	b.without()
	b.do(chromedp.Navigate(w.url + launchPath))
	b.atMicrosoft(northwindAdmin, "#launch-form")
	b.do(chromedp.Click("#f-terms"), chromedp.Click("#launch-form button[name=go]"))
	b.until("installed", `location.pathname === '`+consentPath+`'`)

	w.org = w.northwind()
	b.do(chromedp.Navigate(w.url + "/connect/microsoft?for=directory"))
	b.atMicrosoft(northwindAdmin, "#directory-people .pick-list")
	marta := w.oid("marta@northwind.example")
	b.do(chromedp.SendKeys("#directory-q", "marta"), chromedp.Click("#directory-search button"))
	b.until("found", `location.search.includes('marta') && document.querySelector('.pick-list input[value="`+marta+`"]')`)
	b.do(chromedp.Click(`.pick-list input[value="`+marta+`"]`), chromedp.Click("#directory-form button[name=save]"))
	b.until("one is invited", `location.pathname === '`+usersPath+`' && document.querySelector('#invited')`)
	b.do(chromedp.Click("#new-user"))
	b.until("the form for an address", `document.querySelector('#new-user-form')`)
	b.do(chromedp.SendKeys("#f-email", "bia@elsewhere.example"), chromedp.Click("button[name=invite]"))
	b.until("the other is invited", `location.pathname === '`+usersPath+`' && document.querySelector('#user-list').innerText.includes('bia@elsewhere.example')`)

	asking := w.asks("enrico@northwind.example")
	b.do(chromedp.Navigate(w.url+usersPath), chromedp.Click(`.asking [data-id="`+asking.ID.String()+`"] .approve button`))
	b.until("approved", `document.querySelector('#user[data-state=active]')`)

	b.do(chromedp.Navigate(w.url+profilePath(account.Standard)), chromedp.Click("#f-mass_update"), chromedp.Click("#profile-form button[name=save]"))
	b.until("the question", `document.querySelector('#question')`)
	b.do(chromedp.Click("#question button[name=save]"))
	b.until("no script ran", `!document.documentElement.classList.contains('scripted')`)
	b.until("saved", `location.pathname === '`+profilesPath+`' && document.querySelector('#toast')`)
	if p, ok := w.permissions(w.org, account.Standard); !ok || p.MassUpdate {
		t.Errorf("the profile is %+v", p)
	}
}

// In a real browser: the dialog takes the focus, keeps it while people are picked and taken off, and gives it back.
func TestS8_TheDialogKeepsTheFocus(t *testing.T) {
	w := newWorld(t)
	b := chrome(t)
	b.signIn(w, "admin@contoso.example")
	b.do(chromedp.Navigate(w.url + "/connect/microsoft?for=directory"))
	b.atMicrosoft("admin@contoso.example", "#directory-people .pick-list")
	b.do(chromedp.Navigate(w.url+usersPath), chromedp.Click("#open-directory"))
	b.until("the search has the focus", `document.querySelector('#directory').open && document.activeElement.id === 'directory-q'`)
	b.until("how many there are is said", `document.querySelector('#directory-said').textContent.includes('40')`)

	b.do(chromedp.SendKeys("#directory-q", "le"))
	lee, grady := w.oid("lee@contoso.example"), w.oid("grady@contoso.example")
	b.until("found", `document.querySelector('.pick-list input[value="`+lee+`"]')`)
	b.do(chromedp.Click(`.pick-list input[value="` + lee + `"]`))
	b.until("the field is empty", `(document.querySelector('#directory-q').value = '') === ''`)
	b.do(chromedp.SendKeys("#directory-q", "grady"))
	b.until("how many were found is said", `/: 1$/.test(document.querySelector('#directory-said').textContent)`)
	b.do(chromedp.Click(`.pick-list input[value="` + grady + `"]`))
	b.until("two are picked", `document.querySelectorAll('.picked li').length === 2`)
	b.do(chromedp.Click(".picked li:first-child button"))
	b.until("the next one has the focus", `document.activeElement.matches('.picked li:only-child button')`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("then the search has it", `!document.querySelector('.picked li') && document.activeElement.id === 'directory-q'`)

	b.until("the field is empty", `(document.querySelector('#directory-q').value = '') === ''`)
	b.do(chromedp.SendKeys("#directory-q", " "))
	b.until("everybody", `document.querySelectorAll('.pick-list input[name=person]').length === 40`)
	b.do(chromedp.Click("#directory-more a"))
	b.until("the first of those that came has the focus", `document.activeElement === document.querySelectorAll('.pick-list input[name=person]')[40]`)

	b.do(chromedp.KeyEvent(kb.Escape))
	b.until("closed, and the focus is where it was", `!document.querySelector('#directory').open && document.activeElement.id === 'open-directory'`)
}

// In a real browser: no page is wider than its window, whatever people are called.
func TestPagesFitEveryWidth(t *testing.T) {
	w := newWorld(t)
	long := w.invite(account.Invitee{
		Email:     "maximiliana.donaudampfschifffahrtsgesellschaftskapitaenswitwe@rindfleischetikettierungsueberwachung.example",
		FirstName: "Maximiliana", LastName: "Donaudampfschifffahrtsgesellschaftskapitänswitwe",
	})
	w.must(w.store.Letters().SettleLetter(t.Context(), w.letter(long).ID, account.LetterFailed, "550 https://support.example/NoSuchUserNoSuchUserNoSuchUserNoSuchUser", w.now(), 3))
	asking := w.asks("grady@contoso.example")
	b := chrome(t)
	b.signIn(w, "admin@contoso.example")
	w.as("admin@contoso.example").post("/language", "lang", "pt-BR") // its words are the longer ones
	for _, path := range []string{
		"/setup", usersPath, usersPath + "/new", userPath(long.ID), userPath(long.ID) + "/deactivate", userPath(asking.ID), profilesPath,
		profilePath(account.Standard), auditPath, auditPath + "?person=" + long.ID.String(), accountPath, consentPath, marketplacePath, "/contacts", "/",
		w.letterLink(long), "/terms", "/password/forgot",
	} {
		b.do(chromedp.Navigate(w.url + path))
		for _, width := range []int64{320, 360, 721, 780, 961, 1280} {
			b.do(chromedp.EmulateViewport(width, 800))
			over, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(() => {
				const room = document.documentElement.clientWidth;
				if (document.documentElement.scrollWidth <= room) return "";
				return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1).slice(0, 5)
					.map((e) => e.tagName + "#" + e.id + "." + e.className).join(" ") || "something";
			})()`))
			if err != nil {
				t.Fatal(err)
			}
			if over != "" {
				t.Errorf("%s at %d: too wide: %s", path, width, over)
			}
		}
	}
}
