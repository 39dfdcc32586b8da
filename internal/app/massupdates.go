package app

import (
	"context"

	"tandem/internal/crm"
	"tandem/internal/jobs"
	"tandem/internal/massupdate"
	"tandem/internal/store"
)

// massUpdates are asked for by pages, carried on by jobs and kept by the store. It fits web.MassUpdates.
type massUpdates struct {
	*massupdate.Desk
	*store.MassUpdates
	queue *jobs.Queue
}

// Go starts a draft. Were this process to die before the job is on disk, the next look for stranded ones finds it.
func (m massUpdates) Go(ctx context.Context, u massupdate.Update) error {
	if err := m.Desk.Start(ctx, u); err != nil {
		return err
	}
	return m.queue.MassUpdate(ctx, u.Org, u.ID)
}

// GoMailing is Go with the person's word about those who would be told that their meetings are off.
func (m massUpdates) GoMailing(ctx context.Context, u massupdate.Update, events []crm.Cancellation) error {
	if err := m.Desk.Agree(ctx, u, events); err != nil {
		return err
	}
	return m.queue.MassUpdate(ctx, u.Org, u.ID)
}

// TakeBack undoes a mass update.
func (m massUpdates) TakeBack(ctx context.Context, u massupdate.Update) error {
	if err := m.Desk.Undo(ctx, u); err != nil {
		return err
	}
	return m.queue.MassUpdate(ctx, u.Org, u.ID)
}
