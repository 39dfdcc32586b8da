package m365sim

import (
	"fmt"
	"sort"
	"strings"
	"testing"
)

// round follows a delta round to its end and returns the items and the deltaLink.
func (b *bench) round(path string, headers ...string) (items []map[string]any, link string) {
	b.t.Helper()
	all, last := b.pages(path, headers...)
	link = last.text("@odata.deltaLink")
	if link == "" {
		b.t.Fatalf("the last page has no deltaLink: %s", last.raw)
	}
	return all, link
}

func names(items []map[string]any, property string) string {
	var list []string
	for _, it := range items {
		if it["@removed"] != nil {
			list = append(list, "-")
			continue
		}
		list = append(list, fmt.Sprint(it[property]))
	}
	sort.Strings(list)
	return strings.Join(list, " ")
}

func TestContactsDelta(t *testing.T) {
	b := newBench(t)
	folder := fill(t, b, 12)
	path := "/me/contactFolders/" + folder + "/contacts"
	size := []string{"Prefer", "odata.maxpagesize=5"}

	first := b.want(b.do("GET", path+"/delta", "", size[0], size[1]), 200)
	if len(first.list()) != 5 || first.text("@odata.nextLink") == "" || first.text("@odata.deltaLink") != "" {
		t.Fatalf("first page: %s", first.raw)
	}
	if strings.Contains(first.text("@odata.nextLink"), "select") {
		t.Error("a link shows its options")
	}
	all, link := b.round(path+"/delta?$select=givenName", size...)
	if len(all) != 12 || all[0]["surname"] != nil || all[0]["id"] == nil {
		t.Fatalf("first round: %d items, %v", len(all), all[0])
	}
	none, link := b.round(link)
	if len(none) != 0 {
		t.Errorf("nothing changed, yet %v", none)
	}

	id := func(i int) string { return all[i]["id"].(string) }
	b.want(b.do("PATCH", path+"/"+id(0), `{"givenName":"Changed"}`), 200)
	b.want(b.do("PATCH", path+"/"+id(0), `{"surname":"Twice"}`), 200)
	b.want(b.do("DELETE", path+"/"+id(1)), 204)
	b.must(path, `{"givenName":"New"}`)
	added := b.must(path, `{"givenName":"Short-lived"}`)
	b.want(b.do("DELETE", path+"/"+added), 204)
	changes, next := b.round(link)
	if got := names(changes, "givenName"); got != "- - Changed New" {
		t.Errorf("changes: %s", got)
	}
	for _, c := range changes {
		if c["@removed"] != nil && c["id"] != id(1) && c["id"] != added {
			t.Errorf("a tombstone names %v", c["id"])
		}
	}
	if again, _ := b.round(link); names(again, "givenName") != "- - Changed New" {
		t.Error("an old link tells the same again")
	}

	other := b.must("/me/contactFolders", `{"displayName":"Other"}`)
	if _, err := b.sim.Mailbox(adele).Move(id(2), other); err != nil {
		t.Fatal(err)
	}
	if gone, _ := b.round(next); len(gone) != 1 || gone[0]["id"] != id(2) || gone[0]["@removed"] == nil {
		t.Errorf("moved out: %v", gone)
	}

	b.sim.ForgetSyncStates(adele)
	b.want(b.do("GET", next), 410, "SyncStateNotFound")
	b.want(b.do("GET", path+"/delta?$deltatoken=nonsense"), 410, "SyncStateNotFound")
	fresh, link := b.round(path + "/delta")
	if len(fresh) != 11 {
		t.Errorf("after the reset %d contacts, want 11", len(fresh))
	}
	b.want(b.do("GET", strings.Replace(link, folder, other, 1)), 410, "SyncStateNotFound")
	b.want(b.do("GET", path+"/delta?$filter=surname eq 'x'"), 400)
	b.sim.Reset(false)
	b.want(b.do("GET", link), 404)
}

// A change of an item that stands on a later page of the same round is not lost.
func TestContactsDeltaWhileChanging(t *testing.T) {
	b := newBench(t)
	folder := fill(t, b, 20)
	path := "/me/contactFolders/" + folder + "/contacts"
	page := b.want(b.do("GET", path+"/delta"), 200)
	first := page.list()[0]["id"].(string)
	b.want(b.do("PATCH", path+"/"+first, `{"givenName":"Late"}`), 200)
	rest, _ := b.round(page.text("@odata.nextLink"))
	if got := names(rest, "givenName"); !strings.Contains(got, "Late") || len(rest) != 11 {
		t.Errorf("the rest of the round: %s", got)
	}
}

