package app_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/crm"
	"tandem/internal/record"
	"tandem/internal/testkit/browse"
	"tandem/internal/zone"
)

// seriesSeeds is how many series TestS16_SeriesEditedAtRandomOnBothSides follows; thousands are for a quiet evening.
var seriesSeeds = flag.Int("series-seeds", 40, "how many series are edited at random on both sides")

// The ten years that are compared. Brazil's summer time and Samoa's end in them, and Lord Howe's half hours go on.
var (
	lookFrom = time.Date(2018, 6, 1, 0, 0, 0, 0, time.UTC)
	lookTo   = time.Date(2028, 6, 1, 0, 0, 0, 0, time.UTC)
)

// TestS16_SeriesEditedAtRandomOnBothSides: people change series and single occurrences in Tandem (this one, this and the
// following, all) and in Outlook at random, often the same series before the other side knows. After quiet both sides show the
// same occurrences, day by day for ten years, which are those of plain counting; nothing is failing, and nobody got a letter.
func TestS16_SeriesEditedAtRandomOnBothSides(t *testing.T) {
	t.Parallel()
	seeds := *seriesSeeds
	if testing.Short() {
		seeds = min(seeds, 10)
	}
	const together = 20 // in one calendar
	for first := 1; first <= seeds; first += together {
		last := min(first+together-1, seeds)
		t.Run(fmt.Sprintf("seeds %d to %d", first, last), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			e := &editors{client: d.client("adele")}
			e.switchOn("calendar")
			e.browser, _ = e.signedIn("/calendar")
			var all []*editor
			for seed := first; seed <= last; seed++ {
				all = append(all, e.begin(seed))
			}
			for range 4 {
				for _, one := range all {
					one.act()
				}
				if all[0].IntN(2) == 0 {
					e.quiet()
				}
			}
			e.quiet()
			e.compare(len(all))
		})
	}
}

// editors share a calendar.
type editors struct {
	*client
	browser *browse.Browser
}

// An editor is a person with one series, and those that come of it by dividing it.
type editor struct {
	*editors
	*rand.Rand
	tag string // what the titles of all their events begin with
	n   int
}

