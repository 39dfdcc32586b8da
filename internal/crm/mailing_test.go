package crm_test

import (
	"context"
	"slices"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// meeting is an event of Adele's to which Megan is invited in the calendar of link 7, as sync has told it.
func (w *world) meeting(t *testing.T) crm.Record {
	t.Helper()
	w.KnowCalendars(func(_ context.Context, _, user record.ID) (crm.Calendar, error) {
		if user == adele {
			return crm.Calendar{Link: 7, Begun: true}, nil
		}
		return crm.Calendar{}, nil
	})
	r := w.insert(t, adele, record.Calendar, record.Fields{record.EventTitle: "Visita", record.Start: "2026-12-01T12:00:00Z", record.End: "2026-12-01T13:00:00Z"})
	return w.told(t, r, record.Attendance{People: []record.Attendee{{Address: "Megan@contoso.example"}}})
}

// told lets sync tell who is invited.
func (w *world) told(t *testing.T, r crm.Record, a record.Attendance) crm.Record {
	t.Helper()
	seen, err := w.side(adele, record.Calendar, 10, false).Read(t.Context(), []record.Ref{r.ID.Ref()})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.side(adele, record.Calendar, 10, false).Apply(t.Context(), []record.Write{{
		Op: record.Update, Ref: r.ID.Ref(), Version: seen[0].Version, Fields: record.Fields{record.Attendees: a.Value()},
	}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	return w.event(t, r.ID)
}

func (w *world) event(t *testing.T, id record.ID) crm.Record {
	t.Helper()
	found, err := w.store.ByID(t.Context(), contoso, record.Calendar, []record.ID{id})
	if err != nil {
		t.Fatal(err)
	}
	return found[id]
}

// agreedNow is the word that sync hears of a record in the calendar of a link.
func (w *world) agreedNow(t *testing.T, link int64, id record.ID) *record.Agreement {
	t.Helper()
	side := w.Side(crm.LinkSide{Org: contoso, User: adele, Kind: record.Calendar, Link: link, Cap: 10})
	seen, err := side.Read(t.Context(), []record.Ref{id.Ref()})
	if err != nil {
		t.Fatal(err)
	}
	return seen[0].Meta.Agreed
}

// TestAWordIsForOneChange: it names whom it is about, holds in one calendar, and goes with the next change by anybody.
func TestAWordIsForOneChange(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.meeting(t)
	draft := crm.Draft{ID: r.ID, Fields: record.Fields{record.Venue: "Sala 2"}}
	m, err := w.WouldMail(t.Context(), person(adele), r, crm.Writes, draft)
	if err != nil || !slices.Equal(m.People, []string{"megan@contoso.example"}) || !m.Own || m.Invites {
		t.Fatalf("it would mail %+v, %v", m, err)
	}
	draft.Mail = &crm.Consent{Link: m.Link, People: m.People}
	if got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{draft}); err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	word := w.agreedNow(t, 7, r.ID)
	if !word.Covers([]string{"MEGAN@contoso.example"}, false, w.now) {
		t.Fatalf("the word is %+v", word)
	}
	if word.Covers([]string{"megan@contoso.example", "lee@contoso.example"}, false, w.now) || word.Covers(m.People, true, w.now) ||
		word.Covers(m.People, false, w.now.Add(record.AgreementLife+1)) {
		t.Error("it covers others, a deletion, or holds for ever")
	}
	if other := w.agreedNow(t, 8, r.ID); other != nil {
		t.Errorf("another calendar hears %+v", other)
	}
	if got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{record.Venue: "Sala 3"}}}); err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	if left := w.agreedNow(t, 7, r.ID); left != nil {
		t.Errorf("after the next change it stands: %+v", left)
	}
}

// TestNobodyAgreesInAnothersName: not by saving, not by deleting, not by Agree.
func TestNobodyAgreesInAnothersName(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.meeting(t)
	consent := &crm.Consent{Link: 7, People: []string{"megan@contoso.example"}}
	if m, err := w.WouldMail(t.Context(), person(boss), r, crm.Writes, crm.Draft{Fields: record.Fields{record.Venue: "x"}}); err != nil || m.Own || len(m.People) != 1 {
		t.Errorf("the boss is told %+v, %v", m, err)
	}
	if got, err := w.Update(t.Context(), person(boss), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{record.Venue: "Sala 2"}, Mail: consent}}); err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	if word := w.agreedNow(t, 7, r.ID); word != nil {
		t.Errorf("saved with the word %+v", word)
	}
	if _, err := w.Agree(t.Context(), person(boss), r.ID, 0, *consent); !fault.Is(err, fault.Denied) {
		t.Errorf("agreed: %v", err)
	}
	if got, err := w.Delete(t.Context(), person(boss), record.Calendar, []crm.Draft{{ID: r.ID, Mail: consent}}); err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	if word := w.agreedNow(t, 7, r.ID); word != nil {
		t.Errorf("deleted with the word %+v", word)
	}
}

