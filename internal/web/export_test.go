package web

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"
	"pgregory.net/rapid"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/intake"
	"tandem/internal/record"
)

func exportKeys() (out []string) {
	for kind, formats := range exportFormats {
		out = append(out, "export.note."+string(kind))
		for _, f := range formats {
			out = append(out, "export.format."+f.name, "export.format."+f.name+"_text")
		}
	}
	return append(out, "export.columns.all", "export.columns.list", "export.separator.comma", "export.separator.semicolon")
}

// export asks for the file of the records that a query means.
func (b *browser) export(query string, pairs ...string) answer {
	b.w.t.Helper()
	return b.post("/export", append([]string{"query", query}, pairs...)...)
}

// table reads an exported CSV.
func (a answer) table(t testing.TB, comma rune) (rows []map[string]string) {
	t.Helper()
	text, ok := strings.CutPrefix(a.body, "\ufeff")
	if !ok {
		t.Fatalf("%d, no mark of UTF-8:\n%.300s", a.status, a.body)
	}
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = comma
	all, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, c := range cells {
			row[all[0][i]] = c
		}
		rows = append(rows, row)
	}
	return rows
}

// taken brings a file as a person's own, and tells what its records are like.
func (w *world) taken(b *browser, upn string, kind record.Kind, name, file string) (out []record.Fields) {
	w.t.Helper()
	return w.takenAs(intake.Create, b, upn, kind, name, file)
}

// takenAs says what becomes of what is there already.
func (w *world) takenAs(duplicates intake.Duplicates, b *browser, upn string, kind record.Kind, name, file string) (out []record.Fields) {
	w.t.Helper()
	got := b.uploadImport(kind, name, file)
	id := got.path[strings.LastIndex(got.path, "/")+1:]
	i, err := w.site.Imports.Import(context.Background(), w.users[upn].Org, id)
	if err != nil {
		w.t.Fatalf("%s is refused (%d): %q\n%s", name, got.status, file, got.text())
	}
	i.Settings.Duplicates = duplicates
	w.must(w.site.Imports.Begin(context.Background(), i))
	i, err = w.site.Imports.Import(context.Background(), i.Org, i.ID)
	w.must(err)
	if i.Counts.Failed > 0 || i.Counts.Skipped > 0 {
		lines, err := w.site.Imports.FailedLines(context.Background(), i.Org, i.ID, 0, 5)
		w.t.Fatalf("of %s: %+v, %+v, %v\n%s", name, i.Counts, lines, err, file)
	}
	return w.own(upn, kind)
}

// own are the fields of a person's records, without what is empty.
func (w *world) own(upn string, kind record.Kind) (out []record.Fields) {
	w.t.Helper()
	a := w.actor(upn)
	found, err := w.crm.List(context.Background(), a, kind, crm.Query{Owner: a.User, Limit: 5000})
	w.must(err)
	for _, r := range found {
		maps.DeleteFunc(r.Fields, func(name record.Field, v record.Value) bool {
			return v == "" || v == "false" || name == record.TimeZone && v == "UTC"
		})
		out = append(out, r.Fields)
	}
	slices.SortFunc(out, func(a, b record.Fields) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}

// clear destroys a person's records.
func (w *world) clear(upn string, kind record.Kind) {
	w.t.Helper()
	a := w.actor(upn)
	ids, err := w.crm.IDs(context.Background(), a, kind, crm.Query{Owner: a.User})
	w.must(err)
	var drafts []crm.Draft
	for _, id := range ids {
		drafts = append(drafts, crm.Draft{ID: id})
	}
	_, err = w.crm.Delete(context.Background(), a, kind, drafts)
	w.must(err)
}

func sameRecords(t interface{ Fatalf(string, ...any) }, what, file string, got, want []record.Fields) {
	if len(got) != len(want) {
		t.Fatalf("%s: %d records came back of %d:\n%s", what, len(got), len(want), file)
	}
	for i := range got {
		for _, name := range slices.Sorted(maps.Keys(got[i].With(want[i]))) {
			if got[i][name] != want[i][name] {
				t.Fatalf("%s: %s is %q, was %q:\n%s", what, name, got[i][name], want[i][name], file)
			}
		}
	}
}

// A file is one way of writing records, and how it is asked for.
type fileForm struct {
	name, lang string
	fields     []string
}

var contactFiles = []fileForm{
	{"contacts.csv", "en", []string{"format", "csv", "separator", "comma"}},
	{"contacts.csv", "pt-BR", []string{"format", "csv", "separator", "semicolon"}},
	{"contacts.vcf", "en", []string{"format", "vcard3"}},
	{"contacts.vcf", "pt-BR", []string{"format", "vcard4"}},
}

var eventFiles = []fileForm{
	{"events.csv", "en", []string{"format", "csv", "separator", "comma"}},
	{"events.csv", "pt-BR", []string{"format", "csv", "separator", "semicolon"}},
	{"events.ics", "en", []string{"format", "ics"}},
}

// nasty is a text as people and programs write it, on one line or several.
func nasty(lines bool) *rapid.Generator[string] {
	pieces := []string{"Ana", "São Paulo", "=1+1", "+55", "-", "@", "'", "\"", ",", ";", "\\", "\\n", ":", " ", "  ", "1,234", "é", "名前", "😀", "a;b,c", "BEGIN:VCARD", "x\u0301", "＝", "TRUE", "{}", "#", "<b>"}
	if lines {
		pieces = append(pieces, "\n", "\n\n", "\t", " \n ")
	}
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 6).Draw(t, "pieces"), "")
	})
}

