package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func outlookNoteKeys() []string {
	out := []string{"contact.outlook.deleting"}
	for _, each := range []string{"synced", "failing", "apart", "deleting_to_microsoft", "deleting_to_crm", "deleting_apart"} {
		out = append(out, "contact.outlook."+each)
	}
	return append(out, "event.outlook.synced", "event.outlook.failing", "event.outlook.apart")
}

// FIELD-FAILURES 117: so does an event's page.
func TestFF117_AnEventSaysWhichOneInOutlookItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	var entries []reconcile.Entry
	events := map[string]crm.Record{}
	for _, name := range []string{"synced", "failing", "none"} {
		events[name] = w.event(adele, record.Fields{record.EventTitle: record.Value(name), record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00"})
	}
	for name, state := range map[string]reconcile.PairState{"synced": reconcile.Synced, "failing": reconcile.Parked} {
		entries = append(entries, reconcile.Entry{Pair: reconcile.Pair{CRM: events[name].ID.Ref(), Microsoft: record.Ref("m-" + name), State: state}})
	}
	w.link(adele, record.Calendar, entries, func(*reconcile.Link) {})
	for lang, words := range map[string]map[string]string{
		"en":    {"synced": "In the calendar “Tandem”, in step since", "failing": "In the calendar “Tandem”, not in step since"},
		"pt-BR": {"synced": "No calendário “Tandem”, sincronizado desde", "failing": "No calendário “Tandem”, fora de sincronia desde"},
	} {
		b := w.as(adele)
		b.lang = lang
		for name, want := range words {
			if text := b.get("/calendar/" + events[name].ID.String()).text(); !strings.Contains(text, want) {
				t.Errorf("%s, %s: no %q in %s", lang, name, want, text)
			}
		}
		if body := b.get("/calendar/" + events["none"].ID.String()).body; strings.Contains(body, "outlook-place") {
			t.Errorf("%s: an event that Outlook does not have", lang)
		}
	}
}

// FIELD-FAILURES 117: a contact's page says in which folder of Outlook it is, since when, and what becomes of one when the other
// is deleted; in both languages, whichever way the sync goes. Where Outlook has none, it says nothing of the kind.
func TestFF117_AContactSaysWhichOneInOutlookItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	contacts := map[string]crm.Record{}
	for _, name := range []string{"synced", "failing", "apart", "kept", "moved"} {
		contacts[name] = w.contact(adele, record.Fields{record.LastName: record.Value(name)})
	}
	pair := func(name string, item record.Ref, state reconcile.PairState, why fault.Reason) reconcile.Entry {
		return reconcile.Entry{Pair: reconcile.Pair{CRM: contacts[name].ID.Ref(), Microsoft: item, State: state, Reason: why}}
	}
	l := w.link(adele, record.Contacts, []reconcile.Entry{
		pair("synced", "m1", reconcile.Synced, ""), pair("failing", "m2", reconcile.Parked, fault.Refused),
		pair("apart", "m3", reconcile.Excluded, fault.MovedOut),
		pair("moved", "", reconcile.Excluded, fault.MovedOut), pair("kept", "", reconcile.Excluded, fault.Imported),
	}, func(*reconcile.Link) {})
	english, portuguese := w.as(adele), w.as(adele)
	portuguese.lang = "pt-BR"
	ways := []mapping.Direction{mapping.BothWays, mapping.ToMicrosoft, mapping.ToCRM}
	for i, row := range []struct{ both, toMicrosoft, toCRM string }{
		{"it goes to Deleted Items in Outlook. If you delete it in Outlook, it goes to the recycle bin here.",
			"it goes to Deleted Items in Outlook. If you delete it in Outlook, it is put back there.", "it goes to the recycle bin here. If you delete it here, it is put back."},
		{"ele vai para os Itens Excluídos do Outlook. Se excluir no Outlook, ele vai para a lixeira daqui.",
			"ele vai para os Itens Excluídos do Outlook. Se excluir no Outlook, ele volta para lá.", "ele vai para a lixeira daqui. Se excluir aqui, ele volta."},
	} {
		b := []*browser{english, portuguese}[i]
		for j, rule := range []string{row.both, row.toMicrosoft, row.toCRM} {
			w.must(w.store.Links().ChangeSettings(t.Context(), l.Org, l.ID, reconcile.Policy{Options: reconcile.Options{Direction: ways[j]}}, mapping.Default(record.Contacts)))
			for _, name := range []string{"synced", "failing"} {
				text := b.get("/contacts/" + contacts[name].ID.String()).text()
				if !strings.Contains(text, "“Tandem”") || !strings.Contains(text, rule) {
					t.Errorf("%s, %s, way %q: %s", b.lang, name, ways[j], text)
				}
			}
		}
		place := map[string]string{
			"en synced": "in step since", "en failing": "not in step since", "en apart": "Apart from the contact in Outlook since", "en moved": "Apart from the contact in Outlook since",
			"pt-BR synced": "sincronizado desde", "pt-BR failing": "fora de sincronia desde", "pt-BR apart": "Separado do contato no Outlook desde",
			"pt-BR moved": "Separado do contato no Outlook desde",
		}
		for _, name := range []string{"synced", "failing", "apart", "moved"} {
			page := b.get("/contacts/" + contacts[name].ID.String())
			if words := place[b.lang+" "+name]; !regexp.MustCompile(words + ` .{0,30}\d:\d\d`).MatchString(page.text()) {
				t.Errorf("%s, %s: no %q with a time in %s", b.lang, name, words, page.text())
			}
			if apart := strings.Contains(page.body, "Deleted Items") || strings.Contains(page.body, "Itens Excluídos"); name == "apart" && apart {
				t.Errorf("%s: what was moved out is said to follow", b.lang)
			}
		}
		for _, path := range []string{"/contacts/" + contacts["kept"].ID.String(), "/contacts/new"} {
			if body := b.get(path).body; strings.Contains(body, "outlook-place") || strings.Contains(body, "outlook-deleting") {
				t.Errorf("%s, %s: a contact that Outlook does not have", b.lang, path)
			}
		}
	}
}

