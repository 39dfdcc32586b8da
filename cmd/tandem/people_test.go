package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/testkit/browse"
)

// doc is a JSON document.
type doc = map[string]any

// script is somebody who works on both sides at once: in the CRM by its REST API, and in the simulated Outlook.
type script struct {
	*fleet
	name, token string
	books       []*book
}

// kind says how records of a kind are written on each side. The CRM's people edit one field and Outlook's another, so that
// no edit may be lost to another.
type kind struct {
	name, module, key, ours, theirs string // of the CRM
	folders, items, subject         string // of Graph
	made                            func(key string, n int) (crm, graph doc)
	edited                          func(n int) doc       // by Outlook's people
	seen                            func(item doc) string // ours in Outlook
	mark                            func(record, item doc) (crm, graph string)
}

var kinds = []kind{
	{
		name: "contacts", module: "Contacts", key: "Last_Name", ours: "Department", theirs: "Title",
		folders: "/me/contactFolders", items: "/contacts", subject: "surname",
		made: func(key string, _ int) (crm, graph doc) {
			return doc{"Last_Name": key}, doc{"surname": key}
		},
		edited: func(n int) doc { return doc{"jobTitle": fmt.Sprint("v", n)} },
		seen:   func(item doc) string { return text(item["department"]) },
		mark:   func(record, item doc) (crm, graph string) { return text(record["Title"]), text(item["jobTitle"]) },
	},
	{
		name: "calendar", module: "Events", key: "Event_Title", ours: "Venue", theirs: "Start_DateTime",
		folders: "/me/calendars", items: "/events", subject: "subject",
		made: func(key string, n int) (crm, graph doc) {
			start, end := hours(n)
			crm = doc{"Event_Title": key, "Start_DateTime": start.Format(time.RFC3339), "End_DateTime": end.Format(time.RFC3339)}
			if n%6 == 0 {
				crm["Recurring_Activity"] = doc{"RRULE": "FREQ=DAILY;INTERVAL=1;DTSTART=" + start.Format(time.DateOnly) + ";COUNT=5"}
			}
			return crm, doc{"subject": key, "start": graphTime(start), "end": graphTime(end)}
		},
		edited: func(n int) doc {
			start, end := hours(n)
			return doc{"start": graphTime(start), "end": graphTime(end)}
		},
		seen: func(item doc) string { place, _ := item["location"].(doc); return text(place["displayName"]) },
		mark: func(record, item doc) (crm, graph string) {
			start, _ := item["start"].(doc)
			return moment(time.RFC3339, text(record["Start_DateTime"])), moment("2006-01-02T15:04:05.9999999", text(start["dateTime"]))
		},
	},
}

// hours are an hour of the year 2031, another one for each n.
func hours(n int) (start, end time.Time) {
	start = time.Date(2031, 1, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Hour)
	return start, start.Add(time.Hour)
}

func graphTime(at time.Time) doc {
	return doc{"dateTime": at.Format("2006-01-02T15:04:05"), "timeZone": "UTC"}
}

func moment(layout, s string) string {
	at, err := time.Parse(layout, s)
	if err != nil {
		return s
	}
	return at.UTC().Format(time.RFC3339)
}

func text(v any) string { s, _ := v.(string); return s }

// book is what a person did with their records of one kind, and what they were told of it.
type book struct {
	kind
	container string
	random    *rand.Rand
	entries   []*entry
	byKey     map[string]*entry
	n         int // of values, so that each is another one
	doomed    int // deletions so far: few, or they are asked for
	unknown   int // writes of which nobody said what became of them
	acked     int

	returned, returnedBefore int // what the last verdict allowed, and those before learn
}

// entry is one record.
type entry struct {
	key, crm, item string // ids, as far as they are known
	sure           bool   // its making was acknowledged
	series         bool

	ours   []string // what the CRM's field may be: the last acknowledged, and what was sent since without an answer
	theirs string   // what Outlook's people wrote last; "": nothing

	gone, mayBeGone bool
	unheard         bool     // made in the CRM and deleted in Outlook
	inCRM           bool     // made there
	story           []string // what its people did with it, for whoever looks for a fault
}

// did notes a deed and what it came to.
func (e *entry) did(what string, status int) {
	e.story = append(e.story, fmt.Sprint(time.Now().UTC().Format("05.000 "), what, " ", status))
}