func anyValue(t *rapid.T, d record.Def) record.Value {
	pick := func(values ...string) record.Value {
		return record.Value(rapid.SampledFrom(append(values, "")).Draw(t, string(d.Name)))
	}
	switch d.Type {
	case record.Email:
		return pick("ana@fabrica.example", "o'neil+x@sub.fabrica.example", "j.doe@fabrica.xn--p1ai", "-x@fabrica.example")
	case record.Phone:
		return pick("+55 11 91234-5678", "(11) 3333-4444", "1-800-FLOWERS", "-1", "12345 ext. 6, 7;8")
	case record.URL:
		return pick("https://fabrica.example/?a=1,2;b", "fabrica.example")
	case record.Picklist:
		return pick(d.Values...)
	case record.Bool:
		return pick("true", "false")
	case record.Date:
		return pick("1990-12-31", "2024-02-29", "0999-01-02")
	case record.Number:
		return pick("1.234", "-12.5", "0.001", "1234567", "-0.25", "999.999")
	case record.Minutes:
		return pick("0", "15", "1440")
	case record.Tags:
		return pick("vip", "a, b\nc;d", "\"q\"\nx", "'=x", "+1\n-1", "a\nb\nc")
	case record.LongText:
		return record.Value(nasty(true).Draw(t, string(d.Name)))
	}
	return record.Value(nasty(false).Draw(t, string(d.Name)))
}

// What is exported comes back by an import as it was, whatever is in it, by every form of file.
func TestExport_ContactsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.everyField()
	w.user(w.org, "grady@contoso.example", account.Standard)
	schema, err := w.crm.Schema(t.Context(), w.org.ID, record.Contacts)
	w.must(err)
	b, takes := w.as("adele@contoso.example"), w.as("grady@contoso.example")
	rapid.Check(t, func(rt *rapid.T) {
		w.clear("adele@contoso.example", record.Contacts)
		w.clear("grady@contoso.example", record.Contacts)
		for range rapid.IntRange(1, 3).Draw(rt, "contacts") {
			f := record.Fields{record.LastName: "Souza"}
			for _, d := range schema.Defs() {
				if d.Type == record.Image || rapid.Bool().Draw(rt, "without") {
					continue
				}
				v := anyValue(rt, d)
				if d.Max > 0 && len([]rune(v)) > d.Max || d.Name == record.LastName && strings.TrimSpace(string(v)) == "" {
					continue
				}
				f[d.Name] = v
			}
			w.contact("adele@contoso.example", f)
		}
		file := rapid.SampledFrom(contactFiles).Draw(rt, "file")
		b.post("/language", "lang", file.lang)
		takes.post("/language", "lang", file.lang)
		got := b.export("kind=contacts&owner=mine", file.fields...)
		if got.status != http.StatusOK {
			rt.Fatalf("%d: %s", got.status, got.text())
		}
		sameRecords(rt, fmt.Sprint(file), got.body, w.taken(takes, "grady@contoso.example", record.Contacts, file.name, got.body), w.own("adele@contoso.example", record.Contacts))
	})
}

