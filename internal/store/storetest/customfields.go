package storetest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// customizer is that of Bob, who manages ours from here on.
func (w *world) customizer() *crm.Customizer {
	w.change(w.bob, func(u *account.User) { u.Profile = account.SuperAdmin })
	return crm.NewCustomizer(w.Records(), w.clock.Now)
}

func testCustomFields(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Records()
	c := crm.NewCustomizer(s, w.clock.Now)
	if _, err := c.Make(ctx, w.by(w.ana), record.Contacts, crm.FieldDraft{Label: "Size", Type: "double"}); !fault.Is(err, fault.Denied) {
		t.Errorf("Ana, who manages nobody, makes a field: %v", err)
	}
	c = w.customizer()
	size := must(c.Make(ctx, w.by(w.bob), record.Contacts, crm.FieldDraft{Label: "Tamanho %_ é", Type: "double"}))(t)
	colour := must(c.Make(ctx, w.by(w.bob), record.Contacts, crm.FieldDraft{Label: "Colour", Type: "picklist", Values: []string{"Red", `"`}}))(t)
	box := must(c.Make(ctx, w.by(w.bob), record.Contacts, crm.FieldDraft{Label: "Box", Type: "boolean"}))(t)
	if got := must(s.CustomFields(ctx, w.ours, record.Contacts))(t); len(got) != 3 || !reflect.DeepEqual(got[1], colour) || got[0].ID == got[1].ID ||
		got[0].CreatedBy != w.bob || !got[0].CreatedAt.Equal(w.clock.Now()) {
		t.Errorf("kept are %+v", got)
	}
	for _, org := range []record.ID{w.theirs, 77} {
		if got := must(s.CustomFields(ctx, org, record.Contacts))(t); len(got) != 0 {
			t.Errorf("organization %d sees %v", org, got)
		}
	}
	w.change(w.eve, func(u *account.User) { u.Profile = account.SuperAdmin })
	for name, err := range map[string]error{
		"Change": second(c.Change(ctx, w.by(w.eve), record.Contacts, size.ID, crm.FieldDraft{Label: "Mine"})),
		"Retire": second(c.Retire(ctx, w.by(w.eve), record.Contacts, size.ID)),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization: %s: %v", name, err)
		}
	}
	if _, err := c.Retire(ctx, crm.Author{Org: w.ours, User: w.eve}, record.Contacts, size.ID); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Denied) {
		t.Errorf("another organization's manager: %v", err)
	}

	// A value that looks like a field is not one.
	with := func(fields record.Fields) func(*crm.Record) {
		return func(r *crm.Record) {
			for f, v := range fields {
				r.Fields[f] = v
			}
		}
	}
	rs := w.insert(w.ana, w.contact(w.ana, "one", with(record.Fields{size.Name: "1", box.Name: "false"})), w.contact(w.ana, "two", with(record.Fields{size.Name: "2"})),
		w.contact(w.bob, "three", with(record.Fields{record.Description: record.Value(`"` + size.Name + `":"3"`), box.Name: "true"})))
	rs[1] = w.update(w.by(w.ana), rs[1], func(r *crm.Record) { r.DeletedAt = w.clock.Now() })
	rs[0] = w.update(w.by(w.ana), rs[0], func(r *crm.Record) { r.Fields[size.Name] = "1.5" })
	if told := must(s.Edits(ctx, w.ours, rs[0].ID, time.Time{}, 9))(t); len(told) != 1 || told[0].Before[size.Name] != "1" {
		t.Errorf("the timeline tells %+v", told)
	}
	w.insert(w.eve, w.contact(w.eve, "theirs", with(record.Fields{size.Name: "9"})))
	for f, want := range map[*crm.CustomField]int{&size: 2, &colour: 0, &box: 1} {
		if n := must(s.CountValues(ctx, w.ours, *f))(t); n != want {
			t.Errorf("%s: %d values, expected %d", f.Name, n, want)
		}
	}

	// Destroyed: the values go, everything else stays, and whoever has read a record before does not write them back.
	must(c.Retire(ctx, w.by(w.bob), record.Contacts, size.ID))(t)
	seq := must(s.Seq(ctx, w.ours))(t)
	must(c.Destroy(ctx, w.by(w.bob), record.Contacts, size.ID))(t)
	found := must(s.ByID(ctx, w.ours, record.Contacts, []record.ID{rs[0].ID, rs[1].ID, rs[2].ID}))(t)
	if found[rs[0].ID].Fields[size.Name] != "" || found[rs[1].ID].Fields[size.Name] != "" || found[rs[0].ID].Fields[record.LastName] != "one" ||
		!strings.Contains(string(found[rs[2].ID].Fields[record.Description]), string(size.Name)) {
		t.Errorf("left is %v", found)
	}
	if told := must(s.Edits(ctx, w.ours, rs[0].ID, time.Time{}, 9))(t); len(told) != 0 {
		t.Errorf("the timeline still tells %+v", told)
	}
	if told := must(s.Touched(ctx, w.ours, record.Contacts, w.ana, seq, 9))(t); len(told) != 0 || found[rs[2].ID].Version != rs[2].Version {
		t.Errorf("links are told of %v", told)
	}
	if _, faults, err := s.Update(ctx, w.by(w.ana), []crm.Record{rs[0]}); err != nil || !fault.Is(faults[0], fault.Conflict) {
		t.Errorf("one that was read before is written back: %v %v", faults, err)
	}
	if got := must(s.Records(ctx, w.theirs, record.Contacts, crm.Query{}))(t); got[0].Fields[size.Name] != "9" {
		t.Errorf("another organization lost its values: %v", got[0].Fields)
	}
	if got := must(s.CustomFields(ctx, w.ours, record.Contacts))(t); len(got) != 3 || got[0].State != crm.FieldDestroyed {
		t.Errorf("its name is free again: %+v", got)
	}
	want := []string{"bob field_made - Colour", "bob field_retired - Tamanho %_ é", "bob field_destroyed - Tamanho %_ é"}
	if got := w.actions(w.ours); slices.ContainsFunc(want, func(line string) bool { return !slices.Contains(got, line) }) {
		t.Errorf("the audit trail tells %v", got)
	}
}

