package app_test

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/record"
	"tandem/internal/testkit/browse"
)

const questionsPath = "/setup/marketplace/microsoft/calendar/questions"

// asksOff waits until a person is asked whether people may be told that a meeting is off, and gives the page.
func (k *desk) asksOff(count int) (page *browse.Page) {
	k.t.Helper()
	words := fmt.Sprintf("Call it off and mail %d p", count)
	k.eventually("it is asked whether people may be told", func() bool {
		page = k.open(questionsPath)
		return strings.Contains(page.Text, words)
	})
	k.noMails()
	return page
}

// TestFF58_ADeletionThatWasHeldBackIsAgreedToOnThePage: a meeting that was deleted with nobody told stays in Outlook, the
// recycle bin and the questions say so, and a yes there calls it off: once, for those whom the page named. Restored, nothing is
// asked any more.
func TestFF58_ADeletionThatWasHeldBackIsAgreedToOnThePage(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	there := func() bool { return adele.items("calendar", "subject")["Visita"] != nil }

	k.press(k.press(k.open("/calendar/"+id), "Delete", nil, "mails 2 people that it is off"), "Only here, mail nobody", nil)
	page := k.asksOff(2)
	for _, words := range []string{"Visita", "deleted here", "megan@contoso.example", "out@side.example"} {
		if !strings.Contains(page.Text, words) {
			t.Errorf("the question does not say %q: %s", words, page.Text)
		}
	}
	bin := k.open("/recycle-bin")
	if led, err := k.browser.Follow(t.Context(), bin, "Still in Outlook"); err != nil || led.URL.Path != questionsPath {
		t.Errorf("the recycle bin leads nowhere: %v", err)
	}
	if records := k.open("/setup/marketplace/microsoft/calendar/records?state=failing"); !strings.Contains(records.Text, "Answer") {
		t.Errorf("the list of what is failing: %s", records.Text)
	}
	if status, said := adele.answer("POST", "/api/v1/links/"+adele.link("calendar")["id"].(string)+"/asks", doc{
		"microsoft_id": adele.items("calendar", "subject")["Visita"]["id"], "left_out": true,
	}); status != 404 {
		t.Errorf("a program answers for a person: %d %s", status, said)
	}
	k.press(page, "Decide", nil, "Nothing was chosen")

	// Restored, it is no question any more. Deleted again, it is one anew.
	adele.restore(id)
	d.eventually("nothing is asked", func() bool { return strings.Contains(k.open(questionsPath).Text, "nothing to decide") })
	adele.restOf("calendar")
	adele.call("DELETE", "/crm/v8/Events/"+id, nil, 200)
	old := k.asksOff(2)

	// Another one is invited in Outlook: the yes to two people is none to three.
	item := adele.items("calendar", "subject")["Visita"]
	people := item["attendees"].([]any)
	d.mails += 3 // two updates and an invitation, by hand
	if status, refused := d.as("adele").Patch("/me/events/"+item["id"].(string), doc{
		"attendees": append(people, doc{"type": "required", "emailAddress": doc{"address": "lee@contoso.example"}}),
	}); status != 200 {
		t.Fatal(status, refused)
	}
	page = k.asksOff(3)
	k.press(old, "Decide", map[string]string{"off-0": "yes"}, "changed while you looked")
	adele.settled("calendar")
	if !there() {
		t.Fatal("the meeting was called off by a yes about others")
	}
	d.noMails()

	k.press(page, "Decide", map[string]string{"off-0": "yes"}, "on its way")
	d.eventually("it is off", func() bool { return !there() })
	d.mailed(d.mails+3, "three cancellations")
	adele.settled("calendar")
	if text := k.open(questionsPath).Text; !strings.Contains(text, "nothing to decide") {
		t.Errorf("still asked: %s", text)
	}
	if l := adele.link("calendar"); l["failing"] != 0.0 {
		t.Errorf("the link is %v", l)
	}
}

