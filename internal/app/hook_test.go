package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/pgtest"
)

// TestS6_FF86_ANotificationIsNeverTakenThatCouldNotBeStored calls the webhook while somebody else holds the database: Microsoft is asked to
// call again, and nobody waits for the database. Once it is free, what came meanwhile is stored all the same, and 202 says that a wake is stored.
func TestS6_FF86_ANotificationIsNeverTakenThatCouldNotBeStored(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "tandem.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, stop := startDemoAt(t, url(t))
			defer stop()
			adele := d.client("adele")
			adele.switchOn("contacts")
			d.atRest()
			var link *reconcile.Link
			links, err := d.app.Store.Links().LinksOf(t.Context(), adele.user().Org, adele.user().ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range links {
				if l.Kind == record.Contacts {
					link = &l
				}
			}
			notify := func() int {
				body := fmt.Sprintf(`{"value":[{"clientState":%q,"changeType":"updated"}]}`, d.seal().State(link.ID))
				resp, err := http.Post(d.url+"/hooks/graph", "application/json", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return 0
				}
				resp.Body.Close()
				return resp.StatusCode
			}
			wanted := func() int64 {
				l, err := d.app.Store.Links().Link(t.Context(), link.Org, link.ID)
				if err != nil {
					t.Fatal(err)
				}
				return l.Wanted
			}

			free := d.hold()
			before := wanted()
			var callers sync.WaitGroup
			for range 20 {
				callers.Go(func() {
					began := time.Now()
					if got := notify(); got != http.StatusServiceUnavailable {
						t.Errorf("while the database is held: %d", got)
					}
					if took := time.Since(began); took > time.Second { // 100 ms, and a machine that is busy
						t.Errorf("while the database is held: answered after %v", took)
					}
				})
			}
			callers.Wait()
			free()
			d.eventually("what was not stored in time is stored", func() bool { return wanted() > before })
			before = wanted()
			d.eventually("it can be stored again", func() bool { return notify() == http.StatusAccepted })
			if now := wanted(); now <= before {
				t.Errorf("202, and wanted is %d, as before", now)
			}
			d.atRest()
		})
	}
}

// seal is that of the demo's notifications.
func (d *demo) seal() *outlook.Seal { return outlook.NewSeal([]byte(demoKey)) }

// hold keeps everybody from writing links, as a process does that hangs in a transaction, until free is called.
func (d *demo) hold() (free func()) {
	d.t.Helper()
	if pool := d.app.Store.Postgres(); pool != nil {
		tx, err := pool.Begin(context.Background())
		if err == nil {
			_, err = tx.Exec(context.Background(), `LOCK TABLE links IN EXCLUSIVE MODE`)
		}
		if err != nil {
			d.t.Fatal(err)
		}
		return func() { _ = tx.Rollback(context.Background()) }
	}
	other, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(d.database, "sqlite:")+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		d.t.Fatal(err)
	}
	tx, err := other.Begin()
	if err != nil {
		d.t.Fatal(err)
	}
	return func() { _ = tx.Rollback(); _ = other.Close() }
}

// TestS6_NotificationsAreTakenWhileTheDatabaseIsBusy: people write as fast as they can, and every notification is taken, at the
// latest when Graph, told that it could not be, sends it again.
func TestS6_NotificationsAreTakenWhileTheDatabaseIsBusy(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	links, err := d.app.Store.Links().LinksOf(t.Context(), adele.user().Org, adele.user().ID)
	if err != nil || len(links) != 1 {
		t.Fatal(links, err)
	}
	done := make(chan struct{})
	var people sync.WaitGroup
	goHome := sync.OnceFunc(func() { close(done); people.Wait() })
	defer goHome()
	for i := range 2 {
		people.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				var many []doc
				for j := range 50 {
					many = append(many, doc{"Last_Name": fmt.Sprint("Silva ", i, " ", n, " ", j)})
				}
				adele.insert("Contacts", many...)
			}
		})
	}
	body := fmt.Sprintf(`{"value":[{"clientState":%q,"changeType":"updated"}]}`, d.seal().State(links[0].ID))
	var slowest time.Duration
	for taken, refused := 0, 0; taken < 40; {
		began := time.Now()
		resp, err := http.Post(d.url+"/hooks/graph", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		slowest = max(slowest, time.Since(began))
		switch {
		case resp.StatusCode == http.StatusAccepted:
			taken++
		case resp.StatusCode == http.StatusServiceUnavailable && refused < 40:
			refused++
			time.Sleep(100 * time.Millisecond) // Graph waits longer
		default:
			t.Fatalf("while others write: %d, after %d taken and %d to come again", resp.StatusCode, taken, refused)
		}
	}
	goHome()
	t.Logf("the slowest answer took %v", slowest)
	d.atRest()
}
