package m365sim

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/language"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// A locale is a language that the simulator's pages speak. Its value is the html lang attribute.
type locale string

const (
	english    locale = "en"
	portuguese locale = "pt-BR"
)

var (
	locales       = []locale{english, portuguese}
	localeMatcher = language.NewMatcher([]language.Tag{language.English, language.BrazilianPortuguese})
)

// langCookie remembers a choice made with ?lang=. The host is shared with other programs on the loopback
// address, so the name says whose it is.
const langCookie = "m365sim_lang"

// localeOf reads ?lang=, else the remembered choice, else Accept-Language.
func localeOf(r *http.Request) locale {
	for _, wish := range []string{r.URL.Query().Get("lang"), cookieValue(r, langCookie)} {
		switch {
		case strings.HasPrefix(strings.ToLower(wish), "pt"):
			return portuguese
		case strings.HasPrefix(strings.ToLower(wish), "en"):
			return english
		}
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return english
	}
	_, i, confidence := localeMatcher.Match(tags...)
	if confidence == language.No {
		return english
	}
	return locales[i]
}

func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// pageSet parses the templates once for each language, because the words are a template function.
var pageSet = sync.OnceValue(func() map[locale]*template.Template {
	sets := map[locale]*template.Template{}
	for _, l := range locales {
		sets[l] = template.Must(template.New("").Funcs(pageFuncs(l)).ParseFS(templateFiles, "templates/*.html"))
	}
	return sets
})

func pageFuncs(l locale) template.FuncMap {
	return template.FuncMap{
		"t":      l.say,
		"n":      func(n int, one, many string) string { return l.count(n, one, many) },
		"date":   l.date,
		"day":    l.shortDay,
		"clock":  l.clock,
		"moment": l.moment,
	}
}

// layout is what the frame around each page needs; every page struct embeds one.
type layout struct {
	Lang    locale
	Title   string
	Section string // which entry of the head is current: "home", "apps", "outbox", "calendar", "people", or none
	Narrow  bool   // a single card in the middle, as sign-in pages are
	Person  *pagePerson
	Other   string // this page in the other language
}

// pagePerson is whose mailbox is open.
type pagePerson struct{ UPN, Name, Initials, Path string }

func newLayout(r *http.Request, title string) layout {
	l := localeOf(r)
	other := *r.URL
	q := other.Query()
	if q.Set("lang", "pt"); l == portuguese {
		q.Set("lang", "en")
	}
	other.RawQuery = q.Encode()
	return layout{Lang: l, Title: l.say(title), Other: other.RequestURI()}
}

// render writes the named template. A page that fails to render says so instead of stopping half-way.
func render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	l := localeOf(r)
	var buf bytes.Buffer
	if err := pageSet()[l].ExecuteTemplate(&buf, name, data); err != nil {
		http.Error(w, "m365sim: page "+name+": "+err.Error(), http.StatusInternalServerError)
		return
	}
	if wish := r.URL.Query().Get("lang"); wish != "" {
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: string(l), Path: "/", SameSite: http.SameSiteLaxMode})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(l))
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	buf.WriteTo(w)
}

// staticHandler serves the style sheet and the script.
func staticHandler() http.Handler {
	sub, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic("m365sim: static files: " + err.Error()) // only when the embedded folder has another name
	}
	files := http.FileServerFS(sub)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}

func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if first := []rune(strings.ToUpper(word))[0]; unicode.IsLetter(first) {
			out = append(out, first)
		}
	}
	if len(out) > 2 {
		out = []rune{out[0], out[len(out)-1]}
	}
	return string(out)
}
