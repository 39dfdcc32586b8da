package app

import (
	"context"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/jobs"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/zone"
)

// imports are begun by pages, carried on by jobs and kept by the store. It fits web.Imports.
type imports struct {
	*intake.Desk
	*store.Imports
	queue *jobs.Queue
}

// Begin starts a draft. Were this process to die before the job is on disk, the next look for stranded imports finds it.
func (i imports) Begin(ctx context.Context, of intake.Import) error {
	if err := i.Desk.Start(ctx, of); err != nil {
		return err
	}
	return i.queue.Import(ctx, of.Org, of.ID)
}

// TakeBack undoes an import.
func (i imports) TakeBack(ctx context.Context, of intake.Import) error {
	if err := i.Desk.Undo(ctx, of); err != nil {
		return err
	}
	return i.queue.Import(ctx, of.Org, of.ID)
}

// actorOf tells as whom an import or a mass update acts: what this person may do by now.
func actorOf(accounts account.Store, allowed func(account.Permissions) bool) func(context.Context, record.ID, record.ID) (crm.Actor, error) {
	return func(ctx context.Context, org, user record.ID) (crm.Actor, error) {
		u, err := accounts.User(ctx, org, user)
		if err != nil {
			return crm.Actor{}, err
		}
		if u.State != account.Active || !allowed(u.May) {
			return crm.Actor{}, fault.New(fault.Denied, fault.NotAllowed, "app: user %d may not do that", user)
		}
		home := u.Zone
		if _, ok := zone.Load(home); !ok {
			o, err := accounts.Organization(ctx, org)
			if err != nil {
				return crm.Actor{}, err
			}
			home = o.Zone
		}
		return crm.Actor{
			Author: crm.Author{Org: org, User: user}, Zone: home, Contacts: u.May.Contacts, Events: u.May.Events, MassUpdate: u.May.MassUpdate,
		}, nil
	}
}
