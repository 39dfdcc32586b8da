package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// titles tells records by their name, in order.
func titles(records []crm.Record) string {
	var names []string
	for _, r := range records {
		name := r.Fields[record.LastName]
		if r.Kind == record.Calendar {
			name = r.Fields[record.EventTitle]
		}
		names = append(names, string(name))
	}
	return strings.Join(names, " ")
}

func (w *world) list(kind record.Kind, q crm.Query) string {
	w.t.Helper()
	page := must(w.Records().Records(w.t.Context(), w.ours, kind, q))(w.t)
	if q.Limit == 0 {
		if n := must(w.Records().Count(w.t.Context(), w.ours, kind, q))(w.t); n != len(page) {
			w.t.Errorf("Count(%+v) = %d, but Records lists %d", q, n, len(page))
		}
		var ids []record.ID
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		if got := must(w.Records().IDs(w.t.Context(), w.ours, kind, q))(w.t); !slices.Equal(got, ids) {
			w.t.Errorf("IDs(%+v) = %v, but Records lists %v", q, got, ids)
		}
	}
	return titles(page)
}

func testLists(t *testing.T, w *world) {
	step := func(r *crm.Record) {
		w.clock.pass(time.Minute)
		r.CreatedAt, r.ModifiedAt = w.clock.Now(), w.clock.Now()
	}
	with := func(fields record.Fields) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields = r.Fields.With(fields) }
	}
	stored := w.insert(w.ana,
		w.contact(w.ana, "Müller", step, with(record.Fields{record.FirstName: "Zoë", record.Mobile: "+55 (11) 98765-4321"})),
		w.contact(w.ana, "álvares", step, with(record.Fields{record.EmailField: "X_Y@contoso.example"})),
		w.contact(w.bob, "Zed", step, with(record.Fields{record.AccountName: "100% Contoso"}), func(r *crm.Record) { r.Source = record.Import }),
		w.contact(w.ana, "Muller", step, with(record.Fields{record.FirstName: "Adam"})),
	)
	for i, r := range stored {
		if r.ID != record.ID(int64(w.ours)*1e12+r.Seq) || r.Version != 1 || i > 0 && r.Seq != stored[i-1].Seq+1 {
			t.Errorf("stored as id %d, version %d, seq %d", r.ID, r.Version, r.Seq)
		}
	}
	w.update(w.by(w.ana), stored[0], func(r *crm.Record) { w.clock.pass(time.Minute); r.ModifiedAt = w.clock.Now() })
	for _, row := range []struct {
		name  string
		query crm.Query
		want  string
	}{
		{"by id", crm.Query{}, "Müller álvares Zed Muller"},
		{"by id, latest first", crm.Query{Descending: true}, "Muller Zed álvares Müller"},
		{"by name, as people sort", crm.Query{Sort: crm.ByName}, "álvares Muller Müller Zed"},
		{"by modification", crm.Query{Sort: crm.ByModified}, "álvares Zed Muller Müller"},
		{"by creation, descending", crm.Query{Sort: crm.ByCreated, Descending: true}, "Muller Zed álvares Müller"},
		{"one owner's", crm.Query{Owner: w.bob, Sort: crm.ByName}, "Zed"},
		{"a page", crm.Query{Sort: crm.ByName, Limit: 2, Offset: 1}, "Muller Müller"},
		{"beyond the end", crm.Query{Limit: 2, Offset: 4}, ""},
		{"without accents", crm.Query{Search: "muller", Sort: crm.ByName}, "Muller Müller"},
		{"with accents", crm.Query{Search: "ÁLVARES"}, "álvares"},
		{"all words", crm.Query{Search: "zoe mul"}, "Müller"},
		{"not all words", crm.Query{Search: "zoe zed"}, ""},
		{"a number however it is written", crm.Query{Search: "11987654321"}, "Müller"},
		{"a number as it is written", crm.Query{Search: "98765-4321"}, "Müller"},
		{"part of an address", crm.Query{Search: "contoso.ex"}, "álvares"},
		{"a percent sign is no wildcard", crm.Query{Search: "0%"}, "Zed"},
		{"nor is a line", crm.Query{Search: "x_y"}, "álvares"},
		{"nor a line elsewhere", crm.Query{Search: "m_ller"}, ""},
		{"by ids", crm.Query{IDs: []record.ID{stored[3].ID, stored[1].ID, 7}}, "álvares Muller"},
		{"no ids are none", crm.Query{IDs: []record.ID{}}, ""},
		{"modified since", crm.Query{ModifiedSince: stored[3].ModifiedAt}, "Müller Muller"},
		{"imported and untouched", crm.Query{Imported: true}, "Zed"},
		{"nothing is deleted", crm.Query{Deleted: true}, ""},
	} {
		if got := w.list(record.Contacts, row.query); got != row.want {
			t.Errorf("%s: %+v lists %q, want %q", row.name, row.query, got, row.want)
		}
	}
	found := must(w.Records().ByID(t.Context(), w.ours, record.Contacts, []record.ID{stored[0].ID, 12}))(t)
	if r := found[stored[0].ID]; len(found) != 1 || r.Version != 2 || r.Owner != w.ana || r.Source != record.Manual ||
		!r.CreatedAt.Equal(stored[0].CreatedAt) || r.Fields[record.FirstName] != "Zoë" || r.CreatedAt.Location() != time.UTC {
		t.Errorf("ByID found %+v", found)
	}
}

