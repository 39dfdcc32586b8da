package storetest

import (
	"slices"
	"strconv"
	"tandem/internal/reconcile"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

func testFilters(t *testing.T, w *world) {
	c := w.customizer()
	size := must(c.Make(t.Context(), w.by(w.bob), record.Contacts, crm.FieldDraft{Label: "Size", Type: "double"}))(t)
	box := must(c.Make(t.Context(), w.by(w.bob), record.Contacts, crm.FieldDraft{Label: "Box", Type: "boolean"}))(t)
	with := func(fields record.Fields) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields = r.Fields.With(fields) }
	}
	step := func(r *crm.Record) {
		r.CreatedAt, r.ModifiedAt = w.clock.Now(), w.clock.Now()
		w.clock.pass(24 * time.Hour)
	}
	first := w.clock.Now()
	w.insert(w.ana,
		w.contact(w.ana, "A", step, with(record.Fields{record.AccountName: "Ação Ltda", record.Mobile: "+55 (11) 98765-4321", record.LeadSource: "Partner",
			record.Tag: "Cliente\nvip", size.Name: "-2.5", box.Name: "true", record.MailingState: "São Paulo"})),
		w.contact(w.ana, "B", step, with(record.Fields{record.AccountName: "acao ltda filial", record.LeadSource: "Chat", record.Tag: "vip antigo",
			size.Name: "10", box.Name: "false", record.DateOfBirth: "1980-02-29", record.EmailField: "z@x.example"})),
		w.contact(w.bob, "C", step, with(record.Fields{record.AccountName: "100%_pure", size.Name: "9", record.DateOfBirth: "1999-12-31", record.EmailField: "A@x.example",
			record.Description: "Fala ÁRABE"})),
		w.contact(w.ana, "D", step),
	)
	schema := crm.SchemaOf(record.Contacts, must(w.Records().CustomFields(t.Context(), w.ours, record.Contacts))(t), crm.FieldInUse)
	on := func(name record.Field, op crm.Op, value string) crm.Filter {
		t.Helper()
		return must(crm.FilterOn(schema, name, op, value, time.UTC))(t)
	}
	day := first.UTC().Format(time.DateOnly)
	for _, row := range []struct {
		name record.Field
		op   crm.Op
		text string
		want string
	}{
		{record.AccountName, crm.Has, "acao", "A B"},
		{record.AccountName, crm.Is, "AÇÃO LTDA", "A"},
		{record.AccountName, crm.IsNot, "Ação Ltda", "B C D"},
		{record.AccountName, crm.Begins, "ação", "A B"},
		{record.AccountName, crm.Begins, "ltda", ""},
		{record.AccountName, crm.Has, "0%_", "C"},
		{record.AccountName, crm.Has, "0%p", ""},
		{record.AccountName, crm.Empty, "", "D"},
		{record.AccountName, crm.Filled, "", "A B C"},
		{record.Title, crm.Has, "ltda", ""}, // it stands in another field
		{record.Mobile, crm.Has, "11 98765", "A"},
		{record.Mobile, crm.Is, "5511987654321", "A"},
		{record.Mobile, crm.Begins, "+55", "A"},
		{record.LeadSource, crm.Is, "Chat", "B"},
		{record.LeadSource, crm.IsNot, "Chat", "A C D"},
		{record.Tag, crm.Is, "VIP", "A"},
		{record.Tag, crm.Is, "vip antigo", "B"},
		{record.Tag, crm.IsNot, "vip", "B C D"},
		{record.DateOfBirth, crm.Is, "1980-02-29", "B"},
		{record.DateOfBirth, crm.Below, "1999-12-31", "B"},
		{record.DateOfBirth, crm.Above, "1980-02-29", "C"},
		{record.Description, crm.Has, "arabe", "C"},
		{size.Name, crm.Below, "9.5", "A C"},
		{size.Name, crm.Above, "9", "B"},
		{size.Name, crm.Is, "10.0", "B"},
		{box.Name, crm.Is, "true", "A"},
		{box.Name, crm.Is, "false", "B C D"},
		{crm.CreatedTime, crm.Is, day, "A"},
		{crm.CreatedTime, crm.Above, day, "B C D"},
		{crm.ModifiedTime, crm.Below, first.UTC().AddDate(0, 0, 2).Format(time.DateOnly), "A B"},
	} {
		if got := w.list(record.Contacts, crm.Query{Sort: crm.ByName, Filters: []crm.Filter{on(row.name, row.op, row.text)}}); got != row.want {
			t.Errorf("%s %s %q lists %q, want %q", row.name, row.op, row.text, got, row.want)
		}
	}
	both := []crm.Filter{on(record.AccountName, crm.Has, "acao"), on(size.Name, crm.Above, "0")}
	if got := w.list(record.Contacts, crm.Query{Filters: both, Search: "ltda", Owner: w.ana}); got != "B" {
		t.Errorf("several conditions list %q", got)
	}
	if n := must(w.Records().Count(t.Context(), w.ours, record.Contacts, crm.Query{Filters: []crm.Filter{on(record.AccountName, crm.Filled, "")}, Most: 2}))(t); n != 2 {
		t.Errorf("a count to 2 counts %d", n)
	}
	if got := must(w.Records().Records(t.Context(), w.theirs, record.Contacts, crm.Query{Filters: both[:1]}))(t); len(got) != 0 {
		t.Errorf("another organization finds %v", titles(got))
	}
	for _, row := range []struct {
		query crm.Query
		want  string
	}{
		{crm.Query{Sort: crm.ByCompany}, "C A B D"},
		{crm.Query{Sort: crm.ByCompany, Descending: true}, "D B A C"},
		{crm.Query{Sort: crm.ByEmail}, "C B A D"},
		{crm.Query{Sort: crm.ByField, SortOn: size.Def()}, "A C B D"},
		{crm.Query{Sort: crm.ByField, SortOn: size.Def(), Descending: true}, "D B C A"},
		{crm.Query{Sort: crm.ByField, SortOn: size.Def(), Limit: 2, Offset: 1}, "C B"},
		{crm.Query{Sort: crm.ByField, SortOn: must2(schema.Def(record.DateOfBirth))}, "B C A D"},
		{crm.Query{Sort: crm.ByField, SortOn: must2(schema.Def(record.LeadSource)), Filters: both[:1]}, "B A"},
		{crm.Query{Sort: crm.ByName, Search: "vip"}, "A B"},
		{crm.Query{Sort: crm.ByName, Search: "sao paulo"}, "A"},
	} {
		if got := w.list(record.Contacts, row.query); got != row.want {
			t.Errorf("%+v lists %q, want %q", row.query, got, row.want)
		}
	}
}

