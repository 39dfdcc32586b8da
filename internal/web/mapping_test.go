package web

import (
	"context"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// mappingDraft is the dialog as it stands, with some controls changed: pairs of a control's name and its new value.
func (b *browser) mappingDraft(pairs ...string) []string {
	b.w.t.Helper()
	page := b.get(mappingPath)
	out := []string{"winner", chosen(page.body, "winner")}
	for _, f := range mapping.MicrosoftFields(record.Contacts) {
		for _, part := range []string{"way.", "crm."} {
			out = append(out, part+string(f.Name), chosen(page.body, part+string(f.Name)))
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		at := slices.Index(out, pairs[i])
		if at < 0 {
			out = append(out, pairs[i], pairs[i+1])
			continue
		}
		out[at+1] = pairs[i+1]
	}
	return out
}

// chosen is the value that a control of a page has.
func chosen(body, name string) string {
	q := regexp.QuoteMeta(name)
	if m := regexp.MustCompile(`<input type="radio" name="` + q + `" value="([^"]*)" checked`).FindStringSubmatch(body); m != nil {
		return m[1]
	}
	control := regexp.MustCompile(`(?s)<select[^>]*name="` + q + `".*?</select>`).FindString(body)
	if m := regexp.MustCompile(`<option value="([^"]*)" selected`).FindStringSubmatch(control); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// offered are the values that a select offers.
func offered(body, name string) (out []string) {
	control := regexp.MustCompile(`(?s)<select[^>]*name="` + regexp.QuoteMeta(name) + `".*?</select>`).FindString(body)
	for _, m := range regexp.MustCompile(`<option value="([^"]*)"`).FindAllStringSubmatch(control, -1) {
		out = append(out, m[1])
	}
	return out
}

func errorAt(a answer, field string) string {
	m := regexp.MustCompile(`(?s)data-field-error="` + regexp.QuoteMeta(field) + `">(.*?)</p>`).FindStringSubmatch(a.body)
	if m == nil {
		return ""
	}
	return strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(m[1], "")))
}

const adele = "adele@contoso.example"

func TestS26_S27_TheDialogOffersWhatFits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact(adele, record.Fields{record.FirstName: "Ana", record.LastName: "Silva", record.Mobile: "+55 11 98765-4321"})
	got := w.as(adele).get(mappingPath)
	if got.status != 200 || chosen(got.body, "winner") != "later" {
		t.Fatalf("the dialog: %d\n%s", got.status, got.text())
	}
	table := mapping.Default(record.Contacts)
	for _, f := range mapping.MicrosoftFields(record.Contacts) {
		row, _ := rowFor(table, f.Name)
		if now := chosen(got.body, "crm."+string(f.Name)); now != string(row.CRM) {
			t.Errorf("%s meets %q, the default says %q", f.Name, now, row.CRM)
		}
		for _, name := range offered(got.body, "crm."+string(f.Name))[1:] {
			if def, ok := record.DefOf(record.Contacts, record.Field(name)); !ok || !mapping.Meets(f.Type, def) {
				t.Errorf("%s offers %s, which does not fit", f.Name, name)
			}
		}
	}
	for _, row := range table.Rows {
		if !slices.Contains(offered(got.body, "crm."+string(row.Microsoft)), string(row.CRM)) {
			t.Errorf("%s does not offer its default", row.Microsoft)
		}
	}
	if strings.Contains(got.body, "crm.businessFax") || strings.Contains(got.body, "crm.otherPhone") {
		t.Error("the dialog shows a field that Graph does not offer")
	}
	for _, want := range []string{"What becomes of Ana Silva", "Mobile phone +55 11 98765-4321 What the CRM will show"} {
		if text := html.UnescapeString(got.text()); !strings.Contains(text, want) {
			t.Errorf("the example does not say %q:\n%s", want, text)
		}
	}
}

