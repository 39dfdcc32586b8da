package m365sim

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// graph asks Graph over HTTP, as an app would, and returns the answer.
func (v *visitor) graph(path string) gjson.Result {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodGet, v.base+"/v1.0"+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+v.sim.IssueToken(adeleUPN))
	page := v.do(req)
	if page.status != http.StatusOK {
		v.t.Fatalf("GET %s: %d %s", path, page.status, page.body)
	}
	return gjson.Parse(page.body)
}

// fields asserts some of what Graph says of one thing.
func (v *visitor) fields(got gjson.Result, want map[string]string) {
	v.t.Helper()
	for path, text := range want {
		if got.Get(path).String() != text {
			v.t.Errorf("%s = %q, want %q", path, got.Get(path).String(), text)
		}
	}
	if v.t.Failed() {
		v.t.Log(got.Raw)
	}
}

// href is where the link with that text or id leads.
func (s seen) href(mark string) string {
	s.t.Helper()
	for _, link := range regexp.MustCompile(`(?s)<a [^>]*>.*?</a>`).FindAllString(s.body, -1) {
		if strings.Contains(link, mark) {
			return attr(link, "href")
		}
	}
	s.t.Fatalf("no link with %q on the page:\n%s", mark, s.body)
	return ""
}

const adeleUPN = "adele@contoso.example"

const desktop = "/outlook/" + adeleUPN

func TestOutlook_CalendarsAreMadeRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	v := visit(t)
	page := v.get(desktop).wants("New event").wants("default calendar cannot be deleted")
	page = v.submit(page, "new-calendar", url.Values{"name": {`Team <b>"1"`}})
	page.wants(`Team &lt;b&gt;&#34;1&#34;</a>`).wants(`aria-current="true"`)
	if strings.Contains(page.body, "Team <b>") {
		t.Error("the name is not escaped")
	}
	again := v.submit(page, "new-calendar", url.Values{"name": {`team <B>"1"`}})
	if again.status != http.StatusConflict {
		t.Errorf("a second one of that name: status %d, want 409", again.status)
	}
	again.wants(`role="alert"`)

	page = v.submit(page, "rename-calendar", url.Values{"name": {"Renamed"}}).wants("Renamed</a>")
	if names := v.graph("/me/calendars").Get("value.#.name").String(); !strings.Contains(names, "Renamed") {
		t.Errorf("calendars %s", names)
	}
	v.submit(page, "delete-calendar", nil)
	if names := v.graph("/me/calendars").Get("value.#.name").String(); strings.Contains(names, "Renamed") {
		t.Errorf("still there: %s", names)
	}
}

