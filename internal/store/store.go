// Package store keeps everything that Tandem remembers, in SQLite or PostgreSQL: accounts (accounts.go), the records of
// the built-in CRM (records.go), links as pages see them (links.go) and as runs do (ledger.go), sessions (sessions.go).
// Changes of accounts that belong together are one transaction (within.go).
// What the two databases do not share stands in dialect.go, sqlite.go and postgres.go.
//
// It decides nothing: rules are left to crm and account, who syncs what to reconcile, working off wake-ups to jobs.
// Every row belongs to an organization and every statement names it, but for those of the scheduler and the operator,
// whose doc comments say so. Errors come as kinds of package fault.
package store

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Options are what Open may be told; the zero value will do, but for secrets.
type Options struct {
	// SecretKey seals tokens at rest: at least 32 characters. Without it nothing can be sealed or unsealed.
	SecretKey string
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: slog.Default()
	// MaxConns bounds the connections: readers of SQLite, all of PostgreSQL. 0: a sensible number.
	MaxConns int
}

// Store is one database. Each family of tables has a face of its own: Records, Accounts, Ledger, Links, Sessions.
type Store struct{ *core }

// core is what the faces share.
type core struct {
	db   database
	now  func() time.Time
	log  *slog.Logger
	seal sealer

	enqueue  func(ctx context.Context, tx *Tx, due []Due) error
	enqueued func()
	post     func(ctx context.Context, tx *Tx, letters []record.ID) error
	posted   func()
	stamp    atomic.Int64 // the latest queued_at given, so that each is given once

	listening sync.RWMutex
	listeners []*func(Commit)

	itemWrites, linkWrites, reads atomic.Int64
}

// Records are the records of the built-in CRM: a crm.Store.
type Records struct{ *core }

// Accounts are organizations, users and what they sign in with: an account.Store.
type Accounts struct{ *core }

// Ledger is what runs remember: a reconcile.Ledger.
type Ledger struct{ *core }

// Links are links as everybody else sees them: a reconcile.Links.
type Links struct{ *core }

// Letters are mails as whoever sends them sees them.
type Letters struct{ *core }

// Sessions are the sessions of browsers: an scs.CtxStore.
type Sessions struct{ *core }

// Records is the face for the built-in CRM.
func (s *Store) Records() *Records { return &Records{s.core} }

// Accounts is the face for package account.
func (s *Store) Accounts() *Accounts { return &Accounts{s.core} }

// Ledger is the face for runs.
func (s *Store) Ledger() *Ledger { return &Ledger{s.core} }

// Links is the face for pages, the API, webhooks and the scheduler.
func (s *Store) Links() *Links { return &Links{s.core} }

// Letters is the face for whoever sends mails.
func (s *Store) Letters() *Letters { return &Letters{s.core} }

// Sessions is the face for browser sessions.
func (s *Store) Sessions() *Sessions { return &Sessions{s.core} }

// Open opens the database of a URL: sqlite:PATH, sqlite::memory: (a folder that Close removes) or postgres://…. It does
// not touch the tables: see Migrate.
func Open(ctx context.Context, url string, o Options) (_ *Store, err error) {
	defer fault.Wrap(&err, "store: open")
	s := &Store{&core{now: o.Now, log: o.Log}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.seal, err = newSealer(o.SecretKey); err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		s.db, err = openSQLite(ctx, path, o.MaxConns)
	} else if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		s.db, err = openPostgres(ctx, url, o.MaxConns)
	} else {
		return nil, fault.Wrong(fault.BadValue, "DATABASE_URL", "the database URL begins with neither sqlite: nor postgres://")
	}
	if err != nil {
		return nil, classify(err)
	}
	return s, nil
}

// Close closes the database; whoever uses it must have ended.
func (s *Store) Close() error { return s.db.close() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	_, _, err := first(ctx, s.db, column[int64], `SELECT value FROM counters WHERE name = 'link'`)
	return err
}

// Counts are how much the store has done since it was opened.
type Counts struct {
	ItemWrites int64 // rows of records, pairs, history and intents that were written
	LinkWrites int64 // statements that wrote rows of links
	Reads      int64 // statements that only read
}

// reader is where a single statement reads what was last committed.
func (s *core) reader() querier {
	s.reads.Add(1)
	return s.db
}

// Counts tells how much the store has done since it was opened.
func (s *Store) Counts() Counts {
	return Counts{ItemWrites: s.itemWrites.Load(), LinkWrites: s.linkWrites.Load(), Reads: s.reads.Load()}
}

// Due is a link for which a job is to be enqueued.
type Due struct {
	Link reconcile.LinkID
	// First says that the first sync is not complete: such runs are long.
	First bool
	// Rests says that the job is to ask before it runs (see Links.Rest).
	Rests bool
}

// SetWaker tells who enqueues jobs: enqueue does so inside the transaction that raised wanted, enqueued is called when
// a transaction that enqueued something is on disk. It must be called before the store is used by several.
func (s *Store) SetWaker(enqueue func(ctx context.Context, tx *Tx, due []Due) error, enqueued func()) {
	s.enqueue, s.enqueued = enqueue, enqueued
}

