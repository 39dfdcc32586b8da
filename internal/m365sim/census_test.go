package m365sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestS8_ADirectoryOfAHundredThousandIsPagedAndSearched: pages are complete and without repetition, and a search by
// beginning looks at whom it finds and not at everybody.
func TestS8_ADirectoryOfAHundredThousandIsPagedAndSearched(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out the directory of 100,000 people: `make test` runs it")
	}
	b := newBench(t)
	b.spec = nil // judged with few people elsewhere: it would read 100 MB of JSON here
	if n := b.sim.Crowd("contoso.example", 100_000); n != 100_511 {
		t.Fatalf("%d people", n)
	}
	seen := map[any]bool{}
	all, last := b.pages("/users?$select=id&$top=999")
	for _, one := range all {
		seen[one["id"]] = true
	}
	if len(all) != 100_511 || len(seen) != 100_511 || last.text("@odata.nextLink") != "" {
		t.Errorf("%d people on all pages, %d of them different", len(all), len(seen))
	}
	census := b.sim.Tenant("contoso.example").census()
	filter, err := parseFilter("startswith(displayName,'Ximena Q') or startswith(mail,'person0') and accountEnabled eq true", func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	places, ok := census.candidates(filter)
	if !ok || len(places) > 400 {
		t.Errorf("looks at %d people", len(places))
	}
	found, _ := b.pages("/users?$filter=startswith(displayName,'Ximena Q')&$select=displayName&$top=50")
	want := 0
	for _, p := range b.sim.Tenant("contoso.example").People() {
		if strings.HasPrefix(p.DisplayName, "Ximena Q") {
			want++
		}
	}
	if len(found) != want || want < 200 {
		t.Errorf("found %d of %d", len(found), want)
	}
	// Who was added can sign in and has a mailbox.
	late := b.as(b.sim.IssueToken("person100000@contoso.example"))
	late.want(late.do("GET", "/me/calendars"), 200)
	// The page to sign in shows the well-known people first and counts the rest, instead of comparing everybody with all.
	if shown, more := b.sim.toPickFrom(audience{}, "", []*Person{b.sim.Person(adele)}); len(shown) != signInShown || shown[0].UPN != adele || more < 100_000 {
		t.Errorf("%d people to choose from, %d more", len(shown), more)
	}
	b.sim.Reset(false)
	if n := len(b.sim.Tenant("contoso.example").People()); n != 511 {
		t.Errorf("after a reset %d people are left", n)
	}
}

