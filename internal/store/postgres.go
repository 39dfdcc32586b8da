package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// pgDB is a database of PostgreSQL.
type pgDB struct {
	pgQuerier
	pool *pgxpool.Pool
}

// pgConns bounds the connections of one process: sixteen jobs, pages, the queue's own.
const pgConns = 24

// leastConns is with how few it works: migrating holds one while it uses another, the queue listens on one.
const leastConns = 4

func openPostgres(ctx context.Context, address string, conns int) (*pgDB, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	if err := privately(config.ConnConfig); err != nil {
		return nil, err
	}
	if !strings.Contains(address, "pool_max_conns") {
		config.MaxConns = pgConns
	}
	if conns > 0 {
		config.MaxConns = int32(max(conns, leastConns))
	}
	config.MaxConnIdleTime = 5 * time.Minute
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return &pgDB{pgQuerier{pool}, pool}, nil
}

// CheckAddress tells what is wrong with the address of a database before anything connects to it.
func CheckAddress(address string) error {
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return err
	}
	return privately(config)
}

// Unproved is the machine to which a database's address leads without its certificate being checked; "": none.
func Unproved(address string) string {
	config, err := pgx.ParseConfig(address)
	if err != nil || !strings.HasPrefix(address, "postgres") {
		return ""
	}
	return unproved(config)
}

// privately refuses an address that leads to another machine without its certificate being checked, unless it says so: an operator may know
// the network between.
func privately(config *pgx.ConnConfig) error {
	host := unproved(config)
	if host == "" || saysHow(config.ConnString()) {
		return nil
	}
	return fmt.Errorf("%s is another machine: have its certificate checked by sslmode=verify-full (and sslrootcert=FILE where your own authority made it), "+
		"or say sslmode=disable if the network between is yours alone", host)
}

// saysHow reports whether an address says that a connection is to be without TLS, or without a check of the certificate.
func saysHow(address string) bool {
	mode := os.Getenv("PGSSLMODE")
	if u, err := url.Parse(address); err == nil && u.Query().Has("sslmode") {
		mode = u.Query().Get("sslmode")
	}
	return mode == "disable" || mode == "require"
}

func unproved(config *pgx.ConnConfig) string {
	open := func(host string, secured *tls.Config) bool {
		ip := net.ParseIP(host)
		if host == "" || host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || ip != nil && ip.IsLoopback() {
			return false
		}
		return secured == nil || secured.InsecureSkipVerify && secured.VerifyPeerCertificate == nil
	}
	if open(config.Host, config.TLSConfig) {
		return config.Host
	}
	for _, other := range config.Fallbacks {
		if open(other.Host, other.TLSConfig) {
			return other.Host
		}
	}
	return ""
}

func (db *pgDB) begin(ctx context.Context) (*Tx, error) {
	tx, err := db.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	done := context.WithoutCancel(ctx)
	return &Tx{querier: pgQuerier{tx}, handles: handles{
		PGX:      tx,
		commit:   func() error { return tx.Commit(done) },
		rollback: func() { _ = tx.Rollback(done) },
	}}, nil
}

// migrationLock is the number of the advisory lock that lets one process migrate at a time.
const migrationLock = 0x74616e64656d // "tandem"

func (*pgDB) trigrams() bool { return false }

func (db *pgDB) migrate(ctx context.Context, do func(context.Context, *sql.DB) error) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return err
	}
	defer func() { // should this fail, the lock ends with the connection
		_, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrationLock))
	}()
	std := stdlib.OpenDBFromPool(db.pool)
	defer std.Close()
	return do(ctx, std)
}

func (db *pgDB) close() error {
	db.pool.Close()
	return nil
}

// pgQuerier runs statements on the pool or a transaction of PostgreSQL. pgx prepares and remembers them itself.
type pgQuerier struct {
	on interface {
		Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
		Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	}
}

var pgTexts = translation{make: toPostgres}

func (q pgQuerier) query(ctx context.Context, text string, args ...any) (rows, error) {
	r, err := q.on.Query(ctx, pgTexts.of(text), pgArgs(args)...)
	if err != nil {
		return nil, err
	}
	return pgRows{r}, nil
}

func (q pgQuerier) exec(ctx context.Context, text string, args ...any) (int64, error) {
	tag, err := q.on.Exec(ctx, pgTexts.of(text), pgArgs(args)...)
	return tag.RowsAffected(), err
}

func pgArgs(args []any) []any {
	for i, a := range args {
		switch l := a.(type) {
		case ints:
			args[i] = []int64(l)
		case texts:
			said := make([]string, len(l))
			for j, text := range l {
				said[j] = pgText(text)
			}
			args[i] = said
		case string:
			args[i] = pgText(l)
		}
	}
	return args
}

// pgText is a text that PostgreSQL takes. What strangers type to be looked for may be none, and then is like nothing that is
// stored: what is wrong with it is replaced and not left out, lest it be found as something else.
func pgText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// insert sends a batch as one array a column: one statement for any number of rows, and no limit of arguments.
func (q pgQuerier) insert(ctx context.Context, b *batch) error {
	if len(b.values) == 0 {
		return nil
	}
	text := b.shape.text("postgres insert", 0, func() string {
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM unnest(%s)%s", b.table, strings.Join(b.columns, ", "), pgTypes(b), b.clash)
	})
	_, err := q.on.Exec(ctx, text, pgArrays(b)...)
	return err
}

func (q pgQuerier) update(ctx context.Context, b *batch) error {
	if len(b.values) == 0 {
		return nil
	}
	text := b.shape.text("postgres update", 0, func() string {
		var set []string
		for _, c := range b.columns[1:] {
			set = append(set, c+" = v."+c)
		}
		return fmt.Sprintf("UPDATE %s SET %s FROM unnest(%s) AS v (%s) WHERE %s.%s = v.%s", b.table, strings.Join(set, ", "),
			pgTypes(b), strings.Join(b.columns, ", "), b.table, b.columns[0], b.columns[0])
	})
	_, err := q.on.Exec(ctx, text, pgArrays(b)...)
	return err
}

func pgTypes(b *batch) string {
	types := make([]string, len(b.columns))
	for i := range b.columns {
		types[i] = fmt.Sprintf("$%d::text[]", i+1)
		if _, ok := b.values[i].(int64); ok {
			types[i] = fmt.Sprintf("$%d::bigint[]", i+1)
		}
	}
	return strings.Join(types, ", ")
}

// pgArrays turns the rows into columns.
func pgArrays(b *batch) []any {
	width, rows := len(b.columns), b.rows()
	arrays := make([]any, width)
	for c := range width {
		if _, ok := b.values[c].(int64); ok {
			column := make([]int64, rows)
			for r := range rows {
				column[r] = b.values[r*width+c].(int64)
			}
			arrays[c] = column
			continue
		}
		column := make([]string, rows)
		for r := range rows {
			column[r] = b.values[r*width+c].(string)
		}
		arrays[c] = column
	}
	return arrays
}

type pgRows struct{ pgx.Rows }

func (r pgRows) close() { r.Rows.Close() }

// Postgres is the pool of PostgreSQL, or nil: for the job queue.
func (s *Store) Postgres() *pgxpool.Pool {
	if db, ok := s.db.(*pgDB); ok {
		return db.pool
	}
	return nil
}
