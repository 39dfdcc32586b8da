package outlook

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/record"
)

func weekly(exdates string) record.Fields {
	return record.Fields{
		"subject": "Weekly", "start": "2026-03-02T13:00:00Z", "end": "2026-03-02T14:00:00Z", "isAllDay": "false", "timeZone": "America/Sao_Paulo",
		"recurrence": "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20", "exdates": record.Value(exdates),
	}
}

// applied writes one write and expects it to succeed.
func (r *rig) applied(events *Events, w record.Write) record.Outcome {
	r.Helper()
	out, err := events.Apply(r.Context(), []record.Write{w})
	if err != nil || out[0].Err != nil {
		r.Fatal(err, out[0].Err)
	}
	return out[0]
}

// told checks that outcome, read and round say the same of a series.
func (r *rig) told(events *Events, o record.Outcome, want record.Fields) {
	r.Helper()
	seen, err := events.Read(r.Context(), []record.Ref{o.Ref})
	if err != nil {
		r.Fatal(err)
	}
	for name, v := range want {
		if o.Fields[name] != v || seen[0].Fields[name] != v {
			r.Errorf("%s = %q in the outcome and %q in a look, want %q", name, o.Fields[name], seen[0].Fields[name], v)
		}
	}
	if o.Version != seen[0].Version {
		r.Errorf("outcome at %s, look at %s", o.Version, seen[0].Version)
	}
}

func (r *rig) instances(id record.Ref) int {
	r.Helper()
	doc := r.must(r.actor().Get("/me/events/" + string(id) + "/instances?startDateTime=2026-01-01T00:00:00&endDateTime=2027-01-01T00:00:00&$top=100"))
	return len(doc["value"].([]any))
}

func TestSeriesWithExcludedDays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, events := r.events()
	o := r.applied(events, record.Write{Op: record.Create, Fields: weekly("2026-03-04,2026-03-16"), Token: "1-a"})
	r.told(events, o, weekly("2026-03-04,2026-03-16"))
	if n := r.instances(o.Ref); n != 18 {
		t.Errorf("%d occurrences, want 18", n)
	}

	o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"exdates": "2026-03-04,2026-03-16,2026-03-18", "subject": "Renamed"}})
	r.told(events, o, record.Fields{"exdates": "2026-03-04,2026-03-16,2026-03-18", "subject": "Renamed"})

	// Other times: Exchange forgets deleted occurrences, we do not.
	o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"start": "2026-03-02T15:00:00Z", "end": "2026-03-02T16:00:00Z"}})
	r.told(events, o, record.Fields{"exdates": "2026-03-04,2026-03-16,2026-03-18", "start": "2026-03-02T15:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20"})
	if n := r.instances(o.Ref); n != 17 {
		t.Errorf("%d occurrences, want 17", n)
	}

	// A day that is not one of the series is nothing to take out.
	o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"exdates": "2026-03-03,2026-03-04,2026-03-16,2026-03-18"}})
	r.told(events, o, record.Fields{"exdates": "2026-03-04,2026-03-16,2026-03-18"})

	// A deleted occurrence does not come back; what else the write says is done, and the outcome tells both.
	for _, with := range []record.Fields{nil, {"subject": "Renamed again"}, {"exceptions": record.OccurrencesValue([]record.Occurrence{{Day: "2026-03-09", Fields: record.Fields{"location": "Roof"}}})}} {
		out, err := events.Apply(t.Context(), []record.Write{{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"exdates": "2026-03-04"}.With(with)}})
		if err != nil || fault.ReasonOf(out[0].Err) != fault.OccurrenceGone || out[0].Ref != o.Ref || out[0].Fields["exdates"] != "2026-03-04,2026-03-16,2026-03-18" {
			t.Fatalf("bringing an occurrence back: %+v, %v", out[0], err)
		}
		for name, v := range with {
			if out[0].Fields[name] != v {
				t.Errorf("beside it, %s became %q, want %q", name, out[0].Fields[name], v)
			}
		}
		o = out[0]
	}
	if n := r.instances(o.Ref); n != 17 {
		t.Errorf("%d occurrences, want 17", n)
	}

	o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"recurrence": "", "exdates": ""}})
	r.told(events, o, record.Fields{"recurrence": "", "exdates": "", "subject": "Renamed again"})
}

func TestWholeDaySeriesWithExcludedDays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, events := r.events()
	fields := record.Fields{"subject": "Daily", "start": "2026-03-02", "end": "2026-03-03", "isAllDay": "true", "recurrence": "FREQ=DAILY;UNTIL=20260310", "exdates": "2026-03-05"}
	o := r.applied(events, record.Write{Op: record.Create, Fields: fields, Token: "1-a"})
	r.told(events, o, fields)
	if n := r.instances(o.Ref); n != 8 {
		t.Errorf("%d occurrences, want 8", n)
	}
}

