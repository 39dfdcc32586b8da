package outlook

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem/internal/m365sim"
	"tandem/internal/record"
)

// FIELD-FAILURES 29: a short page is not the last one, and occurrences come on later pages: rounds of changes, listings, the
// occurrences of a series and busy times are read to their ends, however small the pages are.
func TestFF29_FF93_FF94_PagesAreReadToTheEnd(t *testing.T) {
	t.Parallel()
	const events = 30
	r := newRig(t)
	link, side := r.events()
	r.sim.SetWarts(m365sim.Warts{MaxPage: 10})
	at := func(day int, hour int) map[string]any {
		return map[string]any{"dateTime": time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC).Format("2006-01-02T15:04:05"), "timeZone": "UTC"}
	}
	for i := range events {
		r.must(r.actor().Post(r.containerPath(link)+"/events", map[string]any{"subject": fmt.Sprint("e", i), "start": at(24, 9), "end": at(24, 10)}))
	}
	master := r.must(r.actor().Post(r.containerPath(link)+"/events", map[string]any{
		"subject": "Course", "start": at(1, 18), "end": at(1, 19), "recurrence": map[string]any{
			"pattern": map[string]any{"type": "daily", "interval": 1}, "range": map[string]any{"type": "numbered", "startDate": "2026-11-01", "numberOfOccurrences": 30}},
	}))["id"].(string)

	seen, pages := map[record.Ref]int{}, 0
	for cursor := record.Cursor(""); ; pages++ {
		page, err := side.Changes(t.Context(), cursor, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			seen[c.Ref]++
		}
		if cursor = page.Next; !page.More {
			break
		}
	}
	if len(seen) != events+1 || pages < 3 {
		t.Errorf("a round told of %d events on %d pages", len(seen), pages+1)
	}
	if all, err := side.List(t.Context()); err != nil || len(all) != events+1 {
		t.Errorf("a listing has %d, %v", len(all), err)
	}
	spans, err := Busy(t.Context(), r.box, []record.Ref{link.Container}, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(spans) != events+30 {
		t.Errorf("busy at %d times, %v", len(spans), err)
	}

	// The last occurrence is found among its series' ones, to be changed.
	read, err := side.Read(t.Context(), []record.Ref{record.Ref(master)})
	if err != nil {
		t.Fatal(err)
	}
	changed := record.OccurrencesValue([]record.Occurrence{{Day: "2026-11-30", Fields: record.Fields{"subject": "Last one"}}})
	out, err := side.Apply(t.Context(), []record.Write{{Op: record.Update, Ref: record.Ref(master), Version: read[0].Version, Fields: record.Fields{"exceptions": changed}}})
	if err != nil || out[0].Err != nil {
		t.Fatal(out[0].Err, err)
	}
	_, view := r.actor().Get("/me/events/" + master + "/instances?startDateTime=2026-11-30T00:00:00Z&endDateTime=2026-12-01T00:00:00Z")
	subjects := []string{}
	for _, o := range view["value"].([]any) {
		subjects = append(subjects, o.(map[string]any)["subject"].(string))
	}
	if !slices.Equal(subjects, []string{"Last one"}) {
		t.Errorf("the last occurrence is %v", subjects)
	}
}
