package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// SyncLink runs one link.
type SyncLink struct {
	Link reconcile.LinkID `json:"link"`
	// Rests says that the link may be resting, and that the job asks before it runs.
	Rests bool `json:"rests,omitempty"`
}

// Kind names the job.
func (SyncLink) Kind() string { return "sync_link" }

// InsertOpts puts it into its queue. It is not unique: the ledger sees to it that a link has one job at a time, and
// River's uniqueness, which counts running jobs too, would swallow the wake that comes while one is ending.
func (SyncLink) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueSync} }

// AuditLink compares everything that one link knows.
type AuditLink struct {
	Link reconcile.LinkID `json:"link"`
}

// Kind names the job.
func (AuditLink) Kind() string { return "audit_link" }

// InsertOpts puts it behind what people wait for.
func (AuditLink) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueFirst, Priority: 4, MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// RehearseLink makes a preview.
type RehearseLink struct {
	Preview string `json:"preview"`
}

// Kind names the job.
func (RehearseLink) Kind() string { return "rehearse_link" }

// InsertOpts puts it into its queue. It is tried once: whoever still wants it asks again.
func (RehearseLink) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueStage, MaxAttempts: 1}
}

// UndoRun takes back what a run of sync did.
type UndoRun struct {
	Undo string `json:"undo"`
}

// Kind names the job.
func (UndoRun) Kind() string { return "undo_run" }

// InsertOpts puts it into its queue. It is tried once: what is left undone is found by the task that resumes undos.
func (UndoRun) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueStage, MaxAttempts: 1}
}

// Recurring is work that recurs; Task names it.
type Recurring struct {
	Task string `json:"task"`
}

// Kind names the job.
func (Recurring) Kind() string { return "recurring" }

// InsertOpts puts it into its queue. A task that fails is left to its next turn.
func (Recurring) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueHouse, MaxAttempts: 1}
}

// task is one kind of recurring work.
type task struct {
	name  string
	every time.Duration
	do    func(ctx context.Context) error
}

// How often recurring work is done. Which process does it is River's to decide: its leader enqueues it.
const (
	pollEvery      = 10 * time.Second // also bounds how long a link stays stranded after its lease has ended
	subscribeEvery = 15 * time.Minute
	lettersEvery   = time.Minute
	// lostAfter is how long a job may be late, and how long it may take from its fetch to the lease, before it counts as lost.
	lostAfter   = 30 * time.Second
	cleanEvery  = time.Hour
	emptyEvery  = 24 * time.Hour
	auditEvery  = 10 * time.Minute // looks for links whose proof is a day old
	proofLasts  = 24 * time.Hour
	leastAudits = 20 // a turn
	sweepEvery  = 24 * time.Hour
	resumeEvery = time.Minute
	warnEvery   = 6 * time.Hour
	// hoursKept is how long it is kept what links did in each hour.
	hoursKept = 400 * 24 * time.Hour
	// editsKept is how long a contact's timeline tells who changed which of its fields.
	editsKept = 2 * 365 * 24 * time.Hour
	// subscribeMargin is how long before its end a subscription is renewed: a run renews it within 12 hours of it.
	subscribeMargin = 12 * time.Hour
	// taskTimeout bounds one turn.
	taskTimeout = 10 * time.Minute
	// perWake is how many links one transaction wakes.
	perWake = 500
)

// house does what recurs.
type house struct {
	Options
	store *store.Store
	queue *Queue
}

// tasks are what recurs, as far as there is somebody to do it.
func (h *house) tasks() []task {
	tasks := []task{{"poll", pollEvery, h.poll}, {"clean", cleanEvery, h.clean}, {"sweep_pictures", sweepEvery, h.sweep}}
	if h.Webhooks {
		tasks = append(tasks, task{"subscribe", subscribeEvery, h.subscribe})
	}
	if h.Postman != nil {
		tasks = append(tasks, task{"letters", lettersEvery, h.letters})
	}
	if h.Bin != nil {
		tasks = append(tasks, task{"empty_bin", emptyEvery, h.empty})
	}
	if h.Undoer != nil {
		tasks = append(tasks, task{"undos", resumeEvery, h.Undoer.Resume})
	}
	if h.Importer != nil {
		tasks = append(tasks, task{"imports", pollEvery, h.imports})
	}
	if h.Updater != nil {
		tasks = append(tasks, task{"mass_updates", pollEvery, h.massUpdates})
	}
	if h.Warner != nil {
		tasks = append(tasks, task{"warnings", warnEvery, h.Warner.Warn})
	}
	if h.Auditor != nil {
		tasks = append(tasks, task{"audit", auditEvery, h.audit})
	}
	return tasks
}

