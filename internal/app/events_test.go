package app_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// planned makes an event in the dedicated calendar, as a person does in Outlook, and returns its id. What is not said of its
// time is an hour.
func (c *client) planned(event doc) string {
	c.t.Helper()
	body := doc{"start": at("2026-12-01T14:00:00", "UTC"), "end": at("2026-12-01T15:00:00", "UTC")}
	for k, v := range event {
		body[k] = v
	}
	status, made := c.as(c.name).Prefer(`IdType="ImmutableId"`).Post(c.container("calendar")+"/events", body)
	if status != 201 {
		c.t.Fatal(status, made)
	}
	return made["id"].(string)
}

func at(wall, zone string) doc { return doc{"dateTime": wall, "timeZone": zone} }

// replan changes an event in Outlook.
func (c *client) replan(id string, change doc) {
	c.t.Helper()
	if status, told := c.as(c.name).Prefer(`IdType="ImmutableId"`).Patch("/me/events/"+id, change); status != 200 {
		c.t.Fatal(status, told)
	}
}

// inStep waits until so many events are in step and nothing else is on its way, and returns the only link's counts.
func (c *client) inStep(n int) {
	c.t.Helper()
	c.eventually(fmt.Sprint(n, " events are in step"), func() bool {
		l := c.link("calendar")
		return l != nil && l["synced"] == float64(n) && l["waiting"] == 0.0 && l["failing"] == 0.0
	})
}

// event is the CRM's record with a title.
func (c *client) event(title string) doc {
	c.t.Helper()
	r := c.list("Events", "Event_Title")[title]
	if r == nil {
		return nil
	}
	return c.get("Events", r["id"].(string))
}

// Every field of an event crosses both ways, each edit once, and a round trip that changed nothing writes nothing.
func TestS16_EveryFieldOfAnEventCrossesBothWays(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	contact := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("calendar")
	id := adele.insert("Events", doc{
		"Event_Title": "Voo", "Start_DateTime": "2026-12-01T18:00:00-03:00", "End_DateTime": "2026-12-02T10:00:00+01:00", "Time_Zone": "America/Sao_Paulo",
		"End_Time_Zone": "Europe/Berlin", "Venue": "GRU", "Description": "first\nsecond <b>", "Remind_At": []doc{{"unit": 2, "period": "hours"}},
		"Show_As": "oof", "Sensitivity": "private", "Importance": "high", "Tag": []doc{{"name": "CRM"}, {"name": "VIP"}}, "Who_Id": doc{"id": contact},
	}, doc{"Event_Title": "", "Start_DateTime": "2026-12-03T09:00:00-03:00", "End_DateTime": "2026-12-03T09:00:00-03:00"})[0]
	adele.inStep(2)
	items := adele.items("calendar", "subject")
	flight := items["Voo"]
	for name, want := range map[string]string{
		"originalStartTimeZone": "E. South America Standard Time", "originalEndTimeZone": "W. Europe Standard Time",
		"start": "map[dateTime:2026-12-01T21:00:00.0000000 timeZone:UTC]", "end": "map[dateTime:2026-12-02T09:00:00.0000000 timeZone:UTC]",
		"isAllDay": "false", "showAs": "oof", "sensitivity": "private", "importance": "high", "isReminderOn": "true",
		"reminderMinutesBeforeStart": "120", "categories": "[CRM VIP]", "attendees": "[]",
	} {
		if got := fmt.Sprint(flight[name]); got != want {
			t.Errorf("in Outlook %s is %s, want %s", name, got, want)
		}
	}
	if place := flight["location"].(doc)["displayName"]; place != "GRU" {
		t.Errorf("the place is %v", place)
	}
	if empty := items[""]; empty == nil || empty["showAs"] != "busy" || empty["isReminderOn"] != false {
		t.Errorf("an event without a title came as %v", empty)
	}
	adele.restOf("calendar")

	// The other way, all at once and back to what is usual.
	adele.replan(flight["id"].(string), doc{
		"subject": "", "showAs": "tentative", "sensitivity": "confidential", "importance": "low", "isReminderOn": false, "categories": []string{"Gold"},
		"location": doc{"displayName": "FRA"}, "body": doc{"contentType": "html", "content": "<p>third</p>"},
		"start": at("2026-12-04T10:00:00", "India Standard Time"), "end": at("2026-12-04T18:00:00", "Lord Howe Standard Time"),
	})
	d.eventually("the edit is in the CRM", func() bool { return adele.get("Events", id)["Importance"] == "low" })
	got := adele.get("Events", id)
	for name, want := range map[string]any{
		"Event_Title": nil, "Show_As": "tentative", "Sensitivity": "confidential", "Importance": "low", "Venue": "FRA", "Description": "third",
		"Start_DateTime": "2026-12-04T01:30:00-03:00", "Time_Zone": "Asia/Kolkata", "End_Time_Zone": "Australia/Lord_Howe", "Remind_At": nil,
	} {
		if fmt.Sprint(got[name]) != fmt.Sprint(want) && !(want == nil && fmt.Sprint(got[name]) == "[]") {
			t.Errorf("in the CRM %s is %v, want %v", name, got[name], want)
		}
	}
	if who, _ := got["Who_Id"].(doc); who["id"] != contact {
		t.Errorf("the related contact is %v", got["Who_Id"])
	}
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"Show_As": nil, "Sensitivity": "normal", "Importance": "normal", "End_Time_Zone": nil, "Venue": nil}}}, 200)
	d.eventually("what is usual is in Outlook", func() bool {
		item := adele.items("calendar", "id")[flight["id"].(string)]
		return item["showAs"] == "busy" && item["sensitivity"] == "normal" && item["importance"] == "normal" &&
			item["originalEndTimeZone"] == "India Standard Time" && item["location"].(doc)["displayName"] == ""
	})
	adele.restOf("calendar")
}

