package crmapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

func TestContactGoesRound(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	id := s.add(adele, "Contacts", `{"Last_Name":" Silva ","First_Name":"João","Email":"joao@example.com","Account_Name":{"name":"Padaria"},
		"Tag":[{"name":"vip"},{"name":"amigo"}],"Date_of_Birth":"1980-02-29","Email_Opt_Out":true,"Description":"a\r\nb","$approved":true}`)
	r := s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").wants(200,
		"data.0.id", id, "data.0.Last_Name", "Silva", "data.0.Full_Name", "João Silva", "data.0.Account_Name.name", "Padaria",
		"data.0.Tag.0.name", "amigo", "data.0.Tag.1.name", "vip", "data.0.Date_of_Birth", "1980-02-29",
		"data.0.Email_Opt_Out", "true", "data.0.Description", "a\nb", "data.0.Owner.name", "Adele Vance",
		"data.0.Owner.email", "adele@contoso.example", "data.0.Data_Source", "API", "data.0.Phone", "",
		"data.0.Created_Time", "2026-03-10T09:00:00-03:00")
	account := r.at("data.0.Account_Name.id")
	s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Account_Name":{"id":"`+account+`"},"Title":"Dona","Email":null}]}`).wants(200,
		"data.0.code", "SUCCESS", "data.0.message", "record updated")
	s.do(adele, "GET", "/crm/v8/Contacts/"+id+"?fields=Account_Name,Title,Email", "").wants(200,
		"data.0.Account_Name.name", "Padaria", "data.0.Title", "Dona", "data.0.Email", "", "data.0.Last_Name", "")
	s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Account_Name":{"id":"123"}}]}`).wants(400,
		"data.0.code", "INVALID_DATA", "data.0.details.api_name", "Account_Name", "data.0.details.expected_data_type", "lookup")
}

func TestEventGoesRound(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	id := s.add(adele, "Events", `{"Event_Title":"Standup","Start_DateTime":"2026-03-10T15:00:00+01:00","End_DateTime":"2026-03-10T15:30:00+01:00",
		"Time_Zone":"Europe/Berlin","Venue":"Room 1","Remind_At":[{"unit":2,"period":"hours"}],
		"Recurring_Activity":{"RRULE":"FREQ=DAILY;INTERVAL=1;DTSTART=2026-03-10;UNTIL=2026-03-28","EXDATE":"2026-03-14,2026-03-12"}}`)
	r := s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200,
		"data.0.Start_DateTime", "2026-03-10T11:00:00-03:00", "data.0.End_DateTime", "2026-03-10T11:30:00-03:00",
		"data.0.Time_Zone", "Europe/Berlin", "data.0.Remind_At.0.unit", "2", "data.0.Remind_At.0.period", "hours",
		"data.0.Recurring_Activity.RRULE", "FREQ=DAILY;INTERVAL=1;DTSTART=2026-03-10;UNTIL=2026-03-28",
		"data.0.Recurring_Activity.EXDATE", "2026-03-12,2026-03-14", "data.0.All_day", "false", "data.0.Data_Source", "API")
	series, _ := json.Marshal(r.json.(map[string]any)["data"].([]any)[0].(map[string]any)["Recurring_Activity"])
	before := r.at("data.0.Modified_Time")
	s.now = s.now.Add(time.Hour)
	s.do(adele, "PUT", "/crm/v8/Events/"+id, `{"data":[{"Recurring_Activity":`+string(series)+`,"Start_DateTime":"2026-03-10T11:00:00-03:00"}]}`).wants(200)
	s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.Modified_Time", before) // what we told is what we take
	s.do(adele, "PUT", "/crm/v8/Events/"+id, `{"data":[{"Recurring_Activity":null,"Remind_At":null}]}`).wants(200)
	s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.Recurring_Activity", "", "data.0.Remind_At", "")
}

func TestAllDayEventIsToldAsMidnights(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	// 2018-11-04 has no midnight in São Paulo: the clocks went from 00:00 to 01:00.
	id := s.add(adele, "Events", `{"Event_Title":"","Start_DateTime":"2018-11-04","End_DateTime":"2018-11-04","All_day":true}`)
	r := s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.All_day", "true",
		"data.0.Start_DateTime", "2018-11-04T00:00:00-02:00", "data.0.End_DateTime", "2018-11-05T00:00:00-02:00")
	before := r.at("data.0.Modified_Time")
	s.now = s.now.Add(time.Hour)
	s.do(adele, "PUT", "/crm/v8/Events/"+id, fmt.Sprintf(`{"data":[{"Start_DateTime":%q,"End_DateTime":%q}]}`,
		r.at("data.0.Start_DateTime"), r.at("data.0.End_DateTime"))).wants(200)
	s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.Modified_Time", before)
}

