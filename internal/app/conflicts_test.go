package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/internal/m365sim"
)

// S29: both sides changed one field. Each of the four policies that the dialog offers decides as it says; the value that gave
// way stands on the page of what sync did, from where it is taken after all, and then counts on both sides.
func TestS29_FourWaysToDecideAndTheOtherOne(t *testing.T) {
	t.Parallel()
	for policy, row := range map[string]struct {
		outlookLast bool
		wins, gives string
	}{
		"later":     {true, "Of Outlook", "Of the CRM"},
		"microsoft": {false, "Of Outlook", "Of the CRM"},
		"crm":       {true, "Of the CRM", "Of Outlook"},
		"ask":       {false, "Of Outlook", "Of the CRM"}, // so the person decides
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			ctx := context.Background()
			adele := d.client("adele")
			id := adele.insert("Contacts", doc{"Last_Name": "Souza", "Title": "Boss"})[0]
			browser, page := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
			if page, err := browser.Submit(ctx, page, "Save", map[string]string{"winner": policy}); err != nil || page.URL.Path != "/setup/marketplace/microsoft" {
				t.Fatalf("%v at %s", err, page.URL)
			}
			adele.switchOn("contacts")
			d.eventually("it is in Outlook", func() bool { return adele.items("contacts", "surname")["Souza"] != nil })
			adele.settled("contacts")
			item := adele.items("contacts", "surname")["Souza"]["id"].(string)
			inCRM := func() { adele.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{{"Title": "Of the CRM"}}}, 200) }
			inOutlook := func() { d.as("adele").Patch("/me/contacts/"+item, doc{"jobTitle": "Of Outlook"}) }
			adele.apart("contacts", func() {
				if inCRM(); row.outlookLast {
					time.Sleep(1100 * time.Millisecond) // Graph tells times by the second
					inOutlook()
					return
				}
				inOutlook()
				inCRM()
			})
			if policy == "ask" {
				d.eventually("Adele is asked", func() bool { return len(adele.asked("contacts")) == 1 })
				page, err := browser.Get(ctx, d.url+"/setup/marketplace/microsoft/contacts/questions")
				if err == nil {
					page, err = browser.Submit(ctx, page, "Decide", map[string]string{"take-Title-0": "microsoft"})
				}
				if err != nil {
					t.Fatalf("%v: %s", err, page.Text)
				}
			}
			both := func(want string) func() bool {
				return func() bool {
					theirs := adele.items("contacts", "surname")["Souza"]
					return theirs["jobTitle"] == want && adele.get("Contacts", id)["Title"] == want
				}
			}
			d.eventually("both sides have what counts", both(row.wins))
			adele.rest() // the history has it once it is settled
			page, err := browser.Get(ctx, d.url+"/status")
			if err != nil || !strings.Contains(page.Text, row.gives) {
				t.Fatalf("%v: the history does not show %q: %s", err, row.gives, page.Text)
			}
			if _, err := browser.Submit(ctx, page, "Use this one", nil); err != nil {
				t.Fatal(err)
			}
			d.eventually("both sides have the other one", both(row.gives))
			adele.rest()
			d.noMails()
		})
	}
}

// D13: Microsoft asks to wait in the middle of a first sync of contacts, of a request alone and of parts of a batch, and
// says how long. All of them arrive, once each, and none counts as failing.
func TestD13_AskedToWaitInTheMiddleOfAFirstSync(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"alone", "some of a batch", "all of a batch"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele := d.client("adele")
			const many = 70
			var all []doc
			for i := range many {
				all = append(all, doc{"Last_Name": fmt.Sprint("C", i), "Email": fmt.Sprintf("c%d@fabrikam.example", i)})
			}
			adele.insert("Contacts", all...)
			match := map[string]m365sim.Fault{
				"alone":           {Match: "POST /v1.0/me/contactFolders", Times: 1, Do: "429", RetryAfter: 1},
				"some of a batch": {Match: "part POST /me/contactFolders/*/contacts", Times: 27, Do: "429", RetryAfter: 1}, // seven of the second
				"all of a batch":  {Match: "POST /v1.0/$batch", Times: 3, Do: "429", RetryAfter: 1},
			}[what]
			if err := d.m365.AddFault(match); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			adele.switchOn("contacts")
			failing := 0.0
			d.eventually("all of them are in step", func() bool {
				l := adele.link("contacts")
				failing = max(failing, l["failing"].(float64))
				return l["synced"] == float64(many)
			})
			if items := adele.items("contacts", "surname"); len(items) != many {
				t.Errorf("%d different ones are in Outlook", len(items))
			}
			if _, page := d.as("adele").Get(adele.container("contacts") + "/contacts?$count=true&$top=1"); page["@odata.count"] != float64(many) {
				t.Errorf("%v are in Outlook", page["@odata.count"])
			}
			if failing > 0 {
				t.Errorf("%v counted as failing", failing)
			}
			if took := time.Since(began); took < time.Second {
				t.Errorf("nobody waited: it took %s", took)
			}
		})
	}
}
