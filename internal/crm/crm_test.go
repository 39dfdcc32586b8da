package crm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/testkit/memcrm"
)

const (
	contoso  record.ID = 1
	fabrikam record.ID = 2
	adele    record.ID = 11
	alex     record.ID = 12
	boss     record.ID = 13
	gone     record.ID = 14 // deactivated
	stranger record.ID = 21 // of fabrikam
)

// world is a CRM in memory with a clock that only goes when told.
type world struct {
	*crm.CRM
	store *memcrm.Store
	now   time.Time

	pictures memcrm.Pictures
}

func newWorld() *world {
	w := &world{store: memcrm.New(), now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	active := func(_ context.Context, org, user record.ID) (bool, error) {
		switch user {
		case adele, alex, boss:
			return org == contoso, nil
		case stranger:
			return org == fabrikam, nil
		}
		return false, nil
	}
	w.CRM = crm.New(w.store, active, func() time.Time { return w.now }).WithPictures(&w.pictures)
	return w
}

func person(user record.ID) crm.Actor {
	a := crm.Actor{Author: crm.Author{Org: contoso, User: user}, Zone: "America/Sao_Paulo",
		Contacts: record.OwnOnly, Events: record.OwnOnly, MassUpdate: true}
	if user == stranger {
		a.Org = fabrikam
	}
	if user == boss || user == stranger {
		a.Contacts, a.Events = record.Full, record.Full
	}
	return a
}

func (w *world) insert(t *testing.T, who record.ID, kind record.Kind, f record.Fields) crm.Record {
	t.Helper()
	return w.insertFrom(t, who, kind, record.Manual, f)
}

func (w *world) insertFrom(t *testing.T, who record.ID, kind record.Kind, source record.Source, f record.Fields) crm.Record {
	t.Helper()
	got, err := w.Insert(t.Context(), person(who), kind, []crm.Draft{{Fields: f, Source: source}})
	if err != nil || got[0].Err != nil {
		t.Fatalf("insert %v: %v, %v", f, err, got)
	}
	return got[0].Record
}

func contact(last string) record.Fields { return record.Fields{record.LastName: record.Value(last)} }

func meeting(title, start, end string) record.Fields {
	return record.Fields{
		record.EventTitle: record.Value(title), record.Start: record.Value(start), record.End: record.Value(end),
	}
}

func TestInsertBringsValuesIntoCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		kind  record.Kind
		given record.Fields
		field record.Field
		want  record.Value
	}{
		{"white space at the ends goes", record.Contacts, record.Fields{record.LastName: "  Vance \t"}, record.LastName, "Vance"},
		{"a line end in one line is a space", record.Contacts, record.Fields{record.LastName: "Vance\r\nTwo"}, record.LastName, "Vance Two"},
		{"line ends are \\n", record.Contacts, record.Fields{record.LastName: "V", record.Description: "a\r\nb\rc\n"}, record.Description, "a\nb\nc"},
		{"control characters go", record.Contacts, record.Fields{record.LastName: "V\x00a\x07n\u0085ce"}, record.LastName, "Van ce"},
		{"broken UTF-8 is shown as such", record.Contacts, record.Fields{record.LastName: "V\xffa"}, record.LastName, "V\uFFFDa"},
		{"tags are sorted and single", record.Contacts, record.Fields{record.LastName: "V", record.Tag: "b\na\n b\n"}, record.Tag, "a\nb"},
		{"what was never said of a bool is false", record.Contacts, contact("V"), record.EmailOptOut, "false"},
		{"-None- chooses nothing", record.Contacts, record.Fields{record.LastName: "V", record.Salutation: "-None-"}, record.Salutation, ""},
		{"moments are told in UTC", record.Calendar, meeting("m", "2026-03-10T09:00:00-03:00", "2026-03-10T10:00:00-03:00"), record.Start, "2026-03-10T12:00:00Z"},
		{"without an offset the actor's zone counts", record.Calendar, meeting("m", "2026-03-10T09:00", "2026-03-10T10:00"), record.End, "2026-03-10T13:00:00Z"},
		{"the zone is the actor's", record.Calendar, meeting("m", "2026-03-10T09:00", "2026-03-10T10:00"), record.TimeZone, "America/Sao_Paulo"},
		{"the event's zone comes before the actor's", record.Calendar,
			meeting("m", "2026-03-10T09:00", "2026-03-10T10:00").With(record.Fields{record.TimeZone: "Europe/Lisbon"}), record.Start, "2026-03-10T09:00:00Z"},
		{"Windows names are understood", record.Calendar,
			meeting("m", "2026-03-10T09:00", "2026-03-10T10:00").With(record.Fields{record.TimeZone: "Tokyo Standard Time"}), record.TimeZone, "Asia/Tokyo"},
		{"an all-day end that equals the start is one day", record.Calendar,
			meeting("m", "2026-03-10", "2026-03-10").With(record.Fields{record.AllDay: "true"}), record.End, "2026-03-11"},
		{"a missing all-day end is one day", record.Calendar,
			record.Fields{record.EventTitle: "m", record.Start: "2026-03-10", record.AllDay: "true"}, record.End, "2026-03-11"},
		{"an all-day end is exclusive", record.Calendar,
			meeting("m", "2026-03-10", "2026-03-12").With(record.Fields{record.AllDay: "true"}), record.End, "2026-03-12"},
		{"an all-day end after midnight takes its day in", record.Calendar,
			meeting("m", "2026-03-10T00:00:00-03:00", "2026-03-11T23:59:59-03:00").With(record.Fields{record.AllDay: "true"}), record.End, "2026-03-12"},
		{"of an all-day moment the written date counts", record.Calendar,
			meeting("m", "2026-03-10T00:00:00+13:00", "2026-03-11T00:00:00+13:00").With(record.Fields{record.AllDay: "true"}), record.Start, "2026-03-10"},
		{"a rule gets what the start implies", record.Calendar,
			meeting("m", "2026-03-10T09:00", "2026-03-10T10:00").With(record.Fields{record.Recurring: "freq=weekly"}), record.Recurring, "FREQ=WEEKLY;BYDAY=TU"},
		{"days left out are sorted", record.Calendar,
			meeting("m", "2026-03-10T09:00", "2026-03-10T10:00").With(record.Fields{record.Recurring: "FREQ=DAILY", record.Excluded: "2026-03-14, 2026-03-12,2026-03-12"}), record.Excluded, "2026-03-12,2026-03-14"},
		{"days left out of no series go", record.Calendar,
			meeting("m", "2026-03-10T09:00", "2026-03-10T10:00").With(record.Fields{record.Excluded: "2026-03-14"}), record.Excluded, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newWorld().insert(t, adele, c.kind, c.given)
			if got := r.Fields[c.field]; got != c.want {
				t.Errorf("%s of %v\n got %q\nwant %q", c.field, c.given, got, c.want)
			}
			again, err := newWorld().Insert(t.Context(), person(adele), c.kind, []crm.Draft{{Fields: r.Fields}})
			if err != nil || again[0].Err != nil || again[0].Record.Fields[c.field] != c.want {
				t.Errorf("the canonical form is not its own: %v, %v", err, again)
			}
		})
	}
}

