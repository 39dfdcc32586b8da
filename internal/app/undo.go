package app

import (
	"context"
	"crypto/rand"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/jobs"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// undos are asked for by pages and worked off by jobs. It fits web.Undo.
type undos struct {
	*reconcile.Undoer
	queue *jobs.Queue
	now   func() time.Time
}

// Line undoes one line.
func (u undos) Line(ctx context.Context, user account.User, link *reconcile.Link, line reconcile.HistoryEntry) (reconcile.Undoing, error) {
	return u.Undoer.Line(ctx, user.Org, user.ID, link, line)
}

// Begin asks for the undo of a run and returns its id; that of the one under way, if there is one. Should the process die before
// the job is enqueued, the undo is found and resumed.
func (u undos) Begin(ctx context.Context, user account.User, link *reconcile.Link, run int64) (string, error) {
	now := u.now()
	undo, err := u.Undos.BeginUndo(ctx, reconcile.UndoRun{
		ID: rand.Text(), Org: user.Org, User: user.ID, Link: link.ID, Kind: link.Kind, Run: run, Asked: now, Touched: now,
	})
	if err != nil {
		return "", err
	}
	return undo.ID, u.queue.Undo(ctx, undo.ID)
}

// handOf is what a user may do by hand with the records of a kind. Denied: the user is not active any more.
func handOf(accounts account.Store, people *crm.CRM) func(context.Context, record.ID, record.ID, record.Kind) (reconcile.Hand, error) {
	return func(ctx context.Context, org, user record.ID, kind record.Kind) (reconcile.Hand, error) {
		u, err := accounts.User(ctx, org, user)
		if err == nil && u.State != account.Active || fault.Is(err, fault.NotFound) {
			return nil, fault.New(fault.Denied, fault.AccountDisabled, "app: user %s is not active", user)
		}
		if err != nil {
			return nil, err
		}
		return people.Hand(crm.Actor{
			Author: crm.Author{Org: org, User: user}, Zone: u.Zone, Contacts: u.May.Contacts, Events: u.May.Events,
		}, kind), nil
	}
}
