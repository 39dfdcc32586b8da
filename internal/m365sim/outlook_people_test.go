package m365sim

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestOutlook_ContactFromTheFormAndBack(t *testing.T) {
	t.Parallel()
	v := visit(t)
	page := v.submit(v.get(desktop+"/people").wants("Nobody here yet."), "new-folder", url.Values{"name": {"Customers"}})
	folder := v.graph("/me/contactFolders").Get("value.0")
	v.fields(folder, map[string]string{"displayName": "Customers"})
	form := v.get(page.href(`id="new-contact"`))
	filled := url.Values{
		"givenName": {"Ana"}, "surname": {"O'Neill <x>"}, "displayName": {"Ana O'Neill"}, "companyName": {"Contoso"}, "jobTitle": {"CEO"}, "department": {"Board"},
		"email1": {"ana@partner.example"}, "email1Name": {"Ana"}, "email3": {"third@partner.example"},
		"mobilePhone": {"+55 11 90000-0000"}, "businessPhone1": {"+55 11 3000-0000"}, "businessPhone2": {"+55 11 3000-0001"}, "homePhone2": {"+55 11 2000-0000"},
		"businessAddress.street": {"Rua A, 1\r\nSala 2"}, "businessAddress.city": {"São Paulo"}, "businessAddress.countryOrRegion": {"Brasil"}, "homeAddress.city": {"Santos"},
		"birthday": {"1980-02-29"}, "children": {"Bia, Caio"}, "categories": {"Blue category"}, "personalNotes": {"Likes\r\ntea"}, "imAddress2": {"ana@chat.example"},
	}
	list := v.submit(form, "contact", filled).wants("Ana O&#39;Neill").wants("1 contact")
	c := v.graph("/me/contactFolders/" + folder.Get("id").Str + "/contacts").Get("value.0")
	v.fields(c, map[string]string{
		"givenName": "Ana", "surname": "O'Neill <x>", "displayName": "Ana O'Neill", "companyName": "Contoso", "jobTitle": "CEO", "department": "Board",
		"emailAddresses.0.address": "ana@partner.example", "emailAddresses.0.name": "Ana", "emailAddresses.1.address": "third@partner.example",
		"mobilePhone": "+55 11 90000-0000", "businessPhones": `["+55 11 3000-0000","+55 11 3000-0001"]`, "homePhones": `["+55 11 2000-0000"]`,
		"businessAddress.street": "Rua A, 1\nSala 2", "businessAddress.city": "São Paulo", "businessAddress.countryOrRegion": "Brasil", "homeAddress.city": "Santos",
		"children": `["Bia","Caio"]`, "categories": `["Blue category"]`, "personalNotes": "Likes\ntea", "imAddresses": `["ana@chat.example"]`, "middleName": "",
	})
	if !strings.HasPrefix(c.Get("birthday").Str, "1980-02-29T") {
		t.Errorf("birthday %s", c.Get("birthday"))
	}

	contact := v.get(list.href("Ana O&#39;Neill"))
	v.submit(contact, "contact", choices(contact))
	same := v.graph("/me/contactFolders/" + folder.Get("id").Str + "/contacts").Get("value.0")
	if same.Get("changeKey").Str != c.Get("changeKey").Str {
		t.Error("saved without a change, yet the change key is new")
	}
	fill := choices(contact)
	fill.Set("jobTitle", "")
	fill.Set("email1", "")
	fill.Set("homeAddress.city", "")
	v.submit(contact, "contact", fill)
	v.fields(v.graph("/me/contactFolders/"+folder.Get("id").Str+"/contacts").Get("value.0"), map[string]string{
		"jobTitle": "", "emailAddresses.#": "1", "emailAddresses.0.address": "third@partner.example", "homeAddress.city": "", "businessAddress.city": "São Paulo", "surname": "O'Neill <x>",
	})

	v.get(desktop + "/people?folder=" + url.QueryEscape(folder.Get("id").Str) + "&q=santos+ana").wants("No contact is like that.")
	v.get(desktop + "/people?folder=" + url.QueryEscape(folder.Get("id").Str) + "&q=CONTOSO+ana").wants("1 contact")

	// Moved to the default folder, and copied back.
	v.submit(contact, "move-contact", url.Values{"folder": {"default"}, "do": {"move"}}).wants("Ana O&#39;Neill")
	if n := len(v.graph("/me/contactFolders/" + folder.Get("id").Str + "/contacts").Get("value").Array()); n != 0 {
		t.Errorf("%d left behind", n)
	}
	moved := v.get(v.get(desktop + "/people").href("Ana O&#39;Neill"))
	v.submit(moved, "move-contact", url.Values{"folder": {folder.Get("id").Str}, "do": {"copy"}}).wants("Ana O&#39;Neill")
	if n := len(v.graph("/me/contacts").Get("value").Array()); n != 1 {
		t.Errorf("the copied one: %d in the folder, want 1", n)
	}
	v.submit(moved, "delete-contact", nil)
	if n := len(v.graph("/me/contacts").Get("value").Array()); n != 0 {
		t.Errorf("%d after the delete", n)
	}

	page = v.get(desktop + "/people?folder=" + url.QueryEscape(folder.Get("id").Str))
	page = v.submit(page, "rename-folder", url.Values{"name": {"Clients"}}).wants("Clients</a>")
	v.submit(page, "delete-folder", nil)
	if n := len(v.graph("/me/contactFolders").Get("value").Array()); n != 0 {
		t.Errorf("%d folders after the delete", n)
	}
}

