package web

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/recur"
)

func feed(t *testing.T, b *browser, from, to string) []feedEvent {
	t.Helper()
	got := b.get("/calendar/events?start=" + from + "&end=" + to)
	var out []feedEvent
	if err := json.Unmarshal([]byte(got.body), &out); err != nil || got.status != 200 {
		t.Fatalf("the feed answered %d: %s", got.status, got.body)
	}
	return out
}

func TestEventIsPlannedInItsZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	got := b.post("/calendar", "Event_Title", "Visita", "All_day", "false", "Start_DateTime", "2026-11-25T10:00", "End_DateTime", "2026-11-25T11:30",
		"Time_Zone", "Europe/Berlin", "Venue", "Sala 1", "Remind_At", "15", "Tag", "a, b")
	if got.status != 200 || !strings.HasPrefix(got.path, "/calendar/") {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	if !strings.Contains(got.body, `value="2026-11-25T10:00"`) || !strings.Contains(got.text(), "25 Nov 2026, 6:00 AM – 7:30 AM") {
		t.Errorf("the form is not in the event's zone, or the line above not in the reader's:\n%s", got.text())
	}
	events := feed(t, b, "2026-11-01T00:00:00", "2026-12-01T00:00:00")
	if len(events) != 1 || events[0].Start != "2026-11-25T06:00:00" || events[0].End != "2026-11-25T07:30:00" || !events[0].Editable {
		t.Errorf("the feed says %+v", events)
	}
	// Saving what the form shows changes nothing.
	version := hiddenValue(t, got.body, "version")
	got = b.post(got.path, "version", version, "Event_Title", "Visita", "All_day", "false", "Start_DateTime", "2026-11-25T10:00",
		"End_DateTime", "2026-11-25T11:30", "Time_Zone", "Europe/Berlin", "Venue", "Sala 1", "Remind_At", "15", "Tag", "a, b")
	if hiddenValue(t, got.body, "version") != version {
		t.Error("saving without a change made a new version")
	}
}

func TestAllDayEventsIncludeTheirLastDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	got := b.post("/calendar", "Event_Title", "Feira", "All_day", "false", "All_day", "true", "Start_DateTime", "2026-11-25", "End_DateTime", "2026-11-26", "Time_Zone", "Europe/Berlin")
	if got.status != 200 || !strings.Contains(got.body, `type="date" id="f-End_DateTime" name="End_DateTime" value="2026-11-26"`) {
		t.Fatalf("%d\n%s", got.status, got.text())
	}
	events := feed(t, b, "2026-11-01T00:00:00", "2026-12-01T00:00:00")
	if len(events) != 1 || !events[0].AllDay || events[0].Start != "2026-11-25T00:00:00" || events[0].End != "2026-11-27T00:00:00" {
		t.Errorf("the feed says %+v", events)
	}
	agenda := b.get("/calendar?view=agenda&date=2026-11-20")
	if strings.Count(agenda.body, "<strong>Feira</strong>") != 2 {
		t.Errorf("the agenda has it %d times", strings.Count(agenda.body, "<strong>Feira</strong>"))
	}
	if got := feed(t, b, "2026-11-27T00:00:00", "2026-11-28T00:00:00"); len(got) != 0 {
		t.Errorf("the day after has %+v", got)
	}
}

func TestSeriesKeepTheirWallClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	// Berlin leaves summer time on 25 October 2026; São Paulo has none.
	got := b.post("/calendar", "Event_Title", "Rodada", "Start_DateTime", "2026-10-19T10:00", "End_DateTime", "2026-10-19T10:30", "Time_Zone", "Europe/Berlin",
		"repeat", "weekly", "repeat_interval", "1", "repeat_days", "MO", "repeat_days", "TH", "repeat_end", "count", "repeat_count", "4")
	if got.status != 200 || !strings.Contains(got.text(), "Every week on Mon, Thu, 4 times") {
		t.Fatalf("%d\n%s", got.status, got.text())
	}
	var starts []string
	for _, e := range feed(t, b, "2026-10-01T00:00:00", "2026-12-01T00:00:00") {
		starts = append(starts, e.Start)
		if !e.Editable || e.Extra.On == "" {
			t.Errorf("an occurrence cannot be dragged: %+v", e)
		}
	}
	want := []string{"2026-10-19T05:00:00", "2026-10-22T05:00:00", "2026-10-26T06:00:00", "2026-10-29T06:00:00"}
	if !slices.Equal(starts, want) {
		t.Errorf("starts %v, expected %v", starts, want)
	}

	one := b.get(got.path + "?on=2026-10-26")
	if !strings.Contains(one.text(), "This is one day of a series") {
		t.Fatalf("the day is not offered:\n%s", one.text())
	}
	b.post(got.path+"/delete", "on", "2026-10-26", "scope", "this", "version", "1")
	if left := feed(t, b, "2026-10-01T00:00:00", "2026-12-01T00:00:00"); len(left) != 3 {
		t.Errorf("after leaving one out there are %d", len(left))
	}
	if again := b.get(got.path); !strings.Contains(again.text(), "1 day of the series is left out") {
		t.Error("the form does not say that a day is left out")
	}
	if none := b.get(got.path + "?on=2026-10-27"); strings.Contains(none.text(), "This is one day of a series") {
		t.Error("a day that is none of the series is offered")
	}
}

func TestEventErrorsStandByTheFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	for name, row := range map[string]struct {
		pairs []string
		field string
	}{
		"no start":                         {[]string{"End_DateTime", "2026-11-25T10:00"}, "Start_DateTime"},
		"no end":                           {[]string{"Start_DateTime", "2026-11-25T10:00"}, "End_DateTime"},
		"end before start":                 {[]string{"Start_DateTime", "2026-11-25T10:00", "End_DateTime", "2026-11-25T09:00"}, "End_DateTime"},
		"end before start in its own zone": {[]string{"Start_DateTime", "2026-11-25T10:00", "End_DateTime", "2026-11-25T11:30", "Time_Zone", "America/Sao_Paulo", "End_Time_Zone", "Europe/Lisbon"}, "End_DateTime"},
		"not a time":                       {[]string{"Start_DateTime", "tomorrow", "End_DateTime", "2026-11-25T09:00"}, "Start_DateTime"},
		"not a zone":                       {[]string{"Start_DateTime", "2026-11-25T08:00", "End_DateTime", "2026-11-25T09:00", "Time_Zone", "Mars/Base"}, "Time_Zone"},
		"interval":                         {[]string{"Start_DateTime", "2026-11-25T08:00", "End_DateTime", "2026-11-25T09:00", "repeat", "daily", "repeat_interval", "0"}, "repeat"},
		"until":                            {[]string{"Start_DateTime", "2026-11-25T08:00", "End_DateTime", "2026-11-25T09:00", "repeat", "daily", "repeat_end", "until"}, "repeat"},
		"ends too early":                   {[]string{"Start_DateTime", "2026-11-25T08:00", "End_DateTime", "2026-11-25T09:00", "repeat", "daily", "repeat_end", "until", "repeat_until", "2026-11-01"}, "repeat"},
	} {
		got := b.post("/calendar", append([]string{"Event_Title", "X"}, row.pairs...)...)
		if got.status != 422 || !strings.Contains(got.body, `data-field-error="`+row.field+`"`) {
			t.Errorf("%s: %d\n%s", name, got.status, got.text())
		}
		if early := strings.Contains(got.text(), "The end is before the start."); early != strings.HasPrefix(name, "end before start") {
			t.Errorf("%s: it says that the end is before the start: %t", name, early)
		}
		if !strings.Contains(got.body, `value="X"`) {
			t.Errorf("%s: what was typed is lost", name)
		}
	}
}

func TestEventIsMovedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	e := w.event("adele@contoso.example", record.Fields{
		record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
	path := "/calendar/" + e.ID.String()
	got := b.post(path+"/move", "start", "2026-11-26T15:00:00", "end", "2026-11-26T16:00:00", "all_day", "false", "version", "1")
	if got.status != 200 || !strings.Contains(got.body, "is moved") {
		t.Fatalf("%d %s", got.status, got.text())
	}
	if events := feed(t, b, "2026-11-01T00:00:00", "2026-12-01T00:00:00"); events[0].Start != "2026-11-26T15:00:00" {
		t.Errorf("moved to %s", events[0].Start)
	}
	if got := b.post(path+"/move", "start", "2026-11-27T15:00:00", "end", "2026-11-27T16:00:00", "all_day", "false", "version", "1"); got.status != 409 {
		t.Errorf("moved on from an old version: %d", got.status)
	}
	if got := b.post(path+"/move", "start", "2026-11-27T00:00:00", "end", "2026-11-28T00:00:00", "all_day", "true", "version", "2"); got.status != 200 {
		t.Errorf("to all day: %d", got.status)
	}
	if events := feed(t, b, "2026-11-01T00:00:00", "2026-12-01T00:00:00"); !events[0].AllDay || events[0].End != "2026-11-28T00:00:00" {
		t.Errorf("all day: %+v", events[0])
	}
	for _, q := range []string{"", "?start=2026-11-01", "?start=x&end=y", "?start=2026-12-01&end=2026-11-01", "?start=2020-01-01&end=2026-01-01"} {
		if got := b.get("/calendar/events" + q); got.status != 422 {
			t.Errorf("feed%s: %d", q, got.status)
		}
	}
}

func TestEventChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	e := w.event("adele@contoso.example", record.Fields{
		record.EventTitle: "Visita", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.TimeZone: "America/Sao_Paulo"})
	path := "/calendar/" + e.ID.String()
	b.post(path+"/move", "start", "2026-11-26T15:00:00", "end", "2026-11-26T16:00:00", "all_day", "false", "version", "1")
	got := b.post(path, "version", "1", "Event_Title", "Visita", "All_day", "false", "Start_DateTime", "2026-11-25T10:00", "End_DateTime", "2026-11-25T12:00",
		"Time_Zone", "America/Sao_Paulo", "repeat", "weekly", "repeat_days", "WE", "repeat_interval", "2")
	if got.status != 409 {
		t.Fatalf("%d\n%s", got.status, got.text())
	}
	for _, want := range []string{"26 Nov 2026, 3:00 PM", "25 Nov 2026, 10:00 AM", "Every 2 weeks on Wed", "Does not repeat"} {
		if !strings.Contains(got.text(), want) {
			t.Errorf("the page does not show %q:\n%s", want, got.text())
		}
	}
}

func TestRulesSurviveTheForm(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC) // the fourth Wednesday
	v := &visit{words: loadWords()["en"]}
	for _, row := range []struct{ rule, freq, words string }{
		{"FREQ=DAILY", "daily", "Every day"},
		{"FREQ=DAILY;INTERVAL=3;COUNT=5", "daily", "Every 3 days, 5 times"},
		{"FREQ=WEEKLY", "weekly", "Every week on Wednesday"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20270101", "weekly", "Every 2 weeks on Mon, Fri, until 1 Jan 2027"},
		{"FREQ=MONTHLY", "monthly", "Every month on day 25"},
		{"FREQ=MONTHLY;BYDAY=4WE", "monthly", "Every month on the fourth Wednesday"},
		{"FREQ=YEARLY", "yearly", "Every year on 25 November"},
		{"FREQ=YEARLY;BYMONTH=11;BYDAY=4WE", "yearly", "Every year on the fourth Wednesday of November"},
		{"FREQ=MONTHLY;BYDAY=2TU", "keep", "Every month on the second Tuesday"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", "keep", "Every month on the last day of the month"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "keep", "Every month in a pattern of its own"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU", "keep", "Every 2 weeks on Mon, Sun"},
		{"FREQ=DAILY;BYMONTH=1", "keep", "Every day in a pattern of its own"},
	} {
		stored, err := recur.Parse(row.rule)
		if err != nil {
			t.Fatal(err)
		}
		stored = stored.Resolve(start)
		in := repeatOf(stored.String(), start)
		if in.Freq != row.freq {
			t.Errorf("%s: the form says %q, expected %q", row.rule, in.Freq, row.freq)
		}
		back, err := recur.Parse(in.rule(start))
		if err != nil || back.Resolve(start).String() != stored.String() {
			t.Errorf("%s: saved again it is %s (%v)", row.rule, back.Resolve(start), err)
		}
		if got := v.describe(stored); got != row.words {
			t.Errorf("%s is told as %q, expected %q", row.rule, got, row.words)
		}
	}
	for _, rule := range []string{"", "nonsense"} {
		if got := repeatOf(rule, start).rule(start); got != rule {
			t.Errorf("%q came back as %q", rule, got)
		}
	}
}

