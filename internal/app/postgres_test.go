package app_test

import (
	"testing"

	"tandem/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestD14_PostgreSQLCarriesTheSame runs one person's sync on PostgreSQL: everything above the store is the same, but jobs
// and wakes go another way.
func TestD14_PostgreSQLCarriesTheSame(t *testing.T) {
	t.Parallel()
	d, stop := startDemoAt(t, pgtest.URL(t))
	defer stop()
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	adele.insert("Events", doc{"Event_Title": "Visita", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T10:00:00-03:00"})
	adele.switchOn("contacts")
	adele.switchOn("calendar")
	d.eventually("both are in Outlook", func() bool {
		return adele.items("contacts", "surname")["Silva"] != nil && adele.items("calendar", "subject")["Visita"] != nil
	})
	adele.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{{"Mobile": "+55 11 91234-5678"}}}, 200)
	d.eventually("the edit is in Outlook", func() bool {
		return adele.items("contacts", "surname")["Silva"]["mobilePhone"] == "+55 11 91234-5678"
	})
	contact := adele.items("contacts", "surname")["Silva"]["id"].(string)
	d.as("adele").Patch("/me/contacts/"+contact, doc{"department": "Compras"})
	d.eventually("the edit is in the CRM", func() bool { return adele.get("Contacts", id)["Department"] == "Compras" })
	d.noMails()
}