// A search finds contacts by what stands in the organization's own fields, as long as they are in use.
func testOwnFieldsAreSearched(t *testing.T, w *world) {
	ctx, s, c := t.Context(), w.Records(), w.customizer()
	values := map[string]record.Value{
		"text": "Zebrão", "textarea": "a long story\nof giraffes", "double": "4711.5", "date": "2031-12-24", "picklist": "Ocelot",
		"boolean": "true", "phone": "(21) 97777-1234", "email": "panda@zoo.example", "website": "https://lion.example/x",
	}
	fields := map[string]crm.CustomField{}
	own := record.Fields{}
	for kind, value := range values {
		draft := crm.FieldDraft{Label: "Own " + kind, Type: kind}
		if kind == "picklist" {
			draft.Values = []string{"Ocelot", "Lynx"}
		}
		fields[kind] = must(c.Make(ctx, w.by(w.bob), record.Contacts, draft))(t)
		own[fields[kind].Name] = value
	}
	with := func(more record.Fields) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields = r.Fields.With(more) }
	}
	rs := w.insert(w.ana, w.contact(w.ana, "animal", with(own)), w.contact(w.ana, "plain"))
	finds := func(search, want string) {
		t.Helper()
		var got []string
		for _, r := range must(s.Records(ctx, w.ours, record.Contacts, crm.Query{Search: search}))(t) {
			got = append(got, string(r.Fields[record.LastName]))
		}
		n := must(s.Count(ctx, w.ours, record.Contacts, crm.Query{Search: search}))(t)
		if strings.Join(got, " ") != want || n != len(got) {
			t.Errorf("%q finds %q, counted %d, expected %q", search, got, n, want)
		}
	}
	for _, word := range []string{"zebrao", "GIRAFFES", "4711", "ocelot", "97777-1234", "21977771234", "panda@zoo", "lion.example", "animal zebr"} {
		finds(word, "animal")
	}
	for _, word := range []string{"2031-12-24", "true", "lynx"} {
		finds(word, "")
	}

	// Out of use nobody finds anything by it, also of what is written meanwhile; used again, all of it is found.
	must(c.Retire(ctx, w.by(w.bob), record.Contacts, fields["text"].ID))(t)
	finds("zebrao", "")
	finds("ocelot", "animal")
	rs[0] = w.update(w.by(w.ana), rs[0], with(record.Fields{record.Department: "Sales", fields["picklist"].Name: "Lynx"}))
	late := w.insert(w.ana, w.contact(w.ana, "late", with(record.Fields{fields["text"].Name: "Zebrinha"})))
	finds("zebr", "")
	finds("lynx", "animal")
	finds("ocelot", "")
	must(c.Revive(ctx, w.by(w.bob), record.Contacts, fields["text"].ID))(t)
	finds("zebrao", "animal")
	finds("zebrinha", "late")
	must(c.Retire(ctx, w.by(w.bob), record.Contacts, fields["text"].ID))(t)
	must(c.Destroy(ctx, w.by(w.bob), record.Contacts, fields["text"].ID))(t)
	finds("zebr", "")
	w.update(w.by(w.ana), must(s.ByID(ctx, w.ours, record.Contacts, []record.ID{late[0].ID}))(t)[late[0].ID], with(record.Fields{record.Department: "Sales"}))
	finds("late", "late")
}