func testEventsInRange(t *testing.T, w *world) {
	with := func(field record.Field, value record.Value) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields[field] = value }
	}
	w.insert(w.ana,
		w.event(w.ana, "monday", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"),
		w.event(w.bob, "overnight", "2026-11-23T22:00:00Z", "2026-11-24T02:00:00Z"),
		w.event(w.ana, "allday", "2026-11-24", "2026-11-25", with(record.AllDay, "true")),
		w.event(w.ana, "thrice", "2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z", with(record.Recurring, "FREQ=WEEKLY;COUNT=3")),
		w.event(w.ana, "endless", "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z", with(record.Recurring, "FREQ=DAILY")),
	)
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	for _, row := range []struct {
		name  string
		query crm.Query
		want  string
	}{
		{"a day", crm.Query{From: day(23), To: day(24)}, "endless monday overnight"},
		{"what ends at its beginning is not in it", crm.Query{From: day(25), To: day(26)}, "endless"},
		{"the next day", crm.Query{From: day(24), To: day(25)}, "endless overnight allday"},
		{"the last occurrence", crm.Query{From: day(16), To: day(17)}, "endless thrice"},
		{"own", crm.Query{Owner: w.ana, From: day(24), To: day(25)}, "endless allday"},
		{"from", crm.Query{Owner: w.bob, From: day(1)}, "overnight"},
	} {
		row.query.Sort = crm.ByStart
		if got := w.list(record.Calendar, row.query); got != row.want {
			t.Errorf("%s: lists %q, want %q", row.name, got, row.want)
		}
	}
}

