package outlook

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// BenchmarkCreate sends items to the simulator in chunks of 200, as the runner does. The simulator's own time is in it.
func BenchmarkCreate(b *testing.B) {
	for _, kind := range kinds {
		b.Run(string(kind), func(b *testing.B) {
			side := benchSide(b, kind)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				writes := make([]record.Write, 200)
				for i := range writes {
					n++
					writes[i] = record.Write{Op: record.Create, Fields: light(kind, n), Token: fmt.Sprintf("1-%d", n)}
				}
				out, err := side.Apply(b.Context(), writes)
				if err != nil || out[0].Err != nil {
					b.Fatal(err, out[0].Err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "us/item")
		})
	}
}

// BenchmarkChanges reads items page by page.
func BenchmarkChanges(b *testing.B) {
	for _, kind := range kinds {
		b.Run(string(kind), func(b *testing.B) {
			side := benchSide(b, kind)
			const all = 5000
			for from := 0; from < all; from += 200 {
				writes := make([]record.Write, 200)
				for i := range writes {
					writes[i] = record.Write{Op: record.Create, Fields: light(kind, from+i), Token: fmt.Sprintf("1-%d", from+i)}
				}
				if _, err := side.Apply(b.Context(), writes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				var at record.Cursor
				for {
					page, err := side.Changes(b.Context(), at, 0)
					if err != nil {
						b.Fatal(err)
					}
					n += len(page.Changes)
					if at = page.Next; !page.More {
						break
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "us/item")
		})
	}
}

// light is a record as most are: a few fields filled in.
func light(kind record.Kind, i int) record.Fields {
	if kind == record.Calendar {
		return eventSample(i)
	}
	full := contactSample(i)
	f := record.Fields{}
	for _, name := range []record.Field{"givenName", "surname", "companyName", "jobTitle", "mobilePhone", "businessPhones[0]", "emailAddresses[0]", "personalNotes", "businessAddress.city"} {
		f[name] = full[name]
	}
	return f
}

func benchSide(b *testing.B, kind record.Kind) reconcile.Side {
	sim := m365sim.New(m365sim.Options{Seed: 1})
	server := httptest.NewServer(sim)
	b.Cleanup(func() { server.Close(); sim.Close() })
	sim.SetBaseURL(server.URL)
	client := graph.New(graph.Options{BaseURL: server.URL + "/v1.0", Limits: graph.Limits{Requests: 1 << 30}})
	box := client.For(graph.Static(sim.IssueToken(adele)), sim.Person(adele).ID)
	link := &reconcile.Link{ID: 7, Org: 1, User: 2, Kind: kind}
	c := &Containers{Mailbox: func(context.Context, *reconcile.Link) (*graph.Mailbox, error) { return box, nil }}
	id, _, err := c.Create(b.Context(), link, "Tandem")
	if err != nil {
		b.Fatal(err)
	}
	if kind == record.Contacts {
		return NewContacts(box, Options{Container: id}, nil)
	}
	return NewEvents(box, Options{Container: id}, nil)
}