var editZones = []string{"America/Sao_Paulo", "Europe/Lisbon", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"}

// A manner is a way to repeat in both sides' words, from a day on that it has. wide: there are two free days after each one.
type manner struct {
	rule    string
	pattern doc
	day     string
	wide    bool
}

var manners = []manner{
	{"FREQ=DAILY;INTERVAL=1", doc{"type": "daily", "interval": 1}, "2018-11-01", false},
	{"FREQ=DAILY;INTERVAL=4", doc{"type": "daily", "interval": 4}, "2018-11-02", true},
	{"FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", doc{"type": "weekly", "interval": 1, "daysOfWeek": []string{"tuesday"}, "firstDayOfWeek": "sunday"}, "2018-11-06", true},
	{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU", doc{"type": "weekly", "interval": 2, "daysOfWeek": []string{"monday", "thursday"}, "firstDayOfWeek": "sunday"}, "2018-11-05", true},
	{"FREQ=MONTHLY;INTERVAL=1;BYDAY=2TU", doc{"type": "relativeMonthly", "interval": 1, "daysOfWeek": []string{"tuesday"}, "index": "second"}, "2018-11-13", true},
	{"FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR", doc{"type": "relativeMonthly", "interval": 1, "daysOfWeek": []string{"friday"}, "index": "last"}, "2018-11-30", true},
	{"FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15", doc{"type": "absoluteMonthly", "interval": 3, "dayOfMonth": 15}, "2018-11-15", true},
	{"FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1", doc{"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}, "2018-12-31", true},
	{"FREQ=YEARLY;INTERVAL=1;BYMONTH=11;BYMONTHDAY=20", doc{"type": "absoluteYearly", "interval": 1, "month": 11, "dayOfMonth": 20}, "2018-11-20", true},
	{"FREQ=YEARLY;INTERVAL=1;BYMONTH=11;BYDAY=4TH", doc{"type": "relativeYearly", "interval": 1, "month": 11, "daysOfWeek": []string{"thursday"}, "index": "fourth"}, "2018-11-22", true},
}

// A plan is a manner with an end, at a time in a zone.
type plan struct {
	manner
	count      int
	until      string
	zone       string
	start, end time.Time
}

func (e *editor) plan() plan {
	p := plan{manner: manners[e.IntN(len(manners))], zone: editZones[e.IntN(len(editZones))]}
	switch e.IntN(3) {
	case 0:
		p.count = 5 + e.IntN(200)
	case 1:
		p.until = fmt.Sprintf("20%d-0%d-15", 20+e.IntN(5), 1+e.IntN(9))
	}
	loc, _ := zone.Load(p.zone)
	day, _ := time.Parse(time.DateOnly, p.day)
	p.start = time.Date(day.Year(), day.Month(), day.Day(), 6+e.IntN(12), 15*e.IntN(4), 0, 0, loc)
	p.end = p.start.Add(time.Duration(1+e.IntN(4)) * 30 * time.Minute)
	return p
}

func (p plan) rrule() string {
	switch {
	case p.count > 0:
		return p.rule + ";COUNT=" + strconv.Itoa(p.count)
	case p.until != "":
		return p.rule + ";UNTIL=" + strings.ReplaceAll(p.until, "-", "")
	}
	return p.rule
}

func (p plan) inOutlook() doc {
	name, _ := zone.Windows(p.zone)
	span := doc{"type": "noEnd", "startDate": p.day}
	if p.count > 0 {
		span = doc{"type": "numbered", "startDate": p.day, "numberOfOccurrences": p.count}
	} else if p.until != "" {
		span = doc{"type": "endDate", "startDate": p.day, "endDate": p.until}
	}
	return doc{
		"start": at(p.start.Format("2006-01-02T15:04:05"), name), "end": at(p.end.Format("2006-01-02T15:04:05"), name),
		"recurrence": doc{"pattern": p.pattern, "range": span},
	}
}

func (p plan) inCRM() doc {
	return doc{
		"Start_DateTime": p.start.Format(time.RFC3339), "End_DateTime": p.end.Format(time.RFC3339), "Time_Zone": p.zone,
		"Recurring_Activity": doc{"RRULE": p.rrule()},
	}
}

// begin makes a series on one side.
func (all *editors) begin(seed int) *editor {
	e := &editor{editors: all, Rand: rand.New(rand.NewPCG(uint64(seed), 16)), tag: fmt.Sprintf("S%d-", seed)}
	p := e.plan()
	if e.IntN(2) == 0 {
		f := p.inCRM()
		f["Event_Title"] = e.tag
		e.insert("Events", f)
	} else {
		f := p.inOutlook()
		f["subject"] = e.tag
		e.planned(f)
	}
	return e
}

func (e *editor) fresh() string { e.n++; return fmt.Sprint(e.tag, e.n) }

// act is something that the person does on one of the sides, to one of the series whose title says that they are theirs.
func (e *editor) act() {
	if e.IntN(2) == 0 {
		e.inCRM()
	} else {
		e.inOutlook()
	}
}

func (e *editors) records() []crm.Record {
	u := e.user()
	actor := crm.Actor{Author: crm.Author{Org: u.Org, User: u.ID}, Contacts: record.Full, Events: record.Full}
	all, err := crm.New(e.app.Store.Records(), nil, time.Now).List(e.t.Context(), actor, record.Calendar, crm.Query{Owner: u.ID, Limit: 500})
	if err != nil {
		e.t.Fatal(err)
	}
	return all
}

// mine is a record of this person's, as it is now; false: it has not come yet.
func (e *editor) mine() (r crm.Record, ok bool) {
	var all []crm.Record
	for _, r := range e.records() {
		if strings.HasPrefix(string(r.Fields[record.EventTitle]), e.tag) {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return r, false
	}
	slices.SortFunc(all, func(a, b crm.Record) int { return cmp.Compare(a.ID, b.ID) })
	return all[e.IntN(len(all))], true
}

// send posts a form as the person's browser does. What somebody else's write has overtaken, or the rules refuse, is not done.
func (e *editor) send(path string, form url.Values) {
	e.did("posts", path, form)
	req, err := http.NewRequest("POST", e.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, cookie := range e.browser.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		e.t.Fatal(err)
	}
	if res.StatusCode >= 500 || res.StatusCode == 404 {
		e.t.Fatalf("%s %v: %s", path, form, res.Status)
	}
}

// did tells what the person does, should the test fail.
func (e *editor) did(where string, what ...any) {
	e.t.Log(append([]any{e.tag, where, time.Now().Format("05.000")}, what...)...)
}

// put changes a record through the API; what the rules refuse is not done.
func (e *editor) put(r crm.Record, fields doc) {
	e.did("puts", r.ID, fields)
	if status, told := e.answer("PUT", "/crm/v8/Events/"+r.ID.String(), doc{"data": []doc{fields}}); status != 200 && status != 400 {
		e.t.Fatalf("%v: %d %s", fields, status, told)
	}
}

func (e *editor) inCRM() {
	r, ok := e.mine()
	if !ok {
		return
	}
	path, version := "/calendar/"+r.ID.String(), strconv.FormatInt(r.Version, 10)
	series, ok := crm.SeriesOf(r.Fields)
	if !ok {
		e.t.Fatalf("%v has no time", r.Fields)
	}
	if !series.Repeats() {
		e.put(r, e.plan().inCRM()) // it becomes a series again
		return
	}
	shown := series.Between(lookFrom, lookTo, 8)
	if len(shown) < 3 {
		e.put(r, e.plan().inCRM())
		return
	}
	o := shown[e.IntN(len(shown))]
	home, _ := zone.Load("America/Sao_Paulo") // of the person's browser
	move := func(scope string, by time.Duration) {
		e.send(path+"/move", url.Values{
			"version": {version}, "on": {o.Day}, "scope": {scope}, "all_day": {"false"}, "lose": {"1"},
			"start": {o.Start.Add(by).In(home).Format("2006-01-02T15:04:05")}, "end": {o.End.Add(by).In(home).Format("2006-01-02T15:04:05")},
		})
	}
	hours := time.Duration(1+e.IntN(2)) * time.Hour
	switch e.IntN(11) {
	case 0, 1: // this one has something of its own
		var list []doc
		for _, each := range record.Occurrences(r.Fields[record.Changed]) {
			told := doc{"Day": each.Day}
			for name, v := range each.Fields {
				told[string(name)] = string(v)
				if name == record.Start || name == record.End {
					told[string(name)] = strings.Replace(string(v), "Z", "+00:00", 1)
				}
			}
			if each.Day != o.Day {
				list = append(list, told)
			}
		}
		e.put(r, doc{"Changed_Occurrences": append(list, doc{"Day": o.Day, "Event_Title": e.fresh(), "Venue": e.fresh()})})
	case 2:
		move("this", hours)
	case 3:
		e.send(path+"/delete", url.Values{"version": {version}, "on": {o.Day}, "scope": {"this"}})
	case 4:
		move("following", hours)
	case 5:
		move("all", hours)
	case 6:
		move("all", time.Duration(e.IntN(3)-1)*24*time.Hour)
	case 7:
		e.put(r, doc{"Venue": e.fresh()})
	case 8:
		e.put(r, e.plan().inCRM())
	case 9:
		if e.IntN(3) == 0 {
			e.put(r, doc{"Recurring_Activity": nil})
			return
		}
		e.put(r, doc{"Description": e.fresh()})
	case 10:
		if len(shown) > 5 && e.IntN(2) == 0 {
			o = shown[5]
			e.send(path+"/delete", url.Values{"version": {version}, "on": {o.Day}, "scope": {"following"}})
		}
	}
}

func (e *editor) inOutlook() {
	var all []doc
	items := e.items("calendar", "id")
	for _, item := range items {
		if subject, _ := item["subject"].(string); strings.HasPrefix(subject, e.tag) {
			all = append(all, item)
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b doc) int { return cmp.Compare(a["id"].(string), b["id"].(string)) })
	item := all[e.IntN(len(all))]
	id := item["id"].(string)
	if item["type"] != "seriesMaster" {
		e.replan(id, e.plan().inOutlook())
		return
	}
	shown := e.instances(id, lookFrom, lookFrom.AddDate(2, 0, 0))
	if len(shown) < 3 {
		e.replan(id, e.plan().inOutlook())
		return
	}
	one := shown[e.IntN(min(8, len(shown)))]
	hour := time.Duration(1+e.IntN(2)) * time.Hour
	by := func(x doc, by time.Duration) doc {
		from, to := moments(x)
		return doc{"start": at(from.Add(by).Format("2006-01-02T15:04:05"), "UTC"), "end": at(to.Add(by).Format("2006-01-02T15:04:05"), "UTC")}
	}
	n := e.IntN(9)
	e.did("does in Outlook", n, "to", one["originalStart"], "of", id, item["start"], item["recurrence"])
	switch n {
	case 0, 1:
		e.replan(one["id"].(string), doc{"subject": e.fresh(), "location": doc{"displayName": e.fresh()}})
	case 2: // refused where it would pass a neighbour
		e.as(e.name).Prefer(`IdType="ImmutableId"`).Patch("/me/events/"+one["id"].(string), by(one, hour))
	case 3:
		if status, told := e.as(e.name).Delete("/me/events/" + one["id"].(string)); status != 204 {
			e.t.Fatal(status, told)
		}
	case 4:
		e.replan(id, doc{"location": doc{"displayName": e.fresh()}})
	case 5: // the whole series later, on its own wall
		name := item["originalStartTimeZone"].(string)
		_, there := e.as(e.name).Prefer(`outlook.timezone="` + name + `"`).Get("/me/events/" + id)
		from, to := moments(there)
		e.replan(id, doc{"start": at(from.Add(hour).Format("2006-01-02T15:04:05"), name), "end": at(to.Add(hour).Format("2006-01-02T15:04:05"), name)})
	case 6, 7:
		e.replan(id, e.plan().inOutlook())
	case 8:
		if e.IntN(3) == 0 {
			e.replan(id, doc{"recurrence": nil})
		}
	}
}

// moments are the times of an event as Graph tells them.
func moments(x doc) (from, to time.Time) {
	from, _ = time.Parse("2006-01-02T15:04:05", x["start"].(doc)["dateTime"].(string)[:19])
	to, _ = time.Parse("2006-01-02T15:04:05", x["end"].(doc)["dateTime"].(string)[:19])
	return from, to
}

// instances are the occurrences of a series in Outlook; Graph tells those of at most 1,825 days at once.
func (e *editors) instances(id string, from, to time.Time) (out []doc) {
	told := map[string]bool{}
	for ; from.Before(to); from = from.AddDate(4, 0, 0) {
		end := from.AddDate(4, 0, 0)
		if end.After(to) {
			end = to
		}
		path := "/me/events/" + id + "/instances?startDateTime=" + from.Format(time.DateOnly) + "&endDateTime=" + end.Format(time.DateOnly) +
			"&$top=999&$select=id,subject,start,end,location,originalStart"
		for path != "" {
			status, page := e.as(e.name).Prefer(`IdType="ImmutableId"`).Get(path)
			if refused, _ := page["error"].(doc); status == 400 && refused["code"] == "ErrorCalendarIsNotARecurringMaster" {
				return nil // sync has made it a single event since it was looked at; whoever compares finds that it has no days
			}
			if status != 200 {
				e.t.Fatal(status, page)
			}
			for _, x := range page["value"].([]any) {
				if one := x.(doc); !told[one["id"].(string)] {
					told[one["id"].(string)], out = true, append(out, one)
				}
			}
			path, _ = page["@odata.nextLink"].(string)
		}
	}
	return out
}

// quiet waits until both sides are in step.
func (e *editors) quiet() {
	e.t.Helper()
	links := e.app.Store.Links()
	id := e.linkNumber()
	org := e.user().Org
	e.eventually("both sides are in step", func() bool {
		if err := links.Retry(context.Background(), org, id); err != nil {
			e.t.Fatal(err)
		}
		e.eventually("it ran", func() bool {
			l, err := links.Link(context.Background(), org, id)
			return err == nil && l.Done >= l.Wanted
		})
		l := e.link("calendar")
		return l["waiting"] == 0.0 && (l["failing"] == 0.0 || len(e.standings("failing")) > 0)
	})
	if l := e.link("calendar"); l["failing"] != 0.0 {
		e.t.Fatalf("failing: %v", e.standings("failing"))
	}
	e.atRest()
}

// compare holds the occurrences of both sides, which began as so many series, against each other, and against those of plain counting.
func (e *editors) compare(series int) {
	e.t.Helper()
	var ours, counted, theirs []string
	say := func(from, to time.Time, title, venue string) string {
		return from.UTC().Format(time.DateTime) + " to " + to.UTC().Format(time.DateTime) + " " + title + " at " + venue
	}
	for _, r := range e.records() {
		s, ok := crm.SeriesOf(r.Fields)
		if !ok {
			e.t.Fatalf("%v has no time", r.Fields)
		}
		for _, o := range s.Between(lookFrom, lookTo, 1<<20) {
			f := o.Over(r.Fields)
			ours = append(ours, say(o.Start, o.End, string(f[record.EventTitle]), string(f[record.Venue])))
		}
		for _, o := range countedOf(e.t, r.Fields) {
			counted = append(counted, say(o.start, o.end, o.title, o.venue))
		}
	}
	for id, item := range e.items("calendar", "id") {
		all := []doc{item}
		if item["type"] == "seriesMaster" {
			all = e.instances(id, lookFrom, lookTo)
		}
		for _, x := range all {
			from, to := moments(x)
			if from.Before(lookTo) && to.After(lookFrom) {
				theirs = append(theirs, say(from, to, x["subject"].(string), x["location"].(doc)["displayName"].(string)))
			}
		}
	}
	if len(ours) < 50*series {
		e.t.Errorf("only %d occurrences of %d series: this proves little", len(ours), series)
	}
	for name, other := range map[string][]string{"plain counting": counted, "Outlook": theirs} {
		slices.Sort(ours)
		slices.Sort(other)
		if slices.Equal(ours, other) {
			continue
		}
		n := 0
		for n < len(ours) && n < len(other) && ours[n] == other[n] {
			n++
		}
		e.t.Errorf("the CRM has %d occurrences, %s %d; they part at\n%v\n%v", len(ours), name, len(other), part(ours, n), part(other, n))
	}
}

func part(list []string, n int) string {
	return strings.Join(list[n:min(n+3, len(list))], "\n")
}
