package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// A Part is one request: a call of its own, or a member of a batch.
type Part struct {
	Method string
	Path   string // from the version on, as Mailbox.Path and Query make it; or a link out of an answer, verbatim
	Prefer string // preferences besides immutable ids, comma separated
	// IfMatch makes a write conditional: 412 when the item has another etag by now.
	IfMatch string
	Body    []byte // JSON, or what Content says; nil: none
	// Content is the content type of a Body that is no JSON, such as image/jpeg.
	Content string
	// Binary says that the answer is bytes, such as a photo's: Result.Body holds them as they are.
	Binary bool
	// Repeatable says that doing it twice does no more than doing it once, so that it may be sent again after an
	// answer was lost. Reads always are.
	Repeatable bool
}

func (p *Part) content() string {
	if p.Content == "" {
		return "application/json"
	}
	return p.Content
}

func (p *Part) read() bool       { return p.Method == http.MethodGet }
func (p *Part) repeatable() bool { return p.Repeatable || p.read() }

// Get is a Part that reads.
func Get(path, prefer string) Part { return Part{Method: http.MethodGet, Path: path, Prefer: prefer} }

// A Result is what became of a Part.
type Result struct {
	Status int
	Body   []byte    // JSON, or empty; the bytes themselves of a Binary part
	Date   time.Time // when Graph answered, by its own clock
	// Err is the fault of an answer that is not 2xx, or of an answer that never came. Unavailable with reason
	// OutcomeUnknown: a write that may have happened. After every other fault it has not.
	Err error
}

// An Exchange is one HTTP request with its answer, for observers. The byte slices are only lent.
type Exchange struct {
	Request *http.Request
	Body    []byte
	Parts   int // 1, or the number of parts of a batch
	Status  int // 0: no answer
	Header  http.Header
	Answer  []byte
	Took    time.Duration
	Err     error
}

// maxAnswer bounds how much of an answer is read. A page of 500 contacts is below 2 MiB.
const maxAnswer = 64 << 20

// immutable asks for ids that stay the same when an item moves (Graph's documentation on immutable identifiers).
const immutable = `IdType="ImmutableId"`

func preferences(more string) string {
	if more == "" {
		return immutable
	}
	return immutable + ", " + more
}

// Do carries out one call. Reads, and writes that are Repeatable, are tried again after a passing failure; other
// writes only if they were refused without being looked at. The error is that of the Result.
func (m *Mailbox) Do(ctx context.Context, p Part) (Result, error) {
	var doubt error // an attempt before this one may have been carried out
	for try := 1; ; try++ {
		ans, sent, err := m.exchange(ctx, &p)
		if err != nil {
			if sent {
				err = lost(!p.read(), 0, err)
				doubt = err
			}
			if sent && !p.repeatable() || !m.again(ctx, err, try) {
				if doubt != nil && !p.read() {
					err = doubt
				}
				return Result{Err: err}, err
			}
			continue
		}
		r := m.judge(&p, ans.status, func() string { return ans.header.Get("Retry-After") }, ans.body, try)
		r.Date = ans.date
		if r.Err == nil {
			return r.Result, nil
		}
		if r.unknown {
			doubt = r.Err
		} else if !r.again {
			return r.Result, r.Err
		}
		if !r.again || try >= m.c.limits.Tries || m.c.sleep(ctx, r.wait) != nil {
			if doubt != nil {
				r.Err = doubt
			}
			return r.Result, r.Err
		}
	}
}

// again decides about an exchange that failed as a whole, and waits if it is to be tried again.
func (m *Mailbox) again(ctx context.Context, err error, try int) bool {
	passing := fault.Is(err, fault.Unavailable)
	return passing && ctx.Err() == nil && try < m.c.limits.Tries && m.c.sleep(ctx, m.backoff(try)) == nil
}

// backoff is how long to wait after the n-th failure in a row when Graph does not say: doubling, scattered by half so
// that many do not return together.
func (m *Mailbox) backoff(n int) time.Duration {
	const most = 20 * time.Second
	d := min(m.c.limits.Backoff<<min(n-1, 8), most)
	return d/2 + m.c.spread(d)
}

