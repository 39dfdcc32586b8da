package importfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical"

	"tandem/internal/recur"
	"tandem/internal/zone"
)

// event turns one VEVENT into what is to be inserted.
type event struct {
	*Entry
	component  *ical.Component
	zones      *zones
	details    details
	plan       *Plan
	start, end moment
	rule       string // canonical, "" for none
	excluded   []string
	days       map[string]bool // of occurrences that an event of our own tells; nil: not read yet
	uid        string
	override   *moment // the occurrence that this event changes
}

// What becomes of the properties that have no handler of their own. Those not listed are Custom if they begin with X-,
// else NoField.
var fates = map[string]Reason{
	"UID": Bookkeeping, "DTSTAMP": Bookkeeping, "SEQUENCE": Bookkeeping, "CREATED": Bookkeeping,
	"LAST-MODIFIED": Bookkeeping, "REQUEST-STATUS": Bookkeeping, "PRODID": Bookkeeping, "REV": Bookkeeping,
	"ORGANIZER": InDescription, "URL": InDescription, "CONTACT": InDescription, "COMMENT": InDescription,
	"GEO": InDescription, "RESOURCES": InDescription, "ATTACH": InDescription,
	brokenLine: Unreadable,
}

// labels are what details are called at the end of a description.
var labels = map[string]string{
	"ORGANIZER": "Organizer", "URL": "Web page", "CONTACT": "Contact", "COMMENT": "Comment", "GEO": "Position",
	"RESOURCES": "Resources", "ATTACH": "Attachment", "SUMMARY": "Title", "LOCATION": "Place", "DESCRIPTION": "Description",
}

// maxTwins is how many series with one UID occurrences are looked for in: a file may bring a calendar more than once.
const maxTwins = 20

// events turns the VEVENTs of a file into entries; occurrences that were changed are taken out of their series.
func (z *zones) events(components []*ical.Component) []*Entry {
	var all []*event
	for _, c := range components {
		all = append(all, z.event(c))
	}
	series := map[string][]*event{} // by UID
	for _, e := range all {
		if e.override == nil && e.rule != "" && e.Why == "" && len(series[e.uid]) < maxTwins {
			series[e.uid] = append(series[e.uid], e)
		}
	}
	for _, e := range all {
		if e.override == nil {
			continue
		}
		reason, day := OverrideAlone, ""
		for _, series := range series[e.uid] {
			reason, day = Override, e.override.dayIn(series.start.zone)
			if series.tells(day) {
				reason, e.Within = Implied, true
				break
			}
			series.excluded = append(series.excluded, day)
		}
		e.note("RECURRENCE-ID", e.override.write(), "", reason, day)
	}
	entries := make([]*Entry, len(all))
	for i, e := range all {
		e.finish()
		entries[i] = e.Entry
	}
	return entries
}

// event reads everything but the occurrences that other events change.
func (z *zones) event(c *ical.Component) *event {
	e := &event{Entry: &Entry{Kind: c.Name}, component: c, zones: z, plan: &Plan{Fields: map[string]any{"Event_Title": ""}}}
	if p := c.Props.Get("UID"); p != nil {
		e.uid = p.Value
	}
	e.times()
	e.recurrence()
	handled := map[string]bool{"DTSTART": true, "DTEND": true, "DURATION": true, "RRULE": true, "EXRULE": true,
		"EXDATE": true, "RDATE": true, "RECURRENCE-ID": true}
	for name, field := range map[string]struct {
		key string
		max int
	}{"SUMMARY": {"Event_Title", 255}, "LOCATION": {"Venue", 255}} {
		handled[name] = true
		e.line(name, field.key, field.max)
	}
	handled["DESCRIPTION"], handled["CATEGORIES"], handled[OwnField] = true, true, true
	for _, w := range words {
		handled[w.name] = true
		e.word(w)
	}
	e.description()
	e.categories()
	e.own(c.Props[OwnField])
	names := make([]string, 0, len(c.Props))
	for name := range c.Props {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !handled[name] {
			e.others(name)
		}
	}
	e.alarms()
	e.Name = clip(str(e.plan.Fields["Event_Title"]), 60)
	return e
}

