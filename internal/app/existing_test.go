package app_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// own is the id of the calendar in which a person's new events land.
func (c *client) own() string {
	c.t.Helper()
	_, calendar := c.as(c.name).Get("/me/calendar")
	return calendar["id"].(string)
}

// noted makes an event in the person's own calendar, as people do in Outlook.
func (c *client) noted(event doc) string {
	c.t.Helper()
	body := doc{"start": at("2031-05-06T14:00:00", "UTC"), "end": at("2031-05-06T15:00:00", "UTC")}
	maps.Copy(body, event)
	status, made := c.as(c.name).Prefer(`IdType="ImmutableId"`).Post("/me/events", body)
	if status != 201 {
		c.t.Fatal(status, made)
	}
	return made["id"].(string)
}

// agenda is what the person's own calendar holds, by subject.
func (c *client) agenda() map[string]doc {
	c.t.Helper()
	_, page := c.as(c.name).Prefer(`IdType="ImmutableId"`).Get("/me/calendar/events?$top=999")
	out := map[string]doc{}
	for _, item := range page["value"].([]any) {
		subject := fmt.Sprint(item.(doc)["subject"])
		if out[subject] != nil {
			c.t.Errorf("%q is in %s's calendar twice", subject, c.name)
		}
		out[subject] = item.(doc)
	}
	return out
}

// syncOwn switches the sync of the calendar on in a calendar that the person has already.
func (c *client) syncOwn(calendar string) {
	c.t.Helper()
	want := doc{"kind": "calendar", "calendar": calendar}
	if told := c.call("POST", "/api/v1/links", want, 409); told["code"] == "CONSENT_REQUIRED" {
		c.consent(told["url"].(string))
	} else {
		c.t.Fatalf("switch on: %v", told)
	}
	if c.link("calendar") != nil {
		c.t.Fatal("it was switched on before anybody saw what it would do")
	}
	if l := c.call("POST", "/api/v1/links", want, 201); l["calendar"] != calendar {
		c.t.Fatalf("the link is %v", l)
	}
	c.settled("calendar")
}

func names(all map[string]doc) []string { return slices.Sorted(maps.Keys(all)) }

