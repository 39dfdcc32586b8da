package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// S29, in a real browser: an administrator says what decides conflicts in the organization, whoever has not chosen begins with it; a person
// takes the value that gave way after all, and lets the sync go one way.
func TestS29_WhatDecidesConflictsInABrowser(t *testing.T) {
	const admin, alex = "admin@contoso.example", "alex@contoso.example"
	w := newWorld(t)
	c := w.contact(alex, record.Fields{record.LastName: "Souza", record.Title: "CEO"})
	b := chrome(t)
	clicks := func(winner string) {
		b.do(chromedp.Click(`#mapping-winner input[value="` + winner + `"]`))
		b.until(winner+" is chosen", `document.querySelector('#mapping-winner input:checked').value === '`+winner+`'`)
	}

	b.signIn(w, admin)
	b.do(chromedp.Navigate(w.url + mappingPath))
	b.until("the dialog", `document.querySelector('#mapping-winner input:checked')?.value === 'later'`)
	clicks("microsoft")
	b.do(chromedp.Click(`#mapping-common button`))
	b.until("it is said for all", `document.querySelector('#toast')?.textContent.includes('new syncs')`)

	b.forget()
	b.signIn(w, alex)
	b.do(chromedp.Navigate(w.url + mappingPath))
	b.until("Alex begins with it", `document.querySelector('#mapping-winner input:checked')?.value === 'microsoft' && document.querySelector('#mapping-origin').dataset.origin === 'organization'`)
	clicks("ask")
	b.do(chromedp.Click(`.mapping-foot button[value=save]`))
	b.until("the choice is kept", `document.querySelector('#card-contacts') && document.querySelector('#toast')?.textContent.trim()`)
	b.do(chromedp.Navigate(w.url + mappingPath))
	b.until("it is Alex's own", `document.querySelector('#mapping-winner input:checked')?.value === 'ask' && document.querySelector('#mapping-origin').dataset.origin === 'own'`)
	b.do(chromedp.Click(`.mapping-foot button[value=reset]`))
	b.until("the organization's is shown, and not saved", `document.querySelector('#mapping-winner input:checked')?.value === 'microsoft' && document.querySelector('#mapping-origin').innerText.includes('not saved yet')`)

	settings, _, err := reconcile.SettingsFor(t.Context(), w.site.Choices, w.org.ID, w.users[alex].ID, record.Contacts)
	w.must(err)
	if settings.Winner != reconcile.AskPerson {
		t.Errorf("Alex's choice is %q", settings.Winner)
	}

	w.grant(alex)
	link := w.link(alex, record.Contacts, []reconcile.Entry{{Pair: reconcile.Pair{CRM: c.ID.Ref(), Microsoft: "m1", State: reconcile.Synced}, History: []reconcile.HistoryLine{{
		At: w.now(), CRM: c.ID.Ref(), Microsoft: "m1", Side: reconcile.InCRM, Action: reconcile.Overruled, Reason: reconcile.ChangedBoth,
		Fields: record.Fields{record.Title: "CEO"}, Lost: []reconcile.Loss{{Field: record.Title, Side: reconcile.InCRM, Value: "CTO"}},
	}}}}, func(*reconcile.Link) {})
	b.do(chromedp.Navigate(w.url + "/history"))
	b.until("the value that gave way", `document.querySelector('#history-list').innerText.includes('CTO')`)
	b.do(chromedp.Click(`#history-list .lost button`))
	b.until("it is taken", `document.querySelector('#toast')?.textContent.trim()`)
	if now := w.contactNow(alex, c.ID); now.Fields[record.Title] != "CTO" {
		t.Errorf("the CRM has %q", now.Fields[record.Title])
	}

	b.do(chromedp.Navigate(w.url + marketplacePath + "/contacts/options"))
	b.until("the options", `document.querySelector('#options input[value=to_microsoft]')`)
	b.do(chromedp.Click(`#options input[value=to_microsoft]`), chromedp.Click(`#options button[value=save]`))
	b.until("it is asked about", `document.querySelector('#options-change')?.innerText.trim()`)
	b.do(chromedp.Click(`#options-yes button[value=save]`))
	b.until("the card tells of it", `document.querySelector('#card-contacts') && document.querySelector('#toast')?.textContent.trim()`)
	l, err := w.store.Links().Link(t.Context(), w.org.ID, link.ID)
	w.must(err)
	if l.Policy.Direction != mapping.ToMicrosoft {
		t.Errorf("the link goes %q", l.Policy.Direction)
	}
	b.quiet()
}
