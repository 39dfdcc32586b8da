package web

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/photos"
)

// examples are addresses for the patterns of the table; {id} is a contact or an event of Adele's.
func examples(w *world) map[string]string {
	c := w.contact("adele@contoso.example", record.Fields{record.LastName: "Silva"})
	if _, err := w.crm.SetPicture(context.Background(), w.actor("adele@contoso.example"), c.ID, photos.PNG(w.t, 1, 20, 20)); err != nil {
		w.t.Fatal(err)
	}
	e := w.event("adele@contoso.example", record.Fields{
		record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.Recurring: "FREQ=WEEKLY",
	})
	invitation := w.letterLink(w.invite(account.Invitee{Email: "invited@elsewhere.example"}))
	forgetful := w.local("forgetful@elsewhere.example")
	w.must(w.site.Registry.ForgotPassword(context.Background(), forgetful.Email, ""))
	reset := w.letterLink(forgetful)
	preview := w.preview("adele@contoso.example", record.Contacts, reconcile.Next,
		reconcile.Line{Verb: reconcile.CreateMicrosoft, Group: reconcile.ToCreate, Name: "Silva", CRM: c.ID.Ref(), Why: reconcile.NewInCRM},
		reconcile.Line{Verb: reconcile.Merge, Group: reconcile.ToUpdate, Name: "Silva", Why: reconcile.ChangedCRM,
			ToMicrosoft: record.Fields{record.Mobile: "+55 11 91234-5678", record.Department: ""}})
	brought := w.bring(someone, record.Contacts, "a.csv", "Nome;E-mail\nAna;ana@example.com\n")
	mass := w.draftMass(someone, record.Contacts, record.Department, "X")
	own := w.customField(crm.FieldDraft{Label: "Shoe size", Type: "double"})
	run, line := w.historyOf("adele@contoso.example", c)
	undo, err := w.store.Links().BeginUndo(context.Background(), reconcile.UndoRun{ID: "undo-of-adele", Org: w.org.ID, User: w.users["adele@contoso.example"].ID,
		Link: run.Link, Kind: record.Contacts, Run: run.Run, Asked: w.now(), Touched: w.now()})
	w.must(err)
	twin := w.contact("adele@contoso.example", record.Fields{record.LastName: "Silva"})
	w.bin("adele@contoso.example", "Silva Antes")
	running := w.link("adele@contoso.example", record.Calendar, nil, func(l *reconcile.Link) { l.State = reconcile.Held })
	out := map[string]string{}
	for _, rt := range w.site.routes() {
		_, path, _ := strings.Cut(rt.pattern, " ")
		id := c.ID
		if strings.HasPrefix(path, "/calendar/") {
			id = e.ID
		}
		if strings.HasPrefix(path, fieldsPath) {
			id = own.ID
		}
		if strings.HasPrefix(path, usersPath) {
			id = w.users["alex@contoso.example"].ID
		}
		if strings.HasPrefix(path, importPath) {
			path = strings.Replace(path, "{id}", brought.ID, 1)
		}
		if strings.HasPrefix(path, massPath) {
			path = strings.Replace(path, "{id}", mass.ID, 1)
		}
		if strings.Contains(path, "/preview/") {
			path = strings.Replace(path, "{id}", preview, 1)
		}
		out[rt.pattern] = strings.NewReplacer("{$}", "", "{id}", id.String(), "{kind}", "contacts",
			"{run}", strings.TrimPrefix(runPath(run.Link, run.Run), historyPath+"/runs/"), "{undo}", undo.ID, "{line}", line, "{link}", strings.TrimPrefix(orgLinkPath(running.ID), orgStatusPath+"/"),
			"/invitation/{token}", invitation, "/password/{token}", reset, "/profiles/edit", "/profiles/edit?name=Standard").Replace(path)
		switch rt.pattern {
		case "POST /contacts/apart", "GET /contacts/merge":
			out[rt.pattern] += "?id=" + c.ID.String() + "&id=" + twin.ID.String()
		case "GET /recycle-bin/destroy":
			out[rt.pattern] += "?kind=contacts&all=1"
		}
	}
	return out
}

func (b *browser) walk(pattern, path string) answer {
	if method, _, _ := strings.Cut(pattern, " "); method == http.MethodPost {
		return b.stay().post(path, "version", "1", "on", "2026-11-25", "kind", "contacts", "line", "1", "start", "2026-11-25T10:00:00",
			"end", "2026-11-25T11:00:00", "answer", "yes", "lang", "en", "zone", "UTC", "region", "PT")
	}
	return b.stay().get(path)
}

