// Package jobs does what happens later: it runs links that were woken, sends letters, and does what recurs. Queues, retries and leadership
// are River's, on both databases; when a link is due and who may run it is the ledger's (package store), what a run
// does is reconcile's. A worker here calls one of them and says what its error means for the next try (outcome.go).
//
// The queue may lose or double a job without harm: a run is due while a link's wanted is above its done, and one run at
// a time holds the link's lease.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// Runner brings the two sides of a link together, once. reconcile.Runner fits it.
type Runner interface {
	Run(ctx context.Context, id reconcile.LinkID) error
}

// Auditor compares everything that a link knows with what both sides hold, and reports drift.
type Auditor interface {
	Audit(ctx context.Context, id reconcile.LinkID) error
}

// Stage makes previews that were asked for. reconcile.Stage fits it.
type Stage interface {
	Rehearse(ctx context.Context, id string) error
}

// Undoer takes back runs of sync. reconcile.Undoer fits it.
type Undoer interface {
	// Work undoes a run that was asked for, from where it was left.
	Work(ctx context.Context, id string) error
	// Resume goes on with undos that nobody works at any more.
	Resume(ctx context.Context) error
}

// Importer takes the rows of files that people brought. intake.Desk fits it.
type Importer interface {
	// Work goes on with an import from where it is.
	Work(ctx context.Context, org record.ID, id string) error
}

// Updater updates many records at once. massupdate.Desk fits it.
type Updater interface {
	// Work goes on with a mass update from where it is.
	Work(ctx context.Context, org record.ID, id string) error
}

// Warner tells people of what ends soon.
type Warner interface {
	Warn(ctx context.Context) error
}

// Bin is the CRM's recycle bin. crm.CRM fits it.
type Bin interface {
	// Empty destroys what has been in an organization's bin for too long and returns how much that was.
	Empty(ctx context.Context, org record.ID, kind record.Kind) (int, error)
}

// Postman sends letters.
type Postman interface {
	// Deliver sends a letter, if it is still owed, and notes what became of it. An error says that it is to be tried again
	// later; NotFound, that there is no such letter.
	Deliver(ctx context.Context, id record.ID) error
}

// Options are what New may be told.
type Options struct {
	Runner  Runner  // mandatory
	Auditor Auditor // nil: there is no audit at night
	Bin     Bin     // nil: nothing is emptied
	Stage   Stage   // nil: nobody makes previews
	Undoer  Undoer  // nil: nobody undoes runs
	Warner  Warner  // nil: nobody is warned
	Postman Postman // nil: letters stay queued
	// Importer works on imports; nil: nobody does.
	Importer Importer
	// Updater works on mass updates; nil: nobody does.
	Updater Updater
	// Webhooks says that Microsoft can reach this server: then polling only makes up for lost notifications.
	Webhooks bool
	// Poll is how often a link runs that nothing wakes; 0 is 5 minutes with webhooks and 1 minute without.
	Poll time.Duration
	// Grace is how long runs may go on after Stop before they are cut off; 0 is 5 seconds.
	Grace time.Duration
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: slog.Default()
}

const (
	defaultPoll = time.Minute
	hookedPoll  = 5 * time.Minute
)

// The queues. Each has places of its own, so that long work does not keep short work waiting: one person's change does
// not stand in line behind other people's first syncs.
const (
	queueSync  = "sync"
	queueFirst = "first" // first syncs and audits
	queueHouse = "house" // what recurs
	// queueStage is for previews and undos: somebody looks at the page and waits.
	queueStage = "stage"
	// queueImports is for files of thousands of rows, and updates of thousands of records.
	queueImports = "imports"
	// queueLetters is apart, as a mail server may take its time.
	queueLetters = "letters"
)

// How many jobs of a queue one process works at once.
const (
	syncWorkers   = 16
	firstWorkers  = 6
	houseWorkers  = 2
	stageWorkers  = 4
	importWorkers = 2
	// letterWorkers is also how many connections a mail server gets from one process: submission servers allow few.
	letterWorkers = 4
)

const (
	// fetchCooldown is the least time between two fetches of jobs: it adds to the delay of a wake that comes right after
	// another one, and bounds what a queue can do to workers / cooldown jobs a second.
	fetchCooldown = 5 * time.Millisecond
	// fetchPoll finds what no process told this one of, such as a job that slept.
	fetchPoll = time.Second
	// letterPoll is fetchPoll for letters: they are told of when they are made, and nobody counts the seconds of a retry.
	letterPoll = 10 * time.Second
	// jobTimeout bounds a run. A first sync at Microsoft's pace takes minutes, a throttled one may take hours; a run
	// that is cut off goes on where it was.
	jobTimeout = 4 * time.Hour
	// rescueAfter is when River takes a job up again whose process died. It must be above jobTimeout, and may be: such
	// a link is back as soon as its lease has ended, because Poll looks for links whose wake-ups nobody serves.
	rescueAfter  = jobTimeout + time.Hour
	defaultGrace = 5 * time.Second
	// kept is how long a finished job stays for people to look at. Links have a history of their own.
	kept = 10 * time.Minute
)

