package realdata

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const crmEvent = `{"id":"1","Event_Title":"Tea","Start_DateTime":"2026-03-10T09:00:00-03:00","End_DateTime":"2026-03-10T10:00:00-03:00",
	"All_day":false,"Time_Zone":"America/Sao_Paulo","Venue":"Room","Description":"a\nb","Remind_At":[{"unit":2,"period":"hours"}],
	"Tag":[{"name":"x"},{"name":"y"}],"Recurring_Activity":{"RRULE":"FREQ=DAILY;INTERVAL=1;DTSTART=2026-03-10;COUNT=3","EXDATE":"2026-03-11"}}`

const graphEvent = `{"subject":"Tea","start":{"dateTime":"2026-03-10T12:00:00.0000000","timeZone":"UTC"},
	"end":{"dateTime":"2026-03-10T13:00:00.0000000","timeZone":"UTC"},"isAllDay":false,"originalStartTimeZone":"E. South America Standard Time",
	"location":{"displayName":"Room"},"body":{"content":"a\r\nb\r\n"},"isReminderOn":true,"reminderMinutesBeforeStart":120,"categories":["y","x"]}`

// What is the same is found so, and every single change is found.
func TestEventsAreCompared(t *testing.T) {
	t.Parallel()
	was := flat("Events", parsed(t, crmEvent))
	if d := diff("crm", "outlook", was, meeting(parsed(t, graphEvent)), eventKeys); len(d) > 0 {
		t.Errorf("the same event: %+v", d)
	}
	for field, change := range map[string][2]string{
		"Event_Title": {`"Tea"`, `"Tee"`}, "Start_DateTime": {"12:00:00.0", "12:30:00.0"}, "End_DateTime": {"13:00:00.0", "13:30:00.0"},
		"Time_Zone": {"E. South America", "Tokyo"}, "Venue": {`"Room"`, `"Hall"`}, "Description": {`a\r\nb`, `a b`},
		"Remind_At": {"120", "15"}, "Tag": {`"y",`, ``},
	} {
		text := strings.Replace(graphEvent, change[0], change[1], 1)
		d := diff("crm", "outlook", was, meeting(parsed(t, text)), eventKeys)
		if len(d) != 1 || d[0].Field != field {
			t.Errorf("%s changed: %+v", field, d)
		}
	}
	if d := diff("crm", "outlook", was, meeting(parsed(t, strings.Replace(graphEvent, `"isAllDay":false`, `"isAllDay":true`, 1))), eventKeys); len(d) == 0 {
		t.Error("an event that became all-day is taken for the same")
	}
}

func TestContactsAreCompared(t *testing.T) {
	t.Parallel()
	fields := map[string]any{}
	item := map[string]any{"emailAddresses": []any{map[string]any{"address": "a@b.example"}, map[string]any{"address": "c@d.example"}},
		"businessPhones": []any{"1"}, "homePhones": []any{"2"}, "birthday": "1980-03-22T11:59:00Z", "categories": []any{"x"},
		"businessAddress": map[string]any{"street": "S", "city": "C", "state": "T", "postalCode": "Z", "countryOrRegion": "R"},
		"otherAddress":    map[string]any{"street": "s", "city": "c", "state": "t", "postalCode": "z", "countryOrRegion": "r"},
		"title":           "Dr.", "givenName": "Ana", "surname": "Silva", "jobTitle": "CEO", "companyName": "P", "department": "D", "mobilePhone": "3",
		"assistantName": "Bia", "personalNotes": "n"}
	flatItem, keys := contact(item)
	for k, v := range flatItem {
		fields[k] = v
	}
	fields["Account_Name"], fields["Tag"] = map[string]any{"name": "P"}, []any{map[string]any{"name": "x"}}
	if len(flatItem) != len(keys) {
		t.Errorf("%d of %d fields are read: %v", len(flatItem), len(keys), flatItem)
	}
	was := flat("Contacts", fields)
	if d := diff("crm", "outlook", was, flatItem, keys); len(d) > 0 {
		t.Errorf("the same contact: %+v", d)
	}
	for _, k := range keys {
		other := maps.Clone(flatItem)
		delete(other, k)
		if d := diff("crm", "outlook", was, other, keys); len(d) != 1 || d[0].Field != k {
			t.Errorf("%s is missing: %+v", k, d)
		}
	}
}

func TestOccurrencesAreCompared(t *testing.T) {
	t.Parallel()
	days := []string{"2026-03-10T12:00:00", "2026-03-12T12:00:00"}
	var graph *httptest.Server
	graph = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next, at := "", 0
		if r.URL.Query().Get("page") == "" { // two pages
			next = fmt.Sprintf(`,"@odata.nextLink":%q`, graph.URL+r.URL.Path+"?page=2")
		} else {
			at = 1
		}
		fmt.Fprintf(w, `{"value":[{"start":{"dateTime":"%s.0000000","timeZone":"UTC"}}]%s}`, days[at], next)
	}))
	defer graph.Close()
	s := &Service{URL: graph.URL, HTTP: graph.Client()}
	if d := s.occurrences(t.Context(), "id", parsed(t, crmEvent)); len(d) > 0 {
		t.Errorf("the same series: %+v", d)
	}
	days[1] = "2026-03-11T12:00:00" // the day that is left out
	if d := s.occurrences(t.Context(), "id", parsed(t, crmEvent)); len(d) != 1 || d[0].Field != "Recurring_Activity" {
		t.Errorf("another series: %+v", d)
	}
}

func TestTheReportCountsWhatIsUnexplained(t *testing.T) {
	t.Parallel()
	o := Options{Graph: &Service{}}
	lost := &Plan{Module: "Contacts", ID: "1"}
	o.compare(t.Context(), lost, standing{}, nil)
	gone := &Plan{Module: "Contacts", ID: "2"}
	o.compare(t.Context(), gone, standing{State: "synced", Microsoft: "m"}, nil)
	parked := &Plan{Module: "Contacts", ID: "3"}
	o.compare(t.Context(), parked, standing{State: "failing", Reason: "too_long"}, nil)
	r := &Report{Entries: []*Entry{{Kind: "VCARD", Plans: []*Plan{lost, gone, parked}}}}
	if n := r.Unexplained(); n != 2 {
		t.Errorf("%d unexplained, want the lost and the absent one", n)
	}
	if n := r.Totals(); n.NotInStep != 3 || n.States["failing too_long"] != 1 {
		t.Errorf("%+v", n)
	}
}
