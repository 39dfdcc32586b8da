package m365sim

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// What a document that was sent makes of an event: the rules of times, series and exceptions (fact sheet §3.2-3.5).

// maxSubject is what Exchange keeps of a subject, in characters (fact sheet §3.2).
const maxSubject = 255

func truthy(d doc, at int) bool { return d.get(at) == "true" }

// applyEvent puts a received document into an event that is being made or changed. it is the caller's own copy.
func (s *Sim) applyEvent(it *item, r received) *graphError {
	e := it.event
	created := e.start.zone == nil
	oldRule, oldStart, oldEnd, wasAllDay := e.rule, e.start, e.end, e.allDay
	if err := readMoments(e, r.doc); err != nil {
		return err
	}
	if raw := r.doc.get(eventAllDay); raw != "" {
		e.allDay = raw == "true"
	}
	if err := e.checkTimes(); err != nil {
		return err
	}
	if subject := r.doc.text(eventSubject); utf8.RuneCountInString(subject) > maxSubject {
		if s.warts.Load().RefuseLongSubject {
			return errTooLong
		}
		r.doc = r.doc.set(eventSubject, quoted(string([]rune(subject)[:maxSubject])))
	}
	if err := e.applyRecurrence(r.doc.get(eventRecurrence)); err != nil {
		return err
	}
	if r.doc.get(eventTransaction) != "" && !created && r.doc.text(eventTransaction) != it.props.text(eventTransaction) {
		return badRequest("ErrorInvalidPropertySet", "The property 'transactionId' cannot be changed.")
	}
	changed := !created && (oldRule != nil || e.rule != nil) &&
		(!sameRule(oldRule, e.rule) || oldStart != e.start || oldEnd != e.end || wasAllDay != e.allDay)
	if changed { // a new pattern or new times: exceptions go, and so do the ids of occurrences (§3.5)
		if s.warts.Load().KeepExceptions && e.rule != nil {
			e.exceptions = slices.DeleteFunc(slices.Clone(e.exceptions), func(x *exception) bool { return !e.rule.has(x.day) })
			e.cancelled = slices.DeleteFunc(slices.Clone(e.cancelled), func(day int32) bool { return !e.rule.has(day) })
		} else {
			e.exceptions, e.cancelled = nil, nil
		}
		e.pattern++
	}
	it.props = it.props.merge(mirrorLocations(r.doc.without(unstored...)))
	it.extended = mergeExtended(it.extended, r.extended)
	return nil
}

func readMoments(e *eventPart, d doc) (err *graphError) {
	if raw := d.get(eventStart); raw != "" {
		if e.start, err = readMoment(raw, "start"); err != nil {
			return err
		}
	}
	if raw := d.get(eventEnd); raw != "" {
		if e.end, err = readMoment(raw, "end"); err != nil {
			return err
		}
	}
	if e.start.zone == nil || e.end.zone == nil {
		return invalidProperty("start", "an event needs a start and an end")
	}
	return nil
}

// checkTimes holds the rules of §3.3: a whole day is midnight to midnight in one zone.
func (e *eventPart) checkTimes() *graphError {
	if e.start.wall.Year() < 1601 || e.end.wall.Year() > 4500 { // the range of Exchange's own times
		return invalidProperty("start", "the year is out of range")
	}
	if e.end.instant().Before(e.start.instant()) {
		return badRequest("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")
	}
	if !e.allDay {
		return nil
	}
	midnight := func(t time.Time) bool { return t.Equal(t.Truncate(24 * time.Hour)) }
	if !midnight(e.start.wall) || !midnight(e.end.wall) || e.start.zone.name != e.end.zone.name {
		return invalidProperty("isAllDay", "start and end of a whole day are midnight in the same time zone")
	}
	if !e.end.wall.After(e.start.wall) {
		return invalidProperty("isAllDay", "a whole day lasts at least 24 hours")
	}
	return nil
}

// applyRecurrence reads the pattern that was sent, if any. A series begins where its pattern first fits.
func (e *eventPart) applyRecurrence(raw string) *graphError {
	switch {
	case raw == "null":
		e.rule = nil
	case raw != "":
		rule, err := readRecurrence(raw, e.start)
		if err != nil {
			return err
		}
		e.rule = rule
	case e.rule != nil: // the start may have moved, and the range begins with it
		rule := *e.rule
		rule.startDay = dayOf(rule.zone.wall(e.start.instant()))
		e.rule = &rule
	}
	if e.rule == nil {
		return nil
	}
	first, ok := e.rule.firstFrom(e.rule.startDay)
	if !ok {
		return invalidProperty("recurrence", "no date fits the pattern")
	}
	if later := first - e.rule.startDay; later > 0 {
		e.start.wall = e.start.wall.AddDate(0, 0, int(later))
		e.end.wall = e.end.wall.AddDate(0, 0, int(later))
		rule := *e.rule
		rule.startDay = first
		e.rule = &rule
	}
	return nil
}

func sameRule(a, b *recurrence) bool {
	return a != nil && b != nil && string(a.append(nil, false)) == string(b.append(nil, false))
}

// without returns the doc less some rows.
func (d doc) without(rows ...int) doc {
	out := make(doc, 0, len(d))
	for _, s := range d {
		if !slices.Contains(rows, int(s.at)) {
			out = append(out, s)
		}
	}
	return out
}

