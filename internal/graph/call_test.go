package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/fault"
)

func TestEveryCallAsksForImmutableIDs(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r request) {
		if strings.HasSuffix(r.URL.Path, "$batch") {
			batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
				if p.Headers["Prefer"] != `IdType="ImmutableId", odata.maxpagesize=5` {
					t.Errorf("part asks %q", p.Headers["Prefer"])
				}
				return 200, `{}`, nil
			})
			return
		}
		if r.Header.Get("Prefer") != `IdType="ImmutableId"` {
			t.Errorf("call asks %q", r.Header.Get("Prefer"))
		}
		if len(r.Header.Get("client-request-id")) != 36 || r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("headers %v", r.Header)
		}
		reply(w, 200, `{}`)
	})
	box := f.box()
	if _, err := box.Do(t.Context(), Get(box.Path("calendars", "a/b="), "")); err != nil {
		t.Error(err)
	}
	if got := f.requests()[0].URL.EscapedPath(); got != "/v1.0/users/a-1/calendars/a%2Fb=" {
		t.Errorf("path %s", got)
	}
	if _, err := box.Batch(t.Context(), []Part{Get("/x", "odata.maxpagesize=5")}); err != nil {
		t.Error(err)
	}
}

// A refusal means what §1.1 of the fact sheet says.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		kind   fault.Kind
		reason fault.Reason
	}{
		{400, "ErrorInvalidRequest", fault.Invalid, fault.Refused},
		{400, "ErrorDuplicateTransactionId", fault.Conflict, fault.Duplicate},
		{409, "errorduplicatetransactionid", fault.Conflict, fault.Duplicate},
		{409, "ErrorFolderExists", fault.Conflict, fault.Duplicate},
		{403, "ErrorAccessDenied", fault.Denied, fault.ConsentRequired},
		{404, "ErrorItemNotFound", fault.NotFound, ""},
		{404, "MailboxNotEnabledForRESTAPI", fault.Denied, fault.MailboxUnavailable},
		{404, "ResourceNotFound", fault.Denied, fault.MailboxUnavailable},
		{404, "SomethingElse", fault.Unavailable, ""},
		{410, "SyncStateNotFound", fault.Gone, fault.CursorExpired},
		{400, "SyncStateNotFound", fault.Gone, fault.CursorExpired},
		{412, "ErrorIrresolvableConflict", fault.Conflict, ""},
		{507, "ErrorQuotaExceeded", fault.Denied, fault.MailboxFull},
		{413, "", fault.Invalid, fault.TooLong},
		{501, "NotImplemented", fault.Unavailable, fault.OutcomeUnknown},
	} {
		f := newFake(t, func(w http.ResponseWriter, _ request) { reply(w, c.status, refuse(c.code, "why")) })
		_, err := f.box().Do(t.Context(), Part{Method: "POST", Path: "/x", Body: []byte("{}")})
		if fault.KindOf(err) != c.kind || fault.ReasonOf(err) != c.reason {
			t.Errorf("%d %s: %v, %q; want %v, %q", c.status, c.code, fault.KindOf(err), fault.ReasonOf(err), c.kind, c.reason)
		}
		var e *Error
		if !errors.As(err, &e) || e.Message != "why" {
			t.Errorf("%d %s: Graph's words are lost: %v", c.status, c.code, err)
		}
	}
}

func TestInnermostKnownCodeCounts(t *testing.T) {
	t.Parallel()
	body := `{"error":{"code":"","message":"m","innererror":{"code":"UnknownThing","innererror":{"code":"ErrorItemNotFound"}}}}`
	if err := refusal(404, 0, []byte(body)); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	body = `{"error":{"code":"ErrorDuplicateTransactionId","message":"m","@event.existingEventId":"E1"}}`
	var e *Error
	if err := refusal(400, 0, []byte(body)); !errors.As(err, &e) || e.ExistingEvent != "E1" {
		t.Errorf("%+v", e)
	}
}

