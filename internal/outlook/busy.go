package outlook

import (
	"context"
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// Calendar is one of a person's calendars.
type Calendar struct {
	ID   record.Ref
	Name string
	Ours bool // a dedicated one of Tandem's
	// Fit says that it is the person's own and can be written to, so that it may take the place of a dedicated one.
	Fit     bool
	Default bool
}

// Calendars lists a person's calendars, in Graph's order.
func Calendars(ctx context.Context, box *graph.Mailbox) (out []Calendar, err error) {
	defer fault.Wrap(&err, "outlook: list calendars")
	p := &place{box: box, kind: record.Calendar}
	folders, err := p.folders(ctx, true)
	if err != nil {
		return nil, passing(err)
	}
	var owner string // whoever has the default calendar has the mailbox
	for _, f := range folders {
		if f.IsDefault {
			owner = f.Owner.Address
		}
	}
	for _, f := range folders {
		c := Calendar{ID: record.Ref(f.ID), Name: f.Name, Ours: markOf(f.Extended, linkMark) != "", Default: f.IsDefault}
		c.Fit = f.CanEdit && !c.Ours && owner != "" && strings.EqualFold(f.Owner.Address, owner)
		out = append(out, c)
	}
	return out, nil
}

// chosen finds the calendar that a person chose for a link. Denied with reason CalendarUnfit: it is gone, or cannot be used.
func (p *place) chosen(ctx context.Context, id record.Ref) (record.Ref, string, error) {
	all, err := Calendars(ctx, p.box)
	if err != nil {
		return "", "", err
	}
	for _, c := range all {
		if c.ID == id && c.Fit {
			return c.ID, c.Name, nil
		}
	}
	return "", "", fault.New(fault.Denied, fault.CalendarUnfit, "outlook: the chosen calendar is not among those that may be used")
}

// Span is a time that is taken. Of an all-day one only the days count, the last one not included.
type Span struct {
	From, To time.Time // UTC
	AllDay   bool
	ShowAs   string // tentative, busy, oof or workingElsewhere
}

// busyFields are all that is asked of an event elsewhere: what it is about stays where it is.
const busyFields = "start,end,isAllDay,showAs"

// maxSpans bounds how much is read of one calendar.
const maxSpans = 2000

// Busy tells when a person is busy by some of their calendars, at least partly between two times. A calendar that is no
// longer there is passed over.
func Busy(ctx context.Context, box *graph.Mailbox, calendars []record.Ref, from, to time.Time) (out []Span, err error) {
	defer fault.Wrap(&err, "outlook: busy times of %d calendars", len(calendars))
	for _, id := range calendars {
		first := box.Path("calendars", string(id), "calendarView") + graph.Query("startDateTime", from.UTC().Format(time.RFC3339),
			"endDateTime", to.UTC().Format(time.RFC3339), "$select", busyFields, "$top", "500")
		n := 0
		err := graph.All(ctx, box, first, readUTC, func(e *graph.Event) error {
			if n++; n > maxSpans {
				return fault.New(fault.Broken, "", "more than %d events in one view", maxSpans)
			}
			if e.ShowAs != "free" {
				out = append(out, Span{From: instant(e.Start), To: instant(e.End), AllDay: e.IsAllDay, ShowAs: e.ShowAs})
			}
			return nil
		})
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b Span) int { return a.From.Compare(b.From) })
	return out, nil
}
