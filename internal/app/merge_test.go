package app_test

import (
	"context"
	"testing"
)

// Merged while the sync is on: the one that stays keeps its item in Outlook, that of the other goes by the ordinary way, and
// nothing comes back or is doubled, also when the other one is restored.
func TestS29_MergedContactsStayOneInOutlook(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Contacts", doc{"First_Name": "Ana", "Last_Name": "Souza", "Email": "ana@fabrica.example"},
		doc{"First_Name": "Ana Maria", "Last_Name": "Souza", "Email": "ANA@fabrica.example", "Mobile": "+55 11 91234-5678"})
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "givenName")) == 2 })
	item := adele.items("contacts", "givenName")["Ana"]["id"]

	browser, _ := adele.signedIn("/contacts")
	page, err := browser.Get(context.Background(), adele.url+"/contacts/merge?id="+ids[0]+"&id="+ids[1])
	if err != nil {
		t.Fatal(err)
	}
	page, err = browser.Submit(context.Background(), page, "Merge", map[string]string{"keep": ids[0]})
	if err != nil || page.URL.Path != "/contacts/"+ids[0] {
		t.Fatalf("merged: %v at %v", err, page)
	}
	d.eventually("one is left in Outlook", func() bool { return len(adele.items("contacts", "givenName")) == 1 })
	adele.rest()
	left := adele.items("contacts", "givenName")["Ana"]
	if left == nil || left["id"] != item || left["mobilePhone"] != "+55 11 91234-5678" {
		t.Errorf("Outlook has %v", adele.items("contacts", "givenName"))
	}
	if all := adele.list("Contacts", "id"); len(all) != 1 || all[ids[0]] == nil {
		t.Errorf("the CRM has %v", all)
	}

	browser, page = adele.signedIn("/recycle-bin")
	if _, err = browser.Submit(context.Background(), page, "Restore Ana Maria Souza", nil); err != nil {
		t.Fatal(err)
	}
	d.eventually("both are in Outlook again", func() bool { return len(adele.items("contacts", "givenName")) == 2 })
	adele.rest()
	if all, items := adele.list("Contacts", "id"), adele.items("contacts", "givenName"); len(all) != 2 || len(items) != 2 || items["Ana"]["id"] != item {
		t.Errorf("restored: the CRM has %v, Outlook %v", all, items)
	}
	l := adele.link("contacts")
	if l["failing"] != 0.0 || l["waiting"] != 0.0 {
		t.Errorf("the link has %v failing, %v waiting", l["failing"], l["waiting"])
	}
	if mails := d.m365.Mails(); len(mails) != 0 {
		t.Errorf("%d mails went out", len(mails))
	}
}