// FIELD-FAILURES 40, 41, 42: a day is a day for everybody from UTC−11 to UTC+14, one of them, two and thirty, whoever made it;
// what is made of it on either side, and back, is what the other one has.
func TestFF40FF41FF42_WholeDaysAreDaysEverywhere(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar")
	type zone struct{ iana, windows string }
	zones := []zone{
		{"Pacific/Pago_Pago", "UTC-11"}, {"America/Sao_Paulo", "E. South America Standard Time"}, {"America/Rio_Branco", "SA Pacific Standard Time"},
		{"Europe/Berlin", "W. Europe Standard Time"}, {"Asia/Kolkata", "India Standard Time"}, {"Australia/Lord_Howe", "Lord Howe Standard Time"},
		{"Pacific/Apia", "Samoa Standard Time"}, {"Pacific/Kiritimati", "Line Islands Standard Time"},
	}
	days := map[int]string{1: "2027-02-28", 2: "2027-03-01", 30: "2027-03-29"} // the last day of each length from 2027-02-28
	ends := map[int]string{1: "2027-03-01", 2: "2027-03-02", 30: "2027-03-30"} // the day after
	n := 0
	var made []doc
	for _, z := range zones {
		for length := range days {
			made = append(made, doc{ // times of the day are no part of a day
				"Event_Title": fmt.Sprint("crm ", z.iana, length), "All_day": true, "Time_Zone": z.iana,
				"Start_DateTime": "2027-02-28T00:00:00-03:00", "End_DateTime": ends[length] + "T00:00:00-03:00",
			})
			if length == 1 {
				made[len(made)-1]["Start_DateTime"], made[len(made)-1]["End_DateTime"] = "2027-02-28T13:30:00-03:00", "2027-02-28T14:30:00-03:00"
			}
			adele.planned(doc{
				"subject": fmt.Sprint("outlook ", z.iana, length), "isAllDay": true,
				"start": at("2027-02-28T00:00:00", z.windows), "end": at(ends[length]+"T00:00:00", z.windows),
			})
			n += 2
		}
	}
	adele.insert("Events", made...)
	adele.inStep(n)
	items := adele.items("calendar", "subject")
	all := adele.list("Events", "Event_Title")
	for _, z := range zones {
		for length, end := range ends {
			for _, from := range []string{"crm ", "outlook "} {
				title := fmt.Sprint(from, z.iana, length)
				_, item := d.as("adele").Prefer(`outlook.timezone="` + z.windows + `"`).Get("/me/events/" + items[title]["id"].(string))
				if from == "crm " { // made for UTC: read so, as everybody's Outlook does with a day
					_, item = d.as("adele").Prefer(`outlook.timezone="UTC"`).Get("/me/events/" + items[title]["id"].(string))
				}
				start, stop := item["start"].(doc)["dateTime"].(string), item["end"].(doc)["dateTime"].(string)
				if !strings.HasPrefix(start, "2027-02-28T00:00:00") || !strings.HasPrefix(stop, end+"T00:00:00") || item["isAllDay"] != true {
					t.Errorf("%s in Outlook: %s to %s", title, start, stop)
				}
				r := adele.get("Events", all[title]["id"].(string))
				first, last := fmt.Sprint(r["Start_DateTime"]), fmt.Sprint(r["End_DateTime"])
				if r["All_day"] != true || !strings.HasPrefix(first, "2027-02-28T00:00:00") || !strings.HasPrefix(last, end+"T00:00:00") {
					t.Errorf("%s in the CRM: %s to %s", title, first, last)
				}
			}
		}
	}
	adele.restOf("calendar")

	// Toggled in Outlook and in the CRM: the flag goes with the times (41).
	title := "crm Asia/Kolkata1"
	id, item := all[title]["id"].(string), items[title]["id"].(string)
	adele.replan(item, doc{"isAllDay": false, "start": at("2027-02-28T20:00:00", "India Standard Time"), "end": at("2027-02-28T21:00:00", "India Standard Time")})
	d.eventually("the CRM has hours", func() bool { return adele.get("Events", id)["All_day"] == false })
	if r := adele.get("Events", id); r["Start_DateTime"] != "2027-02-28T11:30:00-03:00" || r["Time_Zone"] != "Asia/Kolkata" {
		t.Errorf("the hours came as %v in %v", r["Start_DateTime"], r["Time_Zone"])
	}
	adele.call("PUT", "/crm/v8/Events/"+id, doc{"data": []doc{{"All_day": true, "Start_DateTime": "2027-02-28T00:00:00-03:00", "End_DateTime": "2027-03-01T00:00:00-03:00"}}}, 200)
	d.eventually("Outlook has a day", func() bool { return adele.items("calendar", "subject")[title]["isAllDay"] == true })
	if got := adele.items("calendar", "subject")[title]["start"].(doc)["dateTime"]; got != "2027-02-28T00:00:00.0000000" {
		t.Errorf("the day in Outlook is %v", got)
	}
	adele.restOf("calendar")
}

