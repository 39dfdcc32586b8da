package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// S26: fields that an administrator makes are mapped by a person in the dialog, and travel both ways: as text where Outlook
// has no other form. They are cleared, they outlive a time out of use, and what is no value of theirs stays in Outlook.
func TestS26_CustomFieldsCrossBothWays(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx := context.Background()
	admin, adele := d.client("admin"), d.client("adele")
	office, page := admin.signedIn("/setup/fields/new")
	for label, typ := range map[string]string{"Nickname": "text", "Shoe size": "double", "Contract day": "date", "Club member": "boolean", "Colour": "picklist"} {
		made, err := office.Submit(ctx, page, "Save", map[string]string{"label": label, "type": typ, "values": "Red\nBlue"})
		if err != nil || made.URL.Path != "/setup/fields" || !strings.Contains(made.Text, label) {
			t.Fatalf("%s: %v, at %s: %s", label, err, made.URL, made.Text)
		}
		if page, err = office.Get(ctx, d.url+"/setup/fields/new"); err != nil {
			t.Fatal(err)
		}
	}
	id := adele.insert("Contacts", doc{"Last_Name": "Silva", "Nickname": "Sil", "Shoe_size": 42.5, "Contract_day": "2026-02-28", "Club_member": true, "Colour": "Red"})[0]
	adele.switchOn("contacts")
	d.eventually("the contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })

	browser, dialog := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	asked, err := browser.Submit(ctx, dialog, "See what changes", map[string]string{
		"crm.nickName": "Nickname", "crm.initials": "Shoe_size", "crm.birthday": "Contract_day", "crm.profession": "Club_member", "crm.generation": "Colour",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(asked.Text, "Shoe size") || strings.Contains(asked.Text, "Shoe_size") {
		t.Errorf("the question calls the fields otherwise than people do: %s", asked.Text)
	}
	if page, err = browser.Submit(ctx, asked, "Change it", nil); err != nil || page.URL.Path != "/setup/marketplace/microsoft" {
		t.Fatalf("%v, at %s: %s", err, page.URL, page.Text)
	}
	item := func() doc { return adele.items("contacts", "surname")["Silva"] }
	crosses := func(what, nick, size, day, club, colour string) {
		t.Helper()
		d.eventually(what, func() bool {
			i := item()
			birthday, _ := i["birthday"].(string)
			told := func(property string) string { s, _ := i[property].(string); return s }
			return told("nickName") == nick && told("initials") == size && strings.HasPrefix(birthday, day) && (birthday != "") == (day != "") &&
				told("profession") == club && told("generation") == colour
		})
	}
	crosses("Outlook has what the CRM has", "Sil", "42.5", "2026-02-28", "true", "Red")
	adele.rest()

	// From Outlook, in the words of people.
	at := item()["id"].(string)
	adele.editInOutlook(at, doc{"nickName": "Silvinha", "initials": "040", "birthday": "2026-03-01T00:00:00Z", "profession": "não", "generation": "Blue"})
	d.eventually("the CRM has what Outlook has", func() bool {
		r := adele.get("Contacts", id)
		return r["Nickname"] == "Silvinha" && r["Shoe_size"] == 40.0 && r["Contract_day"] == "2026-03-01" && r["Club_member"] == false && r["Colour"] == "Blue"
	})
	adele.rest()
	if i := item(); i["initials"] != "040" || i["profession"] != "não" {
		t.Errorf("what a person wrote in Outlook was written over: %v", i)
	}

	// What is no number and no choice stays there, is said, and the rest goes on; a choice that is made comes over.
	adele.editInOutlook(at, doc{"initials": "large", "generation": "Green", "nickName": "S"})
	d.eventually("the rest of it crosses", func() bool { return adele.get("Contacts", id)["Nickname"] == "S" })
	adele.rest()
	if r := adele.get("Contacts", id); r["Shoe_size"] != 40.0 || r["Colour"] != "Blue" {
		t.Errorf("the CRM has %v and %v", r["Shoe_size"], r["Colour"])
	}
	crosses("Outlook keeps it", "S", "large", "2026-03-01", "não", "Green")
	if s := adele.standing(id); s == nil || s["reason"] != "bad_value" {
		t.Errorf("it is said that %v", s)
	}
	fields, by := crm.NewCustomizer(d.app.Store.Records(), time.Now), crm.Author{Org: admin.user().Org, User: admin.user().ID}
	all, err := fields.All(ctx, by.Org, record.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]record.ID{}
	for _, f := range all {
		own[f.Label] = f.ID
	}
	if _, err := fields.Change(ctx, by, record.Contacts, own["Colour"], crm.FieldDraft{Label: "Cor", Values: []string{"Red", "Blue", "Green"}}); err != nil {
		t.Fatal(err)
	}
	d.eventually("a new choice comes over", func() bool { return adele.get("Contacts", id)["Colour"] == "Green" })

	// Cleared on either side.
	adele.edit(id, doc{"Nickname": nil, "Contract_day": nil, "Colour": nil, "Shoe_size": 7})
	crosses("cleared in Outlook", "", "7", "", "não", "")
	adele.edit(id, doc{"Club_member": true})
	crosses("ticked", "", "7", "", "true", "")
	adele.editInOutlook(at, doc{"initials": "", "profession": ""})
	d.eventually("cleared in the CRM", func() bool {
		r := adele.get("Contacts", id)
		return r["Shoe_size"] == nil && r["Club_member"] == false
	})
	adele.rest()

	// Out of use it is left alone on both sides. In use again it is as if it was newly mapped: what only Outlook has comes over,
	// and nothing is emptied.
	adele.edit(id, doc{"Colour": "Red"})
	crosses("a colour again", "", "", "", "", "Red")
	for _, label := range []string{"Nickname", "Colour"} {
		if _, err := fields.Retire(ctx, by, record.Contacts, own[label]); err != nil {
			t.Fatal(err)
		}
	}
	adele.rest()
	adele.editInOutlook(at, doc{"nickName": "Silva Jr.", "initials": "8"})
	d.eventually("the rest goes on", func() bool { return adele.get("Contacts", id)["Shoe_size"] == 8.0 })
	if r := adele.get("Contacts", id); r["Nickname"] != nil || r["Colour"] != nil {
		t.Errorf("a field out of use is told: %v", r)
	}
	adele.rest()
	for _, label := range []string{"Nickname", "Colour"} {
		if _, err := fields.Revive(ctx, by, record.Contacts, own[label]); err != nil {
			t.Fatal(err)
		}
	}
	d.eventually("and so do the fields that are back", func() bool {
		r := adele.get("Contacts", id)
		return r["Nickname"] == "Silva Jr." && r["Colour"] == "Red"
	})
	adele.rest()
	crosses("nothing was emptied", "Silva Jr.", "8", "", "", "Red")
}
