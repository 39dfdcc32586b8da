package app_test

import (
	"context"
	"strings"
	"testing"
	"time"
)

// S29: a birthday of Outlook's is mapped to a date that an organization made, and both sides hold one. The later change
// counts; that sync wrote the record itself meanwhile makes the CRM's date no later. The date that gave way can be taken.
func TestS29_ABirthdayMeetsADateOfTheOrganizations(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx := context.Background()
	admin, adele := d.client("admin"), d.client("adele")
	office, page := admin.signedIn("/setup/fields/new")
	if made, err := office.Submit(ctx, page, "Save", map[string]string{"label": "My date", "type": "date"}); err != nil || made.URL.Path != "/setup/fields" {
		t.Fatal(err)
	}
	id := adele.insert("Contacts", doc{"Last_Name": "Silva", "My_date": "1980-02-29"})[0]
	adele.switchOn("contacts")
	d.eventually("it is in Outlook", func() bool { return adele.items("contacts", "surname")["Silva"] != nil })
	item := adele.items("contacts", "surname")["Silva"]["id"].(string)
	time.Sleep(1100 * time.Millisecond) // Graph tells times by the second
	adele.editInOutlook(item, doc{"birthday": "2024-02-29T11:59:00Z"})
	d.eventually("sync has written the birthday into the CRM", func() bool { return adele.get("Contacts", id)["Date_of_Birth"] == "2024-02-29" })
	adele.settled("contacts")

	browser, page := adele.signedIn("/setup/marketplace/microsoft/contacts/mapping")
	page, err := browser.Submit(ctx, page, "See what changes", map[string]string{"crm.birthday": "My_date"})
	if err == nil {
		_, err = browser.Submit(ctx, page, "Change it", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	holds := func(day string) func() bool {
		return func() bool {
			birthday, _ := adele.items("contacts", "surname")["Silva"]["birthday"].(string)
			return strings.HasPrefix(birthday, day) && adele.get("Contacts", id)["My_date"] == day
		}
	}
	d.eventually("the later one is on both sides", holds("2024-02-29"))
	adele.rest()
	if page, err = browser.Get(ctx, d.url+"/status"); err != nil || !strings.Contains(page.Text, "My date had another value in the CRM") {
		t.Fatalf("%v: the history: %s", err, page.Text)
	}
	if _, err := browser.Submit(ctx, page, "Use this one", nil); err != nil {
		t.Fatal(err)
	}
	d.eventually("the other one was taken", holds("1980-02-29"))
	if r := adele.get("Contacts", id); r["Date_of_Birth"] != "2024-02-29" {
		t.Errorf("the date of birth, which is no longer mapped, is %v", r["Date_of_Birth"])
	}
}
