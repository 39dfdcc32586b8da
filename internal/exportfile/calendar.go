package exportfile

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// Calendar writes events as iCalendar (RFC 5545). Nobody in it is an ATTENDEE: a program that takes the file in must not
// take that for a reason to invite people. Participants are CONTACTs, which are only told of; importfile knows them again.
type Calendar struct {
	out    *folder
	about  CalendarOptions
	fields []record.Def
	zones  map[string]bool // those whose rules stand in the file
	begun  bool
}

// CalendarOptions say what a calendar consists of beside its events.
type CalendarOptions struct {
	Origin string // host of this Tandem, by which its events are known from all others
	Now    time.Time
	Name   func(crm.Record) string // of an event without a title
	// People tells who takes part in an event, "Adele Vance <adele@contoso.example>" each; nil: nobody is told.
	People func(crm.Record) []string
}

// NewCalendar writes a calendar.
func NewCalendar(w io.Writer, o CalendarOptions, schema *record.Schema) *Calendar {
	return &Calendar{out: &folder{out: w}, about: o, fields: Told(schema), zones: map[string]bool{}}
}

func (w *Calendar) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	_, err := io.WriteString(w.out, "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:"+importfile.OwnProduct+"\nCALSCALE:GREGORIAN\n")
	return err
}

// Close ends the calendar.
func (w *Calendar) Close() error {
	if err := w.begin(); err != nil {
		return err
	}
	_, err := io.WriteString(w.out, "END:VCALENDAR\n")
	return err
}

// component writes one component; the library checks what must be in it.
func (w *Calendar) component(c *ical.Component) error {
	return ical.NewEncoder(w.out).Encode(&ical.Calendar{Component: c})
}

// Write writes an event; of a series also its changed occurrences, each with its RECURRENCE-ID, and in our own words for whoever
// brings the file back. The rules of a zone come
// before the first event that needs them.
func (w *Calendar) Write(r crm.Record) error {
	if err := w.begin(); err != nil {
		return err
	}
	series, ok := crm.SeriesOf(r.Fields)
	if !ok {
		return fault.New(fault.Broken, "", "exportfile: event %d says no time", r.ID)
	}
	uid := UID(r.Kind, r.ID, w.about.Origin)
	all := []*event{w.event(r, uid)}
	if series.Repeats() {
		all[0].repeat(series)
		for _, changed := range record.Occurrences(r.Fields[record.Changed]) {
			o, ok := series.On(changed.Day)
			if !ok {
				continue // it is left out
			}
			one := r
			one.Fields = o.Over(r.Fields)
			for _, name := range []record.Field{record.Recurring, record.Excluded, record.Changed} {
				one.Fields[name] = ""
			}
			e := w.event(one, uid)
			at, _ := recur.OnDay(series.First().Start, changed.Day)
			e.moment(ical.PropRecurrenceID, at, r.Fields[record.AllDay] == "true")
			all = append(all, e)
		}
	}
	for _, e := range all {
		for _, loc := range e.zones {
			if w.zones[loc.String()] {
				continue
			}
			w.zones[loc.String()] = true
			if err := w.component(zoneRules(loc)); err != nil {
				return err
			}
		}
		e.rest(w.fields)
		if err := w.component(e.Component); err != nil {
			return err
		}
	}
	return nil
}

// event is an event as it is written.
type event struct {
	*ical.Component
	fields record.Fields
	said   map[record.Field]bool
	zones  []*time.Location
}

func (e *event) set(name, value string) { e.Props.Set(&ical.Prop{Name: name, Value: value}) }

// has is the value of a field that is from now on said.
func (e *event) has(name record.Field) string {
	e.said[name] = true
	return string(e.fields[name])
}

// moment says a time in its own zone, or a day.
func (e *event) moment(name string, at time.Time, day bool) {
	p := ical.NewProp(name)
	switch {
	case day:
		p.Params.Set(ical.ParamValue, string(ical.ValueDate))
		p.Value = at.Format("20060102")
	case at.Location() == time.UTC || at.Location().String() == "UTC":
		p.Value = at.Format("20060102T150405Z")
	default:
		p.Params.Set(ical.PropTimezoneID, at.Location().String())
		p.Value = at.Format("20060102T150405")
		e.zones = append(e.zones, at.Location())
	}
	e.Props.Set(p)
}

func (w *Calendar) event(r crm.Record, uid string) *event {
	e := &event{Component: ical.NewComponent(ical.CompEvent), fields: r.Fields, said: map[record.Field]bool{}}
	stamp := func(at time.Time) string { return at.UTC().Format("20060102T150405Z") }
	e.set(ical.PropUID, escaped(uid))
	e.set(ical.PropDateTimeStamp, stamp(w.about.Now))
	e.set(ical.PropCreated, stamp(r.CreatedAt))
	e.set(ical.PropLastModified, stamp(r.ModifiedAt))
	title := e.has(record.EventTitle)
	if title == "" && r.Veiled {
		title = w.about.Name(r)
	}
	e.set(ical.PropSummary, escaped(title))
	e.said[record.EventTitle] = oneLine(e.fields[record.EventTitle])
	e.times()
	if e.fields[record.Venue] != "" {
		e.set(ical.PropLocation, escaped(e.has(record.Venue)))
		e.said[record.Venue] = oneLine(e.fields[record.Venue])
	}
	if e.fields[record.Description] != "" {
		e.set(ical.PropDescription, escaped(e.has(record.Description)))
	}
	if e.fields[record.Tag] != "" {
		names := strings.Split(e.has(record.Tag), "\n")
		for i, name := range names {
			e.said[record.Tag] = e.said[record.Tag] && oneLine(record.Value(name))
			names[i] = escaped(name)
		}
		e.set(ical.PropCategories, strings.Join(names, ","))
	}
	e.words()
	if minutes := e.fields[record.RemindAt]; minutes != "" && !r.Veiled {
		e.alarm(e.has(record.RemindAt), title)
	}
	if w.about.People != nil && !r.Veiled {
		for _, who := range w.about.People(r) {
			e.Props.Add(&ical.Prop{Name: ical.PropContact, Value: escaped(who)})
		}
	}
	return e
}

