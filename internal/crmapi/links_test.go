package crmapi_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// fakeLinks fits crmapi.Links and crmapi.Switch; refuse is what On answers.
type fakeLinks struct {
	refuse  error
	unset   error // what Set answers
	links   []reconcile.Link
	did     []string
	answers []reconcile.Ask
}

func (f *fakeLinks) On(_ context.Context, org, user record.ID, kind record.Kind) (*reconcile.Link, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	l := reconcile.Link{ID: reconcile.LinkID(70 + len(f.links)), Org: org, User: user, Kind: kind, State: reconcile.On}
	f.links = append(f.links, l)
	return &l, nil
}

func (f *fakeLinks) Off(_ context.Context, _, _ record.ID, _ reconcile.LinkID) error {
	f.did = append(f.did, "off")
	return nil
}

func (f *fakeLinks) Set(_ context.Context, _, user record.ID, kind record.Kind, change func(*reconcile.Wish)) error {
	f.did = append(f.did, "set")
	for i := range f.links {
		if f.links[i].User == user && f.links[i].Kind == kind {
			policy := &f.links[i].Policy
			wish := reconcile.Wish{Winner: policy.Winner, Options: policy.Options}
			change(&wish)
			policy.Winner, policy.Options = wish.Winner, wish.Options
		}
	}
	return f.unset
}

func (f *fakeLinks) Run(_ context.Context, _, _ record.ID, _ reconcile.LinkID) error {
	f.did = append(f.did, "run")
	return nil
}

func (f *fakeLinks) Link(_ context.Context, org record.ID, id reconcile.LinkID) (*reconcile.Link, error) {
	for _, l := range f.links {
		if l.ID == id && l.Org == org {
			return &l, nil
		}
	}
	return nil, fault.New(fault.NotFound, "", "no link %d", id)
}

func (f *fakeLinks) LinksOf(_ context.Context, org, user record.ID) (out []reconcile.Link, _ error) {
	for _, l := range f.links {
		if l.Org == org && l.User == user {
			out = append(out, l)
		}
	}
	return out, nil
}

func (f *fakeLinks) Standing(context.Context, record.ID, reconcile.LinkID) (reconcile.Standing, error) {
	return reconcile.Standing{Synced: 3, Waiting: 1, Failing: 2, Excluded: 4}, nil
}

func (f *fakeLinks) Records(_ context.Context, _ record.ID, _ reconcile.LinkID, state string, offset, _ int) ([]reconcile.RecordState, error) {
	if state != "failing" || offset > 0 {
		return nil, nil
	}
	return []reconcile.RecordState{{CRM: "5", Name: "Ana", State: "failing", Reason: fault.TooLong, Detail: "no", RetryAt: time.Unix(1e9, 0)}}, nil
}

func (f *fakeLinks) History(_ context.Context, _ record.ID, _ reconcile.LinkID, before int64, _ int) ([]reconcile.HistoryEntry, error) {
	if before == 9 {
		return nil, nil
	}
	return []reconcile.HistoryEntry{{ID: 9, HistoryLine: reconcile.HistoryLine{
		At: time.Unix(1e9, 0), CRM: "5", Side: reconcile.InMicrosoft, Action: reconcile.Updated, Reason: "crm_changed",
		Fields: record.Fields{record.Title: "CEO"}, Lost: []reconcile.Loss{{Field: record.Title, Side: reconcile.InMicrosoft, Value: "CTO"}},
	}}}, nil
}

func (f *fakeLinks) Asks(_ context.Context, _ record.ID, _ reconcile.LinkID, offset, _ int) ([]reconcile.Question, error) {
	if offset > 0 {
		return nil, nil
	}
	return []reconcile.Question{
		{CRM: "5", Microsoft: "m5", Name: "Ana", Since: time.Unix(1e9, 0), Ask: reconcile.Ask{
			Conflicts: []record.Field{record.Title}, Theirs: record.Fields{record.Title: "CTO"},
			Taken: map[record.Field]reconcile.Where{record.Title: reconcile.InCRM},
		}},
		{Microsoft: "m6", Name: "Bia", Ask: reconcile.Ask{Matches: []record.Ref{"7", "8"}, Theirs: record.Fields{record.LastName: "Bia"}}},
	}, nil
}

func (f *fakeLinks) Decide(_ context.Context, _ record.ID, _ reconcile.LinkID, item record.Ref, answer reconcile.Ask) error {
	if item != "m5" && item != "m6" {
		return fault.New(fault.NotFound, "", "nothing is asked about %s", item)
	}
	f.did, f.answers = append(f.did, "decide"), append(f.answers, answer)
	return nil
}

func (f *fakeLinks) LeftOut(_ context.Context, _ record.ID, _ reconcile.LinkID, offset, _ int) ([]reconcile.Question, error) {
	return []reconcile.Question{{Microsoft: "m8", Name: "Cid", Ask: reconcile.Ask{Matches: []record.Ref{"7"}, Out: true, Theirs: record.Fields{
		record.LastName: "Cid", record.FurtherAddresses: "c@x.example",
	}}}}[min(offset, 1):], nil
}