// S14, S15, by choice: a calendar that the person has already takes part in place of a dedicated one. What is there is matched
// and never doubled; what was over stays out until it is changed; switched off, only what Tandem made goes, and what came from
// Outlook stays, on both sides. Nobody is written to.
func TestS15_ACalendarOfOnesOwnTakesPart(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events",
		doc{"Event_Title": "Visita à Fábrica", "Start_DateTime": "2031-05-05T09:00:00-03:00", "End_DateTime": "2031-05-05T10:00:00-03:00", "Venue": "Sala 2"},
		doc{"Event_Title": "Só no CRM", "Start_DateTime": "2031-05-07T09:00:00-03:00", "End_DateTime": "2031-05-07T10:00:00-03:00"},
		doc{"Event_Title": "Antiga nos dois", "Start_DateTime": "2019-05-07T09:00:00-03:00", "End_DateTime": "2019-05-07T10:00:00-03:00"},
		doc{"Event_Title": "Reunião semanal", "Start_DateTime": "2031-05-08T09:00:00-03:00", "End_DateTime": "2031-05-08T10:00:00-03:00",
			"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=TH;DTSTART=2031-05-08;COUNT=6"}},
	)
	brazil := "E. South America Standard Time"
	visit := adele.noted(doc{"subject": "visita a fabrica", "start": at("2031-05-05T09:00:00", brazil), "end": at("2031-05-05T10:00:00", brazil)})
	adele.noted(doc{"subject": "Antiga nos dois", "start": at("2019-05-07T09:00:00", brazil), "end": at("2019-05-07T10:00:00", brazil)})
	adele.noted(doc{"subject": "Reunião semanal", "start": at("2031-05-08T09:00:00", brazil), "end": at("2031-05-08T10:00:00", brazil), "recurrence": doc{
		"pattern": doc{"type": "weekly", "interval": 1, "daysOfWeek": []string{"thursday"}}, "range": doc{"type": "numbered", "startDate": "2031-05-08", "numberOfOccurrences": 6}}})
	past := adele.noted(doc{"subject": "Past", "start": at("2019-05-05T09:00:00", "UTC"), "end": at("2019-05-05T10:00:00", "UTC")})
	adele.noted(doc{"subject": "Past days", "isAllDay": true, "start": at("2019-05-05T00:00:00", "UTC"), "end": at("2019-05-07T00:00:00", "UTC")})
	adele.noted(doc{"subject": "Past series", "start": at("2019-05-06T09:00:00", "UTC"), "end": at("2019-05-06T10:00:00", "UTC"), "recurrence": doc{
		"pattern": doc{"type": "daily", "interval": 1}, "range": doc{"type": "endDate", "startDate": "2019-05-06", "endDate": "2019-06-01"}}})
	adele.noted(doc{"subject": "Birthday", "isAllDay": true, "sensitivity": "private", "start": at("2019-05-06T00:00:00", "UTC"), "end": at("2019-05-07T00:00:00", "UTC"), "recurrence": doc{
		"pattern": doc{"type": "absoluteYearly", "interval": 1, "dayOfMonth": 6, "month": 5}, "range": doc{"type": "noEnd", "startDate": "2019-05-06"}}})
	adele.noted(doc{"subject": "Dentist"})
	before := adele.agenda()

	adele.syncOwn(adele.own())
	if adele.container("calendar") != "" {
		t.Error("there is a dedicated calendar, too")
	}
	adele.inStep(6)
	inCRM := []string{"Antiga nos dois", "Birthday", "Dentist", "Reunião semanal", "Só no CRM"}
	crm := names(adele.list("Events", "Event_Title"))
	crm = slices.DeleteFunc(crm, func(s string) bool { return s == "Visita à Fábrica" || s == "visita a fabrica" })
	if !slices.Equal(crm, inCRM) || len(adele.list("Events", "id")) != 6 {
		t.Fatalf("in the CRM are %v", crm)
	}
	if adele.event("Birthday")["Sensitivity"] != "private" {
		t.Errorf("the private one is %v", adele.event("Birthday"))
	}
	agenda := adele.agenda()
	if len(agenda) != len(before)+1 || agenda["Só no CRM"] == nil {
		t.Fatalf("in Outlook are %v", names(agenda))
	}
	out := adele.standings("excluded")
	if len(out) == 0 || adele.link("calendar")["excluded"] != 3.0 {
		t.Errorf("left out are %v of %v", out, adele.link("calendar"))
	}
	for _, r := range out {
		if r["reason"] != string(fault.BeforeSync) {
			t.Errorf("left out: %v", r)
		}
	}
	adele.restOf("calendar")

	// Busy times leave it out: what is in it the CRM shows as events.
	choices := d.app.Store.Links()
	if err := reconcile.ChooseBusy(t.Context(), choices, adele.user().Org, adele.user().ID, []record.Ref{record.Ref(adele.own())}); err != nil {
		t.Fatal(err)
	}
	if _, page := adele.signedIn("/calendar/events?start=2031-05-01T00:00:00&end=2031-06-01T00:00:00&owner=mine"); strings.Contains(page.Text, `"display":"background"`) {
		t.Errorf("the calendar shows busy times of itself: %s", page.Text)
	}

	// What was left out comes in when it is changed; what is new comes in, whenever it is.
	adele.replan(past, doc{"location": doc{"displayName": "changed"}})
	adele.noted(doc{"subject": "Noted later", "start": at("2019-05-05T09:00:00", "UTC"), "end": at("2019-05-05T10:00:00", "UTC")})
	adele.replan(visit, doc{"location": doc{"displayName": "Sala 3"}})
	adele.inStep(8)
	if adele.event("Past")["Venue"] != "changed" || adele.event("Noted later") == nil {
		t.Errorf("in the CRM are %v", names(adele.list("Events", "Event_Title")))
	}
	adele.restOf("calendar")

	id := adele.link("calendar")["id"].(string)
	if told := adele.call("PATCH", "/api/v1/links/"+id, doc{"calendar": nil}, 409); told["code"] != "SYNC_IS_ON" {
		t.Errorf("another calendar for a running sync: %v", told)
	}
	total := len(adele.list("Events", "id"))
	for round := range 2 {
		adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
		d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
		want := append(names(before), "Noted later")
		slices.Sort(want)
		got := slices.DeleteFunc(names(adele.agenda()), func(s string) bool { return s == "Visita à Fábrica" })
		want = slices.DeleteFunc(want, func(s string) bool { return s == "visita a fabrica" && adele.agenda()[s] == nil })
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: Outlook has %v, want %v", round, got, want)
		}
		if n := len(adele.list("Events", "id")); n != total {
			t.Fatalf("round %d: %d events in the CRM, want %d", round, n, total)
		}
		adele.call("POST", "/api/v1/links", doc{"kind": "calendar", "calendar": adele.own()}, 201)
		adele.inStep(total)
		if n := len(adele.list("Events", "id")); n != total {
			t.Fatalf("round %d: on again, %d events in the CRM, want %d", round, n, total)
		}
		adele.restOf("calendar")
	}
}

