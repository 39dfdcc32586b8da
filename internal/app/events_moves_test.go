package app_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// visits are n events of an hour each, on days in a row.
func visits(n int) (out []doc) {
	for i := range n {
		day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i).Format(time.DateOnly)
		out = append(out, doc{"Event_Title": fmt.Sprint("E", i), "Start_DateTime": day + "T09:00:00-03:00", "End_DateTime": day + "T10:00:00-03:00"})
	}
	return out
}

// standings are the records of the calendar link in a state, by record.
func (c *client) standings(state string) map[string]doc {
	c.t.Helper()
	var records []doc
	if err := json.Unmarshal([]byte(c.text("GET", "/api/v1/links/"+c.link("calendar")["id"].(string)+"/records?state="+state+"&per_page=200", nil, 200)), &records); err != nil {
		c.t.Fatal(err)
	}
	out := map[string]doc{}
	for _, r := range records {
		out[fmt.Sprint(r["record"])] = r
	}
	return out
}

func (c *client) linkNumber() reconcile.LinkID {
	c.t.Helper()
	n, err := strconv.ParseInt(c.link("calendar")["id"].(string), 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return reconcile.LinkID(n)
}

// S17: an event goes where its owner goes, whichever of the two people syncs, whoever is deactivated, and whatever has
// become of a mailbox. The CRM keeps it whole throughout.
func TestS17_EventsFollowTheirOwner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		from, to  bool // who syncs
		hurt      func(former *client)
		inFormers bool // it may still be there, as that mailbox cannot be reached
	}{
		{"both sync", true, true, nil, false},
		{"only the former owner syncs", true, false, nil, false},
		{"only the new owner syncs", false, true, nil, false},
		{"nobody syncs", false, false, nil, false},
		{"the former owner's mailbox is gone", true, true, func(c *client) {
			if err := c.m365.AddFault(m365sim.Fault{Match: "part * " + c.container("calendar") + "*", Times: -1, Do: "404", Code: "MailboxNotEnabledForRESTAPI"}); err != nil {
				c.t.Fatal(err)
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele, alex, admin := d.client("adele"), d.client("alex"), d.client("admin")
			ids := adele.insert("Events", visits(12)...)
			n := 0
			if c.from {
				adele.switchOn("calendar")
				adele.inStep(12)
				n = 12
			}
			if c.to {
				alex.switchOn("calendar")
			}
			if c.hurt != nil {
				c.hurt(adele)
			}
			admin.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Owner": doc{"id": alex.user().ID.String()}}}}, 200)
			if c.to {
				d.eventually("the new owner has it", func() bool { return alex.items("calendar", "subject")["E0"] != nil })
				alex.inStep(1)
				alex.restOf("calendar")
			}
			if c.from && !c.inFormers {
				d.eventually("the former owner has it no more", func() bool { return len(adele.items("calendar", "subject")) == n-1 })
				adele.restOf("calendar")
			}
			if got := alex.get("Events", ids[0]); got["Event_Title"] != "E0" || got["Owner"].(doc)["id"] != alex.user().ID.String() {
				t.Errorf("the record is %v", got)
			}
			// And back: it is there once.
			if c.from && c.to && c.hurt == nil {
				admin.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Owner": doc{"id": adele.user().ID.String()}}}}, 200)
				d.eventually("it is back", func() bool {
					return len(adele.items("calendar", "subject")) == 12 && len(alex.items("calendar", "subject")) == 0
				})
				adele.restOf("calendar")
			}
		})
	}
}

// restore takes an event of the person's out of the recycle bin.
func (c *client) restore(id string) {
	c.t.Helper()
	user := c.user()
	actor := crm.Actor{Author: crm.Author{Org: user.Org, User: user.ID}, Contacts: record.Full, Events: record.Full}
	number, _ := record.ParseID(id)
	rules := crm.New(c.app.Store.Records(), nil, time.Now)
	if got, err := rules.Restore(c.t.Context(), actor, record.Calendar, []record.ID{number}); err != nil || got[0].Err != nil {
		c.t.Fatal(err, got[0].Err)
	}
}