// TestFF58_AMeetingThatWasDeletedHereIsKeptInOutlook: its person says that a meeting which was deleted in the CRM stays in Outlook.
// Then nobody is asked any more and nobody is mailed, what is typed there stays there, the calendar stays when the sync ends,
// and restored in the CRM the two are one pair again.
func TestFF58_AMeetingThatWasDeletedHereIsKeptInOutlook(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	visit := func() doc { return adele.items("calendar", "subject")["Visita"] }
	typed := func(place string, mails int) {
		t.Helper()
		d.mails += mails // updates, by hand
		if status, refused := d.as("adele").Patch("/me/events/"+visit()["id"].(string), doc{"location": doc{"displayName": place}}); status != 200 {
			t.Fatal(status, refused)
		}
	}
	nothingAsked := func() {
		t.Helper()
		d.eventually("nothing is asked", func() bool { return strings.Contains(k.open(questionsPath).Text, "nothing to decide") })
		adele.restOf("calendar")
	}
	adele.call("DELETE", "/crm/v8/Events/"+id, nil, 200)
	k.asksOff(2)
	adele.restOf("calendar")
	k.press(k.asksOff(2), "Decide", map[string]string{"off-0": "keep"}, "on its way")
	d.eventually("it is out of the sync", func() bool { return adele.link("calendar")["excluded"] == 1.0 })
	nothingAsked()

	// Asked again, it is a question as before.
	k.press(k.open(questionsPath), "Ask me again", nil, "asked again")
	adele.restOf("calendar") // until then it is asked as before, and a run may be about to ask anew
	k.press(k.asksOff(2), "Decide", map[string]string{"off-0": "keep"}, "on its way")
	nothingAsked()
	typed("Roof", 2)
	adele.restOf("calendar")
	if visit()["location"].(doc)["displayName"] != "Roof" || adele.list("Events", "Event_Title")["Visita"] != nil || adele.link("calendar")["failing"] != 0.0 {
		t.Fatalf("Outlook has %v, the CRM %v, the link is %v", visit(), adele.list("Events", "Event_Title"), adele.link("calendar"))
	}

	// Back in the CRM, it is the same pair; deleted once more, the word of then is none.
	adele.restore(id)
	d.eventually("what was typed in Outlook is here", func() bool { r := adele.event("Visita"); return r != nil && r["id"] == id && r["Venue"] == "Roof" })
	d.eventually("it takes part again", func() bool { return adele.link("calendar")["excluded"] == 0.0 })
	adele.restOf("calendar")
	if visit() == nil || len(adele.items("calendar", "id")) != 1 {
		t.Fatalf("restored, Outlook has %v", adele.items("calendar", "id"))
	}
	adele.call("DELETE", "/crm/v8/Events/"+id, nil, 200)
	k.asksOff(2)
	adele.restOf("calendar")
	k.press(k.asksOff(2), "Decide", map[string]string{"off-0": "keep"}, "on its way")
	nothingAsked()

	adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	if visit() == nil {
		t.Error("the meeting went with the calendar")
	}
	d.noMails()
}

