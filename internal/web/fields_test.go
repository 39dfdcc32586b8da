package web

import (
	"context"
	"slices"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// customField makes a field of our contacts, as the administrator.
func (w *world) customField(d crm.FieldDraft) crm.CustomField {
	w.t.Helper()
	f, err := w.site.Fields.Make(context.Background(), w.actor("admin@contoso.example").Author, record.Contacts, d)
	w.must(err)
	return f
}

// everyField makes a field of each type, and tells their names by the types' names.
func (w *world) everyField() map[string]crm.CustomField {
	out := map[string]crm.CustomField{}
	for _, typ := range crm.CustomTypes {
		d := crm.FieldDraft{Label: "Our " + typ.Name, Type: typ.Name}
		if typ.Type == record.Picklist {
			d.Values = []string{"Red", "<b>Blue</b>"}
		}
		out[typ.Name] = w.customField(d)
	}
	return out
}

func (w *world) contactNow(upn string, id record.ID) crm.Record {
	w.t.Helper()
	r, err := w.crm.Get(context.Background(), w.actor(upn), record.Contacts, id)
	w.must(err)
	return r
}

// An administrator makes a field, and everybody of the organization has it on contacts, and nobody else.
func TestAnOrganizationMakesFieldsOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as("admin@contoso.example")
	if got := admin.get("/setup"); !strings.Contains(got.body, `href="/setup/fields"`) {
		t.Error("Setup leads nobody to the fields")
	}
	if got := w.as(someone).get("/setup"); strings.Contains(got.body, `href="/setup/fields"`) {
		t.Error("Setup leads somebody there who may not enter")
	}
	if got := admin.stay().post(fieldsPath, "label", "Colour", "type", "picklist", "values", " Red\r\n\r\nRed"); got.status != 422 || errorAt(got, "values") == "" {
		t.Errorf("a choice twice: %d", got.status)
	}
	if got := admin.stay().post(fieldsPath, "label", " ", "type", "text"); got.status != 422 || errorAt(got, "label") == "" {
		t.Errorf("no name: %d", got.status)
	}
	for _, label := range []string{"Date of birth", " data de  NASCIMENTO", "Mobile"} { // in either language
		if got := admin.stay().post(fieldsPath, "label", label, "type", "date"); got.status != 422 || !strings.Contains(errorAt(got, "label"), "called this already") {
			t.Errorf("%s, which a standard field is called: %d, %q", label, got.status, errorAt(got, "label"))
		}
	}
	if got := admin.post(fieldsPath, "label", "Cor <preferida>", "type", "picklist", "values", "Red\r\nBlue"); got.status != 200 || !strings.Contains(got.body, "Cor_preferida") {
		t.Fatalf("made: %d", got.status)
	}
	page := w.as(someone).get("/contacts/new")
	if !strings.Contains(page.body, "Cor &lt;preferida&gt;") || !slices.Equal(offered(page.body, "Cor_preferida"), []string{"", "Red", "Blue"}) {
		t.Errorf("the form offers %v", offered(page.body, "Cor_preferida"))
	}
	if got := w.as("admin@fabrikam.example").get("/contacts/new"); strings.Contains(got.body, "Cor_preferida") {
		t.Error("another organization has the field")
	}
	if got := w.as("admin@fabrikam.example").get(fieldsPath); strings.Contains(got.body, "Cor_preferida") {
		t.Error("another organization sees the field")
	}
	if got := admin.get("/setup/audit"); !strings.Contains(got.body, "Cor &lt;preferida&gt;") {
		t.Error("the audit trail does not tell of it")
	}
}