func TestInsertRefusesEachRecordByItself(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	long := strings.Repeat("ã", 81)
	for _, c := range []struct {
		name, module, record string
		want                 []string
	}{
		{"mandatory", "Contacts", `{}`, []string{"code", "MANDATORY_NOT_FOUND", "details.api_name", "Last_Name", "details.json_path", "$.data[0].Last_Name"}},
		{"too long", "Contacts", `{"Last_Name":"` + long + `"}`, []string{"code", "INVALID_DATA", "details.maximum_length", "80", "details.api_name", "Last_Name"}},
		{"e-mail", "Contacts", `{"Last_Name":"V","Email":"nobody"}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "email"}},
		{"phone", "Contacts", `{"Last_Name":"V","Phone":"a/b"}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "phone"}},
		{"date", "Contacts", `{"Last_Name":"V","Date_of_Birth":"29/02/1980"}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "date"}},
		{"picklist", "Contacts", `{"Last_Name":"V","Lead_Source":"Nowhere"}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "picklist"}},
		{"a number for a text", "Contacts", `{"Last_Name":5}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "text"}},
		{"a text for a boolean", "Contacts", `{"Last_Name":"V","Email_Opt_Out":"true"}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "boolean"}},
		{"unknown field", "Contacts", `{"Last_Name":"V","Shoe_Size":44}`, []string{"code", "INVALID_DATA", "details.api_name", "Shoe_Size"}},
		{"read-only field", "Contacts", `{"Last_Name":"V","Created_Time":"2026-01-01T00:00:00Z"}`, []string{"code", "INVALID_DATA", "details.api_name", "Created_Time"}},
		{"owner who is none", "Contacts", `{"Last_Name":"V","Owner":{"id":"14"}}`, []string{"code", "INVALID_DATA", "details.api_name", "Owner"}},
		{"owner of another organization", "Contacts", `{"Last_Name":"V","Owner":"21"}`, []string{"code", "INVALID_DATA", "details.api_name", "Owner"}},
		{"no object", "Contacts", `"x"`, []string{"code", "INVALID_DATA", "details.expected_data_type", "jsonobject"}},
		{"null", "Contacts", `null`, []string{"code", "INVALID_DATA", "details.expected_data_type", "jsonobject"}},
		{"no title", "Events", `{"Start_DateTime":"2026-03-10T15:00:00Z","End_DateTime":"2026-03-10T15:00:00Z"}`, []string{"code", "MANDATORY_NOT_FOUND", "details.api_name", "Event_Title"}},
		{"no start", "Events", `{"Event_Title":"x","End_DateTime":"2026-03-10T15:00:00Z"}`, []string{"code", "MANDATORY_NOT_FOUND", "details.api_name", "Start_DateTime"}},
		{"end first", "Events", `{"Event_Title":"x","Start_DateTime":"2026-03-10T15:00:00Z","End_DateTime":"2026-03-10T14:00:00Z"}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "datetime"}},
		{"a reminder at an hour of minutes", "Events", `{"Event_Title":"x","Start_DateTime":"2026-03-10T15:00:00Z","End_DateTime":"2026-03-10T15:00:00Z",
			"Remind_At":[{"unit":5,"period":"minutes"},{"unit":1,"period":"hours","time":"10.30"}]}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "multireminder"}},
		{"a rule that is none", "Events", `{"Event_Title":"x","Start_DateTime":"2026-03-10T15:00:00Z","End_DateTime":"2026-03-10T15:00:00Z",
			"Recurring_Activity":{"RRULE":"FREQ=HOURLY"}}`, []string{"code", "INVALID_DATA", "details.expected_data_type", "rrule"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pairs := []string{}
			for i := 0; i < len(c.want); i += 2 {
				pairs = append(pairs, "data.0."+c.want[i], c.want[i+1])
			}
			pairs = append(pairs, "data.0.status", "error")
			s.do(adele, "POST", "/crm/v8/"+c.module, `{"data":[`+c.record+`]}`).wants(400, pairs...)
			good := map[string]string{"Contacts": `{"Last_Name":"G"}`, "Events": `{"Event_Title":"G","Start_DateTime":"2026-03-10T15:00:00Z","End_DateTime":"2026-03-10T15:00:00Z"}`}[c.module]
			s.do(adele, "POST", "/crm/v8/"+c.module, `{"data":[`+c.record+`,`+good+`]}`).wants(207,
				append(pairs, "data.1.code", "SUCCESS", "data.1.message", "record added")...)
		})
	}
	s.do(adele, "POST", "/crm/v8/Contacts", `{"data":[{"Email":"x","Phone":"a/b"}]}`).wants(400,
		"data.0.code", "MANDATORY_NOT_FOUND", "data.0.details.errors.2.details.json_path", "$.data[0].Phone")
	s.do(adele, "POST", "/crm/v8/Contacts", `{"data":[{"Last_Name":"Same","Email":"same@example.com"},{"Last_Name":"Same","Email":"same@example.com"}]}`).wants(201)
}