// mirrorLocations keeps location and locations alike: each replaces the other (fact sheet §3.2).
func mirrorLocations(d doc) doc {
	if one := d.get(eventLocation); one != "" {
		if one == "null" {
			return d.clear(eventLocations)
		}
		return d.set(eventLocations, "["+one+"]")
	}
	if all := d.get(eventLocations); all != "" {
		first := gjson.Get(all, "0").Raw
		if first == "" || first == "null" {
			return d.clear(eventLocation, eventLocations)
		}
		return d.set(eventLocation, first)
	}
	return d
}

// clear returns the doc with clearing marks for some rows.
func (d doc) clear(rows ...int) doc {
	out := d.without(rows...)
	for _, at := range rows {
		out = append(out, stored{uint8(at), "null"})
	}
	slices.SortFunc(out, func(a, b stored) int { return int(a.at) - int(b.at) })
	return out
}

// changeEvent puts a changed copy of a single event or a master in its place.
func (c *call) changeEvent(old *item, r received) (*item, *graphError) {
	it := *old
	part := *old.event
	it.event = &part
	if err := c.s.applyEvent(&it, r); err != nil {
		return nil, err
	}
	switch {
	case truthy(r.doc, eventOnline) && part.joinURL == "":
		it.goOnline()
	case r.has(eventBody) && part.joinURL != "" && !strings.Contains(r.doc.get(eventBody), part.joinURL):
		part.joinURL = "" // the blob went with the old body (FIELD-FAILURES 96)
	}
	if c.box.replace(&it); part.rule != nil {
		part.exceptions = slices.Clone(part.exceptions)
		c.shareVersion(&it)
	}
	return &it, nil
}

// goOnline gives the event a meeting link, and its body the block that carries it.
func (it *item) goOnline() {
	e := it.event
	e.joinURL = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_" + strings.ToLower(string(it.appendUID(nil)[72:])) + "%40thread.v2/0"
	kind, content := it.body()
	if kind == "text" {
		content = textHead + content + textTail
	}
	content += "<br><div>________________________________________________________________________________</div>" +
		"<div class=\"me-email-text\"><a class=\"me-email-headline\" href=\"" + e.joinURL + "\">Join the meeting now</a></div>"
	it.props = it.props.set(eventBody, `{"contentType":"html","content":`+quoted(content)+`}`)
}

// changeOccurrence makes an exception of an occurrence, or changes the one that it is.
func (c *call) changeOccurrence(master, seen *item, r received) (*item, *graphError) {
	if raw := r.doc.get(eventRecurrence); raw != "" && raw != "null" {
		return nil, badRequest("ErrorCalendarIsNotARecurringMaster", "An occurrence has no recurrence of its own.")
	}
	day := seen.event.slot.day
	changed := *seen
	part := *seen.event
	part.rule, part.slot = nil, nil
	changed.event = &part
	r.doc = r.doc.without(eventRecurrence, eventTransaction)
	if err := c.s.applyEvent(&changed, r); err != nil {
		return nil, err
	}
	x := exception{day: day, start: part.start, end: part.end, allDay: part.allDay}
	if old := master.event.exceptionOn(day); old != nil {
		x = *old
		x.start, x.end, x.allDay = part.start, part.end, part.allDay
	}
	x.moved = x.moved || part.start != seen.event.start || part.end != seen.event.end || part.allDay != seen.event.allDay
	if x.moved && master.event.crossesNeighbour(day, part.start) {
		return nil, badRequest("ErrorOccurrenceCrossingBoundary", "Modified occurrence is crossing or overlapping adjacent occurrence.")
	}
	x.props = mirrorLocations(overlay(x.props, r.doc.without(unstored...)))
	x.extended = mergeExtended(x.extended, r.extended)

	it := *master
	series := *master.event
	it.event = &series
	series.exceptions = series.withException(&x)
	change, modified := c.replaceMaster(&it)
	now := *series.exceptionOn(day)
	now.change, now.modified = change, modified
	series.exceptions = series.withException(&now)
	return &it, nil
}

// replaceMaster puts a series with changed occurrences in its place and gives the version of what was changed.
func (c *call) replaceMaster(it *item) (change uint64, modified time.Time) {
	if c.s.warts.Load().ExceptionsLeaveMaster {
		c.box.items[it.n-1] = it
		return c.box.next()
	}
	c.box.replace(it)
	c.shareVersion(it)
	return it.change, it.modified
}

func (c *call) shareVersion(master *item) {
	if !c.s.warts.Load().ExceptionsShareVersion {
		return
	}
	for i, x := range master.event.exceptions {
		same := *x
		same.change, same.modified = master.change, master.modified
		master.event.exceptions[i] = &same
	}
}

// overlay merges two sets of overrides; a clearing mark stays, as it hides what the master has.
func overlay(have, change doc) doc {
	rows := make([]int, len(change))
	for i, s := range change {
		rows[i] = int(s.at)
	}
	out := append(have.without(rows...), change...)
	slices.SortFunc(out, func(a, b stored) int { return int(a.at) - int(b.at) })
	return out
}

// crossesNeighbour reports whether a new start lies on or past the day of the occurrence before or after.
func (e *eventPart) crossesNeighbour(day int32, start moment) bool {
	at := dayOf(e.rule.zone.wall(start.instant()))
	before, after := int32(-1<<30), int32(1<<30)
	e.rule.days(e.rule.farthest(day), func(d int32) bool {
		if d == day || e.isCancelledOn(d) {
			return true
		}
		shown := d
		if x := e.exceptionOn(d); x != nil && x.moved {
			shown = dayOf(e.rule.zone.wall(x.start.instant()))
		}
		if d < day {
			before = shown
			return true
		}
		after = shown
		return false
	})
	return at <= before || at >= after
}