func TestExport_EventsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user(w.org, "grady@contoso.example", account.Standard)
	b, takes := w.as("adele@contoso.example"), w.as("grady@contoso.example")
	rapid.Check(t, func(rt *rapid.T) {
		w.clear("adele@contoso.example", record.Calendar)
		w.clear("grady@contoso.example", record.Calendar)
		pick := func(name string, values ...string) record.Value {
			return record.Value(rapid.SampledFrom(values).Draw(rt, name))
		}
		for range rapid.IntRange(1, 3).Draw(rt, "events") {
			f := record.Fields{record.EventTitle: record.Value(nasty(false).Draw(rt, "title"))}
			for _, name := range []record.Field{record.Venue, record.Description, record.RemindAt, record.ShowAs, record.Sensitivity, record.Importance, record.Tag} {
				if d, _ := record.DefOf(record.Calendar, name); rapid.Bool().Draw(rt, "with") {
					f[name] = anyValue(rt, d)
				}
			}
			if rapid.Bool().Draw(rt, "all day") {
				f[record.AllDay], f[record.Start], f[record.End] = "true", "2026-11-24", pick("last", "2026-11-24", "2026-11-27")
			} else {
				f[record.Start] = pick("start", "2026-11-24T09:00:00", "2026-11-01T01:30:00", "2026-11-01T06:30:00Z", "1999-01-05T23:59:59", "2030-03-31T12:00:00Z")
				start := f[record.Start]
				f[record.End] = map[record.Value]record.Value{"2026-11-24T09:00:00": "2026-11-24T18:45:00", "2026-11-01T01:30:00": "2026-11-02T01:30:00", "2026-11-01T06:30:00Z": "2026-11-01T07:30:00Z",
					"1999-01-05T23:59:59": "1999-01-07T00:00:00", "2030-03-31T12:00:00Z": "2030-03-31T12:00:00Z"}[start]
				f[record.TimeZone] = pick("zone", "America/Sao_Paulo", "America/New_York", "Europe/Lisbon", "Asia/Kolkata", "UTC", "Africa/Casablanca")
				if rapid.Bool().Draw(rt, "end elsewhere") && start == "2026-11-24T09:00:00" {
					f[record.EndTimeZone] = "Europe/Lisbon"
				}
			}
			if strings.HasPrefix(string(f[record.Start]), "2026-11-24") && rapid.Bool().Draw(rt, "series") {
				f[record.Recurring] = pick("rule", "FREQ=WEEKLY;BYDAY=TU;COUNT=10", "FREQ=DAILY;UNTIL=20261231", "FREQ=MONTHLY;BYDAY=-1TU", "FREQ=YEARLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;UNTIL=20270601")
				f[record.Excluded] = pick("without", "", "2026-12-22")
				if f[record.Recurring] != "FREQ=MONTHLY;BYDAY=-1TU" && f[record.Recurring] != "FREQ=YEARLY" {
					f[record.Changed] = pick("changed", "", `{"2026-12-08":{"Venue":"Sala 9; 10,"}}`, `{"2026-12-08":{"Description":"a\nb","Event_Title":"=1+1"}}`)
				}
			}
			if _, err := one(w.crm.Insert(context.Background(), w.actor("adele@contoso.example"), record.Calendar, []crm.Draft{{Fields: f}})); err != nil {
				rt.Fatalf("%v: %v", f, err)
			}
		}
		file := rapid.SampledFrom(eventFiles).Draw(rt, "file")
		b.post("/language", "lang", file.lang)
		takes.post("/language", "lang", file.lang)
		got := b.export("kind=calendar&owner=mine", file.fields...)
		if got.status != http.StatusOK {
			rt.Fatalf("%d: %s", got.status, got.text())
		}
		sameRecords(rt, fmt.Sprint(file), got.body, w.taken(takes, "grady@contoso.example", record.Calendar, file.name, got.body), w.own("adele@contoso.example", record.Calendar))
	})
}

