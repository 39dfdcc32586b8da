package m365sim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A receiver is a webhook: it echoes validation tokens and keeps what it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	posts  []map[string]any
	refuse int // answers 503 this often
	got    chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{got: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if token := req.URL.Query().Get("validationToken"); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, token)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.refuse > 0 {
			r.refuse--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var doc map[string]any
		_ = json.NewDecoder(req.Body).Decode(&doc)
		r.posts = append(r.posts, doc)
		w.WriteHeader(http.StatusAccepted)
		r.got <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

// values waits until n notifications have come and returns all so far.
func (r *receiver) values(t *testing.T, n int) []map[string]any {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		r.mu.Lock()
		var all []map[string]any
		for _, p := range r.posts {
			for _, v := range p["value"].([]any) {
				all = append(all, v.(map[string]any))
			}
		}
		r.mu.Unlock()
		if len(all) >= n {
			return all
		}
		select {
		case <-r.got:
		case <-limit:
			t.Fatalf("%d notifications came, want %d", len(all), n)
		}
	}
}

func (b *bench) subscription(resource, url, more string) string {
	return `{"changeType":"created,updated,deleted","notificationUrl":"` + url + `","resource":"` + resource + `","expirationDateTime":"` +
		b.clock.Now().Add(time.Hour).Format(time.RFC3339) + `","clientState":"secret"` + more + `}`
}

func TestSubscriptionToCalendar(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t)
	calendar := b.must("/me/calendars", `{"name":"CRM"}`)
	oid := b.sim.Person(adele).ID
	made := b.want(b.do("POST", "/subscriptions", b.subscription("/users/"+oid+"/calendars/"+calendar+"/events", r.URL, ""), "Prefer", `IdType="ImmutableId"`), 201)
	if made.text("clientState") != "secret" || made.text("id") == "" {
		t.Errorf("made: %s", made.raw)
	}
	event1 := b.want(b.do("POST", "/me/calendars/"+calendar+"/events", event("x", "2026-03-10T10:00:00", ""), "Prefer", `IdType="ImmutableId"`), 201)
	b.must("/me/events", event("in the default calendar", "2026-03-10T10:00:00", ""))
	b.must("/me/contacts", `{"givenName":"Ana"}`)
	first := r.values(t, 1)[0]
	for path, want := range map[string]string{
		"subscriptionId": made.id(), "clientState": "secret", "changeType": "created", "tenantId": b.sim.Person(adele).TenantID,
		"resource": "Users/" + oid + "/Events/" + event1.id(), "resourceData/id": event1.id(), "resourceData/@odata.type": "#Microsoft.Graph.Event",
		"resourceData/@odata.etag": event1.text("@odata.etag"),
	} {
		if got := at(first, path); got != want {
			t.Errorf("%s = %v, want %s", path, got, want)
		}
	}
	b.want(b.do("PATCH", "/me/events/"+event1.id(), `{"subject":"y"}`), 200)
	b.want(b.do("DELETE", "/me/events/"+event1.id()), 204)
	all := r.values(t, 3)
	if len(all) != 3 || all[1]["changeType"] != "updated" || all[2]["changeType"] != "deleted" || at(all[2], "resourceData/id") != event1.id() {
		t.Errorf("told: %v", all)
	}
}

// A burst travels in few requests, and is repeated until it was taken.
func TestSubscriptionBurstAndRetry(t *testing.T) {
	b := newBench(t, func(o *Options) { o.NotifyDelay = 20 * time.Millisecond })
	r := newReceiver(t)
	folder := b.must("/me/contactFolders", `{"displayName":"CRM"}`)
	b.want(b.do("POST", "/subscriptions", b.subscription("me/contactFolders/"+folder+"/contacts", r.URL, "")), 201)
	r.mu.Lock() // it answers nobody until all is said, however long that takes
	r.refuse = 2
	for range 20 {
		b.sim.As(adele).Post("/me/contactFolders/"+folder+"/contacts", `{"givenName":"Ana"}`)
	}
	r.mu.Unlock()
	all := r.values(t, 20)
	if len(all) != 20 {
		t.Errorf("%d notifications, want 20", len(all))
	}
	r.mu.Lock()
	posts := len(r.posts)
	r.mu.Unlock()
	if posts > 3 {
		t.Errorf("20 changes took %d requests", posts)
	}
	for deadline := time.Now().Add(time.Minute); b.sim.Deliveries().Values < 20 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if d := b.sim.Deliveries(); d.Failed != 2 || d.Values != 20 {
		t.Errorf("deliveries %+v", d)
	}
}