// "The same date" of a day that some months lack is what Outlook means by it: in those months the last.
func TestLateDaysAreSavedAsOutlookMeansThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	pt := &visit{words: loadWords()["pt-BR"]}
	for _, row := range []struct{ day, repeat, rule, words, portuguese string }{
		{"2027-01-28", "monthly", "FREQ=MONTHLY;BYMONTHDAY=28", "Every month on day 28", "Todo mês no dia 28"},
		{"2027-01-29", "monthly", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1", "Every month on day 29, in shorter months on the last day",
			"Todo mês no dia 29, nos meses mais curtos no último dia"},
		{"2027-01-30", "monthly", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "Every month on day 30, in shorter months on the last day",
			"Todo mês no dia 30, nos meses mais curtos no último dia"},
		{"2027-01-31", "monthly", "FREQ=MONTHLY;BYMONTHDAY=-1", "Every month on the last day of the month", "Todo mês no último dia do mês"},
		{"2028-02-29", "yearly", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "Every year on the last day of February", "Todo ano no último dia de fevereiro"},
		{"2027-12-31", "yearly", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31", "Every year on 31 December", "Todo ano em 31 de dezembro"},
	} {
		form := []string{"Event_Title", "Fecho", "All_day", "false", "Start_DateTime", row.day + "T10:00", "End_DateTime", row.day + "T11:00",
			"Time_Zone", "America/Sao_Paulo", "repeat", row.repeat, "repeat_by", "date", "repeat_interval", "1"}
		got := b.post("/calendar", form...)
		if got.status != 200 || !strings.Contains(got.text(), row.words) {
			t.Errorf("%s: %d, not told as %q:\n%s", row.day, got.status, row.words, got.text())
			continue
		}
		for _, want := range []string{`<option value="` + row.repeat + `" selected>`, `<option value="date" selected>`} {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s: the form does not say it back as %s", row.day, want)
			}
		}
		id, _ := record.ParseID(strings.TrimPrefix(got.path, "/calendar/"))
		stored, err := w.crm.Get(t.Context(), w.actor("adele@contoso.example"), record.Calendar, id)
		if err != nil || string(stored.Fields[record.Recurring]) != row.rule {
			t.Errorf("%s: stored as %q (%v), expected %q", row.day, stored.Fields[record.Recurring], err, row.rule)
		}
		version := hiddenValue(t, got.body, "version")
		if got = b.post(got.path, append(form, "version", version)...); hiddenValue(t, got.body, "version") != version {
			t.Errorf("%s: saving what the form shows made a new version", row.day)
		}
		if got := pt.ruleWords(stored); got != row.portuguese {
			t.Errorf("%s: in Portuguese %q, expected %q", row.day, got, row.portuguese)
		}
	}
	for rule, want := range map[string]string{
		"FREQ=MONTHLY;BYMONTHDAY=30":                         "Todo mês no dia 30, só nos meses que o têm",
		"FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1":    "Todo mês no último dia do mês",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1": "Todo ano no último dia de fevereiro",
		"FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=-2":                "Todo ano em um padrão próprio",
	} {
		if got := pt.ruleWords(crm.Record{Fields: record.Fields{record.Recurring: record.Value(rule)}}); got != want {
			t.Errorf("%s is told as %q, expected %q", rule, got, want)
		}
	}
	if hint := b.get("/calendar/new").text(); !strings.Contains(hint, "A month without day 29, 30 or 31 has it on its last day") {
		t.Error("the form does not say what becomes of short months")
	}
}

func TestMidnightIsTheReaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	w.event("adele@contoso.example", record.Fields{ // 23:30 to 00:30 in São Paulo, the next day in UTC
		record.EventTitle: "Tarde", record.Start: "2026-11-26T02:30:00Z", record.End: "2026-11-26T03:30:00Z"})
	agenda := b.get("/calendar?view=agenda&date=2026-11-25")
	day25, _, _ := strings.Cut(agenda.body, "Thursday, 26 November")
	if !strings.Contains(day25, "Tarde") || strings.Count(agenda.body, "<strong>Tarde</strong>") != 2 || !strings.Contains(agenda.text(), "until 12:30 AM") {
		t.Errorf("the agenda:\n%s", agenda.text())
	}
	if got := feed(t, b, "2026-11-26T01:00:00", "2026-11-27T00:00:00"); len(got) != 0 {
		t.Errorf("after it ended: %+v", got)
	}
}

// A private event of a colleague is a busy time and no more, on every page that has it.
func TestOthersSeeOnlyWhenAPrivateEventIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.event("adele@contoso.example", record.Fields{
		record.EventTitle: "Hidden title", record.Start: "2026-11-25T13:00:00Z", record.End: "2026-11-25T14:00:00Z",
		record.Venue: "Hidden place", record.Description: "hidden text", record.Sensitivity: "private",
	})
	path := "/calendar/" + mine.ID.String()
	own, other := w.as("adele@contoso.example"), w.as("admin@contoso.example")
	if got := own.get(path); !strings.Contains(got.body, "Hidden title") || !strings.Contains(got.body, `<option value="private" selected`) {
		t.Errorf("the owner sees:\n%s", got.text())
	}
	for _, page := range []string{path, "/calendar?view=agenda&owner=all&date=2026-11-20", "/calendar/events?owner=all&start=2026-11-01T00:00:00&end=2026-12-01T00:00:00"} {
		got := other.get(page)
		if got.status != 200 || !strings.Contains(got.body, "Private event") || strings.Contains(strings.ToLower(got.body), "hidden title") ||
			strings.Contains(got.body, "Hidden place") || strings.Contains(got.body, "hidden text") {
			t.Errorf("%s answers %d:\n%s", page, got.status, got.text())
		}
	}
	if got := other.get(path); !strings.Contains(got.text(), "Adele") || strings.Contains(got.body, `name="delete"`) || strings.Contains(got.body, `name="save"`) {
		t.Errorf("the page does not say whose it is, or offers to change it:\n%s", got.text())
	}
	if got := other.post(path, "version", "1", "Event_Title", "Taken", "Start_DateTime", "2026-11-25T13:00", "End_DateTime", "2026-11-25T14:00"); got.status != 403 {
		t.Errorf("changing it answers %d", got.status)
	}
}

// The form says and keeps the zone of the end, show-as, privacy and importance.
func TestEventFormHasEveryField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	got := b.post("/calendar", "Event_Title", "Voo", "All_day", "false", "Start_DateTime", "2026-11-25T18:00", "End_DateTime", "2026-11-26T10:00",
		"Time_Zone", "America/Sao_Paulo", "End_Time_Zone", "Europe/Berlin", "Show_As", "oof", "Sensitivity", "personal", "Importance", "high")
	for _, want := range []string{
		`value="2026-11-25T18:00"`, `value="2026-11-26T10:00"`, `<option value="oof" selected>Out of office`,
		`<option value="personal" selected>Personal`, `<option value="high" selected>High`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the form lacks %s:\n%s", want, got.text())
		}
	}
	events := feed(t, b, "2026-11-01T00:00:00", "2026-12-01T00:00:00")
	if len(events) != 1 || events[0].End != "2026-11-26T06:00:00" {
		t.Errorf("the feed says %+v", events)
	}
}