// A series may begin in the second of the hours that the clocks show twice, when summer time ends: it begins in that one again.
func TestExport_ASeriesFromTheHourThatComesTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user(w.org, "grady@contoso.example", account.Standard)
	b, takes := w.as("adele@contoso.example"), w.as("grady@contoso.example")
	for _, f := range []record.Fields{
		{record.Start: "2026-11-01T06:30:00Z", record.End: "2026-11-01T07:30:00Z", record.TimeZone: "America/New_York"},  // the second
		{record.Start: "2026-11-01T05:30:00Z", record.End: "2026-11-01T06:30:00Z", record.TimeZone: "America/New_York"},  // the first, to the second
		{record.Start: "2018-02-18T02:30:00Z", record.End: "2018-02-18T03:30:00Z", record.TimeZone: "America/Sao_Paulo"}, // the second, on Saturday night
		{record.Start: "2026-11-01T06:30:00Z", record.End: "2026-11-01T15:00:00Z", record.TimeZone: "America/New_York", record.EndTimeZone: "Europe/Lisbon"},
		{record.Start: "2026-11-01T06:30:00Z", record.End: "2026-11-01T06:30:00Z", record.TimeZone: "America/New_York"},
	} {
		f[record.EventTitle], f[record.Recurring] = "Plantão", "FREQ=WEEKLY;COUNT=5"
		if _, err := one(w.crm.Insert(context.Background(), w.actor("adele@contoso.example"), record.Calendar, []crm.Draft{{Fields: f}})); err != nil {
			t.Fatalf("%v: %v", f, err)
		}
	}
	for _, file := range eventFiles {
		w.clear("grady@contoso.example", record.Calendar)
		b.post("/language", "lang", file.lang)
		takes.post("/language", "lang", file.lang)
		got := b.export("kind=calendar&owner=mine", file.fields...)
		if got.status != http.StatusOK {
			t.Fatalf("%d: %s", got.status, got.text())
		}
		sameRecords(t, fmt.Sprint(file), got.body, w.taken(takes, "grady@contoso.example", record.Calendar, file.name, got.body), w.own("adele@contoso.example", record.Calendar))
	}
}

// Who takes part comes back from a calendar file by name and address, whoever that was in the CRM; taken in once more as an update, the
// file leaves alone who takes part by then. Nobody is invited by either.
func TestExport_WhoTakesPartComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user(w.org, "grady@contoso.example", account.Standard)
	b, takes := w.as("adele@contoso.example"), w.as("grady@contoso.example")
	adele := w.actor("adele@contoso.example")
	ana, err := one(w.crm.Insert(context.Background(), adele, record.Contacts, []crm.Draft{{Fields: record.Fields{record.FirstName: "Ana", record.LastName: "Souza, Lima", record.EmailField: "ana@fabrica.example"}}}))
	if err != nil {
		t.Fatal(err)
	}
	grady := w.actor("grady@contoso.example")
	people := crm.PeopleValue([]crm.Participant{
		{Type: crm.ContactTakesPart, ID: ana.ID}, {Type: crm.UserTakesPart, ID: grady.User}, {Type: crm.EmailTakesPart, Email: "rita@fabrica.example", Name: "Rita; Vendas"}, {Type: crm.EmailTakesPart, Email: "so@fabrica.example"},
	})
	made, err := one(w.crm.Insert(context.Background(), adele, record.Calendar, []crm.Draft{{Fields: record.Fields{
		record.EventTitle: "Visita", record.Start: "2026-11-24T12:00:00Z", record.End: "2026-11-24T13:00:00Z", record.TimeZone: "America/Sao_Paulo", record.Participants: people, record.Description: "Sala 9",
	}}}))
	if err != nil {
		t.Fatal(err)
	}
	file := b.export("kind=calendar&owner=mine", "format", "ics")
	if file.status != http.StatusOK || strings.Contains(file.text(), "ATTENDEE") {
		t.Fatalf("%d: %s", file.status, file.text())
	}
	got := w.taken(takes, "grady@contoso.example", record.Calendar, "events.ics", file.body)
	if len(got) != 1 {
		t.Fatalf("%d events came back:\n%s", len(got), file.body)
	}
	var told []string
	for _, p := range crm.Participants(got[0][record.Participants]) {
		told = append(told, p.Type+" "+p.Name+" <"+p.Email+">")
	}
	if want := []string{"email Ana Souza, Lima <ana@fabrica.example>", "email Grady Archie <grady@contoso.example>", "email Rita; Vendas <rita@fabrica.example>", "email  <so@fabrica.example>"}; !slices.EqualFunc(told, want, strings.EqualFold) {
		t.Errorf("who takes part is\n%q, want\n%q", told, want)
	}
	if got[0][record.Description] != "Sala 9" {
		t.Errorf("the description is %q", got[0][record.Description])
	}
	if again := w.takenAs(intake.Update, b, "adele@contoso.example", record.Calendar, "events.ics", file.body); len(again) != 1 || again[0][record.Participants] != people {
		t.Errorf("as an update of event %d: %v", made.ID, again)
	}
}

