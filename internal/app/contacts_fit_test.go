package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// standing is how a contact's link says that it stands; nil: it does not know of it.
func (c *client) standing(id string) doc {
	c.t.Helper()
	for _, state := range []string{"synced", "waiting", "failing", "excluded"} {
		var records []doc
		if err := json.Unmarshal([]byte(c.text("GET", "/api/v1/links/"+c.link("contacts")["id"].(string)+"/records?state="+state, nil, 200)), &records); err != nil {
			c.t.Fatal(err)
		}
		for _, r := range records {
			if r["record"] == id {
				return r
			}
		}
	}
	return nil
}

// inOutlook makes a contact in the dedicated folder, as a person does, and returns its id.
func (c *client) inOutlook(contact doc) string {
	c.t.Helper()
	status, made := c.as(c.name).Prefer(`IdType="ImmutableId"`).Post(c.container("contacts")+"/contacts", contact)
	if status != 201 {
		c.t.Fatal(status, made)
	}
	return made["id"].(string)
}

// editInOutlook changes a contact there.
func (c *client) editInOutlook(id string, change doc) {
	c.t.Helper()
	if status, told := c.as(c.name).Prefer(`IdType="ImmutableId"`).Patch("/me/contacts/"+id, change); status != 200 {
		c.t.Fatal(status, told)
	}
}

func (c *client) edit(id string, change doc) {
	c.t.Helper()
	c.call("PUT", "/crm/v8/Contacts/"+id, doc{"data": []doc{change}}, 200)
}

// rest lets the link run twice more and fails the test if that writes anything on either side: all is in step.
func (c *client) rest() {
	c.t.Helper()
	c.restOf("contacts")
}

