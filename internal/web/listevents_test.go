package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// eventAt makes an event of an hour; days far from now, so that no test depends on the day it is run.
func (w *world) eventAt(upn, title, start string, more record.Fields) crm.Record {
	w.t.Helper()
	end := strings.Replace(start, "T10:00", "T11:00", 1)
	return w.event(upn, record.Fields{record.EventTitle: record.Value(title), record.Start: record.Value(start), record.End: record.Value(end), record.TimeZone: "America/Sao_Paulo"}.With(more))
}

// Events are a list, too: by time, owner, title, related contact and place in Outlook, with the conditions, columns and names that
// lists of contacts have.
func TestEventsAreListedFilteredAndOrdered(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	ana := w.contact(admin, record.Fields{record.FirstName: "Ana", record.LastName: "Souza"})
	hidden := w.contact(someone, record.Fields{record.LastName: "Of Adele"})
	visit := w.eventAt(admin, "Visita", "2096-11-25T10:00", record.Fields{record.WhoID: record.Value(ana.ID.String()), record.Venue: "Sala 9"})
	w.eventAt(admin, "Almoço", "2096-11-26T10:00", record.Fields{record.Tag: "vip"})
	w.eventAt(admin, "Antiga", "2006-11-25T10:00", nil)
	w.eventAt(admin, "Semanal", "2006-11-24T10:00", record.Fields{record.Recurring: "FREQ=WEEKLY"})
	w.eventAt(someone, "Dela", "2096-11-24T10:00", record.Fields{record.WhoID: record.Value(hidden.ID.String())})
	w.eventAt(someone, "Aaa secret", "2096-11-23T10:00", record.Fields{record.Sensitivity: "private"})
	w.grant(admin)
	w.link(admin, record.Calendar, []reconcile.Entry{{Pair: reconcile.Pair{CRM: visit.ID.Ref(), Microsoft: "m/1", State: reconcile.Synced}}}, func(*reconcile.Link) {})
	b := w.as(admin)
	for path, want := range map[string]string{
		"":                                   "Semanal,Visita,Almoço",
		"?when=past":                         "Antiga",
		"?when=all":                          "Semanal,Antiga,Visita,Almoço",
		"?when=all&sort=start&dir=desc":      "Almoço,Visita,Antiga,Semanal",
		"?when=past&owner=all":               "Antiga",
		"?owner=all":                         "Semanal,Private event,Dela,Visita,Almoço",
		"?owner=all&sort=name":               "Almoço,Dela,Semanal,Visita",
		"?owner=all&sort=Venue":              "Visita,Almoço,Semanal,Dela",
		"?when=between&from=2096-11-26":      "Semanal,Almoço",
		"?from=2096-11-25&to=2096-11-25":     "Semanal,Visita",
		"?when=between&to=2006-11-24":        "Semanal",
		"?when=coming&from=2096-11-26":       "Semanal,Visita,Almoço", // the days are those of "between"
		"?when=between&from=yesterday":       "Semanal,Antiga,Visita,Almoço",
		"?outlook=in":                        "Visita",
		"?outlook=out&when=all":              "Semanal,Antiga,Almoço",
		"?q=sala":                            "Visita",
		"?q=secret&owner=all":                "",
		"?who=" + ana.ID.String():            "Visita",
		"?who=" + hidden.ID.String():         "",
		"?f=Tag&o=is&v=vip":                  "Almoço",
		"?f=Venue&o=has&v=ala&owner=all":     "Visita",
		"?f=Event_Title&o=begins&v=v":        "Visita",
		"?when=sometime&outlook=up&who=them": "Semanal,Visita,Almoço",
	} {
		got := b.get("/calendar/list" + path)
		if got.status != 200 || got.rows() != want {
			t.Errorf("%s lists %q with %d, want %q", path, got.rows(), got.status, want)
		}
		if strings.Contains(got.body, "secret<") || strings.Contains(got.body, "Of Adele") && !strings.Contains(path, "who=") && !strings.Contains(path, "owner=all") {
			t.Errorf("%s tells what is somebody else's", path)
		}
	}
	got := b.get("/calendar/list?owner=all&who=" + ana.ID.String())
	if !strings.Contains(got.text(), "About Ana Souza") || !strings.Contains(got.body, `<a class="above" href="/contacts/`+ana.ID.String()+`">Ana Souza</a>`) {
		t.Errorf("whom it is about is not said: %s", got.text())
	}
	if got := b.get("/calendar/list"); !strings.Contains(got.text(), "every week") && !strings.Contains(got.text(), "Every week") || strings.Contains(got.text(), "2006") {
		t.Errorf("a series is not shown by its next day: %s", got.text())
	}
	if got := b.get("/calendar/list?owner=all&sort=name"); !strings.Contains(got.body, `id="not-private"`) {
		t.Error("that private events are left out is not said")
	}
	if got := b.get("/calendar?view=list&owner=all"); got.path != "/calendar/list?owner=all" || !strings.Contains(got.body, `href="/calendar/list?owner=all" data-view="list" aria-current`) {
		t.Errorf("the calendar leads to %s", got.path)
	}

	// Columns and names are those of lists of events alone.
	if got := b.post("/calendar/columns", "column", "Venue", "column", "Tag", "next", "/calendar/list?when=all"); got.path != "/calendar/list?when=all" || !strings.Contains(got.body, `data-label="Place"`) || strings.Contains(got.body, `class="c-badge"`) {
		t.Errorf("columns: %s", got.path)
	}
	if got := b.get("/contacts"); !strings.Contains(got.body, `class="c-badge"`) {
		t.Error("the columns of contacts changed with those of events")
	}
	q := url.Values{"when": {"past"}, "outlook": {"out"}, "f": {"Venue"}, "o": {"empty"}, "v": {""}}
	if got := b.post("/calendar/lists", "name", "Old ones", "list", q.Encode()); got.rows() != "Antiga" || !strings.Contains(got.body, ">Old ones<") {
		t.Errorf("saved: %s %s", got.path, got.rows())
	}
	if got := b.get("/contacts"); strings.Contains(got.body, "Old ones") {
		t.Error("a list of events stands above contacts")
	}
	if got := b.post("/calendar/lists/forget", "name", "Old ones"); strings.Contains(got.body, `>Old ones</a>`) {
		t.Error("it is not forgotten")
	}

	// Whoever sees only what is one's own sees nothing else.
	w.profile(someone, func(p *account.Permissions) { p.Events = record.OwnOnly })
	if got := w.as(someone).get("/calendar/list?owner=all"); got.rows() != "Aaa secret,Dela" {
		t.Errorf("Adele sees %s", got.rows())
	}
	if got := w.as("admin@fabrikam.example").get("/calendar/list?owner=all&when=all"); got.rows() != "" {
		t.Errorf("strangers see %s", got.rows())
	}
}

