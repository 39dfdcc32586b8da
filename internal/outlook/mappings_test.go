package outlook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/crm"
	"tandem/internal/graph"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/memcrm"
	"tandem/internal/testkit/memledger"
)

// bridge joins a folder behind real HTTP with a CRM in memory.
type bridge struct {
	*Containers
	r      *rig
	crm    *crm.CRM
	schema *record.Schema
}

func (b *bridge) Microsoft(_ context.Context, link *reconcile.Link) (reconcile.Side, error) {
	return NewContacts(b.r.box, b.r.options(link), nil), nil
}

func (b *bridge) CRM(_ context.Context, link *reconcile.Link) (reconcile.Side, error) {
	return b.crm.Side(crm.LinkSide{Org: link.Org, User: link.User, Kind: link.Kind, Link: int64(link.ID), Zone: "UTC", Cap: 100,
		Fields: link.Mapping.Fields(), Schema: b.schema}), nil
}

func (b *bridge) Subscribe(context.Context, *reconcile.Link) (string, time.Time, error) {
	return "", time.Time{}, nil
}

// texts are values as people and programs write them.
var texts = rapid.OneOf(rapid.StringN(0, 40, 120), rapid.SampledFrom([]string{
	"", " a ", "a  b", "1984-02-29", "b\na\nb", "e\u0301", "\u00a0", "👩‍👩‍👧‍👦", "\u200fمحمد", "a\r\nb\tc", "42.5", "-7", "true", "não", "Red", "Sr.", "Dr.", "1503-12-14",
	"x@y.example", `"a,b"@c.example`, "https://x.example/ã?b=c", "+55 11 99999-0001", strings.Repeat("é", 130), strings.Repeat("w", 260),
}))

// Always, for any values and any table of fields that may be chosen, with fields of the organization's own of each type and rows
// that go one way: what a row takes across arrives on the other side, or the record says that it does not fit; what no row takes
// across is neither written nor lost (I9, I11). Over HTTP, with everything between the two sides.
func TestI11_AnyTableOfFieldsBothWays(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *graph.Options) { o.Limits.Requests = 10_000_000 }) // looking for a small counterexample takes many
	links := reconcile.LinkID(0)
	rapid.Check(t, func(t *rapid.T) {
		links++
		w := newTableWorld(t, r, links)
		sent, written := w.insert(t), w.put(t)
		w.settle(t)
		pairs := w.ledger.All(links)
		if len(pairs) != 2 {
			t.Fatalf("two contacts became %d pairs: %+v", len(pairs), pairs)
		}
		for _, p := range pairs {
			ours, theirs := w.held(t, p)
			told := func(f record.Field) bool { return p.Reason != "" && strings.Contains(p.Detail, string(f)) }
			if p.CRM == sent.ID.Ref() {
				w.checkSent(t, sent.Fields, ours, theirs, told)
			} else {
				w.checkWritten(t, written, ours, theirs, told)
			}
		}
	})
}

// tableWorld is a link with a table of its own, one contact on each side.
type tableWorld struct {
	*bridge
	link   reconcile.LinkID
	ledger *memledger.Ledger
	runner *reconcile.Runner
	table  *mapping.Table
	clock  time.Time
}

const tableOrg record.ID = 1

// user is whose link it is: each has a folder of its own.
func (w *tableWorld) user() record.ID { return record.ID(100 + w.link) }