// TestS17_FF104_AMeetingChangesHandsOnlyWithItsOwnersWord: given away by its owner, a meeting is called off with the owner's yes;
// given away by somebody else, it stays in the owner's Outlook until the owner says so. The new owner has it at once, as an event
// to which nobody is invited, and invites by a word of their own.
func TestS17_FF104_AMeetingChangesHandsOnlyWithItsOwnersWord(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"the owner, with a yes", "the owner, without", "an administrator"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele, alex, admin := d.client("adele"), d.client("alex"), d.client("admin")
			k, id := d.invited(adele)
			alex.switchOn("calendar")
			alex.invites(true)
			to := alex.user().ID.String()
			switch by {
			case "an administrator":
				admin.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Owner": doc{"id": to}}}}, 200)
			default:
				page := k.press(k.open("/calendar/"+id), "Save", map[string]string{"Owner": to}, "to somebody else mails 2 people", "megan@contoso.example", "out@side.example")
				button := "Hand it over and mail 2 people"
				if by == "the owner, without" {
					button = "Only here, mail nobody"
				}
				k.press(page, button, nil)
			}
			d.eventually("the new owner has it", func() bool { return alex.items("calendar", "subject")["Visita"] != nil })
			if by == "the owner, with a yes" {
				d.eventually("it is off", func() bool { return adele.items("calendar", "subject")["Visita"] == nil })
			} else {
				page := k.asksOff(2)
				if !strings.Contains(page.Text, "somebody else’s now") {
					t.Errorf("the question: %s", page.Text)
				}
				if adele.items("calendar", "subject")["Visita"] == nil {
					t.Fatal("it is gone from the old owner's Outlook")
				}
				k.press(page, "Decide", map[string]string{"off-0": "yes"}, "on its way")
				d.eventually("it is off", func() bool { return adele.items("calendar", "subject")["Visita"] == nil })
			}
			d.mailed(4, "two cancellations")
			adele.inStep(0)
			alex.inStep(1)
			item := alex.items("calendar", "subject")["Visita"]
			if len(answers(item)) != 0 || !strings.Contains(bodyOf(item), "megan@contoso.example") {
				t.Errorf("the new owner has %v", item)
			}
			d.noMails()

			next := alex.desk()
			next.press(next.open("/calendar/"+id), "Invite 2 people", nil)
			d.mailed(6, "two invitations by the new owner")
			d.eventually("they are invited", func() bool { return len(answers(alex.items("calendar", "subject")["Visita"])) == 2 })
			if n := len(admin.list("Events", "id")); n != 1 {
				t.Errorf("the CRM has %d events", n)
			}
			alex.restOf("calendar")
		})
	}
}

// TestS17_AMeetingOfWhoeverDoesNotSyncMailsNobody: the new owner has no sync, then the old one has none: nobody hears of it.
func TestS17_AMeetingOfWhoeverDoesNotSyncMailsNobody(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, alex, admin := d.client("adele"), d.client("alex"), d.client("admin")
	k, id := d.invited(adele)
	admin.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Owner": doc{"id": alex.user().ID.String()}}}}, 200)
	k.asksOff(2)
	// The old owner's sync ends with the question open: the meeting stays as it is, and so does its calendar.
	adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
	d.eventually("it is switched off", func() bool { return adele.link("calendar") == nil })
	if len(answers(adele.items("calendar", "subject")["Visita"])) != 2 {
		t.Error("the meeting was called off")
	}
	alex.switchOn("calendar")
	alex.inStep(1)
	if len(answers(alex.items("calendar", "subject")["Visita"])) != 0 {
		t.Error("people were invited by a first sync")
	}
}

// TestS17_FF104_AMeetingOfWhoeverIsDeactivatedMailsNobody: an administrator deactivates the organizer and keeps the records or hands
// them over, to an heir who lets meetings invite. Nobody can ask the organizer any more, so nobody is mailed: the people who come are
// not told that it is off, and the heir has it once, with nobody invited.
func TestS17_FF104_AMeetingOfWhoeverIsDeactivatedMailsNobody(t *testing.T) {
	t.Parallel()
	for _, handed := range []bool{true, false} {
		t.Run(fmt.Sprint("handed over ", handed), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele, alex, admin := d.client("adele"), d.client("alex"), d.client("admin")
			_, id := d.invited(adele)
			alex.switchOn("calendar")
			alex.invites(true)
			registry, boss := d.registry()
			owner, heir, has := adele.user().ID, record.ID(0), 0
			if handed {
				owner, heir, has = alex.user().ID, alex.user().ID, 1
			}
			if err := registry.Deactivate(t.Context(), boss, adele.user().ID, heir); err != nil {
				t.Fatal(err)
			}
			d.off(adele)
			alex.inStep(has)
			alex.restOf("calendar")
			if item := alex.items("calendar", "subject")["Visita"]; (item != nil) != handed || len(answers(item)) != 0 {
				t.Errorf("the heir has %v", item)
			}
			events := admin.list("Events", "id")
			if len(events) != 1 || events[id]["Owner"].(doc)["id"] != owner.String() {
				t.Errorf("the CRM has %v", events)
			}
			d.noMails()
		})
	}
}

