package m365sim

import (
	"testing"
	"time"
)

// What strangers send must be answered, never crash the simulator.

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"lastModifiedDateTime ge 2026-03-02T12:00:00Z", "singleValueExtendedProperties/Any(ep: ep/id eq 'a' and ep/value eq 'b')",
		"not (subject eq 'it''s') or contains(subject,'x')", "start/dateTime lt '2026-03-02'", "((", "any(", "subject eq", "x/Any(:)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cond, err := parseFilter(text, eventSchema.filterable)
		if err != nil {
			return
		}
		cond.holds(func(string) any { return "x" })
		cond.holds(func(string) any { return time.Time{} })
		cond.holds(func(string) any { return []extended{{"String 0x3A25", "1"}} })
		cond.since(modifiedPath)
	})
}

func FuzzRequests(f *testing.F) {
	s := New(Options{})
	f.Cleanup(s.Close)
	for _, seed := range []struct{ method, path, body string }{
		{"POST", "/me/events", event("x", "2026-03-10T10:00:00", attendees("a@b.c"))},
		{"POST", "/me/events", seriesBody("2026-03-10T10:00", "UTC", `{"type":"relativeYearly","interval":9,"daysOfWeek":["monday"],"index":"last","month":2}`, `{"type":"noEnd","startDate":"2026-03-10"}`)},
		{"POST", "/me/contacts", `{"givenName":"Ana","emailAddresses":[{"address":"a@b.c"}],"homeAddress":{"city":"x"},"birthday":"1970-01-01T00:00:00Z"}`},
		{"GET", "/me/calendarView?startDateTime=2026-03-01&endDateTime=2026-04-01&$orderby=subject desc&$select=subject", ""},
		{"GET", "/me/contacts/delta?$select=givenName", ""},
		{"GET", "/me/events?$filter=start/dateTime ge '2026'&$expand=singleValueExtendedProperties($filter=id eq 'String 0x3A25')", ""},
		{"GET", "/users?$search=\"displayName:a\" OR \"mail:b\"&$count=true", ""},
		{"POST", "/subscriptions", `{"changeType":"created","notificationUrl":"http://127.0.0.1:1/","resource":"me/events","expirationDateTime":"2026-03-03T00:00:00Z"}`},
		{"PATCH", "/me/events/AAMkAD", `{"recurrence":null,"body":{"contentType":"html","content":"<script><p>"}}`},
	} {
		f.Add(seed.method, seed.path, seed.body)
	}
	actor := s.As(adele)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if status, _, _ := actor.Raw(method, path, body); status < 200 || status > 599 {
			t.Errorf("%s %s %s: status %d", method, path, body, status)
		}
	})
}

func FuzzIDs(f *testing.F) {
	ids := newIDMaker(guid("person", adele))
	f.Add(ids.write(ref{kind: idItem, n: 7, place: 2}))
	f.Add("AAMkAD")
	f.Fuzz(func(t *testing.T, id string) {
		r, err := ids.read(id)
		if err == nil && ids.write(r) != id {
			t.Errorf("%s reads as %+v, which is written %s", id, r, ids.write(r))
		}
	})
}
