package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// page sends a form to a page of Tandem's, as this person's browser, and returns what it answers.
func (c *client) page(method, path string, form url.Values) (status int, body []byte) {
	c.t.Helper()
	browser, _ := c.signedIn("/calendar")
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, cookie := range browser.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, raw
}

// TestS16_EachChoiceOfASeriesReachesOutlook: what the calendar's choices do to a series on Tandem's pages stands in Outlook
// afterwards, occurrence by occurrence, and nobody gets a letter.
func TestS16_EachChoiceOfASeriesReachesOutlook(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Events", doc{
		"Event_Title": "Rodada", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T10:00:00-03:00", "Time_Zone": "America/Sao_Paulo",
		"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU;DTSTART=2026-11-24;COUNT=10"},
	})[0]
	adele.switchOn("calendar")
	adele.settled("calendar")

	type event struct {
		Title, Start  string
		ID            string
		ExtendedProps struct {
			On      string
			Version int64
		}
	}
	onPage := func() (events []event, told []string) {
		status, raw := adele.page("GET", "/calendar/events?start=2026-11-20&end=2027-02-10", nil)
		if err := json.Unmarshal(raw, &events); err != nil || status != 200 {
			t.Fatalf("%d: %s", status, raw)
		}
		for _, e := range events {
			told = append(told, e.Start[:16]+" "+e.Title)
		}
		slices.Sort(told)
		return events, told
	}
	inOutlook := func() (told []string) {
		_, page := d.as("adele").Get(adele.container("calendar") + "/calendarView?startDateTime=2026-11-20T00:00:00Z&endDateTime=2027-02-10T00:00:00Z&$top=100")
		for _, item := range page["value"].([]any) {
			start, err := time.Parse("2006-01-02T15:04:05", item.(doc)["start"].(doc)["dateTime"].(string)[:19])
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, start.Add(-3*time.Hour).Format("2006-01-02T15:04")+" "+item.(doc)["subject"].(string))
		}
		slices.Sort(told)
		return told
	}
	send := func(path string, form url.Values) {
		t.Helper()
		if status, raw := adele.page("POST", path, form); status != 200 {
			t.Fatalf("%s: %d: %s", path, status, raw)
		}
	}
	// at finds the occurrence that starts on a day, with what a drag of it says.
	at := func(day, start, end, scope string) (string, url.Values) {
		t.Helper()
		events, told := onPage()
		for _, e := range events {
			if strings.HasPrefix(e.Start, day) {
				id, _, _ := strings.Cut(e.ID, "/")
				version, _ := json.Marshal(e.ExtendedProps.Version)
				return "/calendar/" + id, url.Values{"version": {string(version)}, "on": {e.ExtendedProps.On}, "scope": {scope},
					"start": {start + ":00"}, "end": {end + ":00"}, "all_day": {"false"}}
			}
		}
		t.Fatalf("nothing on %s among %v", day, told)
		return "", nil
	}
	step := func(what string, items, want int) {
		t.Helper()
		_, told := onPage()
		if len(told) != want {
			t.Errorf("%s: the page has %d: %v", what, len(told), told)
		}
		d.eventually(what+": Outlook has what the page shows", func() bool { return slices.Equal(inOutlook(), told) })
		if t.Failed() {
			t.Fatalf("Outlook has %v\nthe page %v", inOutlook(), told)
		}
		adele.settled("calendar")
		if got := adele.items("calendar", "id"); len(got) != items {
			t.Errorf("%s: %d items in Outlook, expected %d", what, len(got), items)
		}
	}
	step("the series", 1, 10)

	path, form := at("2026-12-08", "2026-12-09T14:00", "2026-12-09T15:00", "this")
	send(path+"/move", form)
	step("one day moved", 1, 10)

	path, form = at("2026-12-01", "", "", "this")
	send(path, url.Values{"version": form["version"], "on": form["on"], "scope": {"this"}, "Event_Title": {"Especial"}, "All_day": {"false"},
		"Start_DateTime": {"2026-12-01T09:00"}, "End_DateTime": {"2026-12-01T10:00"}, "Time_Zone": {"America/Sao_Paulo"}, "Venue": {"Sala 9"}})
	step("one day changed", 1, 10)

	path, form = at("2026-12-15", "", "", "this")
	send(path+"/delete", form)
	step("one day deleted", 1, 9)

	path, form = at("2026-12-29", "2026-12-30T10:00", "2026-12-30T11:30", "following")
	send(path+"/move", form)
	step("this and the following moved", 2, 9)
	if path != "/calendar/"+id {
		t.Errorf("the first part is %s, not %s", path, id)
	}

	path, form = at("2026-11-24", "2026-11-24T11:00", "2026-11-24T12:00", "all")
	send(path+"/move", form)
	step("all of the first part two hours later", 2, 9)

	path, form = at("2027-01-13", "", "", "following")
	send(path+"/delete", form)
	step("this and the following deleted", 2, 6)

	path, _ = at("2026-11-24", "", "", "all")
	send(path+"/delete", nil)
	step("the first part deleted", 1, 2)
	d.noMails()
}
