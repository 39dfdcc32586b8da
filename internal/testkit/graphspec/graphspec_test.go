package graphspec

import (
	"net/http"
	"testing"
)

func TestValidateExchange(t *testing.T) {
	spec := Open(t)
	jsonHeader := http.Header{"Content-Type": {"application/json"}}
	for _, row := range []struct {
		name, method, url, body string
		status                  int
		answer                  string
		ok                      bool
	}{
		{"a folder", "GET", "http://127.0.0.1:1/v1.0/me/contactFolders/a=b", "", 200, `{"id":"x","displayName":"y"}`, true},
		{"an invented property", "GET", "/v1.0/me/contactFolders/ab", "", 200, `{"id":"x","colour":"y"}`, false},
		{"a wrong type", "GET", "/v1.0/me/events/ab", "", 200, `{"id":"x","isAllDay":"yes"}`, false},
		{"a null enum", "GET", "/v1.0/me/events/ab", "", 200, `{"id":"x","sensitivity":null}`, true},
		{"an unknown enum member", "GET", "/v1.0/me/events/ab", "", 200, `{"id":"x","sensitivity":"secret"}`, false},
		{"a bad date-time", "GET", "/v1.0/me/contacts/ab", "", 200, `{"id":"x","birthday":"1970-01-01"}`, false},
		{"a delta", "GET", "/v1.0/me/contactFolders/ab/contacts/delta", "", 200, `{"value":[{"id":"x","@removed":{"reason":"deleted"}}],"@odata.deltaLink":"u"}`, true},
		{"a selected delta", "GET", "/v1.0/me/contactFolders/ab/contacts/delta?$select=id,displayName", "", 200, `{"value":[],"@odata.deltaLink":"u"}`, true},
		{"an invented selection", "GET", "/v1.0/me/contacts?$select=id,shoeSize", "", 200, `{"value":[]}`, false},
		{"a post", "POST", "/v1.0/me/contacts", `{"givenName":"A"}`, 201, `{"id":"x","givenName":"A"}`, true},
		{"a misspelt post", "POST", "/v1.0/me/contacts", `{"given":"A"}`, 201, `{"id":"x","givenName":"A"}`, false},
		{"a refused misspelt post", "POST", "/v1.0/me/contacts", `{"given":"A"}`, 400, `{"error":{"code":"RequestBodyRead","message":"m"}}`, true},
		{"a refusal without code", "GET", "/v1.0/me/contacts", "", 400, `{"error":{"message":"m"}}`, false},
		{"a delete", "DELETE", "/v1.0/me/contacts/ab", "", 204, ``, true},
		{"an unknown path", "GET", "/v1.0/me/shoes", "", 200, `{}`, false},
		{"a batch", "POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/me/contacts?$top=1"}]}`, 200,
			`{"responses":[{"id":"1","status":200,"headers":{"Content-Type":"application/json"},"body":{"value":[]}}]}`, true},
		{"a batch with a bad part", "POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/me/contacts"}]}`, 200,
			`{"responses":[{"id":"1","status":200,"headers":{"Content-Type":"application/json"},"body":{"values":[]}}]}`, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			req, err := http.NewRequest(row.method, row.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if row.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			err = spec.ValidateExchange(req, []byte(row.body), row.status, jsonHeader, []byte(row.answer))
			if (err == nil) != row.ok {
				t.Errorf("%s %s: ok = %t, want %t: %v", row.method, row.url, err == nil, row.ok, err)
			}
		})
	}
}

func BenchmarkValidateExchange(b *testing.B) {
	spec := Open(b)
	req, _ := http.NewRequest("GET", "/v1.0/me/contactFolders/ab", nil)
	header := http.Header{"Content-Type": {"application/json"}}
	for b.Loop() {
		if err := spec.ValidateExchange(req, nil, 200, header, []byte(`{"id":"x","displayName":"y"}`)); err != nil {
			b.Fatal(err)
		}
	}
}
