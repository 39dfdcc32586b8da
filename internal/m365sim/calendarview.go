package m365sim

import (
	"slices"
	"strconv"
	"time"
)

// Windows on a calendar: series expanded into occurrences (fact sheet §3.1).

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

// calendarView expands series within a window. The two dates of an item cannot be selected there (§3.1).
func (c *call) calendarView() *graphError {
	o, err := c.options(eventSchema)
	if err != nil {
		return err
	}
	if o.chosen&(1<<eventCreated|1<<eventModified) != 0 {
		return badRequest("ErrorInvalidParameter", "createdDateTime and lastModifiedDateTime cannot be selected in a calendarView.")
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