func (f *fakeLinks) TakeBack(_ context.Context, _ record.ID, _ reconcile.LinkID, item record.Ref) error {
	if item != "m8" {
		return fault.New(fault.NotFound, "", "%s was not left out", item)
	}
	f.did = append(f.did, "take back")
	return nil
}

func TestLinks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if r := s.do(adele, "GET", "/api/v1/links", ""); r.status != 200 || r.text != "[]\n" {
		t.Errorf("no links: %d %s", r.status, r.text)
	}
	s.links.refuse = fault.New(fault.Denied, fault.ConsentRequired, "no consent")
	s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar"}`).wants(409, "code", "CONSENT_REQUIRED", "url", "https://tandem.example/consent")
	s.links.refuse = fault.New(fault.Denied, fault.ReconnectNeeded, "revoked")
	s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar"}`).wants(409, "code", "CONSENT_REQUIRED")
	s.links.refuse = fault.New(fault.Conflict, "", "being switched off")
	s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar"}`).wants(409, "code", "SWITCHING_OFF")
	s.links.refuse = fault.New(fault.Denied, fault.MailboxUnavailable, "no mailbox")
	s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar"}`).wants(403, "code", "MAILBOX_UNAVAILABLE")
	s.links.refuse = fault.New(fault.Denied, fault.SyncWithheld, "the profile does not allow it")
	s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar"}`).wants(403, "code", "SYNC_WITHHELD",
		"message", "an administrator has withheld this kind of sync", "details.reason", "sync_withheld")
	s.links.refuse = nil
	for _, body := range []string{`{"kind":"tasks"}`, `{}`, `[]`, `x`, `{"kind":5}`, `null`} {
		s.do(adele, "POST", "/api/v1/links", body).wants(400)
	}
	for _, body := range []string{`{"kind":"calendar","kinds":["contacts"]}`, `{"Kind":"calendar"}`} {
		s.do(adele, "POST", "/api/v1/links", body).wants(400, "code", "INVALID_DATA")
	}
	id := s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar"}`).wants(201, "kind", "calendar", "state", "on").at("id")
	s.links.refuse = fault.New(fault.Conflict, "", "on")
	s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar"}`).wants(201, "id", id)
	s.links.refuse = nil
	s.do(adele, "GET", "/api/v1/links", "").wants(200, "0.id", id, "0.synced", "3", "0.waiting", "1", "0.failing", "2", "0.excluded", "4", "0.last_run", "")
	s.do(adele, "POST", "/api/v1/links/"+id+"/run", "").wants(202)
	for _, body := range []string{`{"direction":"up"}`, `{"direction":1}`, `{"winner":"me"}`, `{"winner":null}`, `{"winner":""}`, `{"Direction":"both"}`, `{"kind":"contacts"}`, `[]`} {
		s.do(adele, "PATCH", "/api/v1/links/"+id, body).wants(400)
	}
	s.do(adele, "PATCH", "/api/v1/links/"+id, `{"direction":"to_microsoft"}`).wants(200, "direction", "to_microsoft", "id", id)
	s.do(adele, "PATCH", "/api/v1/links/"+id, `{"winner":"ask"}`).wants(200, "winner", "ask", "direction", "to_microsoft")
	s.do(adele, "POST", "/api/v1/links", `{"kind":"calendar","direction":"to_crm"}`).wants(201)
	s.do(adele, "GET", "/api/v1/links", "").wants(200, "0.direction", "to_crm")
	s.do(alex, "PATCH", "/api/v1/links/"+id, `{"direction":"both"}`).wants(404)
	s.links.unset = fault.New(fault.Conflict, "", "being switched off")
	s.do(adele, "PATCH", "/api/v1/links/"+id, `{"direction":"both"}`).wants(409, "code", "SWITCHING_OFF")
	s.links.unset = fault.Wrong(fault.NotExpressible, "direction", "too few fields")
	s.do(adele, "PATCH", "/api/v1/links/"+id, `{"direction":"both"}`).wants(400, "details.api_name", "direction")
	s.links.unset, s.links.did = nil, []string{"run"}
	s.do(adele, "GET", "/api/v1/links/"+id+"/records?state=failing", "").wants(200,
		"0.record", "5", "0.name", "Ana", "0.reason", "too_long", "0.retry_at", "2001-09-09T01:46:40Z")
	s.do(adele, "GET", "/api/v1/links/"+id+"/records?state=odd", "").wants(400, "code", "INVALID_DATA")
	s.do(adele, "GET", "/api/v1/links/"+id+"/history", "").wants(200,
		"0.id", "9", "0.action", "updated", "0.fields.Title", "CEO", "0.lost.0.value", "CTO")
	s.do(adele, "GET", "/api/v1/links/"+id+"/history?before=9", "").wants(200, "0", "")
	for _, who := range []record.ID{alex, boss, stranger} {
		s.do(who, "DELETE", "/api/v1/links/"+id, "").wants(404)
		s.do(who, "POST", "/api/v1/links/"+id+"/run", "").wants(404)
		s.do(who, "GET", "/api/v1/links/"+id+"/records", "").wants(404)
		s.do(who, "GET", "/api/v1/links/"+id+"/history", "").wants(404)
		s.do(who, "GET", "/api/v1/links", "").wants(200, "0", "")
	}
	s.do(0, "GET", "/api/v1/links", "").wants(401, "code", "INVALID_TOKEN")
	s.do(adele, "DELETE", "/api/v1/links/"+id, "").wants(204)
	if len(s.links.did) != 2 || s.links.did[1] != "off" {
		t.Errorf("did %v", s.links.did)
	}
}

