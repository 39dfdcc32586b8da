package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tandem/internal/intake"
	"tandem/internal/record"
)

// S26: a field of each of the nine types is made on the page, described by the API, filled by an import, shown on the contact's
// page, found by the search, and crosses to Outlook and back.
func TestS26_FieldsOfEveryTypeFromTheFileToOutlookAndBack(t *testing.T) {
	t.Parallel()
	types := []struct {
		label, typ        string // as people and the page of fields call it
		cell              string // in the file
		value             any    // as the API tells it
		outlook, property string // the field of the dialog, and what it is in Graph
		theirs, ours      any    // typed in Outlook, and what the CRM makes of it
		search            string // "": not searched for
	}{
		{"Apelido de casa", "text", "Zezé", "Zezé", "nickName", "nickName", "Zeca", "Zeca", "zeze"},
		{"História", "textarea", "viajou muito", "viajou muito", "officeLocation", "officeLocation", "voltou ontem", "voltou ontem", "viajou"},
		{"Calçado", "double", "42,5", 42.5, "initials", "initials", "41", 41.0, "42.5"},
		{"Assinou em", "date", "28/02/2020", "2020-02-28", "birthday", "birthday", "2021-03-01T00:00:00Z", "2021-03-01", ""},
		{"Cor", "picklist", "Azul", "Azul", "generation", "generation", "Verde", "Verde", "azul"},
		{"Sócio", "boolean", "sim", true, "profession", "profession", "não", false, ""},
		{"Fone do assessor", "phone", "(21) 97777-1234", "(21) 97777-1234", "homePhones[1]", "homePhones", "+55 21 3333-0000", "+55 21 3333-0000", "21977771234"},
		{"E-mail de cobrança", "email", "cobra@zoo.example", "cobra@zoo.example", "emailAddresses[2]", "emailAddresses", "paga@zoo.example", "paga@zoo.example", "cobra@zoo"},
		{"Página", "website", "https://zoo.example/a", "https://zoo.example/a", "businessHomePage", "businessHomePage", "https://zoo.example/b", "https://zoo.example/b", "zoo.example/a"},
	}
	d := startDemo(t)
	ctx := context.Background()
	admin, adele := d.client("admin"), d.client("adele")
	office, page := admin.signedIn("/setup/fields/new")
	header, cells := "Nome;Sobrenome;E-mail", "Rita;Lobo;rita@fabrica.example"
	mapped := map[string]string{}
	for _, f := range types {
		made, err := office.Submit(ctx, page, "Save", map[string]string{"label": f.label, "type": f.typ, "values": "Azul\nVerde"})
		if err != nil || made.URL.Path != "/setup/fields" {
			t.Fatalf("%s: %v: %s", f.label, err, made.Text)
		}
		if page, err = office.Get(ctx, d.url+"/setup/fields/new"); err != nil {
			t.Fatal(err)
		}
		header, cells = header+";"+f.label, cells+";"+f.cell
	}
	name := map[string]string{}
	for _, each := range adele.call("GET", "/crm/v8/settings/fields?module=Contacts", nil, 200)["fields"].([]any) {
		if f := each.(doc); f["custom_field"] == true {
			name[f["display_label"].(string)+" "+f["data_type"].(string)] = f["api_name"].(string)
		}
	}
	for _, f := range types {
		if name[f.label+" "+f.typ] == "" {
			t.Fatalf("the API describes %v, and not %s", name, f.label)
		}
		mapped["crm."+f.outlook] = name[f.label+" "+f.typ]
	}

	u := adele.user()
	i, err := d.app.Imports.Receive(ctx, u.Org, u.ID, record.Contacts, "a.csv", "America/Sao_Paulo", true, strings.NewReader(header+"\n"+cells+"\n"), nil)
	if err == nil {
		err = d.app.Imports.Begin(ctx, i)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.eventually("the file is in the CRM", func() bool { return adele.broughtSoFar(i.ID).State == intake.Done })
	if got := adele.broughtSoFar(i.ID).Counts; got.Created != 1 {
		t.Fatalf("imported: %+v", got)
	}
	id := adele.list("Contacts", "Last_Name")["Lobo"]["id"].(string)
	holds := func(name string, want any) bool {
		return fmt.Sprint(adele.get("Contacts", id)[name]) == fmt.Sprint(want)
	}
	browser, dialog := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	shown, err := browser.Get(ctx, d.url+"/contacts/"+id)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range types {
		if !holds(name[f.label+" "+f.typ], f.value) {
			t.Errorf("%s was imported as %v", f.label, adele.get("Contacts", id)[name[f.label+" "+f.typ]])
		}
		if !strings.Contains(shown.Text, f.label) {
			t.Errorf("the contact's page does not show %s", f.label)
		}
		if f.search == "" {
			continue
		}
		found, err := browser.Get(ctx, d.url+"/contacts?q="+strings.ReplaceAll(f.search, " ", "+"))
		if err != nil || !strings.Contains(found.Text, "Rita Lobo") {
			t.Errorf("%s is not found by %q: %v", f.label, f.search, err)
		}
	}

	// The dialog, before the sync is on; then Rita is put into the folder, and is the imported one.
	if kept, err := browser.Submit(ctx, dialog, "Save", mapped); err != nil || kept.URL.Path != "/setup/marketplace/microsoft" {
		t.Fatalf("%v: %s", err, kept.Text)
	}
	adele.switchOn("contacts")
	adele.settled("contacts")
	item := adele.inOutlook(doc{"givenName": "Rita", "surname": "Lobo", "emailAddresses": []doc{{"address": "rita@fabrica.example"}}})
	told := func(property string) string {
		_, it := d.as("adele").Prefer(`IdType="ImmutableId"`).Get("/me/contacts/" + item)
		return fmt.Sprint(it[property])
	}
	d.eventually("it is in step", func() bool { return adele.link("contacts")["synced"] == 1.0 })
	for _, f := range types {
		want := fmt.Sprint(f.value)
		d.eventually(f.label+" is in Outlook", func() bool { return strings.Contains(told(f.property), want) })
	}
	if n := len(adele.list("Contacts", "id")); n != 1 {
		t.Fatalf("the CRM has %d contacts", n)
	}
	adele.rest()

	// And back, all at once.
	change := doc{}
	for _, f := range types {
		switch f.property {
		case "emailAddresses":
			change[f.property] = []doc{{"address": "rita@fabrica.example"}, {"address": "rita2@fabrica.example"}, {"address": f.theirs}}
		case "homePhones":
			change[f.property] = []any{"+55 21 2222-0000", f.theirs}
		default:
			change[f.property] = f.theirs
		}
	}
	adele.editInOutlook(item, change)
	for _, f := range types {
		d.eventually(f.label+" is back", func() bool { return holds(name[f.label+" "+f.typ], f.ours) })
	}
	adele.rest()
	if s := adele.standing(id); s["reason"] != nil {
		t.Errorf("it stands as %v", s)
	}
}
