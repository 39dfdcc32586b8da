package realdata

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// outlookOnly is what each contact that is made in Outlook has besides: properties that no default mapping takes along.
var outlookOnly = map[string]any{"nickName": "only in Outlook", "spouseName": "Rui", "yomiSurname": "どう", "imAddresses": []string{"sip:x@y.example"}}

// RunFromOutlook goes the other way: it makes every card of o.Contacts in Outlook, in the folder of somebody's sync that it
// switches on, waits until sync has brought all into the CRM, and compares what the CRM then has with the card, and what
// Outlook then has with what was written there. What the CRM refused or left there has a reason in its plan.
func RunFromOutlook(ctx context.Context, o Options) (*Report, error) {
	entries, err := ReadCards(o.Contacts)
	if err != nil {
		return nil, err
	}
	report := &Report{Entries: entries}
	folder, err := o.folder(ctx)
	if err != nil {
		return report, err
	}
	plans := report.plans("Contacts")
	made := map[string]map[string]any{} // by id, as Outlook answered
	for _, p := range plans {
		var item map[string]any
		status, err := o.Graph.call(ctx, http.MethodPost, "/me/contactFolders/"+url.PathEscape(folder)+"/contacts", outlookContact(p.Fields), &item, prefer...)
		if err != nil {
			return report, err
		}
		if p.Microsoft = str(item["id"]); status != http.StatusCreated || p.Microsoft == "" {
			p.Refused = fmt.Sprint("Outlook answers ", status, " ", item["error"])
			continue
		}
		made[p.Microsoft] = item
	}
	return report, o.compareFromOutlook(ctx, plans, made)
}

// folder switches contact sync on and gives the id of its folder: the one that is called o.Folder.
func (o Options) folder(ctx context.Context) (string, error) {
	if err := o.CRM.SwitchOn(ctx, "contacts"); err != nil {
		return "", err
	}
	if _, err := o.CRM.Settle(ctx, o.Patience, o.Tell); err != nil {
		return "", err
	}
	folders, err := o.Graph.list(ctx, "/me/contactFolders")
	if err != nil {
		return "", err
	}
	var found []string
	for _, f := range folders {
		if f["displayName"] == o.Folder {
			found = append(found, str(f["id"]))
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("realdata: %d folders in Outlook are called %q", len(found), o.Folder)
	}
	return found[0], nil
}

// compareFromOutlook waits until the CRM has as many as there are, and compares.
func (o Options) compareFromOutlook(ctx context.Context, plans []*Plan, made map[string]map[string]any) error {
	standings, err := o.arrived(ctx, len(made))
	if err != nil {
		return err
	}
	for _, p := range plans {
		at := standings[p.Microsoft]
		p.State, p.ID, p.Reason = at.State, at.Record, at.Reason
	}
	stored, err := o.CRM.Read(ctx, "Contacts", ids(plans))
	if err != nil {
		return err
	}
	items, err := o.Graph.Items(ctx, "Contacts")
	if err != nil {
		return err
	}
	for _, p := range plans {
		if p.Refused != "" {
			continue
		}
		if p.stored = stored[p.ID]; p.stored == nil {
			p.State, p.Reason = absent, strings.TrimSpace("not in the CRM "+p.Reason)
			continue
		}
		was, keys := contact(made[p.Microsoft])
		is, _ := contact(items[p.Microsoft])
		p.Diffs = append(diff("input", "crm", flat("Contacts", p.Fields), flat("Contacts", p.stored), keys), diff("written", "outlook", was, is, keys)...)
		for property, value := range outlookOnly {
			if a, b := fmt.Sprint(value), fmt.Sprint(items[p.Microsoft][property]); a != b {
				p.Diffs = append(p.Diffs, Difference{Field: property, From: "written", To: "outlook", Was: a, Is: b})
			}
		}
	}
	return nil
}

// arrived waits until so many items of Outlook are known to the link, and all is settled; by their ids.
func (o Options) arrived(ctx context.Context, n int) (map[string]standing, error) {
	deadline := time.Now().Add(o.Patience)
	for {
		links, err := o.CRM.Settle(ctx, o.Patience, o.Tell)
		if err != nil {
			return nil, err
		}
		out := map[string]standing{}
		for _, l := range links {
			if l.Kind != "contacts" {
				continue
			}
			all, err := o.CRM.Standings(ctx, l.ID)
			if err != nil {
				return nil, err
			}
			for _, at := range all {
				out[at.Microsoft] = at
			}
		}
		if len(out) >= n {
			return out, nil
		}
		if time.Now().After(deadline) {
			return out, fmt.Errorf("realdata: %d of %d contacts have come to the CRM after %v", len(out), n, o.Patience)
		}
	}
}

// outlookContact is a record as Graph takes it.
func outlookContact(fields map[string]any) map[string]any {
	text := func(field string) string { return str(fields[field]) }
	list := func(values ...string) []string {
		for len(values) > 0 && values[len(values)-1] == "" {
			values = values[:len(values)-1]
		}
		return append([]string{}, values...)
	}
	address := func(prefix string) map[string]any {
		return map[string]any{"street": text(prefix + "Street"), "city": text(prefix + "City"), "state": text(prefix + "State"),
			"postalCode": text(prefix + "Zip"), "countryOrRegion": text(prefix + "Country")}
	}
	mails := []map[string]string{}
	for _, a := range list(text("Email"), text("Secondary_Email")) {
		mails = append(mails, map[string]string{"address": a, "name": "as in Outlook"})
	}
	out := map[string]any{
		"title": text("Salutation"), "givenName": text("First_Name"), "surname": text("Last_Name"), "emailAddresses": mails,
		"jobTitle": text("Title"), "companyName": text("Account_Name"), "department": text("Department"), "assistantName": text("Assistant"),
		"businessPhones": list(text("Phone")), "homePhones": list(text("Home_Phone")), "mobilePhone": text("Mobile"),
		"personalNotes": text("Description"), "businessAddress": address("Mailing_"), "otherAddress": address("Other_"),
	}
	if day := text("Date_of_Birth"); day != "" {
		out["birthday"] = day + "T11:59:00Z"
	}
	if tags, ok := fields["Tag"].([]map[string]string); ok {
		names := []string{}
		for _, t := range tags {
			names = append(names, t["name"])
		}
		out["categories"] = names
	}
	for property, value := range outlookOnly {
		out[property] = value
	}
	return out
}
