package outlook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
	"tandem/internal/recur"
	"tandem/internal/zone"
)

// What was done to single occurrences of a series. Deleted ones are the field exdates: a master names them in
// cancelledOccurrences, as OID.{master}.{date}. Changed ones are the field exceptions: exceptionOccurrences, told as the
// fields in which they differ from the master. Both come only if one looks at the master itself (reference §3.2), and every
// occurrence is known by the day of its originalStart, wherever it may have been moved (FIELD-FAILURES 21).

// ownNames are the fields that an occurrence may have otherwise than its series, besides its time.
var ownNames = func() (out []record.Field) {
	for name := range ownFields(&graph.Event{}) {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}()

// A layout is a series as it is at Microsoft: its rule, and what was done to single occurrences.
type layout struct {
	master   *graph.Event
	at       when
	start    time.Time // of the series, in its zone; all-day: midnight UTC
	rule     recur.Rule
	fields   record.Fields // of the master, ownNames only
	excluded []string
	own      map[string]record.Fields // by day: what differs from the series
	items    map[string]*graph.Event  // by day: the exceptions
}

// layoutOf reads a master that was looked at by itself; false: it is none, or has a rule that we have no words for.
func layoutOf(e *graph.Event) (l layout, ok bool) {
	l = layout{master: e, at: whenOf(e), own: map[string]record.Fields{}, items: map[string]*graph.Event{}}
	rule, err := recur.Parse(string(l.at.rule))
	if l.at.rule == "" || err != nil {
		return l, false
	}
	loc, _ := zone.Load(l.at.zone)
	if l.at.allDay || loc == nil {
		loc = time.UTC
	}
	l.start = l.at.start.In(loc)
	l.rule, l.fields, l.excluded = rule.Resolve(l.start), ownFields(e), cancelled(e)
	var homeless []*graph.Event
	for i := range e.ExceptionOccurrences {
		x := &e.ExceptionOccurrences[i]
		if day, ok := l.dayOf(x); ok {
			l.items[day] = x
		} else {
			homeless = append(homeless, x)
		}
	}
	l.house(homeless)
	for day, x := range l.items {
		if own := l.differences(day, x); len(own) > 0 {
			l.own[day] = own
		}
	}
	return l, true
}

// cancelled are the days of the deleted occurrences.
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

// dayOf is the day of an occurrence, in the zone of the series; false: it does not say where it came from.
func (l *layout) dayOf(x *graph.Event) (string, bool) {
	start, err := time.Parse(time.RFC3339, x.OriginalStart)
	if err != nil {
		if x.Type == "exception" {
			return "", false
		}
		start = instant(x.Start) // as it is told of occurrences that nobody touched
	}
	if l.at.allDay {
		return dayOf(start, zoneOf(l.master)).Format(time.DateOnly), true
	}
	return start.In(l.start.Location()).Format(time.DateOnly), true
}

func dayOf(t time.Time, name string) time.Time {
	loc, ok := zone.Load(name)
	if !ok {
		loc = time.UTC
	}
	return day(t, loc)
}

// house finds days for exceptions that don't say theirs even when asked: the free day nearest to where they are.
func (l *layout) house(homeless []*graph.Event) {
	slices.SortFunc(homeless, func(a, b *graph.Event) int { return instant(a.Start).Compare(instant(b.Start)) })
	for _, x := range homeless {
		at := instant(x.Start)
		best, distance := "", time.Duration(1<<62)
		for _, day := range l.rule.Days(l.start, at.AddDate(0, 0, 1).Format(time.DateOnly)) {
			slot, _ := recur.OnDay(l.start, day)
			if _, taken := l.items[day]; taken || slices.Contains(l.excluded, day) || at.Sub(slot).Abs() >= distance {
				continue
			}
			best, distance = day, at.Sub(slot).Abs()
		}
		if best != "" {
			l.items[best] = x
		}
	}
}

// slot is the time that the rule gives the occurrence of a day.
func (l *layout) slot(day string) when {
	w := l.at
	w.rule = ""
	start, _ := recur.OnDay(l.start, day)
	w.start = start.UTC()
	w.end = w.start.Add(l.at.end.Sub(l.at.start))
	return w
}

// differences are the fields in which an occurrence differs from its series.
func (l *layout) differences(day string, x *graph.Event) record.Fields {
	own, has := record.Fields{}, ownFields(x)
	for _, name := range ownNames {
		if has[name] != l.fields[name] {
			own[name] = has[name]
		}
	}
	is, slot := whenOf(x), l.slot(day)
	if from, err := time.Parse(time.RFC3339, x.OriginalStart); err == nil && !l.at.allDay {
		slot.start, slot.end = from.UTC(), from.UTC().Add(slot.end.Sub(slot.start)) // by Exchange's own reckoning
	}
	if !is.sameTime(slot) && !is.sameTime(l.onTheWall(slot)) {
		is.tellMove(own, slot.allDay)
	}
	return own
}

// onTheWall is a slot that ends when the clock shows what it shows at the end of the first occurrence: on a day on which the
// clocks change, that is another moment.
func (l *layout) onTheWall(slot when) when {
	if loc := l.start.Location(); !slot.allDay {
		lasts := wallOf(l.at.end, loc).Sub(wallOf(l.at.start, loc))
		slot.end = recur.Attach(wallOf(slot.start, loc).Add(lasts), loc).UTC()
	}
	return slot
}

func wallOf(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func (w when) sameTime(x when) bool {
	return w.allDay == x.allDay && w.start.Equal(x.start) && w.end.Equal(x.end)
}

// tellMove writes the time of a moved occurrence into its own fields.
func (w when) tellMove(own record.Fields, seriesAllDay bool) {
	f := record.Fields{}
	w.tell(f)
	own["start"], own["end"] = f["start"], f["end"]
	if w.allDay != seriesAllDay {
		own["isAllDay"] = f["isAllDay"]
	}
}

// tell writes what was done to single occurrences into the fields of the series.
func (l *layout) tell(f record.Fields) {
	f["exdates"] = record.Value(strings.Join(l.excluded, ","))
	var all []record.Occurrence
	for day, own := range l.own {
		all = append(all, record.Occurrence{Day: day, Fields: own})
	}
	f["exceptions"] = record.OccurrencesValue(all)
}

// versionOf is the version of an event. It is not documented that a master gets another etag when one of its occurrences is
// changed, so what was done to them is part of its version: the etag, "#" and a digest.
func versionOf(e *graph.Event, f record.Fields) record.Version {
	if f["exdates"] == "" && f["exceptions"] == "" {
		return record.Version(e.Version())
	}
	sum := sha256.Sum256([]byte(f["exdates"] + "\n" + f["exceptions"]))
	return record.Version(e.Version() + "#" + hex.EncodeToString(sum[:8]))
}

// etagOf is the etag in a version.
func etagOf(v record.Version) string {
	etag, _, _ := strings.Cut(string(v), "#")
	return etag
}

// decode reads a single event.
func (c *Events) decode(ctx context.Context, body []byte, e *graph.Event) error {
	results := []graph.Result{{Body: body}}
	events, err := c.decodeAll(ctx, results)
	if err == nil {
		*e, err = events[0], results[0].Err
	}
	return err
}

// decodeAll reads single events out of the answers to a batch; what cannot be read is the fault of its answer. Exceptions that did not fit into
// one are read from its further pages, and those that don't say where they come from (some mailboxes leave that out of lists) are asked for
// together.
func (c *Events) decodeAll(ctx context.Context, results []graph.Result) ([]graph.Event, error) {
	out := make([]graph.Event, len(results))
	var of []*graph.Event
	var parts []graph.Part
	for i := range results {
		e, r := &out[i], &results[i]
		if r.Err == nil {
			r.Err = graph.Decode(r.Body, e)
		}
		if r.Err == nil && e.MoreExceptions != "" {
			r.Err = graph.All(ctx, c.box, e.MoreExceptions, c.prefer(), func(x *graph.Event) error {
				e.ExceptionOccurrences = append(e.ExceptionOccurrences, *x)
				return nil
			})
		}
		for n := range e.ExceptionOccurrences {
			if x := &e.ExceptionOccurrences[n]; r.Err == nil && x.OriginalStart == "" {
				of, parts = append(of, x), append(parts, graph.Get(c.address(record.Ref(x.ID))+graph.Query("$select", "id,originalStart"), c.prefer()))
			}
		}
	}
	origins, err := c.box.Batch(ctx, parts)
	if err != nil {
		return nil, err
	}
	for i, x := range of {
		var origin graph.Event
		if origins[i].Err == nil && graph.Decode(origins[i].Body, &origin) == nil {
			x.OriginalStart = origin.OriginalStart
		}
	}
	return out, nil
}

// complete looks at the masters among changes (by index), for what was done to single occurrences. A master that is gone by
// now becomes Missing.
func (c *Events) complete(ctx context.Context, changes []record.Change, masters []int) error {
	parts := make([]graph.Part, len(masters))
	for n, i := range masters {
		parts[n] = graph.Get(c.address(changes[i].Ref)+masterQuestion, c.prefer())
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	events, err := c.decodeAll(ctx, results)
	if err != nil {
		return err
	}
	for n, i := range masters {
		switch err := results[n].Err; {
		case fault.Is(err, fault.NotFound):
			changes[i] = record.Change{Ref: changes[i].Ref, State: record.Missing}
		case err != nil:
			return err
		default:
			changes[i] = c.change(&events[n])
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

// audit looks at every series of the calendar and tells those that are not as the ledger has them: should an occurrence be
// changed without a trace on its master, nothing else would tell (FIELD-FAILURES 20).
func (c *Events) audit(ctx context.Context) ([]record.Change, error) {
	var masters []record.Change
	list := c.path("events") + graph.Query("$select", "id,type", "$top", listPage)
	err := graph.All(ctx, c.box, list, "", func(e *graph.Event) error {
		if e.Type == "seriesMaster" {
			masters = append(masters, record.Change{Ref: record.Ref(e.ID)})
		}
		return nil
	})
	if err != nil {
		return nil, passing(err)
	}
	var changed []record.Change
	for page := range slices.Chunk(masters, auditPage) {
		all := make([]int, len(page))
		refs := make([]record.Ref, len(page))
		for i := range page {
			all[i], refs[i] = i, page[i].Ref
		}
		if err := c.complete(ctx, page, all); err != nil {
			return nil, err
		}
		versions, err := c.versions(ctx, refs)
		if err != nil {
			return nil, err
		}
		for _, change := range page {
			if v, ok := versions[change.Ref]; change.State == record.Present && !(ok && v == change.Version) {
				changed = append(changed, change)
			}
		}
	}
	return changed, nil
}

// versions are those of the items that the ledger has: see Known.
func (c *Events) versions(ctx context.Context, refs []record.Ref) (map[record.Ref]record.Version, error) {
	if c.known == nil || len(refs) == 0 {
		return nil, nil
	}
	return c.known(ctx, refs)
}
