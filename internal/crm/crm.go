// Package crm holds the rules of the built-in CRM: who owns a record, which values a field takes, what an import or a
// mass update marks, the recycle bin. Contacts and events (called meetings on pages) are records of two kinds and share
// all rules; what differs stands in the field tables of package record.
//
// It has no HTTP, no SQL and no clock of its own; storing is left to whoever fits Store, showing to web and crmapi.
package crm

import (
	"context"
	"time"

	"tandem/internal/record"
)

// Record is one contact or event as the CRM keeps it.
type Record struct {
	ID         record.ID
	Org        record.ID
	Kind       record.Kind
	Owner      record.ID
	Version    int64 // rises by one with each write
	Seq        int64 // place in the organization's order of writes; every write moves the record to its end
	Fields     record.Fields
	Source     record.Source
	Mark       Mark
	Token      string // id of the intent that created it, when sync did; unique within the organization
	Stamp      string // of sync's last write: see record.Write
	CreatedAt  time.Time
	CreatedBy  record.ID
	ModifiedAt time.Time
	ModifiedBy record.ID
	DeletedAt  time.Time // in the recycle bin since; zero: not deleted
	DeletedBy  record.ID
	RestoredAt time.Time  // when somebody last took it out of the recycle bin; zero: nobody did
	Mailing    Mailing    // of an event
	KeptIn     record.Ref // of an event: see record.Meta; writing the record forgets it
	// Veiled: of somebody else's private event, this shows only when it is.
	Veiled bool
}

// A Mark says what has happened to a record for which it takes part in sync, even if it was imported (S32, S33). The first that
// lets a record in stays, until a mass update changes it.
type Mark int

// The marks, by the numbers under which they are stored.
const (
	NoMark       Mark = 0
	MassMark     Mark = 1 // a mass update has touched it
	OutlookMark  Mark = 2 // it was imported, and its owner has it in Outlook: sync let it in
	MergedInMark Mark = 3 // it was imported, and one that takes part was merged into it
)

// Deleted reports whether the record lies in the recycle bin.
func (r Record) Deleted() bool { return !r.DeletedAt.IsZero() }

// takeBack takes the record out of the recycle bin for a person.
func (r *Record) takeBack(now time.Time) {
	if r.Deleted() {
		r.DeletedAt, r.DeletedBy, r.RestoredAt = time.Time{}, 0, now
	}
}

// Meta is what decides whether the record takes part in a sync.
func (r Record) Meta() record.Meta {
	return record.Meta{Owner: r.Owner, Source: r.Source, MassUpdated: r.Mark != NoMark, Agreed: r.Mailing.Agreed, KeptIn: r.KeptIn}
}

// Author is who makes a change: a person, or sync on a person's behalf.
type Author struct {
	Org  record.ID
	User record.ID
	// Link is the link whose sync makes the change, or 0: its own writes need not wake it.
	Link int64
	// Fence is the number that the run of Link has taken the lease with: once another run has taken it, nothing is written
	// (Conflict with reason StaleLease). 0: there is nothing to check.
	Fence int64
	// Merging is the contact into which the others of the change are merged, or 0.
	Merging record.ID
}

// Query asks for a page of records.
type Query struct {
	Owner  record.ID // 0: everybody's
	Search string    // words, each of which must begin or be contained in a name, address, phone, company, title or place
	Who    record.ID // events about this contact
	// Reader is whose private events a search, a filter or Who finds; 0: everybody's.
	Reader  record.ID
	IDs     []record.ID
	Deleted bool // those in the recycle bin instead
	// Events that take place at least partly in [From, To): series count from their start to their end.
	From, To time.Time
	// Ended leaves out events that have not ended at it.
	Ended time.Time
	// FromDay and ToDay are From and To for events that last whole days, which are kept as days of UTC; zero: the same.
	FromDay, ToDay time.Time
	// Outlook leaves out what does not stand there so.
	Outlook Standing
	// Unveiled leaves out what is somebody else's private event to the Reader: for orders that would tell of it.
	Unveiled bool
	// ModifiedSince leaves out what was not modified at or after it.
	ModifiedSince time.Time
	// Imported leaves out all but those that came by import or migration and that no mass update has touched.
	Imported      bool
	Filters       []Filter // all of them hold; at most FiltersMax
	Sort          Sort
	SortOn        record.Def // of ByField
	Descending    bool
	Limit, Offset int
	// Most is where Count stops counting; 0: it counts all.
	Most int
}

// Standing is whether records are in their owner's Outlook, in step with it.
type Standing string

// Where records stand.
const (
	InOutlook    Standing = "in"
	NotInOutlook Standing = "out"
)

// Sort is what a list is ordered by; the id breaks ties.
type Sort string

// The orders of lists.
const (
	ByID       Sort = "id"
	ByCreated  Sort = "Created_Time"
	ByModified Sort = "Modified_Time"
	ByName     Sort = "name" // contacts: family name, given name; events: title
	ByStart    Sort = "start"
	ByCompany  Sort = "company" // of contacts; those without one come last
	ByEmail    Sort = "email"   // of contacts; those without one come last
	// ByField looks at every record that is listed: for lists of some thousands. What is empty comes last.
	ByField Sort = "field"
)

