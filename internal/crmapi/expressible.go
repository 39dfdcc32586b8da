package crmapi

import (
	"context"
	"errors"
	"strings"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// expressible refuses a rule that Microsoft 365 has no words for, where the event is to go there: its owner syncs the
// calendar and the event takes part. For everybody else a rule is as good as any; should they begin to sync, the record
// says why it is not there.
func (c *call) expressible(ctx context.Context, r crm.Record, rule recur.Rule, start time.Time) error {
	wrong := c.Expressible(rule, start)
	if wrong == nil || !fault.Is(wrong, fault.Invalid) {
		return wrong
	}
	link, err := c.calendarOf(ctx, r.Owner)
	if err != nil || link == nil {
		return err
	}
	if takes, _ := reconcile.Eligible(link.User, link.Policy, r.Meta()); !takes {
		return nil
	}
	if f, ok := errors.AsType[*fault.Fault](wrong); ok {
		_, why, _ := strings.Cut(f.Message, ": ") // without the room that says it
		return fault.Wrong(fault.NotExpressible, string(record.Recurring), "%s", why)
	}
	return wrong
}

// calendarOf is the link by which a user's calendar is synced; nil: by none.
func (c *call) calendarOf(ctx context.Context, user record.ID) (*reconcile.Link, error) {
	if link, known := c.calendars[user]; known {
		return link, nil
	}
	links, err := c.Links.LinksOf(ctx, c.user.Org, user)
	if err != nil {
		return nil, err
	}
	if c.calendars == nil {
		c.calendars = map[record.ID]*reconcile.Link{}
	}
	c.calendars[user] = nil
	for i, l := range links {
		if l.Kind == record.Calendar && l.State != reconcile.Off && l.State != reconcile.Switching {
			c.calendars[user] = &links[i]
		}
	}
	return c.calendars[user], nil
}
