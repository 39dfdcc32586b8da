package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// linkOf finds the link whose first sync was measured, making it first if that measurement was left out.
func (b *bench) linkOf(ctx context.Context, s sort, full int) (*reconcile.Link, error) {
	user := b.users[s.measured]
	find := func() (*reconcile.Link, error) {
		links, err := b.app.Store.Links().LinksOf(ctx, user.Org, user.ID)
		for i := range links {
			if links[i].Kind == s.kind {
				return &links[i], err
			}
		}
		return nil, err
	}
	link, err := find()
	if link != nil || err != nil {
		return link, err
	}
	if err := b.firstSync(ctx, s, full); err != nil {
		return nil, err
	}
	return find()
}

// quiet measures runs in which nothing has changed. Before them, two runs take in the echoes of the first sync.
func (b *bench) quiet(ctx context.Context) error {
	link, err := b.linkOf(ctx, contacts, 10_000)
	if err != nil {
		return err
	}
	for range 2 {
		if err := b.app.Runner.Run(ctx, link.ID); err != nil {
			return err
		}
	}
	const runs = 100
	trips, err := b.roundTrips(ctx)
	if err != nil {
		return err
	}
	before := b.app.Store.Counts()
	var took []time.Duration
	for range runs {
		start := time.Now()
		if err := b.app.Runner.Run(ctx, link.ID); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	counts := b.app.Store.Counts()
	after, err := b.roundTrips(ctx)
	if err != nil {
		return err
	}
	b.add("quiet_run", "items", float64(link.Synced))
	b.add("quiet_run", "round_trips", float64(after-trips)/runs)
	b.add("quiet_run", "db_writes", float64(counts.ItemWrites-before.ItemWrites)/runs)
	b.add("quiet_run", "link_writes", float64(counts.LinkWrites-before.LinkWrites)/runs)
	b.add("quiet_run", "ms", percentile(took, 50))
	b.add("quiet_run", "p99_ms", percentile(took, 99))
	return nil
}

// changes measures a run with 50 changes on each side among 10,000 contacts; the middle one of five.
func (b *bench) changes(ctx context.Context) error {
	link, err := b.linkOf(ctx, contacts, 10_000)
	if err != nil {
		return err
	}
	if err := b.app.Runner.Run(ctx, link.ID); err != nil {
		return err
	}
	var took []time.Duration
	var trips int
	for round := range 5 {
		if err := b.change(ctx, link, round); err != nil {
			return err
		}
		before, err := b.roundTrips(ctx)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := b.app.Runner.Run(ctx, link.ID); err != nil {
			return err
		}
		took = append(took, time.Since(start))
		after, err := b.roundTrips(ctx)
		if err != nil {
			return err
		}
		trips = after - before
		if err := b.changed(ctx, round); err != nil {
			return err
		}
	}
	b.add("changes_100", "ms", percentile(took, 50))
	b.add("changes_100", "round_trips", float64(trips))
	return nil
}

// change edits 50 contacts in Outlook and 50 others in the CRM.
func (b *bench) change(ctx context.Context, link *reconcile.Link, round int) error {
	user, as := b.users[contacts.measured], b.person(contacts.measured)
	states, err := b.app.Store.Links().Records(ctx, user.Org, link.ID, "synced", round*100, 100)
	if err != nil {
		return err
	}
	for _, s := range states[:50] {
		path := "/v1.0/me/contacts/" + string(s.Microsoft)
		if err := b.sim.call(ctx, as, http.MethodPatch, path, map[string]string{"department": fmt.Sprint("Outlook ", round)}, nil); err != nil {
			return err
		}
	}
	var ids []record.ID
	for _, s := range states[50:] {
		id, _ := record.ParseID(string(s.CRM))
		ids = append(ids, id)
	}
	found, err := b.app.Store.Records().ByID(ctx, user.Org, record.Contacts, ids)
	if err != nil {
		return err
	}
	var edited []crm.Record
	for _, r := range found {
		r.Fields = r.Fields.With(record.Fields{record.Department: record.Value(fmt.Sprint("CRM ", round))})
		r.ModifiedAt = time.Now().UTC()
		edited = append(edited, r)
	}
	_, faults, err := b.app.Store.Records().Update(ctx, crm.Author{Org: user.Org, User: user.ID}, edited)
	if i := slices.IndexFunc(faults, func(e error) bool { return e != nil }); err == nil && i >= 0 {
		err = faults[i]
	}
	return err
}

// changed makes sure that the changes have come across.
func (b *bench) changed(ctx context.Context, round int) error {
	user := b.users[contacts.measured]
	all, err := b.app.Store.Records().Records(ctx, user.Org, record.Contacts, crm.Query{Owner: user.ID, Sort: crm.ByModified, Descending: true, Limit: 100})
	if err != nil {
		return err
	}
	seen := 0
	for _, r := range all {
		if r.Fields[record.Department] == record.Value(fmt.Sprint("Outlook ", round)) {
			seen++
		}
	}
	if seen != 50 {
		return fmt.Errorf("%d of 50 changes made in Outlook have come into the CRM", seen)
	}
	return nil
}
