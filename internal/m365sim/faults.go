package m365sim

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Fault is a failure made to order. The JSON form is that of POST /sim/faults.
type Fault struct {
	// Match says which requests: a method or *, a blank, and a path in which * stands for anything, such as
	// "POST /v1.0/$batch" or "GET /me/contactFolders/*". /v1.0 may be left out, and /users/{id}/… is met by /me/….
	// With "part " in front it speaks of the parts of batches instead of whole requests.
	Match string `json:"match,omitempty"`
	// Times is how often it strikes: once when 0, without end when negative.
	Times int `json:"times,omitempty"`
	// Do is a status (400 401 403 404 409 410 412 423 429 500 501 502 503 504 507 509), or
	//	hang               no answer until the caller gives up
	//	drop               the connection ends before anything was done
	//	drop-after-commit  the connection ends after it was done
	//	slow               the answer comes MS later
	//	revoke             the grants of User (or of whose mailbox it is) end, then the request goes on; without Match at once
	//	html               a page of HTML in place of the answer, with status 200 or Status
	//	cut                half of the answer, then the connection ends
	Do string `json:"do"`

	RetryAfter int    `json:"retryAfter,omitempty"` // seconds; the header is left out when 0
	MS         int    `json:"ms,omitempty"`         // of slow
	User       string `json:"user,omitempty"`       // of revoke
	Code       string `json:"code,omitempty"`       // of a status, instead of the usual one
	Message    string `json:"message,omitempty"`
	Status     int    `json:"status,omitempty"` // of html
	Late       bool   `json:"late,omitempty"`   // a status that comes though what was asked for was done
}

// Throttle is 429 with Retry-After, or without when it is under a second.
func Throttle(after time.Duration) Fault {
	return Fault{Do: "429", RetryAfter: int(after / time.Second)}
}

// Fail is an answer with a status and its usual code.
func Fail(status int) Fault { return Fault{Do: strconv.Itoa(status)} }

// FailLate is Fail, once what was asked for is done.
func FailLate(status int) Fault { return Fault{Do: strconv.Itoa(status), Late: true} }

// Hang gives no answer until the caller gives up.
func Hang() Fault { return Fault{Do: "hang"} }

// Drop ends the connection before anything was done.
func Drop() Fault { return Fault{Do: "drop"} }

// DropAfterCommit ends the connection after it was done.
func DropAfterCommit() Fault { return Fault{Do: "drop-after-commit"} }

// Slow holds the answer back.
func Slow(d time.Duration) Fault { return Fault{Do: "slow", MS: int(d / time.Millisecond)} }

// HTML is a page of HTML where JSON was expected.
func HTML(status int) Fault { return Fault{Do: "html", Status: status} }

// Cut ends the connection in the middle of the answer.
func Cut() Fault { return Fault{Do: "cut"} }

// As gives the fault another code than the usual one of its status.
func (f Fault) As(code string) Fault { f.Code = code; return f }

// Repeat makes the fault strike n times; without end when n is negative.
func (f Fault) Repeat(n int) Fault { f.Times = n; return f }

// Next orders faults for the requests that match, each after the one before it is used up.
func (s *Sim) Next(match string, faults ...Fault) {
	for _, f := range faults {
		f.Match = match
		if err := s.AddFault(f); err != nil {
			panic(err)
		}
	}
}

// AddFault orders a fault. It refuses one that says nothing the simulator can do.
func (s *Sim) AddFault(f Fault) error {
	if f.Do == "revoke" && f.Match == "" {
		if s.Person(f.User) == nil {
			return errors.New("m365sim: revoke needs a user or a match")
		}
		s.Revoke(f.User)
		return nil
	}
	if _, known := usualCodes[f.status()]; !known && !slices.Contains([]string{"hang", "drop", "drop-after-commit", "slow", "revoke", "html", "cut"}, f.Do) {
		return errors.New("m365sim: nobody knows how to do " + strconv.Quote(f.Do))
	}
	if f.Late && f.status() == 0 {
		return errors.New("m365sim: only a status can come late")
	}
	if !strings.Contains(f.Match, " ") {
		return errors.New(`m365sim: a match is a method, a blank and a path, such as "POST /v1.0/$batch"`)
	}
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults.add(f)
	return nil
}

