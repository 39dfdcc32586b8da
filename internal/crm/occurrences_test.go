package crm_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// weekly is a meeting on Mondays and Wednesdays from 2 March 2026, 09:00 in São Paulo.
func weekly() record.Fields {
	return meeting("Weekly", "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z").With(record.Fields{
		record.TimeZone: "America/Sao_Paulo", record.Recurring: "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20", record.Venue: "Room 1",
	})
}

func TestChangedOccurrencesHaveOneForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		given   record.Fields
		changed string
	}{
		{"what is as in the series goes", record.Fields{record.Changed: `{"2026-03-04":{"Venue":"Room 1"},"2026-03-09":{"Venue":" Room 2 "}}`}, `{"2026-03-09":{"Venue":"Room 2"}}`},
		{"a moved one has both ends", record.Fields{record.Changed: `{"2026-03-04":{"Start_DateTime":"2026-03-04T15:00"}}`},
			`{"2026-03-04":{"End_DateTime":"2026-03-04T19:00:00Z","Start_DateTime":"2026-03-04T18:00:00Z"}}`},
		{"an offset counts", record.Fields{record.Changed: `{"2026-03-04":{"Start_DateTime":"2026-03-05T01:00:00+01:00","End_DateTime":"2026-03-05T02:00:00+01:00"}}`},
			`{"2026-03-04":{"End_DateTime":"2026-03-05T01:00:00Z","Start_DateTime":"2026-03-05T00:00:00Z"}}`},
		{"longer only", record.Fields{record.Changed: `{"2026-03-04":{"End_DateTime":"2026-03-04T11:30"}}`},
			`{"2026-03-04":{"End_DateTime":"2026-03-04T14:30:00Z","Start_DateTime":"2026-03-04T12:00:00Z"}}`},
		{"its own time again is none", record.Fields{record.Changed: `{"2026-03-04":{"Start_DateTime":"2026-03-04T09:00","End_DateTime":"2026-03-04T10:00"}}`}, ""},
		{"all day", record.Fields{record.Changed: `{"2026-03-04":{"All_day":"true"}}`}, `{"2026-03-04":{"All_day":"true","End_DateTime":"2026-03-05","Start_DateTime":"2026-03-04"}}`},
		{"one hour of a whole day", record.Fields{record.AllDay: "true", record.Start: "2026-03-02", record.End: "2026-03-03",
			record.Changed: `{"2026-03-04":{"All_day":"false","Start_DateTime":"2026-03-04T15:00:00Z","End_DateTime":"2026-03-04T16:00:00Z"}}`},
			`{"2026-03-04":{"All_day":"false","End_DateTime":"2026-03-04T16:00:00Z","Start_DateTime":"2026-03-04T15:00:00Z"}}`},
		{"left out comes before changed", record.Fields{record.Excluded: "2026-03-04", record.Changed: `{"2026-03-04":{"Venue":"Room 2"}}`}, ""},
		{"no series, no occurrences", record.Fields{record.Recurring: "", record.Changed: `{"2026-03-04":{"Venue":"Room 2"}}`}, ""},
		{"nothing", record.Fields{record.Changed: `{}`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newWorld().insert(t, adele, record.Calendar, weekly().With(c.given))
			if got := string(r.Fields[record.Changed]); got != c.changed {
				t.Errorf("got  %s\nwant %s", got, c.changed)
			}
		})
	}
}

func TestChangedOccurrencesAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, changed, says string
		reason              fault.Reason
	}{
		{"not JSON", `Tuesday`, "must be an object of days", fault.BadValue},
		{"not a day", `{"Tuesday":{"Venue":"x"}}`, "must be an object of days", fault.BadValue},
		{"not one of its days", `{"2026-03-05":{"Venue":"x"}}`, "2026-03-05 is not a day of the series", fault.BadValue},
		{"after its end", `{"2026-06-01":{"Venue":"x"}}`, "2026-06-01 is not a day of the series", fault.BadValue},
		{"a rule of its own", `{"2026-03-04":{"Recurring_Activity":"FREQ=DAILY"}}`, "2026-03-04: Recurring_Activity: cannot be changed", fault.BadValue},
		{"no such field", `{"2026-03-04":{"Nonsense":"x"}}`, "2026-03-04: Nonsense: cannot be changed", fault.BadValue},
		{"no time", `{"2026-03-04":{"Start_DateTime":"noon"}}`, "2026-03-04: Start_DateTime: must be a date", fault.BadValue},
		{"ends before it starts", `{"2026-03-04":{"End_DateTime":"2026-03-03T10:00"}}`, "2026-03-04: End_DateTime: is before the start", fault.BadValue},
		{"too long a title", `{"2026-03-04":{"Event_Title":"` + strings.Repeat("é", 256) + `"}}`, "longer than 255", fault.BadValue},
		{"onto its neighbour", `{"2026-03-04":{"Start_DateTime":"2026-03-09T07:00"}}`, "2026-03-04: an occurrence may not be moved", fault.NotExpressible},
		{"past its neighbour", `{"2026-03-09":{"Start_DateTime":"2026-03-03T07:00"}}`, "2026-03-09: an occurrence may not be moved", fault.NotExpressible},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			r := w.insert(t, adele, record.Calendar, weekly())
			got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{record.Changed: record.Value(c.changed)}}})
			if err != nil || got[0].Err == nil || fault.ReasonOf(got[0].Err) != c.reason || !strings.Contains(got[0].Err.Error(), c.says) {
				t.Errorf("%v, want %q (%v)", got[0].Err, c.says, err)
			}
		})
	}
}