// S16, FIELD-FAILURES 56, 57: deleted in Outlook, an event lies in the recycle bin; deleted in the CRM, it is gone from
// Outlook; restored, it is on both sides, as one pair, and goes on being so.
func TestFF56FF57_DeletedAndRestoredAsOnePair(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Events", visits(3)...)
	adele.switchOn("calendar")
	adele.inStep(3)
	user := adele.user()
	actor := crm.Actor{Author: crm.Author{Org: user.Org, User: user.ID}, Contacts: record.Full, Events: record.Full}
	number := func(id string) record.ID { n, _ := record.ParseID(id); return n }
	for round, remove := range []func(){
		func() {
			d.as("adele").Delete("/me/events/" + adele.items("calendar", "subject")["E0"]["id"].(string))
		},
		func() { adele.call("DELETE", "/crm/v8/Events/"+ids[0], nil, 200) },
	} {
		remove()
		d.eventually("it is gone on both sides", func() bool {
			return adele.list("Events", "Event_Title")["E0"] == nil && adele.items("calendar", "subject")["E0"] == nil
		})
		bin, err := crm.New(d.app.Store.Records(), nil, time.Now).ByID(t.Context(), actor, record.Calendar, number(ids[0]))
		if err != nil || !bin[number(ids[0])].Deleted() || bin[number(ids[0])].Fields[record.EventTitle] != "E0" {
			t.Fatalf("round %d: the recycle bin has %+v, %v", round, bin, err)
		}
		adele.restore(ids[0])
		adele.inStep(3)
		if n := len(adele.items("calendar", "id")); n != 3 {
			t.Fatalf("round %d: %d events in Outlook", round, n)
		}
		adele.restOf("calendar")
		adele.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Venue": fmt.Sprint("Sala ", round)}}}, 200)
		d.eventually("edits cross", func() bool {
			e := adele.items("calendar", "subject")["E0"]
			return e != nil && e["location"].(doc)["displayName"] == fmt.Sprint("Sala ", round)
		})
		adele.replan(adele.items("calendar", "subject")["E0"]["id"].(string), doc{"importance": []string{"high", "low"}[round]})
		d.eventually("both ways", func() bool { return adele.get("Events", ids[0])["Importance"] == []string{"high", "low"}[round] })
		adele.restOf("calendar")
	}
}

// FIELD-FAILURES 52, 54, 59: an emptied calendar is a question; a no brings everything back; nothing was deleted meanwhile.
func TestFF52_AnEmptiedCalendarIsAQuestion(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events", visits(30)...)
	adele.switchOn("calendar")
	adele.inStep(30)
	adele.apart("calendar", func() {
		for id := range adele.items("calendar", "id") {
			d.as("adele").Delete("/me/events/" + id)
		}
	})
	adele.wake(adele, "calendar")
	d.eventually("the sync holds", func() bool { return adele.link("calendar")["state"] == "held" })
	if n := len(adele.list("Events", "id")); n != 30 {
		t.Fatalf("%d events are left", n)
	}
	if err := d.app.Store.Links().AllowDeletes(t.Context(), adele.user().Org, adele.linkNumber(), false); err != nil {
		t.Fatal(err)
	}
	adele.inStep(30)
	adele.restOf("calendar")
}

// FIELD-FAILURES 53: what cannot be read is not gone, whatever keeps it from being read and for however long.
func TestFF53_ACalendarThatCannotBeReadLosesNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Events", visits(3)...)
	adele.switchOn("calendar")
	adele.inStep(3)
	for _, do := range []string{"404", "503", "500", "429"} {
		for _, part := range []string{"part GET /me/calendars/*/events*", "part GET /me/calendars*"} {
			if err := d.m365.AddFault(m365sim.Fault{Match: part, Times: 2, Do: do, RetryAfter: 1}); err != nil {
				t.Fatal(err)
			}
			adele.wake(adele, "calendar")
			time.Sleep(50 * time.Millisecond)
			if n := len(adele.list("Events", "id")); n != 3 || adele.link("calendar") == nil {
				t.Fatalf("%s to %s: %d events, link %v", do, part, n, adele.link("calendar"))
			}
		}
	}
	adele.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Venue": "Sala 9"}}}, 200)
	d.eventually("it goes on", func() bool {
		adele.wake(adele, "calendar")
		return adele.items("calendar", "subject")["E0"]["location"].(doc)["displayName"] == "Sala 9"
	})
	adele.inStep(3)
	adele.restOf("calendar")
}