// judgement is a Result with what to do about it.
type judgement struct {
	Result
	again   bool          // try again
	wait    time.Duration // before that; a Retry-After counts for the whole mailbox and is kept by its gate
	unknown bool          // a write that may have happened
}

// judge tells what an answer means for a part. after finds the header Retry-After, if it is wanted.
func (m *Mailbox) judge(p *Part, status int, after func() string, body []byte, try int) judgement {
	j := judgement{Result: Result{Status: status, Body: body}}
	if status < 300 {
		if len(body) > 0 && body[0] != '{' && !p.Binary && status != http.StatusNoContent && status != http.StatusAccepted {
			// Something between us and Graph answered in its place, mostly with a page of HTML.
			j.Err = lost(!p.read(), 0, fmt.Errorf("%d without JSON", status))
			j.unknown, j.again, j.wait = !p.read(), p.repeatable(), m.backoff(try)
		}
		return j
	}
	if status < 400 { // Graph redirects nobody
		j.Err = lost(!p.read(), 0, fmt.Errorf("redirected (%d)", status))
		j.unknown = !p.read()
		return j
	}
	pause := retryAfter(after(), m.c.now())
	j.Err = refusal(status, pause, body)
	var e *Error
	errors.As(j.Err, &e)
	m.c.log.Log(context.Background(), levelOf(status), "Graph refuses", "status", status, "code", e.Code, "request", e.RequestID, "pause", pause)
	switch {
	case status == http.StatusTooManyRequests || status == 509:
		j.again = true
		concurrency := strings.Contains(e.Message, "MailboxConcurrency")
		if concurrency {
			m.gate.serial.Store(true)
		} else {
			m.c.app.learn(true)
		}
		if pause == 0 {
			pause = m.backoff(try)
		}
		m.gate.hold(m.c.now(), pause)
		fault.As(j.Err).RetryAfter = pause
	case status == http.StatusFailedDependency:
		j.again = true
	case status == http.StatusConflict && e.HasCode(codeConcurrentSave):
		j.again, j.wait = true, m.backoff(try)
	case status == http.StatusPreconditionFailed && p.read():
		j.again, j.wait = true, m.backoff(try)
	case status == http.StatusInsufficientStorage:
	case status >= 500 || status == http.StatusRequestTimeout:
		if pause > 0 {
			m.gate.hold(m.c.now(), pause)
		} else {
			j.wait = m.backoff(try)
		}
		j.again = p.repeatable()
		if !p.read() {
			j.Err, j.unknown = lost(true, pause, e), true
		}
	}
	return j
}

