package app_test

import (
	"fmt"
	"strings"
	"testing"
)

// visit is an event of the REST API with people who take part.
func visit(title, day string, people ...doc) doc {
	return doc{
		"Event_Title": title, "Start_DateTime": day + "T09:00:00-03:00", "End_DateTime": day + "T10:00:00-03:00", "Participants": people,
	}
}

func guest(address string) doc { return doc{"type": "email", "participant": address} }

func bodyOf(item doc) string { return fmt.Sprint(item["body"].(doc)["content"]) }

// TestFF101_FirstSyncMailsNobody: events with participants, past and to come, a series among them, go to Outlook without
// attendees. Who takes part stands in the text.
func TestFF101_FirstSyncMailsNobody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	contact := adele.insert("Contacts", doc{"First_Name": "Ana", "Last_Name": "Silva", "Email": "ana@client.example"})[0]
	series := visit("Semanal", "2026-11-24", guest("megan@contoso.example"))
	series["Recurring_Activity"] = doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU;DTSTART=2026-11-24;COUNT=5"}
	adele.insert("Events",
		visit("Antiga", "2019-03-05", guest("megan@contoso.example"), guest("out@side.example")), series,
		visit("Visita", "2026-12-01", doc{"type": "contact", "participant": contact}, doc{"type": "user", "participant": d.client("alex").user().ID.String()}))
	adele.switchOn("calendar")
	items := adele.items("calendar", "subject")
	for title, names := range map[string][]string{
		"Antiga": {"megan@contoso.example", "out@side.example"}, "Semanal": {"megan@contoso.example"},
		"Visita": {"Ana Silva &lt;ana@client.example&gt;", "&lt;alex@contoso.example&gt;"},
	} {
		if attendees := items[title]["attendees"].([]any); len(attendees) != 0 {
			t.Errorf("%s has attendees %v", title, attendees)
		}
		for _, name := range names {
			if !strings.Contains(bodyOf(items[title]), name) {
				t.Errorf("%s does not tell of %s: %s", title, name, bodyOf(items[title]))
			}
		}
	}
	d.noMails()
}

// TestFF104_NoChangeMailsAnybody: edits on both sides, other participants, a switch-off, a deletion.
func TestFF104_NoChangeMailsAnybody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Events", visit("Visita", "2026-12-01", guest("megan@contoso.example")), visit("Almoço", "2026-12-02", guest("lee@contoso.example")))
	adele.switchOn("calendar")
	adele.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Description": "Levar amostras", "Participants": []doc{guest("grady@contoso.example")}}}}, 200)
	d.eventually("the change is in Outlook", func() bool {
		body := bodyOf(adele.items("calendar", "subject")["Visita"])
		return strings.Contains(body, "grady@") && strings.Contains(body, "Levar amostras") && !strings.Contains(body, "megan@")
	})
	// What is typed into the list of participants is put back; what is typed beside it is the description's.
	item := adele.items("calendar", "subject")["Visita"]
	typed := strings.NewReplacer("grady@contoso.example", "somebody else", "Levar amostras", "Levar tudo").Replace(bodyOf(item))
	d.as("adele").Patch("/me/events/"+item["id"].(string), doc{"body": doc{"contentType": "html", "content": typed}})
	d.eventually("both are as their sides have them", func() bool {
		body := bodyOf(adele.items("calendar", "subject")["Visita"])
		return adele.get("Events", ids[0])["Description"] == "Levar tudo" && strings.Contains(body, "grady@contoso.example") && strings.Contains(body, "Levar tudo")
	})
	if people := fmt.Sprint(adele.get("Events", ids[0])["Participants"]); !strings.Contains(people, "grady@") || strings.Contains(people, "somebody") {
		t.Errorf("participants in the CRM are %s", people)
	}
	adele.call("DELETE", "/crm/v8/Events/"+ids[1], nil, 200)
	d.eventually("the deletion is in Outlook", func() bool { return adele.items("calendar", "subject")["Almoço"] == nil })
	adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
	d.eventually("the calendar is gone", func() bool { return adele.link("calendar") == nil && adele.container("calendar") == "" })
	d.noMails()
}

