package outlook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// FIELD-FAILURES 50: a container is found by our mark, never by its name.
func TestFF50_ContainersAreFoundByTheirMark(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		name := map[record.Kind]string{record.Contacts: "displayName", record.Calendar: "name"}[kind]
		list := map[record.Kind]string{record.Contacts: "/me/contactFolders", record.Calendar: "/me/calendars"}[kind]
		r.must(r.actor().Post(list, map[string]any{name: "TANDEM"}))
		link := r.container(kind)
		if link.ContainerName != "Tandem (2)" {
			t.Errorf("%s: called %q beside a stranger", kind, link.ContainerName)
		}
		r.must(r.actor().Patch(r.containerPath(link), map[string]any{name: "Meus"}))
		again := r.container(kind)
		if again.Container != link.Container || again.ContainerName != "Meus" {
			t.Errorf("%s: made %s %q, want the old one", kind, again.Container, again.ContainerName)
		}
		other := *link
		other.User = 99
		id, _, err := r.containers().Create(t.Context(), &other, "Tandem")
		if err != nil || id == link.Container {
			t.Errorf("%s: another link's container: %s, %v", kind, id, err)
		}
		if err := r.containers().Remove(t.Context(), link); err != nil {
			t.Fatal(err)
		}
		if err := r.containers().Remove(t.Context(), link); err != nil {
			t.Errorf("%s: removed twice: %v", kind, err)
		}
		if fresh := r.container(kind); fresh.Container == link.Container {
			t.Errorf("%s: a removed container was adopted", kind)
		}
	}
}

// Whoever asked for a container to go may be asleep inside the request: a sync that begins meanwhile does not settle in it.
func TestS36_ANewSyncWaitsWhileTheContainerBeforeMayStillGo(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link, c := r.container(kind), r.containers()
		next := *link
		next.Container, next.Removing = "", time.Now()
		_, _, err := c.Create(t.Context(), &next, "Tandem")
		if wait := fault.RetryAfter(err); fault.ReasonOf(err) != fault.StillRemoving || !fault.Is(err, fault.Unavailable) || wait <= 2*time.Minute || wait > 3*time.Minute {
			t.Errorf("%s: %v, to be tried again after %s", kind, err, fault.RetryAfter(err))
		}
		c.Now = func() time.Time { return next.Removing.Add(3 * time.Minute) }
		if id, _, err := c.Create(t.Context(), &next, "Tandem"); err != nil || id != link.Container {
			t.Errorf("%s: it has stayed, and is not found: %s, %v", kind, id, err)
		}
		c.Now = time.Now
		if err := c.Remove(t.Context(), link); err != nil {
			t.Fatal(err)
		}
		if id, _, err := c.Create(t.Context(), &next, "Tandem"); err != nil || id == link.Container {
			t.Errorf("%s: it is gone, and no other one is made: %s, %v", kind, id, err)
		}
	}
}

func TestContainerWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		r.sim.Next("POST /me/*", m365sim.DropAfterCommit())
		first := r.container(kind)
		if again := r.container(kind); again.Container != first.Container {
			t.Errorf("%s: two containers", kind)
		}
	}
}

// A listener is a server that Graph can call, which remembers what woke it.
type listener struct {
	*httptest.Server
	mu    sync.Mutex
	woken []reconcile.LinkID
	renew []reconcile.LinkID
	fail  error
}

func listen(t *testing.T) *listener {
	l := &listener{}
	hook := &Hook{
		Seal: NewSeal([]byte("secret")),
		Wake: func(_ context.Context, ids ...reconcile.LinkID) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.fail == nil {
				l.woken = append(l.woken, ids...)
			}
			return l.fail
		},
		Resubscribe: func(_ context.Context, ids ...reconcile.LinkID) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.renew = append(l.renew, ids...)
			return nil
		},
	}
	l.Server = httptest.NewServer(hook)
	t.Cleanup(l.Close)
	return l
}

func (l *listener) wakes() []reconcile.LinkID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.woken)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal(what)
}

