package crmapi_test

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/record"
)

// TestPermissionsByRequest tries every request on records as people whom their profile allows more and less; the records
// are one's own and a colleague's.
func TestPermissionsByRequest(t *testing.T) {
	t.Parallel()
	const own, all = record.Own, record.Anyones
	people := []struct {
		name   string
		access record.Access
	}{
		{"nothing", record.Access{}},
		{"see own", record.Access{View: own}},
		{"see all, change own", record.Access{View: all, Create: true, Edit: own, Delete: own}},
		{"full", record.Full},
	}
	// What each is answered, in the order above. 403 of a whole request is NO_PERMISSION too.
	for _, c := range []struct {
		method, path, body string
		mine, theirs       [4]int
	}{
		{"GET", "?fields=id&ids=ID", "", [4]int{403, 200, 200, 200}, [4]int{403, 204, 200, 200}},
		{"GET", "/ID", "", [4]int{403, 200, 200, 200}, [4]int{403, 404, 200, 200}},
		{"GET", "/search?word=thing&fields=id", "", [4]int{403, 200, 200, 200}, [4]int{403, 200, 200, 200}},
		{"GET", "/deleted", "", [4]int{403, 204, 204, 204}, [4]int{403, 204, 204, 204}},
		{"GET", "/actions/count", "", [4]int{403, 200, 200, 200}, [4]int{403, 200, 200, 200}},
		{"GET", "/ID/__timeline", "", [4]int{403, 200, 200, 200}, [4]int{403, 404, 200, 200}},
		{"POST", "", `{"data":[NEW]}`, [4]int{403, 403, 201, 201}, [4]int{403, 403, 201, 201}},
		{"PUT", "/ID", `{"data":[{"Description":"x"}]}`, [4]int{403, 403, 200, 200}, [4]int{403, 403, 403, 200}},
		{"PUT", "", `{"data":[{"id":"ID","Description":"x"}]}`, [4]int{403, 403, 200, 200}, [4]int{403, 403, 403, 200}},
		{"PUT", "/ID", `{"data":[{"Owner":{"id":"13"}}]}`, [4]int{403, 403, 200, 200}, [4]int{403, 403, 403, 200}},
		{"POST", "/actions/mass_update", `{"data":[{"Tag":[{"name":"x"}]}],"ids":["ID"]}`, [4]int{403, 403, 200, 200}, [4]int{403, 403, 403, 200}},
		{"DELETE", "?ids=ID", "", [4]int{403, 403, 200, 200}, [4]int{403, 403, 403, 200}},
		{"DELETE", "/ID", "", [4]int{403, 403, 200, 200}, [4]int{403, 403, 403, 200}},
	} {
		for module, fresh := range map[string]string{
			"Contacts": `{"Last_Name":"thing"}`,
			"Events":   `{"Event_Title":"thing","Start_DateTime":"2026-03-12T10:00:00-03:00","End_DateTime":"2026-03-12T11:00:00-03:00"}`,
		} {
			t.Run(strings.TrimSpace(c.method+" "+module+c.path+" "+c.body), func(t *testing.T) {
				t.Parallel()
				s := newServer(t).withSpec()
				for i, p := range people {
					for owner, want := range map[record.ID]int{adele: c.mine[i], alex: c.theirs[i]} {
						s.may(adele, func(may *account.Permissions) { *may = account.Standard.Permissions() })
						id := s.add(owner, module, fresh)
						s.may(adele, func(may *account.Permissions) {
							if module == "Contacts" {
								may.Contacts = p.access
							} else {
								may.Events = p.access
							}
						})
						fill := strings.NewReplacer("ID", id, "NEW", fresh).Replace
						got := s.do(adele, c.method, "/crm/v8/"+module+fill(c.path), fill(c.body))
						if got.status != want {
							t.Errorf("%s, %s's: status %d, want %d\n%s", p.name, owner, got.status, want, got.text)
						}
						if code := got.at("code") + got.at("data.0.code"); want == 403 && code != "NO_PERMISSION" {
							t.Errorf("%s, %s's: code %s", p.name, owner, code)
						}
						if want == 403 {
							s.do(boss, "GET", "/crm/v8/"+module+"/"+id, "").wants(200, "data.0.Owner.id", owner.String(), "data.0.Description", "")
						}
					}
				}
			})
		}
	}
}

func TestOneRecordThatMayNotBeChangedStopsNoOther(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	mine, theirs := s.add(adele, "Contacts", `{"Last_Name":"Mine"}`), s.add(alex, "Contacts", `{"Last_Name":"Theirs"}`)
	s.may(adele, func(may *account.Permissions) { may.Contacts = record.Access{View: record.Anyones, Edit: record.Own} })
	body := fmt.Sprintf(`{"data":[{"id":%q,"Title":"x"},{"id":%q,"Title":"x"}]}`, theirs, mine)
	s.do(adele, "PUT", "/crm/v8/Contacts", body).wants(207, "data.0.code", "NO_PERMISSION",
		"data.0.message", "no permission to perform an action on this record", "data.1.code", "SUCCESS")
	s.do(boss, "GET", "/crm/v8/Contacts/"+theirs, "").wants(200, "data.0.Title", "")
	s.do(boss, "GET", "/crm/v8/Contacts/"+mine, "").wants(200, "data.0.Title", "x")
}

func TestModulesTellWhatMayBeDone(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	s.may(adele, func(may *account.Permissions) { may.Contacts = record.Access{View: record.Own, Edit: record.Own} })
	s.do(adele, "GET", "/crm/v8/settings/modules/Contacts", "").wants(200, "modules.0.viewable", "true", "modules.0.editable", "true",
		"modules.0.creatable", "false", "modules.0.deletable", "false")
	s.may(adele, func(may *account.Permissions) { may.Events = record.Access{} })
	s.do(adele, "GET", "/crm/v8/settings/modules/Events", "").wants(200, "modules.0.viewable", "false", "modules.0.visible", "false")
}

