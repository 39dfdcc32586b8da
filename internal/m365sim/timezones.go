package m365sim

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a simulator on a machine without zone files knows the same zones
)

//go:generate go run ./gen ../../../shared/reference/windowsZones.xml zones_gen.go

// A zone is a time zone as a client called it: Windows and IANA names are both accepted and given back as they
// came (fact sheet §3.4).
type zone struct {
	name string
	loc  *time.Location
}

var utc = &zone{"UTC", time.UTC}

// customZone is what Exchange says for zones of its own making; the simulator reads them as UTC.
const customZone = "tzone://Microsoft/Custom"

var zonesSeen sync.Map // by name

// findZone looks a name up. An unknown one is refused with 400.
func findZone(name string) (*zone, *graphError) {
	if z, ok := zonesSeen.Load(name); ok {
		return z.(*zone), nil
	}
	loc := time.UTC
	switch iana, windows := ianaOfWindows[name]; {
	case strings.EqualFold(name, "UTC") || name == "tzone://Microsoft/Utc" || name == customZone:
	case windows:
		loc = mustLoad(iana)
	case strings.Contains(name, "/"):
		found, err := time.LoadLocation(name)
		if err != nil {
			return nil, unknownZone(name)
		}
		loc = found
	default:
		return nil, unknownZone(name)
	}
	z := &zone{strings.Clone(name), loc}
	zonesSeen.Store(z.name, z)
	return z, nil
}

func mustLoad(iana string) *time.Location {
	loc, err := time.LoadLocation(iana)
	if err != nil {
		panic("m365sim: the zone table names " + iana + ", which Go does not know")
	}
	return loc
}

func unknownZone(name string) *graphError {
	return badRequest("TimeZoneNotSupportedException", "The time zone '"+name+"' is not supported.")
}

// instant is the moment at which the clocks of a zone show the wall time, which is given as if it were UTC.
// A time that the spring change leaves out is taken with the offset before it, so 02:30 is read as 03:30
// (RFC 5545 §3.3.5); of a time that the autumn change brings twice, the first is meant.
func (z *zone) instant(wall time.Time) time.Time {
	if z.loc == time.UTC {
		return wall
	}
	const aDay = 24 * time.Hour // no zone changes twice within two days
	before := wall.Add(-offsetAt(z.loc, wall.Add(-aDay)))
	if offsetAt(z.loc, before) == wall.Sub(before) {
		return before
	}
	after := wall.Add(-offsetAt(z.loc, wall.Add(aDay)))
	if offsetAt(z.loc, after) == wall.Sub(after) {
		return after
	}
	return before
}

// wall is what the clocks of the zone show at an instant, given as if it were UTC.
func (z *zone) wall(at time.Time) time.Time {
	if z.loc == time.UTC {
		return at
	}
	return at.UTC().Add(offsetAt(z.loc, at))
}

func offsetAt(loc *time.Location, at time.Time) time.Duration {
	_, seconds := at.In(loc).Zone()
	return time.Duration(seconds) * time.Second
}

// A moment is a dateTimeTimeZone: a wall time, held as if it were UTC, and whose wall it hangs on.
type moment struct {
	wall time.Time
	zone *zone
}

func (m moment) instant() time.Time { return m.zone.instant(m.wall) }

// momentForms are how a dateTime may be written: without an offset (fact sheet §3.4).
var momentForms = []string{"2006-01-02T15:04:05.9999999", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

// parseWall reads a dateTime. One with an offset or a Z is not a wall time.
func parseWall(text string) (time.Time, error) {
	var err error
	for _, form := range momentForms {
		var t time.Time
		if t, err = time.Parse(form, text); err == nil {
			return t.Truncate(100 * time.Nanosecond), nil
		}
	}
	return time.Time{}, err
}

// parseMoment reads a time in a query: its offset counts, without one it is UTC (fact sheet §3.1).
func parseMoment(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	if i := strings.LastIndexByte(text, ' '); i > 0 { // a plus sign that was not escaped
		if t, err := time.Parse(time.RFC3339Nano, text[:i]+"+"+text[i+1:]); err == nil {
			return t.UTC(), nil
		}
	}
	return parseWall(text)
}

// appendWall appends the object that a start or an end is.
func appendWall(b []byte, wall time.Time, zoneName string) []byte {
	b = append(b, `{"dateTime":"`...)
	b = wall.AppendFormat(b, "2006-01-02T15:04:05.0000000")
	b = append(b, `","timeZone":`...)
	b = appendString(b, zoneName)
	return append(b, '}')
}

// appendIn appends a moment as an answer shows it: in the zone that Prefer named, else in UTC.
func (m moment) appendIn(b []byte, z *zone) []byte {
	if z == nil {
		z = utc
	}
	return appendWall(b, z.wall(m.instant()), z.name)
}
