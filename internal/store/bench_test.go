package store_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/testkit/pgtest"
)

// bench is a store with one user and their link.
type bench struct {
	*store.Store
	by   crm.Author
	link *reconcile.Link
}

func eachStore(b *testing.B, run func(b *testing.B, s *bench)) {
	for name, url := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "tandem.db") },
		"Postgres": pgtest.URL,
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b, url(b), store.Options{})
			ctx := b.Context()
			o := check(s.Accounts().CreateOrganization(ctx, account.Organization{}))(b)
			u := check(s.Accounts().CreateUser(ctx, account.User{Org: o.ID}))(b)
			l := check(s.Links().CreateLink(ctx, reconcile.Link{Org: o.ID, User: u.ID, Kind: record.Contacts, State: reconcile.On,
				Mapping: mapping.Default(record.Contacts)}))(b)
			l = check(s.Ledger().Open(ctx, l.ID, time.Now(), time.Hour))(b)
			run(b, &bench{s, crm.Author{Org: o.ID, User: u.ID}, l})
		})
	}
}

func check[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var syllables = []string{"ma", "ri", "jo", "ão", "sil", "va", "cos", "ta", "pe", "rei", "ra", "lu", "an", "dré", "sou", "za", "li", "ma"}

func word(r *rand.Rand, n int) (s string) {
	for range n {
		s += syllables[r.IntN(len(syllables))]
	}
	return s
}

func (s *bench) contacts(n, seed int) []crm.Record {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	out := make([]crm.Record, n)
	for i := range out {
		first, last := word(r, 3), word(r, 4)
		out[i] = crm.Record{Kind: record.Contacts, Owner: s.by.User, Source: record.Manual, CreatedAt: time.Now(), ModifiedAt: time.Now(),
			Fields: record.Fields{record.FirstName: record.Value(first), record.LastName: record.Value(last),
				record.EmailField: record.Value(fmt.Sprintf("%s.%s@contoso.example", first, last)), record.AccountName: record.Value(word(r, 5)),
				record.Mobile: record.Value(fmt.Sprintf("+55 11 9%04d-%04d", r.IntN(10000), r.IntN(10000))), record.Title: "Engenheiro",
				record.MailingCity: "São Paulo", record.MailingCountry: "Brasil", record.Description: record.Value(word(r, 30))}}
	}
	return out
}

func (s *bench) fill(b *testing.B, n int) []crm.Record {
	var all []crm.Record
	for i := 0; i < n; i += 1000 {
		all = append(all, check(s.Records().Insert(b.Context(), s.by, s.contacts(min(1000, n-i), i)))(b)...)
	}
	return all
}

func rate(b *testing.B, rows int) {
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{1, 20, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			eachStore(b, func(b *testing.B, s *bench) {
				rows := s.contacts(size, 1)
				for b.Loop() {
					check(s.Records().Insert(b.Context(), s.by, rows))(b)
				}
				rate(b, size)
			})
		})
	}
}

func BenchmarkSettle(b *testing.B) {
	for _, size := range []int{1, 20, 200} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			eachStore(b, func(b *testing.B, s *bench) {
				n := 0
				fields := s.contacts(size, 1)
				for b.Loop() {
					intents, entries := make([]reconcile.Intent, size), make([]reconcile.Entry, size)
					for i := range size {
						n++
						ref := record.ID(n).Ref()
						intents[i] = reconcile.Intent{Token: "t-" + string(ref), Side: reconcile.InMicrosoft, From: ref}
						entries[i] = reconcile.Entry{
							Pair: reconcile.Pair{CRM: ref, CRMVersion: "1", MicrosoftVersion: `W/"EQAAABYAAABuLyMC8"`, Base: fields[i].Fields, State: reconcile.Synced, Token: "t-" + string(ref),
								Microsoft: "AAMkAGUzYzY3ZWRiLTQ4ZmQtNGU0My1hZDVkLTQ2ZTYwZjM1YjQ4YwBGAAAAAACRlqkDl5dVTa3vqYyQ4m8oBwDXXzAAAAAAEOAADXXz" + ref},
							History: []reconcile.HistoryLine{{At: time.Now(), CRM: ref, Side: reconcile.InMicrosoft, Action: reconcile.Created, Reason: reconcile.NewInCRM}},
						}
					}
					batch := check(s.Ledger().Intend(b.Context(), s.link, intents))(b)
					if err := s.Ledger().Settle(b.Context(), s.link, batch, entries); err != nil {
						b.Fatal(err)
					}
				}
				rate(b, size)
			})
		})
	}
}