// What a form sends of custom fields is kept, shown again, and refused where it is none.
func TestCustomFieldsOnTheFormOfAContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.everyField()
	b := w.as(someone)
	got := b.stay().post("/contacts", "Last_Name", "Silva", string(own["text"].Name), "one", string(own["textarea"].Name), "a\r\nb", string(own["double"].Name), "1,234.50",
		string(own["date"].Name), "2026-02-28", string(own["picklist"].Name), "<b>Blue</b>", string(own["boolean"].Name), "true",
		string(own["phone"].Name), "+55 11 99999-0000", string(own["email"].Name), "a@b.example", string(own["website"].Name), "https://b.example")
	id, ok := record.ParseID(strings.TrimPrefix(got.header.Get("Location"), "/contacts/"))
	if got.status != 303 || !ok {
		t.Fatalf("%d to %s", got.status, got.header.Get("Location"))
	}
	want := map[string]record.Value{"text": "one", "textarea": "a\nb", "double": "1234.5", "date": "2026-02-28", "picklist": "<b>Blue</b>", "boolean": "true",
		"phone": "+55 11 99999-0000", "email": "a@b.example", "website": "https://b.example"}
	now := w.contactNow(someone, id)
	for typ, v := range want {
		if now.Fields[own[typ].Name] != v {
			t.Errorf("%s is kept as %q", typ, now.Fields[own[typ].Name])
		}
	}
	page := b.get("/contacts/" + id.String())
	for _, text := range []string{`value="1234.5"`, `value="2026-02-28"`, "a\nb</textarea>", `<option value="&lt;b&gt;Blue&lt;/b&gt;" selected>&lt;b&gt;Blue&lt;/b&gt;`, `value="https://b.example"`} {
		if !strings.Contains(page.body, text) {
			t.Errorf("the form lacks %s", text)
		}
	}
	if got := b.stay().post("/contacts/"+id.String(), "version", "1", "Last_Name", "Silva", string(own["double"].Name), "many"); got.status != 422 ||
		errorAt(got, string(own["double"].Name)) == "" || !strings.Contains(got.body, `value="many"`) {
		t.Errorf("a number that is none: %d", got.status)
	}
	for _, address := range []string{"javascript:alert(1)", "data:text/html,x"} {
		if got := b.stay().post("/contacts/"+id.String(), "version", "1", "Last_Name", "Silva", string(own["website"].Name), address); got.status != 422 ||
			errorAt(got, string(own["website"].Name)) == "" {
			t.Errorf("%s as a web address: %d", address, got.status)
		}
	}
	// In Portuguese the comma is the point.
	adele := w.users[someone]
	adele.Locale = "pt-BR"
	w.must(w.store.Accounts().UpdateUser(t.Context(), adele))
	if got := b.get("/contacts/" + id.String()); !strings.Contains(got.body, `value="1234,5"`) {
		t.Error("a number is not told in Portuguese")
	}
	if got := b.stay().post("/contacts/"+id.String(), "version", "1", "Last_Name", "Silva", string(own["double"].Name), "1.234,75"); got.status != 303 ||
		w.contactNow(someone, id).Fields[own["double"].Name] != "1234.75" {
		t.Errorf("typed in Portuguese: %d, %q", got.status, w.contactNow(someone, id).Fields[own["double"].Name])
	}
	// Somebody else saved meanwhile: the page of the two names the fields by their labels.
	if got := b.stay().post("/contacts/"+id.String(), "version", "1", "Last_Name", "Silva", string(own["text"].Name), "two"); got.status != 409 || !strings.Contains(got.body, "Our text") {
		t.Errorf("a conflict: %d", got.status)
	}
}

func TestNumbersAreReadInThePersonsLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, row := range []struct{ lang, typed, want, shown string }{
		{"en", "1,234.5", "1234.5", "1234.5"}, {"en", "1.234", "1.234", "1.234"}, {"en", "1,5", "1,5", "1,5"}, {"en", "12,34,567", "12,34,567", "12,34,567"},
		{"en", "-1,000", "-1000", "-1000"}, {"pt-BR", "1.234,5", "1234.5", "1234,5"}, {"pt-BR", "1.234", "1234", "1234"}, {"pt-BR", "1234.5", "1234.5", "1234,5"},
		{"pt-BR", "1,234", "1.234", "1,234"}, {"pt-BR", "um", "um", "um"}, {"pt-BR", "", "", ""}, {"en", ",500", ",500", ",500"},
	} {
		words := w.site.pages.words[row.lang]
		got := words.readNumber(row.typed)
		if got != row.want || words.number(got) != row.shown {
			t.Errorf("%s: %q is read as %q and shown as %q", row.lang, row.typed, got, words.number(got))
		}
		if again := words.readNumber(words.number(got)); again != got {
			t.Errorf("%s: %q saved once more is %q", row.lang, got, again)
		}
	}
}

