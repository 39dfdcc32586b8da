package main

import (
	"context"
	"fmt"
	"time"

	"tandem/internal/account"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Series with occurrences of their own: how much they cost beside plain events.

const (
	seriesKey     = "series_5000"
	exceptionsKey = "series_exceptions"
)

// mixed is an event: every fifth is a series of twenty occurrences, of which one is left out, one moved and one has another place.
func mixed(i int) record.Fields {
	f := eventFields(i)
	delete(f, record.Recurring)
	if i%5 > 0 {
		return f
	}
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * 30 * time.Minute)
	day := func(n int) string { return start.In(saoPaulo).AddDate(0, 0, 7*n).Format(time.DateOnly) }
	moved := start.AddDate(0, 0, 14).Add(2 * time.Hour)
	f[record.Recurring] = record.Value("FREQ=WEEKLY;COUNT=20;BYDAY=" + []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}[start.In(saoPaulo).Weekday()])
	f[record.Excluded] = record.Value(day(1))
	f[record.Changed] = record.OccurrencesValue([]record.Occurrence{
		{Day: day(2), Fields: record.Fields{
			record.Start: record.Value(moved.Format(time.RFC3339)), record.End: record.Value(moved.Add(time.Hour).Format(time.RFC3339)),
		}},
		{Day: day(3), Fields: record.Fields{record.Venue: "Sala 2"}},
	})
	return f
}

// series measures a first sync of events of which a fifth are series with occurrences of their own, and quiet runs after it.
func (b *bench) series(ctx context.Context) error {
	user, n := b.users["alex"], b.n(5000)
	id, err := b.synced(ctx, seriesKey, user, n, mixed)
	if err != nil {
		return err
	}
	for range 2 { // the echoes of the first sync
		if err := b.app.Runner.Run(ctx, id); err != nil {
			return err
		}
	}
	const runs = 50
	trips, err := b.roundTrips(ctx)
	if err != nil {
		return err
	}
	before := b.app.Store.Counts()
	var took []time.Duration
	for range runs {
		start := time.Now()
		if err := b.app.Runner.Run(ctx, id); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	after, err := b.roundTrips(ctx)
	if err != nil {
		return err
	}
	b.add(seriesKey, "quiet_round_trips", float64(after-trips)/runs)
	b.add(seriesKey, "quiet_ms", percentile(took, 50))
	b.add(seriesKey, "quiet_db_writes", float64(b.app.Store.Counts().ItemWrites-before.ItemWrites)/runs)
	return nil
}

// exceptions measures one series of a thousand occurrences, two hundred of which have something of their own.
func (b *bench) exceptions(ctx context.Context) error {
	_, err := b.synced(ctx, exceptionsKey, b.users["isaiah"], 1, func(int) record.Fields {
		first := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		f := eventFields(1).With(record.Fields{
			record.Start: record.Value(first.Format(time.RFC3339)), record.End: record.Value(first.Add(time.Hour).Format(time.RFC3339)),
			record.Recurring: record.Value("FREQ=DAILY;UNTIL=" + first.AddDate(0, 0, 999).Format("20060102")),
		})
		var own []record.Occurrence
		for i := range 200 {
			own = append(own, record.Occurrence{
				Day:    first.AddDate(0, 0, 5*i).Format(time.DateOnly),
				Fields: record.Fields{record.Venue: record.Value(fmt.Sprint("Sala ", i))},
			})
		}
		f[record.Changed] = record.OccurrencesValue(own)
		return f
	})
	return err
}

// synced measures the first sync of a user's events.
func (b *bench) synced(ctx context.Context, key string, user account.User, n int, make func(int) record.Fields) (reconcile.LinkID, error) {
	if err := b.insert(ctx, user, record.Calendar, n, make); err != nil {
		return 0, err
	}
	link, err := b.link(ctx, user, record.Calendar)
	if err != nil {
		return 0, err
	}
	trips, err := b.roundTrips(ctx)
	if err != nil {
		return 0, err
	}
	resetPeak()
	start := time.Now()
	if err := b.app.Runner.Run(ctx, link.ID); err != nil {
		return 0, err
	}
	took, peak := time.Since(start), peakMiB()
	after, err := b.roundTrips(ctx)
	if err != nil {
		return 0, err
	}
	b.add(key, "items", float64(n))
	b.add(key, "round_trips", float64(after-trips))
	b.add(key, "seconds", took.Seconds())
	b.add(key, "peak_mib", peak)
	return link.ID, b.complete(ctx, user, link.ID, n)
}
