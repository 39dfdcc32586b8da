package m365sim

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody is what one REST request may bring along (fact sheet §1: 4 MB in all).
const maxBody = 4 << 20

// A call is one request to Graph: by itself, as a part of a batch, or a person's act in Outlook.
type call struct {
	s   *Sim
	ctx context.Context

	method  string
	path    string // as asked, below /v1.0, still escaped
	query   query
	header  func(name string) string
	body    string // the raw bytes
	base    string // scheme and host for links
	grant   *grant
	byHand  bool // a person in Outlook, not an app: no limits, not counted
	part    bool // of a batch
	aborted bool // a part whose fault ends the connection
	route   *route
	prefer  preferences
	person  *Person  // whose token it is
	box     *mailbox // theirs, when the route needs one
	param   [3]string
	params  int

	status      int
	contentType string // application/json when empty
	headers     []headerLine
	out         []byte
}

type headerLine struct{ name, value string }

// A route is one row of the table in routes.go.
type route struct {
	method  string
	pattern string
	scopes  []string // any of these will do
	mailbox bool     // needs the person's mailbox
	serve   func(*call) *graphError
	name    string // for the counts
}

func (s *Sim) graphRoutes(mux *http.ServeMux) {
	mux.HandleFunc("/v1.0/", s.serveGraph)
}

// serveGraph answers one HTTP request: first who is asking, then what.
func (s *Sim) serveGraph(w http.ResponseWriter, r *http.Request) {
	s.counts.roundTrip()
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/v1.0")
	body, err := readBody(w, r)
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			newGraphError(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is over 4 MB.").write(s, w, r)
		}
		return
	}

	g, refused := s.authenticate(r)
	if refused != nil {
		refused.write(s, w, r)
		return
	}
	c := getCall()
	defer putCall(c)
	c.s, c.ctx, c.grant = s, r.Context(), g
	c.method, c.path, c.query = r.Method, path, parseQuery(r.URL.RawQuery)
	c.header, c.body, c.base = r.Header.Get, body, s.baseFor(r)

	if path == "/$batch" {
		c.batch()
	} else {
		c.run()
	}
	h := w.Header()
	if c.contentType == "" {
		c.contentType = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
	}
	if c.status != http.StatusNoContent && c.status != http.StatusAccepted {
		h.Set("Content-Type", c.contentType)
		h.Set("Content-Length", strconv.Itoa(len(c.out)))
	}
	for _, line := range c.headers {
		h.Set(line.name, line.value)
	}
	h.Set("request-id", s.requestID())
	if id := r.Header.Get("client-request-id"); id != "" {
		h.Set("client-request-id", id)
	}
	w.WriteHeader(c.status)
	_, _ = w.Write(c.out)
}

func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return "", nil
	}
	var b bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	return b.String(), err
}

// run carries the call out and leaves the answer in it.
func (c *call) run() {
	if err := c.prepare(); err != nil {
		c.fail(err)
		return
	}
	release, err := c.enter()
	if err != nil {
		c.fail(err)
		return
	}
	defer release()
	c.serve()
}

// prepare finds the route and what it needs: the person, the permission, the mailbox.
func (c *call) prepare() *graphError {
	c.status = http.StatusOK
	if err := c.find(); err != nil {
		return err
	}
	switch {
	case c.person != nil: // named in the path
	case c.grant.oid == "":
		if strings.HasPrefix(c.route.pattern, "/me") { // an app-only token is nobody
			return badRequest("BadRequest", "/me request is only valid with delegated authentication flow.")
		}
	default:
		c.person = c.s.Person(c.grant.oid)
	}
	if c.person == nil && c.grant.oid != "" {
		return newGraphError(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+c.grant.oid+"' does not exist or one of its queried reference-property objects are not present.")
	}
	if !c.byHand && c.grant.oid != "" && !c.person.AccountEnabled {
		return errDisabledAccount
	}
	if !c.byHand {
		c.s.counts.add(c.grant.oid, c.route.name, c.part)
	}
	if !c.byHand && !c.permitted() {
		if c.route.mailbox {
			return errAccessDenied
		}
		return newGraphError(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	if c.route.mailbox {
		c.box = c.s.mailboxOf(c.person.ID)
		if c.box == nil || !c.box.enabled.Load() {
			return errNoMailbox
		}
	}
	return c.readPreferences()
}

func (c *call) permitted() bool {
	if len(c.route.scopes) == 0 {
		return true
	}
	for _, scope := range c.route.scopes {
		if c.grant.has(scope) {
			return true
		}
	}
	return false
}

// serve lets the route's function answer.
func (c *call) serve() {
	if err := c.route.serve(c); err != nil {
		c.fail(err)
	}
}

// enter takes a place in the mailbox and lets the latency pass.
func (c *call) enter() (release func(), err *graphError) {
	release, err = c.claim()
	if err == nil && !c.byHand {
		c.s.lag(c.ctx)
	}
	return release, err
}

// lag waits for as long as POST /sim/latency has ordered.
func (s *Sim) lag(ctx context.Context) {
	if d := time.Duration(s.latency.Load()); d > 0 {
		s.wait(ctx, d)
	}
}

// wait lets d pass, or less when the caller goes away or the simulator closes.
func (s *Sim) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.closing:
	}
}

// fail makes the refusal the answer.
func (c *call) fail(err *graphError) {
	c.status = err.status
	c.contentType = ""
	c.headers = c.headers[:0]
	if err.retryAfter > 0 {
		c.headers = append(c.headers, headerLine{"Retry-After", strconv.Itoa(err.retryAfter)})
	}
	id := c.s.requestID()
	client := id
	if c.header != nil && c.header("client-request-id") != "" {
		client = c.header("client-request-id")
	}
	c.out = err.appendTo(c.out[:0], c.s.now(), id, client)
}

func (c *call) created()   { c.status = http.StatusCreated }
func (c *call) noContent() { c.status, c.out = http.StatusNoContent, c.out[:0] }

// id returns the nth wildcard of the route.
func (c *call) id(n int) string { return c.param[n] }

// context appends the @odata.context member that opens each answer.
func (c *call) context(b []byte, what string) []byte {
	b = append(b, `{"@odata.context":"`...)
	b = append(b, c.base...)
	b = append(b, "/v1.0/$metadata#"...)
	if c.box != nil {
		b = append(b, "users('"...)
		b = append(b, c.person.ID...)
		b = append(b, "')/"...)
	}
	b = append(b, what...)
	return append(b, '"')
}

// link is the address of this very request, with other query options.
func (c *call) link(q query) string {
	if c.s.warts.Load().LinkExtras {
		q = append(q, pair{"simTrace", "1"})
	}
	return c.base + "/v1.0" + c.path + "?" + q.encode()
}

var calls = sync.Pool{New: func() any { return &call{out: make([]byte, 0, 4096)} }}

func getCall() *call { return calls.Get().(*call) }

func putCall(c *call) {
	const keep = 1 << 20 // a buffer larger than this is not worth keeping
	out, headers := c.out[:0], c.headers[:0]
	if cap(out) > keep {
		out = make([]byte, 0, 4096)
	}
	*c = call{out: out, headers: headers}
	calls.Put(c)
}

// requestID names one answer, for logs on both sides. It is a count in the form of a GUID.
func (s *Sim) requestID() string {
	const form = "36500000-0000-4000-8000-000000000000"
	id := []byte(form)
	n := s.requests.Add(1)
	for i := len(id) - 1; n > 0 && i > 23; i-- {
		id[i] = hexDigits[n&15]
		n >>= 4
	}
	return string(id)
}
