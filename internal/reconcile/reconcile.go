// Package reconcile keeps the two sides of a link alike: the CRM and a dedicated calendar or contact folder at
// Microsoft 365. plan.go decides, run.go carries out, policy.go holds who syncs what, brake.go when to ask a person,
// switch.go turns links on and off.
//
// It has no HTTP, no SQL and no clock of its own. What it needs of the world it declares here: two Sides, a Ledger, the
// Containers at Microsoft. It speaks the CRM's fields throughout; the Microsoft side is wrapped in its link's mapping.
package reconcile

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// A Side is one of the two places that a link keeps alike. outlook.Contacts, outlook.Events and crm.Side fit it.
type Side interface {
	// Changes returns one page of what changed after the cursor. An empty cursor asks for everything: the Microsoft
	// side in any order, the CRM side in the order of the first sync (S19) and not beyond its cap. known is how many
	// items of this side the ledger has, for sides that tell a deletion by counting. An item that is no longer there
	// comes as Missing, or as Gone or Left if the side has proof.
	// Errors: Gone with reason CursorExpired: start afresh; Gone with reason ContainerDeleted: proved, the whole
	// container is gone; Denied, Throttled, Unavailable concern the whole link.
	Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error)
	// Read looks at single items, in the order asked for: Present with fields, Gone with proof, or Left.
	Read(ctx context.Context, refs []record.Ref) ([]record.Change, error)
	// Apply carries out the writes and reports on each in the same order. The error is for what stops the whole link;
	// it may come with outcomes: those that are filled in (Ref or Err set) stand, the others are unknown.
	Apply(ctx context.Context, writes []record.Write) ([]record.Outcome, error)
	// Find looks for items that carry one of the tokens, after an answer was lost; tokens that no item carries are
	// absent from the result.
	Find(ctx context.Context, tokens []string) (map[string]record.Change, error)
}

// Sides gives the two sides of a link. Each call may return values with credentials in them: they live for one run.
type Sides interface {
	Microsoft(ctx context.Context, link *Link) (Side, error)
	CRM(ctx context.Context, link *Link) (Side, error)
}

// Containers makes, finds and removes the dedicated calendars and folders at Microsoft.
type Containers interface {
	// Create makes the container of the link, or finds the one that carries the link's marker, and returns its id.
	// If the name is taken by something that is not ours, it chooses another ("Tandem (2)"). Unavailable with reason StillRemoving, and how
	// long that may last: it is there, and Link.Removing is so short a time ago that the request may still take it away.
	Create(ctx context.Context, link *Link, name string) (record.Ref, string, error)
	// Remove deletes the link's container with all that is in it; it is no fault if it is gone already.
	Remove(ctx context.Context, link *Link) error
	// Subscribe asks for change notifications of the container, or renews the subscription; it returns its id and
	// when it ends. A server without a public address gets an empty id and no error.
	Subscribe(ctx context.Context, link *Link) (id string, ends time.Time, err error)
	// Unsubscribe ends the link's subscription; it is no fault if there is none.
	Unsubscribe(ctx context.Context, link *Link) error
}

// LinkID identifies a link.
type LinkID int64

// LinkState is where a link stands.
type LinkState string

// The states of a link. Only On links run.
const (
	On        LinkState = "on"        // running, or waiting for something to do
	Paused    LinkState = "paused"    // cannot run until a person acts: Reason says why (reconnect, consent, mailbox)
	Held      LinkState = "held"      // the brake: deletions wait for a yes or no; everything else goes on
	Switching LinkState = "switching" // being switched off: last read, then the container is removed
	Off       LinkState = "off"       // switched off; kept for its history
)

// Link is one user's sync of one kind.
type Link struct {
	ID    LinkID
	Org   record.ID
	User  record.ID
	Kind  record.Kind
	State LinkState
	// Mailbox names the mailbox at Microsoft. A link never goes on in another one.
	Mailbox string
	// Heir is who got the user's records when the link began to be switched off, and gets what its last reading brings;
	// 0: nobody else.
	Heir record.ID
	// Reason is why the link is Paused, Held or Off, "" otherwise.
	Reason fault.Reason

	Container     record.Ref // id of the dedicated calendar or folder; "" before it is made
	ContainerName string
	Removing      time.Time     // when its container was last asked to go; of a link that begins, that of the user's link of this kind before it
	Microsoft     record.Cursor // how far each side has been read
	CRM           record.Cursor
	Known         int  // how many Microsoft items the ledger knows in the container
	Settled       bool // the first sync is complete

	Subscription     string // id of the change notification subscription; "" without
	SubscriptionEnds time.Time

	Wanted, Done int64 // wake-ups asked for and served; a run is due while Wanted > Done
	Fence        int64 // rises with each lease; a settle with an old one is refused
	DeletesOK    bool  // a person has said yes to the deletions that the brake held

	LastRun     time.Time // end of the last complete run
	Proof       Proof     // of the last audit
	LastError   string    // of the last run, for the operator; "" after a good one
	Since       time.Time // when it was switched on
	FirstTotal  int       // of the first sync: how many records there are to send, for progress
	FirstDone   int       // of the first sync: how many are settled
	Policy      Policy
	Mapping     *mapping.Table
	Region      string    // of the organization: whose telephone numbers are written without their country (ISO 3166-1)
	Recent      Recent    // what it made and deleted lately
	GrowthUntil time.Time // until then a person lets it make more than is plausible: see growth.go
	Changed     bool      // Policy or Mapping were changed, and no run has taken that in yet
	Synced      int       // counts for the cards and the API
	Waiting     int
	Failing     int
	ExcludedSum int
}

