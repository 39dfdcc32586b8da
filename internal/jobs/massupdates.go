package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// MassUpdate goes on with a mass update, or with taking one back.
type MassUpdate struct {
	Org    record.ID `json:"org"`
	Update string    `json:"update"`
}

// Kind names the job.
func (MassUpdate) Kind() string { return "mass_update" }

// InsertOpts puts it into its queue. Two jobs of one mass update harm nobody: see ImportFile.
func (MassUpdate) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueImports} }

type massUpdate struct {
	river.WorkerDefaults[MassUpdate]
	updater Updater
	log     *slog.Logger
}

func (w *massUpdate) Work(ctx context.Context, job *river.Job[MassUpdate]) error {
	if w.updater == nil {
		return nil // enqueued by a process that has one
	}
	err := w.updater.Work(ctx, job.Args.Org, job.Args.Update)
	return settle(ctx, w.log.With("org", job.Args.Org, "update", job.Args.Update), job.Metadata, err, outcomeOf, func(time.Duration) {})
}

// massUpdates enqueues work on mass updates whose process died.
func (h *house) massUpdates(ctx context.Context) error {
	kept := h.store.MassUpdates()
	found, err := kept.Stranded(ctx, h.Now().Add(-strandedAfter), perWake)
	if err != nil {
		return err
	}
	for _, u := range found {
		u.Touched = h.Now()
		switch err := kept.Save(ctx, u, u.State, u.At); {
		case fault.Is(err, fault.Conflict): // somebody works on it after all
		case err != nil:
			return err
		default:
			if err := h.queue.MassUpdate(ctx, u.Org, u.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
