package storetest

import (
	"slices"
	"testing"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func testChoices(t *testing.T, w *world) {
	ctx, links := t.Context(), w.Links()
	wants := func(f record.Field) *reconcile.Settings {
		return &reconcile.Settings{Winner: reconcile.CRMWins, Mapping: &mapping.Table{Kind: record.Contacts, Rows: []mapping.Row{
			{Microsoft: "surname", CRM: record.LastName}, {Microsoft: "mobilePhone", CRM: f, Direction: mapping.ToCRM}}}}
	}
	starts := func(org, user record.ID) (record.Field, reconcile.Origin) {
		s, origin, err := reconcile.SettingsFor(ctx, links, org, user, record.Contacts)
		ok(t, err)
		return s.Mapping.Rows[min(1, len(s.Mapping.Rows)-1)].CRM, origin
	}
	expect := func(org, user record.ID, field record.Field, origin reconcile.Origin) {
		t.Helper()
		if f, o := starts(org, user); f != field || o != origin {
			t.Errorf("user %d begins with %s of the %s, expected %s of the %s", user, f, o, field, origin)
		}
	}
	usual := mapping.Default(record.Contacts).Rows[1].CRM
	expect(w.ours, w.ana, usual, reconcile.ProductChoice)

	// The organization's choice is for whoever has made none, and only those who manage users make it.
	if err := links.ChooseForAll(ctx, w.ours, w.ana, record.Contacts, wants(record.Mobile)); !fault.Is(err, fault.Denied) {
		t.Errorf("Ana, who manages nobody, chooses for all: %v", err)
	}
	w.change(w.bob, func(u *account.User) { u.Profile = account.SuperAdmin })
	ok(t, links.ChooseForAll(ctx, w.ours, w.bob, record.Contacts, wants(record.Mobile)))
	if got := w.actions(w.ours); !slices.Contains(got, "bob sync_default - contacts") {
		t.Errorf("the audit trail does not tell of it: %v", got)
	}
	expect(w.ours, w.ana, record.Mobile, reconcile.CommonChoice)
	expect(w.theirs, w.eve, usual, reconcile.ProductChoice)

	// A person's own wins, and is the person's alone.
	ok(t, links.Choose(ctx, w.ours, w.ana, record.Contacts, wants(record.HomePhone)))
	ok(t, links.ChooseForAll(ctx, w.ours, w.bob, record.Contacts, wants(record.OtherPhone)))
	expect(w.ours, w.ana, record.HomePhone, reconcile.OwnChoice)
	expect(w.ours, w.bob, record.OtherPhone, reconcile.CommonChoice)
	if s, err := links.Chosen(ctx, w.ours, w.ana, record.Calendar); s != nil || err != nil {
		t.Errorf("of the calendar nothing was chosen: %v %v", s, err)
	}
	if err := links.Choose(ctx, w.theirs, w.ana, record.Contacts, wants(record.Mobile)); !fault.Is(err, fault.NotFound) {
		t.Errorf("Ana chooses in another organization: %v", err)
	}
	ok(t, links.Choose(ctx, w.ours, w.ana, record.Contacts, nil))
	expect(w.ours, w.ana, record.OtherPhone, reconcile.CommonChoice)

	// What has become impossible since is left out, and the rest stands.
	broken := wants(record.Mobile)
	broken.Mapping.Rows = append([]mapping.Row{{Microsoft: "birthday", CRM: "Shoe_Size"}}, broken.Mapping.Rows...)
	ok(t, links.Choose(ctx, w.ours, w.ana, record.Contacts, broken))
	s, _, err := reconcile.SettingsFor(ctx, links, w.ours, w.ana, record.Contacts)
	if err != nil || len(s.Mapping.Rows) != 2 || s.Winner != reconcile.CRMWins {
		t.Errorf("with a field that is no more: %+v, %v", s, err)
	}
}