// PairState is where one pair stands.
type PairState string

// The states of a pair.
const (
	Synced   PairState = "synced"   // both sides agreed when last seen
	Intended PairState = "intended" // a create is on its way and its outcome is not known yet
	Parked   PairState = "parked"   // failing: Reason says why, RetryAt when it is tried again (zero: not by itself)
	Waiting  PairState = "waiting"  // a deletion that waits for a person's yes (the brake)
	Excluded PairState = "excluded" // remembered as not taking part, such as one the person moved out
)

// Pair is one CRM record and one Microsoft item that belong together, and what they last agreed on. Either Ref may be
// empty while the record has not reached that side.
type Pair struct {
	ID               int64 // 0: not stored yet
	CRM              record.Ref
	CRMVersion       record.Version
	Microsoft        record.Ref
	MicrosoftVersion record.Version
	Base             record.Fields // mapped fields in normal form, as both sides were observed to hold them
	Token            string        // id of the intent that created the younger side; carried by the item as its marker
	State            PairState
	Reason           fault.Reason
	Detail           string    // the neighbour's own words, for the record's page
	Attempts         int       // failures in a row
	RetryAt          time.Time // zero: only a change or a person's Retry. Of a Waiting pair: when a person said yes to its deletion
	// MissingSide is, of a Waiting pair, the side on which it was deleted.
	MissingSide Where
	Name        string // of a record that has not reached the CRM: what lists call it
	Ask         *Ask   // nil: there is nothing to ask
}

// Ask is what a person is asked about a pair, and what the person has said.
type Ask struct {
	// Conflicts are fields that both sides changed differently under the policy AskPerson; Taken says of each whose value
	// the person takes.
	Conflicts []record.Field         `json:"conflicts,omitempty"`
	Taken     map[record.Field]Where `json:"taken,omitempty"`
	// Matches are CRM records that a new item at Microsoft may be: more than one, or one that more than one item may be.
	// Match is the one that the person chose, New that it is none of them, Out that it is left out: then the item stays
	// at Microsoft alone and the records in the CRM alone, until the person takes that back.
	Matches []record.Ref `json:"matches,omitempty"`
	Match   record.Ref   `json:"match,omitempty"`
	New     bool         `json:"new,omitempty"`
	Out     bool         `json:"out,omitempty"`
	// Theirs is what the item held when the question arose, in the CRM's fields: of the conflicts, or all of a new item.
	// Pages show it without asking Microsoft.
	Theirs record.Fields `json:"theirs,omitempty"`
	// Mails are those whom Exchange would tell that a meeting is off, were its item deleted as its record was: the deletion is
	// held back until the person agrees, or says by Out that it stays in Outlook. Of is the version of the record that this is
	// about, Why the reason of the deletion.
	Mails  []string          `json:"mails,omitempty"`
	Of     record.Version    `json:"of,omitempty"`
	Why    string            `json:"why,omitempty"`
	Agreed *record.Agreement `json:"agreed,omitempty"`
	// Again: the person had said Out and wants to be asked after all. What the item held then, Seen (nil: it was not read yet), is no
	// edit that would bring its record back.
	Again bool          `json:"again,omitempty"`
	Seen  record.Fields `json:"seen,omitempty"`
}

// Where names a side.
type Where string

// The two sides.
const (
	InCRM       Where = "crm"
	InMicrosoft Where = "microsoft"
)

// Intent is a write that is about to be sent: durable before the request leaves. Deletions need none.
type Intent struct {
	Token string     `json:",omitempty"` // of a create; "": a record is changed
	Side  Where      // where the record is to be created; of a change, the last side that is to be written
	From  record.Ref // the item on the other side that it is made from; of a change, the record in the CRM
	Pair  int64      // the pair it belongs to, or 0: a new one
	// Base is what the item will hold, in normal form: the base of the pair if the item is found after the answer was lost. Of a
	// change, it is the base that it was planned on, if the ledger does not have it.
	Base    record.Fields `json:",omitempty"`
	Deletes bool          `json:",omitempty"` // the record is to be deleted on the side
	// Of a change: the stamp that its writes leave, and what the two sides agree on once each side has been written. See doubt.go.
	Stamp                     string        `json:",omitempty"`
	ToCRM, ToMicrosoft, Apart record.Fields `json:",omitempty"`
}

// Forget takes fields out of what the two sides are to agree on: see Forget.
func (i *Intent) Forget(fields []record.Field) {
	i.Base = Forget(i.Base, fields)
	if i.Deletes {
		return
	}
	d := doubtOf(*i)
	d.forget(fields)
	i.ToCRM, i.ToMicrosoft, i.Apart = d.CRM, d.Microsoft, d.Apart
}

