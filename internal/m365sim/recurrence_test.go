package m365sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// seriesBody is an event that repeats, one hour from start in a zone.
func seriesBody(start, zoneName, pattern, span string) string {
	return `{"subject":"Series","start":{"dateTime":"` + start + `:00","timeZone":"` + zoneName + `"},"end":{"dateTime":"` + start[:14] + `45:00","timeZone":"` + zoneName + `"},
		"recurrence":{"pattern":` + pattern + `,"range":` + span + `}}`
}

func (b *bench) instances(id, from, to string) []map[string]any {
	all, _ := b.pages("/me/events/" + id + "/instances?startDateTime=" + from + "&endDateTime=" + to)
	return all
}

func starts(items []map[string]any) string {
	var list []string
	for _, it := range items {
		list = append(list, strings.TrimSuffix(at(it, "start/dateTime").(string), ":00.0000000"))
	}
	return strings.Join(list, " ")
}

func TestRecurrencePatterns(t *testing.T) {
	b := newBench(t)
	for _, row := range []struct{ name, start, pattern, span, want string }{
		{"daily", "2026-03-10T10:00", `{"type":"daily","interval":2}`, `{"type":"numbered","startDate":"2026-03-10","numberOfOccurrences":3}`,
			"2026-03-10T10:00 2026-03-12T10:00 2026-03-14T10:00"},
		{"weekly", "2026-03-10T10:00", `{"type":"weekly","interval":1,"daysOfWeek":["tuesday","thursday"],"firstDayOfWeek":"monday"}`, `{"type":"endDate","startDate":"2026-03-10","endDate":"2026-03-19"}`,
			"2026-03-10T10:00 2026-03-12T10:00 2026-03-17T10:00 2026-03-19T10:00"},
		{"every second week from Sunday", "2026-03-14T10:00", `{"type":"weekly","interval":2,"daysOfWeek":["sunday","saturday"]}`, `{"type":"numbered","startDate":"2026-03-14","numberOfOccurrences":3}`,
			"2026-03-14T10:00 2026-03-22T10:00 2026-03-28T10:00"},
		{"start that does not fit", "2026-03-10T10:00", `{"type":"weekly","interval":1,"daysOfWeek":["friday"]}`, `{"type":"numbered","startDate":"2026-03-10","numberOfOccurrences":2}`,
			"2026-03-13T10:00 2026-03-20T10:00"},
		{"day 31 clamps", "2026-01-31T10:00", `{"type":"absoluteMonthly","interval":1,"dayOfMonth":31}`, `{"type":"numbered","startDate":"2026-01-31","numberOfOccurrences":4}`,
			"2026-01-31T10:00 2026-02-28T10:00 2026-03-31T10:00 2026-04-30T10:00"},
		{"last weekday", "2026-01-30T10:00", `{"type":"relativeMonthly","interval":1,"daysOfWeek":["monday","tuesday","wednesday","thursday","friday"],"index":"last"}`, `{"type":"numbered","startDate":"2026-01-30","numberOfOccurrences":3}`,
			"2026-01-30T10:00 2026-02-27T10:00 2026-03-31T10:00"},
		{"second Tuesday", "2026-01-13T10:00", `{"type":"relativeMonthly","interval":2,"daysOfWeek":["tuesday"],"index":"second"}`, `{"type":"numbered","startDate":"2026-01-13","numberOfOccurrences":2}`,
			"2026-01-13T10:00 2026-03-10T10:00"},
		{"29 February", "2024-02-29T10:00", `{"type":"absoluteYearly","interval":1,"dayOfMonth":29,"month":2}`, `{"type":"numbered","startDate":"2024-02-29","numberOfOccurrences":3}`,
			"2024-02-29T10:00 2025-02-28T10:00 2026-02-28T10:00"},
		{"last Friday of March", "2024-03-29T10:00", `{"type":"relativeYearly","interval":1,"daysOfWeek":["friday"],"index":"last","month":3}`, `{"type":"numbered","startDate":"2024-03-29","numberOfOccurrences":2}`,
			"2024-03-29T10:00 2025-03-28T10:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := *b
			b.t = t
			id := b.must("/me/events", seriesBody(row.start, "UTC", row.pattern, row.span))
			from := row.start[:4]
			if got := starts(b.instances(id, from+"-01-01", fmt.Sprint(mustYear(from)+4)+"-01-01")); got != row.want {
				t.Errorf("\n got %s\nwant %s", got, row.want)
			}
		})
	}
}

