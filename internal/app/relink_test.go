package app_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/app"
)

// TestL5_RelinkAfterARestoredBackup: a backup is made, people go on working, the backup is restored and relinked. Items made
// since are records again, nothing is there twice, and a new record is not taken for one that the backup does not know.
func TestL5_RelinkAfterARestoredBackup(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Before"})
	adele.switchOn("contacts")
	d.eventually("the first is in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 1 })

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