// levelOf tells the refusals that belong to everyday life from those that an operator wants to hear of.
func levelOf(status int) slog.Level {
	switch status {
	case http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed, http.StatusFailedDependency:
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// answer is what came back for one HTTP request.
type answer struct {
	status int
	header http.Header
	body   []byte
	date   time.Time
	token  account.Secret // with which it was asked for
}

// exchange sends one request as soon as the mailbox may take it, with a new token if the first is refused. sent tells
// of an error whether Graph may have seen the request.
func (m *Mailbox) exchange(ctx context.Context, p *Part) (ans *answer, sent bool, err error) {
	return m.exchangeParts(ctx, p, 1, func() {})
}

// exchangeParts calls through once the mailbox lets the request through.
func (m *Mailbox) exchangeParts(ctx context.Context, p *Part, parts int, through func()) (ans *answer, sent bool, err error) {
	var refused account.Secret
	for {
		token, err := m.tokens.Token(ctx, refused)
		if err != nil {
			return nil, false, err
		}
		if refused != "" && token == refused {
			return ans, true, nil // there is no other: the 401 stands
		}
		if err := m.enter(ctx, parts); err != nil {
			return nil, false, err
		}
		through()
		ans, sent, err = m.send(ctx, p, parts, token)
		m.leave()
		if err != nil || ans.status != http.StatusUnauthorized || refused != "" {
			return ans, sent, err
		}
		refused = token
	}
}

func (m *Mailbox) send(ctx context.Context, p *Part, parts int, token account.Secret) (*answer, bool, error) {
	address, err := m.c.address(p.Path)
	if err != nil {
		return nil, false, err
	}
	callCtx, cancel := context.WithTimeout(ctx, m.c.limits.Timeout)
	defer cancel()
	var body io.Reader
	if p.Body != nil {
		body = bytes.NewReader(p.Body)
	}
	req, err := http.NewRequestWithContext(callCtx, p.Method, address, body)
	if err != nil {
		return nil, false, fault.New(fault.Broken, "", "graph: %w", err)
	}
	req.Header = http.Header{
		"Authorization":     {"Bearer " + token.Reveal()},
		"Accept":            {"application/json"},
		"Prefer":            {preferences(p.Prefer)},
		"Client-Request-Id": {newRequestID()},
	}
	if p.Body != nil {
		req.Header["Content-Type"] = []string{p.content()}
	}
	if p.Binary {
		req.Header["Accept"] = []string{"*/*"}
	}
	if p.IfMatch != "" {
		req.Header["If-Match"] = []string{p.IfMatch}
	}
	if m.c.admit != nil {
		if err := m.c.admit(ctx); err != nil {
			return nil, false, err
		}
	}
	began := m.c.now()
	ans, err := m.receive(req)
	if m.c.observe != nil {
		ex := Exchange{Request: req, Body: p.Body, Parts: parts, Took: m.c.now().Sub(began), Err: err}
		if ans != nil {
			ex.Status, ex.Header, ex.Answer = ans.status, ans.header, ans.body
		}
		m.c.observe(ex)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if unreached(err) {
			return nil, false, fault.New(fault.Unavailable, "", "graph: not reached: %w", err)
		}
		return nil, true, err
	}
	ans.token = token
	if ans.status < 400 {
		m.c.app.learn(false)
	}
	return ans, true, nil
}

func (m *Mailbox) receive(req *http.Request) (*answer, error) {
	resp, err := m.c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	ans := &answer{status: resp.StatusCode, header: resp.Header}
	buf := bytes.NewBuffer(make([]byte, 0, min(max(resp.ContentLength, 1024), 1<<20)+bytes.MinRead))
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer (%d) broke off: %w", resp.StatusCode, err)
	}
	if n > maxAnswer {
		return nil, fmt.Errorf("the answer (%d) is longer than %d bytes", resp.StatusCode, maxAnswer)
	}
	ans.body = buf.Bytes()
	if ans.date, err = http.ParseTime(resp.Header.Get("Date")); err != nil {
		ans.date = m.c.now()
	}
	ans.date = ans.date.UTC()
	return ans, nil
}

// unreached reports whether an error of the transport proves that the request never arrived.
func unreached(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// address makes the whole address of a path or of a link. A link must stay on Graph's host and version, or the token
// would go astray.
func (c *Client) address(path string) (string, error) {
	if strings.HasPrefix(path, "/") {
		return c.base + path, nil
	}
	relative, err := c.relative(path)
	return c.base + relative, err
}

// relative cuts Graph's address off a link, as batches want it; the rest stays byte for byte.
func (c *Client) relative(link string) (string, error) {
	if strings.HasPrefix(link, "/") {
		return link, nil
	}
	if rest, ok := strings.CutPrefix(link, c.base); ok && strings.HasPrefix(rest, "/") {
		return rest, nil
	}
	ours, err := url.Parse(c.base)
	if err != nil {
		return "", err
	}
	theirs, err := url.Parse(link)
	if err == nil && theirs.User == nil && strings.EqualFold(theirs.Scheme, ours.Scheme) && strings.EqualFold(theirs.Host, ours.Host) {
		_, rest, _ := strings.Cut(link, "://")
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			if rest, ok := strings.CutPrefix(rest[slash:], ours.Path); ok && strings.HasPrefix(rest, "/") {
				return rest, nil
			}
		}
	}
	return "", fault.New(fault.Gone, fault.CursorExpired, "graph: a link leads away from %s", c.base)
}
