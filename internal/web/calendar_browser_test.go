package web

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/store"
)

// A point of the window, in CSS pixels.
type point struct{ x, y float64 }

// middle is where an element stands, moved by some pixels.
func (b *tab) middle(selector string, dx, dy float64) point {
	b.t.Helper()
	b.until(selector+" is there", `document.querySelector(`+"`"+selector+"`"+`)`)
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(`(() => { const el = document.querySelector(%q); el.scrollIntoView({ block: "nearest" });
		const r = el.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`, selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return point{at[0] + dx, at[1] + dy}
}

// drag presses, moves and lets go, as a hand does with a mouse.
func (b *tab) drag(from, to point) {
	b.t.Helper()
	mouse := func(kind input.DispatchMouseEventType, at point, buttons int64) {
		p := input.DispatchMouseEventParams{Type: kind, X: at.x, Y: at.y, Button: input.MouseButtonLeft, Buttons: buttons, ClickCount: 1}
		b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, input.DispatchMouseEvent, p)
			return err
		}))
	}
	mouse(input.DispatchMouseEventTypeMouseMoved, from, 0)
	mouse(input.DispatchMouseEventTypeMousePressed, from, 1)
	for i := range 8 {
		part := float64(i+1) / 8
		mouse(input.DispatchMouseEventTypeMouseMoved, point{from.x + (to.x-from.x)*part, from.y + (to.y-from.y)*part}, 1)
	}
	mouse(input.DispatchMouseEventTypeMouseReleased, to, 0)
}

// finger holds an event until it lifts off, and carries it elsewhere.
func (b *tab) finger(from, to point) {
	b.t.Helper()
	touch := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
		p := input.DispatchTouchEventParams{Type: kind, TouchPoints: points}
		if points == nil {
			p.TouchPoints = []*input.TouchPoint{}
		}
		b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, input.DispatchTouchEvent, p)
			return err
		}))
	}
	touch(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: from.x, Y: from.y})
	b.until("it lifts off", `document.querySelector('.ec-dragging, .ec-ghost')`)
	for i := range 8 {
		part := float64(i+1) / 8
		touch(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: from.x + (to.x-from.x)*part, Y: from.y + (to.y-from.y)*part})
	}
	touch(input.DispatchTouchEventTypeTouchEnd)
}