// Faults lists what is still ordered, with the times that are left.
func (s *Sim) Faults() []Fault { return s.faults.list() }

// Faulted reports whether a fault has ever been ordered, so that not every answer may be what Microsoft 365 would say.
func (s *Sim) Faulted() bool { return s.faults.ever.Load() }

// ClearFaults takes all orders back and lets go of what hangs.
func (s *Sim) ClearFaults() { s.faults.clear() }

// Revoke ends every grant of a person, as an administrator's "revoke sessions" does, and with them the
// subscriptions of their mailbox.
func (s *Sim) Revoke(upn string) {
	if p := s.Person(upn); p != nil {
		s.revokeTokens(p)
		s.DropSubscriptions(upn)
	}
}

// Latency makes every request, and every part of a batch, take at least d.
func (s *Sim) Latency(d time.Duration) { s.latency.Store(int64(d)) }

// usualCodes are the error codes that go with a status (fact sheet §1.1).
var usualCodes = map[int]struct{ code, message string }{
	400: {"ErrorInvalidRequest", "The request is invalid."},
	401: {"InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."},
	403: {errAccessDenied.code, errAccessDenied.message},
	404: {errItemNotFound.code, errItemNotFound.message},
	409: {"ConcurrentItemSave", "The item was changed by another request at the same time."},
	410: {errSyncState.code, errSyncState.message},
	412: {errStale.code, errStale.message},
	423: {"ErrorQuotaExceeded", "The mailbox is locked."},
	429: {errMailboxConcurrency.code, errMailboxConcurrency.message},
	500: {"generalException", "An internal server error occurred."},
	501: {"NotImplemented", "The request is not implemented."},
	502: {"UnknownError", "Bad gateway."},
	503: {errServiceBusy.code, errServiceBusy.message},
	504: {"UnknownError", "Gateway timeout."},
	507: {"ErrorQuotaExceeded", "The mailbox is full."},
	509: {"ErrorBandwidthLimitExceeded", "The bandwidth limit is exceeded."},
}

func (f *Fault) status() int {
	n, _ := strconv.Atoi(f.Do)
	return n
}

func (f *Fault) refusal() *graphError {
	status := f.status()
	usual := usualCodes[status]
	e := &graphError{status: status, code: usual.code, message: usual.message, retryAfter: f.RetryAfter}
	if f.Code != "" {
		e.code = f.Code
	}
	if f.Message != "" {
		e.message = f.Message
	}
	return e
}

// A faultBook holds what is ordered, oldest first.
type faultBook struct {
	count  atomic.Int32 // orders in the book: nothing is locked while there are none
	ever   atomic.Bool  // something has been ordered
	mu     sync.Mutex
	orders []*Fault
	free   chan struct{} // closed when hanging requests are let go
}

// A strike is one use of a fault.
type strike struct {
	Fault
	free <-chan struct{}
}

func (b *faultBook) add(f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders = append(b.orders, &f)
	b.ever.Store(true)
	b.count.Store(int32(len(b.orders)))
}

func (b *faultBook) list() []Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Fault, len(b.orders))
	for i, f := range b.orders {
		list[i] = *f
	}
	return list
}

func (b *faultBook) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders = nil
	b.count.Store(0)
	if b.free != nil {
		close(b.free)
		b.free = nil
	}
}

// pick uses the first order that matches, if any.
func (b *faultBook) pick(method, path string, part bool) *strike {
	if b.count.Load() == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, f := range b.orders {
		if !f.matches(method, path, part) {
			continue
		}
		if b.free == nil {
			b.free = make(chan struct{})
		}
		used := &strike{Fault: *f, free: b.free}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				b.orders = slices.Delete(b.orders, i, i+1)
				b.count.Store(int32(len(b.orders)))
			}
		}
		return used
	}
	return nil
}

