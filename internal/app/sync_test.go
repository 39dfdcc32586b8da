package app_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
)

func TestS15S16_EventsAndSeriesCrossBothWays(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Events", doc{
		"Event_Title": "Standup", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T09:15:00-03:00",
		"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,TH;DTSTART=2026-11-24;UNTIL=2027-02-25"},
		"Remind_At":          []doc{{"unit": 10, "period": "minutes"}},
	}, doc{
		"Event_Title": "Feira", "All_day": true, "Start_DateTime": "2026-12-01T00:00:00-03:00", "End_DateTime": "2026-12-03T00:00:00-03:00",
	})
	adele.switchOn("calendar")

	items := adele.items("calendar", "subject")
	if len(items) != 2 {
		t.Fatalf("in Outlook: %v", items)
	}
	series := items["Standup"]
	if series["type"] != "seriesMaster" || series["originalStartTimeZone"] != "E. South America Standard Time" {
		t.Errorf("the series came as %v in %v", series["type"], series["originalStartTimeZone"])
	}
	pattern := series["recurrence"].(doc)["pattern"].(doc)
	if pattern["type"] != "weekly" || fmt.Sprint(pattern["daysOfWeek"]) != "[tuesday thursday]" || series["reminderMinutesBeforeStart"] != 10.0 {
		t.Errorf("pattern %v, reminder %v", pattern, series["reminderMinutesBeforeStart"])
	}
	if items["Feira"]["isAllDay"] != true {
		t.Errorf("the all-day event came as %v", items["Feira"])
	}

	// A series made in Outlook comes as a series, with its zone.
	status, made := d.as("adele").Post(adele.container("calendar")+"/events", doc{
		"subject": "Review", "start": doc{"dateTime": "2026-11-30T14:00:00", "timeZone": "W. Europe Standard Time"},
		"end":        doc{"dateTime": "2026-11-30T15:00:00", "timeZone": "W. Europe Standard Time"},
		"recurrence": doc{"pattern": doc{"type": "relativeMonthly", "interval": 1, "daysOfWeek": []string{"monday"}, "index": "last"}, "range": doc{"type": "numbered", "startDate": "2026-11-30", "numberOfOccurrences": 12}},
	})
	if status != 201 {
		t.Fatal(status, made)
	}
	d.eventually("the series made in Outlook is in the CRM", func() bool { return adele.list("Events", "Event_Title")["Review"] != nil })
	review := adele.get("Events", adele.list("Events", "Event_Title")["Review"]["id"].(string))
	rule := fmt.Sprint(review["Recurring_Activity"])
	if !strings.Contains(rule, "FREQ=MONTHLY") || !strings.Contains(rule, "-1MO") || !strings.Contains(rule, "COUNT=12") || review["Time_Zone"] != "Europe/Berlin" {
		t.Errorf("the rule came as %s in %v", rule, review["Time_Zone"])
	}

	// Edits and deletes, either way.
	adele.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Event_Title": "Daily", "Venue": "Sala 2"}}}, 200)
	d.eventually("the new title is in Outlook", func() bool { return adele.items("calendar", "subject")["Daily"] != nil })
	if got := adele.items("calendar", "subject")["Daily"]; got["type"] != "seriesMaster" || got["location"].(doc)["displayName"] != "Sala 2" {
		t.Errorf("after the edit: %v", got)
	}
	d.as("adele").Delete("/me/events/" + items["Feira"]["id"].(string))
	d.eventually("the event deleted in Outlook is gone from the CRM", func() bool { return adele.list("Events", "Event_Title")["Feira"] == nil })
	adele.call("DELETE", "/crm/v8/Events/"+ids[0], nil, 200)
	d.eventually("the event deleted in the CRM is gone from Outlook", func() bool { return adele.items("calendar", "subject")["Daily"] == nil })
	d.noMails()
}