func TestFF81_FF82_Subscriptions(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r, l := newRig(t), listen(t)
			link := r.container(kind)
			c := r.containers()
			if id, _, err := c.Subscribe(t.Context(), link); id != "" || err != nil {
				t.Errorf("without an address: %q, %v", id, err)
			}
			c.HookURL = l.URL
			r.sim.SetWarts(m365sim.Warts{MaxSubscription: 4230 * time.Minute}) // the least that any source tells
			id, ends, err := c.Subscribe(t.Context(), link)
			if err != nil || id == "" || time.Until(ends) > 4230*time.Minute || time.Until(ends) < 24*time.Hour {
				t.Fatalf("%q until %s, %v", id, ends, err)
			}
			link.Subscription, link.SubscriptionEnds = id, ends
			r.fill(link, 1)
			eventually(t, "no notification came", func() bool { return slices.Contains(l.wakes(), link.ID) })

			c.Now = func() time.Time { return time.Now().Add(10 * time.Second) }
			again, later, err := c.Subscribe(t.Context(), link)
			if err != nil || again != id || !later.After(ends) {
				t.Errorf("renewed: %q until %s, %v; want %q, later than %s", again, later, err, id, ends)
			}
			r.sim.DropSubscriptions(adele) // FIELD-FAILURES 81: gone without notice
			if again, _, err = c.Subscribe(t.Context(), link); err != nil || again == id || again == "" {
				t.Errorf("after it was lost: %q, %v", again, err)
			}
			link.Subscription = again
			for range 20 { // it comes again and again: one renewal answers all of them
				r.sim.Lifecycle(adele, "reauthorizationRequired")
			}
			if same, _, err := c.Subscribe(t.Context(), link); err != nil || same != again {
				t.Errorf("after it is to be authorized anew: %q, %v; want %q", same, err, again)
			}
			eventually(t, "the lifecycle event was not heard", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return slices.Contains(l.renew, link.ID) })
			for range 2 {
				if err := c.Unsubscribe(t.Context(), link); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestHookRefusals(t *testing.T) {
	t.Parallel()
	l := listen(t)
	ours := NewSeal([]byte("secret")).State(7)
	entry := func(state string) string {
		return fmt.Sprintf(`{"value":[{"clientState":%q,"changeType":"updated"}]}`, state)
	}
	post := func(body string) int {
		resp, err := http.Post(l.URL, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		name, body string
		status     int
		woken      int
	}{
		{"ours", entry(ours), 202, 1},
		{"ours, often in one", `{"value":[` + strings.Repeat(`{"clientState":"`+ours+`"},`, 99) + `{"clientState":"` + ours + `"}]}`, 202, 1},
		{"another key", entry(NewSeal([]byte("other")).State(7)), 202, 0},
		{"another number", entry("8" + ours[1:]), 202, 0},
		{"no state", `{"value":[{}]}`, 202, 0},
		{"nothing", `{"value":[]}`, 202, 0},
		{"no JSON", `<html>`, 400, 0},
		{"an empty body", ``, 400, 0},
		{"too much", `{"value":[` + strings.Repeat(" ", maxHook) + `]}`, 413, 0},
	} {
		before := len(l.wakes())
		if got := post(c.body); got != c.status {
			t.Errorf("%s: %d, want %d", c.name, got, c.status)
		}
		if got := len(l.wakes()) - before; got != c.woken {
			t.Errorf("%s: %d wake-ups, want %d", c.name, got, c.woken)
		}
	}
	l.mu.Lock()
	l.fail = errors.New("the disk is full")
	l.mu.Unlock()
	if got := post(entry(ours)); got != 503 {
		t.Errorf("what could not be stored was answered %d", got)
	}
	if resp, err := http.Get(l.URL); err != nil || resp.StatusCode != 405 {
		t.Errorf("GET: %v, %v", resp.StatusCode, err)
	}
}

// A notification is answered within 100 ms, however long storing takes.
func TestS6_FF86_TheWebhookWaitsForNobody(t *testing.T) {
	t.Parallel()
	seal := NewSeal([]byte("secret"))
	for what, event := range map[string]string{"a change": "", "a lifecycle notice": "reauthorizationRequired"} {
		synctest.Test(t, func(t *testing.T) {
			busy := func(ctx context.Context, _ ...reconcile.LinkID) error { <-ctx.Done(); return ctx.Err() }
			hook := &Hook{Seal: seal, Wake: busy, Resubscribe: busy}
			body := fmt.Sprintf(`{"value":[{"clientState":%q,"lifecycleEvent":%q}]}`, seal.State(7), event)
			w, began := httptest.NewRecorder(), time.Now()
			hook.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/hooks/graph", strings.NewReader(body)))
			if took := time.Since(began); w.Code != 503 || took >= 100*time.Millisecond {
				t.Errorf("%s: %d after %v", what, w.Code, took)
			}
		})
	}
}

// FIELD-FAILURES 78, 80: the token is echoed at once, whatever it is, and is text.
func TestFF78_FF80_Validation(t *testing.T) {
	t.Parallel()
	l := listen(t)
	for _, token := range []string{"Validation: Testing client application reachability for subscription Request-Id: 1", "<script>alert(1)</script>", "é +%&=\n\U0001F600"} {
		resp, err := http.Post(l.URL+"?validationToken="+url.QueryEscape(token), "text/plain; charset=utf-8", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || string(body) != token || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: %d %q %v", token, resp.StatusCode, body, resp.Header)
		}
	}
}

func TestSealIsShortAndOurs(t *testing.T) {
	t.Parallel()
	s := NewSeal([]byte("secret"))
	for _, id := range []reconcile.LinkID{0, 1, 1 << 62} {
		state := s.State(id)
		if got, ok := s.Link(state); !ok || got != id || len(state) > 128 {
			t.Errorf("%d: %q, %d, %v", id, state, got, ok)
		}
		if _, ok := NewSeal([]byte("x")).Link(state); ok {
			t.Error("another key opens it")
		}
	}
}

func FuzzHook(f *testing.F) {
	seal := NewSeal([]byte("secret"))
	f.Add([]byte(`{"value":[{"clientState":"` + seal.State(7) + `","lifecycleEvent":"missed"}]}`))
	f.Add([]byte(`{"value":[{"clientState":null},{"clientState":5}]}`))
	f.Add([]byte(`{"value":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var woken []reconcile.LinkID
		hook := &Hook{Seal: seal, Wake: func(_ context.Context, ids ...reconcile.LinkID) error {
			woken = ids
			return nil
		}}
		w := httptest.NewRecorder()
		hook.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/hooks/graph", bytes.NewReader(body)))
		if w.Code != 202 && w.Code != 400 && w.Code != 413 {
			t.Fatalf("%d", w.Code)
		}
		for _, id := range woken {
			if !bytes.Contains(body, []byte(fmt.Sprint(int64(id)))) && json.Valid(body) && !bytes.Contains(body, []byte(`\u`)) {
				t.Fatalf("woke %d, which %q does not name", id, body)
			}
		}
	})
}

func FuzzDeltaPage(f *testing.F) {
	f.Add([]byte(`{"value":[{"id":"a","@odata.etag":"W/\"1\"","givenName":"Ana","emailAddresses":[null,{}],"businessAddress":null,"birthday":null,"categories":null},{"id":"b","@removed":{"reason":"deleted"}}],"@odata.deltaLink":"x"}`))
	f.Add([]byte(`{"@odata.nextLink":"https://graph.microsoft.com/v1.0/x","value":[{}]}`))
	f.Add([]byte(`{"value":[{"id":"e","start":null,"end":{"dateTime":"0001-01-01T00:00:00","timeZone":"x"},"isAllDay":true,"recurrence":{"pattern":null}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, e := &Contacts{}, &Events{}
		_, err := graph.ReadPage(body, func(it *graph.Contact) error { _ = c.change(it); return nil })
		if err != nil && !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		_, err = graph.ReadPage(body, func(it *graph.Event) error {
			change := e.change(it)
			if _, err := eventBody(it, change.Fields); err != nil && fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return nil
		})
		if err != nil && !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
	})
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	me, err := Me(t.Context(), r.box)
	if err != nil || me.ID != r.box.ID() || me.Mail != adele || me.DisplayName == "" {
		t.Errorf("%+v, %v", me, err)
	}
	if whoever, err := Me(t.Context(), r.client.For(graph.Static(r.sim.IssueToken(adele)), "")); err != nil || whoever.ID != me.ID {
		t.Errorf("%+v, %v", whoever, err)
	}
	if name, err := Zone(t.Context(), r.box); err != nil || name == "" {
		t.Errorf("zone %q, %v", name, err)
	}
	roles, err := Roles(t.Context(), r.mailbox("admin@contoso.example"))
	if err != nil || !slices.Contains(roles, "62e90394-69f5-4237-9190-012177145e10") {
		t.Errorf("roles %v, %v", roles, err)
	}
	if o, err := Tenant(t.Context(), r.box); err != nil || o.ID == "" {
		t.Errorf("tenant %+v, %v", o, err)
	}
	for _, kind := range kinds {
		if err := Reachable(t.Context(), r.box, kind); err != nil {
			t.Error(err)
		}
		if err := Reachable(t.Context(), r.mailbox("nomailbox@contoso.example"), kind); fault.ReasonOf(err) != fault.MailboxUnavailable {
			t.Errorf("without a mailbox: %v", err)
		}
		no := r.client.For(graph.Static(r.sim.IssueToken(adele, "User.Read")), me.ID)
		if err := Reachable(t.Context(), no, kind); fault.ReasonOf(err) != fault.ConsentRequired {
			t.Errorf("without permission: %v", err)
		}
	}
}
