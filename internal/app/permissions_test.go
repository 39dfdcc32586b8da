package app_test

import (
	"context"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// registry is what an administrator does on the pages of users and profiles.
func (d *demo) registry() (*account.Registry, account.User) {
	return account.NewRegistry(d.app.Store.Accounts(), time.Now), (&client{demo: d, name: "admin"}).user()
}

func TestAnAdministratorWithholdsASyncAndGivesItBack(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })

	registry, admin := d.registry()
	allow := func(sync bool) {
		t.Helper()
		may := account.Standard.Permissions()
		may.SyncContacts = sync
		if err := registry.SaveProfile(context.Background(), admin, account.Standard, account.Standard, may); err != nil {
			t.Fatal(err)
		}
	}
	allow(false)
	d.eventually("the sync stands still and says why", func() bool {
		l := adele.link("contacts")
		return l["state"] == "paused" && l["reason"] == string(fault.SyncWithheld)
	})
	if told := adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 403); told["code"] != "SYNC_WITHHELD" {
		t.Errorf("switching on is answered with %v", told)
	}
	adele.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{{"Last_Name": "Souza"}}}, 200)
	adele.call("POST", "/api/v1/links/"+adele.link("contacts")["id"].(string)+"/run", nil, 202)
	if adele.items("contacts", "surname")["Silva"] == nil {
		t.Error("the folder is not as it was")
	}
	allow(true)
	d.eventually("it goes on by itself, with what changed meanwhile", func() bool {
		return adele.items("contacts", "surname")["Souza"] != nil && adele.link("contacts")["state"] == "on"
	})
}

// The profile may change between a wake-up and its run: then the run itself notices.
func TestARunNoticesThatItsSyncIsWithheld(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.switchOn("contacts")
	may := account.Standard.Permissions()
	may.Contacts = record.Access{View: record.Own, Create: true, Edit: record.Own} // sync deletes too, and needs to be allowed it
	if err := d.app.Store.Accounts().Within(context.Background(), adele.user().Org, func(tx account.Tx) error {
		return tx.SaveProfile(account.Standard, may)
	}); err != nil {
		t.Fatal(err)
	}
	adele.call("POST", "/api/v1/links/"+adele.link("contacts")["id"].(string)+"/run", nil, 202)
	d.eventually("the sync stands still and says why", func() bool {
		l := adele.link("contacts")
		return l["state"] == "paused" && l["reason"] == string(fault.SyncWithheld)
	})
	if adele.items("contacts", "surname")["Silva"] == nil {
		t.Error("the contact is gone from Outlook")
	}
}

// S24, S36: deactivating somebody switches the syncs off; the mailbox is cleared, the CRM stays whole.
func TestS36_TheMailboxOfADeactivatedUserIsCleared(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, boss := d.client("adele"), d.client("admin")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })

	registry, admin := d.registry()
	if err := registry.Deactivate(context.Background(), admin, adele.user().ID, 0); err != nil {
		t.Fatal(err)
	}
	d.eventually("the folder is gone from Outlook", func() bool { return adele.container("contacts") == "" })
	if got := boss.get("Contacts", id); got["Last_Name"] != "Silva" {
		t.Errorf("in the CRM: %v", got)
	}
	adele.call("GET", "/api/v1/links", nil, 401)
	d.eventually("nothing is left to switch off", func() bool {
		links, err := d.app.Store.Links().LinksOf(context.Background(), admin.Org, adele.user().ID)
		return err == nil && len(links) == 0
	})
}
