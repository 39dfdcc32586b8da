package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/record"
)

func TestDuplicatesAreFoundAndMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.contact("adele@contoso.example", record.Fields{record.FirstName: "Ana", record.LastName: "Souza", record.EmailField: "ana@x.example", record.Title: "CEO", record.Tag: "vip"})
	two := w.contact("adele@contoso.example", record.Fields{record.FirstName: "Ana Maria", record.LastName: "Souza", record.EmailField: "ANA@X.example", record.Mobile: "+55 11 91234-5678", record.Tag: "cliente", record.Title: "CTO"})
	w.contact("adele@contoso.example", record.Fields{record.LastName: "Lima"})
	w.contact("adele@contoso.example", record.Fields{record.LastName: "LIMA", record.AccountName: "Outra"})
	w.contact("alex@contoso.example", record.Fields{record.LastName: "Alheia", record.EmailField: "ana@x.example"})
	event := w.event("adele@contoso.example", record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.WhoID: record.Value(two.ID.String())})
	b := w.as("adele@contoso.example")

	got := b.get("/contacts/duplicates")
	if strings.Count(got.body, `class="panel duplicate"`) != 1 || !strings.Contains(got.text(), "Ana Maria Souza") || strings.Contains(got.text(), "Alheia") || strings.Contains(got.text(), "Lima") {
		t.Errorf("by address and number:\n%s", got.text())
	}
	if got := b.get("/contacts/duplicates?by=name&owner=" + w.users["alex@contoso.example"].ID.String()); strings.Count(got.body, `class="panel duplicate"`) != 1 || !strings.Contains(got.text(), "LIMA") {
		t.Errorf("by name:\n%s", got.text())
	}
	if got := w.as("admin@contoso.example").get("/contacts/duplicates?owner=" + one.Owner.String()); !strings.Contains(got.text(), "Ana Maria Souza") {
		t.Errorf("the administrator looks at Adele's:\n%s", got.text())
	}

	if want := `<a href="/contacts/duplicates?by=name" data-view="name">Same name</a>`; !strings.Contains(got.body, want) {
		t.Errorf("no %s among the ways to look:\n%s", want, got.body)
	}

	ask := "/contacts/merge?" + url.Values{"id": {one.ID.String(), two.ID.String()}}.Encode()
	page := b.get(ask)
	for _, want := range []string{`data-field="Title"`, "CEO", "CTO", "cliente, vip"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the comparison lacks %q:\n%s", want, page.text())
		}
	}
	form := []string{"id", one.ID.String(), "id", two.ID.String(), "version-" + one.ID.String(), "1", "version-" + two.ID.String(), "1", "keep", one.ID.String(), "take-Title", two.ID.String(), "take-First_Name", one.ID.String()}
	got = b.post("/contacts/merge", form...)
	if got.path != "/contacts/"+one.ID.String() || !strings.Contains(got.body, `action="/contacts/`+two.ID.String()+`/restore"`) {
		t.Fatalf("merged: %d at %s\n%s", got.status, got.path, got.text())
	}
	r, err := w.crm.Get(t.Context(), w.actor("adele@contoso.example"), record.Contacts, one.ID)
	w.must(err)
	for f, want := range map[record.Field]record.Value{record.FirstName: "Ana", record.Title: "CTO", record.Mobile: "+55 11 91234-5678", record.Tag: "cliente\nvip", record.EmailField: "ana@x.example"} {
		if r.Fields[f] != want {
			t.Errorf("%s is %q, want %q", f, r.Fields[f], want)
		}
	}
	if e, err := w.crm.Get(t.Context(), w.actor("adele@contoso.example"), record.Calendar, event.ID); err != nil || e.Fields[record.WhoID] != record.Value(one.ID.String()) {
		t.Errorf("the event is about %q, %v", e.Fields[record.WhoID], err)
	}
	if got := b.get("/contacts/" + two.ID.String()); got.status != http.StatusNotFound {
		t.Errorf("the other is still there: %d", got.status)
	}
	if got := b.post("/contacts/merge", form...); got.status != http.StatusNotFound {
		t.Errorf("merged twice: %d", got.status)
	}
	if got := b.post("/contacts/" + two.ID.String() + "/restore"); got.status != http.StatusOK || !strings.Contains(got.body, `value="Ana Maria"`) || !strings.Contains(got.body, `value="CTO"`) {
		t.Errorf("restored: %d", got.status)
	}
}