// FIELD-FAILURES 24: where its neighbour makes room, an occurrence may go there.
func TestFF24_MovedOccurrencesStayInOrder(t *testing.T) {
	t.Parallel()
	for _, changed := range []string{
		`{"2026-03-04":{"Start_DateTime":"2026-03-08T23:00"}}`,
		`{"2026-03-04":{"Start_DateTime":"2026-03-09T07:00"},"2026-03-09":{"Start_DateTime":"2026-03-10T07:00"}}`,
		`{"2026-03-04":{"Start_DateTime":"2026-03-02T23:00"},"2026-03-02":{"Start_DateTime":"2026-02-01T07:00"}}`,
		`{"2026-03-16":{"Start_DateTime":"2026-03-11T07:00"}}`, // that day is left out
	} {
		w := newWorld()
		r := w.insert(t, adele, record.Calendar, weekly().With(record.Fields{record.Excluded: "2026-03-11"}))
		got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: record.Fields{record.Changed: record.Value(changed)}}})
		if err == nil {
			err = got[0].Err
		}
		if at := got[0].Record.Fields[record.Changed]; changed == `{"2026-03-04":{"Start_DateTime":"2026-03-02T23:00"},"2026-03-02":{"Start_DateTime":"2026-02-01T07:00"}}` {
			if err != nil || !strings.Contains(string(at), "2026-03-03T02:00:00Z") {
				t.Errorf("%s: %v, %v", changed, at, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", changed, err)
		}
	}
}

// After the rule, the start or the zone has changed, changes to days that are no longer its own go, and the others stay.
func TestChangedOccurrencesFollowTheSeries(t *testing.T) {
	t.Parallel()
	changed := record.Value(`{"2026-03-04":{"Venue":"Room 2"},"2026-03-09":{"End_DateTime":"2026-03-09T19:00:00Z","Start_DateTime":"2026-03-09T18:00:00Z"}}`)
	for _, c := range []struct {
		name              string
		edit              record.Fields
		excluded, changed record.Value
	}{
		{"another title", record.Fields{record.EventTitle: "Other"}, "2026-03-11,2026-03-16", changed},
		{"what was its own is the series' now", record.Fields{record.Venue: "Room 2"}, "2026-03-11,2026-03-16", `{"2026-03-09":{"End_DateTime":"2026-03-09T19:00:00Z","Start_DateTime":"2026-03-09T18:00:00Z"}}`},
		{"an hour later", record.Fields{record.Start: "2026-03-02T13:00:00Z", record.End: "2026-03-02T14:00:00Z"}, "2026-03-11,2026-03-16", changed},
		{"Mondays only", record.Fields{record.Recurring: "FREQ=WEEKLY;BYDAY=MO;COUNT=20"}, "2026-03-16", `{"2026-03-09":{"End_DateTime":"2026-03-09T19:00:00Z","Start_DateTime":"2026-03-09T18:00:00Z"}}`},
		{"it ends earlier", record.Fields{record.Recurring: "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260305"}, "", `{"2026-03-04":{"Venue":"Room 2"}}`},
		{"no series any more", record.Fields{record.Recurring: ""}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			r := w.insert(t, adele, record.Calendar, weekly().With(record.Fields{record.Excluded: "2026-03-11,2026-03-16", record.Changed: changed}))
			got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: c.edit}})
			if err != nil || got[0].Err != nil {
				t.Fatal(err, got[0].Err)
			}
			f := got[0].Record.Fields
			if f[record.Excluded] != c.excluded || f[record.Changed] != c.changed {
				t.Errorf("got  %s and %s\nwant %s and %s", f[record.Excluded], f[record.Changed], c.excluded, c.changed)
			}
		})
	}
}