// launchOpen are the routes of the accounts page: who comes there has no session yet.
var launchOpen = []string{
	"GET /launch/microsoft365", "POST /launch/microsoft365", "GET /launch/microsoft365/tab", "POST /launch/microsoft365/request",
	"POST /launch/microsoft365/alone", "POST /launch/microsoft365/other", "GET /launch/microsoft365/associate",
	"POST /launch/microsoft365/associate", "POST /launch/microsoft365/associate/passkey", "POST /launch/microsoft365/associate/confirm", "GET /terms",
}

// D14: nobody sees anything without a session, but for the way in.
func TestEveryRouteAsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := []string{"GET /signin", "GET /signin/microsoft", "GET /auth/microsoft/callback", "GET /connect/microsoft", "POST /signout", "POST /language"}
	open = slices.Concat(open, ownOpen, launchOpen)
	addresses := examples(w)
	for _, rt := range w.site.routes() {
		got := w.browser().walk(rt.pattern, addresses[rt.pattern])
		led := strings.HasPrefix(got.header.Get("Location"), "/signin")
		switch {
		case slices.Contains(open, rt.pattern):
			if rt.who != anyone {
				t.Errorf("%s is not open", rt.pattern)
			}
		case rt.who == script && got.status == 401:
		case (rt.who == member || rt.who == manager) && got.status == 303 && led:
		default:
			t.Errorf("%s as nobody: %d to %q", rt.pattern, got.status, got.header.Get("Location"))
		}
		if strings.Contains(got.body, "Silva") || strings.Contains(got.body, "Visita") {
			t.Errorf("%s as nobody shows a record", rt.pattern)
		}
	}
}

// D14: whatever has an id does not exist for another organization, nor for a colleague who sees only own records.
func TestEveryRouteAsAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addresses := examples(w)
	for _, upn := range []string{"admin@fabrikam.example", "alex@contoso.example"} {
		b := w.as(upn)
		for _, rt := range w.site.routes() {
			if rt.pattern == "GET /live" || rt.pattern == "POST /signout" || rt.pattern == "POST /setup/account/sessions/all" {
				continue
			}
			got := b.walk(rt.pattern, addresses[rt.pattern])
			if rt.who == manager && upn == "alex@contoso.example" {
				if got.status != 403 {
					t.Errorf("%s as %s, who manages no users: %d", rt.pattern, upn, got.status)
				}
				continue
			}
			if strings.Contains(rt.pattern, "{id}") && !strings.HasSuffix(rt.pattern, "/changed") && got.status != 404 {
				t.Errorf("%s as %s: %d", rt.pattern, upn, got.status)
			}
			if strings.Contains(got.body, "Silva") || strings.Contains(got.body, "Visita") {
				t.Errorf("%s shows a record to %s", rt.pattern, upn)
			}
			if got.status >= 500 {
				t.Errorf("%s as %s: %d", rt.pattern, upn, got.status)
			}
		}
	}
}

var (
	rawKey   = regexp.MustCompile(`\b(?:nav|asks|mapping|own|users|directory|profiles|profile|audit|setup|refusal|home|contacts|contact|calendar|event|card|state|reason|fields?|group|badge|status|flash|form|error|problem|repeat|choice|kind|bin|step|preview|record|records|disable|preferences|marketplace|why|history|side|time|format|month|weekday)(?:\.[a-z_A-Z0-9]+)+\b`)
	barePath = regexp.MustCompile(`<a [^>]*>\s*/[a-z]`)
	noValue  = regexp.MustCompile(`&lt;no value&gt;|%!|ZgotmplZ`)
)

