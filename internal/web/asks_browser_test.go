package web

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// In a real browser: the questions fit every width in both languages, and are answered by keys alone.
func TestQuestionsInABrowser(t *testing.T) {
	w, l, _, _, _ := askedWorld(t)
	b := chrome(t)
	b.signIn(w, someone)
	for _, lang := range []string{"en", "pt-BR"} {
		for _, size := range []struct{ width, height int64 }{{1280, 900}, {390, 844}} {
			name := fmt.Sprintf("%s at %d", lang, size.width)
			b.do(chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(w.url+asksPath))
			if changed, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.lang !== '`+lang+`'`)); changed {
				b.do(chromedp.Click(`.languages button[value="` + lang + `"]`))
				b.until(name+": the language", `document.documentElement.lang === '`+lang+`' && document.readyState === 'complete'`)
				b.do(chromedp.Navigate(w.url + asksPath))
			}
			b.until(name+": the questions", `document.querySelectorAll('#questions .asked').length === 2`)
			b.until(name+": nothing sticks out", `document.documentElement.scrollWidth <= innerWidth`)
			b.until(name+": the button is in sight", `(() => { const r = document.querySelector('.decide-bar button').getBoundingClientRect();
				return document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2)?.closest('.decide-bar') })()`)
			for _, page := range []string{marketplacePath, "/status"} {
				b.do(chromedp.Navigate(w.url + page))
				b.until(name+": the way there", `document.querySelector('a.answer').offsetHeight >= 24 && document.documentElement.scrollWidth <= innerWidth`)
			}
		}
	}
	b.do(chromedp.Click("a.answer"))
	b.until("the questions", `document.querySelector('#questions')`)
	b.do(chromedp.Focus(`input[name="take-Title-0"]`), chromedp.KeyEvent(" "))
	b.until("the first one is chosen", `document.querySelector('input[name="take-Title-0"]').checked`)
	b.do(chromedp.Focus(`.decide-bar button`), chromedp.KeyEvent("\r"))
	b.until("it is on its way", `document.querySelector('#toast') && document.querySelectorAll('fieldset.sides[disabled]').length === 1`)
	if left := w.asked(l); len(left) != 2 || len(left[0].Ask.Taken) != 1 {
		t.Errorf("left: %+v", left)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
}
