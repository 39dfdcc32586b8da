package app_test

import (
	"fmt"
	"testing"
)

// TestS16_OccurrencesCrossBothWays: single occurrences are changed, moved and deleted on either side, at the same time too.
func TestS16_OccurrencesCrossBothWays(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Events", doc{
		"Event_Title": "Standup", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T09:15:00-03:00", "Venue": "Room 1",
		"Recurring_Activity":  doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,TH;DTSTART=2026-11-24;UNTIL=2027-02-25", "EXDATE": "2026-12-24"},
		"Changed_Occurrences": []doc{{"Day": "2026-12-01", "Venue": "Room 2"}, {"Day": "2026-12-03", "Start_DateTime": "2026-12-04T10:00:00-03:00"}},
	})[0]
	adele.switchOn("calendar")
	series := adele.items("calendar", "subject")["Standup"]["id"].(string)
	occurrences := func() map[string]string {
		out := map[string]string{}
		_, list := d.as("adele").Get("/me/events/" + series + "/instances?startDateTime=2026-11-24&endDateTime=2027-01-01&$top=50")
		for _, each := range list["value"].([]any) {
			e := each.(doc)
			out[e["originalStart"].(string)[:10]] = fmt.Sprint(e["start"].(doc)["dateTime"].(string)[:16], " ", e["location"].(doc)["displayName"], " ", e["subject"])
		}
		return out
	}
	at := occurrences()
	if at["2026-12-01"] != "2026-12-01T12:00 Room 2 Standup" || at["2026-12-03"] != "2026-12-04T13:00 Room 1 Standup" || at["2026-12-24"] != "" || len(at) != 11 {
		t.Fatalf("in Outlook: %v", at)
	}

	// Outlook moves one and deletes another, the CRM changes a third and leaves out a fourth.
	ids := map[string]string{}
	_, list := d.as("adele").Get("/me/events/" + series + "/instances?startDateTime=2026-11-24&endDateTime=2027-01-01&$top=50")
	for _, each := range list["value"].([]any) {
		ids[each.(doc)["originalStart"].(string)[:10]] = each.(doc)["id"].(string)
	}
	d.as("adele").Patch("/me/events/"+ids["2026-12-08"], doc{
		"start": doc{"dateTime": "2026-12-08T15:00:00", "timeZone": "UTC"}, "end": doc{"dateTime": "2026-12-08T15:30:00", "timeZone": "UTC"},
	})
	d.as("adele").Delete("/me/events/" + ids["2026-12-10"])
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{
		"Recurring_Activity":  doc{"RRULE": "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=2027-02-25", "EXDATE": []string{"2026-12-24", "2026-12-17"}},
		"Changed_Occurrences": []doc{{"Day": "2026-12-01", "Venue": "Room 2"}, {"Day": "2026-12-03", "Start_DateTime": "2026-12-04T10:00:00-03:00"}, {"Day": "2026-12-15", "Event_Title": "Retro"}},
	}}}, 200)
	want := map[string]string{
		"2026-11-24": "2026-11-24T12:00 Room 1 Standup", "2026-11-26": "2026-11-26T12:00 Room 1 Standup", "2026-12-01": "2026-12-01T12:00 Room 2 Standup",
		"2026-12-03": "2026-12-04T13:00 Room 1 Standup", "2026-12-08": "2026-12-08T15:00 Room 1 Standup", "2026-12-15": "2026-12-15T12:00 Room 1 Retro",
		"2026-12-22": "2026-12-22T12:00 Room 1 Standup", "2026-12-29": "2026-12-29T12:00 Room 1 Standup", "2026-12-31": "2026-12-31T12:00 Room 1 Standup",
	}
	changed := ""
	d.eventually("both sides have what both have done", func() bool {
		record := adele.get("Events", id)
		changed = fmt.Sprint(record["Changed_Occurrences"], record["Recurring_Activity"].(doc)["EXDATE"])
		return fmt.Sprint(occurrences()) == fmt.Sprint(want) && record["Recurring_Activity"].(doc)["EXDATE"] == "2026-12-10,2026-12-17,2026-12-24" &&
			len(record["Changed_Occurrences"].([]any)) == 4
	})
	if t.Failed() {
		t.Logf("in the CRM: %s\nin Outlook: %v", changed, occurrences())
	}

	adele.restOf("calendar")

	// All of it an hour later: Exchange forgets what was done to single occurrences, we do not.
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Start_DateTime": "2026-11-24T10:00:00-03:00", "End_DateTime": "2026-11-24T10:15:00-03:00"}}}, 200)
	for day, is := range want {
		if day != "2026-12-03" && day != "2026-12-08" {
			want[day] = is[:11] + "13" + is[13:]
		}
	}
	d.eventually("all of it is an hour later", func() bool { return fmt.Sprint(occurrences()) == fmt.Sprint(want) })
	if got := adele.items("calendar", "subject"); len(got) != 1 || got["Standup"]["id"] != series {
		t.Errorf("FIELD-FAILURES 25: the series is now %v", got)
	}
	d.noMails()
}
