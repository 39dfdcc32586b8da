package m365sim

import (
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
	b := newBench(t)
	me := b.want(b.do("GET", "/me"), 200)
	if me.text("userPrincipalName") != adele || me.text("displayName") != "Adele Vance" || me.at("accountEnabled") != nil || me.text("businessPhones") != "[]" {
		t.Errorf("me: %s", me.raw)
	}
	if got := b.want(b.do("GET", "/me?$select=id,accountEnabled,department"), 200); got.text("department") != "Retail" || got.at("mail") != nil {
		t.Errorf("selected: %s", got.raw)
	}
	b.want(b.do("GET", "/users/alex@contoso.example"), 200)
	b.want(b.do("GET", "/users/"+b.sim.Person("alex@contoso.example").ID), 200)
	b.want(b.do("GET", "/users/admin@fabrikam.example"), 404, "Request_ResourceNotFound")
	b.want(b.do("GET", "/users/alex@contoso.example/calendar"), 403, "ErrorAccessDenied")
	b.want(b.do("GET", "/users/nobody@contoso.example/calendar"), 404, "ResourceNotFound")

	all, last := b.pages("/users?$select=id,displayName,userType,accountEnabled&$top=200")
	if len(all) != 511 || last.text("@odata.nextLink") != "" {
		t.Errorf("%d people", len(all))
	}
	if n := len(b.do("GET", "/users").list()); n != 100 {
		t.Errorf("default page has %d", n)
	}
	b.want(b.do("GET", "/users?$top=1000"), 400)
	for query, want := range map[string]int{
		"$filter=accountEnabled eq true and userType eq 'Member'&$top=999": 509,
		"$filter=userType eq 'Guest'":                                      1,
		"$filter=startswith(displayName,'Adele')":                          1,
		"$filter=userPrincipalName eq 'ALEX@contoso.example'":              1,
	} {
		if got := len(b.want(b.do("GET", "/users?"+query), 200).list()); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	eventual := []string{"", "ConsistencyLevel", "eventual"}
	search := `/users?$search="displayName:vance" OR "mail:megan"&$count=true&$orderby=displayName`
	found := b.want(b.do("GET", search, eventual...), 200)
	if names(found.list(), "displayName") != "Adele Vance Megan Bowen" || found.text("@odata.count") != "2" {
		t.Errorf("search: %s", found.raw)
	}
	b.want(b.do("GET", search), 400, "Request_UnsupportedQuery")
	b.want(b.do("GET", "/users?$search=vance", eventual...), 400)
	b.want(b.do("GET", "/users?$filter=endswith(mail,'x')"), 400, "Request_UnsupportedQuery")
	// A header is not carried by the link.
	page := b.want(b.do("GET", `/users?$search="displayName:a"&$count=true&$top=5`, eventual...), 200)
	b.want(b.do("GET", page.text("@odata.nextLink")), 400)
	if next := b.want(b.do("GET", page.text("@odata.nextLink"), eventual...), 200); next.at("@odata.count") != nil {
		t.Error("the count comes with the first page only")
	}
	b.want(b.do("GET", "/users/delta"), 501)

	basic := b.as(b.sim.IssueToken(adele, "User.ReadBasic.All"))
	basic.want(basic.do("GET", "/users?$select=id,displayName"), 200)
	basic.want(basic.do("GET", "/users?$select=id,department"), 403, "Authorization_RequestDenied")
	own := b.as(b.sim.IssueToken(adele, "User.Read"))
	own.want(own.do("GET", "/me"), 200)
	own.want(own.do("GET", "/users"), 403, "Authorization_RequestDenied")
}

func TestRolesAndOrganization(t *testing.T) {
	b := newBench(t)
	if list := b.want(b.do("GET", "/me/transitiveMemberOf/microsoft.graph.directoryRole"), 200).list(); len(list) != 0 {
		t.Errorf("adele holds %v", list)
	}
	admin := b.as(b.sim.IssueToken("admin@contoso.example"))
	got := admin.want(admin.do("GET", "/me/transitiveMemberOf/microsoft.graph.directoryRole?$select=id,roleTemplateId,displayName"), 200)
	if got.text("value/0/roleTemplateId") != RoleGlobalAdministrator {
		t.Errorf("roles: %s", got.raw)
	}
	admin.want(admin.do("GET", "/me/memberOf"), 200)
	org := b.want(b.do("GET", "/organization"), 200)
	if org.text("value/0/id") != b.sim.Person(adele).TenantID || org.text("value/0/verifiedDomains/0/name") != "contoso.example" {
		t.Errorf("organization: %s", org.raw)
	}
	b.want(b.do("GET", "/organization/"+org.text("value/0/id")), 200)
	b.sim.EditPerson("admin@contoso.example", func(p *Person) { p.Roles = nil })
	if list := admin.do("GET", "/me/memberOf").list(); len(list) != 0 {
		t.Error("a role that was taken away stays")
	}
}

func TestMailboxless(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"nomailbox@contoso.example", "gerda_partner.example#EXT#@contoso.example"} {
		b := b.as(b.sim.IssueToken(name))
		b.want(b.do("GET", "/me/calendars"), 404, "MailboxNotEnabledForRESTAPI")
		b.want(b.do("GET", "/me"), 200)
	}
	b.sim.EditPerson(adele, func(p *Person) { p.HasMailbox = false })
	b.want(b.do("GET", "/me/contacts"), 404, "MailboxNotEnabledForRESTAPI")
	b.sim.EditPerson(adele, func(p *Person) { p.HasMailbox = true; p.UPN = "adele.new@contoso.example" })
	b.want(b.do("GET", "/me/contacts"), 200)
	b.want(b.do("GET", "/users/adele.new@contoso.example/contacts"), 200)
}