// line takes a property into a field of one line; what does not fit stands whole in the description.
func (e *event) line(name, field string, most int) {
	for i, p := range e.component.Props[name] {
		text := strings.Join(strings.Fields(textOf(p)), " ")
		switch {
		case i > 0:
			e.details.add(labels[name], textOf(p))
			e.note(name, p.Value, "Description", SecondValue)
		case utf8.RuneCountInString(text) > most:
			e.plan.Fields[field] = string([]rune(text)[:most])
			e.details.add(labels[name], textOf(p))
			e.note(name, p.Value, field, TooLong)
		default:
			e.plan.Fields[field] = text
			e.note(name, p.Value, field, "")
		}
	}
}

// words are the properties that are one of a few words, with the words of the CRM's fields. What is as usual stays unsaid
// there: the CRM says so anyway.
var words = []word{
	{"CLASS", "Sensitivity", func(s string) (string, bool) {
		v, ok := map[string]string{"PUBLIC": "", "CONFIDENTIAL": "confidential"}[strings.ToUpper(s)]
		if !ok { // what nobody knows is private, too (RFC 5545 §3.8.1.3)
			v = "private"
		}
		return v, true
	}},
	{"TRANSP", "Show_As", func(s string) (string, bool) {
		v, ok := map[string]string{"OPAQUE": "", "TRANSPARENT": "free"}[strings.ToUpper(s)]
		return v, ok
	}},
	{"PRIORITY", "Importance", func(s string) (string, bool) { // RFC 5545 §3.8.1.9
		n, err := strconv.Atoi(s)
		switch {
		case err != nil || n < 0 || n > 9:
			return "", false
		case n >= 1 && n <= 4:
			return "high", true
		case n >= 6:
			return "low", true
		}
		return "", true
	}},
}

type word struct {
	name, field string
	value       func(text string) (value string, ok bool)
}

func (e *event) word(w word) {
	for i, p := range e.component.Props[w.name] {
		value, ok := w.value(strings.TrimSpace(p.Value))
		switch {
		case i > 0:
			e.note(w.name, p.Value, "", SecondValue)
			continue
		case !ok:
			e.note(w.name, p.Value, "", NoField)
			continue
		case value != "":
			e.plan.Fields[w.field] = value
		}
		e.note(w.name, p.Value, w.field, "")
	}
}

func (e *event) description() {
	for i, p := range e.component.Props["DESCRIPTION"] {
		if i > 0 {
			e.details.add(labels["DESCRIPTION"], textOf(p))
			e.note("DESCRIPTION", p.Value, "Description", SecondValue)
			continue
		}
		e.details.body = textOf(p)
		e.note("DESCRIPTION", p.Value, "Description", "")
	}
}

func (e *event) categories() {
	var tags []map[string]string
	for _, p := range e.component.Props["CATEGORIES"] {
		for _, name := range split(p.Value, ',') {
			if name = strings.Join(strings.Fields(unescape(name)), " "); name != "" {
				tags = append(tags, map[string]string{"name": name})
			}
		}
		e.note("CATEGORIES", p.Value, "Tag", "")
	}
	if len(tags) > 0 {
		e.plan.Fields["Tag"] = tags
	}
}

// others accounts for properties without a field.
func (e *event) others(name string) {
	fate, ok := fates[name]
	switch {
	case !ok && strings.HasPrefix(name, "X-"):
		fate = Custom
	case name == ical.PropAttendee, name == ical.PropContact && e.zones.ours: // who takes part
		e.guests(name)
		return
	case !ok:
		fate = NoField
	}
	for _, p := range e.component.Props[name] {
		reason, field := fate, ""
		if fate == InDescription {
			field = "Description"
			switch {
			case strings.TrimSpace(p.Value) == "":
				reason, field = Empty, ""
			case p.Params.Get("ENCODING") != "" || p.Params.Get("VALUE") == "BINARY":
				reason, field = Binary, ""
			case name == "ORGANIZER":
				e.details.add(labels[name], person(p))
			default:
				e.details.add(labels[name], textOf(p))
			}
		}
		e.note(name, p.Value, field, reason)
	}
}

