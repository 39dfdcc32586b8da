package app_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tandem/internal/m365sim"
	"tandem/internal/record"
	"tandem/internal/store"
	"tandem/internal/testkit/browse"
)

// pagesOf are the addresses of the pages that whoever owns the records of web's own table of routes may open, with nothing to
// fill in but the kind.
func pagesOf(t *testing.T) (paths []string) {
	t.Helper()
	table, err := os.ReadFile(filepath.Join("..", "web", "testdata", "persons.golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(table), "\nGET ")[1:] {
		path, persons, _ := strings.Cut(block, "\n")
		if !strings.Contains(persons, "\towner=200") || slices.Contains([]string{"/live", "/contacts/merge", "/recycle-bin/destroy"}, path) { // these need to be told of what
			continue
		}
		for _, kind := range []string{"contacts", "calendar"} {
			full := strings.ReplaceAll(path, "{kind}", kind)
			if !strings.Contains(full, "{") && (kind == "contacts" || full != path) {
				paths = append(paths, full)
			}
		}
	}
	if len(paths) < 25 {
		t.Fatalf("only %d pages: %q", len(paths), paths)
	}
	return paths
}

// TestFF16_EveryPageOpensWithoutAToken: pages read what is stored here. Where Microsoft takes no token of a person any more, and
// does not answer at all either, every one of them opens, and the way back is on them.
func TestFF16_EveryPageOpensWithoutAToken(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	adele.switchOn("calendar")
	browser, _ := adele.signedIn("/status")
	d.m365.Revoke("adele@contoso.example")
	adele.insert("Contacts", doc{"Last_Name": "Souza"})
	d.eventually("the sync of contacts waits", func() bool { return adele.link("contacts")["reason"] == "reconnect_needed" })
	for _, match := range []string{"* /v1.0/*", "part *"} {
		if err := d.m365.AddFault(m365sim.Fault{Match: match, Times: -1, Do: "503"}); err != nil {
			t.Fatal(err)
		}
	}
	cards := "/setup/marketplace/microsoft/contacts/" // pages that need a link, which nobody in the table has
	for _, path := range append(pagesOf(t), "/contacts/"+id, cards+"records", cards+"disable", cards+"questions") {
		page, err := browser.Get(context.Background(), d.url+path)
		if err != nil || page.Status != 200 {
			t.Errorf("%s: %v, %+v", path, err, page)
		}
	}
	for _, path := range []string{"/status", "/setup/marketplace/microsoft"} {
		if page, err := browser.Get(context.Background(), d.url+path); err != nil || !strings.Contains(page.Text, "Reconnect") {
			t.Errorf("%s does not say how it goes on: %v, %+v", path, err, page)
		}
	}
}

// TestFF18_ATokenThatCannotBeUnsealedIsSaid: after the secret key was changed the sync waits with that reason, and no call is made
// without a token. Connecting again stores a new one, and all goes on.
func TestFF18_ATokenThatCannotBeUnsealedIsSaid(t *testing.T) {
	t.Parallel()
	d, stop := startDemoAt(t, "sqlite:"+filepath.Join(t.TempDir(), "tandem.db"))
	defer stop()
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.settled("contacts")
	u := adele.user()
	grant, err := d.app.Store.Accounts().Grant(t.Context(), u.Org, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	sealedElse, err := store.Open(t.Context(), d.database, store.Options{SecretKey: "another key for tests, of forty characters"})
	if err != nil {
		t.Fatal(err)
	}
	defer sealedElse.Close()
	if err := sealedElse.Accounts().SaveGrant(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	d.eventually("the sync waits, and says why", func() bool {
		adele.nudge(adele.link("contacts")["id"].(string))
		return adele.link("contacts")["reason"] == "cannot_unseal"
	})
	if _, page := adele.signedIn("/status"); !strings.Contains(page.Text, "Reconnect") {
		t.Errorf("the page says: %s", page.Text)
	}
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	told := adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 409)
	adele.consent(told["url"].(string))
	d.eventually("what was waiting has gone", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
}

// TestFF85_AMailboxThatRefusesSubscriptions is polled: both directions go on, and the status says how changes are noticed.
func TestFF85_AMailboxThatRefusesSubscriptions(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	if err := d.m365.AddFault(m365sim.Fault{Match: "POST /subscriptions", Times: 1, Do: "400", Code: "ExtensionError"}); err != nil {
		t.Fatal(err)
	}
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	l := d.storedLink(adele, record.Contacts)
	if l.Subscription != "" || l.State != "on" || l.Failing != 0 {
		t.Errorf("the link is %+v", l)
	}
	if _, page := adele.signedIn("/status"); !strings.Contains(page.Text, "looks for changes every few minutes") {
		t.Errorf("the page says: %s", page.Text)
	}
	adele.rest()
	d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"surname": "Castro"})
	d.wake(adele, "contacts")
	d.eventually("what was made in Outlook is in the CRM", func() bool { return adele.list("Contacts", "Last_Name")["Castro"] != nil })
	if l := d.storedLink(adele, record.Contacts); l.Subscription != "" { // the mailbox refuses the first one only
		t.Errorf("another subscription was asked for within minutes: %s", l.Subscription)
	}
}

// TestFF10_WhoeverIsRenamedStaysWhoTheyAre: a person is known by tenant and object id. With another user name and address they come
// into the same account, and the sync goes on in the same mailbox.
func TestFF10_WhoeverIsRenamedStaysWhoTheyAre(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	was, folder := adele.user(), adele.container("contacts")
	if !d.m365.EditPerson("adele@contoso.example", func(p *m365sim.Person) {
		p.UPN, p.Mail = "adele.souza@contoso.example", "adele.souza@contoso.example"
	}) {
		t.Fatal("nobody is called so")
	}
	renamed := *adele
	renamed.name = "adele.souza"
	if _, page := renamed.signedIn("/contacts/" + id); page.Status != 200 || !strings.Contains(page.Text, "Silva") {
		t.Errorf("came to %s, %d: %s", page.URL, page.Status, page.Text)
	}
	users, err := d.app.Store.Accounts().UsersByEmail(t.Context(), "adele.souza@contoso.example")
	if err != nil || len(users) > 0 && users[0].ID != was.ID {
		t.Errorf("there is another account: %v, %v", users, err)
	}
	status, told := d.as("adele.souza").Post(folder+"/contacts", doc{"surname": "Castro"})
	if status != 201 {
		t.Fatal(status, told)
	}
	d.eventually("sync goes on", func() bool { return adele.list("Contacts", "Last_Name")["Castro"] != nil })
	if l := adele.link("contacts"); l["state"] != "on" || l["synced"] != 2.0 {
		t.Errorf("the link is %v", l)
	}
}

// TestFF2_MorePermissionsAreAskedForWhenTheyAreNeeded: whoever allowed contacts is asked about the calendar when they want that, and
// until they have allowed it, or after they have not, contacts go on.
func TestFF2_MorePermissionsAreAskedForWhenTheyAreNeeded(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	told := adele.call("POST", "/api/v1/links", doc{"kind": "calendar"}, 409)
	if told["code"] != "CONSENT_REQUIRED" {
		t.Fatalf("answered %v", told)
	}
	u := adele.user()
	if g, err := d.app.Store.Accounts().Grant(t.Context(), u.Org, u.ID); err != nil || slices.Contains(g.Scopes, "Calendars.ReadWrite") || !slices.Contains(g.Scopes, "Contacts.ReadWrite") {
		t.Errorf("allowed are %v, %v", g.Scopes, err)
	}
	ctx, browser := context.Background(), browse.New()
	page, err := browser.Get(ctx, told["url"].(string))
	if err == nil {
		page, err = browser.Submit(ctx, page, "Sign in", map[string]string{"username": "adele@contoso.example"})
	}
	if err == nil {
		_, err = browser.Submit(ctx, page, "Cancel", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	adele.call("POST", "/api/v1/links", doc{"kind": "calendar"}, 409)
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	d.eventually("contacts go on", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	if l := adele.link("calendar"); l != nil {
		t.Errorf("there is a link without permission: %v", l)
	}
}
