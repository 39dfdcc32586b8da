package crm_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

func TestS29_MatchTellsWhomAnItemMayBe(t *testing.T) {
	t.Parallel()
	w := newWorld()
	insert := func(who record.ID, name string, f record.Fields) record.Ref {
		return w.insert(t, who, record.Contacts, contact(name).With(f)).ID.Ref()
	}
	kim := insert(adele, "Kim", record.Fields{record.EmailField: "Kim@X.example", record.SecondaryEmail: "k@x.example", record.Mobile: "11 98765-4321"})
	namesake := insert(adele, "Kím", record.Fields{record.PhoneField: "+55 11 8765-4321"})
	twin := insert(adele, "Twin", record.Fields{record.SecondaryEmail: "kim@x.example"})
	insert(alex, "Kim", record.Fields{record.EmailField: "kim@x.example"})
	gone := w.insert(t, adele, record.Contacts, contact("Gone").With(record.Fields{record.EmailField: "kim@x.example"}))
	if _, err := w.Delete(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: gone.ID}}); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name string
		item record.Fields
		want []record.Ref
	}{
		{"nothing in common", record.Fields{record.LastName: "Lee", record.EmailField: "lee@x.example"}, nil},
		{"an address of one", record.Fields{record.EmailField: " K@x.example"}, []record.Ref{kim}},
		{"an address of two", record.Fields{record.SecondaryEmail: "KIM@x.example"}, []record.Ref{kim, twin}},
		{"both addresses", record.Fields{record.EmailField: "k@x.example", record.SecondaryEmail: "kim@x.example"}, []record.Ref{kim, twin}},
		{"a name and a number", contact("KIM").With(record.Fields{record.HomePhone: "(011) 98765-4321"}), []record.Ref{kim, namesake}},
		{"an address comes first", contact("Kim").With(record.Fields{record.EmailField: "k@x.example", record.Mobile: "11 98765-4321"}), []record.Ref{kim}},
		{"a number alone", record.Fields{record.Mobile: "11 98765-4321"}, nil},
		{"nothing", record.Fields{}, nil},
	}
	items := make([]record.Fields, len(rows))
	for i, row := range rows {
		items[i] = row.item
	}
	found, err := w.side(adele, record.Contacts, 10, false).Match(t.Context(), items)
	if err != nil || len(found) != len(rows) {
		t.Fatalf("Match: %d answers, %v", len(found), err)
	}
	for i, row := range rows {
		var got []record.Ref
		for _, c := range found[i] {
			if c.State != record.Present || c.Version == "" || c.Meta.Owner != adele {
				t.Errorf("%s: told is %+v", row.name, c)
			}
			got = append(got, c.Ref)
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: may be %v, not %v", row.name, got, row.want)
		}
	}
	events, err := w.side(adele, record.Calendar, 10, false).Match(t.Context(), items)
	if err != nil || slices.ContainsFunc(events, func(c []record.Change) bool { return len(c) > 0 }) {
		t.Errorf("events match: %v, %v", events, err)
	}
}

// Many contacts with one address, such as those of a firm, are told to a bound.
func TestS29_MatchIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range 250 {
		w.insert(t, adele, record.Contacts, contact(fmt.Sprint("C", i)).With(record.Fields{record.EmailField: "info@x.example"}))
	}
	found, err := w.side(adele, record.Contacts, 10, false).Match(t.Context(), []record.Fields{{record.EmailField: "info@x.example"}})
	if err != nil || len(found[0]) != 200 {
		t.Errorf("%d contacts, %v", len(found[0]), err)
	}
}

