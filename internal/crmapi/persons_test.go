package crmapi_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crmapi"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

var update = flag.Bool("update", false, "write what everybody is answered into testdata")

const personsFile = "testdata/persons.golden"

// TestS4_PersonsAndRequests tries every request as everybody whom it may concern, on a contact and a link of Adele's. What
// each is answered stands in the golden file: renew it with -update, and read the difference as carefully as code.
func TestS4_PersonsAndRequests(t *testing.T) {
	t.Parallel()
	lines := map[string][]string{}
	for _, p := range []struct {
		name string
		id   record.ID
	}{{"nobody", 0}, {"forged token", 999}, {"owner", adele}, {"colleague", alex}, {"all but users", boss}, {"stranger", stranger}, {"deactivated", sleeper}} {
		s := newServer(t)
		s.may(boss, func(may *account.Permissions) { may.ManageUsers = false })
		for _, route := range crmapi.Routes() {
			id := s.add(adele, "Contacts", `{"Last_Name":"Hers"}`)
			s.links.links = []reconcile.Link{{ID: 70, Org: contoso, User: adele, Kind: record.Contacts, State: reconcile.On}}
			method, path, _ := strings.Cut(route, " ")
			got := s.do(p.id, method, addressOf(path, id), bodyOf(route, id))
			code := got.at("code")
			if code == "" {
				code = got.at("data.0.code")
			}
			lines[route] = append(lines[route], strings.TrimRight(fmt.Sprintf("\t%s=%d %s", p.name, got.status, code), " "))
			if p.id == 0 || p.id == 999 || p.id == sleeper {
				if got.status != 401 || strings.Contains(got.text, "Hers") {
					t.Errorf("%s as %s: %d %s", route, p.name, got.status, got.text)
				}
			}
			if p.id == stranger || p.id == alex {
				if strings.Contains(got.text, "Hers") || len(s.links.did) > 0 {
					t.Errorf("%s as %s reaches what is Adele's: %s %v", route, p.name, got.text, s.links.did)
				}
				if there := s.do(adele, "GET", "/crm/v8/Contacts/"+id, ""); there.at("data.0.Last_Name") != "Hers" {
					t.Errorf("%s as %s changed Adele's contact: %s", route, p.name, there.text)
				}
			}
		}
	}
	var out strings.Builder
	for _, route := range crmapi.Routes() {
		fmt.Fprintln(&out, route+"\n"+strings.Join(lines[route], "\n"))
	}
	if *update {
		if err := os.WriteFile(personsFile, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(personsFile)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("%s differs; run with -update and read the difference. Now:\n%s", personsFile, out.String())
	}
}

func addressOf(path, id string) string {
	switch {
	case strings.HasPrefix(path, "/api/v1/links/"):
		return strings.Replace(path, "{id}", "70", 1) + "?state=failing"
	case strings.HasPrefix(path, "/crm/v8/users/{id}"):
		return "/crm/v8/users/" + adele.String()
	case strings.HasPrefix(path, "/crm/v8/settings/fields"):
		return strings.Replace(path, "{id}", "1", 1) + "?module=Contacts"
	}
	query := "?ids=" + id + "&fields=id"
	if strings.HasSuffix(path, "/search") {
		query = "?word=Hers&fields=id"
	}
	return strings.NewReplacer("{module}", "Contacts", "{name}", "Contacts", "{id}", id).Replace(path) + query
}

func bodyOf(route, id string) string {
	switch route {
	case "POST /crm/v8/{module}":
		return `{"data":[{"Last_Name":"New"}]}`
	case "PUT /crm/v8/{module}":
		return `{"data":[{"id":"` + id + `","Last_Name":"Changed"}]}`
	case "PUT /crm/v8/{module}/{id}":
		return `{"data":[{"Last_Name":"Changed"}]}`
	case "POST /crm/v8/{module}/actions/mass_update":
		return `{"data":[{"Title":"x"}],"ids":["` + id + `"]}`
	case "POST /api/v1/links/{id}/asks":
		return `{"microsoft_id":"m6","new":true}`
	case "PATCH /api/v1/links/{id}":
		return `{"direction":"to_crm"}`
	case "POST /api/v1/links":
		return `{"kind":"calendar"}`
	}
	return ""
}