func TestS26_TheServerRefusesWhatDoesNotGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(adele)
	for _, row := range []struct {
		name   string
		pairs  []string
		by     string // "": the one or the other of the name
		says   string
		choice bool // the dialog offers it, so that it is still there afterwards
	}{
		{"a date meets a phone", []string{"crm.birthday", "Mobile"}, "birthday", "hold different kinds of things", false},
		{"two write one field", []string{"crm.homePhones[1]", "Mobile"}, "mobilePhone", "meets “Home phone 2” already", true},
		{"a field the CRM lacks", []string{"crm.mobilePhone", "Shoe_Size"}, "mobilePhone", "no such field", false},
		{"a direction there is not", []string{"way.mobilePhone", "sideways"}, "mobilePhone", "no such field", false},
		{"nothing gives the last name", []string{"crm.surname", ""}, "surname", "demands “Last name”", true},
		{"half a name", []string{"way.surname", "to_crm"}, "", "have to go the same way", true},
	} {
		got := b.post(mappingPath, b.mappingDraft(append(row.pairs, "do", "save")...)...)
		by := row.by
		if by == "" {
			by = "surname"
			if errorAt(got, by) == "" {
				by = "givenName"
			}
		}
		if said := errorAt(got, by); got.status != 422 || !strings.Contains(said, row.says) {
			t.Errorf("%s: %d, by %s stands %q", row.name, got.status, by, said)
		}
		if row.choice && chosen(got.body, row.pairs[0]) != row.pairs[1] {
			t.Errorf("%s: the dialog has lost %q", row.name, row.pairs[1])
		}
	}
	if got := b.post(mappingPath, "do", "save"); got.status != 422 {
		t.Errorf("a form without its fields: %d", got.status)
	}
	if s, err := w.store.Links().Chosen(t.Context(), w.org.ID, w.users[adele].ID, record.Contacts); s != nil || err != nil {
		t.Errorf("something was kept: %+v %v", s, err)
	}
}

// Who only changes what decides a conflict is asked about that, and told of that: no field is different.
func TestS26_OnlyWhatDecidesAConflictChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(adele)
	b := w.as(adele)
	b.post(marketplacePath + "/contacts/enable")
	draft := b.mappingDraft("winner", "ask", "do", "save")
	asked := b.post(mappingPath, draft...)
	if text := asked.text(); !strings.Contains(text, "Change what counts when both sides differ?") || strings.Contains(text, "fields of your contacts") {
		t.Fatalf("asked is:\n%s", text)
	}
	done := b.post(mappingPath, append(draft, "answer", yesTo(asked))...)
	if done.path != marketplacePath || !strings.Contains(done.text(), "It counts from the next change") || strings.Contains(done.text(), "The fields are changed") {
		t.Errorf("done: %s\n%s", done.path, done.text())
	}
	if links, err := w.store.Links().LinksOf(t.Context(), w.org.ID, w.users[adele].ID); err != nil || links[0].Policy.Winner != reconcile.AskPerson {
		t.Errorf("the links are %+v, %v", links, err)
	}
}

func TestS26_BeforeEnablingAPersonChooses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(adele)
	b := w.as(adele)
	if card := b.get(marketplacePath); !strings.Contains(card.body, `href="`+mappingPath+`"`) || !strings.Contains(card.text(), "Change which fields meet") {
		t.Errorf("the card does not lead to the dialog:\n%s", card.text())
	}
	got := b.post(mappingPath, b.mappingDraft("crm.homePhones[1]", "Other_Phone", "way.homePhones[1]", "to_crm", "crm.assistantName", "", "winner", "ask", "do", "save")...)
	if got.path != marketplacePath || !strings.Contains(got.text(), "It counts as soon as you enable") {
		t.Fatalf("saved: %d at %s\n%s", got.status, got.path, got.text())
	}
	b.post(marketplacePath + "/contacts/enable")
	links, err := w.store.Links().LinksOf(t.Context(), w.org.ID, w.users[adele].ID)
	w.must(err)
	if len(links) != 1 || links[0].Policy.Winner != reconcile.AskPerson {
		t.Fatalf("the link: %+v", links)
	}
	if row, _ := rowFor(links[0].Mapping, "homePhones[1]"); row != (mapping.Row{Microsoft: "homePhones[1]", CRM: record.OtherPhone, Direction: mapping.ToCRM}) {
		t.Errorf("the link's row: %+v", row)
	}
	if _, ok := rowFor(links[0].Mapping, "assistantName"); ok {
		t.Error("what was switched off is in the link")
	}
	if page := b.get(mappingPath); !strings.Contains(page.body, `data-origin="own"`) || chosen(page.body, "way.homePhones[1]") != "to_crm" {
		t.Errorf("the dialog afterwards:\n%s", page.text())
	}
	if card := b.get(marketplacePath); !strings.Contains(card.body, `class="button choose-fields"`) {
		t.Error("the card of a running sync has no Fields")
	}
}