func TestInsertNamesEveryProblem(t *testing.T) {
	t.Parallel()
	long := make([]rune, 81)
	for i := range long {
		long[i] = 'é'
	}
	ok := meeting("m", "2026-03-10T09:00", "2026-03-10T10:00")
	for _, c := range []struct {
		name  string
		kind  record.Kind
		given record.Fields
		want  string // field reason, ...
	}{
		{"nothing", record.Contacts, nil, "Last_Name mandatory"},
		{"only white space", record.Contacts, contact(" \n"), "Last_Name mandatory"},
		{"too long, in code points", record.Contacts, contact(string(long)), "Last_Name too_long"},
		{"several", record.Contacts, record.Fields{record.EmailField: "nobody", "Shoe_Size": "44", "Full_Name": "x"},
			"Full_Name read_only_field, Shoe_Size unknown_field, Last_Name mandatory, Email bad_value"},
		{"an address without a dot", record.Contacts, record.Fields{record.LastName: "V", record.EmailField: "a@b"}, "Email bad_value"},
		{"an address with a name", record.Contacts, record.Fields{record.LastName: "V", record.EmailField: "A <a@b.example>"}, "Email bad_value"},
		{"a telephone number with a slash", record.Contacts, record.Fields{record.LastName: "V", record.PhoneField: "040/123"}, "Phone bad_value"},
		{"a choice that is not listed", record.Contacts, record.Fields{record.LastName: "V", record.LeadSource: "Fog"}, "Lead_Source bad_value"},
		{"a day that does not exist", record.Contacts, record.Fields{record.LastName: "V", record.DateOfBirth: "2025-02-29"}, "Date_of_Birth bad_value"},
		{"a bool that is none", record.Contacts, record.Fields{record.LastName: "V", record.EmailOptOut: "yes"}, "Email_Opt_Out bad_value"},
		{"no times", record.Calendar, record.Fields{record.EventTitle: ""}, "Start_DateTime mandatory, End_DateTime mandatory"},
		{"no title", record.Calendar, record.Fields{record.Start: ok[record.Start], record.End: ok[record.End]}, "Event_Title mandatory"},
		{"the end first", record.Calendar, meeting("m", "2026-03-10T11:00", "2026-03-10T10:00"), "End_DateTime bad_value"},
		{"the end first, all day", record.Calendar, meeting("m", "2026-03-10", "2026-03-09").With(record.Fields{record.AllDay: "true"}), "End_DateTime bad_value"},
		{"a zone that is none", record.Calendar, ok.With(record.Fields{record.TimeZone: "Mars/Base"}), "Time_Zone bad_value"},
		{"a rule that is none", record.Calendar, ok.With(record.Fields{record.Recurring: "FREQ=SOMETIMES"}), "Recurring_Activity bad_value"},
		{"a series that ends before it starts", record.Calendar, ok.With(record.Fields{record.Recurring: "FREQ=DAILY;UNTIL=20260309"}), "Recurring_Activity bad_value"},
		{"a reminder that is none", record.Calendar, ok.With(record.Fields{record.RemindAt: "-5"}), "Remind_At bad_value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			got, err := w.Insert(t.Context(), person(adele), c.kind, []crm.Draft{{Fields: c.given}, {Fields: good(c.kind)}})
			if err != nil {
				t.Fatal(err)
			}
			problems, _ := got[0].Err.(crm.Problems)
			var said string
			for i, p := range problems {
				if i > 0 {
					said += ", "
				}
				said += p.Field + " " + string(p.Reason)
			}
			if said != c.want {
				t.Errorf("%v\n got %s\nwant %s", c.given, said, c.want)
			}
			if !fault.Is(got[0].Err, fault.Invalid) {
				t.Errorf("kind %v, want invalid", fault.KindOf(got[0].Err))
			}
			if got[1].Err != nil || len(w.store.All()) != 1 {
				t.Errorf("the good record was stopped by the bad one: %v", got[1].Err)
			}
		})
	}
}

