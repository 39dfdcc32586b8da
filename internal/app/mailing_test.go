package app_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"tandem/internal/record"
	"tandem/internal/testkit/browse"
)

// A person's own browser in the calendar, for tests of what is asked before people are mailed.
type desk struct {
	*client
	browser *browse.Browser
}

func (c *client) desk() *desk {
	browser, _ := c.signedIn("/calendar")
	return &desk{c, browser}
}

func (k *desk) open(path string) *browse.Page {
	k.t.Helper()
	page, err := k.browser.Get(context.Background(), k.url+path)
	if err != nil {
		k.t.Fatal(err)
	}
	return page
}

// press submits a form, and checks that the page that follows says something.
func (k *desk) press(page *browse.Page, button string, values map[string]string, says ...string) *browse.Page {
	k.t.Helper()
	next, err := k.browser.Submit(context.Background(), page, button, values)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, words := range says {
		if !strings.Contains(next.Text, words) {
			k.t.Fatalf("after %q, %s does not say %q: %s", button, next.URL, words, next.Text)
		}
	}
	return next
}

// failing is what the API tells of the records that are held back.
func (c *client) failing() string {
	c.t.Helper()
	return c.text("GET", "/api/v1/links/"+c.link("calendar")["id"].(string)+"/records?state=failing", nil, 200)
}

// invites turns the option on or off.
func (c *client) invites(on bool) {
	c.t.Helper()
	c.call("PATCH", "/api/v1/links/"+c.link("calendar")["id"].(string), doc{"invites": on}, 200)
	c.settled("calendar")
}

// answers are the attendees of an item, with what they answered.
func answers(item doc) map[string]string {
	out := map[string]string{}
	list, _ := item["attendees"].([]any)
	for _, a := range list {
		out[a.(doc)["emailAddress"].(doc)["address"].(string)] = a.(doc)["status"].(doc)["response"].(string)
	}
	return out
}

// mailed waits until Exchange has sent so many mails in all.
func (d *demo) mailed(n int, what string) {
	d.t.Helper()
	d.mails = n
	d.eventually(fmt.Sprintf("%d mails: %s", n, what), func() bool { return len(d.m365.Mails()) >= n })
	d.noMails()
}

// answer answers an invitation in a person's default calendar.
func (d *demo) answer(name, how string) {
	d.t.Helper()
	_, told := d.as(name).Get("/me/calendar/events")
	events := told["value"].([]any)
	if len(events) == 0 {
		d.t.Fatalf("%s has no invitation", name)
	}
	id := events[0].(doc)["id"].(string)
	if status, refused := d.as(name).Post("/me/events/"+url.PathEscape(id)+"/"+how, doc{"sendResponse": true}); status != 202 {
		d.t.Fatal(status, refused)
	}
}

// invited is an event in Outlook to which two people are invited by their owner's word.
func (d *demo) invited(adele *client) (k *desk, id string) {
	d.t.Helper()
	id = adele.insert("Events", visit("Visita", "2026-12-01", guest("megan@contoso.example"), guest("out@side.example")))[0]
	adele.switchOn("calendar")
	adele.invites(true)
	d.noMails() // neither the first sync nor the option mails by itself
	k = adele.desk()
	page := k.open("/calendar/" + id)
	k.press(page, "Invite 2 people", nil, "goes to Outlook")
	d.eventually("they are invited", func() bool { return len(answers(adele.items("calendar", "subject")["Visita"])) == 2 })
	d.mailed(2, "two invitations")
	adele.knowsWhoIsInvited(id, 2)
	return k, id
}

