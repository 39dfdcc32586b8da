package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/internal/reconcile"
	"tandem/internal/testkit/browse"
)

// rehearsed waits until a preview's page is complete.
func (c *client) rehearsed(browser *browse.Browser, page *browse.Page) *browse.Page {
	c.t.Helper()
	c.eventually("the preview is complete", func() bool {
		again, err := browser.Get(context.Background(), page.URL.String())
		if err != nil {
			c.t.Fatal(err)
		}
		page = again
		return strings.Contains(page.Text, "People who get mail")
	})
	return page
}

// stands are the numbers of a preview.
func (c *client) stands(page *browse.Page, want ...string) {
	c.t.Helper()
	for _, each := range want {
		if !strings.Contains(page.Text, each) {
			c.t.Errorf("%q is missing in the preview: %s", each, page.Text)
		}
	}
}

// TestS26_PreviewBeforeSwitchingOnChangingAndSwitchingOff goes the whole way without script: what is shown is what then is
// done, nothing is written before the yes, and nobody gets mail.
func TestS26_PreviewBeforeSwitchingOnChangingAndSwitchingOff(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx, adele := context.Background(), d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva", "Email": "silva@example.com"}, doc{"Last_Name": "Souza", "Other_Phone": "+55 11 3333-0001"},
		doc{"Last_Name": "Santos"})
	browser, _ := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	page, err := browser.Get(ctx, adele.url+"/setup/marketplace/microsoft")
	if err == nil {
		page, err = browser.Submit(ctx, page, "Show me first Contacts", nil)
	}
	if err == nil && strings.HasPrefix(page.URL.String(), adele.sim) {
		page, err = browser.Submit(ctx, page, "Accept", nil)
	}
	if err != nil || !strings.Contains(page.URL.Path, "/contacts/preview/") {
		t.Fatalf("asking first came to %s: %v: %s", page.URL, err, page.Text)
	}
	page = adele.rehearsed(browser, page)
	adele.stands(page, "To create3", "To update0", "To delete0", "People who get mail0")
	if adele.link("contacts") != nil || len(adele.items("contacts", "surname")) != 0 {
		t.Fatal("the preview has switched something on")
	}
	if page, err = browser.Submit(ctx, page, "Approve and switch on", nil); err != nil || page.URL.Path != "/setup/marketplace/microsoft" {
		t.Fatalf("approved: %v: %s", err, page.Text)
	}
	d.eventually("the three are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 3 })
	adele.settled("contacts")
	if adele.link("contacts")["synced"] != 3.0 {
		t.Errorf("the link: %v", adele.link("contacts"))
	}

	// A change of fields.
	page, err = browser.Get(ctx, adele.url+"/setup/marketplace/microsoft/contacts/mapping")
	if err == nil {
		page, err = browser.Submit(ctx, page, "See what changes", map[string]string{"crm.homePhones[0]": "Other_Phone"})
	}
	if err == nil {
		page, err = browser.Follow(ctx, page, "See it in full")
	}
	if err != nil {
		t.Fatal(err)
	}
	page = adele.rehearsed(browser, page)
	adele.stands(page, "To create0", "To update1", "Souza", "Is updated in Outlook", "3333-0001")
	if phones := adele.items("contacts", "surname")["Souza"]["homePhones"].([]any); len(phones) != 0 {
		t.Fatalf("it is written already: %v", phones)
	}
	if page, err = browser.Submit(ctx, page, "Approve and change", nil); err != nil || page.URL.Path != "/setup/marketplace/microsoft" {
		t.Fatalf("approved: %v: %s", err, page.Text)
	}
	d.eventually("it is in Outlook", func() bool {
		phones, _ := adele.items("contacts", "surname")["Souza"]["homePhones"].([]any)
		return len(phones) == 1
	})
	adele.settled("contacts")

	// Switching off, with something typed a moment before.
	resume := adele.pause("contacts")
	if status, made := d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"surname": "Late"}); status != 201 {
		t.Fatal(status, made)
	}
	if page, err = browser.Get(ctx, adele.url+"/setup/marketplace/microsoft/contacts/disable"); err == nil {
		page, err = browser.Submit(ctx, page, "Show me first what will happen", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	page = adele.rehearsed(browser, page)
	adele.stands(page, "To create1", "Late", "goes from Outlook, with 4 records in it", "Everything in the CRM stays.", "Approve and switch off")
	resume()
	if _, err = browser.Submit(ctx, page, "Approve and switch off", nil); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is off", func() bool { return adele.link("contacts") == nil })
	if ours := adele.list("Contacts", "Last_Name"); len(ours) != 4 || ours["Late"] == nil {
		t.Errorf("the CRM has %v", ours)
	}
	d.noMails()
}

// TestS18_APreviewOfAFullFirstSyncStreams: ten thousand contacts are rehearsed in seconds, and counted to the last one.
func TestS18_APreviewOfAFullFirstSyncStreams(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out the preview of 10,000 contacts, which takes seconds: `make test` runs it")
	}
	d := startDemo(t)
	ctx, adele := context.Background(), d.client("adele")
	for page := range 101 {
		records := make([]doc, 100)
		for i := range records {
			records[i] = doc{"Last_Name": fmt.Sprintf("Silva %05d", page*100+i), "Email": fmt.Sprintf("s%05d@example.com", page*100+i)}
		}
		adele.insert("Contacts", records...)
	}
	browser, page := adele.signedIn("/setup/marketplace/microsoft")
	page, err := browser.Submit(ctx, page, "Show me first Contacts", nil)
	if err == nil && strings.HasPrefix(page.URL.String(), adele.sim) {
		page, err = browser.Submit(ctx, page, "Accept", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	page = adele.rehearsed(browser, page)
	adele.stands(page, "To create10,000", "100 The first sync")
	t.Logf("10,000 contacts were rehearsed in %v", time.Since(began).Round(10*time.Millisecond))
	rows, err := d.app.Store.PreviewRows(ctx)
	if err != nil || rows != reconcile.FirstSyncContacts {
		t.Errorf("%d lines are kept (%v)", rows, err)
	}
	if adele.link("contacts") != nil {
		t.Error("it is on")
	}
}
