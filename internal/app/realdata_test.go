package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		Calendars: dir, Patience: 2 * time.Minute, Tell: func(string) {},
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
