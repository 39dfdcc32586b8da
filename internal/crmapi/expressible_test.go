package crmapi_test

import (
	"testing"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

func payday(title, rule string) string {
	return `{"Event_Title":"` + title + `","Start_DateTime":"2026-03-15T09:00:00-03:00","End_DateTime":"2026-03-15T10:00:00-03:00","Recurring_Activity":{"RRULE":"` + rule + `"}}`
}

const twice, once = "FREQ=MONTHLY;BYMONTHDAY=15,30", "FREQ=MONTHLY;BYMONTHDAY=15"

// TestS16_RulesThatOutlookCannotSayAreRefusedWithTheReason: where the event is to go to Outlook, and only there.
func TestS16_RulesThatOutlookCannotSayAreRefusedWithTheReason(t *testing.T) {
	s := newServer(t)
	id := s.add(adele, "Events", payday("Without a sync any rule is good", twice))
	s.links.links = []reconcile.Link{{ID: 7, Org: contoso, User: adele, Kind: record.Calendar, State: reconcile.On}}
	refused := []string{"data.0.code", "INVALID_DATA", "data.0.details.api_name", "Recurring_Activity",
		"data.0.details.reason", "Microsoft 365 has no such repetition: it names several days"}

	s.do(adele, "POST", "/crm/v8/Events", `{"data":[`+payday("Twice a month", twice)+`]}`).wants(400, refused...)
	plain := s.add(adele, "Events", payday("Once a month", once))
	s.do(adele, "PUT", "/crm/v8/Events/"+plain, `{"data":[{"Recurring_Activity":{"RRULE":"`+twice+`"}}]}`).wants(400, refused...)
	s.do(adele, "GET", "/crm/v8/Events/"+plain, "").wants(200, "data.0.Recurring_Activity.RRULE", "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15;DTSTART=2026-03-15")

	// What stood before stays editable: its title, its time, its rule sent back as it is; and away from it there is a way.
	edit := "/crm/v8/Events/" + id
	s.do(adele, "PUT", edit, `{"data":[{"Event_Title":"Payday"}]}`).wants(200, "data.0.code", "SUCCESS")
	s.do(adele, "PUT", edit, `{"data":[`+payday("Payday", twice)+`]}`).wants(200, "data.0.code", "SUCCESS")
	s.do(adele, "PUT", edit, `{"data":[{"Start_DateTime":"2026-03-15T08:00:00-03:00"}]}`).wants(200, "data.0.code", "SUCCESS")
	s.do(adele, "PUT", edit, `{"data":[{"Recurring_Activity":{"RRULE":"FREQ=MONTHLY;BYMONTHDAY=15,28"}}]}`).wants(400, refused...)
	s.do(adele, "PUT", edit, `{"data":[{"Recurring_Activity":{"RRULE":"`+once+`"}}]}`).wants(200, "data.0.code", "SUCCESS")

	// One bad one does not stop the others, and colleagues who do not sync are asked nothing.
	s.do(adele, "POST", "/crm/v8/Events", `{"data":[`+payday("Bad", twice)+`,`+payday("Good", once)+`]}`).wants(207,
		"data.0.code", "INVALID_DATA", "data.1.code", "SUCCESS")
	s.add(alex, "Events", payday("Alex does not sync", twice))
	s.add(adele, "Events", `{"Owner":{"id":"`+alex.String()+`"},`+payday("For Alex", twice)[1:])
	s.do(alex, "POST", "/crm/v8/Events", `{"data":[{"Owner":{"id":"`+adele.String()+`"},`+payday("For Adele", twice)[1:]+`]}`).wants(400, refused...)

	for state, change := range map[string]func(*reconcile.Link){
		"one way, into the CRM": func(l *reconcile.Link) { l.Policy.Direction = mapping.ToCRM },
		"being switched off":    func(l *reconcile.Link) { l.State = reconcile.Switching },
		"contacts only":         func(l *reconcile.Link) { l.Kind = record.Contacts },
	} {
		link := s.links.links[0]
		change(&s.links.links[0])
		s.add(adele, "Events", payday(state, twice))
		s.links.links[0] = link
	}
}

// TestS16_ChangedOccurrencesAreRefusedInWords: what an occurrence cannot have is said, with its day, and nothing is written.
func TestS16_ChangedOccurrencesAreRefusedInWords(t *testing.T) {
	s := newServer(t)
	id := s.add(adele, "Events", payday("Daily", "FREQ=DAILY;COUNT=10"))
	for given, reason := range map[string]string{
		`[{"Day":"2026-03-30","Venue":"R"}]`:                                  "2026-03-30 is not a day of the series",
		`[{"Day":"2026-03-16","Owner":"R"}]`:                                  "2026-03-16: Owner: cannot be changed in one occurrence",
		`[{"Day":"2026-03-16","Recurring_Activity":{"RRULE":"FREQ=DAILY"}}]`:  "2026-03-16: Recurring_Activity: cannot be changed in one occurrence",
		`[{"Day":"2026-03-16","Start_DateTime":"2026-03-17T12:00:00-03:00"}]`: "2026-03-16: an occurrence may not be moved to, or past, the day of the one before or after it",
		`[{"Day":"2026-03-16","End_DateTime":"2026-03-16T08:00:00-03:00"}]`:   "2026-03-16: End_DateTime: is before the start",
		`[{"Day":"2026-03-16","Venue":"R"},{"Day":"2026-03-16","Venue":"Q"}]`: "2026-03-16 is named twice",
		`[{"Venue":"R"}]`:                      "every occurrence needs its Day, such as 2026-03-16",
		`[{"Day":"tomorrow","Venue":"R"}]`:     "every occurrence needs its Day, such as 2026-03-16",
		`[{"Day":"2026-03-16","Venue":["R"]}]`: "2026-03-16: Venue: wrong type",
		`{"2026-03-16":{"Venue":"R"}}`:         "must be a list of objects",
	} {
		s.do(adele, "PUT", "/crm/v8/Events/"+id, `{"data":[{"Changed_Occurrences":`+given+`}]}`).wants(400,
			"data.0.code", "INVALID_DATA", "data.0.details.api_name", "Changed_Occurrences", "data.0.details.reason", reason)
	}
	s.do(adele, "GET", "/crm/v8/Events/"+id, "").wants(200, "data.0.Changed_Occurrences", "[]")
}
