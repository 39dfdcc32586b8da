package web

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tandem/internal/account"
	"tandem/internal/record"
)

// Whom an event is about is looked for and chosen on its form, without script too; nothing else that was typed is lost by looking.
func TestWhomAnEventIsAboutIsChosenOnItsForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.contact(someone, record.Fields{record.FirstName: "Ana", record.LastName: "Silva", record.EmailField: "ana@x.example"})
	rui := w.contact(someone, record.Fields{record.FirstName: "Rui", record.LastName: "Silva"})
	w.contact(colleague, record.Fields{record.LastName: "Silva Alheia"})
	b := w.as(someone)
	typed := []string{"Event_Title", "Visita", "Start_DateTime", "2096-11-25T10:00", "End_DateTime", "2096-11-25T11:00", "Time_Zone", "America/Sao_Paulo", "Venue", "Sala 9"}
	looked := b.post("/calendar", append(typed, "who_find", "silva", "who_look", "1")...)
	if looked.status != 200 || !strings.Contains(looked.body, `name="Who_Id" value="`+ana.ID.String()+`"`) || !strings.Contains(looked.body, `name="Who_Id" value="`+rui.ID.String()+`"`) ||
		strings.Contains(looked.body, "Alheia") || !strings.Contains(looked.body, `value="Sala 9"`) {
		t.Fatalf("%d %s", looked.status, looked.text())
	}
	if list := b.get("/calendar/list?when=all"); list.rows() != "" {
		t.Errorf("looking saved %s", list.rows())
	}
	made := b.post("/calendar", append(typed, "who_find", "silva", "Who_Id", ana.ID.String())...)
	if made.status != 200 || !strings.Contains(made.body, `name="Who_Id" value="`+ana.ID.String()+`" checked`) {
		t.Fatalf("%d %s", made.status, made.text())
	}
	if got := b.get("/contacts/" + ana.ID.String()); !strings.Contains(got.text(), "Visita") || !strings.Contains(got.body, "/calendar/list?who="+ana.ID.String()) {
		t.Errorf("her page: %s", got.text())
	}
	if got := b.get("/calendar/list?who=" + ana.ID.String()); got.rows() != "Visita" {
		t.Errorf("the list about her: %s", got.rows())
	}
	// Looking for another one keeps the one it has; nobody found is said.
	again := b.post(made.path, append(typed, "version", "1", "Who_Id", ana.ID.String(), "who_find", "rui", "who_look", "1")...)
	if !strings.Contains(again.body, `value="`+ana.ID.String()+`" checked`) || !strings.Contains(again.body, `name="Who_Id" value="`+rui.ID.String()+`"`) {
		t.Errorf("%s", again.text())
	}
	if got := b.post(made.path, append(typed, "version", "1", "Who_Id", ana.ID.String(), "who_find", "zzz", "who_look", "1")...); !strings.Contains(got.text(), "No contact is found") {
		t.Errorf("%s", got.text())
	}
	if got := b.post(made.path, append(typed, "version", "1", "Who_Id", "")...); strings.Contains(got.body, `value="`+ana.ID.String()+`"`) {
		t.Errorf("about nobody: %s", got.text())
	}

	// The script's answer is the same people's, and whoever sees no contacts chooses none.
	if got := b.get("/contacts/pick?q=silva"); strings.Count(got.body, `role="option"`) != 2 || !strings.Contains(got.body, "2 contacts found") || strings.Contains(got.body, "Alheia") {
		t.Errorf("%s", got.body)
	}
	w.profile(someone, func(p *account.Permissions) { p.Contacts = record.Access{} })
	if got := b.get("/contacts/pick?q=silva").status; got != 403 {
		t.Errorf("who sees no contacts: %d", got)
	}
	if got := b.get("/calendar/new"); got.status != 200 || strings.Contains(got.body, "who_find") {
		t.Errorf("who sees no contacts is offered them: %d", got.status)
	}
}

// In a browser the box offers contacts as one types, to the keys as to the mouse, and Enter in it saves nothing.
func TestTheBoxOfContactsInABrowser(t *testing.T) {
	w := newWorld(t)
	ana := w.contact(someone, record.Fields{record.FirstName: "Ana", record.LastName: "Silva"})
	rui := w.contact(someone, record.Fields{record.FirstName: "Rui", record.LastName: "Silva"})
	b := chrome(t)
	b.signIn(w, someone)
	b.do(chromedp.Navigate(w.url+"/calendar/new"), chromedp.SendKeys("#f-Event_Title", "Visita"), chromedp.SendKeys("#who_find", "silva"))
	b.until("both are offered", `document.querySelectorAll('#who-options [role=option]').length === 2 && document.querySelector('#who_find').getAttribute('aria-expanded') === 'true' && document.querySelector('#who-said').textContent.startsWith('2 ')`)
	b.shot("event-who")
	b.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown))
	b.until("the keys go through them", `document.querySelector('#who_find').getAttribute('aria-activedescendant') === 'who-`+rui.ID.String()+`'`)
	b.do(chromedp.KeyEvent("\r"))
	b.until("he is chosen, nothing is saved", `location.pathname === '/calendar/new' && document.querySelector('#event-form').elements.Who_Id.value === '`+rui.ID.String()+`' && document.querySelector('#who-said').textContent === 'Rui Silva is chosen.'`)
	b.do(chromedp.SendKeys("#who_find", "ana"))
	b.until("she is offered", `document.querySelectorAll('#who-options:not([hidden]) [role=option]').length === 1`)
	b.do(chromedp.Click("#who-" + ana.ID.String()))
	b.until("she is chosen instead", `document.querySelector('#event-form').elements.Who_Id.value === '`+ana.ID.String()+`' && document.querySelector('#who-options').hidden`)
	b.do(chromedp.SendKeys("#who_find", "x"))
	b.do(chromedp.KeyEvent("\r"))
	b.until("Enter in the box saves nothing", `location.pathname === '/calendar/new'`)
	b.do(chromedp.Click("button.primary[name=save]"))
	b.until("it is about her", `location.pathname !== '/calendar/new' && document.querySelector('#who input:checked')?.value === '`+ana.ID.String()+`'`)
	b.quiet()
}