// TestFF104_ParticipantsAreInvitedOnlyByAPersonsWord: the option by itself mails nobody; a word mails whom it names, once.
func TestFF104_ParticipantsAreInvitedOnlyByAPersonsWord(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	item := adele.items("calendar", "subject")["Visita"]
	if strings.Contains(bodyOf(item), "Tandem") || strings.Contains(bodyOf(item), "megan") {
		t.Errorf("those who are invited stand in the text, too: %s", bodyOf(item))
	}
	adele.call("POST", "/api/v1/links/"+adele.link("calendar")["id"].(string)+"/run", nil, 202)
	adele.settled("calendar")
	d.noMails()

	// A program changes it: it is held back, and the page says for how many.
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Venue": "Sala 2"}}}, 200)
	d.eventually("it is held back", func() bool { return strings.Contains(adele.failing(), "would_mail") })
	d.noMails()
	k.press(k.open("/calendar/"+id), "Send it and mail 2 people", nil)
	d.eventually("Outlook has it", func() bool {
		return adele.items("calendar", "subject")["Visita"]["location"].(doc)["displayName"] == "Sala 2"
	})
	d.mailed(4, "two updates")
	d.eventually("nothing is held back", func() bool { return !strings.Contains(adele.failing(), "would_mail") })

	// A word is for one change: the next one asks again, and only here is only here.
	page := k.press(k.open("/calendar/"+id), "Save", map[string]string{"Venue": "Sala 3"}, "mails 2 people", "megan@contoso.example")
	k.press(page, "Only here, mail nobody", nil)
	d.eventually("it is held back", func() bool { return strings.Contains(adele.failing(), "would_mail") })
	d.noMails()

	// What concerns Outlook in nothing asks nothing. What somebody else is to agree to is not asked of others.
	page = k.press(k.open("/calendar/"+id), "Delete", nil, "mails 2 people that it is off")
	k.press(page, "Delete it and mail 2 people", nil)
	d.eventually("it is off", func() bool { return adele.items("calendar", "subject")["Visita"] == nil })
	d.mailed(6, "two cancellations")
}

// TestFF105_WhoHasAcceptedStaysAccepted: another participant is invited; who has answered is named among those who get mail,
// and the answer stands.
func TestFF105_WhoHasAcceptedStaysAccepted(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	d.answer("megan", "accept")
	d.mailed(3, "her answer")
	d.eventually("the CRM tells the answer", func() bool { return strings.Contains(fmt.Sprint(adele.get("Events", id)["Attendees"]), "accepted") })
	adele.restOf("calendar")
	page := k.press(k.open("/calendar/"+id), "Save", map[string]string{"participants_new": "lee@contoso.example"},
		"mails 3 people", "lee@contoso.example", "megan@contoso.example", "out@side.example")
	k.press(page, "Save and mail 3 people", nil)
	d.eventually("three are invited", func() bool { return len(answers(adele.items("calendar", "subject")["Visita"])) == 3 })
	if got := answers(adele.items("calendar", "subject")["Visita"]); got["megan@contoso.example"] != "accepted" {
		t.Errorf("attendees are %v", got)
	}
	d.mailed(6, "an invitation and two updates")
}

// TestFF109_NobodyIsSaidToHaveBeenMailed: the page tells who is invited and what they answered as Microsoft reports it.
func TestFF109_NobodyIsSaidToHaveBeenMailed(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	d.eventually("the page tells who is invited", func() bool {
		text := k.open("/calendar/" + id).Text
		return strings.Contains(text, "Invited in Outlook") && strings.Count(text, "No answer yet") == 2
	})
	// Somebody takes one of them out in Outlook: then they are not invited, whatever the CRM's participants are.
	item := adele.items("calendar", "subject")["Visita"]
	d.as("adele").Patch("/me/events/"+item["id"].(string), doc{"attendees": []doc{{"type": "required", "emailAddress": doc{"address": "megan@contoso.example"}}}})
	d.mailed(4, "her update and his cancellation, by hand")
	d.eventually("the page tells that", func() bool { return strings.Count(k.open("/calendar/"+id).Text, "No answer yet") == 1 })
	d.answer("megan", "tentativelyAccept")
	d.mailed(5, "her answer")
	d.eventually("and her answer", func() bool { return strings.Contains(k.open("/calendar/"+id).Text, "Maybe") })
}

// TestFF106_OldMeetingsAreNoTrapOnceTheOptionIsOff: turning it off says that meetings stay meetings, mails nobody, and nothing
// that happens to them afterwards mails anybody without a word.
func TestFF106_OldMeetingsAreNoTrapOnceTheOptionIsOff(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	page := k.press(k.open("/setup/marketplace/microsoft/calendar/options"), "See what changes", map[string]string{"people": "text"},
		"stay meetings", "This change itself mails nobody")
	k.press(page, "Change it", nil)
	adele.settled("calendar")
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Venue": "Sala 2", "Participants": []doc{guest("lee@contoso.example")}}}}, 200)
	d.eventually("it is held back", func() bool { return strings.Contains(adele.failing(), "would_mail") })
	d.noMails()
	adele.call("DELETE", "/crm/v8/Events/"+id, nil, 200)
	adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	if len(answers(adele.items("calendar", "subject")["Visita"])) != 2 {
		t.Error("the meeting was called off")
	}
}