// What is private is found by its owner alone, however it became so.
func testPrivateEvents(t *testing.T, w *world) {
	with := func(r *crm.Record, fields record.Fields) { r.Fields = r.Fields.With(fields) }
	series := record.Fields{record.Recurring: "FREQ=DAILY;COUNT=3"}
	w.insert(w.ana,
		w.event(w.ana, "visit open", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"),
		w.event(w.ana, "visit private", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z", func(r *crm.Record) { with(r, record.Fields{record.Sensitivity: "private"}) }),
		w.event(w.ana, "visit partly", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z", func(r *crm.Record) {
			with(r, series.With(record.Fields{record.Changed: `{"2026-11-24":{"Sensitivity":"confidential"}}`}))
		}),
	)
	later := w.insert(w.ana, w.event(w.ana, "visit later", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"))[0]
	later = w.update(w.by(w.ana), later, func(r *crm.Record) { with(r, record.Fields{record.Sensitivity: "confidential"}) })
	for _, row := range []struct {
		reader record.ID
		want   string
	}{{w.ana, "visit open visit private visit partly visit later"}, {0, "visit open visit private visit partly visit later"}, {w.bob, "visit open"}} {
		if got := w.list(record.Calendar, crm.Query{Search: "visit", Reader: row.reader}); got != row.want {
			t.Errorf("%d finds %q, want %q", row.reader, got, row.want)
		}
		if n := must(w.Records().Count(t.Context(), w.ours, record.Calendar, crm.Query{Search: "visit", Reader: row.reader}))(t); n != strings.Count(row.want, "visit") {
			t.Errorf("%d counts %d", row.reader, n)
		}
	}
	about := func(title string, fields record.Fields) {
		w.insert(w.ana, w.event(w.ana, title, "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z", func(r *crm.Record) { with(r, fields.With(record.Fields{record.WhoID: "77"})) }))
	}
	about("call open", record.Fields{})
	about("call private", record.Fields{record.Sensitivity: "private"})
	for _, row := range []struct {
		reader, who record.ID
		want        string
	}{{w.ana, 77, "call open call private"}, {w.bob, 77, "call open"}, {w.ana, 78, ""}} {
		if got := w.list(record.Calendar, crm.Query{Who: row.who, Reader: row.reader, Sort: crm.ByStart}); got != row.want {
			t.Errorf("%d finds %q about %d, want %q", row.reader, got, row.who, row.want)
		}
	}
	if got := w.list(record.Calendar, crm.Query{Reader: w.bob}); strings.Count(got, "visit") != 4 {
		t.Errorf("without a search, there is %q", got)
	}
	w.update(w.by(w.ana), later, func(r *crm.Record) { with(r, record.Fields{record.Sensitivity: "personal"}) })
	if got := w.list(record.Calendar, crm.Query{Search: "visit", Reader: w.bob}); got != "visit open visit later" {
		t.Errorf("public again: %q", got)
	}
}

func testStrangeText(t *testing.T, w *world) {
	strange := []record.Value{"nul \x00 in it", "שלום مرحبا", "𝒜stral 👩🏽‍💻", "e\u0301 and \u00e9", `back\slash "quote" 'n' ?*`, "line\nline\r\ttab"}
	for _, v := range strange {
		r := w.contact(w.ana, string(v))
		r.Fields[record.Description] = v
		id := w.insert(w.ana, r)[0].ID
		if got := must(w.Records().ByID(t.Context(), w.ours, record.Contacts, []record.ID{id}))(t)[id].Fields[record.LastName]; got != v {
			t.Errorf("%q came back as %q", v, got)
		}
	}
	if got := w.list(record.Contacts, crm.Query{Search: "שלום"}); got != string(strange[1]) {
		t.Errorf("found %q", got)
	}
}

func testToken(t *testing.T, w *world) {
	marked := func(token string) func(*crm.Record) { return func(r *crm.Record) { r.Token = token } }
	first := w.insert(w.ana, w.contact(w.ana, "one", marked("t1")))[0]
	again := w.insert(w.ana, w.contact(w.bob, "other", marked("t1")), w.contact(w.ana, "two", marked("t2")), w.contact(w.ana, "twice", marked("t2")), w.contact(w.ana, "none"))
	if again[0].ID != first.ID || again[0].Fields[record.LastName] != "one" || again[0].Owner != w.ana {
		t.Errorf("a known token came back as %+v", again[0])
	}
	if again[2].ID != again[1].ID {
		t.Errorf("one token in one call made two records: %d and %d", again[1].ID, again[2].ID)
	}
	if got := w.list(record.Contacts, crm.Query{}); got != "one two none" {
		t.Errorf("stored are %q", got)
	}
	found := must(w.Records().ByToken(t.Context(), w.ours, record.Contacts, []string{"t1", "t2", "t3", ""}))(t)
	if len(found) != 2 || found["t1"].ID != first.ID {
		t.Errorf("ByToken found %+v", found)
	}
	if theirs := w.insert(w.eve, w.contact(w.eve, "theirs", marked("t1")))[0]; theirs.Org != w.theirs || theirs.ID == first.ID {
		t.Errorf("another organization's token collided: %+v", theirs)
	}
	// Several workers with one token at once.
	var wait sync.WaitGroup
	ids := make([]record.ID, 8)
	for i := range ids {
		wait.Go(func() {
			out, err := w.Records().Insert(t.Context(), w.by(w.ana), []crm.Record{w.contact(w.ana, "racing", marked("t4"))})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = out[0].ID
		})
	}
	wait.Wait()
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("one token at once made %v", ids)
	}
}

const idsPerOrg = 1_000_000_000_000

// Events are found by when they start: of their owner, and none that is deleted.
func testEventsAt(t *testing.T, w *world) {
	event := func(owner record.ID, title, start, end string) record.ID {
		return w.insert(owner, w.event(owner, title, start, end))[0].ID
	}
	nine, midnight := time.Date(2031, 5, 6, 9, 0, 0, 0, time.UTC), time.Date(2031, 5, 6, 0, 0, 0, 0, time.UTC)
	a := event(w.ana, "a", "2031-05-06T09:00:00Z", "2031-05-06T10:00:00Z")
	b := event(w.ana, "b", "2031-05-06T09:00:00Z", "2031-05-06T11:00:00Z")
	day := event(w.ana, "day", "2031-05-06", "2031-05-07")
	event(w.ana, "later", "2031-05-06T09:00:01Z", "2031-05-06T10:00:00Z")
	event(w.bob, "bob's", "2031-05-06T09:00:00Z", "2031-05-06T10:00:00Z")
	find := func(starts ...time.Time) []record.ID {
		return must(w.Records().EventsAt(t.Context(), w.ours, w.ana, starts))(t)
	}
	if got := find(nine, midnight, nine); !slices.Equal(got, []record.ID{a, b, day}) {
		t.Errorf("found %v, want %v", got, []record.ID{a, b, day})
	}
	if got := find(); len(got) != 0 {
		t.Errorf("at no moment: %v", got)
	}
	gone := must(w.Records().ByID(t.Context(), w.ours, record.Calendar, []record.ID{a}))(t)[a]
	gone.DeletedAt, gone.DeletedBy = w.clock.Now(), w.ana
	if _, faults, err := w.Records().Update(t.Context(), w.by(w.ana), []crm.Record{gone}); err != nil || faults[0] != nil {
		t.Fatal(err, faults)
	}
	if got := find(nine); !slices.Equal(got, []record.ID{b}) {
		t.Errorf("after a deletion: %v", got)
	}
	if got := must(w.Records().EventsAt(t.Context(), w.theirs, w.ana, []time.Time{nine}))(t); len(got) != 0 {
		t.Errorf("of another organization: %v", got)
	}
}

// The keys of a contact are in step with it whatever becomes of it.
func testContactKeys(t *testing.T, w *world) {
	mail := func(address string) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields[record.EmailField] = record.Value(address) }
	}
	owners := map[string]record.ID{"ana": w.ana, "bob": w.bob}
	start := must(w.Records().Seq(t.Context(), w.ours))(t)
	check := func(when string, want ...string) {
		t.Helper()
		var got []string
		for name, owner := range owners {
			found := must(w.Records().ContactsByKey(t.Context(), w.ours, owner, []string{"@kim@x.example", "@lee@x.example", "@nobody@x.example"}))(t)
			for key, ids := range found {
				for _, id := range ids {
					got = append(got, fmt.Sprint(name, " ", key, " ", int64(id)%idsPerOrg-start))
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: found are %q, not %q", when, got, want)
		}
	}
	kim := w.insert(w.ana, w.contact(w.ana, "Kim", mail(" Kim@X.example ")), w.contact(w.ana, "Other", mail("kim@x.example")))[0] // 1, 2
	w.insert(w.eve, w.contact(w.eve, "Theirs", mail("kim@x.example")))
	check("inserted", "ana @kim@x.example 1", "ana @kim@x.example 2")
	if n := len(w.waker.raw(t, fmt.Sprintf(`SELECT id FROM contact_keys WHERE org_id = %d AND owner_id = %d`, w.ours, w.eve))); n != 0 {
		t.Errorf("%d keys are in the wrong organization", n)
	}
	kim = w.update(w.by(w.ana), kim, mail("lee@x.example"))
	check("another address", "ana @kim@x.example 2", "ana @lee@x.example 1")
	kim = w.update(w.by(w.ana), kim, func(r *crm.Record) { r.Owner = w.bob })
	check("another owner", "ana @kim@x.example 2", "bob @lee@x.example 1")
	kim = w.update(w.by(w.bob), kim, func(r *crm.Record) { r.DeletedAt = w.clock.Now() })
	check("in the bin", "ana @kim@x.example 2")
	kim = w.update(w.by(w.bob), kim, func(r *crm.Record) { r.DeletedAt = time.Time{} })
	check("restored", "ana @kim@x.example 2", "bob @lee@x.example 1")
	w.within(w.ours, func(tx account.Tx) error { return second(tx.HandOver(w.ana, w.bob, w.ana)) })
	check("handed over", "bob @kim@x.example 2", "bob @lee@x.example 1")
	kim = must(w.Records().ByID(t.Context(), w.ours, record.Contacts, []record.ID{kim.ID}))(t)[kim.ID]
	w.update(w.by(w.bob), kim, func(r *crm.Record) { r.DeletedAt = w.clock.Now() })
	ok(t, w.Records().Destroy(t.Context(), w.by(w.bob), record.Contacts, []record.ID{kim.ID}, w.clock.Now()))
	check("destroyed", "bob @kim@x.example 2")
	// One call may write a record twice, and a name with a number is a key.
	twice := w.insert(w.ana, w.contact(w.ana, "Zoë", func(r *crm.Record) { r.Fields[record.Mobile] = "(11) 98765-4321" }))[0]
	again := twice
	twice.Fields, again.Fields = twice.Fields.With(record.Fields{record.EmailField: "lee@x.example"}), twice.Fields.Clone()
	again.Version++
	_, faults, err := w.Records().Update(t.Context(), w.by(w.ana), []crm.Record{twice, again})
	if err != nil || faults[0] != nil || faults[1] != nil {
		t.Fatalf("updated twice: %v, %v", faults, err)
	}
	check("written twice", "bob @kim@x.example 2")
	found := must(w.Records().ContactsByKey(t.Context(), w.ours, w.ana, crm.ContactKeys(record.Fields{record.LastName: "zoe", record.OtherPhone: "0 15 11 98765 4321"})))(t)
	if len(found) != 1 {
		t.Errorf("by name and number: %v", found)
	}
}

func testUpdate(t *testing.T, w *world) {
	stored := w.insert(w.ana, w.contact(w.ana, "a"), w.contact(w.ana, "b"), w.event(w.ana, "e", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"))
	stale := stored[1]
	fresh := w.update(w.by(w.bob), stored[1], func(r *crm.Record) { r.Fields[record.LastName] = "b2"; r.ModifiedBy = w.bob })
	if fresh.Version != 2 || fresh.Seq <= stored[2].Seq {
		t.Errorf("updated to version %d, seq %d", fresh.Version, fresh.Seq)
	}
	a, e := stored[0], stored[2]
	a.Stamp, e.Stamp = "chunk 1", "chunk 2"
	a.RestoredAt, e.RestoredAt = w.clock.Now(), w.clock.Now().Add(time.Second)
	a.Fields, e.Fields = record.Fields{record.LastName: "a2"}, e.Fields.With(record.Fields{record.EventTitle: "e2"})
	missing := a
	missing.ID = 4711
	out, faults, err := w.Records().Update(t.Context(), w.by(w.ana), []crm.Record{a, stale, missing, e})
	ok(t, err)
	if faults[0] != nil || !fault.Is(faults[1], fault.Conflict) || !fault.Is(faults[2], fault.NotFound) || faults[3] != nil {
		t.Fatalf("faults are %v", faults)
	}
	if out[0].Version != 2 || out[3].Version != 2 || out[3].Seq <= out[0].Seq {
		t.Errorf("updated to %+v", out)
	}
	if got := w.list(record.Contacts, crm.Query{}); got != "a2 b2" {
		t.Errorf("stored are %q", got)
	}
	type marks struct {
		stamp    string
		restored time.Time
	}
	of := func(r crm.Record) marks { return marks{r.Stamp, r.RestoredAt} }
	for kind, want := range map[record.Kind]map[record.ID]marks{record.Contacts: {a.ID: of(a), fresh.ID: {}}, record.Calendar: {e.ID: of(e)}} {
		told := map[record.ID]marks{}
		for _, r := range must(w.Records().Touched(t.Context(), w.ours, kind, w.ana, 0, 9))(t) {
			told[r.ID] = of(r)
		}
		if !maps.Equal(told, want) {
			t.Errorf("stamps of %s are %v, want %v", kind, told, want)
		}
		for id, stamp := range want {
			if r := must(w.Records().ByID(t.Context(), w.ours, kind, []record.ID{id}))(t)[id]; of(r) != stamp {
				t.Errorf("the stamp of %d is %v, want %v", id, of(r), stamp)
			}
		}
	}
	if got := w.list(record.Calendar, crm.Query{Search: "e2"}); got != "e2" {
		t.Errorf("events are %q", got)
	}
	// Of many at once, one wins.
	var wait sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wait.Go(func() {
			_, faults, err := w.Records().Update(t.Context(), w.by(w.ana), []crm.Record{out[0]})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if faults[0] == nil {
				won++
			}
		})
	}
	wait.Wait()
	if won != 1 {
		t.Errorf("%d of 8 updates of one version succeeded", won)
	}
}

func testRewrite(t *testing.T, w *world) {
	a := w.insert(w.ana, w.event(w.ana, "a", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"))[0]
	seq := must(w.Records().Seq(t.Context(), w.ours))(t)
	part := w.event(w.ana, "later", "2026-12-23T10:00:00Z", "2026-12-23T11:00:00Z")
	first := a
	first.Fields = a.Fields.With(record.Fields{record.EventTitle: "earlier"})
	after, added, err := w.Records().Rewrite(t.Context(), w.by(w.ana), []crm.Record{first}, []crm.Record{part})
	ok(t, err)
	if len(after) != 1 || len(added) != 1 || after[0].Version != 2 || added[0].Version != 1 || added[0].ID == 0 || after[0].Seq != seq+1 || added[0].Seq != seq+2 {
		t.Fatalf("rewritten to %+v and %+v", after, added)
	}
	if got := must(w.Records().Touched(t.Context(), w.ours, record.Calendar, w.ana, seq, 10))(t); titles(got) != "earlier later" {
		t.Errorf("the feed tells of %v", got)
	}
	// At another version, or gone: nothing of it happens.
	missing := after[0]
	missing.ID = 4711
	for kind, bad := range map[fault.Kind]crm.Record{fault.Conflict: first, fault.NotFound: missing} {
		good := added[0]
		good.Fields = good.Fields.With(record.Fields{record.EventTitle: "never"})
		if _, _, err := w.Records().Rewrite(t.Context(), w.by(w.ana), []crm.Record{good, bad}, []crm.Record{part}); !fault.Is(err, kind) {
			t.Errorf("expected a %s, got %v", kind, err)
		}
	}
	if got := w.list(record.Calendar, crm.Query{Sort: crm.ByStart}); got != "earlier later" {
		t.Errorf("stored are %q", got)
	}
	if now := must(w.Records().Seq(t.Context(), w.ours))(t); now != seq+2 {
		t.Errorf("the sequence went on to %d, from %d", now, seq)
	}
}

// touched tells what an owner's feed says after a sequence number.
func (w *world) touched(owner record.ID, after int64) (out []string) {
	w.t.Helper()
	last := after
	for _, r := range must(w.Records().Touched(w.t.Context(), w.ours, record.Contacts, owner, after, 100))(w.t) {
		if r.Seq <= last {
			w.t.Errorf("seq %d comes after %d", r.Seq, last)
		}
		last = r.Seq
		state := "mine"
		switch {
		case r.Fields == nil:
			state = "destroyed"
		case r.Deleted():
			state = "binned"
		case r.Owner != owner:
			state = "left"
		}
		out = append(out, fmt.Sprint(r.ID-record.ID(int64(w.ours)*1e12), state))
	}
	return out
}

func testDepartures(t *testing.T, w *world) {
	r := w.insert(w.ana, w.contact(w.ana, "x"), w.contact(w.ana, "y"))[0]
	name := func(state string) string { return fmt.Sprint(r.ID-record.ID(int64(w.ours)*1e12), state) }
	start := must(w.Records().Seq(t.Context(), w.ours))(t)
	check := func(what string, owner record.ID, after int64, want ...string) {
		t.Helper()
		if got := w.touched(owner, after); !slices.Equal(got, want) {
			t.Errorf("%s: touched are %v, want %v", what, got, want)
		}
	}
	check("nothing happened", w.ana, start)
	r = w.update(w.by(w.ana), r, func(r *crm.Record) { r.Owner = w.bob })
	check("given away", w.ana, start, name("left"))
	check("received", w.bob, start, name("mine"))
	moved := r.Seq
	r = w.update(w.by(w.bob), r, func(r *crm.Record) { r.Fields[record.LastName] = "x2" })
	check("the new owner's edits are not the former one's", w.ana, moved)
	check("edited", w.bob, moved, name("mine"))
	r = w.update(w.by(w.bob), r, func(r *crm.Record) { r.Owner = w.ana })
	check("back again", w.ana, start, name("mine"))
	check("given back", w.bob, start, name("left"))
	r = w.update(w.by(w.bob), r, func(r *crm.Record) { r.Owner = w.bob })
	r = w.update(w.by(w.bob), r, func(r *crm.Record) { r.DeletedAt = w.clock.Now() })
	check("in the bin", w.bob, start, name("binned"))
	ok(t, w.Records().Destroy(t.Context(), w.by(w.bob), record.Contacts, []record.ID{r.ID}, w.clock.Now()))
	check("destroyed", w.bob, start, name("destroyed"))
	check("destroyed after it left", w.ana, start, name("destroyed"))
	got := must(w.Records().Touched(t.Context(), w.ours, record.Contacts, w.bob, start, 1))(t)[0]
	if got.Kind != record.Contacts || !got.DeletedAt.Equal(w.clock.Now()) || got.Owner != 0 || got.Version != 0 {
		t.Errorf("a destroyed record is told as %+v", got)
	}
	if page := must(w.Records().Touched(t.Context(), w.ours, record.Contacts, w.ana, 0, 1))(t); len(page) != 1 {
		t.Errorf("a page of one has %d", len(page))
	}
}

func testBin(t *testing.T, w *world) {
	stored := w.insert(w.ana, w.contact(w.ana, "keep"), w.contact(w.ana, "bin"), w.contact(w.bob, "gone"))
	for _, r := range stored[1:] {
		w.update(w.by(w.bob), r, func(r *crm.Record) { w.clock.pass(time.Minute); r.DeletedAt, r.DeletedBy = w.clock.Now(), w.bob })
	}
	if got := w.list(record.Contacts, crm.Query{}); got != "keep" {
		t.Errorf("live are %q", got)
	}
	if got := w.list(record.Contacts, crm.Query{Deleted: true}); got != "bin gone" {
		t.Errorf("in the bin are %q", got)
	}
	w.clock.pass(time.Minute)
	ids := []record.ID{stored[0].ID, stored[2].ID, 99}
	ok(t, w.Records().Destroy(t.Context(), w.by(w.ana), record.Contacts, ids, w.clock.Now()))
	ok(t, w.Records().Destroy(t.Context(), w.by(w.ana), record.Contacts, ids, w.clock.Now())) // again: nothing
	if got := w.list(record.Contacts, crm.Query{}); got != "keep" {
		t.Errorf("Destroy took what was not in the bin: live are %q", got)
	}
	stones := must(w.Records().Tombstones(t.Context(), w.ours, record.Contacts, 0, time.Time{}, 10, 0))(t)
	if len(stones) != 2 || stones[0].Name != "gone" || !stones[0].Permanent || stones[0].Owner != w.bob || stones[0].DeletedName != "ana" ||
		stones[1].Name != "bin" || stones[1].Permanent || stones[1].DeletedName != "bob" || stones[1].CreatedBy != w.ana {
		t.Errorf("tombstones are %+v", stones)
	}
	if own := must(w.Records().Tombstones(t.Context(), w.ours, record.Contacts, w.ana, time.Time{}, 10, 0))(t); len(own) != 1 || own[0].Name != "bin" {
		t.Errorf("own tombstones are %+v", own)
	}
	if late := must(w.Records().Tombstones(t.Context(), w.ours, record.Contacts, 0, w.clock.Now(), 10, 0))(t); len(late) != 1 || late[0].Name != "gone" {
		t.Errorf("late tombstones are %+v", late)
	}
	restored := must(w.Records().ByID(t.Context(), w.ours, record.Contacts, []record.ID{stored[1].ID}))(t)[stored[1].ID]
	w.update(w.by(w.ana), restored, func(r *crm.Record) { r.DeletedAt, r.DeletedBy = time.Time{}, 0 })
	if got := w.list(record.Contacts, crm.Query{}); got != "keep bin" {
		t.Errorf("after Restore live are %q", got)
	}
}

func (w *world) firstSync(kind record.Kind, admit bool, page int) (all []crm.Record) {
	w.t.Helper()
	for {
		part := must(w.Records().FirstSync(w.t.Context(), w.ours, kind, w.ana, admit, "", w.clock.Now(), len(all), page))(w.t)
		all = append(all, part...)
		if len(part) < page {
			return all
		}
	}
}

func testFirstSync(t *testing.T, w *world) {
	day := func(d int) string { return fmt.Sprintf("2026-11-%02dT10:00:00Z", d) }
	w.insert(w.ana,
		w.event(w.ana, "last-week", day(15), day(16)), w.event(w.ana, "next-week", day(29), day(29)), w.event(w.ana, "tomorrow", day(23), day(23)),
		w.event(w.ana, "running", day(21), day(23)), w.event(w.ana, "yesterday", day(21), day(21)), w.event(w.bob, "bobs", day(24), day(24)),
		w.event(w.ana, "series", day(1), day(1), func(r *crm.Record) { r.Fields[record.Recurring] = "FREQ=WEEKLY" }),
		w.event(w.ana, "binned", day(24), day(24), func(r *crm.Record) { r.DeletedAt = w.clock.Now() }))
	want := "series running tomorrow next-week yesterday last-week"
	for page := 1; page <= 7; page++ {
		if got := titles(w.firstSync(record.Calendar, false, page)); got != want {
			t.Errorf("in pages of %d: %q, want %q", page, got, want)
		}
	}
	old := w.insert(w.ana, w.contact(w.ana, "a"), w.contact(w.ana, "b"), w.contact(w.ana, "c"))
	w.clock.pass(time.Second)
	w.update(w.by(w.ana), old[1], func(r *crm.Record) { r.ModifiedAt = w.clock.Now() })
	for page := 1; page <= 4; page++ {
		if got := titles(w.firstSync(record.Contacts, false, page)); got != "b c a" {
			t.Errorf("contacts in pages of %d: %q", page, got)
		}
	}
}

func testFirstSyncImports(t *testing.T, w *world) {
	from := func(s record.Source, mass bool) func(*crm.Record) {
		return func(r *crm.Record) {
			if r.Source = s; mass {
				r.Mark = crm.OutlookMark
			}
		}
	}
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		make := func(name string, bend func(*crm.Record)) crm.Record {
			if kind == record.Calendar {
				return w.event(w.ana, name, "2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z", bend)
			}
			return w.contact(w.ana, name, bend)
		}
		w.insert(w.ana, make("manual", from(record.Manual, false)), make("imported", from(record.Import, false)),
			make("migrated", from(record.Migration, false)), make("touched", from(record.Import, true)), make("api", from(record.API, false)))
		for admit, want := range map[bool]int{false: 3, true: 5} {
			if got := w.firstSync(kind, admit, 2); len(got) != want {
				t.Errorf("%s, imports admitted %t: %q", kind, admit, titles(got))
			}
		}
	}
}

// A reader that follows the feed while many write must be told everything, whatever the order in which they commit.
func testSeqVisibility(t *testing.T, w *world) {
	const writers, each = 6, 15
	ctx, done := context.WithCancel(t.Context())
	defer done()
	seen := map[record.ID]bool{}
	var reader, writing sync.WaitGroup
	follow := func(after int64) int64 {
		latest, err := w.Records().Seq(ctx, w.ours)
		if err != nil {
			return after
		}
		page, err := w.Records().Touched(ctx, w.ours, record.Contacts, w.ana, after, 7)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			return after
		}
		for _, r := range page {
			seen[r.ID] = true
			after = r.Seq
		}
		if len(page) < 7 {
			after = max(after, latest)
		}
		return after
	}
	cursor := int64(0)
	reader.Go(func() {
		for ctx.Err() == nil {
			cursor = follow(cursor)
		}
	})
	var mu sync.Mutex
	written := map[record.ID]bool{}
	for range writers {
		writing.Go(func() {
			for i := range each {
				out, err := w.Records().Insert(t.Context(), w.by(w.bob), []crm.Record{w.contact(w.ana, "x"), w.contact(w.ana, "y")})
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 == 0 {
					if _, _, err := w.Records().Update(t.Context(), w.by(w.bob), out[:1]); err != nil {
						t.Error(err)
					}
				}
				mu.Lock()
				written[out[0].ID], written[out[1].ID] = true, true
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	done()
	reader.Wait()
	ctx = t.Context()
	for before := int64(-1); before != cursor; {
		before, cursor = cursor, follow(cursor)
	}
	for id := range written {
		if !seen[id] {
			t.Errorf("the reader was never told of %d", id)
		}
	}
	if len(seen) != 2*writers*each {
		t.Errorf("%d of %d records were told", len(seen), 2*writers*each)
	}
}

func testRecordIsolation(t *testing.T, w *world) {
	mine := w.insert(w.ana, w.contact(w.ana, "mine", func(r *crm.Record) { r.Token = "t" }), w.contact(w.ana, "bin", func(r *crm.Record) { r.DeletedAt = w.clock.Now() }))
	ctx, s := t.Context(), w.Records()
	if got := must(s.Records(ctx, w.theirs, record.Contacts, crm.Query{}))(t); len(got) != 0 {
		t.Errorf("Records shows %v", got)
	}
	if n := must(s.Count(ctx, w.theirs, record.Contacts, crm.Query{Owner: w.ana}))(t); n != 0 {
		t.Errorf("Count counts %d", n)
	}
	if got := must(s.ByID(ctx, w.theirs, record.Contacts, []record.ID{mine[0].ID}))(t); len(got) != 0 {
		t.Errorf("ByID shows %v", got)
	}
	if got := must(s.ByToken(ctx, w.theirs, record.Contacts, []string{"t"}))(t); len(got) != 0 {
		t.Errorf("ByToken shows %v", got)
	}
	_, faults, err := s.Update(ctx, w.by(w.eve), mine[:1])
	ok(t, err)
	if !fault.Is(faults[0], fault.NotFound) {
		t.Errorf("Update answers %v", faults[0])
	}
	ok(t, s.Destroy(ctx, w.by(w.eve), record.Contacts, []record.ID{mine[1].ID}, w.clock.Now()))
	if got := w.list(record.Contacts, crm.Query{Deleted: true}); got != "bin" {
		t.Errorf("Destroy destroyed: the bin holds %q", got)
	}
	if got := must(s.Tombstones(ctx, w.theirs, record.Contacts, 0, time.Time{}, 10, 0))(t); len(got) != 0 {
		t.Errorf("Tombstones shows %v", got)
	}
	if got := must(s.Touched(ctx, w.theirs, record.Contacts, w.ana, 0, 10))(t); len(got) != 0 {
		t.Errorf("Touched shows %v", got)
	}
	if got := must(s.FirstSync(ctx, w.theirs, record.Contacts, w.ana, true, "", w.clock.Now(), 0, 10))(t); len(got) != 0 {
		t.Errorf("FirstSync shows %v", got)
	}
	if _, err := s.Insert(ctx, crm.Author{Org: 5}, []crm.Record{w.contact(w.ana, "x")}); !fault.Is(err, fault.NotFound) {
		t.Errorf("Insert into no organization answers %v", err)
	}
	if _, err := s.Seq(ctx, 5); !fault.Is(err, fault.NotFound) {
		t.Errorf("Seq of no organization answers %v", err)
	}
	// The kinds are apart too.
	if got := must(s.ByID(ctx, w.ours, record.Calendar, []record.ID{mine[0].ID}))(t); len(got) != 0 {
		t.Errorf("a contact shows among events: %v", got)
	}
}
