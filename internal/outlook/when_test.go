package outlook

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/record"
	"tandem/internal/zone"
)

// FIELD-FAILURES 34: the wall time and the zone of the owner travel, whatever the season.
func TestFF34_TimedEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, events := r.events()
	for i, c := range []struct{ start, zone, wall, windows, back string }{
		{"2026-01-15T13:00:00Z", "America/New_York", "2026-01-15T08:00:00.0000000", "Eastern Standard Time", "America/New_York"},
		{"2026-07-15T12:00:00Z", "America/New_York", "2026-07-15T08:00:00.0000000", "Eastern Standard Time", "America/New_York"},
		{"2026-07-15T12:00:00Z", "America/Sao_Paulo", "2026-07-15T09:00:00.0000000", "E. South America Standard Time", "America/Sao_Paulo"},
		{"2026-07-15T12:00:00Z", "America/Recife", "2026-07-15T09:00:00.0000000", "SA Eastern Standard Time", "America/Cayenne"},
		{"2026-07-15T12:00:00Z", "Asia/Calcutta", "2026-07-15T17:30:00.0000000", "India Standard Time", "Asia/Kolkata"},
		{"2026-07-15T12:00:00Z", "", "2026-07-15T12:00:00.0000000", "UTC", "UTC"},
		{"2026-11-01T05:30:00Z", "America/New_York", "2026-11-01T05:30:00.0000000", "UTC", "UTC"}, // an hour that comes twice
	} {
		start, _ := time.Parse(time.RFC3339, c.start)
		end := record.Value(start.Add(time.Hour).Format(momentLayout))
		out, err := events.Apply(t.Context(), []record.Write{{Op: record.Create, Token: fmt.Sprint("1-", i), Fields: record.Fields{
			"start": record.Value(c.start), "end": end, "timeZone": record.Value(c.zone), "isAllDay": "false",
		}}})
		if err != nil || out[0].Err != nil {
			t.Fatal(err, out[0].Err)
		}
		f := out[0].Fields
		if string(f["start"]) != c.start || f["end"] != end || string(f["timeZone"]) != c.back {
			t.Errorf("%s %s: told as %s–%s in %s", c.start, c.zone, f["start"], f["end"], f["timeZone"])
		}
		_, doc := r.sim.As(adele).Prefer(`IdType="ImmutableId", outlook.timezone="` + c.windows + `"`).Get("/me/events/" + string(out[0].Ref))
		if got := doc["start"].(map[string]any)["dateTime"]; got != c.wall || doc["originalStartTimeZone"] != c.windows {
			t.Errorf("%s %s: in Outlook %v in %v", c.start, c.zone, got, doc["originalStartTimeZone"])
		}
		_ = link
	}
}

// FIELD-FAILURES 38, 40, 41, 42: a whole day is a date, in whatever zone it was made and is read.
func TestFF38_WholeDays(t *testing.T) {
	t.Parallel()
	for _, warts := range []m365sim.Warts{{}, {AllDayKeepsMidnight: true}} {
		r := newRig(t)
		r.sim.SetWarts(warts)
		link, events := r.events()
		for _, name := range []string{"UTC", "E. South America Standard Time", "Pacific Standard Time", "Tonga Standard Time", "Dateline Standard Time", "India Standard Time"} {
			id := record.Ref(r.must(r.actor().Post(r.containerPath(link)+"/events", map[string]any{
				"subject": name, "isAllDay": true,
				"start": map[string]any{"dateTime": "2026-03-08T00:00:00", "timeZone": name}, "end": map[string]any{"dateTime": "2026-03-10T00:00:00", "timeZone": name},
			}))["id"].(string))
			seen, err := events.Read(t.Context(), []record.Ref{id})
			if err != nil {
				t.Fatal(err)
			}
			f := seen[0].Fields
			if f["start"] != "2026-03-08" || f["end"] != "2026-03-10" || f["isAllDay"] != "true" || f["timeZone"] != "" {
				t.Errorf("%+v: made in %s: %s–%s, zone %q", warts, name, f["start"], f["end"], f["timeZone"])
			}
		}
		write := func(w record.Write) record.Outcome {
			out, err := events.Apply(t.Context(), []record.Write{w})
			if err != nil || out[0].Err != nil {
				t.Fatal(err, out[0].Err)
			}
			return out[0]
		}
		for range 10 { // and there and back, ten times
			o := write(record.Write{Op: record.Create, Token: "1-" + time.Now().String(), Fields: record.Fields{"start": "2026-03-08", "end": "2026-03-09", "isAllDay": "true", "timeZone": "America/Sao_Paulo"}})
			if o.Fields["start"] != "2026-03-08" || o.Fields["end"] != "2026-03-09" {
				t.Fatalf("%+v", o.Fields)
			}
			o = write(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"start": "2026-03-08T13:00:00Z", "end": "2026-03-08T14:00:00Z", "isAllDay": "false", "timeZone": "America/Sao_Paulo"}})
			if o.Fields["start"] != "2026-03-08T13:00:00Z" || o.Fields["isAllDay"] != "false" || o.Fields["timeZone"] != "America/Sao_Paulo" {
				t.Fatalf("made timed: %+v", o.Fields)
			}
			o = write(record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"start": "2026-03-09", "end": "2026-03-09", "isAllDay": "true"}})
			if o.Fields["start"] != "2026-03-09" || o.Fields["end"] != "2026-03-10" {
				t.Fatalf("made a day shorter than a day: %+v", o.Fields)
			}
			write(record.Write{Op: record.Delete, Ref: o.Ref, Version: o.Version})
		}
	}
}

