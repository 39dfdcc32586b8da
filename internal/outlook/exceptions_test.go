package outlook

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/m365sim"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// changed are the exceptions of a series in Microsoft's words.
func changed(days map[string]record.Fields) record.Value {
	var all []record.Occurrence
	for day, own := range days {
		all = append(all, record.Occurrence{Day: day, Fields: own})
	}
	return record.OccurrencesValue(all)
}

func moved(start, end string) record.Fields {
	return record.Fields{"start": record.Value(start), "end": record.Value(end)}
}

// occurrenceSeen is where an occurrence takes place at Microsoft, and what it is called.
type occurrenceSeen struct{ start, end, subject, location, id string }

// seen lists the occurrences of a series as a person sees them, by the day from which each comes.
func (r *rig) seen(id record.Ref, from, to time.Time, loc *time.Location) map[string]occurrenceSeen {
	r.Helper()
	out := map[string]occurrenceSeen{}
	const most = 1800 * 24 * time.Hour
	for ; from.Before(to); from = from.Add(most) {
		end := from.Add(most)
		if to.Before(end) {
			end = to
		}
		path := "/me/events/" + string(id) + "/instances?startDateTime=" + from.Format(wallLayout) + "&endDateTime=" + end.Format(wallLayout) +
			"&$top=999&$select=id,type,start,end,originalStart,subject,location,isAllDay"
		for path != "" {
			doc := r.must(r.actor().Get(path))
			for _, each := range doc["value"].([]any) {
				e := each.(map[string]any)
				whence, told := e["originalStart"].(string)
				if !told {
					whence = r.must(r.actor().Get("/me/events/" + e["id"].(string)))["originalStart"].(string)
				}
				origin, err := time.Parse(time.RFC3339, whence)
				if err != nil {
					r.Fatal(err)
				}
				at := func(name string) string { return e[name].(map[string]any)["dateTime"].(string)[:19] + "Z" }
				out[origin.In(loc).Format(time.DateOnly)] = occurrenceSeen{
					at("start"), at("end"), e["subject"].(string), e["location"].(map[string]any)["displayName"].(string), e["id"].(string),
				}
			}
			next, _ := doc["@odata.nextLink"].(string)
			if path = ""; next != "" {
				link, err := url.Parse(next)
				if err != nil {
					r.Fatal(err)
				}
				path = strings.TrimPrefix(link.RequestURI(), "/v1.0")
			}
		}
	}
	return out
}

func (r *rig) noMails() {
	r.Helper()
	if n := len(r.sim.Mails()); n != 0 {
		r.Errorf("%d mails left Exchange", n)
	}
}

// worlds are the ways in which Exchange may keep exceptions, of which the documentation says nothing.
var worlds = map[string]m365sim.Warts{
	"likely": {}, "exceptions share a version": {ExceptionsShareVersion: true}, "a master's version stands": {ExceptionsLeaveMaster: true},
	"exceptions outlive other times": {KeepExceptions: true}, "no originalStart": {ExceptionsHideOrigin: true},
}

// Exceptions that do not say where they come from are asked for together, of however many series they are.
func TestOriginsCostOneRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.SetWarts(m365sim.Warts{ExceptionsHideOrigin: true})
	_, events := r.events()
	var refs []record.Ref
	for i := range 4 {
		fields := weekly("").With(record.Fields{"exceptions": changed(map[string]record.Fields{"2026-03-04": {"subject": "Once"}})})
		refs = append(refs, r.applied(events, record.Write{Op: record.Create, Fields: fields, Token: fmt.Sprint("1-", i)}).Ref)
	}
	n := r.counted(func() {
		found, err := events.Read(t.Context(), refs)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range found {
			if !strings.Contains(string(change.Fields["exceptions"]), "Once") {
				t.Errorf("%v", change.Fields)
			}
		}
	})
	if n != 2 {
		t.Errorf("%d requests for 4 series", n)
	}
}

