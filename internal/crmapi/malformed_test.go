package crmapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestMalformedBodiesAreRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	for _, body := range []string{
		"{\"data\":[{\"Last_Name\":\"a\xffb\"}]}", `{"data":[{"Last_Name":"a\ud83d"}]}`, `{"data":[{"Last_Name":"\ude00a"}]}`,
		`{"data":[{"Last_Name":"\ud83d\u0041"}]}`, `{"data":[{"Last_Name":"\ud83dx\ude00"}]}`, `{"data":[{"Last_Name":"\ud83d\n"}]}`,
		`{"data":[{"Last_Name":"a","Last_Name":"b"}]}`, `{"data":[],"data":[{"Last_Name":"b"}]}`,
		`{"data":[{"Last_Name":"a","Account_Name":{"name":"x","n\u0061me":"y"}}]}`,
	} {
		s.do(adele, "POST", "/crm/v8/Contacts", body).wants(400, "code", "UNABLE_TO_PARSE_DATA_TYPE", "status", "error")
	}
	s.do(adele, "GET", "/crm/v8/Contacts?fields=id", "").wants(204)
	id := s.add(adele, "Contacts", `{"Last_Name":"\ud83d\ude00 \\ud83d","Title":"Last_Name","Description":"a\tb\r\nc","Tag":[{"name":"a"},{"name":"b"}]}`)
	s.do(adele, "GET", "/crm/v8/Contacts/"+id, "").wants(200, "data.0.Last_Name", `😀 \ud83d`, "data.0.Description", "a\tb\nc")
}

func TestControlCharactersAreThatRecordsError(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	for field, value := range map[string]string{
		"Title": `"a\u0000b"`, "Description": `"a\u001bb"`, "Department": "\"a\x7f\"", "Assistant": `"a\u0085"`, "Fax": "\"1\u0090\"",
		"Tag": `[{"name":"a\u0007"}]`, "Account_Name": `{"name":"\u0001"}`,
	} {
		s.do(adele, "POST", "/crm/v8/Contacts", `{"data":[{"Last_Name":"V","`+field+`":`+value+`},{"Last_Name":"W"}]}`).wants(207,
			"data.0.code", "INVALID_DATA", "data.0.details.api_name", field, "data.1.code", "SUCCESS")
	}
}

func TestYearsOfEvents(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	at := func(start, end, rest string) string {
		return fmt.Sprintf(`{"Event_Title":"x","Start_DateTime":%q,"End_DateTime":%q%s}`, start, end, rest)
	}
	for _, c := range []string{
		at("1899-12-31T23:59:59Z", "1900-01-01T10:00:00Z", ""), at("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z", ""),
		at("1899-12-31", "1899-12-31", `,"All_day":true`), at("9999-01-01T00:00:00Z", "9999-01-01T00:00:00Z", ""),
		at("9998-12-31T23:00:00-03:00", "9998-12-31T23:00:00-03:00", ""),
	} {
		s.do(adele, "POST", "/crm/v8/Events", `{"data":[`+c+`]}`).wants(400, "data.0.code", "INVALID_DATA",
			"data.0.details.api_name", "Start_DateTime", "data.0.details.expected_data_type", "datetime")
	}
	for _, c := range []string{
		at("1900-01-01T00:00:00Z", "1900-01-01T00:00:01Z", ""), at("1913-06-01T10:00:00-03:00", "1913-06-01T11:00:00-03:00", ""),
		at("1900-01-01", "1900-01-02", `,"All_day":true`), at("9998-12-31T23:59:59Z", "9998-12-31T23:59:59Z", ""),
	} {
		id := s.add(adele, "Events", c)
		r := s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200)
		s.now = s.now.Add(time.Minute)
		s.do(adele, "PUT", "/crm/v8/Events/"+id, fmt.Sprintf(`{"data":[{"Start_DateTime":%q,"End_DateTime":%q}]}`,
			r.at("data.0.Start_DateTime"), r.at("data.0.End_DateTime"))).wants(200)
		s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.Modified_Time", r.at("data.0.Modified_Time"),
			"data.0.Start_DateTime", r.at("data.0.Start_DateTime"), "data.0.End_DateTime", r.at("data.0.End_DateTime"))
	}
	id := s.add(adele, "Events", at("1913-06-01T10:00:00-03:00", "1913-06-01T11:00:00-03:00", ""))
	s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.Start_DateTime", "1913-06-01T13:00:00+00:00")
}