func good(kind record.Kind) record.Fields {
	if kind == record.Contacts {
		return contact("Good")
	}
	return meeting("", "2026-03-10T09:00", "2026-03-10T10:00")
}

func TestSync_OddValuesFromMicrosoftAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld()
	side := w.Side(crm.LinkSide{Org: contoso, User: adele, Kind: record.Contacts, Link: 1, Cap: 10})
	odd := record.Fields{
		record.LastName: "V", record.EmailField: "no address", record.PhoneField: "040/123", record.Salutation: "Dra.",
	}
	out, err := side.Apply(t.Context(), []record.Write{{Op: record.Create, Token: "t1", Fields: odd}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	for field, want := range odd {
		if got := out[0].Fields[field]; got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	// A person who sends the form back with the odd values untouched is not blamed for them.
	id, _ := record.ParseID(string(out[0].Ref))
	got, err := w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: id, Fields: odd.With(record.Fields{record.Title: "CEO"})}})
	if err != nil || got[0].Err != nil || got[0].Record.Fields[record.Title] != "CEO" {
		t.Errorf("update: %v, %v", err, got)
	}
}

func TestUpdateIsConditional(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Contacts, contact("One"))
	update := func(version int64, last string) crm.Result {
		t.Helper()
		got, err := w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{{ID: r.ID, Version: version, Fields: contact(last)}})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	if got := update(1, "Two"); got.Err != nil || got.Record.Version != 2 {
		t.Errorf("at its version: %+v", got)
	}
	if got := update(1, "Three"); !fault.Is(got.Err, fault.Conflict) {
		t.Errorf("at an old version: %v, want a conflict", got.Err)
	}
	before := w.store.Writes()
	if got := update(0, "Two"); got.Err != nil || w.store.Writes() != before {
		t.Errorf("what changes nothing wrote something (%v)", got.Err)
	}
	twice, err := w.Update(t.Context(), person(adele), record.Contacts, []crm.Draft{
		{ID: r.ID, Fields: contact("Four")}, {ID: r.ID, Fields: record.Fields{record.Title: "CEO"}}})
	if err != nil || twice[1].Err != nil || twice[1].Record.Fields[record.LastName] != "Four" || twice[1].Record.Fields[record.Title] != "CEO" {
		t.Errorf("twice in one call: %v, %v", err, twice)
	}
}

