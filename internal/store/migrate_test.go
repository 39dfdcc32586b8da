package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/testkit/pgtest"
)

// A database that was made by the first migration alone, with people in it, goes on with all its people.
func TestMigratingADatabaseOfPeople(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{
		"SQLite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "tandem.db") },
		"Postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s, err := Open(ctx, url(t), Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			upTo(t, s, 1)
			for _, text := range []string{
				`INSERT INTO organizations (id, name, tenant_id, edition, zone, locale, created) VALUES (1000001, 'Old', 'tenant', 'enterprise', 'UTC', 'en', 5)`,
				`UPDATE counters SET value = 1000001 WHERE name = 'organization'`,
				`INSERT INTO users (id, org_id, email, email_key, first_name, last_name, name_key, profile, state, zone, locale, created, last_sign_in, tenant_id, object_id)
					VALUES (7, 1000001, 'Ana@x.example', 'ana@x.example', 'Ana', '', 'ana', 'Super Admin', 'active', '', '', 1700000000000000, 0, 'tenant', 'ana'),
					(8, 1000001, 'bob@x.example', 'bob@x.example', 'Bob', '', 'bob', 'Standard', 'deactivated', '', '', 1700000000000000, 0, '', '')`,
				`INSERT INTO tokens (hash, org_id, user_id, created) VALUES ('0102', 1000001, 7, 5)`,
				`INSERT INTO links (id, org_id, user_id, kind, state, reason, container, container_name, microsoft_cursor, crm_cursor, settled, subscription,
					subscription_ends, wanted, done, queued_at, fence, lease_until, opened_state, opened_deletes_ok, deletes_ok, last_run, last_error,
					since, first_total, first_done, known, synced, waiting, failing, excluded, seq)
					VALUES (1, 1000001, 7, 'contacts', 'on', '', 'folder', 'Tandem', 'm', 'c', 1, '', 0, 3, 3, 0, 3, 0, 'on', 0, 0, 5, '', 5, 2, 2, 2, 2, 0, 0, 0, 4),
					(2, 1000001, 8, 'contacts', 'paused', 'consent_required', 'other', 'Tandem', 'm', 'c', 1, '', 0, 3, 3, 0, 3, 0, 'on', 0, 0, 5, '', 5, 2, 2, 2, 2, 0, 0, 0, 4)`,
				`INSERT INTO contacts (id, org_id, owner_id, version, seq, source, mass_updated, token, created_at, created_by, modified_at, modified_by,
					deleted_at, deleted_by, name, search, fields)
					VALUES (1000001000000000001, 1000001, 7, 1, 1, '', 0, '', 5, 7, 5, 7, 0, 0, '', '', '{"Last_Name":"Lee","Email":"Kim@X.example"}'),
					(1000001000000000002, 1000001, 7, 1, 2, '', 0, '', 5, 7, 5, 7, 9, 7, '', '', '{"Last_Name":"Gone","Email":"kim@x.example"}')`,
				`INSERT INTO link_settings (link_id, org_id, policy, mapping) VALUES (1, 1000001, '{}', ''), (2, 1000001, '{}', '')`,
			} {
				if err := s.write(ctx, func(tx *Tx) error { return second(tx.change(text)) }); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			accounts := s.Accounts()
			ana, err := accounts.UserByToken(ctx, []byte{1, 2})
			if err != nil || ana.ID != 7 || ana.May != account.SuperAdmin.Permissions() || !ana.Terms.Equal(ana.Created) || ana.Terms.IsZero() {
				t.Errorf("the active user is %+v, %v", ana, err)
			}
			bob, err := accounts.UserByEmail(ctx, 1000001, "bob@x.example")
			if err != nil || bob.May != account.Standard.Permissions() || !bob.Terms.IsZero() {
				t.Errorf("the deactivated user is %+v, %v", bob, err)
			}
			links, err := s.Links().LinksIn(ctx, 1000001)
			if err != nil || len(links) != 2 || links[0].Mailbox != ana.Identity.Mailbox() || links[0].Known != 2 || links[1].Mailbox != "" {
				t.Errorf("the links are %+v, %v", links, err)
			}
			if o, err := accounts.OrganizationByTenant(ctx, "tenant"); err != nil || !o.Consented.IsZero() || len(o.Scopes) != 0 {
				t.Errorf("the organization is %+v, %v", o, err)
			}
			if _, err := accounts.CreateUser(ctx, account.User{Org: 1000001, Email: "ANA@x.example"}); !fault.Is(err, fault.Conflict) {
				t.Errorf("the address of somebody: %v", err)
			}
			keys, err := s.Records().ContactsByKey(ctx, 1000001, 7, []string{"@kim@x.example"})
			if err != nil || len(keys["@kim@x.example"]) != 1 || keys["@kim@x.example"][0] != 1000001000000000001 {
				t.Errorf("the contact of an address is %v, %v", keys, err)
			}
			bob.State = account.Deleted
			if err := accounts.UpdateUser(ctx, bob); err != nil {
				t.Fatal(err)
			}
			if _, err := accounts.CreateUser(ctx, account.User{Org: 1000001, Email: "bob@x.example"}); err != nil {
				t.Errorf("the address of somebody who was deleted: %v", err)
			}
		})
	}
}

