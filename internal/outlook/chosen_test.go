package outlook

import (
	"testing"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// A calendar that a person has already is taken if it is theirs and can be written to. It gets no mark, so that it is never
// mistaken for a dedicated one, and nothing removes it.
func TestS15_AChosenCalendarIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dedicated := r.container(record.Calendar)
	for name, edit := range map[string]bool{"Holidays": false, "Team": true} {
		if !r.sim.ShareCalendar(adele, "alex@contoso.example", name, edit) {
			t.Fatal("nothing was shared")
		}
	}
	all, err := Calendars(t.Context(), r.box)
	if err != nil {
		t.Fatal(err)
	}
	fit := map[string]bool{}
	var own, shared record.Ref
	for _, c := range all {
		fit[c.Name] = c.Fit
		switch {
		case c.Default:
			own = c.ID
		case c.Name == "Team":
			shared = c.ID
		}
	}
	if len(fit) != 4 || !fit["Calendar"] || fit["Holidays"] || fit["Team"] || fit["Tandem"] {
		t.Errorf("fit are %v", fit)
	}

	link := r.link(record.Calendar)
	for _, ref := range []record.Ref{shared, dedicated.Container, "gone"} {
		link.Policy.Calendar = ref
		if _, _, err := r.containers().Create(t.Context(), link, "Tandem"); fault.ReasonOf(err) != fault.CalendarUnfit {
			t.Errorf("%s: %v", ref, err)
		}
	}
	link.Policy.Calendar = own
	for name, take := range map[string]func() (record.Ref, string, error){
		"create":   func() (record.Ref, string, error) { return r.containers().Create(t.Context(), link, "Tandem") },
		"existing": func() (record.Ref, string, error) { return r.containers().Existing(t.Context(), link) },
	} {
		if id, called, err := take(); id != own || called != "Calendar" || err != nil {
			t.Errorf("%s: %s %q, %v", name, id, called, err)
		}
	}
	link.Container = own
	if err := r.containers().Remove(t.Context(), link); fault.ReasonOf(err) != fault.Refused {
		t.Errorf("removed: %v", err)
	}
	if again, err := Calendars(t.Context(), r.box); err != nil || len(again) != len(all) {
		t.Errorf("%d calendars, %v", len(again), err)
	}
}

// D4: in such a calendar no write touches a meeting, whoever organizes it.
func TestD4_AChosenCalendarsMeetingsAreNotWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.mails = 2 // the invitations to the two meetings
	guests := []map[string]any{{"emailAddress": map[string]any{"address": adele}, "type": "required"}}
	alex := r.sim.As("alex@contoso.example")
	at := func(s string) map[string]any { return map[string]any{"dateTime": s, "timeZone": "UTC"} }
	r.must(alex.Post("/me/events", map[string]any{"subject": "Theirs", "start": at("2031-05-06T14:00:00"), "end": at("2031-05-06T15:00:00"), "attendees": guests}))
	guests[0]["emailAddress"] = map[string]any{"address": "alex@contoso.example"}
	r.must(r.actor().Post("/me/events", map[string]any{"subject": "Own", "start": at("2031-05-07T14:00:00"), "end": at("2031-05-07T15:00:00"), "attendees": guests}))
	calendar := r.must(r.actor().Get("/me/calendar"))["id"].(string)
	side := NewEvents(r.box, Options{
		Container: record.Ref(calendar), Meetings: true, Colleague: func(a string) bool { return a == "alex@contoso.example" },
	}, nil)
	page, err := side.Changes(t.Context(), "", 0)
	if err != nil || len(page.Changes) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, c := range page.Changes {
		theirs := c.Fields["subject"] == "Theirs"
		if c.Colleagues != theirs {
			t.Errorf("%s is a colleague's: %t", c.Fields["subject"], c.Colleagues)
		}
		want := map[bool]fault.Reason{true: fault.NotOrganizer, false: fault.WouldMail}[theirs]
		out, err := side.Apply(t.Context(), []record.Write{
			{Op: record.Update, Ref: c.Ref, Version: c.Version, Fields: record.Fields{"subject": "x"}}, {Op: record.Delete, Ref: c.Ref, Version: c.Version},
		})
		if err != nil || fault.ReasonOf(out[0].Err) != want || fault.ReasonOf(out[1].Err) != want {
			t.Errorf("%s: %+v, %v", c.Fields["subject"], out, err)
		}
	}
}
