package m365sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestEventRoundTrip(t *testing.T) {
	b := newBench(t)
	calendar := b.must("/me/calendars", `{"name":"CRM","color":"lightBlue"}`)
	events := "/me/calendars/" + calendar + "/events"
	made := b.want(b.do("POST", events, `{
		"subject":"Visit \u00e0 Padaria","body":{"contentType":"html","content":"<p>Bring <b>bread</b> &amp; butter</p>"},
		"start":{"dateTime":"2026-03-10T14:00:00","timeZone":"E. South America Standard Time"},
		"end":{"dateTime":"2026-03-10T15:30:00","timeZone":"America/Sao_Paulo"},
		"location":{"displayName":"Rua A, 1","address":{"city":"São Paulo"}},"categories":["CRM","Blue category"],"showAs":"oof","sensitivity":"private","importance":"high",
		"isReminderOn":false,"transactionId":"6d5f3d2e",
		"singleValueExtendedProperties":[{"id":"String {66f5a359-4659-4830-9070-00047ec6ac6e} Name CrmId","value":"9"}]}`), 201)
	for path, want := range map[string]string{
		"subject":                    "Visit à Padaria",
		"start":                      `{"dateTime":"2026-03-10T17:00:00.0000000","timeZone":"UTC"}`,
		"end":                        `{"dateTime":"2026-03-10T18:30:00.0000000","timeZone":"UTC"}`,
		"originalStartTimeZone":      "E. South America Standard Time",
		"originalEndTimeZone":        "America/Sao_Paulo",
		"location/displayName":       "Rua A, 1",
		"locations/0/displayName":    "Rua A, 1",
		"bodyPreview":                "Bring bread & butter",
		"showAs":                     "oof",
		"sensitivity":                "private",
		"importance":                 "high",
		"isReminderOn":               "false",
		"reminderMinutesBeforeStart": "15",
		"type":                       "singleInstance",
		"isOrganizer":                "true",
		"organizer/emailAddress":     `{"address":"adele@contoso.example","name":"Adele Vance"}`,
		"transactionId":              "6d5f3d2e",
		"attendees":                  "[]",
		"recurrence":                 "",
		"seriesMasterId":             "",
		"responseRequested":          "true",
		"responseStatus/response":    "organizer",
	} {
		if got := made.text(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	body := made.text("body/content")
	if !strings.HasPrefix(body, "<html>\r\n<head>") || !strings.Contains(body, "<body>\r\n<p>Bring <b>bread</b> &amp; butter</p>\r\n</body>") {
		t.Errorf("body is not wrapped: %q", body)
	}
	path := "/me/events/" + made.id()
	text := b.want(b.do("GET", path, "", "Prefer", `outlook.body-content-type="text", outlook.timezone="Tokyo Standard Time"`), 200)
	if got := text.text("body"); got != `{"content":"Bring bread \u0026 butter","contentType":"text"}` {
		t.Errorf("as text: %s", got)
	}
	if got := text.text("start"); got != `{"dateTime":"2026-03-11T02:00:00.0000000","timeZone":"Tokyo Standard Time"}` {
		t.Errorf("in Tokyo: %s", got)
	}
	if !strings.Contains(text.header.Get("Preference-Applied"), "outlook.timezone") {
		t.Error("Preference-Applied does not tell")
	}

	// What was read is sent back: the wrapper does not grow.
	again := b.want(b.do("PATCH", path, toJSON(map[string]any{"body": map[string]string{"contentType": "html", "content": body}})), 200)
	if again.text("body/content") != body {
		t.Errorf("the wrapper grows: %q", again.text("body/content"))
	}
	changed := b.want(b.do("PATCH", events+"/"+made.id(), `{"subject":"Later","start":{"dateTime":"2026-03-11T14:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-11T15:00:00","timeZone":"UTC"},"location":null,"importance":null}`), 200)
	for path, want := range map[string]string{
		"subject": "Later", "start/dateTime": "2026-03-11T14:00:00.0000000", "originalStartTimeZone": "UTC", "location/displayName": "", "locations": "[]",
		"importance": "normal", "categories": `["CRM","Blue category"]`, "iCalUId": made.text("iCalUId"),
	} {
		if got := changed.text(path); got != want {
			t.Errorf("after PATCH %s = %s, want %s", path, got, want)
		}
	}
	b.want(b.do("PATCH", path, `{"subject":"x"}`, "If-Match", made.text("@odata.etag")), 412, "ErrorIrresolvableConflict")
	b.want(b.do("GET", "/me/calendar/events/"+made.id()), 404, "ErrorItemNotFound") // it is in another calendar
	b.want(b.do("DELETE", path), 204)
	b.want(b.do("GET", path), 404, "ErrorItemNotFound")
	b.want(b.do("GET", events+"/"+made.id()), 404, "ErrorItemNotFound")
}

func TestEventRefusals(t *testing.T) {
	b := newBench(t)
	times := `"start":{"dateTime":"2026-03-10T10:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-10T11:00:00","timeZone":"UTC"}`
	weekly := func(pattern, span string) string {
		return `{` + times + `,"recurrence":{"pattern":` + pattern + `,"range":` + span + `}}`
	}
	noEnd := `{"type":"noEnd","startDate":"2026-03-10"}`
	many := make([]string, 501)
	for i := range many {
		many[i] = fmt.Sprintf(`{"emailAddress":{"address":"a%d@partner.example"}}`, i)
	}
	for _, row := range []struct{ name, body, code string }{
		{"no times", `{"subject":"x"}`, "ErrorPropertyValidationFailure"},
		{"unknown zone", `{"start":{"dateTime":"2026-03-10T10:00:00","timeZone":"Mars"},"end":{"dateTime":"2026-03-10T11:00:00","timeZone":"UTC"}}`, "TimeZoneNotSupportedException"},
		{"an offset", `{"start":{"dateTime":"2026-03-10T10:00:00Z","timeZone":"UTC"},"end":{"dateTime":"2026-03-10T11:00:00","timeZone":"UTC"}}`, "ErrorPropertyValidationFailure"},
		{"ends before it starts", `{"start":{"dateTime":"2026-03-10T10:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-10T09:00:00","timeZone":"UTC"}}`, "ErrorCalendarEndDateIsEarlierThanStartDate"},
		{"year 1", `{"start":{"dateTime":"0001-01-01T00:00:00","timeZone":"UTC"},"end":{"dateTime":"0001-01-01T00:00:00","timeZone":"UTC"}}`, "ErrorPropertyValidationFailure"},
		{"whole day off midnight", `{"isAllDay":true,` + times + `}`, "ErrorPropertyValidationFailure"},
		{"whole day in two zones", `{"isAllDay":true,"start":{"dateTime":"2026-03-10T00:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-11T00:00:00","timeZone":"Tokyo Standard Time"}}`, "ErrorPropertyValidationFailure"},
		{"whole day of no length", `{"isAllDay":true,"start":{"dateTime":"2026-03-10T00:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-10T00:00:00","timeZone":"UTC"}}`, "ErrorPropertyValidationFailure"},
		{"unknown property", `{` + times + `,"colour":"red"}`, "RequestBodyRead"},
		{"unknown word", `{` + times + `,"showAs":"away"}`, "RequestBodyRead"},
		{"read-only", `{` + times + `,"iCalUId":"x"}`, "ErrorInvalidPropertySet"},
		{"attendee without address", `{` + times + `,"attendees":[{"emailAddress":{"name":"Ana"}}]}`, "ErrorInvalidRecipients"},
		{"501 attendees", `{` + times + `,"attendees":[` + strings.Join(many, ",") + `]}`, "ErrorInvalidArgument"},
		{"no interval", weekly(`{"type":"daily"}`, noEnd), "ErrorPropertyValidationFailure"},
		{"weekly without days", weekly(`{"type":"weekly","interval":1}`, noEnd), "ErrorPropertyValidationFailure"},
		{"no day of month", weekly(`{"type":"absoluteMonthly","interval":1}`, noEnd), "ErrorPropertyValidationFailure"},
		{"no month", weekly(`{"type":"absoluteYearly","interval":1,"dayOfMonth":10}`, noEnd), "ErrorPropertyValidationFailure"},
		{"30 February", weekly(`{"type":"absoluteYearly","interval":1,"dayOfMonth":30,"month":2}`, noEnd), "ErrorPropertyValidationFailure"},
		{"bad field that is not used", weekly(`{"type":"daily","interval":1,"month":13}`, noEnd), "ErrorPropertyValidationFailure"},
		{"another start date", weekly(`{"type":"daily","interval":1}`, `{"type":"noEnd","startDate":"2026-03-11"}`), "ErrorPropertyValidationFailure"},
		{"ends before", weekly(`{"type":"daily","interval":1}`, `{"type":"endDate","startDate":"2026-03-10","endDate":"2026-03-09"}`), "ErrorPropertyValidationFailure"},
		{"no times over", weekly(`{"type":"daily","interval":1}`, `{"type":"numbered","startDate":"2026-03-10","numberOfOccurrences":0}`), "ErrorPropertyValidationFailure"},
		{"no date fits", weekly(`{"type":"weekly","interval":1,"daysOfWeek":["monday"]}`, `{"type":"endDate","startDate":"2026-03-10","endDate":"2026-03-12"}`), "ErrorPropertyValidationFailure"},
		{"unknown zone of a series", weekly(`{"type":"daily","interval":1}`, `{"type":"noEnd","startDate":"2026-03-10","recurrenceTimeZone":"Mars"}`), "TimeZoneNotSupportedException"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := *b
			b.t = t
			b.want(b.do("POST", "/me/events", row.body), 400, row.code)
		})
	}
	if got := b.sim.Mailbox(adele).Count(""); got != 0 {
		t.Errorf("%d events were made by refused requests", got)
	}
}

func TestEventAllDay(t *testing.T) {
	b := newBench(t)
	whole := `{"subject":"Holiday","isAllDay":true,"start":{"dateTime":"2026-03-10T00:00:00","timeZone":"E. South America Standard Time"},"end":{"dateTime":"2026-03-12T00:00:00","timeZone":"E. South America Standard Time"}}`
	id := b.must("/me/events", whole)
	read := func(prefer string) string {
		return b.want(b.do("GET", "/me/events/"+id, "", "Prefer", prefer), 200).text("start/dateTime")
	}
	// §3.3: another zone than its own shifts it off midnight.
	if got := read(`outlook.timezone="E. South America Standard Time"`); got != "2026-03-10T00:00:00.0000000" {
		t.Errorf("in its own zone: %s", got)
	}
	if got := read(`outlook.timezone="UTC"`); got != "2026-03-10T03:00:00.0000000" {
		t.Errorf("in UTC: %s", got)
	}
	b.sim.SetWarts(Warts{AllDayKeepsMidnight: true})
	if got := read(`outlook.timezone="Tokyo Standard Time"`); got != "2026-03-10T00:00:00.0000000" {
		t.Errorf("kept at midnight: %s", got)
	}
}

// §3.6: the repeat of a transactionId is an error that names the first event, even after that was deleted.
func TestEventTransactionID(t *testing.T) {
	b := newBench(t)
	body := event("Once", "2026-03-10T10:00:00", `"transactionId":"tx-1"`)
	first := b.must("/me/events", body)
	again := b.want(b.do("POST", "/me/events", body), 400, "ErrorDuplicateTransactionId")
	if got := again.text("error/@event.existingEventId"); got != first {
		t.Errorf("existing event %q, want %q", got, first)
	}
	b.sim.SetWarts(Warts{DuplicateTransactionStatus: 409, NoExistingEventID: true})
	again = b.want(b.do("POST", "/me/events", body), 409, "ErrorDuplicateTransactionId")
	if again.at("error/@event.existingEventId") != nil {
		t.Error("the annotation was to be left out")
	}
	b.want(b.do("PATCH", "/me/events/"+first, `{"transactionId":"tx-2"}`), 400)
	b.want(b.do("DELETE", "/me/events/"+first), 204)
	b.want(b.do("POST", "/me/events", body), 409)
	if n := b.sim.Mailbox(adele).Count(""); n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestEventLongSubject(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("ã", 300)
	if got := b.want(b.do("POST", "/me/events", event(long, "2026-03-10T10:00:00", "")), 201).text("subject"); got != strings.Repeat("ã", 255) {
		t.Errorf("cut to %d bytes", len(got))
	}
	b.sim.SetWarts(Warts{RefuseLongSubject: true})
	b.want(b.do("POST", "/me/events", event(long, "2026-03-10T10:00:00", "")), 400, "ErrorPropertyValidationFailure")
}

// FIELD-FAILURES 96: the meeting link goes with the body that carried it.
func TestEventOnlineMeeting(t *testing.T) {
	b := newBench(t)
	made := b.want(b.do("POST", "/me/events", event("Call", "2026-03-10T10:00:00", `"isOnlineMeeting":true,"onlineMeetingProvider":"teamsForBusiness","body":{"contentType":"text","content":"Agenda"}`)), 201)
	join := made.text("onlineMeeting/joinUrl")
	if join == "" || !strings.Contains(made.text("body/content"), join) || made.text("onlineMeetingProvider") != "teamsForBusiness" {
		t.Fatalf("no meeting: %s", made.raw)
	}
	path := "/me/events/" + made.id()
	if got := b.do("PATCH", path, `{"subject":"Other title","isOnlineMeeting":false}`); got.text("onlineMeeting/joinUrl") != join {
		t.Error("a new title cost the link")
	}
	if got := b.do("PATCH", path, `{"body":{"contentType":"text","content":"Agenda 2"}}`); got.text("isOnlineMeeting") != "false" {
		t.Error("the link outlived its block")
	}
}

func TestCalendars(t *testing.T) {
	b := newBench(t)
	list := b.want(b.do("GET", "/me/calendars"), 200).list()
	if len(list) != 1 || list[0]["isDefaultCalendar"] != true || list[0]["isRemovable"] != false || list[0]["name"] != "Calendar" {
		t.Fatalf("first day: %v", list)
	}
	if got := b.want(b.do("GET", "/me/calendar"), 200).id(); got != list[0]["id"] {
		t.Errorf("/me/calendar is %s", got)
	}
	b.want(b.do("DELETE", "/me/calendars/"+list[0]["id"].(string)), 400)
	made := b.want(b.do("POST", "/me/calendars", `{"name":"CRM","singleValueExtendedProperties":[{"id":"String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Link","value":"1"}]}`), 201)
	if made.text("owner/address") != adele || made.text("canEdit") != "true" || made.text("hexColor") != "" {
		t.Errorf("made: %s", made.raw)
	}
	b.want(b.do("POST", "/me/calendars", `{"name":"crm"}`), 409, "ErrorFolderExists")
	b.want(b.do("POST", "/me/calendars", `{}`), 400)
	path := "/me/calendars/" + made.id()
	renamed := b.want(b.do("PATCH", path, `{"name":"Customers","color":"lightRed"}`), 200)
	if renamed.id() != made.id() || renamed.text("name") != "Customers" || renamed.text("color") != "lightRed" {
		t.Errorf("renamed: %s", renamed.raw)
	}
	event := b.must(path+"/events", event("x", "2026-03-10T10:00:00", ""))
	expanded := b.want(b.do("GET", "/me/calendars?$expand=singleValueExtendedProperties($filter=id eq 'String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Link')&$filter=name eq 'customers'"), 200)
	if expanded.text("value/0/singleValueExtendedProperties/0/value") != "1" {
		t.Errorf("marker: %s", expanded.raw)
	}
	// What somebody else shares stands in the list like an own one, and may be for reading only.
	for name, edit := range map[string]bool{"Team": true, "Holidays": false} {
		if !b.sim.ShareCalendar(adele, "alex@contoso.example", name, edit) || b.sim.ShareCalendar(adele, "nobody@contoso.example", name, edit) {
			t.Fatal("sharing a calendar")
		}
		shared := b.want(b.do("GET", "/me/calendars?$filter=name eq '"+name+"'"), 200)
		if shared.text("value/0/owner/address") != "alex@contoso.example" || shared.text("value/0/canEdit") != fmt.Sprint(edit) || shared.text("value/0/canShare") != "false" {
			t.Errorf("shared: %s", shared.raw)
		}
		at := "/me/calendars/" + shared.text("value/0/id")
		status := map[bool]int{true: 201, false: 403}[edit]
		b.want(b.do("POST", at+"/events", `{"subject":"x","start":{"dateTime":"2026-03-10T10:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-10T11:00:00","timeZone":"UTC"}}`), status)
		b.want(b.do("DELETE", at), 204)
	}
	group := b.want(b.do("GET", "/me/calendarGroups"), 200).text("value/0/id")
	if n := len(b.want(b.outside().do("GET", "/me/calendarGroups/"+group+"/calendars"), 200).list()); n != 2 {
		t.Errorf("%d calendars in the group", n)
	}

	// §2: gone from the list at once; whether its id still answers is a wart.
	b.sim.SetWarts(Warts{DeletedCalendarAnswers: 10 * time.Minute})
	b.want(b.do("DELETE", path), 204)
	if n := len(b.do("GET", "/me/calendars").list()); n != 1 {
		t.Errorf("%d calendars in the list", n)
	}
	b.want(b.do("GET", path), 200)
	b.want(b.do("GET", path+"/events"), 404, "ErrorItemNotFound")
	b.clock.Add(20 * time.Minute)
	b.want(b.do("GET", path), 404, "ErrorItemNotFound")
	for _, below := range []string{path + "/events", path + "/events/" + event, "/me/events/" + event, path + "/calendarView?startDateTime=2026-03-01&endDateTime=2026-04-01"} {
		b.want(b.do("GET", below), 404, "ErrorItemNotFound")
	}
	b.must("/me/calendars", `{"name":"Customers"}`)
}

// The little batch that D6 asks in place of an event delta.
func TestEventsSinceAndCount(t *testing.T) {
	b := newBench(t)
	var ids []string
	for i := range 30 {
		ids = append(ids, b.must("/me/events", event(fmt.Sprint("E", i), "2026-03-10T10:00:00", "")))
	}
	mark := b.clock.Now().Format(time.RFC3339Nano)
	b.want(b.do("PATCH", "/me/events/"+ids[4], `{"subject":"Changed"}`), 200)
	b.want(b.do("DELETE", "/me/events/"+ids[5]), 204)
	changed := b.want(b.do("GET", "/me/events?$select=subject&$orderby=lastModifiedDateTime&$filter=lastModifiedDateTime ge "+mark), 200)
	if list := changed.list(); len(list) != 1 || list[0]["subject"] != "Changed" {
		t.Errorf("changed: %s", changed.raw)
	}
	count := b.want(b.do("GET", "/me/calendar/events?$count=true&$top=1&$select=id"), 200)
	if count.text("@odata.count") != "29" || len(count.list()) != 1 {
		t.Errorf("count: %s", count.raw)
	}
	if all, _ := b.pages("/me/events?$select=id,changeKey&$top=7"); len(all) != 29 {
		t.Errorf("%d events", len(all))
	}
	for query, want := range map[string]int{
		"$filter=start/dateTime ge '2026-03-10T10:00'&$top=50": 29,
		"$filter=start/dateTime gt '2026-03-10T10:00:00'":      0,
		"$filter=end/dateTime le '2026-03-10T11:00:00Z'":       10,
		"$filter=subject eq 'Changed' and isAllDay eq false":   1,
		"$filter=not (subject eq 'Changed')&$top=50":           28,
		"$filter=contains(subject,'2') or subject eq 'E1'":     10,
	} {
		if got := len(b.want(b.do("GET", "/me/events?"+query), 200).list()); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestCalendarView(t *testing.T) {
	b := newBench(t)
	b.must("/me/events", `{"subject":"Before","start":{"dateTime":"2026-03-09T23:30:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-10T00:30:00","timeZone":"UTC"}}`)
	b.must("/me/events", event("In", "2026-03-10T10:00:00", ""))
	b.must("/me/events", event("After", "2026-03-11T00:00:00", ""))
	view := func(from, to string) string {
		all, _ := b.pages("/me/calendarView?startDateTime=" + from + "&endDateTime=" + to + "&$select=subject&$top=1")
		return names(all, "subject")
	}
	if got := view("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z"); got != "Before In" {
		t.Errorf("UTC: %s", got)
	}
	if got := view("2026-03-10T00:00:00-03:00", "2026-03-11T00:00:00-03:00"); got != "After In" {
		t.Errorf("with an offset: %s", got)
	}
	b.want(b.do("GET", "/me/calendarView?startDateTime=2020-01-01&endDateTime=2026-01-01"), 400, "ErrorInvalidRequest")
	b.want(b.do("GET", "/me/calendarView?startDateTime=2026-01-02&endDateTime=2026-01-01"), 400, "ErrorInvalidParameter")
	b.want(b.outside().do("GET", "/me/calendarView"), 400, "ErrorInvalidParameter")
}
