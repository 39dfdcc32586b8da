package app_test

import (
	"context"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// importedOne puts one contact into the CRM as an import does.
func (c *client) importedOne(fields record.Fields) (id string) {
	c.t.Helper()
	u := c.user()
	records := crm.New(c.app.Store.Records(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, time.Now)
	got, err := records.Insert(context.Background(), crm.Actor{Author: crm.Author{Org: u.Org, User: u.ID}, Zone: "UTC", Contacts: record.Full},
		record.Contacts, []crm.Draft{{Fields: fields, Source: record.Import}})
	if err != nil || got[0].Err != nil {
		c.t.Fatal(err, got)
	}
	return got[0].Record.ID.String()
}

// Adele has imported a list and then puts one of those people into the folder in Outlook: the CRM has that contact once, it is in
// step, also after switching off and on, and the rest of the list stays where it is.
func TestS32_WhoIsImportedAndInOutlookIsOneContact(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.importedOne(record.Fields{record.FirstName: "Rita", record.LastName: "Lobo", record.EmailField: "Rita@Fabrica.example", record.Mobile: "11 98765-4321"})
	adele.importedOne(record.Fields{record.LastName: "Outro", record.EmailField: "outro@fabrica.example"})
	adele.switchOn("contacts")
	adele.settled("contacts")
	if got := adele.items("contacts", "surname"); len(got) != 0 {
		t.Fatalf("imported contacts are in Outlook: %v", got)
	}
	status, made := d.as("adele").Post(adele.container("contacts")+"/contacts", doc{
		"givenName": "Rita", "surname": "Lobo", "jobTitle": "CTO", "emailAddresses": []doc{{"name": "Rita", "address": "rita@fabrica.example"}},
	})
	if status != 201 {
		t.Fatal(status, made)
	}
	for round := range 2 {
		d.eventually("the two are one", func() bool {
			item := adele.items("contacts", "surname")["Lobo"]
			return adele.link("contacts")["synced"] == 1.0 && item != nil && item["mobilePhone"] == "11 98765-4321"
		})
		adele.settled("contacts")
		if crm := adele.list("Contacts", "id"); len(crm) != 2 || crm[id] == nil || adele.get("Contacts", id)["Title"] != "CTO" {
			t.Fatalf("round %d: the CRM has %v", round, crm)
		}
		if got := adele.items("contacts", "id"); len(got) != 1 {
			t.Fatalf("round %d: in Outlook are %v", round, got)
		}
		adele.call("DELETE", "/api/v1/links/"+adele.link("contacts")["id"].(string), nil, 204)
		d.eventually("the folder is gone", func() bool { return adele.link("contacts") == nil && adele.container("contacts") == "" })
		adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
	}
}