// speak changes the language of the pages, by the person's own button.
func (b *tab) speak(lang string) {
	b.t.Helper()
	if other, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.lang !== '`+lang+`'`)); other {
		b.do(chromedp.Click(`.languages button[value="` + lang + `"]`))
		b.until("the language", `document.documentElement.lang === '`+lang+`' && document.readyState === 'complete'`)
	}
}

// calendarRig is a week of Adele's in a browser: the 23rd to the 29th of November 2026.
func calendarRig(t *testing.T) (*world, *tab, *browser) {
	t.Helper()
	w := newWorld(t)
	b := chrome(t)
	t.Cleanup(w.store.OnCommit(func(c store.Commit) { w.live.say(c.Org, Event{Topic: CalendarChanged}) }))
	b.do(chromedp.EmulateViewport(1280, 1000))
	b.signIn(w, "adele@contoso.example")
	return w, b, w.as("adele@contoso.example")
}

func (w *world) stored(path string) crm.Record {
	w.t.Helper()
	id, _ := record.ParseID(strings.TrimPrefix(path, "/calendar/"))
	r, err := w.crm.Get(w.t.Context(), w.actor("adele@contoso.example"), record.Calendar, id)
	w.must(err)
	return r
}

// told waits until the feed says when an event is.
func told(t *testing.T, b *browser, want ...string) {
	t.Helper()
	var all []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		all = starts(t, b)
		missing := false
		for _, each := range want {
			missing = missing || !strings.Contains(strings.Join(all, "\n"), each)
		}
		if !missing {
			return
		}
	}
	t.Fatalf("expected %v among %v", want, all)
}

// In the week a hand drags an event to another hour and makes it longer; what was done is taken back with a click.
func TestEventsAreDraggedAndResized(t *testing.T) {
	w, b, api := calendarRig(t)
	e := w.event("adele@contoso.example", record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
	one := fmt.Sprintf(`.ec-event[data-id="%s"]`, e.ID)
	b.do(chromedp.Navigate(w.url + "/calendar?view=week&date=2026-11-25"))
	b.until("the event", `document.querySelector('`+one+` .event-title')`)
	slot := 0.0
	if v, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.querySelector('`+one+`').offsetHeight / 2`)); err == nil {
		slot = v
	}
	from := b.middle(one, 0, 0)
	b.drag(from, point{from.x, from.y + 3*slot})
	told(t, api, "11-25T11:30 Visita")
	b.until("it is said", `document.querySelector('#toast')?.textContent.includes('Visita is moved.')`)
	b.until("we are still here", `location.pathname === '/calendar'`)
	b.shot("week-moved")
	b.do(chromedp.Click("#toast .undo button"))
	told(t, api, "11-25T10:00 Visita")
	b.until("it is said, too", `document.querySelector('#toast')?.textContent.includes('Taken back')`)

	// Its lower edge, an hour down.
	b.until("it stands where it was", `document.querySelector('`+one+`')?.dataset.start.includes('T10:00')`)
	edge := b.middle(one, 0, slot-2)
	b.drag(edge, point{edge.x, edge.y + 2*slot})
	b.until("longer", `document.querySelector('#toast')?.textContent.includes('is moved')`)
	if got := w.stored("/calendar/" + e.ID.String()).Fields; got[record.Start] != "2026-11-25T13:00:00Z" || got[record.End] != "2026-11-25T15:00:00Z" {
		t.Errorf("resized to %s – %s", got[record.Start], got[record.End])
	}

	// A finger in the month: another day, the same hour.
	b.do(chromedp.EmulateViewport(820, 1100), chromedp.Navigate(w.url+"/calendar?view=month&date=2026-11-25"))
	b.until("the month", `document.querySelector('.ec-day-grid `+one+`')`)
	from = b.middle(one, 0, 0)
	width, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.querySelector('.ec-day').offsetWidth`))
	if err != nil {
		t.Fatal(err)
	}
	b.finger(from, point{from.x + width, from.y})
	told(t, api, "11-26T10:00 Visita")
	b.quiet()
}

// A drag of one day of a series asks which days are meant; each choice does what it says, in both languages.
func TestADragOfASeriesAsks(t *testing.T) {
	w, b, api := calendarRig(t)
	for _, row := range []struct {
		lang, choice, question string
		want                   []string
		length                 int
	}{
		{"en", "", "Rodada repeats. What should move?", []string{"12-08T09:00 Rodada"}, 10},
		{"en", "this", "Rodada repeats. What should move?", []string{"12-01T09:00 Rodada", "12-09T09:00 Rodada", "12-15T09:00 Rodada"}, 10},
		{"pt-BR", "following", "Rodada se repete. O que deve mudar de lugar?", []string{"12-01T09:00 Rodada", "12-09T09:00 Rodada", "12-16T09:00 Rodada"}, 10},
		{"pt-BR", "all", "Rodada se repete. O que deve mudar de lugar?", []string{"12-02T09:00 Rodada", "12-09T09:00 Rodada", "12-16T09:00 Rodada"}, 10},
	} {
		path := w.round(nil)
		b.do(chromedp.Navigate(w.url + "/calendar?view=week&date=2026-12-08"))
		b.speak(row.lang)
		b.do(chromedp.Navigate(w.url + "/calendar?view=week&date=2026-12-08"))
		one := `.ec-event[data-event="` + strings.TrimPrefix(path, "/calendar/") + `/2026-12-08"]`
		from := b.middle(one, 0, 0)
		width, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.querySelector('.ec-time-grid .ec-main .ec-day, .ec-day').offsetWidth`))
		if err != nil {
			t.Fatal(err)
		}
		b.drag(from, point{from.x + width, from.y})
		b.until("the question", `document.querySelector('#series-dialog[open] h2')?.textContent === '`+row.question+`'`)
		b.shot("series-dialog-" + row.lang)
		b.do(chromedp.Click(`#series-dialog button[value="` + row.choice + `"]`))
		b.until("no more question", `!document.querySelector('#series-dialog[open]')`)
		if row.choice != "" {
			b.until("done", `document.querySelector('#toast .undo button')`)
		}
		told(t, api, row.want...)
		if all := starts(t, api); len(all) != row.length {
			t.Errorf("%s: %d days: %v", row.choice, len(all), all)
		}
		api.post(path + "/delete")
		for _, e := range feed(t, api, "2026-11-20T00:00:00", "2027-02-10T00:00:00") {
			id, _, _ := strings.Cut(e.ID, "/")
			api.post("/calendar/" + id + "/delete")
		}
	}
	b.quiet()
}

