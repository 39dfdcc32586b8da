package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// liteDB is a file of SQLite: one writer, several readers that see what was last committed.
type liteDB struct {
	liteQuerier // reads
	writer      *sql.DB
	reader      *sql.DB
	folder      string // to be removed at the end; "" for a real file
}

// liteReaders is how many pages are read at once: beyond the number of cores it only costs memory.
const liteReaders = 4

// teachFold lets statements call func fold. The driver knows functions for the whole process, each once.
var teachFold = sync.OnceValue(func() error {
	return sqlite.RegisterDeterministicScalarFunction("fold", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if text, ok := args[0].(string); ok {
			return fold(text), nil
		}
		return args[0], nil
	})
})

func openSQLite(ctx context.Context, path string, readers int) (*liteDB, error) {
	if err := teachFold(); err != nil {
		return nil, err
	}
	db := &liteDB{}
	if path == ":memory:" {
		// Several connections to one database in memory lock whole tables against each other; a file has no such ways.
		folder, err := os.MkdirTemp("", "tandem-*")
		if err != nil {
			return nil, err
		}
		db.folder, path = folder, filepath.Join(folder, "tandem.db")
	}
	if readers <= 0 {
		readers = liteReaders
	}
	var err error
	// Immediate: a transaction that read before it writes would otherwise fail where another one wrote between.
	// NORMAL: with a write-ahead log a crash of the process loses nothing, one of the machine the last moments.
	if db.writer, err = openLite(path, 1, "_txlock=immediate", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
		"cache_size(-4096)", "temp_store(MEMORY)", "journal_size_limit(67108864)"); err != nil {
		return nil, err
	}
	if err := db.writer.PingContext(ctx); err != nil { // makes the file, which readers cannot
		db.close()
		return nil, err
	}
	if db.reader, err = openLite(path, readers, "", "query_only(1)", "cache_size(-2048)", "temp_store(MEMORY)"); err != nil {
		db.close()
		return nil, err
	}
	db.liteQuerier = liteQuerier{db.reader}
	return db, nil
}