// FIELD-FAILURES 30, 36, 37: names and dates that nobody understands crash nothing.
func TestFF37_OddTimes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "tzone://Microsoft/Custom", "Customized Time Zone", "Nowhere"} {
		w := whenOf(&graph.Event{Start: &graph.DateTime{DateTime: "2026-03-02T10:00:00.0000000", TimeZone: "UTC"}, End: &graph.DateTime{DateTime: "garbage", TimeZone: name}, OriginalStartTimeZone: name})
		if w.zone != "UTC" || w.start.Hour() != 10 {
			t.Errorf("%q: %+v", name, w)
		}
	}
	for _, start := range []string{"0001-01-01T00:00:00.0000000", "9999-12-31T23:59:59.9999999", ""} {
		_ = eventFields(&graph.Event{Start: &graph.DateTime{DateTime: start, TimeZone: "UTC"}, IsAllDay: start == ""})
	}
	for _, bad := range []record.Fields{
		{"start": "0001-01-01T00:00:00Z", "end": "2026-03-02T10:00:00Z"}, {"start": "2026-03-02T10:00:00Z", "end": "9999-12-31T00:00:00Z"},
		{"start": "soon", "end": "2026-03-02T10:00:00Z"}, {"start": "", "end": ""}, {"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T09:00:00Z"},
	} {
		if _, err := eventBody(nil, bad); !fault.Is(err, fault.Invalid) || fault.As(err).Field == "" {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// FIELD-FAILURES 36: every Windows zone is understood, and wall times in it are those of its rules.
func TestFF36_EveryZone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(946684800, 2524608000).Draw(t, "at"), 0).UTC()
		iana := rapid.SampledFrom([]string{
			"America/Sao_Paulo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Asia/Tehran", "Africa/Casablanca", "UTC",
		}).Draw(t, "zone")
		w := when{start: at, end: at.Add(time.Hour), zone: iana}
		var o graph.Object
		if err := w.write(&o, false); err != nil {
			t.Fatal(err)
		}
		var e graph.Event
		if err := graph.Decode(o.JSON(), &e); err != nil {
			t.Fatal(err)
		}
		e.OriginalStartTimeZone = e.Start.TimeZone
		back := whenOf(&e)
		if !back.start.Equal(at) || !back.end.Equal(w.end) {
			t.Fatalf("%s in %s came back as %s (%s)", at, iana, back.start, o.JSON())
		}
		if e.Start.TimeZone != "UTC" && !zone.Same(back.zone, iana) {
			t.Fatalf("zone %s came back as %s", iana, back.zone)
		}
	})
}

// FIELD-FAILURES 112: a birthday is the same day in every zone and in every round.
func TestFF112_Birthdays(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"1984-02-29T00:00:00Z", "1984-02-29T11:59:00Z", "1984-02-29T23:59:59Z", "1984-02-29"} {
		if got := contactFields(&graph.Contact{Birthday: at})["birthday"]; got != "1984-02-29" {
			t.Errorf("%s is told as %s", at, got)
		}
	}
	if o, err := contactBody(&graph.Contact{}, record.Fields{"birthday": "1984-02-29"}); err != nil || string(o.JSON()) != `{"birthday":"1984-02-29T11:59:00Z"}` {
		t.Errorf("%s, %v", o.JSON(), err)
	}
	if o, err := contactBody(&graph.Contact{Birthday: "1984-02-29T00:00:00Z"}, record.Fields{"birthday": "1984-02-29"}); err != nil || !o.Empty() {
		t.Errorf("the same day is written: %s, %v", o.JSON(), err)
	}
	if _, err := contactBody(&graph.Contact{}, record.Fields{"birthday": "29/02/1984"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}
