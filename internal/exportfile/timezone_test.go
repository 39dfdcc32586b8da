package exportfile

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"

	"tandem/internal/zone"
)

// onsets are the moments at which an observance begins, up to a year.
func onsets(t *testing.T, c *ical.Component, until time.Time) (out []time.Time) {
	t.Helper()
	from, err := time.Parse("-0700", (c.Props.Get(ical.PropTimezoneOffsetFrom).Value + "0000")[:5])
	if err != nil {
		t.Fatal(err)
	}
	_, seconds := from.Zone()
	at, err := time.Parse("20060102T150405", c.Props.Get(ical.PropDateTimeStart).Value)
	if err != nil {
		t.Fatal(err)
	}
	walls := []time.Time{at}
	if p := c.Props.Get(ical.PropRecurrenceDates); p != nil {
		for value := range strings.SplitSeq(p.Value, ",") {
			wall, err := time.Parse("20060102T150405", value)
			if err != nil {
				t.Fatal(err)
			}
			walls = append(walls, wall)
		}
	}
	if p := c.Props.Get(ical.PropRecurrenceRule); p != nil {
		option, err := rrule.StrToROption(p.Value)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = at
		rule, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		walls = rule.Between(at, until, true)
	}
	for _, wall := range walls {
		out = append(out, wall.Add(-time.Duration(seconds)*time.Second))
	}
	return out
}

// Whoever goes by the rules in a file gets the offsets that the zone has, from 1970 on, and those of its yearly rule for ever.
func TestZoneRulesTellTheOffsetsOfTheZone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"America/Sao_Paulo", "America/New_York", "Europe/Lisbon", "Europe/Berlin", "Europe/Dublin", "Asia/Kolkata", "Australia/Sydney", "Australia/Lord_Howe",
		"Africa/Casablanca", "America/Santiago", "Asia/Tehran", "Pacific/Apia", "Asia/Tokyo", "America/Caracas", "Europe/Moscow", "Pacific/Auckland",
	} {
		loc, ok := zone.Load(name)
		if !ok {
			t.Fatalf("no zone %s", name)
		}
		rules := zoneRules(loc)
		end := time.Date(zonesUntil+20, 1, 1, 0, 0, 0, 0, time.UTC)
		if name == "Africa/Casablanca" { // goes by the moon: no yearly rule
			end = time.Date(zonesUntil, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		var all []struct {
			at time.Time
			to string
		}
		for _, c := range rules.Children {
			for _, at := range onsets(t, c, end) {
				all = append(all, struct {
					at time.Time
					to string
				}{at, c.Props.Get(ical.PropTimezoneOffsetTo).Value})
			}
		}
		wrong := 0
		for at := time.Date(zonesFrom, 1, 2, 5, 30, 0, 0, time.UTC); at.Before(end); at = at.Add(5*24*time.Hour + 7*time.Hour) {
			latest, said := time.Time{}, ""
			for _, o := range all {
				if !o.at.After(at) && !o.at.Before(latest) {
					latest, said = o.at, o.to
				}
			}
			_, seconds := at.In(loc).Zone()
			if said != offset(seconds) {
				if wrong++; wrong < 4 {
					t.Errorf("%s at %s: the rules say %s, the zone has %s", name, at, said, offset(seconds))
				}
			}
		}
	}
}

func TestMeantIsTheOppositeOfDefused(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"", "a", "'", "''", "'a", "=1", "'=1", "''=1", "+55 11", "-", "@x", "＝1", "'＋", "\t=", "'\n", "a=b"} {
		d := Defused(cell)
		if Meant(d) != cell {
			t.Errorf("%q becomes %q, which is taken for %q", cell, d, Meant(d))
		}
		if strings.ContainsAny(d[:min(1, len(d))], "=+-@\t\r\n") {
			t.Errorf("%q is still a formula: %q", cell, d)
		}
	}
}
