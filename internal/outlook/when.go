package outlook

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// readUTC asks for all times in UTC. The zone in which an event was planned stands beside them (originalStartTimeZone).
const readUTC = `outlook.timezone="UTC"`

// when is the time of an event: instants, or days if allDay (midnight UTC, end excluded).
type when struct {
	start, end time.Time
	allDay     bool
	zone       string // IANA name; "" for all-day
	endZone    string // that of the end, where it is another one
	rule       record.Value
}

const (
	momentLayout = "2006-01-02T15:04:05Z"
	wallLayout   = "2006-01-02T15:04:05"
)

// whenOf reads an event's time. Whatever Graph sends, there is an answer: what cannot be read is the zero time.
func whenOf(e *graph.Event) when {
	w := when{allDay: e.IsAllDay, zone: zoneOf(e)}
	if end, ok := known(e.OriginalEndTimeZone); ok && !w.allDay && !zone.Same(end, w.zone) {
		w.endZone = end
	}
	loc, _ := zone.Load(w.zone)
	w.start, w.end = instant(e.Start), instant(e.End)
	local := w.start.In(loc)
	if w.allDay {
		// A whole day is stored at midnight of some zone. Told in UTC that may be the evening before (reference §3.3).
		w.start, w.end, w.zone = day(w.start, loc), day(w.end, loc), ""
		if !w.end.After(w.start) {
			w.end = w.start.AddDate(0, 0, 1)
		}
		local = w.start
	}
	w.rule = recurrenceValue(e.Recurrence, local)
	return w
}

// zoneOf is the zone in which the event was planned. Custom zones and names that nobody knows fall back on that of the
// recurrence, then on UTC (FIELD-FAILURES 30, 36).
func zoneOf(e *graph.Event) string {
	names := []string{e.OriginalStartTimeZone, ""}
	if e.Recurrence != nil {
		names[1] = e.Recurrence.Range.RecurrenceTimeZone
	}
	for _, name := range names {
		if iana, ok := known(name); ok {
			return iana
		}
	}
	return "UTC"
}

// known is the IANA name of a zone whose rules are at hand.
func known(name string) (string, bool) {
	iana, ok := zone.IANA(name)
	if ok {
		_, ok = zone.Load(iana)
	}
	return iana, ok
}

// instant reads a wall time in whatever zone Graph tells it.
func instant(d *graph.DateTime) time.Time {
	if d == nil {
		return time.Time{}
	}
	text, _, _ := strings.Cut(strings.TrimSuffix(d.DateTime, "Z"), ".") // Exchange has no fractions of a second that mean anything
	wall, err := time.Parse(wallLayout, text)
	if err != nil {
		return time.Time{}
	}
	if loc, ok := zone.Load(d.TimeZone); ok && loc != time.UTC && d.TimeZone != "UTC" {
		return recur.Attach(wall, loc).UTC()
	}
	return wall
}

// day is the date that an instant means as the bound of a whole day: that of UTC if it is midnight there, else the
// midnight nearest to it in the zone of the event.
func day(t time.Time, loc *time.Location) time.Time {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t
	}
	y, m, d := t.In(loc).Add(12 * time.Hour).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// tell writes the time into the fields of an event.
func (w when) tell(f record.Fields) {
	layout, allDay := momentLayout, record.Value("false")
	if w.allDay {
		layout, allDay = time.DateOnly, "true"
	}
	f["start"], f["end"] = moment(w.start, layout), moment(w.end, layout)
	f["isAllDay"], f["timeZone"], f["recurrence"] = allDay, record.Value(w.zone), w.rule
	f["endTimeZone"] = record.Value(w.endZone)
}

func moment(t time.Time, layout string) record.Value {
	if t.IsZero() {
		return ""
	}
	return record.Value(t.Format(layout))
}

// whenFields are the fields that make up the time of an event. They only make sense together.
var whenFields = []record.Field{"start", "end", "isAllDay", "timeZone", "endTimeZone", "recurrence"}

// differs reports whether fields change the time. A whole day has no zone to change.
func (w when) differs(fields record.Fields) bool {
	held := make(record.Fields, len(whenFields))
	w.tell(held)
	for _, name := range whenFields {
		v, said := fields[name]
		if !said || v == held[name] {
			continue
		}
		if isZone := name == "timeZone" || name == "endTimeZone"; isZone && (w.allDay && fields["isAllDay"] != "false" || zone.Same(string(v), string(held[name]))) {
			continue
		}
		return true
	}
	return false
}