// FIELD-FAILURES 20, 21: an occurrence that a person deletes is an excluded day with the next reading, also if it had
// been moved before.
func TestFF20_PersonDeletesAnOccurrence(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		r := newRig(t)
		link, _ := r.events()
		versions := map[record.Ref]record.Version{}
		var asked int
		var know Known
		if known {
			know = func(_ context.Context, refs []record.Ref) (map[record.Ref]record.Version, error) {
				asked += len(refs)
				return versions, nil
			}
		}
		side := func() *Events { return NewEvents(r.box, r.options(link), know) }
		o := r.applied(side(), record.Write{Op: record.Create, Fields: weekly(""), Token: "1-a"})
		versions[o.Ref] = o.Version
		page, err := side().Changes(t.Context(), "", 1)
		if err != nil {
			t.Fatal(err)
		}
		doc := r.must(r.actor().Get("/me/events/" + string(o.Ref) + "/instances?startDateTime=2026-03-09T00:00:00&endDateTime=2026-03-12T00:00:00"))
		occurrence := doc["value"].([]any)[0].(map[string]any)["id"].(string)
		r.must(r.actor().Patch("/me/events/"+occurrence, map[string]any{
			"start": map[string]any{"dateTime": "2026-03-10T12:00:00", "timeZone": "UTC"}, "end": map[string]any{"dateTime": "2026-03-10T13:00:00", "timeZone": "UTC"},
		}))
		r.must(r.actor().Delete("/me/events/" + occurrence))
		page, err = side().Changes(t.Context(), page.Next, 1)
		if err != nil || len(page.Changes) != 1 || page.Changes[0].Fields["exdates"] != "2026-03-09" {
			t.Fatalf("%v, %+v", err, page.Changes)
		}
		o = record.Outcome{Ref: o.Ref, Version: page.Changes[0].Version, Fields: page.Changes[0].Fields}
		r.told(side(), o, weekly("2026-03-09"))
		if known {
			versions[o.Ref] = o.Version
			before := r.trips.Load()
			if page, err = side().Changes(t.Context(), "", 1); err != nil || r.trips.Load()-before != 1 || asked == 0 {
				t.Errorf("%v: a master that the ledger knows was looked at (%d requests)", err, r.trips.Load()-before)
			}
		}
		found, err := side().Find(t.Context(), []string{"1-a"})
		if err != nil || found["1-a"].Fields["exdates"] != "2026-03-09" {
			t.Errorf("%v: found %+v", err, found["1-a"].Fields)
		}
	}
}

// A series that cannot be told in Graph's words is refused by itself, and says why.
func TestInexpressibleSeriesIsAFaultOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, events := r.events()
	odd := weekly("")
	odd["recurrence"] = "FREQ=MONTHLY;BYMONTHDAY=2,15"
	out, err := events.Apply(t.Context(), []record.Write{{Op: record.Create, Fields: odd, Token: "1-a"}, {Op: record.Create, Fields: weekly(""), Token: "1-b"}})
	if err != nil || out[1].Err != nil {
		t.Fatal(err, out[1].Err)
	}
	if fault.ReasonOf(out[0].Err) != fault.NotExpressible || !strings.Contains(out[0].Err.Error(), "several days of the month") {
		t.Errorf("%v", out[0].Err)
	}
}

// If the days cannot be taken out, the outcome is not called a success.
func TestExcludedDaysThatFail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.unasked.Store(true)
	_, events := r.events()
	r.sim.Next("part DELETE *", m365sim.Fail(500).Repeat(-1))
	out, err := events.Apply(t.Context(), []record.Write{{Op: record.Create, Fields: weekly("2026-03-04"), Token: "1-a"}})
	if err != nil || fault.ReasonOf(out[0].Err) != fault.OutcomeUnknown {
		t.Errorf("%v, %+v", err, out[0])
	}
	r.sim.ClearFaults()
	found, err := events.Find(t.Context(), []string{"1-a"})
	if err != nil || found["1-a"].Fields["exdates"] != "" {
		t.Errorf("%v, %+v", err, found)
	}
}

