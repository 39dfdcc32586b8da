package outlook

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
	"tandem/internal/testkit/photos"
)

// I3, FIELD-FAILURES 77: a create whose answer is lost is found by its token, and not made twice. Nor is an event sent again blindly: how long
// Exchange remembers a transactionId is not documented.
func TestI3_LostAnswerOfACreate(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, f := range []m365sim.Fault{m365sim.DropAfterCommit(), m365sim.Cut()} {
			r := newRig(t)
			link := r.container(kind)
			r.sim.Next("POST /v1.0/$batch", f)
			writes := []record.Write{
				{Op: record.Create, Fields: r.sample(kind, 1), Token: "1-a"}, {Op: record.Create, Fields: r.sample(kind, 2), Token: "1-b"},
			}
			out, err := r.side(link).Apply(t.Context(), writes)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			for i, o := range out {
				if fault.ReasonOf(o.Err) != fault.OutcomeUnknown {
					t.Errorf("%s %d: %v, want an unknown outcome", kind, i, o.Err)
				}
			}
			found, err := r.side(link).Find(t.Context(), []string{"1-a", "1-b"})
			if err != nil || len(found) != 2 {
				t.Errorf("%s: found %d, %v", kind, len(found), err)
			}
			if n := r.sim.Mailbox(adele).Count(string(link.Container)); n != 2 {
				t.Errorf("%s: %d items, want 2", kind, n)
			}
		}
	}
}

// An item is found by its token on whichever page of the answer it is: the first one may be empty.
func TestI3_AnItemIsFoundOnALaterPage(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link := r.container(kind)
		if _, err := r.side(link).Apply(t.Context(), []record.Write{{Op: record.Create, Fields: r.sample(kind, 1), Token: "1-a"}}); err != nil {
			t.Fatal(err)
		}
		r.sim.SetWarts(m365sim.Warts{EmptyPages: true})
		if found, err := r.side(link).Find(t.Context(), []string{"1-a", "1-b"}); err != nil || len(found) != 1 {
			t.Errorf("%s: found %d, %v, want the one that is there", kind, len(found), err)
		}
	}
}

// Whatever a repeated transactionId is answered with, the first event is found.
func TestI3_TransactionIDs(t *testing.T) {
	t.Parallel()
	for _, w := range []m365sim.Warts{{}, {DuplicateTransactionStatus: 409}, {NoExistingEventID: true}, {DuplicateTransactionStatus: 409, NoExistingEventID: true}} {
		r := newRig(t)
		r.sim.SetWarts(w)
		link, events := r.events()
		create := record.Write{Op: record.Create, Fields: eventSample(1), Token: "1-a"}
		first, err := events.Apply(t.Context(), []record.Write{create})
		if err != nil || first[0].Err != nil {
			t.Fatal(err, first[0].Err)
		}
		again, err := events.Apply(t.Context(), []record.Write{create})
		if err != nil || again[0].Err != nil || again[0].Ref != first[0].Ref || again[0].Version != first[0].Version {
			t.Errorf("%+v: %v, %+v, want %s", w, err, again[0], first[0].Ref)
		}
		// A person has changed it since: whoever asked must look first.
		r.must(r.actor().Patch("/me/events/"+string(first[0].Ref), map[string]any{"subject": "Mine"}))
		if again, _ = events.Apply(t.Context(), []record.Write{create}); fault.ReasonOf(again[0].Err) != fault.OutcomeUnknown {
			t.Errorf("%+v: after a person's change: %+v", w, again[0])
		}
		// A person has deleted it since: it does not come back.
		r.must(r.actor().Delete("/me/events/" + string(first[0].Ref)))
		if again, _ = events.Apply(t.Context(), []record.Write{create}); !fault.Is(again[0].Err, fault.Gone) {
			t.Errorf("%+v: after a person's deletion: %+v", w, again[0])
		}
		if n := r.sim.Mailbox(adele).Count(string(link.Container)); n != 0 {
			t.Errorf("%d events", n)
		}
	}
}

// So is an event in which a person has filled in, before the answer was known to be lost, what the create says nothing of: else what was
// typed would count as agreed on, and never reach the CRM.
func TestL1_WhatWasTypedIntoAnEventWhoseCreateWasNotAnsweredIsLookedAt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, events := r.events()
	fields := eventSample(1)
	delete(fields, "categories")
	create := record.Write{Op: record.Create, Fields: fields, Token: "1-a"}
	first, err := events.Apply(t.Context(), []record.Write{create})
	if err != nil || first[0].Err != nil {
		t.Fatal(err, first[0].Err)
	}
	r.must(r.actor().Patch("/me/events/"+string(first[0].Ref), map[string]any{"categories": []string{"Typed"}}))
	again, err := events.Apply(t.Context(), []record.Write{create})
	if err != nil || fault.ReasonOf(again[0].Err) != fault.OutcomeUnknown {
		t.Errorf("%v, %+v", err, again[0])
	}
	found, err := events.Find(t.Context(), []string{"1-a"})
	if err != nil || found["1-a"].Fields["categories"] != "Typed" {
		t.Errorf("%v, %+v", err, found)
	}
}

