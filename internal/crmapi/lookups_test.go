package crmapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// back writes the named keys of a record's answer back and expects that nothing changed.
func (s *server) back(uri string, keys ...string) {
	s.t.Helper()
	r := s.do(adele, "GET", uri, "").wants(200)
	told := r.json.(map[string]any)["data"].([]any)[0].(map[string]any)
	given := map[string]any{}
	for _, key := range keys {
		given[key] = told[key]
	}
	body, _ := json.Marshal(map[string]any{"data": []any{given}})
	s.now = s.now.Add(time.Minute)
	s.do(adele, "PUT", uri, string(body)).wants(200, "data.0.code", "SUCCESS")
	s.do(adele, "GET", uri, "").wants(200, "data.0.Modified_Time", r.at("data.0.Modified_Time"))
}

func TestContactsReferToContactsAndVendors(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	chief := s.add(adele, "Contacts", `{"First_Name":"Ana","Last_Name":"Chefe"}`)
	id := s.add(adele, "Contacts", `{"Last_Name":"V","Reporting_To":{"id":"`+chief+`"},"Vendor_Name":{"name":"Moinho"},"Account_Name":"Moinho"}`)
	r := s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").wants(200, "data.0.Reporting_To.id", chief, "data.0.Reporting_To.name", "Ana Chefe",
		"data.0.Vendor_Name.name", "Moinho")
	if r.at("data.0.Vendor_Name.id") == r.at("data.0.Account_Name.id") {
		t.Error("a vendor and an account have one id")
	}
	s.do(adele, "GET", "/crm/v8/Contacts?fields=Reporting_To&sort_order=desc", "").wants(200, "data.0.Reporting_To.name", "Ana Chefe", "data.1.Reporting_To", "")
	s.back("/crm/v8/Contacts/"+id, "Reporting_To", "Vendor_Name", "Account_Name")
	other := s.add(adele, "Contacts", `{"Last_Name":"W","Vendor_Name":{"id":"`+r.at("data.0.Vendor_Name.id")+`"},"Reporting_To":"`+id+`"}`)
	s.do(adele, "GET", "/crm/v8/Contacts/"+other, "").wants(200, "data.0.Vendor_Name.name", "Moinho", "data.0.Reporting_To.name", "V")

	hidden, foreign := s.add(alex, "Contacts", `{"Last_Name":"H"}`), s.add(stranger, "Contacts", `{"Last_Name":"F"}`)
	binned := s.add(adele, "Contacts", `{"Last_Name":"B"}`)
	s.do(adele, "DELETE", "/crm/v8/Contacts/"+binned, "").wants(200)
	for _, ref := range []string{`{"id":"999"}`, `{"id":"` + hidden + `"}`, `"` + foreign + `"`, `"` + binned + `"`, `"` + id + `"`, `{"name":"Ana"}`, `5`} {
		s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Reporting_To":`+ref+`}]}`).wants(400, "data.0.code", "INVALID_DATA",
			"data.0.details.api_name", "Reporting_To", "data.0.details.expected_data_type", "lookup")
	}
	s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Reporting_To":null}]}`).wants(200)
	s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").wants(200, "data.0.Reporting_To", "")
}