func TestS15S28_NothingOutsideTheDedicatedContainersIsTouched(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	_, event := d.as("adele").Post("/me/events", doc{
		"subject": "Private", "start": doc{"dateTime": "2026-11-30T14:00:00", "timeZone": "UTC"}, "end": doc{"dateTime": "2026-11-30T15:00:00", "timeZone": "UTC"},
		"attendees": []doc{{"emailAddress": doc{"address": "alex@contoso.example"}, "type": "required"}},
	})
	_, contact := d.as("adele").Post("/me/contacts", doc{"givenName": "Mum", "surname": "Vance"})
	d.mails = 1 // Adele's own invitation
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.switchOn("calendar")
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	if crm := adele.list("Contacts", "Last_Name"); crm["Vance"] != nil || len(crm) != 1 {
		t.Errorf("contacts of other folders were read: %v", crm)
	}
	if crm := adele.list("Events", "Event_Title"); len(crm) != 0 {
		t.Errorf("events of other calendars were read: %v", crm)
	}
	for _, before := range []struct {
		path string
		doc  doc
	}{{"/me/events/", event}, {"/me/contacts/", contact}} {
		if _, now := d.as("adele").Get(before.path + before.doc["id"].(string)); now["changeKey"] != before.doc["changeKey"] {
			t.Errorf("%s was touched", before.path)
		}
	}
}

func TestS17S30_OnlyOwnRecordsAndTheNewOwnerTakesThem(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, alex, admin := d.client("adele"), d.client("alex"), d.client("admin")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"}, doc{"Last_Name": "Santos"})[0]
	adele.switchOn("contacts")
	alex.switchOn("contacts")
	d.eventually("Adele has her contacts", func() bool { return len(adele.items("contacts", "surname")) == 3 })
	if items := alex.items("contacts", "surname"); len(items) != 0 {
		t.Errorf("Alex has %v", items)
	}
	admin.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{{"Owner": doc{"id": alex.user().ID.String()}}}}, 200)
	d.eventually("the contact has moved to Alex", func() bool {
		return adele.items("contacts", "surname")["Silva"] == nil && alex.items("contacts", "surname")["Silva"] != nil
	})
	if alex.get("Contacts", id)["Last_Name"] != "Silva" {
		t.Error("the record is not whole")
	}
}

func TestS24S34S36_SwitchingOffAndOnAgain(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva", "Email": "a@example.com"}, doc{"Last_Name": "Souza"})
	adele.switchOn("contacts")
	for round := range 3 {
		d.eventually("both contacts are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2+round })
		link := adele.link("contacts")
		// Typed a second before switching off: it must not be lost.
		status, made := d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"surname": fmt.Sprint("Last ", round)})
		if status != 201 {
			t.Fatal(made)
		}
		adele.call("DELETE", "/api/v1/links/"+link["id"].(string), nil, 204)
		d.eventually("the folder is gone", func() bool { return adele.link("contacts") == nil && adele.container("contacts") == "" })
		if crm := adele.list("Contacts", "Last_Name"); len(crm) != 3+round || crm[fmt.Sprint("Last ", round)] == nil {
			t.Fatalf("after switching off %d: %v", round, crm)
		}
		adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
	}
	d.eventually("all contacts are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 5 })
	if crm := adele.list("Contacts", "Last_Name"); len(crm) != 5 {
		t.Errorf("after three rounds: %v", crm)
	}
}

