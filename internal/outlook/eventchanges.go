package outlook

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

const (
	// eventPage is how many events a page of changes has: with bodies of usual size a page is below 3 MiB.
	eventPage = "500"
	// listPage is how many ids a page of a listing has; Graph gives no more.
	listPage = "999"
	// sweepEvery is how often what was read is read again from the sweep before, and sweepBack how much farther: an
	// event may come to light a little after it was modified (SYNC-INVARIANTS, delta: lags by up to 60 s).
	sweepEvery = 10 * time.Minute
	sweepBack  = 2 * time.Minute
	// auditEvery is how often every series is looked at, should a change of an occurrence not show in its master's time.
	auditEvery = time.Hour
	auditPage  = 200
	// maxAt bounds how many versions a cursor remembers.
	maxAt = 12

	graphTime = "2006-01-02T15:04:05.0000000Z"
)

// Changes returns one page of what was modified since the cursor. A round begins with one batch: is the calendar alive,
// what was modified, how many are there. If the number is not what the ledger's would lead to, the page carries a
// Listing, for the caller to find what is missing.
func (c *Events) Changes(ctx context.Context, after record.Cursor, known int) (page record.Page, err error) {
	defer fault.Wrap(&err, "outlook: changes of events")
	at, err := readEventCursor(after)
	if err != nil {
		return page, err
	}
	var body []byte
	begins := at.Round == nil
	if begins {
		body, err = c.begin(ctx, &at, known)
	} else {
		body, err = c.goOn(ctx, &at)
	}
	if err != nil {
		return page, err
	}
	events, fresh, next, err := c.gather(body, &at)
	if err == nil {
		err = c.count(ctx, &at, fresh, begins)
	}
	if err != nil {
		return page, err
	}
	if page.Changes, err = c.tell(ctx, events); err != nil {
		return page, err
	}
	at.Round.Next, at.Round.Told = next, at.Round.Told || len(events) > 0
	if page.More = next != ""; !page.More {
		began, first := at.Round.Began, at.Round.From.IsZero()
		if page.Listing, err = c.end(ctx, &at); err != nil {
			return page, err
		}
		if first { // every series has just been looked at
			at.Audited = began
		} else if c.now().Sub(at.Audited) >= auditEvery || at.Audited.After(c.now().Add(auditEvery)) {
			changed, err := c.audit(ctx)
			if err != nil {
				return page, err
			}
			page.Changes = slices.DeleteFunc(page.Changes, func(told record.Change) bool {
				return slices.ContainsFunc(changed, func(c record.Change) bool { return c.Ref == told.Ref })
			})
			page.Changes, at.Audited = append(page.Changes, changed...), began
		}
	}
	text, err := json.Marshal(at)
	page.Next = record.Cursor(text)
	return page, err
}

// begin opens a round.
func (c *Events) begin(ctx context.Context, at *eventCursor, known int) ([]byte, error) {
	from := at.Since
	sweep := !from.IsZero() && (c.now().Sub(at.Swept) >= sweepEvery || at.Swept.After(c.now().Add(sweepEvery)))
	if sweep {
		from = earlier(from, at.Swept.Add(-sweepBack))
	}
	count := c.path("events") + graph.Query("$top", "1", "$select", "id", "$count", "true")
	results, err := c.box.Batch(ctx, []graph.Part{c.list(), graph.Get(c.modified(from), readUTC), graph.Get(count, "")})
	if err != nil {
		return nil, err
	}
	id := c.id
	if _, err := c.alive(ctx, results[0]); err != nil {
		return nil, err
	}
	if c.id != id { // it has another id now
		return c.begin(ctx, at, known)
	}
	for _, r := range results {
		if r.Err != nil {
			return nil, passing(r.Err)
		}
	}
	counted, err := graph.ReadPage(results[2].Body, func(*graph.Item) error { return nil })
	if err != nil {
		return nil, err
	}
	if counted.Count < 0 {
		return nil, fault.New(fault.Unavailable, "", "a count without a number")
	}
	at.Round = &eventRound{Began: results[1].Date, From: at.Since, Sweep: sweep || from.IsZero(), Count: counted.Count, Known: known}
	return results[1].Body, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// modified is the address of what was modified since a time, oldest first, so that a round that is cut off can go on.
func (c *Events) modified(since time.Time) string {
	query := []string{"$select", eventSelect, "$expand", expandEvent, "$orderby", "lastModifiedDateTime", "$top", eventPage}
	if !since.IsZero() {
		query = append(query, "$filter", "lastModifiedDateTime ge "+since.UTC().Format(graphTime))
	}
	return c.path("events") + graph.Query(query...)
}

func (c *Events) goOn(ctx context.Context, at *eventCursor) ([]byte, error) {
	r, err := c.box.Do(ctx, graph.Get(at.Round.Next, readUTC))
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) { // the link has died: the round begins anew
		if _, err := c.look(ctx); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.Gone, fault.CursorExpired, "%w", err)
	}
	return r.Body, err
}