func TestRulesThatContradictOrGoOnTooLong(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	event := func(rule string) string {
		return `{"Event_Title":"x","Start_DateTime":"2026-03-10T23:00:00-03:00","End_DateTime":"2026-03-10T23:30:00-03:00","Recurring_Activity":{"RRULE":"` + rule + `"}}`
	}
	for rule, reason := range map[string]string{
		"FREQ=DAILY;DTSTART=2026-03-12":                       "DTSTART is 2026-03-12, but the event starts on 2026-03-10",
		"FREQ=DAILY;DTSTART=20260311T020000Z;UNTIL=2026-03-9": "",
		"RRULE:DTSTART=tomorrow;FREQ=DAILY":                   "DTSTART must be a date",
		"FREQ=DAILY;COUNT=1000":                               "a series has at most 999 occurrences (COUNT)",
		"FREQ=YEARLY;UNTIL=2126-03-11":                        "a series ends at most 100 years after its start (UNTIL)",
	} {
		r := s.do(adele, "POST", "/crm/v8/Events", `{"data":[`+event(rule)+`]}`).wants(400, "data.0.code", "INVALID_DATA",
			"data.0.details.api_name", "Recurring_Activity", "data.0.details.expected_data_type", "rrule")
		if got := r.at("data.0.details.reason"); reason != "" && got != reason {
			t.Errorf("%s: %q", rule, got)
		}
	}
	for _, rule := range []string{
		"FREQ=DAILY;DTSTART=2026-03-10", "FREQ=DAILY;DTSTART=20260310", "FREQ=DAILY;DTSTART=20260311T020000Z", "DTSTART=2026-03-10T23:00:00;FREQ=DAILY",
		"FREQ=DAILY;COUNT=999", "FREQ=YEARLY;UNTIL=2126-03-10",
	} {
		s.add(adele, "Events", event(rule))
	}
	id := s.add(adele, "Events", event("FREQ=DAILY;DTSTART=2026-03-10"))
	s.do(adele, "PUT", "/crm/v8/Events/"+id, `{"data":[{"Recurring_Activity":{"RRULE":"FREQ=DAILY;DTSTART=2026-03-11"}}]}`).wants(400,
		"data.0.details.api_name", "Recurring_Activity")
	s.do(adele, "PUT", "/crm/v8/Events/"+id, `{"data":[{"Start_DateTime":"2026-03-09T23:00:00-03:00"}]}`).wants(200)
}

func TestTelephoneNumbersMayHaveLetters(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	// Letters belong to the pattern of Zoho CRM (zoho-crm.md §3), so this is a number to it: 1-800-FLOWERS is one, too.
	for _, number := range []string{"call me", "1-800-FLOWERS", "+55 (11) 3333-0001;12", "#31#,5"} {
		s.add(adele, "Contacts", `{"Last_Name":"V","Phone":"`+number+`"}`)
	}
	for _, number := range []string{"call+me", "++1", "a/b", "call me!", "1:2", "-", "número"} {
		s.do(adele, "POST", "/crm/v8/Contacts", `{"data":[{"Last_Name":"V","Phone":"`+number+`"}]}`).wants(400, "data.0.details.expected_data_type", "phone")
	}
}

func TestHeadAnswersLikeGetWithoutBody(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.add(adele, "Contacts", `{"Last_Name":"V"}`)
	for uri, status := range map[string]int{
		"/crm/v8/Contacts/" + id: 200, "/crm/v8/Contacts?fields=id": 200, "/crm/v8/Contacts/1": 404, "/crm/v8/org": 200,
		"/crm/v8/Contacts/" + id + "/nothing": 404, "/api/v1/links": 200,
	} {
		get, head := s.do(adele, "GET", uri, ""), s.do(adele, "HEAD", uri, "").wants(status)
		if head.text != "" || get.status != status || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("%s: HEAD %v %q, GET %d %v", uri, head.header, head.text, get.status, get.header)
		}
	}
	s.do(adele, "HEAD", "/crm/v8/Contacts/actions/mass_update", "").wants(http.StatusBadRequest)
}

func TestBodiesOverTheLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	big := strings.Repeat(" ", 17<<20)
	for _, c := range []struct{ method, uri string }{
		{"POST", "/crm/v8/Contacts"}, {"PUT", "/crm/v8/Contacts/1"}, {"POST", "/crm/v8/Contacts/actions/mass_update"},
		{"POST", "/api/v1/links"}, {"DELETE", "/crm/v8/Contacts?ids=1"}, {"POST", "/api/v1/links/1/run"},
	} {
		s.do(adele, c.method, c.uri, big).wants(413, "code", "LIMIT_EXCEEDED")
	}
}
