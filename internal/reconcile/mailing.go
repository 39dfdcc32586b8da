package reconcile

import (
	"slices"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// agreement is a person's word that a step may mail people; nil: there is none. What sync does by itself has none, whatever
// stands on the record: the first sync, a switch-off, a repair of what changed at Microsoft alone.
func (r *run) agreement(s Step) *record.Agreement { return agreementOf(r.link, r.first, s) }

func agreementOf(link *Link, first bool, s Step) *record.Agreement {
	switch {
	case s.Ours == nil || first || link.State == Switching || link.State == Off:
		return nil
	case s.Verb != DeleteMicrosoft:
	case s.Why != DeletedCRM && s.Why != OwnerChanged:
		return nil
	case askOf(s.Pair).callsOff(s.Ours) != nil:
		return s.Pair.Ask.Agreed
	}
	return s.Ours.Meta.Agreed
}

// heldRemoval is what a person is asked about an item that was not deleted because its people would be told that the meeting
// is off; nil: it is not known whom.
func (r *run) heldRemoval(s Step) *Ask {
	var theirs record.Fields
	if theirs = values(s.Theirs); theirs == nil && s.Pair != nil {
		theirs = s.Pair.Base
	}
	people := record.AttendanceOf(theirs[record.Attendees]).Mailed()
	if len(people) == 0 || s.Ours == nil {
		return nil
	}
	ask := &Ask{Mails: people, Of: s.Ours.Version, Why: s.Why, Theirs: only(theirs, []record.Field{record.EventTitle, record.Start, record.End, record.Venue})}
	if was := s.Pair; was != nil && was.Ask != nil && was.Ask.Again {
		if ask.Again, ask.Seen = true, was.Ask.Seen; ask.Seen == nil {
			ask.Seen = r.rules.normal(only(theirs, r.rules.goes(InCRM)))
		}
	}
	return ask
}

// mailed is what a step would mail: whom, and whether it may. It is told from what is known of the event; the side that writes
// looks once more, at the event itself.
func (s *Step) mailed(link *Link, first bool, now time.Time) (people []string, may bool) {
	removes := s.Verb == DeleteMicrosoft
	if link.Kind != record.Calendar || !removes && s.Verb != CreateMicrosoft && len(s.ToMicrosoft) == 0 {
		return nil, true
	}
	if s.Verb != CreateMicrosoft {
		attendees := record.Value("")
		if s.Pair != nil {
			attendees = s.Pair.Base[record.Attendees]
		}
		if s.Theirs != nil && s.Theirs.State == record.Present {
			attendees = s.Theirs.Fields[record.Attendees]
		}
		people = record.AttendanceOf(attendees).Mailed()
	}
	if lines, invites := record.Lines(s.ToMicrosoft[record.Participants]); invites {
		people = record.Addresses(slices.Concat(people, record.AddressesIn(lines)))
	}
	return people, len(people) == 0 || agreementOf(link, first, *s).Covers(people, removes, now)
}

// heldBack says in a preview that a step would not be carried out, as people would be mailed and nobody has agreed to that.
func heldBack(l Line) Line {
	l.Verb, l.Why, l.Group = Skip, string(fault.WouldMail), ToSkip
	l.ToCRM, l.ToMicrosoft, l.Asked = nil, nil, nil
	return l
}