func TestOutlook_ACopiedEventKeepsItsMarkAndMailsNobody(t *testing.T) {
	t.Parallel()
	v := visit(t)
	const mark = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Mark"
	hand := v.sim.handOf(v.sim.Person(adeleUPN))
	made, err := hand.post("/me/events", map[string]any{"subject": "Marked", "transactionId": "t-1",
		"start": map[string]any{"dateTime": "2026-11-23T09:00:00", "timeZone": "UTC"}, "end": map[string]any{"dateTime": "2026-11-23T10:00:00", "timeZone": "UTC"},
		"attendees":                     []any{map[string]any{"emailAddress": map[string]any{"address": "alex@contoso.example"}}},
		"singleValueExtendedProperties": []any{map[string]any{"id": mark, "value": "42"}}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := hand.post("/me/calendars", map[string]any{"name": "Other"})
	if err != nil {
		t.Fatal(err)
	}
	mails := len(v.sim.Mails())
	page := v.get(desktop + "/events/" + url.PathEscape(made.Get("id").Str))
	v.submit(page, "move-event", url.Values{"folder": {other.Get("id").Str}, "do": {"copy"}})
	expand := "?$expand=" + url.QueryEscape("singleValueExtendedProperties($filter=id eq '"+mark+"')")
	copied := v.graph("/me/calendars/" + other.Get("id").Str + "/events" + expand).Get("value.0")
	v.fields(copied, map[string]string{"subject": "Marked", "transactionId": "", "singleValueExtendedProperties.0.value": "42"})
	if copied.Get("iCalUId").Str == made.Get("iCalUId").Str || copied.Get("id").Str == made.Get("id").Str {
		t.Error("the copy has the first one's ids")
	}
	if len(v.sim.Mails()) != mails {
		t.Error("a copy mailed somebody")
	}
	v.submit(page, "move-event", url.Values{"folder": {other.Get("id").Str}, "do": {"move"}})
	if n := len(v.graph("/me/calendars/" + other.Get("id").Str + "/events").Get("value").Array()); n != 2 {
		t.Errorf("%d events in the other calendar, want 2", n)
	}
}

func TestOutlook_LongListsHavePages(t *testing.T) {
	t.Parallel()
	v := visit(t)
	hand := v.sim.handOf(v.sim.Person(adeleUPN))
	for i := range contactsShown + 20 {
		if _, err := hand.post("/me/contacts", map[string]any{"displayName": "Contact " + itoa(1000+i)}); err != nil {
			t.Fatal(err)
		}
	}
	page := v.get(desktop + "/people").wants("120 contacts").wants("Contact 1000")
	if n := strings.Count(page.body, `class="contact"`); n != contactsShown {
		t.Errorf("%d rows", n)
	}
	last := v.get(page.href(`rel="next"`)).wants("Contact 1119")
	if n := strings.Count(last.body, `class="contact"`); n != 20 {
		t.Errorf("%d rows on the last page", n)
	}
	v.get(desktop + "/people?q=1107").wants("Contact 1107").wants("1 contact")
}

func TestOutlook_PagesHearOfChanges(t *testing.T) {
	t.Parallel()
	v := visit(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+desktop+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := v.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Scan() // the first line says that somebody listens
	if _, refusal := v.sim.handOf(v.sim.Person(adeleUPN)).post("/me/contacts", map[string]any{"givenName": "Ana"}); refusal != nil {
		t.Fatal(refusal)
	}
	for lines.Scan() {
		if lines.Text() == "event: changed" {
			return
		}
	}
	t.Fatalf("no event of a change: %v", lines.Err())
}

func TestPages_SpeakPortuguese(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"layout", "entra", "calendar", "people", "home"} {
		source, err := templateFiles.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\{\{-? ?(?:else if |if )?\(?(?:t|n [^"{}]*) "([^"]*)"(?: "([^"]*)")?`).FindAllStringSubmatch(string(source), -1) {
			for _, words := range m[1:] {
				if _, ok := inPortuguese[words]; !ok && words != "" {
					t.Errorf("%s.html: no Portuguese for %q", name, words)
				}
			}
		}
	}
	l := english
	c := l.eventChoices()
	for _, list := range [][]choice{c.ShowAs, c.Sensitivity, c.Importance, c.Types, c.Ranges, c.Index} {
		for _, one := range list {
			if _, ok := inPortuguese[one.Words]; !ok {
				t.Errorf("no Portuguese for the choice %q", one.Words)
			}
		}
	}
	for _, g := range contactGroups {
		if _, ok := inPortuguese[g.words]; !ok {
			t.Errorf("no Portuguese for the group %q", g.words)
		}
		for _, f := range g.fields {
			if _, ok := inPortuguese[f.words]; !ok {
				t.Errorf("no Portuguese for the field %q", f.words)
			}
		}
	}
	v := visit(t)
	v.get(desktop + "/calendar?lang=pt&on=2026-11-25").wants(`<html lang="pt-BR">`).wants("novembro de 2026").wants("Novo evento")
	v.get(desktop + "/people").wants("Novo contato") // the choice is remembered
	v.get(desktop + "/people?lang=en").wants("New contact")
}

func TestPages_AppsLeadToTandem(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.get("/apps").wants("not running beside")
	v.sim.SetAppURL("http://127.0.0.1:8080/")
	if to := v.get("/apps").href(`id="tandem"`); to != "http://127.0.0.1:8080/launch/microsoft365" {
		t.Errorf("the tile leads to %s", to)
	}
	v.get("/").wants("Adele Vance")
	v.get("/outlook?q=adele").wants("Adele Vance")
	v.get("/outlook/static/sim.css").wants("prefers-color-scheme")
}