func (f *Fault) matches(method, path string, part bool) bool {
	match, ofPart := strings.CutPrefix(f.Match, "part ")
	if ofPart != part {
		return false
	}
	wantMethod, glob, _ := strings.Cut(match, " ")
	if wantMethod != "*" && !strings.EqualFold(wantMethod, method) {
		return false
	}
	glob = strings.TrimPrefix(glob, "/v1.0")
	path = strings.TrimPrefix(path, "/v1.0")
	if user, ok := strings.CutPrefix(path, "/users/"); ok && !strings.HasPrefix(glob, "/users/") {
		if i := strings.IndexByte(user, '/'); i >= 0 {
			path = "/me" + user[i:]
		}
	}
	return globMatch(glob, path)
}

// globMatch holds a text against a pattern in which * stands for any run of characters.
func globMatch(glob, text string) bool {
	head, rest, starred := strings.Cut(glob, "*")
	if !strings.HasPrefix(text, head) {
		return false
	}
	if !starred {
		return text == head
	}
	for text = text[len(head):]; ; text = text[1:] {
		if globMatch(rest, text) {
			return true
		}
		if text == "" {
			return false
		}
	}
}

// before does what a fault does in place of a request, or ahead of it. It reports whether the request goes on.
func (k *strike) before(s *Sim, ctx context.Context, oid string) (goesOn bool) {
	switch k.Do {
	case "hang":
		select {
		case <-ctx.Done():
		case <-k.free:
		case <-s.closing:
		}
	case "slow":
		s.wait(ctx, time.Duration(k.MS)*time.Millisecond)
		return true
	case "revoke":
		if k.User != "" {
			s.Revoke(k.User)
		} else {
			s.Revoke(oid)
		}
		return true
	case "drop-after-commit", "cut":
		return true
	}
	return false
}

// serveFaulty answers a whole request under a fault.
func (s *Sim) serveFaulty(k *strike, w http.ResponseWriter, r *http.Request) {
	oid := ""
	if k.Do == "revoke" && k.User == "" {
		if g, err := s.authenticate(r); err == nil {
			oid = g.oid
		}
	}
	if !k.before(s, r.Context(), oid) {
		if k.Late {
			s.mux.ServeHTTP(httptest.NewRecorder(), r)
		}
		s.counts.struck(r, k.Do)
		if k.ends() {
			panic(http.ErrAbortHandler)
		}
		k.answer(s, w, r)
		return
	}
	switch k.Do {
	case "drop-after-commit":
		s.mux.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case "cut":
		rec := httptest.NewRecorder()
		s.mux.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body[:len(body)/2])
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	s.mux.ServeHTTP(w, r)
}

// ends reports whether the connection ends without an answer.
func (k *strike) ends() bool { return k.Do == "hang" || k.Do == "drop" }

const htmlPage = "<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head><body><h1>Our services aren't available right now</h1></body></html>\n"

// answer gives the fault as the whole answer: in Entra's form where tokens are asked for, else in Graph's.
func (k *strike) answer(s *Sim, w http.ResponseWriter, r *http.Request) {
	if k.Do == "html" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(max(k.Status, http.StatusOK))
		_, _ = w.Write([]byte(htmlPage))
		return
	}
	refused := k.refusal()
	if !strings.Contains(r.URL.Path, "/oauth2/") {
		refused.write(s, w, r)
		return
	}
	code := k.Code
	if code == "" {
		code = "temporarily_unavailable"
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if k.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(k.RetryAfter))
	}
	w.WriteHeader(refused.status)
	b := appendTextMember([]byte{'{'}, "error", code)
	b = appendTextMember(b, "error_description", "AADSTS: "+refused.message)
	_, _ = w.Write(append(b, '}'))
}

// strikePart lets a fault act on one part of a batch. It reports whether the part is answered. A part that hangs,
// drops or is cut takes its whole batch with it, after the other parts were done.
func (s *Sim) strikePart(k *strike, c *call) (answered bool) {
	if k.before(s, c.ctx, c.grant.oid) {
		c.aborted = k.Do == "drop-after-commit" || k.Do == "cut"
		return false
	}
	c.status = http.StatusOK
	switch {
	case k.ends():
		c.aborted = true
	case k.Do == "html":
		c.status, c.contentType = max(k.Status, http.StatusOK), "text/html"
		c.out = append(c.out[:0], htmlPage...)
	default:
		if k.Late {
			c.run()
		}
		c.fail(k.refusal())
	}
	return true
}