// Real files: imported, exported, imported again, they are the same.
func TestExport_RealFilesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("there are no real files in %s", dir)
	}
	for _, of := range []struct {
		kind  record.Kind
		files string
		forms []fileForm
	}{{record.Contacts, "contacts/*.vcf", contactFiles}, {record.Calendar, "calendars/*.ics", eventFiles}} {
		t.Run(string(of.kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.user(w.org, "grady@contoso.example", account.Standard)
			paths, err := filepath.Glob(filepath.Join(dir, of.files))
			w.must(err)
			for _, path := range paths {
				raw, err := os.ReadFile(path)
				w.must(err)
				i, err := w.site.Imports.Receive(t.Context(), w.org.ID, w.users["adele@contoso.example"].ID, of.kind, filepath.Base(path), "America/Sao_Paulo", true, strings.NewReader(string(raw)), nil)
				if err != nil {
					continue // a file without events, or none at all: importfile says why
				}
				i.Settings.Duplicates = intake.Create
				w.must(w.site.Imports.Begin(t.Context(), i))
			}
			before := w.own("adele@contoso.example", of.kind)
			if len(before) < 9 {
				t.Fatalf("only %d records", len(before))
			}
			b, takes := w.as("adele@contoso.example"), w.as("grady@contoso.example")
			for _, form := range of.forms {
				w.clear("grady@contoso.example", of.kind)
				b.post("/language", "lang", form.lang)
				takes.post("/language", "lang", form.lang)
				got := b.export("owner=mine&kind="+string(of.kind), form.fields...)
				want := before
				if form.name == "events.csv" { // a table has no column for who takes part
					want = slices.Clone(before)
					for i := range want {
						want[i] = want[i].Clone()
						delete(want[i], record.Participants)
					}
					slices.SortFunc(want, func(a, b record.Fields) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
				}
				sameRecords(t, fmt.Sprint(form), fmt.Sprint(len(got.body)), w.taken(takes, "grady@contoso.example", of.kind, form.name, got.body), want)
			}
		})
	}
}