func TestChangedOccurrences(t *testing.T) {
	t.Parallel()
	for name, warts := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.sim.SetWarts(warts)
			_, events := r.events()
			fields := weekly("2026-03-09").With(record.Fields{"location": "Room 1", "body": "Agenda", "reminder": "15", "exceptions": changed(map[string]record.Fields{
				"2026-03-04": {"subject": "Once", "location": "", "body": "Other\nagenda", "reminder": "", "categories": "VIP"},
				"2026-03-11": moved("2026-03-11T18:00:00Z", "2026-03-11T18:30:00Z"),
				"2026-03-18": {"start": "2026-03-17", "end": "2026-03-18", "isAllDay": "true"},
			})})
			o := r.applied(events, record.Write{Op: record.Create, Fields: fields, Token: "1-a"})
			r.told(events, o, fields)

			// One goes back, one changes, one comes anew, one is deleted; the title of all changes.
			next := fields.With(record.Fields{"subject": "Renamed", "exdates": "2026-03-09,2026-03-18", "exceptions": changed(map[string]record.Fields{
				"2026-03-04": {"subject": "Once", "location": "", "body": "Other\nagenda", "reminder": "", "categories": "VIP"},
				"2026-03-16": {"location": "Room 2"},
			})})
			o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{
				"subject": next["subject"], "exdates": next["exdates"], "exceptions": next["exceptions"]}})
			r.told(events, o, next)

			// Later by an hour, from Mondays and Wednesdays to Mondays and Thursdays: what is still there keeps what it has.
			later := next.With(record.Fields{
				"start": "2026-03-02T14:00:00Z", "end": "2026-03-02T15:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=20",
				"exdates": "2026-03-09", "exceptions": changed(map[string]record.Fields{"2026-03-16": {"location": "Room 2"}}),
			})
			o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{
				"start": later["start"], "end": later["end"], "recurrence": later["recurrence"], "exdates": later["exdates"], "exceptions": later["exceptions"]}})
			r.told(events, o, later)
			if n := r.instances(o.Ref); n != 19 {
				t.Errorf("%d occurrences, want 19", n)
			}
			// A single event, and a series again.
			single := later.With(record.Fields{"recurrence": "", "exdates": "", "exceptions": ""})
			o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"recurrence": "", "exdates": "", "exceptions": ""}})
			r.told(events, o, single)
			again := record.Fields{"recurrence": "FREQ=DAILY;COUNT=5", "exdates": "2026-03-03", "exceptions": changed(map[string]record.Fields{"2026-03-04": {"subject": "X"}})}
			o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: again})
			r.told(events, o, single.With(again))
			r.noMails()
		})
	}
}

// FIELD-FAILURES 21, 32: an occurrence is known by the day that the rule gave it, however often it is moved.
func TestFF21_FF32_MovedTwice(t *testing.T) {
	t.Parallel()
	for name, warts := range worlds {
		r := newRig(t)
		r.sim.SetWarts(warts)
		_, events := r.events()
		o := r.applied(events, record.Write{Op: record.Create, Fields: weekly(""), Token: "1-a"})
		for _, to := range []string{"2026-03-10", "2026-03-06"} { // of Monday the 9th: to the Tuesday after it, to the Friday before it
			id := r.seen(o.Ref, at("2026-03-01"), at("2026-03-20"), saoPaulo)
			r.must(r.actor().Patch("/me/events/"+id["2026-03-09"].id, map[string]any{
				"start": map[string]any{"dateTime": to + "T20:00:00", "timeZone": "UTC"}, "end": map[string]any{"dateTime": to + "T21:00:00", "timeZone": "UTC"},
			}))
			read, err := events.Read(t.Context(), []record.Ref{o.Ref})
			want := changed(map[string]record.Fields{"2026-03-09": moved(to+"T20:00:00Z", to+"T21:00:00Z")})
			if err != nil || read[0].Fields["exceptions"] != want {
				t.Errorf("%s: %s, want %s (%v)", name, read[0].Fields["exceptions"], want, err)
			}
		}
		r.noMails()
	}
}

var saoPaulo = func() *time.Location {
	loc, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		panic(err)
	}
	return loc
}()

func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t
}

// FIELD-FAILURES 24: an occurrence that would be put to, or past, its neighbour's day is refused with the reason; whatever
// else was asked for is done. Moves that are possible together are possible in whatever order they are asked for.
func TestFF24_NeighboursAreNotPassed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, events := r.events()
	o := r.applied(events, record.Write{Op: record.Create, Fields: weekly(""), Token: "1-a"})
	for _, to := range []string{"2026-03-09", "2026-03-12", "2026-03-02", "2026-02-01"} {
		out, err := events.Apply(t.Context(), []record.Write{{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{
			"subject": record.Value("To " + to), "exceptions": changed(map[string]record.Fields{
				"2026-03-04": moved(to+"T13:00:00Z", to+"T14:00:00Z"), "2026-03-16": {"location": record.Value("For " + to)},
			})}}})
		if err != nil || fault.ReasonOf(out[0].Err) != fault.NotExpressible || !strings.Contains(out[0].Err.Error(), "the occurrence of 2026-03-04 cannot be moved") {
			t.Fatalf("to %s: %v, %v", to, err, out[0].Err)
		}
		want := changed(map[string]record.Fields{"2026-03-16": {"location": record.Value("For " + to)}})
		if o = out[0]; o.Fields["exceptions"] != want || o.Fields["subject"] != record.Value("To "+to) {
			t.Errorf("to %s: the rest is %s", to, o.Fields["exceptions"])
		}
	}
	shift := func(days int) record.Value {
		all := map[string]record.Fields{}
		for _, day := range []string{"2026-03-02", "2026-03-04", "2026-03-09", "2026-03-11", "2026-03-16"} {
			to := at(day).AddDate(0, 0, days).Format(time.DateOnly)
			all[day] = moved(to+"T13:00:00Z", to+"T14:00:00Z")
		}
		return changed(all)
	}
	// The 18th and the 23rd make room; the others follow each other, to days on which their neighbours have been before.
	o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"exdates": "2026-03-18,2026-03-23", "exceptions": shift(6)}})
	for _, days := range []int{5, 2, -1, 6, -3} {
		o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"exceptions": shift(days)}})
		r.told(events, o, record.Fields{"exceptions": shift(days)})
	}
	r.noMails()
}