// must2 is what was found, which must be there.
func must2[T any](v T, ok bool) T {
	if !ok {
		panic("not found")
	}
	return v
}

// A filter finds of somebody else's private event nothing.
func testFiltersAndPrivacy(t *testing.T, w *world) {
	event := w.event(w.ana, "checkup", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z", func(r *crm.Record) {
		r.Fields[record.Sensitivity], r.Fields[record.Venue] = "private", "clinic"
	})
	w.insert(w.ana, event, w.event(w.ana, "open", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"))
	schema := record.Standard(record.Calendar)
	for _, f := range []crm.Filter{
		must(crm.FilterOn(schema, record.Venue, crm.Has, "clinic", time.UTC))(t),
		must(crm.FilterOn(schema, record.Sensitivity, crm.Is, "private", time.UTC))(t),
	} {
		for reader, want := range map[record.ID]string{w.ana: "checkup", w.bob: ""} {
			if got := w.list(record.Calendar, crm.Query{Filters: []crm.Filter{f}, Reader: reader}); got != want {
				t.Errorf("%s: user %d finds %q, want %q", f.Def.Name, reader, got, want)
			}
		}
	}
	if got := w.list(record.Calendar, crm.Query{Filters: []crm.Filter{must(crm.FilterOn(schema, record.ShowAs, crm.Is, "busy", time.UTC))(t)}, Reader: w.ana}); got != "checkup open" {
		t.Errorf("what was never said means the standard: %q", got)
	}
}

func testTastes(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Accounts()
	for _, v := range []string{"Email", "Title,Email"} {
		if err := s.SetTaste(ctx, w.ours, w.ana, "contacts.columns", v); err != nil {
			t.Fatal(err)
		}
	}
	if got := must(s.Tastes(ctx, w.ours, w.ana))(t); len(got) != 1 || got["contacts.columns"] != "Title,Email" {
		t.Errorf("kept is %v", got)
	}
	if err := s.SetTaste(ctx, w.theirs, w.ana, "x", "y"); !fault.Is(err, fault.NotFound) {
		t.Errorf("in another organization: %v", err)
	}
	for _, who := range [][2]record.ID{{w.ours, w.bob}, {w.theirs, w.ana}} {
		if got := must(s.Tastes(ctx, who[0], who[1]))(t); len(got) != 0 {
			t.Errorf("user %d of %d has %v", who[1], who[0], got)
		}
	}
	if err := s.SetTaste(ctx, w.ours, w.ana, "contacts.columns", ""); err != nil || len(must(s.Tastes(ctx, w.ours, w.ana))(t)) != 0 {
		t.Errorf("forgotten: %v", err)
	}
}

func testDuplicates(t *testing.T, w *world) {
	mail := func(address record.Value) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields[record.EmailField] = address }
	}
	all := w.insert(w.ana,
		w.contact(w.ana, "Silva", mail("a@x.example")), w.contact(w.ana, "SÍLVA", mail("A@X.example")), w.contact(w.ana, "Lima", mail("b@x.example")),
		w.contact(w.ana, "Rosa", mail("b@x.example")), w.contact(w.bob, "Lima", mail("b@x.example")), w.contact(w.ana, "Silva", mail("gone@x.example"), func(r *crm.Record) {
			r.DeletedAt, r.DeletedBy = w.clock.Now(), w.ana
		}))
	for _, row := range []struct {
		by    crm.DuplicateBy
		after string
		limit int
		want  string
	}{
		{crm.SameKey, "", 0, "@a@x.example:0,1 @b@x.example:2,3 "},
		{crm.SameKey, "", 1, "@a@x.example:0,1 "},
		{crm.SameKey, "@a@x.example", 1, "@b@x.example:2,3 "},
		{crm.SameName, "", 0, "silva :0,1 "},
	} {
		got := ""
		for _, l := range must(w.Records().Duplicates(t.Context(), w.ours, w.ana, row.by, row.after, row.limit))(t) {
			places := ""
			for _, id := range l.IDs {
				for i := range all {
					if all[i].ID == id {
						places += "," + strconv.Itoa(i)
					}
				}
			}
			got += l.Common + ":" + places[1:] + " "
		}
		if got != row.want {
			t.Errorf("%+v finds %q, want %q", row, got, row.want)
		}
	}
	if got := must(w.Records().Duplicates(t.Context(), w.theirs, w.ana, crm.SameKey, "", 0))(t); len(got) != 0 {
		t.Errorf("another organization finds %v", got)
	}
}

