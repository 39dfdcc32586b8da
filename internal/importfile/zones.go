package importfile

import (
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"tandem/internal/zone"
)

// zones finds the time zones that a file speaks of.
type zones struct {
	home  string                     // the user's
	rules map[string]*ical.Component // VTIMEZONE by TZID
	ours  bool                       // the file is one of our own
}

func zonesOf(calendars []*ical.Component, home string) *zones {
	z := &zones{home: home, rules: map[string]*ical.Component{}}
	for _, c := range calendars {
		if p := c.Props.Get(ical.PropProductID); p != nil && p.Value == OwnProduct {
			z.ours = true
		}
		for _, child := range c.Children {
			if child.Name == ical.CompTimezone {
				if id := child.Props.Get(ical.PropTimezoneID); id != nil {
					z.rules[id.Value] = child
				}
			}
		}
	}
	return z
}

// find gives the IANA name of a TZID: as it is, as a Windows name, by the end of its path, by the location or the
// rules that the file gives; else the user's zone.
func (z *zones) find(id string) (string, Reason) {
	if name, ok := zone.IANA(id); ok {
		return name, ""
	}
	parts := strings.Split(id, "/")
	for i := 1; i < len(parts); i++ {
		if name, ok := zone.IANA(strings.Join(parts[i:], "/")); ok && parts[i] != "" {
			return name, GuessedZone
		}
	}
	rules := z.rules[id]
	if rules == nil {
		return z.home, UnknownZone
	}
	for _, hint := range []string{"X-LIC-LOCATION", "TZURL", "X-TZINFO"} {
		if p := rules.Props.Get(hint); p != nil {
			if name, ok := zone.IANA(p.Value); ok {
				return name, GuessedZone
			}
		}
	}
	if name, ok := byOffsets(rules); ok {
		return name, GuessedZone
	}
	return z.home, UnknownZone
}

// known are the zones that a set of rules is held against, the most populous first.
var known = []string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
	"America/Halifax", "America/St_Johns", "America/Sao_Paulo", "America/Bogota", "America/Caracas", "Pacific/Honolulu",
	"Europe/London", "Europe/Berlin", "Europe/Helsinki", "Europe/Moscow", "Africa/Johannesburg", "Asia/Dubai", "Asia/Karachi",
	"Asia/Kolkata", "Asia/Bangkok", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Australia/Brisbane",
	"Australia/Adelaide", "Australia/Darwin", "Australia/Perth", "Pacific/Auckland",
}

// byOffsets finds a zone that has the offsets of the rules in the January and July of a year.
func byOffsets(rules *ical.Component) (string, bool) {
	var standard, summer time.Duration
	var month int // in which summer time begins
	var latest string
	var ok, hasSummer bool
	for _, part := range rules.Children {
		to, start := part.Props.Get(ical.PropTimezoneOffsetTo), part.Props.Get(ical.PropDateTimeStart)
		if to == nil {
			continue
		}
		offset, good := offsetOf(to.Value)
		if !good {
			return "", false
		}
		if part.Name == "DAYLIGHT" {
			summer, hasSummer = offset, true
			if start != nil && len(start.Value) >= 6 {
				month, _ = strconv.Atoi(start.Value[4:6])
			}
			continue
		}
		if start == nil || start.Value >= latest {
			standard, ok = offset, true
			if start != nil {
				latest = start.Value
			}
		}
	}
	if !ok {
		return "", false
	}
	january, july := standard, standard
	if hasSummer && month <= 6 {
		july = summer
	} else if hasSummer {
		january = summer
	}
	for _, name := range known {
		loc, found := zone.Load(name)
		if found && offsetAt(loc, time.January) == january && offsetAt(loc, time.July) == july {
			return name, true
		}
	}
	return "", false
}

func offsetAt(loc *time.Location, month time.Month) time.Duration {
	_, seconds := time.Date(2005, month, 15, 12, 0, 0, 0, time.UTC).In(loc).Zone()
	return time.Duration(seconds) * time.Second
}

// offsetOf reads +0530.
func offsetOf(s string) (time.Duration, bool) {
	t, err := time.Parse("-0700", s)
	if err != nil {
		return 0, false
	}
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second, true
}
