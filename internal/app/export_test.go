package app_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tandem/internal/intake"
	"tandem/internal/record"
)

// exports downloads a file of all that a person has of a kind, as the form does.
func (c *client) exports(kind record.Kind, format string) string {
	c.t.Helper()
	browser, page := c.signedIn("/export?kind=" + string(kind))
	form := url.Values{"query": {"owner=mine&kind=" + string(kind)}, "format": {format}}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/export", strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, cookie := range browser.Cookies(page.URL) {
		req.AddCookie(cookie)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%d, %v: %.300s", resp.StatusCode, err, raw)
	}
	return string(raw)
}

// TestExport_WhatIsBroughtBackIsDoubledNowhere: the files of a person whose sync is on, brought back, change neither the CRM nor
// Outlook, and mail nobody, whether what is there already is skipped or updated.
func TestExport_WhatIsBroughtBackIsDoubledNowhere(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva", "Mobile": "+55 11 91234-5678"}, doc{"Last_Name": "Souza", "Email": "souza@example.com", "Tag": []doc{{"name": "vip, sp"}}})
	adele.switchOn("contacts")
	d.invited(adele)
	adele.insert("Events", doc{"Event_Title": "Rodada", "Start_DateTime": "2026-12-02T09:00:00-03:00", "End_DateTime": "2026-12-02T10:00:00-03:00",
		"Recurring_Activity": doc{"RRULE": "FREQ=WEEKLY;COUNT=5", "EXDATE": "2026-12-16"}})
	adele.inStep(2)
	before := d.mails
	for _, each := range []struct {
		kind         record.Kind
		format, name string
	}{{record.Contacts, "csv", "c.csv"}, {record.Contacts, "vcard3", "c.vcf"}, {record.Contacts, "vcard4", "c.vcf"}, {record.Calendar, "ics", "e.ics"}, {record.Calendar, "csv", "e.csv"}} {
		file := adele.exports(each.kind, each.format)
		for _, how := range []intake.Duplicates{intake.Skip, intake.Update} {
			u := adele.user()
			i, err := d.app.Imports.Receive(t.Context(), u.Org, u.ID, each.kind, each.name, "America/Sao_Paulo", true, strings.NewReader(file), nil)
			if err != nil {
				t.Fatalf("%s: %v\n%s", each.format, err, file)
			}
			i.Settings.Duplicates = how
			if err := d.app.Imports.Begin(t.Context(), i); err != nil {
				t.Fatal(err)
			}
			d.eventually("the file is read", func() bool { return adele.broughtSoFar(i.ID).State == intake.Done })
			if c := adele.broughtSoFar(i.ID).Counts; c.Created+c.Failed > 0 || c.Skipped+c.Same+c.Updated != 2 {
				t.Errorf("%s %s, %s: %+v\n%s", each.kind, each.format, how, c, file)
			}
		}
	}
	adele.settled("contacts")
	adele.inStep(2)
	if n := len(adele.items("contacts", "surname")); n != 2 {
		t.Errorf("Outlook has %d contacts", n)
	}
	if len(d.m365.Mails()) != before || len(answers(adele.items("calendar", "subject")["Visita"])) != 2 {
		t.Error("somebody was mailed")
	}
	d.noMails()
}