// FIELD-FAILURES 46: what was known of the pairs is lost, twice; nothing is made anew on either side.
func TestFF46_ALostLedgerMakesNoEventAnew(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events", visits(4)...)
	adele.switchOn("calendar")
	adele.planned(doc{"subject": "theirs"})
	adele.inStep(5)
	before := adele.items("calendar", "id")
	for range 2 {
		adele.forgets("calendar")
		adele.wake(adele, "calendar")
		adele.inStep(5)
		adele.restOf("calendar")
		after := adele.items("calendar", "id")
		for id := range before {
			if after[id] == nil {
				t.Errorf("%s is another item now", before[id]["subject"])
			}
		}
		if a := len(adele.list("Events", "id")); a != 5 || len(after) != 5 {
			t.Errorf("%d in the CRM, %d in Outlook", a, len(after))
		}
	}
}

// FIELD-FAILURES 44: a meeting of three people who all sync is one record of the CRM, its organizer's; the others' copies
// lie in calendars that take no part. And nobody is written to but by the organizer's own invitation.
func TestFF44_AMeetingOfThreeIsOneRecord(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	people := map[string]*client{}
	for _, name := range []string{"adele", "alex", "megan"} {
		people[name] = d.client(name)
		people[name].switchOn("calendar")
	}
	adele := people["adele"]
	d.mails = 2
	adele.planned(doc{"subject": "Reunião", "attendees": []doc{
		{"emailAddress": doc{"address": "alex@contoso.example"}, "type": "required"}, {"emailAddress": doc{"address": "megan@contoso.example"}, "type": "optional"},
	}})
	d.eventually("it is in the CRM", func() bool { return adele.event("Reunião") != nil })
	for name, c := range people {
		c.wake(c, "calendar")
		c.restOf("calendar")
		if n := len(c.items("calendar", "id")); n != map[bool]int{true: 1}[name == "adele"] {
			t.Errorf("%s has %d events in the dedicated calendar", name, n)
		}
	}
	if n := len(d.client("admin").list("Events", "id")); n != 1 {
		t.Errorf("the CRM has %d records of it", n)
	}
}

// FIELD-FAILURES 60, 61: another calendar that goes is nobody's business; an edit and a deletion that no notification told of
// are found by looking.
func TestFF60FF61_OtherCalendarsAndLostNotifications(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events", visits(3)...)
	adele.switchOn("calendar")
	adele.inStep(3)
	_, other := d.as("adele").Post("/me/calendars", doc{"name": "Other"})
	if status, told := d.as("adele").Delete("/me/calendars/" + other["id"].(string)); status != 204 {
		t.Fatal(status, told)
	}
	d.m365.DropSubscriptions("adele@contoso.example")
	items := adele.items("calendar", "subject")
	d.as("adele").Delete("/me/events/" + items["E0"]["id"].(string))
	adele.replan(items["E1"]["id"].(string), doc{"subject": "E1 moved"})
	adele.wake(adele, "calendar") // as the timer does
	d.eventually("both are noticed", func() bool {
		all := adele.list("Events", "Event_Title")
		return len(all) == 2 && all["E0"] == nil && all["E1 moved"] != nil
	})
	if adele.link("calendar")["state"] != "on" {
		t.Errorf("the link is %v", adele.link("calendar"))
	}
	adele.restOf("calendar")
}

// FIELD-FAILURES 68, 69, 72: a version that moves without the contents, as when a reminder pops up, is no change, however many
// notifications tell of it; what we wrote ourselves comes back as none.
func TestFF68FF69FF72_NotificationsWithoutAChangeWriteNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Events", visits(2)...)
	adele.switchOn("calendar")
	adele.inStep(2)
	adele.restOf("calendar")
	version := func() string {
		r := adele.get("Events", ids[0])
		return fmt.Sprint(r["Modified_Time"], r["Modified_By"])
	}
	lines := func() int {
		var all []doc
		if err := json.Unmarshal([]byte(adele.text("GET", "/api/v1/links/"+adele.link("calendar")["id"].(string)+"/history?per_page=200", nil, 200)), &all); err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before, written := version(), lines()
	item := adele.items("calendar", "subject")["E0"]["id"].(string)
	for range 100 {
		if err := d.m365.Mailbox("adele@contoso.example").Touch(item); err != nil {
			t.Fatal(err)
		}
	}
	adele.restOf("calendar")
	if after := version(); after != before || lines() != written {
		t.Errorf("a hundred hints changed the record: %s, was %s; %d lines, were %d", after, before, lines(), written)
	}
	adele.call("PUT", "/crm/v8/Events/"+ids[0], doc{"data": []doc{{"Venue": "Sala 2"}}}, 200)
	d.eventually("one edit crosses", func() bool {
		return adele.items("calendar", "subject")["E0"]["location"].(doc)["displayName"] == "Sala 2"
	})
	adele.restOf("calendar")
	if n := lines(); n != written+1 {
		t.Errorf("one edit became %d lines of history", n-written)
	}
}

