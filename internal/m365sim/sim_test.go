package m365sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/testkit/graphspec"
)

// A clock that tests move by hand.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond) // each look is a little later, as in life
	return c.now
}

func (c *testClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A bench is a simulator behind real HTTP, with a person signed in. Every exchange is held against Microsoft's
// description where that is at hand.
type bench struct {
	t     *testing.T
	sim   *Sim
	url   string
	token string
	clock *testClock
	spec  *graphspec.Spec
	loose bool // the exchange is meant to be outside the description
}

const adele = "adele@contoso.example"

func newBench(t *testing.T, options ...func(*Options)) *bench {
	t.Helper()
	clock := &testClock{now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	o := Options{Now: clock.Now, Seed: 1, NotifyRetry: 10 * time.Millisecond}
	for _, edit := range options {
		edit(&o)
	}
	s := New(o)
	server := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); server.Close() })
	s.SetBaseURL(server.URL)
	b := &bench{t: t, sim: s, url: server.URL, token: s.IssueToken(adele), clock: clock}
	b.spec = openSpec(t)
	return b
}

// openSpec is graphspec.Open for tests that do not depend on it: without the description they run unjudged.
func openSpec(t *testing.T) *graphspec.Spec {
	var spec *graphspec.Spec
	t.Run("description", func(t *testing.T) { spec = graphspec.Open(t) })
	return spec
}

// as returns a bench on the same simulator with another token.
func (b *bench) as(token string) *bench {
	other := *b
	other.token = token
	return &other
}

// outside returns a bench that does not hold exchanges against the description.
func (b *bench) outside() *bench {
	other := *b
	other.loose = true
	return &other
}

type answer struct {
	status int
	header http.Header
	raw    []byte
	doc    map[string]any
}

// do sends a request. What follows the path is the body, JSON or empty, and then headers in pairs.
func (b *bench) do(method, path string, more ...string) answer {
	b.t.Helper()
	body, headers := "", more
	if len(more) > 0 {
		body, headers = more[0], more[1:]
	}
	target := path
	if !strings.HasPrefix(path, "http") {
		target = b.url + "/v1.0" + path
	}
	if at := strings.IndexByte(target, '?'); at >= 0 { // tests write queries as people read them
		target = target[:at+1] + encodeQuery(target[at+1:])
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: raw}
	_ = json.Unmarshal(raw, &a.doc)
	if b.spec != nil && !b.loose {
		if err := b.spec.ValidateExchange(req, []byte(body), a.status, a.header, raw); err != nil {
			b.t.Errorf("%s %s: %v", method, path, err)
		}
	}
	return a
}

func encodeQuery(raw string) string {
	if strings.Contains(raw, "%") {
		return raw
	}
	parts := strings.Split(raw, "&")
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		parts[i] = name + "=" + url.QueryEscape(value)
	}
	return strings.Join(parts, "&")
}

// want fails the test unless the answer has the status and, for a refusal, the code.
func (b *bench) want(a answer, status int, code ...string) answer {
	b.t.Helper()
	if a.status != status {
		b.t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	if len(code) > 0 && a.code() != code[0] {
		b.t.Fatalf("code %q, want %q: %s", a.code(), code[0], a.raw)
	}
	return a
}

func (a answer) code() string {
	e, _ := a.doc["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

func (a answer) text(path string) string {
	switch v := a.at(path).(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		raw, _ := json.Marshal(v)
		return string(raw)
	}
}

// at walks the document by names with dots.
func (a answer) at(path string) any { return at(a.doc, path) }

func at(doc any, path string) any {
	for _, name := range strings.Split(path, "/") {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[name]
		case []any:
			i := int(name[0] - '0')
			if i >= len(v) {
				return nil
			}
			doc = v[i]
		}
	}
	return doc
}

func (a answer) list() []map[string]any {
	values, _ := a.doc["value"].([]any)
	list := make([]map[string]any, len(values))
	for i, v := range values {
		list[i] = v.(map[string]any)
	}
	return list
}

func (a answer) id() string { return a.text("id") }

// pages follows nextLinks to the end and returns everything, with the last answer.
func (b *bench) pages(path string, headers ...string) (all []map[string]any, last answer) {
	b.t.Helper()
	for n := 0; ; n++ {
		last = b.want(b.do("GET", path, append([]string{""}, headers...)...), 200)
		all = append(all, last.list()...)
		path = last.text("@odata.nextLink")
		if path == "" {
			return all, last
		}
		if n > 1000 {
			b.t.Fatal("pages without end")
		}
	}
}

// must makes something and returns its id.
func (b *bench) must(path, body string, headers ...string) string {
	b.t.Helper()
	return b.want(b.do("POST", path, append([]string{body}, headers...)...), 201).id()
}

func toJSON(v any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return buf.String()
}