func TestForeignRecordsDoNotExist(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, who := range []record.ID{alex, stranger} {
		w := newWorld()
		r := w.insert(t, adele, record.Contacts, contact("Hers"))
		a := person(who)
		if _, err := w.Get(ctx, a, record.Contacts, r.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("get by %s: %v", who, err)
		}
		if list, err := w.List(ctx, a, record.Contacts, crm.Query{}); err != nil || len(list) > 0 {
			t.Errorf("list by %s: %v, %v", who, list, err)
		}
		if n, err := w.Count(ctx, a, record.Contacts, crm.Query{Owner: adele}); err != nil || n > 0 {
			t.Errorf("count by %s: %d, %v", who, n, err)
		}
		ids := []record.ID{r.ID}
		for name, do := range map[string]func() ([]crm.Result, error){
			"update": func() ([]crm.Result, error) {
				return w.Update(ctx, a, record.Contacts, []crm.Draft{{ID: r.ID, Fields: contact("Mine")}})
			},
			"delete":  func() ([]crm.Result, error) { return w.Delete(ctx, a, record.Contacts, []crm.Draft{{ID: r.ID}}) },
			"restore": func() ([]crm.Result, error) { return w.Restore(ctx, a, record.Contacts, ids) },
			"destroy": func() ([]crm.Result, error) { return w.Destroy(ctx, a, record.Contacts, ids) },
			"mass":    func() ([]crm.Result, error) { return w.MassUpdate(ctx, a, record.Contacts, ids, record.Title, "x") },
			"owner":   func() ([]crm.Result, error) { return w.ChangeOwner(ctx, a, record.Contacts, ids, who) },
		} {
			if got, err := do(); err != nil || !fault.Is(got[0].Err, fault.NotFound) {
				t.Errorf("%s by %s: %v, %v, want not found", name, who, got, err)
			}
		}
		if w.store.Writes() != 1 {
			t.Errorf("%s wrote to a foreign record", who)
		}
	}
}

func TestS21_S33_MassUpdateMarks(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insertFrom(t, adele, record.Contacts, record.Import, contact("Old").With(record.Fields{record.Title: "CEO"}))
	if r.Mark != crm.NoMark || r.Source != record.Import {
		t.Fatalf("a fresh import: %+v", r)
	}
	got, err := w.MassUpdate(t.Context(), person(adele), record.Contacts, []record.ID{r.ID}, record.Title, "CEO")
	if err != nil || got[0].Err != nil || got[0].Record.Mark != crm.MassMark || got[0].Record.Version != 2 {
		t.Errorf("a mass update, even to the same value, marks: %v, %+v", err, got)
	}
	for _, field := range []record.Field{record.EmailField, record.AccountName, record.Description, record.LastName, "Shoe_Size"} {
		if _, err := w.MassUpdate(t.Context(), person(adele), record.Contacts, nil, field, "x"); !fault.Is(err, fault.Invalid) {
			t.Errorf("mass update of %s: %v, want invalid", field, err)
		}
	}
	meek := person(adele)
	meek.MassUpdate = false
	if _, err := w.MassUpdate(t.Context(), meek, record.Contacts, nil, record.Title, "x"); !fault.Is(err, fault.Denied) {
		t.Errorf("without permission: %v", err)
	}
}

func TestOwnerIsAnActiveUser(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Contacts, contact("V"))
	for _, owner := range []record.ID{gone, stranger, 99} {
		got, err := w.ChangeOwner(t.Context(), person(adele), record.Contacts, []record.ID{r.ID}, owner)
		if err != nil || fault.ReasonOf(got[0].Err) != fault.BadValue || fault.As(got[0].Err).Field != "Owner" {
			t.Errorf("owner %s: %v, %v", owner, err, got)
		}
	}
	got, err := w.ChangeOwner(t.Context(), person(adele), record.Contacts, []record.ID{r.ID}, alex)
	if err != nil || got[0].Err != nil || got[0].Record.Owner != alex {
		t.Errorf("to alex: %v, %v", err, got)
	}
}

