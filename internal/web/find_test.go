package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/record"
)

// findKeys are the messages of the search, the shortcuts and the bin that code puts together.
func findKeys() []string {
	keys := []string{"flash.keys_on", "flash.keys_off", "flash.restored_many", "flash.destroyed", "flash.bin_left", "flash.bin_some", "bin.ask.some", "bin.ask.contacts", "bin.ask.calendar", "flash.merged_more", "duplicates.by.key", "duplicates.by.name", "duplicates.by.apart"}
	for _, s := range shortcuts {
		keys = append(keys, "shortcut."+s.Key)
	}
	return keys
}

func TestSearchLooksThroughContactsAndEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact("adele@contoso.example", record.Fields{record.LastName: "Ferreira", record.AccountName: "Padaria Central"})
	w.event("adele@contoso.example", record.Fields{record.EventTitle: "Visita à padaria", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00"})
	w.event("alex@contoso.example", record.Fields{record.EventTitle: "Padaria secreta", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.Sensitivity: "private"})
	got := w.as("adele@contoso.example").get("/search?q=PADARIA")
	for _, want := range []string{"Ferreira", "Visita à padaria", `id="found-contacts"`, `id="found-calendar"`, `name="q" value="PADARIA"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, got.text())
		}
	}
	b := w.as("admin@contoso.example")
	if got := b.get("/search?q=padaria"); strings.Contains(got.body, "secreta") || !strings.Contains(got.body, "Ferreira") {
		t.Errorf("the administrator finds:\n%s", got.text())
	}
	if got := b.get("/search?q=nada"); !strings.Contains(got.text(), "Nothing found for “nada”") {
		t.Errorf("nothing found:\n%s", got.text())
	}
	if got := b.get("/search"); got.status != http.StatusOK || strings.Contains(got.text(), "Nothing found") {
		t.Errorf("nothing asked:\n%s", got.text())
	}
	w.profile("adele@contoso.example", func(p *account.Permissions) { p.Contacts.View = record.Nobodys })
	if got := w.as("adele@contoso.example").get("/search?q=padaria"); strings.Contains(got.body, "Ferreira") || !strings.Contains(got.body, "Visita") {
		t.Errorf("without contacts to see:\n%s", got.text())
	}
	for i := range findMost + 3 {
		w.contact("admin@contoso.example", record.Fields{record.LastName: record.Value("Muitos" + string(rune('a'+i)))})
	}
	if got := b.get("/search?q=muitos"); strings.Count(got.body, "data-id=") != findMost || !strings.Contains(got.body, `href="/contacts?q=muitos"`) {
		t.Errorf("many:\n%s", got.text())
	}
}

func TestShortcutsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	if got := b.get("/shortcuts"); !strings.Contains(got.body, `data-keys="on"`) || !strings.Contains(got.text(), "Go to contacts") {
		t.Errorf("at first:\n%s", got.text())
	}
	if got := b.post("/shortcuts", "keys", "off"); strings.Contains(got.body, "data-keys") || !strings.Contains(got.text(), "Shortcuts are switched off.") {
		t.Errorf("switched off:\n%s", got.text())
	}
	if got := w.as("adele@contoso.example").get("/"); strings.Contains(got.body, "data-keys") {
		t.Error("another browser of the same person has them")
	}
	if got := w.as("alex@contoso.example").get("/"); !strings.Contains(got.body, `data-keys="on"`) {
		t.Error("another person does not")
	}
	if got := b.post("/shortcuts", "keys", "on"); !strings.Contains(got.body, `data-keys="on"`) {
		t.Error("not on again")
	}
}

// bin puts contacts into the recycle bin.
func (w *world) bin(upn string, names ...string) (ids []string) {
	w.t.Helper()
	for _, name := range names {
		c := w.contact(upn, record.Fields{record.LastName: record.Value(name)})
		_, err := one(w.crm.Delete(context.Background(), w.actor(upn), record.Contacts, []crm.Draft{{ID: c.ID}}))
		w.must(err)
		ids = append(ids, c.ID.String())
	}
	return ids
}

func TestManyAreRestoredOrDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.bin("adele@contoso.example", "Um", "Dois", "Tres", "Quatro")
	foreign := w.bin("alex@contoso.example", "Alheio")
	b := w.as("adele@contoso.example")
	got := b.post("/recycle-bin/restore", "kind", "contacts", "id", ids[0], "id", ids[1], "id", foreign[0], "id", "77")
	if !strings.Contains(got.text(), "2 records were restored. Some were left") || strings.Contains(got.body, ">Um<") {
		t.Errorf("restored:\n%s", got.text())
	}
	if got := b.get("/recycle-bin/destroy?kind=contacts&id=" + ids[2] + "&id=" + foreign[0]); !strings.Contains(got.text(), "Delete 1 record for good?") || !strings.Contains(got.text(), "Tres") {
		t.Errorf("the question:\n%s", got.text())
	}
	if got := b.get("/recycle-bin"); !strings.Contains(got.text(), "Tres") {
		t.Error("asking destroyed it")
	}
	if got := b.post("/recycle-bin/destroy", "kind", "contacts", "id", ids[2], "id", foreign[0], "id", ids[0]); !strings.Contains(got.text(), "1 record was deleted for good. Some were left") || strings.Contains(got.text(), "Tres") {
		t.Errorf("destroyed:\n%s", got.text())
	}
	if got := b.get("/contacts/" + ids[0]); got.status != http.StatusOK {
		t.Errorf("what is not in the bin was destroyed: %d", got.status)
	}

	// All at once: what comes into the bin after the question stays.
	question := b.get("/recycle-bin/destroy?kind=contacts&all=1")
	if !strings.Contains(question.text(), "delete 1 contact for good?") {
		t.Errorf("the question of all:\n%s", question.text())
	}
	until := hiddenValue(t, question.body, "until")
	w.bin("adele@contoso.example", "Depois")
	if got := b.post("/recycle-bin/destroy", "kind", "contacts", "until", until); !strings.Contains(got.text(), "1 record was deleted for good.") || !strings.Contains(got.text(), "Depois") {
		t.Errorf("emptied:\n%s", got.text())
	}
	if got := w.as("alex@contoso.example").get("/recycle-bin"); !strings.Contains(got.text(), "Alheio") {
		t.Error("somebody else's bin was emptied")
	}
	for _, form := range [][]string{{"kind", "contacts"}, {"kind", "contacts", "until", "soon"}} {
		if got := b.post("/recycle-bin/destroy", form...); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, got.status)
		}
	}
	if got := b.post("/recycle-bin/restore", "kind", "companies"); got.status != http.StatusNotFound {
		t.Errorf("no such bin: %d", got.status)
	}
	w.profile("adele@contoso.example", func(p *account.Permissions) { p.Contacts.Delete = record.Nobodys })
	for _, path := range []string{"/recycle-bin/restore", "/recycle-bin/destroy"} {
		if got := b.post(path, "kind", "contacts", "id", ids[3], "until", "9999999999999999"); got.status != http.StatusForbidden {
			t.Errorf("%s without permission: %d", path, got.status)
		}
	}
}

// More than are destroyed at once, in a bin where others' records lie between.
func TestEmptyingGoesThroughTheWholeBin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mine, theirs []crm.Draft
	for range binMax + 30 {
		mine, theirs = append(mine, crm.Draft{Fields: record.Fields{record.LastName: "M"}}), append(theirs, crm.Draft{Fields: record.Fields{record.LastName: "T"}})
	}
	for upn, drafts := range map[string][]crm.Draft{"adele@contoso.example": mine, "alex@contoso.example": theirs} {
		made, err := w.crm.Insert(t.Context(), w.actor(upn), record.Contacts, drafts)
		w.must(err)
		for i := range made {
			drafts[i] = crm.Draft{ID: made[i].Record.ID}
		}
		_, err = w.crm.Delete(t.Context(), w.actor(upn), record.Contacts, drafts)
		w.must(err)
	}
	w.profile("adele@contoso.example", func(p *account.Permissions) { p.Contacts.View, p.Contacts.Delete = record.Anyones, record.Own })
	b := w.as("adele@contoso.example")
	until := hiddenValue(t, b.get("/recycle-bin/destroy?kind=contacts&all=1").body, "until")
	if got := b.post("/recycle-bin/destroy", "kind", "contacts", "until", until); !strings.Contains(got.text(), "230 records were deleted for good.") {
		t.Errorf("emptied:\n%.300s", got.text())
	}
	left, err := w.crm.Count(t.Context(), w.actor("admin@contoso.example"), record.Contacts, crm.Query{Deleted: true})
	if err != nil || left != binMax+30 {
		t.Errorf("%d are left, %v", left, err)
	}
}
