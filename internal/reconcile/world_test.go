package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memcrm"
	"tandem/internal/testkit/memledger"
	"tandem/internal/testkit/memside"
)

const (
	org   record.ID = 7
	adele record.ID = 71
	alex  record.ID = 72
)

var errDead = errors.New("the process is dead")

// world is one person's contact link, or calendar link, with everything around it in memory, and a hand on the plug.
type world struct {
	t          fataler
	kind       record.Kind
	clock      time.Time
	store      *memcrm.Store
	crm        *crm.CRM
	folder     *memside.Side
	ledger     *memledger.Ledger
	runner     *reconcile.Runner
	ids        int
	removed    int // containers
	subscribed int // times

	plug    int  // effects until the process dies; negative: never
	dead    bool // refuses everything until revived
	effects int
	fails   func(point string) error           // other faults at Microsoft
	at      func(*memside.Side) reconcile.Side // what sync has of the folder; nil: the folder
	closed  error                              // why nobody opens the mailbox
	settled func()                             // what happens after each settle, while the run goes on
	moment  func()                             // what happens before and after each effect, and each reading of pairs
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

func newWorld(t fataler) *world { return newWorldOf(t, record.Contacts) }

func newWorldOf(t fataler, kind record.Kind) *world {
	w := &world{t: t, kind: kind, clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), store: memcrm.New(), plug: -1}
	now := func() time.Time { return w.clock }
	w.crm = crm.New(w.store, func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, now)
	w.folder = w.newFolder()
	w.ledger = memledger.New()
	w.ledger.Kept = w.store.Keep
	w.store.Fenced = func(by crm.Author) error { return w.ledger.Fenced(reconcile.LinkID(by.Link), by.Fence) }
	w.ledger.Add(reconcile.Link{
		ID: 1, Org: org, User: adele, Kind: kind, State: reconcile.On, Mapping: mapping.Default(kind),
	})
	w.runner = &reconcile.Runner{
		Ledger: mortalLedger{w.ledger, w}, Sides: w, Containers: w, Now: now, Width: 1, Name: "Tandem",
		NewID: func() string { w.ids++; return fmt.Sprint("id", w.ids) },
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	return w
}

// newFolder is an empty container.
func (w *world) newFolder() *memside.Side {
	folder := memside.New(func() time.Time { return w.clock })
	folder.Series = w.kind == record.Calendar
	folder.Fail = func(point string) error {
		if err := w.effect(); err != nil {
			return err
		}
		if w.fails != nil {
			return w.fails(point)
		}
		return nil
	}
	return folder
}

// effect is one numbered point at which the process may die.
func (w *world) effect() error {
	if w.dead {
		return errDead
	}
	w.passes()
	if w.effects++; w.plug >= 0 {
		if w.plug--; w.plug < 0 {
			w.dead = true
			return errDead
		}
	}
	return nil
}

func (w *world) passes() {
	if w.moment != nil {
		w.moment()
	}
}

func (w *world) Microsoft(context.Context, *reconcile.Link) (reconcile.Side, error) {
	if w.closed != nil {
		return nil, w.closed
	}
	if w.at != nil {
		return w.at(w.folder), nil
	}
	return w.folder, nil
}

func (w *world) CRM(_ context.Context, link *reconcile.Link) (reconcile.Side, error) {
	return mortalSide{w.crm.Side(crm.LinkSide{
		Org: org, User: adele, Kind: w.kind, Link: 1, Fence: link.Fence, Zone: "UTC", Cap: 10000, Calendar: link.Policy.Calendar,
	}), w}, nil
}

func (w *world) Create(context.Context, *reconcile.Link, string) (record.Ref, string, error) {
	return "folder", "Tandem", w.effect()
}
func (w *world) Remove(_ context.Context, link *reconcile.Link) error {
	if known := w.ledger.Link(link.ID).Removing; !known.Equal(w.clock) {
		w.t.Fatalf("before the removal at %s begins, the ledger knows of one at %s", w.clock, known)
	}
	w.removed++
	return w.effect()
}
func (w *world) Subscribe(context.Context, *reconcile.Link) (string, time.Time, error) {
	w.subscribed++
	return "sub", w.clock.AddDate(1, 0, 0), w.effect()
}
func (w *world) Unsubscribe(context.Context, *reconcile.Link) error { return w.effect() }

// mortalSide lets the process die before and after each effect on the CRM.
type mortalSide struct {
	reconcile.Side
	w *world
}

func (m mortalSide) Apply(ctx context.Context, writes []record.Write) ([]record.Outcome, error) {
	if err := m.w.effect(); err != nil {
		return nil, err
	}
	out, err := m.Side.Apply(ctx, writes)
	if dead := m.w.effect(); dead != nil {
		return nil, dead
	}
	return out, err
}

func (m mortalSide) Match(ctx context.Context, items []record.Fields) ([][]record.Change, error) {
	return m.Side.(reconcile.Matcher).Match(ctx, items)
}

func (m mortalSide) Keys(fields record.Fields) []string {
	return m.Side.(reconcile.Recognizer).Keys(fields)
}

func (m mortalSide) Alike(a, b record.Fields) bool {
	return m.Side.(reconcile.Recognizer).Alike(a, b)
}

func (m mortalSide) NamesMeet(a, b record.Fields) bool {
	return m.Side.(reconcile.Recognizer).NamesMeet(a, b)
}

// mortalLedger does the same for the ledger.
type mortalLedger struct {
	*memledger.Ledger
	w *world
}

func (m mortalLedger) around(do func() error) error {
	if err := m.w.effect(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return m.w.effect()
}

func (m mortalLedger) PairsByRef(ctx context.Context, l *reconcile.Link, side reconcile.Where, refs []record.Ref) (map[record.Ref]reconcile.Pair, error) {
	defer m.w.passes()
	return m.Ledger.PairsByRef(ctx, l, side, refs)
}

func (m mortalLedger) Marked(ctx context.Context, l *reconcile.Link, records []record.Ref) (map[string]record.Ref, error) {
	defer m.w.passes()
	return m.Ledger.Marked(ctx, l, records)
}

func (m mortalLedger) PairsInState(ctx context.Context, l *reconcile.Link, state reconcile.PairState, due time.Time, after int64, limit int) ([]reconcile.Pair, error) {
	defer m.w.passes()
	return m.Ledger.PairsInState(ctx, l, state, due, after, limit)
}

func (m mortalLedger) Pairs(ctx context.Context, l *reconcile.Link, after int64, limit int) ([]reconcile.Pair, error) {
	defer m.w.passes()
	return m.Ledger.Pairs(ctx, l, after, limit)
}

func (m mortalLedger) Intend(ctx context.Context, l *reconcile.Link, intents []reconcile.Intent) (id int64, err error) {
	err = m.around(func() (err error) { id, err = m.Ledger.Intend(ctx, l, intents); return err })
	return id, err
}

func (m mortalLedger) Settle(ctx context.Context, l *reconcile.Link, batch int64, entries []reconcile.Entry) error {
	err := m.around(func() error { return m.Ledger.Settle(ctx, l, batch, entries) })
	if m.w.settled != nil && err == nil {
		m.w.settled()
	}
	return err
}

func (m mortalLedger) Advance(ctx context.Context, l *reconcile.Link) error {
	return m.around(func() error { return m.Ledger.Advance(ctx, l) })
}

func (m mortalLedger) Close(ctx context.Context, l *reconcile.Link) error {
	return m.around(func() error { return m.Ledger.Close(ctx, l) })
}

func (m mortalLedger) End(ctx context.Context, l *reconcile.Link, stays bool) error {
	return m.around(func() error { return m.Ledger.End(ctx, l, stays) })
}

// run runs the link once; a dead process is revived afterwards, when its lease has run out.
func (w *world) run() error {
	w.t.Helper()
	w.clock = w.clock.Add(time.Minute)
	err := w.runner.Run(context.Background(), 1)
	if w.dead {
		w.dead, w.plug = false, -1
		w.clock = w.clock.Add(time.Hour)
	}
	return err
}

// answer answers the brake.
func (w *world) answer(yes bool) {
	w.t.Helper()
	if !w.ledger.AllowDeletes(1, yes, w.clock) {
		w.t.Fatalf("the brake asks nothing: %+v", w.ledger.Link(1))
	}
}

// settle runs until a run writes nothing, answering the brake with yes, and reports how many runs that took.
func (w *world) settle() {
	w.t.Helper()
	for round := range 12 {
		if round == 6 {
			w.ledger.Retry(1, w.clock) // what has failed too often is a person's to try again
		}
		before := w.writes()
		if err := w.run(); err != nil {
			w.t.Fatalf("a run without faults failed: %v", err)
		}
		link := w.ledger.Link(1)
		if link.State == reconcile.Held {
			w.answer(true)
			continue
		}
		intended := slices.ContainsFunc(w.ledger.All(1), func(p reconcile.Pair) bool { return p.State == reconcile.Intended })
		if w.writes() == before && link.Failing == 0 && link.Waiting == 0 && !intended {
			return
		}
		w.clock = w.clock.Add(25 * time.Hour) // so that parked records are due
	}
	w.t.Fatalf("not quiet after 12 runs: %+v\npairs %+v", w.ledger.Link(1), w.ledger.All(1))
}

func (w *world) writes() int { return w.folder.Writes + w.store.Writes() + w.ledger.Writes() }

func (w *world) actor() crm.Actor {
	return crm.Actor{Author: crm.Author{Org: org, User: adele}, Zone: "UTC", Contacts: record.Full, Events: record.Full, MassUpdate: true}
}

// insert makes a CRM contact known by its key, as a person does.
func (w *world) insert(key string, more record.Fields) record.ID {
	w.t.Helper()
	results, err := w.crm.Insert(context.Background(), w.actor(), record.Contacts, []crm.Draft{
		{Fields: record.Fields{record.LastName: record.Value("Family " + key), record.Title: record.Value(key)}.With(more)},
	})
	if err != nil || results[0].Err != nil {
		w.t.Fatalf("insert %s: %v %v", key, err, results)
	}
	return results[0].Record.ID
}

func (w *world) edit(id record.ID, fields record.Fields) {
	w.t.Helper()
	results, err := w.crm.Update(context.Background(), w.actor(), w.kind, []crm.Draft{{ID: id, Fields: fields}})
	if err != nil || results[0].Err != nil {
		w.t.Fatalf("edit %d: %v %v", id, err, results)
	}
}

func (w *world) give(id, owner record.ID) {
	w.t.Helper()
	results, err := w.crm.Update(context.Background(), w.actor(), w.kind, []crm.Draft{{ID: id, Owner: owner}})
	if err != nil || results[0].Err != nil {
		w.t.Fatalf("give %d: %v %v", id, err, results)
	}
}

func (w *world) bin(id record.ID) {
	w.t.Helper()
	results, err := w.crm.Delete(context.Background(), w.actor(), w.kind, []crm.Draft{{ID: id}})
	if err != nil || results[0].Err != nil {
		w.t.Fatalf("delete %d: %v %v", id, err, results)
	}
}

// keyed are the fields by which tests know a record, in the CRM and at Microsoft.
func (w *world) keyed() (ours, theirs record.Field) {
	if w.kind == record.Calendar {
		return record.EventTitle, "subject"
	}
	return record.Title, "jobTitle"
}

// live are the CRM's own records that are not deleted, by key.
func (w *world) live() map[string][]crm.Record {
	out := map[string][]crm.Record{}
	for _, r := range w.store.All() {
		if !r.Deleted() && r.Owner == adele {
			ours, _ := w.keyed()
			key := string(r.Fields[ours])
			out[key] = append(out[key], r)
		}
	}
	return out
}

// items are the items in the folder by key, in the CRM's fields and normal form.
func (w *world) items() map[string][]record.Fields {
	out := map[string][]record.Fields{}
	ours, _ := w.keyed()
	for _, fields := range w.folder.Items() {
		table := mapping.Default(w.kind)
		n := mapping.Normal(record.Standard(w.kind), crm.Complete(record.Standard(w.kind), table.ToCRM(fields)))
		out[string(n[ours])] = append(out[string(n[ours])], n)
	}
	return out
}

// ref finds the item of a key.
func (w *world) ref(key string) record.Ref {
	w.t.Helper()
	_, theirs := w.keyed()
	for ref, fields := range w.folder.Items() {
		if string(fields[theirs]) == key {
			return ref
		}
	}
	w.t.Fatalf("no item %s in the folder", key)
	return ""
}

// alike checks that both sides hold the same records once each, with the same mapped fields (L1, I3).
func (w *world) alike() {
	w.t.Helper()
	live, items := w.live(), w.items()
	keys := slices.Collect(maps.Keys(live))
	for key := range items {
		if _, ok := live[key]; !ok {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		if len(live[key]) != 1 || len(items[key]) != 1 {
			w.t.Fatalf("%s: %d times in the CRM, %d times at Microsoft\npairs %+v", key, len(live[key]), len(items[key]), w.ledger.All(1))
		}
		ours := mapping.Normal(record.Standard(w.kind), crm.Complete(record.Standard(w.kind), live[key][0].Fields))
		for _, f := range mapping.Default(w.kind).Fields() {
			def, _ := record.DefOf(w.kind, f)
			if !mapping.Alike(def.Type, ours[f], items[key][0][f], "BR") {
				w.t.Errorf("%s: %s is %q in the CRM and %q at Microsoft", key, f, ours[f], items[key][0][f])
			}
		}
	}
}

func must[T any](t *testing.T, got, want T, what string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (w *world) lost() map[record.Value]bool {
	out := map[record.Value]bool{}
	for _, h := range w.ledger.History() {
		for _, l := range h.Lost {
			out[l.Value] = true
		}
	}
	return out
}

func throttled(string) error { return fault.Wait(0, "throttled") }
