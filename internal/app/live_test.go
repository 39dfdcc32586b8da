package app_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"sync"
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
	heard, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		tell := sync.OnceFunc(func() { close(heard) })
		lines := bufio.NewScanner(stream.Body)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "contacts") {
				tell()
			}
		}
	}()
	adele := other.client("adele")
	for told := false; !told; {
		adele.insert("Contacts", doc{"Last_Name": "Silva"})
		select {
		case <-heard:
			told = true
		case <-ctx.Done():
			t.Fatal("the page never heard of the other process")
		case <-time.After(time.Second):
		}
	}

	// And hears nothing more once the other one has deactivated its person.
	registry, admin := other.registry()
	if err := registry.Deactivate(ctx, admin, adele.user().ID, 0); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the page of somebody who is deactivated goes on listening")
	}
}
