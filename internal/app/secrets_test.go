package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/app"
	"tandem/internal/m365sim"
	"tandem/internal/record"
)

// recorder keeps all that was written to a log.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// TestSecretsAreNowhereToBeRead goes the ways of people and of their failures with secrets that are known, and then looks for them
// in the log at its most talkative, in every answer that was given, and in the files of the database.
func TestSecretsAreNowhereToBeRead(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	log := &recorder{}
	dir := t.TempDir()
	d, stop := startDemoWith(t, "sqlite:"+filepath.Join(dir, "tandem.db"), slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			stop()
		}
	})
	_, clientSecret := app.DemoCredentials()
	const right, wrong = "canary-correct-horse-battery", "canary-wrong-staple-guess"
	secrets := map[string]string{
		"the secret key": "a key for tests, of forty characters or so", "the client secret": clientSecret.Reveal(),
		"a password": right, "a password that was refused": wrong, "a token of nobody's": "canary-forged-token",
		"a forged client state": "canary-forged-state", "a forged code": "canary-forged-code",
	}
	var answers strings.Builder // all that was answered, with its headers but cookies

	// Adele lets Tandem in, by both kinds of sync and by the API.
	adele := d.client("adele")
	secrets["a token of the API"] = adele.token
	adele.switchOn("contacts")
	adele.switchOn("calendar")
	adele.insert("Contacts", doc{"Last_Name": "Silva", "Email": "silva@northwind.example"})
	adele.settled("contacts")

	// She has a password and signs in with it, after a wrong one.
	registry := account.NewRegistry(d.app.Store.Accounts(), time.Now)
	if err := registry.SetPassword(ctx, adele.user(), "", right, "", ""); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	home, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: time.Minute}
	ask := func(method, path, kind, body string, headers ...string) int {
		t.Helper()
		req, err := http.NewRequest(method, d.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		res.Header.Del("Set-Cookie")
		fmt.Fprintln(&answers, res.Status, res.Header, string(text))
		return res.StatusCode
	}
	const form, jsonType = "application/x-www-form-urlencoded", "application/json"
	signIn := func(password string) int {
		return ask("POST", "/signin/password", form, url.Values{"email": {"adele@contoso.example"}, "password": {password}}.Encode())
	}
	if status := signIn(wrong); status != http.StatusForbidden && status != http.StatusUnprocessableEntity && status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", status)
	}
	if status := signIn(right); status != http.StatusOK {
		t.Errorf("the password: %d", status)
	}
	for _, c := range jar.Cookies(home) {
		secrets["the cookie "+c.Name] = c.Value
	}

	// Everything that can be looked at, and what strangers try.
	for _, path := range []string{"/", "/contacts", "/calendar", "/status", "/setup", "/setup/preferences", "/setup/account", "/setup/marketplace/microsoft", "/nowhere", "/metrics", "/readyz"} {
		ask("GET", path, "", "")
	}
	ask("GET", "/auth/microsoft/callback?state=x&code=canary-forged-code", "", "")
	ask("POST", "/hooks/graph", jsonType, `{"value":[{"clientState":"canary-forged-state"}]}`)
	ask("POST", "/hooks/graph", jsonType, `{"value":[{"clientState":"canary-forged-state"`)
	ask("GET", "/crm/v8/Contacts?fields=id", "", "", "Authorization", "Bearer canary-forged-token")
	ask("POST", "/crm/v8/Contacts", jsonType, `{"data":[{`, "Authorization", "Bearer "+adele.token)
	ask("GET", "/crm/v8/Contacts/search?criteria=((broken", "", "", "Authorization", "Bearer "+adele.token)

	// Lines that are not ours do not get into the log.
	ask("GET", "/contacts/%0Atime=2026-01-01T00:00:00Z%20level=ERROR%20msg=forged?q=%0D%0Alevel=ERROR", "", "", "User-Agent", "x\tlevel=ERROR msg=forged", "Accept-Language", "forged")
	ask("POST", "/signin/password", form, url.Values{"email": {"adele@contoso.example\ntime=2026 level=ERROR msg=forged"}, "password": {wrong}}.Encode())

	// Microsoft answers badly, and then ends the consent.
	user := adele.user()
	grant, err := d.app.Store.Accounts().Grant(ctx, user.Org, user.ID)
	if err != nil {
		t.Fatal(err)
	}
	secrets["an access token"], secrets["a refresh token"] = grant.Access.Reveal(), grant.Refresh.Reveal()
	for _, do := range []string{"500", "html", "401", "cut", "drop", "403"} {
		if err := d.m365.AddFault(m365sim.Fault{Match: "* /*", Do: do}); err != nil {
			t.Fatal(err)
		}
		d.run(t, adele)
	}
	d.m365.Revoke("adele@contoso.example")
	if err := d.m365.AddFault(m365sim.Fault{Match: "part * /*", Do: "401"}); err != nil {
		t.Fatal(err)
	}
	d.run(t, adele)
	d.m365.ClearFaults()
	for _, path := range []string{"/status", "/setup/marketplace/microsoft", "/setup/marketplace/microsoft/contacts/records", "/setup/marketplace/microsoft/calendar/records"} {
		ask("GET", path, "", "")
	}
	answers.WriteString(adele.text("GET", "/api/v1/links", nil, 200))
	if grant, err = d.app.Store.Accounts().Grant(ctx, user.Org, user.ID); err == nil && grant.Refresh != "" {
		secrets["the last access token"], secrets["the last refresh token"] = grant.Access.Reveal(), grant.Refresh.Reveal()
	}
	stopped = true
	stop()

	files, err := filepath.Glob(filepath.Join(dir, "tandem.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	places := map[string]string{"the log": log.String(), "the answers": answers.String()}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		places[filepath.Base(file)] = string(raw)
	}
	for what, secret := range secrets {
		if len(secret) < 12 {
			t.Fatalf("%s is too short to be looked for: %q", what, secret)
		}
		for where, text := range places {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s stands in %s: …%.200q", what, where, text[max(0, at-100):])
			}
		}
	}
	for _, personal := range []string{"adele@contoso.example", "silva@northwind.example", "Adele", "Silva"} {
		if at := strings.Index(log.String(), personal); at >= 0 {
			t.Errorf("the log names %s: …%.300q", personal, log.String()[max(0, at-200):])
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "time=20") || strings.Contains(line, " msg=forged") {
			t.Errorf("a line of the log that nobody wrote: %.300s", line)
		}
	}
	for what, want := range map[string]string{
		"a sign-in": `msg="web: signed in"`, "a refusal": `msg="web: not signed in with a password"`, "forged notifications": "notifications that are not for us",
		"a forged token": `msg="an API request was not permitted"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log of %d lines says nothing of %s", len(lines), what)
		}
	}
}

// run lets both links of a person run once, whatever becomes of it.
func (d *demo) run(t *testing.T, c *client) {
	t.Helper()
	user := c.user()
	links, err := d.app.Store.Links().LinksOf(context.Background(), user.Org, user.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if l.Kind == record.Contacts || l.Kind == record.Calendar {
			if err := d.app.Runner.Run(context.Background(), l.ID); err != nil {
				t.Logf("link %d: %v", l.ID, err)
			}
		}
	}
}

// TestEveryAnswerHasItsHeaders: also what no browser is meant to look at tells one to make nothing of it.
func TestEveryAnswerHasItsHeaders(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for _, request := range []string{
		"GET /healthz", "GET /readyz", "GET /metrics", "GET /hooks/graph", "POST /hooks/graph", "POST /hooks/graph?validationToken=x", "GET /crm/v8/Contacts", "GET /crm/nothing",
		"GET /api/v1/links", "GET /signin", "GET /static/nothing.js", "GET /nothing", "TRACE /signin", "OPTIONS /crm/v8/Contacts", "PUT /healthz",
	} {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequest(method, d.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://evil.example")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "-", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := res.Header.Get(name); !strings.Contains(got, want) || strings.Contains(got, "unsafe") {
				t.Errorf("%s: %s is %q", request, name, got)
			}
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read by other sites", request)
		}
		if len(text) > 0 && res.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %q has no type", request, text)
		}
		if method == "TRACE" && (res.StatusCode < 400 || strings.Contains(string(text), "evil.example")) {
			t.Errorf("TRACE is answered: %d %s", res.StatusCode, text)
		}
	}
}

// TestWhatOperatorsWatchIsNotForStrangers: a request that came through a proxy gets no numbers.
func TestWhatOperatorsWatchIsNotForStrangers(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for header, want := range map[string]int{"": 200, "X-Forwarded-For": 404, "Forwarded": 404, "X-Real-Ip": 404, "X-Forwarded-Proto": 404} {
		req, err := http.NewRequest("GET", d.url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			req.Header.Set(header, "203.0.113.7")
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want || strings.Contains(string(text), "tandem_audits_total") != (want == 200) {
			t.Errorf("with %q: %d", header, res.StatusCode)
		}
	}
}
