package storetest

import (
	"testing"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A mailbox that passes from one user to another, of whichever organization, may still have the former one's link: a calendar in
// it is taken once, however that link came by it, until it is off. A calendar of the same id in another mailbox is in nobody's way.
func testChosenCalendar(t *testing.T, w *world) {
	tie := func(org, user record.ID, identity account.Identity) {
		u := must(w.Accounts().User(t.Context(), org, user))(t)
		u.Identity = identity
		ok(t, w.Accounts().UpdateUser(t.Context(), u))
	}
	in := func(org, user record.ID, calendar record.Ref) (*reconcile.Link, error) {
		link := reconcile.Link{
			Org: org, User: user, Kind: record.Calendar, State: reconcile.On, Since: w.clock.Now(), Mapping: mapping.Default(record.Calendar),
		}
		link.Policy.Calendar = calendar
		return w.Links().CreateLink(t.Context(), link)
	}
	end := func(l *reconcile.Link) {
		ok(t, w.Links().ChangeState(t.Context(), l.Org, l.ID, []reconcile.LinkState{reconcile.On}, reconcile.Off, ""))
	}
	first := must(in(w.ours, w.ana, "own"))(t)
	if first.Policy.Calendar != "own" {
		t.Errorf("the link is %+v", first)
	}
	must(in(w.ours, w.bob, "own"))(t) // in another mailbox
	ana := must(w.Accounts().User(t.Context(), w.ours, w.ana))(t).Identity
	tie(w.ours, w.ana, account.Identity{})
	tie(w.theirs, w.eve, ana)
	if _, err := in(w.theirs, w.eve, "own"); !fault.Is(err, fault.Denied) || fault.ReasonOf(err) != fault.CalendarTaken {
		t.Errorf("while the former link is there: %v", err)
	}
	end(must(in(w.theirs, w.eve, "other"))(t))
	end(first)
	dedicated := must(in(w.theirs, w.eve, ""))(t)
	l := w.run(dedicated.ID)
	l.Container = "made"
	w.served(l)
	tie(w.theirs, w.eve, account.Identity{})
	tie(w.ours, w.ana, ana)
	if _, err := in(w.ours, w.ana, "made"); fault.ReasonOf(err) != fault.CalendarTaken {
		t.Errorf("the dedicated calendar of a former link: %v", err)
	}
	must(in(w.ours, w.ana, "own"))(t)
}
