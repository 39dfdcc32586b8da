package store

import (
	"context"
	"strconv"
	"strings"

	"tandem/internal/fault"
)

// Form tells the number of the last migration that the database has seen (0: it is empty), and that of the last one that this
// program knows. It changes nothing.
func (s *Store) Form(ctx context.Context) (has, wants int64, err error) {
	defer fault.Wrap(&err, "store: look at the form")
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return 0, 0, err
	}
	digits, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	if wants, err = strconv.ParseInt(digits, 10, 64); err != nil {
		return 0, 0, err
	}
	table := `SELECT COUNT(*) FROM sqlite_master WHERE name = 'goose_db_version'`
	if s.Postgres() != nil {
		table = `SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'goose_db_version' AND table_schema = CURRENT_SCHEMA`
	}
	there, _, err := first(ctx, s.db, column[int64], table)
	if err != nil || there == 0 {
		return 0, wants, err
	}
	has, _, err = first(ctx, s.db, column[int64], `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`)
	return has, wants, err
}
