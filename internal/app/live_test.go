package app_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/testkit/browse"
	"tandem/internal/testkit/pgtest"
)

// TestD14_PagesFollowOtherProcesses: two processes on one PostgreSQL; a page open at one learns of what the other wrote.
func TestD14_PagesFollowOtherProcesses(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	one, stopOne := startDemoAt(t, database)
	defer stopOne()
	other, stopOther := startDemoAt(t, database)
	defer stopOther()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	browser := browse.New()
	page, err := browser.Get(ctx, one.url+"/signin")
	if err == nil {
		page, err = browser.Follow(ctx, page, "Sign in with Microsoft")
	}
	if err == nil {
		page, err = browser.Submit(ctx, page, "Sign in", map[string]string{"username": "adele@contoso.example"})
	}
	if err == nil {
		page, err = browser.Submit(ctx, page, "Accept", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, one.url+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range browser.Cookies(page.URL) {
		req.AddCookie(cookie)
	}
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if kind := stream.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("answered %s %s", stream.Status, kind)
	}
	heard := make(chan bool)
	go func() {
		lines := bufio.NewScanner(stream.Body)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "contacts") {
				close(heard)
				return
			}
		}
	}()
	adele := other.client("adele")
	for n := 0; ; n++ {
		adele.insert("Contacts", doc{"Last_Name": "Silva"})
		select {
		case <-heard:
			return
		case <-ctx.Done():
			t.Fatal("the page never heard of the other process")
		case <-time.After(time.Second):
		}
	}
}
