// Package intake brings the contacts and events of a file into the CRM: it guesses which column is which field, shows what will become
// of the first rows, takes all of them in small steps of which each is done or not, and takes an import back.
//
// It has no HTTP, no SQL and no clock of its own. Reading files is left to package importfile, the rules about records to package
// crm, keeping to whoever fits Store, showing to web, and having it done later to jobs.
package intake

import (
	"context"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/record"
)

// State says how far an import is.
type State string

// The states.
const (
	Loading State = "loading" // the file is on its way
	Draft   State = "draft"   // a person says what is what
	Running State = "running" // rows are taken, or wait for a worker
	Done    State = "done"
	Stopped State = "stopped" // by a person, before its end
	Failed  State = "failed"  // by what stops all rows: see Reason
	Undoing State = "undoing"
	Undone  State = "undone"
)

// Ended reports whether no row will be taken any more.
func (s State) Ended() bool {
	return s == Done || s == Stopped || s == Failed || s == Undoing || s == Undone
}

// Duplicates says what becomes of a row whose record is there already: a contact with its e-mail address, an event with its UID.
type Duplicates string

// The ways.
const (
	Skip   Duplicates = "skip"
	Update Duplicates = "update" // values that are not empty replace those of the record
	Create Duplicates = "create" // a second record
)

// Settings are what a person says about a file.
type Settings struct {
	importfile.Options
	Columns    []Column            `json:"columns,omitempty"` // of a table
	Duplicates Duplicates          `json:"duplicates"`
	Days       importfile.DayOrder `json:"days,omitempty"`  // "" counts as DayFirst
	Comma      bool                `json:"comma,omitempty"` // decimals are written with a comma
}

// Column is one column of a table and what it is.
type Column struct {
	Name   string `json:"name"`
	Sample string `json:"sample,omitempty"`
	Target Target `json:"target,omitempty"`
}

// Import is one file and what became of it.
type Import struct {
	ID       string
	Org      record.ID
	User     record.ID // who imports; owner of what is made
	Kind     record.Kind
	File     string // its name, for people
	Size     int64
	Settings Settings
	State    State
	Reason   fault.Reason // of Failed
	Rows     int          // in the file
	At       int          // rows taken; while Undoing and afterwards, the N of the last line that was looked at again (0: none yet)
	Counts   Counts
	Begun    time.Time // uploaded
	Touched  time.Time // last step
}

// Counts are what became of the rows.
type Counts struct {
	Created int `json:"created,omitempty"`
	Updated int `json:"updated,omitempty"`
	Same    int `json:"same,omitempty"` // there already, with the same values
	Skipped int `json:"skipped,omitempty"`
	Failed  int `json:"failed,omitempty"`
	// After an undo: what was taken back, and what stays because somebody changed it since.
	Removed  int `json:"removed,omitempty"`
	Restored int `json:"restored,omitempty"`
	Kept     int `json:"kept,omitempty"`
	// Notes count by reason what of the rows that were taken did not come as it was.
	Notes map[importfile.Reason]int `json:"notes,omitempty"`
}

func (c *Counts) note(items []importfile.Item) {
	for _, i := range items {
		if !telling[i.Reason] {
			continue
		}
		if c.Notes == nil {
			c.Notes = map[importfile.Reason]int{}
		}
		c.Notes[i.Reason]++
	}
}

// Telling are the reasons that people are told of as notes: the others say nothing about what they would miss.
var Telling = []importfile.Reason{
	importfile.InDescription, importfile.SecondValue, importfile.TooLong, importfile.KeptForm, importfile.BadForm, importfile.NotInListing, importfile.IncompleteDate,
	importfile.Binary, importfile.NoField, importfile.Unreadable, importfile.EndFirst, importfile.Floating, importfile.GuessedZone,
	importfile.UnknownZone, importfile.BadRule, importfile.EmptySeries, importfile.ExtraDate, importfile.Override, importfile.OverrideAlone,
	importfile.OneReminder, importfile.AlarmLate,
}

var telling = func() map[importfile.Reason]bool {
	out := map[importfile.Reason]bool{}
	for _, r := range Telling {
		out[r] = true
	}
	return out
}()

