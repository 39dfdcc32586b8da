// Package record holds what travels between the two sides of a link: records as fields with values, changes to them,
// writes and their outcomes. It knows no side, no database and no wire format.
//
// Between the sides a record is always told in the CRM's fields (fields.go); translating from and to Microsoft's is
// left to package mapping, deciding to package reconcile.
package record

import (
	"maps"
	"strconv"
	"time"
)

// Kind names one of the two kinds of record that links keep alike. The words are those of the public API.
type Kind string

// The kinds of record.
const (
	Contacts Kind = "contacts"
	Calendar Kind = "calendar"
)

// ID identifies a CRM record, user or organization: a decimal number of up to 19 digits, written as a string in JSON
// (Zoho CRM API v8 does the same).
type ID int64

func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// Ref is the Ref under which the CRM side of a link knows the record.
func (id ID) Ref() Ref { return Ref(id.String()) }

// ParseID reads an ID; ok is false for anything but a positive decimal number of at most 19 digits.
func ParseID(s string) (id ID, ok bool) {
	if len(s) == 0 || len(s) > 19 || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return ID(n), err == nil && n > 0
}

// Ref is the id of an item on its side: opaque, compared byte for byte (Graph's ids differ by letter case alone).
type Ref string

// Version is a side's mark for one state of an item: an etag of Graph, a row version of the CRM.
type Version string

// Cursor remembers how far a side has been read; only the side that made it can read it. "" means: from the start.
type Cursor string

// Value is a field's content in its canonical text form (see Type); two values are the same if and only if the strings
// are. "" is the empty value: cleared, or never set.
type Value string

// Fields are the values of a record by field. A field that is absent was not read or is not meant; a field with the
// empty value is empty.
type Fields map[Field]Value

// Clone copies the fields.
func (f Fields) Clone() Fields { return maps.Clone(f) }

// With returns a copy of f overlaid with the values of more.
func (f Fields) With(more Fields) Fields {
	out := make(Fields, len(f)+len(more))
	maps.Copy(out, f)
	maps.Copy(out, more)
	return out
}

// State says what a side knows about an item.
type State uint8

// A Missing item is a candidate for deletion and never more than that: it takes a look at the single item to make it
// Gone (see SYNC-INVARIANTS I4).
const (
	Present State = iota // there, with its fields
	Missing              // no longer reported where it was; not proved to be gone
	Gone                 // proved: deleted
	Left                 // exists, but outside what the link takes part in (moved to another folder, another owner)
)

// Change is one item of a side as it now is.
type Change struct {
	Ref     Ref
	Version Version
	State   State
	Fields  Fields // of a Present item, all fields that the side reads
	Token   string // our mark on the item, if the side saw one: the id of the intent that created it
	// TokenRead says that the side looked for a mark: an empty Token then means that there is none.
	TokenRead bool
	// Stamp is that of the last write with one, and Attempt that of the create, where the side looked for a mark. A person's
	// copy of an item has those of the item that it was made from.
	Stamp, Attempt string
	Created        time.Time // zero when unknown, as for the CRM side
	Modified       time.Time // when it last changed by the side's clock, UTC; zero when unknown
	Restored       time.Time // of the CRM side: when a person last took it out of the recycle bin; zero: nobody did
	Meta           Meta      // of the CRM side
	// Colleagues says of an item at Microsoft that it is a copy of a meeting which a colleague organizes.
	Colleagues bool
	// UID is what calendar files call an event at Microsoft (its iCalUId); "": the side does not know.
	UID string
}

// Meta is what the CRM knows about a record besides its fields, for deciding who syncs what.
type Meta struct {
	Owner  ID
	Source Source
	// MassUpdated: a mass update has touched it, or sync has found it in its owner's Outlook. So it takes part even if it was imported.
	MassUpdated bool
	// Agreed is a person's word that the record as it now stands, or its deletion, may be mailed from the link's calendar; nil: nobody gave one.
	Agreed *Agreement
	// KeptIn is, of an event, the calendar of its owner's own in which it stayed when the sync of that ended, if nobody has changed
	// it since; "": none.
	KeptIn Ref
}

// Source says how a record came into the CRM (the values of Zoho CRM's field Data_Source).
type Source string

// The sources that Tandem writes.
const (
	Manual       Source = "Manual"
	API          Source = "API"
	Import       Source = "Import"
	Migration    Source = "Migration"
	FromExchange Source = "Microsoft"
)

// Page is one page of changes. Next is where the following page begins, and after the last page, where the next run
// begins: whoever stores it must have stored the effects of this page's changes (SYNC-INVARIANTS I7).
type Page struct {
	Changes []Change
	Next    Cursor
	More    bool
	// Listing, if not nil, is every item of the container with its version: the side had reason to list them all, such
	// as a number of items that differs from what the caller knows.
	Listing map[Ref]Version
	// First says that more of the first sync is to come after this page; Total, on its first page, how much in all.
	First bool
	Total int
}

// Op is what a Write does.
type Op uint8

// The operations of a write.
const (
	Create Op = iota
	Update
	Delete  // the CRM moves the record to its recycle bin, Outlook to Deleted Items
	Restore // take a record out of the CRM's recycle bin and update it
)

// Write is one change to be made on a side. Update, Delete and Restore are conditional: they happen only if the item is
// still at Version.
type Write struct {
	Op      Op
	Ref     Ref     // of Update, Delete and Restore
	Version Version // the version that was planned on
	Fields  Fields  // only those to be written, each with its new value; "" clears
	Token   string  // of Create: the intent's id, which makes repeating harmless
	// Stamp names the chunk of writes that this one belongs to. The side keeps it with the record until a write with another
	// one, whatever else is written in between; so it can be told afterwards whether a write that nobody answered happened.
	Stamp string
	Meta  Meta // in the CRM: of Create owner and source, of Update whether it takes part from now on (MassUpdated)
	// Agreed says which mails a person has agreed to that the write may cause; nil: none.
	Agreed *Agreement
}

// Outcome is what became of a Write.
type Outcome struct {
	Ref     Ref
	Version Version
	// Fields are the values as the side now holds them, as far as it said so; nil when it did not.
	Fields Fields
	// Err is the fault of this one record. Conflict: no longer at the version planned on; the write did not happen.
	// Unavailable with reason OutcomeUnknown: it may have happened; look for it before trying again.
	Err error
}
