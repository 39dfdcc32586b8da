package app_test

import (
	"strings"
	"testing"
)

// TestS16_ADayThatOutlookDeletedCannotReturnAndThatIsSaid: in the words of the day, not of a rule that is too difficult.
func TestS16_ADayThatOutlookDeletedCannotReturnAndThatIsSaid(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Events", doc{
		"Event_Title": "Standup", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T09:15:00-03:00",
		"Recurring_Activity": doc{"RRULE": "FREQ=DAILY;COUNT=5"},
	})[0]
	adele.switchOn("calendar")
	series := adele.items("calendar", "subject")["Standup"]["id"].(string)
	_, list := d.as("adele").Get("/me/events/" + series + "/instances?startDateTime=2026-11-26&endDateTime=2026-11-27")
	d.as("adele").Delete("/me/events/" + list["value"].([]any)[0].(doc)["id"].(string))
	d.eventually("the CRM leaves the day out", func() bool {
		return adele.get("Events", id)["Recurring_Activity"].(doc)["EXDATE"] == "2026-11-26"
	})

	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Event_Title": "Standup again", "Recurring_Activity": doc{"RRULE": "FREQ=DAILY;COUNT=5"}}}}, 200)
	d.eventually("the record says why", func() bool { return adele.link("calendar")["failing"] == 1.0 })
	link := adele.link("calendar")["id"].(string)
	if told := adele.text("GET", "/api/v1/links/"+link+"/records?state=failing", nil, 200); !strings.Contains(told, `"occurrence_gone"`) {
		t.Errorf("the API says %s", told)
	}
	if _, page := adele.page("GET", "/calendar/"+id, nil); !strings.Contains(string(page), "deleted in Outlook") {
		t.Error("the page does not say what happened")
	}

	// What helps is said there, and helps: to leave the day out again.
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Recurring_Activity": doc{"RRULE": "FREQ=DAILY;COUNT=5", "EXDATE": "2026-11-26"}}}}, 200)
	adele.inStep(1)
	if adele.items("calendar", "subject")["Standup again"]["id"] != series {
		t.Error("what else was changed is not in Outlook")
	}
}
