package app_test

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/m365sim"
)

// S17: whoever leaves hands their events over or keeps them, whoever of the two syncs: the heir has each once, with what its
// series' days were otherwise, and nothing is left of them in the leaver's Outlook.
func TestS17_EventsOfWhoeverLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, handed bool }{
		{true, true, true}, {true, false, true}, {false, true, true}, {false, false, true}, {true, true, false}, {false, true, false},
	} {
		t.Run(fmt.Sprintf("leaver syncs %t, heir syncs %t, handed over %t", c.from, c.to, c.handed), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele, alex, boss := d.client("adele"), d.client("alex"), d.client("admin")
			adele.insert("Events", append(visits(2), doc{
				"Event_Title": "Series", "Start_DateTime": "2031-05-05T09:00:00-03:00", "End_DateTime": "2031-05-05T10:00:00-03:00",
				"Recurring_Activity": doc{"RRULE": "FREQ=DAILY;INTERVAL=1;DTSTART=2031-05-05;COUNT=4"},
			})...)
			series := adele.event("Series")["id"].(string)
			adele.call("PUT", "/crm/v8/Events/"+series, doc{"data": []doc{{"Changed_Occurrences": []doc{{"Day": "2031-05-06", "Venue": "Roof"}}}}}, 200)
			owner := adele
			if c.from {
				adele.switchOn("calendar")
				adele.inStep(3)
			}
			if c.to {
				alex.switchOn("calendar")
			}
			registry, admin := d.registry()
			heir := alex.user().ID
			if c.handed {
				owner = alex
			} else {
				heir = 0
			}
			if err := registry.Deactivate(t.Context(), admin, adele.user().ID, heir); err != nil {
				t.Fatal(err)
			}
			d.off(adele)
			if n := len(adele.items("calendar", "id")); n != 0 {
				t.Errorf("%d events are left in the leaver's Outlook", n)
			}
			if c.to {
				alex.inStep(map[bool]int{true: 3}[c.handed])
				alex.restOf("calendar")
				if n := len(alex.items("calendar", "id")); n != map[bool]int{true: 3}[c.handed] {
					t.Errorf("the heir has %d events in Outlook", n)
				}
			}
			all := boss.list("Events", "Event_Title")
			if len(all) != 3 {
				t.Fatalf("the CRM has %v", names(all))
			}
			for title, r := range all {
				if r["Owner"].(doc)["id"] != owner.user().ID.String() {
					t.Errorf("%s is %v's", title, r["Owner"])
				}
			}
			if got := fmt.Sprint(boss.get("Events", series)["Changed_Occurrences"]); got != "[map[Day:2031-05-06 Venue:Roof]]" {
				t.Errorf("the series has otherwise %s", got)
			}
			if c.handed && c.to {
				_, page := d.as("alex").Get("/me/events/" + alex.items("calendar", "subject")["Series"]["id"].(string) + "/instances?startDateTime=2031-05-06T00:00:00Z&endDateTime=2031-05-07T00:00:00Z")
				if got := page["value"].([]any)[0].(doc)["location"].(doc)["displayName"]; got != "Roof" {
					t.Errorf("in the heir's Outlook the day is in %v", got)
				}
			}
		})
	}
}

// S17, FIELD-FAILURES 8: a mailbox that is really gone (its licence was taken, or its person deleted) pauses its sync with the
// reason. The CRM keeps everything, another owner can take it, and when the mailbox is back all goes on where it was.
func TestS17_FF8_AMailboxThatIsGone(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, alex, admin := d.client("adele"), d.client("alex"), d.client("admin")
	ids := adele.insert("Events", visits(4)...)
	adele.switchOn("calendar")
	adele.inStep(4)
	alex.switchOn("calendar")
	mailbox := func(there bool) {
		if !d.m365.EditPerson("adele@contoso.example", func(p *m365sim.Person) { p.HasMailbox = there }) {
			t.Fatal("nobody is called so")
		}
	}
	mailbox(false)
	adele.call("PUT", "/crm/v8/Events/"+ids[1], doc{"data": []doc{{"Venue": "typed meanwhile"}}}, 200)
	d.eventually("the sync waits", func() bool { return adele.link("calendar")["state"] == "paused" })
	if l := adele.link("calendar"); l["reason"] != string(fault.MailboxUnavailable) || l["synced"] != 4.0 {
		t.Errorf("it waits as %v", l)
	}
	admin.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Owner": doc{"id": alex.user().ID.String()}}}}, 200)
	alex.inStep(1)
	if all := admin.list("Events", "Event_Title"); len(all) != 4 {
		t.Errorf("the CRM has %v", names(all))
	}

	mailbox(true)
	adele.call("POST", "/api/v1/links", doc{"kind": "calendar"}, 201)
	adele.inStep(3)
	adele.restOf("calendar")
	if items := adele.items("calendar", "subject"); len(items) != 3 || items["E0"] != nil || items["E1"]["location"].(doc)["displayName"] != "typed meanwhile" {
		t.Errorf("Outlook has %v", names(items))
	}
	alex.restOf("calendar")

	// Gone for good: whoever leaves without a mailbox leaves nothing behind in the CRM.
	mailbox(false)
	registry, boss := d.registry()
	if err := registry.Deactivate(t.Context(), boss, adele.user().ID, alex.user().ID); err != nil {
		t.Fatal(err)
	}
	d.off(adele)
	alex.inStep(4)
	if all := admin.list("Events", "Event_Title"); len(all) != 4 {
		t.Errorf("in the end the CRM has %v", names(all))
	}
	alex.restOf("calendar")
}