// FIELD-FAILURES 22, 25: after the days of a series have changed in Outlook, every occurrence is that of the new rule; after
// they have changed in the CRM, the series is the same item, with as many occurrences as before.
func TestFF22_FF25_TheDaysOfASeriesChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, events := r.events()
	o := r.applied(events, record.Write{Op: record.Create, Fields: weekly("2026-03-04").With(record.Fields{
		"exceptions": changed(map[string]record.Fields{"2026-03-09": {"subject": "X"}})}), Token: "1-a"})
	r.must(r.actor().Patch("/me/events/"+string(o.Ref), map[string]any{
		"start": map[string]any{"dateTime": "2026-03-03T10:00:00", "timeZone": "E. South America Standard Time"}, "end": map[string]any{"dateTime": "2026-03-03T11:00:00", "timeZone": "E. South America Standard Time"},
		"recurrence": map[string]any{"pattern": map[string]any{"type": "weekly", "interval": 1, "daysOfWeek": []string{"tuesday"}},
			"range": map[string]any{"type": "numbered", "startDate": "2026-03-03", "numberOfOccurrences": 20}},
	}))
	read, err := events.Read(t.Context(), []record.Ref{o.Ref})
	if err != nil || read[0].Fields["recurrence"] != "FREQ=WEEKLY;BYDAY=TU;COUNT=20" || read[0].Fields["exdates"] != "" || read[0].Fields["exceptions"] != "" {
		t.Fatalf("%v, %v", read, err)
	}
	expanded := expansion(t, read[0].Fields)
	there := r.seen(o.Ref, at("2026-01-01"), at("2027-01-01"), saoPaulo)
	if len(expanded) != 20 || len(there) != 20 {
		t.Errorf("%d occurrences, at Microsoft %d, want 20", len(expanded), len(there))
	}
	for day, e := range there {
		if expanded[day] != e.start {
			t.Errorf("%s is at %s, at Microsoft %s", day, expanded[day], e.start)
		}
	}
	o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: read[0].Version, Fields: record.Fields{
		"start": "2026-03-05T13:00:00Z", "end": "2026-03-05T14:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=TH;COUNT=20"}})
	list := r.must(r.actor().Get("/me/events?$top=100"))["value"].([]any)
	if n := r.instances(o.Ref); o.Ref != read[0].Ref || n != 20 || len(list) > 1 {
		t.Errorf("%s has %d occurrences, and %d events are in the default calendar", o.Ref, n, len(list))
	}
	r.noMails()
}

// expansion tells the starts of a series, told in Microsoft's words, by day, as the CRM expands it.
func expansion(t *testing.T, theirs record.Fields) map[string]string {
	t.Helper()
	series, ok := crm.SeriesOf(mapping.Default(record.Calendar).ToCRM(theirs))
	if !ok {
		t.Fatalf("no time: %v", theirs)
	}
	out := map[string]string{}
	for _, o := range series.Between(at("1990-01-01"), at("2100-01-01"), 5000) {
		out[o.Day] = o.Start.UTC().Format(momentLayout)
	}
	return out
}

// FIELD-FAILURES 26: a new title of a series is one write, and leaves exceptions and people alone.
func TestFF26_ATitleIsOneWrite(t *testing.T) {
	t.Parallel()
	writes := 0
	r := newRig(t, func(o *graph.Options) {
		observe := o.Observe
		o.Observe = func(ex graph.Exchange) {
			writes += strings.Count(string(ex.Body), `"method":"PATCH"`) + strings.Count(string(ex.Body), `"method":"POST"`) + strings.Count(string(ex.Body), `"method":"DELETE"`)
			observe(ex)
		}
	})
	_, events := r.events()
	own := changed(map[string]record.Fields{"2026-03-09": {"location": "X"}, "2026-03-11": moved("2026-03-12T13:00:00Z", "2026-03-12T14:00:00Z")})
	o := r.applied(events, record.Write{Op: record.Create, Fields: weekly("2026-03-04").With(record.Fields{"exceptions": own}), Token: "1-a"})
	writes = 0
	o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"subject": "Renamed"}})
	r.told(events, o, record.Fields{"subject": "Renamed", "exdates": "2026-03-04", "exceptions": own})
	if writes != 1 {
		t.Errorf("%d writes", writes)
	}
	r.noMails()
}

