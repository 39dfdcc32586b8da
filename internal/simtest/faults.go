package simtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"tandem/internal/fault"
	"tandem/internal/m365sim"
)

// A faultKind is one row of the menu of faults (SYNC-INVARIANTS, Fault menu). Exactly one of what follows name and source
// says how it strikes.
type faultKind struct {
	group, name string
	// source is where such a thing is documented or was seen: a section of the fact sheet on Microsoft Graph (§), a row of
	// FIELD-FAILURES (FF), or the part of SYNC-INVARIANTS that asks for it.
	source string
	// strikes requests: on is which, serve answers in Microsoft's place or spoils what it answers.
	on    func(req *http.Request, parts []*sent) bool
	serve func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error)
	// at strikes effects of the store or of the process.
	at string
	// now strikes by itself.
	now func(w *world, rng *rand.Rand)
}

// strike is a fault that strikes a request.
type strike struct {
	kind  *faultKind
	w     *world
	t     *task
	req   *http.Request
	parts []*sent
	rng   *rand.Rand
	delay time.Duration
	cut   bool
	hits  func(*sent) bool // the parts that it is for; nil: any
}

// aimed are the numbers of the parts that it is for.
func (s *strike) aimed() (at []int) {
	for i, part := range s.parts {
		if s.hits == nil || s.hits(part) {
			at = append(at, i)
		}
	}
	return at
}

func (s *strike) says() string {
	if s == nil {
		return ""
	}
	return " (" + s.kind.name + ")"
}

func (s *strike) serve(_ *world, _ *task, _ *http.Request, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
	return s.kind.serve(s, ask)
}

// armed is a fault that waits for what it strikes.
type armed struct {
	kind  *faultKind
	skip  int // so many that it could strike pass
	times int
	rng   *rand.Rand
	hits  func(*sent) bool
}

// faultBook is what has been ordered.
type faultBook struct{ armed []*armed }

func (b *faultBook) clear() { b.armed = nil }

// next finds the first fault that strikes now, and takes one of its times.
func (b *faultBook) next(strikes func(*faultKind) bool) *armed {
	for i, a := range b.armed {
		if !strikes(a.kind) {
			continue
		}
		if a.skip > 0 {
			a.skip--
			continue
		}
		if a.times--; a.times <= 0 {
			b.armed = slices.Delete(b.armed, i, i+1)
		}
		return a
	}
	return nil
}

func (b *faultBook) take(w *world, at string) bool {
	a := b.next(func(k *faultKind) bool { return k.at == at })
	if a != nil {
		w.stats.fault(a.kind)
	}
	return a != nil
}

// strike finds the fault of a request.
func (b *faultBook) strike(t *task, req *http.Request, parts []*sent) *strike {
	a := b.next(func(k *faultKind) bool { return k.on != nil && k.on(req, parts) })
	if a == nil {
		return nil
	}
	t.w.stats.fault(a.kind)
	return &strike{kind: a.kind, w: t.w, t: t, req: req, parts: parts, rng: a.rng, hits: a.hits}
}

// store tells how an effect of the store fails: refused before it is done, or done and not known to be.
func (b *faultBook) store(t *task, writes bool) (refused, unknown error) {
	a := b.next(func(k *faultKind) bool {
		return writes && (k.at == "commit" || k.at == "after commit" || k.at == "disk") || !writes && k.at == "read"
	})
	if a == nil {
		return nil, nil
	}
	t.w.stats.fault(a.kind)
	switch a.kind.at {
	case "after commit":
		return nil, fault.New(fault.Unavailable, "", "the connection to the database was lost while it committed")
	case "disk":
		return fault.New(fault.Broken, "", "the disk is full"), nil
	}
	return fault.New(fault.Unavailable, "", "the database is busy"), nil
}

// kills reports whether the process dies at an effect.
func (b *faultBook) kills(t *task, what, when string) bool {
	a := b.next(func(k *faultKind) bool { return k.at == "die" })
	if a == nil {
		return false
	}
	t.w.stats.fault(a.kind)
	t.w.note("p%d l%d dies %s %s", t.process.n, t.link.id, when, what)
	return true
}

// freezes tells for how long a run is stopped at an effect.
func (b *faultBook) freezes(t *task) time.Duration {
	a := b.next(func(k *faultKind) bool { return k.at == "freeze" })
	if a == nil {
		return 0
	}
	t.w.stats.fault(a.kind)
	return 5*time.Second + time.Duration(a.rng.Int64N(int64(2*time.Minute)))
}