var seriesZones = []string{"America/Sao_Paulo", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"}

// A series expanded in any window is what counting day by day gives: 09:00 stays 09:00, days left out are absent, changed
// ones are where they were moved to, and nothing else is there.
func TestExpansionIsThatOfCountingDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(seriesZones).Draw(t, "zone")
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		first := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 365).Draw(t, "first"))
		step, count := rapid.IntRange(1, 40).Draw(t, "step"), rapid.IntRange(1, 400).Draw(t, "count")
		hour := rapid.IntRange(4, 20).Draw(t, "hour")
		at := func(n int) time.Time {
			d := first.AddDate(0, 0, n*step)
			return time.Date(d.Year(), d.Month(), d.Day(), hour, 30, 0, 0, loc)
		}
		day := func(n int) string { return first.AddDate(0, 0, n*step).Format(time.DateOnly) }
		var excluded []string
		var changed []record.Occurrence
		want := map[string]time.Time{}
		for n := range count {
			// Of a day that its zone never had (Apia, 30 December 2011) nobody says when it is.
			if at(n).Format(time.DateOnly) != day(n) {
				t.Skip("this zone passed over a day of the series, on which nobody says when it is: another series is drawn")
			}
			switch rapid.IntRange(0, 9).Draw(t, "fate") {
			case 0:
				excluded = append(excluded, day(n))
			case 1:
				moved := at(n).Add(time.Duration(rapid.IntRange(-180, 180).Draw(t, "minutes")) * time.Minute)
				changed = append(changed, record.Occurrence{Day: day(n), Fields: record.Fields{
					record.Start: record.Value(moved.UTC().Format(time.RFC3339)), record.End: record.Value(moved.Add(time.Hour).UTC().Format(time.RFC3339)),
				}})
				want[day(n)] = moved
			case 2:
				changed = append(changed, record.Occurrence{Day: day(n), Fields: record.Fields{record.Venue: "Elsewhere"}})
				want[day(n)] = at(n)
			default:
				want[day(n)] = at(n)
			}
		}
		f := meeting("m", at(0).UTC().Format(time.RFC3339), at(0).Add(time.Hour).UTC().Format(time.RFC3339)).With(record.Fields{
			record.TimeZone: record.Value(name), record.Recurring: record.Value(fmt.Sprintf("FREQ=DAILY;INTERVAL=%d;COUNT=%d", step, count)),
			record.Excluded: record.Value(strings.Join(excluded, ",")), record.Changed: record.OccurrencesValue(changed),
		})
		w := newWorld()
		made, err := w.Insert(t.Context(), person(adele), record.Calendar, []crm.Draft{{Fields: f}})
		if err != nil || made[0].Err != nil {
			t.Fatal(err, made[0].Err)
		}
		series, ok := crm.SeriesOf(made[0].Record.Fields)
		if !ok {
			t.Fatal("no time")
		}
		from := at(0).AddDate(0, 0, rapid.IntRange(-10, step*count).Draw(t, "from"))
		to := from.AddDate(0, 0, rapid.IntRange(1, 5000).Draw(t, "to"))
		got := series.Between(from, to, 1<<30)
		inside := 0
		for _, start := range want {
			if start.Before(to) && start.Add(time.Hour).After(from) {
				inside++
			}
		}
		if len(got) != inside {
			t.Fatalf("%d occurrences, want %d", len(got), inside)
		}
		for _, o := range got {
			if !o.Start.Equal(want[o.Day]) || o.End.Sub(o.Start) != time.Hour {
				t.Fatalf("%s is at %s to %s, want %s", o.Day, o.Start, o.End, want[o.Day])
			}
		}
		if !slices.IsSortedFunc(got, func(a, b crm.Occurrence) int { return a.Start.Compare(b.Start) }) {
			t.Fatal("not in order")
		}
		begins, ends, _ := crm.Span(made[0].Record.Fields)
		for day, start := range want {
			if start.Before(begins) || start.Add(time.Hour).After(ends) {
				t.Fatalf("%s at %s is outside of the span %s to %s", day, start, begins, ends)
			}
		}
	})
}

// FIELD-FAILURES 24: a series gets other times, or another zone, in which an occurrence that was moved would lie on the day of
// its neighbour. The API is told the day; on the pages people are told what is lost before they agree.
func TestFF24_OtherTimesDoNotMakeOccurrencesCross(t *testing.T) {
	t.Parallel()
	w := newWorld()
	const late = `{"2026-03-04":{"End_DateTime":"2026-03-05T02:45:00Z","Start_DateTime":"2026-03-05T02:30:00Z"}}` // 23:30 in São Paulo
	r := w.insert(t, adele, record.Calendar, weekly().With(record.Fields{record.Recurring: "FREQ=DAILY;COUNT=20", record.Changed: late}))
	elsewhere := record.Fields{record.TimeZone: "Asia/Tokyo"} // where that is the next day
	got, err := w.Update(t.Context(), person(adele), record.Calendar, []crm.Draft{{ID: r.ID, Fields: elsewhere}})
	if err != nil || fault.ReasonOf(got[0].Err) != fault.NotExpressible || !strings.Contains(got[0].Err.Error(), "2026-03-04: an occurrence may not be moved") {
		t.Fatalf("%v, %v", got[0].Err, err)
	}
	draft := crm.SeriesDraft{Draft: crm.Draft{ID: r.ID, Fields: elsewhere}, Scope: crm.Whole}
	var loss *crm.LossError
	if _, err := w.Revise(t.Context(), person(adele), draft); !errors.As(err, &loss) || len(loss.Lost) != 1 || loss.Lost[0].Day != "2026-03-04" {
		t.Fatalf("%v", err)
	}
	draft.Lose = true
	out, err := w.Revise(t.Context(), person(adele), draft)
	if err != nil || out.Record.Fields[record.Changed] != "" || out.Record.Fields[record.TimeZone] != "Asia/Tokyo" {
		t.Fatalf("%v, %v", err, out.Record.Fields)
	}
}