// I1: a version that moved between planning and writing is a conflict, also when Graph ignores If-Match.
func TestI1_ConflictWithoutIfMatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.SetWarts(m365sim.Warts{IgnoreContactIfMatch: true})
	link := r.container(record.Contacts)
	made := r.fill(link, 1)[0]
	r.must(r.actor().Patch("/me/contacts/"+string(made.Ref), map[string]any{"nickName": "Ninha"}))
	for _, op := range []record.Op{record.Update, record.Delete} {
		out, err := r.side(link).Apply(t.Context(), []record.Write{{Op: op, Ref: made.Ref, Version: made.Version, Fields: record.Fields{"title": "X"}}})
		if err != nil || !fault.Is(out[0].Err, fault.Conflict) {
			t.Errorf("%v, %+v", err, out[0])
		}
	}
}

// FIELD-FAILURES 62: a 412 is "read again", never "send again", with cause or without.
func TestFF62_PreconditionFailed(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link := r.container(kind)
		made := r.fill(link, 1)[0]
		r.sim.Next("part PATCH *", m365sim.Fail(412))
		before := r.sim.Requests().Parts
		field := map[record.Kind]record.Field{record.Contacts: "title", record.Calendar: "subject"}[kind]
		out, err := r.side(link).Apply(t.Context(), []record.Write{{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: record.Fields{field: "X"}}})
		if err != nil || !fault.Is(out[0].Err, fault.Conflict) {
			t.Errorf("%s: %v, %+v", kind, err, out[0])
		}
		if n := r.sim.Requests().Parts - before; n > 2 {
			t.Errorf("%s: %d parts, want a look and a try", kind, n)
		}
	}
}

// One record that always fails concerns nobody else (L4).
func TestL4_PoisonIsLocal(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		r.unasked.Store(true)
		link := r.container(kind)
		made := r.fill(link, 30)
		poison := 7
		r.sim.Next("part PATCH *"+string(made[poison].Ref), m365sim.Fail(500).Repeat(-1))
		field := map[record.Kind]record.Field{record.Contacts: "title", record.Calendar: "subject"}[kind]
		var writes []record.Write
		for _, m := range made {
			writes = append(writes, record.Write{Op: record.Update, Ref: m.Ref, Version: m.Version, Fields: record.Fields{field: "X"}})
		}
		out, err := r.side(link).Apply(t.Context(), writes)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for i, o := range out {
			if (o.Err != nil) != (i == poison) {
				t.Errorf("%s: record %d: %v", kind, i, o.Err)
			}
		}
		r.sim.ClearFaults()
	}
}

// What stops the link says of every write that was not sent that it did not happen.
func TestApplyStopsForTheLink(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		r.unasked.Store(true)
		link := r.container(kind)
		made := r.fill(link, 2)
		r.sim.Next("POST /v1.0/$batch", m365sim.Throttle(time.Hour).Repeat(-1))
		out, err := r.side(link).Apply(t.Context(), []record.Write{
			{Op: record.Update, Ref: made[0].Ref, Version: made[0].Version, Fields: record.Fields{"categories": "X"}},
			{Op: record.Create, Fields: r.sample(kind, 9), Token: "1-z"},
		})
		if !fault.Is(err, fault.Throttled) || fault.RetryAfter(err) < time.Minute {
			t.Errorf("%s: %v", kind, err)
		}
		for i, o := range out {
			if o.Err == nil || fault.ReasonOf(o.Err) == fault.OutcomeUnknown {
				t.Errorf("%s: write %d: %v", kind, i, o.Err)
			}
		}
	}
}