// weekly is a series of six Mondays to which two people are invited by their owner's word.
func (d *demo) weekly(adele *client) (k *desk, id string) {
	d.t.Helper()
	id = adele.insert("Events", doc{
		"Event_Title": "Semanal", "Start_DateTime": "2031-05-05T09:00:00-03:00", "End_DateTime": "2031-05-05T10:00:00-03:00",
		"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;DTSTART=2031-05-05;COUNT=6"},
		"Participants":       []doc{guest("megan@contoso.example"), guest("out@side.example")},
	})[0]
	adele.switchOn("calendar")
	adele.invites(true)
	k = adele.desk()
	k.press(k.open("/calendar/"+id), "Invite 2 people", nil)
	d.eventually("they are invited", func() bool { return len(answers(adele.items("calendar", "subject")["Semanal"])) == 2 })
	d.mailed(2, "two invitations")
	adele.knowsWhoIsInvited(id, 2)
	return k, id
}

// TestS16_FF104_EachScopeOfASeriesMailsWhomItSays: one day, this and the following, and all of a series with people in it are
// changed and deleted on the pages. Each says who gets mail; a yes mails just them, and without one Outlook stays as it is.
func TestS16_FF104_EachScopeOfASeriesMailsWhomItSays(t *testing.T) {
	t.Parallel()
	const day = "2031-05-19" // the third
	for _, c := range []struct {
		name, scope, button string
		edit                map[string]string
		mails               int // by Exchange, once it is agreed to
		done                func(c *client) bool
	}{
		{"one day changed", "this", "Save", map[string]string{"Venue": "Sala 2"}, 2, func(c *client) bool { return c.venueOn("Semanal", day) == "Sala 2" }},
		{"one day moved", "this", "Save", map[string]string{"Start_DateTime": day + "T11:00", "End_DateTime": day + "T12:00"}, 2, func(c *client) bool {
			return strings.HasPrefix(c.startOn("Semanal", day), day+"T14:00")
		}},
		{"the following changed", "following", "Save", map[string]string{"Event_Title": "Nova"}, 4, func(c *client) bool { // an update of the old series, an invitation to the new one
			return c.occurrencesOf("Semanal") == 2 && c.occurrencesOf("Nova") == 4 && len(answers(c.items("calendar", "subject")["Nova"])) == 2
		}},
		{"all changed", "all", "Save", map[string]string{"Venue": "Sala 3"}, 2, func(c *client) bool { return c.venueOn("Semanal", day) == "Sala 3" }},
		{"one day deleted", "this", "Delete only this day", nil, 2, func(c *client) bool { return c.occurrencesOf("Semanal") == 5 }},
		{"the following deleted", "following", "Delete this day and the following", nil, 2, func(c *client) bool { return c.occurrencesOf("Semanal") == 2 }},
		{"all deleted", "all", "Delete the series", nil, 2, func(c *client) bool { return c.items("calendar", "subject")["Semanal"] == nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele := d.client("adele")
			k, id := d.weekly(adele)
			at := "/calendar/" + id + "?on=" + day + "&scope=" + c.scope
			before := adele.items("calendar", "subject")["Semanal"]["changeKey"]
			asked := k.press(k.open(at), c.button, c.edit, "2 people", "megan@contoso.example", "out@side.example")
			adele.settled("calendar")
			if now := adele.items("calendar", "subject")["Semanal"]["changeKey"]; now != before {
				t.Error("it was changed before anybody agreed")
			}
			d.noMails()
			yes := map[bool]string{true: "Delete it and mail 2 people", false: "Change it and mail 2 people"}[c.name == "all deleted"]
			k.press(asked, yes, nil)
			d.eventually("Outlook has it", func() bool { return c.done(adele) })
			d.mailed(2+c.mails, c.name)
			adele.settled("calendar")
			adele.restOf("calendar")
		})
	}
}

