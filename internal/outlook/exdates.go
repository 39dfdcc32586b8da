package outlook

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
	"tandem/internal/zone"
)

// Days on which a series does not take place (the field exdates) are deleted occurrences at Microsoft. A master names
// them in cancelledOccurrences, as OID.{master}.{date}, and only if one looks at the master itself (reference §3.2).

// cancelled are the days in an answer of that kind.
func cancelled(e *graph.Event) []string {
	var days []string
	for _, id := range e.CancelledOccurrences {
		day := id[strings.LastIndexByte(id, '.')+1:]
		if _, err := time.Parse(time.DateOnly, day); err == nil {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// exdates puts the field into what is told of an event that was looked at by itself.
func exdates(f record.Fields, e *graph.Event) {
	f["exdates"] = record.Value(strings.Join(cancelled(e), ","))
}

// complete looks at the masters among changes (by index) and puts the field into them. A master that is gone by now
// becomes Missing.
func (c *Events) complete(ctx context.Context, changes []record.Change, masters []int) error {
	parts := make([]graph.Part, len(masters))
	for n, i := range masters {
		parts[n] = graph.Get(c.address(changes[i].Ref)+masterQuestion, c.prefer())
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	for n, i := range masters {
		var e graph.Event
		err := results[n].Err
		if err == nil {
			err = graph.Decode(results[n].Body, &e)
		}
		switch {
		case fault.Is(err, fault.NotFound):
			changes[i] = record.Change{Ref: changes[i].Ref, State: record.Missing}
		case err != nil:
			return err
		default:
			changes[i] = c.change(&e)
			exdates(changes[i].Fields, &e)
		}
	}
	return nil
}

// completeFound does the same for the result of Find.
func (c *Events) completeFound(ctx context.Context, found map[string]record.Change) error {
	var tokens []string
	var changes []record.Change
	for token, change := range found {
		if change.Fields["recurrence"] != "" {
			tokens, changes = append(tokens, token), append(changes, change)
		}
	}
	all := make([]int, len(changes))
	for i := range all {
		all[i] = i
	}
	err := c.complete(ctx, changes, all)
	for i, token := range tokens {
		if changes[i].State == record.Present {
			found[token] = changes[i]
		} else {
			delete(found, token)
		}
	}
	return err
}

// finish takes the excluded days out of series that were written: those of their occurrences that are still there are
// deleted. (Exchange forgets deletions when the times of a series change, so these may have to be made again.)
func (c *Events) finish(ctx context.Context, jobs []job[graph.Event]) error {
	var open []*series
	for i := range jobs {
		j := &jobs[i]
		if j.after == nil || j.out.Err != nil || j.after.Recurrence == nil {
			continue
		}
		s := &series{job: j, wanted: days(j.Fields["exdates"])}
		have := cancelled(j.after)
		if j.before != nil {
			if _, said := j.Fields["exdates"]; !said {
				s.wanted = cancelled(j.before)
			}
			if whenOf(j.before) == whenOf(j.after) {
				have = cancelled(j.before)
			}
		}
		j.out.Fields["exdates"] = record.Value(strings.Join(have, ","))
		if s.missing = without(s.wanted, have); len(s.missing) > 0 {
			open = append(open, s)
		}
	}
	if len(open) == 0 {
		return nil
	}
	err := c.exclude(ctx, open)
	for _, s := range open {
		if s.err == nil {
			s.err = err
		}
		if fault.Is(s.err, fault.Invalid) {
			s.out.Err = s.err
		} else if s.err != nil {
			s.out.Err = fault.New(fault.Unavailable, fault.OutcomeUnknown, "outlook: the days without an occurrence: %w", s.err)
		}
	}
	if linkWide(err, false) {
		return err
	}
	return nil
}

// A series is a written master with days that are still to be taken out of it.
type series struct {
	*job[graph.Event]
	wanted, missing []string
	tries           int
	err             error
}

func days(v record.Value) []string {
	if v == "" {
		return nil
	}
	return strings.Split(string(v), ",")
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(day string) bool { return slices.Contains(some, day) })
}

// exclude deletes the occurrences of the missing days, of all series side by side and of each one after another: every
// deletion gives the master another version, and no write is made on a version that was not read.
func (c *Events) exclude(ctx context.Context, open []*series) error {
	for {
		var now []*series
		var parts []graph.Part
		for _, s := range open {
			if s.err == nil && len(s.missing) > 0 {
				now, parts = append(now, s), append(parts, c.instances(s))
			}
		}
		if len(now) == 0 {
			return c.afresh(ctx, open)
		}
		found, err := c.box.Batch(ctx, parts)
		if err != nil {
			return err
		}
		var doomed []*series
		parts = nil
		for i, s := range now {
			occurrence, err := s.on(s.missing[0], found[i])
			switch {
			case err != nil:
				s.err = err
			case occurrence == nil:
				s.missing = s.missing[1:] // the series has nothing on that day
			case guard(occurrence) != nil: // somebody was invited to this one alone
				s.err = guard(occurrence)
			default:
				doomed = append(doomed, s)
				parts = append(parts, graph.Part{
					Method: http.MethodDelete, Path: c.address(record.Ref(occurrence.ID)), IfMatch: occurrence.Version(), Repeatable: true,
				})
			}
		}
		deleted, err := c.box.Batch(ctx, parts)
		if err != nil {
			return err
		}
		for i, s := range doomed {
			const most = 3
			switch err := deleted[i].Err; {
			case err == nil, fault.Is(err, fault.NotFound):
				s.missing, s.tries = s.missing[1:], 0
			case fault.Is(err, fault.Conflict) && s.tries < most:
				s.tries++
			default:
				s.err = err
			}
		}
	}
}

// instances asks for the occurrences around the first missing day.
func (c *Events) instances(s *series) graph.Part {
	day, _ := time.Parse(time.DateOnly, s.missing[0])
	return graph.Get(c.path("events", s.after.ID, "instances")+graph.Query(
		"startDateTime", day.AddDate(0, 0, -1).Format(wallLayout), "endDateTime", day.AddDate(0, 0, 2).Format(wallLayout),
		"$top", "50", "$select", "id,start,isAllDay,originalStart,originalStartTimeZone,type,attendees,organizer,isOrganizer",
	), c.prefer())
}

// on finds the occurrence of a day: by the day that the rule gave it, wherever it may have been moved.
func (s *series) on(day string, r graph.Result) (*graph.Event, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	at := whenOf(s.after)
	loc, ok := zone.Load(at.zone)
	if !ok {
		loc = time.UTC
	}
	var found *graph.Event
	_, err := graph.ReadPage(r.Body, func(e *graph.Event) error {
		start, err := time.Parse(time.RFC3339, e.OriginalStart)
		if err != nil {
			start = instant(e.Start) // as it is told of occurrences that nobody touched
		}
		if at.allDay {
			start = dayOf(start, zoneOf(s.after))
		}
		if start.In(loc).Format(time.DateOnly) == day {
			found = e
		}
		return nil
	})
	return found, err
}

func dayOf(t time.Time, name string) time.Time {
	loc, ok := zone.Load(name)
	if !ok {
		loc = time.UTC
	}
	return day(t, loc)
}

// afresh looks at the series once more, for their versions.
func (c *Events) afresh(ctx context.Context, open []*series) error {
	parts := make([]graph.Part, len(open))
	for i, s := range open {
		parts[i] = graph.Get(c.address(record.Ref(s.after.ID))+masterQuestion, c.prefer())
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	for i, s := range open {
		var e graph.Event
		if results[i].Err == nil {
			results[i].Err = graph.Decode(results[i].Body, &e)
		}
		if results[i].Err != nil {
			s.err = results[i].Err
			continue
		}
		s.after = &e
		s.tell(c)
		exdates(s.out.Fields, &e)
	}
	return nil
}
