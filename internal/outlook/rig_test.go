package outlook

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/graphspec"
	"tandem/internal/testkit/sidetest"
)

const adele = "adele@contoso.example"

// A rig is a simulated Microsoft 365 behind real HTTP, a client of it and the mailbox of a person. Every exchange is
// held against Microsoft's own description, where that is at hand.
type rig struct {
	*testing.T
	sim     *m365sim.Sim
	url     string
	client  *graph.Client
	box     *graph.Mailbox
	trips   atomic.Int64 // HTTP round trips
	unasked atomic.Bool  // exchanges are not judged, as the simulator has been told to misbehave
	mails   int          // how many mails the test's people cause by themselves; every rig ends by counting
}

func newRig(t *testing.T, edit ...func(*graph.Options)) *rig {
	t.Helper()
	r := &rig{T: t, sim: m365sim.New(m365sim.Options{Seed: 1})}
	server := httptest.NewServer(r.sim)
	t.Cleanup(func() {
		if mails := r.sim.Mails(); len(mails) != r.mails {
			t.Errorf("Exchange would have sent %d mails, not %d: %+v", len(mails), r.mails, mails)
		}
		r.sim.Close()
		server.Close()
	})
	r.sim.SetBaseURL(server.URL)
	r.url = server.URL
	var spec *graphspec.Spec
	t.Run("description", func(t *testing.T) { spec = graphspec.Open(t) })
	o := graph.Options{
		BaseURL: server.URL + "/v1.0", HTTP: server.Client(), Limits: graph.Limits{Backoff: 10 * time.Millisecond},
		Observe: func(ex graph.Exchange) {
			r.trips.Add(1)
			if spec == nil || ex.Status == 0 || r.unasked.Load() {
				return
			}
			if err := spec.ValidateExchange(ex.Request, ex.Body, ex.Status, ex.Header, ex.Answer); err != nil {
				t.Errorf("an exchange outside the description: %v", err)
			}
		},
	}
	for _, e := range edit {
		e(&o)
	}
	r.client = graph.New(o)
	r.box = r.mailbox(adele)
	return r
}

func (r *rig) mailbox(upn string) *graph.Mailbox {
	return r.client.For(graph.Static(r.sim.IssueToken(upn)), r.sim.Person(upn).ID)
}

// counted runs f and returns how many round trips it took.
func (r *rig) counted(f func()) int {
	before := r.trips.Load()
	f()
	return int(r.trips.Load() - before)
}

func (r *rig) link(kind record.Kind) *reconcile.Link {
	return &reconcile.Link{ID: 7, Org: 1, User: 2, Kind: kind}
}

func (r *rig) containers() *Containers {
	return &Containers{
		Mailbox: func(context.Context, *reconcile.Link) (*graph.Mailbox, error) { return r.box, nil },
		Seal:    NewSeal([]byte("secret")), Now: time.Now,
	}
}

// container makes the dedicated container of a kind and returns a link that has it.
func (r *rig) container(kind record.Kind) *reconcile.Link {
	r.Helper()
	link := r.link(kind)
	id, name, err := r.containers().Create(r.Context(), link, "Tandem")
	if err != nil {
		r.Fatal(err)
	}
	link.Container, link.ContainerName = id, name
	return link
}

func (r *rig) options(link *reconcile.Link) Options {
	return Options{Container: link.Container, Mark: Mark(link)}
}

func (r *rig) contacts() (*reconcile.Link, *Contacts) {
	r.Helper()
	link := r.container(record.Contacts)
	return link, NewContacts(r.box, r.options(link), nil)
}

func (r *rig) events() (*reconcile.Link, *Events) {
	r.Helper()
	link := r.container(record.Calendar)
	return link, NewEvents(r.box, r.options(link), nil)
}

// actor is the person in Outlook, seeing immutable ids as we do.
func (r *rig) actor() *m365sim.Actor {
	return r.sim.As(adele).Prefer(`IdType="ImmutableId", outlook.timezone="UTC"`)
}

