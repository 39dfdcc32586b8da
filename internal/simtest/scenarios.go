package simtest

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"tandem/internal/m365sim"
)

func scenario(name string, wrong ...mishap) Scenario { return Scenario{Name: name, wrong: wrong} }

func (s Scenario) ofEvents() Scenario { s.calendar = true; return s }

func (s Scenario) when(deeds ...string) Scenario { s.deeds = deeds; return s }

// unsaid says that Microsoft does not tell of something, so that only an audit can find it.
func (s Scenario) unsaid() Scenario { s.drifts = true; return s }

const always = 1 << 20

// Scenarios are all that are written, by what goes wrong.
func Scenarios() []Scenario {
	return []Scenario{
		scenario("nothing goes wrong"),
		scenario("nothing goes wrong with events").ofEvents(),

		// Requests and answers are lost.
		scenario("the answer to a create is lost", mishap{fault: "lost answer", hits: creating}),
		scenario("the answer to a create of an event is lost", mishap{fault: "lost answer", hits: creating}).ofEvents(),
		scenario("the answer to an edit is lost", mishap{fault: "lost answer", hits: editing}).when("edit in the CRM", "new in the CRM", "edit in the CRM", "edit in Outlook"),
		scenario("the answer to a deletion is lost", mishap{fault: "lost answer", hits: deleting}),
		scenario("the answer to the changes is lost", mishap{fault: "lost answer", hits: listening}),
		scenario("two answers in a row are lost", mishap{fault: "lost answer", hits: writing, times: 2}),
		scenario("a create is lost on its way", mishap{fault: "lost request", hits: creating}),
		scenario("an edit of an event is lost on its way", mishap{fault: "lost request", hits: editing}).ofEvents(),
		scenario("nobody is at home", mishap{fault: "refused", times: 5}),
		scenario("an answer comes after the time-out", mishap{fault: "time-out after it was applied", hits: creating}),
		scenario("an edit times out before it arrives", mishap{fault: "time-out before it arrived", hits: editing}).when("edit in the CRM", "new in the CRM", "edit in the CRM", "edit in Outlook"),
		scenario("an answer takes longer than a lease", mishap{fault: "slow", hits: writing}, mishap{fault: "slow", hits: listening}),
		scenario("the answer to a create is cut in the middle", mishap{fault: "body cut", hits: creating}),
		scenario("the changes are cut in the middle", mishap{fault: "body cut", hits: listening}),
		scenario("an edit arrives twice", mishap{fault: "delivered twice", hits: editing}).when("edit in the CRM", "new in the CRM", "edit in the CRM", "edit in Outlook"),
		scenario("a deletion arrives twice", mishap{fault: "delivered twice", hits: deleting}).when("delete in the CRM", "delete in the CRM"),

		// Throttled.
		scenario("429 with Retry-After", mishap{fault: "429 with seconds", hits: writing, times: 2}),
		scenario("429 without Retry-After", mishap{fault: "429 without Retry-After", hits: writing, times: 2}),
		scenario("429 with a date", mishap{fault: "429 with a date", hits: listening}),
		scenario("429 for hours", mishap{fault: "429 with a huge Retry-After", hits: creating}),
		scenario("429 with nothing to wait for", mishap{fault: "429 with Retry-After 0", times: 6}),
		scenario("a create in a batch is throttled", mishap{fault: "part 429", hits: creating}),
		scenario("an edit in a batch is throttled without Retry-After", mishap{fault: "part 429 without Retry-After", hits: editing, times: 2}),
		scenario("a deletion in a batch of events is throttled", mishap{fault: "part 429", hits: deleting}).ofEvents(),

		// Microsoft is not well.
		scenario("500 on writing", mishap{fault: "500", hits: writing, times: 2}),
		scenario("502 on the changes", mishap{fault: "502", hits: listening, times: 2}),
		scenario("503 with Retry-After", mishap{fault: "503 with Retry-After", hits: writing}),
		scenario("503 again and again", mishap{fault: "503", times: 8}),
		scenario("504 after a create was applied", mishap{fault: "504 after it was applied", hits: creating}),
		scenario("504 before an edit arrived", mishap{fault: "504 before it arrived", hits: editing}),
		scenario("500 for a create in a batch", mishap{fault: "part 500", hits: creating}),
		scenario("503 for an edit in a batch", mishap{fault: "part 503", hits: editing}),
		scenario("504 in a batch after a create was applied", mishap{fault: "part 504 after it was applied", hits: creating}),
		scenario("504 in a batch after an edit was applied", mishap{fault: "part 504 after it was applied", hits: editing}).ofEvents(),
		scenario("a batch answers all but a create", mishap{fault: "part without an answer", hits: creating}),
		scenario("a batch answers all but a deletion", mishap{fault: "part without an answer", hits: deleting}).when("delete in the CRM", "delete in the CRM"),
		scenario("a page of HTML for a create in a batch", mishap{fault: "a page of HTML in a part", hits: creating}),
		scenario("a page of HTML for an edit in a batch", mishap{fault: "a page of HTML in a part", hits: editing}),
		scenario("a page of HTML in place of the changes", mishap{fault: "a page of HTML as 200", hits: listening}),
		scenario("a page of HTML says 503", mishap{fault: "a page of HTML as 503", hits: writing}),
		scenario("redirected to a stranger", mishap{fault: "redirected", hits: writing}),

		// Refused.
		scenario("401 amid a run", mishap{fault: "401", hits: writing}),
		scenario("401 for an edit in a batch", mishap{fault: "part 401", hits: editing}).when("edit in the CRM", "new in the CRM", "edit in the CRM", "edit in Outlook"),
		scenario("403 for the mailbox", mishap{fault: "403", hits: listening}),
		scenario("403 for a create in a batch", mishap{fault: "part 403", hits: creating}),
		scenario("the item is deleted right before it is edited", mishap{fault: "deleted before the write", hits: editing}).when("edit in the CRM", "new in the CRM"),
		scenario("the item is edited right before it is edited", mishap{fault: "edited before the write", hits: editing}).when("edit in the CRM", "new in Outlook"),
		scenario("the item is edited right before it is deleted", mishap{fault: "edited before the write", hits: deleting}).when("delete in the CRM", "new in the CRM"),
		scenario("the event is edited right before it is edited", mishap{fault: "edited before the write", hits: editing}).ofEvents().when("edit in the CRM", "new in Outlook"),
		scenario("the mailbox is not there", mishap{fault: "404 of the mailbox"}),
		scenario("409 of saving at once", mishap{fault: "409 of saving at once", hits: writing}),
		scenario("409 for an edit in a batch", mishap{fault: "part 409", hits: editing}),
		scenario("412 without a cause", mishap{fault: "412 without a cause", hits: editing, times: 2}).when("edit in the CRM", "new in the CRM", "edit in the CRM", "edit in Outlook"),
		scenario("412 for an edit in a batch", mishap{fault: "part 412", hits: editing}),
		scenario("412 on reading", mishap{fault: "412 without a cause", hits: listening}),
		scenario("413", mishap{fault: "413", hits: editing}).when("edit in the CRM", "new in the CRM", "edit in the CRM", "edit in Outlook"),
		scenario("the mailbox is full", mishap{fault: "full mailbox", hits: creating}),
		scenario("the mailbox is full for a create in a batch", mishap{fault: "part full mailbox", hits: creating}),

		// The changes lie.
		scenario("410 in a round", mishap{fault: "410 in a round"}),
		scenario("410 in a round, and in the next", mishap{fault: "410 in a round", times: 2}),
		scenario("410 on the second page", mishap{fault: "small pages"}, mishap{fault: "410 in a round", skip: 1}),
		scenario("the sync states are forgotten", mishap{fault: "sync states forgotten"}),
		scenario("the sync states of events are forgotten", mishap{fault: "sync states forgotten"}).ofEvents(),
		scenario("an item comes twice on a page", mishap{fault: "an item twice on a page", times: 3}),
		scenario("rounds replay", mishap{fault: "replays"}),
		scenario("items come in another order", mishap{fault: "items in another order", times: 3}),
		scenario("an item is missing from the changes", mishap{fault: "an item is missing"}).when("edit in Outlook", "new in the CRM").unsaid(),
		scenario("a new item is missing from the changes", mishap{fault: "an item is missing"}).when("new in Outlook", "edit in the CRM").unsaid(),
		scenario("a deletion is missing from the changes", mishap{fault: "an item is missing"}).when("delete in Outlook", "edit in the CRM").unsaid(),
		scenario("a page of the changes is missing", mishap{fault: "notification lost", times: 9}, mishap{fault: "small pages"}, mishap{fault: "a page is missing"}).
			when("edit in Outlook", "new in Outlook", "new in Outlook").unsaid(),
		scenario("empty pages with a next link", mishap{fault: "empty pages"}),
		scenario("the changes lag behind", mishap{fault: "rounds that lag behind"}),
		scenario("a removal of a stranger", mishap{fault: "@removed of a stranger", times: 2}),
		scenario("a removal of what is there", mishap{fault: "@removed of an item that is there"}),
		scenario("a part of an item", mishap{fault: "a part of an item"}),
		scenario("links with extras", mishap{fault: "links with extras"}),

		// Ids change.
		scenario("the id of the folder changes", mishap{fault: "the id of the container changes", times: always}),
		scenario("the id of the calendar changes", mishap{fault: "the id of the container changes", times: always}).ofEvents(),

		// Notifications and subscriptions.
		scenario("notifications are lost", mishap{fault: "notification lost", times: 9}),
		scenario("notifications come twice", mishap{fault: "notification doubled", times: 9}),
		scenario("notifications come late and out of order", mishap{fault: "notification late and out of order", times: 9}),
		scenario("notifications are forged", mishap{fault: "forged notification"}, mishap{fault: "malformed notification"}),
		scenario("a flood of notifications", mishap{fault: "flood of notifications"}),
		scenario("the database is busy at a notification", mishap{fault: "database busy at a notification", times: 2}),
		scenario("the subscription is gone without notice", mishap{fault: "subscription gone without notice"}),
		scenario("the subscription wants to be reauthorized", mishap{fault: "reauthorizationRequired"}),
		scenario("the subscription was removed", mishap{fault: "subscriptionRemoved"}),
		scenario("notifications were missed", mishap{fault: "missed"}),

		// Tokens.
		scenario("the grant is revoked", mishap{fault: "grant revoked"}),
		scenario("the client secret has expired", mishap{fault: "client secret expired"}),
		scenario("refresh tokens rotate", mishap{fault: "access ends at once"}),
		scenario("the answer with a new refresh token is lost", mishap{fault: "access ends at once"}, mishap{fault: "lost answer of tokens"}),
		scenario("the token endpoint fails", mishap{fault: "access ends at once"}, mishap{fault: "token endpoint 500"}),

		// The process and its machine.
		scenario("the worker freezes beyond its lease", mishap{fault: "frozen beyond its lease", skip: 6}),
		scenario("two workers on one link", mishap{fault: "two workers on one link"}),
		scenario("our clock is off", mishap{fault: "our clock is off Microsoft's"}),
		scenario("our clock is set back", mishap{fault: "our clock is set back"}),
		scenario("the machine sleeps", mishap{fault: "the machine slept for hours"}),

		// The database.
		scenario("the database is busy on writing", mishap{fault: "commit refused", skip: 2, times: 3}),
		scenario("the database is busy on reading", mishap{fault: "database busy on reading", skip: 1, times: 2}),
		scenario("the disk is full", mishap{fault: "disk full", skip: 3, times: 4}),
		scenario("it is not known whether a commit was made", mishap{fault: "commit outcome unknown", skip: 2, times: 2}),

		// People disagree.
		scenario("both edit one field while an answer is lost", mishap{fault: "lost answer", hits: editing}).when("both edit one field", "edit in the CRM"),
		scenario("one deletes what the other edits while an answer is lost", mishap{fault: "lost answer", hits: writing}).
			when("edit in the CRM", "delete in Outlook", "edit in the CRM", "delete in the CRM", "edit in Outlook"),
		scenario("many are deleted, and a commit is not known", mishap{fault: "commit outcome unknown", skip: 3}).when("bulk delete", "edit in the CRM", "new in Outlook"),
		scenario("it is switched off while an answer is lost", mishap{fault: "lost answer", hits: writing}).when("edit in Outlook", "edit in the CRM", "switch off"),
		scenario("it is switched off and on again").when("switch off", "edit in the CRM", "switch on again", "new in the CRM"),
		scenario("an item is moved to another folder").when("move to another folder", "edit in the CRM"),
		scenario("an item is copied while an answer is lost", mishap{fault: "lost answer", hits: creating}).when("copy in Outlook", "new in the CRM"),
		scenario("the mapping changes while an answer is lost", mishap{fault: "lost answer", hits: writing}).
			when("edit in the CRM", "new in the CRM", "change the mapping", "edit in the CRM"),
		scenario("imported records are let in while an answer is lost", mishap{fault: "lost answer", hits: creating}).when("import", "import", "mass update", "new in the CRM"),
	}
}

