package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
)

// history are the link's lines, latest first, as "action reason".
func (c *client) history() (out []string) {
	c.t.Helper()
	var lines []doc
	if err := json.Unmarshal([]byte(c.text("GET", "/api/v1/links/"+c.link("contacts")["id"].(string)+"/history", nil, 200)), &lines); err != nil {
		c.t.Fatal(err)
	}
	for _, l := range lines {
		out = append(out, fmt.Sprint(l["action"], " ", l["reason"]))
	}
	return out
}

// drag moves a contact to another folder of the mailbox, as a person's hand does.
func (c *client) drag(id, folder string) string {
	c.t.Helper()
	moved, err := c.m365.Mailbox(c.name+"@contoso.example").Move(id, folder)
	if err != nil {
		c.t.Fatal(err)
	}
	return moved
}

// forgets loses what the ledger knows of a link's pairs.
func (c *client) forgets(kind string) {
	c.t.Helper()
	number := linkID(c.t, c.link(kind)["id"].(string))
	ledger := c.app.Store.Ledger()
	c.apart(kind, func() {
		var l *reconcile.Link
		c.eventually("no run looks at the link", func() (free bool) {
			var err error
			l, err = ledger.Open(context.Background(), number, time.Now(), time.Minute)
			return err == nil
		})
		err := ledger.Forget(context.Background(), l)
		if err == nil {
			err = ledger.Close(context.Background(), l)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	})
}

func folderID(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// FIELD-FAILURES 120 and the point 9: dragged out of the folder a contact leaves the sync, the CRM keeps it, and its
// owner is told on the record and on the card; what happens to either from then on is its own. Dragged in, it enters.
func TestFF120_DraggedOutAndIn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva", "Title": "CEO"}, doc{"Last_Name": "Souza"})[0]
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	folder := folderID(adele.container("contacts"))
	item := adele.items("contacts", "surname")["Silva"]["id"].(string)

	adele.drag(item, "contacts")
	d.eventually("the record says that it was moved", func() bool {
		s := adele.standing(id)
		return s["state"] == "excluded" && s["reason"] == "moved_out"
	})
	if got := adele.get("Contacts", id); got["Title"] != "CEO" {
		t.Errorf("the CRM has %v", got)
	}
	if !slices.Contains(adele.history(), "unlinked moved_out") {
		t.Errorf("the history says %v", adele.history())
	}
	_, page := adele.signedIn("/contacts/" + id)
	if text := page.Text; !strings.Contains(text, "moved it out") && !strings.Contains(text, "moveu para fora") {
		t.Error("the record's page does not say that it was moved out")
	}
	adele.edit(id, doc{"Title": "CTO"})
	adele.editInOutlook(item, doc{"jobTitle": "Mine"})
	adele.rest()
	if adele.get("Contacts", id)["Title"] != "CTO" || len(adele.items("contacts", "id")) != 1 {
		t.Error("what left the sync was synced")
	}

	// Back in the folder it is that record again.
	adele.drag(item, folder)
	d.eventually("it is in the sync again", func() bool {
		s := adele.standing(id)
		return s["state"] == "synced" && adele.items("contacts", "surname")["Silva"]["jobTitle"] == adele.get("Contacts", id)["Title"]
	})
	if n := len(adele.list("Contacts", "id")); n != 2 {
		t.Errorf("%d contacts in the CRM", n)
	}

	// One that never was in the sync enters it.
	_, made := d.as("adele").Prefer(`IdType="ImmutableId"`).Post("/me/contacts", doc{"surname": "Private"})
	adele.settled("contacts")
	if adele.list("Contacts", "Last_Name")["Private"] != nil {
		t.Fatal("a contact outside the folder was read")
	}
	adele.drag(made["id"].(string), folder)
	d.eventually("what was dragged in is in the CRM", func() bool { return adele.list("Contacts", "Last_Name")["Private"] != nil })
	adele.rest()
	d.noMails()
}

// FIELD-FAILURES 122: a copy carries our hidden property. It is a record of its own; edits and the deletion of either leave
// the other alone.
func TestFF122_ACopyIsARecordOfItsOwn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	d.eventually("it is in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 1 })
	original := adele.items("contacts", "surname")["Silva"]["id"].(string)
	if _, err := d.m365.Mailbox("adele@contoso.example").Copy(original); err != nil {
		t.Fatal(err)
	}
	d.eventually("the copy is a record", func() bool { return adele.link("contacts")["synced"] == 2.0 })
	var twin string
	for item := range adele.items("contacts", "id") {
		if item != original {
			twin = item
		}
	}
	adele.editInOutlook(twin, doc{"surname": "Twin"})
	d.eventually("the copy is edited", func() bool { return adele.list("Contacts", "Last_Name")["Twin"] != nil })
	if adele.get("Contacts", id)["Last_Name"] != "Silva" {
		t.Error("the original was edited with it")
	}
	d.as("adele").Delete("/me/contacts/" + twin)
	d.eventually("the copy is deleted", func() bool { return adele.list("Contacts", "Last_Name")["Twin"] == nil })
	if adele.get("Contacts", id)["Last_Name"] != "Silva" || adele.items("contacts", "surname")["Silva"]["id"] != original {
		t.Error("the original was deleted with it")
	}
	adele.rest()
	d.noMails()
}

// FIELD-FAILURES 49, 118: run after run makes nothing anew, not even with changed ids, replays and empty pages.
func TestFF49_FiveRunsMakeNothingAnew(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"})
	adele.inOutlook(doc{"surname": "Castro"})
	d.eventually("all three are on both sides", func() bool { return adele.link("contacts")["synced"] == 3.0 })
	d.m365.SetWarts(m365sim.Warts{Replays: true, EmptyPages: true, LinkExtras: true})
	for range 3 {
		d.m365.ForgetSyncStates("adele@contoso.example") // FIELD-FAILURES 88
		adele.rest()
	}
	d.m365.SetWarts(m365sim.Warts{})
	if a, b := len(adele.list("Contacts", "id")), len(adele.items("contacts", "id")); a != 3 || b != 3 {
		t.Errorf("%d in the CRM, %d in Outlook", a, b)
	}
}

// FIELD-FAILURES 56, 57, 61: what is deleted in Outlook is in the CRM's recycle bin; taken out of Deleted Items again and
// edited, it is that record again. No notification is needed to know of either.
func TestFF57_DeletedRestoredEdited(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva", "Fax": "12"}, doc{"Last_Name": "Souza"})[0]
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	folder := folderID(adele.container("contacts"))
	item := adele.items("contacts", "surname")["Silva"]["id"].(string)
	d.as("adele").Delete("/me/contacts/" + item)
	d.eventually("it is gone from the CRM", func() bool { return adele.list("Contacts", "Last_Name")["Silva"] == nil })
	if _, err := d.m365.Mailbox("adele@contoso.example").Undelete(item, folder); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is back", func() bool { return adele.list("Contacts", "Last_Name")["Silva"] != nil })
	back := adele.list("Contacts", "Last_Name")["Silva"]["id"].(string)
	adele.editInOutlook(item, doc{"jobTitle": "CEO"})
	d.eventually("and in step", func() bool { return adele.get("Contacts", back)["Title"] == "CEO" })
	if n := len(adele.list("Contacts", "id")); n != 2 {
		t.Errorf("%d contacts in the CRM", n)
	}
	if back != id {
		t.Logf("it is a new record: %s, once %s", back, id)
	}
	adele.rest()
	d.noMails()
}

// FIELD-FAILURES 62: a version that moves without a cause is no conflict for a person: the edit arrives all the same.
func TestFF62_AVersionThatMovesByItself(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.switchOn("contacts")
	d.eventually("it is in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 1 })
	item := adele.items("contacts", "surname")["Silva"]["id"].(string)
	d.m365.Next("part PATCH *", m365sim.Fail(412).As("ErrorIrresolvableConflict").Repeat(2))
	if err := d.m365.Mailbox("adele@contoso.example").Touch(item); err != nil {
		t.Fatal(err)
	}
	adele.edit(id, doc{"Title": "CEO"})
	d.eventually("the edit is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"]["jobTitle"] == "CEO" })
	adele.rest()
}

