package crmapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tandem/internal/testkit/memcrm"
	"tandem/internal/testkit/zohospec"
)

// Whatever a stranger sends is answered, never with 500, and always in the form that is described.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{"data":[{"Last_Name":"V","Email":"a@b.example","Tag":[{"name":"x"}],"Account_Name":{"name":"A"}}]}`,
		`{"data":[{"Event_Title":"","Start_DateTime":"2026-03-10","All_day":true,"Recurring_Activity":{"RRULE":"FREQ=DAILY","EXDATE":["20260311"]}}]}`,
		`{"data":[{"Event_Title":"x","Start_DateTime":"2026-03-10T10:00:00Z","End_DateTime":"2026-03-10T10:00:00Z","Remind_At":[{"unit":1,"period":"days","time":"09.30"}]}]}`,
		`{"data":[{"Event_Title":"x","Start_DateTime":"2026-03-10","All_day":true,"Who_Id":"1001","What_Id":{"id":"1"},"$se_module":"Accounts","Participants":[{"type":"contact","participant":"1001"},{"type":"email","Email":"a@b.example"}],"Remind_At":[{"unit":1,"period":"days"},{"unit":1,"period":"days","time":"09.30"}]}]}`,
		`{"data":[{"Title":"x"}],"ids":["1001"]}`, `{"data":[null,5,"x",[],{"id":"1001","Owner":{"id":"12"}}]}`, `{"kind":"calendar"}`, `[`, "\xff",
	} {
		for route := range byte(len(fuzzed)) {
			f.Add(route, body)
		}
	}
	f.Fuzz(func(t *testing.T, route byte, body string) {
		s := newServerOn(t, memcrm.New())
		s.add(adele, "Contacts", `{"Last_Name":"V"}`)
		r := fuzzed[int(route)%len(fuzzed)]
		req := httptest.NewRequest(r.method, r.path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer token-11")
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, req)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %s answers %d to %q: %s", r.method, r.path, w.Code, body, w.Body)
		}
		if err := zohospec.Open(t).ValidateAnswer(r.method, r.path, w.Code, w.Result().Header, w.Body.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}

var fuzzed = []struct{ method, path string }{
	{"POST", "/crm/v8/Contacts"}, {"POST", "/crm/v8/Events"}, {"PUT", "/crm/v8/Contacts"}, {"PUT", "/crm/v8/Contacts/1001"},
	{"POST", "/crm/v8/Contacts/actions/mass_update"}, {"POST", "/api/v1/links"},
}

func FuzzCriteria(f *testing.F) {
	for _, c := range []string{`((Last_Name:equals:V)and(Title:in:a,b))`, `(((((((((((x`, `(Last_Name:equals:a\)b)or(id:equals:1)`} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, criteria string) {
		s := newServerOn(t, memcrm.New())
		req := httptest.NewRequest("GET", "/crm/v8/Contacts/search", nil)
		q := req.URL.Query()
		q.Set("criteria", criteria)
		req.URL.RawQuery = q.Encode()
		req.Header.Set("Authorization", "Bearer token-11")
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, req)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%d to %q: %s", w.Code, criteria, w.Body)
		}
	})
}