// WCAG 2.5.7: whoever cannot drag moves an event, and makes it longer, by taps alone: on the event, on its times, on Save. On a
// phone, with a finger; of a series the page asks which days are meant.
func TestWCAG257_AnEventIsMovedByTapsAlone(t *testing.T) {
	w, b, api := calendarRig(t)
	e := w.event("adele@contoso.example", record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
	series := w.round(nil)
	tap := func(selector string) {
		t.Helper()
		b.until(selector, `document.querySelector('`+selector+`')`)
		b.do(chromedp.ScrollIntoView(selector))
		at := b.middle(selector, 0, 0)
		for _, p := range []input.DispatchTouchEventParams{
			{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: []*input.TouchPoint{{X: at.x, Y: at.y}}},
			{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}},
		} {
			b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, input.DispatchTouchEvent, p)
				return err
			}))
		}
	}
	b.do(chromedp.EmulateViewport(360, 740), chromedp.Navigate(w.url+"/calendar?view=day&date=2026-11-25"))
	tap(fmt.Sprintf(`.ec-event[data-id="%s"] a`, e.ID))
	b.until("its page", `document.querySelector('[name=Start_DateTime]')?.value === '2026-11-25T10:00'`)
	b.do(chromedp.SetValue("[name=Start_DateTime]", "2026-11-26T14:30"), chromedp.SetValue("[name=End_DateTime]", "2026-11-26T16:00"))
	tap("button[name=save]")
	told(t, api, "11-26T14:30 Visita")
	if got := w.stored("/calendar/" + e.ID.String()).Fields; got[record.End] != "2026-11-26T19:00:00Z" {
		t.Errorf("it ends at %s", got[record.End])
	}

	b.do(chromedp.Navigate(w.url + "/calendar?view=day&date=2026-12-08"))
	tap(fmt.Sprintf(`.ec-event[data-id="%s"] a`, strings.TrimPrefix(series, "/calendar/")))
	b.until("the page of that day", `document.querySelector('[name=Start_DateTime]')?.value === '2026-12-08T09:00' && document.querySelector('button[name=to_scope][value=following]')`)
	tap(`button[name=to_scope][value=following]`)
	b.until("its page", `document.querySelector('[name=to_scope][value=following][aria-current]') && document.querySelector('button[name=save]')`)
	b.do(chromedp.SetValue("[name=Start_DateTime]", "2026-12-09T09:30"), chromedp.SetValue("[name=End_DateTime]", "2026-12-09T10:30"))
	tap(".side button[name=save]")
	told(t, api, "12-01T09:00 Rodada", "12-09T09:30 Rodada", "12-16T09:30 Rodada")
	b.quiet()
}

// By keyboard: arrows go through the events, M moves the one in focus, and the focus stays with it.
func TestTheCalendarByKeyboard(t *testing.T) {
	w, b, api := calendarRig(t)
	w.event("adele@contoso.example", record.Fields{record.EventTitle: "Cedo", record.Start: "2026-11-24T09:00", record.End: "2026-11-24T10:00", record.TimeZone: "America/Sao_Paulo"})
	e := w.event("adele@contoso.example", record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
	w.event("adele@contoso.example", record.Fields{record.EventTitle: "Tarde", record.Start: "2026-11-25T15:00", record.End: "2026-11-25T16:00", record.TimeZone: "America/Sao_Paulo"})
	b.do(chromedp.Navigate(w.url + "/calendar?view=week&date=2026-11-25"))
	b.until("three", `document.querySelectorAll('.ec-event a.event-link').length === 3`)
	in := func(title string) string { return `document.activeElement?.textContent.includes('` + title + `')` }
	b.do(chromedp.Focus(`.ec-event a.event-link`), chromedp.KeyEvent(kb.Home))
	for _, step := range []struct{ key, to string }{{kb.Home, "Cedo"}, {kb.ArrowDown, "Visita"}, {kb.ArrowDown, "Tarde"}, {kb.ArrowLeft, "Cedo"}, {kb.ArrowRight, "Visita"}} {
		b.do(chromedp.KeyEvent(step.key))
		b.until("focus on "+step.to, in(step.to))
	}
	b.do(chromedp.KeyEvent("m"))
	b.until("the menu", `document.querySelector('#move-menu[open] h2')?.textContent === 'Move Visita'`)
	b.shot("move-menu")
	b.do(chromedp.Click(`#move-menu [data-move="30"]`), chromedp.Click(`#move-menu [data-days="1"]`), chromedp.Click(`#move-menu [data-longer="1"]`))
	b.until("it tells the new time", `document.querySelector('#move-menu output').textContent.includes('November 26')`)
	b.do(chromedp.Focus(`#move-menu button[value=yes]`), chromedp.KeyEvent("\r"))
	told(t, api, "11-26T10:30 Visita")
	if got := w.stored("/calendar/" + e.ID.String()).Fields; got[record.End] != "2026-11-26T15:00:00Z" {
		t.Errorf("it ends at %s", got[record.End])
	}
	b.until("the focus stays with it", in("Visita"))
	b.quiet()
}

// Somebody changed the event meanwhile: the person chooses, and nothing is lost in silence.
func TestADragMeetsAChange(t *testing.T) {
	w, b, api := calendarRig(t)
	e := w.event("adele@contoso.example", record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
	one := fmt.Sprintf(`.ec-event[data-id="%s"]`, e.ID)
	for _, row := range []struct{ choice, want string }{{"", "11-25T10:00 Outra"}, {"yes", "11-25T12:00 Outra"}} {
		b.do(chromedp.Navigate(w.url + "/calendar?view=week&date=2026-11-25"))
		b.until("the event", `document.querySelector('`+one+` .event-title')`)
		b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('calendar').removeAttribute('data-topics')`)) // it hears nothing of it
		version := fmt.Sprint(w.stored("/calendar/" + e.ID.String()).Version)
		page := api.get("/calendar/" + e.ID.String())
		if got := api.save(page, "Event_Title", "Outra", "Venue", "Sala "+version); got.status != 200 {
			t.Fatal(got.text())
		}
		height, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.querySelector('`+one+`').offsetHeight`))
		if err != nil {
			t.Fatal(err)
		}
		from := b.middle(one, 0, 0)
		b.drag(from, point{from.x, from.y + 2*height})
		b.until("it asks", `document.querySelector('#sure-dialog[open] h2')?.textContent.includes('Adele Vance changed')`)
		b.shot("conflict-dialog")
		b.do(chromedp.Click(`#sure-dialog button[value="` + row.choice + `"]`))
		told(t, api, row.want)
	}
	b.quiet()
}