func TestOutlook_EventFromTheFormAndBack(t *testing.T) {
	t.Parallel()
	v := visit(t)
	page := v.get(desktop + "/calendar?on=2026-11-25")
	form := v.get(page.href(`id="new-event"`)).wants(`name="subject"`)
	after := v.submit(form, "event", url.Values{
		"subject": {"Visit <Contoso>"}, "start": {"2026-11-25T10:00"}, "end": {"2026-11-25T11:30"}, "timeZone": {"E. South America Standard Time"},
		"location": {"Room 1"}, "body": {"Bring\r\nthe figures"}, "bodyContentType": {"text"}, "isReminderOn": {"false", "true"}, "reminderMinutesBeforeStart": {"30"},
		"showAs": {"oof"}, "sensitivity": {"private"}, "importance": {"high"}, "categories": {"Blue category, Own"},
	})
	after.wants("Visit &lt;Contoso&gt;").wants("10:00–11:30").wants("Own")
	e := v.graph("/me/events").Get("value.0")
	v.fields(e, map[string]string{
		"subject": "Visit <Contoso>", "start.dateTime": "2026-11-25T13:00:00.0000000", "start.timeZone": "UTC", "end.dateTime": "2026-11-25T14:30:00.0000000",
		"originalStartTimeZone": "E. South America Standard Time", "location.displayName": "Room 1", "isReminderOn": "true", "reminderMinutesBeforeStart": "30",
		"showAs": "oof", "sensitivity": "private", "importance": "high", "categories": `["Blue category","Own"]`, "isAllDay": "false", "type": "singleInstance",
	})
	if body := e.Get("body.content").Str; !strings.Contains(body, "the figures") {
		t.Errorf("body %q", body)
	}
	if n := len(v.sim.Mails()); n != 0 {
		t.Errorf("%d mails, want none", n)
	}

	// Saving it as it is writes nothing.
	event := v.get(after.href("Visit"))
	event.wants(`value="2026-11-25T10:00"`).wants("Nobody would be mailed")
	v.submit(event, "event", choices(event))
	if now := v.graph("/me/events").Get("value.0.changeKey").Str; now != e.Get("changeKey").Str {
		t.Errorf("saved without a change, yet the change key went from %s to %s", e.Get("changeKey").Str, now)
	}

	// Someone else changes the place while the form is open: only what was typed is written.
	_, err := v.sim.handOf(v.sim.Person(adeleUPN)).patch("/me/events/"+url.PathEscape(e.Get("id").Str), map[string]any{"location": map[string]any{"displayName": "Room 2"}})
	if err != nil {
		t.Fatal(err)
	}
	fill := choices(event)
	fill.Set("subject", "Visit, moved")
	fill.Set("start", "2026-11-26T10:00")
	fill.Set("end", "2026-11-26T11:00")
	v.submit(event, "event", fill)
	v.fields(v.graph("/me/events").Get("value.0"), map[string]string{
		"subject": "Visit, moved", "location.displayName": "Room 2", "start.dateTime": "2026-11-26T13:00:00.0000000", "showAs": "oof",
	})

	v.submit(event, "delete-event", nil)
	if n := len(v.graph("/me/events").Get("value").Array()); n != 0 {
		t.Errorf("%d events after the delete", n)
	}
}

