package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A fake is a Graph that answers as a test tells it. Time passes only when somebody sleeps.
type fake struct {
	*testing.T
	url string

	mu      sync.Mutex
	now     time.Time
	asked   []request // every HTTP request
	handler func(w http.ResponseWriter, r request)
}

type request struct {
	*http.Request
	body []byte
	at   time.Time
}

func newFake(t *testing.T, handler func(w http.ResponseWriter, r request)) *fake {
	f := &fake{T: t, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), handler: handler}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL + "/v1.0"
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	req := request{r, body, f.now}
	f.asked = append(f.asked, req)
	f.mu.Unlock()
	f.handler(w, req)
}

func (f *fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) Sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(max(d, 0))
	return ctx.Err()
}

func (f *fake) requests() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fake) client(limits Limits) *Client {
	return New(Options{BaseURL: f.url, Now: f.Now, Sleep: f.Sleep, Limits: limits})
}

func (f *fake) box() *Mailbox { return f.client(Limits{}).For(Static("token"), "a-1") }

// reply writes a JSON answer.
func reply(w http.ResponseWriter, status int, body string, headers ...string) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func refuse(code, message string) string {
	return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"innerError":{"request-id":"r"}}}`, code, message)
}

// batchOf answers a batch part by part.
func batchOf(t *testing.T, w http.ResponseWriter, r request, part func(p wirePart) (int, string, map[string]string)) {
	t.Helper()
	var asked struct {
		Requests []wirePart `json:"requests"`
	}
	if err := json.Unmarshal(r.body, &asked); err != nil {
		t.Errorf("batch %s: %v", r.body, err)
	}
	var out bytes.Buffer
	out.WriteString(`{"responses":[`)
	first := true
	for i := len(asked.Requests) - 1; i >= 0; i-- { // in any order
		status, body, headers := part(asked.Requests[i])
		if status == 0 {
			continue
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		h, _ := json.Marshal(headers)
		fmt.Fprintf(&out, `{"id":%q,"status":%d,"headers":%s,"body":%s}`, asked.Requests[i].ID, status, h, body)
	}
	out.WriteString(`]}`)
	reply(w, 200, out.String())
}

type wirePart struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}