// S16, S24, FIELD-FAILURES 56, 57: a series whose days are in part otherwise is deleted on either side and comes back, out of the
// recycle bin or out of Outlook's Deleted Items, as one pair with all of its days as they were.
func TestFF57_ASeriesComesBackWithItsDays(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Events", doc{
		"Event_Title": "Series", "Start_DateTime": "2031-05-05T09:00:00-03:00", "End_DateTime": "2031-05-05T10:00:00-03:00",
		"Recurring_Activity": doc{"RRULE": "FREQ=DAILY;INTERVAL=1;DTSTART=2031-05-05;COUNT=6", "EXDATE": "2031-05-08"},
	})[0]
	adele.switchOn("calendar")
	adele.inStep(1)
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{
		"Changed_Occurrences": []doc{{"Day": "2031-05-06", "Venue": "Roof"}},
	}}}, 200)
	occurrences := func() string {
		series := adele.items("calendar", "subject")["Series"]
		if series == nil {
			return "none"
		}
		_, page := d.as("adele").Get("/me/events/" + series["id"].(string) + "/instances?startDateTime=2031-05-01T00:00:00Z&endDateTime=2031-06-01T00:00:00Z&$orderby=start/dateTime")
		out := ""
		for _, o := range page["value"].([]any) {
			out += fmt.Sprint(o.(doc)["start"].(doc)["dateTime"].(string)[8:10], o.(doc)["location"].(doc)["displayName"], " ")
		}
		return out
	}
	const want = "05 06Roof 07 09 10 "
	d.eventually("its days are in Outlook", func() bool { return occurrences() == want })
	// Until the run has taken note of what it wrote, the CRM's edit is newer than a deletion and would bring the series back.
	adele.restOf("calendar")
	removals := map[string]func(item string){
		"deleted in Outlook": func(item string) { d.as("adele").Delete("/me/events/" + item) },
		"deleted in the CRM": func(string) { adele.call("DELETE", "/crm/v8/Events/"+id, nil, 200) },
	}
	returns := map[string]func(item string){
		"restored in the CRM": func(string) { adele.restore(id) },
		"restored in Outlook": func(item string) {
			if _, err := d.m365.Mailbox("adele@contoso.example").Undelete(item, strings.TrimPrefix(adele.container("calendar"), "/me/calendars/")); err != nil {
				t.Fatal(err)
			}
		},
	}
	for _, round := range []string{
		"deleted in Outlook, restored in the CRM", "deleted in the CRM, restored in the CRM", "deleted in Outlook, restored in Outlook", "deleted in the CRM, restored in Outlook",
	} {
		how := strings.Split(round, ", ")
		item := adele.items("calendar", "subject")["Series"]["id"].(string)
		removals[how[0]](item)
		d.eventually("it is gone on both sides", func() bool {
			return len(adele.list("Events", "id")) == 0 && len(adele.items("calendar", "id")) == 0
		})
		adele.restOf("calendar")
		returns[how[1]](item)
		d.eventually(round+": it is back with its days", func() bool { return occurrences() == want })
		adele.inStep(1)
		r := adele.get("Events", id)
		if fmt.Sprint(r["Changed_Occurrences"]) != "[map[Day:2031-05-06 Venue:Roof]]" || len(adele.items("calendar", "id")) != 1 {
			t.Errorf("%s: it came back as %v", round, r)
		}
		adele.restOf("calendar")
	}
}

// S16: an occurrence that the CRM wants back and Outlook cannot bring back keeps no other edit from crossing,
// before or after.
func TestS16_AnOccurrenceThatIsGoneHoldsNothingElseBack(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	rule := doc{"RRULE": "FREQ=DAILY;INTERVAL=1;DTSTART=2031-05-05;COUNT=6", "EXDATE": "2031-05-08"}
	id := adele.insert("Events", doc{
		"Event_Title": "Series", "Start_DateTime": "2031-05-05T09:00:00-03:00", "End_DateTime": "2031-05-05T10:00:00-03:00", "Recurring_Activity": rule,
	})[0]
	adele.switchOn("calendar")
	adele.inStep(1)
	delete(rule, "EXDATE")
	for _, venue := range []string{"with it", "later"} {
		edit := doc{"Venue": venue}
		if venue == "with it" {
			edit["Recurring_Activity"] = rule
		}
		adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{edit}}, 200)
		d.eventually("the edit is in Outlook: "+venue, func() bool {
			item := adele.items("calendar", "subject")["Series"]
			return item != nil && item["location"].(doc)["displayName"] == venue
		})
		d.eventually("it says what cannot be", func() bool {
			return fmt.Sprint(adele.standings("failing")[id]["reason"]) == string(fault.OccurrenceGone)
		})
	}
	adele.replan(adele.items("calendar", "subject")["Series"]["id"].(string), doc{"importance": "high"})
	d.eventually("edits in Outlook cross, too", func() bool { return adele.get("Events", id)["Importance"] == "high" })
	if n := len(adele.list("Events", "id")); n != 1 {
		t.Errorf("the CRM has %d events", n)
	}
}
