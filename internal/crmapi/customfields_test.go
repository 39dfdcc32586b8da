package crmapi_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/testkit/memcrm"
)

// ownFields is a server on which contoso has a field of each type, and one that is out of use.
func ownFields(t *testing.T) (*server, *crm.Customizer, map[string]crm.CustomField) {
	t.Helper()
	store := memcrm.New()
	c, by := crm.NewCustomizer(store, time.Now), crm.Author{Org: contoso, User: boss}
	out := map[string]crm.CustomField{}
	for _, typ := range crm.CustomTypes {
		d := crm.FieldDraft{Label: "Our " + typ.Name, Type: typ.Name}
		if typ.Type == record.Picklist {
			d.Values = []string{"Red", "Blue"}
		}
		f, err := c.Make(t.Context(), by, record.Contacts, d)
		if err != nil {
			t.Fatal(err)
		}
		out[typ.Name] = f
	}
	old, err := c.Make(t.Context(), by, record.Contacts, crm.FieldDraft{Label: "Old", Type: "text"})
	if err == nil {
		_, err = c.Retire(t.Context(), by, record.Contacts, old.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return newServerOn(t, store), c, out
}

func TestCustomFieldsInTheAPI(t *testing.T) {
	t.Parallel()
	s, _, _ := ownFields(t)
	got := s.do(adele, "GET", "/crm/v8/settings/fields?module=Contacts", "")
	for _, want := range []string{
		`"api_name":"Our_text","custom_field":true,"data_type":"text"`, `"api_name":"Our_textarea","custom_field":true,"data_type":"textarea"`,
		`"api_name":"Our_double","custom_field":true,"data_type":"double"`, `"api_name":"Our_date","custom_field":true,"data_type":"date"`,
		`"api_name":"Our_picklist","custom_field":true,"data_type":"picklist"`, `"api_name":"Our_boolean","custom_field":true,"data_type":"boolean"`,
		`"api_name":"Our_phone","custom_field":true,"data_type":"phone"`, `"api_name":"Our_email","custom_field":true,"data_type":"email"`,
		`"api_name":"Our_website","custom_field":true,"data_type":"website"`, `"api_name":"Last_Name","custom_field":false`, `"display_label":"Our double"`,
		`"actual_value":"Blue"`,
	} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the fields lack %s", want)
		}
	}
	if strings.Contains(got.text, `"Old"`) {
		t.Error("a field out of use is listed")
	}
	if got := s.do(adele, "GET", "/crm/v8/settings/fields?module=Contacts&type=unused", ""); got.at("fields.0.api_name") != "Old" || got.at("fields.0.type") != "unused" || strings.Contains(got.text, "Our_") {
		t.Errorf("out of use are %s", got.text)
	}
	if got := s.do(adele, "GET", "/crm/v8/settings/fields?module=Contacts&type=all", ""); !strings.Contains(got.text, `"Old"`) || !strings.Contains(got.text, "Our_text") {
		t.Error("not all are listed")
	}
	one := s.do(adele, "GET", "/crm/v8/settings/fields?module=Contacts", "")
	id := ""
	for i := range 100 {
		if at := "fields." + strconv.Itoa(i); one.at(at+".api_name") == "Our_double" {
			id = one.at(at + ".id")
		}
	}
	if got := s.do(adele, "GET", "/crm/v8/settings/fields/"+id+"?module=Contacts", ""); got.at("fields.0.api_name") != "Our_double" {
		t.Errorf("one field: %s", got.text)
	}
	for _, path := range []string{"/crm/v8/settings/fields?module=Contacts&type=all", "/crm/v8/settings/fields?module=Contacts"} {
		if got := s.do(stranger, "GET", path, ""); strings.Contains(got.text, "Our_") || strings.Contains(got.text, `"Old"`) {
			t.Errorf("another organization is told of the fields at %s", path)
		}
	}
	if got := s.do(adele, "GET", "/crm/v8/settings/fields?module=Events&type=all", ""); strings.Contains(got.text, "Our_") {
		t.Error("meetings have the fields")
	}
}

