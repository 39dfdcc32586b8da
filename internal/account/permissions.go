package account

import (
	"slices"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// Profile is the name of a set of permissions, unique within its organization.
type Profile string

// The profiles that every organization has. Super Admin is what it is; what the others allow can be changed.
const (
	SuperAdmin    Profile = "Super Admin"
	Administrator Profile = "Administrator"
	Standard      Profile = "Standard"
)

// BuiltIn are the profiles that every organization has, the most powerful first.
var BuiltIn = []Profile{SuperAdmin, Administrator, Standard}

// Permissions are what a profile allows.
type Permissions struct {
	ManageUsers  bool          `json:"manage_users,omitempty"` // see, invite, approve and change users, profiles, the audit trail
	Contacts     record.Access `json:"contacts"`
	Events       record.Access `json:"events"`
	Import       bool          `json:"import,omitempty"`
	Export       bool          `json:"export"` // into files, what one sees
	MassUpdate   bool          `json:"mass_update,omitempty"`
	SyncCalendar bool          `json:"sync_calendar,omitempty"`
	SyncContacts bool          `json:"sync_contacts,omitempty"`
}

var everything = Permissions{
	ManageUsers: true, Contacts: record.Full, Events: record.Full, Import: true, Export: true, MassUpdate: true, SyncCalendar: true, SyncContacts: true,
}

var builtIn = map[Profile]Permissions{
	SuperAdmin:    everything,
	Administrator: everything,
	Standard: {
		Contacts: record.OwnOnly, Events: record.OwnOnly, Import: true, Export: true, MassUpdate: true, SyncCalendar: true, SyncContacts: true,
	},
}

// Permissions are what a profile allows unless its organization has said otherwise: nothing, for one of its own.
func (p Profile) Permissions() Permissions { return builtIn[p] }

// Records is what may be done with the records of a kind.
func (p Permissions) Records(kind record.Kind) record.Access {
	if kind == record.Contacts {
		return p.Contacts
	}
	return p.Events
}

// Sync reports whether a kind may be synced. Sync reads, makes, changes and deletes its person's own records, so whoever
// may not do these things by hand may not have them done either.
func (p Permissions) Sync(kind record.Kind) bool {
	allowed := p.SyncCalendar
	if kind == record.Contacts {
		allowed = p.SyncContacts
	}
	return allowed && record.OwnOnly.Within(p.Records(kind))
}

// Within reports whether the permissions allow nothing that others do not.
func (p Permissions) Within(other Permissions) bool {
	for _, pair := range [][2]bool{
		{p.ManageUsers, other.ManageUsers}, {p.Import, other.Import}, {p.Export, other.Export}, {p.MassUpdate, other.MassUpdate},
		{p.SyncCalendar, other.SyncCalendar}, {p.SyncContacts, other.SyncContacts},
	} {
		if pair[0] && !pair[1] {
			return false
		}
	}
	return p.Contacts.Within(other.Contacts) && p.Events.Within(other.Events)
}

// Check reports with Invalid what makes no sense: to change what one may not see, to sync what one may not change.
func (p Permissions) Check() error {
	for _, of := range []struct {
		field string
		kind  record.Kind
		sync  bool
	}{{"contacts", record.Contacts, p.SyncContacts}, {"events", record.Calendar, p.SyncCalendar}} {
		access := p.Records(of.kind)
		if !slices.Contains([]record.Reach{record.Nobodys, record.Own, record.Anyones}, access.View) {
			return fault.Wrong(fault.BadValue, of.field, "account: there is no reach %q", access.View)
		}
		if !access.Edit.Within(access.View) || !access.Delete.Within(access.View) || access.Create && access.View == record.Nobodys {
			return fault.Wrong(fault.BadValue, of.field, "account: more may be changed than seen")
		}
		if of.sync && !p.Sync(of.kind) {
			return fault.Wrong(fault.BadValue, "sync_"+of.field, "account: sync needs to see, create, change and delete one's own records")
		}
	}
	return nil
}

// Edition is what an organization has bought.
type Edition string

// The editions. Every edition but Free is a paid one.
const (
	Free         Edition = "free"
	StandardEd   Edition = "standard"
	Professional Edition = "professional"
	Enterprise   Edition = "enterprise"
)

// Editions are all there are, the smallest first.
var Editions = []Edition{Free, StandardEd, Professional, Enterprise}

// freeUsers is how many users an organization of the free edition has at most.
const freeUsers = 3

// Paid reports whether users may be invited (S7).
func (e Edition) Paid() bool { return e != Free && slices.Contains(Editions, e) }

// Users is how many active users an organization may have; 0: any number.
func (e Edition) Users() int {
	if e.Paid() {
		return 0
	}
	return freeUsers
}
