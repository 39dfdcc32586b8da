package importfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tandem/internal/record"
)

// calendarOf wraps lines of one event into a file.
func calendarOf(lines ...string) string {
	return "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n" + strings.Join(lines, "\n") + "\nEND:VEVENT\nEND:VCALENDAR\n"
}

// brief tells the fields of a record that matter, in one line.
func brief(p *Plan, keys ...string) string {
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprint(p.Fields[k]))
	}
	return strings.Join(out, " | ")
}

// reasonsOf lists what is not simply carried.
func reasonsOf(e *Entry) string {
	var out []string
	for _, i := range e.Items {
		if i.Reason != "" && i.Reason != Bookkeeping {
			out = append(out, i.Property+" "+string(i.Reason))
		}
	}
	return strings.Join(out, ", ")
}

func TestEventTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, lines, want, reasons string
	}{
		{"UTC", "DTSTART:20260310T120000Z\nDTEND:20260310T130000Z", "2026-03-10T12:00:00Z | 2026-03-10T13:00:00Z | false | UTC", ""},
		{"a named zone", "DTSTART;TZID=Europe/Berlin:20260310T120000\nDTEND;TZID=Europe/Berlin:20260310T130000", "2026-03-10T12:00:00+01:00 | 2026-03-10T13:00:00+01:00 | false | Europe/Berlin", ""},
		{"a Windows zone", "DTSTART;TZID=Tokyo Standard Time:20260310T120000", "2026-03-10T12:00:00+09:00 | 2026-03-10T12:00:00+09:00 | false | Asia/Tokyo", ""},
		{"a zone with a path", "DTSTART;TZID=/a.example/x/Europe/Paris:20260310T120000", "2026-03-10T12:00:00+01:00 | 2026-03-10T12:00:00+01:00 | false | Europe/Paris", "DTSTART guessed_zone"},
		{"no such zone", "DTSTART;TZID=Somewhere:20260310T120000", "2026-03-10T12:00:00-03:00 | 2026-03-10T12:00:00-03:00 | false | America/Sao_Paulo", "DTSTART unknown_zone"},
		{"no zone", "DTSTART:20260310T120000", "2026-03-10T12:00:00-03:00 | 2026-03-10T12:00:00-03:00 | false | America/Sao_Paulo", "DTSTART floating_time"},
		{"a day", "DTSTART;VALUE=DATE:20260310", "2026-03-10 | 2026-03-11 | true | <nil>", ""},
		{"days", "DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260313", "2026-03-10 | 2026-03-13 | true | <nil>", ""},
		{"a length", "DTSTART:20260310T120000Z\nDURATION:P1DT1H30M", "2026-03-10T12:00:00Z | 2026-03-11T13:30:00Z | false | UTC", ""},
		{"a length in days", "DTSTART;VALUE=DATE:20260310\nDURATION:P2W", "2026-03-10 | 2026-03-24 | true | <nil>", ""},
		{"a length over the clock change", "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D", "2026-03-28T12:00:00+01:00 | 2026-03-29T12:00:00+02:00 | false | Europe/Berlin", ""},
		{"the end first", "DTSTART:20260310T120000Z\nDTEND:20260310T110000Z", "2026-03-10T12:00:00Z | 2026-03-10T12:00:00Z | false | UTC", "DTEND end_before_start"},
		{"a time that the clocks skip", "DTSTART;TZID=Europe/Berlin:20260329T023000", "2026-03-29T03:30:00+02:00 | 2026-03-29T03:30:00+02:00 | false | Europe/Berlin", "DTSTART clock_gap"},
		{"an end that is a day", "DTSTART:20260310T120000Z\nDTEND;VALUE=DATE:20260311", "2026-03-10T12:00:00Z | 2026-03-10T12:00:00Z | false | UTC", "DTEND bad_time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := Events(calendarOf(strings.Split(c.lines, "\n")...), "America/Sao_Paulo")[0]
			if got := brief(e.Plans[0], "Start_DateTime", "End_DateTime", "All_day", "Time_Zone"); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.lines, got, c.want)
			}
			if got := reasonsOf(e); got != c.reasons {
				t.Errorf("reasons %q, want %q", got, c.reasons)
			}
		})
	}
}

