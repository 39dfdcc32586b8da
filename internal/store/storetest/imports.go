package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// desk is a desk on the database whose imports are called one, two, three …
func (w *world) desk(s intake.Store) (*intake.Desk, *crm.CRM) {
	c := crm.New(w.Records(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, w.clock.Now)
	n := 0
	return &intake.Desk{Store: s, Records: c, Now: w.clock.Now,
		NewID: func() string { n++; return fmt.Sprint("import-", n) },
		Actor: func(_ context.Context, org, user record.ID) (crm.Actor, error) {
			return crm.Actor{Author: crm.Author{Org: org, User: user}, Zone: "America/Sao_Paulo", Contacts: record.OwnOnly, Events: record.OwnOnly}, nil
		}}, c
}

// bring receives a file and starts it, with what the test says of it.
func bring(t *testing.T, d *intake.Desk, org, user record.ID, kind record.Kind, name, file string, ways intake.Duplicates) intake.Import {
	t.Helper()
	i := must(d.Receive(t.Context(), org, user, kind, name, "America/Sao_Paulo", true, strings.NewReader(file), nil))(t)
	i.Settings.Duplicates = ways
	ok(t, d.Choose(t.Context(), i))
	ok(t, d.Start(t.Context(), i))
	return i
}

// people are rows of a table of contacts.
func people(from, to int) string {
	var b strings.Builder
	b.WriteString("Nome;Sobrenome;E-mail;Cidade;Nascimento\n")
	for n := from; n <= to; n++ {
		fmt.Fprintf(&b, "Ana;Silva %d;ana%d@example.com;São Paulo;31/12/1990\n", n, n)
	}
	return b.String()
}

func (w *world) contactsOf(user record.ID, deleted bool) map[string]crm.Record {
	w.t.Helper()
	out := map[string]crm.Record{}
	for _, r := range must(w.Records().Records(w.t.Context(), w.by(user).Org, record.Contacts, crm.Query{Owner: user, Deleted: deleted}))(w.t) {
		out[string(r.Fields[record.LastName])] = r
	}
	return out
}

func testImport(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Imports()
	d, _ := w.desk(s)
	i := bring(t, d, w.ours, w.ana, record.Contacts, "pessoas.csv", people(1, 600)+"Bia;;not an address;;\n;;;;\nCaio;Souza;caio@example.com;;31/02/1990\n", intake.Skip)
	ok(t, d.Work(ctx, w.ours, i.ID))
	i = must(s.Import(ctx, w.ours, i.ID))(t)
	if i.State != intake.Done || i.Rows != 602 || i.At != 602 || i.Counts.Created != 601 || i.Counts.Failed != 1 || i.Counts.Notes["kept_form"] != 1 {
		t.Fatalf("%+v", i)
	}
	found := w.contactsOf(w.ana, false)
	if r := found["Silva 600"]; len(found) != 601 || found["Bia"].Fields[record.EmailField] != "not an address" || r.Source != record.Import || r.Fields[record.DateOfBirth] != "1990-12-31" || r.Fields[record.MailingCity] != "São Paulo" || r.Owner != w.ana {
		t.Errorf("%d contacts, the last %+v", len(found), r)
	}
	failed := must(s.FailedLines(ctx, w.ours, i.ID, 0, 10))(t)
	if len(failed) != 1 || failed[0].Row != 604 || failed[0].Cells[0] != "Caio" || !reflect.DeepEqual(failed[0].Whys, []intake.Why{{Reason: "bad_value", Field: "Date_of_Birth", Value: "31/02/1990"}}) {
		t.Errorf("%+v", failed)
	}
	if _, err := s.File(ctx, w.ours, i.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the file of an import that has ended: %v", err)
	}
	// What was said of its columns is remembered, for colleagues too.
	for _, user := range []record.ID{w.ana, w.bob} {
		if got := must(s.Remembered(ctx, w.ours, user, record.Contacts, []string{"cidade", "other"}))(t); !reflect.DeepEqual(got, map[string]intake.Target{"cidade": "Mailing_City"}) {
			t.Errorf("remembered %v", got)
		}
	}
	if got := must(s.Remembered(ctx, w.theirs, w.eve, record.Contacts, []string{"cidade"}))(t); len(got) > 0 {
		t.Errorf("remembered elsewhere: %v", got)
	}
	// Nobody of another organization finds it.
	if _, err := s.Import(ctx, w.theirs, i.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("found from elsewhere: %v", err)
	}
	if lines := must(s.FailedLines(ctx, w.theirs, i.ID, 0, 9))(t); len(lines) > 0 {
		t.Errorf("lines from elsewhere: %v", lines)
	}
	if lines := must(s.Lines(ctx, w.theirs, i.ID, 0, 9))(t); len(lines) > 0 {
		t.Errorf("lines from elsewhere: %v", lines)
	}
	if err := s.Save(ctx, intake.Import{ID: i.ID, Org: w.theirs, State: intake.Undoing}, intake.Done, i.At); !fault.Is(err, fault.Conflict) {
		t.Errorf("changed from elsewhere: %v", err)
	}
	if got := must(s.ImportsOf(ctx, w.ours, w.bob, 9))(t); len(got) > 0 {
		t.Errorf("bob's: %+v", got)
	}
	if got := must(s.ImportsOf(ctx, w.ours, 0, 9))(t); len(got) != 1 || !reflect.DeepEqual(got[0], i) {
		t.Errorf("everybody's: %+v", got)
	}
}

func testImportDuplicates(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Imports()
	d, _ := w.desk(s)
	was := must(w.Records().Insert(ctx, w.by(w.ana), []crm.Record{w.contact(w.ana, "Known", func(r *crm.Record) {
		r.Fields[record.EmailField], r.Fields[record.Mobile] = "Known@Example.com", "+55 11 98888-7777"
	}), w.contact(w.bob, "Bobs", func(r *crm.Record) { r.Fields[record.EmailField] = "bobs@example.com" })}))(t)[0]
	file := "Last Name,First Name,E-mail,City\nKnown,Kim,KNOWN@example.com,\nTwice,One,twice@example.com,Here\nTwice,Two,Twice@Example.com,There\nBobs,X,bobs@example.com,\n"
	run := func(ways intake.Duplicates) intake.Counts {
		t.Helper()
		i := bring(t, d, w.ours, w.ana, record.Contacts, "a.csv", file, ways)
		ok(t, d.Work(ctx, w.ours, i.ID))
		return must(s.Import(ctx, w.ours, i.ID))(t).Counts
	}
	if c := run(intake.Skip); c.Created != 2 || c.Skipped != 2 { // what bob has is not ana's to see
		t.Errorf("skipping: %+v", c)
	}
	if got := w.contactsOf(w.ana, false); got["Known"].Version != was.Version || got["Twice"].Fields[record.FirstName] != "One" || len(got) != 3 {
		t.Errorf("after skipping: %v", got)
	}
	if c := run(intake.Update); c.Updated != 2 || c.Same != 2 || c.Created != 0 { // of the two rows, the second counts
		t.Errorf("updating: %+v", c)
	}
	got := w.contactsOf(w.ana, false)
	if k := got["Known"]; k.Fields[record.FirstName] != "Kim" || k.Fields[record.Mobile] != was.Fields[record.Mobile] || k.Fields[record.EmailField] != "KNOWN@example.com" || k.Source != record.Manual {
		t.Errorf("known: %+v", k)
	}
	if k := got["Twice"]; k.Fields[record.FirstName] != "Two" || k.Fields[record.MailingCity] != "There" {
		t.Errorf("twice: %+v", k)
	}
	if c := run(intake.Create); c.Created != 4 {
		t.Errorf("creating: %+v", c)
	}
	all := must(w.Records().Count(ctx, w.ours, record.Contacts, crm.Query{Owner: w.ana}))(t)
	if all != 7 {
		t.Errorf("%d contacts", all)
	}
}

func testImportEvents(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Imports()
	d, _ := w.desk(s)
	event := func(uid, title, more string) string {
		return "BEGIN:VEVENT\nUID:" + uid + "\nSUMMARY:" + title + "\nDTSTART:20260310T120000Z\nDTEND:20260310T130000Z\n" + more + "END:VEVENT\n"
	}
	long := strings.Repeat("u", 400)
	file := "BEGIN:VCALENDAR\nVERSION:2.0\n" + event("1", "One", "RRULE:FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=10\n") + event(long, "Long", "") + "BEGIN:VTODO\nSUMMARY:Task\nEND:VTODO\nEND:VCALENDAR\n"
	i := bring(t, d, w.ours, w.ana, record.Calendar, "a.ics", file, intake.Skip)
	ok(t, d.Work(ctx, w.ours, i.ID))
	if i = must(s.Import(ctx, w.ours, i.ID))(t); i.Counts.Created != 2 || i.Counts.Failed != 1 {
		t.Fatalf("%+v", i)
	}
	if failed := must(s.FailedLines(ctx, w.ours, i.ID, 0, 9))(t); failed[0].Name != "Task" || failed[0].Whys[0].Reason != string(importfile.NotAnEvent) {
		t.Errorf("%+v", failed)
	}
	// The same file again: nothing is doubled; updated, only what differs.
	i = bring(t, d, w.ours, w.ana, record.Calendar, "a.ics", file, intake.Skip)
	ok(t, d.Work(ctx, w.ours, i.ID))
	if i = must(s.Import(ctx, w.ours, i.ID))(t); i.Counts.Created != 0 || i.Counts.Skipped != 2 {
		t.Errorf("again: %+v", i.Counts)
	}
	i = bring(t, d, w.ours, w.ana, record.Calendar, "a.ics", strings.Replace(file, "SUMMARY:Long", "SUMMARY:Longer", 1), intake.Update)
	ok(t, d.Work(ctx, w.ours, i.ID))
	if i = must(s.Import(ctx, w.ours, i.ID))(t); i.Counts.Updated != 1 || i.Counts.Same != 1 {
		t.Errorf("updated: %+v", i.Counts)
	}
	// Bob, who does not see hers, gets his own; in the bin they are nobody's match.
	i = bring(t, d, w.ours, w.bob, record.Calendar, "a.ics", file, intake.Skip)
	ok(t, d.Work(ctx, w.ours, i.ID))
	if i = must(s.Import(ctx, w.ours, i.ID))(t); i.Counts.Created != 2 {
		t.Errorf("bob's: %+v", i.Counts)
	}
	if got := must(s.ByUID(ctx, w.theirs, 0, []string{"1", long}))(t); len(got) > 0 {
		t.Errorf("from elsewhere: %v", got)
	}
	if got := must(s.ByUID(ctx, w.ours, 0, []string{"1", long}))(t); len(got) != 2 {
		t.Errorf("by UID: %v", got)
	}
	// Of one owner, all of them.
	find := func(org, owner record.ID) map[string][]record.ID {
		return must(w.Records().EventsByUID(ctx, org, owner, []string{long, "1", "1", "2"}))(t)
	}
	got := find(w.ours, w.ana)
	if len(got) != 2 || len(got["1"]) != 1 || len(got[long]) != 1 || got["1"][0] == find(w.ours, w.bob)["1"][0] {
		t.Errorf("ana's by UID: %v", got)
	}
	if got := find(w.theirs, w.ana); len(got) != 0 {
		t.Errorf("ana's by UID, from elsewhere: %v", got)
	}
	one := must(w.Records().ByID(ctx, w.ours, record.Calendar, got["1"]))(t)[got["1"][0]]
	one.DeletedAt, one.DeletedBy = w.clock.Now(), w.ana
	if _, faults, err := w.Records().Update(ctx, w.by(w.ana), []crm.Record{one}); err != nil || faults[0] != nil {
		t.Fatal(err, faults)
	}
	if got := find(w.ours, w.ana); len(got) != 1 || len(got[long]) != 1 {
		t.Errorf("after a deletion: %v", got)
	}
}

// crashing dies before or after it stores a step.
type crashing struct {
	intake.Store
	die func() error
}

func (c *crashing) Take(ctx context.Context, by crm.Author, s intake.Step) error {
	if err := c.die(); err != nil {
		return err
	}
	if err := c.Store.Take(ctx, by, s); err != nil {
		return err
	}
	return c.die()
}

// An import that is killed at any moment, and the taking back of it, go on where they were: no row is lost or doubled.
func testImportIsKilled(t *testing.T, w *world) {
	ctx := t.Context()
	n, died := 0, errors.New("killed")
	s := &crashing{w.Imports(), func() error {
		if n++; n%3 == 1 || n%7 == 2 {
			return died
		}
		return nil
	}}
	d, _ := w.desk(s)
	i := bring(t, d, w.ours, w.ana, record.Contacts, "a.csv", people(1, 700), intake.Create)
	kills := 0
	until := func(state intake.State) {
		t.Helper()
		for {
			err := d.Work(ctx, w.ours, i.ID)
			if err == nil {
				break
			}
			if kills++; !errors.Is(err, died) || kills > 100 {
				t.Fatalf("%d: %v", kills, err)
			}
		}
		if i = must(s.Import(ctx, w.ours, i.ID))(t); i.State != state {
			t.Fatalf("%+v", i)
		}
	}
	until(intake.Done)
	if got := w.contactsOf(w.ana, false); len(got) != 700 || i.Counts.Created != 700 || kills < 3 {
		t.Fatalf("%d contacts after %d kills: %+v", len(got), kills, i.Counts)
	}
	if all := must(w.Records().Count(ctx, w.ours, record.Contacts, crm.Query{}))(t); all != 700 {
		t.Fatalf("%d contacts", all)
	}
	ok(t, d.Undo(ctx, i))
	until(intake.Undone)
	if left := w.contactsOf(w.ana, false); len(left) != 0 || i.Counts.Removed != 700 || i.Counts.Kept != 0 {
		t.Errorf("%d contacts left: %+v", len(left), i.Counts)
	}
	if bin := w.contactsOf(w.ana, true); len(bin) != 700 {
		t.Errorf("%d in the recycle bin", len(bin))
	}
}

// Two workers at one import: every step is done by one of them.
func testImportTwoWorkers(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Imports()
	d, _ := w.desk(s)
	i := bring(t, d, w.ours, w.ana, record.Contacts, "a.csv", people(1, 1000), intake.Create)
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- d.Work(ctx, w.ours, i.ID) }()
	}
	for range 2 {
		if err := <-done; err != nil && fault.ReasonOf(err) != fault.StaleLease && !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	}
	ok(t, d.Work(ctx, w.ours, i.ID))
	if i = must(s.Import(ctx, w.ours, i.ID))(t); i.State != intake.Done || i.Counts.Created != 1000 {
		t.Fatalf("%+v", i)
	}
	if all := must(w.Records().Count(ctx, w.ours, record.Contacts, crm.Query{}))(t); all != 1000 {
		t.Errorf("%d contacts", all)
	}
}

