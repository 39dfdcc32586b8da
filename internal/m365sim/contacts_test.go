package m365sim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestContactRoundTrip(t *testing.T) {
	b := newBench(t)
	folder := b.must("/me/contactFolders", `{"displayName":"CRM"}`)
	marker := "String {66F5A359-4659-4830-9070-00047EC6AC6E} Name CrmId"
	made := b.want(b.do("POST", "/me/contactFolders/"+folder+"/contacts", `{
		"givenName":"Ana","surname":"Souza","companyName":"Padaria \"São João\"","emailAddresses":[{"address":"ana@padaria.example"}],
		"businessPhones":["+55 11 3333-0001","+55 11 3333-0002"],"mobilePhone":"+55 11 99999-0001","birthday":"1984-07-22T00:00:00Z",
		"homeAddress":{"street":"Rua A, 1","city":"São Paulo","countryOrRegion":"Brasil"},"categories":["VIP"],"personalNotes":"line 1\nline 2",
		"singleValueExtendedProperties":[{"id":"`+marker+`","value":"42"}]}`), 201)

	for path, want := range map[string]string{
		"displayName":              "Ana Souza",
		"fileAs":                   "Souza, Ana",
		"companyName":              `Padaria "São João"`,
		"emailAddresses/0/name":    "ana@padaria.example",
		"emailAddresses/0/address": "ana@padaria.example",
		"birthday":                 "1984-07-22T11:59:00Z",
		"homeAddress/city":         "São Paulo",
		"otherAddress":             "{}",
		"homePhones":               "[]",
		"categories":               `["VIP"]`,
		"personalNotes":            "line 1\nline 2",
		"parentFolderId":           folder,
		"nickName":                 "",
	} {
		if got := made.text(path); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	if made.text("@odata.etag") != `W/"`+made.text("changeKey")+`"` {
		t.Errorf("etag %s does not hold changeKey %s", made.text("@odata.etag"), made.text("changeKey"))
	}
	if made.at("singleValueExtendedProperties") != nil {
		t.Error("extended properties came without $expand")
	}

	path := "/me/contactFolders/" + folder + "/contacts/" + made.id()
	got := b.want(b.do("GET", path+"?$expand=singleValueExtendedProperties($filter=id eq '"+marker+"')&$select=displayName"), 200)
	if got.text("singleValueExtendedProperties/0/value") != "42" || got.at("surname") != nil {
		t.Errorf("selected and expanded: %s", got.raw)
	}
	if got := b.want(b.do("GET", "/me/contacts/"+made.id()), 200); got.text("surname") != "Souza" {
		t.Errorf("by /me/contacts: %s", got.raw)
	}
	found := b.want(b.do("GET", "/me/contactFolders/"+folder+"/contacts?$filter=singleValueExtendedProperties/Any(ep: ep/id eq '"+marker+"' and ep/value eq '42')"), 200)
	if list := found.list(); len(list) != 1 || list[0]["id"] != made.id() {
		t.Errorf("by marker: %s", found.raw)
	}
	other := strings.Replace(marker, "CrmId", "crmid", 1)
	if found := b.do("GET", "/me/contactFolders/"+folder+"/contacts?$filter=singleValueExtendedProperties/Any(ep: ep/id eq '"+other+"' and ep/value eq '42')"); len(found.list()) != 0 {
		t.Error("the name in an extended property's id is case-sensitive")
	}

	changed := b.want(b.do("PATCH", path, `{"givenName":"Beatriz","homeAddress":null,"businessPhones":[],"mobilePhone":"","birthday":null}`), 200)
	for path, want := range map[string]string{
		"displayName": "Beatriz Souza", "fileAs": "Souza, Beatriz", "homeAddress": "{}", "businessPhones": "[]", "mobilePhone": "", "birthday": "", "surname": "Souza",
	} {
		if got := changed.text(path); got != want {
			t.Errorf("after PATCH %s = %q, want %q", path, got, want)
		}
	}
	if changed.text("changeKey") == made.text("changeKey") {
		t.Error("a change left the changeKey alone")
	}

	b.want(b.do("DELETE", path), 204)
	b.want(b.do("GET", path), 404, "ErrorItemNotFound")
	b.want(b.do("GET", "/me/contacts/"+made.id()), 404, "ErrorItemNotFound")
	b.want(b.do("PATCH", path, `{"surname":"X"}`), 404, "ErrorItemNotFound")
	b.want(b.do("DELETE", path), 404, "ErrorItemNotFound")
}

// A displayName that was sent with the parts is kept; alone it is regenerated when a part changes (§7).
func TestContactDisplayName(t *testing.T) {
	b := newBench(t)
	id := b.must("/me/contacts", `{"givenName":"Ana","surname":"Souza","displayName":"Dona Ana"}`)
	for _, row := range []struct{ patch, want string }{
		{`{"jobTitle":"CEO"}`, "Dona Ana"},
		{`{"surname":"Lima"}`, "Ana Lima"},
		{`{"surname":"Reis","displayName":"Ana R."}`, "Ana R."},
		{`{"middleName":"Clara"}`, "Ana Clara Reis"},
	} {
		if got := b.want(b.do("PATCH", "/me/contacts/"+id, row.patch), 200).text("displayName"); got != row.want {
			t.Errorf("after %s displayName = %q, want %q", row.patch, got, row.want)
		}
	}
}

func TestContactRefusals(t *testing.T) {
	b := newBench(t)
	for _, row := range []struct{ name, body, code, message string }{
		{"four addresses", `{"emailAddresses":[{"address":"a@b.c"},{"address":"d@b.c"},{"address":"e@b.c"},{"address":"f@b.c"}]}`, "ErrorInvalidArgument",
			"The multi value property EmailAddresses has 4 entries, that exceeds the max allowed value of 3"},
		{"three business phones", `{"businessPhones":["1","2","3"]}`, "ErrorInvalidArgument", "BusinessPhones has 3 entries, that exceeds the max allowed value of 2"},
		{"three home phones", `{"homePhones":["1","2","3"]}`, "ErrorInvalidArgument", "max allowed value of 2"},
		{"four messengers", `{"imAddresses":["1","2","3","4"]}`, "ErrorInvalidArgument", "max allowed value of 3"},
		{"unknown property", `{"shoeSize":"42"}`, "RequestBodyRead", "shoeSize"},
		{"unknown property of an address", `{"homeAddress":{"zip":"1"}}`, "RequestBodyRead", "zip"},
		{"wrong type", `{"givenName":42}`, "RequestBodyRead", "givenName"},
		{"read-only", `{"changeKey":"x"}`, "ErrorInvalidPropertySet", "changeKey"},
		{"no JSON", `{"givenName":`, "BadRequest", ""},
		{"bad date", `{"birthday":"tomorrow"}`, "RequestBodyRead", "birthday"},
		{"bad marker", `{"singleValueExtendedProperties":[{"id":"CrmId","value":"1"}]}`, "ErrorInvalidArgument", "CrmId"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := *b
			b.t = t
			a := b.want(b.do("POST", "/me/contacts", row.body), 400, row.code)
			if !strings.Contains(a.text("error/message"), row.message) {
				t.Errorf("message %q does not say %q", a.text("error/message"), row.message)
			}
		})
	}
}