func BenchmarkPages(b *testing.B) {
	eachStore(b, func(b *testing.B, s *bench) {
		all := s.fill(b, 100_000)
		if pool := s.Postgres(); pool != nil {
			if _, err := pool.Exec(b.Context(), "VACUUM ANALYZE contacts"); err != nil {
				b.Fatal(err)
			}
		}
		last := all[len(all)-1].Seq
		ids := make([]record.ID, 50)
		for i := range ids {
			ids[i] = all[i*999].ID
		}
		for _, row := range []struct {
			name string
			do   func() error
		}{
			{"name", s.page(b, crm.Query{Sort: crm.ByName, Limit: 50})},
			{"name-own", s.page(b, crm.Query{Owner: s.by.User, Sort: crm.ByName, Limit: 50})},
			{"name-own-deep", s.page(b, crm.Query{Owner: s.by.User, Sort: crm.ByName, Limit: 50, Offset: 99_000})},
			{"modified-desc", s.page(b, crm.Query{Sort: crm.ByModified, Descending: true, Limit: 50})},
			{"created-own", s.page(b, crm.Query{Owner: s.by.User, Sort: crm.ByCreated, Limit: 50})},
			{"id-own", s.page(b, crm.Query{Owner: s.by.User, Limit: 50})},
			{"id-deep", s.page(b, crm.Query{Limit: 50, Offset: 99_000})},
			{"search-common", s.page(b, crm.Query{Search: "silva", Sort: crm.ByName, Limit: 50})},
			{"search-rare", s.page(b, crm.Query{Search: "silvacostamajo", Sort: crm.ByName, Limit: 50})},
			{"search-rare-own", s.page(b, crm.Query{Owner: s.by.User, Search: "silvacostamajo", Sort: crm.ByName, Limit: 50})},
			{"count", func() error {
				_, err := s.Records().Count(b.Context(), s.by.Org, record.Contacts, crm.Query{})
				return err
			}},
			{"count-own", func() error {
				_, err := s.Records().Count(b.Context(), s.by.Org, record.Contacts, crm.Query{Owner: s.by.User})
				return err
			}},
			{"count-search", func() error {
				_, err := s.Records().Count(b.Context(), s.by.Org, record.Contacts, crm.Query{Search: "silva"})
				return err
			}},
			{"byid-50", func() error { _, err := s.Records().ByID(b.Context(), s.by.Org, record.Contacts, ids); return err }},
			{"touched-none", func() error {
				_, err := s.Records().Touched(b.Context(), s.by.Org, record.Contacts, s.by.User, last, 200)
				return err
			}},
			{"first-sync-200", func() error {
				_, err := s.Records().FirstSync(b.Context(), s.by.Org, record.Contacts, s.by.User, false, "", time.Now(), 5000, 200)
				return err
			}},
			{"standing", func() error { _, err := s.Links().Standing(b.Context(), s.by.Org, s.link.ID); return err }},
		} {
			b.Run(row.name, func(b *testing.B) {
				for b.Loop() {
					if err := row.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

func (s *bench) page(b *testing.B, q crm.Query) func() error {
	return func() error {
		_, err := s.Records().Records(b.Context(), s.by.Org, record.Contacts, q)
		return err
	}
}

func BenchmarkQuietRun(b *testing.B) {
	eachStore(b, func(b *testing.B, s *bench) {
		for b.Loop() {
			s.link.Done = s.link.Wanted
			if err := s.Ledger().Close(b.Context(), s.link); err != nil {
				b.Fatal(err)
			}
			s.link = check(s.Ledger().Open(b.Context(), s.link.ID, time.Now(), time.Hour))(b)
			check(s.Ledger().OpenIntents(b.Context(), s.link))(b)
			check(s.Ledger().PairsInState(b.Context(), s.link, reconcile.Parked, time.Now(), 0, 100))(b)
			check(s.Ledger().PairsInState(b.Context(), s.link, reconcile.Intended, time.Now(), 0, 100))(b)
		}
	})
}

func BenchmarkWake(b *testing.B) {
	eachStore(b, func(b *testing.B, s *bench) {
		for b.Loop() {
			if err := s.Links().Wake(b.Context(), s.link.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}