// D4, in a calendar of one's own: no write of sync ever touches a meeting, one's own or somebody else's, whatever happens in
// the CRM and when the sync ends. A colleague's meeting is the colleague's record (FIELD-FAILURES 44).
func TestD4FF44_MeetingsInACalendarOfOnesOwnAreNeverWritten(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, alex := d.client("adele"), d.client("alex")
	guests := []doc{{"emailAddress": doc{"address": "alex@contoso.example"}, "type": "required"}, {"emailAddress": doc{"address": "bruno@fabrikam.example"}, "type": "optional"}}
	d.mails = 2
	adele.noted(doc{"subject": "Board", "attendees": guests})
	adele.noted(doc{"subject": "Series", "attendees": guests[:0], "start": at("2031-05-06T09:00:00", "UTC"), "end": at("2031-05-06T10:00:00", "UTC")})
	adele.syncOwn(adele.own())
	alex.syncOwn(alex.own())
	adele.inStep(2)
	alex.inStep(0)
	if alex.agenda()["Board"] == nil {
		t.Fatal("Alex was not invited")
	}
	if n := len(d.client("admin").list("Events", "id")); n != 2 {
		t.Errorf("the CRM has %d records", n)
	}
	for _, r := range alex.standings("excluded") {
		if r["reason"] != string(fault.ColleaguesEvent) {
			t.Errorf("left out for %v", r)
		}
	}

	meeting := adele.agenda()["Board"]
	id := adele.event("Board")["id"].(string)
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Venue": "elsewhere"}}}, 200)
	d.eventually("it is held back", func() bool { return adele.link("calendar")["failing"] == 1.0 })
	if got := adele.standings("failing")[id]; got["reason"] != string(fault.WouldMail) {
		t.Errorf("held back for %v", got)
	}
	adele.call("DELETE", "/crm/v8/Events/"+id, nil, 200)
	adele.wake(adele, "calendar")
	adele.settled("calendar")
	adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	if now := adele.agenda()["Board"]; now == nil || now["changeKey"] != meeting["changeKey"] || len(adele.agenda()) != 2 {
		t.Errorf("the meeting was %v and is %v", meeting, now)
	}
}