// Patterns that people make in Outlook come as rules and go back as they were.
func TestPatternsFromOutlook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, events := r.events()
	for i, c := range []struct{ pattern, start, rule string }{
		{`{"type":"daily","interval":2}`, "2026-03-02", "FREQ=DAILY;INTERVAL=2"},
		{`{"type":"weekly","interval":2,"daysOfWeek":["tuesday","sunday"],"firstDayOfWeek":"sunday"}`, "2026-03-03", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU"},
		{`{"type":"absoluteMonthly","interval":1,"dayOfMonth":31}`, "2026-03-31", "FREQ=MONTHLY;BYMONTHDAY=-1"},
		{`{"type":"absoluteMonthly","interval":1,"dayOfMonth":30}`, "2026-03-30", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"},
		{`{"type":"relativeMonthly","interval":1,"daysOfWeek":["monday","tuesday","wednesday","thursday","friday"],"index":"last"}`, "2026-03-31", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"},
		{`{"type":"absoluteYearly","interval":1,"dayOfMonth":29,"month":2}`, "2024-02-29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"},
		{`{"type":"relativeYearly","interval":1,"daysOfWeek":["thursday"],"index":"fourth","month":11}`, "2026-11-26", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"},
	} {
		body := fmt.Sprintf(`{"subject":"S%d","start":{"dateTime":"%sT23:30:00","timeZone":"E. South America Standard Time"},"end":{"dateTime":"%sT23:45:00","timeZone":"E. South America Standard Time"},
			"recurrence":{"pattern":%s,"range":{"type":"noEnd","startDate":%q}}}`, i, c.start, c.start, c.pattern, c.start)
		id := record.Ref(r.must(r.actor().Post(r.containerPath(link)+"/events", body))["id"].(string))
		seen, err := events.Read(t.Context(), []record.Ref{id})
		if err != nil {
			t.Fatal(err)
		}
		if got := seen[0].Fields["recurrence"]; string(got) != c.rule {
			t.Errorf("%s is told as %s, want %s", c.pattern, got, c.rule)
		}
		// Writing another field leaves the recurrence alone; writing the times keeps it.
		o := r.applied(events, record.Write{Op: record.Update, Ref: id, Version: seen[0].Version, Fields: record.Fields{"subject": "X", "end": record.Value(seen[0].Fields["start"])}})
		if string(o.Fields["recurrence"]) != c.rule || o.Fields["start"] != seen[0].Fields["start"] {
			t.Errorf("%s became %s from %s", c.pattern, o.Fields["recurrence"], o.Fields["start"])
		}
	}
}

// I4: an event that the ledger has already, because a process died before its cursor was stored, is not counted a second time as
// new: or the numbers differ for no reason, and a deletion hides behind that.
func TestI4_ADeletionIsNoticedAfterADeathBeforeTheCursor(t *testing.T) {
	t.Parallel()
	for _, inStep := range []bool{true, false} {
		r := newRig(t)
		link, _ := r.events()
		ledger := map[record.Ref]record.Version{}
		side := func() *Events {
			return NewEvents(r.box, r.options(link), func(_ context.Context, refs []record.Ref) (map[record.Ref]record.Version, error) {
				out := map[record.Ref]record.Version{}
				for _, ref := range refs {
					if v, ok := ledger[ref]; ok {
						out[ref] = v
					}
				}
				return out, nil
			})
		}
		read := func(at record.Cursor) record.Page {
			t.Helper()
			page, err := side().Changes(t.Context(), at, len(ledger))
			if err != nil {
				t.Fatal(err)
			}
			return page
		}
		at := read("").Next
		made := r.must(r.actor().Post(r.containerPath(link)+"/events", map[string]any{
			"subject": "Mine", "start": map[string]any{"dateTime": "2031-03-10T12:00:00", "timeZone": "UTC"}, "end": map[string]any{"dateTime": "2031-03-10T13:00:00", "timeZone": "UTC"},
		}))["id"].(string)
		told := read(at) // its cursor is never stored
		if len(told.Changes) != 1 {
			t.Fatalf("told %d changes", len(told.Changes))
		}
		if ledger[record.Ref(made)] = ""; inStep {
			ledger[record.Ref(made)] = told.Changes[0].Version
		}
		again := read(at)
		if again.Listing != nil {
			t.Error("an event that the ledger has was counted as new")
		}
		for i := range 2 {
			for ref := range ledger {
				r.must(r.actor().Delete("/me/events/" + string(ref)))
			}
			again = read(again.Next)
			if again.Listing == nil || len(again.Listing) != 0 {
				t.Errorf("deletion %d was not noticed: %+v", i, again)
			}
			clear(ledger) // an edit in the CRM beats it, and the event is made anew
			o := r.applied(side(), record.Write{Op: record.Create, Fields: eventSample(1), Token: fmt.Sprint("1-", i)})
			ledger[o.Ref] = o.Version
		}
	}
}

// I4: a difference that outlived a listing is let be, and a quiet round lists nothing. Once sync has settled something, the events of the ledger
// may be others, as many as before, and the difference another one: then it is listed again.
func TestI4_ADeletionDoesNotHideInADifferenceThatWasLetBe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, _ := r.events()
	events := NewEvents(r.box, r.options(link), nil)
	made := r.applied(events, record.Write{Op: record.Create, Fields: eventSample(1), Token: "1-a"})
	read := func(at record.Cursor) record.Page {
		t.Helper()
		page, err := events.Changes(t.Context(), at, 1)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	page := read("")
	if at := events.Recount(page.Next); at != page.Next {
		t.Errorf("with no difference, the cursor %s becomes %s", page.Next, at)
	}
	r.must(r.actor().Delete("/me/events/" + string(made.Ref)))
	for i, lists := range []bool{true, true, false, false} {
		if page = read(page.Next); (page.Listing != nil) != lists {
			t.Errorf("round %d lists: %v", i, page.Listing != nil)
		}
	}
	for i, lists := range []bool{true, true, false} {
		if i == 0 { // it was made anew, and is deleted once more
			page.Next = events.Recount(page.Next)
		}
		if page = read(page.Next); (page.Listing != nil) != lists {
			t.Errorf("round %d after that lists: %v", i, page.Listing != nil)
		}
	}
	const none record.Cursor = "no cursor"
	if at := events.Recount(none); at != none {
		t.Errorf("what is no cursor becomes %q", at)
	}
}