// FIELD-FAILURES 96, 97, 98: a description made in Outlook is read as text in the CRM, ten edits of other fields leave its
// HTML as it is byte for byte, and an edit of the text leaves the way into the online meeting.
func TestFF96FF97FF98_BodiesOfOutlookSurviveTheCRM(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar")
	rich := `<html><head><style>p{color:red}</style></head><body><h1>Agenda &amp; more</h1><script>alert(1)</script><ul><li>One</li><li><b>Two</b></li></ul>` +
		`<p>See <a href="https://example.com/x">the page</a></p></body></html>`
	adele.planned(doc{"subject": "Rich", "body": doc{"contentType": "html", "content": rich}})
	adele.planned(doc{"subject": "Online", "isOnlineMeeting": true, "onlineMeetingProvider": "teamsForBusiness", "body": doc{"contentType": "html", "content": "<p>Agenda</p>"}})
	adele.inStep(2)
	body := func(title string) string {
		return adele.items("calendar", "subject")[title]["body"].(doc)["content"].(string)
	}
	was := body("Rich")
	text := fmt.Sprint(adele.event("Rich")["Description"])
	if strings.ContainsAny(text, "<>") || strings.Contains(text, "alert") || !strings.Contains(text, "Agenda & more") ||
		!strings.Contains(text, "- One\n") || !strings.Contains(text, "the page (https://example.com/x)") {
		t.Errorf("the CRM shows %q", text)
	}
	id := adele.event("Rich")["id"].(string)
	for i := range 10 {
		adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Venue": fmt.Sprint("Sala ", i)}}}, 200)
		d.eventually("the place is in Outlook", func() bool {
			return adele.items("calendar", "subject")["Rich"]["location"].(doc)["displayName"] == fmt.Sprint("Sala ", i)
		})
		if now := body("Rich"); now != was {
			t.Fatalf("edit %d made the body\n%s\nof\n%s", i, now, was)
		}
	}

	meeting := adele.items("calendar", "subject")["Online"]
	url := meeting["onlineMeeting"].(doc)["joinUrl"].(string)
	block := func() string { // from the first line of underscores on
		b := body("Online")
		from := strings.Index(b, "____")
		if from < 0 || !strings.Contains(b[from:], "meetup-join") {
			t.Fatalf("there is no way into the meeting in\n%s", b)
		}
		return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(b[from:]), "</html>"), "</body>")
	}
	before := strings.TrimSpace(block())
	online := adele.event("Online")
	if got := fmt.Sprint(online["Description"]); got != "Agenda" {
		t.Errorf("the CRM shows %q of the meeting", got)
	}
	adele.call("PUT", "/crm/v8/Events/"+online["id"].(string), doc{"data": []doc{{"Description": "Other agenda\nwith two lines", "Event_Title": "Online 2"}}}, 200)
	d.eventually("the text is in Outlook", func() bool { return adele.items("calendar", "subject")["Online 2"] != nil })
	after := adele.items("calendar", "subject")["Online 2"]
	content := after["body"].(doc)["content"].(string)
	if after["onlineMeeting"].(doc)["joinUrl"] != url || !strings.Contains(content, "Other agenda") || !strings.Contains(content, before) {
		t.Errorf("the way into the meeting was\n%s\nand now the body is\n%s", before, content)
	}
	adele.restOf("calendar")
}

// FIELD-FAILURES 36: zones that nobody knows by name, customized ones and none at all fail no record.
func TestFF36_ForeignZonesFailNoEvent(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar")
	names := []string{"Romance Standard Time", "Europe/Paris", "tzone://Microsoft/Utc", "Samoa Standard Time", "Lord Howe Standard Time", "UTC"}
	n := 0
	for i, name := range names {
		status, made := d.as("adele").Post(adele.container("calendar")+"/events", doc{
			"subject": fmt.Sprint("Z", i), "start": at("2026-12-01T14:00:00", name), "end": at("2026-12-01T15:00:00", name),
		})
		if status == 201 {
			n++
		} else if status != 400 {
			t.Fatal(status, made)
		}
	}
	if n < 4 {
		t.Fatalf("Outlook took only %d of them", n)
	}
	adele.inStep(n)
	if got := adele.event("Z0"); got["Time_Zone"] != "Europe/Paris" || !same(got["Start_DateTime"].(string), "2026-12-01T13:00:00Z") {
		t.Errorf("Romance Standard Time came as %v at %v", got["Time_Zone"], got["Start_DateTime"])
	}
	adele.restOf("calendar")
}

