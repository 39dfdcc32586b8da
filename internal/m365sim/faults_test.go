package m365sim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (b *bench) control(method, path, body string) (int, []byte) {
	b.t.Helper()
	req, _ := http.NewRequest(method, b.url+path, strings.NewReader(body))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, raw
}

// try sends a request that may fail on the way.
func (b *bench) try(ctx context.Context, method, path, body string) error {
	req, _ := http.NewRequestWithContext(ctx, method, b.url+"/v1.0"+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+b.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

func TestFaultStatuses(t *testing.T) {
	b := newBench(t)
	for status, code := range map[string]string{
		"400": "ErrorInvalidRequest", "401": "InvalidAuthenticationToken", "403": "ErrorAccessDenied", "404": "ErrorItemNotFound", "409": "ConcurrentItemSave",
		"410": "SyncStateNotFound", "412": "ErrorIrresolvableConflict", "429": "ApplicationThrottled", "500": "generalException", "502": "UnknownError",
		"503": "ErrorServerBusy", "504": "UnknownError", "507": "ErrorQuotaExceeded",
	} {
		if got, raw := b.control("POST", "/sim/faults", `{"match":"GET /v1.0/me/calendars","do":"`+status+`"}`); got != 200 {
			t.Fatalf("order %s: %s", status, raw)
		}
		if a := b.do("GET", "/me/calendars"); a.code() != code || http.StatusText(a.status) == "" || a.status/100 != int(status[0]-'0') {
			t.Errorf("%s: %d %s", status, a.status, a.raw)
		}
		b.want(b.do("GET", "/me/calendars"), 200) // once was ordered
	}
}

func TestFaultMatching(t *testing.T) {
	b := newBench(t)
	b.sim.Next("GET /me/contactFolders/*", Throttle(3*time.Second).Repeat(2), Fail(404).As("MailboxNotEnabledForRESTAPI"))
	b.want(b.do("GET", "/me/contactFolders"), 200)
	b.want(b.do("POST", "/me/contactFolders", `{"displayName":"CRM"}`), 201)
	for range 2 {
		if a := b.want(b.do("GET", "/me/contactFolders/delta"), 429, "ApplicationThrottled"); a.header.Get("Retry-After") != "3" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
	}
	b.want(b.do("GET", "/users/"+b.sim.Person(adele).ID+"/contactFolders/delta"), 404, "MailboxNotEnabledForRESTAPI") // /users/{id} is met by /me
	b.want(b.do("GET", "/me/contactFolders/delta"), 200)

	// The parts of a batch are another matter than the batch.
	b.sim.Next("part GET /me/calendars/*", Throttle(0))
	b.sim.Next("POST /v1.0/$batch", Fail(503))
	batch := parts(get("1", "/me/calendar"), get("2", "/me/calendars/x"), get("3", "/me/calendars"))
	b.want(b.do("POST", "/$batch", batch), 503)
	a := b.want(b.do("POST", "/$batch", batch), 200)
	if got := a.statuses(); got["1"] != 200 || got["2"] != 429 || got["3"] != 200 || at(a.part("2"), "headers/Retry-After") != nil {
		t.Errorf("parts: %s", a.raw)
	}
	b.sim.Next("* /*", Fail(500).Repeat(-1))
	for range 3 {
		b.want(b.do("GET", "/me"), 500)
	}
	if _, raw := b.control("GET", "/sim/faults", ""); !strings.Contains(string(raw), `"do":"500"`) {
		t.Errorf("list: %s", raw)
	}
	b.control("DELETE", "/sim/faults", "")
	b.want(b.do("GET", "/me"), 200)
	for _, bad := range []string{`{"match":"GET /x","do":"dance"}`, `{"match":"everything","do":"500"}`, `{"do":"revoke","user":"nobody@x"}`, `{`} {
		if status, _ := b.control("POST", "/sim/faults", bad); status != 400 {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestFaultConnections(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	count := func() int {
		_, doc := b.sim.As(adele).Get("/me/contacts?$count=true")
		return int(doc["@odata.count"].(float64))
	}
	for _, row := range []struct {
		name  string
		fault Fault
		match string
		body  string
		path  string
		made  int
	}{
		{"drop", Drop(), "POST /me/contacts", `{}`, "/me/contacts", 0},
		{"drop after commit", DropAfterCommit(), "POST /me/contacts", `{}`, "/me/contacts", 1},
		{"cut", Cut(), "POST /me/contacts", `{}`, "/me/contacts", 1},
		{"part dropped", Drop(), "part POST /me/contacts", parts(post("1", "/me/contacts", "{}"), get("2", "/me")), "/$batch", 0},
		{"part dropped after commit", DropAfterCommit(), "part POST /me/contacts", parts(post("1", "/me/contacts", "{}"), post("2", "/me/contacts", "{}")), "/$batch", 2},
		{"batch dropped after commit", DropAfterCommit(), "POST /v1.0/$batch", parts(post("1", "/me/contacts", "{}"), post("2", "/me/contacts", "{}")), "/$batch", 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := *b
			b.t = t
			b.sim.Next(row.match, row.fault)
			before := count()
			if err := b.try(ctx, "POST", row.path, row.body); err == nil {
				t.Error("an answer came")
			}
			if made := count() - before; made != row.made {
				t.Errorf("%d contacts were made, want %d", made, row.made)
			}
		})
	}
	for match, ask := range map[string]func() int{
		"POST /me/contacts": func() int { return b.do("POST", "/me/contacts", `{}`).status },
		"part POST /me/contacts": func() int {
			return b.do("POST", "/$batch", parts(post("1", "/me/contacts", "{}"))).statuses()["1"]
		},
	} {
		before := count()
		b.sim.Next(match, FailLate(503))
		if status := ask(); status != 503 || count() != before+1 {
			t.Errorf("%s, a refusal after the deed: %d, %d contacts more", match, status, count()-before)
		}
	}
	if err := b.sim.AddFault(Fault{Match: "* /me", Do: "drop", Late: true}); err == nil {
		t.Error("something other than a status may come late")
	}

	b.sim.Latency(time.Millisecond) // the parts run in goroutines of their own
	b.sim.Next("part GET /me", Drop())
	if err := b.try(ctx, "POST", "/$batch", parts(get("1", "/me"), get("2", "/me/calendar"))); err == nil {
		t.Error("an answer came")
	}
	b.sim.Latency(0)

	b.sim.Next("GET /me", Hang())
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := b.try(short, "GET", "/me", ""); err == nil || short.Err() == nil {
		t.Errorf("a hanging request answered: %v", err)
	}
	b.sim.Next("GET /me", Hang())
	done := make(chan error)
	go func() { done <- b.try(ctx, "GET", "/me", "") }()
	for len(b.sim.Faults()) > 0 {
		time.Sleep(time.Millisecond)
	}
	b.sim.ClearFaults()
	if err := <-done; err == nil {
		t.Error("what was let go answered")
	}

	b.sim.Next("GET /me", Slow(60*time.Millisecond), HTML(200))
	from := time.Now()
	b.want(b.do("GET", "/me"), 200)
	if time.Since(from) < 50*time.Millisecond {
		t.Error("slow was fast")
	}
	if a := b.outside().do("GET", "/me"); !strings.Contains(string(a.raw), "<html>") || a.status != 200 {
		t.Errorf("html: %s", a.raw)
	}
}

func TestFaultRevoke(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t)
	b.must("/subscriptions", b.subscription("me/contacts", r.URL, ""))
	alex := b.as(b.sim.IssueToken("alex@contoso.example"))
	b.control("POST", "/sim/faults", `{"do":"revoke","user":"adele@contoso.example"}`)
	b.want(b.do("GET", "/me"), 401, "InvalidAuthenticationToken")
	alex.want(alex.do("GET", "/me"), 200)
	b = b.as(b.sim.IssueToken(adele))
	if list := b.want(b.do("GET", "/subscriptions"), 200).list(); len(list) != 0 {
		t.Error("the subscription outlived the revocation")
	}
}

func TestControls(t *testing.T) {
	b := newBench(t)
	b.must("/me/contacts", `{"givenName":"Ana"}`)
	b.must("/me/events", event("x", "2026-03-10T10:00:00", attendees("a@b.c")))
	b.want(b.outside().do("GET", "/me/shoes"), 501, "NotImplemented")
	var requests Requests
	_, raw := b.control("GET", "/sim/requests", "")
	if err := json.Unmarshal(raw, &requests); err != nil || requests.RoundTrips != 3 || requests.Unknown != 1 || requests.Mailboxes[adele]["POST /me/contacts"] != 1 {
		t.Errorf("requests: %s", raw)
	}
	if _, raw := b.control("GET", "/sim/mails", ""); !strings.Contains(string(raw), `"kind":"invitation"`) {
		t.Errorf("mails: %s", raw)
	}
	b.control("POST", "/sim/outbox", `{"from":"crm@contoso.example","to":["a@b.c"],"subject":"You are invited"}`)
	if _, raw := b.control("GET", "/sim/outbox", ""); !strings.Contains(string(raw), "You are invited") {
		t.Errorf("outbox: %s", raw)
	}
	b.control("POST", "/sim/latency", `{"ms":30}`)
	from := time.Now()
	b.want(b.do("GET", "/me"), 200)
	if time.Since(from) < 30*time.Millisecond {
		t.Error("no latency")
	}
	if _, raw := b.control("POST", "/sim/warts", `{"rejectOverConcurrency":true}`); !strings.Contains(string(raw), `"rejectOverConcurrency":true`) {
		t.Errorf("warts: %s", raw)
	}
	b.sim.Next("GET /me", Fail(500))
	ticks, cancel := b.sim.Watch(adele)
	defer cancel()
	b.control("POST", "/sim/reset", "")
	<-ticks
	b.want(b.do("GET", "/me"), 200) // no fault any more, and the token is good
	if list := b.do("GET", "/me/contacts").list(); len(list) != 0 || len(b.sim.Mails()) != 0 || len(b.sim.Outbox()) != 0 || b.sim.Warts().RejectOverConcurrency {
		t.Error("the reset left something")
	}
	b.must("/me/contacts", `{"givenName":"Ana"}`)
	select {
	case <-ticks:
	case <-time.After(time.Minute):
		t.Error("who watched before the reset sees nothing after it")
	}
	b.control("POST", "/sim/reset", `{"tokens":true}`)
	b.want(b.do("GET", "/me"), 401)
}
