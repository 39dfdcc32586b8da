package realdata

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/crmapi"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/testkit/memcrm"
)

// adele is the only person there is; every token is hers.
type adele struct{}

var person1 = account.User{ID: 11, Org: 1, FirstName: "Adele", Email: "adele@contoso.example", Profile: account.Standard,
	State: account.Active, Zone: "America/Sao_Paulo", May: account.Standard.Permissions()}

func (adele) UserByToken(context.Context, []byte) (account.User, error) { return person1, nil }
func (adele) Organization(_ context.Context, id record.ID) (account.Organization, error) {
	return account.Organization{ID: id}, nil
}
func (adele) User(_ context.Context, _, id record.ID) (account.User, error) {
	if id != person1.ID {
		return account.User{}, fault.New(fault.NotFound, "", "nobody")
	}
	return person1, nil
}
func (adele) People(context.Context, record.ID, account.PeopleQuery) ([]account.User, error) {
	return []account.User{person1}, nil
}

// newCRM is the API over HTTP on records in memory.
func newCRM(t *testing.T) *Service {
	t.Helper()
	c := crm.New(memcrm.New(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, time.Now)
	anyRule := func(recur.Rule, time.Time) error { return nil } // nobody syncs here
	s := httptest.NewServer(&crmapi.API{
		CRM: c, Accounts: adele{}, Expressible: anyRule, Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	t.Cleanup(s.Close)
	return &Service{URL: s.URL, Token: "x", HTTP: s.Client()}
}

// Every event and card of the real files becomes a record of the CRM, and the CRM answers what it was given.
func TestRealDataGoesThroughTheAPI(t *testing.T) {
	t.Parallel()
	report, err := Run(t.Context(), Options{CRM: newCRM(t), Calendars: folder(t, "calendars"), Contacts: folder(t, "contacts"),
		Tell: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	n := report.Totals()
	if n.Refused > 0 || n.Different > 0 || n.Inserted != n.Records || n.Same != n.Records {
		t.Errorf("%+v", n)
	}
	for _, e := range report.Entries {
		for _, p := range e.Plans {
			if p.Refused != "" || len(p.Diffs) > 0 {
				t.Errorf("%s %d %s: refused %q, %+v", e.File, e.Place, e.Name, p.Refused, p.Diffs)
			}
		}
	}
	if sum := n.Carried + total(n.Reasons); sum != n.Properties {
		t.Errorf("%d properties, %d accounted for", n.Properties, sum)
	}
	var md, js bytes.Buffer
	if err := report.Markdown(&md); err != nil || !strings.Contains(md.String(), "| inserted |") {
		t.Errorf("the report: %v\n%.500s", err, md.String())
	}
	if err := report.JSON(&js); err != nil {
		t.Error(err)
	}
	t.Logf("%+v", n)
}

func total(counts map[Reason]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// A run that takes longer than one looks away is waited for, however long its counts stay the same, and so is one that began
// after the links were woken.
func TestSettleWaitsForRunsThatTakeLong(t *testing.T) {
	t.Parallel()
	const slow = 20 // looks that the run under way takes
	var mu sync.Mutex
	looks, wakes, synced, ended := 0, 0, 0, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost { // whoever wakes it during the first run has it served by the next
			if wakes++; looks > slow {
				synced, ended = 40, fmt.Sprint("run ", wakes)
			}
			w.WriteHeader(http.StatusAccepted)
			return
		}
		if looks++; looks == slow {
			synced, ended = 20, "the run that was under way"
		}
		last := "null"
		if ended != "" {
			last = `"` + ended + `"`
		}
		fmt.Fprintf(w, `[{"id":"1","kind":"contacts","state":"on","synced":%d,"last_run":%s}]`, synced, last)
	}))
	t.Cleanup(s.Close)
	links, err := (&Service{URL: s.URL, HTTP: s.Client()}).settle(t.Context(), time.Minute, time.Millisecond, 5*time.Millisecond, func(string) {})
	if err != nil || len(links) != 1 || links[0].Synced != 40 {
		t.Errorf("settled after %d looks: %+v, %v", looks, links, err)
	}
}

// folder is where real files are, beside the repository.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("there are no real files in %s", dir)
	}
	return dir
}
