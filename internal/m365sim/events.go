package m365sim

import (
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
)

// maxSubject is what Exchange keeps of a subject, in characters (fact sheet §3.2).
const maxSubject = 255

// calendar is the calendar that the path names, or the default one; the event's id stands at the next place.
// inAny says that the event may be in any calendar of the mailbox. The caller holds the mailbox's lock.
func (c *call) calendar() (f *folder, next int, inAny bool, err *graphError) {
	if strings.HasPrefix(c.route.pattern, "/me/calendars/") {
		f, err = c.box.folder(c.id(0), calendarFolder, false)
		return f, 1, false, err
	}
	return c.box.defaultFolder(calendarFolder), 0, strings.HasPrefix(c.route.pattern, "/me/events"), nil
}

// event finds the event that the path names. stored is what the mailbox keeps: for an occurrence its master, and
// seen is then the occurrence itself. The caller holds the mailbox's lock.
func (c *call) event() (stored, seen *item, err *graphError) {
	f, at, inAny, err := c.calendar()
	if err != nil {
		return nil, nil, err
	}
	stored, r, err := c.box.find(c.id(at), calendarFolder)
	if err != nil {
		return nil, nil, err
	}
	if !inAny && stored.folder != f {
		return nil, nil, errItemNotFound
	}
	if r.kind == idItem {
		return stored, stored, nil
	}
	e := stored.event
	if e.rule == nil || e.pattern != r.place || !e.rule.has(r.day) {
		return nil, nil, errItemNotFound
	}
	if seen = stored.occurrence(r.day); seen == nil {
		return nil, nil, errItemNotFound
	}
	return stored, seen, nil
}

func (c *call) postEvent() *graphError {
	r, err := eventSchema.read(c.body)
	if err != nil {
		return err
	}
	it := &item{event: &eventPart{response: "organizer", organizer: c.box.ownerAddress()}}
	if err := c.s.applyEvent(it, r); err != nil {
		return err
	}
	transaction := it.props.text(eventTransaction)

	c.box.mu.Lock()
	f, _, _, err := c.calendar()
	if err == nil {
		err = c.repeated(transaction)
	}
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	it.event.uid = c.box.newUID()
	if truthy(r.doc, eventOnline) {
		it.goOnline()
	}
	c.box.insert(it, f)
	if transaction != "" {
		c.box.made[transaction] = it.n
	}
	c.box.mu.Unlock()

	c.created()
	c.showEvent(it, &options{})
	c.box.announce(it, changeCreated)
	c.sendMeeting(nil, it)
	return nil
}

// repeated refuses a transactionId that was used before, even when that event is deleted by now (§3.6).
func (c *call) repeated(transaction string) *graphError {
	n, ok := c.box.made[transaction]
	if !ok || transaction == "" {
		return nil
	}
	w := c.s.warts.Load()
	refused := newGraphError(http.StatusBadRequest, "ErrorDuplicateTransactionId",
		"Your request can't be completed. The TransactionId specified in the request has already been used to create a different event.")
	if w.DuplicateTransactionStatus != 0 {
		refused.status = w.DuplicateTransactionStatus
	}
	if !w.NoExistingEventID {
		refused.extra = map[string]string{"@event.existingEventId": c.box.itemID(c.box.items[n-1], c.prefer.immutable)}
	}
	return refused
}

func (box *mailbox) ownerAddress() address {
	p := box.owner.Load()
	return address{p.DisplayName, p.Mail}
}

// newUID makes the part of iCalUId that belongs to the event. The caller holds mu.
func (box *mailbox) newUID() (uid [16]byte) {
	uid = uuid.MustParse(box.owner.Load().ID)
	binary.BigEndian.PutUint32(uid[12:], uint32(len(box.items)+1))
	return uid
}

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
		e.exceptions, e.cancelled = nil, nil
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
	return a != nil && b != nil && string(a.append(nil)) == string(b.append(nil))
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

func (c *call) showEvent(it *item, o *options) {
	v := c.view(o)
	v.single = true
	c.out = appendEvent(c.context(c.out, "events/$entity"), it, v, true)
}

