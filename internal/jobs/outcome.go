package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"

	"tandem/internal/fault"
)

// outcome is what a kind of fault means for a job: the table of docs and STYLE, in one place.
type outcome struct {
	again bool          // the job comes back after a pause
	first time.Duration // the first pause; each further one is longer by factor, up to most
	most  time.Duration
	level slog.Level
}

const factor = 3

var outcomes = map[fault.Kind]outcome{
	fault.Invalid:     {level: slog.LevelDebug},
	fault.NotFound:    {level: slog.LevelInfo},
	fault.Denied:      {level: slog.LevelWarn}, // the run has paused the link and told its user why
	fault.Gone:        {again: true, first: time.Second, most: time.Minute, level: slog.LevelInfo},
	fault.Conflict:    {again: true, first: time.Second, most: time.Minute, level: slog.LevelDebug},
	fault.Throttled:   {again: true, first: 10 * time.Second, most: 10 * time.Minute, level: slog.LevelWarn},
	fault.Unavailable: {again: true, first: time.Second, most: time.Minute, level: slog.LevelWarn},
	fault.Broken:      {again: true, first: 5 * time.Second, most: 15 * time.Minute, level: slog.LevelError},
}

// maxAsked bounds how long a neighbour may ask to wait: a wrong header shall not silence a link for a day.
const maxAsked = time.Hour

// outcomeOf is the outcome of an error of a run.
func outcomeOf(err error) outcome {
	o := outcomes[fault.KindOf(err)]
	switch fault.ReasonOf(err) {
	case fault.StaleLease: // another worker has the link, and sees to its wake-ups when it closes it
		o = outcome{level: slog.LevelDebug}
	case fault.AppMisconfigured: // the operator's problem: paused nobody
		o = outcomes[fault.Unavailable]
		o.most, o.level = 5*time.Minute, slog.LevelError
	}
	return o
}

// pause is how long a job sleeps that has slept so many times before. It varies a little, so that jobs which failed
// together do not come back together.
func (o outcome) pause(err error, before int) time.Duration {
	if asked := fault.RetryAfter(err); asked > 0 {
		return min(asked, maxAsked) + spread(time.Second)
	}
	wait := o.first
	for range before {
		if wait *= factor; wait >= o.most {
			wait = o.most
			break
		}
	}
	return wait + spread(wait/5)
}

func spread(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// settle turns the error of a job's work into what River is to do, by the table of its outcomes. sleep is told of a pause
// before it begins.
func settle(ctx context.Context, log *slog.Logger, metadata []byte, err error, of func(error) outcome, sleep func(time.Duration)) error {
	if err == nil {
		return nil
	}
	if stopping := ctx.Err(); errors.Is(stopping, context.Canceled) {
		return errors.Join(err, stopping) // the job is free at once, for whichever process goes on
	}
	o := of(err)
	log.Log(ctx, o.level, "a job ended with a fault", "kind", fault.KindOf(err), "reason", fault.ReasonOf(err), "again", o.again, "error", err)
	if !o.again {
		return nil
	}
	wait := o.pause(err, slept(metadata))
	sleep(wait)
	return river.JobSnooze(wait)
}

// slept is how often a job has slept, which River counts in its metadata.
func slept(metadata []byte) int {
	var m struct {
		Snoozes int `json:"snoozes"`
	}
	_ = json.Unmarshal(metadata, &m) // metadata is a JSON object; without a count it is 0
	return m.Snoozes
}