// Contacts that somebody told apart are not offered again, until that is taken back or one of them is destroyed: page by page, and of
// three those two that nobody told apart.
func testToldApart(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Records()
	mail := func(address record.Value) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields[record.EmailField] = address }
	}
	all := w.insert(w.ana, w.contact(w.ana, "A", mail("a@x.example")), w.contact(w.ana, "B", mail("a@x.example")),
		w.contact(w.ana, "C", mail("c@x.example")), w.contact(w.ana, "D", mail("c@x.example")), w.contact(w.ana, "E", mail("c@x.example")))
	offered := func(limit int) (out string) {
		t.Helper()
		for _, l := range must(s.Duplicates(ctx, w.ours, w.ana, crm.SameKey, "", limit))(t) {
			for _, id := range l.IDs {
				out += string(all[slices.IndexFunc(all, func(r crm.Record) bool { return r.ID == id })].Fields[record.LastName])
			}
			out += " "
		}
		return out
	}
	pair := func(a, b int) crm.Pair { return crm.PairOf(all[a].ID, all[b].ID) }
	by := w.by(w.ana)
	ok(t, s.TellApart(ctx, by, []crm.Pair{pair(1, 0)}, w.clock.Now()))
	w.clock.pass(time.Minute)
	ok(t, s.TellApart(ctx, by, []crm.Pair{pair(2, 3), pair(0, 1)}, w.clock.Now()))
	if got := offered(1); got != "CDE " {
		t.Errorf("the first page offers %q", got)
	}
	ok(t, s.TellApart(ctx, by, []crm.Pair{pair(2, 4)}, w.clock.Now()))
	if got := offered(0); got != "DE " {
		t.Errorf("of three, %q are offered", got)
	}
	told := must(s.ToldApart(ctx, w.ours, w.ana, 9, 0))(t)
	if len(told) != 3 || told[2].Pair != pair(0, 1) || told[2].By != w.ana || !told[2].At.Before(told[0].At) {
		t.Errorf("told apart are %+v", told)
	}
	if got := must(s.ToldApart(ctx, w.ours, w.ana, 1, 2))(t); len(got) != 1 || got[0] != told[2] {
		t.Errorf("the last one is %+v", got)
	}
	for _, foreign := range [][]crm.Apart{must(s.ToldApart(ctx, w.theirs, w.ana, 9, 0))(t), must(s.ToldApart(ctx, w.ours, w.bob, 9, 0))(t)} {
		if len(foreign) > 0 {
			t.Errorf("others are told %+v", foreign)
		}
	}
	ok(t, s.NotApart(ctx, w.by(w.eve), []crm.Pair{pair(0, 1)}))
	if got := offered(0); got != "DE " {
		t.Errorf("another organization took it back: %q", got)
	}
	ok(t, s.NotApart(ctx, by, []crm.Pair{pair(0, 1)}))
	if got := offered(0); got != "AB DE " {
		t.Errorf("taken back, %q are offered", got)
	}
	gone := w.update(by, all[2], func(r *crm.Record) { r.DeletedAt, r.DeletedBy = w.clock.Now(), w.ana })
	if got := must(s.ToldApart(ctx, w.ours, w.ana, 9, 0))(t); len(got) != 0 {
		t.Errorf("of what lies in the recycle bin is told %+v", got)
	}
	back := w.update(by, gone, func(r *crm.Record) { r.DeletedAt, r.DeletedBy = time.Time{}, 0 })
	if got := must(s.ToldApart(ctx, w.ours, w.ana, 9, 0))(t); len(got) != 2 {
		t.Errorf("restored, %+v are told apart", got)
	}
	w.update(by, back, func(r *crm.Record) { r.DeletedAt, r.DeletedBy = w.clock.Now(), w.ana })
	ok(t, s.Destroy(ctx, by, record.Contacts, []record.ID{all[2].ID}, w.clock.Now()))
	if got := must(s.ToldApart(ctx, w.ours, w.ana, 9, 0))(t); len(got) != 0 {
		t.Errorf("of what is destroyed is told %+v", got)
	}
}