func testImportUndo(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Imports()
	d, c := w.desk(s)
	ana := must(d.Actor(ctx, w.ours, w.ana))(t)
	must(w.Records().Insert(ctx, w.by(w.ana), []crm.Record{w.contact(w.ana, "Old", func(r *crm.Record) {
		r.Fields[record.EmailField], r.Fields[record.MailingCity], r.Fields[record.FirstName] = "old@example.com", "Before", "Before"
	})}))(t)
	i := bring(t, d, w.ours, w.ana, record.Contacts, "a.csv",
		"Last Name,First Name,E-mail,City\nOld,After,old@example.com,After\nNew,A,new@example.com,\nNew,B,new@example.com,\nTouched,,touched@example.com,\nBinned,,binned@example.com,\n", intake.Update)
	ok(t, d.Work(ctx, w.ours, i.ID))
	i = must(s.Import(ctx, w.ours, i.ID))(t)
	if i.Counts.Created != 3 || i.Counts.Updated != 2 {
		t.Fatalf("%+v", i.Counts)
	}
	now := w.contactsOf(w.ana, false)
	change := func(name string, f record.Fields) {
		t.Helper()
		ok(t, must(c.Update(ctx, ana, record.Contacts, []crm.Draft{{ID: now[name].ID, Fields: f}}))(t)[0].Err)
	}
	change("Old", record.Fields{record.MailingCity: "Since"})
	change("Touched", record.Fields{record.Mobile: "1"})
	ok(t, must(c.Delete(ctx, ana, record.Contacts, []crm.Draft{{ID: now["Binned"].ID}}))(t)[0].Err)
	ok(t, d.Undo(ctx, i))
	if err := d.Undo(ctx, i); !fault.Is(err, fault.Conflict) {
		t.Errorf("undone twice: %v", err)
	}
	ok(t, d.Work(ctx, w.ours, i.ID))
	i = must(s.Import(ctx, w.ours, i.ID))(t)
	// Old has its first name back and keeps the city of since; New, made and changed by the import, goes; Touched stays.
	if i.State != intake.Undone || i.Counts.Removed != 1 || i.Counts.Restored != 1 || i.Counts.Kept != 3 {
		t.Errorf("%+v", i)
	}
	left := w.contactsOf(w.ana, false)
	if r := left["Old"]; len(left) != 2 || r.Fields[record.FirstName] != "Before" || r.Fields[record.MailingCity] != "Since" || left["Touched"].ID == 0 {
		t.Errorf("left: %v", left)
	}
}

