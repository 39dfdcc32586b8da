package app_test

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// asked are the questions of a person's link as the API tells them.
func (c *client) asked(kind string) (out []doc) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.text("GET", "/api/v1/links/"+c.link(kind)["id"].(string)+"/asks", nil, 200)), &out); err != nil {
		c.t.Fatal(err)
	}
	return out
}

// apart lets a person edit both sides before the next run of the link sees either.
func (c *client) apart(kind string, edit func()) {
	c.t.Helper()
	id, err := strconv.ParseInt(c.link(kind)["id"].(string), 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	links, ledger, org := c.app.Store.Links(), c.app.Store.Ledger(), c.user().Org
	move := func(from, to reconcile.LinkState) {
		if err := links.ChangeState(context.Background(), org, reconcile.LinkID(id), []reconcile.LinkState{from}, to, ""); err != nil {
			c.t.Fatal(err)
		}
	}
	move(reconcile.On, reconcile.Paused)
	c.eventually("no run has the link", func() bool {
		open, err := ledger.Open(context.Background(), reconcile.LinkID(id), time.Now(), time.Minute)
		if err != nil {
			return false
		}
		if err := ledger.Close(context.Background(), open); err != nil {
			c.t.Fatal(err)
		}
		return true
	})
	edit()
	move(reconcile.Paused, reconcile.On)
}

// Whoever wants to be asked is asked about the field that both sides changed; the rest of the record stays in step, and
// what was decided is on both sides, with the other value in the history.
func TestS29_APersonDecidesWhatBothSidesChanged(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Souza", "Title": "Boss", "Department": "Sales"})[0]
	adele.switchOn("contacts")
	link := adele.link("contacts")["id"].(string)
	number, _ := strconv.ParseInt(link, 10, 64)
	if err := d.app.Store.Links().ChangeSettings(t.Context(), adele.user().Org, reconcile.LinkID(number),
		reconcile.Policy{Winner: reconcile.AskPerson}, mapping.Default(record.Contacts)); err != nil {
		t.Fatal(err)
	}
	adele.settled("contacts")
	item := adele.items("contacts", "surname")["Souza"]["id"].(string)
	adele.apart("contacts", func() {
		adele.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{{"Title": "CEO", "Mobile": "+55 11 91234-5678"}}}, 200)
		d.as("adele").Patch("/me/contacts/"+item, doc{"jobTitle": "CTO", "department": "Purchase"})
	})
	d.eventually("Adele is asked", func() bool { return len(adele.asked("contacts")) == 1 })
	question := adele.asked("contacts")[0]
	if question["record"] != id || question["microsoft"].(doc)["Title"] != "CTO" || len(question["conflicts"].([]any)) != 1 {
		t.Errorf("asked: %v", question)
	}
	both := func() (ours, theirs doc) {
		return adele.get("Contacts", id), adele.items("contacts", "surname")["Souza"]
	}
	d.eventually("the rest is in step", func() bool {
		ours, theirs := both()
		return ours["Department"] == "Purchase" && theirs["mobilePhone"] == "+55 11 91234-5678"
	})
	if ours, theirs := both(); ours["Title"] != "CEO" || theirs["jobTitle"] != "CTO" {
		t.Errorf("before it is decided: %v and %v", ours["Title"], theirs["jobTitle"])
	}
	if l := adele.link("contacts"); l["failing"] != 0.0 {
		t.Errorf("a question is no failure: %v", l)
	}

	adele.call("POST", "/api/v1/links/"+link+"/asks", doc{"microsoft_id": question["microsoft_id"], "taken": doc{"Title": "microsoft"}}, 202)
	d.eventually("the title of Outlook is in the CRM", func() bool { ours, theirs := both(); return ours["Title"] == "CTO" && theirs["jobTitle"] == "CTO" })
	d.eventually("it is in step", func() bool { l := adele.link("contacts"); return l["failing"] == 0.0 && l["synced"] == 1.0 })
	if left := adele.asked("contacts"); len(left) != 0 {
		t.Errorf("still asked: %v", left)
	}
	adele.call("POST", "/api/v1/links/"+link+"/asks", doc{"microsoft_id": question["microsoft_id"], "taken": doc{"Title": "crm"}}, 404)

	var lines []doc
	if err := json.Unmarshal([]byte(adele.text("GET", "/api/v1/links/"+link+"/history", nil, 200)), &lines); err != nil {
		t.Fatal(err)
	}
	lost, asked := 0, 0
	for _, line := range lines {
		if line["action"] == "asked" {
			asked++
		}
		for _, l := range line["lost"].([]any) {
			if value := l.(doc); value["field"] == "Title" && value["value"] == "CEO" && value["side"] == "crm" {
				lost++
			}
		}
	}
	if lost != 1 || asked != 1 {
		t.Errorf("%d lines of the history have the title that gave way, %d the question: %v", lost, asked, lines)
	}
	d.noMails()
}

// An item that may be one of several contacts is made no third one: a person says which it is, or that it is none of them,
// and then each is there once on either side.
func TestS29_APersonSaysWhichContactItIs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		answer func(first string) doc
		both   int // contacts on either side in the end
	}{
		{"this one", func(first string) doc { return doc{"match": first} }, 2},
		{"none of them", func(string) doc { return doc{"new": true} }, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele := d.client("adele")
			adele.switchOn("contacts")
			var ids []string
			adele.apart("contacts", func() {
				ids = adele.insert("Contacts", doc{"First_Name": "Bia", "Last_Name": "Lima", "Email": "bia@fabrica.example"},
					doc{"First_Name": "Beatriz", "Last_Name": "Lima", "Email": "Bia@Fabrica.example"})
				status, made := d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"givenName": "Bia", "surname": "L.", "jobTitle": "CTO",
					"emailAddresses": []doc{{"name": "Bia", "address": "bia@fabrica.example"}}})
				if status != 201 {
					t.Fatal(status, made)
				}
			})
			d.eventually("Adele is asked", func() bool { return len(adele.asked("contacts")) == 1 })
			question := adele.asked("contacts")[0]
			if question["name"] != "Bia L." || len(question["matches"].([]any)) != 2 || question["microsoft"].(doc)["Title"] != "CTO" {
				t.Errorf("asked: %v", question)
			}
			if n := len(adele.list("Contacts", "id")); n != 2 {
				t.Errorf("%d contacts in the CRM before it is decided", n)
			}
			if n := len(adele.items("contacts", "id")); n != 1 {
				t.Errorf("%d contacts in Outlook before it is decided", n)
			}
			answer := row.answer(ids[0])
			answer["microsoft_id"] = question["microsoft_id"]
			adele.call("POST", "/api/v1/links/"+adele.link("contacts")["id"].(string)+"/asks", answer, 202)
			d.eventually("each is there once on either side", func() bool {
				l := adele.link("contacts")
				return l["synced"] == float64(row.both) && l["failing"] == 0.0 && len(adele.items("contacts", "id")) == row.both && len(adele.list("Contacts", "id")) == row.both
			})
			if title := adele.get("Contacts", ids[0])["Title"]; (title == "CTO") != (row.both == 2) {
				t.Errorf("Bia's title is %v", title)
			}
		})
	}
}
