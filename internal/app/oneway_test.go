package app_test

import (
	"testing"
)

// TestOneWay_CalendarThroughTheSimulator: a calendar that only goes to Outlook puts back what is changed and deleted there,
// leaves alone what the person makes there, and takes only its own events along when it is switched off.
func TestOneWay_CalendarThroughTheSimulator(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	at := func(title, day string) doc {
		return doc{"Event_Title": title, "Start_DateTime": day + "T09:00:00-03:00", "End_DateTime": day + "T10:00:00-03:00"}
	}
	adele.insert("Events", at("Visita", "2026-11-24"), at("Almoço", "2026-11-25"))
	adele.switchOn("calendar")
	id := adele.link("calendar")["id"].(string)
	if got := adele.call("PATCH", "/api/v1/links/"+id, doc{"direction": "to_microsoft"}, 200); got["direction"] != "to_microsoft" {
		t.Fatal(got)
	}
	d.atRest() // a run that began before does not know of it
	items := adele.items("calendar", "subject")
	d.as("adele").Patch("/me/events/"+items["Visita"]["id"].(string), doc{"location": doc{"displayName": "Bar"}})
	d.as("adele").Delete("/me/events/" + items["Almoço"]["id"].(string))
	status, made := d.as("adele").Post(adele.container("calendar")+"/events", doc{
		"subject": "Dentista", "start": doc{"dateTime": "2026-11-26T14:00:00", "timeZone": "UTC"}, "end": doc{"dateTime": "2026-11-26T15:00:00", "timeZone": "UTC"},
	})
	if status != 201 {
		t.Fatal(status, made)
	}
	d.eventually("Outlook is as the CRM has it", func() bool {
		items := adele.items("calendar", "subject")
		return len(items) == 3 && items["Almoço"] != nil && items["Visita"]["location"].(doc)["displayName"] == "" && adele.link("calendar")["excluded"] == 1.0
	})
	if crm := adele.list("Events", "Event_Title"); len(crm) != 2 {
		t.Errorf("in the CRM: %v", crm)
	}

	adele.call("DELETE", "/api/v1/links/"+id, nil, 204)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	if items := adele.items("calendar", "subject"); len(items) != 1 || items["Dentista"] == nil {
		t.Errorf("left in Outlook: %v", items)
	}
	if crm := adele.list("Events", "Event_Title"); len(crm) != 2 {
		t.Errorf("in the CRM at the end: %v", crm)
	}
	d.noMails()
}
