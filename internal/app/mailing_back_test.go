package app_test

import (
	"log/slog"
	"strings"
	"tandem/internal/app"
	"tandem/internal/crm"
	"tandem/internal/record"
	"testing"
	"time"
)

// cameBack is a meeting that its owner's calendar in the CRM loses and has again.
type cameBack struct {
	*desk
	admin *client
	id    string
}

// TestFF58_AMeetingThatCameBackIsOnePair: a meeting was deleted here, or given away, and is still in Outlook with the people who are
// invited to it. Back in the CRM the two are one pair again: nobody is mailed, nothing is held back, and who is invited stays
// invited. One that was called off meanwhile comes back as an event to which nobody is invited.
func TestFF58_AMeetingThatCameBackIsOnePair(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		away func(b *cameBack)
		back func(b *cameBack)
		off  bool // it was called off in between
	}{
		{name: "held back", away: heldBack, back: restored},
		{name: "kept in Outlook", away: func(b *cameBack) {
			heldBack(b)
			b.press(b.asksOff(2), "Decide", map[string]string{"off-0": "keep"}, "on its way")
			b.eventually("it is out of the sync", func() bool { return b.link("calendar")["excluded"] == 1.0 })
		}, back: restored},
		{name: "kept, with the option off", away: func(b *cameBack) {
			heldBack(b)
			b.press(b.asksOff(2), "Decide", map[string]string{"off-0": "keep"}, "on its way")
			b.eventually("it is out of the sync", func() bool { return b.link("calendar")["excluded"] == 1.0 })
			b.invites(false)
		}, back: restored},
		{name: "given away", away: func(b *cameBack) {
			b.give(b.demo.client("alex"))
			b.asksOff(2)
		}, back: func(b *cameBack) { b.give(b.desk.client) }},
		{name: "deleted once more and taken back", away: heldBack, back: func(b *cameBack) {
			restored(b)
			page := b.press(b.press(b.open("/calendar/"+b.id), "Delete", nil, "mails 2 people that it is off"), "Only here, mail nobody", nil)
			b.press(page, "Undo", nil)
		}},
		{name: "called off", off: true, away: func(b *cameBack) {
			heldBack(b)
			b.press(b.asksOff(2), "Decide", map[string]string{"off-0": "yes"}, "on its way")
			b.eventually("it is off", func() bool { return b.items("calendar", "subject")["Visita"] == nil })
			b.mailed(4, "two cancellations")
		}, back: restored},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele := d.client("adele")
			k, id := d.invited(adele)
			b := &cameBack{desk: k, admin: d.client("admin"), id: id}
			before := adele.items("calendar", "subject")["Visita"]
			c.away(b)
			adele.restOf("calendar")
			c.back(b)
			d.eventually("it is in step", func() bool {
				l := adele.link("calendar")
				return l["synced"] == 1.0 && l["failing"] == 0.0 && l["excluded"] == 0.0
			})
			adele.inStep(1)
			adele.restOf("calendar")
			if text := k.open(questionsPath).Text; !strings.Contains(text, "nothing to decide") {
				t.Errorf("still asked: %s", text)
			}
			item, people := adele.items("calendar", "subject")["Visita"], 2
			if c.off {
				people = 0
			} else if item["id"] != before["id"] || item["changeKey"] != before["changeKey"] {
				t.Error("Outlook's event was written, or made anew")
			}
			if n := len(answers(item)); n != people {
				t.Errorf("%d people are invited, want %d", n, people)
			}
			d.noMails()
			if c.off {
				return
			}
			// What is changed now is held back until its owner agrees, and then mails those who are invited.
			k.press(k.press(k.open("/calendar/"+id), "Save", map[string]string{"Venue": "Sala 9"}, "2 people"), "Save and mail 2 people", nil)
			d.eventually("Outlook has it", func() bool {
				return adele.items("calendar", "subject")["Visita"]["location"].(doc)["displayName"] == "Sala 9"
			})
			d.mailed(4, "two updates")
			if n := len(answers(adele.items("calendar", "subject")["Visita"])); n != 2 {
				t.Errorf("after a change %d people are invited", n)
			}
			adele.inStep(1)
		})
	}
}

// give hands the event to another user, by an administrator.
func (b *cameBack) give(to *client) {
	b.admin.call("PUT", "/crm/v8/Events/"+b.id, doc{"data": []doc{{"Owner": doc{"id": to.user().ID.String()}}}}, 200)
}

// heldBack deletes an event in the CRM by the API, which has no way to agree to mails.
func heldBack(b *cameBack) {
	b.call("DELETE", "/crm/v8/Events/"+b.id, nil, 200)
	b.asksOff(2)
}

// restored takes the only event of the recycle bin out of it, on its page.
func restored(b *cameBack) {
	b.press(b.open("/recycle-bin"), "Restore Visita", nil, "Visita")
}

