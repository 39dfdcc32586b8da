package app_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/importfile"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// brings has a person import a file of contacts that say so many, and returns its id.
func (c *client) brings(rows int) string {
	c.t.Helper()
	var b strings.Builder
	b.WriteString("Sobrenome;E-mail\n")
	for n := range rows {
		fmt.Fprintf(&b, "Trazido %d;trazido%d@example.com\n", n, n)
	}
	u := c.user()
	i, err := c.app.Imports.Receive(context.Background(), u.Org, u.ID, record.Contacts, "a.csv", "America/Sao_Paulo", true, strings.NewReader(b.String()), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.app.Imports.Begin(context.Background(), i); err != nil {
		c.t.Fatal(err)
	}
	return i.ID
}

func (c *client) broughtSoFar(id string) intake.Import {
	c.t.Helper()
	i, err := c.app.Imports.Import(context.Background(), c.user().Org, id)
	if err != nil {
		c.t.Fatal(err)
	}
	return i
}

// FF113: a contact from a file whose e-mail address is none is kept with it, and the report counts it; once the contact takes part
// in the sync, all but the address goes to Outlook, and the record says why. What a person types is still refused, and an import that
// updates a contact does not put such an address into the place of a good one.
func TestFF113_AnImportKeepsAMalformedAddress(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	take := func(ways intake.Duplicates, file string) intake.Import {
		t.Helper()
		u := adele.user()
		i, err := d.app.Imports.Receive(t.Context(), u.Org, u.ID, record.Contacts, "a.csv", "America/Sao_Paulo", true, strings.NewReader(file), nil)
		if err != nil {
			t.Fatal(err)
		}
		i.Settings.Duplicates = ways
		if err := d.app.Imports.Begin(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		d.eventually("it is imported", func() bool { return adele.broughtSoFar(i.ID).State == intake.Done })
		return adele.broughtSoFar(i.ID)
	}
	got := take(intake.Skip, "First Name,Last Name,Email,Secondary Email,Mobile\nAna,Vírgula,\"ana@x.example,\",ana2@x.example,3333/4444\nBia,Duas,bia@x.example; bia2@x.example,,\nCaio,Certo,caio@x.example,,\n")
	if got.Counts.Created != 3 || got.Counts.Failed != 0 || got.Counts.Notes[importfile.KeptForm] != 2 {
		t.Fatalf("%+v", got.Counts)
	}
	of := func(name string) doc {
		return adele.get("Contacts", fmt.Sprint(adele.list("Contacts", "Last_Name")[name]["id"]))
	}
	ana := of("Vírgula")
	if ana["Email"] != "ana@x.example," || ana["Mobile"] != "3333/4444" || of("Duas")["Email"] != "bia@x.example; bia2@x.example" {
		t.Errorf("%v, %v", ana, of("Duas"))
	}
	// It is another one for who types it.
	adele.call("POST", "/crm/v8/Contacts", doc{"data": []doc{{"Last_Name": "X", "Email": "ana@x.example,"}}}, 400)
	again := take(intake.Update, "First Name,Last Name,Email,Secondary Email\nAna,Vírgula,\"ana@y.example,\",ana2@x.example\n")
	if again.Counts.Failed != 1 || again.Counts.Updated != 0 || of("Vírgula")["Email"] != "ana@x.example," {
		t.Errorf("%+v, %v", again.Counts, of("Vírgula"))
	}

	id := fmt.Sprint(ana["id"])
	adele.call("POST", "/crm/v8/Contacts/actions/mass_update", doc{"data": []doc{{"Title": "CEO"}}, "ids": []string{id}}, 200)
	d.eventually("it is in Outlook, without the address", func() bool {
		item := adele.items("contacts", "surname")["Vírgula"]
		return item != nil && item["jobTitle"] == "CEO" && !strings.Contains(fmt.Sprint(item["emailAddresses"]), "ana@x.example,")
	})
	d.eventually("the record says why", func() bool {
		s := adele.standing(id)
		return s["state"] == "synced" && s["reason"] == "bad_value" && s["detail"] == "Email"
	})
	adele.edit(id, doc{"Email": "ana@x.example"})
	d.eventually("the address that was mended is in Outlook", func() bool {
		return strings.Contains(fmt.Sprint(adele.items("contacts", "surname")["Vírgula"]["emailAddresses"]), "ana@x.example")
	})
	d.noMails()
}

// What a job imports stays out of Outlook while sync is on.
func TestS32_AnImportWhileSyncIsOn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Antes"})
	adele.switchOn("contacts")
	id := adele.brings(300)
	d.eventually("all is imported", func() bool { return adele.broughtSoFar(id).State == intake.Done })
	adele.insert("Contacts", doc{"Last_Name": "Depois"})
	d.eventually("what was made afterwards is in Outlook", func() bool { return adele.items("contacts", "surname")["Depois"] != nil })
	adele.settled("contacts")
	if got := adele.items("contacts", "surname"); len(got) != 2 {
		t.Errorf("%d contacts in Outlook", len(got))
	}
	i := adele.broughtSoFar(id)
	if err := d.app.Imports.TakeBack(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is taken back", func() bool { return adele.broughtSoFar(id).State == intake.Undone })
	if i := adele.broughtSoFar(id); i.Counts.Removed != 300 || i.Counts.Kept != 0 {
		t.Errorf("%+v", i.Counts)
	}
}

// Tandem ends in the middle of an import and starts again: each row is there once.
func TestAnImportGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	const rows = 6000
	database := "sqlite:" + filepath.Join(t.TempDir(), "tandem.db")
	d, stop := startDemoAt(t, database)
	adele := d.client("adele")
	id := adele.brings(rows)
	d.eventually("some rows are there", func() bool { return adele.broughtSoFar(id).At > 0 })
	stop()
	again, stopAgain := startDemoAt(t, database)
	defer stopAgain()
	kim := &client{demo: again, name: "adele"}
	again.eventually("all rows are there", func() bool { return kim.broughtSoFar(id).State == intake.Done })
	n, err := again.app.Store.Records().Count(t.Context(), kim.user().Org, record.Contacts, crm.Query{Owner: kim.user().ID})
	if err != nil || n != rows || kim.broughtSoFar(id).Counts.Created != rows {
		t.Errorf("%d contacts, %+v, %v", n, kim.broughtSoFar(id).Counts, err)
	}
}
