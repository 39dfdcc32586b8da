package crmapi_test

import (
	"context"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// fakeLinks fits crmapi.Links and crmapi.Switch; refuse is what On answers.
type fakeLinks struct {
	refuse error
	links  []reconcile.Link
	did    []string
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
