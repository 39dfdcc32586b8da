package m365sim

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWartEmptyPages(t *testing.T) {
	b := newBench(t)
	folder := fill(t, b, 12)
	b.sim.SetWarts(Warts{EmptyPages: true, LinkExtras: true})
	path := "/me/contactFolders/" + folder + "/contacts"
	for _, path := range []string{path, path + "?$orderby=givenName", path + "?$filter=surname ne 'x'", path + "/delta"} {
		first := b.want(b.do("GET", path), 200)
		if len(first.list()) != 0 || first.text("@odata.nextLink") == "" {
			t.Errorf("%s: the first page is %s", path, first.raw)
		}
		if !strings.Contains(first.text("@odata.nextLink"), "simTrace") {
			t.Error("the link has no parameter that nobody asked for")
		}
		all, _ := b.pages(path)
		if len(all) != 12 {
			t.Errorf("%s: %d contacts", path, len(all))
		}
	}
}

func TestWartReplays(t *testing.T) {
	b := newBench(t)
	folder := fill(t, b, 3)
	b.sim.SetWarts(Warts{Replays: true})
	_, link := b.round("/me/contactFolders/" + folder + "/contacts/delta")
	for range 2 {
		var again []map[string]any
		again, link = b.round(link)
		if names(again, "givenName") != "N002" {
			t.Errorf("nothing changed, yet not the last item came again: %v", again)
		}
	}
}

func TestWartRequestLimit(t *testing.T) {
	b := newBench(t)
	b.sim.SetWarts(Warts{RequestLimit: 3})
	for range 3 {
		b.want(b.do("GET", "/me/calendar"), 200)
	}
	if a := b.want(b.do("GET", "/me/calendar"), 429, "ApplicationThrottled"); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	alex := b.as(b.sim.IssueToken("alex@contoso.example"))
	alex.want(alex.do("GET", "/me/calendar"), 200)
	b.clock.Add(10 * time.Minute)
	b.want(b.do("GET", "/me/calendar"), 200)
}

func TestWartConcurrencyOverApp(t *testing.T) {
	b := newBench(t)
	b.sim.SetWarts(Warts{ConcurrencyOverApp: true, RejectOverConcurrency: true})
	b.sim.Latency(time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	people := b.sim.Tenants()[0].People()[20:25]
	for _, p := range people[:4] {
		busy := b.as(b.sim.IssueToken(p.UPN))
		go func() { done <- busy.try(ctx, "GET", "/me/calendar", "") }()
	}
	g, err := b.sim.authenticate(&http.Request{Header: http.Header{"Authorization": {"Bearer " + b.token}}})
	if err != nil {
		t.Fatal(err)
	}
	for len(b.sim.places.slotsFor(g.appID)) < 4 {
		time.Sleep(time.Millisecond)
	}
	fifth := b.as(b.sim.IssueToken(people[4].UPN))
	fifth.want(fifth.do("GET", "/me/calendar"), 429, "ApplicationThrottled")
	cancel()
	for range 4 {
		<-done
	}
	b.sim.Latency(0)
	for len(b.sim.places.slotsFor(g.appID)) > 0 {
		time.Sleep(time.Millisecond)
	}
	fifth.want(fifth.do("GET", "/me/calendar"), 200)
}

// What a person does in Outlook and Graph cannot: copies keep the marker, a touch moves the version.
func TestByHand(t *testing.T) {
	b := newBench(t)
	marker := `"singleValueExtendedProperties":[{"id":"String {66f5a359-4659-4830-9070-00047ec6ac6e} Name CrmId","value":"42"}]`
	made := b.want(b.do("POST", "/me/events", event("x", "2026-03-10T10:00:00", marker+`,"transactionId":"t"`)), 201)
	box := b.sim.Mailbox(adele)
	copied, err := box.Copy(made.id())
	if err != nil {
		t.Fatal(err)
	}
	found := b.want(b.do("GET", "/me/events?$filter=singleValueExtendedProperties/Any(ep: ep/id eq 'String {66f5a359-4659-4830-9070-00047ec6ac6e} Name CrmId' and ep/value eq '42')"), 200)
	if len(found.list()) != 2 {
		t.Errorf("%d items carry the marker", len(found.list()))
	}
	twin := b.want(b.do("GET", "/me/events/"+copied), 200)
	if twin.at("transactionId") != nil || twin.text("iCalUId") == made.text("iCalUId") {
		t.Errorf("the copy: %s", twin.raw)
	}
	if err := box.Touch(made.id()); err != nil {
		t.Fatal(err)
	}
	touched := b.do("GET", "/me/events/"+made.id())
	if touched.text("changeKey") == made.text("changeKey") || touched.text("subject") != "x" {
		t.Errorf("touched: %s", touched.raw)
	}
	if box.Count("") != 2 {
		t.Errorf("%d events", box.Count(""))
	}
	if box.Touch("nonsense") == nil {
		t.Error("nothing was touched, and nobody said so")
	}
	before := b.sim.Requests().RoundTrips
	if status, doc := b.sim.As(adele).Prefer(`outlook.timezone="Tokyo Standard Time"`).Get("/me/events/" + made.id()); status != 200 || at(doc, "start/timeZone") != "Tokyo Standard Time" {
		t.Errorf("by hand: %d %v", status, doc)
	}
	if b.sim.Requests().RoundTrips != before {
		t.Error("what a person does is counted")
	}
	if b.sim.As("nobody@contoso.example") != nil || b.sim.Mailbox("nomailbox@contoso.example") != nil {
		t.Error("somebody who is not there acts")
	}
	p := b.sim.AddPerson("contoso.example", "nova", "Nova", "Pessoa", nil)
	if p == nil || b.sim.AddPerson("contoso.example", "nova", "Nova", "Pessoa", nil) != nil {
		t.Error("a person is added once")
	}
	nova := b.as(b.sim.IssueToken("nova@contoso.example"))
	nova.want(nova.do("GET", "/me/calendars"), 200)
}
