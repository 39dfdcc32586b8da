package app_test

import (
	"context"
	"strings"
	"testing"

	"tandem/internal/testkit/browse"
)

// signedIn is this person's browser at a page, on the way through Microsoft.
func (c *client) signedIn(path string) (*browse.Browser, *browse.Page) {
	c.t.Helper()
	ctx, browser := context.Background(), browse.New()
	page, err := browser.Get(ctx, c.url+"/signin/microsoft?next="+path)
	if err == nil {
		page, err = browser.Submit(ctx, page, "Sign in", map[string]string{"username": c.name + "@contoso.example"})
	}
	if err == nil && strings.HasPrefix(page.URL.String(), c.sim) {
		page, err = browser.Submit(ctx, page, "Accept", nil)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return browser, page
}

func TestS26_FieldsAreChangedWhileSyncIsOn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva", "Other_Phone": "+55 11 3333-0001", "Assistant": "Rui", "Skype_ID": "silva"})[0]
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	before := adele.items("contacts", "surname")["Silva"]
	if before["assistantName"] != "Rui" || len(before["homePhones"].([]any)) != 0 {
		t.Fatalf("by the default it came as %v", before)
	}
	// Outlook has a value in a field that meets nothing yet, and that the CRM has another one for.
	if status, told := d.as("adele").Patch("/me/contacts/"+before["id"].(string), doc{"nickName": "Sil", "imAddresses": []string{"im.silva"}}); status != 200 {
		t.Fatal(status, told)
	}

	ctx := context.Background()
	browser, page := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	page, err := browser.Submit(ctx, page, "See what changes", map[string]string{
		"crm.homePhones[0]": "Other_Phone", "crm.assistantName": "", "crm.nickName": "Twitter", "way.nickName": "to_crm",
		"crm.imAddresses[0]": "Skype_ID", "winner": "crm",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.Text, "1 of 1 contacts in step has something") {
		t.Errorf("the question: %s", page.Text)
	}
	if page, err = browser.Submit(ctx, page, "Change it", nil); err != nil || page.URL.Path != "/setup/marketplace/microsoft" {
		t.Fatalf("%v, at %s: %s", err, page.URL, page.Text)
	}

	d.eventually("Outlook and the CRM hold what the new fields say", func() bool {
		item, ours := adele.items("contacts", "surname")["Silva"], adele.get("Contacts", id)
		phones, _ := item["homePhones"].([]any)
		ims, _ := item["imAddresses"].([]any)
		return len(phones) == 1 && phones[0] == "+55 11 3333-0001" && len(ims) == 1 && ims[0] == "silva" && ours["Twitter"] == "Sil"
	})
	// What meets nothing any more is on both sides as it was, and nothing is there twice.
	item, ours := adele.items("contacts", "surname")["Silva"], adele.get("Contacts", id)
	if item["assistantName"] != "Rui" || ours["Assistant"] != "Rui" || item["nickName"] != "Sil" || item["id"] != before["id"] || len(adele.items("contacts", "id")) != 1 {
		t.Errorf("Outlook has %v, the CRM %v", item, ours)
	}
	// The value that gave way stands in the history.
	adele.rest()
	if history := adele.text("GET", "/api/v1/links/"+adele.link("contacts")["id"].(string)+"/history", nil, 200); !strings.Contains(history, "im.silva") {
		t.Errorf("the history: %s", history)
	}
}