// Tombstone tells of a record that was deleted, for the list of deleted records.
type Tombstone struct {
	ID          record.ID
	Name        string
	Private     bool // an event: its name is for its owner
	Permanent   bool // no longer in the recycle bin
	DeletedAt   time.Time
	DeletedBy   record.ID
	CreatedBy   record.ID
	DeletedName string
	Owner       record.ID // at the time of its deletion
}

// Store keeps records. Each writing method is one transaction that also gives the records the organization's next
// sequence numbers, remembers departures (a new owner, a final deletion) for the sync of the former owner, and wakes
// the links concerned; so nothing is changed that sync does not get to know.
type Store interface {
	// CustomFields lists the fields that the organization made for a kind, those out of use and destroyed ones too, in the
	// order in which they were made.
	CustomFields(ctx context.Context, org record.ID, kind record.Kind) ([]CustomField, error)

	// Records lists a page; More is told by a full page.
	Records(ctx context.Context, org record.ID, kind record.Kind, q Query) ([]Record, error)
	Count(ctx context.Context, org record.ID, kind record.Kind, q Query) (int, error)
	// IDs lists the ids of all that a query finds, in its order, as they are at one moment. Limit and Offset do not count.
	IDs(ctx context.Context, org record.ID, kind record.Kind, q Query) ([]record.ID, error)
	// ByID finds records, deleted ones too; ids that do not exist in the organization are absent.
	ByID(ctx context.Context, org record.ID, kind record.Kind, ids []record.ID) (map[record.ID]Record, error)
	// ByToken finds records by the intent that created them.
	ByToken(ctx context.Context, org record.ID, kind record.Kind, tokens []string) (map[string]Record, error)
	// ContactsByKey finds the owner's (0: anybody's) contacts that are not deleted and have one of the keys (ContactKeys), by key.
	ContactsByKey(ctx context.Context, org, owner record.ID, keys []string) (map[string][]record.ID, error)
	// EventsAt finds the owner's events that are not deleted and start (see Span) at one of some moments, by ascending id.
	EventsAt(ctx context.Context, org, owner record.ID, starts []time.Time) ([]record.ID, error)
	// EventsByUID finds the owner's events that are not deleted by the UID that they were imported with, by UID, ascending ids.
	EventsByUID(ctx context.Context, org, owner record.ID, uids []string) (map[string][]record.ID, error)
	// Duplicates lists the owner's contacts that are not deleted and have a key, or the name, in common, in the order of that,
	// from behind the one given; without those that were told apart from all others.
	Duplicates(ctx context.Context, org, owner record.ID, by DuplicateBy, after string, limit int) ([]Likeness, error)
	// TellApart remembers that pairs of contacts are two people; said by whom and when. Pairs that are known stay as they are.
	TellApart(ctx context.Context, by Author, pairs []Pair, at time.Time) error
	// NotApart forgets pairs.
	NotApart(ctx context.Context, by Author, pairs []Pair) error
	// ToldApart lists the pairs among an owner's contacts that are not deleted, the latest first, from offset.
	ToldApart(ctx context.Context, org, owner record.ID, limit, offset int) ([]Apart, error)
	// Insert stores new records and fills in ID, Version and Seq. A record whose Token is known already is not stored
	// again: the stored one is returned in its place.
	Insert(ctx context.Context, by Author, records []Record) ([]Record, error)
	// Update stores records whose Version (as given) still is the stored one and returns them with their new Version
	// and Seq; for the others the error at their place is a Conflict, or NotFound.
	Update(ctx context.Context, by Author, records []Record) ([]Record, []error, error)
	// Rewrite does what Update does with the changed records and Insert with the fresh ones, all of it or nothing: where
	// one of the changed is not at its Version the error is a Conflict, or NotFound.
	Rewrite(ctx context.Context, by Author, changed, fresh []Record) (_, _ []Record, err error)
	// Destroy removes records from the recycle bin for good and leaves tombstones.
	Destroy(ctx context.Context, by Author, kind record.Kind, ids []record.ID, at time.Time) error
	// Tombstones lists what the owner (0: anybody) had that was deleted at or after since, latest first: what lies in
	// the recycle bin, and what was destroyed.
	Tombstones(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, since time.Time, limit, offset int) ([]Tombstone, error)

	// Seq is the organization's latest sequence number.
	Seq(ctx context.Context, org record.ID) (int64, error)
	// Touched lists, by ascending Seq, what was written after the number among the records that owner has or had: the
	// record as it is now (perhaps deleted, perhaps somebody else's). A record destroyed for good has Kind, ID, Seq
	// and DeletedAt only. At most limit.
	Touched(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, after int64, limit int) ([]Record, error)
	// FirstSync lists the owner's records in the order of the first sync (S19: events yet to come by start, then past
	// ones latest first; contacts most recently modified first), those that imported admits or not, from offset.
	FirstSync(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref, now time.Time, offset, limit int) ([]Record, error)
	// FirstSyncCount counts what FirstSync lists.
	FirstSyncCount(ctx context.Context, org record.ID, kind record.Kind, owner record.ID, admitImported bool, calendar record.Ref) (int, error)
}

// Actor is the person on whose behalf the CRM is asked, and what this person may do (account.Permissions).
type Actor struct {
	Author
	Zone string // IANA name of the zone in which this person's times are shown

	Contacts, Events record.Access // what this person may do with the records of each kind
	MassUpdate       bool          // may change many records in one go
}
