package web

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tandem/internal/outlook"
	"tandem/internal/record"
)

// round is a weekly series of Adele's on Tuesdays at nine in São Paulo, ten times from 24 November 2026.
func (w *world) round(fields record.Fields) string {
	w.t.Helper()
	r := w.event("adele@contoso.example", record.Fields{
		record.EventTitle: "Rodada", record.Start: "2026-11-24T09:00", record.End: "2026-11-24T10:00",
		record.TimeZone: "America/Sao_Paulo", record.Recurring: "FREQ=WEEKLY;COUNT=10",
	}.With(fields))
	return "/calendar/" + r.ID.String()
}

// starts are those of the feed in the ten weeks of the series.
func starts(t *testing.T, b *browser) (out []string) {
	t.Helper()
	for _, e := range feed(t, b, "2026-11-20T00:00:00", "2027-02-10T00:00:00") {
		out = append(out, e.Start[5:16]+" "+e.Title)
	}
	return out
}

// post sends what the page shows, with some of it changed.
func (b *browser) save(page answer, pairs ...string) answer {
	b.w.t.Helper()
	form := regexp.MustCompile(`(?s)<form id="event-form".*?</form>`).FindString(page.body)
	typed := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		typed[pairs[i]] = pairs[i+1]
	}
	out := pairs
	add := func(name, value string) {
		if _, said := typed[name]; !said {
			out = append(out, name, value)
		}
	}
	for _, input := range regexp.MustCompile(`<input [^>]*>`).FindAllString(form, -1) {
		get := func(name string) string {
			if m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(input); m != nil {
				return m[1]
			}
			return ""
		}
		if get("type") == "checkbox" && !strings.Contains(input, " checked") {
			continue
		}
		add(get("name"), get("value"))
	}
	for _, m := range regexp.MustCompile(`(?s)<select [^>]*name="([^"]*)".*?</select>`).FindAllStringSubmatch(form, -1) {
		if chosen := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(m[0]); chosen != nil {
			add(m[1], chosen[1])
		}
	}
	action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(form)
	if action == nil {
		b.w.t.Fatalf("no form in\n%s", page.text())
	}
	return b.post(action[1], out...)
}

// Without script: the page of a day asks which days are meant, and each choice does what it says.
func TestEachChoiceOfASeriesByForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	path := w.round(nil)
	page := b.get(path + "?on=2026-12-08")
	for _, want := range []string{"Only Tuesday, 8 December", "This day and the following", "The whole series", `value="2026-12-08T09:00"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q:\n%s", want, page.text())
		}
	}
	if strings.Contains(page.body, `name="repeat"`) {
		t.Error("one day is asked how it repeats")
	}
	// Only this day.
	got := b.save(page, "Event_Title", "Especial", "Start_DateTime", "2026-12-09T15:00", "End_DateTime", "2026-12-09T16:00")
	if got.status != 200 || got.url.Query().Get("on") != "2026-12-08" || !strings.Contains(got.body, `value="2026-12-09T15:00"`) {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	if all := starts(t, b); !slices.Contains(all, "12-09T15:00 Especial") || !slices.Contains(all, "12-15T09:00 Rodada") || len(all) != 10 {
		t.Errorf("after one day: %v", all)
	}
	// Saved as it is shown, nothing changes.
	version := hiddenValue(t, got.body, "version")
	if again := b.save(got); hiddenValue(t, again.body, "version") != version {
		t.Error("saving one day without a change made a new version")
	}
	// This day and the following.
	page = b.get(path + "?on=2026-12-22&scope=following")
	if !strings.Contains(page.text(), "Every week on Tuesday, 6 times") {
		t.Errorf("the later part:\n%s", page.text())
	}
	got = b.save(page, "Start_DateTime", "2026-12-23T10:00", "End_DateTime", "2026-12-23T11:00")
	if got.status != 200 || strings.HasPrefix(got.path, path) {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	want := []string{"11-24T09:00 Rodada", "12-01T09:00 Rodada", "12-09T15:00 Especial", "12-15T09:00 Rodada", "12-23T10:00 Rodada", "12-30T10:00 Rodada",
		"01-06T10:00 Rodada", "01-13T10:00 Rodada", "01-20T10:00 Rodada", "01-27T10:00 Rodada"}
	if all := starts(t, b); !slices.Equal(all, want) {
		t.Errorf("after the series was divided: %v", all)
	}
	// Taken back, it is one series again.
	undo := regexp.MustCompile(`action="(/calendar/undo[^"]*)"`).FindStringSubmatch(got.body)
	if undo == nil {
		t.Fatalf("no offer to take it back:\n%s", got.text())
	}
	if got = b.post(undo[1]); got.status != 200 || !strings.HasPrefix(got.path, path) {
		t.Fatalf("%d at %s\n%s", got.status, got.path, got.text())
	}
	if again := b.post(undo[1]); again.status != 404 && again.status != 410 {
		t.Errorf("taken back twice: %d", again.status)
	}
	if all := starts(t, b); len(all) != 10 || !slices.Contains(all, "12-22T09:00 Rodada") {
		t.Errorf("taken back: %v", all)
	}
	// All: two hours later, the changed day keeps its own time.
	got = b.save(b.get(path+"?on=2026-12-22&scope=all"), "Start_DateTime", "2026-11-24T11:00", "End_DateTime", "2026-11-24T12:00")
	if all := starts(t, b); got.status != 200 || !slices.Contains(all, "12-22T11:00 Rodada") || !slices.Contains(all, "12-09T15:00 Especial") {
		t.Errorf("%d after all moved: %v", got.status, all)
	}
	// Days go, and the later ones.
	page = b.get(path + "?on=2026-12-15")
	b.post(path+"/delete", "version", hiddenValue(t, page.body, "version"), "on", "2026-12-15", "scope", "this")
	b.post(path+"/delete", "on", "2026-12-29", "scope", "following")
	if all := starts(t, b); len(all) != 4 || slices.Contains(all, "12-15T11:00 Rodada") {
		t.Errorf("after days went: %v", all)
	}
	if got := b.post(path+"/delete", "version", "1", "on", "2026-12-01", "scope", "this"); got.status != 409 {
		t.Errorf("from an old version: %d", got.status)
	}
}