// Every page of the owner comes in both languages, whole, without inline script or style.
func TestEveryPageInBothLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addresses := examples(w)
	for _, lang := range languages {
		b := w.as("adele@contoso.example")
		managing := w.as("admin@contoso.example")
		for _, each := range []*browser{b, managing} {
			each.lang = lang
			each.post("/language", "lang", lang)
		}
		for _, rt := range w.site.routes() {
			if !strings.HasPrefix(rt.pattern, "GET ") || rt.pattern == "GET /live" || strings.Contains(rt.pattern, "microsoft/callback") {
				continue
			}
			who := b
			if rt.who == manager {
				who = managing
			}
			got := who.get(addresses[rt.pattern])
			if rt.pattern == "GET /connect/microsoft" || rt.pattern == "GET /signin/microsoft" || rt.pattern == "GET /calendar/events" {
				continue
			}
			name := fmt.Sprintf("%s in %s", rt.pattern, lang)
			if got.status != 200 {
				t.Errorf("%s: %d", name, got.status)
			}
			if found := barePath.FindString(got.body); found != "" {
				t.Errorf("%s calls a link by its address: %s", name, found)
			}
			if found := rawKey.FindString(got.text()); found != "" {
				t.Errorf("%s shows the key %q", name, found)
			}
			if found := noValue.FindString(got.body); found != "" {
				t.Errorf("%s shows %q", name, found)
			}
			for _, inline := range []string{" style=", " onclick=", "<style", "javascript:"} {
				if strings.Contains(got.body, inline) {
					t.Errorf("%s has %q in it", name, inline)
				}
			}
			if rt.who == member && !strings.HasSuffix(rt.pattern, ".csv") && !strings.Contains(got.body, `<html lang="`+lang+`"`) {
				t.Errorf("%s is in another language", name)
			}
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	for _, path := range []string{"/", "/contacts", "/nothing", "/signin", "/static/nothing.js", "/calendar/events?start=2026-11-01&end=2026-12-01"} {
		h := b.get(path).header
		for name, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "same-origin",
			"X-Frame-Options":         "DENY",

			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: %s", path, h.Get("Content-Security-Policy"))
		}
		if h.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: HSTS without https", path)
		}
	}
	if got := b.get("/contacts").header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a personal page may be kept: %q", got)
	}
	safe := newWorld(t, func(d *Deps) { d.Settings.URL = "https://crm.contoso.example" })
	if got := safe.browser().get("/signin").header.Get("Strict-Transport-Security"); !strings.Contains(got, "max-age=") {
		t.Errorf("over https HSTS is %q", got)
	}
	for address, want := range map[string]string{
		"http://127.0.0.1:8080":             "",
		"https://crm.contoso.example":       "max-age=31536000; includeSubDomains",
		"https://crm.contoso.com.br:8443":   "max-age=31536000; includeSubDomains",
		"https://contoso.com.br":            "max-age=31536000", // whoever else is below it may have no TLS
		"https://localhost":                 "max-age=31536000",
		"https://192.0.2.7":                 "max-age=31536000",
		"https://[2001:db8::7]:8443/tandem": "max-age=31536000",
	} {
		if got := HSTS(address); got != want {
			t.Errorf("%s: %q", address, got)
		}
	}
}

func TestOtherSitesSendNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	for name, header := range map[string][2]string{
		"fetch metadata": {"Sec-Fetch-Site", "cross-site"},
		"origin":         {"Origin", "https://evil.example"},
	} {
		req, err := http.NewRequest(http.MethodPost, w.url+"/contacts", strings.NewReader("Last_Name=Evil"))
		w.must(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set(header[0], header[1])
		if got := b.do(req); got.status != 403 {
			t.Errorf("%s: %d at %s", name, got.status, got.path)
		}
	}
	if got := b.get("/contacts"); strings.Contains(got.body, "Evil") {
		t.Error("another site made a contact")
	}
}

// Nothing that changes anything is taken from a page of another site, or of a sibling of ours, signed in or not.
func TestOtherSitesSendNoneOfOurForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addresses := examples(w)
	admin := w.as("admin@contoso.example")
	for _, rt := range w.site.routes() {
		method, _, _ := strings.Cut(rt.pattern, " ")
		if method == http.MethodGet {
			continue
		}
		for _, header := range [][2]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		} {
			req, err := http.NewRequest(method, w.url+addresses[rt.pattern], strings.NewReader("terms=yes&answer=yes"))
			w.must(err)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set(header[0], header[1])
			if got := admin.do(req); got.status != http.StatusForbidden || got.header.Get("Set-Cookie") != "" {
				t.Errorf("%s with %s %s: %d", rt.pattern, header[0], header[1], got.status)
			}
		}
	}
	if !admin.inside() {
		t.Error("another site ended the session")
	}
	w.sameUsers("another site")
}

func TestUnknownPagesAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	for _, path := range []string{"/nothing", "/contacts/abc", "/contacts/9999999", "/contacts/0", "/contacts/99999999999999999999",
		"/setup/marketplace/microsoft/tasks/records", "/static/app.js", "/static/manifest.json", "/static/.keep"} {
		if got := b.get(path); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	got := b.post("/status")
	if got.status != 405 || got.header.Get("Allow") == "" || !strings.Contains(got.body, `id="error-title"`) {
		t.Errorf("POST /status: %d, allow %q", got.status, got.header.Get("Allow"))
	}
	if got := b.get("/contacts/"); got.status != 404 {
		t.Errorf("/contacts/: %d", got.status)
	}
}

func TestBrokenPagesGiveANumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *Deps) { d.Records = nil })
	b := w.browser()
	b.signIn("/setup/preferences", "adele@contoso.example")
	got := b.get("/contacts")
	if got.status != 500 || !strings.Contains(got.body, `class="reference"`) {
		t.Errorf("a panic came out as %d\n%s", got.status, got.text())
	}
	if strings.Contains(got.body, "nil pointer") || strings.Contains(got.body, "goroutine") {
		t.Error("the page shows what broke")
	}
}