// FIELD-FAILURES 28: a daily series without an end, with an exception in ten years' time, takes few requests.
func TestFF28_EndlessSeries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, events := r.events()
	fields := weekly("2026-03-05,2036-02-28").With(record.Fields{"recurrence": "FREQ=DAILY", "exceptions": changed(map[string]record.Fields{
		"2026-03-04": {"subject": "X"}, "2036-02-29": moved("2036-02-29T20:00:00Z", "2036-02-29T21:00:00Z")})})
	trips := r.counted(func() {
		o := r.applied(events, record.Write{Op: record.Create, Fields: fields, Token: "1-a"})
		r.told(events, o, fields)
	})
	if trips > 6 {
		t.Errorf("%d requests", trips)
	}
	r.noMails()
}

// FIELD-FAILURES 30: in a zone that nobody knows, single occurrences are told all the same.
func TestFF30_SeriesInUnknownZones(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "tzone://Microsoft/Custom", "Nowhere Standard Time"} {
		e := graph.Event{
			Type: "seriesMaster", Subject: "S", OriginalStartTimeZone: name, CancelledOccurrences: []string{"OID.x.2026-03-04"},
			Start: &graph.DateTime{DateTime: "2026-03-02T13:00:00.0000000", TimeZone: "UTC"}, End: &graph.DateTime{DateTime: "2026-03-02T14:00:00.0000000", TimeZone: "UTC"},
			Recurrence: &graph.Recurrence{Pattern: graph.RecurrencePattern{Type: "daily", Interval: 1}, Range: graph.RecurrenceRange{Type: "noEnd", RecurrenceTimeZone: name}},
			ExceptionOccurrences: []graph.Event{{
				Type: "exception", Subject: "X", OriginalStart: "2026-03-03T13:00:00Z", OriginalStartTimeZone: name,
				Start: &graph.DateTime{DateTime: "2026-03-03T15:00:00.0000000", TimeZone: "UTC"}, End: &graph.DateTime{DateTime: "2026-03-03T16:00:00.0000000", TimeZone: "UTC"},
			}},
		}
		f := eventFields(&e)
		want := changed(map[string]record.Fields{"2026-03-03": moved("2026-03-03T15:00:00Z", "2026-03-03T16:00:00Z").With(record.Fields{"subject": "X"})})
		if f["exdates"] != "2026-03-04" || f["exceptions"] != want || f["timeZone"] != "UTC" {
			t.Errorf("%q: %v", name, f)
		}
	}
}

// FIELD-FAILURES 33: while occurrences are written, a person changes the series: nothing of the person's is overwritten, and
// the next plan, made on what there is, goes through.
func TestFF33_StaleOccurrences(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(r *rig, id record.Ref, occurrence string){
		"another occurrence": func(r *rig, _ record.Ref, occurrence string) {
			r.must(r.actor().Patch("/me/events/"+occurrence, map[string]any{"subject": "A person's"}))
		},
		"deleted": func(r *rig, _ record.Ref, occurrence string) { r.must(r.actor().Delete("/me/events/" + occurrence)) },
		"the whole series": func(r *rig, id record.Ref, _ string) {
			r.must(r.actor().Patch("/me/events/"+string(id), map[string]any{"location": map[string]any{"displayName": "Elsewhere"}}))
		},
	} {
		for world, warts := range worlds {
			t.Run(name+", "+world, func(t *testing.T) {
				t.Parallel()
				var r *rig
				var id record.Ref
				var occurrence string
				armed := false
				r = newRig(t, func(o *graph.Options) {
					observe := o.Observe
					o.Observe = func(ex graph.Exchange) {
						observe(ex)
						if armed && strings.Contains(string(ex.Body), "/instances") {
							armed = false
							act(r, id, occurrence)
						}
					}
				})
				r.sim.SetWarts(warts)
				_, events := r.events()
				o := r.applied(events, record.Write{Op: record.Create, Fields: weekly(""), Token: "1-a"})
				id = o.Ref
				days := r.seen(id, at("2026-03-01"), at("2026-06-01"), saoPaulo)
				occurrence = days["2026-03-18"].id
				want := map[string]record.Fields{}
				for day := range days {
					if day != "2026-03-18" && day != "2026-03-02" {
						want[day] = record.Fields{"location": record.Value("Room for " + day)}
					}
				}
				armed = true
				write := record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"exdates": "2026-03-02", "exceptions": changed(want)}}
				out, err := events.Apply(t.Context(), []record.Write{write})
				if err != nil {
					t.Fatal(err)
				}
				if armed {
					t.Fatal("nobody has interfered")
				}
				read, err := events.Read(t.Context(), []record.Ref{id})
				if err != nil {
					t.Fatal(err)
				}
				kept := read[0].Fields["exdates"] + read[0].Fields["exceptions"] + read[0].Fields["location"]
				mark := map[string]string{"another occurrence": "A person's", "deleted": "2026-03-18", "the whole series": "Elsewhere"}[name]
				if !strings.Contains(string(kept), mark) {
					t.Errorf("the person's change is gone: %v (%v)", kept, out[0].Err)
				}
				// What the outcome says is taken as agreed on: the person's change, of which nobody else knows, is not part of it.
				if said := fmt.Sprint(out[0].Fields); out[0].Err != nil && strings.Contains(said, mark) {
					t.Errorf("the outcome of a failed write says %s", said)
				}
				if out[0].Err == nil && out[0].Version == read[0].Version {
					t.Error("the version with the person's change is told as ours: nobody would look at it again")
				}
				if out[0].Err != nil && fault.ReasonOf(out[0].Err) != fault.OutcomeUnknown && !fault.Is(out[0].Err, fault.Conflict) {
					t.Errorf("%v, want a fault upon which it is looked at again", out[0].Err)
				}
				// As it is planned next: the person's change kept beside ours.
				write.Version = read[0].Version
				ex := record.Value("2026-03-02")
				if name == "another occurrence" {
					want["2026-03-18"] = record.Fields{"subject": "A person's"}
				}
				if name == "deleted" {
					ex = "2026-03-02,2026-03-18"
				}
				write.Fields = record.Fields{"exdates": ex, "exceptions": changed(want)}
				o = r.applied(events, write)
				r.told(events, o, write.Fields)
				r.noMails()
			})
		}
	}
}