func periods(o Options) []*river.PeriodicJob {
	var jobs []*river.PeriodicJob
	for _, t := range (&house{Options: o}).tasks() {
		args := Recurring{Task: t.name}
		jobs = append(jobs, river.NewPeriodicJob(river.PeriodicInterval(t.every), func() (river.JobArgs, *river.InsertOpts) {
			return args, nil
		}, &river.PeriodicJobOpts{ID: t.name, RunOnStart: t.every < emptyEvery}))
	}
	return jobs
}

func workers(q *Queue, s *store.Store, o Options) *river.Workers {
	h := &house{Options: o, store: s, queue: q}
	all := river.NewWorkers()
	river.AddWorker(all, &syncLink{runner: o.Runner, links: s.Links(), now: o.Now, log: o.Log})
	river.AddWorker(all, &auditLink{auditor: o.Auditor, log: o.Log})
	river.AddWorker(all, &rehearseLink{stage: o.Stage, log: o.Log})
	river.AddWorker(all, &undoRun{undoer: o.Undoer, log: o.Log})
	river.AddWorker(all, &importFile{importer: o.Importer, log: o.Log})
	river.AddWorker(all, &massUpdate{updater: o.Updater, log: o.Log})
	river.AddWorker(all, &sendLetter{postman: o.Postman, log: o.Log})
	river.AddWorker(all, &recurring{tasks: h.tasks(), log: o.Log})
	return all
}

type syncLink struct {
	river.WorkerDefaults[SyncLink]
	runner Runner
	links  *store.Links
	now    func() time.Time
	log    *slog.Logger
}

func (w *syncLink) Work(ctx context.Context, job *river.Job[SyncLink]) error {
	id := job.Args.Link
	if job.Args.Rests {
		until, idle, err := w.links.Rest(ctx, id)
		switch rest := until.Sub(w.now()); {
		case err != nil:
			return settle(ctx, w.log.With("link", id), job.Metadata, err, outcomeOf, func(time.Duration) {})
		case idle:
			return nil
		case rest > 0:
			return river.JobSnooze(rest)
		}
	}
	err := w.runner.Run(ctx, id)
	return settle(ctx, w.log.With("link", id), job.Metadata, err, outcomeOf, func(wait time.Duration) {
		// So that wakes do not bring another job while this one sleeps. If this cannot be noted they may; no harm.
		if err := w.links.Postpone(ctx, id, w.now().Add(wait)); err != nil {
			w.log.WarnContext(ctx, "a pause was not noted", "link", id, "error", err)
		}
	})
}

type auditLink struct {
	river.WorkerDefaults[AuditLink]
	auditor Auditor
	log     *slog.Logger
}

func (w *auditLink) Work(ctx context.Context, job *river.Job[AuditLink]) error {
	if w.auditor == nil {
		return nil // enqueued by a process that has one
	}
	err := w.auditor.Audit(ctx, job.Args.Link)
	return settle(ctx, w.log.With("link", job.Args.Link), job.Metadata, err, outcomeOf, func(time.Duration) {})
}

type rehearseLink struct {
	river.WorkerDefaults[RehearseLink]
	stage Stage
	log   *slog.Logger
}

// Timeout bounds a preview: that of ten thousand contacts takes minutes, longer where Microsoft asks to wait.
func (*rehearseLink) Timeout(*river.Job[RehearseLink]) time.Duration { return reconcile.PreviewsKept }

func (w *rehearseLink) Work(ctx context.Context, job *river.Job[RehearseLink]) error {
	if w.stage == nil {
		return nil // enqueued by a process that has one
	}
	if err := w.stage.Rehearse(ctx, job.Args.Preview); err != nil {
		w.log.WarnContext(ctx, "a preview could not be kept", "error", err)
	}
	return nil
}

type undoRun struct {
	river.WorkerDefaults[UndoRun]
	undoer Undoer
	log    *slog.Logger
}

func (w *undoRun) Work(ctx context.Context, job *river.Job[UndoRun]) error {
	if w.undoer == nil {
		return nil // enqueued by a process that has one
	}
	if err := w.undoer.Work(ctx, job.Args.Undo); err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "an undo was interrupted and will be resumed", "error", err)
	}
	return nil
}

type recurring struct {
	river.WorkerDefaults[Recurring]
	tasks []task
	log   *slog.Logger
}

func (*recurring) Timeout(*river.Job[Recurring]) time.Duration { return taskTimeout }

