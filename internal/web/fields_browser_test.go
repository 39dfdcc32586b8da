package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// In a real browser: a field is made, stands on a contact on a telephone as on a desk, and goes out of use after a question.
// Nothing is wider than the window.
func TestFieldsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.everyField()
	size := w.customField(crm.FieldDraft{Label: "Número do sapato", Type: "double"})
	c := w.contact("admin@contoso.example", record.Fields{record.LastName: "Silva", size.Name: "42.5"})
	b := chrome(t)
	b.signIn(w, "admin@contoso.example")
	fits := `document.documentElement.scrollWidth <= document.documentElement.clientWidth`
	for _, width := range []int64{1280, 360} {
		b.do(chromedp.EmulateViewport(width, 800))
		for _, each := range []struct{ name, path string }{
			{"fields", fieldsPath}, {"fields-new", fieldsPath + "/new"}, {"fields-one", fieldsPath + "/" + size.ID.String()},
			{"fields-retire", fieldsPath + "/" + size.ID.String() + "/retire"}, {"fields-contact", "/contacts/" + c.ID.String()},
		} {
			b.do(chromedp.Navigate(w.url + each.path))
			b.until("the page "+each.path, `document.querySelector('#main h1')`)
			b.until(each.path+" fits", fits)
			if width == 360 {
				b.shot(each.name + "-narrow")
			} else {
				b.shot(each.name)
			}
		}
	}
	b.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(w.url+fieldsPath+"/new"), chromedp.SendKeys("#f-label", "Contract"), chromedp.Click("#field-form button[name=save]"))
	b.until("it is on the list", `document.querySelector('#field-list tr[data-name=Contract]') && document.querySelector('#toast')?.textContent.includes('Contract')`)
	b.do(chromedp.Navigate(w.url+"/contacts/"+c.ID.String()), chromedp.SendKeys("#f-Contract", "A-1"), chromedp.Click(`button[form=contact-form][name=save]`))
	b.until("it is kept", `document.querySelector('#toast')?.textContent.trim() && document.querySelector('#f-Contract')?.value === 'A-1' && document.querySelector('#f-`+string(size.Name)+`').value === '42.5'`)
	b.do(chromedp.Navigate(w.url+fieldsPath+"/"+size.ID.String()), chromedp.Click("#field-retire"))
	b.until("it is asked", `document.querySelector('#values')?.dataset.values === '1'`)
	b.do(chromedp.Click("#field-question form button"))
	b.until("it is out of use", `document.querySelector('#unused-list tr[data-name="`+string(size.Name)+`"]')`)
	b.quiet()
}