// While an occurrence is written, a person changes that very one: nothing of the person's is overwritten, at whichever moment it was.
func TestI1_AnOccurrenceThatIsChangedWhileItIsWritten(t *testing.T) {
	t.Parallel()
	const day, hour = "2026-03-18", "2026-03-18T19:19:19"
	moments := map[string]func(ex graph.Exchange) bool{
		"before it is listed":       func(ex graph.Exchange) bool { return strings.Contains(string(ex.Answer), "exceptionOccurrences") },
		"before it is written":      func(ex graph.Exchange) bool { return strings.Contains(string(ex.Body), "/instances") },
		"right after it is written": func(ex graph.Exchange) bool { return strings.Contains(string(ex.Body), "Ours") },
	}
	retime := "before the series with other times is looked at"
	moments[retime] = func(ex graph.Exchange) bool { return strings.Contains(string(ex.Body), `"recurrence":`) }
	for moment, now := range moments {
		for world, warts := range worlds {
			t.Run(moment+", "+world, func(t *testing.T) {
				t.Parallel()
				var r *rig
				var id record.Ref
				armed := false
				r = newRig(t, func(o *graph.Options) {
					observe := o.Observe
					o.Observe = func(ex graph.Exchange) {
						observe(ex)
						if armed && now(ex) {
							armed = false
							occurrence := r.seen(id, at("2026-03-01"), at("2026-06-01"), saoPaulo)[day].id
							r.must(r.actor().Patch("/me/events/"+occurrence, map[string]any{
								"start": map[string]any{"dateTime": hour, "timeZone": "UTC"}, "end": map[string]any{"dateTime": day + "T20:00:00", "timeZone": "UTC"},
							}))
						}
					}
				})
				r.sim.SetWarts(warts)
				_, events := r.events()
				o := r.applied(events, record.Write{Op: record.Create, Fields: weekly(""), Token: "1-a"})
				id = o.Ref
				fields := record.Fields{"exceptions": changed(map[string]record.Fields{day: {"location": "Ours"}})}
				if moment == retime {
					fields = fields.With(record.Fields{"start": "2026-03-02T15:00:00Z", "end": "2026-03-02T16:00:00Z", "timeZone": "America/Sao_Paulo", "recurrence": "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20"})
				}
				armed = true
				out, err := events.Apply(t.Context(), []record.Write{{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: fields}})
				if err != nil {
					t.Fatal(err)
				}
				if armed {
					t.Fatal("nobody has interfered")
				}
				if is := r.seen(id, at("2026-03-01"), at("2026-06-01"), saoPaulo)[day].start; is != hour+"Z" {
					t.Errorf("it takes place at %s, and the person moved it to %s (%v)", is, hour, out[0].Err)
				}
				if out[0].Err != nil && fault.ReasonOf(out[0].Err) != fault.OutcomeUnknown && !fault.Is(out[0].Err, fault.Conflict) {
					t.Errorf("%v, want a fault upon which it is looked at again", out[0].Err)
				}
			})
		}
	}
}