// Reads are tried again, writes only if nobody looked at them.
func TestRetries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		part   Part
		answer func(w http.ResponseWriter)
		tries  int
		kind   fault.Kind
		reason fault.Reason
	}{
		{"a read, 503", Get("/x", ""), func(w http.ResponseWriter) { reply(w, 503, refuse("E", "")) }, 5, fault.Unavailable, ""},
		{"a read, 504", Get("/x", ""), func(w http.ResponseWriter) { reply(w, 504, "") }, 5, fault.Unavailable, ""},
		{"a read, cut", Get("/x", ""), func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 5, fault.Unavailable, ""},
		{"a read, HTML", Get("/x", ""), func(w http.ResponseWriter) { reply(w, 200, "<html>") }, 5, fault.Unavailable, ""},
		{"a read, 412", Get("/x", ""), func(w http.ResponseWriter) { reply(w, 412, refuse("ErrorIrresolvableConflict", "")) }, 5, fault.Conflict, ""},
		{"a read, 404", Get("/x", ""), func(w http.ResponseWriter) { reply(w, 404, refuse("ErrorItemNotFound", "")) }, 1, fault.NotFound, ""},
		{"a write, 503", Part{Method: "POST", Path: "/x"}, func(w http.ResponseWriter) { reply(w, 503, "") }, 1, fault.Unavailable, fault.OutcomeUnknown},
		{"a write, cut", Part{Method: "POST", Path: "/x"}, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 1, fault.Unavailable, fault.OutcomeUnknown},
		{"a write, HTML", Part{Method: "POST", Path: "/x"}, func(w http.ResponseWriter) { reply(w, 200, "<html>") }, 1, fault.Unavailable, fault.OutcomeUnknown},
		{"a write, 429", Part{Method: "POST", Path: "/x"}, func(w http.ResponseWriter) { reply(w, 429, "") }, 5, fault.Throttled, ""},
		{"a write, saved at once", Part{Method: "PATCH", Path: "/x"}, func(w http.ResponseWriter) { reply(w, 409, refuse("ConcurrentItemSave", "")) }, 5, fault.Conflict, ""},
		{"a repeatable write, 503", Part{Method: "PATCH", Path: "/x", Repeatable: true}, func(w http.ResponseWriter) { reply(w, 503, "") }, 5, fault.Unavailable, fault.OutcomeUnknown},
		{"a repeatable write, cut", Part{Method: "PATCH", Path: "/x", Repeatable: true}, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 5, fault.Unavailable, fault.OutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(w http.ResponseWriter, _ request) { c.answer(w) })
			_, err := f.box().Do(t.Context(), c.part)
			if got := len(f.requests()); got != c.tries {
				t.Errorf("%d tries, want %d", got, c.tries)
			}
			if fault.KindOf(err) != c.kind || fault.ReasonOf(err) != c.reason {
				t.Errorf("%v (%v, %q), want %v, %q", err, fault.KindOf(err), fault.ReasonOf(err), c.kind, c.reason)
			}
		})
	}
}

func TestRefusedConnectionIsNoDoubt(t *testing.T) {
	t.Parallel()
	c := New(Options{BaseURL: "http://127.0.0.1:1/v1.0", Limits: Limits{Backoff: time.Microsecond}})
	_, err := c.For(Static("t"), "a").Do(t.Context(), Part{Method: "POST", Path: "/x"})
	if !fault.Is(err, fault.Unavailable) || fault.ReasonOf(err) == fault.OutcomeUnknown {
		t.Errorf("%v: a request that never left cannot be in doubt", err)
	}
}

// An attempt that may have been carried out stays in doubt, whatever the later attempts say.
func TestDoubtOutlivesLaterRefusals(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	f := newFake(t, func(w http.ResponseWriter, _ request) {
		if n.Add(1) == 1 {
			reply(w, 504, "")
		} else {
			reply(w, 429, "", "Retry-After", "3600")
		}
	})
	_, err := f.box().Do(t.Context(), Part{Method: "PATCH", Path: "/x", Repeatable: true})
	if fault.ReasonOf(err) != fault.OutcomeUnknown {
		t.Errorf("%v", err)
	}
}

