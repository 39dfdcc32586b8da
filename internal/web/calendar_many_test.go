package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// many gives Adele 5,000 events: one in ten a series, the others over two years, and two hundred on one day.
func (w *world) many() {
	w.t.Helper()
	var drafts []crm.Draft
	begin := time.Date(2025, 11, 25, 11, 0, 0, 0, time.UTC)
	for i := range 5000 {
		start := begin.AddDate(0, 0, i%730).Add(time.Duration(i%9) * time.Hour)
		f := record.Fields{record.EventTitle: record.Value(fmt.Sprintf("Visita %04d", i)), record.TimeZone: "America/Sao_Paulo"}
		switch {
		case i%10 == 0:
			f[record.Recurring] = "FREQ=WEEKLY;INTERVAL=2"
			if i%100 == 0 {
				f[record.Recurring] = "FREQ=DAILY"
			}
		case i%25 == 1:
			start = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC).Add(time.Duration(i%600) * time.Minute)
		}
		f[record.Start], f[record.End] = record.Value(start.Format(momentLayout)), record.Value(start.Add(30*time.Minute).Format(momentLayout))
		drafts = append(drafts, crm.Draft{Fields: f})
	}
	for len(drafts) > 0 {
		n := min(500, len(drafts))
		results, err := w.crm.Insert(w.t.Context(), w.actor("adele@contoso.example"), record.Calendar, drafts[:n])
		w.must(err)
		for _, r := range results {
			w.must(r.Err)
		}
		drafts = drafts[n:]
	}
}

// With 5,000 events the calendar answers at once, leaves none out, and a page holds few elements: full days collapse.
func TestTheCalendarIsQuickOn5000Events(t *testing.T) {
	w := newWorld(t)
	w.many()
	b := chrome(t)
	b.do(chromedp.EmulateViewport(1280, 900))
	b.signIn(w, "adele@contoso.example")
	api := w.as("adele@contoso.example")
	for _, row := range []struct{ name, path string }{
		{"month's feed", "/calendar/events?start=2026-11-01T00:00:00&end=2026-12-06T00:00:00"},
		{"week's feed", "/calendar/events?start=2026-11-23T00:00:00&end=2026-11-30T00:00:00"},
		{"page", "/calendar?view=month&date=2026-11-25"},
		{"agenda", "/calendar?view=agenda&date=2026-11-25"},
	} {
		api.get(row.path)
		began := time.Now()
		got := api.get(row.path)
		took := time.Since(began)
		t.Logf("%s: %v, %d KB", row.name, took.Round(time.Millisecond), len(got.body)>>10)
		if got.status != 200 || took > 3*time.Second {
			t.Errorf("%s: %d after %v", row.name, got.status, took)
		}
	}
	days := map[string]int{}
	for _, e := range feed(t, api, "2026-11-01T00:00:00", "2026-12-06T00:00:00") {
		days[e.Start[:10]]++
	}
	full := days["2026-11-25"]
	if full < 200 {
		t.Errorf("of the full day the feed has %d", full)
	}
	if day := api.get("/calendar?view=agenda&date=2026-11-25&days=1"); strings.Count(day.body, "<li class=\"event") != full {
		t.Errorf("the agenda of the full day has %d of %d", strings.Count(day.body, "<li class=\"event"), full)
	}
	if page := api.get("/calendar?view=month&date=2026-11-25"); len(page.body) > 300<<10 || !strings.Contains(page.text(), fmt.Sprintf("&#43;%d more", full-mostInAgenda+1)) {
		t.Errorf("the page weighs %d KB, or does not say how many of %d are not shown", len(page.body)>>10, full)
	}
	more := map[string]string{ // the number tells all that is not to be seen
		"month": `/^\+\d+ more$/.test(text) && parseInt(text) > ` + fmt.Sprint(full-5),
		"week":  fmt.Sprintf("text === '+%d more'", full-30),
	}
	for _, view := range []string{"month", "week"} {
		began := time.Now()
		b.do(chromedp.Navigate(w.url + "/calendar?view=" + view + "&date=2026-11-25"))
		b.until("events in the "+view, `document.querySelectorAll('.ec-event').length > 5 && [...document.querySelectorAll('#calendar a')].map(a => a.textContent).some(text => `+more[view]+`)`)
		took := time.Since(began)
		elements, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.querySelectorAll('#calendar *').length`))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s in the browser: %v, %.0f elements", view, took.Round(time.Millisecond), elements)
		b.shot("many-" + view)
		if elements > 3000 {
			t.Errorf("%s: %.0f elements", view, elements)
		}
	}
	b.quiet()
}
