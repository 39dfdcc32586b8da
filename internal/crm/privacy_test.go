package crm_test

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// secretMeeting has something to hide in every field.
func secretMeeting(more record.Fields) record.Fields {
	return meeting("Hidden title", "2026-03-11T10:00:00Z", "2026-03-11T11:00:00Z").With(record.Fields{
		record.Venue: "Hidden place", record.Description: "hidden text", record.Tag: "hidden", record.RemindAt: "15",
		record.ShowAs: "oof", record.Importance: "high", record.Sensitivity: "private",
		record.Participants: crm.PeopleValue([]crm.Participant{{Type: crm.EmailTakesPart, Email: "hidden@example.com"}}),
	}).With(more)
}

func TestPrivateEventsShowOthersOnlyWhenTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Calendar, secretMeeting(nil))
	told := func(who record.ID) crm.Record {
		t.Helper()
		got, err := w.Get(t.Context(), person(who), record.Calendar, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		listed, err := w.List(t.Context(), person(who), record.Calendar, crm.Query{From: w.now, To: w.now.AddDate(0, 0, 7)})
		if err != nil || len(listed) != 1 {
			t.Fatalf("listed %+v: %v", listed, err)
		}
		if got.Veiled != listed[0].Veiled || got.Fields[record.EventTitle] != listed[0].Fields[record.EventTitle] {
			t.Errorf("Get tells %+v, List %+v", got, listed[0])
		}
		return got
	}
	if own := told(adele); own.Veiled || own.Fields[record.EventTitle] != "Hidden title" {
		t.Errorf("the owner sees %+v", own)
	}
	others := told(boss)
	want := record.Fields{
		record.Start: "2026-03-11T10:00:00Z", record.End: "2026-03-11T11:00:00Z", record.AllDay: "false",
		record.TimeZone: "America/Sao_Paulo", record.ShowAs: "oof", record.Sensitivity: "private",
	}
	for f, v := range others.Fields {
		if v != want[f] {
			t.Errorf("others see %s = %q, want %q", f, v, want[f])
		}
	}
	if !others.Veiled {
		t.Error("others are not told that there is more")
	}

	// Nobody finds it by what is hidden, nor gets at it by changing it.
	for _, word := range []string{"hidden", "title", "place"} {
		for who, n := range map[record.ID]int{adele: 1, boss: 0} {
			found, err := w.List(t.Context(), person(who), record.Calendar, crm.Query{Search: word})
			counted, err2 := w.Count(t.Context(), person(who), record.Calendar, crm.Query{Search: word})
			if err != nil || err2 != nil || len(found) != n || counted != n {
				t.Errorf("%d finds %d (%d) by %q: %v %v", who, len(found), counted, word, err, err2)
			}
		}
	}
	for name, try := range map[string]func() ([]crm.Result, error){
		"take it": func() ([]crm.Result, error) {
			return w.Update(t.Context(), person(boss), record.Calendar, []crm.Draft{{ID: r.ID, Owner: boss}})
		},
		"publish it": func() ([]crm.Result, error) {
			return w.Update(t.Context(), person(boss), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{record.Sensitivity: "normal"}}})
		},
		"update it with others": func() ([]crm.Result, error) {
			return w.MassUpdate(t.Context(), person(boss), record.Calendar, []record.ID{r.ID}, record.Sensitivity, "normal")
		},
		"delete it": func() ([]crm.Result, error) {
			return w.Delete(t.Context(), person(boss), record.Calendar, []crm.Draft{{ID: r.ID}})
		},
	} {
		got, err := try()
		if err != nil || fault.ReasonOf(got[0].Err) != fault.NotAllowed || got[0].Record.ID != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if told(adele).Version != r.Version {
		t.Error("it was written")
	}

	// In the recycle bin, and beyond, it keeps its secret.
	if got, err := w.Delete(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID}}); err != nil || got[0].Err != nil {
		t.Fatal(err, got[0].Err)
	}
	names := func(who record.ID) string {
		stones, err := w.Deleted(t.Context(), person(who), record.Calendar, time.Time{}, 0, 0)
		if err != nil || len(stones) != 1 {
			t.Fatalf("deleted: %+v, %v", stones, err)
		}
		bin, err := w.List(t.Context(), person(who), record.Calendar, crm.Query{Deleted: true})
		if err != nil {
			t.Fatal(err)
		}
		name := stones[0].Name
		for _, r := range bin {
			name += " " + string(r.Fields[record.EventTitle])
		}
		return strings.TrimSpace(name)
	}
	if got := names(adele); got != "Hidden title Hidden title" {
		t.Errorf("the owner's bin says %q", got)
	}
	if got := names(boss); got != "" {
		t.Errorf("others' bin says %q", got)
	}
	if got, err := w.Destroy(t.Context(), person(boss), record.Calendar, []record.ID{r.ID}); err != nil || fault.ReasonOf(got[0].Err) != fault.NotAllowed {
		t.Errorf("destroying it: %+v, %v", got, err)
	}
	if got, err := w.Destroy(t.Context(), person(adele), record.Calendar, []record.ID{r.ID}); err != nil || got[0].Err != nil {
		t.Fatal(err, got[0].Err)
	}
	if got := names(boss); got != "" {
		t.Errorf("destroyed, it is called %q", got)
	}
}