func newTableWorld(t *rapid.T, r *rig, id reconcile.LinkID) *tableWorld {
	w := &tableWorld{link: id, ledger: memledger.New(), clock: time.Now()}
	now := func() time.Time { return w.clock }
	store := memcrm.New()
	w.bridge = &bridge{Containers: r.containers(), r: r}
	w.bridge.crm = crm.New(store, func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, now)
	fields := crm.NewCustomizer(store, now)
	for _, each := range crm.CustomTypes {
		draft := crm.FieldDraft{Label: "Own " + each.Name, Type: each.Name}
		if each.Type == record.Picklist {
			draft.Values = []string{"Red", "Azul claro"}
		}
		if _, err := fields.Make(context.Background(), crm.Author{Org: tableOrg, User: w.user()}, record.Contacts, draft); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if w.schema, err = w.bridge.crm.Schema(context.Background(), tableOrg, record.Contacts); err != nil {
		t.Fatal(err)
	}
	w.table = (&mapping.Table{Kind: record.Contacts}).In(w.schema)
	offered := mapping.MicrosoftFields(record.Contacts)
	for range rapid.IntRange(1, 40).Draw(t, "rows") {
		with := (&mapping.Table{Kind: record.Contacts}).In(w.schema)
		row := mapping.Row{
			Microsoft: rapid.SampledFrom(offered).Draw(t, "microsoft").Name, CRM: rapid.SampledFrom(w.schema.Defs()).Draw(t, "crm").Name,
			Direction: rapid.SampledFrom([]mapping.Direction{mapping.BothWays, mapping.BothWays, mapping.ToMicrosoft, mapping.ToCRM}).Draw(t, "way"),
		}
		with.Rows = append(w.table.Rows[:len(w.table.Rows):len(w.table.Rows)], row)
		// Photos are no part of a contact's body: photos_test.go.
		if with.Check() == nil && row.Microsoft != photoField {
			w.table = with
		}
	}
	w.ledger.Add(reconcile.Link{ID: id, Org: tableOrg, User: w.user(), Kind: record.Contacts, State: reconcile.On, Mapping: w.table})
	ids := 0
	w.runner = &reconcile.Runner{
		Ledger: w.ledger, Sides: w.bridge, Containers: w.bridge, Now: now, Width: 1, Name: fmt.Sprint("Table ", id),
		NewID: func() string { ids++; return fmt.Sprintf("id-%d-%d", id, ids) },
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if err := w.runner.Run(context.Background(), id); err != nil { // makes the folder
		t.Fatal(err)
	}
	return w
}

func (w *tableWorld) actor() crm.Actor {
	return crm.Actor{Author: crm.Author{Org: tableOrg, User: w.user()}, Zone: "UTC", Contacts: record.Full}
}

// insert makes a contact in the CRM, with every value that the CRM takes.
func (w *tableWorld) insert(t *rapid.T) crm.Record {
	fields := record.Fields{record.LastName: "Ours"}
	for _, def := range w.schema.Defs() {
		if def.Type == record.Image || def.Name == record.LastName {
			continue
		}
		v := record.Value(texts.Draw(t, string(def.Name)))
		alone := crm.New(memcrm.New(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, time.Now)
		if def.Custom {
			alone = w.bridge.crm
		}
		results, err := alone.Insert(context.Background(), w.actor(), record.Contacts, []crm.Draft{{Fields: record.Fields{record.LastName: "Trial", def.Name: v}}})
		if err != nil {
			t.Fatal(err)
		}
		if results[0].Err == nil {
			fields[def.Name] = v
		}
		if def.Custom && results[0].Err == nil {
			if gone, err := alone.Delete(context.Background(), w.actor(), record.Contacts, []crm.Draft{{ID: results[0].Record.ID}}); err != nil || gone[0].Err != nil {
				t.Fatal(err, gone)
			}
		}
	}
	results, err := w.bridge.crm.Insert(context.Background(), w.actor(), record.Contacts, []crm.Draft{{Fields: fields}})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	return results[0].Record
}

// put makes a contact in the folder, as a person does, and tells it as Outlook has it.
func (w *tableWorld) put(t *rapid.T) record.Fields {
	fields := record.Fields{"surname": "Theirs"}
	for _, each := range mapping.MicrosoftFields(record.Contacts) {
		v := record.Value(texts.Draw(t, string(each.Name)))
		if v == "x@y.example" { // else the two would be taken for one
			v = "z@y.example"
		}
		if each.Name == "surname" || each.Name == photoField {
			continue
		}
		if _, err := contactBody(&graph.Contact{}, record.Fields{each.Name: v}); err == nil {
			fields[each.Name] = v
		}
	}
	body, err := contactBody(&graph.Contact{}, fields)
	if err != nil {
		t.Fatal(err)
	}
	link := w.ledger.Link(w.link)
	status, made := w.r.actor().Post("/me/contactFolders/"+string(link.Container)+"/contacts", body.JSON())
	if status != 201 {
		t.Skipf("Outlook does not take it: %v", made)
	}
	return w.item(t, record.Ref(made["id"].(string)))
}

func (w *tableWorld) item(t *rapid.T, ref record.Ref) record.Fields {
	link := w.ledger.Link(w.link)
	seen, err := NewContacts(w.r.box, w.r.options(&link), nil).Read(context.Background(), []record.Ref{ref})
	if err != nil || len(seen) != 1 || seen[0].State != record.Present {
		t.Fatalf("%v %+v", err, seen)
	}
	return seen[0].Fields
}

// settle runs until a run writes nothing.
func (w *tableWorld) settle(t *rapid.T) {
	for range 6 {
		before := w.ledger.Writes()
		if err := w.runner.Run(context.Background(), w.link); err != nil {
			t.Fatal(err)
		}
		w.clock = w.clock.Add(time.Minute)
		if w.ledger.Writes() == before {
			return
		}
	}
	t.Fatalf("not quiet after six runs: %+v", w.ledger.All(w.link))
}

// held is what both sides have of a pair.
func (w *tableWorld) held(t *rapid.T, p reconcile.Pair) (ours, theirs record.Fields) {
	id, ok := record.ParseID(string(p.CRM))
	if !ok || p.Microsoft == "" || p.State != reconcile.Synced {
		t.Fatalf("not in step: %+v", p)
	}
	r, err := w.bridge.crm.Get(context.Background(), w.actor(), record.Contacts, id)
	if err != nil {
		t.Fatal(err)
	}
	return r.Fields, w.item(t, p.Microsoft)
}

func (w *tableWorld) normal(fields record.Fields) record.Fields {
	return mapping.Normal(w.schema, crm.Complete(w.schema, fields))
}

// lost are the values that sync wrote over, as the history tells them.
func (w *tableWorld) lost(f record.Field) bool {
	for _, line := range w.ledger.History() {
		for _, l := range line.Lost {
			if l.Field == f {
				return true
			}
		}
	}
	return false
}

// fileAs is what Exchange makes of a name by itself where nobody has said it.
const fileAs record.Field = "fileAs"

// checkSent checks a contact that the CRM had.
func (w *tableWorld) checkSent(t *rapid.T, before, ours, theirs record.Fields, told func(record.Field) bool) {
	back, was, is := w.normal(w.table.ToCRM(theirs)), w.normal(before), w.normal(ours)
	arrived := map[record.Field]bool{fileAs: true}
	for _, row := range w.table.Rows {
		if v := before[row.CRM]; row.Microsoft == fileAs && (v == "" || v == "false") {
			if row.Direction != mapping.ToMicrosoft && back[row.CRM] != is[row.CRM] && !told(row.CRM) {
				t.Fatalf("Exchange files it under %q, and the CRM has %q", theirs[fileAs], is[row.CRM])
			}
			was[row.CRM] = is[row.CRM]
			continue
		}
		if row.Direction == mapping.ToCRM {
			continue
		}
		arrived[row.Microsoft] = true
		if row.CRM == record.FirstName || row.CRM == record.LastName { // read back, the one may stand in for the other
			back[row.CRM] = w.normal(record.Fields{row.CRM: theirs[row.Microsoft]})[row.CRM]
		}
		if back[row.CRM] != was[row.CRM] && !told(row.CRM) {
			t.Fatalf("%+v: the CRM had %q, Outlook has %q, and of the record is said %v", row, before[row.CRM], theirs[row.Microsoft], w.ledger.All(w.link))
		}
	}
	for f, v := range theirs {
		if v != "" && !arrived[f] && f != mapping.Shown { // that is made by Exchange
			t.Fatalf("nothing goes to %s, which was written: %q", f, v)
		}
	}
	for f, v := range was {
		if is[f] != v && !w.lost(f) {
			t.Fatalf("%s of the CRM's was %q and is %q", f, v, is[f])
		}
	}
}

// checkWritten checks a contact that Outlook had.
func (w *tableWorld) checkWritten(t *rapid.T, before, ours, theirs record.Fields, told func(record.Field) bool) {
	want, is := w.normal(w.table.ToCRM(before)), w.normal(ours)
	arrived := map[record.Field]bool{record.LastName: true, record.FirstName: true} // the CRM demands a name
	back := map[record.Field]record.Field{}
	for _, row := range w.table.Rows {
		back[row.Microsoft] = row.CRM
		if row.Direction == mapping.ToMicrosoft {
			continue
		}
		arrived[row.CRM] = true
		if is[row.CRM] != want[row.CRM] && !told(row.CRM) {
			t.Fatalf("%+v: Outlook had %q, the CRM has %q", row, before[row.Microsoft], ours[row.CRM])
		}
	}
	for f, v := range is {
		if v != "" && v != "false" && !arrived[f] {
			t.Fatalf("nothing goes to %s, which was written: %q", f, v)
		}
	}
	for f, v := range before {
		if theirs[f] != v && (back[f] == "" || !w.lost(back[f])) {
			t.Fatalf("%s of Outlook's was %q and is %q", f, v, theirs[f])
		}
	}
}