func (r *rig) must(status int, doc map[string]any) map[string]any {
	r.Helper()
	if status >= 300 {
		r.Fatalf("a person's act was refused: %d %v", status, doc)
	}
	return doc
}

func contactSample(i int) record.Fields {
	f := record.Fields{
		"givenName": "Ana", "surname": record.Value(fmt.Sprintf("Almeida %d", i)), "middleName": "B.", "title": "Dra.",
		"nickName": "Aninha", "fileAs": record.Value(fmt.Sprint("Chefe ", i)), "yomiGivenName": "アナ", "yomiSurname": "アルメイダ", "yomiCompanyName": "コントソ",
		"children[0]": "Léo", "children[1]": "Mia", "children[2]": "Noé", "imAddresses[1]": "sip:two", "imAddresses[2]": "sip:three", "generation": "II", "initials": "AA", "companyName": "Contoso <Ltda> & Cia", "department": "Vendas",
		"jobTitle": "Analista", "profession": "Engenheira", "officeLocation": "São Paulo", "manager": "Lee", "assistantName": "Megan",
		"spouseName": "João", "emailAddresses[0]": record.Value(fmt.Sprintf("ana%d@contoso.example", i)), "emailAddresses[1]": "ana@home.example",
		"emailAddresses[2]": "third@home.example", "businessPhones[0]": "+55 11 3333-0001", "businessPhones[1]": "+55 11 3333-0002",
		"homePhones[0]": "+55 11 2222-0001", "homePhones[1]": "+55 11 2222-0002", "mobilePhone": "+55 11 99999-0001",
		"imAddresses[0]": "sip:ana@contoso.example", "businessHomePage": "https://contoso.example/ana?x=1&y=\"2\"",
		"birthday": "1984-02-29", "personalNotes": "met at the fair\n\tsecond line \U0001F600 \\ \"quoted\"", "categories": "CRM\nVIP",
	}
	for _, a := range []string{"businessAddress", "homeAddress", "otherAddress"} {
		f[record.Field(a+".street")] = record.Value("Rua Augusta, 1500\napto. " + fmt.Sprint(i))
		f[record.Field(a+".city")] = "São Paulo"
		f[record.Field(a+".state")] = "SP"
		f[record.Field(a+".postalCode")] = "01304-001"
		f[record.Field(a+".countryOrRegion")] = "Brasil"
	}
	return f
}

func TestContactsAreASide(t *testing.T) {
	t.Parallel()
	sidetest.Run(t, sidetest.Config{
		New: func(t *testing.T) sidetest.Fixture {
			r := newRig(t)
			link, _ := r.contacts()
			base := "/me/contactFolders/" + string(link.Container) + "/contacts"
			return sidetest.Fixture{
				Open: func() reconcile.Side { return NewContacts(r.box, r.options(link), nil) },
				Put: func(t *testing.T, f record.Fields) record.Ref {
					body, err := contactBody(&graph.Contact{}, f)
					if err != nil {
						t.Fatal(err)
					}
					return record.Ref(r.must(r.actor().Post(base, body.JSON()))["id"].(string))
				},
				Edit: func(t *testing.T, ref record.Ref, f record.Fields) {
					seen, err := NewContacts(r.box, r.options(link), nil).Read(t.Context(), []record.Ref{ref})
					if err != nil {
						t.Fatal(err)
					}
					body, err := contactBody(&graph.Contact{}, seen[0].Fields.With(f))
					if err != nil {
						t.Fatal(err)
					}
					r.must(r.actor().Patch("/me/contacts/"+string(ref), body.JSON()))
				},
				Remove: func(t *testing.T, ref record.Ref) { r.must(r.actor().Delete("/me/contacts/" + string(ref))) },
				Move: func(t *testing.T, ref record.Ref) {
					folder := r.must(r.actor().Post("/me/contactFolders", map[string]any{"displayName": "Private"}))["id"].(string)
					if _, err := r.sim.Mailbox(adele).Move(string(ref), folder); err != nil {
						t.Fatal(err)
					}
				},
			}
		},
		Sample: contactSample,
		Edits: record.Fields{
			"givenName": "Beatriz", "emailAddresses[1]": "bia@home.example", "businessPhones[0]": "+55 21 5555-0001",
			"businessAddress.city": "Rio de Janeiro", "birthday": "1990-12-31", "personalNotes": "another note", "categories": "Gold",
		},
		Clears: []record.Field{
			"title", "middleName", "mobilePhone", "homeAddress.street", "homeAddress.city", "birthday", "personalNotes", "categories",
			"emailAddresses[2]", "businessPhones[0]", "homePhones[0]", "homePhones[1]", "companyName",
		},
		Bad:      record.Fields{"emailAddresses[0]": "not an address,"},
		Stranger: stranger,
		Many:     1100,
	})
}