// I9: what we do not tell stays as it is.
func TestI9_ForeignDataOfAContact(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link := r.container(record.Contacts)
	id := r.must(r.actor().Post(r.containerPath(link)+"/contacts", `{"givenName":"Ana","surname":"A","fileAs":"A, Ana","yomiGivenName":"y","children":["Bia"],
		"emailAddresses":[{"name":"Ana at work","address":"ana@contoso.example"},{"name":"Home","address":"ana@home.example"}],
		"imAddresses":["sip:a","sip:b"],"businessAddress":{"street":"Rua 1","city":"São Paulo","countryOrRegion":"Brasil"}}`))["id"].(string)
	seen, err := r.side(link).Read(t.Context(), []record.Ref{record.Ref(id)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.side(link).Apply(t.Context(), []record.Write{{Op: record.Update, Ref: record.Ref(id), Version: seen[0].Version, Fields: record.Fields{
		"emailAddresses[1]": "new@home.example", "imAddresses[0]": "sip:c", "businessAddress.city": "Rio", "jobTitle": "Chefe",
	}}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out[0].Err)
	}
	_, doc := r.actor().Get("/me/contacts/" + id)
	for _, want := range []struct{ name, is string }{
		{"emailAddresses", "[map[address:ana@contoso.example name:Ana at work] map[address:new@home.example name:Home]]"},
		{"imAddresses", "[sip:c sip:b]"}, {"children", "[Bia]"}, {"fileAs", "A, Ana"}, {"yomiGivenName", "y"}, {"displayName", "Ana A"},
		{"businessAddress", "map[city:Rio countryOrRegion:Brasil street:Rua 1]"}, {"jobTitle", "Chefe"},
	} {
		if got := fmt.Sprint(doc[want.name]); got != want.is {
			t.Errorf("%s = %s, want %s", want.name, got, want.is)
		}
	}
}

// Places of a list keep their number when one before them is cleared.
func TestPlacesKeepTheirNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link := r.container(record.Contacts)
	made := r.fill(link, 1)[0]
	out, err := r.side(link).Apply(t.Context(), []record.Write{{Op: record.Update, Ref: made.Ref, Version: made.Version, Fields: record.Fields{
		"emailAddresses[0]": "", "businessPhones[0]": "",
	}}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out[0].Err)
	}
	for name, want := range map[record.Field]record.Value{
		"emailAddresses[0]": "", "emailAddresses[1]": "ana@home.example", "emailAddresses[2]": "third@home.example",
		"businessPhones[0]": "", "businessPhones[1]": "+55 11 3333-0002",
	} {
		if got := out[0].Fields[name]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// displayName goes with the parts of the name, and with what stands for a name where there is none.
func TestDisplayName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link := r.container(record.Contacts)
	for _, c := range []struct {
		fields record.Fields
		want   string
	}{
		{record.Fields{"givenName": "Ana", "middleName": "B.", "surname": "Almeida", "companyName": "Contoso"}, "Ana B. Almeida"},
		{record.Fields{"surname": "Almeida"}, "Almeida"},
		{record.Fields{"companyName": "Contoso", "emailAddresses[0]": "ana@contoso.example"}, "Contoso"},
		{record.Fields{"emailAddresses[0]": "ana@contoso.example"}, "ana@contoso.example"},
	} {
		out, err := r.side(link).Apply(t.Context(), []record.Write{{Op: record.Create, Fields: c.fields, Token: "1-" + c.want}})
		if err != nil || out[0].Err != nil {
			t.Fatal(err, out[0].Err)
		}
		_, doc := r.actor().Get("/me/contacts/" + string(out[0].Ref))
		if doc["displayName"] != c.want {
			t.Errorf("%v is called %v, want %s", c.fields, doc["displayName"], c.want)
		}
	}
}

// D4: a meeting that somebody was invited to is not touched, by whatever kind of write, and nobody hears anything.
func TestD4_NobodyGetsMail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, events := r.events()
	id := r.must(r.actor().Post(r.containerPath(link)+"/events", `{"subject":"Meeting","start":{"dateTime":"2026-03-02T10:00:00","timeZone":"UTC"},
		"end":{"dateTime":"2026-03-02T11:00:00","timeZone":"UTC"},"attendees":[{"emailAddress":{"address":"alex@contoso.example"},"type":"required"}]}`))["id"].(string)
	r.mails = 1 // her own invitation
	seen, err := events.Read(t.Context(), []record.Ref{record.Ref(id)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := events.Apply(t.Context(), []record.Write{
		{Op: record.Update, Ref: record.Ref(id), Version: seen[0].Version, Fields: record.Fields{"subject": "Other"}},
		{Op: record.Delete, Ref: record.Ref(id), Version: seen[0].Version},
		{Op: record.Create, Fields: eventSample(3), Token: "1-c"},
	})
	if err != nil || out[2].Err != nil {
		t.Fatal(err, out[2].Err)
	}
	for i := range 2 {
		if !fault.Is(out[i].Err, fault.Invalid) || fault.ReasonOf(out[i].Err) != fault.WouldMail {
			t.Errorf("write %d: %v", i, out[i].Err)
		}
	}
	if err := r.containers().Remove(t.Context(), link); fault.ReasonOf(err) != fault.WouldMail {
		t.Errorf("removing the calendar: %v", err)
	}
}

// FIELD-FAILURES 96, with a real body: the subject changes and the link to join stays; so it does when the text changes.
func TestFF96_OnlineMeeting(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, events := r.events()
	id := record.Ref(r.must(r.actor().Post(r.containerPath(link)+"/events", `{"subject":"Online","isOnlineMeeting":true,"onlineMeetingProvider":"teamsForBusiness",
		"body":{"contentType":"html","content":"<p>Agenda</p>"},"start":{"dateTime":"2026-03-02T10:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-03-02T11:00:00","timeZone":"UTC"}}`))["id"].(string))
	_, before := r.actor().Get("/me/events/" + string(id))
	url := before["onlineMeeting"].(map[string]any)["joinUrl"].(string)
	for _, fields := range []record.Fields{{"subject": "Renamed"}, {"body": "Agenda"}, {"body": "New agenda\nwith two lines"}} {
		seen, err := events.Read(t.Context(), []record.Ref{id})
		if err != nil {
			t.Fatal(err)
		}
		out, err := events.Apply(t.Context(), []record.Write{{Op: record.Update, Ref: id, Version: seen[0].Version, Fields: fields}})
		if err != nil || out[0].Err != nil {
			t.Fatal(err, out[0].Err)
		}
		for name, want := range fields {
			if got := out[0].Fields[name]; got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		_, after := r.actor().Get("/me/events/" + string(id))
		meeting, _ := after["onlineMeeting"].(map[string]any)
		body := after["body"].(map[string]any)["content"].(string)
		if meeting["joinUrl"] != url || !strings.Contains(body, "me-email-headline") {
			t.Errorf("after %v the meeting has no link any more: %v, %s", fields, meeting, body)
		}
	}
}

// TestConformance_AnEditThatIfMatchLetsPassIsLookedAt (§3.8): where Graph does not honour If-Match, what somebody changed between our
// reading and our writing is not taken for known.
func TestConformance_AnEditThatIfMatchLetsPassIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		var between atomic.Pointer[func()]
		r := newRig(t, func(o *graph.Options) {
			seen := o.Observe
			o.Observe = func(ex graph.Exchange) {
				seen(ex)
				if edit := between.Swap(nil); edit != nil {
					(*edit)()
				}
			}
		})
		r.sim.SetWarts(m365sim.Warts{IgnoreContactIfMatch: true, IgnoreEventIfMatch: true})
		link := r.container(kind)
		made := r.fill(link, 1)
		path, theirs := "/me/contacts/", record.Field("surname")
		if kind == record.Calendar {
			path, theirs = "/me/events/", "subject"
		}
		edit := func() { r.must(r.actor().Patch(path+string(made[0].Ref), `{"`+string(theirs)+`":"Somebody"}`)) }
		between.Store(&edit)
		out, err := r.side(link).Apply(t.Context(), []record.Write{
			{Op: record.Update, Ref: made[0].Ref, Version: made[0].Version, Fields: record.Fields{"categories": "X"}},
		})
		if err != nil || fault.ReasonOf(out[0].Err) != fault.OutcomeUnknown {
			t.Errorf("%s: %+v, %v", kind, out, err)
		}
		now, err := r.side(link).Read(t.Context(), []record.Ref{made[0].Ref})
		if err != nil {
			t.Fatal(err)
		}
		if f := now[0].Fields; f["categories"] != "X" || f[theirs] != "Somebody" {
			t.Errorf("%s: it is %v", kind, f)
		}
	}
}

// What follows a write, the photo of a contact or what is done to occurrences of a series, is not done where another write stops the link.
func TestI6_WhatDoesNotFollowIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		link := r.container(kind)
		side, more := reconcile.Side(NewEvents(r.box, r.options(link), nil)), record.Fields{"exdates": "2026-03-04"}
		first := weekly("")
		if kind == record.Contacts {
			album, keep := r.album()
			side, more = NewContacts(r.box, r.options(link), nil).WithPhotos(album), record.Fields{photoField: keep(photos.PNG(t, 1, 300, 300))}
			first = contactSample(1)
		}
		made, err := side.Apply(t.Context(), []record.Write{{Op: record.Create, Fields: first, Token: "1-a"}, {Op: record.Create, Fields: r.sample(kind, 2), Token: "1-b"}})
		if err != nil || made[0].Err != nil || made[1].Err != nil {
			t.Fatal(kind, err, made)
		}
		r.sim.Next("part PATCH *", m365sim.Fail(404).As("MailboxNotEnabledForRESTAPI").Repeat(-1))
		r.sim.Next("PATCH *", m365sim.Fail(404).As("MailboxNotEnabledForRESTAPI").Repeat(-1))
		out, err := side.Apply(t.Context(), []record.Write{
			{Op: record.Update, Ref: made[0].Ref, Version: made[0].Version, Fields: more},
			{Op: record.Update, Ref: made[1].Ref, Version: made[1].Version, Fields: record.Fields{"categories": "X"}},
		})
		if err == nil || out[0].Err == nil {
			t.Errorf("%s: %v, and the write of which a part was not sent: %+v", kind, err, out[0])
		}
	}
}
