package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// fill inserts events, in order, as a script on the CRM itself does.
func (c *client) fill(source record.Source, all []record.Fields) (ids []record.ID) {
	c.t.Helper()
	u := c.user()
	actor := crm.Actor{Author: crm.Author{Org: u.Org, User: u.ID}, Contacts: record.Full, Events: record.Full}
	rules := crm.New(c.app.Store.Records(), func(context.Context, record.ID, record.ID) (bool, error) { return true, nil }, time.Now)
	for part := range slices.Chunk(all, 500) {
		drafts := make([]crm.Draft, len(part))
		for i, f := range part {
			drafts[i] = crm.Draft{Fields: f, Source: source}
		}
		got, err := rules.Insert(c.t.Context(), actor, record.Calendar, drafts)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, r := range got {
			if r.Err != nil {
				c.t.Fatal(r.Err)
			}
			ids = append(ids, r.Record.ID)
		}
	}
	return ids
}

// S18, S19: the first sync sends 5,000 events: those to come, soonest first, then those over, latest first. In that order they
// arrive at Graph. The rest is counted and says why; S20: what was imported is, too.
func TestS18S19S20_TheFirstSyncSendsFiveThousandSoonestFirst(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves out the first sync of 5,000 events, which takes seconds: `make test` runs it")
	}
	d := startDemo(t)
	adele := d.client("adele")
	const future, past, beyond = 2600, 2412, 12
	now := time.Now().UTC().Truncate(time.Hour)
	event := func(title string, start time.Time) record.Fields {
		return record.Fields{
			record.EventTitle: record.Value(title), record.Start: record.Value(start.Format(time.RFC3339)),
			record.End: record.Value(start.Add(30 * time.Minute).Format(time.RFC3339)),
		}
	}
	var all []record.Fields
	rank := map[string]int{} // of each title, by the promise
	for i := range future {
		title := fmt.Sprint("future ", i)
		rank[title] = i
		all = append(all, event(title, now.Add(time.Duration(i+2)*time.Hour)))
	}
	for i := range past {
		title := fmt.Sprint("past ", i)
		rank[title] = future + i
		all = append(all, event(title, now.Add(-time.Duration(i+2)*time.Hour)))
	}
	// Neither the order in which they were made nor that of their ids is the promised one.
	for i, j := 0, len(all)-1; i < j; i, j = i+2, j-2 {
		all[i], all[j] = all[j], all[i]
	}
	ids := adele.fill(record.Manual, all)
	imported := adele.fill(record.Import, []record.Fields{event("imported", now.Add(3*time.Hour)), event("migrated", now.Add(4*time.Hour))})
	adele.switchOn("calendar")
	d.eventually("the first sync is done", func() bool {
		l := adele.link("calendar")
		return l["synced"] == float64(reconcile.FirstSyncEvents) && l["waiting"] == 0.0
	})

	var arrived []int
	path := adele.container("calendar") + "/events?$select=id,subject,createdDateTime&$top=999"
	for path != "" {
		_, page := d.as("adele").Get(path)
		for _, item := range page["value"].([]any) {
			r, known := rank[item.(doc)["subject"].(string)]
			if !known {
				t.Fatalf("Outlook has %v", item)
			}
			arrived = append(arrived, r)
		}
		path, _ = page["@odata.nextLink"].(string)
	}
	if len(arrived) != reconcile.FirstSyncEvents {
		t.Fatalf("%d events arrived", len(arrived))
	}
	// Four batches of twenty are under way at once, none more than eight places before one that has not ended, and Graph
	// carries out their parts in whichever order.
	const underWay = 8 * 20
	for i, r := range arrived {
		if r >= reconcile.FirstSyncEvents || r < i-underWay || r > i+underWay {
			t.Fatalf("event %d by the promise arrived as number %d", r, i)
		}
	}
	link := adele.link("calendar")
	if link["excluded"] != float64(beyond+len(imported)) || link["failing"] != 0.0 {
		t.Errorf("the link counts %v", link)
	}
	left := adele.standings("excluded")
	reasons := map[string]int{}
	for _, r := range left {
		reasons[fmt.Sprint(r["reason"])]++
	}
	if reasons[string(fault.BeyondFirstSync)] != beyond || reasons[string(fault.Imported)] != len(imported) {
		t.Errorf("left out for %v", reasons)
	}

	// A later change brings one in that was left out; S21: a mass update brings in what was imported, an edit does not.
	var out record.ID
	for _, id := range ids {
		if s, ok := left[id.String()]; ok && s["reason"] == string(fault.BeyondFirstSync) {
			out = id
		}
	}
	adele.call("PUT", "/crm/v8/Events/"+out.String(), doc{"data": []doc{{"Venue": "changed"}}}, 200)
	adele.call("PUT", "/crm/v8/Events/"+imported[0].String(), doc{"data": []doc{{"Venue": "edited"}}}, 200)
	adele.call("POST", "/crm/v8/Events/actions/mass_update", doc{"data": []doc{{"Venue": "updated"}}, "ids": []string{imported[1].String()}}, 200)
	d.eventually("two more are there", func() bool {
		l := adele.link("calendar")
		return l["synced"] == float64(reconcile.FirstSyncEvents+2) && l["waiting"] == 0.0
	})
	left = adele.standings("excluded")
	if left[out.String()] != nil || left[imported[0].String()]["reason"] != string(fault.Imported) || left[imported[1].String()] != nil {
		t.Errorf("left out are %v", left)
	}
}

// S22, S24: switched off, the calendar is gone from Outlook and everything is whole in the CRM, what was typed a second before
// too; on again, it is all there once. No other calendar is touched.
func TestS15S22S24_TheCalendarGoesAndComes(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	adele.insert("Events", visits(3)...)
	d.as("adele").Post("/me/events", doc{"subject": "Private", "start": at("2026-12-01T14:00:00", "UTC"), "end": at("2026-12-01T15:00:00", "UTC")})
	adele.switchOn("calendar")
	for round := range 3 {
		adele.inStep(3 + round)
		adele.planned(doc{"subject": fmt.Sprint("Last ", round), "sensitivity": "private"})
		adele.call("DELETE", "/api/v1/links/"+adele.link("calendar")["id"].(string), nil, 204)
		d.eventually("the calendar is gone", func() bool { return adele.link("calendar") == nil && adele.container("calendar") == "" })
		all := adele.list("Events", "Event_Title")
		if len(all) != 4+round || all["Private"] != nil || adele.event(fmt.Sprint("Last ", round))["Sensitivity"] != "private" {
			t.Fatalf("after switching off %d: %v", round, all)
		}
		if _, events := d.as("adele").Get("/me/calendar/events"); len(events["value"].([]any)) != 1 {
			t.Fatalf("the other calendar has %v", events["value"])
		}
		adele.call("POST", "/api/v1/links", doc{"kind": "calendar"}, 201)
	}
	adele.inStep(6)
	adele.restOf("calendar")
}
