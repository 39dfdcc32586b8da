package outlook

import (
	"testing"

	"tandem/internal/fault"
	"tandem/internal/m365sim"
	"tandem/internal/record"
)

// A person invited somebody to one occurrence of a series: taking that day out in the CRM must not cancel it by mail.
func TestD4_TakingOutAnOccurrenceMailsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.unasked.Store(true)
	_, events := r.events()
	o := r.applied(events, record.Write{Op: record.Create, Fields: weekly(""), Token: "1-exclude"})
	doc := r.must(r.actor().Get("/me/events/" + string(o.Ref) + "/instances?startDateTime=2026-03-04T00:00:00&endDateTime=2026-03-05T00:00:00"))
	occurrence := doc["value"].([]any)[0].(map[string]any)["id"].(string)
	r.must(r.actor().Patch("/me/events/"+occurrence, map[string]any{"attendees": []any{
		map[string]any{"emailAddress": map[string]any{"address": "alex@contoso.example"}, "type": "required"},
	}}))
	r.mails = 1 // the invitation itself
	seen, err := events.Read(t.Context(), []record.Ref{o.Ref})
	if err != nil {
		t.Fatal(err)
	}
	out, err := events.Apply(t.Context(), []record.Write{{
		Op: record.Update, Ref: o.Ref, Version: seen[0].Version, Fields: record.Fields{"exdates": "2026-03-04"},
	}})
	if err != nil || fault.ReasonOf(out[0].Err) != fault.WouldMail {
		t.Errorf("got %v, %v", out[0].Err, err)
	}
}

// One item that may not be written is that item's fault, not the link's.
func TestL4_OneForbiddenItemIsLocal(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		r := newRig(t)
		r.unasked.Store(true)
		link := r.container(kind)
		made := r.fill(link, 3)
		r.sim.Next("part PATCH *"+string(made[1].Ref), m365sim.Fail(403).Repeat(-1))
		field := map[record.Kind]record.Field{record.Contacts: "title", record.Calendar: "subject"}[kind]
		out, err := r.side(link).Apply(t.Context(), []record.Write{
			{Op: record.Update, Ref: made[1].Ref, Version: made[1].Version, Fields: record.Fields{field: "X"}},
		})
		if err != nil || out[0].Err == nil {
			t.Errorf("%s: the link: %v, the item: %v", kind, err, out[0].Err)
		}
	}
}
