package outlook

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// FIELD-FAILURES 70: a calendar that Tandem made for a sync, whosever it is, is none that another sync could live in: neither offered nor
// taken if somebody names it. So no calendar is synced with itself, by whatever detour.
func TestFF70_ACalendarOfASyncIsNoneToSyncWith(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mine := r.container(record.Calendar)
	elsewhere := &reconcile.Link{ID: 1, Org: 77, User: 88, Kind: record.Calendar} // of another installation
	theirs, _, err := r.containers().Create(t.Context(), elsewhere, "CRM")
	if err != nil {
		t.Fatal(err)
	}
	r.must(r.actor().Patch("/me/calendars/"+string(theirs), map[string]any{"name": "Harmless"}))
	all, err := Calendars(t.Context(), r.box)
	if err != nil {
		t.Fatal(err)
	}
	fit := 0
	for _, c := range all {
		made := c.ID == mine.Container || c.ID == theirs
		if c.Ours != made || c.Fit && made {
			t.Errorf("%q: ours %v, fit %v", c.Name, c.Ours, c.Fit)
		}
		if c.Fit {
			fit++
		}
	}
	if fit == 0 {
		t.Error("not even the person's own calendar is offered")
	}
	for _, id := range []record.Ref{mine.Container, theirs} {
		for _, from := range []*reconcile.Link{mine, elsewhere, {ID: 9, Org: 1, User: 2, Kind: record.Calendar}} {
			link := *from
			link.Policy.Calendar = id
			if got, _, err := r.containers().Create(t.Context(), &link, "Tandem"); fault.ReasonOf(err) != fault.CalendarUnfit {
				t.Errorf("link %d/%d may live in %s: %q %v", link.Org, link.User, id, got, err)
			}
		}
	}
}

// TestBusy_TellsTimesAndNothingElse: events, series and days of other calendars, without what they are about; nothing is
// asked that would tell it.
func TestBusy_TellsTimesAndNothingElse(t *testing.T) {
	t.Parallel()
	var asked []string
	r := newRig(t, func(o *graph.Options) {
		judge := o.Observe
		o.Observe = func(ex graph.Exchange) {
			asked = append(asked, ex.Request.URL.RawQuery)
			judge(ex)
		}
	})
	r.container(record.Calendar)
	other := r.must(r.actor().Post("/me/calendars", map[string]any{"name": "Private"}))["id"].(string)
	at := func(s string) map[string]any { return map[string]any{"dateTime": s, "timeZone": "UTC"} }
	for _, e := range []map[string]any{
		{"subject": "Doctor", "start": at("2026-11-24T09:00:00"), "end": at("2026-11-24T10:00:00"), "showAs": "oof"},
		{"subject": "Lunch", "start": at("2026-11-24T12:00:00"), "end": at("2026-11-24T13:00:00"), "showAs": "free"},
		{"subject": "Trip", "start": at("2026-11-25T00:00:00"), "end": at("2026-11-27T00:00:00"), "isAllDay": true, "showAs": "busy"},
		{"subject": "Course", "start": at("2026-11-23T18:00:00"), "end": at("2026-11-23T19:00:00"), "showAs": "busy", "recurrence": map[string]any{
			"pattern": map[string]any{"type": "daily", "interval": 1}, "range": map[string]any{"type": "numbered", "startDate": "2026-11-23", "numberOfOccurrences": 3}}},
	} {
		r.must(r.actor().Post("/me/calendars/"+other+"/events", e))
	}
	all, err := Calendars(t.Context(), r.box)
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	var id record.Ref
	for _, c := range all {
		if c.Ours {
			ours++
		}
		if c.Name == "Private" {
			id = c.ID
		}
	}
	if ours != 1 || id == "" {
		t.Fatalf("calendars are %+v", all)
	}
	lost := r.must(r.actor().Post("/me/calendars", map[string]any{"name": "Lost"}))["id"].(string)
	r.must(r.actor().Delete("/me/calendars/" + lost))
	asked = nil
	from := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	spans, err := Busy(t.Context(), r.box, []record.Ref{id, record.Ref(lost)}, from, from.AddDate(0, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range spans {
		got = append(got, s.From.Format("02T15")+"-"+s.To.Format("02T15")+" "+s.ShowAs)
	}
	if want := "24T09-24T10 oof, 24T18-24T19 busy, 25T00-27T00 busy, 25T18-25T19 busy"; strings.Join(got, ", ") != want {
		t.Errorf("busy %q, want %q", strings.Join(got, ", "), want)
	}
	for _, q := range asked {
		if strings.Contains(q, "subject") || strings.Contains(q, "body") || !strings.Contains(q, "select") {
			t.Errorf("asked %s", q)
		}
	}
}