// notice tells when copies of a notification arrive.
func (b *faultBook) notice(w *world) []time.Duration {
	soon := 100*time.Millisecond + w.spread(time.Second)
	a := b.next(func(k *faultKind) bool { return k.at == "lost" || k.at == "doubled" || k.at == "late" })
	if a == nil {
		return []time.Duration{soon}
	}
	w.stats.fault(a.kind)
	switch a.kind.at {
	case "lost":
		return nil
	case "doubled":
		return []time.Duration{soon, soon + w.spread(time.Minute)}
	}
	return []time.Duration{time.Duration(a.rng.Int64N(int64(4 * time.Hour)))}
}

// arm orders a fault, or lets it strike if it does so by itself.
func (w *world) arm(k *faultKind, rng *rand.Rand) {
	if k.now != nil {
		w.stats.fault(k)
		k.now(w, rng)
		return
	}
	skip := 0
	if rng.IntN(2) == 0 {
		skip = rng.IntN(12)
	}
	if k.at == "die" {
		skip = rng.IntN(60)
	}
	times := 1
	if rng.IntN(4) == 0 && k.at != "die" {
		times = 1 + rng.IntN(6)
	}
	w.faults.armed = append(w.faults.armed, &armed{kind: k, skip: skip, times: times, rng: rng})
}

// Which requests a fault may strike.

func isToken(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/token") }

func onGraph(req *http.Request, _ []*sent) bool  { return !isToken(req) }
func onTokens(req *http.Request, _ []*sent) bool { return isToken(req) }
func onAny(*http.Request, []*sent) bool          { return true }

func onBatch(req *http.Request, _ []*sent) bool {
	return strings.HasSuffix(req.URL.Path, "/$batch")
}

func onDelta(_ *http.Request, parts []*sent) bool {
	return slices.ContainsFunc(parts, (*sent).delta)
}

func (s *sent) delta() bool {
	path, _, _ := strings.Cut(s.path, "?")
	return strings.HasSuffix(path, "/delta") || strings.HasSuffix(path, "/delta()")
}

func onItems(_ *http.Request, parts []*sent) bool {
	return slices.ContainsFunc(parts, func(s *sent) bool { return s.item() != "" })
}

// repeatableByNature leaves out what makes something: Graph has no way to tell a contact that arrives twice from two.
func repeatableByNature(_ *http.Request, parts []*sent) bool {
	return !slices.ContainsFunc(parts, func(s *sent) bool { return s.method == http.MethodPost })
}

// How faults answer.

func refusal(status int, code, message string, headers ...string) (*http.Response, []byte) {
	raw := fmt.Appendf(nil, `{"error":{"code":%q,"message":%q,"innerError":{"request-id":"r"}}}`, code, message)
	header := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status), Header: header, ProtoMajor: 1, ProtoMinor: 1}, raw
}

// refuses answers whole requests with a status, without looking at them.
func refuses(status int, code, message string, headers ...string) func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
	return func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
		resp, raw := refusal(status, code, message, headers...)
		return resp, raw, nil
	}
}

const page = "<!DOCTYPE html>\n<html><body><h1>Our services aren't available right now</h1></body></html>\n"

func html(status int) func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
	return func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
		resp, _ := refusal(status, "", "")
		resp.Header.Set("Content-Type", "text/html")
		return resp, []byte(page), nil
	}
}

// refusesPart has one part of a batch refused before it is looked at.
func refusesPart(f m365sim.Fault) func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
	return func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
		aimed := s.aimed()
		part := s.parts[aimed[s.rng.IntN(len(aimed))]]
		path, _, _ := strings.Cut(part.path, "?")
		f := f
		f.Match = "part " + part.method + " " + path
		if err := s.w.sim.AddFault(f); err != nil {
			s.w.fail("simulation", "%v", err)
		}
		resp, raw := ask()
		s.w.sim.ClearFaults()
		return resp, raw, nil
	}
}

// spoils changes the answer of one part after it was carried out; "" leaves it out.
func spoils(change func(s *strike, part gjson.Result) string) func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
	return func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
		resp, raw := ask()
		if resp.StatusCode != http.StatusOK {
			return resp, raw, nil
		}
		all := gjson.GetBytes(raw, "responses").Array()
		if len(all) == 0 {
			return resp, raw, nil
		}
		at := s.rng.IntN(len(all))
		if s.hits != nil {
			id := strconv.Itoa(s.aimed()[0] + 1)
			at = slices.IndexFunc(all, func(r gjson.Result) bool { return r.Get("id").Str == id })
		}
		var out []string
		for i, r := range all {
			text := r.Raw
			if i == at {
				text = change(s, r)
			}
			if text != "" {
				out = append(out, text)
			}
		}
		return resp, []byte(`{"responses":[` + strings.Join(out, ",") + `]}`), nil
	}
}