// with is the time after fields are written over it.
func (w when) with(f record.Fields) (when, error) {
	if v, ok := f["isAllDay"]; ok {
		w.allDay = v == "true"
	}
	if v, ok := f["timeZone"]; ok && v != "" {
		w.zone = string(v)
	}
	if v, ok := f["endTimeZone"]; ok {
		w.endZone = string(v)
	}
	if v, ok := f["recurrence"]; ok {
		w.rule = v
	}
	var err error
	for _, part := range []struct {
		name record.Field
		at   *time.Time
	}{{"start", &w.start}, {"end", &w.end}} {
		if v, ok := f[part.name]; ok {
			if *part.at, err = w.read(part.name, v); err != nil {
				return w, err
			}
		}
		if w.allDay {
			y, m, d := part.at.Date()
			*part.at = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		if year := part.at.Year(); year < 1601 || year > 4500 { // what Exchange can hold
			return w, fault.Wrong(fault.BadValue, string(part.name), "outlook: the year %d is beyond what Exchange can hold", year)
		}
	}
	if w.allDay && !w.end.After(w.start) {
		w.end = w.start.AddDate(0, 0, 1)
	}
	if w.end.Before(w.start) {
		return w, fault.Wrong(fault.BadValue, "end", "outlook: the event ends before it starts")
	}
	return w, nil
}

// read takes a moment as it stands in a field: an instant, or a day. What fits the event less well is understood too:
// a day in a timed event is its midnight, an instant in a whole-day event is the day that it has in the event's zone.
func (w when) read(name record.Field, v record.Value) (time.Time, error) {
	loc, ok := zone.Load(w.zone)
	if !ok {
		loc = time.UTC
	}
	if d, err := time.Parse(time.DateOnly, string(v)); err == nil {
		if !w.allDay {
			return recur.Attach(d, loc).UTC(), nil
		}
		return d, nil
	}
	t, err := time.Parse(time.RFC3339, string(v))
	if err != nil {
		return t, fault.Wrong(fault.BadValue, string(name), "outlook: %q is no time", v)
	}
	if w.allDay {
		return t.In(loc), nil // its date is taken
	}
	return t.UTC().Truncate(time.Second), nil
}

// write adds the time to what is sent. Timed events go as wall time in their own zone, so that a series keeps to the
// clock; whole days from midnight to midnight in UTC, which everybody reads alike (FIELD-FAILURES 34–42).
func (w when) write(o *graph.Object, series bool) error {
	loc, name := w.told(w.zone, w.start, w.end)
	endLoc, endName := loc, name
	if w.endZone != "" {
		endLoc, endName = w.told(w.endZone, w.end)
	}
	start := w.start.In(loc)
	o.Bool("isAllDay", w.allDay)
	o.Object("start", wall(start, name))
	o.Object("end", wall(w.end.In(endLoc), endName))
	switch {
	case w.rule != "":
		rule, err := recur.Parse(string(w.rule))
		if err != nil {
			return fault.Wrong(fault.BadValue, "recurrence", "outlook: %s", err)
		}
		pattern, err := patternOf(rule, start, name)
		if err != nil {
			return err
		}
		o.Object("recurrence", pattern)
	case series:
		o.Null("recurrence")
	}
	return nil
}

// told finds the zone in which moments are told to Graph: the one given if Windows knows it and its clock shows each of them
// once, else UTC. Graph reckons with the rules of the Windows zone, so the wall time is taken from those.
func (w when) told(name string, moments ...time.Time) (*time.Location, string) {
	windows, ok := zone.Windows(name)
	if w.allDay || name == "" || !ok {
		return time.UTC, "UTC"
	}
	rules, ok := zone.Load(windows)
	if !ok || w.rule == "" && slices.ContainsFunc(moments, func(t time.Time) bool { return !certain(t, rules) }) {
		return time.UTC, "UTC"
	}
	return rules, windows
}

func wall(t time.Time, zone string) (o graph.Object) {
	o.String("dateTime", t.Format(wallLayout))
	o.String("timeZone", zone)
	return o
}

// certain reports whether a wall time stands for one instant only: when clocks are put back, an hour comes twice.
func certain(t time.Time, loc *time.Location) bool {
	text := t.In(loc).Format(wallLayout)
	for _, d := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		if t.Add(d).In(loc).Format(wallLayout) == text || t.Add(-d).In(loc).Format(wallLayout) == text {
			return false
		}
	}
	return true
}