func TestRecycleBin(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ctx, me := t.Context(), person(adele)
	r := w.insert(t, adele, record.Contacts, contact("Binned"))
	if got, err := w.Delete(ctx, me, record.Contacts, []crm.Draft{{ID: r.ID}, {ID: 5}}); err != nil || got[0].Err != nil || !fault.Is(got[1].Err, fault.NotFound) {
		t.Fatal(err, got)
	}
	if _, err := w.Get(ctx, me, record.Contacts, r.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("get of a deleted record: %v", err)
	}
	if got, err := w.Update(ctx, me, record.Contacts, []crm.Draft{{ID: r.ID, Fields: contact("x")}}); err != nil || !fault.Is(got[0].Err, fault.NotFound) {
		t.Errorf("update of a deleted record: %v, %v", err, got)
	}
	if got, err := w.Restore(ctx, me, record.Contacts, []record.ID{r.ID}); err != nil || got[0].Err != nil || got[0].Record.Deleted() || !got[0].Record.RestoredAt.Equal(w.now) {
		t.Errorf("restore: %v, %v", err, got)
	}
	w.now = w.now.Add(time.Minute)
	if got, err := w.Restore(ctx, me, record.Contacts, []record.ID{r.ID}); err != nil || got[0].Err != nil || got[0].Record.RestoredAt.Equal(w.now) {
		t.Errorf("restore of what is not in the bin: %v, %v", err, got)
	}
	if _, err := w.Delete(ctx, me, record.Contacts, []crm.Draft{{ID: r.ID}}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(crm.BinAge - time.Minute)
	if n, err := w.Empty(ctx, contoso, record.Contacts); err != nil || n != 0 {
		t.Errorf("emptied %d before their time, %v", n, err)
	}
	w.now = w.now.Add(2 * time.Minute)
	if n, err := w.Empty(ctx, contoso, record.Contacts); err != nil || n != 1 {
		t.Errorf("emptied %d, %v, want 1", n, err)
	}
	stones, err := w.Deleted(ctx, me, record.Contacts, time.Time{}, 10, 0)
	if err != nil || len(stones) != 1 || !stones[0].Permanent || stones[0].ID != r.ID {
		t.Errorf("tombstones: %+v, %v", stones, err)
	}
	if stones, _ := w.Deleted(ctx, person(alex), record.Contacts, time.Time{}, 10, 0); len(stones) != 0 {
		t.Errorf("alex is told of Adele's deleted records: %v", stones)
	}
}

func TestSwitchingAllDayKeepsTheDay(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Calendar, meeting("m", "2026-03-10T22:30", "2026-03-10T23:30")) // next day in UTC
	step := func(allDay record.Value, start, end record.Value) {
		t.Helper()
		got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{record.AllDay: allDay}}})
		if err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
		if f := got[0].Record.Fields; f[record.Start] != start || f[record.End] != end {
			t.Errorf("all day %s: %s to %s, want %s to %s", allDay, f[record.Start], f[record.End], start, end)
		}
	}
	step("true", "2026-03-10", "2026-03-11")
	step("false", "2026-03-10T03:00:00Z", "2026-03-11T03:00:00Z")
}

func TestSpan(t *testing.T) {
	t.Parallel()
	base := record.Fields{record.TimeZone: "America/Sao_Paulo", record.Start: "2026-03-10T12:00:00Z", record.End: "2026-03-10T13:00:00Z"}
	for rule, want := range map[record.Value]string{
		"":                                 "2026-03-10 13",
		"FREQ=DAILY;COUNT=3":               "2026-03-12 13",
		"FREQ=WEEKLY;BYDAY=TU":             "9999-12-31 00",
		"FREQ=DAILY;UNTIL=20260315":        "2026-03-15 13",
		"FREQ=DAILY;INTERVAL=2;UNTIL=2026": "2026-03-10 13",
	} {
		from, to, ok := crm.Span(base.With(record.Fields{record.Recurring: rule}))
		if got := to.Format("2006-01-02 15"); !ok || from.Hour() != 12 || got != want {
			t.Errorf("%s: to %s, want %s (%v)", rule, got, want, ok)
		}
	}
}