// TestFF102_ASecondUserMailsNobody: a colleague who takes part gets the event of their own when it becomes theirs, and nobody hears of it.
func TestFF102_ASecondUserMailsNobody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, alex := d.client("adele"), d.client("alex")
	ids := adele.insert("Events", visit("Visita", "2026-12-01", doc{"type": "user", "participant": alex.user().ID.String()}, guest("megan@contoso.example")))
	adele.switchOn("calendar")
	alex.switchOn("calendar")
	adele.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Owner": doc{"id": alex.user().ID.String()}}}}, 200)
	d.eventually("the event has moved", func() bool {
		return len(adele.items("calendar", "subject")) == 0 && len(alex.items("calendar", "subject")) == 1
	})
	if body := bodyOf(alex.items("calendar", "subject")["Visita"]); !strings.Contains(body, "megan@contoso.example") {
		t.Errorf("the colleague reads %s", body)
	}
	d.noMails()
}

// TestFF66_AResponseDuringAWriteStays: attendees that a person has invited in Outlook are never written. A meeting with
// attendees is not touched at all, says why, and takes its own changes to the CRM.
func TestFF66_AResponseDuringAWriteStays(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Events", visit("Visita", "2026-12-01"))
	adele.switchOn("calendar")
	item := adele.items("calendar", "subject")["Visita"]
	d.as("adele").Patch("/me/events/"+item["id"].(string), doc{"attendees": []doc{{"type": "required", "emailAddress": doc{"address": "megan@contoso.example"}}}})
	d.mails = 1 // the person's own invitation
	invited := len(d.m365.Mails())
	if invited == 0 {
		t.Fatal("inviting in Outlook mails nobody: the test would show nothing")
	}
	adele.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Venue": "Sala 2", "Participants": []doc{guest("lee@contoso.example")}}}}, 200)
	d.eventually("the record says that people would be mailed", func() bool {
		return strings.Contains(adele.text("GET", "/api/v1/links/"+adele.link("calendar")["id"].(string)+"/records?state=failing", nil, 200), "would_mail")
	})
	now := adele.items("calendar", "subject")["Visita"]
	if attendees := now["attendees"].([]any); len(attendees) != 1 || now["location"].(doc)["displayName"] != "" {
		t.Errorf("the meeting was written: %v", now)
	}
	if mails := d.m365.Mails(); len(mails) != invited {
		t.Errorf("sync mailed: %+v", mails[invited:])
	}
}

// TestFF58_ADeleteOfAMeetingWithAttendeesMailsNobody: neither a deletion in the CRM nor switching off calls a meeting off.
func TestFF58_ADeleteOfAMeetingWithAttendeesMailsNobody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Events", visit("Visita", "2026-12-01"), visit("Outra", "2026-12-02"))
	adele.switchOn("calendar")
	item := adele.items("calendar", "subject")["Visita"]
	d.as("adele").Patch("/me/events/"+item["id"].(string), doc{"attendees": []doc{{"type": "required", "emailAddress": doc{"address": "megan@contoso.example"}}}})
	d.mails = 1 // the person's own invitation
	invited := len(d.m365.Mails())
	adele.call("DELETE", "/crm/v8/Events/"+ids[0], nil, 200)
	d.eventually("the deletion waits and says why", func() bool {
		return strings.Contains(adele.text("GET", "/api/v1/links/"+adele.link("calendar")["id"].(string)+"/records?state=failing", nil, 200), "would_mail")
	})
	adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	if adele.items("calendar", "subject")["Visita"] == nil {
		t.Error("the meeting was called off")
	}
	if mails := d.m365.Mails(); len(mails) != invited {
		t.Errorf("sync mailed: %+v", mails[invited:])
	}
}