// Out of use, in use again, destroyed: each says what becomes of the values, and does that.
func TestWhatBecomesOfTheValuesOfAField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	size := w.customField(crm.FieldDraft{Label: "Shoe size", Type: "double"})
	r := w.contact(someone, record.Fields{record.LastName: "Silva", size.Name: "42"})
	admin, path := w.as("admin@contoso.example"), fieldsPath+"/"+size.ID.String()
	if got := admin.get(path + "/retire"); !strings.Contains(got.body, `data-values="1"`) {
		t.Error("it is not said how many contacts have a value")
	}
	if got := admin.stay().get(path + "/destroy"); got.status != 303 || got.header.Get("Location") != path {
		t.Errorf("a field in use is offered for deletion: %d", got.status)
	}
	if got := admin.stay().post(path+"/destroy", "values", "1"); got.status != 409 {
		t.Errorf("a field in use is destroyed: %d", got.status)
	}
	admin.post(path + "/retire")
	if got := admin.get("/contacts/" + r.ID.String()); strings.Contains(got.body, "Shoe") {
		t.Error("a field out of use is on the form")
	}
	if got := admin.stay().post("/contacts/"+r.ID.String(), "version", "1", "Last_Name", "Santos", string(size.Name), "7"); got.status != 303 {
		t.Errorf("a form that was open goes: %d", got.status)
	}
	admin.post(path + "/use")
	if now := w.contactNow(someone, r.ID); now.Fields[size.Name] != "42" || now.Fields[record.LastName] != "Santos" {
		t.Errorf("in use again: %v", now.Fields)
	}
	admin.post(path + "/retire")
	if got := admin.stay().post(path+"/destroy", "values", "7"); got.status != 200 || !strings.Contains(got.body, `data-values="1"`) {
		t.Errorf("destroyed without being asked about this many: %d", got.status)
	}
	if got := admin.stay().post(path+"/destroy", "values", "1"); got.status != 303 {
		t.Errorf("destroyed: %d", got.status)
	}
	if _, _, err := w.site.Fields.One(t.Context(), w.org.ID, record.Contacts, size.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("destroyed, it is found: %v", err)
	}
}

// S26: the dialog offers custom fields where their type fits, and nowhere else, in words of the organization.
func TestS26_TheDialogOffersCustomFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.everyField()
	page := w.as(someone).get(mappingPath)
	for microsoft, types := range map[string][]string{
		"nickName": {"text", "textarea", "double", "picklist", "boolean"}, "birthday": {"date"}, "homePhones[1]": {"text", "textarea", "phone"},
		"emailAddresses[2]": {"text", "textarea", "email"}, "businessHomePage": {"text", "textarea", "website"}, "personalNotes": {"textarea"}, "categories": nil,
	} {
		offer := offered(page.body, "crm."+microsoft)
		for typ, f := range own {
			if slices.Contains(offer, string(f.Name)) != slices.Contains(types, typ) {
				t.Errorf("%s: a field of type %s is offered or not, but wrongly: %v", microsoft, typ, offer)
			}
		}
	}
	if !strings.Contains(page.body, ">Our double</option>") {
		t.Error("a custom field is not called by its label")
	}
	if got := w.as("admin@fabrikam.example").get(mappingPath); strings.Contains(got.body, "Our double") {
		t.Error("another organization is offered the field")
	}
	b := w.as(someone)
	if got := b.stay().post(mappingPath, b.mappingDraft("crm.birthday", string(own["double"].Name), "way.birthday", "")...); got.status != 422 {
		t.Errorf("a number as a birthday: %d", got.status)
	}
	if got := b.stay().post(mappingPath, b.mappingDraft("crm.nickName", string(own["double"].Name), "way.nickName", "")...); got.status != 303 {
		t.Errorf("a number as text: %d", got.status)
	}
	if got := b.get(mappingPath); chosen(got.body, "crm.nickName") != string(own["double"].Name) {
		t.Error("what was chosen is not kept")
	}
}
