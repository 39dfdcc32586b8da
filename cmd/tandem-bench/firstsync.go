package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/account"
	"tandem/internal/graph"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// sort of records that is measured: which people are used, and what a record looks like.
type sort struct {
	kind     record.Kind
	key      string
	measured string // whose first sync is measured
	recorded string // whose first sync is recorded for the ceiling
	bare     string // into whose mailbox the recording is posted
	slow     string // whose first sync is measured at 100 ms
	make     func(i int) record.Fields
}

var (
	events   = sort{record.Calendar, "first_sync_events_5000", "adele", "diego", "grady", "lee", eventFields}
	contacts = sort{record.Contacts, "first_sync_contacts_10000", "alex", "diego", "grady", "lee", contactFields}
)

// contactFields is a contact as people keep them, with most of the mapped fields.
func contactFields(i int) record.Fields {
	return record.Fields{
		record.FirstName: record.Value(fmt.Sprintf("Fulana %d", i)), record.LastName: record.Value(fmt.Sprintf("de Tal %05d", i)),
		record.EmailField: record.Value(fmt.Sprintf("fulana%d@example.com", i)), record.Title: "Gerente de Compras",
		record.AccountName: record.Value(fmt.Sprintf("Padaria São João %d", i%700)), record.Department: "Compras",
		record.PhoneField: record.Value(fmt.Sprintf("+55 11 3%07d", i)), record.Mobile: record.Value(fmt.Sprintf("+55 11 9%08d", i)),
		record.MailingStreet: record.Value(fmt.Sprintf("Rua das Acácias, %d", i)), record.MailingCity: "São Paulo",
		record.MailingState: "SP", record.MailingZip: "01310-100", record.MailingCountry: "Brasil",
		record.Description: "Prefere ser chamada à tarde.\nCliente desde 2019.",
	}
}

// eventFields is an event: every tenth repeats.
func eventFields(i int) record.Fields {
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * 30 * time.Minute)
	f := record.Fields{
		record.EventTitle: record.Value(fmt.Sprintf("Visita %d", i)), record.Start: record.Value(start.Format(time.RFC3339)),
		record.End: record.Value(start.Add(time.Hour).Format(time.RFC3339)), record.AllDay: "false", record.TimeZone: "America/Sao_Paulo",
		record.Venue: "Av. Paulista, 1000", record.Description: "Levar o catálogo.\nPerguntar pelo contrato.", record.RemindAt: "15",
	}
	if i%10 == 0 {
		f[record.Recurring] = "FREQ=MONTHLY;BYMONTHDAY=" + record.Value(start.In(saoPaulo).Format("2")) + ";COUNT=6"
		if start.In(saoPaulo).Day() > 28 {
			delete(f, record.Recurring)
		}
	}
	return f
}

var saoPaulo = mustZone("America/Sao_Paulo")

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	exitOn(err)
	return zone
}

// firstSync measures a first sync of full records against the ceiling of posting the same batches bare.
func (b *bench) firstSync(ctx context.Context, s sort, full int) error {
	n := b.n(full)
	ceiling, err := b.ceiling(ctx, s, n)
	if err != nil {
		return fmt.Errorf("ceiling: %w", err)
	}
	user := b.users[s.measured]
	if err := b.insert(ctx, user, s.kind, n, s.make); err != nil {
		return err
	}
	link, err := b.link(ctx, user, s.kind)
	if err != nil {
		return err
	}
	trips, err := b.roundTrips(ctx)
	if err != nil {
		return err
	}
	resetPeak()
	stopProfile, err := b.startProfile(s)
	if err != nil {
		return err
	}
	processor, start := processorTime(), time.Now()
	if err := b.app.Runner.Run(ctx, link.ID); err != nil {
		return err
	}
	took, used := time.Since(start), processorTime()-processor
	stopProfile()
	peak := peakMiB()
	after, err := b.roundTrips(ctx)
	if err != nil {
		return err
	}
	if err := b.complete(ctx, user, link.ID, n); err != nil {
		return err
	}
	b.add(s.key, "items", float64(n))
	b.add(s.key, "round_trips", float64(after-trips))
	b.add(s.key, "seconds", took.Seconds())
	b.add(s.key, "ceiling_seconds", ceiling.Seconds())
	b.add(s.key, "ceiling_share", ceiling.Seconds()/took.Seconds())
	b.add(s.key, "peak_mib", peak)
	b.add(s.key, "cpu_us_per_item", float64(used.Microseconds())/float64(n))
	return b.latencyBound(ctx, s)
}

// startProfile writes a processor profile of what follows, if one is asked for.
func (b *bench) startProfile(s sort) (stop func(), err error) {
	if b.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(b.profile + "." + string(s.kind))
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, pprof.StartCPUProfile(f)
}

// complete makes sure that what was measured was the whole of it.
func (b *bench) complete(ctx context.Context, user account.User, id reconcile.LinkID, n int) error {
	link, err := b.app.Store.Links().Link(ctx, user.Org, id)
	if err != nil {
		return err
	}
	if link.Synced != n || link.Failing > 0 || !link.Settled {
		return fmt.Errorf("the first sync left %d of %d synced, %d failing, settled %v: %s", link.Synced, n, link.Failing, link.Settled, link.LastError)
	}
	return nil
}

