package outlook

import (
	"slices"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// The guard stands before every write to an event, a single occurrence or a calendar (DESIGN D4). Exchange mails the attendees
// of a meeting whenever its organizer writes or deletes it, and has no switch against it (reference §3.1). So the guard knows
// whom a write would mail, and lets it pass if that is nobody, or if a person has agreed to mail just these people for just
// this change, and that agreement has not been used.

// mailed are the people Exchange would write to if an event were changed, called off or deleted: the attendees of a meeting that
// the mailbox's owner organizes.
func mailed(e *graph.Event) (people []string) {
	if e == nil || !organized(e) {
		return nil // a copy: the meeting is somebody else's, and nobody hears of what is done to it
	}
	for _, a := range e.Attendees {
		if e.Organizer == nil || !strings.EqualFold(a.EmailAddress.Address, e.Organizer.EmailAddress.Address) {
			people = append(people, a.EmailAddress.Address)
		}
	}
	return people
}

// invited reports whether an event is the copy of a meeting that somebody else organizes.
func invited(e *graph.Event) bool { return e.IsOrganizer != nil && !*e.IsOrganizer }

// guard decides about a write. before is the event as it is, nil if it is to be made.
func guard(before *graph.Event, w *record.Write, now time.Time) error {
	people := mailed(before)
	if lines, invites := record.Lines(w.Fields["participants"]); invites && w.Op != record.Delete {
		all, differs := attendeesWith(before, lines)
		for _, a := range all {
			if differs {
				people = append(people, a.EmailAddress.Address)
			}
		}
	}
	people = record.Addresses(people)
	switch in := invitationOf(before); {
	case len(people) == 0:
		return nil
	case !w.Agreed.Covers(people, w.Op == record.Delete, now), in.Agreed == w.Agreed.ID:
		return wouldMail(people)
	}
	return nil
}

func wouldMail(people []string) error {
	return fault.New(fault.Invalid, fault.WouldMail, "outlook: writing this meeting would send mail to %d people", len(people))
}

// mayMail is the guard of a single occurrence of a series that has just been written: who hears of it must be among those of
// the agreement to that write.
func (s *series) mayMail(x *graph.Event) error {
	people := record.Addresses(mailed(x))
	if slices.ContainsFunc(people, func(one string) bool { return !slices.Contains(s.agreed, one) }) {
		return wouldMail(people)
	}
	return nil
}

// agreedTo are the people whom single occurrences of a written series may mail.
func agreedTo(j *job[graph.Event], now time.Time) []string {
	if j.Agreed.Covers(nil, false, now) && invitationOf(j.before).Agreed != j.Agreed.ID {
		return j.Agreed.People
	}
	return nil
}
