package app_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// pause keeps a link from running, as a run that takes its time does, until the function that it returns is called.
func (c *client) pause(kind string) (resume func()) {
	c.t.Helper()
	ctx, ledger := context.Background(), c.app.Store.Ledger()
	id, _ := record.ParseID(c.link(kind)["id"].(string))
	var link *reconcile.Link
	c.eventually("the link is free", func() (free bool) {
		var err error
		link, err = ledger.Open(ctx, reconcile.LinkID(id), time.Now(), time.Minute)
		return err == nil
	})
	return func() {
		c.t.Helper()
		if err := ledger.Close(ctx, link); err != nil && fault.ReasonOf(err) != fault.StaleLease { // else it was taken from the run
			c.t.Fatal(err)
		}
		if err := c.app.Store.Links().Wake(ctx, link.ID); err != nil {
			c.t.Fatal(err)
		}
	}
}

// off waits until nothing of a user's syncs is left.
func (d *demo) off(c *client) {
	d.t.Helper()
	u := c.user()
	d.eventually("the syncs of "+c.name+" have ended", func() bool {
		links, err := d.app.Store.Links().LinksOf(context.Background(), u.Org, u.ID)
		return err == nil && len(links) == 0
	})
}

// What somebody typed in Outlook a moment before being deactivated is part of the records that the heir gets.
func TestS24S30_WhatALeaverTypedLastIsHandedOverToo(t *testing.T) {
	t.Parallel()
	for _, heirSyncs := range []bool{true, false} {
		t.Run(fmt.Sprint("heir syncs ", heirSyncs), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele, alex, boss := d.client("adele"), d.client("alex"), d.client("admin")
			adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"}, doc{"Last_Name": "Santos"}, doc{"Last_Name": "Sousa"})
			adele.switchOn("contacts")
			if heirSyncs {
				alex.switchOn("contacts")
			}
			d.eventually("Adele has her contacts", func() bool { return len(adele.items("contacts", "surname")) == 4 })

			resume := adele.pause("contacts")
			items, folder := adele.items("contacts", "surname"), adele.container("contacts")
			d.as("adele").Patch("/me/contacts/"+items["Silva"]["id"].(string), doc{"surname": "Silveira"})
			d.as("adele").Post(folder+"/contacts", doc{"surname": "Castro"})
			d.as("adele").Delete("/me/contacts/" + items["Souza"]["id"].(string))
			registry, admin := d.registry()
			if err := registry.Deactivate(context.Background(), admin, adele.user().ID, alex.user().ID); err != nil {
				t.Fatal(err)
			}
			if heirSyncs {
				d.eventually("the heir has them", func() bool { return len(alex.items("contacts", "surname")) >= 4 })
			}
			resume()
			d.off(adele)
			if adele.container("contacts") != "" {
				t.Error("the folder is still there")
			}
			all := boss.list("Contacts", "Last_Name")
			got := slices.Sorted(maps.Keys(all))
			if want := []string{"Castro", "Santos", "Silveira", "Sousa", "Souza"}; !slices.Equal(got, want) {
				t.Errorf("in the CRM are %v, want %v", got, want)
			}
			for name, r := range all {
				if r["Owner"].(doc)["id"] != alex.user().ID.String() {
					t.Errorf("%s is %v's", name, r["Owner"])
				}
			}
			if heirSyncs {
				d.eventually("the heir has all of it in Outlook", func() bool {
					return slices.Equal(slices.Sorted(maps.Keys(alex.items("contacts", "surname"))), got)
				})
				if _, page := d.as("alex").Get(alex.container("contacts") + "/contacts?$count=true&$top=1"); page["@odata.count"] != 5.0 {
					t.Errorf("%v contacts in the heir's Outlook", page["@odata.count"])
				}
			}
			d.noMails()
		})
	}
}

// Withholding a sync and giving it back, in the middle of a run and twice in a row, with edits on both sides, loses and
// doubles nothing; nor do records that come and go between people meanwhile.
func TestI1_SyncsWithheldAndPeopleLeavingLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, alex, boss := d.client("adele"), d.client("alex"), d.client("admin")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"}, doc{"Last_Name": "Santos"})[0]
	alex.insert("Contacts", doc{"Last_Name": "Alves"})
	adele.switchOn("contacts")
	alex.switchOn("contacts")
	d.eventually("all is in Outlook", func() bool {
		return len(adele.items("contacts", "surname")) == 3 && len(alex.items("contacts", "surname")) == 1
	})
	registry, admin := d.registry()
	allow := func(sync bool) {
		t.Helper()
		may := account.Standard.Permissions()
		may.SyncContacts = sync
		if err := registry.SaveProfile(context.Background(), admin, account.Standard, account.Standard, may); err != nil {
			t.Fatal(err)
		}
	}
	in := func(c *client, want ...string) {
		t.Helper()
		d.eventually(fmt.Sprint(c.name, " has ", want), func() bool {
			if !slices.Equal(slices.Sorted(maps.Keys(c.items("contacts", "surname"))), want) {
				return false
			}
			_, page := d.as(c.name).Get(c.container("contacts") + "/contacts?$count=true&$top=1")
			return page["@odata.count"] == float64(len(want))
		})
	}
	crm := func(want ...string) {
		t.Helper()
		if got := slices.Sorted(maps.Keys(boss.list("Contacts", "Last_Name"))); !slices.Equal(got, want) {
			t.Fatalf("in the CRM are %v, want %v", got, want)
		}
	}

	resume := adele.pause("contacts")
	allow(false)
	adele.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{{"Last_Name": "Silveira"}}}, 200)
	d.as("adele").Patch("/me/contacts/"+adele.items("contacts", "surname")["Souza"]["id"].(string), doc{"surname": "Sousa"})
	d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"surname": "Castro"})
	allow(true)
	allow(false)
	allow(true)
	resume()
	in(adele, "Castro", "Santos", "Silveira", "Sousa")
	d.eventually("it has come to the CRM", func() bool { return len(boss.list("Contacts", "Last_Name")) == 5 })
	crm("Alves", "Castro", "Santos", "Silveira", "Sousa")

	// To an heir whose sync is withheld, and then is not.
	allow(false)
	if err := registry.Deactivate(context.Background(), admin, adele.user().ID, alex.user().ID); err != nil {
		t.Fatal(err)
	}
	d.off(adele)
	in(alex, "Alves")
	allow(true)
	in(alex, "Alves", "Castro", "Santos", "Silveira", "Sousa")
	crm("Alves", "Castro", "Santos", "Silveira", "Sousa")

	// And back, with all that the heir had.
	if err := registry.Reactivate(context.Background(), admin, adele.user().ID); err != nil {
		t.Fatal(err)
	}
	adele = d.client("adele")
	adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
	if err := registry.Deactivate(context.Background(), admin, alex.user().ID, adele.user().ID); err != nil {
		t.Fatal(err)
	}
	in(adele, "Alves", "Castro", "Santos", "Silveira", "Sousa")
	d.off(alex)
	crm("Alves", "Castro", "Santos", "Silveira", "Sousa")
	if err := registry.Delete(context.Background(), admin, alex.user().ID, 0); err != nil {
		t.Error(err)
	}
	d.noMails()
}
