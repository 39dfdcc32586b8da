package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// ImportFile goes on with an import, or with taking one back.
type ImportFile struct {
	Org    record.ID `json:"org"`
	Import string    `json:"import"`
}

// Kind names the job.
func (ImportFile) Kind() string { return "import_file" }

// InsertOpts puts it into its queue. It is not unique: two jobs of one import harm nobody, because each step names the row that it
// begins at, and of two equal steps one is refused.
func (ImportFile) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueImports} }

const (
	// strandedAfter is how long an import may lie without a step before it gets another job: its process died.
	strandedAfter = time.Minute
	// draftsKept is how long a file waits for its person, importsKept how long an import can be taken back: as long as what it made
	// lies in the recycle bin after that.
	draftsKept  = 48 * time.Hour
	importsKept = crm.BinAge
)

type importFile struct {
	river.WorkerDefaults[ImportFile]
	importer Importer
	log      *slog.Logger
}

func (w *importFile) Work(ctx context.Context, job *river.Job[ImportFile]) error {
	if w.importer == nil {
		return nil // enqueued by a process that has one
	}
	err := w.importer.Work(ctx, job.Args.Org, job.Args.Import)
	return settle(ctx, w.log.With("org", job.Args.Org, "import", job.Args.Import), job.Metadata, err, outcomeOf, func(time.Duration) {})
}

// imports enqueues work on imports whose process died.
func (h *house) imports(ctx context.Context) error {
	found, err := h.store.Imports().Stranded(ctx, h.Now().Add(-strandedAfter), perWake)
	if err != nil {
		return err
	}
	for _, i := range found {
		i.Touched = h.Now()
		switch err := h.store.Imports().Save(ctx, i, i.State, i.At); {
		case fault.Is(err, fault.Conflict): // somebody works on it after all
		case err != nil:
			return err
		default:
			if err := h.queue.Import(ctx, i.Org, i.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
