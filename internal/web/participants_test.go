package web

import (
	"strings"
	"testing"

	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// FIELD-FAILURES 128: whoever plans a meeting sees of each colleague whether their calendar is connected.
func TestFF128_TheOrganizerSeesWhoseCalendarIsConnected(t *testing.T) {
	t.Parallel()
	const adele, alex, admin = "adele@contoso.example", "alex@contoso.example", "admin@contoso.example"
	w := newWorld(t)
	for upn, state := range map[string]reconcile.LinkState{alex: reconcile.On, admin: reconcile.Paused} {
		w.link(upn, record.Calendar, nil, func(l *reconcile.Link) { l.State = state })
	}
	ana := w.contact(adele, record.Fields{record.LastName: "Silva"})
	me, b := w.users[adele].ID.String(), w.as(adele)
	page := b.post("/calendar", "Event_Title", "Visita", "Start_DateTime", "2026-11-24T09:00", "End_DateTime", "2026-11-24T10:00", "Time_Zone", "America/Sao_Paulo", "participants", "1",
		"participant", "user:"+w.users[alex].ID.String(), "participant", "user:"+w.users[admin].ID.String(), "participant", "user:"+me, "participant", "contact:"+ana.ID.String())
	if page.status != 200 {
		t.Fatal(page.status)
	}
	for upn, says := range map[string]string{
		alex:  "Syncs their Outlook calendar",
		admin: "The sync of their Outlook calendar stands still",
		adele: "Does not sync an Outlook calendar",
	} {
		if !strings.Contains(page.text(), upn+" "+says) {
			t.Errorf("of %s it does not say %q:\n%s", upn, says, page.text())
		}
	}
	if n := strings.Count(page.body, "data-calendar="); n != 3 {
		t.Errorf("it is said of %d people, not of the three colleagues", n)
	}
}

// TestParticipants_AreNamedAndLeftOutInTheForm: users, contacts and addresses, without script; what is unclear is asked about
// and nothing else is lost.
func TestParticipants_AreNamedAndLeftOutInTheForm(t *testing.T) {
	t.Parallel()
	const adele = "adele@contoso.example"
	w := newWorld(t)
	ana := w.contact(adele, record.Fields{record.FirstName: "Ana", record.LastName: "Silva", record.EmailField: "ana@client.example"})
	w.contact(adele, record.Fields{record.FirstName: "Bia", record.LastName: "Souza"})
	w.contact(adele, record.Fields{record.FirstName: "Bia", record.LastName: "Souza", record.EmailField: "bia2@client.example"})
	b := w.as(adele)
	form := []string{"Event_Title", "Visita", "Start_DateTime", "2026-11-24T09:00", "End_DateTime", "2026-11-24T10:00", "Time_Zone", "America/Sao_Paulo", "participants", "1"}
	refused := b.post("/calendar", append(form, "participants_new", "ana silva\r\nBia Souza; Nobody Knows, x@y.example")...)
	if refused.status != 422 || !strings.Contains(refused.text(), "Several people match “Bia Souza”") || !strings.Contains(refused.text(), "Nobody here is called “Nobody Knows”") {
		t.Fatalf("unclear names: %d\n%s", refused.status, refused.text())
	}
	key := "contact:" + ana.ID.String()
	if !strings.Contains(refused.body, `value="`+key+`" checked`) || !strings.Contains(refused.body, `value="email:x@y.example:" checked`) ||
		!strings.Contains(refused.body, ">Bia Souza\nNobody Knows</textarea>") {
		t.Errorf("what was clear is lost:\n%s", refused.body)
	}
	made := b.post("/calendar", append(form, "participant", key, "participants_new", "BIA2@client.example\nGrady <alex@contoso.example>\nCaio Reis <caio@z.example>\nana@client.example")...)
	if !strings.Contains(made.text(), "Ana Silva ana@client.example") {
		t.Fatalf("made: %d at %s\n%s", made.status, made.path, made.text())
	}
	events, err := w.crm.List(t.Context(), w.actor(adele), record.Calendar, crm.Query{})
	w.must(err)
	people := crm.Participants(events[0].Fields[record.Participants])
	if len(people) != 4 || people[0].ID != ana.ID || people[1].Type != crm.ContactTakesPart || people[2].ID != w.users["alex@contoso.example"].ID ||
		people[3] != (crm.Participant{Type: crm.EmailTakesPart, Email: "caio@z.example", Name: "Caio Reis"}) {
		t.Fatalf("participants are %+v", people)
	}
	path := "/calendar/" + events[0].ID.String()
	b.post(path, append(form[:len(form)-2:len(form)-2], "version", "1")...) // a form without them leaves them
	b.post(path, append(form, "participant", key, "version", "1")...)
	r, err := w.crm.Get(t.Context(), w.actor(adele), record.Calendar, events[0].ID)
	w.must(err)
	if now := crm.Participants(r.Fields[record.Participants]); len(now) != 1 || now[0].ID != ana.ID {
		t.Errorf("after all but one were left out: %+v", now)
	}
}
