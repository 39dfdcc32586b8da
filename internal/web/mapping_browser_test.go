package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// In a real browser, in Portuguese: rows are found by a word, what is in use elsewhere cannot be chosen twice, the example
// follows, and a change is asked about before it is done.
func TestS26_TheDialogInABrowser(t *testing.T) {
	w := newWorld(t)
	c := w.contact(adele, record.Fields{record.LastName: "Silva", record.OtherPhone: "+55 11 3333-0001"})
	link := w.link(adele, record.Contacts, []reconcile.Entry{{Pair: reconcile.Pair{CRM: c.ID.Ref(), Microsoft: "m1", State: reconcile.Synced}}},
		func(*reconcile.Link) {})
	b := chrome(t)
	b.signIn(w, adele)
	b.do(chromedp.Navigate(w.url+mappingPath), chromedp.Click("#user-menu summary"), chromedp.Click(`button[value="pt-BR"]`))
	b.until("in Portuguese", `document.documentElement.lang === 'pt-BR' && document.querySelector('#mapping-form')`)

	b.do(chromedp.SendKeys("#mapping-filter", "residencial"))
	b.until("what is looked for is left", `[...document.querySelectorAll('.mapping-row:not([hidden])')].map(r => r.dataset.microsoft).includes('homePhones[1]')
		&& !document.querySelector('.mapping-row[data-microsoft="birthday"]').offsetParent`)
	b.until("a field in use is not to be had twice", `document.querySelector('#c-homePhones-1 option[value=Home_Phone]').disabled
		&& !document.querySelector('#c-homePhones-0 option[value=Home_Phone]').disabled && document.querySelector('#w-homePhones-1').disabled`)
	b.until("a field is chosen", `(s => { s.value = 'Other_Phone'; return s.dispatchEvent(new Event('change', {bubbles: true})) })(document.querySelector('#c-homePhones-1'))`)
	b.until("the example follows", `document.querySelector('#example-outlook').innerText.includes('+55 11 3333-0001') && !document.querySelector('#w-homePhones-1').disabled`)
	b.do(chromedp.Click(`.mapping-foot button[value=save]`))
	b.until("it is asked about", `document.querySelector('#change-count')?.dataset.affected === '1' && document.querySelector('h1').textContent.includes('Mudar os campos')`)
	b.do(chromedp.Click(`#mapping-yes button[value=edit]`))
	b.until("going back keeps it", `document.querySelector('#c-homePhones-1')?.value === 'Other_Phone'`)
	b.do(chromedp.Click(`.mapping-foot button[value=save]`))
	b.until("asked again", `document.querySelector('#mapping-change')`)
	b.do(chromedp.Click(`#mapping-yes button[value=save]`))
	b.until("the card tells of it", `document.querySelector('#card-contacts .comparing') && document.querySelector('#toast')?.textContent.includes('Os campos mudaram')`)
	l, err := w.store.Links().Link(t.Context(), w.org.ID, link.ID)
	w.must(err)
	if row, _ := rowFor(l.Mapping, "homePhones[1]"); row != (mapping.Row{Microsoft: "homePhones[1]", CRM: record.OtherPhone}) {
		t.Errorf("the link's row: %+v", row)
	}
	b.quiet()
}