// S15, from a calendar of one's own to a dedicated one: what Tandem had made moves into it, what was the person's own stays where
// it is and is not there twice. The preview says so, and a change in the CRM brings it in.
func TestS15_FromACalendarOfOnesOwnToADedicatedOne(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events", visits(2)...)
	adele.noted(doc{"subject": "Dentist"})
	adele.noted(doc{"subject": "Football"})
	adele.syncOwn(adele.own())
	adele.inStep(4)
	off := func() {
		t.Helper()
		adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
		d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	}
	off()
	if got := names(adele.agenda()); !slices.Equal(got, []string{"Dentist", "Football"}) {
		t.Fatalf("switched off, the own calendar has %v", got)
	}

	settings := reconcile.Switchboard{Links: d.app.Store.Links(), Choices: d.app.Store.Links(), Now: time.Now}
	if err := settings.Set(t.Context(), adele.user().Org, adele.user().ID, record.Calendar, func(o *reconcile.Wish) { o.Calendar = "" }); err != nil {
		t.Fatal(err)
	}
	k := adele.desk()
	page := adele.rehearsed(k.browser, k.press(k.open("/setup/marketplace/microsoft"), "Show me first Calendar", nil))
	adele.stands(page, "To create2", "It is in a calendar of your own in Outlook, where it stays.", "People who get mail0")
	k.press(page, "Approve and switch on", nil)
	adele.inStep(2)
	for round := range 2 {
		adele.restOf("calendar")
		if got := names(adele.items("calendar", "subject")); !slices.Equal(got, []string{"E0", "E1"}) {
			t.Fatalf("round %d: the dedicated calendar has %v", round, got)
		}
		if got := names(adele.agenda()); !slices.Equal(got, []string{"Dentist", "Football"}) {
			t.Fatalf("round %d: the own calendar has %v", round, got)
		}
		dentist := adele.event("Dentist")["id"].(string)
		if got := adele.standings("excluded")[dentist]; got["reason"] != string(fault.OwnCalendar) {
			t.Errorf("round %d: the dentist is %v", round, got)
		}
		if said := k.open("/calendar/" + dentist).Text; !strings.Contains(said, "It is in a calendar of your own in Outlook") {
			t.Errorf("round %d: its page: %s", round, said)
		}
		if round == 0 { // off and on again is the same
			off()
			adele.call("POST", "/api/v1/links", doc{"kind": "calendar"}, 201)
			adele.inStep(2)
		}
	}
	adele.call("PUT", "/crm/v8/Events/"+adele.event("Dentist")["id"].(string), doc{"data": []doc{{"Venue": "Rua 1"}}}, 200)
	adele.inStep(3)
	if got := adele.items("calendar", "subject")["Dentist"]; got == nil || got["location"].(doc)["displayName"] != "Rua 1" {
		t.Errorf("changed in the CRM, it is %v", got)
	}

	// And back: all is known again, and the CRM has nothing twice.
	off()
	adele.call("POST", "/api/v1/links", doc{"kind": "calendar", "calendar": adele.own()}, 201)
	adele.inStep(4)
	if got := names(adele.agenda()); !slices.Equal(got, []string{"Dentist", "E0", "E1", "Football"}) {
		t.Errorf("in the end the own calendar has %v", got)
	}
	if n := len(adele.list("Events", "id")); n != 4 {
		t.Errorf("in the end the CRM has %d events", n)
	}
	adele.restOf("calendar")
}

// S23: the calendar that was chosen is deleted in Outlook: the sync is off and the CRM keeps all.
func TestS23_DeletingACalendarOfOnesOwnSwitchesOff(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	_, made := d.as("adele").Post("/me/calendars", doc{"name": "Vendas"})
	calendar := made["id"].(string)
	d.as("adele").Post("/me/calendars/"+calendar+"/events", doc{"subject": "Theirs", "start": at("2031-05-06T14:00:00", "UTC"), "end": at("2031-05-06T15:00:00", "UTC")})
	adele.insert("Events", visits(2)...)
	adele.syncOwn(calendar)
	adele.inStep(3)
	link := adele.link("calendar")["id"].(string)
	if status, told := d.as("adele").Delete("/me/calendars/" + calendar); status != 204 {
		t.Fatal(status, told)
	}
	adele.nudge(link)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	if got := names(adele.list("Events", "Event_Title")); !slices.Equal(got, []string{"E0", "E1", "Theirs"}) {
		t.Errorf("in the CRM are %v", got)
	}
}

// A calendar that cannot be written to, that somebody else shares, or that is gone is not taken; the sync says so and waits.
func TestS15_CalendarsThatAreNotOnesOwnAreNotTaken(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	for name, edit := range map[string]bool{"Feriados": false, "Equipe": true} {
		if !d.m365.ShareCalendar("adele@contoso.example", "alex@contoso.example", name, edit) {
			t.Fatal("nothing was shared")
		}
	}
	_, page := d.as("adele").Get("/me/calendars?$top=100")
	ids := []string{"gone"}
	for _, c := range page["value"].([]any) {
		if c.(doc)["isDefaultCalendar"] != true {
			ids = append(ids, c.(doc)["id"].(string))
		}
	}
	if len(ids) != 3 {
		t.Fatalf("calendars: %v", page)
	}
	adele.insert("Events", visits(1)...)
	told := adele.call("POST", "/api/v1/links", doc{"kind": "calendar", "calendar": ids[0]}, 409)
	adele.consent(told["url"].(string))
	for _, id := range ids {
		adele.call("POST", "/api/v1/links", doc{"kind": "calendar", "calendar": id}, 201)
		d.eventually("it waits", func() bool { return adele.link("calendar")["state"] == "paused" })
		if l := adele.link("calendar"); l["reason"] != string(fault.CalendarUnfit) {
			t.Errorf("%s: it waits for %v", id, l)
		}
		adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
		d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	}
	if len(adele.list("Events", "id")) != 1 || len(adele.agenda()) != 0 {
		t.Error("something was written")
	}
}