// I12: nothing is sent to a mailbox before its Retry-After has passed, by whichever value of Mailbox.
func TestI12_RetryAfterHoldsTheMailbox(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	f := newFake(t, func(w http.ResponseWriter, _ request) {
		if n.Add(1) == 1 {
			reply(w, 429, refuse("TooManyRequests", ""), "Retry-After", "7")
			return
		}
		reply(w, 200, `{}`)
	})
	c := f.client(Limits{})
	first, second, other := c.For(Static("t"), "a"), c.For(Static("t"), "a"), c.For(Static("t"), "b")
	if _, err := first.Do(t.Context(), Get("/1", "")); err != nil {
		t.Fatal(err)
	}
	asked := f.requests()
	if wait := asked[1].at.Sub(asked[0].at); wait < 7*time.Second {
		t.Errorf("waited %s", wait)
	}
	first.gate.hold(f.Now(), 25*time.Second)
	before := f.Now()
	if _, err := other.Do(t.Context(), Get("/2", "")); err != nil || !f.Now().Equal(before) {
		t.Errorf("another mailbox waited too: %v", err)
	}
	if _, err := second.Do(t.Context(), Get("/3", "")); err != nil || f.Now().Sub(before) < 25*time.Second {
		t.Errorf("the same mailbox did not wait: %v", err)
	}
}

func TestLongRetryAfterIsLeftToTheJob(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"600", "Mon, 02 Mar 2026 12:10:00 GMT"} {
		f := newFake(t, func(w http.ResponseWriter, _ request) { reply(w, 429, refuse("", ""), "Retry-After", header) })
		box := f.box()
		_, err := box.Do(t.Context(), Get("/x", ""))
		if !fault.Is(err, fault.Throttled) || fault.RetryAfter(err) < 9*time.Minute {
			t.Errorf("%s: %v, after %s", header, err, fault.RetryAfter(err))
		}
		if _, err = box.Do(t.Context(), Get("/x", "")); !fault.Is(err, fault.Throttled) {
			t.Errorf("the next call: %v", err)
		}
		if n := len(f.requests()); n != 1 {
			t.Errorf("%d requests during the pause", n)
		}
	}
}

// FIELD-FAILURES 76: refused for too many requests without a word about when to return, the mailbox is left alone for longer each time, by
// everybody; another mailbox is not. A header with a number beyond reason silences nobody for good: a day later it is asked again.
func TestFF76_ThrottledWithoutSayingForHowLong(t *testing.T) {
	t.Parallel()
	const backoff = time.Second
	f := newFake(t, func(w http.ResponseWriter, _ request) { reply(w, 429, refuse("TooManyRequests", "")) })
	c := f.client(Limits{Backoff: backoff, Tries: 6})
	_, err := c.For(Static("t"), "a").Do(t.Context(), Get("/x", ""))
	asked := f.requests()
	if !fault.Is(err, fault.Throttled) || fault.RetryAfter(err) == 0 || len(asked) != 6 {
		t.Fatalf("%v after %d requests, wait %s", err, len(asked), fault.RetryAfter(err))
	}
	for i, least := 1, backoff/2; i < len(asked); i, least = i+1, least*2 {
		if wait := asked[i].at.Sub(asked[i-1].at); wait < least || wait > 30*time.Second {
			t.Errorf("request %d came %s after the one before, want at least %s", i+1, wait, least)
		}
	}
	f.handler = func(w http.ResponseWriter, _ request) { reply(w, 200, `{}`) }
	last := f.Now()
	if _, err := c.For(Static("t"), "b").Do(t.Context(), Get("/x", "")); err != nil || !f.Now().Equal(last) {
		t.Errorf("another mailbox waited: %v", err)
	}
	if _, err := c.For(Static("t"), "a").Do(t.Context(), Get("/x", "")); err != nil || !f.Now().After(last) {
		t.Errorf("the same mailbox was asked at once: %v", err)
	}

	for _, header := range []string{"99999999999", "1e300", "Inf", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		refused := true
		f := newFake(t, func(w http.ResponseWriter, _ request) {
			if refused {
				reply(w, 429, refuse("", ""), "Retry-After", header)
			} else {
				reply(w, 200, `{}`)
			}
		})
		box := f.box()
		if _, err := box.Do(t.Context(), Get("/x", "")); !fault.Is(err, fault.Throttled) || fault.RetryAfter(err) != 24*time.Hour {
			t.Errorf("%s: %v, after %s", header, err, fault.RetryAfter(err))
		}
		refused = false
		_ = f.Sleep(t.Context(), 24*time.Hour)
		if _, err := box.Do(t.Context(), Get("/x", "")); err != nil {
			t.Errorf("%s, a day later: %v", header, err)
		}
	}
}