func openLite(path string, conns int, option string, pragmas ...string) (*sql.DB, error) {
	query := []string{"_pragma=busy_timeout(10000)"} // first: the others may have to wait
	for _, p := range pragmas {
		query = append(query, "_pragma="+p)
	}
	if option != "" {
		query = append(query, option)
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(query, "&")
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(rememberingConnector{connector})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (db *liteDB) begin(ctx context.Context) (*Tx, error) {
	// The wait for the one connection ends with ctx, the transaction does not.
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Tx{querier: liteQuerier{tx}, handles: handles{
		SQL:      tx,
		commit:   func() error { defer conn.Close(); return tx.Commit() },
		rollback: func() { _ = tx.Rollback(); conn.Close() }, // both do nothing after a commit
	}}, nil
}

func (*liteDB) trigrams() bool { return true }

func (db *liteDB) migrate(ctx context.Context, do func(context.Context, *sql.DB) error) error {
	return do(ctx, db.writer)
}

func (db *liteDB) close() error {
	var err error
	if db.reader != nil {
		err = db.reader.Close()
	}
	// The writer last: the last connection folds the log into the file.
	err = errors.Join(err, db.writer.Close())
	if db.folder != "" {
		err = errors.Join(err, os.RemoveAll(db.folder))
	}
	return err
}

// liteQuerier runs statements on a pool or a transaction of SQLite.
type liteQuerier struct {
	on interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}
}

var liteTexts = translation{make: toSQLite}

func (q liteQuerier) query(ctx context.Context, text string, args ...any) (rows, error) {
	r, err := q.on.QueryContext(ctx, liteTexts.of(text), liteArgs(args)...)
	if err != nil {
		return nil, err
	}
	return liteRows{r}, nil
}

func (q liteQuerier) exec(ctx context.Context, text string, args ...any) (int64, error) {
	r, err := q.on.ExecContext(ctx, liteTexts.of(text), liteArgs(args)...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func liteArgs(args []any) []any {
	for i, a := range args {
		switch l := a.(type) {
		case ints:
			args[i] = l.json()
		case texts:
			args[i] = l.json()
		}
	}
	return args
}

// rowsAtOnce is how many rows one INSERT carries; more gain little, and each number is a statement to remember.
const rowsAtOnce = 20

func (q liteQuerier) insert(ctx context.Context, b *batch) error {
	width := len(b.columns)
	for values := b.values; len(values) > 0; {
		n := min(len(values)/width, rowsAtOnce)
		text := b.shape.text("sqlite insert", n, func() string {
			row := "(?" + strings.Repeat(", ?", width-1) + ")"
			return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", b.table, strings.Join(b.columns, ", "), row+strings.Repeat(", "+row, n-1)+b.clash)
		})
		if _, err := q.on.ExecContext(ctx, text, values[:n*width]...); err != nil {
			return err
		}
		values = values[n*width:]
	}
	return nil
}

func (q liteQuerier) update(ctx context.Context, b *batch) error {
	width := len(b.columns)
	text := b.shape.text("sqlite update", 1, func() string {
		set := make([]string, 0, width)
		for i, c := range b.columns[1:] {
			set = append(set, fmt.Sprintf("%s = ?%d", c, i+2))
		}
		return fmt.Sprintf("UPDATE %s SET %s WHERE %s = ?1", b.table, strings.Join(set, ", "), b.columns[0])
	})
	for values := b.values; len(values) > 0; values = values[width:] {
		if _, err := q.on.ExecContext(ctx, text, values[:width]...); err != nil {
			return err
		}
	}
	return nil
}

type liteRows struct{ *sql.Rows }

func (r liteRows) close() { _ = r.Rows.Close() }

// rememberingConnector makes connections that remember their statements: reading a statement's text takes SQLite longer
// than carrying it out, and a statement prepared through database/sql does not outlive its transaction.
type rememberingConnector struct{ driver.Connector }

func (c rememberingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(liteConn)
	if !ok {
		conn.Close()
		return nil, errors.New("store: the driver of SQLite has changed")
	}
	return &rememberingConn{liteConn: inner, statements: map[string]*remembered{}}, nil
}

// liteConn is what the driver's connections can do.
type liteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// maxRemembered bounds the statements of one connection. There are about 300 different ones.
const maxRemembered = 500

type rememberingConn struct {
	liteConn
	statements map[string]*remembered
}

type remembered struct {
	stmt interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}
	busy bool // its rows are being read
}

// statement finds or prepares a statement; nil if it is in use or there are too many.
func (c *rememberingConn) statement(ctx context.Context, text string) (*remembered, error) {
	if r, ok := c.statements[text]; ok {
		if r.busy {
			return nil, nil
		}
		return r, nil
	}
	if len(c.statements) >= maxRemembered {
		return nil, nil
	}
	stmt, err := c.liteConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	r := &remembered{}
	var ok bool
	if r.stmt, ok = stmt.(interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}); !ok {
		return nil, errors.Join(errors.New("store: the driver of SQLite has changed"), stmt.Close())
	}
	c.statements[text] = r
	return r, nil
}

func (c *rememberingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 { // may hold several statements, as migrations do
		return c.liteConn.ExecContext(ctx, text, args)
	}
	r, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return c.liteConn.ExecContext(ctx, text, args)
	}
	return r.stmt.ExecContext(ctx, args)
}

func (c *rememberingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return c.liteConn.QueryContext(ctx, text, args)
	}
	rows, err := r.stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	r.busy = true
	return &rememberedRows{Rows: rows, of: r}, nil
}

func (c *rememberingConn) Close() error {
	for _, r := range c.statements {
		r.stmt.Close()
	}
	c.statements = nil
	return c.liteConn.Close()
}

type rememberedRows struct {
	driver.Rows
	of *remembered
}

func (r *rememberedRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}

// SQLite is the writing pool of SQLite, of one connection, or nil: for the job queue.
func (s *Store) SQLite() *sql.DB {
	if db, ok := s.db.(*liteDB); ok {
		return db.writer
	}
	return nil
}