func mustYear(text string) int {
	t, _ := time.Parse("2006", text)
	return t.Year()
}

// Hours stay with the wall clock over a change of the clocks, and a time that the spring leaves out moves on.
func TestRecurrenceAcrossClockChange(t *testing.T) {
	b := newBench(t)
	daily := `{"type":"daily","interval":1}`
	id := b.must("/me/events", seriesBody("2026-03-28T09:00", "W. Europe Standard Time", daily, `{"type":"numbered","startDate":"2026-03-28","numberOfOccurrences":2}`))
	if got := starts(b.instances(id, "2026-03-01", "2026-04-30")); got != "2026-03-28T08:00 2026-03-29T07:00" {
		t.Errorf("Berlin: %s", got)
	}
	id = b.must("/me/events", seriesBody("2026-03-07T02:30", "America/New_York", daily, `{"type":"numbered","startDate":"2026-03-07","numberOfOccurrences":3}`))
	if got := starts(b.instances(id, "2026-03-01", "2026-04-30")); got != "2026-03-07T07:30 2026-03-08T07:30 2026-03-09T06:30" {
		t.Errorf("02:30 in New York: %s", got)
	}
}

// FIELD-FAILURES 28: an endless series costs no more than its window.
func TestRecurrenceEndless(t *testing.T) {
	b := newBench(t)
	id := b.must("/me/events", seriesBody("2001-01-01T10:00", "UTC", `{"type":"daily","interval":1}`, `{"type":"noEnd","startDate":"2001-01-01"}`))
	if n := len(b.instances(id, "2026-03-01", "2026-03-31")); n != 30 {
		t.Errorf("%d instances in March", n)
	}
	b.want(b.do("GET", "/me/events/"+id+"/instances?startDateTime=2020-01-01&endDateTime=2030-01-01"), 400, "ErrorInvalidRequest")
}

