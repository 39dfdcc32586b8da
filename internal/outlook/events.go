package outlook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// Events is a dedicated calendar as one side of a link. It reads state, not a window (DESIGN D6): v1.0 has no delta for
// the events of a calendar without a frame of time around it. A value is made for one run.
type Events struct {
	place
	now   func() time.Time
	known Known
	label string // of the participants
	// See Options.
	meetings  bool
	colleague func(address string) bool
}

// Known tells of the items that the ledger has at which version they are in step, or "" of one that is not; others are absent. With it, a side knows its
// own writes when they come round: it need not look at them closely, and does not take what lags behind them for news.
type Known func(ctx context.Context, refs []record.Ref) (map[record.Ref]record.Version, error)

// NewEvents gives the side of a calendar in a mailbox. known may be nil.
func NewEvents(box *graph.Mailbox, o Options, known Known) *Events {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Events{
		place: place{box: box, row: box.Row(), kind: record.Calendar, id: string(o.Container), mark: o.Mark},
		now:   o.Now, known: known, label: o.Participants, meetings: o.Meetings, colleague: o.Colleague,
	}
}

const eventSelect = "id,changeKey,createdDateTime,lastModifiedDateTime,type,subject,body,start,end,isAllDay,originalStartTimeZone,originalEndTimeZone," +
	"recurrence,location,isReminderOn,reminderMinutesBeforeStart,categories,showAs,sensitivity,importance,attendees,organizer," +
	"isOrganizer,isOnlineMeeting,transactionId,iCalUId,responseStatus"

// exceptionSelect is what is read of an exception: what it may have otherwise than its series, and whence it comes.
const exceptionSelect = "id,changeKey,type,subject,body,start,end,isAllDay,originalStart,originalStartTimeZone,location,isReminderOn," +
	"reminderMinutesBeforeStart,categories,showAs,sensitivity,importance,attendees,organizer,isOrganizer,isOnlineMeeting"

var (
	eventQuestion  = graph.Query("$select", eventSelect, "$expand", expandEvent)
	masterQuestion = graph.Query("$select", eventSelect+",cancelledOccurrences,exceptionOccurrences",
		"$expand", expandEvent+",exceptionOccurrences($select="+exceptionSelect+")")
)

// Read looks at single events. Gone: a look at the event itself did not find it, neither here nor in another calendar,
// and the calendar was alive after that look. Left: it is in another calendar.
func (c *Events) Read(ctx context.Context, refs []record.Ref) (out []record.Change, err error) {
	defer fault.Wrap(&err, "outlook: read events")
	parts := make([]graph.Part, len(refs))
	for i, ref := range refs {
		parts[i] = graph.Get(c.address(ref)+masterQuestion, c.prefer())
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return nil, err
	}
	out = make([]record.Change, len(refs))
	var absent []int
	for i, r := range results {
		out[i] = record.Change{Ref: refs[i], State: record.Missing}
		if fault.Is(r.Err, fault.NotFound) {
			absent = append(absent, i)
		}
	}
	events, err := c.decodeAll(ctx, results)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		switch {
		case fault.Is(r.Err, fault.NotFound):
			continue
		case r.Err != nil:
			return nil, r.Err
		}
		out[i] = c.change(&events[i])
		out[i].Ref = refs[i]
	}
	if len(absent) == 0 {
		return out, nil
	}
	return out, c.whereabouts(ctx, out, absent)
}