// spoilsDelta changes the items of a page of changes, wherever in the answer it is.
func spoilsDelta(change func(s *strike, items []string) []string) func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
	spoilt := func(s *strike, body string) string {
		list := gjson.Get(body, "value")
		if !list.IsArray() {
			return body
		}
		var items []string
		for _, item := range list.Array() {
			items = append(items, item.Raw)
		}
		return body[:list.Index] + "[" + strings.Join(change(s, items), ",") + "]" + body[list.Index+len(list.Raw):]
	}
	return func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
		resp, raw := ask()
		if resp.StatusCode != http.StatusOK {
			return resp, raw, nil
		}
		if !strings.HasSuffix(s.req.URL.Path, "/$batch") {
			return resp, []byte(spoilt(s, string(raw))), nil
		}
		var out []string
		for _, r := range gjson.GetBytes(raw, "responses").Array() {
			text := r.Raw
			if n := int(r.Get("id").Int()) - 1; n >= 0 && n < len(s.parts) && s.parts[n].delta() {
				if body := r.Get("body"); body.Index > 0 {
					at := body.Index - r.Index
					if r.Index == 0 || at < 0 || at > len(text) {
						at = strings.Index(text, body.Raw)
					}
					text = text[:at] + spoilt(s, body.Raw) + text[at+len(body.Raw):]
				}
			}
			out = append(out, text)
		}
		return resp, []byte(`{"responses":[` + strings.Join(out, ",") + `]}`), nil
	}
}

const removedStranger = `{"id":"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AbbbbbbbbbbbbbbbbAAA=","@removed":{"reason":"deleted"}}`

// wart turns a behaviour of Microsoft's on for a while.
func wart(turn func(*m365sim.Warts)) func(*world, *rand.Rand) {
	return func(w *world, rng *rand.Rand) {
		warts := w.sim.Warts()
		turn(&warts)
		w.behaves(warts)
		w.in(time.Minute+time.Duration(rng.Int64N(int64(20*time.Minute))), func() { w.behaves(m365sim.Warts{}) })
	}
}

// lag has rounds lag behind, as soon as no item is unheard of that may have been changed after its acquaintances: see unheard.
func lag(w *world, rng *rand.Rand) {
	if w.calm {
		return
	}
	for _, l := range w.order {
		if slices.ContainsFunc(w.itemsOf(l), func(it item) bool { return w.unheard(l, it) }) {
			w.in(time.Minute, func() { lag(w, rng) })
			return
		}
	}
	wart(func(w *m365sim.Warts) { w.DeltaLag = 45 * time.Second })(w, rng)
}

// somebody is one of the people.
func (w *world) somebody(rng *rand.Rand) *person { return w.people[rng.IntN(len(w.people))] }

func (w *world) post(body string) {
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, hookURL, strings.NewReader(body))
	w.hook.ServeHTTP(httptest.NewRecorder(), req)
}

