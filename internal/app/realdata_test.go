package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/app"
	"tandem/internal/realdata"
)

// Every event of the real calendars goes through the API into the CRM and from there into Outlook, where it is the same, on
// the same days; and nothing of it is written a second time.
func TestS16_RealCalendarsAreTheSameInOutlook(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "calendars")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("there are no real calendars: %v", err)
	}
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("calendar") // for the consent alone: everything is to go with a first sync
	adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
	d.eventually("it is off again", func() bool { return adele.link("calendar") == nil })
	o := realdata.Options{
		CRM: &realdata.Service{URL: d.url, Token: adele.token}, Graph: &realdata.Service{URL: d.sim + "/v1.0", Token: d.m365.IssueToken("adele@contoso.example")},
		Calendars: dir, Patience: 5 * time.Minute, Tell: func(string) {},
	}
	report, err := realdata.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	n := report.Totals()
	t.Logf("%+v", n)
	inStep := 0
	for _, e := range report.Entries {
		for _, p := range e.Plans {
			switch {
			case p.Refused != "" || len(p.Diffs) > 0:
				t.Errorf("%s %d %s: refused %q, %+v", e.File, e.Place, e.Name, p.Refused, p.Diffs)
			case p.State == "synced":
				inStep++
			case p.Reason == "" || strings.HasPrefix(p.State, "unknown") || p.State == "absent":
				t.Errorf("%s %d %s: %s, %s", e.File, e.Place, e.Name, p.State, p.Reason)
			default:
				t.Logf("%s %d %s: %s, %s", e.File, e.Place, e.Name, p.State, p.Reason)
			}
		}
	}
	if inStep < n.Records*99/100 {
		t.Errorf("%d of %d are in step", inStep, n.Records)
	}
}

// Every card of the real address books goes through the API into the CRM and from there into Outlook, where it is the same;
// edited there, it comes back the same. Made in somebody else's Outlook, each comes into the CRM as it is, and Outlook keeps
// what no field of the CRM takes.
func TestS29_RealCardsAreTheSameBothWays(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "contacts")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("there are no real cards: %v", err)
	}
	d := startDemo(t)
	options := func(c *client) realdata.Options {
		return realdata.Options{
			CRM: &realdata.Service{URL: d.url, Token: c.token}, Graph: &realdata.Service{URL: d.sim + "/v1.0", Token: d.m365.IssueToken(c.name + "@contoso.example")},
			Contacts: dir, Folder: app.ProductName, Patience: 5 * time.Minute, Tell: func(s string) { t.Log(c.name, s) },
		}
	}
	check := func(way string, report *realdata.Report, err error) []*realdata.Plan {
		t.Helper()
		if err != nil {
			t.Fatal(way, err)
		}
		var plans []*realdata.Plan
		for _, e := range report.Entries {
			for _, p := range e.Plans {
				plans = append(plans, p)
				if p.Refused != "" || len(p.Diffs) > 0 || p.State != "synced" || p.Reason != "" {
					t.Errorf("%s: %s %d %s: refused %q, %s %s, %+v", way, e.File, e.Place, e.Name, p.Refused, p.State, p.Reason, p.Diffs)
				}
			}
		}
		if len(plans) < 10 {
			t.Errorf("%s: only %d cards", way, len(plans))
		}
		return plans
	}
	adele := d.client("adele")
	adele.switchOn("contacts")
	report, err := realdata.Run(t.Context(), options(adele))
	plans := check("to Outlook", report, err)

	was := map[string]doc{}
	for _, p := range plans {
		was[p.ID] = adele.get("Contacts", p.ID)
		adele.editInOutlook(p.Microsoft, doc{"assistantName": "came back"})
	}
	for _, p := range plans {
		d.eventually(p.ID+" comes back", func() bool { return adele.get("Contacts", p.ID)["Assistant"] == "came back" })
		now := adele.get("Contacts", p.ID)
		for field, value := range was[p.ID] {
			switch field {
			case "Assistant", "Modified_Time", "Modified_By":
			default:
				if a, b := fmt.Sprint(value), fmt.Sprint(now[field]); a != b {
					t.Errorf("%s: %s was %q and came back as %q", p.ID, field, a, b)
				}
			}
		}
	}
	adele.rest()

	alex := d.client("alex")
	alex.switchOn("contacts")
	report, err = realdata.RunFromOutlook(t.Context(), options(alex))
	check("from Outlook", report, err)
	alex.rest()
	d.noMails()
}
