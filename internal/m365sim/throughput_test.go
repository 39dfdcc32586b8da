package m365sim

import (
	"bytes"
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
	s := New(Options{})
	server := httptest.NewServer(s)
	defer func() { server.Close(); s.Close() }()
	token := s.IssueToken(adele)
	_, doc := s.As(adele).Post("/me/contactFolders", `{"displayName":"CRM"}`)
	folder := doc["id"].(string)

	var body bytes.Buffer
	body.WriteString(`{"requests":[`)
	for i := range maxParts {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"id":"%d","method":"POST","url":"/me/contactFolders/%s/contacts","headers":{"Content-Type":"application/json","Prefer":"IdType=\"ImmutableId\""},"body":`+
			`{"givenName":"Ana %d","surname":"Almeida","displayName":"Ana %d Almeida","companyName":"Contoso Ltda","jobTitle":"Analyst","mobilePhone":"+55 11 99999-%04d",`+
			`"businessPhones":["+55 11 3333-%04d"],"emailAddresses":[{"name":"Ana","address":"ana%d@contoso.example"}],"personalNotes":"met at the fair",`+
			`"singleValueExtendedProperties":[{"id":"String {66f5a359-4659-4830-9070-00047ec6ac6e} Name CrmId","value":"%d"}]}}`, i+1, folder, i, i, i, i, i, i)
	}
	body.WriteString(`]}`)
	payload := body.String()
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
			if resp.StatusCode != 200 {
				b.Fatal(resp.Status)
			}
		}
	})
	b.ReportMetric(float64(b.N*maxParts)/b.Elapsed().Seconds(), "items/s")
}