// A file that is brought back where it comes from doubles nothing: what is in it is known, whatever was changed in the file.
func TestExport_NothingIsDoubledByBringingItBack(t *testing.T) {
	t.Parallel()
	const adele = "adele@contoso.example"
	w := newWorld(t)
	zone := record.Fields{record.TimeZone: "America/New_York", record.Start: "2026-10-20T09:00", record.End: "2026-10-20T10:00"}
	w.contact(adele, record.Fields{record.LastName: "Braga", record.Tag: "a, b\nc"}) // without an address
	w.contact(adele, record.Fields{record.LastName: "Costa", record.EmailField: "costa@fabrica.example", record.OtherPhone: "+55 11 3333-4444"})
	w.event(adele, zone.With(record.Fields{record.EventTitle: "Rodada", record.ShowAs: "oof", record.Recurring: "FREQ=WEEKLY;COUNT=9", record.Excluded: "2026-11-10",
		record.Changed: `{"2026-11-03":{"Venue":"Sala 9"}}`}))
	w.event(adele, zone.With(record.Fields{record.EventTitle: "Feira"}))
	b := w.as(adele)
	for _, form := range slices.Concat(contactFiles, eventFiles) {
		kind := record.Contacts
		if strings.HasPrefix(form.name, "events") {
			kind = record.Calendar
		}
		b.post("/language", "lang", form.lang)
		file := b.export("owner=mine&kind="+string(kind), form.fields...).body
		before := w.own(adele, kind)
		bring := func(file string, how intake.Duplicates) intake.Counts {
			t.Helper()
			at := b.uploadImport(kind, form.name, file).path
			i, err := w.site.Imports.Import(t.Context(), w.org.ID, at[strings.LastIndex(at, "/")+1:])
			w.must(err)
			i.Settings.Duplicates = how
			w.must(w.site.Imports.Begin(t.Context(), i))
			i, err = w.site.Imports.Import(t.Context(), i.Org, i.ID)
			w.must(err)
			return i.Counts
		}
		if c := bring(file, intake.Skip); c.Skipped != 2 || c.Created+c.Failed > 0 {
			t.Errorf("%v: skipping comes to %+v", form, c)
		}
		if c := bring(file, intake.Update); c.Same != 2 || c.Created+c.Updated+c.Failed > 0 {
			t.Errorf("%v: updating comes to %+v", form, c)
		}
		sameRecords(t, fmt.Sprint(form), file, w.own(adele, kind), before)
		edited := strings.NewReplacer("Braga", "Lima", "Feira", "Festa").Replace(file)
		if c := bring(edited, intake.Update); c.Updated != 1 || c.Same != 1 || c.Created+c.Failed > 0 {
			t.Errorf("%v: with an edit it comes to %+v", form, c)
		}
		if c := bring(file, intake.Update); c.Updated != 1 {
			t.Errorf("%v: back again it comes to %+v", form, c)
		}
		sameRecords(t, fmt.Sprint(form), file, w.own(adele, kind), before)
	}
}