// ceiling is how long the simulator takes for the same batches with nothing behind them: a first sync is recorded, and
// its batches are posted into another mailbox, four at once. The middle one of three tries counts.
func (b *bench) ceiling(ctx context.Context, s sort, n int) (time.Duration, error) {
	batches, container, err := b.recording(ctx, s, n)
	if err != nil {
		return 0, err
	}
	var tries []time.Duration
	for try := range 3 {
		took, err := b.post(ctx, s, batches, container, try)
		if err != nil {
			return 0, err
		}
		tries = append(tries, took)
	}
	return time.Duration(percentile(tries, 50) * float64(time.Millisecond)), nil
}

// recording runs a first sync and keeps the batches that create items.
func (b *bench) recording(ctx context.Context, s sort, n int) (batches [][]byte, container record.Ref, err error) {
	user := b.users[s.recorded]
	if err := b.insert(ctx, user, s.kind, n, s.make); err != nil {
		return nil, "", err
	}
	link, err := b.link(ctx, user, s.kind)
	if err != nil {
		return nil, "", err
	}
	var mu sync.Mutex
	b.record = func(e graph.Exchange) {
		if strings.HasSuffix(e.Request.URL.Path, "/$batch") && bytes.Contains(e.Body, []byte(`"POST"`)) {
			mu.Lock()
			batches = append(batches, bytes.Clone(e.Body))
			mu.Unlock()
		}
	}
	defer func() { b.record = nil }()
	if err := b.app.Runner.Run(ctx, link.ID); err != nil {
		return nil, "", err
	}
	if link, err = b.app.Store.Links().Link(ctx, user.Org, link.ID); err != nil {
		return nil, "", err
	}
	return batches, link.Container, nil
}

// post sends recorded batches as fast as the simulator takes them, into a container of their own.
func (b *bench) post(ctx context.Context, s sort, batches [][]byte, from record.Ref, try int) (time.Duration, error) {
	as, path := b.person(s.bare), "/v1.0/me/calendars"
	body := map[string]string{"name": fmt.Sprint("Bare ", try)}
	if s.kind == record.Contacts {
		path, body = "/v1.0/me/contactFolders", map[string]string{"displayName": fmt.Sprint("Bare ", try)}
	}
	var made struct{ ID string }
	if err := b.sim.call(ctx, as, http.MethodPost, path, body, &made); err != nil {
		return 0, err
	}
	theirs := []byte("/users/" + b.person(s.recorded).ObjectID + "/")
	ours := []byte("/users/" + as.ObjectID + "/")
	var ready [][]byte
	for _, batch := range batches {
		batch = bytes.ReplaceAll(batch, []byte(from), []byte(made.ID))
		batch = bytes.ReplaceAll(batch, theirs, ours)
		// An id of creation counts for a whole mailbox.
		ready = append(ready, bytes.ReplaceAll(batch, []byte(`"transactionId":"`), fmt.Appendf(nil, `"transactionId":"%d`, try)))
	}
	var next atomic.Int64
	failed := make(chan error, 4)
	start := time.Now()
	for range 4 {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(ready) {
					failed <- nil
					return
				}
				if err := b.sim.call(ctx, as, http.MethodPost, "/v1.0/$batch", ready[i], nil); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	for range 4 {
		if err := <-failed; err != nil {
			return 0, err
		}
	}
	took := time.Since(start)
	return took, b.counted(ctx, as, path+"/"+made.ID, s, len(batches))
}

// counted makes sure that the bare batches created what they were to create.
func (b *bench) counted(ctx context.Context, as *person, container string, s sort, batches int) error {
	items := "/events"
	if s.kind == record.Contacts {
		items = "/contacts"
	}
	var page struct {
		Count int `json:"@odata.count"`
	}
	if err := b.sim.call(ctx, as, http.MethodGet, container+items+"?$count=true&$top=1", nil, &page); err != nil {
		return err
	}
	if page.Count < (batches-1)*graph.BatchSize {
		return fmt.Errorf("%d bare batches made only %d items", batches, page.Count)
	}
	return nil
}

// latencyBound measures a first sync while every part of a batch takes 100 ms and the mailbox does four at once: how
// close does it come to never leaving a place idle?
func (b *bench) latencyBound(ctx context.Context, s sort) error {
	const slow = 100 * time.Millisecond
	n, user := b.n(1600), b.users[s.slow]
	if err := b.insert(ctx, user, s.kind, n, s.make); err != nil {
		return err
	}
	link, err := b.link(ctx, user, s.kind)
	if err != nil {
		return err
	}
	if err := b.sim.latency(ctx, slow); err != nil {
		return err
	}
	start := time.Now()
	err = b.app.Runner.Run(ctx, link.ID)
	took := time.Since(start)
	if err := b.sim.latency(ctx, 0); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	b.add(s.key, "latency_bound_share", (time.Duration(n)*slow/4).Seconds()/took.Seconds())
	return b.complete(ctx, user, link.ID, n)
}
