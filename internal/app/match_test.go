package app_test

import "testing"

// Ten times off and on leaves the same contacts, and as many: also the one that Adele makes again in the folder before the
// link has looked at it.
func TestS29_TenTimesOffAndOnLeavesTheSameContacts(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva", "Email": "silva@fabrica.example"}, doc{"First_Name": "Bia", "Last_Name": "Lima", "Mobile": "(11) 98765-4321"})
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	before := adele.list("Contacts", "id")
	for round := range 10 {
		lima := adele.items("contacts", "surname")["Lima"]["id"].(string)
		adele.apart("contacts", func() {
			d.as("adele").Delete("/me/contacts/" + lima)
			status, made := d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"givenName": "Bia", "surname": "Lima", "mobilePhone": "+55 11 98765-4321"})
			if status != 201 {
				t.Fatal(status, made)
			}
		})
		d.eventually("it is in step", func() bool {
			l := adele.link("contacts")
			return l["synced"] == 2.0 && l["failing"] == 0.0 && l["waiting"] == 0.0
		})
		adele.call("DELETE", "/api/v1/links/"+adele.link("contacts")["id"].(string), nil, 204)
		d.eventually("the folder is gone", func() bool { return adele.link("contacts") == nil && adele.container("contacts") == "" })
		adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
		d.eventually("both are in Outlook again", func() bool { return len(adele.items("contacts", "surname")) == 2 })
		after := adele.list("Contacts", "id")
		if len(after) != len(before) {
			t.Fatalf("after round %d there are %d contacts", round, len(after))
		}
		for id := range before {
			if after[id] == nil {
				t.Fatalf("after round %d contact %s is gone", round, id)
			}
		}
	}
}