// TestCensusFindsWhatAScanFinds holds the index against a look at everybody.
func TestCensusFindsWhatAScanFinds(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	defer s.Close()
	s.Crowd("contoso.example", 700)
	s.EditPerson("adele@contoso.example", func(p *Person) { p.DisplayName, p.Surname = "adele vance-o'brien", "vance-o'brien" })
	n := s.Tenant("contoso.example").census()
	for _, text := range []string{
		"startswith(displayName,'Ana')", "startswith(displayName,'ÚRS')", "startswith(surname,'almeida b')", "startswith(mail,'')",
		"startswith(userPrincipalName,'person01') or startswith(givenName,'Jo')",
		"startswith(givenName,'Ana') and startswith(surname,'C') and accountEnabled eq true",
		"userPrincipalName eq 'ALEX@contoso.example'", "mail eq null", "not startswith(displayName,'A')",
		"startswith(displayName,'Z') or department eq 'Finance'", "startswith(displayName,'Ana') and not startswith(surname,'A')",
		"givenName ne 'Ana'", "displayName ge 'Y'",
	} {
		filter, err := parseFilter(text, func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		places, ok := n.candidates(filter)
		if !ok {
			places = n.all()
		}
		var got, want []string
		for _, at := range places {
			if filter.holds(n.people[at].lookup) {
				got = append(got, n.people[at].UPN)
			}
		}
		for _, p := range n.people {
			if filter.holds(p.lookup) {
				want = append(want, p.UPN)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d by the index, %d by a scan", text, len(got), len(want))
		}
	}
	for query, want := range map[string]string{
		`"displayName:o'b"`:                                  "adele@contoso.example",
		`"displayName:brien"`:                                "adele@contoso.example",
		`"surname:vance-o'b" AND "givenName:ade"`:            "adele@contoso.example",
		`"displayName:dele"`:                                 "",
		`"mail:alex" OR "displayName:wilber"`:                "alex@contoso.example",
		`"mail:alex" OR "mail:megan" AND "displayName:bowe"`: "megan@contoso.example",
	} {
		places, err := n.search(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var got []string
		for _, at := range places {
			got = append(got, n.people[at].UPN)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s found %v, want %q", query, got, want)
		}
	}
}

func TestPagesOfPeopleInAnotherOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	headers := []string{"", "ConsistencyLevel", "eventual"}
	for _, order := range []string{"displayName", "displayName desc", "mail desc"} {
		var all []map[string]any
		next := "/users?$select=displayName,mail&$count=true&$top=100&$filter=startswith(displayName,'A') or startswith(displayName,'J')&$orderby=" + order
		for next != "" {
			page := b.want(b.do("GET", next, headers...), 200)
			all = append(all, page.list()...)
			next = page.text("@odata.nextLink")
		}
		name, desc, _ := strings.Cut(order, " ")
		var values []string
		for _, one := range all {
			values = append(values, strings.ToLower(fmt.Sprint(one[name])))
		}
		sorted := slices.Sorted(slices.Values(values))
		if desc != "" {
			slices.Reverse(sorted)
		}
		if len(values) < 40 || !slices.Equal(values, sorted) {
			t.Errorf("%s: %d people, not in order", order, len(values))
		}
	}
}

// TestS3_NorthwindWaitsForItsInstallation: one who may install, two whose roles do not suffice, and others.
func TestS3_NorthwindWaitsForItsInstallation(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	defer s.Close()
	northwind := s.Tenant("northwind.example")
	if northwind == nil || northwind.Name != "Northwind Traders" || len(northwind.People()) != 7 {
		t.Fatalf("%+v", northwind)
	}
	roles := map[string][]string{}
	for _, p := range northwind.People() {
		for _, r := range p.Roles {
			roles[roleNames[r]] = append(roles[roleNames[r]], p.UPN)
		}
	}
	if fmt.Sprint(roles["Global Administrator"]) != "[admin@northwind.example]" || len(roles["Application Administrator"]) != 1 ||
		len(roles["User Administrator"]) != 1 || len(roles) != 3 {
		t.Errorf("roles: %v", roles)
	}
}

// TestRolesAreReadWithTheSmallestPermission: what installing asks, with no more than sign-in gives.
func TestRolesAreReadWithTheSmallestPermission(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, row := range []struct{ who, role string }{
		{"admin@northwind.example", RoleGlobalAdministrator}, {"enrico@northwind.example", RoleApplicationAdministrator},
		{"lidia@northwind.example", RoleUserAdministrator}, {"marta@northwind.example", ""},
	} {
		as := b.as(b.sim.IssueToken(row.who, "User.Read"))
		got := as.want(as.do("GET", "/me/transitiveMemberOf/microsoft.graph.directoryRole?$select=id,roleTemplateId,displayName"), 200)
		if got.text("value/0/roleTemplateId") != row.role {
			t.Errorf("%s: %s", row.who, got.raw)
		}
	}
}

func TestPeopleAreReadInBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	basic := b.as(b.sim.IssueToken(adele, "User.Read", "User.ReadBasic.All"))
	alex := b.sim.Person("alex@contoso.example")
	body, err := json.Marshal(map[string]any{"requests": []map[string]any{
		{"id": "1", "method": "GET", "url": "/users/" + alex.ID + "?$select=id,displayName,mail"},
		{"id": "2", "method": "GET", "url": "/users/megan@contoso.example"},
		{"id": "3", "method": "GET", "url": "/users/" + b.sim.Person("joni@fabrikam.example").ID},
		{"id": "4", "method": "GET", "url": "/users/" + alex.ID + "?$select=department"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := basic.want(basic.do("POST", "/$batch", string(body)), 200)
	status, names := map[string]string{}, map[string]string{}
	for _, one := range got.doc["responses"].([]any) {
		part := one.(map[string]any)
		status[part["id"].(string)] = fmt.Sprint(part["status"])
		if doc, ok := part["body"].(map[string]any); ok {
			names[part["id"].(string)] = fmt.Sprint(doc["displayName"])
		}
	}
	for id, want := range map[string]string{"1": "200", "2": "200", "3": "404", "4": "403"} {
		if status[id] != want {
			t.Errorf("part %s: %s, want %s", id, status[id], want)
		}
	}
	if names["1"] != "Alex Wilber" || names["2"] != "Megan Bowen" {
		t.Errorf("names: %v", names)
	}
}

func TestCrowdToOrder(t *testing.T) {
	t.Parallel()
	v := visit(t)
	order := func(body string) int {
		res, err := http.Post(v.base+"/sim/crowd", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := order(`{"tenant":"northwind.example","people":25}`); got != 200 || len(v.sim.Tenant("northwind.example").People()) != 32 {
		t.Errorf("%d, %d people", got, len(v.sim.Tenant("northwind.example").People()))
	}
	for _, bad := range []string{`{"tenant":"nowhere.example","people":5}`, `{"tenant":"northwind.example","people":0}`, `{"tenant":"northwind.example","people":9000000}`} {
		if got := order(bad); got != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, got)
		}
	}
}