// TestFF108_EveryMemberHasTheMeetingOnce: three colleagues who sync are invited: each has it in Outlook, and the CRM has one.
func TestFF108_EveryMemberHasTheMeetingOnce(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	members := []string{"megan", "lee", "grady"}
	var people []doc
	clients := map[string]*client{}
	for _, name := range members {
		people = append(people, guest(name+"@contoso.example"))
		clients[name] = d.client(name)
		clients[name].switchOn("calendar")
	}
	id := adele.insert("Events", visit("Equipe", "2026-12-01", people...))[0]
	adele.switchOn("calendar")
	adele.invites(true)
	k := adele.desk()
	k.press(k.open("/calendar/"+id), "Invite 3 people", nil)
	d.mailed(3, "three invitations")
	for _, name := range members {
		_, told := d.as(name).Get("/me/calendar/events")
		if n := len(told["value"].([]any)); n != 1 {
			t.Errorf("%s has it %d times", name, n)
		}
		clients[name].settled("calendar")
	}
	if n := len(adele.list("Events", "Event_Title")); n != 1 {
		t.Errorf("the CRM has %d events", n)
	}
}

// TestFF124_AnAttendeesCopyIsChangedOnlyInWhatIsTheirs: in somebody else's meeting the CRM changes what is the attendee's own,
// refuses the rest with a reason, and mails nobody, whatever is done.
func TestFF124_AnAttendeesCopyIsChangedOnlyInWhatIsTheirs(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar")
	d.as("alex").Post("/me/events", doc{
		"subject": "De Alex", "start": doc{"dateTime": "2026-12-01T12:00:00", "timeZone": "UTC"}, "end": doc{"dateTime": "2026-12-01T13:00:00", "timeZone": "UTC"},
		"attendees": []doc{{"type": "required", "emailAddress": doc{"address": "adele@contoso.example"}}},
	})
	d.mailed(1, "Alex's invitation")
	_, told := d.as("adele").Get("/me/calendar/events")
	if _, err := d.m365.Mailbox("adele@contoso.example").Move(told["value"].([]any)[0].(doc)["id"].(string), strings.TrimPrefix(adele.container("calendar"), "/me/calendars/")); err != nil {
		t.Fatal(err)
	}
	id := ""
	d.eventually("it is in the CRM", func() bool {
		if one := adele.list("Events", "Event_Title")["De Alex"]; one != nil {
			id, _ = one["id"].(string)
		}
		return id != ""
	})
	refused := adele.text("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Venue": "Sala 2"}}}, 400)
	if !strings.Contains(refused, "organizer") || !strings.Contains(refused, "Venue") {
		t.Errorf("the API says %s", refused)
	}
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Show_As": "free", "Tag": []doc{{"name": "Alex"}}}}}, 200)
	d.eventually("what is hers is in Outlook", func() bool {
		item := adele.items("calendar", "subject")["De Alex"]
		return item["showAs"] == "free" && fmt.Sprint(item["categories"]) == "[Alex]"
	})
	k := adele.desk()
	page := k.open("/calendar/" + id)
	if !strings.Contains(page.Text, "has called this meeting") || !strings.Contains(page.Text, "You have not answered yet") {
		t.Errorf("the page: %s", page.Text)
	}
	if strings.Contains(page.Text, "Does not repeat") {
		t.Errorf("how it repeats is the organizer's: %s", page.Text)
	}
	k.press(page, "Save", map[string]string{"Event_Title": "Mine", "Remind_At": "30"})
	d.eventually("the reminder is in Outlook", func() bool {
		item := adele.items("calendar", "subject")["De Alex"]
		return item != nil && item["reminderMinutesBeforeStart"] == 30.0
	})
	if got := adele.get("Events", id)["Event_Title"]; got != "De Alex" {
		t.Errorf("it is called %v", got)
	}
	// Her answer in Outlook shows, and Alex's changes come.
	mine := adele.items("calendar", "subject")["De Alex"]["id"].(string)
	d.mails++
	if status, refused := d.as("adele").Post("/me/events/"+url.PathEscape(mine)+"/accept", doc{"sendResponse": true}); status != 202 {
		t.Fatal(status, refused)
	}
	d.eventually("the page tells her answer", func() bool { return strings.Contains(k.open("/calendar/"+id).Text, "You have accepted.") })
	adele.restOf("calendar")

	adele.call("DELETE", "/crm/v8/Events/"+id, nil, 200)
	d.eventually("it is off her calendar", func() bool { return adele.items("calendar", "subject")["De Alex"] == nil })
	d.noMails()
}

