package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tandem/internal/record"
)

// In a real browser, with script and without, in both languages: a file is chosen, looked at, imported while its progress moves, and
// taken back.
func TestImportInABrowser(t *testing.T) {
	w := newWorld(t)
	b := chrome(t)
	b.signIn(w, someone)
	held := w.site.Imports.(fakeImports).held
	file := "`Nome;Sobrenome;E-mail;Nascimento\nAna;Souza;ana@fabrica.example;\nBia;Lima;bia@fabrica.example;31/02/1990\n`"
	for _, lang := range []string{"pt-BR", "en"} {
		b.speak(lang)
		*held = lang == "pt-BR"
		b.do(chromedp.Navigate(w.url + "/contacts"))
		b.until("the list leads there", `document.querySelector('a[href^="/import"]')`)
		b.do(chromedp.Click(`.page-head a[href^="/import"]`))
		b.until("the form", `document.querySelector('#import-file [value=contacts]:checked')`)
		if lang == "en" { // on a page without script of its own, which would complain
			b.do(chromedp.Navigate("about:blank"))
			b.without()
			b.do(chromedp.Navigate(w.url + "/import?kind=contacts"))
			b.until("the form without script", `document.querySelector('#import-file [value=contacts]:checked') && !document.documentElement.classList.contains('scripted')`)
		}
		b.says(`(() => { const d = new DataTransfer(); d.items.add(new File([` + file + `], "pessoas.csv")); document.querySelector("#f-file").files = d.files; return "" })()`)
		b.do(chromedp.Click("#import-file button[name=send]"))
		b.until("the first rows", `document.querySelectorAll('#import-preview li').length === 2 && document.querySelector('#f-column-2').value === 'Email'`)
		b.shot("import-draft-" + lang)
		b.do(chromedp.Click(`#import-form button[value=start]`))
		if *held {
			b.until("it is under way", `document.querySelector('#import[data-state=running] progress')`)
			i, err := w.site.Imports.ImportsOf(t.Context(), w.org.ID, w.users[someone].ID, 1)
			w.must(err)
			w.must(w.site.Imports.(fakeImports).Work(t.Context(), w.org.ID, i[0].ID))
			*held = false
		}
		b.until("the report", `document.querySelector('#import[data-state=done] [data-count=created] dd')?.textContent === '1' && document.querySelector('#import-failed li')`)
		b.shot("import-report-" + lang)
		if n := w.count(someone, record.Contacts); n != 1 {
			t.Fatalf("%d contacts", n)
		}
		b.do(chromedp.Click("#import-undo summary"))
		b.do(chromedp.Click("#import-undo form button"))
		b.until("it is taken back", `document.querySelector('#import[data-state=undone] [data-count=removed] dd')?.textContent === '1'`)
		if n := w.count(someone, record.Contacts); n != 0 {
			t.Fatalf("%d contacts after taking it back", n)
		}
	}
	b.quiet()
}