// choices are the values that the selects and text areas of a page show: what a browser would send unasked.
func choices(page seen) url.Values {
	out := url.Values{}
	for _, m := range regexp.MustCompile(`(?s)<select[^>]* name="([^"]*)".*?</select>`).FindAllStringSubmatch(page.body, -1) {
		if chosen := regexp.MustCompile(`<option(?: value="([^"]*)")? selected>([^<]*)<`).FindStringSubmatch(m[0]); chosen != nil {
			value := chosen[1]
			if !strings.Contains(chosen[0], "value=") {
				value = chosen[2]
			}
			out.Set(m[1], value)
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>`).FindAllStringSubmatch(page.body, -1) {
		out.Set(m[1], strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&#43;", "+", "&amp;", "&").Replace(m[2]))
	}
	return out
}

func TestOutlook_AllDayKeepsItsDates(t *testing.T) {
	t.Parallel()
	v := visit(t)
	form := v.get(desktop + "/events/new")
	v.submit(form, "event", url.Values{"subject": {"Fair"}, "isAllDay": {"false", "true"}, "start": {"2026-12-01T09:00"}, "end": {"2026-12-03T09:00"}, "timeZone": {"Tokyo Standard Time"}})
	e := v.graph("/me/events").Get("value.0")
	v.fields(e, map[string]string{"isAllDay": "true", "originalStartTimeZone": "Tokyo Standard Time"})
	week := v.get(desktop + "/calendar?on=2026-12-02")
	if n := strings.Count(week.body, "<strong>Fair</strong>"); n != 3 {
		t.Errorf("on %d days of the week, want 3:\n%s", n, week.body)
	}
	page := v.get(week.href("Fair")).wants(`value="2026-12-01T00:00"`).wants(`value="2026-12-03T00:00"`)
	fill := choices(page)
	fill.Set("subject", "Fair, again")
	fill["isAllDay"] = []string{"false", "true"}
	v.submit(page, "event", fill)
	now := v.graph("/me/events").Get("value.0")
	if now.Get("start").Raw != e.Get("start").Raw || now.Get("end").Raw != e.Get("end").Raw || now.Get("subject").Str != "Fair, again" {
		t.Errorf("moved by a change of the subject: %s", now.Raw)
	}
}

func TestOutlook_SeriesAreShownByOccurrence(t *testing.T) {
	t.Parallel()
	v := visit(t)
	form := v.get(desktop + "/events/new")
	v.submit(form, "event", url.Values{"subject": {"Stand-up"}, "start": {"2026-11-23T09:00"}, "end": {"2026-11-23T09:15"}, "timeZone": {"E. South America Standard Time"},
		"recurrenceType": {"weekly"}, "interval": {"1"}, "daysOfWeek": {"", "monday", "wednesday"}, "rangeType": {"numbered"}, "numberOfOccurrences": {"6"}})
	v.fields(v.graph("/me/events").Get("value.0"), map[string]string{"type": "seriesMaster", "recurrence.pattern.type": "weekly",
		"recurrence.pattern.daysOfWeek": `["monday","wednesday"]`, "recurrence.range.type": "numbered", "recurrence.range.numberOfOccurrences": "6", "recurrence.range.startDate": "2026-11-23"})
	week := v.get(desktop + "/calendar?on=2026-11-25")
	if n := strings.Count(week.body, "<strong>Stand-up</strong>"); n != 2 {
		t.Fatalf("%d occurrences in the week, want 2", n)
	}
	v.get(desktop + "/calendar?view=list&on=2026-11-23").wants("Monday 23 November 2026").wants("Wednesday 9 December 2026")

	// One occurrence is changed, another deleted.
	page := v.get(week.href("Stand-up")).wants("One of a series").wants("Open the whole series")
	fill := choices(page)
	fill.Set("subject", "Stand-up with guests")
	v.submit(page, "event", fill)
	week = v.get(desktop + "/calendar?on=2026-11-25").wants("Stand-up with guests")
	page = v.get(week.href("<strong>Stand-up</strong>"))
	v.submit(page, "delete-event", nil)
	if week = v.get(desktop + "/calendar?on=2026-11-25"); strings.Contains(week.body, "<strong>Stand-up</strong>") {
		t.Error("the deleted occurrence is still there")
	}
	// The series: a form with the rule in it, and no repetition any more.
	page = v.get(week.href("guests"))
	page = v.get(page.href("Open the whole series")).wants(`<option value="weekly" selected>`)
	fill = choices(page)
	fill.Set("recurrenceType", "")
	v.submit(page, "event", fill)
	v.fields(v.graph("/me/events").Get("value.0"), map[string]string{"type": "singleInstance", "recurrence": ""})
}

func TestOutlook_AttendeesAreCountedBeforeTheyAreMailed(t *testing.T) {
	t.Parallel()
	v := visit(t)
	form := v.get(desktop + "/events/new").wants("Nobody would be mailed")
	after := v.submit(form, "event", url.Values{"subject": {"Review"}, "start": {"2026-11-23T09:00"}, "end": {"2026-11-23T10:00"},
		"attendees": {"Alex Wilber <alex@contoso.example>\r\nlee@contoso.example (optional)"}})
	page := v.get(after.href("Review")).wants("2 people would be mailed").wants("Deleting it would mail 2 people.")
	v.fields(v.graph("/me/events").Get("value.0"), map[string]string{"attendees.0.emailAddress.name": "Alex Wilber", "attendees.0.type": "required",
		"attendees.1.emailAddress.address": "lee@contoso.example", "attendees.1.type": "optional"})
	if n := len(v.sim.Mails()); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
	v.submit(page, "event", choices(page))
	if n := len(v.sim.Mails()); n != 2 {
		t.Errorf("saving without a change: %d mails, want 2 still", n)
	}
	v.get("/sim").wants("alex@contoso.example").wants("Review")
}

func TestOutlook_HTMLBodiesAreText(t *testing.T) {
	t.Parallel()
	v := visit(t)
	made, err := v.sim.handOf(v.sim.Person(adeleUPN)).post("/me/events", map[string]any{"subject": "News",
		"start": map[string]any{"dateTime": "2026-11-23T09:00:00", "timeZone": "UTC"}, "end": map[string]any{"dateTime": "2026-11-23T10:00:00", "timeZone": "UTC"},
		"body": map[string]any{"contentType": "html", "content": `<p>Good <b>news</b></p><script>alert(1)</script><p>Two</p>`}})
	if err != nil {
		t.Fatal(err)
	}
	page := v.get(desktop + "/events/" + url.PathEscape(made.Get("id").Str)).wants("shown here as text").wants("Good news\nTwo")
	if strings.Contains(page.body, "<script>alert") {
		t.Error("a script of the body is in the page")
	}
	source := v.get(page.href("Edit the HTML")).wants("&lt;b&gt;news&lt;/b&gt;").wants(`<option value="html" selected>`)
	fill := choices(source)
	fill.Set("body", "<p>Changed</p>")
	v.submit(source, "event", fill)
	v.fields(v.graph("/me/events").Get("value.0"), map[string]string{"body.contentType": "html", "bodyPreview": "Changed"})
}

func TestOutlook_WhatIsRefusedStaysInTheForm(t *testing.T) {
	t.Parallel()
	v := visit(t)
	form := v.get(desktop + "/events/new")
	for name, fill := range map[string]url.Values{
		"The end is before the start.":    {"subject": {"Kept"}, "start": {"2026-11-23T09:00"}, "end": {"2026-11-23T08:00"}},
		"Start and end need a date":       {"subject": {"Kept"}, "start": {"soon"}, "end": {"2026-11-23T08:00"}},
		"Pick at least one day":           {"subject": {"Kept"}, "start": {"2026-11-23T09:00"}, "end": {"2026-11-23T10:00"}, "recurrenceType": {"weekly"}, "daysOfWeek": {""}, "interval": {"1"}, "rangeType": {"noEnd"}},
		"The repetition ends before":      {"subject": {"Kept"}, "start": {"2026-11-23T09:00"}, "end": {"2026-11-23T10:00"}, "recurrenceType": {"daily"}, "interval": {"1"}, "rangeType": {"endDate"}, "endDate": {"2026-01-01"}},
		"A number about the repetition":   {"subject": {"Kept"}, "start": {"2026-11-23T09:00"}, "end": {"2026-11-23T10:00"}, "recurrenceType": {"daily"}, "interval": {"0"}, "rangeType": {"noEnd"}},
		"The reminder is a number of min": {"subject": {"Kept"}, "start": {"2026-11-23T09:00"}, "end": {"2026-11-23T10:00"}, "reminderMinutesBeforeStart": {"x"}},
	} {
		page := v.submit(form, "event", fill)
		if page.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d, want 422", name, page.status)
		}
		page.wants(name).wants(`value="Kept"`)
	}
	if page := v.get("/outlook/nomailbox@contoso.example/calendar"); page.status != http.StatusNotFound {
		t.Errorf("no mailbox: %d", page.status)
	}
	if page := v.get(desktop + "/events/nonsense"); page.status < 400 {
		t.Errorf("nonsense id: %d", page.status)
	}
	req, err := http.NewRequest(http.MethodPost, v.base+desktop+"/calendars", strings.NewReader("name=x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "http://elsewhere.example")
	if page := v.do(req); page.status != http.StatusForbidden {
		t.Errorf("a form of another site: %d, want 403", page.status)
	}
}

func TestOutlook_AnInvitationIsAnswered(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.sim.As("alex@contoso.example").Post("/me/events", `{"subject":"Review","start":{"dateTime":"2026-11-23T09:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-11-23T10:00:00","timeZone":"UTC"},
		"attendees":[{"type":"required","emailAddress":{"address":"`+adeleUPN+`"}}]}`)
	id := v.graph("/me/events").Get("value.0.id").Str
	page := v.get(desktop + "/events/" + url.PathEscape(id)).wants("You are invited.").wants("Nobody would be mailed")
	v.submit(page, "answer-event", url.Values{"answer": {"accept"}, "quiet": {}})
	v.get(desktop + "/events/" + url.PathEscape(id)).wants("You have accepted.")
	if mails := v.sim.Mails(); len(mails) != 2 || mails[1].Kind != "response" || mails[1].Recipient != "alex@contoso.example" {
		t.Errorf("mails: %+v", mails)
	}
}
