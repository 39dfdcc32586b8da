package app_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/app"
	"tandem/internal/picture"
	"tandem/internal/testkit/pgtest"
	"tandem/internal/testkit/photos"
)

// atRest waits until no link of the demo has anything to do, and none of the notifications of its own writes is on its way.
func (d *demo) atRest() {
	d.t.Helper()
	served := func() bool {
		orgs, err := d.app.Store.Accounts().Organizations(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		for _, o := range orgs {
			links, err := d.app.Store.Links().LinksIn(d.t.Context(), o.ID)
			if err != nil {
				d.t.Fatal(err)
			}
			for _, l := range links {
				if l.Done != l.Wanted || l.LastRun.IsZero() {
					return false
				}
			}
		}
		return true
	}
	d.eventually("all links are at rest", func() bool {
		return served() && d.m365.Undelivered() == 0 && served() // what was just delivered wakes a link
	})
}

// TestL5_RelinkAfterARestoredBackup: a backup is made, people go on working, the backup is restored and relinked. Items made
// since are records again, nothing is there twice, and a new record is not taken for one that the backup does not know.
func TestL5_RelinkAfterARestoredBackup(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Before"})
	adele.switchOn("contacts")
	d.eventually("the first is in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 1 })

	d.atRest() // a copy of a link that runs would keep its lease

	path := filepath.Join(t.TempDir(), "copy.db")
	log := slog.New(slog.DiscardHandler)
	if err := app.Backup(t.Context(), d.database, path, log); err != nil {
		t.Fatal(err)
	}
	adele.insert("Contacts", doc{"Last_Name": "Since"})
	d.eventually("the second is in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	if n, err := app.Relink(t.Context(), "sqlite:"+path, "adele@contoso.example", log); err != nil || n != 1 {
		t.Fatal(n, err)
	}

	d.atRest() // two servers, one mailbox: the first has nothing left to do there

	restored := d.serveAt("sqlite:" + path)
	copyOf := &client{demo: restored, name: "adele", token: adele.token}
	copyOf.insert("Contacts", doc{"Last_Name": "After"}) // would have had the number of the second
	restored.eventually("all three are on both sides", func() bool {
		return len(copyOf.list("Contacts", "Last_Name")) == 3 && len(copyOf.items("contacts", "surname")) == 3 && copyOf.link("contacts")["synced"] == 3.0
	})
	d.wake(copyOf, "contacts") // would a third run make a fourth?
	restored.atRest()
	if a, b := copyOf.list("Contacts", "Last_Name"), copyOf.items("contacts", "surname"); len(a) != 3 || len(b) != 3 || a["Since"] == nil {
		t.Errorf("the CRM has %v, Outlook %v", a, b)
	}
}

// TestL5_RelinkLeavesNoLinkOut: a backup may be made while links run or have a job. The latter are relinked; of the former the command
// says that they were not, until their lease is over.
func TestL5_RelinkLeavesNoLinkOut(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.switchOn("calendar")
	d.atRest()
	path := filepath.Join(t.TempDir(), "copy.db")
	log := slog.New(slog.DiscardHandler)
	if err := app.Backup(t.Context(), d.database, path, log); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	running := time.Now().Add(time.Hour).UnixMicro()
	if _, err := db.Exec(`UPDATE links SET queued_at = ?, lease_until = CASE kind WHEN 'contacts' THEN ? ELSE 0 END`, time.Now().UnixMicro(), running); err != nil {
		t.Fatal(err)
	}
	if n, err := app.Relink(t.Context(), "sqlite:"+path, "", log); n != 1 || err == nil || !strings.Contains(err.Error(), "1 of 2") {
		t.Errorf("with one under way: %d, %v", n, err)
	}
	if _, err := db.Exec(`UPDATE links SET lease_until = 0`); err != nil {
		t.Fatal(err)
	}
	if n, err := app.Relink(t.Context(), "sqlite:"+path, "", log); n != 2 || err != nil {
		t.Errorf("with none under way: %d, %v", n, err)
	}
}

// TestL5_RelinkDoublesNeitherSeriesNorPhotos, on both databases; on SQLite from a backup from before the last edits. Series with changed and
// deleted days, contacts with photos, and what came from Outlook are found again, as they are, and nobody is mailed.
func TestL5_RelinkDoublesNeitherSeriesNorPhotos(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "tandem.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := url(t)
			d, stop := startDemoAt(t, database)
			defer stop()
			adele := d.client("adele")
			log := slog.New(slog.DiscardHandler)
			series := adele.insert("Events", doc{
				"Event_Title": "Standup", "Start_DateTime": "2026-11-24T09:00:00-03:00", "End_DateTime": "2026-11-24T09:15:00-03:00", "Venue": "Room 1",
				"Recurring_Activity":  doc{"RRULE": "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,TH;DTSTART=2026-11-24;UNTIL=2027-02-25", "EXDATE": "2026-12-24"},
				"Changed_Occurrences": []doc{{"Day": "2026-12-01", "Venue": "Room 2"}, {"Day": "2026-12-03", "Start_DateTime": "2026-12-04T10:00:00-03:00"}},
			})[0]
			contact := adele.insert("Contacts", doc{"Last_Name": "Lima"}, doc{"Last_Name": "Plain"})[0]
			photo := photos.PNG(t, 1, 300, 300)
			adele.setPhoto(contact, photo)
			adele.switchOn("calendar")
			adele.switchOn("contacts")
			if status, made := d.as("adele").Post(adele.container("contacts")+"/contacts", doc{"surname": "Souza", "givenName": "Bia"}); status != 201 {
				t.Fatal(status, made)
			}
			if status, made := d.as("adele").Post(adele.container("calendar")+"/events", doc{
				"subject": "Review", "start": doc{"dateTime": "2026-11-30T14:00:00", "timeZone": "UTC"}, "end": doc{"dateTime": "2026-11-30T15:00:00", "timeZone": "UTC"},
			}); status != 201 {
				t.Fatal(status, made)
			}
			d.eventually("all is on both sides", func() bool {
				return picture.Alike(adele.outlookPhoto("Lima"), photo) && adele.list("Contacts", "Last_Name")["Souza"] != nil && adele.list("Events", "Event_Title")["Review"] != nil
			})
			d.atRest()

			restored := database
			if strings.HasPrefix(database, "sqlite:") {
				path := filepath.Join(t.TempDir(), "copy.db")
				if err := app.Backup(t.Context(), database, path, log); err != nil {
					t.Fatal(err)
				}
				restored = "sqlite:" + path
				adele.call("PUT", "/crm/v8/Contacts/"+contact, doc{"data": []doc{{"Department": "Compras"}}}, 200)
				adele.call("PUT", "/crm/v8/Events/"+series, doc{"data": []doc{{"Venue": "Room 9"}}}, 200)
				d.eventually("the last edits are in Outlook", func() bool {
					return adele.items("contacts", "surname")["Lima"]["department"] == "Compras" && adele.items("calendar", "subject")["Standup"]["location"].(doc)["displayName"] == "Room 9"
				})
				d.atRest()
			}
			of := func() string {
				item := adele.items("calendar", "subject")["Standup"]
				_, list := d.as("adele").Get("/me/events/" + item["id"].(string) + "/instances?startDateTime=2026-11-24&endDateTime=2027-01-01&$top=50")
				var out []string
				for _, each := range list["value"].([]any) {
					e := each.(doc)
					out = append(out, fmt.Sprint(e["id"], e["start"], e["location"].(doc)["displayName"]))
				}
				return strings.Join(out, "\n")
			}
			before, puts := of(), d.puts()
			posts := func() int {
				r := d.m365.Requests().Routes
				return r["POST /me/contactFolders/{id}/contacts"] + r["POST /me/calendars/{id}/events"]
			}
			made := posts()
			if n, err := app.Relink(t.Context(), restored, "adele@contoso.example", log); err != nil || n != 2 {
				t.Fatal(n, err)
			}
			on := d
			if restored != database {
				on = d.serveAt(restored)
			}
			again := &client{demo: on, name: "adele", token: adele.token}
			d.wake(again, "contacts")
			d.wake(again, "calendar")
			on.eventually("both syncs know everything again", func() bool {
				return again.link("contacts")["synced"] == 3.0 && again.link("calendar")["synced"] == 2.0
			})
			on.atRest()
			if a, b := again.list("Contacts", "Last_Name"), again.items("contacts", "surname"); len(a) != 3 || len(b) != 3 {
				t.Errorf("contacts: the CRM has %v, Outlook %v", a, b)
			}
			if a, b := again.list("Events", "Event_Title"), again.items("calendar", "subject"); len(a) != 2 || len(b) != 2 {
				t.Errorf("events: the CRM has %v, Outlook %v", a, b)
			}
			if n := posts() - made; n != 0 {
				t.Errorf("%d items were made anew", n)
			}
			if after := of(); restored == database && after != before {
				t.Errorf("the series was\n%s\nand is\n%s", before, after)
			}
			if !picture.Alike(again.outlookPhoto("Lima"), photo) || !picture.Alike(again.photo(contact), photo) {
				t.Error("the photo is another one")
			}
			if n := d.puts() - puts; n > 1 {
				t.Errorf("%d photos were sent", n)
			}
		})
	}
}
