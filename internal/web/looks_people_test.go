package web

import (
	"testing"

	"tandem/internal/account"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// peopleLooks are the pages of Users and Control, and people's own, in an organization that has somebody in every state.
func peopleLooks(t *testing.T, w *world) []look {
	t.Helper()
	ctx, admin := t.Context(), w.users["admin@contoso.example"]
	scopes := append(append([]string{}, directoryScopes...), append(kindScopes[record.Calendar], kindScopes[record.Contacts]...)...)
	w.must(w.store.Accounts().SaveGrant(ctx, account.Grant{User: admin.ID, Org: admin.Org, Scopes: scopes, Access: "a", Refresh: "r", Expires: w.now()}))

	lee, grady := w.asks("lee@contoso.example"), w.asks("grady@contoso.example")
	w.must(w.site.Registry.Decline(ctx, admin, grady.ID, "Use o CRM da filial, por favor."))
	w.invite(account.Invitee{Email: "nina@fabrica.example", FirstName: "Nina", LastName: "Prado"})
	lost := w.invite(account.Invitee{Email: "maria-antonieta.cavalcanti-de-albuquerque@compras.fabrica.example", FirstName: "Maria Antonieta", LastName: "Cavalcanti de Albuquerque"})
	w.must(w.store.Letters().SettleLetter(ctx, w.letter(lost).ID, account.LetterFailed, "550 5.1.1 mailbox unavailable: the address was not found on this server", w.now(), 1))
	alex := w.users["alex@contoso.example"]
	w.contact(alex.Email, record.Fields{record.LastName: "Prado"})
	for _, kind := range []record.Kind{record.Calendar, record.Contacts} {
		_, err := w.store.Links().CreateLink(ctx, reconcile.Link{Org: w.org.ID, User: alex.ID, Kind: kind, State: reconcile.On})
		w.must(err)
	}
	left, err := w.store.Accounts().CreateUser(ctx, account.User{
		Org: w.org.ID, Email: "otto@contoso.example", FirstName: "Otto", LastName: "Reis", Profile: account.Standard, State: account.Deactivated, Created: w.now()})
	w.must(err)
	own := account.Standard.Permissions()
	own.SyncContacts, own.MassUpdate = false, false
	w.must(w.site.Registry.SaveProfile(ctx, admin, "", "Vendas externas e parceiros", own))
	w.must(w.store.Accounts().Within(ctx, w.other.ID, func(tx account.Tx) error {
		o, err := tx.Organization()
		if err != nil {
			return err
		}
		o.Edition = account.Free
		return tx.UpdateOrganization(o)
	}))
	withhold := `document.querySelector("#f-sync_contacts").click(); document.querySelector("#profile-form button[name=save]").click()`
	return []look{
		{"users", usersPath, "", "#user-list .asking"},
		{"users-invite", usersPath, `document.querySelector("#open-directory").click()`, "#directory[open] .pick-list"},
		{"directory", directoryPath, "", "#directory-people .pick-list"}, {"user-new", usersPath + "/new", "", "#new-user-form"},
		{"user-asks", userPath(lee.ID), "", "#answer"}, {"user-declined", userPath(grady.ID), "", "#request"},
		{"user-invited", userPath(lost.ID), "", "#invitation"}, {"user-active", userPath(alex.ID), "", ".deactivate"},
		{"user-left", userPath(left.ID), "", ".reactivate"},
		{"deactivate", userPath(alex.ID) + "/deactivate", "", "#deactivate"}, {"delete", userPath(left.ID) + "/delete", "", "#delete"},
		{"profiles", profilesPath, "", "#profile-list"}, {"profile", profilePath("Vendas externas e parceiros"), "", "#profile-form"},
		{"profile-question", profilePath(account.Standard), withhold, "#question"},
		{"audit", auditPath, "", "#audit-list"}, {"account", "/setup/account", "", "#main h1"},
	}
}