// What a person does not see is in no file, and what others keep private is told as on pages.
func TestExport_HasWhatThePersonSees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone := record.Fields{record.TimeZone: "America/Sao_Paulo", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00"}
	w.contact("admin@contoso.example", record.Fields{record.LastName: "Almeida"})
	w.contact("adele@contoso.example", record.Fields{record.LastName: "Braga"})
	w.contact("admin@fabrikam.example", record.Fields{record.LastName: "Foreign"})
	w.bin("admin@contoso.example", "Velha")
	who := w.contact("adele@contoso.example", record.Fields{record.LastName: "Costa", record.EmailField: "costa@fabrica.example"})
	w.event("adele@contoso.example", zone.With(record.Fields{record.EventTitle: "Hidden", record.Venue: "Sala 9", record.Sensitivity: "private", record.RemindAt: "15"}))
	w.event("adele@contoso.example", zone.With(record.Fields{record.EventTitle: "Open", record.WhoID: record.Value(who.ID.String()),
		record.Participants: crm.PeopleValue([]crm.Participant{{Type: crm.ContactTakesPart, ID: who.ID}, {Type: crm.EmailTakesPart, Email: "rita@fabrica.example"}})}))
	w.event("admin@fabrikam.example", zone.With(record.Fields{record.EventTitle: "Foreign"}))
	names := func(rows []map[string]string) (out []string) {
		for _, r := range rows {
			out = append(out, r["Last name"])
		}
		return out
	}
	admin, adele := w.as("admin@contoso.example"), w.as("adele@contoso.example")
	if got := names(admin.export("kind=contacts", "format", "csv").table(t, ',')); !slices.Equal(got, []string{"Almeida", "Braga", "Costa"}) {
		t.Errorf("the administrator's file has %q", got)
	}
	if got := names(adele.export("kind=contacts", "format", "csv").table(t, ',')); !slices.Equal(got, []string{"Braga", "Costa"}) {
		t.Errorf("the file of who sees her own has %q", got)
	}
	if got := names(admin.export("kind=contacts&f=Last_Name&o=begins&v=b&sort=name&dir=desc", "format", "csv").table(t, ',')); !slices.Equal(got, []string{"Braga"}) {
		t.Errorf("filtered, the file has %q", got)
	}
	rows := admin.export("kind=calendar&owner=all", "format", "csv").table(t, ',')
	if len(rows) != 2 || rows[0]["Title"] != "Private event" && rows[1]["Title"] != "Private event" {
		t.Fatalf("events: %v", rows)
	}
	for _, r := range rows {
		if r["Title"] == "Open" && (r["Related contact"] != "Costa" || r["Who takes part"] != "Costa <costa@fabrica.example>; rita@fabrica.example") {
			t.Errorf("%v", r)
		}
	}
	list := admin.export("kind=calendar&owner=all", "format", "csv", "columns", "list")
	if want := "\ufeffTitle,Start,End,All day,Time zone,Related contact,Place,Owner,Outlook\r\n"; !strings.HasPrefix(list.body, want) ||
		!strings.Contains(list.body, "Open,2026-11-25 10:00,2026-11-25 11:00,false,America/Sao_Paulo,Costa,,Adele Vance,Not") {
		t.Errorf("the columns of the list:\n%s", list.body)
	}
	ics := admin.export("kind=calendar&owner=all", "format", "ics")
	for _, never := range []string{"Hidden", "Sala 9", "Foreign", "ATTENDEE", "ORGANIZER", "METHOD", "VALARM"} {
		if strings.Contains(ics.body, never) {
			t.Errorf("the calendar has %s:\n%s", never, ics.body)
		}
	}
	for _, always := range []string{"SUMMARY:Private event\r\n", "CONTACT:Costa <costa@fabrica.example>\r\n", "BEGIN:VTIMEZONE\r\n"} {
		if !strings.Contains(ics.body, always) {
			t.Errorf("the calendar lacks %q:\n%s", always, ics.body)
		}
	}
	if got := adele.export("kind=calendar&owner=all", "format", "ics"); !strings.Contains(got.body, "Hidden") || !strings.Contains(got.body, "TRIGGER:-PT15M") {
		t.Errorf("her own:\n%s", got.body)
	}
	if got := admin.export("kind=calendar&owner=all&from=2026-11-26", "format", "ics"); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.text(), "nothing to export") {
		t.Errorf("nothing to export: %d", got.status)
	}
}

// An export is allowed by the profile, noted before it leaves, and kept by nobody on the way.
func TestExport_IsAllowedAndNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact("adele@contoso.example", record.Fields{record.LastName: "Braga", record.FirstName: "=1+1", record.Mobile: "+55 11 91234-5678"})
	b := w.as("adele@contoso.example")
	list := b.get("/contacts")
	if !strings.Contains(list.body, `id="export-list" href="/export?kind=contacts&amp;owner=all"`) {
		t.Error("the list leads to no export")
	}
	page := b.get("/export?kind=contacts")
	if page.status != http.StatusOK || !strings.Contains(page.text(), "1 contact") || !strings.Contains(page.body, `id="export-form"`) {
		t.Fatalf("%d:\n%s", page.status, page.text())
	}
	got := b.export("kind=contacts", "format", "csv", "columns", "list")
	if h := got.header; h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "text/csv; charset=utf-8" ||
		h.Get("Content-Disposition") != `attachment; filename="tandem-contacts-`+w.now().In(w.zoneOf("adele@contoso.example")).Format(dayLayout)+`.csv"` {
		t.Errorf("headers %v", h)
	}
	if !strings.Contains(got.body, "\r\n'=1+1,Braga,,'+55 11 91234-5678,") {
		t.Errorf("formulas are not taken the sting out of:\n%s", got.body)
	}
	entries, err := w.store.Accounts().Audit(t.Context(), w.org.ID, 0, 10)
	w.must(err)
	if e := entries[0]; e.Action != account.RecordsExported || e.Actor != w.users["adele@contoso.example"].ID || e.Detail["count"] != "1" || e.Detail["kind"] != "contacts" {
		t.Errorf("the audit trail says %+v", e)
	}
	for _, bad := range []url.Values{{"format": {"exe"}}, {"format": {""}}} {
		if got := b.export("kind=contacts", "format", bad.Get("format")); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", bad, got.status)
		}
	}
	w.profile("adele@contoso.example", func(p *account.Permissions) { p.Export = false })
	for path, got := range map[string]answer{"GET": b.get("/export"), "POST": b.export("kind=contacts", "format", "csv")} {
		if got.status != http.StatusForbidden {
			t.Errorf("%s without the permission: %d", path, got.status)
		}
	}
	if strings.Contains(b.get("/contacts").body, "/export") || strings.Contains(b.get("/calendar").body, "/export") {
		t.Error("who may not export is led there")
	}
}

