package realdata

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Options say what to carry where.
type Options struct {
	CRM       *Service
	Graph     *Service // nil: what arrives in Outlook is not looked at
	Calendars string   // folders; "" leaves a kind out
	Contacts  string
	Folder    string        // RunFromOutlook: what the folder of contact sync is called in Outlook
	Zone      string        // of times without one; "": that of whoever the token belongs to
	Patience  time.Duration // how long to wait for sync
	Tell      func(string)  // progress
}

// Run carries everything over, waits, compares, and reports. With an error there may be a report of what was done.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Zone == "" {
		var err error
		if o.Zone, err = o.CRM.Zone(ctx); err != nil {
			return nil, err
		}
	}
	report := &Report{Zone: o.Zone}
	if o.Calendars != "" {
		entries, err := ReadCalendars(o.Calendars, o.Zone)
		if err != nil {
			return nil, err
		}
		report.Entries = entries
	}
	if o.Contacts != "" {
		entries, err := ReadCards(o.Contacts)
		if err != nil {
			return nil, err
		}
		report.Entries = append(report.Entries, entries...)
	}
	if err := o.insert(ctx, report); err != nil {
		return report, err
	}
	if err := o.readBack(ctx, report); err != nil {
		return report, err
	}
	if o.Graph == nil {
		return report, nil
	}
	// Only now: thousands of records that appear while a sync is on would make it stop and ask.
	for kind, wanted := range map[string]bool{"calendar": o.Calendars != "", "contacts": o.Contacts != ""} {
		if wanted {
			if err := o.CRM.SwitchOn(ctx, kind); err != nil {
				return report, err
			}
		}
	}
	return report, o.follow(ctx, report)
}

// insert inserts every record by itself, in order.
func (o Options) insert(ctx context.Context, report *Report) error {
	plans := report.plans("")
	for i, p := range plans {
		if err := o.CRM.Insert(ctx, p); err != nil {
			return err
		}
		if (i+1)%500 == 0 {
			o.Tell(fmt.Sprintf("inserted %d of %d", i+1, len(plans)))
		}
	}
	return nil
}

// readBack holds what the CRM now has against what it was given.
func (o Options) readBack(ctx context.Context, report *Report) error {
	for _, module := range []string{"Events", "Contacts"} {
		plans := report.plans(module)
		stored, err := o.CRM.Read(ctx, module, ids(plans))
		if err != nil {
			return err
		}
		for _, p := range plans {
			if p.ID == "" {
				continue
			}
			p.stored = stored[p.ID]
			was, is := flat(module, p.Fields), flat(module, p.stored)
			keys := slices.Sorted(maps.Keys(was))
			p.Diffs = append(p.Diffs, diff("input", "crm", was, is, keys)...)
		}
	}
	return nil
}

// follow waits for sync and holds what Outlook has against what the CRM has.
func (o Options) follow(ctx context.Context, report *Report) error {
	links, err := o.CRM.Settle(ctx, o.Patience, o.Tell)
	if err != nil {
		return err
	}
	for _, l := range links {
		module := map[string]string{"calendar": "Events", "contacts": "Contacts"}[l.Kind]
		plans := report.plans(module)
		standings, err := o.CRM.Standings(ctx, l.ID)
		if err != nil {
			return err
		}
		items, err := o.Graph.Items(ctx, module)
		if err != nil {
			return err
		}
		o.Tell(fmt.Sprintf("comparing %d %s with %d in Outlook", len(plans), l.Kind, len(items)))
		for _, p := range plans {
			if p.ID == "" {
				continue
			}
			o.compare(ctx, p, standings[p.ID], items)
		}
	}
	return nil
}

// States of records besides those that a link tells.
const (
	unknown = "unknown"
	absent  = "absent"
)

func (o Options) compare(ctx context.Context, p *Plan, at standing, items map[string]map[string]any) {
	p.State, p.Microsoft, p.Reason = at.State, at.Microsoft, at.Reason
	if at.Detail != "" {
		p.Reason += " (" + clip(at.Detail, 200) + ")"
	}
	item, ok := items[at.Microsoft]
	switch {
	case at.State == "":
		p.State, p.Reason = unknown, "the link does not know the record"
		return
	case at.State == "synced" && !ok:
		p.State, p.Reason = absent, "in step by the ledger, not there in Outlook"
		return
	case at.State != "synced":
		return
	}
	was := flat(p.Module, p.stored)
	if p.Module == "Contacts" {
		is, keys := contact(item)
		p.Diffs = append(p.Diffs, diff("crm", "outlook", was, is, keys)...)
		return
	}
	p.Diffs = append(p.Diffs, diff("crm", "outlook", was, meeting(item), eventKeys)...)
	p.Diffs = append(p.Diffs, o.Graph.occurrences(ctx, at.Microsoft, p.stored)...)
}

func ids(plans []*Plan) []string {
	var out []string
	for _, p := range plans {
		if p.ID != "" {
			out = append(out, p.ID)
		}
	}
	return out
}