// Events are listed by when they take place, each by its own kind of clock, and by whether they are in Outlook; an order that would
// tell of others' private events leaves them out.
func testEventLists(t *testing.T, w *world) {
	whole := func(r *crm.Record) { r.Fields[record.AllDay] = "true" }
	private := func(r *crm.Record) { r.Fields[record.Sensitivity] = "private" }
	rows := w.insert(w.ana, w.event(w.ana, "morning", "2026-11-25T12:00:00Z", "2026-11-25T13:00:00Z"),
		w.event(w.ana, "evening", "2026-11-26T01:00:00Z", "2026-11-26T02:00:00Z"),
		w.event(w.ana, "day", "2026-11-25", "2026-11-26", whole), w.event(w.ana, "eve", "2026-11-24", "2026-11-25", whole),
		w.event(w.bob, "a secret", "2026-11-25T12:30:00Z", "2026-11-25T13:30:00Z", private))
	at := func(text string) time.Time { return must(time.Parse(time.RFC3339, text))(t) }
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	link := w.link(w.ana, record.Calendar)
	w.settle(link, reconcile.Entry{Pair: reconcile.Pair{CRM: rows[0].ID.Ref(), Microsoft: "m/1", State: reconcile.Synced}},
		reconcile.Entry{Pair: reconcile.Pair{CRM: rows[1].ID.Ref(), Microsoft: "m/2", State: reconcile.Parked, Reason: fault.TooLong}})
	for _, row := range []struct {
		name  string
		query crm.Query
		want  string
	}{
		{"one day of São Paulo", crm.Query{From: at("2026-11-25T00:00:00-03:00"), FromDay: day(25), To: at("2026-11-26T00:00:00-03:00"), ToDay: day(26)}, "day morning a secret evening"},
		{"the day before", crm.Query{From: at("2026-11-24T00:00:00-03:00"), FromDay: day(24), To: at("2026-11-25T00:00:00-03:00"), ToDay: day(25)}, "eve"},
		{"to come, at ten in the evening", crm.Query{From: at("2026-11-25T22:30:00-03:00"), FromDay: day(25)}, "day evening"},
		{"past then", crm.Query{Ended: at("2026-11-25T22:30:00-03:00")}, "eve day morning a secret"},
		{"to come in Auckland, where it is the 26th", crm.Query{From: at("2026-11-26T00:30:00+13:00"), FromDay: day(26)}, "morning a secret evening"},
		{"in Outlook", crm.Query{Outlook: crm.InOutlook}, "morning"},
		{"in Outlook, of ana", crm.Query{Outlook: crm.InOutlook, Owner: w.ana}, "morning"},
		{"in Outlook, of bob", crm.Query{Outlook: crm.InOutlook, Owner: w.bob}, ""},
		{"not in Outlook", crm.Query{Outlook: crm.NotInOutlook, Owner: w.ana}, "eve day evening"},
		{"by title, to somebody else", crm.Query{Sort: crm.ByName, Reader: w.ana, Unveiled: true}, "day eve evening morning"},
		{"by title, to its owner", crm.Query{Sort: crm.ByName, Reader: w.bob, Unveiled: true, Owner: w.bob}, "a secret"},
	} {
		if row.query.Sort == "" {
			row.query.Sort = crm.ByStart
		}
		if got := w.list(record.Calendar, row.query); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	if got := w.list(record.Contacts, crm.Query{Outlook: crm.InOutlook}); got != "" {
		t.Errorf("contacts in Outlook: %s", got)
	}
}
