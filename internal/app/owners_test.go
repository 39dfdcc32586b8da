package app_test

import (
	"fmt"
	"testing"
)

// S30: a contact that goes from owner to owner is in the folder of whoever has it and syncs, and in no other; what each does to it
// is there for the next; and nobody's sync undoes another's, doubles the contact or deletes it. So it is with both owners' syncs
// on, with one, and with none.
func TestS30_OwnersTakeTurnsAndNeverFight(t *testing.T) {
	t.Parallel()
	for _, on := range []map[string]bool{{"adele": true, "alex": true}, {"alex": true}, {}} {
		t.Run(fmt.Sprint(len(on), " on"), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			admin := d.client("admin")
			people := []*client{d.client("adele"), d.client("alex")}
			for _, p := range people {
				p.insert("Contacts", doc{"Last_Name": "Always " + p.name})
				if on[p.name] {
					p.switchOn("contacts")
				}
			}
			id := people[0].insert("Contacts", doc{"Last_Name": "Silva", "Title": "0", "Fax": "12"})[0]
			in := func(p *client) doc {
				if !on[p.name] {
					return nil
				}
				return p.items("contacts", "surname")["Silva"]
			}
			title := "0"
			for round := 1; round <= 5; round++ {
				owner, other := people[(round+1)%2], people[round%2]
				admin.edit(id, doc{"Owner": doc{"id": owner.user().ID.String()}})
				d.eventually(fmt.Sprintf("round %d: it is where its owner is", round), func() bool {
					i := in(owner)
					return in(other) == nil && (i != nil) == on[owner.name] && (i == nil || i["jobTitle"] == title)
				})
				title = fmt.Sprint("CRM ", round)
				admin.edit(id, doc{"Title": title})
				if on[owner.name] {
					d.eventually("the edit is in Outlook", func() bool { i := in(owner); return i != nil && i["jobTitle"] == title })
					title = fmt.Sprint("Outlook ", round)
					owner.editInOutlook(in(owner)["id"].(string), doc{"jobTitle": title})
					d.eventually("and the other way", func() bool { return admin.get("Contacts", id)["Title"] == title })
				}
				if got := admin.get("Contacts", id); got["Fax"] != "12" || got["Owner"].(doc)["id"] != owner.user().ID.String() {
					t.Errorf("round %d: the CRM has %v", round, got)
				}
			}
			for _, p := range people {
				if on[p.name] {
					p.rest()
				}
			}
			if all := admin.list("Contacts", "id"); len(all) != 3 || all[id] == nil {
				t.Errorf("three contacts became %v", all)
			}
			d.noMails()
		})
	}
}