// A changed occurrence is a component of its own, at the time that the rule gave it, and programs that read the file see the
// series as it is.
func TestExport_SeriesHaveTheirChangedOccurrences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.event("adele@contoso.example", record.Fields{record.EventTitle: "Rodada", record.TimeZone: "America/New_York", record.Start: "2026-10-20T09:00", record.End: "2026-10-20T10:00",
		record.Recurring: "FREQ=WEEKLY;UNTIL=20261201", record.Excluded: "2026-11-10",
		record.Changed: `{"2026-11-03":{"Venue":"Sala 9"},"2026-11-17":{"Start_DateTime":"2026-11-18T15:00:00Z","End_DateTime":"2026-11-18T16:00:00Z"}}`})
	w.event("adele@contoso.example", record.Fields{record.EventTitle: "Feira", record.AllDay: "true", record.Start: "2026-11-24", record.End: "2026-11-26",
		record.Recurring: "FREQ=DAILY;UNTIL=20261130", record.Excluded: "2026-11-27", record.Changed: `{"2026-11-28":{"Event_Title":"Última"}}`})
	got := w.as("adele@contoso.example").export("kind=calendar", "format", "ics")
	for _, line := range strings.Split(got.body, "\r\n") {
		if len(line) > 75 {
			t.Errorf("a line of %d octets: %s", len(line), line)
		}
	}
	calendar, err := ical.NewDecoder(strings.NewReader(got.body)).Decode()
	w.must(err)
	var said []string
	for _, c := range calendar.Children {
		if c.Name == ical.CompTimezone {
			continue
		}
		var of []string
		for _, name := range []string{"SUMMARY", "DTSTART", "DTEND", "RRULE", "EXDATE", "RECURRENCE-ID", "LOCATION"} {
			if p := c.Props.Get(name); p != nil {
				of = append(of, strings.Trim(fmt.Sprint(name, "=", p.Value, " ", p.Params.Get("TZID")), " "))
			}
		}
		said = append(said, strings.Join(of, "; "))
	}
	want := []string{
		"SUMMARY=Rodada; DTSTART=20261020T090000 America/New_York; DTEND=20261020T100000 America/New_York; RRULE=FREQ=WEEKLY;BYDAY=TU;UNTIL=20261201T140000Z; EXDATE=20261110T090000 America/New_York",
		"SUMMARY=Rodada; DTSTART=20261103T090000 America/New_York; DTEND=20261103T100000 America/New_York; RECURRENCE-ID=20261103T090000 America/New_York; LOCATION=Sala 9",
		"SUMMARY=Rodada; DTSTART=20261118T100000 America/New_York; DTEND=20261118T110000 America/New_York; RECURRENCE-ID=20261117T090000 America/New_York",
		"SUMMARY=Feira; DTSTART=20261124; DTEND=20261126; RRULE=FREQ=DAILY;UNTIL=20261130; EXDATE=20261127",
		"SUMMARY=Última; DTSTART=20261128; DTEND=20261130; RECURRENCE-ID=20261128",
	}
	if !slices.Equal(said, want) {
		t.Errorf("the calendar says\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
}

// zoneOf is the zone in which a person's pages are.
func (w *world) zoneOf(upn string) *time.Location {
	w.t.Helper()
	loc, err := time.LoadLocation(cmp.Or(w.users[upn].Zone, w.org.Zone))
	w.must(err)
	return loc
}
