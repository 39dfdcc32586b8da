// Package massupdate does one thing to many records: gives a field a value, hands them to another owner, adds or takes off tags,
// deletes them. The records are named once, when a person asks for it, and changed in small steps of which each is done or not. A mass
// update can be taken back.
//
// It has no HTTP, no SQL and no clock of its own. What a mass update may do to a record is package crm's to say, keeping is left to
// whoever fits Store, showing to web, and having it done later to jobs. How far one is, it says in the words of package intake.
package massupdate

import (
	"context"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// Max is the most records that one mass update names.
const Max = 200_000

// Update is one mass update and how far it is.
type Update struct {
	ID      string
	Org     record.ID
	User    record.ID // who asks
	Kind    record.Kind
	Deed    crm.MassDeed
	State   intake.State // Draft: a person looks at what it would do
	Reason  fault.Reason // of Failed
	Total   int          // records named
	At      record.ID    // the last record that was looked at, in the order of ids; while Undoing anew from 0
	Seen    int          // records looked at, while Undoing those of Counts.Changed
	Counts  Counts
	Begun   time.Time
	Touched time.Time // last step
}

// Counts are what became of the records.
type Counts struct {
	Changed int `json:"changed,omitempty"`
	Same    int `json:"same,omitempty"` // had the value and were touched by a mass update before
	Failed  int `json:"failed,omitempty"`
	// Admitted are those of Changed that had come by import or migration, and that no mass update had touched: they take part in
	// sync from now on, also after an undo (S21, S33).
	Admitted int `json:"admitted,omitempty"`
	// After an undo: what has its former value, and what was changed since and stays.
	Restored int `json:"restored,omitempty"`
	Kept     int `json:"kept,omitempty"`
}

// Line is one record and what became of it.
type Line struct {
	Record  record.ID     `json:"-"`
	Did     Did           `json:"-"`
	Version int64         `json:"-"` // of the record afterwards; filled in by Take
	Before  record.Fields `json:"before,omitempty"`
	After   record.Fields `json:"after,omitempty"`
	Owner   record.ID     `json:"owner,omitempty"`  // who had it before, where the owner was changed
	Reason  fault.Reason  `json:"reason,omitempty"` // of Failed
	Mail    *crm.Consent  `json:"mail,omitempty"`   // the person's word that those who are invited to this event may be told
}

// Did is what became of a record.
type Did string

// What becomes of records.
const (
	Waiting  Did = "waiting"
	Changed  Did = "changed"
	Same     Did = "same"
	Failed   Did = "failed"
	Restored Did = "restored"
	Kept     Did = "kept" // changed since, or no longer this person's to change
)

// Group counts records of a mass update that are alike in what decides who may change them and whether they are synced.
type Group struct {
	record.Meta
	Private bool // events, in part or whole
	Synced  bool // they are in their owner's Outlook
	Count   int
}

// Step is one step: all of it is stored, or nothing.
type Step struct {
	Update  Update    // as it is afterwards
	From    record.ID // its At before: the step happens only if it still is that
	Changed []crm.Record
	Lines   []Line
	Of      []int // of each of the changed records its line
}

// Store keeps mass updates. Every method names the organization; what belongs to another is NotFound.
type Store interface {
	// Begin stores a new one, names the records that a query finds, and returns it with their Total. Invalid: they are more than Max.
	Begin(ctx context.Context, u Update, q crm.Query) (Update, error)
	Update(ctx context.Context, org record.ID, id string) (Update, error)
	// Groups counts the records that are named and not deleted; Synced is told where the deed takes records out of Outlook.
	Groups(ctx context.Context, org record.ID, id string) ([]Group, error)
	// Save stores how one stands if it is in the state, and its At is the one, given. Conflict with reason StaleLease: it is not.
	Save(ctx context.Context, u Update, from intake.State, at record.ID) error
	// Agree is Save of a draft that begins, and keeps with its records, which nothing became of yet, whom they may mail. Conflict as of Save.
	Agree(ctx context.Context, u Update, mails []Line) error
	// Take stores a step. Conflict with reason StaleLease: another worker was faster, or somebody stopped it. Conflict otherwise: a
	// record changed meanwhile.
	Take(ctx context.Context, by crm.Author, s Step) error
	// Lines lists lines of which something became, by ascending id after one.
	Lines(ctx context.Context, org record.ID, id string, did Did, after record.ID, limit int) ([]Line, error)
	// Invited lists those events that are named, not deleted, and say whom Outlook has invited, by ascending id after one.
	Invited(ctx context.Context, org record.ID, id string, after record.ID, limit int) ([]record.ID, error)
	// Drop forgets a draft.
	Drop(ctx context.Context, org record.ID, id string) error
}

// Records are what a mass update needs of the CRM. *crm.CRM fits it.
type Records interface {
	MassCheck(ctx context.Context, a crm.Actor, kind record.Kind, d crm.MassDeed) (crm.MassDeed, error)
	AdmitMass(ctx context.Context, a crm.Actor, kind record.Kind, ids []record.ID, d crm.MassDeed, mails map[record.ID]*crm.Consent) ([]crm.MassAdmitted, error)
	CallsOff(ctx context.Context, a crm.Actor, d crm.MassDeed, ids []record.ID) ([]crm.Cancellation, error)
	AdmitBack(ctx context.Context, a crm.Actor, kind record.Kind, back []crm.Reverted) ([]crm.Admitted, error)
}

// Desk carries mass updates out.
type Desk struct {
	Store   Store
	Records Records
	// Actor is a user as the CRM knows one. Denied: this person may not update many records (any more).
	Actor func(ctx context.Context, org, user record.ID) (crm.Actor, error)
	NewID func() string
	Now   func() time.Time
}