func TestS23S35_DeletingTheContainerInOutlookSwitchesOff(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.insert("Events", doc{"Event_Title": "Visita", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T10:00:00-03:00"})
	for _, kind := range []string{"contacts", "calendar"} {
		adele.switchOn(kind)
		d.eventually("the record is in Outlook", func() bool { l := adele.link(kind); return l["synced"] == 1.0 })
		link := adele.link(kind)
		if status, answer := d.as("adele").Delete(adele.container(kind)); status != 204 {
			t.Fatal(status, answer)
		}
		adele.nudge(link["id"].(string))
		d.eventually(kind+" is switched off", func() bool { return adele.link(kind) == nil })
		ended, err := d.app.Store.Links().EndedOf(t.Context(), adele.user().Org, adele.user().ID)
		if err != nil || !slices.ContainsFunc(ended, func(l reconcile.Link) bool {
			return string(l.Kind) == kind && l.Reason == fault.ContainerDeleted
		}) {
			t.Errorf("the page cannot say why %s ended: %+v %v", kind, ended, err)
		}
		d.eventually("a letter says so", func() bool { // once, by the run that found it
			subjects, last := d.lettersTo("adele@contoso.example", len(ended))
			return len(subjects) == len(ended) && strings.Contains(last, "Tandem") && strings.Contains(last, "/setup/marketplace/microsoft")
		})
	}
	if len(adele.list("Contacts", "Last_Name")) != 1 || len(adele.list("Events", "Event_Title")) != 1 {
		t.Error("the CRM is not whole")
	}
}

func TestD12_ARevokedGrantPausesOnlyItsOwner(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, alex := d.client("adele"), d.client("alex")
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.switchOn("contacts")
	alex.switchOn("contacts")
	d.m365.Revoke("adele@contoso.example")
	adele.insert("Contacts", doc{"Last_Name": "Souza"})
	d.eventually("Adele's link is paused", func() bool {
		l := adele.link("contacts")
		return l["state"] == "paused" && l["reason"] == "reconnect_needed"
	})
	alex.insert("Contacts", doc{"Last_Name": "Santos"})
	d.eventually("Alex's contacts still go", func() bool { return alex.items("contacts", "surname")["Santos"] != nil })

	// Reconnecting goes on where it was.
	told := adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 409)
	adele.consent(told["url"].(string))
	d.eventually("what was waiting has gone", func() bool { return adele.items("contacts", "surname")["Souza"] != nil })
	if n := len(adele.items("contacts", "surname")); n != 2 {
		t.Errorf("%d contacts in Outlook", n)
	}
	// The subscription went with the old grant; changes in Outlook are noticed all the same, long before a poll.
	d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"surname": "Castro"})
	d.eventually("a change in Outlook after the reconnect", func() bool { return adele.list("Contacts", "Last_Name")["Castro"] != nil })
}

func TestFieldFailure8_NoMailboxIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	nobody := d.client("nomailbox")
	told := nobody.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 409)
	nobody.consent(told["url"].(string))
	answer := nobody.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 403)
	if answer["code"] != "MAILBOX_UNAVAILABLE" {
		t.Errorf("answered %v", answer)
	}
	if nobody.link("contacts") != nil {
		t.Error("there is a link without a mailbox")
	}
}

func TestD14_OtherOrganizationsAreNotThere(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	stranger := d.clientOf("admin@fabrikam.example")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	link := adele.link("contacts")["id"].(string)
	for _, try := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"GET", "/crm/v8/Contacts/" + id, nil, 404},
		{"PUT", "/crm/v8/Contacts/" + id, doc{"data": []doc{{"Last_Name": "Stolen"}}}, 404},
		{"DELETE", "/crm/v8/Contacts/" + id, nil, 404},
		{"GET", "/api/v1/links/" + link + "/records", nil, 404},
		{"GET", "/api/v1/links/" + link + "/history", nil, 404},
		{"POST", "/api/v1/links/" + link + "/run", nil, 404},
		{"DELETE", "/api/v1/links/" + link, nil, 404},
		{"GET", "/crm/v8/users/" + adele.user().ID.String(), nil, 404},
	} {
		stranger.text(try.method, try.path, try.body, try.want)
	}
	if adele.get("Contacts", id)["Last_Name"] != "Silva" || adele.link("contacts")["state"] != "on" {
		t.Error("the stranger changed something")
	}
}

