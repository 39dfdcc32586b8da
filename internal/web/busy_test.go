package web

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// fakeElsewhere is somebody's other calendars.
type fakeElsewhere struct {
	refuse error
	asked  []record.Ref
}

func (f *fakeElsewhere) Calendars(context.Context, account.User) ([]OtherCalendar, error) {
	var out []OtherCalendar
	for _, name := range []string{"Calendar", "Family", "Club", "Room", "Choir", "Team"} {
		out = append(out, OtherCalendar{ID: record.Ref("id-" + name), Name: name, Fit: name == "Calendar" || name == "Family", Default: name == "Calendar"})
	}
	return out, f.refuse
}

func (f *fakeElsewhere) Busy(_ context.Context, _ account.User, calendars []record.Ref, from, _ time.Time) ([]BusyTime, error) {
	f.asked = calendars
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	return []BusyTime{
		{From: day.Add(12 * time.Hour), To: day.Add(13 * time.Hour), ShowAs: "oof"}, {From: day, To: day.AddDate(0, 0, 2), AllDay: true, ShowAs: "busy"},
	}, f.refuse
}

// TestBusy_IsShownToItsOwnerAlone: chosen calendars show as blocks behind the events of one's own calendar, and under the agenda.
func TestBusy_IsShownToItsOwnerAlone(t *testing.T) {
	t.Parallel()
	const adele, options, feed = "adele@contoso.example", marketplacePath + "/calendar/options", "/calendar/events?start=2026-11-23T00:00:00&end=2026-11-30T00:00:00&owner="
	w := newWorld(t)
	other := &fakeElsewhere{}
	w.site.Elsewhere = other
	b := w.as(adele)
	if got := b.get(feed + "mine"); got.body != "[]" || other.asked != nil {
		t.Errorf("nothing was chosen, yet: %s", got.body)
	}
	if got := b.get(options); strings.Count(got.body, `name="calendar"`) != 6 {
		t.Fatalf("to choose from:\n%s", got.text())
	}
	save := marketplacePath + "/calendar/busy"
	if got := b.post(save, "calendar", "id-Calendar", "calendar", "id-Family", "calendar", "id-Club", "calendar", "id-Room", "calendar", "id-Choir", "calendar", "id-Team"); !strings.Contains(got.text(), "five calendars at most") {
		t.Errorf("six calendars: %s", got.text())
	}
	if got := b.post(save, "calendar", "id-Family", "calendar", "somebody-elses"); !strings.Contains(got.body, `value="id-Family" checked`) {
		t.Fatalf("chosen:\n%s", got.text())
	}
	got := b.get(feed + "mine")
	if len(other.asked) != 1 || other.asked[0] != "id-Family" || strings.Count(got.body, `"display":"background"`) != 2 ||
		!strings.Contains(got.body, `"title":"Away","start":"2026-11-24T09:00:00","end":"2026-11-24T10:00:00"`) ||
		!strings.Contains(got.body, `"start":"2026-11-24T00:00:00","end":"2026-11-26T00:00:00","allDay":true`) {
		t.Errorf("the feed is %s of %v", got.body, other.asked)
	}
	if got := b.get("/calendar?view=agenda&date=2026-11-23"); !strings.Contains(got.body, `id="busy"`) || !strings.Contains(got.text(), "Away") {
		t.Errorf("the agenda:\n%s", got.text())
	}
	if got := b.get(feed + "all"); strings.Contains(got.body, "background") {
		t.Errorf("among everybody's events: %s", got.body)
	}
	if got := w.as("admin@contoso.example").get(feed + w.users[adele].ID.String()); strings.Contains(got.body, "background") {
		t.Errorf("a colleague is told %s", got.body)
	}

	// Which way the sync goes and what was chosen here do not undo each other.
	b.post(options, "direction", "to_crm", "do", "save")
	if got := b.get(options); !strings.Contains(got.body, `value="id-Family" checked`) || !strings.Contains(got.body, `value="to_crm" checked`) {
		t.Errorf("afterwards:\n%s", got.text())
	}

	other.refuse = fault.New(fault.Unavailable, "", "away")
	if got := b.get("/calendar?view=agenda&date=2026-11-23"); got.status != 200 || !strings.Contains(got.text(), "does not say right now") {
		t.Errorf("Outlook is away: %d\n%s", got.status, got.text())
	}
	if got := b.get(feed + "mine"); got.status != 200 || got.body != "[]" {
		t.Errorf("the feed while Outlook is away: %d %s", got.status, got.body)
	}
	if got := b.post(save); !strings.Contains(got.text(), "nothing was changed") {
		t.Errorf("saved while Outlook is away: %s", got.text())
	}
	other.refuse = errors.Join(fault.New(fault.Denied, fault.ConsentRequired, "never"))
	if got := b.get(options); !strings.Contains(got.text(), "Enable the sync of the calendar first") {
		t.Errorf("never connected:\n%s", got.text())
	}
}

// choose has a user's calendar show when the user is busy by another one.
func choose(w *world, upn string, id record.Ref) error {
	u := w.users[upn]
	return reconcile.ChooseBusy(context.Background(), w.store.Links(), u.Org, u.ID, []record.Ref{id})
}
