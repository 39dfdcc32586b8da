package importfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"tandem/internal/recur"
	"tandem/internal/zone"
)

// moment is a time as a file tells it.
type moment struct {
	day  bool      // a date
	wall time.Time // the clock as written, told as UTC
	zone string    // IANA name
	at   time.Time // the instant, in the zone; of a day, midnight UTC
}

// in is the moment's day in a zone, as a series counts it.
func (m moment) dayIn(zoneName string) string {
	if loc, ok := zone.Load(zoneName); ok && !m.day {
		return m.at.In(loc).Format(time.DateOnly)
	}
	return m.wall.Format(time.DateOnly)
}

// readMoment reads one value of a time property. The reason says what had to be assumed.
func (z *zones) readMoment(value, tzid string) (moment, Reason, error) {
	value = strings.TrimSpace(value)
	if day, err := time.Parse("20060102", value); err == nil {
		return moment{day: true, wall: day, at: day}, "", nil
	}
	if t, err := time.Parse("20060102T150405Z", value); err == nil {
		return moment{wall: t, zone: "UTC", at: t}, "", nil
	}
	wall, err := time.Parse("20060102T150405", value)
	if err != nil {
		if wall, err = time.Parse("20060102T1504", value); err != nil {
			return moment{}, "", fmt.Errorf("%q is no time", value)
		}
	}
	name, reason := z.home, Floating
	if tzid != "" {
		name, reason = z.find(tzid)
	}
	loc, ok := zone.Load(name)
	if !ok {
		return moment{}, "", fmt.Errorf("no zone %q", name)
	}
	at := recur.Attach(wall, loc)
	if at.Format("150405") != wall.Format("150405") {
		reason = ClockGap
	}
	return moment{wall: wall, zone: name, at: at}, reason, nil
}

// meant takes the instant that a moment is said to be, of a clock that shows it twice; false: the clock does not show it then.
func (m *moment) meant(text string) bool {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || m.day {
		return false
	}
	at = at.In(m.at.Location())
	if at.Format("20060102T150405") != m.at.Format("20060102T150405") {
		return false
	}
	m.at = at
	return true
}

func tzid(p ical.Prop) string { return p.Params.Get(ical.PropTimezoneID) }

var duration = regexp.MustCompile(`^([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

// length is a duration as RFC 5545 tells it: days are those of the calendar.
type length struct {
	days int
	time time.Duration
}

func readLength(s string) (length, bool) {
	m := duration.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(s)))
	if m == nil {
		return length{}, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v }
	l := length{days: 7*n(2) + n(3), time: time.Duration(n(4))*time.Hour + time.Duration(n(5))*time.Minute + time.Duration(n(6))*time.Second}
	if m[1] == "-" {
		l.days, l.time = -l.days, -l.time
	}
	return l, true
}

// after is the moment that lies the length after m.
func (l length) after(m moment) moment {
	if m.day {
		days := l.days + int(l.time.Hours()/24)
		if l.time%(24*time.Hour) > 0 {
			days++
		}
		m.wall = m.wall.AddDate(0, 0, days)
		m.at = m.wall
		return m
	}
	loc := m.at.Location()
	m.at = recur.Attach(m.wall.AddDate(0, 0, l.days), loc).Add(l.time)
	y, mo, d := m.at.Date()
	m.wall = time.Date(y, mo, d, m.at.Hour(), m.at.Minute(), m.at.Second(), 0, time.UTC)
	return m
}

// write tells the moment as the API takes it.
func (m moment) write() string {
	if m.day {
		return m.wall.Format(time.DateOnly)
	}
	return m.at.Format(time.RFC3339)
}
