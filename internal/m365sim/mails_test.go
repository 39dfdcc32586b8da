package m365sim

import (
	"sort"
	"strings"
	"testing"
)

func (b *bench) mails() string {
	var list []string
	for _, m := range b.sim.Mails() {
		name, _, _ := strings.Cut(m.Recipient, "@")
		list = append(list, m.Kind+" "+name)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

func attendees(names ...string) string {
	var list []string
	for _, n := range names {
		list = append(list, `{"type":"required","emailAddress":{"address":"`+n+`"}}`)
	}
	return `"attendees":[` + strings.Join(list, ",") + `]`
}

// Every write to a meeting by its organizer is mail to everybody in it (§3.1).
func TestMeetingMails(t *testing.T) {
	b := newBench(t)
	quiet := b.must("/me/events", event("Alone", "2026-03-10T10:00:00", ""))
	b.want(b.do("PATCH", "/me/events/"+quiet, `{"subject":"Still alone"}`), 200)
	b.want(b.do("DELETE", "/me/events/"+quiet), 204)
	if got := b.mails(); got != "" {
		t.Fatalf("mails without attendees: %s", got)
	}
	id := b.must("/me/events", event("Meeting", "2026-03-10T10:00:00", attendees("alex@contoso.example", "rita@partner.example", adele)))
	if got, want := b.mails(), "invitation alex, invitation rita"; got != want {
		t.Errorf("created: %s, want %s", got, want)
	}
	b.want(b.do("PATCH", "/me/events/"+id, `{`+attendees("alex@contoso.example", "lee@contoso.example")+`}`), 200)
	if got, want := b.mails(), "cancellation rita, invitation alex, invitation lee, invitation rita, update alex"; got != want {
		t.Errorf("attendees changed: %s, want %s", got, want)
	}
	b.want(b.do("DELETE", "/me/events/"+id), 204)
	if got, want := len(b.sim.Mails()), 7; got != want {
		t.Errorf("%d mails after the delete, want %d", got, want)
	}
	m := b.sim.Mails()[0]
	if m.Organizer != adele || m.Subject != "Meeting" || m.App == "" || m.Time.IsZero() {
		t.Errorf("recorded %+v", m)
	}
}

// FIELD-FAILURES 44: each attendee has a copy, tied by its iCalUId, and what they do to it mails nobody.
func TestMeetingCopies(t *testing.T) {
	b := newBench(t)
	made := b.want(b.do("POST", "/me/events", event("Meeting", "2026-03-10T10:00:00", attendees("alex@contoso.example", "megan@contoso.example"))), 201)
	for _, name := range []string{"alex@contoso.example", "megan@contoso.example"} {
		_, doc := b.sim.As(name).Get("/me/events")
		own := doc["value"].([]any)[0]
		if at(own, "iCalUId") != made.text("iCalUId") || at(own, "id") == made.id() || at(own, "isOrganizer") != false ||
			at(own, "organizer/emailAddress/address") != adele || at(own, "responseStatus/response") != "notResponded" {
			t.Errorf("%s has %v", name, own)
		}
	}
	alex := b.sim.As("alex@contoso.example")
	_, doc := alex.Get("/me/events")
	copied := at(doc, "value/0/id").(string)
	before := len(b.sim.Mails())
	alex.Patch("/me/events/"+copied, `{"showAs":"tentative"}`)
	if len(b.sim.Mails()) != before {
		t.Error("an attendee's own change mails somebody")
	}
	b.want(b.do("PATCH", "/me/events/"+made.id(), `{"subject":"Renamed"}`), 200)
	if _, doc := alex.Get("/me/events/" + copied); doc["subject"] != "Renamed" {
		t.Errorf("alex sees %v", doc["subject"])
	}
	if err := b.sim.Mailbox(adele).Respond(made.id(), "alex@contoso.example", "accepted"); err != nil {
		t.Fatal(err)
	}
	now := b.do("GET", "/me/events/"+made.id())
	if now.text("attendees/0/status/response") != "accepted" || now.text("changeKey") == made.text("changeKey") {
		t.Errorf("after the answer: %s", now.raw)
	}
	b.want(b.do("DELETE", "/me/events/"+made.id()), 204)
	if _, doc := alex.Get("/me/events/" + copied); doc["isCancelled"] != true || doc["subject"] != "Canceled: Renamed" {
		t.Errorf("alex's copy of a cancelled meeting: %v %v", doc["isCancelled"], doc["subject"])
	}
}

func TestSeriesMails(t *testing.T) {
	b := newBench(t)
	body := strings.TrimSuffix(seriesBody("2026-03-10T10:00", "UTC", `{"type":"daily","interval":1}`, `{"type":"numbered","startDate":"2026-03-10","numberOfOccurrences":5}`), "}") + "," + attendees("alex@contoso.example") + "}"
	id := b.must("/me/events", body)
	all := b.instances(id, "2026-03-01", "2026-04-01")
	b.want(b.do("PATCH", "/me/events/"+all[1]["id"].(string), `{"subject":"Special"}`), 200)
	b.want(b.do("DELETE", "/me/events/"+all[2]["id"].(string)), 204)
	b.want(b.do("PATCH", "/me/events/"+id, `{"subject":"All"}`), 200)
	if got, want := b.mails(), "cancellation alex, invitation alex, update alex, update alex, update alex"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	_, doc := b.sim.As("alex@contoso.example").Get("/me/calendarView?startDateTime=2026-03-01&endDateTime=2026-04-01")
	var items []map[string]any
	for _, v := range doc["value"].([]any) {
		items = append(items, v.(map[string]any))
	}
	if got := names(items, "subject"); got != "All All All Special" {
		t.Errorf("alex sees %s", got)
	}
}

func TestSendMail(t *testing.T) {
	b := newBench(t)
	b.want(b.do("POST", "/me/sendMail", `{}`), 403, "ErrorAccessDenied")
	b = b.as(b.sim.IssueToken(adele, "Mail.Send"))
	b.want(b.do("POST", "/me/sendMail", `{"message":{"subject":"Hi","toRecipients":[{"emailAddress":{"address":"a@b.c"}}]}}`), 202)
	if m := b.sim.Mails(); len(m) != 1 || m[0].Kind != "message" {
		t.Errorf("mails: %+v", m)
	}
}

// An invited person's answer is a mail to the organizer, and stands in the organizer's event; unless it is not to be sent.
func TestAnswersToInvitations(t *testing.T) {
	b := newBench(t)
	made := b.want(b.do("POST", "/me/events", event("Meeting", "2026-03-10T10:00:00", attendees("alex@contoso.example", "megan@contoso.example", "lee@contoso.example"))), 201)
	if status, doc := b.sim.As(adele).Post("/me/events/"+made.id()+"/accept", `{}`); status != 400 || at(doc, "error/code") != "ErrorInvalidRequest" {
		t.Errorf("the organizer answers the own invitation: %d %v", status, doc)
	}
	answer := func(name, how, body string) *Actor {
		t.Helper()
		actor := b.sim.As(name + "@contoso.example")
		_, doc := actor.Get("/me/events")
		if status, doc := actor.Post("/me/events/"+at(doc, "value/0/id").(string)+"/"+how, body); status != 202 || doc != nil {
			t.Fatalf("%s %s: %d %v", name, how, status, doc)
		}
		return actor
	}
	alex := answer("alex", "accept", `{"comment":"Yes","sendResponse":true}`)
	megan := answer("megan", "decline", "")
	lee := answer("lee", "tentativelyAccept", `{"sendResponse":false}`)
	if got, want := b.mails(), "invitation alex, invitation lee, invitation megan, response AdeleV, response AdeleV"; !strings.EqualFold(got, strings.ReplaceAll(want, "AdeleV", strings.Split(adele, "@")[0])) {
		t.Errorf("mails: %s, want %s", got, want)
	}
	now := b.do("GET", "/me/events/"+made.id())
	for n, want := range []string{"accepted", "declined", "none"} {
		if got := now.text("attendees/" + string(rune('0'+n)) + "/status/response"); got != want {
			t.Errorf("attendee %d: %s, want %s", n, got, want)
		}
	}
	if now.text("attendees/0/status/time") == never || now.text("changeKey") == made.text("changeKey") {
		t.Errorf("the organizer's event is as it was: %s", now.raw)
	}
	for actor, want := range map[*Actor]string{alex: "accepted", lee: "tentativelyAccepted"} {
		if _, doc := actor.Get("/me/events"); at(doc, "value/0/responseStatus/response") != want || at(doc, "value/0/responseStatus/time") == never {
			t.Errorf("the own answer is %v, want %s", at(doc, "value/0/responseStatus"), want)
		}
	}
	if _, doc := megan.Get("/me/events"); len(doc["value"].([]any)) != 0 {
		t.Error("a declined meeting is still in the calendar")
	}
	// What an attendee has for themselves outlives the organizer's update; what is the meeting's does not.
	_, doc := alex.Get("/me/events")
	copied := at(doc, "value/0/id").(string)
	alex.Patch("/me/events/"+copied, `{"showAs":"oof","categories":["Own"],"subject":"Mine"}`)
	b.want(b.do("PATCH", "/me/events/"+made.id(), `{"location":{"displayName":"Room 2"}}`), 200)
	if _, doc := alex.Get("/me/events/" + copied); doc["showAs"] != "oof" || at(doc, "categories/0") != "Own" || doc["subject"] != "Meeting" || at(doc, "location/displayName") != "Room 2" ||
		at(doc, "responseStatus/response") != "accepted" {
		t.Errorf("alex has %v", doc)
	}
}

// What the simulator does not model of answers it refuses.
func TestAnswersThatAreNotModelled(t *testing.T) {
	b := newBench(t)
	body := strings.TrimSuffix(seriesBody("2026-03-10T10:00", "UTC", `{"type":"daily","interval":1}`, `{"type":"numbered","startDate":"2026-03-10","numberOfOccurrences":5}`), "}") + "," + attendees("alex@contoso.example") + "}"
	b.must("/me/events", body)
	alex := b.sim.As("alex@contoso.example")
	_, doc := alex.Get("/me/calendarView?startDateTime=2026-03-01&endDateTime=2026-04-01")
	if status, _ := alex.Post("/me/events/"+at(doc, "value/1/id").(string)+"/accept", `{}`); status != 501 {
		t.Errorf("an answer to one day: %d", status)
	}
	_, doc = alex.Get("/me/events")
	if status, _ := alex.Post("/me/events/"+at(doc, "value/0/id").(string)+"/decline", `{"proposedNewTime":{}}`); status != 501 {
		t.Errorf("a proposal: %d", status)
	}
}
