package app_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/app"
)

// atRest waits until no link of the demo has anything to do, and none of the notifications of its own writes is on its way.
func (d *demo) atRest() {
	d.t.Helper()
	var quiet time.Time
	d.eventually("all links are at rest", func() bool {
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
					quiet = time.Now()
				}
			}
		}
		if quiet.IsZero() {
			quiet = time.Now()
		}
		return time.Since(quiet) > 300*time.Millisecond
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
	time.Sleep(200 * time.Millisecond) // would a third run make a fourth?
	if a, b := copyOf.list("Contacts", "Last_Name"), copyOf.items("contacts", "surname"); len(a) != 3 || len(b) != 3 || a["Since"] == nil {
		t.Errorf("the CRM has %v, Outlook %v", a, b)
	}
}
