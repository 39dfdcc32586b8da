package crm

import (
	"time"

	"tandem/internal/record"
)

// An Edit is one change of a contact that was made by itself: on a page, by the API, by undoing what sync did. What sync, imports and
// mass updates do is told by those.
type Edit struct {
	By     record.ID     `json:"-"`
	At     time.Time     `json:"-"`
	Did    EditDid       `json:"did"`
	Before record.Fields `json:"before,omitempty"` // the fields that changed; texts no longer than EditedMax
	After  record.Fields `json:"after,omitempty"`
	// Whose it was and became; both 0: it stayed.
	OwnerBefore record.ID `json:"owner_before,omitempty"`
	Owner       record.ID `json:"owner,omitempty"`
	// Others are the names of those that were merged into it, or of the one that it was merged into.
	Others []string `json:"others,omitempty"`
}

// EditDid is what became of the contact.
type EditDid string

// What becomes of contacts.
const (
	Edited     EditDid = "edited"
	Binned     EditDid = "deleted"
	Unbinned   EditDid = "restored"
	Merged     EditDid = "merged"
	MergedInto EditDid = "merged_into"
)

// EditedMax is how many letters of a text an Edit keeps.
const EditedMax = 300

// EditOf says what became of a contact. False: nothing that people would be told of.
func EditOf(before, after Record) (Edit, bool) {
	e := Edit{By: after.ModifiedBy, At: after.ModifiedAt, Did: Edited, Before: record.Fields{}, After: record.Fields{}}
	note := func(name record.Field) {
		was, is := before.Fields[name], after.Fields[name]
		if _, noted := e.After[name]; was != is && !noted {
			e.Before[name], e.After[name] = cut(was), cut(is)
		}
	}
	for name := range before.Fields {
		note(name)
	}
	for name := range after.Fields {
		note(name)
	}
	if before.Owner != after.Owner {
		e.OwnerBefore, e.Owner = before.Owner, after.Owner
	}
	switch {
	case after.Deleted() && !before.Deleted():
		e.Did = Binned
	case before.Deleted() && !after.Deleted():
		e.Did = Unbinned
	}
	return e, e.Did != Edited || len(e.After) > 0 || e.Owner != 0
}

func cut(v record.Value) record.Value {
	if letters := []rune(v); len(letters) > EditedMax {
		return record.Value(letters[:EditedMax-1]) + "…"
	}
	return v
}