func TestZoneByTheRulesOfTheFile(t *testing.T) {
	t.Parallel()
	file := `BEGIN:VCALENDAR
BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:19971026T020000
TZOFFSETTO:-0500
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19980404T020000
TZOFFSETTO:-0400
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Office:20260610T120000
END:VEVENT
END:VCALENDAR`
	e := Events(file, "UTC")[0]
	if got := brief(e.Plans[0], "Start_DateTime", "Time_Zone"); got != "2026-06-10T12:00:00-04:00 | America/New_York" {
		t.Errorf("got %s, %s", got, reasonsOf(e))
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	start := "DTSTART;TZID=Europe/Berlin:20260310T120000"
	for _, c := range []struct{ name, lines, want, reasons string }{
		{"weekly", start + "\nRRULE:FREQ=WEEKLY;COUNT=3", "map[RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3]", ""},
		{"without days", start + "\nRRULE:FREQ=DAILY\nEXDATE;TZID=Europe/Berlin:20260312T120000,20260311T120000\nEXDATE;VALUE=DATE:20260313", "map[EXDATE:2026-03-11,2026-03-12,2026-03-13 RRULE:FREQ=DAILY]", ""},
		{"without a moment in UTC", start + "\nRRULE:FREQ=DAILY\nEXDATE:20260312T110000Z", "map[EXDATE:2026-03-12 RRULE:FREQ=DAILY]", ""},
		{"without another time", start + "\nRRULE:FREQ=DAILY\nEXDATE;TZID=Europe/Berlin:20260312T130000", "map[RRULE:FREQ=DAILY]", "EXDATE exdate_other_time"},
		{"hourly", start + "\nRRULE:FREQ=HOURLY", "<nil>", "RRULE rule_not_expressible"},
		{"ended before", start + "\nRRULE:FREQ=DAILY;UNTIL=20260301", "<nil>", "RRULE series_without_occurrences"},
		{"off its rule", start + "\nRRULE:FREQ=WEEKLY;BYDAY=FR", "map[RRULE:FREQ=WEEKLY;BYDAY=FR]", "RRULE start_off_rule"},
		{"a rule of exceptions", start + "\nRRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY", "map[RRULE:FREQ=DAILY]", "EXRULE rule_not_expressible"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := Events(calendarOf(strings.Split(c.lines, "\n")...), "UTC")[0]
			if got := brief(e.Plans[0], "Recurring_Activity"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := reasonsOf(e); got != c.reasons {
				t.Errorf("reasons %q, want %q", got, c.reasons)
			}
		})
	}
}

func TestExtraDatesAreEventsOfTheirOwn(t *testing.T) {
	t.Parallel()
	e := Events(calendarOf("SUMMARY:Twice", "DTSTART:20260310T120000Z", "DTEND:20260310T130000Z",
		"RDATE:20260310T120000Z,20260401T090000Z", "RDATE;VALUE=PERIOD:20260402T090000Z/PT15M"), "UTC")[0]
	if len(e.Plans) != 3 {
		t.Fatalf("%d records, want 3", len(e.Plans))
	}
	if got := brief(e.Plans[1], "Event_Title", "Start_DateTime", "End_DateTime"); got != "Twice | 2026-04-01T09:00:00Z | 2026-04-01T10:00:00Z" {
		t.Error(got)
	}
	if got := brief(e.Plans[2], "Start_DateTime", "End_DateTime"); got != "2026-04-02T09:00:00Z | 2026-04-02T09:15:00Z" {
		t.Error(got)
	}
}

func TestChangedOccurrenceLeavesItsSeries(t *testing.T) {
	t.Parallel()
	file := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID=Europe/Berlin:20260310T003000\nRRULE:FREQ=DAILY;COUNT=9\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nUID:1\nSUMMARY:Moved\nRECURRENCE-ID:20260311T233000Z\nDTSTART:20260312T100000Z\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nUID:2\nRECURRENCE-ID:20260311T233000Z\nDTSTART:20260312T100000Z\nEND:VEVENT\nEND:VCALENDAR"
	entries := Events(file, "UTC")
	if got := brief(entries[0].Plans[0], "Recurring_Activity"); !strings.Contains(got, "EXDATE:2026-03-12") {
		t.Errorf("the series: %s", got)
	}
	if got := reasonsOf(entries[1]); got != "RECURRENCE-ID override_single" || len(entries[1].Plans) != 1 {
		t.Errorf("the occurrence: %s", got)
	}
	if got := reasonsOf(entries[2]); got != "RECURRENCE-ID override_alone" {
		t.Errorf("the one without a series: %s", got)
	}
}

func TestReminders(t *testing.T) {
	t.Parallel()
	alarm := func(trigger string) string { return "BEGIN:VALARM\nACTION:DISPLAY\n" + trigger + "\nEND:VALARM" }
	for _, c := range []struct{ name, alarms, want, reasons string }{
		{"a quarter", alarm("TRIGGER:-PT15M"), "[map[period:minutes unit:15]]", "VALARM.ACTION alarm_details"},
		{"at the start", alarm("TRIGGER:PT0S"), "[map[period:minutes unit:0]]", "VALARM.ACTION alarm_details"},
		{"days and hours", alarm("TRIGGER:-P1W6DT15H"), "[map[period:minutes unit:19620]]", "VALARM.ACTION alarm_details"},
		{"of the end", alarm("TRIGGER;RELATED=END:-PT90M"), "[map[period:minutes unit:30]]", "VALARM.ACTION alarm_details, VALARM.TRIGGER alarm_of_end"},
		{"at a time", alarm("TRIGGER;VALUE=DATE-TIME:20260310T113000Z"), "[map[period:minutes unit:30]]", "VALARM.ACTION alarm_details, VALARM.TRIGGER alarm_absolute"},
		{"after the start", alarm("TRIGGER:PT5M"), "<nil>", "VALARM.ACTION alarm_details, VALARM.TRIGGER alarm_after_start"},
		{"two", alarm("TRIGGER:-PT5M") + "\n" + alarm("TRIGGER:-PT9M"), "[map[period:minutes unit:5]]",
			"VALARM.ACTION alarm_details, VALARM.ACTION alarm_details, VALARM.TRIGGER one_reminder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := Events(calendarOf("DTSTART:20260310T120000Z", "DTEND:20260310T130000Z", c.alarms), "UTC")[0]
			if got := brief(e.Plans[0], "Remind_At"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := reasonsOf(e); got != c.reasons {
				t.Errorf("reasons %q, want %q", got, c.reasons)
			}
		})
	}
}

func TestWhatHasNoFieldIsStillReadable(t *testing.T) {
	t.Parallel()
	e := Events(calendarOf("DTSTART:20260310T120000Z", `SUMMARY:Tea\, biscuits`, `DESCRIPTION:One\nTwo`, "CATEGORIES:b,a",
		"ORGANIZER;CN=Ana:mailto:ana@example.com", "ATTENDEE;CN=Bia:mailto:bia@example.com", "ATTENDEE:MAILTO:caio@example.com", "ATTENDEE;CN=Sala 9:urn:uuid:9", "ATTENDEE:mailto:BIA@example.com",
		"URL:http://example.com/", "CLASS:PRIVATE", "TRANSP:TRANSPARENT", "PRIORITY:1", "X-OWN:1", "LOCATION:"+strings.Repeat("x", 256)), "UTC")[0]
	if got := brief(e.Plans[0], "Sensitivity", "Show_As", "Importance"); got != "private | free | high" {
		t.Errorf("class, transparency and priority came as %q", got)
	}
	if got, want := e.Plans[0].record()[record.Participants], record.Value(`[{"type":"email","email":"bia@example.com","name":"Bia"},{"type":"email","email":"caio@example.com"}]`); got != want {
		t.Errorf("who takes part is %s", got)
	}
	got := brief(e.Plans[0], "Event_Title", "Tag", "Description")
	for _, want := range []string{"Tea, biscuits | ", "One\nTwo\n\n", "Organizer: Ana <ana@example.com>",
		"Participants: Sala 9 <urn:uuid:9>", "Web page: http://example.com/", "Place: xxx"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if got := reasonsOf(e); got != "ATTENDEE in_description, LOCATION too_long, ORGANIZER in_description, URL in_description, X-OWN custom" {
		t.Errorf("reasons %s", got)
	}
}

func TestBrokenFilesAreReadLineByLine(t *testing.T) {
	t.Parallel()
	file := "BEGIN:VCALENDAR\nthis is no line\nBEGIN:VEVENT\nSUMMARY:Fine\nDTSTART:20260310T120000Z\nALSO NONE\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nSUMMARY:No start\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Bad start\nDTSTART:soon\nEND:VEVENT\nBEGIN:VTODO\nSUMMARY:Task\nEND:VTODO\n"
	entries := Events(file, "UTC")
	var told []string
	for _, e := range entries {
		told = append(told, fmt.Sprint(e.Kind, " ", len(e.Plans), " ", e.Why, " ", reasonsOf(e)))
	}
	want := []string{"VEVENT 1  ? unreadable", "VEVENT 0 no_start ", "VEVENT 0 bad_time DTSTART bad_time",
		"VCALENDAR 0 file_wide ? unreadable", "VTODO 0 not_an_event SUMMARY not_an_event"}
	if !slices.Equal(told, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

func FuzzReadingNeverStops(f *testing.F) {
	f.Add(calendarOf("DTSTART:20260310T120000Z", "RRULE:FREQ=DAILY", "EXDATE:x", "RDATE:20260310/P", "BEGIN:VALARM", "TRIGGER:-P", "END:VALARM"))
	f.Add("BEGIN:VCARD\nVERSION:2.1\nN;QUOTED-PRINTABLE:=C3=91=\n=20;;;\nTEL;CELL:1\nPHOTO;BASE64:\nAAAA\n\nEND:VCARD")
	f.Add("BEGIN:VCALENDAR\nA;B=\"")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range append(Events(Decode([]byte(text)), "Europe/Berlin"), Cards(Decode([]byte(text)))...) {
			if (e.Kind == "VEVENT" || e.Kind == "VCARD") && len(e.Plans) == 0 && e.Why == "" {
				t.Errorf("%s: no record and no reason", e.Kind)
			}
		}
	})
}