// TestD13_OneThrottledMailboxAmongTwoHundred: Microsoft wants one mailbox to be left alone for ten minutes. Whoever asks it anew is told so at
// once, without a request, so no worker waits; all calls to the others go out at once. After the ten minutes it is asked again.
func TestD13_OneThrottledMailboxAmongTwoHundred(t *testing.T) {
	t.Parallel()
	const mailboxes, calls, workers = 200, 5, 16
	f := newFake(t, nil)
	begin := f.Now()
	f.handler = func(w http.ResponseWriter, r request) {
		if strings.HasSuffix(r.URL.Path, "/m0/x") && r.at.Sub(begin) < 10*time.Minute {
			reply(w, 429, refuse("ApplicationThrottled", "Application is over its limit."), "Retry-After", "600")
			return
		}
		reply(w, 200, `{}`)
	}
	c := f.client(Limits{})
	call := func(box int) {
		path := fmt.Sprintf("/m%d/x", box)
		_, err := c.For(Static("t"), path).Do(t.Context(), Get(path, ""))
		switch {
		case box != 0 && err != nil:
			t.Errorf("%s: %v", path, err)
		case box == 0 && (!fault.Is(err, fault.Throttled) || fault.RetryAfter(err) < 9*time.Minute):
			t.Errorf("the throttled mailbox: %v", err)
		}
	}
	call(0) // the refusal is known; from now on nothing is asked
	work := make(chan int)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for box := range work {
				call(box)
			}
		})
	}
	for range calls {
		for box := range mailboxes {
			work <- box
			if box%4 == 0 { // its owner writes more than all others
				work <- 0
			}
		}
	}
	close(work)
	all.Wait()
	asked := map[string]int{}
	for _, r := range f.requests() {
		asked[r.URL.Path]++
	}
	for box := range mailboxes {
		want := calls
		if box == 0 {
			want = 1
		}
		if n := asked[fmt.Sprintf("/v1.0/m%d/x", box)]; n != want {
			t.Errorf("mailbox %d was asked %d times, not %d", box, n, want)
		}
	}
	if now := f.Now(); !now.Equal(begin) {
		t.Errorf("somebody waited for %s", now.Sub(begin))
	}
	if err := f.Sleep(t.Context(), 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := c.For(Static("t"), "/m0/x").Do(t.Context(), Get("/m0/x", "")); err != nil {
		t.Errorf("after ten minutes: %v", err)
	}
}

