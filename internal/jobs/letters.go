package jobs

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// SendLetter sends one letter. It is enqueued in the transaction that stores the letter, so that there is never one without
// the other.
type SendLetter struct {
	Letter record.ID `json:"letter"`
}

// Kind names the job.
func (SendLetter) Kind() string { return "send_letter" }

// InsertOpts puts it into its queue.
func (SendLetter) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: queueLetters} }

// letterOutcomes says how long a letter rests after a fault of each kind. How often it is tried is not said here: the postman
// gives up a letter that is too old, and what a server refuses for good is no fault of the job.
var letterOutcomes = map[fault.Kind]outcome{
	fault.NotFound:    {level: slog.LevelInfo},
	fault.Denied:      {again: true, first: time.Minute, most: 15 * time.Minute, level: slog.LevelError}, // the operator's to mend
	fault.Throttled:   {again: true, first: time.Minute, most: time.Hour, level: slog.LevelWarn},
	fault.Unavailable: {again: true, first: 20 * time.Second, most: time.Hour, level: slog.LevelWarn}, // greylisting lasts minutes
	fault.Broken:      {again: true, first: time.Minute, most: time.Hour, level: slog.LevelError},
}

// letterOutcome is the outcome of an error of the postman.
func letterOutcome(err error) outcome {
	if o, ok := letterOutcomes[fault.KindOf(err)]; ok {
		return o
	}
	return letterOutcomes[fault.Broken]
}

const (
	// letterTimeout bounds one try. The postman has a shorter limit of its own.
	letterTimeout = 2 * time.Minute
	// orphanedAfter is when a queued letter is looked for that has no job.
	orphanedAfter = 5 * time.Minute
	// lettersKept is how long a letter that was sent is remembered.
	lettersKept = 90 * 24 * time.Hour
)

type sendLetter struct {
	river.WorkerDefaults[SendLetter]
	postman Postman
	log     *slog.Logger
}

func (*sendLetter) Timeout(*river.Job[SendLetter]) time.Duration { return letterTimeout }

func (w *sendLetter) Work(ctx context.Context, job *river.Job[SendLetter]) error {
	if w.postman == nil {
		return nil // enqueued by a process that has one; its house finds the letter again
	}
	id := job.Args.Letter
	err := w.postman.Deliver(ctx, id)
	return settle(ctx, w.log.With("letter", id), job.Metadata, err, letterOutcome, func(time.Duration) {})
}

func toSend(letters []record.ID) []river.InsertManyParams {
	params := make([]river.InsertManyParams, len(letters))
	for i, id := range letters {
		params[i].Args = SendLetter{Letter: id}
	}
	return params
}

// letters enqueues letters that are owed and have no job: those made where there was no postman, and those whose process died
// while it sent them.
func (h *house) letters(ctx context.Context) error {
	now := h.Now()
	ids, err := h.store.Letters().Unsent(ctx, now.Add(-orphanedAfter), maxListed)
	if err != nil || len(ids) == 0 {
		return err
	}
	jobs, err := h.queue.engine.living(ctx, SendLetter{}.Kind())
	if err != nil {
		return err
	}
	cared := map[record.ID]bool{}
	for _, job := range jobs {
		if job.State == rivertype.JobStateRunning && job.AttemptedAt != nil && now.Sub(*job.AttemptedAt) > orphanedAfter {
			continue // whoever ran it is dead: River finds that out only after rescueAfter
		}
		var args SendLetter
		if json.Unmarshal(job.EncodedArgs, &args) == nil {
			cared[args.Letter] = true
		}
	}
	var orphans []record.ID
	for _, id := range ids {
		if !cared[id] {
			orphans = append(orphans, id)
		}
	}
	for len(orphans) > 0 {
		n := min(len(orphans), perWake)
		if err := h.queue.engine.insert(ctx, toSend(orphans[:n])); err != nil {
			return err
		}
		orphans = orphans[n:]
	}
	return nil
}
