package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"log/slog"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"tandem/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// The words in double braces that migrations leave to the database.
var (
	liteWords = strings.NewReplacer("{{id}}", "INTEGER PRIMARY KEY", "{{text}}", "TEXT", "{{bytes}}", "BLOB", "{{clustered}}", " WITHOUT ROWID",
		"{{who}}", "CAST(json_extract(fields, '$.Who_Id') AS INTEGER)",
		"{{trigrams contacts}}", trigrams("contacts"), "{{trigrams events}}", trigrams("events"))
	pgWords = strings.NewReplacer("{{id}}", "BIGINT PRIMARY KEY", "{{text}}", `TEXT COLLATE "C"`, "{{bytes}}", "BYTEA", "{{clustered}}", "",
		"{{who}}", "CAST(CAST(fields AS json) ->> 'Who_Id' AS BIGINT)",
		"{{trigrams contacts}}", "", "{{trigrams events}}", "")
)

// trigrams makes the table in which SQLite looks for the records that may have a word: see search.go.
func trigrams(table string) string {
	return fmt.Sprintf("CREATE VIRTUAL TABLE %s_search USING fts5 (search, content='', contentless_delete=1, tokenize='trigram', detail='none');", table)
}

// Migrate brings the tables, and those of the job queue, to the state that this program expects. Migrations are the
// numbered files in migrations/; they only go forward, and one that has been published is never changed.
func (s *Store) Migrate(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "store: migrate")
	dialect, words, translate := goose.DialectSQLite3, liteWords, toSQLite
	if s.Postgres() != nil {
		dialect, words, translate = goose.DialectPostgres, pgWords, toPostgres
	}
	steps, err := steps(words, translate)
	if err != nil {
		return err
	}
	return s.db.migrate(ctx, func(ctx context.Context, db *sql.DB) error {
		provider, err := goose.NewProvider(dialect, db, nil, goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return err
		}
		if _, err := provider.Up(ctx); err != nil {
			return err
		}
		return s.migrateJobs(ctx)
	})
}

func (s *Store) migrateJobs(ctx context.Context) error {
	if pool := s.Postgres(); pool != nil {
		m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	}
	m, err := rivermigrate.New(riversqlite.New(s.SQLite()), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// fillings are what SQL alone cannot do: they follow the file of their number, in its transaction.
var fillings = map[int64]func(ctx context.Context, tx *sql.Tx, dialect func(text string) string) error{
	5:  makeContactKeys,
	10: makeContactKeys,
	16: makeSortKeys,
	24: makeOwnSearch,
}

func steps(words *strings.Replacer, dialect func(text string) string) ([]*goose.Migration, error) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var out []*goose.Migration
	for _, f := range files {
		digits, _, _ := strings.Cut(f.Name(), "_")
		version, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number", f.Name())
		}
		text, err := migrations.ReadFile(path.Join("migrations", f.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, words.Replace(string(text))); err != nil {
				return err
			}
			if fill, ok := fillings[version]; ok {
				return fill(ctx, tx, dialect)
			}
			return nil
		}}, nil))
	}
	return out, nil
}
