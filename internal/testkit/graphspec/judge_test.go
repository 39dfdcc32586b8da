package graphspec

import (
	"fmt"
	"net/http"
	"testing"
)

// heard takes the place of a test that is judged.
type heard struct {
	testing.TB
	errors  []string
	cleanup []func()
}

func (h *heard) Errorf(format string, args ...any) {
	h.errors = append(h.errors, fmt.Sprintf(format, args...))
}
func (h *heard) Cleanup(f func()) { h.cleanup = append(h.cleanup, f) }
func (h *heard) Helper()          {}

func TestJudge(t *testing.T) {
	Open(t)
	jsonType := http.Header{"Content-Type": {"application/json"}}
	for _, row := range []struct {
		name string
		do   func(j *Judge)
		told int
	}{
		{"what is alike", func(j *Judge) {
			for n := range 3 {
				j.Request("POST", "/v1.0/me/contacts", jsonType, fmt.Appendf(nil, `{"givenName":"A%d"}`, n))
			}
		}, 0},
		{"a misspelt property, however it was answered", func(j *Judge) {
			j.Request("POST", "/v1.0/me/contacts", jsonType, []byte(`{"given":"A"}`))
		}, 1},
		{"the same again, in another test", func(j *Judge) {
			j.Request("POST", "/v1.0/me/contacts", jsonType, []byte(`{"given":"B"}`))
		}, 1},
		{"a part of a batch", func(j *Judge) {
			j.Request("POST", "/v1.0/$batch", jsonType, []byte(`{"requests":[{"id":"1","method":"GET","url":"/me/contacts?$select=id,shoeSize"}]}`))
		}, 1},
		{"an enumeration's value", func(j *Judge) {
			for _, value := range []string{"private", "secret"} {
				j.Answer("GET", "/v1.0/me/events/ab", nil, nil, 200, jsonType, fmt.Appendf(nil, `{"id":"x","sensitivity":%q}`, value))
			}
		}, 1},
		{"the form of a time", func(j *Judge) {
			for _, value := range []string{"1970-01-01T11:59:00Z", "1970-01-01"} {
				j.Answer("GET", "/v1.0/me/contacts/ab", nil, nil, 200, jsonType, fmt.Appendf(nil, `{"id":"x","birthday":%q}`, value))
			}
		}, 1},
		{"a part without an answer", func(j *Judge) {
			j.Answer("POST", "/v1.0/$batch", nil, []byte(`{"requests":[{"id":"1","method":"GET","url":"/me/contacts"}]}`), 200, jsonType, []byte(`{"responses":[]}`))
		}, 1},
		{"signing in is not Graph's", func(j *Judge) { j.Request("POST", "/common/oauth2/v2.0/token", nil, []byte("x=y")) }, 0},
	} {
		h := &heard{TB: t}
		row.do(NewJudge(h))
		for _, f := range h.cleanup {
			f()
		}
		if len(h.errors) != row.told {
			t.Errorf("%s: %d faults, want %d: %q", row.name, len(h.errors), row.told, h.errors)
		}
	}
}