// FIELD-FAILURES 34, 42: hours stay what the clock on the wall says in the event's zone, in summer and in winter, also where
// the rules have changed since or the reader's are others; an event without a zone is in that of its owner.
func TestFF34FF42_HoursStayInEveryZoneAndSeason(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar")
	rows := []struct{ zone, windows, wall, utc string }{
		{"America/Sao_Paulo", "E. South America Standard Time", "2027-07-15T16:00:00", "2027-07-15T19:00:00"},
		{"America/Sao_Paulo", "E. South America Standard Time", "2018-12-15T16:00:00", "2018-12-15T18:00:00"}, // Brazil had summer time
		{"America/Manaus", "SA Western Standard Time", "2027-01-15T16:00:00", "2027-01-15T20:00:00"},
		{"Europe/Berlin", "W. Europe Standard Time", "2027-07-15T16:00:00", "2027-07-15T14:00:00"},
		{"Europe/Berlin", "W. Europe Standard Time", "2027-01-15T16:00:00", "2027-01-15T15:00:00"},
		{"Asia/Kolkata", "India Standard Time", "2027-07-15T16:00:00", "2027-07-15T10:30:00"},
		{"Australia/Lord_Howe", "Lord Howe Standard Time", "2027-07-15T16:00:00", "2027-07-15T05:30:00"},
		{"Australia/Lord_Howe", "Lord Howe Standard Time", "2027-01-15T16:00:00", "2027-01-15T05:00:00"},
		{"Pacific/Apia", "Samoa Standard Time", "2027-07-15T16:00:00", "2027-07-15T03:00:00"},
		{"Pacific/Apia", "Samoa Standard Time", "2021-01-15T16:00:00", "2021-01-15T02:00:00"}, // Samoa had summer time
		{"", "E. South America Standard Time", "2027-01-15T16:00:00", "2027-01-15T19:00:00"},
	}
	var made []doc
	for i, r := range rows {
		hour := func(wall string) string { return wall[:11] + "17" + wall[13:] }
		e := doc{"Event_Title": fmt.Sprint("crm ", i), "Start_DateTime": r.utc + "Z", "End_DateTime": r.utc + "Z", "Time_Zone": r.zone}
		if r.zone == "" {
			delete(e, "Time_Zone")
		}
		made = append(made, e)
		adele.planned(doc{"subject": fmt.Sprint("outlook ", i), "start": at(r.wall, r.windows), "end": at(hour(r.wall), r.windows)})
	}
	for _, e := range made { // the API wants offsets
		e["Start_DateTime"] = strings.TrimSuffix(e["Start_DateTime"].(string), "Z") + "+00:00"
		e["End_DateTime"] = e["Start_DateTime"]
	}
	adele.insert("Events", made...)
	adele.inStep(2 * len(rows))
	items := adele.items("calendar", "subject")
	records := adele.list("Events", "Event_Title")
	for i, r := range rows {
		_, item := d.as("adele").Prefer(`outlook.timezone="` + r.windows + `"`).Get("/me/events/" + items[fmt.Sprint("crm ", i)]["id"].(string))
		if got := item["start"].(doc)["dateTime"]; got != r.wall+".0000000" || item["originalStartTimeZone"] != r.windows {
			t.Errorf("%s %s is in Outlook %v in %v", r.zone, r.utc, got, item["originalStartTimeZone"])
		}
		got := adele.get("Events", records[fmt.Sprint("outlook ", i)]["id"].(string))
		stored := got["Start_DateTime"].(string)
		if !same(stored, r.utc+"Z") {
			t.Errorf("%s %s in Outlook is in the CRM %s", r.windows, r.wall, stored)
		}
	}
	adele.restOf("calendar")
}

