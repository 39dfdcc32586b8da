package account_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// trail is what the audit trail of an organization says, the earliest first: who did what to whom, with the details.
func (w *world) trail(org record.ID) (out []string) {
	w.t.Helper()
	entries, err := w.Store.Audit(w.t.Context(), org, 0, 1000)
	w.ok(err)
	name := func(id record.ID) string {
		if id == 0 {
			return "-"
		}
		u, err := w.Store.User(w.t.Context(), org, id)
		w.ok(err)
		local, _, _ := strings.Cut(u.Email, "@")
		return local
	}
	slices.Reverse(entries)
	for _, e := range entries {
		line := name(e.Actor) + " " + string(e.Action) + " " + name(e.Subject)
		for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
			if key != "permissions" {
				line += " " + key + "=" + e.Detail[key]
			}
		}
		out = append(out, line)
	}
	return out
}

// Every deed with accounts is in the audit trail, once, with who did it and to whom; what is refused, or was done already, is not.
func TestTrail_EveryDeedSaysWhoDidWhatToWhom(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		admin := w.installed()
		w.ok(w.Consented(ctx, person("admin", account.GlobalAdministrator), admin, []string{"User.Read"}))

		a := person("adele")
		adele := w.invite(admin, account.Invitee{Identity: a.Identity, Email: a.Email}, account.Standard)
		w.ok(w.Resend(ctx, admin, adele.ID))
		_, err := w.Accept(ctx, a, 0)
		w.ok(err)
		_, err = w.Accept(ctx, a, 0) // the other tab
		w.refused(err, fault.Conflict, "")
		bea := w.invite(admin, account.Invitee{Email: "bea@example.com"}, account.Standard)
		w.ok(w.Withdraw(ctx, admin, bea.ID))
		w.refused(w.Withdraw(ctx, admin, bea.ID), fault.Conflict, account.AnsweredAlready)

		eve, err := w.AskToJoin(ctx, person("eve"))
		w.ok(err)
		_, err = w.AskToJoin(ctx, person("eve"))
		w.ok(err)
		w.refused(w.Approve(ctx, adele, eve.User, account.Standard), fault.Denied, "")
		w.ok(w.Approve(ctx, admin, eve.User, account.Standard))
		diego, err := w.AskToJoin(ctx, person("diego"))
		w.ok(err)
		w.ok(w.Decline(ctx, admin, diego.User, "no"))

		clerk := account.Permissions{Contacts: record.OwnOnly, SyncContacts: true}
		w.ok(w.SaveProfile(ctx, admin, "", "Clerk", clerk))
		w.ok(w.ChangeProfile(ctx, admin, adele.ID, "Clerk"))
		w.ok(w.ChangeProfile(ctx, admin, adele.ID, "Clerk"))
		w.refused(w.ChangeProfile(ctx, admin, admin.ID, "Clerk"), fault.Conflict, account.LastSuperAdmin)
		w.ok(w.SaveProfile(ctx, admin, "Clerk", "Desk", clerk))
		w.ok(w.SaveProfile(ctx, admin, "", "Empty", account.Permissions{}))
		w.ok(w.DeleteProfile(ctx, admin, "Empty"))

		cora := w.invite(admin, account.Invitee{Email: "cora@example.com"}, account.Standard)
		_, err = w.AcceptWithPassword(ctx, w.lastPass(cora), account.Newcomer{}, goodPassword)
		w.ok(err)
		_, err = w.Associate(ctx, person("corinna"), cora.Org, cora.ID, w.proof(cora))
		w.ok(err)
		w.ok(w.Dissociate(ctx, w.user(cora)))
		w.ok(w.AddPasskey(ctx, cora, account.Passkey{ID: "key", Name: "Phone", Data: []byte("{}")}))
		w.ok(w.RemovePasskey(ctx, cora, "key"))
		w.ok(w.SignOut(ctx, admin, cora.ID))
		w.ok(w.Store.CreateToken(ctx, admin.Org, cora.ID, make([]byte, 32), w.now()))

		links := w.store.Links()
		link, err := links.CreateLink(ctx, reconcile.Link{Org: admin.Org, User: adele.ID, Kind: record.Contacts, State: reconcile.On})
		w.ok(err)
		w.ok(links.ChangeState(ctx, admin.Org, link.ID, []reconcile.LinkState{reconcile.On}, reconcile.Off, ""))
		_, err = links.CreateLink(ctx, reconcile.Link{Org: admin.Org, User: adele.ID, Kind: record.Contacts, State: reconcile.On})
		w.ok(err)
		w.refused(w.Deactivate(ctx, adele, cora.ID, 0), fault.Denied, "")
		w.ok(w.Deactivate(ctx, admin, adele.ID, 0))
		w.ok(w.Reactivate(ctx, admin, adele.ID))
		w.ok(w.Deactivate(ctx, admin, cora.ID, 0))
		w.ok(w.Delete(ctx, admin, cora.ID, 0))

		want := []string{
			"admin installed admin", "admin consent_recorded -",
			"admin invited adele email=adele@contoso.example profile=Standard", "admin invitation_resent adele", "adele joined adele",
			"admin invited bea email=bea@example.com profile=Standard", "admin invitation_withdrawn bea email=bea@example.com",
			"eve asked_to_join eve", "admin approved eve profile=Standard", "diego asked_to_join diego", "admin declined diego",
			"admin profile_saved - profile=Clerk", "admin profile_changed adele from=Standard to=Clerk",
			"admin profile_saved - from=Clerk profile=Desk to=Desk", "admin profile_saved - profile=Empty", "admin profile_deleted - profile=Empty",
			"admin invited cora email=cora@example.com profile=Standard", "cora joined cora",
			"cora associated cora username=corinna@contoso.example", "cora dissociated cora",
			"cora passkey_added cora name=Phone", "cora passkey_removed cora", "admin sessions_ended cora", "- token_created cora",
			"adele sync_on adele kind=contacts", "adele sync_off adele kind=contacts", "adele sync_on adele kind=contacts",
			"- sync_off adele kind=contacts reason=account_disabled", "admin deactivated adele", "admin reactivated adele",
			"admin deactivated cora", "admin deleted cora email=cora@example.com",
		}
		if got := w.trail(admin.Org); !slices.Equal(got, want) {
			for i := range max(len(got), len(want)) {
				g, e := "", ""
				if i < len(got) {
					g = got[i]
				}
				if i < len(want) {
					e = want[i]
				}
				if g != e {
					t.Errorf("line %d is %q, expected %q", i, g, e)
				}
			}
		}
	})
}