// FIELD-FAILURES 113: a malformed address is dropped, its name stays.
func TestContactMalformedAddress(t *testing.T) {
	b := newBench(t)
	a := b.want(b.do("POST", "/me/contacts", `{"emailAddresses":[{"name":"Ana","address":"ana@b.com,"}]}`), 201)
	if a.text("emailAddresses/0/name") != "Ana" || a.at("emailAddresses/0/address") != nil {
		t.Errorf("emailAddresses = %s", a.text("emailAddresses"))
	}
}

func TestContactIfMatch(t *testing.T) {
	b := newBench(t)
	made := b.want(b.do("POST", "/me/contacts", `{"givenName":"Ana"}`), 201)
	path := "/me/contacts/" + made.id()
	stale := made.text("@odata.etag")
	changed := b.want(b.do("PATCH", path, `{"givenName":"Bia"}`, "If-Match", stale), 200)
	b.want(b.do("PATCH", path, `{"givenName":"Cris"}`, "If-Match", stale), 412, "ErrorIrresolvableConflict")
	b.want(b.do("DELETE", path, "", "If-Match", stale), 412, "ErrorIrresolvableConflict")
	b.sim.SetWarts(Warts{IgnoreContactIfMatch: true})
	b.want(b.do("PATCH", path, `{"givenName":"Cris"}`, "If-Match", stale), 200)
	b.sim.SetWarts(Warts{})
	b.want(b.do("DELETE", path, "", "If-Match", changed.text("@odata.etag")), 412)
	b.want(b.do("DELETE", path, "", "If-Match", "*"), 204)
}