// A series of a thousand occurrences with two hundred exceptions: few requests, whatever Exchange does with versions.
func TestManyExceptions(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int{"likely": 16, "exceptions share a version": 16, "a master's version stands": 40} {
		r := newRig(t)
		r.sim.SetWarts(worlds[name])
		_, events := r.events()
		own := func(subject string) record.Value {
			all := map[string]record.Fields{}
			for i := range 200 {
				day := at("2026-03-02").AddDate(0, 0, 5*i)
				all[day.Format(time.DateOnly)] = record.Fields{"subject": record.Value(fmt.Sprint(subject, i))}
			}
			return changed(all)
		}
		fields := weekly("").With(record.Fields{"recurrence": "FREQ=DAILY;COUNT=999", "exceptions": own("A")})
		var o record.Outcome
		began := time.Now()
		trips := r.counted(func() { o = r.applied(events, record.Write{Op: record.Create, Fields: fields, Token: "1-a"}) })
		r.told(events, o, fields)
		again := r.counted(func() {
			o = r.applied(events, record.Write{Op: record.Update, Ref: o.Ref, Version: o.Version, Fields: record.Fields{"exceptions": own("B")}})
		})
		r.told(events, o, record.Fields{"exceptions": own("B")})
		t.Logf("%s: 200 exceptions of 999 occurrences: %d requests, again %d, %v", name, trips, again, time.Since(began))
		if trips > most || again > most {
			t.Errorf("%s: %d requests, again %d, want at most %d", name, trips, again, most)
		}
		r.noMails()
	}
}

// FIELD-FAILURES 20: should a changed or deleted occurrence leave no trace on its master, the next audit tells it.
func TestFF20_TheAuditTellsWhatLeftNoTrace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.SetWarts(m365sim.Warts{ExceptionsLeaveMaster: true})
	link, _ := r.events()
	now := time.Now()
	options := r.options(link)
	options.Now = func() time.Time { return now }
	versions := map[record.Ref]record.Version{}
	side := func() *Events {
		return NewEvents(r.box, options, func(_ context.Context, refs []record.Ref) (map[record.Ref]record.Version, error) {
			out := map[record.Ref]record.Version{}
			for _, ref := range refs {
				if v, ok := versions[ref]; ok {
					out[ref] = v
				}
			}
			return out, nil
		})
	}
	o := r.applied(side(), record.Write{Op: record.Create, Fields: weekly("2026-03-11"), Token: "1-a"})
	other := r.applied(side(), record.Write{Op: record.Create, Fields: weekly(""), Token: "1-b"})
	versions[o.Ref], versions[other.Ref] = o.Version, other.Version
	page, err := side().Changes(t.Context(), "", 2)
	if err != nil {
		t.Fatal(err)
	}
	days := r.seen(o.Ref, at("2026-03-01"), at("2026-06-01"), saoPaulo)
	r.must(r.actor().Patch("/me/events/"+days["2026-03-04"].id, map[string]any{"subject": "Once"}))
	r.must(r.actor().Delete("/me/events/" + days["2026-03-09"].id))
	page, err = side().Changes(t.Context(), page.Next, 2)
	if err != nil || len(page.Changes) != 0 {
		t.Fatalf("they have left a trace: %v, %v", page.Changes, err)
	}
	now = now.Add(auditEvery + time.Minute)
	page, err = side().Changes(t.Context(), page.Next, 2)
	if err != nil || len(page.Changes) == 0 {
		t.Fatalf("the audit tells nothing: %v", err)
	}
	for _, c := range page.Changes {
		if c.Ref == other.Ref && c.Version != other.Version {
			t.Errorf("the series that nobody touched is told as changed: %v", c)
		}
		if c.Ref == o.Ref && (c.Fields["exdates"] != "2026-03-09,2026-03-11" || c.Fields["exceptions"] != changed(map[string]record.Fields{"2026-03-04": {"subject": "Once"}})) {
			t.Errorf("the audit tells %v", c.Fields)
		}
		versions[c.Ref] = c.Version
	}
	now = now.Add(auditEvery + time.Minute)
	if page, err = side().Changes(t.Context(), page.Next, 2); err != nil || slices.ContainsFunc(page.Changes, func(c record.Change) bool { return c.Version != versions[c.Ref] }) {
		t.Errorf("the next audit tells it again: %v, %v", page.Changes, err)
	}
	r.noMails()
}

var seriesSeed = flag.Uint64("series-seed", 20, "which series TestS16_TenYearsOfSeriesAreTheSameOnBothSides draws")