func FuzzCheckIsTotalAndStable(f *testing.F) {
	f.Add("Vance", "a@b.example", "2026-03-10T09:00", "2026-03-10", "FREQ=DAILY", "2026-03-11", true)
	f.Add("\xff\x00", "@", "0000-00-00", "9999-12-31T23:59:59Z", "FREQ=YEARLY;COUNT=9", ",,", false)
	f.Fuzz(func(t *testing.T, text, address, start, end, rule, days string, allDay bool) {
		w := newWorld()
		given := record.Fields{
			record.EventTitle: record.Value(text), record.Start: record.Value(start), record.End: record.Value(end),
			record.Recurring: record.Value(rule), record.Excluded: record.Value(days), record.AllDay: record.Value(fmt.Sprint(allDay)),
		}
		for kind, fields := range map[record.Kind]record.Fields{
			record.Calendar: given,
			record.Contacts: {record.LastName: record.Value(text), record.EmailField: record.Value(address), record.Tag: record.Value(days)},
		} {
			got, err := w.Insert(t.Context(), person(adele), kind, []crm.Draft{{Fields: fields}})
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Err != nil {
				continue
			}
			before := w.store.Writes()
			again, err := w.Update(t.Context(), person(adele), kind, []crm.Draft{{ID: got[0].Record.ID, Fields: got[0].Record.Fields}})
			if err != nil || again[0].Err != nil || w.store.Writes() != before {
				t.Fatalf("the canonical form is not its own: %v\n%v\n%v", got[0].Record.Fields, again[0].Record.Fields, again[0].Err)
			}
		}
	})
}

func TestSyncMayBringWhatPeopleMayNotWrite(t *testing.T) {
	t.Parallel()
	ok := meeting("m", "2026-03-10T09:00", "2026-03-10T10:00")
	for name, f := range map[string]record.Fields{
		"a year before 1900":        meeting("m", "1604-03-10T09:00:00Z", "1604-03-10T10:00:00Z"),
		"a thousand times":          ok.With(record.Fields{record.Recurring: "FREQ=DAILY;COUNT=1000"}),
		"an end in a hundred years": ok.With(record.Fields{record.Recurring: "FREQ=YEARLY;UNTIL=21260311"}),
		"a rule of another day":     ok.With(record.Fields{record.Recurring: "FREQ=DAILY;DTSTART=2026-03-11"}),
	} {
		w := newWorld()
		got, err := w.Insert(t.Context(), person(adele), record.Calendar, []crm.Draft{{Fields: f}})
		if err != nil || !fault.Is(got[0].Err, fault.Invalid) {
			t.Errorf("%s, from a person: %v, %v", name, got[0].Err, err)
		}
		side := w.side(adele, record.Calendar, 10, false)
		out, err := side.Apply(t.Context(), []record.Write{{Op: record.Create, Fields: f, Token: "t"}})
		if err != nil || out[0].Err != nil {
			t.Fatalf("%s, from sync: %v, %v", name, out, err)
		}
		id, _ := record.ParseID(string(out[0].Ref))
		if got, err = w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: id, Fields: out[0].Fields.With(record.Fields{record.Venue: "Room 1"})}}); err != nil || got[0].Err != nil {
			t.Errorf("%s: nothing else of it can be changed: %v, %v", name, got, err)
		}
	}
}

func TestSyncKnowsOneReminderAndLosesNone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	two := crm.RemindersValue([]crm.Reminder{{Unit: 1, Period: "days", Time: "10.30"}, {Unit: 2, Period: "hours"}})
	r := w.insert(t, adele, record.Calendar, meeting("m", "2026-03-10T09:00", "2026-03-10T10:00").With(record.Fields{
		record.RemindAt: "15", record.FurtherReminders: two, record.MeetingVenue: "online",
		record.Participants: crm.PeopleValue([]crm.Participant{{Type: crm.UserTakesPart, ID: alex}}),
	}))
	side := w.side(adele, record.Calendar, 10, false)
	seen, err := side.Read(t.Context(), []record.Ref{r.ID.Ref()})
	if err != nil || len(seen) != 1 {
		t.Fatal(seen, err)
	}
	for _, d := range record.AllDefs(record.Calendar)[len(record.Defs(record.Calendar)):] {
		if d.Name == record.Participants || d.Name == record.Attendees { // as lines that people read, and back: see side_people.go
			continue
		}
		if v, told := seen[0].Fields[d.Name]; told {
			t.Errorf("sync is told %s: %q", d.Name, v)
		}
	}
	out, err := side.Apply(t.Context(), []record.Write{{Op: record.Update, Ref: r.ID.Ref(), Version: seen[0].Version, Fields: record.Fields{record.RemindAt: "30"}}})
	if err != nil || out[0].Err != nil {
		t.Fatal(out, err)
	}
	now, err := w.Get(t.Context(), person(adele), record.Calendar, r.ID)
	if err != nil || now.Fields[record.RemindAt] != "30" || now.Fields[record.FurtherReminders] != two ||
		now.Fields[record.MeetingVenue] != "Online" || now.Fields[record.Participants] == "" {
		t.Errorf("after Outlook's change: %v, %v", now.Fields, err)
	}
}