// TestWhatAsksNothing: a field that stays in the CRM, and the same values once more.
func TestWhatAsksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.meeting(t)
	who := w.insert(t, adele, record.Contacts, contact("Silva"))
	for _, fields := range []record.Fields{
		{record.WhoID: record.Value(who.ID.String())}, {record.EventTitle: "Visita", record.Start: "2026-12-01T09:00:00-03:00"},
	} {
		if m, err := w.WouldMail(t.Context(), person(adele), r, crm.Writes, crm.Draft{ID: r.ID, Fields: fields}); err != nil || len(m.People) != 0 {
			t.Errorf("%v would mail %+v, %v", fields, m, err)
		}
	}
}

// TestOnlyTheOrganizerChangesAMeeting: whoever is only invited changes what is theirs, and sync what it likes.
func TestOnlyTheOrganizerChangesAMeeting(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.told(t, w.meeting(t), record.Attendance{Organizer: "Alex <alex@contoso.example>", People: []record.Attendee{{Address: "adele@contoso.example"}}})
	change := func(f record.Fields) error {
		got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: f}})
		if err != nil {
			t.Fatal(err)
		}
		return got[0].Err
	}
	guests := crm.PeopleValue([]crm.Participant{{Type: crm.EmailTakesPart, Email: "a@b.example"}})
	if got, err := w.MassUpdate(t.Context(), person(adele), record.Calendar, []record.ID{r.ID}, record.Venue, "x"); err != nil || fault.ReasonOf(got[0].Err) != fault.NotOrganizer {
		t.Errorf("a mass update: %v %v", got, err)
	}
	if got, err := w.AdmitMass(t.Context(), person(adele), record.Calendar, []record.ID{r.ID}, crm.MassSets(record.Venue, "x"), nil); err != nil || fault.ReasonOf(got[0].Err) != fault.NotOrganizer {
		t.Errorf("a mass update in steps: %v %v", got, err)
	}
	if got, err := w.AdmitBack(t.Context(), person(adele), record.Calendar, []crm.Reverted{{ID: r.ID, Before: record.Fields{record.Venue: "x"}, After: record.Fields{record.Venue: r.Fields[record.Venue]}}}); err != nil || fault.ReasonOf(got[0].Err) != fault.NotOrganizer {
		t.Errorf("one taken back: %v %v", got, err)
	}
	theirs := record.Fields{record.Venue: "x", record.EventTitle: "x", record.Start: "2026-12-01T11:00:00Z", record.Participants: guests}
	for field, value := range theirs {
		if err := change(record.Fields{field: value}); fault.ReasonOf(err) != fault.NotOrganizer {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := change(record.Fields{record.ShowAs: "free", record.Tag: "Alex", record.RemindAt: "30", record.Sensitivity: "personal"}); err != nil {
		t.Errorf("their own: %v", err)
	}
	if err := change(record.Fields{record.Attendees: ""}); fault.ReasonOf(err) != fault.ReadOnlyField {
		t.Errorf("who is invited: %v", err)
	}
	if m, err := w.WouldMail(t.Context(), person(adele), w.event(t, r.ID), crm.Removes, crm.Draft{}); err != nil || len(m.People) != 0 {
		t.Errorf("deleting the copy would mail %+v, %v", m, err)
	}
}

// TestARestoredEventInvitesNobody: who was invited has been told that it is off.
func TestARestoredEventInvitesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.meeting(t)
	people := crm.PeopleValue([]crm.Participant{{Type: crm.EmailTakesPart, Email: "megan@contoso.example"}})
	update := crm.Draft{ID: r.ID, Fields: record.Fields{record.Participants: people}, Mail: &crm.Consent{Link: 7, People: []string{"megan@contoso.example"}, Invite: true}}
	if got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{update}); err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	lines := func() record.Value {
		seen, err := w.side(adele, record.Calendar, 10, false).Read(t.Context(), []record.Ref{r.ID.Ref()})
		if err != nil {
			t.Fatal(err)
		}
		return seen[0].Fields[record.Participants]
	}
	if _, invited := record.Lines(lines()); !invited {
		t.Fatalf("they travel as %q", lines())
	}
	for _, do := range []func() ([]crm.Result, error){
		func() ([]crm.Result, error) {
			return w.Delete(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID}})
		},
		func() ([]crm.Result, error) {
			return w.Restore(t.Context(), person(adele), record.Calendar, []record.ID{r.ID})
		},
	} {
		if got, err := do(); err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
	}
	if told, invited := record.Lines(lines()); invited || told != "megan@contoso.example" {
		t.Errorf("restored, they travel as %q", lines())
	}
}
