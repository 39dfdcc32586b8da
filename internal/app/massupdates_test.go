package app_test

import (
	"testing"

	"tandem/internal/crm"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// What was imported while sync is on goes to Outlook once a mass update has changed it, by its job, and stays there when that is undone.
func TestS32_S33_AMassUpdateTakesImportedContactsToOutlook(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	id := adele.brings(3)
	d.eventually("all is imported", func() bool { return adele.broughtSoFar(id).State == intake.Done })
	u := adele.user()
	actor := crm.Actor{Author: crm.Author{Org: u.Org, User: u.ID}, Zone: "America/Sao_Paulo", Contacts: u.May.Contacts, Events: u.May.Events, MassUpdate: true}
	draft, err := d.app.Mass.Prepare(t.Context(), actor, record.Contacts, crm.Query{Owner: u.ID, Imported: true}, crm.MassSets(record.Department, "Vendas"))
	if err != nil || draft.Total != 3 {
		t.Fatalf("%+v, %v", draft, err)
	}
	if err := d.app.Mass.Go(t.Context(), draft); err != nil {
		t.Fatal(err)
	}
	state := func() intake.State {
		now, err := d.app.Mass.Update(t.Context(), u.Org, draft.ID)
		if err != nil {
			t.Fatal(err)
		}
		return now.State
	}
	d.eventually("all are updated", func() bool { return state() == intake.Done })
	d.eventually("all are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 3 })
	adele.rest()
	if err := d.app.Mass.TakeBack(t.Context(), draft); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is undone", func() bool { return state() == intake.Undone })
	adele.settled("contacts")
	if n := len(adele.items("contacts", "surname")); n != 3 {
		t.Errorf("%d contacts in Outlook", n)
	}
}