func TestRequestsThatAreRefusedWhole(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	id := s.add(adele, "Contacts", `{"Last_Name":"V"}`)
	many := "{\"data\":[" + strings.TrimSuffix(strings.Repeat(`{"Last_Name":"V"},`, 101), ",") + "]}"
	ids := strings.TrimSuffix(strings.Repeat("1,", 101), ",")
	names := strings.TrimSuffix(strings.Repeat("Email,", 51), ",")
	mass := func(n int) string {
		return `{"data":[{"Title":"x"}],"ids":[` + strings.TrimSuffix(strings.Repeat(`"1",`, n), ",") + `]}`
	}
	for _, c := range []struct {
		method, uri, body string
		status            int
		code              string
	}{
		{"POST", "/crm/v8/Contacts", `{"data":[`, 400, "UNABLE_TO_PARSE_DATA_TYPE"},
		{"POST", "/crm/v8/Contacts", ``, 400, "UNABLE_TO_PARSE_DATA_TYPE"},
		{"POST", "/crm/v8/Contacts", `{"data":[{}]} x`, 400, "UNABLE_TO_PARSE_DATA_TYPE"},
		{"POST", "/crm/v8/Contacts", `[]`, 400, "INVALID_DATA"},
		{"POST", "/crm/v8/Contacts", `{"data":{}}`, 400, "INVALID_DATA"},
		{"POST", "/crm/v8/Contacts", `{}`, 400, "MANDATORY_NOT_FOUND"},
		{"POST", "/crm/v8/Contacts", `{"data":[]}`, 400, "MANDATORY_NOT_FOUND"},
		{"POST", "/crm/v8/Contacts", many, 400, "LIMIT_EXCEEDED"},
		{"PUT", "/crm/v8/Contacts", many, 400, "LIMIT_EXCEEDED"},
		{"PUT", "/crm/v8/Contacts/" + id, `{"data":[{},{}]}`, 400, "LIMIT_EXCEEDED"},
		{"GET", "/crm/v8/Contacts", "", 400, "REQUIRED_PARAM_MISSING"},
		{"GET", "/crm/v8/Contacts?fields=" + names, "", 400, "LIMIT_EXCEEDED"},
		{"GET", "/crm/v8/Contacts?fields=id&per_page=201", "", 400, "INVALID_DATA"},
		{"GET", "/crm/v8/Contacts?fields=id&page=0", "", 400, "INVALID_DATA"},
		{"GET", "/crm/v8/Contacts?fields=id&page=11", "", 400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"},
		{"GET", "/crm/v8/Contacts?fields=id&sort_by=Email", "", 400, "INVALID_DATA"},
		{"GET", "/crm/v8/Contacts?fields=id&sort_order=up", "", 400, "INVALID_DATA"},
		{"GET", "/crm/v8/Contacts?fields=id&page=1&page_token=x", "", 400, "AMBIGUITY_DURING_PROCESSING"},
		{"GET", "/crm/v8/Contacts?fields=id&page_token=x", "", 400, "INVALID_DATA"},
		{"GET", "/crm/v8/Contacts?fields=id&cvid=1&sort_by=id", "", 400, "AMBIGUITY_DURING_PROCESSING"},
		{"GET", "/crm/v8/Contacts?ids=" + ids, "", 400, "LIMIT_EXCEEDED"},
		{"GET", "/crm/v8/Contacts/999", "", 404, "INVALID_DATA"},
		{"GET", "/crm/v8/Contacts/abc", "", 404, "INVALID_DATA"},
		{"PUT", "/crm/v8/Contacts/999", `{"data":[{}]}`, 404, "INVALID_DATA"},
		{"DELETE", "/crm/v8/Contacts/999", "", 404, "INVALID_DATA"},
		{"DELETE", "/crm/v8/Contacts", "", 400, "REQUIRED_PARAM_MISSING"},
		{"DELETE", "/crm/v8/Contacts?ids=" + ids, "", 400, "LIMIT_EXCEEDED"},
		{"GET", "/crm/v8/Contacts/deleted?type=some", "", 400, "INVALID_DATA"},
		{"GET", "/crm/v8/Contacts/search", "", 400, "REQUIRED_PARAM_MISSING"},
		{"GET", "/crm/v8/Contacts/search?criteria=Last_Name", "", 400, "INVALID_QUERY"},
		{"GET", "/crm/v8/Contacts/search?criteria=(Shoe_Size:equals:44)", "", 400, "INVALID_QUERY"},
		{"POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"x"}],"cvid":"1"}`, 400, "NOT_SUPPORTED"},
		{"POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"x"}]}`, 400, "REQUIRED_PARAM_MISSING"},
		{"POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"x","Department":"y"}],"ids":["1"]}`, 400, "INVALID_DATA"},
		{"POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Email":"x@y.example"}],"ids":["1"]}`, 400, "INVALID_DATA"},
		{"POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Owner":"11"}],"ids":["1"]}`, 400, "INVALID_DATA"},
		{"POST", "/crm/v8/Contacts/actions/mass_update", mass(501), 400, "LIMIT_EXCEEDED"},
		{"GET", "/crm/v8/Leads", "", 400, "INVALID_MODULE"},
		{"GET", "/crm/v8/Leads/1", "", 400, "INVALID_MODULE"},
		{"PATCH", "/crm/v8/Contacts", "", 400, "INVALID_REQUEST_METHOD"},
		{"POST", "/crm/v8/Contacts/1", "", 400, "INVALID_REQUEST_METHOD"},
		{"POST", "/crm/v8/org", "", 400, "INVALID_REQUEST_METHOD"},
		{"GET", "/crm/v8/Contacts/1/2/3/4", "", 404, "INVALID_URL_PATTERN"},
		{"GET", "/crm/v8/", "", 404, "INVALID_URL_PATTERN"},
		{"GET", "/crm/v8/users/999", "", 404, "INVALID_DATA"},
		{"GET", "/crm/v8/users/21", "", 404, "INVALID_DATA"},
		{"GET", "/crm/v8/users?type=Ghosts", "", 400, "INVALID_DATA"},
		{"GET", "/crm/v8/settings/fields", "", 400, "REQUIRED_PARAM_MISSING"},
		{"GET", "/crm/v8/settings/fields?module=Leads", "", 400, "INVALID_MODULE"},
		{"GET", "/crm/v8/settings/modules/Leads", "", 400, "INVALID_MODULE"},
	} {
		name := c.method + " " + c.uri
		if len(name) > 80 {
			name = name[:80]
		}
		t.Run(name, func(t *testing.T) {
			s.do(adele, c.method, c.uri, c.body).wants(c.status, "code", c.code, "status", "error")
		})
	}
	s.do(adele, "GET", "/crm/v8/Contacts?fields=id", "", "If-Modified-Since", "yesterday").wants(400, "code", "INVALID_DATA")
	s.do(adele, "POST", "/crm/v8/Contacts", strings.Repeat(" ", 17<<20)).wants(413, "code", "LIMIT_EXCEEDED")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	for _, header := range []string{"", "Zoho-oauthtoken", "Zoho-oauthtoken wrong", "Basic token-11", "token-11",
		"Zoho-oauthtoken token-14", "Zoho-oauthtoken 11"} {
		s.do(0, "GET", "/crm/v8/users?type=CurrentUser", "", "Authorization", header).wants(401, "code", "INVALID_TOKEN", "status", "error")
	}
	for _, scheme := range []string{"Zoho-oauthtoken", "zoho-oauthtoken", "Bearer"} {
		s.do(0, "GET", "/crm/v8/users?type=CurrentUser&", "", "Authorization", scheme+" token-11").wants(200, "users.0.id", "11", "users.1", "")
	}
}

func TestListPagesAndSorts(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	s.do(adele, "GET", "/crm/v8/Contacts?fields=Last_Name", "").wants(204)
	var records []string
	for i := range 25 {
		records = append(records, fmt.Sprintf(`{"Last_Name":"C%02d"}`, i))
	}
	s.do(adele, "POST", "/crm/v8/Contacts", `{"data":[`+strings.Join(records, ",")+`],"trigger":[]}`).wants(201)
	first := s.do(adele, "GET", "/crm/v8/Contacts?fields=Last_Name,Nothing&per_page=10&sort_order=asc&", "").wants(200,
		"data.0.Last_Name", "C00", "data.9.Last_Name", "C09", "data.10", "", "info.more_records", "true", "info.count", "10",
		"info.page", "1", "info.per_page", "10", "info.sort_by", "id", "info.sort_order", "asc", "info.previous_page_token", "")
	uri := "/crm/v8/Contacts?fields=Last_Name,Nothing&per_page=10&sort_order=asc&page_token="
	second := s.do(adele, "GET", uri+first.at("info.next_page_token"), "").wants(200, "data.0.Last_Name", "C10", "info.page", "2")
	s.do(adele, "GET", uri+second.at("info.next_page_token"), "").wants(200, "data.0.Last_Name", "C20", "data.5", "",
		"info.more_records", "false", "info.next_page_token", "")
	s.do(adele, "GET", uri+second.at("info.previous_page_token"), "").wants(200, "data.0.Last_Name", "C00")
	s.do(boss, "GET", uri+first.at("info.next_page_token"), "").wants(400, "code", "TOKEN_BOUND_DATA_MISMATCH")
	s.do(adele, "GET", uri+first.at("info.next_page_token")+"&ids=1", "").wants(400, "code", "TOKEN_BOUND_DATA_MISMATCH")
	s.do(adele, "GET", "/crm/v8/Contacts?fields=Last_Name&per_page=10&page=3", "").wants(200, "data.0.Last_Name", "C04", "info.sort_order", "desc")
	s.now = s.now.Add(25 * time.Hour)
	s.do(adele, "GET", uri+first.at("info.next_page_token"), "").wants(400, "code", "EXPIRED_VALUE")
	two := first.at("data.0.id") + "," + first.at("data.1.id")
	s.do(adele, "GET", "/crm/v8/Contacts?ids="+two, "").wants(200, "data.1.Last_Name", "C00", "data.2", "")
}

func TestConditionalReads(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	id := s.add(adele, "Contacts", `{"Last_Name":"V"}`)
	at := s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").at("data.0.Modified_Time")
	old := s.now.Add(-time.Minute).Format(time.RFC3339)
	for _, uri := range []string{"/crm/v8/Contacts?fields=id", "/crm/v8/Contacts/" + id} {
		s.do(adele, "GET", uri, "", "If-Modified-Since", at).wants(304)
		s.do(adele, "GET", uri, "", "If-Modified-Since", old).wants(200, "data.0.id", id)
	}
	s.do(adele, "GET", "/crm/v8/Contacts/deleted", "", "If-Modified-Since", at).wants(304)
}

func TestConditionalWrites(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	id := s.add(adele, "Contacts", `{"Last_Name":"V"}`)
	other := s.add(adele, "Contacts", `{"Last_Name":"O"}`)
	seen := s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").at("data.0.Modified_Time")
	body := func(id string) string { return `{"data":[{"id":"` + id + `","Title":"x"}]}` }
	s.do(adele, "PUT", "/crm/v8/Contacts/"+id, body(id), "If-Unmodified-Since", seen).wants(200)
	s.now = s.now.Add(time.Minute)
	s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Title":"y"}]}`).wants(200)
	for _, uri := range []string{"/crm/v8/Contacts/" + id, "/crm/v8/Contacts"} {
		s.do(adele, "PUT", uri, body(id), "If-Unmodified-Since", seen).wants(412, "data.0.code", "ALREADY_MODIFIED", "data.0.status", "error")
	}
	s.do(adele, "PUT", "/crm/v8/Contacts", `{"data":[{"id":"`+id+`","Title":"z"},{"id":"`+other+`","Title":"z"}]}`, "If-Unmodified-Since", seen).wants(207,
		"data.0.code", "ALREADY_MODIFIED", "data.1.code", "SUCCESS")
	s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").wants(200, "data.0.Title", "y")
	s.do(adele, "PUT", "/crm/v8/Contacts", `{"data":[{"Title":"z"}]}`).wants(400, "data.0.code", "MANDATORY_NOT_FOUND", "data.0.details.api_name", "id")
	s.do(adele, "PUT", "/crm/v8/Contacts", `{"data":[{"id":"999","Title":"z"}]}`).wants(400, "data.0.code", "INVALID_DATA")
	s.do(adele, "PUT", "/crm/v8/Contacts/"+id, body(other)).wants(400, "data.0.code", "INVALID_DATA", "data.0.details.api_name", "id")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	a, b, c := s.add(adele, "Events", event("A")), s.add(adele, "Events", event("B")), s.add(adele, "Events", event("C"))
	s.do(adele, "DELETE", "/crm/v8/Events/"+a+"?wf_trigger=false", "").wants(200, "data.0.code", "SUCCESS", "data.0.details.id", a, "data.0.message", "record deleted")
	s.do(adele, "GET", "/crm/v8/Events/"+a, "").wants(404)
	s.do(adele, "DELETE", "/crm/v8/Events?ids="+a+","+b, "").wants(207, "data.0.code", "INVALID_DATA", "data.1.code", "SUCCESS")
	s.do(adele, "DELETE", "/crm/v8/Events?ids="+a+",x", "").wants(400, "data.0.code", "INVALID_DATA", "data.1.code", "INVALID_DATA")
	r := s.do(adele, "GET", "/crm/v8/Events/deleted?type=all", "").wants(200, "data.0.id", b, "data.1.id", a, "data.2", "",
		"data.0.type", "recycle", "data.0.display_name", "B", "data.0.deleted_by.id", "11", "info.count", "2")
	s.do(adele, "GET", "/crm/v8/Events/deleted?per_page=1&page=2", "").wants(200, "data.0.id", a, "data.1", "", "info.more_records", "false")
	s.do(adele, "GET", "/crm/v8/Events/deleted?type=permanent", "").wants(204)
	s.do(adele, "GET", "/crm/v8/Events/deleted?type=recycle", "", "If-Modified-Since", r.at("data.0.deleted_time")).wants(304)
	s.do(alex, "GET", "/crm/v8/Events/deleted?type=all", "").wants(204)
	s.do(adele, "GET", "/crm/v8/Events/"+c, "").wants(200)
	s.now = s.now.Add(61 * 24 * time.Hour)
	if n, err := s.crm.Empty(t.Context(), contoso, "calendar"); err != nil || n != 2 {
		t.Fatalf("emptied %d, %v", n, err)
	}
	s.do(adele, "GET", "/crm/v8/Events/deleted?type=permanent", "").wants(200, "data.0.type", "permanent", "data.0.display_name", "", "data.2", "")
	s.do(adele, "GET", "/crm/v8/Events/deleted?type=recycle", "").wants(204)
}

func event(title string) string {
	return `{"Event_Title":"` + title + `","Start_DateTime":"2026-03-11T10:00:00Z","End_DateTime":"2026-03-11T11:00:00Z"}`
}

func TestSearchAndCount(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	for _, c := range []string{
		`{"Last_Name":"Silva","First_Name":"Ana","Email":"ana@example.com","Phone":"+55 (11) 5555-1234","Title":"CEO"}`,
		`{"Last_Name":"Silvano","First_Name":"Bia","Secondary_Email":"ANA@example.com"}`,
		`{"Last_Name":"Costa (irmã), a outra","First_Name":"Carla"}`,
	} {
		s.add(adele, "Contacts", c)
	}
	for query, want := range map[string]int{
		"word=silva":                                                 2,
		"word=ana":                                                   2, // one by first name, one by address
		"email=ana@example.com":                                      2,
		"phone=5555-1234":                                            1,
		"criteria=(Last_Name:equals:silva)":                          1,
		"criteria=(Last_Name:starts_with:silva)":                     2,
		"criteria=(Last_Name:not_equal:silva)":                       2,
		"criteria=(First_Name:in:ana,bia)":                           2,
		"criteria=((Last_Name:equals:Silva)and(Title:equals:CEO))":   1,
		"criteria=((Last_Name:equals:Silvano)and(Title:equals:CEO))": 0,
		"criteria=((Last_Name:equals:Silvano)or((Title:equals:CEO)and(First_Name:equals:ana)))": 2,
		`criteria=(Last_Name:equals:Costa \(irmã\)\, a outra)`:                                  1,
		"criteria=(Owner:equals:11)":                                                            3,
		"word=nothing":                                                                          0,
	} {
		name, value, _ := strings.Cut(query, "=")
		uri := "/crm/v8/Contacts/search?" + name + "=" + url.QueryEscape(value)
		if r := s.do(adele, "GET", uri, ""); want == 0 {
			r.wants(204)
		} else {
			r.wants(200, "info.count", fmt.Sprint(want))
		}
		s.do(adele, "GET", strings.Replace(uri, "/search", "/actions/count", 1), "").wants(200, "count", fmt.Sprint(want))
		s.do(stranger, "GET", uri, "").wants(204)
	}
	s.do(adele, "GET", "/crm/v8/Contacts/actions/count", "").wants(200, "count", "3")
	s.do(adele, "GET", "/crm/v8/Contacts/search?word=silva&per_page=1&fields=Last_Name&page=2", "").wants(200, "data.0.Last_Name", "Silva", "data.1", "")
}

func TestS33_MassUpdateOverTheAPI(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	a, b := s.add(adele, "Contacts", `{"Last_Name":"A"}`), s.add(adele, "Contacts", `{"Last_Name":"B"}`)
	s.do(adele, "POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"CEO"}],"ids":["`+a+`","`+b+`","999"],"over_write":true}`).wants(207,
		"data.0.code", "SUCCESS", "data.1.details.id", b, "data.2.code", "INVALID_DATA")
	s.do(adele, "GET", "/crm/v8/Contacts/"+a, "").wants(200, "data.0.Title", "CEO")
	s.do(adele, "GET", "/crm/v8/Contacts/"+a+"/__timeline", "").wants(200, "__timeline.0.source", "mass_update", "__timeline.1.source", "crm_api")
	s.do(adele, "POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"`+strings.Repeat("x", 101)+`"}],"ids":["`+a+`"]}`).wants(400,
		"code", "INVALID_DATA", "details.maximum_length", "100", "details.json_path", "$.data[0].Title")
}

// A contact that was imported is let into the sync by a mass update, by its owner who has it in Outlook, or by a merge. The timeline says which.
func TestS32_TheTimelineSaysWhatLetAnImportedContactIn(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	actor := crm.Actor{Author: crm.Author{Org: contoso, User: adele}, Zone: "UTC", Contacts: record.Full, MassUpdate: true}
	imported := func(name string) (id record.ID, version record.Version) {
		got, err := s.crm.Insert(t.Context(), actor, record.Contacts, []crm.Draft{{Source: record.Import, Fields: record.Fields{record.LastName: record.Value(name)}}})
		if err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
		return got[0].Record.ID, record.Version(fmt.Sprint(got[0].Record.Version))
	}
	tells := func(id record.ID, want ...string) {
		t.Helper()
		s.do(adele, "GET", "/crm/v8/Contacts/"+id.String()+"/__timeline", "").wants(200, append([]string{"info.count", fmt.Sprint(len(want) / 2)}, want...)...)
	}
	first, latest := "__timeline.1.source", "__timeline.0.source"
	left, _ := imported("Left out")
	tells(left, latest, "import")

	mass, _ := imported("Mass updated")
	s.do(adele, "POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"CEO"}],"ids":["`+mass.String()+`"]}`).wants(200)
	tells(mass, latest, "mass_update", first, "import")

	found, version := imported("Found in Outlook")
	letIn := record.Write{Op: record.Update, Ref: found.Ref(), Version: version, Meta: record.Meta{MassUpdated: true}}
	side := s.crm.Side(crm.LinkSide{Org: contoso, User: adele, Link: 7, Kind: record.Contacts, Zone: "UTC"})
	if got, err := side.Apply(t.Context(), []record.Write{letIn}); err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	tells(found, latest, "microsoft", first, "import")
	s.do(adele, "POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"CEO"}],"ids":["`+found.String()+`"]}`).wants(200)
	tells(found, latest, "mass_update", first, "import")

	kept, _ := imported("Kept")
	other := s.add(adele, "Contacts", `{"Last_Name":"By hand"}`)
	gone, _ := record.ParseID(other)
	if _, err := s.crm.Merge(t.Context(), actor, crm.Merge{Keep: crm.Draft{ID: kept, Version: 1}, Gone: []crm.Draft{{ID: gone, Version: 1}}}); err != nil {
		t.Fatal(err)
	}
	tells(kept, latest, "find_and_merge", first, "import")
}

// Every route that names a record answers a stranger as if there were none.
func TestForeignIDsDoNotExist(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	id := s.add(adele, "Contacts", `{"Last_Name":"Hers","Email":"hers@example.com"}`)
	for _, who := range []struct {
		name string
		id   int64
	}{{"colleague", int64(alex)}, {"stranger", int64(stranger)}} {
		as := alex
		if who.id == int64(stranger) {
			as = stranger
		}
		s.do(as, "GET", "/crm/v8/Contacts/"+id, "").wants(404)
		s.do(as, "GET", "/crm/v8/Contacts/"+id+"/__timeline", "").wants(404)
		s.do(as, "GET", "/crm/v8/Contacts?ids="+id, "").wants(204)
		s.do(as, "GET", "/crm/v8/Contacts?fields=id", "").wants(204)
		s.do(as, "GET", "/crm/v8/Contacts/search?email=hers@example.com", "").wants(204)
		s.do(as, "GET", "/crm/v8/Contacts/actions/count", "").wants(200, "count", "0")
		s.do(as, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Last_Name":"Mine"}]}`).wants(404)
		s.do(as, "PUT", "/crm/v8/Contacts", `{"data":[{"id":"`+id+`","Last_Name":"Mine"}]}`).wants(400)
		s.do(as, "POST", "/crm/v8/Contacts/actions/mass_update", `{"data":[{"Title":"x"}],"ids":["`+id+`"]}`).wants(400)
		s.do(as, "DELETE", "/crm/v8/Contacts/"+id, "").wants(404)
		s.do(as, "DELETE", "/crm/v8/Contacts?ids="+id, "").wants(400)
	}
	s.do(boss, "GET", "/crm/v8/Contacts/"+id, "").wants(200, "data.0.Last_Name", "Hers") // an administrator sees all records
	s.do(adele, "PUT", "/crm/v8/Contacts/"+id, `{"data":[{"Owner":{"id":"12"}}]}`).wants(200)
	s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").wants(404)
	s.do(alex, "GET", "/crm/v8/Contacts/"+id, "").wants(200, "data.0.Owner.id", "12", "data.0.Created_By.id", "11")
}

func TestUsersAndOrganization(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	for kind, want := range map[string]string{
		"": "4", "AllUsers": "4", "ActiveUsers": "3", "DeactiveUsers": "1", "ConfirmedUsers": "4", "ActiveConfirmedUsers": "3",
		"AdminUsers": "1", "ActiveConfirmedAdmins": "1", "CurrentUser": "1", "NotConfirmedUsers": "0", "DeletedUsers": "0",
	} {
		s.do(adele, "GET", "/crm/v8/users/actions/count?type="+kind, "").wants(200, "count", want)
		if want == "0" {
			s.do(adele, "GET", "/crm/v8/users?type="+kind, "").wants(204)
			continue
		}
		s.do(adele, "GET", "/crm/v8/users?type="+kind, "").wants(200, "info.count", want)
	}
	s.do(adele, "GET", "/crm/v8/users/11", "").wants(200, "users.0.full_name", "Adele Vance", "users.0.status", "active",
		"users.0.confirm", "true", "users.0.microsoft", "false", "users.0.profile.name", "Standard", "users.0.time_zone", "America/Sao_Paulo",
		"users.0.locale", "pt_BR", "users.0.offset", "-10800000")
	s.do(adele, "GET", "/crm/v8/users?per_page=1&page=2", "").wants(200, "users.0.id", "12", "info.more_records", "true")
	s.do(adele, "GET", "/crm/v8/users?ids=12,21", "").wants(200, "users.0.id", "12", "users.1", "")
	s.do(adele, "GET", "/crm/v8/org", "").wants(200, "org.0.id", contoso.String(), "org.0.company_name", "Contoso", "org.0.license_details.paid", "true")
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	s.do(adele, "GET", "/crm/v8/settings/modules", "").wants(200, "modules.0.api_name", "Contacts", "modules.1.api_name", "Events", "modules.1.plural_label", "Meetings")
	s.do(adele, "GET", "/crm/v8/settings/modules/Events", "").wants(200, "modules.0.api_name", "Events", "modules.1", "")
	s.do(adele, "GET", "/crm/v8/settings/fields?module=Contacts&type=unused", "").wants(204)
	for _, module := range []string{"Contacts", "Events"} {
		r := s.do(adele, "GET", "/crm/v8/settings/fields?module="+module, "").wants(200)
		id := map[string]string{"Contacts": `{"Last_Name":"V"}`, "Events": event("V")}[module]
		shown := s.do(adele, "GET", "/crm/v8/"+module+"/"+s.add(adele, module, id), "").json.(map[string]any)["data"].([]any)[0].(map[string]any)
		fields := r.json.(map[string]any)["fields"].([]any)
		delete(shown, "$se_module") // says what What_Id is, and is no field
		if len(fields) != len(shown) {
			t.Errorf("%s: %d fields are described, a record shows %d", module, len(fields), len(shown))
		}
		for _, f := range fields {
			f := f.(map[string]any)
			if _, ok := shown[f["api_name"].(string)]; !ok {
				t.Errorf("%s: %s is described and not shown", module, f["api_name"])
			}
			s.do(adele, "GET", "/crm/v8/settings/fields/"+f["id"].(string)+"?module="+module, "").wants(200, "fields.0.api_name", f["api_name"].(string))
		}
	}
}
