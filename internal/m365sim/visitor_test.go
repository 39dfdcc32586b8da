package m365sim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

const testRedirect = "http://127.0.0.1:4711/auth/microsoft/callback"

// simTime is a clock that a test moves.
type simTime struct {
	mu  sync.Mutex
	now time.Time
}

func (c *simTime) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *simTime) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A visitor is a browser with cookies, at a simulator that answers over HTTP. It never leaves for the app.
type visitor struct {
	t     *testing.T
	sim   *Sim
	base  string
	http  *http.Client
	clock *simTime
}

func visit(t *testing.T) *visitor {
	t.Helper()
	clock := &simTime{now: time.Now()}
	return visitSim(t, New(Options{Seed: 7, Now: clock.Now}), clock)
}

func visitSim(t *testing.T, s *Sim, clock *simTime) *visitor {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); server.Close() }) // first whoever waits is let go
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, sim: s, base: server.URL, clock: clock}
	v.http = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != server.URL {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return v
}

// config is the client library's view of an app.
func (v *visitor) config(tenant string, scopes ...string) *oauth2.Config {
	root := v.base + "/" + tenant + "/oauth2/v2.0"
	return &oauth2.Config{
		ClientID: DemoClientID, ClientSecret: DemoClientSecret, RedirectURL: testRedirect, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: root + "/authorize", TokenURL: root + "/token"},
	}
}

// A seen is what came back: a page, or the address of the app that the browser was sent to.
type seen struct {
	t      *testing.T
	status int
	body   string
	url    *url.URL // of the page
	to     *url.URL // where the browser was sent; nil for a page
}

func (v *visitor) do(req *http.Request) seen {
	v.t.Helper()
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	out := seen{t: v.t, status: res.StatusCode, body: string(body), url: res.Request.URL}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		if out.to, err = res.Location(); err != nil {
			v.t.Fatal(err)
		}
	}
	return out
}

func (v *visitor) get(address string) seen {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.base + address
	}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

func (v *visitor) post(address string, form url.Values) seen {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.base + address
	}
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// submit fills the form with that id and sends it, hidden fields included.
func (v *visitor) submit(page seen, formID string, fill url.Values) seen {
	v.t.Helper()
	form := regexp.MustCompile(`(?s)<form id="` + formID + `".*?</form>`).FindString(page.body)
	if form == "" {
		v.t.Fatalf("no form %q on the page (status %d):\n%s", formID, page.status, page.body)
	}
	values := url.Values{}
	for _, input := range regexp.MustCompile(`<input[^>]*>`).FindAllString(form, -1) {
		if strings.Contains(input, `type="checkbox"`) && !strings.Contains(input, " checked") {
			continue
		}
		values.Add(attr(input, "name"), attr(input, "value"))
	}
	for name, v := range fill {
		values[name] = v
	}
	action, err := page.url.Parse(attr(regexp.MustCompile(`<form[^>]*>`).FindString(form), "action"))
	if err != nil {
		v.t.Fatal(err)
	}
	return v.post(action.String(), values)
}

func attr(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">").Replace(m[1])
}

func (s seen) wants(text string) seen {
	s.t.Helper()
	if !strings.Contains(s.body, text) {
		s.t.Fatalf("page (status %d) lacks %q:\n%s", s.status, text, s.body)
	}
	return s
}

// sent is the answer at the app's address.
func (s seen) sent() url.Values {
	s.t.Helper()
	if s.to == nil {
		s.t.Fatalf("not sent back to the app, but status %d:\n%s", s.status, s.body)
	}
	return s.to.Query()
}

// code signs in by the pages, accepts what is asked, and returns the code.
func (v *visitor) code(c *oauth2.Config, upn string, options ...oauth2.AuthCodeOption) string {
	v.t.Helper()
	page := v.get(c.AuthCodeURL("st", append(options, oauth2.SetAuthURLParam("login_hint", upn))...))
	if strings.Contains(page.body, `id="signin"`) {
		page = v.submit(page, "signin", nil)
	}
	if strings.Contains(page.body, `id="consent"`) {
		page = v.submit(page, "consent", url.Values{"consent": {"accept"}})
	}
	answer := page.sent()
	if answer.Get("state") != "st" {
		v.t.Fatalf("state is %q, want st", answer.Get("state"))
	}
	if answer.Get("code") == "" {
		v.t.Fatalf("no code, but %v", answer)
	}
	return answer.Get("code")
}

// refused asserts an error of the token endpoint.
func refused(t *testing.T, err error, word string, number int) {
	t.Helper()
	var e *oauth2.RetrieveError
	if !asRetrieve(err, &e) {
		t.Fatalf("err = %v, want %s %d from the token endpoint", err, word, number)
	}
	var body struct {
		Codes []int  `json:"error_codes"`
		Trace string `json:"trace_id"`
	}
	if err := json.Unmarshal(e.Body, &body); err != nil {
		t.Fatalf("%s: %v", e.Body, err)
	}
	if e.ErrorCode != word || len(body.Codes) != 1 || body.Codes[0] != number || body.Trace == "" {
		t.Fatalf("refused with %s, want %s %d", e.Body, word, number)
	}
}

func asRetrieve(err error, e **oauth2.RetrieveError) bool {
	r, ok := err.(*oauth2.RetrieveError)
	*e = r
	return ok
}