// What was not given comes back filled (§3.5).
func TestRecurrenceDefaults(t *testing.T) {
	b := newBench(t)
	a := b.want(b.do("POST", "/me/events", seriesBody("2026-03-10T10:00", "America/Sao_Paulo", `{"type":"daily","interval":1}`, `{"type":"noEnd","startDate":"2026-03-10"}`)), 201)
	for path, want := range map[string]string{
		"type":               "seriesMaster",
		"recurrence/pattern": `{"dayOfMonth":0,"firstDayOfWeek":"sunday","index":"first","interval":1,"month":0,"type":"daily"}`,
		"recurrence/range":   `{"endDate":"0001-01-01","numberOfOccurrences":0,"recurrenceTimeZone":"America/Sao_Paulo","startDate":"2026-03-10","type":"noEnd"}`,
	} {
		if got := a.text(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	// and is taken back as it came
	again := b.want(b.do("PATCH", "/me/events/"+a.id(), `{"recurrence":`+a.text("recurrence")+`}`), 200)
	if again.text("recurrence") != a.text("recurrence") {
		t.Errorf("sent back: %s", again.text("recurrence"))
	}
}

func TestExceptionsAndCancelledOccurrences(t *testing.T) {
	b := newBench(t)
	weekly := `{"type":"weekly","interval":1,"daysOfWeek":["tuesday"]}`
	master := b.want(b.do("POST", "/me/events", seriesBody("2026-03-10T10:00", "UTC", weekly, `{"type":"noEnd","startDate":"2026-03-10"}`)), 201)
	path := "/me/events/" + master.id()
	all := b.instances(master.id(), "2026-03-01", "2026-04-08")
	if len(all) != 5 || all[0]["type"] != "occurrence" || all[0]["seriesMasterId"] != master.id() || all[0]["originalStart"] != "2026-03-10T10:00:00Z" {
		t.Fatalf("instances: %v", all)
	}
	if all[0]["iCalUId"] == all[1]["iCalUId"] || all[0]["id"] == all[1]["id"] {
		t.Error("two occurrences share an id")
	}
	second, third := all[1]["id"].(string), all[2]["id"].(string)

	moved := b.want(b.do("PATCH", "/me/events/"+second, `{"subject":"Moved","start":{"dateTime":"2026-03-18T15:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-18T16:00:00","timeZone":"UTC"}}`), 200)
	if moved.text("type") != "exception" || moved.text("originalStart") != "2026-03-17T10:00:00Z" || moved.id() != second {
		t.Errorf("exception: %s", moved.raw)
	}
	b.want(b.do("DELETE", "/me/events/"+third), 204)
	b.want(b.do("GET", "/me/events/"+third), 404, "ErrorItemNotFound")

	whole := b.want(b.do("GET", path+"?$select=subject,cancelledOccurrences&$expand=exceptionOccurrences"), 200)
	if whole.text("cancelledOccurrences") != `["OID.`+master.id()+`.2026-03-24"]` {
		t.Errorf("cancelledOccurrences = %s", whole.text("cancelledOccurrences"))
	}
	if x := whole.text("exceptionOccurrences/0/start/dateTime"); x != "2026-03-18T15:00:00.0000000" || whole.text("exceptionOccurrences/0/id") != second {
		t.Errorf("exceptionOccurrences = %s", whole.text("exceptionOccurrences"))
	}
	few := b.want(b.do("GET", "/me/events?$select=id,cancelledOccurrences&$expand=exceptionOccurrences($select=originalStart,subject)"), 200)
	if few.text("value/0/exceptionOccurrences/0/subject") != "Moved" || few.at("value/0/exceptionOccurrences/0/start") != nil || few.text("value/0/cancelledOccurrences") == "" {
		t.Errorf("selected: %s", few.raw)
	}
	if whole.text("@odata.etag") == master.text("@odata.etag") {
		t.Error("a change of an occurrence left the master's version alone")
	}
	if got := starts(b.instances(master.id(), "2026-03-01", "2026-04-08")); got != "2026-03-10T10:00 2026-03-18T15:00 2026-03-31T10:00 2026-04-07T10:00" {
		t.Errorf("instances: %s", got)
	}

	// FIELD-FAILURES 24: an occurrence stays between its neighbours.
	for _, day := range []string{"2026-03-10", "2026-03-31", "2026-04-07", "2026-03-02"} {
		b.want(b.do("PATCH", "/me/events/"+second, `{"start":{"dateTime":"`+day+`T10:00:00","timeZone":"UTC"},"end":{"dateTime":"`+day+`T11:00:00","timeZone":"UTC"}}`), 400, "ErrorOccurrenceCrossingBoundary")
	}
	b.want(b.do("PATCH", "/me/events/"+second, `{"start":{"dateTime":"2026-03-24T10:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-24T11:00:00","timeZone":"UTC"}}`), 200) // the deleted one is no neighbour

	// A new title reaches every occurrence that has none of its own; exceptions stay (FIELD-FAILURES 26).
	b.want(b.do("PATCH", path, `{"subject":"Renamed"}`), 200)
	got := b.instances(master.id(), "2026-03-01", "2026-04-08")
	if names(got, "subject") != "Moved Renamed Renamed Renamed" {
		t.Errorf("after the rename: %s", names(got, "subject"))
	}
	// A new pattern drops exceptions and ids of occurrences (§3.5).
	b.want(b.do("PATCH", path, `{"recurrence":{"pattern":{"type":"weekly","interval":1,"daysOfWeek":["wednesday"]},"range":{"type":"noEnd","startDate":"2026-03-10"}}}`), 200)
	if got := starts(b.instances(master.id(), "2026-03-01", "2026-04-01")); got != "2026-03-11T10:00 2026-03-18T10:00 2026-03-25T10:00" {
		t.Errorf("after the new pattern: %s", got)
	}
	b.want(b.do("GET", "/me/events/"+second), 404)
	single := b.want(b.do("PATCH", path, `{"recurrence":null}`), 200)
	if single.text("type") != "singleInstance" {
		t.Errorf("type %s after the recurrence was taken away", single.text("type"))
	}
	b.want(b.do("GET", path+"/instances?startDateTime=2026-03-01&endDateTime=2026-04-01"), 400)
}

// FIELD-FAILURES 29: occurrences come on later pages.
func TestRecurrencePages(t *testing.T) {
	b := newBench(t)
	b.must("/me/events", seriesBody("2026-03-01T10:00", "UTC", `{"type":"daily","interval":1}`, `{"type":"numbered","startDate":"2026-03-01","numberOfOccurrences":30}`))
	path := "/me/calendarView?startDateTime=2026-03-01&endDateTime=2026-04-01"
	if n := len(b.do("GET", path).list()); n != 10 {
		t.Errorf("first page has %d", n)
	}
	if all, _ := b.pages(path); len(all) != 30 {
		t.Errorf("all pages have %d", len(all))
	}
}

// All-day series, and a custom zone that only the store itself writes.
func TestRecurrenceAllDay(t *testing.T) {
	b := newBench(t)
	id := b.must("/me/events", `{"subject":"Birthday","isAllDay":true,"start":{"dateTime":"2026-02-15T00:00:00","timeZone":"E. South America Standard Time"},"end":{"dateTime":"2026-02-16T00:00:00","timeZone":"E. South America Standard Time"},
		"recurrence":{"pattern":{"type":"absoluteYearly","interval":1,"dayOfMonth":15,"month":2},"range":{"type":"noEnd","startDate":"2026-02-15"}}}`)
	all, _ := b.pages("/me/events/"+id+"/instances?startDateTime=2026-01-01&endDateTime=2028-12-31", "Prefer", `outlook.timezone="E. South America Standard Time"`)
	if got := starts(all); got != "2026-02-15T00:00 2027-02-15T00:00 2028-02-15T00:00" {
		t.Errorf("instances: %s", got)
	}
	custom := b.want(b.do("POST", "/me/events", strings.ReplaceAll(event("x", "2026-03-10T10:00:00", ""), `"UTC"`, `"tzone://Microsoft/Custom"`)), 201)
	if custom.text("originalStartTimeZone") != customZone {
		t.Errorf("zone %s", custom.text("originalStartTimeZone"))
	}
}

func TestZones(t *testing.T) {
	for name, iana := range ianaOfWindows {
		if _, err := time.LoadLocation(iana); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if z, err := findZone(name); err != nil || z.name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(ianaOfWindows) < 139 {
		t.Errorf("%d Windows zones", len(ianaOfWindows))
	}
	wall := func(text string) time.Time { w, _ := parseWall(text); return w }
	for _, row := range []struct{ zone, wall, want string }{
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"}, // left out: taken as 03:30
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, // twice: the first
		{"America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T03:00:00Z"},
		{"Pacific/Apia", "2011-12-29T10:00:00", "2011-12-29T20:00:00Z"},
		{"Asia/Kolkata", "2026-01-01T00:00:00", "2025-12-31T18:30:00Z"},
	} {
		z, err := findZone(row.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := z.instant(wall(row.wall)).Format(time.RFC3339); got != row.want {
			t.Errorf("%s in %s is %s, want %s", row.wall, row.zone, got, row.want)
		}
	}
}