// same reports whether two moments with an offset are one.
func same(a, b string) bool {
	x, err1 := time.Parse(time.RFC3339, a)
	y, err2 := time.Parse(time.RFC3339, b)
	return err1 == nil && err2 == nil && x.Equal(y)
}

// FIELD-FAILURES 40, 42: whoever lives at the ends of the day, UTC−11 and UTC+14, has days on the same date on the calendar's
// page, in the API and in Outlook, one of them, two and thirty, whoever made them and where, and after edits on either side.
func TestFF40FF42_UsersFromPagoPagoToKiritimatiHaveTheirDays(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	lasts := map[int]string{1: "2027-02-28", 2: "2027-03-01", 30: "2027-03-29"}
	ends := map[int]string{1: "2027-03-01", 2: "2027-03-02", 30: "2027-03-30"} // the day after
	for _, who := range []struct{ name, zone, windows, offset string }{
		{"adele", "Pacific/Pago_Pago", "UTC-11", "-11:00"}, {"alex", "Pacific/Kiritimati", "Line Islands Standard Time", "+14:00"},
	} {
		c := d.client(who.name)
		if status, _ := c.page("POST", "/setup/preferences", url.Values{"zone": {who.zone}, "lang": {"en"}}); status != 200 {
			t.Fatal(status)
		}
		if u := c.user(); u.Zone != who.zone {
			t.Fatalf("%s lives in %s", who.name, u.Zone)
		}
		c.switchOn("calendar")
		want := map[string]int{}
		for n, last := range lasts {
			title := func(from string) string { want[fmt.Sprint(from, n)] = n; return fmt.Sprint(from, n) }
			status, raw := c.page("POST", "/calendar", url.Values{"Event_Title": {title("page ")}, "All_day": {"true"}, "Start_DateTime": {"2027-02-28"}, "End_DateTime": {last}})
			if status != 200 {
				t.Fatalf("%d: %s", status, raw)
			}
			c.insert("Events", doc{"Event_Title": title("api "), "All_day": true, "Start_DateTime": "2027-02-28T00:00:00" + who.offset, "End_DateTime": ends[n] + "T00:00:00" + who.offset})
			c.planned(doc{"subject": title("outlook "), "isAllDay": true, "start": at("2027-02-28T00:00:00", who.windows), "end": at(ends[n]+"T00:00:00", who.windows)})
			c.planned(doc{"subject": title("utc "), "isAllDay": true, "start": at("2027-02-28T00:00:00", "UTC"), "end": at(ends[n]+"T00:00:00", "UTC")})
		}
		c.inStep(len(want))
		compare := func(what string) {
			t.Helper()
			items, records := c.items("calendar", "subject"), c.list("Events", "Event_Title")
			var feed []struct{ Title, Start, End string }
			status, raw := c.page("GET", "/calendar/events?start=2027-02-01&end=2027-04-15", nil)
			if err := json.Unmarshal(raw, &feed); err != nil || status != 200 || len(feed) != len(want) {
				t.Fatalf("%s: %d, %d of %d on the page: %v", what, status, len(feed), len(want), err)
			}
			for _, e := range feed {
				if e.Start != "2027-02-28T00:00:00" || e.End != ends[want[e.Title]]+"T00:00:00" {
					t.Errorf("%s: %s on the page of %s: %s to %s", what, e.Title, who.zone, e.Start, e.End)
				}
			}
			for title, n := range want {
				planned := items[title]["originalStartTimeZone"].(string)
				_, item := d.as(who.name).Prefer(`outlook.timezone="` + planned + `"`).Get("/me/events/" + items[title]["id"].(string))
				from, to := item["start"].(doc)["dateTime"].(string), item["end"].(doc)["dateTime"].(string)
				if !strings.HasPrefix(from, "2027-02-28T00:00:00") || !strings.HasPrefix(to, ends[n]+"T00:00:00") {
					t.Errorf("%s: %s in Outlook: %s to %s (%s)", what, title, from, to, planned)
				}
				r := c.get("Events", records[title]["id"].(string))
				if first, end := fmt.Sprint(r["Start_DateTime"]), fmt.Sprint(r["End_DateTime"]); !strings.HasPrefix(first, "2027-02-28T00:00:00"+who.offset) || !strings.HasPrefix(end, ends[n]) {
					t.Errorf("%s: %s in the API: %s to %s", what, title, first, end)
				}
			}
		}
		compare("as it came")
		for title := range want {
			c.call("PUT", "/crm/v8/Events/"+c.event(title)["id"].(string), doc{"data": []doc{{"Venue": "Sala " + title}}}, 200)
		}
		d.eventually("the rooms are in Outlook", func() bool {
			for title, item := range c.items("calendar", "subject") {
				if item["location"].(doc)["displayName"] != "Sala "+title {
					return false
				}
			}
			return true
		})
		for title, item := range c.items("calendar", "subject") {
			c.replan(item["id"].(string), doc{"location": doc{"displayName": "Room " + title}})
		}
		d.eventually("the rooms are in the CRM", func() bool {
			for title := range want {
				if c.event(title)["Venue"] != "Room "+title {
					return false
				}
			}
			return true
		})
		compare("after edits on both sides")
		c.restOf("calendar")
	}
}
