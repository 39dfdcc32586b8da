package web

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// listen opens a stream and passes on its lines until the context ends; closed tells that the server ended it.
func (b *browser) listen(ctx context.Context) (lines <-chan string, status int) {
	b.w.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.w.url+"/live", nil)
	b.w.must(err)
	client := &http.Client{Jar: b.client.Jar}
	res, err := client.Do(req)
	b.w.must(err)
	out := make(chan string, 64)
	go func() {
		defer close(out)
		defer res.Body.Close()
		for scan := bufio.NewScanner(res.Body); scan.Scan(); {
			out <- scan.Text()
		}
	}()
	return out, res.StatusCode
}

// next is the next topic told, or "" when none comes in time or the stream ended.
func next(lines <-chan string, wait time.Duration) string {
	end := time.After(wait)
	event := ""
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return ""
			}
			if name, found := strings.CutPrefix(line, "event: "); found {
				event = name
			}
			if topic, found := strings.CutPrefix(line, "data: "); found && event == "change" {
				return topic
			}
		case <-end:
			return ""
		}
	}
}

func TestPagesHearOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	adele, alex := w.users["adele@contoso.example"], w.users["alex@contoso.example"]
	lines, status := w.as(adele.Email).listen(t.Context())
	if status != 200 {
		t.Fatalf("%d", status)
	}
	for w.live.listeners(w.org.ID) == 0 {
		time.Sleep(time.Millisecond)
	}
	w.live.say(w.other.ID, Event{Topic: ContactsChanged})
	w.live.say(w.org.ID, Event{Topic: LinksChanged, User: alex.ID})
	w.live.say(w.org.ID, Event{Topic: ContactsChanged, User: alex.ID})
	w.live.say(w.org.ID, slices.Repeat([]Event{{Topic: CalendarChanged}}, 5)...)
	if got := next(lines, patience); got != "calendar" {
		t.Errorf("heard %q first", got)
	}
	w.live.say(w.org.ID, Event{Topic: LinksChanged, User: adele.ID})
	if got := next(lines, patience); got != "links" {
		t.Errorf("heard %q then: five changes are told once, and others' not at all", got)
	}
}

func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	lines, _ := b.listen(t.Context())
	for w.live.listeners(w.org.ID) == 0 {
		time.Sleep(time.Millisecond)
	}
	w.live.mu.Lock()
	for _, c := range w.live.open[w.org.ID] {
		close(c)
	}
	w.live.open[w.org.ID] = nil
	w.live.mu.Unlock()
	deadline := time.After(patience)
	for open := true; open; {
		select {
		case _, open = <-lines:
		case <-deadline:
			t.Fatal("the stream outlives its source")
		}
	}

	var cancels []context.CancelFunc
	for range streamsPerUser {
		ctx, cancel := context.WithCancel(t.Context())
		cancels = append(cancels, cancel)
		if _, status := b.listen(ctx); status != 200 {
			t.Fatalf("%d", status)
		}
	}
	if _, status := b.listen(t.Context()); status != 503 {
		t.Errorf("one too many: %d", status)
	}
	for _, cancel := range cancels {
		cancel()
	}
	for w.live.listeners(w.org.ID) > 0 {
		time.Sleep(time.Millisecond)
	}
	if _, status := b.listen(t.Context()); status != 200 {
		t.Errorf("after the others left: %d", status)
	}
}

// Whoever is deactivated hears nothing more, in pages that are open already.
func TestStreamsEndWithTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	adele := w.users["adele@contoso.example"]
	lines, _ := w.as(adele.Email).listen(t.Context())
	others, _ := w.as("alex@contoso.example").listen(t.Context())
	for w.live.listeners(w.org.ID) < 2 {
		time.Sleep(time.Millisecond)
	}
	w.must(w.site.Registry.Deactivate(t.Context(), w.users["admin@contoso.example"], adele.ID, 0))
	w.live.say(w.org.ID, Event{Topic: UsersChanged})
	w.live.say(w.org.ID, Event{Topic: ContactsChanged})
	deadline := time.After(patience)
	for open := true; open; {
		var line string
		select {
		case line, open = <-lines:
			if strings.HasPrefix(line, "event: change") {
				t.Fatal("the stream tells somebody who is deactivated")
			}
		case <-deadline:
			t.Fatal("the stream outlives the account")
		}
	}
	if got := next(others, patience); got != string(UsersChanged) {
		t.Errorf("the others heard %q", got)
	}
}