func TestD13_ThrottledAndLostAnswersDoubleNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.switchOn("calendar")
	for _, f := range []m365sim.Fault{
		{Match: "POST /v1.0/$batch", Times: 2, Do: "429", RetryAfter: 1},
		{Match: "part POST /me/contactFolders/*/contacts", Times: 3, Do: "drop-after-commit"},
		{Match: "part POST /me/calendars/*/events", Times: 3, Do: "drop-after-commit"},
		{Match: "part POST *", Times: 4, Do: "503"},
	} {
		if err := d.m365.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	var contacts, events []doc
	for i := range 30 {
		contacts = append(contacts, doc{"Last_Name": fmt.Sprint("C", i)})
		events = append(events, doc{"Event_Title": fmt.Sprint("E", i), "Start_DateTime": fmt.Sprintf("2026-12-%02dT09:00:00-03:00", i%28+1), "End_DateTime": fmt.Sprintf("2026-12-%02dT10:00:00-03:00", i%28+1)})
	}
	adele.insert("Contacts", contacts...)
	adele.insert("Events", events...)
	for _, kind := range []string{"contacts", "calendar"} {
		d.eventually("all "+kind+" are there", func() bool {
			d.wake(adele, kind)
			return adele.link(kind)["synced"] == 30.0
		})
	}
	for kind, property := range map[string]string{"contacts": "surname", "calendar": "subject"} {
		container, collection := adele.container(kind), "/events"
		if kind == "contacts" {
			collection = "/contacts"
		}
		_, page := d.as("adele").Get(container + collection + "?$count=true&$top=1")
		if n := len(adele.items(kind, property)); n != 30 || page["@odata.count"] != 30.0 {
			t.Errorf("%s: %d different ones, %v in all", kind, n, page["@odata.count"])
		}
	}
	d.noMails()
}

// nudge runs a link that may have ended by itself meanwhile.
func (c *client) nudge(link string) {
	c.t.Helper()
	if status, answer := c.answer("POST", "/api/v1/links/"+link+"/run", nil); status != 202 && status != 404 {
		c.t.Fatalf("%d: %s", status, answer)
	}
}

// wake makes parked records due and runs the link.
func (d *demo) wake(c *client, kind string) {
	d.t.Helper()
	c.call("POST", "/api/v1/links/"+c.link(kind)["id"].(string)+"/run", nil, 202)
}

func TestD7_ASubscriptionThatGraphEndedIsMadeAnew(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	if n := d.m365.Lifecycle("adele@contoso.example", "subscriptionRemoved"); n != 1 {
		t.Fatalf("%d subscriptions to remove", n)
	}
	container := adele.container("contacts")
	n := 0
	d.eventually("changes in Outlook are noticed again", func() bool {
		n++
		name := fmt.Sprint("C", n)
		d.as("adele").Post(container+"/contacts", doc{"surname": name})
		time.Sleep(100 * time.Millisecond) // far below the interval of polling
		return adele.list("Contacts", "Last_Name")[name] != nil
	})
}

func TestDemo_AnotherStartGoesOnWithTheSameCRM(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "tandem.db")
	d, stop := startDemoAt(t, database)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 1 })
	token := adele.token
	stop()

	d, stop = startDemoAt(t, database)
	defer stop()
	adele = &client{demo: d, name: "adele", token: token}
	d.eventually("the contact is in the new Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	if l := adele.link("contacts"); l["state"] != "on" || len(adele.list("Contacts", "Last_Name")) != 1 {
		t.Errorf("the link is %v", l)
	}
}

// Days that could not be taken out of a series in Outlook stay taken out in the CRM, and are taken out there later.
func TestI1_ExcludedDaysOutliveAFailure(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar")
	d.m365.Next("part DELETE *", m365sim.Fail(500).Repeat(8))
	id := adele.insert("Events", doc{
		"Event_Title": "Standup", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T09:15:00-03:00",
		"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,TH;DTSTART=2026-11-24;UNTIL=2027-02-25", "EXDATE": "2026-11-26"},
	})[0]
	d.eventually("the series is in step", func() bool {
		link := adele.link("calendar")["id"].(string)
		if err := d.app.Store.Links().Retry(context.Background(), adele.user().Org, linkID(t, link)); err != nil {
			t.Fatal(err)
		}
		return adele.link("calendar")["synced"] == 1.0
	})
	if rule := fmt.Sprint(adele.get("Events", id)["Recurring_Activity"]); !strings.Contains(rule, "2026-11-26") {
		t.Errorf("the CRM holds %s", rule)
	}
	series := adele.items("calendar", "subject")["Standup"]["id"].(string)
	_, days := d.as("adele").Get("/me/events/" + series + "/instances?startDateTime=2026-11-26T00:00:00&endDateTime=2026-11-27T00:00:00")
	if n := len(days["value"].([]any)); n != 0 {
		t.Errorf("the day is still there %d times", n)
	}
}

func linkID(t testing.TB, text string) reconcile.LinkID {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return reconcile.LinkID(n)
}
