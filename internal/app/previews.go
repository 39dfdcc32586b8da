package app

import (
	"context"
	"crypto/rand"
	"time"

	"tandem/internal/account"
	"tandem/internal/jobs"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/store"
)

// previews are asked for by pages, made by jobs and kept by the store. It fits web.Previews.
type previews struct {
	*store.Links
	queue *jobs.Queue
	now   func() time.Time
}

// Begin asks for a preview and returns its id.
func (p previews) Begin(ctx context.Context, u account.User, kind record.Kind, link *reconcile.Link, occasion reconcile.Occasion, settings reconcile.Settings) (string, error) {
	now := p.now()
	asked := reconcile.Preview{
		ID: rand.Text(), Org: u.Org, User: u.ID, Kind: kind, Occasion: occasion, Settings: settings, Begun: now, Touched: now, State: reconcile.Rehearsing,
	}
	if link != nil {
		asked.Link = link.ID
	}
	if err := p.BeginPreview(ctx, asked); err != nil {
		return "", err
	}
	return asked.ID, p.queue.Rehearse(ctx, asked.ID)
}
