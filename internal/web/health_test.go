package web

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func statusKeys() (out []string) {
	for _, each := range []string{"connection", "notices", "delay", "proof", "run"} {
		out = append(out, "health."+each)
	}
	return append(out, "health.credential", "chart.work", "chart.delay")
}

// The status page says what sync stands on: the connection, notices, the delay of the last day and the last proof; and draws the
// last thirty days with a table that tells the same.
func TestStatusSaysWhatSyncStandsOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const adele = "adele@contoso.example"
	w.grant(adele)
	ana := w.contact(adele, record.Fields{record.LastName: "Souza"})
	l := w.link(adele, record.Contacts, nil, func(l *reconcile.Link) {
		l.Subscription, l.SubscriptionEnds = "s1", w.now().Add(48*time.Hour)
		l.Proof = reconcile.Proof{At: w.now().Add(-time.Hour), Compared: 3812}
	})
	slow, fast := updated(ana, reconcile.InMicrosoft, record.Title, "", "CEO"), updated(ana, reconcile.InCRM, record.Title, "CEO", "CTO")
	slow.Delay, fast.Delay = 42*time.Second, 3*time.Second
	w.tell(l, slow, fast, fast, fast, reconcile.HistoryLine{Action: reconcile.Failed})
	b := w.as(adele)
	text := b.get("/status").text()
	for _, want := range []string{
		"Connected.", "Outlook tells of changes at once", "4 changes in the last day: half within 5 seconds, 95 of 100 within 42 seconds, the slowest within 42 seconds",
		"records compared: 3,812", "The last 30 days", "3 1 1 5 seconds 42 seconds 42 seconds",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the status lacks %q: %s", want, text)
		}
	}
	if body := b.get("/status").body; !strings.Contains(body, `<rect class="crm"`) || !strings.Contains(body, `<rect class="microsoft"`) || !strings.Contains(body, `<rect class="delay"`) {
		t.Error("nothing is drawn")
	}
	b.lang = "pt-BR"
	if text := b.get("/status").text(); !strings.Contains(text, "metade em até 5 segundos") {
		t.Errorf("in Portuguese: %s", text)
	}

	g, err := w.store.Accounts().Grant(t.Context(), w.org.ID, w.users[adele].ID)
	w.must(err)
	g.Broken = true
	w.must(w.store.Accounts().SaveGrant(t.Context(), g))
	b.lang = "en"
	if text := b.get("/status").text(); !strings.Contains(text, "Microsoft no longer takes the connection") {
		t.Errorf("a broken connection is not told: %s", text)
	}
}