// times says the start and the end; of an event without length only the start, because an end must be later (RFC 5545 §3.8.2.2).
// Where one of them is an hour that the clocks show twice, only UTC says which is meant; then the zones are said besides.
func (e *event) times() {
	allDay := e.has(record.AllDay) == "true"
	layout := time.RFC3339
	if allDay {
		layout = time.DateOnly
	}
	var ends [2]time.Time
	twice := false
	for i, field := range [...]record.Field{record.Start, record.End} {
		at, err := time.Parse(layout, e.has(field))
		if err != nil {
			return // crm.SeriesOf has read it
		}
		if ends[i] = at; !allDay {
			ends[i] = at.In(zoneOf(field, e.fields))
			twice = twice || !recur.Attach(wallOf(ends[i]), ends[i].Location()).Equal(at)
		}
	}
	e.said[record.TimeZone] = !twice
	if twice {
		ends[0], ends[1] = ends[0].UTC(), ends[1].UTC()
	}
	e.moment(ical.PropDateTimeStart, ends[0], allDay)
	if ends[1].After(ends[0]) {
		e.moment(ical.PropDateTimeEnd, ends[1], allDay)
		e.said[record.EndTimeZone] = !twice
	}
}

// words are the fields that are one of a few words. What iCalendar has no word for, Outlook may have.
func (e *event) words() {
	show := e.has(record.ShowAs)
	e.set(ical.PropTransparency, "OPAQUE")
	if show == "free" {
		e.set(ical.PropTransparency, "TRANSPARENT")
	}
	busy := map[string]string{"free": "FREE", "tentative": "TENTATIVE", "oof": "OOF", "workingElsewhere": "WORKINGELSEWHERE"}[show]
	if busy == "" {
		busy = "BUSY"
	}
	e.set("X-MICROSOFT-CDO-BUSYSTATUS", busy)
	e.said[record.ShowAs] = !slices.Contains([]string{"tentative", "oof", "workingElsewhere"}, show)

	class := map[string]string{"private": "PRIVATE", "confidential": "CONFIDENTIAL"}[string(e.fields[record.Sensitivity])]
	if class == "" {
		class = "PUBLIC"
	}
	e.set(ical.PropClass, class)
	e.said[record.Sensitivity] = e.fields[record.Sensitivity] != "personal"

	if n := map[string]string{"high": "1", "low": "9"}[e.has(record.Importance)]; n != "" {
		e.set(ical.PropPriority, n)
	}
}

func (e *event) alarm(minutes, title string) {
	a := ical.NewComponent(ical.CompAlarm)
	for name, value := range map[string]string{ical.PropAction: "DISPLAY", ical.PropTrigger: "-PT" + minutes + "M", ical.PropDescription: escaped(title)} {
		a.Props.Set(&ical.Prop{Name: name, Value: value})
	}
	e.Children = append(e.Children, a)
}

// repeat writes the rule and the days left out. UNTIL, which we keep as a day, is said as RFC 5545 asks: of the kind of DTSTART,
// and of a time in UTC.
func (e *event) repeat(s crm.Series) {
	rule, err := recur.Parse(e.has(record.Recurring))
	if err != nil {
		return // then crm says that it does not repeat
	}
	first := s.First()
	if !first.AllDay {
		// An ambiguous hour, too: a rule goes by the wall. Which of the two is meant, if it is not the first, is then said besides.
		e.moment(ical.PropDateTimeStart, first.Start, false)
		e.said[record.Start] = recur.Attach(wallOf(first.Start), first.Start.Location()).Equal(first.Start)
		if last, ok := recur.OnDay(first.Start, rule.Until); ok && rule.Until != "" {
			rule.Until = last.UTC().Format("2006-01-02T15:04:05Z")
		}
	}
	e.set(ical.PropRecurrenceRule, rule.String())
	for day := range strings.SplitSeq(e.has(record.Excluded), ",") {
		at, ok := recur.OnDay(first.Start, day)
		if !ok {
			continue
		}
		had := e.Props[ical.PropExceptionDates]
		e.moment(ical.PropExceptionDates, at, first.AllDay)
		e.Props[ical.PropExceptionDates] = append(had, e.Props[ical.PropExceptionDates]...)
	}
}

// rest writes the fields that no property says.
func (e *event) rest(fields []record.Def) {
	for _, d := range fields {
		v := e.fields[d.Name]
		if v == "" || e.said[d.Name] || d.Type == record.Bool && v == "false" {
			continue
		}
		e.Props.Add(&ical.Prop{Name: importfile.OwnField, Value: escaped(string(d.Name)) + ";" + escaped(string(v))})
	}
}

// offset is a distance from UTC as iCalendar writes it.
func offset(seconds int) string {
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	text := fmt.Sprintf("%s%02d%02d", sign, seconds/3600, seconds/60%60)
	if seconds%60 != 0 {
		text += fmt.Sprintf("%02d", seconds%60)
	}
	return text
}