// A write that lets an imported contact in does so once, also where it changes no field, and only at the version planned on.
func TestS32_AWriteLetsAnImportedContactIn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	made, err := w.Insert(t.Context(), person(adele), record.Contacts, []crm.Draft{{Fields: contact("Kim"), Source: record.Import}})
	if err != nil || made[0].Err != nil {
		t.Fatal(err, made)
	}
	side, ref := w.side(adele, record.Contacts, 10, false), made[0].Record.ID.Ref()
	read := func() record.Change {
		t.Helper()
		got, err := side.Read(t.Context(), []record.Ref{ref})
		if err != nil || got[0].State != record.Present {
			t.Fatal(err, got)
		}
		return got[0]
	}
	before := read()
	admit := record.Write{Op: record.Update, Ref: ref, Version: before.Version, Meta: record.Meta{MassUpdated: true}}
	out, err := side.Apply(t.Context(), []record.Write{admit})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	after := read()
	if !after.Meta.MassUpdated || after.Meta.Source != record.Import || after.Version == before.Version || after.Version != out[0].Version || !maps.Equal(after.Fields, before.Fields) {
		t.Errorf("it was %+v and is %+v", before, after)
	}
	if out, err = side.Apply(t.Context(), []record.Write{admit}); err != nil || !fault.Is(out[0].Err, fault.Conflict) {
		t.Errorf("at a version that has gone: %v %+v", err, out)
	}
	admit.Version = after.Version
	if out, err = side.Apply(t.Context(), []record.Write{admit}); err != nil || out[0].Err != nil || read().Version != after.Version {
		t.Errorf("once more: %v %+v, version %s", err, out, read().Version)
	}
}

// Events are known by the UID of the file that they came from, in each of Exchange's spellings, and only then by title and time.
func TestFF45_MatchTellsWhichEventAnItemMayBe(t *testing.T) {
	t.Parallel()
	w := newWorld()
	event := func(who record.ID, title, start, rule, uid string) record.Ref {
		r := w.insert(t, who, record.Calendar, record.Fields{
			record.EventTitle: record.Value(title), record.Start: record.Value(start), record.End: "2031-05-09T00:00:00Z", record.Recurring: record.Value(rule)})
		w.store.ImportedAs(r.ID, uid)
		return r.ID.Ref()
	}
	head := "040000008200E00074C5B7101A82E008" + strings.Repeat("0", 40)
	own := head + "10000000" + "0123456789ABCDEF0123456789ABCDEF"
	foreign := head + "19000000" + strings.ToUpper(hex.EncodeToString([]byte("vCal-Uid\x01\x00\x00\x00fair@example\x00")))
	visit := event(adele, "Visit", "2031-05-06T09:00:00Z", "", "")
	first := event(adele, "Moved", "2031-05-01T09:00:00Z", "", strings.ToLower(own))
	fair := event(adele, "Fair", "2031-05-02T09:00:00Z", "", "fair@example")
	again := event(adele, "Fair once more", "2031-05-03T09:00:00Z", "", "fair@example")
	event(adele, "A series", "2031-05-04T09:00:00Z", "FREQ=DAILY;COUNT=2", "series@example")
	event(alex, "Visit", "2031-05-06T09:00:00Z", "", "alex@example")
	rows := []struct {
		name, uid, title string
		want             []record.Ref
	}{
		{"title and time", "", "VISIT", []record.Ref{visit}},
		{"another title", "", "Visits", nil},
		{"its UID", own, "Visit", []record.Ref{first}},
		{"a UID of elsewhere, inside Exchange's", foreign, "x", []record.Ref{fair, again}},
		{"the same, bare", "fair@example", "x", []record.Ref{fair, again}},
		{"a UID that nobody knows", "nobody@example", "Visit", []record.Ref{visit}},
		{"a colleague's", "alex@example", "x", nil},
		{"the UID of a series, of a single event", "series@example", "x", nil},
		{"a UID that is cut off", head[:40], "Visit", []record.Ref{visit}},
		{"nothing", "", "", nil},
	}
	items := make([]record.Fields, len(rows))
	for i, row := range rows {
		items[i] = record.Fields{record.EventTitle: record.Value(row.title), record.Start: "2031-05-06T09:00:00Z", record.End: "2031-05-09T00:00:00Z", record.UID: record.Value(row.uid)}
	}
	found, err := w.side(adele, record.Calendar, 10, false).Match(t.Context(), items)
	if err != nil || len(found) != len(rows) {
		t.Fatalf("Match: %d answers, %v", len(found), err)
	}
	for i, row := range rows {
		var got []record.Ref
		for _, c := range found[i] {
			got = append(got, c.Ref)
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: may be %v, not %v", row.name, got, row.want)
		}
	}
}