// Sweeping the log of changes leaves what delta tells as it was.
func TestDeltaAfterSweep(t *testing.T) {
	b := newBench(t)
	folder := fill(t, b, 40)
	path := "/me/contactFolders/" + folder + "/contacts"
	all, link := b.round(path + "/delta")
	person := b.sim.As(adele)
	for n := range 1000 {
		person.Patch(path+"/"+all[n%7]["id"].(string), fmt.Sprintf(`{"jobTitle":"%d"}`, n))
	}
	person.Delete(path + "/" + all[20]["id"].(string))
	box := b.sim.mailboxOf(b.sim.Person(adele).ID)
	box.mu.Lock()
	entries := len(box.folders[3].log.entries)
	box.mu.Unlock()
	if entries > 700 {
		t.Errorf("%d entries for 40 items: the log is never swept", entries)
	}
	if changes, _ := b.round(link); len(changes) != 8 {
		t.Errorf("%d changes, want 7 items and a tombstone", len(changes))
	}
}

func TestContactFoldersDelta(t *testing.T) {
	b := newBench(t)
	one := b.must("/me/contactFolders", `{"displayName":"One"}`)
	all, link := b.round("/me/contactFolders/delta")
	if names(all, "displayName") != "One" {
		t.Errorf("first round: %v", all)
	}
	b.must("/me/contactFolders", `{"displayName":"Two"}`)
	b.want(b.do("DELETE", "/me/contactFolders/"+one), 204)
	if changes, _ := b.round(link); names(changes, "displayName") != "- Two" {
		t.Errorf("changes: %v", changes)
	}
}

func TestCalendarViewDelta(t *testing.T) {
	b := newBench(t)
	calendar := b.must("/me/calendars", `{"name":"CRM"}`)
	events := "/me/calendars/" + calendar + "/events"
	inside := b.must(events, event("Inside", "2026-03-10T10:00:00", ""))
	outside := b.must(events, event("Outside", "2026-09-10T10:00:00", ""))
	series := b.must(events, event("Series", "2026-03-02T09:00:00", `"recurrence":{"pattern":{"type":"weekly","interval":1,"daysOfWeek":["monday"],"firstDayOfWeek":"sunday"},"range":{"type":"noEnd","startDate":"2026-03-02"}}`))
	path := "/me/calendars/" + calendar + "/calendarView/delta?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z"
	all, link := b.round(path, "Prefer", "odata.maxpagesize=3")
	if got := names(all, "type"); got != "occurrence occurrence occurrence occurrence occurrence seriesMaster singleInstance" {
		t.Errorf("first round: %s", got)
	}
	for _, it := range all {
		if it["type"] == "occurrence" && (it["subject"] != nil || it["seriesMasterId"] != series || it["start"] == nil) {
			t.Errorf("an occurrence is bare: %v", it)
		}
	}
	b.want(b.do("PATCH", "/me/events/"+outside, `{"subject":"Still outside"}`), 200)
	b.want(b.do("PATCH", "/me/events/"+inside, `{"start":{"dateTime":"2026-05-10T10:00:00","timeZone":"UTC"},"end":{"dateTime":"2026-05-10T11:00:00","timeZone":"UTC"}}`), 200)
	changes, link := b.round(link)
	if names(changes, "subject") != "- -" { // neither was deleted (§0.3)
		t.Errorf("out of the window: %v", changes)
	}
	instances := b.do("GET", "/me/events/"+series+"/instances?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z").list()
	b.want(b.do("DELETE", "/me/events/"+instances[1]["id"].(string)), 204)
	changes, link = b.round(link)
	if got := names(changes, "type"); got != "occurrence occurrence occurrence occurrence seriesMaster" { // no tombstone (§4)
		t.Errorf("after one occurrence was deleted: %s", got)
	}
	b.want(b.do("DELETE", "/me/events/"+series), 204)
	if changes, _ := b.round(link); names(changes, "type") != "-" {
		t.Errorf("after the series was deleted: %v", changes)
	}
	b.want(b.do("GET", path+"&$select=subject"), 400)
	b.want(b.do("GET", "/me/calendarView/delta?startDateTime=&endDateTime=2026-04-01"), 400, "ErrorInvalidParameter")
}

// event is the JSON of an event of one hour in UTC, with more members.
func event(subject, start, more string) string {
	hour := start[11:13]
	end := start[:11] + fmt.Sprintf("%02d", (int(hour[0]-'0')*10+int(hour[1]-'0')+1)%24) + start[13:]
	if more != "" {
		more = "," + more
	}
	return `{"subject":"` + subject + `","start":{"dateTime":"` + start + `","timeZone":"UTC"},"end":{"dateTime":"` + end + `","timeZone":"UTC"}` + more + `}`
}