// FIELD-FAILURES 54: a record that leaves what is synced, as its owner changed, leaves the folder and nothing else; what the
// CRM alone has of it is whole, and coming back it is there once.
func TestFF54_OutOfScopeIsNotDeleted(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele, admin := d.client("adele"), d.client("admin")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva", "Fax": "12"}, doc{"Last_Name": "Souza"})[0]
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	for _, owner := range []*client{admin, adele} {
		admin.edit(id, doc{"Owner": doc{"id": owner.user().ID.String()}})
		want := map[bool]int{true: 2, false: 1}[owner == adele]
		d.eventually("the folder follows its owner", func() bool { return len(adele.items("contacts", "surname")) == want })
		if got := admin.get("Contacts", id); got["Last_Name"] != "Silva" || got["Fax"] != "12" {
			t.Errorf("the CRM has %v", got)
		}
	}
	adele.rest()
	d.noMails()
}

// FIELD-FAILURES 46, 50: switched off and on among folders of the same name, nothing is made twice, and no other folder is
// touched.
func TestFF50_FoldersOfTheSameName(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	status, other := d.as("adele").Post("/me/contactFolders", doc{"displayName": "Tandem"})
	if status != 201 {
		t.Fatal(other)
	}
	d.as("adele").Post("/me/contactFolders/"+other["id"].(string)+"/contacts", doc{"surname": "Mine"})
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.switchOn("contacts")
	d.eventually("it is in step", func() bool { return adele.link("contacts")["synced"] == 1.0 })
	if all := adele.list("Contacts", "Last_Name"); len(all) != 1 {
		t.Errorf("the other folder was read: %v", all)
	}
	adele.call("DELETE", "/api/v1/links/"+adele.link("contacts")["id"].(string), nil, 204)
	d.eventually("it is off", func() bool { return adele.link("contacts") == nil })
	if status, page := d.as("adele").Get("/me/contactFolders/" + other["id"].(string) + "/contacts"); status != 200 || len(page["value"].([]any)) != 1 {
		t.Errorf("the other folder: %d %v", status, page)
	}
}