// TestFF124_ASeriesOfSomebodyElse: of a series that somebody else organizes, neither all nor one day is changed or taken out from
// the CRM, by page, drag or API, and each says why; what is the attendee's own goes to Outlook.
func TestFF124_ASeriesOfSomebodyElse(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar")
	d.as("alex").Post("/me/events", doc{
		"subject": "Série de Alex", "start": at("2031-05-05T12:00:00", "UTC"), "end": at("2031-05-05T13:00:00", "UTC"),
		"recurrence": doc{"pattern": doc{"type": "weekly", "interval": 1, "daysOfWeek": []string{"monday"}}, "range": doc{"type": "numbered", "startDate": "2031-05-05", "numberOfOccurrences": 5}},
		"attendees":  []doc{{"type": "required", "emailAddress": doc{"address": "adele@contoso.example"}}},
	})
	d.mailed(1, "Alex's invitation")
	_, told := d.as("adele").Get("/me/calendar/events")
	if _, err := d.m365.Mailbox("adele@contoso.example").Move(told["value"].([]any)[0].(doc)["id"].(string), strings.TrimPrefix(adele.container("calendar"), "/me/calendars/")); err != nil {
		t.Fatal(err)
	}
	adele.inStep(1)
	id := adele.event("Série de Alex")["id"].(string)
	k := adele.desk()
	before := fmt.Sprint(adele.instances("Série de Alex"))
	for _, scope := range []string{"this", "following", "all"} {
		page := k.open("/calendar/" + id + "?on=2031-05-12&scope=" + scope)
		if !strings.Contains(page.Text, "has called this meeting") || !strings.Contains(page.Text, "Every week on Monday, 5 times") {
			t.Errorf("%s: the page: %s", scope, page.Text)
		}
		for _, never := range []string{"Delete only this day", "Delete this day and the following", "This is one day of a series"} {
			if strings.Contains(page.Text, never) {
				t.Errorf("%s: the page offers %q", scope, never)
			}
		}
		k.press(page, "Save", map[string]string{"Venue": "Minha sala", "Event_Title": "Minha", "scope": scope, "on": "2031-05-12"})
	}
	version := fmt.Sprint(adele.version(id))
	status, said := adele.page("POST", "/calendar/"+id+"/move", url.Values{
		"start": {"2031-05-12T11:00"}, "end": {"2031-05-12T12:00"}, "version": {version}, "on": {"2031-05-12"}, "scope": {"this"},
	})
	if status != 422 || !strings.Contains(string(said), "organizer") {
		t.Errorf("a drag: %d %s", status, said)
	}
	for _, body := range []doc{
		{"Changed_Occurrences": []doc{{"Day": "2031-05-12", "Venue": "Minha sala"}}},
		{"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;DTSTART=2031-05-05;COUNT=5", "EXDATE": "2031-05-12"}},
	} {
		if refused := adele.text("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{body}}, 400); !strings.Contains(refused, "organizer") {
			t.Errorf("%v: %s", body, refused)
		}
	}
	adele.restOf("calendar")
	if after := fmt.Sprint(adele.instances("Série de Alex")); after != before {
		t.Errorf("Outlook had %s and has %s", before, after)
	}
	k.press(k.open("/calendar/"+id), "Save", map[string]string{"Remind_At": "30"})
	d.eventually("the reminder is in Outlook", func() bool {
		return adele.items("calendar", "subject")["Série de Alex"]["reminderMinutesBeforeStart"] == 30.0
	})
	adele.restOf("calendar")
}

// version is the record's, as a form carries it.
func (c *client) version(id string) int64 {
	c.t.Helper()
	number, _ := record.ParseID(id)
	found, err := c.app.Store.Records().ByID(c.t.Context(), c.user().Org, record.Calendar, []record.ID{number})
	if err != nil {
		c.t.Fatal(err)
	}
	return found[number].Version
}