// occasions are faults that only scenarios order: chance would spoil too much with them.
var occasions = []*faultKind{
	{group: "http", name: "deleted before the write", source: "SYNC-INVARIANTS, HTTP (404 of an item)", on: onItems,
		serve: func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			s.w.forItem(s, func(l *linkState, it item) { s.w.deleteItem(l, it) })
			resp, raw := ask()
			return resp, raw, nil
		}},
	{group: "http", name: "edited before the write", source: "I1; §3.8", on: onItems,
		serve: func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			s.w.forItem(s, func(l *linkState, it item) { s.w.editItem(l, it, s.rng.IntN(len(it.values))) })
			resp, raw := ask()
			return resp, raw, nil
		}},
	{group: "delta", name: "small pages", source: "§1", now: func(w *world, _ *rand.Rand) { w.sim.SetWarts(m365sim.Warts{MaxPage: 1}) }},
	{group: "delta", name: "an item is missing", source: "SYNC-INVARIANTS, delta", on: onDelta,
		serve: spoilsDelta(func(_ *strike, items []string) []string { return items[:max(0, len(items)-1)] })},
	{group: "delta", name: "a page is missing", source: "SYNC-INVARIANTS, delta", on: onDelta,
		serve: func(s *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			resp, raw := ask()
			gjson.ParseBytes(raw).ForEach(func(_, all gjson.Result) bool {
				for _, r := range all.Array() {
					if next := r.Get(`body.@odata\.nextLink`).Str; next != "" { // whoever asks for the first page gets the second
						_, second := s.w.askSim(s.req, next)
						raw = []byte(strings.Replace(string(raw), r.Get("body").Raw, string(second), 1))
					}
				}
				return true
			})
			return resp, raw, nil
		}},
	{group: "delta", name: "the id of the container changes", source: "SYNC-INVARIANTS, delta", on: onGraph,
		serve: renamed(func(w *world, l *linkState) []string { return []string{string(w.books.link(l.id).Container)} })},
	{group: "tokens", name: "access ends at once", source: "§10.4", now: func(w *world, _ *rand.Rand) {
		w.sim.SetRotateStrictly(true)
		w.clock = w.clock.Add(90 * time.Minute) // longer than an access token lives
	}},
	{group: "tokens", name: "lost answer of tokens", source: "§10.4; FF 12", on: onTokens,
		serve: func(_ *strike, ask func() (*http.Response, []byte)) (*http.Response, []byte, error) {
			ask()
			return nil, nil, errReset
		}},
}

