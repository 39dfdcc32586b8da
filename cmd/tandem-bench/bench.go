package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tandem/internal/account"
	"tandem/internal/app"
	"tandem/internal/crm"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// figures are the keys and values of bench.json.
type figures map[string]map[string]float64

// bench is what the measurements share: a simulator, a Tandem with its database in a temporary folder, its people.
type bench struct {
	scale   float64
	sim     *simulator
	dir     string
	app     *app.App
	users   map[string]account.User // by the name before the @
	figures figures
	record  func(graph.Exchange) // hears of exchanges while batches are being recorded
	profile string               // file for a processor profile, or ""
}

func newBench(ctx context.Context, scale float64) (_ *bench, err error) {
	b := &bench{scale: scale, users: map[string]account.User{}, figures: figures{}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "tandem-bench-"); err != nil {
		return b, err
	}
	if b.sim, err = startSimulator(ctx); err != nil {
		return b, err
	}
	listen, err := freeAddress()
	if err != nil {
		return b, err
	}
	config := app.Config{
		Listen: listen, DatabaseURL: "sqlite:" + filepath.Join(b.dir, "tandem.db"),
		SecretKey: "0123456789abcdef0123456789abcdef", MicrosoftClientID: m365sim.DemoClientID,
		MicrosoftClientSecret: m365sim.DemoClientSecret, MicrosoftTenant: app.DefaultTenant,
		MicrosoftAuthority: b.sim.Base, GraphURL: b.sim.Base + "/v1.0", Edition: "enterprise",
		// Graph's quota of 10,000 requests in ten minutes would be measured instead of Tandem.
		GraphLimits: graph.Limits{Requests: 10_000_000},
		Observe: func(e graph.Exchange) {
			if b.record != nil {
				b.record(e)
			}
		},
	}
	if err = config.Check(); err != nil {
		return b, err
	}
	if b.app, err = app.Build(ctx, config, quietLog()); err != nil {
		return b, err
	}
	return b, b.people(ctx)
}

// people makes the organization and its users, connected to their mailboxes.
func (b *bench) people(ctx context.Context) error {
	accounts := b.app.Store.Accounts()
	org, err := accounts.CreateOrganization(ctx, account.Organization{
		Name: "Contoso", TenantID: b.sim.People[0].TenantID, Edition: "enterprise", Zone: "America/Sao_Paulo", Locale: "pt-BR",
	})
	if err != nil {
		return err
	}
	for _, p := range b.sim.People {
		name, _, _ := strings.Cut(p.UPN, "@")
		if b.users[name], err = b.join(ctx, org.ID, p); err != nil {
			return err
		}
	}
	return nil
}

// join makes a user of a person, connected to the person's mailbox.
func (b *bench) join(ctx context.Context, org record.ID, p person) (account.User, error) {
	accounts := b.app.Store.Accounts()
	name, _, _ := strings.Cut(p.UPN, "@")
	user, err := accounts.CreateUser(ctx, account.User{
		Org: org, Email: p.UPN, LastName: name, Profile: account.SuperAdmin, State: account.Active,
		Zone: "America/Sao_Paulo", Identity: account.Identity{TenantID: p.TenantID, ObjectID: p.ObjectID},
	})
	if err != nil {
		return user, err
	}
	return user, accounts.SaveGrant(ctx, account.Grant{
		User: user.ID, Org: org, Scopes: scopes, Access: account.Secret(p.Access), Refresh: account.Secret(p.Refresh),
		Expires: time.Now().Add(time.Hour),
	})
}

func (b *bench) close() {
	if b.app != nil {
		b.app.Close()
	}
	if b.sim != nil {
		b.sim.stop()
	}
	_ = os.RemoveAll(b.dir) // what is left in a temporary folder harms nobody
}

func (b *bench) person(name string) *person {
	for i := range b.sim.People {
		if strings.HasPrefix(b.sim.People[i].UPN, name+"@") {
			return &b.sim.People[i]
		}
	}
	return nil
}

// n is a size at the scale of this run.
func (b *bench) n(full int) int { return max(20, int(float64(full)*b.scale)) }

