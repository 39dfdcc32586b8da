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

// preview asks for a preview of a person's calendar and waits for it.
func (k *desk) preview(occasion string) *browse.Page {
	k.t.Helper()
	page := k.press(k.open("/setup/marketplace/microsoft/calendar/disable"), "Show me first what will happen", map[string]string{"occasion": occasion})
	return k.rehearsed(k.browser, page)
}

// file is a preview's CSV.
func (k *desk) file(page *browse.Page) string {
	k.t.Helper()
	return k.open(strings.TrimPrefix(page.URL.String(), k.url) + "/preview.csv").Text
}

// TestS26_FF104_APreviewNamesWhomItMails: a change that its owner let mail two people is announced with their number and their
// addresses, and then mails just those. What nobody agreed to is announced as left as it is, and so is the end of a sync whose
// calendar would call a meeting off.
func TestS26_FF104_APreviewNamesWhomItMails(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, id := d.invited(adele)
	before := d.mails

	resume := adele.pause("calendar")
	k.press(k.press(k.open("/calendar/"+id), "Save", map[string]string{"Venue": "Sala 9"}, "mails 2 people"), "Save and mail 2 people", nil)
	page := k.preview("next")
	adele.stands(page, "To update1", "People who get mail2", "Visita", "Outlook mails megan@contoso.example, out@side.example")
	if file := k.file(page); !strings.Contains(file, "megan@contoso.example; out@side.example") || !strings.Contains(file, "mailed") {
		t.Errorf("the file: %s", file)
	}
	if len(d.m365.Mails()) != before {
		t.Fatal("looking has mailed somebody")
	}
	resume()
	d.mailed(before+2, "two updates")
	adele.inStep(1)
	if where := adele.items("calendar", "subject")["Visita"]["location"]; !strings.Contains(fmt.Sprint(where), "Sala 9") {
		t.Errorf("the meeting is at %v", where)
	}

	// Nobody agrees: it is held back, and nobody is counted.
	resume = adele.pause("calendar")
	k.press(k.press(k.open("/calendar/"+id), "Save", map[string]string{"Venue": "Sala 10"}, "mails 2 people"), "Only here, mail nobody", nil)
	page = k.preview("next")
	adele.stands(page, "To update0", "Left as they are1", "People who get mail0", "Writing it would send mail to people.")
	resume()
	d.eventually("it is held back", func() bool { return strings.Contains(adele.failing(), "would_mail") })

	// Switching off mails nobody: the calendar stays.
	page = k.preview("off")
	adele.stands(page, "To delete0", "People who get mail0", "stays in Outlook", "Everything in the CRM stays.")
	k.press(page, "Approve and switch off", nil)
	d.eventually("it is off", func() bool { return adele.link("calendar") == nil })
	d.noMails()
}

// TestS26_FF104_APreviewOfAnotherDirection: what each direction would do is shown before the yes, with nothing written and nobody
// mailed, and is what the yes then does.
func TestS26_FF104_APreviewOfAnotherDirection(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	k, _ := d.invited(adele)
	change := func(way string) *browse.Page {
		t.Helper()
		page := k.press(k.open("/setup/marketplace/microsoft/calendar/options"), "See what changes", map[string]string{"direction": way})
		page, err := k.browser.Follow(t.Context(), page, "See it in full")
		if err != nil {
			t.Fatal(err)
		}
		return k.rehearsed(k.browser, page)
	}
	adele.settled("calendar")
	page := change("to_crm")
	adele.stands(page, "To create0", "To update0", "To delete0", "People who get mail0")
	k.press(page, "Approve and change", nil)
	adele.settled("calendar")
	adele.insert("Events", visit("Só aqui", "2026-12-02"))
	adele.settled("calendar")
	if items := adele.items("calendar", "subject"); items["Visita"] == nil || items["Só aqui"] != nil {
		t.Fatalf("Outlook has %v after what is to come to the CRM only", items)
	}

	page = change("both")
	adele.stands(page, "To create1", "Só aqui", "To update0", "People who get mail0")
	if items := adele.items("calendar", "subject"); items["Só aqui"] != nil {
		t.Fatal("the preview has written something")
	}
	k.press(page, "Approve and change", nil)
	d.eventually("the event is in Outlook", func() bool { return adele.items("calendar", "subject")["Só aqui"] != nil })
	adele.inStep(2)
	d.noMails()
}