// gather reads a page, moves the cursor's time on, and leaves out what was read before. Fresh are events that people have made
// since the round before.
func (c *Events) gather(body []byte, at *eventCursor) (events []*graph.Event, fresh []record.Ref, next string, err error) {
	read := at.At
	page, err := graph.ReadPage(body, func(e *graph.Event) error {
		version := e.Version()
		switch e.Modified.Compare(at.Since) {
		case +1:
			at.Since, at.At = e.Modified, []string{version}
		case 0:
			if slices.Contains(read, version) {
				return nil
			}
			at.At = append(slices.Clip(at.At), version)
		}
		events = append(events, e)
		if e.Created.After(at.Round.From) && markOf(e.Extended, itemMark) == "" {
			fresh = append(fresh, record.Ref(e.ID))
		}
		return nil
	})
	if len(at.At) > maxAt && page.Next == "" {
		at.At = nil
	}
	return events, fresh, page.Next, err
}

// count counts new events. When the round begins, some may be in the ledger already, and in its number: those of a run that was
// cut off before its cursor was stored.
func (c *Events) count(ctx context.Context, at *eventCursor, fresh []record.Ref, begins bool) error {
	at.Round.New += len(fresh)
	if !begins || at.Round.From.IsZero() {
		return nil
	}
	versions, err := c.versions(ctx, fresh)
	at.Round.New -= len(versions)
	return err
}

// tell makes changes of events. Masters are looked at once more for what was done to single occurrences, unless the ledger
// has this very version of them.
func (c *Events) tell(ctx context.Context, events []*graph.Event) ([]record.Change, error) {
	changes := make([]record.Change, len(events))
	var masters []record.Ref
	for i, e := range events {
		changes[i] = c.change(e)
		if e.Recurrence != nil {
			masters = append(masters, changes[i].Ref)
		}
	}
	if len(masters) == 0 {
		return changes, nil
	}
	versions, err := c.versions(ctx, masters)
	if err != nil {
		return nil, err
	}
	var look []int
	for i, e := range events {
		switch v, ok := versions[changes[i].Ref]; {
		case e.Recurrence == nil:
		case ok && etagOf(v) == e.Version():
			changes[i].Version = v
		default:
			look = append(look, i)
		}
	}
	return changes, c.complete(ctx, changes, look)
}

// end closes a round: its time is remembered, and the numbers are compared.
func (c *Events) end(ctx context.Context, at *eventCursor) (map[record.Ref]record.Version, error) {
	round := at.Round
	at.Round = nil
	if round.Sweep {
		at.Swept = round.Began
	}
	if at.Since.IsZero() { // nothing there yet: what comes next is younger than this
		at.Since = round.Began.Add(-sweepBack)
	}
	if round.From.IsZero() { // a reading of everything needs no counting
		at.Gap, at.Listed = 0, false
		return nil, nil
	}
	gap := round.Count - round.Known - round.New
	same := gap == at.Gap && (gap == 0 || round.Known == at.Known && !at.Moved)
	switch {
	case same && !at.Listed, gap == 0 && at.Listed:
		at.Gap, at.Known, at.Moved, at.Listed = gap, round.Known, false, false
		return nil, nil
	case at.Listed && !round.Told: // the difference outlived a listing, and is no other one: this listing is the last for it
		at.Gap, at.Known, at.Moved, at.Listed = gap, round.Known, false, false
	default:
		at.Listed = true
	}
	return c.enumerate(ctx)
}

// Recount is a cursor by which a round hands over a listing again if the calendar and the ledger differ, also if that is by as many events as
// before, for good reason: one of which sync has made anew, and its person has deleted it again, would hide among them.
func (c *Events) Recount(cursor record.Cursor) record.Cursor {
	at, err := readEventCursor(cursor)
	if err != nil || at.Gap == 0 || at.Moved {
		return cursor
	}
	at.Moved = true
	text, err := json.Marshal(at)
	if err != nil {
		return cursor
	}
	return record.Cursor(text)
}

// List lists every event of the calendar with its version.
func (c *Events) List(ctx context.Context) (_ map[record.Ref]record.Version, err error) {
	defer fault.Wrap(&err, "outlook: list events")
	if _, err := c.look(ctx); err != nil {
		return nil, err
	}
	return c.enumerate(ctx)
}

// enumerate lists every event of the calendar with its version. Where it has the etag that the ledger knows, it has the
// ledger's version: a list does not tell what was done to single occurrences.
func (c *Events) enumerate(ctx context.Context) (map[record.Ref]record.Version, error) {
	all := map[record.Ref]record.Version{}
	first := c.path("events") + graph.Query("$select", "id,changeKey", "$top", listPage)
	err := graph.All(ctx, c.box, first, "", func(e *graph.Item) error {
		all[record.Ref(e.ID)] = record.Version(e.Version())
		return nil
	})
	if err != nil {
		return all, passing(err)
	}
	versions, err := c.versions(ctx, slices.Sorted(maps.Keys(all)))
	for ref, v := range versions {
		if etagOf(v) == string(all[ref]) {
			all[ref] = v
		}
	}
	return all, err
}

func passingAll(err error) error {
	if err == nil {
		return nil
	}
	return passing(err)
}
