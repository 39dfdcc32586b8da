package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// In a browser an open history, and an open timeline, show by themselves what sync did since.
func TestTheHistoryIsLiveInABrowser(t *testing.T) {
	w := newWorld(t)
	c := w.contact(someone, record.Fields{record.LastName: "Souza"})
	w.grant(someone)
	link := w.link(someone, record.Contacts, []reconcile.Entry{{Pair: reconcile.Pair{CRM: c.ID.Ref(), Microsoft: "m/1", State: reconcile.Synced}}}, func(*reconcile.Link) {})
	w.tell(link, updated(c, reconcile.InCRM, record.Title, "CEO", "CFO"))
	b := chrome(t)
	b.signIn(w, someone)
	for _, each := range []struct{ path, list string }{{"/history", "#history-list"}, {"/contacts/" + c.ID.String() + "/timeline", "#timeline"}} {
		b.do(chromedp.Navigate(w.url + each.path))
		b.until(each.path+" tells of what was", `document.querySelector('`+each.list+`').innerText.includes('CFO')`)
		b.says(`(() => { document.querySelector('h1').dataset.same = 'page'; return '' })()`)
		news := record.Value("Nova " + each.list[1:])
		w.tell(link, updated(c, reconcile.InMicrosoft, record.Department, "", news))
		w.live.say(w.org.ID, Event{Topic: LinksChanged})
		b.until(each.path+" tells of what came since, on the same page", `document.querySelector('`+each.list+`').innerText.includes('`+string(news)+`') && document.querySelector('h1').dataset.same === 'page'`)
	}
	b.quiet()
}