func TestS26_AChangeIsAskedAboutAndThenDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var entries []reconcile.Entry
	for i, phone := range []record.Value{"+55 11 3333-0001", "", "+55 11 3333-0003"} {
		c := w.contact(adele, record.Fields{record.LastName: record.Value("Nome" + string(rune('0'+i))), record.OtherPhone: phone})
		entries = append(entries, reconcile.Entry{Pair: reconcile.Pair{CRM: c.ID.Ref(), Microsoft: "m" + c.ID.Ref(), State: reconcile.Synced}})
	}
	link := w.link(adele, record.Contacts, entries, func(*reconcile.Link) {})
	w.must(w.site.Registry.SaveCompany(t.Context(), w.users["admin@contoso.example"], account.Company{Region: "BR", AdmitContacts: true}))
	b := w.as(adele)
	draft := b.mappingDraft("crm.homePhones[1]", "Other_Phone", "crm.assistantName", "", "winner", "crm", "do", "save")
	ask := b.post(mappingPath, draft...)
	for _, want := range []string{
		"Change the fields of your contacts?", "Home phone 2 Nothing Other phone", "Assistant Assistant Nothing", "2 of 3 contacts in step have something",
		"Nome0", "Nome2", "Nothing is deleted", "the CRM counts. The other value stands in the history", "from now on: The CRM counts",
	} {
		if !strings.Contains(ask.text(), want) {
			t.Errorf("the question does not say %q:\n%s", want, ask.text())
		}
	}
	now := func() reconcile.Link {
		l, err := w.store.Links().Link(context.Background(), w.org.ID, link.ID)
		w.must(err)
		return *l
	}
	if _, ok := rowFor(now().Mapping, "homePhones[1]"); ok || strings.Contains(ask.text(), "Nome1") {
		t.Fatal("it was done unasked, or a record is named that has nothing there")
	}
	value := regexp.MustCompile(`name="answer" value="([^"]+)"`).FindStringSubmatch(ask.body)[1]

	// Going back keeps what was chosen; a yes to something else is asked about anew.
	back := b.post(mappingPath, append(slices.Clone(draft[:len(draft)-2]), "do", "edit")...)
	if chosen(back.body, "crm.homePhones[1]") != "Other_Phone" || chosen(back.body, "winner") != "crm" {
		t.Error("going back has lost the draft")
	}
	other := b.mappingDraft("crm.nickName", "Skype_ID", "do", "save", "answer", value)
	if got := b.post(mappingPath, other...); !strings.Contains(got.body, `id="mapping-change"`) {
		t.Errorf("a yes to another change was taken: %d at %s", got.status, got.path)
	}

	done := b.post(mappingPath, append(slices.Clone(draft), "answer", value)...)
	if done.path != marketplacePath || !strings.Contains(done.text(), "The fields are changed") || !strings.Contains(done.body, `class="progress comparing"`) {
		t.Fatalf("done: %d at %s\n%s", done.status, done.path, done.text())
	}
	l := now()
	row, _ := rowFor(l.Mapping, "homePhones[1]")
	if row.CRM != record.OtherPhone || l.Policy.Winner != reconcile.CRMWins || !l.Policy.AdmitImported || l.Wanted <= l.Done {
		t.Errorf("the link: %+v, row %+v", l, row)
	}
	if err := l.Mapping.Check(); err != nil {
		t.Error(err)
	}
	// Sent once more, it finds nothing to do.
	if again := b.post(mappingPath, append(slices.Clone(draft), "answer", value)...); !strings.Contains(again.text(), "nothing changes") {
		t.Errorf("again: %d at %s", again.status, again.path)
	}
	// Switched off and on again, the choice is still the person's.
	w.must(w.store.Links().ChangeState(t.Context(), w.org.ID, link.ID, []reconcile.LinkState{reconcile.On}, reconcile.Off, ""))
	if page := b.get(mappingPath); chosen(page.body, "crm.homePhones[1]") != "Other_Phone" || chosen(page.body, "winner") != "crm" {
		t.Error("with the link the choice has gone")
	}
}