// SetPostman tells who enqueues the sending of letters: enqueue does so inside the transaction that stored them, once,
// enqueued is called when it is on disk. Without a postman letters stay queued. It must be called before the store is used
// by several.
func (s *Store) SetPostman(enqueue func(ctx context.Context, tx *Tx, letters []record.ID) error, enqueued func()) {
	s.post, s.posted = enqueue, enqueued
}

// Commit tells that something was written, for pages that show it live.
type Commit struct {
	Org     record.ID
	Kind    record.Kind
	Owners  []record.ID      // whose records or links are concerned
	Link    reconcile.LinkID // the link concerned, 0 if records were written
	Preview bool             // a preview of the owner's has come farther
	Import  bool             // an import or a mass update of the owner's has come farther
	// Accounts says that people, profiles or letters of the organization changed; nothing else is set then.
	Accounts bool
}

// OnCommit has listen called after each commit that changed records, links or accounts, until cancel is called. It is called on
// the writer's goroutine and must return at once.
func (s *Store) OnCommit(listen func(Commit)) (cancel func()) {
	s.listening.Lock()
	defer s.listening.Unlock()
	s.listeners = append(s.listeners, &listen)
	return func() {
		s.listening.Lock()
		defer s.listening.Unlock()
		s.listeners = slices.DeleteFunc(slices.Clone(s.listeners), func(l *func(Commit)) bool { return l == &listen })
	}
}

func (s *core) notify(commits []Commit) {
	s.listening.RLock()
	listeners := s.listeners
	s.listening.RUnlock()
	for _, c := range commits {
		for _, listen := range listeners {
			(*listen)(c)
		}
	}
}

// attempts is how often a transaction is tried that the database gave up for the sake of another.
const attempts = 5

// write runs do in one transaction: all of it happens, or nothing. It must touch nothing but the database, because it
// is repeated if the database chose it as the victim of a deadlock.
func (s *core) write(ctx context.Context, do func(tx *Tx) error) error {
	for try := 1; ; try++ {
		err := s.writeOnce(ctx, do)
		if err == nil || try == attempts || !isVictim(err) {
			return classify(err)
		}
	}
}

func (s *core) writeOnce(ctx context.Context, do func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := s.db.begin(ctx)
	if err != nil {
		return err
	}
	// What has begun is short and is finished: a statement that a context cuts off costs the connection.
	tx.store, tx.ctx = s, context.WithoutCancel(ctx)
	defer tx.rollback()
	if err := do(tx); err != nil {
		return err
	}
	post := len(tx.letters) > 0 && s.post != nil
	if post {
		if err := s.post(tx.ctx, tx, tx.letters); err != nil {
			return err
		}
	}
	if err := tx.commit(); err != nil {
		return err
	}
	s.itemWrites.Add(tx.items)
	if tx.enqueued && s.enqueued != nil {
		s.enqueued()
	}
	if post && s.posted != nil {
		s.posted()
	}
	s.notify(tx.commits)
	return nil
}

// Tx is a transaction of the store. Exactly one of SQL (SQLite) and PGX (PostgreSQL) is set: for jobs to enqueue in it.
type Tx struct {
	querier
	handles
	store    *core
	ctx      context.Context
	items    int64
	enqueued bool
	letters  []record.ID
	locked   []record.ID // organizations: see lock
	commits  []Commit
}

// change runs a statement that writes and returns how many rows it changed; its errors have a kind.
func (tx *Tx) change(text string, args ...any) (int64, error) {
	n, err := tx.exec(tx.ctx, text, args...)
	return n, classify(err)
}

// list runs a reading statement and scans each row.
func list[T any](ctx context.Context, q querier, read func(scan) (T, error), text string, args ...any) ([]T, error) {
	rows, err := q.query(ctx, text, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.close()
	var out []T
	for rows.Next() {
		t, err := read(rows.Scan)
		if err != nil {
			return nil, classify(err)
		}
		out = append(out, t)
	}
	return out, classify(rows.Err())
}

// first runs a statement and scans its first row; false: there was none.
func first[T any](ctx context.Context, q querier, read func(scan) (T, error), text string, args ...any) (T, bool, error) {
	rows, err := q.query(ctx, text, args...)
	if err != nil {
		var none T
		return none, false, classify(err)
	}
	defer rows.close()
	if !rows.Next() {
		var none T
		return none, false, classify(rows.Err())
	}
	t, err := read(rows.Scan)
	if err != nil {
		return t, false, classify(err)
	}
	// SQLite carries out an INSERT, UPDATE or DELETE with RETURNING before its first row, but only a statement read
	// to its end is surely done on both.
	for rows.Next() {
	}
	return t, true, classify(rows.Err())
}

// column reads rows of one column.
func column[T any](scan scan) (v T, err error) {
	err = scan(&v)
	return v, err
}

// scan is the Scan of a row.
type scan = func(dest ...any) error

// micros is how a time is stored: whole microseconds since 1970 UTC, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is the time that was stored.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// clean makes a text of strange origin fit for both databases: PostgreSQL refuses NUL and broken UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// bounded is s with at most limit bytes, cut where a character begins.
func bounded(s string, limit int) string {
	s = clean(s)
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}

func notFound(what string, id any) error {
	return fault.New(fault.NotFound, "", "store: no such %s: %v", what, id)
}