// Queue works off jobs. Call New, Start and at the end Stop.
type Queue struct {
	engine engine
}

// engine is River on one of the two databases.
type engine interface {
	enqueue(ctx context.Context, tx *store.Tx, params []river.InsertManyParams) error
	insert(ctx context.Context, params []river.InsertManyParams) error
	enqueued(queues ...string)
	living(ctx context.Context, kind string) ([]*rivertype.JobRow, error)
	start(ctx context.Context) error
	stop(ctx context.Context) error
	client() any
}

// New makes the queue of a store, whose tables must be migrated, and becomes its waker and its postman: from then on a wake
// enqueues a job, and a letter another, whether or not this process has started to work.
func New(s *store.Store, o Options) (_ *Queue, err error) {
	defer fault.Wrap(&err, "jobs: new queue")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	switch {
	case o.Poll > 0:
	case o.Webhooks:
		o.Poll = hookedPoll
	default:
		o.Poll = defaultPoll
	}
	q := &Queue{}
	config := &river.Config{
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           fetchPoll,
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		SoftStopTimeout:             o.Grace,
		CompletedJobRetentionPeriod: kept,
		Logger:                      quiet(o.Log),
		Queues: map[string]river.QueueConfig{
			queueSync:    {MaxWorkers: syncWorkers},
			queueFirst:   {MaxWorkers: firstWorkers},
			queueHouse:   {MaxWorkers: houseWorkers},
			queueStage:   {MaxWorkers: stageWorkers},
			queueImports: {MaxWorkers: importWorkers},
			queueLetters: {MaxWorkers: letterWorkers, FetchPollInterval: letterPoll},
		},
		Workers:      workers(q, s, o),
		PeriodicJobs: periods(o),
	}
	if pool := s.Postgres(); pool != nil {
		q.engine, err = newPostgres(pool, config)
	} else {
		q.engine, err = newSQLite(s.SQLite(), config)
	}
	if err != nil {
		return nil, err
	}
	s.SetWaker(func(ctx context.Context, tx *store.Tx, due []store.Due) error {
		params := make([]river.InsertManyParams, len(due))
		for i, d := range due {
			params[i].Args = SyncLink{Link: d.Link, Rests: d.Rests}
			if d.First {
				params[i].InsertOpts = &river.InsertOpts{Queue: queueFirst}
			}
		}
		return q.engine.enqueue(ctx, tx, params)
	}, func() { q.engine.enqueued(queueSync, queueFirst) })
	if o.Postman != nil {
		s.SetPostman(func(ctx context.Context, tx *store.Tx, letters []record.ID) error {
			return q.engine.enqueue(ctx, tx, toSend(letters))
		}, func() { q.engine.enqueued(queueLetters) })
	}
	return q, nil
}

// Rehearse enqueues the making of a preview.
func (q *Queue) Rehearse(ctx context.Context, id string) (err error) {
	defer fault.Wrap(&err, "jobs: enqueue a preview")
	if err := q.engine.insert(ctx, []river.InsertManyParams{{Args: RehearseLink{Preview: id}}}); err != nil {
		return err
	}
	q.engine.enqueued(queueStage)
	return nil
}

// Undo enqueues the undo of a run.
func (q *Queue) Undo(ctx context.Context, id string) (err error) {
	defer fault.Wrap(&err, "jobs: enqueue an undo")
	if err := q.engine.insert(ctx, []river.InsertManyParams{{Args: UndoRun{Undo: id}}}); err != nil {
		return err
	}
	q.engine.enqueued(queueStage)
	return nil
}

// Import enqueues work on an import.
func (q *Queue) Import(ctx context.Context, org record.ID, id string) (err error) {
	defer fault.Wrap(&err, "jobs: enqueue an import")
	if err := q.engine.insert(ctx, []river.InsertManyParams{{Args: ImportFile{Org: org, Import: id}}}); err != nil {
		return err
	}
	q.engine.enqueued(queueImports)
	return nil
}

// MassUpdate enqueues work on a mass update.
func (q *Queue) MassUpdate(ctx context.Context, org record.ID, id string) (err error) {
	defer fault.Wrap(&err, "jobs: enqueue a mass update")
	if err := q.engine.insert(ctx, []river.InsertManyParams{{Args: MassUpdate{Org: org, Update: id}}}); err != nil {
		return err
	}
	q.engine.enqueued(queueImports)
	return nil
}

// Start begins to work off jobs and returns.
func (q *Queue) Start(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "jobs: start")
	return q.engine.start(context.WithoutCancel(ctx)) // ended by Stop, in its turn
}

// Stop takes no more jobs, lets running ones end for a few seconds, cuts off the rest and returns when all have ended.
// What was cut off is taken up again by whoever starts next.
func (q *Queue) Stop(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "jobs: stop")
	return q.engine.stop(ctx)
}

// River is the client of River behind the queue, for a page that shows jobs: a *river.Client of *sql.Tx or pgx.Tx.
func (q *Queue) River() any { return q.engine.client() }

// quiet is the log without what River says of its ordinary course.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