// FIELD-FAILURES 46: a ledger that was lost is found again from the items, and nothing is made.
func TestFF46_ALostLedgerMakesNothingAnew(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva", "Email": `"a,b"@x.example`}, doc{"Last_Name": "Souza"})
	adele.switchOn("contacts")
	adele.inOutlook(doc{"surname": "Castro", "businessAddress": doc{"street": strings.Repeat("é", 300)}})
	d.eventually("all three are on both sides", func() bool { return adele.link("contacts")["synced"] == 3.0 })
	for range 2 {
		adele.forgets("contacts")
		adele.wake(adele, "contacts")
		d.eventually("all three are known again", func() bool { return adele.link("contacts")["synced"] == 3.0 })
		adele.rest()
		if a, b := len(adele.list("Contacts", "id")), len(adele.items("contacts", "id")); a != 3 || b != 3 {
			t.Errorf("%d in the CRM, %d in Outlook", a, b)
		}
	}
	street := adele.items("contacts", "surname")["Castro"]["businessAddress"].(doc)["street"]
	if id := adele.list("Contacts", "Last_Name")["Silva"]["id"].(string); adele.get("Contacts", id)["Email"] != `"a,b"@x.example` || street != strings.Repeat("é", 300) {
		t.Errorf("what did not fit was lost: %v, %v", adele.get("Contacts", id)["Email"], street)
	}
}

// FIELD-FAILURES 52: a folder that was emptied is a question, and its answer may be no.
func TestFF52_AnEmptiedFolderIsAQuestion(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	var made []doc
	for i := range 30 {
		made = append(made, doc{"Last_Name": fmt.Sprint("C", i)})
	}
	adele.insert("Contacts", made...)
	adele.switchOn("contacts")
	d.eventually("all are in Outlook", func() bool { return adele.link("contacts")["synced"] == 30.0 })
	adele.apart("contacts", func() {
		for id := range adele.items("contacts", "id") {
			d.as("adele").Delete("/me/contacts/" + id)
		}
	})
	adele.wake(adele, "contacts")
	d.eventually("the sync holds", func() bool { return adele.link("contacts")["state"] == "held" })
	if n := len(adele.list("Contacts", "id")); n != 30 {
		t.Fatalf("%d contacts are left", n)
	}
	number, err := strconv.ParseInt(adele.link("contacts")["id"].(string), 10, 64)
	if err == nil {
		err = d.app.Store.Links().AllowDeletes(t.Context(), adele.user().Org, reconcile.LinkID(number), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.eventually("all are in Outlook again", func() bool {
		return len(adele.items("contacts", "id")) == 30 && adele.link("contacts")["synced"] == 30.0
	})
	adele.rest()
}

// FIELD-FAILURES 116: two records of one address are two contacts, and neither takes the other's edits.
func TestFF116_TwoRecordsOfOneAddress(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	ids := adele.insert("Contacts", doc{"Last_Name": "Desk", "Email": "info@x.example"}, doc{"Last_Name": "Boss", "Email": "info@x.example"})
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	adele.edit(ids[0], doc{"Title": "Desk"})
	adele.editInOutlook(adele.items("contacts", "surname")["Boss"]["id"].(string), doc{"jobTitle": "Boss"})
	d.eventually("each has its own", func() bool {
		items := adele.items("contacts", "surname")
		return items["Desk"]["jobTitle"] == "Desk" && items["Boss"]["jobTitle"] == "Boss" &&
			adele.get("Contacts", ids[0])["Title"] == "Desk" && adele.get("Contacts", ids[1])["Title"] == "Boss"
	})
	adele.rest()
}
