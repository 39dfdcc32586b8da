package record

// Reach is how far a permission on records goes.
type Reach string

// The reaches, from nothing to everything of the organization.
const (
	Nobodys Reach = ""
	Own     Reach = "own"
	Anyones Reach = "all"
)

// Within reports whether the reach goes no further than the other one.
func (r Reach) Within(other Reach) bool {
	return r == other || r == Nobodys || r == Own && other == Anyones
}

// Covers reports whether the reach holds for a record of somebody's own, or of somebody else's.
func (r Reach) Covers(own bool) bool { return r == Anyones || own && r == Own }

// Access is what somebody may do with the records of one kind.
type Access struct {
	View   Reach `json:"view,omitempty"`
	Create bool  `json:"create,omitempty"`
	Edit   Reach `json:"edit,omitempty"`
	Delete Reach `json:"delete,omitempty"`
}

// Full is everything with everybody's records, OwnOnly everything with one's own.
var (
	Full    = Access{View: Anyones, Create: true, Edit: Anyones, Delete: Anyones}
	OwnOnly = Access{View: Own, Create: true, Edit: Own, Delete: Own}
)

// Within reports whether the access goes no further than the other one.
func (a Access) Within(other Access) bool {
	return a.View.Within(other.View) && a.Edit.Within(other.Edit) && a.Delete.Within(other.Delete) && (!a.Create || other.Create)
}
