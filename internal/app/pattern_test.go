package app_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestS16_AnotherPatternLosesNothingUnsaid: every week becomes every day. A day that was moved to another hour and one that was renamed
// stay so, in Outlook too, where Exchange drops them with the old pattern; a day that is none of the new series, or lies beyond its
// new neighbour, is named before anything is written.
func TestS16_AnotherPatternLosesNothingUnsaid(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Events", doc{
		"Event_Title": "Semanal", "Start_DateTime": "2031-05-05T09:00:00-03:00", "End_DateTime": "2031-05-05T10:00:00-03:00", "Time_Zone": "America/Sao_Paulo",
		"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;DTSTART=2031-05-05;COUNT=6"},
	})[0]
	adele.switchOn("calendar")
	adele.inStep(1)
	k := adele.desk()
	k.press(k.open("/calendar/"+id+"?on=2031-05-12&scope=this"), "Save", map[string]string{"Start_DateTime": "2031-05-12T15:00", "End_DateTime": "2031-05-12T16:00"}, "is saved")
	k.press(k.open("/calendar/"+id+"?on=2031-05-19&scope=this"), "Save", map[string]string{"Event_Title": "Especial"}, "is saved")
	k.press(k.open("/calendar/"+id+"?on=2031-05-26&scope=this"), "Save", map[string]string{"Start_DateTime": "2031-05-27T09:00", "End_DateTime": "2031-05-27T10:00"}, "is saved")
	d.eventually("Outlook has the changed days", func() bool {
		return adele.startOn("Semanal", "2031-05-12") == "2031-05-12T18:00:00.0000000" && adele.instanceOn("Semanal", "2031-05-27") != nil
	})
	adele.restOf("calendar")

	daily := map[string]string{"repeat": "daily", "repeat_end": "count", "repeat_count": "16"} // to the 20th
	asked := k.press(k.open("/calendar/"+id), "Save", daily, "would lose their own changes", "26 May 2031", "Nothing has been saved yet")
	if strings.Contains(asked.Text, "12 May 2031") || strings.Contains(asked.Text, "Especial") {
		t.Errorf("said to be lost: %s", asked.Text)
	}
	if rule := adele.get("Events", id)["Recurring_Activity"].(doc)["RRULE"].(string); !strings.Contains(rule, "WEEKLY") {
		t.Fatalf("written before anybody agreed: %s", rule)
	}
	k.press(asked, "Save and lose these changes", nil, "is saved")
	d.eventually("Outlook has every day", func() bool { return adele.occurrencesOf("Semanal") == 16 })
	d.eventually("what single days have of their own is there", func() bool {
		special := adele.instanceOn("Semanal", "2031-05-19")
		return adele.startOn("Semanal", "2031-05-12") == "2031-05-12T18:00:00.0000000" && special != nil && special["subject"] == "Especial"
	})
	adele.inStep(1)
	adele.restOf("calendar")
	r := adele.get("Events", id)
	if changed := fmt.Sprint(r["Changed_Occurrences"]); !strings.Contains(changed, "2031-05-12") || !strings.Contains(changed, "Especial") {
		t.Errorf("the CRM has lost what single days have of their own: %v", r)
	}
	d.noMails()

	// Of one day and the following only that one: the days before it stay, with what they have of their own.
	asked = k.press(k.open("/calendar/"+id+"?on=2031-05-15&scope=following"), "Save", map[string]string{"repeat": ""}, "only 15 May 2031 stays", "The days before it stay", "Especial")
	if strings.Contains(asked.Text, "12 May 2031") {
		t.Errorf("said to be lost: %s", asked.Text)
	}

	// One day only: which one stays is said, and every other change is named.
	asked = k.press(k.open("/calendar/"+id), "Save", map[string]string{"repeat": ""}, "would no longer repeat", "Only 5 May 2031", "12 May 2031", "Especial")
	k.press(asked, "Keep one day only", nil, "is saved")
	d.eventually("Outlook has one day", func() bool {
		return adele.occurrencesOf("Semanal") == 0 && adele.items("calendar", "subject")["Semanal"] != nil
	})
	adele.inStep(1)
	adele.restOf("calendar")
	k.press(k.open("/calendar/"+id), "Save", map[string]string{"repeat": "weekly", "repeat_end": "count", "repeat_count": "3"}, "is saved")
	d.eventually("and a series again", func() bool { return adele.occurrencesOf("Semanal") == 3 })
	adele.inStep(1)
	d.noMails()
}