func TestScopes(t *testing.T) {
	b := newBench(t)
	for _, row := range []struct {
		scope, method, path string
		status              int
	}{
		{"Calendars.Read", "GET", "/me/calendars", 200},
		{"Calendars.Read", "POST", "/me/events", 403},
		{"Contacts.ReadWrite", "GET", "/me/calendars", 403},
		{"Contacts.Read", "GET", "/me/contacts", 200},
		{"Calendars.ReadWrite", "GET", "/me/contacts", 403},
		{"Calendars.ReadWrite", "GET", "/me/mailboxSettings", 403},
		{"MailboxSettings.Read", "GET", "/me/mailboxSettings", 200},
		{"MailboxSettings.Read", "POST", "/me/outlook/masterCategories", 403},
	} {
		b := b.as(b.sim.IssueToken(adele, row.scope))
		if a := b.do(row.method, row.path); a.status != row.status {
			t.Errorf("%s with %s: %d, want %d", row.path, row.scope, a.status, row.status)
		}
	}
	nobody := b.as("nonsense")
	nobody.want(nobody.do("GET", "/me"), 401, "InvalidAuthenticationToken")
}

func TestSettings(t *testing.T) {
	b := newBench(t)
	settings := b.want(b.do("GET", "/me/mailboxSettings"), 200)
	if settings.text("timeZone") != saoPaulo || settings.text("language/locale") != "pt-BR" || settings.text("workingHours/timeZone/name") != saoPaulo {
		t.Errorf("settings: %s", settings.raw)
	}
	b.want(b.do("GET", "/me/mailboxSettings?$select=timeZone"), 200)
	made := b.want(b.do("POST", "/me/outlook/masterCategories", `{"displayName":"CRM","color":"preset5"}`), 201)
	if made.text("color") != "preset5" {
		t.Errorf("made: %s", made.raw)
	}
	b.want(b.do("POST", "/me/outlook/masterCategories", `{"displayName":"crm"}`), 409)
	if n := len(b.want(b.do("GET", "/me/outlook/masterCategories"), 200).list()); n != 7 {
		t.Errorf("%d categories", n)
	}
	if n := len(b.want(b.do("GET", "/me/outlook/supportedTimeZones"), 200).list()); n != len(ianaOfWindows) {
		t.Errorf("%d zones", n)
	}
	iana := b.want(b.outside().do("GET", "/me/outlook/supportedTimeZones(TimeZoneStandard='Iana')"), 200)
	if !strings.Contains(string(iana.raw), "America/Sao_Paulo") {
		t.Error("no IANA names")
	}
	b.want(b.outside().do("GET", "/me/outlook/tasks"), 501)
}

func TestPeopleAreTheSameEachTime(t *testing.T) {
	one, two := New(Options{}), New(Options{Seed: 9})
	defer one.Close()
	defer two.Close()
	a, b := one.Tenants()[0].People(), two.Tenants()[0].People()
	if len(a) != len(b) || len(a) != 511 {
		t.Fatalf("%d and %d people", len(a), len(b))
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].UPN != b[i].UPN {
			t.Fatalf("%s %s, then %s %s", a[i].UPN, a[i].ID, b[i].UPN, b[i].ID)
		}
	}
}