// What a list of events shows is what a mass update from it is about: time, contact and Outlook too.
func TestMassUpdatesOfEventsMeanWhatTheListShows(t *testing.T) {
	t.Parallel()
	const admin = "admin@contoso.example"
	w := newWorld(t)
	ana := w.contact(admin, record.Fields{record.LastName: "Souza"})
	about := record.Fields{record.WhoID: record.Value(ana.ID.String())}
	for i := range 60 {
		w.eventAt(admin, fmt.Sprintf("Futuro %02d", i), "2096-11-25T10:00", about)
	}
	w.eventAt(admin, "Passado", "2006-11-25T10:00", about)
	w.eventAt(admin, "Outro", "2096-11-25T10:00", nil)
	b := w.as(admin)
	list := b.get("/calendar/list?who=" + ana.ID.String())
	if strings.Count(list.body, `name="id"`) != pageSize || !strings.Contains(list.text(), "60 events") || !strings.Contains(list.body, `rel="next"`) {
		t.Fatalf("%s", list.text())
	}
	if got := b.get("/calendar/list?page=2&who=" + ana.ID.String()); strings.Count(got.body, `name="id"`) != 10 || !strings.HasPrefix(got.rows(), "Futuro 50,") {
		t.Errorf("the second page: %s", got.rows())
	}
	query := hiddenQuery(list.body, "event-pick")
	if got := b.get("/mass-update?" + query + "&all=1&do=tag"); !strings.Contains(got.body, "<strong>60 ") || !strings.Contains(got.text(), "About Souza") {
		t.Errorf("%s: %s", query, got.text())
	}
	path := b.stay().post("/mass-update", "query", query+"&all=1", "do", "tag", "Tag", "fair").header.Get("Location")
	if done := b.post(path); !counted(done.body, "changed", "60") {
		t.Errorf("%s", done.text())
	}
	if got := b.get("/calendar/list?when=all&f=Tag&o=is&v=fair"); !strings.Contains(got.text(), "60 events") {
		t.Errorf("%s", got.text())
	}
	if got := b.get("/mass-update?kind=calendar"); !strings.Contains(got.body, "<strong>62 ") {
		t.Errorf("unasked, a mass update is about %s", got.text())
	}
}