func TestContactsThatMayNotBeSeenAreNotNamedByEvents(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	contact := s.add(adele, "Contacts", `{"Last_Name":"Secretive"}`)
	event := s.add(adele, "Events", `{"Event_Title":"m","Start_DateTime":"2026-03-12T10:00:00-03:00","End_DateTime":"2026-03-12T11:00:00-03:00",
		"Who_Id":{"id":"`+contact+`"},"Participants":[{"type":"contact","participant":"`+contact+`"}]}`)
	s.do(adele, "GET", "/crm/v8/Events/"+event, "").wants(200, "data.0.Who_Id.name", "Secretive")
	s.may(adele, func(may *account.Permissions) { may.Contacts = record.Access{} })
	if got := s.do(adele, "GET", "/crm/v8/Events/"+event, "").wants(200, "data.0.Who_Id.id", contact); strings.Contains(got.text, "Secretive") {
		t.Errorf("the event names the contact: %s", got.text)
	}
}

func TestLinksOfRecordsThatMayNotBeSeenTellNothingOfThem(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.do(adele, "POST", "/api/v1/links", `{"kind":"contacts"}`).wants(201).at("id")
	s.may(adele, func(may *account.Permissions) { may.Contacts = record.Access{} })
	for _, part := range []string{"/records", "/history"} {
		s.do(adele, "GET", "/api/v1/links/"+id+part, "").wants(403, "code", "NO_PERMISSION")
	}
	s.do(adele, "GET", "/api/v1/links", "").wants(200, "0.id", id)
	s.do(adele, "DELETE", "/api/v1/links/"+id, "").wants(204)
}

// S7: who is only invited or asks to join is shown to those who manage users, as not confirmed; who was deleted to nobody.
func TestS7_UsersByStateInTheAPI(t *testing.T) {
	t.Parallel()
	s := newServer(t).withSpec()
	for id, state := range map[record.ID]account.State{31: account.Invited, 32: account.Requested, 33: account.Deleted} {
		s.folk[id] = account.User{ID: id, Org: contoso, Email: fmt.Sprintf("u%d@contoso.example", id), Profile: account.Administrator, State: state, Zone: "UTC"}
	}
	for kind, want := range map[string][2]string{ // as Adele, and as the administrator
		"AllUsers": {"4", "6"}, "ActiveUsers": {"3", "3"}, "DeactiveUsers": {"1", "1"}, "ConfirmedUsers": {"4", "4"},
		"NotConfirmedUsers": {"0", "2"}, "DeletedUsers": {"0", "0"}, "ActiveConfirmedUsers": {"3", "3"}, "ActiveConfirmedAdmins": {"1", "1"},
	} {
		s.do(adele, "GET", "/crm/v8/users/actions/count?type="+kind, "").wants(200, "count", want[0])
		s.do(boss, "GET", "/crm/v8/users/actions/count?type="+kind, "").wants(200, "count", want[1])
	}
	for id, state := range map[record.ID]string{31: "invited", 32: "asks to join"} {
		s.do(adele, "GET", "/crm/v8/users/"+id.String(), "").wants(404)
		got := s.do(boss, "GET", "/crm/v8/users/"+id.String(), "").wants(200, "users.0.confirm", "false", "users.0.status", "inactive")
		if got.status != 200 {
			t.Errorf("who %s is not shown", state)
		}
	}
	s.do(boss, "GET", "/crm/v8/users/33", "").wants(404)
	s.do(boss, "GET", "/crm/v8/users/14", "").wants(200, "users.0.confirm", "true", "users.0.status", "inactive")
}

// No request on events reveals to others what is private about one.
func TestPrivateEventsAreVeiledInEveryAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.may(alex, func(may *account.Permissions) { may.Events = record.Full })
	id := s.add(adele, "Events", `{"Event_Title":"Hidden","Venue":"Hideout","Description":"secret","Start_DateTime":"2026-11-25T10:00:00-03:00",
		"End_DateTime":"2026-11-25T11:00:00-03:00","Sensitivity":"confidential","Show_As":"oof"}`)
	if own := s.do(adele, "GET", "/crm/v8/Events/"+id, "").text; !strings.Contains(own, `"Hidden"`) {
		t.Errorf("the owner is answered %s", own)
	}
	for _, uri := range []string{
		"/crm/v8/Events/" + id, "/crm/v8/Events?fields=Event_Title,Venue,Description,Sensitivity,Show_As", "/crm/v8/Events/search?criteria=(Show_As:equals:oof)",
		"/crm/v8/Events/search?criteria=(Event_Title:equals:Hidden)", "/crm/v8/Events/search?word=hidden",
	} {
		got := s.do(alex, "GET", uri, "")
		if got.status >= 300 || strings.Contains(strings.ToLower(got.text), `"hid`) || strings.Contains(got.text, "secret") {
			t.Errorf("%s answers %d %s", uri, got.status, got.text)
		}
		if found := strings.Contains(got.text, id); found != !strings.Contains(strings.ToLower(uri), "hidden") {
			t.Errorf("%s found: %v", uri, found)
		}
	}
	for _, try := range []struct{ method, body string }{
		{"PUT", `{"data":[{"Sensitivity":"normal"}]}`}, {"PUT", `{"data":[{"Owner":{"id":"` + fmt.Sprint(int64(alex)) + `"}}]}`}, {"DELETE", ""},
	} {
		if got := s.do(alex, try.method, "/crm/v8/Events/"+id, try.body); got.status != 403 {
			t.Errorf("%s %s answers %d %s", try.method, try.body, got.status, got.text)
		}
	}
}
