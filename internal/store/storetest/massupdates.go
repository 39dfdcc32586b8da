package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/massupdate"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// updater is a desk for mass updates on the database; ana sees everybody's records and changes her own.
func (w *world) updater(s massupdate.Store) (*massupdate.Desk, crm.Actor, *crm.CRM) {
	c := crm.New(w.Records(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, w.clock.Now)
	n := 0
	ana := crm.Actor{
		Author: w.by(w.ana), Zone: "America/Sao_Paulo", MassUpdate: true,
		Contacts: record.Access{View: record.Anyones, Create: true, Edit: record.Own}, Events: record.Access{View: record.Anyones, Edit: record.Anyones},
	}
	return &massupdate.Desk{Store: s, Records: c, Now: w.clock.Now,
		NewID: func() string { n++; return fmt.Sprint("update-", n) },
		Actor: func(context.Context, record.ID, record.ID) (crm.Actor, error) { return ana, nil }}, ana, c
}

func imported(r *crm.Record) { r.Source = record.Import }

func in(department string) func(*crm.Record) {
	return func(r *crm.Record) { r.Fields[record.Department] = record.Value(department) }
}

func testMassUpdate(t *testing.T, w *world) {
	ctx, s := t.Context(), w.MassUpdates()
	d, ana, c := w.updater(s)
	rows := w.insert(w.ana, w.contact(w.ana, "manual", in("old")), w.contact(w.ana, "imported", imported, in("old")),
		w.contact(w.ana, "touched", imported, in("new"), func(r *crm.Record) { r.Mark = crm.MassMark }),
		w.contact(w.bob, "bobs", in("old")), w.contact(w.ana, "other", in("elsewhere")), w.contact(w.ana, "changed later", in("old")))
	w.insert(w.eve, w.contact(w.eve, "theirs", in("old")))
	schema := must(c.Schema(ctx, w.ours, record.Contacts))(t)
	isNot := must(crm.FilterOn(schema, record.Department, crm.IsNot, "elsewhere", time.UTC))(t)
	u := must(d.Prepare(ctx, ana, record.Contacts, crm.Query{Filters: []crm.Filter{isNot}}, crm.MassSets(record.Department, " new ")))(t)
	if u.Total != 5 || u.State != intake.Draft || u.Deed.Value != "new" {
		t.Fatalf("%+v", u)
	}
	if again := must(s.Update(ctx, w.ours, u.ID))(t); again != u {
		t.Errorf("stored as %+v, not %+v", again, u)
	}
	groups := must(s.Groups(ctx, w.ours, u.ID))(t)
	total := 0
	for _, g := range groups {
		total += g.Count
	}
	if total != 5 || len(groups) != 4 || massupdate.Barred(ana, record.Contacts, u.Deed, groups) != 1 {
		t.Errorf("%+v", groups)
	}
	if r := must(w.Records().ByID(ctx, w.ours, record.Contacts, []record.ID{rows[0].ID}))(t)[rows[0].ID]; r.Version != 1 {
		t.Errorf("a draft has changed %+v", r)
	}
	ok(t, d.Work(ctx, w.ours, u.ID)) // a draft is nobody's work
	ok(t, d.Start(ctx, u))
	if err := d.Start(ctx, u); !fault.Is(err, fault.Conflict) {
		t.Errorf("started twice: %v", err)
	}
	ok(t, d.Work(ctx, w.ours, u.ID))
	u = must(s.Update(ctx, w.ours, u.ID))(t)
	if want := (massupdate.Counts{Changed: 3, Same: 1, Failed: 1, Admitted: 1}); u.State != intake.Done || u.Counts != want || u.Seen != 5 {
		t.Fatalf("%+v", u)
	}
	failed := must(s.Lines(ctx, w.ours, u.ID, massupdate.Failed, 0, 9))(t)
	if len(failed) != 1 || failed[0].Record != rows[3].ID || failed[0].Reason != fault.NotAllowed {
		t.Errorf("%+v", failed)
	}
	now := w.contactsOf(w.ana, false)
	if r := now["imported"]; r.Fields[record.Department] != "new" || r.Mark != crm.MassMark || now["other"].Mark != crm.NoMark || now["touched"].Version != 1 {
		t.Errorf("%+v", now)
	}
	if r := w.contactsOf(w.bob, false)["bobs"]; r.Fields[record.Department] != "old" || r.Mark != crm.NoMark {
		t.Errorf("somebody else's: %+v", r)
	}

	// Undo: each record back to what it had, but where somebody was there since; what sync takes stays with it.
	w.update(w.by(w.ana), now["changed later"], func(r *crm.Record) { r.Fields[record.Department] = "newest" })
	w.update(w.by(w.ana), now["manual"], func(r *crm.Record) { r.Fields[record.Title] = "CEO" })
	ok(t, d.Undo(ctx, u))
	ok(t, d.Work(ctx, w.ours, u.ID))
	u = must(s.Update(ctx, w.ours, u.ID))(t)
	now = w.contactsOf(w.ana, false)
	if u.State != intake.Undone || u.Counts.Restored != 2 || u.Counts.Kept != 1 || now["changed later"].Fields[record.Department] != "newest" ||
		now["manual"].Fields[record.Department] != "old" || now["manual"].Fields[record.Title] != "CEO" ||
		now["imported"].Fields[record.Department] != "old" || now["imported"].Mark != crm.MassMark {
		t.Errorf("%+v\n%+v", u, now)
	}

	// What is not one's own.
	if _, err := s.Update(ctx, w.theirs, u.ID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if lines, err := s.Lines(ctx, w.theirs, u.ID, massupdate.Failed, 0, 9); err != nil || len(lines) > 0 {
		t.Error(lines, err)
	}
	if _, err := s.Groups(ctx, w.theirs, u.ID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	u.Org = w.theirs
	if err := s.Save(ctx, u, u.State, u.At); fault.ReasonOf(err) != fault.StaleLease {
		t.Error(err)
	}
	if got := must(s.MassUpdatesOf(ctx, w.ours, w.bob, 9))(t); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	if got := must(s.MassUpdatesOf(ctx, w.ours, 0, 9))(t); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	w.clock.pass(time.Hour)
	ok(t, s.PruneMassUpdates(ctx, w.clock.Now(), w.clock.Now()))
	if got := must(s.MassUpdatesOf(ctx, w.ours, 0, 9))(t); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func testMassUpdateRefuses(t *testing.T, w *world) {
	ctx, s := t.Context(), w.MassUpdates()
	d, ana, _ := w.updater(s)
	secret := func(r *crm.Record) { r.Fields[record.Sensitivity] = "private" }
	w.insert(w.ana, w.event(w.ana, "mine", "2026-11-24T09:00:00-03:00", "2026-11-24T10:00:00-03:00", secret),
		w.event(w.bob, "bobs", "2026-11-24T09:00:00-03:00", "2026-11-24T10:00:00-03:00"),
		w.event(w.bob, "bobs own", "2026-11-24T11:00:00-03:00", "2026-11-24T12:00:00-03:00", secret))
	for name, err := range map[string]error{
		"long text": func() error {
			_, err := d.Prepare(ctx, ana, record.Calendar, crm.Query{}, crm.MassSets(record.Description, "x"))
			return err
		}(),
		"no records": func() error {
			_, err := d.Prepare(ctx, ana, record.Calendar, crm.Query{IDs: []record.ID{1}}, crm.MassSets(record.Venue, "x"))
			return err
		}(),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	meek := ana
	meek.MassUpdate = false
	if _, err := d.Prepare(ctx, meek, record.Calendar, crm.Query{}, crm.MassSets(record.Venue, "x")); !fault.Is(err, fault.Denied) {
		t.Error(err)
	}
	u := must(d.Prepare(ctx, ana, record.Calendar, crm.Query{}, crm.MassSets(record.Venue, "Sala 1")))(t)
	if groups := must(s.Groups(ctx, w.ours, u.ID))(t); u.Total != 3 || massupdate.Barred(ana, record.Calendar, u.Deed, groups) != 1 {
		t.Errorf("%d: %+v", u.Total, groups)
	}
	ok(t, d.Start(ctx, u))
	ok(t, d.Work(ctx, w.ours, u.ID))
	if u = must(s.Update(ctx, w.ours, u.ID))(t); u.Counts.Changed != 2 || u.Counts.Failed != 1 {
		t.Errorf("%+v", u)
	}
	// Whoever may no longer.
	u = must(d.Prepare(ctx, ana, record.Calendar, crm.Query{}, crm.MassSets(record.Venue, "Sala 2")))(t)
	ok(t, d.Start(ctx, u))
	d.Actor = func(context.Context, record.ID, record.ID) (crm.Actor, error) {
		return crm.Actor{}, fault.New(fault.Denied, fault.NotAllowed, "no")
	}
	ok(t, d.Work(ctx, w.ours, u.ID))
	if u = must(s.Update(ctx, w.ours, u.ID))(t); u.State != intake.Failed || u.Reason != fault.NotAllowed || u.Counts.Changed != 0 {
		t.Errorf("%+v", u)
	}
}

// crashingUpdates are mass updates whose process dies before or after some steps.
type crashingUpdates struct {
	massupdate.Store
	die func() error
}

func (c *crashingUpdates) Take(ctx context.Context, by crm.Author, s massupdate.Step) error {
	if err := c.die(); err != nil {
		return err
	}
	if err := c.Store.Take(ctx, by, s); err != nil {
		return err
	}
	return c.die()
}

// A mass update that is killed at any moment, and the taking back of it, go on where they were; two workers share it.
func testMassUpdateIsKilled(t *testing.T, w *world) {
	ctx := t.Context()
	n, died := 0, errors.New("killed")
	s := &crashingUpdates{w.MassUpdates(), func() error {
		if n++; n%3 == 1 || n%7 == 2 {
			return died
		}
		return nil
	}}
	d, ana, _ := w.updater(s)
	var rows []crm.Record
	for i := range 700 {
		rows = append(rows, w.contact(w.ana, fmt.Sprint(i), imported, in(fmt.Sprint("was ", i))))
	}
	w.insert(w.ana, rows...)
	u := must(d.Prepare(ctx, ana, record.Contacts, crm.Query{}, crm.MassSets(record.Department, "")))(t)
	ok(t, d.Start(ctx, u))
	kills := 0
	until := func(state intake.State) {
		t.Helper()
		for err := d.Work(ctx, w.ours, u.ID); err != nil; err = d.Work(ctx, w.ours, u.ID) {
			if kills++; !errors.Is(err, died) || kills > 100 {
				t.Fatalf("%d: %v", kills, err)
			}
		}
		if u = must(s.Update(ctx, w.ours, u.ID))(t); u.State != state || u.Seen != 700 {
			t.Fatalf("%+v", u)
		}
	}
	until(intake.Done)
	for name, r := range w.contactsOf(w.ana, false) {
		if r.Fields[record.Department] != "" || r.Version != 2 || r.Mark != crm.MassMark {
			t.Fatalf("%s: %+v", name, r)
		}
	}
	if u.Counts.Changed != 700 || u.Counts.Admitted != 700 || kills < 3 {
		t.Fatalf("%d kills: %+v", kills, u)
	}
	ok(t, d.Undo(ctx, u))
	until(intake.Undone)
	for name, r := range w.contactsOf(w.ana, false) {
		if r.Fields[record.Department] != record.Value("was "+name) || r.Version != 3 {
			t.Fatalf("%s: %+v", name, r)
		}
	}

	// Two workers at once, and a person who stops it.
	s.die = func() error { return nil }
	u = must(d.Prepare(ctx, ana, record.Contacts, crm.Query{}, crm.MassSets(record.Department, "new")))(t)
	ok(t, d.Start(ctx, u))
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- d.Work(ctx, w.ours, u.ID) }()
	}
	for range 2 {
		if err := <-done; err != nil && fault.ReasonOf(err) != fault.StaleLease {
			t.Error(err)
		}
	}
	ok(t, d.Work(ctx, w.ours, u.ID))
	if u = must(s.Update(ctx, w.ours, u.ID))(t); u.State != intake.Done || u.Counts.Changed != 700 {
		t.Fatalf("%+v", u)
	}
	u = must(d.Prepare(ctx, ana, record.Contacts, crm.Query{}, crm.MassSets(record.Department, "newer")))(t)
	ok(t, d.Start(ctx, u))
	steps := 0
	s.die = func() error {
		if steps++; steps == 2 {
			return d.Stop(ctx, u)
		}
		return nil
	}
	if err := d.Work(ctx, w.ours, u.ID); fault.ReasonOf(err) != fault.StaleLease {
		t.Errorf("stopped: %v", err)
	}
	if u = must(s.Update(ctx, w.ours, u.ID))(t); u.State != intake.Stopped || u.Counts.Changed != 250 {
		t.Fatalf("%+v", u)
	}
	ok(t, d.Undo(ctx, u))
	ok(t, d.Work(ctx, w.ours, u.ID))
	if u = must(s.Update(ctx, w.ours, u.ID))(t); u.State != intake.Undone || u.Counts.Restored != 250 {
		t.Fatalf("%+v", u)
	}
}

// What people agreed to be mailed is about the event as it was: no mass update, import or undo of one carries it on (ADR 27). And
// values of fields that are out of use stay, whoever writes.
func testManyChangesKeepTo(t *testing.T, w *world) {
	ctx, s := t.Context(), w.MassUpdates()
	d, ana, c := w.updater(s)
	agreed := crm.Mailing{Link: 7, Invited: true, Agreed: &record.Agreement{ID: "1.2", People: []string{"bia@example.com"}}}
	e := w.insert(w.ana, w.event(w.ana, "meeting", "2026-11-24T09:00:00-03:00", "2026-11-24T10:00:00-03:00", func(r *crm.Record) { r.Mailing = agreed }))[0]
	stored := func() crm.Record {
		t.Helper()
		return must(w.Records().ByID(ctx, w.ours, record.Calendar, []record.ID{e.ID}))(t)[e.ID]
	}
	if stored().Mailing.Agreed == nil {
		t.Fatal("the agreement is not stored")
	}
	taken := must(c.Admit(ctx, ana, record.Calendar, []crm.Draft{{ID: e.ID, Fields: record.Fields{record.Venue: "Sala 9"}}}))(t)
	if taken[0].Err != nil || taken[0].Same || taken[0].Record.Mailing.Agreed != nil || !taken[0].Record.Mailing.Invited {
		t.Errorf("an import's update: %+v", taken[0])
	}
	u := must(d.Prepare(ctx, ana, record.Calendar, crm.Query{}, crm.MassSets(record.Venue, "Sala 1")))(t)
	ok(t, d.Start(ctx, u))
	ok(t, d.Work(ctx, w.ours, u.ID))
	if r := stored(); r.Fields[record.Venue] != "Sala 1" || r.Mailing.Agreed != nil || !r.Mailing.Invited {
		t.Errorf("a mass update: %+v", r)
	}
	w.update(w.by(w.ana), stored(), func(r *crm.Record) { r.Mailing = agreed })
	ok(t, d.Undo(ctx, u))
	ok(t, d.Work(ctx, w.ours, u.ID))
	if r := stored(); r.Fields[record.Venue] != "" || r.Mailing.Agreed != nil {
		t.Errorf("the undo of one: %+v", r)
	}

	// An import's undo, too.
	calendar := "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:From a file\r\nDTSTART:20261124T120000Z\r\nDTEND:20261124T130000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	desk, _ := w.desk(w.Imports())
	for _, ways := range []intake.Duplicates{intake.Create, intake.Update} {
		i := bring(t, desk, w.ours, w.ana, record.Calendar, "a.ics", strings.ReplaceAll(calendar, "From a file", "From a file "+string(ways)), ways)
		ok(t, desk.Work(ctx, w.ours, i.ID))
		if ways == intake.Create {
			continue
		}
		for _, r := range must(w.Records().Records(ctx, w.ours, record.Calendar, crm.Query{Search: "file"}))(t) {
			w.update(w.by(w.ana), r, func(r *crm.Record) { r.Mailing = agreed })
		}
		ok(t, desk.Undo(ctx, i))
		ok(t, desk.Work(ctx, w.ours, i.ID))
		found := must(w.Records().Records(ctx, w.ours, record.Calendar, crm.Query{Search: "file"}))(t)
		if len(found) != 1 || found[0].Fields[record.EventTitle] != "From a file create" || found[0].Mailing.Agreed != nil {
			t.Errorf("an import of events taken back: %+v", found)
		}
	}

	const unused record.Field = "Shoe_size"
	w.insert(w.ana, w.contact(w.ana, "Silva 1", func(r *crm.Record) {
		r.Fields[record.EmailField], r.Fields[unused] = "ana1@example.com", "42"
	}))
	i := bring(t, desk, w.ours, w.ana, record.Contacts, "a.csv", people(1, 1), intake.Update)
	ok(t, desk.Work(ctx, w.ours, i.ID))
	ok(t, desk.Undo(ctx, i))
	ok(t, desk.Work(ctx, w.ours, i.ID))
	if r := w.contactsOf(w.ana, false)["Silva 1"]; r.Version != 3 || r.Fields[unused] != "42" {
		t.Errorf("an import taken back: %+v", r)
	}
	m := must(d.Prepare(ctx, ana, record.Contacts, crm.Query{}, crm.MassSets(record.Department, "x")))(t)
	ok(t, d.Start(ctx, m))
	ok(t, d.Work(ctx, w.ours, m.ID))
	ok(t, d.Undo(ctx, m))
	ok(t, d.Work(ctx, w.ours, m.ID))
	if r := w.contactsOf(w.ana, false)["Silva 1"]; r.Version != 5 || r.Fields[unused] != "42" {
		t.Errorf("a mass update taken back: %+v", r)
	}
}

// Records are handed over, sorted by tags and deleted in bulk, and all of it is taken back where nobody was there since. None of that
// lets an imported record into the sync.
func testMassDeeds(t *testing.T, w *world) {
	ctx, s := t.Context(), w.MassUpdates()
	d, ana, _ := w.updater(s)
	ana.Contacts = record.Full
	d.Actor = func(context.Context, record.ID, record.ID) (crm.Actor, error) { return ana, nil }
	tagged := func(tags string) func(*crm.Record) {
		return func(r *crm.Record) { r.Fields[record.Tag] = record.Value(tags) }
	}
	rows := w.insert(w.ana, w.contact(w.ana, "one", imported, tagged("VIP")), w.contact(w.ana, "two", tagged("old\nvip")), w.contact(w.bob, "three"))
	link := w.link(w.ana, record.Contacts)
	w.settle(link, reconcile.Entry{Pair: reconcile.Pair{CRM: rows[1].ID.Ref(), Microsoft: "m/2", State: reconcile.Synced}})
	w.served(link)
	read := func() map[record.ID]crm.Record {
		t.Helper()
		return must(w.Records().ByID(ctx, w.ours, record.Contacts, []record.ID{rows[0].ID, rows[1].ID, rows[2].ID}))(t)
	}
	does := func(deed crm.MassDeed) massupdate.Update {
		t.Helper()
		u := must(d.Prepare(ctx, ana, record.Contacts, crm.Query{IDs: []record.ID{rows[0].ID, rows[1].ID, rows[2].ID}}, deed))(t)
		if again := must(s.Update(ctx, w.ours, u.ID))(t); again != u {
			t.Errorf("stored as %+v, not %+v", again, u)
		}
		ok(t, d.Start(ctx, u))
		ok(t, d.Work(ctx, w.ours, u.ID))
		return must(s.Update(ctx, w.ours, u.ID))(t)
	}
	undo := func(u massupdate.Update) massupdate.Update {
		t.Helper()
		ok(t, d.Undo(ctx, u))
		ok(t, d.Work(ctx, w.ours, u.ID))
		return must(s.Update(ctx, w.ours, u.ID))(t)
	}
	tags := func(want ...record.Value) {
		t.Helper()
		now := read()
		for i, tag := range want {
			if got := now[rows[i].ID].Fields[record.Tag]; got != tag {
				t.Errorf("tags of %d are %q, want %q", i, got, tag)
			}
		}
	}

	u := does(crm.MassDeed{Do: crm.MassTag, Value: "vip\nfair"})
	if u.Counts != (massupdate.Counts{Changed: 3}) {
		t.Errorf("%+v", u.Counts)
	}
	tags("VIP\nfair", "fair\nold\nvip", "fair\nvip")
	u = does(crm.MassDeed{Do: crm.MassUntag, Value: "Vip"})
	tags("fair", "fair\nold", "fair")
	if u = undo(u); u.Counts.Restored != 3 {
		t.Errorf("%+v", u.Counts)
	}
	tags("VIP\nfair", "fair\nold\nvip", "fair\nvip")
	if now := read()[rows[0].ID]; now.Mark != crm.NoMark {
		t.Errorf("a tag lets an imported record in: %+v", now)
	}

	hand := crm.MassDeed{Do: crm.MassOwner, Value: record.Value(w.bob.String())}
	u = must(d.Prepare(ctx, ana, record.Contacts, crm.Query{}, hand))(t)
	groups := must(s.Groups(ctx, w.ours, u.ID))(t)
	synced := 0
	for _, g := range groups {
		if g.Synced {
			synced += g.Count
		}
	}
	if synced != 1 || len(groups) != 3 {
		t.Errorf("in Outlook are %d of %+v", synced, groups)
	}
	u = does(hand)
	if u.Counts != (massupdate.Counts{Changed: 2, Same: 1}) {
		t.Errorf("%+v", u.Counts)
	}
	for id, r := range read() {
		if r.Owner != w.bob || r.Mark != crm.NoMark {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if l := w.reload(link); l.Wanted <= l.Done {
		t.Error("the former owner's sync is not woken")
	}
	w.update(w.by(w.bob), read()[rows[0].ID], func(r *crm.Record) { r.Fields[record.Title] = "CEO" })
	if u = undo(u); u.Counts.Restored != 2 || read()[rows[0].ID].Owner != w.ana || read()[rows[0].ID].Fields[record.Title] != "CEO" || read()[rows[2].ID].Owner != w.bob {
		t.Errorf("%+v: %+v", u.Counts, read())
	}

	u = does(crm.MassDeed{Do: crm.MassDelete, Field: record.Department, Value: "says nothing"})
	if u.Counts.Changed != 3 || u.Deed != (crm.MassDeed{Do: crm.MassDelete}) || !read()[rows[0].ID].Deleted() || read()[rows[0].ID].DeletedBy != w.ana {
		t.Errorf("%+v: %+v", u, read())
	}
	w.update(w.by(w.bob), read()[rows[2].ID], func(r *crm.Record) { r.DeletedAt = w.clock.Now(); r.DeletedBy = w.bob })
	if u = undo(u); u.Counts.Restored != 2 || u.Counts.Kept != 1 || read()[rows[0].ID].Deleted() || !read()[rows[2].ID].Deleted() {
		t.Errorf("%+v: %+v", u.Counts, read())
	}
	if r := read()[rows[1].ID]; r.Fields[record.Tag] != "fair\nold\nvip" || r.DeletedBy != 0 || r.RestoredAt.IsZero() {
		t.Errorf("restored as %+v", r)
	}

	// Who may not delete, deletes nothing; what is no deed is none.
	ana.Contacts.Delete = record.Own
	w.update(w.by(w.bob), read()[rows[2].ID], func(r *crm.Record) { r.DeletedAt, r.DeletedBy = time.Time{}, 0 })
	if u = does(crm.MassDeed{Do: crm.MassDelete}); u.Counts.Changed != 2 || u.Counts.Failed != 1 {
		t.Errorf("%+v", u.Counts)
	}
	for _, wrong := range []crm.MassDeed{{Do: "burn"}, {Do: crm.MassTag, Value: " \n "}, {Do: crm.MassOwner, Value: "nobody"}, {}} {
		if _, err := d.Prepare(ctx, ana, record.Contacts, crm.Query{}, wrong); wrong.Do != crm.MassOwner && !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// An event that Outlook has invited people to stays where it is: a bulk deed asks nobody about mails.
func testMassDeedsMailNobody(t *testing.T, w *world) {
	ctx, s := t.Context(), w.MassUpdates()
	d, ana, c := w.updater(s)
	ana.Events = record.Full
	d.Actor = func(context.Context, record.ID, record.ID) (crm.Actor, error) { return ana, nil }
	c.KnowCalendars(func(context.Context, record.ID, record.ID) (crm.Calendar, error) { return crm.Calendar{Link: 7}, nil })
	invites := func(a record.Attendance) func(*crm.Record) {
		return func(r *crm.Record) {
			r.Mailing.Link, r.Fields[record.Attendees] = 7, a.Value()
		}
	}
	guest := []record.Attendee{{Address: "bia@example.com"}}
	const from, to = "2026-11-24T09:00:00-03:00", "2026-11-24T10:00:00-03:00"
	rows := w.insert(w.ana, w.event(w.ana, "plain", from, to), w.event(w.ana, "meeting", from, to, invites(record.Attendance{People: guest})),
		w.event(w.ana, "somebody else's", from, to, invites(record.Attendance{Organizer: "Al <al@example.com>", People: guest})))
	for _, deed := range []crm.MassDeed{{Do: crm.MassOwner, Value: record.Value(w.bob.String())}, {Do: crm.MassDelete}} {
		u := must(d.Prepare(ctx, ana, record.Calendar, crm.Query{IDs: []record.ID{rows[0].ID, rows[1].ID, rows[2].ID}}, deed))(t)
		if off, err := d.CallsOff(ctx, ana, u); len(off.Events) != 1 || off.More || off.Own != 1 || !slices.Equal(off.People, []string{"bia@example.com"}) || err != nil {
			t.Errorf("%s: %+v %v", deed.Do, off, err)
		}
		ok(t, d.Start(ctx, u))
		ok(t, d.Work(ctx, w.ours, u.ID))
		u = must(s.Update(ctx, w.ours, u.ID))(t)
		failed := must(s.Lines(ctx, w.ours, u.ID, massupdate.Failed, 0, 9))(t)
		if u.Counts.Changed != 2 || len(failed) != 1 || failed[0].Record != rows[1].ID || failed[0].Reason != fault.WouldMail {
			t.Errorf("%s: %+v, %+v", deed.Do, u.Counts, failed)
		}
		ok(t, d.Undo(ctx, u))
		ok(t, d.Work(ctx, w.ours, u.ID))
		if u = must(s.Update(ctx, w.ours, u.ID))(t); u.Counts.Restored != 2 {
			t.Errorf("%s taken back: %+v", deed.Do, u.Counts)
		}
	}
}

// With its owner's word an event that people are invited to leaves its calendar, and carries that word for just those who were named. Others'
// events, and those to which others are invited by then, stay.
func testMassDeedsMailByWord(t *testing.T, w *world) {
	ctx, s := t.Context(), w.MassUpdates()
	d, ana, c := w.updater(s)
	ana.Events = record.Full
	d.Actor = func(context.Context, record.ID, record.ID) (crm.Actor, error) { return ana, nil }
	c.KnowCalendars(func(_ context.Context, _, user record.ID) (crm.Calendar, error) {
		if user == w.ana {
			return crm.Calendar{Link: 7}, nil
		}
		return crm.Calendar{Link: 8}, nil
	})
	invites := func(link int64, guest string) func(*crm.Record) {
		return func(r *crm.Record) {
			r.Mailing = crm.Mailing{Link: link, Invited: true}
			r.Fields[record.Attendees] = record.Attendance{People: []record.Attendee{{Address: guest}}}.Value()
		}
	}
	const from, to = "2026-11-24T09:00:00-03:00", "2026-11-24T10:00:00-03:00"
	for _, deed := range []crm.MassDeed{{Do: crm.MassOwner, Value: record.Value(w.bob.String())}, {Do: crm.MassDelete}} {
		rows := w.insert(w.ana, w.event(w.ana, "plain", from, to), w.event(w.ana, "meeting", from, to, invites(7, "bia@example.com")),
			w.event(w.ana, "changed", from, to, invites(7, "caio@example.com")), w.event(w.bob, "bob's", from, to, invites(8, "dora@example.com")))
		ids := []record.ID{rows[0].ID, rows[1].ID, rows[2].ID}
		if deed.Do == crm.MassDelete { // handed to bob, what is his would be no change
			ids = append(ids, rows[3].ID)
		}
		u := must(d.Prepare(ctx, ana, record.Calendar, crm.Query{IDs: ids}, deed))(t)
		off := must(d.CallsOff(ctx, ana, u))(t)
		if len(off.Events) != len(ids)-1 || off.Own != 2 || !slices.Equal(off.People, []string{"bia@example.com", "caio@example.com"}) {
			t.Fatalf("%s: %+v", deed.Do, off)
		}
		w.update(w.by(w.ana), rows[2], func(r *crm.Record) { invites(7, "eva@example.com")(r) })
		ok(t, d.Agree(ctx, u, off.Events))
		if err := d.Agree(ctx, u, off.Events); !fault.Is(err, fault.Conflict) {
			t.Errorf("agreed to twice: %v", err)
		}
		ok(t, d.Work(ctx, w.ours, u.ID))
		u = must(s.Update(ctx, w.ours, u.ID))(t)
		failed := must(s.Lines(ctx, w.ours, u.ID, massupdate.Failed, 0, 9))(t)
		if u.Counts.Changed != 2 || len(failed) != len(ids)-2 || failed[0].Record != rows[2].ID || failed[0].Reason != fault.WouldMail {
			t.Errorf("%s: %+v, %+v", deed.Do, u.Counts, failed)
		}
		got := must(w.Records().ByID(ctx, w.ours, record.Calendar, ids))(t)
		if a := got[rows[1].ID].Mailing.Agreed; a == nil || !a.Removes || !slices.Equal(a.People, []string{"bia@example.com"}) || a.ID == "" {
			t.Errorf("%s: the word is %+v", deed.Do, a)
		}
		for _, other := range []record.ID{rows[0].ID, rows[2].ID} {
			if got[other].Mailing.Agreed != nil {
				t.Errorf("%s: a word with %+v", deed.Do, got[other])
			}
		}
		ok(t, d.Undo(ctx, u))
		ok(t, d.Work(ctx, w.ours, u.ID))
		if now := must(w.Records().ByID(ctx, w.ours, record.Calendar, ids))(t)[rows[1].ID]; now.Mailing.Agreed != nil || now.Deleted() || now.Owner != w.ana {
			t.Errorf("%s taken back: %+v", deed.Do, now)
		}
	}
}
