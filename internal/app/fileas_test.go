package app_test

import (
	"context"
	"testing"
)

// Exchange itself says what a contact is filed under when nobody does, and anew when its name changes. Mapped both ways, that
// comes back to the CRM, and what a person says of it stands.
func TestS29_WhatExchangeFilesAContactUnderComesBack(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx := context.Background()
	admin, adele := d.client("admin"), d.client("adele")
	office, page := admin.signedIn("/setup/fields/new")
	if made, err := office.Submit(ctx, page, "Save", map[string]string{"label": "Filed under", "type": "text"}); err != nil || made.URL.Path != "/setup/fields" {
		t.Fatal(err)
	}
	browser, dialog := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	if page, err := browser.Submit(ctx, dialog, "Save", map[string]string{"crm.fileAs": "Filed_under"}); err != nil || page.URL.Path != "/setup/marketplace/microsoft" {
		t.Fatalf("%v, at %s: %s", err, page.URL, page.Text)
	}
	ids := adele.insert("Contacts", doc{"Last_Name": "Silva", "First_Name": "Ana"}, doc{"Last_Name": "Souza", "First_Name": "Rui", "Filed_under": "The boss"})
	adele.switchOn("contacts")
	both := func(what string, id, surname, want string) {
		t.Helper()
		d.eventually(what, func() bool {
			item := adele.items("contacts", "surname")[surname]
			return item != nil && item["fileAs"] == want && adele.get("Contacts", id)["Filed_under"] == want
		})
	}
	both("made by Exchange", ids[0], "Silva", "Silva, Ana")
	both("said in the CRM", ids[1], "Souza", "The boss")
	adele.edit(ids[0], doc{"Last_Name": "Lima"})
	both("made anew by Exchange", ids[0], "Lima", "Lima, Ana")
	adele.edit(ids[1], doc{"Last_Name": "Costa"})
	both("still as it was said", ids[1], "Costa", "The boss")
	adele.edit(ids[0], doc{"Filed_under": "A. Lima"})
	both("said later", ids[0], "Lima", "A. Lima")
	adele.rest()
	if s := adele.standing(ids[0]); s["state"] != "synced" {
		t.Errorf("in the end it is %v", s)
	}
}