func TestContactPhoto(t *testing.T) {
	b := newBench(t)
	made := b.want(b.do("POST", "/me/contacts", `{"givenName":"Ana"}`), 201)
	path := "/me/contacts/" + made.id() + "/photo/$value"
	b.want(b.do("GET", path), 404)
	b.want(b.outside().do("PUT", path, "\xff\xd8\xff", "Content-Type", "image/jpeg"), 200)
	if a := b.want(b.outside().do("GET", path), 200); a.header.Get("Content-Type") != "image/jpeg" || string(a.raw) != "\xff\xd8\xff" {
		t.Errorf("photo %q as %s", a.raw, a.header.Get("Content-Type"))
	}
	if got := b.do("GET", "/me/contacts/"+made.id()); got.text("changeKey") != made.text("changeKey") {
		t.Error("a photo is no change of the contact")
	}
}

func TestContactFolders(t *testing.T) {
	b := newBench(t)
	if list := b.want(b.do("GET", "/me/contactFolders"), 200).list(); len(list) != 0 {
		t.Errorf("the default folder is in the list: %v", list)
	}
	b.must("/me/contacts", `{"givenName":"Ana"}`)
	parent := b.want(b.do("GET", "/me/contacts?$top=1&$select=parentFolderId"), 200).text("value/0/parentFolderId")
	b.want(b.do("DELETE", "/me/contactFolders/"+parent), 403)

	made := b.want(b.do("POST", "/me/contactFolders", `{"displayName":"CRM","singleValueExtendedProperties":[{"id":"String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Link","value":"7"}]}`), 201)
	if made.text("parentFolderId") != parent {
		t.Error("a folder is made below Contacts")
	}
	b.want(b.do("POST", "/me/contactFolders", `{"displayName":"crm"}`), 409, "ErrorFolderExists")
	child := b.must("/me/contactFolders/"+made.id()+"/childFolders", `{"displayName":"CRM"}`)
	if list := b.do("GET", "/me/contactFolders/"+made.id()+"/childFolders").list(); len(list) != 1 || list[0]["id"] != child {
		t.Errorf("childFolders: %v", list)
	}
	expanded := b.want(b.do("GET", "/me/contactFolders?$expand=singleValueExtendedProperties($filter=id eq 'String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Link')"), 200)
	if expanded.text("value/0/singleValueExtendedProperties/0/value") != "7" {
		t.Errorf("marker of a folder: %s", expanded.raw)
	}
	b.want(b.do("PATCH", "/me/contactFolders/"+made.id(), `{"displayName":"CRM 2"}`), 200)
	again := b.must("/me/contactFolders", `{"displayName":"CRM"}`)
	b.want(b.do("PATCH", "/me/contactFolders/"+again, `{"displayName":"CRM 2"}`), 409, "ErrorFolderExists")

	contact := b.must("/me/contactFolders/"+made.id()+"/contacts", `{"givenName":"Bia"}`)
	b.want(b.do("DELETE", "/me/contactFolders/"+made.id()), 204)
	for _, path := range []string{"", "/contacts", "/contacts/" + contact, "/contacts/delta", "/childFolders"} {
		b.want(b.do("GET", "/me/contactFolders/"+made.id()+path), 404, "ErrorItemNotFound")
	}
	b.want(b.do("GET", "/me/contactFolders/"+child), 404, "ErrorItemNotFound")
	b.want(b.do("GET", "/me/contacts/"+contact), 404, "ErrorItemNotFound")
	b.must("/me/contactFolders", `{"displayName":"CRM 2"}`) // the deleted one does not collide

	if err := b.sim.Mailbox(adele).RestoreFolder(made.id()); err != nil {
		t.Fatal(err)
	}
	b.want(b.do("GET", "/me/contactFolders/"+made.id()+"/contacts/"+contact), 200)
	b.want(b.do("GET", "/me/contactFolders/nonsense"), 400, "ErrorInvalidIdMalformed")
}