// The form says how the event repeats while it is being filled in, and offers what Outlook has.
func TestTheFormSaysHowItRepeats(t *testing.T) {
	w, b, _ := calendarRig(t)
	b.do(chromedp.Navigate(w.url + "/calendar/new?start=2026-11-10T09:00"))
	b.speak("pt-BR")
	b.do(chromedp.Navigate(w.url+"/calendar/new?start=2026-11-10T09:00"), chromedp.SetValue("#f-Event_Title", "Rodada"))
	set := func(selector, value string) {
		b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const el = document.querySelector(%q); el.value = %q; el.dispatchEvent(new Event("change", { bubbles: true })) })()`, selector, value)))
	}
	set("#repeat", "monthly")
	set("#repeat_by", "weekday")
	set("#repeat_end", "count")
	set("#repeat_count", "10")
	b.until("the sentence", `document.querySelector('#repeat-said strong')?.textContent === 'Toda segunda terça-feira do mês, 10 vezes'`)
	b.shot("repeat-pt")
	b.do(chromedp.Click("button[name=save]"))
	b.until("saved", `/calendar.\d+/.test(location.pathname) && document.querySelector('#repeat-said strong')?.textContent === 'Toda segunda terça-feira do mês, 10 vezes'`)
	b.quiet()
}

// On a phone and in the dark, in both languages, the page of a day of a series and its question fit.
func TestThePageOfASeriesFitsAPhone(t *testing.T) {
	w, b, api := calendarRig(t)
	path := w.round(record.Fields{record.Changed: `{"2026-12-01":{"Venue":"Sala 9"}}`})
	dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	b.do(chromedp.EmulateViewport(360, 740), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, dark)
		return err
	}))
	for _, lang := range []string{"en", "pt-BR"} {
		b.do(chromedp.Navigate(w.url + path))
		b.speak(lang)
		for _, page := range []string{path + "?on=2026-12-08", path + "?on=2026-12-08&scope=following", "/calendar?view=week&date=2026-12-08", "/calendar?view=agenda&date=2026-12-08"} {
			b.do(chromedp.Navigate(w.url + page))
			b.until(page+" is there", `document.querySelector('#main h1')`)
			b.until(lang+" "+page+": nothing sticks out", `document.documentElement.scrollWidth <= innerWidth`)
			b.shot("narrow-" + lang + strings.NewReplacer("/", "-", "?", "-", "&", "-").Replace(page))
		}
	}
	b.do(chromedp.Navigate(w.url+path), chromedp.SetValue("#repeat_interval", "2"), chromedp.Click("button[name=save]"))
	b.until("it asks", `document.querySelector('#loss-form button[name=lose]')`)
	b.until("nothing sticks out", `document.documentElement.scrollWidth <= innerWidth`)
	b.shot("narrow-loss")
	b.do(chromedp.Click("#loss-form button[name=lose]"))
	told(t, api, "12-08T09:00 Rodada")
	b.quiet()
}