func (c *call) getEvent() *graphError {
	o, err := c.options(eventSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	_, seen, err := c.event()
	c.box.mu.Unlock()
	if err != nil {
		return err
	}
	c.showEvent(seen, &o)
	return nil
}

func (c *call) listEvents() *graphError {
	o, err := c.options(eventSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	f, _, _, err := c.calendar()
	var p page
	if err == nil {
		p, err = c.page(f, &o, eventLookup)
	}
	c.box.mu.Unlock()
	if err != nil {
		return err
	}
	c.writePage(eventSchema, p, &o, "events")
	return nil
}

func (c *call) patchEvent() *graphError {
	r, err := eventSchema.read(c.body)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	stored, seen, err := c.event()
	if err == nil {
		err = c.precondition(seen.change, false)
	}
	var it *item
	if err == nil {
		if seen == stored {
			it, err = c.changeEvent(stored, r)
		} else {
			it, err = c.changeOccurrence(stored, seen, r)
		}
	}
	c.box.mu.Unlock()
	if err != nil {
		return err
	}
	now := it
	if seen != stored {
		now = it.occurrence(seen.event.slot.day)
	}
	c.showEvent(now, &options{})
	c.box.announce(it, changeUpdated)
	c.sendMeeting(seen, now)
	return nil
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
	c.box.replace(&it)
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
	c.box.replace(&it)
	x.change, x.modified = it.change, it.modified
	return &it, nil
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

func (c *call) deleteEvent() *graphError {
	c.box.mu.Lock()
	stored, seen, err := c.event()
	if err == nil {
		err = c.precondition(seen.change, false)
	}
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	it := c.takeAway(stored, seen)
	c.box.mu.Unlock()

	c.noContent()
	if seen == stored {
		c.box.announce(stored, changeDeleted)
	} else {
		c.box.announce(it, changeUpdated)
	}
	c.callOff(seen)
	return nil
}

// takeAway deletes an event, or one occurrence of a series, which leaves the date in cancelledOccurrences.
func (c *call) takeAway(stored, seen *item) *item {
	if seen == stored {
		return c.box.remove(stored)
	}
	day := seen.event.slot.day
	it := *stored
	series := *stored.event
	it.event = &series
	at, _ := slices.BinarySearch(series.cancelled, day)
	series.cancelled = slices.Insert(slices.Clone(series.cancelled), at, day)
	series.exceptions = slices.DeleteFunc(slices.Clone(series.exceptions), func(x *exception) bool { return x.day == day })
	c.box.replace(&it)
	return &it
}

// cancelEvent is what an organizer does to call a meeting off with a word to everybody (fact sheet §3.1).
func (c *call) cancelEvent() *graphError {
	c.box.mu.Lock()
	_, seen, err := c.event()
	c.box.mu.Unlock()
	if err != nil {
		return err
	}
	if seen.event.response != "organizer" {
		return badRequest("ErrorInvalidRequest", "Your request can't be completed. You need to be an organizer to cancel a meeting.")
	}
	if err := c.deleteEvent(); err != nil {
		return err
	}
	c.status = http.StatusAccepted
	return nil
}

// maxDays bounds a calendarView (fact sheet §3.1).
const maxDays = 1825

// window reads startDateTime and endDateTime: an offset counts, without one UTC is meant.
func (c *call) window() (from, to time.Time, refused *graphError) {
	for _, p := range []struct {
		name string
		into *time.Time
	}{{"StartDateTime", &from}, {"EndDateTime", &to}} {
		text := c.query.get(p.name)
		t, err := parseMoment(text)
		if err != nil {
			return from, to, badRequest("ErrorInvalidParameter", "The value '"+text+"' of parameter '"+p.name+"' is invalid.")
		}
		*p.into = t
	}
	if to.Before(from) {
		return from, to, badRequest("ErrorInvalidParameter", "The end of the range is before its start.")
	}
	if to.Sub(from) > maxDays*24*time.Hour {
		return from, to, badRequest("ErrorInvalidRequest",
			"The range between the start and end dates is greater than the allowed range. Maximum number of days: "+strconv.Itoa(maxDays))
	}
	return from, to, nil
}

// calendarView expands series within a window.
func (c *call) calendarView() *graphError {
	o, err := c.options(eventSchema)
	if err != nil {
		return err
	}
	from, to, err := c.window()
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	f, _, _, err := c.calendar()
	if err != nil {
		c.box.mu.Unlock()
		return err
	}
	var all []*item
	for _, m := range f.members.list {
		if it := m.current(c.box, f); it != nil {
			all = it.within(from, to, all)
		}
	}
	c.box.mu.Unlock()
	return c.writeWindow(all, &o)
}

// within appends what of an event falls into a window: itself, or the occurrences of a series.
func (it *item) within(from, to time.Time, all []*item) []*item {
	if it.event.rule == nil {
		if it.touches(from, to) {
			all = append(all, it)
		}
		return all
	}
	it.expand(from, to, func(occurrence *item) bool {
		all = append(all, occurrence)
		return true
	})
	return all
}

// listInstances expands one series within a window.
func (c *call) listInstances() *graphError {
	o, err := c.options(eventSchema)
	if err != nil {
		return err
	}
	from, to, err := c.window()
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	stored, seen, err := c.event()
	c.box.mu.Unlock()
	if err != nil {
		return err
	}
	if stored.event.rule == nil || seen != stored {
		return badRequest("ErrorCalendarIsNotARecurringMaster", "Your request can't be completed. The event is not a series master.")
	}
	return c.writeWindow(stored.within(from, to, nil), &o)
}

// writeWindow sorts, filters and pages expanded events.
func (c *call) writeWindow(all []*item, o *options) *graphError {
	if o.filter != nil {
		all = slices.DeleteFunc(all, func(it *item) bool { return !o.filter.holds(eventLookup(c.box, it)) })
	}
	order := o.order
	if len(order) == 0 {
		order = []ordering{{path: "start/dateTime"}}
	}
	sortItems(c.box, all, order, eventLookup)
	at := o.skip
	if o.skipToken != "" {
		t, err := c.openToken(o.skipToken, tokenSkip)
		if err != nil {
			return err
		}
		at = int(t.position)
	}
	at = min(at, len(all))
	end := min(at+o.top, len(all))
	c.writePage(eventSchema, page{items: all[at:end], total: len(all), next: uint64(end), more: end < len(all)}, o, "calendarView")
	return nil
}
