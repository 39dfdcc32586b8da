package app_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/crm"
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
