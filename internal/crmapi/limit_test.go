package crmapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/crmapi"
	"tandem/internal/record"
)

// ASVS 2.4.1: a program that asks too often is told when to come back, by itself; nobody else waits for it.
func TestASVS241_AProgramThatAsksTooOftenIsToldToWait(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	s := &server{t: t, folk: newPeople(), links: &fakeLinks{}}
	clock := func() time.Time { return now }
	s.crm = crm.New(newStore(t), nil, clock)
	s.Server = httptest.NewServer(&crmapi.API{CRM: s.crm, Accounts: s.folk, Links: s.links, Switch: s.links, Now: clock, Pace: account.Pace{Burst: 3, PerSecond: 1}, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.Close)
	ask := func(who record.ID) reply { return s.do(who, "GET", "/crm/v8/users?type=CurrentUser", "") }
	for range 3 {
		if got := ask(adele); got.status != http.StatusOK {
			t.Fatalf("within the burst: %d %s", got.status, got.text)
		}
	}
	for range 5 { // what is refused counts no more
		got := ask(adele)
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "1" || !strings.Contains(got.text, `"TOO_MANY_REQUESTS"`) {
			t.Fatalf("after it: %d, Retry-After %q, %s", got.status, got.header.Get("Retry-After"), got.text)
		}
	}
	if got := ask(alex); got.status != http.StatusOK {
		t.Errorf("somebody else: %d", got.status)
	}
	now = now.Add(time.Second)
	if first, second := ask(adele), ask(adele); first.status != http.StatusOK || second.status != http.StatusTooManyRequests {
		t.Errorf("a second later: %d, %d", first.status, second.status)
	}
	now = now.Add(time.Hour)
	for i := range 4 {
		if got := ask(adele); (got.status == http.StatusOK) != (i < 3) {
			t.Errorf("an hour later, request %d: %d", i+1, got.status)
		}
	}
	if got := s.do(0, "GET", "/crm/v8/users", ""); got.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got.status)
	}
}
