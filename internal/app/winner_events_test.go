package app_test

import "testing"

// What decides when both sides change an event is its person's choice, for the calendar as for contacts: it outlives the sync, and
// one that is on goes by it. Of a series, too, whoever wants to be asked is asked, and the rest goes on meanwhile.
func TestS16_WhatDecidesWhenBothSidesChangeAnEvent(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Events", doc{
		"Event_Title": "Weekly", "Venue": "Old", "Start_DateTime": "2031-05-05T09:00:00-03:00", "End_DateTime": "2031-05-05T10:00:00-03:00",
		"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;DTSTART=2031-05-05;COUNT=6"},
	})[0]
	adele.switchOn("calendar")
	adele.inStep(1)
	link := func() string { return "/api/v1/links/" + adele.link("calendar")["id"].(string) }
	item := func() doc {
		for _, one := range adele.items("calendar", "id") {
			return one
		}
		t.Fatal("Outlook has nothing")
		return nil
	}
	if l := adele.link("calendar"); l["winner"] != "later" {
		t.Errorf("at first the link is %v", l)
	}
	adele.call("PATCH", link(), doc{"winner": "nobody"}, 400)
	// both has each side change the place, the CRM at last, and one of them the title.
	both := func(ours, theirs string) {
		t.Helper()
		adele.restOf("calendar")
		adele.apart("calendar", func() {
			if status, said := d.as("adele").Patch("/me/events/"+item()["id"].(string), doc{"location": doc{"displayName": theirs}, "subject": "Weekly " + theirs}); status != 200 {
				t.Fatal(status, said)
			}
			adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Venue": ours}}}, 200)
		})
	}
	stands := func(place, title string) {
		t.Helper()
		d.eventually(place+" stands on both sides", func() bool {
			r, one := adele.get("Events", id), item()
			return r["Venue"] == place && one["location"].(doc)["displayName"] == place && r["Event_Title"] == title && one["subject"] == title
		})
	}
	adele.call("PATCH", link(), doc{"winner": "microsoft"}, 200)
	both("CRM 1", "Outlook 1")
	stands("Outlook 1", "Weekly Outlook 1")

	adele.call("DELETE", link(), nil, 204)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	adele.call("POST", "/api/v1/links", doc{"kind": "calendar"}, 201)
	adele.inStep(1)
	if l := adele.link("calendar"); l["winner"] != "microsoft" {
		t.Errorf("on again, the link is %v", l)
	}
	adele.call("PATCH", link(), doc{"winner": "ask"}, 200)
	both("CRM 2", "Outlook 2")
	d.eventually("it is asked", func() bool { return len(adele.asked("calendar")) == 1 })
	d.eventually("the title goes on", func() bool { return adele.get("Events", id)["Event_Title"] == "Weekly Outlook 2" })
	if r, one := adele.get("Events", id), item(); r["Venue"] != "CRM 2" || one["location"].(doc)["displayName"] != "Outlook 2" {
		t.Errorf("before it is decided: %v and %v", r["Venue"], one["location"])
	}
	adele.restOf("calendar")
	adele.call("POST", link()+"/asks", doc{"microsoft_id": adele.asked("calendar")[0]["microsoft_id"], "taken": doc{"Venue": "crm"}}, 202)
	stands("CRM 2", "Weekly Outlook 2")
	adele.restOf("calendar")
}