// stranger is the id of an item that somebody else has.
func stranger(t *testing.T, f sidetest.Fixture) record.Ref {
	ref := f.Put(t, record.Fields{})
	f.Remove(t, ref)
	return ref
}

func eventSample(i int) record.Fields {
	day := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).AddDate(0, 0, i%200)
	return record.Fields{
		"subject": record.Value(fmt.Sprintf("Reunião %d <b>", i)), "body": "First line\n\n  indented  & <tagged>\nlast \U0001F600",
		"start": record.Value(day.Format(momentLayout)), "end": record.Value(day.Add(90 * time.Minute).Format(momentLayout)),
		"isAllDay": "false", "timeZone": "America/Sao_Paulo", "recurrence": "", "exdates": "", "location": "Sala 5, \"Rio\"",
		"reminder": "30", "categories": "CRM\nVIP", "showAs": "tentative", "sensitivity": "private", "importance": "high",
	}
}

func TestEventsAreASide(t *testing.T) {
	t.Parallel()
	sidetest.Run(t, sidetest.Config{
		New: func(t *testing.T) sidetest.Fixture {
			r := newRig(t)
			link, _ := r.events()
			base := "/me/calendars/" + string(link.Container) + "/events"
			return sidetest.Fixture{
				Open: func() reconcile.Side { return NewEvents(r.box, r.options(link), nil) },
				Put: func(t *testing.T, f record.Fields) record.Ref {
					if len(f) == 0 {
						f = eventSample(0)
					}
					body, err := eventBody(nil, f)
					if err != nil {
						t.Fatal(err)
					}
					return record.Ref(r.must(r.actor().Post(base, body.JSON()))["id"].(string))
				},
				Edit: func(t *testing.T, ref record.Ref, f record.Fields) {
					seen, err := NewEvents(r.box, r.options(link), nil).Read(t.Context(), []record.Ref{ref})
					if err != nil {
						t.Fatal(err)
					}
					body, err := eventBody(nil, seen[0].Fields.With(f))
					if err != nil {
						t.Fatal(err)
					}
					r.must(r.actor().Patch("/me/events/"+string(ref), body.JSON()))
				},
				Remove: func(t *testing.T, ref record.Ref) { r.must(r.actor().Delete("/me/events/" + string(ref))) },
				Move: func(t *testing.T, ref record.Ref) {
					other := r.must(r.actor().Post("/me/calendars", map[string]any{"name": "Private"}))["id"].(string)
					if _, err := r.sim.Mailbox(adele).Move(string(ref), other); err != nil {
						t.Fatal(err)
					}
				},
			}
		},
		Sample: eventSample,
		Edits: record.Fields{
			"subject": "Another", "body": "Other\ntext", "start": "2026-03-03T11:00:00Z", "end": "2026-03-06T14:00:00Z",
			"location": "Online", "reminder": "0", "categories": "Gold", "showAs": "free", "sensitivity": "normal", "importance": "low",
		},
		Clears:         []record.Field{"subject", "body", "location", "reminder", "categories"},
		Bad:            record.Fields{"end": "2020-01-01T00:00:00Z"},
		Stranger:       stranger,
		TakesTokenOnce: true,
		Many:           1100,
		Same:           func(name record.Field, a, b record.Value) bool { return name == "body" && squeeze(a) == squeeze(b) },
	})
}

func squeeze(v record.Value) string { return strings.Join(strings.Fields(string(v)), " ") }