// hiddenQuery is what a form's hidden inputs say.
func hiddenQuery(body, form string) string {
	_, rest, _ := strings.Cut(body, `id="`+form+`"`)
	rest, _, _ = strings.Cut(rest, `<div`)
	q := url.Values{}
	for _, m := range hiddenOnes.FindAllStringSubmatch(rest, -1) {
		q.Add(m[1], m[2])
	}
	return q.Encode()
}

// In a browser the list follows what is chosen, and the days show up with the choice that they are for.
func TestTheListOfEventsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.eventAt(someone, "Visita", "2096-11-25T10:00", nil)
	w.eventAt(someone, "Antiga", "2006-11-25T10:00", nil)
	b := chrome(t)
	b.signIn(w, someone)
	b.do(chromedp.Navigate(w.url+"/calendar"), chromedp.Click(`a[href="/calendar/list"]`))
	names := `[...document.querySelectorAll('#event-list .cover')].map((a) => a.textContent).join()`
	b.until("what is to come is listed", names+` === 'Visita' && !document.querySelector('#list-from').checkVisibility()`)
	choose := func(value string) {
		b.says(`(() => { const s = document.querySelector('#list-when'); s.value = '` + value + `'; s.dispatchEvent(new Event('change', {bubbles: true})); return '' })()`)
	}
	choose("past")
	b.until("the list follows", names+` === 'Antiga' && location.search.includes('when=past')`)
	choose("between")
	b.until("the days can be said", `document.querySelector('#list-from').checkVisibility()`)
	b.says(`(() => { const d = document.querySelector('#list-from'); d.value = '2090-01-01'; d.dispatchEvent(new Event('change', {bubbles: true})); return '' })()`)
	b.until("they count", names+` === 'Visita' && location.search.includes('from=2090-01-01')`)
	w.eventAt(someone, "Nova", "2096-11-24T10:00", nil)
	w.live.say(w.org.ID, Event{Topic: CalendarChanged})
	b.until("the list is live", names+` === 'Nova,Visita'`)
	b.quiet()
}

// A list that others work on follows the hand: an answer about what it showed before, which comes late, does not bring that
// back, and what happens while a choice is on its way is not missed.
func TestALateAnswerDoesNotBringTheFormerListBack(t *testing.T) {
	w := newWorld(t)
	w.eventAt(someone, "Visita", "2096-11-25T10:00", nil)
	w.eventAt(someone, "Antiga", "2006-11-25T10:00", nil)
	b := chrome(t)
	b.signIn(w, someone)
	b.do(chromedp.Navigate(w.url + "/calendar/list"))
	names := `[...document.querySelectorAll('#event-list .cover')].map((a) => a.textContent).join()`
	b.until("what is to come is listed", names+` === 'Visita'`)
	// Answers to addresses with this in them are held back.
	b.says(`(() => {
		const fetch = window.fetch;
		window.held = [];
		window.fetch = async (...given) => {
			const answer = await fetch(...given);
			if (window.hold && String(given[0]).includes(window.hold)) await new Promise((go) => window.held.push(go));
			return answer;
		};
		window.release = () => { window.hold = ''; window.held.splice(0).forEach((go) => go()); };
		return '';
	})()`)
	choose := func(value string) {
		b.says(`(() => { const s = document.querySelector('#list-when'); s.value = '` + value + `'; s.dispatchEvent(new Event('change', {bubbles: true})); return '' })()`)
	}
	b.says(`window.hold = '/calendar/list'; ''`)
	w.live.say(w.org.ID, Event{Topic: CalendarChanged})
	b.until("the list asks for itself", `window.held.length > 0`)
	b.says(`window.hold = ''; ''`)
	choose("past")
	b.until("the list follows", names+` === 'Antiga'`)
	b.says(`window.release(); ''`)
	if b.within(500*time.Millisecond, names+` !== 'Antiga'`) {
		t.Errorf("the former list is back: %s", b.says(names))
	}

	b.says(`window.hold = 'when=all'; ''`)
	choose("all")
	b.until("the choice is on its way", `window.held.length === 1`)
	w.eventAt(someone, "Nova", "2096-11-24T10:00", nil)
	w.live.say(w.org.ID, Event{Topic: CalendarChanged})
	if b.within(500*time.Millisecond, `window.held.length > 1`) {
		t.Error("the list asks for itself while a choice is on its way")
	}
	b.says(`window.release(); ''`)
	b.until("what came meanwhile is there", names+`.split(',').sort().join() === 'Antiga,Nova,Visita'`)
	b.quiet()
}
