// Package graph speaks Microsoft Graph v1.0 over HTTP: calls, batches, pages and links, with the manners that Graph asks
// for. It keeps within the limits of each mailbox, waits as long as it is told to, repeats what is safe to repeat and
// nothing else, and gives every refusal its fault kind. It also keeps access tokens fresh (tokens.go).
//
// It knows Graph's spelling and no meaning: what a calendar or a contact is to us is left to package outlook.
package graph

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tandem/internal/account"
)

// BatchSize is the most parts that Graph takes in one batch.
const BatchSize = 20

// Options says where Graph is and how patient to be. Zero values stand for the real thing.
type Options struct {
	BaseURL string           // with the version: https://graph.microsoft.com/v1.0
	HTTP    *http.Client     // must not follow redirects with credentials; nil: a client of our own
	Now     func() time.Time // nil: time.Now
	// Sleep waits for d or until ctx ends; nil: with a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Spread gives a time below d: by how much longer than at least a pause is to be, so that many do not return together.
	// It is called with a d above 0. nil: at random.
	Spread func(d time.Duration) time.Duration
	Logger *slog.Logger // nil: silent
	Limits Limits
	// Admit is asked with the caller's context right before each request; what it refuses is not sent, and its error is the
	// call's. nil: nothing is refused.
	Admit func(context.Context) error
	// Observe hears of every exchange after its answer was read; calls may come at once from several goroutines.
	Observe func(Exchange)
}

// Limits are what Graph grants (reference §5) and what we make of it. Zero values are filled in.
type Limits struct {
	InFlight    int           // requests at once to one mailbox: 4
	Requests    int           // requests to one mailbox in any Window, parts of batches counted: 10,000
	Window      time.Duration // 10 minutes
	AppInFlight int           // requests at once over all mailboxes, before 429s teach better: 256
	Patience    time.Duration // the longest wait inside a call; whoever must wait longer gets Throttled: 30 s
	Tries       int           // how often a call is made at most, the first time included: 5
	Backoff     time.Duration // the first pause when Graph names none; it doubles: 500 ms
	Timeout     time.Duration // of one exchange: 100 s, as a chained batch may take its time
}

func (l Limits) filled() Limits {
	fill(&l.InFlight, 4)
	fill(&l.Requests, 10_000)
	fill(&l.Window, 10*time.Minute)
	fill(&l.AppInFlight, 256)
	fill(&l.Patience, 30*time.Second)
	fill(&l.Tries, 5)
	fill(&l.Backoff, 500*time.Millisecond)
	fill(&l.Timeout, 100*time.Second)
	return l
}

func fill[T int | time.Duration](v *T, standard T) {
	if *v == 0 {
		*v = standard
	}
}

// A TokenSource gives access tokens to act for one person, or for the app itself.
type TokenSource interface {
	// Token gives an access token. refused is a token that Graph has just answered with 401, so that another one is
	// needed, or "".
	Token(ctx context.Context, refused account.Secret) (account.Secret, error)
}

// Static is a TokenSource with one token and no way to another.
type Static account.Secret

// Token gives the token, refused or not.
func (s Static) Token(context.Context, account.Secret) (account.Secret, error) {
	return account.Secret(s), nil
}

// Client is Graph as this process sees it. One is enough for all mailboxes, and there must be only one, as it counts
// what is in flight.
type Client struct {
	base    string
	http    *http.Client
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	spread  func(time.Duration) time.Duration
	log     *slog.Logger
	limits  Limits
	admit   func(context.Context) error
	observe func(Exchange)
	app     *throttle

	mu    sync.Mutex
	gates map[string]*gate
}

// New makes a client.
func New(o Options) *Client {
	c := &Client{
		base:    strings.TrimRight(o.BaseURL, "/"),
		http:    o.HTTP,
		now:     o.Now,
		sleep:   o.Sleep,
		spread:  o.Spread,
		log:     o.Logger,
		limits:  o.Limits.filled(),
		admit:   o.Admit,
		observe: o.Observe,
		gates:   map[string]*gate{},
	}
	if c.base == "" {
		c.base = "https://graph.microsoft.com/v1.0"
	}
	if c.http == nil {
		c.http = NewHTTP()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
	if c.spread == nil {
		c.spread = rand.N[time.Duration]
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.app = newThrottle(c.limits.AppInFlight)
	return c
}

// NewHTTP makes an HTTP client fit for many calls at once to one host. It follows no redirect: Graph sends none, and
// a token must not travel to another host.
func NewHTTP() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 512
	transport.MaxIdleConnsPerHost = 512
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Mailbox is Graph on behalf of one person. Values for the same person share the limits of the mailbox; they may be
// used by several goroutines.
type Mailbox struct {
	c      *Client
	tokens TokenSource
	id     string
	gate   *gate
}

// For gives the mailbox of a person by object id, or with "" that of whoever the token belongs to.
func (c *Client) For(tokens TokenSource, id string) *Mailbox {
	return &Mailbox{c: c, tokens: tokens, id: id, gate: c.gateOf(id)}
}

// ID is the object id of the mailbox's owner; "" when it is whoever the token belongs to.
func (m *Mailbox) ID() string { return m.id }

// InFlight is how many requests the client has under way to the mailbox at once.
func (m *Mailbox) InFlight() int { return m.c.limits.InFlight }

// Path makes the path of something in the mailbox out of its segments, each escaped. It names the person wherever the
// id is known: a token of somebody else is then refused instead of writing to the wrong mailbox, and tokens of the app
// itself work as well ("/me" is unknown to them).
func (m *Mailbox) Path(segments ...string) string {
	var b strings.Builder
	if m.id == "" {
		b.WriteString("/me")
	} else {
		b.WriteString("/users/")
		b.WriteString(url.PathEscape(m.id))
	}
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// Query makes the query of an address out of names and values in turn, escaped as OData wants it (a blank is %20).
func Query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(pairs[i])
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
	}
	return b.String()
}

// Quote writes a string as OData does in a filter.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// newRequestID is a GUID for the header client-request-id; it is for logs only and need not be hard to guess.
func newRequestID() string {
	const hex = "0123456789abcdef"
	a, b := rand.Uint64(), rand.Uint64()
	out := []byte("00000000-0000-4000-8000-000000000000")
	for i := range out {
		if out[i] != '0' {
			continue
		}
		n := &a
		if i > 18 {
			n = &b
		}
		out[i] = hex[*n&15]
		*n >>= 4
	}
	return string(out)
}
