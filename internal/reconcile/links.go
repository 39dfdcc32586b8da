package reconcile

import (
	"context"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// Links is the part of the ledger that pages, the API, the webhook and the switchboard use. It needs no lease: it reads,
// or it changes what only people change. Every method but those of the scheduler names the organization.
type Links interface {
	// CreateLink stores a link that is being switched on, and wakes it. Conflict: the user has one of that kind that
	// is not Off. Denied with reason CalendarTaken: another link of the mailbox lives in the calendar that the person chose.
	CreateLink(ctx context.Context, link Link) (*Link, error)
	// Link finds one link. NotFound: none, or another organization's.
	Link(ctx context.Context, org record.ID, id LinkID) (*Link, error)
	// LinksOf lists a user's links that are not Off, by kind.
	LinksOf(ctx context.Context, org, user record.ID) ([]Link, error)
	// LinksIn lists the organization's links that are not Off.
	LinksIn(ctx context.Context, org record.ID) ([]Link, error)
	// ChangeState moves a link to a state with a reason if it now is in one of the states from, and wakes it when it
	// is to run. Conflict: it is in another state.
	ChangeState(ctx context.Context, org record.ID, id LinkID, from []LinkState, to LinkState, reason fault.Reason) error
	// ChangeSettings stores a link's policy and mapping and wakes it; its next run takes them in. NotFound: no such link.
	ChangeSettings(ctx context.Context, org record.ID, id LinkID, policy Policy, table *mapping.Table) error
	// AllowDeletes sets DeletesOK on a Held link and marks what waits (Pair.RetryAt), or (false) makes its waiting deletions be undone by recreating; it wakes the link.
	AllowDeletes(ctx context.Context, org record.ID, id LinkID, yes bool) error
	// AllowGrowth lets a link go on that was Paused with reason TooManyCreates, and make as much as it likes until a time.
	// Conflict: it is not.
	AllowGrowth(ctx context.Context, org record.ID, id LinkID, until time.Time) error
	// Wake raises Wanted of the links and enqueues one job for each, in one transaction. Links that are not On, Held or
	// Switching are passed over; unknown ids too.
	Wake(ctx context.Context, ids ...LinkID) error
	// Urge is Wake for a person who asks for a run of one link now: a job that sleeps after a fault is not waited for.
	Urge(ctx context.Context, org record.ID, id LinkID) error
	// Retry makes parked pairs due at once and wakes the link; no refs: all of them.
	Retry(ctx context.Context, org record.ID, id LinkID, refs ...record.Ref) error
	// History lists what sync did, latest first: the lines before the given id (0: from the latest), at most limit.
	History(ctx context.Context, org record.ID, id LinkID, before int64, limit int) ([]HistoryEntry, error)
	// Lines lists what sync did of what is asked for, latest first.
	Lines(ctx context.Context, org record.ID, q HistoryQuery) ([]HistoryEntry, error)
	// RunWork tells what one run of a link did. NotFound: nothing is known of it.
	RunWork(ctx context.Context, org record.ID, id LinkID, run int64) (RunWork, error)
	// UndoneOf tells which lines somebody has tried to undo.
	UndoneOf(ctx context.Context, org record.ID, lines []int64) (map[int64]UndoneLine, error)
	// LinksEver lists all links that a user has had of a kind, also those that are off, latest first.
	LinksEver(ctx context.Context, org, user record.ID, kind record.Kind) ([]LinkID, error)
	// Hours lists what links did in each hour since a time, oldest first; hours without work are absent.
	Hours(ctx context.Context, org record.ID, ids []LinkID, since time.Time) ([]HourWork, error)
	// Records tells where records stand in a link. state: synced, waiting, failing, excluded, or "" for all. Excluded
	// ones include the owner's records that never entered the link; Reason says why.
	Records(ctx context.Context, org record.ID, id LinkID, state string, offset, limit int) ([]RecordState, error)
	// Standing counts the records of a link by state, with what is excluded counted by reason.
	Standing(ctx context.Context, org record.ID, id LinkID) (Standing, error)
	// RecordsOf tells where single CRM records stand in the links of their owners, by ref; for badges.
	RecordsOf(ctx context.Context, org record.ID, kind record.Kind, refs []record.Ref) (map[record.Ref]RecordState, error)

	// Asks lists the pairs of a link about which a person has something to decide, by ascending id.
	Asks(ctx context.Context, org record.ID, id LinkID, offset, limit int) ([]Question, error)
	// Decide stores what a person said about the pair of an item at Microsoft, makes it due at once and wakes the link.
	// Only Taken, Match, New, Out and Agreed of the answer count, and only where they answer what is asked. NotFound: there is no such
	// question (any more).
	Decide(ctx context.Context, org record.ID, id LinkID, item record.Ref, answer Ask) error

	// LeftOut lists the pairs of items that a person left out, by ascending id.
	LeftOut(ctx context.Context, org record.ID, id LinkID, offset, limit int) ([]Question, error)
	// TakeBack asks again about an item that was left out, and wakes the link. NotFound: it was not, or no longer is.
	TakeBack(ctx context.Context, org record.ID, id LinkID, item record.Ref) error

	// Due lists running links whose last run ended before the given time, oldest first: the polling that makes up for
	// lost notifications. All organizations.
	Due(ctx context.Context, before time.Time, limit int) ([]LinkID, error)
	// Subscriptions lists running links whose subscription ends before the given time or that have none. All organizations.
	Subscriptions(ctx context.Context, before time.Time, limit int) ([]LinkID, error)
}

// Question is what one person is asked about one pair.
type Question struct {
	CRM       record.Ref // "" for an item that may be one of Matches
	Microsoft record.Ref
	Name      string
	Ask       Ask
	Since     time.Time
}

// RunWork is what one run of a link did.
type RunWork struct {
	From, To time.Time
	Lines    int // all that it tells of
	Deletes  int // of those, records that an undo would move to the recycle bin
	Restores int // that it would take out of it
	Updates  int // that it would give former values
}

// HistoryQuery asks for lines of history: those of links, or those about a record of the CRM.
type HistoryQuery struct {
	Links  []LinkID // all of one kind and one user, latest first
	Record record.Ref
	Kind   record.Kind // of Record
	Run    int64       // 0: any
	Side   Where       // "": either
	Action Action      // "": any
	From   time.Time   // zero: from the beginning
	To     time.Time   // zero: to the end
	Before int64       // lines with lower ids; 0: from the latest
	Limit  int
}

// HistoryEntry is one stored line of history.
type HistoryEntry struct {
	ID   int64
	Link LinkID
	HistoryLine
}

// RecordState is where one record stands in a link.
type RecordState struct {
	Link      LinkID
	CRM       record.Ref
	Microsoft record.Ref
	Name      string // of the record, for lists
	State     string // synced, waiting, failing, excluded
	Reason    fault.Reason
	Detail    string
	RetryAt   time.Time
	Since     time.Time // when it came into this state
	Asks      bool      // its person has something to decide about it
}

// Standing counts where the records of a link stand.
type Standing struct {
	Synced, Waiting, Failing, Excluded int
	Why                                map[fault.Reason]int // of the failing and excluded ones
}