// fill puts n contacts into a folder and returns the folder's id.
func fill(t *testing.T, b *bench, n int) string {
	t.Helper()
	folder := b.must("/me/contactFolders", `{"displayName":"CRM"}`)
	for i := range n {
		if status, doc := b.sim.As(adele).Post("/me/contactFolders/"+folder+"/contacts", fmt.Sprintf(`{"givenName":"N%03d","surname":"S%d"}`, i, i%3)); status != http.StatusCreated {
			t.Fatal(doc)
		}
	}
	return folder
}

func TestContactPages(t *testing.T) {
	b := newBench(t)
	folder := fill(t, b, 25)
	path := "/me/contactFolders/" + folder + "/contacts"
	if n := len(b.do("GET", path).list()); n != 10 {
		t.Errorf("default page has %d, want 10", n)
	}
	for _, row := range []struct {
		query string
		want  int
		pages int
		count string
	}{
		{"", 25, 3, ""},
		{"?$top=7", 25, 4, ""},
		{"?$top=5000", 25, 1, ""},
		{"?$skip=20", 5, 1, ""},
		{"?$top=10&$count=true", 25, 3, "25"},
		{"?$filter=surname eq 'S1'&$count=true", 8, 1, "8"},
		{"?$filter=surname eq 'S1'&$top=3&$count=true", 8, 3, "8"},
		{"?$filter=startswith(givenName,'n00')", 10, 1, ""},
		{"?$orderby=givenName desc&$top=20", 25, 2, ""},
		{"?$orderby=lastModifiedDateTime&$top=20", 25, 2, ""},
	} {
		t.Run(row.query, func(t *testing.T) {
			b := *b
			b.t = t
			seen, pages := map[string]bool{}, 0
			for next := path + row.query; next != ""; pages++ {
				a := b.want(b.do("GET", next), 200)
				for _, c := range a.list() {
					if seen[c["id"].(string)] {
						t.Errorf("%v comes twice", c["givenName"])
					}
					seen[c["id"].(string)] = true
				}
				if row.count != "" && a.text("@odata.count") != row.count {
					t.Errorf("count %s, want %s", a.text("@odata.count"), row.count)
				}
				next = a.text("@odata.nextLink")
			}
			if len(seen) != row.want || pages != row.pages {
				t.Errorf("%d on %d pages, want %d on %d", len(seen), pages, row.want, row.pages)
			}
		})
	}
	if a := b.do("GET", path+"?$orderby=givenName desc&$top=1"); a.text("value/0/givenName") != "N024" {
		t.Errorf("sorted downwards: %s", a.raw)
	}
	b.want(b.outside().do("GET", path+"?$select=shoeSize"), 400)
	b.want(b.do("GET", path+"?$filter=shoeSize eq 1"), 400)
	b.want(b.do("GET", path+"?$filter=surname eq"), 400)
	b.want(b.outside().do("GET", path+"?$apply=aggregate"), 400)
	b.want(b.do("GET", path+"?$skiptoken=nonsense"), 410)
	b.want(b.outside().do("GET", path+"?utm=1&$top=1"), 200) // a parameter that nobody knows is passed over
}

