package web

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// Every field of a contact stands on its form, once.
func TestContactFormHasEveryField(t *testing.T) {
	t.Parallel()
	var shown []record.Field
	for _, g := range contactGroups {
		shown = append(shown, g.fields...)
	}
	defs := slices.DeleteFunc(slices.Clone(record.Defs(record.Contacts)), func(d record.Def) bool { return d.Type == record.Image }) // it has a form of its own
	for _, d := range defs {
		if n := len(slices.DeleteFunc(slices.Clone(shown), func(f record.Field) bool { return f != d.Name })); n != 1 {
			t.Errorf("%s stands on the form %d times", d.Name, n)
		}
		if inputs[d.Type] == "" {
			t.Errorf("%s has no control", d.Name)
		}
	}
	if len(shown) != len(defs) {
		t.Errorf("the form shows %d fields of %d", len(shown), len(defs))
	}
}

func TestContactIsMadeChangedDeletedAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	got := b.post("/contacts", "First_Name", "Ana", "Last_Name", "Souza", "Email", "ana@fabrikam.example", "Tag", "vip, cliente",
		"Email_Opt_Out", "false", "Email_Opt_Out", "true", "Description", "uma\r\nduas")
	if got.status != 200 || !regexp.MustCompile(`^/contacts/\d+$`).MatchString(got.path) {
		t.Fatalf("made: %d at %s\n%s", got.status, got.path, got.text())
	}
	for _, want := range []string{`value="Ana"`, `value="cliente, vip"`, `name="Email_Opt_Out" value="true" checked`, "uma\nduas", "Ana Souza was created"} {
		if !strings.Contains(got.body, want) && !strings.Contains(got.text(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	page := got.path
	version := hiddenValue(t, got.body, "version")
	got = b.post(page, "version", version, "Title", "CEO")
	if got.path != page || !strings.Contains(got.body, `value="CEO"`) || !strings.Contains(got.body, `value="Souza"`) {
		t.Errorf("changed: %d at %s", got.status, got.path)
	}

	got = b.post(page + "/delete")
	if got.path != "/contacts" || !strings.Contains(got.text(), "Ana Souza is in the recycle bin") || !strings.Contains(got.body, `action="`+page+`/restore"`) {
		t.Fatalf("deleted: at %s\n%s", got.path, got.text())
	}
	if again := b.get("/contacts"); strings.Contains(again.text(), "recycle bin. Undo") {
		t.Error("the note comes twice")
	}
	if got := b.get(page); got.status != 404 {
		t.Errorf("a deleted contact is shown with %d", got.status)
	}
	if got := b.get("/recycle-bin"); !strings.Contains(got.text(), "Ana Souza") || !strings.Contains(got.text(), "days") {
		t.Errorf("the recycle bin:\n%s", got.text())
	}
	if got := b.post(page + "/restore"); got.path != page || got.status != 200 {
		t.Errorf("restored: %d at %s", got.status, got.path)
	}
}

func hiddenValue(t *testing.T, body, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no hidden %s", name)
	}
	return m[1]
}

func TestContactErrorsStandByTheFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	got := b.post("/contacts", "First_Name", "Ana", "Last_Name", "", "Email", "not an address", "Title", strings.Repeat("x", 101))
	if got.status != 422 {
		t.Fatalf("%d", got.status)
	}
	for field, words := range map[string]string{
		"Last_Name": "Please fill this in.", "Email": "This does not look right.", "Title": "This is too long.",
	} {
		at := strings.Index(got.body, `data-field-error="`+field+`"`)
		if at < 0 || !strings.Contains(got.body[at:at+400], words) {
			t.Errorf("%s has no %q by it", field, words)
		}
		if !strings.Contains(got.body, `aria-describedby="f-`+field+`-error"`) {
			t.Errorf("%s does not point to its error", field)
		}
	}
	if !strings.Contains(got.body, `value="Ana"`) || !strings.Contains(got.body, `value="not an address"`) {
		t.Error("what was typed is lost")
	}
}

func TestContactChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	c := w.contact("adele@contoso.example", record.Fields{record.LastName: "Souza", record.Title: "CFO"})
	page := "/contacts/" + c.ID.String()
	_, err := one(w.crm.Update(context.Background(), w.actor("admin@contoso.example"), record.Contacts, []crm.Draft{{ID: c.ID, Fields: record.Fields{record.Title: "CEO"}}}))
	w.must(err)

	if got := b.get(page+"/changed?have=1", "HX-Request", "true"); !strings.Contains(got.text(), "changed elsewhere") {
		t.Errorf("an open form is not told: %s", got.text())
	}
	if got := b.get(page+"/changed?have=2", "HX-Request", "true"); strings.Contains(got.text(), "changed elsewhere") || !strings.Contains(got.body, `data-topics="contacts" hx-trigger="live"`) {
		t.Errorf("an up-to-date form is told: %s", got.body)
	}
	got := b.post(page, "version", "1", "Last_Name", "Souza", "Title", "CTO")
	if got.status != 409 {
		t.Fatalf("%d at %s", got.status, got.path)
	}
	for _, want := range []string{"CEO", "CTO", "MOD Administrator"} {
		if !strings.Contains(got.text(), want) {
			t.Errorf("the page does not show %s:\n%s", want, got.text())
		}
	}
	if got := b.get(page); !strings.Contains(got.body, `value="CEO"`) {
		t.Error("the later change was lost")
	}
	version := hiddenValue(t, got.body, "version")
	if got := b.post(page, "version", version, "Last_Name", "Souza", "Title", "CTO"); !strings.Contains(got.body, `value="CTO"`) {
		t.Errorf("saving mine: %d", got.status)
	}
}

func TestContactListSearchesSortsAndPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 55 {
		w.contact("adele@contoso.example", record.Fields{record.LastName: record.Value(fmt.Sprintf("Nome%02d", i))})
	}
	w.contact("admin@contoso.example", record.Fields{record.LastName: "Zacarias", record.AccountName: "Northwind"})
	b := w.as("admin@contoso.example")

	got := b.get("/contacts")
	if n := strings.Count(got.body, `<tr role="row" data-id=`); n != pageSize || !strings.Contains(got.text(), "56 contacts") || !strings.Contains(got.text(), "Page 1 of 2") {
		t.Errorf("%d rows\n%s", n, got.text())
	}
	if got := b.get("/contacts?page=2"); strings.Count(got.body, `<tr role="row" data-id=`) != 6 || !strings.Contains(got.body, `rel="prev" href="/contacts?owner=all"`) {
		t.Errorf("page 2:\n%s", got.text())
	}
	if got := b.get("/contacts?page=99"); !strings.Contains(got.text(), "Page 2 of 2") {
		t.Error("beyond the last page")
	}
	if got := b.get("/contacts?sort=name&dir=desc"); strings.Index(got.body, "Zacarias") > strings.Index(got.body, "Nome54") || !strings.Contains(got.body, `aria-sort="descending"`) {
		t.Error("not sorted downwards")
	}
	if got := b.get("/contacts?q=northwi"); strings.Count(got.body, `<tr role="row" data-id=`) != 1 || !strings.Contains(got.text(), "Zacarias") {
		t.Errorf("search:\n%s", got.text())
	}
	if got := b.get("/contacts?owner=mine"); strings.Count(got.body, `<tr role="row" data-id=`) != 1 {
		t.Error("mine")
	}
	if got := b.get("/contacts?q=nobody"); !strings.Contains(got.text(), "Nobody fits") {
		t.Error("nothing found says nothing")
	}

	part := b.get("/contacts?q=northwi", "HX-Request", "true", "HX-Target", "section#contact-list")
	if strings.Contains(part.body, "<html") || !strings.HasPrefix(strings.TrimSpace(part.body), `<section id="contact-list"`) {
		t.Errorf("the part is\n%s", part.body)
	}
}

func TestStandardUsersSeeOwnRecordsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact("adele@contoso.example", record.Fields{record.LastName: "Meu"})
	w.contact("alex@contoso.example", record.Fields{record.LastName: "Alheio"})
	b := w.as("adele@contoso.example")
	for _, path := range []string{"/contacts", "/contacts?owner=all", "/contacts?owner=" + w.users["alex@contoso.example"].ID.String()} {
		got := b.get(path)
		if strings.Contains(got.body, "Alheio") || strings.Contains(got.body, `id="owner-filter"`) {
			t.Errorf("%s shows somebody else's", path)
		}
	}
	got := b.post("/contacts", "Last_Name", "Dado", "Owner", w.users["alex@contoso.example"].ID.String())
	if got.status != 200 || got.path != "/contacts" {
		t.Errorf("a contact made for somebody else: %d at %s", got.status, got.path)
	}
}

func TestEverythingIsEscaped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evil := record.Value(`"><script>alert(1)</script>`)
	c := w.contact("adele@contoso.example", record.Fields{record.LastName: evil, record.AccountName: evil, record.Description: evil, record.Tag: evil})
	b := w.as("adele@contoso.example")
	for _, path := range []string{"/", "/contacts", "/contacts/" + c.ID.String(), "/contacts?q=%22%3E%3Cscript%3Ealert(1)"} {
		if got := b.get(path); strings.Contains(got.body, "<script>alert") || got.status != http.StatusOK {
			t.Errorf("%s: %d, script gets through", path, got.status)
		}
	}
	b.post("/contacts/" + c.ID.String() + "/delete")
	if got := b.get("/recycle-bin"); strings.Contains(got.body, "<script>alert") {
		t.Error("the recycle bin lets script through")
	}
}

// What the next page is to say once is not used up by what open pages ask for by themselves meanwhile.
func TestAnUndoWaitsForThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.contact("adele@contoso.example", record.Fields{record.LastName: "Silva"})
	b := w.as("adele@contoso.example")
	page := "/contacts/" + c.ID.String()
	if got := b.stay().post(page + "/delete"); got.status != http.StatusSeeOther {
		t.Fatalf("deleting is answered with %d", got.status)
	}
	for _, own := range [][]string{
		{page + "/changed?have=1", "HX-Request", "true"}, {"/contacts", "HX-Request", "true", "HX-Target", "section#contact-list"},
		{page, "Sec-Fetch-Dest", "empty"},
	} {
		b.get(own[0], own[1:]...)
	}
	if got := b.get("/contacts", "Sec-Fetch-Dest", "document"); !strings.Contains(got.body, `action="`+page+`/restore"`) {
		t.Errorf("no undo on:\n%s", got.text())
	}
}
