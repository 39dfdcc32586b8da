package m365sim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// parts is the JSON of a batch.
func parts(list ...string) string { return `{"requests":[` + strings.Join(list, ",") + `]}` }

func get(id, url string, more ...string) string {
	return `{"id":"` + id + `","method":"GET","url":"` + url + `"` + strings.Join(more, "") + `}`
}

func post(id, url, body string, more ...string) string {
	return `{"id":"` + id + `","method":"POST","url":"` + url + `","headers":{"Content-Type":"application/json"},"body":` + body + strings.Join(more, "") + `}`
}

func on(id string) string { return `,"dependsOn":["` + id + `"]` }

// statuses maps the ids of a batch's answers to their statuses.
func (a answer) statuses() map[string]int {
	m := map[string]int{}
	list, _ := a.doc["responses"].([]any)
	for _, r := range list {
		m[at(r, "id").(string)] = int(at(r, "status").(float64))
	}
	return m
}

func (a answer) part(id string) map[string]any {
	list, _ := a.doc["responses"].([]any)
	for _, r := range list {
		if at(r, "id") == id {
			return r.(map[string]any)
		}
	}
	return nil
}

func TestBatch(t *testing.T) {
	b := newBench(t)
	a := b.want(b.do("POST", "/$batch", parts(
		post("1", "/me/contacts", `{"givenName":"Ana"}`),
		get("2", "me/contacts?$top=1&$select=givenName", `,"headers":{"Prefer":"IdType=\"ImmutableId\""}`),
		get("3", "/me/contacts/nonsense"),
		`{"id":"4","method":"PATCH","url":"/me/events/x","headers":{"content-type":"application/json"},"body":{"subject":"x"}}`,
		`{"id":"5","method":"DELETE","url":"/me/contacts/x"}`,
	)), 200)
	got := a.statuses()
	for id, want := range map[string]int{"1": 201, "2": 200, "3": 400, "4": 400, "5": 400} {
		if got[id] != want {
			t.Errorf("part %s: %d, want %d", id, got[id], want)
		}
	}
	made := at(a.part("1"), "body/id").(string)
	deleted := b.want(b.do("POST", "/$batch", parts(`{"id":"a","method":"DELETE","url":"/me/contacts/`+made+`"}`)), 200)
	if deleted.statuses()["a"] != 204 || deleted.part("a")["body"] != nil {
		t.Errorf("deleted: %s", deleted.raw)
	}
	if kind := at(a.part("1"), "headers/Content-Type").(string); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("part 1 is %s", kind)
	}
	r := b.sim.Requests()
	if r.RoundTrips != 2 || r.Parts != 6 || r.Routes["POST /me/contacts"] != 1 || r.Mailboxes[adele]["POST /$batch"] != 2 {
		t.Errorf("counted %+v", r)
	}
}

// Answers come in an order of their own, decided by the seed.
func TestBatchOrder(t *testing.T) {
	order := func(seed uint64) string {
		b := newBench(t, func(o *Options) { o.Seed = seed })
		var list []string
		for i := range 20 {
			list = append(list, get(fmt.Sprint(i), "/me/calendar"))
		}
		a := b.want(b.do("POST", "/$batch", parts(list...)), 200)
		var got []string
		for _, r := range a.doc["responses"].([]any) {
			got = append(got, at(r, "id").(string))
		}
		return strings.Join(got, " ")
	}
	one := order(7)
	if one == "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19" {
		t.Error("the answers stand in the order of the requests")
	}
	if order(7) != one || order(8) == one {
		t.Error("the seed does not decide")
	}
}

func TestBatchMalformed(t *testing.T) {
	b := newBench(t)
	var many []string
	for i := range 21 {
		many = append(many, get(fmt.Sprint(i), "/me"))
	}
	for name, body := range map[string]string{
		"no JSON":               `{`,
		"no requests":           `{}`,
		"21 parts":              parts(many...),
		"an id twice":           parts(get("a", "/me"), get("A", "/me")),
		"no id":                 parts(get("", "/me")),
		"no url":                parts(get("1", "")),
		"body without kind":     parts(`{"id":"1","method":"POST","url":"/me/contacts","body":{}}`),
		"write without body":    parts(`{"id":"1","method":"POST","url":"/me/contacts","headers":{"Content-Type":"application/json"}}`),
		"depends on nobody":     parts(get("1", "/me", on("9"))),
		"depends on a later":    parts(get("1", "/me", on("2")), get("2", "/me")),
		"mixed shapes":          parts(get("1", "/me"), get("2", "/me", on("1")), get("3", "/me")),
		"two shapes in a chain": parts(get("1", "/me"), get("2", "/me", on("1")), get("3", "/me", on("2")), get("4", "/me", on("1"))),
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.t = t
			b.want(b.do("POST", "/$batch", body), 400)
		})
	}
}