// person names somebody as a letter would: a name and an address.
func person(p ical.Prop) string {
	address := p.Value
	if scheme, rest, ok := strings.Cut(address, ":"); ok && strings.EqualFold(scheme, "mailto") {
		address = rest
	}
	if name := p.Params.Get("CN"); name != "" && !strings.EqualFold(name, address) {
		return name + " <" + address + ">"
	}
	return address
}

// times reads DTSTART, DTEND and DURATION.
func (e *event) times() {
	starts := e.component.Props["DTSTART"]
	if len(starts) == 0 {
		e.Why = NoStart
	}
	for i, p := range starts {
		if i > 0 {
			e.note("DTSTART", p.Value, "", SecondValue)
			continue
		}
		at, reason, err := e.zones.readMoment(p.Value, tzid(p))
		if err != nil {
			e.Why = BadTime
			e.note("DTSTART", p.Value, "", BadTime)
			continue
		}
		e.start, e.end = at, at
		e.note("DTSTART", p.Value, "Start_DateTime", reason, at.zone)
	}
	said := false
	for i, p := range e.component.Props["DTEND"] {
		at, reason, err := e.zones.readMoment(p.Value, tzid(p))
		switch {
		case i > 0:
			e.note("DTEND", p.Value, "", SecondValue)
		case err != nil || at.day != e.start.day:
			e.note("DTEND", p.Value, "", BadTime)
		case at.at.Before(e.start.at):
			e.note("DTEND", p.Value, "", EndFirst)
		default:
			e.end, said = at, true
			e.note("DTEND", p.Value, "End_DateTime", reason, at.zone)
		}
	}
	for i, p := range e.component.Props["DURATION"] {
		l, ok := readLength(p.Value)
		switch {
		case i > 0 || said:
			e.note("DURATION", p.Value, "", SecondValue)
		case !ok:
			e.note("DURATION", p.Value, "", BadTime)
		case l.after(e.start).at.Before(e.start.at):
			e.note("DURATION", p.Value, "", EndFirst)
		default:
			e.end = l.after(e.start)
			e.note("DURATION", p.Value, "End_DateTime", "")
		}
	}
}

// finish makes the records to insert of what was read.
func (e *event) finish() {
	defer e.sortItems()
	if e.Why != "" || e.Within {
		return
	}
	text, cut := e.details.text()
	if cut {
		e.note("DESCRIPTION", text, "Description", TooLong, fmt.Sprintf("the first %d characters", maxDescription))
	}
	if text != "" {
		e.plan.Fields["Description"] = text
	}
	base := e.plan.Fields
	e.plan.Fields = e.timed(base, e.start, e.end)
	if e.rule != "" {
		series := map[string]string{"RRULE": e.rule}
		if days := slices.Compact(slices.Sorted(slices.Values(e.excluded))); len(days) > 0 {
			series["EXDATE"] = strings.Join(days, ",")
		}
		e.plan.Fields["Recurring_Activity"] = series
	}
	e.plan.UID = e.uid
	if e.override != nil && e.uid != "" {
		e.plan.UID = e.uid + "#" + e.override.write()
	}
	e.Plans = append([]*Plan{e.plan}, e.Plans...)
	for _, extra := range e.Plans[1:] { // extra dates: readExtra left only their times
		times := extra.Fields
		start := times["start"].(moment)
		extra.Fields = e.timed(base, start, times["end"].(moment))
		if e.uid != "" {
			extra.UID = e.plan.UID + "#" + start.write()
		}
	}
}

// timed is a copy of fields with when it takes place.
func (e *event) timed(fields map[string]any, start, end moment) map[string]any {
	out := map[string]any{}
	for k, v := range fields {
		out[k] = v
	}
	if start.day && !end.at.After(start.at) { // RFC 5545: a date without an end is that day
		end = length{days: 1}.after(start)
	}
	out["All_day"] = start.day
	out["Start_DateTime"], out["End_DateTime"] = start.write(), end.write()
	if !start.day {
		if str(out["Time_Zone"]) != "" { // one of our own files, which tells both
			return out
		}
		out["Time_Zone"] = start.zone
		if end.zone != start.zone {
			out["End_Time_Zone"] = end.zone
		}
	}
	return out
}

