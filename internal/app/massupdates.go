package app

import (
	"context"

	"tandem/internal/jobs"
	"tandem/internal/massupdate"
	"tandem/internal/store"
)

// massUpdates are prepared by pages, carried on by jobs and kept by the store. It fits web.MassUpdates.
type massUpdates struct {
	*massupdate.Desk
	*store.MassUpdates
	queue *jobs.Queue
}

// Begin starts a draft. Were this process to die before the job is on disk, the next look for stranded ones finds it.
func (m massUpdates) Begin(ctx context.Context, u massupdate.Update) error {
	if err := m.Start(ctx, u); err != nil {
		return err
	}
	return m.queue.MassUpdate(ctx, u.Org, u.ID)
}

// TakeBack undoes one.
func (m massUpdates) TakeBack(ctx context.Context, u massupdate.Update) error {
	if err := m.Undo(ctx, u); err != nil {
		return err
	}
	return m.queue.MassUpdate(ctx, u.Org, u.ID)
}