// TestS16_FF104_ASeriesChangedOnlyHereIsHeldBackWhole: without a yes neither part of a divided series mails anybody; each part's
// page has the yes, and then both are in Outlook.
func TestS16_FF104_ASeriesChangedOnlyHereIsHeldBackWhole(t *testing.T) {
	t.Parallel()
	const day = "2031-05-19"
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.weekly(adele)
	asked := k.press(k.open("/calendar/"+id+"?on="+day+"&scope=following"), "Save", map[string]string{"Event_Title": "Nova"}, "2 people")
	k.press(asked, "Only here, mail nobody", nil)
	d.eventually("both parts are held back", func() bool { return strings.Count(adele.failing(), "would_mail") == 2 })
	if adele.occurrencesOf("Semanal") != 6 || adele.items("calendar", "subject")["Nova"] != nil {
		t.Error("Outlook has another series")
	}
	d.noMails()
	fresh := adele.event("Nova")["id"].(string)
	k.press(k.open("/calendar/"+id), "Send it and mail 2 people", nil)
	d.eventually("the old part ends", func() bool { return adele.occurrencesOf("Semanal") == 2 })
	d.mailed(4, "two updates")
	k.press(k.open("/calendar/"+fresh), "Send it and mail 2 people", nil)
	d.eventually("the new part begins", func() bool { return adele.occurrencesOf("Nova") == 4 })
	d.mailed(6, "two invitations")
	adele.settled("calendar")
	adele.restOf("calendar")
}

// instances are the occurrences of a series in Outlook, in order.
func (c *client) instances(title string) []any {
	c.t.Helper()
	series := c.items("calendar", "subject")[title]
	if series == nil {
		return nil
	}
	_, page := c.as(c.name).Get("/me/events/" + series["id"].(string) + "/instances?startDateTime=2031-05-01T00:00:00Z&endDateTime=2031-07-01T00:00:00Z&$orderby=start/dateTime&$top=100")
	list, _ := page["value"].([]any)
	return list
}

func (c *client) occurrencesOf(title string) int { c.t.Helper(); return len(c.instances(title)) }

func (c *client) instanceOn(title, day string) doc {
	c.t.Helper()
	for _, o := range c.instances(title) {
		if strings.HasPrefix(o.(doc)["start"].(doc)["dateTime"].(string), day) {
			return o.(doc)
		}
	}
	return nil
}

func (c *client) venueOn(title, day string) any {
	c.t.Helper()
	if o := c.instanceOn(title, day); o != nil {
		return o["location"].(doc)["displayName"]
	}
	return nil
}

func (c *client) startOn(title, day string) string {
	c.t.Helper()
	if o := c.instanceOn(title, day); o != nil {
		return o["start"].(doc)["dateTime"].(string)
	}
	return ""
}

// knowsWhoIsInvited waits until the CRM has heard from Outlook whom an event invites, and is at rest.
func (c *client) knowsWhoIsInvited(id string, people int) {
	c.t.Helper()
	c.eventually("the CRM knows who is invited", func() bool {
		list, _ := c.get("Events", id)["Attendees"].(doc)
		all, _ := list["people"].([]any)
		return len(all) == people
	})
	c.restOf("calendar")
}

// TestFF58_ABulkDeletionMailsWhomItNamed: from the list, with a yes, those who are invited are told once; without, nobody, and the event stays.
func TestFF58_ABulkDeletionMailsWhomItNamed(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	query := "/mass-update?kind=calendar&do=delete&pick=1&id=" + id
	page := k.press(k.open(query), "See what it would do", nil, "tells 2 people in your name", "megan@contoso.example", "out@side.example")
	d.noMails()
	k.press(page, "Delete 1 event, mail 2 people", nil)
	d.eventually("it is off", func() bool { return adele.items("calendar", "subject")["Visita"] == nil })
	d.mailed(4, "two cancellations")
	adele.inStep(0)
	d.noMails()
}