// upTo brings the tables to an earlier state of this program.
func upTo(t *testing.T, s *Store, version int64) {
	t.Helper()
	dialect, words, translate := goose.DialectSQLite3, liteWords, toSQLite
	if s.Postgres() != nil {
		dialect, words, translate = goose.DialectPostgres, pgWords, toPostgres
	}
	all, err := steps(words, translate)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.migrate(t.Context(), func(ctx context.Context, db *sql.DB) error {
		provider, err := goose.NewProvider(dialect, db, nil, goose.WithGoMigrations(all...), goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return err
		}
		return second(provider.UpTo(ctx, version))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context(), func(tx *Tx) error { return second(tx.change(`SELECT terms FROM users`)) }); err == nil || !strings.Contains(err.Error(), "terms") {
		t.Fatalf("the tables are newer than that: %v", err)
	}
}

// second is the error of a call with a result.
func second[T any](_ T, err error) error { return err }

// Contacts of a database from before migration 24 are found by the organization's own fields that are in use, and by no others.
func TestMigratingWhatContactsAreFoundBy(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{
		"SQLite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "tandem.db") },
		"Postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s, err := Open(ctx, url(t), Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			org, err := s.Accounts().CreateOrganization(ctx, account.Organization{Name: "Old", Zone: "UTC", Locale: "en", Edition: account.Enterprise})
			if err != nil {
				t.Fatal(err)
			}
			made, err := s.Records().Insert(ctx, crm.Author{Org: org.ID, User: 7}, []crm.Record{
				{Org: org.ID, Kind: record.Contacts, Owner: 7, Fields: record.Fields{record.LastName: "Lee", "Animal": "Zebra", "Plant": "Fern"}},
				{Org: org.ID, Kind: record.Contacts, Owner: 7, Fields: record.Fields{record.LastName: "Kim"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			// As if those fields had been there when nobody looked for them.
			for _, text := range []string{
				`INSERT INTO custom_fields (id, org_id, kind, name, label, type, choices, state, created_at, created_by)
					VALUES (1, ?, 'contacts', 'Animal', 'Animal', 'text', '', 'used', 5, 7)`,
				`INSERT INTO custom_fields (id, org_id, kind, name, label, type, choices, state, created_at, created_by)
					VALUES (2, ?, 'contacts', 'Plant', 'Plant', 'text', '', 'unused', 5, 7)`,
			} {
				if err := s.write(ctx, func(tx *Tx) error { return second(tx.change(text, int64(org.ID))) }); err != nil {
					t.Fatal(err)
				}
			}
			finds := func(word string) string {
				got, err := s.Records().Records(ctx, org.ID, record.Contacts, crm.Query{Search: word})
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, r := range got {
					names = append(names, string(r.Fields[record.LastName]))
				}
				return strings.Join(names, " ")
			}
			if got := finds("zebra"); got != "" {
				t.Fatalf("before the migration: %q", got)
			}
			dialect := toSQLite
			if s.Postgres() != nil {
				dialect = toPostgres
			}
			if err := s.db.migrate(ctx, func(ctx context.Context, db *sql.DB) error {
				tx, err := db.BeginTx(ctx, nil)
				if err != nil {
					return err
				}
				if err := makeOwnSearch(ctx, tx, dialect); err != nil {
					return errors.Join(err, tx.Rollback())
				}
				return tx.Commit()
			}); err != nil {
				t.Fatal(err)
			}
			for word, want := range map[string]string{"zebra": "Lee", "fern": "", "lee": "Lee", "kim": "Kim"} {
				if got := finds(word); got != want {
					t.Errorf("%q finds %q, expected %q", word, got, want)
				}
			}
			if now, err := s.Records().ByID(ctx, org.ID, record.Contacts, []record.ID{made[0].ID}); err != nil || now[made[0].ID].Version != 1 {
				t.Errorf("the contact is %+v, %v", now, err)
			}
		})
	}
}