// What would be lost is said before anything is saved.
func TestAPatternThatDropsDaysAsksFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	path := w.round(record.Fields{record.Changed: `{"2026-12-01":{"Venue":"Sala 9","Start_DateTime":"2026-12-02T18:00:00Z","End_DateTime":"2026-12-02T19:00:00Z"}}`})
	page := b.get(path)
	asked := b.save(page, "repeat_interval", "2")
	for _, want := range []string{"would lose their own changes", "1 Dec 2026", "Place: Sala 9", "Start: 2 Dec 2026, 3:00 PM – 4:00 PM"} {
		if asked.status != 409 || !strings.Contains(asked.text(), want) {
			t.Fatalf("%d, without %q:\n%s", asked.status, want, asked.text())
		}
	}
	if hiddenValue(t, b.get(path).body, "version") != "1" {
		t.Fatal("it was saved before anybody agreed")
	}
	got := b.save(page, "repeat_interval", "2", "lose", "1")
	if all := starts(t, b); got.status != 200 || len(all) != 6 || slices.Contains(all, "12-02T15:00 Rodada") {
		t.Errorf("%d, agreed: %v", got.status, all)
	}
	// One event out of a series, and back.
	page = b.get(path)
	if asked := b.save(page, "repeat", ""); asked.status != 409 || !strings.Contains(asked.text(), "would no longer repeat") {
		t.Fatalf("%d\n%s", asked.status, asked.text())
	}
	got = b.save(page, "repeat", "", "lose", "1")
	if all := starts(t, b); got.status != 200 || len(all) != 1 {
		t.Fatalf("%d, single: %v\n%s", got.status, all, got.text())
	}
	got = b.save(got, "repeat", "daily", "repeat_end", "count", "repeat_count", "3")
	if all := starts(t, b); got.status != 200 || len(all) != 3 {
		t.Errorf("%d, a series again: %v", got.status, all)
	}
}

// A day cannot pass its neighbours: said by the field, in both languages.
func TestFF24_ADayMovedPastItsNeighbourIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	path := w.round(nil)
	for _, row := range [][2]string{{"en", "cannot be moved to, or past, the day before or after"}, {"pt-BR", "não pode ser movido para o dia anterior ou seguinte"}} {
		lang, want := row[0], row[1]
		b.post("/language", "lang", lang)
		got := b.save(b.get(path+"?on=2026-12-08"), "Start_DateTime", "2026-12-16T09:00", "End_DateTime", "2026-12-16T10:00")
		if got.status != 422 || !strings.Contains(got.body, `data-field-error="Start_DateTime"`) || !strings.Contains(got.text(), want) {
			t.Errorf("%s: %d\n%s", lang, got.status, got.text())
		}
	}
	got := b.post(path+"/move", "version", "1", "on", "2026-12-08", "scope", "this", "start", "2026-12-16T09:00:00", "end", "2026-12-16T10:00:00")
	if got.status != 422 || !strings.Contains(got.body, "não pode ser movido") {
		t.Errorf("dragged: %d %s", got.status, got.body)
	}
}

