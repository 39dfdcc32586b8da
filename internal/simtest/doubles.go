package simtest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"time"

	"tandem/internal/outlook"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// ledgerDouble stands before the ledger; what is nil passes.
type ledgerDouble struct {
	reconcile.Ledger
	open    func(*reconcile.Link)
	pairs   func(reconcile.Where, map[record.Ref]reconcile.Pair)
	state   func(reconcile.PairState) bool // these are never found
	found   func([]reconcile.Pair)         // those of a state
	intend  func([]reconcile.Intent) (skip bool)
	intents bool // open ones are not found
	settle  func(l *reconcile.Link, batch *int64, entries []reconcile.Entry) []reconcile.Entry
	before  func(ctx context.Context, l *reconcile.Link) // every write
}

func (d ledgerDouble) Open(ctx context.Context, id reconcile.LinkID, now time.Time, lease time.Duration) (*reconcile.Link, error) {
	l, err := d.Ledger.Open(ctx, id, now, lease)
	if err == nil && d.open != nil {
		d.open(l)
	}
	return l, err
}

func (d ledgerDouble) PairsByRef(ctx context.Context, l *reconcile.Link, side reconcile.Where, refs []record.Ref) (map[record.Ref]reconcile.Pair, error) {
	out, err := d.Ledger.PairsByRef(ctx, l, side, refs)
	if d.pairs != nil {
		d.pairs(side, out)
	}
	return out, err
}

func (d ledgerDouble) PairsInState(ctx context.Context, l *reconcile.Link, state reconcile.PairState, due time.Time, after int64, limit int) ([]reconcile.Pair, error) {
	if d.state != nil && d.state(state) {
		return nil, nil
	}
	out, err := d.Ledger.PairsInState(ctx, l, state, due, after, limit)
	if d.found != nil {
		d.found(out)
	}
	return out, err
}

func (d ledgerDouble) Intend(ctx context.Context, l *reconcile.Link, intents []reconcile.Intent) (int64, error) {
	d.first(ctx, l)
	if d.intend != nil && d.intend(intents) {
		return 0, nil
	}
	return d.Ledger.Intend(ctx, l, intents)
}

func (d ledgerDouble) OpenIntents(ctx context.Context, l *reconcile.Link) (map[int64][]reconcile.Intent, error) {
	if d.intents {
		return nil, nil
	}
	return d.Ledger.OpenIntents(ctx, l)
}

func (d ledgerDouble) Settle(ctx context.Context, l *reconcile.Link, batch int64, entries []reconcile.Entry) error {
	d.first(ctx, l)
	if d.settle != nil {
		entries = d.settle(l, &batch, append([]reconcile.Entry{}, entries...))
	}
	return d.Ledger.Settle(ctx, l, batch, entries)
}

func (d ledgerDouble) Advance(ctx context.Context, l *reconcile.Link) error {
	d.first(ctx, l)
	return d.Ledger.Advance(ctx, l)
}

func (d ledgerDouble) Renew(ctx context.Context, l *reconcile.Link, until time.Time) error {
	d.first(ctx, l)
	return d.Ledger.Renew(ctx, l, until)
}

func (d ledgerDouble) Close(ctx context.Context, l *reconcile.Link) error {
	d.first(ctx, l)
	return d.Ledger.Close(ctx, l)
}

func (d ledgerDouble) End(ctx context.Context, l *reconcile.Link, stays bool) error {
	d.first(ctx, l)
	return d.Ledger.End(ctx, l, stays)
}

func (d ledgerDouble) first(ctx context.Context, l *reconcile.Link) {
	if d.before != nil {
		d.before(ctx, l)
	}
}

// sideDouble stands before a side; what is nil passes.
type sideDouble struct {
	reconcile.Side
	changes func(ctx context.Context, page *record.Page, err *error)
	read    func(ctx context.Context, refs []record.Ref, out *[]record.Change, err *error)
	writes  func(ctx context.Context, writes []record.Write) []record.Write
	done    func(ctx context.Context, writes []record.Write, out []record.Outcome, err *error)
	find    bool // nothing is found

	pictures func(seen map[record.Ref]record.Fields)
}

func (d sideDouble) Changes(ctx context.Context, after record.Cursor, known int) (record.Page, error) {
	page, err := d.Side.Changes(ctx, after, known)
	if d.changes != nil {
		d.changes(ctx, &page, &err)
	}
	return page, err
}

func (d sideDouble) Read(ctx context.Context, refs []record.Ref) ([]record.Change, error) {
	out, err := d.Side.Read(ctx, refs)
	if d.read != nil {
		d.read(ctx, refs, &out, &err)
	}
	return out, err
}

func (d sideDouble) Apply(ctx context.Context, writes []record.Write) ([]record.Outcome, error) {
	given := writes
	if d.writes != nil {
		given = d.writes(ctx, append([]record.Write{}, writes...))
	}
	out, err := d.Side.Apply(ctx, given)
	if d.done != nil {
		if len(out) < len(writes) {
			out = append(out, make([]record.Outcome, len(writes)-len(out))...)
		}
		d.done(ctx, writes, out, &err)
	}
	return out, err
}

func (d sideDouble) Find(ctx context.Context, tokens []string) (map[string]record.Change, error) {
	if d.find {
		return nil, nil
	}
	return d.Side.Find(ctx, tokens)
}

// List, Match, Keys and Alike are those of the side that is doubled.

func (d sideDouble) List(ctx context.Context) (map[record.Ref]record.Version, error) {
	return d.Side.(reconcile.Lister).List(ctx)
}

// galleryDouble is the double of a side with pictures.
type galleryDouble struct {
	sideDouble
	reconcile.Gallery
}

func (d galleryDouble) Pictures(ctx context.Context, refs []record.Ref) (map[record.Ref]record.Fields, error) {
	seen, err := d.Gallery.Pictures(ctx, refs)
	if d.pictures != nil {
		d.pictures(seen)
	}
	return seen, err
}

// forgetful is an album that does not know what is on its way.
type forgetful struct{ outlook.Album }

func (forgetful) Sendings(context.Context, []record.Ref) (map[record.Ref]record.Value, error) {
	return nil, nil
}

type crmDouble struct{ sideDouble }

func (d crmDouble) Match(ctx context.Context, items []record.Fields) ([][]record.Change, error) {
	return d.Side.(reconcile.Matcher).Match(ctx, items)
}

func (d crmDouble) Keys(fields record.Fields) []string {
	return d.Side.(reconcile.Recognizer).Keys(fields)
}

func (d crmDouble) Alike(a, b record.Fields) bool { return d.Side.(reconcile.Recognizer).Alike(a, b) }

func (d crmDouble) NamesMeet(a, b record.Fields) bool {
	return d.Side.(reconcile.Recognizer).NamesMeet(a, b)
}

// wireDouble stands before the wire.
type wireDouble struct {
	next  http.RoundTripper
	ask   func(req *http.Request, body []byte) []byte
	after func(req *http.Request, resp *http.Response, err error, again *once) (*http.Response, error)
}

func (d wireDouble) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	req = req.Clone(req.Context())
	if d.ask != nil {
		body = d.ask(req, body)
	}
	send := func() (*http.Response, error) {
		if body != nil {
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		return d.next.RoundTrip(req)
	}
	resp, err := send()
	if d.after != nil {
		return d.after(req, resp, err, &once{body, send})
	}
	return resp, err
}

// once is a request that may be sent once more.
type once struct {
	body []byte
	send func() (*http.Response, error)
}

func (o *once) makes(items *regexp.Regexp) bool { return items.Match(o.body) }