func TestCustomValuesInTheAPI(t *testing.T) {
	t.Parallel()
	s, customizer, own := ownFields(t)
	id := s.add(adele, "Contacts", `{"Last_Name":"Silva","Our_text":"one","Our_textarea":"a\nb","Our_double":4.250e1,"Our_date":"2026-02-28","Our_picklist":"Red",
		"Our_boolean":true,"Our_phone":"+55 11 99999-0000","Our_email":"a@b.example","Our_website":"https://b.example"}`)
	got := s.do(adele, "GET", "/crm/v8/Contacts/"+id, "")
	for _, want := range []string{`"Our_text":"one"`, `"Our_textarea":"a\nb"`, `"Our_double":42.5,`, `"Our_date":"2026-02-28"`, `"Our_picklist":"Red"`, `"Our_boolean":true`,
		`"Our_phone":"+55 11 99999-0000"`, `"Our_email":"a@b.example"`, `"Our_website":"https://b.example"`} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the contact lacks %s: %s", want, got.text)
		}
	}
	empty := s.do(adele, "GET", "/crm/v8/Contacts/"+s.add(adele, "Contacts", `{"Last_Name":"Santos","Our_double":null}`), "")
	if !strings.Contains(empty.text, `"Our_double":null`) || !strings.Contains(empty.text, `"Our_boolean":false`) {
		t.Errorf("nothing is told as %s", empty.text)
	}
	for _, body := range []string{`"Our_double":"42"`, `"Our_double":1234567890123456`, `"Our_double":true`, `"Our_date":"soon"`, `"Our_picklist":"Green"`, `"Our_boolean":"true"`, `"Old":"x"`} {
		if got := s.do(adele, "POST", "/crm/v8/Contacts", `{"data":[{"Last_Name":"Silva",`+body+`}]}`); got.at("data.0.code") != "INVALID_DATA" {
			t.Errorf("%s is taken: %s", body, got.text)
		}
	}
	if got := s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Our_double":-1.5,"Our_text":null}]}`); got.at("data.0.code") != "SUCCESS" {
		t.Errorf("changed: %s", got.text)
	}
	for query, want := range map[string]string{
		"criteria=(Our_double:equals:-1.50)": id, "criteria=((Our_boolean:equals:true)and(Our_picklist:in:Blue,Red))": id, "email=a@b.example": id,
		"phone=999990000": id, "criteria=(Our_double:equals:42.5)": "",
	} {
		if got := s.do(adele, "GET", "/crm/v8/Contacts/search?"+query, ""); got.at("data.0.id") != want && !(want == "" && got.status == 204) {
			t.Errorf("%s finds %s", query, got.text)
		}
	}
	if got := s.do(adele, "GET", "/crm/v8/Contacts/search?criteria=(Old:equals:x)", ""); got.at("code") != "INVALID_QUERY" {
		t.Errorf("a field out of use is searched: %s", got.text)
	}
	if got := s.do(adele, "GET", "/crm/v8/Contacts?fields=Last_Name,Our_double", ""); !strings.Contains(got.text, `"Our_double":-1.5`) || strings.Contains(got.text, "Our_date") {
		t.Errorf("a list: %s", got.text)
	}
	if got := s.do(adele, "POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Our_double":7}],"ids":["`+id+`"]}`); !strings.Contains(got.text, "SUCCESS") {
		t.Errorf("a mass update: %s", got.text)
	}
	theirs := s.add(stranger, "Contacts", `{"Last_Name":"Theirs"}`)
	if got := s.do(stranger, "GET", "/crm/v8/Contacts/"+theirs, ""); strings.Contains(got.text, "Our_") {
		t.Errorf("another organization's contact has them: %s", got.text)
	}
	if got := s.do(stranger, "POST", "/crm/v8/Contacts", `{"data":[{"Last_Name":"Theirs","Our_text":"x"}]}`); got.at("data.0.code") != "INVALID_DATA" {
		t.Errorf("another organization writes one: %s", got.text)
	}
	// Out of use, a value is neither told nor lost.
	by := crm.Author{Org: contoso, User: boss}
	if _, err := customizer.Retire(t.Context(), by, record.Contacts, own["double"].ID); err != nil {
		t.Fatal(err)
	}
	if got := s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Our_text":"two"}]}`); got.at("data.0.code") != "SUCCESS" {
		t.Errorf("changed: %s", got.text)
	}
	if got := s.do(adele, "GET", "/crm/v8/Contacts/"+id, ""); strings.Contains(got.text, "Our_double") {
		t.Errorf("out of use: %s", got.text)
	}
	if _, err := customizer.Revive(t.Context(), by, record.Contacts, own["double"].ID); err != nil {
		t.Fatal(err)
	}
	if got := s.do(adele, "GET", "/crm/v8/Contacts/"+id, ""); !strings.Contains(got.text, `"Our_double":7`) {
		t.Errorf("in use again: %s", got.text)
	}
}