// deletions are few enough for nobody to be asked (ADR 6).
const deletions = 8

// most is how many records of a kind a person has.
const most = 120

// call makes a request of the REST API. Status 0: nobody knows what became of it.
func (s *script) call(ctx context.Context, method, path string, body any) (status int, answer doc, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+s.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 500 {
		return 0, nil, nil
	}
	if len(all) > 0 && all[0] == '{' {
		if err := json.Unmarshal(all, &answer); err != nil {
			return 0, nil, err
		}
	} else if len(all) > 0 {
		answer = doc{}
		var list []any
		if err := json.Unmarshal(all, &list); err != nil {
			return 0, nil, err
		}
		answer["list"] = list
	}
	return resp.StatusCode, answer, nil
}

// sure makes a request until it is answered.
func (s *script) sure(method, path string, body any) (status int, answer doc) {
	s.t.Helper()
	eventually(s.t, time.Minute, method+" "+path+" is answered", func() bool {
		var err error
		if status, answer, err = s.call(s.t.Context(), method, path, body); err != nil {
			s.t.Fatal(err)
		}
		return status != 0
	})
	return status, answer
}

// switchOn links both kinds, with a walk to Microsoft where it is needed.
func (s *script) switchOn() {
	s.t.Helper()
	for _, k := range kinds {
		status, told := s.sure("POST", "/api/v1/links", doc{"kind": k.name})
		if status == http.StatusConflict {
			s.consent(text(told["url"]))
			status, told = s.sure("POST", "/api/v1/links", doc{"kind": k.name})
		}
		if status != http.StatusCreated {
			s.t.Fatalf("switching on %s: %d %v", k.name, status, told)
		}
		b := &book{kind: k, byKey: map[string]*entry{}, random: rand.New(rand.NewPCG(uint64(len(s.name)), uint64(len(k.name))))}
		eventually(s.t, time.Minute, k.name+" of "+s.name+" has a container", func() bool {
			b.container = s.container(k)
			return b.container != ""
		})
		s.books = append(s.books, b)
	}
}

func (s *script) consent(address string) {
	s.t.Helper()
	ctx, browser := s.t.Context(), browse.New()
	page, err := browser.Get(ctx, address)
	if err == nil {
		page, err = browser.Submit(ctx, page, "Sign in", map[string]string{"username": s.name + "@contoso.example"})
	}
	if err == nil && strings.HasPrefix(page.URL.String(), s.simURL) {
		_, err = browser.Submit(ctx, page, "Accept", nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) container(k kind) string {
	_, folders := s.sim.As(s.name + "@contoso.example").Get(k.folders + "?$top=100")
	list, _ := folders["value"].([]any)
	for _, f := range list {
		if f := f.(doc); f["name"] == product || f["displayName"] == product {
			return k.folders + "/" + text(f["id"])
		}
	}
	return ""
}

// product is how containers are named.
const product = "Tandem"

// work edits both sides at random until ctx ends.
func (s *script) work(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, b := range s.books {
			if err := s.inCRM(b); err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, b.name, err)
			}
			if err := s.inOutlook(b); err != nil {
				return fmt.Errorf("%s, %s in Outlook: %w", s.name, b.name, err)
			}
			time.Sleep(upTo(b.random, 80*time.Millisecond))
		}
	}
	return nil
}

// inCRM does one thing by the REST API.
func (s *script) inCRM(b *book) error {
	if b.random.IntN(12) == 0 {
		records, ok, err := s.records(b)
		if err != nil {
			return err
		}
		for _, r := range records {
			if e := b.byKey[text(r[b.key])]; ok && e != nil {
				e.crm = text(r["id"])
			}
		}
	}
	b.n++
	switch e := b.pick(func(e *entry) bool { return e.crm != "" && !e.gone && !e.mayBeGone }); {
	case e == nil || len(b.entries) < most && b.random.IntN(3) == 0:
		return s.insert(b)
	case b.doomed < deletions && e.theirs == "" && b.random.IntN(15) == 0:
		b.doomed++
		status, answer, err := s.call(context.Background(), "DELETE", "/crm/v8/"+b.module+"/"+e.crm, nil)
		e.gone, e.mayBeGone = status == 200, true
		e.did("deleted in the CRM", status)
		return b.told(status, answer, err)
	default:
		value := fmt.Sprint("w", b.n)
		status, answer, err := s.call(context.Background(), "PUT", "/crm/v8/"+b.module+"/"+e.crm, doc{"data": []doc{{b.ours: value}}})
		if status == 200 {
			e.ours = nil
		}
		e.ours = append(e.ours, value)
		e.did(value+" in the CRM", status)
		return b.told(status, answer, err)
	}
}