// TestFF58_AskedAgainAMeetingThatWasEditedIsAQuestion: what was typed in Outlook while a meeting was kept there does not bring its record
// back when its person wants to be asked again, nor does somebody's answer to the invitation; what is typed after that does.
func TestFF58_AskedAgainAMeetingThatWasEditedIsAQuestion(t *testing.T) {
	t.Parallel()
	for _, then := range []string{"called off", "edited once more"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele := d.client("adele")
			k, id := d.invited(adele)
			visit := func() doc { return adele.items("calendar", "subject")["Visita"] }
			typed := func(place string) {
				t.Helper()
				d.mails += 2 // updates, by hand
				if status, refused := d.as("adele").Patch("/me/events/"+visit()["id"].(string), doc{"location": doc{"displayName": place}}); status != 200 {
					t.Fatal(status, refused)
				}
			}
			b := &cameBack{desk: k, id: id}
			heldBack(b)
			adele.restOf("calendar")
			k.press(k.asksOff(2), "Decide", map[string]string{"off-0": "keep"}, "on its way")
			d.eventually("it is out of the sync", func() bool { return adele.link("calendar")["excluded"] == 1.0 })
			adele.restOf("calendar")
			typed("Roof")
			adele.restOf("calendar")

			k.press(k.open(questionsPath), "Ask me again", nil, "asked again")
			adele.restOf("calendar")
			d.mails++ // megan's answer to adele
			d.answer("megan", "accept")
			adele.restOf("calendar")
			page := k.asksOff(2)
			if !strings.Contains(page.Text, "Roof") {
				t.Errorf("the question does not say what Outlook has: %s", page.Text)
			}
			if adele.event("Visita") != nil {
				t.Fatal("the record came back by itself")
			}
			if then == "edited once more" {
				typed("Garden")
				d.eventually("the record is back", func() bool { r := adele.event("Visita"); return r != nil && r["id"] == id && r["Venue"] == "Garden" })
				adele.inStep(1)
				adele.restOf("calendar")
				d.noMails()
				return
			}
			k.press(page, "Decide", map[string]string{"off-0": "yes"}, "on its way")
			d.eventually("it is off", func() bool { return visit() == nil })
			d.mailed(d.mails+2, "two cancellations")
			adele.inStep(0)
		})
	}
}

// TestL5_AMeetingThatIsKeptOutlivesTheLossOfPairs: what sync knew of a meeting that is kept in Outlook is lost with a restored backup. It
// is not made a second time, not deleted, mails nobody and fails nothing; its record may come back to it.
func TestL5_AMeetingThatIsKeptOutlivesTheLossOfPairs(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"with its record in the recycle bin", "with its record destroyed", "still a question"} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			adele := d.client("adele")
			k, id := d.invited(adele)
			before := adele.items("calendar", "subject")["Visita"]
			heldBack(&cameBack{desk: k, id: id})
			adele.restOf("calendar")
			if lost != "still a question" {
				k.press(k.asksOff(2), "Decide", map[string]string{"off-0": "keep"}, "on its way")
				d.eventually("it is out of the sync", func() bool { return adele.link("calendar")["excluded"] == 1.0 })
			}
			if lost == "with its record destroyed" {
				user := adele.user()
				number, _ := record.ParseID(id)
				if err := d.app.Store.Records().Destroy(t.Context(), crm.Author{Org: user.Org, User: user.ID}, record.Calendar, []record.ID{number}, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			d.atRest()
			if n, err := app.Relink(t.Context(), d.database, "adele@contoso.example", slog.New(slog.DiscardHandler)); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			d.wake(adele, "calendar")
			d.atRest()
			d.wake(adele, "calendar")
			adele.restOf("calendar")
			items := adele.items("calendar", "id")
			if len(items) != 1 || items[before["id"].(string)] == nil || items[before["id"].(string)]["changeKey"] != before["changeKey"] {
				t.Errorf("Outlook has %v", items)
			}
			if len(answers(adele.items("calendar", "subject")["Visita"])) != 2 {
				t.Error("the people who are invited are others")
			}
			if lost == "with its record destroyed" { // nothing says any more that it was deleted: it is an event like others in Outlook
				adele.inStep(1)
			} else { // its person is asked once more
				k.asksOff(2)
				restored(&cameBack{desk: k, id: id})
				adele.inStep(1)
				if now := adele.items("calendar", "subject")["Visita"]; adele.event("Visita")["id"] != id || now["changeKey"] != before["changeKey"] || len(answers(now)) != 2 {
					t.Errorf("restored, Outlook has %v", now)
				}
			}
			adele.restOf("calendar")
			if n := len(adele.list("Events", "id")); n != 1 {
				t.Errorf("the CRM has %d events", n)
			}
			d.noMails()
		})
	}
}