// A run begins with the fields that there are; what was agreed on in a field that has gone out of use is forgotten, so that
// all is compared when it comes back.
func testCustomFieldUnderLink(t *testing.T, w *world) {
	ctx, c := t.Context(), w.customizer()
	size := must(c.Make(ctx, w.by(w.bob), record.Contacts, crm.FieldDraft{Label: "Size", Type: "double"}))(t)
	colour := must(c.Make(ctx, w.by(w.bob), record.Contacts, crm.FieldDraft{Label: "Colour", Type: "picklist", Values: []string{"Red"}}))(t)
	table := (&mapping.Table{Kind: record.Contacts, Rows: []mapping.Row{
		{Microsoft: "surname", CRM: record.LastName}, {Microsoft: "initials", CRM: size.Name}, {Microsoft: "profession", CRM: colour.Name}}})
	id, other := w.link(w.ana, record.Contacts).ID, w.link(w.bob, record.Contacts).ID
	ok(t, w.Links().ChangeSettings(ctx, w.ours, id, reconcile.Policy{}, table))
	ok(t, w.Links().Choose(ctx, w.ours, w.ana, record.Contacts, &reconcile.Settings{Mapping: table}))
	run := func(want ...record.Field) *reconcile.Link {
		t.Helper()
		l := w.run(id)
		if got := l.Mapping.Fields(); !slices.Equal(got, want) {
			t.Errorf("the run has %v, expected %v", got, want)
		}
		if got := w.reload(l).Mapping.Fields(); !slices.Equal(got, want) {
			t.Errorf("pages see %v, expected %v", got, want)
		}
		return l
	}
	l := run(record.LastName, size.Name, colour.Name)
	if err := l.Mapping.Check(); err != nil {
		t.Errorf("the run's table: %v", err)
	}
	agreed, apart := pair("c1", "m1"), pair("c2", "m2")
	agreed.Base = record.Fields{record.LastName: "L", size.Name: "42", colour.Name: "Red"}
	apart.Base = record.Fields{record.LastName: "L", size.Name: "1", colour.Name: "Green", "crm:" + colour.Name: ""}
	w.settle(l, reconcile.Entry{Pair: agreed}, reconcile.Entry{Pair: apart})
	l.Microsoft = "read"
	ok(t, w.Ledger().Advance(ctx, l))
	w.served(l)
	w.served(w.run(other))
	w.waker.take(t)

	must(c.Retire(ctx, w.by(w.bob), record.Contacts, size.ID))(t)
	if woken := w.waker.take(t); !slices.Equal(woken, []reconcile.LinkID{id}) {
		t.Errorf("woken are %v", woken)
	}
	chosen := must(w.Links().Chosen(ctx, w.ours, w.ana, record.Contacts))(t)
	if got := chosen.Mapping.Fields(); !slices.Equal(got, []record.Field{record.LastName, colour.Name}) {
		t.Errorf("a new link would begin with %v", got)
	}
	bases := func(l *reconcile.Link) (out []record.Fields) {
		for _, p := range must(w.Ledger().Pairs(ctx, l, 0, 9))(t) {
			out = append(out, p.Base)
		}
		return out
	}
	l = run(record.LastName, colour.Name)
	if l.Microsoft != "" {
		t.Error("Outlook is not read again")
	}
	if got := bases(l); !reflect.DeepEqual(got, []record.Fields{{record.LastName: "L", colour.Name: "Red"},
		{record.LastName: "L", colour.Name: "Green", "crm:" + colour.Name: ""}}) {
		t.Errorf("agreed on is %v", got)
	}
	w.served(l)

	must(c.Revive(ctx, w.by(w.bob), record.Contacts, size.ID))(t)
	w.served(run(record.LastName, size.Name, colour.Name))

	// What Outlook holds and what has become a choice counts as its edit, and is looked at again.
	must(c.Change(ctx, w.by(w.bob), record.Contacts, colour.ID, crm.FieldDraft{Label: "Cor", Values: []string{"Red", "Green"}}))(t)
	l = run(record.LastName, size.Name, colour.Name)
	if got := bases(l); !reflect.DeepEqual(got, []record.Fields{{record.LastName: "L", colour.Name: "Red"}, {record.LastName: "L", colour.Name: ""}}) {
		t.Errorf("agreed on is %v", got)
	}
	if ps := must(w.Ledger().Pairs(ctx, l, 0, 9))(t); ps[0].MicrosoftVersion != agreed.MicrosoftVersion || ps[1].MicrosoftVersion != "" {
		t.Errorf("at versions %q and %q", ps[0].MicrosoftVersion, ps[1].MicrosoftVersion)
	}
	w.served(l)
}
