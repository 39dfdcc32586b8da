package m365sim

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkContactsInBatches posts contacts in batches of 20 over real HTTP, four batches at a time. It is the
// ceiling of every measurement of a first sync.
func BenchmarkContactsInBatches(b *testing.B) {
	postBatches(b, "/me/contactFolders", `{"displayName":"CRM"}`, "/contacts", func(i int) string {
		return fmt.Sprintf(`{"givenName":"Ana %d","surname":"Almeida","displayName":"Ana %d Almeida","companyName":"Contoso Ltda","jobTitle":"Analyst","mobilePhone":"+55 11 99999-%04d",`+
			`"businessPhones":["+55 11 3333-%04d"],"emailAddresses":[{"name":"Ana","address":"ana%d@contoso.example"}],"personalNotes":"met at the fair",`+
			`"singleValueExtendedProperties":[{"id":"String {66f5a359-4659-4830-9070-00047ec6ac6e} Name CrmId","value":"%d"}]}`, i, i, i, i, i, i)
	})
}

// BenchmarkEventsInBatches does the same with events.
func BenchmarkEventsInBatches(b *testing.B) {
	postBatches(b, "/me/calendars", `{"name":"CRM"}`, "/events", func(i int) string {
		return event(fmt.Sprint("Visit ", i), "2026-03-10T10:00:00", `"body":{"contentType":"html","content":"<p>Bring <b>bread</b></p><p>With: Ana</p>"},"location":{"displayName":"Rua A, 1"},`+
			`"isReminderOn":true,"reminderMinutesBeforeStart":30,"showAs":"busy","singleValueExtendedProperties":[{"id":"String {66f5a359-4659-4830-9070-00047ec6ac6e} Name CrmId","value":"`+fmt.Sprint(i)+`"}]`)
	})
}

func postBatches(b *testing.B, folders, folderBody, below string, item func(i int) string) {
	s := New(Options{})
	server := httptest.NewServer(s)
	defer func() { server.Close(); s.Close() }()
	token := s.IssueToken(adele)
	_, doc := s.As(adele).Post(folders, folderBody)
	folder := doc["id"].(string)
	var list []string
	for i := range maxParts {
		list = append(list, post(fmt.Sprint(i+1), folders+"/"+folder+below, item(i)))
	}
	payload := parts(list...)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

	b.ReportAllocs()
	b.ResetTimer()
	b.SetParallelism(2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, _ := http.NewRequest("POST", server.URL+"/v1.0/$batch", strings.NewReader(payload))
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	b.StopTimer()
	if made := s.Mailbox(adele).Count(folder); made != b.N*maxParts {
		b.Fatalf("%d items were made, want %d", made, b.N*maxParts)
	}
	b.ReportMetric(float64(b.N*maxParts)/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkContactsOneByOne posts contacts in requests of their own.
func BenchmarkContactsOneByOne(b *testing.B) {
	s := New(Options{})
	server := httptest.NewServer(s)
	defer func() { server.Close(); s.Close() }()
	token := s.IssueToken(adele)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	b.ReportAllocs()
	b.SetParallelism(2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, _ := http.NewRequest("POST", server.URL+"/v1.0/me/contacts", strings.NewReader(`{"givenName":"Ana","surname":"Almeida","mobilePhone":"1"}`))
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkQuietBatch is the little batch of a run in which nothing changed, in a calendar of 10,000 events.
func BenchmarkQuietBatch(b *testing.B) {
	s := New(Options{})
	defer s.Close()
	person := s.As(adele)
	body := event("Visit", "2026-03-10T10:00:00", `"body":{"contentType":"html","content":"<p>Hello</p>"},"location":{"displayName":"Rua A"}`)
	for range 10000 {
		person.Post("/me/events", body)
	}
	filter := "/me/events?$select=id,changeKey&$top=999&$filter=lastModifiedDateTime%20ge%202099-01-01T00:00:00Z"
	b.ResetTimer()
	for b.Loop() {
		person.Raw("GET", filter, nil)
		person.Raw("GET", "/me/events?$count=true&$top=1&$select=id", nil)
	}
}

// BenchmarkDeltaPages reads a folder of 10,000 contacts from the beginning.
func BenchmarkDeltaPages(b *testing.B) {
	s := New(Options{})
	defer s.Close()
	person := s.As(adele)
	for range 10000 {
		person.Post("/me/contacts", `{"givenName":"Ana","surname":"Almeida","mobilePhone":"1"}`)
	}
	reader := person.Prefer("odata.maxpagesize=100")
	b.ResetTimer()
	for b.Loop() {
		for path := "/me/contacts/delta"; path != ""; {
			_, doc := reader.Get(path)
			path, _ = doc["@odata.nextLink"].(string)
		}
	}
}