// forItem finds the item that a request, or the first part of it that a fault is for, is about.
func (w *world) forItem(s *strike, do func(l *linkState, it item)) {
	id := s.parts[s.aimed()[0]].item()
	for _, it := range w.itemsOf(s.t.link) {
		if it.id == id {
			do(s.t.link, it)
		}
	}
}

// askSim has the simulator answer another address in place of a request's.
func (w *world) askSim(req *http.Request, address string) (*http.Response, []byte) {
	other := httptest.NewRequestWithContext(context.WithoutCancel(req.Context()), http.MethodGet, address, nil)
	other.Header = req.Header
	return w.replies(other)
}

func (w *world) replies(req *http.Request) (*http.Response, []byte) {
	rec := httptest.NewRecorder()
	w.sim.ServeHTTP(rec, req)
	resp := rec.Result()
	resp.Header.Set("Date", w.clock.Add(w.skew).UTC().Format(http.TimeFormat))
	return resp, rec.Body.Bytes()
}

// renamed has things go by other ids from the first request that it strikes on: what of tells is known by a new id only. Ids are
// told apart by their last letter but the ending, whose case the simulator uses for one bit.
func renamed(of func(w *world, l *linkState) []string) func(*strike, func() (*http.Response, []byte)) (*http.Response, []byte, error) {
	const ending = "AAA="
	return func(s *strike, _ func() (*http.Response, []byte)) (*http.Response, []byte, error) {
		w := s.w
		if w.renamed == nil {
			w.renamed = map[string]string{}
			for _, id := range of(w, s.t.link) {
				if stem, ok := strings.CutSuffix(id, ending); ok {
					w.renamed[stem] = stem[:len(stem)-1] + "Z"
				}
			}
			w.sim.ForgetSyncStates(s.t.link.of.upn) // as when a mailbox is moved
		}
		var there, back []string
		for was, is := range w.renamed {
			there = append(there, was, was[:len(was)-1]+"X", is, was)
			back = append(back, was, is)
		}
		ask := strings.NewReplacer(there...)
		var body []byte
		if s.req.GetBody != nil {
			r, err := s.req.GetBody()
			if err != nil {
				return nil, nil, err
			}
			if body, err = io.ReadAll(r); err != nil {
				return nil, nil, err
			}
		}
		req := httptest.NewRequestWithContext(context.WithoutCancel(s.req.Context()), s.req.Method, ask.Replace(s.req.URL.String()), strings.NewReader(ask.Replace(string(body))))
		req.Header = s.req.Header
		resp, raw := w.replies(req)
		return resp, []byte(strings.NewReplacer(back...).Replace(string(raw))), nil
	}
}