// restOf is rest of a kind.
func (c *client) restOf(kind string) {
	c.t.Helper()
	number, err := strconv.ParseInt(c.link(kind)["id"].(string), 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	served := func() bool {
		l, err := c.app.Store.Links().Link(context.Background(), c.user().Org, reconcile.LinkID(number))
		return err == nil && l.Done >= l.Wanted
	}
	ran := func() {
		c.eventually("it ran", func() bool {
			return served() && c.m365.Undelivered() == 0 && served() // what was just delivered wakes it
		})
	}
	both := func() string {
		out := c.text("GET", "/api/v1/links/"+c.link(kind)["id"].(string)+"/history?per_page=1", nil, 200) // each write is a line
		items := c.items(kind, "id")
		for _, id := range slices.Sorted(maps.Keys(items)) {
			out += fmt.Sprint("\n", id, items[id]["changeKey"])
		}
		return out
	}
	ran()
	before := both()
	for range 2 {
		c.wake(c, kind)
		ran()
	}
	if after := both(); after != before {
		c.t.Errorf("a run without edits wrote:\n%s\n%s", before, after)
	}
}

// FIELD-FAILURES 110: Outlook has three addresses, two telephone numbers of a kind at work and at home, and a mobile one.
// What is mapped crosses by its place, what is not stays as it is on either side, and nothing of it is an error.
func TestFF110_ThreeAddressesAndTwoTelephonesOfAKind(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.inOutlook(doc{"givenName": "Ana", "surname": "Lima",
		"emailAddresses": []doc{{"name": "Ana", "address": "a@x.example"}, {"name": "Ana Lima", "address": "b@x.example"}, {"name": "Third", "address": "c@x.example"}},
		"businessPhones": []string{"+55 11 3333-0001", "+55 11 3333-0002"}, "homePhones": []string{"+55 11 2222-0001", "+55 11 2222-0002"},
		"mobilePhone": "+55 11 91111-0001", "imAddresses": []string{"sip:ana"}, "spouseName": "Rui", "nickName": "Aninha"})
	d.eventually("it is in the CRM", func() bool { return adele.list("Contacts", "Last_Name")["Lima"] != nil })
	id := adele.list("Contacts", "Last_Name")["Lima"]["id"].(string)
	got := adele.get("Contacts", id)
	for field, want := range map[string]any{"Email": "a@x.example", "Secondary_Email": "b@x.example", "Phone": "+55 11 3333-0001",
		"Home_Phone": "+55 11 2222-0001", "Mobile": "+55 11 91111-0001", "Other_Phone": nil} {
		if got[field] != want {
			t.Errorf("%s = %v, want %v", field, got[field], want)
		}
	}
	now := func() doc { return adele.items("contacts", "surname")["Lima"] }
	list := func(property string) string {
		raw, _ := json.Marshal(now()[property])
		return string(raw)
	}
	adele.edit(id, doc{"Phone": "+55 11 3333-9999", "Home_Phone": nil, "Email": "new@x.example", "Other_Phone": "+55 11 4444-0001", "Fax": "12"})
	d.eventually("the edit is in Outlook", func() bool { return strings.Contains(list("businessPhones"), "9999") })
	for property, want := range map[string]string{
		"businessPhones": `["+55 11 3333-9999","+55 11 3333-0002"]`, "homePhones": `["","+55 11 2222-0002"]`,
		"mobilePhone": `"+55 11 91111-0001"`, "imAddresses": `["sip:ana"]`, "spouseName": `"Rui"`, "nickName": `"Aninha"`,
	} {
		if list(property) != want {
			t.Errorf("%s = %s, want %s", property, list(property), want)
		}
	}
	if mails := list("emailAddresses"); !strings.Contains(mails, "new@x.example") || !strings.Contains(mails, `"address":"c@x.example","name":"Third"`) || strings.Contains(mails, "a@x.example") {
		t.Errorf("addresses %s", mails)
	}

	// All places mapped: each has its own field.
	number, _ := strconv.ParseInt(adele.link("contacts")["id"].(string), 10, 64)
	table := mapping.Table{Kind: record.Contacts, Rows: append(slices.Clone(mapping.Default(record.Contacts).Rows),
		mapping.Row{Microsoft: "businessPhones[1]", CRM: record.OtherPhone}, mapping.Row{Microsoft: "homePhones[1]", CRM: record.AsstPhone},
		mapping.Row{Microsoft: "emailAddresses[2]", CRM: record.SkypeID})}
	if err := d.app.Store.Links().ChangeSettings(t.Context(), adele.user().Org, reconcile.LinkID(number), reconcile.Policy{}, &table); err != nil {
		t.Fatal(err)
	}
	d.eventually("every place is in step", func() bool {
		got := adele.get("Contacts", id)
		return got["Asst_Phone"] == "+55 11 2222-0002" && got["Skype_ID"] == "c@x.example"
	})
	d.eventually("what the third one is called counts no longer", func() bool { return adele.standing(id)["state"] == "synced" })
	adele.edit(id, doc{"Asst_Phone": nil, "Skype_ID": "no address"})
	d.eventually("the second home number is gone", func() bool { return !strings.Contains(list("homePhones"), "0002") })
	d.eventually("what is no address is said", func() bool { s := adele.standing(id); return s["reason"] == "bad_value" && s["detail"] == "Skype_ID" })
	if adele.link("contacts")["failing"] != 0.0 || adele.get("Contacts", id)["Skype_ID"] != "no address" || !strings.Contains(list("emailAddresses"), "c@x.example") {
		t.Errorf("%v, addresses %s", adele.standing(id), list("emailAddresses"))
	}
	d.noMails()
}

// FIELD-FAILURES 113: an address that Exchange would drop stays in the CRM, the record says why, and the rest of the contact
// is in step, from its first day on and whatever else is edited. Mended, it goes.
func TestFF113_AMalformedAddressStaysInTheCRM(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	const odd = `"ana,lima"@x.example` // which the CRM takes
	id := adele.insert("Contacts", doc{"Last_Name": "Lima", "Email": odd, "Title": "CEO"})[0]
	adele.switchOn("contacts")
	now := func() doc { return adele.items("contacts", "surname")["Lima"] }
	d.eventually("the rest is in Outlook", func() bool { return now()["jobTitle"] == "CEO" })
	d.eventually("the record says why", func() bool {
		s := adele.standing(id)
		return s["state"] == "synced" && s["reason"] == "bad_value" && s["detail"] == "Email"
	})
	if _, page := adele.signedIn("/contacts/" + id); !strings.Contains(page.Text, "form that its field needs") && !strings.Contains(page.Text, "a forma que o campo pede") {
		t.Error("the record's page does not say why")
	}
	adele.edit(id, doc{"Title": "CTO"})
	d.eventually("the title", func() bool { return now()["jobTitle"] == "CTO" })
	adele.editInOutlook(now()["id"].(string), doc{"department": "Vendas"})
	d.eventually("the department", func() bool { return adele.get("Contacts", id)["Department"] == "Vendas" })
	if got := adele.get("Contacts", id)["Email"]; got != odd || len(now()["emailAddresses"].([]any)) != 0 || adele.standing(id)["reason"] != "bad_value" {
		t.Errorf("the CRM has %v, Outlook %v, the record says %v", got, now()["emailAddresses"], adele.standing(id))
	}
	adele.rest()
	adele.edit(id, doc{"Email": "ana@x.example"})
	d.eventually("the address that was mended is in Outlook", func() bool { return strings.Contains(fmt.Sprint(now()["emailAddresses"]), "ana@x.example") })
	d.eventually("nothing is left to say", func() bool { s := adele.standing(id); return s["state"] == "synced" && s["reason"] == nil })

	// Deleting such a contact is a deletion.
	adele.edit(id, doc{"Email": odd})
	d.eventually("it is said again", func() bool { return adele.standing(id)["reason"] == "bad_value" })
	d.as("adele").Delete("/me/contacts/" + now()["id"].(string))
	d.eventually("it is gone from the CRM", func() bool { return len(adele.list("Contacts", "id")) == 0 })
	adele.settled("contacts")
	if len(adele.items("contacts", "id")) != 0 {
		t.Error("it came back")
	}
	d.noMails()
}

// What Outlook has and the CRM has no room for stays in Outlook, and the rest crosses; the folder is not removed with it.
func TestS29_AStreetThatIsTooLongStaysInOutlook(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	fits, long := strings.Repeat("Rua São João, ", 17)+"123456789012", strings.Repeat("é", 300)
	adele.inOutlook(doc{"surname": "Fits", "businessAddress": doc{"street": fits, "city": "São Paulo"}})
	adele.inOutlook(doc{"surname": "Long", "businessAddress": doc{"street": long, "city": "Rio"}})
	d.eventually("both are in the CRM", func() bool { return len(adele.list("Contacts", "id")) == 2 })
	all := adele.list("Contacts", "Last_Name")
	if got := adele.get("Contacts", all["Fits"]["id"].(string)); got["Mailing_Street"] != fits {
		t.Errorf("a street of %d letters came as %v", len([]rune(fits)), got["Mailing_Street"])
	}
	id := all["Long"]["id"].(string)
	d.eventually("the record says why", func() bool { s := adele.standing(id); return s["reason"] == "too_long" && s["state"] == "synced" })
	if got := adele.get("Contacts", id); got["Mailing_Street"] != nil || got["Mailing_City"] != "Rio" {
		t.Errorf("it came as %v", got)
	}
	adele.edit(id, doc{"Mailing_City": "Niterói"})
	address := func() doc { return adele.items("contacts", "surname")["Long"]["businessAddress"].(doc) }
	d.eventually("the city", func() bool { return address()["city"] == "Niterói" })
	if address()["street"] != long {
		t.Errorf("the street is %v", address()["street"])
	}
	adele.rest()
	adele.call("DELETE", "/api/v1/links/"+adele.link("contacts")["id"].(string), nil, 204)
	d.eventually("it is off", func() bool { return adele.link("contacts") == nil })
	if adele.container("contacts") == "" {
		t.Error("the folder went with a street that only it had")
	}
	if len(adele.list("Contacts", "id")) != 2 {
		t.Error("the CRM is not whole")
	}
}

// FIELD-FAILURES 64, 114: what is cleared on one side is cleared on the other, each field by itself, and nothing else is.
func TestFF114_ClearedOnOneSideIsClearedOnTheOther(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	full := doc{"Salutation": "Dr.", "First_Name": "Ana", "Last_Name": "Lima", "Email": "a@x.example", "Secondary_Email": "b@x.example", "Title": "CEO",
		"Account_Name": "ACME", "Department": "Vendas", "Phone": "1", "Home_Phone": "2", "Mobile": "3", "Assistant": "Rui", "Date_of_Birth": "1984-02-29",
		"Mailing_Street": "Rua 1", "Mailing_City": "SP", "Mailing_State": "SP", "Mailing_Zip": "01000", "Mailing_Country": "Brasil",
		"Other_Street": "Rua 2", "Other_City": "Rio", "Other_State": "RJ", "Other_Zip": "20000", "Other_Country": "Brasil",
		"Description": "Nota", "Tag": []doc{{"name": "VIP"}}}
	one := doc{}
	for f, v := range full {
		one[f] = v
	}
	one["Last_Name"] = "Souza"
	ids := adele.insert("Contacts", full, one)
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	blank := func(property, name string) bool {
		v := adele.items("contacts", "surname")[name][property]
		return v == nil || v == "" || len(fmt.Sprint(v)) <= len("map[]")
	}
	cleared := doc{"Title": nil, "Department": nil, "Mobile": nil, "Assistant": nil, "Date_of_Birth": nil, "Description": nil, "Tag": []doc{},
		"Phone": nil, "Email": nil, "Mailing_Street": nil, "First_Name": nil}
	adele.edit(ids[0], cleared)
	d.eventually("it is cleared in Outlook", func() bool {
		for _, property := range []string{"jobTitle", "department", "mobilePhone", "assistantName", "birthday", "personalNotes", "categories", "businessPhones", "givenName"} {
			if !blank(property, "Lima") {
				return false
			}
		}
		item := adele.items("contacts", "surname")["Lima"]
		return item["businessAddress"].(doc)["street"] == nil && !strings.Contains(fmt.Sprint(item["emailAddresses"]), "a@x.example")
	})
	if item := adele.items("contacts", "surname")["Lima"]; item["businessAddress"].(doc)["city"] != "SP" || item["companyName"] != "ACME" ||
		!strings.Contains(fmt.Sprint(item["emailAddresses"]), "b@x.example") || fmt.Sprint(item["homePhones"]) != "[2]" {
		t.Errorf("more was cleared than that: %v", item)
	}

	adele.editInOutlook(adele.items("contacts", "surname")["Souza"]["id"].(string), doc{"jobTitle": "", "department": nil, "mobilePhone": "", "birthday": nil,
		"personalNotes": "", "categories": []string{}, "businessPhones": []string{}, "emailAddresses": []doc{}, "businessAddress": nil, "givenName": ""})
	d.eventually("it is cleared in the CRM", func() bool {
		got := adele.get("Contacts", ids[1])
		for _, f := range []string{"Title", "Department", "Mobile", "Date_of_Birth", "Description", "Phone", "Email", "Secondary_Email", "Mailing_Street", "Mailing_City", "First_Name"} {
			if got[f] != nil {
				return false
			}
		}
		return fmt.Sprint(got["Tag"]) == "[]"
	})
	if got := adele.get("Contacts", ids[1]); got["Assistant"] != "Rui" || got["Home_Phone"] != "2" || got["Other_City"] != "Rio" || got["Account_Name"].(doc)["name"] != "ACME" {
		t.Errorf("more was cleared than that: %v", got)
	}
	adele.rest()
	d.noMails()
}

// FIELD-FAILURES 112: a birthday is the same day wherever people and mailboxes are, edited on either side ten times over.
func TestFF112_BirthdaysRoundTheWorld(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for i, zone := range []string{"UTC-11", "UTC", "Line Islands Standard Time"} {
		name := []string{"adele", "alex", "admin"}[i]
		d.m365.EditPerson(name+"@contoso.example", func(p *m365sim.Person) { p.TimeZone = zone })
		who := d.client(name)
		id := who.insert("Contacts", doc{"Last_Name": "Leap", "Date_of_Birth": "1984-02-29"})[0]
		who.switchOn("contacts")
		inOutlook := func() string {
			b, _ := who.items("contacts", "surname")["Leap"]["birthday"].(string)
			day, _, _ := strings.Cut(b, "T")
			return day
		}
		day := time.Date(1984, 2, 29, 0, 0, 0, 0, time.UTC)
		d.eventually("the birthday is in Outlook", func() bool { return inOutlook() == "1984-02-29" })
		for round := range 10 {
			day = day.AddDate(1, 0, 31*(round%2))
			text := day.Format(time.DateOnly)
			if round > 7 { // of no year
				text = []string{"1604-02-29", "1604-12-31"}[round-8]
			}
			if round%2 == 0 {
				who.edit(id, doc{"Date_of_Birth": text})
			} else {
				hour := []string{"T00:00:00Z", "T23:59:59Z", "T11:59:00Z"}[round/2%3]
				who.editInOutlook(who.items("contacts", "surname")["Leap"]["id"].(string), doc{"birthday": text + hour})
			}
			d.eventually(fmt.Sprintf("%s: round %d brings %s to both", zone, round, text), func() bool {
				return inOutlook() == text && who.get("Contacts", id)["Date_of_Birth"] == text
			})
		}
		who.rest()
	}
	d.noMails()
}

// Whatever people are called, they arrive, and a second run has nothing to write.
func TestS29_WhateverPeopleAreCalled(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	names := []struct{ first, last string }{
		{"", "Madonna"}, {"José", "Muñoz"}, {"Jose\u0301", "Decomposed"}, {"Мария", "Иванова"}, {"محمد", "العربي"}, {"דוד", "כהן"}, {"小明", "王"},
		{"さくら", "鈴木"}, {"민준", "김"}, {"अमित", "शर्मा"}, {"สมชาย", "ใจดี"}, {"👩‍👩‍👧‍👦", "Emoji 🇧🇷"}, {"\u200fRTL", "mark\u200e"}, {"O'Brien <b>", `"Q" & \ %s`}, {"=1+1", "{{x}}"},
	}
	var made []doc
	for _, n := range names {
		made = append(made, doc{"First_Name": n.first, "Last_Name": n.last, "Description": "línea 1\nlinha 2\t" + n.first})
	}
	adele.insert("Contacts", made...)
	adele.switchOn("contacts")
	d.eventually("all are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == len(names) })
	items := adele.items("contacts", "surname")
	for _, n := range names {
		item := items[n.last]
		if given, _ := item["givenName"].(string); item == nil || given != n.first {
			t.Errorf("%q %q came as %v", n.first, n.last, item)
		}
	}
	for i, n := range names {
		adele.inOutlook(doc{"givenName": n.first, "surname": "O" + n.last, "jobTitle": fmt.Sprint(i), "personalNotes": "a\r\nb\u0001\u000b" + n.last})
	}
	adele.inOutlook(doc{"companyName": "Padaria São João Ltda"})
	adele.inOutlook(doc{"givenName": "Cher"})
	adele.inOutlook(doc{"emailAddresses": []doc{{"address": "only@x.example"}}})
	adele.inOutlook(doc{"surname": "Tab\tand\nline  two", "jobTitle": "  blanks  "})
	total := 2*len(names) + 4
	d.eventually("all are in the CRM", func() bool { return adele.link("contacts")["synced"] == float64(total) })
	crm := adele.list("Contacts", "Last_Name")
	for _, n := range names {
		if crm["O"+n.last] == nil {
			t.Errorf("%q is not in the CRM", "O"+n.last)
		}
	}
	for _, alone := range []string{"Padaria São João Ltda", "Cher", "only@x.example"} {
		if crm[alone] == nil {
			t.Errorf("%q is not in the CRM", alone)
		}
	}
	if n := adele.link("contacts")["failing"]; n != 0.0 {
		t.Errorf("%v failing", n)
	}
	adele.rest()
	d.noMails()
}

// Categories and tags are each other's, whatever their order; a change of letter case is a change, and removal is removal.
func TestS29_CategoriesAreTags(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	id := adele.insert("Contacts", doc{"Last_Name": "Lima", "Tag": []doc{{"name": "vip"}, {"name": "Amigo"}}})[0]
	adele.switchOn("contacts")
	categories := func() string {
		raw, _ := json.Marshal(adele.items("contacts", "surname")["Lima"]["categories"])
		return string(raw)
	}
	tags := func() string {
		var names []string
		for _, tag := range adele.get("Contacts", id)["Tag"].([]any) {
			names = append(names, tag.(doc)["name"].(string))
		}
		return strings.Join(names, ",")
	}
	d.eventually("the tags are categories", func() bool { return categories() == `["Amigo","vip"]` })
	item := adele.items("contacts", "surname")["Lima"]["id"].(string)
	adele.editInOutlook(item, doc{"categories": []string{"vip", "Amigo"}}) // another order is no edit
	adele.settled("contacts")
	adele.editInOutlook(item, doc{"categories": []string{"zebra", "VIP", "Amigo"}})
	d.eventually("added, and in other letters", func() bool { return tags() == "Amigo,VIP,zebra" })
	adele.edit(id, doc{"Tag": []doc{{"name": "zebra"}}})
	d.eventually("two are taken away", func() bool { return categories() == `["zebra"]` })
	adele.editInOutlook(item, doc{"categories": []string{}})
	d.eventually("and the last", func() bool { return tags() == "" })
	adele.rest()
}

// FIELD-FAILURES 53 (S35): a folder that cannot be reached is not one that was deleted: the sync waits or says what is wrong,
// and goes on where it was.
func TestFF53_AFolderOutOfReachIsNotDeleted(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Contacts", doc{"Last_Name": "Silva"}, doc{"Last_Name": "Souza"})
	adele.switchOn("contacts")
	d.eventually("both are in Outlook", func() bool { return len(adele.items("contacts", "surname")) == 2 })
	link := adele.link("contacts")["id"].(string)
	for _, row := range []struct {
		name  string
		match string
		do    m365sim.Fault
		says  []string
	}{
		{"a passing 404", "part GET /me/contactFolders/*", m365sim.Fail(404), []string{"microsoft_away"}},
		{"the service is away", "POST /v1.0/$batch", m365sim.Fail(503), []string{"microsoft_away"}},
		{"the mailbox is away", "part GET /me/contactFolders*", m365sim.Fail(404).As("MailboxNotEnabledForRESTAPI"), []string{"mailbox_unavailable"}},
		{"the permission is missing", "part GET /me/contactFolders*", m365sim.Fail(403), []string{"consent_required", "reconnect_needed"}},
	} {
		d.m365.Next(row.match, row.do.Repeat(-1))
		adele.wake(adele, "contacts")
		d.eventually(row.name+" is said", func() bool {
			l := adele.link("contacts")
			reason, _ := l["reason"].(string)
			return slices.Contains(row.says, reason)
		})
		d.m365.ClearFaults()
		if l := adele.link("contacts"); l["id"] != link || l["reason"] == string(fault.ContainerDeleted) {
			t.Fatalf("%s: the link is %v", row.name, l)
		}
		if len(adele.list("Contacts", "id")) != 2 || len(adele.items("contacts", "id")) != 2 {
			t.Fatalf("%s deleted something", row.name)
		}
		if l := adele.link("contacts"); l["state"] == "paused" {
			number, _ := strconv.ParseInt(link, 10, 64)
			if err := d.app.Store.Links().ChangeState(t.Context(), adele.user().Org, reconcile.LinkID(number), []reconcile.LinkState{reconcile.Paused}, reconcile.On, ""); err != nil {
				t.Fatal(err)
			}
		}
		adele.wake(adele, "contacts")
		d.eventually("after "+row.name+" it goes on", func() bool {
			l := adele.link("contacts")
			return l["state"] == "on" && l["reason"] == nil && l["synced"] == 2.0
		})
	}
	d.noMails()
}

// S29: apps that know of one name only give a contact nothing but what lists show. So it is called in the CRM, and stays called in
// Outlook, whatever else of it is changed in the CRM.
func TestS29_AContactThatHasOnlyWhatListsShow(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.switchOn("contacts")
	adele.settled("contacts")
	for _, more := range []doc{{}, {"mobilePhone": "11 98765-4321"}, {"companyName": "Fábrica"}, {"emailAddresses": []doc{{"address": "rita@fabrica.example"}}}} {
		contact := doc{"displayName": "Rita da Fábrica"}
		for property, value := range more {
			contact[property] = value
		}
		item := adele.inOutlook(contact)
		var id string
		d.eventually(fmt.Sprint("it is in the CRM: ", more), func() bool {
			r := adele.list("Contacts", "Last_Name")["Rita da Fábrica"]
			if r != nil {
				id = r["id"].(string)
			}
			return r != nil
		})
		adele.edit(id, doc{"Email": "nova@fabrica.example", "Account_Name": doc{"name": "Outra"}, "Title": "CEO"})
		told := func() doc {
			_, it := d.as("adele").Prefer(`IdType="ImmutableId"`).Get("/me/contacts/" + item)
			return it
		}
		d.eventually("what is changed in the CRM is in Outlook", func() bool { return told()["jobTitle"] == "CEO" })
		adele.rest()
		if it := told(); it["displayName"] != "Rita da Fábrica" || it["surname"] != nil && it["surname"] != "" {
			t.Errorf("%v: Outlook calls it %v, family name %v", more, it["displayName"], it["surname"])
		}
		// With a name of its own, it is called that.
		adele.edit(id, doc{"First_Name": "Rita", "Last_Name": "Lobo"})
		d.eventually("Outlook has the name", func() bool { it := told(); return it["surname"] == "Lobo" && it["displayName"] == "Rita Lobo" })
		adele.rest()
		adele.call("DELETE", "/crm/v8/Contacts/"+id, nil, 200)
	}
}