func TestS26_TheOrganizationsDefaultIsForWhoeverHasNotChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant("alex@contoso.example")
	running := w.link(adele, record.Contacts, nil, func(*reconcile.Link) {})
	admin, alex := w.as("admin@contoso.example"), w.as("alex@contoso.example")
	if got := alex.post(mappingPath+"/default", alex.mappingDraft("crm.nickName", "Skype_ID")...); got.status != 403 {
		t.Errorf("Alex, who manages no users, speaks for all: %d", got.status)
	}
	if page := alex.get(mappingPath); strings.Contains(page.body, `id="mapping-common"`) {
		t.Error("Alex is offered to speak for all")
	}
	if page := admin.get(mappingPath); !strings.Contains(page.text(), "syncs that are already on do not change") {
		t.Errorf("the page does not say whom it concerns:\n%s", page.text())
	}
	if got := admin.post(mappingPath+"/default", admin.mappingDraft("crm.nickName", "Birthday")...); got.status != 422 {
		t.Errorf("a default that is wrong: %d", got.status)
	}
	got := admin.post(mappingPath+"/default", admin.mappingDraft("crm.nickName", "Skype_ID", "winner", "microsoft")...)
	if got.path != mappingPath || !strings.Contains(got.text(), "new syncs in your organization begin") || !strings.Contains(got.body, `data-origin="organization"`) {
		t.Fatalf("said for all: %d at %s\n%s", got.status, got.path, got.text())
	}
	if trail := admin.get(auditPath); !strings.Contains(trail.text(), "Sync default set") {
		t.Errorf("the audit trail:\n%s", trail.text())
	}
	alex.post(marketplacePath + "/contacts/enable")
	links, err := w.store.Links().LinksOf(t.Context(), w.org.ID, w.users["alex@contoso.example"].ID)
	w.must(err)
	if row, _ := rowFor(links[0].Mapping, "nickName"); row.CRM != record.SkypeID || links[0].Policy.Winner != reconcile.MicrosoftWins {
		t.Errorf("Alex begins with %+v, %+v", row, links[0].Policy)
	}
	l, err := w.store.Links().Link(t.Context(), w.org.ID, running.ID)
	w.must(err)
	if _, ok := rowFor(l.Mapping, "nickName"); ok || l.Policy.Winner != "" {
		t.Error("Adele's running sync was changed by it")
	}
	if stranger := w.as("admin@fabrikam.example").get(mappingPath); !strings.Contains(stranger.body, `data-origin="product"`) {
		t.Error("another organization's default was changed by it")
	}

	// One's own wins, and is given up by going back to what is for all.
	admin.post(mappingPath, admin.mappingDraft("crm.nickName", "Twitter", "do", "save")...)
	if page := admin.get(mappingPath); !strings.Contains(page.body, `data-origin="own"`) || chosen(page.body, "crm.nickName") != "Twitter" {
		t.Error("the own choice does not win")
	}
	reset := admin.post(mappingPath, admin.mappingDraft("do", "reset")...)
	if !strings.Contains(reset.body, `data-origin="organization"`) || !strings.Contains(reset.text(), "This is what your organization has chosen. It is not saved yet.") {
		t.Errorf("reset passes for a choice of one's own, or for done:\n%s", reset.text())
	}
	if edited := admin.post(mappingPath, admin.mappingDraft("crm.nickName", "", "do", "edit", "winner", "crm")...); !strings.Contains(edited.body, `data-origin="own"`) || !strings.Contains(edited.text(), "It is not saved yet.") {
		t.Errorf("a draft passes for saved:\n%s", edited.text())
	}
	if chosen(reset.body, "crm.nickName") != "Skype_ID" || chosen(reset.body, "winner") != "microsoft" {
		t.Error("reset does not show the organization's default")
	}
	if product := admin.post(mappingPath, admin.mappingDraft("do", "product")...); !strings.Contains(product.body, `data-origin="product"`) || !strings.Contains(product.text(), "It is not saved yet.") ||
		chosen(product.body, "crm.nickName") != "" || chosen(product.body, "winner") != "later" {
		t.Error("reset to Tandem's default does not show it")
	}
	admin.post(mappingPath, admin.mappingDraft("crm.nickName", "Skype_ID", "winner", "microsoft", "do", "save")...)
	if page := admin.get(mappingPath); !strings.Contains(page.body, `data-origin="organization"`) || strings.Contains(page.text(), "not saved yet") {
		t.Error("whoever wants what all want still has a choice of their own")
	}
}

func TestS26_WhoeverMayNotSyncFindsNoDialog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.profile(adele, func(p *account.Permissions) { p.SyncContacts = false })
	b := w.as(adele)
	if got := b.get(mappingPath); got.status != 403 || strings.Contains(b.get(marketplacePath).body, mappingPath) {
		t.Errorf("the dialog: %d", got.status)
	}
	if got := b.post(mappingPath, "winner", "crm", "do", "save"); got.status != 403 {
		t.Errorf("saving: %d", got.status)
	}
}

func TestS26_TheExampleFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact(adele, record.Fields{record.LastName: "Silva", record.SkypeID: "ana.silva", record.Mobile: "+55 11 98765-4321"})
	w.contact("alex@contoso.example", record.Fields{record.LastName: "Nobody's business", record.SkypeID: "x"})
	b := w.as(adele)
	part := b.post(mappingPath+"/example", b.mappingDraft("crm.imAddresses[0]", "Skype_ID", "crm.mobilePhone", "")...)
	text := html.UnescapeString(part.text())
	if strings.Contains(part.body, "<html") || !strings.Contains(text, "IM address ana.silva") || strings.Contains(text, "Mobile phone") {
		t.Errorf("the example:\n%s", text)
	}
	if !strings.Contains(text, "Mobile +55 11 98765-4321") || strings.Contains(text, "Nobody") {
		t.Errorf("the CRM's side of it:\n%s", text)
	}
}