// I12: at most four requests at once to a mailbox, whoever asks.
func TestI12_FourAtOnce(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	f := newFake(t, func(w http.ResponseWriter, _ request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
		reply(w, 200, `{}`)
	})
	c := f.client(Limits{})
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := c.For(Static("t"), "a").Do(t.Context(), Get("/x", "")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() != 4 {
		t.Errorf("%d at once, want 4", most.Load())
	}
}

// I12: never more than the allowed number of requests in any window, parts of batches counted.
func TestI12_Window(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	w := newWindow(100, 10*time.Minute)
	type sent struct {
		at time.Time
		n  int
	}
	var log []sent
	for i := range 600 {
		n := i%20 + 1
		for {
			wait := w.take(now, n)
			if wait <= 0 {
				break
			}
			now = now.Add(wait)
		}
		log = append(log, sent{now, n})
		now = now.Add(time.Duration(i%7) * time.Second)
	}
	for i := range log {
		sum := 0
		for j := i; j < len(log) && log[j].at.Sub(log[i].at) <= 10*time.Minute; j++ {
			sum += log[j].n
		}
		if sum > 100 {
			t.Fatalf("%d requests in the window from %s", sum, log[i].at)
		}
	}
	if span := log[len(log)-1].at.Sub(log[0].at); span > 13*time.Hour {
		t.Errorf("%d requests took %s: far below what is allowed", len(log), span)
	}
}

func TestThrottleOfTheAppLearns(t *testing.T) {
	t.Parallel()
	th := newThrottle(40)
	th.learn(true)
	if th.limit != 30 {
		t.Errorf("limit %d after a refusal", th.limit)
	}
	for range 100 {
		th.learn(true)
	}
	if th.limit != 4 {
		t.Errorf("limit %d after many", th.limit)
	}
	for range 2000 {
		th.learn(false)
	}
	if th.limit != 40 {
		t.Errorf("limit %d after a good while", th.limit)
	}
}

func TestLinksStayAtGraph(t *testing.T) {
	t.Parallel()
	c := New(Options{BaseURL: "https://graph.microsoft.com/v1.0"})
	for link, want := range map[string]string{
		"https://graph.microsoft.com/v1.0/me/x?$deltatoken=A%20b&odd": "/me/x?$deltatoken=A%20b&odd",
		"https://GRAPH.microsoft.com/v1.0/users('a')/x":               "/users('a')/x",
		"/me/x":                                  "/me/x",
		"https://evil.example/v1.0/me/x":         "",
		"https://graph.microsoft.com.evil/v1.0/": "",
		"https://graph.microsoft.com@evil/v1.0/": "",
		"http://graph.microsoft.com/v1.0/me":     "",
		"https://graph.microsoft.com/beta/me":    "",
		"https://u@graph.microsoft.com/v1.0/me":  "",
		"":                                       "",
	} {
		got, err := c.relative(link)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", link, got, err, want)
		}
	}
}

func TestPageThatIsCutIsNoPage(t *testing.T) {
	t.Parallel()
	whole := `{"@odata.context":"c","@odata.count":3,"value":[{"id":"a"},{"id":"b"}],"@odata.nextLink":"n"}`
	page, err := ReadPage([]byte(whole), func(*Item) error { return nil })
	if err != nil || page.Count != 3 || page.Next != "n" || page.Items != 2 {
		t.Errorf("%+v, %v", page, err)
	}
	for cut := range len(whole) {
		if _, err := ReadPage([]byte(whole[:cut]), func(*Item) error { return nil }); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	if _, err := ReadPage([]byte(`{"error":{}}`), func(*Item) error { return nil }); err == nil {
		t.Error("an answer without a list passes for an empty one")
	}
}

func TestEndlessPages(t *testing.T) {
	t.Parallel()
	var f *fake
	f = newFake(t, func(w http.ResponseWriter, _ request) {
		reply(w, 200, fmt.Sprintf(`{"value":[],"@odata.nextLink":"%s/x?again"}`, f.url))
	})
	err := All(t.Context(), f.box(), "/x", "", func(*Item) error { return nil })
	if !fault.Is(err, fault.Broken) || err == nil {
		t.Errorf("%v", err)
	}
}

// C3: a call whose context has ended goes nowhere, always: of two ways that are open, a select takes either.
func TestC3_WhoeverHasGivenUpTakesNoPlace(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, _ request) { reply(w, 200, `{}`) })
	m := f.client(Limits{}).For(Static("t"), "a")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	v := expired()
	tokens := newAuthority(t).tokens(v).For(1, 5, "")
	for range 50 {
		if _, err := m.Do(ctx, Get("/x", "")); !errors.Is(err, context.Canceled) {
			t.Fatal("a call:", err)
		}
		if _, err := tokens.Token(ctx, ""); !errors.Is(err, context.Canceled) {
			t.Fatal("a token:", err)
		}
	}
	if used := m.gate.window.used(m.c.now()); used != 0 {
		t.Errorf("%d requests were counted", used)
	}
	if !v.claimed.IsZero() {
		t.Error("the grant is claimed for a refresh that nobody makes")
	}
}
