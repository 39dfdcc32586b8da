package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/record"
)

// In a real browser: letters lead somewhere, but not while one types, in a dialog, or with the shortcuts switched off; the
// box over a list of records ticks them all.
func TestShortcutsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.contact("admin@contoso.example", record.Fields{record.LastName: "Zenaide"})
	w.bin("admin@contoso.example", "Um", "Dois")
	b := chrome(t)
	b.signIn(w, "admin@contoso.example")
	keys := func(text string) {
		b.t.Helper()
		b.until("script listens", `document.documentElement.classList.contains('scripted')`)
		b.do(chromedp.KeyEvent(text))
	}

	b.do(chromedp.EmulateViewport(1400, 900), chromedp.Navigate(w.url+"/"))
	b.until("home", `location.pathname === '/' && document.querySelector('#home')`)
	keys("gc")
	b.until("g c leads to contacts", `location.pathname === '/contacts' && document.querySelector('#contact-list')`)
	keys("/")
	b.until("/ goes to the search", `document.activeElement.id === 'find'`)
	keys("gk?n/ zen")
	b.until("while typing, letters are letters", `document.querySelector('#find').value.endsWith('gk?n/ zen') && location.pathname === '/contacts'`)
	b.do(chromedp.SetValue("#find", "zenaide"), chromedp.SendKeys("#find", "\r"))
	b.until("the search finds", `location.pathname === '/search' && document.querySelector('#found-contacts')?.innerText.includes('Zenaide')`)
	b.do(chromedp.Blur("#find"))
	keys("?")
	b.until("? shows the card", `document.querySelector('#shortcuts[open] .shortcut-list')`)
	keys("gc")
	b.until("not in the dialog", `location.pathname === '/search' && document.querySelector('#shortcuts[open]')`)
	b.do(chromedp.Click("#shortcuts button[name=keys]"))
	b.until("switched off", `location.pathname === '/shortcuts' && !document.body.dataset.keys`)
	keys("gc?n")
	b.until("then letters do nothing", `location.pathname === '/shortcuts' && !document.querySelector('dialog[open]')`)
	b.do(chromedp.Click("button[name=keys]"))
	b.until("and on again", `document.body.dataset.keys`)
	keys("n")
	b.until("n makes something", `location.pathname === '/contacts/new'`)

	b.do(chromedp.Navigate(w.url+"/recycle-bin"), chromedp.Click("#bin-contacts [data-choose-all]"), chromedp.Click("#bin-contacts button[name=destroy]"))
	b.until("both are asked about", `document.querySelector('#bin-question')?.innerText.includes('2 records')`)
	b.do(chromedp.Click("#bin-question button[name=yes]"))
	b.until("and gone", `document.querySelector('#toast') && !document.querySelector('#bin-contacts tr[data-id]')`)
	b.quiet()
}