// One occurrence of a series that everybody may know can be private.
func TestPrivateOccurrencesOfAKnownSeries(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Calendar, meeting("Standup", "2026-03-11T10:00:00Z", "2026-03-11T11:00:00Z").With(record.Fields{
		record.Recurring: "FREQ=DAILY;COUNT=5",
		record.Changed: record.OccurrencesValue([]record.Occurrence{
			{Day: "2026-03-12", Fields: record.Fields{record.Venue: "Room 2"}},
			{Day: "2026-03-13", Fields: record.Fields{record.EventTitle: "Hidden", record.Sensitivity: "confidential"}},
		}),
	}))
	got, err := w.Get(t.Context(), person(boss), record.Calendar, r.ID)
	if err != nil || got.Veiled || got.Fields[record.EventTitle] != "Standup" {
		t.Fatalf("%+v, %v", got, err)
	}
	if v := got.Fields[record.Changed]; v != `{"2026-03-12":{"Venue":"Room 2"},"2026-03-13":{"Sensitivity":"confidential"}}` {
		t.Errorf("others see %s", v)
	}
	update, err := w.Update(t.Context(), person(boss), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{record.Changed: ""}}})
	if err != nil || fault.ReasonOf(update[0].Err) != fault.NotAllowed {
		t.Errorf("changing it: %+v, %v", update, err)
	}
}

// What nobody chose is as usual, and is told so; clearing goes back to it.
func TestShowAsPrivacyAndImportanceHaveAStandard(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.insert(t, adele, record.Calendar, meeting("Visita", "2026-03-11T10:00:00Z", "2026-03-11T11:00:00Z"))
	usual := record.Fields{record.ShowAs: "busy", record.Sensitivity: "normal", record.Importance: "normal"}
	for f, v := range usual {
		if r.Fields[f] != v {
			t.Errorf("%s = %q, want %q", f, r.Fields[f], v)
		}
		for given, want := range map[record.Value]record.Value{"": v, "-None-": v} {
			got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{f: given}}})
			if err != nil || got[0].Err != nil || got[0].Record.Fields[f] != want || got[0].Record.Version != r.Version {
				t.Errorf("%s given %q: %+v, %v", f, given, got, err)
			}
		}
		got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{f: "whatever"}}})
		if err != nil || fault.ReasonOf(got[0].Err) != fault.BadValue {
			t.Errorf("%s given nonsense: %+v, %v", f, got, err)
		}
	}
}

// An event may end in another zone than it starts in, as a flight does.
func TestEventsEndInTheirOwnZone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	flight := func(more record.Fields) record.Fields {
		return meeting("GRU-FRA", "2026-03-11T18:00", "2026-03-12T10:00").With(record.Fields{record.TimeZone: "America/Sao_Paulo"}).With(more)
	}
	for _, c := range []struct {
		name            string
		fields          record.Fields
		end, zone, from record.Value
	}{
		{"another zone", flight(record.Fields{record.EndTimeZone: "Europe/Berlin"}), "2026-03-12T09:00:00Z", "Europe/Berlin", "America/Sao_Paulo"},
		{"a Windows name", flight(record.Fields{record.EndTimeZone: "W. Europe Standard Time"}), "2026-03-12T09:00:00Z", "Europe/Berlin", "America/Sao_Paulo"},
		{"the same zone", flight(record.Fields{record.EndTimeZone: "E. South America Standard Time"}), "2026-03-12T13:00:00Z", "", "America/Sao_Paulo"},
		{"none", flight(nil), "2026-03-12T13:00:00Z", "", "America/Sao_Paulo"},
		{"all day", flight(record.Fields{record.AllDay: "true", record.Start: "2026-03-11", record.End: "2026-03-13", record.EndTimeZone: "Europe/Berlin"}), "2026-03-13", "", ""},
	} {
		r := w.insert(t, adele, record.Calendar, c.fields)
		if r.Fields[record.End] != c.end || r.Fields[record.EndTimeZone] != c.zone || r.Fields[record.TimeZone] != c.from {
			t.Errorf("%s: ends %s in %q, starts in %q", c.name, r.Fields[record.End], r.Fields[record.EndTimeZone], r.Fields[record.TimeZone])
		}
	}
	got, err := w.Insert(t.Context(), person(adele), record.Calendar, []crm.Draft{{Fields: flight(record.Fields{record.EndTimeZone: "Mars/Base"})}})
	if err != nil || fault.As(got[0].Err).Field != string(record.EndTimeZone) {
		t.Errorf("an unknown zone: %+v, %v", got, err)
	}
}