func (b *bench) add(key, name string, value float64) {
	if b.figures[key] == nil {
		b.figures[key] = map[string]float64{}
	}
	b.figures[key][name] = value
}

// link switches a kind on for a user, without running it.
func (b *bench) link(ctx context.Context, user account.User, kind record.Kind) (*reconcile.Link, error) {
	board := reconcile.Switchboard{
		Links: b.app.Store.Links(), Now: time.Now,
		Allowed: func(context.Context, record.ID, record.ID, record.Kind) error { return nil },
	}
	return board.On(ctx, user.Org, user.ID, kind)
}

// insert stores n records of a user, as if typed one by one.
func (b *bench) insert(ctx context.Context, user account.User, kind record.Kind, n int, make func(i int) record.Fields) error {
	const chunk = 500
	now := time.Now().UTC()
	for from := 0; from < n; from += chunk {
		var records []crm.Record
		for i := from; i < min(n, from+chunk); i++ {
			records = append(records, crm.Record{
				Org: user.Org, Kind: kind, Owner: user.ID, Fields: crm.Complete(record.Standard(kind), make(i)), Source: record.Manual,
				CreatedAt: now, CreatedBy: user.ID, ModifiedAt: now, ModifiedBy: user.ID,
			})
		}
		if _, err := b.app.Store.Records().Insert(ctx, crm.Author{Org: user.Org, User: user.ID}, records); err != nil {
			return err
		}
	}
	return nil
}

// roundTrips is how many HTTP requests Graph has had.
func (b *bench) roundTrips(ctx context.Context) (int, error) {
	var counts struct{ RoundTrips int }
	err := b.sim.call(ctx, nil, "GET", "/sim/requests", nil, &counts)
	return counts.RoundTrips, err
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resetPeak begins a new measurement of the greatest resident memory (Linux, proc(5): clear_refs).
func resetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // elsewhere peakMiB tells the whole process's peak
}

// peakMiB is the greatest resident memory since resetPeak.
func peakMiB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return math.NaN()
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return math.NaN()
			}
			return kb / 1024
		}
	}
	return math.NaN()
}

// percentile of durations, in milliseconds.
func percentile(all []time.Duration, p float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	at := int(math.Ceil(p/100*float64(len(sorted)))) - 1
	return float64(sorted[max(0, at)].Microseconds()) / 1000
}

// aims are DESIGN §5: what each figure should be at most (or, with a minus, at least).
var aims = map[string]float64{
	"ceiling_share": -0.6, "latency_bound_share": -0.97, "peak_mib": 72, "cpu_us_per_item": 180,
	"quiet_run.round_trips": 1, "quiet_run.ms": 10, "changes_100.ms": 60, "latency_to_outlook_ms.p99": 300,
	"latency_to_crm_ms.p99": 300, "pages_100k.p99_ms": 50, "start_ms": 500,
	"first_sync_events_5000.round_trips": 257.5, "first_sync_contacts_10000.round_trips": 510,
	"series_5000.round_trips": 1400, "series_5000.seconds": 10, "series_5000.quiet_round_trips": 1, "series_5000.quiet_ms": 10,
	"series_exceptions.round_trips": 20, "series_exceptions.seconds": 1, "neighbours_200.throttled_p99_ms": 300, "simtest.seeds_per_s": -33,
}

func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "%-28s %-22s %12s %12s\n", "", "", "measured", "aim")
	for _, key := range sortedKeys(b.figures) {
		for _, name := range sortedKeys(b.figures[key]) {
			value := b.figures[key][name]
			aim, ok := aims[key+"."+name]
			if !ok {
				aim, ok = aims[name]
			}
			verdict := ""
			switch {
			case ok && aim < 0:
				verdict = fmt.Sprintf("≥ %g %s", -aim, mark(value >= -aim))
			case ok:
				verdict = fmt.Sprintf("≤ %g %s", aim, mark(value <= aim))
			}
			fmt.Fprintf(w, "%-28s %-22s %12.3f %14s\n", key, name, value, verdict)
		}
	}
}

func mark(met bool) string {
	if met {
		return "✓"
	}
	return "✗"
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
