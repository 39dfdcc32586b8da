package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivershared/baseservice"
	"github.com/riverqueue/river/rivershared/riverpilot"
	"github.com/riverqueue/river/rivertype"

	"tandem/internal/store"
)

// worked is the part that both engines share.
type worked[TTx any] struct {
	river *river.Client[TTx]
}

func (w worked[TTx]) insert(ctx context.Context, params []river.InsertManyParams) error {
	if len(params) == 0 {
		return nil
	}
	_, err := w.river.InsertMany(ctx, params)
	return err
}

// living lists the jobs of a kind that wait, sleep or run: the latest of them, if they are very many.
func (w worked[TTx]) living(ctx context.Context, kind string) ([]*rivertype.JobRow, error) {
	found, err := w.river.JobList(ctx, river.NewJobListParams().Kinds(kind).First(maxListed).OrderBy(river.JobListOrderByID, river.SortOrderDesc).
		States(rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled))
	if err != nil {
		return nil, err
	}
	return found.Jobs, nil
}

// maxListed is the most that River lists at once.
const maxListed = 10_000

func (w worked[TTx]) start(ctx context.Context) error { return w.river.Start(ctx) }
func (w worked[TTx]) stop(ctx context.Context) error  { return w.river.Stop(ctx) }
func (w worked[TTx]) client() any                     { return w.river }

// onPostgres is River on PostgreSQL, where LISTEN and NOTIFY carry the news of a job to all processes.
type onPostgres struct {
	worked[pgx.Tx]
	driver *riverpgxv5.Driver
}

func newPostgres(pool *pgxpool.Pool, config *river.Config) (*onPostgres, error) {
	driver := riverpgxv5.New(pool)
	client, err := river.NewClient(driver, config)
	return &onPostgres{worked[pgx.Tx]{client}, driver}, err
}

func (e *onPostgres) enqueue(ctx context.Context, tx *store.Tx, params []river.InsertManyParams) error {
	if _, err := e.river.InsertManyTx(ctx, tx.PGX, params); err != nil {
		return err
	}
	// River notifies at most once in each cooldown. If that notification's transaction commits before this one, nobody
	// hears of this one's jobs until the next poll; so we notify ourselves.
	return e.driver.UnwrapExecutor(tx.PGX).NotifyMany(ctx, &riverdriver.NotifyManyParams{Topic: "river_insert", Payload: payloads(params)})
}

func (e *onPostgres) enqueued(...string) {}

// payloads are the notifications of the queues that got jobs.
func payloads(params []river.InsertManyParams) []string {
	var out []string
	for _, queue := range []string{queueSync, queueFirst, queueHouse, queueStage, queueImports, queueLetters} {
		for _, p := range params {
			if queueOf(p) == queue {
				text, _ := json.Marshal(map[string]string{"queue": queue}) // always can be
				out = append(out, string(text))
				break
			}
		}
	}
	return out
}

func queueOf(p river.InsertManyParams) string {
	if p.InsertOpts != nil && p.InsertOpts.Queue != "" {
		return p.InsertOpts.Queue
	}
	if args, ok := p.Args.(river.JobArgsWithInsertOpts); ok {
		return args.InsertOpts().Queue
	}
	return river.QueueDefault
}

// onSQLite is River on SQLite.
type onSQLite struct {
	worked[*sql.Tx]
	pilot *pilot
}

func newSQLite(writer *sql.DB, config *river.Config) (*onSQLite, error) {
	p := &pilot{}
	client, err := river.NewClient(toldDriver{riversqlite.New(writer), p}, config)
	return &onSQLite{worked[*sql.Tx]{client}, p}, err
}

func (e *onSQLite) enqueue(ctx context.Context, tx *store.Tx, params []river.InsertManyParams) error {
	_, err := e.river.InsertManyTx(ctx, tx.SQL, params)
	return err
}

// enqueued has this process fetch jobs at once. Another one on the same file finds them at its next poll.
func (e *onSQLite) enqueued(queues ...string) { e.pilot.fetch(queues) }

// toldDriver is SQLite's driver without its table of notifications, which is read every 50 ms and written with each job.
// A process that has enqueued jobs tells its own workers directly instead, once they are on disk.
type toldDriver struct {
	*riversqlite.Driver
	pilot *pilot
}

func (toldDriver) SupportsListener() bool                      { return false }
func (toldDriver) SupportsListenNotify() bool                  { return false }
func (toldDriver) PluginInit(archetype *baseservice.Archetype) {}
func (d toldDriver) PluginPilot() riverpilot.Pilot             { return d.pilot }

// pilot is how River hands out the function by which its own Insert tells the workers: a transaction's owner has no
// other way to it. Both are internal to River and may change with its version.
type pilot struct {
	riverpilot.StandardPilot
	tell atomic.Pointer[func(context.Context, []*rivertype.JobInsertResult)]
}

func (p *pilot) PilotInit(archetype *baseservice.Archetype, params *riverpilot.PilotInitParams) {
	p.tell.Store(&params.NotifyNonTxJobInsert)
	p.StandardPilot.PilotInit(archetype, params)
}

func (p *pilot) fetch(queues []string) {
	tell := p.tell.Load()
	if tell == nil {
		return // not started
	}
	news := make([]*rivertype.JobInsertResult, len(queues))
	for i, queue := range queues {
		news[i] = &rivertype.JobInsertResult{Job: &rivertype.JobRow{Queue: queue}}
	}
	(*tell)(context.Background(), news)
}