func testImportIsStopped(t *testing.T, w *world) {
	ctx := t.Context()
	var d *intake.Desk
	var i intake.Import
	steps := 0
	s := &crashing{w.Imports(), func() error {
		if steps++; steps == 2 { // after the first step
			return d.Stop(ctx, i)
		}
		return nil
	}}
	d, _ = w.desk(s)
	i = bring(t, d, w.ours, w.ana, record.Contacts, "a.csv", people(1, 900), intake.Create)
	if err := d.Work(ctx, w.ours, i.ID); fault.ReasonOf(err) != fault.StaleLease {
		t.Errorf("the worker: %v", err)
	}
	i = must(s.Import(ctx, w.ours, i.ID))(t)
	if got := len(w.contactsOf(w.ana, false)); i.State != intake.Stopped || got == 0 || got == 900 || got != i.Counts.Created || i.At != got {
		t.Errorf("%d contacts, %+v", got, i)
	}
	ok(t, d.Undo(ctx, i))
	ok(t, d.Work(ctx, w.ours, i.ID))
	if got := len(w.contactsOf(w.ana, false)); got != 0 {
		t.Errorf("%d contacts after taking it back", got)
	}
}

func testImportEnds(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Imports()
	d, _ := w.desk(s)
	// Whoever may no longer import.
	i := bring(t, d, w.ours, w.ana, record.Contacts, "a.csv", people(1, 3), intake.Skip)
	allowed := d.Actor
	d.Actor = func(context.Context, record.ID, record.ID) (crm.Actor, error) {
		return crm.Actor{}, fault.New(fault.Denied, fault.NotAllowed, "no")
	}
	ok(t, d.Work(ctx, w.ours, i.ID))
	if i = must(s.Import(ctx, w.ours, i.ID))(t); i.State != intake.Failed || i.Reason != fault.NotAllowed || len(w.contactsOf(w.ana, false)) != 0 {
		t.Errorf("%+v", i)
	}
	// Whoever may import and not create.
	d.Actor = func(ctx context.Context, org, user record.ID) (crm.Actor, error) {
		a, err := allowed(ctx, org, user)
		a.Contacts.Create = false
		return a, err
	}
	i = bring(t, d, w.ours, w.ana, record.Contacts, "a.csv", people(1, 3), intake.Skip)
	ok(t, d.Work(ctx, w.ours, i.ID))
	if i = must(s.Import(ctx, w.ours, i.ID))(t); i.Counts.Failed != 3 {
		t.Errorf("%+v", i)
	}
	// What nobody has touched is found, and what is old goes, with its file and lines.
	d.Actor = allowed
	if _, err := d.Receive(ctx, w.ours, w.ana, record.Contacts, "a.csv", "UTC", true, io.MultiReader(strings.NewReader(people(1, 9)), broken{}), nil); err == nil {
		t.Error("half a file was received")
	}
	if _, err := d.Receive(ctx, w.ours, w.ana, record.Contacts, "a.xlsx", "UTC", true, strings.NewReader("PK\x03\x04"), nil); fault.ReasonOf(err) != importfile.FileBroken {
		t.Errorf("a broken workbook: %v", err)
	}
	i = bring(t, d, w.ours, w.ana, record.Contacts, "b.csv", people(1, 3), intake.Skip)
	w.clock.pass(2 * time.Minute)
	if found := must(s.Stranded(ctx, w.clock.Now().Add(-time.Minute), 9))(t); len(found) != 1 || found[0].ID != i.ID {
		t.Errorf("stranded: %+v", found)
	}
	ok(t, d.Work(ctx, w.ours, i.ID))
	w.clock.pass(100 * 24 * time.Hour)
	ok(t, s.PruneImports(ctx, w.clock.Now().Add(-time.Hour), w.clock.Now().Add(-time.Hour)))
	if left := must(s.ImportsOf(ctx, w.ours, 0, 9))(t); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
	if n := must(s.ImportRows(ctx))(t); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line is dead") }

// A file is read at any place, across its pieces.
func testImportFile(t *testing.T, w *world) {
	ctx, s := t.Context(), w.Imports()
	d, _ := w.desk(s)
	text := people(1, 20_000)
	i := must(d.Receive(ctx, w.ours, w.ana, record.Contacts, "a.csv", "UTC", true, strings.NewReader(text), nil))(t)
	src := must(s.File(ctx, w.ours, i.ID))(t)
	if src.Size() != int64(len(text)) || len(text) < 3*intake.PieceSize {
		t.Fatalf("%d bytes of %d", src.Size(), len(text))
	}
	whole := make([]byte, len(text)+9)
	if n, err := src.ReadAt(whole, 0); n != len(text) || !errors.Is(err, io.EOF) || string(whole[:n]) != text {
		t.Errorf("%d bytes, %v", n, err)
	}
	part := make([]byte, 1000)
	for _, at := range []int{0, intake.PieceSize - 500, 2*intake.PieceSize - 1, len(text) - 1000} {
		if n, err := src.ReadAt(part, int64(at)); n != 1000 || err != nil || !bytes.Equal(part, []byte(text[at:at+1000])) {
			t.Errorf("at %d: %d, %v", at, n, err)
		}
	}
	if n, err := src.ReadAt(part, int64(len(text))); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("behind its end: %d, %v", n, err)
	}
	if _, err := s.File(ctx, w.theirs, i.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("from elsewhere: %v", err)
	}
}