// What a person is asked can be read and answered by a script, one thing at a time, and only by the link's user.
func TestAsks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.links.links = []reconcile.Link{{ID: 70, Org: contoso, User: adele, Kind: record.Contacts, State: reconcile.On}}
	const path = "/api/v1/links/70/asks"
	s.do(adele, "GET", path, "").wants(200,
		"0.record", "5", "0.microsoft_id", "m5", "0.conflicts.0", "Title", "0.microsoft.Title", "CTO", "0.taken.Title", "crm", "0.since", "2001-09-09T01:46:40Z",
		"1.record", "", "1.matches.1", "8", "1.match", "", "1.new", "false")
	s.do(adele, "GET", path+"?page=2", "").wants(200, "0", "")
	s.do(adele, "GET", path+"?left_out=true", "").wants(200, "0.microsoft_id", "m8", "0.left_out", "true", "0.microsoft.Last_Name", "Cid", "0.microsoft.-addresses", "", "1", "")
	for _, row := range []struct {
		body, at string
		status   int
	}{
		{`{"microsoft_id":"m5","taken":{"Title":"crm"}}`, "", 202},
		{`{"microsoft_id":"m5","taken":{"Last_Name":"microsoft"}}`, "", 202},
		{`{"microsoft_id":"m6","match":"7"}`, "", 202},
		{`{"microsoft_id":"m6","new":true}`, "", 202},
		{`{"microsoft_id":"m6","left_out":true}`, "", 202},
		{`{"microsoft_id":"m8","left_out":false}`, "", 202},
		{`{"microsoft_id":"m6","left_out":false}`, "", 404},
		{`{"microsoft_id":"m6","left_out":false,"new":true}`, "left_out", 400},
		{`{"microsoft_id":"m9","new":true}`, "", 404},
		{`{"microsoft_id":"m5","taken":{"Title":"both"}}`, "taken.Title", 400},
		{`{"microsoft_id":"m5","taken":{"Nothing":"crm"}}`, "taken.Nothing", 400},
		{`{"microsoft_id":"m5","taken":{"First_Name":"crm","Last_Name":"microsoft"}}`, "taken.Last_Name", 400},
		{`{"microsoft_id":"m5","taken":{}}`, "taken", 400},
		{`{"microsoft_id":"m6","new":false}`, "new", 400},
		{`{"microsoft_id":"m6","new":"yes"}`, "new", 400},
		{`{"microsoft_id":"m6","match":""}`, "match", 400},
		{`{"microsoft_id":"m6","match":"7","new":true}`, "", 400},
		{`{"microsoft_id":"m6","odd":1}`, "odd", 400},
		{`{"match":"7"}`, "microsoft_id", 400},
		{`{"microsoft_id":"m6"}`, "", 400},
		{`[]`, "", 400},
		{`x`, "", 400},
	} {
		got := s.do(adele, "POST", path, row.body)
		if got.status != row.status || row.at != "" && got.at("details.api_name") != row.at {
			t.Errorf("%s: %d %s", row.body, got.status, got.text)
		}
	}
	if n := len(s.links.answers); n != 5 || !s.links.answers[4].Out || !slices.Contains(s.links.did, "take back") {
		t.Fatalf("%d answers arrived: %+v", n, s.links.answers)
	}
	if a := s.links.answers[1]; a.Taken[record.FirstName] != reconcile.InMicrosoft || a.Taken[record.LastName] != reconcile.InMicrosoft {
		t.Errorf("a name is taken in parts: %+v", a)
	}
	if a := s.links.answers[2]; a.Match != "7" || a.New {
		t.Errorf("chosen: %+v", a)
	}
	for _, who := range []record.ID{alex, boss, stranger} {
		s.do(who, "GET", path, "").wants(404)
		s.do(who, "POST", path, `{"microsoft_id":"m6","new":true}`).wants(404)
	}
	s.do(0, "GET", path, "").wants(401)
}
