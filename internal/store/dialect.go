package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tandem/internal/fault"
)

// database is one of the two kinds of database. As a querier it only reads.
//
// Statements are written in what both understand, with ? for an argument. Four words are translated: IN (?*) takes a
// list (of type ints or texts); FOR UPDATE, of which SQLite has no need, because it has one writer; FIELD(?) is the value of
// the field with that name in the column fields, NULL where it is empty; FOLDED(?) is the same as func fold makes it.
type database interface {
	querier
	// begin starts a transaction that may write.
	begin(ctx context.Context) (*Tx, error)
	// trigrams says that there are tables of trigrams: see search.go.
	trigrams() bool
	migrate(ctx context.Context, do func(ctx context.Context, db *sql.DB) error) error
	close() error
}

type querier interface {
	query(ctx context.Context, text string, args ...any) (rows, error)
	// exec runs a statement and returns how many rows it changed.
	exec(ctx context.Context, text string, args ...any) (int64, error)
	// insert stores the rows of a batch.
	insert(ctx context.Context, b *batch) error
	// update changes the rows whose first column is that of a row of the batch. Rows that are not there are passed over.
	update(ctx context.Context, b *batch) error
}

type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	close()
}

// handles are what jobs need of a transaction.
type handles struct {
	SQL      *sql.Tx
	PGX      pgx.Tx
	commit   func() error
	rollback func()
}

// Lists of arguments, for IN (?*).
type (
	ints  []int64
	texts []string
)

// listOf makes a list of things that are numbers or texts by nature.
func intsOf[T ~int64](list []T) ints {
	out := make(ints, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

func textsOf[T ~string](list []T) texts {
	out := make(texts, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func (l ints) json() string {
	b := []byte{'['}
	for i, v := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, v, 10)
	}
	return string(append(b, ']'))
}

func (l texts) json() string {
	b, _ := json.Marshal([]string(l)) // strings always can be
	return string(b)
}

// shape is a table with those of its columns that batches write, the key first where they update.
type shape struct {
	table   string
	columns []string
	clash   string // what an insert does with rows that are there already: ON CONFLICT …; "" fails
	known   sync.Map
}

func newShape(table string, columns ...string) *shape { return &shape{table: table, columns: columns} }

// text remembers the statement for a verb and a number of rows.
func (s *shape) text(verb string, rows int, make func() string) string {
	type key struct {
		verb string
		rows int
	}
	k := key{verb, rows}
	if text, ok := s.known.Load(k); ok {
		return text.(string)
	}
	text := make()
	s.known.Store(k, text)
	return text
}

// batch is rows of one shape: values are int64 or string, row after row.
type batch struct {
	*shape
	values []any
}

func newBatch(of *shape, rows int) *batch {
	return &batch{shape: of, values: make([]any, 0, rows*len(of.columns))}
}

func (b *batch) add(values ...any) { b.values = append(b.values, values...) }

func (b *batch) rows() int { return len(b.values) / len(b.columns) }

// translation remembers statements in a dialect by their portable text.
type translation struct {
	known sync.Map
	make  func(text string) string
}

func (t *translation) of(text string) string {
	if v, ok := t.known.Load(text); ok {
		return v.(string)
	}
	out := t.make(text)
	t.known.Store(text, out)
	return out
}

func toSQLite(text string) string {
	text = strings.ReplaceAll(text, "IN (?*)", "IN (SELECT value FROM json_each(?))")
	text = strings.ReplaceAll(text, "FIELD(?)", "json_extract(fields, '$.' || ?)")
	text = strings.ReplaceAll(text, "FOLDED(?)", "fold(json_extract(fields, '$.' || ?))")
	return strings.ReplaceAll(text, " FOR UPDATE", "")
}

func toPostgres(text string) string {
	const value = "(CAST(fields AS json) ->> CAST(? AS text))"
	text = strings.ReplaceAll(text, "IN (?*)", "= ANY(?)")
	text = strings.ReplaceAll(text, "FIELD(?)", value)
	text = strings.ReplaceAll(text, "FOLDED(?)", `(lower(regexp_replace(normalize(`+value+`, NFKD), '[\u0300-\u036F]', '', 'g')) COLLATE "C")`)
	var b strings.Builder
	n := 0
	for _, r := range text {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// classify gives an error of a database its kind.
func classify(err error) error {
	if err == nil || fault.As(err) != nil {
		return err
	}
	kind := fault.Broken
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, pgx.ErrNoRows):
		kind = fault.NotFound
	case errors.As(err, &lite):
		kind = liteKind(lite.Code())
	case errors.As(err, &pg):
		kind = pgKind(pg.Code)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone), errors.Is(err, pgx.ErrTxClosed), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &connect), errors.As(err, &network):
		kind = fault.Unavailable
	}
	if kind == fault.Broken {
		return err
	}
	reason := fault.Reason("")
	if kind == fault.Conflict {
		reason = fault.Duplicate
	}
	return fault.New(kind, reason, "%w", err)
}

func liteKind(code int) fault.Kind {
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT:
		if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
			return fault.Conflict
		}
		if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
			return fault.NotFound
		}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_INTERRUPT:
		return fault.Unavailable
	}
	return fault.Broken
}

// pgKind reads an SQLSTATE (PostgreSQL documentation, appendix A).
func pgKind(state string) fault.Kind {
	switch state {
	case "23505": // unique_violation
		return fault.Conflict
	case "23503": // foreign_key_violation
		return fault.NotFound
	case "57014", "55P03": // query_canceled, lock_not_available
		return fault.Unavailable
	}
	switch state[:2] {
	case "08", "40", "53", "57", "58": // connection, rollback, resources, operator, system
		return fault.Unavailable
	}
	return fault.Broken
}

// isVictim reports whether the database gave the transaction up for another one: repeating it is right and harmless.
func isVictim(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