// Line is what became of one row, and how that is taken back.
type Line struct {
	N      int       `json:"-"`   // the row's place in the file, from 1; unique
	Row    int       `json:"row"` // as the file numbers it
	Did    Did       `json:"did"`
	Record record.ID `json:"record,omitempty"` // made or changed; filled in by Take
	// Version is that of the record after the import; filled in by Take.
	Version int64 `json:"version,omitempty"`
	// Before and After are the values of the fields that an update changed.
	Before record.Fields `json:"before,omitempty"`
	After  record.Fields `json:"after,omitempty"`
	Whys   []Why         `json:"whys,omitempty"`  // of RowFailed
	Cells  []string      `json:"cells,omitempty"` // of RowFailed in a table: the row as it stands in the file
	Name   string        `json:"name,omitempty"`  // of RowFailed
}

// Did is what became of a row.
type Did string

// What becomes of rows. Rows that are skipped have no line.
const (
	Created   Did = "created"
	Updated   Did = "updated"
	RowFailed Did = "failed"
)

// Why is one reason for which a row was not taken.
type Why struct {
	Reason string       `json:"reason"`          // a fault.Reason, or an importfile.Reason
	Field  record.Field `json:"field,omitempty"` // concerned
	Value  string       `json:"value,omitempty"` // its beginning
}

// Step is one step of an import: all of it is stored, or nothing.
type Step struct {
	Import  Import // as it is afterwards
	From    int    // its At before: the step happens only if it still is that
	Fresh   []crm.Record
	Changed []crm.Record
	Lines   []Line
	// FreshLines and ChangedLines tell of each record which line is about it; -1: none.
	FreshLines, ChangedLines []int
	UIDs                     []string // of each fresh record; "" for none
	// Rebase are those of the changed records that now are as they were before the line that was taken back: earlier lines of the
	// import that left them at the version before are at the new one.
	Rebase []record.ID
}

// Store keeps imports. Every method names the organization; what belongs to another is NotFound.
type Store interface {
	// Import finds one.
	Import(ctx context.Context, org record.ID, id string) (Import, error)
	// File opens the file of one that has not ended.
	File(ctx context.Context, org record.ID, id string) (importfile.Source, error)
	// Save stores how an import stands if it is in the state, and its At is the one, given. Conflict: it is not.
	Save(ctx context.Context, i Import, from State, at int) error
	// Take stores a step. Conflict with reason StaleLease: another worker was faster, or somebody stopped the import. Conflict
	// otherwise: a record changed meanwhile.
	Take(ctx context.Context, by crm.Author, s Step) error
	// Lines lists lines that were created or updated, backwards from the one before a place (0: from the last).
	Lines(ctx context.Context, org record.ID, id string, before, limit int) ([]Line, error)
	// Begin stores a new import, and Fill the pieces of its file in order; Drop forgets an import that has not begun.
	Begin(ctx context.Context, i Import) error
	Fill(ctx context.Context, org record.ID, id string, piece int, bytes []byte) error
	Drop(ctx context.Context, org record.ID, id string) error
	// ByUID finds events that are not deleted by the UID that they were imported with: of several the oldest. owner 0: anybody's.
	ByUID(ctx context.Context, org, owner record.ID, uids []string) (map[string]record.ID, error)
	// Remembered tells which targets people of the organization chose for columns of these names (in the form of Key), the user's
	// own choice first, then the latest.
	Remembered(ctx context.Context, org, user record.ID, kind record.Kind, keys []string) (map[string]Target, error)
	Remember(ctx context.Context, org, user record.ID, kind record.Kind, targets map[string]Target) error
}

// Records are what an import needs of the CRM. *crm.CRM fits it.
type Records interface {
	Schema(ctx context.Context, org record.ID, kind record.Kind) (*record.Schema, error)
	Admit(ctx context.Context, a crm.Actor, kind record.Kind, drafts []crm.Draft) ([]crm.Admitted, error)
	ByKey(ctx context.Context, a crm.Actor, keys []string) (map[string]record.ID, error)
	ByID(ctx context.Context, a crm.Actor, kind record.Kind, ids ...record.ID) (map[record.ID]crm.Record, error)
	Stored(ctx context.Context, a crm.Actor, kind record.Kind, ids ...record.ID) (map[record.ID]crm.Record, error)
}

// Desk carries imports out.
type Desk struct {
	// Origin is the host of this Tandem, by which its own files are known (exportfile.Origin); "": none is.
	Origin  string
	Store   Store
	Records Records
	// Actor is a user as the CRM knows one. Denied: this person may not import (any more).
	Actor func(ctx context.Context, org, user record.ID) (crm.Actor, error)
	NewID func() string
	Now   func() time.Time
}

// PieceSize is how many bytes of a file are kept together.
const PieceSize = 256 << 10
