package web

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/store"
)

// inlineWorld is a world whose pages hear of what is stored, and a browser at one of them.
func inlineWorld(t *testing.T) (*world, *tab) {
	w := newWorld(t)
	b := chrome(t)
	t.Cleanup(w.store.OnCommit(func(c store.Commit) {
		topic := ContactsChanged
		if c.Kind == record.Calendar {
			topic = CalendarChanged
		}
		w.live.say(c.Org, Event{Topic: topic})
	}))
	b.signIn(w, "admin@contoso.example")
	return w, b
}

// typed is a value in a field as if a person had typed it, in place of what was there.
func (b *tab) typed(sel, value string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const c = document.querySelector(%q); c.value = %q; for (const kind of ["input", "change"]) c.dispatchEvent(new Event(kind, { bubbles: true })) })()`, sel, value))
}

// held is the record as it is stored.
func (w *world) held(upn string, r crm.Record) crm.Record {
	w.t.Helper()
	now, err := w.crm.Get(w.t.Context(), w.actor(upn), r.Kind, r.ID)
	w.must(err)
	return now
}

// puts changes a record as another person or sync would.
func (w *world) puts(upn string, r crm.Record, fields record.Fields) {
	w.t.Helper()
	_, err := one(w.crm.Update(w.t.Context(), w.actor(upn), r.Kind, []crm.Draft{{ID: r.ID, Fields: fields}}))
	w.must(err)
}

// In a real browser: a value of a contact is changed where it stands, by keys and by hand, alone; what is wrong stands beside it;
// what others change meanwhile comes in and takes nothing away; who types what somebody else changes chooses.
func TestAValueIsChangedWhereItStands(t *testing.T) {
	const admin = "admin@contoso.example"
	w, b := inlineWorld(t)
	c := w.contact(admin, record.Fields{record.FirstName: "Ana", record.LastName: "Souza", record.Title: "CEO", record.Description: "Old"})
	has := func(name record.Field, value record.Value) {
		t.Helper()
		if got := w.held(admin, c).Fields[name]; got != value {
			t.Errorf("%s is %q and should be %q", name, got, value)
		}
	}
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.url+"/contacts/"+c.ID.String()))
	b.until("it listens", `document.querySelector('#contact-form.inline-edit')`)

	// Enter saves this field alone, Tab goes on and leaves what is typed, Escape takes it back.
	b.do(chromedp.SendKeys("#f-Department", "Sales"+kb.Tab))
	b.until("the next field", `document.activeElement.id !== 'f-Department' && document.querySelector('.typed #f-Department')`)
	b.do(b.typed("#f-Title", ""), chromedp.SendKeys("#f-Title", "CTO"+kb.Enter))
	b.until("saved, and said", `document.querySelector('#inline-said').textContent === 'Position: saved.' && document.querySelector('#toast') && document.querySelector('.page-head').innerText.includes('CTO')`)
	b.until("the other stays typed", `document.querySelector('#f-Department').value === 'Sales' && document.querySelector('.typed #f-Department') && document.activeElement.id === 'f-Title' && !document.querySelector('.typed #f-Title')`)
	has(record.Title, "CTO")
	has(record.Department, "")
	b.do(chromedp.SendKeys("#f-Department", kb.Escape))
	b.until("as it was", `document.querySelector('#f-Department').value === '' && !document.querySelector('.typed')`)

	// A button does the same, and longer texts take Ctrl+Enter.
	b.do(chromedp.SendKeys("#f-Mobile", "+55 11 91234-5678"), chromedp.Click(".typed .inline-deeds button:first-child"))
	b.until("saved by hand", `document.querySelector('#inline-said').textContent === 'Mobile: saved.'`)
	b.do(b.typed("#f-Description", "New\ntext"), chromedp.Evaluate[chromedp.Void](`document.querySelector('#f-Description').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true }))`))
	b.until("saved by keys", `document.querySelector('#inline-said').textContent === 'Description: saved.'`)
	has(record.Mobile, "+55 11 91234-5678")
	has(record.Description, "New\ntext")

	// What is wrong is said by the field, and nothing is stored.
	b.do(b.typed("#f-Last_Name", ""), chromedp.SendKeys("#f-Last_Name", kb.Enter))
	b.until("said by the field", `document.querySelector('.field.wrong [data-field-error=Last_Name]') && document.querySelector('#f-Last_Name').getAttribute('aria-invalid') === 'true' && document.activeElement.id === 'f-Last_Name'`)
	if source, err := os.ReadFile(axePath); err == nil {
		if got := b.axe(string(source)); got != "" {
			t.Error(got)
		}
	}
	b.shot("inline-wrong")
	has(record.LastName, "Souza")
	b.do(chromedp.SendKeys("#f-Last_Name", kb.Escape))
	b.until("nothing is wrong any more", `!document.querySelector('[aria-invalid=true], .wrong') && document.querySelector('#f-Last_Name').value === 'Souza'`)

	// What somebody else saves comes in, and what is typed stays; saving it afterwards loses neither.
	b.do(chromedp.SendKeys("#f-Department", "Sales"))
	w.puts(admin, c, record.Fields{record.FirstName: "Anna"})
	b.until("brought up to date", `document.querySelector('#f-First_Name').value === 'Anna' && document.querySelector('#changed').innerText.includes('First name') && document.querySelector('#f-Department').value === 'Sales'`)
	b.do(chromedp.SendKeys("#f-Department", kb.Enter))
	b.until("saved beside it", `document.querySelector('#inline-said').textContent === 'Department: saved.'`)
	has(record.FirstName, "Anna")
	has(record.Department, "Sales")

	// Both in one field: a choice, by the field.
	for _, take := range []string{"theirs", "mine"} {
		b.do(b.typed("#f-Title", "mine "+take), chromedp.SendKeys("#f-Title", "!"))
		w.puts(admin, c, record.Fields{record.Title: record.Value("theirs " + take)})
		b.until("a choice", `document.querySelector('.inline-choice')?.innerText.includes('theirs `+take+`') && document.querySelector('#f-Title').value === 'mine `+take+`!'`)
		if source, err := os.ReadFile(axePath); err == nil {
			if got := b.axe(string(source)); got != "" {
				t.Error(got)
			}
		}
		b.shot("inline-choice")
		b.do(chromedp.SendKeys("#f-Title", kb.Enter))
		b.until("the choice comes first", `document.querySelector('#inline-said').textContent.startsWith('Meanwhile') && document.querySelector('.inline-choice')`)
		has(record.Title, record.Value("theirs "+take))
		b.do(chromedp.Click(".inline-choice [data-take=" + take + "]"))
		if take == "theirs" {
			b.until("theirs", `document.querySelector('#f-Title').value === 'theirs theirs' && !document.querySelector('.typed, .inline-choice')`)
			continue
		}
		b.do(chromedp.SendKeys("#f-Title", kb.Enter))
		b.until("mine is saved", `document.querySelector('#inline-said').textContent === 'Position: saved.' && !document.querySelector('.typed, .inline-choice')`)
		has(record.Title, "mine mine!")
	}

	// The form as a whole still goes at the version that was seen, and asks where it is an older one.
	b.do(b.typed("#f-Title", "form"), chromedp.Click("button[form=contact-form][name=save]"))
	b.until("saved whole", `document.querySelector('#toast')?.textContent.includes('Anna') && document.querySelector('#f-Title')?.defaultValue === 'form'`)
	b.quiet()
}

// In a real browser: fields of an event are saved where they stand; when it is goes together; what would mail people is asked as the form asks.
func TestAnEventIsChangedWhereItStands(t *testing.T) {
	const admin = "admin@contoso.example"
	w, b := inlineWorld(t)
	e := w.event(admin, record.Fields{record.EventTitle: "Visit", record.TimeZone: "America/Sao_Paulo", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:30"})
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.url+"/calendar/"+e.ID.String()))
	b.until("it listens", `document.querySelector('#event-form.inline-edit')`)
	b.do(chromedp.SendKeys("#f-Venue", "Room 9"+kb.Enter))
	b.until("saved", `document.querySelector('#inline-said').textContent === 'Place: saved.' && document.querySelector('#toast .undo')`)
	b.do(b.typed("#f-Start_DateTime", "2026-11-26T14:00"))
	b.until("the end follows", `document.querySelector('#f-End_DateTime').value === '2026-11-26T15:30'`)
	b.do(b.typed("#f-Event_Title", "Visit us"), chromedp.Click(".when .inline-deeds button:first-child"))
	b.until("both are saved", `document.querySelector('#inline-said').textContent === 'When: saved.' && document.querySelector('.page-head').innerText.includes('2:00')`)
	got := w.held(admin, e).Fields
	if got[record.Start] != "2026-11-26T17:00:00Z" || got[record.End] != "2026-11-26T18:30:00Z" || got[record.Venue] != "Room 9" || got[record.EventTitle] != "Visit" {
		t.Errorf("stored: %v", got)
	}
	b.until("the title stays typed", `document.querySelector('#f-Event_Title').value === 'Visit us' && document.querySelector('.typed #f-Event_Title')`)
	w.puts(admin, e, record.Fields{record.AllDay: "true", record.Start: "2026-11-27", record.End: "2026-11-28"})
	b.until("days come in", `document.querySelector('#f-Start_DateTime').value === '2026-11-27' && document.querySelector('#f-All_day').checked && document.querySelector('#event-form.all-day')`)
	b.do(chromedp.SendKeys("#f-Event_Title", kb.Enter))
	b.until("saved beside it", `document.querySelector('#inline-said').textContent === 'Title: saved.'`)
	if got := w.held(admin, e).Fields; got[record.EventTitle] != "Visit us" || got[record.AllDay] != "true" || got[record.Start] != "2026-11-27" {
		t.Errorf("stored: %v", got)
	}

	m := w.meeting(admin, record.Attendance{People: []record.Attendee{{Name: "Megan Bowen", Address: "megan@contoso.example"}}})
	b.do(chromedp.Navigate(w.url + "/calendar/" + m.ID.String()))
	b.until("it listens", `document.querySelector('#event-form.inline-edit')`)
	b.do(chromedp.SendKeys("#f-Venue", "Room 7"+kb.Enter))
	b.until("it asks before it mails", `document.querySelector('#mail-ask')`)
	if got := w.held(admin, m).Fields[record.Venue]; got == "Room 7" {
		t.Error("stored without a word")
	}
	b.quiet()
}