// Those who manage users see how everybody's sync stands and may have it tried again; what they may not see has no name there. Nobody
// else comes in.
func TestEverybodysSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const admin, adele, alex = "admin@contoso.example", "adele@contoso.example", "alex@contoso.example"
	ana := w.contact(adele, record.Fields{record.LastName: "Souza"})
	private := w.event(adele, record.Fields{record.EventTitle: "Médico", record.Start: "2026-11-25T10:00", record.End: "2026-11-25T11:00", record.Sensitivity: "private"})
	contacts := w.link(adele, record.Contacts, []reconcile.Entry{
		{Pair: reconcile.Pair{CRM: ana.ID.Ref(), Microsoft: "m1", State: reconcile.Parked, Reason: fault.TooLong, Detail: "Souza is too long"}},
		{Pair: reconcile.Pair{Microsoft: "m2", State: reconcile.Parked, Reason: fault.TooLong, Name: "Hidden Person"}},
	}, func(*reconcile.Link) {})
	calendar := w.link(adele, record.Calendar, []reconcile.Entry{
		{Pair: reconcile.Pair{CRM: private.ID.Ref(), Microsoft: "m3", State: reconcile.Parked, Reason: fault.NotExpressible}},
	}, func(l *reconcile.Link) { l.State, l.Reason = reconcile.Paused, fault.ReconnectNeeded })
	b := w.as(admin)
	text := b.get(orgStatusPath).text()
	for _, want := range []string{"Adele Vance", "Standing still 1", "2 Failing"} {
		if !strings.Contains(text, want) && !strings.Contains(text, strings.Join(reversed(strings.Fields(want)), " ")) {
			t.Errorf("everybody's sync lacks %q: %s", want, text)
		}
	}
	page := b.get(orgLinkPath(contacts.ID))
	for _, want := range []string{"Souza", "A record that you may not see", "A value is longer"} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("the link lacks %q: %s", want, page.text())
		}
	}
	for _, path := range []string{orgLinkPath(contacts.ID), orgLinkPath(calendar.ID), orgStatusPath} {
		for _, not := range []string{"Hidden Person", "Médico", "too long</"} {
			if strings.Contains(b.get(path).body, not) {
				t.Errorf("%s shows %q", path, not)
			}
		}
	}
	if got := b.post(orgLinkPath(contacts.ID)+"/retry", "back", "https://evil.example/"); got.path != orgLinkPath(contacts.ID) {
		t.Errorf("retry leads to %s", got.path)
	}
	left, err := w.store.Links().Records(t.Context(), w.org.ID, contacts.ID, "failing", 0, 10)
	w.must(err)
	for _, r := range left {
		if r.RetryAt.IsZero() {
			t.Errorf("%q is not to be tried again", r.CRM)
		}
	}
	for _, upn := range []string{adele, alex} {
		for _, path := range []string{orgStatusPath, orgLinkPath(contacts.ID)} {
			if got := w.as(upn).get(path); got.status != 403 {
				t.Errorf("%s at %s: %d", upn, path, got.status)
			}
		}
	}
	if got := w.as("admin@fabrikam.example").get(orgLinkPath(contacts.ID)); got.status != 404 {
		t.Errorf("another organization's administrator: %d", got.status)
	}
	w.profile(admin, func(p *account.Permissions) { p.Contacts.View = record.Own })
	if text := w.as(admin).get(orgLinkPath(contacts.ID)).text(); strings.Contains(text, "Souza") {
		t.Errorf("who sees own contacts only is shown %s", text)
	}
}

func reversed(words []string) []string {
	out := make([]string, len(words))
	for i, word := range words {
		out[len(words)-1-i] = word
	}
	return out
}

// FIELD-FAILURES 6: a secret that ends stops all sync at once. Administrators are told from sixty days before, others never.
func TestFF6_TheEndOfTheSecretIsTold(t *testing.T) {
	t.Parallel()
	const admin, adele = "admin@contoso.example", "adele@contoso.example"
	for _, row := range []struct {
		name  string
		left  time.Duration
		warns string
	}{
		{"a year", 365 * 24 * time.Hour, ""},
		{"sixty-one days", 61*24*time.Hour + time.Minute, ""},
		{"ten days", 10*24*time.Hour - time.Minute, "within 10 days"},
		{"hours", 5 * time.Hour, "within a day"},
		{"over", -time.Hour, "Sync cannot go on"},
	} {
		w := newWorld(t, func(d *Deps) { d.Settings.CredentialEnds = d.Now().Add(row.left) })
		text, everybody := w.as(admin).get("/status").text(), w.as(admin).get(orgStatusPath).text()
		if warned := strings.Contains(text, "secret of Tandem"); warned != (row.warns != "") || !strings.Contains(text, row.warns) {
			t.Errorf("%s left: %s", row.name, text)
		}
		if !strings.Contains(everybody, "The secret of Tandem") || !strings.Contains(everybody, row.warns) {
			t.Errorf("%s left, everybody's: %s", row.name, everybody)
		}
		if text := w.as(adele).get("/status").text(); strings.Contains(text, "secret") {
			t.Errorf("%s left: a user is told", row.name)
		}
	}
}