func (s *script) insert(b *book) error {
	key := fmt.Sprintf("%s %s %d", s.name, b.name, b.n)
	record, _ := b.made(key, b.n)
	e := &entry{key: key, series: record["Recurring_Activity"] != nil, ours: []string{""}, inCRM: true}
	b.add(e)
	status, answer, err := s.call(context.Background(), "POST", "/crm/v8/"+b.module, doc{"data": []doc{record}})
	e.did("made in the CRM", status)
	if status == 201 {
		e.sure = true
		e.crm = text(answer["data"].([]any)[0].(doc)["details"].(doc)["id"])
	}
	return b.told(status, answer, err)
}

// told counts what an answer says. One that refuses is wrong: nobody does anything here that is not allowed.
func (b *book) told(status int, answer doc, err error) error {
	switch status {
	case 0:
		b.unknown++
		time.Sleep(100 * time.Millisecond) // as people look at what went wrong before they go on
	case 200, 201:
		b.acked++
	default:
		return fmt.Errorf("answered %d: %v", status, answer)
	}
	return err
}

// inOutlook does one thing as a person in Outlook, who always learns what became of it.
func (s *script) inOutlook(b *book) error {
	as := s.sim.As(s.name + "@contoso.example").Prefer(`IdType="ImmutableId"`)
	if b.random.IntN(12) == 0 {
		for _, item := range s.items(b) {
			if e := b.byKey[text(item[b.subject])]; e != nil {
				e.item = text(item["id"])
			}
		}
	}
	b.n++
	path := "/me" + b.items + "/"
	if b.name == "calendar" {
		path = "/me/events/"
	}
	e := b.pick(func(e *entry) bool { return e.item != "" && !e.gone && !e.mayBeGone && !e.series })
	switch {
	case e == nil || len(b.entries) < most && b.random.IntN(4) == 0:
		_, item := b.made(fmt.Sprintf("%s %s %d", s.name, b.name, b.n), b.n)
		status, made := as.Post(b.container+b.items, item)
		if status != 201 {
			return fmt.Errorf("creating: %d %v", status, made)
		}
		e := &entry{key: text(item[b.subject]), item: text(made["id"]), sure: true, ours: []string{""}}
		e.did("made in Outlook", status)
		b.add(e)
	case b.doomed < deletions && slices.Equal(e.ours, []string{""}) && b.random.IntN(15) == 0:
		b.doomed++
		if status, answer := as.Delete(path + e.item); status != 204 {
			return fmt.Errorf("deleting: %d %v", status, answer)
		}
		e.gone, e.mayBeGone = true, true
		e.unheard = e.inCRM
		e.did("deleted in Outlook", 204)
	default:
		if status, answer := as.Patch(path+e.item, b.edited(b.n)); status != 200 {
			return fmt.Errorf("changing: %d %v", status, answer)
		}
		e.theirs = fmt.Sprint("v", b.n)
		e.did(e.theirs+" in Outlook", 200)
		if b.name == "calendar" {
			start, _ := hours(b.n)
			e.theirs = start.Format(time.RFC3339)
		}
	}
	return nil
}

func (b *book) add(e *entry) {
	b.entries = append(b.entries, e)
	b.byKey[e.key] = e
}

