package outlook

import (
	"strings"

	"tandem/internal/fault"
	"tandem/internal/graph"
)

// mailed is how many people Exchange would write to if the event were changed, called off or deleted: the attendees of
// a meeting that the mailbox's owner organizes. Exchange has no switch against it (reference §3.1).
func mailed(e *graph.Event) int {
	if invited(e) {
		return 0 // a copy: the meeting is somebody else's, and nobody hears of what is done to it
	}
	n := 0
	for _, a := range e.Attendees {
		if e.Organizer == nil || !strings.EqualFold(a.EmailAddress.Address, e.Organizer.EmailAddress.Address) {
			n++
		}
	}
	return n
}

// invited reports whether an event is the copy of a meeting that somebody else organizes.
func invited(e *graph.Event) bool { return e.IsOrganizer != nil && !*e.IsOrganizer }

// guard is the one place that every write to an existing event passes (DESIGN D4). Sync never writes to people, so it
// does not touch a meeting that somebody was invited to. Creating is safe by itself: no attendee is ever sent.
func guard(e *graph.Event) error {
	if n := mailed(e); n > 0 {
		return fault.New(fault.Invalid, fault.WouldMail, "outlook: writing this meeting would send mail to %d people", n)
	}
	return nil
}