func (w *recurring) Work(ctx context.Context, job *river.Job[Recurring]) error {
	for _, t := range w.tasks {
		if t.name != job.Args.Task {
			continue
		}
		if err := t.do(ctx); err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "recurring work failed until its next turn", "task", t.name, "error", err)
		}
	}
	return nil
}

// poll wakes links that nothing has woken for a while, and those whose wake-ups nobody serves.
func (h *house) poll(ctx context.Context) error {
	links := h.store.Links()
	stranded, err := links.Stranded(ctx, perWake)
	if err != nil {
		return err
	}
	err = errors.Join(links.Wake(ctx, stranded...), h.replace(ctx))
	due, dueErr := links.Due(ctx, h.Now().Add(-h.Poll), perWake)
	if dueErr != nil {
		return errors.Join(err, dueErr)
	}
	return errors.Join(err, links.Wake(ctx, due...))
}

// replace gives links another job whose job is lost: the database broke away while River fetched it or put it to sleep. River
// itself finds such jobs only after rescueAfter.
func (h *house) replace(ctx context.Context) error {
	since := h.Now().Add(-lostAfter)
	lost, err := h.store.Links().Overdue(ctx, since, perWake)
	if err != nil || len(lost) == 0 {
		return err
	}
	jobs, err := h.queue.engine.living(ctx, SyncLink{}.Kind())
	if err != nil || len(jobs) == maxListed { // then these are not all
		return err
	}
	for _, job := range jobs {
		begun := job.State == rivertype.JobStateRunning && job.AttemptedAt != nil && job.AttemptedAt.Before(since)
		var args SyncLink
		if !begun && json.Unmarshal(job.EncodedArgs, &args) == nil {
			delete(lost, args.Link)
		}
	}
	if len(lost) > 0 {
		h.Log.WarnContext(ctx, "jobs were lost and are replaced", "links", len(lost))
	}
	return h.store.Links().Enqueue(ctx, lost)
}

// subscribe wakes links whose subscription is about to end; their run renews it.
func (h *house) subscribe(ctx context.Context) error {
	ids, err := h.store.Links().Subscriptions(ctx, h.Now().Add(subscribeMargin), perWake)
	if err != nil {
		return err
	}
	return h.store.Links().Wake(ctx, ids...)
}

// clean removes sessions that have ended, letters that arrived long ago, old previews, imports and mass updates.
func (h *house) clean(ctx context.Context) error {
	return errors.Join(h.store.Sessions().EndSessions(ctx), h.store.Letters().PruneLetters(ctx, h.Now().Add(-lettersKept)),
		h.store.Links().PrunePreviews(ctx, h.Now().Add(-reconcile.PreviewsKept)), h.store.Links().PruneHours(ctx, h.Now().Add(-hoursKept)),
		h.store.Imports().PruneImports(ctx, h.Now().Add(-draftsKept), h.Now().Add(-importsKept)),
		h.store.Records().PruneEdits(ctx, h.Now().Add(-editsKept)),
		h.store.MassUpdates().PruneMassUpdates(ctx, h.Now().Add(-draftsKept), h.Now().Add(-importsKept)))
}

// empty empties the recycle bins.
func (h *house) empty(ctx context.Context) error {
	orgs, err := h.store.Accounts().Organizations(ctx)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
			n, emptyErr := h.Bin.Empty(ctx, o.ID, kind)
			if err = errors.Join(err, emptyErr); n > 0 {
				h.Log.InfoContext(ctx, "the recycle bin was emptied", "org", o.ID, "kind", kind, "records", n)
			}
		}
	}
	return err
}

// sweep removes pictures that nothing names any more.
func (h *house) sweep(ctx context.Context) error {
	orgs, err := h.store.Accounts().Organizations(ctx)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		n, sweepErr := h.store.Pictures().Sweep(ctx, o.ID)
		if err = errors.Join(err, sweepErr); n > 0 {
			h.Log.InfoContext(ctx, "pictures that nothing names were removed", "org", o.ID, "pictures", n)
		}
	}
	return err
}

// audit enqueues audits of links whose last proof is a day old: a part of them each turn, so that they spread over the day, and
// one of a mailbox at a time.
func (h *house) audit(ctx context.Context) error {
	ids, err := h.store.Links().Unproved(ctx, h.Now().Add(-proofLasts), leastAudits)
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		n := min(len(ids), perWake)
		params := make([]river.InsertManyParams, n)
		for i, id := range ids[:n] {
			params[i].Args = AuditLink{Link: id}
		}
		if err := h.queue.engine.insert(ctx, params); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}
