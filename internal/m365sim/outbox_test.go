package m365sim

import (
	"bufio"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestS9_TheOutboxShowsEachLetter: found from every page, the latest first, its text with links that can be clicked,
// its HTML where it can do nothing.
func TestS9_TheOutboxShowsEachLetter(t *testing.T) {
	t.Parallel()
	v := visit(t)
	for _, page := range []string{"/sim", "/apps", desktop + "/calendar"} {
		v.get(page).wants(`href="/outbox"`)
	}
	v.get("/outbox").wants("No letter yet.")
	v.get("/outbox?lang=pt").wants("Nenhuma carta ainda.")
	v.get("/outbox?lang=en")
	v.sim.AddOutbox(OutboxMail{
		From: "crm@contoso.example", To: []string{"adele@contoso.example"}, Subject: "You are invited <now>",
		Text: "Open http://127.0.0.1:8080/invitation/a_b-c?x=1&y=2. Good for 7 days (see https://help.example/x).\n<b>bold</b>",
		HTML: `<p>Hello "Adele"</p><script>parent.alert(1)</script>`,
	})
	v.sim.AddOutbox(OutboxMail{From: "crm@contoso.example", To: []string{"alex@contoso.example", "lee@contoso.example"}, Subject: "Second", Text: "javascript:alert(1) is no link"})

	list := v.get("/outbox").wants("alex@contoso.example, lee@contoso.example").wants("javascript:alert(1) is no link")
	if strings.Index(list.body, ">Second<") > strings.Index(list.body, "You are invited") {
		t.Error("the latest letter is not the first")
	}
	if strings.Contains(list.body, `href="javascript`) || strings.Contains(list.body, "<iframe") {
		t.Error("a link or a frame that should not be")
	}
	first := v.get("/outbox/1").
		wants(`<a href="http://127.0.0.1:8080/invitation/a_b-c?x=1&amp;y=2">`).
		wants(`<a href="https://help.example/x">https://help.example/x</a>).`).
		wants("&lt;b&gt;bold&lt;/b&gt;").wants("You are invited &lt;now&gt;")
	_, frame, ok := strings.Cut(first.body, `<iframe id="html" sandbox="" srcdoc="`)
	inner, _, _ := strings.Cut(frame, `"`)
	if !ok || html.UnescapeString(inner) != `<p>Hello "Adele"</p><script>parent.alert(1)</script>` {
		t.Errorf("the letter's HTML is not in its sandbox: %q", inner)
	}
	for _, path := range []string{"/outbox/0", "/outbox/3", "/outbox/x"} {
		if got := v.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	v.get("/sim").wants(`href="/outbox/2"`)
}

// TestS9_AnOpenOutboxHearsOfANewLetter over real HTTP.
func TestS9_AnOpenOutboxHearsOfANewLetter(t *testing.T) {
	t.Parallel()
	v := visit(t)
	res, err := http.Get(v.base + "/outbox/live")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(res.Body); scan.Scan(); {
			select {
			case lines <- scan.Text():
			case <-t.Context().Done():
				return
			}
		}
	}()
	if first := <-lines; !strings.HasPrefix(first, "retry:") {
		t.Fatalf("%q", first)
	}
	v.sim.AddOutbox(OutboxMail{Subject: "New"})
	for {
		select {
		case line, open := <-lines:
			if line == "event: changed" {
				return
			}
			if !open {
				t.Fatal("the stream ended")
			}
		case <-time.After(time.Minute):
			t.Fatal("an open page was told nothing")
		}
	}
}