// FIELD-FAILURES 37: the ends of the calendar are refused with the field's name, by the API at once.
func TestFF37_SentinelYearsAreRefused(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	for _, year := range []string{"0001", "1601", "9999"} {
		answer := adele.call("POST", "/crm/v8/Events", doc{"data": []doc{{"Event_Title": "x", "Start_DateTime": year + "-01-01T09:00:00-03:00", "End_DateTime": year + "-01-01T10:00:00-03:00"}}}, 400)
		told := fmt.Sprint(answer)
		if !strings.Contains(told, "INVALID_DATA") || !strings.Contains(told, "Start_DateTime") {
			t.Errorf("%s is answered %s", year, told)
		}
	}
}

// FIELD-FAILURES 45: meetings that also come from another source, and a second program that writes to the same calendar, do not
// multiply: ten cycles later both sides have as many as in the beginning.
func TestFF45_TwoSourcesDoNotMultiply(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events", visits(3)...)
	adele.switchOn("calendar")
	for i := range 3 {
		adele.planned(doc{"subject": fmt.Sprint("O", i), "start": at(fmt.Sprintf("2026-12-1%dT14:00:00", i), "UTC"), "end": at(fmt.Sprintf("2026-12-1%dT15:00:00", i), "UTC")})
	}
	adele.inStep(6)
	for i := range 2 { // the other source knows two of the same meetings
		adele.fill(record.Import, []record.Fields{{
			record.EventTitle: record.Value(fmt.Sprint("O", i)), record.Start: record.Value(fmt.Sprintf("2026-12-1%dT14:00:00Z", i)), record.End: record.Value(fmt.Sprintf("2026-12-1%dT15:00:00Z", i)),
		}})
	}
	for cycle := range 10 {
		for id, item := range adele.items("calendar", "id") {
			if err := d.m365.Mailbox("adele@contoso.example").Touch(id); err != nil {
				t.Fatal(err)
			}
			adele.replan(id, doc{"subject": item["subject"], "start": item["start"], "end": item["end"]})
		}
		adele.wake(adele, "calendar")
		d.atRest()
		r, err := d.app.Store.Records().Count(t.Context(), adele.user().Org, record.Calendar, crm.Query{})
		if n := len(adele.items("calendar", "id")); err != nil || n != 6 || r != 8 {
			t.Fatalf("cycle %d: %d events in Outlook, %d in the CRM, %v", cycle, n, r, err)
		}
	}
	adele.restOf("calendar")
}

// FIELD-FAILURES 100: texts go both ways, whichever side an event was made on.
func TestFF100_TextsGoBothWaysWhoeverMadeTheEvent(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events", doc{"Event_Title": "crm", "Start_DateTime": "2026-12-01T09:00:00-03:00", "End_DateTime": "2026-12-01T10:00:00-03:00", "Description": "first <b>\n& second"})
	adele.switchOn("calendar")
	adele.planned(doc{"subject": "outlook", "body": doc{"contentType": "html", "content": "<p>first &lt;b&gt;</p><p>&amp; second</p>"}})
	adele.inStep(2)
	inOutlook := func(title string) string {
		return fmt.Sprint(adele.items("calendar", "subject")[title]["body"].(doc)["content"])
	}
	for _, title := range []string{"crm", "outlook"} {
		for round := range 3 {
			typed := fmt.Sprintf("agenda %d <of> %s\nsecond line & more", round, title)
			adele.call("PUT", "/crm/v8/Events/"+adele.event(title)["id"].(string), doc{"data": []doc{{"Description": typed}}}, 200)
			d.eventually("the CRM's text is in Outlook", func() bool {
				return strings.Contains(inOutlook(title), fmt.Sprintf("agenda %d &lt;of&gt; %s", round, title)) && strings.Contains(inOutlook(title), "second line &amp; more")
			})
			adele.replan(adele.items("calendar", "subject")[title]["id"].(string), doc{"body": doc{"contentType": "html", "content": fmt.Sprintf("<html><body><p>answer <b>%d</b> &amp; more</p></body></html>", round)}})
			d.eventually("Outlook's text is in the CRM", func() bool { return adele.event(title)["Description"] == fmt.Sprintf("answer %d & more", round) })
		}
	}
	adele.restOf("calendar")
}
