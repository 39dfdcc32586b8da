package web

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tandem/internal/account"
)

// In a real browser: the dialog over the list, people picked in two searches, and a list that follows what others do.
func TestS8_PickingInTheDialog(t *testing.T) {
	w := newWorld(t)
	one := chrome(t)
	one.signIn(w, "admin@contoso.example")
	one.do(chromedp.Navigate(w.url + "/connect/microsoft?for=directory"))
	one.until("Microsoft asks, or it is allowed", `document.querySelector('#pick, #consent, #directory-people')`)
	if asked, _ := chromedp.Run(one.ctx, chromedp.Evaluate[bool](`!!document.querySelector('#pick')`)); asked {
		one.do(chromedp.Click(`button[value="admin@contoso.example"]`))
		one.until("consent", `document.querySelector('#consent, #directory-people')`)
	}
	if asked, _ := chromedp.Run(one.ctx, chromedp.Evaluate[bool](`!!document.querySelector('#consent')`)); asked {
		one.do(chromedp.Click(`button[value="accept"]`))
	}
	one.until("the directory as a page", `document.querySelector('#directory-people .pick-list')`)

	one.do(chromedp.Navigate(w.url+usersPath), chromedp.Click("#open-directory"))
	one.until("the dialog is open", `document.querySelector('#directory').open && document.activeElement.id === 'directory-q'`)
	search := func(text string) {
		one.until("the search box is empty", `(document.querySelector('#directory-q').value = '') === ''`)
		one.do(chromedp.SendKeys("#directory-q", text))
	}
	pick := func(name, upn string) {
		id := w.oid(upn)
		search(name)
		one.until("the search finds "+name, `document.querySelectorAll('.pick-list input[name=person]').length < 10 && document.querySelector('.pick-list input[value="`+id+`"]')`)
		one.do(chromedp.Click(`.pick-list input[value="` + id + `"]`))
		one.until(name+" is picked", `document.querySelector('.picked [data-id="`+id+`"]')`)
	}
	pick("lee", "lee@contoso.example")
	pick("grady", "grady@contoso.example")
	pick("isaiah", "isaiah@contoso.example")
	one.until("three are picked", `document.querySelectorAll('.picked li').length === 3`)
	one.do(chromedp.Click(`.picked [data-id="` + w.oid("isaiah@contoso.example") + `"] button`))
	one.until("one is taken off, and so in the list", `document.querySelectorAll('.picked li').length === 2 && !document.querySelector('.pick-list input:checked')`)

	search("gr")
	one.until("who was picked before is ticked again", `document.querySelector('.pick-list input[value="`+w.oid("grady@contoso.example")+`"]:checked')`)
	search(" ")
	one.until("everybody", `document.querySelectorAll('.pick-list input[name=person]').length === 40`)
	one.do(chromedp.Click("#directory-more a"))
	one.until("more of them", `document.querySelectorAll('.pick-list input[name=person]').length === 80`)
	one.do(chromedp.Click("#directory-form button[name=save]"))
	one.until("two are invited", `document.querySelector('#invited')?.innerText.includes('2 invitations')`)
	for upn, want := range map[string]bool{"lee@contoso.example": true, "grady@contoso.example": true, "isaiah@contoso.example": false} {
		if u, ok := w.found(w.org, upn); ok != want || ok && u.State != account.Invited {
			t.Errorf("%s is invited: %v", upn, ok)
		}
	}

	megan := w.asks("megan@contoso.example")
	w.live.say(w.org.ID, Event{Topic: UsersChanged})
	one.until("who asks appears by themselves", `document.querySelector('.asking [data-id="`+megan.ID.String()+`"]')`)
	// What is being chosen or typed is left alone by news of others.
	one.until("another profile is chosen", `(document.querySelector('.asking select').value = 'Administrator') === 'Administrator'`)
	isaiah := w.asks("isaiah@contoso.example")
	w.live.say(w.org.ID, Event{Topic: UsersChanged})
	one.until("another one asks", `document.querySelector('.asking [data-id="`+isaiah.ID.String()+`"]')`)
	one.until("the choice stands", `document.querySelector('.asking [data-id="`+megan.ID.String()+`"] select').value === 'Administrator'`)
	one.until("and no other one is made", `document.querySelector('.asking [data-id="`+isaiah.ID.String()+`"] select').value === 'Standard'`)
	two := newTab(t, one.ctx)
	two.do(chromedp.Navigate(w.url+userPath(isaiah.ID)), chromedp.SendKeys("#f-word", "Not now"))
	w.must(w.store.Accounts().SignedIn(t.Context(), w.org.ID, isaiah.ID, w.now().Add(-48*time.Hour)))
	w.live.say(w.org.ID, Event{Topic: UsersChanged})
	two.until("the page has the news", `!document.querySelector('.facts').innerText.includes('never')`)
	two.until("the word stands", `document.querySelector('#f-word').value === 'Not now'`)
	two.do(chromedp.Click(".decline button"))
	two.until("declined", `location.pathname === '/setup/users'`)

	one.do(chromedp.Click(`.asking [data-id="` + megan.ID.String() + `"] .approve button`))
	one.until("and is in", `document.querySelector('#user[data-state=active]')`)
	if u := w.reread(megan); u.Profile != account.Administrator {
		t.Errorf("the profile is %q", u.Profile)
	}

	one.mu.Lock()
	defer one.mu.Unlock()
	if len(one.complaints) > 0 {
		t.Errorf("the browser complains: %q", one.complaints)
	}
}