func (b *book) pick(fits func(*entry) bool) *entry {
	var list []*entry
	for _, e := range b.entries {
		if fits(e) {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[b.random.IntN(len(list))]
}

// records are all records of the person; ok: they could be read.
func (s *script) records(b *book) (all []doc, ok bool, err error) {
	status, answer, err := s.call(context.Background(), "GET", "/crm/v8/"+b.module+"?per_page=200&fields=id,Modified_Time,"+b.key+","+b.ours+","+b.theirs, nil)
	if status != 200 || err != nil {
		return nil, status == http.StatusNoContent, err
	}
	for _, r := range answer["data"].([]any) {
		if r := r.(doc); strings.HasPrefix(text(r[b.key]), s.name+" ") {
			all = append(all, r)
		}
	}
	return all, true, nil
}

func (s *script) items(b *book) (all []doc) {
	_, page := s.sim.As(s.name + "@contoso.example").Prefer(`IdType="ImmutableId"`).Get(b.container + b.items + "?$top=999")
	list, _ := page["value"].([]any)
	for _, item := range list {
		all = append(all, item.(doc))
	}
	return all
}

// verdict says what is wrong with one book: what the two sides have, against what its person did. Nothing: all is well.
//
// A process that dies between a write and the note that it was made is allowed one thing, and it is counted: a contact that it made in
// Outlook, and that its person deleted there before anybody knew, may be there once more (ADR 36).
func (s *script) verdict(b *book) (wrong []string) {
	b.returned = 0
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	records, ok, err := s.records(b)
	if err != nil || !ok {
		return []string{fmt.Sprintf("the records of %s could not be read: %v", s.name, err)}
	}
	crm, outlook := map[string]doc{}, map[string]doc{}
	for _, r := range records {
		key := text(r[b.key])
		if crm[key] != nil {
			complain("%q is twice in the CRM", key)
		}
		crm[key] = r
	}
	for _, item := range s.items(b) {
		key := text(item[b.subject])
		if outlook[key] != nil {
			complain("%q is twice in Outlook", key)
		}
		outlook[key] = item
	}
	for key := range crm {
		if b.byKey[key] == nil {
			complain("nobody made %q of the CRM", key)
		}
	}
	for key := range outlook {
		if b.byKey[key] == nil {
			complain("nobody made %q of Outlook", key)
		}
	}
	for _, e := range b.entries {
		r, item := crm[e.key], outlook[e.key]
		complain := func(format string, args ...any) {
			complain(format+"\n\t%s", append(args, strings.Join(e.story, "; "))...)
		}
		switch {
		case (r == nil) != (item == nil):
			complain("%q is in the CRM: %v, in Outlook: %v", e.key, r != nil, item != nil)
		case r != nil && e.gone && e.unheard && b.name == "contacts":
			b.returned++
		case r != nil && e.gone:
			complain("%q was deleted and is there", e.key)
		case r == nil && e.sure && !e.mayBeGone:
			complain("%q is lost", e.key)
		case r != nil:
			if a, z := text(r[b.ours]), b.seen(item); a != z || !slices.Contains(e.ours, a) {
				complain("%q has %s %q in the CRM and %q in Outlook; written were %q", e.key, b.ours, a, z, e.ours)
			}
			if a, z := b.mark(r, item); a != z || e.theirs != "" && a != e.theirs {
				complain("%q has %s %q in the CRM and %q in Outlook; written was %q", e.key, b.theirs, a, z, e.theirs)
			}
			if master := item["type"] == "seriesMaster"; master != e.series {
				complain("%q is a series: %v, in Outlook: %v", e.key, e.series, master)
			}
		}
	}
	return wrong
}

// team is several scripts at work.
type team []*script

// newTeam has people of Contoso link their calendars and contacts.
func (f *fleet) newTeam(names ...string) (all team) {
	f.t.Helper()
	for _, name := range names {
		s := &script{fleet: f, name: name, token: f.token(name)}
		s.switchOn()
		all = append(all, s)
	}
	return all
}

// work lets everybody work until the returned function is called.
func (all team) work() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var hands sync.WaitGroup
	for _, s := range all {
		hands.Go(func() {
			if err := s.work(ctx); err != nil {
				s.t.Error(err)
			}
		})
	}
	return func() {
		cancel()
		hands.Wait()
	}
}

// atPeace waits until both sides have what people wrote, and sees that another run writes nothing.
func (all team) atPeace(patience time.Duration) (sum tally) {
	f := all[0].fleet
	f.t.Helper()
	var wrong []string
	deadline := time.Now().Add(patience)
	for {
		wrong = all.verdict()
		if len(wrong) == 0 {
			break
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("the two sides did not come together; %d complaints, such as\n%s\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 20)], "\n"), f.logs())
		}
		all.run()
		time.Sleep(500 * time.Millisecond)
	}
	all.settled(patience) // what notifications of the last writes have set going
	writes, stamps := f.writes(), all.stamps()
	all.run()
	all.settled(patience)
	if now := f.writes(); now != writes {
		f.t.Errorf("another run wrote %d times to Graph", now-writes)
	}
	if now := all.stamps(); now != stamps {
		f.t.Error("another run changed records of the CRM")
	}
	if wrong := all.verdict(); len(wrong) > 0 {
		f.t.Errorf("after another run:\n%s", strings.Join(wrong, "\n"))
	}
	if mails := f.sim.Mails(); len(mails) > 0 {
		f.t.Errorf("Exchange would have sent %d mails: %+v", len(mails), mails)
	}
	for _, s := range all {
		for _, b := range s.books {
			sum.records += len(b.entries)
			sum.acked += b.acked
			sum.unknown += b.unknown
			sum.returned += b.returned + b.returnedBefore
		}
	}
	return sum
}

// learn has everybody see what has become of all they did: from now on only what they do next is uncertain.
func (all team) learn() {
	for _, s := range all {
		for _, b := range s.books {
			b.returnedBefore += b.returned
			there := map[string]doc{}
			for _, item := range s.items(b) {
				there[text(item[b.subject])] = item
			}
			for _, e := range b.entries {
				item := there[e.key]
				if item == nil {
					e.gone, e.mayBeGone = true, true
					continue
				}
				if e.gone { // it was made again
					e.crm, e.theirs = "", ""
				}
				e.item, e.ours = text(item["id"]), []string{b.seen(item)}
				e.sure, e.inCRM, e.unheard, e.gone, e.mayBeGone = true, false, false, false, false
			}
		}
	}
}

// tally is what a team did and what became of it.
type tally struct{ records, acked, unknown, returned int }

func (t tally) String() string {
	return fmt.Sprintf("%d records, %d acknowledged writes and %d without an answer; %d contacts were made again that were deleted before anybody knew of them",
		t.records, t.acked, t.unknown, t.returned)
}

func (all team) verdict() (wrong []string) {
	for _, s := range all {
		for _, b := range s.books {
			wrong = append(wrong, s.verdict(b)...)
		}
	}
	return wrong
}

// links are the links of a person as the API tells them.
func (s *script) links() (all []doc) {
	s.t.Helper()
	_, answer := s.sure("GET", "/api/v1/links", nil)
	for _, l := range answer["list"].([]any) {
		all = append(all, l.(doc))
	}
	return all
}

// run asks for a run of every link.
func (all team) run() {
	for _, s := range all {
		for _, l := range s.links() {
			s.sure("POST", "/api/v1/links/"+text(l["id"])+"/run", nil)
		}
	}
}

// settled waits until no link has anything left to do and Microsoft nothing left to tell.
func (all team) settled(patience time.Duration) {
	f := all[0].fleet
	f.t.Helper()
	states := ""
	eventually(f.t, patience, "all links are at rest", func() bool {
		left := 0.0
		states = ""
		for _, s := range all {
			for _, l := range s.links() {
				states += fmt.Sprint(l["state"], " ", l["reason"], " ")
				left += l["waiting"].(float64) + l["failing"].(float64)
			}
		}
		return left == 0 && f.served() && f.sim.Undelivered() == 0 && f.served() // what was just delivered wakes a link
	})
	if strings.Contains(states, "paused") || strings.Contains(states, "held") || strings.Contains(states, "off") {
		f.t.Errorf("the links are %s", states)
	}
}

// stamps are when the CRM's records were changed.
func (all team) stamps() string {
	var list []string
	for _, s := range all {
		for _, b := range s.books {
			records, _, err := s.records(b)
			if err != nil {
				s.t.Fatal(err)
			}
			for _, r := range records {
				list = append(list, fmt.Sprint(r["id"], r["Modified_Time"]))
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// writes counts what was asked of Graph that changes items.
func (f *fleet) writes() (n int) {
	for route, times := range f.sim.Requests().Routes {
		method, path, _ := strings.Cut(route, " ")
		if method != http.MethodGet && !strings.Contains(path, "subscriptions") && !strings.Contains(path, "batch") {
			n += times
		}
	}
	return n
}

func (f *fleet) logs() string {
	var b strings.Builder
	for _, m := range f.members {
		fmt.Fprintf(&b, "%s:\n%s\n", m.name, m.log.String())
	}
	return b.String()
}
