package app_test

import (
	"strings"
	"testing"

	"tandem/internal/m365sim"
)

// Microsoft refused the removal when a sync was switched off, so that the folder stayed; and for some minutes nobody can know whether that request
// is really at its end. A sync that is switched on meanwhile waits, says so, and then goes on in the same folder.
func TestS36_TheNextSyncSaysThatItWaitsForTheRemoval(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Lima"})
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Lima"] != nil })
	adele.rest()
	folder := adele.container("contacts")
	d.m365.Next("DELETE /me/contactFolders/*", m365sim.Fail(403).Repeat(-1))
	adele.call("DELETE", "/api/v1/links/"+adele.link("contacts")["id"].(string), nil, 204)
	d.eventually("its sync is off", func() bool { return adele.link("contacts") == nil })
	d.m365.ClearFaults()
	if adele.container("contacts") != folder {
		t.Fatal("the folder is gone")
	}

	adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
	d.eventually("it waits", func() bool { return adele.link("contacts")["reason"] == "still_removing" })
	if _, page := adele.signedIn("/setup/marketplace/microsoft"); !strings.Contains(page.Text, "Microsoft may still be removing what the sync before this one had there.") {
		t.Errorf("the card says %s", page.Text)
	}
	if link := adele.link("contacts"); link["state"] != "on" || link["synced"] != 0.0 {
		t.Errorf("it does not wait: %v", link)
	}
	if _, err := d.app.Store.SQLite().Exec(`UPDATE links SET removing_at = removing_at - 180000000`); err != nil { // three minutes go by
		t.Fatal(err)
	}
	adele.wake(adele, "contacts")
	d.eventually("it goes on", func() bool { return adele.link("contacts")["synced"] == 1.0 })
	adele.rest()
	if adele.container("contacts") != folder || len(adele.items("contacts", "surname")) != 1 || adele.link("contacts")["reason"] != nil && adele.link("contacts")["reason"] != "" {
		t.Errorf("in %s are %v, and it says %v", adele.container("contacts"), adele.items("contacts", "surname"), adele.link("contacts"))
	}
}
