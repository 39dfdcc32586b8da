package crm

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/recur"
)

// BinAge is how long a deleted record lies in the recycle bin before it is destroyed.
const BinAge = 60 * 24 * time.Hour

// MassUpdateMax is the most records that one mass update names.
const MassUpdateMax = 500

// maxTries bounds how often an unconditional change is planned again because the record changed meanwhile.
const maxTries = 5

// CRM applies the rules to what people do. Whatever an actor may not see is NotFound to that actor: another
// organization's records always, other owners' if the actor sees own ones only. What an actor sees and may not change is
// Denied with reason NotAllowed.
type CRM struct {
	store  Store
	active func(ctx context.Context, org, user record.ID) (bool, error)
	users  func(ctx context.Context, org record.ID) (map[record.ID]Person, error) // nil: not known
	// calendars finds the link by which a user's calendar is synced; nil: there are none
	calendars func(ctx context.Context, org, user record.ID) (Calendar, error)
	// invitations tells to which events of a link's calendar people are invited; nil: to none
	invitations func(ctx context.Context, org record.ID, link int64, events []record.ID) (map[record.ID]bool, error)
	now         func() time.Time

	pictures Pictures
}

// New makes a CRM on a store. active tells whether a user of the organization may own records.
func New(store Store, active func(ctx context.Context, org, user record.ID) (bool, error), now func() time.Time) *CRM {
	return &CRM{store: store, active: active, now: now}
}

// Draft is what a caller wants a new record to be, or how one is to change.
type Draft struct {
	ID record.ID // of the record to change
	// Version makes a change conditional: it happens only if the record is still at it. 0: whatever the version.
	Version int64
	// Fields are the values to be written, as their author wrote them; what is not named stays, "" clears.
	// Moments may carry an offset, or none and then mean the event's own zone or else the actor's.
	Fields record.Fields
	Owner  record.ID     // 0: stays, or the actor
	Source record.Source // of a new record; "" is Manual
	// Brought marks a new record from a file: an e-mail address or telephone number in a form that its field does not take from people
	// is kept as it is, as sync keeps it, for nobody is there to mend it and the contact must not be lost with it.
	Brought bool
	// Expressible says why the event, as it is to be, may not repeat by the rule from the wall time start (Invalid, in
	// words for a person). nil: nobody asks. See inexpressible.
	Expressible func(ctx context.Context, r Record, rule recur.Rule, start time.Time) error
	// Mail is the actor's word that the change may mail people; nil: sync holds back what would.
	Mail *Consent
}

// Result is what became of one draft: the record as it now stands, or why nothing happened. Err is Invalid (then it is
// Problems), NotFound, Denied or Conflict.
type Result struct {
	Record Record
	Err    error
}

// May is what the actor may do with the records of a kind.
func (a Actor) May(kind record.Kind) record.Access {
	if kind == record.Contacts {
		return a.Contacts
	}
	return a.Events
}

// covers reports whether the record exists for the actor and lies within a reach.
func (a Actor) covers(reach record.Reach, r Record) bool {
	own := r.Owner == a.User
	return r.Org == a.Org && a.May(r.Kind).View.Covers(own) && reach.Covers(own)
}

// sees reports whether the record exists for the actor.
func (a Actor) sees(r Record) bool { return a.covers(record.Anyones, r) }

// Edits reports whether the actor may change the record, its owner included.
func (a Actor) Edits(r Record) bool { return a.covers(a.May(r.Kind).Edit, r) && !a.withheld(r) }

// Deletes reports whether the actor may move the record to the recycle bin, take it out and destroy it.
func (a Actor) Deletes(r Record) bool { return a.covers(a.May(r.Kind).Delete, r) && !a.withheld(r) }

// narrow limits a query to what the actor may see; false: that is nothing.
func (a Actor) narrow(kind record.Kind, q *Query) bool {
	q.Reader = a.User
	switch a.May(kind).View {
	case record.Anyones:
		return true
	case record.Own:
		if q.Owner != 0 && q.Owner != a.User {
			return false
		}
		q.Owner = a.User
		return true
	}
	return false
}

// Narrow limits a query to what the actor may see, for whoever asks a store itself; false: that is nothing.
func (a Actor) Narrow(kind record.Kind, q Query) (Query, bool) {
	seen := a.narrow(kind, &q)
	return q, seen
}

// missing is the fault for a record that is not there for this actor.
func missing(kind record.Kind, id record.ID) error {
	return fault.New(fault.NotFound, "", "crm: no such record %s in %s", id, kind)
}

// forbidden is the fault for what the actor's profile does not allow.
func forbidden(what string, kind record.Kind) error {
	return fault.New(fault.Denied, fault.NotAllowed, "crm: the profile does not allow to %s these %s", what, kind)
}

// changed is the fault for a record that is no longer at the version the caller knows.
func changed(r Record, version int64) error {
	return fault.New(fault.Conflict, "", "crm: record %s is at version %d, not %d", r.ID, r.Version, version)
}