func TestSubscriptionValidation(t *testing.T) {
	b := newBench(t)
	answer := func(do http.HandlerFunc) string {
		s := httptest.NewServer(do)
		t.Cleanup(s.Close)
		return s.URL
	}
	token := func(r *http.Request) string { return r.URL.Query().Get("validationToken") }
	for name, url := range map[string]string{
		"silence": answer(func(http.ResponseWriter, *http.Request) {}),
		"html": answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, token(r))
		}),
		"quoted": answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, `"`+token(r)+`"`)
		}),
		"202": answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(202)
			_, _ = io.WriteString(w, token(r))
		}),
		"nobody there": "http://127.0.0.1:1/hook",
		"no address":   "hook",
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.t = t
			b.want(b.do("POST", "/subscriptions", b.subscription("me/events", url, "")), 400, "ValidationError")
		})
	}
	if list := b.do("GET", "/subscriptions").list(); len(list) != 0 {
		t.Errorf("refused subscriptions are listed: %v", list)
	}
}

func TestSubscriptionRefusals(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t)
	other := b.sim.Person("alex@contoso.example").ID
	for _, row := range []struct {
		name, resource, more string
		status               int
	}{
		{"another mailbox", "users/" + other + "/events", "", 403},
		{"one event", "me/events/AAA", "", 400},
		{"the list of calendars", "me/calendars", "", 400},
		{"unknown calendar", "me/calendars/nonsense/events", "", 400},
		{"users", "users", "", 501},
		{"too long a secret", "me/events", `,"clientState":"` + strings.Repeat("x", 129) + `"`, 400},
		{"with data", "me/events", `,"includeResourceData":true`, 501},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := *b
			b.t = t
			body := b.subscription(row.resource, r.URL, "")
			if row.more != "" {
				body = strings.Replace(strings.TrimSuffix(body, "}"), `,"clientState":"secret"`, "", 1) + row.more + "}"
			}
			b.want(b.do("POST", "/subscriptions", body), row.status)
		})
	}
	far := strings.Replace(b.subscription("me/events", r.URL, ""), "2026-03-02", "2026-04-02", 1)
	b.want(b.do("POST", "/subscriptions", far), 400, "ExtensionError")
	b.want(b.outside().do("POST", "/subscriptions", `{"changeType":"created","notificationUrl":"`+r.URL+`","resource":"me/events"}`), 400)
	contacts := b.as(b.sim.IssueToken(adele, "Contacts.ReadWrite"))
	contacts.want(contacts.do("POST", "/subscriptions", b.subscription("me/events", r.URL, "")), 403)
	contacts.want(contacts.do("POST", "/subscriptions", b.subscription("me/contacts", r.URL, "")), 201)
}

func TestSubscriptionLife(t *testing.T) {
	b := newBench(t)
	r := newReceiver(t)
	id := b.must("/subscriptions", b.subscription("me/contacts", r.URL, `,"lifecycleNotificationUrl":"`+r.URL+`"`))
	path := "/subscriptions/" + id
	if list := b.want(b.do("GET", "/subscriptions"), 200).list(); len(list) != 1 || list[0]["id"] != id {
		t.Errorf("list: %v", list)
	}
	stranger := b.as(b.sim.IssueToken("alex@contoso.example"))
	stranger.want(stranger.do("GET", path), 404)
	soon := b.clock.Now().Add(time.Minute)
	raised := b.want(b.do("PATCH", path, `{"expirationDateTime":"`+soon.Format(time.RFC3339)+`"}`), 200)
	if at, err := time.Parse(time.RFC3339, raised.text("expirationDateTime")); err != nil || at.Sub(soon) < 40*time.Minute {
		t.Errorf("a life under 45 minutes is raised: %s", raised.raw)
	}

	if n := b.sim.Lifecycle(adele, "reauthorizationRequired"); n != 1 {
		t.Errorf("%d subscriptions concerned", n)
	}
	if v := r.values(t, 1)[0]; v["lifecycleEvent"] != "reauthorizationRequired" || v["subscriptionId"] != id || v["resourceData"] != nil {
		t.Errorf("told: %v", v)
	}
	b.must("/me/contacts", `{"givenName":"while paused"}`)
	b.want(b.do("POST", path+"/reauthorize"), 204)
	if v := r.values(t, 2)[1]; v["changeType"] != "created" {
		t.Errorf("told after the pause: %v", v)
	}
	b.sim.Lifecycle(adele, "subscriptionRemoved")
	if v := r.values(t, 3)[2]; v["lifecycleEvent"] != "subscriptionRemoved" {
		t.Errorf("told: %v", v)
	}
	b.want(b.do("GET", path), 404)

	id = b.must("/subscriptions", b.subscription("me/contacts", r.URL, ""))
	b.want(b.do("DELETE", "/subscriptions/"+id), 204)
	b.want(b.do("DELETE", "/subscriptions/"+id), 404)
	id = b.must("/subscriptions", b.subscription("me/contacts", r.URL, ""))
	b.clock.Add(2 * time.Hour)
	b = b.as(b.sim.IssueToken(adele))
	b.want(b.do("GET", "/subscriptions/"+id), 404)
	b.must("/me/contacts", `{"givenName":"nobody listens"}`)
	if n := len(r.values(t, 3)); n != 3 {
		t.Errorf("%d notifications after the end", n)
	}
}