// Entry is one pair's new standing together with the history of how it came about.
type Entry struct {
	Pair    Pair // stored as it is; ID 0 makes a new one
	Drop    bool // the pair ends (Pair.ID says which; 0: none does, and the entry is all history)
	History []HistoryLine
}

// HistoryLine says one thing that sync did to one record. Lines are never changed.
type HistoryLine struct {
	At        time.Time
	CRM       record.Ref
	Microsoft record.Ref
	Side      Where         // the side that was written
	Action    Action        // what was done there
	Reason    string        // why, as a code that pages have words for: see plan.go
	Fields    record.Fields // values written
	Before    record.Fields // what the side held in their places; of a deletion, all that is mapped
	Lost      []Loss
	// Delay is how long the change had been made on the other side when it was written; 0: it was no fresh change, or that
	// is not known.
	Delay time.Duration
	Run   int64  // which run of the link it was, by its fence; Settle says it
	Mark  string // of the item at Microsoft; "": it has none. See Ledger.Marked
}

// Loss is a value that lost a conflict: a person may take it instead.
type Loss struct {
	Field record.Field
	Side  Where // where the value stood
	Value record.Value
}

// Action is what sync did to a record on one side.
type Action string

// The actions in the history.
const (
	Created  Action = "created"
	Updated  Action = "updated"
	Deleted  Action = "deleted"
	Restored Action = "restored"
	Adopted  Action = "adopted" // the two were found to belong together; nothing was written
	Unlinked Action = "unlinked"
	// Overruled comes before the write that takes the places of the values in Lost, so that they are not lost if the
	// process is: on rare occasions the write does not follow, or follows after a second such line.
	Overruled Action = "overruled"
	Failed    Action = "failed"
	Asked     Action = "asked" // a person must decide
)

// Ledger remembers links, pairs, bases, cursors and history. Every method after Open is refused with Conflict and
// reason StaleLease when another worker has taken the link over (its Fence has risen); reading pairs also with reason Interrupted
// once somebody has paused the link or is switching it off, so that nothing read from then on is acted upon. A method is one transaction, and
// none spans a network call.
type Ledger interface {
	// Open takes the lease of the link for at most lease and returns it as it stands, with Fence risen; Conflict when
	// another worker holds an unexpired lease. NotFound: no such link.
	Open(ctx context.Context, id LinkID, now time.Time, lease time.Duration) (*Link, error)
	// Renew extends the lease.
	Renew(ctx context.Context, link *Link, until time.Time) error
	// PairsByRef finds the pairs of the refs of one side; refs without a pair are absent from the result.
	PairsByRef(ctx context.Context, link *Link, side Where, refs []record.Ref) (map[record.Ref]Pair, error)
	// PairsInState pages through pairs of a state by ascending id: those after the given id, at most limit. With
	// dueBy non-zero only those whose RetryAt is set and not later.
	PairsInState(ctx context.Context, link *Link, state PairState, dueBy time.Time, after int64, limit int) ([]Pair, error)
	// Pairs pages through all pairs by ascending id: those after the given id, at most limit.
	Pairs(ctx context.Context, link *Link, after int64, limit int) ([]Pair, error)
	// Marked tells which item each mark belongs to that the history of these records names, whichever link it was: the one of its latest
	// line. It outlives the pairs.
	Marked(ctx context.Context, link *Link, records []record.Ref) (map[string]record.Ref, error)
	// Intend stores intents as one batch, before their requests leave, and returns the batch's id. Conflict with reason
	// Duplicate: a record is on its way in another batch, or one that is said to have no pair has one; nothing is stored.
	Intend(ctx context.Context, link *Link, intents []Intent) (int64, error)
	// OpenIntents are the batches that were never settled: a run was cut off between Intend and Settle.
	OpenIntents(ctx context.Context, link *Link) (map[int64][]Intent, error)
	// Settle stores the entries and forgets the batch of intents (0: there was none), in one transaction. It keeps
	// link.Known and the counts of link in step, in the row and in link.
	Settle(ctx context.Context, link *Link, batch int64, entries []Entry) error
	// Advance stores link's cursors, Settled, progress, container and Removing: only call it when the effects of all pages before them are settled.
	Advance(ctx context.Context, link *Link) error
	// Close ends the lease and stores what the run came to: state, reason, last run and error, served wake-ups (Done),
	// container, subscription, DeletesOK.
	Close(ctx context.Context, link *Link) error
	// End is Close of a link that is Off, and Forget: a link that has forgotten its pairs and goes on would meet its own items as
	// strangers. stays: what is still in the container stays there, in a calendar that was there before the link, and its records
	// remember that (record.Meta); otherwise none does of that calendar.
	End(ctx context.Context, link *Link, stays bool) error
	// Forget removes all pairs and open intents of the link and zeroes its cursors and counts (history stays): its next run finds
	// them again.
	Forget(ctx context.Context, link *Link) error
}
