package app_test

import (
	"fmt"
	"testing"

	"tandem/internal/m365sim"
)

// FIELD-FAILURES 77: Exchange does what it was asked for and answers 503. Nothing is made twice for that, and nobody is invited twice. Answers
// to invitations are never repeated, for Tandem gives none: the person does, in Outlook.
func TestFF77_ARefusalAfterTheDeedDoublesNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.switchOn("calendar")
	adele.settled("contacts")
	adele.settled("calendar")
	for _, match := range []string{"part POST /me/contactFolders/*/contacts", "part POST /me/calendars/*/events"} {
		d.m365.Next(match, m365sim.FailLate(503).Repeat(2))
	}
	var contacts, events []doc
	for i := range 5 {
		contacts = append(contacts, doc{"Last_Name": fmt.Sprint("C", i)})
		events = append(events, doc{"Event_Title": fmt.Sprint("E", i), "Start_DateTime": fmt.Sprintf("2026-12-%02dT09:00:00-03:00", i+1), "End_DateTime": fmt.Sprintf("2026-12-%02dT10:00:00-03:00", i+1)})
	}
	ids := adele.insert("Contacts", contacts...)
	adele.insert("Events", events...)
	for _, kind := range []string{"contacts", "calendar"} {
		d.eventually("all "+kind+" are there", func() bool {
			d.wake(adele, kind)
			return adele.link(kind)["synced"] == 5.0
		})
	}
	d.m365.Next("part PATCH *", m365sim.FailLate(503))
	adele.call("PUT", "/crm/v8/Contacts/"+ids[0], doc{"data": []doc{{"Title": "CEO"}}}, 200)
	d.eventually("a change arrives", func() bool {
		d.wake(adele, "contacts")
		return adele.items("contacts", "surname")["C0"]["jobTitle"] == "CEO"
	})
	if left := d.m365.Faults(); len(left) > 0 {
		t.Errorf("not every answer was late: %+v", left)
	}
	for kind, collection := range map[string]string{"contacts": "/contacts", "calendar": "/events"} {
		if _, page := d.as("adele").Get(adele.container(kind) + collection + "?$count=true&$top=1"); page["@odata.count"] != 5.0 {
			t.Errorf("%s: %v in Outlook, 5 in the CRM", kind, page["@odata.count"])
		}
	}
	if len(adele.list("Contacts", "Last_Name")) != 5 || len(adele.list("Events", "Event_Title")) != 5 {
		t.Error("the CRM has not the five of each")
	}
	d.noMails()
}
