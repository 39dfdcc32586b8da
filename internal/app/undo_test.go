package app_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// TestUndoOfARunGoesToOutlook: two contacts are changed in Outlook and come into the CRM. On the page of that run the
// person undoes it; both sides are then as they were before, but for what was changed since, and nobody gets mail.
func TestUndoOfARunGoesToOutlook(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx, adele := context.Background(), d.client("adele")
	ids := adele.insert("Contacts", doc{"Last_Name": "Silva", "Department": "one"}, doc{"Last_Name": "Souza", "Department": "one"})
	adele.switchOn("contacts")
	adele.settled("contacts")
	items := adele.items("contacts", "surname")
	for _, name := range []string{"Silva", "Souza"} {
		d.as("adele").Patch("/me/contacts/"+items[name]["id"].(string), doc{"department": "two"})
	}
	departments := func(side string) string {
		if side == "crm" {
			return adele.get("Contacts", ids[0])["Department"].(string) + " " + adele.get("Contacts", ids[1])["Department"].(string)
		}
		all := adele.items("contacts", "surname")
		return all["Silva"]["department"].(string) + " " + all["Souza"]["department"].(string)
	}
	d.eventually("both came into the CRM", func() bool { return departments("crm") == "two two" })
	adele.call("PUT", "/crm/v8/Contacts/"+ids[1], doc{"data": []doc{{"Department": "three"}}}, 200)
	d.eventually("and the edit went to Outlook", func() bool { return departments("outlook") == "two three" })
	adele.rest()

	browser, _ := adele.signedIn("/history")
	page, err := browser.Get(ctx, adele.url+"/history?kind=contacts&side=crm")
	if err != nil || !strings.Contains(page.Text, "one → two") {
		t.Fatalf("the history: %v: %s", err, page.Text)
	}
	if page, err = browser.Submit(ctx, page, "Undo Changed in the CRM Silva", nil); err != nil || !strings.Contains(page.Text, "Undone.") {
		t.Fatalf("undone: %v: %s", err, page.Text)
	}
	d.eventually("Outlook follows", func() bool { return departments("outlook") == "one three" })
	if got := departments("crm"); got != "one three" {
		t.Errorf("the CRM holds %s", got)
	}

	var lines []doc
	told := adele.text("GET", "/api/v1/links/"+adele.link("contacts")["id"].(string)+"/history?per_page=200", nil, 200)
	if err := json.Unmarshal([]byte(told), &lines); err != nil {
		t.Fatal(err)
	}
	var run, later string // of the change that came in, and of the edit, which the same run may have taken along
	for _, line := range lines {
		if line["fields"].(doc)["Department"] == "three" {
			later = line["run"].(string)
		}
		if line["side"] == "crm" && line["before"].(doc)["Department"] == "one" && line["record"] == ids[1] {
			run = line["run"].(string)
		}
	}
	page, err = browser.Get(ctx, adele.url+"/history/runs/"+adele.link("contacts")["id"].(string)+"."+run)
	if err == nil {
		page, err = browser.Submit(ctx, page, "Undo this run", nil)
	}
	if err != nil || !strings.HasPrefix(page.URL.Path, "/history/undos/") {
		t.Fatalf("the undo of run %s came to %s: %v: %s", run, page.URL, err, page.Text)
	}
	d.eventually("the undo has ended", func() bool {
		if page, err = browser.Get(ctx, page.URL.String()); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(page.Text, "Done:")
	})
	want := "one three"
	if later == run {
		want = "one one"
	} else if !strings.Contains(page.Text, "1 was changed since") {
		t.Errorf("it came to %s", page.Text)
	}
	d.eventually("both sides hold "+want, func() bool { return departments("crm") == want && departments("outlook") == want })
}