// Rules that Outlook does not have are named, with the nearest form behind a button; stored ones stay until somebody chooses.
func TestFF22_APageOffersTheNearestRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *Deps) { d.Expressible = outlook.Expressible })
	b := w.as("adele@contoso.example")
	form := []string{"Event_Title", "Visita", "All_day", "false", "Start_DateTime", "2026-11-24T10:00", "End_DateTime", "2026-11-24T11:00",
		"Time_Zone", "America/Sao_Paulo", "repeat", "weekly", "repeat_interval", "1", "repeat_days", "WE", "repeat_end", "never"}
	got := b.post("/calendar", form...)
	offer := regexp.MustCompile(`name="nearest" value="([^"]*)">([^<]*)<`).FindStringSubmatch(got.body)
	if got.status != 422 || offer == nil || offer[2] != "Every week on Wednesday, from Wednesday, 25 November" {
		t.Fatalf("%d, offered %q\n%s", got.status, offer, got.text())
	}
	got = b.post("/calendar", append(form, "nearest", offer[1])...)
	if got.status != 200 || !strings.Contains(got.body, `value="2026-11-25T10:00"`) || !strings.Contains(got.body, `value="2026-11-25T11:00"`) || len(starts(t, b)) != 0 {
		t.Fatalf("%d\n%s", got.status, got.text())
	}
	if got = b.save(got); got.status != 200 || !strings.HasPrefix(got.path, "/calendar/") {
		t.Errorf("%d at %s", got.status, got.path)
	}

	path := w.round(record.Fields{record.Start: "2026-11-30T09:00", record.End: "2026-11-30T10:00", record.Recurring: "FREQ=MONTHLY;BYMONTHDAY=30"})
	page := b.get(path)
	if !strings.Contains(page.text(), "Outlook has no way to repeat an event like this") || !strings.Contains(page.text(), "Every month on day 30, in shorter months on the last day") {
		t.Errorf("a stored rule:\n%s", page.text())
	}
	if got = b.save(page, "Event_Title", "Outra"); got.status != 200 || !strings.Contains(got.text(), "has no way to repeat") {
		t.Errorf("%d: it was changed without a choice\n%s", got.status, got.text())
	}
}

// The summary follows the form, in words people use.
func TestRepeatIsSaidInASentence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	ask := "/calendar/repeat?Start_DateTime=2026-11-10T09:00&End_DateTime=2026-11-10T10:00&repeat=monthly&repeat_interval=1&repeat_by=weekday&repeat_end=count&repeat_count=10"
	for lang, want := range map[string]string{"en": "Every month on the second Tuesday, 10 times", "pt-BR": "Toda segunda terça-feira do mês, 10 vezes"} {
		b.post("/language", "lang", lang)
		if got := b.get(ask); got.status != 200 || got.text() != want {
			t.Errorf("%s: %d %q, expected %q", lang, got.status, got.text(), want)
		}
	}
}

// A drag tells for which days, at which version; what stands in its way is answered in words and with a way on.
func TestADragOfASeries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	path := w.round(nil)
	drag := func(version string, pairs ...string) (answer, moved) {
		t.Helper()
		got := b.post(path+"/move", append([]string{"version", version, "all_day", "false"}, pairs...)...)
		var heard moved
		if err := json.Unmarshal([]byte(got.body), &heard); err != nil {
			t.Fatalf("%d: %s", got.status, got.body)
		}
		return got, heard
	}
	got, heard := drag("1", "on", "2026-12-08", "scope", "this", "start", "2026-12-09T14:00:00", "end", "2026-12-09T16:00:00")
	if got.status != 200 || heard.Said != "Rodada is moved." || heard.Undo == "" {
		t.Fatalf("%d %+v", got.status, heard)
	}
	got, heard = drag("1", "on", "2026-12-15", "scope", "all", "start", "2026-12-16T09:00:00", "end", "2026-12-16T10:00:00")
	if got.status != 409 || heard.Version != 2 || !strings.Contains(heard.Said, "Adele Vance changed Rodada meanwhile") {
		t.Fatalf("%d %+v", got.status, heard)
	}
	got, heard = drag("2", "on", "2026-12-15", "scope", "all", "start", "2026-12-19T09:00:00", "end", "2026-12-19T10:00:00")
	if got.status != 200 {
		t.Fatalf("%d %+v", got.status, heard)
	}
	if all := starts(t, b); !slices.Contains(all, "11-28T09:00 Rodada") || !slices.Contains(all, "12-09T14:00 Rodada") || len(all) != 10 {
		t.Errorf("all moved to Saturdays: %v", all)
	}
	// So far that the moved day would lie before the one before it.
	got, heard = drag("3", "on", "2026-12-19", "scope", "all", "start", "2026-12-25T09:00:00", "end", "2026-12-25T10:00:00")
	if got.status != 409 || len(heard.Lose) != 1 || !strings.Contains(heard.Lose[0], "12 Dec 2026: Start: 9 Dec 2026, 2:00 PM") {
		t.Fatalf("%d %+v", got.status, heard)
	}
	if got, heard = drag("3", "on", "2026-12-19", "scope", "all", "start", "2026-12-25T09:00:00", "end", "2026-12-25T10:00:00", "lose", "1"); got.status != 200 {
		t.Fatalf("%d %+v", got.status, heard)
	}
	if got := b.post(heard.Undo); got.status != 200 {
		t.Fatalf("%d", got.status)
	}
	if all := starts(t, b); !slices.Contains(all, "12-09T14:00 Rodada") {
		t.Errorf("taken back: %v", all)
	}
	for name, pairs := range map[string][]string{
		"no scope":   {"version", "5", "on", "2026-12-19", "start", "2026-12-25T09:00:00", "end", "2026-12-25T10:00:00"},
		"no day":     {"version", "5", "scope", "this", "start", "2026-12-25T09:00:00", "end", "2026-12-25T10:00:00"},
		"no time":    {"version", "5", "on", "2026-12-19", "scope", "this"},
		"no version": {"on", "2026-12-19", "scope", "this", "start", "2026-12-20T09:00:00", "end", "2026-12-20T10:00:00"},
	} {
		if got := b.post(path+"/move", pairs...); got.status != 422 {
			t.Errorf("%s: %d %s", name, got.status, got.text())
		}
	}
}

