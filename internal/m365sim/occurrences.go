package m365sim

import (
	"slices"
	"time"
)

// An exception is an occurrence that somebody changed: what differs from the master.
type exception struct {
	day      int32 // of the original start
	props    doc
	extended []extended
	moved    bool // start, end and allDay are its own
	start    moment
	end      moment
	allDay   bool
	change   uint64
	modified time.Time
}

// A slot is the place of an occurrence in its series.
type slot struct {
	day       int32
	original  time.Time // the instant at which the pattern has it
	exception bool
}

// seriesStart is the start of the occurrence that a pattern has on a day, and its end.
func (e *eventPart) times(day int32) (start, end moment) {
	first := e.rule.zone.wall(e.start.instant())
	length := e.end.wall.Sub(e.start.wall)
	if e.end.zone != e.start.zone {
		length = e.end.instant().Sub(e.start.instant())
	}
	wall := dayTime(day).Add(first.Sub(dayTime(dayOf(first))))
	return moment{wall, e.rule.zone}, moment{wall.Add(length), e.rule.zone}
}

// exceptionOn returns the exception of a day; nil when that occurrence is as the pattern has it.
func (e *eventPart) exceptionOn(day int32) *exception {
	i, ok := slices.BinarySearchFunc(e.exceptions, day, func(x *exception, day int32) int { return int(x.day) - int(day) })
	if !ok {
		return nil
	}
	return e.exceptions[i]
}

// withException returns the list with one exception put in or replaced.
func (e *eventPart) withException(x *exception) []*exception {
	i, ok := slices.BinarySearchFunc(e.exceptions, x.day, func(x *exception, day int32) int { return int(x.day) - int(day) })
	if ok {
		list := slices.Clone(e.exceptions)
		list[i] = x
		return list
	}
	return slices.Insert(slices.Clone(e.exceptions), i, x)
}

func (e *eventPart) isCancelledOn(day int32) bool {
	_, ok := slices.BinarySearch(e.cancelled, day)
	return ok
}

// occurrence builds the item that stands for one day of a series; nil when that day has none.
func (master *item) occurrence(day int32) *item {
	e := master.event
	if e.isCancelledOn(day) {
		return nil
	}
	it := *master
	part := *e
	part.start, part.end = e.times(day)
	part.slot = &slot{day: day, original: part.start.instant()}
	part.startZone, part.endZone = e.start.zone.name, e.end.zone.name
	if x := e.exceptionOn(day); x != nil {
		part.slot.exception = true
		if x.moved {
			part.start, part.end, part.allDay = x.start, x.end, x.allDay
		}
		it.props = it.props.merge(x.props)
		it.extended = mergeExtended(it.extended, x.extended)
		it.change, it.modified = x.change, x.modified
	}
	it.event = &part
	return &it
}

// expand calls yield with each occurrence that touches [from, to), exceptions where they have moved to. The
// order is that of the original days. It is bounded by the window, however long the series runs.
func (master *item) expand(from, to time.Time, yield func(*item) bool) {
	e := master.event
	const slack = 2 // days: zones, and the length is added below
	length := int32(e.end.wall.Sub(e.start.wall)/(24*time.Hour)) + slack
	last := dayOf(to) + slack
	open := true
	one := func(day int32) bool {
		it := master.occurrence(day)
		if it != nil && it.touches(from, to) {
			open = yield(it)
		}
		return open
	}
	e.rule.days(last, func(day int32) bool {
		if day < dayOf(from)-length && e.exceptionOn(day) == nil {
			return true
		}
		return one(day)
	})
	for _, x := range e.exceptions { // moved here from beyond the window
		if open && x.day > last {
			one(x.day)
		}
	}
}

// touches reports whether an event overlaps a window. One without length counts where it starts.
func (it *item) touches(from, to time.Time) bool {
	start, end := it.event.start.instant(), it.event.end.instant()
	return start.Before(to) && (end.After(from) || end.Equal(start) && !start.Before(from))
}