// menu is the menu of faults.
var menu = []*faultKind{
	{group: "transport", name: "refused", source: "SYNC-INVARIANTS, transport", on: onAny,
		serve: func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			return nil, nil, errRefused
		}},
	{group: "transport", name: "lost request", source: "SYNC-INVARIANTS, transport", on: onAny,
		serve: func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			return nil, nil, errReset
		}},
	{group: "transport", name: "lost answer", source: "SYNC-INVARIANTS, transport; FF 112", on: onAny,
		serve: func(_ *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			ask()
			return nil, nil, errReset
		}},
	{group: "transport", name: "body cut", source: "SYNC-INVARIANTS, transport", on: onGraph,
		serve: func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			resp, raw := ask()
			s.cut = true
			return resp, raw, nil
		}},
	{group: "transport", name: "time-out before it arrived", source: "SYNC-INVARIANTS, transport", on: onGraph,
		serve: func(s *strike, _ func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			s.delay = 100 * time.Second
			return nil, nil, context.DeadlineExceeded
		}},
	{group: "transport", name: "time-out after it was applied", source: "SYNC-INVARIANTS, transport", on: onGraph,
		serve: func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			ask()
			s.delay = 100 * time.Second
			return nil, nil, context.DeadlineExceeded
		}},
	{group: "transport", name: "slow", source: "SYNC-INVARIANTS, transport", on: onGraph,
		serve: func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			resp, raw := ask()
			s.delay = time.Duration(s.rng.Int64N(int64(90 * time.Second)))
			return resp, raw, nil
		}},
	{group: "transport", name: "delivered twice", source: "SYNC-INVARIANTS, transport", on: repeatableByNature,
		serve: func(_ *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			resp, raw := ask()
			ask()
			return resp, raw, nil
		}},

	{group: "http", name: "429 with seconds", source: "§5", on: onGraph, serve: refuses(429, "TooManyRequests", "Too many requests", "Retry-After", "17")},
	{group: "http", name: "429 with a date", source: "§5; RFC 9110 10.2.3", on: onGraph,
		serve: func(s *strike, _ func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			resp, raw := refusal(429, "TooManyRequests", "Too many requests", "Retry-After", s.w.clock.Add(21*time.Second).UTC().Format(http.TimeFormat))
			return resp, raw, nil
		}},
	{group: "http", name: "429 without Retry-After", source: "§5", on: onGraph, serve: refuses(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")},
	{group: "http", name: "429 with Retry-After 0", source: "SYNC-INVARIANTS, HTTP", on: onGraph, serve: refuses(429, "TooManyRequests", "Too many requests", "Retry-After", "0")},
	{group: "http", name: "429 with a huge Retry-After", source: "SYNC-INVARIANTS, HTTP", on: onGraph, serve: refuses(429, "TooManyRequests", "Too many requests", "Retry-After", "7200")},
	{group: "http", name: "500", source: "§1.1", on: onGraph, serve: refuses(500, "generalException", "An internal server error occurred.")},
	{group: "http", name: "502", source: "§1.1", on: onGraph, serve: refuses(502, "UnknownError", "Bad gateway.")},
	{group: "http", name: "503", source: "§1.1", on: onGraph, serve: refuses(503, "ErrorServerBusy", "The server is busy.")},
	{group: "http", name: "503 with Retry-After", source: "§5", on: onGraph, serve: refuses(503, "ErrorServerBusy", "The server is busy.", "Retry-After", "9")},
	{group: "http", name: "504 before it arrived", source: "§1.1", on: onGraph, serve: refuses(504, "UnknownError", "Gateway timeout.")},
	{group: "http", name: "504 after it was applied", source: "SYNC-INVARIANTS, HTTP", on: onGraph,
		serve: func(_ *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			ask()
			resp, raw := refusal(504, "UnknownError", "Gateway timeout.")
			return resp, raw, nil
		}},
	{group: "http", name: "401", source: "§10.4", on: onGraph, serve: refuses(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")},
	{group: "http", name: "403", source: "SYNC-INVARIANTS, HTTP", on: onGraph, serve: refuses(403, "ErrorAccessDenied", "Access is denied.")},
	{group: "http", name: "404 of the mailbox", source: "§1.1", on: onGraph, serve: refuses(404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")},
	{group: "http", name: "409 of saving at once", source: "§1.1", on: onGraph, serve: refuses(409, "ErrorIrresolvableConflict", "The send or update operation could not be performed.")},
	{group: "http", name: "412 without a cause", source: "I1; §3.8", on: onGraph, serve: refuses(412, "ErrorIrresolvableConflict", "The change key passed in the request does not match.")},
	{group: "http", name: "413", source: "SYNC-INVARIANTS, HTTP", on: onItems, serve: refuses(413, "RequestEntityTooLarge", "Request entity too large.")},
	{group: "http", name: "full mailbox", source: "§1.1", on: onGraph, serve: refuses(507, "ErrorQuotaExceeded", "The mailbox has exceeded its quota.")},
	{group: "http", name: "a page of HTML as 200", source: "issue 6", on: onGraph, serve: html(200)},
	{group: "http", name: "a page of HTML as 503", source: "issue 6", on: onGraph, serve: html(503)},
	{group: "http", name: "redirected", source: "§1", on: onGraph, serve: refuses(302, "", "", "Location", "https://elsewhere.test/")},

	{group: "batch", name: "part 429", source: "§5", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "429", RetryAfter: 3})},
	{group: "batch", name: "part 429 without Retry-After", source: "§5 (MailboxConcurrency)", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "429"})},
	{group: "batch", name: "part 500", source: "§1.1", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "500"})},
	{group: "batch", name: "part 503", source: "§1.1", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "503"})},
	{group: "batch", name: "part 401", source: "§10.4", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "401"})},
	{group: "batch", name: "part 403", source: "SYNC-INVARIANTS, HTTP", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "403"})},
	{group: "batch", name: "part 409", source: "§1.1", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "409"})},
	{group: "batch", name: "part 412", source: "I1; §3.8", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "412"})},
	{group: "batch", name: "part full mailbox", source: "§1.1", on: onBatch, serve: refusesPart(m365sim.Fault{Do: "507", Code: "ErrorQuotaExceeded"})},
	{group: "batch", name: "part 504 after it was applied", source: "SYNC-INVARIANTS, batch", on: onBatch,
		serve: spoils(func(_ *strike, part gjson.Result) string {
			return fmt.Sprintf(`{"id":%q,"status":504,"headers":{},"body":{"error":{"code":"UnknownError","message":"Gateway timeout."}}}`, part.Get("id").Str)
		})},
	{group: "batch", name: "part without an answer", source: "SYNC-INVARIANTS, batch", on: onBatch,
		serve: spoils(func(*strike, gjson.Result) string { return "" })},
	{group: "batch", name: "a page of HTML in a part", source: "issue 6", on: onBatch,
		serve: spoils(func(_ *strike, part gjson.Result) string {
			text, err := json.Marshal(page)
			if err != nil {
				return ""
			}
			return fmt.Sprintf(`{"id":%q,"status":200,"headers":{"Content-Type":"text/html"},"body":%s}`, part.Get("id").Str, text)
		})},

	{group: "delta", name: "an item twice on a page", source: "§4", on: onDelta,
		serve: spoilsDelta(func(s *strike, items []string) []string {
			if len(items) > 0 {
				items = append(items, items[s.rng.IntN(len(items))])
			}
			return items
		})},
	{group: "delta", name: "items in another order", source: "§4", on: onDelta,
		serve: spoilsDelta(func(s *strike, items []string) []string {
			s.rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
			return items
		})},
	{group: "delta", name: "@removed of a stranger", source: "SYNC-INVARIANTS, delta", on: onDelta,
		serve: spoilsDelta(func(_ *strike, items []string) []string { return append(items, removedStranger) })},
	{group: "delta", name: "@removed of an item that is there", source: "SYNC-INVARIANTS, delta (removed and added again)", on: onDelta,
		serve: spoilsDelta(func(s *strike, items []string) []string {
			if len(items) == 0 {
				return items
			}
			i := s.rng.IntN(len(items))
			return append(items, fmt.Sprintf(`{"id":%q,"@removed":{"reason":"changed"}}`, gjson.Get(items[i], "id").Str))
		})},
	{group: "delta", name: "a part of an item", source: "SYNC-INVARIANTS, delta", on: onDelta,
		serve: spoilsDelta(func(s *strike, items []string) []string {
			if len(items) == 0 {
				return items
			}
			i := s.rng.IntN(len(items))
			if gjson.Get(items[i], "@removed").Exists() {
				return items
			}
			items[i] = fmt.Sprintf(`{"@odata.etag":%s,"id":%q}`, gjson.Get(items[i], `@odata\.etag`).Raw, gjson.Get(items[i], "id").Str)
			return items
		})},
	{group: "delta", name: "410 in a round", source: "§4", on: onDelta, serve: refuses(410, "SyncStateNotFound", "The sync state generation is not found; do a full sync.")},
	{group: "delta", name: "sync states forgotten", source: "§4", now: func(w *world, rng *rand.Rand) { w.sim.ForgetSyncStates(w.somebody(rng).upn) }},
	{group: "delta", name: "empty pages", source: "§1", now: wart(func(w *m365sim.Warts) { w.EmptyPages = true })},
	{group: "delta", name: "replays", source: "§4", now: wart(func(w *m365sim.Warts) { w.Replays = true })},
	{group: "delta", name: "links with extras", source: "FF 90", now: wart(func(w *m365sim.Warts) { w.LinkExtras = true })},
	{group: "delta", name: "rounds that lag behind", source: "§4; SYNC-INVARIANTS, delta", now: lag},

	{group: "webhook", name: "notification lost", source: "L7", at: "lost"},
	{group: "webhook", name: "notification doubled", source: "§6", at: "doubled"},
	{group: "webhook", name: "notification late and out of order", source: "§6", at: "late"},
	{group: "webhook", name: "database busy at a notification", source: "issue 6", at: "webhook store busy"},
	{group: "webhook", name: "forged notification", source: "SYNC-INVARIANTS, webhook", now: func(w *world, _ *rand.Rand) {
		w.post(`{"value":[{"subscriptionId":"x","clientState":"1.AAAA","changeType":"updated","resource":"x"}]}`)
	}},
	{group: "webhook", name: "malformed notification", source: "issue 6", now: func(w *world, _ *rand.Rand) { w.post(`{"value":[{"clientState":`) }},
	{group: "webhook", name: "flood of notifications", source: "SYNC-INVARIANTS, webhook", now: func(w *world, rng *rand.Rand) {
		l := w.order[rng.IntN(len(w.order))]
		one := fmt.Sprintf(`{"subscriptionId":"x","clientState":%q,"changeType":"updated","resource":"x"}`, w.seal.State(l.id))
		w.post(`{"value":[` + strings.Repeat(one+",", 99) + one + `]}`)
	}},
	{group: "webhook", name: "subscription gone without notice", source: "FF 81", now: func(w *world, rng *rand.Rand) { w.sim.DropSubscriptions(w.somebody(rng).upn) }},
	{group: "webhook", name: "reauthorizationRequired", source: "§6", now: func(w *world, rng *rand.Rand) { w.sim.Lifecycle(w.somebody(rng).upn, "reauthorizationRequired") }},
	{group: "webhook", name: "subscriptionRemoved", source: "§6", now: func(w *world, rng *rand.Rand) { w.sim.Lifecycle(w.somebody(rng).upn, "subscriptionRemoved") }},
	{group: "webhook", name: "missed", source: "§6", now: func(w *world, rng *rand.Rand) { w.sim.Lifecycle(w.somebody(rng).upn, "missed") }},

	{group: "tokens", name: "grant revoked", source: "§10.4", now: func(w *world, rng *rand.Rand) { w.sim.Revoke(w.somebody(rng).upn) }},
	{group: "tokens", name: "client secret expired", source: "§10.4 (AADSTS7000222)", now: func(w *world, rng *rand.Rand) {
		w.sim.EditApp(m365sim.DemoClientID, func(a *m365sim.App) { a.SecretExpired = true })
		w.in(time.Duration(rng.Int64N(int64(30*time.Minute))), func() { w.secretRenewed() })
	}},
	{group: "tokens", name: "token endpoint 500", source: "§10.4", on: onTokens, serve: refuses(500, "temporarily_unavailable", "AADSTS")},

	{group: "process", name: "killed at an effect", source: "C1, C2", at: "die"},
	{group: "process", name: "frozen beyond its lease", source: "I8", at: "freeze"},
	{group: "process", name: "two workers on one link", source: "I8", now: func(w *world, rng *rand.Rand) {
		l := w.order[rng.IntN(len(w.order))]
		w.run(l, w.worker(l), false)
	}},
	{group: "process", name: "our clock is off Microsoft's", source: "SYNC-INVARIANTS, process", now: func(w *world, rng *rand.Rand) {
		w.setClock(time.Duration(rng.Int64N(int64(20*time.Minute))) - 10*time.Minute)
	}},
	{group: "process", name: "the machine slept for hours", source: "SYNC-INVARIANTS, process", now: func(w *world, rng *rand.Rand) {
		w.clock = w.clock.Add(time.Duration(rng.Int64N(int64(26 * time.Hour))))
	}},
	{group: "process", name: "our clock is set back", source: "SYNC-INVARIANTS, process", now: func(w *world, rng *rand.Rand) {
		w.setClock(-time.Duration(rng.Int64N(int64(5 * time.Minute))))
	}},

	{group: "store", name: "commit refused", source: "SYNC-INVARIANTS, store", at: "commit"},
	{group: "store", name: "disk full", source: "SYNC-INVARIANTS, store", at: "disk"},
	{group: "store", name: "commit outcome unknown", source: "SYNC-INVARIANTS, store", at: "after commit"},
	{group: "store", name: "database busy on reading", source: "SYNC-INVARIANTS, store", at: "read"},
}

// setClock moves our clock; Microsoft's goes on as before.
func (w *world) setClock(d time.Duration) { w.clock, w.skew = w.clock.Add(d), w.skew-d }

func (w *world) secretRenewed() {
	w.sim.EditApp(m365sim.DemoClientID, func(a *m365sim.App) { a.SecretExpired = false })
}
