package store_test

import (
	"path/filepath"
	"testing"

	"tandem/internal/account"
	"tandem/internal/fault"
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