// recurrence reads RRULE, EXRULE, EXDATE, RDATE and RECURRENCE-ID.
func (e *event) recurrence() {
	if e.Why != "" {
		for _, name := range []string{"RRULE", "EXRULE", "EXDATE", "RDATE", "RECURRENCE-ID"} {
			for _, p := range e.component.Props[name] {
				e.note(name, p.Value, "", e.Why)
			}
		}
		return
	}
	for i, p := range e.component.Props["RRULE"] {
		if i > 0 {
			e.note("RRULE", p.Value, "", BadRule, "a second rule")
			continue
		}
		e.readRule(p)
	}
	for _, p := range e.component.Props["EXRULE"] {
		e.note("EXRULE", p.Value, "", BadRule, "a rule of exceptions")
	}
	for _, p := range e.component.Props["EXDATE"] {
		e.readExcluded(p)
	}
	for _, p := range e.component.Props["RDATE"] {
		e.readExtra(p)
	}
	for i, p := range e.component.Props["RECURRENCE-ID"] {
		at, _, err := e.zones.readMoment(p.Value, tzid(p))
		if i > 0 || err != nil {
			e.note("RECURRENCE-ID", p.Value, "", BadTime)
			continue
		}
		e.override = &at // accounted for once the series are known
	}
}

// first is the start as a series counts it: in its own zone, or midnight UTC.
func (e *event) first() time.Time { return e.start.at }

func (e *event) readRule(p ical.Prop) {
	rule, err := recur.Parse(p.Value)
	if err != nil {
		e.note("RRULE", p.Value, "", BadRule, err.Error())
		return
	}
	rule = rule.Resolve(e.first())
	if rule.Until != "" && rule.Until < e.first().Format(time.DateOnly) {
		e.note("RRULE", p.Value, "", EmptySeries)
		return
	}
	e.rule = rule.String()
	reason := Reason("")
	if on := rule.Between(e.first(), e.first(), e.first().AddDate(0, 0, 1), nil, 1); len(on) == 0 || !on[0].Equal(e.first()) {
		reason = OffRule
	}
	e.note("RRULE", p.Value, "Recurring_Activity", reason)
}

func (e *event) readExcluded(p ical.Prop) {
	reason := Reason("")
	for value := range strings.SplitSeq(p.Value, ",") {
		at, _, err := e.zones.readMoment(value, tzid(p))
		switch {
		case err != nil:
			reason = BadTime
		case !at.day && !e.start.day && e.clock(at) != e.clock(e.start):
			reason = OtherTime
		default:
			e.excluded = append(e.excluded, at.dayIn(e.start.zone))
		}
	}
	e.note("EXDATE", p.Value, "Recurring_Activity", reason)
}

// clock is a moment's time of day in the event's zone.
func (e *event) clock(m moment) string {
	loc, _ := zone.Load(e.start.zone)
	return m.at.In(loc).Format("15:04:05")
}

// readExtra makes events of their own of extra dates.
func (e *event) readExtra(p ical.Prop) {
	reason := ExtraDate
	for value := range strings.SplitSeq(p.Value, ",") {
		from, rest, period := strings.Cut(value, "/")
		at, _, err := e.zones.readMoment(from, tzid(p))
		if err != nil {
			reason = BadTime
			continue
		}
		end := at
		switch l, ok := readLength(rest); {
		case period && ok:
			end = l.after(at)
		case period:
			if until, _, err := e.zones.readMoment(rest, tzid(p)); err == nil {
				end = until
			}
		case at.day:
			end = length{days: int(e.end.wall.Sub(e.start.wall).Hours() / 24)}.after(at)
		default:
			end = length{time: e.end.at.Sub(e.start.at)}.after(at)
		}
		if at.at.Equal(e.start.at) {
			continue // the first occurrence itself
		}
		e.Plans = append(e.Plans, &Plan{Fields: map[string]any{"start": at, "end": end}})
	}
	e.note("RDATE", p.Value, "Start_DateTime", reason)
}
