package app_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tandem/internal/m365sim"
	"tandem/internal/testkit/browse"
)

// words are what pages say, in a language.
func words(t *testing.T, lang string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, file := range []string{lang, "own." + lang, "options." + lang} {
		text, err := os.ReadFile("../web/messages/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// FIELD-FAILURES 126: whatever goes wrong is said with its reason and what to do, for the sync as a whole, in both languages, and
// it is over once the cause is.
func TestFF126_EveryFaultIsSaidInWords(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx, adele := context.Background(), d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"})
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return adele.link("contacts")["synced"] == 2.0 })
	browser, _ := adele.signedIn("/setup/marketplace/microsoft")
	in := func(lang string) string {
		t.Helper()
		page, err := browser.Get(ctx, adele.url+"/setup/marketplace/microsoft")
		if err == nil {
			page, err = browser.Submit(ctx, page, map[string]string{"en": "English", "pt-BR": "Português"}[lang], nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return page.Text
	}
	for _, row := range []struct {
		name, match string
		do          m365sim.Fault
		reason      string
		again       func() // what the person does once the cause is over; nil: nothing
	}{
		{"the service is busy", "POST /v1.0/$batch", m365sim.Fail(503), "microsoft_away", nil},
		{"a full mailbox", "part GET /me/contactFolders*", m365sim.Fail(507), "mailbox_full", func() {
			adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
		}},
		{"no mailbox", "part GET /me/contactFolders*", m365sim.Fail(404).As("MailboxNotEnabledForRESTAPI"), "mailbox_unavailable", func() {
			adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
		}},
		{"no permission", "part GET /me/contactFolders*", m365sim.Fail(403), "consent_required", func() {
			adele.call("POST", "/api/v1/links", doc{"kind": "contacts"}, 201)
		}},
	} {
		d.m365.Next(row.match, row.do.Repeat(-1))
		d.wake(adele, "contacts")
		d.eventually(row.name+" is said", func() bool { return adele.link("contacts")["reason"] == row.reason })
		for _, lang := range []string{"en", "pt-BR"} {
			page, all := in(lang), words(t, lang)
			for _, part := range []string{".what", ".do"} {
				said, _ := all["reason."+row.reason+part].(string)
				if said == "" || !strings.Contains(page, said) {
					t.Errorf("%s: the card does not say %q: %s", row.name, said, page)
				}
			}
			if strings.Contains(page, row.reason) {
				t.Errorf("%s: the card shows a code: %s", row.name, page)
			}
		}
		d.m365.ClearFaults()
		if row.again != nil {
			row.again()
		}
		d.wake(adele, "contacts")
		d.eventually("after "+row.name+" it goes on", func() bool {
			l := adele.link("contacts")
			return l["state"] == "on" && l["reason"] == nil && l["synced"] == 2.0
		})
	}
	d.noMails()
}

// FIELD-FAILURES 126, 129: a contact that Outlook refuses stands aside with the reason, in Outlook's own words, while the others go
// on; it is not sent again at once, and a person has it tried when they like.
func TestFF126_FF129_ARefusedContactSaysWhyAndWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	ctx, adele := context.Background(), d.client("adele")
	adele.switchOn("contacts")
	adele.settled("contacts")
	const why = "The property has a value that nobody likes."
	d.m365.Next("part POST /me/contactFolders/*/contacts", m365sim.Fault{Do: "400", Code: "ErrorPropertyValidationFailure", Message: why}.Repeat(-1))
	id := adele.insert("Contacts", doc{"Last_Name": "Silva"})[0]
	d.eventually("it stands aside", func() bool { return adele.link("contacts")["failing"] == 1.0 })
	d.m365.ClearFaults()
	adele.insert("Contacts", doc{"Last_Name": "Souza"})
	d.eventually("the others go on", func() bool { return adele.link("contacts")["synced"] == 1.0 })
	how := adele.standing(id)
	if how["state"] != "failing" || how["reason"] != "refused" || !strings.Contains(how["detail"].(string), why) || how["retry_at"] == nil {
		t.Fatalf("it stands as %v", how)
	}
	browser, _ := adele.signedIn("/setup/marketplace/microsoft")
	says := func(path string) *browse.Page {
		t.Helper()
		page, err := browser.Get(ctx, adele.url+path)
		if err != nil {
			t.Fatal(err)
		}
		what, _ := words(t, "en")["reason.refused.what"].(string)
		if !strings.Contains(page.Text, what) || !strings.Contains(page.Text, why) {
			t.Errorf("%s does not say why: %s", path, page.Text)
		}
		return page
	}
	says("/contacts/" + id)
	says("/setup/marketplace/microsoft/contacts/records?state=failing")
	card := says("/setup/marketplace/microsoft")
	if len(adele.items("contacts", "surname")) != 1 {
		t.Error("it was sent again by itself")
	}
	if _, err := browser.Submit(ctx, card, "Retry Silva", nil); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is in Outlook", func() bool {
		return adele.items("contacts", "surname")["Silva"] != nil && adele.link("contacts")["failing"] == 0.0
	})
}
