package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"tandem/internal/record"
)

// templateFiles are layout.html, parts.html and one file a page, which defines "main" and the parts of the page that
// script may ask for by name.
//
//go:embed templates/*.html
var templateFiles embed.FS

// pages are the templates by language and name, ready to be filled.
type pages struct {
	words map[string]*words
	base  map[string]*template.Template // by language: what every page has around its own part

	mu   sync.Mutex
	made map[string]*template.Template // by language and page, made when the page is first shown: together they weigh megabytes
}

// parsePages reads the templates once for each language, so that a template's words need no lookup of who reads them.
func parsePages(a assets) *pages {
	p := &pages{words: loadWords(), base: map[string]*template.Template{}, made: map[string]*template.Template{}}
	for lang, w := range p.words {
		p.base[lang] = template.Must(template.New("base").Funcs(template.FuncMap{
			"t":     w.T,
			"n":     w.Number,
			"asset": a.url,
			"icon":  func(name string) template.HTML { return icon(a, name) },
			"query": url.QueryEscape,
		}).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	}
	return p
}

// page is the template of a page in a language.
func (p *pages) page(lang, name string) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := lang + "/" + name
	if made := p.made[key]; made != nil {
		return made, nil
	}
	base, err := p.base[lang].Clone()
	if err != nil {
		return nil, err
	}
	made, err := base.ParseFS(templateFiles, "templates/"+name+".html")
	if err == nil {
		p.made[key] = made
	}
	return made, err
}

// icon draws a symbol of icons.svg. It says nothing: the words stand beside it, or in an aria-label.
func icon(a assets, name string) template.HTML {
	address := a.url("icons.svg")
	if address == "" {
		return ""
	}
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` +
		template.HTMLEscapeString(address+"#"+name) + `"></use></svg>`)
}

// frame is what every page has around its own part.
type frame struct {
	Title    string
	Lang     string
	Path     string // of this page, to come back to
	Section  string // the place of the navigation that is open
	SignedIn bool
	User     string
	Email    string
	Org      string
	Initials string
	Flash    *flash
	Demo     bool
	SimURL   string // of Demo
	Outlook  string // of Demo: the user's own Outlook
	Unbuilt  bool   // the front end was not built
	Calendar bool   // the page needs the calendar's script
	Places   []place
	Bin      bool   // there is a recycle bin to look into
	Keys     bool   // letters alone are shortcuts
	Find     string // what was looked for everywhere
}

// A place is an entry of the main navigation.
type place struct {
	Section, Path, Key, Icon string
	shows                    record.Kind // for whoever sees records of it; "": for everybody
}

// places are the main navigation, from left to right.
var places = []place{
	{"home", "/", "nav.home", "home", ""},
	{"contacts", "/contacts", "nav.contacts", "contacts", record.Contacts},
	{"calendar", "/calendar", "nav.calendar", "calendar", record.Calendar},
	{"status", "/status", "nav.status", "status", ""},
	{"setup", "/setup", "nav.setup", "setup", ""},
}

// places are those of the main navigation that are for whoever is signed in.
func (v *visit) places() (out []place) {
	for _, p := range places {
		if p.shows == "" || v.sees(p.shows) {
			out = append(out, p)
		}
	}
	return out
}

// Languages are those to choose from.
func (frame) Languages() []string { return languages }

// frame begins a page.
func (s *Site) frame(v *visit, section, title string) frame {
	f := frame{
		Title:   title,
		Lang:    v.words.lang,
		Path:    v.r.URL.RequestURI(),
		Section: section,
		Demo:    s.Settings.Demo,
		SimURL:  strings.TrimRight(s.Settings.SimURL, "/"),
		Unbuilt: s.assets.missing(),
	}
	if v.r.Method != http.MethodGet || v.r.URL.Path == callbackPath { // whose address holds a code, and leads nowhere twice
		f.Path = "/"
	}
	if v.signedIn() {
		f.SignedIn, f.Places = true, v.places()
		f.Keys = v.tastes[tasteKeys] != keysOff
		f.Bin = v.sees(record.Contacts) || v.sees(record.Calendar)
		f.User, f.Email, f.Org = v.user.Name(), v.user.Email, v.org.Name
		f.Initials = initials(v.user.Name())
		f.Outlook = f.SimURL + "/outlook/" + url.PathEscape(v.user.Email)
		if v.navigates() {
			f.Flash = s.popFlash(v.ctx())
		}
	}
	return f
}

// render fills a whole page.
func (s *Site) render(v *visit, status int, name string, page any) error {
	return s.write(v, status, name, "layout", page)
}

// part fills one named part of a page.
func (s *Site) part(v *visit, name, part string, page any) error {
	return s.write(v, http.StatusOK, name, part, page)
}

// write fills the template to its end before the first byte leaves, so that a fault can still become a page.
func (s *Site) write(v *visit, status int, name, block string, page any) error {
	var b bytes.Buffer
	made, err := s.pages.page(v.words.lang, name)
	if err != nil {
		return err
	}
	if err := made.ExecuteTemplate(&b, block, page); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.words.lang)
	h.Set("Cache-Control", "no-store") // pages are personal
	h.Add("Vary", "HX-Request, HX-Target, Accept-Language")
	v.w.WriteHeader(status)
	if _, err := v.w.Write(b.Bytes()); err != nil {
		s.Logger.Debug("web: the reader went away", "err", err)
	}
	return nil
}

// initials are at most two letters for a person's disc.
func initials(name string) string {
	parts := strings.Fields(name)
	if len(parts) == 0 {
		return "?"
	}
	first := []rune(parts[0])[:1]
	if len(parts) == 1 {
		return strings.ToUpper(string(first))
	}
	return strings.ToUpper(string(first) + string([]rune(parts[len(parts)-1])[:1]))
}
