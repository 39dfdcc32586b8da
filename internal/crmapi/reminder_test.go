package crmapi_test

import (
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
)

// When Outlook has taken its reminder away, writing back what is told of the others makes none of them Outlook's.
func TestRemindersThatAreLeftStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.add(adele, "Events", `{"Event_Title":"x","Start_DateTime":"2026-03-11T10:00:00Z","End_DateTime":"2026-03-11T11:00:00Z",
		"Remind_At":[{"unit":15,"period":"minutes"},{"unit":1,"period":"days","time":"10.30"}]}`)
	n, _ := record.ParseID(id)
	side := s.crm.Side(crm.LinkSide{Org: contoso, User: adele, Kind: record.Calendar, Zone: "UTC", Cap: 10})
	seen, err := side.Read(t.Context(), []record.Ref{n.Ref()})
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(time.Minute)
	out, err := side.Apply(t.Context(), []record.Write{{Op: record.Update, Ref: n.Ref(), Version: seen[0].Version, Fields: record.Fields{record.RemindAt: ""}}})
	if err != nil || out[0].Err != nil {
		t.Fatal(out, err)
	}
	uri := "/crm/v8/Events/" + id
	s.do(adele, "GET", uri, "").wants(200, "data.0.Remind_At.0.time", "10.30", "data.0.Remind_At.1", "")
	s.back(uri, "Remind_At")
}
