package web

import (
	"context"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// meetingLink is the link by which everybody's calendar is synced in tests of mails.
const meetingLink = 70

// meeting is an event to which people are invited in Outlook, as sync has told it.
func (w *world) meeting(upn string, a record.Attendance) crm.Record {
	w.t.Helper()
	w.crm.KnowCalendars(func(context.Context, record.ID, record.ID) (crm.Calendar, error) {
		return crm.Calendar{Link: meetingLink, Begun: true}, nil
	})
	r := w.event(upn, record.Fields{record.EventTitle: "Reunião", record.Start: "2026-11-27T09:00", record.End: "2026-11-27T10:00", record.TimeZone: "America/Sao_Paulo"})
	u := w.users[upn]
	side := w.crm.Side(crm.LinkSide{Org: u.Org, User: u.ID, Kind: record.Calendar, Link: meetingLink, Cap: 10})
	seen, err := side.Read(context.Background(), []record.Ref{r.ID.Ref()})
	w.must(err)
	out, err := side.Apply(context.Background(), []record.Write{{
		Op: record.Update, Ref: r.ID.Ref(), Version: seen[0].Version, Fields: record.Fields{record.Attendees: a.Value()},
	}})
	w.must(err)
	w.must(out[0].Err)
	r, err = w.crm.Get(context.Background(), w.actor(upn), record.Calendar, r.ID)
	w.must(err)
	return r
}

// TestMail_NothingIsDoneBeforeItIsSaid: moving and deleting a meeting say first how many people get mail, and who; a yes that
// is not to just these people does nothing.
func TestMail_NothingIsDoneBeforeItIsSaid(t *testing.T) {
	t.Parallel()
	const adele = "adele@contoso.example"
	w := newWorld(t)
	r := w.meeting(adele, record.Attendance{People: []record.Attendee{{Address: "megan@contoso.example"}, {Address: "rita@fabrica.example"}}})
	b, path := w.as(adele), "/calendar/"+r.ID.String()
	now := func() crm.Record {
		t.Helper()
		found, err := w.store.Records().ByID(t.Context(), r.Org, record.Calendar, []record.ID{r.ID})
		w.must(err)
		return found[r.ID]
	}
	if got := b.post(path+"/move", "start", "2026-11-27T11:00", "end", "2026-11-27T12:00", "version", "2"); got.status != 409 ||
		!strings.Contains(got.body, "rita@fabrica.example") || now().Version != r.Version {
		t.Errorf("moved: %d %s", got.status, got.body)
	}
	for _, mail := range []string{"", "yes", "1"} {
		got := b.post(path+"/delete", "delete", "1", "mail", mail)
		if got.status != 409 || !strings.Contains(got.text(), "mails 2 people") || now().Deleted() {
			t.Fatalf("deleted by %q: %d %s", mail, got.status, got.text())
		}
	}
	if got := b.post(path+"/mail", "version", "2", "mail", "yes"); got.path != path || now().Mailing.Agreed != nil {
		t.Errorf("agreed by a made-up yes: %d at %s", got.status, got.path)
	}
	if got := b.post(path+"/delete", "delete", "1", "mail", "no"); got.path != "/calendar" || !now().Deleted() || now().Mailing.Agreed != nil {
		t.Errorf("only here: %d at %s, %+v", got.status, got.path, now().Mailing)
	}
}
