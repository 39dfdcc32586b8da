package m365sim

import (
	"encoding/binary"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

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
	if c.id(at) == "delta" { // declared for v1.0, documented for beta only (§0.1)
		return nil, nil, c.unknown()
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
	if err == nil && f.readOnly {
		err = errAccessDenied
	}
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
	w := c.s.warts.Load()
	if !ok || transaction == "" || w.ForgetTransactions {
		return nil
	}
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
		err = c.precondition(seen.change, c.s.warts.Load().IgnoreEventIfMatch)
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

func (c *call) deleteEvent() *graphError {
	c.box.mu.Lock()
	stored, seen, err := c.event()
	if err == nil {
		err = c.precondition(seen.change, c.s.warts.Load().IgnoreEventIfMatch)
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
	c.replaceMaster(&it)
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
