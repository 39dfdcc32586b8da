package reconcile

import (
	"tandem/internal/fault"
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
	LaterWins     Winner = "later" // the side that changed last, by its own clock
	MicrosoftWins Winner = "microsoft"
	CRMWins       Winner = "crm"
	AskPerson     Winner = "ask" // neither: a person decides, and the rest of the record stays in step
)

// Policy is what a link's owner and the organization decided about it.
type Policy struct {
	Winner        Winner // "" is LaterWins
	AdmitImported bool   // an administrator lets imported records take part
}

// Eligible says whether a CRM record takes part in the link of a user, and if not, why (S17, S20, S21, S30, S32, S33).
func Eligible(user record.ID, policy Policy, meta record.Meta) (bool, fault.Reason) {
	imported := meta.Source == record.Import || meta.Source == record.Migration
	switch {
	case meta.Owner != user:
		return false, fault.NotOwn
	case imported && !meta.MassUpdated && !policy.AdmitImported:
		return false, fault.Imported
	}
	return true, ""
}
