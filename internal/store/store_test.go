package store_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/store/storetest"
	"tandem/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t testing.TB, o store.Options) *store.Store {
		return open(t, "sqlite:"+filepath.Join(t.TempDir(), "a b?c#d.db"), o)
	})
}

func TestPostgres(t *testing.T) {
	pgtest.URL(t) // skips
	storetest.Run(t, func(t testing.TB, o store.Options) *store.Store {
		o.MaxConns = 10
		return open(t, pgtest.URL(t), o)
	})
}

func open(t testing.TB, url string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestADatabaseElsewhereProvesItself: to another machine, passwords and records travel by TLS only, to whoever has its certificate, unless
// the address says in so many words that they do not.
func TestADatabaseElsewhereProvesItself(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	t.Setenv("PGHOST", "")
	for url, ok := range map[string]bool{
		"sqlite:tandem.db":                                true,
		"postgres://u:p@localhost/x":                      true,
		"postgres://u:p@127.0.0.1/x":                      true,
		"postgres://u:p@[::1]/x":                          true,
		"postgres://u@/x?host=/run/postgresql":            true,
		"postgres://u:p@db.example/x":                     false,
		"postgres://u:p@db/x?sslmode=":                    false,
		"postgres://u:p@10.0.0.1/x?sslmode=allow":         false,
		"postgres://u:p@db.example/x?sslmode=prefer":      false,
		"postgres://u:p@db.example/x?sslmode=verify-ca":   true,
		"postgres://u:p@db.example/x?sslmode=verify-full": true,
		"postgresql://u:p@localhost,db.example/x":         false,
	} {
		if err := store.CheckAddress(url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		} else if err != nil && strings.Contains(err.Error(), ":p@") {
			t.Errorf("the password is told: %v", err)
		}
		if ok {
			if host := store.Unproved(url); host != "" {
				t.Errorf("%s leads to %s", url, host)
			}
			continue
		}
		if db, err := store.Open(t.Context(), url, store.Options{}); err == nil || !strings.Contains(err.Error(), "another machine") {
			t.Errorf("%s is opened: %v", url, err)
			if err == nil {
				_ = db.Close()
			}
		}
	}
}

func TestADatabaseElsewhereByTheOperatorsWord(t *testing.T) {
	for _, mode := range []string{"disable", "require"} {
		url := "postgres://u:p@db/x?sslmode=" + mode
		if err := store.CheckAddress(url); err != nil || store.Unproved(url) != "db" {
			t.Errorf("%s: %v, it leads to %q", url, err, store.Unproved(url))
		}
		t.Setenv("PGSSLMODE", mode)
		if err := store.CheckAddress("postgres://u:p@db/x"); err != nil {
			t.Errorf("PGSSLMODE=%s: %v", mode, err)
		}
	}
}

func TestAnotherSecretKey(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "tandem.db")
	s := open(t, url, store.Options{SecretKey: storetest.Key})
	o, err := s.Accounts().CreateOrganization(t.Context(), account.Organization{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.Accounts().CreateUser(t.Context(), account.User{Org: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Accounts().SaveGrant(t.Context(), account.Grant{Org: o.ID, User: u.ID, Refresh: "r"}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{storetest.Key + "!", ""} {
		other := open(t, url, store.Options{SecretKey: key})
		if _, err := other.Accounts().Grant(t.Context(), o.ID, u.ID); !fault.Is(err, fault.Broken) || fault.ReasonOf(err) != fault.CannotUnseal {
			t.Errorf("with key %q: %v", key, err)
		}
	}
}

func TestTwoProcessesOnOneFile(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "tandem.db")
	stores := []*store.Store{open(t, url, store.Options{}), open(t, url, store.Options{})}
	o, err := stores[0].Accounts().CreateOrganization(t.Context(), account.Organization{})
	if err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	for _, s := range stores {
		writing.Go(func() {
			for range 50 {
				if _, err := s.Records().Insert(t.Context(), crm.Author{Org: o.ID}, []crm.Record{{Kind: record.Contacts, Owner: 1}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	if seq, err := stores[1].Records().Seq(t.Context(), o.ID); err != nil || seq != 100 {
		t.Errorf("seq is %d, %v", seq, err)
	}
}

func TestALostConnectionIsUnavailable(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.URL(t), store.Options{})
	_, err := s.Postgres().Exec(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
	if err == nil {
		t.Fatal("the connection survived")
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("a new connection is not made: %v", err)
	}
	if _, err := store.Open(t.Context(), "postgres://nobody@/none?host=/nowhere", store.Options{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a server that is not there: %v", err)
	}
}
