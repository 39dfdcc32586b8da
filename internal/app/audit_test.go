package app_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/riverqueue/river"

	"tandem/internal/app"
	"tandem/internal/jobs"
	"tandem/internal/reconcile"
	"tandem/internal/testkit/loopback"
)

// TestL6_AuditThroughTheSimulator: the real list of ids and versions finds what nobody told of, in a folder and in a calendar;
// the API, the status page and the metrics say so, and afterwards nothing differs.
func TestL6_AuditThroughTheSimulator(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"}, doc{"Last_Name": "Santos"})
	adele.insert("Events", doc{"Event_Title": "Kick-off", "Start_DateTime": "2026-12-01T09:00:00-03:00", "End_DateTime": "2026-12-01T10:00:00-03:00"},
		doc{"Event_Title": "Review", "Start_DateTime": "2026-12-02T09:00:00-03:00", "End_DateTime": "2026-12-02T10:00:00-03:00"})
	for _, kind := range []string{"contacts", "calendar"} {
		adele.switchOn(kind)
	}
	d.eventually("all is in Outlook", func() bool {
		return len(adele.items("contacts", "surname")) == 3 && len(adele.items("calendar", "subject")) == 2
	})
	d.atRest() // a run that is still to come would mend what is broken below
	links, err := d.app.Store.Links().LinksOf(t.Context(), adele.user().Org, adele.user().ID)
	if err != nil || len(links) != 2 {
		t.Fatal(links, err)
	}
	audit := func(whole bool) (all reconcile.Proof) {
		t.Helper()
		for _, l := range links {
			var proof reconcile.Proof
			d.eventually("nobody else is at work on the link", func() bool {
				proof, err = d.app.Runner.Audit(t.Context(), l.ID, whole)
				return err == nil && proof.Kinds != nil
			})
			all.Compared += proof.Compared
			all.Drift += proof.Drift
			all.Left += proof.Left
		}
		return all
	}
	if p := audit(true); p.Compared != 5 || p.Drift != 0 {
		t.Fatalf("at first: %+v", p)
	}

	// The ledger is made to say what is not so.
	if _, err := d.app.Store.SQLite().Exec(`UPDATE pairs SET base = replace(base, 'Silva', 'Sylva') WHERE base LIKE '%Silva%'`); err != nil {
		t.Fatal(err)
	}
	if _, err := d.app.Store.SQLite().Exec(`UPDATE pairs SET microsoft_version = 'W/"other"' WHERE base LIKE '%Kick-off%'`); err != nil {
		t.Fatal(err)
	}
	if _, err := d.app.Store.SQLite().Exec(`DELETE FROM pairs WHERE base LIKE '%Souza%'`); err != nil {
		t.Fatal(err)
	}
	p := audit(false)
	if p.Drift != 2 || p.Left != 0 {
		t.Errorf("found %+v", p)
	}
	if again := audit(true); again.Drift != 0 || again.Compared != 5 {
		t.Errorf("afterwards: %+v", again)
	}
	if ours, items := adele.list("Contacts", "Last_Name"), adele.items("contacts", "surname"); len(ours) != 3 || len(items) != 3 || ours["Silva"] == nil || items["Silva"] == nil {
		t.Errorf("the CRM has %v, Outlook %v", ours, items)
	}

	told := adele.link("contacts")["proof"].(doc)
	if told["compared"] != 3.0 || told["differed"] != 0.0 || told["left"] != 0.0 || told["at"] == nil {
		t.Errorf("the API tells %v", told)
	}
	if _, page := adele.signedIn("/status"); !strings.Contains(page.Text, "0 differences at the last full comparison") || !strings.Contains(page.Text, "records compared: 3") {
		t.Errorf("the page: %s", page.Text)
	}
	if !strings.Contains(d.metrics(), "tandem_audit_drift_total") {
		t.Error("/metrics does not tell of drift")
	}
	d.noMails()
}

// TestL6_TheCommandPrintsATable, knows whose links are meant, and what it found is in the /metrics of the process that serves.
func TestL6_TheCommandPrintsATable(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"})
	adele.switchOn("contacts")
	d.eventually("it is in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 1 })
	d.atRest() // a link that runs is not compared
	if _, err := d.app.Store.SQLite().Exec(`UPDATE pairs SET base = replace(base, 'Silva', 'Sylva')`); err != nil {
		t.Fatal(err)
	}
	clientID, secret := app.DemoCredentials()
	config := app.Config{
		Listen: loopback.Address(t), DatabaseURL: d.database, SecretKey: "a key for tests, of forty characters or so",
		MicrosoftClientID: clientID, MicrosoftClientSecret: secret, MicrosoftTenant: app.DefaultTenant,
		MicrosoftAuthority: d.sim, GraphURL: d.sim + "/v1.0",
	}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	log := slog.New(slog.DiscardHandler)
	if err := app.AuditNow(t.Context(), config, app.Audited{User: "adele@contoso.example"}, &out, log); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "adele@contoso.example") || !strings.Contains(out.String(), "contacts") || !strings.Contains(out.String(), "COMPARED") {
		t.Errorf("the table:\n%s", out.String())
	}
	for _, want := range []string{"tandem_last_audit_drift 1", "tandem_last_audit_drift_left 0", "tandem_audit_drift_total 0"} {
		if got := d.metrics(); !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("/metrics does not say %q", want)
		}
	}
	if err := app.AuditNow(t.Context(), config, app.Audited{Org: "nobody's"}, &out, log); err == nil {
		t.Error("an organization that is not there is no error")
	}
}

// TestL6_WhatTheNightlyAuditFindsIsToldThrice: on the page, in the log and to whoever watches /metrics.
func TestL6_WhatTheNightlyAuditFindsIsToldThrice(t *testing.T) {
	t.Parallel()
	log := &recorder{}
	d, stop := startDemoWith(t, "sqlite:"+filepath.Join(t.TempDir(), "tandem.db"), slog.NewTextHandler(log, nil))
	defer stop()
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"})
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	d.atRest()
	if _, err := d.app.Store.SQLite().Exec(`UPDATE pairs SET base = replace(base, 'Silva', 'Sylva') WHERE base LIKE '%Silva%'`); err != nil {
		t.Fatal(err)
	}
	links, err := d.app.Store.Links().LinksOf(t.Context(), adele.user().Org, adele.user().ID)
	if err != nil || len(links) != 1 {
		t.Fatal(links, err)
	}
	if _, err := d.app.Jobs.River().(*river.Client[*sql.Tx]).Insert(t.Context(), jobs.AuditLink{Link: links[0].ID}, nil); err != nil {
		t.Fatal(err)
	}
	d.eventually("the audit is made", func() bool { return strings.Contains(d.metrics(), "\ntandem_audits_total 1\n") })
	for _, want := range []string{"tandem_audit_records_total 2", "tandem_audit_drift_total 1", "tandem_audit_drift_left_total 0", "tandem_last_audit_drift 1", "tandem_last_audit_drift_left 0"} {
		if got := d.metrics(); !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("/metrics does not say %q", want)
		}
	}
	if !strings.Contains(log.String(), "records that had drifted apart") {
		t.Errorf("the log says nothing: %s", log.String())
	}
	if _, page := adele.signedIn("/status"); !strings.Contains(page.Text, "1 difference at the last full comparison") {
		t.Errorf("the page: %s", page.Text)
	}
}