func TestEventsReferToPeopleAndAccounts(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	ana := s.add(adele, "Contacts", `{"First_Name":"Ana","Last_Name":"Lima","Email":"ana@lima.example","Account_Name":"Padaria"}`)
	account := s.do(adele, "GET", "/crm/v8/Contacts/"+ana, "").at("data.0.Account_Name.id")
	with := func(rest string) string { return strings.TrimSuffix(event("x"), "}") + "," + rest + "}" }
	id := s.add(adele, "Events", with(`"Who_Id":{"id":"`+ana+`"},"What_Id":{"id":"`+account+`"},"$se_module":"Accounts","Meeting_Venue__s":"client location",
		"Participants":[{"type":"contact","participant":"`+ana+`"},{"type":"user","participant":"12"},{"type":"email","Email":"x@y.example","name":"X"},{"type":"user","participant":"12"}],
		"Remind_Participants":[{"unit":1,"period":"days","time":"10.30"},{"unit":2,"period":"hours"}]`))
	s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.Who_Id.id", ana, "data.0.Who_Id.name", "Ana Lima",
		"data.0.What_Id.name", "Padaria", "data.0.What_Id.id", account, "data.0.$se_module", "Accounts", "data.0.Meeting_Venue__s", "Client location",
		"data.0.Participants.0.type", "contact", "data.0.Participants.0.participant", ana, "data.0.Participants.0.name", "Ana Lima",
		"data.0.Participants.0.Email", "ana@lima.example", "data.0.Participants.0.invited", "false", "data.0.Participants.0.status", "not_known",
		"data.0.Participants.1.name", "Alex Wilber", "data.0.Participants.1.Email", "alex@contoso.example",
		"data.0.Participants.2.Email", "x@y.example", "data.0.Participants.2.name", "X", "data.0.Participants.3", "",
		"data.0.Remind_Participants.0.time", "10.30", "data.0.Remind_Participants.1.unit", "2")
	s.back("/crm/v8/Events/"+id, "Who_Id", "What_Id", "$se_module", "Meeting_Venue__s", "Participants", "Remind_Participants")
	s.add(adele, "Events", with(`"Meeting_Venue__s":"On the moon","What_Id":{"name":"Moinho"},"$se_module":"Vendors"`))
	s.do(adele, "GET", "/crm/v8/Events?fields=What_Id,Participants,Who_Id", "").wants(200, "data.0.$se_module", "Vendors", "data.1.Participants.0.name", "Ana Lima")

	foreign := s.add(stranger, "Contacts", `{"Last_Name":"F","Account_Name":"Fabrik"}`)
	account = s.do(stranger, "GET", "/crm/v8/Contacts/"+foreign, "").at("data.0.Account_Name.id")
	guests := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"type":"email","Email":"g%d@y.example"}`, i))
		}
		return `"Participants":[` + strings.Join(list, ",") + `]`
	}
	for _, c := range []struct{ given, code, field string }{
		{`"Who_Id":"` + foreign + `"`, "INVALID_DATA", "Who_Id"},
		{`"Who_Id":{"id":"1"}`, "INVALID_DATA", "Who_Id"},
		{`"What_Id":{"id":"` + account + `"}`, "MANDATORY_NOT_FOUND", "$se_module"},
		{`"What_Id":{"id":"` + account + `"},"$se_module":"Accounts"`, "INVALID_DATA", "What_Id"},
		{`"What_Id":{"id":"1"},"$se_module":"Deals"`, "INVALID_DATA", "What_Id"},
		{`"What_Id":{"id":"1"},"$se_module":"Shoes"`, "INVALID_DATA", "$se_module"},
		{`"Participants":[{"type":"contact","participant":"` + foreign + `"}]`, "INVALID_DATA", "Participants"},
		{`"Participants":[{"type":"user","participant":"21"}]`, "INVALID_DATA", "Participants"},
		{`"Participants":[{"type":"lead","participant":"5"}]`, "INVALID_DATA", "Participants"},
		{`"Participants":[{"type":"email","Email":"nobody"}]`, "INVALID_DATA", "Participants"},
		{`"Participants":[{"participant":"` + ana + `"}]`, "INVALID_DATA", "Participants"},
		{`"Participants":"Ana"`, "INVALID_DATA", "Participants"},
		{guests(51), "LIMIT_EXCEEDED", "Participants"},
		{`"Remind_Participants":[{"unit":61,"period":"hours"}]`, "INVALID_DATA", "Remind_Participants"},
		{`"Remind_Participants":[{"unit":1,"period":"years"}]`, "INVALID_DATA", "Remind_Participants"},
		{`"Further_Reminders":[{"unit":1,"period":"hours"}]`, "INVALID_DATA", "Further_Reminders"},
	} {
		s.do(adele, "POST", "/crm/v8/Events", `{"data":[`+with(c.given)+`]}`).wants(400, "data.0.code", c.code, "data.0.details.api_name", c.field)
	}
	s.add(adele, "Events", with(guests(50)))
}

func TestAllRemindersAreKept(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	id := s.add(adele, "Events", strings.TrimSuffix(event("x"), "}")+`,"Remind_At":[{"unit":75,"period":"minutes"},{"unit":1,"period":"days","time":"10.30"},{"unit":2,"period":"weeks"}]}`)
	uri := "/crm/v8/Events/" + id
	all := []string{"data.0.Remind_At.0.unit", "75", "data.0.Remind_At.0.period", "minutes", "data.0.Remind_At.1.time", "10.30",
		"data.0.Remind_At.2.unit", "2", "data.0.Remind_At.2.period", "weeks", "data.0.Remind_At.3", "", "data.0.Further_Reminders", ""}
	s.do(adele, "GET", uri, "").wants(200, all...)
	s.back(uri, "Remind_At")
	s.do(adele, "GET", uri, "").wants(200, all...)
	s.do(boss, "POST", "/crm/v8/Events/actions/mass_update", `{"data":[{"Remind_At":[{"unit":5,"period":"minutes"}]}],"ids":["`+id+`"]}`).wants(200)
	s.do(adele, "GET", uri, "").wants(200, "data.0.Remind_At.0.unit", "5", "data.0.Remind_At.1", "")
	s.do(adele, "PUT", uri, `{"data":[{"Remind_At":[{"unit":5,"period":"hours"},{"unit":5,"period":"hours"}]}]}`).wants(200)
	s.do(adele, "PUT", uri, `{"data":[{"Remind_At":null}]}`).wants(200)
	s.do(adele, "GET", uri, "").wants(200, "data.0.Remind_At", "")
}

func TestMetadataOfLookups(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	for module, want := range map[string]map[string][3]string{
		"Contacts": {"Reporting_To": {"lookup", "jsonobject", "Contacts"}, "Vendor_Name": {"lookup", "jsonobject", "Vendors"}, "Account_Name": {"lookup", "jsonobject", "Accounts"},
			"Record_Image": {"profileimage", "string"}},
		"Events": {"Participants": {"bigint", "jsonarray"}, "Who_Id": {"lookup", "jsonobject", "Contacts"}, "What_Id": {"lookup", "jsonobject", "se_module"},
			"Meeting_Venue__s": {"picklist", "string"}, "Remind_Participants": {"multireminder", "jsonarray"}, "Remind_At": {"multireminder", "jsonarray"}},
	} {
		r := s.do(adele, "GET", "/crm/v8/settings/fields?module="+module, "").wants(200)
		for i := range r.json.(map[string]any)["fields"].([]any) {
			at := fmt.Sprintf("fields.%d.", i)
			name := r.at(at + "api_name")
			if name == "Further_Reminders" {
				t.Errorf("%s is described", name)
			}
			if w, ok := want[name]; ok {
				r.wants(200, at+"data_type", w[0], at+"json_type", w[1], at+"lookup.module.api_name", w[2])
				delete(want, name)
			}
		}
		if len(want) > 0 {
			t.Errorf("%s: not described: %v", module, want)
		}
	}
}
