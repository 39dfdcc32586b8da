package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/record"
)

// imported puts contacts into the CRM as an import does.
func (c *client) imported(names ...string) {
	c.t.Helper()
	u := c.user()
	var drafts []crm.Draft
	for _, name := range names {
		drafts = append(drafts, crm.Draft{Fields: record.Fields{record.LastName: record.Value(name)}, Source: record.Import})
	}
	records := crm.New(c.app.Store.Records(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, time.Now)
	got, err := records.Insert(context.Background(), crm.Actor{Author: crm.Author{Org: u.Org, User: u.ID}, Zone: "UTC", Contacts: record.Full}, record.Contacts, drafts)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range got {
		if r.Err != nil {
			c.t.Fatal(r.Err)
		}
	}
}

// What came by import stays out of Outlook until a mass update touches it (S33), or an administrator lets all of it in. Taken
// back, what is in step stays in step.
func TestS32_ImportedContactsStayOutUntilTheyAreLetIn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.imported("Velho", "Antigo")
	adele.insert("Contacts", doc{"Last_Name": "Novo"})
	adele.switchOn("contacts")
	d.eventually("the new contact is in Outlook", func() bool { return adele.items("contacts", "surname")["Novo"] != nil })
	adele.settled("contacts")
	if got := adele.items("contacts", "surname"); len(got) != 1 {
		t.Fatalf("imported contacts are in Outlook: %v", got)
	}

	admin, registry := d.client("admin").user(), account.NewRegistry(d.app.Store.Accounts(), time.Now)
	decide := func(admit bool) {
		t.Helper()
		if err := registry.SaveCompany(context.Background(), admin, account.Company{Region: "BR", AdmitContacts: admit}); err != nil {
			t.Fatal(err)
		}
	}
	decide(true)
	d.eventually("those that were imported come in", func() bool { return len(adele.items("contacts", "surname")) == 3 })
	adele.settled("contacts")

	decide(false)
	u := adele.user()
	d.eventually("the link has taken it in", func() bool { // a run that is under way goes on by what it began with
		links, err := d.app.Store.Links().LinksOf(context.Background(), u.Org, u.ID)
		return err == nil && len(links) == 1 && links[0].Done == links[0].Wanted
	})
	adele.imported("Tarde")
	old := adele.list("Contacts", "Last_Name")["Velho"]
	adele.call("PUT", "/crm/v8/Contacts/"+old["id"].(string), doc{"data": []doc{{"Title": "CEO"}}}, 200)
	d.eventually("what is in step stays in step", func() bool { return fmt.Sprint(adele.items("contacts", "surname")["Velho"]["jobTitle"]) == "CEO" })
	adele.settled("contacts")
	if got := adele.items("contacts", "surname"); len(got) != 3 {
		t.Errorf("in Outlook are %v", got)
	}
}
