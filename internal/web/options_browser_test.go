package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// In a real browser: the options of a sync and the participants of an event, wide and narrow; what is typed is kept.
func TestOptionsAndParticipantsInABrowser(t *testing.T) {
	const adele = "adele@contoso.example"
	w := newWorld(t)
	w.contact(adele, record.Fields{record.FirstName: "Ana", record.LastName: "Silva", record.EmailField: "ana@client.example"})
	e := w.event(adele, record.Fields{
		record.EventTitle: "Visita", record.Start: "2026-11-24T09:00", record.End: "2026-11-24T10:00",
		record.Participants: crm.PeopleValue([]crm.Participant{{Type: crm.EmailTakesPart, Email: "somebody.with.a.long.address@a-very-long-domain.example"}}),
	})
	w.must(choose(w, adele, "id-Family"))
	b := chrome(t)
	b.signIn(w, adele)
	fits := `document.documentElement.scrollWidth <= document.documentElement.clientWidth`
	for _, width := range []int64{1280, 360} {
		b.do(chromedp.EmulateViewport(width, 900))
		for _, each := range []struct{ name, path string }{
			{"options-calendar", marketplacePath + "/calendar/options"}, {"participants", "/calendar/" + e.ID.String()}, {"busy-agenda", "/calendar?view=agenda&date=2026-11-23"},
			{"busy-week", "/calendar?view=week&date=2026-11-24"},
		} {
			b.do(chromedp.Navigate(w.url + each.path))
			b.until("the page "+each.path, `document.querySelector('#main h1')`)
			if each.name == "busy-week" {
				b.until("the busy times", `document.querySelector('.busy, .ec-bg-event')`)
			}
			b.until(each.path+" fits", fits)
			name := each.name
			if width == 360 {
				name += "-narrow"
			}
			b.shot(name)
		}
	}
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.url+"/calendar/"+e.ID.String()), chromedp.SendKeys("#participants_new", "Ana Silva"), chromedp.Click("button[name=save]"))
	b.until("both take part", `document.querySelector('#toast')?.textContent.trim() && document.querySelectorAll('#people input[type=checkbox]').length === 2`)
	b.quiet()
}