// What a page says of Outlook follows by itself when sync changes it: the part alone is asked for, and says what is true by then.
func TestARecordsPageFollowsSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	c := w.contact(adele, record.Fields{record.LastName: "Souza"})
	e := w.event(adele, record.Fields{record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00"})
	b := w.as(adele)
	for path, kind := range map[string]record.Kind{"/contacts/" + c.ID.String(): record.Contacts, "/calendar/" + e.ID.String(): record.Calendar} {
		if body := b.get(path).body; !strings.Contains(body, `id="outlook-facts" hx-get="`+path+`" data-topics="links"`) {
			t.Errorf("%s does not listen", path)
		}
		ref := map[record.Kind]record.Ref{record.Contacts: c.ID.Ref(), record.Calendar: e.ID.Ref()}[kind]
		w.link(adele, kind, []reconcile.Entry{{Pair: reconcile.Pair{CRM: ref, Microsoft: "m1", State: reconcile.Synced}}}, func(*reconcile.Link) {})
		part := b.get(path, "HX-Request", "true", "HX-Target", "dd#outlook-facts").body
		if !strings.HasPrefix(part, `<dd id="outlook-facts"`) || !strings.Contains(part, "in step since") {
			t.Errorf("%s: the part is %s", path, part)
		}
		b.post(path + "/delete")
		if got := b.get(path, "HX-Request", "true", "HX-Target", "dd#outlook-facts"); got.status != http.StatusNoContent || got.body != "" {
			t.Errorf("%s, open while its record is deleted: %d %s", path, got.status, got.body)
		}
		if got := b.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s: opened anew after deleting: %d", path, got.status)
		}
	}
}