func TestBatchChains(t *testing.T) {
	b := newBench(t)
	serial := b.want(b.do("POST", "/$batch", parts(
		post("1", "/me/contacts", `{"givenName":"Ana"}`), post("2", "/me/contacts", `{"shoe":1}`, on("1")), get("3", "/me/contacts", on("2")), get("4", "/me/contacts", on("3")))), 200)
	if got := fmt.Sprint(serial.statuses()); got != "map[1:201 2:400 3:424 4:424]" {
		t.Errorf("serial: %s", got)
	}
	same := b.want(b.do("POST", "/$batch", parts(
		get("1", "/me/calendar"), get("2", "/me/contacts/x", on("1")), get("3", "/me/contacts", on("1")))), 200)
	if got := fmt.Sprint(same.statuses()); got != "map[1:200 2:400 3:200]" {
		t.Errorf("all on the same: %s", got)
	}
}

// Four at once in a mailbox: 20 parts of 20 ms take five turns, over several batches too (§5).
func TestBatchConcurrency(t *testing.T) {
	b := newBench(t)
	var list []string
	for i := range 20 {
		list = append(list, get(fmt.Sprint(i), "/me/calendar"))
	}
	var chain []string
	for i := range list {
		link := ""
		if i > 0 {
			link = on(fmt.Sprint(i - 1))
		}
		chain = append(chain, get(fmt.Sprint(i), "/me/calendar", link))
	}
	took := func(list []string) time.Duration {
		from := time.Now()
		if n := len(b.want(b.do("POST", "/$batch", parts(list...)), 200).statuses()); n != 20 {
			t.Errorf("%d answers", n)
		}
		return time.Since(from)
	}
	b.sim.Latency(20 * time.Millisecond)
	parallel, serial := took(list), took(chain)
	for range 20 { // a busy machine may hold anything up, but hardly the same one of the two each time
		if parallel < serial {
			break
		}
		parallel, serial = took(list), took(chain)
	}
	if parallel < 95*time.Millisecond || serial < 395*time.Millisecond || parallel > serial {
		t.Errorf("20 parts took %v, one after another %v; want about 100 and 400 ms", parallel, serial)
	}

	b.sim.SetWarts(Warts{RejectOverConcurrency: true})
	refused := 0
	a := b.want(b.do("POST", "/$batch", parts(list...)), 200)
	for id, status := range a.statuses() {
		if status == 429 {
			refused++
			if at(a.part(id), "headers/Retry-After") == nil || at(a.part(id), "body/error/code") != "ApplicationThrottled" {
				t.Errorf("part %s: %v", id, a.part(id))
			}
		}
	}
	if refused != 16 {
		t.Errorf("%d parts refused, want 16", refused)
	}
	b.sim.Latency(0)
	for id, status := range b.want(b.do("POST", "/$batch", parts(chain...)), 200).statuses() {
		if status != 200 {
			t.Errorf("part %s of a chain: %d", id, status)
		}
	}
}

// A photo travels as base64, and a part may be nobody's route.
func TestBatchOddParts(t *testing.T) {
	b := newBench(t).outside()
	id := b.must("/me/contacts", `{"givenName":"Ana"}`)
	b.want(b.do("PUT", "/me/contacts/"+id+"/photo/$value", "\xff\xd8\xff", "Content-Type", "image/jpeg"), 200)
	a := b.want(b.do("POST", "/$batch", parts(get("1", "/me/contacts/"+id+"/photo/$value"), get("2", "/me/shoes"), get("3", "/$batch"))), 200)
	if a.part("1")["body"] != "/9j/" || a.statuses()["2"] != http.StatusNotImplemented || a.statuses()["3"] != http.StatusNotImplemented {
		t.Errorf("odd parts: %s", a.raw)
	}
	if b.sim.Requests().Unknown != 2 {
		t.Errorf("%d unknown", b.sim.Requests().Unknown)
	}
}