// The contact that an event is about stands on its page, and the event on the contact's; both ways are links.
func TestEventsAndContactsNameEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	silva := w.contact("adele@contoso.example", record.Fields{record.FirstName: "Ana", record.LastName: "Silva"})
	path := "/contacts/" + silva.ID.String()
	if got := b.get(path); !strings.Contains(got.body, `href="/calendar/new?who=`+silva.ID.String()+`"`) || !strings.Contains(got.text(), "No event is about this contact yet") {
		t.Errorf("the contact's page offers no event:\n%s", got.text())
	}
	if got := b.get("/calendar/new?who=" + silva.ID.String()); !strings.Contains(got.body, `name="Who_Id" value="`+silva.ID.String()+`" checked`) {
		t.Errorf("the new event is about nobody:\n%s", got.text())
	}
	made := b.post("/calendar", "Event_Title", "Visita", "All_day", "false", "Start_DateTime", "2026-11-25T10:00", "End_DateTime", "2026-11-25T11:30",
		"Time_Zone", "America/Sao_Paulo", "Who_Id", silva.ID.String())
	if !strings.Contains(made.body, `href="`+path+`">Open<span class="sr"> Ana Silva</span></a>`) {
		t.Errorf("the event does not name its contact:\n%s", made.text())
	}
	if got := b.get(path); !strings.Contains(got.body, `<a href="`+made.path+`">Visita</a>`) {
		t.Errorf("the contact does not name its event:\n%s", got.text())
	}
	save := func(more ...string) answer {
		return b.post(made.path, append([]string{"Event_Title", "Visita", "All_day", "false", "Start_DateTime", "2026-11-25T10:00",
			"End_DateTime", "2026-11-25T11:30", "Time_Zone", "America/Sao_Paulo"}, more...)...)
	}
	if got := save(); !strings.Contains(got.body, "Ana Silva") {
		t.Errorf("a form that says nothing of it took the contact away:\n%s", got.text())
	}
	if got := save("Who_Id", ""); strings.Contains(got.body, "Ana Silva") {
		t.Errorf("the event is still about her:\n%s", got.text())
	}
	if got := b.get(path); strings.Contains(got.body, "Visita") {
		t.Errorf("the contact still names the event:\n%s", got.text())
	}
}

// A series of another zone than the reader's says where its rule holds: every Monday of Tokyo begins on a Sunday in São Paulo.
func TestFF30_ASeriesOfAnotherZoneSaysWhereItsRuleHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, row := range []struct{ zone, start, end, words, portuguese string }{
		{"Asia/Tokyo", "2026-11-23T09:00", "2026-11-23T10:00", "Every week on Monday, 9:00 AM in Tokyo", "Toda segunda-feira, 09:00 em Tokyo"},
		{"America/Argentina/Buenos_Aires", "2026-11-23T09:00", "2026-11-23T10:00", "Every week on Monday", "Toda segunda-feira"},
		{"America/New_York", "2026-11-23T09:00", "2026-11-23T10:00", "Every week on Monday, 9:00 AM in New York", "Toda segunda-feira, 09:00 em New York"},
	} {
		e := w.event("adele@contoso.example", record.Fields{
			record.EventTitle: "Rodada", record.Start: record.Value(row.start), record.End: record.Value(row.end), record.TimeZone: record.Value(row.zone),
			record.Recurring: "FREQ=WEEKLY;BYDAY=MO",
		})
		for lang, want := range map[string]string{"en": row.words, "pt-BR": row.portuguese} {
			b := w.as("adele@contoso.example")
			b.post("/language", "lang", lang, "next", "/")
			got := b.get("/calendar/" + e.ID.String())
			_, head, _ := strings.Cut(got.body, `<p class="muted">`)
			head, _, _ = strings.Cut(head, "</p>")
			if _, said, _ := strings.Cut(head, " · "); said != want {
				t.Errorf("%s in %s: %q, expected %q", row.zone, lang, said, want)
			}
		}
	}
}