// Modified since: answered from the order of changes.
func TestContactsModifiedSince(t *testing.T) {
	b := newBench(t)
	folder := fill(t, b, 30)
	path := "/me/contactFolders/" + folder + "/contacts"
	all, _ := b.pages(path)
	mark := b.clock.Now().Add(1)
	b.clock.Add(1000000)
	for _, i := range []int{3, 17, 3} {
		b.want(b.do("PATCH", path+"/"+all[i]["id"].(string), `{"jobTitle":"x"}`), 200)
	}
	a := b.want(b.do("GET", path+"?$count=true&$select=givenName&$filter=lastModifiedDateTime ge "+mark.Format("2006-01-02T15:04:05.0000000Z")), 200)
	if list := a.list(); len(list) != 2 || a.text("@odata.count") != "2" || list[0]["givenName"] != "N017" || list[1]["givenName"] != "N003" {
		t.Errorf("changed since: %s", a.raw)
	}
}

// Ids differ by the case of one letter only, and each names its own (FIELD-FAILURES 48).
func TestIDsAreCaseSensitive(t *testing.T) {
	b := newBench(t)
	ids := map[string]string{}
	folded := map[string]int{}
	for i := range 6 {
		name := fmt.Sprint("N", i)
		id := b.must("/me/contacts", `{"givenName":"`+name+`"}`)
		ids[id] = name
		folded[strings.ToLower(id)]++
	}
	twins := 0
	for _, n := range folded {
		if n > 1 {
			twins++
		}
	}
	if len(ids) != 6 || twins == 0 {
		t.Fatalf("%d ids, %d pairs that differ by case only", len(ids), twins)
	}
	for id, name := range ids {
		if got := b.do("GET", "/me/contacts/"+id).text("givenName"); got != name {
			t.Errorf("%s is %s, want %s", id, got, name)
		}
	}
}

// The default id changes with a move, the immutable one does not (§3.9).
func TestIDsAndMoves(t *testing.T) {
	b := newBench(t)
	folder := b.must("/me/contactFolders", `{"displayName":"CRM"}`)
	other := b.must("/me/contactFolders", `{"displayName":"Other"}`)
	immutable := []string{"", "Prefer", `IdType="ImmutableId"`}
	id := b.must("/me/contactFolders/"+folder+"/contacts", `{"givenName":"Ana"}`)
	a := b.want(b.do("GET", "/me/contacts/"+id, immutable...), 200)
	lasting := a.id()
	if lasting == id {
		t.Fatal("both kinds of id are the same")
	}
	if a.header.Get("Preference-Applied") == "" {
		t.Error("no Preference-Applied")
	}
	moved, err := b.sim.Mailbox(adele).Move(id, other)
	if err != nil || moved == id {
		t.Fatalf("moved to %q, %v", moved, err)
	}
	b.want(b.do("GET", "/me/contacts/"+id), 404, "ErrorItemNotFound")
	b.want(b.do("GET", "/me/contacts/"+moved), 200)
	b.want(b.do("GET", "/me/contactFolders/"+folder+"/contacts/"+moved), 404)
	if got := b.want(b.do("GET", "/me/contacts/"+lasting, immutable...), 200); got.id() != lasting || got.text("parentFolderId") != other {
		t.Errorf("by immutable id: %s", got.raw)
	}
	translated := b.want(b.do("POST", "/me/translateExchangeIds", `{"inputIds":["`+lasting+`","x"],"sourceIdType":"restImmutableEntryId","targetIdType":"restId"}`), 200)
	if translated.text("value/0/targetId") != moved || translated.at("value/1/errorDetails") == nil {
		t.Errorf("translated: %s", translated.raw)
	}
	b.want(b.do("DELETE", "/me/contacts/"+moved), 204)
	back, err := b.sim.Mailbox(adele).Undelete(lasting, folder)
	if err != nil {
		t.Fatal(err)
	}
	b.want(b.do("GET", "/me/contactFolders/"+folder+"/contacts/"+back), 200)
	b.want(b.do("GET", "/me/contacts/"+lasting), 200)
}
