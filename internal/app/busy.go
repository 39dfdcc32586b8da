package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/web"
)

// elsewhere are the other calendars of people, read with their own grants. It fits web.Elsewhere. What it has read it
// remembers for a short while, so that leafing through a calendar does not ask Microsoft again and again; nothing is stored.
type elsewhere struct {
	*neighbour
	links reconcile.Links
	mu    sync.Mutex
	read  map[string]busyRead
}

type busyRead struct {
	at    time.Time
	times []web.BusyTime
}

const (
	busyFor = time.Minute // how long what was read counts
	busyMax = 500         // how many readings are remembered
)

// calendars opens a person's mailbox for reading calendars.
func (e *elsewhere) calendars(ctx context.Context, u account.User) (*graph.Mailbox, error) {
	grant, err := e.accounts.Grant(ctx, u.Org, u.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, fault.New(fault.Denied, fault.ConsentRequired, "app: never connected to Microsoft")
	case err != nil:
		return nil, err
	case grant.Broken:
		return nil, fault.New(fault.Denied, fault.ReconnectNeeded, "app: Microsoft no longer takes the grant")
	case !covers(grant.Scopes, record.Calendar):
		return nil, fault.New(fault.Denied, fault.ConsentRequired, "app: the grant does not cover calendars")
	}
	return e.mailbox(u)
}

// Calendars lists a person's calendars without the dedicated one.
func (e *elsewhere) Calendars(ctx context.Context, u account.User) (out []web.OtherCalendar, err error) {
	defer fault.Wrap(&err, "app: other calendars of user %d", u.ID)
	box, err := e.calendars(ctx, u)
	if err != nil {
		return nil, err
	}
	all, err := outlook.Calendars(ctx, box)
	if err != nil {
		return nil, err
	}
	synced, err := e.synced(ctx, u)
	for _, c := range all {
		if !c.Ours && c.ID != synced {
			out = append(out, web.OtherCalendar{ID: c.ID, Name: c.Name, Fit: c.Fit, Default: c.Default})
		}
	}
	return out, err
}

// synced is the calendar that takes part in the person's sync; "": there is none. What is in it the CRM shows as events.
func (e *elsewhere) synced(ctx context.Context, u account.User) (record.Ref, error) {
	links, err := e.links.LinksOf(ctx, u.Org, u.ID)
	for _, l := range links {
		if l.Kind == record.Calendar {
			return cmp.Or(l.Container, l.Policy.Calendar), err
		}
	}
	return "", err
}

// Busy tells when a person is busy by other calendars.
func (e *elsewhere) Busy(ctx context.Context, u account.User, calendars []record.Ref, from, to time.Time) (_ []web.BusyTime, err error) {
	defer fault.Wrap(&err, "app: busy times of user %d", u.ID)
	synced, err := e.synced(ctx, u)
	if err != nil {
		return nil, err
	}
	calendars = slices.DeleteFunc(slices.Clone(calendars), func(c record.Ref) bool { return c == synced })
	key := fmt.Sprint(u.ID, u.Identity.Mailbox(), calendars, from.Unix(), to.Unix())
	if times, ok := e.remembered(key); ok {
		return times, nil
	}
	box, err := e.calendars(ctx, u)
	if err != nil {
		return nil, err
	}
	spans, err := outlook.Busy(ctx, box, calendars, from, to)
	if err != nil {
		return nil, err
	}
	times := make([]web.BusyTime, len(spans))
	for i, s := range spans {
		times[i] = web.BusyTime(s)
	}
	e.remember(key, times)
	return times, nil
}

func (e *elsewhere) remembered(key string) ([]web.BusyTime, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.read[key]
	return r.times, ok && e.now().Sub(r.at) < busyFor
}

func (e *elsewhere) remember(key string, times []web.BusyTime) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	if len(e.read) >= busyMax {
		for old, r := range e.read {
			if now.Sub(r.at) >= busyFor || len(e.read) >= busyMax {
				delete(e.read, old)
			}
		}
	}
	if e.read == nil {
		e.read = map[string]busyRead{}
	}
	e.read[key] = busyRead{now, times}
}