// Every kind of series that Graph can express, at every hour, in zones whose clocks have changed by old rules and new, over ten years: the
// occurrences at Microsoft, those that the CRM expands and those of plain counting are the same, with days left out, moved
// and changed, made on either side, there and back.
func TestS16_TenYearsOfSeriesAreTheSameOnBothSides(t *testing.T) {
	t.Parallel()
	zones := []string{"America/Sao_Paulo", "Europe/Berlin", "Europe/Lisbon", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"}
	kinds := []string{"daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"}
	random := rand.New(rand.NewPCG(*seriesSeed, 26))
	r := newRig(t)
	_, events := r.events()
	var all []*sample
	for _, zone := range zones {
		for _, kind := range kinds {
			all = append(all, newSample(t, random, zone, kind))
		}
	}
	writes := make([]record.Write, len(all))
	for i, s := range all {
		writes[i] = record.Write{Op: record.Create, Fields: s.fields, Token: fmt.Sprintf("1-%d", i)}
	}
	out, err := events.Apply(t.Context(), writes)
	if err != nil {
		t.Fatal(err)
	}
	table := mapping.Default(record.Calendar)
	check := func(s *sample, ref record.Ref, what string) record.Fields {
		read, err := events.Read(t.Context(), []record.Ref{ref})
		if err != nil || read[0].State != record.Present {
			t.Fatal(read, err)
		}
		ours := table.ToCRM(read[0].Fields)
		series, ok := crm.SeriesOf(ours)
		if !ok {
			t.Fatalf("%s: no time", s)
		}
		there := r.seen(ref, s.first.AddDate(0, 0, -10), s.end, s.loc)
		n := 0
		for _, o := range series.Between(s.first.AddDate(0, 0, -10), s.end, 1<<20) {
			n++
			e, f := there[o.Day], o.Over(ours)
			if want := s.want[o.Day]; string(f[record.Start]) != want.start || e.start != want.start || e.subject != want.subject || string(f[record.EventTitle]) != want.subject {
				t.Fatalf("%s, %s, %s:\n in the CRM  %s %s\n at Microsoft %s %s\n by counting %s %s", what, s, o.Day, f[record.Start], f[record.EventTitle], e.start, e.subject, want.start, want.subject)
			}
		}
		if n != len(s.want) || len(there) != len(s.want) {
			t.Fatalf("%s, %s: %d occurrences in the CRM, %d at Microsoft, %d by counting", what, s, n, len(there), len(s.want))
		}
		return read[0].Fields
	}
	for i, s := range all {
		if out[i].Err != nil {
			t.Fatalf("%s: %v", s, out[i].Err)
		}
		check(s, out[i].Ref, "from the CRM")
		s.edited(r, out[i].Ref, random)
		s.told = check(s, out[i].Ref, "after a person's edits")
		// There again, from what came back: in the canonical form that the CRM gives it.
		ours := table.ToCRM(s.told)
		if normal := mapping.Normal(record.Standard(record.Calendar), ours); normal[record.Changed] == "" && ours[record.Changed] != "" {
			t.Errorf("%s: nothing is left of %s", s, ours[record.Changed])
		}
		writes[i] = record.Write{Op: record.Create, Fields: table.ToMicrosoft(ours), Token: fmt.Sprintf("2-%d", i)}
	}
	if out, err = events.Apply(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		if out[i].Err != nil {
			t.Fatalf("%s: %v", s, out[i].Err)
		}
		again := check(s, out[i].Ref, "there again")
		for _, f := range []record.Field{"start", "end", "recurrence", "exdates", "exceptions", "timeZone"} {
			if again[f] != s.told[f] {
				t.Errorf("%s: %s is %s, was %s", s, f, again[f], s.told[f])
			}
		}
	}
	r.noMails()
}

// A sample is a series with what is known of it by plain counting.
type sample struct {
	zone    string
	loc     *time.Location
	pattern graph.Recurrence
	first   time.Time // its day
	end     time.Time // of what is looked at: ten years
	hour    int
	fields  record.Fields
	want    map[string]occurrenceWanted
	days    []string
	told    record.Fields
}

type occurrenceWanted struct{ start, subject string }

func (s *sample) String() string { return fmt.Sprintf("%s %+v", s.zone, s.pattern) }

func newSample(t *testing.T, random *rand.Rand, zone, kind string) *sample {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s := &sample{zone: zone, loc: loc, hour: random.IntN(24), want: map[string]occurrenceWanted{}}
	p := graph.RecurrencePattern{
		Type: kind, Interval: 1 + random.IntN(3), Month: 1 + random.IntN(12), DayOfMonth: 1 + random.IntN(31), FirstDayOfWeek: dayWords[random.IntN(7)],
		Index: []string{"first", "second", "third", "fourth", "last"}[random.IntN(5)],
	}
	for _, n := range random.Perm(7)[:1+random.IntN(3)] {
		p.DaysOfWeek = append(p.DaysOfWeek, dayWords[n])
	}
	if kind == "absoluteYearly" {
		p.DayOfMonth = min(p.DayOfMonth, lengthOf(p.Month))
	}
	s.pattern.Pattern = p
	first, ok := firstOf(&p, time.Date(2012+random.IntN(5), 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, random.IntN(365)))
	if !ok {
		t.Fatalf("no day fits %+v", p)
	}
	s.first, s.end = first, first.AddDate(10, 0, 0)
	switch random.IntN(3) {
	case 0:
		s.pattern.Range = graph.RecurrenceRange{Type: "noEnd"}
	case 1:
		s.pattern.Range = graph.RecurrenceRange{Type: "numbered", NumberOfOccurrences: 2 + random.IntN(500)}
	case 2:
		s.pattern.Range = graph.RecurrenceRange{Type: "endDate", EndDate: first.AddDate(0, random.IntN(150), 1).Format(time.DateOnly)}
	}
	cut := false
	for _, day := range daysOf(&p, first, 4000) { // by plain counting, day by day
		text := day.Format(time.DateOnly)
		if rg := s.pattern.Range; rg.Type == "endDate" && text > rg.EndDate || rg.Type == "numbered" && len(s.days) == rg.NumberOfOccurrences {
			break
		}
		if day.After(s.end) {
			s.end, cut = s.at(at(s.days[len(s.days)-1])).UTC().Truncate(24*time.Hour).AddDate(0, 0, 1), true
			break
		}
		s.days = append(s.days, text)
		s.want[text] = occurrenceWanted{s.at(day).UTC().Format(momentLayout), "Series"}
	}
	if !cut {
		s.end = s.end.AddDate(0, 0, 2) // that nothing comes after the last day is looked at, too
	}
	rule, err := ruleOf(&s.pattern, s.at(first))
	if err != nil {
		t.Fatal(err)
	}
	s.fields = record.Fields{
		"subject": "Series", "start": record.Value(s.at(first).UTC().Format(momentLayout)), "end": record.Value(s.at(first).Add(time.Hour).UTC().Format(momentLayout)),
		"isAllDay": "false", "timeZone": record.Value(zone), "recurrence": record.Value(rule.String()),
	}
	var ex []string
	own := map[string]record.Fields{}
	for range min(6, len(s.days)/3) {
		day := s.days[1+random.IntN(len(s.days)-1)]
		if _, taken := own[day]; taken || slices.Contains(ex, day) {
			continue
		}
		switch random.IntN(s.deeds()) {
		case 0:
			ex = append(ex, day)
			delete(s.want, day)
		case 1:
			own[day] = record.Fields{"subject": "Changed in the CRM"}
			s.want[day] = occurrenceWanted{s.want[day].start, "Changed in the CRM"}
		case 2:
			start := s.at(at(day)).Add(-90 * time.Minute)
			own[day] = moved(start.UTC().Format(momentLayout), start.Add(time.Hour).UTC().Format(momentLayout))
			s.want[day] = occurrenceWanted{start.UTC().Format(momentLayout), "Series"}
		}
	}
	slices.Sort(ex)
	s.fields["exdates"], s.fields["exceptions"] = record.Value(strings.Join(ex, ",")), changed(own)
	return s
}

// deeds are how many things may be done to an occurrence: one near midnight is not moved, as that could be to another day.
func (s *sample) deeds() int {
	if s.hour < 2 || s.hour > 20 {
		return 2
	}
	return 3
}

// at is the hour of the series on a day.
func (s *sample) at(day time.Time) time.Time {
	wall := time.Date(day.Year(), day.Month(), day.Day(), s.hour, 30, 0, 0, time.UTC)
	first := wall
	for i, near := range []int{-1, 1} { // by the clock of the day before, if it shows that hour, or none does; else by that of the day after
		_, offset := wall.AddDate(0, 0, near).In(s.loc).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(s.loc)
		if t.Format(wallLayout) == wall.Format(wallLayout) {
			return t
		}
		if i == 0 {
			first = t
		}
	}
	return first
}

// edited lets a person delete, move and change occurrences.
func (s *sample) edited(r *rig, ref record.Ref, random *rand.Rand) {
	r.Helper()
	there := r.seen(ref, s.first.AddDate(0, 0, -10), s.end, s.loc)
	for range min(4, len(s.days)/3) {
		day := s.days[1+random.IntN(len(s.days)-1)]
		e, ok := there[day]
		if !ok {
			continue
		}
		want := s.want[day]
		switch random.IntN(s.deeds()) {
		case 0:
			r.must(r.actor().Delete("/me/events/" + e.id))
			delete(s.want, day)
			delete(there, day)
			continue
		case 1:
			r.must(r.actor().Patch("/me/events/"+e.id, map[string]any{"subject": "Changed in Outlook"}))
			want.subject = "Changed in Outlook"
		case 2:
			start := s.at(at(day)).Add(2 * time.Hour).UTC()
			moment := func(t time.Time) map[string]any {
				return map[string]any{"dateTime": t.Format(wallLayout), "timeZone": "UTC"}
			}
			body, err := json.Marshal(map[string]any{"start": moment(start), "end": moment(start.Add(time.Hour))})
			if err != nil {
				r.Fatal(err)
			}
			r.must(r.actor().Patch("/me/events/"+e.id, json.RawMessage(body)))
			want.start = start.Format(momentLayout)
		}
		s.want[day] = want
	}
}