// Nothing is merged that changed meanwhile, may not be changed, or belongs to two people.
func TestMergingIsAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for _, name := range []string{"A", "B"} {
		ids = append(ids, w.contact("adele@contoso.example", record.Fields{record.LastName: record.Value(name), record.EmailField: "same@x.example"}).ID.String())
	}
	foreign := w.contact("alex@contoso.example", record.Fields{record.LastName: "F"}).ID.String()
	form := func(a, b, va, vb string, more ...string) []string {
		return append([]string{"id", a, "id", b, "version-" + a, va, "version-" + b, vb, "keep", a}, more...)
	}
	b := w.as("adele@contoso.example")
	id, _ := record.ParseID(ids[1])
	_, err := one(w.crm.Update(t.Context(), w.actor("adele@contoso.example"), record.Contacts, []crm.Draft{{ID: id, Fields: record.Fields{record.Title: "New"}}}))
	w.must(err)
	if got := b.post("/contacts/merge", form(ids[0], ids[1], "1", "1")...); got.status != http.StatusConflict || !strings.Contains(got.text(), "changed while you were choosing") || !strings.Contains(got.text(), "New") {
		t.Errorf("changed meanwhile: %d\n%s", got.status, got.text())
	}
	for name, row := range map[string]struct {
		form   []string
		status int
	}{
		"somebody else's":     {form(ids[0], foreign, "1", "1"), http.StatusNotFound},
		"nobody is kept":      {append(form(ids[0], ids[1], "1", "2")[:8], "keep", foreign), http.StatusUnprocessableEntity},
		"one alone":           {[]string{"id", ids[0], "keep", ids[0]}, http.StatusNotFound},
		"the same one twice":  {form(ids[0], ids[0], "1", "1"), http.StatusNotFound},
		"no version is known": {form(ids[0], ids[1], "", ""), http.StatusConflict},
	} {
		if got := b.post("/contacts/merge", row.form...); got.status != row.status {
			t.Errorf("%s: %d, want %d", name, got.status, row.status)
		}
	}
	if got := w.as("admin@contoso.example").post("/contacts/merge", form(ids[0], foreign, "1", "1")...); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.text(), "of one owner") {
		t.Errorf("two owners': %d\n%s", got.status, got.text())
	}
	w.profile("adele@contoso.example", func(p *account.Permissions) { p.Contacts.Delete = record.Nobodys })
	for _, path := range []string{"get", "post"} {
		got := b.get("/contacts/merge?id=" + ids[0] + "&id=" + ids[1])
		if path == "post" {
			got = b.post("/contacts/merge", form(ids[0], ids[1], "1", "2")...)
		}
		if got.status != http.StatusForbidden {
			t.Errorf("%s without permission to delete: %d", path, got.status)
		}
	}
	if n, err := w.crm.Count(t.Context(), w.actor("admin@contoso.example"), record.Contacts, crm.Query{}); err != nil || n != 3 {
		t.Errorf("%d contacts are left, %v", n, err)
	}
}

// A person says of contacts that they are not one: they are not offered again, are listed, and are offered once more when that is taken
// back. Only whoever may change them says so.
func TestContactsAreToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.contact(someone, record.Fields{record.FirstName: "Ana", record.LastName: "Souza", record.EmailField: "casa@x.example"})
	two := w.contact(someone, record.Fields{record.FirstName: "Rui", record.LastName: "Souza", record.EmailField: "casa@x.example"})
	b := w.as(someone)
	offered := func() bool { return strings.Contains(b.get("/contacts/duplicates").body, `class="panel duplicate"`) }
	if got := b.get("/contacts/duplicates"); !strings.Contains(got.body, `class="apart"`) || !strings.Contains(got.text(), "Not a duplicate") {
		t.Fatalf("%s", got.text())
	}
	pair := []string{"id", one.ID.String(), "id", two.ID.String()}
	for upn, want := range map[string]int{colleague: 404, "admin@fabrikam.example": 404} {
		if got := w.as(upn).post("/contacts/apart", pair...).status; got != want {
			t.Errorf("%s tells them apart: %d", upn, got)
		}
	}
	if got := b.post("/contacts/apart", "id", one.ID.String()).status; got != 422 {
		t.Errorf("one alone: %d", got)
	}
	if !offered() {
		t.Fatal("they are offered no more though nobody told them apart")
	}
	told := b.post("/contacts/apart", append(pair, "next", "/contacts/duplicates?by=key")...)
	if told.path != "/contacts/duplicates?by=key" || offered() || !strings.Contains(told.text(), "They are different people") {
		t.Errorf("told apart: %s %s", told.path, told.text())
	}
	undo := regexp.MustCompile(`class="undo"[^>]*action="([^"]*)"|action="([^"]*)"[^>]*class="undo"`).FindStringSubmatch(told.body)
	if undo == nil {
		t.Fatalf("it cannot be undone: %s", told.body)
	}
	if b.post(html.UnescapeString(undo[1] + undo[2])); !offered() {
		t.Error("undone, they are not offered")
	}
	b.post("/contacts/apart", pair...)
	list := b.get("/contacts/duplicates?by=apart")
	if !strings.Contains(list.text(), "Ana Souza – Rui Souza") && !strings.Contains(list.text(), "Rui Souza – Ana Souza") || strings.Contains(list.body, "/contacts/merge?") {
		t.Errorf("the list of those: %s", list.text())
	}
	if b.post("/contacts/apart", append(pair, "back", "1", "next", "/contacts/duplicates?by=apart")...); !offered() {
		t.Error("taken back, they are not offered")
	}
}