// whereabouts tells of events that are not in our calendar whether they are in another one.
func (c *Events) whereabouts(ctx context.Context, out []record.Change, absent []int) error {
	parts := make([]graph.Part, len(absent))
	for n, i := range absent {
		parts[n] = graph.Get(c.box.Path("events", string(out[i].Ref))+graph.Query("$select", "id", "$expand", expandEvent), "")
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return err
	}
	calendars, err := c.look(ctx) // after the looks at the events: only now do they prove anything
	if err != nil {
		return err
	}
	for n, i := range absent {
		switch err := results[n].Err; {
		case fault.Is(err, fault.NotFound):
			out[i].State = record.Gone
		case err != nil:
			return err
		default:
			// It answers, so it is in some calendar, or in Deleted Items.
			var it graph.Item
			if err := graph.Decode(results[n].Body, &it); err != nil {
				return err
			}
			marksOf(&it, &out[i])
			if out[i].State, err = c.elsewhere(ctx, calendars, out[i].Ref); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Events) elsewhere(ctx context.Context, calendars []graph.Folder, ref record.Ref) (record.State, error) {
	var parts []graph.Part
	for _, f := range calendars {
		if f.ID != c.id {
			parts = append(parts, graph.Get(c.box.Path("calendars", f.ID, "events", string(ref))+graph.Query("$select", "id"), ""))
		}
	}
	results, err := c.box.Batch(ctx, parts)
	if err != nil {
		return record.Missing, err
	}
	for _, r := range results {
		if r.Err == nil {
			return record.Left, nil
		}
		if !fault.Is(r.Err, fault.NotFound) {
			return record.Missing, r.Err
		}
	}
	return record.Gone, nil
}

// Apply carries out writes; see apply.
func (c *Events) Apply(ctx context.Context, writes []record.Write) ([]record.Outcome, error) {
	return c.ApplyInOrder(ctx, writes, func() {})
}

// ApplyInOrder is Apply that says when its writes are on their way, so that others may follow them.
func (c *Events) ApplyInOrder(ctx context.Context, writes []record.Write, underWay func()) (out []record.Outcome, err error) {
	defer fault.Wrap(&err, "outlook: write events")
	return apply(ctx, c.box, c.row, c, writes, underWay)
}

// Find looks for events by our mark.
func (c *Events) Find(ctx context.Context, tokens []string) (found map[string]record.Change, err error) {
	defer fault.Wrap(&err, "outlook: find events")
	found, err = find(ctx, c.box, c, c.path("events")+eventQuestion, tokens)
	if err != nil {
		return nil, c.whyNot(ctx, err)
	}
	return found, c.completeFound(ctx, found)
}

func (c *Events) item(e *graph.Event) *graph.Item { return &e.Item }

func (c *Events) address(ref record.Ref) string { return c.path("events", string(ref)) }

// steady: times, series and people hang together, and a body has its participants in it.
func (c *Events) steady(field record.Field, written record.Fields) bool {
	switch field {
	case "subject", "location", "categories", "importance", "sensitivity":
		return true
	case "body":
		_, people := written["participants"]
		return !people
	}
	return false
}

func (c *Events) question() string { return masterQuestion }

func (c *Events) prefer() string { return readUTC }

func (c *Events) here(*graph.Event) bool { return true } // it was reached through the calendar

func (c *Events) change(e *graph.Event) record.Change {
	fields := eventFields(e)
	out := record.Change{
		Ref:        record.Ref(e.ID),
		Version:    versionOf(e, fields),
		State:      record.Present,
		Fields:     fields,
		Created:    e.Created.UTC(),
		Modified:   e.Modified.UTC(),
		UID:        e.ICalUID,
		Colleagues: c.colleague != nil && invited(e) && e.Organizer != nil && c.colleague(e.Organizer.EmailAddress.Address),
	}
	marksOf(&e.Item, &out)
	return out
}

func (c *Events) create(w *record.Write) (graph.Part, error) {
	body, err := labelledBody(nil, w.Fields, c.label)
	if w.Token != "" {
		body.String("transactionId", w.Token)
	}
	properties := []graph.Object{property(itemMark, w.Token)}
	if in, needed := remembered(nil, w); needed {
		properties = append(properties, in.property())
	}
	body.Objects(extended, properties)
	return graph.Part{
		Method: http.MethodPost, Path: c.path("events"), Prefer: c.prefer(), Body: body.JSON(),
	}, err
}

func (c *Events) patch(before *graph.Event, w *record.Write) (graph.Object, error) {
	body, err := labelledBody(before, w.Fields, c.label)
	if err == nil {
		err = ofAttendee(before, w.Fields)
	}
	var properties []graph.Object
	if in, needed := remembered(before, w); err == nil && (needed || w.Agreed != nil && !body.Empty()) {
		properties = append(properties, in.property())
	}
	if err == nil && w.Stamp != "" && (!body.Empty() || len(properties) > 0) {
		properties = append(properties, stampOfChange(&before.Item, w))
	}
	if len(properties) > 0 {
		body.Objects(extended, properties)
	}
	return body, err
}

// guard decides about a write. From a calendar that was there before, a meeting that the person was invited to is not deleted.
func (c *Events) guard(before *graph.Event, w *record.Write) error {
	if c.meetings && before != nil && invited(before) && w.Op == record.Delete {
		return fault.New(fault.Invalid, fault.NotOrganizer, "outlook: the meeting is somebody else's")
	}
	return guard(before, w, c.now())
}

// exists finds the event that an earlier request with the same transactionId has made. It stands for the one that was to
// be made now only if it is like it; else a person has changed it since, and whoever asked must look at it first.
func (c *Events) exists(ctx context.Context, w *record.Write, refusal error) (*graph.Event, error) {
	unclear := fault.New(fault.Unavailable, fault.OutcomeUnknown, "outlook: made before: %w", refusal)
	var e *graph.Error
	if !errors.As(refusal, &e) || !e.HasCode(graph.CodeDuplicateTransaction) {
		return nil, refusal
	}
	var made graph.Event
	var err error
	if e.ExistingEvent != "" {
		made, _, err = graph.One[graph.Event](ctx, c.box, graph.Get(c.address(record.Ref(e.ExistingEvent))+masterQuestion, c.prefer()))
	} else {
		query := eventQuestion + "&" + graph.Query("$top", "10", "$filter", filterByMark(w.Token))[1:]
		err = graph.All(ctx, c.box, c.path("events")+query, c.prefer(), func(one *graph.Event) error {
			if made.ID == "" || one.Created.Before(made.Created) {
				made = *one
			}
			return nil
		})
	}
	switch {
	case fault.Is(err, fault.NotFound), err == nil && made.ID == "":
		return nil, fault.New(fault.Gone, fault.Duplicate, "outlook: made before and deleted since: %w", refusal)
	case err != nil:
		return nil, unclear
	}
	more, err := eventBody(&made, w.Fields)
	// What was to be made may say nothing of a field that the person has filled in since: then the times differ.
	if err != nil || !more.Empty() || !made.Modified.Equal(made.Created) || markOf(made.Extended, itemMark) != w.Token {
		return nil, unclear
	}
	return &made, nil
}

// eventCursor is how far a calendar has been read. Times are Graph's own, as it tells them of its items: no clock of
// ours is compared with them.
type eventCursor struct {
	V     int       `json:"v"`
	Since time.Time `json:"since,omitzero"` // what was modified before this has been read
	// At are the versions of items that were modified at exactly that moment and have been read, so that they need not
	// come again. None if there are too many.
	At []string `json:"at,omitempty"`
	// Swept is when a sweep began last. A sweep goes back to the sweep before it, for what came to light late.
	Swept time.Time `json:"swept,omitzero"`
	// Audited is when every series was looked at last.
	Audited time.Time `json:"audited,omitzero"`
	// Gap is by how many events the calendar and the ledger are known to differ for good reason, such as deletions that
	// wait for a person's yes, while the ledger has Known of them. Moved says that these may be others since: see Recount. Listed says that
	// the last round handed over a listing because they differed otherwise.
	Gap    int         `json:"gap,omitempty"`
	Known  int         `json:"known,omitempty"`
	Moved  bool        `json:"moved,omitempty"`
	Listed bool        `json:"listed,omitempty"`
	Round  *eventRound `json:"round,omitempty"` // in the middle of one
}

type eventRound struct {
	Began time.Time `json:"began"`
	From  time.Time `json:"from,omitzero"` // Since, as it was then
	Sweep bool      `json:"sweep,omitempty"`
	Next  string    `json:"next,omitempty"`
	Count int       `json:"count"`
	Known int       `json:"known"`
	New   int       `json:"new"`            // events that people have made since
	Told  bool      `json:"told,omitempty"` // it had changes
}

func readEventCursor(after record.Cursor) (at eventCursor, err error) {
	if after == "" {
		return eventCursor{V: 1}, nil
	}
	if err := json.Unmarshal([]byte(after), &at); err != nil {
		return at, cursorError(err)
	}
	if at.V != 1 {
		return at, cursorError(errNoCursor)
	}
	return at, nil
}
