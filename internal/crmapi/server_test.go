package crmapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/crmapi"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/store"
	"tandem/internal/testkit/memcrm"
	"tandem/internal/testkit/zohospec"
)

const (
	contoso  record.ID = 1000001 // as the store numbers its first two
	fabrikam record.ID = 1000002
	adele    record.ID = 11
	alex     record.ID = 12
	boss     record.ID = 13
	sleeper  record.ID = 14
	stranger record.ID = 21
)

// people fits crmapi.Accounts: a user's token is the user's id.
type people map[record.ID]account.User

func newPeople() people {
	p := people{}
	for id, u := range map[record.ID]account.User{
		adele:    {Org: contoso, FirstName: "Adele", LastName: "Vance", Email: "adele@contoso.example", Profile: account.Standard},
		alex:     {Org: contoso, FirstName: "Alex", LastName: "Wilber", Email: "alex@contoso.example", Profile: account.Standard},
		boss:     {Org: contoso, FirstName: "Mod", LastName: "Administrator", Email: "admin@contoso.example", Profile: account.SuperAdmin},
		sleeper:  {Org: contoso, FirstName: "Disabled", Email: "disabled@contoso.example", Profile: account.Standard, State: account.Deactivated},
		stranger: {Org: fabrikam, FirstName: "Fay", Email: "admin@fabrikam.example", Profile: account.SuperAdmin},
	} {
		u.ID, u.Zone, u.Locale = id, "America/Sao_Paulo", "pt-BR"
		if u.State == "" {
			u.State = account.Active
		}
		u.May = u.Profile.Permissions()
		p[id] = u
	}
	return p
}

func (p people) UserByToken(_ context.Context, hash []byte) (account.User, error) {
	for id, u := range p {
		if sum := sha256.Sum256([]byte("token-" + id.String())); bytes.Equal(sum[:], hash) && u.State == account.Active {
			return u, nil
		}
	}
	return account.User{}, fault.New(fault.Denied, "", "no such token")
}

func (p people) Organization(_ context.Context, id record.ID) (account.Organization, error) {
	return account.Organization{ID: id, Name: "Contoso", Zone: "America/Sao_Paulo", Edition: "paid"}, nil
}

func (p people) User(_ context.Context, org, id record.ID) (account.User, error) {
	if u, ok := p[id]; ok && u.Org == org {
		return u, nil
	}
	return account.User{}, fault.New(fault.NotFound, "", "no user %s", id)
}

func (p people) People(ctx context.Context, org record.ID, _ account.PeopleQuery) (out []account.User, _ error) {
	for _, id := range slices.Sorted(maps.Keys(p)) {
		if p[id].Org == org && p[id].State != account.Deleted {
			out = append(out, p[id])
		}
	}
	return out, nil
}

// server is the API over real HTTP, with a clock that goes a second with each look.
type server struct {
	*httptest.Server
	t     *testing.T
	spec  *zohospec.Spec
	crm   *crm.CRM
	now   time.Time
	links *fakeLinks
	folk  people
}

func newServer(t *testing.T) *server {
	t.Helper()
	return newServerOn(t, newStore(t))
}

func newServerOn(t *testing.T, records crm.Store) *server {
	t.Helper()
	s := &server{t: t, now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), links: &fakeLinks{}}
	clock := func() time.Time { s.now = s.now.Add(time.Millisecond); return s.now }
	folk := newPeople()
	s.folk = folk
	active := func(ctx context.Context, org, id record.ID) (bool, error) {
		u, err := folk.User(ctx, org, id)
		return u.State == account.Active, err
	}
	s.crm = crm.New(records, active, clock).WithPictures(&memcrm.Pictures{})
	s.Server = httptest.NewServer(&crmapi.API{
		CRM: s.crm, Accounts: folk, Links: s.links, Switch: s.links, Now: clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		ConsentURL: func(context.Context, account.User, record.Kind) string { return "https://tandem.example/consent" },
		Paid:       func(o account.Organization) bool { return o.Edition == "paid" },
		Expressible: func(rule recur.Rule, _ time.Time) error { // as package outlook answers, of these rules
			if len(rule.ByMonthDay) > 1 {
				return fault.Wrong(fault.NotExpressible, "recurrence", "outlook: Microsoft 365 has no such repetition: it names several days")
			}
			return nil
		},
	})
	t.Cleanup(s.Close)
	return s
}

// newStore is the real one, on SQLite, with two organizations.
func newStore(t *testing.T) crm.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "tandem.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []record.ID{contoso, fabrikam} {
		o, err := s.Accounts().CreateOrganization(t.Context(), account.Organization{Name: "Contoso", TenantID: want.String()})
		if err != nil || o.ID != want {
			t.Fatalf("organization %s, %v, want %s", o.ID, err, want)
		}
	}
	return s.Records()
}

// may gives a user other permissions.
func (s *server) may(who record.ID, change func(*account.Permissions)) {
	u := s.folk[who]
	change(&u.May)
	s.folk[who] = u
}

// withSpec lets every answer be held against Zoho's description.
func (s *server) withSpec() *server {
	s.t.Helper()
	s.spec = zohospec.Open(s.t)
	return s
}

// reply is an answer, taken apart.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	json   any
}

// do asks as a user. header is name, value, ...
func (s *server) do(who record.ID, method, uri, body string, header ...string) reply {
	s.t.Helper()
	req, err := http.NewRequest(method, s.URL+uri, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if who != 0 {
		req.Header.Set("Authorization", "Zoho-oauthtoken token-"+who.String())
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	r := reply{t: s.t, status: resp.StatusCode, header: resp.Header, text: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &r.json); err != nil {
			s.t.Fatalf("%s %s: the answer is no JSON: %v\n%s", method, uri, err, raw)
		}
	}
	if s.spec != nil {
		if err := s.spec.ValidateAnswer(method, uri, r.status, r.header, raw); err != nil {
			s.t.Error(err)
		}
	}
	return r
}

// at gives what stands at a path such as data.0.details.id, as text; "" if there is nothing.
func (r reply) at(path string) string {
	now := r.json
	for key := range strings.SplitSeq(path, ".") {
		switch v := now.(type) {
		case map[string]any:
			now = v[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(v) {
				return ""
			}
			now = v[i]
		default:
			return ""
		}
	}
	switch v := now.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, _ := json.Marshal(now)
	return string(text)
}

// wants checks the status and the values at paths: path, value, ...
func (r reply) wants(status int, pairs ...string) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Errorf("status %d, want %d\n%s", r.status, status, r.text)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := r.at(pairs[i]); got != pairs[i+1] {
			r.t.Errorf("%s: got %s, want %s\n%s", pairs[i], got, pairs[i+1], r.text)
		}
	}
	return r
}

// add inserts one record and gives its id.
func (s *server) add(who record.ID, module, fields string) string {
	s.t.Helper()
	return s.do(who, "POST", "/crm/v8/"+module, `{"data":[`+fields+`]}`).wants(201, "data.0.code", "SUCCESS").at("data.0.details.id")
}
