package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tandem/internal/record"
)

// A month with one full day fits a screen, in both languages; what does not fit is behind a link that keys reach too.
func TestMonthFitsTheScreen(t *testing.T) {
	w := newWorld(t)
	for i := range 18 {
		w.event("admin@contoso.example", record.Fields{record.EventTitle: record.Value(fmt.Sprintf("Visita %02d", i+1)),
			record.Start: record.Value(fmt.Sprintf("2026-11-25T%02d:00", 5+i)), record.End: record.Value(fmt.Sprintf("2026-11-25T%02d:30", 5+i)),
			record.TimeZone: "America/Sao_Paulo"})
	}
	b := chrome(t)
	b.signIn(w, "admin@contoso.example")
	for _, lang := range []string{"en", "pt-BR"} {
		for _, size := range []struct{ width, height int64 }{{1280, 800}, {390, 844}} {
			name := fmt.Sprintf("%s at %d", lang, size.width)
			b.do(chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(w.url+"/calendar?view=month&date=2026-11-25"))
			if changed, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.lang !== '`+lang+`'`)); changed {
				b.do(chromedp.Click(`.languages button[value="` + lang + `"]`))
				b.until(name+": the language", `document.documentElement.lang === '`+lang+`' && document.readyState === 'complete'`)
				b.do(chromedp.Navigate(w.url + "/calendar?view=month&date=2026-11-25"))
			}
			b.until(name+": a link to more", `document.querySelector('.ec-day-foot a')`)
			words := map[string]string{"en": "more", "pt-BR": "mais"}[lang]
			b.until(name+": in words", `/^(\+\d+)?\+1\d `+words+`$/.test(document.querySelector('.ec-day-foot a').textContent)`)
			b.until(name+": weeks are alike", `(() => { const h = [...document.querySelectorAll('.ec-day')].map(d => d.offsetHeight); return Math.max(...h) - Math.min(...h) < 3 })()`)
			b.until(name+": the month fits the screen", `document.querySelector('.ec-main').offsetHeight < innerHeight`)
			b.until(name+": nothing sticks out", `document.documentElement.scrollWidth <= innerWidth`)
			b.until(name+": the navigation has room", `(() => { const nav = document.querySelector('.main-nav').getBoundingClientRect();
				return [...document.querySelectorAll('.main-nav a span')].every(s => { const r = s.getBoundingClientRect(); return r.left >= nav.left + 6 && r.right <= nav.right - 6 }) })()`)
			// What others change meanwhile takes the focus away from nobody.
			b.do(chromedp.Focus(".ec-day-foot a"))
			b.until(name+": the news are there", `(() => {
				const fetched = () => performance.getEntriesByType('resource').filter((e) => e.name.includes('/calendar/events')).length;
				window.before ??= (document.querySelector('#calendar').dispatchEvent(new CustomEvent('live')), fetched());
				return fetched() > window.before && document.querySelector('.ec-day-foot a') })()`)
			b.until(name+": the focus is where it was", `document.activeElement.matches('.ec-day-foot a')`)
			// A key that falls between the old link and the new one is lost, as the page has just come and asks for its own news, too.
			for opened, end := false, time.Now().Add(patience); !opened; {
				if time.Now().After(end) {
					t.Fatal(name + ": the link does not open")
				}
				b.do(chromedp.Focus(".ec-day-foot a"), chromedp.KeyEvent("\r"))
				opened = b.within(2*time.Second, `document.querySelector('dialog.ec-popup')`)
			}
			b.until(name+": all of the day", `document.querySelectorAll('dialog.ec-popup .event-link').length === 18`)
			b.until(name+": in sight", `document.querySelector('dialog.ec-popup').offsetHeight > 300`)
			b.until(name+": the keys go on in it", `document.querySelector('dialog.ec-popup').contains(document.activeElement)`)
			b.do(chromedp.KeyEvent("\r"))
			b.until(name+": closed again", `!document.querySelector('dialog.ec-popup')`)
		}
	}
}
