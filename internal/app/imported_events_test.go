package app_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"tandem/internal/intake"
	"tandem/internal/record"
)

// bringsCalendar has a person import a file of events, each given as its lines.
func (c *client) bringsCalendar(events ...string) {
	c.t.Helper()
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a test//EN\r\n")
	for _, lines := range events {
		b.WriteString("BEGIN:VEVENT\r\n" + strings.ReplaceAll(lines, "\n", "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	u := c.user()
	i, err := c.app.Imports.Receive(context.Background(), u.Org, u.ID, record.Calendar, "a.ics", "America/Sao_Paulo", true, strings.NewReader(b.String()), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.app.Imports.Begin(context.Background(), i); err != nil {
		c.t.Fatal(err)
	}
	c.eventually("the file is imported", func() bool { return c.broughtSoFar(i.ID).State == intake.Done })
	if got := c.broughtSoFar(i.ID).Counts; got.Created != len(events) {
		c.t.Fatalf("imported are %+v", got)
	}
}

// S20, FIELD-FAILURES 45: Adele imports what she had exported from Outlook, then connects the very calendar. Each event is there
// once, known by what calendar files call it, or else by its title and time; what may be several is asked, and what is only in the
// file stays out of Outlook.
func TestFF45_AnImportedEventThatIsInOnesOwnCalendarIsNotDoubled(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	brazil := "E. South America Standard Time"
	series := doc{"pattern": doc{"type": "weekly", "interval": 1, "daysOfWeek": []string{"thursday"}}, "range": doc{"type": "noEnd", "startDate": "2031-05-08"}}
	adele.noted(doc{"subject": "Moved since", "start": at("2031-05-05T09:00:00", brazil), "end": at("2031-05-05T10:00:00", brazil)})
	adele.noted(doc{"subject": "Visita à Fábrica", "start": at("2031-05-06T09:00:00", brazil), "end": at("2031-05-06T10:00:00", brazil), "location": doc{"displayName": "Sala 3"}})
	adele.noted(doc{"subject": "Weekly", "start": at("2031-05-08T09:00:00", brazil), "end": at("2031-05-08T10:00:00", brazil), "recurrence": series})
	adele.noted(doc{"subject": "Twice in the file", "start": at("2031-05-09T09:00:00", brazil), "end": at("2031-05-09T10:00:00", brazil)})
	adele.noted(doc{"subject": "Holiday", "isAllDay": true, "start": at("2031-05-10T00:00:00", brazil), "end": at("2031-05-11T00:00:00", brazil)})
	adele.noted(doc{"subject": "Only in Outlook"})
	before := adele.agenda()
	uid := func(subject string) string { return fmt.Sprint(before[subject]["iCalUId"]) }
	when := func(day int) string {
		return fmt.Sprintf("\nDTSTART;TZID=America/Sao_Paulo:203105%02dT090000\nDTEND;TZID=America/Sao_Paulo:203105%02dT100000", day, day)
	}
	adele.bringsCalendar(
		"UID:"+uid("Moved since")+"\nSUMMARY:Before it was moved"+when(2),
		"UID:1@elsewhere.example\nSUMMARY:VISITA A FABRICA"+when(6)+"\nDESCRIPTION:from the file",
		"UID:"+uid("Weekly")+"\nSUMMARY:Weekly"+when(8)+"\nRRULE:FREQ=WEEKLY;BYDAY=TH",
		"UID:2@elsewhere.example\nSUMMARY:Twice in the file"+when(9),
		"UID:3@elsewhere.example\nSUMMARY:Twice in the file"+when(9),
		"UID:4@elsewhere.example\nSUMMARY:Holiday\nDTSTART;VALUE=DATE:20310510\nDTEND;VALUE=DATE:20310511",
		"UID:5@elsewhere.example\nSUMMARY:Only in the file"+when(12),
	)
	adele.syncOwn(adele.own())
	for round := range 2 {
		d.eventually("what can be told is in step", func() bool { return adele.link("calendar")["synced"] == 5.0 })
		adele.settled("calendar")
		titles := map[string]int{}
		for id := range adele.list("Events", "id") {
			titles[fmt.Sprint(adele.get("Events", id)["Event_Title"])]++
		}
		moved := map[bool]string{true: "Moved since", false: "Before it was moved"}[titles["Moved since"] == 1] // whichever is later
		visit := map[bool]string{true: "Visita à Fábrica", false: "VISITA A FABRICA"}[titles["Visita à Fábrica"] == 1]
		want := map[string]int{moved: 1, visit: 1, "Weekly": 1, "Twice in the file": 2, "Holiday": 1, "Only in Outlook": 1, "Only in the file": 1}
		if !maps.Equal(titles, want) {
			t.Fatalf("round %d: the CRM has %v, not %v", round, titles, want)
		}
		if asked := adele.asked("calendar"); len(asked) != 1 || len(asked[0]["matches"].([]any)) != 2 {
			t.Fatalf("round %d: asked is %v", round, asked)
		}
		if n := len(adele.agenda()); n != 6 {
			t.Fatalf("round %d: Outlook has %v", round, names(adele.agenda()))
		}
		if r := adele.event(visit); r["Venue"] != "Sala 3" || r["Description"] != "from the file" {
			t.Errorf("round %d: the visit is %v", round, r)
		}
		adele.restOf("calendar")
		if round == 0 {
			adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
			d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
			if n := len(adele.agenda()); n != 6 {
				t.Fatalf("switched off, Outlook has %v", names(adele.agenda()))
			}
			adele.call("POST", "/api/v1/links", doc{"kind": "calendar", "calendar": adele.own()}, 201)
		}
	}
}

// S20: an event that was imported, and that its person then puts into the dedicated calendar, is one event: it takes part from then
// on, also after switching off and on.
func TestS20_AnImportedEventThatIsPutIntoTheCalendarIsOneEvent(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.bringsCalendar(
		"UID:1@elsewhere.example\nSUMMARY:Fair\nDTSTART;VALUE=DATE:20310506\nDTEND;VALUE=DATE:20310508\nDESCRIPTION:from the file",
		"UID:2@elsewhere.example\nSUMMARY:Other\nDTSTART;VALUE=DATE:20310506\nDTEND;VALUE=DATE:20310508",
	)
	adele.switchOn("calendar")
	adele.restOf("calendar")
	if got := adele.items("calendar", "subject"); len(got) != 0 {
		t.Fatalf("imported events are in Outlook: %v", names(got))
	}
	status, made := d.as("adele").Post(adele.container("calendar")+"/events", doc{
		"subject": "fair", "isAllDay": true, "start": at("2031-05-06T00:00:00", "UTC"), "end": at("2031-05-08T00:00:00", "UTC"), "location": doc{"displayName": "Hall 4"},
	})
	if status != 201 {
		t.Fatal(status, made)
	}
	for round := range 2 {
		adele.inStep(1)
		adele.restOf("calendar")
		if all := adele.list("Events", "id"); len(all) != 2 {
			t.Fatalf("round %d: the CRM has %v", round, all)
		}
		items := adele.items("calendar", "id")
		if len(items) != 1 {
			t.Fatalf("round %d: Outlook has %v", round, items)
		}
		for _, item := range items {
			if item["location"].(doc)["displayName"] != "Hall 4" || !strings.Contains(fmt.Sprint(item["body"]), "from the file") {
				t.Errorf("round %d: in Outlook is %v", round, item)
			}
		}
		if round == 0 {
			adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
			d.eventually("the calendar is gone", func() bool { return adele.link("calendar") == nil && adele.container("calendar") == "" })
			adele.call("POST", "/api/v1/links", doc{"kind": "calendar"}, 201)
		}
	}
}

// FIELD-FAILURES 45, 104: a meeting that was exported from Outlook with the people who are invited to it, imported, and found again in the
// connected calendar, is one event. Nobody is mailed, nothing is held back, and its people are not in its text besides.
func TestFF45_FF104_AnImportedMeetingMailsNobody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	brazil := "E. South America Standard Time"
	adele.noted(doc{"subject": "Rodada", "start": at("2031-05-05T09:00:00", brazil), "end": at("2031-05-05T10:00:00", brazil),
		"attendees": []doc{{"type": "required", "emailAddress": doc{"address": "megan@contoso.example", "name": "Megan Bowen"}}, {"type": "required", "emailAddress": doc{"address": "out@side.example"}}}})
	d.mailed(2, "two invitations, by hand")
	before := adele.agenda()["Rodada"]
	adele.bringsCalendar("UID:" + fmt.Sprint(before["iCalUId"]) + "\nSUMMARY:Rodada\nDTSTART;TZID=America/Sao_Paulo:20310505T090000\nDTEND;TZID=America/Sao_Paulo:20310505T100000" +
		"\nATTENDEE;CN=Megan Bowen;PARTSTAT=ACCEPTED:mailto:megan@contoso.example\nATTENDEE:mailto:out@side.example")
	imported := adele.event("Rodada")
	if list, _ := imported["Participants"].([]any); len(list) != 2 {
		t.Fatalf("imported is %v", imported)
	}
	adele.syncOwn(adele.own())
	adele.inStep(1)
	adele.restOf("calendar")
	if n := len(adele.list("Events", "id")); n != 1 {
		t.Errorf("the CRM has %d events", n)
	}
	if now := adele.agenda()["Rodada"]; len(adele.agenda()) != 1 || now["changeKey"] != before["changeKey"] {
		t.Errorf("Outlook has %v", now)
	}
	d.noMails()
}