// Whoever asks for other days while the form is open keeps what was typed: texts as they are, times moved by as much, how it
// repeats where the days repeat. Nothing is saved by asking.
func TestOtherDaysOfASeriesKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as("adele@contoso.example")
	path := w.round(nil)
	has := func(page answer, when string, want ...string) {
		t.Helper()
		for _, text := range want {
			if !strings.Contains(page.body, text) {
				t.Errorf("%s: no %s in\n%s", when, text, page.body)
			}
		}
	}
	page := b.get(path + "?on=2026-12-08")
	has(page, "one day", `name="to_scope" value="following"`)
	version := hiddenValue(t, page.body, "version")
	if strings.Index(page.body, `form="event-form" name="save"`) > strings.Index(page.body, `name="to_scope"`) {
		t.Error("the enter key asks for other days")
	}
	page = b.save(page, "Event_Title", "Tipped", "Venue", "Roof", "Start_DateTime", "2026-12-08T10:30", "End_DateTime", "2026-12-08T12:00", "to_scope", "following")
	has(page, "from one day to the following", `value="Tipped"`, `value="Roof"`, `value="2026-12-08T10:30"`, `value="2026-12-08T12:00"`, `name="scope" value="following"`, `name="repeat"`)
	if !strings.Contains(page.text(), "8 times") {
		t.Errorf("the following days repeat otherwise:\n%s", page.text())
	}
	page = b.save(page, "Event_Title", "Tipped", "Venue", "Roof", "Start_DateTime", "2026-12-08T10:30", "End_DateTime", "2026-12-08T12:00", "repeat_interval", "2", "to_scope", "all")
	has(page, "to all", `value="Tipped"`, `value="2026-11-24T10:30"`, `value="2026-11-24T12:00"`, `name="scope" value="all"`, `name="repeat_interval" min="1" max="999" value="2"`)
	page = b.save(page, "to_scope", "this")
	has(page, "and back", `value="Tipped"`, `value="Roof"`, `value="2026-12-08T10:30"`, `name="scope" value="this"`)
	if hiddenValue(t, page.body, "version") != version || strings.Contains(page.body, `name="repeat"`) {
		t.Errorf("one day again:\n%s", page.body)
	}
	if all := starts(t, b); len(all) != 10 || !slices.Contains(all, "12-08T09:00 Rodada") {
		t.Errorf("asking has saved: %v", all)
	}

	// Without a word typed each choice shows what it showed before.
	page = b.save(b.get(path+"?on=2026-12-22&scope=following"), "to_scope", "all")
	has(page, "untouched", `value="2026-11-24T09:00"`)
	if !strings.Contains(page.text(), "10 times") {
		t.Errorf("the whole series repeats otherwise:\n%s", page.text())
	}
	if got := b.save(page, "to_scope", "nothing", "Event_Title", "Saved"); got.status != 200 || !slices.Contains(starts(t, b), "12-08T09:00 Saved") {
		t.Errorf("a scope that there is not: %d", got.status)
	}
}
