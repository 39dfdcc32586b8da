package reconcile

import (
	"slices"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// How many CRM records the first sync sends at most (S18, S31).
const (
	FirstSyncEvents   = 5000
	FirstSyncContacts = 10000
)

// FirstSyncCap is the most records of a kind that the first sync sends.
func FirstSyncCap(kind record.Kind) int {
	if kind == record.Contacts {
		return FirstSyncContacts
	}
	return FirstSyncEvents
}

// Winner is what decides when both sides changed a field differently.
type Winner string

// The ways to decide a conflict.
const (
	LaterWins     Winner = "later" // the side that others than sync changed last, by its own clock: see edited.go
	MicrosoftWins Winner = "microsoft"
	CRMWins       Winner = "crm"
	AskPerson     Winner = "ask" // neither: a person decides, and the rest of the record stays in step
)

// Policy is what a link's owner and the organization decided about it.
type Policy struct {
	Winner        Winner // "" is LaterWins
	AdmitImported bool   // an administrator lets imported records take part
	Options
}

// Options are what only the person whose link it is decides about it.
type Options struct {
	// Direction makes the whole link go one way. The other side then makes, changes and deletes nothing: what is done
	// there is put back, and stands in the history; what is new there stays there and is left alone.
	Direction mapping.Direction `json:"direction,omitempty"`
	// Invites, of a calendar: those who take part in an event may become attendees in Outlook, each time only with the
	// person's word. Otherwise they stand in the event's text.
	Invites bool `json:"invites,omitempty"`
	// Calendar is a calendar that the person has already and that takes the place of a dedicated one; "": there is a
	// dedicated one. Nothing is deleted from it when the link ends but what Tandem made there. It stays what it is for the
	// life of a link. CalendarName is what it was called when it was chosen.
	Calendar     record.Ref `json:"calendar,omitempty"`
	CalendarName string     `json:"calendar_name,omitempty"`
}

// A Wish is what a person wants of a kind of sync, besides which fields meet.
type Wish struct {
	Winner Winner
	Options
}

// check refuses options that a link with the mapping could not run with.
func (o Wish) check(table *mapping.Table) error {
	if !slices.Contains([]Winner{"", LaterWins, MicrosoftWins, CRMWins, AskPerson}, o.Winner) {
		return fault.Wrong(fault.BadValue, "winner", "%q decides no conflict", o.Winner)
	}
	if o.Calendar != "" && table.Kind != record.Calendar {
		return fault.Wrong(fault.BadValue, "calendar", "only events live in calendars")
	}
	if o.Direction != mapping.BothWays && o.Direction != mapping.ToMicrosoft && o.Direction != mapping.ToCRM {
		return fault.Wrong(fault.BadValue, "direction", "there is no direction %q", o.Direction)
	}
	if going := table.Going(o.Direction); going != nil && (len(going.Rows) == 0 || going.Check() != nil) {
		return fault.Wrong(fault.NotExpressible, "direction", "the fields that go the other way only leave too little")
	}
	return nil
}

// Eligible says whether a CRM record takes part in the link of a user, and if not, why (S17, S20, S21, S30, S32, S33).
func Eligible(user record.ID, policy Policy, meta record.Meta) (bool, fault.Reason) {
	imported := meta.Source == record.Import || meta.Source == record.Migration
	switch {
	case meta.Owner != user:
		return false, fault.NotOwn
	case policy.Direction == mapping.ToCRM:
		return false, fault.OneWay
	case imported && !meta.MassUpdated && !policy.AdmitImported:
		return false, fault.Imported
	case meta.KeptIn != "" && meta.KeptIn != policy.Calendar:
		return false, fault.OwnCalendar
	}
	return true, ""
}
